"""What would the reports say of a company whose truth is known? The sample company: data made to order, truth kept."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace as Columns

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from toolkit.contract import FULFILMENTS, TABLES, Column
from toolkit.errors import ParamsError

ZONE = "Europe/Amsterdam"
_DAY, _NEVER = 86_400, 2**40  # times are seconds on the clock in ZONE since 1970; _NEVER is empty
_MONDAY = 19_905  # 2024-07-01 in days since 1970: day 0 of the company
_DAYS = 822  # orders up to 2026-09-30
_EXTRACT = (_MONDAY + _DAYS + 21) * _DAY  # what happens later is not in the files: 2026-10-22 00:00
_MONTHS = 28  # 2024-07 to 2026-10, the last one cut by the extract
_CALENDAR = np.datetime64("2024-07-01") + np.arange(_DAYS + 60)
_MONTH = (_CALENDAR.astype("datetime64[M]") - np.datetime64("2024-07")).astype(int)
_CSV = ("payments", "surveys")

SIZES = {  # customers, orders, products, share of promised orders invited, scale of the small tables
    "normal": Columns(customers=20_000, orders=400_000, products=1200, invited=0.15, scale=1.0),
    "tiny": Columns(customers=400, orders=4_500, products=200, invited=0.5, scale=0.1),
}

GROUPS = ("city households", "families", "small businesses", "caterers", "export wholesalers")
REGIONS = ("Centre", "East", "Flanders", "North", "South", "West")
_LATITUDE = np.array([52.1, 52.3, 51.0, 53.1, 51.5, 52.1])
_LONGITUDE = np.array([5.2, 6.4, 3.9, 6.4, 5.4, 4.4])
_TYPE = (0, 0, 1, 1, 2)  # of TYPES: the coarse kind that the data show
_TYPES = ("consumer", "business", "wholesale")
_CHANNELS = ("app", "edi", "phone", "store", "web")
_SITES = tuple([f"S{i:02}" for i in range(1, 13)] + ["W01", "W02"])  # two stores a region, warehouse, plant
_SITE_REGION = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 1])
_CATEGORIES = ("bakery", "cheese", "coffee and tea", "fresh", "glass and china", "household", "pantry", "wine")
_BRANDS = tuple(f"Brand {letter}" for letter in "ABCDEFGHIJKLMNOPQRST")
_SUPPLIERS = (*[f"SUP{i}" for i in range(1, 8)], "W01")
_CARRIERS = ("courier", "own_van", "pallet_line", "parcel_a", "parcel_b")
_COURIER, _VAN, _PALLET, _PARCEL_A, _PARCEL_B = range(5)
_CLICK, _CURBSIDE, _DIRECT, _HOME, _STORE, _SHIP = range(6)  # FULFILMENTS in order
ITEMS = ("recommend", "on_time", "product", "felt_personal")
_COMMENTS = ("It came too late.", "Something was missing.", "It arrived damaged.", "Not for me.")

# One column or row a group, in the order of GROUPS.
_SHARE = np.array([0.42, 0.33, 0.14, 0.08, 0.03])
_FREQUENCY = np.array([14.0, 20.0, 32.0, 45.0, 30.0])  # orders in 27 months, before scaling
_LINES = np.array([2.6, 3.6, 1.3, 4.5, 5.0])  # lines an order
_PIECES = np.array([1.2, 2.0, 0.4, 6.0, 36.0])  # pieces a line, beyond the first
_DISCOUNT = np.array([0.0, 0.0, 0.02, 0.06, 0.13])
_RUSH = np.array([0.03, 0.02, 0.38, 0.05, 0.03])
_CHRISTMAS = np.array([1.5, 1.8, 0.9, 1.9, 1.2])  # 5 to 24 December
_SUMMER = np.array([0.95, 0.85, 0.8, 1.1, 0.9])  # July and August
_WEEKDAY = np.array(
    [
        [1.0, 0.9, 0.9, 1.0, 1.2, 1.3, 1.1],
        [0.9, 0.8, 0.9, 0.9, 1.2, 1.8, 1.3],
        [1.3, 1.2, 1.2, 1.2, 1.1, 0.2, 0.05],
        [1.4, 1.2, 1.2, 1.4, 1.0, 0.3, 0.4],
        [1.3, 1.2, 1.1, 1.1, 1.0, 0.05, 0.02],
    ]
)
_PEAKS = ((12.5, 20.5), (10, 20), (8.5, 16), (6.5, 22), (9.5, 14))  # busy hours
_REGION_SHARE = np.array(
    [
        [0.25, 0.1, 0.1, 0.1, 0.1, 0.35],
        [0.2, 0.2, 0.1, 0.15, 0.2, 0.15],
        [0.2, 0.15, 0.1, 0.15, 0.2, 0.2],
        [0.25, 0.1, 0.15, 0.1, 0.15, 0.25],
        [0.1, 0.05, 0.6, 0.05, 0.15, 0.05],
    ]
)
_CHANNEL_SHARE = np.array(
    [
        [0.6, 0, 0.02, 0.1, 0.28],
        [0.3, 0, 0.05, 0.15, 0.5],
        [0.15, 0, 0.35, 0.1, 0.4],
        [0.1, 0.25, 0.45, 0, 0.2],
        [0, 0.8, 0.15, 0, 0.05],
    ]
)
_FULFILMENT_SHARE = np.array(
    [
        [0.28, 0.02, 0, 0.38, 0.27, 0.05],
        [0.12, 0.15, 0, 0.5, 0.21, 0.02],
        [0.05, 0.02, 0.03, 0.62, 0.13, 0.15],
        [0, 0, 0.25, 0.6, 0.1, 0.05],
        [0, 0, 0.93, 0.07, 0, 0],
    ]
)
_LIKES = ("organic", "quick", "budget", "premium")  # attributes of products
_LIKING = np.array([[3, 3, 0.5, 1.2], [1.2, 1, 3, 0.6], [0.6, 2, 1, 1], [1.2, 0.3, 0.6, 4], [0.5, 0.3, 2, 1]])
_CATEGORY_LIKING = np.array(
    [
        [1.5, 1, 1.2, 2, 0.4, 0.6, 1, 1],
        [1.5, 1, 0.8, 1.5, 0.4, 1.5, 1.5, 0.5],
        [1, 0.3, 3, 0.5, 0.6, 2, 0.8, 0.3],
        [1.5, 2, 1, 2, 1, 0.3, 1, 2],
        [0.2, 2, 1, 0.1, 0.5, 0.5, 2, 2],
    ]
)

# The score. A latent on a scale of about 0 to 10: level of the group, level of the customer, what went wrong,
# skewed noise that widens with trouble; uneven steps to the 11 answers; some go straight to 0, 1 or 2.
_LEVEL = np.array([8.3, 8.6, 7.7, 8.5, 8.1])
_SPREAD = np.array([1.5, 1.3, 1.7, 1.4, 1.2])
_LATE_WEIGHT = np.array([1.0, 0.8, 1.5, 1.9, 0.6])
_SHORT_WEIGHT = np.array([0.7, 0.9, 1.1, 1.7, 1.2])
_DAMAGE_WEIGHT = np.array([1.2, 1.0, 0.9, 1.3, 0.7])
_STEPS = np.array([0.6, 1.4, 2.6, 3.3, 4.6, 5.6, 6.3, 7.1, 8.1, 9.0])

# Time equations: activity -> pool, seconds for each, seconds for each unit of a driver.
TIME = {
    "order_entry": ("order_desk", 30, {"export": 300, "lines": 6, "rush": 180}),
    "picking": ("warehouse", 75, {"lines": 40, "pallets": 300, "rush": 60}),
    "packing": ("warehouse", 50, {"export": 420, "hand_packed": 150}),
    "delivery_stop": ("transport", 360, {"pallets": 540, "rush": 240}),
    "complaint_handling": ("customer_service", 720, {"lines": 60}),
    "return_handling": ("warehouse", 300, {"hand_packed": 120}),
    "account_visit": ("account_management", 5400, {}),
}
POOLS = {  # cents a minute of practical capacity, shares of the accounts
    "account_management": (95, {"rent": 0.1, "vehicles": 0.1, "wages": 0.8}),
    "customer_service": (55, {"rent": 0.15, "wages": 0.85}),
    "order_desk": (62, {"rent": 0.15, "wages": 0.85}),
    "transport": (71, {"vehicles": 0.4, "wages": 0.6}),
    "warehouse": (48, {"packaging": 0.15, "rent": 0.25, "wages": 0.6}),
}
_OVER_CAPACITY = ("warehouse", "2025-12")

NEEDS = ("predictable arrival", "smaller stock")
REQUEST_TYPES = ("daily_delivery", "fixed_hour", "shorter_lead_time", "smaller_orders")
_REQUEST_SHARE = np.array([[0.1, 0.6, 0.25, 0.05], [0.33, 0.05, 0.17, 0.45]])
_TERMS = {  # term -> department, share of each need's agreements that hold it, wordings
    "arrival_notice": ("customer_service", (0.5, 0.05), ("call ahead", "text 30 min ahead", "yes")),
    "delivery_days": ("logistics", (0.3, 0.8), ("daily", "mon-fri", "every working day")),
    "delivery_window": ("logistics", (0.85, 0.1), ("07:00-09:00", "before 9", "fixed hour", "fixed hour 8")),
    "lead_time_days": ("sales", (0.4, 0.3), ("1", "2", "next day")),
    "minimum_order": ("sales", (0.1, 0.75), ("half case", "none", "single case")),
    "payment_days": ("finance", (1.0, 1.0), ("14", "30", "60")),
}
_SUPPLIER, _SUPPLIER_MONTH = "SUP4", "2025-11"
_SUPPLIER_LATE, _SUPPLIER_SHORT = (0.07, 0.32), (0.04, 0.22)  # of orders, of lines; before, after
_SHORT = (0.02, 0.11)  # share of our order lines that go out short: other products, that supplier's from then on
_CARRIER_LATE = np.array([0.08, 0.05, 0.09, 0.17, 0.07, 0.03])  # of _CARRIERS, and of goods fetched
_DECISION_DAY, _DECISION_REGION = 580, 3  # 2026-02-01, North
_CAMPAIGNS = ((20, 0), (110, 1), (150, 2), (300, 0), (430, 1), (515, 2), (680, 0))  # first day, template
_UPLIFT = np.array([0.05, 0.13, 0.02, 0.0, 0.0])  # extra orders a customer contacted, in 28 days
_WISHES = ((6.0, 4.5, 3.0, 2.0), (1.5, 0.8))  # a day: the first four products; two that are not in the range
_TERM_WISHES = ("oat cream", "refill soap")


@dataclass(frozen=True, eq=False)
class Truth:
    """What was planted, for tests to find again.

    Identifiers are raw ones, as before pseudonyms. Truth of the scores is no coefficient:
    each order keeps its draws and is scored again as if one thing had gone otherwise, all
    else (and what was known of it at the invitation) as it was. *Promised orders* are those
    neither cancelled nor bought in the store.

    Attributes
    ----------
    size, seed, nonresponse
        As asked for.
    customer_group
        Series by customer_id: one of ``GROUPS``.
    customer_need
        Series by customer_id, businesses and wholesale only: one of ``NEEDS``.
    potential
        One row per promised order: order_id, group, ``invited_at`` (UTC, whether invited or not), what was
        known then (``days_late``, ``fill`` 0-1, ``damaged``, ``arrived``), ``late`` (ever), ``orders_before``
        and ``late_share_before`` (0-1, of the customer's earlier promised orders; with ``orders_before`` all
        that answering depends on in the variant *history*), and the answers 0-10 to *recommend*: ``score``,
        and had it been ``score_on_time``, ``score_complete``, ``score_undamaged``.
    effects
        One row per cause (late, short, damaged) and group ("all" too): ``n`` orders that knew the cause when
        invited, ``att`` = 100 * mean over them of class(score) - class(score without the cause), ``ate`` = the
        same over all promised orders, all with the cause at ``typical`` (the group's median of days late or
        fill) against none; classes are -1 up to 6, 0 at 7 and 8, 1 from 9; NPS points.
    nps_points_late, nps_points_short, nps_points_damaged
        ``att`` of the group "all", NPS points.
    activity_seconds, driver_seconds
        Seconds of one unit by activity; seconds for each unit of a driver by activity and driver.
    activity_pool
        Pool of each activity.
    pool_rates
        Cents a minute of practical capacity, by pool; exactly the ledger over the capacity, every month.
    pool_minutes
        Minutes worked, by month (first day) and pool.
    over_capacity
        Pool and month (first day) where use is above 100 %.
    group_result
        By group, cents, orders not cancelled: ``margin`` (revenue less goods), ``freight``, ``work`` (seconds x
        rate), ``result``; and ``orders``.
    loss_making_group, loss_because
        The group whose result is below nought, and why.
    wishes_per_day
        Rate of wishes a day by product_id, or by term where the article is not in the range.
    supplier_id, supplier_from
        Who deteriorates, from which day on.
    supplier_late, supplier_short
        Planted shares before and after: of purchase orders late, of their lines short.
    decision
        ``day``, ``region``, ``carrier_before``, ``carrier_after``, and over the home parcels
        concerned from then on: ``n``, ``late_share`` as it was, ``late_share_otherwise`` (same draws, old
        carrier), ``effect`` = the difference (0-1).
    campaign_uplift
        Orders made by the campaign in the 28 days from its contact, per 1,000 contacted, by campaign_id. More
        orders than these carry the campaign's id.
    dirty
        Rows that ingest must catch: ``orders_repeated``, ``lines_without_revenue``, ``lines_orphaned``,
        ``delivered_before_ordered``, ``scores_of_11``, ``test_customers``.
    """

    size: str
    seed: int
    nonresponse: str
    customer_group: pd.Series
    customer_need: pd.Series
    potential: pd.DataFrame
    effects: pd.DataFrame
    nps_points_late: float
    nps_points_short: float
    nps_points_damaged: float
    activity_seconds: dict[str, int]
    driver_seconds: dict[str, dict[str, int]]
    activity_pool: dict[str, str]
    pool_rates: dict[str, int]
    pool_minutes: pd.DataFrame
    over_capacity: tuple[str, str]
    group_result: pd.DataFrame
    loss_making_group: str
    loss_because: str
    wishes_per_day: dict[str, float]
    supplier_id: str
    supplier_from: str
    supplier_late: tuple[float, float]
    supplier_short: tuple[float, float]
    decision: dict[str, str | int | float]
    campaign_uplift: dict[str, float]
    dirty: dict[str, int]


def write(folder: Path, size: str = "normal", *, seed: int = 20260930, nonresponse: str = "history") -> Truth:
    """Write the sample company's raw files into ``folder``, in one step: all of them or none.

    ``payments.csv`` (euros with a decimal point) and ``surveys.csv`` are CSV, the others
    Parquet. Same size, seed and library versions: same bytes. What was in ``folder`` goes.
    """
    tables, truth = make(size, seed=seed, nonresponse=nonresponse)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, table in tables.items():
            if name in _CSV:
                pyarrow.csv.write_csv(table, staging / f"{name}.csv")
            else:
                pq.write_table(table, staging / f"{name}.parquet", compression="zstd", row_group_size=1_000_000)
        if folder.exists():
            folder.rename(staging / "old")
            (staging / "old").rename(old := Path(tempfile.mkdtemp(prefix=".old-", dir=folder.parent)))
            staging.rename(folder)
            shutil.rmtree(old)
        else:
            staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return truth


def make(
    size: str = "normal", *, seed: int = 20260930, nonresponse: str = "history"
) -> tuple[dict[str, pa.Table], Truth]:
    """Raw tables of the sample company, dirty rows among them, and the truth behind them.

    A retailer-manufacturer with stores, two warehouses and accounts, 2024Q3 to 2026Q3; the
    files were drawn on 2026-10-22. Five groups of customers that no column names differ in
    everything they do. Lateness comes of carrier, season, rush and place; shortage of
    suppliers; both move scores (``Truth``).

    Parameters
    ----------
    size
        ``normal`` (20,000 customers, 400,000 orders) or ``tiny`` (400 and 4,500).
    seed
        Of the one random generator.
    nonresponse
        What answering depends on: ``history`` (earlier orders, earlier lateness) or ``score`` (the score
        itself as well). Nothing else differs between the two.

    Returns
    -------
    tuple
        Table by contract name, with contract columns; and the ``Truth``.

    Raises
    ------
    ParamsError
        If there is no such size or variant.
    """
    for name, value, known in (("size", size, sorted(SIZES)), ("nonresponse", nonresponse, ["history", "score"])):
        if value not in known:
            raise ParamsError(f"sample: expected {name} to be one of {', '.join(known)}, found {value!r}.")
    rng, sizes = np.random.default_rng(seed), SIZES[size]
    who = _customers(rng, sizes.customers)
    goods = _products(rng, sizes.products)
    campaigns = _campaigns(rng, who)
    orders = _orders(rng, who, campaigns, sizes.orders)
    lines = _order_lines(rng, who, goods, orders)
    ship = _deliveries(rng, who, goods, orders, lines)
    asked = _asked(rng, who, orders, ship, lines)
    surveys, answers = _surveys(rng, who, orders, asked, sizes.invited, nonresponse)
    events = _events(rng, orders, ship)
    returns = _returns(rng, goods, orders, lines, ship)
    work = _activities(rng, who, orders, lines, ship, events, returns)
    tables = (
        _people_tables(rng, who, orders, campaigns)
        | _goods_tables(rng, who, goods, orders, lines, sizes.scale)
        | _order_tables(rng, orders, lines, ship, events, returns)
        | _cost_tables(rng, work, ship, orders)
        | {"surveys": surveys}
    )
    dirty = _soil(rng, tables)
    result = _group_result(orders, lines, ship, work)
    effects = _effects(answers, asked)
    overall = effects[effects.group == "all"].set_index("cause").att
    customer = pd.Index(who.ids.to_pylist(), name="customer_id")
    wishes = dict(zip([*goods.ids[:4].to_pylist(), *_TERM_WISHES], [*_WISHES[0], *_WISHES[1]], strict=True))
    truth = Truth(
        size=size,
        seed=seed,
        nonresponse=nonresponse,
        customer_group=pd.Series(np.array(GROUPS)[who.group], customer, name="group"),
        customer_need=pd.Series(np.array(NEEDS)[who.need], customer, name="need")[who.need >= 0],
        potential=_potential(orders, asked, answers),
        effects=effects,
        nps_points_late=overall["late"],
        nps_points_short=overall["short"],
        nps_points_damaged=overall["damaged"],
        activity_seconds={activity: seconds for activity, (_, seconds, _) in TIME.items()},
        driver_seconds={activity: dict(per) for activity, (_, _, per) in TIME.items()},
        activity_pool={activity: pool for activity, (pool, _, _) in TIME.items()},
        pool_rates={pool: rate for pool, (rate, _) in POOLS.items()},
        pool_minutes=pd.DataFrame(work.minutes, index=_month_days(), columns=list(POOLS)),
        over_capacity=(_OVER_CAPACITY[0], f"{_OVER_CAPACITY[1]}-01"),
        group_result=result,
        loss_making_group=result.result.idxmin(),
        loss_because="many small rush orders: entry, stop and parcel cost more than the basket's margin",
        wishes_per_day={key: rate * sizes.scale for key, rate in wishes.items()},
        supplier_id=_SUPPLIER,
        supplier_from=f"{_SUPPLIER_MONTH}-01",
        supplier_late=_SUPPLIER_LATE,
        supplier_short=_SUPPLIER_SHORT,
        decision=ship.decision,
        campaign_uplift=campaigns.uplift,
        dirty=dirty,
    )
    return {name: tables[name] for name in TABLES}, truth

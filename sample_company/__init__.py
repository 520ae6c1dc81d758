"""What would reports say of a company whose truth is known? The sample company, made to order, truth kept."""

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

from sample_company import life
from toolkit.contract import FULFILMENTS, TABLES, Column
from toolkit.errors import ParamsError


@dataclass(frozen=True, eq=False)
class Truth:
    """What was planted, for tests to find again; identifiers are raw ones, as before pseudonyms.

    The truth of the scores is no coefficient: each order keeps its draws and is scored again
    as if one thing had gone otherwise, and all else as it was. *Promised orders* are those
    neither cancelled nor bought in the store.

    Attributes
    ----------
    customer_group, customer_need
        Series by customer_id: one of ``GROUPS``; one of ``NEEDS`` (business and wholesale only).
    standards
        By need, the terms that more than half of its agreements hold, payment apart.
    disciplines
        By type: the discipline that it is led in ("" for two groups that are not served alike), the floor that fails.
    potential
        One row per promised order, invited or not: order_id, group, ``invited_at`` (UTC); what was known then
        (``days_late``, ``fill`` 0-1, ``damaged``, ``arrived``); ``late`` (ever); ``orders_before`` (promised,
        the customer's) and their ``late_share_before`` (0-1): all that answering depends on in the variant
        *history*; answers to *recommend*, 0-10: ``score``, and had it been ``score_on_time``,
        ``score_complete``, ``score_undamaged``.
    effects
        One row per cause (late, short, damaged) and group ("all" too), NPS points: ``att`` = 100 x mean of
        class(score) - class(score without the cause) over the ``n`` orders that knew the cause when invited;
        ``ate`` = the same over all promised orders, all with the group's ``typical`` cause (median days late,
        median fill) against none. Classes are -1 up to 6, 0 at 7 and 8, 1 from 9.
    activity_seconds, driver_seconds
        Seconds of one, by activity; seconds for each unit of a driver, by activity and driver.
    pool_rates, pool_minutes, over_capacity
        Cents a minute: ledger / practical capacity, exactly, each month; minutes worked by month (first day)
        and pool; the pool and month with use above 100 %.
    group_result, loss_making_group, loss_because
        By group, cents, orders not cancelled: ``margin`` (revenue less goods), ``freight``, ``work`` (seconds
        at the rates), ``result``; and ``orders``. The group with a loss, and why.
    wishes_per_day
        Rate of wishes by product_id, or by term where the article is not in the range.
    missed
        One row a line of an order (not cancelled) that would have been of another article, had it been there:
        ``day`` (date), ``product_id`` (the wanted one), ``pieces``.
    supplier
        Who deteriorates: ``id``, ``from`` (day), ``late`` and ``short`` (shares of its purchase orders and of
        their lines, before and after).
    decision
        ``day``, ``region``, ``carrier_before``, ``carrier_after``; over the ``n`` home parcels concerned,
        ``late_share`` (0-1), ``late_share_otherwise`` (same draws, old carrier), ``effect`` (the difference).
    campaign_uplift
        Orders made in the 28 days from its contact, per 1,000 contacted, by campaign_id. More orders than
        these carry a campaign's id.
    dirty
        Rows that ingest must catch, by fault.
    """

    size: str
    seed: int
    nonresponse: str
    customer_group: pd.Series
    customer_need: pd.Series
    standards: dict[str, tuple[str, ...]]
    disciplines: dict[str, tuple[str, str]]
    potential: pd.DataFrame
    effects: pd.DataFrame
    activity_seconds: dict[str, int]
    driver_seconds: dict[str, dict[str, int]]
    pool_rates: dict[str, int]
    pool_minutes: pd.DataFrame
    over_capacity: tuple[str, str]
    group_result: pd.DataFrame
    loss_making_group: str
    loss_because: str
    wishes_per_day: dict[str, float]
    missed: pd.DataFrame
    supplier: dict[str, str | tuple[float, float]]
    decision: dict[str, str | int | float]
    campaign_uplift: dict[str, float]
    dirty: dict[str, int]

    def nps_points(self, cause: str, group: str = "all") -> float:
        """``att`` of a cause (late, short, damaged), in NPS points."""
        return self.effects.set_index(["cause", "group"]).att[cause, group]


def write(folder: Path, size: str = "normal", *, seed: int = 20260930, nonresponse: str = "history") -> Truth:
    """Write the sample company's raw files as ``folder``, in one step; what was there goes.

    ``payments.csv`` (euros with a decimal point) and ``surveys.csv`` are CSV, the others
    Parquet. Same size, seed and library versions: same bytes. Arguments and errors are
    those of ``make``.
    """
    tables, truth = make(size, seed=seed, nonresponse=nonresponse)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        (staging / "new").mkdir()
        for name, table in tables.items():
            if name in life.CSV:
                pyarrow.csv.write_csv(table, staging / "new" / f"{name}.csv")
            else:
                pq.write_table(table, staging / "new" / f"{name}.parquet", compression="zstd")
        if folder.exists():
            folder.rename(staging / "old")
        (staging / "new").rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return truth


def make(
    size: str = "normal", *, seed: int = 20260930, nonresponse: str = "history"
) -> tuple[dict[str, pa.Table], Truth]:
    """Raw tables of the sample company, dirty rows among them, and the truth behind them.

    A retailer-manufacturer with stores, two warehouses and accounts, 2024Q3 to 2026Q3. Five
    groups of customers that no column names differ in all they do. Lateness comes of
    carrier, season and rush, shortage of season and supplier; both move scores.

    Parameters
    ----------
    size
        ``normal`` (20,000 customers, 400,000 orders) or ``tiny`` (400 and 4,500).
    seed
        Of the one random generator.
    nonresponse
        What answering depends on: ``history`` (earlier orders, earlier lateness) or ``score``
        (the score itself as well). No other table differs between the two.

    Returns
    -------
    tuple
        Tables by contract name, with contract columns; and the ``Truth``.

    Raises
    ------
    ParamsError
        If there is no such size or variant.
    """
    for name, value, known in (
        ("size", size, sorted(life.SIZES)),
        ("nonresponse", nonresponse, ["history", "score"]),
    ):
        if value not in known:
            raise ParamsError(f"sample: expected {name} to be one of {', '.join(known)}, found {value!r}.")
    rng, sizes = np.random.default_rng(seed), life.SIZES[size]
    rows = {}
    who = life.customers(rng, sizes.customers)
    rows["customers"] = life.customer_spans(rng, who)
    rows["products"] = goods = life.products(rng, sizes.products)
    rows["sites"] = life.sites()
    rows["agreements"], rows["requests"], rows["receiving_windows"] = life.agreements(rng, who)
    rows["campaigns"], rows["campaign_contacts"], made, uplift = life.campaigns(rng, who)
    rows["orders"] = orders = life.orders(rng, who, rows["campaign_contacts"], made, sizes.orders)
    lines, shelf = life.order_lines(rng, who, goods, orders, seed)
    rows["order_lines"] = lines
    promise, decision = life.promises(rng, goods, orders, lines)
    rows["deliveries"], rows["delivery_lines"] = ship, inside = life.deliveries(rng, who, orders, lines, promise)
    rows["returns"] = back = life.returns(rng, goods, orders, lines, promise, inside)
    rows["service_events"] = events = life.events(rng, orders, promise)
    rows["activities"] = work = life.activities(rng, who, orders, lines, promise, ship, events, back)
    rows["resource_pools"], rows["ledger"], minutes = life.costs(rng, ship, work)
    rows["payments"] = life.payments(rng, orders, lines)
    rows["stock_levels"], rows["shopping_intents"] = life.demand(rng, who, orders, lines, shelf, sizes)
    rows["supplier_receipts"] = life.receipts(rng, sizes)
    potential, effects, answers = life.answers(rng, who, orders, promise)
    rows["surveys"] = life.surveys(rng, orders, potential, answers, sizes.invited, nonresponse)
    tables = {name: _table(name, rows[name]) for name in TABLES}
    potential.insert(0, "order_id", tables["orders"]["order_id"].take(potential.pop("order").to_numpy()).to_pandas())
    dirty = _soil(rng, tables)
    result = life.group_result(who, orders, lines, ship, work)
    missed = shelf.missed & ~orders.cancelled[lines.order_id]
    missed = pd.DataFrame({
        "day": life.DATES[orders.day[lines.order_id[missed]]],
        "product_id": [f"P{i + 1:05}" for i in lines.wanted[missed]],
        "pieces": lines.quantity_ordered[missed],
    })  # fmt: skip
    customer = pd.Index([f"C{i:06}" for i in range(1, sizes.customers + 1)], name="customer_id")
    wished = ("P00001", "P00002", "P00003", "P00004", *life.TERM_WISHES)
    weak = {
        "id": life.SUPPLIERS[life.WEAK],
        "from": str(life.DATES[life.WEAK_DAY]),
        "late": life.WEAK_LATE,
        "short": life.WEAK_SHORT,
    }
    return tables, Truth(
        size=size,
        seed=seed,
        nonresponse=nonresponse,
        customer_group=pd.Series(np.array(life.GROUPS)[who.group], customer),
        customer_need=pd.Series(np.array(life.NEEDS)[who.need], customer)[who.need >= 0],
        standards={
            need: tuple(term for term, (_, share, _) in life.TERMS.items() if 0.5 < share[at] < 1)
            for at, need in enumerate(life.NEEDS)
        },
        disciplines=life.LED,
        potential=potential,
        effects=effects,
        activity_seconds={activity: seconds for activity, (_, seconds, _) in life.TIME.items()},
        driver_seconds={activity: dict(per) for activity, (_, _, per) in life.TIME.items()},
        pool_rates={pool: rate for pool, (rate, _) in life.POOLS.items()},
        pool_minutes=pd.DataFrame(minutes, [f"{month}-01" for month in life.MONTHS], list(life.POOLS)),
        over_capacity=(life.OVER_POOL, f"{life.MONTHS[life.OVER_MONTH]}-01"),
        group_result=result,
        loss_making_group=result.result.idxmin(),
        loss_because="many small rush orders: entry, stop and parcel cost more than the basket's margin",
        wishes_per_day={key: rate * sizes.scale for key, rate in zip(wished, life.WISHES, strict=True)},
        missed=missed,
        supplier=weak,
        decision=decision,
        campaign_uplift=uplift,
        dirty=dirty,
    )


def _soil(rng, tables: dict[str, pa.Table]) -> dict[str, int]:
    """Put in the rows that ingest must catch."""

    def some(usable, share: float) -> np.ndarray:
        usable = np.flatnonzero(usable)
        return np.sort(rng.choice(usable, max(2, int(share * len(usable))), replace=False))

    def changed(name: str, column: str, rows: np.ndarray, values) -> None:
        table = tables[name]
        mask = np.zeros(table.num_rows, bool)
        mask[rows] = True
        mended = pc.replace_with_mask(table[column].combine_chunks(), mask, values)
        tables[name] = table.set_column(table.schema.get_field_index(column), column, mended)

    orders, lines = tables["orders"], tables["order_lines"]
    again = some(np.ones(orders.num_rows, bool), 0.001)
    tables["orders"] = pa.concat_tables([orders, orders.take(again)])
    empty = some(np.ones(lines.num_rows, bool), 0.0005)
    changed("order_lines", "net_revenue", empty, pa.scalar(None, pa.int64()))
    lost = lines.take(some(np.ones(lines.num_rows, bool), 0.0003))
    lost = lost.set_column(0, "order_id", pa.array([f"O99{i:05}" for i in range(lost.num_rows)]))
    tables["order_lines"] = pa.concat_tables([tables["order_lines"], lost])
    free = tables["deliveries"]["freight_cost"].to_numpy() == 0  # so that freight still ties
    early = some(free & tables["deliveries"]["delivered_at"].is_valid().to_numpy(), 0.002)
    changed("deliveries", "delivered_at", early, life.when(np.full(len(early), life.clock(-400))))
    high = some(tables["surveys"]["score"].is_valid().to_numpy(), 0.001)
    changed("surveys", "score", high, pa.scalar(11))
    names = pa.array(["TEST1", "TEST2", "TEST3"])
    tests = tables["customers"].slice(0, 3).set_column(0, "customer_id", names)
    tables["customers"] = pa.concat_tables([tables["customers"], tests])
    return {
        "orders_repeated": len(again),
        "lines_without_revenue": len(empty),
        "lines_of_no_order": lost.num_rows,
        "delivered_before_ordered": len(early),
        "scores_of_11": len(high),
        "test_customers": 3,
    }


# -- from codes to tables --------------------------------------------------------------------

_IDS = {  # letter and digits
    **dict(activity_id="T7", agreement_id="A5", campaign_id="K1", customer_id="C6", delivery_id="D7"),
    **dict(event_id="E7", intent_id="I6", order_id="O7", product_id="P5", purchase_order_id="B5"),
    **dict(request_id="Q6", response_id="R6", substitute_product_id="P5"),
}
_LABELS = {  # of a column, or of table.column
    "agreements.department": [department for department, _, _ in life.TERMS.values()],
    "agreements.term": list(life.TERMS),
    "agreements.value": [word for _, _, words in life.TERMS.values() for word in words],
    "activities.department": [pool.replace("_", " ") for pool in life.POOLS],
    "activity": list(life.TIME),
    "brand": life.BRANDS,
    "campaigns.department": ("marketing", "sales"),
    "carrier": life.CARRIERS,
    "category": life.CATEGORIES,
    "channel": life.CHANNELS,
    "comment": ("It came too late.", "Something was missing.", "It arrived damaged.", "Not for me."),
    "country": ("BE", "NL"),
    "currency": ("EUR",),
    "freight_invoice_id": [f"F{month}-{carrier}" for month in life.MONTHS for carrier in life.CARRIERS],
    "from_site_id": life.SITES,
    "fulfilment": FULFILMENTS,
    "item": life.ITEMS,
    "outcome": ("bought", "not_ranged", "substituted", "unavailable"),
    "payments.kind": ("card", "cash", "transfer", "invoice", "voucher"),
    "reason": ("damaged", "not as expected", "came too late", "too much"),
    "region": life.REGIONS,
    "request_type": life.REQUEST_TYPES,
    "requests.text": [f"We would like {kind.replace('_', ' ')}." for kind in life.REQUEST_TYPES],
    "resource_pools.pool": list(life.POOLS),
    "scale": ("nps_0_10",),
    "service_events.department": ("customer service", "sales"),
    "service_events.kind": ("complaint", "question", "status_sent", "tracking_view"),
    "shopping_intents.term": life.TERM_WISHES,
    "site_id": life.SITES,
    "sites.kind": ("store", "warehouse"),
    "supplier_id": life.SUPPLIERS,
    "template_id": ("T1", "T2", "T3"),
    "type": life.TYPES,
    "weekday": ("monday", "tuesday", "wednesday", "thursday", "friday"),
}
_ARROW = {"boolean": pa.bool_(), "date": pa.date32(), "time": pa.time32("s")}


def _table(name: str, rows: Columns) -> pa.Table:
    """The columns of the contract among ``rows``, codes as labels; numbers below 0 are empty."""
    brought = [column for column in TABLES[name].columns if hasattr(rows, column.name)]
    return pa.table({column.name: _array(name, column, getattr(rows, column.name)) for column in brought})


def _array(table: str, column: Column, values) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    if column.type == "timestamp":
        return life.when(values, plan=column.plan)
    if column.type == "degrees":
        return pa.array(np.round(values, 4))
    if column.type == "text" and not np.issubdtype(values.dtype, np.integer):
        return pa.array(values.tolist())
    may_be_empty = column.type not in ("date", "time", "money")
    whole = pa.array(values.astype(np.int64), mask=(values < 0) if may_be_empty else None)
    if column.type == "text":
        labels = _LABELS.get(f"{table}.{column.name}") or _LABELS.get(column.name)
        if not labels:
            letter, digits = _IDS[column.name]
            numbers = pa.array(np.arange(1, values.max() + 2)).cast(pa.string())
            labels = pc.binary_join_element_wise(letter, pc.utf8_lpad(numbers, int(digits), "0"), "")
        return pa.array(labels, pa.string()).take(whole)
    if column.type in ("date", "time"):
        whole = whole.cast(pa.int32())
    return whole.cast(_ARROW.get(column.type, pa.int64()))

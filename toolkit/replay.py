"""What would a period's orders have met under another service policy? They are replayed, order by order."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from scipy.special import expit

from toolkit import drivers, stock
from toolkit.errors import DataError, first_five

TODAY = "today"
_DAY, _HOUR = 86_400, 3_600
_ENOUGH, _ANSWERS = 50, 30  # observed delays below which a coarser cell is asked; answers that tell of so many days
KNOWN = 0.95  # of orders whose margin or contents are known, for those of all to be told
_TOLD = 0.25  # of the spread of promised days that a cut-off explains
_LEVELS = ("segment", "channel", "fulfilment")  # each with a level of its own in the model of answers
_FEW = "(few)"  # groups with too few answers to tell a level of their own
_LATE, _WAIT = 7, 20  # days late, and days of waiting, from which more makes no difference
_CELLS = (  # what delays are told apart by, the finest first
    ["fulfilment", "carrier", "site", "region", "rush"],
    ["fulfilment", "carrier", "region", "rush"],
    ["fulfilment", "carrier", "rush"],
    ["carrier"],
    ["fulfilment"],  # of a carrier that is new: what its way took before
)
_NUMBERS = ("promise_days", "window_hours", "cut_off", "consolidate_days", "minimum_order", "freight_charge",
            "free_from", "stock_service")  # fmt: skip
_SCOPE, _WAYS = ("segment", "channel", "region"), ("carrier", "fulfilment", "site")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Policy:
    """A policy of ``policies.yaml``; docs/METHODS.md section 5.2. Without levers it is today's.

    Attributes
    ----------
    name
        As declared; "today" for what is done now.
    scope
        By ``segment``, ``channel`` and ``region``, those that it is for; one that is not named: all.
    ways
        By ``fulfilment``, ``carrier`` and ``site``, from which to which.
    numbers
        ``promise_days`` (days later; earlier below 0), ``window_hours``, ``cut_off`` (hour, 1 to 24),
        ``consolidate_days``, ``minimum_order`` (cents), ``freight_charge`` (cents a shipment), ``free_from`` (cents of
        a shipment's value from which it is not charged), ``stock_service`` (per cent of pieces).
    delivery_days
        Weekdays on which is delivered, such as "monday"; none: all.

    Examples
    --------
    >>> Policy()
    Policy(name='today', scope={}, ways={}, numbers={}, delivery_days=())
    >>> rows = [("other van", "segment", "", "business"), ("other van", "carrier", "parcel_a", "parcel_b")]
    >>> other = declared(pd.DataFrame(rows, columns=["policy", "lever", "key", "value"]))[1]
    >>> other.name, other.scope, other.ways
    ('other van', {'segment': ('business',)}, {'carrier': {'parcel_a': 'parcel_b'}})
    """

    name: str = TODAY
    scope: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ways: dict[str, dict[str, str]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    delivery_days: tuple[str, ...] = ()


def declared(rows: pd.DataFrame) -> list[Policy]:
    """Today's policy, and those of the frame ``policies`` in their order.

    Parameters
    ----------
    rows
        The frame ``policies``: ``policy``, ``lever``, ``key`` and ``value``, one row a lever.

    Returns
    -------
    list
        Policies, today's first.

    Notes
    -----
    docs/METHODS.md section 5.2.

    Examples
    --------
    >>> rows = pd.DataFrame([("later", "promise_days", "", "1")], columns=["policy", "lever", "key", "value"])
    >>> [(policy.name, policy.numbers) for policy in declared(rows)]
    [('today', {}), ('later', {'promise_days': 1})]
    """
    found = [Policy()]
    for name, told in rows[rows["policy"] != ""].groupby("policy", sort=False):
        values = {lever: tuple(of["value"]) for lever, of in told.groupby("lever")}
        ways = {
            lever: dict(zip(of["key"], of["value"], strict=True))
            for lever, of in told[told["lever"].isin(_WAYS)].groupby("lever")
        }
        scope = {lever: values[lever] for lever in _SCOPE if lever in values}
        numbers = {lever: int(values[lever][0]) for lever in _NUMBERS if lever in values}
        found.append(Policy(str(name), scope, ways, numbers, values.get("delivery_days", ())))
    return found


def of_all(rows: pd.DataFrame, lever: str) -> list[str]:
    """What the frame ``policies`` says for all: per_shipment, after_failure, budget or holding_percent.

    Parameters
    ----------
    rows
        The frame ``policies``.
    lever
        One of the four.

    Returns
    -------
    list
        Values as text: names of activities, cents a period, or per cent of the cost of goods a year; empty where none
        is declared.

    Notes
    -----
    docs/METHODS.md sections 5.2 and 5.3.

    Examples
    --------
    >>> rows = [("", "per_shipment", "", "packing"), ("", "budget", "", "900000"), ("later", "promise_days", "", "1")]
    >>> rows = pd.DataFrame(rows, columns=["policy", "lever", "key", "value"])
    >>> of_all(rows, "per_shipment"), of_all(rows, "budget"), of_all(rows, "promise_days")  # the last is of one policy
    (['packing'], ['900000'], [])
    """
    return rows["value"][(rows["policy"] == "") & (rows["lever"] == lever)].tolist()


def cut_off(orders: pd.DataFrame) -> int:
    """The hour from which an order is promised for a later day: 24 (midnight) where none can be seen.

    The hour that best tells apart ``promised_day`` - ``day``, by least squares, if its sides differ by half a day and
    it explains a quarter of the spread.

    Parameters
    ----------
    orders
        ``day``, ``promised_day`` (dates), ``hour`` (0 to 23).

    Returns
    -------
    int
        An hour of the company's clocks, 1 to 24.

    Notes
    -----
    docs/METHODS.md section 5.1.

    Examples
    --------
    >>> day = pd.Timestamp("2026-04-01")
    >>> orders = pd.DataFrame({"day": day, "hour": [9, 14, 15, 16],
    ...                        "promised_day": day + pd.to_timedelta([1, 1, 2, 2], unit="D")})
    >>> cut_off(orders)
    15
    >>> cut_off(orders.assign(promised_day=day + pd.Timedelta(days=1)))  # all are promised for the next day
    24
    """
    days, hour = _promised_days(orders), orders["hour"].to_numpy()
    n = np.bincount(hour, minlength=24).cumsum()[:-1]
    sums = np.bincount(hour, days, minlength=24).cumsum()
    left, right = sums[:-1] / np.maximum(n, 1), (sums[-1] - sums[:-1]) / np.maximum(len(days) - n, 1)
    inside = (n > 0) & (n < len(days))
    gain = np.where(inside, n * (len(days) - n) * (right - left) ** 2 / max(len(days), 1), 0)
    best, whole = int(gain.argmax()), float(((days - days.mean()) ** 2).sum()) if len(days) else 0.0
    seen = right[best] - left[best] >= 0.5 and gain[best] >= _TOLD * whole and whole > 0
    return best + 1 if seen else 24


def _promised_days(orders: pd.DataFrame) -> np.ndarray:
    return (pd.to_datetime(orders["promised_day"]) - pd.to_datetime(orders["day"])).dt.days.to_numpy("float64")


@dataclass(frozen=True, eq=False)
class Learned:
    """What earlier orders and answers teach: delays, tariffs, work after failures, effects on NPS.

    Attributes
    ----------
    delays
        One row a week and cell of the frame ``delays``.
    tariffs
        The result of ``tariffs``.
    after
        By activity: ``pool``, and mean seconds an order that is neither late, short nor damaged (``plain``), and more
        if it is ``late``, ``short``, ``damaged``.
    effects
        Ordered logit of answers; None where they allow none.
    points
        What each of its levels counts, -100, 0 or 100.
    most
        Days late, and days of waiting, beyond which answers are too few to tell more.
    base
        The segment, channel and fulfilment that the others are told against: those with most answers.

    Notes
    -----
    docs/METHODS.md section 5.3.

    Examples
    --------
    90 orders in time brought 900 seconds of complaints, 10 late ones 1,100; nobody has answered.

    >>> failed = pd.DataFrame({"activity": "complaints", "pool": "desk", "late": [False, True], "short": False,
    ...                        "damaged": False, "n": [90, 10], "seconds": [900, 1100], "before": True})
    >>> delays, moments = pd.DataFrame({"week": [-1]}), pd.DataFrame(columns=["carrier", "n"])
    >>> answers = pd.DataFrame(columns=["value", "late_s", "wait_s", "short", "damaged"])
    >>> model = learned(delays, moments, failed, answers, before=False)
    >>> model.after[["plain", "late"]].round(6).values.tolist(), model.effects is None
    ([[10.0, 100.0]], True)
    """

    delays: pd.DataFrame
    tariffs: pd.DataFrame
    after: pd.DataFrame
    effects: drivers.OrderedLogit | None
    points: np.ndarray
    most: tuple[int, int]
    base: frozenset[str] = frozenset()


def learned(
    delays: pd.DataFrame,
    moments: pd.DataFrame,
    failure_work: pd.DataFrame,
    answers: pd.DataFrame,
    *,
    before: bool,
) -> Learned:
    """What orders and answers teach.

    Parameters
    ----------
    delays, moments, failure_work
        The frames ``delays``, ``freight_moments`` and ``failure_work``.
    answers
        Scored invitations (``value``, ``score``, ``person``; of their order ``late_s``, ``wait_s`` (seconds),
        ``short``, ``damaged``, ``segment``, ``channel``, ``fulfilment``) of the periods that are learned from.
    before
        Only of the periods before this one, as for judging the replay; else of this one too. ``answers`` are not chosen
        by it.

    Returns
    -------
    Learned
        Delays, tariffs, work after failures, and effects on NPS.

    Notes
    -----
    docs/METHODS.md section 5.3.

    Examples
    --------
    Of 150 answers about orders in time 120 are of promoters, of 50 about late ones 10: odds of 4 and of 1/4, whose logs
    differ by 2 ln 4 = 2.77.

    >>> at = np.arange(200)
    >>> late = at % 4 == 0
    >>> value = np.where(at % 10 < np.where(late, 2, 8), 1, -1)
    >>> answers = pd.DataFrame({"value": value, "score": 5 + 4 * value, "person": at, "late_s": 3600 * late})
    >>> answers = answers.assign(wait_s=86_400, short=False, damaged=False)
    >>> answers = answers.assign(segment="s", channel="web", fulfilment="home")
    >>> delays, moments = pd.DataFrame({"week": [-1, 0]}), pd.DataFrame(columns=["carrier", "n"]).assign(before=True)
    >>> failed = pd.DataFrame(columns=["activity", "pool", "late", "short", "damaged"]).assign(before=True)
    >>> model = learned(delays, moments, failed, answers, before=True)
    >>> model.effects.drivers, model.effects.coefficients.round(2).tolist(), model.points.tolist()
    (('late',), [-2.77], [-100.0, 100.0])
    >>> model.delays["week"].tolist()  # the week of this period is left out
    [-1]
    """
    seen = delays[delays["week"] < 0] if before else delays
    paid, worked = (rows[rows["before"]] if before else rows for rows in (moments, failure_work))
    return Learned(seen, tariffs(paid), _after(worked), *_effects(answers))


def tariffs(moments: pd.DataFrame) -> pd.DataFrame:
    """The tariff of each carrier that fits its shipments best: non-negative least squares.

    Parameters
    ----------
    moments
        The frame ``freight_moments``: sums of products of s (shipments), w (100 g), d (100 m) and f (cents).

    Returns
    -------
    DataFrame
        Index ``carrier``; ``shipment``, ``kg``, ``km`` (cents each), ``n`` (orders), ``explained`` (R squared about
        nought; 1 without freight), ``root`` (3 x 3: times standard normal numbers, the errors of the prices). What the
        shipments cannot tell apart, such as a shipment and its kilometres where all go equally far, is shared among
        these prices, and ``root`` holds no error of that. No row of a carrier with fewer than 30 orders.

    Notes
    -----
    docs/METHODS.md section 5.3.

    Examples
    --------
    Shipments of 1, 2 and 3 kg go 5 or 10 km, for 400 cents, 30 more a kilogram and 5 more a kilometre.

    >>> kinds = {"s": np.ones(60), "w": np.tile([10, 20, 30], 20), "d": np.repeat([50, 100], 30)}
    >>> kinds["f"] = 400 + 30 * kinds["w"] / 10 + 5 * kinds["d"] / 10
    >>> pairs = ["ss", "sw", "sd", "sf", "ww", "wd", "wf", "dd", "df", "ff"]
    >>> moments = {pair: [(kinds[pair[0]] * kinds[pair[1]]).sum()] for pair in pairs}
    >>> found = tariffs(pd.DataFrame(moments).assign(carrier="a", before=True, n=60))
    >>> found[["shipment", "kg", "km", "n", "explained"]].round(6).loc["a"].tolist()
    [400.0, 30.0, 5.0, 60.0, 1.0]
    """
    found = []
    for carrier, rows in moments.groupby("carrier"):
        if rows["n"].sum() < _ANSWERS:
            continue
        sums = rows.drop(columns=["carrier", "before"]).astype("float64").sum()
        products = np.array([[sums["".join(sorted(a + b, key="swdf".index))] for b in "swd"] for a in "swd"])
        scale = np.sqrt(np.maximum(products.diagonal(), 1))
        sizes, axes = np.linalg.eigh(products / np.outer(scale, scale))
        root = np.sqrt(np.clip(sizes, 1e-9, None))
        wanted = np.array([sums["sf"], sums["wf"], sums["df"]]) / scale
        price, _ = nnls(root[:, None] * axes.T, (axes.T @ wanted) / root)
        price = price / scale
        left = sums["ff"] - 2 * price @ (wanted * scale) + price @ products @ price
        spread = max(left, 0.0) / max(sums["n"] - 3, 1)
        errors = spread**0.5 * axes / np.where(sizes > 1e-9, root, np.inf) / scale[:, None]
        fit = 1 - max(left, 0.0) / sums["ff"] if sums["ff"] else 1.0
        units = np.array([1.0, 10.0, 10.0])  # of 100 g and 100 m to a kilogram and a kilometre
        found.append((carrier, *(units * price), int(sums["n"]), fit, units[:, None] * errors))
    columns = ["carrier", "shipment", "kg", "km", "n", "explained", "root"]
    return pd.DataFrame(found, columns=columns).set_index("carrier")


def _after(worked: pd.DataFrame) -> pd.DataFrame:
    found, kinds = [], ["late", "short", "damaged"]
    sums = worked.assign(**{name: worked[name].astype("boolean").fillna(False).astype("float64") for name in kinds})
    for (activity, pool), rows in sums.groupby(["activity", "pool"]):
        rows = rows.groupby(kinds, as_index=False)[["n", "seconds"]].sum()
        n = rows["n"].to_numpy("float64")
        x = np.column_stack([np.ones(len(rows)), rows[kinds]]) * np.sqrt(n)[:, None]
        means = rows["seconds"].to_numpy("float64") / np.maximum(n, 1)
        found.append((activity, pool, *np.linalg.lstsq(x, means * np.sqrt(n), rcond=None)[0]))
    return pd.DataFrame(found, columns=["activity", "pool", "plain", *kinds]).set_index("activity")


def _effects(
    answers: pd.DataFrame,
) -> tuple[drivers.OrderedLogit | None, np.ndarray, tuple[int, int], frozenset[str]]:
    """The model, what its levels count, the days late and of waiting up to which answers tell, and its base."""
    told = answers[answers["value"].notna() & answers["late_s"].notna() & answers["wait_s"].notna()]
    late, wait = np.ceil(told["late_s"].astype("float64") / _DAY), np.floor(told["wait_s"].astype("float64") / _DAY)
    most = _told_up_to(late, _LATE), _told_up_to(wait, _WAIT)
    x = {
        "late": (late > 0).astype("float64"),
        "late_days": late.clip(0, most[0]),
        "wait_days": wait.clip(0, most[1]),
        "short": told["short"].astype("boolean").fillna(False).astype("float64"),
        "damaged": told["damaged"].astype("boolean").fillna(False).astype("float64"),
    }
    if told.empty:
        return None, np.zeros(0), most, frozenset()
    places = [_marks(told[name], name) for name in _LEVELS]
    base = frozenset(f"{name}: {told[name].astype('str').value_counts().index[0]}" for name in _LEVELS)
    x = pd.concat([pd.DataFrame(x, index=told.index), *places], axis=1)
    one_scale = "scale" not in told or told["scale"].nunique() < 2
    outcome = told["score"] if one_scale else told["value"]  # scores of two scales are no one order
    while outcome.nunique() > 1:
        try:
            columns = drivers.independent(x)
            model = drivers.ordered_logit(outcome.astype("int64"), x[columns], clusters=told["person"])
            return model, 100 * told.groupby(outcome)["value"].first().to_numpy("float64"), most, base
        except drivers.SeparationError as error:
            rest = x[error.driver] == 0  # answers of one mind cannot be told apart by it; the largest group is the base
            told, x, outcome = told[rest], x[rest].drop(columns=error.driver), outcome[rest]
    return None, np.zeros(0), most, base


def _marks(values: pd.Series, name: str) -> pd.DataFrame:
    """A mark for each group with enough answers but the largest, and one for all smaller groups together."""
    values = values.astype("str")
    sizes = values.value_counts()
    named = values.where(values.map(sizes) >= _ANSWERS, _FEW)
    groups = sorted(set(named) - {sizes.index[0]})
    return pd.DataFrame(
        {f"{name}: {group}": (named == group).astype("float64") for group in groups}, index=values.index
    )


def _told_up_to(days: pd.Series, most: int) -> int:
    """The largest number of days, up to ``most``, that enough answers have seen."""
    return max([day for day in range(1, most + 1) if (days >= day).sum() >= _ANSWERS], default=0)


@dataclass(frozen=True, eq=False)
class Plan:
    """What of a policy is no matter of chance: per order its delay cell, aim, promise and shipment, and its cost.

    ``changed`` are the orders that anything of this differs from today for; the other arrays are of all orders.
    ``touched`` are the orders whose customers may take it ill: those that pay, or travel or are promised otherwise.

    Attributes
    ----------
    policy
        Whose plan it is.
    changed, touched
        Positions of orders; of today's plan all of them.
    cell, leader
        By order: the delay table that its delay is drawn from, and the order whose draw its shipment shares.
    slack, wait, window
        By order, seconds: aim - promise; aim - order; before the end of its promise from which an arrival is within it.
    stays
        By order: chance that one which was short stays so.
    holding, shipments, freight, income
        By segment: cents of holding more stock; shipments; cents of freight that no tariff tells; cents that customers
        pay.
    units
        By segment and carrier of the tariffs: shipments, kilograms, kilometres.
    seconds
        By segment and activity, of work that follows no failure.
    fallback
        Orders whose delays are of a coarser cell than way, lane and rush.

    Notes
    -----
    docs/METHODS.md sections 5.2 and 5.3.

    Examples
    --------
    x orders 1 kg on Monday and 1 kg on Tuesday, each to go 1 km. Sent together two days from the first, they are one
    shipment of 2 kg, with one stop: the longer, of 90 seconds.

    >>> names = dict.fromkeys(["segment", "channel", "region", "fulfilment", "carrier", "site"], "all")
    >>> amounts = dict.fromkeys(["freight", "weight_g", "distance_m", "net_revenue", "cost_of_goods"], 1000)
    >>> same = names | amounts | {"rush": False, "in_full": True, "damaged": False, "window_h": 4, "n_shipments": 1}
    >>> at = pd.to_datetime(["2026-04-06 09:00", "2026-04-07 09:00"], utc=True)  # a Monday and a Tuesday
    >>> days = {"ordered_at": at, "hour": 9, "day": at.tz_localize(None).normalize()}
    >>> days["promised_by"] = at + pd.Timedelta(days=2)
    >>> orders = pd.DataFrame(same | days | {"order_id": ["1", "2"], "customer_id": "x"})
    >>> work = pd.DataFrame({"order_id": ["1", "2"], "activity": "stop", "pool": "van", "seconds": [60, 90]})
    >>> delays = pd.DataFrame(same | {"week": [-1], "delay_h": 30, "n": 100, "n_far": 0})
    >>> prices = pd.DataFrame({"shipment": 50.0, "kg": 10.0, "km": 5.0, "root": [np.zeros((3, 3))]}, index=["all"])
    >>> after = pd.DataFrame(columns=["pool", "plain", "late", "short", "damaged"])
    >>> model = Learned(delays, prices, after, None, np.zeros(0), (7, 20))
    >>> ready = Replay(orders, work, model, rates=pd.Series({"van": 2.0}), per_shipment=["stop"])
    >>> plan = ready.plan(Policy("together", numbers={"consolidate_days": 2}))
    >>> plan.shipments.tolist(), plan.units.tolist(), plan.seconds.tolist()
    ([1.0], [[[1.0, 2.0, 1.0]]], [[90.0]])
    >>> (plan.wait / 3600).tolist()  # hours from order to aim: 48 for others, 48 as before; Tuesday's a day less
    [96.0, 72.0]
    """

    policy: Policy
    changed: np.ndarray
    touched: np.ndarray
    cell: np.ndarray
    leader: np.ndarray  # the order whose number a shipment's orders share
    slack: np.ndarray  # aim - promise, seconds
    wait: np.ndarray  # aim - order, seconds
    window: np.ndarray  # seconds before the end of its promise from which an arrival is within it
    stays: np.ndarray  # chance that an order which was short stays so
    holding: np.ndarray  # cents by segment, of more stock
    shipments: np.ndarray  # by segment
    units: np.ndarray  # by segment and carrier of the tariffs: shipments, kilograms, kilometres
    freight: np.ndarray  # cents by segment of what has no tariff
    income: np.ndarray  # cents by segment
    seconds: np.ndarray  # by segment and activity
    fallback: int  # orders whose delays are of a coarser cell than way, lane and rush


class Replay:
    """Orders of a period, ready to be replayed under policies.

    Parameters
    ----------
    orders, work
        The frames ``sent_orders`` and ``sent_work``.
    model
        The result of ``learned``.
    rates
        Cents a second by pool.
    per_shipment
        Activities that are done once a shipment.
    answered
        Orders that answers of the period are of: how they would have scored is told apart.
    spans
        The frame ``stock_spans``, where a policy asks for more stock.
    holding_percent
        What a year of holding stock costs, of the cost of its goods.

    Attributes
    ----------
    segments, activities
        Names, in the order of the arrays of a ``Plan``.
    today
        The plan that changes nothing.

    Notes
    -----
    docs/METHODS.md section 5.3.

    Examples
    --------
    Every order comes 30 hours after its aim: promised two days later, it comes in time, and costs the same.

    >>> names = dict.fromkeys(["segment", "channel", "region", "fulfilment", "carrier", "site"], "all")
    >>> amounts = dict.fromkeys(["freight", "weight_g", "distance_m", "net_revenue", "cost_of_goods"], 1000)
    >>> same = names | amounts | {"rush": False, "in_full": True, "damaged": False, "window_h": 4, "n_shipments": 1}
    >>> at = pd.to_datetime(["2026-04-06 09:00", "2026-04-07 09:00"], utc=True)  # a Monday and a Tuesday
    >>> days = {"ordered_at": at, "hour": 9, "day": at.tz_localize(None).normalize()}
    >>> days["promised_by"] = at + pd.Timedelta(days=2)
    >>> orders = pd.DataFrame(same | days | {"order_id": ["1", "2"], "customer_id": "x"})
    >>> work = pd.DataFrame({"order_id": ["1", "2"], "activity": "stop", "pool": "van", "seconds": [60, 90]})
    >>> delays = pd.DataFrame(same | {"week": [-1], "delay_h": 30, "n": 100, "n_far": 0})
    >>> prices = pd.DataFrame({"shipment": 50.0, "kg": 10.0, "km": 5.0, "root": [np.zeros((3, 3))]}, index=["all"])
    >>> after = pd.DataFrame(columns=["pool", "plain", "late", "short", "damaged"])
    >>> model = Learned(delays, prices, after, None, np.zeros(0), (7, 20))
    >>> ready = Replay(orders, work, model, rates=pd.Series({"van": 2.0}), per_shipment=["stop"])
    >>> later = Policy("later", numbers={"promise_days": 2})
    >>> runs = ready.run([Policy(), later], draws=1, weeks=4, rng=np.random.default_rng(1))
    >>> runs[["policy", "n", "on_time", "freight", "work"]]  # freight: 50 + 10 + 5 cents each; work: 150 s at 2 cents
      policy  n  on_time  freight   work
    0  today  2        0    130.0  300.0
    1  later  2        2    130.0  300.0
    >>> ready.segments, ready.activities, (ready.today.wait / 3600).tolist()  # hours from order to aim
    (['all'], ['stop'], [48.0, 48.0])
    """

    def __init__(
        self,
        orders: pd.DataFrame,
        work: pd.DataFrame,
        model: Learned,
        *,
        rates: pd.Series,
        per_shipment: Sequence[str] = (),
        answered: Sequence[str] = (),
        spans: pd.DataFrame | None = None,
        holding_percent: float = 0.0,
    ):
        self.orders, self.model, self.rates = orders.reset_index(drop=True), model, rates
        self.n = len(self.orders)
        self.segments, self._segment = _coded(self.orders["segment"])
        self._ordered = _seconds(self.orders["ordered_at"])
        self._promise = _seconds(self.orders["promised_by"])
        self._offset = _clock(self.orders) - self._ordered
        self.activities = sorted(work["activity"].unique()) + [a for a in model.after.index]
        self.pools = dict(zip(work["activity"], work["pool"], strict=True)) | model.after["pool"].to_dict()
        self._per_shipment = [self.activities.index(name) for name in per_shipment if name in self.activities]
        at = pd.Index(self.orders["order_id"]).get_indexer(work["order_id"])
        known = at >= 0
        self._work = np.zeros((self.n, len(self.activities)), dtype="float32")
        of = pd.Index(self.activities).get_indexer(work["activity"])
        np.add.at(self._work, (at[known], of[known]), work["seconds"].to_numpy("float32")[known])
        self._cells: dict[tuple, int] = {}
        self._plans: dict[str, Plan] = {}
        self._tables: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._levels = [model.delays.groupby(keys) for keys in _CELLS]
        self._sizes = [rows["n"].sum() for rows in self._levels]
        self._places = self._nps_places()
        self._answered = self.orders["order_id"].isin(set(answered)).to_numpy()
        hours = self.orders["window_h"].astype("float64")
        self._window = hours.fillna(np.inf).to_numpy() * _HOUR  # a promise without a begin is kept by coming early
        self._windowed = 1.0 if hours.notna().any() else np.nan
        self._spans, self._holding_percent = spans, holding_percent

    # -- what is no matter of chance ---------------------------------------------------------

    @cached_property
    def today(self) -> Plan:
        """The plan that changes nothing.

        Returns
        -------
        Plan
            Of ``Policy()``; made once.
        """
        return self.plan(Policy())

    def plan(self, policy: Policy) -> Plan:
        """What a policy makes of each order.

        Parameters
        ----------
        policy
            One of the result of ``declared``.

        Returns
        -------
        Plan
            Made once a policy.

        Raises
        ------
        DataError
            If a lever has no data: a way that was never used, or by fewer than 50 orders, prices or values of orders
            that are not known, a segment that no order is of, stock that cannot be raised; or if no delay is known of a
            way.

        Notes
        -----
        docs/METHODS.md section 5.2.

        Examples
        --------
        Ordered on Monday and Tuesday for Wednesday and Thursday; if only Fridays are delivered on, aim and promise are
        two days and one day later, and both orders go together.

        >>> names = dict.fromkeys(["segment", "channel", "region", "fulfilment", "carrier", "site"], "all")
        >>> amounts = dict.fromkeys(["freight", "weight_g", "distance_m", "net_revenue", "cost_of_goods"], 1000)
        >>> same = names | amounts | {"rush": False, "in_full": True, "damaged": False, "window_h": 4, "n_shipments": 1}
        >>> at = pd.to_datetime(["2026-04-06 09:00", "2026-04-07 09:00"], utc=True)  # a Monday and a Tuesday
        >>> days = {"ordered_at": at, "hour": 9, "day": at.tz_localize(None).normalize()}
        >>> days["promised_by"] = at + pd.Timedelta(days=2)
        >>> orders = pd.DataFrame(same | days | {"order_id": ["1", "2"], "customer_id": "x"})
        >>> work = pd.DataFrame({"order_id": ["1", "2"], "activity": "stop", "pool": "van", "seconds": [60, 90]})
        >>> delays = pd.DataFrame(same | {"week": [-1], "delay_h": 30, "n": 100, "n_far": 0})
        >>> prices = pd.DataFrame({"shipment": 50.0, "kg": 10.0, "km": 5.0, "root": [np.zeros((3, 3))]}, index=["all"])
        >>> after = pd.DataFrame(columns=["pool", "plain", "late", "short", "damaged"])
        >>> model = Learned(delays, prices, after, None, np.zeros(0), (7, 20))
        >>> ready = Replay(orders, work, model, rates=pd.Series({"van": 2.0}), per_shipment=["stop"])
        >>> plan = ready.plan(Policy("fridays", delivery_days=("friday",)))
        >>> (plan.wait / 86_400).tolist(), (plan.slack / 86_400).tolist(), plan.shipments.tolist()
        ([4.0, 3.0], [0.0, 0.0], [1.0])
        """
        if (key := repr(policy)) not in self._plans:
            self._plans[key] = self._planned(policy)
        return self._plans[key]

    def _planned(self, policy: Policy) -> Plan:
        inside = np.ones(self.n, bool)
        for name, wanted in policy.scope.items():
            known = set(self.orders[name])
            if unknown := [one for one in wanted if one not in known]:
                raise DataError(
                    f"policies.yaml: policy {policy.name!r} is for {name} {first_five(unknown)}, which no replayed "
                    f"order is of; known are {first_five(sorted(known))}."
                )
            inside &= self.orders[name].isin(wanted).to_numpy()
        priced = self.orders["net_revenue"].notna().mean()
        if priced < KNOWN and (policy.numbers.get("minimum_order") or policy.numbers.get("free_from")):
            raise DataError(
                f"policies.yaml: policy {policy.name!r} goes by the value of orders, which is known of {priced:.0%} of "
                f"them, expected {KNOWN:.0%}. Bring order_lines.net_revenue, or leave the policy out."
            )
        ways, shift = self._ways(policy, inside)
        lead, promise = self._promise - self._ordered + shift, self._promise + shift
        if "cut_off" in policy.numbers:
            moved = self._by_cut_off(policy.numbers["cut_off"], inside)
            lead, promise = lead + moved, promise + moved
        early = np.where((lead <= 0) & (lead != self._promise - self._ordered), _DAY, 0)  # not before it was placed
        lead, promise = lead + early, promise + early
        promise = promise + np.where(inside, policy.numbers.get("promise_days", 0) * _DAY, 0)
        aim, promise, shipment, leader = self._shipped(policy, inside, ways, lead, promise)
        cell, fallback = self._cells_of(ways, policy)
        cell = cell[leader]  # what travels together arrives together
        units, freight, income, shipments, pays = self._freight(policy, inside, ways, shipment)
        slack, wait = aim - promise, aim - self._ordered
        hours = policy.numbers.get("window_hours", 0)
        window = np.where(inside, hours * _HOUR, self._window) if hours else self._window
        stays, holding = self._stocked(policy, inside)
        if policy.name == TODAY and not (policy.ways or policy.numbers or policy.delivery_days):
            moved, changed = np.ones(self.n, bool), np.arange(self.n)
        else:
            now = self.today
            moved = (cell != now.cell) | (leader != now.leader) | (slack != now.slack) | (wait != now.wait)
            changed = np.flatnonzero(moved | (stays < 1) | (window != self._window) & bool(hours))
        return Plan(
            policy, changed, np.flatnonzero(moved | pays), cell, leader, slack, wait, window, stays, holding, shipments,
            units, freight, income, self._static(policy, ways, shipment), fallback,
        )  # fmt: skip

    def possible(self, policies: Sequence[Policy]) -> tuple[list[Policy], pd.DataFrame]:
        """The policies that can be replayed; and one row for each of the others: ``policy``, ``why``.

        Parameters
        ----------
        policies
            The result of ``declared``.

        Returns
        -------
        tuple
            List of policies that have a ``plan``; DataFrame of the others, ``why`` is the message of the ``DataError``.

        Notes
        -----
        docs/METHODS.md section 5.2.

        Examples
        --------
        No order was ever sent by drone: what it would take is not known.

        >>> names = dict.fromkeys(["segment", "channel", "region", "fulfilment", "carrier", "site"], "all")
        >>> amounts = dict.fromkeys(["freight", "weight_g", "distance_m", "net_revenue", "cost_of_goods"], 1000)
        >>> same = names | amounts | {"rush": False, "in_full": True, "damaged": False, "window_h": 4, "n_shipments": 1}
        >>> at = pd.to_datetime(["2026-04-06 09:00", "2026-04-07 09:00"], utc=True)  # a Monday and a Tuesday
        >>> days = {"ordered_at": at, "hour": 9, "day": at.tz_localize(None).normalize()}
        >>> days["promised_by"] = at + pd.Timedelta(days=2)
        >>> orders = pd.DataFrame(same | days | {"order_id": ["1", "2"], "customer_id": "x"})
        >>> work = pd.DataFrame({"order_id": ["1", "2"], "activity": "stop", "pool": "van", "seconds": [60, 90]})
        >>> delays = pd.DataFrame(same | {"week": [-1], "delay_h": 30, "n": 100, "n_far": 0})
        >>> prices = pd.DataFrame({"shipment": 50.0, "kg": 10.0, "km": 5.0, "root": [np.zeros((3, 3))]}, index=["all"])
        >>> after = pd.DataFrame(columns=["pool", "plain", "late", "short", "damaged"])
        >>> model = Learned(delays, prices, after, None, np.zeros(0), (7, 20))
        >>> ready = Replay(orders, work, model, rates=pd.Series({"van": 2.0}), per_shipment=["stop"])
        >>> kept, refused = ready.possible([Policy(), Policy("drones", ways={"carrier": {"all": "drone"}})])
        >>> [policy.name for policy in kept], refused["policy"].tolist()
        (['today'], ['drones'])
        >>> refused["why"][0].split(", by which")[0]
        "policies.yaml: policy 'drones' moves carrier 'all' to 'drone'"
        """
        kept, refused = [], []
        for policy in policies:
            try:
                self.plan(policy)
                kept.append(policy)
            except DataError as error:
                refused.append((policy.name, str(error)))
        return kept, pd.DataFrame(refused, columns=["policy", "why"])

    def _ways(self, policy: Policy, inside: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Fulfilment, carrier and site of each order, and seconds that its aim and promise move by the new way."""
        ways = {name: self.orders[name].to_numpy(dtype=object).copy() for name in ("fulfilment", "carrier", "site")}
        shift = np.zeros(self.n, "int64")
        for name in ("fulfilment", "carrier", "site"):  # what is declared of carrier and site holds for the new way too
            for old, new in policy.ways.get(name, {}).items():
                self._refuse_unseen(policy, name, old, new)
                rows = inside & (self.orders[name] == old).to_numpy()
                ways[name][rows] = new
                if name == "fulfilment":
                    shift[rows] = self._as_usual(new, rows, ways)
        return ways, shift

    def _as_usual(self, new: str, rows: np.ndarray, ways: dict[str, np.ndarray]) -> np.ndarray:
        """Carrier and site of a new way as is usual in each region; seconds from the promised day to the usual one."""
        used = self.orders[self.orders["fulfilment"] == new]
        days = pd.Series(_promised_days(used), index=used.index)
        usual = used.groupby("region").agg(carrier=("carrier", _most), site=("site", _most))
        usual["days"] = days.groupby(used["region"]).median()
        of_all = pd.Series({"carrier": _most(used["carrier"]), "site": _most(used["site"]), "days": days.median()})
        at = self.orders["region"][rows]
        for name in ("carrier", "site"):
            ways[name][rows] = at.map(usual[name]).fillna(of_all[name])
        wanted = np.ceil(at.map(usual["days"]).astype("float64").fillna(of_all["days"]).to_numpy())
        return ((wanted - _promised_days(self.orders[rows])) * _DAY).astype("int64")

    def _refuse_unseen(self, policy: Policy, name: str, old: str, new: str) -> None:
        seen = self.model.delays.groupby(name)["n"].sum()
        known = sorted(seen.index[seen >= _ENOUGH])
        if new not in known:
            raise DataError(
                f"policies.yaml: policy {policy.name!r} moves {name} {old!r} to {new!r}, by which {seen.get(new, 0)} "
                f"orders were sent in what is learned from, expected {_ENOUGH} or more; known are {first_five(known)}. "
                "Wait until it was tried, or leave the policy out."
            )
        if name == "fulfilment" and new not in set(self.orders[name]):
            raise DataError(
                f"policies.yaml: policy {policy.name!r} moves fulfilment {old!r} to {new!r}, by which no order of the "
                "period was sent: what it is promised for is not known."
            )
        if old not in set(self.orders[name]):
            raise DataError(
                f"policies.yaml: policy {policy.name!r} moves {name} {old!r}, by which no replayed order was sent; "
                f"known are {first_five(sorted(set(self.orders[name])))}."
            )

    def _by_cut_off(self, hour: int, inside: np.ndarray) -> np.ndarray:
        """Seconds that orders between today's cut-off of their way and the new one move by."""
        moved, at = np.zeros(self.n, "int64"), self.orders["hour"].to_numpy()
        for _, rows in self.orders.groupby("fulfilment"):
            old, own = cut_off(rows), rows.index.to_numpy()
            moved[own] = np.where((at[own] >= hour) & (at[own] < old), _DAY, 0)
            moved[own] -= np.where((at[own] >= old) & (at[own] < hour), _DAY, 0)
        return np.where(inside, moved, 0)

    def _stocked(self, policy: Policy, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chance of each order that was short to stay so with more stock, and what holding it costs, by segment."""
        stays, holding = np.ones(self.n), np.zeros(len(self.segments))
        if not (asked := policy.numbers.get("stock_service", 0) / 100):
            return stays, holding
        ordered, there = (self.orders[f"stocked_{name}"].to_numpy("float64") for name in ("ordered", "delivered"))
        if self._spans is None or self._spans.empty or not ordered.sum():
            raise DataError(
                f"policies.yaml: policy {policy.name!r} raises stock, but no counted article of orders with known "
                "contents ran out in the period. Bring stock_levels and delivery_lines, or leave the policy out."
            )
        now = there.sum() / ordered.sum()
        if asked <= now:
            raise DataError(
                f"policies.yaml: policy {policy.name!r} serves {asked:.0%} of the pieces of articles that ran out, of "
                f"which {now:.1%} are served today: only more can be replayed."
            )
        stays[inside & self.orders["only_stock"].to_numpy(bool)] = (1 - asked) / (1 - now)
        parts = np.bincount(self._segment, ordered * inside, minlength=len(self.segments)) / ordered.sum()
        days = pd.to_datetime(self.orders["day"])
        years = ((days.max() - days.min()).days + 1) / 365.25
        each = np.array([self._more_stock(now, asked, part) if part else 0.0 for part in parts])
        return stays, each * years * self._holding_percent / 100

    def _more_stock(self, now: float, then: float, part: float) -> float:
        """Cost of the goods between the order-up-to levels of two fill rates, for a part of demand, cents."""
        found, ends = 0.0, [max(each, 1e-6) for each in (now, then)]
        for mean, spread, cost in stocked(self._spans)[["mean", "spread", "cost"]].itertuples(index=False):
            of = {"mean": mean * part, "deviation": spread * part**0.5, "lead": 0}
            low, high = (stock.level_for(each, **of) for each in ends)
            found += (high - low) * cost
        return found

    def _shipped(
        self, policy: Policy, inside: np.ndarray, ways: dict[str, np.ndarray], lead: np.ndarray, promise: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Aim and promise after waiting for other orders and for delivery days; shipment and leader of each order."""
        own = np.arange(self.n)
        aim, shipment, leader = self._ordered + lead, own, own
        window = policy.numbers.get("consolidate_days", 0) * _DAY
        least = policy.numbers.get("minimum_order", 0)
        if not window and not policy.delivery_days:
            return aim, promise, shipment, leader
        rows = np.flatnonzero(inside & ~self.orders["rush"].to_numpy(bool))  # who is in a hurry does not wait
        with_whom = [_coded(pd.Series(ways[name]))[1] for name in ("site", "carrier", "fulfilment")]
        with_whom.append(_coded(self.orders["customer_id"])[1])
        keys = [key[rows] for key in with_whom]
        aim, promise, shipment, leader = aim.copy(), promise.copy(), shipment.copy(), leader.copy()
        if window:
            sort = np.lexsort([self._ordered[rows], *keys])
            rows, keys = rows[sort], [key[sort] for key in keys]
            value = self.orders["net_revenue"].fillna(0).to_numpy("float64")[rows]
            first, full = _batches(_new(keys), self._ordered[rows], value, window, least)
            number = first.cumsum() - 1
            starts, ends = rows[first], rows[np.append(first[1:], True)]
            sent_at = np.where(full, self._ordered[ends], self._ordered[starts] + window)
            urgent = _least(lead[rows], number)
            alone = (full & (starts == ends))[number]
            shipment[rows], leader[rows] = starts[number], rows[urgent][number]
            aim[rows] = np.where(alone, aim[rows], (sent_at + lead[rows][urgent])[number])
            promise[rows] = np.where(alone, promise[rows], promise[rows] + window)
        if policy.delivery_days:
            allowed = sorted(_WEEKDAYS.index(day) for day in policy.delivery_days)
            ahead = np.array([min((day - at) % 7 for day in allowed) for at in range(7)])
            day = (aim + self._offset)[rows] // _DAY  # of the company's own days
            step = ahead[(day + 3) % 7]  # the first of days was a Thursday
            aim[rows], promise[rows] = aim[rows] + step * _DAY, promise[rows] + step * _DAY
            keys = [*(key[rows] for key in with_whom), day + step]
            sort = np.lexsort(keys)
            rows, first = rows[sort], _new([key[sort] for key in keys])
            number = first.cumsum() - 1
            urgent = _least(aim[rows], number)
            shipment[rows], leader[rows] = rows[first][number], rows[urgent][number]
            aim[rows] = aim[rows][urgent][number]
        return aim, promise, shipment, leader

    def _freight(
        self, policy: Policy, inside: np.ndarray, ways: dict[str, np.ndarray], shipment: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What is sent at tariffs, other freight, what customers pay of it, shipments, by segment; which orders pay."""
        known = self.model.tariffs.index
        own = (self.orders["carrier"].to_numpy(dtype=object) == ways["carrier"]) & (shipment == np.arange(self.n))
        if (unpriced := ~np.isin(ways["carrier"], known) & ~own).any():
            raise DataError(
                f"policies.yaml: policy {policy.name!r} sends {int(unpriced.sum())} orders by "
                f"{first_five(sorted(set(ways['carrier'][unpriced])))}, of which no shipment has freight, weight and "
                "distance on record."
            )
        kg, km = (self.orders[name].astype("float64").to_numpy() / 1000 for name in ("weight_g", "distance_m"))
        km = self._new_distance(ways, km)
        untold = np.isnan(kg) | np.isnan(km)
        as_billed = untold & own  # what is not known and does not change costs what it cost
        kg, km = (np.where(np.isnan(each), _mean(each), each) for each in (kg, km))
        parcels = self.orders["n_shipments"].to_numpy("float64")
        sent = pd.DataFrame({"of": shipment, "parcels": parcels, "kg": kg, "km": km})
        sent = sent.groupby("of").agg({"parcels": "max", "kg": "sum", "km": "max"})
        of, size = self._segment[sent.index], len(self.segments)
        carrier = known.get_indexer(pd.Index(ways["carrier"]))[sent.index]
        shared = np.bincount(shipment, minlength=self.n)[sent.index] > 1
        priced, count = (carrier >= 0) & (shared | ~as_billed[sent.index]), len(known)
        place = (of * count + carrier)[priced]
        measures = [sent["parcels"], sent["kg"], sent["parcels"] * sent["km"]]
        units = [np.bincount(place, each.to_numpy()[priced], minlength=size * count) for each in measures]
        observed = self.orders["freight"].astype("float64").fillna(0).to_numpy()[sent.index]
        cents = np.where(priced, 0.0, observed)
        income = np.zeros(len(sent))
        if charge := policy.numbers.get("freight_charge", 0):
            value = pd.Series(self.orders["net_revenue"].fillna(0).to_numpy("float64")).groupby(shipment).sum()
            free = policy.numbers.get("free_from", 0)
            income = np.where(inside[sent.index] & ((value.to_numpy() < free) | (free == 0)), charge, 0)
        totals = [np.bincount(of, rows, minlength=size) for rows in (cents, income, np.ones(len(sent)))]
        pays = np.isin(shipment, sent.index[income > 0])
        return np.stack(units, axis=1).reshape(size, count, 3), totals[0], totals[1], totals[2], pays

    def _new_distance(self, ways: dict[str, np.ndarray], km: np.ndarray) -> np.ndarray:
        moved = np.flatnonzero(self.orders["site"].to_numpy(dtype=object) != ways["site"])
        if not len(moved):
            return km
        sums = self.model.delays.groupby(["site", "region"])[["distance_m", "n_far"]].sum()
        mean = sums["distance_m"] / sums["n_far"].where(sums["n_far"] > 0) / 1000
        at = pd.MultiIndex.from_arrays([ways["site"][moved], self.orders["region"].to_numpy(dtype=object)[moved]])
        found = mean.reindex(at).to_numpy("float64")
        km = km.copy()
        km[moved] = np.where(np.isnan(found), km[moved], found)
        return km

    def _static(self, policy: Policy, ways: dict[str, np.ndarray], shipment: np.ndarray) -> np.ndarray:
        """Seconds by segment and activity of work that follows no failure."""
        work, pairs = (
            self._work,
            [(self.orders[name].to_numpy(dtype=object), ways[name]) for name in ("fulfilment", "carrier")],
        )
        moved = np.logical_or.reduce([old != new for old, new in pairs])
        if moved.any() and self._per_shipment:
            work = work.copy()
            for way in sorted(set(zip(*(new[moved] for _, new in pairs), strict=True))):
                rows = moved & (pairs[0][1] == way[0]) & (pairs[1][1] == way[1])
                used = (pairs[0][0] == way[0]) & (pairs[1][0] == way[1])
                used = used if used.any() else pairs[1][0] == way[1]  # else as that carrier's orders by other ways
                for activity in self._per_shipment:
                    work[rows, activity] = self._work[used, activity].mean() if used.any() else 0
        shared = (shipment != np.arange(self.n)).any()
        size, found = len(self.segments), np.zeros((len(self.segments), len(self.activities)))
        for activity in range(len(self.activities)):
            seconds = work[:, activity].astype("float64")
            if shared and activity in self._per_shipment:
                most = np.zeros(self.n)
                np.maximum.at(most, shipment, seconds)
                seconds = most
            found[:, activity] = np.bincount(self._segment, seconds, minlength=size)
        return found

    def _cells_of(self, ways: dict[str, np.ndarray], policy: Policy) -> tuple[np.ndarray, int]:
        """The delay table of each order, and how many orders have one of a coarser cell."""
        known = {name: self.orders[name].to_numpy(dtype=object) for name in ("region", "rush")} | ways
        columns = [known[name] for name in _CELLS[0]]
        codes = [pd.factorize(column)[0] for column in columns]
        kinds, first, number = np.unique(
            np.ravel_multi_index(codes, [code.max() + 1 for code in codes]), return_index=True, return_inverse=True
        )
        tables, coarse = np.zeros(len(kinds), "int64"), np.zeros(len(kinds), bool)
        for at, row in enumerate(first):
            kind = dict(zip(_CELLS[0], (column[row] for column in columns), strict=True))
            tables[at], coarse[at] = self._table(kind, policy)
        return tables[number], int(np.bincount(number, minlength=len(kinds))[coarse].sum())

    def _table(self, kind: dict, policy: Policy) -> tuple[int, bool]:
        for level, names in enumerate(_CELLS):
            key = tuple(kind[name] for name in names)
            n = self._sizes[level].get(key if len(key) > 1 else key[0], 0)
            if n >= _ENOUGH or (n > 0 and level >= len(_CELLS) - 2):
                if (level, key) not in self._cells:
                    rows = self._levels[level].get_group(key).sort_values(["delay_h", "week"])
                    self._cells[level, key] = len(self._tables)
                    self._tables.append(
                        (rows["delay_h"].to_numpy("int64"), rows["week"].to_numpy("int64"), rows["n"].to_numpy("int64"))
                    )
                return self._cells[level, key], level > 1
        raise DataError(
            f"replay: expected earlier orders by way of {kind['fulfilment']!r}, found none to learn delays from "
            f"(policy {policy.name!r})."
        )

    # -- what chance makes of it -------------------------------------------------------------

    def _nps_places(self) -> np.ndarray:
        """For each order the number of its segment, channel, way as it was, shortness and damage."""
        levels = [_coded(self.orders[name].astype("str")) for name in _LEVELS]
        self._names = [names for names, _ in levels]
        place = levels[0][1]
        for names, code in levels[1:]:
            place = place * len(names) + code
        flags = [self.orders[name].astype("boolean").fillna(False).to_numpy(bool) for name in ("in_full", "damaged")]
        short = ~flags[0] & self.orders["in_full"].notna().to_numpy()
        self._contents = 1.0 if self.orders["in_full"].notna().mean() >= KNOWN else np.nan
        place = place * 4 + 2 * short + flags[1]
        return place

    @property
    def _n_places(self) -> int:
        return int(np.prod([len(names) for names in self._names])) * 4

    def _points(self, theta: np.ndarray) -> np.ndarray:
        """Expected points of each place, days late and days of waiting."""
        model, shape = self.model.effects, (*(len(names) for names in self._names), 2, 2, _LATE + 1, _WAIT + 1)
        beta = dict(zip(model.drivers, theta, strict=False))
        eta = np.zeros(shape)
        for axis, (prefix, names) in enumerate(zip(_LEVELS, self._names, strict=True)):
            few = beta.get(f"{prefix}: {_FEW}", 0.0)
            labels = [f"{prefix}: {name}" for name in names]
            own = np.array([beta.get(label, 0.0 if label in self.model.base else few) for label in labels])
            eta = eta + own.reshape([-1 if at == axis else 1 for at in range(len(shape))])
        for axis, name in ((-4, "short"), (-3, "damaged")):
            own = np.arange(2) * beta.get(name, 0.0)
            eta = eta + own.reshape([2 if at == axis % len(shape) else 1 for at in range(len(shape))])
        days, wait = np.arange(_LATE + 1), np.minimum(np.arange(_WAIT + 1), self.model.most[1])
        late = (days > 0) * beta.get("late", 0.0) + np.minimum(days, self.model.most[0]) * beta.get("late_days", 0.0)
        eta = eta + late[:, None] + wait * min(beta.get("wait_days", 0.0), 0.0)  # nobody is the happier for waiting
        found, steps = np.full(shape, self.model.points[-1]), -np.diff(self.model.points)
        for cut, step in zip(theta[len(model.drivers) :], steps, strict=True):
            if step:
                found += step * expit(cut - eta)
        return found.reshape(self._n_places, _LATE + 1, _WAIT + 1)

    def run(
        self,
        policies: Sequence[Policy],
        *,
        draws: int,
        weeks: int,
        rng: np.random.Generator,
        give_or_take: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """Replay the orders under policies, all of them with the same draws.

        Parameters
        ----------
        policies
            The first is today's.
        draws
            Outer draws: of weeks of delays, effects and minutes.
        weeks
            Weeks that a draw takes of those that were observed.
        rng
            Of all draws.
        give_or_take
            The frame of this name: how unsure the declared minutes are.

        Returns
        -------
        DataFrame
            One row a draw, policy and segment: ``n`` (orders), ``shipments``, ``on_time``, ``otif`` (orders; missing
            unless contents are known), ``points`` (sum over orders; missing without effects), ``n_answered``,
            ``points_answered`` (of answered orders, only of today),
            ``wait_days`` (sum), ``freight``, ``income``, ``work``, ``holding`` (cents), ``within_promise`` (orders;
            missing where no promise has a begin), ``seconds: pool`` for each pool; ``touched`` (orders whose
            customers may take it ill), ``at_stake`` (their revenue less cost of goods, cents; missing unless known of
            most, whose mean stands for the rest); and ``same`` (the policy changes nothing for the segment; never so of
            today's own).

        Raises
        ------
        DataError
            If the first policy is not today's, a pool that works for orders has no rate, or a policy has no ``plan``.

        Notes
        -----
        docs/METHODS.md section 5.3: common random numbers. The Monte Carlo error of a mean over draws is their standard
        deviation over the root of ``draws``.

        Examples
        --------
        Half of all orders come 30 hours after their aim. Who pays 300 cents a shipment waits as long: in every draw as
        many are in time, of two orders one on average.

        >>> names = dict.fromkeys(["segment", "channel", "region", "fulfilment", "carrier", "site"], "all")
        >>> amounts = dict.fromkeys(["freight", "weight_g", "distance_m", "net_revenue", "cost_of_goods"], 1000)
        >>> same = names | amounts | {"rush": False, "in_full": True, "damaged": False, "window_h": 4, "n_shipments": 1}
        >>> at = pd.to_datetime(["2026-04-06 09:00", "2026-04-07 09:00"], utc=True)  # a Monday and a Tuesday
        >>> days = {"ordered_at": at, "hour": 9, "day": at.tz_localize(None).normalize()}
        >>> days["promised_by"] = at + pd.Timedelta(days=2)
        >>> orders = pd.DataFrame(same | days | {"order_id": ["1", "2"], "customer_id": "x"})
        >>> work = pd.DataFrame({"order_id": ["1", "2"], "activity": "stop", "pool": "van", "seconds": [60, 90]})
        >>> delays = pd.DataFrame(same | {"week": -1, "delay_h": [0, 30], "n": 50, "n_far": 0})
        >>> prices = pd.DataFrame({"shipment": 50.0, "kg": 10.0, "km": 5.0, "root": [np.zeros((3, 3))]}, index=["all"])
        >>> after = pd.DataFrame(columns=["pool", "plain", "late", "short", "damaged"])
        >>> model = Learned(delays, prices, after, None, np.zeros(0), (7, 20))
        >>> ready = Replay(orders, work, model, rates=pd.Series({"van": 2.0}), per_shipment=["stop"])
        >>> fee = Policy("fee", numbers={"freight_charge": 300})
        >>> runs = ready.run([Policy(), fee], draws=400, weeks=4, rng=np.random.default_rng(1))
        >>> on_time = runs.pivot(index="draw", columns="policy", values="on_time")
        >>> bool((on_time["today"] == on_time["fee"]).all()), on_time["today"].mean().round(1).item()
        (True, 1.0)
        >>> runs.groupby("policy")["income"].mean().to_dict()
        {'fee': 600.0, 'today': 0.0}
        """
        if not policies or policies[0].name != TODAY:
            raise DataError("replay: expected today's policy first, which the others are told against.")
        plans = [self.plan(policy) for policy in policies]
        seen = np.unique(self.model.delays["week"])
        unsure = _NONE if give_or_take is None else give_or_take[give_or_take["kind"] == "activity"]
        share = dict(zip(unsure["name"], unsure["share"], strict=True))
        cents = np.array([self.rates.get(self.pools[name], np.nan) for name in self.activities])
        if np.isnan(cents).any():
            lacking = sorted({self.pools[a] for a, rate in zip(self.activities, cents, strict=True) if np.isnan(rate)})
            raise DataError(
                f"replay: expected a cost by capacity of each pool that works for orders, found none of "
                f"{first_five(lacking)}."
            )
        order = [np.argsort(plan.cell[plan.changed], kind="stable") for plan in plans]
        sorted_ = [plan.changed[sort] for plan, sort in zip(plans, order, strict=True)]
        n = np.bincount(self._segment, minlength=len(self.segments))
        fills = rng.spawn(1)[0]
        rows, fixed = [], [{"same": self._same(plan)} | self._at_stake(plan) for plan in plans]
        for draw in range(draws):
            taken = rng.integers(0, len(seen), len(seen))[
                rng.integers(0, len(seen), weeks)
            ]  # they are a sample themselves
            times = np.bincount(taken, minlength=len(seen))
            uniform, filling = rng.random(self.n), fills.random(self.n)
            theta = self._theta(rng)
            prices = self._prices(rng)
            factor = np.array([_triangle(rng, share.get(name, 0.0)) for name in self.activities])
            points = None if theta is None else self._points(theta)
            cumulated = [_weighted(table, seen, times) for table in self._tables]
            today_code, counts_today, sums, sums_today = None, None, None, None
            for plan, own, more in zip(plans, sorted_, fixed, strict=True):
                code, *each = self._codes(plan, own, uniform, filling, cumulated)
                size = self._n_places * (_LATE + 1) * (_WAIT + 1)
                of, n_segments = self._segment[own], len(self.segments)
                summed = [np.bincount(of, one, minlength=n_segments) for one in each]
                if today_code is None:
                    counts = np.bincount(code, minlength=size)
                    today_code, counts_today = np.empty(self.n, "int64"), counts
                    sums, sums_today = np.empty((len(each), self.n)), summed
                    today_code[own], sums[:, own] = code, each
                else:
                    summed = [
                        whole - np.bincount(of, one[own], minlength=n_segments) + new
                        for whole, one, new in zip(sums_today, sums, summed, strict=True)
                    ]
                    counts = (
                        counts_today - np.bincount(today_code[own], minlength=size) + np.bincount(code, minlength=size)
                    )
                told = self._told(plan, counts, points, factor, cents, n) | more
                told["wait_days"], told["within_promise"] = summed[0] / _DAY, summed[1] * self._windowed
                told["freight"] = plan.freight + np.tensordot(plan.units, prices, axes=2)
                if plan is plans[0]:
                    told |= self._of_answered(np.bincount(code[self._answered[own]], minlength=size), points)
                rows.append(told | {"draw": draw})
        size = len(self.segments)
        empty = np.full(size, np.nan)
        return pd.DataFrame(
            {
                name: np.concatenate([np.broadcast_to(row.get(name, empty), size) for row in rows])
                for name in dict.fromkeys(itertools.chain.from_iterable(rows))
            }
        )

    def _at_stake(self, plan: Plan) -> dict[str, np.ndarray]:
        """Orders whose customers may take a policy ill, and their revenue less cost of goods, by segment."""
        if plan.policy.name == TODAY:
            return {"touched": np.zeros(len(self.segments)), "at_stake": np.zeros(len(self.segments))}
        money = self.orders["net_revenue"].astype("float64") - self.orders["cost_of_goods"].astype("float64")
        of, size = self._segment[plan.touched], len(self.segments)
        money = money.to_numpy("float64")[plan.touched]
        known, touched = np.isfinite(money), np.bincount(of, minlength=size)
        counted = np.bincount(of[known], minlength=size)
        stake = np.bincount(of[known], money[known], minlength=size) * touched / np.maximum(counted, 1)
        return {"touched": touched, "at_stake": np.where(counted >= KNOWN * touched, stake, np.nan)}

    def _same(self, plan: Plan) -> np.ndarray:
        """The segments for which a plan changes nothing; none for today's own."""
        if plan.policy.name == TODAY:
            return np.zeros(len(self.segments), bool)
        moved = np.bincount(self._segment[plan.changed], minlength=len(self.segments)) > 0
        for name in ("units", "freight", "income", "seconds", "holding"):
            differs = getattr(plan, name) != getattr(self.today, name)
            moved |= differs.reshape(len(self.segments), -1).any(axis=1)
        return ~moved

    def _prices(self, rng: np.random.Generator) -> np.ndarray:
        """A draw of the price of a shipment, a kilogram and a kilometre of each tariff.

        One may fall below 0 where another rises: cut there, freight would be dearer on average than what was fitted.
        """
        tariffs = self.model.tariffs
        if tariffs.empty:
            return np.zeros((0, 3))
        middle = tariffs[["shipment", "kg", "km"]].to_numpy("float64")
        errors = np.stack(
            [root @ drawn for root, drawn in zip(tariffs["root"], rng.standard_normal(middle.shape), strict=True)]
        )
        return middle + errors

    def _theta(self, rng: np.random.Generator) -> np.ndarray | None:
        model = self.model.effects
        if model is None:
            return None
        mean = np.append(model.coefficients, model.cuts)
        drawn = rng.multivariate_normal(mean, model.covariance, method="eigh")
        drawn[len(model.drivers) :] = np.sort(drawn[len(model.drivers) :])
        return drawn

    def _codes(
        self, plan: Plan, own: np.ndarray, uniform: np.ndarray, filling: np.ndarray, cumulated: list
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Place, days late and days of waiting of the orders ``own``, sorted by cell, as one number; and of each order

        the seconds that it waited, and whether it came within its promise. ``filling`` decides which short ones are.
        """
        delay = np.empty(len(own), "int64")
        cells, chance = plan.cell[own], uniform[plan.leader[own]]
        edges = np.flatnonzero(_new([cells]))
        for low, high in zip(edges, [*edges[1:], len(own)], strict=len(own) > 0):
            values, cumulative = self._tables[cells[low]][0], cumulated[cells[low]]
            at = np.searchsorted(cumulative, chance[low:high] * cumulative[-1], side="right")
            delay[low:high] = values[np.minimum(at, len(values) - 1)]
        seconds = delay * _HOUR
        late = np.clip(-((-(seconds + plan.slack[own])) // _DAY), 0, _LATE)
        wait = np.clip((seconds + plan.wait[own]) // _DAY, 0, _WAIT)
        ahead = -(seconds + plan.slack[own])  # of the end of the promise
        places = self._places[own] - 2 * (filling[own] >= plan.stays[own])
        code = (places * (_LATE + 1) + late) * (_WAIT + 1) + wait
        return code, seconds + plan.wait[own], (ahead >= 0) & (ahead <= plan.window[own])

    def _told(
        self,
        plan: Plan,
        counts: np.ndarray,
        points: np.ndarray | None,
        factor: np.ndarray,
        cents: np.ndarray,
        n: np.ndarray,
    ) -> dict:
        size = len(self.segments)
        counts = counts.reshape(self._n_places, _LATE + 1, _WAIT + 1)
        by_place = counts.sum(axis=2).reshape(size, -1, 2, 2, _LATE + 1).sum(axis=1)
        late, short, damaged = by_place[..., 1:].sum(axis=(1, 2, 3)), by_place[:, 1].sum(axis=(1, 2)), by_place[:, :, 1]
        after = self.model.after
        seconds = plan.seconds.copy()
        for name in after.index:
            row = after.loc[name]
            more = row["late"] * late + row["short"] * short + row["damaged"] * damaged.sum(axis=(1, 2))
            seconds[:, self.activities.index(name)] += row["plain"] * n + more
        seconds = np.maximum(seconds * factor, 0)
        score = self._scored(counts, points)
        pools = {
            f"seconds: {pool}": seconds[:, [self.pools[a] == pool for a in self.activities]].sum(axis=1)
            for pool in sorted(set(self.pools.values()))
        }
        return {
            "policy": plan.policy.name, "segment": self.segments, "n": n, "shipments": plan.shipments,
            "on_time": n - late, "otif": by_place[:, 0, :, 0].sum(axis=1) * self._contents, "points": score,
            "income": plan.income, "work": seconds @ cents, "holding": plan.holding,
        } | pools  # fmt: skip

    def _scored(self, counts: np.ndarray, points: np.ndarray | None) -> np.ndarray:
        """Sum of points by segment."""
        if points is None:
            return np.full(len(self.segments), np.nan)
        return (counts.reshape(points.shape) * points).sum(axis=(1, 2)).reshape(len(self.segments), -1).sum(axis=1)

    def _of_answered(self, counts: np.ndarray, points: np.ndarray | None) -> dict[str, np.ndarray]:
        n = counts.reshape(len(self.segments), -1).sum(axis=1)
        return {"n_answered": n, "points_answered": self._scored(counts, points)}


def stocked(spans: pd.DataFrame) -> pd.DataFrame:
    """Demand between two counts of each article at each site that ran out, where it was not cut short.

    Parameters
    ----------
    spans
        The frame ``stock_spans``: ``category``, ``site_id``, ``product_id``, ``stocked_out``, ``sold`` (pieces),
        ``goods`` (cents) and ``pieces`` that these are of.

    Returns
    -------
    DataFrame
        One row an article and site with five counts or more without being sold out, that sold anything: ``category``,
        ``out`` (counts at which it was), ``counts``, ``mean`` and ``spread`` (pieces sold a count, standard deviation;
        while it was not sold out), ``cost`` (cents a piece; 0 where it is not known).

    Notes
    -----
    docs/METHODS.md sections 5.3 and 5.7.

    Examples
    --------
    Five counts with tea left, of 8 to 12 sold, and one that ended with none.

    >>> spans = pd.DataFrame({"sold": [8, 12, 8, 12, 10, 15], "stocked_out": [False] * 5 + [True]})
    >>> stocked(spans.assign(category="tea", site_id="S", product_id="x", goods=5000, pieces=10))
      category  out  counts  mean  spread   cost
    0      tea  1.0       6  10.0     2.0  500.0
    """
    found = []
    for (category, *_), rows in spans.groupby(["category", "site_id", "product_id"]):
        calm = rows.loc[~rows["stocked_out"].astype("bool"), "sold"].astype("float64")
        if len(calm) < 5 or not calm.sum():
            continue
        cost = float(rows["goods"].iloc[0]) / max(float(rows["pieces"].iloc[0]), 1)
        out = float(rows["stocked_out"].sum())
        found.append((category, out, len(rows), float(calm.mean()), max(float(calm.std(ddof=1)), 1e-6), cost))
    return pd.DataFrame(found, columns=["category", "out", "counts", "mean", "spread", "cost"])


_NONE = pd.DataFrame({"kind": [], "name": [], "share": []})


def _triangle(rng: np.random.Generator, share: float) -> float:
    drawn = rng.random(2)
    return 1 + share * float(drawn[0] - drawn[1])


def _weighted(table: tuple[np.ndarray, np.ndarray, np.ndarray], weeks: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Cumulated orders of a delay table, each week as often as it was drawn; as they are where none of its was."""
    _, week, n = table
    found = (n * times[np.searchsorted(weeks, week)]).cumsum()
    return found if found[-1] else n.cumsum()


def _coded(values: pd.Series) -> tuple[list[str], np.ndarray]:
    codes, names = pd.factorize(values.astype("str"), sort=True)
    return list(names), codes.astype("int64")


def _seconds(moments: pd.Series) -> np.ndarray:
    return moments.astype("datetime64[us, UTC]").astype("int64").to_numpy() // 10**6


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def _clock(orders: pd.DataFrame) -> np.ndarray:
    """Seconds on the company's clocks when orders were placed, from their day and hour there."""
    hour = (
        pd.to_datetime(orders["day"]).to_numpy("datetime64[s]").astype("int64")
        + orders["hour"].to_numpy("int64") * _HOUR
    )
    at = _seconds(orders["ordered_at"])
    ahead = -((at - hour) // (_HOUR // 2)) * (_HOUR // 2)  # clocks are half hours apart, most of them whole ones
    return at + np.where(ahead % _HOUR, ahead + _HOUR // 2, ahead)


def _most(values: pd.Series) -> str:
    counts = values.value_counts()
    return str(sorted(counts.index[counts == counts.max()])[0])


def _new(keys: Sequence[np.ndarray]) -> np.ndarray:
    """Where a row of sorted keys differs from the one before."""
    if not len(keys[0]):
        return np.zeros(0, bool)
    return np.append(True, np.logical_or.reduce([key[1:] != key[:-1] for key in keys]))


def _least(values: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Position of the smallest value of each group; groups are numbered from 0, in order."""
    sort = np.lexsort([values, number])
    return sort[np.flatnonzero(_new([number[sort]]))]


def _batches(
    new: np.ndarray, at: np.ndarray, value: np.ndarray, window: int, least: int
) -> tuple[np.ndarray, np.ndarray]:
    """First orders of shipments, and for each shipment whether it is sent because its value is enough.

    Orders are sorted by who they may travel with (``new`` marks the first) and time. A shipment begins with an order,
    takes those within ``window`` seconds, and ends early with the one by which ``least`` is reached (0: never).
    """
    n = len(at)
    if not n:
        return np.zeros(0, bool), np.zeros(0, bool)
    group = new.cumsum() - 1
    ends = np.append(np.flatnonzero(new)[1:], n)[group]
    step = at.max() - at.min() + window + 1
    line = (at - at.min()) + group * step  # one rising line of time over all groups
    by_time = np.searchsorted(line, line + window, side="right")
    after = np.minimum(by_time, ends)
    enough = np.zeros(n, bool)
    if least:
        sums = np.append(0.0, value.clip(min=0).cumsum())
        by_value = np.searchsorted(sums, sums[:-1] + least - 1e-6, side="left")
        enough = by_value <= after
        after = np.where(enough, np.maximum(by_value, np.arange(n) + 1), after)
    first, current = np.zeros(n, bool), np.flatnonzero(new)
    while len(current):  # one step a shipment of each customer, all customers at once
        first[current] = True
        following = after[current]
        current = following[following < ends[current]]
    return first, enough[np.flatnonzero(first)]

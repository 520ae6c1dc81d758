"""Which service policy for which segment, and how sure is that? From replayed policies to a recommendation."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import NormalDist

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.stats import t as student

from toolkit import replay, stats, stock
from toolkit.errors import DataError
from toolkit.replay import TODAY

ALL = "(all)"
COST_WITHIN = 0.02  # of what was observed, for the replay to be trusted
FELT = 1.0  # points of NPS that a cheaper policy may cost
_RATES = {"on_time": "on_time", "within_promise": "within_promise", "otif": "otif", "nps": "points"}
_ANSWERS = 30  # from which a score is held against the replay
_JUMP, _MAD, _CALM = 3.0, 1.4826, 14  # robust deviations of a jump; of the median deviation; days that a jump may last


def served(orders: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """Today's policy of each segment, as its orders tell.

    Parameters
    ----------
    orders
        The frame ``sent_orders``: ``segment``, ``customer_id``, ``day``, ``promised_day``, ``hour``, ``fulfilment``,
        ``carrier``, ``net_revenue`` (cents), ``n_shipments``.
    min_n
        Segments with fewer customers stand together as "(other)".

    Returns
    -------
    DataFrame
        One row a segment: ``n`` (orders), ``n_customers``, ``promise_days`` (median of calendar days), ``other_days``
        (share promised for another number of days), ``cut_off`` (hour; 24: midnight), ``way`` (the most used fulfilment
        and carrier), ``way_share``, ``median_revenue`` (cents), ``orders_each`` (a customer), ``shipments_each`` (an
        order).

    Notes
    -----
    docs/METHODS.md section 5.1.

    Examples
    --------
    Thirty orders of fifteen customers; every third is promised a day later, and goes by no carrier:

    >>> day, later = pd.Timestamp("2026-04-01"), pd.to_timedelta([2, 2, 3] * 10, unit="D")
    >>> orders = pd.DataFrame({"customer_id": [f"c{i % 15}" for i in range(30)], "day": day, "hour": 9,
    ...                        "promised_day": day + later, "carrier": ["van", "van", "(none)"] * 10})
    >>> orders = orders.assign(segment="a", fulfilment="home", net_revenue=100, n_shipments=1)
    >>> served(orders, min_n=10)[["promise_days", "other_days", "cut_off", "way", "way_share", "orders_each"]].round(2)
       promise_days  other_days  cut_off        way  way_share  orders_each
    0           2.0        0.33       24  home, van       0.67          2.0
    """
    found = []
    for segment, rows in stats.publishable(orders, by=["segment"], person="customer_id", min_n=min_n).groupby(
        "segment"
    ):
        days = (pd.to_datetime(rows["promised_day"]) - pd.to_datetime(rows["day"])).dt.days
        carrier = (", " + rows["carrier"].astype("str")).where(rows["carrier"] != "(none)", "")
        ways = (rows["fulfilment"].astype("str") + carrier).value_counts()
        way = sorted(ways.index[ways == ways.max()])[0]
        found.append(
            {
                "segment": segment,
                "n": len(rows),
                "n_customers": rows["customer_id"].nunique(),
                "promise_days": float(days.median()),
                "other_days": float((days != days.median()).mean()),
                "cut_off": replay.cut_off(rows),
                "way": way,
                "way_share": float(ways[way] / len(rows)),
                "median_revenue": float(rows["net_revenue"].astype("float64").median()),
                "orders_each": len(rows) / rows["customer_id"].nunique(),
                "shipments_each": float(rows["n_shipments"].mean()),
            }
        )
    return pd.DataFrame(found)


def untold(orders: pd.DataFrame) -> list[str]:
    """Levers that no order tells anything of: ``carrier``, ``fulfilment``, ``site``, ``freight``, ``contents``,
    ``window``.

    A way can be changed to another only if both were used; freight is told if any is on record.

    Parameters
    ----------
    orders
        The frame ``sent_orders``: ``carrier``, ``fulfilment``, ``site``, ``freight`` (cents), ``in_full``,
        ``window_h``.

    Returns
    -------
    list
        Their names; empty where all can be replayed.

    Notes
    -----
    docs/METHODS.md sections 5.2 and 5.3.

    Examples
    --------
    >>> orders = pd.DataFrame({"carrier": ["a", "b"], "fulfilment": "home", "site": ["W", "V"], "freight": [None, 5],
    ...                        "in_full": [None, None], "window_h": [None, 2]})
    >>> untold(orders)
    ['fulfilment', 'contents']
    """
    found = [name for name in ("carrier", "fulfilment", "site") if orders[name].nunique() < 2]
    found += ["freight"] if not orders["freight"].fillna(0).astype("float64").any() else []
    return found + [name for name, of in _TELLS.items() if orders[of].isna().all()]


_TELLS = {"contents": "in_full", "window": "window_h"}


def visibility(statuses: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """Was a status sent before the customer asked?

    Parameters
    ----------
    statuses
        The frame ``statuses``: ``order_id``, ``customer_id``, ``segment``, ``asked``, ``told_first`` (also of those
        told who never asked).
    min_n
        Segments with fewer customers stand together as "(other)".
    confidence
        Coverage of the intervals, which hold together.

    Returns
    -------
    DataFrame
        One row a segment: ``n`` (orders asked about or told of), ``n_asked``, ``share`` (of n: told first, 0-1) with
        ends.

    Notes
    -----
    docs/METHODS.md section 5.1. Wilson intervals, together by Bonferroni.

    Examples
    --------
    >>> statuses = pd.DataFrame({"order_id": range(40), "customer_id": range(40), "segment": ["a"] * 20 + ["b"] * 20,
    ...                          "asked": [True] * 40, "told_first": [True] * 15 + [False] * 25})
    >>> visibility(statuses, min_n=10).round(2)
      segment   n  n_asked  share  share_low  share_high
    0       a  20       20   0.75        0.5         0.9
    1       b  20       20   0.00        0.0         0.2
    """
    rows = stats.publishable(statuses, by=["segment"], person="customer_id", min_n=min_n)
    counts = rows.groupby("segment", as_index=False).agg(
        n=("order_id", "size"), n_asked=("asked", "sum"), k=("told_first", "sum")
    )
    found = stats.share(counts, confidence=confidence, family=max(len(counts), 1))
    return found[["segment", "n", "n_asked", "share", "share_low", "share_high"]]


@dataclass(frozen=True, eq=False)
class Agility:
    """How delivery follows demand.

    Attributes
    ----------
    jumps
        One row a jump of demand: ``day``, ``pieces``, ``usual`` (of that weekday), ``days_back`` (to normal fill),
        ``ended`` (False: not back when the period ended).
    normal
        Median fill of calm days, 0-1.
    top, rest
        Fill (0-1) of the tenth of days with most pieces, and of the others: pieces delivered of those ordered.
    difference, low, high
        Mean of the daily fills of the former less that of the others, with its interval: each day counts alike, so that
        it need not be top less rest. Missing, as the two, where days are much alike.

    Notes
    -----
    docs/METHODS.md section 5.1.

    Examples
    --------
    Fill is 0.9 on the tenth of days with most pieces, 1 on all others:

    >>> days = pd.date_range("2026-04-06", periods=70)
    >>> orders = pd.DataFrame({"day": days, "quantity_ordered": [100] * 63 + [110] * 7})
    >>> found = agility(orders.assign(quantity_delivered=[100] * 63 + [99] * 7))
    >>> round(found.top, 4), round(found.rest, 4), round(found.difference, 4), len(found.jumps)
    (0.9, 1.0, -0.1, 0)
    """

    jumps: pd.DataFrame
    normal: float
    top: float
    rest: float
    difference: float
    low: float
    high: float


def agility(orders: pd.DataFrame, *, confidence: float = 0.95) -> Agility | None:
    """How long delivery takes to come back to normal after a jump of demand; None where contents are not known.

    Parameters
    ----------
    orders
        The frame ``sent_orders``: ``day``, ``quantity_ordered``, ``quantity_delivered``.
    confidence
        Coverage of the interval of the difference, between 0 and 1.

    Returns
    -------
    Agility
        Jumps, normal fill, and fill on the busiest days. None below 28 days of orders with known contents.

    Notes
    -----
    docs/METHODS.md section 5.1. The interval is Welch's, days taken as independent. Where most calm days have the same
    fill, such as 1, the deviation is 0: only a mean of three days that is not below it counts as back.

    Examples
    --------
    Day 30 asks for thrice as much, and fill falls to 0.8 for three days: back on the third day after.

    >>> pieces, fill = [1000] * 70, [0.98, 0.97] * 35
    >>> pieces[30], fill[30:33] = 3000, [0.8] * 3
    >>> orders = pd.DataFrame({"day": pd.date_range("2026-04-06", periods=70), "quantity_ordered": pieces})
    >>> found = agility(orders.assign(quantity_delivered=orders["quantity_ordered"] * fill))
    >>> found.jumps
              day  pieces   usual  days_back  ended
    0  2026-05-06    3000  1000.0          3   True
    """
    known = orders.dropna(subset=["quantity_ordered", "quantity_delivered"])
    sums = known.groupby("day")[["quantity_ordered", "quantity_delivered"]].sum().astype("float64")
    if len(sums) < 2 * _CALM:
        return None
    sums.index = pd.to_datetime(sums.index)
    pieces, fill = sums["quantity_ordered"], sums["quantity_delivered"] / sums["quantity_ordered"]
    usual = pieces.groupby(pieces.index.dayofweek).transform("median")
    rest = pieces - usual
    spread = max(_MAD * float((rest - rest.median()).abs().median()), float(usual.median()) ** 0.5)  # chance alone
    high = (rest > _JUMP * spread).to_numpy()
    days = sums.index.to_numpy("datetime64[D]").astype("int64")
    near = np.zeros(len(sums), bool)
    for day in days[high]:
        near |= (days >= day) & (days < day + _CALM)
    calm = fill[~near] if (~near).any() else fill
    normal = float(calm.median())
    low_edge = normal - _MAD * float((calm - normal).abs().median())
    found, until = [], -1
    means = fill.rolling(3, min_periods=1).mean().shift(-2).fillna(fill).to_numpy()
    for at in np.flatnonzero(high):
        if days[at] <= until:
            continue  # a jump before the last is over belongs to it
        back = np.flatnonzero((np.arange(len(days)) >= at) & (means >= low_edge))
        ended = len(back) > 0
        until = days[back[0]] if ended else days[-1]
        found.append((sums.index[at].date(), int(pieces.iloc[at]), float(usual.iloc[at]), int(until - days[at]), ended))
    jumps = pd.DataFrame(found, columns=["day", "pieces", "usual", "days_back", "ended"])
    top = (pieces >= pieces.quantile(0.9)).to_numpy()
    one, other = fill[top], fill[~top]
    if min(len(one), len(other)) < 2:  # days much alike have no busiest tenth
        return Agility(jumps, normal, *[float("nan")] * 5)
    variances = [float(each.var(ddof=1)) / len(each) for each in (one, other)]
    free = sum(variances) ** 2 / max(
        sum(v**2 / (len(e) - 1) for v, e in zip(variances, (one, other), strict=True)), 1e-300
    )
    half = float(student.ppf((1 + confidence) / 2, free)) * sum(variances) ** 0.5 if sum(variances) else 0.0
    weighed = [float((fill * pieces)[rows].sum() / pieces[rows].sum()) for rows in (top, ~top)]
    gap = float(one.mean() - other.mean())
    return Agility(jumps, normal, weighed[0], weighed[1], gap, gap - half, gap + half)


@dataclass(frozen=True, eq=False)
class Study:
    """Policies replayed on a period's orders.

    Attributes
    ----------
    policies
        Those that could be replayed, today's first.
    runs
        The result of ``Replay.run``; no row where there is nothing to replay or nothing to learn from.
    refused
        One row a policy that could not be: ``policy``, ``why``.
    unpriced
        Pools whose work is left out, because no cost by capacity is known of them.
    coarse
        By policy, share of orders whose delays are those of a coarser cell than way, lane and rush.

    Notes
    -----
    docs/METHODS.md section 5.3.

    Examples
    --------
    Without an order to learn from, nothing but today's policy is left, and no run:

    >>> nothing, no_work = pd.DataFrame(), pd.DataFrame(columns=["pool"])
    >>> model = replay.Learned(nothing, nothing, no_work, None, np.zeros(0), (0, 0))
    >>> policies = [replay.Policy(), replay.Policy("later", numbers={"promise_days": 1})]
    >>> found = study(nothing, no_work, model, policies, rates=pd.Series(), draws=1, rng=None)
    >>> len(found.policies), len(found.runs), found.refused["policy"].tolist()
    (1, 0, ['later'])
    >>> found.refused["why"][0]
    'no order with a promise was sent in the periods that it would be learned from'
    """

    policies: list[replay.Policy]
    runs: pd.DataFrame
    refused: pd.DataFrame
    unpriced: tuple[str, ...]
    coarse: dict[str, float]


def study(
    orders: pd.DataFrame,
    work: pd.DataFrame,
    model: replay.Learned,
    policies: Sequence[replay.Policy],
    *,
    rates: pd.Series,
    draws: int,
    rng: np.random.Generator,
    **more: object,
) -> Study:
    """Replay policies on orders, and say of which that cannot be done.

    Parameters
    ----------
    orders, work
        The frames ``sent_orders`` and ``sent_work``.
    model
        The result of ``replay.learned``.
    policies
        The result of ``replay.declared``: today's first.
    rates
        Cents a second by pool.
    draws, rng
        Outer draws, and their generator.
    more
        ``per_shipment``, ``answered``, ``spans``, ``holding_percent`` of ``Replay``; ``give_or_take`` of its ``run``.

    Returns
    -------
    Study
        Runs of the policies that could be replayed, and why the others could not. Work of pools without a rate is left
        out; each draw takes as many weeks of delays as the orders span.

    Notes
    -----
    docs/METHODS.md section 5.3.

    Examples
    --------
    All of 40 orders came five hours late: promised a day later, they are on time. None ever went by bike, and nobody
    knows what the van costs.

    >>> at, day = pd.Timestamp("2026-04-06 09:00", tz="UTC"), pd.Timedelta(days=1)
    >>> each = dict.fromkeys(["customer_id", "segment", "channel", "region", "fulfilment", "carrier", "site"], "a")
    >>> each |= dict.fromkeys(["net_revenue", "cost_of_goods", "freight", "weight_g", "distance_m", "window_h"], 9)
    >>> each |= {"rush": False, "in_full": True, "damaged": False, "n_shipments": 1, "hour": 9}
    >>> each |= {"ordered_at": at, "day": at, "promised_by": at + 2 * day}
    >>> orders = pd.DataFrame({"order_id": range(40), **each})
    >>> work = pd.DataFrame({"order_id": range(40), "activity": "stop", "pool": "van", "seconds": 60})
    >>> delays, after = orders.assign(week=-1, delay_h=5, n=9), pd.DataFrame(columns=["pool"])
    >>> prices = pd.DataFrame(columns=["shipment", "kg", "km", "root"])
    >>> model = replay.Learned(delays, prices, after, None, np.zeros(0), (0, 0))
    >>> later = replay.Policy("a day later", numbers={"promise_days": 1})
    >>> policies = [replay.Policy(), later, replay.Policy("by bike", ways={"carrier": {"a": "bike"}})]
    >>> rates, rng = pd.Series(dtype="float64"), np.random.default_rng(1)
    >>> found = study(orders, work, model, policies, rates=rates, draws=1, rng=rng)
    >>> found.runs[["policy", "n", "on_time"]].values.tolist()
    [['today', 40, 0], ['a day later', 40, 40]]
    >>> found.refused["policy"].tolist(), found.unpriced
    (['by bike'], ('van',))
    """
    unpriced = sorted((set(work["pool"]) | set(model.after["pool"])) - set(rates.index))
    work = work[~work["pool"].isin(unpriced)]
    model = replace(model, after=model.after[~model.after["pool"].isin(unpriced)])
    unsure = more.pop("give_or_take", None)
    if orders.empty or model.delays.empty:
        why = "no order with a promise was sent in the periods that it would be learned from"
        gone = pd.DataFrame({"policy": [policy.name for policy in policies[1:]], "why": why})
        return Study(list(policies[:1]), _NO_RUNS, gone, tuple(unpriced), {})
    found = replay.Replay(orders, work, model, rates=rates, **more)
    kept, refused = found.possible(policies)
    if not kept or kept[0].name != TODAY:
        return Study(list(policies[:1]), _NO_RUNS, refused, tuple(unpriced), {})
    days = pd.to_datetime(orders["day"])
    weeks = max(int(np.ceil(((days.max() - days.min()).days + 1) / 7)), 1)
    runs = found.run(kept, draws=draws, weeks=weeks, rng=rng, give_or_take=unsure)
    coarse = {policy.name: found.plan(policy).fallback / len(orders) for policy in kept}
    return Study(kept, runs, refused, tuple(unpriced), coarse)


_SUMS = ["n", "shipments", *_RATES.values(), "wait_days", "freight", "income", "work", "holding"]
_MORE = ["n_answered", "points_answered", "touched", "at_stake"]
_NO_RUNS = pd.DataFrame(columns=["draw", "policy", "segment", *_SUMS, *_MORE, "same"]).astype(
    dict.fromkeys(["draw", *_SUMS, *_MORE], "float64") | {"same": "bool"}
)


# -- can the replay be trusted? --------------------------------------------------------------


_SHARES = ("on_time", "within_promise", "otif")


def observed(
    orders: pd.DataFrame, work: pd.DataFrame, failure_work: pd.DataFrame, answers: pd.DataFrame, *, rates: pd.Series
) -> pd.DataFrame:
    """What became of the replayed orders, by segment and in all: what today's replay is held against.

    Parameters
    ----------
    orders, work, failure_work
        The frames ``sent_orders``, ``sent_work`` and ``failure_work``.
    answers
        Scored invitations of the period with ``order_id`` and ``value`` (-1, 0, 1); those of replayed orders are taken.
    rates
        Cents a second by pool.

    Returns
    -------
    DataFrame
        One row a segment ("(all)" first) and measure: ``segment``, ``measure`` (on_time, within_promise, otif: shares
        0-1; nps: points; cost: cents), ``observed``, ``error`` (standard error of what was observed by itself: of the
        score, of its answers). Cost is told of all orders only, since work after failures is. No row of a share that is
        known of less than 95 % of orders, or of a score with fewer than 30 answers.

    Notes
    -----
    docs/METHODS.md section 5.3.

    Examples
    --------
    Three of thirty are late, three more come before a window of an hour; 30 x 10 cents of freight, 60 s at 2 cents:

    >>> orders = pd.DataFrame({"order_id": range(30), "segment": "a", "delay_h": [1] * 3 + [-2] * 27, "in_full": True,
    ...                        "window_h": [1] * 6 + [2] * 24, "freight": 10})
    >>> work = pd.DataFrame({"pool": ["van"], "seconds": [50]})
    >>> failed = pd.DataFrame({"before": [False], "pool": ["van"], "seconds": [10]})
    >>> answers = pd.DataFrame({"order_id": range(30), "value": [1, 1, -1] * 10})
    >>> found = observed(orders, work, failed, answers, rates=pd.Series({"van": 2.0}))
    >>> found[found["segment"] == ALL].round(2)
      segment         measure  observed  error
    0   (all)         on_time      0.90   0.00
    1   (all)  within_promise      0.80   0.00
    2   (all)            otif      0.90   0.00
    3   (all)             nps     33.33  17.51
    8   (all)            cost    420.00   0.00
    """
    late = orders["delay_h"] > 0
    full = orders["in_full"].astype("boolean")
    rows = orders[["segment"]].assign(on_time=~late, otif=(full & ~late).where(full.notna()))
    window = orders["window_h"].astype("float64")
    within = ~late & (orders["delay_h"] >= -window.fillna(np.inf))
    rows["within_promise"] = within if window.notna().any() else np.nan
    told = answers[answers["value"].notna() & answers["order_id"].isin(orders["order_id"])]
    segment = orders.set_index("order_id")["segment"].reindex(told["order_id"]).to_numpy()
    points = pd.DataFrame({"segment": segment, "points": 100 * told["value"].to_numpy("float64")})
    found = []
    for name in [ALL, *sorted(set(orders["segment"]))]:
        own, said = (
            (rows, points) if name == ALL else (rows[rows["segment"] == name], points[points["segment"] == name])
        )
        kept = {measure: own[measure].dropna().astype("float64") for measure in _SHARES}
        kept = {measure: values for measure, values in kept.items() if len(values) >= replay.KNOWN * len(own)}
        found += [(name, measure, values.mean(), 0.0) for measure, values in kept.items()]
        if len(said) >= _ANSWERS:
            found.append(
                (name, "nps", float(said["points"].mean()), float(said["points"].std(ddof=1)) / len(said) ** 0.5)
            )
    seconds = work.groupby("pool")["seconds"].sum().add(
        failure_work[~failure_work["before"]].groupby("pool")["seconds"].sum(), fill_value=0
    )  # fmt: skip
    cost = float(orders["freight"].astype("float64").fillna(0).sum() + (seconds * rates.reindex(seconds.index)).sum())
    if len(orders):
        found.append((ALL, "cost", cost, 0.0))
    return pd.DataFrame(found, columns=["segment", "measure", "observed", "error"]).dropna(subset=["observed"])


def validity(runs: pd.DataFrame, seen: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Does today's replay, learned from earlier periods, give what this period brought?

    Parameters
    ----------
    runs
        The result of ``Replay.run`` with what was learned before the period; the rows of today are taken.
    seen
        The result of ``observed``.
    confidence
        Coverage of the bands, which hold together.

    Returns
    -------
    DataFrame
        ``seen`` with ``replayed`` (mean), ``low``, ``high`` (the band) and ``passed``: observed in its band; that
        of cost is 2 % to both sides. Empty where nothing was replayed or observed.

    Notes
    -----
    docs/METHODS.md section 5.3. Normal bands, mean +- z sd: so many draws do not show the tails themselves.

    Examples
    --------
    Shares on time of .88, .90, .92 were drawn: .92 is in the band .90 +- 2.24 x .02. Cost is 3 % off.

    >>> rest = dict.fromkeys(["within_promise", "otif", "points", "wait_days", "work", "holding", "income"], 0)
    >>> runs = pd.DataFrame({"draw": [0, 1, 2], "policy": TODAY, "segment": "a", "n": 100, "on_time": [88, 90, 92]})
    >>> seen = pd.DataFrame({"segment": ["a", ALL], "measure": ["on_time", "cost"], "observed": [0.92, 1030]})
    >>> validity(runs.assign(freight=1000, **rest), seen.assign(error=0)).drop(columns="error").round(3)
      segment  measure  observed  replayed      low      high  passed
    0       a  on_time      0.92       0.9    0.855     0.945    True
    1   (all)     cost   1030.00    1000.0  980.392  1020.408   False
    """
    today = with_all(runs[runs["policy"] == TODAY])
    if today.empty or seen.empty:
        return pd.DataFrame(columns=[*seen, "replayed", "low", "high", "passed"])
    z = NormalDist().inv_cdf(1 - (1 - confidence) / 2 / max(len(seen), 1))
    found = []
    for row in seen.itertuples():
        own = today[today["segment"] == row.segment]
        values = (own["points_answered"] / own["n_answered"]) if row.measure == "nps" else measured(own)[row.measure]
        mean = float(values.mean())
        half = z * float(np.hypot(values.std(ddof=1), row.error))
        low, high = mean - half, mean + half
        if row.measure == "cost":  # a tariff and minutes draw little: it is held to a share
            low, high = mean / (1 + COST_WITHIN), mean / (1 - COST_WITHIN)
        found.append({"replayed": mean, "low": low, "high": high, "passed": bool(low <= row.observed <= high)})
    told = pd.concat([seen.reset_index(drop=True), pd.DataFrame(found)], axis=1)
    return told.dropna(subset=["replayed"]).reset_index(drop=True)


def with_all(runs: pd.DataFrame) -> pd.DataFrame:
    """``runs`` with rows of all segments together.

    Parameters
    ----------
    runs
        The result of ``Replay.run``.

    Returns
    -------
    DataFrame
        One row a draw, policy and segment, first those of the segment "(all)": sums over segments (for those, ``same``
        is False).

    Notes
    -----
    docs/METHODS.md section 5.4.

    Examples
    --------
    >>> runs = pd.DataFrame({"draw": 0, "policy": TODAY, "segment": ["a", "b"], "n": [100, 50], "on_time": [90, 40]})
    >>> with_all(runs)[["segment", "n", "on_time"]].values.tolist()
    [['(all)', 150, 130], ['a', 100, 90], ['b', 50, 40]]
    """
    sums = runs.groupby(["draw", "policy"], as_index=False, sort=False).sum(numeric_only=True, min_count=1)
    return pd.concat([sums.assign(segment=ALL, same=False), runs], ignore_index=True)


def measured(runs: pd.DataFrame) -> pd.DataFrame:
    """Of each row: on_time, within_promise, otif (0-1), nps (points), wait (days an order), cost, gain (less it).

    Parameters
    ----------
    runs
        The result of ``Replay.run`` or of ``with_all``.

    Returns
    -------
    DataFrame
        These columns, with the index of ``runs``; ``cost`` (freight, work and holding) and ``gain`` (freight that
        customers pay, less cost) in cents.

    Notes
    -----
    docs/METHODS.md section 5.4.

    Examples
    --------
    >>> run = {"n": 100, "on_time": 90, "within_promise": 88, "otif": 85, "points": 3000, "wait_days": 200}
    >>> run |= {"freight": 700, "work": 250, "holding": 50, "income": 40}
    >>> measured(pd.DataFrame([run]))
       on_time  within_promise  otif   nps  wait  cost  gain
    0      0.9            0.88  0.85  30.0   2.0  1000  -960
    """
    cost = runs["freight"] + runs["work"] + runs["holding"]
    rates = {name: runs[column] / runs["n"] for name, column in _RATES.items()}
    return pd.DataFrame(rates | {"wait": runs["wait_days"] / runs["n"], "cost": cost, "gain": runs["income"] - cost})


# -- policies against today ------------------------------------------------------------------


def against_today(runs: pd.DataFrame, *, confidence: float = 0.95, family: int = 1) -> pd.DataFrame:
    """What each policy would have done with the orders of each segment, against today's.

    Parameters
    ----------
    runs
        The result of ``Replay.run``.
    confidence
        Coverage of the intervals, between 0 and 1.
    family
        Intervals that are to hold together: of more than one they are normal, since draws do not show such tails.

    Returns
    -------
    DataFrame
        One row a segment ("(all)" first), policy that changes something for it (and today's) and measure: ``segment``,
        ``policy``, ``measure`` (on_time, within_promise, otif: shares 0-1; nps: points; wait: days an order; cost;
        gain: freight that customers pay, less cost; cents), ``n`` (orders), ``value``, ``change`` from today,
        ``change_low``, ``change_high``, ``error`` (Monte Carlo, of the change). No row of a measure that is not known.

    Notes
    -----
    docs/METHODS.md sections 5.3 and 5.4: differences are paired, both policies met the same draws.

    Examples
    --------
    In one draw 3 of 100 orders more are on time, in the other 5; error: their deviation 0.0141 over root 2.

    >>> rest = dict.fromkeys(["within_promise", "otif", "points", "wait_days", "work", "holding", "income"], 0)
    >>> runs = pd.DataFrame({"draw": [0, 0, 1, 1], "policy": [TODAY, "later"] * 2, "segment": "a", "same": False,
    ...                      "n": 100, "on_time": [90, 93, 88, 93], "freight": 500, **rest})
    >>> found = against_today(runs)
    >>> found[(found["segment"] == "a") & (found["measure"] == "on_time")].drop(columns=["measure", "n"]).round(4)
      segment policy  value  change  change_low  change_high  error
    2       a  today   0.89    0.00      0.0000       0.0000   0.00
    3       a  later   0.93    0.04      0.0305       0.0495   0.01
    """
    rows = with_all(runs)
    rows = rows[~rows["same"]].reset_index(drop=True)
    values = pd.concat([rows[["draw", "policy", "segment", "n"]], measured(rows)], axis=1)
    names = [name for name in (*_SHARES, "nps", "wait", "cost", "gain") if values[name].notna().all()]
    wide = values.melt(id_vars=["draw", "policy", "segment", "n"], value_vars=names, var_name="measure")
    now = wide[wide["policy"] == TODAY].set_index(["draw", "segment", "measure"])["value"]
    keys = pd.MultiIndex.from_frame(wide[["draw", "segment", "measure"]])
    wide["change"] = wide["value"] - now.reindex(keys).to_numpy()
    of = wide.groupby(["segment", "policy", "measure"], sort=False)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    draws = rows["draw"].nunique()
    found = of.agg(n=("n", "first"), value=("value", "mean"), change=("change", "mean"))
    spread = of["change"].std(ddof=1)
    found["change_low"], found["change_high"] = (of["change"].quantile(tail) for tail in tails)
    if family > 1:
        half = NormalDist().inv_cdf(1 - (1 - confidence) / 2 / family) * spread
        found["change_low"], found["change_high"] = found["change"] - half, found["change"] + half
    found["error"] = spread / draws**0.5
    return found.reset_index()


def worths(
    runs: pd.DataFrame, customers: pd.Series, worth: tuple[float, float] | None, rng: np.random.Generator
) -> pd.DataFrame:
    """Gain and value of NPS of each draw, policy and segment against today, cents.

    Parameters
    ----------
    runs
        The result of ``Replay.run``.
    customers
        Customers by segment.
    worth
        What a point is worth per 1,000 customers, cents, and its standard error; None where it is not settled, which
        counts as nothing.
    rng
        Of the draws of worth.

    Returns
    -------
    DataFrame
        One row a draw, segment and policy: ``draw``, ``segment``, ``policy``, ``gain`` (freight that customers pay,
        less cost, against today), ``nps_value`` (of later orders: nothing is counted twice), ``value`` (both). No row
        of a policy that changes nothing for a segment; customers of no segment of their own keep today's.

    Notes
    -----
    docs/METHODS.md section 5.6.

    Examples
    --------
    The policy saves 50 cents and brings two points: of 500 customers, at 1,000 cents a point per 1,000, 2 x 500.

    >>> rest = dict.fromkeys(["on_time", "within_promise", "otif", "wait_days", "work", "holding", "income"], 0)
    >>> runs = pd.DataFrame({"draw": 0, "policy": [TODAY, "p"], "segment": "a", "same": False, "n": 100,
    ...                      "points": [3000, 3200], "freight": [1000, 950], **rest})
    >>> worths(runs, pd.Series({"a": 500}), (1000.0, 0.0), np.random.default_rng(1))
       draw segment policy  gain  nps_value   value
    0     0       a  today     0        0.0     0.0
    1     0       a      p    50     1000.0  1050.0
    """
    values = pd.concat([runs[["draw", "policy", "segment"]], measured(runs)[["gain", "nps"]]], axis=1)
    now = values[values["policy"] == TODAY].set_index(["draw", "segment"])
    keys = pd.MultiIndex.from_frame(values[["draw", "segment"]])
    gain, points = (values[name].to_numpy() - now[name].reindex(keys).to_numpy() for name in ("gain", "nps"))
    drawn = np.zeros(runs["draw"].nunique())
    if worth is not None:
        drawn = rng.normal(*worth, len(drawn))
    each = pd.Series(drawn, index=sorted(runs["draw"].unique()))
    of_point = each.reindex(values["draw"]).to_numpy() * values["segment"].map(customers).to_numpy("float64") / 1000
    nps_value = np.where(of_point == 0, 0.0, np.nan_to_num(points) * of_point)
    found = values[["draw", "segment", "policy"]].assign(gain=gain, nps_value=nps_value)
    nobodys = runs["segment"].isin([stats.OTHER, stats.UNKNOWN]) & (runs["policy"] != TODAY)
    kept = ~(runs["same"] | nobodys).to_numpy()
    return found.assign(value=found["gain"] + found["nps_value"])[kept].reset_index(drop=True)


def worth_of_point(worth: pd.DataFrame, *, confidence: float = 0.95) -> tuple[float, float] | None:
    """What a point is worth per 1,000 customers (cents of margin) and its standard error; None where it is not settled.

    Parameters
    ----------
    worth
        The result of ``satisfaction.worth``: ``money``, ``what``, ``effect`` with ends (cents), ``settled``.
    confidence
        Coverage of its intervals, between 0 and 1.

    Returns
    -------
    tuple
        Both cents, of the row of margin before cost to serve; None where there is no such row.

    Notes
    -----
    docs/METHODS.md sections 2.10 and 5.6.

    Examples
    --------
    >>> worth = pd.DataFrame({"money": ["margin before cost to serve"], "what": ["a point of NPS per 1,000 customers"],
    ...                       "effect": 10.0, "effect_low": 4.0, "effect_high": 16.0, "settled": True})
    >>> [round(value, 3) for value in worth_of_point(worth)]
    [10.0, 3.061]
    >>> worth_of_point(worth.assign(settled=False)) is None
    True
    """
    rows = worth[(worth["money"] == "margin before cost to serve") & worth["settled"].astype("bool")]
    rows = rows[rows["what"] == "a point of NPS per 1,000 customers"]
    if rows.empty:
        return None
    half = float(rows["effect_high"].iloc[0] - rows["effect_low"].iloc[0]) / 2
    return float(rows["effect"].iloc[0]), half / NormalDist().inv_cdf((1 + confidence) / 2)


def stock_for(spans: pd.DataFrame, *, shares: Sequence[float] = (0.9, 0.95, 0.98, 0.99)) -> pd.DataFrame:
    """How much stock would serve which share of demand, by category: order-up-to levels of each article at each site.

    Parameters
    ----------
    spans
        The frame ``stock_spans``: one row a count of an article at a site: ``site_id``, ``product_id``, ``category``,
        ``stocked_out``, ``sold`` (pieces since the last), ``goods`` (cents), ``pieces`` (that these are of).
    shares
        Of pieces, from stock (beta, between 0 and 1).

    Returns
    -------
    DataFrame
        One row a category: ``n`` (articles at sites with five counts or more without being sold out), ``out`` (share of
        counts at which they were), ``sold`` (pieces a count), and ``level <share>`` (pieces) for each of ``shares``;
        ``sold`` and levels are sums over these articles.

    Raises
    ------
    DataError
        If one of ``shares`` is not between 0 and 1.

    Notes
    -----
    docs/METHODS.md section 5.7. Demand of a span that ended sold out is not known, and left out: levels are too low
    where that is often. Filled up at each count.

    Examples
    --------
    Of x 10 pieces are sold a count, with a deviation of 2; of y nobody knows, since it was sold out at each:

    >>> x = pd.DataFrame({"site_id": "S", "product_id": "x", "category": "tea", "stocked_out": False,
    ...                   "sold": [8, 12, 8, 12, 10], "goods": 500, "pieces": 10})
    >>> stock_for(pd.concat([x, x.assign(product_id="y", stocked_out=True)]), shares=(0.95, 0.99)).round(2)
      category  n  out  sold  level 0.95  level 0.99
    0      tea  1  0.0  10.0       10.69       12.51
    """
    told = replay.stocked(spans)
    for each in shares:
        levels = [
            stock.level_for(each, mean=row.mean, deviation=row.spread, lead=0) for row in told.itertuples(index=False)
        ]
        told[f"level {each:g}"] = np.array(levels, "float64")
    told = told.rename(columns={"mean": "sold"}).drop(columns=["spread", "cost"])
    sums = told.assign(n=1).groupby("category", as_index=False).sum()
    names = [f"level {each:g}" for each in shares]
    return sums.assign(out=sums["out"] / sums["counts"])[["category", "n", "out", "sold", *names]]


# -- the choice ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Choice:
    """One policy a segment.

    Attributes
    ----------
    chosen
        Policy by segment; None where nothing keeps all limits.
    value
        Of what is chosen, cents; missing where nothing is.
    biting
        Names of limits whose absence makes it possible, where nothing keeps them all.

    Notes
    -----
    docs/METHODS.md section 5.6.

    Examples
    --------
    >>> options = pd.DataFrame({"segment": "a", "policy": ["x", "y"], "value": [1, 2], "hours": [1, 2]})
    >>> limits = pd.DataFrame({"name": ["hours of the van"], "column": ["hours"], "low": [-np.inf], "high": [0.5]})
    >>> found = choose(options, limits)
    >>> found.chosen is None, found.biting
    (True, ('hours of the van',))
    """

    chosen: dict[str, str] | None
    value: float
    biting: tuple[str, ...] = ()


def choose(options: pd.DataFrame, limits: pd.DataFrame) -> Choice:
    """The policies of greatest value that keep all limits, one a segment.

    Parameters
    ----------
    options
        One row a segment and policy that it may have: ``segment``, ``policy``, ``value`` (cents), and the columns that
        limits name.
    limits
        ``name``, ``column`` (its sum over what is chosen), ``low``, ``high`` (minus or plus infinity where there is
        none).

    Returns
    -------
    Choice
        The policies; where nothing keeps all limits, the names of those that bite: each whose absence alone makes it
        possible, else those that have to go one after the other, the most broken first.

    Raises
    ------
    DataError
        If there is no option, or a limit names a column that options do not have.

    Notes
    -----
    docs/METHODS.md section 5.6. A binary program, solved by HiGHS to optimality. Of policies of a segment that are
    equal in value and in all limits today's is taken, else the first.

    Examples
    --------
    x for both takes 2 + 2 hours, x for a with y for b 2 + 1; of two hours x for b makes most:

    >>> options = pd.DataFrame({"segment": ["a", "a", "b", "b"], "policy": ["x", "y", "x", "y"], "value": [3, 1, 5, 4],
    ...                         "hours": [2, 0, 2, 1]})
    >>> limits = pd.DataFrame({"name": ["hours"], "column": ["hours"], "low": [-np.inf], "high": [2.0]})
    >>> choose(options, limits).chosen
    {'a': 'y', 'b': 'x'}
    """
    if options.empty:
        raise DataError("choose: expected a policy for a segment or more, found none.")
    if lacking := sorted(set(limits["column"]) - set(options.columns)):
        raise DataError(
            f"choose: expected options with the columns that limits name, found none of {', '.join(lacking)}."
        )
    found = _solved(options, limits)
    if found is not None:
        return found
    biting = [
        row.name for row in limits.itertuples(index=False) if _solved(options, limits[limits["name"] != row.name])
    ]
    if not biting:
        left = limits
        while len(left) and _solved(options, left) is None:
            worst = max(left["name"], key=lambda name: _least_broken(options, left, name))
            biting, left = [*biting, worst], left[left["name"] != worst]
    return Choice(None, float("nan"), tuple(dict.fromkeys(biting)))


def _least_broken(options: pd.DataFrame, limits: pd.DataFrame, name: str) -> float:
    """By how much the best choice for one limit still breaks it, in parts of what it asks."""
    row = limits[limits["name"] == name].iloc[0]
    sums = options.groupby("segment")[row["column"]]
    short = max(row["low"] - sums.max().sum(), sums.min().sum() - row["high"], 0.0)
    return short / max(abs(row["low"]) if np.isfinite(row["low"]) else abs(row["high"]), 1.0)


def _solved(options: pd.DataFrame, limits: pd.DataFrame) -> Choice | None:
    first = options.assign(_changes=options["policy"] != TODAY).sort_values("_changes", kind="stable")
    options = first.drop_duplicates(["segment", "value", *dict.fromkeys(limits["column"])])
    value = options["value"].to_numpy("float64")
    segments, at = np.unique(options["segment"].astype("str"), return_inverse=True)
    one_each = (at[None, :] == np.arange(len(segments))[:, None]).astype("float64")
    rules = [LinearConstraint(one_each, 1, 1)]
    if len(limits):
        sums = options[list(limits["column"])].to_numpy("float64").T
        size = np.maximum(np.abs(sums).max(axis=1), 1e-9)
        rules.append(LinearConstraint(sums / size[:, None], limits["low"] / size, limits["high"] / size))
    scale = max(float(np.abs(value).max()), 1e-9)
    found = milp(
        -value / scale,
        integrality=np.ones(len(value)),
        bounds=Bounds(0, 1),
        constraints=rules,
        options={"mip_rel_gap": 0},
    )
    if found.x is None:
        return None
    taken = found.x > 0.5
    chosen = dict(zip(options["segment"][taken], options["policy"][taken], strict=True))
    return Choice(dict(sorted(chosen.items())), float(value[taken].sum()))


def options(worth: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """What a choice is made of: one row a segment and policy, means over draws.

    Parameters
    ----------
    worth
        The result of ``worths``.
    runs
        The result of ``Replay.run``.

    Returns
    -------
    DataFrame
        ``segment``, ``policy``, ``value``, ``gain``, ``nps_value`` (cents), ``n``, ``on_time``, ``within_promise``,
        ``otif`` (orders), ``points`` (sum over orders), ``cost`` (cents), ``touched`` (orders), ``at_stake`` (cents)
        and ``seconds: pool`` of each pool.

    Notes
    -----
    docs/METHODS.md section 5.6.

    Examples
    --------
    >>> worth = pd.DataFrame({"draw": [0, 1], "segment": "a", "policy": "p", "value": [40.0, 60.0], "gain": 0.0,
    ...                       "nps_value": 0.0})
    >>> rest = dict.fromkeys(["n", "within_promise", "otif", "points", "holding", "touched", "at_stake"], 0)
    >>> runs = pd.DataFrame({"segment": "a", "policy": "p", "on_time": [90, 94], "freight": 700, "work": [290, 310],
    ...                      "seconds: van": [3500, 3700], **rest})
    >>> options(worth, runs)[["segment", "policy", "value", "on_time", "cost", "seconds: van"]]
      segment policy  value  on_time    cost  seconds: van
    0       a      p   50.0     92.0  1000.0        3600.0
    """
    means = worth.groupby(["segment", "policy"], sort=False)[["value", "gain", "nps_value"]].mean()
    pools = [name for name in runs if name.startswith("seconds: ")]
    rows = runs.assign(cost=runs["freight"] + runs["work"] + runs["holding"])
    names = ["n", *_SHARES, "points", "cost", "touched", "at_stake", *pools]
    sums = rows.groupby(["segment", "policy"], sort=False)[names].mean()
    return means.join(sums).reset_index()


def limits(
    of: pd.DataFrame, promises: pd.DataFrame, free: pd.Series, *, budget: float | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Floors, capacities and a budget as limits of a choice.

    Parameters
    ----------
    of
        The result of ``options``.
    promises
        The frame ``promises``: floors of on_time, otif and nps of a segment, or of all; others, and those of a channel,
        are not foretold.
    free
        Seconds of each pool that are there for replayed orders: practical capacity less other work.
    budget
        Most that serving them may cost, cents.

    Returns
    -------
    tuple
        ``of`` with a column for each floor (orders, or points times orders, above it: its sum is to be 0 or more); and
        the limits as ``choose`` takes them. A pool whose work does not change has none, nor has a measure that is not
        known.

    Notes
    -----
    docs/METHODS.md section 5.6.

    Examples
    --------
    8 of 10 orders are on time today, 9 under p:

    >>> of = pd.DataFrame({"segment": "a", "policy": [TODAY, "p"], "n": 10, "on_time": [8, 9], "cost": [12, 13],
    ...                    "seconds: van": [10, 20]})
    >>> promises = pd.DataFrame({"measure": ["on_time"], "at_least": 0.9, "segment": "a", "channel": ""})
    >>> found, asked = limits(of, promises, pd.Series({"van": 40}), budget=13)
    >>> asked[["name", "low", "high"]]
                            name  low  high
    0  on_time of a at least 0.9  0.0   inf
    1             minutes of van -inf  40.0
    2                     budget -inf  13.0
    >>> found["on_time of a at least 0.9"].tolist()
    [-1.0, 0.0]
    """
    found, rows = of.copy(), []
    for promise in promises[promises["measure"].isin(list(_RATES)) & (promises["channel"] == "")].itertuples():
        mine = (of["segment"] == promise.segment) if promise.segment else pd.Series(True, of.index)
        kept = of[_RATES[promise.measure]]
        if not mine.any() or kept[mine].isna().any():
            continue
        name = f"{promise.measure} of {promise.segment or ALL} at least {promise.at_least:g}"
        found[name] = (kept - promise.at_least * of["n"]).where(mine, 0.0)
        rows.append((name, name, 0.0, np.inf))
    for pool, seconds in free.items():
        column = f"seconds: {pool}"
        if column in of and of.groupby("segment")[column].agg(np.ptp).max() > 0:
            rows.append((f"minutes of {pool}", column, -np.inf, float(seconds)))
    if budget is not None:
        rows.append(("budget", "cost", -np.inf, float(budget)))
    return found, pd.DataFrame(rows, columns=["name", "column", "low", "high"])


def free_seconds(
    capacity: pd.DataFrame, work: pd.DataFrame, sent_work: pd.DataFrame, failure_work: pd.DataFrame
) -> pd.Series:
    """Seconds of each pool that are there for replayed orders: practical capacity less the period's other work.

    Work that replayed orders bring after the period counts as theirs.

    Parameters
    ----------
    capacity, work, sent_work, failure_work
        The frames of these names: ``pool`` with ``capacity_s`` or ``seconds``; of the last ``before`` too (rows of
        earlier periods, which are left out).

    Returns
    -------
    Series
        Seconds by pool, of pools with a capacity; below 0 where other work took more than that.

    Notes
    -----
    docs/METHODS.md section 5.6.

    Examples
    --------
    Of 100 seconds 60 were worked, 45 + 5 of them for replayed orders: all but 10 are free for these.

    >>> capacity = pd.DataFrame({"pool": ["van"], "capacity_s": [100]})
    >>> work, sent = (pd.DataFrame({"pool": ["van"], "seconds": [seconds]}) for seconds in (60, 45))
    >>> failed = pd.DataFrame({"before": [False, True], "pool": ["van", "van"], "seconds": [5, 999]})
    >>> free_seconds(capacity, work, sent, failed).to_dict()
    {'van': 90.0}
    """
    own = pd.concat([sent_work[["pool", "seconds"]], failure_work.loc[~failure_work["before"], ["pool", "seconds"]]])
    done, own = (rows.groupby("pool")["seconds"].sum().astype("float64") for rows in (work, own))
    there = capacity.groupby("pool")["capacity_s"].sum().astype("float64")
    other = (done - own.reindex(done.index, fill_value=0)).clip(lower=0)
    return there - other.reindex(there.index, fill_value=0)


def nearest_choice(of: pd.DataFrame, asked: pd.DataFrame) -> tuple[Choice, pd.DataFrame, tuple[str, ...]]:
    """The best choice, the limits that it keeps, and those that nothing can keep, left out one after the other.

    Without options there is no choice.

    Parameters
    ----------
    of, asked
        Options and limits as of ``choose``: the results of ``limits``.

    Returns
    -------
    tuple
        The ``Choice``; the rows of ``asked`` that it keeps; the names of the others.

    Raises
    ------
    DataError
        If a limit names a column that options do not have.

    Notes
    -----
    docs/METHODS.md section 5.6.

    Examples
    --------
    No policy is on time often enough (5 or 1 orders short); y is the best of those that need 3 hours at most:

    >>> of = pd.DataFrame({"segment": "a", "policy": ["x", "y"], "value": [1, 2], "on time": [-5, -1], "hours": [1, 2]})
    >>> asked = pd.DataFrame({"name": ["on time", "hours"], "low": [0, -np.inf], "high": [np.inf, 3]})
    >>> found, kept, gone = nearest_choice(of, asked.assign(column=asked["name"]))
    >>> found.chosen, kept["name"].tolist(), gone
    ({'a': 'y'}, ['hours'], ('on time',))
    """
    left, gone = asked, []
    if of.empty:
        return Choice(None, float("nan")), left, ()
    while True:
        found = choose(of, left)
        if found.chosen is not None:
            return found, left, tuple(gone)
        gone.append(found.biting[0])
        left = left[left["name"] != found.biting[0]]


def wins(of: pd.DataFrame, worth: pd.DataFrame, kept: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """How often each policy is chosen when the choice is made again in each draw.

    Parameters
    ----------
    of, kept
        Options, and the limits that can be kept: the results of ``limits`` and ``nearest_choice``.
    worth
        The result of ``worths``, of all segments and policies of ``of``.
    confidence
        Coverage of each interval, between 0 and 1.

    Returns
    -------
    DataFrame
        One row a segment and policy: ``segment``, ``policy``, ``k`` (draws in which it is chosen), ``n`` (draws),
        ``share`` with ends (its Monte Carlo error).

    Notes
    -----
    docs/METHODS.md section 5.6. Wilson intervals.

    Examples
    --------
    Today's is worth 0 in each of four draws, p more than that in three:

    >>> worth = pd.DataFrame({"draw": [0, 1, 2, 3] * 2, "segment": "a", "policy": [TODAY] * 4 + ["p"] * 4,
    ...                       "value": [0, 0, 0, 0, 5, -1, 3, 2]})
    >>> of = worth.groupby(["segment", "policy"], as_index=False)["value"].mean()
    >>> no_limits = pd.DataFrame(columns=["name", "column", "low", "high"])
    >>> wins(of, worth, no_limits).round(2)
      segment policy  k  n  share  share_low  share_high
    0       a      p  3  4   0.75       0.30        0.95
    1       a  today  1  4   0.25       0.05        0.70
    """
    keys = ["segment", "policy"]
    if of.empty:
        return pd.DataFrame(columns=[*keys, "k", "n", "share", "share_low", "share_high"])
    drawn = worth.pivot_table(index=keys, columns="draw", values="value", sort=False)
    values = drawn.reindex(pd.MultiIndex.from_frame(of[keys])).to_numpy()
    count = dict.fromkeys(zip(of["segment"], of["policy"], strict=True), 0)
    for draw in range(values.shape[1]):
        found = _solved(of.assign(value=values[:, draw]), kept)
        for pair in (found.chosen if found else {}).items():
            count[pair] += 1
    rows = pd.DataFrame([(*pair, k, values.shape[1]) for pair, k in count.items()], columns=[*keys, "k", "n"])
    return stats.share(rows, confidence=confidence)


def settled(worth: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Is a policy better than today's, chance and the number of policies that were tried taken into account?

    Parameters
    ----------
    worth
        The result of ``worths``.
    confidence
        Coverage of the intervals, which hold together.

    Returns
    -------
    DataFrame
        One row a segment and policy but today's: ``segment``, ``policy``, ``value`` (mean, cents against today),
        ``value_low``, ``value_high`` (together over all policies of all segments, normal), ``better`` (the interval
        lies above 0), ``family`` (intervals that hold together).

    Notes
    -----
    docs/METHODS.md sections 5.6 and 5.8. The spread is that of the draws, which more draws do not narrow.

    Examples
    --------
    50 +- 2.24 x 10, and 50 +- 2.24 x 45:

    >>> worth = pd.DataFrame({"draw": [0, 1, 2] * 2, "segment": "a", "policy": ["p"] * 3 + ["q"] * 3,
    ...                       "value": [40, 50, 60, 5, 50, 95]})
    >>> settled(worth).round(1)
      segment policy  value  value_low  value_high  better  family
    0       a      p   50.0       27.6        72.4    True       2
    1       a      q   50.0      -50.9       150.9   False       2
    """
    rows = worth[worth["policy"] != TODAY].groupby(["segment", "policy"], sort=False)["value"].agg(["mean", "std"])
    z = NormalDist().inv_cdf(1 - (1 - confidence) / 2 / max(len(rows), 1))
    low, high = rows["mean"] - z * rows["std"], rows["mean"] + z * rows["std"]
    found = pd.DataFrame({"value": rows["mean"], "value_low": low, "value_high": high, "better": low > 0})
    return found.assign(family=len(rows)).reset_index()


def frontier(of: pd.DataFrame, kept: pd.DataFrame, *, steps: int = 12) -> pd.DataFrame:
    """The least cost at which each NPS of all orders can be had.

    Parameters
    ----------
    of, kept
        Options, and the limits that can be kept: the results of ``limits`` and ``nearest_choice``.
    steps
        Scores that are asked for, from that of the cheapest choice to the best one.

    Returns
    -------
    DataFrame
        One row a choice, rising: ``nps`` (points, all orders), ``cost`` (cents), ``chosen`` (policy by segment but
        today's, as text). Empty where the score is not known.

    Notes
    -----
    docs/METHODS.md section 5.6.

    Examples
    --------
    q brings 40 points instead of 20, for 20 cents more of a's customers and 10 of b's: b's come first.

    >>> of = pd.DataFrame({"segment": ["a", "a", "b", "b"], "policy": [TODAY, "q"] * 2, "n": 10, "value": 0,
    ...                    "cost": [10, 30, 10, 20], "points": [200, 400] * 2})
    >>> frontier(of, pd.DataFrame(columns=["name", "column", "low", "high"]))
        nps  cost      chosen
    0  20.0    20       today
    1  30.0    30        b: q
    2  40.0    50  a: q, b: q
    """
    if of.empty or of["points"].isna().any() or _solved(of, kept) is None:
        return pd.DataFrame(columns=["nps", "cost", "chosen"])
    total = of.groupby("segment")["n"].first().sum()
    cheapest, dearest = (_solved(of.assign(value=value), kept) for value in (-of["cost"], of["points"]))
    at = of.set_index(["segment", "policy"])
    ends = [at["points"].reindex(list(each.chosen.items())).sum() for each in (cheapest, dearest)]
    found = []
    for least in np.linspace(*ends, steps):
        row = pd.DataFrame([("score", "points", least - 1e-6 * max(abs(least), 1), np.inf)], columns=kept.columns)
        best = _solved(of.assign(value=-of["cost"]), pd.concat([kept, row]) if len(kept) else row)
        if best is not None:
            pairs = list(best.chosen.items())
            told = ", ".join(f"{segment}: {policy}" for segment, policy in pairs if policy != TODAY) or TODAY
            found.append((at["points"].reindex(pairs).sum() / total, at["cost"].reindex(pairs).sum(), told))
    return pd.DataFrame(found, columns=["nps", "cost", "chosen"]).drop_duplicates("chosen", ignore_index=True)


def one_more(of: pd.DataFrame, kept: pd.DataFrame, *, hours: float = 1.0) -> pd.DataFrame:
    """What one more hour of each capacity is worth: the choice made again with it.

    Parameters
    ----------
    of, kept
        Options, and the limits that can be kept: the results of ``limits`` and ``nearest_choice``.
    hours
        How many more.

    Returns
    -------
    DataFrame
        One row a limit of minutes: ``name``, ``used``, ``there`` (hours), ``gain`` (cents, for ``hours`` more).

    Notes
    -----
    docs/METHODS.md section 5.6.

    Examples
    --------
    Each segment's q takes an hour of the van, worth 5 or 3; there is one hour.

    >>> of = pd.DataFrame({"segment": ["a", "a", "b", "b"], "policy": [TODAY, "q"] * 2, "value": [0, 5, 0, 3],
    ...                    "seconds: van": [0, 3600] * 2})
    >>> kept = pd.DataFrame({"name": ["minutes of van"], "column": "seconds: van", "low": -np.inf, "high": 3600})
    >>> one_more(of, kept)
                 name  used  there  gain
    0  minutes of van   1.0    1.0   3.0
    """
    if of.empty:
        return pd.DataFrame(columns=["name", "used", "there", "gain"])
    base, found = _solved(of, kept), []
    at = of.set_index(["segment", "policy"])
    for row in kept[kept["column"].str.startswith("seconds: ")].itertuples():
        more = kept.assign(high=kept["high"].where(kept["name"] != row.name, row.high + 3600 * hours))
        used = at[row.column].reindex(list(base.chosen.items())).sum() / 3600
        found.append((row.name, float(used), row.high / 3600, _solved(of, more).value - base.value))
    return pd.DataFrame(found, columns=["name", "used", "there", "gain"])


def place_of_today(of: pd.DataFrame) -> tuple[float, float]:
    """Score of all orders (points) and cost (cents) of today's policy, of the result of ``options``.

    Parameters
    ----------
    of
        ``segment``, ``policy``, ``n``, ``points`` (sum over orders), ``cost`` (cents).

    Returns
    -------
    tuple
        Points and cents; both missing without options.

    Notes
    -----
    docs/METHODS.md section 5.6.

    Examples
    --------
    >>> of = pd.DataFrame({"segment": ["a", "b"], "policy": TODAY, "n": [10, 30], "points": 400, "cost": [70, 60]})
    >>> place_of_today(of)
    (20.0, 130.0)
    """
    now = of[of["policy"] == TODAY]
    if now.empty:
        return float("nan"), float("nan")
    return float(now["points"].sum() / now["n"].sum()), float(now["cost"].sum())


# -- what it means ---------------------------------------------------------------------------

OVER, UNDER, RIGHT = "over-served", "under-served", "right"


def fit(changes: pd.DataFrame, better: pd.DataFrame, of: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """Is what each segment gets today too much, too little or right?

    Parameters
    ----------
    changes, better
        The results of ``against_today`` (its family that of ``settled``) and ``settled``.
    of, asked
        The results of ``limits``.

    Returns
    -------
    DataFrame
        One row a segment: ``fit`` (over-served, under-served, right), ``policy`` that says so ("" where a floor does,
        or none), ``why`` (floor, value, cost, none), ``missed`` (floors), ``change`` with ends (cents: value gained, or
        cost), ``nps`` with ends (points; its change). No row of "(other)" and "(unknown)".

    Notes
    -----
    docs/METHODS.md section 5.5.

    Examples
    --------
    For a, p saves 40 cents or more and loses 0.2 points at most; for b it saves as much, but may lose 3 points:

    >>> names = ["segment", "policy", "measure", "change", "change_low", "change_high"]
    >>> rows = [("a", "p", "nps", 0.0, -0.2, 0.2), ("b", "p", "nps", -2.0, -3.0, -1.0)]
    >>> rows += [(segment, "p", "cost", -50.0, -60.0, -40.0) for segment in ("a", "b")]
    >>> changes = pd.DataFrame(rows, columns=names)
    >>> better = pd.DataFrame(columns=["segment", "policy", "value", "value_low", "value_high", "better"], dtype="bool")
    >>> of = pd.DataFrame({"segment": ["a", "b"], "policy": TODAY})
    >>> asked = pd.DataFrame(columns=["name", "column", "low", "high"])
    >>> fit(changes, better, of, asked)[["segment", "fit", "policy", "why", "change", "nps_low"]]
      segment          fit policy   why  change  nps_low
    0       a  over-served      p  cost   -50.0     -0.2
    1       b        right         none     NaN      NaN
    """
    now = of[(of["policy"] == TODAY) & ~of["segment"].isin([stats.OTHER, stats.UNKNOWN])].set_index("segment")
    found = []
    for segment in now.index:
        row = {"segment": segment, "fit": RIGHT, "policy": "", "why": "none"}
        others = of["segment"] != segment  # a floor of all is missed by all, not by each
        mine = [r for r in asked.itertuples() if np.isfinite(r.low) and not of.loc[others, r.column].any()]
        missed = [r.name for r in mine if now.loc[segment, r.column] < 0]
        own = changes[(changes["segment"] == segment) & (changes["policy"] != TODAY)]
        wide = own.pivot(index="policy", columns="measure", values=["change", "change_low", "change_high"])
        points = wide.xs("nps", axis=1, level=1) if "nps" in set(own["measure"]) else None
        gains = better[(better["segment"] == segment) & better["better"]].set_index("policy")
        if points is not None and len(gains):
            raising = gains[points["change_low"].reindex(gains.index) > 0]
            if len(raising):
                best = raising["value"].idxmax()
                told = raising.loc[best]
                row |= {"fit": UNDER, "policy": best, "why": "value", "change": told["value"]}
                row |= {"change_low": told["value_low"], "change_high": told["value_high"]}
        if missed and row["fit"] == RIGHT:
            row |= {"fit": UNDER, "why": "floor", "policy": ""}
        if row["fit"] == RIGHT and points is not None:
            cost = wide.xs("cost", axis=1, level=1)
            cheap = cost[(cost["change_high"] < 0) & (points["change_low"] > -FELT)]
            if len(cheap):
                best = cheap["change"].idxmin()
                row |= {"fit": OVER, "policy": best, "why": "cost"} | cheap.loc[best].to_dict()
        if points is not None and row["policy"]:
            row |= {name.replace("change", "nps"): value for name, value in points.loc[row["policy"]].items()}
        found.append(row | {"missed": "; ".join(missed)})
    columns = ["segment", "fit", "policy", "why", "missed", "change", "change_low", "change_high"]
    return pd.DataFrame(found).reindex(columns=[*columns, "nps", "nps_low", "nps_high"])


def recommended(
    choice: Choice,
    better: pd.DataFrame,
    changes: pd.DataFrame,
    of: pd.DataFrame,
    *,
    trusted: bool,
) -> pd.DataFrame:
    """The row for each segment that a board decides on.

    Parameters
    ----------
    choice
        Of ``nearest_choice``.
    better, changes
        The results of ``settled`` and ``against_today``.
    of
        The options that the choice was made of: ``segment``, ``policy``, ``touched`` (orders), ``at_stake`` (cents).
    trusted
        Everything observed lies in its band of ``validity``.

    Returns
    -------
    DataFrame
        ``segment``, ``policy`` (today's where nothing better is settled), ``best`` (of the choice), ``settled``;
        of cost, on_time, within_promise, otif, nps, wait and gain the change with ends. Of what is settled ``value``
        with ends (cents), ``touched`` (orders whose customers may take it ill), ``break_even`` (share of them that may
        be lost until the value is gone, 0-1). Empty if the replay is not ``trusted`` or nothing could be chosen.

    Notes
    -----
    docs/METHODS.md section 5.8.

    Examples
    --------
    p is worth 40 cents at least, and its 8 touched orders bring 360: 40 / (40 + 360) of them may be lost.

    >>> better = pd.DataFrame({"segment": ["a"], "policy": "p", "value": 50.0, "value_low": 40.0, "value_high": 60.0,
    ...                        "better": True})
    >>> changes = pd.DataFrame({"segment": ["a"], "policy": "p", "measure": "cost", "change": -50.0,
    ...                         "change_low": -60.0, "change_high": -40.0})
    >>> of = pd.DataFrame({"segment": ["a"], "policy": "p", "touched": 8, "at_stake": 360.0})
    >>> found = recommended(Choice({"a": "p"}, 50.0), better, changes, of, trusted=True)
    >>> found[["segment", "policy", "settled", "cost", "value", "touched", "break_even"]]
      segment policy  settled  cost  value  touched  break_even
    0       a      p     True -50.0   50.0        8         0.1
    """
    if not trusted or choice.chosen is None:
        return pd.DataFrame(columns=["segment", "policy", "settled"])
    sure, at = better.set_index(["segment", "policy"]), of.set_index(["segment", "policy"])
    found = []
    for segment, policy in choice.chosen.items():
        is_sure = policy != TODAY and bool(sure.loc[(segment, policy), "better"])
        row = {"segment": segment, "policy": policy if is_sure else TODAY, "best": policy, "settled": is_sure}
        own = changes[(changes["segment"] == segment) & (changes["policy"] == row["policy"])]
        for each, end in itertools.product(own.itertuples(), ("", "_low", "_high")):
            row[f"{each.measure}{end}"] = getattr(each, f"change{end}")
        if is_sure:
            row |= sure.loc[(segment, policy), ["value", "value_low", "value_high"]].to_dict()
            stake = at.loc[(segment, policy), "at_stake"]
            row |= {"touched": at.loc[(segment, policy), "touched"]}
            row["break_even"] = row["value_low"] / (row["value_low"] + stake) if stake > 0 else np.nan
        found.append(row)
    return pd.DataFrame(found)


def key_figures(
    valid: pd.DataFrame,
    seen: pd.DataFrame,
    found: Agility | None,
    advice: pd.DataFrame,
    *,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Key figures of the report, in the columns of ``figures.parquet``.

    Parameters
    ----------
    valid, seen, found, advice
        The results of ``validity``, ``visibility``, ``agility`` and ``recommended``.
    confidence
        Coverage of the interval of all orders told first, between 0 and 1.

    Returns
    -------
    DataFrame
        One row a figure: ``figure_id``, ``definition_id`` (section of docs/METHODS.md), ``cohort``, ``segment`` ("" for
        all), ``channel``, ``value``, ``low``, ``high``, ``n``, ``unit`` (share, points or cents). They are shares told
        first, of all and by segment, fill on the busiest days, the share of observed figures in the bands of the
        replay, and what is expected of each recommendation (change of on time, OTIF, NPS, cost; value).

    Notes
    -----
    docs/METHODS.md sections 5.1, 5.3 and 5.8.

    Examples
    --------
    >>> told = pd.DataFrame({"segment": ["a", "b"], "n": 20, "share": [0.75, 0.25], "share_low": [0.5, 0.1],
    ...                      "share_high": [0.9, 0.5]})
    >>> valid = pd.DataFrame({"passed": [True, True, False, True]})
    >>> figures = key_figures(valid, told, None, pd.DataFrame())
    >>> figures[["figure_id", "definition_id", "segment", "value", "low", "n", "unit"]].round(2)
           figure_id definition_id segment  value   low     n   unit
    0     told_first           5.1           0.50  0.35  40.0  share
    1     told_first           5.1       a   0.75  0.50  20.0  share
    2     told_first           5.1       b   0.25  0.10  20.0  share
    3  replay_inside           5.3           0.75   NaN   4.0  share
    """
    rows = []
    if len(seen):
        total = pd.DataFrame({"k": [(seen["share"] * seen["n"]).sum().round()], "n": [seen["n"].sum()]})
        whole = stats.share(total, confidence=confidence).iloc[0]
        rows.append(
            ("told_first", "5.1", "", whole["share"], whole["share_low"], whole["share_high"], whole["n"], "share")
        )
    for row in seen.to_dict("records"):
        rows.append(
            ("told_first", "5.1", row["segment"], row["share"], row["share_low"], row["share_high"], row["n"], "share")
        )
    if found is not None:
        rows.append(("fill_busiest_days", "5.1", "", found.top, np.nan, np.nan, pd.NA, "share"))
    if len(valid):
        rows.append(("replay_inside", "5.3", "", float(valid["passed"].mean()), np.nan, np.nan, len(valid), "share"))
    units = {"on_time": "share", "otif": "share", "nps": "points", "cost": "cents", "value": "cents"}
    for row in advice[advice["settled"]].to_dict("records") if len(advice) else []:
        for name, unit in units.items():
            if name in row:
                ends = (row[name], row[f"{name}_low"], row[f"{name}_high"])
                rows.append((f"expected_{name}", "5.8", row["segment"], *ends, pd.NA, unit))
    columns = ["figure_id", "definition_id", "segment", "value", "low", "high", "n", "unit"]
    found = pd.DataFrame(rows, columns=columns).assign(cohort="orders", channel="")
    return found[["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]]


def rows_to_paste(advice: pd.DataFrame, policies: Sequence[replay.Policy], *, after: date) -> list[str]:
    """A row of ``decisions.yaml`` for each settled recommendation, to begin on the day after a period.

    Where its change of late orders, or else of the score, leaves out 0, the row says that it is expected, and to look
    three months later.

    Parameters
    ----------
    advice
        The result of ``recommended``.
    policies
        The policies that were replayed.
    after
        Last day of the period.

    Returns
    -------
    list
        One text for each, see ``row_to_paste``.

    Notes
    -----
    docs/METHODS.md section 5.8.

    Examples
    --------
    2 % more on time are 2 % less late; of b nothing is settled, so that it has no row.

    >>> advice = pd.DataFrame({"segment": ["a", "b"], "policy": "p", "settled": [True, False], "on_time": 0.02,
    ...                        "on_time_low": 0.01, "on_time_high": 0.03})
    >>> print(*rows_to_paste(advice, [replay.Policy("p")], after=date(2026, 9, 30)))
      - name: "a: p"
        starts: 2026-10-01
        where: {segment: ["a"]}
        expects: {measure: late, change: -0.02, low: -0.03, high: -0.01}
        check_on: 2026-12-31
    """
    known = {policy.name: policy for policy in policies}
    starts = pd.Timestamp(after) + pd.Timedelta(days=1)
    rows = advice[advice["settled"].astype("bool")] if len(advice) else advice
    return [
        row_to_paste(row["segment"], known[row["policy"]], starts=f"{starts:%Y-%m-%d}", expects=_foretold(row))
        for row in rows.to_dict("records")
    ]


def _foretold(row: dict) -> dict[str, str | float]:
    """What ``decisions.yaml`` calls ``expects``, of a row of ``recommended``; nothing where no change leaves out 0."""
    for name, measure, side in (("on_time", "late", -1), ("nps", "nps", 1)):
        ends = [float(f"{side * row.get(f'{name}{end}', 0.0):.4g}") for end in ("", "_low", "_high")]
        if ends[1] * ends[2] > 0:
            return {"measure": measure, "change": ends[0], "low": min(ends[1:]), "high": max(ends[1:])}
    return {}


def row_to_paste(
    segment: str, policy: replay.Policy, *, starts: str, expects: dict[str, str | float] | None = None
) -> str:
    """The row of ``decisions.yaml`` that a recommendation would be, as text.

    Parameters
    ----------
    segment, policy
        The policy that is recommended for a segment; its scope and ways tell where it holds.
    starts
        First day of it, as 2026-10-01.
    expects
        ``measure``, ``change``, ``low``, ``high``: what is expected, to be looked at after three months; None for a row
        without.

    Returns
    -------
    str
        Lines of YAML for the list ``decisions``.

    Notes
    -----
    docs/METHODS.md section 5.8.

    Examples
    --------
    >>> policy = replay.Policy("later", numbers={"promise_days": 1})
    >>> told = {"measure": "late", "change": -0.03, "low": -0.05, "high": -0.01}
    >>> print(row_to_paste("consumer", policy, starts="2026-10-01", expects=told))
      - name: "consumer: later"
        starts: 2026-10-01
        where: {segment: ["consumer"]}
        expects: {measure: late, change: -0.03, low: -0.05, high: -0.01}
        check_on: 2026-12-31
    """
    where = {"segment": [segment]} | {name: list(of) for name, of in policy.scope.items() if name != "segment"}
    if "fulfilment" in policy.ways:
        where["fulfilment"] = sorted(policy.ways["fulfilment"])
    text = ", ".join(f"{name}: {json.dumps(values, ensure_ascii=False)}" for name, values in where.items())
    name = json.dumps(f"{segment}: {policy.name}", ensure_ascii=False)
    lines = [f"  - name: {name}", f"    starts: {starts}", f"    where: {{{text}}}"]
    if expects:
        told = ", ".join(f"{name}: {value}" for name, value in expects.items())
        check = pd.Timestamp(starts) + pd.DateOffset(months=3) - pd.Timedelta(days=1)
        lines += [f"    expects: {{{told}}}", f"    check_on: {check:%Y-%m-%d}"]
    return "\n".join(lines)

"""Which customers earn the profit, which lose money, how sure is that, and who moved? From costs to what is left."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

from toolkit import cost, stats

_MONEY = ["net_revenue", "cost_of_goods", "cost_to_serve", "profit"]
NEW = "new"  # customers of whom nothing is known before
FIELDS = {  # of the profitability matrix: margin before service high?, cost to serve high?
    (True, False): "passive",
    (True, True): "carriage trade",
    (False, False): "bargain basement",
    (False, True): "aggressive",
}
NO_REVENUE = "no revenue"


def customer_profits(
    orders: pd.DataFrame, work: pd.DataFrame, freight: pd.DataFrame, *, by: Sequence[str] = ()
) -> pd.DataFrame:
    """One row a customer, and ``by``: ``net_revenue``, ``cost_of_goods``, ``cost_to_serve``, ``profit`` (cents).

    Parameters
    ----------
    orders, work, freight
        As for ``cost.serve_costs``, all with ``customer_id`` and ``by``.
    by
        Further columns to tell apart by, such as segment.

    Returns
    -------
    DataFrame
        ``by``, ``customer_id``, the amounts in cents; who was served without an order in the period is a loss. Empty
        where revenue or cost of goods of an ordered line is not known: without them there is no profit.

    Notes
    -----
    docs/METHODS.md section 3.5.

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": list("aab"), "n_lines": 1, "net_revenue": [100, 40, 20],
    ...                        "cost_of_goods": [60, 25, 12], "handling": 2})
    >>> work = pd.DataFrame({"customer_id": ["a", "z"], "cost": [7, 3]})
    >>> customer_profits(orders, work, pd.DataFrame({"customer_id": ["b"], "freight": [9]}))
      customer_id  net_revenue  cost_of_goods  cost_to_serve  profit
    0           a          140             85             11      44
    1           b           20             12             11      -3
    2           z            0              0              3      -3
    """
    keys = [*by, "customer_id"]
    unknown = orders["net_revenue"].isna() | (orders["cost_of_goods"].isna() & (orders["n_lines"] > 0))
    if unknown.any():
        return pd.DataFrame(columns=[*keys, *_MONEY])
    served = [(work, "cost"), (freight, "freight"), (orders, "handling")]
    served = pd.concat([rows[keys].assign(cost=rows[name]) for rows, name in served]).groupby(keys)["cost"].sum()
    bought = orders.groupby(keys)[["net_revenue", "cost_of_goods"]].sum()
    profits = pd.concat([bought, served.rename("cost_to_serve")], axis=1).fillna(0).astype("int64").sort_index()
    profits["profit"] = profits["net_revenue"] - profits["cost_of_goods"] - profits["cost_to_serve"]
    return profits.rename_axis(keys).reset_index()


def profits_before(
    customers: pd.DataFrame, work: pd.DataFrame, ledger: pd.DataFrame, capacity: pd.DataFrame, support: pd.DataFrame,
    handling: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """``customer_profits`` of the four periods before, costed as this one is.

    Parameters
    ----------
    customers, work, ledger, capacity
        The frames ``customers_before``, ``work_before``, ``ledger_before`` and ``capacity_before``.
    support, handling
        The frames of these names, as they are declared now.

    Returns
    -------
    DataFrame
        One row a period and customer: ``ago`` (1: the last), ``customer_id``, ``net_revenue``, ``cost_of_goods``,
        ``cost_to_serve``, ``profit`` (cents). Empty where this cannot be said of each of them.

    Raises
    ------
    DataError
        As ``cost.passed_on``, if pools serve each other only.

    Notes
    -----
    docs/METHODS.md section 3.5. Freight is that of what was handed over where the ledger of these periods posts any,
    else that of their own orders.

    Examples
    --------
    Half of the desk's 100 was used: 50; freight of its orders 20, as the ledger posts none; a fee of 5.

    >>> customers = pd.DataFrame({"ago": [1], "customer_id": "a", "n_orders": 2, "n_lines": 3, "net_revenue": 1000,
    ...     "cost_of_goods": 600, "payment_fee": 5, "freight": 20, "freight_sent": 30})
    >>> work = pd.DataFrame({"ago": [1], "month": "m", "pool": "desk", "activity": "entry", "customer_id": "a",
    ...                      "seconds": 60})
    >>> ledger = pd.DataFrame({"month": ["m"], "account": "wages", "pool": "desk", "amount": 100})
    >>> capacity, none = pd.DataFrame({"month": ["m"], "pool": "desk", "capacity_s": 120}), pd.DataFrame()
    >>> profits_before(customers, work, ledger, capacity, none, none)[["ago", "customer_id", "cost_to_serve", "profit"]]
       ago customer_id  cost_to_serve  profit
    0    1           a             75     325
    """
    columns = ["ago", "customer_id", *_MONEY]
    if customers.empty or customers[["net_revenue", "cost_of_goods"]].isna().any(axis=None):
        return pd.DataFrame(columns=columns)
    pools = cost.pool_costs(cost.passed_on(ledger, support), capacity, work)
    costed, _ = cost.charge_work(work, pools)
    keys = ["ago", "customer_id"]
    sums = customers.set_index(keys)
    sent = "freight_sent" if (ledger["pool"] == cost.FREIGHT).any() else "freight"
    served = sums[sent] + sums["payment_fee"]
    for each in handling.to_dict("records"):
        served = (
            served + int(each["cents_per_order"]) * sums["n_orders"] + int(each["cents_per_line"]) * sums["n_lines"]
        )
    worked = costed.groupby(keys)["cost"].sum().rename("worked")
    found = pd.concat([sums[["net_revenue", "cost_of_goods"]], served.rename("served"), worked], axis=1)
    found = found.fillna(0).astype("int64").sort_index()
    found["cost_to_serve"] = found["served"] + found["worked"]
    found["profit"] = found["net_revenue"] - found["cost_of_goods"] - found["cost_to_serve"]
    return found.rename_axis(keys).reset_index()[columns]


def whale_curve(
    now: pd.DataFrame, before: pd.DataFrame, *, min_n: int, rng: np.random.Generator, steps: int = 20, draws: int = 500,
    confidence: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Profit of this period, cumulated over customers from the most to the least profitable of the four periods before.

    Parameters
    ----------
    now, before
        The results of ``customer_profits`` and ``profits_before``; without rows ``before``, customers are ranked by
        what they earn now.
    min_n
        Smallest number of customers in a step; fewer new ones stand in the last step of those ranked.
    rng
        Of the bootstrap samples.
    steps
        Steps of ranked customers, at most.
    draws
        Bootstrap samples of customers.
    confidence
        Coverage of the band, at each step.

    Returns
    -------
    DataFrame
        One row a step: ``who`` ("ranked", or "new": not known before, a step of their own at the end), ``customers``
        (share reached, 0-1), ``n``, ``profit``, ``cumulated``, ``cumulated_low``, ``cumulated_high`` (cents),
        ``of_total`` (missing where the total is 0 or less: then money says it and per cent do not). Too few: no rows.

    Notes
    -----
    docs/METHODS.md section 3.5. Cooper and Kaplan, Harvard Business Review, May 1991. Who is ranked by the profit that
    is drawn looks better at one end and worse at the other than anybody is.

    Examples
    --------
    >>> now = pd.DataFrame({"customer_id": list("abcd"), "profit": [50, -20, 70, 5]})
    >>> before = pd.DataFrame({"customer_id": list("abcd"), "profit": [80, -10, 60, 0]})
    >>> whale_curve(now, before, min_n=1, rng=np.random.default_rng(1))["cumulated"].tolist()
    [50, 120, 125, 105]
    """
    columns = ["who", "customers", "n", "profit", "cumulated", "cumulated_low", "cumulated_high", "of_total"]
    earlier = before.groupby("customer_id")["profit"].sum() if len(before) else now.set_index("customer_id")["profit"]
    rows = now.assign(earlier=now["customer_id"].map(earlier)).sort_values(
        ["earlier", "customer_id"], ascending=[False, True], na_position="last", ignore_index=True
    )
    n, known = len(rows), int(rows["earlier"].notna().sum())
    count = min(steps, known // min_n)
    if not count:
        return pd.DataFrame(columns=columns)
    place = np.minimum(np.arange(n) * count // known, count)  # new ones: a step after the last
    if n - known < min_n:
        place = np.minimum(place, count - 1)
    profit = rows["profit"].to_numpy("float64")
    sums = np.bincount(place, profit)
    drawn = np.array([np.bincount(place, profit * _times(n, rng)) for _ in range(draws)]).cumsum(axis=1)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    sizes, total = np.bincount(place), sums.sum()
    found = pd.DataFrame(
        {
            "who": np.where(np.arange(len(sums)) < count, "ranked", NEW),
            "customers": sizes.cumsum() / n,
            "n": sizes,
            "profit": sums.astype("int64"),
            "cumulated": sums.cumsum().astype("int64"),
            "cumulated_low": low,
            "cumulated_high": high,
            "of_total": sums.cumsum() / total if total > 0 else np.nan,
        }
    )
    return found[columns]


def _times(n: int, rng: np.random.Generator) -> np.ndarray:
    return np.bincount(rng.integers(n, size=n), minlength=n)


def summary(now: pd.DataFrame, before: pd.DataFrame, *, confidence: float = 0.95) -> dict[str, float]:
    """What customers earn in all, who loses money, and how concentrated revenue and profit are; money in cents.

    Parameters
    ----------
    now, before
        The results of ``customer_profits`` and ``profits_before``; ``before`` may have no rows.
    confidence
        Coverage of the interval of ``top``, between 0 and 1.

    Returns
    -------
    dict
        ``n`` customers, ``total``; ``n_losing``, ``losing``: who loses money now; ``n_twice``, ``twice``: now and in
        the period before, by what they lose now; ``top``, ``top_low``, ``top_high``: share (0-1; above 1 where others
        lose) of the profit that the ``n_top`` customers earn now who were the best fifth of the four periods before
        (missing without those, and where the total is 0 or less); ``gini`` of revenue; ``stobachoff`` of profit.

    Notes
    -----
    docs/METHODS.md sections 3.5 and 0.7.

    Examples
    --------
    Four and five lose 20 now, and five did before; the best of five before earns 60 of 100.

    >>> now = pd.DataFrame({"customer_id": range(1, 6), "net_revenue": 100, "profit": [60, 50, 10, -5, -15]})
    >>> before = pd.DataFrame({"ago": 1, "customer_id": range(1, 6), "profit": [90, 20, 10, 5, -5]})
    >>> found = summary(now, before)
    >>> {name: found[name] for name in ("total", "n_losing", "losing", "n_twice", "twice", "n_top", "top")}
    {'total': 100, 'n_losing': 2, 'losing': -20, 'n_twice': 1, 'twice': -15, 'n_top': 1, 'top': 0.6}
    """
    profit, who = now["profit"].astype("int64"), now["customer_id"]
    found = {"n": len(now), "total": int(profit.sum()), "n_losing": int((profit < 0).sum())}
    found |= {"losing": int(profit[profit < 0].sum()), "n_twice": 0, "twice": 0, "n_top": 0}
    found |= dict.fromkeys(["top", "top_low", "top_high"], np.nan)
    if len(before):
        last = before[before["ago"] == 1].set_index("customer_id")["profit"]
        twice = (profit < 0) & (who.map(last).astype("float64") < 0)
        earlier = who.map(before.groupby("customer_id")["profit"].sum()).astype("float64")
        best = earlier.rank(ascending=False, method="first") <= earlier.notna().sum() // 5
        found |= {"n_twice": int(twice.sum()), "twice": int(profit[twice].sum()), "n_top": int(best.sum())}
        ends = stats.ratio(
            pd.DataFrame({"numerator": profit * best, "denominator": profit}), by=[], confidence=confidence
        )
        found |= {f"top{end}": float(ends[f"ratio{end}"].iloc[0]) for end in ("", "_low", "_high")}
    return found | {"gini": gini(now["net_revenue"]), "stobachoff": stobachoff(profit)}


def gini(revenue: Sequence[int]) -> float:
    """Concentration of what customers bring: 0 if all bring the same, near 1 if one brings all.

    Parameters
    ----------
    revenue
        One number a customer; those below 0 are left out.

    Returns
    -------
    float
        0-1; missing where nobody brings anything.

    Notes
    -----
    Sum of (2 i - n - 1) x / (n sum of x) over x from the smallest; docs/METHODS.md section 3.5.

    Examples
    --------
    >>> gini([5, 5, 5, 5]), gini([0, 0, 0, 9])
    (0.0, 0.75)
    >>> round(gini([541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261]), 10)
    0.4620911303
    """
    x = np.sort(np.asarray(revenue, dtype="float64"))
    x, n = x[x >= 0], int((x >= 0).sum())
    return float(((2 * np.arange(1, n + 1) - n - 1) * x).sum() / (n * x.sum())) if x.sum() > 0 else np.nan


def stobachoff(profits: Sequence[int]) -> float:
    """How far profit is from being the same of all: 0 if it is, towards 1 the more some earn and others lose.

    The area between the curve of cumulated profit (most profitable first, as shares of customers and of the total) and
    the diagonal, by that area and the triangle below the diagonal.

    Parameters
    ----------
    profits
        One number a customer, of either sign.

    Returns
    -------
    float
        0-1; missing where the total is 0 or less.

    Notes
    -----
    docs/METHODS.md section 3.5. After Storbacka (1997) and van Raaij, Vernooij and van Triest (*Industrial Marketing
    Management* 32, 2003), whose exact normalisation we have not seen: this one is ours.

    Examples
    --------
    >>> stobachoff([5, 5]), round(stobachoff([10, 0]), 4), round(stobachoff([30, -20]), 4)
    (0.0, 0.3333, 0.7143)
    """
    ordered = np.sort(np.asarray(profits, dtype="float64"))[::-1]
    total, n = ordered.sum(), len(ordered)
    if total <= 0:
        return np.nan
    heights = np.concatenate([[0], ordered.cumsum() / total])
    area = ((heights[1:] + heights[:-1]) / 2).sum() / n - 0.5
    return float(area / (area + 0.5))


def results(
    now: pd.DataFrame, before: pd.DataFrame, segments: pd.DataFrame, *, confidence: float = 0.95
) -> pd.DataFrame:
    """What each segment earns, and whether that is settled.

    Parameters
    ----------
    now
        The result of ``customer_profits`` by segment.
    before
        The result of ``profits_before``.
    segments
        ``customer_id`` and ``segment``, of customers as they are now.
    confidence
        Coverage of all intervals together (Bonferroni).

    Returns
    -------
    DataFrame
        One row a segment, the largest loss first: ``segment``, ``n`` (customers), ``profit``, ``profit_low``,
        ``profit_high`` (cents), ``before`` (profit in the period before, cents; missing where it is not known),
        ``verdict``: "loses money" (interval below 0, or a loss in both periods), "earns money" (interval above 0) or
        "not settled".

    Notes
    -----
    docs/METHODS.md section 3.5: T +- z sqrt(n) s over customers.

    Examples
    --------
    For shop, s = 10 and n = 3, and z = 2.2414 for two intervals: 180 +- 38.8. Home lost in both periods.

    >>> now = pd.DataFrame({"segment": ["shop"] * 3 + ["home"] * 3, "customer_id": list("abcdef"),
    ...                     "profit": [50, 60, 70, -1, 30, -40]})
    >>> before = now.assign(ago=1, profit=[9, 9, 9, -1, -2, -2])[["ago", "customer_id", "profit"]]
    >>> results(now, before, now).round(1)[["segment", "profit", "profit_low", "profit_high", "before", "verdict"]]
      segment  profit  profit_low  profit_high  before      verdict
    0    home     -11      -147.2        125.2      -5  loses money
    1    shop     180       141.2        218.8      27  earns money
    """
    found = now.groupby("segment")["profit"].agg(n="size", profit="sum", spread="std").reset_index()
    z = NormalDist().inv_cdf(1 - (1 - confidence) / 2 / max(len(found), 1))
    half = z * found["spread"] * np.sqrt(found["n"])
    found = found.assign(profit_low=found["profit"] - half, profit_high=found["profit"] + half, before=pd.NA)
    if len(before):
        last = before[before["ago"] == 1].merge(segments[["customer_id", "segment"]], on="customer_id")
        found["before"] = found["segment"].map(last.groupby("segment")["profit"].sum())
    twice = (found["profit"] < 0) & (found["before"].astype("Float64") < 0).fillna(False)
    found["verdict"] = "not settled"
    found.loc[found["profit_low"] > 0, "verdict"] = "earns money"
    found.loc[(found["profit_high"] < 0) | twice, "verdict"] = "loses money"
    return found.drop(columns="spread").sort_values(["profit", "segment"], ignore_index=True)


def matrix(now: pd.DataFrame, before: pd.DataFrame, *, min_n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The profitability matrix: margin before service against cost to serve, both by revenue, and who moved.

    Parameters
    ----------
    now, before
        The results of ``customer_profits`` and ``profits_before``.
    min_n
        Fields and moves of fewer customers are left out.

    Returns
    -------
    tuple
        One row a field: ``field``, ``n`` (customers), ``net_revenue``, ``before_service``, ``cost_to_serve``,
        ``profit`` (cents), ``stayed`` (share, 0-1, of those who were in a field in the four periods before). And one
        row a move: ``before``, ``after``, ``n``, ``share`` (of those told in ``before``).

    Notes
    -----
    docs/METHODS.md section 3.6. Shapiro, Rangan, Moriarty and Ross, Harvard Business Review, September 1987. High and
    low: above and below what all customers together have in the same span. Part of the movement is chance.

    Examples
    --------
    Together they have a margin before service of 40 and cost to serve of 15 per 100, now and before.

    >>> now = pd.DataFrame({"customer_id": ["a", "b"], "net_revenue": 100, "cost_of_goods": [40, 80],
    ...                     "cost_to_serve": [5, 25], "profit": [55, -5]})
    >>> before = now.assign(ago=1, cost_to_serve=[25, 5], profit=[35, 15])
    >>> fields, moves = matrix(now, before, min_n=1)
    >>> fields[["field", "n", "profit", "stayed"]].values.tolist()
    [['passive', 1, 55, 0.0], ['aggressive', 1, -5, 0.0]]
    >>> moves.values.tolist()
    [['carriage trade', 'passive', 1, 1.0], ['bargain basement', 'aggressive', 1, 1.0]]
    """
    summed = before.groupby("customer_id")[_MONEY].sum() if len(before) else pd.DataFrame(columns=_MONEY)
    here, there = _field(now.set_index("customer_id")), _field(summed)
    rows = now.assign(field=here.to_numpy(), was=now["customer_id"].map(there), n=1)
    rows["before_service"] = rows["net_revenue"] - rows["cost_of_goods"]
    known = rows["was"].notna()
    fields = (
        rows.groupby("field")[["n", "net_revenue", "before_service", "cost_to_serve", "profit"]].sum().astype("int64")
    )
    fields["stayed"] = (rows["was"] == rows["field"])[known].groupby(rows["field"][known]).mean()
    order = [*FIELDS.values(), NO_REVENUE]
    fields = fields[fields["n"] >= min_n].reindex([name for name in order if name in fields.index]).dropna(subset="n")
    moves = rows[known].groupby(["was", "field"], as_index=False)["n"].sum()
    moves = moves[moves["n"] >= min_n].rename(columns={"was": "before", "field": "after"})
    moves["share"] = moves["n"] / moves.groupby("before")["n"].transform("sum")
    moves = moves.sort_values(["before", "after"], key=lambda names: names.map(order.index), ignore_index=True)
    return fields.rename_axis("field").reset_index(), moves


def _field(money: pd.DataFrame) -> pd.Series:
    revenue = money["net_revenue"].astype("float64")
    before, served = revenue - money["cost_of_goods"].astype("float64"), money["cost_to_serve"].astype("float64")
    high = before * revenue.sum() >= before.sum() * revenue  # shares compared without dividing
    dear = served * revenue.sum() > served.sum() * revenue
    names = [FIELDS[pair] for pair in zip(high, dear, strict=True)]
    return pd.Series(names, money.index, dtype="str").where(revenue > 0, NO_REVENUE)

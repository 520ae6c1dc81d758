"""What does it cost to serve each customer, segment and channel, to the cent? Time-driven costing that ties out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from toolkit import stats
from toolkit.errors import DataError

FREIGHT = "freight"
_CELL = ["segment", "channel", "region"]


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount in cents shared by whole-number weights, to the cent.

    Largest remainder (Hamilton): every share is first rounded towards zero, then the
    cents left go to the largest remainders, ties to the earlier position. The shares
    sum to the amount exactly, and a reordering of the weights moves no more than ties.

    Parameters
    ----------
    amount
        Cents, of either sign.
    weights
        Whole numbers of 0 or more, not all 0.

    Returns
    -------
    list of int
        Cents, in the order of ``weights``.

    Raises
    ------
    DataError
        If a weight is negative or all are 0.

    Notes
    -----
    docs/METHODS.md section 3.1.

    Examples
    --------
    >>> allocate(10_000, [1, 1, 1])
    [3334, 3333, 3333]
    """
    if any(weight < 0 for weight in weights) or not sum(weights):
        raise DataError(
            f"allocate: expected weights of 0 or more with a sum above 0, found {len(weights)} with the sum "
            f"{sum(weights)}. Leave what has no weights unassigned."
        )
    return _shared(amount, np.asarray(weights, dtype=object)).tolist()


def _shared(amount: int, weights: np.ndarray) -> np.ndarray:
    sign, total = (-1 if amount < 0 else 1), int(weights.sum())
    amount = abs(int(amount))
    largest = int(weights.max()) * amount
    products = weights.astype(np.int64 if largest < 2**62 and total < 2**62 else object) * amount
    shares, remainders = products // total, products % total
    left = amount - int(shares.sum())
    order = np.argsort(-remainders, kind="stable")[:left]
    shares[order] += 1
    return sign * shares


def pool_costs(ledger: pd.DataFrame, capacity: pd.DataFrame, work: pd.DataFrame) -> pd.DataFrame:
    """What each posting of a time-driven pool charges to customers, and what stays unused.

    Rate = posted cost / practical capacity; charged = rate x time used, rounded to the cent
    per month, account and pool. Unused capacity is shown and never charged. Above capacity
    the rate stays what it is, and unused turns negative: over-absorbed. Where a pool has no
    capacity, or none above 0, its postings are unassigned. Freight is charged shipment by
    shipment and is not in here.

    Parameters
    ----------
    ledger
        ``month``, ``account``, ``pool``, ``amount`` (cents).
    capacity
        ``month``, ``pool``, ``capacity_s`` (seconds).
    work
        ``month``, ``pool``, ``seconds``; further columns are not looked at.

    Returns
    -------
    DataFrame
        One row a month, account and pool: ``posted``, ``charged``, ``unused``,
        ``unassigned`` (cents), ``capacity_s``, ``used_s`` (seconds), ``rate`` (cents per
        minute of the posting).

    Notes
    -----
    docs/METHODS.md section 3.2. Kaplan and Anderson, Harvard Business Review, November 2004.

    Examples
    --------
    >>> month = ["2026-01"]
    >>> pool_costs(
    ...     pd.DataFrame({"month": month, "account": "wages", "pool": "desk", "amount": 56_000_000}),
    ...     pd.DataFrame({"month": month, "pool": "desk", "capacity_s": 700_000 * 60}),
    ...     pd.DataFrame({"month": month, "pool": "desk", "seconds": 578_600 * 60}),
    ... )[["rate", "charged", "unused"]]
       rate   charged   unused
    0  80.0  46288000  9712000
    """
    used = work.groupby(["month", "pool"], as_index=False)["seconds"].sum().rename(columns={"seconds": "used_s"})
    posted = ledger[ledger["pool"] != FREIGHT].rename(columns={"amount": "posted"})
    posted = posted.merge(capacity, how="left", on=["month", "pool"]).merge(used, how="left", on=["month", "pool"])
    posted = posted.sort_values(["month", "account", "pool"], ignore_index=True)
    whole = posted[["posted", "capacity_s", "used_s"]].fillna(0).astype("int64")
    rated = whole["capacity_s"] > 0
    charged = [
        _rounded(int(row.posted) * int(row.used_s), int(row.capacity_s)) if row.capacity_s > 0 else 0
        for row in whole.itertuples()
    ]
    return posted.assign(
        **whole,
        charged=np.array(charged, dtype="int64"),
        unassigned=whole["posted"].where(~rated, 0),
        unused=lambda frame: frame["posted"] - frame["charged"] - frame["unassigned"],
        rate=(60 * whole["posted"] / whole["capacity_s"].where(rated)).astype("float64"),
    )[["month", "account", "pool", "posted", "charged", "unused", "unassigned", "capacity_s", "used_s", "rate"]]


def _rounded(numerator: int, denominator: int) -> int:
    """The nearest whole number, halves away from 0, in exact integers."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def charge_work(work: pd.DataFrame, pools: pd.DataFrame) -> pd.DataFrame:
    """Work with what it costs: each pool's charge shared by seconds, to the cent.

    Parameters
    ----------
    work
        ``month``, ``pool``, ``seconds`` and whatever identifies a row.
    pools
        The result of ``pool_costs``.

    Returns
    -------
    DataFrame
        ``work``, sorted by all its columns but ``seconds``, with ``cost`` (cents). Sums over
        a month and pool equal the charges of ``pools`` exactly.
    """
    keys = [column for column in work.columns if column not in ("seconds", "times")]
    sorted_work = work.sort_values(keys, ignore_index=True)
    charges = pools.groupby(["month", "pool"])["charged"].sum()
    seconds = sorted_work["seconds"].astype("int64").to_numpy()
    cost = np.zeros(len(sorted_work), dtype="int64")
    for key, rows in sorted_work.groupby(["month", "pool"], sort=True).indices.items():
        amount = int(charges.get(key, 0))
        if amount and seconds[rows].sum():
            cost[rows] = _shared(amount, seconds[rows].astype(object))
    return sorted_work.assign(cost=cost)


def tie_out(ledger: pd.DataFrame, pools: pd.DataFrame, work: pd.DataFrame, freight: pd.DataFrame) -> pd.DataFrame:
    """Does every cent of the ledger stand somewhere? Per account, and in total.

    Allocated is summed from the customers' side: what ``charge_work`` gave to rows of work
    (by pool) and the freight of single shipments. The difference is what the two sides
    disagree by; it is shown even when it is 0.

    Parameters
    ----------
    ledger
        ``month``, ``account``, ``pool``, ``amount`` (cents).
    pools
        The result of ``pool_costs``.
    work
        The result of ``charge_work``.
    freight
        ``month``, ``freight`` (cents) of shipments handed over.

    Returns
    -------
    DataFrame
        One row a pool and a last row "total": ``pool``, ``posted``, ``allocated``,
        ``unused``, ``unassigned``, ``difference`` (cents).
    """
    posted = ledger.groupby("pool")["amount"].sum().astype("int64")
    allocated = work.groupby("pool")["cost"].sum().reindex(posted.index, fill_value=0).astype("int64")
    by_pool = pools.groupby("pool")[["unused", "unassigned"]].sum().reindex(posted.index, fill_value=0).astype("int64")
    if FREIGHT in posted.index:
        charged = int(freight["freight"].sum())
        allocated[FREIGHT] = charged
        by_pool.loc[FREIGHT, "unassigned"] = posted[FREIGHT] - charged
    rows = pd.DataFrame({"posted": posted, "allocated": allocated, **by_pool}).rename_axis("pool").reset_index()
    total = pd.DataFrame([{"pool": "total", **rows.drop(columns="pool").sum()}])
    rows = pd.concat([rows, total], ignore_index=True)
    return rows.assign(difference=rows["posted"] - rows["allocated"] - rows["unused"] - rows["unassigned"])


def assumed_handling(orders: pd.DataFrame, handling: pd.DataFrame) -> pd.DataFrame:
    """Orders with ``handling`` (cents): the declared assumption per order and line, 0 where none is declared.

    Cancelled orders are not handled. ``orders`` needs ``n_lines``, ``cancelled``;
    ``handling`` is one row of ``cents_per_order``, ``cents_per_line``, or none.
    """
    if handling.empty:
        return orders.assign(handling=0)
    rule = handling.iloc[0]
    cents = int(rule["cents_per_order"]) + int(rule["cents_per_line"]) * orders["n_lines"].astype("int64")
    return orders.assign(handling=cents.where(~orders["cancelled"].astype(bool), 0))


def serve_costs(orders: pd.DataFrame, work: pd.DataFrame, freight: pd.DataFrame, *, by: Sequence[str]) -> pd.DataFrame:
    """Revenue and the cost to serve it, one row a group; every sum ties to its frame.

    Parameters
    ----------
    orders
        Orders placed in the period with ``net_revenue``, ``cost_of_goods``, ``handling``
        (cents), ``customer_id`` and the columns ``by``.
    work
        Costed work with ``cost`` (cents) and ``by``; may be empty.
    freight
        ``freight`` (cents) and ``by``.
    by
        Columns to group by, such as segment and channel; none for the total.

    Returns
    -------
    DataFrame
        ``by``, ``n_orders``, ``n_customers``, ``net_revenue``, ``cost_of_goods``,
        ``freight``, ``handling``, ``cost_to_serve``, ``margin`` (cents; revenue, cost
        of goods and margin are missing in a group in which they are not known of every line),
        ``serve_share`` (cost to serve by net revenue).
    """
    by, every = list(by), [] if by else ["all"]
    parts = [
        orders.assign(
            n_orders=1,
            _unknown=orders["cost_of_goods"].isna() & (orders["n_lines"] > 0),
            _unpriced=orders["net_revenue"].isna(),
            all="",
        )
        .groupby(by + every)
        .agg(
            n_orders=("n_orders", "sum"),
            n_customers=("customer_id", "nunique"),
            net_revenue=("net_revenue", "sum"),
            cost_of_goods=("cost_of_goods", "sum"),
            _unknown=("_unknown", "sum"),
            _unpriced=("_unpriced", "sum"),
            handling=("handling", "sum"),
        ),
        work.assign(all="").groupby(by + every).agg(worked=("cost", "sum")),
        freight.assign(all="").groupby(by + every).agg(freight=("freight", "sum")),
    ]
    sums = pd.concat(parts, axis=1).fillna(0).astype("int64").sort_index().rename_axis(by + every).reset_index()
    costs = sums.assign(
        handling=sums["handling"] + sums["worked"],
        cost_of_goods=sums["cost_of_goods"].astype("Int64").mask(sums["_unknown"] > 0),
        net_revenue=sums["net_revenue"].astype("Int64").mask(sums["_unpriced"] > 0),
    )
    costs = costs.assign(cost_to_serve=costs["freight"] + costs["handling"])
    revenue = costs["net_revenue"]
    return costs.assign(
        margin=revenue - costs["cost_of_goods"] - costs["cost_to_serve"],
        serve_share=(costs["cost_to_serve"] / revenue.where(revenue > 0)).astype("Float64").astype("float64"),
    )[
        [*by, "n_orders", "n_customers", "net_revenue", "cost_of_goods", "freight", "handling", "cost_to_serve",
         "margin", "serve_share"]
    ]  # fmt: skip


def customer_profits(orders: pd.DataFrame, work: pd.DataFrame, freight: pd.DataFrame) -> pd.DataFrame:
    """One row a customer: ``net_revenue``, ``cost_of_goods``, ``cost_to_serve``, ``profit`` (cents).

    Empty where revenue or cost of goods of an ordered line is not known: without them there is no profit.
    """
    unknown = orders["net_revenue"].isna() | (orders["cost_of_goods"].isna() & (orders["n_lines"] > 0))
    if unknown.any():
        return pd.DataFrame(columns=["customer_id", "net_revenue", "cost_of_goods", "cost_to_serve", "profit"])
    served = (
        pd.concat(
            [
                work[["customer_id", "cost"]],
                freight[["customer_id", "freight"]].rename(columns={"freight": "cost"}),
                orders[["customer_id", "handling"]].rename(columns={"handling": "cost"}),
            ]
        )
        .groupby("customer_id")["cost"]
        .sum()
    )
    bought = orders.groupby("customer_id")[["net_revenue", "cost_of_goods"]].sum()
    profits = pd.concat([bought, served.rename("cost_to_serve")], axis=1).fillna(0).astype("int64").sort_index()
    profits["profit"] = profits["net_revenue"] - profits["cost_of_goods"] - profits["cost_to_serve"]
    return profits.rename_axis("customer_id").reset_index()


def serve_shares(
    orders: pd.DataFrame,
    work: pd.DataFrame,
    freight: pd.DataFrame,
    *,
    by: Sequence[str],
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Cost to serve by net revenue of each group, with intervals that hold together.

    Takes the frames of ``serve_costs``. One row a group: ``by``, ``n`` (customers),
    ``ratio``, ``ratio_low``, ``ratio_high`` (shares 0-1), Bonferroni over the groups;
    docs/METHODS.md section 3.3.
    """
    by = list(by)
    keys = [*by, "customer_id"]
    costs = pd.concat(
        [
            work[keys].assign(numerator=work["cost"]),
            freight[keys].assign(numerator=freight["freight"]),
            orders[keys].assign(numerator=orders["handling"]),
        ]
    )
    parts = [costs.groupby(keys)["numerator"].sum(), orders.groupby(keys)["net_revenue"].sum().rename("denominator")]
    totals = pd.concat(parts, axis=1).fillna(0).astype("int64").rename_axis(keys).reset_index()
    n_groups = int((totals.groupby(by)["denominator"].sum() > 0).sum()) if by else 1  # others have no share
    return stats.ratio(totals, by=by, confidence=confidence, family=n_groups)


def capacity_use(pools: pd.DataFrame) -> pd.DataFrame:
    """One row a pool over all months: ``minutes``, ``used_minutes``, ``used_share`` (0-1), ``rate``.

    The rate is money per minute in major units: posted cost by practical capacity. Takes
    the result of ``pool_costs``.
    """
    columns = ["pool", "minutes", "used_minutes", "used_share", "rate"]
    if pools.empty:
        return pd.DataFrame(columns=columns)
    months = pools.groupby(["month", "pool"], as_index=False).agg(
        posted=("posted", "sum"), capacity_s=("capacity_s", "first"), used_s=("used_s", "first")
    )
    sums = months.groupby("pool", as_index=False)[["posted", "capacity_s", "used_s"]].sum()
    capacity = sums["capacity_s"].where(sums["capacity_s"] > 0)
    return sums.assign(
        minutes=sums["capacity_s"] // 60,
        used_minutes=sums["used_s"] // 60,
        used_share=(sums["used_s"] / capacity).astype("float64"),
        rate=(sums["posted"] / 100 / (capacity / 60)).astype("float64"),
    )[columns]


def whale_curve(profits: Sequence[int]) -> pd.DataFrame:
    """Cumulated profit of customers from the most to the least profitable.

    Parameters
    ----------
    profits
        Profit of each customer, cents.

    Returns
    -------
    DataFrame
        One row a customer in that order: ``rank`` (from 1), ``customers`` (share 0-1),
        ``profit``, ``cumulated`` (cents), ``of_total`` (cumulated by the total; missing
        where the total is 0 or less: then money says it and per cent do not).

    Notes
    -----
    docs/METHODS.md section 3.5. Cooper and Kaplan, Harvard Business Review, May 1991.

    Examples
    --------
    >>> whale_curve([50, -20, 70])[["rank", "cumulated", "of_total"]]
       rank  cumulated  of_total
    0     1         70       0.7
    1     2        120       1.2
    2     3        100       1.0
    """
    ordered = np.sort(np.asarray(profits, dtype="int64"))[::-1]
    cumulated = ordered.cumsum()
    n, total = len(ordered), int(ordered.sum())
    return pd.DataFrame(
        {
            "rank": np.arange(1, n + 1),
            "customers": np.arange(1, n + 1) / max(n, 1),
            "profit": ordered,
            "cumulated": cumulated,
            "of_total": cumulated / total if total > 0 else np.full(n, np.nan),
        }
    )


def whale_steps(curve: pd.DataFrame, *, min_n: int, steps: int = 20) -> pd.DataFrame:
    """The whale curve in steps of at least ``min_n`` customers, so that no row is one person's.

    One row a step: ``customers`` (share reached, 0-1), ``n`` (customers in the step),
    ``profit`` (theirs), ``cumulated`` (cents), ``of_total``. Takes ``whale_curve``.
    """
    n = len(curve)
    count = min(steps, n // min_n)
    if not count:
        return pd.DataFrame(columns=["customers", "n", "profit", "cumulated", "of_total"])
    ends = np.array([n * (step + 1) // count - 1 for step in range(count)])
    taken = curve.iloc[ends].reset_index(drop=True)
    return pd.DataFrame(
        {
            "customers": taken["customers"],
            "n": np.diff(ends, prepend=-1),
            "profit": np.diff(taken["cumulated"], prepend=0),
            "cumulated": taken["cumulated"],
            "of_total": taken["of_total"],
        }
    )


def whale_summary(curve: pd.DataFrame) -> pd.DataFrame:
    """The whale curve in one row.

    ``n`` customers; ``total``, ``peak`` (highest cumulated profit), ``erosion`` (peak minus
    total), ``top_fifth`` (profit of the best fifth), all in cents; ``n_losing`` customers
    below 0, ``peak_rank`` (rank at which the peak is first reached).
    """
    n = len(curve)
    if not n:
        zero = dict.fromkeys(["n", "total", "peak", "erosion", "top_fifth", "n_losing", "peak_rank"], 0)
        return pd.DataFrame([zero])
    peak, total = int(curve["cumulated"].max()), int(curve["profit"].sum())
    fifth = max(round(n / 5), 1)
    return pd.DataFrame(
        [
            {
                "n": n,
                "total": total,
                "peak": peak,
                "erosion": peak - total,
                "top_fifth": int(curve["cumulated"].iloc[fifth - 1]),
                "n_losing": int((curve["profit"] < 0).sum()),
                "peak_rank": int(curve["cumulated"].idxmax()) + 1,
            }
        ]
    )


def charged_freight(orders: pd.DataFrame, freight: pd.DataFrame, ledger: pd.DataFrame) -> pd.DataFrame:
    """Freight that customers are charged with: one row a customer and cell, ``freight`` (cents).

    Where the ledger posts freight, that of the shipments handed over in the period, so
    that it meets the postings; else that of the period's own orders, so that it meets
    their lines (docs/METHODS.md section 3.4).
    """
    source = freight if (ledger["pool"] == FREIGHT).any() else orders
    known = source.assign(freight=source["freight"].fillna(0).astype("int64"))
    return known.groupby(["customer_id", *_CELL], as_index=False)["freight"].sum()


def key_figures(whole: pd.DataFrame, shares: pd.DataFrame, tie: pd.DataFrame) -> pd.DataFrame:
    """Key figures of the report, in the columns of ``figures.parquet``.

    Takes ``serve_shares`` over all and by segment and channel, and ``tie_out``. Cohort is
    ``orders``, the unit a share (0-1), or cents for the difference of the ledger.
    """
    rows = pd.concat([whole.assign(segment="", channel=""), shares], ignore_index=True)
    figures = pd.DataFrame(
        {
            "figure_id": "serve_share",
            "definition_id": "3.3",
            "cohort": "orders",
            "segment": rows["segment"],
            "channel": rows["channel"],
            "value": rows["ratio"],
            "low": rows["ratio_low"],
            "high": rows["ratio_high"],
            "n": rows["n"],
            "unit": "share",
        }
    )
    if tie["posted"].iloc[-1]:
        row = {"figure_id": "ledger_difference", "definition_id": "3.1", "cohort": "ledger", "unit": "cents"}
        row |= {"segment": "", "channel": "", "value": float(tie["difference"].iloc[-1]), "n": len(tie) - 1}
        figures = pd.concat([figures, pd.DataFrame([row])], ignore_index=True)
    return figures

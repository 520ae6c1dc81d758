"""What does it cost to serve each customer, segment and channel, to the cent? Time-driven costing that ties out."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pandas as pd

from toolkit import stats
from toolkit.errors import DataError

FREIGHT = "freight"
NO_ARTICLE = "(no article)"  # category of what is of no line
NOT_POSTED = "(not posted)"  # account of freight in a month in which the ledger posts none
_CELL = ["segment", "channel", "region"]
_LEFT = ("unused", "over_absorbed", "unassigned")  # what no customer is charged with


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
    return _shared(np.array([amount]), np.array(weights), np.zeros(len(weights), dtype="int64")).tolist()


def _shared(amounts: np.ndarray, weights: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """``allocate`` in many groups at once: ``amounts`` by group; ``groups`` of the rows, from 0 and rising.

    A group whose weights are all 0 gets nothing.
    """
    if not len(weights):
        return np.zeros(0, dtype="int64")
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    if len(starts) == len(weights):  # nothing to share, as with most customers: of millions that is told apart
        return np.where(weights > 0, amounts[groups], 0)
    totals, taken = np.add.reduceat(weights, starts), groups[starts]
    whole = np.where(totals > 0, np.abs(amounts[taken]), 0)
    at = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(weights)))
    divisor = np.maximum(totals, 1)
    each, rest = whole // divisor, whole % divisor
    if int(rest.max()) * int(weights.max()) >= 2**63:  # beyond 64 bits: the same in Python's integers
        rest, weights = rest.astype(object), weights.astype(object)
    products = rest[at] * weights
    shares = (each[at] * weights + products // divisor[at]).astype("int64")
    remainders = products % divisor[at]
    if remainders.dtype == object:
        remainders = np.unique(remainders, return_inverse=True)[1]
    left = whole - np.add.reduceat(shares, starts)
    order = np.lexsort((-remainders, at))  # stable: ties to the earlier row
    shares[order[np.arange(len(at)) - starts[at] < left[at]]] += 1
    return np.where(amounts[taken] < 0, -1, 1)[at] * shares


def passed_on(ledger: pd.DataFrame, support: pd.DataFrame) -> pd.DataFrame:
    """The ledger once pools that serve other pools have passed on what they cost, to the cent.

    Parameters
    ----------
    ledger
        ``month``, ``account``, ``pool``, ``amount`` (cents).
    support
        One row a pool served: ``pool`` (that serves), ``served``, ``parts`` (whole numbers: how much of it the other
        uses, in any unit), ``method`` (direct, step_down: pools in the order of the rows, or reciprocal; the same in
        all rows). Without rows nothing is passed on.

    Returns
    -------
    DataFrame
        ``ledger``, the rows of pools that serve replaced by rows of those served, in the same month and account:
        ``month``, ``account``, ``pool``, ``amount``, ``via`` (the pool that passed it on; empty: posted there).

    Raises
    ------
    DataError
        If pools serve each other only, so that nothing reaches customers.

    Notes
    -----
    docs/METHODS.md section 3.2. Reciprocal: all of what the pools cost by exact linear equations, in fractions.

    Examples
    --------
    >>> ledger = pd.DataFrame({"month": "m", "account": "a", "pool": ["it", "desk"], "amount": [100, 50]})
    >>> support = pd.DataFrame({"pool": "it", "served": ["desk", "vans"], "parts": [1, 3], "method": "direct"})
    >>> passed_on(ledger, support)[["pool", "amount", "via"]].values.tolist()
    [['desk', 50, ''], ['desk', 25, 'it'], ['vans', 75, 'it']]
    """
    ledger = ledger[["month", "account", "pool", "amount"]].assign(via="")
    if support.empty:
        return ledger
    parts = [ledger[~ledger["pool"].isin(support["pool"])]]
    for pool, goes in _final_users(support).items():
        posted = ledger[ledger["pool"] == pool]
        scale = math.lcm(*(share.denominator for share in goes.values()))
        weights = [int(share * scale) for share in goes.values()]
        for row in posted.itertuples():
            cents = allocate(int(row.amount), weights)
            parts.append(pd.DataFrame({"pool": list(goes), "amount": cents}).assign(
                month=row.month, account=row.account, via=pool))  # fmt: skip
    keys = ["month", "account", "pool", "via"]
    return pd.concat(parts, ignore_index=True)[ledger.columns].sort_values(keys, ignore_index=True)


def _final_users(support: pd.DataFrame) -> dict[str, dict[str, Fraction]]:
    """Of each pool that serves, the share of its cost that ends in each pool that serves customers; sums of 1."""
    method, serving = support["method"].iloc[0], list(dict.fromkeys(support["pool"]))
    uses = {pool: {} for pool in serving}
    for row in support.itertuples():
        uses[row.pool][row.served] = int(row.parts)
    if method != "reciprocal":  # direct: to no pool that serves; step-down: to none that has passed on before
        for place, pool in enumerate(serving):
            closed = serving if method == "direct" else serving[: place + 1]
            uses[pool] = {name: parts for name, parts in uses[pool].items() if name not in closed}
    stuck = [pool for pool in serving if not sum(uses[pool].values())]
    shares = {}
    for pool, of in uses.items():
        shares[pool] = {name: Fraction(parts, sum(of.values())) for name, parts in of.items() if parts}
    for pool in [] if stuck else serving:  # put each pool's own equation into the others: Gauss and Jordan
        own = shares[pool].pop(pool, Fraction(0))
        if own == 1:
            stuck.append(pool)
            break
        shares[pool] = {name: share / (1 - own) for name, share in shares[pool].items()}
        for other in serving:
            if other != pool and (through := shares[other].pop(pool, None)):
                for name, share in shares[pool].items():
                    shares[other][name] = shares[other].get(name, Fraction(0)) + through * share
    if stuck:
        raise DataError(
            f"cost.yaml, support: expected every pool to pass its cost on to pools that work for customers, found "
            f"{len(stuck)} that do not ({method}): {', '.join(stuck[:5])}. Name a pool with activities among those it "
            "serves."
        )
    return {pool: dict(sorted(of.items())) for pool, of in shares.items()}


def pool_costs(ledger: pd.DataFrame, capacity: pd.DataFrame, work: pd.DataFrame) -> pd.DataFrame:
    """What each posting of a time-driven pool charges to customers, and what stays unused.

    Rate = posted cost / practical capacity; charged = rate x time used, rounded to the cent
    per month, account and pool. Unused capacity is shown and never charged. Above capacity
    the rate stays what it is, and what was charged too much stands as over-absorbed, below 0.
    Where a pool has no capacity, or none above 0, its postings are unassigned. Freight is charged
    shipment by shipment and is not in here.

    Parameters
    ----------
    ledger
        ``month``, ``account``, ``pool``, ``amount`` (cents); of ``passed_on`` where pools serve pools.
    capacity
        ``month``, ``pool``, ``capacity_s`` (seconds); one row a month and pool.
    work
        ``month``, ``pool``, ``seconds``; further columns are not looked at.

    Returns
    -------
    DataFrame
        One row a month, account and pool: ``posted``, ``charged``, ``unused``, ``over_absorbed`` (0 or less; of a
        credit 0 or more), ``unassigned`` (cents), ``capacity_s``, ``used_s`` (seconds), ``rate`` (cents per minute of
        the posting).

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
    posted = posted.groupby(["month", "account", "pool"], as_index=False)["posted"].sum()
    posted = posted.merge(capacity, how="left", on=["month", "pool"]).merge(used, how="left", on=["month", "pool"])
    posted = posted.sort_values(["month", "account", "pool"], ignore_index=True)
    whole = posted[["posted", "capacity_s", "used_s"]].fillna(0).astype("int64")
    rated = whole["capacity_s"] > 0
    charged = [
        _rounded(int(row.posted) * int(row.used_s), int(row.capacity_s)) if row.capacity_s > 0 else 0
        for row in whole.itertuples()
    ]
    posted = posted.assign(
        **whole,
        charged=np.array(charged, dtype="int64"),
        unassigned=whole["posted"].where(~rated, 0),
        rate=(60 * whole["posted"] / whole["capacity_s"].where(rated)).astype("float64"),
    )
    left, over = posted["posted"] - posted["charged"] - posted["unassigned"], whole["used_s"] > whole["capacity_s"]
    return posted.assign(unused=left.mask(over & rated, 0), over_absorbed=left.where(over & rated, 0))[
        ["month", "account", "pool", "posted", "charged", *_LEFT, "capacity_s", "used_s", "rate"]
    ]


def rates(pools: pd.DataFrame) -> pd.Series:
    """Cents a second by pool, over all months that have a capacity.

    Parameters
    ----------
    pools
        The result of ``pool_costs``.

    Returns
    -------
    Series
        Cents a second, by ``pool``. A pool without capacity has none; what was posted in a month without one is
        unassigned and does not count.

    Notes
    -----
    docs/METHODS.md section 3.2.

    Examples
    --------
    >>> pools = pd.DataFrame({"month": ["a", "a", "b"], "pool": "van", "posted": [50, 30, 20],
    ...                       "capacity_s": [40, 40, 10]})
    >>> rates(pools).to_dict()
    {'van': 2.0}
    """
    pools = pools[pools["capacity_s"] > 0]
    months = pools.groupby(["pool", "month"]).agg(posted=("posted", "sum"), capacity_s=("capacity_s", "first"))
    sums = months.groupby("pool").sum().astype("float64")
    return sums["posted"] / sums["capacity_s"]


def _rounded(numerator: int, denominator: int) -> int:
    """The nearest whole number, halves away from 0, in exact integers."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def charge_work(work: pd.DataFrame, pools: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Work with what it costs: each posting's charge shared by seconds, to the cent.

    Cents are rounded once, per posting, at customer x activity; what a customer's activity costs is shared out further
    to the cells that it stands in, so that every sum of rows ties.

    Parameters
    ----------
    work
        ``month``, ``pool``, ``seconds`` and whatever identifies a row, such as ``activity`` and ``customer_id``.
    pools
        The result of ``pool_costs``.

    Returns
    -------
    tuple
        ``work``, sorted by all its columns but ``seconds`` and ``times``, with ``cost`` (cents); and one row a posting:
        ``month``, ``account``, ``pool``, ``allocated`` (cents, summed from the customers' side).

    Notes
    -----
    docs/METHODS.md section 3.1.

    Examples
    --------
    100 cents by three customers of a minute each; the 34 of a by the seconds of two channels.

    >>> pools = pd.DataFrame({"month": ["m"], "account": "wages", "pool": "desk", "charged": 100})
    >>> work = pd.DataFrame({"month": "m", "pool": "desk", "activity": "entry", "customer_id": list("aabc"),
    ...                      "channel": ["app", "web", "web", "web"], "seconds": [20, 40, 60, 60]})
    >>> costed, posted = charge_work(work, pools)
    >>> costed["cost"].tolist(), posted["allocated"].tolist()
    ([11, 23, 33, 33], [100])
    """
    keys = [column for column in work.columns if column not in ("seconds", "times")]
    once = [column for column in ("month", "pool", "activity", "customer_id") if column in keys]
    keys = [*once, *(column for column in keys if column not in once)]
    rows, codes = work.reset_index(drop=True), {column: _codes(work[column]) for column in keys}
    if not _sorted(list(codes.values())):
        order = np.lexsort(list(codes.values())[::-1])
        rows, codes = rows.iloc[order].reset_index(drop=True), {column: code[order] for column, code in codes.items()}
    seconds = rows["seconds"].astype("int64").to_numpy()
    new = np.zeros(len(rows), dtype=bool)
    for column in once:
        new |= np.diff(codes[column], prepend=-2) != 0
    person, starts = new.cumsum() - 1, np.flatnonzero(new)
    theirs = np.add.reduceat(seconds, starts) if len(rows) else seconds
    where = rows.loc[new, ["month", "pool"]].reset_index(drop=True).groupby(["month", "pool"]).indices
    cents, allocated = np.zeros(len(theirs), "int64"), []
    for posting in pools.itertuples():
        at = where.get((posting.month, posting.pool), np.zeros(0, "int64"))
        share = _shared(np.array([posting.charged]), theirs[at], np.zeros(len(at), "int64"))
        cents[at] += share
        allocated.append(int(share.sum()))
    posted = pools[["month", "account", "pool"]].assign(allocated=np.array(allocated, dtype="int64"))
    return rows.assign(cost=_shared(cents, seconds, person)), posted


def _codes(column: pd.Series) -> np.ndarray:
    """Ranks of a column's values, missing ones first."""
    if isinstance(column.dtype, pd.CategoricalDtype) and column.cat.categories.is_monotonic_increasing:
        return column.cat.codes.to_numpy()
    return pd.factorize(column, sort=True)[0]


def _sorted(codes: list[np.ndarray]) -> bool:
    """Are rows in the order of all of these, the first before the second and so on?"""
    tied = np.ones(max(len(codes[0]) - 1, 0), dtype=bool)
    for code in codes:
        steps = np.diff(code.astype("int32"))
        if (steps[tied] < 0).any():
            return False
        tied &= steps == 0
    return True


def tie_out(
    ledger: pd.DataFrame, pools: pd.DataFrame, allocated: pd.DataFrame, work: pd.DataFrame, freight: pd.DataFrame
) -> pd.DataFrame:
    """Does every cent of the ledger stand somewhere? Per account and month, and in total.

    Allocated is summed from the customers' side; the total's from the rows of customers themselves. The difference is
    what the two sides disagree by; it is shown even when it is 0.

    Parameters
    ----------
    ledger
        ``month``, ``account``, ``pool``, ``amount`` (cents), as posted.
    pools
        The result of ``pool_costs``.
    allocated, work
        The result of ``charge_work``: what it gave by posting, and the rows of work.
    freight
        ``month``, ``freight`` (cents) of shipments handed over; shared among the accounts that post freight.

    Returns
    -------
    DataFrame
        One row a month and account and a last row "total": ``month``, ``account``, ``posted``, ``allocated``,
        ``unused``, ``over_absorbed``, ``unassigned``, ``difference`` (cents).

    Notes
    -----
    docs/METHODS.md section 3.1. Freight of a month in which the ledger posts none, though it does in others, stands in
    the account "(not posted)".

    Examples
    --------
    >>> ledger = pd.DataFrame({"month": "m", "account": ["wages", "carriers"], "pool": ["desk", "freight"],
    ...                        "amount": [1000, 600]})
    >>> work = pd.DataFrame({"month": "m", "pool": "desk", "customer_id": ["a", "b"], "seconds": [200, 100]})
    >>> pools = pool_costs(ledger, pd.DataFrame({"month": ["m"], "pool": "desk", "capacity_s": 400}), work)
    >>> costed, allocated = charge_work(work, pools)
    >>> sent = pd.DataFrame({"month": ["m"], "freight": [580]})
    >>> tie_out(ledger, pools, allocated, costed, sent).drop(columns=["month", "over_absorbed"])
        account  posted  allocated  unused  unassigned  difference
    0  carriers     600        580       0          20           0
    1     wages    1000        750     250           0           0
    2     total    1600       1330     250          20           0
    """
    keys, carriers = ["month", "account"], ledger[ledger["pool"] == FREIGHT]
    sent = freight.groupby("month")["freight"].sum() if len(carriers) else pd.Series(dtype="int64")
    accounts, billed = carriers.groupby(keys, as_index=False)["amount"].sum(), []
    for month, charged in sent.items():
        here = accounts[(accounts["month"] == month) & (accounts["amount"] != 0)]
        cents = allocate(int(charged), here["amount"].abs().tolist()) if len(here) else [int(charged)]
        billed += [(month, *one) for one in zip(here["account"] if len(here) else [NOT_POSTED], cents, strict=True)]
    billed = pd.DataFrame(billed, columns=[*keys, "allocated"]).assign(posted=0)
    billed["unassigned"] = -billed["allocated"]
    posted = [ledger.rename(columns={"amount": "posted"}), allocated, pools[[*keys, *_LEFT]], billed]
    posted.append(carriers.rename(columns={"amount": "unassigned"})[[*keys, "unassigned"]])
    rows = pd.concat(posted).groupby(keys)[["posted", "allocated", *_LEFT]].sum().astype("int64").reset_index()
    total = {"month": "", "account": "total"} | rows.drop(columns=keys).sum().to_dict()
    total["allocated"] = int(work["cost"].sum()) + int(sent.sum())
    rows = pd.concat([rows.astype({"month": "str"}), pd.DataFrame([total])], ignore_index=True)
    return rows.assign(difference=rows["posted"] - rows["allocated"] - rows[list(_LEFT)].sum(axis=1))


def assumed_handling(orders: pd.DataFrame, handling: pd.DataFrame) -> pd.DataFrame:
    """Orders with ``handling`` (cents): what is assumed per order and line, and of payments; 0 where nothing is.

    Parameters
    ----------
    orders
        ``n_lines``, ``cancelled``; may have ``payment_fee`` (cents). Cancelled orders are not handled.
    handling
        One row of ``cents_per_order``, ``cents_per_line``, or none.

    Returns
    -------
    DataFrame
        ``orders`` with ``handling`` (cents).

    Notes
    -----
    docs/METHODS.md section 3.4.

    Examples
    --------
    Two lines at 50, an order at 100, a fee of 7; the other order was cancelled.

    >>> orders = pd.DataFrame({"n_lines": [2, 5], "cancelled": [False, True], "payment_fee": [7, 7]})
    >>> rule = pd.DataFrame({"cents_per_order": [100], "cents_per_line": [50]})
    >>> assumed_handling(orders, rule)["handling"].tolist()
    [207, 0]
    """
    cents = orders["payment_fee"].fillna(0).astype("int64") if "payment_fee" in orders else 0
    for rule in handling.to_dict("records"):
        cents = cents + int(rule["cents_per_order"]) + int(rule["cents_per_line"]) * orders["n_lines"].astype("int64")
    return orders.assign(handling=cents).assign(
        handling=lambda rows: rows["handling"].where(~rows["cancelled"].astype(bool), 0)
    )


def serve_costs(orders: pd.DataFrame, work: pd.DataFrame, freight: pd.DataFrame, *, by: Sequence[str]) -> pd.DataFrame:
    """Revenue and the cost to serve it, one row a group; every sum ties to its frame.

    Parameters
    ----------
    orders
        Orders placed in the period and not cancelled, with ``net_revenue``, ``cost_of_goods``, ``handling``
        (cents), ``n_lines``, ``customer_id`` and the columns ``by``.
    work
        Costed work with ``cost`` (cents) and ``by``; may be empty.
    freight
        ``freight`` (cents) and ``by``.
    by
        Columns to group by, such as segment and channel; none for the total.

    Returns
    -------
    DataFrame
        One row a group, of work or freight alone too: ``by``, ``n_orders``, ``n_customers`` (of orders),
        ``net_revenue``, ``cost_of_goods``, ``freight``, ``handling`` (assumed, and work), ``cost_to_serve``, ``margin``
        (cents; revenue, cost of goods and margin are missing in a group in which they are not known of every line),
        ``serve_share`` (cost to serve by net revenue; missing without a revenue above 0).

    Notes
    -----
    docs/METHODS.md section 3.3.

    Examples
    --------
    >>> orders = pd.DataFrame({"segment": ["shop", "shop", "home"], "customer_id": list("aab"), "n_lines": 1,
    ...     "net_revenue": [9000, 1000, 2000], "cost_of_goods": [6000, 500, 1200], "handling": 100})
    >>> work = pd.DataFrame({"segment": ["shop"], "cost": [700]})
    >>> sent = pd.DataFrame({"segment": ["shop", "home"], "freight": [600, 300]})
    >>> found = serve_costs(orders, work, sent, by=["segment"])
    >>> found[["segment", "net_revenue", "freight", "handling", "cost_to_serve", "margin", "serve_share"]]
      segment  net_revenue  freight  handling  cost_to_serve  margin  serve_share
    0    home         2000      300       100            400     400         0.20
    1    shop        10000      600       900           1500    2000         0.15
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


def kinds_costed(costed: pd.DataFrame, kinds: pd.DataFrame) -> pd.DataFrame:
    """What kinds of orders and departments cost: each cell's cents shared among its kinds by seconds.

    Parameters
    ----------
    costed
        Work with ``cost``, of ``charge_work``.
    kinds
        The frame ``work_kinds``, which adds up to the same seconds.

    Returns
    -------
    DataFrame
        ``kinds`` with ``cost`` (cents), sorted. Sums over kinds are those of the cells, to the cent.

    Notes
    -----
    docs/METHODS.md section 3.4.

    Examples
    --------
    Ten cents by 50, 25 and 25 seconds; the odd cent goes to the earlier of two alike.

    >>> cell = {"month": "m", "pool": "desk", "activity": "entry", "segment": "s", "channel": "web", "region": "n"}
    >>> costed = pd.DataFrame([cell | {"seconds": 100, "cost": 10}])
    >>> kinds = pd.DataFrame([cell | {"order_class": kind, "seconds": seconds}
    ...                       for kind, seconds in [("rush", 50), ("one line", 25), ("ten and more", 25)]])
    >>> kinds_costed(costed, kinds).set_index("order_class")["cost"].to_dict()
    {'one line': 3, 'rush': 5, 'ten and more': 2}
    """
    keys = ["month", "pool", "activity", *_CELL]
    more = sorted(set(kinds) - {*keys, "seconds", "times"})
    rows = kinds.sort_values([*keys, *more], ignore_index=True)
    cells = rows.groupby(keys, sort=True).ngroup().to_numpy()
    cents = costed.groupby(keys)["cost"].sum()
    cents = cents.reindex(pd.MultiIndex.from_frame(rows[keys].drop_duplicates())).fillna(0).to_numpy("int64")
    return rows.assign(cost=_shared(cents, rows["seconds"].to_numpy("int64"), cells))


def told_apart(
    orders: pd.DataFrame, work: pd.DataFrame, freight: pd.DataFrame, *, by: str, min_n: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The frames of ``serve_costs`` with the values of a column that too few customers stand behind put together.

    Judged by orders and their revenue, with the rule of ``stats.publishable``; missing values of orders are
    "(unknown)".

    Parameters
    ----------
    orders, work, freight
        As for ``serve_costs``, all with the column ``by``.
    by
        Column that tells apart, such as ``order_class`` or ``fulfilment``.
    min_n
        Smallest number of customers behind a value, and behind its revenue.

    Returns
    -------
    tuple
        ``orders``, ``work`` and ``freight`` with the rare values of ``by`` replaced by "(other)"; "(no order)" stays.

    Notes
    -----
    docs/METHODS.md sections 3.4 and 0.10.

    Examples
    --------
    One customer with a locker is too few, and those of the store, the next fewest, join in.

    >>> orders = pd.DataFrame({"fulfilment": ["home"] * 3 + ["store"] * 2 + ["locker"], "customer_id": range(6),
    ...                        "net_revenue": 100})
    >>> work = pd.DataFrame({"fulfilment": ["home", "locker", "(no order)"], "cost": [5, 7, 2]})
    >>> told = told_apart(orders, work, work, by="fulfilment", min_n=2)
    >>> told[0]["fulfilment"].value_counts().to_dict(), told[1]["fulfilment"].tolist()
    ({'home': 3, '(other)': 3}, ['home', '(other)', '(no order)'])
    """
    orders = orders.assign(**{by: orders[by].fillna(stats.UNKNOWN)})
    judged = orders.assign(net_revenue=orders["net_revenue"].fillna(0), _was=orders[by])
    judged = stats.publishable(judged, by=[by], person="customer_id", amounts=["net_revenue"], min_n=min_n)
    names = dict(zip(judged["_was"], judged[by], strict=True))
    return tuple(rows.assign(**{by: rows[by].replace(names)}) for rows in (orders, work, freight))


def losing_kinds(
    orders: pd.DataFrame, work: pd.DataFrame, freight: pd.DataFrame, *, by: Sequence[str], min_n: int
) -> pd.DataFrame:
    """``serve_costs`` of the kinds of orders, told apart by several columns, that cost more than they bring.

    Parameters
    ----------
    orders, work, freight
        As for ``serve_costs``, all with the columns ``by``.
    by
        Columns that make a kind, such as ``segment`` and ``order_class``.
    min_n
        Kinds of fewer customers stand together.

    Returns
    -------
    DataFrame
        ``kind`` (values of ``by``, with commas between) and the columns of ``serve_costs``, of kinds with a ``margin``
        below 0, the largest loss first; work for no order is left out, and so are kinds of which the margin is not
        known.

    Notes
    -----
    docs/METHODS.md section 3.7.

    Examples
    --------
    >>> orders = pd.DataFrame({"segment": "shop", "order_class": ["rush"] * 2 + ["one line"] * 2,
    ...     "customer_id": list("abcd"), "n_lines": 1, "net_revenue": 100, "cost_of_goods": 60, "handling": 0})
    >>> work = pd.DataFrame({"segment": "shop", "order_class": ["rush", "one line"], "cost": [95, 20]})
    >>> sent = work.rename(columns={"cost": "freight"}).assign(freight=10)
    >>> found = losing_kinds(orders, work, sent, by=["segment", "order_class"], min_n=2)
    >>> found[["kind", "n_orders", "cost_to_serve", "margin"]]
             kind  n_orders  cost_to_serve  margin
    0  shop, rush         2            105     -25
    """
    labelled = []
    for rows in (orders, work, freight):
        names = [rows[column].astype("str").fillna(stats.UNKNOWN) for column in by]
        labelled.append(rows.assign(kind=names[0].str.cat(names[1:], sep=", ")))
    apart = told_apart(*labelled, by="kind", min_n=min_n)
    rows = serve_costs(*apart, by=["kind"])
    rows = rows[(rows["n_orders"] > 0) & (rows["margin"].fillna(0) < 0)]
    return rows.sort_values("margin", ignore_index=True)


def by_department(kinds: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """What each department's activities cost, and the time that they take.

    Parameters
    ----------
    kinds
        The result of ``kinds_costed``.
    min_n
        Departments and activities done fewer times in all stand together as "(other)".

    Returns
    -------
    DataFrame
        One row a department and activity: ``times``, ``minutes`` (whole ones), ``cost`` (cents).

    Notes
    -----
    docs/METHODS.md section 3.4.

    Examples
    --------
    >>> kinds = pd.DataFrame({"department": ["desk", "desk", "dsek"], "activity": "entry", "times": [6, 5, 2],
    ...                       "seconds": [360, 240, 150], "cost": [36, 24, 15]})
    >>> by_department(kinds, min_n=10)
      department activity  times  minutes  cost
    0    (other)    entry      2        2    15
    1       desk    entry     11       10    60
    """
    names = {name: stats.common_names(kinds[name], kinds["times"], min_n=min_n) for name in ("department", "activity")}
    rows = kinds.assign(**names).groupby(["department", "activity"], as_index=False)[["times", "seconds", "cost"]].sum()
    return rows.assign(minutes=rows["seconds"] // 60)[["department", "activity", "times", "minutes", "cost"]]


def by_product_group(
    mix: pd.DataFrame, parts: pd.DataFrame, costed: pd.DataFrame, freight: pd.DataFrame, orders: pd.DataFrame,
    handling: pd.DataFrame, ledger: pd.DataFrame, *, min_n: int,
) -> pd.DataFrame:  # fmt: skip
    """Revenue and cost to serve by product category, adding up to the same totals as every other table.

    Parameters
    ----------
    mix, parts
        The frames ``product_mix`` and ``product_parts``.
    costed, freight
        The results of ``charge_work`` and ``charged_freight``.
    orders, handling
        Of ``assumed_handling``, and what is assumed.
    ledger
        As posted: whether freight is that of what was handed over.
    min_n
        Categories of fewer customers stand together.

    Returns
    -------
    DataFrame
        One row a category, largest revenue first: ``category``, ``n_customers``, the money columns (cents) and
        ``serve_share`` of ``serve_costs``. What is of no line of an order, such as a visit, is "(no article)".

    Notes
    -----
    docs/METHODS.md section 3.4.

    Examples
    --------
    >>> mix = pd.DataFrame({"customer_id": list("abab"), "category": ["tea", "tea", "wine", "wine"],
    ...                     "net_revenue": [100, 100, 50, 50], "cost_of_goods": [60, 60, 30, 30]})
    >>> parts = pd.DataFrame({"pool": ["desk", "desk", "freight"], "activity": ["entry", "entry", "sent"],
    ...                       "category": ["tea", "wine", "wine"], "parts": [2, 1, 1]})
    >>> costed = pd.DataFrame({"pool": "desk", "activity": ["entry", "visit"], "cost": [60, 9]})
    >>> orders, ledger = pd.DataFrame({"n_lines": [2], "handling": [0]}), pd.DataFrame({"pool": ["freight"]})
    >>> sent = pd.DataFrame({"freight": [30]})
    >>> found = by_product_group(mix, parts, costed, sent, orders, pd.DataFrame(), ledger, min_n=2)
    >>> found[["category", "net_revenue", "freight", "handling", "cost_to_serve", "margin"]]
           category  net_revenue  freight  handling  cost_to_serve  margin
    0           tea          200        0        40             40      40
    1          wine          100       30        20             50     -10
    2  (no article)            0        0         9              9      -9
    """
    judged = mix.assign(net_revenue=mix["net_revenue"].fillna(0), was=mix["category"])
    judged = stats.publishable(judged, by=["category"], person="customer_id", amounts=["net_revenue"], min_n=min_n)
    names = dict(zip(judged["was"], judged["category"], strict=True))
    mix, parts = (rows.assign(category=rows["category"].replace(names)) for rows in (mix, parts))
    money = ["net_revenue", "cost_of_goods"]
    sums = mix.groupby("category").agg(
        n_customers=("customer_id", "nunique"), **{name: (name, "sum") for name in money},
        **{f"_{name}": (name, lambda column: column.isna().any()) for name in money},
    )  # fmt: skip
    amounts = costed.groupby(["pool", "activity"])["cost"].sum()
    sent = "sent" if (ledger["pool"] == FREIGHT).any() else "ordered"
    amounts.loc[(FREIGHT, sent)] = freight["freight"].sum()
    for each in handling.to_dict("records"):
        amounts.loc[("handling", "line")] = each["cents_per_line"] * orders["n_lines"].sum()
    amounts.loc[("handling", "order")] = orders["handling"].sum() - amounts.get(("handling", "line"), 0)
    keys = ["pool", "activity"]
    rows = parts.groupby([*keys, "category"], as_index=False)["parts"].sum()
    cells = rows.groupby(keys).ngroup().to_numpy()
    cents = amounts.reindex(pd.MultiIndex.from_frame(rows[keys].drop_duplicates())).fillna(0).to_numpy("int64")
    rows["cost"] = _shared(cents, rows["parts"].to_numpy("int64"), cells)
    if lost := amounts.sum() - rows["cost"].sum():  # what no line of an order explains
        rows = pd.concat([rows, pd.DataFrame([{"pool": "", "category": NO_ARTICLE, "cost": lost}])])
    kept = rows["pool"].where(rows["pool"] == FREIGHT, "handling")
    served = rows.groupby([rows["category"], kept])["cost"].sum().unstack(fill_value=0)
    sums = sums.join(served.reindex(columns=[FREIGHT, "handling"], fill_value=0), how="outer")
    unknown = sums[[f"_{name}" for name in money]].astype("boolean").fillna(False).astype(bool)
    sums = sums[["n_customers", *money, FREIGHT, "handling"]].fillna(0).astype("Int64")
    for name in money:
        sums[name] = sums[name].mask(unknown[f"_{name}"])
    sums["cost_to_serve"] = sums[FREIGHT] + sums["handling"]
    sums["margin"] = sums["net_revenue"] - sums["cost_of_goods"] - sums["cost_to_serve"]
    share = sums["cost_to_serve"] / sums["net_revenue"].where(sums["net_revenue"] > 0)
    sums["serve_share"] = share.astype("Float64").astype("float64")
    sums = sums.sort_values(["net_revenue", "cost_to_serve"], ascending=False, kind="stable", na_position="last")
    return sums.rename_axis("category").reset_index()


def waterfall(orders: pd.DataFrame, work: pd.DataFrame, freight: pd.DataFrame, *, by: str) -> pd.DataFrame:
    """From revenue to what is left, step by step, one row a group and step; what every group has none of is left out.

    Parameters
    ----------
    orders, work, freight
        As for ``serve_costs``, with ``by``; ``work`` with ``pool`` too.
    by
        Column to group by.

    Returns
    -------
    DataFrame
        ``by``, ``step`` (net revenue, cost of goods, freight, each pool, assumed handling, result), ``amount`` (cents;
        costs below 0; the result is the sum of the steps above it); largest revenue first. Without a cost of goods that
        is known of every line there is no such step; without a revenue, there are no rows.

    Notes
    -----
    docs/METHODS.md section 3.3.

    Examples
    --------
    >>> orders = pd.DataFrame({"segment": ["shop"], "customer_id": ["a"], "n_lines": 1, "net_revenue": 1000,
    ...                        "cost_of_goods": 600, "handling": 0})
    >>> work = pd.DataFrame({"segment": "shop", "pool": ["desk", "van"], "cost": [70, 30]})
    >>> sent = pd.DataFrame({"segment": ["shop"], "freight": [50]})
    >>> waterfall(orders, work, sent, by="segment").set_index("step")["amount"].to_dict()
    {'net revenue': 1000, 'cost of goods': -600, 'freight': -50, 'desk': -70, 'van': -30, 'result': 250}
    """
    sums = serve_costs(orders, work, freight, by=[by]).set_index(by)
    steps = {"net revenue": sums["net_revenue"]}
    if sums["net_revenue"].isna().any():
        return pd.DataFrame(columns=[by, "step", "amount"])
    if sums["cost_of_goods"].notna().all():
        steps["cost of goods"] = -sums["cost_of_goods"]
    steps["freight"] = -sums["freight"]
    for pool, cents in work.groupby([by, "pool"])["cost"].sum().unstack(fill_value=0).items():
        steps[pool] = -cents.reindex(sums.index, fill_value=0)
    steps["assumed handling"] = -orders.groupby(by)["handling"].sum().reindex(sums.index, fill_value=0)
    table = pd.DataFrame({name: cents for name, cents in steps.items() if (cents != 0).any()}).astype("int64")
    table["result"] = table.sum(axis=1)
    order = sums["net_revenue"].sort_values(ascending=False, kind="stable").index
    return table.loc[order].rename_axis(columns="step").stack().rename("amount").reset_index()


def serve_shares(
    orders: pd.DataFrame,
    work: pd.DataFrame,
    freight: pd.DataFrame,
    *,
    by: Sequence[str],
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Cost to serve by net revenue of each group, with intervals that hold together.

    Parameters
    ----------
    orders, work, freight
        As for ``serve_costs``, all with ``customer_id``. A revenue that is not known counts as none.
    by
        Grouping columns; none for one share over all.
    confidence
        Coverage of the intervals, between 0 and 1; they hold together over the groups that have a revenue.

    Returns
    -------
    DataFrame
        One row a group: ``by``, ``n`` (customers), ``ratio``, ``ratio_low``, ``ratio_high`` (shares, 0.1: a tenth of
        revenue; missing without a revenue above 0).

    Notes
    -----
    docs/METHODS.md sections 3.3 and 0.7: interval of a ratio over customers, by Bonferroni over the groups. Poor while
    one customer holds a large part of the revenue.

    Examples
    --------
    Costs of 1, 2, 3 and 2 by revenues of 10, 20, 10 and 20: 8 by 60.

    >>> orders = pd.DataFrame({"customer_id": list("abcd"), "net_revenue": [10, 20, 10, 20], "handling": 0})
    >>> work = pd.DataFrame({"customer_id": list("abcd"), "cost": [1, 2, 3, 2]})
    >>> sent = pd.DataFrame({"customer_id": list("abcd"), "freight": 0})
    >>> serve_shares(orders, work, sent, by=[]).round(4)
       n   ratio  ratio_low  ratio_high
    0  4  0.1333       0.06      0.2066
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
    """One row a pool over all months: its time, what it costs, and what of it was used.

    Parameters
    ----------
    pools
        The result of ``pool_costs``.

    Returns
    -------
    DataFrame
        ``pool``, ``minutes``, ``used_minutes``, ``used_share`` (1: all of it; above: more than there is), ``rate``
        (money per minute in major units: posted cost by capacity), ``posted``, ``charged``, ``unused``,
        ``over_absorbed``, ``unassigned`` (cents). Share and rate are of months that have a capacity; missing without.

    Notes
    -----
    docs/METHODS.md section 3.2.

    Examples
    --------
    >>> ledger = pd.DataFrame({"month": ["m"], "account": "wages", "pool": "desk", "amount": 48_000})
    >>> capacity = pd.DataFrame({"month": ["m"], "pool": "desk", "capacity_s": 600 * 60})
    >>> work = pd.DataFrame({"month": ["m"], "pool": "desk", "seconds": 450 * 60})
    >>> use = capacity_use(pool_costs(ledger, capacity, work))
    >>> use[["minutes", "used_minutes", "used_share", "rate", "charged", "unused"]]
       minutes  used_minutes  used_share  rate  charged  unused
    0      600           450        0.75   0.8    36000   12000
    """
    money = ["posted", "charged", *_LEFT]
    columns = ["pool", "minutes", "used_minutes", "used_share", "rate", *money]
    if pools.empty:
        return pd.DataFrame(columns=columns)
    months = pools.groupby(["month", "pool"], as_index=False)[["capacity_s", "used_s"]].first()
    times = months.groupby("pool")[["capacity_s", "used_s"]].sum()
    sums = pools.groupby("pool")[money].sum().join(times).reset_index()
    known = months[months["capacity_s"] > 0].groupby("pool")["used_s"].sum()
    capacity = sums["capacity_s"].where(sums["capacity_s"] > 0)
    return sums.assign(
        minutes=sums["capacity_s"] // 60,
        used_minutes=sums["used_s"] // 60,
        used_share=(sums["pool"].map(known) / capacity).astype("float64"),
        rate=((sums["posted"] - sums["unassigned"]) / 100 / (capacity / 60)).astype("float64"),
    )[columns]


def faults(
    found: pd.DataFrame, ledger: pd.DataFrame, capacity: pd.DataFrame, costed: pd.DataFrame, orders: pd.DataFrame, *,
    min_n: int,
) -> pd.DataFrame:  # fmt: skip
    """What stands in no customer's cost, or in that of a customer who did not order: named, counted, spread on nobody.

    Parameters
    ----------
    found
        The frame ``cost_faults``.
    ledger, capacity
        Postings once support pools have passed on, and practical capacities.
    costed
        The result of ``charge_work``.
    orders
        Orders of the period, for ``customer_id``.
    min_n
        Of fewer customers neither number nor money is told, and no name that only the data know and fewer rows bear.

    Returns
    -------
    DataFrame
        One row a fault and name: ``fault``, ``name``, ``n`` (rows, months or customers), ``cost`` (cents; missing where
        there is none to tell).

    Notes
    -----
    docs/METHODS.md section 3.1.

    Examples
    --------
    >>> none = pd.DataFrame(columns=["fault", "name", "n"])
    >>> ledger = pd.DataFrame({"month": "m", "account": "rent", "pool": ["desk", "van"], "amount": [100, 70]})
    >>> capacity = pd.DataFrame({"month": ["m"], "pool": "desk", "capacity_s": 600})
    >>> costed = pd.DataFrame({"month": ["m"], "pool": "desk", "activity": "visit", "customer_id": "b",
    ...                        "seconds": 60, "cost": 10})
    >>> faults(none, ledger, capacity, costed, pd.DataFrame({"customer_id": ["a"]}), min_n=1)
                            fault   name  n  cost
    0  customers without an order  visit  1    10
    1     pool without a capacity    van  1    70
    """
    posted = ledger[ledger["pool"] != FREIGHT].groupby(["pool", "month"], as_index=False)["amount"].sum()
    known = capacity[capacity["capacity_s"] > 0][["month", "pool"]].drop_duplicates()
    bare = posted.merge(known, how="left", on=["month", "pool"], indicator=True)
    bare = bare[(bare["_merge"] == "left_only") & (bare["amount"] != 0)]
    months = pd.unique(pd.concat([ledger["month"], capacity["month"], costed["month"]]))
    per = ledger[["account", "pool", "month"]].drop_duplicates().groupby(["account", "pool"]).size()
    gone = (len(months) - per)[lambda x: x > 0]
    gone.index = [f"{account}, {pool}" for account, pool in gone.index]
    never = costed[(costed["seconds"] > 0) & ~costed["pool"].isin([*ledger["pool"], stats.UNKNOWN])]
    idle = costed[(costed["cost"] != 0) & ~costed["customer_id"].isin(orders["customer_id"])]
    foreign = found["fault"].isin(["activity without a time equation", "driver that no equation knows"])
    named = found.assign(name=found["name"].mask(foreign & (found["n"] < min_n), stats.OTHER))
    parts = [
        named.groupby(["fault", "name"], as_index=False)["n"].sum().assign(cost=pd.NA),
        bare.groupby("pool")
        .agg(n=("month", "nunique"), cost=("amount", "sum"))
        .assign(fault="pool without a capacity"),
        gone.to_frame("n").assign(fault="month without a posting of the account"),
        never.groupby("pool").agg(n=("month", "nunique")).assign(fault="pool worked in, but without a posting"),
        idle.groupby("activity")
        .agg(n=("customer_id", "nunique"), cost=("cost", "sum"))
        .assign(fault="customers without an order"),
    ]
    rows = [part if "name" in part else part.rename_axis("name").reset_index() for part in parts]
    told = pd.concat([part for part in rows if len(part)] or [found.assign(cost=pd.NA)])
    told = told.sort_values(["fault", "name"], ignore_index=True).astype({"n": "Int64", "cost": "Int64"})
    few = (told["fault"] == "customers without an order") & (told["n"] < min_n)
    return told.assign(n=told["n"].mask(few), cost=told["cost"].mask(few))[["fault", "name", "n", "cost"]]


def charged_freight(orders: pd.DataFrame, freight: pd.DataFrame, ledger: pd.DataFrame) -> pd.DataFrame:
    """Freight that customers are charged with: one row a customer, cell and kind, ``freight`` (cents).

    Where the ledger posts freight, that of the shipments handed over in the period, so
    that it meets the postings; else that of the period's own orders, so that it meets
    their lines.

    Parameters
    ----------
    orders, freight
        The frames ``orders`` and ``freight`` (or ``freight_kinds``): ``customer_id``, ``segment``, ``channel``,
        ``region``, ``freight`` (cents; missing: 0), and ``fulfilment`` and ``order_class`` as far as they are known.
    ledger
        As posted, for ``pool``.

    Returns
    -------
    DataFrame
        ``customer_id``, ``segment``, ``channel``, ``region``, the kinds that the frame has, ``freight`` (cents).

    Notes
    -----
    docs/METHODS.md section 3.4.

    Examples
    --------
    >>> who = {"customer_id": ["a"], "segment": "shop", "channel": "web", "region": "n"}
    >>> orders, sent = pd.DataFrame(who | {"freight": 500}), pd.DataFrame(who | {"freight": 900})
    >>> charged_freight(orders, sent, pd.DataFrame({"pool": ["desk", "freight"]}))["freight"].tolist()
    [900]
    >>> charged_freight(orders, sent, pd.DataFrame({"pool": ["desk"]}))["freight"].tolist()
    [500]
    """
    source = freight if (ledger["pool"] == FREIGHT).any() else orders
    keys = ["customer_id", *_CELL, *(kind for kind in ("fulfilment", "order_class") if kind in source)]
    known = source.assign(freight=source["freight"].fillna(0).astype("int64"))
    return known.groupby(keys, as_index=False, dropna=False)["freight"].sum()


def key_figures(shares: Sequence[pd.DataFrame], sums: Sequence[pd.DataFrame], tie: pd.DataFrame) -> pd.DataFrame:
    """Key figures of the report, in the columns of ``figures.parquet``.

    Parameters
    ----------
    shares
        ``serve_shares`` over all, by segment, and by segment and channel.
    sums
        ``serve_costs`` of the same.
    tie
        The result of ``tie_out``.

    Returns
    -------
    DataFrame
        One row a figure and group: ``figure_id`` (serve_share, net_revenue, margin, ledger_difference),
        ``definition_id``, ``cohort`` (orders, or ledger), ``segment``, ``channel`` (empty: all), ``value``, ``low``,
        ``high``, ``n`` (customers; of the ledger, months and accounts), ``unit``: a share (1: all of revenue), or
        cents. Shares are none where no cost of serving is on record at all; there is no difference of a ledger without
        postings.

    Notes
    -----
    docs/METHODS.md sections 3.1 and 3.3.

    Examples
    --------
    >>> whole = pd.DataFrame({"n": [40], "ratio": [0.15], "ratio_low": [0.12], "ratio_high": [0.18]})
    >>> sums = pd.DataFrame({"n_customers": [40], "net_revenue": [10_000], "margin": [2_000]})
    >>> tie = pd.DataFrame({"account": ["wages", "total"], "posted": [900, 900], "difference": [0, 0]})
    >>> key_figures([whole], [sums], tie)[["figure_id", "cohort", "value", "low", "high", "n", "unit"]]
               figure_id  cohort     value   low  high   n   unit
    0        serve_share  orders      0.15  0.12  0.18  40  share
    1        net_revenue  orders  10000.00   NaN   NaN  40  cents
    2             margin  orders   2000.00   NaN   NaN  40  cents
    3  ledger_difference  ledger      0.00   NaN   NaN   1  cents
    """
    rates = pd.concat([rows.assign(figure_id="serve_share", unit="share") for rows in shares], ignore_index=True)
    if (rates["ratio"].fillna(0) == 0).all():  # no cost of serving is on record: none is no figure
        rates = rates.head(0)
    parts = [rates.rename(columns={"ratio": "value", "ratio_low": "low", "ratio_high": "high"})]
    for name in ("net_revenue", "margin"):
        amounts = [rows.assign(value=rows[name].astype("Float64"), n=rows["n_customers"]) for rows in sums]
        parts += [rows.dropna(subset=["value"]).assign(figure_id=name, unit="cents") for rows in amounts]
    figures = pd.concat(parts, ignore_index=True).assign(definition_id="3.3", cohort="orders")
    if tie["posted"].iloc[-1]:
        row = {"figure_id": "ledger_difference", "definition_id": "3.1", "cohort": "ledger", "unit": "cents"}
        row |= {"value": float(tie["difference"].iloc[-1]), "n": len(tie) - 1}
        figures = pd.concat([figures, pd.DataFrame([row])], ignore_index=True)
    columns = ["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]
    found = figures.reindex(columns=columns)
    found = found.assign(value=found["value"].astype("float64"))
    return found.assign(segment=found["segment"].fillna(""), channel=found["channel"].fillna(""))

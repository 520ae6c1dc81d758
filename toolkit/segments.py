"""Who are the customers, how do they differ, who comes back, and what follows from it? Profiles, RFM, uplift."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd
import statsmodels.api as sm

from toolkit import demand, stats

RFM_GROUPS = {  # name -> lowest and highest score of recency, frequency, monetary value; first match wins
    "Champions": ((5, 5), (5, 5), (5, 5)),
    "Potential Loyalist": ((3, 5), (3, 5), (2, 5)),
    "Loyal": ((2, 4), (2, 4), (2, 4)),
    "Promising": ((3, 4), (1, 3), (3, 5)),
    "New": ((4, 5), (1, 3), (1, 5)),
    "Can't Lose": ((1, 2), (3, 4), (4, 5)),
    "At Risk": ((1, 2), (2, 5), (4, 5)),
    "Need Attention": ((1, 3), (3, 5), (3, 5)),
    "About To Sleep": ((2, 3), (1, 3), (1, 4)),
    "Lost": ((1, 1), (1, 5), (1, 5)),
}
UNGROUPED = "Others"
BEST = ("Champions", "Loyal", "Potential Loyalist")
TOP_ACCOUNTS = "top accounts"
OWNERS = {  # of what is to be done; that of campaigns is their department
    "account": "account management", "serve": "logistics", "range": "assortment", "stock": "replenishment",
    "offer": "category management",
}  # fmt: skip
RFM_BUILT_FROM = ("orders.ordered_at", "order_lines.net_revenue")


def rfm(customers: pd.DataFrame) -> pd.DataFrame:
    """Recency, frequency and monetary scores by the rule of R's ``rfm`` 0.3.0, and its named groups.

    Parameters
    ----------
    customers
        One row a customer with ``recency_days``, ``n_orders``, ``net_revenue`` (cents), all before
        the period, such as the frame ``segments``; rows without them are left out.

    Returns
    -------
    DataFrame
        Those rows with ``recency_score``, ``frequency_score``, ``monetary_score`` (1 to 5, 5 is
        best), ``rfm_score`` (three digits) and ``rfm_group``.

    Notes
    -----
    docs/METHODS.md section 1.4. Where most customers have one order, frequency has no
    quintiles: nearly all get one score, and the groups say little.

    Examples
    --------
    >>> customers = pd.DataFrame({"recency_days": [5, 40, 90, 200, 400], "n_orders": [9, 6, 4, 2, 1],
    ...                           "net_revenue": [90_000, 50_000, 40_000, 9_000, 2_000]})
    >>> rfm(customers)[["rfm_score", "rfm_group"]].values.tolist()
    [[555, 'Champions'], [444, 'Potential Loyalist'], [323, 'Loyal'], [212, 'About To Sleep'], [111, 'Lost']]
    """
    known = customers.dropna(subset=["recency_days", "n_orders", "net_revenue"])
    scores = {
        "recency_score": 6 - _fifth(known["recency_days"].astype("float64")),
        "frequency_score": _fifth(known["n_orders"].astype("float64")),
        "monetary_score": _fifth(known["net_revenue"].astype("float64") / 100),
    }
    group = np.full(len(known), UNGROUPED, dtype=object)
    for name, bounds in reversed(RFM_GROUPS.items()):
        inside = [(score >= low) & (score <= high) for score, (low, high) in zip(scores.values(), bounds, strict=True)]
        group[np.logical_and.reduce(inside)] = name
    recency, frequency, monetary = scores.values()
    return known.assign(**scores, rfm_score=100 * recency + 10 * frequency + monetary, rfm_group=group.astype("str"))


def _fifth(values: pd.Series) -> np.ndarray:
    """1 to 5 by the quantiles .2, .4, .6, .8, each plus 1, the lower edge included."""
    if values.empty:
        return np.zeros(0, int)
    return 1 + np.searchsorted(np.quantile(values, [0.2, 0.4, 0.6, 0.8]) + 1, values, side="right")


def rfm_table(scored: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """RFM groups before the period, and what each did in it.

    Parameters
    ----------
    scored
        The result of ``rfm``, with ``customer_id`` and ``n_orders_in_period``.
    min_n
        Smaller groups stand together (docs/METHODS.md section 0.10).
    confidence
        Coverage of the intervals, which hold together over the groups.

    Returns
    -------
    DataFrame
        One row a group, in the order of ``RFM_GROUPS``: ``rfm_group``, ``n`` (customers), ``of_all``
        (0-1), ``recency_days``, ``n_orders`` (medians), ``net_revenue`` (mean, cents); in the
        period ``share``, ``share_low``, ``share_high`` (ordered again, 0-1). Money of the period is not
        told: with the total it would show what customers without history brought.

    Notes
    -----
    docs/METHODS.md section 1.4; Wilson's score interval, Bonferroni over the groups.

    Examples
    --------
    >>> groups = ["Champions"] * 20 + ["Lost"] * 12 + ["At Risk"] * 4
    >>> scored = pd.DataFrame({"customer_id": range(36), "rfm_group": groups, "recency_days": 9, "n_orders": 2})
    >>> scored = scored.assign(net_revenue=500, n_orders_in_period=[1] * 15 + [0] * 21)
    >>> rfm_table(scored, min_n=10)[["rfm_group", "n", "of_all", "share", "share_low"]].round(2)
       rfm_group   n  of_all  share  share_low
    0  Champions  20    0.56   0.75        0.5
    1    (other)  16    0.44   0.00        0.0
    """
    amounts = ["net_revenue"]
    placed = stats.publishable(scored, by=["rfm_group"], person="customer_id", amounts=amounts, min_n=min_n)
    again = (placed["n_orders_in_period"] > 0).astype("int64")
    groups = (
        placed.assign(again=again)
        .groupby("rfm_group")
        .agg(
            n=("customer_id", "size"),
            recency_days=("recency_days", "median"),
            n_orders=("n_orders", "median"),
            net_revenue=("net_revenue", "mean"),
            k=("again", "sum"),
        )
        .reset_index()
    )
    order = {name: position for position, name in enumerate([*RFM_GROUPS, UNGROUPED, stats.OTHER])}
    groups = groups.sort_values("rfm_group", key=lambda names: names.map(order), ignore_index=True)
    found = stats.share(groups, confidence=confidence, family=len(groups))
    found["of_all"] = found["n"] / max(found["n"].sum(), 1)
    columns = ["rfm_group", "n", "of_all", "recency_days", "n_orders", "net_revenue"]
    return found[[*columns, "share", "share_low", "share_high"]]


def came_back(scored: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """The best customers before the period against all others, who of them ordered again.

    Parameters
    ----------
    scored
        The result of ``rfm``, with ``n_orders_in_period``. The best are the groups of ``BEST``.
    min_n
        No row where one of the two is fewer customers.
    confidence
        Coverage of the two intervals together.

    Returns
    -------
    DataFrame
        Two rows: ``group`` ("best", "others"), ``n`` (customers), ``k`` (of them ordered again in the period),
        ``share``, ``share_low``, ``share_high`` (0-1).

    Notes
    -----
    docs/METHODS.md sections 1.4 and 1.11; Wilson's score interval.

    Examples
    --------
    >>> scored = pd.DataFrame({"rfm_group": ["Champions"] * 4 + ["Lost"] * 6})
    >>> scored = scored.assign(n_orders_in_period=[1, 2, 3] + [0] * 7)
    >>> came_back(scored, min_n=4).round(2)
        group  n  k  share  share_low  share_high
    0    best  4  3   0.75       0.26        0.96
    1  others  6  0   0.00       0.00        0.46
    """
    best = scored["rfm_group"].isin(BEST)
    again = scored["n_orders_in_period"] > 0
    rows = [("best", best), ("others", ~best)]
    counts = pd.DataFrame([{"group": name, "n": int(one.sum()), "k": int((again & one).sum())} for name, one in rows])
    enough = counts["n"].min() >= min_n
    return stats.share(counts if enough else counts.iloc[:0], confidence=confidence, family=2)


def matrix(
    costs: pd.DataFrame, service: pd.DataFrame, scores: pd.DataFrame, *, by: Sequence[str], min_n: int
) -> pd.DataFrame:
    """The segmentation matrix: costs of cells with the share of their promises that were broken, and their NPS.

    Parameters
    ----------
    costs
        The result of ``cost.serve_costs`` by the columns ``by``.
    service
        The frame ``order_service``; cancelled orders are left out.
    scores
        ``satisfaction.nps`` by the columns ``by``.
    by
        Columns that make a cell.
    min_n
        Cells with fewer customers that were promised something show no share, with fewer that answered no NPS.

    Returns
    -------
    DataFrame
        ``costs``, one row a cell, with ``n_due`` (orders due in the period), ``late_share`` (0-1), ``nps`` with ends
        (points) and ``n_answers``.

    Notes
    -----
    docs/METHODS.md section 1.1.

    Examples
    --------
    >>> costs = pd.DataFrame({"segment": ["a", "b"], "margin": [300, 100]})
    >>> service = pd.DataFrame({"segment": list("aaaab"), "customer_id": range(5), "late": [True] + [False] * 4})
    >>> scores = pd.DataFrame({"segment": ["a", "b"], "n": [9, 4], "n_customers": [9, 2], "nps": [20.0, 50.0]})
    >>> scores = scores.assign(nps_low=0.0, nps_high=80.0)
    >>> found = matrix(costs, service.assign(cancelled=False), scores, by=["segment"], min_n=3)
    >>> found[["segment", "margin", "n_due", "late_share", "nps", "n_answers"]]
      segment  margin  n_due  late_share   nps  n_answers
    0       a     300      4        0.25  20.0          9
    1       b     100   <NA>         NaN   NaN       <NA>
    """
    by = list(by)
    due = service[~service["cancelled"].astype(bool)]
    cells = due.groupby(by).agg(n_due=("late", "size"), late_share=("late", "mean"), persons=("customer_id", "nunique"))
    shares = cells[cells["persons"] >= min_n].drop(columns="persons").reset_index()
    answered = scores[scores["n_customers"] >= min_n].rename(columns={"n": "n_answers"})
    answered = answered[[*by, "nps", "nps_low", "nps_high", "n_answers"]].astype({"n_answers": "Int64"})
    found = costs.merge(shares, how="left", on=by).merge(answered, how="left", on=by)
    return found.assign(n_due=found["n_due"].astype("Int64"), late_share=found["late_share"].astype("float64"))


_MOST_MIXES = 12  # product mixes told of one by one
_BANDS = {  # trait -> column, upper ends (the last one open), names
    "age": ("age", [30, 45, 60], ["under 30", "30 to 44", "45 to 59", "60 and more"]),
    "household": ("household_size", [2, 3], ["one", "two", "three and more"]),
    "known for": ("known_days", [365, 1095], ["under a year", "one to three years", "three years and more"]),
    "service time": ("days", [1, 3, 7], ["under a day", "one to three days", "three to seven days", "a week and more"]),
    "margin": ("margin", [0, 0.1, 0.2], ["a loss", "under 10 %", "10 to 20 %", "20 % and more"]),
}


def traits(
    orders: pd.DataFrame, customers: pd.DataFrame, mix: pd.DataFrame, service: pd.DataFrame, costs: pd.DataFrame, *,
    min_n: int,
) -> pd.DataFrame:  # fmt: skip
    """Bands of what is known of each customer who ordered, so that money can be told by them.

    Parameters
    ----------
    orders, customers, mix, service
        The frames ``orders`` (not cancelled), ``segments``, ``product_mix`` and ``order_service``.
    costs
        ``cost.serve_costs`` by ``customer_id``; may be of other customers too.
    min_n
        Smaller bands stand together, by the rule of ``stats.publishable``.

    Returns
    -------
    DataFrame
        One row a customer and trait: ``customer_id``, ``trait`` (age, household, known for, product mix: the category
        of most revenue, beyond the 12 of most customers "(other)", service time: median of the period, margin: after
        cost to serve, by revenue), ``band`` ("(unknown)" where it is not known; traits that are known of nobody are
        left out).

    Notes
    -----
    docs/METHODS.md section 1.1. Service time and margin are made of the period itself: descriptive only.

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": range(12), "net_revenue": 100})
    >>> customers = pd.DataFrame({"customer_id": range(12), "age": [25] * 6 + [30] * 6})
    >>> customers, mix = customers.assign(household_size=None, known_days=None), orders.assign(category="tea")
    >>> service, costs = orders.assign(cycle_s=None), orders.assign(margin=[-1] * 7 + [15] * 5)
    >>> found = traits(orders, customers, mix, service, costs, min_n=5)
    >>> found["trait"].unique().tolist(), found[found["trait"] == "margin"]["band"].value_counts().to_dict()
    (['product mix', 'age', 'margin'], {'a loss': 7, '10 to 20 %': 5})
    """
    people = customers.set_index("customer_id").reindex(orders["customer_id"].unique())
    people["days"] = service.groupby("customer_id")["cycle_s"].median().astype("Float64") / 86_400
    money = costs.set_index("customer_id")
    people["margin"] = money["margin"].astype("Float64") / money["net_revenue"].astype("Float64").where(lambda x: x > 0)
    bought = mix.groupby(["customer_id", "category"])["net_revenue"].sum().reset_index()
    bought = bought[bought["net_revenue"] > 0].sort_values(["net_revenue", "category"], ascending=[False, True])
    most = bought.drop_duplicates("customer_id").set_index("customer_id")["category"]
    most = most[most.index.isin(people.index)]
    sizes = most.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    told = {"product mix": most.where(most.isin(sizes.index[:_MOST_MIXES]), stats.OTHER)}
    for trait, (column, ends, names) in _BANDS.items():
        values = people[column].astype("Float64").to_numpy("float64", na_value=np.nan)
        bands = pd.cut(values, [-np.inf, *ends, np.inf], right=False, labels=names)
        told[trait] = pd.Series(bands.astype(object), people.index).dropna()
    rows, parts = orders[["customer_id", "net_revenue"]], []
    for trait, bands in told.items():
        if len(bands):
            labelled = rows.assign(trait=trait, band=rows["customer_id"].map(bands))
            how = {"by": ["band"], "person": "customer_id", "amounts": ["net_revenue"], "min_n": min_n}
            parts.append(stats.publishable(labelled, **how)[["customer_id", "trait", "band"]].drop_duplicates())
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["customer_id", "trait", "band"])


def in_bands(cells: pd.DataFrame) -> pd.DataFrame:
    """Rows by ``trait`` and ``band`` in the order of the bands; those of no order by name.

    Parameters
    ----------
    cells
        Rows with ``trait`` and ``band``, as ``traits`` names them, such as the result of ``matrix`` by these.

    Returns
    -------
    DataFrame
        The rows of ``cells``, sorted by trait, then from the lowest band to the highest, then by the name of the band.

    Notes
    -----
    docs/METHODS.md section 1.1.

    Examples
    --------
    >>> in_bands(pd.DataFrame({"trait": "age", "band": ["60 and more", "under 30"]}))["band"].tolist()
    ['under 30', '60 and more']
    """
    order = {name: at for _, _, names in _BANDS.values() for at, name in enumerate(names)}
    return cells.assign(_at=cells["band"].map(order)).sort_values(["trait", "_at", "band"], ignore_index=True)


def profile(orders: pd.DataFrame, customers: pd.DataFrame, scores: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """Who the customers of each segment are, over those who ordered in the period.

    Parameters
    ----------
    orders
        Orders placed in the period and not cancelled (the frame ``orders``).
    customers
        The frame ``segments``.
    scores
        NPS by segment (``satisfaction.nps``).
    min_n
        Fewer customers with a value show no median and no share of it.

    Returns
    -------
    DataFrame
        One row a segment, largest revenue first: ``segment``, ``n_customers``, ``customer_share``, ``net_revenue``
        (cents), ``revenue_share`` (0-1), ``orders_each``, ``basket`` (net revenue an order, cents), ``lines_each``,
        ``known_days``, ``age`` (years), ``household_size`` (medians), ``card_share`` (0-1), ``nps``, ``nps_low``,
        ``nps_high`` (points), ``n_answers``.

    Notes
    -----
    docs/METHODS.md section 1.2.

    Examples
    --------
    >>> orders = pd.DataFrame({"order_id": range(4), "customer_id": list("ppqr"), "segment": list("aaab")})
    >>> orders = orders.assign(n_lines=[1, 2, 3, 6], net_revenue=[100, 200, 300, 400])
    >>> people = pd.DataFrame({"customer_id": list("pqr"), "segment": list("aab"), "known_days": [10, 30, 50]})
    >>> people = people.assign(has_card=True, age=40, household_size=2)
    >>> scores = pd.DataFrame({"segment": ["a"], "n": [5], "nps": [20.0], "nps_low": [1.0], "nps_high": [40.0]})
    >>> found = profile(orders, people, scores, min_n=2)
    >>> found[["segment", "n_customers", "revenue_share", "orders_each", "basket", "known_days", "nps"]]
      segment  n_customers  revenue_share  orders_each  basket  known_days   nps
    0       a            2            0.6          1.5   200.0        20.0  20.0
    1       b            1            0.4          1.0   400.0         NaN   NaN
    """
    sums = orders.groupby("segment").agg(
        n_customers=("customer_id", "nunique"),
        n_orders=("order_id", "size"),
        n_lines=("n_lines", "sum"),
        net_revenue=("net_revenue", lambda cents: cents.sum(skipna=False)),
    )
    people = orders[["segment", "customer_id"]].drop_duplicates()
    people = people.merge(customers.drop(columns="segment"), how="left", on="customer_id")

    def typical(column: str, how: str) -> pd.Series:
        values = people[["segment", column]].dropna().astype({column: "float64"}).groupby("segment")[column]
        return values.agg(how).where(values.size() >= min_n).reindex(sums.index)

    found = sums.assign(
        customer_share=sums["n_customers"] / max(sums["n_customers"].sum(), 1),
        revenue_share=(sums["net_revenue"] / sums["net_revenue"].sum(skipna=False)).astype("float64"),
        orders_each=sums["n_orders"] / sums["n_customers"],
        basket=sums["net_revenue"] / sums["n_orders"],
        lines_each=(sums["n_lines"] / sums["n_orders"]).astype("float64"),
        **{column: typical(column, "median") for column in ("known_days", "age", "household_size")},
        card_share=typical("has_card", "mean"),
    ).reset_index()
    answered = scores.rename(columns={"n": "n_answers"})[["segment", "nps", "nps_low", "nps_high", "n_answers"]]
    found = found.merge(answered, how="left", on="segment").sort_values(
        ["net_revenue", "n_customers", "segment"], ascending=[False, False, True], ignore_index=True
    )
    return found.drop(columns=["n_orders", "n_lines"]).astype({"n_answers": "Int64"})


def preferences(
    mix: pd.DataFrame, *, min_n: int, rng: np.random.Generator, confidence: float = 0.95, draws: int = 199
) -> pd.DataFrame:
    """How much more of each category a segment buys than all customers do.

    Parameters
    ----------
    mix
        The frame ``product_mix``: ``customer_id``, ``segment``, ``category``, ``net_revenue`` (cents); rows without
        revenue are left out.
    min_n
        Categories with fewer customers in a segment stand together there; a category with few outside it has no lift.
    rng
        Of the permutations.
    confidence
        Coverage of the intervals, which hold together over all cells.
    draws
        Permutations of customers over segments; the widest of all cells' deviations in each sets the intervals.

    Returns
    -------
    DataFrame
        One row a segment and category: ``segment``, ``category``, ``n`` (customers of the segment),
        ``n_buyers``, ``share`` (of the segment's net revenue), ``share_of_all``, ``lift`` with ``lift_low``,
        ``lift_high``; ``settled`` (the interval leaves 1 out). A merged category has no lift.

    Notes
    -----
    docs/METHODS.md section 1.3. Westfall and Young's max statistic: where few buy a category, its share and standard
    error are small together, and a normal quantile calls chance settled.

    Examples
    --------
    >>> mix = pd.DataFrame({"customer_id": range(40), "segment": ["a"] * 20 + ["b"] * 20, "category": "tea"})
    >>> mix = mix.assign(net_revenue=[100, 300] * 10 + [500, 700] * 10)
    >>> mix = pd.concat([mix, mix.assign(category="wine", net_revenue=800 - mix["net_revenue"])])
    >>> lifts = preferences(mix, min_n=10, rng=np.random.default_rng(1), draws=99)
    >>> lifts[["segment", "category", "n_buyers", "share", "share_of_all", "lift", "settled"]]
      segment category  n_buyers  share  share_of_all  lift  settled
    0       a      tea        20   0.25           0.5   0.5     True
    1       a     wine        20   0.75           0.5   1.5     True
    2       b      tea        20   0.75           0.5   1.5     True
    3       b     wine        20   0.25           0.5   0.5     True
    """
    known = mix[mix["net_revenue"].notna()].astype({"net_revenue": "float64"})
    columns = ["segment", "category", "n", "n_buyers", "share", "share_of_all"]
    columns += ["lift", "lift_low", "lift_high", "settled"]
    if known.empty:
        return pd.DataFrame(columns=columns)
    placed = pd.concat(
        stats.publishable(rows, by=["category"], person="customer_id", amounts=["net_revenue"], min_n=min_n)
        for _, rows in known.groupby("segment")
    )
    if known["net_revenue"].sum() <= 0:  # more came back than was bought: there is no share
        return pd.DataFrame(columns=columns)
    people, spent, overall = _spending(known)
    cells = _ratios(spent, people["segment"].cat.codes.to_numpy(), people["x"].to_numpy())
    buyers = known.groupby(["segment", "category"])["customer_id"].nunique().rename("n_buyers")
    found = buyers.reset_index().merge(placed[["segment", "category"]].drop_duplicates(), on=["segment", "category"])
    if found.empty:
        return pd.DataFrame(columns=columns)
    outside = found["category"].map(known.groupby("category")["customer_id"].nunique()) - found["n_buyers"]
    found = found[(outside >= min_n) | (outside == 0)].reset_index(drop=True)
    at = (
        found["segment"].map({name: code for code, name in enumerate(people["segment"].cat.categories)}).to_numpy(),
        found["category"].map({name: code for code, name in enumerate(overall.index)}).to_numpy(),
    )
    found["n"], found["share_of_all"] = cells["n"][at[0]], overall.to_numpy()[at[1]]
    found["share"], error = cells["ratio"][at], cells["error"][at]
    codes, widest = people["segment"].cat.codes.to_numpy().copy(), []
    for _ in range(draws):
        rng.shuffle(codes)
        drawn = _ratios(spent, codes, people["x"].to_numpy())
        with np.errstate(invalid="ignore", divide="ignore"):
            away = np.abs((drawn["ratio"] - overall.to_numpy()) / drawn["error"])[at]
        widest.append(np.max(away[np.isfinite(away)], initial=0))
    quantile = float(np.quantile(widest, confidence, method="higher")) if len(found) else np.nan
    for name, half in (("lift", 0), ("lift_low", -quantile), ("lift_high", quantile)):
        found[name] = (found["share"] + half * error) / found["share_of_all"]
    return found.assign(settled=(found["lift_low"] > 1) | (found["lift_high"] < 1))[columns]


def _spending(known: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, np.ndarray], pd.Series]:
    """Persons with segment and spending; what each spent on each category, as arrays; shares of all, by category."""
    sums = known.groupby(["segment", "customer_id", "category"], as_index=False)["net_revenue"].sum()
    people = sums.groupby(["segment", "customer_id"], as_index=False)["net_revenue"].sum()
    people = people.rename(columns={"net_revenue": "x"}).astype({"segment": "category"})
    position = people.assign(person=np.arange(len(people))).astype({"segment": sums["segment"].dtype})
    rows = sums.merge(position[["segment", "customer_id", "person"]], on=["segment", "customer_id"])
    category = rows["category"].astype("category")
    spent = {"person": rows["person"].to_numpy(), "category": category.cat.codes.to_numpy().astype("int64")}
    spent["y"] = rows["net_revenue"].to_numpy()
    total = rows.groupby(category, observed=True)["net_revenue"].sum()
    return people, spent, total / total.sum()


def _ratios(spent: dict[str, np.ndarray], codes: np.ndarray, x: np.ndarray) -> dict[str, np.ndarray]:
    """Share of each category in each segment's spending and its standard error (METHODS 0.7), segment by category."""
    n_segments, n_categories = int(codes.max()) + 1, int(spent["category"].max()) + 1
    key = codes[spent["person"]].astype("int64") * n_categories + spent["category"]
    size, y = n_segments * n_categories, spent["y"]
    sums = (np.bincount(key, weight, size) for weight in (y, y**2, y * x[spent["person"]]))
    yy1, yy2, xy = (one.reshape(n_segments, n_categories) for one in sums)
    n, total, squares = (np.bincount(codes, weight, n_segments)[:, None] for weight in (None, x, x**2))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = yy1 / total
        error = np.sqrt(n / (n - 1) * np.maximum(yy2 - 2 * ratio * xy + ratio**2 * squares, 0)) / total
    return {"n": n[:, 0], "ratio": ratio, "error": error}


def farthest(lifts: pd.DataFrame, *, most: int = 12) -> pd.DataFrame:
    """The settled preferences farthest from 1, up or down in ratio; largest lift first.

    Parameters
    ----------
    lifts
        The result of ``preferences``.
    most
        Rows at most.

    Returns
    -------
    DataFrame
        Rows of ``lifts`` that are ``settled``, their lift above 0.

    Notes
    -----
    docs/METHODS.md section 1.3. A lift of 0.25 is as far from 1 as one of 4.

    Examples
    --------
    >>> lifts = pd.DataFrame({"category": ["tea", "wine", "rye"], "lift": [2.0, 0.25, 3.0]})
    >>> lifts = lifts.assign(settled=[True, True, False])
    >>> farthest(lifts)["category"].tolist()
    ['tea', 'wine']
    >>> farthest(lifts, most=1)["category"].tolist()
    ['wine']
    """
    settled = lifts[lifts["settled"] & (lifts["lift"] > 0)]
    nearest_last = np.log(settled["lift"]).abs().sort_values(ascending=False, kind="stable").index[:most]
    return settled.loc[nearest_last].sort_values("lift", ascending=False, ignore_index=True)


def most_marked(lifts: pd.DataFrame) -> int | None:
    """Position of the cell whose simultaneous interval lies farthest above 1, or None: not settled.

    Parameters
    ----------
    lifts
        The result of ``preferences``.

    Returns
    -------
    int or None
        The label of its row in ``lifts``, for ``lifts.loc``.

    Notes
    -----
    docs/METHODS.md sections 1.3 and 1.11: by the lower end, so that the surest marks and not the largest.

    Examples
    --------
    >>> lifts = pd.DataFrame({"lift": [2.0, 3.0, 1.1], "lift_low": [1.5, 0.5, 1.05]})
    >>> most_marked(lifts)
    0
    >>> print(most_marked(lifts.iloc[1:2]))
    None
    """
    low = lifts["lift_low"]
    return int(low.idxmax()) if low.notna().any() and low.max() > 1 else None


_BREADTHS = {"categories": "n_categories", "articles": "n_products", "sites": "n_sites"}


def breadth(customers: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """From how many different categories, articles and sites a customer of each segment buys.

    Parameters
    ----------
    customers
        The frame ``breadth``: one row a customer with ``segment``, ``n_orders``, ``n_categories``, ``n_products``,
        ``n_sites`` of the 52 weeks up to the period's end.
    min_n
        Segments of fewer customers stand together.
    confidence
        Coverage of the intervals, which hold together (Bonferroni).

    Returns
    -------
    DataFrame
        One row a segment, the widest range of categories first: ``segment``, ``n`` (customers), ``orders_each``, and
        ``categories``, ``articles``, ``sites`` (means of different ones a customer) with ``_low`` and ``_high``;
        missing where nothing of the kind is recorded of anybody.

    Notes
    -----
    docs/METHODS.md section 1.3. Who orders more often meets more categories: no comparison at equal orders.

    Examples
    --------
    >>> customers = pd.DataFrame({"customer_id": range(4), "segment": "a", "n_orders": [1, 1, 2, 4], "n_sites": 0})
    >>> customers = customers.assign(n_categories=[1, 1, 2, 4], n_products=[1, 2, 3, 6])
    >>> breadth(customers, min_n=2)[["n", "orders_each", "categories", "articles", "sites"]].values.tolist()
    [[4.0, 2.0, 2.0, 3.0, nan]]
    """
    placed = stats.publishable(customers, by=["segment"], person="customer_id", min_n=min_n)
    known = {name: column for name, column in _BREADTHS.items() if (placed[column] > 0).any()}
    found = placed.groupby("segment").agg(n=("customer_id", "size"), orders_each=("n_orders", "mean"))
    for name, column in known.items():
        each = placed.assign(numerator=placed[column], denominator=1)
        means = stats.ratio(each, by=["segment"], confidence=confidence, family=len(known) * len(found))
        means.columns = [column.replace("ratio", name) for column in means]
        found = found.join(means.drop(columns="n").set_index("segment"))
    found = found.reset_index().reindex(
        columns=["segment", "n", "orders_each", *(f"{x}{end}" for x in _BREADTHS for end in ("", "_low", "_high"))]
    )
    return found.sort_values(["categories", "segment"], ascending=[False, True], ignore_index=True)


def uplift(reach: pd.DataFrame, *, by: str, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """What campaigns made customers order, against customers held out of them.

    Parameters
    ----------
    reach
        The frame ``campaign_reach``: a row a campaign and customer: ``held_out``, ``orders_before`` (in 91 days),
        ``orders_after`` (in 28), ``cost`` (of the whole campaign, cents), and columns to group by.
    by
        ``campaign_id`` or ``segment``; groups smaller than ``min_n`` stand together.
    min_n
        Persons that each side needs; else no effect is told.
    confidence
        Coverage of the intervals, which hold together (Bonferroni).

    Returns
    -------
    DataFrame
        One row a group: ``group``, ``n_contacted``, ``n_held_out``, ``base`` (orders of 1,000 held out in 28 days),
        ``uplift``, ``uplift_low``, ``uplift_high`` (orders more per 1,000 contacted), ``cost_per_order`` with ends
        (cents for one order that would not have been made; the high end is missing where the uplift may be 0). By
        campaign, in the order of templates and their uses, also ``template_id`` (of those used again), ``use`` (which
        campaign of its template) and ``cost_each`` (cents a contact).

    Notes
    -----
    docs/METHODS.md section 1.9: least squares on contact, orders before and their product, orders before centred (Lin,
    *Annals of Applied Statistics* 7, 2013); variance HC2, by customer where one is in several campaigns.

    Examples
    --------
    >>> reach = pd.DataFrame({"customer_id": range(80), "held_out": [False, True] * 40})
    >>> reach = reach.assign(orders_before=[1, 1, 2, 2] * 20, orders_after=[1, 0, 1, 1] * 20)
    >>> reach = reach.assign(campaign_id="K1", cost=8000, template_id="T", use=1)
    >>> uplift(reach, by="campaign_id", min_n=10)[["base", "uplift", "cost_per_order"]].round(1).values.tolist()
    [[500.0, 500.0, 400.0]]
    """
    contacted = ~reach["held_out"].astype(bool)
    each = reach["cost"].astype("float64") / contacted.groupby(reach["campaign_id"]).transform("sum")
    reach = reach.assign(_each=each, _told=contacted)
    reach = stats.publishable(reach, by=[by], person="customer_id", min_n=min_n)
    rows, groups = [], list(reach.groupby(by))
    z = NormalDist().inv_cdf(1 - (1 - confidence) / 2 / max(len(groups), 1))
    for name, own in groups:
        told, before = own["_told"].astype("float64"), own["orders_before"].astype("float64")
        after, sides = own["orders_after"].astype("float64"), own.groupby("_told")["customer_id"].nunique()
        row = {"group": name, "n_contacted": int(told.sum()), "n_held_out": int((1 - told).sum())}
        if len(sides) == 2 and sides.min() >= max(min_n, 3):
            x = (before - before.mean()).to_numpy()
            design = np.column_stack([np.ones(len(own)), told, x, told * x])[:, : 4 if before.nunique() > 1 else 2]
            fit = sm.OLS(after.to_numpy(), design)
            several = own["customer_id"].duplicated().any()
            codes = own["customer_id"].factorize()[0]
            fit = fit.fit(cov_type="cluster", cov_kwds={"groups": codes}) if several else fit.fit(cov_type="HC2")
            effect, error, cost = fit.params[1], fit.bse[1], own.loc[own["_told"], "_each"].mean()
            ends = np.array([effect, effect - z * error, effect + z * error])
            row |= dict(zip(["uplift", "uplift_low", "uplift_high"], 1000 * ends, strict=True))
            row["base"] = 1000 * after[told == 0].mean()
            dear = np.where(ends > 0, cost / np.where(ends > 0, ends, 1), np.nan)
            row |= dict(zip(["cost_per_order", "cost_per_order_high", "cost_per_order_low"], dear, strict=True))
        if by == "campaign_id" and name != stats.OTHER:
            row |= own[["template_id", "use", "_each"]].rename(columns={"_each": "cost_each"}).iloc[0].to_dict()
        rows.append(row)
    columns = ["group", "n_contacted", "n_held_out", "base", "uplift", "uplift_low", "uplift_high", "cost_per_order"]
    columns += ["cost_per_order_low", "cost_per_order_high"]
    order = ["template_id", "use"] if by == "campaign_id" else []
    found = pd.DataFrame(rows, columns=[*columns, *order, *(["cost_each"] if order else [])])
    if not order:
        return found
    found = found.sort_values(order, ignore_index=True)
    again = found["use"].groupby(found["template_id"]).transform("max") > 1
    return found.assign(template_id=found["template_id"].where(again))


def top_accounts(accounts: pd.DataFrame, *, min_n: int) -> set:
    """The fifth of the customers under agreement with the largest revenue, if they are ``min_n`` or more.

    Parameters
    ----------
    accounts
        The frame ``accounts``: ``customer_id``, ``ended``, ``revenue`` (cents a year). Who has ended, or brought
        nothing that is known, is left out.
    min_n
        Fewer are nobody: no single account is to be told of.

    Returns
    -------
    set
        Their customer ids, empty if too few; ties go by id.

    Notes
    -----
    docs/METHODS.md section 1.10.

    Examples
    --------
    >>> accounts = pd.DataFrame({"customer_id": range(10), "ended": False, "revenue": range(1, 11)})
    >>> sorted(top_accounts(accounts, min_n=2))
    [8, 9]
    """
    here = accounts[~accounts["ended"].astype(bool) & (accounts["revenue"].fillna(0) > 0)]
    best = here.sort_values(["revenue", "customer_id"], ascending=[False, True])["customer_id"].head(len(here) // 5)
    return set(best) if len(best) >= min_n else set()


def what_to_do(
    service: pd.DataFrame, accounts: pd.DataFrame, wishes: pd.DataFrame, reach: pd.DataFrame, lifts: pd.DataFrame, *,
    days: float, min_n: int, confidence: float = 0.95, most: int = 3,
) -> pd.DataFrame:  # fmt: skip
    """What the insight supports for each segment and the top accounts, with its evidence and its owner.

    Parameters
    ----------
    service, accounts, wishes, reach
        The frames ``order_service``, ``accounts``, ``wishes``, ``campaign_reach``; without rows they support nothing.
    lifts
        The result of ``preferences``.
    days
        Length of the period.
    min_n
        Persons that must stand behind each piece of evidence.
    confidence
        All evidence of one kind holds together with it.
    most
        Rows a segment.

    Returns
    -------
    DataFrame
        One row a thing to do: ``segment``, ``kind`` (``account``, ``serve``, ``range``, ``stock``, ``campaign``,
        ``offer``), ``what`` (article, term, category; repeat or stop), ``n`` (persons), ``value``, ``low``, ``high``,
        ``others`` (the same of all others, where compared) and ``owner``. ``value`` is: ends a year by account; share
        late, 0-1; unmet wishes a day; orders more of 1,000 contacted; lift.

    Raises
    ------
    DataError
        If ``days`` is not above 0, or a wish has another outcome than those of ``demand.OUTCOMES``.

    Notes
    -----
    docs/METHODS.md section 1.10; differences of two ratios by Newcombe's square-and-add intervals.

    Examples
    --------
    >>> names = ["customer_id", "segment", "cancelled", "late", "exposure", "ended", "revenue", "held_out"]
    >>> none = pd.DataFrame(columns=[*names, "campaign_id", "orders_before", "orders_after", "cost", "department"])
    >>> wishes = pd.DataFrame({"person": range(30), "segment": "a", "item": "rye", "outcome": "not_ranged"})
    >>> lifts = pd.DataFrame({"segment": ["a", "b"], "category": "tea", "lift": [1.5, 0.9], "lift_low": [1.2, 0.7]})
    >>> lifts = lifts.assign(lift_high=2.0, n_buyers=40)
    >>> found = what_to_do(none, none, wishes, none, lifts, days=10, min_n=10)
    >>> found[["segment", "kind", "what", "n", "value", "owner"]]
      segment   kind what   n  value                owner
    0       a  range  rye  30    3.0           assortment
    1       a  offer  tea  40    1.5  category management
    """
    top, named = top_accounts(accounts, min_n=min_n), set()
    for frame in (service, accounts, wishes, reach, lifts):
        named |= set(frame["segment"].dropna())
    groups = [*sorted(named - {stats.OTHER, stats.UNKNOWN}), *([TOP_ACCOUNTS] if top else [])]

    def of(rows: pd.DataFrame, group: str) -> pd.Series:
        who = "person" if "person" in rows else "customer_id"
        return rows[who].isin(top) if group == TOP_ACCOUNTS else rows["segment"] == group

    due = service[~service["cancelled"].astype(bool) & service["late"].notna()]
    held = accounts[accounts["exposure"] > 0]
    compared = {
        "account": held.assign(numerator=held["ended"], denominator=held["exposure"]),
        "serve": due.assign(numerator=due["late"], denominator=1),
    }
    rows = []
    for group in groups:
        wide = {"confidence": confidence, "family": len(groups)}
        for kind, of_kind in compared.items():
            if found := _worse(of_kind, of(of_kind, group), min_n=min_n, **wide):
                rows.append({"segment": group, "kind": kind, "what": "", **found})
        own, level = wishes[of(wishes, group)], 1 - (1 - confidence) / len(groups)
        for kind, other in (("range", "unavailable"), ("stock", "not_ranged")):
            told = demand.wanted(own[own["outcome"] != other], days=days, min_n=min_n, top=1, confidence=level)
            for row in told.to_dict("records"):
                found = {"n": row["n_persons"]} | {
                    x or "value": row[f"per_day{x and f'_{x}'}"] for x in ("", "low", "high")
                }
                rows.append({"segment": group, "kind": kind, "what": row["item"], **found})
    for row in uplift(reach, by="segment", min_n=min_n, confidence=confidence).to_dict("records"):
        found = {"n": row["n_contacted"], "value": row["uplift"], "low": row["uplift_low"], "high": row["uplift_high"]}
        found |= {"others": row["base"], "owner": ", ".join(sorted(reach["department"].dropna().unique()))}
        advice = "repeat" if found["low"] > 0 else "stop" if found["high"] < 0.01 * row["base"] else None
        if advice and row["group"] in groups:
            rows.append({"segment": row["group"], "kind": "campaign", "what": advice, **found})
    best = (
        lifts[lifts["lift_low"] > 1].sort_values("lift_low", ascending=False, kind="stable").drop_duplicates("segment")
    )
    for row in best[best["segment"].isin(groups)].to_dict("records"):
        found = {"n": row["n_buyers"], "value": row["lift"], "low": row["lift_low"], "high": row["lift_high"]}
        rows.append({"segment": row["segment"], "kind": "offer", "what": row["category"], **found})
    columns = ["segment", "kind", "what", "n", "value", "low", "high", "others", "owner"]
    found, order = pd.DataFrame(rows, columns=columns), ["account", "serve", "range", "stock", "campaign", "offer"]
    found["owner"] = found["owner"].astype(object).fillna(found["kind"].map(OWNERS))
    places = {"segment": groups, "kind": order}
    by = [found[name].map({x: at for at, x in enumerate(known)}) for name, known in places.items()]
    found = found.iloc[np.lexsort([x.to_numpy("float64") for x in by[::-1]])]
    return found.groupby("segment", sort=False).head(most).astype({"n": "Int64"}).reset_index(drop=True)


def _worse(rows: pd.DataFrame, own: pd.Series, *, min_n: int, confidence: float, family: int) -> dict:
    """The ratio of a group with its interval and that of all others, if settled above it; else nothing."""
    sides = rows.assign(own=own).groupby(["own", "customer_id"])[["numerator", "denominator"]].sum().reset_index()
    found = stats.ratio(sides, by=["own"], confidence=confidence, family=family).set_index("own")
    if len(found) < 2 or found["n"].min() < min_n or found["ratio_low"].isna().any():
        return {}
    one, two = found.loc[True], found.loc[False]
    away = np.hypot(one["ratio"] - one["ratio_low"], two["ratio_high"] - two["ratio"])
    if one["ratio"] - two["ratio"] <= away:
        return {}
    ends = {"value": one["ratio"], "low": one["ratio_low"], "high": one["ratio_high"]}
    return {"n": one["n"], "others": two["ratio"]} | ends


def key_figures(
    who: pd.DataFrame, back: pd.DataFrame, clusters: pd.DataFrame, ahead: pd.DataFrame, accounts: pd.DataFrame,
    wishes: pd.DataFrame, effects: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Key figures of the report, in the columns of ``figures.parquet``.

    Parameters
    ----------
    who, back
        The results of ``profile`` and ``came_back``.
    clusters
        The result of ``lifestyles.clusters``.
    ahead
        The year ahead of ``lifetime.customer_value``, its second table.
    accounts
        The result of ``lifetime.account_value``.
    wishes
        ``demand.outcomes`` of all wishes and by segment, one below the other.
    effects
        ``uplift`` by campaign. Each of the seven may be without rows.

    Returns
    -------
    DataFrame
        One row a figure: ``figure_id``, ``definition_id`` (section of docs/METHODS.md), ``cohort``, ``segment``
        ("": all), ``channel``, ``value``, ``low``, ``high``, ``n``, ``unit``. Figures without a value are left out.

    Notes
    -----
    docs/METHODS.md sections 1.2 to 1.9, as each row names them.

    Examples
    --------
    >>> scored = pd.DataFrame({"rfm_group": ["Champions", "Lost"], "n_orders_in_period": [1, 0]})
    >>> none = pd.DataFrame(columns=["group", "n", "n_persons", "uplift"])
    >>> who = pd.DataFrame({"segment": ["a"], "n_customers": [7]})
    >>> found = key_figures(who, came_back(scored, min_n=1), none, none, none, none, none)
    >>> found[["figure_id", "definition_id", "segment", "value", "unit"]]
                  figure_id definition_id segment  value       unit
    0             customers           1.2       a    7.0  customers
    1    ordered_again_best           1.4            1.0      share
    2  ordered_again_others           1.4            0.0      share
    """
    number = pd.DataFrame({"segment": who["segment"], "value": who["n_customers"], "n": who["n_customers"]})
    told = [
        number.assign(figure_id="customers", definition_id="1.2", unit="customers"),
        _figure(back, "share", "ordered_again_" + back["group"].astype("str"), "1.4", "share"),
        _figure(ahead, "value", "revenue_ahead", "1.6", "cents"),
        _figure(accounts, "retention", "retention", "1.6", "share"),
        _figure(wishes.assign(n=wishes["n_persons"]), "unmet", "unmet_wishes", "1.8", "share", cohort="wishes"),
        _figure(wishes.assign(n=wishes["n_persons"]), "lost", "unmet_revenue", "1.8", "cents", cohort="wishes"),
    ]
    if len(clusters):
        held = {"value": len(clusters), "n": clusters["n"].sum()}
        told.insert(2, pd.DataFrame([held | {"figure_id": "clusters", "definition_id": "1.5", "unit": "clusters"}]))
    brought = effects[effects["uplift"].notna()] if len(effects) else effects
    brought = brought.rename(columns={"n_contacted": "n"})
    told.append(_figure(brought, "uplift", "uplift_" + brought["group"].astype("str"), "1.9", "orders per 1,000"))
    columns = ["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]
    found = pd.concat([part for part in told if len(part)] or [number], ignore_index=True).reindex(columns=columns)
    found["segment"] = found["segment"].replace("(all)", "").fillna("")
    return found.assign(cohort=found["cohort"].fillna("orders"), channel="").dropna(subset=["value"], ignore_index=True)


def _figure(rows: pd.DataFrame, value: str, name, section: str, unit: str, cohort: str = "orders") -> pd.DataFrame:
    if rows.empty:
        return rows
    ends = {value: "value", f"{value}_low": "low", f"{value}_high": "high"}
    kept = rows.reindex(columns=["segment", "n", *ends]).rename(columns=ends)
    return kept.assign(figure_id=name, definition_id=section, unit=unit, cohort=cohort)

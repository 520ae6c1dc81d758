"""Does the supply chain do what it promised, and do its suppliers?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from toolkit import stats

OTIF_CHOICES = {  # on time and in full has no standard definition: these are ours
    "against": "the promised window, not the wished one",
    "on time": "all of it there by the window's end; early is counted apart",
    "counted by": "order",
    "in full": "pieces delivered against pieces ordered, on every line",
}
_DAY = 86_400
_FEW_ORDERS = 10  # purchase orders in either span, below which no interval is trusted to settle a change
SHARES = {  # of orders or lines or pieces: what is counted, and of what (columns of ``marked``)
    "on_time": ("on_time", "one"),
    "early": ("is_early", "early_known"),
    "in_window": ("window_kept", "window_known"),
    "in_full": ("full", "filled"),
    "otif": ("otif", "filled"),
    "perfect": ("perfect", "filled"),
    "line_fill": ("n_lines_in_full", "n_lines"),
    "unit_fill": ("quantity_delivered", "quantity_ordered"),
}


def performance(orders: pd.DataFrame, *, by: Sequence[str], min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """On time, in full, perfect: what was promised and fell due, by group.

    Parameters
    ----------
    orders
        The frame ``order_service``; cancelled orders are left out.
    by
        Grouping columns, none for all.
    min_n
        Groups of fewer customers stand together.
    confidence
        Coverage of the intervals, between 0 and 1; those of one column hold together over the groups.

    Returns
    -------
    DataFrame
        One row a group: ``by``, ``n`` (orders), ``n_customers``, and shares (0-1): ``on_time``, ``early``, ``in_full``,
        ``otif``, ``perfect`` (SCOR RL.1.1: every line of it),
        ``in_window`` (of its customer), of orders; ``line_fill`` of lines, ``unit_fill`` of
        pieces; each with ends, such as ``otif_low``, ``otif_high``. Missing where it is known of fewer than ``min_n``
        customers, or of none.

    Notes
    -----
    docs/METHODS.md section 2.2; intervals are those of section 0.7 over customers. An order of which lines are not
    known is in no share that needs them.

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": range(4), "cancelled": False, "late": [False, True, False, False],
    ...     "early": pd.NA, "in_window": pd.NA, "n_lines": 1, "n_lines_in_full": [1, 1, 0, 1],
    ...     "n_lines_perfect": [1, 0, 0, 1], "quantity_ordered": 2, "quantity_delivered": [2, 2, 1, 2]})
    >>> performance(orders, by=[], min_n=1)[["on_time", "in_full", "otif", "perfect", "unit_fill"]].values.tolist()
    [[0.75, 0.75, 0.5, 0.5, 0.875]]
    """
    by = list(by)
    kept = orders[~orders["cancelled"].astype(bool)].rename(columns={"customer_id": "person"})
    if by and len(kept):
        kept = stats.publishable(kept, by=by, person="person", min_n=min_n)
    rows = marked(kept)
    keys = by or [pd.Series(0, rows.index, name="_all")]
    groups = rows.groupby(keys)
    found = pd.DataFrame({"n": groups.size(), "n_customers": groups["person"].nunique()})
    for name, (part, whole) in SHARES.items():
        totals = rows.assign(numerator=rows[part].astype("float64"), denominator=rows[whole].astype("float64"))
        totals = totals.groupby([*keys, "person"])[["numerator", "denominator"]].sum().reset_index()
        ends = _shares(totals, by=by or ["_all"], confidence=confidence, family=len(found))
        ends = ends[ends["n"] >= min_n]  # a share of a few of the group's customers is one of a few
        found[[name, f"{name}_low", f"{name}_high"]] = ends[["ratio", "ratio_low", "ratio_high"]].clip(0, 1)
    return found.reset_index(drop=not by)


def key_figures(groups: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Key figures of what was promised, in the columns of ``figures.parquet``: on time, OTIF, perfect orders.

    Parameters
    ----------
    groups
        ``performance`` over all, by segment, and by segment and channel.

    Returns
    -------
    DataFrame
        One row a figure and group: ``figure_id`` (on_time, otif, perfect), ``definition_id``, ``cohort`` (service),
        ``segment``, ``channel`` (empty: all), ``value``, ``low``, ``high`` (shares, 0-1), ``n`` (orders), ``unit``.
        What is missing has no row.

    Notes
    -----
    docs/METHODS.md section 2.2.

    Examples
    --------
    >>> shop = pd.DataFrame({"segment": ["shop"], "n": 9, "on_time": 0.9, "on_time_low": 0.8, "on_time_high": 1.0})
    >>> key_figures([shop])[["figure_id", "segment", "channel", "value", "low", "high", "n", "unit"]]
      figure_id segment channel  value  low  high  n   unit
    0   on_time    shop            0.9  0.8   1.0  9  share
    """
    columns = ["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]
    parts = []
    for name in ("on_time", "otif", "perfect"):
        ends = {name: "value", f"{name}_low": "low", f"{name}_high": "high"}
        told = [rows.reindex(columns=["segment", "channel", "n", *ends]).rename(columns=ends) for rows in groups]
        parts += [rows.dropna(subset=["value"]).assign(figure_id=name) for rows in told]
    found = pd.concat(parts, ignore_index=True).assign(definition_id="2.2", cohort="service", unit="share")
    return found.fillna({"segment": "", "channel": ""}).reindex(columns=columns)


def marked(orders: pd.DataFrame) -> pd.DataFrame:
    """Orders of the frame ``order_service`` with what they count for each of ``SHARES``, and of how much.

    Parameters
    ----------
    orders
        The frame ``order_service``; cancelled orders are not left out here.

    Returns
    -------
    DataFrame
        ``orders``, numbers of lines and pieces that are not known 0, with the columns that ``SHARES`` names:
        ``one`` (1), ``on_time``, ``filled`` (its lines are known), ``full``, ``otif``, ``perfect``; ``is_early`` and
        ``early_known``; ``window_kept`` and ``window_known``.

    Notes
    -----
    docs/METHODS.md section 2.2.

    Examples
    --------
    The first came in time and in full, one of its two lines damaged; of the second no line is known.

    >>> orders = pd.DataFrame({"late": False, "early": pd.NA, "in_window": pd.NA, "n_lines": [2, pd.NA],
    ...     "n_lines_in_full": [2, pd.NA], "n_lines_perfect": [1, pd.NA], "quantity_ordered": [5, pd.NA],
    ...     "quantity_delivered": [5, pd.NA]})
    >>> marked(orders)[["on_time", "filled", "full", "otif", "perfect"]].values.tolist()
    [[True, True, True, True, False], [True, False, False, False, False]]
    """
    numbers = ["n_lines", "n_lines_in_full", "n_lines_perfect", "quantity_ordered", "quantity_delivered"]
    kept = orders.assign(**{name: orders[name].astype("Float64").astype("float64") for name in numbers})
    known, early = kept["n_lines"].notna(), kept["early"].astype("boolean")
    full, on_time = known & (kept["n_lines_in_full"] == kept["n_lines"]), ~kept["late"].astype(bool)
    rows = kept.fillna(dict.fromkeys(numbers, 0)).assign(one=1, on_time=on_time, filled=known, full=full)
    rows = rows.assign(otif=full & on_time, perfect=known & (kept["n_lines_perfect"] == kept["n_lines"]))
    window = kept["in_window"].astype("boolean")
    rows = rows.assign(is_early=early.fillna(False), early_known=early.notna())
    return rows.assign(window_kept=window.fillna(False), window_known=window.notna())


def _shares(totals: pd.DataFrame, *, by: list[str], confidence: float, family: int) -> pd.DataFrame:
    """``stats.ratio`` of shares by group, of those who have a denominator; where all are alike, Wilson's interval."""
    ends = stats.ratio(totals[totals["denominator"] > 0], by=by, confidence=confidence, family=family).set_index(by)
    same = ends["ratio"].isin([0, 1])  # no variance is left: a customer, or purchase order, is a draw
    alike = stats.share(ends.assign(k=ends["ratio"] * ends["n"]), confidence=confidence, family=family)
    ends.loc[same, ["ratio_low", "ratio_high"]] = alike[["share_low", "share_high"]].to_numpy()[same]
    return ends


def cycle_time(orders: pd.DataFrame, *, by: Sequence[str], min_n: int) -> pd.DataFrame:
    """Days from order to arrival; what has not arrived is counted as still under way (Kaplan-Meier).

    Parameters
    ----------
    orders
        The frame ``order_service``; cancelled orders are left out.
    by
        Grouping columns, one at least.
    min_n
        Groups of fewer customers stand together.

    Returns
    -------
    DataFrame
        One row a group: ``by``, ``n`` (orders), ``n_open`` (not there by as_of), ``median_days``, ``p95_days`` (missing
        where the curve does not reach them).

    Notes
    -----
    docs/METHODS.md section 2.2. Kaplan-Meier: JASA 53, 1958, as statsmodels computes it.

    Examples
    --------
    Still under way: 4/5 after a day, 4/5 x 2/3 after three, 4/5 x 2/3 x 1/2 after four, and then unknown.

    >>> orders = pd.DataFrame({"segment": "shop", "customer_id": range(5), "cancelled": False,
    ...     "arrived": [True, False, True, True, False], "cycle_s": [86_400 * days for days in (1, 2, 3, 4, 5)]})
    >>> cycle_time(orders, by=["segment"], min_n=1)
      segment  n  n_open  median_days  p95_days
    0    shop  5       2          4.0       NaN
    """
    from statsmodels.duration.survfunc import SurvfuncRight  # a second of imports that few callers need

    kept = orders[~orders["cancelled"].astype(bool)].rename(columns={"customer_id": "person"})
    kept = stats.publishable(kept, by=list(by), person="person", min_n=min_n)
    found = []
    for group, rows in kept.groupby(list(by)):
        arrived = rows["arrived"].astype(bool)
        curve = SurvfuncRight(rows["cycle_s"].astype("float64") / _DAY, arrived.astype("int64"))
        row = dict(zip(by, group, strict=True)) | {"n": len(rows), "n_open": int((~arrived).sum())}
        found.append(row | {"median_days": curve.quantile(0.5), "p95_days": curve.quantile(0.95)})
    return pd.DataFrame(found, columns=[*by, "n", "n_open", "median_days", "p95_days"])


_CLASSES = (-np.inf, -3, -1, 0, 1, 3, 7, np.inf)
_NAMES = ("over 3 days early", "1 to 3 days early", "up to a day early", "up to a day late", "1 to 3 days late")
_NAMES = (*_NAMES, "3 to 7 days late", "over 7 days late")


def promise_accuracy(orders: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """How far from the promise orders arrived, early and late apart.

    Parameters
    ----------
    orders
        The frame ``order_service``; cancelled orders are left out.
    min_n
        Classes of fewer customers stand together.

    Returns
    -------
    DataFrame
        One row a class of days, from early to late, then "not there" and "(other)": ``arrival``, ``n`` (orders),
        ``share`` (0-1). A class includes its later end: who came to the second is "up to a day early".

    Notes
    -----
    docs/METHODS.md section 2.2.

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": range(10), "cancelled": False, "arrived": [True] * 8 + [False] * 2,
    ...                        "delay_s": [0] * 6 + [2 * 86_400] * 2 + [9 * 86_400] * 2})
    >>> promise_accuracy(orders, min_n=2)
                 arrival  n  share
    0  up to a day early  6    0.6
    1   1 to 3 days late  2    0.2
    2          not there  2    0.2
    """
    kept = orders[~orders["cancelled"].astype(bool)].rename(columns={"customer_id": "person"})
    days = kept["delay_s"].astype("float64") / _DAY
    classes = pd.cut(days, list(_CLASSES), labels=list(_NAMES)).astype(object)
    kept = kept.assign(arrival=classes.where(kept["arrived"].astype(bool), "not there").astype("str"))
    kept = stats.publishable(kept, by=["arrival"], person="person", min_n=min_n)
    found = kept.groupby("arrival").size().rename("n").reset_index()
    order = {name: place for place, name in enumerate((*_NAMES, "not there", stats.OTHER))}
    found = found.sort_values("arrival", key=lambda names: names.map(order), ignore_index=True)
    return found.assign(share=found["n"] / max(found["n"].sum(), 1))


def ways(rows: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """Ways of acquiring: who uses them, how they grow, what they bring.

    Parameters
    ----------
    rows
        The frame ``ways``.
    min_n
        Ways of fewer customers stand together.

    Returns
    -------
    DataFrame
        One row a way, most orders first: ``fulfilment``, ``n_customers``, ``adoption`` (of all customers of the period,
        0-1), ``n`` (orders), ``growth`` (against the period before, 0.1: a tenth more; missing if fewer than ``min_n``
        customers ordered then), ``basket`` (cents an order, of ways whose revenue no one customer holds), ``repeat``
        (of its customers, those with two orders or more by it, 0-1), ``new`` (customers new to the company),
        ``switched`` (known before, but not by this way); both missing where they are fewer than ``min_n``, but not 0.

    Notes
    -----
    docs/METHODS.md section 2.2.

    Examples
    --------
    By home now a twice, b, and c, who is new; before it was a alone. To the store now d and e, who came home before.

    >>> rows = pd.DataFrame({"order_id": range(7), "customer_id": list("aabcdea"), "net_revenue": 100,
    ...     "fulfilment": ["home"] * 4 + ["store"] * 2 + ["home"], "in_period": [True] * 6 + [False],
    ...     "known_before": [True, True, True, False, True, True, True],
    ...     "way_before": [True, True, True, False, False, False, True]})
    >>> ways(rows, min_n=1)[["fulfilment", "n_customers", "adoption", "n", "growth", "new", "switched"]]
      fulfilment  n_customers  adoption  n  growth  new  switched
    0       home            3       0.6  4     3.0    1         0
    1      store            2       0.4  2     NaN    0         2
    """
    named = rows.rename(columns={"customer_id": "person"})
    now = named["in_period"].astype(bool)
    inside = stats.publishable(named[now], by=["fulfilment"], person="person", amounts=["net_revenue"], min_n=min_n)
    labels = dict(zip(named.loc[inside.index, "fulfilment"], inside["fulfilment"], strict=True))
    before = named[~now]
    before = before.assign(fulfilment=before["fulfilment"].map(labels).fillna(stats.OTHER))
    people = inside.groupby(["fulfilment", "person"]).agg(
        n=("order_id", "size"), known=("known_before", "max"), way=("way_before", "max")
    )
    people = people.assign(twice=people["n"] > 1, new=~people["known"].astype(bool), first=~people["way"].astype(bool))
    people["switched"] = people["first"] & ~people["new"]
    groups = people.groupby("fulfilment")
    found = pd.DataFrame({"n_customers": groups.size(), "n": groups["n"].sum(), "repeat": groups["twice"].mean()})
    found[["new", "switched"]] = groups[["new", "switched"]].sum()
    found["adoption"] = found["n_customers"] / max(inside["person"].nunique(), 1)
    earlier = before.groupby("fulfilment")["person"].agg(["size", "nunique"]).reindex(found.index)
    found["growth"] = found["n"] / earlier["size"].where(earlier["nunique"] >= min_n) - 1
    paid = inside.assign(net_revenue=inside["net_revenue"].astype("Float64").astype("float64"))
    found["basket"] = paid.groupby("fulfilment")["net_revenue"].mean()
    small = ["new", "switched"]
    found[small] = found[small].astype("Int64").where((found[small] == 0) | (found[small] >= min_n))
    found = found.reset_index().sort_values(["n", "fulfilment"], ascending=[False, True], ignore_index=True)
    return found[["fulfilment", "n_customers", "adoption", "n", "growth", "basket", "repeat", "new", "switched"]]


def suppliers(lines: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """Lead time, on time and in full of each supplier, and whether it has changed.

    Parameters
    ----------
    lines
        The frame ``supplier_service``.
    min_n
        Suppliers with fewer lines in the frame, both spans counted, stand together as "(other)".
    confidence
        Coverage of the intervals, between 0 and 1; they hold together over the suppliers.

    Returns
    -------
    DataFrame
        One row a supplier: ``supplier``, ``own`` (our own site), ``n`` (purchase orders promised in the period),
        ``n_lines``, ``n_open`` (lines not received), ``lead_days``, ``lead_sd``, ``lead_p95`` (days, of lines
        received), ``every_days`` (median, from one purchase order of a site to its next, in both spans), ``on_time``,
        ``in_full`` (shares of lines, 0-1), ``on_time_before`` (in the 3 periods' length before), ``trend`` (difference)
        with ends ``trend_low``, ``trend_high``, ``settled`` (its interval, widened by Bonferroni over suppliers,
        excludes 0, with 10 purchase orders or more in each span). Lines of which the quantity received is not known
        are in no share in full.

    Notes
    -----
    docs/METHODS.md section 2.2. The ends of the trend are the distances of either share to its ends, added in squares
    (Newcombe, Statistics in Medicine 17, 1998, 873-890).

    Examples
    --------
    Ten purchase orders of a line each before the period, all in time, and ten in it, six of them late.

    >>> lines = pd.DataFrame({"supplier_id": "s", "purchase_order_id": range(20), "line_no": 1, "site_id": "w",
    ...     "own": False, "in_period": [False] * 10 + [True] * 10, "late": [False] * 14 + [True] * 6, "received": True,
    ...     "ordered_at": pd.date_range("2026-05-04", periods=20, freq="7D"), "lead_s": 3 * 86_400,
    ...     "quantity_ordered": 5, "quantity_received": [5] * 19 + [4]})
    >>> suppliers(lines, min_n=1)[["n", "lead_days", "every_days", "on_time", "in_full", "trend", "settled"]]
        n  lead_days  every_days  on_time  in_full  trend  settled
    0  10        3.0         7.0      0.4      0.9   -0.6     True
    """
    now = lines["in_period"].astype(bool)
    flagged = lines.assign(numerator=(~lines["late"].astype(bool)).astype("int64"), denominator=1)
    flagged["supplier"] = stats.common_names(lines["supplier_id"], flagged["denominator"], min_n=min_n)
    family, rates = max(flagged["supplier"].nunique(), 1), []
    for part in (flagged[now], flagged[~now]):
        orders = part.groupby(["supplier", "purchase_order_id"])[["numerator", "denominator"]].sum().reset_index()
        rates.append(_shares(orders, by=["supplier"], confidence=confidence, family=family))
    inside = flagged[now]
    inside = inside.assign(
        full=inside["quantity_received"].astype("Int64") >= inside["quantity_ordered"].astype("Int64"),
        days=(inside["lead_s"].astype("float64") / _DAY).where(inside["received"].astype(bool)),
        open=~inside["received"].astype(bool),
    )
    groups = inside.groupby("supplier")
    found = groups.agg(
        own=("own", "min"), n=("purchase_order_id", "nunique"), n_lines=("line_no", "size"), n_open=("open", "sum")
    )
    days = groups["days"]
    found["lead_days"], found["lead_sd"], found["lead_p95"] = days.mean(), days.std(), days.quantile(0.95)
    route = ["supplier", flagged["site_id"].fillna(stats.UNKNOWN)]
    placed = flagged.groupby([*route, "purchase_order_id"])["ordered_at"].min().sort_values()
    apart = placed.groupby(["supplier", "site_id"]).diff().dt.total_seconds() / _DAY
    found["every_days"] = apart.groupby("supplier").median()
    after, before = (rate[["ratio", "ratio_low", "ratio_high"]].reindex(found.index).T.to_numpy() for rate in rates)
    found["on_time"], found["in_full"] = after[0], groups["full"].mean().astype("float64")
    found["on_time_before"], found["trend"] = before[0], after[0] - before[0]
    found["trend_low"] = found["trend"] - np.hypot(after[0] - after[1], before[2] - before[0])
    found["trend_high"] = found["trend"] + np.hypot(after[2] - after[0], before[0] - before[1])
    enough = np.logical_and(*(rate["n"].reindex(found.index) >= _FEW_ORDERS for rate in rates))
    return found.assign(settled=enough & (found["trend_low"] * found["trend_high"] > 0)).reset_index()


_CONTENT = {"nps_0_10": 7, "stars_1_5": 4}  # lowest content answer of a scale


def promises(
    targets: pd.DataFrame,
    orders: pd.DataFrame,
    chosen: pd.DataFrame,
    invitations: pd.DataFrame,
    *,
    min_n: int,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Was each promise kept, and was it felt?

    Parameters
    ----------
    targets, orders, invitations
        The frames ``promises``, ``order_service`` and ``invitations``.
    chosen
        Answers with ``value`` (1, 0, -1) and ``person``, for promises of a score; ``segment`` and ``channel`` where a
        promise names one.
    min_n
        A promise that fewer customers stand behind has no verdict.
    confidence
        Coverage of the intervals, between 0 and 1; they hold together over the promises.

    Returns
    -------
    DataFrame
        ``targets`` with ``n`` (orders or answers), ``value``, ``value_low``, ``value_high`` (share 0-1, or points),
        ``felt_share`` with ends ``felt_low``, ``felt_high`` (content answers to its item, of promises that were kept,
        if enough answered) and ``verdict``: kept, broken, kept but not felt, not settled, or "too few to say". Kept and
        broken are said only where the interval lies on one side of the promise.

    Raises
    ------
    DataError
        As ``stats.net_share``, if a score is promised and a ``weight`` of ``chosen`` is missing or below 0.

    Notes
    -----
    docs/METHODS.md section 2.11.

    Examples
    --------
    95 % of 400 orders in time, 92.4 to 97.6 for three intervals together; three of ten answers are content.

    >>> known = ["n_lines", "n_lines_in_full", "n_lines_perfect", "quantity_ordered", "quantity_delivered"]
    >>> orders = pd.DataFrame({"customer_id": range(400), "cancelled": False, "late": [True] * 20 + [False] * 380,
    ...                        "early": pd.NA, "in_window": pd.NA} | dict.fromkeys(known, 1))
    >>> asked = pd.DataFrame({"customer_id": range(100), "item": "on_time", "score": [9] * 30 + [3] * 70,
    ...                       "scale": "nps_0_10"})
    >>> targets = pd.DataFrame({"measure": "on_time", "at_least": [0.9, 0.95, 0.98], "segment": "", "channel": "",
    ...                         "felt": "on_time", "felt_at_least": 0.5})
    >>> found = promises(targets, orders, pd.DataFrame(), asked, min_n=10)
    >>> found[["at_least", "value", "value_low", "value_high", "felt_share", "verdict"]].round(3)
       at_least  value  value_low  value_high  felt_share            verdict
    0      0.90   0.95      0.924       0.976         0.3  kept but not felt
    1      0.95   0.95      0.924       0.976         NaN        not settled
    2      0.98   0.95      0.924       0.976         NaN             broken
    """
    level = 1 - (1 - confidence) / max(len(targets), 1)
    found = []
    for promise in targets.to_dict("records"):
        mine = {name: promise[name] for name in ("segment", "channel") if promise[name]}
        row = dict.fromkeys(["value", "value_low", "value_high", "felt_share", "felt_low", "felt_high"], np.nan)
        row |= {"n": pd.NA, "verdict": "too few to say"}
        if promise["measure"] == "nps":
            answers = _of(chosen[chosen["value"].notna()], mine)
            persons, rates = answers["person"].nunique(), stats.net_share(answers, confidence=level)
            names, scale = ("net", "net_low", "net_high"), 100
        else:
            kept = _of(orders, mine)
            rates = performance(kept, by=[], min_n=min_n, confidence=level)
            persons = rates["n_customers"].max() if len(rates) else 0
            names, scale = (promise["measure"], f"{promise['measure']}_low", f"{promise['measure']}_high"), 1
        if persons >= min_n and rates[names[0]].notna().all():
            value, low, high = (scale * float(rates[name].iloc[0]) for name in names)
            row |= {"n": int(rates["n"].iloc[0]), "value": value, "value_low": low, "value_high": high}
            row["verdict"] = "not settled"
            if high < promise["at_least"]:
                row["verdict"] = "broken"
            elif low >= promise["at_least"]:
                felt = _felt(_of(invitations, mine), promise["felt"], min_n=min_n, confidence=level)
                row |= felt | {"verdict": "kept"}
                if felt and felt["felt_high"] < promise["felt_at_least"]:
                    row["verdict"] = "kept but not felt"
        found.append(promise | row)
    columns = [
        *targets.columns,
        "n",
        "value",
        "value_low",
        "value_high",
        "felt_share",
        "felt_low",
        "felt_high",
        "verdict",
    ]
    return pd.DataFrame(found, columns=columns).astype({"n": "Int64"})


def _of(rows: pd.DataFrame, mine: dict[str, str]) -> pd.DataFrame:
    """Rows of a segment and channel."""
    for name, value in mine.items():
        rows = rows[rows[name] == value]
    return rows


def is_content(answers: pd.DataFrame) -> pd.Series:
    """Of answers with ``score`` and ``scale``: is the customer content? From 7 of 10, and from 4 of 5 stars.

    Parameters
    ----------
    answers
        ``score`` and ``scale`` (nps_0_10 or stars_1_5).

    Returns
    -------
    Series
        True or False an answer; False without a score, and on any other scale.

    Notes
    -----
    docs/METHODS.md section 2.11.

    Examples
    --------
    >>> answers = pd.DataFrame({"score": [7, 6, 4, 3], "scale": ["nps_0_10"] * 2 + ["stars_1_5"] * 2})
    >>> is_content(answers).tolist()
    [True, False, True, False]
    """
    return answers["score"].astype("float64") >= answers["scale"].map(_CONTENT).astype("float64")


def _felt(invitations: pd.DataFrame, item: str, *, min_n: int, confidence: float) -> dict[str, float]:
    """Share of content answers to an item, with ends; nothing if too few answered."""
    answers = invitations[(invitations["item"] == item) & invitations["score"].notna()]
    if answers["customer_id"].nunique() < min_n:
        return {}
    content = is_content(answers)
    rows = pd.DataFrame(
        {"who": answers["customer_id"], "all": 0, "numerator": content.astype("int64"), "denominator": 1}
    )
    totals = rows.groupby(["all", "who"]).sum().reset_index()
    found = _shares(totals, by=["all"], confidence=confidence, family=1).iloc[0]
    return {"felt_share": found["ratio"], "felt_low": found["ratio_low"], "felt_high": found["ratio_high"]}

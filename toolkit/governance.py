"""Are we doing what we decided, and did it work? Scorecard, signals and decisions, of key figures and months."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from toolkit import control, satisfaction, stats

ALL, OWN = "(all)", "governance"


@dataclass(frozen=True)
class Measure:
    """A measure of the scorecard: its key figure (or how its id begins), better when more (1) or less (-1), its unit.

    Parameters
    ----------
    figure
        Id of the key figure; one that ends in "_" is the beginning of several, such as ``leads_<discipline>``.
    better
        1: more is better, -1: less is.
    unit
        ``cents``, ``share`` (0-1), ``points``, ``index`` or ``floors``.
    together
        Do the intervals of one level (all, segments, channels of segments) hold together in its report?

    Notes
    -----
    docs/METHODS.md section 7.1; all of them stand in ``MEASURES``.

    Examples
    --------
    >>> MEASURES["cost_to_serve"]
    Measure(figure='serve_share', better=-1, unit='share', together=True)
    """

    figure: str
    better: int
    unit: str
    together: bool = True


MEASURES = {
    "net_revenue": Measure("net_revenue", 1, "cents"),
    "margin": Measure("margin", 1, "cents"),
    "cost_to_serve": Measure("serve_share", -1, "share"),
    "nps": Measure("nps", 1, "points"),
    "on_time": Measure("on_time", 1, "share"),
    "otif": Measure("otif", 1, "share"),
    "lifetime_value": Measure("revenue_ahead", 1, "cents", together=False),
    "unmet": Measure("unmet_wishes", -1, "share"),
    "agility": Measure("fill_busiest_days", 1, "share"),
    "visibility": Measure("told_first", 1, "share"),
    "discipline": Measure("leads_", 1, "index"),
    "floors_failed": Measure("floors_failed", -1, "floors"),
}
SERIES = {  # what is charted by month -> kind of chart
    "on_time": "shares",
    "otif": "shares",
    "free_of_complaint": "shares",
    "nps": "scores",
    "wishes_met": "shares",
    "order_value": "values",
    "postings": "values",
    "supplies": "shares",
}
_SERVICE = ("on_time", "otif", "free_of_complaint")
_LESS = ("postings",)  # charted measures of which less is better
EXPLAINED = {  # measure -> report and section that says why it is as it is
    "net_revenue": ("segment_profile", "1.1"),
    "order_value": ("segment_profile", "1.1"),
    "margin": ("cost_to_serve", "3.5"),
    "cost_to_serve": ("cost_to_serve", "3.7"),
    "postings": ("cost_to_serve", "3.2"),
    "nps": ("nps_supply_chain", "2.8"),
    "on_time": ("nps_supply_chain", "2.2"),
    "otif": ("nps_supply_chain", "2.2"),
    "supplies": ("nps_supply_chain", "2.2"),
    "lifetime_value": ("segment_profile", "1.6"),
    "unmet": ("segment_profile", "1.8"),
    "wishes_met": ("segment_profile", "1.8"),
    "agility": ("service_strategy", "5.1"),
    "visibility": ("service_strategy", "5.1"),
    "discipline": ("value_disciplines", "6.2"),
    "floors_failed": ("value_disciplines", "6.1"),
    "free_of_complaint": ("value_disciplines", "6.1"),
}
_PLACE = ["measure", "segment", "channel"]
_ENDS = ["value", "low", "high"]


def figures(rows: pd.DataFrame, renamed: pd.DataFrame) -> pd.DataFrame:
    """Key figures that the scorecard has, of all periods, under the names that segments have now.

    Figures of slices, and of the governance report itself, are left out. A figure keeps its old name where its period
    has one of the new name too.

    Parameters
    ----------
    rows
        The frame ``key_figures``: one row a period, report, figure, segment and channel.
    renamed
        The frame ``renamed``: ``was``, ``now``.

    Returns
    -------
    DataFrame
        One row a period, ``measure``, ``segment`` and ``channel`` (empty: all): ``value``, ``low``, ``high``, ``n``,
        ``unit``, ``of`` (which discipline leads, else empty), ``definition`` (section, cohort and unit), ``words``
        (digest of the section), ``revision``, ``was``, ``was_in`` (what the period's first revision said, where that
        was another value, and which one that is); ``quantile`` that its interval was made with (missing: the report did
        not say, so that the page's own is taken), and ``alone`` (of a channel that is the only one of its segment,
        which the segment's own figure repeats).

    Notes
    -----
    docs/METHODS.md section 7.0.

    Examples
    --------
    >>> row = {"period": "2026Q3", "report": "cost_to_serve", "figure_id": "serve_share", "segment": "old"}
    >>> row |= dict.fromkeys(["channel", "definition_id", "cohort", "unit", "words", "revision", "was_in"], "")
    >>> rows = pd.DataFrame([row | dict.fromkeys(["value", "low", "high", "was", "n", "confidence"], 0.1)])
    >>> figures(rows, pd.DataFrame({"was": ["old"], "now": ["new"]}))[["measure", "segment"]].values.tolist()
    [['cost_to_serve', 'new']]
    """
    kept = rows[~rows["report"].str.contains(".", regex=False) & (rows["report"] != OWN)]
    parts = []
    for name, measure in MEASURES.items():
        many = measure.figure.endswith("_")
        own = kept[kept["figure_id"].str.startswith(measure.figure) if many else kept["figure_id"] == measure.figure]
        of = own["figure_id"].str.removeprefix(measure.figure) if many else ""
        parts.append(own.assign(measure=name, of=of, together=measure.together))
    found = pd.concat(parts, ignore_index=True)
    found["definition"] = found["definition_id"] + " " + found["cohort"] + " " + found["unit"]
    taken = set(zip(found["period"], found["measure"], found["segment"], strict=True))
    now = dict(zip(renamed["was"], renamed["now"], strict=True))
    names = [
        now[name] if name in now and (period, measure, now[name]) not in taken else name
        for period, measure, name in zip(found["period"], found["measure"], found["segment"], strict=True)
    ]
    found["segment"] = pd.Series(names, found.index, dtype="str")
    found = found.drop_duplicates(["period", *_PLACE], ignore_index=True)
    level = found.assign(level=(found["segment"] != "").astype(int) + (found["channel"] != ""))
    family = level["low"].notna().groupby([level["period"], level["measure"], level["level"]]).transform("sum")
    family = family.where(found["together"], 1).clip(lower=1)
    coverage = 1 - (1 - found["confidence"].astype("float64")) / family
    found["quantile"] = [NormalDist().inv_cdf((1 + x) / 2) if 0 < x < 1 else np.nan for x in coverage]
    place = ["period", "measure", "segment"]
    channels = (found["channel"] != "").groupby([found[name] for name in place]).transform("sum")
    found["alone"] = (found["channel"] != "") & (channels == 1) & found.duplicated(place, keep=False)
    columns = ["period", *_PLACE, *_ENDS, "n", "unit", "of", "definition", "words", "revision", "was", "was_in"]
    return found[[*columns, "quantile", "alone"]]


def of_now(rows: pd.DataFrame, renamed: pd.DataFrame) -> pd.DataFrame:
    """Targets, or decisions, whose segments have the names of now.

    Parameters
    ----------
    rows
        The frame ``targets`` (``segment``), or ``decisions`` (``where``: JSON, of which ``segment`` is looked at).
    renamed
        The frame ``renamed``: ``was``, ``now``.

    Returns
    -------
    DataFrame
        ``rows``, old names of segments replaced.

    Notes
    -----
    docs/METHODS.md section 7.0.

    Examples
    --------
    >>> names = pd.DataFrame({"was": ["old"], "now": ["new"]})
    >>> of_now(pd.DataFrame({"segment": ["old", "b"]}), names)["segment"].tolist()
    ['new', 'b']
    >>> of_now(pd.DataFrame({"where": ['{"segment": ["old"], "region": ["n"]}']}), names)["where"].item()
    '{"segment": ["new"], "region": ["n"]}'
    """
    now = dict(zip(renamed["was"], renamed["now"], strict=True))
    if "segment" in rows:
        return rows.assign(segment=rows["segment"].replace(now))
    places = [json.loads(where) for where in rows["where"]]
    told = [
        place | {"segment": [now.get(x, x) for x in place["segment"]]} if "segment" in place else place
        for place in places
    ]
    return rows.assign(where=pd.Series([json.dumps(place) for place in told], rows.index, dtype="str"))


def scorecard(
    found: pd.DataFrame, targets: pd.DataFrame, periods: pd.DataFrame, *, confidence: float = 0.95
) -> pd.DataFrame:
    """The figures of a period beside their targets, the period before and a year before.

    Parameters
    ----------
    found
        The result of ``figures``.
    targets, periods
        The frames of these names; the period with ``ago`` 0 is the card's.
    confidence
        Coverage of the interval of each change, and 1 less the level at which changes are settled.

    Returns
    -------
    DataFrame
        One row a ``measure``, ``segment`` and ``channel`` (empty: all), in the order of ``MEASURES``: ``value``,
        ``low``, ``high``, ``n``, ``unit``, ``of``; ``at_least``, ``at_most``, ``owner``, ``status`` (met, missed,
        either "not for certain", "no target", or "not on record" of a target that has no figure), ``gap`` (how far
        beyond the target, by its size; below 0: missed); ``change``, ``change_low``, ``change_high`` on the period
        before and ``year``, ``year_low``, ``year_high`` on a year before (missing: nothing to compare with),
        ``change_note`` and ``year_note`` ("another definition", "reads otherwise", "another discipline", or empty),
        ``change_settled`` and ``year_settled``, ``better`` (1: more is better, -1: less), ``report`` and ``section``
        that explain it.

    Notes
    -----
    docs/METHODS.md sections 7.1 and 0.11. Changes are settled by Benjamini and Hochberg over all of the page.

    Examples
    --------
    >>> row = {"period": "2026Q3", "report": "nps_supply_chain", "figure_id": "on_time", "unit": "share", "segment": ""}
    >>> row |= dict.fromkeys(["channel", "definition_id", "cohort", "words", "revision", "was_in"], "")
    >>> rows = pd.DataFrame([row, row | {"period": "2026Q2"}]).assign(value=[0.93, 0.905], was=np.nan, n=1000)
    >>> rows = rows.assign(low=[0.914, 0.885], high=[0.944, 0.922], confidence=0.95)
    >>> found = figures(rows, pd.DataFrame({"was": [], "now": []}))
    >>> target = {"position": 0, "measure": "on_time", "segment": "", "channel": "", "owner": "transport"}
    >>> targets = pd.DataFrame([target | {"at_least": 0.92, "at_most": np.nan}])
    >>> periods = pd.DataFrame({"ago": [0, 1], "period": ["2026Q3", "2026Q2"], "year_ago": False})
    >>> card = scorecard(found, targets, periods)
    >>> card[["status", "gap", "change", "change_low", "change_high"]].round(3)
                     status    gap  change  change_low  change_high
    0  met, not for certain  0.011   0.025       0.002        0.049
    >>> card["change_settled"].tolist()
    [True]
    """
    names = periods.set_index("ago")["period"]
    year = periods["period"][periods["year_ago"].astype(bool)]
    card = found[found["period"] == names[0]].merge(targets.drop(columns="position"), how="outer", on=_PLACE)
    card = card[(card["alone"] != True) | card["at_least"].notna() | card["at_most"].notna()]  # noqa: E712 - or missing
    card = card.reset_index(drop=True)
    card["better"] = card["measure"].map({name: each.better for name, each in MEASURES.items()})
    card["unit"] = card["measure"].map({name: each.unit for name, each in MEASURES.items()})
    card["of"] = card["of"].fillna("")
    p = []
    for name, of in (("change", names.get(1)), ("year", year.iloc[0] if len(year) else None)):
        columns = [*_PLACE, *_ENDS, "quantile", "of", "definition", "words"]
        then = found.loc[found["period"] == of, columns]
        both = card[columns].merge(then, how="left", on=_PLACE, suffixes=("", "_then"))
        both = both.set_axis(card.index)
        moved = _moved(both, confidence)
        card[f"{name}_note"] = _notes(both)
        apart = card[f"{name}_note"].isin(["another definition", "another discipline"])
        card[[name, f"{name}_low", f"{name}_high"]] = moved[_ENDS].mask(apart)
        p.append(moved["p"].mask(apart))
    settled = stats.adjusted_p(np.concatenate([each.to_numpy("float64") for each in p])) <= 1 - confidence
    card["change_settled"], card["year_settled"] = settled[: len(card)], settled[len(card) :]
    for names, told in (
        (["status", "gap"], [_status(row) for row in card.to_dict("records")]),
        (["report", "section"], [EXPLAINED[measure] for measure in card["measure"]]),
    ):
        card[names] = pd.DataFrame(told, columns=names, index=card.index)
    order = [card["measure"].map({name: at for at, name in enumerate(MEASURES)}), card["segment"], card["channel"]]
    card = card.iloc[np.lexsort([np.asarray(each) for each in order[::-1]])]
    beside = ["period", "definition", "words", "revision", "was", "was_in", "quantile", "alone"]
    return card.drop(columns=beside).reset_index(drop=True)


def _moved(both: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Change with its interval where both have one, and p from the half-width towards 0.

    Half-widths are first those of one interval alone with ``confidence``: divided by the quantile that they were made
    with, times that of the page.
    """
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    ends = []
    for of in ("", "_then"):
        value, low, high = (both[f"{name}{of}"].astype("float64") for name in _ENDS)
        size = quantile / both[f"quantile{of}"].astype("float64").fillna(quantile)
        ends.append(np.column_stack([value, value - size * (value - low), value + size * (high - value)]))
    rows = []
    for now, then in zip(*ends, strict=True):
        change, low, high = stats.difference(now, then)
        away = change - low if change > 0 else high - change
        p = 2 * (1 - NormalDist().cdf(abs(change) / away * quantile)) if away > 0 else np.nan
        rows.append((change, low, high, p))
    return pd.DataFrame(rows, columns=[*_ENDS, "p"], index=both.index)


def _notes(both: pd.DataFrame) -> np.ndarray:
    """Why two figures are not, or not quite, the same thing; empty where they are, or one is not there."""
    there = both["definition"].notna() & both["definition_then"].notna()
    other = there & (both["definition"] != both["definition_then"])
    leads = there & (both["of"] != both["of_then"])
    told = (both["words"].fillna("") != "") & (both["words_then"].fillna("") != "")
    words = there & told & (both["words"] != both["words_then"])
    return np.select([other, leads, words], ["another definition", "another discipline", "reads otherwise"], "")


def _status(row: dict) -> tuple[str, float]:
    """Status of a figure against its target, and how far beyond it is, by the target's size."""
    least = not np.isnan(row["at_least"])
    target = row["at_least"] if least else row["at_most"]
    if np.isnan(target):
        return "no target", np.nan
    if pd.isna(row["value"]):
        return "not on record", np.nan
    side = 1 if least else -1
    gap = side * (row["value"] - target) / (abs(target) or 1)
    ends = [side * (row[end] - target) for end in ("low", "high")]
    if any(np.isnan(end) for end in ends):
        return ("met" if gap >= 0 else "missed"), gap
    if min(ends) >= 0:
        return "met", gap
    if max(ends) < 0:
        return "missed", gap
    return ("met, not for certain" if gap >= 0 else "missed, not for certain"), gap


def remembered(found: pd.DataFrame, card: pd.DataFrame, periods: pd.DataFrame, renamed: pd.DataFrame) -> pd.DataFrame:
    """What a reader of the history must know: periods that are missing, figures restated or defined otherwise, names.

    Measures that are *not told* any more, or *new*, and segments that are *gone* or *new*, are told against the last
    earlier period that is archived; periods are *missing* of the last twelve, after the first that is archived.

    Parameters
    ----------
    found, card
        The results of ``figures`` and ``scorecard``.
    periods, renamed
        The frames of these names.

    Returns
    -------
    DataFrame
        One row a fact: ``kind`` (first period, missing, not told, new measure, restated, another definition, reads
        otherwise, gone, new, renamed), ``period``, ``measure``, ``segment``, ``channel``, ``unit``, ``was``, ``value``
        (of what is restated: first and now, in ``unit``), ``was_in`` (revision that said so first; of what is renamed:
        the old name), ``revision``; what a kind does not have is empty.

    Notes
    -----
    docs/METHODS.md section 7.0.

    Examples
    --------
    >>> found = pd.DataFrame({"period": ["2026Q3", "2026Q2"], "segment": ["b", "a"], "value": [31.0, 30]})
    >>> found = found.assign(measure="nps", channel="", unit="points")
    >>> found = found.assign(was=[np.nan, 28], was_in=["", "r1"], revision=["", "r2"])
    >>> card = pd.DataFrame({"measure": ["nps"], "change_note": "reads otherwise", "year_note": ""})
    >>> periods = pd.DataFrame({"ago": [0, 1], "period": ["2026Q3", "2026Q2"]})
    >>> told = remembered(found, card, periods, pd.DataFrame({"was": [], "now": []}))
    >>> told[["kind", "period", "measure", "segment", "was", "value"]]
                  kind             period measure segment   was  value
    0         restated             2026Q2     nps       a  28.0   30.0
    1  reads otherwise  the period before     nps           NaN    NaN
    2             gone             2026Q2               a   NaN    NaN
    3              new             2026Q2               b   NaN    NaN
    """
    names, archived, rows = periods.sort_values("ago")["period"].tolist(), set(found["period"]), []
    earlier = sorted((name for name in archived if name < names[0]), reverse=True)
    if not earlier:
        rows.append({"kind": "first period", "period": names[0]})
    rows += [
        {"kind": "missing", "period": name}
        for name in names[:0:-1]
        if name not in archived and name > min(archived, default=names[0])
    ]
    measures = [set(found.loc[found["period"] == name, "measure"]) for name in (names[0], *earlier[:1])]
    if len(measures) == 2:
        rows += [
            {"kind": "not told", "measure": m, "period": earlier[0]} for m in MEASURES if m in measures[1] - measures[0]
        ]
        rows += [
            {"kind": "new measure", "measure": m, "period": earlier[0]}
            for m in MEASURES
            if m in measures[0] - measures[1]
        ]
    again = found[found["was"].notna()].sort_values(["period", *_PLACE])
    rows += [row | {"kind": "restated"} for row in again.to_dict("records")]
    for name, of in (("change", "the period before"), ("year", "a year before")):
        for note in ("another definition", "reads otherwise"):
            told = card[card[f"{name}_note"] == note].drop_duplicates("measure")
            rows += [{"kind": note, "measure": measure, "period": of} for measure in told["measure"]]
    ours = ("", stats.OTHER, stats.UNKNOWN)
    sets = [
        set(found.loc[found["period"] == name, "segment"]) - set(ours) for name in (names[0], *earlier[:1])
    ]  # fmt: skip
    if len(sets) == 2:
        rows += [{"kind": "gone", "segment": name, "period": earlier[0]} for name in sorted(sets[1] - sets[0])]
        rows += [{"kind": "new", "segment": name, "period": earlier[0]} for name in sorted(sets[0] - sets[1])]
    for row in renamed.sort_values("was").itertuples():
        rows.append({"kind": "renamed", "segment": row.now, "was_in": row.was})
    columns = ["kind", "period", *_PLACE, "unit", "was", "value", "was_in", "revision"]
    told = pd.DataFrame(rows, columns=columns).drop_duplicates(["kind", "period", *_PLACE], ignore_index=True)
    texts = ["period", *_PLACE, "unit", "was_in", "revision"]
    return told.assign(**{name: told[name].astype("object").fillna("") for name in texts})


# -- months ------------------------------------------------------------------------------------


def series(
    orders: pd.DataFrame,
    answers: pd.DataFrame,
    wishes: pd.DataFrame,
    supplies: pd.DataFrame,
    postings: pd.DataFrame,
    *,
    star_map: str,
    min_n: int,
) -> pd.DataFrame:
    """What is charted by month: of all, by segment, and by supplier.

    Parameters
    ----------
    orders, answers, wishes, supplies, postings
        The frames ``month_orders``, ``month_answers``, ``month_wishes``, ``month_supplies``, ``month_postings``.
    star_map
        As for ``satisfaction.scored``.
    min_n
        Customers (of supplies: lines, of postings: orders) below which a month of a place is left out; where the
        segments left out in a month are fewer than that together, the smallest of the others goes with them.

    Returns
    -------
    DataFrame
        One row a ``measure`` (of ``SERIES``), ``place`` ("(all)", a segment that the grid publishes by itself, a
        supplier) and ``month``: ``value`` (share 0-1, net share -1 to 1, or cents), ``n``, ``second`` (of net shares:
        mean of the squares).

    Notes
    -----
    docs/METHODS.md section 7.2.

    Examples
    --------
    Segment c has too few customers, and b goes with it: else c were all less a and b.

    >>> orders = pd.DataFrame({"month": "2026-07-01", "segment": ["a", "b", "c"], "n_on_time": [45, 38, 10]})
    >>> orders = orders.assign(n_orders=[50, 40, 10], n_customers=[30, 20, 4], net_revenue=9000, n_otif=8)
    >>> orders = orders.assign(**{f"n_{name}": orders["n_orders"] for name in ("priced", "due", "filled")})
    >>> persons = {f"n_customers_{name}": orders["n_customers"] for name in ("priced", "due", "filled")}
    >>> columns = ["month", "segment", "item", "scale", "score", "customer_id", "n", "n_met", "n_customers"]
    >>> none = pd.DataFrame(columns=[*columns, "supplier_id", "n_on_time", "amount"])
    >>> orders = orders.assign(**persons, n_complained=1)
    >>> found = series(orders, none, none, none, none, star_map="five_promotes", min_n=10)
    >>> found.loc[found["measure"] == "on_time", ["place", "value", "n"]].values.tolist()
    [['(all)', 0.93, 100.0], ['a', 0.9, 50.0]]
    """
    counted = orders.astype({name: "float64" for name in orders if name.startswith("n_") or name == "net_revenue"})
    free = counted["n_orders"] - counted["n_complained"]
    told = [
        ("order_value", counted["net_revenue"], counted["n_priced"], counted["n_customers_priced"]),
        ("on_time", counted["n_on_time"], counted["n_due"], counted["n_customers_due"]),
        ("otif", counted["n_otif"], counted["n_filled"], counted["n_customers_filled"]),
        ("free_of_complaint", free, counted["n_orders"].where(free.notna()), counted["n_customers"]),
    ]
    keys = counted[["month", "segment"]]
    parts = [keys.assign(measure=m, k=k, n=n, persons=persons, squares=np.nan) for m, k, n, persons in told]
    scored = satisfaction.scored(answers, star_map=star_map).astype({"value": "float64"})
    groups = scored.groupby(["month", "segment"])
    net = pd.DataFrame({"k": groups["value"].sum(), "n": groups.size(), "persons": groups["person"].nunique()})
    net["squares"] = scored.assign(value=scored["value"] ** 2).groupby(["month", "segment"])["value"].sum()
    parts.append(net.reset_index().assign(measure="nps"))
    parts.append(wishes.rename(columns={"n_met": "k", "n_customers": "persons"}).assign(measure="wishes_met"))
    rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    rows = rows[rows["n"] > 0]
    sums = rows.groupby(["measure", "month"], as_index=False)[["k", "n", "persons", "squares"]].sum()
    shown = _enough(rows, min_n).rename(columns={"segment": "place"})
    rows = pd.concat([sums.assign(place=ALL), shown[~shown["place"].isin([stats.OTHER, stats.UNKNOWN])]])
    lines = supplies.rename(columns={"n_on_time": "k", "supplier_id": "place"})
    placed = counted.groupby("month", as_index=False)["n_orders"].sum()
    placed = placed[placed["n_orders"] > 0]
    spent = postings.merge(placed, on="month").rename(columns={"amount": "k", "n_orders": "n"})
    rest = [lines.assign(measure="supplies", persons=lines["n"]), spent.assign(measure="postings", place=ALL)]
    rows = pd.concat([rows, *[part.assign(persons=part["n"]) for part in rest if len(part)]], ignore_index=True)
    rows = rows[rows["persons"] >= min_n]
    found = rows.assign(value=rows["k"].astype("float64") / rows["n"], second=rows["squares"] / rows["n"])
    return found[["measure", "place", "month", "value", "n", "second"]].sort_values(
        ["measure", "place", "month"], ignore_index=True
    )


def _enough(rows: pd.DataFrame, min_n: int) -> pd.DataFrame:
    """Rows of a month that enough persons stand behind, so that those left out are enough together, or nobody."""
    few, by = rows["persons"] < min_n, [rows["measure"], rows["month"]]
    hidden = rows["persons"].where(few, 0).groupby(by).transform("sum")
    size = rows["persons"].where(~few).groupby(by).rank(method="first")
    return rows[~few & ~((hidden > 0) & (hidden < min_n) & (size == 1))]


def charts(points: pd.DataFrame, decisions: pd.DataFrame, *, rules: Sequence[int] = ()) -> pd.DataFrame:
    """Each series against the limits of the months before it: ``control.chart`` of them all.

    Where a decision says that it begins the limits of a measure anew (``rebases``), for its segments, or if it names
    none for all of them and all together, months from its own on are a piece of their own.

    Parameters
    ----------
    points
        The result of ``series``.
    decisions
        The frame ``decisions``; of it ``name``, ``month``, ``where`` and ``rebases`` (both JSON) are read.
    rules
        Further rules of Nelson, by their numbers 2 to 8.

    Returns
    -------
    DataFrame
        ``points`` with the columns of ``control.chart``, ``kind`` (values, shares or scores), ``piece`` (0, 1, ...) and
        ``rebased`` (the decision that its limits began anew with, or empty).

    Raises
    ------
    DataError
        If there is no such rule.

    Notes
    -----
    docs/METHODS.md section 7.2.

    Examples
    --------
    Prices triple after a year: twelve months outside, and none where a decision says so.

    >>> points = pd.DataFrame({"value": [10.0, 11] * 6 + [30.0, 31] * 6, "measure": "order_value", "place": ALL})
    >>> points = points.assign(n=900, second=np.nan, month=pd.date_range("2025-01-01", periods=24, freq="MS").date)
    >>> prices = {"name": "new prices", "month": points["month"][12], "where": "{}", "rebases": '["order_value"]'}
    >>> decisions = pd.DataFrame([prices])
    >>> [int(charts(points, each)["outside"].sum()) for each in (decisions[:0], decisions)]
    [12, 0]
    """
    parts = []
    for (measure, place), mine in points.groupby(["measure", "place"], sort=False):
        mine = mine.sort_values("month")
        begins = [row for row in decisions.sort_values("month").to_dict("records") if _rebases(row, measure, place)]
        piece = np.searchsorted([row["month"] for row in begins], mine["month"].to_numpy(), side="right")
        for number in sorted(set(piece)):
            own = control.chart(mine[piece == number], kind=SERIES[measure], rules=rules)
            name = begins[number - 1]["name"] if number else ""
            parts.append(own.assign(kind=SERIES[measure], piece=number, rebased=name))
    if parts:
        return pd.concat(parts, ignore_index=True)
    return control.chart(points, kind="values").assign(kind="", piece=0, rebased="")


def _rebases(decision: dict, measure: str, place: str) -> bool:
    named = json.loads(decision["where"]).get("segment")
    return measure in json.loads(decision["rebases"]) and (not named or place in named)


def expected_alarms(
    charted: pd.DataFrame, *, first: object, last: object, rng: np.random.Generator, rules: Sequence[int] = ()
) -> dict[str, float]:
    """How many signals the months from ``first`` to ``last`` would give if nothing ever happened.

    Parameters
    ----------
    charted
        The result of ``charts``.
    first, last
        Days that months (first days) are compared with, both included.
    rng
        Of the noise; 1,000 draws of each series.
    rules
        Those of ``charts``.

    Returns
    -------
    dict
        ``expected`` (signals), ``n_months`` (judged, over all series), ``n_series``.

    Notes
    -----
    docs/METHODS.md section 7.2, by ``control.false_alarms`` of each series. Autocorrelation, seasons and skew make
    more.

    Examples
    --------
    Three months, each with about 1 or 2 false alarms in 100.

    >>> points = pd.DataFrame({"value": [10.0, 11] * 12, "measure": "order_value", "place": ALL, "n": 900, "second": 0})
    >>> points = points.assign(month=pd.date_range("2025-01-01", periods=24, freq="MS"))
    >>> charted = charts(points, pd.DataFrame(columns=["name", "month", "where", "rebases"]))
    >>> month, noise = points["month"], np.random.default_rng(1)
    >>> expected_alarms(charted, first=month[21], last=month[23], rng=noise)
    {'expected': 0.066, 'n_months': 3, 'n_series': 1}
    """
    expected, months, seen = 0.0, 0, set()
    for (measure, place, _), mine in charted.groupby(["measure", "place", "piece"]):
        inside = (mine["month"] >= first) & (mine["month"] <= last)
        judged = inside & mine["z"].notna()
        if not judged.any():
            continue
        rates = control.false_alarms(mine, kind=mine["kind"].iloc[0], rng=rng, rules=rules)
        expected += rates[inside.to_numpy()].sum()
        months, seen = months + int(judged.sum()), seen | {(measure, place)}
    return {"expected": float(expected), "n_months": months, "n_series": len(seen)}


def untold(charted: pd.DataFrame, *, rules: Sequence[int] = ()) -> pd.DataFrame:
    """What charts do not say: months that are missing, limits that began anew, rules that a series is too short for.

    Parameters
    ----------
    charted
        The result of ``charts``.
    rules
        Those of ``charts``.

    Returns
    -------
    DataFrame
        One row a fact: ``kind`` (gap: ``month`` of all together that is missing between others; anew: ``name`` of the
        decision, ``month`` from which, ``n`` months judged since; short: ``name`` of the rule, ``n`` series that have
        fewer judged months than it looks at), ``measure``, ``place``.

    Notes
    -----
    docs/METHODS.md section 7.2.

    Examples
    --------
    Of 24 months one is missing. The first ten are not judged: 13 are, fewer than the 14 that rule 4 looks at.

    >>> points = pd.DataFrame({"value": [10.0, 11] * 12, "measure": "order_value", "place": ALL, "n": 900, "second": 0})
    >>> points = points.assign(month=pd.date_range("2025-01-01", periods=24, freq="MS")).drop(index=5)
    >>> charted = charts(points, pd.DataFrame(columns=["name", "month", "where", "rebases"]))
    >>> told = untold(charted, rules=[4])
    >>> told["kind"].tolist(), told["month"][0], told["n"][1].item()
    (['gap', 'short'], '2025-06', 1.0)
    """
    rows = []
    for (measure, place), mine in charted.groupby(["measure", "place"], sort=False):
        at = pd.PeriodIndex(pd.to_datetime(mine["month"]), freq="M")
        if place == ALL:
            gone = pd.period_range(at.min(), at.max(), freq="M").difference(at)
            rows += [{"kind": "gap", "measure": measure, "place": place, "month": str(each)} for each in gone]
        for (name, _), own in mine[mine["rebased"] != ""].groupby(["rebased", "piece"], sort=False):
            told = {
                "kind": "anew",
                "name": name,
                "month": str(own["month"].min())[:7],
                "n": int(own["z"].notna().sum()),
            }
            rows.append(told | {"measure": measure, "place": place})
    judged = charted.groupby(["measure", "place", "piece"])["z"].count() if len(charted) else pd.Series(dtype="int64")
    for rule in rules:
        if number := int((judged < control.NELSON[rule]).sum()):
            rows.append({"kind": "short", "name": str(rule), "n": number, "measure": "", "place": ""})
    return pd.DataFrame(rows, columns=["kind", "measure", "place", "month", "name", "n"])


def signals(charted: pd.DataFrame) -> pd.DataFrame:
    """Months that are more than noise, the newest first, and what signals beside them.

    Parameters
    ----------
    charted
        The result of ``charts``.

    Returns
    -------
    DataFrame
        One row a series and month that breaks a rule: ``month``, ``measure``, ``place``, ``value``, ``low``, ``high``
        (as of ``charts``), ``z``, ``rule`` (outside its limits, drift, or the rules of Nelson), ``direction`` (better
        or worse; empty of Nelson's rules 3, 4, 7 and 8, which have no side), ``linked`` (measures and months of
        service, or of NPS, that signal the same way in the same place: NPS with service of the same month or the one
        before it), ``rebased``.

    Notes
    -----
    docs/METHODS.md section 7.2.

    Examples
    --------
    Deliveries were late in January 2026, and answers fell in February.

    >>> service = pd.DataFrame({"value": [0.90, 0.91] * 6 + [0.6, 0.9], "measure": "on_time", "second": np.nan})
    >>> answers = pd.DataFrame({"value": [0.40, 0.41] * 6 + [0.4, 0.05], "measure": "nps", "second": 0.7})
    >>> months = pd.concat([each.assign(month=pd.date_range("2025-01-01", periods=14, freq="MS"), place=ALL, n=2500)
    ...                     for each in (service, answers)])
    >>> charted = charts(months, pd.DataFrame(columns=["name", "month", "where", "rebases"]))
    >>> signals(charted)[["measure", "value", "low", "rule", "direction", "linked"]].round(2)
       measure  value   low                rule direction           linked
    0      nps   0.05  0.36  outside its limits     worse  on_time 2026-01
    1  on_time   0.60  0.89  outside its limits     worse      nps 2026-02
    """
    rules = np.select([charted["outside"], charted["drift"]], ["outside its limits", "drift"], "")
    named = np.where(charted["nelson"] != "", "rule " + charted["nelson"].astype("str") + " of Nelson", rules)
    sided = (rules != "") | charted["nelson"].str.contains("[256]", regex=True)
    found = charted.assign(rule=np.where(rules != "", rules, named), sided=sided)
    found = found[found["rule"] != ""]
    up, less = found["z"] > 0, found["measure"].isin(_LESS)
    found = found.assign(direction=np.select([~found["sided"], up != less], ["", "better"], "worse"))
    found = found.assign(linked=_linked(found))
    order = ["month", "measure", "place"]
    found = found.sort_values(order, ascending=[False, True, True], ignore_index=True)
    return found[[*order, "value", "low", "high", "z", "rule", "direction", "linked", "rebased"]]


def _linked(found: pd.DataFrame) -> list[str]:
    """For each signal those beside it, as "measure month"."""
    month = [pd.Timestamp(day).to_period("M") for day in found["month"]]
    rows = list(zip(found["measure"], found["place"], month, found["direction"], strict=True))
    told = []
    for measure, place, at, direction in rows:
        beside = []
        for other, where, then, way in rows:
            scores, service = (at, then) if measure == "nps" else (then, at)
            both = (measure == "nps" and other in _SERVICE) or (measure in _SERVICE and other == "nps")
            if both and where == place and way == direction and 0 <= (scores - service).n <= 1:
                beside.append(f"{other} {then}")
        told.append(", ".join(sorted(beside, key=lambda each: (each[-7:], each))))
    return told


# -- decisions ---------------------------------------------------------------------------------


def decided(
    decisions: pd.DataFrame,
    rows: pd.DataFrame,
    found: pd.DataFrame,
    periods: pd.DataFrame,
    *,
    as_of: object,
) -> pd.DataFrame:
    """What was expected of each decision, what came, and the verdict.

    Parameters
    ----------
    decisions, rows, periods
        The frames ``decisions``, ``key_figures`` and ``periods``.
    found
        The result of ``figures``.
    as_of
        Day of knowledge.

    Returns
    -------
    DataFrame
        ``decisions`` that have begun, in chains, each row after the one it follows, with ``chain`` (name of its first)
        and ``step`` (from 1); ``came``, ``came_low``, ``came_high`` (unit of the measure), ``how`` ("against where it
        does not hold", "before and after", or empty), ``unit``; ``verdict`` (kept, missed, too early, not measurable),
        ``why`` it is not measurable; where an earlier report first said otherwise what was expected, or when to look:
        ``told_in`` (its period), ``told_before`` (the change then), ``told_measure``, and ``moved`` (what is other now:
        the change, its ends, the measure, the check date, all of it).

    Notes
    -----
    docs/METHODS.md section 7.4. *Before and after* has nothing to compare with.

    Examples
    --------
    On time rose from 0.80 to 0.90 where 5 to 15 points were expected.

    >>> row = {"report": "nps_supply_chain", "figure_id": "on_time", "segment": "a", "unit": "share"}
    >>> row |= dict.fromkeys(["channel", "definition_id", "cohort", "words", "revision", "was_in"], "")
    >>> rows = pd.DataFrame([row, row]).assign(period=["2025Q4", "2026Q2"], value=[0.8, 0.9], was=np.nan, n=900)
    >>> rows = rows.assign(low=rows["value"] - 0.02, high=rows["value"] + 0.02, confidence=0.95)
    >>> decision = {"name": "night shift", "begun": True, "starts": "2026-02-01", "where": '{"segment": ["a"]}'}
    >>> decision |= {"follows": "", "measure": "on_time", "change": 0.1, "low": 0.05, "high": 0.15}
    >>> decision |= {"check_on": "2026-06-30", "check_period": "2026Q2", "begun_period": "2026Q1"}
    >>> decisions = pd.DataFrame([decision | {"before_period": "2025Q4"}])
    >>> found, periods = figures(rows, pd.DataFrame({"was": [], "now": []})), pd.DataFrame({"period": ["2026Q3"]})
    >>> told = decided(decisions, rows, found, periods, as_of="2026-10-22")
    >>> told[["name", "came", "came_low", "came_high", "how", "verdict"]].round(3)
              name  came  came_low  came_high               how verdict
    0  night shift   0.1     0.072      0.128  before and after    kept
    """
    told = []
    for row in decisions[decisions["begun"].astype(bool)].to_dict("records"):
        came = {"came": np.nan, "came_low": np.nan, "came_high": np.nan, "how": "", "unit": "", "why": ""}
        came |= _before(row, rows) | {"verdict": "not measurable"}
        if pd.isna(row["change"]):
            came["why"] = "nothing was expected of it"
        elif row["check_on"] >= as_of or row["check_period"] > periods["period"].iloc[0]:
            came["verdict"] = "too early"
        else:
            came |= _came(row, rows, found)
            came |= _verdict(row, came) if not came["why"] else {}
        told.append(row | came)
    columns = [*decisions.columns, "came", "came_low", "came_high", "how", "unit", "why", "told_in", "told_before"]
    columns += ["told_measure", "moved"]
    return _chained(pd.DataFrame(told, columns=[*columns, "verdict"]))


def _before(row: dict, rows: pd.DataFrame) -> dict:
    """What the first report that told of a decision said was expected, where that is not what is declared now."""
    none = {"told_in": "", "told_before": np.nan, "told_measure": "", "moved": ""}
    then = {name: _first(rows, f"{name}_{satisfaction.slug(row['name'])}") for name in ("expected_of", "check_of")}
    first = then["expected_of"]
    if first is None:
        return none
    value = first["value"] if pd.isna(first["was"]) else first["was"]
    if pd.isna(row["change"]):
        moved = ["all of it"]
    else:
        pairs = {"the change": (value, row["change"]), "its lower end": (first["low"], row["low"])}
        pairs |= {"its upper end": (first["high"], row["high"]), "the measure": (first["unit"], row["measure"])}
        if then["check_of"] is not None:
            day = then["check_of"]["value"] if pd.isna(then["check_of"]["was"]) else then["check_of"]["was"]
            pairs["the check date"] = (day, _number(row["check_on"]))
        moved = [name for name, (was, now) in pairs.items() if was != now and not (pd.isna(was) and pd.isna(now))]
    if not moved:
        return none
    return {"told_in": first["period"], "told_before": value, "told_measure": first["unit"], "moved": ", ".join(moved)}


def _first(rows: pd.DataFrame, name: str) -> pd.Series | None:
    mine = rows[(rows["report"] == OWN) & (rows["figure_id"] == name)].sort_values("period")
    return mine.iloc[0] if len(mine) else None


def _number(day: object) -> float:
    """A day as a number that can be read: 20260630."""
    return float(f"{pd.Timestamp(day):%Y%m%d}")


def _came(row: dict, rows: pd.DataFrame, found: pd.DataFrame) -> dict:
    """The figure of what came, or why there is none."""
    if row["measure"] in ("late", "nps"):
        name = f"decided_{row['measure']}_{satisfaction.slug(row['name'])}"
        own = rows[(rows["period"] == row["check_period"]) & (rows["figure_id"] == name)]
        own = own[~own["report"].str.contains(".", regex=False)]
        if own.empty:
            return {"why": "no report of its check period compares it"}
        ends = own.iloc[0]
        how = {"how": "against where it does not hold", "unit": ends["unit"]}
        return how | {"came": ends["value"], "came_low": ends["low"], "came_high": ends["high"]}
    where = json.loads(row["where"])
    if row["check_period"] <= row["begun_period"]:
        return {"why": "its check period began before it did"}
    if "segment" not in where or set(where) - {"segment", "channel"} or any(len(x) > 1 for x in where.values()):
        return {"why": "the scorecard has no figure of where it holds"}
    mine = found[found["measure"] == row["measure"]]
    for name in ("segment", "channel"):
        mine = mine[mine[name] == (where[name][0] if name in where else "")]
    both = [mine[mine["period"] == row[name]] for name in ("check_period", "before_period")]
    if any(each.empty for each in both):
        return {"why": "a report of before it, or of its check period, is not there"}
    now, then = (each.iloc[0] for each in both)
    if now["definition"] != then["definition"] or now["of"] != then["of"]:
        return {"why": "its figure is defined otherwise than before"}
    known = now[_ENDS].notna().all() and then[_ENDS].notna().all()
    if not known and now["unit"] not in ("cents", "floors"):
        return {"why": "its figure has no interval"}
    ends = stats.difference(now[_ENDS].tolist(), then[_ENDS].tolist()) if known else (now["value"] - then["value"],)
    ends = [*ends, np.nan, np.nan][:3]
    came = dict(zip(("came", "came_low", "came_high"), ends, strict=True))
    return came | {"how": "before and after", "unit": now["unit"]}


def _verdict(row: dict, came: dict) -> dict:
    """Kept if something came on the side that was expected, and not less than was expected for certain."""
    side = 1 if row["change"] > 0 else -1
    exact = np.isnan(came["came_low"])  # a sum of all orders
    ends = (came["came"],) * 3 if exact else (came["came"], came["came_low"], came["came_high"])
    expected = (row["change"],) * 3 if pd.isna(row["low"]) else (row["change"], row["low"], row["high"])
    _, low, high = stats.difference(ends, expected)
    if max(side * low, side * high) < 0:
        return {"verdict": "missed"}
    if min(side * end for end in ends) > 0:
        return {"verdict": "kept"}
    return {"verdict": "not measurable", "why": "what came may be nothing, and may be what was expected"}


def _chained(told: pd.DataFrame) -> pd.DataFrame:
    """Decisions in chains: each after the one that it follows, chains by the day that they began."""
    before, begun = told.set_index("name")["follows"].to_dict(), told.set_index("name")["starts"].to_dict()

    def path(name: str) -> list[str]:
        follows = before.get(name) or ""
        return [*(path(follows) if follows in before else []), name]

    paths = [path(name) for name in told["name"]]
    told = told.assign(chain=[each[0] for each in paths], step=[len(each) for each in paths])
    order = sorted(range(len(told)), key=lambda at: [(begun[name], name) for name in paths[at]])
    return told.iloc[order].reset_index(drop=True)


def withdrawn(decisions: pd.DataFrame, rows: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """Decisions that an earlier report expected something of and that are declared no more.

    Parameters
    ----------
    decisions, rows, periods
        The frames ``decisions``, ``key_figures`` and ``periods``.

    Returns
    -------
    DataFrame
        One row each: ``decision`` (as in its figure's id), ``period`` that last told of it, ``value`` (expected
        change), ``unit`` (the measure that it was expected of).

    Notes
    -----
    docs/METHODS.md section 7.4.

    Examples
    --------
    >>> ids = ["expected_of_night_shift", "expected_of_new_van"]
    >>> rows = pd.DataFrame({"report": OWN, "period": "2026Q2", "figure_id": ids, "value": [0.1, 0.05]})
    >>> rows = rows.assign(unit="on_time")
    >>> withdrawn(pd.DataFrame({"name": ["Night shift"]}), rows, pd.DataFrame({"period": ["2026Q3"]}))
      decision  period  value     unit
    0  new van  2026Q2   0.05  on_time
    """
    known = {f"expected_of_{satisfaction.slug(name)}" for name in decisions["name"]}
    old = rows[(rows["report"] == OWN) & rows["figure_id"].str.startswith("expected_of_")]
    gone = old[~old["figure_id"].isin(known) & (old["period"] < periods["period"].iloc[0])]
    gone = gone.sort_values("period").drop_duplicates("figure_id", keep="last")
    named = gone["figure_id"].str.removeprefix("expected_of_").str.replace("_", " ")
    return gone.assign(decision=named)[["decision", "period", "value", "unit"]].reset_index(drop=True)


def calibration(told: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """How good were expectations? Over all decisions with a figure of what came.

    Parameters
    ----------
    told
        The result of ``decided``; of it ``change``, ``low``, ``high``, ``came``, ``came_low``, ``came_high`` are read.
    confidence
        Coverage of the interval of each share.

    Returns
    -------
    DataFrame
        Two rows: ``k`` of ``n`` decisions, ``what`` ("the expected interval holds what came", "expected and came do not
        differ for certain"), ``share`` (0-1), ``share_low``, ``share_high`` (Wilson). Decisions of which no interval
        was expected are in neither, those that came without one in the first alone.

    Notes
    -----
    docs/METHODS.md section 7.4.

    Examples
    --------
    Of two decisions one came below the interval in which it was expected, but not for certain.

    >>> told = pd.DataFrame({"change": [5.0, 5], "low": [2.0, 4], "high": [8.0, 6], "came": [4.0, 3]})
    >>> calibration(told.assign(came_low=[3.0, 1], came_high=[5.0, 5]))[["k", "n", "share"]].values.tolist()
    [[1.0, 2.0, 0.5], [2.0, 2.0, 1.0]]
    """
    known = told[told["came"].notna() & told["change"].notna()]
    foretold = known[known["low"].notna()]
    inside = (foretold["low"] <= foretold["came"]) & (foretold["came"] <= foretold["high"])
    both = foretold[foretold["came_low"].notna()]
    apart = [
        stats.difference(came, expected)
        for came, expected in zip(
            both[["came", "came_low", "came_high"]].to_numpy("float64"),
            both[["change", "low", "high"]].to_numpy("float64"),
            strict=True,
        )
    ]
    holds = sum(low <= 0 <= high for _, low, high in apart)
    counts = pd.DataFrame({"k": [int(inside.sum()), holds], "n": [len(foretold), len(both)]})
    names = ["the expected interval holds what came", "expected and came do not differ for certain"]
    return stats.share(counts.assign(what=names), confidence=confidence)


def drivers(card: pd.DataFrame, found: pd.DataFrame, reports: Sequence[str], *, first: object) -> pd.DataFrame:
    """Each red figure, and the report and section that explain it.

    Parameters
    ----------
    card, found
        The results of ``scorecard`` and ``signals``.
    reports
        Names of the reports of this pack.
    first
        First day of the period; signals of earlier months are no drivers.

    Returns
    -------
    DataFrame
        One row a measure and place, in the order of the card, then those that are signalled alone: ``measure``,
        ``segment`` (of supplies: the supplier), ``channel``, ``red`` (list: missed; worse than the period before, or
        than a year before, for certain; signalled by month), ``report`` and ``section`` (empty where the report is not
        in the pack).

    Notes
    -----
    docs/METHODS.md section 7.3. What is *missed, not for certain* is not red.

    Examples
    --------
    >>> card = pd.DataFrame({"measure": ["margin", "nps"], "segment": "", "channel": "", "status": ["missed", "met"]})
    >>> card = card.assign(better=1, change=[-9.0, 2], change_settled=True, year=np.nan, year_settled=False)
    >>> card = card.assign(report=["cost_to_serve", "nps_supply_chain"], section=["3.5", "2.8"])
    >>> found = pd.DataFrame({"month": ["2026-08-01"], "measure": "otif", "place": "a", "direction": "worse"})
    >>> red = drivers(card, found, ["cost_to_serve", "nps_supply_chain"], first="2026-07-01")
    >>> red[["measure", "segment", "red", "report", "section"]].values.tolist()[0]
    ['margin', '', ['missed', 'worse than the period before'], 'cost_to_serve', '3.5']
    >>> red[["measure", "segment", "red", "report", "section"]].values.tolist()[1]
    ['otif', 'a', ['signalled by month'], 'nps_supply_chain', '2.2']
    """
    rows = []
    for row in card.to_dict("records"):
        told = ["missed"] * (row["status"] == "missed")
        for name, words in (("change", "worse than the period before"), ("year", "worse than a year before")):
            told += [words] * bool(row[f"{name}_settled"] and row[name] * row["better"] < 0)
        if told:
            rows.append({name: row[name] for name in (*_PLACE, "report", "section")} | {"red": told})
    now = found[(found["month"] >= first) & (found["direction"] == "worse")]
    for (measure, place), _ in now.groupby(["measure", "place"]):
        segment = "" if place == ALL else place
        same = [row for row in rows if (row["measure"], row["segment"], row["channel"]) == (measure, segment, "")]
        if same:
            same[0]["red"].append("signalled by month")
            continue
        report, section = EXPLAINED[measure]
        row = {"measure": measure, "segment": segment, "channel": "", "red": ["signalled by month"]}
        rows.append(row | {"report": report, "section": section})
    told = pd.DataFrame(rows, columns=[*_PLACE, "red", "report", "section"])
    there = told["report"].isin(list(reports))
    return told.assign(report=told["report"].where(there, ""), section=told["section"].where(there, ""))


def key_figures(card: pd.DataFrame, found: pd.DataFrame, alarms: dict, told: pd.DataFrame, *, first) -> pd.DataFrame:
    """Key figures of the report, in the columns of ``figures.parquet``.

    Targets missed, signals of the period, decisions kept, and what is expected of each decision and when to look, for
    later periods to hold against what came.

    Parameters
    ----------
    card, found, alarms, told
        The results of ``scorecard``, ``signals``, ``expected_alarms`` and ``decided``.
    first
        First day of the period.

    Returns
    -------
    DataFrame
        One row a figure: ``figure_id``, ``definition_id`` (section), ``cohort``, ``segment`` and ``channel`` (empty:
        all), ``value``, ``low``, ``high``, ``n`` (targets with a figure, months judged, or decisions judged), ``unit``
        (targets, signals, share; of an expectation its measure; of a check date: day, as 20260630). A figure whose
        ``n`` is 0 is left out.

    Notes
    -----
    docs/METHODS.md sections 7.1, 7.2 and 7.4.

    Examples
    --------
    >>> card = pd.DataFrame({"status": ["missed", "met", "no target"]})
    >>> found = pd.DataFrame({"month": ["2026-08-01", "2026-06-01"]})
    >>> told = {"name": "Night shift", "verdict": "kept", "change": 0.1, "low": 0.05, "high": 0.15}
    >>> told = pd.DataFrame([told | {"measure": "on_time", "check_on": "2026-06-30"}])
    >>> kept = key_figures(card, found, {"n_months": 7}, told, first="2026-07-01")
    >>> kept[["figure_id", "definition_id", "value", "n", "unit"]]
                     figure_id definition_id       value     n     unit
    0           targets_missed           7.1         1.0     2  targets
    1                  signals           7.2         1.0     7  signals
    2           decisions_kept           7.4         1.0     1    share
    3  expected_of_night_shift           7.4         0.1  <NA>  on_time
    4     check_of_night_shift           7.4  20260630.0  <NA>      day
    """
    asked = card[~card["status"].isin(["no target", "not on record"])]
    rows = []
    if len(asked):
        rows.append(
            ("targets_missed", "7.1", int((asked["status"] == "missed").sum()), np.nan, np.nan, len(asked), "targets")
        )
    if alarms["n_months"]:
        number = int((found["month"] >= first).sum())
        rows.append(("signals", "7.2", number, np.nan, np.nan, alarms["n_months"], "signals"))
    judged = told[told["verdict"].isin(["kept", "missed"])]
    if len(judged):
        share = float((judged["verdict"] == "kept").mean())
        rows.append(("decisions_kept", "7.4", share, np.nan, np.nan, len(judged), "share"))
    for row in told[told["change"].notna()].to_dict("records"):
        name = f"expected_of_{satisfaction.slug(row['name'])}"
        rows.append((name, "7.4", row["change"], row["low"], row["high"], pd.NA, row["measure"]))
        name = f"check_of_{satisfaction.slug(row['name'])}"
        rows.append((name, "7.4", _number(row["check_on"]), np.nan, np.nan, pd.NA, "day"))
    columns = ["figure_id", "definition_id", "value", "low", "high", "n", "unit"]
    kept = pd.DataFrame(rows, columns=columns).assign(cohort="orders", segment="", channel="")
    return kept[["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]]

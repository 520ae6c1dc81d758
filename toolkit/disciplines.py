"""Is each segment served by one clear value discipline, above every threshold? Floors, indices, what is felt, room."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit import service, stats

ORDER_MEASURES = ("cost_per_order", "lead_time_sd", "perfect", "standard_share", "tailored_share", "nps")  # by channel
LEADS = ("operational_excellence", "customer_intimacy", "product_leadership")
_CUT = (-0.5, 1.5)  # values of a measure beyond which it says no more
_DRAWS, _WEIGHTS = 1000, 2000
_HANGS = 0.9  # share of weights under which a lead must hold
_HALF = 0.5  # of a discipline's weight that must be known for it to be compared
_DAY = 86_400
_QUARTER, _YEAR = range(89, 94), 4  # days; quarters
_NO_SEGMENTS = {stats.OTHER, stats.UNKNOWN}
_PARTS = ["numerator", "denominator", "square"]


_ARRIVAL = (("deliveries", "delivered_at"), ("deliveries", "promised_by"))
_NEEDS = {  # what a measure is told from: tables with their columns ("": the table)
    **dict.fromkeys(["on_time", "in_full", "otif", "perfect", "line_fill"], _ARRIVAL),
    "free_of_complaint": (("service_events", ""),),
    "answered_in_time": (("service_events", "answered_at"),),
    "ranged": (("shopping_intents", ""),),
    "cost_per_order": (("activities", ""),),
    "lead_time_sd": (("deliveries", "delivered_at"),),
    **dict.fromkeys(["standard_share", "tailored_share"], (("agreements", ""), ("orders", "agreement_id"))),
    "campaign_repeats": (("campaigns", "template_id"),),
    "categories": (("products", "category"),),
}


def lacking(unlocks: pd.DataFrame, *, assumed: bool = False) -> set[str]:
    """Measures and floors that nothing on record tells.

    Parameters
    ----------
    unlocks
        The frame ``unlocks``: ``table``, and ``columns`` that it lacks ("": the whole table).
    assumed
        Is handling assumed where no activities are recorded? Then cost to serve is told all the same.

    Returns
    -------
    set
        Names of measures, as ``disciplines.yaml`` and the floors of ``targets.yaml`` have them.

    Notes
    -----
    docs/METHODS.md sections 6.1 and 6.2.

    Examples
    --------
    >>> sorted(lacking(pd.DataFrame({"table": ["products"], "columns": ["brand, category"]})))
    ['categories']
    """
    absent = dict(zip(unlocks["table"], unlocks["columns"], strict=True))

    def gone(table: str, column: str) -> bool:
        return table in absent and (absent[table] == "" or column in absent[table].split(", "))

    found = {name for name, told in _NEEDS.items() if any(gone(*each) for each in told)}
    return found - {"cost_per_order"} if assumed else found


# -- floors ----------------------------------------------------------------------------------------


def thresholds(
    floors: pd.DataFrame,
    frames: Mapping[str, pd.DataFrame],
    *,
    min_n: int,
    untold: Set[str] = frozenset(),
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Does every customer get what everyone may expect?

    Parameters
    ----------
    floors
        The frame ``floors``.
    frames
        The frames ``order_service``, ``orders``, ``contacts`` and ``wishes`` by their names; the segments are those of
        ``orders``.
    min_n
        A floor that fewer customers stand behind has no verdict.
    untold
        The result of ``lacking``.
    confidence
        That the intervals hold together with (Bonferroni).

    Returns
    -------
    DataFrame
        One row a floor and segment (one that names none is asked of each): ``measure``, ``segment``, ``channel``,
        ``department``, ``hours``, ``at_least``, ``n`` (orders, answers or wishes), ``value`` (share, 0-1) with ends,
        ``verdict``: "failed", "kept", "not settled", "too few to say", "not on record".

    Notes
    -----
    docs/METHODS.md section 6.1.

    Examples
    --------
    Of fifty wishes of as many persons forty were for articles in the range; the interval lies below 0.95 and above 0.6:

    >>> wishes = pd.DataFrame({"person": range(50), "segment": "a", "outcome": ["not_ranged"] * 10 + ["bought"] * 40})
    >>> floors = pd.DataFrame({"measure": "ranged", "at_least": [0.95, 0.6, 0.8], "segment": "", "channel": ""})
    >>> told = {"orders": wishes, "wishes": wishes}
    >>> found = thresholds(floors.assign(department="", hours=24), told, min_n=10)
    >>> found[["segment", "at_least", "n", "value", "value_low", "value_high", "verdict"]].round(2)
      segment  at_least   n  value  value_low  value_high      verdict
    0       a      0.95  50    0.8       0.64         0.9       failed
    1       a      0.60  50    0.8       0.64         0.9         kept
    2       a      0.80  50    0.8       0.64         0.9  not settled
    """
    segments = sorted(set(frames["orders"]["segment"]) - _NO_SEGMENTS)
    wanted = [
        row | {"segment": segment}
        for row in floors.to_dict("records")
        for segment in ([row["segment"]] if row["segment"] else segments)
    ]
    of_all = {"n": pd.NA, "value": np.nan, "value_low": np.nan, "value_high": np.nan}
    told = [None if row["measure"] in untold else _floor(row, frames) for row in wanted]
    known = [rows is not None and rows["person"].nunique() >= min_n for rows in told]
    usual = _usual([rows for rows, some in zip(told, known, strict=True) if some])
    found = []
    for row, rows, some in zip(wanted, told, known, strict=True):
        if not some:
            found.append(row | of_all | {"verdict": "not on record" if rows is None else "too few to say"})
            continue
        level = {"confidence": confidence, "family": len(wanted), "usual": usual}
        rate = _shares(rows.assign(all=""), by=["all"], **level).iloc[0]
        low, high = float(rate["share_low"]), float(rate["share_high"])
        verdict = "failed" if high < row["at_least"] else "kept" if low >= row["at_least"] else "not settled"
        found.append(
            row
            | {"n": int(rate["n"]), "value": float(rate["share"]), "value_low": low, "value_high": high}
            | {"verdict": verdict}
        )
    columns = ["measure", "segment", "channel", "department", "hours", "at_least", "n", "value", "value_low",
               "value_high", "verdict"]  # fmt: skip
    return pd.DataFrame(found, columns=columns).astype({"n": "Int64"})


def _shares(
    rows: pd.DataFrame, *, by: Sequence[str], confidence: float, family: int, usual: float = np.inf
) -> pd.DataFrame:
    """``share`` by group with Wilson's interval, the denominators divided by the design effect of persons.

    ``rows``: ``by``, ``person``, ``numerator``, ``denominator``; gives ``n`` (sum of these) and ``n_customers`` too.
    ``usual``: correlation within persons, for groups of which all or none count; none known: as if persons were alone.
    """
    totals = rows.groupby([*by, "person"], as_index=False)[["numerator", "denominator"]].sum()
    found = []
    for key, own in totals.groupby(by):
        k, n = own["numerator"].sum(), own["denominator"].sum()
        each, effect = _person_size(own), _effect(own)
        if np.isnan(effect):
            effect = min(1 + (each - 1) * usual, each) if each > 1 else 1.0
        found.append((*key, int(n), len(own), k / n, k / effect, n / effect))
    told = pd.DataFrame(found, columns=[*by, "n_all", "n_customers", "p", "k", "n"])
    told = stats.share(told, confidence=confidence, family=max(family, 1))
    return told.assign(n=told["n_all"], share=told["p"]).drop(columns=["n_all", "p", "k"])


def _person_size(totals: pd.DataFrame) -> float:
    """What a person counts, weighted by it."""
    return float((totals["denominator"] ** 2).sum() / totals["denominator"].sum())


def _effect(totals: pd.DataFrame) -> float:
    """Design effect of persons, never below 1; missing where all or none count, and nothing tells it."""
    n, people = totals["denominator"].sum(), len(totals)
    p = totals["numerator"].sum() / n
    if not 0 < p < 1:
        return np.nan
    residual = float(((totals["numerator"] - p * totals["denominator"]) ** 2).sum()) * people / max(people - 1, 1)
    return max(residual / (n * p * (1 - p)), 1.0)


def _usual(floors: Sequence[pd.DataFrame]) -> float:
    """Median correlation within persons of those floors that tell one; infinite where none does."""
    found = []
    for rows in floors:
        totals = rows.groupby("person", as_index=False)[["numerator", "denominator"]].sum()
        each, effect = _person_size(totals), _effect(totals)
        if each > 1 and not np.isnan(effect):
            found.append((effect - 1) / (each - 1))
    return float(np.median(found)) if found else np.inf


def _floor(floor: Mapping, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    """What a floor is of, by person: ``numerator``, ``denominator``; None where nothing is on record."""
    name = floor["measure"]
    source = {"free_of_complaint": "orders", "answered_in_time": "contacts", "ranged": "wishes"}
    rows = frames[source.get(name, "order_service")]
    if name == "free_of_complaint":
        if frames["contacts"].empty:
            return None
        upset = frames["contacts"]
        upset = set(upset["order_id"][(upset["kind"] == "complaint") & upset["of_period"].astype(bool)])
        rows = rows[~rows["cancelled"].astype(bool)]
        k, n = ~rows["order_id"].isin(upset), 1
    elif name == "answered_in_time":
        rows = rows[rows["in_period"].astype(bool)]
        if floor["department"]:
            rows = rows[rows["department"] == floor["department"]]
        within = rows["wait_s"].astype("float64") <= 3600 * floor["hours"]
        rows = rows[rows["answered"].astype(bool) | ~within]  # whether one that waits will be answered in time is open
        k, n = within[rows.index] & rows["answered"].astype(bool), 1
    elif name == "ranged":
        rows = rows.rename(columns={"person": "customer_id"})
        k, n = rows["outcome"] != "not_ranged", 1
    else:
        rows = rows[~rows["cancelled"].astype(bool)]
        k, n = _served(rows, name)
    if rows.empty or not np.sum(n):
        return None
    told = pd.DataFrame({"person": rows["customer_id"], "numerator": k, "denominator": n}).astype(
        {"numerator": "float64", "denominator": "float64"}
    )
    for place in ("segment", "channel"):
        if floor[place]:
            told = told[(rows[place] == floor[place]).to_numpy()] if place in rows else told.iloc[:0]
            rows = rows[rows[place] == floor[place]] if place in rows else rows.iloc[:0]
    return told[told["denominator"] > 0]


def _served(due: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series]:
    """Of each order due: how much of it counts for a measure of service, and of how much."""
    rows = service.marked(due)
    part, whole = service.SHARES[name]
    return rows[part].astype("float64"), rows[whole].astype("float64")


# -- what a position is made of --------------------------------------------------------------------


def contributions(
    frames: Mapping[str, pd.DataFrame], tailored: pd.Series | None, *, untold: Set[str] = frozenset()
) -> pd.DataFrame:
    """What each person adds to each measure, by segment and channel.

    Parameters
    ----------
    frames
        By name: ``orders`` (placed, not cancelled), ``served`` (their cost: ``customer_id``, ``segment``, ``channel``,
        ``cost``), ``order_service``, ``answers`` (scored invitations), ``invitations``, ``campaign_reach``,
        ``segments``, ``customers_before``, ``breadth``, ``wishes``, ``novelty``.
    tailored
        By order id: does its agreement deviate from the standard? None where no agreements are on record.
    untold
        The result of ``lacking``: measures that are left out.

    Returns
    -------
    DataFrame
        ``measure``, ``segment``, ``channel`` ("" where a measure has none), ``person``; ``numerator``, ``denominator``
        and ``square`` (of what is added up; of lead times), sums.

    Notes
    -----
    docs/METHODS.md section 6.2. A measure is the ratio of the two sums over persons, lead_time_sd the standard
    deviation that the three give.

    Examples
    --------
    Orders 1 and 2 are under agreements, the first of which deviates; all other frames are empty here:

    >>> names = ["customer_id", "segment", "channel", "cancelled", "arrived", "late", "early", "in_window", "cycle_s"]
    >>> names += ["n_lines", "n_lines_in_full", "n_lines_perfect", "quantity_ordered", "quantity_delivered", "person"]
    >>> names += ["value", "item", "score", "scale", "use", "held_out", "n_orders", "n_orders_in_period", "net_revenue"]
    >>> none = pd.DataFrame(columns=[*names, "cost_of_goods", "n_categories", "new_revenue", "outcome", "cost"])
    >>> told = ["order_service", "answers", "invitations", "campaign_reach", "segments", "customers_before"]
    >>> told = dict.fromkeys([*told, "breadth", "novelty"], none)
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": ["x", "x", "y"], "segment": "a", "channel": "web"})
    >>> told |= {"wishes": none.drop(columns="customer_id"), "orders": orders}
    >>> told |= {"served": orders.assign(cost=[100, 200, 600])}
    >>> contributions(told, pd.Series({1: True, 2: False}))[["measure", "person", "numerator", "denominator"]]
              measure person  numerator  denominator
    0  cost_per_order      x      300.0          2.0
    1  cost_per_order      y      600.0          1.0
    2  standard_share      x        1.0          2.0
    3  tailored_share      x        1.0          2.0
    """
    orders, due = frames["orders"], frames["order_service"]
    due = due[~due["cancelled"].astype(bool)]
    there = due[due["arrived"].astype(bool) & due["cycle_s"].notna()]
    days = there["cycle_s"].astype("float64") / _DAY
    answers, asked, people = frames["answers"], frames["invitations"], frames["segments"]
    answers = answers[answers["value"].notna()]
    before = frames["customers_before"]
    known = people[people["customer_id"].isin(set(before["customer_id"][before["n_orders"] > 0]))]
    year = frames["breadth"].dropna(subset=["net_revenue", "cost_of_goods"])
    felt = asked[(asked["item"] == "product") & asked["score"].notna()]
    told, new = frames["campaign_reach"], frames["novelty"]
    wished = frames["wishes"].rename(columns={"person": "customer_id"})
    told = told[~told["held_out"].astype(bool)]
    served = frames["served"]
    parts = [
        _sums("cost_per_order", served, served["cost"], 0),
        _sums("cost_per_order", orders, 0, 1) if len(served) else _NOTHING,
        _sums("lead_time_sd", there, days, 1, days**2),
        _sums("perfect", due, *_served(due, "perfect")),
        _sums("nps", answers.assign(customer_id=answers["person"]), 100 * answers["value"].astype("float64"), 1),
        _sums("campaign_repeats", _anywhere(told), told["use"].astype("float64") > 1, 1),
        _sums("retention", _anywhere(known), known["n_orders_in_period"].astype("float64").fillna(0) > 0, 1),
        _sums("value_a_year", _anywhere(year), year["net_revenue"].astype("float64") - year["cost_of_goods"], 1),
        _sums("categories", _anywhere(year), year["n_categories"], 1),
        _sums("product_felt", felt, service.is_content(felt), 1),
        _sums("ranged", _anywhere(wished), wished["outcome"] != "not_ranged", 1),
        _sums("new_share", _anywhere(new), new["new_revenue"], new["net_revenue"].astype("float64").fillna(0)),
    ]  # fmt: skip
    if tailored is not None:
        mine = orders[orders["order_id"].isin(tailored.index)]
        own = mine["order_id"].map(tailored).astype("float64")
        parts += [_sums("tailored_share", mine, own, 1), _sums("standard_share", mine, 1 - own, 1)]
    rows = pd.concat([part for part in parts if len(part)] or [_NOTHING])
    rows = rows[~rows["segment"].isin(_NO_SEGMENTS) & ~rows["measure"].isin(untold)]
    return rows.groupby(["measure", "segment", "channel", "person"], as_index=False)[_PARTS].sum()


_NOTHING = pd.DataFrame(columns=["measure", "segment", "channel", "person", *_PARTS]).astype(
    dict.fromkeys(_PARTS, "float64")
)


def _anywhere(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(channel="")


def _sums(measure: str, rows: pd.DataFrame, k: object, n: object, square: object = 0) -> pd.DataFrame:
    found = pd.DataFrame({"segment": rows["segment"], "channel": rows["channel"], "person": rows["customer_id"]})
    parts = dict(zip(_PARTS, (k, n, square), strict=True))
    found = found.assign(measure=measure, **parts).astype({name: "float64" for name in _PARTS})
    found = found.dropna(subset=["segment", "person"])
    return found.groupby(["measure", "segment", "channel", "person"], as_index=False)[_PARTS].sum()


@dataclass(frozen=True, eq=False)
class Position:
    """Where each segment stands.

    Attributes
    ----------
    measures
        One row a segment and measure that is known of it: ``segment``, ``discipline``, ``measure``, ``n`` (persons),
        ``x``, ``value`` (0 at the threshold, 1 where excellent).
    indices
        One row a segment and discipline that has a measure: ``segment``, ``discipline``, ``n`` (measures), ``known``
        (share of its declared weight that they have), ``index`` with ends.
    leads
        One row a segment of which two indices or more are known by half of their weight: ``segment``, ``discipline``
        (of the largest), ``distance`` (to the next) with ends, ``settled``, ``held`` (share of weights under which it
        leads), ``floors`` (that fail), ``verdict``: "leads", "hangs on the weights", "no clear lead", "a floor fails";
        ``intended`` ("" if none is declared).

    Notes
    -----
    docs/METHODS.md section 6.2. ``position`` makes it.

    Examples
    --------
    >>> none = pd.DataFrame({"segment": ["a"], "discipline": ["customer_intimacy"], "verdict": ["no clear lead"]})
    >>> Position(measures=none, indices=none, leads=none).leads["verdict"].tolist()
    ['no clear lead']
    """

    measures: pd.DataFrame
    indices: pd.DataFrame
    leads: pd.DataFrame


def position(
    rows: pd.DataFrame,
    anchors: pd.DataFrame,
    intended: pd.DataFrame,
    floors: pd.DataFrame,
    *,
    min_n: int,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> Position:
    """The index of each discipline, by segment, and which leads.

    Parameters
    ----------
    rows
        The result of ``contributions``.
    anchors, intended
        The frames ``disciplines`` (``discipline``, ``measure``, ``threshold``, ``excellent``, ``weight``) and
        ``intended`` (``segment``, ``discipline``).
    floors
        The result of ``thresholds``.
    min_n
        Persons that a measure needs.
    rng
        Of the bootstraps and of the weights.
    confidence
        Coverage of each index's interval; those of distances hold together over the segments.

    Returns
    -------
    Position
        Three tables: ``measures``, ``indices``, ``leads``.

    Notes
    -----
    docs/METHODS.md section 6.2. Anchors and weights are declared, not found: no outside number exists for an index.

    Examples
    --------
    Three of four orders are perfect, half of the way from 0.5 to 1; the score is a fifth of the way from 0 to 50:

    >>> measures = [("perfect", 0.75), ("nps", 10.0)] * 20
    >>> rows = pd.DataFrame(measures, columns=["measure", "numerator"]).assign(person=np.arange(40) // 2, segment="a")
    >>> rows = rows.assign(channel="web", denominator=1.0, square=0.0)
    >>> anchors = pd.DataFrame({"discipline": LEADS[:2], "measure": ["perfect", "nps"], "threshold": [0.5, 0.0]})
    >>> anchors = anchors.assign(excellent=[1.0, 50.0], weight=1.0)
    >>> none = pd.DataFrame({"segment": [], "verdict": [], "discipline": []})
    >>> found = position(rows, anchors, none, none, min_n=10, rng=np.random.default_rng(1))
    >>> found.measures[["discipline", "measure", "n", "x", "value"]]
                   discipline  measure   n      x  value
    0  operational_excellence  perfect  20   0.75    0.5
    1       customer_intimacy      nps  20  10.00    0.2
    >>> found.leads[["discipline", "distance", "settled", "held", "verdict"]].round(2).values.tolist()
    [['operational_excellence', 0.3, True, 1.0, 'leads']]
    """
    told, indices, leads = [], [], []
    failed = floors[floors["verdict"] == "failed"].groupby("segment").size()
    meant = dict(zip(intended["segment"], intended["discipline"], strict=True))
    level = (1 - confidence) / 2
    ends = [level, 1 - level]
    together = [level / max(rows["segment"].nunique(), 1), 1 - level / max(rows["segment"].nunique(), 1)]
    whole = anchors.groupby("discipline")["weight"].sum()
    for segment, own in rows.groupby("segment"):
        found = _Values(own, anchors, min_n)
        if not len(found.anchors):
            continue
        sure, drawn = found.values(np.ones((1, len(found.people))))[0], found.drawn(rng)
        for row, value, x in zip(found.anchors.itertuples(), sure, found.x(), strict=True):
            told.append((segment, row.discipline, row.measure, found.n[row.measure], x, value))
        names = [name for name in LEADS if name in set(found.anchors["discipline"])]
        index, many = found.index(sure[None])[0], found.index(drawn)
        known = (found.anchors.groupby("discipline")["weight"].sum() / whole)[names].to_numpy("float64")
        for at, name in enumerate(names):
            low, high = np.quantile(many[:, at], ends)
            size = int((found.anchors["discipline"] == name).sum())
            indices.append((segment, name, size, known[at], index[at], low, high))
        counts = np.flatnonzero(known >= _HALF)
        if len(counts) < 2:
            continue
        first = int(counts[index[counts].argmax()])
        others = counts[counts != first]
        distance = index[first] - index[others].max()
        low, high = np.quantile(many[:, first] - many[:, others].max(axis=1), together)
        held = float((counts[found.weighed(sure, rng)[:, counts].argmax(axis=1)] == first).mean())
        floor, settled = int(failed.get(segment, 0)), bool(low > 0)
        verdict = (
            "a floor fails" if floor else "no clear lead" if not settled
            else "hangs on the weights" if held < _HANGS else "leads"
        )  # fmt: skip
        leads.append(
            (segment, names[first], distance, low, high, settled, held, floor, verdict, meant.get(segment, ""))
        )
    columns = ["segment", "discipline", "distance", "distance_low", "distance_high", "settled", "held", "floors",
               "verdict", "intended"]  # fmt: skip
    return Position(
        pd.DataFrame(told, columns=["segment", "discipline", "measure", "n", "x", "value"]),
        pd.DataFrame(indices, columns=["segment", "discipline", "n", "known", "index", "index_low", "index_high"]),
        pd.DataFrame(leads, columns=columns),
    )


class _Values:
    """Values of the measures of some rows, for any weights of their persons."""

    def __init__(self, rows: pd.DataFrame, anchors: pd.DataFrame, min_n: int):
        counted = rows[rows["denominator"] != 0]
        self.n = counted.groupby("measure")["person"].nunique().to_dict()
        known = [name for name in anchors["measure"] if self.n.get(name, 0) >= min_n]
        self.anchors = anchors[anchors["measure"].isin(known)].reset_index(drop=True)
        codes, self.people = pd.factorize(rows["person"])
        self._sums = {}
        for name in self.anchors["measure"]:
            at = (rows["measure"] == name).to_numpy()
            parts = rows.loc[at, _PARTS].to_numpy("float64")
            self._sums[name] = np.column_stack(
                [np.bincount(codes[at], part, minlength=len(self.people)) for part in parts.T]
            )

    def x(self, weights: np.ndarray | None = None) -> np.ndarray:
        """The measures themselves; one row a row of weights, or of none."""
        given = np.ones((1, len(self.people))) if weights is None else weights
        found = []
        for name in self.anchors["measure"]:
            k, n, square = (given @ self._sums[name]).T
            n = np.where(n != 0, n, np.nan)
            mean = k / n
            found.append(np.sqrt(np.maximum(square / n - mean**2, 0)) if name == "lead_time_sd" else mean)
        table = np.column_stack(found)
        return table[0] if weights is None else table

    def values(self, weights: np.ndarray) -> np.ndarray:
        """0 at the threshold, 1 where excellent, cut; one row a row of weights, one column a measure."""
        low, high = (self.anchors[name].to_numpy("float64") for name in ("threshold", "excellent"))
        return np.clip((self.x(weights) - low) / (high - low), *_CUT)

    def drawn(self, rng: np.random.Generator) -> np.ndarray:
        """Values under Poisson bootstraps of the persons."""
        step = max(1, 2_000_000 // max(len(self.people), 1))
        parts = [min(step, _DRAWS - first) for first in range(0, _DRAWS, step)]
        return np.concatenate([self.values(rng.poisson(1.0, (n, len(self.people))).astype("float64")) for n in parts])

    def index(self, values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Weighted mean of the values of each discipline that has a measure, in the order of ``LEADS``.

        A measure that a draw knows nothing of is left out of it.
        """
        weight = self.anchors["weight"].to_numpy("float64")[None] if weights is None else weights
        names = [name for name in LEADS if name in set(self.anchors["discipline"])]
        known = ~np.isnan(values)
        found = []
        for name in names:
            at = (self.anchors["discipline"] == name).to_numpy()
            own = (weight * known)[:, at]
            found.append((own * np.nan_to_num(values[:, at])).sum(axis=1) / np.maximum(own.sum(axis=1), 1e-300))
        return np.column_stack(found)

    def lean(self, rng: np.random.Generator, level: float) -> tuple[float, float, float]:
        """The first index less the second, and its quantiles at ``level`` from both ends."""
        index, many = self.index(self.values(np.ones((1, len(self.people)))))[0], self.index(self.drawn(rng))
        low, high = np.quantile(many[:, 0] - many[:, 1], [level, 1 - level])
        return float(index[0] - index[1]), float(low), float(high)

    def weighed(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Indices under many weights: Dirichlet by discipline, their means the declared ones."""
        declared = self.anchors["weight"].to_numpy("float64")
        weights = rng.gamma(declared, size=(_WEIGHTS, len(declared)))
        return self.index(np.broadcast_to(values, weights.shape), weights)


# -- lived against felt ------------------------------------------------------------------------------

FIELDS = {
    (False, True): "standard, felt personal",
    (True, True): "tailored, felt personal",
    (True, False): "tailored, not felt",
    (False, False): "standard, not felt",
}


def felt(
    invitations: pd.DataFrame,
    tailored: set[str] | None,
    *,
    item: str,
    at_least: float,
    min_n: int,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Designed as standard or tailored, against what customers say.

    Parameters
    ----------
    invitations
        The frame ``invitations``: ``item``, ``score``, ``scale``, ``customer_id``, ``segment``.
    tailored
        Customers with an agreement that deviates from the standard; None where no agreements are on record.
    item
        That customers were asked for.
    at_least
        Share of content answers from which it is felt.
    min_n
        Groups of fewer customers are left out.
    confidence
        That the intervals hold together with (Bonferroni).

    Returns
    -------
    DataFrame
        One row a segment and design: ``segment``, ``design`` ("tailored", "standard"), ``n`` (answers),
        ``n_customers``, ``felt_share`` with ends, ``field``: one of ``FIELDS``, or "not settled". No row without
        answers to the item.

    Notes
    -----
    docs/METHODS.md section 6.3. Content is an answer from 7 of 10, or from 4 of 5 stars; interval as in ``thresholds``.

    Examples
    --------
    Customers 0 to 59 have a tailored agreement, and 5 of them feel it; of the 60 others 55 do:

    >>> asked = pd.DataFrame({"customer_id": range(120), "score": [8] * 5 + [3] * 55 + [8] * 55 + [3] * 5})
    >>> asked = asked.assign(item="personal", scale="nps_0_10", segment="a")
    >>> found = felt(asked, set(range(60)), item="personal", at_least=0.5, min_n=10)
    >>> found[["design", "n", "felt_share", "felt_low", "felt_high", "field"]].round(2)
         design   n  felt_share  felt_low  felt_high                    field
    0  standard  60        0.92      0.80       0.97  standard, felt personal
    1  tailored  60        0.08      0.03       0.20       tailored, not felt
    """
    answers = invitations[(invitations["item"] == item) & invitations["score"].notna()]
    answers = answers[~answers["segment"].isin(_NO_SEGMENTS) & answers["customer_id"].notna()]
    columns = ["segment", "design", "n", "n_customers", "felt_share", "felt_low", "felt_high", "field"]
    if tailored is None or answers.empty:
        return pd.DataFrame(columns=columns)
    design = np.where(answers["customer_id"].isin(tailored), "tailored", "standard")
    content = service.is_content(answers)
    rows = pd.DataFrame(
        {"segment": answers["segment"], "design": design, "person": answers["customer_id"], "numerator": content * 1.0,
         "denominator": 1.0}
    )  # fmt: skip
    people = rows.groupby(["segment", "design"])["person"].transform("nunique")
    rows = rows[people >= min_n]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    keys = ["segment", "design"]
    found = _shares(rows, by=keys, confidence=confidence, family=rows.groupby(keys).ngroups)
    names = {"share": "felt_share", "share_low": "felt_low", "share_high": "felt_high"}
    found = found.rename(columns=names)
    sure = (found["felt_low"] > at_least) | (found["felt_high"] < at_least)
    fields = [
        FIELDS[row.design == "tailored", row.felt_low > at_least] if clear else "not settled"
        for row, clear in zip(found.itertuples(), sure, strict=True)
    ]
    return found.assign(field=fields)[columns]


# -- consistency -------------------------------------------------------------------------------------


def leans(
    rows: pd.DataFrame, anchors: pd.DataFrame, *, min_n: int, rng: np.random.Generator, confidence: float = 0.95
) -> pd.DataFrame:
    """Do the channels that serve a segment lean the same way?

    Parameters
    ----------
    rows
        The result of ``contributions``.
    anchors
        The frame ``disciplines``.
    min_n
        Persons that a measure needs.
    rng
        Of the bootstraps.
    confidence
        That the intervals of a segment's channels hold together with (Bonferroni).

    Returns
    -------
    DataFrame
        One row a segment and channel ("": all of them): ``segment``, ``channel``, ``n`` (measures), ``lean``
        (operational excellence less customer intimacy) with ends, ``otherwise`` (on the other side of 0 than the
        segment over the same measures). Only where both disciplines have a measure.

    Notes
    -----
    docs/METHODS.md section 6.4.

    Examples
    --------
    Orders of the web are perfect and its scores low; by phone it is the other way round:

    >>> told = [("perfect", "web", 0.9), ("nps", "web", 0.0), ("perfect", "phone", 0.6), ("nps", "phone", 25.0)] * 20
    >>> rows = pd.DataFrame(told, columns=["measure", "channel", "numerator"]).assign(person=np.arange(80) // 4)
    >>> rows = rows.assign(segment="a", denominator=1.0, square=0.0)
    >>> anchors = pd.DataFrame({"discipline": LEADS[:2], "measure": ["perfect", "nps"], "threshold": [0.5, 0.0]})
    >>> anchors = anchors.assign(excellent=[1.0, 50.0], weight=1.0)
    >>> leans(rows, anchors, min_n=10, rng=np.random.default_rng(1))[["channel", "n", "lean", "otherwise"]].round(2)
      channel  n  lean  otherwise
    0          2  0.25      False
    1   phone  2 -0.30       True
    2     web  2  0.80      False
    """
    own = anchors[anchors["measure"].isin(ORDER_MEASURES) & anchors["discipline"].isin(LEADS[:2])]
    rows, found = rows[rows["measure"].isin(set(own["measure"]))], []
    for segment, mine in rows.groupby("segment"):
        channels = [name for name in sorted(mine["channel"].unique()) if name and name != stats.OTHER]
        for channel in ["", *channels]:
            here = mine if not channel else mine[mine["channel"] == channel]
            what = _Values(here, own, min_n)
            if set(what.anchors["discipline"]) != set(LEADS[:2]):
                continue
            level = (1 - confidence) / 2 / max(len(channels) if channel else 1, 1)
            lean, low, high = what.lean(rng, level)
            whole = _Values(mine, what.anchors, min_n).lean(rng, level) if channel else (lean, low, high)
            other = bool((high < 0 < whole[1]) or (whole[2] < 0 < low))
            found.append((segment, channel, len(what.anchors), lean, low, high, other))
    return pd.DataFrame(found, columns=["segment", "channel", "n", "lean", "lean_low", "lean_high", "otherwise"])


def departments(terms: pd.DataFrame, deviating: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """Which departments tailor for a segment, and which keep the standard?

    Parameters
    ----------
    terms
        The result of ``agreements.meant`` at one moment.
    deviating
        ``agreement_id`` and ``term`` of the terms that deviate from the standard.
    min_n
        Segments with fewer customers under agreement are left out, departments with terms of fewer stand together.
    confidence
        That the intervals hold together with (Bonferroni).

    Returns
    -------
    DataFrame
        One row a segment and department: ``segment``, ``department``, ``n`` (customers under agreement), ``k`` (with a
        deviating term of that department), ``share`` (0-1) with ends, ``verdict``: "tailors", "keeps the standard",
        "mixed". ``k`` and the share are empty where they or the rest are somebody, but fewer than ``min_n``.

    Notes
    -----
    docs/METHODS.md section 6.4. Above a half, with its interval, a department tailors, below it keeps the standard.

    Examples
    --------
    Of sixty customers 48 have other days than the standard, agreed upon by sales, and 12 another window, by the desk:

    >>> terms = pd.DataFrame({"agreement_id": range(60), "customer_id": range(60), "segment": "a", "weight": 1})
    >>> days, window = terms.assign(term="days", department="sales"), terms.assign(term="window", department="desk")
    >>> other = pd.DataFrame({"agreement_id": [*range(48), *range(12)], "term": ["days"] * 48 + ["window"] * 12})
    >>> found = departments(pd.concat([days, window]), other, min_n=10)
    >>> found[["department", "n", "k", "share", "verdict"]]
      department   n   k  share             verdict
    0       desk  60  12    0.2  keeps the standard
    1      sales  60  48    0.8             tailors
    """
    own = terms[~terms["segment"].isin(_NO_SEGMENTS) & (terms["weight"] > 0)].copy()
    own["department"] = own["department"].astype("str").where(own["department"].notna(), stats.UNKNOWN)
    known = own["department"].map(own.groupby("department")["customer_id"].nunique())
    own["department"] = own["department"].where(known >= min_n, stats.OTHER)
    people = terms.groupby("segment")["customer_id"].nunique()
    marked = own.merge(deviating, on=["agreement_id", "term"])
    counts = marked.groupby(["segment", "department"])["customer_id"].nunique()
    pairs = [(segment, name) for segment in sorted(set(own["segment"])) for name in sorted(set(own["department"]))]
    rows = pd.DataFrame(pairs, columns=["segment", "department"])
    rows["n"] = rows["segment"].map(people).astype("int64")
    rows["k"] = [int(counts.get(pair, 0)) for pair in pairs]
    rows = rows[rows["n"] >= min_n].reset_index(drop=True)
    found = stats.share(rows, confidence=confidence, family=max(len(rows), 1))
    verdict = np.select(
        [found["share_low"] > 0.5, found["share_high"] < 0.5], ["tailors", "keeps the standard"], "mixed"
    )
    k = stats.part_shown(found["k"], found["n"], min_n=min_n)
    hidden = {name: found[name].mask(k.isna()) for name in ("share", "share_low", "share_high")}
    return found.assign(verdict=verdict, k=k, **hidden)[
        ["segment", "department", "n", "k", "share", "share_low", "share_high", "verdict"]
    ]


# -- room ----------------------------------------------------------------------------------------------


def spent(served: pd.DataFrame, orders: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Cost to serve and orders by customer, in the period.

    Parameters
    ----------
    served
        Cost by ``customer_id``: ``cost`` (cents), as for ``contributions``; several rows of one customer are summed.
    orders
        Orders placed (the frame ``orders``, without those cancelled).
    people
        The frame ``segments``, of whose customers alone it tells.

    Returns
    -------
    DataFrame
        One row a customer with cost or an order: ``segment``, ``customer_id``, ``cost`` (cents), ``n_orders``.

    Notes
    -----
    docs/METHODS.md section 6.5.

    Examples
    --------
    >>> people = pd.DataFrame({"segment": ["a", "b"], "customer_id": ["x", "y"]})
    >>> served = pd.DataFrame({"customer_id": ["x", "x", "z"], "cost": [10, 20, 5]})
    >>> spent(served, pd.DataFrame({"customer_id": ["x", "y", "y"]}), people).values.tolist()
    [['a', 'x', 30.0, 1.0], ['b', 'y', 0.0, 2.0]]
    """
    counts = orders.groupby("customer_id").size().rename("n_orders")
    found = pd.concat([served.groupby("customer_id")["cost"].sum(), counts], axis=1).astype("float64").fillna(0)
    return people[["segment", "customer_id"]].merge(found, left_on="customer_id", right_index=True)


def spent_before(before: pd.DataFrame, counts: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """``spent`` of the period four periods before: of a quarter, the same one a year before.

    Parameters
    ----------
    before
        The result of ``profit.profits_before``: ``customer_id``, ``ago`` (periods), ``cost_to_serve`` (cents).
    counts
        The frame ``customers_before``: ``customer_id``, ``ago``, ``n_orders``.
    people
        The frame ``segments``, of whose customers alone it tells.

    Returns
    -------
    DataFrame
        One row a customer with cost or an order then: ``segment``, ``customer_id``, ``cost`` (cents), ``n_orders``;
        no row, and no ``n_orders``, where no cost of then is known.

    Notes
    -----
    docs/METHODS.md section 6.5. The segment is that of today.

    Examples
    --------
    >>> people = pd.DataFrame({"segment": ["a", "b"], "customer_id": ["x", "y"]})
    >>> before = pd.DataFrame({"ago": [4, 4, 1], "customer_id": ["x", "y", "x"], "cost_to_serve": [7, 9, 100]})
    >>> counts = pd.DataFrame({"ago": [4, 1], "customer_id": ["x", "x"], "n_orders": [3, 8]})
    >>> spent_before(before, counts, people).values.tolist()
    [['a', 'x', 7.0, 3.0], ['b', 'y', 9.0, 0.0]]
    """
    costs = before[before["ago"] == _YEAR].set_index("customer_id")["cost_to_serve"].rename("cost")
    counts = counts[counts["ago"] == _YEAR].set_index("customer_id")["n_orders"]
    found = pd.concat([costs, counts], axis=1).astype("float64").fillna(0) if len(costs) else costs.to_frame()
    return people[["segment", "customer_id"]].merge(found, left_on="customer_id", right_index=True)


def room(
    now: pd.DataFrame,
    before: pd.DataFrame,
    *,
    band: Sequence[float],
    days: int,
    min_n: int,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Where did cost come free within a year, and how much of it could be spent?

    Parameters
    ----------
    now, before
        The results of ``spent`` and ``spent_before``: ``segment``, ``customer_id``, ``cost`` (to serve, cents),
        ``n_orders``; of the period, and of the same one a year before.
    band
        Least and greatest share of what came free that may be spent.
    days
        Of the period.
    min_n
        Customers that a segment needs in both.
    rng
        Of the bootstraps.
    confidence
        That the intervals hold together with (Bonferroni).

    Returns
    -------
    DataFrame
        None unless the period is a quarter. One row a segment: ``segment``, ``cost_now``, ``cost_before`` (cents an
        order), ``freed`` (cents a year) with ends, ``came_free`` (above 0 for certain), ``spend_low``, ``spend_high``
        (cents a year; missing otherwise).

    Notes
    -----
    docs/METHODS.md section 6.5. Freed is (cost an order then - now) x orders now x 365.25 / ``days``; customers are
    drawn, who is in both for both.

    Examples
    --------
    Fifty customers with two orders each, an order 100 cents cheaper than a year before: 100 x 100 x 365.25 / 92

    >>> now = pd.DataFrame({"segment": "a", "customer_id": range(50), "cost": 900.0, "n_orders": 2.0})
    >>> then = now.assign(cost=[1000.0, 1200.0] * 25)
    >>> found = room(now, then, band=[0.2, 0.5], days=92, min_n=10, rng=np.random.default_rng(1))
    >>> found[["cost_now", "cost_before", "freed", "came_free", "spend_low", "spend_high"]].round()
       cost_now  cost_before    freed  came_free  spend_low  spend_high
    0     450.0        550.0  39701.0       True     7940.0     19851.0
    """
    found, year = [], 365.25 / days
    if days not in _QUARTER:  # four periods before are a year before only then
        now = now.iloc[:0]
    level = (1 - confidence) / 2 / max(now["segment"].nunique(), 1)
    ends = [level, 1 - level]
    for segment in sorted((set(now["segment"]) & set(before["segment"])) - _NO_SEGMENTS):
        sides = [rows[rows["segment"] == segment] for rows in (before, now)]
        if min(rows["customer_id"].nunique() for rows in sides) < min_n:
            continue
        people = pd.Index(sorted(set(sides[0]["customer_id"]) | set(sides[1]["customer_id"])))
        sums = [
            rows.groupby("customer_id")[["cost", "n_orders"]].sum().reindex(people).fillna(0).to_numpy("float64")
            for rows in sides
        ]
        step, freed = max(1, 2_000_000 // len(people)), []
        for first in range(0, _DRAWS, step):  # who is in both is drawn for both
            weights = rng.poisson(1.0, (min(step, _DRAWS - first), len(people))).astype("float64")
            (a, n), (b, m) = ((weights @ side).T for side in sums)
            freed.append((a / np.maximum(n, 1) - b / np.maximum(m, 1)) * sums[1][:, 1].sum() * year)
        (a, n), (b, m) = (side.sum(axis=0) for side in sums)
        low, high = np.quantile(np.concatenate(freed), ends)
        value = (a / max(n, 1) - b / max(m, 1)) * m * year
        clear = bool(low > 0)
        spend = [share * value if clear else np.nan for share in band]
        found.append((segment, b / max(m, 1), a / max(n, 1), value, low, high, clear, *spend))
    columns = ["segment", "cost_now", "cost_before", "freed", "freed_low", "freed_high", "came_free", "spend_low",
               "spend_high"]  # fmt: skip
    return pd.DataFrame(found, columns=columns)


def key_figures(floors: pd.DataFrame, found: Position, placed: pd.DataFrame) -> pd.DataFrame:
    """Key figures of the report, in the columns of ``figures.parquet``.

    Parameters
    ----------
    floors, found, placed
        The results of ``thresholds``, ``position`` and ``felt``.

    Returns
    -------
    DataFrame
        One row a figure: ``figure_id``, ``definition_id`` (section of docs/METHODS.md), ``cohort``, ``segment`` ("":
        all), ``channel``, ``value``, ``low``, ``high``, ``n``, ``unit``: floors that fail by segment and in all (``n``:
        those that enough is known of), the index of each discipline and the distance of the leader by segment, share of
        content answers by segment and design.

    Notes
    -----
    docs/METHODS.md sections 6.1 to 6.3, as each row names them.

    Examples
    --------
    >>> floors = pd.DataFrame({"segment": ["a", "a", "b"], "verdict": ["failed", "kept", "not on record"]})
    >>> none = pd.DataFrame()
    >>> found = key_figures(floors, Position(none, none, none), none)
    >>> found[["figure_id", "definition_id", "segment", "value", "n", "unit"]]
           figure_id definition_id segment  value  n    unit
    0  floors_failed           6.1              1  2  floors
    1  floors_failed           6.1       a      1  2  floors
    """
    rows = []
    asked = floors[~floors["verdict"].isin(["not on record", "too few to say"])]
    if len(asked):
        failed = asked["verdict"] == "failed"
        rows.append(("floors_failed", "6.1", "", int(failed.sum()), np.nan, np.nan, len(asked), "floors"))
        for segment, own in failed.groupby(asked["segment"]):
            rows.append(("floors_failed", "6.1", segment, int(own.sum()), np.nan, np.nan, len(own), "floors"))
    for row in found.indices.to_dict("records"):
        ends = (row["index"], row["index_low"], row["index_high"])
        rows.append((f"index_{row['discipline']}", "6.2", row["segment"], *ends, pd.NA, "index"))
    for row in found.leads.to_dict("records"):
        ends = (row["distance"], row["distance_low"], row["distance_high"])
        rows.append((f"leads_{row['discipline']}", "6.2", row["segment"], *ends, pd.NA, "index"))
    for row in placed.to_dict("records"):
        ends = (row["felt_share"], row["felt_low"], row["felt_high"])
        rows.append((f"felt_{row['design']}", "6.3", row["segment"], *ends, row["n"], "share"))
    columns = ["figure_id", "definition_id", "segment", "value", "low", "high", "n", "unit"]
    told = pd.DataFrame(rows, columns=columns).assign(cohort="orders", channel="")
    return told[["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]]

"""What do customers say of us, and which failures of the supply chain move it? NPS, and its drivers."""

import re
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

from toolkit import drivers, stats
from toolkit.errors import DataError

ITEM = "recommend"
STAR_MAPS = {"five_promotes": (-1, -1, -1, 0, 1), "four_promotes": (-1, -1, 0, 1, 1)}  # of one to five stars
EXPOSURES = {  # as frames name them, and what a reader sees
    "in_time": "in time",
    "late": "late",
    "overdue": "overdue, not arrived",
    "not_due": "not due, not arrived",
    "cancelled": "cancelled",
    "no_promise": "nothing promised",
    "no_order": "no order named",
}
LATE, _LATE = "late or overdue", (EXPOSURES["late"], EXPOSURES["overdue"])
_CONTROLS = ["segment", "channel", "region"]


def scored(invitations: pd.DataFrame, *, star_map: str = "five_promotes") -> pd.DataFrame:
    """Invitations to recommend, with what each answer counts for the NPS.

    Where answers came on two scales, those from 0 to 10 are kept and the others left out:
    a star rating is a proxy and is never pooled with the real question.

    Parameters
    ----------
    invitations
        The frame ``invitations`` (or ``earlier_invitations``, ``past_answers``, ``follow_up``); needs ``item``,
        ``scale`` ("nps_0_10" or "stars_1_5"), ``score`` (missing: not answered), ``customer_id``.
    star_map
        ``five_promotes`` (four stars passive) or ``four_promotes`` (three passive).

    Returns
    -------
    DataFrame
        Rows of the item on one scale, with ``value`` (1 promoter, 0 passive, -1 detractor;
        missing: not answered), ``person`` (the customer), ``measure`` (its name for readers).

    Notes
    -----
    docs/METHODS.md sections 2.1 and 2.3.

    Examples
    --------
    >>> asked = pd.DataFrame({"item": "recommend", "scale": "nps_0_10", "score": [10, 8, 3], "customer_id": 1})
    >>> scored(asked)["value"].tolist()
    [1, 0, -1]
    """
    asked = invitations[invitations["item"] == ITEM]
    answered = asked.loc[asked["score"].notna(), "scale"]
    stars = bool((answered == "stars_1_5").any() and not (answered == "nps_0_10").any())
    kept = asked[asked["scale"] == ("stars_1_5" if stars else "nps_0_10")]
    score = kept["score"].astype("Float64")
    if stars:
        value = score.map(dict(enumerate(STAR_MAPS[star_map], 1)), na_action="ignore")
        measure = f"NPS proxy ({star_map.replace('_', ' ')})"
    else:
        value = (score >= 9).astype("Int64") - (score <= 6).astype("Int64")
        measure = "NPS"
    return kept.assign(value=value.astype("Int64"), person=kept["customer_id"], measure=measure)


def nps(
    invitations: pd.DataFrame, *, by: Sequence[str] = (), confidence: float = 0.95, family: int | None = None
) -> pd.DataFrame:
    """Net Promoter Score of scored answers by group, in points, with its adjusted Wald interval.

    Parameters
    ----------
    invitations
        The result of ``scored``; what is not answered is left out. With ``weight`` (the result of ``weighted``) answers
        count by it.
    by
        Grouping columns; none for one figure.
    confidence
        Coverage of the intervals, between 0 and 1; they hold together over the groups.
    family
        Number of intervals that hold together, where it is not the number of groups.

    Returns
    -------
    DataFrame
        One row a group: ``by``, ``n`` (answers), ``n_customers``, ``n_effective``, ``promoters``,
        ``detractors`` (shares 0-1), ``nps``, ``nps_low``, ``nps_high`` (points, -100 to 100). No row without answers.

    Raises
    ------
    DataError
        If the weight of an answer is missing or below 0.

    Notes
    -----
    docs/METHODS.md sections 0.9 and 2.3; the score interval below 100 effective answers. Poor where answers of a group
    are all alike.

    Examples
    --------
    Half promote, a fifth detract:

    >>> answers = pd.DataFrame({"value": [1] * 50 + [0] * 30 + [-1] * 20, "person": range(100)})
    >>> nps(answers)[["n", "promoters", "detractors", "nps", "nps_low", "nps_high"]].round(1)
         n  promoters  detractors   nps  nps_low  nps_high
    0  100        0.5         0.2  30.0     14.1      44.2
    """
    by = list(by)
    answers = invitations[invitations["value"].notna()]
    size = family or (max(answers[by].drop_duplicates().shape[0], 1) if by else 1)
    net = stats.net_share(answers, by=by, confidence=confidence, family=size)
    points = {name: 100 * net[column] for name, column in _POINTS.items()}
    return net.assign(**points).rename(
        columns={"n_persons": "n_customers", "plus": "promoters", "minus": "detractors"}
    )[[*by, "n", "n_customers", "n_effective", "promoters", "detractors", *_POINTS]]


_POINTS = {"nps": "net", "nps_low": "net_low", "nps_high": "net_high"}


def both_maps(invitations: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """The total of star ratings under each map, in points.

    Parameters
    ----------
    invitations
        As for ``scored``.
    confidence
        Coverage of each interval, between 0 and 1.

    Returns
    -------
    DataFrame
        One row a map: ``measure`` and the columns of ``nps``. One row where the real question was asked; none without
        an answer.

    Notes
    -----
    docs/METHODS.md section 2.1.

    Examples
    --------
    Four stars are passive under one map and promote under the other: 4 - 3 of ten, or 7 - 3.

    >>> asked = pd.DataFrame({"score": [5] * 4 + [4] * 3 + [2] * 3, "customer_id": range(10)})
    >>> both_maps(asked.assign(item="recommend", scale="stars_1_5"))[["measure", "nps"]].round(1)
                         measure   nps
    0  NPS proxy (five promotes)  10.0
    1  NPS proxy (four promotes)  40.0
    """
    found = []
    for star_map in STAR_MAPS:
        chosen = scored(invitations, star_map=star_map)
        found.append(nps(chosen, confidence=confidence).assign(measure=name_of(chosen)))
    return pd.concat(found, ignore_index=True).drop_duplicates("measure", ignore_index=True)


def name_of(invitations: pd.DataFrame) -> str:
    """What the score is called: NPS, or NPS proxy with its map.

    Parameters
    ----------
    invitations
        The result of ``scored``; without rows it is called NPS.

    Notes
    -----
    docs/METHODS.md section 2.1.

    Examples
    --------
    >>> stars = pd.DataFrame({"item": "recommend", "scale": "stars_1_5", "score": [5, 4], "customer_id": [1, 2]})
    >>> name_of(scored(stars, star_map="four_promotes"))
    'NPS proxy (four promotes)'
    """
    return invitations["measure"].iloc[0] if len(invitations) else "NPS"


def undelivered(invitations: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """NPS of answers from orders not arrived, or cancelled, when asked, in points.

    An exposure that fewer than ``min_n`` customers had met is left out, so that it cannot be found by subtraction; no
    row where none is left.

    Parameters
    ----------
    invitations
        The result of ``scored``; needs ``exposure``, ``person``, ``value``.
    min_n
        Customers that each exposure must hold.
    confidence
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    DataFrame
        One row, of the exposures overdue, not due and cancelled together: the columns of ``nps``.

    Notes
    -----
    docs/METHODS.md sections 2.1 and 2.12.

    Examples
    --------
    The four who were not due are too few; of the eight overdue six detract, two are passive.

    >>> answers = pd.DataFrame({"exposure": ["in_time"] * 30 + ["overdue"] * 8 + ["not_due"] * 4, "person": range(42)})
    >>> answers["value"] = [1] * 30 + [-1] * 6 + [0] * 2 + [-1] * 4
    >>> undelivered(answers, min_n=5)[["n", "nps"]].values.tolist()
    [[8.0, -75.0]]
    """
    answers = invitations[invitations["value"].notna()]
    persons = answers.groupby("exposure")["person"].nunique()
    shown = [name for name in ("overdue", "not_due", "cancelled") if persons.get(name, 0) >= min_n]
    return nps(answers[answers["exposure"].isin(shown)], confidence=confidence)


def apart(scores: pd.DataFrame) -> tuple[int | None, int | None, bool]:
    """Positions of the segments whose intervals lie above and below all others (True), else of two apart (False).

    Parameters
    ----------
    scores
        ``nps`` by ``segment``: ``segment``, ``nps_low``, ``nps_high`` (points). "(other)" is never named.

    Returns
    -------
    tuple
        Position of the highest, of the lowest (None: not settled), and whether they lie apart from all others. Where
        neither does, the two whose intervals lie furthest apart, and False; (None, None, True) if no two do.

    Notes
    -----
    docs/METHODS.md sections 0.7 and 2.12.

    Examples
    --------
    "a" and "c" lie apart from each other, and neither from "b":

    >>> scores = pd.DataFrame({"segment": ["a", "b", "c"], "nps_low": [50, 30, 20], "nps_high": [60, 56, 37]})
    >>> apart(scores)
    (0, 2, False)
    >>> apart(scores.drop(index=1))
    (0, 1, True)
    """
    named = scores["segment"] != stats.OTHER
    found = [stats.leader(scores, value="nps", lowest=lowest) for lowest in (False, True)]
    found = [None if at is None or not named.iloc[at] else at for at in found]
    low, high = (scores[f"nps_{end}"].where(named).reset_index(drop=True).dropna() for end in ("low", "high"))
    if any(at is not None for at in found) or low.empty or low.max() <= high.min():
        return *found, True
    return int(low.idxmax()), int(high.idxmin()), False


def answer_account(invitations: pd.DataFrame, chosen: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """What each rule takes out of the invitations of the period, with how late and how pleased it was.

    Parameters
    ----------
    invitations
        The frame ``invitations``; needs ``item``, ``customer_id``, ``late_in_the_end``.
    chosen
        The result of ``scored`` of it, with its index; needs ``exposure`` too.
    min_n
        Customers below whom a step shows no share and no score.

    Returns
    -------
    DataFrame
        One row a rule, in order: ``rule``, ``invitations``, ``late_share`` (0-1, of those with a promise: late in
        the end), ``nps`` (points, of answers on the chosen scale); both missing below ``min_n`` customers.

    Notes
    -----
    docs/METHODS.md section 2.1.

    Examples
    --------
    >>> asked = pd.DataFrame({"item": "recommend", "scale": "nps_0_10", "score": [9] * 15 + [3] * 5 + [None] * 10})
    >>> asked = asked.assign(customer_id=range(30), exposure="in_time", late_in_the_end=[False] * 25 + [True] * 5)
    >>> found = answer_account(asked, scored(asked), min_n=10).drop(columns="rule").round(2)
    >>> found.loc[[0, 2, 3]]  # invited, not answered, left
       invitations  late_share   nps
    0           30        0.17  50.0
    2           10        0.50   NaN
    3           20        0.00  50.0
    """
    asked = invitations[invitations["item"] == ITEM]
    answered = chosen[chosen["value"].notna()]
    steps = [
        ("invited to recommend in the period", asked),
        ("taken out: asked on another scale", asked.drop(chosen.index)),
        ("taken out: not answered by the day of knowledge", chosen[chosen["value"].isna()]),
        ("left: answers", answered),
        ("of these naming no order", answered[answered["exposure"] == "no_order"]),
    ]
    rows = []
    for rule, step in steps:
        enough = step["customer_id"].nunique() >= min_n
        late, value = step["late_in_the_end"], answered["value"].reindex(step.index)
        means = [column.astype("Float64").astype("float64").mean() if enough else np.nan for column in (late, value)]
        rows.append({"rule": rule, "invitations": len(step), "late_share": means[0], "nps": 100 * means[1]})
    return pd.DataFrame(rows)


def by_exposure(invitations: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """NPS by what the customer had met when invited, in points, small exposures together.

    Parameters
    ----------
    invitations
        The result of ``scored``; needs ``exposure`` (a key of ``EXPOSURES``), ``person``, ``value``,
        ``late_in_the_end``.
    min_n
        Customers who answered that an exposure must hold; smaller ones become "(other)".
    confidence
        Coverage of the intervals, between 0 and 1; they hold together over the exposures.

    Returns
    -------
    DataFrame
        One row an exposure, in the order of ``EXPOSURES``, by the names of its readers: ``exposure``, ``invited``,
        ``answered_share`` (0-1), ``late_share`` (0-1, late in the end, of those answered), and the columns of ``nps``.
        Invitations of an exposure that nobody answered count to "(other)", which has no row unless an answer is in it.
        No row where too few customers answered in all.

    Notes
    -----
    docs/METHODS.md sections 0.10, 2.1 and 2.3. An association: other things differ between exposures too.

    Examples
    --------
    >>> asked = pd.DataFrame({"exposure": ["in_time"] * 30 + ["overdue"] * 30, "person": range(60)})
    >>> asked["value"] = pd.array([1] * 30 + [-1] * 20 + [None] * 10, "Int64")
    >>> found = by_exposure(asked.assign(late_in_the_end=asked["exposure"] == "overdue"), min_n=10)
    >>> found[["exposure", "invited", "answered_share", "late_share", "n", "nps"]].round(2)
                   exposure  invited  answered_share  late_share   n    nps
    0               in time       30             1.0         0.0  30  100.0
    1  overdue, not arrived       30            0.67         1.0  20 -100.0
    """
    answers = invitations[invitations["value"].notna()]
    merged = stats.publishable(answers, by=["exposure"], person="person", min_n=min_n)["exposure"]
    labels = dict(zip(answers["exposure"][merged.index], merged, strict=True))
    placed = invitations if labels or answers.empty else invitations.iloc[:0]  # too few in all are told by nothing
    placed = placed.assign(exposure=placed["exposure"].map(labels).fillna(stats.OTHER))
    scores = nps(placed, by=["exposure"], confidence=confidence)
    facts = placed.groupby("exposure").agg(invited=("value", "size"), answered=("value", "count"))
    late = placed[placed["value"].notna()].groupby("exposure")["late_in_the_end"]
    facts["late_share"] = late.mean().astype("float64").reindex(facts.index)
    facts["answered_share"] = facts["answered"] / facts["invited"]
    found = scores.merge(facts.reset_index(), how="left", on="exposure")
    order = {name: position for position, name in enumerate(EXPOSURES)}
    found = found.sort_values("exposure", key=lambda names: names.map(order).fillna(len(order)), ignore_index=True)
    found["exposure"] = found["exposure"].replace(EXPOSURES)
    return found[["exposure", "invited", "answered_share", "late_share", *scores.columns.drop("exposure")]]


def failures(invitations: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """What each failure costs in NPS points, other things equal: an ordered logit over all answers.

    Parameters
    ----------
    invitations
        The result of ``scored``; needs ``exposure``, ``short``, ``damaged`` (missing: not known), ``score``, ``value``,
        ``person``, and the controls ``segment``, ``channel``, ``region``.
    min_n
        A failure that fewer customers have met is left out, with its answers.
    confidence
        Coverage of the intervals, between 0 and 1. Those of single failures hold together; that
        of ``LATE``, asked beforehand, stands alone.

    Returns
    -------
    DataFrame
        One row a failure, first ``LATE``: ``failure``, ``n`` (answers that met it), ``share`` (of
        all, 0-1), ``effect``, ``effect_low``, ``effect_high`` (points, of those who met it),
        ``lost``, ``lost_low``, ``lost_high`` (effect x share), ``effect_free`` (of ``LATE``: the same without
        proportional odds; missing where a column tells promoters or detractors apart perfectly), ``n_model``,
        ``family``, ``note`` (why there is no effect).

    Notes
    -----
    docs/METHODS.md section 2.5. An association with other things held equal as far as the
    model knows them; no proof of cause.

    Examples
    --------
    Of 40 answers in time half promote and a quarter detract, of 40 late the other way round: 25 points against -25.

    >>> asked = pd.DataFrame({"score": [9] * 20 + [8] * 10 + [3] * 10 + [9] * 10 + [8] * 10 + [3] * 20})
    >>> asked = asked.assign(exposure=["in_time"] * 40 + ["late"] * 40, item="recommend", scale="nps_0_10")
    >>> asked = asked.assign(customer_id=range(80), short=False, damaged=False, segment="a", channel="web", region="n")
    >>> failures(scored(asked), min_n=10)[["failure", "n", "share", "effect", "lost"]].head(3).round(1)
                    failure   n  share  effect  lost
    0       late or overdue  40    0.5   -50.0 -25.0
    1                  late  40    0.5   -50.0 -25.0
    2  overdue, not arrived   0    0.0     NaN   NaN
    """
    answers = invitations[invitations["value"].notna()].reset_index(drop=True)
    met = _met(answers)
    single, met[LATE] = list(met), met[_LATE[0]] | met[_LATE[1]]
    persons = {name: answers["person"][flag.fillna(False)].nunique() for name, flag in met.items()}
    merged = any(0 < persons[name] < min_n for name in _LATE)  # too few of one kind: both are one failure
    asked = [LATE, *(name for name in single if name not in _LATE)] if merged else single
    notes = {name: _why_not(met[name], persons[name]) for name in asked if persons[name] < min_n}
    kept = pd.Series(True, answers.index)
    for name in notes:
        kept &= ~met[name].fillna(False).astype(bool)
    modelled, used = answers[kept], [name for name in asked if name not in notes]
    flags = {name: met[name][kept].fillna(False).astype("float64") for name in used}
    flags |= {f"{name} not known": met[name][kept].isna().astype("float64") for name in used if met[name].isna().any()}
    x = pd.concat([pd.DataFrame(flags, index=modelled.index), _dummies(modelled)], axis=1)
    model, modelled, x, faults = _fitted(modelled, x)
    known = [name for name in used if model is not None and name in model.drivers]
    notes |= {name: faults.get(name, faults.get("", _GOES_WITH)) for name in used if name not in known}
    points = 100 * modelled.groupby("score")["value"].first().astype("float64")
    family = len([name for name in known if name != LATE])
    found = []
    for name in [LATE, *single]:
        columns = [one for one in ([LATE, *_LATE] if name == LATE else [name]) if one in known]
        effect = dict.fromkeys(["effect", "effect_low", "effect_high"], np.nan)
        if columns:
            given, level = x[x[columns].max(axis=1) > 0], 1 - (1 - confidence) / (1 if name == LATE else family)
            without = given.assign(**dict.fromkeys(columns, 0.0))
            effect = model.effect(without, given, points=points, confidence=level)
            if name == LATE:
                effect["effect_free"] = _free(modelled["score"], points, x[list(model.drivers)], without, given)
        note = "" if columns else "counted above" if merged and name in _LATE else notes.get(name) or notes[_LATE[0]]
        flag = met[name] if not columns else pd.concat([met[one] for one in columns], axis=1).any(axis=1)
        n = int(flag.fillna(False).sum())  # of LATE only the part that the effect is of
        hidden = bool(note) and 0 < persons[name] < min_n or note == "counted above"
        share = np.nan if hidden else n / max(len(answers), 1)
        row = {"failure": name, "n": pd.NA if hidden else n, "share": share, "n_model": len(modelled)}
        lost = _lost(effect, flag, answers, confidence=level if columns else confidence)
        found.append(row | {"family": 1 if name == LATE else max(family, 1), "note": note} | effect | lost)
    columns = ["failure", "n", "share", "effect", "effect_low", "effect_high", "lost", "lost_low", "lost_high"]
    columns += ["effect_free", "n_model", "family", "note"]
    return pd.DataFrame(found).reindex(columns=columns).astype({"n": "Int64"})


def _free(score: pd.Series, points: pd.Series, x: pd.DataFrame, without: pd.DataFrame, given: pd.DataFrame) -> float:
    """The effect in points with promoters and detractors each free of the other: no proportional odds.

    What tells one of the two apart perfectly is left out with its answers, as ``_fitted`` does; not the failure itself.
    """
    cuts = [points.index[points > -100].min(), points.index[points == 100].min()]
    while True:
        columns = drivers.independent(x)
        try:
            return drivers.free_effect(score.astype("float64"), x[columns], without[columns], given[columns], cuts=cuts)
        except drivers.SeparationError as error:
            told = error.driver
            if (given[told] != without[told]).any():
                return np.nan
            rest = x[told] == 0
            score, x = score[rest], x[rest].drop(columns=told)
            without, given = (rows[rows[told] == 0] for rows in (without, given))


def _met(answers: pd.DataFrame) -> dict[str, pd.Series]:
    """For each failure, which answers met it."""
    met = {EXPOSURES[name]: answers["exposure"] == name for name in EXPOSURES if name != "in_time"}
    return met | {name: answers[name].astype("boolean") for name in ("short", "damaged")}


_GOES_WITH = "it goes with another failure or group"


def _dummies(answers: pd.DataFrame) -> pd.DataFrame:
    return pd.get_dummies(answers[_CONTROLS].astype("str"), dtype="float64")


def _lost(effect: dict[str, float], met: pd.Series, answers: pd.DataFrame, *, confidence: float) -> dict[str, float]:
    """Effect x share of answers that met it; both are estimates, the share by the linearised ratio over persons."""
    rows = pd.DataFrame({"person": answers["person"], "numerator": met.fillna(False).astype("int64"), "denominator": 1})
    ratio = stats.ratio(rows.groupby("person").sum(), by=[], confidence=confidence)
    if ratio.empty:
        return dict.fromkeys(["lost", "lost_low", "lost_high"], np.nan)
    share = ratio["ratio"].iloc[0]
    halves = (
        (effect["effect_high"] - effect["effect"]) * share,
        (ratio["ratio_high"].iloc[0] - share) * effect["effect"],
    )
    value, half = share * effect["effect"], float(np.hypot(*halves))
    return {"lost": value, "lost_low": value - half, "lost_high": value + half}


def worst(costs: pd.DataFrame) -> int | None:
    """Position among the single failures (the rows after ``LATE``) of the largest loss, or None: not settled.

    Parameters
    ----------
    costs
        The result of ``failures``; a loss counts if its interval lies below 0 and below all others.

    Notes
    -----
    docs/METHODS.md section 2.12.

    Examples
    --------
    >>> costs = pd.DataFrame({"failure": ["late or overdue", "late", "short"], "note": ""})
    >>> worst(costs.assign(lost_low=[-9.0, -9.0, -4.0], lost_high=[-5.0, -5.0, -2.0]))
    0
    >>> worst(costs.assign(lost_low=[-9.0, -9.0, -6.0], lost_high=[-5.0, -5.0, -2.0])) is None
    True
    """
    single = costs.iloc[1:].reset_index(drop=True)
    known = single[single["note"] == ""]
    at = int(known.index[0]) if len(known) == 1 else stats.leader(single, value="lost", lowest=True)
    return at if at is not None and single["lost_high"][at] < 0 else None


def _why_not(flag: pd.Series, n: int) -> str:
    """Why a failure has no effect of its own."""
    if flag.empty:
        return "there is no answer"
    if flag.isna().all():
        return "not recorded"
    return "too few customers met it" if n else "nobody met it"


def _fitted(
    answers: pd.DataFrame, x: pd.DataFrame
) -> tuple[drivers.OrderedLogit | None, pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """The model with its rows; and why columns ('': all of them) are not in it.

    A column that tells its answers apart perfectly is left out with them, and the rest is fitted again.
    """
    faults: dict[str, str] = {}
    while answers["score"].nunique() > 1:
        try:
            columns = drivers.independent(x)
            score = answers["score"].astype("int64")
            return drivers.ordered_logit(score, x[columns], clusters=answers["person"]), answers, x, faults
        except drivers.SeparationError as error:
            faults[error.driver] = "its answers are all alike, or all others are"
            rest = x[error.driver] == 0
            answers, x = answers[rest], x[rest].drop(columns=error.driver)
    return None, answers, x, faults | {"": "all answers are alike"}


_HISTORY = ["orders_before", "late_before"]
_CATEGORIES = ("segment", "channel", "region", "fulfilment", "rush", "category", "weekday", "month")
_RARE = 0.01  # share of rows below which a category of a covariate is none of its own


def _covariates(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Numbers of what was known when the order was placed: marks of categories, logarithms of amounts."""
    placed = rows.assign(weekday=rows["ordered_at"].dt.day_name(), month=rows["ordered_at"].dt.month_name())
    columns = {}
    for name in names:
        if name in _CATEGORIES:
            values = placed[name].astype("str").where(placed[name].notna(), stats.UNKNOWN)
            counts = values.value_counts()
            for value in sorted(counts.index[counts >= _RARE * len(rows)]):
                columns[f"{name} {value}"] = (values == value).astype("float64")
        else:
            amount = placed[name].astype("Float64").astype("float64")
            if name == "late_before" and "orders_before" in rows:
                amount = amount / placed["orders_before"].astype("Float64").astype("float64").clip(lower=1)
            else:
                amount = np.log1p(amount.clip(lower=0))
            columns[name] = amount.fillna(0)
            columns[f"{name} not known"] = amount.isna().astype("float64")
    return pd.DataFrame(columns, index=rows.index, dtype="float64")


def _comparable(flag: pd.Series, x: pd.DataFrame, weights: pd.Series | None = None) -> tuple[pd.DataFrame, pd.Series]:
    """Columns of which a logit of the flag has a maximum, and its fitted shares (0-1).

    Marks whose rows all hold the flag, or none, are left out; a number that tells the flag apart is a SeparationError.
    """
    x = x[drivers.independent(x)]
    while True:
        try:
            return x, drivers.propensity(flag, x, weights=weights)
        except drivers.SeparationError as error:
            if error.driver not in x or not x[error.driver].isin([0.0, 1.0]).all():
                raise
            x = x.drop(columns=error.driver)


def weighted(chosen: pd.DataFrame) -> pd.DataFrame:
    """The result of ``scored`` with ``response`` (fitted share of having answered, 0-1) and ``weight`` of each answer.

    Parameters
    ----------
    chosen
        The result of ``scored``; needs ``exposure``, ``segment``, ``channel``, ``region``, ``orders_before``,
        ``late_before``, ``ordered_at``.

    Returns
    -------
    DataFrame
        ``chosen`` with both. Weight is 1 / response, cut at its 1st and 99th percentile, scaled to the number of
        answers, missing where there is none; 1, and no response, where no invitation without an answer is on record, or
        where a number tells perfectly who answers.

    Notes
    -----
    docs/METHODS.md section 2.3. Mends what depends on history, not what depends on the score itself.

    Examples
    --------
    Three in four of "a" answer and one in four of "b": an answer of "b" stands for three times as many.

    >>> asked = pd.DataFrame({"segment": ["a"] * 40 + ["b"] * 40, "channel": "web", "region": "n"})
    >>> asked = asked.assign(exposure="in_time", orders_before=0, late_before=0, ordered_at=pd.Timestamp("2026-05-04"))
    >>> asked["value"] = pd.array([1] * 30 + [None] * 10 + [-1] * 10 + [None] * 30, "Int64")
    >>> weighted(asked).groupby("segment", as_index=False)[["response", "weight"]].mean().round(2)
      segment  response  weight
    0       a      0.75    0.67
    1       b      0.25    2.00
    """
    answered = chosen["value"].notna()
    if answered.all() or not answered.any():
        return chosen.assign(response=np.nan, weight=1.0)
    met = pd.get_dummies(chosen["exposure"], dtype="float64")
    try:
        x = pd.concat([_covariates(chosen, [*_CONTROLS, *_HISTORY]), met], axis=1)
        response = _comparable(answered, x)[1]
    except drivers.SeparationError:  # who answers is known without doubt: nothing can be weighted
        return chosen.assign(response=np.nan, weight=1.0)
    weight = (1 / response).where(answered)
    weight = weight.clip(*weight.quantile([0.01, 0.99]))
    return chosen.assign(response=response, weight=weight / weight.mean())


def silence(chosen: pd.DataFrame, *, reference: float, confidence: float = 0.95) -> pd.DataFrame:
    """What the score would be had those who did not answer been like those who did, or harder to please.

    Parameters
    ----------
    chosen
        The result of ``weighted``.
    reference
        Score (points) at which a reader would conclude otherwise, such as that of the period before.
    confidence
        Coverage of the intervals, between 0 and 1.

    Returns
    -------
    DataFrame
        Two rows, none where nothing is known of who did not answer: ``what`` (answers as they came; weighted),
        ``n``, ``n_effective``, ``nps``, ``nps_low``, ``nps_high`` (points), ``answered`` (share, 0-1),
        ``representativity`` (1 - 2 SD of the fitted shares), ``tipping`` (points by which those who did not
        answer would have to score lower for the score of all invited to fall to the reference; negative: higher).

    Notes
    -----
    docs/METHODS.md section 2.3. Where answering depends on the score itself the weighted row is no better.

    Examples
    --------
    40 of 100 answered, 75 points: 0.4 x 75 + 0.6 x (75 - 50) = 45.

    >>> chosen = pd.DataFrame({"value": [1] * 30 + [0] * 10 + [None] * 60, "person": range(100), "response": 0.4})
    >>> found = silence(chosen.assign(weight=1.0), reference=45)
    >>> found[["what", "nps", "answered", "representativity", "tipping"]].round(2)
                            what   nps  answered  representativity  tipping
    0       answers as they came  75.0       0.4               1.0     50.0
    1  weighted for who answered  75.0       0.4               1.0     50.0
    """
    if not len(chosen) or chosen["response"].isna().all():
        return pd.DataFrame(columns=["what", "n", "n_effective", *_POINTS, "answered", "representativity", "tipping"])
    answers = chosen[chosen["value"].notna()]
    plain = nps(answers.drop(columns="weight"), confidence=confidence).assign(what="answers as they came")
    found = pd.concat([plain, nps(answers, confidence=confidence).assign(what="weighted for who answered")])
    answered = len(answers) / len(chosen)
    found["tipping"] = (found["nps"] - reference) / (1 - answered)
    spread = 1 - 2 * float(chosen["response"].std())
    columns = ["what", "n", "n_effective", *_POINTS, "answered", "representativity", "tipping"]
    return found.assign(answered=answered, representativity=spread)[columns].reset_index(drop=True)


def comparisons(chosen: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Every pair of segments, their difference in NPS points.

    Parameters
    ----------
    chosen
        The result of ``scored``; needs ``segment``, ``person``, ``value``. With ``weight`` answers count by it.
    confidence
        Coverage of the intervals, between 0 and 1; 1 - confidence is the false discovery rate of ``settled``.

    Returns
    -------
    DataFrame
        One row a pair, the columns of ``stats.compare``: ``group_a``, ``group_b``, ``difference`` (a minus b) with ends
        (points), ``p``, ``p_adjusted``, ``settled``, ``family``.

    Notes
    -----
    docs/METHODS.md section 2.3. Segments are compared as if independent: poor if a customer is in two of them.

    Examples
    --------
    >>> chosen = pd.DataFrame({"segment": ["a"] * 100 + ["b"] * 100, "person": range(200)})
    >>> chosen["value"] = [1] * 50 + [0] * 30 + [-1] * 20 + [1] * 20 + [0] * 60 + [-1] * 20
    >>> columns = ["group_a", "group_b", "difference", "difference_low", "difference_high", "settled"]
    >>> comparisons(chosen)[columns].round(1)
      group_a group_b  difference  difference_low  difference_high  settled
    0       a       b        30.0            10.3             49.7     True
    """
    shares = stats.net_share(chosen[chosen["value"].notna()], by=["segment"], confidence=confidence)
    pairs = stats.compare(shares, by=["segment"], confidence=confidence)
    points = ["difference", "difference_low", "difference_high"]
    return pairs.assign(**{name: 100 * pairs[name] for name in points})


def by_way(chosen: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """NPS by way of acquiring (``fulfilment``), in points, small ones together.

    Parameters
    ----------
    chosen
        The result of ``scored``; needs ``fulfilment``, ``person``, ``value``.
    min_n
        Customers that a way must hold; smaller ones become "(other)".
    confidence
        Coverage of the intervals, between 0 and 1; they hold together over the ways.

    Returns
    -------
    DataFrame
        One row a way: ``fulfilment`` and the columns of ``nps``. No row where too few answered in all.

    Notes
    -----
    docs/METHODS.md sections 0.10, 2.2 and 2.3.

    Examples
    --------
    Two customers at the curbside are too few, and the next smallest joins them.

    >>> chosen = pd.DataFrame({"fulfilment": ["click_and_collect"] * 12 + ["in_store"] * 11 + ["curbside"] * 2})
    >>> chosen = chosen.assign(value=[1] * 12 + [-1] * 11 + [0] * 2, person=range(25))
    >>> by_way(chosen, min_n=10)[["fulfilment", "n", "nps"]].round(1)
              fulfilment   n    nps
    0            (other)  13  -84.6
    1  click and collect  12  100.0
    """
    answers = chosen[chosen["value"].notna()]
    placed = stats.publishable(answers, by=["fulfilment"], person="person", min_n=min_n)
    return nps(
        placed.assign(fulfilment=placed["fulfilment"].str.replace("_", " ")), by=["fulfilment"], confidence=confidence
    )


def reference(chosen: pd.DataFrame, earlier: pd.DataFrame) -> float:
    """The score of the period before, in points; 0 where there is none of the same measure.

    Parameters
    ----------
    chosen
        The result of ``scored``: its measure is looked at.
    earlier
        The result of ``weighted`` for the period before; its weights are not used.

    Notes
    -----
    docs/METHODS.md section 2.3: what the tipping point of ``silence`` is told against.

    Examples
    --------
    >>> earlier = pd.DataFrame({"value": [1, 1, 0, -1], "person": range(4), "weight": 1.0, "measure": "NPS"})
    >>> reference(earlier, earlier)
    25.0
    >>> reference(earlier.assign(measure="NPS proxy (five promotes)"), earlier)
    0.0
    """
    same = name_of(chosen) == name_of(earlier) and earlier["value"].notna().any()
    return float(nps(earlier.drop(columns="weight"))["nps"].iloc[0]) if same else 0.0


_DOSES = {  # of what: unit, first values of the classes, name of the first
    "late": ("days late", (0, 1, 2, 3, 4, 6, 8, 15), "in time"),
    "wait": ("days from order to arrival", (0, 2, 3, 4, 6, 8, 11, 15, 22, 31), ""),
    "missing": ("per cent of pieces missing", (0, 1, 11, 26, 51), "nothing missing"),
}


def _dosed(chosen: pd.DataFrame, of: str) -> pd.DataFrame:
    """Answers of orders promised, due and not cancelled, with the ``dose``: whole days, or per cent."""
    due = chosen[chosen["exposure"].isin(["in_time", "late", "overdue"]) & chosen["value"].notna()]
    column, per = {"late": ("late_s", 86_400), "wait": ("wait_s", 86_400), "missing": ("missing_share", 0.01)}[of]
    dose = np.ceil((due[column].astype("Float64").astype("float64") / per).round(9))
    return due.assign(dose=dose, value=100 * due["value"].astype("float64")).dropna(subset=["dose"])


def by_dose(chosen: pd.DataFrame, of: str, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """NPS by how much of it customers met when invited, in points; classes of fewer than ``min_n`` join the one before.

    Parameters
    ----------
    chosen
        The result of ``scored``; needs ``exposure`` (in time, late and overdue are judged), ``person``, ``value`` and,
        by ``of``, ``late_s``, ``wait_s`` (seconds) or ``missing_share`` (0-1).
    of
        "late" (whole days), "wait" (whole days from the order to the arrival, or the invitation), "missing" (per
        cent of the pieces, of what has arrived). Begun days and per cents count as whole.
    min_n
        Customers that a class must hold; the lowest joins the next.
    confidence
        Coverage of the intervals, between 0 and 1; they hold together over the classes.

    Returns
    -------
    DataFrame
        One row a class: ``dose`` (such as "4 to 5"), the columns of ``nps``, ``unit``. No row where fewer than
        ``min_n`` customers have a dose, or where it is not on record.

    Notes
    -----
    docs/METHODS.md section 2.4. An association: the wait holds the lateness.

    Examples
    --------
    A minute late is the first day; five of the second and five of the thirtieth stand together.

    >>> answers = pd.DataFrame({"late_s": [0] * 12 + [60] * 12 + [2 * 86_400] * 5 + [30 * 86_400] * 5})
    >>> answers["exposure"] = np.where(answers["late_s"] > 0, "late", "in_time")
    >>> answers = answers.assign(value=[1] * 12 + [0] * 12 + [-1] * 10, person=range(34))
    >>> by_dose(answers, "late", min_n=10)[["dose", "n", "nps", "unit"]].round(1)
            dose   n    nps       unit
    0    in time  12  100.0  days late
    1          1  12    0.0  days late
    2  2 or more  10 -100.0  days late
    """
    due, (unit, starts, none) = _dosed(chosen, of), _DOSES[of]
    due = due if due["person"].nunique() >= min_n else due.iloc[:0]
    firsts = list(starts)
    for first in sorted(starts[1:], reverse=True):
        upper = min([one for one in firsts if one > first], default=np.inf)
        if due.loc[(due["dose"] >= first) & (due["dose"] < upper), "person"].nunique() < min_n:
            firsts.remove(first)
    while len(firsts) > 1 and due.loc[due["dose"] < firsts[1], "person"].nunique() < min_n:
        firsts.pop(1)
    names = {}
    for first, after in zip(firsts, [*firsts[1:], None], strict=True):
        text = f"{first} or more" if after is None else f"{first} to {after - 1}"
        names[first] = none if none and first == 0 and after == 1 else f"{first}" if after == first + 1 else text
    place = np.searchsorted(firsts, due["dose"], side="right") - 1
    due = due.assign(_place=place, value=(due["value"] / 100).astype("int64"))
    scores = nps(due, by=["_place"], confidence=confidence)
    scores.insert(0, "dose", [names[firsts[at]] for at in scores.pop("_place")])
    return scores.assign(unit=unit)


def break_of(chosen: pd.DataFrame, of: str, *, rng: np.random.Generator, confidence: float = 0.95) -> dict[str, float]:
    """The day of lateness or of waiting from which the score falls.

    Parameters
    ----------
    chosen
        As for ``by_dose``.
    of
        As for ``by_dose``; of the days 0 to 14 the one that fits best is found.
    rng
        Of the bootstrap over customers.
    confidence
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    dict
        ``break`` with ends (days; the score falls after it), ``slope`` (points a day), ``jump`` (points), ``gain``
        (log-likelihood over no break), ``n`` (answers): keys of ``stats.break_point``; all but ``n`` missing with fewer
        than three doses or answers all alike.

    Notes
    -----
    docs/METHODS.md section 2.4. An association.

    Examples
    --------
    Up to a day late all promote, after two days all are passive, after three all detract.

    >>> answers = pd.DataFrame({"late_s": [0, 86_400, 2 * 86_400, 3 * 86_400] * 10, "value": [1, 1, 0, -1] * 10})
    >>> answers = answers.assign(exposure="late", person=range(40))
    >>> found = break_of(answers, "late", rng=np.random.default_rng(1))
    >>> found["break"], round(found["slope"], 6), round(found["jump"], 6) + 0.0, found["n"]
    (1.0, -100.0, 0.0, 40)
    """
    return stats.break_point(_dosed(chosen, of), grid=range(0, 15), rng=rng, confidence=confidence)


def by_period(past: pd.DataFrame, *, star_map: str, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """NPS of this period and those before, in points, earliest first.

    Parameters
    ----------
    past
        The frame ``past_answers``; needs ``position`` (0: this period, -1 the one before) and ``period`` besides the
        columns that ``scored`` needs.
    star_map
        As for ``scored``.
    min_n
        A period of fewer customers is left out.
    confidence
        Coverage of the intervals, between 0 and 1; they hold together over the periods.

    Returns
    -------
    DataFrame
        One row a period: ``period`` and the columns of ``nps``.

    Notes
    -----
    docs/METHODS.md section 2.3. Where both scales were ever used, periods of star ratings alone are left out.

    Examples
    --------
    Nine customers of the second period are too few.

    >>> past = pd.DataFrame({"position": [0] * 12 + [-1] * 9 + [-2] * 10, "customer_id": range(31)})
    >>> past["period"] = past["position"].map({0: "2026Q3", -1: "2026Q2", -2: "2026Q1"})
    >>> past = past.assign(item="recommend", scale="nps_0_10", score=[9] * 12 + [0] * 19)
    >>> by_period(past, star_map="five_promotes", min_n=10)[["period", "n", "nps"]].round(1)
       period   n    nps
    0  2026Q1  10 -100.0
    1  2026Q3  12  100.0
    """
    chosen = scored(past, star_map=star_map)
    enough = chosen.groupby("position")["person"].nunique() >= min_n
    chosen = chosen[chosen["position"].map(enough).astype(bool)]
    found = nps(chosen, by=["position", "period"], confidence=confidence)
    return found.sort_values("position", ignore_index=True).drop(columns="position")


def importance(
    chosen: pd.DataFrame, *, min_n: int, rng: np.random.Generator, draws: int = 200, confidence: float = 0.95
) -> pd.DataFrame:
    """What share of the scores' variance each failure explains (0-1), segment, channel and region held.

    Parameters
    ----------
    chosen
        The result of ``scored``, with the columns that ``failures`` needs.
    min_n
        Customers that must have met a failure; it is left out else, and its answers count as without it.
    rng, draws
        Of the bootstrap over customers; without draws there is no interval.
    confidence
        Coverage of each interval, between 0 and 1.

    Returns
    -------
    DataFrame
        One row a failure, largest first: the columns of ``drivers.importance`` (``driver``, ``importance`` with ends,
        ``share``, ``sign``, ``method``), of the values left by least squares on the controls, and ``vif``. No row
        without a failure, or where all answers are alike.

    Notes
    -----
    docs/METHODS.md section 2.6. Importance, not cause: a rare failure that costs much explains little.

    Examples
    --------
    Late and short cost one step each and explain all; half met short, a fifth late: 0.5 x 0.5 to 0.2 x 0.8.

    >>> answers = pd.DataFrame({"exposure": ["in_time"] * 80 + ["late"] * 20, "short": [False, True] * 50})
    >>> answers["value"] = 1 - answers["short"].astype(int) - (answers["exposure"] == "late")
    >>> answers = answers.assign(damaged=False, segment="a", channel="web", region="n", person=range(100))
    >>> found = importance(answers, min_n=10, rng=np.random.default_rng(1), draws=0)
    >>> found[["driver", "importance", "sign", "vif"]].round(2)
      driver  importance  sign  vif
    0  short        0.61  -1.0  1.0
    1   late        0.39  -1.0  1.0
    """
    answers = chosen[chosen["value"].notna()].reset_index(drop=True)
    met = {name: flag.fillna(False) for name, flag in _met(answers).items()}
    enough = [name for name, flag in met.items() if answers["person"][flag].nunique() >= min_n]
    flags = pd.DataFrame({name: met[name].astype("float64") for name in enough}, index=answers.index)
    controls = np.column_stack([np.ones(len(answers)), _dummies(answers).to_numpy(dtype="float64")])
    both = np.column_stack([answers["value"].astype("float64"), flags])
    left = both - controls @ np.linalg.lstsq(controls, both, rcond=None)[0] if len(answers) else both
    flags = pd.DataFrame(left[:, 1:], columns=flags.columns)
    flags = flags[drivers.independent(flags)]
    if not len(flags.columns) or np.ptp(left[:, 0]) < 1e-9:
        return pd.DataFrame(
            columns=["driver", "importance", "importance_low", "importance_high", "share", "sign", "vif"]
        )
    found = drivers.importance(
        left[:, 0], flags, clusters=answers["person"], rng=rng, draws=draws, confidence=confidence
    )
    found = found.merge(drivers.inflation(flags), on="driver")
    return found.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def penalty_reward(
    chosen: pd.DataFrame, invitations: pd.DataFrame, *, min_n: int, confidence: float = 0.95
) -> pd.DataFrame:
    """Which drivers only punish, which delight: marks of low and high on the score, together.

    Parameters
    ----------
    chosen, invitations
        The result of ``scored``, and the frame it was made of, with the other items of the same invitations
        (``response_id``). ``chosen`` needs ``exposure``, ``delay_s`` (seconds), ``short``, ``damaged``, and
        ``segment``, ``channel``, ``region`` to hold equal.
    min_n
        A mark that fewer customers hold is left out.
    confidence
        Coverage of each interval, between 0 and 1.

    Returns
    -------
    DataFrame
        One row an attribute (speed, short, damaged, and each item asked from 0 to 10): the columns of
        ``drivers.penalty_reward`` in NPS points, and ``n_low``, ``n_high`` (answers with the mark). An item nobody was
        asked is not in it, nor an attribute without a mark. No row with fewer than five answers a mark or control.

    Notes
    -----
    docs/METHODS.md section 2.7; all marks together, segment, channel and region held equal.

    Examples
    --------
    In time half promote and half are passive; the late all detract, those a day early all promote.

    >>> asked = pd.DataFrame({"exposure": ["late"] * 10 + ["in_time"] * 20, "delay_s": [0] * 20 + [-90_000] * 10})
    >>> asked = asked.assign(item="recommend", scale="nps_0_10", score=[0] * 10 + [9, 8] * 5 + [9] * 10)
    >>> asked = asked.assign(customer_id=range(30), response_id=range(30), short=False, damaged=False)
    >>> asked = asked.assign(segment="a", channel="web", region="n")
    >>> found = penalty_reward(scored(asked), asked, min_n=10)
    >>> found[["attribute", "penalty", "reward", "kind"]].round(1)
                       attribute  penalty  reward          kind
    0  speed (late; a day early)   -150.0    50.0  dissatisfier
    """
    answers = chosen[chosen["value"].notna()].reset_index(drop=True)
    due = answers["exposure"].isin(["in_time", "late", "overdue"])
    early = due & (answers["exposure"] == "in_time") & (answers["delay_s"] <= -86_400).fillna(False)
    marks = {"speed (late; a day early)": (due & answers["exposure"].isin(["late", "overdue"]), early)}
    for name in ("short", "damaged"):
        marks[name] = (answers[name].astype("boolean").fillna(False), pd.Series(False, answers.index))
    others = invitations[invitations["item"] != ITEM].dropna(subset=["score"])
    for item, rows in others[others["scale"] == "nps_0_10"].groupby("item"):
        score = answers["response_id"].map(rows.drop_duplicates("response_id").set_index("response_id")["score"])
        marks[f"item {item}"] = ((score <= 6).fillna(False), (score >= 9).fillna(False))
    low, high = (pd.DataFrame({name: pair[side].astype("float64") for name, pair in marks.items()}) for side in (0, 1))
    for side in (low, high):
        for name in side:
            if answers["person"][side[name] > 0].nunique() < min_n:
                side[name] = 0.0
    points = 100 * answers["value"].astype("float64")
    held = _dummies(answers)
    columns = drivers.independent(pd.concat([low.add_prefix("low "), high.add_prefix("high "), held], axis=1))
    if len(points) < max(2, 5 * len(columns)) or np.ptp(points) == 0:
        return pd.DataFrame(columns=["attribute", "kind"])
    of = {"clusters": answers["person"], "confidence": confidence}
    found = drivers.penalty_reward(points, low, high, controls=held, **of)
    found["n_low"], found["n_high"] = (found["attribute"].map(side.sum().astype("int64")) for side in (low, high))
    return found[(found["n_low"] > 0) | (found["n_high"] > 0)].reset_index(drop=True)


_PARTS = ("who was asked and answered", "customer mix", "service", "rest")


def change(
    chosen: pd.DataFrame,
    earlier: pd.DataFrame,
    *,
    rng: np.random.Generator,
    draws: int = 200,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Why the score moved since the period before, in parts (points) that sum to the change exactly.

    Parameters
    ----------
    chosen, earlier
        The results of ``weighted`` for this period and the one before; need ``segment``, ``exposure``, ``short``,
        ``damaged``.
    rng, draws
        Of the bootstrap over customers that gives the intervals; weights are taken as known.
    confidence
        Coverage of each interval, between 0 and 1.

    Returns
    -------
    DataFrame
        One row a part and the total: ``part``, ``points``, ``points_low``, ``points_high``. No row without answers
        in both periods, or where they are of different scales.

    Notes
    -----
    Kitagawa, JASA 50, 1955, symmetric, over segments and what their customers had met; docs/METHODS.md section 2.8.
    What weights move more in one period than in the other is "who was asked and answered". Of a segment, or of an
    exposure within one, that one period alone has, the score is taken as the same in both.

    Examples
    --------
    All in time promote and all late detract, in both periods; half were late, now a quarter: from 0 to 50 points.

    >>> earlier = pd.DataFrame({"exposure": ["in_time"] * 10 + ["late"] * 10, "value": [1] * 10 + [-1] * 10})
    >>> earlier = earlier.assign(segment="a", short=False, damaged=False, weight=1.0, measure="NPS", person=range(20))
    >>> now = earlier.assign(exposure=["in_time"] * 15 + ["late"] * 5, value=[1] * 15 + [-1] * 5)
    >>> found = change(now, earlier, rng=np.random.default_rng(1), draws=20).set_index("part")["points"]
    >>> found.loc[["customer mix", "service", "rest", "change in all"]].abs().round(6).tolist()
    [0.0, 50.0, 0.0, 50.0]
    """
    periods = [rows[rows["value"].notna()] for rows in (earlier, chosen)]
    columns = ["part", "points", "points_low", "points_high"]
    if any(rows.empty for rows in periods) or name_of(periods[0]) != name_of(periods[1]):
        return pd.DataFrame(columns=columns)
    both = pd.concat(periods, ignore_index=True)
    trouble = both[["short", "damaged"]].astype("boolean").fillna(False).any(axis=1)
    segment, met = pd.factorize(both["segment"])[0], pd.factorize(both["exposure"].where(~trouble, "incomplete"))[0]
    when, shape = np.repeat([0, 1], [len(rows) for rows in periods]), (2, segment.max() + 1, met.max() + 1)
    cell = np.ravel_multi_index((when, segment, met), shape)
    person, value = pd.factorize(both["person"])[0], 100 * both["value"].to_numpy(dtype="float64")
    weight = both["weight"].to_numpy(dtype="float64")
    found = [_parts(cell, when, value, weight, np.ones(len(both)), shape)]
    for _ in range(draws):
        found.append(_parts(cell, when, value, weight, rng.poisson(1.0, person.max() + 1)[person], shape))
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(found[1:], [tail, 1 - tail], axis=0) if draws else np.full((2, len(_PARTS) + 1), np.nan)
    rows = [*_PARTS, "change in all"]
    return pd.DataFrame({"part": rows, "points": found[0], "points_low": low, "points_high": high})[columns]


def _parts(
    cell: np.ndarray, when: np.ndarray, value: np.ndarray, weight: np.ndarray, drawn: np.ndarray, shape: tuple
) -> np.ndarray:
    """The parts of ``change`` and their sum, of answers that were drawn so many times."""
    weight, size = weight * drawn, int(np.prod(shape))
    plain = np.bincount(when, drawn * value, 2) / np.maximum(np.bincount(when, drawn, 2), 1e-300)
    n = np.bincount(cell, weight, size).reshape(shape)
    sums = np.bincount(cell, weight * value, size).reshape(shape)
    total = n.sum(axis=(1, 2))
    level = sums.sum(axis=(1, 2)) / np.maximum(total, 1e-300)
    share = n.sum(axis=2) / np.maximum(total, 1e-300)[:, None]
    of = n.sum(axis=2, keepdims=True)
    within = np.where(of > 0, n / np.maximum(of, 1e-300), np.nan)
    rate = np.where(n > 0, sums / np.maximum(n, 1e-300), np.nan)
    within, rate = (np.where(np.isnan(x), x[::-1], x) for x in (within, rate))  # seen in one period only: no change
    within, rate = np.nan_to_num(within), np.nan_to_num(rate)
    middle = rate.mean(axis=0)
    mix = (np.diff(share, axis=0)[0][:, None] * within.mean(axis=0) * middle).sum()
    service = (share.mean(axis=0)[:, None] * np.diff(within, axis=0)[0] * middle).sum()
    asked = (plain - level)[1] - (plain - level)[0]
    change = plain[1] - plain[0]
    return np.array([asked, mix, service, change - asked - mix - service, change])


_TREATMENTS = {"late": LATE, "short": "short", "damaged": "damaged"}  # of a declared cause, as readers know it


def _compared(
    chosen: pd.DataFrame, treatment: str, names: Sequence[str]
) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Answers that a cause can be asked of, which of them met it, and their covariates.

    Answers of a category that all met it, or all escaped it, have nobody to be compared with and are left out.
    """
    answers = chosen[chosen["value"].notna()]
    if treatment == "late":
        answers = answers[answers["exposure"].isin(["in_time", "late", "overdue"])].reset_index(drop=True)
        treated = answers["exposure"] != "in_time"
    else:
        there = answers["exposure"].isin(["in_time", "late"]) & answers[treatment].notna()
        answers = answers[there].reset_index(drop=True)
        treated = answers[treatment].astype("boolean").fillna(False).astype(bool)
    x = _covariates(answers, names)
    marks = x.columns[x.isin([0.0, 1.0]).all()]
    while len(x) and treated.any() and not treated.all():
        shares = x[marks].mul(treated, axis=0).sum() / x[marks].sum().clip(lower=1)
        alone = marks[((shares == 0) | (shares == 1)) & (x[marks].sum() > 0)]
        if alone.empty:
            break
        kept = (x[alone] == 0).all(axis=1)
        answers, treated, x = (part[kept].reset_index(drop=True) for part in (answers, treated, x))
    return answers, treated, x[drivers.independent(x)]


def _declared(causes: pd.DataFrame) -> list[tuple[str, list[str], str, bool]]:
    return [
        (treatment, rows["covariate"].tolist(), rows["control_item"].iloc[0], bool(rows["declared_later"].iloc[0]))
        for treatment, rows in causes.groupby("treatment", sort=False)
    ]


def cause(
    chosen: pd.DataFrame, invitations: pd.DataFrame, causes: pd.DataFrame, *, min_n: int, confidence: float = 0.95
) -> pd.DataFrame:
    """What a declared failure does to the score of those who met it, alike customers compared.

    Parameters
    ----------
    chosen, invitations
        The result of ``weighted``, and the frame with the other items of the same invitations. ``chosen`` needs
        ``exposure``, ``short``, ``damaged``, ``ordered_at``, ``response_id`` and the declared covariates.
    causes
        The frame ``causes``: a row a ``treatment`` ("late", "short", "damaged") and ``covariate``, with
        ``control_item`` ("": none) and ``declared_later``.
    min_n
        A failure that fewer customers met, or escaped, has no effect.
    confidence
        Coverage of each interval, between 0 and 1.

    Returns
    -------
    DataFrame
        Per declared failure one row each of ``estimand`` "raw difference", "ATT", "ATE" (not where few met it) and, if
        declared, "ATT on <item>" (the negative control, points of the item): ``treatment``, ``failure``, ``estimand``,
        ``effect`` with ends (points), ``lost`` with ends (ATT x share that met it), ``n``, ``n_treated``, ``n_alone``
        (left out: nobody like them met it, or escaped it), ``e_value``, ``e_value_limit`` (of the detractors' risk
        ratio), ``declared_later``, ``note`` (why there is no effect).

    Notes
    -----
    docs/METHODS.md section 2.9. Right if the covariates hold all that moves both failure and score; the page cannot
    show that they do.

    Examples
    --------
    Late costs everybody one step, 100 points; "b", a step harder to please, is late more often: it looks like 150.

    >>> late = [False] * 30 + [True] * 10 + [False] * 10 + [True] * 30
    >>> chosen = pd.DataFrame({"segment": ["a"] * 40 + ["b"] * 40, "exposure": np.where(late, "late", "in_time")})
    >>> chosen["value"] = (chosen["segment"] == "a").astype(int) - late
    >>> chosen = chosen.assign(weight=1.0, person=range(80), response_id=range(80), ordered_at=pd.Timestamp(0))
    >>> asked = chosen.assign(item="recommend", scale="nps_0_10", score=pd.NA)
    >>> causes = pd.DataFrame({"treatment": ["late"], "covariate": "segment", "control_item": ""})
    >>> causes["declared_later"] = False
    >>> cause(chosen, asked, causes, min_n=10)[["estimand", "effect", "lost", "n", "n_treated"]].round(1)
             estimand  effect  lost   n  n_treated
    0  raw difference  -150.0   NaN  80         40
    1             ATT  -100.0 -50.0  80         40
    2             ATE  -100.0   NaN  80         40
    """
    found = []
    for treatment, names, item, later in _declared(causes):
        answers, treated, x = _compared(chosen, treatment, names)
        persons = [answers["person"][flag].nunique() for flag in (treated, ~treated)]
        row = {
            "treatment": treatment,
            "failure": _TREATMENTS[treatment],
            "n": len(answers),
            "n_treated": int(treated.sum()),
        }
        row["n_alone"] = len(_compared(chosen, treatment, [])[0]) - len(answers)
        row |= {"declared_later": later, "note": ""}
        if min(persons) < min_n:
            few = "too few customers met it" if persons[0] < min_n else "too few customers escaped it"
            found.append(row | {"estimand": "ATT", "note": few, "n": pd.NA, "n_treated": pd.NA})
            continue
        points, weights = 100 * answers["value"].astype("float64"), answers["weight"].astype("float64")
        if np.ptp(points) == 0:
            found.append(row | {"estimand": "ATT", "note": "all answers are alike"})
            continue
        known = {"clusters": answers["person"], "weights": weights, "confidence": confidence}
        none = pd.DataFrame(index=answers.index)
        raw = drivers.treatment_effect(points, treated, none, **known).set_index("estimand").loc["ATE"]
        found.append(row | {"estimand": "raw difference"} | raw[_EFFECT].to_dict())
        try:
            chance = x.iloc[:, :0] if _few(treated, x) else _comparable(treated, x, weights)[0]
        except drivers.SeparationError as error:
            found.append(row | {"estimand": "ATT", "note": f"{error.driver} tells who met it: none are alike"})
            continue
        known["outcome_covariates"] = x
        effects, risk = (
            drivers.treatment_effect(what, treated, chance, **known).set_index("estimand")
            for what in (points, points < 0)
        )
        risk = risk.loc["ATT"]
        ends = NormalDist().inv_cdf((1 + confidence) / 2) * risk["log_ratio_se"] * np.array([0, -1, 1])
        strength = drivers.e_value(*(risk["with"] / risk["without"] * np.exp(ends))) if np.isfinite(ends).all() else {}
        whole = chosen[chosen["value"].notna()]  # points lost are of all answers, not of those compared
        met = whole["response_id"].isin(answers["response_id"][treated])
        lost = _lost(effects.loc["ATT"], met, whole, confidence=confidence)
        found.append(row | {"estimand": "ATT"} | effects.loc["ATT", _EFFECT].to_dict() | lost | strength)
        if not _few(treated, x):  # too few of them tell nothing of what it would do to everybody
            found.append(row | {"estimand": "ATE"} | effects.loc["ATE", _EFFECT].to_dict())
        other = invitations[(invitations["item"] == item) & (invitations["scale"] == "nps_0_10")]
        score = answers["response_id"].map(other.drop_duplicates("response_id").set_index("response_id")["score"])
        both = score.notna().to_numpy()
        if item and min(answers["person"][both & flag].nunique() for flag in (treated, ~treated)) >= min_n:
            score = score[both].astype("float64")
            known |= {"clusters": answers["person"][both], "weights": weights[both]}
            known["outcome_covariates"] = x[both][drivers.independent(x[both])]
            pleased = 100.0 * (score >= 9) - 100.0 * (score <= 6)
            chance = _comparable(treated[both], chance[both], weights[both])[0] if len(chance.columns) else chance[both]
            touched = drivers.treatment_effect(pleased, treated[both], chance, **known)
            touched = touched.set_index("estimand").loc["ATT", _EFFECT].to_dict()
            found.append(row | {"estimand": f"ATT on {item}", "n": int(both.sum())} | touched)
    columns = [
        "treatment",
        "failure",
        "estimand",
        *_EFFECT,
        "lost",
        "lost_low",
        "lost_high",
        "n",
        "n_treated",
        "n_alone",
    ]
    columns += ["e_value", "e_value_limit", "declared_later", "note"]
    return pd.DataFrame(found, columns=columns).astype(dict.fromkeys(["n", "n_treated", "n_alone"], "Int64"))


def _few(treated: pd.Series, x: pd.DataFrame) -> bool:
    """Are those who met it too few for a logit of so many covariates (docs/METHODS.md section 2.9)?"""
    return bool(treated.sum() < 5 * len(x.columns))


ORDERS_LATE = "orders late, per cent"
_EFFECT = ["effect", "effect_low", "effect_high"]


def alike(chosen: pd.DataFrame, causes: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """How alike those who met a declared failure and those who did not are, before and after weighting.

    Parameters
    ----------
    chosen, causes, min_n
        As for ``cause``.

    Returns
    -------
    DataFrame
        One row a failure and covariate: ``failure``, ``covariate``, ``smd_before``, ``smd_after`` (standardised mean
        differences), ``overlap`` (share of those who met it whose propensity someone who did not meet it reaches too,
        0-1). No row of a failure that too few met for a logit of its covariates, or that ``cause`` gives no effect of.

    Notes
    -----
    docs/METHODS.md section 2.9: above 0.1 it is said.

    Examples
    --------
    Of "a" a quarter is late, of "b" three quarters; weighted, those in time are as often of "a" as those late.

    >>> late = [False] * 30 + [True] * 10 + [False] * 10 + [True] * 30
    >>> chosen = pd.DataFrame({"segment": ["a"] * 40 + ["b"] * 40, "exposure": np.where(late, "late", "in_time")})
    >>> chosen = chosen.assign(value=1, weight=1.0, person=range(80), ordered_at=pd.Timestamp(0))
    >>> causes = pd.DataFrame({"treatment": ["late"], "covariate": "segment", "control_item": ""})
    >>> causes["declared_later"] = False
    >>> found = alike(chosen, causes, min_n=10).set_index("covariate")
    >>> found[["smd_before", "smd_after", "overlap"]].astype("float64").round(2).loc["segment a"].abs().tolist()
    [1.14, 0.0, 1.0]
    """
    found = [pd.DataFrame(columns=["failure", "covariate", "smd_before", "smd_after", "overlap"])]
    for treatment, names, _, _ in _declared(causes):
        answers, treated, x = _compared(chosen, treatment, names)
        if min(answers["person"][flag].nunique() for flag in (treated, ~treated)) < min_n or _few(treated, x):
            continue
        try:
            chance = _comparable(treated, x, answers["weight"])[1]
        except drivers.SeparationError:
            continue
        rows = drivers.balance(treated, x, chance, weights=answers["weight"].astype("float64"))
        reached = float((chance[treated] <= chance[~treated].max()).mean())
        found.append(rows.assign(failure=_TREATMENTS[treatment], overlap=reached))
    return pd.concat(found, ignore_index=True)[["failure", "covariate", "smd_before", "smd_after", "overlap"]]


def decided(rows: pd.DataFrame, *, star_map: str, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """What an operational change did, where it holds against where it does not: difference in differences.

    Parameters
    ----------
    rows
        The frame ``decided``: one row an order and decision, with ``position``, ``name``, ``starts``, ``customer_id``,
        ``inside`` (does it hold there?), ``span`` ("placebo", "before", "after"), ``late``, ``scale``, ``score``.
    star_map
        As for ``scored``.
    min_n
        Customers that each of the four groups must hold.
    confidence
        Coverage of each interval, between 0 and 1.

    Returns
    -------
    DataFrame
        Per decision two rows, of ``outcome`` "orders late" (per cent) and the score (points): ``decision``, ``starts``,
        ``outcome``, ``n`` (orders or answers that it holds for), ``effect`` and ``placebo`` with ends (points),
        ``verdict``: settled, not settled, "did not move alike before", or why there is no effect.

    Notes
    -----
    Puhani, Economics Letters 115, 2012; docs/METHODS.md section 2.9. Customers are taken as independent; poor where
    something else changed in the same place on the same day.

    Examples
    --------
    Half the orders are late, but a fifth where and when the decision holds. Late orders get 3, others 9.

    >>> rows = pd.DataFrame({"span": np.repeat(["placebo", "before", "after"], 100), "inside": [True, False] * 150})
    >>> holds = rows["inside"] & (rows["span"] == "after")
    >>> rows["late"] = rows.index % 100 < np.where(holds, 20, 50)
    >>> rows["score"] = np.where(rows["late"], 3, 9)
    >>> rows = rows.assign(position=0, name="x", starts="2026-02-01", customer_id=range(300), scale="nps_0_10")
    >>> found = decided(rows, star_map="five_promotes", min_n=10)
    >>> found[["decision", "outcome", "n", "effect", "verdict"]].round(1)
      decision                outcome   n  effect  verdict
    0        x  orders late, per cent  50   -30.0  settled
    1        x                    NPS  50    60.0  settled
    """
    found = []
    for (_, name, starts), mine in rows.groupby(["position", "name", "starts"]):
        answers = scored(mine.assign(item=ITEM), star_map=star_map)
        answers, orders = answers[answers["value"].notna()], mine.assign(person=mine["customer_id"], value=mine["late"])
        for outcome, part in ((ORDERS_LATE, orders), (name_of(answers), answers)):
            row = {"decision": name, "starts": starts, "outcome": outcome}
            row["n"] = int((part["inside"] & (part["span"] == "after")).sum())
            effect, note = _in_differences(part, ("before", "after"), min_n=min_n, confidence=confidence)
            placebo, without = _in_differences(part, ("placebo", "before"), min_n=min_n, confidence=confidence)
            row |= effect | {name.replace("effect", "placebo"): value for name, value in placebo.items()}
            apart = not without and placebo["effect_low"] * placebo["effect_high"] > 0
            sure = not note and effect["effect_low"] * effect["effect_high"] > 0
            verdict = note or ("did not move alike before" if apart else "settled" if sure else "not settled")
            found.append(row | {"verdict": f"{verdict}, no placebo" if without and not note else verdict})
    columns = ["decision", "starts", "outcome", "n", *_EFFECT, "placebo", "placebo_low", "placebo_high", "verdict"]
    return pd.DataFrame(found, columns=columns)


def _in_differences(
    rows: pd.DataFrame, spans: tuple[str, str], *, min_n: int, confidence: float
) -> tuple[dict[str, float], str]:
    """Effect in points of the second span where a change holds, or why there is none."""
    rows = rows[rows["span"].isin(spans)]
    inside, after = rows["inside"].astype("float64"), (rows["span"] == spans[1]).astype("float64")
    if rows.groupby([inside, after])["person"].nunique().reindex(_CORNERS, fill_value=0).min() < min_n:
        return dict.fromkeys(_EFFECT, np.nan), "too few customers"
    x = pd.DataFrame({"inside": inside, "after": after, "both": inside * after})
    try:
        model = drivers.ordered_logit(rows["value"].astype("float64"), x, clusters=rows["person"])
    except DataError:  # all alike, or a corner of which all are: no finite odds
        return dict.fromkeys(_EFFECT, np.nan), "a group's outcomes are all alike"
    given, points = x[x["both"] > 0], 100 * np.array(model.levels)
    return model.effect(given.assign(both=0.0), given, points=points, confidence=confidence), ""


_CORNERS = pd.MultiIndex.from_product([[0.0, 1.0], [0.0, 1.0]])


_CLASSES = {1: "promoters", 0: "passives", -1: "detractors"}


def worth(follow_up: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """What promoters, passives and detractors bought after they answered (cents), given what they had bought before.

    Parameters
    ----------
    follow_up
        The frame ``follow_up``, with the ``value`` and ``person`` of ``scored``: one row an answer, with ``days`` and,
        of so many days before and after it, ``orders_to``, ``revenue_to``, ``margin_to``, ``orders_after``,
        ``revenue_after``, ``margin_after`` (cents).
    min_n
        Customers that a class must hold, and customers who bought afterwards.
    confidence
        Coverage of each interval, between 0 and 1.

    Returns
    -------
    DataFrame
        Per money (net revenue; margin before cost to serve) a row a class, "promoter against detractor" and "a point of
        NPS per 1,000 customers": ``money``, ``what``, ``n``, ``n_customers``, ``bought`` (cents, mean over answers),
        ``effect`` with ends (cents, adjusted), ``settled``, ``days``, ``note``. No row without answers, nor of a money
        that is not known for more than one in a hundred of those who bought afterwards.

    Notes
    -----
    docs/METHODS.md section 2.10. Promoters against detractors is the difference of the two, wherever passives stand; a
    point is 10 times the slope on the answer's value (-1, 0, 1). An association; poor where few customers buy most.

    Examples
    --------
    Promoters bought for 300 afterwards, passives for 200, detractors for 100; before, all alike. No margin is known.

    >>> answers = pd.DataFrame({"value": [1] * 20 + [0] * 20 + [-1] * 20, "person": range(60), "days": 92})
    >>> answers = answers.assign(segment="a", channel="web", region="n", orders_to=1, revenue_to=200_00, orders_after=1)
    >>> answers = answers.assign(revenue_after=200_00 + 100_00 * answers["value"], margin_to=None, margin_after=None)
    >>> worth(answers, min_n=10)[["money", "what", "n", "bought", "effect"]].round(1)
             money                                what   n   bought    effect
    0  net revenue                           promoters  20  30000.0       NaN
    1  net revenue                            passives  20  20000.0       NaN
    2  net revenue                          detractors  20  10000.0       NaN
    3  net revenue          promoter against detractor  60      NaN   20000.0
    4  net revenue  a point of NPS per 1,000 customers  60      NaN  100000.0
    """
    answers = follow_up[follow_up["value"].notna()].reset_index(drop=True)
    columns = ["money", "what", "n", "n_customers", "bought", *_EFFECT, "settled", "days", "note"]
    found = []
    for money, name in (("revenue", "net revenue"), ("margin", "margin before cost to serve")):
        known = answers.dropna(subset=[f"{money}_after", f"{money}_to"])
        hidden = (answers["orders_after"] > 0).sum() - (known["orders_after"] > 0).sum()
        if answers.empty or hidden > 0.01 * (answers["orders_after"] > 0).sum():
            continue  # goods whose cost is not known are no goods without cost
        value, after = known["value"].astype("int64"), known[f"{money}_after"].astype("float64")
        row = {"money": name, "days": int(answers["days"].iloc[0]), "note": ""}
        persons = {one: known["person"][value == one].nunique() for one in _CLASSES}
        buyers = known["person"][known["orders_after"] > 0].nunique()
        if min(persons.values()) < min_n or buyers < min_n:
            few = "too few customers bought again" if buyers < min_n else "a class holds too few customers"
            found.append(row | {"what": "a point of NPS per 1,000 customers", "settled": False, "note": few})
            continue
        for one, label in _CLASSES.items():
            mine = value == one
            row_of = {"what": label, "n": int(mine.sum()), "n_customers": persons[one], "bought": after[mine].mean()}
            found.append(row | row_of | {"settled": False})
        x = pd.concat(
            [_dummies(known), np.log1p(known[["revenue_to", "orders_to"]].astype("float64").clip(lower=0))], axis=1
        )
        for label, marks, scale in (
            ("promoter against detractor", pd.DataFrame({"step": value / 2, "not passive": value.abs()}), 1.0),
            ("a point of NPS per 1,000 customers", pd.DataFrame({"step": value.astype("float64")}), 10.0),
        ):
            of = pd.concat([marks, x], axis=1)
            of = of[drivers.independent(of)]
            one = drivers.least_squares(after, of, clusters=known["person"]).set_index("driver").loc["step"]
            half = NormalDist().inv_cdf((1 + confidence) / 2) * one["se"]
            effect = {
                "effect": one["coefficient"],
                "effect_low": one["coefficient"] - half,
                "effect_high": one["coefficient"] + half,
            }
            effect = {key: scale * amount for key, amount in effect.items()}
            settled = effect["effect_low"] * effect["effect_high"] > 0
            found.append(
                row
                | {"what": label, "n": len(known), "n_customers": known["person"].nunique(), "settled": settled}
                | effect
            )
    return pd.DataFrame(found, columns=columns).astype({"n": "Int64", "n_customers": "Int64"})


def key_figures(
    groups: Sequence[pd.DataFrame],
    costs: pd.DataFrame,
    caused: pd.DataFrame | None = None,
    changed: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Key figures of the report, in the columns of ``figures.parquet``.

    Parameters
    ----------
    groups
        Results of ``nps``: over all, by segment, and by segment and channel.
    costs
        The result of ``failures``.
    caused
        The result of ``cause``, or none.
    changed
        The result of ``decided``, or none.

    Returns
    -------
    DataFrame
        One row a figure: ``figure_id``, ``definition_id`` (section of docs/METHODS.md), ``cohort``, ``segment``,
        ``channel`` ("": all), ``value``, ``low``, ``high``, ``n``, ``unit``. Unit points, cohort ``scores``; what a
        decision did to late orders is a share (0-1) of ``orders``. Failures without an effect, and decisions of which
        nothing may be concluded, have no row.

    Notes
    -----
    docs/METHODS.md sections 2.3, 2.5 and 2.9.

    Examples
    --------
    >>> total = pd.DataFrame({"n": [100], "nps": 30.0, "nps_low": 14.1, "nps_high": 44.2})
    >>> costs = pd.DataFrame({"failure": ["late", "cancelled"], "n_model": 100, "note": ["", "nobody met it"]})
    >>> costs = costs.assign(lost=[-4.0, None], lost_low=[-6.0, None], lost_high=[-2.0, None])
    >>> key_figures([total], costs)[["figure_id", "definition_id", "value", "low", "high", "n", "unit"]]
           figure_id definition_id  value   low  high    n    unit
    0            nps           2.3   30.0  14.1  44.2  100  points
    1  nps_lost_late           2.5   -4.0  -6.0  -2.0  100  points
    """
    scores = pd.concat(groups, ignore_index=True)
    rows = scores.rename(columns={"nps": "value", "nps_low": "low", "nps_high": "high"})
    rows = rows.assign(figure_id="nps", definition_id="2.3")
    lost = costs[costs["note"] == ""].assign(figure_id="nps_lost_", definition_id="2.5", n=lambda rows: rows["n_model"])
    parts = [rows, lost]
    if caused is not None:
        att = caused[(caused["estimand"] == "ATT") & (caused["note"] == "")]
        parts.append(att.assign(figure_id="nps_lost_cause_", definition_id="2.9", failure=att["treatment"]))
    found = pd.concat(parts, ignore_index=True).assign(cohort="scores", unit="points")
    if "failure" in found:
        found["figure_id"] += found["failure"].str.replace(r"\W+", "_", regex=True).fillna("")
    for name in ("", "_low", "_high"):
        column = name.removeprefix("_") or "value"
        found[column] = found[column].fillna(found.get(f"lost{name}"))
    columns = ["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]
    if changed is not None and len(changed):
        found = pd.concat([found, _of_decisions(changed)], ignore_index=True)
    found = found.reindex(columns=columns).astype({"segment": "object", "channel": "object"})
    return found.fillna({"segment": "", "channel": ""})


def _of_decisions(changed: pd.DataFrame) -> pd.DataFrame:
    """Effects of decisions from which something may be concluded: where the placebo does not lie apart from 0."""
    told = changed[changed["effect"].notna() & (changed["verdict"] != "did not move alike before")]
    late = told["outcome"] == ORDERS_LATE
    found = told.assign(definition_id="2.9", unit="points", cohort="scores")
    found["figure_id"] = np.where(late, "decided_late_", "decided_nps_") + told["decision"].map(slug).astype("str")
    for name, column in zip(_EFFECT, ("value", "low", "high"), strict=True):
        found[column] = told[name] / np.where(late, 100, 1)
    found.loc[late, ["unit", "cohort"]] = ["share", "orders"]
    return found


def slug(name: str) -> str:
    """A name as part of a figure's id.

    Parameters
    ----------
    name
        Any text, such as the name of a decision.

    Returns
    -------
    str
        In small letters, one "_" for all between words.

    Examples
    --------
    >>> slug("Parcels: by another carrier")
    'parcels_by_another_carrier'
    """
    return re.sub(r"\W+", "_", name.lower()).strip("_")

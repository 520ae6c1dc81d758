"""What do customers say of us, and which failures of the supply chain move it? NPS, and its drivers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from toolkit import drivers, stats

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
        The frame ``invitations``.
    star_map
        ``five_promotes`` (four stars passive) or ``four_promotes`` (three passive).

    Returns
    -------
    DataFrame
        Rows of the item on one scale, with ``value`` (1 promoter, 0 passive, -1 detractor;
        missing: not answered), ``person`` (the customer), ``measure`` (its name for readers).

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
    """Net Promoter Score of scored answers by group, with its adjusted Wald interval.

    Parameters
    ----------
    invitations
        The result of ``scored``; what is not answered is left out.
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
        ``detractors`` (shares 0-1), ``nps``, ``nps_low``, ``nps_high`` (points, -100 to 100).

    Notes
    -----
    docs/METHODS.md sections 0.9 and 2.2. Poor where answers of a group are all alike.
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
    """The total of star ratings under each map: ``measure`` and the columns of ``nps``.

    One row where the real question was asked; none without an answer.
    """
    found = []
    for star_map in STAR_MAPS:
        chosen = scored(invitations, star_map=star_map)
        found.append(nps(chosen, confidence=confidence).assign(measure=name_of(chosen)))
    return pd.concat(found, ignore_index=True).drop_duplicates("measure", ignore_index=True)


def name_of(invitations: pd.DataFrame) -> str:
    """What the score is called: NPS, or NPS proxy with its map. Takes the result of ``scored``."""
    return invitations["measure"].iloc[0] if len(invitations) else "NPS"


def undelivered(invitations: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """NPS of answers from orders not arrived, or cancelled, when asked.

    An exposure that fewer than ``min_n`` customers had met is left out, so that it cannot be found by subtraction; no
    row where none is left.
    """
    answers = invitations[invitations["value"].notna()]
    persons = answers.groupby("exposure")["person"].nunique()
    shown = [name for name in ("overdue", "not_due", "cancelled") if persons.get(name, 0) >= min_n]
    return nps(answers[answers["exposure"].isin(shown)], confidence=confidence)


def apart(scores: pd.DataFrame) -> tuple[int | None, int | None]:
    """Positions of the segments whose intervals lie above and below all others; None: not settled, or "(other)"."""
    found = [stats.leader(scores, value="nps", lowest=lowest) for lowest in (False, True)]
    return tuple(None if at is None or scores["segment"].iloc[at] == stats.OTHER else at for at in found)


def answer_account(invitations: pd.DataFrame, chosen: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """What each rule takes out of the invitations of the period, with how late and how pleased it was.

    One row a rule, in order: ``rule``, ``invitations``, ``late_share`` (0-1, of those with a promise: late in
    the end), ``nps`` (points, of answers on the chosen scale); both missing below ``min_n`` customers. ``chosen``
    is the result of ``scored``.
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
    """NPS by what the customer had met when invited, small exposures together.

    Takes the result of ``scored``. One row an exposure, in the order of ``EXPOSURES``: ``exposure``, ``invited``,
    ``answered_share`` (0-1), ``late_share`` (0-1, late in the end, of those answered), and the columns of ``nps``;
    docs/METHODS.md sections 2.1 and 2.3.
    """
    answers = invitations[invitations["value"].notna()]
    merged = stats.publishable(answers, by=["exposure"], person="person", min_n=min_n)["exposure"]
    labels = dict(zip(answers["exposure"], merged, strict=True))
    placed = invitations.assign(exposure=invitations["exposure"].map(labels).fillna(stats.OTHER))
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
        The result of ``scored``.
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
        ``lost``, ``lost_low``, ``lost_high`` (effect x share), ``n_model``, ``family``, ``note``
        (why there is no effect).

    Notes
    -----
    docs/METHODS.md section 2.4. An association with other things held equal as far as the
    model knows them; no proof of cause.
    """
    answers = invitations[invitations["value"].notna()].reset_index(drop=True)
    met = {EXPOSURES[name]: answers["exposure"] == name for name in EXPOSURES if name != "in_time"}
    met |= {name: answers[name].astype("boolean") for name in ("short", "damaged")}
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
        note = "" if columns else "counted above" if merged and name in _LATE else notes.get(name) or notes[_LATE[0]]
        flag = met[name] if not columns else pd.concat([met[one] for one in columns], axis=1).any(axis=1)
        n = int(flag.fillna(False).sum())  # of LATE only the part that the effect is of
        hidden = bool(note) and 0 < persons[name] < min_n or note == "counted above"
        share = np.nan if hidden else n / max(len(answers), 1)
        row = {"failure": name, "n": pd.NA if hidden else n, "share": share, "n_model": len(modelled)}
        lost = _lost(effect, flag, answers, confidence=level if columns else confidence)
        found.append(row | {"family": 1 if name == LATE else max(family, 1), "note": note} | effect | lost)
    columns = ["failure", "n", "share", "effect", "effect_low", "effect_high", "lost", "lost_low", "lost_high"]
    return pd.DataFrame(found)[[*columns, "n_model", "family", "note"]].astype({"n": "Int64"})


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

    Takes the result of ``failures``; a loss counts if its interval lies below 0 and below all others.
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


def key_figures(total: pd.DataFrame, groups: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """Key figures of the report, in the columns of ``figures.parquet``.

    Takes ``nps`` over all and by segment and channel, and ``failures``; unit points, cohort ``scores``.
    """
    scores = pd.concat([total, groups], ignore_index=True)
    rows = scores.rename(columns={"nps": "value", "nps_low": "low", "nps_high": "high"})
    rows = rows.assign(figure_id="nps", definition_id="2.2")
    lost = costs[costs["note"] == ""].rename(columns={"lost": "value", "lost_low": "low", "lost_high": "high"})
    names = lost["failure"].str.replace(r"\W+", "_", regex=True)
    lost = lost.assign(figure_id="nps_lost_" + names, definition_id="2.4", n=lost["n_model"])
    found = pd.concat([rows, lost], ignore_index=True).assign(cohort="scores", unit="points")
    columns = ["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]
    found = found.reindex(columns=columns)
    return found.assign(segment=found["segment"].fillna(""), channel=found["channel"].fillna(""))

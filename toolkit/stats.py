"""Which number may be shown, and how sure is it? Statistics that know no column of ours."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

from toolkit.errors import DataError

OTHER = "(other)"
UNKNOWN = "(unknown)"
_SMALL = 100  # effective answers; by full enumeration the score interval errs less below, at the ends by far


def publication_grid(
    contributions: pd.DataFrame,
    *,
    dimensions: Sequence[str],
    min_n: int = 10,
    max_share: float = 0.5,
) -> pd.DataFrame:
    """Atoms that may be published: cells merged upwards until each is large enough.

    A cell is a combination of ``dimensions``. It is too small while any measure that occurs
    in it comes from fewer than ``min_n`` persons, or while one person contributes more than
    ``max_share`` of a measure. Small cells of one parent (the same value of all but the last
    dimension) become one cell "(other)" of that parent; if that is still too small, the
    smallest of its siblings joins it. What is left over goes one level up. Any sum of the
    resulting atoms is a sum over enough persons, and the total is kept.

    Parameters
    ----------
    contributions
        One row per person, cell and measure: ``dimensions``, ``person``, ``measure`` (such
        as revenue or freight), ``amount`` (0 or more).
    dimensions
        From the widest to the narrowest.
    min_n
        Persons behind each measure that an atom must hold at least.
    max_share
        Share (0-1) of an atom's measure that one person may hold at most.

    Returns
    -------
    DataFrame
        One row per cell: ``dimensions``, then ``published_<dimension>``. Empty if even
        the total is too small to be published.

    Notes
    -----
    docs/METHODS.md section 0.6. Persons in several cells count once per atom. A measure
    that has fewer than ``min_n`` persons in all, or one that holds too much of it, cannot be
    protected by merging: it is left out of the rule and must not be published by itself.

    Examples
    --------
    >>> people = pd.DataFrame({"region": ["north"] * 12 + ["south"] * 11 + ["east"] * 3,
    ...                        "person": range(26), "measure": "revenue", "amount": 1})
    >>> publication_grid(people, dimensions=["region"])
      region published_region
    0   east          (other)
    1  north            north
    2  south          (other)
    """
    dimensions = list(dimensions)
    published = [f"published_{name}" for name in dimensions]
    cells = contributions[dimensions].drop_duplicates().sort_values(dimensions, ignore_index=True)
    measures, persons = (pd.factorize(contributions[name], sort=True) for name in ("measure", "person"))
    who = pd.DataFrame({"key": measures[0] * max(len(persons[1]), 1) + persons[0], "amount": contributions["amount"]})
    n_measures, n_persons = len(measures[1]), max(len(persons[1]), 1)

    def too_small(held: _Held) -> bool:
        key, amount = held
        measure = key // n_persons
        number, total = np.bincount(measure, minlength=n_measures), np.bincount(measure, amount, n_measures)
        most = np.zeros(n_measures)
        np.maximum.at(most, measure, amount)
        return bool((((number < min_n) | (most > max_share * total)) & (number > 0)).any())

    of = who["key"] // n_persons
    protectable = [m for m in range(n_measures) if not too_small(_together([_held(who[of == m])]))]
    if not protectable:
        return pd.DataFrame(columns=[*dimensions, *published], dtype="str")
    judged = pd.concat([contributions[dimensions], who], axis=1)[of.isin(protectable)]
    members = {
        cell if isinstance(cell, tuple) else (cell,): _together([_held(rows)])
        for cell, rows in judged.groupby(dimensions)
    }
    atoms = {tuple(cell): tuple(cell) for cell in cells.itertuples(index=False)}
    for cell in atoms.keys() - members.keys():  # only measures out of the rule: never an atom of its own
        members[cell] = _held(who.iloc[:0])
    for depth in range(len(dimensions) - 1, -1, -1):
        for parent in sorted({atom[:depth] for atom in members}):
            siblings = {atom: held for atom, held in members.items() if atom[:depth] == parent}
            small = sorted(atom for atom, held in siblings.items() if not len(held[0]) or too_small(held))
            if not small or len(siblings) == 1:
                continue
            target = parent + (OTHER,) * (len(dimensions) - depth)
            joined = set(small) | ({target} & siblings.keys())
            rest = sorted(siblings.keys() - joined, key=lambda atom: (len(siblings[atom][0]), atom))
            merged = _together([siblings[atom] for atom in sorted(joined)])
            while rest and (not len(merged[0]) or too_small(merged)):
                joined.add(rest[0])
                merged = _together([merged, siblings[rest.pop(0)]])
            for atom in joined:
                del members[atom]
            members[target] = merged
            atoms = {cell: target if atom in joined else atom for cell, atom in atoms.items()}
    labels = pd.DataFrame(list(atoms.values()), columns=published, index=cells.index, dtype="str")
    return pd.concat([cells, labels], axis=1)


_Held = tuple[np.ndarray, np.ndarray]  # what each person holds of each measure: keys of both, and amounts


def _held(rows: pd.DataFrame) -> _Held:
    return rows["key"].to_numpy(), rows["amount"].to_numpy(dtype="float64")


def _together(holdings: Sequence[_Held]) -> _Held:
    keys, inverse = np.unique(np.concatenate([key for key, _ in holdings]), return_inverse=True)
    return keys, np.bincount(inverse, np.concatenate([amount for _, amount in holdings]), len(keys))


def common_names(names: pd.Series, n: pd.Series, *, min_n: int) -> pd.Series:
    """Names that so many rows bear; rarer ones, which may be anything somebody typed, are "(other)".

    Parameters
    ----------
    names
        One name a row; missing ones stay.
    n
        Rows that each stands for; summed by name.
    min_n
        Rows that a name must have at least.

    Returns
    -------
    Series
        ``names``, rarer ones replaced.

    Notes
    -----
    docs/METHODS.md section 0.10.

    Examples
    --------
    >>> common_names(pd.Series(["ship", "Jan", "ship"]), pd.Series([9, 2, 1]), min_n=10).tolist()
    ['ship', '(other)', 'ship']
    """
    borne = n.groupby(names).transform("sum")
    return names.astype("object").where(names.isna() | (borne >= min_n), OTHER)


def publishable(
    rows: pd.DataFrame,
    *,
    by: Sequence[str],
    person: str,
    amounts: Sequence[str] = (),
    min_n: int = 10,
    max_share: float = 0.5,
) -> pd.DataFrame:
    """Rows whose small groups of ``by`` stand together as "(other)", so that a table by them may be published.

    For dimensions that the publication grid does not know. Where too few persons stand behind all of it, no row
    is left; amounts that too few persons hold are emptied.

    Parameters
    ----------
    rows
        One row a thing counted, with ``by`` (missing: "(unknown)") and ``person``.
    by
        From the widest to the narrowest.
    person
        Column that names who stands behind a row.
    amounts
        Columns of which sums are published too, such as revenue; who has none of it does not count.
    min_n, max_share
        As for ``publication_grid``.

    Returns
    -------
    DataFrame
        ``rows`` with the labels of ``by`` replaced.

    Notes
    -----
    docs/METHODS.md section 0.10.

    Examples
    --------
    >>> rows = pd.DataFrame({"kind": ["a"] * 12 + ["b"] * 11 + ["c"], "who": range(24)})
    >>> publishable(rows, by=["kind"], person="who")["kind"].value_counts().to_dict()
    {'a': 12, '(other)': 12}
    """
    by = list(by)
    labelled = rows.assign(**{name: rows[name].astype("str").where(rows[name].notna(), UNKNOWN) for name in by})
    who = rows[person].astype(object).where(rows[person].notna(), UNKNOWN)
    counted = labelled[by].assign(person=who, amount=1, measure="rows")
    summed = [counted.assign(amount=rows[name].fillna(0), measure=name)[rows[name].fillna(0) > 0] for name in amounts]
    keys = [*by, "person", "measure"]
    counted = pd.concat([counted, *summed]).groupby(keys, as_index=False)["amount"].sum()
    grid = publication_grid(counted, dimensions=by, min_n=min_n, max_share=max_share)
    alone = {
        name: publication_grid(
            counted[counted["measure"] == name], dimensions=by, min_n=min_n, max_share=max_share
        ).empty
        for name in ("rows", *amounts)
    }
    if alone.pop("rows"):
        return labelled.iloc[:0]
    labelled = labelled.assign(**{name: pd.NA for name, hidden in alone.items() if hidden})
    placed = labelled[by].merge(grid, how="left", on=by).fillna(OTHER)
    return labelled.assign(**{name: placed[f"published_{name}"].to_numpy() for name in by})


def part_shown(counts: pd.Series, of: pd.Series | int, *, min_n: int) -> pd.Series:
    """Counts of a part, empty where the part or the rest is somebody, but fewer than ``min_n``.

    Parameters
    ----------
    counts
        Persons in the part.
    of
        Persons in all.
    min_n
        Persons that either must be at least, unless nobody.

    Returns
    -------
    Series
        ``counts``, missing where they may not be shown.

    Notes
    -----
    Keeps the rule of docs/METHODS.md section 0.10 where the rest can be found by subtraction.

    Examples
    --------
    >>> part_shown(pd.Series([0, 4, 12, 18]), 20, min_n=10).tolist()
    [0, <NA>, <NA>, <NA>]
    >>> part_shown(pd.Series([10, 20]), 20, min_n=10).tolist()
    [10, 20]
    """
    rest = of - counts
    few = ((counts > 0) & (counts < min_n)) | ((rest > 0) & (rest < min_n))
    return counts.astype("Int64").mask(few.astype("boolean"))


def ratio(totals: pd.DataFrame, *, by: Sequence[str], confidence: float = 0.95, family: int = 1) -> pd.DataFrame:
    """Ratio of two sums per group, with an interval that treats persons as drawn independently.

    Parameters
    ----------
    totals
        One row a person and group: ``by``, ``numerator``, ``denominator``.
    by
        Grouping columns; none for one ratio over all.
    confidence
        Coverage of the interval, between 0 and 1.
    family
        Number of intervals that shall hold together; each is widened by Bonferroni.

    Returns
    -------
    DataFrame
        One row a group: ``by``, ``n`` (persons), ``ratio``, ``ratio_low``, ``ratio_high``.
        Missing where the denominators sum to 0 or less, intervals also below two persons.

    Notes
    -----
    Linearised variance of a ratio of totals, n/(n-1) sum (y - r x)^2 / (sum x)^2: Cochran,
    Sampling Techniques, 1977, section 6.3; docs/METHODS.md section 0.7. Poor while one
    person holds a large part of the denominator.

    Examples
    --------
    >>> people = pd.DataFrame({"numerator": [1, 2, 3, 2], "denominator": [10, 20, 10, 20]})
    >>> ratio(people, by=[]).round(4)
       n   ratio  ratio_low  ratio_high
    0  4  0.1333       0.06      0.2066
    """
    by = list(by)
    keys = by or [pd.Series(0, index=totals.index)]
    numbers = totals.assign(y=totals["numerator"].astype("float64"), x=totals["denominator"].astype("float64"))
    sums = (
        numbers.assign(yy=numbers["y"] ** 2, xy=numbers["x"] * numbers["y"], xx=numbers["x"] ** 2, n=1)
        .groupby(keys)[["n", "y", "x", "yy", "xy", "xx"]]
        .sum()
    )
    found = ratio_of_sums(sums, confidence=confidence, family=family)
    return found.rename_axis(by).reset_index() if by else found.reset_index(drop=True)


def ratio_of_sums(sums: pd.DataFrame, *, confidence: float = 0.95, family: int = 1) -> pd.DataFrame:
    """``ratio`` from sums over persons, where their rows would be many.

    Parameters
    ----------
    sums
        One row a group: ``n`` (persons), ``y``, ``x`` (numerator, denominator), ``yy``, ``xy``, ``xx`` (sums of their
        products).
    confidence, family
        As for ``ratio``.

    Returns
    -------
    DataFrame
        One row a group, with the index of ``sums``: ``n``, ``ratio``, ``ratio_low``, ``ratio_high``, missing as those
        of ``ratio`` are.

    Notes
    -----
    docs/METHODS.md section 0.7.

    Examples
    --------
    >>> ratio_of_sums(pd.DataFrame([{"n": 4, "y": 8, "x": 60, "yy": 18, "xy": 120, "xx": 1000}])).round(4)
       n   ratio  ratio_low  ratio_high
    0  4  0.1333       0.06      0.2066
    """
    quantile = NormalDist().inv_cdf(1 - (1 - confidence) / 2 / max(family, 1))
    r = sums["y"] / sums["x"].where(sums["x"] > 0)
    squares = (sums["yy"] - 2 * r * sums["xy"] + r**2 * sums["xx"]).clip(lower=0)
    n = sums["n"].where(sums["n"] > 1)
    half = quantile * (n / (n - 1) * squares) ** 0.5 / sums["x"]
    return pd.DataFrame({"n": sums["n"], "ratio": r, "ratio_low": r - half, "ratio_high": r + half})


def net_share(
    answers: pd.DataFrame, *, by: Sequence[str] = (), confidence: float = 0.95, family: int = 1
) -> pd.DataFrame:
    """Share of +1 minus share of -1 per group, with its interval, answers of one person together.

    Parameters
    ----------
    answers
        One row an answer: ``by``, ``person``, ``value`` (-1, 0 or 1) and, where answers do not
        count alike, ``weight`` (0 or more).
    by
        Grouping columns; none for one figure over all.
    confidence
        Coverage of the interval, between 0 and 1.
    family
        Number of intervals that shall hold together; each is widened by Bonferroni.

    Returns
    -------
    DataFrame
        One row a group: ``by``, ``n`` (answers), ``n_persons``, ``n_effective`` (Kish's size by design effect),
        ``plus``, ``minus`` (shares 0-1), ``net``, ``net_low``, ``net_high`` (-1 to 1), ``se`` (0 where all are alike).

    Raises
    ------
    DataError
        If a weight is missing or below 0.

    Notes
    -----
    Adjusted Wald from 100 effective answers, Tango's score interval below: Rocks, The American Statistician 70(4),
    2016, 365-372; docs/METHODS.md section 0.9. Kish's size is (sum w)^2 / sum w^2; the design effect is the linearised
    variance of the mean, w (x - mean) summed by person, over that of so many simple answers, never below 1.

    Examples
    --------
    >>> answers = pd.DataFrame({"value": [1] * 50 + [0] * 30 + [-1] * 20, "person": range(100)})
    >>> net_share(answers)[["n", "net", "net_low", "net_high"]].round(4)
         n  net  net_low  net_high
    0  100  0.3   0.1405     0.442
    """
    by = list(by)
    every = _weighed(answers, "net_share") if by else _weighed(answers, "net_share").assign(_all=0)
    keys = by or ["_all"]
    w, value = every["n"], every["value"].astype("float64")
    sums = every.assign(rows=1, ww=w**2, vv=w * value**2, plus=w * (value > 0), minus=w * (value < 0))
    persons = sums.groupby([*keys, "person"], dropna=False)[["n", "v"]].sum()
    groups = sums.groupby(keys)[["rows", "n", "ww", "v", "vv", "plus", "minus"]].sum()
    mean, unit = groups["v"] / groups["n"], groups["n"] / groups["ww"]
    away = persons["v"] - persons["n"] * mean.reindex(persons.index.droplevel("person")).to_numpy()
    together, alone = (away**2).groupby(level=keys).sum(), (groups["vv"] - groups["n"] * mean**2) / unit
    effect = (together / alone.where(alone > 1e-9 * groups["ww"])).clip(lower=1).fillna(1)
    counted = groups[["n", "plus", "minus"]].mul(unit, axis=0).div(effect, axis=0)
    quantile = NormalDist().inv_cdf(1 - (1 - confidence) / 2 / max(family, 1))
    low, high = _net_interval(*(counted[name].to_numpy() for name in ("plus", "minus", "n")), quantile)
    variance = ((groups["plus"] + groups["minus"]) / groups["n"] - mean**2).clip(lower=0)
    found = pd.DataFrame(
        {
            "n": groups["rows"].astype("int64"),
            "n_persons": persons.groupby(level=keys).size(),
            "n_effective": counted["n"],
            "plus": groups["plus"] / groups["n"],
            "minus": groups["minus"] / groups["n"],
            "net": mean,
            "net_low": low,
            "net_high": high,
            "se": (variance / counted["n"]) ** 0.5,
        }
    )
    return found.rename_axis(by).reset_index() if by else found.reset_index(drop=True)


def _weighed(answers: pd.DataFrame, where: str) -> pd.DataFrame:
    """Answers with ``n``, what each counts, and ``v``, that times its value."""
    n = answers["weight"].astype("float64") if "weight" in answers else pd.Series(1.0, index=answers.index)
    if wrong := (~(n >= 0)).sum():
        raise DataError(f"{where}: expected weights of 0 or more, found {wrong} others. Leave their answers out.")
    return answers.assign(n=n, v=n * answers["value"].astype("float64"))


def _net_interval(b: np.ndarray, c: np.ndarray, n: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    """Adjusted Wald interval of (b - c) / n, the score interval where n is small."""
    plus, minus = (b + 0.75) / (n + 3), (c + 0.75) / (n + 3)
    half = z * ((plus + minus - (plus - minus) ** 2) / (n + 3)) ** 0.5
    low, high = np.maximum(plus - minus - half, -1), np.minimum(plus - minus + half, 1)
    small = np.round(n, 6) < _SMALL  # a design effect leaves 99.9999999 of 100
    low[small], high[small] = _score_interval(b[small], c[small], n[small], z)
    return low, high


def _score_interval(b: np.ndarray, c: np.ndarray, n: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    """Tango's score interval (Statistics in Medicine 17, 1998) of (b - c) / n, by halving; sizes may be fractions."""

    def statistic(delta):
        slope, level = (2 * n - b + c) * delta - b - c, c * delta * (1 - delta)
        q = (np.sqrt(np.maximum(slope**2 + 8 * n * level, 0)) - slope) / (4 * n)
        return (b - c - n * delta) / np.sqrt(n * np.maximum(2 * q + delta * (1 - delta), 0))

    ends = []
    with np.errstate(divide="ignore", invalid="ignore"):
        for side in (-1.0, 1.0):
            inside, outside = (b - c) / n, np.full(n.shape, side)
            for _ in range(55):
                middle = (inside + outside) / 2
                held = -side * statistic(middle) <= z
                inside, outside = np.where(held, middle, inside), np.where(held, outside, middle)
            ends.append(inside)
    return ends[0], ends[1]


def compare(groups: pd.DataFrame, *, by: Sequence[str], confidence: float = 0.95) -> pd.DataFrame:
    """Every two groups of ``net_share`` against each other: which differences are more than chance?

    Two-sided z test, p adjusted over all pairs. A group whose answers are all alike has no standard error and is not
    tested: ``p`` and the interval are missing.

    Parameters
    ----------
    groups
        The result of ``net_share``: ``by``, ``net``, ``se``; groups must not share persons.
    by
        Columns that name a group.
    confidence
        Between 0 and 1; 1 less the level at which differences are settled.

    Returns
    -------
    DataFrame
        One row a pair: ``group_a``, ``group_b``, ``difference`` (a minus b, -2 to 2), ``difference_low``,
        ``difference_high``, ``p``, ``p_adjusted``, ``settled`` (adjusted p at most 1 - confidence), ``family`` (pairs
        tested).

    Notes
    -----
    p is adjusted by Benjamini and Hochberg (JRSS B 57, 1995). With R of m settled, their intervals have the level
    1 - R (1 - confidence) / m, so that each leaves out 0 (false coverage rate: Benjamini and Yekutieli, JASA 100,
    2005); those of others have ``confidence``, each alone. docs/METHODS.md section 2.3.

    Examples
    --------
    >>> groups = pd.DataFrame({"g": ["a", "b"], "net": [0.3, 0.1], "se": [0.0781, 0.0587]})
    >>> compare(groups, by=["g"])[["group_a", "group_b", "difference", "p", "settled"]].round(3)
      group_a group_b  difference      p  settled
    0       a       b         0.2  0.041     True
    """
    from scipy.special import ndtr

    labels = np.array([", ".join(map(str, row)) for row in groups[list(by)].itertuples(index=False)], dtype=object)
    net, se = groups["net"].to_numpy("float64"), groups["se"].where(groups["se"] > 0).to_numpy("float64")
    a, b = np.triu_indices(len(groups), 1)
    difference, error = net[a] - net[b], np.hypot(se[a], se[b])
    p = 2 * ndtr(-np.abs(difference / error))
    adjusted, family = adjusted_p(p), int(np.isfinite(p).sum())
    settled = adjusted <= 1 - confidence
    levels = [1 - confidence, (1 - confidence) * settled.sum() / max(family, 1) or 1 - confidence]
    half = np.where(settled, *(NormalDist().inv_cdf(1 - level / 2) for level in levels[::-1])) * error
    found = {"group_a": labels[a], "group_b": labels[b], "difference": difference}
    found |= {"difference_low": difference - half, "difference_high": difference + half}
    return pd.DataFrame(found | {"p": p, "p_adjusted": adjusted, "settled": settled, "family": family})


def adjusted_p(p: np.ndarray) -> np.ndarray:
    """p adjusted for the false discovery rate among those that are not missing.

    Parameters
    ----------
    p
        Between 0 and 1, or missing.

    Returns
    -------
    array
        In the order of ``p``; those missing stay so.

    Notes
    -----
    Benjamini and Hochberg, *JRSS B* 57, 1995; docs/METHODS.md sections 2.3 and 7.1.

    Examples
    --------
    >>> adjusted_p(np.array([0.01, 0.02, np.nan, 0.5])).tolist()
    [0.03, 0.03, nan, 0.5]
    """
    order, m = np.argsort(p), np.isfinite(p).sum()  # missing ones come last
    scaled = p[order] * (m / np.arange(1, len(p) + 1))
    adjusted = np.full(len(p), np.nan)
    adjusted[order[:m]] = np.minimum.accumulate(scaled[:m][::-1])[::-1].clip(max=1)
    return adjusted


def heterogeneity(groups: pd.DataFrame) -> dict[str, float]:
    """Do groups differ at all? Cochran's ``q`` of ``net`` with weights 1 / ``se``^2, its ``df`` and ``p``.

    Parameters
    ----------
    groups
        The result of ``net_share``: ``net``, ``se``; groups without a standard error are left out.

    Returns
    -------
    dict
        ``q``, ``df`` (groups less 1), ``p``; ``q`` and ``p`` missing below two groups.

    Notes
    -----
    No report shows it, and docs/METHODS.md has no section of it.

    Examples
    --------
    >>> {name: round(x, 4) for name, x in heterogeneity(pd.DataFrame({"net": [0.3, 0.1], "se": [0.06, 0.08]})).items()}
    {'q': 4.0, 'df': 1, 'p': 0.0455}
    """
    from scipy.special import chdtrc

    known = groups[groups["se"] > 0]
    weight, df = known["se"] ** -2.0, max(len(known) - 1, 0)
    q = (weight * (known["net"] - (weight * known["net"]).sum() / weight.sum()) ** 2).sum() if df else np.nan
    return {"q": float(q), "df": df, "p": float(chdtrc(df, q)) if df else np.nan}


def bootstrap_net(
    answers: pd.DataFrame,
    *,
    by: Sequence[str] = (),
    rng: np.random.Generator,
    draws: int = 2000,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The net share again, with a percentile interval from persons drawn with replacement.

    Persons of equal answers are drawn as one multinomial count, which is the same bootstrap; memory goes with ``draws``
    x kinds of persons in a group.

    Parameters
    ----------
    answers, by
        As for ``net_share``.
    rng, draws
        Of the bootstrap.
    confidence
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    DataFrame
        One row a group: ``by``, ``n_persons``, ``net``, ``net_low``, ``net_high``, ``se`` (-1 to 1).

    Raises
    ------
    DataError
        If a weight is missing or below 0.

    Notes
    -----
    A second way to the interval of docs/METHODS.md section 0.9; no report shows it.

    Examples
    --------
    >>> answers = pd.DataFrame({"value": [1] * 50 + [0] * 30 + [-1] * 20, "person": range(100)})
    >>> bootstrap_net(answers, rng=np.random.default_rng(1)).round(2)
       n_persons  net  net_low  net_high    se
    0        100  0.3     0.15      0.45  0.08
    """
    keys = list(by) or ["_all"]
    every = _weighed(answers, "bootstrap_net").assign(**({} if by else {"_all": 0}))
    kinds = every.groupby([*keys, "person"], dropna=False)[["n", "v"]].sum().value_counts([*keys, "n", "v"], sort=False)
    rows = []
    for key, kind in kinds.groupby(level=keys):
        weight, total = (kind.index.get_level_values(name).to_numpy() for name in ("n", "v"))
        counts = rng.multinomial(kind.sum(), kind / kind.sum(), size=draws)
        nets = (counts @ total) / (counts @ weight)
        ends = np.quantile(nets, [(1 - confidence) / 2, (1 + confidence) / 2])
        rows.append((*key, kind.sum(), (kind * total).sum() / (kind * weight).sum(), *ends, nets.std(ddof=1)))
    found = pd.DataFrame(rows, columns=[*keys, "n_persons", "net", "net_low", "net_high", "se"])
    return found if by else found.drop(columns="_all")


def break_point(
    answers: pd.DataFrame,
    *,
    grid: Sequence[float],
    rng: np.random.Generator,
    draws: int = 200,
    confidence: float = 0.95,
) -> dict[str, float]:
    """From which dose on does the value fall? Level before, jump and slope after, at the best break of ``grid``.

    Value = a + slope x max(dose - c, 0) + jump x [dose > c], least squares over the candidates c with a dose at or
    below and two above; of candidates that fit alike the highest.

    Parameters
    ----------
    answers
        One row an answer: ``dose``, ``value``, ``person``; without dose or value it is left out.
    grid
        Candidates, in the unit of dose.
    rng, draws
        Of the bootstrap of persons.
    confidence
        Coverage of the interval of the break, between 0 and 1.

    Returns
    -------
    dict
        ``break``, ``break_low``, ``break_high`` (percentiles over ``draws`` of persons), ``slope`` (per unit of dose),
        ``jump``, ``gain`` (log-likelihood over a constant, persons not regarded, for three parameters more), ``n``
        (answers); all but ``n`` missing with no such candidate, thus fewer than three doses, or values all alike.

    Notes
    -----
    docs/METHODS.md section 2.4.

    Examples
    --------
    >>> answers = pd.DataFrame({"dose": [-1, 0, 1, 2, 3] * 2, "value": [1, 1, 0, 0, -1, 1, 1, 1, 0, 0]})
    >>> found = break_point(answers.assign(person=range(10)), grid=[-1, 0, 1], rng=np.random.default_rng(1))
    >>> found["break"], round(found["slope"], 2), round(found["jump"], 2)
    (0.0, -0.5, 0.0)
    """
    known = answers.dropna(subset=["dose", "value"]).astype({"dose": "float64", "value": "float64"})
    doses, at = np.unique(known["dose"], return_inverse=True)
    value, who = known["value"].to_numpy(), pd.factorize(known["person"], use_na_sentinel=False)[0]
    c = np.array([x for x in sorted(grid) if (doses <= x).any() and (doses > x).sum() > 1], dtype="float64")[:, None]
    names = ["break", "break_low", "break_high", "slope", "jump", "gain"]
    rest = ((value - value.mean()) ** 2).sum() if len(known) else 0.0
    if not len(c) or rest < 1e-12 * max((value**2).sum(), 1e-300):
        return dict.fromkeys(names, np.nan) | {"n": len(known)}
    design = np.stack([np.ones((len(c), len(doses))), np.maximum(doses - c, 0), (doses > c) * 1.0], axis=-1)

    def profile(weight):
        n, v = np.bincount(at, weight, len(doses)), np.bincount(at, weight * (value - value.mean()), len(doses))
        moments, normal = np.einsum("gdi,d->gi", design, v), np.einsum("gdi,gdj,d->gij", design, design, n)
        fit = np.einsum("gij,gj->gi", np.linalg.pinv(normal, rcond=1e-12, hermitian=True), moments)
        explained = (fit * moments).sum(axis=1)
        best = np.flatnonzero(explained >= explained.max() - 1e-9 * rest)[-1]
        return best, fit[best], explained[best]

    best, (_, slope, jump), explained = profile(np.ones(len(known)))
    persons = who.max() + 1
    drawn = [profile(np.bincount(rng.integers(persons, size=persons), minlength=persons)[who])[0] for _ in range(draws)]
    ends = np.quantile(c[drawn, 0], [(1 - confidence) / 2, (1 + confidence) / 2], method="inverted_cdf")
    with np.errstate(divide="ignore"):
        gain = -len(known) / 2 * np.log(np.maximum(1 - explained / rest, 0))
    return dict(zip(names, map(float, (c[best, 0], *ends, slope, jump, gain)), strict=True)) | {"n": len(known)}


def share(counts: pd.DataFrame, *, confidence: float = 0.95, family: int = 1) -> pd.DataFrame:
    """``counts`` with ``share``, ``share_low``, ``share_high`` (0-1) of ``k`` in ``n``: Wilson's score interval.

    Parameters
    ----------
    counts
        One row a group: ``k``, ``n``.
    confidence
        Coverage of the interval, between 0 and 1.
    family
        Number of intervals that shall hold together; each is widened by Bonferroni.

    Returns
    -------
    DataFrame
        ``counts`` with these columns, missing where ``n`` is 0.

    Notes
    -----
    Wilson, JASA 22, 1927, as statsmodels computes it; docs/METHODS.md sections 1.4 and 2.2.

    Examples
    --------
    >>> share(pd.DataFrame({"k": [9], "n": [10]})).round(3)
       k   n  share  share_low  share_high
    0  9  10    0.9      0.596       0.982
    """
    from statsmodels.stats.proportion import proportion_confint  # a second of imports that few callers need

    k, n = counts["k"].astype("float64"), counts["n"].astype("float64").where(counts["n"] > 0)
    low, high = proportion_confint(k, n, alpha=(1 - confidence) / max(family, 1), method="wilson")
    return counts.assign(share=k / n, share_low=low, share_high=high)


def difference(new: Sequence[float], old: Sequence[float]) -> tuple[float, float, float]:
    """The change from one estimate to another that is independent of it, with its interval.

    Parameters
    ----------
    new, old
        An estimate, its low and its high end, of one coverage.

    Returns
    -------
    tuple
        New minus old, low, high, in their unit, of the same coverage.

    Notes
    -----
    MOVER: Newcombe, *Statistics in Medicine* 17, 1998; docs/METHODS.md section 0.11. Rather too wide where the two have
    persons in common.

    Examples
    --------
    >>> [round(x, 2) for x in difference((0.8, 0.7, 0.9), (0.6, 0.5, 0.7))]
    [0.2, 0.06, 0.34]
    """
    (value, low, high), (before, least, most) = new, old
    change = value - before
    below, above = np.hypot(value - low, most - before), np.hypot(high - value, before - least)
    return change, float(change - below), float(change + above)


def cramers_v(first: pd.Series, second: pd.Series) -> float:
    """How far one label tells the other: 0 (not at all) to 1, less what chance alone gives; NaN where one never varies.

    Parameters
    ----------
    first, second
        Labels, one row a customer, on one index.

    Notes
    -----
    Cramér's V with the correction of Bergsma, *Journal of the Korean Statistical Society* 42, 2013; docs/METHODS.md
    section 1.5.

    Examples
    --------
    >>> round(cramers_v(pd.Series(list("aabb") * 9), pd.Series(list("xxyy") * 9)), 6)
    1.0
    """
    from scipy.stats.contingency import association

    counts = pd.crosstab(first, second).to_numpy()
    n, sizes = counts.sum(), np.array(counts.shape)
    if sizes.min() < 2:
        return np.nan
    square = association(counts, "cramer") ** 2 * (sizes.min() - 1) - (sizes - 1).prod() / (n - 1)
    most = (sizes - (sizes - 1) ** 2 / (n - 1)).min() - 1
    return float(np.sqrt(max(square, 0) / most)) if most > 0 else np.nan


def leader(groups: pd.DataFrame, *, value: str, lowest: bool = False) -> int | None:
    """Position of the row whose simultaneous interval lies above (or below) all others, or None: not settled.

    Parameters
    ----------
    groups
        One row a group with ``<value>_low`` and ``<value>_high``, both widened for all groups; those without are left
        out.
    value
        Name of the value.
    lowest
        Is the row asked for whose interval lies below all others?

    Returns
    -------
    int
        From 0, among all rows of ``groups``; None also where fewer than two have an interval.

    Notes
    -----
    docs/METHODS.md section 0.7.

    Examples
    --------
    >>> leader(pd.DataFrame({"x_low": [1.0, 3.0], "x_high": [2.0, 4.0]}), value="x")
    1
    >>> leader(pd.DataFrame({"x_low": [1.0, 1.5], "x_high": [2.0, 4.0]}), value="x") is None
    True
    """
    rows = groups.reset_index(drop=True).dropna(subset=[f"{value}_low", f"{value}_high"])
    if len(rows) < 2:
        return None
    if lowest:
        best = rows[f"{value}_high"].idxmin()
        return int(best) if rows[f"{value}_high"][best] < rows.drop(index=best)[f"{value}_low"].min() else None
    best = rows[f"{value}_low"].idxmax()
    return int(best) if rows[f"{value}_low"][best] > rows.drop(index=best)[f"{value}_high"].max() else None

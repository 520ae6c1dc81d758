"""Which number may be shown, and how sure is it? Statistics that know no column of ours."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

OTHER = "(other)"
UNKNOWN = "(unknown)"


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
        ``rows`` with the labels of ``by`` replaced; docs/METHODS.md section 0.10.

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

    ``sums``, one row a group: ``n`` (persons), ``y``, ``x`` (numerator, denominator), ``yy``, ``xy``, ``xx`` (sums of
    their products). Gives ``n``, ``ratio``, ``ratio_low``, ``ratio_high`` with the index of ``sums``.

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
    """Share of +1 minus share of -1 per group, with the adjusted Wald interval, answers of one person together.

    Parameters
    ----------
    answers
        One row an answer: ``by``, ``person``, ``value`` (-1, 0 or 1).
    by
        Grouping columns; none for one figure over all.
    confidence
        Coverage of the interval, between 0 and 1.
    family
        Number of intervals that shall hold together; each is widened by Bonferroni.

    Returns
    -------
    DataFrame
        One row a group: ``by``, ``n`` (answers), ``n_persons``, ``n_effective`` (answers by design
        effect), ``plus``, ``minus`` (shares 0-1), ``net``, ``net_low``, ``net_high`` (-1 to 1).

    Notes
    -----
    Rocks, The American Statistician 70(4), 2016, 365-372; docs/METHODS.md section 0.9.

    Examples
    --------
    >>> answers = pd.DataFrame({"value": [1] * 50 + [0] * 30 + [-1] * 20, "person": range(100)})
    >>> net_share(answers)[["n", "net", "net_low", "net_high"]].round(4)
         n  net  net_low  net_high
    0  100  0.3   0.1405     0.442
    """
    by = list(by)
    every = answers.assign(_all=0) if not by else answers
    keys = by or ["_all"]
    value = every["value"].astype("float64")
    sums = every.assign(n=1.0, v=value, vv=value**2, plus=(value > 0) * 1.0, minus=(value < 0) * 1.0)
    persons = sums.groupby([*keys, "person"], dropna=False)[["n", "v"]].sum()
    groups = sums.groupby(keys)[["n", "v", "vv", "plus", "minus"]].sum()
    mean = groups["v"] / groups["n"]
    away = persons["v"] - persons["n"] * mean.reindex(persons.index.droplevel("person")).to_numpy()
    together, alone = (away**2).groupby(level=keys).sum(), groups["vv"] - groups["n"] * mean**2
    effect = (together / alone.where(alone > 1e-9)).clip(lower=1).fillna(1)
    n = groups["n"] / effect + 3
    plus, minus = (groups["plus"] / effect + 0.75) / n, (groups["minus"] / effect + 0.75) / n
    centre = plus - minus
    half = NormalDist().inv_cdf(1 - (1 - confidence) / 2 / max(family, 1)) * ((plus + minus - centre**2) / n) ** 0.5
    found = pd.DataFrame(
        {
            "n": groups["n"].astype("int64"),
            "n_persons": persons.groupby(level=keys).size(),
            "n_effective": groups["n"] / effect,
            "plus": groups["plus"] / groups["n"],
            "minus": groups["minus"] / groups["n"],
            "net": mean,
            "net_low": (centre - half).clip(lower=-1),
            "net_high": (centre + half).clip(upper=1),
        }
    )
    return found.rename_axis(by).reset_index() if by else found.reset_index(drop=True)


def share(counts: pd.DataFrame, *, confidence: float = 0.95, family: int = 1) -> pd.DataFrame:
    """``counts`` with ``share``, ``share_low``, ``share_high`` (0-1) of ``k`` in ``n``: Wilson's score interval.

    Missing where ``n`` is 0. Wilson, JASA 22, 1927, as statsmodels computes it.

    >>> share(pd.DataFrame({"k": [9], "n": [10]})).round(3)
       k   n  share  share_low  share_high
    0  9  10    0.9      0.596       0.982
    """
    from statsmodels.stats.proportion import proportion_confint  # a second of imports that few callers need

    k, n = counts["k"].astype("float64"), counts["n"].astype("float64").where(counts["n"] > 0)
    low, high = proportion_confint(k, n, alpha=(1 - confidence) / max(family, 1), method="wilson")
    return counts.assign(share=k / n, share_low=low, share_high=high)


def leader(groups: pd.DataFrame, *, value: str, lowest: bool = False) -> int | None:
    """Position of the row whose simultaneous interval lies above (or below) all others, or None: not settled.

    Parameters
    ----------
    groups
        One row a group with ``<value>_low`` and ``<value>_high``, both widened for all groups.
    value
        Name of the value.
    lowest
        Is the row asked for whose interval lies below all others?

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

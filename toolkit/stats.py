"""Which number may be shown, and how sure is it? Statistics that know no column of ours."""

from collections.abc import Sequence

import pandas as pd

OTHER = "(other)"
UNKNOWN = "(unknown)"


def publication_grid(
    contributions: pd.DataFrame,
    *,
    dimensions: Sequence[str],
    person: str = "person",
    money: str = "money",
    min_n: int = 10,
    max_share: float = 0.5,
) -> pd.DataFrame:
    """Atoms that may be published: cells merged upwards until each is large enough.

    A cell is a combination of ``dimensions``. It is too small while it holds fewer than
    ``min_n`` persons, or while one person contributes more than ``max_share`` of its
    money. Small cells of one parent (the same value of all but the last dimension)
    become one cell "(other)" of that parent; if that is still too small, the smallest
    of its siblings joins it. What is left over goes one level up. Any sum of the
    resulting atoms is safe from differencing within the table, and the total is kept.

    Parameters
    ----------
    contributions
        One row per person and cell: ``dimensions``, ``person``, ``money`` (0 or more).
    dimensions
        From the widest to the narrowest.
    person, money
        Names of those columns.
    min_n
        Persons that an atom must hold at least.
    max_share
        Share (0-1) of an atom's money that one person may hold at most.

    Returns
    -------
    DataFrame
        One row per cell: ``dimensions``, then ``published_<dimension>``. Empty if even
        the total is too small to be published.

    Notes
    -----
    docs/METHODS.md section 0.6. Persons in several cells count once per atom.

    Examples
    --------
    >>> people = pd.DataFrame({"region": ["north"] * 12 + ["south"] * 11 + ["east"] * 3,
    ...                        "person": range(26), "money": 1})
    >>> publication_grid(people, dimensions=["region"])
      region published_region
    0   east          (other)
    1  north            north
    2  south          (other)
    """
    dimensions = list(dimensions)
    published = [f"published_{name}" for name in dimensions]
    cells = contributions[dimensions].drop_duplicates().sort_values(dimensions, ignore_index=True)
    atoms = {tuple(cell): tuple(cell) for cell in cells.itertuples(index=False)}
    members = {
        tuple(cell) if isinstance(cell, tuple) else (cell,): rows.groupby(person)[money].sum()
        for cell, rows in contributions.groupby(dimensions, sort=True)
    }

    def too_small(held: pd.Series) -> bool:
        total = held.sum()
        return len(held) < min_n or (total > 0 and held.max() > max_share * total)

    for depth in range(len(dimensions) - 1, -1, -1):
        for parent in sorted({atom[:depth] for atom in members}):
            siblings = {atom: held for atom, held in members.items() if atom[:depth] == parent}
            small = sorted(atom for atom, held in siblings.items() if too_small(held))
            if not small or len(siblings) == 1:
                continue
            target = parent + (OTHER,) * (len(dimensions) - depth)
            joined = set(small) | ({target} & siblings.keys())
            rest = sorted(siblings.keys() - joined, key=lambda atom: (len(siblings[atom]), atom))
            merged = _together(siblings[atom] for atom in sorted(joined))
            while rest and too_small(merged):
                joined.add(rest[0])
                merged = _together([merged, siblings[rest.pop(0)]])
            for atom in joined:
                del members[atom]
            members[target] = merged
            atoms = {cell: target if atom in joined else atom for cell, atom in atoms.items()}
    if any(too_small(held) for held in members.values()):
        cells, atoms = cells.iloc[:0], {}
    labels = pd.DataFrame(list(atoms.values()), columns=published, index=cells.index, dtype="str")
    return pd.concat([cells, labels], axis=1)


def _together(holdings) -> pd.Series:
    return pd.concat(list(holdings)).groupby(level=0).sum()

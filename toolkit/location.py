"""Which few places are nearest to many points, which few sets cover all? Proven optima. Knows no column of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from toolkit.errors import DataError

ALL_AT_ONCE = 300  # rows up to which the search goes to the end
_NODES, _GAP = 5000, 0.01  # above: nodes of the search, and the gap at which it may end


@dataclass(frozen=True, eq=False)
class Cover:
    """The cheapest sets that cover everything: ``chosen``, their ``cost``, and what stays ``uncovered``.

    Attributes
    ----------
    chosen
        Names of the sets, in the order that they were given in.
    cost
        Sum of what they cost, in the unit of ``costs``.
    uncovered
        What was wanted and no set covers, in the order of ``wanted``.

    Notes
    -----
    docs/METHODS.md section 4.4.

    Examples
    --------
    >>> sets = {"A": ["fixed hour"], "B": ["fixed hour", "daily"]}
    >>> found = cover(sets, {"A": 300, "B": 500}, ["fixed hour", "notice"])
    >>> found.chosen, found.cost, found.uncovered
    (('A',), 300.0, ('notice',))
    """

    chosen: tuple[str, ...]
    cost: float
    uncovered: tuple[str, ...] = ()


def cover(covers: Mapping[str, Sequence[str]], costs: Mapping[str, float], wanted: Sequence[str]) -> Cover:
    """Weighted set cover, solved to the end: the sets of least cost that together cover all that is wanted.

    Parameters
    ----------
    covers, costs
        By set: what it covers, and what it costs (0 or more, any unit).
    wanted
        What must be covered; what no set covers is told, and left out.

    Returns
    -------
    Cover
        ``chosen``, ``cost``, ``uncovered``; no set where nothing is wanted that any set covers.

    Notes
    -----
    docs/METHODS.md section 4.4. Of covers that cost the same, the one that the solver finds.

    Examples
    --------
    >>> sets = {"A": "123", "B": "24", "C": "345", "D": "15", "E": "2345"}
    >>> cover(sets, {"A": 3, "B": 2, "C": 3, "D": 2, "E": 5}, "12345")
    Cover(chosen=('A', 'C'), cost=6.0, uncovered=())
    """
    names = list(covers)
    open_ = tuple(one for one in wanted if not any(one in covers[name] for name in names))
    rows = np.array([[one in covers[name] for name in names] for one in wanted if one not in open_], dtype="float64")
    if not len(rows):
        return Cover((), 0.0, open_)
    cost = np.array([costs[name] for name in names], dtype="float64")
    found = milp(
        cost, constraints=LinearConstraint(rows, 1, np.inf), integrality=np.ones(len(names)), bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )  # fmt: skip
    chosen = tuple(name for name, taken in zip(names, found.x, strict=True) if taken > 0.5)
    return Cover(chosen, float(sum(costs[name] for name in chosen)), open_)


@dataclass(frozen=True, eq=False)
class Located:
    """Places that leave least: ``chosen`` (columns), ``cost`` (what they leave), ``gap`` (proven; 0: the optimum).

    Attributes
    ----------
    chosen
        Numbers of the columns, from 0 on, ascending.
    cost
        Sum over rows of size times distance to the nearest chosen place, in the unit of distances.
    gap
        Share of ``cost`` (0-1) by which the optimum may at most be lower.

    Notes
    -----
    docs/METHODS.md section 4.4.

    Examples
    --------
    >>> found = p_median(np.array([[0, 5, 9], [5, 0, 9], [9, 9, 0]]), [2, 1, 4], 2)
    >>> found.chosen, found.cost, found.gap  # one point, of the second row, is left to reach a place from 5
    ((0, 2), 5.0, 0.0)
    """

    chosen: tuple[int, ...]
    cost: float
    gap: float


def p_median(far: np.ndarray, sizes: Sequence[float], p: int) -> Located:
    """The p columns from which the rows, each ``sizes`` times, are least far in all.

    Parameters
    ----------
    far
        Distances (0 or more, any unit), one row a point and one column a place.
    sizes
        Points that each row stands for.
    p
        Places to choose, 1 or more; no more than there are columns.

    Returns
    -------
    Located
        ``chosen`` (columns), ``cost`` (sum of distances), ``gap`` (0-1).

    Raises
    ------
    DataError
        If there is no such p.

    Notes
    -----
    docs/METHODS.md section 4.4. Elloumi, *Operations Research Letters* 38, 2010: for each row and each of its
    different distances but the largest, a variable that is 1 unless a chosen place is that near; each follows from the
    one before. Up to ``ALL_AT_ONCE`` rows to the proven optimum; above that the search ends at a gap of 1 %, or after
    a number of nodes. Of places that leave alike, those that the solver finds.

    Examples
    --------
    >>> p_median(np.array([[0, 9], [8, 0], [1, 9]]), [1, 1, 1], 1)
    Located(chosen=(0,), cost=9.0, gap=0.0)
    >>> p_median(np.array([[0, 9], [8, 0], [1, 9]]), [1, 3, 1], 1)  # the second row stands for three: 9 + 9 < 3 x 8 + 1
    Located(chosen=(1,), cost=18.0, gap=0.0)
    """
    far, sizes = np.asarray(far, dtype="float64"), np.asarray(sizes, dtype="float64")
    rows, places = far.shape
    if not 1 <= p <= places:
        raise DataError(f"p_median: expected 1 to {places} places to choose, found {p}.")
    if p == places:
        return Located(tuple(range(places)), float(sizes @ far.min(axis=1)), 0.0)
    steps, entries, least, at = [], [], [], 0
    for row in range(rows):
        levels, place = np.unique(far[row], return_inverse=True)
        for level in range(len(levels) - 1):  # farther than this, unless a place is so far, or it was farther before
            entries += [(at, column, 1.0) for column in np.flatnonzero(place == level)] + [(at, places + at, 1.0)]
            entries += [(at, places + at - 1, -1.0)] if level else []
            least.append(0.0 if level else 1.0)
            steps.append(sizes[row] * (levels[level + 1] - levels[level]))
            at += 1
    if not at:  # every place is as far as every other
        return Located(tuple(range(p)), float(sizes @ far.min(axis=1)), 0.0)
    at_row, at_column, value = zip(*entries, strict=True)
    chain = sparse.csr_matrix((value, (at_row, at_column)), shape=(at, places + at))
    wholes = LinearConstraint(chain, least, np.inf)
    count = LinearConstraint(np.append(np.ones(places), np.zeros(at))[None], p, p)
    limits = {"mip_rel_gap": 0.0} if rows <= ALL_AT_ONCE else {"mip_rel_gap": _GAP, "node_limit": _NODES}
    found = milp(
        np.append(np.zeros(places), steps), constraints=[wholes, count], bounds=Bounds(0, 1),
        integrality=np.append(np.ones(places), np.zeros(at)), options=limits,
    )  # fmt: skip
    taken = _greedy(far, sizes, p) if found.x is None else np.flatnonzero(found.x[:places] > 0.5)
    cost, least = float(sizes @ far[:, taken].min(axis=1)), float(sizes @ far.min(axis=1))
    bound = least + float(found.mip_dual_bound or 0)
    gap = 0.0 if found.status == 0 and rows <= ALL_AT_ONCE else max(cost - bound, 0.0) / max(cost, 1e-300)
    return Located(tuple(int(one) for one in taken), cost, gap)


def _greedy(far: np.ndarray, sizes: np.ndarray, p: int) -> np.ndarray:
    """Places taken one after the other, each the one that then leaves least."""
    taken: list[int] = []
    best = np.full(len(far), np.inf)
    for _ in range(p):
        left = sizes @ np.minimum(best[:, None], far)
        left[taken] = np.inf
        taken.append(int(left.argmin()))
        best = np.minimum(best, far[:, taken[-1]])
    return np.array(sorted(taken))

"""An attack on published tables: what do they together tell of a group that is too small to be published? No tests."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

from toolkit import frames, stats
from toolkit.company import GRID_DIMENSIONS, Company

TABLES = {  # report, table: the columns that are sums over the cells of the grid
    ("cost_to_serve", "cost_by_segment_channel"): ("n_orders", "net_revenue", "cost_of_goods", "freight", "handling"),
    ("cost_to_serve", "cost_by_region"): ("n_orders", "net_revenue", "cost_of_goods", "freight", "handling"),
}


def small_groups(company: Company, period: str) -> tuple[pd.DataFrame, list[tuple[str, np.ndarray]]]:
    """The grid of a period, and each group of its cells with fewer persons than may be published, by one dimension or
    more as they were before they were merged: its name and which cells it is."""
    known = frames.Known(company, company.period(period))
    grid, persons = known.grid, known._contributions(known.period)
    found = []
    for by in (["segment"], ["channel"], ["region"], ["segment", "channel"], ["segment", "region"],
               ["channel", "region"], list(GRID_DIMENSIONS)):  # fmt: skip
        counts = persons.groupby(by)["person"].nunique()
        for labels in counts.index[counts < company.settings.min_n]:
            own = labels if isinstance(labels, tuple) else (labels,)
            cells = (grid[by] == list(own)).all(axis=1).to_numpy()
            found.append((", ".join(own), cells))
    return grid, found


def _rows(grid: pd.DataFrame, table: pd.DataFrame) -> list[np.ndarray]:
    """Which cells each row of a table is the sum of: "(other)" is what the others do not name."""
    by = [name for name in GRID_DIMENSIONS if name in table]
    labels, found = grid[[f"published_{name}" for name in by]].to_numpy(), [np.zeros(0)] * len(table)
    rows, left = table[by].astype("str").to_numpy(), np.ones(len(grid), bool)
    for at in np.argsort((rows == stats.OTHER).sum(axis=1), kind="stable"):  # what is named before what is left
        found[at] = ((labels == rows[at]) | (rows[at] == stats.OTHER)).all(axis=1) & left
        left &= ~found[at]
    return found


def told(folder: Path, grid: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By measure, the equations that the tables of a revision are: cells of each row, and its value."""
    found: dict[str, tuple[list, list]] = {}
    for (report, name), columns in TABLES.items():
        path = folder / "tables" / report / f"{name}.csv"
        table = pd.read_csv(path) if path.exists() else pd.DataFrame()
        for column in columns if len(table) else ():
            a, b = found.setdefault(f"{report}: {column}", ([], []))
            a += _rows(grid, table)
            b += [float(value) for value in table[column]]
    return {measure: (np.array(a, "float64"), np.array(b)) for measure, (a, b) in found.items()}


def between(a: np.ndarray, b: np.ndarray, group: np.ndarray, *, whole: bool) -> tuple[float, float]:
    """The least and the greatest that a group of cells can hold, no value below 0: two (integer) programmes."""
    known = ~np.isnan(b)
    rows = LinearConstraint(a[known], b[known], b[known])
    ends = []
    for sign in (1, -1):
        solved = milp(sign * group.astype("float64"), constraints=rows, bounds=Bounds(0, np.inf),
                      integrality=np.full(a.shape[1], int(whole)))  # fmt: skip
        if solved.status == 3:  # nothing bounds it
            ends.append(np.inf)
        else:
            assert solved.status == 0, solved.message
            ends.append(sign * solved.fun)
    return ends[0], ends[1]


def disclosed(company: Company, period: str, folder: Path) -> tuple[list[str], int]:
    """Small groups of which a published period tells the size, or money, too closely; and how many were attacked."""
    grid, groups = small_groups(company, period)
    faults, n = [], 0
    for measure, (a, b) in told(folder, grid).items():
        whole = measure.endswith("n_orders")
        least = company.settings.min_n * (1 if whole else 100)  # of money, so many units of the currency
        for name, cells in groups:
            if not (a[:, cells].sum() and b.size):
                continue
            low, high = between(a, b, cells, whole=whole)
            n += 1
            if high - low < least and high > 0:  # of what is nothing, such as revenue without an order, no more is told
                faults.append(f"{period}, {measure}: {name} holds {low:g} to {high:g}")
    return faults, n

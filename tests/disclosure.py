"""An attack on published tables: what do they together tell of a group that is too small to be published? No tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

from toolkit import frames, stats
from toolkit.company import GRID_DIMENSIONS, Company

_N = "n"  # all of a row, whatever their class
_MONEY = ("net_revenue", "cost_of_goods", "freight", "handling")
_COSTS = {("cost_to_serve", f"cost_by_{by}"): {"n_orders": _N} for by in ("segment_channel", "region")}
_COSTS |= {("segment_profile", "segmentation_matrix"): {"n_orders": _N}}
_SCORES = {"promoters": "1", "detractors": "-1"}
PUBLISHED = {  # what is counted; report, table: its number, and which classes each of its columns is a share or sum of
    "orders": _COSTS,
    "answers": {
        ("nps_supply_chain", f"nps_by_{by}"): {"n": _N} | _SCORES
        for by in ("segment", "region", "segment_channel", "exposure", "way")
    } | {
        ("segment_profile", "segmentation_matrix"): {"n_answers": _N, "nps": "score"},
        ("segment_profile", "profile"): {"n_answers": _N, "nps": "score"},
    },
    "orders due": {
        ("nps_supply_chain", f"service_by_{by}"): {"n": _N, "on_time": "in time", "in_full": "in full", "otif": "otif"}
        for by in ("segment", "fulfilment")
    } | {("segment_profile", "segmentation_matrix"): {"n_due": _N, "late_share": "late"}},
}  # fmt: skip
_CLASSES = {  # of what is counted: the classes, and of which of them a column is the sum, each with its sign
    "orders": {"": {_N: 1}},
    "answers": {
        "promoter": {_N: 1, "1": 1, "score": 1}, "neither": {_N: 1}, "detractor": {_N: 1, "-1": 1, "score": -1},
    },
    "orders due": {
        "in time and full": {_N: 1, "in time": 1, "in full": 1, "otif": 1}, "in time": {_N: 1, "in time": 1},
        "in full": {_N: 1, "in full": 1, "late": 1}, "neither": {_N: 1, "late": 1},
    },
}  # fmt: skip


@dataclass
class Universe:
    """What is counted in some tables: its cells, by where they are and by where they are published, and who is in them.

    ``cells``: one row a cell, the dimensions and ``published_`` of those of the grid. ``persons``: cell and person.
    """

    name: str
    cells: pd.DataFrame
    persons: pd.DataFrame

    @property
    def dimensions(self) -> list[str]:
        return [name for name in self.cells if not name.startswith("published_")]

    def small(self, min_n: int) -> list[tuple[str, np.ndarray]]:
        """Each group of cells, by one dimension of the grid or more, with somebody, but too few, in it: name, cells."""
        found = {}
        for k in range(1, len(GRID_DIMENSIONS) + 1):
            for by in map(list, combinations(GRID_DIMENSIONS, k)):
                places = self.cells.loc[self.persons["cell"], by].reset_index(drop=True)
                counts = self.persons["person"].groupby([places[name] for name in by]).nunique()
                for labels in counts.index[counts < min_n]:
                    own = list(labels) if isinstance(labels, tuple) else [labels]
                    cells = (self.cells[by] == own).all(axis=1).to_numpy()
                    found.setdefault(cells.tobytes(), (", ".join(own), cells))
        return list(found.values())

    def rows(self, table: pd.DataFrame, *, joined: bool) -> list[np.ndarray]:
        """Which cells each row of a table is the sum of: "(other)" is what the others do not name.

        A table that is ``joined`` to another by its names has all that is published under these, and nothing more.
        """
        by = [name for name in self.dimensions if name in table]
        told = self.cells[[f"published_{name}" if name in GRID_DIMENSIONS else name for name in by]].to_numpy()
        grid = [[name in GRID_DIMENSIONS for name in by]]
        told = np.where(grid, told, pd.DataFrame(told).replace("_", " ", regex=True))  # as pages write them
        rows, left = table[by].astype("str"), np.ones(len(told), bool)
        rows = np.where(grid, rows, rows.replace(",.*", "", regex=True))
        if joined:
            return [(told == row).all(axis=1) for row in rows]
        found = [np.zeros(0, bool)] * len(table)
        for at in np.argsort((rows == stats.OTHER).sum(axis=1), kind="stable"):  # what is named before what is left
            found[at] = ((told == rows[at]) | (rows[at] == stats.OTHER)).all(axis=1) & left
            left &= ~found[at]
        return found


def universes(company: Company, period: str) -> list[Universe]:
    """Orders, answers to recommend, and orders that fell due, of a period: in cells as fine as tables tell apart."""
    known = frames.Known(company, company.period(period))
    read, dims = known.warehouse.backend.to_pyarrow, list(GRID_DIMENSIONS)
    placed = known._contributions(known.period)
    asked, invited = known._places(known._asked()), known.invitations()
    asked = asked.filter((asked.item == "recommend") & asked.score.notnull())
    answers = read(asked.select("response_id", "customer_id", *dims)).to_pandas()
    told = invited.filter(invited.item == "recommend").select("response_id", "fulfilment", "exposure", *dims)
    told = read(told).to_pandas().rename(columns={name: f"published_{name}" for name in dims})
    answers = answers.merge(told, on="response_id")
    served = known.order_service()
    due = read(served.filter(~served.cancelled).select("order_id", "customer_id", "fulfilment")).to_pandas()
    orders = known._places(known.table("orders").semi_join(served, "order_id"))
    due = due.merge(read(orders.select("order_id", *dims)).to_pandas(), on="order_id")
    due = due.merge(known.grid, how="left", on=dims)
    placed = placed.rename(columns={"person": "customer_id"}).merge(known.grid, how="left", on=dims)
    return [_universe("orders", placed, []), _universe("answers", answers, ["fulfilment", "exposure"]),
            _universe("orders due", due, ["fulfilment"])]  # fmt: skip


def _universe(name: str, rows: pd.DataFrame, more: Sequence[str]) -> Universe:
    keys = [*GRID_DIMENSIONS, *more, *(f"published_{dimension}" for dimension in GRID_DIMENSIONS)]
    rows = rows.assign(**{key: rows[key].astype("object").fillna(stats.UNKNOWN).astype("str") for key in keys})
    cells = rows[keys].drop_duplicates().sort_values(keys, ignore_index=True)
    number = pd.Series(cells.index, index=pd.MultiIndex.from_frame(cells))
    at = number.loc[pd.MultiIndex.from_frame(rows[keys])].to_numpy()
    return Universe(name, cells, pd.DataFrame({"cell": at, "person": rows["customer_id"].to_numpy()}))


def counted(folder: Path, universe: Universe) -> tuple[np.ndarray, np.ndarray]:
    """The equations that the tables of a revision are, over the classes of each cell: coefficients and values."""
    a, b = [], []
    classes = list(_CLASSES[universe.name].values())
    for table, columns, joined in _tables(folder, PUBLISHED[universe.name]):
        total = next(column for column, of in columns.items() if of == _N)
        for column, of in columns.items():
            each = [one.get(of, 0) for one in classes]
            for cells, row in zip(universe.rows(table, joined=joined), table.to_dict("records"), strict=True):
                value = row[column] * (1 if column == total else row[total] / (100 if of == "score" else 1))
                if not pd.isna(value) and abs(value - round(value)) < 1e-6:  # else a share of fewer than these
                    a.append(np.kron(cells, each))
                    b.append(round(value))
    return np.array(a, "float64"), np.array(b, "float64")


def money(folder: Path, universe: Universe, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The equations that the tables of orders are, of a column of cents."""
    a, b = [], []
    for table, _, joined in _tables(folder, PUBLISHED["orders"]):
        if column in table:
            known = table[column].notna().to_numpy()
            a += [cells for cells, told in zip(universe.rows(table, joined=joined), known, strict=True) if told]
            b += table.loc[known, column].tolist()
    return np.array(a, "float64"), np.array(b, "float64")


def _tables(folder: Path, wanted: Mapping) -> list[tuple[pd.DataFrame, dict[str, str], bool]]:
    found = []
    for (report, name), columns in wanted.items():
        path = folder / "tables" / report / f"{name}.csv"
        table = pd.read_csv(path) if path.exists() else pd.DataFrame()
        if len(table):
            told = {column: of for column, of in columns.items() if column in table}
            found.append((table, told, report == "segment_profile"))
    return found


def between(a: np.ndarray, b: np.ndarray, group: np.ndarray, *, whole: bool) -> tuple[float, float]:
    """The least and the greatest that a group of cells can hold, no value below 0: two (integer) programmes."""
    ends = []
    for sign in (1, -1):
        solved = milp(sign * group.astype("float64"), constraints=LinearConstraint(a, b, b), bounds=Bounds(0, np.inf),
                      integrality=np.full(a.shape[1], int(whole)))  # fmt: skip
        if solved.status == 3:  # nothing bounds it
            ends.append(np.inf)
        else:
            assert solved.status == 0, solved.message  # else no such cells can make these tables: the model is wrong
            ends.append(sign * solved.fun)
    return ends[0], ends[1]


def disclosed(company: Company, period: str, folder: Path) -> tuple[list[str], dict[str, int]]:
    """Small groups of which a published period tells the number, or money, too closely; how many were attacked."""
    faults, attacked, min_n = [], {}, company.settings.min_n
    for universe in universes(company, period):
        attacks = [("number", *counted(folder, universe))]
        if universe.name == "orders":
            attacks += [(column, *money(folder, universe, column)) for column in _MONEY]
        for measure, a, b in attacks:
            whole = measure == "number"
            least = min_n * (1 if whole else 100)  # of money, so many units of the currency
            for name, cells in universe.small(min_n):
                group = np.repeat(cells, a.shape[1] // len(cells)) if len(a) else cells
                if not (len(a) and a[:, group].any()):
                    continue
                low, high = between(a, b, group, whole=whole)
                attacked[f"{universe.name}: {measure}"] = attacked.get(f"{universe.name}: {measure}", 0) + 1
                if high - low < least and high > 0:  # of what is nothing, as revenue without an order, nothing is told
                    faults.append(f"{period}, {universe.name}, {measure}: {name} holds {low:g} to {high:g}")
    return faults, attacked

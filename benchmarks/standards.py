"""How long does the whole curve of 40 standards for 300 combinations of terms take, beside the plain form of p-median?

Run ``python benchmarks/standards.py`` from the project's folder. Combinations are random in six terms of three values,
which is the hardest that these sizes can be: real agreements resemble each other. Both forms go to the same solver, to
the proven optimum, and must find the same cost; the plain form is asked for a few numbers of standards only. Then 600
combinations, where the search ends at a proven gap.
"""

import time

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from toolkit import agreements, location

PLACES, FEW = 40, (2, 4, 8, 16)
WEIGHTS = np.array([3.0, 2.0, 2.0, 1.0, 1.0, 1.0])


def made(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances of n random combinations to the 40 that most agreements hold, and how many hold each."""
    rng = np.random.default_rng(seed)
    vectors = np.unique(rng.integers(0, 3, (4 * n, 6)), axis=0)
    rng.shuffle(vectors)
    vectors, sizes = vectors[:n], rng.integers(1, 30, n)
    most = np.argsort(-sizes, kind="stable")[:PLACES]
    return agreements.distances(vectors, vectors[most], WEIGHTS), sizes


def plain(far: np.ndarray, sizes: np.ndarray, p: int) -> float:
    """The cost by one variable a row and place: 1 if the row goes there."""
    rows, places = far.shape
    row, place = np.divmod(np.arange(rows * places), places)
    one = sparse.csr_matrix((np.ones(len(row)), (row, np.arange(len(row)) + places)), shape=(rows, places * (rows + 1)))
    opened = sparse.csr_matrix(
        (
            np.repeat([1.0, -1.0], len(row)),
            (np.tile(np.arange(len(row)), 2), np.append(np.arange(len(row)) + places, place)),
        ),
        shape=(len(row), places * (rows + 1)),
    )  # fmt: skip
    count = np.append(np.ones(places), np.zeros(rows * places))[None]
    found = milp(
        np.append(np.zeros(places), (far * sizes[:, None]).ravel()), bounds=Bounds(0, 1),
        constraints=[LinearConstraint(one, 1, 1), LinearConstraint(opened, -np.inf, 0), LinearConstraint(count, p, p)],
        integrality=np.append(np.ones(places), np.zeros(rows * places)), options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    return float(found.fun)


def main() -> None:
    """Print seconds and their ratio."""
    for seed in (1, 2, 3):
        far, sizes = made(300, seed)
        begin, curve = time.perf_counter(), {}
        seconds = {}
        for p in range(1, PLACES + 1):
            start = time.perf_counter()
            found = location.p_median(far, sizes, p)
            assert found.gap == 0
            curve[p], seconds[p] = found.cost, time.perf_counter() - start
        whole = time.perf_counter() - begin
        start = time.perf_counter()
        for p in FEW:
            assert abs(plain(far, sizes, p) - curve[p]) < 1e-6, p
        peer, ours = time.perf_counter() - start, sum(seconds[p] for p in FEW)
        print(
            f"300 combinations, {PLACES} that may become standards, seed {seed}: the whole curve {whole:.0f} s, each p "
            f"proven; plain form at p = {', '.join(map(str, FEW))}: {peer / ours:.1f} times as long, same cost"
        )
    far, sizes = made(600, 4)
    start = time.perf_counter()
    gaps = [location.p_median(far, sizes, p).gap for p in (2, 4, 8, 16)]
    print(f"600 combinations, p = 2, 4, 8, 16: {time.perf_counter() - start:.0f} s, proven within {max(gaps):.2%}")


if __name__ == "__main__":
    main()

"""How long does LMG over all subsets of 15 drivers take, beside one least squares a subset?

Run ``python benchmarks/importance.py`` from the project's folder. The peer solves each of the 2^15 subsets from
the moment matrix, as the textbook says it.
"""

import time
from math import factorial

import numpy as np
import pandas as pd

from toolkit import drivers

ROWS, DRIVERS = 100_000, 15

rng = np.random.default_rng(20261126)
mixed = rng.normal(size=(ROWS, DRIVERS)) @ (np.eye(DRIVERS) + 0.3)
x = pd.DataFrame(mixed, columns=[f"x{i}" for i in range(DRIVERS)])
y = mixed @ np.linspace(0, 0.2, DRIVERS) + rng.normal(size=ROWS)

start = time.perf_counter()
ours = drivers.importance(y, x, clusters=np.arange(ROWS), rng=rng, draws=0)["importance"].to_numpy()
took = time.perf_counter() - start

start = time.perf_counter()
moments = np.corrcoef(np.column_stack([mixed, y]), rowvar=False)
explained = np.zeros(2**DRIVERS)
for subset in range(1, 2**DRIVERS):
    own = [i for i in range(DRIVERS) if subset >> i & 1]
    explained[subset] = moments[own, -1] @ np.linalg.solve(moments[np.ix_(own, own)], moments[own, -1])
peer = np.zeros(DRIVERS)
for subset in range(2**DRIVERS):
    size = bin(subset).count("1")
    for i in range(DRIVERS):
        if not subset >> i & 1:
            chance = factorial(size) * factorial(DRIVERS - size - 1) / factorial(DRIVERS)
            peer[i] += chance * (explained[subset | 1 << i] - explained[subset])
theirs = time.perf_counter() - start

print(
    f"LMG, {DRIVERS} drivers, {ROWS} rows: {took:.2f} s; one solve a subset {theirs:.1f} s, {theirs / took:.0f} times "
    f"as long; importances at most {np.abs(ours - peer).max():.1e} apart"
)

"""How long does the person bootstrap of a net share take, beside drawing rows with numpy?

Run ``python benchmarks/nps_bootstrap.py`` from the project's folder. The peer draws every row of 20 of the
groups only; its time is of those 20.
"""

import time

import numpy as np
import pandas as pd

from toolkit import stats

GROUPS, PERSONS, DRAWS, PEER_GROUPS = 200, 500, 10_000, 20

rng = np.random.default_rng(20261126)
value = rng.choice([1, 0, -1], GROUPS * PERSONS, p=[0.5, 0.3, 0.2])
answers = pd.DataFrame(
    {"group": np.repeat(np.arange(GROUPS), PERSONS), "person": np.arange(len(value)), "value": value}
)

start = time.perf_counter()
found = stats.bootstrap_net(answers, by=["group"], rng=rng, draws=DRAWS)
ours = time.perf_counter() - start

start = time.perf_counter()
peer = []
for held in value.reshape(GROUPS, PERSONS)[:PEER_GROUPS]:
    nets = held[rng.integers(PERSONS, size=(DRAWS, PERSONS))].mean(axis=1)
    peer.append(np.quantile(nets, [0.025, 0.975]))
theirs = time.perf_counter() - start

apart = np.abs(found[["net_low", "net_high"]].to_numpy()[:PEER_GROUPS] - peer).max()
print(
    f"{GROUPS} groups of {PERSONS} persons, {DRAWS} draws: {ours:.2f} s ({1000 * ours / GROUPS:.1f} ms a group); "
    f"rows drawn with numpy, measured on {PEER_GROUPS} groups: {theirs:.2f} s ({1000 * theirs / PEER_GROUPS:.1f} ms "
    f"a group); ends of intervals at most {apart:.3f} apart"
)

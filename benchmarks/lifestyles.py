"""How long do 16 clusters of 1,000,000 customers by 40 traits take, and how much memory, beside plain k-means?

Run ``python benchmarks/lifestyles.py`` from the project's folder; a minute or two. The peer is scikit-learn's KMeans
with ten starts on the same rows: no stability of clusters is in its time.
"""

import resource
import time

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from toolkit import lifestyles

CUSTOMERS, TRAITS, GROUPS = 1_000_000, 40, 16

rng = np.random.default_rng(20261127)
group = rng.integers(0, GROUPS, CUSTOMERS)
x = rng.normal(size=(GROUPS, TRAITS))[group] + 1.5 * rng.normal(size=(CUSTOMERS, TRAITS))

start = time.perf_counter()
fit = lifestyles.LifestyleClusters(n_clusters=GROUPS, random_state=1).fit(x)
took = time.perf_counter() - start
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(
    f"{CUSTOMERS} customers, {TRAITS} traits, {GROUPS} clusters with their stability: {took:.1f} s, {memory:.2f} GiB "
    f"in all; planted groups found again: {adjusted_rand_score(group, fit.labels_):.3f}",
    flush=True,
)
start = time.perf_counter()
peer = KMeans(GROUPS, n_init=10, random_state=1).fit(x)
seconds = time.perf_counter() - start
print(
    f"KMeans, 10 starts: {seconds:.1f} s, {seconds / took:.1f} times as long; planted groups found again: "
    f"{adjusted_rand_score(group, peer.labels_):.3f}"
)

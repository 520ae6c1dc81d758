"""How long does the ordered logit take, beside statsmodels' OrderedModel at the same likelihood?

Run ``python benchmarks/ordered_logit.py`` from the project's folder; minutes, nearly all of them the peer's.
"""

import time

import numpy as np
import pandas as pd
from statsmodels.miscmodels.ordinal_model import OrderedModel

from toolkit import drivers

ROWS, DRIVERS, LEVELS = 100_000, 10, 11

rng = np.random.default_rng(20261126)
x = pd.DataFrame(rng.normal(size=(ROWS, DRIVERS)), columns=[f"x{i}" for i in range(DRIVERS)])
latent = x.to_numpy() @ np.linspace(-0.5, 0.5, DRIVERS) + rng.logistic(size=ROWS)
y = np.searchsorted(np.linspace(-3, 3, LEVELS - 1), latent)

times = []
for _ in range(5):
    start = time.perf_counter()
    ours = drivers.ordered_logit(y, x, clusters=np.arange(ROWS))
    times.append(time.perf_counter() - start)

start = time.perf_counter()
peer = OrderedModel(y, x, distr="logit").fit(method="bfgs", disp=False)
theirs = time.perf_counter() - start

print(
    f"{ROWS} rows, {DRIVERS} drivers, {LEVELS} levels: median of {len(times)} {np.median(times):.2f} s (fastest "
    f"{min(times):.2f}), clustered errors among it; OrderedModel {theirs:.1f} s, {theirs / np.median(times):.0f} times "
    f"as long; log-likelihoods {ours.log_likelihood:.3f} and {peer.llf:.3f}"
)

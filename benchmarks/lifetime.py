"""How long does BG/NBD with standard errors take on 1,000,000 customers, beside peers at the same likelihood?

Run ``python benchmarks/lifetime.py`` from the project's folder; minutes, nearly all of them the peers'. Peers that are
not installed are said to be absent; a peer's own environment runs the script with PYTHONPATH at the project's folder.
"""

import importlib.util
import os
import time

import numpy as np
import pandas as pd

from toolkit import lifetime

CUSTOMERS, WEEKS, PARAMS = int(os.environ.get("CUSTOMERS", 1_000_000)), 52, (0.25, 4.5, 0.8, 2.4)

rng = np.random.default_rng(20261126)
r, alpha, a, b = PARAMS
age = rng.integers(WEEKS // 2, WEEKS + 1, CUSTOMERS)
rate, chance = rng.gamma(r, 1 / alpha, CUSTOMERS), rng.beta(a, b, CUSTOMERS)
repeats, last, now, here = np.zeros(CUSTOMERS, int), np.zeros(CUSTOMERS), np.zeros(CUSTOMERS), np.arange(CUSTOMERS)
while len(here):  # one more purchase of everybody who is still here
    now[here] += rng.exponential(1 / np.maximum(rate[here], 1e-12))
    here = here[now[here] <= age[here]]
    repeats[here] += 1
    last[here] = np.ceil(now[here])
    here = here[rng.random(len(here)) >= chance[here]]
customers = pd.DataFrame({"repeats": repeats, "last": last.astype(int), "age": age})

times = []
for _ in range(5):
    start = time.perf_counter()
    ours = lifetime.BetaGeometric(customers).fit()
    errors = ours.bse
    times.append(time.perf_counter() - start)
took, rows = np.median(times), lifetime.grouped(customers, on=lifetime.STATISTICS)
print(
    f"{CUSTOMERS} customers, {len(rows)} rows: median of {len(times)} {took:.2f} s (fastest {min(times):.2f}), "
    f"standard errors among it; {np.round(ours.params, 4)}, log-likelihood {ours.llf:.3f}",
    flush=True,
)
likelihood = lifetime.BetaGeometric(customers).loglike


def report(name: str, seconds: float, params: list[float]) -> None:
    print(
        f"{name}: {seconds:.1f} s, {seconds / took:.1f} times as long, no standard errors of ours; log-likelihood "
        f"{likelihood(params) - ours.llf:+.4f} from ours",
        flush=True,
    )


if importlib.util.find_spec("lifetimes"):
    from lifetimes import BetaGeoFitter

    for name, table in (("lifetimes, weights on grouped rows", rows), ("lifetimes, plain", customers.assign(n=1))):
        start = time.perf_counter()
        peer = BetaGeoFitter().fit(table["repeats"], table["last"], table["age"], weights=table["n"])
        report(name, time.perf_counter() - start, peer.params_[["r", "alpha", "a", "b"]].tolist())
else:
    print("lifetimes is not installed")

if importlib.util.find_spec("pymc_marketing"):
    from pymc_extras.prior import Prior
    from pymc_marketing.clv import BetaGeoModel

    table = customers.set_axis(["frequency", "recency", "T"], axis=1).assign(customer_id=np.arange(CUSTOMERS))
    flat = {name: Prior("HalfFlat") for name in ("r", "alpha", "a", "b")}
    start = time.perf_counter()
    model = BetaGeoModel(data=table, model_config=flat)
    model.fit(method="map")
    found = model.fit_result
    report(
        "PyMC-Marketing, MAP",
        time.perf_counter() - start,
        [float(np.mean(found[name])) for name in ("r", "alpha", "a", "b")],
    )
else:
    print("PyMC-Marketing is not installed")

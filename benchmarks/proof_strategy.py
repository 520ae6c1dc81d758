"""Is the planted best policy chosen, and nothing where there is no difference? Simulated companies; minutes.

Run ``python benchmarks/proof_strategy.py [companies] [seed]`` from the project's folder. Each company has three
carriers with tariffs, lateness that shares weeks, and complaints that lateness brings; all that is learned from are
drawn histories. The truth of a policy is its expected cost on the very orders. In one half of the companies carrier b
is best; the other half, the twins, have three carriers alike, so that every policy is worth nothing.
"""

import sys

import numpy as np
import pandas as pd

from toolkit import replay, strategy
from toolkit.replay import Policy

CARRIERS, DRAWS, RATE, COMPLAINT = ("a", "b", "c"), 60, 1.0, 600.0  # cents a second; seconds for each late order
POLICIES = [Policy(), *(Policy(f"all by {to}", ways={"carrier": {"a": to}}) for to in CARRIERS[1:])]
POLICIES += [Policy("half by b", {"region": ("north",)}, {"carrier": {"a": "b"}})]
BEST = {"late": (0.20, 0.08, 0.16), "shipment": (450.0, 455.0, 452.0)}
ALIKE = {"late": (0.12, 0.12, 0.12), "shipment": (450.0, 450.0, 450.0)}


def shipments(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Orders with weight and distance, by the three carriers in equal parts of two regions."""
    region = np.array(["north", "south"])[rng.integers(0, 2, n)]
    return pd.DataFrame({
        "carrier": np.array(CARRIERS)[rng.integers(0, 3, n)], "region": region, "week": rng.integers(-52, 0, n),
        "weight_g": rng.integers(100, 9000, n), "distance_m": rng.integers(1000, 90_000, n),
    })  # fmt: skip


def served(rng: np.random.Generator, rows: pd.DataFrame, truth: dict) -> pd.DataFrame:
    """What became of shipments: hours of delay, with a shock that a week's shipments share; and freight, 5 % off."""
    shock = rng.normal(0, 0.15, 60)[rows["week"] + 52]
    late = pd.Series(truth["late"], list(CARRIERS))[rows["carrier"]].to_numpy()
    odds = late / (1 - late) * np.exp(shock)
    is_late = rng.random(len(rows)) < odds / (1 + odds)
    return rows.assign(delay_h=np.where(is_late, rng.geometric(0.1, len(rows)), 0), freight=np.rint(
        priced(rows, rows["carrier"], truth) * rng.uniform(0.95, 1.05, len(rows))
    ).astype("int64"))  # fmt: skip


def priced(rows: pd.DataFrame, carriers, truth: dict) -> np.ndarray:
    """Freight by the true tariff."""
    shipment = pd.Series(truth["shipment"], list(CARRIERS))[np.asarray(carriers)].to_numpy()
    return shipment + 0.025 * rows["weight_g"].to_numpy() + 0.0005 * rows["distance_m"].to_numpy()


def learned(rng: np.random.Generator, truth: dict) -> replay.Learned:
    """From 30,000 shipments of a year."""
    past = served(rng, shipments(rng, 30_000), truth)
    ways = {"fulfilment": "home_delivery", "site": "W", "rush": False, "n_far": 0, "distance_m": 0}
    delays = past.groupby(["week", "carrier", "region", "delay_h"], as_index=False).size().rename(columns={"size": "n"})
    columns = {
        "s": np.ones(len(past)),
        "w": past["weight_g"] // 100,
        "d": past["distance_m"] // 100,
        "f": past["freight"],
    }
    names = [one + two for at, one in enumerate("swdf") for two in "swdf"[at:]]
    products = pd.DataFrame({name: columns[name[0]] * columns[name[1]] for name in names})
    moments = (
        products.groupby(past["carrier"]).sum().assign(n=past.groupby("carrier").size(), before=True).reset_index()
    )
    late = past["delay_h"] > 0
    seconds = np.where(late, COMPLAINT, 0) + rng.exponential(30, len(past))
    kinds = pd.DataFrame({"late": late, "n": 1, "seconds": seconds}).groupby("late", as_index=False).sum()
    failed = kinds.assign(before=True, activity="complaint", pool="desk", short=False, damaged=False)
    none = pd.DataFrame({"value": [], "late_s": [], "wait_s": [], "score": [], "segment": [], "channel": [],
                         "fulfilment": [],
                         "short": [], "damaged": [], "person": []})  # fmt: skip
    return replay.learned(delays.assign(**ways), moments, failed, none, before=True)


def quarter(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Orders to replay, all by carrier a."""
    rows = shipments(rng, n)
    at = pd.Timestamp("2026-04-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 91 * 86_400, n), unit="s")
    day = at.tz_localize(None).normalize()
    return rows.assign(
        carrier="a", order_id=[f"o{i}" for i in range(n)], customer_id=[f"c{i}" for i in range(n)], segment="all",
        channel="web", fulfilment="home_delivery", site="W", rush=False, ordered_at=at, day=day, hour=at.hour,
        promised_by=(day + pd.Timedelta(days=2, hours=12)).tz_localize("UTC"), promised_day=day + pd.Timedelta(days=2),
        in_full=True, damaged=False, net_revenue=3000, cost_of_goods=2000, n_shipments=1, freight=500,
        window_h=None, stocked_ordered=0, stocked_delivered=0, only_stock=False,
    )  # fmt: skip


def true_values(orders: pd.DataFrame, truth: dict) -> dict[str, float]:
    """What each policy saves on these orders, expected."""
    late, found = dict(zip(CARRIERS, truth["late"], strict=True)), {}
    now = priced(orders, orders["carrier"], truth).sum()
    for policy in POLICIES[1:]:
        to = policy.ways["carrier"]["a"]
        there = orders["region"].isin(policy.scope.get("region", ("north", "south")))
        carriers = np.where(there, to, "a")
        saved = now - priced(orders, carriers, truth).sum()
        found[policy.name] = float(saved + there.sum() * (late["a"] - late[to]) * COMPLAINT * RATE)
    return found


def company(seed: int, truth: dict) -> dict:
    """One company: what was chosen, whether settled, how far ahead, and whether intervals hold the truth."""
    rng = np.random.default_rng(seed)
    orders, model = quarter(rng, 6000), learned(rng, truth)
    work = pd.DataFrame({"order_id": orders["order_id"], "activity": "picking", "pool": "desk", "seconds": 60})
    runs = strategy.study(orders, work, model, POLICIES, rates=pd.Series({"desk": RATE}), draws=DRAWS, rng=rng).runs
    worth = strategy.worths(runs, pd.Series({"all": len(orders)}), None, rng)
    limits = pd.DataFrame(columns=["name", "column", "low", "high"])
    chosen = strategy.choose(strategy.options(worth, runs), limits).chosen["all"]
    sure, true = strategy.settled(worth).set_index("policy"), true_values(orders, truth)
    wide = worth.pivot(index="draw", columns="policy", values="value")
    best = max(true, key=true.get)
    ahead = min(
        (true[best] - true.get(rival, 0.0)) / max(float((wide[best] - wide[rival]).std()), 1e-9)
        for rival in wide if rival != best
    )  # fmt: skip
    inside = sum(sure.loc[name, "value_low"] <= value <= sure.loc[name, "value_high"] for name, value in true.items())
    settled = chosen != "today" and bool(sure.loc[chosen, "better"])
    return {"right": chosen == best and settled, "settled": settled, "ahead": ahead, "all_inside": inside == len(true)}


def main(count: int, seed: int) -> None:
    """Both halves, and their counts."""
    for name, truth in (("one best", BEST), ("alike", ALIKE)):
        found = pd.DataFrame([company(seed + at, truth) for at in range(count)])
        print(
            f"{name}: {count} companies, seed {seed}; at least {found['ahead'].min():.1f} standard errors ahead; ",
            end="",
        )
        print(
            f"planted best chosen and settled in {found['right'].sum()}, not settled in {(~found['settled']).sum()}, ",
            end="",
        )
        print(f"all intervals hold the truth in {found['all_inside'].sum()}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100, int(sys.argv[2]) if len(sys.argv) > 2 else 20261130)

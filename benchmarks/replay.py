"""How long do 20 policies on 1 million orders in 20 draws take, how much memory, beside SimPy at the same model?

Run ``python benchmarks/replay.py [millions ...]`` from the project's folder; each size in a process of its own. The
peer moves each order of a sample as an event process (placed, waits for others, sent, arrives), with the same random
numbers: it must count the same late orders.
"""

import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from toolkit import replay
from toolkit.replay import Policy, Replay

DRAWS, WEEKS, DAY, HOUR = 20, 13, 86_400, 3_600
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
POLICIES = [
    Policy(),
    Policy("carrier", ways={"carrier": {"a": "b"}}),
    *[Policy(f"later {days}", numbers={"promise_days": days}) for days in (-2, -1, 1, 2)],
    *[Policy(f"together {days}", numbers={"consolidate_days": days}) for days in (1, 2, 3, 5, 7)],
    *[Policy(f"on {day}", delivery_days=(day, "saturday")) for day in DAYS],
    *[Policy(f"least {cents}", numbers={"minimum_order": cents, "consolidate_days": 3}) for cents in (2000, 4000)],
    *[Policy(f"pays {cents}", numbers={"freight_charge": cents, "free_from": 3000}) for cents in (200, 400)],
]


def company(n: int, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame, replay.Learned]:
    """Orders of a made quarter, their work, and what was learned from the year before."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.integers(0, 91 * DAY, n))
    day, carrier = at // DAY, rng.integers(0, 3, n)
    promise = (day + 2) * DAY + rng.integers(10, 20, n) * HOUR
    start = pd.Timestamp("2026-04-01")
    segment = rng.integers(0, 4, n)
    orders = pd.DataFrame({
        "order_id": np.char.add("o", np.arange(n).astype("str")),
        "customer_id": np.char.add("c", rng.integers(0, max(n // 5, 1), n).astype("str")),
        "segment": np.array(list("wxyz"))[segment], "channel": np.array(["web", "app"])[rng.integers(0, 2, n)],
        "region": np.array(["north", "south", "east"])[rng.integers(0, 3, n)], "fulfilment": "home_delivery",
        "carrier": np.array(list("abc"))[carrier], "site": "W", "rush": rng.random(n) < 0.1,
        "ordered_at": (start + pd.to_timedelta(at, unit="s")).tz_localize("UTC"),
        "promised_by": (start + pd.to_timedelta(promise, unit="s")).tz_localize("UTC"),
        "day": start + pd.to_timedelta(day, unit="D"), "promised_day": start + pd.to_timedelta(day + 2, unit="D"),
        "hour": (at % DAY) // HOUR, "delay_h": 0, "in_full": rng.random(n) < 0.95, "damaged": rng.random(n) < 0.01,
        "quantity_ordered": 1, "quantity_delivered": 1, "n_lines": 1, "net_revenue": rng.integers(500, 9000, n),
        "cost_of_goods": 300, "n_shipments": 1, "freight": 500, "weight_g": rng.integers(100, 9000, n),
        "distance_m": rng.integers(1000, 90_000, n), "window_h": rng.integers(1, 9, n), "stocked_ordered": 0,
        "stocked_delivered": 0, "only_stock": False,
    })  # fmt: skip
    work = pd.DataFrame({
        "order_id": np.tile(orders["order_id"].to_numpy(), 2), "activity": np.repeat(["picking", "stop"], n),
        "pool": np.repeat(["warehouse", "van"], n), "seconds": rng.integers(30, 300, 2 * n),
    })  # fmt: skip
    places = ["north", "south", "east"]
    cells = pd.MultiIndex.from_product(
        [["home_delivery"], list("abc"), ["W"], places, [False, True], range(-52, 0), range(-6, 60)],
        names=["fulfilment", "carrier", "site", "region", "rush", "week", "delay_h"],
    ).to_frame(index=False)  # fmt: skip
    cells = cells.assign(n=rng.poisson(np.where(cells["delay_h"] <= 0, 20, 0.5)), n_far=0, distance_m=0)
    prices = pd.DataFrame({"shipment": [400.0, 450, 0], "kg": [20.0, 25, 0], "km": [1.0, 1, 0], "n": 1}, list("abc"))
    prices["root"] = [np.zeros((3, 3))] * 3
    after = pd.DataFrame(
        {"pool": ["desk"], "plain": [5.0], "late": [200.0], "short": [90.0], "damaged": [300.0]}, ["complaint"]
    )
    return orders, work, replay.Learned(cells[cells["n"] > 0], prices, after, None, np.zeros(0), (7, 20))


def ours(n: int) -> None:
    """Replay them all, and say how long it took and with how much memory."""
    orders, work, model = company(n)
    start = time.perf_counter()
    found = Replay(
        orders, work, model, rates=pd.Series({"warehouse": 1.0, "van": 1.0, "desk": 1.0}), per_shipment=["stop"]
    )
    runs = found.run(POLICIES, draws=DRAWS, weeks=WEEKS, rng=np.random.default_rng(1))
    took, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    late = 1 - runs.groupby("policy")["on_time"].sum() / runs.groupby("policy")["n"].sum()
    print(f"{n / 1e6:g} {took:.2f} {peak:.2f} {late['today']:.4f}")


def peer(n: int) -> None:
    """One policy that sends orders of two days together, one draw: ours and SimPy's, order by order."""
    try:
        import simpy
    except ImportError:
        print("SimPy is not installed")
        return
    orders, work, model = company(n)
    policy = Policy("together", numbers={"consolidate_days": 2})
    start = time.perf_counter()
    found = Replay(
        orders, work, model, rates=pd.Series({"warehouse": 1.0, "van": 1.0, "desk": 1.0}), per_shipment=["stop"]
    )
    runs = found.run([Policy(), policy], draws=1, weeks=WEEKS, rng=np.random.default_rng(5))
    runs = runs[runs["policy"] == policy.name]
    mine, took = int((runs["n"] - runs["on_time"]).sum()), time.perf_counter() - start
    again = time.perf_counter()
    found.run([Policy(), policy], draws=20, weeks=WEEKS, rng=np.random.default_rng(6))
    again = (time.perf_counter() - again) / 40
    rng = np.random.default_rng(5)
    weeks = np.unique(model.delays["week"])
    taken = rng.integers(0, len(weeks), len(weeks))[rng.integers(0, len(weeks), WEEKS)]
    times = dict(zip(weeks, np.bincount(taken, minlength=len(weeks)), strict=True))
    uniform, tables = rng.random(n), {}
    for key, rows in model.delays.groupby(["carrier", "region", "rush"]):
        rows = rows.sort_values(["delay_h", "week"])
        tables[key] = rows["delay_h"].to_numpy(), (rows["n"] * rows["week"].map(times)).cumsum().to_numpy()
    moments = [replay._seconds(orders[name]) for name in ("ordered_at", "promised_by")]
    whom = orders["customer_id"] + orders["carrier"]  # may travel together
    told = list(zip(*moments, whom, orders["carrier"], orders["region"], orders["rush"], strict=True))
    begun = time.perf_counter()
    world, late, waiting = simpy.Environment(initial_time=float(moments[0].min())), [0], {}

    def shipment(batch: list[int]):
        yield world.timeout(2 * DAY)
        del waiting[told[batch[0]][2]]
        leader = min(batch, key=lambda at: (told[at][1] - told[at][0], batch.index(at)))
        _, _, _, carrier, region, rush = told[leader]
        values, cumulative = tables[carrier, region, rush]
        at = np.searchsorted(cumulative, uniform[leader] * cumulative[-1], side="right")
        yield world.timeout(max(told[leader][1] - told[leader][0] + int(values[at]) * HOUR, 0))
        late[0] += sum(world.now > told[each][1] + 2 * DAY for each in batch)

    def alone(at: int):
        _, promise, _, carrier, region, _ = told[at]
        values, cumulative = tables[carrier, region, True]
        drawn = np.searchsorted(cumulative, uniform[at] * cumulative[-1], side="right")
        yield world.timeout(max(promise - world.now + int(values[drawn]) * HOUR, 0))
        late[0] += world.now > promise

    def orders_come():
        for at, (moment, _, whom, _, _, rush) in enumerate(told):
            yield world.timeout(moment - world.now)
            if rush:  # does not wait
                world.process(alone(at))
            elif whom in waiting:
                waiting[whom].append(at)
            else:
                waiting[whom] = [at]
                world.process(shipment(waiting[whom]))

    world.process(orders_come())
    world.run()
    other = time.perf_counter() - begun
    print(
        f"SimPy, {n:,} orders, one policy, one draw: {other:.2f} s; ours {took:.2f} s with what comes first, then ",
        end="",
    )
    print(f"{again:.3f} s a policy and draw ({other / again:.0f} times as fast); late orders {late[0]:,} and {mine:,}")


def main(sizes: list[str]) -> None:
    """Each size in its own process, then the growth, then the peer."""
    print("| million orders | seconds | GiB |\n|---|---|---|")
    points = []
    for size in sizes:
        told = subprocess.run([sys.executable, __file__, "one", size], capture_output=True, text=True, check=True)
        million, took, peak, _ = (float(each) for each in told.stdout.split())
        points.append((million, took))
        print(f"| {million:g} | {took:.1f} | {peak:.2f} |", flush=True)
    print(f"\n{len(POLICIES)} policies, {DRAWS} draws.", end=" ")
    if len(points) > 1:
        slope = np.polyfit(*np.log(np.array(points)).T, 1)[0]
        print(f"Slope of log(time) on log(orders): {slope:.2f}.", end=" ")
    print(flush=True)
    peer(50_000)


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        ours(int(float(sys.argv[2]) * 1e6))
    else:
        main(sys.argv[1:] or ["0.1", "0.3", "1"])

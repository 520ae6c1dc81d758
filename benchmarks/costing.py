"""How long does it take to cost 10,000,000 orders of 12 activities, how much memory, beside the same job in pandas?

Run ``python benchmarks/costing.py`` from the project's folder; some minutes and 4 GB of disk. Orders of a quarter, of a
twentieth as many customers, every activity done once for each order, four of them with drivers. Ours: the frame
``work`` from the tables to its file, then costs to the cent, tied. The peer reads the same files and does the same in
pandas, on a tenth of the orders, beside ours on the same tenth.
"""

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from toolkit import company, cost, frames

PERIOD, MONTHS = "2026Q3", ("2026-07-01", "2026-08-01", "2026-09-01")
DRIVERS = {"a01": {"lines": 6, "rush": 180}, "a02": {"lines": 40}, "a03": {"rush": 60}, "a04": {"lines": 3}}
SECONDS = {f"a{number:02}": 20 + 7 * number for number in range(1, 13)}
POOLS = {name: f"p{(at % 5) + 1}" for at, name in enumerate(SECONDS)}


def made(home: Path, orders: int) -> None:
    """The company ``bench`` with its params and its local warehouse."""
    params, tables = home / "params" / "bench", home / "data" / "bench" / "warehouse-1" / "tables"
    params.mkdir(parents=True)
    tables.mkdir(parents=True)
    (params / "base.yaml").write_text(
        "company: {title: Bench, zone: UTC, currency: EUR, pseudonym_key: public,"
        " limits: {warehouse_mb: 2600}}\n\nall: {}\n"
    )
    rules = {name: {"pool": POOLS[name], "seconds": SECONDS[name], "per": DRIVERS.get(name, {})} for name in SECONDS}
    (params / "cost.yaml").write_text(json.dumps({"activities": rules}))
    link = duckdb.connect()
    link.execute("SET preserve_insertion_order = false; SET memory_limit = '8GB'; SET TimeZone = 'UTC'")
    some = orders // 20

    def copy(name: str, select: str) -> None:
        link.execute(f"COPY ({select}) TO '{tables / name}.parquet' (COMPRESSION zstd)")

    copy(
        "customers",
        f"""SELECT 'C' || lpad(i::VARCHAR, 7, '0') AS customer_id,
        ['consumer', 'business', 'wholesale'][1 + i % 3] AS type, 'R' || i % 6 AS region FROM range({some}) t(i)""",
    )
    copy(
        "orders",
        f"""SELECT 'O' || lpad(i::VARCHAR, 8, '0') AS order_id,
        'C' || lpad((hash(i) % {some})::VARCHAR, 7, '0') AS customer_id,
        TIMESTAMPTZ '2026-07-01' + INTERVAL 1 SECOND * (i * 7_900_000 // {orders}) AS ordered_at,
        ['app', 'web', 'phone', 'store'][1 + (hash(i) % {some})::INT % 4] AS channel FROM range({orders}) t(i)""",
    )
    lines, rush = "'\"lines\": ' || (1 + i % 8)", "'\"rush\": ' || (i % 7 = 0)::INT"
    texts = {"a01": f"{lines} || ', ' || {rush}", "a02": lines, "a03": rush, "a04": lines}  # as DRIVERS has them
    cases = " ".join(f"WHEN '{name}' THEN '{{' || {text} || '}}'" for name, text in texts.items())
    copy(
        "activities",
        f"""SELECT a || '-' || i AS activity_id, 'O' || lpad(i::VARCHAR, 8, '0') AS order_id, a AS activity,
        TIMESTAMPTZ '2026-07-01' + INTERVAL 1 SECOND * (i * 7_900_000 // {orders} + 1000) AS happened_at, 1 AS quantity,
        CASE a {cases} END AS drivers
        FROM range({orders}) t(i), (SELECT unnest({list(SECONDS)}) AS a)""",
    )
    copy(
        "resource_pools",
        f"""SELECT p AS pool, m::DATE AS month, ({orders} * 20)::BIGINT AS practical_capacity_minutes
        FROM (SELECT unnest({sorted(set(POOLS.values()))}) AS p), (SELECT unnest({list(MONTHS)}) AS m)""",
    )
    copy(
        "ledger",
        f"""SELECT m::DATE AS month, a AS account, p AS pool, 1 AS posting_no, ({orders} * 31 + 7)::BIGINT AS amount,
        'EUR' AS currency FROM (SELECT unnest({sorted(set(POOLS.values()))}) AS p),
        (SELECT unnest({list(MONTHS)}) AS m), (SELECT unnest(['rent', 'wages']) AS a)""",
    )
    receipt = {"folder": "warehouse-1", "key": company.load("bench", home).key_print()}
    receipt["tables"] = dict.fromkeys(path.stem for path in tables.glob("*.parquet"))
    (home / "data" / "bench" / "receipt.json").write_text(json.dumps(receipt))


def ours(home: Path) -> int:
    """Cents charged, tied to the ledger."""
    found = company.load("bench", home)
    names = ["work", "ledger", "capacity"]
    kept = frames.materialise(found, found.period(PERIOD), names, home / "frames")
    work, ledger, capacity = (frames.read(kept[name].path) for name in names)
    pools = cost.pool_costs(ledger, capacity, work)
    costed, allocated = cost.charge_work(work, pools)
    tie = cost.tie_out(ledger, pools, allocated, costed, costed.iloc[:0].rename(columns={"seconds": "freight"}))
    assert (tie["difference"] == 0).all()
    return int(costed["cost"].sum())


def peer(home: Path) -> int:
    """Cents charged by the same rules in pandas: drivers parsed once a distinct text, cents by largest remainder."""
    import numpy as np
    import pandas as pd

    tables = home / "data" / "bench" / "warehouse-1" / "tables"
    done = pd.read_parquet(
        tables / "activities.parquet", columns=["order_id", "activity", "happened_at", "quantity", "drivers"]
    )
    orders = pd.read_parquet(tables / "orders.parquet", columns=["order_id", "customer_id", "channel"])
    who = pd.read_parquet(tables / "customers.parquet")
    kinds = done[["activity", "drivers"]].drop_duplicates()
    more = [
        sum(each * json.loads(text).get(name, 0) for name, each in DRIVERS.get(activity, {}).items())
        if isinstance(text, str)
        else 0
        for activity, text in zip(kinds["activity"], kinds["drivers"], strict=True)
    ]
    done = done.merge(kinds.assign(more=more), on=["activity", "drivers"])
    done["seconds"] = done["quantity"] * done["activity"].map(SECONDS) + done["more"]
    done["month"] = done["happened_at"].dt.strftime("%Y-%m-01")
    done = done.merge(orders, on="order_id").merge(who, on="customer_id")
    keys = ["month", "activity", "customer_id", "type", "channel", "region"]
    work = done.groupby(keys, as_index=False)["seconds"].sum()
    work["pool"] = work["activity"].map(POOLS)
    capacity = pd.read_parquet(tables / "resource_pools.parquet").astype({"month": "str"})
    used = work.groupby(["month", "pool"], as_index=False)["seconds"].sum()
    ledger = pd.read_parquet(tables / "ledger.parquet").astype({"month": "str"}).merge(capacity).merge(used)
    ledger["charged"] = (ledger["amount"] * ledger["seconds"] / (60 * ledger["practical_capacity_minutes"])).round()
    work["cost"] = 0
    places = work.groupby(["month", "pool"]).indices
    for row in ledger.itertuples():
        at = places[row.month, row.pool]
        exact = row.charged * work["seconds"].to_numpy()[at] / row.seconds
        share = np.floor(exact).astype("int64")
        share[np.argsort(share - exact, kind="stable")[: int(row.charged - share.sum())]] += 1
        work.iloc[at, work.columns.get_loc("cost")] += share
    return int(work["cost"].sum())


def timed(what: str, home: Path) -> tuple[float, float, int]:
    start = time.perf_counter()
    run = subprocess.run([sys.executable, __file__, what, str(home)], capture_output=True, text=True, check=True)
    took, (cents, memory) = time.perf_counter() - start, run.stdout.split()[-2:]
    return took, float(memory), int(cents)


if len(sys.argv) == 3:
    print({"ours": ours, "peer": peer}[sys.argv[1]](Path(sys.argv[2])))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
else:
    home = Path(tempfile.mkdtemp(prefix="costing-"))
    try:
        for size in (1_000_000, 10_000_000):
            made(home / str(size), size)
            took, memory, cents = timed("ours", home / str(size))
            print(f"{size} orders x 12 activities: {took:.0f} s, {memory:.2f} GiB, {cents} cents", flush=True)
            if size == 1_000_000:
                seconds, more, same = timed("peer", home / str(size))
                print(
                    f"pandas: {seconds / took:.1f} times as long, {more / memory:.1f} times the memory, {same} cents",
                    flush=True,
                )
    finally:
        shutil.rmtree(home)

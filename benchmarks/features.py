"""How long do exact customer features take, how much memory, beside DuckDB SQL in one pass and pandas?

Run ``python benchmarks/features.py`` from the project's folder; half an hour, 8 GB of disk and 16 GB of memory;
``--lines 10`` (millions) for one size, ``--rounds`` for more of them in turn, ``--only ours sql`` for some. Orders of
52 weeks of ten lines each, a customer to 50 lines, few with many; 5,000 articles in 50 categories, 100 sites. Ours: the
frame ``breadth``, as it is fetched before it is kept; limited: with 2 GB for the warehouse; kept: as its file. The
peers read the same files to the same columns: SQL with one ``GROUP BY`` over joined lines and ``count(DISTINCT ...)``;
pandas with the columns it needs, merged, ``nunique``. All must give the same table. Each run is a process of its own,
timed from after its imports; the peers only up to 50 million lines, where they fit in memory.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from toolkit import company, frames

PERIOD, BEGIN, END, AS_OF = "2026Q3", "2025-10-02", "2026-10-01", "2026-10-22"  # the 52 weeks up to the period's end
MILLION, SMALL, LIMIT_MB = 1_000_000, 0.1, 2000
COLUMNS = [
    "customer_id", "segment", "n_orders", "n_sites", "first_days", "last_days", "n_lines", "n_products",
    "n_categories", "quantity", "net_revenue", "cost_of_goods",
]  # fmt: skip


def made(home: Path, lines: int) -> None:
    """The company ``bench`` with its params and its local warehouse."""
    params, tables = home / "params" / "bench", home / "data" / "bench" / "warehouse-1" / "tables"
    params.mkdir(parents=True)
    tables.mkdir(parents=True)
    (params / "base.yaml").write_text(
        "company: {title: Bench, zone: UTC, currency: EUR, pseudonym_key: public}\n\nall: {}\n"
    )
    link = duckdb.connect()
    link.execute("SET preserve_insertion_order = false; SET memory_limit = '4GB'; SET TimeZone = 'UTC'")
    orders, customers, products, sites = lines // 10, lines // 50, 5000, 100

    def drawn(seed: int, most: int, power: float = 1) -> str:
        """A whole number below ``most`` drawn for row i; with a higher power the low ones more often."""
        return f"floor({most} * pow((hash(i, {seed}) % 1000000007) / 1000000007.0, {power}))::BIGINT"

    def copy(name: str, select: str) -> None:
        link.execute(f"COPY ({select}) TO '{tables / name}.parquet' (COMPRESSION zstd)")

    def pseudonym(number: str) -> str:
        return f"substr(md5(({number})::VARCHAR), 1, 24)"

    copy(
        "customers",
        f"""SELECT {pseudonym("i")} AS customer_id, ['consumer', 'business', 'wholesale'][1 + i % 3] AS type,
        CASE WHEN i % 29 = 0 THEN false WHEN i % 3 = 0 THEN true END AS profiling_consent
        FROM range({customers}) t(i)""",
    )
    copy(
        "products",
        f"""SELECT 'P' || lpad(i::VARCHAR, 6, '0') AS product_id,
        CASE WHEN i % 97 > 0 THEN 'category ' || {drawn(1, 50)} END AS category FROM range({products}) t(i)""",
    )
    copy("sites", f"SELECT 'S' || i AS site_id, 'store' AS kind FROM range({sites}) t(i)")
    copy(
        "orders",
        f"""SELECT 'O' || lpad(i::VARCHAR, 9, '0') AS order_id, {pseudonym(drawn(2, customers, 1.25))} AS customer_id,
        TIMESTAMPTZ '{BEGIN}' + INTERVAL 1 SECOND * {drawn(3, 370 * 86_400)} AS ordered_at,
        ['app', 'web', 'phone', 'store'][1 + {drawn(4, 4, 2)}] AS channel,
        CASE WHEN i % 20 > 0 THEN 'S' || {drawn(5, sites, 2)} END AS site_id,
        CASE WHEN i % 50 = 0 THEN TIMESTAMPTZ '2026-10-10' END AS cancelled_at FROM range({orders}) t(i)""",
    )
    copy(
        "order_lines",
        f"""SELECT 'O' || lpad((i // 10)::VARCHAR, 9, '0') AS order_id, 1 + i % 10 AS line_no,
        'P' || lpad(({drawn(6, products, 2)})::VARCHAR, 6, '0') AS product_id,
        1 + {drawn(7, 4)} AS quantity_ordered, 100 + {drawn(8, 20_000)} AS net_revenue,
        CASE WHEN hash(i, 9) % 200 > 0 THEN 50 + {drawn(10, 10_000)} END AS cost_of_goods FROM range({lines}) t(i)""",
    )
    receipt = {"folder": "warehouse-1", "key": company.load("bench", home).key_print()}
    receipt["tables"] = dict.fromkeys(path.stem for path in tables.glob("*.parquet"))
    (home / "data" / "bench" / "receipt.json").write_text(json.dumps(receipt))


def _fetched(home: Path, limits: company.Limits) -> pd.DataFrame:
    found = company.load("bench", home)
    found = replace(found, settings=found.settings.model_copy(update={"limits": limits}))
    known = frames.Known(found, found.period(PERIOD))
    return frames._fetched(known.warehouse.backend, known.breadth())


def ours(home: Path) -> pd.DataFrame:
    """The frame as the toolkit fetches it."""
    return _fetched(home, company.Limits())


def limited(home: Path) -> pd.DataFrame:
    """The same with a limit to the warehouse's memory."""
    return _fetched(home, company.Limits(warehouse_mb=LIMIT_MB))


def kept(home: Path) -> None:
    """The same to its file: pseudonyms of its own, sorted, digested."""
    found = company.load("bench", home)
    frames.materialise(found, found.period(PERIOD), ["breadth"], home / "frames")


def sql(home: Path) -> pd.DataFrame:
    """One pass over joined lines."""
    tables = home / "data" / "bench" / "warehouse-1" / "tables"
    link = duckdb.connect(config={"preserve_insertion_order": "false", "temp_directory": str(home / "spill")})
    link.execute("SET TimeZone = 'UTC'")
    return link.execute(f"""
        SELECT s.*, CASE WHEN c.profiling_consent = false THEN '(other)' ELSE c.type END AS segment
        FROM (
            SELECT o.customer_id, count(DISTINCT o.order_id) AS n_orders,
                count(DISTINCT o.site_id) AS n_sites,
                DATE '{END}' - min(o.ordered_at)::DATE AS first_days,
                DATE '{END}' - max(o.ordered_at)::DATE AS last_days,
                count(*) AS n_lines, count(DISTINCT l.product_id) AS n_products,
                count(DISTINCT p.category) AS n_categories,
                sum(l.quantity_ordered)::BIGINT AS quantity, sum(l.net_revenue)::BIGINT AS net_revenue,
                CASE WHEN count(l.cost_of_goods) = count(*) THEN sum(l.cost_of_goods)::BIGINT END AS cost_of_goods
            FROM '{tables}/order_lines.parquet' l JOIN '{tables}/orders.parquet' o USING (order_id)
            LEFT JOIN '{tables}/products.parquet' p USING (product_id)
            WHERE o.ordered_at >= TIMESTAMPTZ '{BEGIN}' AND o.ordered_at < TIMESTAMPTZ '{END}'
                AND (o.cancelled_at IS NULL OR o.cancelled_at >= TIMESTAMPTZ '{AS_OF}')
            GROUP BY o.customer_id
        ) s JOIN '{tables}/customers.parquet' c USING (customer_id)
    """).to_arrow_table()


def pandas(home: Path) -> pd.DataFrame:
    """Merged and grouped in memory, texts that repeat as categories."""
    tables = home / "data" / "bench" / "warehouse-1" / "tables"
    orders = pd.read_parquet(tables / "orders.parquet")
    begin, end, as_of = (pd.Timestamp(day, tz="UTC") for day in (BEGIN, END, AS_OF))
    live = orders["cancelled_at"].isna() | (orders["cancelled_at"] >= as_of)
    orders = orders[live & (orders["ordered_at"] >= begin) & (orders["ordered_at"] < end)].drop(columns="cancelled_at")
    orders["customer_id"] = orders["customer_id"].astype("category")
    goods = pd.read_parquet(tables / "products.parquet").astype({"product_id": "category", "category": "category"})
    needed = ["order_id", "product_id", "quantity_ordered", "net_revenue", "cost_of_goods"]
    lines = pd.read_parquet(tables / "order_lines.parquet", columns=needed)
    lines["product_id"] = lines["product_id"].astype(goods["product_id"].dtype)
    lines = lines.merge(orders[["order_id", "customer_id"]], on="order_id").drop(columns="order_id")
    lines = lines.merge(goods, how="left", on="product_id")
    by_order = orders.groupby("customer_id", observed=True)
    found = by_order.agg(
        n_orders=("order_id", "size"), n_sites=("site_id", "nunique"), first=("ordered_at", "min"),
        last=("ordered_at", "max"),
    )  # fmt: skip
    for name in ("first", "last"):
        found[f"{name}_days"] = (end - found.pop(name).dt.normalize()).dt.days
    by_line = lines.groupby("customer_id", observed=True)
    sums = by_line.agg(
        n_lines=("quantity_ordered", "size"), n_products=("product_id", "nunique"),
        n_categories=("category", "nunique"), quantity=("quantity_ordered", "sum"),
        net_revenue=("net_revenue", "sum"), cost_of_goods=("cost_of_goods", "sum"), priced=("cost_of_goods", "count"),
    )  # fmt: skip
    sums["cost_of_goods"] = sums["cost_of_goods"].where(sums["n_lines"] == sums.pop("priced"))
    people = pd.read_parquet(tables / "customers.parquet").set_index("customer_id")
    people["segment"] = people["type"].mask(people["profiling_consent"].eq(False), "(other)")
    return found.join(sums).join(people["segment"]).reset_index()


def _print(found) -> str:
    """The same for the same table, whoever made it, in whatever order."""
    rows = found if isinstance(found, pd.DataFrame) else found.to_pandas()
    rows = rows[COLUMNS].astype({name: "str" for name in COLUMNS[:2]} | {name: "float64" for name in COLUMNS[2:]})
    rows = rows.sort_values("customer_id", ignore_index=True)
    return hashlib.sha256(np.asarray(pd.util.hash_pandas_object(rows.fillna(-1), index=False)).tobytes()).hexdigest()


def alone(what: str, home: Path) -> None:
    """Times one of them in this process: seconds, those of its processors, GiB at the most, digest and rows."""
    start, busy = time.perf_counter(), time.process_time()
    found = {"ours": ours, "limited": limited, "kept": kept, "sql": sql, "pandas": pandas}[what](home)
    took, busy = time.perf_counter() - start, time.process_time() - busy
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps([took, busy, most, "" if found is None else _print(found), 0 if found is None else len(found)]))


def timed(what: str, home: Path) -> tuple[float, float, float, str, int]:
    run = subprocess.run([sys.executable, __file__, "--one", what, str(home)], capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"{what}: {run.stderr}")
    return tuple(json.loads(run.stdout.splitlines()[-1]))


def compared(home: Path, millions: float, rounds: int, only: list[str]) -> tuple[float, float]:
    """Prints what each takes, in turn; the median time of ours, and of the processors it kept busy."""
    whats = [what for what in only if what in ("ours", "limited", "kept") or SMALL < millions <= 50]
    runs = {what: [] for what in whats}
    for _ in range(rounds):
        for what in whats:
            runs[what].append(timed(what, home))
            print(f"  {what:8} {runs[what][-1][0]:7.2f} s", flush=True)
    tables = {run[3:] for what, some in runs.items() if what != "kept" for run in some}
    assert len(tables) == 1, f"not the same tables: {tables}"
    own = [run[0] for run in runs["ours"]]
    print(f"{millions:g} million lines, {next(iter(tables))[1]} customers, the same table each time:")
    for what, some in runs.items():
        seconds = [run[0] for run in some]
        pairs = [a / b for a, b in zip(seconds, own, strict=True)]
        print(
            f"  {what:8} {statistics.median(seconds):7.2f} s ({min(seconds):.2f} to {max(seconds):.2f}), "
            f"{statistics.median(pairs):5.2f} times ours ({min(pairs):.2f} to {max(pairs):.2f}), "
            f"{statistics.median(run[1] for run in some):.2f} s of processors, {max(run[2] for run in some):.2f} GiB",
            flush=True,
        )
    return statistics.median(own), statistics.median(run[1] for run in runs["ours"])


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--lines", type=float, nargs="+", default=[SMALL, 10, 30, 50, 100], help="millions of lines")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--only", nargs="+", default=["ours", "limited", "kept", "sql", "pandas"])
    asked.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.one:
        return alone(given.one[0], Path(given.one[1]))
    took = {}
    for millions in given.lines:
        home = Path(tempfile.mkdtemp(prefix="features-"))
        try:
            start = time.perf_counter()
            made(home, round(millions * MILLION))
            size = sum(path.stat().st_size for path in home.rglob("*.parquet")) / 2**20
            load = os.getloadavg()[0]
            made_in = time.perf_counter() - start
            print(f"{millions:g} million lines: {size:.0f} MB in {made_in:.0f} s; load {load:.1f}", flush=True)
            took[millions] = compared(home, millions, given.rounds, given.only)
        finally:
            shutil.rmtree(home)
    large = [millions for millions in took if millions in (10, 30, 100)]
    if SMALL in took and len(large) > 1:
        for at, what in enumerate(("time", "time of processors")):
            more = [took[millions][at] - took[SMALL][at] for millions in large]
            slope = np.polyfit(np.log(large), np.log(more), 1)[0]
            print(f"slope of log({what} - that at {SMALL:g} million) on log(lines) over {large} million: {slope:.2f}")


if __name__ == "__main__":
    main()

"""Do PostgreSQL and a Spark cluster give the frames that DuckDB gives, by the same expressions?"""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import ibis
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import servers

import sample_company as sample
from conftest import ROOT
from toolkit import company, contract, frames, source
from toolkit.errors import ParamsError
from toolkit.warehouse import Warehouse

pytestmark = pytest.mark.slow
PERIOD = "2026Q2"
ALL = sorted(frames._KEYS)
EMPTY = {"renamed", "withdrawn_causes"}  # no page of the sample company was archived yet
_POSTGRES = {"text": "text", "integer": "integer", "money": "bigint", "boolean": "boolean", "timestamp": "timestamptz",
             "date": "date", "time": "time", "degrees": "double precision", "json": "text"}  # fmt: skip
_RULES = """
support: {serves: {it: {warehouse: 3, transport: 1}}}
standards: {wholesale: {lines: 4.5}}
handling: {cents_per_order: 120, cents_per_line: 7}
freight: {shared_by: volume, tariff: {cents_per_shipment: 300, cents_per_kg: 21, cents_per_km: 2}}
payments: {card: {per_mille: 25, cents: 10}, invoice: {cents: 50}}
"""
# What a company's engineer does once: tables of files in a catalogue that any session on the cluster finds.
_CATALOGUE = """
import json, pathlib, sys
from pyspark.sql import SparkSession
session = SparkSession.builder.master("local[1]").config(map=json.loads(sys.argv[1])).getOrCreate()
for database in ("shop", "wrong"):
    session.sql(f"CREATE DATABASE {database}")
for folder in pathlib.Path(sys.argv[2]).iterdir():
    session.sql(f"CREATE TABLE shop.{folder.name} USING parquet LOCATION '{folder}'")
    session.sql(f"CREATE VIEW wrong.{folder.name} AS SELECT * FROM shop.{folder.name}")
session.sql("DROP VIEW wrong.customers")
session.sql("ALTER VIEW wrong.orders AS SELECT order_id, customer_id, to_timestamp_ntz(ordered_at) AS ordered_at, "
            "rush FROM shop.orders")
session.sql("ALTER VIEW wrong.order_lines AS SELECT order_id, line_no, product_id, quantity_ordered, "
            "net_revenue / 100.0D AS net_revenue FROM shop.order_lines")
"""


@dataclass(frozen=True)
class Server:
    """A warehouse by URL that holds the sample company, and one beside it that breaks the contract."""

    name: str
    company: company.Company
    wrong: company.Company


def _changed(path, **columns):
    """Rewrite columns of a Parquet file by functions of its values."""
    table = pq.read_table(path)
    for name, change in columns.items():
        at = table.column_names.index(name)
        values = [change(row, value) for row, value in enumerate(table[name].to_pylist())]
        table = table.set_column(at, name, pa.array(values, table.schema.field(name).type))
    pq.write_table(table, path)


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The tiny sample company with what else a company may bring: rules, shared invoices, parts of seconds, faults."""
    home = tmp_path_factory.mktemp("local")
    shutil.copytree(ROOT / "params", home / "params")
    found = company.load("sample", home)
    with (found.params / "cost.yaml").open("a") as rules:
        rules.write(_RULES)
    sample.write(found.data / "raw", size="tiny")
    source.ingest(found, found.data / "raw")
    folder = found.data / json.loads((found.data / "receipt.json").read_text())["folder"]
    for path in (folder / "quarantine").glob("*.parquet"):  # a warehouse by URL has none
        pq.write_table(pq.read_table(path).slice(0, 0), path)
    _changed(
        folder / "tables" / "deliveries.parquet",
        freight_cost=lambda row, cents: None if row % 7 == 0 else cents,  # shared by the invoices that they are on
        delivered_at=lambda row, at: at.replace(microsecond=999_999) if at and row % 3 == 0 else at,
    )
    _changed(
        folder / "tables" / "activities.parquet",
        activity=lambda row, name: "unheard_of" if row % 100 == 0 else name,
        drivers=lambda row, told: {1: '{"lines": 2.5, "new": 1}', 2: '{"lines": -99}'}.get(row % 100, told),
    )
    return found


@pytest.fixture(scope="module")
def tables(local):
    """The contract tables, by name."""
    folder = local.data / json.loads((local.data / "receipt.json").read_text())["folder"] / "tables"
    return {path.stem: pq.read_table(path) for path in sorted(folder.glob("*.parquet"))}


@pytest.fixture(scope="module")
def expected(local):
    """Frames as the local DuckDB makes them."""
    return frames.materialise(local, local.period(PERIOD), ALL, local.data / "frames")


def _by_url(local, home, url):
    """The same company, whose base.yaml names a warehouse by URL; nothing else tells where it is."""
    shutil.copytree(local.params, home / "params" / "sample")
    base = home / "params" / "sample" / "base.yaml"
    base.write_text(base.read_text().replace("company:\n", f"company:\n  warehouse: {url}\n", 1))
    return company.load("sample", home)


def _filled_postgres(url, tables):
    """Load the tables, and beside them a schema in which some break the contract."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA wrong")
        for name, table in tables.items():
            kinds = {column.name: _POSTGRES[column.type] for column in contract.TABLES[name].columns}
            columns = ", ".join(f'"{column}" {kinds[column]}' for column in table.column_names)
            connection.execute(f'CREATE TABLE "{name}" ({columns})')
            text = io.BytesIO()
            pyarrow.csv.write_csv(table, text, pyarrow.csv.WriteOptions(include_header=False))
            with connection.cursor().copy(f'COPY "{name}" FROM STDIN (FORMAT csv)') as copy:
                copy.write(text.getvalue())
            if name not in ("customers", "orders", "order_lines"):
                connection.execute(f'CREATE VIEW wrong."{name}" AS SELECT * FROM "{name}"')
        connection.execute(
            "CREATE VIEW wrong.orders AS SELECT order_id, customer_id, ordered_at::timestamp AS ordered_at, rush "
            "FROM orders"
        )
        connection.execute(
            "CREATE VIEW wrong.order_lines AS SELECT order_id, line_no, product_id, quantity_ordered, "
            "net_revenue / 100.0::double precision AS net_revenue FROM order_lines"
        )
        connection.execute("ANALYZE")


def _filled_spark(settings, folder, tables):
    """Write the tables as files that Spark reads, and put them in the catalogue by a session of their own."""
    for name, table in tables.items():
        for at, field in enumerate(table.schema):
            if pa.types.is_time(field.type):  # Spark has no time of day: its text
                table = table.set_column(at, field.name, pc.utf8_slice_codeunits(table[at].cast(pa.string()), 0, 5))
        (folder / name).mkdir(parents=True)
        pq.write_table(table, folder / name / "part.parquet")
    script = [sys.executable, "-c", _CATALOGUE, json.dumps(settings), str(folder)]
    done = subprocess.run(script, capture_output=True, text=True, cwd=folder.parent)
    assert done.returncode == 0, done.stderr[-2000:]


def _end_spark():
    """End the session and the Java process behind it, which else stays as long as this one."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    session, gateway = SparkSession.getActiveSession(), SparkContext._gateway
    if session:
        session.stop()
    if gateway:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(30)
        SparkContext._gateway = SparkContext._jvm = None


@pytest.fixture(scope="module", params=["postgres", "pyspark"])
def server(request, local, tables, tmp_path_factory):
    """A server of its own with the sample company in it."""
    if missing := servers.missing_for(request.param):
        pytest.skip(missing)
    home = tmp_path_factory.mktemp(request.param)
    right, wrong = home / "right", home / "wrong"
    if request.param == "postgres":
        with servers.postgres() as url:
            _filled_postgres(url, tables)
            yield Server("postgres", _by_url(local, right, url), _by_url(local, wrong, f"{url}/wrong"))
        return
    catalogue = {
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": str(home / "databases"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={home / 'metastore'};create=true",
        "spark.driver.extraJavaOptions": f"{servers.SMALL_JAVA} -Dderby.system.home={home}",
    }
    _filled_spark(catalogue, home / "files", tables)
    with servers.spark(home) as url:
        more = "&".join(f"{name}={quote(value)}" for name, value in catalogue.items())
        urls = [f"{url}&{more}".replace("?", f"/{database}?", 1) for database in ("shop", "wrong")]
        try:
            yield Server("pyspark", _by_url(local, right, urls[0]), _by_url(local, wrong, urls[1]))
        finally:
            _end_spark()


@pytest.fixture(scope="module")
def made(server):
    """Frames as the server makes them."""
    found = server.company
    return frames.materialise(found, found.period(PERIOD), ALL, found.data / "frames")


def _differences(expected, found):
    """In what two kept frames differ: integers, texts and times exactly, decimals by more than 1e-9 of the value."""
    if expected.digest == found.digest:
        return []
    expected, found = pq.read_table(expected.path), pq.read_table(found.path)
    if (expected.schema, expected.num_rows) != (found.schema, found.num_rows):
        return [f"{found.num_rows} rows of {found.schema}, expected {expected.num_rows} of {expected.schema}"]
    differ = []
    for name in expected.column_names:
        own, theirs = expected[name].combine_chunks(), found[name].combine_chunks()
        if pa.types.is_floating(own.type):
            near = np.allclose(own.to_numpy(False), theirs.to_numpy(False), rtol=1e-9, atol=0, equal_nan=True)
        else:
            near = own.equals(theirs)
        differ += [] if near else [name]
    return differ


@pytest.mark.parametrize("name", ALL)
def test_a_frame_is_that_of_duckdb(expected, made, name):
    assert _differences(expected[name], made[name]) == []
    assert (made[name].rows > 0) == (name not in EMPTY)


def test_work_made_by_numbers_is_the_same_work(expected, server, tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "MUCH_WORK", 0)
    found = server.company
    kept = frames.materialise(found, found.period(PERIOD), ["work"], tmp_path)
    assert kept["work"].digest == expected["work"].digest


def test_a_tariff_is_the_same_where_no_freight_is_posted(local, server, tmp_path):
    kept = []
    for found in (local, server.company):
        known = frames.Known(found, found.period(PERIOD))
        known.warehouse._names.discard("ledger")
        kept.append(frames.materialise(found, found.period(PERIOD), ["orders"], tmp_path, known)["orders"])
    assert kept[0].digest == kept[1].digest
    assert (frames.read(kept[0].path)["freight"] > 300).any()


def test_seconds_and_halves_are_those_of_arithmetic(server):
    known = frames.Known(server.company, server.company.period(PERIOD))
    hour = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # the company puts its clocks forward at 1:00
    begins, ends = [hour] * 4, [hour.replace(hour=1), hour.replace(hour=2, microsecond=999_999), hour, None]
    numbers = [0.5, 1.5, -0.5, 2.4]
    kinds = ibis.schema({"row": "int64", "begin": "timestamp('UTC')", "end": "timestamp('UTC')", "number": "float64"})
    rows = [dict(zip(kinds, row, strict=True)) for row in zip(range(4), begins, ends, numbers, strict=True)]
    drawn = ibis.memtable(rows, schema=kinds)
    told = drawn.select("row", seconds=known._seconds(drawn.end, drawn.begin), whole=frames._rounded(drawn.number))
    found = frames._fetched(known.warehouse.backend, told).sort_by("row").to_pydict()
    assert found == {"row": [0, 1, 2, 3], "seconds": [3600, 7200, 0, None], "whole": [1, 2, -1, 2]}


def test_results_come_in_parts(server):
    backend = Warehouse(server.company).backend
    rows = ibis.range(120_001).unnest().name("n").as_table()
    parts = [batch.num_rows for batch in frames._batches(backend, rows)]
    assert sum(parts) == 120_001
    if server.name == "postgres":  # rows come as Python objects, a few at a time; Spark's as Arrow, in one go
        assert max(parts) == 50_000


def test_tables_that_break_the_contract_are_refused_by_name(server):
    with pytest.raises(ParamsError) as refused:
        frames.materialise(server.wrong, server.wrong.period(PERIOD), ["orders"], server.wrong.data)
    how = "Cast it in a view of the table's name."
    found = {"postgres": "timestamp(6)", "pyspark": "timestamp"}[server.name]
    assert str(refused.value) == (
        "3 faults:\n"
        f"  1. warehouse ({server.name}): expected a table or view 'customers', found none. "
        "docs/DATA.md says what it is.\n"
        f"  2. warehouse ({server.name}): expected orders.ordered_at to be timestamp('UTC'), found {found}. {how}\n"
        f"  3. warehouse ({server.name}): expected order_lines.net_revenue to be int64, found float64. {how}"
    )


_SERVE = """
import pathlib, sys, time
sys.path.insert(0, sys.argv[1])
import servers
with servers.{server} as url:
    pathlib.Path("url").write_text(url)
    time.sleep(600)
"""


@pytest.mark.parametrize(("backend", "server"), [("postgres", "postgres()"), ("pyspark", 'spark(pathlib.Path("."))')])
def test_servers_end_with_the_tests_that_are_killed(tmp_path, backend, server):
    if missing := servers.missing_for(backend):
        pytest.skip(missing)
    script = [sys.executable, "-c", _SERVE.format(server=server), str(ROOT / "tests")]
    with (tmp_path / "log").open("w") as log:
        tests = subprocess.Popen(script, cwd=tmp_path, stdout=log, stderr=log)
    try:
        while tests.poll() is None and not (tmp_path / "url").exists():
            time.sleep(0.1)
        started = psutil.Process(tests.pid).children(recursive=True)
        assert len(started) >= 2  # a server and its helpers, or master and worker
    finally:
        os.kill(tests.pid, signal.SIGKILL)
        tests.wait()
    _, left = psutil.wait_procs(started, timeout=30)
    assert left == []

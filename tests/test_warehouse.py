"""Is a warehouse by URL refused by name, before anything runs, for what it cannot do?"""

import socket

import duckdb
import ibis
import pytest

from toolkit import company, frames
from toolkit.contract import TABLES
from toolkit.errors import ParamsError
from toolkit.warehouse import Warehouse

_TYPES = {"text": "TEXT", "integer": "INTEGER", "money": "BIGINT", "boolean": "BOOLEAN", "timestamp": "TIMESTAMPTZ",
          "date": "DATE", "time": "TIME", "degrees": "DOUBLE", "json": "TEXT"}  # fmt: skip
_NEEDED = [table.name for table in TABLES.values() if table.required]


@pytest.fixture
def shop(tmp_path):
    """A company by the URL of its warehouse."""

    def at(url):
        settings = company.Settings(title="Shop", zone="UTC", currency="EUR", pseudonym_key="public", warehouse=url)
        return company.Company("shop", settings, tmp_path)

    return at


@pytest.fixture
def database(shop, tmp_path):
    """A company whose DuckDB file holds the contract's tables, but for what is said to be otherwise."""

    def make(names=tuple(TABLES), without=(), **types):
        path = tmp_path / "shop.duckdb"
        with duckdb.connect(str(path)) as made:
            for name in names:
                kinds = {f"{name}__{c.name}": _TYPES[c.type] for c in TABLES[name].columns} | types
                columns = [f"{c.name} {kinds[f'{name}__{c.name}']}" for c in TABLES[name].columns
                           if f"{name}.{c.name}" not in without]  # fmt: skip
                made.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        return shop(f"duckdb://{path}")

    return make


def _refused(found):
    with pytest.raises(ParamsError) as refused:
        Warehouse(found)
    return str(refused.value)


def test_a_database_that_keeps_the_contract_gives_every_frame(database, tmp_path):
    found = database()
    kept = frames.materialise(found, found.period("2026Q2"), sorted(frames._KEYS), tmp_path / "frames")
    assert kept["orders"].rows == 0
    assert kept["row_account"].rows == 5


def test_optional_tables_and_columns_may_be_absent(database):
    warehouse = Warehouse(database(_NEEDED, without=["orders.rush", "order_lines.net_revenue"]))
    assert not warehouse.has("deliveries")
    assert not warehouse.has("orders", "rush")
    types = warehouse.table("orders").schema()
    assert types["rush"].is_boolean()
    assert warehouse.table("order_lines").schema()["line_no"].is_int64()  # wider than it is stored: sums must not end


def test_personal_columns_are_not_read_unless_the_company_opens_them(database):
    found = database()
    assert not Warehouse(found).has("customers", "birth_year")
    opened = found.settings.model_copy(update={"open_personal": ("customers.birth_year",)})
    warehouse = Warehouse(company.Company("shop", opened, found.home))
    assert warehouse.has("customers", "birth_year")
    assert not warehouse.has("customers", "postcode")


def test_what_breaks_the_contract_is_told_of_all_tables_at_once(database):
    found = database(
        ["customers", "orders", "products"], without=["orders.customer_id"],
        orders__ordered_at="TIMESTAMP", products__weight_g="DOUBLE", customers__joined_on="TEXT",
    )  # fmt: skip
    assert _refused(found) == (
        "5 faults:\n"
        "  1. warehouse (duckdb): expected customers.joined_on to be date, found string. "
        "Cast it in a view of the table's name.\n"
        "  2. warehouse (duckdb): expected products.weight_g to be int64, found float64. "
        "Cast it in a view of the table's name.\n"
        "  3. warehouse (duckdb): expected orders.customer_id to be string, found no such column. "
        "Cast it in a view of the table's name.\n"
        "  4. warehouse (duckdb): expected orders.ordered_at to be timestamp('UTC'), found timestamp(6). "
        "Cast it in a view of the table's name.\n"
        "  5. warehouse (duckdb): expected a table or view 'order_lines', found none. docs/DATA.md says what it is."
    )


@pytest.mark.parametrize(
    ("url", "found"),
    [("snowflake://acme/db", "snowflake"), ("databricks://host", "databricks"), ("bigquery://acme/set", "bigquery"),
     ("locl", "locl")],
)  # fmt: skip
def test_a_backend_that_no_test_holds_to_duckdb_is_refused_by_name(shop, url, found):
    made = shop(url)
    assert _refused(made) == (
        f"{made.params / 'base.yaml'}, 'warehouse': expected local, or a URL of duckdb, postgres or pyspark, found "
        f"'{found}': no test holds its frames to DuckDB's, and its calendar days would be wrong unless they are those "
        "of the company's zone. docs/SCALE.md says what it would take."
    )


@pytest.mark.parametrize(
    "url",
    ["postgres://ann:hush@db.example/acme", "postgres://ann:@db.example/acme", "postgres://ann:hu/sh@db.example/acme",
     "postgres://ann:hu?sh@db.example/acme", "postgres://ann:hu#sh@db.example/acme",
     "postgres://db.example/a?password=hush", "postgres://db.example/a?sslpassword=hush",
     "pyspark://db.example?spark.authenticate.secret=hush"],
)  # fmt: skip
def test_a_url_with_a_secret_is_refused_and_not_told(shop, url):
    made = shop(url)
    assert _refused(made) == (
        f"{made.params / 'base.yaml'}, 'warehouse': expected a URL without a secret, found one. Take it out and change "
        "it where it is good for; secrets come by environment: of PostgreSQL PGPASSWORD or PGPASSFILE, of Spark a "
        "folder SPARK_CONF_DIR."
    )


@pytest.mark.parametrize(
    ("url", "name", "extra"),
    [("postgresql://db.example/acme", "postgres", "postgres"), ("pyspark://", "pyspark", "spark")],
)  # fmt: skip
def test_a_driver_that_is_not_installed_is_told_with_its_extra(shop, monkeypatch, url, name, extra):
    def gone(*_):
        raise ModuleNotFoundError("No module named 'driver'")

    monkeypatch.setattr(ibis, "connect", gone)
    monkeypatch.setattr("toolkit.warehouse._spark", gone)
    made, where = shop(url), {"postgres": "db.example", "pyspark": "the place that its environment names"}[name]
    assert _refused(made) == (
        f"{made.params / 'base.yaml'}, 'warehouse': expected {name} to answer at {where}, found: No module named "
        f"'driver'. pip install 'tandem-toolkit[{extra}]'"
    )


@pytest.mark.parametrize(("scheme", "needs"), [("postgres", "psycopg"), ("pyspark", "pyspark")])
def test_a_server_that_does_not_answer_is_told_in_a_line(shop, monkeypatch, scheme, needs):
    pytest.importorskip(needs)
    monkeypatch.setenv("PGPASSWORD", "hush")
    with socket.socket() as silent:  # bound, and nobody listens
        silent.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        made = shop(f"{scheme}://{place}/acme")
        told = _refused(made)
    assert told.startswith(f"{made.params / 'base.yaml'}, 'warehouse': expected {scheme} to answer at {place}, found: ")
    assert "refused" in told
    assert "\n" not in told
    assert "hush" not in told


def test_a_url_that_does_not_read_is_told(shop):
    place = f"{shop('').params / 'base.yaml'}, 'warehouse'"
    told = _refused(shop("postgres://[127.0.0.1/acme"))
    assert told == f"{place}: expected local or a URL, found one that does not read: Invalid IPv6 URL."
    told = _refused(shop("pyspark://127.0.0.1:many"))
    assert told.startswith(f"{place}: expected pyspark to answer at 127.0.0.1:many, found: ")

"""Does a folder of raw files that nobody prepared lead to a first pack, and do its SELECTs say what they rest on?"""

import csv
import datetime as dt
import json
import os
import random
import shutil
import subprocess
import sys

import duckdb
import pandas as pd
import pytest

from conftest import ROOT, SHARED
from toolkit import cli, lab, skeleton, source
from toolkit.company import load
from toolkit.errors import ParamsError
from toolkit.reporting import parameters


def apart(folder):
    """Three files, semicolons, decimal commas, days first, columns named as in an ERP; orders of 2026Q2."""
    folder.mkdir()
    draw, clients, orders, rows = random.Random(1), [], [], []
    for i in range(300):
        since = dt.date(2021, draw.randrange(1, 13), draw.randrange(1, 29))
        clients.append([f"K{i:04}", draw.choice(["North", "South", "East"]), f"{since:%d-%m-%Y}"])
    for i in range(3000):
        at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=draw.randrange(60 * 24 * 200))
        orders.append([f"SO{i:05}", f"K{draw.randrange(300):04}", f"{at:%d-%m-%Y %H:%M}", draw.choice(["shop", "web"])])
        for row in range(1, 1 + draw.randrange(1, 4)):
            amount = f"{draw.randrange(3000):,}".replace(",", ".") + f",{draw.randrange(100):02}"
            rows.append([f"SO{i:05}", row, f"A{draw.randrange(50)}", draw.randrange(1, 5), amount])
    _written(folder / "Clients.csv", ["ClientNo", "Province", "Since"], clients)
    _written(folder / "SalesOrders.csv", ["OrderNumber", "ClientNo", "OrderDate", "SalesChannel"], orders)
    _written(folder / "SalesOrderRows.csv", ["OrderNumber", "RowNo", "ArticleCode", "Qty", "NetAmount"], rows)
    inside = {order[0] for order in orders if order[2][3:10] in ("04-2026", "05-2026", "06-2026")}
    cents = sum(int(row[4].replace(".", "").replace(",", "")) for row in rows if row[0] in inside)
    return len(inside), cents


def flat(folder):
    """One file of invoice lines, months first, guests and returns among them; orders of 2026Q2."""
    folder.mkdir()
    draw, rows = random.Random(2), []
    for i in range(4000):
        at = dt.datetime(2025, 10, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=draw.randrange(60 * 24 * 270))
        who = "" if draw.random() < 0.03 else str(12000 + draw.randrange(250))
        for _ in range(draw.randrange(1, 5)):
            pieces = draw.choice([-1, 12]) if draw.random() < 0.04 else draw.randrange(1, 9)
            price = f"{draw.randrange(50)}.{draw.randrange(100):02}"
            said = [f"P{draw.randrange(80)}", 'thing, "nice"', pieces, f"{at:%m/%d/%Y %H:%M}", price, who]
            rows.append([500_000 + i, *said, draw.choice(["France", "Spain"])])
    head = [
        "Invoice No",
        "StockCode",
        "Description",
        "Quantity",
        "Invoice Date",
        "Unit Price",
        "Customer ID",
        "Country",
    ]
    _written(folder / "sales 2025-26.csv", head, rows, delimiter=",")
    inside = [row for row in rows if row[4][:2] in ("04", "05", "06") and row[6]]
    return len({row[0] for row in inside}), sum(round(float(row[5]) * 100) * row[3] for row in inside if row[3] > 0)


def _written(path, head, rows, delimiter=";"):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([head, *rows])


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project without a company; the keys of those to come."""
    for name in ("notebooks", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "params").mkdir()
    for name in ("APART", "FLAT", "MARKET"):
        monkeypatch.setenv(f"TOOLKIT_KEY_{name}", "a1" * 32)
    return tmp_path


def _toolkit(home, *words):
    return cli.main(["--home", str(home), *map(str, words)])


def _first_pack(home, name, raw, period):
    """The steps that ``toolkit new company`` prints, none of them edited; n and revenue of the period's orders."""
    steps = [("new", "company", name, "--from", raw), ("ingest", name, "--from", raw), ("new", "period", name, period),
             ("check", name), ("run", name)]  # fmt: skip
    for step in steps:
        assert _toolkit(home, *step) == 0, step
    revision = home / "reports" / name / period / "r1"
    made = sorted(path.stem for path in revision.glob("*.html"))
    assert made == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    told = pd.read_csv(revision / "tables" / "cost_to_serve" / "cost_by_region.csv")
    return told["n_orders"].sum(), told["net_revenue"].sum()


# -- three unlike folders --------------------------------------------------------------------------


@pytest.mark.slow
def test_files_of_an_erp_reach_a_first_pack(home, capsys):
    truth = apart(home / "raw")
    assert _first_pack(home, "apart", home / "raw", "2026Q2") == truth
    assert "toolkit new period apart 2026Q2" in capsys.readouterr().out
    assert load("apart", home).settings.segment == "region"


@pytest.mark.slow
def test_one_file_of_invoice_lines_reaches_a_first_pack(home, capsys):
    truth = flat(home / "raw")
    assert _first_pack(home, "flat", home / "raw", "2026Q2") == truth
    said = capsys.readouterr().out
    assert "another record of the same order" in said
    assert "no customer is named" in said


@pytest.mark.slow
def test_a_real_marketplace_reaches_a_first_pack_without_our_sql(home):
    raw = SHARED / "data" / "olist"
    if not raw.is_dir():
        pytest.skip("no real data beside the project")
    orders = pd.read_csv(
        raw / "olist_orders_dataset.csv", usecols=["order_id", "order_purchase_timestamp"], dtype="str"
    )
    orders = orders[orders["order_purchase_timestamp"].between("2018-04-01", "2018-07-01")]
    lines = pd.read_csv(raw / "olist_order_items_dataset.csv", usecols=["order_id", "price"])
    revenue = round(lines[lines["order_id"].isin(orders["order_id"])]["price"].sum() * 100)
    assert _first_pack(home, "market", raw, "2018Q2") == (len(orders), revenue)


# -- what is written -------------------------------------------------------------------------------


def test_selects_say_what_they_rest_on(tmp_path):
    flat(tmp_path / "raw")
    _, drafts, days = skeleton.drafted(tmp_path / "raw", "UTC")
    assert skeleton.last_whole_quarter(days) == "2026Q2"
    text = drafts["order_lines"].text()
    assert "-- net_revenue: Unit Price is taken for the price of one piece." in text
    assert "-- line_no: lines are numbered here, by what they hold." in text
    assert 'cents("Unit Price") * CAST("Quantity" AS INTEGER) AS net_revenue' in text
    assert "-- removes: fewer than no pieces: a return or a correction" in text
    assert "try_strptime(\"Invoice Date\", '%m/%d/%Y %H:%M') AS ordered_at" in drafts["orders"].text()
    assert "Not used of this file: Description VARCHAR" in text


def test_what_reads_like_a_column_too_is_asked_about(tmp_path):
    (tmp_path / "customers.csv").write_text("customer_id,customer_unique_id,state\na,x,N\nb,x,S\n")
    _, drafts, days = skeleton.drafted(tmp_path, "UTC")
    assert "customer_id: customer_unique_id reads like it too. Which is it?" in drafts["customers"].notes
    assert days == ()
    assert skeleton.last_whole_quarter(days) == ""


def test_a_day_that_may_be_a_month_is_asked_about(tmp_path):
    rows = "".join(f"o{i},c{i % 3},0{1 + i % 9}/0{1 + i % 5}/2026\n" for i in range(40))
    (tmp_path / "orders.csv").write_text("order_id,customer_id,order_date\n" + rows)
    _, drafts, _ = skeleton.drafted(tmp_path, "UTC")
    assert "ordered_at: %d/%m/%Y is as likely as %m/%d/%Y. Which is it?" in drafts["orders"].notes


def test_orders_with_times_of_delivery_are_taken_for_shipments(tmp_path):
    head = "order_id,customer_id,ordered_at,shipped_date,delivered_date,expected_delivery_date\n"
    (tmp_path / "orders.csv").write_text(head + "o1,c1,2026-04-01,2026-04-02,2026-04-03,2026-04-04\n")
    _, drafts, _ = skeleton.drafted(tmp_path, "UTC")
    assert list(drafts["deliveries"].said.items()) == [
        ("delivery_id", "order_id"), ("order_id", "order_id"), ("shipped_at", "shipped_date"),
        ("delivered_at", "delivered_date"), ("promised_by", "expected_delivery_date"),
    ]  # fmt: skip
    assert drafts["deliveries"].lacking == []


def test_a_table_that_lacks_a_column_gets_no_select_but_a_line(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "surveys.csv").write_text("response_id,customer_id,invited_at,score\nr,c,2026-01-01,9\n")
    files, drafts, _ = skeleton.drafted(raw, "UTC")
    assert drafts["surveys"].lacking == ["item", "scale"]
    paths = skeleton.write(tmp_path / "params/acme", {"title": "Acme: a & b"}, files, drafts)
    assert [path.name for path in paths] == ["base.yaml", "customers.sql", "SOURCES.md"]
    told = paths[-1].read_text()
    assert "`surveys.csv` looks like it; item, scale is needed too." in told
    assert told.index("## customers") < told.index("## order_lines") < told.index("## surveys")
    assert "| **invited_at** | invited_at | " in told
    assert json.dumps("Acme: a & b") in paths[0].read_text()


def test_parquet_and_latin_letters_are_looked_at_too(tmp_path):
    pd.DataFrame({"product_id": ["p"], "category": ["é"]}).to_parquet(tmp_path / "products.parquet")
    (tmp_path / "customers.csv").write_bytes(
        "customer_id;région;country\nc1;Hôte;France\nc2;Hôte;Spain\n".encode("latin-1")
    )
    _, drafts, _ = skeleton.drafted(tmp_path, "UTC")
    assert drafts["products"].file.read == "read_parquet(getvariable('root') || '/products.parquet')"
    assert "encoding = 'latin-1'" in drafts["customers"].file.read


def test_a_file_a_month_is_one_table(tmp_path):
    for month in (4, 5):
        text = f"order_id,customer_id,order_date\no{month},c1,2026-0{month}-01\n"
        (tmp_path / f"orders_2026-0{month}.csv").write_text(text)
    (tmp_path / "orders_2026-xx.csv").write_text("1,2\n3,4\n")
    files, drafts, days = skeleton.drafted(tmp_path, "UTC")
    assert "-- records of: orders_[0-9][0-9][0-9][0-9]-[0-9][0-9].csv\n" in drafts["orders"].text()
    assert days == (dt.date(2026, 4, 1), dt.date(2026, 5, 1))
    read = source.locked("UTC", tmp_path, tmp_path / "spill").con
    assert len(read.execute(drafts["orders"].text()).fetchall()) == 2
    paths = skeleton.write(tmp_path / "params/acme", {"title": "Acme"}, files, drafts)
    assert "- `orders_2026-xx.csv`: does not read as a table that names its columns" in paths[-1].read_text()


def test_names_that_are_hostile_stay_names(tmp_path):
    (tmp_path / "orders'; DROP TABLE x.csv").write_text(
        'order_id,customer_id,order_date,"a"" FROM x; --"\no1,c1,2026-01-01,1\n'
    )
    _, drafts, _ = skeleton.drafted(tmp_path, "UTC")
    read = source.locked("UTC", tmp_path, tmp_path / "spill").con
    assert read.execute(drafts["orders"].text()).fetchall()[0][:2] == ("o1", "c1")


# -- refusals --------------------------------------------------------------------------------------


def test_a_folder_without_tables_is_refused_with_what_is_there(tmp_path):
    (tmp_path / "scan.pdf").write_bytes(b"%PDF")
    with pytest.raises(ParamsError, match="named columns, found none among 'scan.pdf'"):
        skeleton.drafted(tmp_path, "UTC")
    with pytest.raises(ParamsError, match="expected a folder with raw files, found none"):
        skeleton.drafted(tmp_path / "gone", "UTC")


def test_wrong_names_and_settings_write_nothing(home, capsys):
    apart(home / "raw")
    assert _toolkit(home, "new", "company", "../x", "--from", home / "raw") == 2
    assert _toolkit(home, "new", "company", "acme", "--from", home / "raw", "--zone", "Europe/Amsterdm") == 2
    assert "Did you mean 'Europe/Amsterdam'" in capsys.readouterr().err
    assert list((home / "params").iterdir()) == []
    assert _toolkit(home, "new", "company", "acme", "--from", home / "raw") == 0
    before = (home / "params/acme/base.yaml").read_text()
    assert _toolkit(home, "new", "company", "acme", "--from", home / "raw", "--zone", "Europe/Madrid") == 2
    assert "is there already and was left as it is" in capsys.readouterr().err
    assert (home / "params/acme/base.yaml").read_text() == before


def test_a_warehouse_is_looked_into_and_its_views_make_it_fit(home, capsys, monkeypatch):
    monkeypatch.setenv("TOOLKIT_KEY_ACME", "a" * 64)
    shop = home / "shop.duckdb"
    with duckdb.connect(str(shop)) as there:
        there.execute(
            "CREATE TABLE orders AS SELECT 'o' || i AS order_id, 'c' || i % 40 AS customer_id, "
            "TIMESTAMPTZ '2026-07-01 12:00:00+00' + INTERVAL 1 HOUR * i AS ordered_at FROM range(2000) AS t(i)"
        )
        there.execute(
            "CREATE TABLE client_master AS SELECT 'c' || i AS client_no, 'b2b' AS segment FROM range(40) AS t(i)"
        )
        there.execute(
            "CREATE TABLE order_positions AS SELECT order_id, 1::BIGINT AS pos, 'p1' AS sku, 2::BIGINT AS qty, "
            "1000::BIGINT AS net_amount FROM orders"
        )
        there.execute(
            "CREATE TABLE deliveries AS SELECT order_id, order_id AS delivery_id, '2026' AS delivered_at FROM orders"
        )
    url = f"duckdb://{shop}"
    assert _toolkit(home, "new", "company", "acme", "--warehouse", url) == 0
    said = capsys.readouterr().out
    params = home / "params/acme"
    assert f"{params / 'views.sql'} has views for customers, order_lines: they are run in the warehouse" in said
    assert "Orders run from 2026-07-01 to 2026-09-22. Then:" in said
    assert "toolkit ingest" not in said
    assert "toolkit new period acme 2026Q3" in said
    assert load("acme", home).settings.warehouse == url
    assert not (params / "source").exists()
    told = (params / "SOURCES.md").read_text()
    assert "`orders` is there." in told
    assert "`client_master` looks like it; views.sql has it." in told
    assert "| delivered_at | delivered_at | string, must be timestamp('UTC') |" in told
    views = (params / "views.sql").read_text()
    assert "Whole cents are expected of net_revenue." in views
    with duckdb.connect(str(shop)) as there:  # what an engineer does, having read it
        there.execute(views)
        there.execute("DROP TABLE deliveries")
    assert _toolkit(home, "check", "acme") == 0
    assert "warehouse: 3 tables; not brought:" in capsys.readouterr().out


def test_a_warehouse_that_does_not_answer_writes_nothing(home, capsys):
    assert _toolkit(home, "new", "company", "acme", "--warehouse", "postgres://127.0.0.1:1/x") == 2
    assert "expected postgres to answer at 127.0.0.1:1" in capsys.readouterr().err
    assert list((home / "params").iterdir()) == []


# -- a notebook ------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path):
    """A project with the sample company's params, and what its tests need."""
    for name in ("notebooks", "docs", "params"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "conftest.py", tmp_path)
    return tmp_path


def test_a_new_notebook_has_its_sections_its_params_and_nothing_to_complain_of(project, capsys):
    assert _toolkit(project, "new", "notebook", "late_orders", "--title", "Late orders") == 0
    assert capsys.readouterr().out.splitlines()[0] == str(project / "notebooks/late_orders.ipynb")
    assert lab.linted(project / "notebooks/late_orders.ipynb") == []
    methods = (project / "docs/METHODS.md").read_text()
    assert methods.startswith((ROOT / "docs/METHODS.md").read_text().rstrip())
    assert "## 8 Late orders\n\n### 8.0 What the numbers stand on\n" in methods
    found = load("sample", project)
    notebooks = sorted((project / "notebooks").glob("*.ipynb"))
    assert parameters.resolved(found, "2026Q3", notebooks)["late_orders"]["confidence"].value == 0.95
    assert (project / "params/sample/base.yaml").read_text().endswith("\n\nlate_orders: {}\n")
    assert _toolkit(project, "new", "notebook", "late_orders") == 2
    assert "late_orders.ipynb: is there already and was left as it is" in capsys.readouterr().err
    assert (project / "docs/METHODS.md").read_text() == methods
    assert _toolkit(project, "new", "notebook", "Late orders") == 2
    assert _toolkit(project, "new", "notebook", "early_orders") == 0
    assert "## 9 Early orders\n" in (project / "docs/METHODS.md").read_text()


@pytest.mark.slow
def test_a_new_notebook_is_part_of_the_pack_and_its_test_passes(project):
    assert _toolkit(project, "new", "notebook", "late_orders") == 0
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_late_orders.py"], cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout[:2]) == (0, ".."), done.stdout


RULES = {  # what is wrong with a new notebook: the cell, its new source, and what is said of it
    "no title": (0, "Late", "cell 1: expected one title, '# Title', and it on top."),
    "two titles": (3, "# Again", "cell 1: expected one title, '# Title', and it on top."),
    "a figure in prose": (0, "# Late\n\nIt was 7 percent.", "cell 1: a figure in prose is made by no run: let a cell"),
    "a section without a method": (3, "## 8.7 Other", "cell 4: section '8.7 Other' is not in docs/METHODS.md: say"),
    "imports in two cells": (4, "import os", "cell 5: imports stand in cell 3 too: put them there."),
    "a frame that there is not": (4, 'frame("ordrs")', "cell 5: frame('ordrs'): no such frame; there are: account"),
    "other data": (4, 'pd.read_csv("x.csv")', "cell 5: pd.read_csv() reads what no manifest names: ask for a frame."),
    "no Python": (4, "a b", "expected a notebook whose code is Python."),
}


@pytest.mark.parametrize("what", RULES)
def test_check_says_what_would_make_a_notebook_a_poor_part_of_a_pack(project, what):
    cell, source_of_it, said = RULES[what]
    skeleton.notebook(project, "late_orders", "Late orders")
    path = project / "notebooks/late_orders.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][cell]["source"] = source_of_it
    path.write_text(json.dumps(notebook))
    found = lab.linted(path)
    assert len(found) == 1
    assert said in found[0]


def test_outputs_that_are_kept_are_told(project):
    skeleton.notebook(project, "late_orders", "Late orders")
    path = project / "notebooks/late_orders.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][2]["execution_count"] = 4
    path.write_text(json.dumps(notebook))
    assert lab.linted(path) == [
        "notebooks/late_orders.ipynb, cell 3: holds outputs: clear them, the archive keeps those of a run."
    ]

"""Do the same rules admit companies of another kind, and do their receipts add up?"""

import shutil

import duckdb
import pytest

from conftest import ROOT, SHARED
from toolkit import cli, company, source

pytestmark = pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the shared data are not here")


@pytest.fixture(scope="module")
def receipts(tmp_path_factory):
    home = tmp_path_factory.mktemp("others")
    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, home / name)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TOOLKIT_KEY_VALIO", "0f" * 32)
        yield (
            home,
            {
                name: source.ingest(company.load(name, home), SHARED / "data" / name).tables
                for name in ("dunnhumby", "valio")
            },
        )


def test_every_receipt_adds_up(receipts):
    for name, tables in receipts[1].items():
        assert all(table.adds_up for table in tables.values()), name


def test_households_stores_and_campaigns_are_those_of_the_publisher(receipts):
    tables = receipts[1]["dunnhumby"]
    kept = {name: table.kept for name, table in tables.items()}
    # data README: 2,405 households with lines, 308 stores, 27 campaigns, 6,589 campaign-household rows, and products;
    # one more household stands in the campaigns only.
    assert kept["customers"] == 2_405 + 1
    assert kept["sites"] == 308
    assert kept["campaigns"] == 27
    assert kept["campaign_contacts"] == 6_589
    assert kept["products"] == 92_331
    lines = duckdb.sql(
        f"SELECT count(*) FROM '{SHARED}/data/dunnhumby/transactions_sample_100k.parquet' "
        f"ANTI JOIN '{SHARED}/data/dunnhumby/products.parquet' USING (product_id)"
    ).fetchone()[0]
    assert tables["order_lines"].quarantined == {"product_id is not in products": lines}
    assert kept["order_lines"] == 100_000 - lines


def test_replacement_lines_are_picks_and_repeats_are_counted(receipts):
    tables = receipts[1]["valio"]
    # data README: 15,069 lines. 14,184 order rows: distinct (order_number, order_row_number), the others further picks.
    assert tables["order_lines"].records == 15_069
    assert tables["order_lines"].removed == {"another pick of the same line": 15_069 - 14_184}
    assert tables["order_lines"].quarantined == {"quantity_ordered is not a whole number": 1}
    assert tables["deliveries"].removed["no delivery is named"] == 360
    assert "net_revenue" in tables["order_lines"].absent


def test_without_its_key_a_company_is_refused(receipts, monkeypatch, capsys):
    monkeypatch.delenv("TOOLKIT_KEY_VALIO")
    home = str(receipts[0])
    assert cli.main(["--home", home, "ingest", "valio", "--from", str(SHARED / "data" / "valio")]) == 2
    assert cli.main(["--home", home, "run", "valio", "2025Q1"]) == 2
    refused = capsys.readouterr().err
    assert refused.count("error: environment, TOOLKIT_KEY_VALIO: expected the company's pseudonym key, ") == 2


def test_with_another_key_than_at_entry_nothing_runs(receipts, monkeypatch, capsys):
    valio = company.load("valio", receipts[0])
    admitted = valio.key_print()
    monkeypatch.setenv("TOOLKIT_KEY_VALIO", "0e" * 32)
    assert cli.main(["--home", str(receipts[0]), "run", "valio", "2025Q1"]) == 3
    assert capsys.readouterr().err.splitlines(keepends=True)[-1] == (
        f"error: {valio.data}/receipt.json: expected the pseudonym key that the data were admitted with ({admitted}), "
        f"found another ({valio.key_print()}): nobody would be the same person as before. Set the old key, or ingest "
        "again.\n"
    )


@pytest.mark.parametrize(("name", "period"), [("dunnhumby", "2017Q3"), ("valio", "2025Q1")])
def test_a_page_is_made_of_what_there_is(receipts, name, period, capsys):
    assert cli.main(["--home", str(receipts[0]), "run", name, period]) == 0
    page = (receipts[0] / "reports" / name / period / "r1" / "cost_to_serve.html").read_text()
    assert "Not shown: this needs the table ledger" in page

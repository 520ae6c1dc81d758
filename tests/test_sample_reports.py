"""Do reports give the sample company's planted truth back, and does every notebook run on it?"""

import shutil

import pandas as pd
import pytest
from conftest import ROOT

from toolkit import cli, company, cost, frames, sample, source

QUARTERS = [f"{year}Q{q}" for year in (2024, 2025, 2026) for q in (1, 2, 3, 4)][2:11]
NAMES = ["ledger", "capacity", "work", "freight", "orders", "handling"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("sample")
    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, home / name)
    return home


@pytest.fixture(scope="module")
def truth(home):
    found = company.load("sample", home)
    truth = sample.write(found.data / "raw", size="tiny")
    receipt = source.ingest(found, found.data / "raw")
    assert all(table.adds_up for table in receipt.tables.values())
    return truth


def _frames(home, period):
    found = company.load("sample", home)
    kept = frames.materialise(found, found.period(period), NAMES, found.data / "frames")
    return {name: frames.read(frame.path) for name, frame in kept.items()}


@pytest.mark.parametrize("period", QUARTERS)
def test_every_quarter_ties_to_the_cent_and_gives_the_planted_rates(home, truth, period):
    made = _frames(home, period)
    pools = cost.pool_costs(made["ledger"], made["capacity"], made["work"])
    costed = cost.charge_work(made["work"], pools)
    tie = cost.tie_out(made["ledger"], pools, costed, made["freight"])
    assert (tie["difference"] == 0).all()
    assert tie["posted"].iloc[-1] == made["ledger"]["amount"].sum() > 0
    assert tie.set_index("pool").loc[cost.FREIGHT, "unassigned"] == 0
    monthly = pools.groupby(["month", "pool"]).agg(posted=("posted", "sum"), capacity_s=("capacity_s", "first"))
    rates = (monthly["posted"] * 60 / monthly["capacity_s"]).groupby("pool").agg(["min", "max"])
    for pool, rate in rates.iterrows():
        assert rate["min"] == rate["max"] == truth.pool_rates[pool]


def test_the_month_above_capacity_is_over_absorbed(home, truth):
    pool, month = truth.over_capacity
    quarter = pd.Period(month, "Q")
    made = _frames(home, f"{quarter.year}Q{quarter.quarter}")
    pools = cost.pool_costs(made["ledger"], made["capacity"], made["work"])
    over = pools[pools["unused"] < 0]
    assert {(row.pool, str(row.month)[:10]) for row in over.itertuples()} == {(pool, str(month)[:10])}


@pytest.fixture(scope="module")
def revision(home, truth):
    assert cli.main(["--home", str(home), "run", "sample", "2026Q3"]) == 0
    return home / "reports" / "sample" / "2026Q3" / "r1"


def test_every_notebook_runs_on_the_tiny_company(home, revision, capsys):
    pages = {path.stem for path in revision.glob("*.html")}
    assert pages == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert cli.main(["--home", str(home), "run", "sample", "2026Q3"]) == 0
    assert "unchanged, nothing was executed; r1 holds." in capsys.readouterr().out
    assert [path.name for path in revision.parent.glob("r*")] == ["r1"]


def test_published_tables_sum_to_the_same_total(revision):
    tables = revision / "tables" / "cost_to_serve"
    by_channel = pd.read_csv(tables / "cost_by_segment_channel.csv")
    by_region = pd.read_csv(tables / "cost_by_region.csv")
    tie = pd.read_csv(tables / "ledger_tie_out.csv").set_index("pool")
    for column in ("n_orders", "net_revenue", "freight", "handling", "cost_to_serve", "margin"):
        assert by_channel[column].sum() == by_region[column].sum(), column
    assert by_region["cost_to_serve"].sum() == tie.loc["total", "allocated"]
    assert pd.read_csv(tables / "whale_curve.csv")["profit"].sum() == by_region["margin"].sum()

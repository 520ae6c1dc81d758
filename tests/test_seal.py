"""Does a run that would change nothing end at once, and does everything that could change something prevent that?"""

import json
import os
import subprocess
import sys
import time

import pytest
import test_cli
from test_runner import Project

from conftest import ROOT
from toolkit import company
from toolkit.reporting import archive, ledger, runner, seal

home, toolkit = test_cli.home, test_cli.toolkit  # fixtures


@pytest.fixture
def made(home, toolkit, monkeypatch):
    """A pack that was made, and how to ask for it again: its revision, or None where it must be looked at."""
    monkeypatch.setattr(runner, "_execute", lambda run, job: setattr(job, "page", job.report))
    assert toolkit("run", "acme", "2026Q3")[0] == 0

    def again(*asked):
        found = company.load("acme", home)
        period = found.period("2026Q3")
        told = seal.inputs(found, period, [*asked, "--set"])
        held = seal.unchanged(found, period, told)
        return held and held.name

    assert again() == "r1"
    return again


def _append(path, text="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)


@pytest.mark.parametrize(
    "change",
    [
        lambda home: _append(home / "params/acme/base.yaml"),
        lambda home: _append(home / "params/acme/sources/orders.sql"),
        lambda home: _append(home / "notebooks/cost.ipynb"),
        lambda home: _append(home / "notebooks/new.ipynb", "{}"),
        lambda home: _append(home / "docs/METHODS.md"),
        lambda home: _append(home / "data/acme/receipt.json"),
        lambda home: _append(home / "data/acme/erased.jsonl"),
        lambda home: _append(home / "data/acme/warehouse-9/tables/orders.parquet"),
        lambda home: (home / "reports/acme/2026Q3/.seal.json").write_text("{"),
        lambda home: (home / "reports/acme/2026Q3/.seal.json").unlink(),
        lambda home: (home / "reports/acme/2026Q3/index.html").unlink(),
    ],
    ids=["params", "SELECT", "notebook", "new", "methods", "receipt", "erased", "warehouse", "torn", "gone", "view"],
)
def test_what_a_pack_is_made_of_breaks_its_seal(made, home, change):
    change(home)
    assert made() is None


def test_a_warehouse_file_that_was_touched_breaks_the_seal(made, home):
    path = home / "data/acme/warehouse-9/orders.parquet"
    _append(path)
    found = company.load("acme", home)
    told = seal.inputs(found, found.period("2026Q3"), [])
    os.utime(path, (1, 1))
    assert seal.inputs(found, found.period("2026Q3"), []) != told


def test_packages_code_key_and_command_line_break_the_seal(made, home, tmp_path, monkeypatch):
    assert made("cost") is None
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert made() == "r1"
    (tmp_path / "pandas-9.0.dist-info").mkdir()
    assert made() is None
    (tmp_path / "pandas-9.0.dist-info").rmdir()
    monkeypatch.setattr(company.Company, "key_print", lambda _: "another")
    assert made() is None


def test_a_warehouse_by_url_is_asked_every_time(made, home):
    found = company.load("acme", home)
    by_url = found.settings.model_copy(update={"warehouse": "postgres://host/acme"})
    elsewhere = company.Company("acme", by_url, home)
    assert seal.inputs(elsewhere, found.period("2026Q3"), []) == ""
    assert seal.unchanged(elsewhere, found.period("2026Q3"), "") is None
    kept = json.loads((home / "reports/acme/2026Q3/.seal.json").read_text())
    assert kept["inputs"] == seal.inputs(found, found.period("2026Q3"), ["--set"])


def test_a_frame_that_is_not_kept_any_more_breaks_the_seal(tmp_path):
    project = Project(tmp_path)
    project.quick_report("cost")
    (tmp_path / "data" / "acme").mkdir(parents=True)
    os.symlink(tmp_path / "frames", tmp_path / "data" / "acme" / "frames")
    project.run("cost")
    found, period = project.company, project.company.period("2026Q3")
    seal.close(found, period, seal.inputs(found, period, []))
    assert seal.unchanged(found, period, seal.inputs(found, period, [])).name == "r1"
    next((tmp_path / "frames").glob("*.parquet")).unlink()
    assert seal.unchanged(found, period, seal.inputs(found, period, [])) is None


def test_another_newest_revision_of_an_earlier_period_breaks_the_seal(made, home, toolkit):
    assert toolkit("run", "acme", "2026Q4")[0] == 0
    assert made() == "r1"  # what comes after it is not read
    assert toolkit("run", "acme", "2026Q2")[0] == 0
    assert made() is None


def test_a_sealed_pack_is_still_looked_at_and_told_in_the_ledger(made, home, toolkit):
    shown = toolkit("run", "acme", "2026Q3")
    told = f"acme 2026Q3: unchanged, nothing was executed; r1 holds.\n{home.resolve()}/reports/acme/2026Q3/index.html\n"
    assert shown == (0, told, "")
    pack = home / "reports/acme/2026Q3"
    assert ledger.runs(pack)[-1].state == "unchanged"
    page = pack / "r1/cost.html"
    page.chmod(0o644)
    page.write_text("better")
    fault = f"error: {pack.relative_to(home)}/r1: cost.html is not what was archived. Bring it back from a copy.\n"
    assert toolkit("run", "acme", "2026Q3")[0] == 3
    assert toolkit("run", "acme", "2026Q3")[2].endswith(fault.removeprefix("error: "))
    archive.discard(pack / "r1")
    assert toolkit("run", "acme", "2026Q3")[0] == 4


def test_an_unchanged_run_takes_less_than_a_second_and_a_half_and_imports_no_data_frames(made, home):
    run = [sys.executable, "-X", "importtime", "-m", "toolkit.cli", "--home", home, "run", "acme", "2026Q3"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(run, env=environment, capture_output=True, cwd=home)  # compiled once
    assert made() == "r1"
    begun = time.perf_counter()
    ended = subprocess.run(run, env=environment, capture_output=True, text=True, cwd=home)
    assert time.perf_counter() - begun < 1.5
    assert "nothing was executed; r1 holds" in ended.stdout
    imported = {line.split("|")[-1].strip() for line in ended.stderr.splitlines()}
    assert not imported & {"pandas", "pyarrow", "ibis", "nbconvert", "papermill", "toolkit.frames"}

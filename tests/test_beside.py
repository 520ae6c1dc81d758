"""Do runs that go on at once keep out of each other's way? Two of one pack, ten of different ones."""

import os
import re
import subprocess
import sys

import pytest
from test_runner import Project

from conftest import ROOT
from toolkit.reporting import archive, ledger

PERIODS = [f"{year}Q{quarter}" for year in (2024, 2025, 2026) for quarter in (1, 2, 3, 4)][:10]
RUN = """
import sys, time
from pathlib import Path
from test_runner import Project
from toolkit import cli
from toolkit.reporting import runner

def execute(run, job):
    time.sleep(float(sys.argv[2]))
    job.page = f"<title>{job.report} · Acme · {run.period.name}</title><h1>{run.period.name}</h1>"
    job.tables = {"costs": f"period\\n{run.period.name}\\n"}

runner._execute = execute
project = Project(Path("."))
project.period = sys.argv[1]
cli._frames_for = lambda found, period, stages: project.given
print("ready", flush=True)
sys.stdin.readline()
sys.exit(cli.main(["run", "acme", sys.argv[1]]))
"""


@pytest.fixture
def beside(tmp_path):
    """Start runs of periods at once; how each ended: its code, what it printed and what it said."""
    project = Project(tmp_path)
    project.quick_report("cost")
    (tmp_path / "run.py").write_text(RUN)

    def start(periods, seconds):
        paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
        runs = []
        for period in periods:
            command = [sys.executable, "run.py", period, str(seconds)]
            pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
            runs.append(
                subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": paths}, text=True, **pipes)
            )
        for run in runs:
            assert run.stdout.readline() == "ready\n"
        for run in runs:
            run.stdin.write("\n")
            run.stdin.flush()
        ended = [(*run.communicate(), run.returncode) for run in runs]
        return [
            (code, out, "".join(line for line in err.splitlines(True) if line[0] != "{")) for out, err, code in ended
        ]

    start.home = tmp_path
    return start


def test_of_two_runs_of_one_pack_one_is_refused_and_the_archive_has_one_revision(beside):
    ended = sorted(beside(["2026Q3", "2026Q3"], 2))
    pack = "reports/acme/2026Q3"
    assert [code for code, _, _ in ended] == [0, 4]
    assert ended[0][1].startswith("acme 2026Q3: r1 archived; executed: cost\n")
    assert ended[1][2] == f"error: {pack}: another run is making this pack. Wait for its end.\n"
    assert [each.name for each in archive.revisions(beside.home / pack)] == ["r1"]
    assert archive.check(beside.home / pack) == []
    assert [past.state for past in ledger.runs(beside.home / pack)] == ["archived"]


def test_ten_runs_of_different_packs_lose_and_mix_nothing(beside):
    ended = beside(PERIODS, 0.1)
    assert [(code, err) for code, _, err in ended] == [(0, "")] * 10
    reports = beside.home / "reports"
    heads = archive.heads(reports)
    assert sorted(heads) == [f"acme/{period}" for period in PERIODS]
    assert archive.adrift(reports, heads) == []
    for period in PERIODS:
        pack = reports / "acme" / period
        (revision,) = archive.revisions(pack)
        assert archive.check(pack) == []
        assert f"<h1>{period}</h1>" in (revision.folder / "cost.html").read_text()
        assert (revision.folder / "tables/cost/costs.csv").read_text() == f"period\n{period}\n"
        assert [past.state for past in ledger.runs(pack)] == ["archived"]
        assert "<td>r1</td><td>DRAFT</td>" in (pack / "index.html").read_text()
    index = (reports / "index.html").read_text()
    assert re.findall(r'href="acme/(\d{4}Q\d)/index.html"', index) == PERIODS[::-1]
    assert not list(reports.rglob("*.partial"))

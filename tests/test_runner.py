"""Is only what came to its end archived, once, and does a run that fails say where and leave nothing behind?

Real kernels on notebooks of a few lines; about three seconds each.
"""

import hashlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest
import yaml
from ruamel.yaml import YAML

from conftest import ROOT
from toolkit import company, frames, present
from toolkit.company import yaml_1_2
from toolkit.errors import DataError, ParamsError, ReportError
from toolkit.reporting import archive, catalogue, kernels, ledger, runner

HEAD = 'company: str = "acme"  # whose data\nperiod: str = "2026Q3"  # which period\nn: int = 1  # a number\n'
DRAW = """
import pandas as pd
from toolkit import frames, present
orders = frames.reader(company, period)("orders")
"""
SHOW = """
kinds = {"order_id": "text", "n": "count"}
present.table(orders.assign(n=n), name="orders", caption="Orders", columns=list(kinds), kinds=kinds)
"""
KEEP = """
row = {"figure_id": "NAME", "definition_id": "1.1", "cohort": period, "segment": "", "channel": "", "value": n / 3}
present.key_figures(pd.DataFrame([row | {"low": None, "high": None, "n": len(orders), "unit": "EUR"}]))
"""
QUICK = """
import json, os
print(os.path.isdir(os.environ["MPLCONFIGDIR"]))
import pandas as pd
from IPython.display import display
orders = pd.read_parquet(json.loads(os.environ["TOOLKIT_FRAMES"])["orders"]).assign(n=n)
csv = {"name": "orders", "caption": "Orders", "csv": orders[["order_id", "n"]].to_csv(index=False)}
figure = {"figure_id": "NAME", "definition_id": "1.1", "cohort": period, "segment": "", "channel": "", "unit": "EUR"}
figure |= {"value": n / 3, "low": None, "high": None, "n": len(orders)}
display({"text/html": f"<p>{len(orders)}</p>", "TABLE": csv, "FIGURES": [figure]}, raw=True)
""".replace("TABLE", present.TABLE_MIME).replace("FIGURES", present.FIGURES_MIME)
SETS = "print({'b', 'a', 'c'}, hash('a'))"  # moves with the hash seed


NO_WAREHOUSE = "import sys\nfrom toolkit import cli, frames\nframes.materialise = lambda *_: {}\n"


TIMED = {"run.json", "chain.json"}  # the one with a clock, and its hash


class Project:
    """A made project: a company, its notebooks and the frames they are given."""

    def __init__(self, home):
        self.home, self.rows, self.limits, self.period = home, {}, {"seconds": 60}, "2026Q3"
        for folder in ("params/acme", "notebooks", "frames"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        settings = "company:\n  title: Acme\n  zone: UTC\n  currency: EUR\n  pseudonym_key: public\n"
        (home / "params/acme/base.yaml").write_text(settings)

    def notebook(self, name, *sources, stale=None):
        """Write a notebook: title, parameters, then for each source a heading 1.1, 1.2, ... and a code cell."""
        code = {"cell_type": "code", "execution_count": stale, "outputs": []}
        cells = [
            {"cell_type": "markdown", "metadata": {}, "source": f"# {name}"},
            code | {"metadata": {"tags": ["parameters"]}, "source": HEAD},
        ]
        for number, source in enumerate(sources, 1):
            cells.append({"cell_type": "markdown", "metadata": {}, "source": f"## 1.{number} Step"})
            cells.append(code | {"metadata": {}, "source": source})
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        document = {"cells": [cell | {"id": f"c{i}"} for i, cell in enumerate(cells)]}
        document |= {"metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        (self.home / "notebooks" / f"{name}.ipynb").write_text(json.dumps(document))

    def report(self, name, *more):
        """A notebook that shows its orders and keeps one figure."""
        self.rows[name] = ["o1", "o2"]
        self.notebook(name, DRAW, SHOW, KEEP.replace("NAME", name), *more)

    def quick_report(self, name):
        """The same without the seconds that importing the toolkit takes."""
        self.rows[name] = ["o1", "o2"]
        self.notebook(name, QUICK.replace("NAME", name))

    def frames_for(self, notebooks, figures=None):
        made = {}
        if figures is not None:
            kept = frames.keep_key_figures(
                self.company, self.company.period(self.period), figures, self.home / "frames"
            )
            return {notebook.stem: {"key_figures": (kept.path, kept.digest)} for notebook in notebooks}
        for notebook in notebooks:
            rows = self.rows.get(notebook.stem)
            if rows is None:
                made[notebook.stem] = {}
                continue
            digest = hashlib.sha256(repr(rows).encode()).hexdigest()
            path = self.home / "frames" / f"{digest}.parquet"
            pd.DataFrame({"order_id": rows}).to_parquet(path)
            made[notebook.stem] = {"orders": (path, digest)}
        return made

    def given(self, notebooks, figures=None):
        """What a run takes: each notebook's frames in turn."""
        return self.frames_for(notebooks, figures).items()

    @property
    def company(self):
        found = company.load("acme", self.home)
        limits = company.Limits(**self.limits)
        return replace(found, settings=found.settings.model_copy(update={"limits": limits}))

    def run(self, *names, **options):
        found = self.company
        paths = [self.home / "notebooks" / f"{name}.ipynb" for name in names]
        later = [path for path in paths if "key_figures" in path.stem]
        stages = [[path for path in paths if path not in later], later]
        options = {"reason": "it was wrong"} | options
        return runner.run(found, found.period(self.period), stages, self.given, **options)

    @property
    def pack(self):
        return self.home / "reports" / "acme" / self.period

    def refusals(self, *names, **options):
        """The error of a run, and the revisions after it."""
        with pytest.raises(ReportError) as refused:
            self.run(*names, **options)
        assert refused.value.exit_code == 4
        assert not list(self.pack.glob(".staging-*"))
        return str(refused.value), [revision.name for revision in archive.revisions(self.pack)]

    def refusal(self, *names):
        message, revisions = self.refusals(*names)
        assert revisions == []
        return message

    def partial(self, name):
        return (self.home / "reports/.failed/acme/2026Q3" / f"{name}.html").read_text()


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def _sleeping(seconds):
    """Are there processes ``sleep <seconds>``?"""
    return [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] in (["sleep", s] for s in seconds)]


def _wait_for_kernel(run, mark):
    """Wait until the cell of a run has written the file ``mark``."""
    end = time.monotonic() + 60
    while not mark.exists():
        assert run.poll() is None, run.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.05)


# -- a pack ------------------------------------------------------------------------------------


def _contents(revision):
    return {
        path.relative_to(revision.folder).as_posix(): path.read_bytes()
        for path in sorted(revision.folder.rglob("*"))
        if path.is_file()
    }


def _differing(one, other):
    one, other = _contents(one), _contents(other)
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A pack of two reports, made once for the tests that start from it."""
    project = Project(tmp_path_factory.mktemp("packed"))
    project.report("cost", SETS)
    project.quick_report("service")
    return project, project.run("cost", "service", workers=2)


def test_a_pack_holds_pages_tables_figures_and_the_record_of_its_run(packed):
    project, outcome = packed
    assert (outcome.executed, outcome.unchanged, outcome.revision.name) == (["cost", "service"], [], "r1")
    assert sorted(_contents(outcome.revision)) == [
        "chain.json", "cost.html", "figures.parquet", "manifest.json", "parameters/cost.yaml",
        "parameters/service.yaml", "run.json", "service.html", "tables/cost/key_figures.csv",
        "tables/cost/orders.csv", "tables/service/orders.csv",
    ]  # fmt: skip
    assert _contents(outcome.revision)["tables/cost/orders.csv"] == b"order_id,n\no1,1\no2,1\n"
    assert b"True" in _contents(outcome.revision)["service.html"]  # matplotlib has a folder
    figures = pd.read_parquet(outcome.revision.folder / "figures.parquet")
    assert list(figures["report"]) == ["cost", "service"]
    assert list(figures["value"]) == [1 / 3, 1 / 3]
    record = outcome.revision.record
    assert record["changed"] == "first run"
    for made in record["reports"].values():  # each of its own: 10 MB is less than Python, 2 GB more than this needs
        assert 0 < made["seconds"] < 60
        assert 10 < made["peak_memory_mb"] < 2_000
    assert archive.check(project.pack) == []
    assert (project.home / "reports" / "index.html").exists()


def test_pages_and_manifest_name_no_place_and_no_clock(packed):
    project, outcome = packed
    for name, content in _contents(outcome.revision).items():
        assert str(project.home).encode() not in content, name
        assert b"papermill" not in content.replace(b'"package papermill"', b""), name
        if name not in TIMED:
            assert not re.search(rb"\d\d:\d\d:\d\d", content), name


def test_another_place_zone_locale_and_hash_seed_give_the_same_bytes(packed, tmp_path, monkeypatch):
    _, outcome = packed
    for name, value in {"TZ": "Asia/Tokyo", "LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "7", "COLUMNS": "40"}.items():
        monkeypatch.setenv(name, value)
    time.tzset()
    other = Project(tmp_path / "elsewhere")
    other.report("cost", SETS)
    other.quick_report("service")
    again = other.run("cost", "service", workers=1).revision
    assert _differing(outcome.revision, again) == TIMED
    monkeypatch.undo()
    time.tzset()


def test_a_run_tells_each_cell_with_its_section(project):
    project.notebook("a", "import time; time.sleep(0.5)", "time.sleep(0.5)")
    project.notebook("bad", "1 / 0")
    events = []
    with pytest.raises(ReportError):
        project.run("a", "bad", tell=events.append)
    assert {event.pop("period") for event in events} == {"2026Q3"}
    told = [event for event in events if event.get("report") == "a"]
    assert told[0] == {"event": "report", "state": "started", "report": "a", "cells": 6}
    cells = [(e["cell"], e["cells"], e["section"]) for e in told if e["state"] == "cell"]
    assert set(cells) >= {(4, 6, "1.1"), (6, 6, "1.2")}  # what is over within a look is not told
    assert cells == sorted(cells)
    assert all(20 < event["memory_mb"] < 2_000 for event in told if event["state"] == "cell")
    assert (told[-1]["state"], told[-1]["seconds"] > 1) == ("done", True)
    failed = next(event for event in events if event.get("state") == "failed")
    assert failed["fault"].startswith("notebooks/bad.ipynb failed in cell 4 (section 1.1): ZeroDivisionError")
    assert events[-1] == {"event": "archived", "revision": "r1", "reports": ["a"], "failed": ["bad"]}


def _command(home, *arguments):
    return [sys.executable, "-c", f"{NO_WAREHOUSE}sys.exit(cli.main(sys.argv[1:]))", "--home", str(home), *arguments]


def _in_a_terminal(home, *arguments):
    """Run the command line with a terminal for stderr: its exit code, its output, what the terminal got."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 100))
    run = subprocess.Popen(_command(home, *arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    shown = b""
    with suppress(OSError):  # how a terminal says that its other side is gone
        while part := os.read(leader, 10_000):
            shown += part
    os.close(leader)
    return run.wait(timeout=20), run.communicate()[0].decode(), shown.decode()


def test_a_terminal_shows_bars_a_pipe_gets_lines_and_the_bytes_are_the_same(project, tmp_path):
    other = Project(tmp_path / "elsewhere")
    for one in (project, other):
        one.notebook("a", "import time; time.sleep(0.6)")
        (one.home / "params/acme/2026Q3.yaml").write_text("")
    command = _command(other.home, "run", "acme", "--workers", "1")
    abroad = os.environ | {"TZ": "Asia/Tokyo", "LC_ALL": "C", "LANG": "C"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    piped = subprocess.Popen(command, cwd=ROOT, text=True, env=abroad, **pipes)
    code, out, shown = _in_a_terminal(project.home, "run", "acme", "--workers", "2")
    assert (code, out.splitlines()[0]) == (0, "acme 2026Q3: r1 archived; executed: a")
    assert re.search(r"2026Q3 a \|.*4/4 cells .*section 1\.1, \d+ MB", shown)
    assert re.search(r"2026Q3 a: done in \d+\.\d s \(1 of 1\)", shown)
    assert "{" not in shown
    output, lines = piped.communicate(timeout=60)
    assert (piped.returncode, output.splitlines()[0]) == (0, out.splitlines()[0])
    assert {json.loads(line)["event"] for line in lines.splitlines()} == {"asked", "report", "archived"}
    (mine,), (theirs,) = archive.revisions(project.pack), archive.revisions(other.pack)
    assert _differing(mine, theirs) == TIMED


def test_nothing_changed_executes_nothing(packed, monkeypatch):
    project, outcome = packed
    monkeypatch.setattr(runner, "_execute", lambda *_: pytest.fail("a kernel was started"))
    again = project.run("cost", "service")
    assert (again.executed, again.unchanged) == ([], ["cost", "service"])
    assert again.revision == outcome.revision
    assert project.run("cost").revision == outcome.revision
    assert [revision.name for revision in archive.revisions(project.pack)] == ["r1"]


def test_only_what_changed_is_executed(project):
    project.quick_report("cost")
    project.quick_report("service")
    first = project.run("cost", "service").revision
    project.rows["cost"] = ["o1", "o2", "o3"]
    frame = project.run("cost", "service")
    assert (frame.executed, frame.unchanged) == (["cost"], ["service"])
    assert frame.revision.record["changed"] == "cost: frames changed"
    (project.home / "params/acme/2026Q3.yaml").write_text("service:\n  n: 2\n")
    parameter = project.run("cost", "service", reason="the board asked")
    assert (parameter.executed, parameter.unchanged) == (["service"], ["cost"])
    assert parameter.revision.record["reason"] == "the board asked"
    assert parameter.revision.record["reports"]["cost"] == {"unchanged_since": "r2"}

    made = [_contents(revision) for revision in (first, frame.revision, parameter.revision)]
    of = {name: {path for path in made[0] if name in path} for name in ("cost", "service")}
    assert all(made[0][path] == made[1][path] for path in of["service"])
    assert all(made[1][path] == made[2][path] for path in of["cost"])
    assert made[1]["tables/cost/orders.csv"] == b"order_id,n\no1,1\no2,1\no3,1\n"
    assert made[2]["tables/service/orders.csv"] == b"order_id,n\no1,2\no2,2\n"
    figures = pd.read_parquet(parameter.revision.folder / "figures.parquet")
    assert figures[["report", "value", "n"]].values.tolist() == [["cost", 1 / 3, 3], ["service", 2 / 3, 2]]
    assert archive.check(project.pack) == []


def test_a_report_that_was_not_asked_for_is_kept_and_one_without_notebook_goes(project, monkeypatch):
    monkeypatch.setattr(runner, "_execute", lambda run, job: setattr(job, "page", job.report))
    for name in ("a", "b"):
        project.notebook(name, "1")
    project.run("a", "b")
    project.notebook("a", "2")
    only = project.run("a")
    assert (only.executed, only.unchanged) == (["a"], [])
    assert sorted(only.revision.manifest["reports"]) == ["a", "b"]
    assert only.revision.record["reports"]["b"] == {"unchanged_since": "r1"}
    assert (only.revision.folder / "b.html").read_text() == "b"
    (project.home / "notebooks" / "b.ipynb").unlink()
    gone = project.run("a")
    assert (sorted(gone.revision.manifest["reports"]), gone.revision.record["changed"]) == (["a"], "b: removed")


def test_a_report_is_made_again_when_the_method_of_a_section_on_it_changes(project):
    project.quick_report("cost")  # its one section is 1.1
    path = project.home / "docs" / "METHODS.md"
    path.parent.mkdir()

    def written(own="Add.", other="Take.", words="A day."):
        path.write_text(f"# Methods\n\n## 0 Words\n\n### 0.1 Day\n\n{words}\n\n## 1 A\n\n### 1.1 Step\n\n{own}\n\n"
                        f"### 1.10 Other\n\n{other}\n")  # fmt: skip
        return project.run("cost")

    bare = project.run("cost").revision
    assert "Method of" not in (bare.folder / "cost.html").read_text()
    first = written()
    text = (first.revision.folder / "cost.html").read_text()
    assert [part in text for part in ("<p>Add.</p>", "<p>A day.</p>", "<p>Take.</p>")] == [True, True, False]
    assert written(other="Give.").executed == []
    assert [written(own="Add up.").executed, written(words="Two days.").executed] == [["cost"], ["cost"]]
    assert archive.revisions(project.pack)[-1].record["changed"] == "cost: code changed"


def test_a_report_tells_the_change_of_its_headlines_since_the_period_before(project, monkeypatch):
    project.quick_report("cost")
    named = project.home / "notebooks" / "cost.ipynb"
    named.write_text(
        named.read_text().replace('\\"unit\\": \\"EUR\\"', '\\"unit\\": \\"points\\", \\"headline\\": \\"NPS\\"')
    )

    def told(period, n):
        project.period = period
        (project.home / f"params/acme/{period}.yaml").write_text(f"cost: {{n: {n}}}")
        made = project.run("cost")
        text = (made.revision.folder / "cost.html").read_text()
        return text[text.index('<ul class="tiles">') : text.index("</ul>")], made.revision.record["changed"]

    assert (
        "<span>NPS</span><strong>1.0 points</strong><span></span><span>no figure of the period before</span>"
        in told("2026Q2", 3)[0]
    )
    told("2026", 300)  # of another length
    assert "<strong>2.0 points</strong><span></span><span>+1.0 points since 2026Q2 (1.0)</span>" in told("2026Q3", 6)[0]
    told("2026Q2", 9)
    tile, reason = told("2026Q3", 6)
    assert "<span>-1.0 points since 2026Q2 (3.0)</span>" in tile
    assert reason == "cost: figures of the period before changed"


def test_a_page_its_views_and_its_recipe_are_of_the_language_that_is_asked_for(project):
    project.quick_report("cost")
    written = project.home / "notebooks" / "cost.ipynb"
    written.write_text(written.read_text().replace("n: int", 'language: str = \\"en\\"  # of the page\\nn: int', 1))
    base, text = project.home / "params/acme/base.yaml", (project.home / "params/acme/base.yaml").read_text()
    english = project.run("cost").revision
    base.write_text(text + "all: {language: nl}\n")
    dutch = project.run("cost").revision
    assert dutch.record["changed"] == "cost: code and parameters changed"
    pages = [(found.folder / "cost.html").read_text() for found in (english, dutch)]
    assert ['<html lang="en">' in pages[0], "Skip to the report" in pages[0]] == [True, True]
    assert ['<html lang="nl">' in pages[1], "Naar het rapport" in pages[1]] == [True, True]
    views = [(project.home / "reports" / path).read_text() for path in ("index.html", "acme/2026Q3/index.html")]
    assert all('<html lang="nl">' in view and "CONCEPT" in view for view in views)
    assert "<td>vervangen</td>" in views[1]
    assert "cost: code en parameters veranderd" in views[1]
    of = [found.manifest["reports"]["cost"]["code"] for found in (english, dutch)]
    assert ["toolkit/locale/nl.po" in code for code in of] == [False, True]
    base.write_text(text + "all: {language: nll}\n")
    before = sorted(project.pack.iterdir())
    with pytest.raises(ParamsError, match=r"base.yaml, line 6, language: expected one of en, nl, found 'nll'. Did you"):
        project.run("cost")
    assert sorted(project.pack.iterdir()) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p.notebook("a", "2"), "a: code changed"),
        (lambda p: (p.home / "params/acme/2026Q3.yaml").write_text("a: {n: 5}"), "a: parameters changed"),
        (lambda p: p.rows.update(a=["o9"]), "a: frames changed"),
        (
            lambda p: (p.home / "params/acme/base.yaml").write_text(
                (p.home / "params/acme/base.yaml").read_text().replace("Acme", "Acme plc")
            ),
            "a: title or day of knowledge changed",
        ),
        (lambda p: p.notebook("b", "1"), "b: new"),
    ],
)
def test_a_revision_says_what_changed(project, monkeypatch, change, reason):
    monkeypatch.setattr(runner, "_execute", lambda run, job: setattr(job, "page", job.report))
    project.notebook("a", "1")
    project.rows["a"] = ["o1"]
    project.run("a")
    change(project)
    names = sorted(path.stem for path in (project.home / "notebooks").glob("*.ipynb"))
    assert project.run(*names).revision.record["changed"] == reason


LATER = """
from toolkit import frames
figures = frames.reader(company, period)("key_figures")
print(figures[["period", "report", "value", "n"]].to_csv(index=False))
"""


def test_a_second_stage_reads_the_key_figures_of_the_first_and_of_earlier_periods(project, monkeypatch):
    really, execute = [], runner._execute

    def maybe(run, job):
        """Only what is in ``really`` starts a kernel; the others have one figure each."""
        if job.report in really:
            return execute(run, job)
        row = {"figure_id": job.report, "definition_id": "1.1", "cohort": "", "segment": "", "channel": "", "unit": ""}
        job.figures, job.page = [row | {"value": 1 / 3, "low": None, "high": None, "n": len(project.rows["cost"])}], ""

    monkeypatch.setattr(runner, "_execute", maybe)
    project.quick_report("cost")
    for period in ("2025", "2026Q1", "2026Q4"):  # of another length, before, after
        project.period, project.rows["cost"] = period, ["o1"]
        project.run("cost")
    project.period, project.rows["cost"], really[:] = "2026Q3", ["o1", "o2"], ["cost", "by_key_figures"]
    names = ["cost", "by_key_figures", "with_key_figures"]
    for name in names[1:]:
        project.notebook(name, LATER)
    first = project.run(*names)
    assert (first.executed, first.unchanged) == (names, [])
    third = 1 / 3
    shown = f"period,report,value,n\n2026Q1,cost,{third},1\n2026Q3,cost,{third},2\n"
    assert shown in (first.revision.folder / "by_key_figures.html").read_text()
    assert project.run(*names).unchanged == names
    assert project.run("by_key_figures").unchanged == ["by_key_figures"]  # a stage does not read its own figures

    really.clear()
    project.rows["cost"] = ["o1", "o2", "o3"]
    second = project.run("cost", "by_key_figures")
    assert second.executed == ["cost", "by_key_figures"]
    assert second.revision.record["changed"] == "cost: frames changed; by_key_figures: frames changed"

    monkeypatch.delenv("TOOLKIT_FRAMES", raising=False)
    monkeypatch.chdir(project.home)
    by_hand = frames.reader("acme", "2026Q3")("key_figures")
    assert by_hand[["period", "report", "n"]].values.tolist() == [
        ["2026Q1", "cost", 1], ["2026Q3", "by_key_figures", 3], ["2026Q3", "cost", 3],
        ["2026Q3", "with_key_figures", 2],
    ]  # fmt: skip
    assert list(frames.reader("acme", "2024")("key_figures").columns) == list(by_hand.columns)


def test_a_second_stage_is_not_started_where_the_first_failed(project, monkeypatch):
    def execute(run, job):
        if job.report == "bad":
            raise ReportError("notebooks/bad.ipynb failed.")

    monkeypatch.setattr(runner, "_execute", execute)
    for name in ("bad", "cost", "by_key_figures"):
        project.notebook(name, "1")
    message, revisions = project.refusals("bad", "cost", "by_key_figures")
    assert message == (
        "2 faults:\n"
        "  1. notebooks/bad.ipynb failed.\n"
        "  2. notebooks/by_key_figures.ipynb not started: waits for bad.\n"
        "reports/acme/2026Q3/r1 is archived without bad, by_key_figures."
    )
    assert revisions == ["r1"]


# -- a run that fails --------------------------------------------------------------------------

PARTIAL = "The partial page is reports/.failed/acme/2026Q3/"


def test_a_failing_cell_is_named_and_the_others_go_on(project):
    project.notebook(
        "bad", "1", 'from toolkit.errors import DataError\nraise DataError("orders: no rows.\\nMore")', "2"
    )
    project.notebook("loud", "import sys\nprint('careful: old data', file=sys.stderr)")
    assert project.refusal("bad", "loud") == (
        "2 faults:\n"
        f"  1. notebooks/bad.ipynb failed in cell 6 (section 1.2): DataError: orders: no rows. {PARTIAL}bad.html.\n"
        f"  2. notebooks/loud.ipynb wrote to stderr in cell 4 (section 1.1): careful: old data. {PARTIAL}loud.html."
    )
    shown = project.partial("bad")
    assert (
        '<p class="stamp">INCOMPLETE: failed in cell 6 (section 1.2): DataError: orders: no rows. This page is no '
        "report.</p>" in shown
    )
    assert shown.index("<h1") < shown.index('<pre class="error">')
    assert "papermill" not in shown
    assert not (project.home / "reports" / "index.html").exists()
    project.notebook("bad", "1")
    project.run("bad")
    assert not (project.home / "reports/.failed/acme/2026Q3/bad.html").exists()  # it is mended


def test_what_succeeded_is_archived_without_what_failed(project, monkeypatch):
    broken = {"b"}

    def execute(run, job):
        if job.report in broken:
            raise ReportError(f"notebooks/{job.report}.ipynb failed.\nTwice.")
        job.page = job.report

    monkeypatch.setattr(runner, "_execute", execute)
    for name in ("a", "b", "c"):
        project.notebook(name, "1")
    with pytest.raises(ReportError) as refused:
        project.run("a", "b", "c")
    assert str(refused.value) == (
        "notebooks/b.ipynb failed.\nTwice.\nreports/acme/2026Q3/r1 is archived without b."
    )  # fmt: skip
    (r1,) = archive.revisions(project.pack)
    assert sorted(r1.manifest["reports"]) == ["a", "c"]
    assert (sorted(r1.record["reports"]), r1.record["failed"]) == (
        ["a", "c"],
        {"b": "notebooks/b.ipynb failed.\nTwice."},
    )
    assert not [name for name, content in _contents(r1).items() if b"failed" in content and name not in TIMED]
    assert "<td>INCOMPLETE: b: notebooks/b.ipynb failed.</td>" in (project.pack / "index.html").read_text()

    assert project.refusals("a", "b", "c") == ("notebooks/b.ipynb failed.\nTwice.", ["r1"])  # nothing was made anew
    project.notebook("a", "2")
    only = project.run("a").revision  # b was not asked for, and is still missing
    assert (only.name, sorted(only.manifest["reports"]), list(only.record["failed"])) == ("r2", ["a", "c"], ["b"])
    broken.clear()
    whole = project.run("a", "b", "c")
    assert (whole.executed, whole.unchanged) == (["b"], ["a", "c"])
    assert (whole.revision.record["changed"], "failed" in whole.revision.record) == ("b: new", False)
    assert "<td>r3</td><td>DRAFT</td>" in (project.pack / "index.html").read_text()

    broken |= {"a"}  # a report that fails is not there in an older version either
    project.notebook("a", "3")
    project.notebook("b", "3")
    assert project.refusals("a", "b", "c") == (
        "notebooks/a.ipynb failed.\nTwice.\nreports/acme/2026Q3/r4 is archived without a.", ["r1", "r2", "r3", "r4"]
    )  # fmt: skip
    r4 = archive.revisions(project.pack)[-1]
    assert (sorted(r4.manifest["reports"]), (r4.folder / "a.html").exists()) == (["b", "c"], False)
    assert archive.check(project.pack) == []


def test_every_death_is_told_as_what_it_was_and_the_others_are_archived(project):
    # one process in an empty environment, one in a session of its own
    hidden, away = (f"{number}{os.getpid()}" for number in (8, 9))
    loop = f"""
import subprocess, time
subprocess.Popen(['sleep', '{hidden}'], env={{}})
subprocess.Popen(['sleep', '{away}'], start_new_session=True)
while True:
    print('.')
    time.sleep(1)
"""
    limited = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))\nheld = bytearray(2**34)"
    begun = project.home / "begun"
    deaths = {
        "loop": ("1", loop),
        "silent": ("1", "import time\ntime.sleep(60)"),
        "greedy": ("1", "import time\nheld = bytearray(1_000_000_000)\ntime.sleep(60)"),
        "limited": ("1", limited),
        "killed": ("1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
        "left": ("1", "import sys\nsys.exit(3)", "2"),
        "gone": (f"import os\nopen({str(begun)!r}, 'a').write('x')", "os._exit(3)", "2"),
        "forks": (
            "1",
            "import subprocess, time\nfor _ in range(40):\n    subprocess.Popen(['sleep', '60'])\ntime.sleep(60)",
        ),
        # with a pause: what a kernel prints faster than its reader reads is memory, and the other limit's
        "flood": ("print('x' * 1_900_000)", "import time\nwhile True:\n    print('x' * 10_000)\n    time.sleep(0.002)"),
    }
    for name, sources in deaths.items():
        project.notebook(name, *sources, stale=3)  # an execution count of its last run by hand
    project.quick_report("service")
    project.limits = {"seconds": 15, "silent_seconds": 7, "output_mb": 2, "memory_mb": 900, "processes": 20}
    message, revisions = project.refusals(*deaths, "service", workers=2)
    said = {
        "loop": "stopped in cell 6 (section 1.2): timed out after 15 s",
        "silent": "stopped in cell 6 (section 1.2): was silent for 7 s",
        "greedy": "stopped in cell 6 (section 1.2): used more than 900 MB of memory",
        "limited": "failed in cell 6 (section 1.2): MemoryError",
        "killed": "stopped in cell 6 (section 1.2): the kernel was killed by signal 9 (likely out of memory)",
        "left": "failed in cell 6 (section 1.2): SystemExit: 3",
        "gone": "stopped in cell 6 (section 1.2): the kernel died with exit code 3",
        "forks": "stopped in cell 6 (section 1.2): had more than 20 processes",
        "flood": "stopped in cell 6 (section 1.2): printed more than 2 MB",
    }
    assert message.splitlines() == [
        "9 faults:",
        *(f"  {i}. notebooks/{n}.ipynb {said[n]}. {PARTIAL}{n}.html." for i, n in enumerate(said, 1)),
        f"reports/acme/2026Q3/r1 is archived without {', '.join(said)}.",
    ]
    for name, fault in said.items():
        assert f'<p class="stamp">INCOMPLETE: {fault}.' in project.partial(name)
    assert revisions == ["r1"]
    assert sorted(path.name for path in (project.pack / "r1").glob("*.html")) == ["service.html"]
    assert begun.read_text() == "x"  # a death after the first cell is not tried again
    assert 1_900_000 < len(project.partial("flood")) < 2_100_000
    assert _sleeping([hidden, away]) == []
    assert psutil.Process().children(recursive=True) == []


def test_without_a_limit_the_workers_share_nine_tenths_of_the_memory(project, monkeypatch):
    monkeypatch.setattr(kernels.psutil, "virtual_memory", lambda: SimpleNamespace(total=20 * 2**20))
    project.notebook("a", "1")
    with pytest.raises(ReportError) as refused:
        project.run("a", workers=2)  # 0.9 * 20 MB / 2: less than Python takes to begin
    told = "notebooks/a.ipynb stopped before its first cell: used more than 9 MB of memory."
    assert str(refused.value).startswith(told)


def test_a_partial_page_leaves_most_of_a_flood_out():
    outputs = [{"output_type": "stream", "name": "stdout", "text": letter * 1_500_000} for letter in "ab"]
    picture = {"output_type": "display_data", "metadata": {}, "data": {"text/html": "c" * 1_500_000}}
    cells = [{"cell_type": "code", "outputs": [*outputs, picture]}, {"cell_type": "markdown"}]
    sizes = [len(json.dumps(output)) for output in (*outputs, picture)]
    kept = kernels.clipped(SimpleNamespace(cells=cells)).cells[0]["outputs"]
    assert [output["text"] for output in kept] == [
        "a" * 1_500_000,
        "b" * 2000 + f"\n… {sizes[1]:,} bytes of output are left out here\n",
        f"\n… {sizes[2]:,} bytes of output are left out here\n",
    ]


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "A", "con", "a b", "x" * 90, ""])
def test_a_table_is_no_file_elsewhere_and_none_that_a_system_refuses(project, name):
    project.rows["bad"] = ["o1", "o2"]
    project.notebook("bad", QUICK.replace("NAME", "bad").replace('"name": "orders"', f'"name": {name!r}'))
    assert "expected small letters, digits and underscores, which name its file" in project.refusal("bad")


def test_a_page_that_the_guard_refuses_is_not_archived(project):
    project.notebook("picture", "from IPython.display import HTML\nHTML('<img src=\"https://example.org/a.png\">')")
    assert project.refusal("picture") == (
        "notebooks/picture.ipynb made a page that may not be archived: a figure without alt text (cell 4); an "
        f"address outside the page in <img src> (cell 4). {PARTIAL}picture.html."
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_process(project, number):
    marks = [project.home / name for name in ("loop", "more")]
    for mark in marks:
        project.notebook(mark.name, f"open({str(mark)!r}, 'w').close()\nwhile True:\n    pass")
    (project.home / "params/acme/2026Q3.yaml").write_text("")
    command = _command(project.home, "run", "acme", "--workers", "2")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in a shell's background inherit deafness
    run = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    signal.signal(signal.SIGINT, before)
    for mark in marks:
        _wait_for_kernel(run, mark)
    started = psutil.Process(run.pid).children(recursive=True)
    assert len(started) == 5  # each report's own process and its kernel, and what they were forked from
    run.send_signal(number)
    said = run.communicate(timeout=20)[1].decode().splitlines(keepends=True)
    errors = "".join(line for line in said if not line.startswith("{"))
    gone, alive = psutil.wait_procs(started, timeout=8)
    assert alive == []
    expected = {signal.SIGINT: (130, "error: interrupted.\n"), signal.SIGTERM: (143, "")}
    assert (run.returncode, errors) == expected[number]
    assert not list(project.pack.glob(".staging-*"))
    (project.pack / ".staging-cut").mkdir()  # of a run that was killed while it archived
    monkey = pytest.MonkeyPatch()
    monkey.setattr(runner, "_execute", lambda run, job: setattr(job, "page", "<h1>a</h1>"))
    with monkey.context():
        project.run("loop")
    monkey.undo()
    assert sorted(path.name for path in project.pack.iterdir()) == [".lock", "index.html", "ledger.jsonl", "r1"]


def test_a_killed_run_is_taken_up_where_it_was(project, tmp_path):
    other = Project(tmp_path / "undisturbed")
    for one in (project, other):
        one.quick_report("first")
        one.notebook("second", "print(n)")
    mark = project.home / "mark"
    one = {"first": project.rows["first"]}
    second = (project.home / "notebooks/second.ipynb").read_text()
    project.notebook("second", f"import time\nopen({str(mark)!r}, 'w').close()\ntime.sleep(60)")
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / "tests")!r})
from pathlib import Path
from test_runner import Project
project = Project(Path({str(project.home)!r}))
project.rows = {one!r}
project.run("first", "second", workers=1)
"""
    scratch = tempfile.mkdtemp()  # short enough for a socket in it
    run = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": scratch},
    )  # fmt: skip
    _wait_for_kernel(run, mark)
    started = psutil.Process(run.pid).children(recursive=True)
    assert len(started) == 3  # the report's own process and its kernel, and what they were forked from
    run.kill()
    run.wait()
    assert psutil.wait_procs(started, timeout=8)[1] == []
    os.rmdir(scratch)  # nothing was left in it
    assert (len(list(project.pack.glob(".made/*"))), list(project.pack.glob("r*"))) == (1, [])
    (project.home / "notebooks/second.ipynb").write_text(second)
    (project.pack / ".made" / ".partial-cut").mkdir()
    again = project.run("first", "second")
    assert (again.executed, again.resumed, again.unchanged) == (["second"], ["first"], [])
    assert not (project.pack / ".made").exists()
    assert _differing(again.revision, other.run("first", "second").revision) == TIMED
    assert again.revision.record["reports"]["first"]["seconds"] > 0


def test_what_was_put_aside_for_another_recipe_is_not_taken(project, monkeypatch):
    monkeypatch.setattr(runner, "_execute", lambda run, job: setattr(job, "page", job.report))
    project.notebook("a", "1")
    found = project.company
    period = found.period("2026Q3")
    values = runner.resolved(found, "2026Q3", [project.home / "notebooks/a.ipynb"])["a"]
    project.pack.mkdir(parents=True)
    runner._put_aside(project.pack, runner._job(found, period, "a", project.home / "notebooks/a.ipynb", values, {}))
    project.notebook("a", "2")
    run = project.run("a")
    assert (run.executed, run.resumed, (project.pack / ".made").exists()) == (["a"], [], False)


@pytest.fixture
def failing_starts(tmp_path, monkeypatch):
    """A Python that dies of itself as often as told, as where a kernel does not start."""

    def fail(times):
        left = tmp_path / "left"
        left.write_text("x" * times)
        script = tmp_path / "python"
        script.write_text(
            f"#!/bin/sh\nif [ -s {left} ]; then truncate -s -1 {left}; echo no kernel >&2; exit 7; fi\n"
            f'exec {sys.executable} "$@"\n'
        )
        script.chmod(0o755)
        monkeypatch.setattr(kernels, "sys", SimpleNamespace(executable=str(script)))
        monkeypatch.setattr(runner, "_parent", lambda *_: nullcontext())
        return left

    return fail


def test_a_start_that_fails_is_tried_once_more(project, failing_starts):
    project.notebook("a", "1")
    left = failing_starts(1)
    assert project.run("a").executed == ["a"]
    assert left.read_text() == ""
    project.notebook("a", "2")
    left = failing_starts(3)
    assert project.refusals("a") == (
        "notebooks/a.ipynb stopped before its first cell: its process died with exit code 7: no kernel.", ["r1"]
    )  # fmt: skip
    assert left.read_text() == "x"


def test_no_worker_makes_no_report(project):
    project.notebook("a", "1")
    with pytest.raises(ParamsError) as refused:
        project.run("a", workers=0)
    assert str(refused.value) == "workers: expected 1 or more, found 0."


def test_two_runs_do_not_make_one_pack_together(project):
    project.notebook("a", "1")
    project.pack.mkdir(parents=True)
    with company.alone(project.pack):
        assert project.refusal("a") == f"{project.pack}: another run is making this pack. Wait for its end."


def test_a_report_that_is_archived_is_made_anew_with_a_reason_alone(project):
    project.quick_report("a")
    project.run("a", reason="")
    project.quick_report("b")
    assert project.run("a", "b", reason="").revision.record["reason"] == "b: new"  # supersedes nothing
    project.rows["a"] = ["o9"]
    with pytest.raises(ParamsError) as refused:
        project.run("a", "b", reason="")
    assert str(refused.value) == (
        f"{project.pack}: is archived and would be made anew (a: frames changed). Say why with --reason."
    )
    record = project.run("a", "b", reason="late orders").revision.record
    assert (record["reason"], record["changed"]) == ("late orders", "a: frames changed")


def test_a_pack_that_was_tampered_with_is_built_on_no_more(project):
    project.quick_report("a")
    page = project.run("a").revision.folder / "a.html"
    page.chmod(0o644)
    page.write_text(page.read_text() + "<!-- better -->")
    project.quick_report("b")
    with pytest.raises(DataError) as refused:
        project.run("a", "b")
    assert str(refused.value) == f"{page.parent}: a.html is not what was archived. Bring it back from a copy."


def test_what_was_tampered_with_in_a_period_before_is_built_on_no_more(project):
    project.quick_report("a")
    project.period = "2026Q2"
    figures = project.run("a").revision.folder / "figures.parquet"
    project.period = "2026Q3"
    figures.chmod(0o644)
    figures.write_bytes(figures.read_bytes() + b" ")
    with pytest.raises(DataError) as refused:
        project.run("a")
    fault = f"{figures.parent}: figures.parquet is not what was archived. Bring it back from a copy."
    assert str(refused.value) == fault
    assert not project.pack.joinpath("r1").exists()


def test_parameters_that_would_move_are_told_before_anything_is_read(project, monkeypatch):
    project.quick_report("a")
    project.run("a")
    monkeypatch.setattr(project, "frames_for", None)
    with pytest.raises(ParamsError) as refused:
        project.run("a", sets=["n=3"], reason="")
    assert str(refused.value) == (
        f"{project.pack}: is archived and would be made anew (a: n is 3 (--set), was 1 (notebook)). "
        "Say why with --reason."
    )


def test_a_page_that_is_gone_from_another_period_ends_no_run(project):
    project.quick_report("a")
    project.period = "2026Q4"
    page = project.run("a").revision.folder / "a.html"
    project.period = "2026Q3"
    page.unlink()
    assert project.run("a").revision.name == "r1"
    assert "DRAFT; CHANGED SINCE: a.html is missing" in (page.parents[1] / "index.html").read_text()


# -- slices ------------------------------------------------------------------------------------


def _sliced(project, told):
    base = project.home / "params/acme/base.yaml"
    base.write_text(base.read_text().partition("# slices\n")[0] + f"# slices\ngrowth:\n  slices: {told}\n")


def test_a_notebook_is_a_report_for_each_value_that_it_is_sliced_by(project):
    project.quick_report("growth")
    project.quick_report("cost")
    _sliced(project, "{n: [3, 1]}")
    events = []
    first = project.run("cost", "growth", tell=events.append)
    assert first.executed == ["cost", "growth.3", "growth.1"]
    assert {"event": "asked", "period": "2026Q3", "reports": 3} in events
    pages = {path.name: path.read_text() for path in first.revision.folder.glob("*.html")}
    assert sorted(pages) == ["cost.html", "growth.1.html", "growth.3.html"]
    assert "<title>growth (n 3) · Acme · 2026Q3</title>" in pages["growth.3.html"]
    assert "Acme · 2026Q3 · n 3 · known by" in pages["growth.3.html"]
    assert "n 1" not in pages["cost.html"]
    assert (first.revision.folder / "tables/growth.3/orders.csv").read_text() == "order_id,n\no1,3\no2,3\n"
    entry = first.revision.manifest["reports"]["growth.3"]
    assert (entry["slice"], entry["parameters"]["n"]["value"]) == (["n"], 3)
    figures = pd.read_parquet(first.revision.folder / "figures.parquet").set_index("report")["value"]
    assert figures.to_dict() == {"cost": 1 / 3, "growth.1": 1 / 3, "growth.3": 1.0}
    assert "growth (n 3)" in (project.pack / "index.html").read_text()
    again = project.run("cost", "growth")
    assert (again.executed, again.unchanged) == ([], ["cost", "growth.3", "growth.1"])


def test_one_slice_is_made_alone_and_one_that_is_asked_for_no_more_goes(project):
    project.quick_report("growth")
    project.quick_report("cost")
    _sliced(project, "{n: [1, 2]}")
    one = project.run("growth", sets=["n=2"])
    assert (one.executed, list(one.revision.manifest["reports"])) == (["growth.2"], ["growth.2"])
    two = project.run("growth")
    assert (two.executed, two.unchanged) == (["growth.1"], ["growth.2"])
    other = project.run("cost")
    assert sorted(other.revision.manifest["reports"]) == ["cost", "growth.1", "growth.2"]
    alone = project.run("growth", sets=["n=1"])
    assert (alone.executed, alone.unchanged) == ([], ["growth.1"])
    _sliced(project, "{n: [2]}")
    less = project.run("growth")
    assert sorted(less.revision.manifest["reports"]) == ["cost", "growth.2"]
    assert less.revision.record["changed"] == "growth.1: removed"


def test_a_headline_of_a_slice_names_it_and_is_held_against_its_own_past():
    rows = [("cost.north", "2026Q2", 0.1), ("cost.south", "2026Q2", 0.5), ("cost.north", "2026Q3", 0.2),
            ("cost.south", "2026Q3", 0.4)]  # fmt: skip
    trend = pd.DataFrame(rows, columns=["report", "period", "value"])
    trend = trend.assign(figure_id="share", headline="cost to serve", unit="share", low=None, high=None)
    north, south = catalogue._headlines("2026Q3", trend)
    assert (north["name"], south["name"]) == ("cost to serve (north)", "cost to serve (south)")
    assert ("10.0" in north["was"], "50.0" in south["was"]) == (True, True)
    assert north["line"] != south["line"]
    assert north["line"].count(",") == 2  # two values of its own


def test_a_slice_that_fails_is_named_and_the_others_are_archived(project):
    project.notebook("growth", "print(1 / (n - 1))")
    _sliced(project, "{n: [1, 2]}")
    said, revisions = project.refusals("growth")
    assert said == (
        "notebooks/growth.ipynb (slice 1) failed in cell 4 (section 1.1): ZeroDivisionError: division by zero. "
        f"{PARTIAL}growth.1.html.\nreports/acme/2026Q3/r1 is archived without growth.1."
    )
    assert revisions == ["r1"]


def _open_files():
    """What a process holds open: files, pipes and sockets by their kind."""
    listed, found = os.listdir("/proc/self/fd"), []
    for number in listed:
        with suppress(FileNotFoundError):  # the listing itself
            found.append(os.readlink(f"/proc/self/fd/{number}").split(":")[0])
    return sorted(found)


@pytest.mark.slow
def test_thirty_slices_of_seven_notebooks_leave_nothing_behind(tmp_path, monkeypatch):
    scratch = tempfile.mkdtemp()
    monkeypatch.setattr(tempfile, "tempdir", scratch)
    project = Project(tmp_path)
    names = [f"report{number}" for number in range(7)]
    for name in names:
        project.quick_report(name)
    (tmp_path / "params/acme/2026Q3.yaml").write_text(f"all:\n  slices: {{n: {list(range(30))}}}\n")
    code = f"""
import json, os, resource, sys
sys.path.insert(0, {str(ROOT / "tests")!r})
from pathlib import Path
import psutil
from test_runner import Project, _open_files
project = Project(Path({str(tmp_path)!r}))
project.rows = {project.rows!r}
before = _open_files()
made = project.run(*{names!r})
left = [one.name() for one in psutil.Process().children(recursive=True)]
held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps([len(made.executed), before == _open_files(), left, held]))
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"TMPDIR": scratch},
                         capture_output=True, text=True)  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    executed, same_files, left, held_gib = json.loads(run.stdout.splitlines()[-1])
    assert (executed, same_files, left) == (210, True, [])
    assert held_gib < 2
    assert os.listdir(scratch) == []
    os.rmdir(scratch)
    assert len(list((project.pack / "r1").glob("*.html"))) == 210
    assert archive.check(project.pack) == []


# -- what became of each run -------------------------------------------------------------------


def _states(project):
    return [(past.number, past.state, past.revision) for past in ledger.runs(project.pack)]


def test_each_run_has_a_state_that_its_events_prove(project):
    project.quick_report("a")
    project.run("a")
    project.run("a")
    project.notebook("bad", "1 / 0")
    with pytest.raises(ReportError) as failed:
        project.run("a", "bad")
    fault = " ".join(str(failed.value).split())
    assert _states(project) == [(1, "archived", "r1"), (2, "unchanged", ""), (3, "failed", "")]
    assert ledger.runs(project.pack)[0].done == ["a"]
    assert ledger.runs(project.pack)[2].fault == fault
    with company.alone(project.pack):
        ledger.append(project.pack, {"run": 4, "event": "begun"}, ledger.clock())
        assert _states(project)[-1] == (4, "running", "")
    assert _states(project)[-1] == (4, "killed", "")
    link = archive.link_of(archive.revisions(project.pack)[0])
    told = {"run": 4, "event": "archiving", "revision": "r2", "link": link}
    ledger.append(project.pack, told, ledger.clock())
    assert _states(project)[-1] == (4, "killed", "")  # it is not there
    ledger.append(project.pack, told | {"revision": "r1"}, ledger.clock())
    assert _states(project)[-1] == (4, "archived", "r1")


@pytest.mark.parametrize(
    "line",
    ["1", "[]", '{"at": 1, "run": 9, "event": "begun"}', '{"at": "x", "run": [], "event": "begun"}',
     '{"at": "x", "run": 9, "event": "report"}', '{"at": "x", "run": 9, "event": "archiving", "revision": 1}'],
)  # fmt: skip
def test_a_line_of_a_ledger_that_says_nothing_is_none(project, line):
    project.quick_report("a")
    project.run("a")
    path = project.pack / "ledger.jsonl"
    path.write_text(path.read_text() + line + "\n")
    assert _states(project) == [(1, "archived", "r1")]


def test_each_state_of_a_run_has_its_words(tmp_path):
    def told(*events):
        (tmp_path / ledger.LEDGER).unlink(missing_ok=True)
        for event in ({"event": "begun"}, *events):
            ledger.append(tmp_path, {"run": 7} | event, datetime(2026, 11, 1, 10, tzinfo=UTC))
        return [past.text() for past in ledger.runs(tmp_path)]

    done = [{"event": "report", "state": "done", "report": name} for name in ("cost", "nps")]
    ended = [{"event": "ended", "state": state} for state in ("unchanged", "interrupted", "failed")]
    run = "run 7 of 2026-11-01T10:00:00: "
    assert told(*done) == [f"{run}killed after cost, nps; the next run takes these up"]
    assert told() == [f"{run}killed"]
    assert told(ended[0]) == [f"{run}unchanged"]
    assert told(done[0], ended[1]) == [f"{run}interrupted after cost; the next run takes these up"]
    assert told(ended[2] | {"fault": "disk gone."}) == [f"{run}failed: disk gone."]
    with company.alone(tmp_path):
        assert told(*done) == [f"{run}running"]
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "chain.json").write_text("{}")
    archiving = {"event": "archiving", "revision": "r1", "link": archive.sha256("{}")}
    assert told(*done, archiving) == [f"{run}archived r1"]


def test_a_ledger_is_only_added_to_and_lives_with_a_torn_line_and_a_clock_set_back(project):
    project.quick_report("a")
    days = iter(datetime(2026, 11, day, tzinfo=UTC) for day in (5, 6, 6, 7, 3, 2, 1, 1, 1, 1, 1, 1))
    project.run("a", now=lambda: next(days))
    path = project.pack / ledger.LEDGER
    before = path.read_bytes()
    events = [json.loads(line) for line in before.splitlines()]
    assert [(event["at"][8:10], event.get("behind", "")[8:10]) for event in events][:6] == [
        ("05", ""), ("06", ""), ("06", ""), ("07", ""), ("02", "07"), ("01", "02")
    ]  # fmt: skip
    assert archive.revisions(project.pack)[0].record["finished_at"] == "2026-11-03T00:00:00+00:00"
    with path.open("ab") as file:
        file.write(b'{"at": "2026')
    project.run("a", now=lambda: datetime(2026, 10, 1, tzinfo=UTC))
    assert path.read_bytes().startswith(before + b'{"at": "2026\n')
    assert _states(project) == [(1, "archived", "r1"), (2, "unchanged", "")]


# -- parameters for plain papermill ------------------------------------------------------------

AWKWARD = [
    "NO", "on", "y", "~", "007", "1e5", "12:30", "2025_1", "nan", "", " a ", "# a", "a: b", '"', "\\", "'", "\n\t\r",
    "\x00\x07\x7f\x85\xa0\u2028\ufeff", "Zürich", "😀", "1.0", "2026-01-01", "<<", "!!str", "*a", "&a", "{}", "[",
    1e-7, 3.0, -0.0, 1e22, 1.5e-300, 0.1, 0, -7, 10**20, True, False, None, [], {},
    [1, 2.0, ["NO", None]], {"on": [1e-7, {"a b": "12:30"}], "1": 3.0, "": True},
]  # fmt: skip


@pytest.mark.parametrize("value", AWKWARD, ids=repr)
@pytest.mark.parametrize("name", ["n", "on", "No", "_1"])
def test_both_versions_of_yaml_read_the_value_that_was_written(name, value):
    line = runner.yaml_line(name, value)
    assert "\n" not in line
    for found in (yaml.safe_load(line), YAML(typ="safe", pure=True).load(line), yaml_1_2("safe").load(line)):
        assert repr(found) == repr({name: value})  # the kind too: 3.0 is not 3


def test_papermill_makes_a_report_by_hand_with_the_archived_parameters(project, monkeypatch):
    monkeypatch.setattr(runner, "_execute", lambda run, job: setattr(job, "page", job.report))
    project.notebook("a", "print(repr([company, period, n]))")
    folder = project.run("a", sets=["n=7"]).revision.folder
    assert (folder / "parameters/a.yaml").read_text() == 'company: "acme"\nn: 7\nperiod: "2026Q3"\n'
    out = project.home / "out.ipynb"
    command = ["papermill", "-f", folder / "parameters/a.yaml", project.home / "notebooks/a.ipynb", out]
    subprocess.run([sys.executable, "-m", *command, "--no-progress-bar"], check=True, capture_output=True)
    assert "['acme', '2026Q3', 7]" in out.read_text()


# -- what the proof asks -----------------------------------------------------------------------


def _executed(path, counts=(1, 2), **change):
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "# T", "id": "a"},
        *({"cell_type": "code", "metadata": {"papermill": {"status": "completed"}}, "source": "1", "id": f"c{n}",
           "execution_count": count, "outputs": []} for n, count in enumerate(counts)),
    ]  # fmt: skip
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


@pytest.mark.parametrize(
    ("counts", "ended", "ledger", "fault"),
    [
        ((1, 2), "", {"cell": 3}, ""),
        ((1, None), "", {"cell": 2}, "stopped in cell 3: it was never executed"),
        ((1, 2), "timed out after 9 s", {"cell": 3}, "stopped in cell 3: timed out after 9 s"),
        ((None, None), "its process died with exit code 1: no kernel", {},
         "stopped before its first cell: its process died with exit code 1: no kernel"),
    ],
)  # fmt: skip
def test_a_notebook_is_complete_by_process_ledger_and_counts(tmp_path, counts, ended, ledger, fault):
    executed = _executed(tmp_path / "executed.ipynb", counts)
    assert kernels._proof(executed, _executed(tmp_path / "source.ipynb"), ended, ledger)[1] == fault


@pytest.mark.parametrize("left", [None, '{"cells": [{"cell'])
def test_a_notebook_cut_off_while_written_is_no_traceback(tmp_path, left):
    executed = tmp_path / "executed.ipynb"
    if left:
        executed.write_text(left)
    found = kernels._proof(executed, _executed(tmp_path / "source.ipynb"), "timed out after 9 s", {"cell": 2})
    assert found == (None, "stopped in cell 2: timed out after 9 s")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "died with exit code 0"),
        (3, "died with exit code 3"),
        (-9, "was killed by signal 9 (likely out of memory)"),
        (-11, "was killed by signal 11 (Segmentation fault)"),
    ],
)
def test_how_a_process_ended_is_said_in_words(code, words):
    assert kernels._death(code) == words

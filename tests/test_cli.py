"""Does every verb end with its exit code and one message, never with a traceback?"""

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from conftest import ROOT
from toolkit import cli, company, frames, warehouse
from toolkit.errors import DataError, ReportError
from toolkit.reporting import archive, parameters, runner, verify

HEAD = 'company: str = "acme"  # whose data\nperiod: str = "2026Q3"  # which period\nn: int = 1  # a number\n'
SETTINGS = "company:\n  title: Acme\n  zone: UTC\n  currency: EUR\n  pseudonym_key: public\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project of one company and two notebooks, entered; no kernel is started for it."""
    monkeypatch.chdir(tmp_path)
    for folder in ("params/acme", "notebooks"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "params/acme/base.yaml").write_text(SETTINGS)
    for name in ("cost", "service"):
        cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": HEAD}
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(json.dumps({"cells": [cell]}))

    def execute(run, job):
        job.page = f"<h1>{job.report} {job.values['n'].value}</h1>"

    monkeypatch.setattr(runner, "_execute", execute)
    monkeypatch.setattr(frames, "materialise", lambda *_: {})
    return tmp_path


@pytest.fixture
def toolkit(capsys):
    """Run the command line: its exit code, what it printed, and what it said on stderr; its events apart."""

    def run(*arguments):
        code = cli.main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        lines = err.splitlines(keepends=True)
        run.events = [json.loads(line) for line in lines if line.startswith("{")]
        return code, out, "".join(line for line in lines if not line.startswith("{"))

    return run


def _period(home, name):
    (home / "params/acme" / f"{name}.yaml").write_text("")


# -- help --------------------------------------------------------------------------------------


def test_help_lists_every_verb_with_what_it_does():
    shown = subprocess.run([sys.executable, "-m", "toolkit.cli", "--help"], capture_output=True, text=True, cwd=ROOT)
    verbs = [line.split()[0] for line in shown.stdout.splitlines() if line.startswith("    ") and line[4] != " "]
    assert (shown.returncode, verbs) == (
        0,
        ["sample", "ingest", "check", "run", "compare", "verify", "sign", "new", "lab", "list", "prune"],
    )


def test_no_verb_is_a_fault_of_the_command_line(capsys):
    with pytest.raises(SystemExit) as refused:
        cli.main([])
    assert refused.value.code == 2
    assert capsys.readouterr().err.endswith("toolkit: error: the following arguments are required: VERB\n")


# -- exit codes --------------------------------------------------------------------------------


def test_an_unknown_company_is_exit_2(home, toolkit):
    message = "error: params: no company 'acne'; there are: acme. Did you mean 'acme'?\n"
    for arguments in (["run", "acne"], ["check", "acne"], ["ingest", "acne", "--from", "raw"]):
        assert toolkit(*arguments) == (2, "", message)


def test_an_unknown_period_is_exit_2(home, toolkit):
    assert toolkit("run", "acme", "2026Q5") == (
        2, "", "error: period: expected one like 2026Q3, 2026-07, 2026H2 or 2026, found '2026Q5'.\n"
    )  # fmt: skip


def test_a_period_that_is_still_to_come_is_exit_2(home, toolkit):
    assert toolkit("run", "acme", "2126Q3") == (
        2, "", "error: acme: 2126Q3 begins on 2126-07-01, which is still to come. Name a period that has begun.\n"
    )  # fmt: skip
    assert not (home / "reports/acme/2126Q3").exists()


def test_a_notebook_that_does_not_read_is_exit_2(home, toolkit, monkeypatch):
    monkeypatch.setattr(runner, "_execute", lambda run, job: setattr(job, "page", job.report))
    assert toolkit("run", "acme", "2026Q3")[0] == 0
    (home / "notebooks/cost.ipynb").write_text("{")
    for asked in (["run", "acme", "2026Q3"], ["compare", "acme", "2026Q3", "today"]):
        code, _, err = toolkit(*asked)
        assert (code, err[:32]) == (2, "error: notebooks/cost.ipynb: exp")
    assert (
        toolkit("verify", "acme", "2026Q3")[1].count("cost: not checkable, because of notebooks/cost.ipynb: exp") == 1
    )


def test_unknown_reports_are_exit_2_and_all_named(home, toolkit):
    assert toolkit("run", "acme", "2026Q3", "--only", "costs", "--only", "zz", "--only", "service") == (
        2,
        "",
        "error: 2 faults:\n"
        "  1. --only costs: no such notebook; there are: cost, service. Did you mean 'cost'?\n"
        "  2. --only zz: no such notebook; there are: cost, service.\n",
    )


def test_no_notebooks_is_exit_2(home, toolkit):
    shutil.rmtree(home / "notebooks")
    assert toolkit("run", "acme", "2026Q3") == (2, "", "error: notebooks: expected notebooks, found none.\n")


def test_no_period_anywhere_is_exit_2(home, toolkit):
    assert toolkit("run", "acme") == (
        2, "", "error: params/acme: no period is named and no <period>.yaml is there to tell the latest.\n"
    )  # fmt: skip


def test_data_that_are_not_there_are_exit_3(home, toolkit, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(home)
    (home / "notebooks/service.ipynb").unlink()
    cells = [
        {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": HEAD},
        {"cell_type": "code", "metadata": {}, "source": 'frame("orders")'},
    ]
    (home / "notebooks/cost.ipynb").write_text(json.dumps({"cells": cells}))
    code, out, err = toolkit("run", "acme", "2026Q3")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert err.startswith("error: ")
    assert toolkit("check", "acme")[0] == 3


def test_a_report_that_fails_is_exit_4_and_the_note_follows(home, toolkit, monkeypatch):
    def fail(run, job):
        error = runner.ReportError(f"notebooks/{job.report}.ipynb failed.")
        error.add_note("cause")
        raise error

    monkeypatch.setattr(runner, "_execute", fail)
    assert toolkit("run", "acme", "2026Q3", "--workers", "1") == (
        4,
        "",
        "error: 2 faults:\n  1. notebooks/cost.ipynb failed.\n  2. notebooks/service.ipynb failed.\n",
    )
    fault = "2 faults: 1. notebooks/cost.ipynb failed. 2. notebooks/service.ipynb failed."
    assert re.sub(r"of \S+:", "of T:", toolkit("list")[1]) == f"acme 2026Q3 run 1 of T: failed: {fault}\n"


def test_a_note_is_printed_below_the_message(home, toolkit, monkeypatch):
    def fail(*_):
        error = DataError("orders: no rows.")
        error.add_note("Likely cause: an empty export.")
        raise error

    monkeypatch.setattr(frames, "materialise", fail)
    assert toolkit("run", "acme", "2026Q3") == (3, "", "error: orders: no rows.\nLikely cause: an empty export.\n")


def test_an_interrupt_is_exit_130(home, toolkit, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "_execute", interrupt)
    code, _, err = toolkit("run", "acme", "2026Q3")
    assert (code, err) == (130, "error: interrupted.\n")
    assert not list((home / "reports/acme/2026Q3").glob(".staging-*"))


def test_a_bug_of_ours_keeps_its_traceback(home, monkeypatch, capsys):
    monkeypatch.setattr(frames, "materialise", lambda *_: 1 / 0)
    assert cli.main(["run", "acme", "2026Q3"]) == 1
    said = capsys.readouterr().err
    assert "Traceback (most recent call last)" in said
    assert said.endswith("ZeroDivisionError: division by zero\n")


# -- run, list, check --------------------------------------------------------------------------


def test_run_says_what_was_executed_and_where_it_stands(home, toolkit):
    index = home / "reports/acme/2026Q3/index.html"
    assert toolkit("run", "acme", "2026Q3", "--workers", "1") == (
        0, f"acme 2026Q3: r1 archived; executed: cost, service\n{index}\n", ""
    )  # fmt: skip
    assert toolkit("run", "acme", "2026Q3") == (
        0, f"acme 2026Q3: unchanged, nothing was executed; r1 holds.\n{index}\n", ""
    )  # fmt: skip
    code, out, _ = toolkit("run", "acme", "2026Q3", "--set", "n=2", "--only", "cost", "--reason", "asked")
    assert (code, out.splitlines()[0]) == (0, "acme 2026Q3: r2 archived; executed: cost")
    assert (home / "reports/acme/2026Q3/r2/cost.html").read_text() == "<h1>cost 2</h1>"
    assert (home / "reports/acme/2026Q3/r2/service.html").read_text() == "<h1>service 1</h1>"
    assert toolkit("list", "acme")[1] == (
        "acme 2026Q3 r1  superseded  first run  cost, service\nacme 2026Q3 r2  DRAFT  asked  cost, service\n"
    )


def test_progress_is_one_json_object_a_line_where_stderr_is_no_terminal(home, toolkit):
    toolkit("run", "acme", "2026Q3", "--workers", "1")
    for event in toolkit.events:
        assert abs(datetime.fromisoformat(event.pop("at")) - datetime.now(UTC)) < timedelta(minutes=1)
    pack = {"period": "2026Q3"}
    done = [
        {"event": "report", "state": "done", **pack, "report": report, "seconds": 0.0, "memory_mb": 0}
        for report in ("cost", "service")
    ]
    archived = {"event": "archived", **pack, "revision": "r1", "reports": ["cost", "service"], "failed": []}
    assert toolkit.events == [{"event": "asked", **pack, "reports": 2}, *done, archived]
    toolkit("run", "acme", "2026Q3")
    assert toolkit.events == []  # it was sealed
    (home / "reports/acme/2026Q3/.seal.json").unlink()
    toolkit("run", "acme", "2026Q3")
    assert [(event["state"], event["report"]) for event in toolkit.events if event["event"] == "report"] == [
        ("unchanged", "cost"), ("unchanged", "service")
    ]  # fmt: skip


def test_a_run_goes_on_when_nobody_reads_its_progress(home, toolkit, monkeypatch):
    class Closed:
        def isatty(self):
            return False

        def write(self, _):
            raise BrokenPipeError

    with monkeypatch.context() as patch:
        patch.setattr(cli.sys, "stderr", Closed())
        assert cli.main(["run", "acme", "2026Q3"]) == 0


def test_several_periods_are_made_oldest_first_and_one_that_fails_stops_no_other(home, toolkit, monkeypatch):
    execute = runner._execute

    def fail_in_spring(run, job):
        if run.period.name == "2026Q2":
            raise ReportError(f"notebooks/{job.report}.ipynb failed.")
        execute(run, job)

    monkeypatch.setattr(runner, "_execute", fail_in_spring)
    for name in ("2026Q3", "2026Q1", "2026Q2"):
        _period(home, name)
    code, out, err = toolkit("run", "acme", "--all")
    assert code == 4
    assert out.splitlines()[::2] == [
        f"acme {name}: r1 archived; executed: cost, service" for name in ("2026Q1", "2026Q3")
    ]
    assert err == (
        "error: 2026Q2: 2 faults:\n"
        "       1. notebooks/cost.ipynb failed.\n"
        "       2. notebooks/service.ipynb failed.\n"
    )  # fmt: skip
    code, out, err = toolkit("run", "acme", "2026Q3", "2026Q1", "2026Q3")
    assert (code, err) == (0, "")
    assert [line.split(":")[0] for line in out.splitlines()[::2]] == ["acme 2026Q1", "acme 2026Q3"]


def test_a_parameter_that_is_wrong_in_one_period_starts_none(home, toolkit):
    _period(home, "2026Q2")
    (home / "params/acme/2026Q3.yaml").write_text("cost:\n  m: 1\n")
    assert toolkit("run", "acme", "--all") == (
        2, "", "error: params/acme/2026Q3.yaml, line 2: unknown parameter 'm'; notebooks/cost.ipynb accepts: n.\n"
    )  # fmt: skip
    assert not (home / "reports").exists()


def test_faults_of_several_periods_keep_their_kind_and_their_notes(home, toolkit, monkeypatch):
    def fail(_, period, *__):
        error = DataError(f"orders: no rows in {period.name}.")
        error.add_note("Likely cause: an empty export.")
        raise error

    monkeypatch.setattr(frames, "materialise", fail)
    assert toolkit("run", "acme", "2026Q3", "2026Q2") == (
        3,
        "",
        "error: 2 faults:\n"
        "  1. 2026Q2: orders: no rows in 2026Q2.\n     Likely cause: an empty export.\n"
        "  2. 2026Q3: orders: no rows in 2026Q3.\n     Likely cause: an empty export.\n",
    )


def test_all_periods_and_named_ones_exclude_each_other(home, capsys):
    with pytest.raises(SystemExit) as refused:
        cli.main(["run", "acme", "2026Q3", "--all"])
    assert refused.value.code == 2
    assert capsys.readouterr().err.endswith("error: argument --all: not allowed with argument period\n")


def test_a_notebook_that_asks_for_key_figures_is_made_after_the_others(home, toolkit):
    cells = [
        {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": HEAD},
        {"cell_type": "code", "metadata": {}, "source": 'figures = frame("key_figures")'},
    ]
    (home / "notebooks/a_board.ipynb").write_text(json.dumps({"cells": cells}))
    code, out, _ = toolkit("run", "acme", "2026Q3")
    assert (code, out.splitlines()[0]) == (0, "acme 2026Q3: r1 archived; executed: cost, service, a_board")
    manifest = json.loads((home / "reports/acme/2026Q3/r1/manifest.json").read_text())
    assert {report: list(entry["frames"]) for report, entry in manifest["reports"].items()} == {
        "a_board": ["key_figures"], "cost": [], "service": []
    }  # fmt: skip
    assert toolkit("run", "acme", "2026Q3")[1].startswith("acme 2026Q3: unchanged")


def test_the_latest_period_is_the_one_that_ends_last(home, toolkit):
    for name in ("2026Q1", "2026H2", "2026-09", "2025"):
        _period(home, name)
    assert toolkit("run", "acme")[1].splitlines()[-2].startswith("acme 2026H2: r1 archived")


def test_list_shows_all_companies_and_refuses_an_unknown_one(home, toolkit):
    assert toolkit("list") == (0, "", "")
    toolkit("run", "acme", "2026Q3")
    (home / "reports/.failed/acme/2026Q3").mkdir(parents=True)
    assert toolkit("list") == (0, "acme 2026Q3 r1  DRAFT  first run  cost, service\n", "")
    assert toolkit("list", "acne") == (
        2, "", "error: reports: no company 'acne'; there are: acme. Did you mean 'acme'?\n"
    )  # fmt: skip


def test_new_period_writes_the_next_params_every_parameter_in_a_comment(home, toolkit, monkeypatch):
    monkeypatch.setattr(warehouse, "Warehouse", _Warehouse)
    more = 'share: float = 1e-7  # a part of it\nregion: str = "NO"  # where\nkinds: list[str] = ["a"]  # which\n'
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": HEAD + more}
    (home / "notebooks/service.ipynb").write_text(json.dumps({"cells": [cell]}))
    (home / "params/acme/base.yaml").write_text(SETTINGS + "cost:\n  n: 7\n")
    for name in ("2026Q3", "2026Q4"):
        _period(home, name)
    path = home / "params/acme/2027Q1.yaml"
    assert toolkit("new", "period", "acme") == (0, f"{path.relative_to(home)}\n", "")
    assert path.read_text() == (
        "# Acme, 2027Q1: what differs from base.yaml. Take the '# ' away before a name to set it.\n"
        "\ncost:\n"
        "  # n: 7  # int: a number\n"
        "\nservice:\n"
        "  # n: 1  # int: a number\n"
        "  # share: 1.0e-07  # float: a part of it\n"
        '  # region: "NO"  # str: where\n'
        '  # kinds: ["a"]  # list[str]: which\n'
    )
    assert toolkit("check", "acme")[0] == 0
    found, notebooks = company.load("acme", home), sorted((home / "notebooks").glob("*.ipynb"))
    before = parameters.resolved(found, "2027Q1", notebooks)
    path.write_text(path.read_text().replace("  # ", "  ", 1).replace("\n  # ", "\n  "))
    assert toolkit("check", "acme")[0] == 0
    after = parameters.resolved(found, "2027Q1", notebooks)
    assert {name: value.value for name, value in after["service"].items()} == {
        name: value.value for name, value in before["service"].items()
    }
    assert after["cost"]["n"].origin == "params/acme/2027Q1.yaml, line 4"
    assert toolkit("new", "period", "acme", "2027Q1") == (
        2,
        "",
        "error: params/acme/2027Q1.yaml: is there already and was left as it is. Edit it, or name another period.\n",
    )
    assert toolkit("new", "period", "acme", "2028-13")[0] == 2
    assert toolkit("new", "period", "acme", "2028H1") == (0, "params/acme/2028H1.yaml\n", "")


def test_new_period_needs_one_to_follow(home, toolkit):
    assert toolkit("new", "period", "acme") == (
        2, "", "error: params/acme: no period is named and no <period>.yaml is there to follow.\n"
    )  # fmt: skip


class _Warehouse:
    """A warehouse that was brought nothing but orders."""

    def __init__(self, _):
        pass

    def has(self, table):
        return table == "orders"


def test_check_runs_nothing_and_says_what_holds(home, toolkit, monkeypatch):
    monkeypatch.setattr(warehouse, "Warehouse", _Warehouse)
    _period(home, "2026Q3")
    toolkit("run", "acme", "2026Q3")
    code, out, err = toolkit("check", "acme")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == "params/acme: sound, 1 periods, 2 notebooks"
    assert lines[1] == "notebooks/cost.ipynb, cell 1: expected one title, '# Title', and it on top."
    assert lines[3].startswith("warehouse: 1 tables; not brought: customers, ")
    assert "  payments would bring more to cost_to_serve" in out
    assert (
        lines[-1]
        == "archive: every file is what its manifest says, every chain holds, the head lists nothing that is gone"
    )


def test_check_finds_a_changed_file_in_any_period(home, toolkit, monkeypatch):
    monkeypatch.setattr(warehouse, "Warehouse", _Warehouse)
    for period in ("2026Q2", "2026Q3"):
        toolkit("run", "acme", period)
    for period in ("2026Q2", "2026Q3"):
        page = home / "reports/acme" / period / "r1" / "cost.html"
        page.chmod(0o644)
        page.write_text("changed")
    code, _, err = toolkit("check", "acme")
    assert code == 3
    assert err == (
        "error: 2 faults:\n"
        "  1. reports/acme/2026Q2/r1: cost.html is not what was archived.\n"
        "  2. reports/acme/2026Q3/r1: cost.html is not what was archived.\n"
    )


def test_check_reads_the_parameters_of_every_period(home, toolkit):
    for period in ("2026Q2", "2026Q3"):
        (home / "params/acme" / f"{period}.yaml").write_text("cost:\n  m: 1\n")
    assert toolkit("check", "acme") == (
        2,
        "",
        "error: params/acme/2026Q2.yaml, line 2: unknown parameter 'm'; notebooks/cost.ipynb accepts: n.\n",
    )


def test_compare_names_what_there_is(home, toolkit, monkeypatch):
    monkeypatch.setattr(runner, "_execute", lambda run, job: setattr(job, "page", job.report))
    assert toolkit("compare", "acme", "2026Q3")[1:] == (
        "",
        "error: reports/acme: no revision '2026Q3'; there are 0: none.\n",
    )
    assert toolkit("run", "acme", "2026Q3")[0] == 0
    assert toolkit("compare", "acme", "2026Q3/r2") == (
        2, "", "error: reports/acme: no revision '2026Q3/r2'; there are 1: '2026Q3/r1'. Did you mean '2026Q3/r1'?\n"
    )  # fmt: skip
    assert toolkit("compare", "acme", "2026Q3") == (
        2, "", "error: reports/acme/2026Q3/r1: expected a revision before it, found none. Name the two to compare.\n"
    )  # fmt: skip
    code, out, _ = toolkit("compare", "acme", "2026Q3", "2026Q3/r1")
    assert (code, out) == (0, f"{home.resolve()}/reports/acme/compared/2026Q3-r1--2026Q3-r1.html\n")
    notebook = home / "notebooks" / "cost.ipynb"
    notebook.write_text(notebook.read_text().replace("1", "2"))
    assert toolkit("run", "acme", "2026Q3", "--reason", "two")[0] == 0
    assert toolkit("compare", "acme", "2026Q3")[1].endswith("/compared/2026Q3-r1--2026Q3-r2.html\n")


def test_verify_needs_to_know_what_and_ends_as_the_verdicts_say(home, toolkit, monkeypatch):
    monkeypatch.setattr(runner, "_execute", lambda run, job: setattr(job, "page", job.report))
    assert toolkit("run", "acme", "2026Q3")[0] == 0
    expected = "error: verify: expected a company and a period or revision, or --page FILE.\n"
    assert toolkit("verify") == toolkit("verify", "acme") == (2, "", expected)
    asked, saying = [], []

    def verdicts(found, period, revision, notebooks, frames_now, digest_of, tell):
        asked.append((found.name, period.name, revision.name, notebooks.name))
        tell("cost: differs")
        return [verify.Verdict("cost", said) for said in saying]

    monkeypatch.setattr(verify, "verify", verdicts)
    for words, code in (
        (["identical", "same within tolerance"], 0),
        (["identical", "differs"], 1),
        (["not checkable"], 1),
    ):
        saying[:] = words
        assert toolkit("verify", "acme", "2026Q3")[:2] == (
            code,
            "unanchored: no head is signed, and none that was kept elsewhere is given (--head FILE)\n"
            "r1 is a draft: nobody signed it\ncost: differs\n",
        )
    assert set(asked) == {("acme", "2026Q3", "r1", "notebooks")}
    noted = "acme 2026Q3 r1: noted by bob on "
    assert toolkit("sign", "acme", "2026Q3", "--reviewer", "bob", "--comment", "fine")[1].startswith(noted)
    monkeypatch.setattr(archive, "newest", lambda folder: archive.Revision(2, folder / "r2", {}))
    assert toolkit("sign", "acme", "2026Q3/r1", "--reviewer", "eve")[1].endswith("; r2 supersedes it\n")
    saying[:] = ["identical"]
    code, out, _ = toolkit("verify", "acme", "2026Q3", "--head", str(home / "reports" / "head.json"))
    assert (code, out.splitlines()[0]) == (0, f"anchored by {home}/reports/head.json")
    assert re.fullmatch(r"r1 noted by bob on \d{4}-\d\d-\d\d: not signed", out.splitlines()[1])
    assert toolkit("verify", "acme", "2026Q3", "--head", "nowhere.json") == (
        2, "", "error: nowhere.json: expected a copy of reports/head.json, found no such file.\n"
    )  # fmt: skip
    (home / "reports/acme/2026Q3/signed/r1-1.json").write_text("{")
    code, out, _ = toolkit("verify", "acme", "2026Q3")
    assert (code, out.splitlines()[1:3]) == (
        1,
        [
            "reports/acme/2026Q3: signed/r1-1.json is not the one that the head lists.",
            "r1 void by ? on ?: it does not read",
        ],
    )
    (home / "sent.html").write_text("a page")
    assert toolkit("verify", "--page", str(home / "sent.html")) == (
        3, "", f"error: {home}/sent.html: expected a report page with the recipe that it was made by, found none.\n"
    )  # fmt: skip

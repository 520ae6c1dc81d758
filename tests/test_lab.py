"""Does a notebook that a person runs say that it is a draft, check its parameters, and tell when it is out of order?"""

import json
import os
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

from toolkit import cli, company, frames, lab
from toolkit.errors import ParamsError
from toolkit.reporting import archive, parameters

SETTINGS = "company:\n  title: Acme\n  zone: UTC\n  currency: EUR\n  pseudonym_key: public\n"
HEAD = """from datetime import date

company: str = "acme"  # whose data
period: str = "2026Q3"  # which period
share: float = 0.5  # of é, a part
kinds: list[str] = [
    "a", "b"]  # which
until: date = "2026-09-30"  # up to
"""
OPENING = "from toolkit import frames\nframe = frames.reader(company, period)"


def _notebook(path, *sources):
    cells = [
        {"cell_type": "code", "id": f"c{at}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for at, source in enumerate(sources)
    ]
    cells[0]["metadata"] = {"tags": ["parameters"]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project of one company and one notebook, entered."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params/acme").mkdir(parents=True)
    (tmp_path / "params/acme/base.yaml").write_text(SETTINGS)
    _notebook(tmp_path / "notebooks/cost.ipynb", HEAD, OPENING, "a = 1", "b = a + 1")
    return tmp_path


@pytest.fixture
def kernel(home, monkeypatch):
    """A kernel by hand that JupyterLab has opened the notebook in: what it showed, and a way to run a cell."""
    registered, shown = [], []
    events = SimpleNamespace(register=lambda name, call: registered.append((name, call)))
    shell = SimpleNamespace(kernel=True, user_ns={"In": [""]}, events=events)
    path = home / "notebooks/cost.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    monkeypatch.setattr(lab, "_shell", lambda: shell)
    monkeypatch.setattr(lab, "_show", lambda lines: shown.append(" ".join(lines)))

    def run(at, source=None):
        source = source or json.loads(path.read_text())["cells"][at]["source"]
        shell.user_ns["In"].append(source)
        for _, call in registered:
            call(SimpleNamespace(cell_id=f"c{at}", raw_cell=source, silent=False))
        exec(source, shell.user_ns)
        if "frames.reader" in source:
            lab.opened(shell.user_ns["company"], shell.user_ns["period"])

    return SimpleNamespace(run=run, shown=shown, path=path, registered=registered, names=shell.user_ns)


def _archived(home, tables=("report/one",)):
    found = company.load("acme", home)
    folder = found.reports / "2026Q3"
    staging = home / "staging"
    folder.mkdir(parents=True)
    for name in tables:
        (staging / "tables" / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / "tables" / f"{name}.csv").write_text("x\n1\n")
    (staging / "cost.html").write_text("<h1>Cost</h1>")
    return archive.commit(folder, staging, {"reports": {}, "company": "acme", "period": "2026Q3"}, {})


# -- what is shown ---------------------------------------------------------------------------------


def test_a_person_is_told_that_it_is_a_draft_and_where_the_archived_report_is(home, kernel):
    kernel.run(0)
    kernel.run(1)
    assert "DRAFT" in kernel.shown[0]
    assert "No report of 2026Q3 is archived yet." in kernel.shown[0]
    _archived(home)
    kernel.run(1)
    assert 'href="../reports/acme/2026Q3/r1/cost.html"' in kernel.shown[-1]


def test_a_value_that_is_not_that_of_the_params_is_told_with_its_line(home, kernel):
    (home / "params/acme/base.yaml").write_text(SETTINGS + "cost:\n  share: 0.25\n")
    kernel.run(0)
    kernel.run(1)
    assert "share is 0.5 here; a run would take 0.25 (params/acme/base.yaml, line 7)." in kernel.shown[0]
    assert "kinds is" not in kernel.shown[0]
    assert "until is" not in kernel.shown[0]


def test_a_parameter_of_the_wrong_type_is_told_as_a_run_would(home, kernel):
    wrong = HEAD.replace("= 0.5 ", '= "half" ')
    kernel.run(0, wrong)
    with pytest.raises(ParamsError) as by_hand:
        kernel.run(1)
    _notebook(kernel.path, wrong, OPENING)
    with pytest.raises(ParamsError) as by_machine:
        parameters.resolved(company.load("acme", home), "2026Q3", [kernel.path.relative_to(home)])
    assert str(by_hand.value) == str(by_machine.value)
    assert "'share' must be float, found str 'half'." in str(by_hand.value)


def test_what_was_injected_below_the_cell_is_checked_too(kernel):
    kernel.run(0)
    kernel.names["kinds"] = ["a", 3]
    with pytest.raises(ParamsError, match=r"'kinds' must be list\[str\], found list \['a', 3\]"):
        kernel.run(1)


def test_outside_a_kernel_and_in_a_run_nothing_is_said(home, monkeypatch):
    said, opened = [], []
    monkeypatch.setattr(lab, "_show", said.append)
    lab.opened("acme", "2026Q3")
    assert said == []
    monkeypatch.setitem(sys.modules, "ipykernel", object())
    monkeypatch.setattr(lab, "opened", lambda *names: opened.append(names))
    monkeypatch.setenv(frames.FRAMES_VARIABLE, "{}")
    frames.reader("acme", "2026Q3")
    assert opened == []
    monkeypatch.delenv(frames.FRAMES_VARIABLE)
    frames.reader("acme", "2026Q3")
    assert opened == [("acme", "2026Q3")]


# -- order -----------------------------------------------------------------------------------------


def test_a_notebook_run_from_above_says_nothing(kernel):
    for at in range(4):
        kernel.run(at)
    assert len(kernel.shown) == 1
    assert [name for name, _ in kernel.registered] == ["pre_run_cell"]
    kernel.run(1)
    assert len(kernel.registered) == 1  # once in a kernel


def test_a_cell_left_out_above_is_told(kernel):
    for at in (0, 1, 3):
        kernel.run(at, "a = b = 1" if at == 3 else None)
    assert "1 cell was above not run" not in kernel.shown[1]
    assert "1 cell above was not run since the kernel was started." in kernel.shown[1]


def test_a_cell_run_again_above_is_told_by_those_below_what_is_stale(kernel):
    for at in (0, 1, 2, 3, 2):
        kernel.run(at)
    assert len(kernel.shown) == 1  # the second run of it rests on nothing stale
    for at in (0, 3):
        kernel.run(at)
    assert "A cell above was run after one below it, which still holds what it made before." in kernel.shown[-1]


def test_a_cell_edited_above_and_saved_is_told(kernel):
    for at in range(3):
        kernel.run(at)
    _notebook(kernel.path, HEAD, OPENING, "a = 2", "b = a + 1")
    os.utime(kernel.path, (2e9, 2e9))
    kernel.run(3)
    assert "1 cell above was edited after being run." in kernel.shown[-1]


def test_a_file_that_does_not_read_stops_nobody(kernel):
    kernel.run(0)
    kernel.run(1)
    kernel.path.write_text("{")
    kernel.run(2, "a = 1")
    assert len(kernel.shown) == 1


# -- a place to work -------------------------------------------------------------------------------


def test_copies_have_the_parameters_of_the_period_and_where_they_come_from(home):
    (home / "params/acme/base.yaml").write_text(
        SETTINGS + 'cost:\n  share: 0.25\n  kinds: ["ü"]\n  until: 2026-06-30\n'
    )
    folder, said = lab.desk(company.load("acme", home), "2026Q2")
    assert said == []
    copy = json.loads((folder / "cost.ipynb").read_text())
    assert copy["cells"][0]["source"].splitlines()[2:] == [
        'company: str = "acme"  # whose data',
        'period: str = "2026Q2"  # which period',
        "share: float = 0.25  # of é, a part (params/acme/base.yaml, line 7)",
        "kinds: list[str] = ['ü']  # which (params/acme/base.yaml, line 8)",
        'until: date = "2026-06-30"  # up to (params/acme/base.yaml, line 9)',
    ]
    assert parameters.declared(folder / "cost.ipynb")["share"].default == 0.25


def test_a_copy_is_kept_and_said_to_be_old_once_its_notebook_is_another(home):
    found = company.load("acme", home)
    folder, _ = lab.desk(found, "2026Q2")
    mine = (folder / "cost.ipynb").read_text().replace("a + 1", "a + 2")
    (folder / "cost.ipynb").write_text(mine)
    assert lab.desk(found, "2026Q2")[1] == []
    _notebook(home / "notebooks/cost.ipynb", HEAD, OPENING, "a = 7")
    said = ["lab/acme/2026Q2/cost.ipynb is kept: a copy of another cost.ipynb than today's."]
    assert lab.desk(found, "2026Q2")[1] == said
    assert (folder / "cost.ipynb").read_text() == mine


def test_wrong_params_write_no_copy(home):
    (home / "params/acme/base.yaml").write_text(SETTINGS + "cost:\n  shore: 0.25\n")
    with pytest.raises(ParamsError, match="Did you mean 'share'"):
        lab.desk(company.load("acme", home), "2026Q2")
    assert not (home / "lab").exists()


def test_the_verb_opens_jupyterlab_on_the_copies(home, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr("subprocess.run", lambda command, check: asked.append(command) or SimpleNamespace(returncode=0))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    (home / "params/acme/2026Q2.yaml").write_text("")
    assert cli.main(["lab", "acme", "--", "--no-browser"]) == 2  # a period must be named before what is JupyterLab's
    assert cli.main(["lab", "acme", "2026Q2", "--", "--no-browser"]) == 0
    assert asked[-1][1:5] == ["-m", "jupyter", "lab", f"--ServerApp.root_dir={home}"]
    assert "--LabApp.default_url=/lab/tree/lab/acme/2026Q2" in asked[-1]
    assert "--LabApp.news_url=None" in asked[-1]  # it asks nobody outside
    assert len(set(asked[-1])) == len(asked[-1])
    assert asked[-1][-1] == "--no-browser"
    assert str(home / "lab/acme/2026Q2") in capsys.readouterr().out
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["lab", "acme", "2026Q2"]) == 2
    assert "JupyterLab is not installed here. Run: make lab" in capsys.readouterr().err


# -- the archive at hand ---------------------------------------------------------------------------


def test_an_archived_table_is_at_hand_by_its_name(home):
    with pytest.raises(ParamsError, match="nothing is archived yet. Run: toolkit run acme 2026Q3"):
        lab.archived("acme", "2026Q3")
    _archived(home, ("one/mine", "one/both", "two/both"))
    table = lab.archived("acme", "2026Q3")
    pd.testing.assert_frame_equal(table("mine"), pd.DataFrame({"x": [1]}))
    pd.testing.assert_frame_equal(table("two/both"), pd.DataFrame({"x": [1]}))
    with pytest.raises(ParamsError, match="'both' is a table of several reports; there are: 'one/both', 'two/both'"):
        table("both")
    with pytest.raises(ParamsError, match="'none' is no table; there are: 'both', 'mine'"):
        table("none")

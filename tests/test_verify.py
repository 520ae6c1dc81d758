"""Does verify say whether a report is what was archived, where it is not, and because of what?"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date

import pandas as pd
import pytest
from test_runner import Project

from conftest import ROOT
from toolkit import cli, frames
from toolkit.errors import DataError, ParamsError
from toolkit.reporting import archive, runner, signing, verify


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    made.quick_report("cost")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "METHODS.md").write_text("# Methods\n\n### 0.1 Order\n\nA row.\n\n### 1.1 Step\n\nAdd.\n")
    (tmp_path / "data" / "acme").mkdir(parents=True)
    os.symlink(tmp_path / "frames", tmp_path / "data" / "acme" / "frames")
    made.run("cost")
    return made


def _verified(project, now=None, revision=-1, digest_of=lambda path: path.stem):
    found, period = project.company, project.company.period(project.period)

    def as_now(names):
        given = project.frames_for([project.home / "notebooks" / "cost.ipynb"])["cost"]
        return {name: digest for name, (_, digest) in given.items() if name in names}

    lines = []
    of = archive.revisions(project.pack)[revision]
    notebooks = project.home / "notebooks"
    (verdict,) = verify.verify(found, period, of, notebooks, now or as_now, digest_of, tell=lines.append)
    return verdict, lines[0]


def test_a_report_made_of_the_same_is_identical(project):
    verdict, line = _verified(project)
    assert (verdict.said, verdict.holds) == ("identical", True)
    assert line == "cost: identical; frames as from the warehouse now"
    assert archive.check(project.pack) == []
    assert [each.name for each in archive.revisions(project.pack)] == ["r1"]


def test_a_changed_notebook_is_named_with_the_table_and_the_figure_that_it_moved(project):
    path = project.home / "notebooks" / "cost.ipynb"
    path.write_text(path.read_text().replace("2.0", "3.0").replace("len(orders)", "len(orders) + 1"))
    verdict, line = _verified(project)
    assert not verdict.holds
    assert verdict.because == ["code: notebooks/cost.ipynb"]
    assert line.endswith("because of code: notebooks/cost.ipynb; frames as from the warehouse now")
    assert any(at.startswith(("table ", "figure ")) for at in verdict.at)


def test_a_changed_page_alone_and_another_environment_are_told(project, monkeypatch):
    was = runner.environment()
    now = was | {"python": "3.99", "package pandas": "9.0", "package new": "1"}
    monkeypatch.setattr(runner, "environment", lambda: now)
    whole = runner.remade

    def remade(*args):
        job = whole(*args)
        job.page += "<!-- another library -->"
        return job

    monkeypatch.setattr(runner, "remade", remade)
    verdict, line = _verified(project)
    assert verdict.because == [
        "environment: package new none, now 1",
        f"environment: package pandas {was['package pandas']}, now 9.0",
        f"environment: python {was['python']}, now 3.99",
    ]
    assert line.startswith(
        "cost: differs at its page alone: every table and figure is the same, because of environment"
    )


def test_parameters_that_are_set_otherwise_now_are_told_apart(project):
    (project.home / "params/acme/2026Q3.yaml").write_text("cost:\n  n: 7\n")
    verdict, line = _verified(project)
    assert verdict.holds  # the report is what its own parameters give
    assert line == (
        "cost: identical; frames as from the warehouse now; "
        "parameters are set otherwise now: n (params/acme/2026Q3.yaml, line 2: 7, was 1)"
    )
    (project.home / "params/acme/2026Q3.yaml").write_text("cost:\n  m: 7\n")
    assert f"; parameters not checkable: {project.home}/params/acme/2026Q3.yaml, line 2" in _verified(project)[1]


def test_a_kept_frame_that_was_changed_is_not_taken(project):
    verdict, line = _verified(project, digest_of=lambda path: "other")
    assert not verdict.holds
    assert line == "cost: not checkable, because of frame orders is not what was kept; frames as from the warehouse now"


def test_a_company_that_is_called_otherwise_now_is_told(project):
    base = project.home / "params/acme/base.yaml"
    base.write_text(base.read_text().replace("Acme", "Acme plc"))
    verdict, _ = _verified(project)
    assert (verdict.said, verdict.because) == ("differs", ["title or zone of the company"])


def test_new_data_are_told_and_the_report_is_checked_by_the_frames_that_were_kept(project):
    project.rows["cost"] = ["o1", "o2", "late"]
    verdict, line = _verified(project)
    assert verdict.holds
    assert line == "cost: identical; the warehouse gives other frames now: orders"

    def gone(names):
        raise DataError("data/acme: no warehouse.\nIngest it.")

    assert _verified(project, gone)[1] == "cost: identical; frames not checkable: data/acme: no warehouse."


def test_what_is_not_kept_or_gone_cannot_be_checked(project):
    for path in (project.home / "frames").glob("*.parquet"):
        path.unlink()
    verdict, _ = _verified(project, lambda names: {})
    assert (verdict.said, verdict.because) == ("not checkable", ["frame orders is not kept"])
    (project.home / "notebooks" / "cost.ipynb").unlink()
    assert _verified(project, lambda names: {})[0].because == ["cost.ipynb is gone"]


def test_a_report_that_does_not_end_any_more_differs_and_leaves_no_page(project):
    path = project.home / "notebooks" / "cost.ipynb"
    path.write_text(path.read_text().replace("import json", "raise ValueError('x'); import json", 1))
    verdict, _ = _verified(project)
    assert verdict.said == "differs"
    assert "ValueError" in verdict.at[0]
    assert "The partial page" not in verdict.at[0]
    assert not (project.home / "reports" / ".failed").exists()


@pytest.mark.parametrize("name", ["cost.html", "figures.parquet", "manifest.json"])
def test_a_file_that_is_not_what_was_archived_ends_it(project, name):
    path = project.pack / "r1" / name
    path.chmod(0o644)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"a", b"e", 1) if name != "manifest.json" else content + b" ")
    with pytest.raises(DataError, match="r1: "):
        _verified(project)


@pytest.mark.parametrize(
    ("now", "cell"),
    [
        ("a,n\nx,1.0\ny,2.5\n", ""),
        ("a,n\nx,1.0000000000001\ny,2.5\n", ""),
        ("a,n\nx,1.0\ny,2.50001\n", "row 2, n: 2.5, now 2.50001"),
        ("a,n\nx,1.0\nz,2.5\n", "row 2, a: y, now z"),
        ("a,n\nx,1.0\ny,\n", "row 2, n: 2.5, now nan"),
        ("a,n\nx,1.0\n", "2 rows of 2 columns, now 1 of 2"),
        ("a,m\nx,1.0\ny,2.5\n", "2 rows of 2 columns, now 2 of 2"),
    ],
)
def test_the_first_cell_beyond_the_tolerance_is_named(now, cell):
    old, new = (pd.read_csv(io.StringIO(text)) for text in ("a,n\nx,1.0\ny,2.5\n", now))
    assert verify._first_cell(old, new) == cell


@pytest.mark.parametrize("more", [" ", ""], ids=["page too", "page the same"])
def test_what_moves_by_less_than_the_tolerance_is_the_same(project, monkeypatch, more):
    whole = runner.remade

    def remade(*args):
        job = whole(*args)
        job.page += more
        job.figures = [row | {"value": row["value"] * (1 + 1e-12)} for row in job.figures]
        return job

    monkeypatch.setattr(runner, "remade", remade)
    verdict, line = _verified(project)
    assert (verdict.said, verdict.holds) == ("same within tolerance", True)
    assert line.startswith("cost: same within tolerance at figure ")


def test_a_page_that_was_sent_is_found_by_its_recipe_with_its_status(project, tmp_path):
    sent = tmp_path / "sent.html"
    sent.write_bytes((project.pack / "r1" / "cost.html").read_bytes())
    reports = project.home / "reports"
    whole = "byte for byte what was archived: cost of acme 2026Q3 r1; r1 is the newest, DRAFT"
    assert verify.found(reports, sent) == (whole, True)
    (reports / "acme/2026Q3/r1/cost.html").chmod(0o644)
    (reports / "acme/2026Q3/r1/cost.html").write_text("changed")  # the manifest tells, not the file beside it
    assert verify.found(reports, sent)[0].startswith("byte for byte what was archived: cost of acme 2026Q3 r1; r1 is")
    shutil.copy(sent, reports / "acme/2026Q3/r1/cost.html")
    project.rows["cost"] = ["o1"]
    project.run("cost")
    sent.write_text(sent.read_text() + " ")
    assert verify.found(reports, sent) == (
        "NOT what was archived: its bytes were changed: cost of acme 2026Q3 r1; r1 is superseded by r2",
        False,
    )
    with pytest.raises(ParamsError, match="expected a page that somebody was sent, found no such file"):
        verify.found(reports, tmp_path / "none.html")
    sent.write_text(re.sub("<code>[0-9a-f]{64}</code>", f"<code>{'0' * 64}</code>", sent.read_text()))
    with pytest.raises(DataError, match=r"its recipe 000000000000… is of no revision under"):
        verify.found(reports, sent)
    sent.write_text("a page")
    with pytest.raises(DataError, match="expected a report page with the recipe that it was made by, found none"):
        verify.found(reports, sent)


# -- ten ways to tamper with an archive, or with what it was made of ---------------------------


@pytest.fixture
def signed(project, monkeypatch):
    """A home entered, with two revisions, the second signed; and what ``toolkit verify`` says of it."""
    project.rows["cost"] = ["o1", "o2", "o3"]
    project.run("cost")
    key = project.home / "ann"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    signers = project.home / "params" / "allowed_signers"
    signers.write_text(f"ann@acme.example {(project.home / 'ann.pub').read_text()}")
    signing.sign(archive.revisions(project.pack)[1], "ann@acme.example", date(2026, 11, 2), key=key, comment="fine")
    shutil.copy(project.home / "reports" / "head.json", project.home / "elsewhere.json")
    monkeypatch.chdir(project.home)

    def as_now(found, period, names, folder):
        given = project.frames_for([project.home / "notebooks" / "cost.ipynb"])["cost"]
        return {name: frames.Kept(name, path, digest, 0) for name, (path, digest) in given.items() if name in names}

    monkeypatch.setattr(frames, "materialise", as_now)
    monkeypatch.setattr(frames, "digest_of", lambda path: path.stem)
    return project


def _says(capsys, *more):
    code = cli.main(["verify", "acme", "2026Q3", *more])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, (said.out + said.err).splitlines()


def _edit(path, old, new):
    path.chmod(0o644)
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new, 1))


def _swap(pack):
    for old, new in (("r1", "x"), ("r2", "r1"), ("x", "r2")):
        (pack / old).chmod(0o755)
        (pack / old).rename(pack / new)


HELD = "anchored by the head that ann@acme.example signed on 2026-11-02"
HOLDS = [HELD, "r2 signed by ann@acme.example on 2026-11-02", "cost: identical; frames as from the warehouse now"]
VOID = "r2 void by ann@acme.example on 2026-11-02: r2 is not what was reviewed"


SET = "n (params/acme/2026Q3.yaml, line 2: 7, was 1)"


def test_what_nobody_tampered_with_holds(signed, capsys):
    assert _says(capsys) == (0, HOLDS)
    assert _says(capsys, "--head", "elsewhere.json") == (0, ["anchored by elsewhere.json", *HOLDS[1:]])


@pytest.mark.parametrize(
    ("tamper", "code", "said"),
    [
        (
            lambda home: _edit(home / "reports/acme/2026Q3/r2/cost.html", b"cost", b"cast"),
            3,
            [HELD, VOID, "error: reports/acme/2026Q3/r2: cost.html is not what was archived."],
        ),
        (
            lambda home: _edit(home / "reports/acme/2026Q3/r2/tables/cost/orders.csv", b"o2", b"o4"),
            3,
            [HELD, VOID, "error: reports/acme/2026Q3/r2: tables/cost/orders.csv is not what was archived."],
        ),
        (
            lambda home: _edit(home / "reports/acme/2026Q3/r2/manifest.json", b'"acme"', b'"acne"'),
            3,
            [
                HELD, VOID, "error: 2 faults:", "  1. reports/acme/2026Q3/r2: is of acne 2026Q3.",
                "  2. reports/acme/2026Q3/r2: manifest.json is not what was archived.",
            ],
        ),
        (
            lambda home: _swap(home / "reports/acme/2026Q3"),
            3,
            [
                HELD, "reports/acme/2026Q3: r2 is not the one that the head lists.", VOID,
                "error: reports/acme/2026Q3/r2: is r1 under another name.",
            ],
        ),
        (
            lambda home: archive.discard(home / "reports/acme/2026Q3/r1"),
            3,
            [HELD, VOID, "error: reports/acme/2026Q3/r2: r1 before it is gone."],
        ),
        (
            lambda home: archive.discard(home / "reports/acme/2026Q3/r2"),
            1,
            [
                HELD, "reports/acme/2026Q3: the head lists r2, which is gone.", "r1 is a draft: nobody signed it",
                "cost: identical; the warehouse gives other frames now: orders",
            ],
        ),
        (
            lambda home: _edit(home / "reports/acme/2026Q3/signed/r2-1.json", b"fine", b"good"),
            1,
            [
                HELD, "reports/acme/2026Q3: signed/r2-1.json is not the one that the head lists.",
                "r2 void by ann@acme.example on 2026-11-02: the signature does not fit what is signed", HOLDS[2],
            ],
        ),
        (
            lambda home: (home / "params/acme/2026Q3.yaml").write_text("cost:\n  n: 7\n"),
            0,
            [*HOLDS[:2], f"{HOLDS[2]}; parameters are set otherwise now: {SET}"],
        ),
    ],
    ids=["page", "CSV", "manifest", "swapped", "removed", "newest removed", "sign-off", "parameters"],
)  # fmt: skip
def test_a_tampering_is_named_as_what_it_is(signed, capsys, tamper, code, said):
    tamper(signed.home)
    assert _says(capsys) == (code, said)


def test_new_data_a_new_library_and_a_changed_notebook_are_named_as_what_they_are(signed, capsys, monkeypatch):
    signed.rows["cost"] = ["o9"]
    new = "cost: identical; the warehouse gives other frames now: orders"
    assert _says(capsys) == (0, [*HOLDS[:2], new])
    signed.rows["cost"] = ["o1", "o2", "o3"]
    was = runner.environment()
    with monkeypatch.context() as patch:
        patch.setattr(runner, "environment", lambda: was | {"package pandas": "9.0"})
        assert _says(capsys) == (0, HOLDS)  # and its figures are the same with it
        patch.setattr(runner, "remade", _moved(runner.remade))
        code, lines = _says(capsys)
        assert code == 1
        because = f"because of environment: package pandas {was['package pandas']}, now 9.0"
        assert lines[2].startswith("cost: differs at table ")
        assert lines[2].endswith(f"{because}; frames as from the warehouse now")
    _edit(signed.home / "notebooks/cost.ipynb", b"n / 3", b"n / 4")
    code, lines = _says(capsys)
    assert code == 1
    assert lines[2].endswith("because of code: notebooks/cost.ipynb; frames as from the warehouse now")


def _moved(remade):
    def other(*args):
        job = remade(*args)
        job.tables = {name: text.replace("o2", "o4") for name, text in job.tables.items()}
        return job

    return other


def test_all_of_it_written_anew_is_told_by_a_head_that_was_kept_elsewhere(signed, capsys):
    for name in ("2026Q3/r1", "2026Q3/r2", "2026Q3/signed"):
        archive.discard(signed.home / "reports" / "acme" / name)
    for name in ("head.json", "head.signed"):
        (signed.home / "reports" / name).unlink()
    signed.run("cost")
    code, lines = _says(capsys)
    assert (code, lines[0]) == (
        0,
        "unanchored: no head is signed, and none that was kept elsewhere is given (--head FILE)",
    )
    code, lines = _says(capsys, "--head", "elsewhere.json")
    assert (code, lines[:2]) == (
        1,
        ["anchored by elsewhere.json", "reports/acme/2026Q3: the head lists r2, which is gone."],
    )


# -- the code of a commit ----------------------------------------------------------------------


def _git(home, *arguments):
    who = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", home, *who, *arguments], check=True, capture_output=True)


def test_a_report_is_verified_with_the_code_of_its_commit(tmp_path):
    home = tmp_path / "home"
    shutil.copytree(ROOT / "toolkit", home / "toolkit", ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"PYTHONPATH": str(home)}

    def toolkit(*arguments):
        run = [sys.executable, "-m", "toolkit.cli", *arguments]
        return subprocess.run(run, cwd=home, env=environment, capture_output=True, text=True)

    made = Project(home)
    made.notebook("cost", "print(1)")
    tables = home / "data" / "acme" / "warehouse-1" / "tables"
    tables.mkdir(parents=True)
    receipt = {"folder": "warehouse-1", "key": made.company.key_print(), "tables": {}}
    (home / "data/acme/receipt.json").write_text(json.dumps(receipt))
    (home / ".gitignore").write_text("data\nreports\n__pycache__\n")
    _git(home, "init", "-q")
    _git(home, "add", "-A")
    _git(home, "commit", "-qm", "one")
    first = toolkit("run", "acme", "2026Q3")
    assert first.returncode == 0, first.stderr
    notebook = home / "notebooks/cost.ipynb"
    notebook.write_text(notebook.read_text().replace("print(1)", "print(2)"))
    today = toolkit("verify", "acme", "2026Q3")
    assert (today.returncode, today.stderr) == (1, "")
    assert "because of code: notebooks/cost.ipynb" in today.stdout
    then = toolkit("verify", "acme", "2026Q3", "--at-code")
    assert then.stderr == ""
    assert (then.returncode, then.stdout.splitlines()[-1]) == (
        0,
        "cost: identical; frames as from the warehouse now",
    )
    trees = subprocess.run(["git", "-C", home, "worktree", "list"], capture_output=True, text=True, check=True)
    assert len(trees.stdout.splitlines()) == 1  # it is gone
    assert (home / "params/acme/base.yaml").is_file()
    assert (home / "reports/acme/2026Q3/r1/cost.html").is_file()
    again = toolkit("run", "acme", "2026Q3", "--reason", "two")
    assert again.returncode == 0, again.stderr
    dirty = toolkit("verify", "acme", "2026Q3", "--at-code")
    assert "that were not committed" in dirty.stdout
    assert "because of code: notebooks/cost.ipynb" in dirty.stdout
    assert dirty.returncode == 1
    record = home / "reports/acme/2026Q3/r1/run.json"
    told = json.loads(record.read_text())
    record.chmod(0o644)
    for commit, why in (("0" * 40, "which is not in this repository."), ("", "")):
        record.write_text(json.dumps(told | {"commit": commit}))
        ended = toolkit("verify", "acme", "2026Q3/r1", "--at-code")
        place = "error: reports/acme/2026Q3/r1: "
        none = "expected the commit it was made with in run.json, found none."
        assert ended.stderr == f"{place}{f'was made with commit {commit}, {why}' if commit else none}\n"
        assert ended.returncode == 4

"""Does verify say whether a report is what was archived, where it is not, and because of what?"""

import io
import os
import re

import pandas as pd
import pytest
from test_runner import Project

from toolkit.errors import DataError
from toolkit.reporting import archive, runner, verify


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


def test_what_moves_by_less_than_the_tolerance_is_the_same(project, monkeypatch):
    whole = runner.remade

    def remade(*args):
        job = whole(*args)
        job.page += " "
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
    assert verify.found(reports, sent) == ("cost of acme 2026Q3 r1, the newest, DRAFT; byte for byte what was archived")
    project.rows["cost"] = ["o1"]
    project.run("cost")
    sent.write_text(sent.read_text() + " ")
    assert verify.found(reports, sent) == (
        "cost of acme 2026Q3 r1, superseded by r2; NOT what was archived: its bytes were changed"
    )
    sent.write_text(re.sub("<code>[0-9a-f]{64}</code>", f"<code>{'0' * 64}</code>", sent.read_text()))
    with pytest.raises(DataError, match=r"its recipe 000000000000… is of no revision under"):
        verify.found(reports, sent)
    sent.write_text("a page")
    with pytest.raises(DataError, match="expected a report page with the recipe that it was made by, found none"):
        verify.found(reports, sent)

"""Does a comparison with today tell what data, code and parameters each did to an archived revision?

Real kernels on notebooks of a few lines. The figure is code x n x orders; it was 1 x 1 x 2 when it was archived.
"""

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from test_runner import QUICK, Project

from toolkit import cli
from toolkit.errors import DataError, ReportError
from toolkit.reporting import archive, compare, runner

FIGURE = QUICK.replace("n / 3", "1 * n * len(orders)").replace('"EUR"', '"", "headline": "Cost"')
FIGURE = FIGURE.replace('"low": None, "high": None', '"low": 1, "high": 999')
READER = "row = 1"  # a report of the second stage


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Revision r1 of 2026Q3, of one report, after a pack of the period before."""
    project = Project(tmp_path_factory.mktemp("packed"))
    for name in ("cost", "service"):
        project.rows[name] = ["o1", "o2"]
        project.notebook(name, FIGURE.replace("NAME", name))
    project.notebook("of_key_figures", READER)
    (project.home / "data" / "acme").mkdir(parents=True)
    (project.home / "data" / "acme" / "frames").symlink_to(Path("..", "..", "frames"))
    for project.period in ("2026Q2", "2026Q3"):
        project.run("cost")
    return project


@pytest.fixture
def project(packed, tmp_path, monkeypatch):
    """The same, to change; temporary folders are made in one of its own."""
    made = Project(tmp_path / "p")
    shutil.copytree(packed.home, made.home, symlinks=True, dirs_exist_ok=True)
    made.rows = dict(packed.rows)
    folder = Path(tempfile.mkdtemp(prefix="r"))  # short: kernels speak through sockets in it
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield made
    left = list(folder.iterdir())
    shutil.rmtree(folder)
    assert left == []


def _as_named(path):
    return path.stem if path.is_file() else ""


def _archived(project):
    """Every file of the archive, its bytes and its time."""
    folder = project.home / "reports"
    found = [path for path in sorted(folder.rglob("*")) if "compared" not in path.parts]
    return {
        path: (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in found
        if path.name != "acme"
    }


def _edited(project, old, new, name="cost"):
    """Write something else into the code of a report."""
    path = project.home / "notebooks" / f"{name}.ipynb"
    text = path.read_text()
    assert json.dumps(old)[1:-1] in text
    path.write_text(text.replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1]))


def _changed(project, *what, name="cost"):
    """Change what the report is made of: code 1 to 10, the parameter n 1 to 3, orders 2 to 5."""
    if "code" in what:
        _edited(project, "1 * n", "10 * n", name)
    if "parameters" in what:
        (project.home / "params" / "acme" / "2026Q3.yaml").write_text(f"{name}:\n  n: 3\n")
    if "data" in what:
        project.rows[name] = ["o1", "o2", "o3", "o4", "o5"]


def _restated(project, frames_for=None):
    """The page and the JSON of the comparison of the newest revision with today; the archive is as it was."""
    found, before, old = project.company, _archived(project), archive.revisions(project.pack)[-1]
    paths = [project.home / "notebooks" / f"{name}.ipynb" for name in old.manifest["reports"]]
    later = [path for path in paths if "key_figures" in path.stem]
    stages = [[path for path in paths if path.is_file() and path not in later], later]
    try:
        path = compare.restate(found, found.period("2026Q3"), old, stages, frames_for or project.given, _as_named)
    finally:
        assert _archived(project) == before
    return path, json.loads(path.with_suffix(".json").read_text())


def _figure(told, name="cost"):
    (row,) = [row for row in told["figures"] if row["figure_id"] == name]
    return row


def test_what_is_made_of_the_same_today_is_the_same(project):
    project.run("cost", "service", "of_key_figures")
    path, told = _restated(project)
    assert path == project.home / "reports/acme/compared/2026Q3-r2--2026Q3-today.html"
    assert (told["new"]["period"], told["new"]["revision"]) == ("2026Q3", "today")
    assert {name: each["state"] for name, each in told["reports"].items()} == {
        "cost": "same", "of_key_figures": "same", "service": "same"
    }  # fmt: skip
    assert _figure(told)["parts"] == {}
    page = path.read_text()
    assert "<h1>acme: From 2026Q3 r2 to 2026Q3 today</h1>" in page
    assert "0 of 2 key figures changed." in page
    written = {each: each.read_bytes() for each in path.parent.iterdir()}
    assert {each: each.read_bytes() for each in _restated(project)[0].parent.iterdir()} == written


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        (["data"], {"data": 1 * 1 * (5 - 2)}),
        (["code"], {"code": (10 - 1) * 1 * 2}),
        (["parameters"], {"parameters": 1 * (3 - 1) * 2}),
        (["code", "data"], {"code": (10 - 1) * 1 * 2, "data": 10 * 1 * (5 - 2)}),
        (["code", "parameters"], {"code": (10 - 1) * 1 * 2, "parameters": 10 * (3 - 1) * 2}),
        (["parameters", "data"], {"parameters": 1 * (3 - 1) * 2, "data": 1 * 3 * (5 - 2)}),
        (
            ["code", "parameters", "data"],
            {"code": (10 - 1) * 1 * 2, "parameters": 10 * (3 - 1) * 2, "data": 10 * 3 * (5 - 2)},
        ),
    ],
    ids=" ".join,
)
def test_a_change_is_told_apart_by_what_differs(project, what, parts):
    _changed(project, *what)
    path, told = _restated(project)
    row = _figure(told)
    assert row["parts"] == parts
    assert sum(row["parts"].values()) == row["change"] == row["new"] - 1 * 1 * 2
    assert set(row["because"]) == set(what)
    assert told["reports"]["cost"]["parts"] == list(parts)
    heads = "".join(f'<th scope="col" class="number">{part}</th>' for part in ("change", *parts))
    cells = "".join(f'<td class="number">+{by}</td>' for by in (int(row["change"]), *parts.values()))
    page = path.read_text()
    assert f'{heads}<th scope="col">because of</th>' in page
    assert cells in page
    assert "Key figures of both; the change is told apart in this order: code, then parameters, then data" in page


def test_parts_that_cancel_are_told_though_the_figure_is_what_it_was(project):
    _edited(project, "1 * n", "2 * n")
    project.rows["cost"] = ["o1"]
    row = _figure(_restated(project)[1])
    assert (row["change"], row["parts"]) == (0, {"code": (2 - 1) * 2, "data": 2 * (1 - 2)})


def test_another_environment_counts_as_code(project, monkeypatch):
    monkeypatch.setattr(runner, "environment", lambda: {"python": "3.99"})
    _changed(project, "data")
    _, told = _restated(project)
    assert _figure(told)["because"] == ["data", "environment"]
    assert _figure(told)["parts"] == {"code": 0, "data": 5 - 2}


def test_a_figure_that_a_step_between_does_not_have_has_no_parts(project):
    _edited(project, '"figure_id": "cost"', '"figure_id": "cost" if n > 1 else "other"')
    _changed(project, "parameters")
    row = _figure(_restated(project)[1])
    assert (row["change"], row["parts"]) == (1 * 3 * 2 - 1 * 1 * 2, {})


def test_frames_that_are_gone_are_told_with_what_is_not_told_apart(project, monkeypatch):
    for path in (project.home / "frames").glob("*.parquet"):
        path.unlink()
    _changed(project, "code", "data")
    path, told = _restated(project)
    assert [told["reports"]["cost"][name] for name in ("not_kept", "fault")] == [["orders"], ""]
    assert _figure(told)["parts"] == {}
    sentence = "<p>cost: frames of r1 are not kept: data and code are not told apart.</p>"
    assert sentence in path.read_text()
    _changed(project, "parameters")
    monkeypatch.setattr(compare, "language_of", lambda revision: "nl")
    page = _restated(project)[0].read_text()
    assert "cost: frames van r1 zijn niet bewaard: gegevens, parameters en code zijn niet uiteengehouden." in page
    assert "<h1>acme: Van 2026Q3 r1 naar 2026Q3 vandaag</h1>" in page


def test_frames_that_rows_were_erased_from_are_not_kept(project):
    erased = next((project.home / "frames").glob("*.parquet")).stem
    path = project.home / "data/acme/erased.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"frame": erased, "rows": 1, "on": "2026-10-01"}) + "\n")
    _changed(project, "code", "data")
    assert _restated(project)[1]["reports"]["cost"]["not_kept"] == ["orders"]


def test_what_alone_differs_needs_no_frames_that_were_kept(project):
    for path in (project.home / "frames").glob("*.parquet"):
        path.unlink()
    _changed(project, "data")
    path, told = _restated(project)
    assert _figure(told)["parts"] == {"data": 5 - 2}
    assert "not told apart" not in path.read_text()


def test_code_that_does_not_run_on_the_frames_of_before_is_told(project):
    _edited(project, "1 * n", "[7][5 - len(orders)] * n")
    _changed(project, "data")
    path, told = _restated(project)
    fault = "notebooks/cost.ipynb failed in cell 4 (section 1.1): IndexError: list index out of range."
    assert told["reports"]["cost"]["fault"] == fault
    assert (_figure(told)["change"], _figure(told)["parts"]) == (7 * 1 * 5 - 1 * 1 * 2, {})
    assert f"<p>cost: data and code are not told apart; with frames of r1, {fault}</p>" in path.read_text()


def test_a_report_that_fails_today_is_told_and_the_others_are_compared(project):
    project.run("service", "of_key_figures")
    _edited(project, "1 * n", "[][n]")
    _changed(project, "data", name="service")
    path, told = _restated(project)
    fault = "notebooks/cost.ipynb failed in cell 4 (section 1.1): IndexError: list index out of range."
    waits = "notebooks/of_key_figures.ipynb not started: waits for cost."
    found = {name: (each["state"], each["fault"]) for name, each in told["reports"].items()}
    assert found == {"cost": ("failed", fault), "of_key_figures": ("failed", waits), "service": ("changed", "")}
    assert _figure(told, "service")["parts"] == {"data": 5 - 2}
    assert (_figure(told)["new"], _figure(told)["parts"]) == (None, {})
    page = path.read_text()
    assert f'<h2>cost</h2><div class="note"><p>Today it does not come to its end: {fault}</p></div>' in page
    assert "not told apart" not in page


def test_where_no_report_comes_to_its_end_there_is_nothing_to_compare(project):
    project.run("service")
    (project.home / "notebooks" / "cost.ipynb").unlink()
    _edited(project, "1 * n", "[][n]", "service")
    with pytest.raises(ReportError) as refused:
        _restated(project)
    assert str(refused.value) == (
        "2 faults:\n"
        "  1. notebooks/cost.ipynb is gone.\n"
        "  2. notebooks/service.ipynb failed in cell 4 (section 1.1): IndexError: list index out of range."
    )
    assert not (project.home / "reports/acme/compared").exists()


def test_a_warehouse_that_gives_nothing_ends_it(project):
    def gone(stage, figures):
        raise DataError("data/acme: no warehouse.")

    with pytest.raises(DataError, match=r"^data/acme: no warehouse.$"):
        _restated(project, frames_for=gone)


def test_another_day_of_knowledge_is_told_as_a_difference(project):
    base = project.home / "params" / "acme" / "base.yaml"
    base.write_text(base.read_text() + "  closing_days: 14\n")
    path, told = _restated(project)
    assert (told["old"]["as_of"], told["new"]["as_of"]) == ("2026-10-22", "2026-10-15")
    assert told["reports"]["cost"]["because"] == ["day of knowledge"]
    assert "<p>Known on 15 October 2026 (was 22 October 2026).</p>" in path.read_text()
    assert _figure(told)["parts"] == {}
    _changed(project, "data")
    _, told = _restated(project)
    assert _figure(told)["because"] == ["data", "day of knowledge"]
    assert _figure(told)["parts"] == {"data": 5 - 2}


def test_between_two_periods_the_day_of_knowledge_is_no_difference(packed):
    old, new = (archive.revisions(packed.pack.parent / period)[-1] for period in ("2026Q2", "2026Q3"))
    assert compare.compare(old, new)["reports"]["cost"]["because"] == ["figures of the period before"]


def test_the_command_line_compares_with_today(project, capsys, monkeypatch):
    monkeypatch.setattr(cli, "_frames_for", lambda found, period, stages: project.given)
    project.run("of_key_figures")
    project.notebook("of_no_revision", READER)
    source = "from toolkit import frames\nframe = frames.reader(company, period)\nrow = frame('key_figures')"
    _edited(project, READER, source, "of_key_figures")
    assert cli.main(["--home", str(project.home), "compare", "acme", "2026Q3/r2", "today"]) == 0
    out, err = capsys.readouterr()
    page = project.home.resolve() / "reports/acme/compared/2026Q3-r2--2026Q3-today.html"
    assert out == f"{page}\n"
    events = [json.loads(line) for line in err.splitlines()]
    assert [event["report"] for event in events if event["state"] == "done"] == ["cost", "of_key_figures"]
    assert {event["event"] for event in events} == {"report"}
    assert json.loads(page.with_suffix(".json").read_text())["reports"]["of_key_figures"]["because"] == ["code"]

"""Is a revision whole, unchangeable without notice, and the same for the same report?"""

import json
import os
import shutil

import pandas as pd
import pytest

from toolkit.errors import DataError, ReportError
from toolkit.reporting import archive, catalogue

MANIFEST = {"company": "acme", "period": "2026Q3", "as_of": "2026-10-22", "reports": {"cost": {"recipe": "r"}}}
RUN = {"reason": "first run", "changed": "first run", "finished_at": "2026-11-01T10:00:00+00:00", "commit": ""}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "reports" / "acme" / "2026Q3"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def commit(folder):
    """Archive a page and a table as the next revision."""

    def make(page="<h1>a</h1>", run=RUN):
        staging = folder / ".staging-x"
        (staging / "tables" / "cost").mkdir(parents=True)
        (staging / "tables" / "cost" / "costs.csv").write_text("a\n1\n")
        (staging / "cost.html").write_text(page)
        return archive.commit(folder, staging, MANIFEST, run)

    return make


def _texts(revision):
    return {path.name: path.read_text() for path in revision.folder.rglob("*") if path.is_file()}


def _rewrite(path, text):
    path.chmod(0o644)
    path.write_text(text)


def _moved(old, new):
    old.chmod(0o755)
    os.rename(old, new)


def _swapped(first):
    aside, second = first.with_name("aside"), first.with_name("r2")
    for old, new in ((first, aside), (second, first), (aside, second)):
        _moved(old, new)


def test_revisions_count_from_one_and_hold_together(commit, folder):
    made = [commit(), commit("<h1>b</h1>"), *(commit() for _ in range(8))]
    found = archive.revisions(folder)
    assert [revision.name for revision in found] == [f"r{n}" for n in range(1, 11)]
    assert found == made
    assert archive.check(folder) == []
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith("r")) == []


def test_a_manifest_lists_every_file_by_its_digest(commit):
    revision = commit()
    assert json.loads(_texts(revision)["manifest.json"]) == MANIFEST | {
        "outputs": {
            # printf '<h1>a</h1>' | sha256sum; printf 'a\n1\n' | sha256sum
            "cost.html": "be0c1c9e788fadbc0b653ff530688b6c501662100f86ae13bd6a2ee9ed1e3a1b",
            "tables/cost/costs.csv": "309b0e45a73d3fc5325e2b6ed0a01ef8b9cde6b05a5633c1f893f970d52bfddc",
        }
    }


def test_a_chain_names_this_manifest_this_run_and_the_link_before(commit):
    first, second = commit(), commit("<h1>b</h1>")
    for revision, previous in ((first, ""), (second, archive.sha256(_texts(first)["chain.json"]))):
        texts = _texts(revision)
        assert json.loads(texts["chain.json"]) == {
            "revision": revision.name,
            "previous": previous,
            "manifest": archive.sha256(texts["manifest.json"]),
            "run": archive.sha256(texts["run.json"]),
        }


def test_the_head_names_the_last_link_of_every_chain(commit, folder):
    commit()
    newest = commit("<h1>b</h1>")
    reports = folder.parents[1]
    link = archive.sha256(_texts(newest)["chain.json"])
    assert archive.heads(reports) == {"acme/2026Q3": {"revision": "r2", "link": link, "signed": {}}}
    assert archive.adrift(reports, archive.heads(reports)) == []


def test_a_removed_newest_revision_is_missed_by_the_head(commit, folder):
    reports = folder.parents[1]
    commit()
    kept = archive.heads(reports)
    archive.discard(commit("<h1>b</h1>").folder)
    assert archive.check(folder) == []
    fault = f"{folder}: the head lists r2, which is gone."
    assert archive.adrift(reports, archive.heads(reports)) == [fault]
    assert archive.adrift(reports, kept) == []  # a head of before knows nothing of it
    with pytest.raises(ReportError) as refused:
        archive.anchor(folder)
    assert str(refused.value) == f"{fault} {archive._MEND}"
    assert archive.heads(reports)["acme/2026Q3"]["revision"] == "r2"


def test_another_revision_in_the_place_of_one_is_missed_by_a_head_that_was_kept(commit, folder):
    commit()
    reports, kept = folder.parents[1], archive.heads(folder.parents[1])
    archive.discard(folder / "r1")
    (reports / archive.HEAD).unlink()
    commit("<h1>b</h1>")
    assert archive.check(folder) == []
    assert archive.adrift(reports, archive.heads(reports)) == []
    assert archive.adrift(reports, kept) == [f"{folder}: r1 is not the one that the head lists."]


def test_a_head_that_does_not_read_is_refused(commit, folder):
    commit()
    (folder.parents[1] / archive.HEAD).write_text("{")
    with pytest.raises(DataError) as refused:
        commit("<h1>b</h1>")
    assert str(refused.value) == f"{folder.parents[1]}: expected the head.json of the archive, found none that reads."


def test_a_clock_stands_in_run_json_alone(commit):
    first = _texts(commit())
    second = _texts(commit(run=RUN | {"reason": "again", "finished_at": "2027-01-01T00:00:00+00:00"}))
    assert {name for name in first if first[name] != second[name]} == {"chain.json", "run.json"}  # chain: r1 before
    assert not [name for name, text in first.items() if "2026-11-01" in text and name != "run.json"]


def test_archived_files_are_read_only(commit):
    modes = {path.stat().st_mode & 0o777 for path in commit().folder.rglob("*") if path.is_file()}
    assert modes == {0o444}


def test_nothing_of_a_revision_is_there_before_all_of_it(commit, folder, monkeypatch):
    monkeypatch.setattr(archive.os, "rename", lambda *_: (_ for _ in ()).throw(OSError("disk gone")))
    with pytest.raises(OSError, match="disk gone"):
        commit()
    assert archive.revisions(folder) == []


def _made_anew(revision):
    """Another record of the run, and a chain that fits it."""
    _rewrite(revision / "run.json", json.dumps(RUN | {"reason": "better"}))
    chain = json.loads((revision / "chain.json").read_text())
    digest = archive.sha256((revision / "run.json").read_bytes())
    _rewrite(revision / "chain.json", archive.canonical(chain | {"run": digest}))


def _linked(revision):
    shutil.copy(revision / "cost.html", revision.parent / "elsewhere.html")
    (revision / "cost.html").unlink()
    (revision / "cost.html").symlink_to(revision.parent / "elsewhere.html")


@pytest.mark.parametrize(
    ("damage", "faults"),
    [
        (lambda r: _rewrite(r / "cost.html", "<h1>c</h1>"), ["r1: cost.html is not what was archived."]),
        (lambda r: (r / "tables/cost/costs.csv").unlink(), ["r1: tables/cost/costs.csv is missing."]),
        (lambda r: (r / "more.html").write_text(""), ["r1: more.html is in no manifest."]),
        (lambda r: (r / "tables/manifest.json").write_text(""), ["r1: tables/manifest.json is in no manifest."]),
        (
            lambda r: _rewrite(r / "manifest.json", (r / "manifest.json").read_text().replace("acme", "acne")),
            ["r1: is of acne 2026Q3.", "r1: manifest.json is not what was archived."],
        ),
        (_made_anew, ["r1: is not the one that r2 was archived after."]),
        (lambda r: (r / "more").symlink_to("/"), ["r1: more is in no manifest."]),
        (lambda r: os.mkfifo(r / "tables/pipe"), ["r1: tables/pipe is in no manifest."]),
        (_linked, ["r1: cost.html is not what was archived."]),
        (lambda r: _rewrite(r / "run.json", json.dumps(RUN)), ["r1: run.json is not what was archived."]),
        (
            lambda r: _rewrite(r / "chain.json", (r / "chain.json").read_text().replace('s": ""', 's": "x"')),
            ["r1: follows a revision that is not here."],
        ),
        (lambda r: archive.discard(r), ["r2: r1 before it is gone."]),
        (
            _swapped,
            ["r1: is r2 under another name.", "r2: is r1 under another name."],
        ),
        (lambda r: _moved(r, r.with_name("r4")), ["r2: r1 before it is gone.", "r4: is r1 under another name."]),
    ],
    ids=[
        "changed byte", "missing file", "added file", "added manifest", "manifest", "made anew", "link", "pipe",
        "a link for a page", "run", "chain", "revision gone", "swapped", "renamed",
    ],
)  # fmt: skip
def test_what_was_done_to_an_archive_is_said(commit, folder, damage, faults):
    first, _, _ = commit(), commit("<h1>b</h1>"), commit()
    damage(first.folder)
    assert archive.check(folder) == [f"{folder}/{fault}" for fault in faults]


def test_a_pack_in_another_folder_is_told(commit, folder):
    commit()
    copy = shutil.copytree(folder, folder.with_name("2026Q2"))
    assert archive.check(copy) == [f"{copy}/r1: is of acme 2026Q3."]


@pytest.mark.parametrize("entry", ['{"acme/2026Q3": {}}', '{"acme/2026Q3": 1}', '{"a/b": {"revision": 1}}'])
def test_a_head_of_another_shape_is_refused(commit, folder, entry):
    commit()
    (folder.parents[1] / "head.json").write_text(entry)
    with pytest.raises(DataError, match="expected the head.json of the archive, found none that reads"):
        archive.heads(folder.parents[1])


@pytest.mark.parametrize("name", ["manifest.json", "chain.json", "run.json"])
@pytest.mark.parametrize("left", [None, "{", "[]", "{}"])
def test_a_revision_whose_papers_do_not_read_is_refused(commit, folder, name, left):
    revision = commit()
    path = revision.folder / name
    path.unlink() if left is None else _rewrite(path, left)
    with pytest.raises(DataError) as refused:
        archive.check(folder)
    assert str(refused.value) == f"{folder}/r1: expected a revision with its {name}, found none that reads."
    assert refused.value.exit_code == 3


def test_a_document_has_one_spelling():
    assert archive.canonical({"b": [1, 0.5], "a": "é"}) == '{\n "a": "é",\n "b": [\n  1,\n  0.5\n ]\n}\n'


def test_other_folders_are_no_revisions(folder):
    for name in (".staging-a", "r0", "r01", "rx", "r1.bak"):
        (folder / name).mkdir()
    assert archive.revisions(folder) == []


def test_the_catalogue_shows_every_revision_the_newest_as_draft(commit, folder):
    commit()
    commit("<h1>b</h1>", run=RUN | {"reason": "<so>", "changed": "cost: <code> changed"})
    index = catalogue.rebuild(folder.parents[1])
    assert index == folder.parents[1] / "index.html"
    assert '<a href="acme/2026Q3/r2/cost.html">cost</a>' in index.read_text()
    period = (folder / "index.html").read_text()
    assert (
        "<td>r2</td><td>DRAFT</td><td>1 November 2026, 10:00 UTC</td><td>&lt;so&gt; (cost: &lt;code&gt; changed)</td>"
        in period
    )
    assert "<td>r1</td><td>superseded</td>" in period
    assert period.index("<td>r2</td>") < period.index("<td>r1</td>")
    failed = {"service": "notebooks/service.ipynb failed <in> cell 4.\nmore", "growth": "not started."}
    commit(run=RUN | {"failed": failed})
    catalogue.rebuild(folder.parents[1])
    status = (
        "INCOMPLETE: growth: not started.; INCOMPLETE: service: notebooks/service.ipynb failed &lt;in&gt; cell 4.</td>"
    )
    assert f"<td>r3: {status}" in index.read_text()
    assert f"<td>r3</td><td>{status}" in (folder / "index.html").read_text()
    assert "<td>r2</td><td>superseded</td>" in (folder / "index.html").read_text()
    assert archive.check(folder) == []


def _told(value, headline="NPS", unit="points", **more):
    row = {"report": "cost", "figure_id": "nps", "headline": headline, "unit": unit, "value": value}
    return row | {"low": value - 1, "high": value + 1} | more


def test_views_tell_headlines_with_their_change_and_trend_and_the_answers_of_the_newest(commit, folder):
    findings = '<div class="findings"><ol><li>It &lt;rose&gt;.</li></ol></div>'
    page = f"<title>Cost &amp; more · Acme &amp; Sons · 2026Q3</title><h1>Cost</h1>{findings}"
    share = _told(0.25, "share kept", "share", figure_id="kept", low=None, high=None)
    told = {
        "2025Q4": [_told(1)],
        "2026": [_told(5)],  # a year is of another length, and no quarter's before
        "2026Q1": [_told(20)],
        "2026Q2": [_told(3, headline=""), _told(float("nan"))],  # named by no headline, or without a value
        "2026Q3": [_told(30), share],
    }
    for period, rows in told.items():
        commit(page)
        made = archive.revisions(folder)[-1].folder
        made.chmod(0o755)
        pd.DataFrame(rows).to_parquet(made / "figures.parquet")
        if period != "2026Q3":
            os.rename(folder, folder.with_name(period))
    index = catalogue.rebuild(folder.parents[1]).read_text()
    start = (folder / "index.html").read_text()
    assert "<title>Acme &amp; Sons · 2026Q3</title>" in start
    assert (
        '<h2><a href="r1/cost.html">Cost &amp; more</a></h2><div class="findings"><ol><li>It &lt;rose&gt;.</li>'
        in start
    )
    tiles = start[start.index('<ul class="tiles">') : start.index("</ul>")]
    first, second = tiles.split("</li>")[:2]
    assert "<span>NPS</span><strong>30.0 points</strong><span>29.0 to 31.0</span>" in first
    assert "<span>+10.0 points since 2026Q1 (20.0)</span>" in first
    assert 'points="4.0,20.0 50.0,9.5 96.0,4.0"' in first  # 1, 20, 30: from 20 to 4 high
    assert (
        "<span>share kept</span><strong>25.0 %</strong><span></span><span>no figure of the period before</span>"
        in second
    )
    assert "<div>NPS <b>30.0 points</b>" in index
    assert index.index("2026Q3") < index.index("2026Q1") < index.index("2025Q4")


def test_an_empty_archive_has_a_view(tmp_path):
    assert "Nothing is archived yet." in catalogue.rebuild(tmp_path).read_text()

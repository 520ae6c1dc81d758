"""Does a comparison tell what changed between two revisions, and because of what?"""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from browser import audit, chromium
from statsmodels.stats.proportion import proportion_confint

from toolkit import stats
from toolkit.errors import DataError
from toolkit.reporting import archive, compare

PAGE = (
    '<title>C · A · 1</title><h1>C</h1><figure id="figure-drawn"><img style="" alt="{alt}" '
    'src="data:image/svg+xml,<svg xmlns=%22http://www.w3.org/2000/svg%22 width=%22{wide}%22/>">'
)
FIGURE = {"report": "cost", "definition_id": "3.3", "cohort": "orders", "segment": "", "channel": "", "n": 9,
          "unit": "share", "headline": ""}  # fmt: skip


def _entry(**parts):
    entry = {
        "frames": {"orders": "f1", "work": "w1"},
        "code": {"a.py": "c1", "b.py": "c1"},
        "environment": {"python": "3"},
        "parameters": {"n": {"value": 1, "origin": "base.yaml, line 3"}, "period": {"value": "x", "origin": "run"}},
    }
    entry |= parts
    return entry | {"recipe": archive.sha256(json.dumps(entry))}


@pytest.fixture
def archived(tmp_path):
    """Archive a revision: its period, entries of its reports, key figures, tables by name and a drawing's text."""

    def make(period, entries, figures=(), tables=(), alt="Dots"):
        folder = tmp_path / "reports" / "acme" / period
        staging = tmp_path / "staging"
        (staging / "tables" / "cost").mkdir(parents=True)
        (folder).mkdir(parents=True, exist_ok=True)
        for report in entries:
            (staging / f"{report}.html").write_text(PAGE.format(alt=alt, wide=len(alt)))
        for name, rows in dict(tables).items():
            rows.to_csv(staging / "tables" / "cost" / f"{name}.csv", index=False)
        pd.DataFrame(
            [FIGURE | row for row in figures], columns=[*FIGURE, "figure_id", "value", "low", "high"]
        ).to_parquet(staging / "figures.parquet")
        run = {"reason": "r", "changed": "r", "finished_at": "2026-11-01T10:00:00+00:00"}
        return archive.commit(folder, staging, {"reports": entries}, run)

    return make


def _share(figure_id, value, low, high, **more):
    return {"figure_id": figure_id, "value": value, "low": low, "high": high} | more


def test_the_interval_of_a_change_is_newcombes():
    # Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10: 56/70 against 48/80
    first, second = ((x / n, *proportion_confint(x, n, method="wilson")) for x, n in ((56, 70), (48, 80)))
    assert np.round(stats.difference(first, second), 4).tolist() == [0.2, 0.0524, 0.3339]


def test_key_figures_have_their_change_its_interval_and_its_causes(archived):
    old = archived(
        "2026Q2",
        {"cost": _entry(before=[{"value": 1}])},
        [_share("kept", 0.5, 0.4, 0.6), _share("gone", 1, None, None)],
    )
    parameters = _entry()["parameters"] | {"period": {"value": "y", "origin": "run"}}
    parts = {"frames": {"orders": "f2", "work": "w1"}, "code": {"a.py": "c2", "b.py": "c1"}, "parameters": parameters}
    new = archived("2026Q3", {"cost": _entry(**parts)},
                   [_share("kept", 0.8, 0.7, 0.9), _share("come", 2, None, None)])  # fmt: skip
    told = compare.compare(old, new)
    assert told["reports"]["cost"] == {
        "state": "changed", "because": ["data", "code", "figures of the period before"], "frames": ["orders"],
        "code": ["a.py"], "parameters": [],
        "confidence": 0.95,
    }  # fmt: skip
    figures = {row["figure_id"]: row for row in told["figures"]}
    kept = figures["kept"]
    assert kept["because"] == ["data", "code"]
    assert [kept[name] for name in ("old", "new")] == [0.5, 0.8]
    assert [kept[name] for name in ("change", "low", "high")] == pytest.approx([0.3, 0.3 - 0.02**0.5, 0.3 + 0.02**0.5])
    page = compare.write(old, new).read_text()
    assert (
        "1 of 1 changes have an interval that leaves out 0; up to 0.1 would by chance alone: kept (+30.0 points)."
        in page
    )
    assert '<td class="number">+30.0 points</td><td class="number">+15.9 to +44.1</td><td>yes</td>' in page
    assert [figures["gone"][name] for name in ("old", "new", "change")] == [1, None, None]
    assert [figures["come"][name] for name in ("old", "new", "change")] == [None, 2, None]


def test_between_revisions_of_one_period_there_is_no_interval_and_each_part_is_named(archived):
    made = [_entry(), _entry(parameters={"n": {"value": 2, "origin": "--set"}}), _entry(environment={"python": "4"})]
    first, second, third = (archived("2026Q3", {"cost": entry}, [_share("kept", 0.5 + at, 0.4, 0.6)])
                            for at, entry in enumerate(made))  # fmt: skip
    told = compare.compare(first, second)
    assert told["figures"][0]["low"] is None
    assert told["figures"][0]["because"] == ["parameters"]
    assert told["reports"]["cost"]["parameters"][0] == {
        "parameter": "n",
        "old": "1 (base.yaml, line 3)",
        "new": "2 (--set)",
    }
    assert compare.compare(second, third)["reports"]["cost"]["because"] == ["parameters", "environment"]
    same = compare.compare(first, first)
    assert same["reports"]["cost"]["state"] == "same"
    assert same["figures"][0] | {"change": 0.0, "because": []} == same["figures"][0]
    page = compare.write(first, second).read_text()
    assert "1 of 1 key figures changed: kept (+100.0 points)." in page
    assert "0 of 1 key figures changed." in compare.write(first, first).read_text()


def test_what_moved_in_its_last_digits_did_not_change(archived):
    rows = pd.DataFrame({"segment": ["a", "b"], "nps": [3.0, 4.0]})
    first = archived("2026Q3", {"cost": _entry()}, [_share("kept", 0.5, 0.4, 0.6)], {"scores": rows})
    entry = _entry(environment={"python": "4"})
    moved = rows.assign(nps=[3.0 * (1 + 9e-10), 4.0 * (1 + 2e-9)])
    second = archived("2026Q3", {"cost": entry}, [_share("kept", 0.5 * (1 + 9e-10), 0.4, 0.6)], {"scores": moved})
    third = archived("2026Q3", {"cost": entry}, [_share("kept", 0.5, 0.4, 0.6 * (1 + 2e-9))], {"scores": moved})
    told = compare.compare(first, second)
    assert [told["figures"][0][name] for name in ("change", "because")] == [0.0, []]
    assert [cell["row"] for cell in told["tables"][0]["cells"]] == ["b"]
    assert "0 of 1 key figures changed." in compare.write(first, second).read_text()
    assert compare.compare(first, third)["figures"][0]["change"] == 0.0  # an end moved, the value did not


def test_a_figure_that_came_has_its_causes_and_an_empty_table_is_one(archived):
    first = archived("2026Q3", {"cost": _entry()}, [_share("kept", 0.5, 0.4, 0.6)], {"none": pd.DataFrame()})
    figures = [_share("kept", 0.5, 0.4, 0.6), _share("new", 0.1, 0.0, 0.2)]
    entry = _entry(code={"a.py": "c1", "b.py": "c2"})
    second = archived("2026Q3", {"cost": entry}, figures, {"none": pd.DataFrame({"a": [1]})})
    told = compare.compare(first, second)
    assert [(row["figure_id"], row["change"], row["because"]) for row in told["figures"]] == [
        ("kept", 0.0, []),
        ("new", None, ["code"]),
    ]
    page = compare.write(first, second).read_text()
    assert "1 of 2 key figures changed: new (–).</p><p>1 of 1 tables changed: none.</p>" in page
    assert page.count('<th scope="row">cost</th>') == 2  # of the figures, only the new one


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, "No table changed."),
        (5, "5 of 6 tables changed: t0, t1, t2, t3, t4."),
        (6, "6 of 6 tables changed: t0, t1, t2, t3, t4 …."),
    ],
)
def test_the_first_tables_that_changed_are_not_told_as_if_they_were_all(archived, n, said):
    was = {f"t{at}": pd.DataFrame({"a": [1]}) for at in range(6)}
    first = archived("2026Q3", {"cost": _entry()}, tables=was)
    now = {name: rows + (at < n) for at, (name, rows) in enumerate(was.items())}
    second = archived("2026Q3", {"cost": _entry(environment={"python": "4"})}, tables=now)
    assert f"<p>{said}</p>" in compare.write(first, second).read_text()


def test_what_was_tampered_with_is_not_compared(archived):
    first = archived("2026Q3", {"cost": _entry()}, [_share("kept", 0.5, 0.4, 0.6)])
    second = archived("2026Q4", {"cost": _entry()}, [_share("kept", 0.5, 0.4, 0.6)])
    (second.folder / "cost.html").chmod(0o644)
    (second.folder / "cost.html").write_text("better")
    with pytest.raises(DataError, match=r"2026Q4/r1: cost.html is not what was archived. Bring it back from a copy"):
        compare.write(first, second)


def test_tables_are_matched_by_their_texts_and_told_row_by_row(archived):
    columns = ["segment", "nps", "n"]
    alike = [("a", 1.0, 5), ("same", 4.0, 4), ("none", None, 3)]
    old = pd.DataFrame([*alike, ("b", None, 6), ("c", 3.0, 7), ("same", 5.0, 5)], columns=columns)
    new = pd.DataFrame([("d", 9.0, 1), ("b", 2.0, 6), *alike, ("same", 6.0, 5)], columns=columns)
    still = pd.DataFrame({"segment": ["a"], "n": [1]})
    first = archived("2026Q2", {"cost": _entry()}, tables={"scores": old, "still": still, "left": still})
    entry = _entry(frames={"orders": "f2", "work": "w1"})
    second = archived("2026Q3", {"cost": entry}, tables={"scores": new, "still": still}, alt="Other dots")
    tables = {row["table"]: row for row in compare.compare(first, second)["tables"]}
    counts = ("rows", "changed", "added", "removed")
    assert [tables["scores"][name] for name in counts] == [7, 2, 1, 1]
    assert tables["scores"]["cells"] == [
        {"row": "b", "column": "nps", "old": None, "new": 2.0},
        {"row": "same", "column": "nps", "old": 5.0, "new": 6.0},
    ]  # fmt: skip
    assert [tables["left"][name] for name in counts] == [1, 0, 0, 1]
    page = compare.write(first, second).read_text()
    assert "<summary>scores: of 7 rows 2 changed, 1 came, 1 went</summary>" in page
    for cells in ('b</th><td class="number">2.0 (was –)</td>', 'd</th><td class="number">9.0 (was –)</td>'):
        assert cells in page
    assert "Tables without a change: still." in page
    pair = page[page.index('<div class="pair">') :]
    assert [f'alt="{alt}"' in pair for alt in ("Dots", "Other dots")] == [True, True]
    assert "Neither keeps a key figure." in page


@pytest.mark.slow
def test_a_comparison_is_for_everyone(archived):
    rows = pd.DataFrame({"segment": ["<b>a</b>", "b", "c"], "nps": [1.0, 2.0, 3.0], "n": [5, 6, 7]})
    figures = [_share("kept", 0.5, 0.4, 0.6, segment="x" * 200)]
    first = archived("2026Q2", {"cost": _entry()}, figures, {"scores": rows})
    more = _entry(parameters={"n": {"value": "<i>", "origin": "--set"}})
    changed = rows.assign(nps=[2.0, 1.0, 0.0])
    second = archived("2026Q3", {"cost": more}, figures, {"scores": changed}, alt="Other dots")
    with chromium() as browser:
        assert audit(browser, compare.write(first, second)) == []


def test_a_report_that_one_of_the_two_lacks_is_named(archived):
    first, second = archived("2026Q2", {"cost": _entry()}), archived("2026Q3", {"cost": _entry(), "nps": _entry()})
    told = compare.compare(first, second)
    assert told["reports"]["nps"]["state"] == "added"
    assert compare.compare(second, first)["reports"]["nps"]["state"] == "removed"
    assert "It is in one of the two only." in compare.write(first, second).read_text()


def test_a_comparison_stands_beside_the_archive_and_changes_nothing_of_it(archived, tmp_path):
    first, second = archived("2026Q2", {"cost": _entry()}), archived("2026Q3", {"cost": _entry()})
    path = compare.write(first, second)
    assert path == tmp_path / "reports/acme/compared/2026Q2-r1--2026Q3-r1.html"
    assert json.loads(path.with_suffix(".json").read_text()) == compare.compare(first, second)
    assert sorted(os.listdir(path.parent)) == [path.with_suffix(".html").name, path.with_suffix(".json").name]
    assert [archive.check(each.folder.parent) for each in (first, second)] == [[], []]
    written = path.read_bytes()
    assert compare.write(first, second).read_bytes() == written
    shutil.rmtree(tmp_path / "reports")

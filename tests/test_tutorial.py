"""Do the tutorial and the how-to page lead where they say, line by line in a fresh clone?"""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from conftest import ROOT

BLOCK = re.compile(r"(?ms)^```(sh|python)\n(.+?)^```$")


@pytest.fixture
def clone(tmp_path):
    """A fresh clone of what is here, committed or not."""
    clone = tmp_path / "main"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    for path in ("docs", "toolkit", "notebooks", "params"):
        shutil.copytree(ROOT / path, clone / path, dirs_exist_ok=True)
    (clone / ".venv").mkdir()  # what is installed is what the clone's lock says: make need not do it again
    (clone / ".venv" / "bin").symlink_to(ROOT / ".venv" / "bin")
    (clone / ".venv" / "run.done").touch()
    return clone


def _blocks(page):
    """Grey boxes of a page, in order: whose, and its lines."""
    return BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))


def _ran(kind, lines, clone):
    command = ["bash", "-euo", "pipefail", "-c", lines] if kind == "sh" else [sys.executable, "-c", lines]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    return done.stdout


@pytest.mark.slow
def test_the_tutorial_ends_where_it_says(clone):
    begun = time.monotonic()
    assert {kind for kind, _ in _blocks("TUTORIAL.md")} == {"sh"}
    last = _ran("sh", "".join(lines for _, lines in _blocks("TUTORIAL.md")), clone).splitlines()[-1]
    assert time.monotonic() - begun < 15 * 60
    assert last.startswith("roaster 2026Q3 r"), last
    assert "ann@roaster.example" in last
    revision = clone / "reports" / "roaster" / "2026Q3" / last.split()[2]
    made = {path.stem for path in revision.glob("*.html")}
    assert made == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} | {"late_orders"}
    told = (revision / "nps_supply_chain.html").read_text(encoding="utf-8")
    assert "café" in told


@pytest.mark.slow
def test_every_box_of_the_how_to_page_does_what_it_says(clone):
    said = "".join(_ran(kind, lines, clone) for kind, lines in _blocks("HOWTO.md"))
    assert "byte for byte what was archived: governance of sample 2026Q3 r1" in said
    assert "cost_to_serve.en, cost_to_serve.nl" in said
    assert "unchanged, nothing was executed" in said
    assert "C(segment)[T.business]" in said
    assert (clone / "reports" / "sample" / "compared" / "2026Q3-r1--2026Q3-r2.html").exists()
    drawn = (clone / "scores.svg").read_text(encoding="utf-8")
    assert drawn.count("<path") > 30


def test_every_box_of_every_page_is_run_or_read_by_a_test():
    """Boxes of TUTORIAL and HOWTO are run here; those of SCHEDULING and SCALE are read by tests of their own."""
    elsewhere = {"SCHEDULING.md": {"cron", "ini", "yaml"}, "SCALE.md": {"yaml"}, "README.md": {"sh"}}
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md"]:
        text = page.read_text(encoding="utf-8")
        kinds = set(re.findall(r"(?m)^```(\w+)$", text))
        here = {"sh", "python"} if page.name in ("TUTORIAL.md", "HOWTO.md") else set()
        assert kinds <= here | elsewhere.get(page.name, set()), page.name

"""Does the tutorial lead a newcomer, line by line in a fresh clone, to where it says?"""

import os
import re
import shutil
import subprocess
import time

import pytest

from conftest import ROOT

BLOCK = re.compile(r"(?ms)^```sh\n(.+?)^```$")


def _lines():
    """Commands of the tutorial's grey boxes, in order; those that span lines whole."""
    text = (ROOT / "docs" / "TUTORIAL.md").read_text(encoding="utf-8")
    return "".join(block[1] for block in BLOCK.finditer(text))


@pytest.mark.slow
def test_the_tutorial_ends_where_it_says(tmp_path):
    clone = tmp_path / "main"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    for path in ("docs", "toolkit", "notebooks", "params"):  # as they are here, committed or not
        shutil.copytree(ROOT / path, clone / path, dirs_exist_ok=True)
    (clone / ".venv").mkdir()  # what is installed is what the clone's lock says: make need not do it again
    (clone / ".venv" / "bin").symlink_to(ROOT / ".venv" / "bin")
    (clone / ".venv" / "run.done").touch()
    begun = time.monotonic()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", _lines()], cwd=clone, capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    assert time.monotonic() - begun < 15 * 60
    last = done.stdout.splitlines()[-1]
    assert last.startswith("roaster 2026Q3 r"), last
    assert "ann@roaster.example" in last
    revision = clone / "reports" / "roaster" / "2026Q3" / last.split()[2]
    made = {path.stem for path in revision.glob("*.html")}
    assert made == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} | {"late_orders"}
    told = (revision / "nps_supply_chain.html").read_text(encoding="utf-8")
    assert "café" in told

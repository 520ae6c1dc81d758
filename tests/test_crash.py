"""Is the archive whole, and the state of a run true, whatever system call it ends at? Does the next run complete it?

Needs ``strace``, and for a full and a read-only disk the right to mount; ``crashing.py`` makes the runs.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest

from conftest import ROOT

STEPS = {"fsync": 1, "rename": 1, "mkdir": 1, "write": 3, "open": 8}  # benchmarks/proof_crashes.py takes every one
FULL = "error: {place}No space left on device. Nothing half-written is archived; what was finished is kept.\n"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]


@contextmanager
def crashing(home, *how):
    """What comes of a run that is ended at a point."""
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    server = subprocess.Popen(
        [sys.executable, ROOT / "tests" / "crashing.py", home, *how], env=os.environ | {"PYTHONPATH": paths},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def ask(**point):
        server.stdin.write(json.dumps(point) + "\n")
        server.stdin.flush()
        return json.loads(server.stdout.readline())

    try:
        yield ask
    finally:
        server.stdin.close()
        server.wait()


@pytest.fixture(scope="module")
def crash(tmp_path_factory):
    with crashing(tmp_path_factory.mktemp("crash")) as ask:
        yield ask


def scanned(ask, call, step, **more):
    """Every ``step``-th point of a call, until a run has no more of them and ends."""
    nth, found = 1, []
    while not found or found[-1]["code"] != 0:
        found.append(ask(call=call, nth=nth, **more))
        nth += step
    assert nth < 1_000
    return found


def test_an_undisturbed_run_is_what_the_others_are_held_to(crash):
    told = crash()
    assert (told["code"], told["said"], told["revision"], told["wrong"]) == (0, "", True, [])


@pytest.mark.parametrize("call", STEPS)
def test_a_run_killed_at_any_call_leaves_all_of_a_revision_or_none_and_the_next_completes_it(crash, call):
    found = scanned(crash, call, STEPS[call])
    assert [(told["nth"], told["wrong"]) for told in found if told["wrong"]] == []
    assert [told["code"] for told in found[:-1]] == [-9] * (len(found) - 1)
    assert {told["revision"] for told in found} == {False, True}
    assert len(found) * STEPS[call] >= {"fsync": 20, "rename": 5, "mkdir": 8, "write": 50, "open": 60}[call]


@pytest.mark.parametrize("call", ["fsync", "rename", "mkdir", "write"])
def test_a_disk_that_is_full_from_any_call_on_is_one_message_and_loses_nothing(crash, call):
    found = scanned(crash, call, 3 * STEPS[call], error="ENOSPC")
    assert [(told["nth"], told["wrong"]) for told in found if told["wrong"]] == []
    assert {told["code"] for told in found[:-1]} <= {1, 0}
    for told in found:  # where nothing can be written, nothing can be said either
        assert re.sub(r"HOME/\S*: ", "", told["said"]) in ("", FULL.format(place="")), told


def test_a_run_killed_at_forty_instants_leaves_all_of_a_revision_or_none(crash):
    chance = random.Random(20261129)
    found = [crash(after=chance.uniform(0, 0.5)) for _ in range(40)]
    assert [(told["after"], told["wrong"]) for told in found if told["wrong"]] == []
    assert {told["code"] for told in found} >= {-9}


# -- what is durable, and in which order -------------------------------------------------------


def test_all_of_a_revision_is_on_disk_before_it_gets_its_name_and_its_name_before_the_head(tmp_path):
    with crashing(tmp_path) as ask:
        assert ask(call="rename", nth=999)["code"] == 0  # never reached; the trace has renames alone
        shutil.rmtree(tmp_path / "start")
        for name in ("whole", "growth.ipynb"):
            path = tmp_path / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    command = ["strace", "-f", "-y", "-s", "4096", "-e", "trace=fsync,rename,write", "-o", tmp_path / "trace"]
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    script = [sys.executable, ROOT / "tests" / "crashing.py", tmp_path]
    subprocess.run([*command, *script], env=os.environ | {"PYTHONPATH": paths}, stdin=subprocess.DEVNULL, check=True)
    pack = f"{tmp_path}/whole/reports/acme/2026Q3"
    calls = []
    for line in (tmp_path / "trace").read_text().splitlines():
        call = re.match(r"\d+ +(fsync|write|rename)\((.*)\) += \d+", line)
        if call and str(tmp_path / "whole") in call[2]:
            places = [place for place in re.findall(r"<([^>]+)>|\"([^\"]+)\"", call[2])]
            calls.append((call[1], *[a or b for a, b in places][: 2 if call[1] == "rename" else 1]))
    (at,) = (n for n, call in enumerate(calls) if call[0] == "rename" and call[2] == f"{pack}/r2")
    staging = calls[at][1]
    before, after = calls[:at], calls[at + 1 :]
    synced = [call[1] for call in before if call[0] == "fsync"]
    inside = {os.path.join(staging, os.path.relpath(os.path.join(folder, name), f"{pack}/r2"))
              for folder, _, names in os.walk(f"{pack}/r2") for name in [*names, "."]}  # fmt: skip
    assert {os.path.normpath(path) for path in inside} <= set(synced)
    last = {path: max(n for n, call in enumerate(before) if call == ("fsync", path)) for path in synced}
    written = [(n, call[1]) for n, call in enumerate(before) if call[0] == "write" and call[1] in last]
    assert written
    assert all(n < last[path] for n, path in written)
    ledger = f"{pack}/ledger.jsonl"
    assert ("fsync", ledger) in before  # that it was about to archive
    assert after[0] == ("fsync", pack)
    head = next(n for n, call in enumerate(after) if call[0] == "rename" and call[2].endswith("reports/head.json"))
    assert ("fsync", after[head][1]) in after[:head]
    assert after[head + 1] == ("fsync", f"{tmp_path}/whole/reports")
    said = next(n for n, call in enumerate(after) if call == ("fsync", ledger))
    assert head < said  # that it is archived


# -- disks that are full or may not be written to, as a machine has them -----------------------

PROJECT = """
import sys
from pathlib import Path
import crashing
from test_runner import Project
crashing.runner._execute = crashing.execute
home = Path(sys.argv[1])
if sys.argv[2:]:
    project = Project(home)
    for name in ("cost", "growth"):
        project.quick_report(name)
sys.exit(crashing.made(home))
"""


def _mounted(tmp_path, mount):
    """A run in a file system of its own; what it said, and what the archive then held."""
    home, listing = tmp_path / "home", tmp_path / "listing"
    script = tmp_path / "run.py"
    script.write_text(PROJECT)
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    environment = os.environ | {"PYTHONPATH": paths}
    if not home.exists():
        home.mkdir()
        subprocess.run([sys.executable, script, home, "new"], env=environment, check=True)
        shutil.copy(home / "notebooks/cost.ipynb", home / "notebooks/extra.ipynb")  # a second revision to make
    shell = f"{mount} && {sys.executable} {script} {home}; echo $? > {listing}; find {home}/reports | sort >> {listing}"
    ended = subprocess.run(["unshare", "-m", "sh", "-c", shell], env=environment, capture_output=True, text=True)
    code, *found = listing.read_text().splitlines()
    return int(code), ended.stderr.replace(str(home), "HOME"), [path.replace(str(home), "HOME") for path in found]


def _may_mount():
    return shutil.which("unshare") and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not _may_mount(), reason="may not mount")
def test_an_archive_that_may_not_be_written_to_is_one_message(tmp_path):
    home = tmp_path / "home"
    only = f"mount --bind {home}/reports {home}/reports && mount -o remount,ro,bind {home}/reports"
    code, said, found = _mounted(tmp_path, only)
    place = "HOME/reports/acme/2026Q3/.lock: "
    assert (code, said) == (
        1,
        f"error: {place}Read-only file system. Nothing half-written is archived; what was finished is kept.\n",
    )
    assert "HOME/reports/acme/2026Q3/r2" not in found
    assert _mounted(tmp_path, "true")[::2][0] == 0  # once it may be written to


@pytest.mark.skipif(not _may_mount(), reason="may not mount")
def test_a_disk_that_is_really_full_is_one_message(tmp_path):
    home = tmp_path / "home"
    for size in (16, 48, 64, 80):  # kB beyond what is there: full at different places
        full = (
            f"cp -a {home}/reports {tmp_path}/copy && mount -t tmpfs -o size=$(($(du -sk {home}/reports | cut -f1)"
            f" + {size}))k none {home}/reports && cp -a {tmp_path}/copy/. {home}/reports && rm -r {tmp_path}/copy"
        )
        code, said, found = _mounted(tmp_path, full)
        if code == 0:
            break
        assert code == 1
        assert re.sub(r"HOME/\S*: ", "", said) == FULL.format(place="")
        made = [path for path in found if path.startswith("HOME/reports/acme/2026Q3/r2/")]
        papers = {path.rsplit("/", 1)[1] for path in made} & {"manifest.json", "run.json", "chain.json"}
        assert not made or len(papers) == 3  # all of it: the disk was full after it, at the head or a view
    assert size > 16

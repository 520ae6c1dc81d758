"""Runs of a pack that end at a chosen system call, and what they leave: ``python crashing.py HOME [kernels]``.

Each point is a JSON line on stdin: ``{"call": "fsync", "nth": 3}`` kills at the third fsync, with ``"error": "ENOSPC"``
that call and all after it fail, ``{"after": 0.05}`` kills after so many seconds, ``{}`` lets the run end. Answered by a
JSON line: how the run ended, and all of the archive that is not as it should be, after it and after the next run.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from test_runner import Project

from toolkit import cli
from toolkit.reporting import archive, ledger, runner, seal

CALLS = {"open": "openat", "write": "write", "fsync": "fsync", "rename": "rename,renameat2", "mkdir": "mkdir"}
NOW = datetime(2026, 11, 1, 10, tzinfo=UTC)


def execute(run, job):
    job.page, job.tables = f"<title>{job.report} · Acme · 2026Q3</title><h1>{job.report}</h1>", {"costs": "a\n1\n"}
    keys = dict.fromkeys(["definition_id", "cohort", "segment", "channel"], "") | {"unit": "EUR", "headline": "Cost"}
    job.figures = [keys | {"figure_id": job.report, "value": 1.0, "low": 0.5, "high": 1.5, "n": 30}]


def made(home):
    """A run of both reports, the second new: r2, or a refusal on stderr as the command line gives it."""
    project = Project(home)
    project.rows = dict.fromkeys(("cost", "growth", "extra"), ["o1", "o2"])
    found, period = project.company, project.company.period("2026Q3")

    def verb(_):
        told = seal.inputs(found, period, [])
        runner.run(found, period, [notebooks(home)], project.given, now=lambda: NOW, workers=1)
        seal.close(found, period, told)

    cli._parser = lambda: type("P", (), {"parse_args": lambda *_: type("O", (), {"verb": staticmethod(verb)})})()
    return cli.main([])


def notebooks(home):
    return sorted((home / "notebooks").glob("*.ipynb"))


def contents(pack):
    return {str(path.relative_to(pack)): path.read_bytes() for path in sorted(pack.glob("r*/**/*")) if path.is_file()}


def forked(home, traced, errors):
    """Run in a process of its own, which waits to be let go; its status as ``waitpid`` gives it."""
    child = os.fork()
    if not child:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os.kill(os.getpid(), signal.SIGSTOP)
        try:
            os._exit(made(home))
        except BaseException as error:  # noqa: BLE001
            os.write(2, f"NOT CAUGHT: {error!r}".encode())
            os._exit(99)
    os.waitpid(child, os.WUNTRACED)
    return child, traced(child) if traced else None


def ended(home, point, errors):
    """How a run ended that was made to fail at a point."""
    trace = errors.with_name("trace")

    def attach(child):
        if "call" not in point:
            return None
        how = f"error={point['error']}:when={point['nth']}+" if "error" in point else f"signal=KILL:when={point['nth']}"
        calls = CALLS[point["call"]]
        command = [
            "strace",
            "-f",
            "-y",
            "-o",
            trace,
            "-e",
            f"trace={calls}",
            "-e",
            f"inject={calls}:{how}",
            "-p",
            str(child),
        ]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert "attached" in tracer.stderr.readline()
        return tracer

    child, tracer = forked(home, attach, errors)
    os.kill(child, signal.SIGCONT)
    if "after" in point:
        time.sleep(point["after"])
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if tracer:
        tracer.stderr.read()
        tracer.wait()
    return os.waitstatus_to_exitcode(status)


def faults(home, code, first):
    """What is wrong with what a run left behind."""
    pack = home / "reports" / "acme" / "2026Q3"
    wrong = archive.check(pack) + archive.adrift(home / "reports", archive.heads(home / "reports"))
    names = [each.name for each in archive.revisions(pack)]
    if names not in (["r1"], ["r1", "r2"]):
        wrong.append(f"revisions {names}")
    now = contents(pack)
    wrong += [f"{name} of r1 changed" for name, content in first.items() if now.get(name) != content]
    runs, until = ledger.runs(pack), time.monotonic() + 10
    while (
        runs[-1].state == "running" and time.monotonic() < until
    ):  # a child it was just forking has the lock till exec
        time.sleep(0.01)
        runs = ledger.runs(pack)
    state = runs[-1].state if len(runs) > 1 else "none"
    expected = {"killed", "none"} if names == ["r1"] else {"archived"}
    if code == 0:
        expected |= {"unchanged"}
    if code in (1, 3, 4):
        expected |= {"failed"}
    if state not in expected:
        wrong.append(f"state {state} with {names} after {code}")
    return wrong


def main(home):
    os.environ["OMP_NUM_THREADS"] = "1"
    if "kernels" not in sys.argv[2:]:
        runner._execute = execute
    start = home / "start"
    project = Project(start)
    for name in ("cost", "growth"):
        project.quick_report(name)
    later = (start / "notebooks" / "growth.ipynb").rename(home / "growth.ipynb")
    assert made(start) == 0
    shutil.copy(later, start / "notebooks" / "growth.ipynb")
    whole = home / "whole"
    shutil.copytree(start, whole, symlinks=True)
    assert made(whole) == 0
    pack = Path("reports/acme/2026Q3")
    timed = ("r2/run.json", "r2/chain.json") if "kernels" in sys.argv[2:] else ()  # seconds and memory of kernels
    first, wanted = contents(start / pack), contents(whole / pack)
    for line in sys.stdin:
        point, folder = json.loads(line), home / "run"
        shutil.copytree(start, folder, symlinks=True)
        errors = home / "errors"
        code = ended(folder, point, errors)
        told = {"code": code, "said": errors.read_text().replace(str(folder), "HOME")}
        told["revision"] = (folder / pack / "r2").exists()
        told["wrong"] = faults(folder, code, first)
        again = ended(folder, {}, errors)
        told["wrong"] += [f"next run ended {again}: {errors.read_text()}"] * (again != 0)
        told["wrong"] += [f"after the next run: {fault}" for fault in faults(folder, again, first)]
        told["wrong"] += [
            f"{name} differs"
            for name in sorted(archive.differing(wanted, contents(folder / pack)))
            if name not in timed
        ]
        told["wrong"] += [f"{path.name} is left" for path in (folder / pack).glob(".[sm][ta][ad]*")]
        told["wrong"] += ["no views"] * (not (folder / pack / "index.html").exists())
        print(json.dumps(point | told), flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Which reports must be executed, and did they really come to their end? One fresh kernel each."""

import ast
import fcntl
import json
import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from toolkit.company import Company, Period
from toolkit.errors import ParamsError, ReportError, several
from toolkit.reporting import archive, catalogue
from toolkit.reporting.parameters import Value, resolved

_KERNEL_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "IPYKERNEL_CELL_NAME": "<cell>",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "TQDM_DISABLE": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
_MB, _POLL_SECONDS = 2**20, 0.2
_RENDERING = threading.Lock()  # nbconvert says nothing of threads
_KEY_FIGURES = "key_figures"  # the frame that puts a report into the second stage
_ASIDE, _MADE, _FACTS = ".made", "made.json", ("seconds", "memory_mb", "figures")
_PASSED_ON = ("PATH", "HOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SYSTEMROOT", "COVERAGE_PROCESS_START")


@dataclass
class Job:
    """One report to make: its notebook, parameters, frames, and the recipe that names all of it."""

    notebook: Path
    values: dict[str, Value]
    frames: dict[str, tuple[Path, str]]
    code: dict[str, str]
    recipe: str = ""
    seconds: float = 0.0
    memory_mb: float = 0.0
    tables: dict[str, str] = field(default_factory=dict)
    figures: list[dict] = field(default_factory=list)
    page: str = ""

    @property
    def report(self) -> str:
        """Name of the report: the notebook's file name without ending."""
        return self.notebook.stem


@dataclass(frozen=True)
class _Run:
    """What the reports of a run share; ``stop`` is set when the run is being ended."""

    company: Company
    period: Period
    workers: int
    tell: Callable[[dict], None]
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def home(self) -> Path:
        """Folder of the pack's revisions."""
        return self.company.reports / self.period.name

    def say(self, state: str, report: str, **facts: Any) -> None:
        """Tell what a report is at; one at a time, whichever thread it comes from."""
        with self.lock:
            self.tell({"event": "report", "state": state, "period": self.period.name, "report": report, **facts})


@dataclass(frozen=True)
class Outcome:
    """A run of a pack: its revision, and which reports were executed for it, or taken from a run that was killed."""

    revision: archive.Revision | None
    executed: list[str]
    resumed: list[str]
    unchanged: list[str]


def run(
    company: Company,
    period: Period,
    stages: Sequence[Sequence[Path]],
    frames_for: Callable[[Sequence[Path], pd.DataFrame | None], Mapping[str, Mapping[str, tuple[Path, str]]]],
    *,
    sets: Sequence[str] = (),
    reason: str = "",
    workers: int | None = None,
    tell: Callable[[dict], None] = lambda event: None,
) -> Outcome:
    """Make the pack of a period: execute what changed, keep what did not, archive all of it at once.

    Parameters
    ----------
    company, period
        Whose pack.
    stages
        The reports: notebooks that are executed side by side, then those that read what came of them.
    frames_for
        Called for each stage once the parameters hold, with the key figures of the pack so far (None in the first
        stage): gives each notebook's frames by name, as file and digest.
    sets
        Parameters as ``name=value``.
    reason
        Why there is a new revision; by default what changed.
    workers
        How many reports run at once; by default as many as the machine has cores.
    tell
        Where progress goes: ``{"event": "report", "state": ..., "period": ..., "report": ...}``, the state one of
        started, cell, done, failed, unchanged, resumed, waits, with ``cell``, ``cells``, ``section``, ``seconds``,
        ``memory_mb`` or ``fault`` where they say something; and ``{"event": "archived", "revision": ...}``.

    Returns
    -------
    Outcome
        The newest revision; nothing is new in it if ``executed`` and ``resumed`` are empty.

    Raises
    ------
    ParamsError
        If a parameter is wrong, or there is no worker; nothing was started.
    ReportError
        If a report failed. The others were executed; what was made anew is archived, the failed ones left out.
    """
    run = _Run(company, period, (os.cpu_count() or 1) if workers is None else workers, tell)
    if run.workers < 1:
        raise ParamsError(f"workers: expected 1 or more, found {workers}.")
    values = resolved(company, period.name, [notebook for stage in stages for notebook in stage], sets)
    run.home.mkdir(parents=True, exist_ok=True)
    with _alone(run.home), _ended_in_order():
        outcome, failed = _pack(run, stages, values, frames_for, reason)
    if outcome.revision:
        catalogue.rebuild(company.home / "reports")
    if failed:
        folder = outcome.revision.folder.relative_to(company.home) if outcome.executed or outcome.resumed else None
        without = f"\n{folder} is archived without {', '.join(failed)}." if folder else ""
        raise ReportError(several(failed.values()) + without)
    return outcome


def _pack(
    run: _Run, stages: Sequence[Sequence[Path]], values: Mapping, frames_for: Callable, reason: str
) -> tuple[Outcome, dict[str, str]]:
    """What came of a run, and the faults of the reports that failed in it."""
    company, home = run.company, run.home
    for leftover in home.glob(".staging-*"):  # of a run that was killed
        archive.discard(leftover)
    last = next(reversed(archive.revisions(home)), None)
    before = last.manifest["reports"] if last else {}
    asked = {notebook.stem for stage in stages for notebook in stage}
    others = [r for r in before if _stays(company, r, asked)]
    record = last.record if last else {}
    still = {r: fault for r, fault in record.get("failed", {}).items() if _stays(company, r, asked)}
    figures = {r: _figures_of(last, r) for r in others}
    jobs, same, resumed, failed = [], [], [], {}
    for number, stage in enumerate(stages):
        waits_for = [*still, *failed] if number else []
        if waits_for:
            for notebook in stage:
                fault = f"notebooks/{notebook.name} not started: waits for {', '.join(waits_for)}."
                failed[notebook.stem] = fault
                run.say("waits", notebook.stem, fault=fault)
        elif stage:  # a later stage reads figures of the earlier ones, never of its own
            so_far = [
                row for r in figures if _KEY_FIGURES not in before.get(r, {}).get("frames", ()) for row in figures[r]
            ]
            given = frames_for(stage, _figures_frame(so_far) if number else None)
            begun = [_job(company, run.period, path, values[path.stem], given[path.stem]) for path in stage]
            kept = [job.report for job in begun if before.get(job.report, {}).get("recipe") == job.recipe]
            for report in kept:
                run.say("unchanged", report)
            changed = [job for job in begun if job.report not in kept]
            resumed += [job.report for job in changed if _taken_up(run, job)]
            failed |= _executed(run, [job for job in changed if job.report not in resumed])
            figures |= {r: _figures_of(last, r) for r in kept}
            figures |= {job.report: [{"report": job.report} | row for row in job.figures] for job in changed}
            jobs, same = jobs + begun, same + kept
    fresh = [job for job in jobs if job.report not in same and job.report not in failed]
    if not fresh and (failed or set(before) == asked | set(others)):
        archive.discard(home / _ASIDE)
        return Outcome(last, [], [], same), failed
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=home))
    staging.chmod(0o755)
    try:
        for job in fresh:
            shutil.copytree(home / _ASIDE / job.recipe, staging, copy_function=shutil.copyfile, dirs_exist_ok=True)
            (staging / _MADE).unlink()
        for report in [*same, *others]:
            _carry_over(last, report, staging)
        rows = [row for report in figures if report not in failed for row in figures[report]]
        _figures_frame(rows).to_parquet(staging / "figures.parquet", index=False)
        kept = {report: {"unchanged_since": last.name} for report in [*same, *others]}
        made = {
            job.report: {"seconds": round(job.seconds, 2), "peak_memory_mb": round(job.memory_mb, 1)} for job in fresh
        }
        held = [job for job in jobs if job.report not in failed]
        run_record = {
            "reason": reason or _why(before, held, asked | set(others)),
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": _git_commit(company.home),
            "reports": kept | made,
        } | ({"failed": still | failed} if still or failed else {})
        manifest = _manifest(company, run.period, held, {report: before[report] for report in others})
        (staging / "parameters").mkdir()
        for report, entry in manifest["reports"].items():  # for papermill -f, by hand
            lines = [yaml_line(name, one["value"]) for name, one in entry["parameters"].items()]
            (staging / "parameters" / f"{report}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        revision = archive.commit(home, staging, manifest, run_record)
    finally:
        archive.discard(staging)
    archive.discard(home / _ASIDE)  # it is in the revision; what was not asked for goes too
    executed = [job.report for job in fresh if job.report not in resumed]
    facts = {"reports": sorted(manifest["reports"]), "failed": sorted(still | failed)}
    run.tell({"event": "archived", "period": run.period.name, "revision": revision.name, **facts})
    return Outcome(revision, executed, resumed, same), failed


def _stays(company: Company, report: str, asked: set[str]) -> bool:
    """Is a report of the last revision, not asked for now, still one of the company's?"""
    return report not in asked and (company.home / "notebooks" / f"{report}.ipynb").exists()


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One run at a time makes a pack; the lock ends with the process, however that ends."""
    with (home / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ReportError(f"{home}: another run is making this pack. Wait for its end.") from None
        yield


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does: no process and no folder is left behind."""

    def stop(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# -- what a report is made of ------------------------------------------------------------------


def _job(
    company: Company,
    period: Period,
    notebook: Path,
    values: dict[str, Value],
    frames: Mapping[str, tuple[Path, str]],
) -> Job:
    job = Job(notebook, values, dict(frames), _code(notebook))
    heading = [company.settings.title, period.name, period.as_of.isoformat()]
    job.recipe = archive.sha256(archive.canonical([heading, _entry(job)]))
    return job


def _json_safe(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))  # dates and keys become texts


_MISREAD = ("null", "true", "false", "yes", "no", "on", "off")  # no texts to a reader of YAML 1.1


def yaml_line(name: str, value: Any) -> str:
    """``name: value`` as YAML 1.1, which papermill reads, and YAML 1.2 both understand it.

    >>> print(yaml_line("days", [1, 1e-7, "NO"]))
    days: [1, 1.0e-07, "NO"]
    """
    name = json.dumps(name) if name.lower() in _MISREAD else name
    return f"{name}: {_yaml(_json_safe(value))}"


def _yaml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_yaml(key)}: {_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, float) and "." not in repr(value):  # 1e-07 is a text without a dot
        return repr(value).replace("e", ".0e")
    text = json.dumps(value, ensure_ascii=False)  # what is not printable may end a line in YAML, or be refused
    return re.sub("[^ -~]", lambda c: c[0] if c[0].isprintable() else f"\\U{ord(c[0]):08x}", text)


@cache
def environment() -> dict[str, str]:
    """What else decides the bytes of a page: Python, the machine's kind, versions of what a run needs.

    Packages that only tests or JupyterLab need are not in it.
    """
    versions, waiting = {}, [("tandem-toolkit", frozenset())]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # not needed on this machine
        versions[canonicalize_name(name)] = found.version
        for line in found.requires or ():
            need = Requirement(line)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                further = (canonicalize_name(need.name), frozenset(need.extras))
                waiting += [further] if further not in seen else []
                seen.add(further)
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": archive.sha256("\n".join(f"{name}=={versions[name]}" for name in sorted(versions))),
    }


def _code(notebook: Path) -> dict[str, str]:
    """Digest of a notebook's sources and of every toolkit file its imports lead to, and of the page's own."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = [["".join(cell["source"]), cell["cell_type"], cell["metadata"].get("tags", [])] for cell in cells]
    package = Path(__file__).parents[1]
    seen: dict[str, str] = {f"notebooks/{notebook.name}": archive.sha256(json.dumps(sources))}
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    waiting = sorted(_imported(code, package)) + [package / "reporting" / "page.py"]
    waiting += sorted((package / "reporting" / "template").iterdir())
    while waiting:
        path = waiting.pop()
        name = str(Path(package.name) / path.relative_to(package))
        if name not in seen and path.is_file():
            content = path.read_bytes()
            seen[name] = archive.sha256(content)
            if path.suffix == ".py":
                waiting += sorted(_imported(content.decode(), package))
    return dict(sorted(seen.items()))


def _imported(source: str, package: Path) -> set[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    inside = [name.split(".")[1:] for name in names if name.split(".")[0] == package.name]
    paths = {package.joinpath(*parts).with_suffix(".py") if parts else package / "__init__.py" for parts in inside}
    return {path for path in paths if path.is_file()}


def _manifest(company: Company, period: Period, jobs: Sequence[Job], others: Mapping[str, dict]) -> dict:
    return {
        "company": company.name,
        "period": period.name,
        "as_of": period.as_of.date().isoformat(),
        "reports": dict(others) | {job.report: _entry(job) for job in jobs},
    }


def _entry(job: Job) -> dict:
    return {
        "recipe": job.recipe,
        "code": job.code,
        "frames": {name: digest for name, (_, digest) in sorted(job.frames.items())},
        "parameters": {
            name: {"value": _json_safe(value.value), "origin": value.origin}
            for name, value in sorted(job.values.items())
        },
        "environment": environment(),
    }


def _why(before: dict, jobs: Sequence[Job], after: set[str]) -> str:
    if not before:
        return "first run"
    parts = [f"{report}: removed" for report in sorted(before.keys() - after)]
    for job in jobs:
        old = before.get(job.report)
        new = _entry(job)
        if old is None:
            parts.append(f"{job.report}: new")
        elif old["recipe"] != job.recipe:
            kinds = [kind for kind in ("code", "frames", "parameters", "environment") if old.get(kind) != new[kind]]
            parts.append(f"{job.report}: {' and '.join(kinds) or 'title or day of knowledge'} changed")
    return "; ".join(parts)


def _executed(run: _Run, jobs: Sequence[Job]) -> dict[str, str]:
    """Execute reports, as many at once as there are workers, each put aside when done; the faults of those that failed.

    Whatever ends this early, as Ctrl-C does, ends the running reports first.
    """

    def execute(job: Job) -> None:
        try:
            _execute(run, job)
        except ReportError as error:
            run.say("failed", job.report, fault=str(error))
            raise
        _put_aside(run.home, job)
        run.say("done", job.report, seconds=round(job.seconds, 1), memory_mb=round(job.memory_mb))

    faults = {}
    pool = ThreadPoolExecutor(run.workers)
    try:
        started = {pool.submit(execute, job): job.report for job in jobs}
        for ended in as_completed(started):
            try:
                ended.result()
            except ReportError as error:
                faults[started[ended]] = str(error)
    except BaseException:
        run.stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return {job.report: faults[job.report] for job in jobs if job.report in faults}


def _put_aside(home: Path, job: Job) -> None:
    """Keep a finished report, whole or not at all: for this run's revision, or the next run's if this one is killed."""
    aside = home / _ASIDE
    aside.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".partial-", dir=aside))
    folder.chmod(0o755)
    files = {f"{job.report}.html": job.page}
    files |= {f"tables/{job.report}/{name}.csv": csv for name, csv in job.tables.items()}
    files[_MADE] = archive.canonical({name: getattr(job, name) for name in _FACTS})
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    archive.settle(folder, aside / job.recipe)


def _taken_up(run: _Run, job: Job) -> bool:
    """Was this very report finished by a run that was killed before its revision? Its facts are then the job's."""
    made = _read_json(run.home / _ASIDE / job.recipe / _MADE) or {}
    for name, value in made.items():
        setattr(job, name, value)
    if made:
        run.say("resumed", job.report, seconds=round(job.seconds, 1), memory_mb=round(job.memory_mb))
    return bool(made)


def _carry_over(previous: archive.Revision, report: str, staging: Path) -> None:
    shutil.copyfile(previous.folder / f"{report}.html", staging / f"{report}.html")
    tables = previous.folder / "tables" / report
    if tables.is_dir():
        shutil.copytree(tables, staging / "tables" / report, copy_function=shutil.copyfile)


def _figures_of(revision: archive.Revision, report: str) -> list[dict]:
    figures = pd.read_parquet(revision.folder / "figures.parquet")
    return figures[figures["report"] == report].to_dict("records")


def _figures_frame(figures: list[dict]) -> pd.DataFrame:
    texts = ["report", "figure_id", "definition_id", "cohort", "segment", "channel", "unit"]
    frame = pd.DataFrame(figures, columns=[*texts[:-1], "value", "low", "high", "n", "unit"])
    kinds = dict.fromkeys(texts, "str") | dict.fromkeys(["value", "low", "high"], "float64") | {"n": "Int64"}
    return frame.astype(kinds).sort_values(texts, ignore_index=True)


def _git_commit(home: Path) -> str:
    found = subprocess.run(
        ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=40"], capture_output=True, text=True
    )
    return found.stdout.strip() if found.returncode == 0 else ""


# -- executing ---------------------------------------------------------------------------------


def _execute(run: _Run, job: Job) -> None:
    """Execute one report in a process group of its own, prove it complete, render and guard its page."""
    import nbformat

    from toolkit.reporting import page

    cells = nbformat.read(job.notebook, as_version=4).cells
    run.say("started", job.report, cells=len(cells))
    company, period = run.company, run.period
    with tempfile.TemporaryDirectory(prefix="report-") as scratch:
        work = Path(scratch)
        task = {
            "notebook": str(job.notebook.resolve()),
            "output": str(work / "executed.ipynb"),
            "ipc": str(work / "k"),
            "parameters": {name: _json_safe(value.value) for name, value in job.values.items()},
            "parent": os.getpid(),
            "output_mb": company.settings.limits.output_mb,
        }
        (work / "task.json").write_text(json.dumps(task), encoding="utf-8")
        with _RENDERING:
            name, fonts = _fonts()
        (work / "mpl").mkdir()
        (work / "mpl" / name).write_bytes(fonts)
        paths = {name: str(path.resolve()) for name, (path, _) in job.frames.items()}
        variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        variables |= _KERNEL_ENVIRONMENT | {
            "TOOLKIT_FRAMES": json.dumps(paths),
            "SOURCE_DATE_EPOCH": str(int(period.end.timestamp())),
            "MPLCONFIGDIR": str(work / "mpl"),
            "IPYTHONDIR": str(work / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(work / "runtime"),
            "TMPDIR": str(work),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        started = time.monotonic()
        ended = _child(run, job.report, cells, work, variables)
        job.seconds = time.monotonic() - started
        ledger = _read_json(work / "ledger.json") or {}
        job.memory_mb = ledger.get("memory_mb", 0.0)
        notebook, fault = _proof(work / "executed.ipynb", job.notebook, ended, ledger)
        facts = page.Facts(
            company=company.settings.title,
            period=period.name,
            as_of=period.as_of.date().isoformat(),
            parameters={name: (value.value, value.origin) for name, value in job.values.items()},
            frames={name: digest for name, (_, digest) in sorted(job.frames.items())},
            code=job.code,
            recipe=job.recipe,
        )
        with _RENDERING:
            if not fault:
                job.page = page.render(notebook, facts)
                job.tables, job.figures = page.outputs(notebook)
                unfit = page.guard(job.page, notebook)
                fault = f"made a page that may not be archived: {'; '.join(unfit)}" if unfit else ""
            if fault:
                partial = company.home / "reports" / ".failed" / company.name / period.name / f"{job.report}.html"
                where = ""
                if notebook is not None:
                    partial.parent.mkdir(parents=True, exist_ok=True)
                    partial.write_text(page.render(_clipped(notebook), facts, incomplete=fault), encoding="utf-8")
                    where = f" The partial page is {partial.relative_to(company.home)}."
                raise ReportError(f"notebooks/{job.notebook.name} {fault}.{where}")


@cache
def _fonts() -> tuple[str, bytes]:
    """Name and content of matplotlib's list of fonts, made once: each report would look for all fonts anew."""
    from matplotlib import font_manager

    with tempfile.TemporaryDirectory(prefix="fonts-") as folder:
        path = Path(folder) / f"fontlist-v{font_manager.FontManager.__version__}.json"
        font_manager.json_dump(font_manager.FontManager(), path)
        return path.name, path.read_bytes()


def _child(run: _Run, report: str, cells: Sequence[Any], work: Path, variables: dict[str, str]) -> str:
    """Run the notebook to its end or a limit; why it did not return ('' if it did).

    Where it died before its first cell, as when a kernel does not start, it is tried once more.
    """
    for _ in range(2):
        with (work / "stderr").open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "toolkit.reporting.runner", str(work / "task.json")], env=variables,
                cwd=work, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True,
            )  # fmt: skip
            try:
                over = _watch(run, report, cells, process, work)
            finally:
                _end(process, work)
        ledger = _read_json(work / "ledger.json") or {}
        if over or process.returncode == 0 or "cell" in ledger:
            break
    if ledger.get("flood"):
        return f"printed more than {run.company.settings.limits.output_mb:g} MB"
    if over or process.returncode == 0:
        return over
    if "kernel_exit" in ledger:
        return f"the kernel {_death(ledger['kernel_exit'])}"
    lines = [line for line in (work / "stderr").read_text("utf-8", "replace").splitlines() if line.strip()]
    return f"its process {_death(process.returncode)}" + (f": {lines[-1][:300].rstrip('.')}" if lines else "")


def _watch(run: _Run, report: str, cells: Sequence[Any], process: subprocess.Popen, work: Path) -> str:
    """Wait until a report's process ends; which limit it went over ('' if none). The ledger tells that it lives."""
    limits = run.company.settings.limits
    most = limits.memory_mb or 0.9 * psutil.virtual_memory().total / _MB / run.workers
    begun = heard = time.monotonic()
    ledger: dict = {}
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_POLL_SECONDS)
            return ""
        if run.stop.is_set():
            raise CancelledError
        now, before = time.monotonic(), ledger
        ledger = _read_json(work / "ledger.json") or before
        heard = heard if ledger == before else now
        memory = _memory_mb(process.pid)
        if ledger.get("cell") != before.get("cell"):
            cell, section = ledger["cell"], _section(cells, ledger["cell"])
            facts = {"cell": cell, "cells": len(cells), "section": section, "memory_mb": round(memory)}
            run.say("cell", report, **facts, seconds=round(now - begun, 1))
        if now - begun > limits.seconds:
            return f"timed out after {limits.seconds:g} s"
        if now - heard > limits.silent_seconds:
            return f"was silent for {limits.silent_seconds:g} s"
        if memory > most:
            return f"used more than {most:,.0f} MB of memory"


def _memory_mb(pid: int) -> float:
    """What a process and all below it hold in memory; 0 for one that has just ended."""
    held = 0
    with suppress(psutil.Error):
        top = psutil.Process(pid)
        for one in [top, *top.children(recursive=True)]:
            with suppress(psutil.Error):
                held += one.memory_info().rss
    return held / _MB


def _death(code: int) -> str:
    if code >= 0:
        return f"died with exit code {code}"
    likely = "likely out of memory" if -code == signal.SIGKILL else signal.strsignal(-code)
    return f"was killed by signal {-code} ({likely})"


def _end(process: subprocess.Popen, work: Path) -> None:
    """Kill what is left of a run: its process, its kernel (in a session of its own) and their children.

    They are known by the run's scratch folder in their environment.
    """
    for _ in range(20):  # what is being killed may just have started another
        left = [one for one in psutil.process_iter() if _belongs(one, work)]
        if not left:
            break
        for one in left:
            with suppress(psutil.Error):
                left += [child for child in one.children(recursive=True) if child not in left]
        for one in left:
            with suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(left, timeout=5)
    process.wait()


def _belongs(process: psutil.Process, work: Path) -> bool:
    try:
        return process.environ().get("JUPYTER_RUNTIME_DIR", "").startswith(str(work))
    except (psutil.Error, OSError):
        return False


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _proof(executed: Path, source: Path, ended: str, ledger: dict) -> tuple[Any, str]:
    """The executed notebook and why it is not complete ('' if it is).

    Asked are how the process ended, our own ledger of the running cell, and the cells' outputs and
    execution counts; never papermill's metadata, which says ``completed`` after a killed kernel.
    """
    import nbformat

    cells = nbformat.read(source, as_version=4).cells
    if _read_json(executed) is None:  # not begun, or killed while papermill wrote it
        return None, f"stopped {_place_of(cells, ledger.get('cell'))}: {ended or 'no notebook came back'}"
    notebook = nbformat.read(executed, as_version=4)
    tags = ({"papermill-error-cell-tag"}, {"papermill-error-cell-tag", "injected-parameters"})
    notebook.cells, cells = ([c for c in notebook.cells if not t & set(c.metadata.get("tags", []))] for t in tags)
    code = [(n, cell) for n, cell in enumerate(cells, 1) if cell.cell_type == "code" and cell.source.strip()]
    outputs = [(number, output) for number, cell in code for output in cell.outputs]
    for number, output in outputs:
        if output.output_type == "error":
            first = output.evalue.splitlines()[0] if output.evalue else ""
            return notebook, f"failed {_place_of(cells, number)}: {output.ename}: {first}".rstrip(": .")
    if ended:
        return notebook, f"stopped {_place_of(cells, ledger.get('cell'))}: {ended}"
    for number, output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            last = (output.text.strip().splitlines() or ["an empty line"])[-1]
            return notebook, f"wrote to stderr {_place_of(cells, number)}: {last[:200]}".rstrip(".")
    for number, cell in code:
        if cell.execution_count is None:
            return notebook, f"stopped {_place_of(cells, number)}: it was never executed"
    return notebook, ""


def _clipped(notebook: Any) -> Any:
    """A notebook for a partial page: past 2 MB of outputs only the beginning of each text is kept."""
    left = 2_000_000
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        size = len(json.dumps(output))
        left -= size
        if left < 0:
            head = output.get("text", "")[:2000]
            output.clear()
            text = f"{head}\n… {size:,} bytes of output are left out here\n"
            output.update(output_type="stream", name="stdout", text=text)
    return notebook


def _place_of(cells: Sequence[Any], number: int | None) -> str:
    """``in cell 9 (section 2.3)``; cells count from 1, all kinds."""
    if number is None:
        return "before its first cell"
    section = _section(cells, number)
    return f"in cell {number}" + (f" (section {section})" if section else "")


def _section(cells: Sequence[Any], number: int) -> str:
    """Number of the section that a cell stands in; '' above the first."""
    titles = [
        line[3:].split(" ")[0]
        for cell in cells[:number]
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    return titles[-1] if titles else ""


def _perform(task: dict) -> None:
    """In the child: execute the notebook with papermill on a private IPC path, keeping the ledger."""
    sys.modules["rfc3987_syntax"] = None  # JupyterLab's URI grammar costs a second and checks nothing here
    import papermill
    from jupyter_client import AsyncKernelManager
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import Engine, papermill_engines
    from traitlets.config import Config

    ledger, scratch, offset = {"messages": 0}, Path(task["output"]).parent, 1
    left, noted = task["output_mb"] * _MB, time.monotonic()

    def note(**facts: Any) -> None:
        ledger.update(facts)
        (scratch / "ledger.partial").write_text(json.dumps(ledger), encoding="utf-8")
        os.replace(scratch / "ledger.partial", scratch / "ledger.json")

    def note_cell(cell: Any, cell_index: int) -> None:
        nonlocal offset
        if "injected-parameters" in cell.metadata.get("tags", []):  # papermill's own, after the parameters
            offset = 0
        note(cell=cell_index + offset)

    class Kernel(AsyncKernelManager):
        async def _async_is_alive(self) -> bool:
            code = await self.provisioner.poll() if self.has_kernel else None
            if code is not None:
                note(kernel_exit=code)
            return self.has_kernel and code is None

        is_alive = _async_is_alive

    class Client(PapermillNotebookClient):
        def process_message(self, message: dict, *more: Any) -> Any:
            nonlocal left, noted
            left -= len(json.dumps(message["content"], ensure_ascii=False, default=str).encode("utf-8", "replace"))
            if left < 0 and message["msg_type"] != "execute_input":
                note(flood=True)
                os._exit(1)  # the notebook stays as it was before this cell; an exception would wait for its end
            ledger["messages"] += 1
            if time.monotonic() - noted > _POLL_SECONDS:
                noted = time.monotonic()
                note()
            return super().process_message(message, *more)

    class Watched(Engine):
        @classmethod
        def execute_managed_notebook(cls, manager: Any, kernel_name: str, **options: Any) -> None:
            unused = ("input_path", "execution_timeout", "log_output", "stdout_file", "stderr_file")
            options = {name: value for name, value in options.items() if name not in unused}
            start_timeout = options.pop("start_timeout")
            Client(manager, kernel_name=kernel_name, startup_timeout=start_timeout, **options).execute()

    papermill_engines.register("watched", Watched)
    note()  # that it has begun
    threading.Thread(target=_follow, args=[task["parent"], scratch], daemon=True).start()
    papermill.execute_notebook(
        task["notebook"],
        task["output"],
        parameters=task["parameters"],
        engine_name="watched",
        kernel_name="python3",
        language="python",
        progress_bar=False,
        log_output=False,
        record_timing=False,
        request_save_on_cell_execute=True,
        start_timeout=180,
        cwd=str(scratch),
        config=Config({"KernelManager": {"transport": "ipc", "ip": task["ipc"]}}),
        kernel_manager_class=Kernel,
        on_cell_execute=note_cell,
    )
    note(
        memory_mb=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        * (1 if sys.platform == "darwin" else 1024)
        / _MB
    )


def _follow(parent: int, scratch: Path) -> None:
    """End with the run that started us, even if it was killed, and leave no folder; the kernel then ends by itself."""
    while os.getppid() == parent:
        time.sleep(1)
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    _perform(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))

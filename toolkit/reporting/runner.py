"""Which reports must be executed, and did they really come to their end? One fresh kernel each."""

import ast
import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from toolkit.company import Company, Period
from toolkit.errors import ReportError, several
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
_PASSED_ON = ("PATH", "HOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "COVERAGE_PROCESS_START")


@dataclass(frozen=True)
class Limits:
    """What a report may take."""

    seconds: float = 900


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
class Outcome:
    """A run of a pack: its revision, and which reports were executed for it."""

    revision: archive.Revision
    executed: list[str]
    unchanged: list[str]


def run(
    company: Company,
    period: Period,
    notebooks: Sequence[Path],
    frames_for: Callable[[Sequence[Path]], Mapping[str, Mapping[str, tuple[Path, str]]]],
    *,
    sets: Sequence[str] = (),
    reason: str = "",
    limits: Limits = Limits(),  # noqa: B008 - frozen
    say: Callable[[str], None] = print,
) -> Outcome:
    """Make the pack of a period: execute what changed, keep what did not, archive all of it at once.

    Parameters
    ----------
    company, period
        Whose pack.
    notebooks
        The reports.
    frames_for
        Called once the parameters hold: gives each notebook's frames by name, as file and digest.
    sets
        Parameters as ``name=value``.
    reason
        Why there is a new revision; by default what changed.
    limits
        What a report may take.
    say
        Where progress goes, one line at a time.

    Returns
    -------
    Outcome
        The newest revision; nothing was executed if ``executed`` is empty.

    Raises
    ------
    ParamsError
        If a parameter is wrong; nothing was started.
    ReportError
        If a report failed; the others were executed, nothing was archived.
    """
    values = resolved(company, period.name, notebooks, sets)
    given = frames_for(notebooks)
    jobs = [_job(company, notebook, values[notebook.stem], given[notebook.stem]) for notebook in notebooks]
    home = company.reports / period.name
    earlier = archive.revisions(home)
    before = earlier[-1].manifest["reports"] if earlier else {}
    changed = [job for job in jobs if before.get(job.report, {}).get("recipe") != job.recipe]
    same = [job.report for job in jobs if job not in changed]
    if not changed and set(before) == {job.report for job in jobs}:
        return Outcome(earlier[-1], [], same)
    home.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=home))
    staging.chmod(0o755)
    try:
        faults = []
        for job in changed:
            say(f"{job.report}: running")
            try:
                _execute(company, period, job, limits)
                say(f"{job.report}: done in {job.seconds:.1f} s")
            except ReportError as error:
                faults.append(str(error))
        if faults:
            raise ReportError(several(faults))
        manifest = _manifest(company, period, jobs)
        figures = []
        for job in jobs:
            if job in changed:
                _place(job, staging)
                figures += [{"report": job.report, **figure} for figure in job.figures]
            else:
                figures += _carry_over(earlier[-1], job.report, staging)
        _write_figures(figures, staging / "figures.parquet")
        why = reason or _why(before, jobs)
        run_record = {
            "reason": why,
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": _git_commit(company.home),
            "reports": {
                job.report: {"seconds": round(job.seconds, 2), "peak_memory_mb": round(job.memory_mb, 1)}
                if job in changed
                else {"unchanged_since": earlier[-1].name}
                for job in jobs
            },
        }
        revision = archive.commit(home, staging, manifest, run_record)
    finally:
        archive.discard(staging)
    catalogue.rebuild(company.home / "reports")
    return Outcome(revision, [job.report for job in changed], same)


# -- what a report is made of ------------------------------------------------------------------


def _job(company: Company, notebook: Path, values: dict[str, Value], frames: Mapping[str, tuple[Path, str]]) -> Job:
    job = Job(notebook, values, dict(frames), _code(company.home, notebook))
    job.recipe = archive.sha256(archive.canonical(_ingredients(job)))
    return job


def _ingredients(job: Job) -> dict[str, Any]:
    return {
        "parameters": {name: [_json_safe(value.value), value.origin] for name, value in job.values.items()},
        "frames": {name: digest for name, (_, digest) in job.frames.items()},
        "code": job.code,
        "environment": environment(),
    }


def _json_safe(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


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


def _code(home: Path, notebook: Path) -> dict[str, str]:
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


def _manifest(company: Company, period: Period, jobs: Sequence[Job]) -> dict:
    return {
        "company": company.name,
        "period": period.name,
        "as_of": period.as_of.date().isoformat(),
        "reports": {
            job.report: {
                "recipe": job.recipe,
                "code": job.code,
                "frames": {name: digest for name, (_, digest) in sorted(job.frames.items())},
                "parameters": {
                    name: {"value": _json_safe(value.value), "origin": value.origin}
                    for name, value in sorted(job.values.items())
                },
            }
            for job in jobs
        },
        "environment": environment(),
    }


def _why(before: dict, jobs: Sequence[Job]) -> str:
    if not before:
        return "first run"
    parts = []
    for job in jobs:
        old = before.get(job.report)
        new = {"code": job.code, "frames": {name: digest for name, (_, digest) in job.frames.items()}}
        if old is None:
            parts.append(f"{job.report}: new")
        elif old["recipe"] != job.recipe:
            kinds = [kind for kind, value in new.items() if old[kind] != value]
            parts.append(f"{job.report}: {' and '.join(kinds) or 'parameters or environment'} changed")
    return "; ".join(parts)


def _place(job: Job, staging: Path) -> None:
    (staging / f"{job.report}.html").write_text(job.page, encoding="utf-8")
    for name, csv in job.tables.items():
        path = staging / "tables" / job.report / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(csv, encoding="utf-8")


def _carry_over(previous: archive.Revision, report: str, staging: Path) -> list[dict]:
    shutil.copyfile(previous.folder / f"{report}.html", staging / f"{report}.html")
    tables = previous.folder / "tables" / report
    if tables.is_dir():
        shutil.copytree(tables, staging / "tables" / report, copy_function=shutil.copyfile)
    figures = pd.read_parquet(previous.folder / "figures.parquet")
    return figures[figures["report"] == report].to_dict("records")


def _write_figures(figures: list[dict], path: Path) -> None:
    texts = ["report", "figure_id", "definition_id", "cohort", "segment", "channel", "unit"]
    frame = pd.DataFrame(figures, columns=[*texts[:-1], "value", "low", "high", "n", "unit"])
    kinds = dict.fromkeys(texts, "str") | dict.fromkeys(["value", "low", "high"], "float64") | {"n": "Int64"}
    frame.astype(kinds).sort_values(texts, ignore_index=True).to_parquet(path, index=False)


def _git_commit(home: Path) -> str:
    found = subprocess.run(
        ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=40"], capture_output=True, text=True
    )
    return found.stdout.strip() if found.returncode == 0 else ""


# -- executing ---------------------------------------------------------------------------------


def _execute(company: Company, period: Period, job: Job, limits: Limits) -> None:
    """Execute one report in a process group of its own, prove it complete, render and guard its page."""
    from toolkit.reporting import page

    with tempfile.TemporaryDirectory(prefix="report-") as scratch:
        work = Path(scratch)
        task = {
            "notebook": str(job.notebook.resolve()),
            "output": str(work / "executed.ipynb"),
            "ipc": str(work / "k"),
            "parameters": {name: _json_safe(value.value) for name, value in job.values.items()},
        }
        (work / "task.json").write_text(json.dumps(task), encoding="utf-8")
        paths = {name: str(path.resolve()) for name, (path, _) in job.frames.items()}
        variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        variables |= _KERNEL_ENVIRONMENT | {
            "TOOLKIT_FRAMES": json.dumps(paths),
            "SOURCE_DATE_EPOCH": str(int(period.end.timestamp())),
            "MPLCONFIGDIR": str(work / "mpl"),
            "IPYTHONDIR": str(work / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(work / "runtime"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        started = time.monotonic()
        status, error_text = _child(work, variables, limits)
        job.seconds = time.monotonic() - started
        job.memory_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        notebook, fault = _proof(work / "executed.ipynb", job.notebook, status, error_text)
        facts = page.Facts(
            company=company.settings.title,
            period=period.name,
            as_of=period.as_of.date().isoformat(),
            parameters={name: (value.value, value.origin) for name, value in job.values.items()},
            frames={name: digest for name, (_, digest) in sorted(job.frames.items())},
            code=job.code,
            recipe=job.recipe,
        )
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
                partial.write_text(page.render(notebook, facts, incomplete=fault), encoding="utf-8")
                where = f" The partial page is {partial.relative_to(company.home)}."
            raise ReportError(f"notebooks/{job.notebook.name} {fault}.{where}")


def _child(work: Path, variables: dict[str, str], limits: Limits) -> tuple[str, str]:
    """Run the notebook; how the process ended (``returned``, ``timed out``, ``exit N``, ``signal N``), and its stderr."""
    with (work / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "toolkit.reporting.runner", str(work / "task.json")],
            env=variables, cwd=work, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(timeout=limits.seconds)
            status = "returned" if code == 0 else f"exit {code}" if code > 0 else f"signal {-code}"
        except subprocess.TimeoutExpired:
            status = f"timed out after {limits.seconds:g} s"
        finally:
            _end_group(process)
    return status, (work / "stderr").read_text(encoding="utf-8", errors="replace")


def _end_group(process: subprocess.Popen) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _proof(executed: Path, source: Path, status: str, stderr: str) -> tuple[Any, str]:
    """The executed notebook and why it is not complete ('' if it is). Papermill's own status is not asked."""
    import nbformat

    if not executed.exists():
        lines = [line for line in stderr.splitlines() if line.strip()]
        return None, f"did not start ({status}): {lines[-1][:300] if lines else 'no message'}"
    notebook = nbformat.read(executed, as_version=4)
    cells = [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    cells = [cell for cell in cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])]
    section = ""
    for number, cell in enumerate(cells, 1):
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            section = line[3:].split(" ")[0] if line.startswith("## ") else section
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        where = f"in cell {number}" + (f" (section {section})" if section else "")
        for output in cell.outputs:
            if output.output_type == "error":
                return (
                    notebook,
                    f"failed {where}: {output.ename}: {output.evalue.splitlines()[0] if output.evalue else ''}".rstrip(
                        "."
                    ),
                )
            if output.output_type == "stream" and output.name == "stderr":
                return notebook, f"wrote to stderr {where}: {output.text.strip().splitlines()[-1][:200]}".rstrip(".")
        if cell.execution_count is None:
            return notebook, f"stopped {where} ({status})"
    return notebook, "" if status == "returned" else f"did not end well ({status})"


def _perform(task: dict) -> None:
    """In the child: execute the notebook with papermill on a private IPC path."""
    sys.modules["rfc3987_syntax"] = None  # JupyterLab's URI grammar costs a second and checks nothing here
    import papermill
    from traitlets.config import Config

    papermill.execute_notebook(
        task["notebook"],
        task["output"],
        parameters=task["parameters"],
        kernel_name="python3",
        progress_bar=False,
        log_output=False,
        record_timing=False,
        request_save_on_cell_execute=True,
        start_timeout=180,
        cwd=str(Path(task["output"]).parent),
        config=Config({"KernelManager": {"transport": "ipc", "ip": task["ipc"]}}),
    )


if __name__ == "__main__":
    _perform(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))

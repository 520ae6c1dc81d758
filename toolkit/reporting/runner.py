"""Which reports must be made, of what, and what became of them? A pack, executed side by side and archived at once."""

import ast
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from toolkit.company import Company, Period, alone, earlier
from toolkit.errors import ColdError, ParamsError, ReportError, several
from toolkit.language import CATALOGUES, checked
from toolkit.reporting import archive, catalogue, kernels, ledger, warm
from toolkit.reporting.parameters import Value, declared, notebook_of, resolved

_PACKAGE = Path(__file__).parents[1]
_RENDERING = threading.Lock()  # nbconvert says nothing of threads
_NAMES = {"before": "figures of the period before"}
_METHODS = "docs/METHODS.md, its sections on this page"
_KEY_FIGURES = "key_figures"  # the frame that puts a report into the second stage
_BESIDE = ["headline", "words"]  # of a figure: what it is called in the views, digest of the section that defines it
_ASIDE, _MADE, _FACTS = ".made", "made.json", ("seconds", "memory_mb", "figures")


@dataclass
class Job:
    """One report to make: its name, notebook, parameters, frames, and the recipe that names all of it."""

    report: str
    notebook: Path
    values: dict[str, Value]
    frames: dict[str, tuple[Path, str]]
    code: dict[str, str]
    methods: dict[str, str] = field(default_factory=dict)
    before: list[dict] = field(default_factory=list)
    recipe: str = ""
    seconds: float = 0.0
    memory_mb: float = 0.0
    tables: dict[str, str] = field(default_factory=dict)
    figures: list[dict] = field(default_factory=list)
    page: str = ""
    state: str = ""  # "unchanged": archived as it would be made; "resumed": finished by a run that was killed

    @property
    def slice(self) -> dict[str, Any]:
        """The parameters that it is one of several reports of its notebook by."""
        return {name: json_safe(value.value) for name, value in self.values.items() if value.slice}


@dataclass(frozen=True)
class _Run:
    """What the reports of a run share; ``stop`` is set when the run is being ended."""

    company: Company
    period: Period
    workers: int
    tell: Callable[[dict], None]
    now: ledger.Clock = ledger.clock
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)
    parent: warm.Parent | None = None

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
    now: ledger.Clock = ledger.clock,
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
        Why there is a new revision; needed where a report that is archived is made anew.
    workers
        How many reports run at once; by default as many as the machine has cores.
    tell
        Where progress goes: ``{"event": "report", "state": ..., "period": ..., "report": ...}``, the state one of
        started, cell, done, failed, unchanged, resumed, waits, with ``cell``, ``cells``, ``section``, ``seconds``,
        ``memory_mb`` or ``fault`` where they say something; and ``{"event": "archived", "revision": ...}``.
    now
        Gives the time of the ledger and of the record of the run.

    Returns
    -------
    Outcome
        The newest revision; nothing is new in it if ``executed`` and ``resumed`` are empty.

    Raises
    ------
    ParamsError
        If a parameter is wrong, there is no worker, or the reason is missing; nothing was started.
    ReportError
        If another run is making this pack, or a report failed. The others were executed; what was made anew is
        archived, the failed ones left out.
    DataError
        If what is archived of this pack is not what was archived; nothing was started.
    """
    workers = (os.cpu_count() or 1) if workers is None else workers
    if workers < 1:
        raise ParamsError(f"workers: expected 1 or more, found {workers}.")
    values = _resolved(company, period, stages, sets)
    home = company.reports / period.name
    home.mkdir(parents=True, exist_ok=True)
    busy = ReportError(f"{home}: another run is making this pack. Wait for its end.")
    with alone(home, busy), _ended_in_order(), ledger.kept(home, now) as keep:

        def both(event: dict) -> None:
            keep(event)
            if event["event"] != "archiving":
                tell(event)

        archive.anchor(home)  # a run may have been killed between its revision and the head
        archive.whole(home)
        with _parent(stages, both) as parent:
            run = _Run(company, period, workers, both, now, parent=parent)
            every = set(_resolved(company, period, stages) if sets else values)
            outcome, failed = _pack(run, stages, values, every, frames_for, reason)
        if outcome.revision:
            catalogue.rebuild(company.home / "reports")
        if failed:
            folder = outcome.revision.folder.relative_to(company.home) if outcome.executed or outcome.resumed else None
            without = f"\n{folder} is archived without {', '.join(failed)}." if folder else ""
            raise ReportError(several(failed.values()) + without)
        keep({"event": "ended", "state": "archived" if outcome.executed or outcome.resumed else "unchanged"})
    return outcome


@contextmanager
def today(
    company: Company, period: Period, stages: Sequence[Sequence[Path]], frames_for: Callable, tell: Callable
) -> Iterator[tuple[archive.Revision | None, dict[str, str]]]:
    """The pack of a period as it would be made now, and the faults of reports that failed; arguments as of ``run``.

    It is in a folder of its own, gone afterwards; the archive is read only. No revision if every report failed.
    """
    values = _resolved(company, period, stages)
    with tempfile.TemporaryDirectory() as home, _ended_in_order(), ExitStack() as ending:
        aside = replace(company, home=Path(home))

        def reports(event: dict) -> None:
            if event["event"] == "report":
                tell(event)

        parent = ending.enter_context(_parent(stages, reports))
        run = _Run(aside, period, os.cpu_count() or 1, reports, parent=parent)
        run.home.mkdir(parents=True)
        for name in earlier(period.name, (path.name for path in company.reports.glob("*"))):  # headlines of before
            (aside.reports / name).symlink_to((company.reports / name).resolve())
        outcome, failed = _pack(run, stages, values, set(values), frames_for, "today")
        yield outcome.revision and replace(outcome.revision, number=0), failed


def _resolved(company: Company, period: Period, stages: Sequence[Sequence[Path]], sets: Sequence[str] = ()) -> Mapping:
    """The parameters of all notebooks, each in a language that there is."""
    values = resolved(company, period.name, [notebook for stage in stages for notebook in stage], sets)
    for each in [found["language"] for found in values.values() if "language" in found]:
        checked(each.value, f"{each.origin}, language")
    return values


def _pack(
    run: _Run, stages: Sequence[Sequence[Path]], values: Mapping, every: set[str], frames_for: Callable, reason: str
) -> tuple[Outcome, dict[str, str]]:
    """What came of a run, and the faults of the reports that failed in it; ``every`` report that could be asked for."""
    company, home = run.company, run.home
    for name in earlier(run.period.name, (path.name for path in company.reports.glob("*"))):  # figures of before
        archive.whole(company.reports / name)
    for leftover in home.glob(".staging-*"):  # of a run that was killed
        archive.discard(leftover)
    last = archive.newest(home)
    before = last.manifest["reports"] if last else {}
    asked = set(values)
    _with_reason(run, "; ".join(_moved(before, values)), reason)
    others = [r for r in before if _stays(company, r, asked, every)]
    record = last.record if last else {}
    still = {r: fault for r, fault in record.get("failed", {}).items() if _stays(company, r, asked, every)}
    run.tell({"event": "asked", "period": run.period.name, "reports": len(asked)})
    figures = {r: _figures_of(last, r) for r in others}
    jobs, same, resumed, failed = [], [], [], {}
    for number, stage in enumerate(stages):
        waits_for = [*still, *failed] if number else []
        if waits_for:
            for report, notebook in ((report, path) for path in stage for report in _reports_of(path, values)):
                fault = f"{_place(notebook, report)} not started: waits for {', '.join(waits_for)}."
                failed[report] = fault
                run.say("waits", report, fault=fault)
        elif stage:  # a later stage reads figures of the earlier ones, never of its own
            so_far = [
                row for r in figures if _KEY_FIGURES not in before.get(r, {}).get("frames", ()) for row in figures[r]
            ]
            paths = {path.stem: path for path in _longest_first(company, run.period, stage)}
            begun = (
                _job(company, run.period, report, paths[notebook], values[report], given)
                for notebook, given in frames_for(list(paths.values()), _figures_frame(so_far) if number else None)
                for report in _reports_of(paths[notebook], values)
            )
            if before and not reason:  # nothing is executed before it is known that nothing archived would change
                begun = list(begun)
                archived = [job for job in _in_order(begun, stage) if job.report in before]
                anew = [job for job in archived if before[job.report]["recipe"] != job.recipe]
                _with_reason(run, _why(before, anew, before.keys()) if anew else "", reason)
            begun, faults = _executed(run, begun, before)
            for job in _in_order(begun, stage):
                jobs.append(job)
                same += [job.report] if job.state == "unchanged" else []
                resumed += [job.report] if job.state == "resumed" else []
                failed |= {job.report: faults[job.report]} if job.report in faults else {}
                own = _figures_of(last, job.report) if job.state == "unchanged" else job.figures
                figures[job.report] = [{"report": job.report} | row for row in own]
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
        changed = _why(before, held, asked | set(others))
        run_record = {
            "reason": reason or changed,
            "changed": changed,
            "finished_at": run.now().isoformat(timespec="seconds"),
            "commit": _git_commit(company.home),
            "reports": kept | made,
        } | ({"failed": still | failed} if still or failed else {})
        manifest = _manifest(company, run.period, held, {report: before[report] for report in others})
        (staging / "parameters").mkdir()
        for report, entry in manifest["reports"].items():  # for papermill -f, by hand
            lines = [yaml_line(name, one["value"]) for name, one in entry["parameters"].items()]
            (staging / "parameters" / f"{report}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        revision = archive.commit(home, staging, manifest, run_record, tell=run.tell)
    finally:
        archive.discard(staging)
    archive.discard(home / _ASIDE)  # it is in the revision; what was not asked for goes too
    executed = [job.report for job in fresh if job.report not in resumed]
    facts = {"reports": sorted(manifest["reports"]), "failed": sorted(still | failed)}
    run.tell({"event": "archived", "period": run.period.name, "revision": revision.name, **facts})
    return Outcome(revision, executed, resumed, same), failed


def _stays(company: Company, report: str, asked: set[str], every: set[str]) -> bool:
    """Is a report of the last revision, not asked for now, still one of the company's: of ``every`` that could be?"""
    if report in asked or not (company.home / "notebooks" / f"{notebook_of(report)}.ipynb").exists():
        return False
    return report in every or notebook_of(report) not in map(notebook_of, every)


def _reports_of(notebook: Path, reports: Iterable[str]) -> list[str]:
    return [report for report in reports if notebook_of(report) == notebook.stem]


def _place(notebook: Path, report: str) -> str:
    """``notebooks/cost.ipynb (slice north)``"""
    _, _, part = report.partition(".")
    return f"notebooks/{notebook.name}" + (f" (slice {part})" if part else "")


def _moved(before: dict, values: Mapping[str, dict[str, Value]]) -> Iterator[str]:
    """Parameters that reports were archived with otherwise, and where both were set."""
    for report in sorted(before.keys() & values.keys()):
        for name, old in before[report]["parameters"].items():
            new = values[report].get(name)  # one that is declared no more is a change of code
            if new and (now := json_safe(new.value)) != old["value"]:
                yield f"{report}: {name} is {now!r} ({new.origin}), was {old['value']!r} ({old['origin']})"


def _with_reason(run: _Run, why: str, reason: str) -> None:
    """Refuse to make archived reports anew, because of what changed, without somebody's reason."""
    if why and not reason:
        raise ParamsError(f"{run.home}: is archived and would be made anew ({why}). Say why with --reason.")


@contextmanager
def _parent(stages: Sequence[Sequence[Path]], tell: Callable[[dict], None]) -> Iterator[warm.Parent | None]:
    """The process that kernels are forked from, with all modules that their notebooks lead to; None where none can be.

    Not DuckDB: it starts a thread as it is imported, and no report reads a table.
    """
    names = {"papermill", "ipykernel.kernelapp", "jupyter_client.provisioning", "toolkit.company"}
    for notebook in {notebook for stage in stages for notebook in stage}:
        for path in _led_to(notebook):
            names |= _names_of(path.read_text(encoding="utf-8") if path.suffix == ".py" else _code_in(path))
    try:
        parent = warm.Parent(sorted(names - {"duckdb"}), kernels.environment(), apart=True)
    except ColdError as error:
        tell({"event": "cold", "why": str(error)})
        yield None
        return
    try:
        yield parent
    finally:
        parent.close()


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
    report: str,
    notebook: Path,
    values: dict[str, Value],
    frames: Mapping[str, tuple[Path, str]],
) -> Job:
    language = values["language"].value if "language" in values else "en"
    methods = _methods(notebook)
    code = code_of(notebook, language)
    job = Job(report, notebook, values, dict(frames), code, methods, _headlines_before(company, period, report))
    job.recipe = recipe_of(company, period, _entry(job))
    return job


def recipe_of(company: Company, period: Period, entry: dict) -> str:
    """The name of all that a report is made of: its heading, and the entry of a manifest but for the recipe itself."""
    heading = [company.settings.title, period.name, period.as_of.isoformat()]
    return archive.sha256(archive.canonical([heading, entry | {"recipe": ""}]))


def code_of(notebook: Path, language: str) -> dict[str, str]:
    """Digests of all code that a report of a notebook runs now, and of the methods that it shows."""
    methods = _methods(notebook)
    shown = {_METHODS: archive.sha256(archive.canonical(methods))} if methods else {}
    return dict(sorted((_code(notebook, language) | shown).items()))  # as in a manifest


def remade(
    company: Company, period: Period, report: str, notebook: Path, entry: dict, frames: Mapping[str, Path]
) -> Job:
    """A report executed again as an archived manifest's ``entry`` says, from frames that were kept, with today's code.

    Raises
    ------
    ReportError
        If it does not come to its end.
    """
    kinds = {name: each.annotation for name, each in declared(notebook).items()}
    given, values = entry["parameters"], {}
    for name in sorted(given, key=lambda name: [*kinds, *given].index(name)):  # as declared; a manifest is sorted
        value, sliced = given[name]["value"], name in entry.get("slice", ())
        value = date.fromisoformat(value) if kinds.get(name) == "date" else value
        values[name] = Value(value, given[name]["origin"], sliced)
    kept = {name: (frames[name], digest) for name, digest in entry["frames"].items()}
    code, before = entry["code"], entry.get("before", [])
    job = Job(report, notebook, values, kept, code, _methods(notebook), before, entry["recipe"])
    _execute(_Run(company, period, 1, lambda event: None), job)
    return job


def json_safe(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))  # dates and keys become texts


_MISREAD = ("null", "true", "false", "yes", "no", "on", "off")  # no texts to a reader of YAML 1.1


def yaml_line(name: str, value: Any) -> str:
    """``name: value`` as YAML 1.1, which papermill reads, and YAML 1.2 both understand it.

    >>> print(yaml_line("days", [1, 1e-7, "NO"]))
    days: [1, 1.0e-07, "NO"]
    """
    name = json.dumps(name) if name.lower() in _MISREAD else name
    return f"{name}: {_yaml(json_safe(value))}"


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
    named = {f"package {name}": versions[name] for name in sorted(versions)}
    return {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"} | named


def _code(notebook: Path, language: str) -> dict[str, str]:
    """Digest of a notebook's sources, of every toolkit file its imports lead to, of the page's own and its words."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = [["".join(cell["source"]), cell["cell_type"], cell["metadata"].get("tags", [])] for cell in cells]
    seen: dict[str, str] = {f"notebooks/{notebook.name}": archive.sha256(json.dumps(sources))}
    pages = [_PACKAGE / "reporting" / "page.py", *sorted((_PACKAGE / "reporting" / "template").iterdir())]
    for path in _led_to(notebook, [*pages, CATALOGUES / f"{language}.po"])[1:]:
        seen[str(Path(_PACKAGE.name) / path.relative_to(_PACKAGE))] = archive.sha256(path.read_bytes())
    return dict(sorted(seen.items()))


def _led_to(notebook: Path, more: Sequence[Path] = ()) -> list[Path]:
    """A notebook, then more files, and every file of the toolkit that their imports lead to."""
    found, waiting = [notebook], [*sorted(_imported(_code_in(notebook))), *more]
    while waiting:
        path = waiting.pop()
        if path not in found and path.is_file():
            found.append(path)
            if path.suffix == ".py":
                waiting += sorted(_imported(path.read_text(encoding="utf-8")))
    return found


def _code_in(notebook: Path) -> str:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def _methods(notebook: Path) -> dict[str, str]:
    """The sections of docs/METHODS.md that a notebook's headings name by number, and the words that all of them share.

    From number and title, such as ``3.1 Does every cent of the ledger stand somewhere?``, to Markdown.
    """
    path = notebook.parents[1] / "docs" / "METHODS.md"
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    wanted = set(re.findall(r"^## (\d+\.\d+) ", prose, flags=re.MULTILINE))
    if not path.is_file() or not wanted:
        return {}
    parts = re.split(r"^##+ (?=\d)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = {title: text.strip() for title, text in (part.split("\n", 1) for part in parts)}
    return {title: text for title, text in found.items() if title.split(" ")[0] in wanted or title.startswith("0.")}


@cache
def _names_of(source: str) -> frozenset[str]:
    """Every module that a source imports, at its top or within, and each name imported from one as if it were one."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def _imported(source: str) -> set[Path]:
    inside = [name.split(".")[1:] for name in _names_of(source) if name.split(".")[0] == _PACKAGE.name]
    paths = {_PACKAGE.joinpath(*parts).with_suffix(".py") if parts else _PACKAGE / "__init__.py" for parts in inside}
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
            name: {"value": json_safe(value.value), "origin": value.origin}
            for name, value in sorted(job.values.items())
        },
        "environment": environment(),
    } | {name: told for name, told in {"before": job.before, "slice": sorted(job.slice)}.items() if told}


def _headlines_before(company: Company, period: Period, report: str) -> list[dict]:
    """What a report's headlines were in the newest revision of the period before, of the same length."""
    names = earlier(period.name, (path.name for path in company.reports.glob("*")))
    packs = (archive.revisions(company.reports / name) for name in reversed(names))
    last = next((pack[-1] for pack in packs if pack), None)
    rows = _figures_of(last, report) if last else []
    keys = ("figure_id", "headline", "value", "unit")
    told = [{key: row[key] for key in keys} for row in rows if row.get("headline")]
    return [row | {"period": last.folder.parent.name} for row in told]


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
            parts_of = ("code", "frames", "parameters", "environment", "before")
            kinds = [_NAMES.get(kind, kind) for kind in parts_of if old.get(kind) != new.get(kind)]
            parts.append(f"{job.report}: {' and '.join(kinds) or 'title or day of knowledge'} changed")
    return "; ".join(parts)


def _executed(run: _Run, jobs: Iterable[Job], before: Mapping[str, dict]) -> tuple[list[Job], dict[str, str]]:
    """Execute reports as they come, as many at once as there are workers, each put aside when done; those that failed.

    Not what is archived as it would be made, or was finished by a run that was killed: its state says so. Whatever ends
    this early, as Ctrl-C does, ends the running reports first.
    """

    def execute(job: Job) -> None:
        try:
            _execute(run, job)
        except ReportError as error:
            run.say("failed", job.report, fault=str(error))
            raise
        _put_aside(run.home, job)
        job.page, job.tables = "", {}  # of hundreds of reports, that is much
        run.say("done", job.report, seconds=round(job.seconds, 1), memory_mb=round(job.memory_mb))

    begun, faults, started = [], {}, {}
    pool = ThreadPoolExecutor(run.workers)
    try:
        for job in jobs:
            begun.append(job)
            if before.get(job.report, {}).get("recipe") == job.recipe:
                job.state = "unchanged"
                run.say("unchanged", job.report)
            elif _taken_up(run, job):
                job.state = "resumed"
            else:
                started[pool.submit(execute, job)] = job.report
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
    return begun, faults


def _in_order(jobs: Iterable[Job], stage: Sequence[Path]) -> list[Job]:
    return sorted(jobs, key=lambda job: stage.index(job.notebook))


def _longest_first(company: Company, period: Period, stage: Sequence[Path]) -> list[Path]:
    """Notebooks in the order in which to begin them, so that the longest does not run alone at the end.

    By the seconds that each took last, in this pack or that of the period before; where that is not known of all, by
    how much code they lead to.
    """
    names = [*earlier(period.name, (path.name for path in company.reports.glob("*")))[-1:], period.name]
    took: dict[str, float] = {}
    for revision in (each for name in names for each in archive.revisions(company.reports / name)):
        took |= {notebook_of(r): made["seconds"] for r, made in revision.record["reports"].items() if "seconds" in made}
    if not all(notebook.stem in took for notebook in stage):
        took = {notebook.stem: sum(path.stat().st_size for path in _led_to(notebook)) for notebook in stage}
    return sorted(stage, key=lambda notebook: -took[notebook.stem])


def _execute(run: _Run, job: Job) -> None:
    """Execute one report, render its page, and let nothing leave that must not."""
    from toolkit.reporting import page, release

    company, period = run.company, run.period
    watch = kernels.Watch(
        company.settings.limits, run.workers, lambda state, **facts: run.say(state, job.report, **facts), run.parent,
        run.stop,
    )  # fmt: skip
    parameters = {name: json_safe(value.value) for name, value in job.values.items()}
    read = [path for name, (path, _) in job.frames.items() if name != _KEY_FIGURES]  # these were published
    frames = {name: str(path.resolve()) for name, (path, _) in job.frames.items()}
    done = kernels.execute(job.notebook, parameters, frames, watch, epoch=int(period.end.timestamp()))
    job.seconds, job.memory_mb, fault = done.seconds, done.memory_mb, done.fault
    facts = page.Facts(
        company=company.settings.title,
        period=period.name,
        as_of=period.as_of.date().isoformat(),
        parameters={name: (value.value, value.origin) for name, value in job.values.items()},
        frames={name: digest for name, (_, digest) in sorted(job.frames.items())},
        code=job.code,
        recipe=job.recipe,
        methods=job.methods,
        before=tuple(job.before),
        slice=job.slice,
        language=parameters.get("language", "en"),
    )
    with _RENDERING:
        if not fault:
            job.page = page.render(done.notebook, facts)
            job.tables, figures = page.outputs(done.notebook)
            words = {title.split(" ")[0]: archive.sha256(text)[:16] for title, text in job.methods.items()}
            beside = {"confidence": parameters.get("confidence")}
            job.figures = [row | beside | {"words": words.get(row["definition_id"], "")} for row in figures]
            told = job.tables | {"figures": archive.canonical(job.figures)}
            unfit = page.guard(job.page, done.notebook) + release.unfit(
                page.written(done.notebook), job.page, told, read
            )
            fault = f"made a page that may not be archived: {'; '.join(unfit)}" if unfit else ""
        partial = company.home / "reports" / ".failed" / company.name / period.name / f"{job.report}.html"
        if not fault:
            partial.unlink(missing_ok=True)  # of an earlier run
        if fault:
            where = ""
            few = release.rare(read)
            fault = release.redacted(fault, few)
            if done.notebook is not None:
                partial.parent.mkdir(parents=True, exist_ok=True)
                shown = release.cleaned(kernels.clipped(done.notebook), few)
                text = release.redacted(page.render(shown, facts, incomplete=fault))
                partial.write_text(text, encoding="utf-8")
                where = f" The partial page is {partial.relative_to(company.home)}."
            raise ReportError(f"{_place(job.notebook, job.report)} {fault}.{where}")


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
    made = kernels.read_json(run.home / _ASIDE / job.recipe / _MADE) or {}
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
    numbers = ["value", "low", "high", "confidence"]  # what the report's intervals cover, where it says so
    frame = pd.DataFrame(figures, columns=[*texts[:-1], *numbers[:-1], "n", "unit", *_BESIDE, numbers[-1]])
    frame[_BESIDE] = frame[_BESIDE].astype("object").fillna("")  # revisions of before there were any
    kinds = dict.fromkeys([*texts, *_BESIDE], "str") | dict.fromkeys(numbers, "float64")
    kinds["n"] = "Int64"
    return frame.astype(kinds).sort_values(texts, ignore_index=True)


def _git_commit(home: Path) -> str:
    found = subprocess.run(
        ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=40"], capture_output=True, text=True
    )
    return found.stdout.strip() if found.returncode == 0 else ""

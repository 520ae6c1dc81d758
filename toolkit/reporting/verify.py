"""Is an archived report still what its inputs give? Hashes, the page again, the frames again; and if not, why."""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pandas as pd

from toolkit.company import Company, Period, erased
from toolkit.errors import DataError, ParamsError, ReportError, ToolkitError, several
from toolkit.reporting import archive, runner, signing
from toolkit.reporting.catalogue import status_of
from toolkit.reporting.parameters import declared, notebook_of, resolved

TOLERANCE = 1e-9  # of a number, relative: what the order of sums may move on another machine
_RECIPE = re.compile(r"<code>([0-9a-f]{64})</code>")


@dataclass(frozen=True)
class Verdict:
    """What came of a report made again: ``said`` (identical, same within tolerance, differs, not checkable), the tables
    and figures it differs at, and what differs of what it is made of."""

    report: str
    said: str
    at: list[str] = field(default_factory=list)
    because: list[str] = field(default_factory=list)
    frames: str = ""

    @property
    def holds(self) -> bool:
        """Is the report what was archived?"""
        return self.said in ("identical", "same within tolerance")

    def text(self) -> str:
        """The verdict as a line of ``toolkit verify``."""
        at = f" at {_first(self.at)}" if self.at else ""
        because = f", because of {_first(self.because)}" if self.because else ""
        return f"{self.report}: {self.said}{at}{because}; {self.frames}"


def _first(names: list[str]) -> str:
    return ", ".join(names[:5]) + f" and {len(names) - 5} more" * (len(names) > 5)


def verify(
    company: Company, period: Period, revision: archive.Revision, notebooks: Path,
    frames_now: Callable[[list[str]], Mapping[str, str]], digest_of: Callable[[Path], str],
    *, tell: Callable[[str], None] = lambda line: None,
) -> list[Verdict]:  # fmt: skip
    """Make each report of a revision again, from the frames that were kept for it, with today's code.

    Parameters
    ----------
    company, period, revision
        Which revision.
    notebooks
        Folder of the notebooks.
    frames_now
        Gives the digests of frames by name, as the warehouse makes them now; may raise ``ToolkitError``.
    digest_of
        Gives the digest of a kept frame's values, which is its name if nobody changed it.
    tell
        Called with the line of each report.

    Returns
    -------
    list of Verdict
        One a report, in the order of their names.

    Raises
    ------
    DataError
        If a file of the revision is not what was archived: nothing is then made again.
    """
    faults = [fault for fault in archive.check(revision.folder.parent) if fault.startswith(f"{revision.folder}:")]
    if faults:
        raise DataError(several(faults))
    known = date.fromisoformat(revision.manifest["as_of"])
    period = company.between(period.name, period.start.date(), period.end.date(), known)
    entries, verdicts = sorted(revision.manifest["reports"].items()), []
    try:
        now, fault = frames_now(sorted({name for _, entry in entries for name in entry["frames"]})), ""
    except ToolkitError as error:
        now, fault = {}, f"frames not checkable: {str(error).splitlines()[0]}"
    for report, entry in entries:
        frames = fault or _frames(entry, now)
        notebook = notebooks / f"{notebook_of(report)}.ipynb"
        frames = "; ".join(filter(None, [frames, _set_now(company, period, report, notebook, entry)]))
        verdicts.append(_verdict(company, period, revision, report, notebook, entry, frames, digest_of))
        tell(verdicts[-1].text())
    return verdicts


def _verdict(
    company: Company, period: Period, revision: archive.Revision, report: str, notebook: Path, entry: dict, frames: str,
    digest_of: Callable[[Path], str],
) -> Verdict:  # fmt: skip
    if not notebook.is_file():
        return Verdict(report, "not checkable", because=[f"{notebook.name} is gone"], frames=frames)
    try:
        declared(notebook)
    except ParamsError as error:
        return Verdict(report, "not checkable", because=[str(error).splitlines()[0]], frames=frames)
    titled = runner.recipe_of(company, period, entry) == entry["recipe"]
    told = {"because": ["title or zone of the company"] * (not titled) + _because(notebook, entry), "frames": frames}
    kept = {name: company.data / "frames" / f"{digest}.parquet" for name, digest in entry["frames"].items()}
    gone = [f"frame {name} is not kept" for name, path in kept.items() if not path.is_file()]
    days = erased(company)
    lost = {name: days[digest] for name, digest in entry["frames"].items() if digest in days}
    for day in sorted(set(lost.values())):
        gone.append(f"inputs erased on {day}: {', '.join(name for name in lost if lost[name] == day)}")
    own = {name: path for name, path in kept.items() if path.is_file() and name not in lost}
    gone += [f"frame {name} is not what was kept" for name, path in own.items() if digest_of(path) != path.stem]
    if gone:
        return Verdict(report, "not checkable", **told | {"because": gone})
    try:
        with tempfile.TemporaryDirectory() as home:  # where the page of one that fails may go
            job = runner.remade(replace(company, home=Path(home)), period, report, notebook, entry, kept)
    except ReportError as error:
        return Verdict(report, "differs", [str(error).splitlines()[0].split(" The partial page")[0]], **told)
    tables, close = _tables(revision, job)
    figures, near = _figures(revision, job)
    at, text = [*tables, *figures], (revision.folder / f"{job.report}.html").read_text(encoding="utf-8")
    if at:
        return Verdict(job.report, "differs", at, **told)
    if close or near:  # a page may be the same beside them: it shows fewer digits
        return Verdict(job.report, "same within tolerance", [*close, *near], **told)
    if job.page == text:
        return Verdict(job.report, "identical", frames=frames)
    return Verdict(job.report, "differs", ["its page alone: every table and figure is the same"], **told)


def _set_now(company: Company, period: Period, report: str, notebook: Path, entry: dict) -> str:
    """Which parameters have other values today than in the manifest, from where; '' if none."""
    try:
        now = resolved(company, period.name, [notebook]).get(report, {}) if notebook.is_file() else {}
    except ToolkitError as error:
        return f"parameters not checkable: {str(error).splitlines()[0]}"
    then = {name: each["value"] for name, each in entry["parameters"].items() if each["origin"] != "--set"}
    today = {name: runner.json_safe(each.value) for name, each in now.items() if name in then}
    moved = [f"{name} ({now[name].origin}: {today[name]!r}, was {then[name]!r})" for name in archive.differing(
        {name: then[name] for name in today}, today)]  # fmt: skip
    return f"parameters are set otherwise now: {_first(moved)}" if moved else ""


def _because(notebook: Path, entry: dict) -> list[str]:
    """What differs today of the code and the environment that a report was made with."""
    language = entry["parameters"].get("language", {}).get("value", "en")
    now = {"code": runner.code_of(notebook, language), "environment": runner.environment()}
    told = []
    for part in now:
        for name in archive.differing(entry[part], now[part]):
            versions = f" {entry[part].get(name, 'none')}, now {now[part].get(name, 'none')}" * (part == "environment")
            told.append(f"{part}: {name}{versions}")
    return told


def _frames(entry: dict, now: Mapping[str, str]) -> str:
    """Whether the warehouse still gives the frames that a report was made of."""
    asked = {name: digest for name, digest in entry["frames"].items() if name in now}
    moved = [name for name, digest in sorted(asked.items()) if now[name] != digest]
    return f"the warehouse gives other frames now: {_first(moved)}" if moved else "frames as from the warehouse now"


def _tables(revision: archive.Revision, job: runner.Job) -> tuple[list[str], list[str]]:
    """Tables that differ, with their first cell, and those that differ within the tolerance."""
    folder = revision.folder / "tables" / job.report
    archived = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.csv"))}
    differ, close = [], []
    for name in sorted(archived.keys() | job.tables.keys()):
        if archived.get(name) == job.tables.get(name):
            continue
        cell = "not in both"
        if name in archived and name in job.tables:
            cell = _first_cell(*(pd.read_csv(io.StringIO(text)) for text in (archived[name], job.tables[name])))
        if cell:
            differ.append(f"table {name} ({cell})")
        else:
            close.append(f"table {name}")
    return differ, close


def _first_cell(old: pd.DataFrame, new: pd.DataFrame) -> str:
    """The first cell of two tables that differs beyond the tolerance; empty if there is none."""
    if list(old) != list(new) or len(old) != len(new):
        return f"{len(old)} rows of {len(old.columns)} columns, now {len(new)} of {len(new.columns)}"
    for column in old:
        for at, (was, now) in enumerate(zip(old[column], new[column], strict=True), start=1):
            if not alike(was, now):
                return f"row {at}, {column}: {was}, now {now}"
    return ""


def alike(was: object, now: object) -> bool:
    """Are two values the same, numbers within the tolerance?"""
    if was == now or (pd.isna(was) and pd.isna(now)):
        return True
    numbers = all(isinstance(x, int | float) for x in (was, now))
    return numbers and abs(was - now) <= TOLERANCE * max(abs(was), abs(now))


def _figures(revision: archive.Revision, job: runner.Job) -> tuple[list[str], list[str]]:
    """Key figures that differ, and those that differ within the tolerance."""
    kept = pd.read_parquet(revision.folder / "figures.parquet")
    keys, ends = ["figure_id", "cohort", "segment", "channel"], ["value", "low", "high", "n"]
    sides = []
    for rows in (kept[kept["report"] == job.report], pd.DataFrame(job.figures, columns=[*keys, *ends])):
        told = rows[ends].astype("float64").to_dict("records")
        sides.append(dict(zip(map(tuple, rows[keys].astype("str").to_numpy()), told, strict=True)))
    was, now = sides
    differ, close = [], []
    for key in sorted(was.keys() | now.keys()):
        if key in was and key in now and all(alike(was[key][end], now[key][end]) for end in ends):
            exact = all(was[key][end] == now[key][end] or pd.isna(was[key][end]) for end in ends)
            close += [] if exact else [f"figure {' '.join(filter(None, key))}"]
        else:
            differ.append(f"figure {' '.join(filter(None, key))}")
    return differ, close


def anchors(company: Company, revision: archive.Revision, kept: Path | None = None) -> tuple[list[str], bool]:
    """What holds the archive fast and who signed the revision, in lines; and whether all of it holds."""
    pack = f"{company.name}/{revision.folder.parent.name}"
    held, holds = signing.anchored(company.home / "reports", pack, revision.number, kept)
    offs = [each for each in signing.sign_offs(revision.folder.parent) if each.revision == revision.name]
    told = [f"{revision.name} {each.state} by {each.reviewer or '?'} on {each.date or '?'}" for each in offs]
    told = [line + (f": {each.why}" if each.why else "") for line, each in zip(told, offs, strict=True)]
    lines = [*held, *(told or [f"{revision.name} is a draft: nobody signed it"])]
    return lines, holds and all(each.state != "void" for each in offs)


def at_code(company: Company, revision: archive.Revision, head: Path | None = None) -> int:
    """Verify a revision with the code of the commit that it was made with, in a worktree that is gone afterwards.

    Returns
    -------
    int
        What ``toolkit verify`` of that commit ended with.

    Raises
    ------
    ReportError
        If no commit is on record, the project's repository has none of that name, or it had no ``verify``.
    """
    commit = str(revision.record.get("commit", "")).removesuffix("-dirty")
    if not commit:
        raise ReportError(f"{revision.folder}: expected the commit it was made with in run.json, found none.")
    git, name = ["git", "-C", str(company.home)], f"{revision.folder.parent.name}/{revision.name}"
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "code"
        made = subprocess.run([*git, "worktree", "add", "--detach", tree, commit], capture_output=True, text=True)
        try:
            if made.returncode or not (tree / "toolkit/reporting/verify.py").is_file():
                why = "has no toolkit verify" if made.returncode == 0 else "is not in this repository"
                raise ReportError(f"{revision.folder}: was made with commit {commit}, which {why}.")
            if revision.record["commit"].endswith("-dirty"):
                print(f"{revision.name} was made with changes to {commit} that were not committed")
            for part in ("params", "data", "reports"):
                shutil.rmtree(tree / part, ignore_errors=True)
                (tree / part).symlink_to((company.home / part).resolve())
            verify = [sys.executable, "-m", "toolkit.cli", "--home", tree, "verify", company.name, name]
            verify += ["--head", head.resolve()] if head else []
            return subprocess.run(verify, cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)}).returncode
        finally:
            for part in ("params", "data", "reports"):  # what they lead to stays
                (tree / part).unlink() if (tree / part).is_symlink() else None
            subprocess.run([*git, "worktree", "remove", "--force", tree], capture_output=True)


def found(reports: Path, page: Path) -> tuple[str, bool]:
    """What a page that somebody was sent is, and whether it is byte for byte what was archived.

    It is found by the recipe that it names, among all that is archived, and held against the manifests.

    Raises
    ------
    ParamsError
        If there is no such file.
    DataError
        If it names no recipe, or none that is archived.
    """
    if not page.is_file():
        raise ParamsError(f"{page}: expected a page that somebody was sent, found no such file.")
    content = page.read_bytes()
    text = content.decode("utf-8", errors="replace")
    recipe = _RECIPE.search(text[text.find('id="provenance"') :])
    if not recipe:
        raise DataError(f"{page}: expected a report page with the recipe that it was made by, found none.")
    for pack in sorted(path for path in reports.glob("*/*") if path.is_dir() and not path.parent.name.startswith(".")):
        revisions = archive.revisions(pack)
        listed = [
            (revision, report)
            for revision in reversed(revisions)
            for report, entry in revision.manifest["reports"].items()
            if entry.get("recipe") == recipe[1]
        ]
        for revision, report in listed[:1]:
            names = ", ".join(each.name for each, _ in listed)
            newest = f"superseded by {revisions[-1].name}"
            newest = f"the newest, {status_of(revision)}" if revision is revisions[-1] else newest
            same = revision.manifest["outputs"].get(f"{report}.html") == archive.sha256(content)
            how = "byte for byte what was archived" if same else "NOT what was archived: its bytes were changed"
            return f"{how}: {report} of {pack.parent.name} {pack.name} {names}; {revision.name} is {newest}", same
    raise DataError(f"{page}: its recipe {recipe[1][:12]}… is of no revision under {reports}.")

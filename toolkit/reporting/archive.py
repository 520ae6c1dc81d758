"""What was archived, and is it what was made? Revisions, written once, each whole or not there."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from toolkit.company import alone
from toolkit.errors import DataError, ReportError, several

HEAD, SIGNED = "head.json", "signed"  # the last link of every chain; the folder of a pack's sign-offs
_MEND = "Bring it back from a copy; if it was meant to go, take its entry out of reports/head.json."
_REVISION = re.compile(r"r([1-9][0-9]*)")


@dataclass(frozen=True)
class Revision:
    """One archived run of a pack: its number, folder and manifest."""

    number: int
    folder: Path
    manifest: dict

    @property
    def name(self) -> str:
        """``r1``, ``r2``, ...; ``today`` of number 0, which no archive holds."""
        return f"r{self.number}" if self.number else "today"

    @property
    def record(self) -> dict:
        """What ``run.json`` says of the run: reason, clock, commit, memory."""
        return _read(self.folder / "run.json", {"reason": str, "finished_at": str})


def sha256(content: bytes | str) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def canonical(document: object) -> str:
    """JSON with one spelling: sorted, indented, one line end."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def revisions(folder: Path) -> list[Revision]:
    """Revisions of one company and period, oldest first.

    Raises
    ------
    DataError
        If a revision has no readable manifest.
    """
    found = []
    for path in folder.glob("r*"):
        match = _REVISION.fullmatch(path.name)
        if match:
            manifest = _read(path / "manifest.json", {"reports": dict, "outputs": dict})
            found.append(Revision(int(match[1]), path, manifest))
    return sorted(found, key=lambda revision: revision.number)


def newest(folder: Path) -> Revision | None:
    """The newest revision of one company and period, if there is one."""
    return next(reversed(revisions(folder)), None)


def _read(path: Path, kinds: dict[str, type], what: str = "") -> dict:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except PermissionError:
        raise  # it may well be there
    except (OSError, ValueError):
        document = None
    if not (isinstance(document, dict) and all(isinstance(document.get(name), kind) for name, kind in kinds.items())):
        what = what or f"a revision with its {path.name}"
        raise DataError(f"{path.parent}: expected {what}, found none that reads.")
    return document


def commit(
    folder: Path, staging: Path, manifest: dict, run: dict, *, tell: Callable[[dict], None] = lambda event: None
) -> Revision:
    """Turn a staging folder into the next revision in one step: whole or not at all.

    Writes ``manifest.json`` (with the SHA-256 of every file), ``run.json`` (the only file with a clock) and
    ``chain.json`` (hashes of both, and of the ``chain.json`` before), makes everything durable and read-only, renames
    the folder into place, and then writes the new link into the head over all chains. ``tell`` is told the revision and
    its link just before the renaming.
    """
    earlier = revisions(folder)
    files = sorted(path for path in staging.rglob("*") if path.is_file())
    manifest = manifest | {"outputs": {p.relative_to(staging).as_posix(): sha256(p.read_bytes()) for p in files}}
    number = earlier[-1].number + 1 if earlier else 1
    papers = {"manifest": canonical(manifest), "run": canonical(run)}
    link = {"revision": f"r{number}", "previous": link_of(earlier[-1]) if earlier else ""}
    papers["chain"] = canonical(link | {name: sha256(text) for name, text in papers.items()})
    for name, text in papers.items():
        (staging / f"{name}.json").write_text(text, encoding="utf-8")
    tell({"event": "archiving", "revision": link["revision"], "link": sha256(papers["chain"])})
    settle(staging, folder / link["revision"])
    anchor(folder)
    return Revision(number, folder / f"r{number}", manifest)


def link_of(revision: Revision) -> str:
    """The hash of a revision's ``chain.json``, which stands for it and for all before it."""
    try:
        return sha256((revision.folder / "chain.json").read_bytes())
    except OSError:
        return ""


def heads(reports: Path) -> dict[str, dict]:
    """``head.json``: for each ``company/period`` its newest ``revision``, the ``link`` of it, its ``signed`` files.

    Raises
    ------
    DataError
        If it does not read.
    """
    path, what = reports / HEAD, f"the {HEAD} of the archive"
    found, kinds = _read(path, {}, what) if path.exists() else {}, {"revision": str, "link": str, "signed": dict}
    if not all(
        isinstance(each, dict) and kinds == {name: type(each[name]) for name in each} for each in found.values()
    ):
        raise DataError(f"{reports}: expected {what}, found none that reads.")
    return found


def anchor(folder: Path) -> None:
    """Write the last link of a pack's chain and its sign-offs into the head over all chains.

    Raises
    ------
    ReportError
        If the head lists a revision or a sign-off that is no longer there, or is another: it stays as it is.
    """
    reports = folder.parents[1]
    with alone(reports):
        known = heads(reports)
        name = f"{folder.parent.name}/{folder.name}"
        faults = adrift(reports, {name: known[name]} if name in known else {})
        if faults:
            raise ReportError(several(f"{fault} {_MEND}" for fault in faults))
        chain = revisions(folder)
        if chain:
            files = {path.name: sha256(path.read_bytes()) for path in sorted((folder / SIGNED).glob("r*"))}
            entry = {"revision": chain[-1].name, "link": link_of(chain[-1]), "signed": files}
            if known.get(name) != entry:
                put(reports / HEAD, canonical(known | {name: entry}), synced=True)


def adrift(reports: Path, known: dict[str, dict]) -> list[str]:
    """Faults of an archive against a head, which may be one that was kept elsewhere: what it lists and is not there."""
    faults = []
    for name, entry in sorted(known.items()):
        chain = {revision.name: revision for revision in revisions(reports / name)}
        if entry["revision"] not in chain:
            faults.append(f"{reports / name}: the head lists {entry['revision']}, which is gone.")
        elif link_of(chain[entry["revision"]]) != entry["link"]:
            faults.append(f"{reports / name}: {entry['revision']} is not the one that the head lists.")
        for file, digest in entry["signed"].items():
            path = reports / name / SIGNED / file
            if not path.is_file() or sha256(path.read_bytes()) != digest:
                how = "is not the one that the head lists" if path.is_file() else "is gone, which the head lists"
                faults.append(f"{reports / name}: {SIGNED}/{file} {how}.")
    return faults


def settle(staging: Path, target: Path) -> None:
    """Make a folder durable and read-only, then rename it: whole at its place, or not there."""
    inside = list(staging.rglob("*"))
    for path in [path for path in inside if path.is_file()]:
        path.chmod(0o444)
        durable(path)
    for path in [path for path in inside if path.is_dir()] + [staging]:
        durable(path)
    os.rename(staging, target)
    durable(target.parent)


def durable(path: Path) -> None:
    """What a file or folder holds is on disk, whatever happens next."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check(folder: Path) -> list[str]:
    """Faults of the revisions of one company and period: changed, missing or added files, a broken chain.

    Raises
    ------
    DataError
        If a revision has no readable manifest, chain or record of its run.
    """
    faults, chain, texts = [], revisions(folder), dict.fromkeys(("revision", "previous", "manifest", "run"), str)
    at_home = [folder.parent.name, folder.name]
    links = [revision.record and _read(revision.folder / "chain.json", texts) for revision in chain]
    for at, (revision, link) in enumerate(zip(chain, links, strict=True)):
        before, after = chain[at - 1].number if at else 0, links[at + 1] if at + 1 < len(links) else {}
        made_for = [revision.manifest.get("company", at_home[0]), revision.manifest.get("period", at_home[1])]
        if made_for != at_home:
            faults.append(f"{revision.folder}: is of {' '.join(map(str, made_for))}.")
        elif link["revision"] != revision.name:
            faults.append(f"{revision.folder}: is {link['revision']} under another name.")
        elif revision.number != before + 1:
            faults.append(f"{revision.folder}: r{revision.number - 1} before it is gone.")
        elif not at and link["previous"]:
            faults.append(f"{revision.folder}: follows a revision that is not here.")
        elif after.get("revision") == f"r{revision.number + 1}" and after["previous"] != link_of(revision):
            faults.append(f"{revision.folder}: is not the one that {after['revision']} was archived after.")
        listed = {f"{name}.json": link[name] for name in ("manifest", "run")} | revision.manifest["outputs"]
        files = {path.relative_to(revision.folder).as_posix(): path for path in revision.folder.rglob("*")}
        present = {name: path for name, path in files.items() if path.is_symlink() or not path.is_dir()}
        present.pop("chain.json", None)
        for name in sorted(listed.keys() | present.keys()):
            if name not in present:
                faults.append(f"{revision.folder}: {name} is missing.")
            elif name not in listed:
                faults.append(f"{revision.folder}: {name} is in no manifest.")
            elif present[name].is_symlink() or sha256(present[name].read_bytes()) != listed[name]:
                faults.append(f"{revision.folder}: {name} is not what was archived.")
    return faults


def whole(folder: Path) -> None:
    """Refuse a pack with faults.

    Raises
    ------
    DataError
        If a revision, or the chain, is not what was archived.
    """
    faults = check(folder)
    if faults:
        raise DataError(several(f"{fault} Bring it back from a copy." for fault in faults))


def differing(was: dict, now: dict) -> list[str]:
    """Names whose values in two parts of manifests are not the same, or that one of them lacks."""
    return [name for name in sorted(was.keys() | now.keys()) if was.get(name) != now.get(name)]


def put(path: Path, text: str, *, synced: bool = False) -> None:
    """Write a view: the whole text, or what stood there before."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    if synced:
        durable(partial)
    os.replace(partial, path)
    if synced:
        durable(path.parent)


def discard(folder: Path) -> None:
    """Remove a staging folder, if it is still there."""
    shutil.rmtree(folder, ignore_errors=True)

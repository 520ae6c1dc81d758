"""What was archived, and is it what was made? Revisions, written once, each whole or not there."""

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import DataError

_REVISION = re.compile(r"r([1-9][0-9]*)")
_UNLISTED = ("manifest.json", "chain.json", "run.json")


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
        return _read(self.folder / "run.json", {"reason", "finished_at"})


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
            manifest = _read(path / "manifest.json", {"reports", "outputs"})
            found.append(Revision(int(match[1]), path, manifest))
    return sorted(found, key=lambda revision: revision.number)


def _read(path: Path, names: set[str]) -> dict:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict) or not names <= document.keys():
        raise DataError(f"{path.parent}: expected a revision with its {path.name}, found none that reads.")
    return document


def commit(folder: Path, staging: Path, manifest: dict, run: dict) -> Revision:
    """Turn a staging folder into the next revision in one step: whole or not at all.

    Writes ``manifest.json`` (with the SHA-256 of every file), ``chain.json`` (hash of this
    manifest and of the revision before) and ``run.json`` (the only file with a clock), makes
    everything durable and read-only, and renames the folder into place.
    """
    earlier = revisions(folder)
    files = sorted(path for path in staging.rglob("*") if path.is_file())
    manifest = manifest | {"outputs": {p.relative_to(staging).as_posix(): sha256(p.read_bytes()) for p in files}}
    text = canonical(manifest)
    previous = sha256((earlier[-1].folder / "manifest.json").read_bytes()) if earlier else ""
    (staging / "manifest.json").write_text(text, encoding="utf-8")
    (staging / "chain.json").write_text(canonical({"manifest": sha256(text), "previous": previous}), encoding="utf-8")
    (staging / "run.json").write_text(canonical(run), encoding="utf-8")
    number = earlier[-1].number + 1 if earlier else 1
    settle(staging, folder / f"r{number}")
    return Revision(number, folder / f"r{number}", manifest)


def settle(staging: Path, target: Path) -> None:
    """Make a folder durable and read-only, then rename it: whole at its place, or not there."""
    inside = list(staging.rglob("*"))
    for path in [path for path in inside if path.is_file()]:
        path.chmod(0o444)
        _durable(path)
    for path in [path for path in inside if path.is_dir()] + [staging]:
        _durable(path)
    os.rename(staging, target)
    _durable(target.parent)


def _durable(path: Path) -> None:
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
    faults, previous = [], ""
    for revision in revisions(folder):
        text = (revision.folder / "manifest.json").read_bytes()
        chain, _ = _read(revision.folder / "chain.json", {"manifest", "previous"}), revision.record
        if chain != {"manifest": sha256(text), "previous": previous}:
            faults.append(f"{revision.folder}: the chain does not fit the manifest, or the revision before it.")
        previous = sha256(text)
        listed = revision.manifest["outputs"]
        files = {path.relative_to(revision.folder).as_posix(): path for path in revision.folder.rglob("*")}
        present = {name: path for name, path in files.items() if path.is_file() and name not in _UNLISTED}
        for name in sorted(listed.keys() | present.keys()):
            if name not in present:
                faults.append(f"{revision.folder}: {name} is missing.")
            elif name not in listed:
                faults.append(f"{revision.folder}: {name} is in no manifest.")
            elif sha256(present[name].read_bytes()) != listed[name]:
                faults.append(f"{revision.folder}: {name} is not what was archived.")
    return faults


def differing(was: dict, now: dict) -> list[str]:
    """Names whose values in two parts of manifests are not the same, or that one of them lacks."""
    return [name for name in sorted(was.keys() | now.keys()) if was.get(name) != now.get(name)]


def put(path: Path, text: str) -> None:
    """Write a view: the whole text, or what stood there before."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def discard(folder: Path) -> None:
    """Remove a staging folder, if it is still there."""
    shutil.rmtree(folder, ignore_errors=True)

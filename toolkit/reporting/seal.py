"""Is all that a pack is made of as it was when it was archived? Told from files alone, before anything is made."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from toolkit.company import Company, Period, alone, earlier
from toolkit.errors import ReportError
from toolkit.reporting import archive, ledger

_SEAL = ".seal.json"


def inputs(company: Company, period: Period, asked: Sequence[str]) -> str:
    """A digest of all that a run is made of, but for the archive; '' where files do not tell it.

    Params, notebooks, methods and code by content; the local warehouse by its receipt, sizes and times; packages by
    the versions that lie on the path; the pseudonym key by its print; and what was ``asked`` for on the command line.
    A warehouse by URL may change without a file that says so.
    """
    if company.settings.warehouse != "local":
        return ""
    package, home = Path(__file__).parents[1], company.home
    code = (path for path in package.rglob("*") if "__pycache__" not in path.parts)
    contents = [*code, *home.glob("notebooks/*.ipynb"), home / "docs/METHODS.md", *company.params.rglob("*")]
    contents += [company.data / name for name in ("receipt.json", "erased.jsonl")]
    stored = [path for path in company.data.glob("warehouse-*/**/*") if path.is_file()]
    facts = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in sorted(stored)]
    versions = {path.name for folder in sys.path for path in Path(folder or ".").glob("*.dist-info")}
    told = [period.name, period.as_of.isoformat(), company.key_print(), sys.version, *asked, *sorted(versions), *facts]
    return archive.sha256(archive.canonical([told, _contents(contents)]))


def _contents(paths: Iterable[Path]) -> dict[str, str]:
    return {str(path.resolve()): archive.sha256(path.read_bytes()) for path in sorted(set(paths)) if path.is_file()}


def _archived(company: Company, period: Period) -> str:
    """A digest of the newest link of a chain and of each that it reads figures of, and of frames that are missing."""
    names = earlier(period.name, (path.name for path in company.reports.glob("[0-9]*")))
    packs = {name: archive.newest(company.reports / name) for name in [*names, period.name]}
    links = {name: [newest.name, archive.link_of(newest)] for name, newest in sorted(packs.items()) if newest}
    entries = packs[period.name].manifest["reports"].values() if packs[period.name] else []
    digests = {digest for entry in entries for digest in entry["frames"].values()}
    missing = [digest for digest in sorted(digests) if not (company.data / "frames" / f"{digest}.parquet").is_file()]
    return archive.sha256(archive.canonical([links, missing]))


def close(company: Company, period: Period, told: str) -> None:
    """Keep what a pack was made of: ``told`` by ``inputs`` before the run that ended well."""
    if told:
        text = archive.canonical({"inputs": told, "archive": _archived(company, period)})
        archive.put(company.reports / period.name / _SEAL, text)


def holds(company: Company, period: Period, told: str) -> bool:
    """Would a run of a pack change nothing, by what ``close`` kept of it?"""
    try:
        kept = json.loads((company.reports / period.name / _SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    shown = (company.reports / period.name / "index.html").is_file()
    return bool(told) and shown and kept == {"inputs": told, "archive": _archived(company, period)}


def unchanged(company: Company, period: Period, told: str, now: ledger.Clock = ledger.clock) -> archive.Revision | None:
    """The newest revision of a pack, if a run of it would change nothing; the ledger says that it was asked.

    Raises
    ------
    ReportError
        If another run is making this pack.
    DataError
        If what is archived of it is not what was archived.
    """
    home = company.reports / period.name
    if not holds(company, period, told):
        return None
    busy = ReportError(f"{home}: another run is making this pack. Wait for its end.")
    with alone(home, busy), ledger.kept(home, now) as keep:
        archive.anchor(home)
        archive.whole(home)
        keep({"event": "ended", "state": "unchanged"})
    return archive.newest(home)

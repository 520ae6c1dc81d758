"""What is kept that no revision needs, and how does a customer leave what is kept? Nothing of a revision goes."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from toolkit.company import Company, alone, erased
from toolkit.errors import DataError, ReportError, several
from toolkit.reporting import archive

__all__ = ["erase", "erased", "needless", "remove", "size"]
_FRAME = re.compile(r"[0-9a-f]{64}\.parquet")
_OF_DATA = ("frames/*.partial", ".ingest-*", ".receipt.json", "spill")  # of what was killed: frames, ingest, DuckDB
_OF_PACKS = ("*/.staging-*", "*/.made", "*/.*.partial")  # of a run or a view that was killed


def needless(company: Company) -> list[Path]:
    """Files and folders of a company that no revision needs, sorted; links are left alone.

    Frames that no manifest names, warehouses that the receipt does not name, partial pages of reports that failed, and
    what a run, an ingest, a view, an erasure, the local warehouse or the sample company's making left when killed.

    Raises
    ------
    DataError
        If what is archived is not what was archived, or the receipt does not read: what they need cannot be told.
    """
    reports = company.reports.parent
    heads = {name: each for name, each in archive.heads(reports).items() if name.split("/")[0] == company.name}
    faults = [fault for path in company.reports.glob("*") if path.is_dir() for fault in archive.check(path)]
    faults += archive.adrift(reports, heads)
    if faults:
        raise DataError(several(f"{fault} Bring it back first: what it needs cannot be told." for fault in faults))
    packs = [archive.revisions(path) for path in company.reports.glob("*") if path.is_dir()]
    entries = [entry for pack in packs for revision in pack for entry in revision.manifest["reports"].values()]
    named = {f"{digest}.parquet" for entry in entries for digest in entry["frames"].values()}
    stored = _stored(company)
    found = [path for path in _frames(company) if _FRAME.fullmatch(path.name) and path.name not in named]
    found += [path for path in company.data.glob("warehouse-*") if path.name != stored]
    found += [path for pattern in _OF_DATA for path in company.data.glob(pattern)]
    found += company.spill.parent.glob(company.spill.name) if company.settings.limits.spill else []
    found += company.data.glob(".raw-*") if company.name == "sample" else []  # others have their raw files elsewhere
    found += [path for pattern in _OF_PACKS for path in company.reports.glob(pattern)]
    found += reports.glob(f".failed/{company.name}")
    return sorted(path for path in found if not path.is_symlink())


def _frames(company: Company) -> list[Path]:
    return sorted((company.data / "frames").glob("*.parquet"))


def _stored(company: Company) -> str:
    """Name of the folder of the local warehouse, or nothing."""
    path = company.data / "receipt.json"
    if not path.exists() and not any(company.data.glob("warehouse-*")):
        return ""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["folder"]
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(
            f"{path}: expected the receipt of the warehouse, found none that reads. Ingest again."
        ) from None


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    total = 0
    for each in [path, *path.rglob("*")] if path.is_dir() else [path]:
        with suppress(FileNotFoundError):  # of a run that goes on
            total += 0 if each.is_dir() else each.lstat().st_size
    return total


def remove(company: Company) -> dict[Path, int]:
    """Remove what no revision needs; what that was, with its bytes.

    Raises
    ------
    ReportError
        If a run is making a pack of the company, or an ingest is at work: nothing is then removed.
    DataError
        As ``needless`` does.
    """
    with _alone(company):
        sizes = {path: size(path) for path in needless(company)}
        for path in sizes:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return sizes


@contextmanager
def _alone(company: Company) -> Iterator[None]:
    """No run of any pack and no ingest of the company goes on beside this."""
    with ExitStack() as held:
        for pack in sorted(path for path in company.reports.glob("[0-9]*") if path.is_dir()):
            held.enter_context(alone(pack, ReportError(f"{pack}: a run is making this pack. Wait for its end.")))
        if company.data.is_dir():
            refusal = ReportError(f"{company.data}: an ingest, or another prune, is at work. Wait for its end.")
            held.enter_context(alone(company.data, refusal))
        yield


def erase(company: Company, names: Mapping[str, Collection[str]], today: date) -> dict[str, int]:
    """Remove a customer's rows from every kept frame; how many of which.

    A frame keeps its file's name, which is then no more the digest of its values: ``erased.jsonl`` has a line for it
    before it is changed. Who was erased is written nowhere.

    Parameters
    ----------
    company
        Whose frames.
    names
        What the customer is called in them, by column.
    today
        The day that is written down.

    Returns
    -------
    dict
        Rows lost, by the digest in the frame's name; of no other frame had the customer any.

    Raises
    ------
    ReportError
        If a run is making a pack of the company, or an ingest is at work: nothing is then changed.
    """
    lost = {}
    with _alone(company):
        for leftover in (company.data / "frames").glob("*.partial"):  # nobody's, and may hold such rows
            leftover.unlink()
        for path in _frames(company):
            columns = [column for column in pq.read_schema(path).names if column in names]
            people = pq.read_table(path, columns=columns)
            hers = [pc.is_in(people[each].cast(pa.string()), pa.array(sorted(names[each]))) for each in columns]
            rows = pc.sum(reduce(pc.or_, hers)).as_py() if hers else 0
            if rows:
                _rewrite(company, path, reduce(pc.or_, hers), {"rows": rows, "on": today.isoformat()})
                lost[path.stem] = rows
    return lost


def _rewrite(company: Company, path: Path, gone: pa.ChunkedArray, told: dict) -> None:
    table = pq.read_table(path).filter(pc.invert(gone))
    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):  # which still has the texts of rows that are gone
            table = table.set_column(at, field, table[field.name].cast(field.type.value_type).dictionary_encode())
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    os.close(handle)
    try:
        pq.write_table(table.unify_dictionaries().combine_chunks(), partial, compression="zstd")
        archive.durable(Path(partial))
        _note(company.data / "erased.jsonl", {"frame": path.stem} | told)
        os.replace(partial, path)
        archive.durable(path.parent)
    finally:
        Path(partial).unlink(missing_ok=True)


def _note(path: Path, told: dict) -> None:
    """Append a line, durably; what a crash tore off before it goes."""
    with path.open("a+b") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write(json.dumps(told).encode() + b"\n")
        file.flush()
        archive.durable(path)
    archive.durable(path.parent)

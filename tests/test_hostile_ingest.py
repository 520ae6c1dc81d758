"""Does every broken raw file end in a receipt that adds up, or in one refusal that says what to do?"""

import json
import shutil
import tempfile
from pathlib import Path

import hostile
import pyarrow.parquet as pq
import pytest
from hostile import CANARY
from hypothesis import given, settings

from toolkit import company, source
from toolkit.errors import ToolkitError

CORPUS = hostile.corpus()
_MEMORY = Path("/dev/shm")  # folders that are made and taken away wait for no disk there
_FOLDER = _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 2**30 else None


def attempted(case: hostile.Case) -> tuple[str, list[str]]:
    """Ingest it in a folder of its own: "admitted" or "refused", and what is wrong with how it ended."""
    home = Path(tempfile.mkdtemp(prefix="hostile-", dir=_FOLDER))
    try:
        case.write(home)
        data = home / "data" / "acme"
        try:
            receipt = source.ingest(company.load("acme", home), home / "raw")
        except ToolkitError as refusal:
            return "refused", _wrong(_of_refusal(case, data, str(refusal) + "".join(getattr(refusal, "__notes__", ()))))
        return "admitted", _wrong(_of_receipt(data, receipt))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _wrong(held: dict[str, bool]) -> list[str]:
    return [what for what, holds in held.items() if not holds]


def _of_refusal(case: hostile.Case, data: Path, said: str) -> dict[str, bool]:
    return {
        "nothing is left": [path for path in data.rglob("*") if path.name != ".lock"] == [],
        "no value of a person is told": CANARY not in said,
        "a place is named": any(word in said for word in ("raw", ".sql", *case.selects)),
        "no line is endless": max(map(len, said.split("\n"))) < 1_500,
        "lines are few": said.count("\n") < 30,
    }


def _of_receipt(data: Path, receipt: source.Receipt) -> dict[str, bool]:
    written = (data / "receipt.json").read_text(encoding="utf-8")
    there = sorted(path.name for path in data.iterdir())
    held = {
        "one warehouse and its receipt": there == sorted([".lock", "receipt.json", receipt.folder]),
        "no value of a person is told": CANARY not in written + receipt.text(),
    }
    for name, table in receipt.tables.items():
        kept, aside = (data / receipt.folder / kind / f"{name}.parquet" for kind in ("tables", "quarantine"))
        gone = sum(table.quarantined.values()) + sum(table.cascade.values())
        counted = {json.loads(written)["tables"][name]["kept"], table.kept, pq.read_metadata(kept).num_rows}
        held |= {
            f"{name} adds up": table.adds_up,
            f"rows of {name} are as many as told": len(counted) == 1,
            f"rows of {name} set aside are as many as told": pq.read_metadata(aside).num_rows == gone,
            f"{name} keeps no comment": "comment" not in pq.read_schema(kept).names,
        }
    return held


def test_the_corpus_is_large():
    assert len(CORPUS) >= 150


@pytest.mark.parametrize("name", CORPUS)
def test_a_broken_file_adds_up_or_is_refused(name):
    assert attempted(CORPUS[name])[1] == []


def test_what_fell_in_a_draw_falls_no_more():
    for case in (
        hostile.Case("order_lines", hostile.broken("order_lines", [("a cell", 0.0, 2576)]), hostile.READS["guessed"]),
        hostile.packed_of("order_lines", "gzip", [("a byte", 0.5, 16)]),
        hostile.packed_of("surveys", "parquet", [("a byte", 0.41015625, 128)]),
    ):
        assert attempted(case) == ("refused", [])


# The same cases in every run: others are drawn by ``benchmarks/proof_hostile.py``.
@pytest.mark.slow
@settings(max_examples=2_400)
@given(hostile.cases)
def test_a_file_broken_anyhow_adds_up_or_is_refused(case):
    assert attempted(case)[1] == []


@pytest.mark.slow
@settings(max_examples=600)
@given(hostile.packed)
def test_a_packed_file_broken_anyhow_adds_up_or_is_refused(case):
    assert attempted(case)[1] == []

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


def attempted(case: hostile.Case) -> str:
    """Ingest it in a folder of its own; what came of it: "admitted", or the message of the refusal."""
    home = Path(tempfile.mkdtemp(prefix="hostile-"))
    try:
        case.write(home)
        data = home / "data" / "acme"
        try:
            receipt = source.ingest(company.load("acme", home), home / "raw")
        except ToolkitError as refusal:
            said = str(refusal) + "".join(getattr(refusal, "__notes__", ()))
            assert [path for path in data.rglob("*") if path.name != ".lock"] == []
            assert CANARY not in said
            assert "raw" in said or ".sql" in said or any(table in said for table in case.selects)
            assert max(map(len, said.split("\n"))) < 1_500, said[:3_000]
            assert said.count("\n") < 30, said[:3_000]
            return said
        assert sorted(path.name for path in data.iterdir()) == sorted([".lock", "receipt.json", receipt.folder])
        assert CANARY not in (data / "receipt.json").read_text(encoding="utf-8")
        assert CANARY not in receipt.text()
        for name, table in receipt.tables.items():
            files = {kind: data / receipt.folder / kind / f"{name}.parquet" for kind in ("tables", "quarantine")}
            told = json.loads((data / "receipt.json").read_text(encoding="utf-8"))["tables"][name]
            gone = sum(table.quarantined.values()) + sum(table.cascade.values())
            assert table.adds_up
            assert told["kept"] == table.kept == pq.read_metadata(files["tables"]).num_rows
            assert pq.read_metadata(files["quarantine"]).num_rows == gone
            assert "comment" not in pq.read_schema(files["tables"]).names
        return "admitted"
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_the_corpus_is_large():
    assert len(CORPUS) >= 150


@pytest.mark.parametrize("name", CORPUS)
def test_a_broken_file_adds_up_or_is_refused(name):
    attempted(CORPUS[name])


@pytest.mark.slow
@settings(max_examples=2_400)
@given(hostile.cases)
def test_a_file_broken_anyhow_adds_up_or_is_refused(case):
    attempted(case)


@pytest.mark.slow
@settings(max_examples=600)
@given(hostile.packed)
def test_a_packed_file_broken_anyhow_adds_up_or_is_refused(case):
    attempted(case)

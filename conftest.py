"""Fixtures that several test files share."""

import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import settings

settings.register_profile("tandem", deadline=None, derandomize=True)
settings.load_profile("tandem")

ROOT = Path(__file__).parent
LONGEST = (
    "test_backends", "test_hostile_ingest", "test_sample_reports", "test_tutorial", "test_desk", "test_skeleton",
    "test_olist", "test_site", "test_runner", "test_crash", "test_hostile_company", "test_frames",
    "test_other_companies",
)  # fmt: skip
SHARED = ROOT.parent / "shared"


def pytest_collection_modifyitems(items):
    """The files that take longest first, so that no worker is left alone with one."""
    order = {name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Coverage is that of the quick tests: tracing the slow ones would nearly double what it takes to build queries."""
    plugin = item.config.pluginmanager.getplugin("_cov")
    traced = plugin.cov_controller if plugin and item.get_closest_marker("slow") else None
    if traced:
        traced.pause()
    try:
        return (yield)
    finally:
        if traced:
            traced.resume()


@pytest.fixture(autouse=True)
def _alone():
    """What a test sets for drawings of its process, or leaves open, ends with it."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        import matplotlib as mpl
        import matplotlib.pyplot as plt

        plt.close("all")
        mpl.rcdefaults()


def ingested(home: Path, size: str) -> SimpleNamespace:
    """The sample company with its files admitted under ``home``: company, truth, frames of a period, tables.

    ``frames(period, names)`` makes them once for a caller; ``tables()`` are those of the contract, as admitted.
    """
    import sample_company as sample
    from toolkit import company, frames, source

    if not (home / "params").exists():
        shutil.copytree(ROOT / "params", home / "params")
    found = company.load("sample", home)
    truth = sample.write(found.data / "raw", size=size)
    receipt = source.ingest(found, found.data / "raw")
    assert all(table.adds_up for table in receipt.tables.values())

    def made(period: str, names: list[str]) -> dict[str, pd.DataFrame]:
        kept = frames.materialise(found, found.period(period), names, found.data / "frames")
        return {name: frames.read(frame.path) for name, frame in kept.items()}

    def tables() -> dict[str, pd.DataFrame]:
        folder = found.data / json.loads((found.data / "receipt.json").read_text())["folder"] / "tables"
        return {path.stem: pq.read_table(path).to_pandas() for path in folder.glob("*.parquet")}

    return SimpleNamespace(company=found, truth=truth, frames=made, tables=tables)


@pytest.fixture(scope="session")
def tiny_sample(tmp_path_factory) -> SimpleNamespace:
    """See ``ingested``; no test changes it."""
    return ingested(tmp_path_factory.mktemp("tiny"), "tiny")


@pytest.fixture(scope="session")
def normal_sample(tmp_path_factory) -> SimpleNamespace:
    """See ``ingested``; no test changes it."""
    return ingested(tmp_path_factory.mktemp("normal"), "normal")


@pytest.fixture(scope="session")
def pack(tmp_path_factory) -> SimpleNamespace:
    """The tiny sample company with 2026Q3 archived: home, truth, revision. Tests add other periods and copies.

    For the site that ``make docs`` keeps it is the sample company in its normal size.
    """
    from toolkit import cli

    home = tmp_path_factory.mktemp("pack")
    for name in ("params", "notebooks", "docs"):
        shutil.copytree(ROOT / name, home / name)
    truth = ingested(home, "normal" if os.environ.get("SITE") else "tiny").truth
    assert cli.main(["--home", str(home), "run", "sample", "2026Q3"]) == 0
    return SimpleNamespace(home=home, truth=truth, revision=home / "reports" / "sample" / "2026Q3" / "r1")


@pytest.fixture
def table():
    """Read a DataFrame from a drawn table; a blank cell is missing."""

    def read(drawing, **dtypes):
        head, _, *rows = [line.strip() for line in drawing.strip().splitlines()]
        cells = [[cell.strip() or None for cell in row.split("|")] for row in rows]
        return pd.DataFrame(cells, columns=[c.strip() for c in head.split("|")]).astype(dtypes)

    return read

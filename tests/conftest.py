"""Fixtures that several test files share."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

settings.register_profile("tandem", deadline=None, derandomize=True)
settings.load_profile("tandem")

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture
def table():
    """Read a DataFrame from a drawn table; a blank cell is missing."""

    def read(drawing, **dtypes):
        head, _, *rows = [line.strip() for line in drawing.strip().splitlines()]
        cells = [[cell.strip() or None for cell in row.split("|")] for row in rows]
        return pd.DataFrame(cells, columns=[c.strip() for c in head.split("|")]).astype(dtypes)

    return read

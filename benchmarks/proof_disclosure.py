"""Do the published costs of any quarter of the sample company tell of a group that is too small? Three minutes.

Run ``python benchmarks/proof_disclosure.py`` from the project's folder after ``toolkit sample``. Costs of each quarter
are reported in a folder of its own; then, for each group of the publication grid with too few persons, the least and
the greatest orders and money that all its tables together leave open are solved for (``tests/disclosure.py``).
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import disclosure

from toolkit import company


def main() -> int:
    """Print a line a quarter, and each fault."""
    with tempfile.TemporaryDirectory() as place:
        home, here, worst = Path(place), Path.cwd(), 0
        for name in ("params", "docs", "notebooks"):
            shutil.copytree(here / name, home / name)
        (home / "data").symlink_to(here / "data")
        run = [
            Path(sys.executable).parent / "toolkit",
            "--home",
            home,
            "run",
            "sample",
            "--all",
            "--only",
            "cost_to_serve",
        ]
        subprocess.run(run, check=True, capture_output=True)
        found = company.load("sample", home)
        for folder in sorted((home / "reports" / "sample").glob("20*")):
            faults, attacked = disclosure.disclosed(found, folder.name, folder / "r1")
            worst = max(worst, len(faults))
            print(f"{folder.name}: {attacked} groups and measures, {len(faults)} told too closely", *faults, sep="\n  ")
    return int(worst > 0)


if __name__ == "__main__":
    sys.exit(main())

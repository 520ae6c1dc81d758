"""Do the published tables of any quarter of the sample company tell of a group that is too small?

Run ``python benchmarks/proof_disclosure.py`` from the project's folder after ``toolkit sample``. Each quarter is
reported in a folder of its own; then, for each group of the publication grid with too few persons, the least and the
greatest orders, money, answers and orders due that all its tables together leave open are solved for
(``tests/disclosure.py``).
"""

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import disclosure

from toolkit import company


def main() -> int:
    """Print a line a quarter, and each fault."""
    with tempfile.TemporaryDirectory() as place:
        home, here = Path(place), Path.cwd()
        for name in ("params", "docs", "notebooks"):
            shutil.copytree(here / name, home / name)
        (home / "data").symlink_to(here / "data")
        run = [Path(sys.executable).parent / "toolkit", "--home", home, "run", "sample", "--all"]
        subprocess.run(run, check=True, capture_output=True)
        found, told, attacked = company.load("sample", home), 0, Counter()
        for folder in sorted((home / "reports" / "sample").glob("20*")):
            faults, tried = disclosure.disclosed(found, folder.name, folder / "r1")
            attacked.update(tried)
            told += len(faults)
            print(f"{folder.name}: {sum(tried.values())} attacks, {len(faults)} told too closely", *faults, sep="\n  ")
        print(", ".join(f"{n} of {what}" for what, n in attacked.items()))
    return int(told > 0)


if __name__ == "__main__":
    sys.exit(main())

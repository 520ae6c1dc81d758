"""Run every benchmark, one after the other, and write what they print to ``benchmarks/RESULTS.md``.

Run ``python benchmarks/bench.py [NAME ...]`` from the project's folder, after ``toolkit sample``; all of them take more
than an hour. With names only these are run, and what the file says of the others stays.
"""

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
ALL = {  # name, script, its arguments
    "start": ["start"],
    "pack": ["pack"],
    "features": ["features", "--lines", "50", "--rounds", "2"],
    "growth": ["features", "--lines", "0.1", "10", "30", "100", "--only", "ours"],
    "costing": ["costing"],
    "replay": ["replay"],
    "standards": ["standards"],
    "nps_bootstrap": ["nps_bootstrap"],
    "ordered_logit": ["ordered_logit"],
    "importance": ["importance"],
    "lifestyles": ["lifestyles"],
    "lifetime": ["lifetime"],
}
VERSIONS = ["duckdb", "ibis-framework", "pandas", "numpy", "scikit-learn", "statsmodels", "papermill", "nbconvert"]


def machine() -> str:
    """Cores, memory, load and versions that a figure was measured with."""
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in VERSIONS)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {commit or 'no commit'}: {os.cpu_count()} cores, {gib:.0f} GiB, "
        f"{platform.system()}, load {os.getloadavg()[0]:.1f} as it began; Python {platform.python_version()}, "
        f"{versions}."
    )


def main(names: list[str]) -> None:
    """Run the scripts and write the file after each."""
    path = HERE / "RESULTS.md"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    parts = re.split(r"^## (\w+)\n", before, flags=re.MULTILINE)
    told = dict(zip(parts[1::2], parts[2::2], strict=True))
    for name in names or ALL:
        at = machine()
        script, *more = ALL[name]
        script = HERE / f"{script}.py"
        run = subprocess.run([sys.executable, "-W", "ignore", script, *more], capture_output=True, text=True)
        said = run.stdout.strip() if run.returncode == 0 else f"Failed: {run.stderr.strip().splitlines()[-1]}"
        asks = (script.read_text(encoding="utf-8").split('"""')[1]).splitlines()[0]
        said = said if "|---" in said else f"```\n{said}\n```"
        told[name] = f"\n{asks} (`{' '.join([f'benchmarks/{script.name}', *more])}`)\n\n{said}\n\n{at}\n\n"
        text = "".join(f"## {name}\n{told[name]}" for name in ALL if name in told)
        head = (
            "# Benchmarks\n\nWhat `make bench` printed: each claim beside its peer in the same run. Read the ratios: "
            "seconds are of this machine.\n\n"
        )
        path.write_text(head + text.rstrip("\n") + "\n", encoding="utf-8")
        print(f"{name}: {'measured' if run.returncode == 0 else 'failed'}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

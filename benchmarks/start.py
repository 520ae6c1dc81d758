"""How soon does the command line answer, and what does ``import toolkit`` add to importing pandas?

Run ``python benchmarks/start.py [rounds]`` from the project's folder; a minute. Pairs take turns, each in a process of
its own; medians.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "toolkit --help": [BIN / "toolkit", "--help"],
    "toolkit run nobody (refused)": [BIN / "toolkit", "run", "nobody"],
    "import pandas": [sys.executable, "-c", "import pandas"],
    "import pandas, toolkit": [sys.executable, "-c", "import pandas, toolkit"],
}


def main(rounds: int) -> None:
    """Take turns, and print a table."""
    took: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, capture_output=True)
            took[name].append(time.perf_counter() - start)
    print("| process | median | spread |\n|---|---|---|")
    for name, seconds in took.items():
        print(f"| `{name}` | {statistics.median(seconds):.3f} s | {min(seconds):.3f} to {max(seconds):.3f} s |")
    added = [
        both / alone - 1 for both, alone in zip(took["import pandas, toolkit"], took["import pandas"], strict=True)
    ]
    print(f"\n`import toolkit` adds {100 * statistics.median(added):.1f} % to importing pandas (median of pairs).")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)

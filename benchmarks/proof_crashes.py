"""Does a run that is ended at every system call of its way into the archive leave it whole? Half an hour; needs strace.

Run ``python benchmarks/proof_crashes.py`` from the project's folder. Every open, write, fsync, rename and mkdir of a
run that archives a second revision: killed there, or failing from there on as on a full or a broken disk; and forty
random instants of a run with its kernels. What is held to be true after it and after the next run stands in
``tests/crashing.py``.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from test_crash import STEPS, crashing, scanned

wrong = 0
with tempfile.TemporaryDirectory() as home, crashing(Path(home)) as ask:
    for error in ("", "ENOSPC", "EIO"):
        for call in STEPS:
            if error and call == "open":
                continue  # what cannot be opened at all, Python cannot even import
            begun = time.perf_counter()
            found = scanned(ask, call, 1, **({"error": error} if error else {}))
            faults = [told for told in found if told["wrong"]]
            wrong += len(faults)
            ends = Counter(told["code"] for told in found)
            how = f"{error} from there on" if error else "killed"
            print(
                f"{call}, {how}: {len(found) - 1} points, ends {dict(ends)}, whole revision after"
                f" {sum(told['revision'] for told in found)}, {len(faults)} wrong, {time.perf_counter() - begun:.0f} s",
                flush=True,
            )
            for told in faults[:5]:
                print(f"    {told}")
with tempfile.TemporaryDirectory() as home, crashing(Path(home), "kernels") as ask:
    chance, begun = random.Random(8), time.perf_counter()
    whole = ask()
    seconds = time.perf_counter() - begun
    found = [ask(after=chance.uniform(0, seconds / 2)) for _ in range(40)]  # a run and the next, which does nothing
    faults = [told for told in found if told["wrong"]]
    ends, done = Counter(told["code"] for told in found), sum(told["revision"] for told in found)
    print(f"40 instants of {seconds / 2:.1f} s with kernels: ends {dict(ends)}, revision {done}, {len(faults)} wrong")
    for told in faults[:5]:
        print(f"    {told}")
sys.exit(wrong + len(faults) > 0)

"""Does every broken raw file end in a receipt that adds up, or in a refusal? 20,000 drawn cases; half an hour.

Run ``python benchmarks/proof_hostile.py [cases] [seed]`` from the project's folder. The cases are those of
``tests/hostile.py``, four in five of them CSV, drawn by Hypothesis; a case that ends otherwise is shrunk and told.
"""

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import hostile
from hypothesis import given, seed, settings
from hypothesis.strategies import SearchStrategy
from test_hostile_ingest import attempted


def fuzzed(drawn: SearchStrategy, count: int, begin: int) -> Counter[str]:
    """Draw so many cases, and what came of them."""
    ended: Counter[str] = Counter()

    @seed(begin)
    @settings(max_examples=count, deadline=None, database=None, derandomize=False)
    @given(drawn)
    def fuzz(case: hostile.Case) -> None:
        how, wrong = attempted(case)
        assert wrong == []
        ended[how] += 1

    fuzz()
    return ended


def main(count: int, begin: int) -> None:
    """Print a line for each kind of file."""
    for name, drawn, part in (("CSV", hostile.cases, 0.8), ("packed", hostile.packed, 0.2)):
        ended = fuzzed(drawn, round(count * part), begin)
        print(f"{name}, seed {begin}: {ended.total():,} cases, {ended['admitted']:,} admitted, the others refused")


if __name__ == "__main__":
    main(*(int(argument) for argument in (sys.argv[1:] + ["20000", "1"][len(sys.argv) - 1 :])))

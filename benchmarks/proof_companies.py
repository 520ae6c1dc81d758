"""Do score and causes come back from five whole companies? Each is made, taken in and framed; run by ``make proof``.

Four quarters of each sample company of normal size are pooled. Of each: the weighted score against that of all invited;
the effect on those who met a failure against what its answers would have been; the late share that the planted
decision moved; and the score again where answering depends on the score itself, which weights cannot mend.
"""

import sys
import tempfile
from pathlib import Path

import pandas as pd

import sample_company as sample
from toolkit import company, frames, satisfaction, source

ROOT = Path(__file__).parents[1]
SEEDS, QUARTERS = (11, 12, 13, 14, 15), ("2025Q3", "2025Q4", "2026Q1", "2026Q2")


def points(score: pd.Series) -> pd.Series:
    return 100.0 * (score >= 9) - 100.0 * (score <= 6)


def world(seed: int, nonresponse: str, home: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, sample.Truth]:
    """Invitations of four quarters, declared causes, orders around the decision; the truth."""
    (home / "params").symlink_to(ROOT / "params")
    found = company.load("sample", home)
    truth = sample.write(found.data / "raw", size="normal", seed=seed, nonresponse=nonresponse)
    source.ingest(found, found.data / "raw")
    asked = []
    for name in QUARTERS:
        kept = frames.materialise(found, found.period(name), ["invitations", "causes", "decided"], found.data / "f")
        asked.append(frames.read(kept["invitations"].path))
        if name == "2026Q1":
            decided = frames.read(kept["decided"].path)
    return pd.concat(asked, ignore_index=True), frames.read(kept["causes"].path), decided, truth


def main() -> None:
    """Print a line a company and question."""
    good = True
    for seed in SEEDS:
        for nonresponse in ("history", "score"):
            with tempfile.TemporaryDirectory() as folder:
                asked, causes, decided, truth = world(seed, nonresponse, Path(folder))
            chosen = satisfaction.weighted(satisfaction.scored(asked))
            known = chosen[["order_id", "weight", "value"]].merge(truth.potential, on="order_id")
            score = satisfaction.silence(chosen, reference=0.0)["nps"]
            invited = points(known["score"]).mean()
            off = score.iloc[1] - invited
            print(f"{seed} {nonresponse}: invited {invited:.1f}, as they came {score.iloc[0]:.1f}, weighted {off:+.1f}")
            if nonresponse == "score":
                good &= abs(off) > 2
                continue
            good &= abs(off) <= 2
            effects = satisfaction.cause(chosen, asked, causes, min_n=10).set_index(["failure", "estimand"])
            known = known[known["value"].notna()]
            for failure, met, without in (
                (satisfaction.LATE, known["days_late"] > 0, "score_on_time"),
                ("short", known["fill"] < 1, "score_complete"),
                ("damaged", known["damaged"], "score_undamaged"),
            ):
                moved = (points(known["score"]) - points(known[without]))[met]
                true = (moved * known["weight"][met]).sum() / known["weight"][met].sum()
                row = effects.loc[(failure, "ATT")]
                inside = row["effect_low"] <= true <= row["effect_high"]
                near = row["effect_low"] - 3 <= true <= row["effect_high"] + 3
                good &= near
                print(
                    f"  {failure}: true {true:.1f}, found {row['effect']:.1f} ({row['effect_low']:.1f} to "
                    f"{row['effect_high']:.1f}){'' if inside else ', not covered'}"
                )
            late = satisfaction.decided(decided, star_map="five_promotes", min_n=10).iloc[0]
            true = 100 * truth.decision["effect"]
            good &= late["verdict"] == "settled" and late["effect_low"] - 2 <= true <= late["effect_high"] + 2
            print(
                f"  decision: true {true:.1f} per cent late over all its orders, found {late['effect']:.1f} "
                f"({late['effect_low']:.1f} to {late['effect_high']:.1f}), {late['verdict']}"
            )
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()

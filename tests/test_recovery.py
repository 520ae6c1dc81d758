"""Do score, exposure and failure effects come back as they were planted in the sample company of normal size?"""

import pandas as pd
import pytest

from conftest import ROOT
from toolkit import company, satisfaction

pytestmark = pytest.mark.slow

QUARTERS = ("2025Q3", "2025Q4", "2026Q1", "2026Q2")
TYPE = {"city households": "consumer", "families": "consumer", "small businesses": "business", "caterers": "business"}
TYPE |= {"export wholesalers": "wholesale"}


@pytest.fixture(scope="module")
def world(normal_sample):
    """Answers of four quarters as frames give them; what every promised order would have answered."""
    found, truth = normal_sample.company, normal_sample.truth
    asked, chosen, potential = [], [], []
    for name in QUARTERS:
        period = found.period(name)
        asked.append(normal_sample.frames(name, ["invitations"])["invitations"])
        chosen.append(satisfaction.scored(asked[-1]))
        invited = truth.potential["invited_at"]
        potential.append(truth.potential[(invited >= period.start) & (invited < period.end)])
    chosen, potential, asked = (pd.concat(parts, ignore_index=True) for parts in (chosen, potential, asked))
    return chosen, potential, asked


def _points(scores):
    return 100 * ((scores >= 9).astype(int) - (scores <= 6).astype(int))


def test_scores_by_segment_are_those_of_everybody_who_was_promised_something(world):
    chosen, potential, _ = world
    truth = _points(potential["score"]).groupby(potential["group"].astype(str).map(TYPE)).mean()
    found = satisfaction.nps(chosen, by=["segment"]).set_index("segment")
    # 15 % were asked and 35 % of them answered, more often who ordered more and was late less: not a fair sample, so
    # two points are granted beside two standard errors (1.7 business, 1.3 consumer, 4 wholesale).
    for segment, tolerance in (("business", 2 * 1.7 + 2), ("consumer", 2 * 1.3 + 2), ("wholesale", 2 * 4 + 2)):
        assert found.loc[segment, "nps"] == pytest.approx(truth[segment], abs=tolerance), segment


def test_every_answer_is_the_planted_one_and_every_exposure_what_was_known(world):
    chosen, potential, _ = world
    answers = chosen.dropna(subset=["score"]).merge(potential, on="order_id", suffixes=("", "_true"))
    assert len(answers) > 6_000
    assert (answers["score"] == answers["score_true"]).all()
    waiting = answers["exposure"].isin(["overdue", "not_due"])
    # 1 in 500 of the arrivals was soiled and emptied on entry: such an order looks as if it had not come
    assert (waiting != ~answers["arrived"]).mean() < 0.004
    late = answers["exposure"].isin(["late", "overdue"])
    assert (late != (answers["days_late"] > 0)).mean() < 0.004
    assert set(chosen["exposure"]) == {"in_time", "late", "overdue"}  # no answer is unmatched


def test_effects_of_failures_come_back_in_points(world):
    chosen, potential, _ = world
    asked = chosen.dropna(subset=["score"])[["order_id"]].merge(potential, on="order_id")
    found = satisfaction.failures(chosen, min_n=10).set_index("failure")
    causes = {
        satisfaction.LATE: (asked["days_late"] > 0, asked["score_on_time"]),
        "short": (asked["fill"] < 1, asked["score_complete"]),
        "damaged": (asked["damaged"], asked["score_undamaged"]),
    }
    # Standard errors are 3.3 points (late), 2.9 (short), 4.3 (damaged). Two of them are granted, and what the model
    # cannot know, the groups behind a type: where a whole small order is missing it hurts most, and fragile goods are
    # bought by groups that are easier to please and mind damage more. That hides a few points of what shortage does
    # and about ten of what damage does, until a report adjusts for what was bought.
    tolerances = {satisfaction.LATE: 2 * 3.3 + 1, "short": 2 * 2.9 + 4, "damaged": 2 * 4.3 + 10}
    for cause, tolerance in tolerances.items():
        met, without = causes[cause]
        truth = (_points(asked["score"]) - _points(without))[met].mean()
        assert truth < -40
        assert found.loc[cause, "effect"] == pytest.approx(truth, abs=tolerance), cause
        assert found.loc[cause, "effect_high"] < -20


def test_weights_bring_back_the_score_of_all_who_were_invited(world):
    chosen, potential, _ = world
    truth = _points(chosen[["order_id"]].merge(potential, on="order_id")["score"]).mean()
    found = satisfaction.silence(satisfaction.weighted(chosen), reference=0.0).set_index("what")
    plain, weighted = found.loc["answers as they came"], found.loc["weighted for who answered"]
    assert weighted["nps"] == pytest.approx(truth, abs=2)
    assert weighted["nps_low"] < truth < weighted["nps_high"]
    assert 0.6 < weighted["representativity"] < 0.95  # who answers differs from who is asked
    assert weighted["n_effective"] < plain["n"]


def test_declared_causes_come_back_as_effects_on_those_who_met_them(world):
    chosen, potential, asked = world
    declared = company.load("sample", ROOT).settings.causes
    causes = pd.DataFrame(
        [
            {"treatment": one.treatment, "covariate": name, "control_item": one.control_item, "declared_later": False}
            for one in declared
            for name in one.covariates
        ]
    )
    weighed = satisfaction.weighted(chosen)
    found = satisfaction.cause(weighed, asked, causes, min_n=10).set_index(["failure", "estimand"])
    known = weighed.dropna(subset=["score"])[["order_id", "weight"]].merge(potential, on="order_id")
    for cause, met, without in (
        (satisfaction.LATE, known["days_late"] > 0, known["score_on_time"]),
        ("short", known["fill"] < 1, known["score_complete"]),
        ("damaged", known["damaged"], known["score_undamaged"]),
    ):
        moved = (_points(known["score"]) - _points(without))[met]
        truth = (moved * known["weight"][met]).sum() / known["weight"][met].sum()
        row = found.loc[(cause, "ATT")]
        # its own interval, and three points for what no column names: the groups behind a type
        assert row["effect_low"] - 3 < truth < row["effect_high"] + 3, cause
        assert row["effect_high"] < -15, cause
    control = found.loc[(satisfaction.LATE, "ATT on product")]
    assert control["effect_low"] < 0 < control["effect_high"]

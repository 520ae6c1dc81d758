"""Does the replay give the sample company's quarters back, and the planted decision what it showed afterwards?"""

from functools import cache, partial

import numpy as np
import pandas as pd
import pytest

from toolkit import cost, replay, satisfaction, strategy

pytestmark = pytest.mark.slow
NAMES = ["sent_orders", "sent_work", "delays", "freight_moments", "failure_work", "policies", "invitations", "promises"]
NAMES += ["earlier_invitations", "ledger", "support", "capacity", "work", "give_or_take", "decided"]


@pytest.fixture(scope="module")
def told(normal_sample):
    """Frames of a period, made when they are asked for; and the truth."""
    return cache(partial(normal_sample.frames, names=NAMES)), normal_sample.truth


def _rates(of):
    return cost.rates(cost.pool_costs(cost.passed_on(of["ledger"], of["support"]), of["capacity"], of["work"]))


def _study(of, policies, *, before: bool, answered=()):
    now, earlier = (satisfaction.scored(of[name]) for name in ("invitations", "earlier_invitations"))
    answers = earlier if before else pd.concat([earlier, now], ignore_index=True)
    model = replay.learned(of["delays"], of["freight_moments"], of["failure_work"], answers, before=before)
    return strategy.study(
        of["sent_orders"], of["sent_work"], model, policies, rates=_rates(of), draws=200, rng=np.random.default_rng(1),
        per_shipment=replay.of_all(of["policies"], "per_shipment"), give_or_take=of["give_or_take"], answered=answered,
    )  # fmt: skip


@pytest.mark.parametrize("period", ["2025Q2", "2026Q1", "2026Q2", "2026Q3"])
def test_today_replayed_from_earlier_periods_gives_what_was_observed(told, period):
    of = told[0](period)
    now = satisfaction.scored(of["invitations"])
    answered = now["order_id"][now["value"].notna()]
    found = _study(of, [replay.Policy()], before=True, answered=answered)
    seen = strategy.observed(of["sent_orders"], of["sent_work"], of["failure_work"], now, rates=_rates(of))
    valid = strategy.validity(found.runs, seen)
    assert len(valid) == 21  # four measures of four segments and of all, and cost
    assert valid["passed"].all()
    money = valid[valid["measure"] == "cost"].iloc[0]
    assert abs(money["replayed"] / money["observed"] - 1) < 0.02


def test_a_quarter_unlike_those_before_it_is_not_trusted(told):
    """2025Q4 had a month of planted trouble on top of advent: the bands of calmer weeks do not hold it."""
    of = told[0]("2025Q4")
    found = _study(of, [replay.Policy()], before=True)
    seen = strategy.observed(
        of["sent_orders"], of["sent_work"], of["failure_work"], satisfaction.scored(of["invitations"]), rates=_rates(of)
    )
    assert not strategy.validity(found.runs, seen)["passed"].all()


def test_the_planted_decision_was_foretold(told):
    """Learned in its first quarter, the other carrier takes from lateness what the truth and later quarters show."""
    of, truth = told[0]("2026Q1"), told[1]
    there = {"region": (truth.decision["region"],)}
    moved = {"carrier": {truth.decision["carrier_before"]: truth.decision["carrier_after"]}}
    found = _study(of, [replay.Policy(), replay.Policy("the other carrier", there, moved)], before=False)
    sums = found.runs.groupby(["draw", "policy"])[["on_time", "touched"]].sum()
    now, then = sums.xs("today", level="policy"), sums.xs("the other carrier", level="policy")
    change = -(then["on_time"] - now["on_time"]) / then["touched"]
    low, high = change.quantile([0.025, 0.975])
    assert high < 0
    assert low < truth.decision["effect"] < high
    for period in ("2026Q2", "2026Q3"):
        shown = strategy_effect(told[0](period)["decided"])
        assert low < shown < high, period


def strategy_effect(decided: pd.DataFrame) -> float:
    """Late where the decision holds, after less before, less the same elsewhere."""
    rows = decided[decided["span"].isin(["before", "after"])]
    late = rows.groupby(["inside", "span"])["late"].mean()
    return (late[True, "after"] - late[True, "before"]) - (late[False, "after"] - late[False, "before"])

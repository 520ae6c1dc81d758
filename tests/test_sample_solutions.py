"""Are the sample company's planted needs found behind the four request types, and its planted standards recovered?"""

from functools import cache, partial

import numpy as np
import pandas as pd
import pytest

import sample_company as sample
from toolkit import agreements, cost, frames
from toolkit.company import pseudonym

pytestmark = pytest.mark.slow
NAMES = ["agreed_terms", "requests", "request_evidence", "agreed_orders", "agreed_work", "needs", "ledger", "support"]
NAMES += ["capacity", "work"]
PERIODS = ["2025Q2", "2025Q4", "2026Q3"]


@pytest.fixture(scope="module")
def told(normal_sample):
    """Frames of a period, made when they are asked for; the need of each customer by pseudonym; the truth."""
    found, truth = normal_sample.company, normal_sample.truth
    own, again = found.pseudonym_key(), frames._key(found)
    need = truth.customer_need.rename(index=lambda name: pseudonym(pseudonym(name, own), again))
    return cache(partial(normal_sample.frames, names=NAMES)), need, truth


@pytest.mark.parametrize("period", PERIODS)
def test_both_needs_are_found_behind_the_four_request_types(told, period):
    of, need, _ = told[0](period), told[1], told[2]
    settled = agreements.settle(of["requests"], of["request_evidence"], of["needs"])
    known = settled[settled["need"] != ""]
    assert len(known) > 300
    assert set(known["request_type"]) == set(sample.life.REQUEST_TYPES)
    right = known["need"] == known["customer_id"].map(need)
    assert right.mean() > 0.95
    assert agreements.needs_found(settled, min_n=10) == ["predictable arrival", "smaller stock"]
    behind = agreements.needs_behind(settled, min_n=10)
    behind = behind[behind["need"] != "(not settled)"].sort_values("n").groupby("request_type")["need"].last()
    planted = pd.crosstab(settled["customer_id"].map(need), settled["request_type"])
    assert behind.to_dict() == planted.idxmax().to_dict()


@pytest.mark.parametrize("period", PERIODS)
def test_the_planted_standard_set_is_recovered(told, period):
    of, _, truth = told[0](period), told[1], told[2]
    needs = of["needs"]
    terms = agreements.meant(of["agreed_terms"], needs)
    held = agreements.held(terms[terms["ago"] == 0], needs)
    found = agreements.standard_set(held, needs, wanted=2)
    assert (found.curve["gap"] == 0).all()
    places = found.places[list(found.chosen[found.recommended])]
    recovered = {tuple(name for name, value in zip(held.terms, place, strict=True) if value) for place in places}
    assert recovered == set(truth.standards.values())
    covers = agreements.covered(held, found, needs)
    by_terms = {
        tuple(name for name, value in zip(held.terms, place, strict=True) if value): covers[number]
        for number, place in enumerate(places, start=1)
    }
    assert by_terms == {terms: [need] for need, terms in truth.standards.items()}
    assert agreements.solutions(needs, ["predictable arrival", "smaller stock"]).cost == 2_300_000


@pytest.mark.parametrize("period", PERIODS)
def test_variety_costs_nothing_in_the_sample_company_and_is_not_settled(told, period):
    """No term takes any work or freight in it: the true cost of a deviation is 0."""
    of = told[0](period)
    needs = of["needs"]
    terms = agreements.meant(of["agreed_terms"], needs)
    held = agreements.held(terms[terms["ago"] == 0], needs)
    rates = cost.rates(cost.pool_costs(cost.passed_on(of["ledger"], of["support"]), of["capacity"], of["work"]))
    orders = agreements.costed(of["agreed_orders"], of["agreed_work"], held, rates=rates)
    found = agreements.cost_of_variety(orders, min_n=10).set_index("outcome")
    assert not found["settled"].any()
    assert found.loc["cost", "alike_low"] < 0 < found.loc["cost", "alike_high"]
    assert found.loc["cost", "alike_high"] - found.loc["cost", "alike_low"] < 25  # cents an order: it would be seen
    by_term = agreements.cost_of_terms(orders, min_n=10)
    assert len(by_term) == 5
    assert ((by_term["cost_low"] < 0) & (by_term["cost_high"] > 0)).all()
    freight = orders["freight"].to_numpy("float64")
    work = of["agreed_work"]
    cents = float((work["seconds"].astype("float64") * work["pool"].map(rates)).sum())
    under = orders["agreement_id"].notna()
    assert np.isclose(orders["cost"].sum(), freight.sum() + cents, rtol=0.02)  # but for agreements that ended within
    assert 0.3 < under.mean() < 0.7

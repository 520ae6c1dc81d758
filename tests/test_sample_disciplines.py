"""Are the sample company's discipline and failed floor of each segment named, as its mechanism has them?"""

from functools import cache, partial

import numpy as np
import pandas as pd
import pytest

from toolkit import agreements, cost, disciplines, satisfaction

pytestmark = pytest.mark.slow
NAMES = [
    "agreed_terms",
    "agreed_orders",
    "needs",
    "orders",
    "work",
    "capacity",
    "ledger",
    "support",
    "freight",
    "handling",
]
NAMES += [
    "order_service",
    "invitations",
    "campaign_reach",
    "segments",
    "customers_before",
    "breadth",
    "wishes",
    "novelty",
]
NAMES += ["contacts", "floors", "disciplines", "intended", "felt_rules"]
PERIODS = ["2025Q3", "2025Q4", "2026Q3"]


@pytest.fixture(scope="module")
def told(normal_sample):
    """Frames of a period, made when they are asked for; and the truth."""
    return cache(partial(normal_sample.frames, names=NAMES)), normal_sample.truth


@pytest.mark.parametrize("period", PERIODS)
def test_the_floor_that_each_segment_fails_is_named_and_no_other(told, period):
    of, truth = told[0](period), told[1]
    found = disciplines.thresholds(of["floors"], of, min_n=10)
    failed = found[found["verdict"] == "failed"].groupby("segment")["measure"].agg(tuple).to_dict()
    planted = {segment: (floor,) for segment, (_, floor) in truth.disciplines.items() if floor}
    assert failed == planted


def test_the_planted_floors_fail_in_truth(told):
    """By the orders' true fate in all quarters: business on time, by the share of late orders; others keep theirs."""
    truth = told[1]
    kinds = {"city households": "consumer", "families": "consumer", "small businesses": "business",
             "caterers": "business", "export wholesalers": "wholesale"}  # fmt: skip
    late = truth.potential.groupby(truth.potential["group"].astype("str").map(kinds))["late"].mean()
    floors = told[0]("2026Q3")["floors"]
    wanted = floors[floors["measure"] == "on_time"].set_index("segment")["at_least"]
    assert (1 - late["business"]) < wanted["business"] - 0.01
    assert (1 - late["consumer"]) > wanted["consumer"] + 0.01
    assert (1 - late["wholesale"]) > wanted["wholesale"] + 0.01


@pytest.mark.parametrize("period", PERIODS)
def test_the_planted_discipline_of_each_segment_is_named(told, period):
    of, truth = told[0](period), told[1]
    kept = of["orders"][~of["orders"]["cancelled"]]
    terms = agreements.meant(of["agreed_terms"], of["needs"])
    terms = terms[terms["ago"] == 0]
    held = agreements.held(terms, of["needs"])
    orders = cost.assumed_handling(kept, of["handling"])
    pools = cost.pool_costs(cost.passed_on(of["ledger"], of["support"]), of["capacity"], of["work"])
    costed, _ = cost.charge_work(of["work"], pools)
    sent = cost.charged_freight(orders, of["freight"], of["ledger"])
    parts = ((costed, "cost"), (sent, "freight"), (orders, "handling"))
    served = [rows[["customer_id", "segment", "channel"]].assign(cost=rows[name]) for rows, name in parts]
    names = of | {"orders": kept, "served": pd.concat(served), "answers": satisfaction.scored(of["invitations"])}
    rows = disciplines.contributions(names, agreements.tailored(kept, of["agreed_orders"], held))
    floors = disciplines.thresholds(of["floors"], of, min_n=10)
    found = disciplines.position(
        rows, of["disciplines"], of["intended"], floors, min_n=10, rng=np.random.default_rng(1)
    ).leads.set_index("segment")  # fmt: skip
    planted = {segment: lead for segment, (lead, _) in truth.disciplines.items()}
    for segment, lead in planted.items():
        if lead:
            assert found.loc[segment, "discipline"] == lead
            assert found.loc[segment, "settled"]
            assert found.loc[segment, "held"] > 0.9
        else:
            assert found.loc[segment, "held"] < 0.9  # two groups in one, led in neither
    assert found.loc["consumer", "verdict"] == "leads"
    assert (found.loc[["business", "wholesale"], "verdict"] == "a floor fails").all()
    per_order = sum(part["cost"].sum() for part in served)
    added = rows[rows["measure"] == "cost_per_order"]
    assert added["numerator"].sum() <= per_order
    assert added["numerator"].sum() > 0.9 * per_order  # but for who refused profiling


@pytest.mark.parametrize("period", PERIODS)
def test_who_is_served_in_person_says_so_more_often(told, period):
    """Caterers and wholesalers feel 1.2 points more of it, and hold most of the agreements."""
    of = told[0](period)
    terms = agreements.meant(of["agreed_terms"], of["needs"])
    who = set(terms.loc[(terms["ago"] == 0) & (terms["weight"] > 0), "customer_id"])
    found = disciplines.felt(of["invitations"], who, item="felt_personal", at_least=0.5, min_n=10)
    share = found.set_index(["segment", "design"])["felt_share"]
    assert share["business", "tailored"] > share["business", "standard"] + 0.1
    assert found.set_index(["segment", "design"]).loc[("consumer", "standard"), "field"] == "standard, felt personal"

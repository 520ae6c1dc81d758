"""Does the segment profile give the sample company's planted groups, wishes, uplift and future back?"""

import hashlib

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from toolkit import company, cost, demand, levers, lifestyles, lifetime, segments

pytestmark = pytest.mark.slow
PERIOD, MIN_N = "2026Q3", 10


@pytest.fixture(scope="module")
def told(normal_sample):
    """Frames of the sample company of normal size, its truth, and pseudonyms of its customers."""
    found, truth = normal_sample.company, normal_sample.truth
    names = ["tastes", "tastes_before", "wishes", "campaign_reach", "lifetimes", "stock_spans", "accounts", "segments"]
    names += ["order_service", "product_mix", "orders", "handling", "ledger", "capacity", "support", "work", "freight"]
    names += ["work_kinds", "freight_kinds", "work_units", "standards"]
    key = hashlib.sha256(b"frames" + found.pseudonym_key()).digest()

    def pseudonym(customer: str) -> str:
        return company.pseudonym(company.pseudonym(customer, found.pseudonym_key()), key)

    groups = truth.customer_group.rename(index=pseudonym)
    return normal_sample.frames(PERIOD, names), truth, groups, found.period(PERIOD)


@pytest.fixture(scope="module")
def fitted(told):
    return lifestyles.lifestyles(told[0]["tastes"], seed=20260930)


def test_planted_groups_are_the_clusters(told, fitted):
    """Those who were drawn alike are found alike: adjusted Rand index of 0.8 or more, all of it in stable clusters."""
    members, fit = fitted
    groups = told[2].loc[members["customer_id"]]
    assert adjusted_rand_score(groups, members["cluster"]) >= 0.8
    assert fit.n_clusters_ >= 4
    assert fit.jaccard_.min() >= 0.75


def test_nobody_moved_beyond_noise_as_nobody_was_planted_to(told, fitted):
    members, fit = fitted
    found = lifestyles.clusters(members, fit, told[0]["tastes"], min_n=MIN_N)
    moved = lifestyles.migration(fit, told[0]["tastes"], told[0]["tastes_before"], found, min_n=MIN_N)[1]
    assert moved["n"] > 5000
    assert abs(moved["beyond"]) < 0.01
    assert moved["alike"] > 0.97


def test_planted_wishes_are_inside_their_intervals(told):
    found = demand.wanted(told[0]["wishes"], days=92, min_n=MIN_N).set_index("item")
    for term in ("oat cream", "refill soap"):  # never ranged: every wish is unmet
        row, planted = found.loc[term], told[1].wishes_per_day[term]
        assert row["per_day_low"] <= planted <= row["per_day_high"]
        assert row["per_day"] == pytest.approx(planted, rel=0.25)


def test_planted_uplift_is_inside_its_interval(told):
    found = segments.uplift(told[0]["campaign_reach"], by="campaign_id", min_n=MIN_N)
    assert len(found) >= 2
    for row in found.itertuples():
        assert row.uplift_low <= told[1].campaign_uplift[row.group] <= row.uplift_high
        assert row.uplift_high - row.uplift_low < 400


def test_what_ran_out_is_inside_its_interval(told):
    frames_of, truth, _, period = told
    spans = frames_of["stock_spans"]
    found = demand.demand_by_group(spans.assign(cluster=spans["site_id"] + spans["product_id"]), by=[]).iloc[0]
    day = pd.to_datetime(truth.missed["day"]).dt.date
    inside = (day >= period.start.date()) & (day < period.end.date())
    assert found["lost_low"] <= truth.missed.loc[inside, "pieces"].sum() <= found["lost_high"]
    assert found["lost_low"] > 0


def test_a_year_held_out_is_foretold(told):
    """52 weeks of calibration, 52 held out: the total inside its 95 % interval and within 10 %."""
    margins = pd.DataFrame({"segment": ["consumer"], "net_revenue": [1], "margin": [0]})
    test, ahead, why = lifetime.customer_value(told[0]["lifetimes"], margins, min_n=MIN_N)
    row = test.set_index("segment").loc["(all)"]
    assert row["expected_low"] <= row["actual"] <= row["expected_high"]
    assert abs(row["error_share"]) <= 0.1
    assert why == ""
    assert ahead["expected"].iloc[-1] > 100_000


# -- degenerate input: no number that is not one, and no fault -----------------------------------------


def _everything(given: dict[str, pd.DataFrame]) -> dict:
    """What the notebook works out of these frames."""
    members, fit = lifestyles.lifestyles(given["tastes"], seed=1)
    found = lifestyles.clusters(members, fit, given["tastes"], min_n=MIN_N)
    lifestyles.forced(given["tastes"], fit, n_clusters=16, seed=1)
    moved = lifestyles.migration(fit, given["tastes"], given["tastes_before"], found, min_n=MIN_N)[1]
    margins = pd.DataFrame({"segment": ["consumer"], "net_revenue": [100], "margin": [10]})
    test, ahead, why = lifetime.customer_value(given["lifetimes"], margins, min_n=MIN_N)
    kept = lifetime.account_value(given["accounts"], margins, min_n=MIN_N, discount=0.1)
    asked = demand.outcomes(given["wishes"], by=["category"], min_n=MIN_N)
    wanted = demand.wanted(given["wishes"], days=92, min_n=MIN_N)
    effects = segments.uplift(given["campaign_reach"], by="campaign_id", min_n=MIN_N)
    scored = segments.rfm(given["segments"])
    groups = segments.rfm_table(scored, min_n=MIN_N)
    lifts = segments.preferences(given["product_mix"], min_n=MIN_N, rng=np.random.default_rng(1))
    todo = segments.what_to_do(
        given["order_service"], given["accounts"], given["wishes"], given["campaign_reach"], lifts, days=92, min_n=MIN_N
    )
    k = 0 if fit is None else fit.n_clusters_
    told = {"k": k, "moved": moved, "test": test, "ahead": ahead, "why": why, "kept": kept, "asked": asked}
    return told | {"wanted": wanted, "effects": effects, "groups": groups, "todo": todo}


def _of(given: dict[str, pd.DataFrame], people: set) -> dict[str, pd.DataFrame]:
    who = {name: "person" if "person" in rows else "customer_id" for name, rows in given.items()}
    return {name: rows[rows[who[name]].isin(people)] if who[name] in rows else rows for name, rows in given.items()}


@pytest.mark.parametrize("n", [0, 1, 12], ids=["nobody", "one customer", "fewer customers than clusters"])
def test_few_customers_have_no_clusters_no_value_and_no_advice(told, n):
    people = set(told[0]["tastes"]["customer_id"].drop_duplicates().head(n))
    found = _everything(_of(told[0], people))
    assert found["k"] <= 1
    assert found["ahead"].empty
    assert found["why"]
    assert found["todo"].empty
    assert found["wanted"].empty
    assert found["effects"].get("uplift", pd.Series(dtype="float64")).isna().all()


def test_customers_who_are_all_alike_are_one_cluster_and_no_value(told):
    given, one = dict(told[0]), told[0]["tastes"]["customer_id"].iloc[0]
    for name in ("tastes", "tastes_before", "lifetimes", "product_mix", "segments"):
        rows = given[name][given[name]["customer_id"] == one]
        given[name] = pd.concat([rows.assign(customer_id=f"x{i}") for i in range(50)])
    given["lifetimes"]["under_agreement"] = False
    found = _everything(given)
    assert found["k"] == 1
    assert found["ahead"].empty
    assert "no finite maximum" in found["why"]


def test_returns_only_are_negative_revenue_and_no_value(told):
    given = dict(told[0])
    for name, column in (
        ("lifetimes", "spend"),
        ("product_mix", "net_revenue"),
        ("segments", "net_revenue"),
        ("accounts", "revenue"),
    ):
        given[name] = given[name].assign(**{column: -given[name][column]})
    lines = given["tastes"]["block"].isin(["category", "brand", "attribute"])
    given["tastes"] = given["tastes"].assign(amount=given["tastes"]["amount"].where(~lines, -given["tastes"]["amount"]))
    found = _everything(given)
    assert found["k"] >= 1
    assert found["ahead"]["value"].isna().all()  # nobody spends less than nothing
    assert found["ahead"]["expected"].notna().all()
    assert found["todo"]["kind"].isin(["serve", "range", "stock", "campaign", "account"]).all()


def test_which_orders_lose_money_and_why_is_the_planted_answer(told):
    """Small businesses lose: many small rush orders; entry, stop and parcel cost more than the basket's margin."""
    given, truth = told[:2]
    assert (truth.loss_making_group, truth.loss_because.split(":")[0]) == ("small businesses", "many small rush orders")
    orders = given["orders"][~given["orders"]["cancelled"]]
    orders, ledger = cost.assumed_handling(orders, given["handling"]), given["ledger"]
    pools = cost.pool_costs(cost.passed_on(ledger, given["support"]), given["capacity"], given["work"])
    costed, _ = cost.charge_work(given["work"], pools)
    kinds = cost.kinds_costed(costed, given["work_kinds"])
    cell = ["month", "pool", "activity", "segment", "channel", "region"]
    sums = [rows.groupby(cell)["cost"].sum() for rows in (costed, kinds)]
    assert (sums[0] == sums[1]).all()
    sent = cost.charged_freight(orders, given["freight_kinds"], ledger)
    losing = cost.losing_kinds(orders, kinds, sent, by=["segment", "order_class"], min_n=MIN_N)
    assert losing["kind"].tolist() == ["business, rush", "business, one line"]  # business: what the data say of them
    freight = cost.charged_freight(orders, given["freight"], ledger)
    args = given["work_units"], orders, costed, freight, given["handling"], given["standards"]
    of_orders = levers.levers(*args).query("segment == 'business' and lever != 'account_visit'")
    assert set(of_orders["lever"].tolist()[:2]) == {"rush", "small orders"}
    margins = cost.serve_costs(orders, costed, freight, by=[])
    assert levers.levers(*args)["cost"].sum() == margins["cost_to_serve"].iloc[0]

"""Are customers grouped by the published rule, and do profiles say what the orders say?"""

import numpy as np
import pandas as pd
import pytest
from conftest import SHARED

from toolkit import segments, stats

REFERENCE = SHARED / "reference" / "data"


@pytest.fixture(scope="module")
def published():
    """The 995 customers of R's rfm package, scored here, and as the package scores them."""
    if not REFERENCE.is_dir():
        pytest.skip("the shared data are not here")
    orders = pd.read_csv(REFERENCE / "rfm_orders.csv", parse_dates=["order_date"])
    customers = orders.groupby("customer_id").agg(
        last=("order_date", "max"), n_orders=("revenue", "size"), revenue=("revenue", "sum")
    )
    customers["recency_days"] = (pd.Timestamp("2006-12-31") - customers["last"]).dt.days
    customers["net_revenue"] = customers["revenue"] * 100
    return segments.rfm(customers), pd.read_csv(REFERENCE / "rfm_result.csv").set_index("customer_id")


def test_every_score_equals_that_of_rs_rfm(published):
    ours, theirs = published
    theirs = theirs.loc[ours.index]
    assert len(ours) == 995
    for column in ("recency_score", "frequency_score", "monetary_score", "rfm_score"):
        assert (ours[column] == theirs[column]).all(), column
    assert ours["rfm_score"].nunique() == 92  # methods c1
    assert ((ours["rfm_score"] == 555).sum(), (ours["rfm_score"] == 111).sum()) == (35, 75)


def test_named_groups_have_the_counts_of_rs_rfm(published):
    # methods c1, R rfm 0.3.0
    assert published[0]["rfm_group"].value_counts().to_dict() == {
        "Potential Loyalist": 342,
        "Loyal": 170,
        "Lost": 148,
        "New": 104,
        "About To Sleep": 102,
        "Can't Lose": 47,
        "Champions": 35,
        "At Risk": 28,
        "Need Attention": 10,
        "Promising": 9,
    }


def _history(*rows):
    columns = ["customer_id", "recency_days", "n_orders", "net_revenue", "n_orders_in_period", "net_revenue_in_period"]
    return pd.DataFrame(rows, columns=columns)


def test_customers_without_an_order_before_are_in_no_group():
    history = _history(("a", 5, 3, 100_00, 1, 50_00), ("b", None, None, None, 1, 50_00))
    assert segments.rfm(history)["customer_id"].tolist() == ["a"]
    assert segments.rfm(history.iloc[1:]).empty


def test_a_group_shows_what_it_did_in_the_period_and_small_ones_stand_together():
    rows = [(f"a{i}", 1, 9, 900_00, int(i < 15), 100 * int(i < 15)) for i in range(20)]
    rows += [(f"b{i}", 99, 1, 9_00, 0, 0) for i in range(12)]
    rows += [(f"c{i}", 200, 1, 9_00, 0, 0) for i in range(4)]
    scored = _history(*rows).assign(rfm_group=["Champions"] * 20 + ["Lost"] * 12 + ["At Risk"] * 4)
    found = segments.rfm_table(scored, min_n=10).set_index("rfm_group")
    assert list(found.index) == ["Champions", "(other)"]
    assert found["n"].tolist() == [20, 16]
    assert found["share"].tolist() == [15 / 20, 0]
    assert found["of_all"].tolist() == [20 / 36, 16 / 36]
    # a family of two: each of them at 97.5 %
    expected = stats.share(pd.DataFrame({"k": [15], "n": [20]}), confidence=0.975).iloc[0]
    assert found.loc["Champions", "share_low"] == pytest.approx(expected["share_low"])


def test_nothing_is_shown_of_too_few_customers():
    scored = _history(*[(f"a{i}", 1, 9, 900_00, 1, 100) for i in range(4)]).assign(rfm_group="Champions")
    assert segments.rfm_table(scored, min_n=5).empty
    assert segments.came_back(scored, min_n=1).empty  # there are no others


def test_the_best_customers_stand_against_all_others():
    scored = pd.DataFrame(
        {"rfm_group": ["Champions"] * 4 + ["Lost"] * 6, "n_orders_in_period": [1, 2, 3, 0] + [1] + [0] * 5}
    )
    found = segments.came_back(scored, min_n=4).set_index("group")
    assert found["share"].to_dict() == {"best": 3 / 4, "others": 1 / 6}
    assert found["n"].tolist() == [4, 6]
    assert segments.came_back(scored, min_n=5).empty


def test_the_matrix_adds_what_came_late_and_hides_what_few_were_promised():
    costs = pd.DataFrame({"segment": ["a", "a", "b"], "channel": ["web", "shop", "web"], "net_revenue": [3, 2, 1]})
    rows = [("a", "web", f"p{i}", i < 3, False) for i in range(12)] + [
        ("b", "web", f"q{i}", False, False) for i in range(14)
    ]
    rows += [("a", "web", "p0", True, True), ("a", "shop", "p1", True, False)]  # cancelled; one person only
    service = pd.DataFrame(rows, columns=["segment", "channel", "customer_id", "late", "cancelled"])
    found = segments.matrix(costs, service, by=["segment", "channel"], min_n=10)
    assert found["net_revenue"].tolist() == [3, 2, 1]
    assert found["late_share"].fillna(-1).tolist() == [3 / 12, -1, 0]
    assert found["n_due"].fillna(-1).tolist() == [12, -1, 14]


def test_a_profile_is_what_the_orders_say():
    orders = pd.DataFrame(
        {
            "order_id": list("wxyz"),
            "customer_id": ["p", "p", "q", "r"],
            "segment": ["a", "a", "a", "b"],
            "n_lines": [1, 2, 3, 6],
            "net_revenue": pd.array([100, 200, 300, 400], "Int64"),
        }
    )
    customers = pd.DataFrame(
        {"customer_id": ["p", "q", "r"], "segment": "x", "known_days": [10, 30, 50], "has_card": [True, False, None]}
    ).assign(age=np.nan, household_size=np.nan)
    scores = pd.DataFrame({"segment": ["a"], "n": [5], "nps": [20.0], "nps_low": [1.0], "nps_high": [40.0]})
    found = segments.profile(orders, customers, scores, min_n=2).set_index("segment")
    assert list(found.index) == ["a", "b"]  # largest revenue first
    assert found["n_customers"].to_dict() == {"a": 2, "b": 1}
    assert found["revenue_share"].tolist() == [600 / 1000, 400 / 1000]
    assert found["orders_each"].tolist() == [3 / 2, 1]
    assert found["basket"].tolist() == [600 / 3, 400]
    assert found["lines_each"].tolist() == [6 / 3, 6]
    assert found["known_days"].fillna(-1).tolist() == [(10 + 30) / 2, -1]  # of b one customer only
    assert found["card_share"].fillna(-1).tolist() == [1 / 2, -1]
    assert found.loc["a", ["nps", "n_answers"]].tolist() == [20, 5]
    assert found.loc["b", ["nps", "n_answers"]].isna().all()


def test_revenue_that_is_not_known_is_not_nothing():
    orders = pd.DataFrame({"order_id": ["x", "y"], "customer_id": ["p", "q"], "segment": ["a", "b"], "n_lines": [1, 1]})
    orders["net_revenue"] = pd.array([None, 5], "Int64")
    customers = pd.DataFrame({"customer_id": ["p", "q"], "segment": "x"}).assign(
        known_days=np.nan, has_card=np.nan, age=np.nan, household_size=np.nan
    )
    none = pd.DataFrame(columns=["segment", "n", "nps", "nps_low", "nps_high"])
    assert segments.profile(orders, customers, none, min_n=2)["revenue_share"].isna().all()


def _mix(rng):
    """300 customers in two segments: b spends twice the share on tea; both the same on bread and salt."""
    rows = []
    for name, n, tea in (("a", 200, 0.2), ("b", 100, 0.4)):
        spent = rng.gamma(4, 2500, n)
        for i in range(n):
            share = tea * rng.uniform(0.8, 1.2)
            rows += [
                (name, "tea", f"{name}{i}", spent[i] * share),
                (name, "bread", f"{name}{i}", spent[i] * (1 - share)),
            ]
    rows += [("a", "salt", f"a{i}", 50.0) for i in range(4)]
    return pd.DataFrame(rows, columns=["segment", "category", "customer_id", "net_revenue"]).round({"net_revenue": 0})


def test_a_lift_is_the_share_of_a_segment_by_the_share_of_all():
    mix = _mix(np.random.default_rng(5))
    found = segments.preferences(mix, min_n=10, rng=np.random.default_rng(6)).set_index(["segment", "category"])
    by_hand = mix.groupby(["segment", "category"])["net_revenue"].sum()
    own = by_hand["b", "tea"] / by_hand["b"].sum()
    overall = mix.loc[mix["category"] == "tea", "net_revenue"].sum() / mix["net_revenue"].sum()
    assert found.loc[("b", "tea"), "lift"] == pytest.approx(own / overall)
    assert found.loc[("b", "tea"), ["n", "n_buyers"]].tolist() == [100, 100]
    assert found.loc[("b", "tea"), "lift_low"] > 1
    assert found.loc[("b", "tea"), "settled"]
    assert ("a", "salt") not in found.index  # four buyers


def test_chance_is_rarely_called_a_preference():
    """Where segments are drawn by lot, the intervals of all cells leave 1 out in about 5 of 100 worlds."""
    rng, wrong = np.random.default_rng(20260930), 0
    people = pd.DataFrame({"customer_id": [f"c{i}" for i in range(300)]})
    rows = people.loc[np.repeat(np.arange(300), 4)].reset_index(drop=True)
    rows["category"] = rng.choice(list("abcdefgh"), len(rows), p=[0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05])
    rows["net_revenue"] = np.rint(rng.lognormal(8, 1, len(rows)))
    for _ in range(60):
        lot = dict(zip(people["customer_id"], rng.choice(["x", "y", "z"], 300, p=[0.7, 0.2, 0.1]), strict=True))
        world = rows.assign(segment=rows["customer_id"].map(lot))
        wrong += segments.preferences(world, min_n=10, rng=rng, draws=99)["settled"].any()
    # 60 worlds at 5 %: 8 or more have a chance of 1 in 100. Bonferroni's normal quantile gives many more.
    assert wrong < 8


def test_without_prices_there_are_no_preferences():
    mix = _mix(np.random.default_rng(5)).assign(net_revenue=pd.NA)
    assert segments.preferences(mix, min_n=10, rng=np.random.default_rng(6)).empty


def test_the_farthest_preferences_are_settled_and_the_most_marked_is_the_surest():
    lifts = pd.DataFrame(
        {
            "segment": list("abcd"),
            "category": "tea",
            "lift": [2.0, 0.25, 3.0, 1.1],
            "lift_low": [1.5, 0.2, 0.5, 1.05],
            "lift_high": [2.5, 0.3, 5.5, 1.15],
            "settled": [True, True, False, True],
        }
    )
    assert segments.farthest(lifts, most=2)["segment"].tolist() == ["a", "b"]
    assert segments.most_marked(lifts) == 0
    assert segments.most_marked(lifts.iloc[1:3]) is None


def test_key_figures_have_the_columns_of_the_archive():
    who = pd.DataFrame({"segment": ["a", "b"], "n_customers": [7, 3]})
    scored = pd.DataFrame({"rfm_group": ["Champions", "Lost"], "n_orders_in_period": [1, 0]})
    figures = segments.key_figures(who, segments.came_back(scored, min_n=1))
    assert figures["figure_id"].tolist() == ["customers", "customers", "ordered_again_best", "ordered_again_others"]
    assert figures["value"].tolist() == [7, 3, 1, 0]
    assert figures["segment"].tolist() == ["a", "b", "", ""]

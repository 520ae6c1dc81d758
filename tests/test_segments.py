"""Are customers grouped by the published rule, and do profiles say what the orders say?"""

from statistics import NormalDist

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
    scores = pd.DataFrame(
        {"segment": ["a", "b"], "channel": "web", "n": [30, 20], "n_customers": [25, 9], "nps": [5.0, 9.0]}
    )
    scores = scores.assign(nps_low=0.0, nps_high=10.0)
    found = segments.matrix(costs, service, scores, by=["segment", "channel"], min_n=10)
    assert found["net_revenue"].tolist() == [3, 2, 1]
    assert found["nps"].fillna(-1).tolist() == [5, -1, -1]  # nobody asked in the shop; nine answered of b
    assert found["n_answers"].fillna(-1).tolist() == [30, -1, -1]
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


def test_how_widely_a_segment_buys_is_a_mean_over_its_customers():
    customers = pd.DataFrame({"customer_id": list("abcdefg"), "segment": list("xxxyyyz"), "n_sites": 0})
    customers = customers.assign(n_orders=[1, 2, 6, 1, 1, 1, 9], n_categories=[1, 2, 3, 4, 4, 4, 9])
    customers = customers.assign(n_products=[1, 3, 8, 5, 6, 7, 9])
    found = segments.breadth(customers, min_n=3).set_index("segment")
    # z has one customer and stands together with the smallest of the others, x (ties go by name)
    assert found["n"].to_dict() == {"(other)": 4, "y": 3}
    assert found["categories"].to_dict() == {"y": 4, "(other)": (1 + 2 + 3 + 9) / 4}  # the widest first
    assert list(found.index) == ["y", "(other)"]
    assert found["articles"].to_dict() == {"y": 6, "(other)": (1 + 3 + 8 + 9) / 4}
    assert found["orders_each"].to_dict() == {"y": 1, "(other)": (1 + 2 + 6 + 9) / 4}
    half = NormalDist().inv_cdf(1 - 0.05 / 2 / 4) * (1 / 3) ** 0.5  # of 5, 6, 7: variance 1, two kinds x two segments
    assert found.loc["y", ["articles_low", "articles_high"]].tolist() == pytest.approx([6 - half, 6 + half])
    assert found[["sites", "sites_low"]].isna().all(axis=None)  # of nobody is one recorded


def test_too_few_customers_show_no_breadth():
    customers = pd.DataFrame({"customer_id": ["a"], "segment": ["x"]})
    customers = customers.assign(n_orders=1, n_categories=1, n_products=1, n_sites=1)
    assert segments.breadth(customers, min_n=3).empty


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
    back, none = segments.came_back(scored, min_n=1), pd.DataFrame(columns=["group", "n", "n_persons", "uplift"])
    figures = segments.key_figures(who, back, none, none, none, none, none)
    assert figures["figure_id"].tolist() == ["customers", "customers", "ordered_again_best", "ordered_again_others"]
    assert figures["value"].tolist() == [7, 3, 1, 0]
    assert figures["segment"].tolist() == ["a", "b", "", ""]
    whole = {"segment": ["a", "(all)"], "n": [5, 9]}
    ahead = pd.DataFrame(whole | {"value": [3, 4], "value_low": [2, 3], "value_high": [4, 5]})
    kept = pd.DataFrame(whole | {"retention": [0.5, 0.6], "retention_low": 0.4, "retention_high": 0.8})
    asked = pd.DataFrame({"n": [9], "n_persons": [8], "unmet": 0.1, "unmet_low": 0, "unmet_high": 0.2})
    asked = asked.assign(lost=70, lost_low=60, lost_high=80)
    brought = pd.DataFrame({"group": ["K1", "K2"], "n_contacted": 4, "uplift": [20.0, np.nan]})
    brought = brought.assign(uplift_low=10.0, uplift_high=30.0)
    clusters = pd.DataFrame({"n": [6, 5]})
    figures = segments.key_figures(who, back, clusters, ahead, kept, asked, brought).iloc[4:]
    assert figures[["figure_id", "segment", "value", "n"]].values.tolist() == [
        ["clusters", "", 2, 11],
        ["revenue_ahead", "a", 3, 5],
        ["revenue_ahead", "", 4, 9],
        ["retention", "a", 0.5, 5],
        ["retention", "", 0.6, 9],
        ["unmet_wishes", "", 0.1, 8],
        ["unmet_revenue", "", 70, 8],
        ["uplift_K1", "", 20, 4],
    ]
    assert figures["cohort"].tolist() == ["orders"] * 5 + ["wishes"] * 2 + ["orders"]


def test_product_mixes_beyond_the_twelve_of_most_customers_stand_together():
    n = 13 * 6 + 1
    orders = pd.DataFrame({"customer_id": range(n), "net_revenue": 100})
    mix = orders.assign(category=[f"c{at % 13:02}" for at in range(n)])
    bare = pd.DataFrame({"customer_id": range(n), "age": None, "household_size": None, "known_days": None})
    service = pd.DataFrame({"customer_id": range(n), "cycle_s": None})
    found = segments.traits(orders, bare, mix, service, orders.assign(margin=None), min_n=5)
    assert found["trait"].unique().tolist() == ["product mix"]
    assert found["band"].value_counts().to_dict() == {"(other)": 6, "c00": 7} | {f"c{at:02}": 6 for at in range(1, 12)}


def test_traits_are_bands_of_what_is_known_and_small_ones_stand_together():
    n = 40
    orders = pd.DataFrame({"customer_id": range(n), "net_revenue": 100})
    customers = pd.DataFrame({"customer_id": range(n), "age": [25] * 20 + [30] * 15 + [60] * 3 + [None] * 2})
    customers = customers.assign(household_size=None, known_days=[364] * 20 + [365] * 20)
    mix = pd.DataFrame(
        {"customer_id": [*range(n), 0], "category": ["tea"] * n + ["wine"], "net_revenue": [100] * n + [900]}
    )
    service = pd.DataFrame({"customer_id": range(n), "cycle_s": [86_399] * 20 + [86_400] * 20})
    costs = pd.DataFrame({"customer_id": range(n), "margin": [-1] * 20 + [20] * 20, "net_revenue": 100})
    found = segments.traits(orders, customers, mix, service, costs, min_n=5)
    sizes = found.groupby(["trait", "band"]).size().to_dict()
    assert sizes == {
        ("age", "(other)"): 5,  # 3 of 60 and more, 2 of no known age
        ("age", "30 to 44"): 15,
        ("age", "under 30"): 20,
        ("known for", "one to three years"): 20,
        ("known for", "under a year"): 20,
        ("margin", "20 % and more"): 20,
        ("margin", "a loss"): 20,
        ("product mix", "(other)"): 40,  # one buyer of wine is nobody's band
        ("service time", "one to three days"): 20,
        ("service time", "under a day"): 20,
    }
    assert not found.duplicated(["customer_id", "trait"]).any()
    assert segments.traits(orders.head(0), customers, mix, service, costs, min_n=5).empty


# -- uplift ---------------------------------------------------------------------------------------


def _reach(n=400, *, effect=0.5, campaign="K1", seed=5):
    rng = np.random.default_rng(seed)
    before, held = rng.poisson(1.5, n), np.arange(n) % 4 == 0
    after = rng.poisson(0.2 + 0.3 * before + effect * ~held)
    return pd.DataFrame(
        {"customer_id": np.arange(n), "held_out": held, "orders_before": before, "orders_after": after,
         "campaign_id": campaign, "cost": 60_000, "template_id": "T", "use": 1, "segment": "a"}
    )  # fmt: skip


def test_uplift_is_lins_regression_by_hand():
    """Lin 2013: the adjusted effect is the difference of the two arms' own regressions at the common mean."""
    reach = _reach()
    found = segments.uplift(reach, by="campaign_id", min_n=10).iloc[0]
    ends, x = [], reach["orders_before"] - reach["orders_before"].mean()
    for side in (~reach["held_out"], reach["held_out"]):
        slope = np.cov(x[side], reach["orders_after"][side], ddof=0)[0, 1] / np.var(x[side])
        ends.append(reach["orders_after"][side].mean() - slope * x[side].mean())
    assert found["uplift"] == pytest.approx(1000 * (ends[0] - ends[1]))
    assert found["base"] == pytest.approx(1000 * reach["orders_after"][reach["held_out"]].mean())
    assert (found["n_contacted"], found["n_held_out"]) == (300, 100)
    assert found["cost_each"] == 200
    assert found["cost_per_order"] == pytest.approx(200 / (found["uplift"] / 1000))
    assert found["cost_per_order_low"] == pytest.approx(200 / (found["uplift_high"] / 1000))


def test_intervals_of_uplift_cover_nothing_when_there_is_nothing():
    """Several campaigns together: all intervals hold in 95 of 100 (Bonferroni is a little more)."""
    clean = 0
    for seed in range(100):
        parts = [_reach(120, effect=0, campaign=f"K{i}", seed=1000 * seed + i) for i in range(4)]
        found = segments.uplift(pd.concat(parts), by="campaign_id", min_n=10)
        clean += int(((found["uplift_low"] <= 0) & (found["uplift_high"] >= 0)).all())
    assert clean >= 90  # 95 expected; binomial 1 % quantile


def test_customers_of_several_campaigns_are_drawn_once():
    twice = pd.concat([_reach(), _reach().assign(campaign_id="K2")])
    once = segments.uplift(_reach(), by="segment", min_n=10).iloc[0]
    found = segments.uplift(twice, by="segment", min_n=10).iloc[0]
    assert found["uplift"] == pytest.approx(once["uplift"])
    width = (found["uplift_high"] - found["uplift_low"]) / (once["uplift_high"] - once["uplift_low"])
    assert width == pytest.approx(1, abs=0.05)  # the same people twice tell nothing more


def test_uses_of_a_template_stand_together_and_small_campaigns_too():
    parts = [_reach(80, campaign="K3").assign(use=2), _reach(80, campaign="K1").assign(template_id="Z")]
    parts += [_reach(80, campaign="K9"), _reach(6, campaign="K7"), _reach(6, campaign="K8")]
    found = segments.uplift(pd.concat(parts), by="campaign_id", min_n=10)
    assert found["group"].tolist()[:2] == ["K9", "K3"]
    assert found["use"].tolist()[:2] == [1, 2]
    assert found["template_id"].dropna().tolist() == ["T", "T"]  # Z was used once: it may be anything
    assert not {"K7", "K8"} & set(found["group"])


def test_without_a_control_no_effect_is_told():
    alone = segments.uplift(_reach().assign(held_out=False), by="campaign_id", min_n=10)
    few = segments.uplift(_reach(36), by="campaign_id", min_n=10)
    for found in (alone, few):
        assert found[["uplift", "cost_per_order"]].isna().all(axis=None)
        assert found["n_contacted"].iloc[0] > 0
    assert segments.uplift(_reach().head(0), by="campaign_id", min_n=10).empty


def test_what_an_order_costs_has_no_upper_end_where_there_may_be_no_uplift():
    found = segments.uplift(_reach(effect=0.02, seed=8), by="campaign_id", min_n=10).iloc[0]
    assert found["uplift_low"] < 0 < found["uplift_high"]
    assert np.isnan(found["cost_per_order_high"])
    assert found["cost_per_order_low"] > 0


# -- what to do -----------------------------------------------------------------------------------


def _world(late=0.05, ended=False):
    """60 customers a segment, ten orders each; of those of "b" ``late`` come late, of all others 5 %."""
    n = 120
    service = pd.DataFrame({"customer_id": np.repeat(range(n), 10), "cancelled": False, "late": False})
    service["segment"] = np.where(service["customer_id"] < 60, "a", "b")
    order = service.groupby("segment").cumcount()
    service["late"] = np.where(service["segment"] == "b", order % 100 < 100 * late, order % 100 < 5)
    accounts = pd.DataFrame({"customer_id": range(n), "segment": ["a"] * 60 + ["b"] * 60, "exposure": 1.0})
    accounts = accounts.assign(ended=accounts["customer_id"].isin(range(20) if ended else []), revenue=0)
    wishes = pd.DataFrame({"person": range(30), "segment": "a", "item": "rye", "outcome": "not_ranged", "value": 100})
    lifts = pd.DataFrame(columns=["segment", "category", "lift", "lift_low", "lift_high", "n_buyers"])
    return {"service": service, "accounts": accounts, "wishes": wishes, "reach": _reach().head(0), "lifts": lifts}


def _todo(days=10, min_n=10, **world):
    return segments.what_to_do(**(_world() | world), days=days, min_n=min_n)


def test_what_is_wanted_is_told_with_who_owns_it():
    found = _todo().iloc[0]
    assert found[["segment", "kind", "what", "n", "value", "owner"]].tolist() == [
        "a",
        "range",
        "rye",
        30,
        3,
        "assortment",
    ]
    assert found["low"] < 3 < found["high"]
    wishes = _world()["wishes"].assign(outcome="unavailable")
    assert _todo(wishes=wishes).iloc[0][["kind", "owner"]].tolist() == ["stock", "replenishment"]
    assert len(_todo(wishes=wishes.head(9))) == 0


def test_only_service_settled_worse_than_that_of_others_is_told():
    assert "serve" not in set(_todo()["kind"])
    assert "serve" not in set(_todo(**_world(late=0.06))["kind"])  # a point more, and chance enough for it
    found = _todo(**_world(late=0.2)).set_index("kind").loc["serve"]
    assert (found["segment"], found["value"], found["others"]) == ("b", 0.2, 0.05)
    assert found["low"] > 0.05


def test_accounts_that_leave_come_first():
    found = _todo(**_world(ended=True))
    assert found[["segment", "kind"]].values.tolist() == [["a", "account"], ["a", "range"]]
    assert found["value"].iloc[0] == pytest.approx(1 / 3)


def test_top_accounts_are_a_group_of_their_own():
    world = _world()
    world["accounts"]["revenue"] = [100] * 96 + [900] * 24
    world["service"].loc[world["service"]["customer_id"] >= 96, "late"] = True
    found = _todo(**world)
    assert found[["segment", "kind", "n"]].values.tolist() == [
        ["a", "range", 30],
        ["b", "serve", 60],
        ["top accounts", "serve", 24],
    ]
    assert segments.top_accounts(world["accounts"], min_n=25) == set()


def test_campaigns_are_repeated_or_stopped_only_when_that_is_settled():
    reach = _reach(4000).assign(department="sales")
    assert _todo(reach=reach).set_index("kind").loc["campaign", ["what", "owner"]].tolist() == ["repeat", "sales"]
    assert "campaign" not in set(_todo(reach=_reach(4000, effect=0).assign(department="sales"))["kind"])
    harmful = reach.assign(orders_after=reach["orders_after"].where(reach["held_out"], 0))
    assert _todo(reach=harmful).set_index("kind").loc["campaign", "what"] == "stop"


def test_the_settled_category_is_offered_and_no_more_than_three_things_are_told():
    lifts = pd.DataFrame({"segment": ["a", "a", "b"], "category": ["tea", "wine", "tea"], "n_buyers": 40})
    lifts = lifts.assign(lift=[1.5, 1.4, 1.1], lift_low=[1.2, 1.3, 0.9], lift_high=2.0)
    world = _world(ended=True) | {"lifts": lifts, "reach": _reach(4000).assign(department="sales")}
    found = _todo(**world)
    assert found["kind"].tolist() == ["account", "range", "campaign"]
    assert segments.what_to_do(**world, days=10, min_n=10, most=9)["what"].tolist() == ["", "rye", "repeat", "wine"]


def test_nothing_known_is_nothing_to_do():
    empty = {name: frame.head(0) for name, frame in _world().items()}
    assert segments.what_to_do(**empty, days=10, min_n=10).empty

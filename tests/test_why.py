"""Silence, lateness, importance, change and cause: does each come back as it was planted, or say why it cannot?"""

import numpy as np
import pandas as pd
import pytest

from toolkit import satisfaction

PLACED = pd.Timestamp("2026-05-04", tz="UTC")


def _asked(scores, **more):
    rows = pd.DataFrame({"item": "recommend", "scale": "nps_0_10", "score": pd.array(scores, "Int64")})
    facts = {"exposure": "in_time", "late_in_the_end": False, "short": False, "damaged": False, "late_s": 0}
    facts |= {
        "delay_s": 0,
        "wait_s": 0,
        "missing_share": 0.0,
        "segment": "a",
        "channel": "web",
        "region": "n",
        "fulfilment": "home_delivery",
    }
    facts |= {"rush": False, "category": "tea", "n_lines": 1, "quantity": 1, "net_revenue": 1000}
    facts |= {"orders_before": 0, "late_before": 0, "ordered_at": PLACED}
    rows = rows.assign(**facts, response_id=[f"r{i}" for i in range(len(rows))])
    return rows.assign(customer_id=[f"c{i}" for i in range(len(rows))]).assign(**more)


def _causes(treatment="late", covariates=("orders_before", "segment"), item="", later=False):
    rows = {"treatment": treatment, "covariate": list(covariates), "control_item": item, "declared_later": later}
    return pd.DataFrame(rows)


def _points(score):
    return 100.0 * (np.asarray(score) >= 9) - 100.0 * (np.asarray(score) <= 6)


# -- who did not answer --------------------------------------------------------------------------


def _silent(rng, n, *, on_score):
    before = rng.poisson(np.exp(rng.normal(1, 1, n)))
    score = np.clip(np.rint(6 + 1.2 * np.log1p(before) + rng.normal(0, 2, n)), 0, 10).astype(int)
    pull = -2 + 0.4 * (score - 7) if on_score else -2.2 + 0.9 * np.log1p(before)
    answered = rng.random(n) < 1 / (1 + np.exp(-pull))
    return score, _asked(np.where(answered, score, -1), orders_before=before), answered


def _without(asked, answered):
    asked["score"] = asked["score"].where(answered)
    return satisfaction.weighted(satisfaction.scored(asked))


def test_weights_mend_answers_that_depend_on_history():
    score, asked, answered = _silent(np.random.default_rng(1), 20_000, on_score=False)
    found = satisfaction.silence(_without(asked, answered), reference=0.0).set_index("what")["nps"]
    truth = _points(score).mean()
    assert found["answers as they came"] > truth + 8
    assert found["weighted for who answered"] == pytest.approx(truth, abs=2)


def test_nothing_mends_answers_that_depend_on_the_score():
    score, asked, answered = _silent(np.random.default_rng(2), 20_000, on_score=True)
    found = satisfaction.silence(_without(asked, answered), reference=0.0).set_index("what")["nps"]
    assert (found > _points(score).mean() + 10).all()


def test_the_tipping_point_is_what_the_silent_would_have_to_score_lower():
    asked = _asked([9] * 30 + [8] * 10 + [None] * 60)
    found = satisfaction.silence(satisfaction.weighted(satisfaction.scored(asked)), reference=30.0)
    # 40 of 100 answered, NPS 75: 0.4 x 75 + 0.6 x (75 - delta) = 30 at delta = 45 / 0.6
    assert found["nps"].tolist() == pytest.approx([75, 75])
    assert found["tipping"].tolist() == pytest.approx([75, 75])
    assert found["answered"].tolist() == [0.4, 0.4]
    assert found["representativity"].tolist() == pytest.approx([1, 1])  # nothing tells who answers


def test_where_the_silent_are_not_on_record_nothing_is_weighted():
    chosen = satisfaction.weighted(satisfaction.scored(_asked([9, 3, 8])))
    assert chosen["weight"].tolist() == [1, 1, 1]
    assert satisfaction.silence(chosen, reference=0.0).empty


# -- a day late --------------------------------------------------------------------------------------


def test_days_late_stand_in_classes_that_enough_customers_hold():
    day = 86_400
    asked = _asked([9] * 12 + [8] * 12 + [0] * 5 + [0] * 5 + [9] * 9)
    asked["late_s"] = [0] * 12 + [60] * 12 + [2 * day] * 5 + [30 * day] * 5 + [0] * 9
    asked["exposure"] = ["in_time"] * 12 + ["late"] * 17 + ["overdue"] * 5 + ["not_due"] * 9
    found = satisfaction.by_dose(satisfaction.scored(asked), "late", min_n=10)
    # a minute late is the first day; five of the second and five of the thirtieth stand together; not due is not judged
    assert found[["dose", "n", "nps"]].values.tolist() == [
        ["in time", 12, 100],
        ["1", 12, 0],
        ["2 or more", 10, -100],
    ]
    alone = satisfaction.by_dose(satisfaction.scored(asked.iloc[:24]), "late", min_n=13)
    assert alone[["dose", "n"]].values.tolist() == [["0 or more", 24]]
    assert satisfaction.by_dose(satisfaction.scored(_asked([])), "late", min_n=3).empty


def test_waiting_and_missing_pieces_have_classes_of_their_own():
    day = 86_400
    asked = _asked([9] * 20 + [0] * 12, wait_s=[60] * 3 + [2 * day] * 17 + [40 * day] * 12, missing_share=None)
    asked.loc[:9, "missing_share"], asked.loc[10:20, "missing_share"], asked.loc[21:, "missing_share"] = 0.0, 0.1, 0.101
    chosen = satisfaction.scored(asked)
    # three of the first two days are too few and join the next; where nobody waited stands no class
    found = satisfaction.by_dose(chosen, "wait", min_n=10)
    assert found[["dose", "n", "nps"]].values.tolist() == [["0 to 30", 20, 100], ["31 or more", 12, -100]]
    found = satisfaction.by_dose(chosen, "missing", min_n=10)
    assert found[["dose", "n"]].values.tolist() == [["nothing missing", 10], ["1 to 10", 11], ["11 or more", 11]]
    assert found["unit"].unique().tolist() == ["per cent of pieces missing"]
    assert satisfaction.by_dose(chosen.assign(missing_share=None), "missing", min_n=10).empty


def test_periods_of_a_few_answers_are_left_out():
    past = _asked([9] * 12 + [0] * 9 + [0] * 10, period=["Q3"] * 12 + ["Q2"] * 9 + ["Q1"] * 10)
    past["position"] = [0] * 12 + [-1] * 9 + [-2] * 10
    found = satisfaction.by_period(past, star_map="five_promotes", min_n=10)
    assert found[["period", "n", "nps"]].values.tolist() == [["Q1", 10, -100], ["Q3", 12, 100]]


def test_the_break_is_found_at_the_promise():
    rng = np.random.default_rng(3)
    late = np.where(rng.random(6000) < 0.3, rng.geometric(0.4, 6000), 0)
    score = np.where(rng.random(6000) < np.where(late > 0, 0.65 + 0.03 * late, 0.2), 3, 9)
    asked = _asked(score, late_s=late * 86_400, exposure=np.where(late > 0, "late", "in_time"))
    found = satisfaction.break_of(satisfaction.scored(asked), "late", rng=rng)
    assert (found["break"], found["break_low"], found["break_high"]) == (0, 0, 0)


# -- importance, penalty and reward -----------------------------------------------------------------


def _failing(rng, n):
    late, short = rng.random(n) < 0.2, rng.random(n) < 0.1
    score = np.clip(np.rint(9 - 3.0 * late - 3.0 * short + rng.normal(0, 1.5, n)), 0, 10).astype(int)
    return _asked(score, exposure=np.where(late, "late", "in_time"), short=short)


def test_the_more_frequent_of_two_failures_of_one_size_explains_more():
    rng = np.random.default_rng(4)
    found = satisfaction.importance(satisfaction.scored(_failing(rng, 5000)), min_n=10, rng=rng, draws=50)
    assert found["driver"].tolist() == ["late", "short"]  # nobody met the others
    assert (found["importance_low"] <= found["importance"]).all()
    assert (found["importance"] <= found["importance_high"]).all()
    assert (found["sign"] == -1).all()
    assert found["vif"].tolist() == pytest.approx([1, 1], abs=0.01)
    # variance of a mark of share p is p (1 - p): 0.16 against 0.09, in points of one size
    assert found["importance"][0] / found["importance"][1] == pytest.approx(0.16 / 0.09, rel=0.35)


def test_lateness_punishes_and_speed_delights_only_where_it_does():
    rng = np.random.default_rng(5)
    n = 8000
    late, early = rng.random(n) < 0.2, rng.random(n) < 0.3
    early &= ~late
    score = np.clip(np.rint(8 - 3.0 * late + rng.normal(0, 1.2, n)), 0, 10).astype(int)
    asked = _asked(score, exposure=np.where(late, "late", "in_time"), delay_s=np.where(early, -90_000, 0))
    mood = asked.assign(item="felt_personal", score=np.where(rng.random(n) < 0.5, 10, 8))
    asked["score"] = np.clip(asked["score"] + 2 * (mood["score"] == 10), 0, 10)
    asked = pd.concat([asked, mood], ignore_index=True)
    found = satisfaction.penalty_reward(satisfaction.scored(asked), asked, min_n=10).set_index("attribute")
    assert found["kind"].to_dict() == {"speed (late; a day early)": "dissatisfier", "item felt_personal": "delighter"}
    assert found.loc["speed (late; a day early)", ["n_low", "n_high"]].tolist() == [late.sum(), early.sum()]


def test_what_a_region_thinks_anyhow_is_no_penalty_of_being_late():
    rng = np.random.default_rng(6)
    n = 8000
    north = rng.random(n) < 0.5
    late = rng.random(n) < np.where(north, 0.5, 0.1)  # the north is served badly, and thinks little of everything
    score = np.where(rng.random(n) < np.where(north, 0.6, 0.2) + 0.1 * late, 3, 9)
    asked = _asked(score, exposure=np.where(late, "late", "in_time"), region=np.where(north, "north", "south"))
    found = satisfaction.penalty_reward(satisfaction.scored(asked), asked, min_n=10).set_index("attribute")
    speed = found.loc["speed (late; a day early)"]
    assert speed["penalty_low"] < -20 < speed["penalty_high"]  # a tenth from promoter to detractor: two points each
    few = satisfaction.penalty_reward(satisfaction.scored(asked.head(9)), asked.head(9), min_n=1)
    assert few.empty  # a region and a mark want five answers each


# -- why did it change? --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "segment", "exposure", "score"),
    [
        # a is served in time and promotes, b neither: from 10 and 10 to 15 and 5 answers, 0 to 50 points
        ("customer mix", ["a"] * 15 + ["b"] * 5, ["in_time"] * 20, [9] * 15 + [0] * 5),
        # the same customers, fewer late: late detract, from 10 late of 20 to 5
        ("service", ["a"] * 20, ["in_time"] * 15 + ["late"] * 5, [9] * 15 + [0] * 5),
        # the same customers, the same service, five detractors less
        ("rest", ["a"] * 20, ["in_time"] * 20, [9] * 15 + [0] * 5),
    ],
)
def test_what_changed_is_told_apart(part, segment, exposure, score):
    before = {
        "customer mix": _asked([9] * 10 + [0] * 10, segment=["a"] * 10 + ["b"] * 10),
        "service": _asked([9] * 10 + [0] * 10, exposure=["in_time"] * 10 + ["late"] * 10),
        "rest": _asked([9] * 10 + [0] * 10),
    }[part]
    now, earlier = (
        satisfaction.weighted(satisfaction.scored(rows))
        for rows in (_asked(score, segment=segment, exposure=exposure), before)
    )
    found = satisfaction.change(now, earlier, rng=np.random.default_rng(6), draws=20).set_index("part")["points"]
    expected = dict.fromkeys(["who was asked and answered", "customer mix", "service", "rest"], 0.0) | {part: 50.0}
    assert found.drop("change in all").to_dict() == pytest.approx(expected)
    assert found["change in all"] == pytest.approx(50)


def test_the_parts_of_a_change_sum_to_it_with_cells_that_come_and_go():
    rng = np.random.default_rng(7)

    def some(n, names):
        score = rng.integers(0, 11, n)
        asked = _asked(np.where(rng.random(n) < 0.5, score, -1), segment=rng.choice(names, n))
        asked["exposure"] = rng.choice(["in_time", "late", "cancelled"], n)
        asked["orders_before"] = rng.poisson(3, n)
        asked["score"] = asked["score"].where(asked["score"] >= 0)
        return satisfaction.weighted(satisfaction.scored(asked))

    now, earlier = some(800, ["a", "b"]), some(600, ["b", "c"])
    found = satisfaction.change(now, earlier, rng=rng, draws=50).set_index("part")
    parts = found.drop(index="change in all")
    whole = (
        satisfaction.nps(now.drop(columns="weight"))["nps"] - satisfaction.nps(earlier.drop(columns="weight"))["nps"]
    )
    assert parts["points"].sum() == pytest.approx(found.loc["change in all", "points"]) == pytest.approx(whole[0])
    assert (found["points_low"] < found["points"]).all()
    assert (found["points"] < found["points_high"]).all()


def test_scores_of_two_scales_have_no_change():
    now = satisfaction.weighted(satisfaction.scored(_asked([9, 3])))
    stars = satisfaction.weighted(satisfaction.scored(_asked([5, 3], scale="stars_1_5")))
    assert satisfaction.change(now, stars, rng=np.random.default_rng(0)).empty
    assert satisfaction.change(now, now.iloc[:0], rng=np.random.default_rng(0)).empty


# -- operational changes ---------------------------------------------------------------------------


def _spread(rng, *, effect, before=1.0, n=8000):
    """Orders inside and outside over three spans; odds of being late double in the last span everywhere."""
    span, inside = rng.choice(["placebo", "before", "after"], n), rng.random(n) < 0.4
    odds = 0.1 * np.where(inside, 2.0, 1.0) * np.where(span == "after", 2.0, 1.0)
    odds = odds * np.where(inside & (span == "after"), effect, 1.0) * np.where(inside & (span == "before"), before, 1.0)
    late = rng.random(n) < odds / (1 + odds)
    rows = pd.DataFrame({"span": span, "inside": inside, "late": late, "position": 0, "name": "x", "starts": PLACED})
    rows["scale"], rows["score"] = "nps_0_10", pd.array(np.where(rng.random(n) < 0.6 - 0.4 * late, 9, 5), "Int64")
    return rows.assign(customer_id=rng.integers(0, n // 2, n))


def test_a_change_of_place_is_the_planted_one_where_the_season_multiplies():
    rng, covered, truth = np.random.default_rng(2), 0, 100 * (0.2 / 1.2 - 0.4 / 1.4)  # odds .4 as it would have been
    for _ in range(40):
        found = satisfaction.decided(_spread(rng, effect=0.5), star_map="five_promotes", min_n=10).iloc[0]
        covered += found["effect_low"] < truth < found["effect_high"]
        assert found["effect"] == pytest.approx(truth, abs=10)
    assert covered >= 35
    late, score = satisfaction.decided(_spread(rng, effect=0.5), star_map="five_promotes", min_n=10).itertuples()
    assert (late.outcome, late.verdict) == ("orders late, per cent", "settled")
    assert late.placebo_low < 0 < late.placebo_high
    assert (score.outcome, score.effect > 0) == ("NPS", True)  # fewer late, better answers


def test_where_the_places_moved_apart_before_nothing_is_concluded():
    rng = np.random.default_rng(3)
    apart = satisfaction.decided(_spread(rng, effect=1.0, before=3.0), star_map="five_promotes", min_n=10)
    assert apart["verdict"][0] == "did not move alike before"
    rows = _spread(rng, effect=1.0)
    few = satisfaction.decided(rows[rows["span"] != "placebo"], star_map="five_promotes", min_n=10)
    assert few["verdict"].str.endswith(", no placebo").all()
    none = satisfaction.decided(rows[~rows["inside"]], star_map="five_promotes", min_n=10)
    assert none["verdict"].tolist() == ["too few customers", "too few customers"]
    assert none["effect"].isna().all()
    never = satisfaction.decided(rows.assign(late=False, score=9), star_map="five_promotes", min_n=10)
    assert never["verdict"].tolist() == ["a group's outcomes are all alike"] * 2
    assert satisfaction.decided(rows.iloc[:0], star_map="five_promotes", min_n=10).empty


# -- cause ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def confounded():
    """Loyal customers are pleased and rarely late: the raw difference takes in what they are."""
    rng = np.random.default_rng(8)
    n = 12_000
    before = rng.poisson(np.exp(rng.normal(1, 1, n)))
    late = rng.random(n) < 1 / (1 + np.exp(0.5 + 0.7 * np.log1p(before)))
    latent = 6 + 1.2 * np.log1p(before) + rng.normal(0, 1.5, n)
    on_time, score = (np.clip(np.rint(latent - 1.5 * fell), 0, 10).astype(int) for fell in (0 * late, late))
    asked = _asked(score, exposure=np.where(late, "late", "in_time"), orders_before=before)
    product = np.clip(np.rint(5 + 1.2 * np.log1p(before) + rng.normal(0, 1.5, n)), 0, 10).astype(int)
    items = asked.assign(item="product", score=pd.array(product, "Int64"))
    return pd.concat([asked, items], ignore_index=True), (_points(score) - _points(on_time))[late].mean(), late


def test_cause_is_the_planted_effect_where_the_raw_difference_is_not(confounded):
    asked, truth, late = confounded
    chosen = satisfaction.weighted(satisfaction.scored(asked))
    found = satisfaction.cause(chosen, asked, _causes(item="product"), min_n=10).set_index("estimand")
    att = found.loc["ATT"]
    assert att["effect_low"] < truth < att["effect_high"]
    assert att["effect_high"] - att["effect_low"] < 8
    assert found.loc["raw difference", "effect_high"] < truth - 10
    assert att["lost"] == pytest.approx(att["effect"] * late.mean())
    control = found.loc["ATT on product"]
    assert control["effect_low"] < 0 < control["effect_high"]
    assert att["e_value"] > att["e_value_limit"] > 1
    assert found["failure"].unique().tolist() == ["late or overdue"]
    alike = satisfaction.alike(chosen, _causes(), min_n=10).set_index("covariate")
    assert abs(alike.loc["orders_before", "smd_before"]) > 0.3
    assert abs(alike.loc["orders_before", "smd_after"]) < 0.05


def test_the_negative_control_shows_what_the_covariates_miss(confounded):
    asked, truth, _ = confounded
    chosen = satisfaction.weighted(satisfaction.scored(asked))
    asked = asked.assign(region=np.resize(["n", "s"], len(asked)))
    chosen["region"] = np.resize(["n", "s"], len(chosen))
    found = satisfaction.cause(chosen, asked, _causes(covariates=["region"], item="product"), min_n=10)
    found = found.set_index("estimand")
    assert found.loc["ATT", "effect_high"] < truth
    assert found.loc["ATT on product", "effect_high"] < 0


def test_a_cause_that_too_few_met_or_escaped_has_a_reason_and_no_number():
    for few, note in ((5, "too few customers met it"), (35, "too few customers escaped it")):
        asked = _asked([9, 3] * 20, exposure=["late"] * few + ["in_time"] * (40 - few))
        chosen = satisfaction.weighted(satisfaction.scored(asked))
        found = satisfaction.cause(chosen, asked, _causes(), min_n=10)
        assert found["note"].tolist() == [note]
        assert found[["effect", "n", "n_treated"]].isna().all(axis=None)
        assert satisfaction.alike(chosen, _causes(), min_n=10).empty


def test_who_has_nobody_alike_is_left_out_and_counted():
    rng = np.random.default_rng(10)
    asked = _asked([9, 3] * 200, exposure=rng.choice(["late", "in_time"], 400), segment=["a"] * 300 + ["b"] * 100)
    asked.loc[300:, "exposure"] = "in_time"  # nobody of b was late
    chosen = satisfaction.weighted(satisfaction.scored(asked))
    found = satisfaction.cause(chosen, asked, _causes(covariates=["segment"]), min_n=10).set_index("estimand")
    assert found.loc["ATT", ["n", "n_alone"]].tolist() == [300, 100]
    assert np.isfinite(found.loc["ATT", "effect"])


def test_a_covariate_that_tells_who_met_it_leaves_nobody_to_compare():
    asked = _asked([9, 3] * 40, exposure=["late"] * 40 + ["in_time"] * 40, orders_before=[9] * 40 + [0] * 40)
    chosen = satisfaction.weighted(satisfaction.scored(asked))
    found = satisfaction.cause(chosen, asked, _causes(), min_n=10).set_index("estimand")
    assert found.loc["ATT", "note"] == "orders_before tells who met it: none are alike"
    assert np.isnan(found.loc["ATT", "effect"])
    apart = asked.assign(orders_before=0, segment=["a"] * 40 + ["b"] * 40)
    chosen = satisfaction.weighted(satisfaction.scored(apart))
    found = satisfaction.cause(chosen, apart, _causes(covariates=["segment"]), min_n=10)
    assert found["note"].tolist() == ["too few customers met it"]  # of those who have somebody alike


def test_few_who_met_it_are_told_by_the_outcomes_model_alone():
    rng = np.random.default_rng(16)
    before, late = rng.poisson(3, 600), np.arange(600) < 14
    score = np.clip(np.rint(6 + 0.5 * before - 3 * late + rng.normal(0, 1, 600)), 0, 10).astype(int)
    asked = _asked(score, exposure=np.where(late, "late", "in_time"), orders_before=before)
    asked["segment"] = rng.choice(["a", "b", "c"], 600)
    chosen = satisfaction.weighted(satisfaction.scored(asked))
    found = satisfaction.cause(chosen, asked, _causes(), min_n=10)
    assert found["estimand"].tolist() == ["raw difference", "ATT"]  # 14 for three covariates: no logit, no ATE
    x = np.column_stack([np.ones(600), np.log1p(before), asked["segment"] == "a", asked["segment"] == "b"]).astype(
        float
    )
    fit = np.linalg.lstsq(x[~late], _points(score)[~late], rcond=None)[0]
    assert found["effect"][1] == pytest.approx((_points(score) - x @ fit)[late].mean())
    assert satisfaction.alike(chosen, _causes(), min_n=10).empty


def test_incompleteness_is_judged_of_orders_that_arrived_only():
    asked = _asked([9, 3] * 40, short=[True] * 20 + [False] * 60)
    asked["exposure"] = ["in_time"] * 60 + ["overdue"] * 20
    chosen = satisfaction.weighted(satisfaction.scored(asked))
    found = satisfaction.cause(chosen, asked, _causes("short", ["orders_before"], later=True), min_n=10)
    assert (found["n"] == 60).all()
    assert (found["n_treated"] == 20).all()
    att = found.set_index("estimand").loc["ATT"]
    assert att["lost"] == pytest.approx(att["effect"] * 20 / 80)  # of all answers, also those not compared
    assert found["declared_later"].all()


@pytest.mark.parametrize("scores", [[], [9], [10] * 40, [None] * 5], ids=["none", "one", "all promote", "silent"])
def test_degenerate_answers_give_no_number_anywhere(scores):
    rng = np.random.default_rng(9)
    asked = _asked(scores, exposure=np.resize(["late", "in_time"], len(scores)))
    chosen = satisfaction.weighted(satisfaction.scored(asked))
    assert satisfaction.silence(chosen, reference=0.0)["representativity"].isna().all() or scores[0] is None
    assert satisfaction.importance(chosen, min_n=3, rng=rng).empty
    assert satisfaction.penalty_reward(chosen, asked, min_n=3).empty
    assert np.isnan(satisfaction.break_of(chosen, "late", rng=rng)["break"])
    cause = satisfaction.cause(chosen, asked, _causes(), min_n=3)
    assert cause["effect"].isna().all()
    assert (cause["note"] != "").all()
    assert satisfaction.change(chosen, chosen, rng=rng, draws=5)["points"].abs().sum() == pytest.approx(0)


# -- worth ------------------------------------------------------------------------------------------------


def _followed(rng, n, *, slope, **more):
    score = rng.choice([3, 8, 10], n, p=[0.3, 0.3, 0.4])
    before = rng.gamma(2, 5_000, n).round()
    after = (20_000 + slope * _points(score) / 100 + 2_000 * np.log1p(before) + rng.normal(0, 3_000, n)).round()
    asked = _asked(score, revenue_to=before, revenue_after=after, margin_to=before / 4, margin_after=after / 4)
    asked = asked.assign(orders_to=2, orders_after=1, days=91).assign(**more)
    return satisfaction.scored(asked)


def test_worth_is_the_planted_difference_given_what_was_bought_before():
    found = satisfaction.worth(_followed(np.random.default_rng(11), 4000, slope=1_000), min_n=10)
    found = found.set_index(["money", "what"])
    promoter = found.loc[("net revenue", "promoter against detractor")]
    assert promoter["effect_low"] < 2_000 < promoter["effect_high"]
    assert promoter["settled"]
    # a point of NPS moves the values of 1,000 customers by 10 in all: 10 x the slope
    point = found.loc[("net revenue", "a point of NPS per 1,000 customers")]
    assert point["effect_low"] < 10_000 < point["effect_high"]
    margin = found.loc[("margin before cost to serve", "promoter against detractor")]
    assert margin["effect"] == pytest.approx(promoter["effect"] / 4)
    assert found.loc[("net revenue", "detractors"), "n"] > 1_000
    assert (found["days"] == 91).all()


def test_promoters_against_detractors_is_their_difference_wherever_passives_stand():
    rows = _followed(np.random.default_rng(16), 6000, slope=1_000)
    rows["revenue_after"] += 5_000 * (rows["value"] == 0)  # passives buy most
    found = satisfaction.worth(rows, min_n=10).set_index(["money", "what"])
    promoter = found.loc[("net revenue", "promoter against detractor")]
    assert promoter["effect_low"] < 2_000 < promoter["effect_high"]


def test_worth_without_an_effect_or_without_buyers_is_not_settled():
    found = satisfaction.worth(_followed(np.random.default_rng(12), 4000, slope=0), min_n=10)
    assert not found["settled"].any()
    few = satisfaction.worth(_followed(np.random.default_rng(13), 400, slope=0, orders_after=0), min_n=10)
    assert few["note"].unique().tolist() == ["too few customers bought again"]
    alone = _followed(np.random.default_rng(14), 400, slope=0)
    alone = satisfaction.worth(alone[alone["value"] != 0], min_n=10)
    assert alone["note"].unique().tolist() == ["a class holds too few customers"]


def test_goods_whose_cost_is_not_known_have_no_margin():
    rows = _followed(np.random.default_rng(15), 400, slope=0)
    rows["margin_after"] = rows["margin_after"].where(np.arange(400) % 20 > 0)
    assert satisfaction.worth(rows, min_n=10)["money"].unique().tolist() == ["net revenue"]
    assert satisfaction.worth(rows.iloc[:0], min_n=10).empty


def test_the_score_of_the_period_before_is_the_reference_if_it_is_of_the_same_measure():
    now, before = (satisfaction.weighted(satisfaction.scored(_asked(x))) for x in ([9, 3, 3], [9, 9, 8, 3]))
    assert satisfaction.reference(now, before) == pytest.approx(25)
    assert satisfaction.reference(now, before.iloc[:0]) == 0
    pairs = satisfaction.comparisons(
        satisfaction.scored(_asked([9, 8] * 20 + [3, 8] * 20, segment=["a"] * 40 + ["b"] * 40))
    )
    assert pairs[["group_a", "group_b", "settled"]].values.tolist() == [["a", "b", True]]
    assert pairs["difference"].tolist() == pytest.approx([100])

"""Is every answer counted for what it is, and does each failure cost what it costs?"""

import numpy as np
import pandas as pd
import pytest

from toolkit import satisfaction

STARS = [5] * 40 + [4] * 30 + [3] * 15 + [1] * 15


def _asked(scores, **more):
    rows = pd.DataFrame({"item": "recommend", "scale": "nps_0_10", "score": pd.array(scores, "Int64")})
    facts = {"exposure": "in_time", "late_in_the_end": False, "short": False, "damaged": False}
    rows = rows.assign(segment="a", channel="web", region="n", **facts)
    return rows.assign(customer_id=[f"c{i}" for i in range(len(rows))]).assign(**more)


def test_promoters_answer_nine_or_ten_and_detractors_up_to_six():
    chosen = satisfaction.scored(_asked([*range(11), None]))
    assert chosen["value"].tolist()[:11] == [-1] * 7 + [0, 0] + [1, 1]
    assert chosen["value"].isna().tolist() == [False] * 11 + [True]
    assert satisfaction.name_of(chosen) == "NPS"


@pytest.mark.parametrize(
    ("star_map", "points"),
    # methods a9: 40 % five, 30 % four, 30 % at most three stars (half of them three): 40 - 30, or 40 + 30 - 15.
    [("five_promotes", 40 - 30), ("four_promotes", 70 - 15)],
)
def test_stars_are_a_proxy_under_the_declared_map(star_map, points):
    chosen = satisfaction.scored(_asked(STARS, scale="stars_1_5"), star_map=star_map)
    assert satisfaction.nps(chosen)["nps"].tolist() == pytest.approx([points])
    assert satisfaction.name_of(chosen) == f"NPS proxy ({star_map.replace('_', ' ')})"


def test_both_maps_stand_beside_each_other_and_the_real_question_stands_alone():
    both = satisfaction.both_maps(_asked(STARS, scale="stars_1_5"))
    assert dict(zip(both["measure"], both["nps"].round(9), strict=True)) == {
        "NPS proxy (five promotes)": 10,
        "NPS proxy (four promotes)": 55,
    }
    assert satisfaction.both_maps(_asked([9, 9, 3]))["measure"].tolist() == ["NPS"]


def test_scales_are_never_pooled_and_other_items_left_out():
    asked = pd.concat([_asked([10, 10]), _asked([1, 1, 1], scale="stars_1_5"), _asked([0], item="product")])
    asked = asked.reset_index(drop=True)
    chosen = satisfaction.scored(asked)
    assert satisfaction.nps(chosen)[["n", "nps"]].values.tolist() == [[2, 100.0]]
    account = satisfaction.answer_account(asked, chosen, min_n=1).set_index("rule")
    assert account["invitations"].tolist() == [5, 3, 0, 2, 0]


def test_the_account_says_how_late_the_silent_were_and_shows_nothing_of_a_few():
    asked = _asked([9] * 10 + [None] * 10 + [0] * 2)
    asked["late_in_the_end"] = pd.array([False] * 10 + [True] * 4 + [False] * 6 + [None] * 2, "boolean")
    asked["exposure"] = ["in_time"] * 20 + ["no_order"] * 2
    account = satisfaction.answer_account(asked, satisfaction.scored(asked), min_n=10).set_index("rule")
    silent = account.loc["taken out: not answered by the day of knowledge"]
    assert (silent["invitations"], silent["late_share"]) == (10, pytest.approx(4 / 10))
    assert np.isnan(silent["nps"])
    assert account.loc["left: answers", "nps"] == pytest.approx(100 * (10 - 2) / 12)
    assert account.loc["left: answers", "late_share"] == 0  # of the ten with a promise
    alone = account.loc["of these naming no order"]
    assert alone["invitations"] == 2
    assert alone[["late_share", "nps"]].isna().all()


def test_answers_that_never_arrived_are_an_exposure_and_small_ones_stand_together():
    asked = _asked([9] * 30 + [2] * 20 + [None] * 10 + [0] * 4 + [5] * 3)
    asked["exposure"] = ["in_time"] * 30 + ["overdue"] * 30 + ["cancelled"] * 4 + ["not_due"] * 3
    found = satisfaction.by_exposure(satisfaction.scored(asked), min_n=10).set_index("exposure")
    # seven persons were too few: the overdue, the smallest left, joined them
    assert list(found.index) == ["in time", "(other)"]
    assert found["n"].to_dict() == {"in time": 30, "(other)": 27}
    assert found.loc["(other)", "answered_share"] == pytest.approx(27 / 37)
    assert found["nps"].to_dict() == {"in time": 100, "(other)": -100}
    large = satisfaction.by_exposure(satisfaction.scored(asked), min_n=3).set_index("exposure")
    assert list(large.index) == ["in time", "overdue, not arrived", "not due, not arrived", "cancelled"]


def test_ways_of_acquiring_with_few_customers_stand_together():
    asked = _asked(
        [9] * 12 + [2] * 11 + [8] * 2, fulfilment=["click_and_collect"] * 12 + ["in_store"] * 11 + ["curbside"] * 2
    )
    found = satisfaction.by_way(satisfaction.scored(asked), min_n=10).set_index("fulfilment")
    assert found["n"].to_dict() == {"(other)": 13, "click and collect": 12}
    assert found["nps"].round(6).to_dict() == {"(other)": round(-1100 / 13, 6), "click and collect": 100}


def test_undelivered_answers_are_counted_only_if_they_are_enough():
    asked = _asked([9] * 30 + [2] * 12)
    asked["exposure"] = ["in_time"] * 30 + ["overdue"] * 8 + ["not_due"] * 4
    chosen = satisfaction.scored(asked)
    assert satisfaction.undelivered(chosen, min_n=4)[["n", "nps"]].values.tolist() == [[12, -100.0]]
    # the four that were not due could be found by subtracting the overdue: they are left out
    assert satisfaction.undelivered(chosen, min_n=5)["n"].tolist() == [8]
    assert satisfaction.undelivered(chosen, min_n=9).empty


@pytest.fixture(scope="module")
def world():
    """Answers of a proportional-odds world: late costs 1.2 on the latent scale, short 0.8, and segment b is harder."""
    rng = np.random.default_rng(20260930)
    n = 12_000
    b, late, short = rng.random(n) < 0.4, rng.random(n) < 0.12, rng.random(n) < 0.1
    late = np.where(b, rng.random(n) < 0.25, late)  # b is served worse, and pleased less
    cuts = np.array([-4, -3.6, -3.1, -2.7, -2.3, -1.8, -1.3, -0.6, 0.3, 1.2])
    linear = -1.2 * late - 0.8 * short - 1.5 * b
    noise = rng.logistic(size=n)
    score, on_time = (np.searchsorted(cuts, z + noise) for z in (linear, linear + 1.2 * late))
    asked = _asked(score, segment=np.where(b, "b", "a"), short=short)
    asked["exposure"] = np.where(late, "late", "in_time")
    value = lambda scores: 100 * ((scores >= 9).astype(int) - (scores <= 6))  # noqa: E731
    return asked, {"late": (value(score) - value(on_time))[late].mean(), "share": late.mean()}


def test_the_effect_of_a_failure_is_the_planted_one_and_not_the_raw_difference(world):
    asked, truth = world
    found = satisfaction.failures(satisfaction.scored(asked), min_n=10).set_index("failure")
    late = found.loc["late"]
    # The truth is a mean over about 2,200 answers, each with its own noise: standard error of the estimate about 2.5.
    assert late["effect"] == pytest.approx(truth["late"], abs=2.5)
    assert late["effect_low"] < truth["late"] < late["effect_high"]
    assert late["lost"] == pytest.approx(late["effect"] * truth["share"])
    raw = satisfaction.nps(satisfaction.scored(asked), by=["exposure"]).set_index("exposure")["nps"]
    assert raw["late"] - raw["in_time"] < truth["late"] - 6  # who is late is harder to please too
    assert found.loc[satisfaction.LATE, "effect"] == pytest.approx(late["effect"])


def test_a_dose_that_few_had_is_told_by_no_row():
    answers = pd.DataFrame({"late_s": np.repeat([0, 86_400], [5, 4]), "value": 1, "person": range(9)})
    answers["exposure"] = np.where(answers["late_s"] > 0, "late", "in_time")
    assert satisfaction.by_dose(answers, "late", min_n=10).empty
    assert satisfaction.by_dose(answers, "late", min_n=9)["n"].tolist() == [9]  # one class of all


def test_too_few_who_answered_are_told_by_no_row():
    asked = pd.DataFrame(
        {"exposure": ["in_time"] * 6 + ["overdue"] * 30, "person": range(36), "late_in_the_end": False}
    )
    asked["value"] = pd.array([1] * 6 + [None] * 30, "Int64")
    found = satisfaction.by_exposure(asked, min_n=10)
    assert found.empty
    assert {"exposure", "invited", "nps"} <= set(found)


def test_a_group_that_tells_one_cut_apart_is_left_out_of_the_free_effect_only(world):
    """Three customers who never are promoters: the free model for promoters has no maximum with them."""
    asked = world[0].copy()
    few = asked["score"].notna() & asked.index.isin(asked.index[asked["score"].isin([0, 3, 7])][:3])
    asked.loc[few, "region"] = "far"
    late = satisfaction.failures(satisfaction.scored(asked), min_n=10).set_index("failure").loc[satisfaction.LATE]
    assert asked.loc[few, "score"].nunique() > 1  # told apart from promoters, not from each other
    assert late["effect_free"] == pytest.approx(late["effect"], abs=3)


def test_without_proportional_odds_the_effect_is_the_same_where_they_hold(world):
    late = satisfaction.failures(satisfaction.scored(world[0]), min_n=10).set_index("failure").loc[satisfaction.LATE]
    assert late["effect_free"] == pytest.approx(late["effect"], abs=3)
    assert late["effect_free"] != late["effect"]


def test_the_late_row_stands_alone_and_single_failures_hold_together(world):
    found = satisfaction.failures(satisfaction.scored(world[0]), min_n=10).set_index("failure")
    alone, one = found.loc[satisfaction.LATE], found.loc["late"]
    assert (alone["family"], one["family"]) == (1, 2)
    width = [row["effect_high"] - row["effect_low"] for row in (alone, one)]
    assert width[1] / width[0] == pytest.approx(2.241403 / 1.959964, rel=1e-6)  # R: qnorm(.9875) / qnorm(.975)


def test_a_failure_that_few_met_is_left_out_with_its_answers(world):
    asked = world[0].iloc[:3000].copy()
    asked.loc[asked.index[:5], "exposure"] = "cancelled"
    found = satisfaction.failures(satisfaction.scored(asked), min_n=10).set_index("failure")
    notes = found["note"].to_dict()
    assert notes.pop("cancelled") == "too few customers met it"
    assert [name for name, note in notes.items() if not note] == ["late or overdue", "late", "short"]
    assert {note for note in notes.values() if note} == {"nobody met it"}
    assert found.loc["cancelled", "n_model"] == 2995
    assert found.loc["cancelled", ["n", "share", "effect"]].isna().all()  # five are too few to be shown


def test_late_and_overdue_are_one_failure_where_one_of_them_is_rare(world):
    asked = world[0].copy()
    late = asked.index[asked["exposure"] == "late"]
    asked.loc[late[:4], "exposure"] = "overdue"
    merged = satisfaction.failures(satisfaction.scored(asked), min_n=10).set_index("failure")
    whole = satisfaction.failures(satisfaction.scored(world[0]), min_n=10).set_index("failure")
    assert merged.loc[["late", "overdue, not arrived"], "note"].tolist() == ["counted above"] * 2
    assert merged.loc[satisfaction.LATE, "n"] == len(late)
    assert merged.loc[satisfaction.LATE, "effect"] == pytest.approx(whole.loc[satisfaction.LATE, "effect"])


def test_unknown_quantities_cost_no_answer(world):
    asked = world[0].copy()
    asked["short"] = asked["short"].astype("boolean").where(np.arange(len(asked)) % 3 > 0)
    found = satisfaction.failures(satisfaction.scored(asked), min_n=10).set_index("failure")
    whole = satisfaction.failures(satisfaction.scored(world[0]), min_n=10).set_index("failure")
    assert found.loc["late", "n_model"] == len(asked)
    assert found.loc["late", "effect"] == pytest.approx(whole.loc["late", "effect"], abs=1)


def test_a_failure_whose_answers_are_all_alike_spoils_no_other(world):
    asked = world[0].copy()
    asked.loc[asked.index[:40], ["exposure", "score"]] = ["cancelled", 0]
    found = satisfaction.failures(satisfaction.scored(asked), min_n=10).set_index("failure")
    assert found.loc["cancelled", "note"] == "its answers are all alike, or all others are"
    assert found.loc["late", "effect_high"] < 0


def test_late_or_overdue_counts_only_what_its_effect_is_of(world):
    asked = world[0].copy()
    asked.loc[asked.index[:40], ["exposure", "score"]] = ["overdue", 0]
    found = satisfaction.failures(satisfaction.scored(asked), min_n=10).set_index("failure")
    assert found.loc["overdue, not arrived", "note"] == "its answers are all alike, or all others are"
    assert found.loc[satisfaction.LATE, "n"] == found.loc["late", "n"]
    assert found.loc[satisfaction.LATE, "lost"] == pytest.approx(found.loc["late", "lost"])


def test_points_lost_are_as_unsure_as_the_share_and_the_effect(world):
    late = satisfaction.failures(satisfaction.scored(world[0]), min_n=10).set_index("failure").loc[satisfaction.LATE]
    share_half = 1.959964 * (late["share"] * (1 - late["share"]) / (len(world[0]) - 1)) ** 0.5  # one answer a person
    half = np.hypot(late["share"] * (late["effect_high"] - late["effect"]), late["effect"] * share_half)
    assert late["lost_high"] - late["lost"] == pytest.approx(half, rel=1e-4)


def test_the_other_segments_together_are_never_named():
    scores = pd.DataFrame(
        {"segment": ["(other)", "a", "b"], "nps_low": [9.0, 1.0, -9.0], "nps_high": [10.0, 2.0, -8.0]}
    )
    assert satisfaction.apart(scores) == (None, 2, True)


def test_where_none_is_apart_from_all_two_that_are_apart_are_found():
    ends = {"nps_low": [-50.0, 50.0, 30.0, 24.0, np.nan], "nps_high": [90.0, 61.0, 56.0, 37.0, np.nan]}
    scores = pd.DataFrame({"segment": ["(other)", "consumer", "wholesale", "business", "none"], **ends})
    assert satisfaction.apart(scores) == (1, 3, False)
    assert satisfaction.apart(scores[scores["segment"] != "consumer"].reset_index(drop=True)) == (None, None, True)
    assert satisfaction.apart(scores.iloc[:0]) == (None, None, True)


def test_what_is_not_recorded_is_said_and_not_guessed(world):
    asked = world[0].assign(short=pd.NA, damaged=pd.NA)
    found = satisfaction.failures(satisfaction.scored(asked), min_n=10).set_index("failure")
    assert found.loc[["short", "damaged"], "note"].tolist() == ["not recorded"] * 2
    assert found.loc["late", "n_model"] == len(asked)


@pytest.mark.parametrize(
    ("scores", "exposure", "note"),
    [
        ([], [], "there is no answer"),
        ([9] * 40, ["late"] * 20 + ["in_time"] * 20, "all answers are alike"),
        ([0] * 20 + [9, 10] * 10, ["late"] * 20 + ["in_time"] * 20, "its answers are all alike, or all others are"),
        ([9, 3] * 20, ["late"] * 40, "it goes with another failure or group"),
    ],
    ids=["no answer", "all alike", "told apart", "all late"],
)
def test_degenerate_answers_give_a_reason_and_no_number(scores, exposure, note):
    asked = _asked(scores)
    asked["exposure"] = pd.Series(exposure, dtype="str")
    found = satisfaction.failures(satisfaction.scored(asked), min_n=10)
    assert found["effect"].isna().all()
    assert found.set_index("failure").loc[satisfaction.LATE, "note"] == note


def test_the_worst_failure_is_a_settled_loss_apart_from_the_others():
    costs = pd.DataFrame({"note": ["", "", "", "nobody met it"], "lost_low": [-9.0, -5.0, -2.0, np.nan]})
    costs["lost_high"] = [-7.0, -3.0, -1.0, np.nan]
    assert satisfaction.worst(costs) == 0  # the first row is late or overdue, and is not among them
    assert satisfaction.worst(costs.assign(lost_high=[-7, -1.5, -1, np.nan])) is None
    assert satisfaction.worst(costs.drop(index=2)) == 0  # the only one that is known
    assert satisfaction.worst(costs.drop(index=2).assign(lost_high=1.0)) is None


def test_key_figures_have_the_columns_of_the_archive(world):
    chosen = satisfaction.scored(world[0])
    by = ["segment", "channel"]
    costs = satisfaction.failures(chosen, min_n=10)
    figures = satisfaction.key_figures([satisfaction.nps(chosen), satisfaction.nps(chosen, by=by)], costs)
    assert figures["figure_id"].tolist() == ["nps"] * 3 + [
        "nps_lost_late_or_overdue",
        "nps_lost_late",
        "nps_lost_short",
    ]
    assert figures["segment"].tolist() == ["", "a", "b", "", "", ""]
    assert (figures["low"] < figures["value"]).all()
    assert set(figures["unit"]) == {"points"}


def test_what_decisions_did_is_kept_where_something_may_be_concluded():
    rows = [
        ("Parcels: other carrier", satisfaction.ORDERS_LATE, -10.0, -15.0, -5.0, "settled"),
        ("Parcels: other carrier", "NPS", 4.0, -1.0, 9.0, "not settled, no placebo"),
        ("later", satisfaction.ORDERS_LATE, -3.0, -5.0, -1.0, "did not move alike before"),
        ("later", "NPS", None, None, None, "too few customers"),
    ]
    names = ["decision", "outcome", "effect", "effect_low", "effect_high", "verdict"]
    changed = pd.DataFrame(rows, columns=names).assign(n=[90, 40, 90, 5])
    groups = [pd.DataFrame({"nps": [30.0], "nps_low": 20.0, "nps_high": 40.0, "n": 50})]
    none = pd.DataFrame(columns=["note", "failure", "n_model", "lost", "lost_low", "lost_high"])
    found = satisfaction.key_figures(groups, none, None, changed).iloc[1:]
    kept = ["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]
    assert found[kept].values.tolist() == [
        ["decided_late_parcels_other_carrier", "2.9", "orders", "", "", -0.1, -0.15, -0.05, 90, "share"],
        ["decided_nps_parcels_other_carrier", "2.9", "scores", "", "", 4.0, -1.0, 9.0, 40, "points"],
    ]

"""Are floors, indices, fields, leans and room what constructed cases say? No published number exists for them."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from toolkit import company, disciplines, rules
from toolkit.errors import ParamsError

ANCHORS = pd.DataFrame(
    [("operational_excellence", "cost_per_order", 1000.0, 500.0, 1.0),
     ("operational_excellence", "perfect", 0.5, 1.0, 3.0),
     ("customer_intimacy", "nps", 0.0, 50.0, 1.0),
     ("customer_intimacy", "retention", 0.5, 1.0, 1.0),
     ("product_leadership", "new_share", 0.0, 0.2, 1.0)],
    columns=["discipline", "measure", "threshold", "excellent", "weight"],
)  # fmt: skip
NO_FLOORS = pd.DataFrame({"segment": [], "verdict": []}, dtype="str")
INTENDED = pd.DataFrame([("a", "customer_intimacy")], columns=["segment", "discipline"])


def _rows(told: dict[tuple[str, str, str], tuple[float, float]], people: int = 40) -> pd.DataFrame:
    """By measure, segment, channel: the value of each of some people, and by how much every second one lies off it."""
    rows = []
    for (measure, segment, channel), (value, off) in told.items():
        for i in range(people):
            x = value + off * (1 if i % 2 else -1)
            rows.append((measure, segment, channel, f"{segment}{i}", x, 1.0, x * x))
    return pd.DataFrame(rows, columns=["measure", "segment", "channel", "person", "numerator", "denominator", "square"])


def _position(rows, floors=NO_FLOORS, anchors=ANCHORS, **more):
    return disciplines.position(
        rows, anchors, INTENDED, floors, min_n=10, rng=np.random.default_rng(1), **more
    )  # fmt: skip


def test_an_index_is_the_weighted_mean_from_threshold_to_excellence():
    rows = _rows({
        ("cost_per_order", "a", "web"): (750, 0), ("perfect", "a", "web"): (0.9, 0), ("nps", "a", "web"): (10, 0),
        ("retention", "a", ""): (0.6, 0),
    })  # fmt: skip
    found = _position(rows)
    values = found.measures.set_index("measure")["value"].to_dict()
    assert values == pytest.approx({"cost_per_order": 0.5, "perfect": 0.8, "nps": 0.2, "retention": 0.2})
    index = found.indices.set_index("discipline")["index"].to_dict()
    assert index == pytest.approx({"operational_excellence": (0.5 + 3 * 0.8) / 4, "customer_intimacy": 0.2})
    lead = found.leads.iloc[0]
    assert (lead["discipline"], lead["verdict"], lead["intended"]) == (
        "operational_excellence", "leads", "customer_intimacy",
    )  # fmt: skip
    assert lead["distance"] == pytest.approx(0.525)
    assert (lead["distance_low"], lead["distance_high"]) == pytest.approx((0.525, 0.525))
    assert lead["held"] == 1.0  # both of its values are above both of the other's


def test_a_failed_floor_outranks_any_lead():
    rows = _rows({
        ("cost_per_order", "a", "web"): (500, 0), ("perfect", "a", "web"): (1, 0), ("nps", "a", "web"): (0, 0),
        ("retention", "a", ""): (0.5, 0),
    })  # fmt: skip
    floors = pd.DataFrame({"segment": ["a", "b", "a"], "verdict": ["failed", "failed", "kept"]})
    lead = _position(rows, floors).leads.iloc[0]
    assert (lead["floors"], lead["verdict"], lead["settled"]) == (1, "a floor fails", True)


def test_no_lead_where_the_interval_holds_nought_and_none_where_weights_decide():
    close = _rows({
        ("cost_per_order", "a", "web"): (750, 300), ("perfect", "a", "web"): (0.75, 0.2), ("nps", "a", "web"): (26, 60),
        ("retention", "a", ""): (0.75, 0.3),
    })  # fmt: skip
    lead = _position(close).leads.iloc[0]
    assert lead["distance_low"] < 0 < lead["distance_high"]
    assert lead["verdict"] == "no clear lead"
    mixed = _rows({
        ("cost_per_order", "a", "web"): (500, 0), ("perfect", "a", "web"): (0.65, 0), ("nps", "a", "web"): (50, 0),
        ("retention", "a", ""): (0.5, 0),
    })  # fmt: skip
    lead = _position(mixed).leads.iloc[0]  # 1 and .3 (three times the weight) against 1 and 0
    assert (lead["settled"], lead["verdict"]) == (True, "hangs on the weights")
    assert 0.3 < lead["held"] < 0.9


def test_a_discipline_is_compared_only_with_half_of_its_weight():
    rows = _rows({
        ("cost_per_order", "a", "web"): (500, 0),  # a quarter of the weight, and excellent
        ("nps", "a", "web"): (10, 0), ("retention", "a", ""): (0.6, 0), ("new_share", "a", ""): (0.02, 0),
    })  # fmt: skip
    found = _position(rows)
    known = found.indices.set_index("discipline")["known"].to_dict()
    assert known == pytest.approx({"operational_excellence": 0.25, "customer_intimacy": 1, "product_leadership": 1})
    assert found.leads["discipline"].tolist() == ["customer_intimacy"]
    few = _position(_rows({("perfect", "a", "web"): (0.9, 0), ("nps", "a", "web"): (10, 0)}, people=9))
    assert few.measures.empty
    assert few.leads.empty


def test_other_weights_are_drawn_around_the_declared_ones():
    anchors = ANCHORS.iloc[:2].assign(weight=[1.0, 9.0])
    rows = _rows({("cost_per_order", "a", "web"): (1000, 0), ("perfect", "a", "web"): (1, 0)})  # worth 0 and 1
    found = disciplines._Values(rows, anchors, 10)
    tried = found.weighed(np.array([0.0, 1.0]), np.random.default_rng(1))[:, 0]
    assert tried.mean() == pytest.approx(0.9, abs=0.01)
    assert tried.std() == pytest.approx((0.9 * 0.1 / 11) ** 0.5, rel=0.1)  # of Beta(9, 1)


def test_the_distances_of_segments_hold_together():
    told = {
        ("cost_per_order", "a", "web"): (700, 150), ("perfect", "a", "web"): (0.8, 0.1), ("nps", "a", "web"): (10, 50),
        ("retention", "a", ""): (0.6, 0.2),
    }  # fmt: skip
    several = told | {(name, other, channel): value for (name, _, channel), value in told.items() for other in "bcd"}
    one, four = (_position(_rows(each)).leads.iloc[0] for each in (told, several))  # the same draws for the first
    widths = [row["distance_high"] - row["distance_low"] for row in (one, four)]
    assert 1.15 < widths[1] / widths[0] < 1.45  # 2.50 normal deviates in place of 1.96


def test_values_are_cut_and_a_spread_is_one_of_the_rows():
    anchors = pd.DataFrame(
        [("operational_excellence", "lead_time_sd", 3.0, 0.0, 1.0), ("customer_intimacy", "nps", 0.0, 10.0, 1.0)],
        columns=ANCHORS.columns,
    )
    found = _position(_rows({("lead_time_sd", "a", "web"): (5, 1.5), ("nps", "a", "web"): (99, 0)}), anchors=anchors)
    told = found.measures.set_index("measure")
    assert told.loc["lead_time_sd", "x"] == pytest.approx(1.5)
    assert told["value"].to_dict() == pytest.approx({"lead_time_sd": 0.5, "nps": 1.5})  # cut


def test_the_interval_of_an_index_covers_the_truth():
    """200 samples of 60 persons: a 95 % interval misses 10 times; more than 21 in fewer than 1 of 1,000."""
    anchors, missed = ANCHORS.iloc[2:4], 0
    for seed in range(200):
        rng = np.random.default_rng([7, seed])
        scores, back = rng.choice([-100.0, 0, 100], 60, p=[0.2, 0.3, 0.5]), rng.random(60) < 0.8
        rows = pd.DataFrame({
            "measure": ["nps"] * 60 + ["retention"] * 60, "segment": "a", "channel": "",
            "person": [f"p{i}" for i in range(60)] * 2, "numerator": np.append(scores, back), "denominator": 1.0,
            "square": 0.0,
        })  # fmt: skip
        row = _position(rows, anchors=anchors).indices.iloc[0]
        missed += not row["index_low"] <= (0.6 + 0.6) / 2 <= row["index_high"]
    assert missed <= 21


# -- floors ----------------------------------------------------------------------------------------


def _due(n: int, late: int, **more) -> pd.DataFrame:
    rows = pd.DataFrame({
        "order_id": [f"O{i}" for i in range(n)], "customer_id": [f"c{i}" for i in range(n)], "segment": "a",
        "channel": "web", "cancelled": False, "late": [i < late for i in range(n)], "n_lines": 2,
        "n_lines_in_full": [1 if i < late // 2 else 2 for i in range(n)], "n_lines_perfect": 2, "early": None,
        "in_window": None, "quantity_ordered": 2, "quantity_delivered": 2,
    })  # fmt: skip
    return rows.assign(**more)


def _floors(*rows: tuple[str, float, str, str, str, int]) -> pd.DataFrame:
    names = ["measure", "at_least", "segment", "channel", "department", "hours"]
    return pd.DataFrame(rows, columns=names).assign(position=range(len(rows)))


CONTACTS = pd.DataFrame({
    "event_id": range(40), "order_id": [f"O{i}" for i in range(40)], "customer_id": [f"c{i}" for i in range(40)],
    "segment": "a", "channel": "web", "kind": ["complaint"] * 20 + ["question"] * 20,
    "department": ["sales"] * 30 + ["desk"] * 10, "wait_s": [3600] * 25 + [90_000] * 15,
    "answered": True, "in_period": True,
    "of_period": [True] * 10 + [False] * 30,
})  # fmt: skip
BEFORE = CONTACTS.assign(event_id=range(40, 80), wait_s=10**6, in_period=False, of_period=False)  # of another period
WISHES = pd.DataFrame({"person": range(50), "segment": "a", "outcome": ["not_ranged"] * 10 + ["bought"] * 40})


def test_floors_fail_are_kept_or_neither():
    due = _due(400, 60)
    gone = _due(90, 90).assign(order_id=[f"X{i}" for i in range(90)], cancelled=True)
    due, told = pd.concat([due, gone], ignore_index=True), pd.concat([CONTACTS, BEFORE], ignore_index=True)
    frames = {"order_service": due, "orders": due, "contacts": told, "wishes": WISHES}
    floors = _floors(
        ("on_time", 0.95, "", "", "", 24), ("on_time", 0.6, "", "", "", 24), ("on_time", 0.85, "", "", "", 24),
        ("free_of_complaint", 0.9, "", "", "", 24), ("answered_in_time", 0.9, "", "", "sales", 24),
        ("answered_in_time", 0.8, "", "", "", 26), ("ranged", 0.5, "a", "", "", 24), ("otif", 0.5, "", "", "", 24),
        ("line_fill", 0.5, "", "", "", 24), ("on_time", 0.5, "a", "app", "", 24),
    )  # fmt: skip
    found = disciplines.thresholds(floors, frames, min_n=10)
    assert found["verdict"].tolist() == [
        "failed", "kept", "not settled", "kept", "not settled", "kept", "kept", "kept", "kept", "too few to say",
    ]  # fmt: skip
    assert found["n"].tolist()[:9] == [400, 400, 400, 400, 30, 40, 50, 400, 800]
    assert found["value"].tolist()[:9] == pytest.approx(
        [0.85, 0.85, 0.85, 390 / 400, 25 / 30, 1.0, 0.8, 0.85, 770 / 800]
    )
    effect = 400 / 399  # each person has one order: no more than the n - 1 of a variance
    low, high = proportion_confint(340 / effect, 400 / effect, alpha=0.05 / 10, method="wilson")
    assert found[["value_low", "value_high"]].iloc[0].tolist() == pytest.approx([low, high])


def test_persons_and_not_orders_make_a_floor_sure():
    """40 orders of 10 persons, each all late or none: as sure as 10."""
    due = _due(40, 0)
    due = due.assign(customer_id=[f"c{i // 4}" for i in range(40)], late=[i // 4 < 3 for i in range(40)])
    frames = {"order_service": due, "orders": due, "contacts": CONTACTS.iloc[:0], "wishes": WISHES}
    floors = _floors(("on_time", 0.5, "", "", "", 24), ("free_of_complaint", 0.5, "", "", "", 24))
    found = disciplines.thresholds(floors, frames, min_n=10).iloc[0]
    effect = 4 * 10 / 9
    low, high = proportion_confint(28 / effect, 40 / effect, alpha=0.05 / 2, method="wilson")
    assert [found["value_low"], found["value_high"]] == pytest.approx([low, high])
    whole = disciplines.thresholds(floors, frames | {"order_service": due.assign(late=False)}, min_n=10)
    low, _ = proportion_confint(10, 10, alpha=0.05 / 2, method="wilson")  # nothing tells how alike a person's are
    assert whole["value_low"].iloc[0] == pytest.approx(low)
    both = _floors(("on_time", 0.5, "", "", "", 24), ("in_full", 0.5, "", "", "", 24))
    told = disciplines.thresholds(both, frames | {"order_service": due.assign(n_lines_in_full=2)}, min_n=10)
    usual = (effect - 1) / 3  # as alike as being late is
    low, _ = proportion_confint(40 / min(1 + 3 * usual, 4), 40 / min(1 + 3 * usual, 4), alpha=0.05 / 2, method="wilson")
    assert told["value_low"].tolist()[1] == pytest.approx(low)
    assert whole["verdict"].tolist() == ["kept", "not on record"]  # nobody's complaints are on record
    assert disciplines.thresholds(floors, frames, min_n=11)["verdict"].tolist() == ["too few to say", "not on record"]


def test_orders_of_which_nothing_is_known_make_no_person():
    due = _due(15, 0).assign(n_lines=pd.array([2, 2] + [None] * 13, dtype="Int64"))
    frames = {"order_service": due, "orders": due, "contacts": CONTACTS, "wishes": WISHES}
    found = disciplines.thresholds(_floors(("in_full", 0.5, "", "", "", 24)), frames, min_n=10)
    assert found["verdict"].tolist() == ["too few to say"]


def test_persons_who_are_not_alike_count_by_their_orders():
    """One order late of each of ten: being late tells of no likeness, so 40 in full of 40 are 40."""
    due = _due(40, 0).assign(customer_id=[f"c{i // 4}" for i in range(40)], late=[i % 4 == 0 for i in range(40)])
    frames = {"order_service": due, "orders": due, "contacts": CONTACTS, "wishes": WISHES}
    both = _floors(("on_time", 0.5, "", "", "", 24), ("in_full", 0.5, "", "", "", 24))
    low, _ = proportion_confint(40, 40, alpha=0.05 / 2, method="wilson")
    assert disciplines.thresholds(both, frames, min_n=10)["value_low"].tolist()[1] == pytest.approx(low)


def test_what_is_not_on_record_fails_no_floor():
    unlocks = pd.DataFrame({
        "table": ["service_events", "deliveries", "orders", "campaigns", "activities"],
        "columns": ["answered_at", "carrier, delivered_at", "agreement_id", "template_id", ""],
    })  # fmt: skip
    untold = disciplines.lacking(unlocks)
    assert untold == {
        "answered_in_time", "on_time", "in_full", "otif", "perfect", "line_fill", "lead_time_sd", "standard_share",
        "tailored_share", "campaign_repeats", "cost_per_order",
    }  # fmt: skip
    assert "cost_per_order" not in disciplines.lacking(unlocks, assumed=True)
    due = _due(40, 40)
    frames = {"order_service": due, "orders": due, "contacts": CONTACTS, "wishes": WISHES}
    floors = _floors(("on_time", 0.9, "", "", "", 24), ("free_of_complaint", 0.5, "", "", "", 24))
    found = disciplines.thresholds(floors, frames, min_n=10, untold=untold)
    assert found["verdict"].tolist() == ["not on record", "kept"]


def test_an_answer_that_may_still_come_in_time_is_not_counted():
    waiting = CONTACTS.assign(answered=[True] * 20 + [False] * 20, wait_s=[3600] * 30 + [90_000] * 10)
    due = _due(40, 0)
    frames = {"order_service": due, "orders": due, "contacts": waiting, "wishes": WISHES}
    found = disciplines.thresholds(_floors(("answered_in_time", 0.5, "", "", "", 24)), frames, min_n=10).iloc[0]
    assert (found["n"], found["value"]) == (30, pytest.approx(20 / 30))


def test_a_channel_is_held_against_its_segment_over_its_own_measures():
    """Both channels alike in what both have; the score, which only the store has, lies on the other side."""
    rows = _rows({
        ("perfect", "a", "web"): (0.6, 0.02), ("retention", "a", "web"): (0.8, 0.02),
        ("perfect", "a", "store"): (0.6, 0.02), ("retention", "a", "store"): (0.8, 0.02),
        ("cost_per_order", "a", "store"): (250, 5),
    })  # fmt: skip
    anchors = ANCHORS.replace({"measure": {"retention": "tailored_share"}}).assign(weight=[9.0, 1, 1, 1, 1])
    rows = rows.replace({"measure": {"retention": "tailored_share"}})
    found = disciplines.leans(rows, anchors, min_n=10, rng=np.random.default_rng(2)).set_index("channel")
    assert found.loc["", "lean"] > 0 > found.loc["web", "lean"]
    assert not found["otherwise"].any()


def test_a_floor_without_a_segment_is_asked_of_each():
    due = pd.concat([_due(30, 0), _due(30, 0, segment="b"), _due(30, 0, segment="(other)")])
    frames = {"order_service": due, "orders": due, "contacts": CONTACTS, "wishes": WISHES}
    found = disciplines.thresholds(_floors(("on_time", 0.5, "", "", "", 24)), frames, min_n=10)
    assert found["segment"].tolist() == ["a", "b"]


# -- what persons add, felt, leans, departments, room ------------------------------------------------


def test_contributions_are_sums_by_person():
    due = _due(3, 1, arrived=True, cycle_s=[86_400, 172_800, 259_200]).assign(customer_id=["x", "x", "y"])
    none = pd.DataFrame()
    frames = {
        "orders": due, "order_service": due, "served": due.assign(cost=[100, 200, 600]),
        "answers": pd.DataFrame({"person": ["x", "y"], "segment": "a", "channel": "web", "value": [1, None]}),
        "invitations": pd.DataFrame({
            "item": ["product", "product", "recommend"], "score": [7, 6, 9], "scale": "nps_0_10",
            "customer_id": ["x", "y", "y"], "segment": "a", "channel": "web",
        }),
        "campaign_reach": pd.DataFrame(
            {"customer_id": ["x", "y"], "segment": "a", "use": [1, 2], "held_out": [False, True]}
        ),
        "segments": pd.DataFrame({"customer_id": ["x", "y", "z"], "segment": "a", "n_orders_in_period": [2, 0, 1]}),
        "customers_before": pd.DataFrame({"customer_id": ["x", "y", "z"], "n_orders": [1, 2, 0]}),
        "breadth": pd.DataFrame({
            "customer_id": ["x", "y"], "segment": "a", "net_revenue": [900, 500], "cost_of_goods": [400, None],
            "n_categories": [3, 2],
        }),
        "wishes": pd.DataFrame({"person": ["x", "q"], "segment": ["a", "(unknown)"], "outcome": ["bought", "bought"]}),
        "novelty": pd.DataFrame({"customer_id": ["x"], "segment": "a", "net_revenue": [900], "new_revenue": [90]}),
    }  # fmt: skip
    tailored = pd.Series({"O0": True, "O1": False})
    rows = disciplines.contributions(frames, tailored)
    told = {
        (row.measure, row.person): (row.numerator, row.denominator) for row in rows.itertuples()
    }  # fmt: skip
    assert told == {
        ("cost_per_order", "x"): (300, 2), ("cost_per_order", "y"): (600, 1), ("lead_time_sd", "x"): (3, 2),
        ("lead_time_sd", "y"): (3, 1), ("perfect", "x"): (2, 2), ("perfect", "y"): (1, 1), ("nps", "x"): (100, 1),
        ("campaign_repeats", "x"): (0, 1), ("retention", "x"): (1, 1), ("retention", "y"): (0, 1),
        ("value_a_year", "x"): (500, 1), ("categories", "x"): (3, 1), ("product_felt", "x"): (1, 1),
        ("product_felt", "y"): (0, 1), ("ranged", "x"): (1, 1), ("new_share", "x"): (90, 900),
        ("tailored_share", "x"): (1, 2), ("standard_share", "x"): (1, 2),
    }  # fmt: skip
    squares = rows.set_index(["measure", "person"])["square"]
    assert squares["lead_time_sd", "x"] == 1 + 4
    assert none.empty
    assert "tailored_share" not in set(disciplines.contributions(frames, None)["measure"])


def _answers(n: int, content: int, segment: str, first: int) -> pd.DataFrame:
    return pd.DataFrame({
        "item": "felt_personal", "score": [8] * content + [3] * (n - content), "scale": "nps_0_10", "segment": segment,
        "customer_id": [f"{segment}{i}" for i in range(first, first + n)],
    })  # fmt: skip


def test_the_four_fields():
    asked = pd.concat([
        _answers(60, 55, "a", 0), _answers(60, 5, "a", 100), _answers(60, 55, "b", 0), _answers(60, 30, "b", 100),
        _answers(60, 4, "c", 0), _answers(5, 5, "c", 100),
    ])  # fmt: skip
    tailored = {f"a{i}" for i in range(100, 200)} | {f"b{i}" for i in range(60)}
    found = disciplines.felt(asked, tailored, item="felt_personal", at_least=0.5, min_n=10)
    told = found.set_index(["segment", "design"])["field"].to_dict()
    assert told == {
        ("a", "standard"): "standard, felt personal", ("a", "tailored"): "tailored, not felt",
        ("b", "tailored"): "tailored, felt personal", ("b", "standard"): "not settled",
        ("c", "standard"): "standard, not felt",
    }  # fmt: skip
    assert disciplines.felt(asked, tailored, item="other", at_least=0.5, min_n=10).empty
    assert disciplines.felt(asked, None, item="felt_personal", at_least=0.5, min_n=10).empty
    few = asked[asked["segment"] == "c"].tail(5)
    assert disciplines.felt(few, set(), item="felt_personal", at_least=0.5, min_n=10).empty


def test_a_channel_that_leans_otherwise_is_named():
    rows = _rows({
        ("perfect", "a", "web"): (0.95, 0.02), ("nps", "a", "web"): (5, 3), ("perfect", "a", "phone"): (0.55, 0.02),
        ("nps", "a", "phone"): (45, 3), ("perfect", "a", "app"): (0.9, 0.02), ("nps", "a", "app"): (6, 3),
    })  # fmt: skip
    found = disciplines.leans(rows, ANCHORS, min_n=10, rng=np.random.default_rng(2)).set_index("channel")
    assert list(found.index) == ["", "app", "phone", "web"]
    assert found.loc["", "lean"] == pytest.approx((0.8 - 0.5) / 0.5 - (56 / 3) / 50)
    assert found["otherwise"].to_dict() == {"": False, "app": False, "phone": True, "web": False}
    alone = disciplines.leans(rows[rows["measure"] == "nps"], ANCHORS, min_n=10, rng=np.random.default_rng(2))
    assert alone.empty


def test_the_channels_of_a_segment_hold_together():
    one = {("perfect", "a", "web"): (0.75, 0.2), ("nps", "a", "web"): (25, 40)}
    three = one | {(name, "a", channel): value for (name, _, _), value in one.items() for channel in ("x", "y")}
    widths = []
    for told in (one, three):
        found = disciplines.leans(_rows(told), ANCHORS, min_n=10, rng=np.random.default_rng(2)).set_index("channel")
        widths.append(found.loc["web", "lean_high"] - found.loc["web", "lean_low"])
    assert 1.1 < widths[1] / widths[0] < 1.35  # 2.39 normal deviates in place of 1.96


def test_departments_tailor_or_keep_the_standard():
    terms = pd.DataFrame({
        "agreement_id": [f"A{i}" for i in range(60)] * 2, "customer_id": [f"c{i}" for i in range(60)] * 2,
        "segment": "a", "term": ["days"] * 60 + ["window"] * 60, "department": ["sales"] * 60 + ["desk"] * 60,
        "weight": 1,
    })  # fmt: skip
    deviating = pd.DataFrame(
        {"agreement_id": [f"A{i}" for i in range(50)] + ["A0"], "term": ["days"] * 50 + ["window"]}
    )
    found = disciplines.departments(terms, deviating, min_n=10).set_index("department")
    assert found.loc["sales", "k"] == 50
    assert found.loc["desk", ["k", "share"]].isna().all()  # one customer is not told
    assert found["verdict"].to_dict() == {"desk": "keeps the standard", "sales": "tailors"}
    assert disciplines.departments(terms, deviating, min_n=61).empty
    rare = terms.assign(department=["Jan", "Piet", *["sales"] * 58, *["desk"] * 60])  # named by one term each
    assert set(disciplines.departments(rare, deviating, min_n=10)["department"]) == {"(other)", "desk", "sales"}
    assert disciplines.departments(terms.iloc[:0], deviating, min_n=1).empty


def test_room_is_what_came_free_for_certain():
    people = [f"c{i}" for i in range(50)]
    now = pd.DataFrame({"segment": "a", "customer_id": people, "cost": 900.0, "n_orders": 2.0})
    before = now.assign(cost=[1100.0 + (i % 5) for i in range(50)])
    found = disciplines.room(now, before, band=[0.2, 0.5], days=92, min_n=10, rng=np.random.default_rng(1)).iloc[0]
    freed = (1102 / 2 - 900 / 2) * 100 * 365.25 / 92
    assert (found["freed"], found["came_free"]) == (pytest.approx(freed), True)
    assert [found["spend_low"], found["spend_high"]] == pytest.approx([0.2 * freed, 0.5 * freed])
    unsure = before.assign(cost=[100.0 if i % 2 else 1800.0 for i in range(50)])
    told = disciplines.room(now, unsure, band=[0.2, 0.5], days=92, min_n=10, rng=np.random.default_rng(1)).iloc[0]
    assert (told["freed"] > 0, told["came_free"]) == (True, False)
    dearer = disciplines.room(before, now, band=[0.2, 0.5], days=92, min_n=10, rng=np.random.default_rng(1)).iloc[0]
    assert not dearer["came_free"]
    assert np.isnan(dearer["spend_low"])
    assert disciplines.room(now, before, band=[0, 1], days=31, min_n=10, rng=np.random.default_rng(1)).empty  # a month
    assert disciplines.room(now, before, band=[0, 1], days=92, min_n=51, rng=np.random.default_rng(1)).empty


def test_costs_of_customers_now_and_then():
    people = pd.DataFrame({"segment": ["a", "b"], "customer_id": ["x", "y"]})
    served = pd.DataFrame({"customer_id": ["x", "x", "z"], "cost": [10, 20, 5]})
    orders = pd.DataFrame({"customer_id": ["x", "y", "y"]})
    now = disciplines.spent(served, orders, people).set_index("customer_id")
    assert now[["cost", "n_orders"]].to_numpy().tolist() == [[30, 1], [0, 2]]
    before = pd.DataFrame({"ago": [4, 4, 1], "customer_id": ["x", "y", "x"], "cost_to_serve": [7, 9, 100]})
    counts = pd.DataFrame({"ago": [4, 1], "customer_id": ["x", "x"], "n_orders": [3, 8]})
    then = disciplines.spent_before(before, counts, people).set_index("customer_id")
    assert then[["cost", "n_orders"]].to_numpy().tolist() == [[7, 3], [9, 0]]


# -- what a company declares -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("operational_excellence: {nps: {threshold: 1.0, excellent: 1.0}}\n",
         "line 1: 'operational_excellence.nps': threshold and excellent are the same: nothing would lie between"),
        ("operational_excellence: {margins: {threshold: 1.0, excellent: 2.0}}\n", "excellence.margins.[key]'"),
        ("customer_intimacy: {nps: {threshold: 0.0, excellent: 5.0}}\n"
         "product_leadership: {nps: {threshold: 0.0, excellent: 5.0}}\n",
         "a measure counts for one discipline, found for several: nps."),
        ("spend_band: [0.5, 0.2]\n", "spend_band: expected its lower end first, found [0.5, 0.2]."),
        ("segments: {consumer: cheapness}\n", "'segments.consumer'"),
    ],
)  # fmt: skip
def test_odd_disciplines_are_refused(tmp_path, text, fault):
    path = tmp_path / "disciplines.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError) as caught:
        company.validated(rules.Disciplines, company.read_yaml(path), path)
    assert fault in str(caught.value)


def test_a_department_has_no_floor_but_that_of_its_answers(tmp_path):
    path = tmp_path / "targets.yaml"
    path.write_text("floors: [{measure: on_time, at_least: 0.9, department: sales}]\n")
    with pytest.raises(ParamsError) as caught:
        company.validated(rules.Targets, company.read_yaml(path), path)
    assert "a department is only known of answers: department needs measure answered_in_time" in str(caught.value)


def test_key_figures_have_their_sections():
    rows = _rows({
        ("cost_per_order", "a", "web"): (750, 0), ("perfect", "a", "web"): (0.9, 0), ("nps", "a", "web"): (10, 0),
        ("retention", "a", ""): (0.6, 0),
    })  # fmt: skip
    floors = pd.DataFrame({"segment": ["a", "a", "b"], "verdict": ["failed", "kept", "not on record"]})
    placed = pd.DataFrame([{"segment": "a", "design": "standard", "felt_share": 0.7, "felt_low": 0.6, "felt_high": 0.8,
                            "n": 50}])  # fmt: skip
    told = disciplines.key_figures(floors, _position(rows), placed).set_index(["figure_id", "segment"])
    assert told["value"].round(3).to_dict() == {
        ("floors_failed", ""): 1, ("floors_failed", "a"): 1, ("index_operational_excellence", "a"): 0.725,
        ("index_customer_intimacy", "a"): 0.2, ("leads_operational_excellence", "a"): 0.525,
        ("felt_standard", "a"): 0.7,
    }  # fmt: skip
    assert told.loc[("floors_failed", ""), "n"] == 2

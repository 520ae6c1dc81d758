"""Do the sentences, tables and figures of standard solutions say what the numbers say?"""

import numpy as np
import pandas as pd

from toolkit import agreements, location, present, present_solutions
from toolkit.language import speak, speaking
from toolkit.present import TABLE_MIME

FACTS = pd.DataFrame([{"currency": "EUR", "period": "2026Q3", "as_of": "2026-10-22", "min_n": 10}])
NOTHING_MISSING = pd.DataFrame({"table": [], "columns": []}, dtype="str")
ALL_MISSING = pd.DataFrame({"table": ["agreements", "requests"], "columns": ["", ""]})
LOOK, BARE = present.Look(FACTS, NOTHING_MISSING), present.Look(FACTS, ALL_MISSING)
COSTS = pd.DataFrame([{
    "outcome": "cost", "n": 500, "n_customers": 90, "regression": 120.0, "regression_low": 50.0,
    "regression_high": 190.0, "alike": 100.0, "alike_low": 40.0, "alike_high": 160.0, "alike_share": 0.8,
    "settled": True,
}])  # fmt: skip
GROWN = pd.DataFrame({
    "ago": [2, 1, 0], "n": [90, 95, 100], "n_worded": [30, 31, 32], "n_meant": [12, 12, 13],
    "effective": [7.0, 7.1, 7.25], "deviations": [1.5, 1.6, 1.75],
})  # fmt: skip
SETTLED = pd.DataFrame({
    "request_id": range(8), "customer_id": range(8), "request_type": "fixed hour",
    "need": ["arrival", "arrival", "stock", "", "", "", "", ""],
    "how": ["settled", "settled", "declared", "too little evidence", "both ways", "not on record", "not profiled",
            "unknown request type"],
})  # fmt: skip
CURVE = pd.DataFrame({"standards": [1, 2], "left": [150, 60], "left_each": [1.5, 0.6], "gap": [0.0, 0.0]})
SET = agreements.StandardSet(CURVE, np.array([["a"], [""]], dtype=object), {1: (0,), 2: (0, 1)}, 2)
CHOSEN = pd.DataFrame({
    "standard": [1, 2], "terms": ["window: early", ""], "n": [60, 40], "n_as_is": [30, 20], "left_each": [0.5, 0.7],
    "covers": ["arrival", ""],
})  # fmt: skip
SAVED = agreements.Saving(120.0, 480000.0, 190000.0, 770000.0, True, 5000000.0, 1000000.0, 40, 15, 90)


def _text(piece) -> str:
    return piece.text.replace("\xa0", " ")


def test_the_account_counts_what_there_is():
    terms = pd.DataFrame({"agreement_id": ["A", "A", "B"]})
    orders = pd.DataFrame({"agreement_id": ["A", None]})
    rows = present_solutions.account(terms, SETTLED, orders, LOOK).mime[TABLE_MIME]["csv"].splitlines()
    assert rows == [
        "rule,n", "agreements in force at the end,2", "their terms,3", "requests of the 52 weeks to the end,8",
        "orders of segments with agreements,2", "of these under an agreement,1",
        '"of these under one that is not in force at the end, left out",0',
    ]  # fmt: skip


def test_what_is_missing_is_said():
    none = pd.DataFrame()
    assert "the table agreements" in _text(present_solutions.variety(none, BARE))
    assert "the table agreements" in _text(present_solutions.costs(none, BARE))
    assert "the table requests" in _text(present_solutions.needs(none, none, BARE))
    assert "No agreement was in force" in _text(present_solutions.variety(none, LOOK))
    assert "Nothing tells what a deviation goes with" in _text(present_solutions.costs(none, LOOK))
    assert "No request was made" in _text(present_solutions.needs(none, none, LOOK))
    for piece in (
        present_solutions.terms,
        present_solutions.talks,
        present_solutions.topics,
        present_solutions.standards,
    ):
        assert piece(none, LOOK) is None
    assert present_solutions.evidence(none, LOOK) is None
    assert present_solutions.growth(none, (), (), LOOK) is None
    empty = agreements.StandardSet(CURVE.iloc[:0], np.empty((0, 0), object), {}, 0)
    assert present_solutions.curve(empty, LOOK) is None
    nothing = agreements.Saving(0.0, np.nan, np.nan, np.nan, False, 0.0, 0.0, 0, 0, 0)
    assert _text(present_solutions.saving(nothing, LOOK)) == "No agreement would change."
    said = present_solutions.findings(GROWN.iloc[:0], COSTS.iloc[:0], [], SETTLED.iloc[:0], CHOSEN.iloc[:0], empty,
                                      nothing, LOOK)  # fmt: skip
    assert _text(said) == "No agreement was in force at the end of 2026Q3, or too few hold one to be shown."


def test_costs_stand_by_outcome_and_way():
    rows = present_solutions.costs(COSTS, LOOK)
    assert "1.00" in rows.html
    lines = rows.mime[TABLE_MIME]["csv"].splitlines()
    assert lines[1] == "cost to serve an order,regression,500,1.0,120.0,50.0,190.0,settled"
    assert lines[2] == "cost to serve an order,orders alike,500,0.8,100.0,40.0,160.0,settled"


def test_the_account_of_evidence():
    few = present.Look(FACTS.assign(min_n=1), NOTHING_MISSING)
    assert "Not settled" not in _text(present_solutions.evidence(SETTLED, LOOK))  # each by fewer than ten
    said = _text(present_solutions.evidence(SETTLED, few)).splitlines()
    assert said[0] == (
        "2 of 4 requests that could be looked at are settled; of customers who order as their peers do on average, at "
        "most 5 % would be."
    )
    assert said[1] == "1 are of a type behind which one need alone is declared."
    assert said[2].startswith("Not settled: 1: the customer shows none of them clearly; 1: the customer shows more")
    bare = SETTLED[SETTLED["how"] == "not on record"]
    assert _text(present_solutions.evidence(bare, LOOK)).startswith("None of 1 requests could be looked at.")


def test_evidence_reads_in_its_units():
    rows = pd.DataFrame({
        "need": ["arrival", "stock"], "measure": ["window_missed", "order_size"], "asked": ["more", ""],
        "n_customers": [20, 30], "theirs": [0.8, 3.25], "others": [0.2, 10.0],
    })  # fmt: skip
    page = present_solutions.shown(rows, LOOK).html
    for text in ("arrivals outside receiving windows", "80.0 %", "3.25", "more"):
        assert text in page
    assert present_solutions.shown(rows.iloc[:0], LOOK) is None


def test_solutions_and_what_none_covers():
    found = location.Cover(("window",), 30000.0, ("stock",))
    assert _text(present_solutions.solutions(found, True, LOOK)).splitlines() == [
        "The needs found are covered at least cost by: window (EUR 300 a year).", "No declared solution covers: stock.",
    ]  # fmt: skip
    assert "No solution is declared" in _text(present_solutions.solutions(found, False, LOOK))
    assert "No need is settled" in _text(present_solutions.solutions(location.Cover((), 0.0), True, LOOK))
    open_ = present_solutions.left_open(CHOSEN, ["arrival", "stock"], LOOK)
    assert _text(open_) == "No recommended standard is declared to cover: stock."
    assert present_solutions.left_open(CHOSEN, ["arrival"], LOOK) is None


def test_the_curve_says_how_sure_it_is():
    exact = present_solutions.curve(SET, LOOK)
    assert "proven to be the least" in exact.html
    rough = agreements.StandardSet(CURVE.assign(gap=[0.0, 0.008]), SET.places, SET.chosen, 2)
    assert "within 0.8 % of the least" in present_solutions.curve(rough, LOOK).html


def test_what_is_saved_is_promised_only_if_settled():
    said = _text(present_solutions.saving(SAVED, LOOK)).splitlines()
    assert said == [
        "Moving to the standards saves EUR 4,800 of cost to serve a year (95 % interval 1,900 to 7,700), if deviations "
        "cost by themselves.",
        "40 customers lose a term; they brought EUR 50,000 of net revenue in 2026Q3.",
        "20.0 % of it is of customers with a need that their standard is not declared to cover.",
    ]
    unsure = agreements.Saving(120.0, -9000.0, -195000.0, 177000.0, False, 5000000.0, 1000000.0, 40, 35, 90)
    said = _text(present_solutions.saving(unsure, LOOK)).splitlines()
    assert said[0] == (
        "What moving to the standards saves is not settled: EUR -90 a year (95 % interval -1,950 to 1,770)."
    )
    assert len(said) == 2  # five without such a need are too few to be told apart
    few = agreements.Saving(12.0, np.nan, np.nan, np.nan, False, 5.0, 1.0, 4, 1, 5)
    assert _text(present_solutions.saving(few, LOOK)) == (
        "What moving to the standards saves is not known: nothing tells what a deviation costs."
    )


def test_a_sum_that_one_holds_is_not_told():
    one = agreements.Saving(120.0, 1.0, 0.5, 2.0, True, np.nan, np.nan, 40, 15, 90)
    assert "net revenue" not in _text(present_solutions.saving(one, LOOK))


def test_an_unknown_cost_is_not_told():
    unknown = COSTS.assign(alike=np.nan, alike_low=np.nan, alike_high=np.nan, settled=False)
    said = _text(present_solutions.findings(GROWN, unknown, ["arrival"], SETTLED, CHOSEN, SET, SAVED, LOOK))
    assert "deviation costs" not in said
    assert "cost_of_deviation" not in set(agreements.key_figures(GROWN, unknown, SETTLED, SET, SAVED)["figure_id"])


def test_findings_keep_their_slots():
    said = _text(present_solutions.findings(GROWN, COSTS, ["arrival"], SETTLED, CHOSEN, SET, SAVED, LOOK)).splitlines()
    assert said == [
        "100 agreements hold 13 combinations of terms (32 as worded), as various as 7.2 equally common ones.",
        "One more deviation goes with EUR 1.00 of cost to serve an order (95 % interval 0.40 to 1.60).",
        "Behind 2 requests stand: arrival.",
        "2 standards leave 0.60 deviations an agreement: (1) window: early; (2) none of these terms.",
        "Moving to the standards saves EUR 4,800 of cost to serve a year (95 % interval 1,900 to 7,700), if deviations "
        "cost by themselves.",
    ]
    unsure = COSTS.assign(settled=False, alike_low=-20.0)
    said = _text(present_solutions.findings(GROWN, unsure, [], SETTLED, CHOSEN, SET, SAVED, LOOK)).splitlines()
    assert said[1] == "That a deviation costs anything is not settled: EUR 1.00 an order (95 % interval -0.20 to 1.60)."
    assert said[2] == "No need is settled of customers enough to be told."


def test_growth_names_its_periods_in_the_language_spoken():
    speak("en")
    told = present_solutions.growth(GROWN, ("early", ""), ("window", "days"), LOOK)
    assert "window: early" in told.html
    assert [line.split(",")[0] for line in told.mime[TABLE_MIME]["csv"].splitlines()] == [
        "when", "2 periods before", "the period before", "2026Q3",
    ]  # fmt: skip
    with speaking("nl"):
        assert "de periode ervoor" in present_solutions.growth(GROWN, ("", ""), ("window", "days"), LOOK).html


def test_key_figures_have_their_sections():
    rows = agreements.key_figures(GROWN, COSTS, SETTLED, SET, SAVED).set_index("figure_id")
    assert rows["value"].to_dict() == {
        "agreements": 100, "combinations": 7.25, "deviations": 1.75, "cost_of_deviation": 100.0,
        "requests_settled": 2 / 8, "standards": 2, "deviations_left": 0.6, "saved_a_year": 480000.0,
    }  # fmt: skip
    assert rows["definition_id"].tolist() == ["4.1", "4.1", "4.1", "4.2", "4.3", "4.4", "4.4", "4.6"]

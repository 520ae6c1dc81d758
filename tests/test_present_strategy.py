"""Do the sentences, tables and figures of the strategy report say what the numbers say?"""

import numpy as np
import pandas as pd

from toolkit import present, present_strategy, strategy
from toolkit.present import TABLE_MIME

FACTS = pd.DataFrame([{"currency": "EUR", "period": "2026Q3", "as_of": "2026-10-22", "min_n": 10}])
NOTHING_MISSING = pd.DataFrame({"table": [], "columns": []}, dtype="str")
LACKING = ["deliveries", "delivery_lines", "service_events", "stock_levels"]
ALL_MISSING = pd.DataFrame({"table": LACKING, "columns": [""] * len(LACKING)})
LOOK, BARE = present.Look(FACTS, NOTHING_MISSING), present.Look(FACTS, ALL_MISSING)
NO_JUMP = pd.DataFrame(columns=["day", "pieces", "usual", "days_back", "ended"])
CHANGES = pd.DataFrame(
    [("(all)", "p", "gain", 500.0, 400.0, 600.0, 5.0), ("a", "p", "gain", 500.0, 400.0, 600.0, 5.0),
     ("a", "p", "on_time", 0.02, 0.01, 0.03, 0.0), ("a", "today", "gain", 0.0, 0.0, 0.0, 0.0)],
    columns=["segment", "policy", "measure", "change", "change_low", "change_high", "error"],
)  # fmt: skip
VALID = pd.DataFrame({
    "segment": ["(all)", "a"], "measure": ["cost", "on_time"], "observed": [1000.0, 0.9], "replayed": [1010.0, 0.95],
    "low": [900.0, 0.91], "high": [1100.0, 1.2], "passed": [True, False],
})  # fmt: skip
ADVICE = pd.DataFrame([{
    "segment": "a", "policy": "p", "best": "p", "settled": True, "value": 50000.0,
    "value_low": 40000.0, "value_high": 60000.0, "cost": -50000.0, "cost_low": -60000.0, "cost_high": -40000.0,
    "on_time": 0.02, "on_time_low": 0.01, "on_time_high": 0.03, "touched": 40.0, "break_even": 0.1,
}])  # fmt: skip
FITS = pd.DataFrame([
    {"segment": "a", "fit": "under-served", "policy": "p", "why": "value", "missed": "on_time of a at least 0.95",
     "change": 100.0, "change_low": 50.0, "change_high": 150.0, "nps": 2.0, "nps_low": 1.0, "nps_high": 3.0},
    {"segment": "b", "fit": "over-served", "policy": "q", "why": "cost", "missed": "", "change": -100.0,
     "change_low": -150.0, "change_high": -50.0, "nps": 0.0, "nps_low": -0.5, "nps_high": 0.5},
])  # fmt: skip
TOLD = pd.DataFrame(
    {"segment": ["a", "b"], "n": [9, 9], "n_asked": [1, 1], "share": [0.5, 0.8], "share_low": 0.1, "share_high": 0.9}
)
NOBODY = pd.DataFrame(columns=["segment", "policy", "settled"])


def rows(piece: present.Html) -> list[str]:
    return piece.mime[TABLE_MIME]["csv"].splitlines()


def test_the_account_says_what_is_not_replayed():
    placed = pd.DataFrame({"rule": ["placed in the period", "left"], "orders": [12, 10]})
    assert rows(present_strategy.account(placed, 7, LOOK))[1:] == [
        '"placed, not cancelled",10', '"not sent, or without a promise",3', "replayed,7",
    ]  # fmt: skip


def test_a_missing_table_is_named_with_what_it_would_bring():
    empty = pd.DataFrame()
    assert "the table deliveries. With it" in present_strategy.served(empty, BARE).text
    assert "the table delivery_lines. With it" in present_strategy.agility(None, BARE).text
    assert "the table service_events. With it" in present_strategy.visibility(empty, BARE).text
    assert "the table stock_levels. With it" in present_strategy.stock_levels(empty, BARE).text


def test_nothing_to_show_is_said():
    empty, none = pd.DataFrame(), "No order of 2026Q3 was sent with a promise."
    for piece in (present_strategy.served, present_strategy.changes, present_strategy.fit):
        assert piece(empty, LOOK).text == none
    assert present_strategy.visibility(empty, LOOK).text == "Nobody asked, or was told, about an order of 2026Q3."
    assert present_strategy.choice(None, empty, empty, [], LOOK).text == none
    assert present_strategy.agility(None, LOOK).text.startswith("Too few days")
    assert present_strategy.stock_levels(empty, LOOK).text.startswith("Too few counts")
    assert present_strategy.policies(pd.DataFrame({"policy": [""]}), LOOK).text.startswith("No policy is declared")
    assert present_strategy.validity(empty, LOOK).text.startswith("The replay cannot be judged")
    today = CHANGES[CHANGES["policy"] == "today"]
    assert present_strategy.changes(today, LOOK).text == "No policy but today's was replayed."
    assert present_strategy.costs(today, LOOK).text == "No policy but today's was replayed."
    assert present_strategy.frontier(pd.DataFrame({"nps": [1.0]}), (1.0, 1.0), LOOK) is None
    assert present_strategy.one_more(empty, LOOK) is None


def test_today_is_read_off_the_orders():
    served = pd.DataFrame([{
        "segment": "a", "n": 5, "n_customers": 2, "promise_days": 2.0, "other_days": 0.5, "cut_off": 24,
        "way": "home_delivery, own_van", "way_share": 0.6, "median_revenue": 1234.0, "orders_each": 2.5,
        "shipments_each": 1.0,
    }])  # fmt: skip
    page = present_strategy.served(served, LOOK).html
    assert "midnight" in page
    assert "home delivery, own van" in page
    assert "15:00" in present_strategy.served(served.assign(cut_off=15), LOOK).html


def test_agility_is_told_in_days():
    calm = strategy.Agility(NO_JUMP, 0.98, 0.97, 0.975, -0.005, -0.01, 0.0)
    said = present_strategy.agility(calm, LOOK).text.split("\n")
    assert said[0] == (
        "On the tenth of days with most pieces 97.0 % of them are delivered, on the others 97.5 % (difference of daily "
        "shares -0.5 points, 95 % interval -1.0 to 0.0)."
    )
    assert said[1] == "Demand made no jump in 2026Q3."
    alike = strategy.Agility(NO_JUMP, 0.98, *[np.nan] * 5)
    assert present_strategy.agility(alike, LOOK).text == "Demand made no jump in 2026Q3."
    jumps = pd.DataFrame({"days_back": [0, 0], "ended": [True, True]})
    found = strategy.Agility(jumps, 0.98, 0.97, 0.975, -0.005, -0.01, 0.0)
    assert (
        "Demand jumped 2 times, and the share delivered stayed normal (98.0 %)."
        in present_strategy.agility(found, LOOK).text
    )
    jumps = pd.DataFrame({"days_back": [2, 6, 3], "ended": [True, True, False]})
    said = present_strategy.agility(strategy.Agility(jumps, 0.98, 0.97, 0.975, 0, 0, 0), LOOK).text.split("\n")
    assert said[1] == (
        "After 3 jumps of demand, the share delivered was back to normal (98.0 %) after 4.0 days (median; at most 6)."
    )
    assert said[2] == "After 1 it was not yet back as 2026Q3 ended."


def test_policies_are_a_row_each():
    told = pd.DataFrame(
        [("", "budget", "", "5"), ("p", "segment", "", "a"), ("p", "carrier", "x", "y"), ("p", "promise_days", "", "1"),
         ("q", "cut_off", "", "15"), ("r", "delivery_days", "", "monday"), ("r", "delivery_days", "", "friday"),
         ("r", "minimum_order", "", "2500"), ("r", "promise_days", "", "-2"), ("s", "window_hours", "", "2"),
         ("s", "stock_service", "", "98")],
        columns=["policy", "lever", "key", "value"],
    )  # fmt: skip
    assert rows(present_strategy.policies(told, LOOK))[1:] == [
        'p,a,"by carrier y in place of x, promised a day later"', "q,all,cut-off at 15:00",
        'r,all,"delivered on monday and friday, sent as soon as they reach 25.00, promised 2 days earlier"',
        's,all,"promised to within 2 hours, stock for 98.0 % of what sold out"',
    ]  # fmt: skip


def test_what_is_left_out_is_named():
    nothing = strategy.Study([], pd.DataFrame(), pd.DataFrame(columns=["policy", "why"]), (), {})
    assert present_strategy.refused(nothing, LOOK) is None
    refused = pd.DataFrame([("p", "it has no data.")], columns=["policy", "why"])
    found = strategy.Study([], pd.DataFrame(), refused, ("van",), {})
    assert present_strategy.refused(found, LOOK).text == (
        "Left out: p. it has no data.\nWork of van is left out: no cost by capacity is known of it."
    )


def test_what_cannot_be_simulated_is_said_with_its_reason():
    assert present_strategy.untold([], LOOK) is None
    assert present_strategy.untold(["carrier"], BARE).text == (
        "Cannot be simulated: another carrier, since all orders went by one or none is named; stock, since "
        "stock_levels is not on record."
    )


def test_bands_stand_before_what_was_observed_and_stay_within_what_can_be():
    page = present_strategy.validity(VALID, LOOK)
    head, cost, on_time = rows(page)
    assert head == "segment,measure,low,high,replayed,observed,verdict"
    assert on_time == "a,on time,0.91,1.0,0.95,0.9,outside"
    assert cost.endswith("inside")
    assert "100.0 %" in page.html


def test_changes_stand_by_segment_and_policy():
    assert rows(present_strategy.changes(CHANGES, LOOK)) == [
        "segment,policy,gain,gain_low,gain_high,on_time", "(all),p,500.0,400.0,600.0,", "a,p,500.0,400.0,600.0,0.02",
    ]  # fmt: skip
    figure = present_strategy.costs(CHANGES, LOOK)
    assert "Lowest: p, 5." in figure.text
    assert "<svg" not in figure.html
    assert "data:image/svg+xml" in figure.html


def test_fit_names_floors_in_words():
    page = present_strategy.fit(FITS, LOOK).html
    assert "on time of a at least 95 %" in page
    assert "value at risk" in page
    assert "cost that is not felt" in page


def test_the_choice_says_what_is_settled_and_what_nothing_keeps():
    won = pd.DataFrame(
        {"segment": ["a", "b", "c"], "policy": ["p", "today", "q"], "share": 0.9, "share_low": 0.8, "share_high": 0.95}
    )
    sure = pd.DataFrame({"segment": ["a", "c"], "policy": ["p", "q"], "value": [1.0, 2.0], "value_low": [0.5, -1.0],
                         "value_high": [2.0, 5.0], "better": [True, False], "family": [2, 2]})  # fmt: skip
    gone = ["nps of b at least 40", "minutes of the_van", "budget"]
    found = present_strategy.choice({"a": "p", "b": "today", "c": "q"}, won, sure, gone, LOOK)
    assert [line.split(",")[5] for line in rows(found)[1:]] == ["settled", "today's", "not settled"]
    assert "NPS of b at least 40; minutes of the van; budget." in found.text


def test_the_frontier_is_told_by_its_ends():
    curve = pd.DataFrame({"nps": [20.0, 30.0], "cost": [100_00.0, 300_00.0], "chosen": ["today", "a: p"]})
    found = present_strategy.frontier(curve, (18.0, 350_00.0), LOOK)
    assert found.text == "Curve from 20.0 points at EUR 100 to 30.0 points at EUR 300; today 18.0 points at EUR 350."
    more = pd.DataFrame([("minutes of the_van", 3.0, 4.0, 12.0)], columns=["name", "used", "there", "gain"])
    assert rows(present_strategy.one_more(more, LOOK))[1] == "minutes of the van,3.0,4.0,12.0"


def test_stock_is_told_by_share():
    levels = pd.DataFrame([("tea", 3, 0.1, 5.0, 9.0)], columns=["category", "n", "out", "sold", "level 0.95"])
    assert "stock for 95 %" in present_strategy.stock_levels(levels, LOOK).html


def test_a_recommendation_has_its_interval_its_limit_and_its_row():
    pasted = ['  - name: "a: p"']
    found = present_strategy.recommended(ADVICE, pasted, True, LOOK)
    assert rows(found)[1] == "a,p,value,50000.0,40000.0,60000.0"
    assert "For a p pays as long as less than 10.0 % of the 40 orders that it touches" in found.text
    assert "It would be falsified by" in found.text
    assert "<pre>decisions:\n  - name: &quot;a: p&quot;</pre>" in found.html
    unknown = present_strategy.recommended(ADVICE.assign(break_even=np.nan), pasted, True, LOOK)
    assert "pays as long" not in unknown.text
    assert present_strategy.recommended(ADVICE, pasted, False, LOOK).text.startswith("Nothing is recommended: today's")
    assert present_strategy.recommended(NOBODY, [], True, LOOK).text.startswith("Nothing is recommended: no policy")


def test_findings_stand_in_their_slots():
    said = present_strategy.findings(FITS, VALID, True, ADVICE, ["on_time of a at least 0.95"], TOLD, LOOK).text.split(
        "\n"
    )
    assert said == [
        "Today's policy, replayed, gives 1 of 2 observed figures inside its bands.",
        "Under-served: a.",
        "Over-served: b.",
        "For a, p is worth EUR 500 a period (95 % interval 400 to 600), as long as less than 10.0 % of the orders "
        "that it touches are lost by it.",
        "No choice of policies keeps: on time of a at least 95 %.",
        "Told before they asked: least of a, 50.0 % of orders.",
    ]
    right = FITS.assign(fit="right")
    said = present_strategy.findings(right, VALID, False, NOBODY, [], TOLD[:0], LOOK).text.split("\n")
    assert said[1:] == [
        "No segment is served too much or too little, as far as these policies tell.",
        "Nothing is recommended: today's policy, replayed, does not give what was observed.",
    ]
    said = present_strategy.findings(right, VALID, True, NOBODY, [], TOLD[:0], LOOK).text.split("\n")
    assert said[-1] == "No policy is settled to be better than today's."
    said = present_strategy.findings(right, VALID[:0], False, NOBODY, [], TOLD[:0], LOOK).text
    assert said.startswith("No policy can be compared")

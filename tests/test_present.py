"""Do the sentences, tables and figures of the reports say what the numbers say?"""

import base64
import html
import io
import re
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from toolkit import language, present, present_profile

FACTS = pd.DataFrame([{"currency": "EUR", "period": "2026Q3", "as_of": "2026-10-22", "min_n": 10}])
NOTHING_MISSING = pd.DataFrame({"table": [], "columns": []}, dtype="str")

# -- segments and scores -----------------------------------------------------------------------------

FACTS_2 = FACTS.assign(first_day="2026-07-01", unanswered_known=True)
LOOK_2 = present.Look(FACTS_2, NOTHING_MISSING)
SCORES = pd.DataFrame(
    [
        {"segment": "a", "n": 80, "n_customers": 70, "promoters": 0.6, "detractors": 0.2},
        {"segment": "b", "n": 40, "n_customers": 40, "promoters": 0.3, "detractors": 0.4},
    ]
).assign(nps=[40.0, -10.0], nps_low=[30.0, -30.0], nps_high=[50.0, 10.0])
TOTAL = pd.DataFrame([{"n": 120, "n_customers": 110, "nps": 23.3333, "nps_low": 15.0, "nps_high": 31.25}])
NO_SURVEYS = pd.DataFrame({"table": ["surveys"], "columns": [""]})
UNASKED = present.Look(FACTS_2, NO_SURVEYS)
NONE = pd.DataFrame(columns=TOTAL.columns)


def _costs(**late):
    row = {"failure": "late or overdue", "n": 12, "share": 0.1, "note": "", "family": 1, "n_model": 120}
    row |= {
        "effect": -40.0,
        "effect_low": -60.0,
        "effect_high": -20.0,
        "lost": -4.0,
        "lost_low": -6.0,
        "lost_high": -2.0,
    }
    other = row | {"failure": "short", "family": 1, "lost": -1.0, "lost_low": -1.5, "lost_high": -0.5}
    return pd.DataFrame([row | late, other])


NO_CAUSE = pd.DataFrame(columns=["failure", "estimand", "effect"])


def _nps_findings(
    total=TOTAL, costs=None, worst=0, waiting=NONE, unlocks=NOTHING_MISSING, apart=(0, None, True), caused=NO_CAUSE,
    worth=NONE, promised=NONE,
):  # fmt: skip
    found = present.nps_findings(
        total, _costs() if costs is None else costs, worst, SCORES, waiting, caused, worth, promised,
        present.Look(FACTS_2, unlocks), apart=apart,
    )  # fmt: skip
    return found.text.split("\n")


def test_nps_findings_stand_in_their_slots():
    waiting = TOTAL.assign(n=30, nps=-70.0, nps_low=-80.0, nps_high=-60.0)
    assert _nps_findings(waiting=waiting, apart=(0, 1, True)) == [
        "NPS of 2026Q3 was 23.3 points (95 % interval 15.0 to 31.2 points, n = 120 answers of 110 customers).",
        "Orders late or overdue when asked took 40.0 points (95 % interval 20.0 to 60.0 points) from the score of "
        "those who met them, other things equal; with 10.0 % of answers, 4.0 points (95 % interval 2.0 to 6.0 points) "
        "of all.",
        "Largest loss by a single failure: short, -1.0 points (95 % interval -1.5 to -0.5 points, family of 1) of all.",
        "NPS by segment: a is above all others with 40.0 points (95 % interval 30.0 to 50.0 points, family of 2); "
        "b is below all others with -10.0 points (95 % interval -30.0 to 10.0 points, family of 2).",
        "30 answers (25.0 %) came while the order had not arrived or was cancelled; their NPS is -70.0 points "
        "(95 % interval -80.0 to -60.0 points).",
        "Cause cannot be said: base.yaml declares no cause (causes:).",
        "What a point is worth cannot be said: no answers of the period before can be followed.",
        "Whether promises were kept cannot be said: targets.yaml holds none.",
    ]


def test_two_segments_apart_from_each_other_only_are_named():
    assert _nps_findings(apart=(0, 1, False))[3] == (
        "NPS by segment: a with 40.0 points (95 % interval 30.0 to 50.0 points, family of 2) is above b with -10.0 "
        "points (95 % interval -30.0 to 10.0 points, family of 2); none is apart from all others."
    )


def test_what_is_not_settled_is_said_so():
    found = _nps_findings(costs=_costs(effect_high=5.0), worst=None, apart=(None, None, True))
    assert found[1:] == [
        "Whether late and overdue orders move the score is not settled: -40.0 points (95 % interval -60.0 to 5.0 "
        "points), other things equal.",
        "Which single failure costs most is not settled over a family of 1.",
        "NPS by segment: no difference is settled over a family of 2.",
        "No answer came from an order that had not arrived, or too few to show.",
        "Cause cannot be said: base.yaml declares no cause (causes:).",
        "What a point is worth cannot be said: no answers of the period before can be followed.",
        "Whether promises were kept cannot be said: targets.yaml holds none.",
    ]
    assert _nps_findings(costs=_costs(note="nobody met it"))[1] == (
        "What late and overdue orders cost cannot be said: nobody met it."
    )


def test_without_surveys_or_answers_no_score_is_made_up():
    assert _nps_findings(total=NONE) == ["Nobody answered in 2026Q3."]
    assert _nps_findings(total=NONE, unlocks=NO_SURVEYS) == [
        "Not shown: this needs the table surveys. With it, this section says what customers think and why."
    ]
    more = {"name": "x", "by": ["segment"]}
    assert present.nps_figure(SCORES.iloc[:0], NONE, LOOK_2, **more).text == "Nobody answered in 2026Q3."
    assert present.nps_figure(SCORES, TOTAL, UNASKED, **more).text.startswith("Not shown: this needs")
    assert present.failures(_costs(), UNASKED).text.startswith("Not shown: this needs")


def test_scores_are_drawn_from_the_best_down_with_all_answers_marked():
    more = {"name": "x", "by": ["segment"]}
    shown = present.nps_figure(SCORES, TOTAL, LOOK_2, **more)
    assert shown.text == (
        "Dots with intervals: NPS for 2 groups. Lowest: b, -10.0. Highest: a, 40.0. A line marks all answers, 23.3."
    )
    same = present.nps_figure(SCORES.assign(region="n"), TOTAL, LOOK_2, above=SCORES, **more)
    assert same.text == "By segment the groups are the same as above."


def test_a_dot_is_open_where_its_interval_holds_the_line_and_that_is_told():
    rows = pd.DataFrame({"segment": ["a", "b", "c"], "lift": [1.2, 1.5, 0.5],
                         "lift_low": [1.0, 1.1, 0.2], "lift_high": [1.4, 1.9, 0.9]})  # fmt: skip
    drawn = {}
    for mark in (None, (1.0, "all"), (3.0, "all")):
        shown = present.dots(rows, by=["segment"], value="lift", name="x", axis="x", what="x", caption="C.",
                             columns=["segment"], mark=mark)  # fmt: skip
        image = base64.b64decode(re.search('base64,([^"]*)', shown.html)[1]).decode()
        drawn[mark] = image.count("fill: var(--paper)"), "Open dots: 1, " in shown.text, "C. Open dots:" in shown.html
    assert drawn == {None: (0, False, False), (1.0, "all"): (1, True, True), (3.0, "all"): (0, False, False)}


def test_numbers_stay_with_their_unit_and_currency():
    shown = present.paragraphs(["It cost EUR -10,776 of NPS 3, 95 % of 4 times."])
    assert shown.html == '<div class="note"><p>It cost EUR&nbsp;-10,776 of NPS&nbsp;3, 95&nbsp;% of 4 times.</p></div>'
    assert shown.text == "It cost EUR -10,776 of NPS 3, 95 % of 4 times."


def test_failures_without_a_model_are_a_table_of_reasons():
    blank = dict.fromkeys([name for name in _costs() if name.startswith(("effect", "lost"))], float("nan"))
    shown = present.failures(_costs().assign(**blank, note="all answers are alike"), LOOK_2)
    assert "<img" not in shown.html
    assert shown.html.count("all answers are alike") == 2


def test_the_size_of_proportional_odds_is_told():
    shown = present.failures(_costs().assign(effect_free=[-37.2, None]), LOOK_2)
    assert "Without proportional odds the first row&#x27;s effect is -37.2 points." in shown.html


def test_response_is_not_shown_where_it_is_not_on_record():
    groups = SCORES.assign(exposure=["in time", "late"], invited=[90, 41], answered_share=[0.8, 0.9], late_share=[0, 1])
    assert "answered" in present.exposures(groups, LOOK_2).html
    unknown = present.Look(FACTS_2.assign(unanswered_known=False), NOTHING_MISSING)
    assert ">answered<" not in present.exposures(groups, unknown).html
    account = pd.DataFrame([{"rule": "left: answers", "invitations": 5, "late_share": 0.1, "nps": 3.0}])
    shown = present.answer_account(account, unknown)
    assert "who was invited and did not answer is not on record" in shown.html


WHO = pd.DataFrame([{"segment": "a", "n_customers": 30, "customer_share": 0.75, "revenue_share": 0.9}])
WHOLE_ROW = pd.DataFrame([{"n_customers": 40}])
LIFTS = pd.DataFrame(
    [
        {"segment": "a", "category": "green_tea", "lift": 1.918, "lift_low": 1.826, "lift_high": 2.01, "settled": True},
        {"segment": "b", "category": "green_tea", "lift": 1.0, "lift_low": 0.9, "lift_high": 1.1, "settled": False},
    ]
)
BACK = pd.DataFrame([{"group": "best", "n": 1200}, {"group": "others", "n": 900}])
BACK = BACK.assign(share=[0.8, 0.25], share_low=[0.75, 0.2], share_high=[0.85, 0.3])


CLUSTERS = pd.DataFrame({"cluster": ["tea, web", "wine"], "n": [900, 600], "of_all": [0.6, 0.4], "jaccard": [0.9, 0.5]})
CLUSTERS = CLUSTERS.assign(trusted=[True, False], marks=["tea (2.0 times)", ""])
MOVED = {"n": 500, "moved": 0.1, "by_noise": 0.04, "beyond_low": 0.03, "beyond_high": 0.09, "alike": 0.98}
MOVED |= {"homogeneity_p": 0.0123, "symmetry_p": 0.5}
AHEAD = pd.DataFrame({"segment": ["a", "(all)"], "n": [40, 60], "alive": [30.2, 50.1], "margin": [500_00.0, 900_00.0]})
AHEAD = AHEAD.assign(**{x: [800.0, 900.0] for x in present.trio("expected")})
AHEAD = AHEAD.assign(value=[1e6, 2e6], value_low=[0.9e6, 1.8e6], value_high=[1.1e6, 2.2e6])
WISHES = pd.DataFrame({"n": [1000], "n_persons": 700, "substituted": 0.02, "unavailable": 0.03, "not_ranged": 0.04})
WISHES = WISHES.assign(
    unmet=0.07, unmet_low=0.06, unmet_high=0.08, lost=5_000_00, lost_low=4_000_00, lost_high=6_000_00
)
WISHES = WISHES.assign(n_unknown=12)
EFFECTS = pd.DataFrame({"group": ["K1", "K2"], "n_contacted": 900, "n_held_out": 100, "base": 800.0})
EFFECTS = EFFECTS.assign(uplift=[90.0, 150.0], uplift_low=[-5.0, 40.0], uplift_high=[185.0, 260.0])
EFFECTS = EFFECTS.assign(cost_per_order=[9_00.0, 8_00.0], cost_per_order_low=[4_00.0, 5_00.0])
EFFECTS = EFFECTS.assign(cost_per_order_high=[float("nan"), 20_00.0], template_id="T", use=[1, 2], cost_each=1_50.0)


def _segment_findings(
    who=WHO, lifts=LIFTS, marked=0, found=CLUSTERS, moved=MOVED, ahead=AHEAD, why="", back=BACK, wishes=WISHES,
    effects=EFFECTS, scores=SCORES, unlocks=NOTHING_MISSING,
):  # fmt: skip
    told = [who, WHOLE_ROW, lifts, marked, found, moved, ahead, why, back, wishes, effects, scores]
    look = present.Look(FACTS_2, unlocks)
    return present_profile.segment_findings(*told, look, apart=(None, None, True)).text.split("\n")


def test_segment_findings_stand_in_their_slots():
    assert _segment_findings() == [
        "40 customers ordered in 2026Q3; a brings 90.0 % of net revenue with 75.0 % of the customers.",
        "Most marked is a in green tea: it spends 1.92 (95 % interval 1.83 to 2.01, family of 2) times the share of "
        "all customers.",
        "How the 1,500 customers with enough orders shop makes 2 clusters, 1 of them not to be trusted; the largest, "
        "tea, web, holds 60.0 %; since last year 10.0 % moved, more than the 4.0 % of noise alone.",
        "Shoppers without agreement will bring EUR 20,000 (95 % interval 18,000 to 22,000) of net revenue in the 52 "
        "weeks ahead, if they go on as before.",
        "Who ordered again: of the 1,200 best customers 80.0 % (95 % interval 75.0 to 85.0 %), of the 900 others "
        "25.0 % (95 % interval 20.0 to 30.0 %). Descriptive: the groups are made of earlier orders.",
        "Of 1,000 wishes on record 7.0 % (95 % interval 6.0 to 8.0 %) were not met, worth EUR 5,000 (95 % "
        "interval 4,000 to 6,000), 12 more cannot be valued.",
        "Campaign K2 brought 150.0 (95 % interval 40.0 to 260.0) orders more per 1,000 contacted, each for EUR 8.00 "
        "(95 % interval 5.00 to 20.00).",
        "NPS by segment: no difference is settled over a family of 2.",
    ]


def test_a_segment_report_says_what_it_cannot_say():
    nobody, none = {"n": 0, "moved": float("nan")}, pd.DataFrame(columns=["uplift"])
    found = _segment_findings(
        WHO.assign(revenue_share=float("nan")), LIFTS.iloc[:0], None, CLUSTERS.iloc[:0], nobody, AHEAD.iloc[:0], "few",
        BACK.iloc[:0], WISHES.iloc[:0], none, SCORES.iloc[:0],
    )  # fmt: skip
    assert found == [
        "40 customers ordered in 2026Q3; a is the largest with 75.0 % of the customers.",
        "What marks a segment cannot be said: revenue by category is not known.",
        "How customers cluster cannot be said: too few have three orders or more in even weeks.",
        "What shoppers will bring in the year ahead is not told: few.",
        "Who comes back cannot be said: too few customers are known from before the period.",
        "What was wanted in vain cannot be said: no wishes are on record.",
        "What campaigns brought cannot be said: no campaign held enough customers out.",
        "NPS by segment cannot be said: there are no answers.",
    ]
    assert _segment_findings(marked=None)[1] == "What marks a segment is not settled over a family of 2 intervals."
    assert _segment_findings(lifts=LIFTS.iloc[:1])[1] == "There is one segment only: nothing marks it against another."
    no_revenue = pd.DataFrame({"table": ["order_lines"], "columns": ["net_revenue"]})
    assert _segment_findings(back=BACK.iloc[:0], unlocks=no_revenue)[4] == (
        "Who comes back cannot be said: revenue is not known."
    )
    assert (
        _segment_findings(scores=SCORES.iloc[:1])[-1] == "NPS by segment cannot be compared: there is one group only."
    )
    assert _segment_findings(WHO.iloc[:0]) == ["Nobody ordered in 2026Q3."]
    nothing = pd.DataFrame(columns=["rfm_group", "share"])
    assert present_profile.rfm(nothing, LOOK_2, built_from=["x"]).text.startswith("No order is known from before")


def test_slots_of_the_segment_report_follow_what_was_found():
    assert _segment_findings(found=CLUSTERS.head(1))[2] == (
        "How the 900 customers with enough orders shop makes no clusters: they differ by degrees, not by kind."
    )
    assert _segment_findings(moved=MOVED | {"n": 0})[2].endswith("; too few can be followed from last year.")
    assert (
        "10.0 % moved, less than the" in _segment_findings(moved=MOVED | {"beyond_low": -0.2, "beyond_high": -0.1})[2]
    )
    assert "10.0 % moved, no more than the" in _segment_findings(moved=MOVED | {"beyond_low": -0.2})[2]
    without_money = AHEAD.assign(value=float("nan"), value_low=float("nan"), value_high=float("nan"))
    assert _segment_findings(ahead=without_money)[3].startswith(
        "Shoppers without agreement will bring 900 (95 % interval 900 to 900) days with purchases in"
    )
    unvalued = WISHES.assign(lost=float("nan"))
    assert _segment_findings(wishes=unvalued)[5].endswith("were not met; what that cost is not known.")
    assert _segment_findings(effects=EFFECTS.head(1))[6] == (
        "No campaign is settled to have brought orders over a family of 1."
    )


def _fit(k):
    rows = pd.DataFrame(
        {"k": [1, 2, 3], "gain": [None, 0.2, 0.0], "sure": [None, 9.0, 0.1], "jaccard": [None, 0.9, None]}
    )
    rows = rows.assign(silhouette=[None, 0.4, 0.2], supported=[True, k == 2, False])
    return SimpleNamespace(evidence_=rows.astype({"gain": float}), labels_=range(1500), n_clusters_=k)


def test_clusters_are_told_with_their_evidence_and_the_price_of_a_wish():
    cost = {"n_clusters": 16, "untrusted": 13, "held": 0.85}
    shown = present_profile.evidence(_fit(2), cost, LOOK_2).html
    assert "of 1,500 customers" in shown
    assert "the data hold 2 clusters" in shown
    assert (
        "Of 16 clusters, as wished, the number that would not come back in samples is 13; they would hold 85.0 %"
        in shown
    )
    assert shown.count("not supported") == 1
    assert "the data hold no clusters" in present_profile.evidence(_fit(1), {}, LOOK_2).html
    assert "no clusters are sought" in present_profile.evidence(None, {}, LOOK_2).text
    told = present_profile.clusters(CLUSTERS, LOOK_2, by_segment=0.753).html
    assert "not to be trusted" in told
    assert "segments tell them at Cramér&#x27;s V of 0.75 (0" in told
    assert "Cramér" not in present_profile.clusters(CLUSTERS, LOOK_2, by_segment=float("nan")).html
    assert "differ by degrees" in present_profile.clusters(CLUSTERS.head(1), LOOK_2, by_segment=0.1).text
    assert present_profile.clusters(CLUSTERS.head(0), LOOK_2, by_segment=0.1) is None
    still = present_profile.preferences(LIFTS.head(0), LIFTS, LOOK_2).text
    assert still.startswith(
        "None of the 2 categories of segments is apart from all customers in 2026Q3; the 2 intervals"
    )
    none = LIFTS.head(0)
    widths = pd.DataFrame({"segment": ["a"], "n": [12], "orders_each": [2.5], "categories": [1.25], "articles": [3.0]})
    widths = widths.assign(categories_low=1.0, categories_high=1.5, articles_low=2.0, articles_high=4.0)
    wide = present_profile.breadth(widths.assign(sites=None, sites_low=None, sites_high=None), LOOK_2)
    assert "the 2 intervals hold together" in wide.html  # of sites nothing is recorded
    assert ">1.25<" in wide.html
    assert "sites low" not in wide.html
    few = present_profile.breadth(widths.head(0), LOOK_2).text
    assert few == "Too few customers ordered in the 52 weeks to the end of 2026Q3."
    assert present_profile.preferences(none, none, LOOK_2).text.startswith("No category holds enough customers")


def test_value_is_told_after_its_test_or_with_the_reason():
    test = AHEAD.assign(actual=[810, 905], error_share=[-0.01, 0.005])
    assert "-1.0 %" in present_profile.foretold(test, "", LOOK_2).html
    assert present_profile.foretold(test.head(0), "few", LOOK_2).text == "What shoppers will bring cannot be said: few."
    assert "20,000" in present_profile.worth(AHEAD, "", LOOK_2).html
    assert present_profile.worth(AHEAD.head(0), "few", LOOK_2).text == "The year ahead is not told: few."
    kept = AHEAD.assign(n_ended=2, retention=0.9, retention_low=0.8, retention_high=0.95, revenue=100_00, multiple=4.5)
    assert "10 % discount" in present_profile.accounts(kept, LOOK_2, discount=0.1).html
    assert "too few to show" in present_profile.accounts(kept.head(0), LOOK_2, discount=0.1).text
    lacking = present.Look(FACTS_2, pd.DataFrame({"table": ["agreements"], "columns": [""]}))
    assert "the table agreements" in present_profile.accounts(kept, lacking, discount=0.1).text


def test_the_matrix_leaves_out_costs_that_nobody_brought_and_says_when_it_is_empty():
    row = {"segment": "a", "n_customers": 9, "n_orders": 12, "net_revenue": 9000, "margin": 900, "serve_share": 0.1}
    row |= {"n_due": 5, "late_share": 0.2, "n_answers": 0} | dict.fromkeys(present.trio("nps"), float("nan"))
    cells = pd.DataFrame([row])
    assert "cost to serve of revenue" in present_profile.matrix(cells, LOOK_2, by=["segment"]).html
    free = present_profile.matrix(cells.assign(serve_share=0.0), LOOK_2, by=["segment"]).html
    assert "cost to serve of revenue" not in free
    assert "nothing is known to tell them by" in present_profile.matrix(cells.head(0), LOOK_2, by=["segment"]).text


def test_clusters_without_a_mark_are_told_of():
    bare = CLUSTERS.assign(trusted=True)
    told = present_profile._clustered(bare, MOVED, LOOK_2)
    assert "makes 2 clusters, all stable, 1 of them without a mark in the weeks that made no cluster; the" in told


def test_who_moved_is_told_beside_noise():
    flows = pd.DataFrame({"before": ["x"], "after": ["y"], "n": [50], "share": [0.1]})
    assert "10.0 % of 500 moved; noise alone moves 4.0 %" in present_profile.migration(flows, MOVED, LOOK_2).html
    told = present_profile.migration(flows, MOVED, LOOK_2).html
    assert "98.0 % into the same one" in told
    assert "changed their sizes (Stuart and Maxwell, p 0.012), moves go both ways alike (Bowker, p 0.500)" in told
    still = MOVED | {"homogeneity_p": float("nan"), "symmetry_p": float("nan")}
    assert "Bowker" not in present_profile.migration(flows, still, LOOK_2).html
    assert "too few customers" in present_profile.migration(flows.head(0), MOVED, LOOK_2).text


def test_unmet_demand_is_told_by_its_parts_or_says_what_it_lacks():
    parts = {"all": WISHES, "site_id": WISHES.assign(site_id="S1")}
    shown = present_profile.outcomes(parts, LOOK_2).html
    assert ">(all)<" in shown
    assert ">site<" in shown
    assert ">S1<" in shown
    item = WISHES.assign(item="oats", per_day=1.5, per_day_low=1.0, per_day_high=2.0, n_unmet=40)
    assert "oats, 1.50" in present_profile.wanted(item, LOOK_2).text
    assert "Nothing was wanted in vain by 10 persons" in present_profile.wanted(item.head(0), LOOK_2).text
    short = WISHES.assign(category="tea", short=0.1, short_low=0.0, short_high=0.2, not_delivered=5)
    assert "came short" in present_profile.short_lines(short, LOOK_2).html
    lacking = pd.DataFrame({"table": ["shopping_intents", "delivery_lines"], "columns": ["", ""]})
    lacking = present.Look(FACTS_2, lacking)
    assert "the table shopping_intents" in present_profile.outcomes(parts, lacking).text
    assert present_profile.wanted(item, lacking) is None
    assert "the table delivery_lines" in present_profile.short_lines(short, lacking).text
    none = {name: part.head(0) for name, part in parts.items()}
    assert present_profile.outcomes(none, LOOK_2).text == "No wish is on record in 2026Q3."
    assert "has arrived" in present_profile.short_lines(short.head(0), LOOK_2).text


def test_campaigns_are_drawn_only_with_a_control():
    shown = present_profile.uplift(EFFECTS, LOOK_2, by="campaign")
    assert "Highest: K2, 150.0" in shown.text
    assert "contacted" in shown.html
    alone = EFFECTS.assign(uplift=float("nan"), n_held_out=0)
    assert "none held 10 customers or more out" in present_profile.uplift(alone, LOOK_2, by="campaign").html
    assert present_profile.uplift(alone, LOOK_2, by="segment") is None
    assert present_profile.uplift(EFFECTS.head(0), LOOK_2, by="segment") is None
    assert "can be followed yet" in present_profile.uplift(EFFECTS.head(0), LOOK_2, by="campaign").text


@pytest.mark.parametrize(
    ("kind", "what", "advice", "evidence"),
    [
        (
            "account",
            "",
            "find out why agreements end",
            "10.0 % (95 % interval 5.0 to 20.0 %) of accounts ended a year, ",
        ),
        ("serve", "", "deliver as promised", "of orders due came late, 4.0 % of all others&#x27;"),
        (
            "range",
            "oat_cream",
            "range: oat cream",
            "wanted and not ranged 0.10 (95 % interval 0.05 to 0.20) times a day",
        ),
        ("stock", "P1", "keep in stock: P1", "wanted and not there 0.10"),
        (
            "campaign",
            "stop",
            "stop campaigns to them",
            "0.1 (95 % interval 0.1 to 0.2) orders more per 1,000 contacted",
        ),
        (
            "offer",
            "tea",
            "offer them tea",
            "0.10 (95 % interval 0.05 to 0.20) times the share that all customers spend",
        ),
    ],
)
def test_advice_stands_with_its_evidence_and_its_owner(kind, what, advice, evidence):
    row = {"segment": "a", "kind": kind, "what": what, "n": 50, "value": 0.1, "low": 0.05, "high": 0.2, "others": 0.04}
    shown = present_profile.what_to_do(pd.DataFrame([row | {"owner": "somebody"}]), LOOK_2).html
    assert f">{advice}<" in shown
    assert evidence in shown
    assert ">somebody<" in shown


def test_where_nothing_is_settled_there_is_no_advice():
    assert present_profile.what_to_do(pd.DataFrame(), LOOK_2).text.startswith("No advice: nothing")


def test_groups_made_of_the_outcome_are_called_descriptive():
    groups = BACK.assign(rfm_group=["Champions", "Lost"], of_all=0.5, recency_days=1.0, n_orders=2.0, net_revenue=5.0)
    shown = present_profile.rfm(groups, LOOK_2, built_from=["orders.ordered_at", "order_lines.net_revenue"])
    assert "descriptive only: groups are built from orders.ordered_at and order_lines.net_revenue" in shown.html
    assert shown.text.endswith("Lowest: Lost, 25.0 %. Highest: Champions, 80.0 %.")


def _caused(**more):
    row = {"failure": "late or overdue", "declared_later": False, "note": "", "lost": -4.0, "lost_low": -5.0}
    row |= {"lost_high": -3.0, "e_value": 4.2, "e_value_limit": 3.3, "n": 900, "n_treated": 90, "n_alone": 0}
    rows = [
        row | {"estimand": name, "effect": effect, "effect_low": effect - 5, "effect_high": effect + 5}
        for name, effect in (("raw difference", -50.0), ("ATT", -40.0), ("ATT on product", -2.0))
    ]
    return pd.DataFrame(rows).assign(**more)


def test_cause_is_told_with_its_control_and_what_would_explain_it_away():
    assert _nps_findings(caused=_caused())[5] == (
        "Alike customers compared, late or overdue moved the score of those who met it by -40.0 points (95 % interval "
        "-45.0 to -35.0 points); its control, product, moved by -2.0 points, which may be chance; to "
        "explain it away, something unknown must move both 3.30-fold (E-value of the interval's end)."
    )
    touched = _caused()
    touched.loc[2, ["effect_low", "effect_high"]] = [-3.0, -1.0]
    assert "so that the comparison misses something" in _nps_findings(caused=touched)[5]
    unsettled = _caused(effect_low=-60.0, effect_high=1.0, declared_later=True)
    assert _nps_findings(caused=unsettled)[5].endswith(
        "declared later than the period's begin; an effect is not settled."
    )
    assert _nps_findings(caused=_caused(note="too few customers met it"))[5] == (
        "Whether late or overdue is a cause cannot be said: too few customers met it."
    )


WORTH = pd.DataFrame(
    [
        {"money": "net revenue", "what": "promoters", "n": 9, "n_customers": 9, "bought": 5000.0, "days": 90},
        {"money": "net revenue", "what": "a point of NPS per 1,000 customers", "n": 20, "n_customers": 19, "days": 90},
    ]
).assign(
    effect=[None, 123456.0], effect_low=[None, 10000.0], effect_high=[None, 250000.0], settled=[False, True], note=""
)


def test_worth_is_money_only_where_it_is_settled():
    assert _nps_findings(worth=WORTH)[6] == (
        "A point of NPS goes with EUR 1,235 (95 % interval 100 to 2,500) of net revenue per 1,000 customers in 90 "
        "days: an association."
    )
    unsettled = WORTH.assign(settled=False)
    assert _nps_findings(worth=unsettled)[6] == "What a point is worth is not settled (net revenue)."
    shown = present.worth(unsettled, LOOK_2)
    assert "not settled" in shown.html
    assert "1,234.56" not in shown.html
    assert "1,234.56" in present.worth(WORTH, LOOK_2).html


def test_the_silent_are_drawn_as_a_line_to_the_tipping_point():
    rows = pd.DataFrame({"what": ["as they came", "weighted"], "n": 90, "n_effective": 80.0, "nps": [40.0, 39.0]})
    rows = rows.assign(nps_low=30.0, nps_high=48.0, tipping=[50.0, 48.75], answered=0.2, representativity=0.8)
    shown = present.silence(rows, LOOK_2, reference=0.0)
    assert shown.text.endswith("from 39.0, it meets 0.0 at 48.8 points.")
    assert "20.0 % of those invited answered" in shown.html
    below = present.silence(rows.assign(tipping=-5.0), LOOK_2, reference=43.0)
    assert below.text.endswith("from 39.0, it begins below 43.0.")


def test_why_tables_say_what_they_lack():
    none = pd.DataFrame()
    for shown in (
        present.silence(none, LOOK_2, reference=0.0),
        present.dose(none, TOTAL, LOOK_2, of="late"),
        present.importance(none, LOOK_2),
        present.penalty_reward(none, LOOK_2),
        present.change(none, LOOK_2),
        present.cause(none, LOOK_2),
        present.worth(none, LOOK_2),
    ):
        assert shown.html.startswith('<div class="note"><p>')
    assert present.comparisons(none, LOOK_2) is None
    assert present.alike(none, LOOK_2) is None


def test_captions_of_the_why_tables_tell_size_and_break():
    days = pd.DataFrame({"dose": ["in time", "1"], "unit": "days late", "n": [90, 12], "nps": [50.0, -20.0]})
    days = days.assign(nps_low=[40.0, -50.0], nps_high=[60.0, 10.0])
    found = {"break": 0.0, "break_low": 0.0, "break_high": 1.0, "jump": -60.0}
    shown = present.dose(days, TOTAL, LOOK_2, of="late", found=found).html
    assert "the score breaks at the promise (interval 0 to 1 days), -60.0 points at once" in shown
    later = present.dose(days, TOTAL, LOOK_2, of="late", found=found | {"break": 3.0}).html
    assert "the score breaks after 3 days" in later
    none = present.dose(days, TOTAL, LOOK_2, of="late", found=found | {"break": None}).html
    assert "no break can be told" in none
    parts = pd.DataFrame({"part": ["service", "rest", "change in all"], "points": [6.0, 2.0, 8.0]})
    parts = parts.assign(points_low=0.0, points_high=9.0)
    assert "the rest is 25.0 % of it" in present.change(parts, LOOK_2).html
    rows = pd.DataFrame({"driver": ["late", "short"], "importance": [0.1, 0.05], "vif": [1.0, 12.0], "method": "LMG"})
    rows = rows.assign(importance_low=0.01, importance_high=0.2, share=0.5)
    shown = present.importance(rows, LOOK_2).html
    assert "not ranked: short go with others (variance inflation above 10)" in shown
    wait = present.dose(days.assign(unit="days from order to arrival"), TOTAL, LOOK_2, of="wait", found=found).html
    assert "the score breaks after 0 days" in wait
    assert "breaks" not in present.dose(days, TOTAL, LOOK_2, of="missing").html
    row = dict.fromkeys([*present.trio("effect"), *present.trio("placebo")], -1.5)
    row |= {"decision": "x", "starts": "2026-02-01", "outcome": "NPS", "n": 9, "verdict": "not settled"}
    assert "nothing is concluded" in present.decided(pd.DataFrame([row]), LOOK_2).html
    gone = {"treatment": "late", "period": "2026Q1", "revision": "r1", "value": -3.0, "low": -5.0, "high": -1.0}
    assert '<td class="number">-3.0</td>' in present.withdrawn(pd.DataFrame([gone]), LOOK_2).html
    assert present.decided(pd.DataFrame(), LOOK_2) is present.withdrawn(pd.DataFrame(), LOOK_2) is None
    assert "declared later than the begin of the period: late or overdue" in (
        present.cause(_caused(declared_later=True), LOOK_2).html
    )
    pairs = pd.DataFrame({"group_a": ["a", "a"], "group_b": ["b", "c"], "difference": [5.0, -9.0], "family": 3})
    pairs = pairs.assign(difference_low=1.0, difference_high=2.0, p_adjusted=0.01, settled=[True, True])
    shown = present.comparisons(pairs, LOOK_2).html
    assert "2 of 3 pairs are settled (Benjamini-Hochberg at 5 %)" in shown
    assert shown.index(">c<") < shown.index(">b<")


ON_TIME = pd.DataFrame({"segment": ["a", "b"], "n": [90, 12], "n_customers": [80, 11], "on_time": [0.9, 0.5]})
ON_TIME = ON_TIME.assign(on_time_low=0.4, on_time_high=0.95, early=0.0, otif=[0.8, 0.4], otif_low=0.3, otif_high=0.9)
ON_TIME = ON_TIME.assign(in_full=0.9, perfect=0.5, line_fill=0.96, unit_fill=0.97, in_window=float("nan"))


def test_service_prints_the_four_choices_and_what_is_not_known():
    shown = present.performance(ON_TIME, {"counted by": "order"}, LOOK_2, by="segment")
    assert "on time and in full: counted by: order" in shown.html
    assert shown.text.startswith("Dots with intervals: on time and in full for 2 groups. Lowest: b, 40.0 %.")
    unknown = ON_TIME.assign(**dict.fromkeys(["otif", "in_full", "perfect", "line_fill", "unit_fill"], float("nan")))
    shown = present.performance(unknown, {}, LOOK_2, by="segment")
    assert "what was delivered of a line is not recorded" in shown.html
    assert shown.text.startswith("Dots with intervals: on time for 2 groups.")
    no_deliveries = pd.DataFrame({"table": ["deliveries"], "columns": [""]})
    lacking = present.performance(ON_TIME.iloc[:0], {}, present.Look(FACTS_2, no_deliveries), by="segment")
    assert lacking.text.startswith("Not shown: this needs the table deliveries.")
    none = present.performance(ON_TIME.iloc[:0], {}, LOOK_2, by="segment")
    assert none.text == "No promise fell due in 2026Q3, or too few to show."
    alone = ON_TIME.iloc[:1].rename(columns={"segment": "carrier"})
    one = present.performance(alone, {}, LOOK_2, by="carrier")
    assert one.text == "All orders due in 2026Q3 have one carrier: a."


def test_ways_and_suppliers_are_tables_or_say_what_they_lack():
    ways = pd.DataFrame(
        [{"fulfilment": "click_and_collect", "n_customers": 20, "adoption": 0.5, "n": 30, "growth": 0.1}]
    )
    ways = ways.assign(basket=5000.0, repeat=0.2, new=10, switched=pd.NA)
    assert "click and collect" in present.ways(ways, LOOK_2).html
    assert present.ways(ways.iloc[:0], LOOK_2).text == "No order was placed in 2026Q3, or too few to show."
    no_receipts = pd.DataFrame({"table": ["supplier_receipts"], "columns": [""]})
    shown = present.suppliers(pd.DataFrame(), present.Look(FACTS_2, no_receipts))
    assert shown.text.startswith("Not shown: this needs the table supplier_receipts.")
    row = {"supplier": "S1", "own": False, "n": 2, "n_lines": 9, "n_open": 1, "lead_days": 8.0, "lead_sd": 1.0}
    row |= {"lead_p95": 9.0, "every_days": 7.0, "on_time": 0.5, "in_full": 0.9, "on_time_before": 0.9, "trend": -0.4}
    rows = pd.DataFrame([row | {"trend_low": -0.6, "trend_high": -0.2, "settled": True}])
    assert "1 of 1 have changed" in present.suppliers(rows, LOOK_2).html
    times = pd.DataFrame([{"segment": "a", "n": 30, "n_open": 2, "median_days": 2.0, "p95_days": float("nan")}])
    far = pd.DataFrame([{"arrival": "not there", "n": 2, "share": 0.1}])
    assert "n = 30" not in present.cycle_time(times, LOOK_2).html
    assert "not there" in present.promise_accuracy(far, LOOK_2).html
    assert present.cycle_time(times.iloc[:0], LOOK_2) is None
    assert present.promise_accuracy(far.iloc[:0], LOOK_2) is None


def test_promises_are_told_by_what_became_of_them():
    rows = pd.DataFrame(
        {
            "measure": ["on_time", "otif", "nps", "nps"],
            "segment": ["a", "", "b", ""],
            "channel": ["", "", "web", ""],
            "at_least": [0.9, 0.8, 30.0, 20.0],
            "value": [0.95, 0.7, 40.0, None],
            "verdict": ["kept but not felt", "broken", "kept", "too few to say"],
        }
    ).assign(value_low=0.5, value_high=0.9, n=9, felt="on_time", felt_at_least=0.7, felt_share=0.4)
    assert _nps_findings(promised=rows)[7] == (
        "Of 4 promises: 1 kept; 1 broken (otif to all); 1 kept but not felt (on time to a); 1 too few to say."
    )
    shown = present.promises(rows, LOOK_2)
    assert '<td class="number">95.0 %</td><td class="number">50.0 %</td>' in shown.html
    assert '<td class="number">40.0</td><td class="number">0.5</td>' in shown.html
    kept = pd.read_csv(io.StringIO(shown.mime[present.TABLE_MIME]["csv"]))
    assert kept["value"].tolist()[:3] == [0.95, 0.7, 40.0]
    assert "<td>b web</td>" in shown.html
    assert "<td>all</td>" in shown.html
    assert present.promises(rows.iloc[:0], LOOK_2).text.startswith("No promise is on record")


# -- the vocabulary of columns and the look ----------------------------------------------------------


def _heads(shown):
    return re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", shown.html)


def test_low_and_high_read_like_their_column():
    row = pd.DataFrame([{"region": "n", "ratio": 0.2, "ratio_low": 0.1, "ratio_high": 0.3}])
    shown = present.table(row, name="t", caption="A", columns=list(row))
    assert _heads(shown) == ["region", "share", "low", "high"]
    assert re.findall(r"<td[^>]*>([^<]*)</td>", shown.html) == ["20.0 %", "10.0 %", "30.0 %"]


def test_a_call_may_read_a_column_otherwise_and_name_one_that_is_new():
    row = pd.DataFrame([{"freight": 123456, "of_moon": 0.5, "of_moon_low": 0.25}])
    kinds, heads = {"freight": "cents", "of_moon": "share"}, {"freight": "freight (EUR)"}
    shown = present.table(row, name="t", caption="A", columns=list(row), kinds=kinds, heads=heads)
    assert _heads(shown) == ["freight (EUR)", "of moon", "low"]
    assert re.findall(r"<td[^>]*>([^<]*)</td>", shown.html) == ["1,234.56", "50.0 %", "25.0 %"]


def test_a_column_of_no_known_kind_is_our_own_fault():
    with pytest.raises(AssertionError, match=re.escape("present.table t: no kind is known for: ['of_moon']")):
        present.table(pd.DataFrame([{"n": 1, "of_moon": 1}]), name="t", caption="A", columns=["n", "of_moon"])


def test_a_figure_adds_value_and_interval_to_its_table_once():
    more = {"by": ["segment"], "value": "nps", "name": "f", "axis": "points", "what": "NPS", "caption": "A"}
    assert _heads(present.dots(SCORES, columns=["segment", "n"], **more)) == [
        "segment",
        "answers",
        "nps",
        "low",
        "high",
    ]
    early = present.dots(SCORES, columns=["segment", "nps", "n"], **more)
    assert _heads(early) == ["segment", "nps", "answers", "low", "high"]
    two = pd.DataFrame([dict.fromkeys([*present.trio("lost"), *present.trio("effect")], 1.0)])
    told = [
        "points lost in all",
        "lost low",
        "lost high",
        "effect",
        "effect low",
        "effect high",
    ]
    assert _heads(present.table(two, name="t", caption="A", columns=list(two))) == told


def test_each_column_has_one_kind_and_every_head_a_kind():
    columns = " ".join(present._KINDS.values()).split()
    assert len(columns) == len(set(columns))
    assert set(present._HEADS) <= set(columns)


def test_a_look_tells_facts_what_is_lacking_and_how_intervals_hold():
    look = present.Look(FACTS_2, NO_SURVEYS, 0.9, "stars")
    assert (look.period, look.currency, look.as_of, look.min_n) == ("2026Q3", "EUR", "22 October 2026", 10)
    assert (look.first_day, look.unanswered_known, LOOK_2.confidence, LOOK_2.measure) == (
        "1 July 2026",
        True,
        0.95,
        "NPS",
    )
    assert LOOK_2.missing({"surveys": ()}, gain="x") is None
    assert look.missing({"surveys": ()}, gain="x").text == (
        "Not shown: this needs the table surveys. With it, this section x."
    )
    assert look.together(3) == "the 3 intervals hold together with 90 % confidence (Bonferroni)"


def test_what_ran_out_is_a_sentence_with_its_interval_or_its_reason():
    row = pd.DataFrame(
        {"n": [200], "stocked_out": 0.1, "sold": 5000, "lost": 300.0, "lost_low": 90.0, "lost_high": 700.0}
    )
    row["reason"] = None
    assert present_profile.stockouts(row, LOOK_2).text == (
        "Articles ran out in 10.0 % of 200 spans between counts of their stock; of these articles 5,000 pieces were "
        "sold, and 300 (95 % interval 90 to 700) more were wanted."
    )
    unknown = row.assign(lost=float("nan"), reason="always sold out")
    assert present_profile.stockouts(unknown, LOOK_2).text.endswith("what that lost cannot be said: always sold out.")
    assert "ran out in 2026Q3" in present_profile.stockouts(row.head(0), LOOK_2).text
    lacking = present.Look(FACTS_2, pd.DataFrame({"table": ["stock_levels"], "columns": [""]}))
    assert "the table stock_levels" in present_profile.stockouts(row, lacking).text


def test_headlines_are_figures_of_all_that_have_a_value():
    columns = ["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]
    rows = pd.DataFrame(
        [("nps", "2.1", "orders", segment, channel, value, None, None, 9, "points")
         for segment, channel, value in (("", "", 1.5), ("a", "", 2.0), ("", "web", 3.0), ("", "", float("nan")))],
        columns=columns,
    )  # fmt: skip
    kept = present.key_figures(rows, {"nps": "NPS"}).mime[present.FIGURES_MIME]
    assert [row["headline"] for row in kept] == ["NPS", "", "", ""]
    assert [row["value"] for row in kept] == [1.5, 2.0, 3.0, None]


# -- colours ----------------------------------------------------------------------------------------

# Machado, Oliveira and Fernandes, IEEE Transactions on Visualization 15 (2009) 1291-1298, table 1, severity 1.0
SEEN_BY = {
    "all": np.eye(3),
    "protanopes": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopes": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopes": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def _light(colour):
    """Linear red, green and blue of a colour (WCAG 2.2, relative luminance)."""
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def _contrast(first, second):
    more, less = sorted((_light(colour) @ [0.2126, 0.7152, 0.0722] for colour in (first, second)), reverse=True)
    return (more + 0.05) / (less + 0.05)


def _lab(light):
    """CIELAB of linear red, green and blue under D65."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(
        light, 0, 1
    )
    xyz = xyz / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_contrast_is_that_of_wcag():
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the grey that just fails


@pytest.mark.parametrize("at", [0, 1], ids=["light", "dark"])
def test_drawings_are_read_in_light_and_dark_and_told_apart_by_every_eye(at):
    tones = {name: pair[at] for name, pair in present._TONES.items()}
    assert min(_contrast(tones[name], tones["paper"]) for name in ("ink", "accent", "quiet", "warn")) >= 4.5
    for matrix in SEEN_BY.values():
        accent, warn = (_lab(np.array(matrix) @ _light(tones[name])) for name in ("accent", "warn"))
        assert np.linalg.norm(accent - warn) > 40


def test_a_page_and_its_drawings_have_the_same_colours():
    style = (ROOT / "toolkit" / "reporting" / "template" / "page.css").read_text()
    for at, block in enumerate(re.findall(r":root\{([^}]*)\}", style)[:2]):
        found = dict(part.split(":") for part in block.split(";") if part.startswith("--"))
        for name in ("ink", "accent", "warn"):
            assert found[f"--{name}"] == present._TONES[name][at]
        assert min(_contrast(found[f"--{name}"], found["--wash"]) for name in ("ink", "quiet", "accent", "warn")) >= 4.5


def test_the_score_is_called_by_its_name_in_the_language_spoken():
    with language.speaking("nl"):
        assert present.Look(FACTS, NOTHING_MISSING, measure="NPS proxy (five promotes)").measure.startswith(
            "NPS-benadering"
        )
    assert (
        present.Look(FACTS, NOTHING_MISSING, measure="NPS proxy (five promotes)").measure == "NPS proxy (five promotes)"
    )


@pytest.mark.parametrize(
    "text", ["=1+1", "@SUM(A1)", "+1+cmd|' /C calc'!A0", "-2+3", "\t=1", "\r=1", "+A1", "-", "-1;=2", "-1,=2", "-1 a+b"]
)
def test_no_cell_of_a_file_is_a_formula(text):
    """OWASP, CSV Injection: cells that begin with =, +, -, @, tab or carriage return."""
    rows = pd.DataFrame({"segment": [text], "n": [-3], "note": [f"x {text}"]})
    shown = present.table(rows, name="t", caption="c", columns=["segment", "n", "note"])
    kept = pd.read_csv(io.StringIO(shown.mime[present.TABLE_MIME]["csv"]), keep_default_na=False)
    line = text.replace("\r", " ")
    assert kept.values.tolist() == [[f"'{line}", -3, f"x {line}"]]
    assert f"'{html.escape(text)}<" not in shown.html  # the page has no formulas


@pytest.mark.parametrize(
    "text",
    ["-2.0", "+5.0, worse", "-2,0, slechter", "-11.0 points (-17.0 to -6.0 points)", "-1.5 %", "+171,844", "-0,35"],
)
def test_signed_numbers_of_ours_stay_as_they_are(text):
    shown = present.table(pd.DataFrame({"note": [text]}), name="t", caption="c", columns=["note"])
    kept = pd.read_csv(io.StringIO(shown.mime[present.TABLE_MIME]["csv"]), keep_default_na=False, dtype=str)
    assert kept["note"].tolist() == [text]


def test_too_few_answers_are_not_told_apart():
    none = pd.DataFrame(columns=["exposure", "n"])
    assert present.exposures(none, LOOK_2).text == "Too few customers answered in 2026Q3 to tell them apart."


def test_figures_are_drawn_on_the_axes_that_are_brought():
    silent = pd.DataFrame([{"what": "as they came", "n": 9, "n_effective": 8.0, "nps": 4.0, "nps_low": 3.0,
                            "nps_high": 8.0, "tipping": 5.0, "answered": 0.2, "representativity": 0.8}])  # fmt: skip
    figure, (scores, line) = plt.subplots(2)
    assert present.nps_figure(SCORES, TOTAL, LOOK_2, name="x", by=["segment"], ax=scores) is scores
    assert [label.get_text() for label in scores.get_yticklabels()] == ["b", "a"]
    assert present.silence(silent, LOOK_2, reference=0.0, ax=line) is line
    assert len(line.lines) == 4  # the estimate, its two ends, the reference
    assert plt.get_fignums() == [figure.number]  # no other was begun
    plt.close(figure)

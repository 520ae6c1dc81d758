"""Do the sentences, tables and figures of the cost report say what the numbers say?"""

import html
import re

import matplotlib.pyplot as plt
import pandas as pd

from toolkit import present, present_cost

FACTS = pd.DataFrame([{"currency": "EUR", "period": "2026Q3", "as_of": "2026-10-22", "min_n": 10}])
WHOLE = pd.DataFrame([{"n": 1234, "ratio": 0.1212, "ratio_low": 0.1166, "ratio_high": 0.1258}])
SHARES = pd.DataFrame(
    [
        {"segment": "a", "channel": "web", "n": 600, "ratio": 0.10, "ratio_low": 0.09, "ratio_high": 0.11},
        {"segment": "b", "channel": "shop", "n": 634, "ratio": 0.20, "ratio_low": 0.18, "ratio_high": 0.22},
    ]
)
NOTHING_MISSING = pd.DataFrame({"table": [], "columns": []}, dtype="str")
NO_LEDGER = pd.DataFrame({"table": ["ledger", "activities"], "columns": ["", ""]})
NO_COST = pd.DataFrame({"table": ["order_lines"], "columns": ["cost_of_goods"]})
LOOK = present.Look(FACTS, NOTHING_MISSING)
ASSUMED = [("handling per order", 300, 0), ("payment by card", 25, 20)]
GUESSED = present.Look(FACTS, NOTHING_MISSING, assumed=ASSUMED)


def _tie(posted, allocated, unused, unassigned, over=0):
    row = {"posted": posted, "allocated": allocated, "unused": unused, "over_absorbed": over, "unassigned": unassigned}
    row["difference"] = posted - allocated - unused - over - unassigned
    return pd.DataFrame([{"month": "", "account": "total", **row}])


def _told(**more):
    told = {"n": 50, "total": 1_000_00, "n_losing": 12, "losing": -100_00, "n_twice": 11, "twice": -60_00, "n_top": 1}
    return told | {"top": 0.6, "top_low": 0.5, "top_high": 0.7, "gini": 0.5, "stobachoff": 0.25} | more


RESULTS = pd.DataFrame({"segment": ["a", "b"], "n": [90, 40], "profit": [-500_00, 700_00], "before": [-100_00, 9]})
RESULTS = RESULTS.assign(profit_low=-1, profit_high=1, verdict=["loses money", "earns money"])


NO_LOSING = pd.DataFrame(columns=["kind", "margin"])
NO_LEVERS = pd.DataFrame(columns=["segment", "lever", "beyond"])


def _findings(tie, *, leader=None, told=None, rows=RESULTS, losing=NO_LOSING, dear=NO_LEVERS, look=LOOK):
    args = (tie, WHOLE, SHARES, leader, told or _told(), rows, losing, dear, look)
    return present_cost.findings(*args, by=["segment", "channel"]).text.split("\n")


def test_a_ledger_that_ties_says_so_with_the_difference_of_nothing():
    assert _findings(_tie(72998726, 63746475, 9252251, 0))[0] == (
        "The ledger of 2026Q3 ties: EUR 729,987.26 posted = 637,464.75 allocated + 92,522.51 unused + 0.00 unassigned, "
        "difference 0.00."
    )


def test_a_ledger_that_does_not_tie_says_so_in_the_first_line():
    assert _findings(_tie(1000, 900, 0, 0))[0] == (
        "The ledger of 2026Q3 DOES NOT TIE: EUR 10.00 posted = 9.00 allocated + 0.00 unused + 0.00 unassigned, "
        "difference 1.00."
    )


def test_no_ledger_is_said_and_an_assumption_is_called_one_in_every_sentence_that_uses_it():
    losing = pd.DataFrame({"kind": ["a, rush"], "margin": [-500_00]})
    dear = pd.DataFrame({"segment": ["a"], "lever": ["rush"], "beyond": [900_00]})
    found = _findings(_tie(0, 0, 0, 0), look=GUESSED, leader=1, losing=losing, dear=dear)
    assert found[0] == (
        "No ledger for 2026Q3: what follows is freight as charged and rates as assumed, not posted cost."
    )
    assert found[1] == (
        "Serving customers cost 12.1 % of net revenue (95 % interval 11.7 to 12.6 %, n = 1,234 customers), assuming "
        "EUR 3.00 of handling per order, EUR 0.25 and 2 % of payment by card."
    )
    assert all(sentence.endswith(" (under assumed rates).") for sentence in found[2:])
    assert len(found) == 7
    assert "assuming EUR 3.00" in present_cost.serve_figure(SHARES, GUESSED, by=["segment"]).html
    assert "assuming EUR 3.00" in present_cost.concentration(_told(), GUESSED).text


def test_the_dearest_group_is_named_only_when_settled():
    assert _findings(_tie(0, 0, 0, 0))[2] == (
        "Which group is dearest to serve is not settled over a family of 2 intervals by segment and channel."
    )
    assert _findings(_tie(0, 0, 0, 0), leader=1)[2] == (
        "Dearest to serve is b, shop: 20.0 % of its revenue (95 % interval 18.0 to 22.0 %, over a family of 2 "
        "intervals by segment and channel)."
    )


def test_who_earns_the_profit_and_who_loses_money():
    assert _findings(_tie(0, 0, 0, 0))[3:] == [
        "Customers together earn EUR 1,000; the best fifth of the four periods before earns 60.0 % (95 % interval 50.0 "
        "to 70.0 %) of it; 12 of 50 customers lose money, EUR 100 in all; 11 of them in the period before too, EUR 60 "
        "of it.",
        "Loses money: a (EUR -500).",
    ]
    few = _told(top=float("nan"), n_twice=3)
    assert _findings(_tie(0, 0, 0, 0), told=few, rows=RESULTS.iloc[1:])[3:] == [
        "Customers together earn EUR 1,000; 12 of 50 customers lose money, EUR 100 in all.",
        "No segment loses money; that of 1 of 1 is settled.",
    ]
    assert _findings(_tie(0, 0, 0, 0), told=_told(n_losing=3))[3].endswith("fewer than 10 of 50 customers lose money.")
    assert _findings(_tie(0, 0, 0, 0), told=_told(n=0))[3:] == [
        "Which customers earn or lose money cannot be said: the cost of goods is not known."
    ]


def test_what_is_dear_and_which_orders_lose_are_told():
    losing = pd.DataFrame({"kind": ["a, rush", "b, one line"], "margin": [-500_00, -20_00]})
    dear = pd.DataFrame({"segment": ["a"], "lever": ["account_visit"], "beyond": [900_00]})
    assert _findings(_tie(0, 0, 0, 0), losing=losing, dear=dear)[5:] == [
        "Orders that cost more than they bring: a, rush (EUR -500); b, one line (EUR -20).",
        "Most beyond the standard: account visit of a, EUR 900.",
    ]
    assert _findings(_tie(0, 0, 0, 0), told=_told(n=0), dear=dear)[4] == (
        "Most beyond the standard: account visit of a, EUR 900."
    )


def test_levers_are_tables_that_add_up():
    row = {"segment": "a", "lever": "account_visit", "n_orders": 9, "units": 3.0, "standard": 0.0, "cost": 900_00}
    every = pd.DataFrame([row | {"at_standard": 0, "beyond": 900_00}])
    shown = present_cost.levers(every, every, LOOK)
    assert ">account visit<" in shown.html
    behind = present_cost.all_levers(every, LOOK)
    assert "All levers, adding up to cost to serve" in behind.html
    kept = [each.mime[present.TABLE_MIME] for each in (shown, behind)]  # each on its own goes to the archive
    assert [one["name"] for one in kept] == ["levers", "levers_all"]
    assert kept[1]["csv"].splitlines()[1] == "a,account visit,9,3.0,0.0,90000,0,90000"
    assert present_cost.all_levers(every.assign(cost=0), LOOK) is None
    assert present_cost.levers(every.head(0), every, LOOK).text.startswith("No cost lies beyond")
    assert present_cost.levers(every, every.assign(cost=0), LOOK) is None
    sums = pd.DataFrame([{"segment": "a", "n_orders": 9, "cost": 900_00, "at_standard": 450_00, "beyond": 450_00}])
    sums = sums.assign(each=100_00.0, standard_each=50_00.0)
    assert ">100.00<" in present_cost.against_standard(sums, LOOK).html
    assert present_cost.against_standard(sums.assign(cost=0), LOOK) is None
    lost = pd.DataFrame([{"kind": "a, rush", "n_orders": 3, "n_customers": 3, "serve_share": 0.5}])
    lost = lost.assign(**dict.fromkeys(["net_revenue", "cost_of_goods", "freight", "handling", "cost_to_serve"], 1))
    assert ">a, rush<" in present_cost.losing_kinds(lost.assign(margin=-1), LOOK).html
    assert "of no segment and class" in present_cost.losing_kinds(lost.assign(margin=-1).head(0), LOOK).text
    assert "needs order_lines.cost_of_goods" in present_cost.losing_kinds(lost, present.Look(FACTS, NO_COST)).text


def test_how_sure_margins_are_is_drawn_or_said_not_to_be_declared():
    rows = pd.DataFrame(
        {"segment": ["a", "b"], "margin": [500_00.0, 400_00.0], "margin_low": 1.0, "margin_high": 900_00.0}
    )
    pairs = pd.DataFrame({"first": ["a"], "second": ["b"], "kept": [0.8], "settled": [False]})
    shown = present_cost.uncertain(rows.assign(below=0.1), pairs, LOOK)
    assert "Not settled: a above b (in 80.0 % of draws)." in shown.html
    assert shown.text.endswith("Lowest: b, 400. Highest: a, 500.")
    settled = present_cost.uncertain(rows.assign(below=0.1), pairs.assign(settled=True), LOOK)
    assert "Every segment keeps its place." in settled.html
    assert "is not declared (give_or_take" in present_cost.uncertain(rows.head(0), pairs, LOOK).text
    assert present_cost.uncertain(rows, pairs, present.Look(FACTS, NO_LEDGER)) is None


def test_a_missing_table_is_named_with_what_it_would_bring():
    assert present_cost.ledger_tie(pd.DataFrame(), present.Look(FACTS, NO_LEDGER)).text == (
        "Not shown: this needs the table ledger and the table activities. With it, this section shows where every "
        "posted cent of the ledger stands."
    )
    assert present_cost.capacity(pd.DataFrame(), present.Look(FACTS, NO_LEDGER)).text.startswith(
        "Not shown: this needs the table ledger"
    )


def test_a_missing_column_is_named_with_what_it_would_bring():
    assert present_cost.whale(pd.DataFrame(), present.Look(FACTS, NO_COST), earlier=True).text == (
        "Not shown: this needs order_lines.cost_of_goods. With it, this section shows which customers earn the profit "
        "and which consume it."
    )


def test_the_tie_out_is_a_table_with_its_total_marked():
    tie = pd.concat([_tie(1000, 900, 100, 0).assign(account="wages", month="2026-07-01"), _tie(1000, 900, 100, 0)])
    shown = present_cost.ledger_tie(tie, LOOK)
    assert shown.html.count("<tr") == 1 + 2
    assert '<tr class="total"><th scope="row">total</th><td></td><td class="number">10.00</td>' in shown.html
    assert shown.mime[present.TABLE_MIME]["csv"].splitlines()[1] == "wages,2026-07,1000,900,100,0,0"


def test_what_was_charged_beyond_a_full_capacity_stands_alone():
    over = _tie(1000, 1100, 0, 0, over=-100)
    assert "over absorbed" in present_cost.ledger_tie(over, LOOK).html
    assert _findings(over)[0] == (
        "The ledger of 2026Q3 ties: EUR 10.00 posted = 11.00 allocated + 0.00 unused + 0.00 unassigned - 1.00 "
        "over-absorbed, difference 0.00."
    )


def test_faults_are_named_or_said_to_be_none():
    none = pd.DataFrame(columns=["fault", "name", "n", "cost"])
    assert present_cost.faults(none, LOOK).text.startswith("Nothing of what costs are made of was set aside")
    found = pd.DataFrame([{"fault": "pool without a capacity", "name": "desk", "n": 2, "cost": 500}])
    assert ">5.00<" in present_cost.faults(found, LOOK).html
    assert present_cost.faults(none, present.Look(FACTS, NO_LEDGER)) is None


def test_capacity_shows_rate_and_use():
    use = pd.DataFrame(
        [{"pool": "desk", "minutes": 700_000, "used_minutes": 578_600, "used_share": 0.8266, "rate": 0.8}]
    ).assign(posted=56_000_000, charged=46_288_000, unused=9_712_000, over_absorbed=0, unassigned=0)
    cells = re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", present_cost.capacity(use, LOOK).html)
    assert cells[-8:] == ["desk", "700,000", "578,600", "82.7 %", "0.8", "560,000", "462,880", "97,120"]


def test_what_support_pools_pass_on_is_told_where_there_are_any():
    passed = pd.DataFrame({"via": ["", "it", "it"], "pool": ["desk", "desk", "desk"], "amount": [9, 100, 50]})
    assert ">1.50<" in present_cost.support(passed, LOOK).html
    assert present_cost.support(passed.head(1), LOOK) is None


STEPS = pd.DataFrame(
    [(name, step, amount) for name, amounts in {"a": [900, -500, -100, 300], "b": [90, -50, -60, -20]}.items()
     for step, amount in zip(["net revenue", "cost of goods", "order_desk", "result"], amounts, strict=True)],
    columns=["segment", "step", "amount"],
)  # fmt: skip


def test_a_waterfall_begins_at_the_margin_before_service_and_tells_where_it_ends():
    steps = STEPS.assign(amount=100 * STEPS["amount"])
    assert present_cost.waterfall(steps, LOOK, by="segment").text == (
        "Steps from margin before service to the result, EUR: a, 400 to 300; b, 40 to -20."
    )
    unknown = steps[steps["step"] != "cost of goods"]
    shown = present_cost.waterfall(unknown, LOOK, by="segment")
    assert shown.text.startswith("Steps from net revenue to what is left before the cost of goods, which is not known,")
    assert ">order desk<" in shown.html
    assert present_cost.waterfall(steps.head(0), LOOK, by="segment").text == (
        "Nobody ordered in 2026Q3, or the revenue of a group is not known."
    )
    no_revenue = pd.DataFrame({"table": ["order_lines"], "columns": ["net_revenue"]})
    assert (
        "needs order_lines.net_revenue" in present_cost.waterfall(steps, present.Look(FACTS, no_revenue), by="x").text
    )


def test_kinds_of_orders_stand_in_their_order_and_one_kind_is_a_sentence():
    row = {"n_customers": 1, "net_revenue": 1, "cost_of_goods": 1, "freight": 1}
    row |= {"handling": 1, "cost_to_serve": 2, "margin": 5, "serve_share": 0.2}
    names = ["(no order)", "(other)", "one line", "rush"]
    rows = pd.DataFrame([row | {"order_class": name, "n_orders": int(name != "(no order)")} for name in names])
    shown = present_cost.by_kind(rows, LOOK, by="order_class")
    assert re.findall(r'<th scope="row">([^<]*)', shown.html) == ["rush", "one line", "(other)", "(no order)"]
    assert "by order class;" in shown.html
    alone = present_cost.by_kind(rows.iloc[[0, 2]], LOOK, by="order_class")
    assert alone.text == "All orders placed in 2026Q3 have one order class: one line."


def test_departments_are_shown_where_work_is_recorded():
    rows = pd.DataFrame([{"department": "desk", "activity": "order_entry", "times": 3, "minutes": 9, "cost": 500}])
    assert ">order entry<" in present_cost.by_department(rows, LOOK).html
    assert present_cost.by_department(rows.head(0), LOOK) is None


def test_figures_say_what_they_show():
    shares = present_cost.serve_figure(SHARES, LOOK, by=["segment", "channel"])
    assert shares.text == (
        "Dots with intervals: cost to serve as a share of net revenue for 2 groups. Lowest: a, web, 10.0 %. "
        "Highest: b, shop, 20.0 %."
    )
    assert f' alt="{html.escape(shares.text)}"' in shares.html
    assert "n = 600 to 634 customers a group; the 2 intervals hold together with 95 % confidence" in shares.html


def test_the_whale_curve_is_drawn_with_its_band_and_its_ranking():
    steps = pd.DataFrame({"who": ["ranked", "ranked", "new"], "customers": [0.4, 0.8, 1.0], "n": [20, 20, 10]})
    steps = steps.assign(profit=[820_00, -210_00, 5_00], cumulated=[820_00, 610_00, 615_00], of_total=[1.3, 0.9, 1.0])
    steps = steps.assign(cumulated_low=0, cumulated_high=900_00)
    shown = present_cost.whale(steps, LOOK, earlier=True)
    assert shown.text == (
        "Curve of cumulated profit over 50 customers: it rises to EUR 820 after 40.0 % of them and ends at 615."
    )
    assert "ranked by the profit of the four periods before, as far as it is on record; new ones last; band: 95 %" in (
        shown.html
    )
    assert "ranked by the profit of this period; band" in present_cost.whale(steps, LOOK, earlier=False).html
    assert present_cost.whale(steps.head(0), LOOK, earlier=False).text.startswith("Too few customers ordered in 2026Q3")


def test_fields_stand_with_what_to_do_and_moves_where_they_are_known():
    fields = pd.DataFrame({"field": ["passive", "aggressive"], "n": 20, "net_revenue": 9, "before_service": 5})
    fields = fields.assign(cost_to_serve=3, profit=2, stayed=[0.5, None])
    shown = present_cost.matrix(fields, LOOK).html
    assert ">protect: they pay for the others<" in shown
    assert ">50.0 %<" in shown
    assert "needs order_lines.cost_of_goods" in present_cost.matrix(fields, present.Look(FACTS, NO_COST)).text
    moved = pd.DataFrame({"before": ["passive"], "after": ["aggressive"], "n": [12], "share": [0.1]})
    assert ">aggressive<" in present_cost.moves(moved, LOOK).html
    assert present_cost.moves(moved.head(0), LOOK) is None
    assert ">loses money<" in present_cost.results(RESULTS, LOOK).html
    assert present_cost.results(RESULTS.head(0), LOOK) is None


def test_concentration_is_told_where_it_is_known():
    assert present_cost.concentration(_told(), LOOK).text.split("\n")[1] == (
        "Concentration, 0 if all customers were alike: revenue 0.50 (Gini), profit 0.25 (Stobachoff)."
    )
    lost = _told(stobachoff=float("nan"), gini=float("nan"))
    assert len(present_cost.concentration(lost, LOOK).text.split("\n")) == 1
    assert present_cost.concentration(_told(n=0), LOOK) is None


def test_the_same_figure_is_the_same_bytes():
    again = [present_cost.serve_figure(SHARES, LOOK, by=["segment"]).html for _ in range(2)]
    assert again[0] == again[1]


def test_without_revenue_the_page_says_what_cannot_be_said():
    unpriced = pd.DataFrame([{"n": 0, "ratio": float("nan"), "ratio_low": float("nan"), "ratio_high": float("nan")}])
    found = present_cost.findings(
        _tie(0, 0, 0, 0),
        unpriced,
        SHARES,
        None,
        _told(),
        RESULTS,
        NO_LOSING,
        NO_LEVERS,
        LOOK,
        by=["segment"],
    )
    assert found.text.split("\n")[1:] == [
        "What serving takes out of revenue, and who earns the profit, cannot be said: revenue is not known."
    ]
    no_revenue = pd.DataFrame({"table": ["order_lines"], "columns": ["net_revenue, cost_of_goods"]})
    assert present_cost.serve_figure(SHARES, present.Look(FACTS, no_revenue), by=["segment"]).text == (
        "Not shown: this needs order_lines.net_revenue. With it, this section shows what serving takes out of each "
        "unit of revenue."
    )


def test_a_cost_of_nothing_is_not_shown_as_a_number():
    free = WHOLE.assign(ratio=0.0, ratio_low=0.0, ratio_high=0.0)
    sentence = (
        "What serving costs cannot be said: no freight (deliveries.freight_cost), no work (activities) and no "
        "assumption (handling, payments, in cost.yaml) is known."
    )
    found = present_cost.findings(
        _tie(0, 0, 0, 0), free, SHARES, None, _told(), RESULTS, NO_LOSING, NO_LEVERS, LOOK, by=["segment"]
    )
    assert found.text.split("\n") == [
        "No ledger for 2026Q3: what follows is freight as charged, not posted cost.",
        sentence,
    ]
    none = SHARES.assign(ratio=0.0)
    assert present_cost.serve_figure(none, LOOK, by=["segment"]).text == sentence


def test_columns_that_nobody_knows_are_not_shown():
    row = {"region": "n", "n_orders": 1, "n_customers": 1, "net_revenue": 1, "cost_of_goods": pd.NA, "freight": 1}
    row |= {"handling": 1, "cost_to_serve": 2, "margin": pd.NA, "serve_share": 0.2}
    shown = present_cost.serve_costs(pd.DataFrame([row]), LOOK, name="x", by=["region"])
    assert "margin" not in shown.html
    assert "cost of goods" not in shown.html
    assert "20.0 %" in shown.html


def test_panels_are_drawn_on_the_axes_that_are_brought():
    figure, axes = plt.subplots(1, 3)
    steps = STEPS.assign(amount=100 * STEPS["amount"])
    assert present_cost.waterfall(steps, LOOK, by="segment", axes=axes) is axes
    assert [ax.get_title() for ax in axes] == ["a", "b", ""]
    assert plt.get_fignums() == [figure.number]
    plt.close(figure)


def test_without_revenue_no_share_is_drawn_and_it_is_not_for_want_of_costs():
    unknown = present_cost.serve_figure(SHARES.assign(ratio=float("nan")), LOOK, by=["segment", "channel"])
    assert unknown.text == "No group has a revenue above 0 in 2026Q3: none has a share."

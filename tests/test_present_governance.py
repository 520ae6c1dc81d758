"""Do the sentences, tables and figures of the governance page say what the numbers say?"""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from toolkit import governance, present, present_governance
from toolkit.present import TABLE_MIME

FACTS = pd.DataFrame([{"currency": "EUR", "period": "2026Q3", "as_of": "2026-10-22", "min_n": 10}])
LOOK = present.Look(FACTS, pd.DataFrame({"table": [], "columns": []}, dtype="str"))
FIRST = date(2026, 7, 1)


def _card(*rows):
    """(measure, segment, value, low, high, unit, at_least, at_most, status, change, settled, year, settled)"""
    names = ["measure", "segment", "value", "low", "high", "unit", "at_least", "at_most", "status", "change",
             "change_settled", "year", "year_settled"]  # fmt: skip
    card = pd.DataFrame(rows, columns=names).astype(
        dict.fromkeys(["value", "low", "high", "at_least", "at_most", "change", "year"], "float64")
    )
    ends = {f"{name}_{end}": card[name] for name in ("change", "year") for end in ("low", "high")}
    card = card.assign(channel="", owner="somebody", change_note="", year_note="", n=9, of="", **ends)
    card["unit"] = card["measure"].map({name: each.unit for name, each in governance.MEASURES.items()})
    card["better"] = card["measure"].map({name: each.better for name, each in governance.MEASURES.items()})
    target = card["at_least"].fillna(card["at_most"])
    card["gap"] = np.where(card["at_least"].notna(), 1, -1) * (card["value"] - target) / target.abs().replace(0, 1)
    card[["report", "section"]] = [governance.EXPLAINED[name] for name in card["measure"]]
    return card


CARD = _card(
    ("nps", "", 42.6, 39.3, 45.8, "points", 40.0, None, "met", 2.0, False, 6.0, True),
    ("on_time", "a", 0.903, 0.896, 0.910, "share", 0.95, None, "missed", -0.02, True, None, False),
    ("cost_to_serve", "", 0.2, 0.19, 0.21, "share", None, 0.1, "missed", 0.05, True, 0.04, False),
    ("net_revenue", "", 527009912, None, None, "cents", None, None, "no target", -1200000, False, None, False),
    ("floors_failed", "", 2, None, None, "floors", None, 0.0, "missed", 1, False, None, False),
    ("discipline", "a", 0.5, 0.4, 0.6, "index", None, None, "no target", None, False, 0.1, False),
    ("otif", "gone", None, None, None, None, 0.9, None, "not on record", None, False, None, False),
)
RED = pd.DataFrame(
    [
        ("on_time", "a", "", ["missed", "signalled by month"], "nps_supply_chain", "2.2"),
        ("nps", "", "", ["missed"], "", ""),
    ],
    columns=["measure", "segment", "channel", "red", "report", "section"],
)  # fmt: skip
OUTSIDE = "outside its limits"
SIGNALS = pd.DataFrame(
    [
        (date(2026, 8, 1), "nps", "(all)", 0.192, 0.31, 0.46, -5.0, OUTSIDE, "worse", "on_time 2026-07", ""),
        (date(2026, 7, 1), "on_time", "(all)", 0.8, 0.9, 0.95, -4.0, "drift", "worse", "nps 2026-08", "new carrier"),
        (date(2026, 7, 1), "order_value", "a", 5377, 4000, 5000, 4.0, OUTSIDE, "better", "", ""),
        (date(2026, 6, 1), "on_time", "(all)", 0.8, 0.9, 0.95, -4.0, "drift", "worse", "", ""),
        (date(2025, 6, 1), "on_time", "(all)", 0.8, 0.9, 0.95, -4.0, "drift", "worse", "", ""),
    ],
    columns=["month", "measure", "place", "value", "low", "high", "z", "rule", "direction", "linked", "rebased"],
)  # fmt: skip
ALARMS = {"expected": 0.26, "n_months": 12, "n_series": 4}
_EXPECTED = {"change": -0.11, "low": -0.17, "high": -0.06, "measure": "late"}
_CAME = {"came": -0.1027, "came_low": -0.15, "came_high": -0.06, "how": "against where it does not hold"}
TOLD = pd.DataFrame(
    [
        {"name": "other carrier", "verdict": "kept", "chain": "other carrier", "step": 1, "told_in": "",
         **_EXPECTED, **_CAME},
        {"name": "later cut-off", "verdict": "missed", "chain": "other carrier", "step": 2, "told_in": "2026Q1",
         "told_before": 5.0, "told_measure": "nps", "moved": "the change, the measure", **_EXPECTED,
         **_CAME | {"came": 0.01}},
        {"name": "talk more", "verdict": "not measurable", "chain": "talk more", "step": 1, "told_in": "2026Q2",
         "told_before": -0.1, "told_measure": "late", "moved": "all of it", "why": "nothing was expected of it"},
    ]
).assign(starts=date(2026, 2, 1), check_on=date(2026, 6, 30), team="transport", owner="")  # fmt: skip
TOLD = TOLD.assign(root_cause="", countermeasure="")
TOLD["why"] = TOLD["why"].fillna("")
TOLD["how"] = TOLD["how"].fillna("")
NO_FACTS = pd.DataFrame(
    columns=["kind", "period", "measure", "segment", "channel", "unit", "was", "value", "was_in", "revision"]
)
GONE = pd.DataFrame({"decision": [], "period": []}, dtype="str")
UNTOLD = pd.DataFrame(
    [
        ("anew", "on_time", "a", "2026-03", "new carrier", 0),
        ("anew", "on_time", "(all)", "2026-03", "new carrier", 2),
        ("gap", "nps", "(all)", "2026-01", None, None), ("gap", "nps", "(all)", "2026-02", None, None),
        ("short", "", "", None, "4", 3),
    ],
    columns=["kind", "measure", "place", "month", "name", "n"],
)  # fmt: skip


def _text(piece) -> str:
    return piece.text.replace("\xa0", " ")


def _csv(piece) -> list[str]:
    return piece.mime[TABLE_MIME]["csv"].splitlines()


def _facts(*rows):
    return pd.DataFrame([dict.fromkeys(NO_FACTS.columns, "") | row for row in rows])


def test_the_history_is_told_fact_by_fact():
    assert _text(present_governance.remembered(NO_FACTS, LOOK)) == (
        "All earlier periods are there, none was restated, no definition changed."
    )
    restated = {"kind": "restated", "period": "2026Q2", "measure": "on_time", "segment": "a", "unit": "share"}
    restated |= {"was": 0.8, "value": 0.9, "was_in": "r1"}
    facts = _facts(
        {"kind": "first period"}, {"kind": "missing", "period": "2026Q1"}, {"kind": "missing", "period": "2025Q4"},
        restated, *[restated | {"measure": "nps", "unit": "points", "segment": ""}] * 3,
        {"kind": "another definition", "period": "the period before", "measure": "nps"},
        {"kind": "reads otherwise", "period": "a year before", "measure": "otif"},
        {"kind": "not told", "measure": "on_time", "period": "2026Q2"},
        {"kind": "new measure", "measure": "nps", "period": "2026Q2"},
        {"kind": "gone", "segment": "b", "period": "2026Q2"}, {"kind": "new", "segment": "c", "period": "2026Q2"},
        {"kind": "renamed", "segment": "a", "was_in": "z"},
    )  # fmt: skip
    assert _text(present_governance.remembered(facts, LOOK)).splitlines() == [
        "2026Q3 is the first period that is archived: there is nothing to compare it with.",
        "Not archived, and nothing stands in for them: 2026Q1 and 2025Q4.",
        "In 2026Q2, and not in this period: orders on time.",
        "In this period, and not in 2026Q2: NPS.",
        "Restated since they were first archived: orders on time of a in 2026Q2 (80.0 % in r1, now 90.0 %); NPS in "
        "2026Q2 (0.8 points in r1, now 0.9 points); NPS in 2026Q2 (0.8 points in r1, now 0.9 points); 1 more.",
        "Defined otherwise than in the period before, so that no change is shown: NPS.",
        "The section that defines it reads otherwise than in a year before: orders on time and in full.",
        "Segments of 2026Q2 that are not in this one: b. If they were renamed, targets.yaml (renamed:) may say so.",
        "Segments that 2026Q2 did not have: c.",
        "z is called a now; its earlier figures stand under that name.",
    ]


def test_targets_stand_beside_what_was_found():
    shown = present_governance.against_targets(CARD, LOOK)
    assert _csv(shown) == [
        "what,of_whom,goal,value,interval,status,owner,since,since_year",
        'NPS,(all),at least 40.0 points,42.6,39.3 to 45.8,met,somebody,+2.0,"+6.0, better"',
        'orders on time,a,at least 95.0 %,0.903,89.6 to 91.0 %,missed,somebody,"-2.0, worse",–',
        'cost to serve of net revenue,(all),at most 10.0 %,0.2,19.0 to 21.0 %,missed,somebody,"+5.0, worse",+4.0',
        "floors that fail,(all),at most 0,2.0,–,missed,somebody,+1,–",
        "orders on time and in full,gone,at least 90.0 %,,–,not on record,somebody,–,–",
    ]
    none = present_governance.against_targets(CARD[CARD["status"] == "no target"], LOOK)
    assert _text(none) == "No target is declared: targets.yaml (scorecard:) would name them, and their owners."
    noted = CARD.assign(change=np.nan, change_note="another definition")
    assert ",another definition," in _csv(present_governance.against_targets(noted, LOOK))[1]


def test_the_matrix_has_a_row_a_place_and_a_column_a_measure_that_is_known():
    shown = present_governance.matrix(CARD, LOOK)
    assert _csv(shown) == [
        "segment,channel,net_revenue,cost_to_serve,nps,on_time,discipline,floors_failed",
        "(all),(all),527009912.0,0.2,42.6,,,2.0",
        "a,(all),,,,0.903,0.5,",
        "gone,(all),,,,,,",
    ]
    assert '<td class="number">5,270,099</td>' in shown.html
    assert '<td class="number">20.0 %</td>' in shown.html


def test_settled_changes_are_listed_with_the_number_that_was_looked_at():
    shown = present_governance.moved(CARD, LOOK)
    assert "of 8 with an interval" in shown.mime[TABLE_MIME]["caption"]
    assert [line.split(",")[:5] for line in _csv(shown)[1:]] == [
        ["orders on time", "a", "0.903", "the period before", "-2.0"],
        ["cost to serve of net revenue", "(all)", "0.2", "the period before", "5.0"],
        ["NPS", "(all)", "42.6", "a year before", "6.0"],
    ]
    assert [line.rsplit(",", 1)[1] for line in _csv(shown)[1:]] == ["worse", "worse", "better"]
    calm = CARD.assign(change_settled=False, year_settled=False)
    assert _text(present_governance.moved(calm, LOOK)) == "Of 8 changes with an interval none is settled."
    every = present_governance.every(CARD, LOOK)
    assert len(_csv(every)) == 1 + len(CARD)
    assert every.html.startswith("<details>")


def test_signals_are_told_with_the_false_alarms_to_expect():
    shown = present_governance.signals(SIGNALS, ALARMS, UNTOLD, LOOK, first=FIRST)
    assert _text(shown).splitlines()[:4] == [
        "3 signals in the months of 2026Q3; 0.3 would be false alarms of pure noise, over 12 months of 4 series.",
        "Limits of orders on time of a and orders on time begin anew in Mar 2026 with the decision: new carrier. Since "
        "then 2 months could be judged.",
        "Nps: too few customers stand behind Jan 2026 and Feb 2026; nothing stands in for it.",
        "Rule 4 of Nelson is not looked at in 3 series: they have fewer judged months than it is long.",
    ]
    assert _csv(shown)[1:] == [
        "2026-08-01,NPS,(all),19.2,31.0,46.0,outside its limits,worse,orders on time Jul 2026",
        "2026-07-01,orders on time,(all),0.8,0.9,0.95,drift,worse,NPS Aug 2026",
        "2026-07-01,net revenue an order,a,5377.0,4000.0,5000.0,outside its limits,better,",
    ]
    assert '<td class="number">53.77</td>' in shown.html
    before = present_governance.earlier_signals(SIGNALS, LOOK, first=FIRST)
    assert [line[:10] for line in _csv(before)[1:]] == ["2026-06-01"]
    assert present_governance.earlier_signals(SIGNALS.head(2), LOOK, first=FIRST) is None
    calm = present_governance.signals(SIGNALS.iloc[:0], ALARMS, UNTOLD.iloc[:0], LOOK, first=FIRST)
    assert _text(calm).startswith("0 signals in the months of 2026Q3; 0.3 would be")
    young = present_governance.signals(SIGNALS.iloc[:0], ALARMS | {"n_months": 0}, UNTOLD, LOOK, first=FIRST)
    assert _text(young).splitlines()[0] == "No month of 2026Q3 can be judged: limits need ten months before it."
    assert "begin anew in Mar 2026" in _text(young)


@pytest.fixture
def charted():
    rng = np.random.default_rng(2)
    parts = []
    for measure, place in (("nps", "(all)"), ("order_value", "(all)"), ("on_time", "a"), ("supplies", "s1")):
        value = rng.normal(0.5, 0.01, 15) * (10_000 if measure == "order_value" else 1)
        rows = pd.DataFrame({"measure": measure, "place": place, "value": value, "n": 400, "second": 0.6})
        rows.loc[12, "value"] /= 3
        parts.append(rows.assign(month=pd.date_range("2025-07-01", periods=15, freq="MS").date))
    none = pd.DataFrame(columns=["name", "month", "where", "rebases"])
    return governance.charts(pd.concat(parts, ignore_index=True), none)


def test_charts_are_drawn_and_told(charted):
    shown = present_governance.charts(charted, LOOK)
    told = _text(shown)
    assert told.startswith("NPS: 49") or told.startswith("NPS: 5")
    assert "net revenue an order: " in told
    assert told.count("signals in Jul 2026") == 2
    assert "orders on time" not in told  # a segment, and a supplier, have no panel here
    lines = _csv(shown)
    assert len(lines) == 1 + 2 * 15
    assert lines[0] == "what,of_whom,month,n,value,centre,low,high,n_before,signal"
    assert [line.rsplit(",", 1)[1] for line in lines[1:16]] == [*[""] * 12, "outside its limits", "", ""]
    own = _text(present_governance.charts(charted, LOOK, suppliers=True))
    assert own.startswith("s1: ")
    assert present_governance.charts(charted[charted["measure"] == "nps"], LOOK, suppliers=True) is None


def test_red_figures_have_a_link_to_what_explains_them():
    shown = present_governance.drivers(RED, LOOK)
    assert _csv(shown)[1:] == [
        "orders on time,a,missed and signalled by month,nps_supply_chain 2.2", "NPS,(all),missed,",
    ]  # fmt: skip
    assert '<a href="nps_supply_chain.html#s2.2">nps supply chain, 2.2</a>' in shown.html
    assert shown.html.count("<a ") == 1
    assert _text(present_governance.drivers(RED.iloc[:0], LOOK)) == "No figure is red in 2026Q3."


def test_decisions_are_told_with_what_was_expected_and_what_came():
    gone = pd.DataFrame({"decision": ["fewer lines"], "period": ["2026Q2"]})
    shown = present_governance.decided(TOLD, gone, LOOK)
    assert _text(shown).splitlines()[:3] == [
        "Declared no more, though 2026Q2 still told of it: fewer lines.",
        "What was expected of later cut-off is not what 2026Q1 said, +5.0 points: other is the change and the measure.",
        "Nothing is expected of talk more any more; 2026Q2 expected -10.0 points.",
    ]
    rows = [line.split(",") for line in _csv(shown)[1:]]
    assert [row[0] for row in rows] == ["1. other carrier", "2. later cut-off", "talk more"]
    assert rows[0][7] == "-11.0 points (-17.0 to -6.0 points)"
    assert '"-10.3 points (-15.0 to -6.0 points), against where it does not hold",kept,' in _csv(shown)[1]
    assert rows[2][-3:] == ["–", "not measurable", "nothing was expected of it"]
    assert _text(present_governance.decided(TOLD.iloc[:0], gone, LOOK)).splitlines() == [
        "No decision is declared that began by the end of 2026Q3: decisions.yaml would tell them.",
        "Declared no more, though 2026Q2 still told of it: fewer lines.",
    ]


def test_calibration_is_a_count_with_its_interval():
    rows = governance.calibration(TOLD.assign(came_low=TOLD["came_low"], came_high=TOLD["came_high"]))
    assert _text(present_governance.calibration(rows, LOOK)).splitlines()[0] == (
        "The expected interval holds what came: 1 of 2 decisions (95 % interval 9.5 to 90.5 %)."
    )
    none = governance.calibration(TOLD.iloc[2:])
    assert _text(present_governance.calibration(none, LOOK)) == (
        "No decision has both an expected interval and what came: calibration cannot be told."
    )


def test_the_agenda_has_its_slots_every_period():
    twice = SIGNALS.head(1).assign(month=date(2026, 7, 1), z=-4.5)
    found = (CARD, RED, pd.concat([SIGNALS, twice], ignore_index=True), ALARMS, TOLD)
    said = _text(present_governance.agenda(*found, NO_FACTS, LOOK, first=FIRST)).splitlines()
    assert said == [
        "Celebrate: NPS (42.6 points; +6.0 in a year); other carrier kept what was expected (-10.3 points).",
        "Decide: floors that fail (2, at most 0) [somebody]; cost to serve of net revenue (20.0 %, at most 10.0 %) "
        "[somebody]; orders on time of a (90.3 %, at least 95.0 %) [somebody; see nps supply chain 2.2].",
        "Stop, or decide anew: later cut-off (+1.0 points came, -11.0 points was expected).",
        "4 signals in the months of 2026Q3; 0.3 would be false alarms of pure noise, over 12 months of 4 series. To "
        "the worse: NPS in Jul 2026 and Aug 2026; orders on time in Jul 2026.",
        "Cannot be compared, or was told otherwise before: targets without a figure: 1.",
    ]
    whole = _text(present_governance.agenda(CARD.iloc[:4], *found[1:], NO_FACTS, LOOK, first=FIRST)).splitlines()
    assert whole[-1] == (
        "Cannot be compared, or was told otherwise before: nothing; all periods are there, none restated, all defined "
        "alike."
    )
    facts = _facts({"kind": "missing"}, {"kind": "missing"}, {"kind": "gone"}, {"kind": "first period"})
    none = (CARD.iloc[3:4], RED.iloc[:0], SIGNALS.iloc[:0], ALARMS | {"n_months": 0}, TOLD.iloc[:0])
    assert _text(present_governance.agenda(*none, facts, LOOK, first=FIRST)).splitlines() == [
        "Celebrate: there is no year before to be better than.",
        "Decide: no target is missed for certain, no floor fails.",
        "Stop, or decide anew: no decision missed what was expected.",
        "No month of 2026Q3 can be judged: limits need ten months before it.",
        "Cannot be compared, or was told otherwise before: nothing was archived before it, periods not archived: 2, "
        "segments that are gone: 1.",
    ]
    bare = CARD.iloc[4:5].assign(status="no target", at_most=np.nan, year=0.0)
    said = _text(present_governance.agenda(bare, *none[1:], facts, LOOK, first=FIRST)).splitlines()
    assert said[:2] == [
        "Celebrate: nothing is both on target and settled to be better than a year before.",
        "Decide: 2 floors that fail.",
    ]

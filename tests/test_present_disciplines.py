"""Do the sentences, tables and figures of value disciplines say what the numbers say?"""

import numpy as np
import pandas as pd

from toolkit import disciplines, present, present_disciplines
from toolkit.present import TABLE_MIME

FACTS = pd.DataFrame([{"currency": "EUR", "period": "2026Q3", "as_of": "2026-10-22", "min_n": 10}])
NOTHING_MISSING = pd.DataFrame({"table": [], "columns": []}, dtype="str")
LOOK = present.Look(FACTS, NOTHING_MISSING)
BARE = present.Look(FACTS, pd.DataFrame({"table": ["agreements", "surveys"], "columns": ["", ""]}))
FLOORS = pd.DataFrame({
    "measure": ["on_time", "answered_in_time", "ranged"], "segment": ["a", "b", "a"], "channel": ["web", "", ""],
    "department": ["", "customer_service", ""], "hours": [24, 48, 24], "at_least": [0.95, 0.9, 0.8],
    "n": pd.array([100, 50, None], dtype="Int64"), "value": [0.8, 0.95, np.nan], "value_low": [0.7, 0.85, np.nan],
    "value_high": [0.88, 0.99, np.nan], "verdict": ["failed", "not settled", "not on record"],
})  # fmt: skip
LED = pd.DataFrame([
    {"segment": name, "discipline": "customer_intimacy", "distance": 0.25, "distance_low": 0.1, "distance_high": 0.4,
     "settled": True, "held": held, "floors": 0, "verdict": verdict, "intended": intended}
    for name, held, verdict, intended in (
        ("a", 0.99, "leads", "operational_excellence"), ("b", 0.6, "hangs on the weights", ""),
        ("c", 0.99, "no clear lead", "customer_intimacy"), ("d", 0.99, "a floor fails", ""),
    )
])  # fmt: skip
PLACED = pd.DataFrame([
    {"segment": "a", "design": "standard", "n": 50, "n_customers": 40, "felt_share": 0.7, "felt_low": 0.6,
     "felt_high": 0.8, "field": "standard, felt personal"},
    {"segment": "b", "design": "tailored", "n": 50, "n_customers": 40, "felt_share": 0.3, "felt_low": 0.2,
     "felt_high": 0.4, "field": "tailored, not felt"},
])  # fmt: skip
CHANNELS = pd.DataFrame({
    "segment": ["a", "a"], "channel": ["", "phone"], "n": [6, 6], "lean": [0.3, -0.2], "lean_low": [0.2, -0.3],
    "lean_high": [0.4, -0.1], "otherwise": [False, True],
})  # fmt: skip
SPARE = pd.DataFrame({
    "segment": ["a", "b"], "cost_now": [500.0, 900.0], "cost_before": [600.0, 800.0], "freed": [1e6, -1e6],
    "freed_low": [5e5, -2e6], "freed_high": [1.5e6, -5e5], "came_free": [True, False], "spend_low": [2e5, np.nan],
    "spend_high": [5e5, np.nan],
})  # fmt: skip


def _text(piece) -> str:
    return piece.text.replace("\xa0", " ")


def _csv(piece) -> list[str]:
    return piece.mime[TABLE_MIME]["csv"].splitlines()


def test_what_is_missing_is_said():
    none = pd.DataFrame()
    assert "No floor is declared" in _text(present_disciplines.thresholds(none, LOOK))
    assert "No measure is declared" in _text(present_disciplines.measures(none, LOOK))
    assert "is not known" in _text(present_disciplines.room(none, [0, 1], LOOK))
    for piece in (present_disciplines.indices, present_disciplines.leads, present_disciplines.leans):
        assert piece(none, LOOK) is None
    assert present_disciplines.departments(none, LOOK) is None
    said = _text(present_disciplines.felt(PLACED.iloc[:0], "felt_personal", 0.5, LOOK))
    assert said == ("Nothing is placed: no segment has enough answers to felt_personal. NPS does not stand in for it.")
    assert "the table surveys and the table agreements" in _text(
        present_disciplines.felt(PLACED, "felt_personal", 0.5, BARE)
    )
    empty = present_disciplines.findings(
        FLOORS.iloc[:0], LED.iloc[:0], PLACED.iloc[:0], CHANNELS.iloc[:0], SPARE.iloc[:0], LOOK
    )
    assert _text(empty) == "Nothing is declared that a segment could be placed by."


def test_floors_name_their_place():
    rows = _csv(present_disciplines.thresholds(FLOORS, LOOK))
    assert rows[1].startswith("orders on time,a,web,0.95,100,0.8,")
    assert rows[2].startswith("answered within 48 hours,b,customer service,0.9,50,")
    assert rows[3].endswith("not on record")


def test_findings_keep_their_slots():
    said = _text(present_disciplines.findings(FLOORS, LED, PLACED, CHANNELS, SPARE, LOOK)).splitlines()
    far = "ahead by 0.25, 95 % interval 0.10 to 0.40"
    assert said == [
        "1 of 2 floors fail: orders on time of a (80.0 %, at least 95 %).",
        f"a is led in customer intimacy ({far}).",
        f"In b, customer intimacy leads only under some weights: under 60.0 % of those tried ({far}).",
        f"c has no clear lead: customer intimacy is largest, but not for certain ({far}).",
        f"d has no lead while a floor fails; its largest index is customer intimacy ({far}).",
        "a is meant to be led in operational excellence; its largest index is that of customer intimacy.",
        "A standard process feels personal to: a (70.0 %).",
        "phone leans otherwise than a does as a whole (-0.20, 95 % interval -0.30 to -0.10).",
        "Serving a cost EUR 10,000 a year less than a year before; 2,000 to 5,000 of it may be spent on intimacy.",
    ]
    dear = present_disciplines.findings(FLOORS, LED, PLACED, CHANNELS, SPARE.iloc[1:], LOOK)
    assert _text(dear).splitlines()[-1] == (
        "Nothing is settled to have come free within a year, so there is nothing to spend of it."
    )
    kept = FLOORS.assign(verdict=["kept", "kept", "not on record"])
    first = _text(present_disciplines.findings(kept, LED, PLACED, CHANNELS, SPARE, LOOK)).splitlines()[0]
    assert first == "No floor is settled to fail, of 2 that could be looked at."


def test_many_segments_are_told_together():
    many = pd.concat([LED.iloc[:1].assign(segment=f"s{i}") for i in range(8)])
    said = _text(present_disciplines.findings(FLOORS.iloc[:0], many.assign(intended=""), PLACED.iloc[:0],
                                              CHANNELS.iloc[:0], SPARE.iloc[:0], LOOK))  # fmt: skip
    assert said == "Customer intimacy, leads: s0, s1, s2, s3, s4 and 3 more."
    failed = pd.concat([FLOORS.iloc[:1].assign(segment=f"s{i}", value=0.5 + i / 100) for i in range(7)])
    said = _text(present_disciplines.findings(failed, many.iloc[:0], PLACED.iloc[:0], CHANNELS.iloc[:0],
                                              SPARE.iloc[:0], LOOK))  # fmt: skip
    assert said.startswith("7 of 7 floors fail: orders on time of s0 (50.0 %, at least 95 %); ")
    assert said.endswith("; 2 more.")


def test_indices_are_drawn_while_they_are_few():
    rows = pd.DataFrame([
        {"segment": f"s{i}", "discipline": name, "n": 3, "known": 1.0, "index": 0.1 * i, "index_low": 0.0,
         "index_high": 1.0}
        for i in range(13) for name in disciplines.LEADS[:2]
    ])  # fmt: skip
    assert "<img" in present_disciplines.indices(rows.head(24), LOOK).html
    assert "<img" not in present_disciplines.indices(rows, LOOK).html
    assert len(_csv(present_disciplines.indices(rows, LOOK))) == 27


def test_room_tells_who_became_dearer():
    rows = _csv(present_disciplines.room(SPARE, [0.2, 0.5], LOOK))
    assert rows[1].split(",")[6] == "settled"
    assert rows[2].split(",")[6] == "dearer"


def test_measures_read_in_their_units():
    rows = pd.DataFrame({
        "segment": ["a", "a"], "discipline": ["operational_excellence", "customer_intimacy"],
        "measure": ["cost_per_order", "retention"], "n": [20, 20], "x": [1234.5, 0.5], "value": [0.3, 0.7],
    })  # fmt: skip
    page = present_disciplines.measures(rows, LOOK).html
    assert "12.35" in page or "12.34" in page
    assert "50.0 %" in page


def test_leads_leans_and_departments_are_tables():
    assert _csv(present_disciplines.leads(LED, LOOK))[1].startswith("a,customer intimacy,0.25,")
    assert _csv(present_disciplines.leans(CHANNELS, LOOK))[2].startswith("a,phone,6,-0.2,")
    assert "leans otherwise" in present_disciplines.leans(CHANNELS, LOOK).html
    rows = pd.DataFrame([{"segment": "a", "department": "customer_service", "n": 20, "k": 15, "share": 0.75,
                          "share_low": 0.6, "share_high": 0.9, "verdict": "tailors"}])  # fmt: skip
    assert "customer service" in present_disciplines.departments(rows, LOOK).html

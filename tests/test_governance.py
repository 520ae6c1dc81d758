"""Scorecard, signals and decisions on drawn tables: what is told, what is not, and what is never invented."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from toolkit import company, control, governance, rules, satisfaction, stats
from toolkit.errors import ParamsError

PERIODS = pd.DataFrame(
    {"ago": range(13), "period": ["2026Q3", "2026Q2", "2026Q1", "2025Q4", "2025Q3", "2025Q2", "2025Q1", "2024Q4",
                                  "2024Q3", "2024Q2", "2024Q1", "2023Q4", "2023Q3"]}
)  # fmt: skip
PERIODS["year_ago"] = PERIODS["period"] == "2025Q3"
NO_NAMES = pd.DataFrame({"was": [], "now": []}, dtype="str")
COLUMNS = ["position", "measure", "at_least", "at_most", "segment", "channel", "owner"]
NO_TARGETS = pd.DataFrame(columns=COLUMNS).astype({"at_least": "float64", "at_most": "float64"})


def _rows(*told):
    """Key figures: (period, figure_id, segment, value, low, high) and what else is given."""
    found = []
    for period, name, segment, value, low, high, *more in told:
        row = {"period": period, "report": "cost_to_serve", "figure_id": name, "definition_id": "3.3",
               "cohort": "orders", "segment": segment, "channel": "", "unit": "share", "words": "w", "revision": "r1",
               "was_in": "", "value": value, "low": low, "high": high, "was": np.nan, "n": 9,
               "confidence": np.nan}  # fmt: skip
        found.append(row | (more[0] if more else {}))
    return pd.DataFrame(found).astype(dict.fromkeys(["value", "low", "high", "was", "confidence"], "float64"))


def _targets(*told):
    rows = [dict(zip(["measure", "segment", "at_least", "at_most"], one, strict=True)) for one in told]
    found = pd.DataFrame(rows).assign(channel="", owner="somebody", position=range(len(rows)))
    return found.astype({"at_least": "float64", "at_most": "float64"})


def _card(rows, targets=NO_TARGETS, **level):
    return governance.scorecard(governance.figures(rows, NO_NAMES), targets, PERIODS, **level)


def test_status_follows_the_side_of_the_interval():
    rows = _rows(
        ("2026Q3", "serve_share", "", 0.10, 0.08, 0.12),
        ("2026Q3", "serve_share", "a", 0.15, 0.13, 0.17),
        ("2026Q3", "serve_share", "b", 0.125, 0.11, 0.14),
        ("2026Q3", "serve_share", "c", 0.115, 0.10, 0.13),
        ("2026Q3", "on_time", "", 0.95, 0.93, 0.97),
        ("2026Q3", "on_time", "a", 0.89, 0.87, 0.91),
        ("2026Q3", "net_revenue", "", 90.0, None, None, {"unit": "cents"}),
        ("2026Q3", "margin", "", 110.0, None, None, {"unit": "cents"}),
        ("2026Q3", "otif", "", 0.5, 0.4, 0.6),
    )
    ceiling = [("cost_to_serve", name, None, 0.12) for name in ("", "a", "b", "c")]
    floor = [("on_time", "", 0.93, None), ("on_time", "a", 0.9, None)]
    sums = [("net_revenue", "", 100.0, None), ("margin", "", 100.0, None), ("nps", "", 30.0, None)]
    card = _card(rows, _targets(*ceiling, *floor, *sums)).set_index(["measure", "segment"])
    assert card["status"].to_dict() == {
        ("net_revenue", ""): "missed",  # no interval: its value decides
        ("margin", ""): "met",
        ("cost_to_serve", ""): "met",  # 0.12 is at most 0.12
        ("cost_to_serve", "a"): "missed",
        ("cost_to_serve", "b"): "missed, not for certain",
        ("cost_to_serve", "c"): "met, not for certain",
        ("nps", ""): "not on record",
        ("on_time", ""): "met",
        ("on_time", "a"): "missed, not for certain",  # 0.91 is above 0.9
        ("otif", ""): "no target",
    }
    assert card["gap"].round(3).tolist() == pytest.approx(
        [-0.1, 0.1, 0.167, -0.25, -0.042, 0.042, np.nan, 0.022, -0.011, np.nan], nan_ok=True
    )
    assert card.loc[("cost_to_serve", "a"), ["report", "section"]].tolist() == ["cost_to_serve", "3.7"]


def test_an_interval_that_ends_at_the_target_holds_it():
    rows = _rows(("2026Q3", "on_time", "", 0.88, 0.86, 0.90), ("2026Q3", "serve_share", "", 0.14, 0.12, 0.16))
    card = _card(rows, _targets(("on_time", "", 0.90, None), ("cost_to_serve", "", None, 0.12)))
    assert card["status"].tolist() == ["missed, not for certain"] * 2


def test_what_cannot_be_compared_is_no_part_of_the_family():
    like = [("2026Q3", "on_time", "", 0.930, 0.914, 0.944), ("2026Q2", "on_time", "", 0.905, 0.885, 0.922)]
    other = [("2026Q3", "otif", "", 0.9, 0.8, 1.0), ("2026Q2", "otif", "", 0.9, 0.8, 1.0, {"cohort": "service"})]
    card = _card(_rows(*like, *other)).set_index("measure")  # p is .04 alone, .08 of two
    assert card["change_settled"].to_dict() == {"on_time": True, "otif": False}


def test_a_channel_that_is_the_only_one_of_its_segment_is_told_once_unless_it_has_a_target():
    web, store = {"channel": "web"}, {"channel": "store"}
    rows = _rows(
        ("2026Q3", "nps", "a", 1.0, 0.0, 2.0), ("2026Q3", "nps", "a", 1.0, 0.0, 2.0, web),
        ("2026Q3", "nps", "b", 1.0, 0.0, 2.0), ("2026Q3", "nps", "b", 0.0, 0.0, 2.0, web),
        ("2026Q3", "nps", "b", 2.0, 0.0, 2.0, store), ("2026Q3", "nps", "c", 3.0, 0.0, 4.0, web),
    )  # fmt: skip
    card = _card(rows)
    assert (card["segment"] + " " + card["channel"]).tolist() == ["a ", "b ", "b store", "b web", "c web"]
    card = _card(rows, _targets(("nps", "a", 5.0, None)).assign(channel="web"))
    assert card.loc[card["channel"] == "web", ["segment", "status"]].values.tolist() == [
        ["a", "missed"], ["b", "no target"], ["c", "no target"],
    ]  # fmt: skip


def test_changes_are_made_of_single_intervals_whatever_family_the_report_had():
    """Three groups: their ends are widened by the normal quantile of 1 - .05 / 3, 2.394, instead of 1.960."""
    from statistics import NormalDist

    z = {family: NormalDist().inv_cdf(1 - 0.025 / family) for family in (1, 3)}
    own, told = [], []
    for period, value in (("2026Q3", 0.930), ("2026Q2", 0.905)):
        own.append((period, "on_time", "", value, value - z[1] * 0.009, value + z[1] * 0.009, {"confidence": 0.95}))
        for name in "abc":
            ends = (value - z[3] * 0.009, value + z[3] * 0.009)
            told.append((period, "on_time", name, value, *ends, {"confidence": 0.95}))
    card = _card(_rows(*own, *told))
    for name in ("change", "change_low", "change_high"):
        assert card[name].tolist() == pytest.approx([card[name].iloc[0]] * 4)
    half = z[1] * 0.009 * 2**0.5
    assert card["change_high"].iloc[1] == pytest.approx(0.025 + half)
    wider = _card(_rows(*own, *told), confidence=0.99)
    assert wider["change_high"].iloc[1] == pytest.approx(0.025 + half * NormalDist().inv_cdf(0.995) / z[1])


def test_more_confidence_settles_no_more():
    ends = [(period, "on_time", "", value, value - 0.0165, value + 0.0165, {"confidence": 0.95})
            for period, value in (("2026Q3", 0.93), ("2026Q2", 0.905))]  # fmt: skip
    settled = [bool(_card(_rows(*ends), confidence=level)["change_settled"].iloc[0]) for level in (0.9, 0.95, 0.99)]
    assert settled == [True, True, False]  # z = .025 / (.0165 x 2^.5) x 1.96 = 2.1


def test_a_period_without_a_figure_has_a_card_without_a_row():
    for rows in (
        _rows(("2026Q2", "nps", "", 1.0, 0.0, 2.0)),
        _rows(("2026Q3", "ledger_difference", "", 0.0, None, None)),
    ):
        assert _card(rows).empty
        found = governance.figures(rows, NO_NAMES)
        told = governance.remembered(found, _card(rows), PERIODS, NO_NAMES)
        assert told["kind"].tolist() == (["not told"] if len(found) else ["first period"])
        assert _card(rows, _targets(("nps", "", 5.0, None)))["status"].tolist() == ["not on record"]


def test_a_target_of_nothing_is_missed_by_its_own_size():
    rows = _rows(("2026Q3", "floors_failed", "", 2.0, None, None, {"unit": "floors"}))
    card = _card(rows, _targets(("floors_failed", "", None, 0.0)))
    assert card[["status", "gap"]].values.tolist() == [["missed", -2.0]]


def test_changes_are_on_the_period_before_and_a_year_before_and_settled_together():
    rows = _rows(
        ("2026Q3", "on_time", "", 0.930, 0.914, 0.944),
        ("2026Q2", "on_time", "", 0.905, 0.885, 0.922),
        ("2025Q3", "on_time", "", 0.850, 0.840, 0.860),
        ("2026Q3", "serve_share", "", 0.20, 0.19, 0.21),
        ("2025Q3", "serve_share", "", 0.10, 0.09, 0.11),
        ("2026Q3", "net_revenue", "", 120.0, None, None),
        ("2026Q2", "net_revenue", "", 100.0, None, None),
    )
    card = _card(rows).set_index("measure")
    assert card.loc["on_time", ["change", "change_low", "change_high"]].tolist() == pytest.approx(
        stats.difference((0.930, 0.914, 0.944), (0.905, 0.885, 0.922))
    )
    assert card.loc["on_time", "year"] == pytest.approx(0.08)
    assert card["year_settled"].to_dict() == {"net_revenue": False, "cost_to_serve": True, "on_time": True}
    # p .04 alone, with two of 0: .04 x 3 / 3 is settled; beside eight others that moved by nothing it is not
    assert card["change_settled"].to_dict() == {"net_revenue": False, "cost_to_serve": False, "on_time": True}
    calm = [(period, "nps", f"s{at}", 30.0, 28.0, 32.0) for at in range(8) for period in ("2026Q3", "2026Q2")]
    more = _card(pd.concat([rows, _rows(*calm)])).set_index(["measure", "segment"])
    assert not more.loc[("on_time", ""), "change_settled"]
    assert more.loc[("on_time", ""), "year_settled"]
    assert card.loc["net_revenue", "change"] == 20
    assert np.isnan(card.loc["net_revenue", "change_low"])
    assert np.isnan(card.loc["cost_to_serve", "change"])  # 2026Q2 has none: nothing stands in


def test_two_shares_change_as_published():
    # R prop.test and Newcombe's method 10: 930 of 1,000 against 905 of 1,000; z 2.031866, p .0421673
    counts = pd.DataFrame({"k": [930, 905], "n": 1000})

    def ends(confidence):
        found = stats.share(counts, confidence=confidence)[["share", "share_low", "share_high"]]
        return found.iloc[0].tolist(), found.iloc[1].tolist()

    assert stats.difference(*ends(0.95)) == pytest.approx((0.025, 0.0008309, 0.0493423), abs=1e-6)
    for confidence, settled in ((0.95, True), (0.96, False)):  # p .0422 lies between
        now, then = ends(confidence)
        rows = _rows(("2026Q3", "on_time", "", *now), ("2026Q2", "on_time", "", *then))
        assert _card(rows, confidence=confidence)["change_settled"].tolist() == [settled]


def test_a_change_is_shown_only_between_like_figures():
    rows = _rows(
        ("2026Q3", "on_time", "", 0.9, 0.8, 1.0),
        ("2026Q2", "on_time", "", 0.7, 0.6, 0.8, {"cohort": "service"}),
        ("2026Q3", "otif", "", 0.9, 0.8, 1.0),
        ("2026Q2", "otif", "", 0.7, 0.6, 0.8, {"words": "v"}),
        ("2026Q3", "unmet_wishes", "", 0.9, 0.8, 1.0),
        ("2026Q2", "unmet_wishes", "", 0.7, 0.6, 0.8, {"words": ""}),  # of before words were kept
        ("2026Q3", "leads_customer_intimacy", "a", 0.9, 0.8, 1.0),
        ("2026Q2", "leads_product_leadership", "a", 0.7, 0.6, 0.8),
        ("2025Q3", "leads_customer_intimacy", "a", 0.7, 0.6, 0.8),
    )
    card = _card(rows).set_index("measure")
    assert card["change_note"].to_dict() == {
        "on_time": "another definition", "otif": "reads otherwise", "unmet": "", "discipline": "another discipline",
    }  # fmt: skip
    assert card["change"].round(2).tolist() == pytest.approx([np.nan, 0.2, 0.2, np.nan], nan_ok=True)
    assert card.loc["discipline", ["of", "year_note"]].tolist() == ["customer_intimacy", ""]
    assert card.loc["discipline", "year"] == pytest.approx(0.2)


def test_figures_are_those_of_whole_reports_under_the_names_of_now():
    rows = _rows(
        ("2026Q3", "nps", "new", 30.0, 20.0, 40.0),
        ("2026Q2", "nps", "old", 10.0, 5.0, 15.0),
        ("2026Q2", "nps", "north", 11.0, 5.0, 15.0, {"report": "nps_supply_chain.north"}),
        ("2026Q2", "nps", "", 12.0, 5.0, 15.0, {"report": "governance"}),
        ("2026Q2", "nps_lost_late", "", 13.0, 5.0, 15.0),
    )
    names = pd.DataFrame({"was": ["old"], "now": ["new"]})
    assert governance.of_now(_targets(("nps", "old", 5.0, None)), names)["segment"].tolist() == ["new"]
    assert governance.of_now(_decisions(_decision(where='{"segment": ["old", "b"], "region": ["n"]}')), names)[
        "where"
    ].tolist() == ['{"segment": ["new", "b"], "region": ["n"]}']
    found = governance.figures(rows, names)
    assert found[["period", "segment", "value"]].values.tolist() == [["2026Q3", "new", 30.0], ["2026Q2", "new", 10.0]]
    card = governance.scorecard(found, NO_TARGETS, PERIODS)
    assert card[["segment", "change"]].values.tolist() == [["new", 20.0]]


def test_a_renamed_segment_does_not_take_the_place_of_another():
    rows = _rows(
        ("2026Q3", "nps", "c", 30.0, 20.0, 40.0), ("2026Q2", "nps", "a", 10.0, 5.0, 15.0),
        ("2026Q2", "nps", "c", 60.0, 55.0, 65.0),
    )  # fmt: skip
    found = governance.figures(rows, pd.DataFrame({"was": ["a"], "now": ["c"]}))
    assert found["segment"].tolist() == ["c", "a", "c"]
    assert governance.scorecard(found, NO_TARGETS, PERIODS)["change"].tolist() == [-30.0]


def test_what_must_be_known_of_the_history_is_told():
    rows = _rows(
        ("2026Q3", "nps", "a", 30.0, 20.0, 40.0),
        ("2026Q3", "nps", "(other)", 30.0, 20.0, 40.0),
        ("2026Q2", "nps", "b", 10.0, 5.0, 15.0, {"was": 12.0, "was_in": "r1", "revision": "r2"}),
        ("2025Q4", "nps", "a", 10.0, 5.0, 15.0),
        ("2026Q3", "otif", "a", 0.9, 0.8, 1.0),
        ("2026Q2", "unmet_wishes", "", 0.9, 0.8, 1.0),
        ("2026Q3", "on_time", "a", 0.9, 0.8, 1.0),
        ("2026Q2", "on_time", "a", 0.9, 0.8, 1.0, {"definition_id": "2.3"}),
    )
    found = governance.figures(rows, NO_NAMES)
    card = governance.scorecard(found, NO_TARGETS, PERIODS)
    names = pd.DataFrame({"was": ["z"], "now": ["a"]})
    told = governance.remembered(found, card, PERIODS, names)
    assert told[["kind", "period", "measure", "segment", "was_in"]].values.tolist() == [
        ["missing", "2026Q1", "", "", ""],
        ["not told", "2026Q2", "unmet", "", ""],
        ["new measure", "2026Q2", "otif", "", ""],
        ["restated", "2026Q2", "nps", "b", "r1"],
        ["another definition", "the period before", "on_time", "", ""],
        ["gone", "2026Q2", "", "b", ""],
        ["renamed", "", "", "a", "z"],
    ]
    assert told.loc[told["kind"] == "restated", ["was", "value", "revision"]].values.tolist() == [[12.0, 10.0, "r2"]]
    alone = found[found["period"] == "2026Q3"]
    told = governance.remembered(alone, _card(rows[rows["period"] == "2026Q3"]), PERIODS, NO_NAMES)
    assert told[["kind", "period"]].values.tolist() == [["first period", "2026Q3"]]
    old = governance.figures(pd.concat([rows[rows["period"] == "2026Q3"], rows[:1].assign(period="2020Q1")]), NO_NAMES)
    told = governance.remembered(old, card, PERIODS, NO_NAMES)
    assert told.loc[told["kind"] == "missing", "period"].tolist() == PERIODS["period"].tolist()[:0:-1]
    assert "first period" not in set(told["kind"])


def test_nothing_to_tell_where_all_is_as_before():
    rows = _rows(("2026Q3", "nps", "a", 30.0, 20.0, 40.0), ("2026Q2", "nps", "a", 30.0, 20.0, 40.0))
    found = governance.figures(rows, NO_NAMES)
    assert governance.remembered(found, _card(rows), PERIODS, NO_NAMES).empty


# -- months ------------------------------------------------------------------------------------


def _month(number):
    return (pd.Timestamp("2024-01-01") + pd.DateOffset(months=number)).date()


EMPTY = {
    "orders": pd.DataFrame(columns=["month", "segment", "n_orders", "net_revenue", "n_priced", "n_due", "n_on_time",
                                    "n_filled", "n_otif", "n_complained", "n_customers", "n_customers_due",
                                    "n_customers_filled", "n_customers_priced"]),
    "answers": pd.DataFrame(columns=["response_id", "customer_id", "month", "segment", "item", "scale", "score"]),
    "wishes": pd.DataFrame(columns=["month", "segment", "n", "n_met", "n_customers"]),
    "supplies": pd.DataFrame(columns=["month", "supplier_id", "n", "n_on_time"]),
    "postings": pd.DataFrame(columns=["month", "amount"]),
}  # fmt: skip


def _series(min_n=3, **given):
    return governance.series(*(EMPTY | given).values(), star_map="five_promotes", min_n=min_n)


def _orders(*told):
    """(segment, orders, customers) of one month: all priced at 10 cents, all due, one late, one complaint."""
    rows = [
        {"month": _month(0), "segment": name, "n_orders": n, "net_revenue": 10 * n, "n_priced": n, "n_due": n,
         "n_on_time": n - 1, "n_filled": 0, "n_otif": 0, "n_complained": 1, "n_customers": who,
         "n_customers_due": who, "n_customers_filled": 0, "n_customers_priced": who}
        for name, n, who in told
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_series_are_shares_and_means_of_months():
    orders = _orders(("a", 10, 8), ("b", 30, 20))
    answers = pd.DataFrame(
        {"response_id": range(6), "customer_id": range(6), "month": _month(0), "segment": ["a"] * 3 + ["b"] * 3,
         "item": "recommend", "scale": "nps_0_10", "score": [10, 9, 3, 8, 8, 0]}
    )  # fmt: skip
    wishes = pd.DataFrame({"month": [_month(0)], "segment": "a", "n": 8, "n_met": 6, "n_customers": 5})
    supplies = pd.DataFrame({"month": [_month(0)] * 2, "supplier_id": ["s", "t"], "n": [4, 2], "n_on_time": [3, 2]})
    postings = pd.DataFrame({"month": [_month(0), _month(9)], "amount": [800, 5]})  # nobody ordered in the tenth
    found = _series(orders=orders, answers=answers, wishes=wishes, supplies=supplies, postings=postings)
    told = found.set_index(["measure", "place"])["value"].to_dict()
    assert told == pytest.approx(
        {
            ("free_of_complaint", "(all)"): 38 / 40, ("free_of_complaint", "a"): 0.9,
            ("free_of_complaint", "b"): 29 / 30,
            ("nps", "(all)"): 0.0, ("nps", "a"): 1 / 3, ("nps", "b"): -1 / 3,
            ("on_time", "(all)"): 38 / 40, ("on_time", "a"): 0.9, ("on_time", "b"): 29 / 30,
            ("order_value", "(all)"): 10, ("order_value", "a"): 10, ("order_value", "b"): 10,
            ("postings", "(all)"): 20, ("supplies", "s"): 0.75,
            ("wishes_met", "(all)"): 0.75, ("wishes_met", "a"): 0.75,
        }
    )  # fmt: skip
    nps = found[(found["measure"] == "nps") & (found["place"] == "(all)")].iloc[0]
    assert [nps["n"], nps["second"]] == [6, pytest.approx(4 / 6)]  # two promoters, two detractors of six


def test_a_mean_is_of_enough_customers_who_stand_behind_it():
    found = _series(orders=_orders(("a", 20, 20), ("b", 30, 20)).assign(n_priced=[1, 30], n_customers_priced=[1, 20]))
    assert "a" in set(found.loc[found["measure"] == "on_time", "place"])
    assert found.loc[found["measure"] == "order_value", "place"].tolist() == ["(all)"]  # nor b: a were the rest


def test_who_stands_in_no_segment_of_the_grid_is_in_the_whole_only():
    found = _series(orders=_orders(("a", 20, 20), ("(other)", 30, 20)))
    assert set(found["place"]) == {"(all)", "a"}
    assert found.loc[(found["measure"] == "on_time") & (found["place"] == "(all)"), "n"].tolist() == [50]


def test_before_complaints_are_on_record_nobody_is_free_of_them():
    found = _series(orders=_orders(("a", 10, 8)).assign(n_complained=pd.array([pd.NA], dtype="Int64")))
    assert sorted(set(found["measure"])) == ["on_time", "order_value"]


@pytest.mark.parametrize(
    ("persons", "shown"),
    [
        ({"a": 9, "b": 8, "c": 7}, ["(all)", "a", "b", "c"]),
        ({"a": 9, "b": 8, "c": 2}, ["(all)", "a"]),  # else c is the total less the others
        ({"a": 9, "b": 2, "c": 1}, ["(all)", "a"]),  # three together are enough
        ({"a": 9, "b": 1, "c": 1}, ["(all)"]),
        ({"a": 1, "b": 1}, []),
    ],
)
def test_small_segments_are_not_told_nor_found_by_subtraction(persons, shown):
    found = _series(orders=_orders(*[(name, 2 * n, n) for name, n in persons.items()]))
    for measure in ("order_value", "on_time"):
        assert sorted(found.loc[found["measure"] == measure, "place"]) == shown


def _points(values, measure="order_value", place="(all)", **more):
    rows = pd.DataFrame({"measure": measure, "place": place, "value": values, "n": 2500, "second": np.nan})
    return rows.assign(month=[_month(at) for at in range(len(rows))], **more)


def _decision(name="change", **more):
    row = {"name": name, "starts": date(2025, 3, 5), "month": date(2025, 3, 1), "where": "{}", "rebases": "[]",
           "follows": "", "measure": "nps", "change": 5.0, "low": 2.0, "high": 8.0, "check_on": date(2026, 4, 1),
           "check_period": "2026Q2", "before_period": "2025Q4", "begun_period": "2026Q1", "begun": True}  # fmt: skip
    return row | more


def _decisions(*rows):
    return pd.DataFrame(rows or [], columns=list(_decision()))


def test_limits_begin_anew_only_where_a_decision_says_so():
    rng = np.random.default_rng(3)
    values = np.r_[rng.normal(10, 1, 14), rng.normal(30, 1, 14)]  # from month 14, 2025-03, on
    points = pd.concat([_points(values), _points(values, place="a"), _points(values, place="b")])
    kept = governance.charts(points, _decisions(_decision(rebases='["nps"]')))
    assert (kept["piece"] == 0).all()
    assert kept.groupby("place")["outside"].sum().to_dict() == {"(all)": 14, "a": 14, "b": 14}
    anew = _decision("new prices", rebases='["order_value", "nps"]', where='{"segment": ["a"]}')
    found = governance.charts(points, _decisions(anew))
    assert found.groupby("place")["outside"].sum().to_dict() == {"(all)": 14, "a": 0, "b": 14}
    every = governance.charts(points, _decisions(_decision(rebases='["order_value"]', where='{"region": ["n"]}')))
    assert every["outside"].sum() == 0
    own = found[found["place"] == "a"]
    assert own["rebased"].tolist() == [""] * 14 + ["new prices"] * 14
    assert own["n_before"].tolist() == [*range(14), *range(14)]
    told = governance.untold(found)
    assert told[["kind", "measure", "place", "month", "name", "n"]].values.tolist() == [
        ["anew", "order_value", "a", "2025-03", "new prices", 4],
    ]  # fmt: skip
    assert governance.charts(points.iloc[:0], _decisions()).empty


def test_false_alarms_to_expect_are_those_of_each_series_as_long_as_it_is():
    rng = np.random.default_rng(4)
    shares = [0.900, 0.902, 0.904] * 9  # no more spread than binomial: a standard deviation is 0.006
    young = _points(rng.normal(5, 1, 6), place="a")
    wide = _points([0.85, 0.9, 0.95] * 9, "otif")  # far more: limits are learned from the months
    points = pd.concat([_points(rng.normal(10, 1, 27)), _points(shares, "on_time"), young, wide])
    charted = governance.charts(points, _decisions())
    found = governance.expected_alarms(charted, first=_month(24), last=_month(26), rng=np.random.default_rng(1))
    noise, rates = np.random.default_rng(1), []
    for name in ("on_time", "order_value", "otif"):
        mine = charted[(charted["measure"] == name) & (charted["place"] == "(all)")]
        kind = governance.SERIES[name]
        rates.append(control.false_alarms(mine, kind=kind, rng=noise)[24:].sum())
    assert found == {"expected": pytest.approx(sum(rates)), "n_months": 9, "n_series": 3}
    assert 0 < 2 * rates[0] < rates[1]  # of a known standard deviation, and of one that is learned
    none = governance.expected_alarms(charted, first=_month(40), last=_month(42), rng=np.random.default_rng(1))
    assert none == {"expected": 0.0, "n_months": 0, "n_series": 0}


def test_signals_of_nps_and_of_service_are_told_together():
    flat, calm = [0.90, 0.91] * 6, [0.40, 0.41] * 6
    late = _points([*flat, 0.6, 0.9, 0.91], "on_time")  # month 12 is outside
    low = _points([*calm, 0.41, 0.05, 0.9], "nps", second=0.7)  # months 13 and 14, one to the better
    other = _points([*flat, 0.91, 0.6, 0.9], "on_time", "a")  # another place
    posted = _points([*[10.0, 11] * 6, 40, 10, 11], "postings")
    found = governance.signals(governance.charts(pd.concat([late, low, other, posted]), _decisions()))
    told = found[found["rule"] == "outside its limits"]
    assert told[["month", "measure", "place", "direction", "linked"]].values.tolist() == [
        [_month(14), "nps", "(all)", "better", ""],
        [_month(13), "nps", "(all)", "worse", "on_time 2025-01"],
        [_month(13), "on_time", "a", "worse", ""],
        [_month(12), "on_time", "(all)", "worse", "nps 2025-02"],
        [_month(12), "postings", "(all)", "worse", ""],  # more is worse
    ]


def test_rules_without_a_side_have_no_direction_and_short_series_are_told():
    z = [
        5.0,
        6,
        5,
        6,
        5,
        6,
        5,
        6,
        5,
        6,
        5.4,
        5.6,
        5.45,
        5.55,
        5.4,
        5.6,
        5.45,
        5.55,
        5.4,
        5.6,
        5.45,
        5.55,
        5.4,
        5.6,
        5.45,
    ]
    charted = governance.charts(_points(z), _decisions(), rules=[7, 2])
    found = governance.signals(charted)
    assert set(found["rule"]) == {"rule 7 of Nelson"}  # fifteen quiet months
    assert set(found["direction"]) == {""}
    assert governance.untold(charted, rules=[7, 2]).empty
    short = governance.charts(_points(z[:20]), _decisions(), rules=[7, 2])
    assert governance.untold(short, rules=[7, 2])[["kind", "name", "n"]].values.tolist() == [["short", "7", 1]]


def test_missing_months_are_told_of_all_together():
    points = pd.concat([_points([5.0] * 6), _points([5.0] * 6, place="a")])
    points = points[~points["month"].isin([_month(2), _month(3)])]
    told = governance.untold(governance.charts(points, _decisions()))
    assert told[["kind", "place", "month"]].values.tolist() == [
        ["gap", "(all)", "2024-03"],
        ["gap", "(all)", "2024-04"],
    ]


def test_rules_of_nelson_and_drift_are_named():
    points = _points([*[10.0, 11] * 9, *[11.9] * 10])
    found = governance.signals(governance.charts(points, _decisions(), rules=[2]))
    assert found["rule"].iloc[0] == "rule 2 of Nelson"  # nine months above the centre
    assert found["rule"].iloc[-1] == "drift"
    assert set(found["direction"]) == {"better"}
    assert "rule 2 of Nelson" not in set(governance.signals(governance.charts(points, _decisions()))["rule"])


# -- decisions ---------------------------------------------------------------------------------

NPS = {"report": "nps_supply_chain", "definition_id": "2.9", "unit": "points"}


def _judged(came, *, rows=None, as_of=date(2026, 10, 22), **more):
    decisions = _decisions(_decision(**more))
    if rows is None:
        rows = (
            _rows(("2026Q2", "decided_nps_change", "", *came, NPS)) if came else _rows(("2026Q3", "nps", "", 1, 0, 2))
        )
    found = governance.figures(rows, NO_NAMES)
    return governance.decided(decisions, rows, found, PERIODS, as_of=as_of).iloc[0]


@pytest.mark.parametrize(
    ("came", "more", "verdict", "why"),
    [
        ((4.0, 2.0, 6.0), {}, "kept", ""),
        ((9.0, 7.0, 11.0), {}, "kept", ""),  # more than was expected
        ((3.0, 1.5, 4.5), {}, "kept", ""),  # not for certain less than was expected, 2 to 8
        ((3.0, 1.5, 4.5), {"low": 4.9, "high": 5.1}, "missed", ""),  # -2.0, at most -0.49
        ((4.0, 3.0, 4.9), {}, "kept", ""),
        ((4.0, 3.0, 4.9), {"low": np.nan, "high": np.nan}, "missed", ""),  # of 5 exactly
        ((0.0, -2.0, 2.0), {}, "missed", ""),
        ((-4.0, -6.0, -2.0), {}, "missed", ""),
        ((3.0, -1.0, 7.0), {}, "not measurable", "what came may be nothing, and may be what was expected"),
        ((-0.10, -0.15, -0.05), {"measure": "late", "change": -0.11}, "not measurable", None),
        (None, {}, "not measurable", "no report of its check period compares it"),
        ((4.0, 2.0, 6.0), {"change": np.nan, "measure": None}, "not measurable", "nothing was expected of it"),
        ((4.0, 2.0, 6.0), {"check_on": date(2026, 10, 22)}, "too early", ""),
        ((4.0, 2.0, 6.0), {"check_period": "2026Q4"}, "too early", ""),
    ],
)
def test_verdicts_follow_what_came(came, more, verdict, why):
    row = _judged(came, **more)
    assert row["verdict"] == verdict
    assert why is None or row["why"] == why


def test_a_decrease_that_was_expected_is_judged_from_below():
    late = {"measure": "late", "change": -0.11, "low": -0.13, "high": -0.09}
    for came, verdict in (
        ((-0.10, -0.15, -0.05), "kept"),
        ((-0.04, -0.07, -0.01), "missed"),
        ((0.1, 0.05, 0.2), "missed"),
    ):
        rows = _rows(("2026Q2", "decided_late_change", "", *came, NPS | {"unit": "share"}))
        row = _judged(None, rows=rows, **late)
        assert [row["verdict"], row["how"]] == [verdict, "against where it does not hold"]


def test_what_a_slice_or_another_period_says_is_not_what_came():
    rows = _rows(
        ("2026Q3", "decided_nps_change", "", 4.0, 2.0, 6.0, NPS),
        ("2026Q2", "decided_nps_change", "", 4.0, 2.0, 6.0, NPS | {"report": "nps_supply_chain.nl"}),
    )
    assert _judged(None, rows=rows)["why"] == "no report of its check period compares it"


def test_other_figures_are_compared_before_and_after():
    rows = _rows(
        ("2025Q4", "on_time", "a", 0.80, 0.78, 0.82),
        ("2026Q2", "on_time", "a", 0.90, 0.88, 0.92),
        ("2026Q2", "on_time", "", 0.5, 0.4, 0.6),
        ("2026Q2", "on_time", "c", 0.5, 0.4, 0.6),
        ("2025Q4", "otif", "a", 0.80, 0.78, 0.82),
        ("2026Q2", "otif", "a", 0.90, 0.88, 0.92, {"cohort": "service"}),
        ("2025Q4", "fill_busiest_days", "a", 0.9, None, None),
        ("2026Q2", "fill_busiest_days", "a", 0.99, None, None),
        ("2025Q4", "net_revenue", "a", 100.0, None, None, {"unit": "cents"}),
        ("2026Q2", "net_revenue", "a", 106.0, None, None, {"unit": "cents"}),
    )
    own = {"measure": "on_time", "change": 0.1, "low": 0.05, "high": 0.15}
    row = _judged(None, rows=rows, where='{"segment": ["a"]}', **own)
    assert [row["verdict"], row["how"], row["unit"]] == ["kept", "before and after", "share"]
    assert [row["came"], row["came_low"]] == pytest.approx(stats.difference((0.9, 0.88, 0.92), (0.8, 0.78, 0.82))[:2])
    told = {
        '{"region": ["n"]}': "the scorecard has no figure of where it holds",
        '{"channel": ["n"]}': "the scorecard has no figure of where it holds",
        '{"segment": ["a", "c"]}': "the scorecard has no figure of where it holds",
        '{"segment": ["c"]}': "a report of before it, or of its check period, is not there",
    }
    for where, why in told.items():
        assert _judged(None, rows=rows, where=where, **own)[["verdict", "why"]].tolist() == ["not measurable", why]
    early = _judged(None, rows=rows, where='{"segment": ["a"]}', begun_period="2026Q2", **own)
    assert early["why"] == "its check period began before it did"
    a = {"where": '{"segment": ["a"]}'}
    other = own | {"measure": "otif"} | a
    assert _judged(None, rows=rows, **other)["why"] == "its figure is defined otherwise than before"
    assert _judged(None, rows=rows, **own | {"measure": "agility"} | a)["why"] == "its figure has no interval"
    sums = {"measure": "net_revenue", "low": 4.0, "high": 12.0} | a
    assert _judged(None, rows=rows, change=8.0, **sums)["verdict"] == "kept"  # 6 is not below 4
    assert _judged(None, rows=rows, change=8.0, **sums | {"low": 7.0})["verdict"] == "missed"


def test_what_was_expected_is_remembered():
    own = {"report": "governance", "definition_id": "7.4", "unit": "nps"}
    day = own | {"unit": "day"}
    rows = _rows(
        ("2026Q1", "expected_of_change", "", 5.0, 2.0, 8.0, own),
        ("2026Q1", "check_of_change", "", 20260401, None, None, day),
        ("2026Q2", "expected_of_change", "", 6.0, 2.0, 8.0, own),
        ("2026Q1", "expected_of_gone_now", "", 3.0, None, None, own),
        ("2026Q2", "expected_of_gone_now", "", 1.0, None, None, own),
        ("2026Q2", "decided_nps_change", "", 4.0, 2.0, 6.0, NPS),
    )  # fmt: skip

    def told(rows=rows, **more):
        return _judged(None, rows=rows, **more)[["told_in", "told_before", "moved"]].tolist()

    assert _judged(None, rows=rows)["told_in"] == ""
    assert told(change=6.0) == ["2026Q1", 5.0, "the change"]
    assert told(low=-9.0, high=9.0) == ["2026Q1", 5.0, "its lower end, its upper end"]
    assert told(low=np.nan, high=np.nan) == ["2026Q1", 5.0, "its lower end, its upper end"]
    assert told(measure="late") == ["2026Q1", 5.0, "the measure"]
    assert told(check_on=date(2029, 1, 1)) == ["2026Q1", 5.0, "the check date"]
    assert told(change=np.nan, low=np.nan, high=np.nan, measure=None, check_on=None) == ["2026Q1", 5.0, "all of it"]
    restated = rows.assign(was=[4.0, *rows["was"][1:]])  # what 2026Q1 said before it was made anew
    assert told(restated) == ["2026Q1", 4.0, "the change"]
    gone = governance.withdrawn(_decisions(_decision(begun=False)), rows, PERIODS)
    assert gone[["decision", "period", "value"]].values.tolist() == [["gone now", "2026Q2", 1.0]]


def test_a_decision_that_has_not_begun_is_not_told():
    none = _rows(("2026Q3", "nps", "", 1, 0, 2))
    rows = _decisions(_decision(begun=False))
    assert governance.decided(rows, none, governance.figures(none, NO_NAMES), PERIODS, as_of=date(2026, 10, 22)).empty


def test_decisions_stand_in_chains():
    rows = [
        _decision("third", follows="second", starts=date(2026, 3, 1)),
        _decision("alone", starts=date(2025, 2, 1)),
        _decision("second", follows="first", starts=date(2025, 6, 1)),
        _decision("first", starts=date(2025, 1, 1)),
        _decision("orphan", follows="nobody here", starts=date(2025, 3, 1)),
    ]
    none = _rows(("2026Q3", "nps", "", 1, 0, 2))
    told = governance.decided(
        _decisions(*rows), none, governance.figures(none, NO_NAMES), PERIODS, as_of=date(2026, 10, 22)
    )
    assert told[["name", "chain", "step"]].values.tolist() == [
        ["first", "first", 1], ["second", "first", 2], ["third", "first", 3], ["alone", "alone", 1],
        ["orphan", "orphan", 1],
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["A-b c", "x: Y!", "ünter Émile 3"])
def test_names_are_told_apart_as_the_ids_of_their_figures_are(tmp_path, name):
    path = tmp_path / "decisions.yaml"
    rows = [f"- {{name: '{each}', starts: 2026-01-01, where: {{region: [n]}}}}" for each in (name, name.swapcase())]
    path.write_text("decisions:\n" + "\n".join(rows), encoding="utf-8")
    assert satisfaction.slug(name) == satisfaction.slug(name.swapcase())
    with pytest.raises(ParamsError):
        company.validated(rules.Decisions, company.read_yaml(path), path)


def test_calibration_counts_what_was_expected_and_came():
    told = pd.DataFrame(
        {"change": [5.0, 5.0, 5.0, 5.0, np.nan], "low": [2.0, 4.0, 2.0, np.nan, np.nan],
         "high": [8.0, 6.0, 8.0, np.nan, np.nan], "came": [4.0, 3.0, np.nan, 4.0, 4.0],
         "came_low": [3.0, 1.0, np.nan, 3.0, 3.0], "came_high": [5.0, 5.0, np.nan, 5.0, 5.0]}
    )  # fmt: skip
    found = governance.calibration(told)
    assert found[["k", "n"]].values.tolist() == [[1, 2], [2, 2]]  # 3 is below 4, but not for certain
    assert found["share_low"].tolist() == stats.share(pd.DataFrame({"k": [1, 2], "n": 2}))["share_low"].tolist()
    assert governance.calibration(told.iloc[4:])["n"].tolist() == [0, 0]


def test_red_figures_lead_to_the_section_that_explains_them():
    rows = _rows(
        ("2026Q3", "serve_share", "", 0.20, 0.19, 0.21), ("2026Q2", "serve_share", "", 0.10, 0.09, 0.11),
        ("2025Q3", "serve_share", "", 0.10, 0.09, 0.11), ("2026Q3", "on_time", "a", 0.8, 0.79, 0.81),
        ("2026Q2", "on_time", "a", 0.7, 0.69, 0.71), ("2026Q3", "nps", "", 3.0, 2.0, 4.0),
    )  # fmt: skip
    card = _card(rows, _targets(("cost_to_serve", "", None, 0.12), ("nps", "", 2.5, None)))
    found = pd.DataFrame(
        [(date(2026, 8, 1), "nps", "(all)", "worse"), (date(2026, 7, 1), "supplies", "s1", "worse"),
         (date(2026, 6, 1), "otif", "a", "worse"), (date(2026, 8, 1), "on_time", "a", "better")],
        columns=["month", "measure", "place", "direction"],
    )  # fmt: skip
    red = governance.drivers(card, found, ["cost_to_serve"], first=date(2026, 7, 1))
    assert red.values.tolist() == [
        ["cost_to_serve", "", "", ["missed", "worse than the period before", "worse than a year before"],
         "cost_to_serve", "3.7"],
        ["nps", "", "", ["signalled by month"], "", ""],  # its report is not in this pack
        ["supplies", "s1", "", ["signalled by month"], "", ""],
    ]  # fmt: skip


def test_key_figures_hold_what_later_periods_look_back_on():
    card = _card(
        _rows(("2026Q3", "nps", "", 3.0, 2.0, 4.0)), _targets(("nps", "", 30.0, None), ("otif", "", 0.9, None))
    )
    found = pd.DataFrame({"month": [date(2026, 8, 1), date(2026, 6, 1)]})
    told = pd.DataFrame({"name": ["A b", "c"], "verdict": ["kept", "too early"], "change": [5.0, np.nan],
                         "low": [2.0, np.nan], "high": [8.0, np.nan], "measure": ["nps", None],
                         "check_on": [date(2026, 6, 30), None]})  # fmt: skip
    kept = governance.key_figures(card, found, {"n_months": 7}, told, first=date(2026, 7, 1))
    assert kept[["figure_id", "definition_id", "value", "low", "unit"]].astype(object).where(
        kept[["figure_id", "definition_id", "value", "low", "unit"]].notna(), None
    ).values.tolist() == [
        ["targets_missed", "7.1", 1.0, None, "targets"], ["signals", "7.2", 1.0, None, "signals"],
        ["decisions_kept", "7.4", 1.0, None, "share"], ["expected_of_a_b", "7.4", 5.0, 2.0, "nps"],
        ["check_of_a_b", "7.4", 20260630.0, None, "day"],
    ]  # fmt: skip
    bare = _card(_rows(("2026Q3", "nps", "", 3.0, 2.0, 4.0)))
    none = governance.key_figures(bare, found, {"n_months": 0}, told.iloc[1:], first=date(2026, 7, 1))
    assert none.empty


# -- what is declared --------------------------------------------------------------------------

WRONG_TARGETS = """
scorecard:
  - { measure: speed, at_least: 1.0 }
  - { measure: nps }
  - { measure: nps, at_least: 1.0, at_most: 2.0 }
"""
WRONG_DECISIONS = """
decisions:
  - { name: a, starts: 2026-02-01, where: {region: [n]}, expects: {measure: late, change: -0.1} }
  - { name: b, starts: 2026-02-01, where: {region: [n]}, check_on: 2026-02-01 }
  - name: c
    starts: 2026-02-01
    where: {region: [n]}
    check_on: 2026-05-01
    expects: {measure: late, change: -0.1, low: -0.05, high: 0.1}
  - { name: d, starts: 2026-02-01, where: {region: [n]}, rebases: [speed] }
"""


def _refused(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ParamsError) as refusal:
        company.validated(rules.FILES[name], company.read_yaml(path), path)
    return str(refusal.value).replace(str(path), name)


def test_targets_that_say_nothing_are_refused_together(tmp_path):
    names = ", ".join(map(repr, rules.SCORECARD[:-1])) + f" or {rules.SCORECARD[-1]!r}"
    assert _refused(tmp_path, "targets.yaml", WRONG_TARGETS).splitlines() == [
        "3 faults:",
        f"  1. targets.yaml, line 3: 'scorecard.0.measure': expected {names}, found str 'speed'.",
        "  2. targets.yaml, line 4: 'scorecard.1': a target has at_least or at_most, one of them.",
        "  3. targets.yaml, line 5: 'scorecard.2': a target has at_least or at_most, one of them.",
    ]
    twice = "scorecard: [{measure: nps, at_least: 1.0, segment: a}, {measure: nps, at_most: 9.0, segment: a}]"
    assert _refused(tmp_path, "targets.yaml", twice).endswith("each place has one target, found two of: 'nps of a'.")
    alone = "scorecard: [{measure: nps, at_least: 1.0, channel: web}]"
    assert _refused(tmp_path, "targets.yaml", alone).endswith("channel needs segment.")
    merged = "renamed: {a: c, b: c}"
    assert _refused(tmp_path, "targets.yaml", merged).endswith("became one are no renamed ones, found for: c.")
    chain = "renamed: {a: b, b: c}"
    assert _refused(tmp_path, "targets.yaml", chain).endswith("found names that are old and new: b.")


def test_decisions_that_cannot_be_checked_are_refused_together(tmp_path):
    charted = ", ".join(map(repr, rules.CHARTED[:-1])) + f" or {rules.CHARTED[-1]!r}"
    assert _refused(tmp_path, "decisions.yaml", WRONG_DECISIONS).splitlines() == [
        "4 faults:",
        "  1. decisions.yaml, line 3: 'decisions.0': what is expected needs check_on: the day to look at what came.",
        "  2. decisions.yaml, line 4: 'decisions.1': check_on: expected a day after 2026-02-01, found 2026-02-01.",
        "  3. decisions.yaml, line 9: 'decisions.2.expects': expected low, change and high in this order, found -0.05, "
        "-0.1, 0.1.",
        f"  4. decisions.yaml, line 10: 'decisions.3.rebases.0': expected {charted}, found str 'speed'.",
    ]
    row = "- {{name: {}, starts: 2026-0{}-01, where: {{region: [n]}}{}}}\n"
    told = {
        row.format("a", 1, "") + row.format("a", 2, ""): "each decision has a name of its own, found twice: 'a'.",
        row.format("A-b", 1, "") + row.format("a b", 2, ""): "names differ in letters or digits, found: 'A-b', 'a b'.",
        row.format("a", 1, ", follows: b"): "'a' follows 'b', which is no decision here.",
        row.format("a", 2, "") + row.format("b", 2, ", follows: a"): "'b' begins no later than 'a', which it follows.",
    }
    for rows, fault in told.items():
        assert _refused(tmp_path, "decisions.yaml", "decisions:\n" + rows).endswith(fault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("low: -0.2", "expected low and high, or neither."),
        ("high: 0.2", "expected low and high, or neither."),
    ],
)
def test_half_an_interval_is_refused(tmp_path, text, fault):
    row = "decisions: [{name: a, starts: 2026-02-01, where: {region: [n]}, check_on: 2026-05-01, "
    row += "expects: {measure: late, "
    assert _refused(tmp_path, "decisions.yaml", row + f"change: -0.1, {text}}}}}]").endswith(fault)
    assert _refused(tmp_path, "decisions.yaml", row + "change: 0.0}}]").endswith(
        "a change is expected to be another than 0."
    )

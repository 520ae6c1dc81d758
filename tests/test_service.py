"""Is every promise counted as kept or broken by the rule, and nothing made up where it is not known?"""

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from toolkit import service

PLACED = pd.Timestamp("2026-05-04", tz="UTC")


def _orders(**columns):
    n = len(next(iter(columns.values())))
    rows = {"customer_id": [f"c{i}" for i in range(n)], "cancelled": False, "late": False, "early": False}
    rows |= {
        "arrived": True,
        "in_window": None,
        "n_lines": 1,
        "n_lines_in_full": 1,
        "n_lines_perfect": 1,
        "segment": "a",
    }
    return pd.DataFrame(
        rows | {"quantity_ordered": 2, "quantity_delivered": 2, "delay_s": 0, "cycle_s": 86_400} | columns
    )


def test_six_service_levels_of_one_table(table):
    # methods f, inline case [A]
    lines = table(
        """
        order | qty | ship | late | doc | cond
        --------------------------------------
        1     | 10  | 10   | 0    | 1   | 1
        1     | 5   | 5    | 0    | 1   | 1
        2     | 8   | 8    | 0    | 1   | 1
        2     | 2   | 0    | 0    | 1   | 1
        3     | 4   | 4    | 1    | 1   | 1
        4     | 6   | 6    | 0    | 1   | 1
        4     | 6   | 6    | 0    | 0   | 1
        5     | 3   | 3    | 0    | 1   | 0
        6     | 9   | 9    | 0    | 1   | 1
        6     | 1   | 1    | 0    | 1   | 1
        """
    ).astype(int)
    lines["full"] = lines["ship"] >= lines["qty"]
    lines["perfect"] = lines["full"] & (lines["late"] == 0) & (lines["doc"] == 1) & (lines["cond"] == 1)
    by_order = lines.groupby("order").agg(
        late=("late", "max"), n_lines=("qty", "size"), n_lines_in_full=("full", "sum"),
        n_lines_perfect=("perfect", "sum"), quantity_ordered=("qty", "sum"), quantity_delivered=("ship", "sum"),
    )  # fmt: skip
    orders = _orders(**{name: by_order[name].tolist() for name in by_order})
    found = service.performance(orders, by=[], min_n=1).iloc[0]
    assert found["line_fill"] == pytest.approx(0.90)
    assert found["unit_fill"] == pytest.approx(52 / 54)
    assert found["in_full"] == pytest.approx(0.833333, abs=1e-6)
    assert found["otif"] == pytest.approx(0.666667, abs=1e-6)
    assert found["perfect"] == pytest.approx(0.333333, abs=1e-6)
    product = found["in_full"] * found["on_time"] * 5 / 6 * 5 / 6  # documents and condition: one order of six each
    assert product == pytest.approx(0.482253, abs=1e-6)  # the popular product is another number


def test_cancelled_orders_and_unknown_lines_are_in_no_share_of_theirs():
    orders = _orders(
        late=[True, False, True, False],
        cancelled=[False, False, True, False],
        n_lines=pd.array([1, 1, 1, None], "Int64"),
        n_lines_in_full=pd.array([1, 0, 1, None], "Int64"),
    )
    found = service.performance(orders, by=[], min_n=1).iloc[0]
    assert (found["n"], found["on_time"]) == (3, pytest.approx(2 / 3))
    assert (found["in_full"], found["otif"]) == (0.5, 0.0)  # of the two that are known
    unknown = orders.assign(n_lines=pd.NA, n_lines_in_full=pd.NA, n_lines_perfect=pd.NA, early=pd.NA)
    unknown = unknown.assign(quantity_ordered=pd.NA, quantity_delivered=pd.NA)
    shares = ["in_full", "otif", "perfect", "line_fill", "unit_fill", "early"]
    assert service.performance(unknown, by=[], min_n=1)[shares].isna().all(axis=None)


def test_groups_of_a_few_customers_stand_together_and_orders_of_one_customer_are_one_draw():
    orders = _orders(late=[True] * 6 + [False] * 34, carrier=["x"] * 20 + ["y"] * 18 + ["z"] * 2)
    found = service.performance(orders, by=["carrier"], min_n=10).set_index("carrier")
    assert found["n"].to_dict() == {"(other)": 20, "x": 20}
    assert found.loc["x", "on_time"] == pytest.approx(14 / 20)
    alone = service.performance(orders, by=[], min_n=10).iloc[0]
    doubled = pd.concat([orders, orders], ignore_index=True)
    again = service.performance(doubled, by=[], min_n=10).iloc[0]
    assert again[["on_time_low", "on_time_high"]].tolist() == pytest.approx(
        alone[["on_time_low", "on_time_high"]].tolist()
    )
    assert service.performance(orders.iloc[:0], by=["carrier"], min_n=10).empty
    # all 20 in time: Wilson's interval begins at 20 / (20 + z^2), z of 97.5 % for one interval, 98.75 % for two
    assert found.loc["(other)", "on_time_low"] == pytest.approx(20 / (20 + 2.241403**2), abs=1e-6)
    assert found.loc["(other)", "on_time_high"] == pytest.approx(1)


def test_what_has_not_arrived_is_still_under_way():
    day = 86_400
    orders = _orders(cycle_s=[day, 2 * day, 3 * day, 4 * day, 5 * day], arrived=[True, False, True, True, False])
    found = service.cycle_time(orders, by=["segment"], min_n=1).iloc[0]
    # Kaplan-Meier: 4/5 after a day, 4/5 x 2/3 after three, 4/5 x 2/3 x 1/2 after four, and then unknown
    assert found[["n", "n_open", "median_days"]].tolist() == [5, 2, 4.0]
    assert np.isnan(found["p95_days"])
    assert service.cycle_time(orders.iloc[:0], by=["segment"], min_n=1).empty


def test_sales_that_ran_out_have_the_curve_of_r():
    # R's survfit on sales of which those starred ended as the shelf was empty, methods i: S at 9 .. 17 .9167 .8333 .75
    # .6667 .5833 .5 .4167; so days of 9 .. 17, and under way at 20. Half have arrived by 16, and 95 % by no day known.
    days = np.array([12, 15, 20, 20, 9, 17, 20, 14, 20, 11, 16, 20])
    orders = _orders(cycle_s=list(days * 86_400), arrived=list(days < 20))
    found = service.cycle_time(orders, by=["segment"], min_n=1).iloc[0]
    assert found[["n", "n_open", "median_days"]].tolist() == [12, 5, 16.0]
    curve = SurvfuncRight(days, days < 20)
    assert curve.surv_times.tolist() == [9, 11, 12, 14, 15, 16, 17]
    assert curve.surv_prob == pytest.approx([0.9167, 0.8333, 0.75, 0.6667, 0.5833, 0.5, 0.4167], abs=5e-5)


def test_early_and_late_are_told_apart_by_days():
    day = 86_400
    delays = [-4 * day, -day, -60, 0, 60, 2 * day, 8 * day, 30 * day]
    found = service.promise_accuracy(_orders(delay_s=delays * 2, arrived=([True] * 7 + [False]) * 2), min_n=2)
    assert dict(zip(found["arrival"], found["n"], strict=True)) == {
        "over 3 days early": 2,
        "1 to 3 days early": 2,
        "up to a day early": 4,
        "up to a day late": 2,
        "1 to 3 days late": 2,
        "over 7 days late": 2,
        "not there": 2,
    }
    assert found["share"].sum() == pytest.approx(1)


def test_ways_tell_new_customers_from_those_who_switched(table):
    rows = table(
        """
        order_id | customer_id | fulfilment | in_period | known_before | way_before | net_revenue
        ------------------------------------------------------------------------------------------
        o1       | a           | home       | 1         | 1            | 1          | 100
        o2       | a           | home       | 1         | 1            | 1          | 300
        o3       | b           | home       | 1         | 1            |            | 200
        o4       | c           | home       | 1         |              |            | 200
        o5       | a           | store      | 1         | 1            |            | 50
        o6       | a           | home       |           | 1            | 1          | 70
        o7       | b           | store      |           | 1            | 1          | 70
        """
    )
    for name in ("in_period", "known_before", "way_before"):
        rows[name] = rows[name].notna()
    rows["net_revenue"] = rows["net_revenue"].astype("Int64")
    twins = rows.assign(customer_id=rows["customer_id"] + "2", order_id=rows["order_id"] + "2")  # none is alone
    rows = pd.concat([rows, twins], ignore_index=True)
    found = service.ways(rows, min_n=2).set_index("fulfilment")
    assert found.loc["home", ["n_customers", "n", "basket", "new", "switched"]].tolist() == [6, 8, 200, 2, 2]
    assert found.loc["home", ["growth", "adoption", "repeat"]].tolist() == pytest.approx([3, 1, 1 / 3])
    assert found.loc["store", ["n", "growth", "new", "switched"]].tolist() == [2, 0, 0, 2]
    hidden = service.ways(rows, min_n=3)
    assert hidden["fulfilment"].tolist() == ["(other)"]
    assert hidden[["new", "switched"]].isna().all(axis=None)  # one customer each


def test_a_supplier_that_got_worse_is_settled_by_orders_and_not_by_lines():
    orders = [f"p{i}" for i in range(80)]
    rows = pd.DataFrame({"purchase_order_id": np.repeat(orders, 5), "line_no": np.tile(range(5), 80)})
    rows["supplier_id"], rows["in_period"] = np.where(np.arange(400) % 10 < 5, "s1", "s2"), np.arange(400) < 200
    rows["own"], rows["received"], rows["lead_s"] = rows["supplier_id"] == "s2", True, 3 * 86_400
    rows["ordered_at"], rows["site_id"] = PLACED, "w"
    late = (rows["supplier_id"] == "s1") & rows["in_period"] & (np.arange(400) // 10 % 2 == 0)
    rows["late"], rows["quantity_ordered"] = late, 10
    rows["quantity_received"] = np.where(rows["line_no"] == 0, 9, 10)
    rows.loc[0, "received"] = False
    found = service.suppliers(rows, min_n=1).set_index("supplier")
    assert found["n"].tolist() == [20, 20]
    assert found["own"].tolist() == [False, True]
    assert found["on_time"].tolist() == [0.5, 1.0]
    assert found["in_full"].tolist() == [0.8, 0.8]
    assert found["lead_days"].tolist() == [3.0, 3.0]
    assert found["n_open"].tolist() == [1, 0]
    assert found["trend"].tolist() == [-0.5, 0.0]
    assert found["settled"].tolist() == [True, False]
    # 20 orders, half late, Bonferroni over two: 2.241403 x sqrt(20/19 x 20 x .25) / 20; before, 20 of 20 in time:
    # Wilson's interval begins at 20 / (20 + z^2). Newcombe adds the distances in squares.
    now, before = 2.241403 * (20 / 19 * 5) ** 0.5 / 20, 1 - 20 / (20 + 2.241403**2)
    assert found.loc["s1", "trend_high"] == pytest.approx(-0.5 + np.hypot(now, before))
    assert found.loc["s1", "trend_low"] == pytest.approx(-0.5 - now)  # no share was above 1 before
    assert service.suppliers(rows.iloc[:0], min_n=1).empty


def _supplies(n, **more):
    """A line of each of n purchase orders in the period, all late, and of n before it, all in time."""
    rows = {"supplier_id": "s", "purchase_order_id": [f"p{i}" for i in range(2 * n)], "line_no": 1, "own": False}
    rows |= {"in_period": [True] * n + [False] * n, "late": [True] * n + [False] * n, "received": True}
    rows |= {"site_id": "w", "ordered_at": PLACED, "lead_s": 86_400, "quantity_ordered": 5, "quantity_received": 5}
    return pd.DataFrame(rows | more)


def test_two_purchase_orders_against_two_settle_nothing():
    found = service.suppliers(_supplies(2), min_n=1).iloc[0]
    # all late against none: no variance, and yet by chance in one of six (Fisher); Wilson of 0 and 2 of 2 from .342380
    assert (found["trend"], found["settled"]) == (-1, False)
    assert found["trend_high"] == pytest.approx(-1 + (2 * 0.657620**2) ** 0.5, abs=1e-6)
    assert service.suppliers(_supplies(10), min_n=1).loc[0, "settled"]
    assert not service.suppliers(_supplies(9), min_n=1).loc[0, "settled"]
    alone = service.suppliers(_supplies(10).iloc[:10], min_n=1).iloc[0]  # nothing was promised before
    assert (alone["on_time"], alone["settled"]) == (0, False)
    assert np.isnan([alone["on_time_before"], alone["trend"], alone["trend_low"]]).all()


def test_suppliers_of_few_lines_stand_together():
    names = ["s"] * 6 + ["Jan"] * 3 + ["Piet"]
    found = service.suppliers(_supplies(5, supplier_id=names, in_period=True, own=[True] * 9 + [False]), min_n=5)
    assert found[["supplier", "own", "n"]].values.tolist() == [["(other)", False, 4], ["s", True, 6]]


def test_replenishment_is_told_by_site():
    days = pd.to_timedelta([0, 0, 7, 8, 14, 17], unit="D")  # to w every 7 days, to v after 8 and 9
    rows = _supplies(3, ordered_at=PLACED + days, site_id=["w", "v"] * 3)
    assert service.suppliers(rows, min_n=1).loc[0, "every_days"] == 7.5


def test_windows_are_kept_by_those_who_have_any():
    window = [True] * 9 + [False] * 3 + [None] * 8
    found = service.performance(_orders(in_window=window), by=["segment"], min_n=10).iloc[0]
    assert (found["n_customers"], found["in_window"]) == (20, 0.75)
    few = service.performance(_orders(in_window=[True] * 9 + [None] * 11), by=["segment"], min_n=10)
    assert few["in_window"].isna().all()


def test_a_quantity_that_nobody_counted_is_not_short():
    counted = pd.array([5, 4, 0, None, 5, 5], "Int64")
    found = service.suppliers(
        _supplies(3, quantity_received=counted, in_period=[True] * 4 + [False] * 2), min_n=1
    ).iloc[0]
    assert (found["n_lines"], found["in_full"]) == (4, pytest.approx(1 / 3))


def test_what_is_known_of_a_few_customers_is_not_said_of_a_group():
    known = pd.array([1] * 12 + [None] * 388, "Int64")
    told = {"n_lines": known, "n_lines_in_full": known, "n_lines_perfect": known}
    orders = _orders(**told, quantity_ordered=known, quantity_delivered=known)
    found = service.performance(orders, by=["segment"], min_n=10).iloc[0]
    assert (found["n_customers"], found["in_full"]) == (400, 1)
    # Wilson of the 12 that are known, not of 400: from 12 / (12 + z^2)
    assert found["in_full_low"] == pytest.approx(12 / (12 + 1.959964**2), abs=1e-6)
    few = service.performance(orders, by=["segment"], min_n=13).iloc[0]
    assert few[["in_full", "in_full_low", "otif", "perfect", "line_fill", "unit_fill"]].isna().all()
    assert few["on_time"] == 1


def test_a_way_tells_no_revenue_of_one_customer_and_no_growth_over_a_few():
    plain = {"fulfilment": "home", "in_period": True, "known_before": True, "way_before": True, "net_revenue": 100}
    who = [f"c{i}" for i in range(20)]
    now = pd.DataFrame({"customer_id": who, "order_id": who} | plain)
    before = pd.DataFrame(
        {"customer_id": "c0", "order_id": [f"b{i}" for i in range(16)]} | plain | {"in_period": False}
    )
    found = service.ways(pd.concat([now, before], ignore_index=True), min_n=10).iloc[0]
    assert found["basket"] == 100
    assert np.isnan(found["growth"])  # sixteen orders, all of one customer
    spread = before.assign(customer_id=who[:16])
    assert service.ways(pd.concat([now, spread], ignore_index=True), min_n=10).loc[0, "growth"] == pytest.approx(0.25)
    rich = now.assign(net_revenue=[1_000_000] + [100] * 19)
    assert np.isnan(service.ways(rich, min_n=10).loc[0, "basket"])


def _promise(**more):
    plain = {"measure": "on_time", "at_least": 0.9, "segment": "", "channel": "", "felt": "", "felt_at_least": 0.5}
    return pd.DataFrame([plain | more])


def _verdict(promise, late, scores=(), item="on_time"):
    orders = _orders(late=[True] * late + [False] * (400 - late))
    asked = pd.DataFrame({"item": item, "score": list(scores), "scale": "nps_0_10", "segment": "a", "channel": "w"})
    asked["customer_id"] = [f"c{i}" for i in range(len(asked))]
    chosen = asked.assign(person=asked["customer_id"], value=[(x >= 9) - (x <= 6) for x in scores])
    return service.promises(promise, orders, chosen, asked, min_n=10).iloc[0]


def test_a_promise_is_kept_or_broken_only_where_chance_is_ruled_out():
    assert _verdict(_promise(), late=12)["verdict"] == "kept"
    assert _verdict(_promise(), late=80)["verdict"] == "broken"
    assert _verdict(_promise(), late=42)["verdict"] == "not settled"
    one = _verdict(_promise(segment="a"), late=80)
    assert (one["n"], one["value"]) == (400, pytest.approx(0.8))
    assert _verdict(_promise(segment="nobody"), late=80)["verdict"] == "too few to say"


def test_a_promise_that_customers_do_not_notice_is_kept_but_not_felt():
    content, unhappy = [9] * 60 + [3] * 40, [9] * 30 + [3] * 70
    assert _verdict(_promise(felt="on_time"), late=4, scores=unhappy)["verdict"] == "kept but not felt"
    kept = _verdict(_promise(felt="on_time"), late=4, scores=content)
    assert (kept["verdict"], kept["felt_share"]) == ("kept", pytest.approx(0.6))
    assert _verdict(_promise(felt="product"), late=4, scores=unhappy)["verdict"] == "kept"  # not asked
    assert _verdict(_promise(felt="on_time"), late=80, scores=unhappy)["verdict"] == "broken"


def test_a_score_may_be_promised():
    scores = [10] * 70 + [8] * 20 + [0] * 10
    found = _verdict(_promise(measure="nps", at_least=40.0), late=0, scores=scores, item="recommend")
    assert (found["verdict"], found["value"]) == ("kept", pytest.approx(60))
    assert _verdict(_promise(measure="nps", at_least=90.0), late=0, scores=scores)["verdict"] == "broken"
    assert _verdict(_promise(measure="nps", at_least=0.0), late=0, scores=[9])["verdict"] == "too few to say"
    assert service.promises(_promise().iloc[:0], _orders(late=[True]), pd.DataFrame(), pd.DataFrame(), min_n=3).empty


def test_key_figures_are_those_of_each_level():
    rows = pd.DataFrame({"segment": ["a", "b"], "n": [9, 7], "on_time": [0.9, 0.8], "otif": [0.5, np.nan]})
    rows = rows.assign(**{f"{x}_{end}": rows.get(x) for x in ("on_time", "otif") for end in ("low", "high")})
    found = service.key_figures([rows.head(1).drop(columns="segment"), rows, rows.head(1).assign(channel="web")])
    assert found[["figure_id", "segment", "channel", "value", "n"]].values.tolist() == [
        ["on_time", "", "", 0.9, 9], ["on_time", "a", "", 0.9, 9], ["on_time", "b", "", 0.8, 7],
        ["on_time", "a", "web", 0.9, 9], ["otif", "", "", 0.5, 9], ["otif", "a", "", 0.5, 9],
        ["otif", "a", "web", 0.5, 9],
    ]  # fmt: skip
    assert (found["definition_id"] + found["cohort"] + found["unit"]).unique().tolist() == ["2.2serviceshare"]
    assert service.key_figures([pd.DataFrame(), pd.DataFrame()]).empty

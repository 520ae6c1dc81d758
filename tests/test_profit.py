"""Is it told right who earns the profit, who loses money and who moved? docs/METHODS.md sections 3.5 and 3.6."""

import numpy as np
import pandas as pd
import pytest

from toolkit import profit

# Inline case e4: profits in money, cumulated, peak, best fifth, break-even rank, erosion: all arithmetic.
PROFITS = [120, 90, 60, 20, 5, 0, -5, -20, -70, -100]
NOBODY = pd.DataFrame(columns=["ago", "customer_id", "net_revenue", "cost_of_goods", "cost_to_serve", "profit"])


def _now(profits, **more):
    rows = pd.DataFrame({"customer_id": [f"c{at:04}" for at in range(len(profits))], "profit": list(profits)})
    return rows.assign(net_revenue=100, cost_of_goods=0, cost_to_serve=0).assign(**more)


def _curve(now, before=NOBODY, min_n=1, **more):
    return profit.whale_curve(now, before, min_n=min_n, rng=np.random.default_rng(1), **more)


def test_e4_whale_curve_of_ten_customers():
    curve = _curve(_now(PROFITS[::-1]))
    assert curve["cumulated"].tolist() == [120, 210, 270, 290, 295, 295, 290, 270, 200, 100]
    assert curve["of_total"].max() == 2.95
    assert curve["of_total"].iloc[1] == 2.1  # the best fifth


def test_e4_a_total_of_nothing_has_no_per_cent():
    assert _curve(_now([50, -50]))["of_total"].isna().all()
    assert _curve(_now([50, -80]))["of_total"].isna().all()


def test_whale_steps_hold_at_least_the_smallest_group_and_keep_the_total():
    steps = _curve(_now(range(-40, 63)), min_n=10)
    assert steps["n"].min() >= 10
    assert steps["n"].sum() == 103
    assert steps["profit"].sum() == steps["cumulated"].iloc[-1] == sum(range(-40, 63))
    assert steps["customers"].iloc[-1] == 1
    assert _curve(_now([1, 2, 3]), min_n=10).empty


def test_customers_are_ranked_by_before_and_new_ones_stand_last():
    now = _now([5, 50, -7, 9, 1, 2])
    before = _now([30, 10, 20], ago=1)  # the first three, of whom the first was best
    steps = _curve(now, before, min_n=1)
    assert steps[["who", "n", "profit"]].values.tolist() == [
        ["ranked", 1, 5],
        ["ranked", 1, -7],
        ["ranked", 1, 50],
        ["new", 3, 12],
    ]
    few = _curve(now, pd.concat([before, _now([0] * 6).iloc[3:5].assign(ago=2)]), min_n=2)
    assert few[["who", "n"]].values.tolist() == [["ranked", 3], ["ranked", 3]]  # one new customer has no step


def test_the_band_is_as_wide_as_chance_makes_it():
    now = _now(np.random.default_rng(0).normal(10, 40, 4_000).astype(int))
    last = _curve(now, min_n=10, draws=2_000).iloc[-1]
    half = 1.959964 * now["profit"].std() * 4_000**0.5
    assert last["cumulated_high"] - last["cumulated_low"] == pytest.approx(2 * half, rel=0.08)


def test_e5_gini_and_its_like_for_profit():
    # PySAL inequality 1.1.2: .4620911303
    incomes = [541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261]
    assert profit.gini(incomes) == pytest.approx(0.4620911303, abs=1e-10)
    assert profit.gini(incomes) * 10 / 9 == pytest.approx(0.5134345892, abs=1e-10)  # of a sample
    assert profit.gini([*incomes, -500]) == profit.gini(incomes)
    assert np.isnan(profit.gini([0, 0]))
    # drawn: 30, 0, -10 of 20: heights 0, 1.5, 1.5, 1; area (0.75 + 1.5 + 1.25) / 3 = 7 / 6, less the half 2 / 3
    assert profit.stobachoff([-10, 30, 0]) == pytest.approx((2 / 3) / (2 / 3 + 1 / 2))
    assert np.isnan(profit.stobachoff([5, -5]))


def test_who_loses_money_now_and_who_did_before_too():
    now = _now(PROFITS)
    before = pd.concat([_now([1, 1, 1, 1, 1, 1, 1, -3, -4], ago=1), _now([9, 500, 3], ago=2)])
    found = profit.summary(now, before)
    assert (found["n"], found["total"], found["n_losing"], found["losing"]) == (10, 100, 4, -195)
    assert (found["n_twice"], found["twice"]) == (2, -20 - 70)
    assert (found["n_top"], found["top"]) == (1, 0.9)  # nine known before, a fifth of them is one: c0001, 90 of 100
    assert found["top_low"] < 0.9 < found["top_high"]
    alone = profit.summary(now, NOBODY)
    assert (alone["n_twice"], alone["n_top"]) == (0, 0)
    assert np.isnan(alone["top"])


def test_a_segment_loses_money_if_it_is_settled_or_happened_twice():
    rng = np.random.default_rng(2)
    parts = {"sure": rng.normal(-50, 20, 100), "twice": rng.normal(-1, 90, 100), "once": rng.normal(-1, 90, 100)}
    parts |= {"rich": rng.normal(60, 20, 100)}
    parts = {name: values - values.mean() + {"sure": -50, "rich": 60}.get(name, -1) for name, values in parts.items()}
    now = _now(np.concatenate(list(parts.values())).round().astype(int), segment=np.repeat(list(parts), 100))
    before = now.assign(ago=1, profit=np.where(now["segment"] == "once", 5, now["profit"]))
    found = profit.results(now, before.drop(columns="segment"), now).set_index("segment")
    assert found["verdict"].to_dict() == {
        "sure": "loses money", "twice": "loses money", "once": "not settled", "rich": "earns money",
    }  # fmt: skip
    assert found.loc["once", "before"] == 500
    half = 2.497705 * now[now["segment"] == "rich"]["profit"].std() * 10  # z of 4 intervals together
    assert found.loc["rich", "profit_high"] - found.loc["rich", "profit"] == pytest.approx(half, rel=1e-5)
    assert profit.results(now, NOBODY, now)["before"].isna().all()


def test_fields_of_the_matrix_and_moves_between_them():
    money = {"net_revenue": [100, 100, 100, 100, 0], "cost_of_goods": [40, 40, 80, 80, 0]}
    now = _now([0] * 5).assign(**money, cost_to_serve=[5, 25, 5, 25, 7])
    now["profit"] = now["net_revenue"] - now["cost_of_goods"] - now["cost_to_serve"]
    fields, moves = profit.matrix(now, NOBODY, min_n=1)
    assert fields[["field", "n", "before_service", "cost_to_serve", "profit"]].values.tolist() == [
        ["passive", 1, 60, 5, 55],
        ["carriage trade", 1, 60, 25, 35],
        ["bargain basement", 1, 20, 5, 15],
        ["aggressive", 1, 20, 25, -5],
        ["no revenue", 1, 0, 7, -7],
    ]
    assert moves.empty
    before = now.assign(ago=1, cost_to_serve=[25, 25, 5, 25, 7])
    fields, moves = profit.matrix(now, before, min_n=1)
    assert fields.set_index("field")["stayed"].to_dict() == {
        "passive": 0, "carriage trade": 1, "bargain basement": 1, "aggressive": 1, "no revenue": 1,
    }  # fmt: skip
    assert moves.iloc[:2].values.tolist() == [
        ["carriage trade", "passive", 1, 0.5],
        ["carriage trade", "carriage trade", 1, 0.5],
    ]
    assert profit.matrix(now, before, min_n=2)[0].empty


@pytest.fixture
def served(table):
    orders = table(
        """
        customer_id | segment | n_lines | net_revenue | cost_of_goods | handling
        -------------------------------------------------------------------------
        a           | shop    | 2       | 10000       | 6000          | 200
        a           | shop    | 1       | 4000        | 2500          | 150
        b           | home    | 1       | 2000        | 1200          | 150
        """,
        n_lines="Int64", net_revenue="Int64", cost_of_goods="Int64", handling="Int64",
    )  # fmt: skip
    work = pd.DataFrame({"customer_id": ["a", "z"], "segment": "shop", "cost": [700, 30]})
    return orders, work, pd.DataFrame({"customer_id": ["a", "b"], "segment": ["shop", "home"], "freight": [500, 300]})


def test_profit_of_a_customer_is_revenue_less_goods_less_service(served):
    found = profit.customer_profits(*served).set_index("customer_id")["profit"]
    assert found.to_dict() == {
        "a": (10_000 - 6_000) + (4_000 - 2_500) - (500 + 700 + 200 + 150),
        "b": 2_000 - 1_200 - (300 + 150),
        "z": -30,  # served without an order
    }
    by = profit.customer_profits(*served, by=["segment"]).groupby("segment")["profit"].sum()
    assert by.to_dict() == {"shop": found["a"] + found["z"], "home": found["b"]}
    unknown = served[0].assign(cost_of_goods=served[0]["cost_of_goods"].mask(served[0]["n_lines"] == 2))
    assert profit.customer_profits(unknown, *served[1:]).empty


def test_earlier_periods_are_costed_with_their_own_ledger():
    customers = pd.DataFrame({
        "ago": [1, 2], "customer_id": "a", "n_orders": [1, 2], "n_lines": [3, 4], "net_revenue": [1_000, 900],
        "cost_of_goods": [100, 90], "freight": [10, 20], "freight_sent": [11, 21], "payment_fee": [2, 0],
    })  # fmt: skip
    work = pd.DataFrame({"ago": [1, 2, 2], "month": ["n", "m", "m"], "customer_id": ["a", "a", "b"]})
    work = work.assign(pool="desk", activity="entry", seconds=60)
    ledger = pd.DataFrame({"month": ["m", "n"], "account": "x", "pool": "desk", "amount": [100, 40]})
    capacity = pd.DataFrame({"month": ["m", "n"], "pool": "desk", "capacity_s": [240, 60]})
    handling = pd.DataFrame({"cents_per_order": [5], "cents_per_line": [1]})
    none = pd.DataFrame(columns=["pool", "served", "parts", "method"])
    found = profit.profits_before(customers, work, ledger, capacity, none, handling).set_index(["ago", "customer_id"])
    assert found["cost_to_serve"].to_dict() == {
        (1, "a"): 10 + 2 + 5 + 3 + 40,
        (2, "a"): 20 + 10 + 4 + 25,
        (2, "b"): 25,
    }
    assert found["profit"].to_dict() == {(1, "a"): 900 - 60, (2, "a"): 810 - 59, (2, "b"): -25}
    freight = pd.DataFrame({"month": ["m"], "account": "y", "pool": "freight", "amount": [32]})
    sent = profit.profits_before(customers, work, pd.concat([ledger, freight]), capacity, none, handling.head(0))
    assert sent["cost_to_serve"].tolist() == [11 + 2 + 40, 21 + 25, 25]
    unknown = customers.assign(cost_of_goods=[None, 90])
    assert profit.profits_before(unknown, work, ledger, capacity, none, handling).empty
    assert profit.profits_before(customers.head(0), work, ledger, capacity, none, handling).empty

"""Does costing give the published numbers, and does every cent stand somewhere?"""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import cost
from toolkit.errors import DataError

# Kaplan and Anderson, "Time-Driven Activity-Based Costing", Harvard Business Review, November 2004:
# customer service, $560,000 a quarter, practical capacity 700,000 minutes, rate $0.80 a minute.
KAPLAN = [  # activity, unit minutes, quantity, minutes, cost in dollars
    ("process customer orders", 8, 49_000, 392_000, 313_600),
    ("handle inquiries and complaints", 44, 1_400, 61_600, 49_280),
    ("credit checks", 50, 2_500, 125_000, 100_000),
]


@pytest.fixture
def department():
    month = {"month": ["2004-01"], "pool": ["service"]}
    ledger = pd.DataFrame({**month, "account": ["all"], "amount": [560_000_00]})
    capacity = pd.DataFrame({**month, "capacity_s": [700_000 * 60]})
    work = pd.DataFrame(
        [("2004-01", "service", name, unit * 60 * quantity) for name, unit, quantity, _, _ in KAPLAN],
        columns=["month", "pool", "activity", "seconds"],
    )
    return ledger, capacity, work


def test_e1_rate_used_and_unused_capacity_of_the_published_department(department):
    pools = cost.pool_costs(*department)
    assert pools["rate"].tolist() == [80.0]  # cents a minute
    assert pools["used_s"].tolist() == [578_600 * 60]
    assert pools["charged"].tolist() == [462_880_00]
    assert pools["unused"].tolist() == [97_120_00]
    assert cost.capacity_use(pools)["used_share"].round(4).tolist() == [0.8266]  # the text says 83 %


def test_e1_cost_of_each_activity_of_the_published_department(department):
    costed = cost.charge_work(department[2], cost.pool_costs(*department)).set_index("activity")["cost"]
    assert costed.to_dict() == {name: dollars * 100 for name, _, _, _, dollars in KAPLAN}


def test_above_capacity_the_rate_stays_and_unused_is_negative():
    month = {"month": ["m"], "pool": ["p"]}
    pools = cost.pool_costs(
        pd.DataFrame({**month, "account": ["a"], "amount": [1_000]}),
        pd.DataFrame({**month, "capacity_s": [600]}),
        pd.DataFrame({**month, "seconds": [900]}),
    )
    assert pools[["charged", "unused", "rate"]].values.tolist() == [[1_500, -500, 100.0]]


def test_a_pool_without_capacity_is_unassigned_not_charged():
    month = {"month": ["m"], "pool": ["p"]}
    pools = cost.pool_costs(
        pd.DataFrame({**month, "account": ["a"], "amount": [1_000]}),
        pd.DataFrame({"month": [], "pool": [], "capacity_s": []}).astype({"month": "str", "pool": "str"}),
        pd.DataFrame({**month, "seconds": [900]}),
    )
    assert pools[["charged", "unused", "unassigned"]].values.tolist() == [[0, 0, 1_000]]


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (5, [3, 7], [2, 3]),  # Fowler, Patterns of Enterprise Application Architecture, Money.allocate
        (100_00, [1, 1, 1], [33_34, 33_33, 33_33]),  # 3333.33 each, one cent left, tie to the first
        (-100_00, [1, 1, 1], [-33_34, -33_33, -33_33]),
        (10, [0, 1], [0, 10]),
        (1, [1, 2], [0, 1]),  # remainders 1/3 and 2/3
        (0, [4, 4], [0, 0]),
    ],
)
def test_e3_amounts_are_shared_to_the_cent(amount, weights, shares):
    assert cost.allocate(amount, weights) == shares


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_e3_weights_that_cannot_share_are_refused(weights):
    with pytest.raises(DataError) as refused:
        cost.allocate(5, weights)
    assert str(refused.value) == (
        f"allocate: expected weights of 0 or more with a sum above 0, found {len(weights)} with the sum "
        f"{sum(weights)}. Leave what has no weights unassigned."
    )


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**12), min_size=1).filter(any))
def test_shares_sum_to_the_amount_and_are_within_a_cent(amount, weights):
    shares = cost.allocate(amount, weights)
    assert sum(shares) == amount
    total = sum(weights)
    assert all(abs(share * total - amount * weight) < total for share, weight in zip(shares, weights, strict=True))


_POOLS = st.sampled_from(["desk", "warehouse", "transport"])
_LEDGER = st.lists(
    st.tuples(
        st.sampled_from(["m1", "m2"]),
        st.sampled_from(["wages", "rent"]),
        _POOLS,
        st.integers(-(10**9), 10**9),
    ),
    min_size=1,
    max_size=8,
)
_WORK = st.lists(st.tuples(st.sampled_from(["m1", "m2"]), _POOLS, st.integers(0, 10**7)), min_size=1, max_size=20)


@settings(deadline=None)
@given(_LEDGER, _WORK, st.dictionaries(_POOLS, st.integers(0, 10**6)), st.randoms())
def test_any_ledger_ties_and_no_order_of_rows_changes_a_cent(postings, done, capacities, random):
    ledger = pd.DataFrame(postings, columns=["month", "account", "pool", "amount"])
    ledger = ledger.groupby(["month", "account", "pool"], as_index=False)["amount"].sum()
    capacity = pd.DataFrame(
        [(month, pool, s) for month in ("m1", "m2") for pool, s in capacities.items()],
        columns=["month", "pool", "capacity_s"],
    )
    work = pd.DataFrame(done, columns=["month", "pool", "seconds"]).assign(customer=range(len(done)))
    freight = pd.DataFrame({"month": ["m1"], "freight": [0]})
    pools = cost.pool_costs(ledger, capacity, work)
    costed = cost.charge_work(work, pools)
    tie = cost.tie_out(ledger, pools, costed, freight)
    assert (tie["difference"] == 0).all()
    assert tie["posted"].iloc[-1] == ledger["amount"].sum()
    order = list(range(len(work)))
    random.shuffle(order)
    shuffled = cost.charge_work(
        work.iloc[order], cost.pool_costs(ledger.sample(frac=1, random_state=1), capacity, work)
    )
    pd.testing.assert_frame_equal(costed, shuffled)


def test_a_charge_that_got_lost_shows_as_a_difference(department):
    ledger, capacity, work = department
    pools = cost.pool_costs(ledger, capacity, work)
    lost = cost.charge_work(work, pools).query("activity != 'credit checks'")
    tie = cost.tie_out(ledger, pools, lost, pd.DataFrame({"freight": []}))
    assert tie["difference"].tolist() == [100_000_00, 100_000_00]  # the pool, and the total


def test_freight_beyond_its_shipments_is_unassigned():
    ledger = pd.DataFrame({"month": ["m"], "account": ["carriers"], "pool": ["freight"], "amount": [1_000]})
    empty = pd.DataFrame({"month": [], "pool": [], "capacity_s": [], "seconds": []}).astype(
        {"month": "str", "pool": "str"}
    )
    pools = cost.pool_costs(ledger, empty, empty)
    tie = cost.tie_out(ledger, pools, cost.charge_work(empty, pools), pd.DataFrame({"freight": [600, 300]}))
    assert tie.iloc[0].tolist() == ["freight", 1_000, 900, 0, 100, 0]


# Inline case e4: profits in money, cumulated, peak, best fifth, break-even rank, erosion: all arithmetic.
PROFITS = [120, 90, 60, 20, 5, 0, -5, -20, -70, -100]


def test_e4_whale_curve_of_ten_customers():
    curve = cost.whale_curve(list(reversed(PROFITS)))
    assert curve["cumulated"].tolist() == [120, 210, 270, 290, 295, 295, 290, 270, 200, 100]
    assert curve["of_total"].max() == 2.95
    assert cost.whale_summary(curve).iloc[0].to_dict() == {
        "n": 10,
        "total": sum(PROFITS),
        "peak": 295,
        "erosion": 295 - 100,
        "top_fifth": 120 + 90,
        "n_losing": 4,
        "peak_rank": 5,
    }


def test_e4_a_total_of_nothing_has_no_per_cent():
    assert cost.whale_curve([50, -50])["of_total"].isna().all()
    assert cost.whale_curve([50, -80])["of_total"].isna().all()


def test_whale_steps_hold_at_least_the_smallest_group_and_keep_the_total():
    curve = cost.whale_curve(range(-40, 63))
    steps = cost.whale_steps(curve, min_n=10)
    assert steps["n"].min() >= 10
    assert steps["n"].sum() == 103
    assert steps["profit"].sum() == steps["cumulated"].iloc[-1] == sum(range(-40, 63))
    assert cost.whale_steps(cost.whale_curve([1, 2, 3]), min_n=10).empty


@pytest.fixture
def served(table):
    orders = table(
        """
        customer_id | segment | channel | region | n_lines | net_revenue | cost_of_goods | freight | cancelled
        ----------------------------------------------------------------------------------------------------
        a           | shop    | web     | n      | 2       | 10000       | 6000          | 500     | False
        a           | shop    | store   | n      | 1       | 4000        | 2500          | 0       | False
        b           | home    | web     | s      | 1       | 2000        |               | 300     | False
        """,
        n_lines="Int64", net_revenue="Int64", cost_of_goods="Int64", freight="Int64",
    )  # fmt: skip
    orders["cancelled"] = [False, False, False]
    work = pd.DataFrame({"customer_id": ["a"], "segment": ["shop"], "channel": ["web"], "region": ["n"], "cost": [700]})
    handling = pd.DataFrame({"cents_per_order": [100], "cents_per_line": [50]})
    return (
        cost.assumed_handling(orders, handling),
        work,
        orders[["customer_id", "segment", "channel", "freight"]],
    )


def test_cost_to_serve_of_a_group_is_freight_work_and_assumed_handling(served):
    rows = cost.serve_costs(*served, by=["segment", "channel"]).set_index(["segment", "channel"])
    shop = rows.loc[("shop", "web")]
    assert shop["handling"] == 700 + (100 + 2 * 50)
    assert shop["cost_to_serve"] == 500 + 900
    assert shop["margin"] == 10000 - 6000 - 1400
    assert rows.loc[("shop", "store"), "cost_to_serve"] == 0 + 100 + 50


def test_an_unknown_cost_of_goods_leaves_margin_missing(served):
    rows = cost.serve_costs(*served, by=["segment"]).set_index("segment")
    assert pd.isna(rows.loc["home", "margin"])
    assert pd.isna(rows.loc["home", "cost_of_goods"])
    assert cost.customer_profits(*served).empty


def test_groups_sum_to_the_total(served):
    total = cost.serve_costs(*served, by=[]).iloc[0]
    for by in (["segment"], ["channel"], ["segment", "channel"]):
        rows = cost.serve_costs(*served, by=by)
        for column in ("n_orders", "net_revenue", "freight", "handling", "cost_to_serve"):
            assert rows[column].sum() == total[column]


def test_a_cancelled_order_is_not_handled(served):
    orders = served[0].assign(cancelled=[True, False, False])
    handled = cost.assumed_handling(orders, pd.DataFrame({"cents_per_order": [100], "cents_per_line": [50]}))
    assert handled["handling"].tolist() == [0, 150, 150]


def test_without_an_assumption_nothing_is_handled(served):
    assert cost.assumed_handling(served[0], pd.DataFrame())["handling"].tolist() == [0, 0, 0]


def test_freight_meets_the_ledger_where_it_posts_freight_else_the_orders():
    cell = {"customer_id": ["a"], "segment": ["x"], "channel": ["y"], "region": ["z"]}
    orders, sent = pd.DataFrame({**cell, "freight": [5]}), pd.DataFrame({**cell, "freight": [9]})
    with_freight = pd.DataFrame({"pool": ["freight"]})
    assert cost.charged_freight(orders, sent, with_freight)["freight"].tolist() == [9]
    assert cost.charged_freight(orders, sent, with_freight.iloc[:0])["freight"].tolist() == [5]


def test_shares_of_groups_are_cost_by_revenue_with_one_row_a_group(served):
    shares = cost.serve_shares(*served, by=["segment"]).set_index("segment")
    # shop: 500 freight + 700 work + (100 + 2 x 50) + (100 + 50) of handling, by 14,000; home: 300 + 150, by 2,000
    assert shares.loc["shop", "ratio"] == (500 + 700 + 200 + 150) / 14_000
    assert shares.loc["home", "ratio"] == (300 + 150) / 2_000
    assert shares["n"].to_dict() == {"home": 1, "shop": 1}
    assert cost.serve_shares(*served, by=[])["ratio"].tolist() == [(500 + 700 + 350 + 450) / 16_000]


def test_a_group_without_revenue_is_in_no_family_of_intervals(served):
    orders, work, freight = served
    more = pd.concat([orders.assign(customer_id=orders["customer_id"] + str(i)) for i in range(3)])
    visits = work.assign(channel="(no order)")
    alone = cost.serve_shares(more, work.iloc[:0], freight, by=["segment", "channel"])
    beside = cost.serve_shares(more, visits, freight, by=["segment", "channel"])
    assert len(beside) == len(alone) + 1
    assert beside["ratio"].isna().sum() == 1
    assert beside["ratio_high"].dropna().tolist() == alone["ratio_high"].tolist()


def test_profit_of_a_customer_is_revenue_less_goods_less_service(served):
    orders = served[0].assign(cost_of_goods=pd.array([6000, 2500, 1200], "Int64"))
    profits = cost.customer_profits(orders, *served[1:]).set_index("customer_id")["profit"]
    assert profits.to_dict() == {
        "a": (10_000 - 6_000) + (4_000 - 2_500) - (500 + 700 + 200 + 150),
        "b": 2_000 - 1_200 - (300 + 150),
    }


def test_key_figures_name_their_definition_cohort_and_unit(served):
    whole = cost.serve_shares(*served, by=[])
    shares = cost.serve_shares(*served, by=["segment", "channel"])
    tie = pd.DataFrame({"pool": ["desk", "total"], "posted": [10, 10], "difference": [0, 0]})
    figures = cost.key_figures(whole, shares, tie)
    assert figures["figure_id"].tolist() == ["serve_share"] * (1 + len(shares)) + ["ledger_difference"]
    assert figures["unit"].tolist() == ["share"] * (1 + len(shares)) + ["cents"]
    assert figures["segment"].tolist()[0] == ""
    assert figures["value"].iloc[-1] == 0
    without = cost.key_figures(whole, shares, tie.assign(posted=0))
    assert set(without["figure_id"]) == {"serve_share"}

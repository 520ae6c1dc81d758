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
    costed, allocated = cost.charge_work(department[2], cost.pool_costs(*department))
    assert allocated["allocated"].tolist() == [462_880_00]
    assert costed.set_index("activity")["cost"].to_dict() == {name: dollars * 100 for name, _, _, _, dollars in KAPLAN}


def test_e1_the_next_period_of_the_department(department):
    # 51,000 orders, 1,150 inquiries, 2,700 checks at the same times: 593,600 minutes, $474,880, unused $85,120 [A]
    ledger, capacity, work = department
    work = work.assign(
        seconds=[quantity * unit * 60 for quantity, unit in zip((51_000, 1_150, 2_700), (8, 44, 50), strict=True)]
    )
    pools = cost.pool_costs(ledger, capacity, work)
    assert pools[["used_s", "charged", "unused"]].values.tolist() == [[593_600 * 60, 474_880_00, 85_120_00]]


def test_above_capacity_the_rate_stays_and_what_is_too_much_stands_alone():
    month = {"month": ["m"], "pool": ["p"]}
    pools = cost.pool_costs(
        pd.DataFrame({**month, "account": ["a"], "amount": [1_000]}),
        pd.DataFrame({**month, "capacity_s": [600]}),
        pd.DataFrame({**month, "seconds": [900]}),
    )
    assert pools[["charged", "unused", "over_absorbed", "rate"]].values.tolist() == [[1_500, 0, -500, 100.0]]


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


_POOLS = st.sampled_from(["desk", "warehouse", "transport", cost.FREIGHT])
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


_WORK = st.lists(
    st.tuples(
        st.sampled_from(["m1", "m2"]), _POOLS, st.sampled_from("xy"), st.sampled_from("abc"), st.integers(0, 10**7)
    ),
    min_size=1,
    max_size=20,
)
_SENT = st.lists(st.tuples(st.sampled_from(["m1", "m2"]), st.integers(0, 10**6)), max_size=5)


@settings(deadline=None)
@given(_LEDGER, _WORK, _SENT, st.dictionaries(_POOLS, st.integers(0, 10**6)), st.booleans(), st.randoms())
def test_any_ledger_ties_and_no_order_of_rows_changes_a_cent(postings, done, sent, capacities, serves, random):
    ledger = pd.DataFrame(postings, columns=["month", "account", "pool", "amount"])
    ledger = ledger.groupby(["month", "account", "pool"], as_index=False)["amount"].sum()
    capacity = pd.DataFrame(
        [(month, pool, s) for month in ("m1", "m2") for pool, s in capacities.items()],
        columns=["month", "pool", "capacity_s"],
    )
    work = pd.DataFrame(done, columns=["month", "pool", "activity", "customer_id", "seconds"])
    work["row"] = range(len(work))
    freight = pd.DataFrame(sent, columns=["month", "freight"])
    support = pd.DataFrame({"pool": ["desk"], "served": ["transport"], "parts": [3], "method": "reciprocal"})
    passed = cost.passed_on(ledger, support.head(int(serves)))
    assert passed.groupby(["month", "account"])["amount"].sum().to_dict() == (
        ledger.groupby(["month", "account"])["amount"].sum().to_dict()
    )
    pools = cost.pool_costs(passed, capacity, work)
    costed, allocated = cost.charge_work(work, pools)
    tie = cost.tie_out(ledger, pools, allocated, costed, freight)
    assert (tie["difference"] == 0).all()
    assert tie["posted"].iloc[-1] == ledger["amount"].sum()
    for by in (["month"], ["pool"], ["activity"], ["customer_id"], ["pool", "activity", "customer_id"]):
        assert costed.groupby(by)["cost"].sum().sum() == tie["allocated"].iloc[-1] - (
            freight["freight"].sum() if (ledger["pool"] == cost.FREIGHT).any() else 0
        )
    order = list(range(len(work)))
    random.shuffle(order)
    shuffled = cost.passed_on(ledger.sample(frac=1, random_state=1), support.head(int(serves)))
    again, _ = cost.charge_work(work.iloc[order], cost.pool_costs(shuffled, capacity, work))
    pd.testing.assert_frame_equal(costed, again)
    text = ["month", "pool", "activity", "customer_id"]
    coded, _ = cost.charge_work(work.iloc[order].astype(dict.fromkeys(text, "category")), pools)
    assert coded.astype({"month": "str"}).values.tolist() == costed.values.tolist()


def test_cents_are_rounded_once_for_a_customer_and_activity_then_shared_among_its_cells():
    month = {"month": ["m"], "pool": ["p"]}
    pools = cost.pool_costs(
        pd.DataFrame({"month": "m", "account": ["rent", "wages"], "pool": "p", "amount": [10, 1]}),
        pd.DataFrame({**month, "capacity_s": [300]}),
        pd.DataFrame({**month, "seconds": [300]}),
    )
    work = pd.DataFrame(
        {"customer_id": list("aabc"), "channel": ["web", "app", "web", "web"], "seconds": [50, 50, 100, 100]}
    )
    costed, allocated = cost.charge_work(work.assign(month="m", pool="p", activity="x"), pools)
    # rent: 10 by three, the cent left to a; wages: 1 by three, the cent to a: a 5, b 3, c 3; a's 5 by app and web 3, 2
    assert costed[["customer_id", "channel", "cost"]].values.tolist() == [
        ["a", "app", 3],
        ["a", "web", 2],
        ["b", "web", 3],
        ["c", "web", 3],
    ]
    assert allocated["allocated"].tolist() == [10, 1]


# Inline case e2: plant maintenance 6,300,000, IT 1,452,150; maintenance uses 10 % of IT, IT 20 % of maintenance. Both
# with what the other passes on: 6,576,750 and 2,767,500 [A]; here the rest of each goes to one pool alone.
SERVICE = [("maintenance", "it", 20), ("maintenance", "press", 80), ("it", "maintenance", 10), ("it", "desk", 90)]


@pytest.mark.parametrize(
    ("method", "press", "desk"),
    [
        ("reciprocal", 6_576_750 * 0.8, 2_767_500 * 0.9),
        ("direct", 6_300_000, 1_452_150),
        ("step_down", 6_300_000 * 0.8, 1_452_150 + 6_300_000 * 0.2),  # maintenance first, then IT to the desk alone
    ],
)
def test_e2_support_pools_pass_on_what_they_cost(method, press, desk):
    support = pd.DataFrame(SERVICE, columns=["pool", "served", "parts"]).assign(method=method)
    ledger = pd.DataFrame({"month": "m", "account": ["a", "b"], "pool": ["maintenance", "it"]})
    ledger["amount"] = [6_300_000, 1_452_150]
    passed = cost.passed_on(ledger, support)
    assert passed.groupby("pool")["amount"].sum().to_dict() == {"desk": round(desk), "press": round(press)}
    assert passed.groupby("account")["amount"].sum().to_dict() == {"a": 6_300_000, "b": 1_452_150}
    assert set(passed["via"]) == {"maintenance", "it"}


@pytest.mark.parametrize("method", ["direct", "step_down", "reciprocal"])
def test_support_pools_that_serve_each_other_only_are_refused(method):
    support = pd.DataFrame({"pool": ["a", "b"], "served": ["b", "a"], "parts": 1, "method": method})
    ledger = pd.DataFrame({"month": "m", "account": "x", "pool": ["a"], "amount": [5]})
    with pytest.raises(
        DataError, match="cost.yaml, support: expected every pool to pass its cost on to pools that work"
    ):
        cost.passed_on(ledger, support)


def test_a_charge_that_got_lost_shows_as_a_difference(department):
    ledger, capacity, work = department
    pools = cost.pool_costs(ledger, capacity, work)
    costed, allocated = cost.charge_work(work, pools)
    lost = costed.query("activity != 'credit checks'")
    tie = cost.tie_out(ledger, pools, allocated, lost, pd.DataFrame({"month": [], "freight": []}))
    assert tie["difference"].tolist() == [0, 100_000_00]  # the account, and the total
    less = allocated.assign(allocated=allocated["allocated"] - 7)
    assert cost.tie_out(ledger, pools, less, costed, pd.DataFrame({"month": [], "freight": []}))["difference"][0] == 7


def test_freight_is_tied_by_account_and_month_and_what_no_shipment_explains_is_unassigned():
    ledger = pd.DataFrame({"month": ["m", "m", "n"], "account": ["road", "sea", "road"], "amount": [600, 400, 50]})
    empty = pd.DataFrame({"month": [], "pool": [], "capacity_s": [], "seconds": []}).astype(
        {"month": "str", "pool": "str"}
    )
    ledger = ledger.assign(pool=cost.FREIGHT)
    pools = cost.pool_costs(ledger, empty, empty)
    sent = pd.DataFrame({"month": ["m", "m", "o"], "freight": [600, 301, 20]})
    tie = cost.tie_out(ledger, pools, *cost.charge_work(empty, pools)[::-1], sent)
    # 901 by 600 and 400: 540.6 and 360.4; nothing was sent in n, nothing was posted in o
    assert tie[["month", "account", "posted", "allocated", "unassigned", "difference"]].values.tolist() == [
        ["m", "road", 600, 541, 59, 0],
        ["m", "sea", 400, 360, 40, 0],
        ["n", "road", 50, 0, 50, 0],
        ["o", "(not posted)", 0, 20, -20, 0],
        ["", "total", 1_050, 921, 129, 0],
    ]


def test_what_could_not_be_costed_is_named_and_counted():
    ledger = pd.DataFrame(
        [("m", "wages", "desk", 100), ("n", "wages", "desk", 100), ("m", "rent", "van", 70), ("m", "x", "freight", 5)],
        columns=["month", "account", "pool", "amount"],
    )
    capacity = pd.DataFrame({"month": ["m", "n"], "pool": "desk", "capacity_s": 600})
    costed = pd.DataFrame(
        [("m", "desk", "entry", "a", 60, 9), ("n", "shed", "pick", "a", 60, 0), ("m", "desk", "visit", "b", 60, 8)],
        columns=["month", "pool", "activity", "customer_id", "seconds", "cost"],
    )
    found = pd.DataFrame([{"fault": "activity without a time equation", "name": "dance", "n": 3}])
    rows = cost.faults(found, ledger, capacity, costed, pd.DataFrame({"customer_id": ["a"]}), min_n=1)
    assert rows.values.tolist() == [
        ["activity without a time equation", "dance", 3, pd.NA],
        ["customers without an order", "visit", 1, 8],
        ["month without a posting of the account", "rent, van", 1, pd.NA],
        ["month without a posting of the account", "x, freight", 1, pd.NA],
        ["pool without a capacity", "van", 1, 70],
        ["pool worked in, but without a posting", "shed", 1, pd.NA],
    ]
    typed = [{"fault": found["fault"][0], "name": name, "n": 1} for name in ("Jan", "Piet")]
    found = pd.concat([found, pd.DataFrame(typed)], ignore_index=True)
    few = cost.faults(found, ledger, capacity, costed, pd.DataFrame({"customer_id": ["a"]}), min_n=2)
    assert few[["name", "n"]].head(2).values.tolist() == [["(other)", 2], ["dance", 3]]
    assert few.loc[few["name"] == "visit", ["n", "cost"]].isna().all(axis=None)
    none = cost.faults(found.head(0), ledger.head(0), capacity.head(0), costed.head(0), costed, min_n=2)
    assert none.empty


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


def test_fees_of_payments_are_handling_too(served):
    orders = served[0].assign(payment_fee=[7, None, 1], cancelled=[False, False, True])
    assert cost.assumed_handling(orders, pd.DataFrame())["handling"].tolist() == [7, 0, 0]
    handling = pd.DataFrame({"cents_per_order": [100], "cents_per_line": [50]})
    assert cost.assumed_handling(orders, handling)["handling"].tolist() == [207, 150, 0]


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


def test_key_figures_name_their_definition_cohort_and_unit(served):
    levels = ([], ["segment"], ["segment", "channel"])
    shares = [cost.serve_shares(*served, by=by) for by in levels]
    sums = [cost.serve_costs(*served, by=by) for by in levels]
    tie = pd.DataFrame({"pool": ["desk", "total"], "posted": [10, 10], "difference": [0, 0]})
    figures = cost.key_figures(shares, sums, tie)
    number = sum(map(len, sums))
    assert number == sum(map(len, shares))
    names = ["serve_share", "net_revenue", "margin"]
    margins = sum(rows["margin"].notna().sum() for rows in sums)
    assert margins < number  # in one group the cost of goods is not known
    counts = dict(zip(names, (number, number, margins), strict=True))
    assert figures["figure_id"].tolist() == [name for name in names for _ in range(counts[name])] + [
        "ledger_difference"
    ]
    assert figures.groupby("figure_id")["unit"].unique().map(list).to_dict() == {
        "serve_share": ["share"], "net_revenue": ["cents"], "margin": ["cents"], "ledger_difference": ["cents"],
    }  # fmt: skip
    revenue = figures[figures["figure_id"] == "net_revenue"]
    assert revenue.loc[revenue["segment"] == "", "value"].tolist() == [served[0]["net_revenue"].sum()]
    assert revenue["low"].isna().all()
    whole = sums[0]["n_customers"].iloc[0]
    assert revenue.loc[revenue["segment"] == "", "n"].tolist() == [whole]
    own = revenue[(revenue["segment"] != "") & (revenue["channel"] == "")]
    assert own["value"].tolist() == sums[1]["net_revenue"].tolist()
    assert figures["value"].iloc[-1] == 0
    without = cost.key_figures(shares, sums, tie.assign(posted=0))
    assert set(without["figure_id"]) == set(names)
    nothing = cost.key_figures([rows.assign(ratio=0.0) for rows in shares], sums, tie)
    assert "serve_share" not in set(nothing["figure_id"])  # that no cost is on record is not a cost of nothing


def _cells(rows):
    columns = ["month", "pool", "activity", "segment", "channel", "region"]
    return pd.DataFrame([dict(zip(columns, row[:6], strict=True)) | {"seconds": row[6]} for row in rows])


def test_kinds_share_the_cents_of_their_cells():
    cell = ("m", "desk", "entry", "shop", "web", "n")
    costed = _cells([(*cell, 90), (*cell, 10), ("m", "van", "stop", "shop", "web", "n", 5)]).assign(cost=[9, 1, 7])
    kinds = _cells([(*cell, 50), (*cell, 25), (*cell, 25), ("m", "van", "stop", "shop", "web", "n", 5)])
    kinds = kinds.assign(order_class=["rush", "one line", "two", "rush"], fulfilment="home", department="d", times=1)
    found = cost.kinds_costed(costed, kinds.iloc[::-1])
    # 10 by 25, 50, 25: 2.5, 5, 2.5: the cent left to the earlier
    assert found[["pool", "order_class", "cost"]].values.tolist() == [
        ["desk", "one line", 3],
        ["desk", "rush", 5],
        ["desk", "two", 2],
        ["van", "rush", 7],
    ]
    columns = ["department", "activity", "times", "minutes", "cost"]
    assert cost.by_department(found, min_n=1)[columns].values.tolist() == [
        ["d", "entry", 3, 1, 10],
        ["d", "stop", 1, 0, 7],
    ]
    assert cost.by_department(found, min_n=2)[columns].values.tolist() == [  # what Jan typed once
        ["d", "(other)", 1, 0, 7],
        ["d", "entry", 3, 1, 10],
    ]


_KINDS = st.tuples(*(st.sampled_from(two) for two in ("mn", "pq", "ab", "xyz")), st.integers(0, 500))


@given(st.lists(_KINDS, min_size=1), st.permutations(range(8)))
def test_kinds_add_up_to_their_cells_whatever_the_order_of_columns(rows, order):
    kinds = _cells([(month, pool, "act", segment, "web", "n", seconds) for month, pool, segment, _, seconds in rows])
    kinds = kinds.assign(order_class=[kind for *_, kind, _ in rows], times=1)
    kinds = kinds.groupby([x for x in kinds if x not in ("seconds", "times")], as_index=False)[
        ["seconds", "times"]
    ].sum()
    keys = ["month", "pool", "activity", "segment", "channel", "region"]
    cells = kinds.groupby(keys, as_index=False)["seconds"].sum()
    cells["cost"] = [7 * (at + 1) if seconds else 0 for at, seconds in enumerate(cells["seconds"])]
    names = [list(kinds)[at] for at in order] + list(kinds)[8:]
    found = cost.kinds_costed(cells, kinds[names])
    assert found.groupby(keys)["cost"].sum().to_dict() == cells.set_index(keys)["cost"].to_dict()


def test_kinds_of_few_customers_stand_together(served):
    orders, work, freight = served
    many = pd.concat([orders.assign(customer_id=[f"{who}{i}" for who in orders["customer_id"]]) for i in range(6)])
    many["order_class"] = ["one line", "one line", None] * 6
    many.iloc[0, many.columns.get_loc("order_class")] = "rush"
    other = work.assign(order_class="rush"), freight.head(1).assign(order_class="never ordered")
    found = cost.told_apart(many, *other, by="order_class", min_n=3)
    assert found[0].groupby("order_class")["customer_id"].nunique().min() >= 3
    assert found[1]["order_class"].tolist() == ["(other)"]  # rush: a customer of one, with others now
    assert found[2]["order_class"].tolist() == ["never ordered"]
    assert len(found[0]) == len(many)


def test_product_groups_add_up_to_all_that_serving_costs():
    who = [f"c{at}" for at in range(8)]
    cell = {"segment": "s", "channel": "web", "region": "n"}
    mix = pd.DataFrame({"customer_id": who * 2, "category": ["tea"] * 8 + ["wine"] * 8, **cell})
    mix = mix.assign(net_revenue=[100] * 8 + [50] * 8, cost_of_goods=pd.array([60] * 8 + [None] * 8, "Int64"))
    parts = pd.DataFrame(
        [("desk", "entry", "tea", 2), ("desk", "entry", "wine", 1), ("freight", "sent", "tea", 1),
         ("freight", "ordered", "wine", 1), ("handling", "order", "tea", 3), ("handling", "order", "wine", 1),
         ("handling", "line", "tea", 1), ("handling", "line", "wine", 1)],
        columns=["pool", "activity", "category", "parts"],
    )  # fmt: skip
    costed = pd.DataFrame([("desk", "entry", 100), ("desk", "visit", 9)], columns=["pool", "activity", "cost"])
    orders = pd.DataFrame({"n_lines": [2] * 8, "handling": [12] * 8})
    handling = pd.DataFrame({"cents_per_order": [10], "cents_per_line": [1]})
    sent, ledger = pd.DataFrame({"freight": [31]}), pd.DataFrame({"pool": ["freight"]})
    found = cost.by_product_group(mix, parts, costed, sent, orders, handling, ledger, min_n=3).set_index("category")
    assert found[["net_revenue", "freight", "handling"]].T.to_dict("list") == {
        "tea": [800, 31, 67 + 60 + 8],  # 100 by 2 and 1; 80 by 3 and 1; 16 by 1 and 1
        "wine": [400, 0, 33 + 20 + 8],
        "(no article)": [0, 0, 9],  # a visit is of no line
    }
    assert found["cost_to_serve"].sum() == 100 + 9 + 31 + 80 + 16
    assert found["margin"].isna().to_dict() == {"tea": False, "wine": True, "(no article)": False}
    ordered = cost.by_product_group(mix, parts, costed, sent, orders, handling, ledger.head(0), min_n=3)
    assert ordered.set_index("category")["freight"].to_dict() == {"tea": 0, "wine": 31, "(no article)": 0}
    nobody = mix.astype({"net_revenue": "Int64"}).head(0)  # work and freight of orders of before
    alone = cost.by_product_group(nobody, parts, costed, sent, orders.head(0), handling, ledger, min_n=3)
    assert alone[["net_revenue", "cost_to_serve", "margin"]].sum().tolist() == [0, 31 + 100 + 9, -31 - 100 - 9]


def test_a_waterfall_ends_in_the_sum_of_its_steps(served):
    orders, work, freight = served
    steps = cost.waterfall(orders, work.assign(pool="desk"), freight, by="segment")
    assert steps["step"].unique().tolist() == ["net revenue", "freight", "desk", "assumed handling", "result"]
    found = steps.pivot(index="segment", columns="step", values="amount")
    assert found["result"].to_dict() == {"shop": 14_000 - 500 - 700 - 350, "home": 2_000 - 300 - 150}
    known = orders.assign(cost_of_goods=orders["cost_of_goods"].fillna(1200))
    steps = cost.waterfall(known, work.assign(pool="desk"), freight, by="segment")
    assert steps.loc[(steps["segment"] == "home") & (steps["step"] == "result"), "amount"].item() == 350
    unpriced = orders.assign(net_revenue=orders["net_revenue"].mask(orders["segment"] == "home"))
    assert cost.waterfall(unpriced, work.assign(pool="desk"), freight, by="segment").empty


def test_kinds_of_orders_that_cost_more_than_they_bring_are_found():
    n = 40
    orders = pd.DataFrame(
        {"customer_id": [f"c{at}" for at in range(n)], "segment": ["shop", "home"] * 20, "n_lines": 1}
    )
    orders = orders.assign(order_class=["rush"] * 20 + ["one line"] * 20, cost_of_goods=60, handling=0)
    orders["net_revenue"] = [100] * n
    keys = ["segment", "order_class"]
    work = orders.assign(cost=[50 if kind == "rush" else 1 for kind in orders["order_class"]])[[*keys, "cost"]]
    visits = pd.DataFrame({"segment": ["shop"], "order_class": ["(no order)"], "cost": [9_999]})
    freight = orders.assign(freight=[0, 3] * 20)[["customer_id", *keys, "freight"]]
    found = cost.losing_kinds(orders, pd.concat([work, visits]), freight, by=keys, min_n=5)
    assert found[["kind", "n_orders", "margin"]].values.tolist() == [
        ["home, rush", 10, 10 * (100 - 60 - 50 - 3)],
        ["shop, rush", 10, 10 * (100 - 60 - 50)],
    ]
    assert cost.losing_kinds(orders.head(0), work.head(0), freight.head(0), by=keys, min_n=5).empty


def test_a_month_without_a_capacity_changes_no_rate():
    ledger = pd.DataFrame({"month": ["a", "b"], "account": "wages", "pool": "desk", "amount": [48_000, 48_000]})
    capacity = pd.DataFrame({"month": ["a"], "pool": "desk", "capacity_s": [600 * 60]})
    work = pd.DataFrame({"month": ["a", "b"], "pool": "desk", "seconds": [450 * 60, 300 * 60]})
    pools = cost.pool_costs(ledger, capacity, work)
    use = cost.capacity_use(pools).iloc[0]
    assert use["rate"] == 480 / 600  # of the month that has one
    assert use["used_share"] == 450 / 600
    assert use["unassigned"] == 48_000
    assert cost.rates(pools).to_dict() == {"desk": pytest.approx(48_000 / (600 * 60))}

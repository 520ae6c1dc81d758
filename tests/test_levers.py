"""Do levers add up to what was charged, and do draws of times move margins as far as they should? METHODS 3.7, 3.8."""

import numpy as np
import pandas as pd
import pytest

from toolkit import cost, levers

NONE = pd.DataFrame(columns=["segment", "driver", "units"])
NO_HANDLING = pd.DataFrame(columns=["cents_per_order", "cents_per_line"])


def _units(rows):
    """activity, driver, units, pieces, seconds of a unit: of a segment of 100 worked orders."""
    columns = ["activity", "driver", "units", "n", "each"]
    found = pd.DataFrame(rows, columns=columns).assign(segment="shop", n_orders=100, no_order=False)
    return found.assign(seconds=found["units"] * found["n"] * found["each"])


UNITS = _units(
    [
        ("entry", "", 1, 100, 60),  # on every order: usual
        ("entry", "lines", 2, 60, 10),
        ("entry", "lines", 5, 40, 10),
        ("entry", "rush", 1, 30, 100),  # on 30 of 100: the median order has none
        ("entry", "rush", 0, 70, 100),
        ("pack", "", 1, 90, 30),
        ("pack", "special", 1, 80, 20),  # the median order has one
        ("pack", "special", 0, 10, 20),
        ("stop", "", 1, 24, 50),  # on less than a quarter: never usual
    ]
)
COSTED = pd.DataFrame({"segment": "shop", "activity": ["entry", "pack", "stop"], "cost": [12_200, 4_300, 1_200]})


def _orders(lines=(4, 4, 4, 2), **more):
    rows = pd.DataFrame({"segment": "shop", "n_lines": list(lines), "n_shipments": 0, "weight_g": None})
    return rows.assign(distance_m=None, freight=None, handling=0, **more)


NO_FREIGHT = pd.DataFrame({"segment": pd.Series(dtype="str"), "freight": pd.Series(dtype="int64")})


def _levers(units=UNITS, orders=None, costed=COSTED, freight=NO_FREIGHT, handling=NO_HANDLING, standards=NONE):
    orders = _orders() if orders is None else orders
    return levers.levers(units, orders, costed, freight, handling, standards).set_index("lever")


def test_levers_share_what_was_charged_and_know_what_is_usual():
    found = _levers()
    # entry: 6,000 s for itself, 3,200 for lines, 3,000 for rush; pack: 2,700 and 1,600; a cent a second
    assert found["cost"].to_dict() == {
        "entry": 6_000, "lines": 3_200, "rush": 3_000, "pack": 2_700, "special": 1_600, "stop": 1_200,
        "small orders": 0,
    }  # fmt: skip
    assert found.loc[["entry", "lines", "pack"], "beyond"].tolist() == [0, 0, 0]
    assert found.loc[["rush", "stop"], "at_standard"].tolist() == [0, 0]
    assert found.loc["special", ["standard", "at_standard", "beyond"]].tolist() == [1, 2_000, -400]  # 80 for 100 orders
    # one of four orders has half of the usual 4 lines: 1/8 too much of 6,000 + 2,700
    assert found.loc["small orders", ["at_standard", "beyond"]].tolist() == [-round(8_700 / 8), round(8_700 / 8)]
    assert found["beyond"].sum() == found["cost"].sum() - found["at_standard"].sum()
    assert found["cost"].sum() == COSTED["cost"].sum()


def test_declared_standards_come_first():
    told = pd.DataFrame(
        [("shop", "rush", 0.1), ("shop", "lines", 2.0), ("shop", "stop", 0.5)], columns=["segment", "driver", "units"]
    )
    found = _levers(standards=told)
    assert found.loc["rush", "at_standard"] == 1_000  # 0.1 x 100 orders x 100 s
    assert found.loc["lines", "beyond"] == 3_200 - 2 * 100 * 10
    assert found.loc["stop", "beyond"] == 1_200 - 2_500
    assert "small orders" not in found.index  # no order has fewer than 2 lines


def test_visits_for_no_order_are_all_beyond_and_saved_time_stays_with_its_activity():
    visit = UNITS.tail(1).assign(activity="visit", units=1, n=40, no_order=True, seconds=400)
    saved = UNITS.head(1).assign(driver="prepared", units=1, n=50, seconds=-500)
    costed = pd.concat([COSTED, pd.DataFrame({"segment": ["shop"], "activity": ["visit"], "cost": [777]})])
    found = _levers(pd.concat([UNITS, visit, saved]), costed=costed)
    assert found.loc["visit", ["at_standard", "beyond"]].tolist() == [0, 777]
    assert found.loc["entry", "cost"] == 12_200
    assert found.loc[["prepared", "lines"], "cost"].tolist() == [0, 0]
    assert found["cost"].sum() == costed["cost"].sum()


def test_freight_is_told_apart_by_the_tariff_and_what_is_left():
    rng = np.random.default_rng(1)
    n = 400
    orders = pd.DataFrame({"segment": np.where(np.arange(n) < 300, "near", "far"), "n_lines": 1, "handling": 0})
    orders["n_shipments"] = np.where(np.arange(n) % 10 == 0, 2, 1)
    orders["weight_g"], orders["distance_m"] = rng.integers(100, 9_000, n), rng.integers(1_000, 90_000, n)
    tariff = 400 * orders["n_shipments"] + 0.03 * orders["weight_g"] + 0.002 * orders["distance_m"]
    orders["freight"] = tariff.round().astype("int64")
    van = orders.head(50).assign(freight=0)  # brought by a van of one's own
    freight = pd.DataFrame({"segment": ["near", "far", "by hand"], "freight": [400_000, 90_000, 55]})
    found = levers.levers(UNITS.head(0), pd.concat([orders, van]), COSTED.head(0), freight, NO_HANDLING, NONE)
    near = found[found["segment"] == "near"].set_index("lever")
    own = orders[orders["segment"] == "near"]
    assert near.loc["freight: shipments", "cost"] == pytest.approx(400 * own["n_shipments"].sum(), rel=0.01)
    assert near.loc["freight: shipments", "beyond"] == pytest.approx(400 * 30, rel=0.02)
    assert near.loc["freight: weight (kg)", "beyond"] == 0
    median = own["distance_m"].quantile(0.5, interpolation="lower")
    assert near.loc["freight: distance (km)", "beyond"] == pytest.approx(
        0.002 * (own["distance_m"].sum() - 300 * median), rel=0.05
    )
    assert found.groupby("segment")["cost"].sum().to_dict() == {"near": 400_000, "far": 90_000, "by hand": 55}


def test_assumed_handling_has_its_levers_too():
    handling = pd.DataFrame({"cents_per_order": [10], "cents_per_line": [3]})
    orders = _orders(lines=(4, 4, 4, 2))
    found = _levers(UNITS.head(0), orders, COSTED.head(0), handling=handling)
    assert found["cost"].to_dict() == {"assumed handling": 40, "assumed handling of lines": 42, "small orders": 0}
    assert found.loc["small orders", "beyond"] == 5  # one of four orders is half of one: 40 / 8
    charged = cost.assumed_handling(orders.assign(cancelled=False), handling)["handling"].sum()
    assert found["cost"].sum() == charged


def test_fees_of_payments_are_as_they_are():
    orders = _orders(payment_fee=[5, 0, 7, None])
    found = _levers(UNITS.head(0), orders, COSTED.head(0))
    assert found.loc["assumed payment fees", ["n_orders", "cost", "beyond"]].tolist() == [2, 12, 0]


def test_the_most_money_comes_first_and_neither_others_nor_what_is_left():
    found = pd.DataFrame({"segment": ["a", "(other)", "a", "b", "b"], "beyond": [5, 90, 80, 70, -1]})
    found = found.assign(
        lever=["rush", "rush", levers.REST, "visit", "x"], n_orders=[10, 1, 0, 4, 4], cost=9, at_standard=4
    )
    assert levers.top(found)["lever"].tolist() == ["visit", "rush"]
    assert levers.top(found, most=1)["segment"].tolist() == ["b"]
    sums = levers.against_standard(found).set_index("segment")
    assert sums.loc["a", ["cost", "at_standard", "beyond", "each", "standard_each"]].tolist() == [18, 8, 10, 1.8, 0.8]


def _unsure(*rows):
    return pd.DataFrame(rows, columns=["kind", "name", "share"])


def test_draws_move_margins_as_far_as_a_triangle_says():
    pools = pd.DataFrame({"month": ["m"], "pool": "desk", "posted": [600_000], "capacity_s": 600})
    work = pd.DataFrame(
        {"month": "m", "pool": "desk", "activity": ["x", "y"], "segment": ["a", "b"], "seconds": [300, 100]}
    )
    margins = pd.DataFrame({"segment": ["a", "b", "c"], "margin": [500_000, 20_000, None]})
    rng = np.random.default_rng(4)
    rows, pairs = levers.uncertain(work, pools, margins, _unsure(("activity", "x", 0.2)), rng=rng, draws=100_000)
    rows = rows.set_index("segment")
    # x costs 300,000; a triangle over +- 60,000 leaves 2.5 % beyond 1 - .05 ** .5 of it, on either side
    reach = 60_000 * (1 - 0.05**0.5)
    assert rows.loc["a", "margin_low"] == pytest.approx(500_000 - reach, abs=600)
    assert rows.loc["a", "margin_high"] == pytest.approx(500_000 + reach, abs=600)
    assert rows.loc["b", ["margin_low", "margin_high", "below"]].tolist() == [20_000, 20_000, 0]
    assert pairs.values.tolist() == [["a", "b", 1.0, True]]
    rows, _ = levers.uncertain(work, pools, margins, _unsure(("pool", "desk", 0.3)), rng=rng, draws=20_000)
    # y: 100,000 by a capacity of 0.7 to 1.3 times; a loss where 100,000 / f > 120,000, so f < 1 / 1.2
    assert rows.set_index("segment").loc["b", "below"] == pytest.approx(((1 / 1.2 - 0.7) / 0.3) ** 2 / 2, abs=0.01)


def test_without_a_declared_range_or_a_margin_nothing_is_drawn():
    pools = pd.DataFrame({"month": ["m"], "pool": "desk", "posted": [600], "capacity_s": 600})
    work = pd.DataFrame({"month": "m", "pool": "desk", "activity": ["x"], "segment": ["a"], "seconds": [300]})
    margins = pd.DataFrame({"segment": ["a"], "margin": pd.array([None], "Int64")})
    for unsure, known in ((_unsure(), margins.assign(margin=5)), (_unsure(("activity", "x", 0.2)), margins)):
        rows, pairs = levers.uncertain(work, pools, known, unsure, rng=np.random.default_rng(1))
        assert rows.empty
        assert pairs.empty

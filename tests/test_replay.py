"""Do replayed orders meet what their policy says? Small drawn tables, and a recovery of planted delays."""

import numpy as np
import pandas as pd
import pytest

from toolkit import replay, stock
from toolkit.errors import DataError
from toolkit.replay import Learned, Policy, Replay

HOUR, DAY = 3600, 86_400


def orders(*rows, **columns) -> pd.DataFrame:
    """Orders of (customer, hours since Monday 2026-04-06 0:00 UTC, cents); promised for 12:00 two days later."""
    at = pd.Timestamp("2026-04-06", tz="UTC") + pd.to_timedelta([row[1] for row in rows], unit="h")
    day = at.normalize()
    found = pd.DataFrame({
        "order_id": [f"o{i}" for i in range(len(rows))], "customer_id": [row[0] for row in rows], "segment": "all",
        "channel": "web", "region": "here", "fulfilment": "home_delivery", "carrier": "a", "site": "W", "rush": False,
        "ordered_at": at, "promised_by": day + pd.Timedelta(days=2, hours=12), "delay_h": 0, "in_full": True,
        "damaged": False, "quantity_ordered": 1, "quantity_delivered": 1, "n_lines": 1,
        "net_revenue": [row[2] for row in rows], "cost_of_goods": 0, "n_shipments": 1, "freight": 100,
        "weight_g": 1000, "distance_m": 2000, "window_h": 4, "stocked_ordered": 0, "stocked_delivered": 0,
        "only_stock": False,
    })  # fmt: skip
    found = found.assign(**columns)
    days = {"day": found["ordered_at"], "promised_day": found["promised_by"]}
    return found.assign(
        hour=at.hour, **{name: times.dt.tz_localize(None).dt.normalize() for name, times in days.items()}
    )


def delays(**of) -> pd.DataFrame:
    """Delays in hours, by carrier, each so often in each of four weeks before."""
    rows = [
        ("home_delivery", carrier, "W", "here", False, delay, week, n)
        for carrier, told in of.items()
        for delay, n in told.items()
        for week in range(-4, 0)
    ]
    names = ["fulfilment", "carrier", "site", "region", "rush", "delay_h", "week", "n"]
    return pd.DataFrame(rows, columns=names).assign(n_far=0, distance_m=0)


def model(told: pd.DataFrame, after: list = ()) -> Learned:
    prices = pd.DataFrame(
        {"carrier": ["a", "b"], "shipment": [50.0, 80.0], "kg": [10.0, 10.0], "km": [5.0, 5.0], "n": 9}
    )
    prices["root"] = [np.zeros((3, 3))] * 2
    after = pd.DataFrame(after, columns=["activity", "pool", "plain", "late", "short", "damaged"]).set_index("activity")
    return Learned(told, prices.set_index("carrier"), after, None, np.zeros(0), (7, 20))


WORK = pd.DataFrame({"order_id": ["o0", "o1", "o2"], "activity": "stop", "pool": "van", "seconds": [60, 90, 30]})
RATES = pd.Series({"van": 2.0, "desk": 1.0})


def replayed(
    rows: pd.DataFrame, policy: Policy, told: pd.DataFrame, *, draws: int = 1, after=(), work=WORK
) -> pd.DataFrame:
    found = Replay(rows, work, model(told, after), rates=RATES, per_shipment=["stop"])
    runs = found.run([Policy(), policy], draws=draws, weeks=4, rng=np.random.default_rng(1))
    return runs[runs["policy"] == policy.name]


ON_TIME = delays(a={0: 100}, b={0: 100})
THREE = orders(("x", 9, 1000), ("x", 33, 3000), ("y", 10, 500))


def test_policies_are_read_as_they_were_declared():
    rows = pd.DataFrame(
        [("", "per_shipment", "", "stop"), ("p", "segment", "", "s"), ("p", "carrier", "a", "b"),
         ("p", "promise_days", "", "-1"), ("q", "delivery_days", "", "monday"), ("q", "delivery_days", "", "friday")],
        columns=["policy", "lever", "key", "value"],
    )  # fmt: skip
    assert replay.declared(rows) == [
        Policy(),
        Policy("p", {"segment": ("s",)}, {"carrier": {"a": "b"}}, {"promise_days": -1}),
        Policy("q", delivery_days=("monday", "friday")),
    ]
    assert replay.of_all(rows, "per_shipment") == ["stop"]


def test_cut_off_needs_half_a_day():
    hours = list(range(24))
    day = pd.Timestamp("2026-04-01")
    clear = pd.DataFrame(
        {"day": day, "hour": hours, "promised_day": day + pd.to_timedelta([1] * 17 + [2] * 7, unit="D")}
    )
    assert replay.cut_off(clear) == 17
    assert replay.cut_off(clear.assign(promised_day=day + pd.to_timedelta([1, 2] * 12, unit="D"))) == 24
    earlier = pd.to_timedelta([2] * 17 + [1] * 7, unit="D")
    assert replay.cut_off(clear.assign(promised_day=day + earlier)) == 24  # later orders are no sooner there


def test_today_costs_what_its_tariff_and_minutes_say():
    """Each of 3: 50 + 10 x 1 kg + 5 x 2 km = 70 cents; 180 seconds at 2 cents."""
    told = Replay(THREE, WORK, model(ON_TIME), rates=RATES).run(
        [Policy()], draws=2, weeks=4, rng=np.random.default_rng(1)
    )
    assert (told["freight"].tolist(), told["work"].tolist()) == ([210.0, 210.0], [360.0, 360.0])
    assert (told["n"].tolist(), told["on_time"].tolist(), told["otif"].tolist()) == ([3, 3], [3, 3], [3, 3])


def test_orders_of_a_window_travel_together():
    """x: hours 9 and 33 lie within 2 days: one shipment of 2 kg, 50 + 20 + 10 = 80; its longer stop of 90 seconds."""
    found = replayed(THREE, Policy("p", numbers={"consolidate_days": 2}), ON_TIME).iloc[0]
    assert (found["shipments"], found["freight"], found["work"]) == (2, 80 + 70, 2 * (90 + 30))
    assert found["on_time"] == 3


def test_a_window_begins_with_its_first_order():
    """Hours 0, 40, 60: 40 is within two days of 0, 60 is not, and not of 0's window though it is of 40."""
    rows = orders(("x", 0, 1), ("x", 40, 1), ("x", 60, 1))
    found = replayed(rows, Policy("p", numbers={"consolidate_days": 2}), ON_TIME).iloc[0]
    assert found["shipments"] == 2


def test_a_shipment_leaves_when_its_value_is_enough():
    """Least 2500: o0 of 1000 and o1 of 3000 go together; y's 500 waits its window out; an order of 3000 goes alone."""
    policy = Policy("p", numbers={"consolidate_days": 2, "minimum_order": 2500})
    plan = Replay(THREE, WORK, model(ON_TIME), rates=RATES).plan(policy)
    assert plan.shipments.tolist() == [2.0]
    assert plan.wait[0] == (33 - 9 + (2 * 24 + 12 - 9)) * HOUR  # from o0 to the moment o1 is placed, and o1's own lead
    assert plan.wait[2] == 2 * DAY + (2 * 24 + 12 - 10) * HOUR
    alone = Replay(orders(("x", 9, 3000)), WORK[:1], model(ON_TIME), rates=RATES).plan(policy)
    assert alone.changed.tolist() == []


def test_delivery_days_move_aim_and_promise():
    """Ordered on Monday for Wednesday, delivered on Fridays: two days later; Tuesday's for Thursday joins it."""
    found = Replay(THREE, WORK, model(ON_TIME), rates=RATES).plan(Policy("p", delivery_days=("friday",)))
    lead = (2 * 24 + 12 - 9) * HOUR
    assert (found.wait[0], found.slack.tolist()) == (lead + 2 * DAY, [0, 0, 0])
    assert found.shipments.tolist() == [2.0]


@pytest.mark.parametrize(("days", "on_time"), [(0, 0), (1, 0), (2, 3), (-1, 0)])
def test_a_later_promise_is_met_by_the_same_work(days, on_time):
    """Every order arrives 48 hours after its promise as given."""
    policy = Policy("p", numbers={"promise_days": days} if days else {"freight_charge": 1})
    assert replayed(THREE, policy, delays(a={48: 100})).iloc[0]["on_time"] == on_time


def test_cut_off_moves_the_orders_between():
    rows = orders(("x", 9, 1), ("y", 16, 1))
    found = Replay(rows, WORK[:2], model(ON_TIME), rates=RATES).plan(Policy("p", numbers={"cut_off": 15}))
    assert found.changed.tolist() == [1]
    assert found.wait[1] == (3 * 24 + 12 - 16) * HOUR


def test_freight_is_charged_below_its_limit():
    policy = Policy("p", numbers={"freight_charge": 300, "free_from": 1000})
    assert replayed(THREE, policy, ON_TIME).iloc[0]["income"] == 300  # y's 500 alone
    assert replayed(THREE, Policy("p", numbers={"freight_charge": 300}), ON_TIME).iloc[0]["income"] == 900


def test_another_carrier_has_its_own_delays_and_prices():
    told = delays(a={24: 100}, b={0: 100})
    found = replayed(THREE, Policy("p", ways={"carrier": {"a": "b"}}), told).iloc[0]
    assert (found["on_time"], found["freight"]) == (3, 3 * 100)
    assert replayed(THREE, Policy("p", numbers={"freight_charge": 1}), told).iloc[0]["on_time"] == 0


def test_another_way_is_promised_and_worked_as_is_usual():
    """Fetching is promised for the next day, and nobody stops for it."""
    rows = orders(("x", 9, 1), ("y", 9, 1), fulfilment=["home_delivery", "click_and_collect"], carrier=["a", "b"])
    rows.loc[1, ["promised_by", "promised_day"]] -= pd.Timedelta(days=1)
    told = pd.concat([ON_TIME, ON_TIME.assign(fulfilment="click_and_collect")])
    policy = Policy("p", ways={"fulfilment": {"home_delivery": "click_and_collect"}})
    found = Replay(rows, WORK[:1], model(told), rates=RATES, per_shipment=["stop"]).plan(policy)
    assert found.wait[0] == (24 + 12 - 9) * HOUR
    assert found.seconds.sum() == 0


def test_another_carrier_brings_its_own_stops():
    """Who goes by b is stopped at for 300 seconds: an order that moves there takes as long."""
    rows = THREE.assign(carrier=["a", "a", "b"])
    work = pd.DataFrame({"order_id": ["o0", "o1", "o2"], "activity": "stop", "pool": "van", "seconds": [0, 0, 300]})
    found = replayed(rows, Policy("p", ways={"carrier": {"a": "b"}}), ON_TIME, work=work).iloc[0]
    assert found["seconds: van"] == 900


def test_who_is_in_a_hurry_does_not_wait():
    rows = THREE.assign(rush=[True, False, False])
    told = pd.concat([ON_TIME, ON_TIME.assign(rush=True)])
    found = Replay(rows, WORK, model(told), rates=RATES).plan(Policy("p", numbers={"consolidate_days": 2}))
    assert found.changed.tolist() == [1, 2]
    assert found.shipments.tolist() == [3.0]


def test_delivery_days_after_waiting_are_days_of_the_company():
    """Monday and Tuesday together leave on Wednesday, two days later, at noon: Friday; at most one shipment a day."""
    rows = orders(("x", 9, 1), ("x", 33, 1), ("x", 80, 1))
    policy = Policy("p", numbers={"consolidate_days": 2}, delivery_days=("monday", "friday"))
    found = Replay(rows, WORK, model(ON_TIME), rates=RATES).plan(policy)
    aim = rows["ordered_at"] + pd.to_timedelta(found.wait, unit="s")
    assert set(aim.dt.day_name()) <= {"Monday", "Friday"}
    assert aim[0] == aim[1]
    assert (found.slack <= 0).all()


def test_what_is_not_known_costs_what_it_cost():
    """An order without weight keeps its 500 cents; the others are priced at 70."""
    rows = THREE.assign(weight_g=pd.array([None, 1000, 1000], dtype="Int64"), freight=[500, 1, 1])
    found = Replay(rows, WORK, model(ON_TIME), rates=RATES).run(
        [Policy()], draws=1, weeks=4, rng=np.random.default_rng(1)
    )
    assert found["freight"].tolist() == [500 + 70 + 70]
    unpriced = THREE.assign(net_revenue=pd.array([None, 1, 1], dtype="Int64"))
    with pytest.raises(DataError, match="goes by the value of orders, which is known of 67% of them, expected 95%"):
        Replay(unpriced, WORK, model(ON_TIME), rates=RATES).plan(
            Policy("p", numbers={"freight_charge": 1, "free_from": 5})
        )


def test_days_of_waiting_are_counted_beyond_what_answers_saw():
    late = delays(a={30 * 24: 100})
    found = replayed(THREE, Policy("p", numbers={"consolidate_days": 5}), late).iloc[0]
    now = replayed(THREE, Policy("p", numbers={"freight_charge": 1}), late).iloc[0]
    assert found["wait_days"] - now["wait_days"] == pytest.approx(5 + 5 + 4)  # o1 is placed a day after o0


def test_what_travels_together_arrives_together():
    """Pairs of orders, half of all delays long: in each draw late orders are even in number, though regions differ."""
    many = orders(*[(f"c{at // 2}", 9 + at % 2, 100) for at in range(400)], region=["there", "here"] * 200)
    half = delays(a={0: 100, 100: 100})
    told = pd.concat([half, half.assign(region="there", delay_h=half["delay_h"] + 100)])
    found = Replay(many, WORK, model(told), rates=RATES)
    runs = found.run(
        [Policy(), Policy("p", numbers={"consolidate_days": 1})], draws=20, weeks=4, rng=np.random.default_rng(7)
    )
    late = (400 - runs[runs["policy"] == "p"]["on_time"]).to_numpy()
    assert (late % 2 == 0).all()
    assert 0 < late.min() < late.max() < 400


def test_forty_orders_of_a_lane_tell_nothing_of_it():
    """All 40 were in time here, all 4,000 elsewhere were not: what is told of the lane is what is told of the way."""
    few, many = delays(a={0: 10}), delays(a={24: 1000}).assign(region="there")
    assert replayed(THREE, Policy("p", numbers={"freight_charge": 1}), pd.concat([few, many])).iloc[0]["on_time"] == 0
    enough = delays(a={0: 13})
    assert (
        replayed(THREE, Policy("p", numbers={"freight_charge": 1}), pd.concat([enough, many])).iloc[0]["on_time"] == 3
    )


def test_minutes_are_as_unsure_as_they_are_declared():
    """Give or take a half: factors from 0.5 to 1.5, 1 on average, of a triangle's deviation of 0.5 / sqrt 6."""
    unsure = pd.DataFrame({"kind": ["activity"], "name": ["stop"], "share": [0.5]})
    found = Replay(THREE, WORK, model(ON_TIME), rates=RATES)
    runs = found.run([Policy()], draws=2000, weeks=4, rng=np.random.default_rng(2), give_or_take=unsure)
    factor = runs["work"] / 360
    assert factor.mean() == pytest.approx(1, abs=0.02)
    assert factor.std() == pytest.approx(0.5 / 6**0.5, rel=0.05)
    assert (factor.min() >= 0.5, factor.max() <= 1.5) == (True, True)


def test_what_is_at_stake_is_told_where_most_of_it_is_known():
    many = orders(*[(f"c{at}", 9, 500) for at in range(100)])
    for lacking, expected in ((5, 50_000), (6, None)):
        cost = pd.array([None] * lacking + [0] * (100 - lacking), dtype="Int64")
        found = replayed(many.assign(cost_of_goods=cost), Policy("p", numbers={"promise_days": 1}), ON_TIME).iloc[0]
        assert found["at_stake"] == expected or np.isnan(found["at_stake"]) and expected is None


def test_another_site_has_its_own_delays_and_distance():
    """From V all is on time, and 4 km away: 50 + 10 x 1 kg + 5 x 4 km = 80."""
    told = pd.concat([delays(a={24: 100}), delays(a={0: 100}).assign(site="V", n_far=100, distance_m=400_000)])
    found = replayed(THREE, Policy("p", ways={"site": {"W": "V"}}), told).iloc[0]
    assert (found["on_time"], found["freight"]) == (3, 3 * 80)


def test_a_policy_holds_only_where_it_is_for():
    rows = THREE.assign(segment=["s", "s", "t"])
    found = Replay(rows, WORK, model(delays(a={24: 100})), rates=RATES)
    runs = found.run(
        [Policy(), Policy("p", {"segment": ("t",)}, numbers={"promise_days": 2})], draws=1, weeks=4,
        rng=np.random.default_rng(1),
    ).set_index(["policy", "segment"])  # fmt: skip
    assert runs["on_time"].to_dict() == {("today", "s"): 0, ("today", "t"): 0, ("p", "s"): 0, ("p", "t"): 1}
    assert runs["same"].to_dict() == {("today", "s"): False, ("today", "t"): False, ("p", "s"): True, ("p", "t"): False}
    assert runs["touched"].to_dict() == {("today", "s"): 0, ("today", "t"): 0, ("p", "s"): 0, ("p", "t"): 1}
    assert runs.loc[("p", "t"), "at_stake"] == 500


def test_work_after_failures_follows_them():
    """A third of orders is short by the trace; complaints take 10 seconds, 100 more if late, 7 more if short."""
    rows = THREE.assign(in_full=[True, False, True])
    after = [("complaint", "desk", 10.0, 100.0, 7.0, 0.0)]
    late = replayed(rows, Policy("p", numbers={"freight_charge": 1}), delays(a={5: 100}), after=after).iloc[0]
    assert late["seconds: desk"] == 3 * 110 + 7
    in_time = replayed(rows, Policy("p", numbers={"promise_days": 1}), delays(a={5: 100}), after=after).iloc[0]
    assert in_time["seconds: desk"] == 3 * 10 + 7


def test_a_narrower_window_is_kept_by_fewer_and_costs_nothing():
    """Half of all arrive 3 hours before the promise ends, half as it ends; promised from 4 hours before, then from 2.

    One order's promise has no begin: coming early keeps it, until a window is declared for it too.
    """
    many = orders(*[(f"c{at}", 9, 100) for at in range(1000)]).assign(window_h=[None] + [4] * 999)
    narrow, told = Policy("p", numbers={"window_hours": 2}), delays(a={-3: 50, 0: 50})
    found = Replay(many, WORK, model(told), rates=RATES)
    runs = found.run([Policy(), narrow], draws=20, weeks=4, rng=np.random.default_rng(3)).set_index("policy")
    assert (runs.loc["today", "within_promise"] == 1000).all()
    share = runs.loc["p", "within_promise"].mean() / 1000
    assert share == pytest.approx(0.5, abs=4 * 0.5 / 20_000**0.5)
    assert (runs.loc["p", "on_time"] == 1000).all()
    assert (runs.loc["p", "touched"] == 0).all()  # nobody takes it ill
    cents = runs.reset_index().groupby("policy")[["freight", "work", "holding"]].sum()
    assert cents.loc["p"].tolist() == cents.loc["today"].tolist()
    later = Policy("q", numbers={"promise_days": 1})  # all come a day early: only the one without a begin is kept
    assert found.run([Policy(), later], draws=1, weeks=4, rng=np.random.default_rng(3))["within_promise"].iloc[-1] == 1
    bare = Replay(many.assign(window_h=None), WORK, model(told), rates=RATES)
    assert bare.run([Policy()], draws=1, weeks=4, rng=np.random.default_rng(3))["within_promise"].isna().all()


SPANS = pd.DataFrame({
    "site_id": "S", "product_id": "x", "category": "tea", "stocked_out": False, "sold": [8, 12, 8, 12, 10],
    "goods": 5000, "pieces": 10,
})  # fmt: skip


def short_of_stock() -> pd.DataFrame:
    """1000 orders of two segments, 200 of them short, half of these only of what ran out: of it 80 % arrived."""
    many = orders(*[(f"c{at}", 9 + 24 * (at % 92), 100) for at in range(1000)])
    return many.assign(
        segment=["s", "t"] * 500, in_full=[False] * 200 + [True] * 800, only_stock=[True] * 100 + [False] * 900,
        stocked_ordered=[2] * 500 + [0] * 500, stocked_delivered=[0] * 100 + [2] * 400 + [0] * 500,
    )  # fmt: skip


def test_more_stock_fills_what_ran_out_and_costs_its_goods():
    """80 % served today, 90 % then: half of the 50 orders of s that were short of it alone are filled, nothing of t.

    Its part of demand, a half: levels of N(10 / 2, s^2 / 2) from 80 to 90 %, goods of 5.00 a piece, 20 % for 92 days.
    """
    policy = Policy("p", {"segment": ("s",)}, numbers={"stock_service": 90})
    after = [("complaint", "desk", 0.0, 0.0, 7.0, 0.0)]
    found = Replay(short_of_stock(), WORK, model(ON_TIME, after), rates=RATES, spans=SPANS, holding_percent=20)
    runs = found.run([Policy(), policy], draws=200, weeks=13, rng=np.random.default_rng(3))
    runs = runs.set_index(["policy", "segment"]).sort_index()
    filled = runs.loc[("p", "s"), "otif"] - 400
    assert filled.mean() == pytest.approx(25, abs=4 * (50 * 0.25 / 200) ** 0.5)
    assert (runs.loc[("p", "t"), "otif"] == 400).all()
    assert (runs.loc[("p", "s"), "seconds: desk"] == 7 * (100 - filled)).all()
    of = {"mean": 5.0, "deviation": float(np.std([8, 12, 8, 12, 10], ddof=1)) / 2**0.5, "lead": 0}
    more = stock.level_for(0.9, **of) - stock.level_for(0.8, **of)
    assert runs.loc[("p", "s"), "holding"].iloc[0] == pytest.approx(more * 500 * 0.2 * 92 / 365.25)
    assert (runs["holding"] > 0).groupby(level=[0, 1]).any().sum() == 1
    assert (runs["touched"] == 0).all()


@pytest.mark.parametrize(
    ("rows", "spans", "asked", "message"),
    [
        (short_of_stock(), SPANS, 80, "serves 80% of the pieces of articles that ran out, of which 80.0% are served"),
        (short_of_stock(), SPANS[:0], 90, "no counted article of orders with known contents ran out in the period"),
        (short_of_stock().assign(stocked_ordered=0), SPANS, 90, "no counted article of orders with known contents"),
        (short_of_stock(), None, 90, "no counted article of orders with known contents ran out"),
    ],
)
def test_stock_that_cannot_be_raised_is_refused(rows, spans, asked, message):
    found = Replay(rows, WORK, model(ON_TIME), rates=RATES, spans=spans, holding_percent=20)
    kept, refused = found.possible([Policy(), Policy("p", numbers={"stock_service": asked})])
    assert [one.name for one in kept] == ["today"]
    assert message in refused["why"].iloc[0]


def test_policies_meet_the_same_draws():
    """A policy that moves nothing of chance has today's outcome in every draw."""
    many = orders(*[(f"c{i}", i % 24, 100) for i in range(400)])
    told = delays(a={0: 60, 10: 30, 50: 10})
    found = Replay(many, WORK, model(told), rates=RATES)
    runs = found.run(
        [Policy(), Policy("p", numbers={"freight_charge": 1})], draws=20, weeks=4, rng=np.random.default_rng(3)
    )
    wide = runs.pivot(index="draw", columns="policy", values="on_time")
    assert (wide["today"] == wide["p"]).all()
    assert wide["today"].nunique() > 5


def test_planted_delays_are_found_again():
    """Late 40 in 100 by a, 10 in 100 by b: 20,000 orders; within four standard errors of one draw's sampling."""
    many = orders(*[(f"c{i}", i % 24, 100) for i in range(20_000)])
    told = delays(a={0: 60, 30: 40}, b={0: 90, 30: 10})
    found = Replay(many, WORK, model(told), rates=RATES)
    runs = found.run(
        [Policy(), Policy("p", ways={"carrier": {"a": "b"}})], draws=10, weeks=4, rng=np.random.default_rng(3)
    )
    late = 1 - runs.groupby("policy")["on_time"].mean() / 20_000
    assert late["today"] == pytest.approx(0.4, abs=4 * (0.24 / 200_000) ** 0.5)
    assert late["p"] == pytest.approx(0.1, abs=4 * (0.09 / 200_000) ** 0.5)


def test_weeks_stay_together():
    """One week of four was late throughout: a draw of four weeks holds 0 to 4 of them, late shares of quarters."""
    told = delays(a={0: 100}).assign(delay_h=lambda rows: np.where(rows["week"] == -1, 30, 0))
    many = orders(*[(f"c{i}", i % 24, 100) for i in range(4_000)])
    runs = Replay(many, WORK, model(told), rates=RATES).run(
        [Policy()], draws=200, weeks=4, rng=np.random.default_rng(3)
    )
    late = 1 - runs["on_time"] / 4_000
    spread = (0.25 * 0.75 * (1 / 4 + 1 / 4 - 1 / 16)) ** 0.5  # four weeks, drawn of four that were drawn themselves
    assert late.std() == pytest.approx(spread, rel=0.15)


def test_coarser_delays_where_few_were_seen():
    told = delays(a={0: 100}, b={10: 100}).assign(region="there")
    plan = Replay(THREE, WORK, model(told), rates=RATES).plan(Policy())
    assert plan.fallback == 3


def test_tariffs_are_found_again():
    rng = np.random.default_rng(4)
    s, w, d = rng.integers(1, 3, 500), rng.integers(1, 300, 500), rng.integers(10, 2000, 500)
    d = s * d
    f = 430 * s + 2.8 * w + 0.5 * d  # 28 cents a kilogram and 5 a kilometre
    columns = {"s": s, "w": w, "d": d, "f": f}
    names = [a + b for i, a in enumerate("swdf") for b in "swdf"[i:]]
    sums = {name: [float((columns[name[0]] * columns[name[1]]).sum())] for name in names}
    found = replay.tariffs(pd.DataFrame({"carrier": ["a"], "before": [True], "n": [500], **sums})).loc["a"]
    assert found[["shipment", "kg", "km"]].tolist() == pytest.approx([430, 28, 5], rel=1e-6)
    assert found["explained"] == pytest.approx(1)
    assert np.abs(found["root"]).max() < 0.1  # nothing is left to be wrong about


def test_prices_are_as_unsure_as_their_shipments_leave_them():
    """400 samples of 300 shipments with noise: the errors told are those that are made, to a tenth."""
    rng = np.random.default_rng(9)
    names = [a + b for i, a in enumerate("swdf") for b in "swdf"[i:]]
    found, told = [], []
    for _ in range(400):
        s, w, d = np.ones(300), rng.integers(1, 300, 300), rng.integers(10, 2000, 300)
        columns = {"s": s, "w": w, "d": d, "f": 430 * s + 2.8 * w + 0.5 * d + rng.normal(0, 60, 300)}
        sums = {name: [float((columns[name[0]] * columns[name[1]]).sum())] for name in names}
        one = replay.tariffs(pd.DataFrame({"carrier": ["a"], "before": [True], "n": [300], **sums})).loc["a"]
        found.append(one[["shipment", "kg", "km"]].tolist())
        told.append(np.sqrt((one["root"] ** 2).sum(axis=1)))
    assert np.std(found, axis=0) == pytest.approx(np.mean(told, axis=0), rel=0.1)


def test_expected_points_are_those_of_the_model():
    rng = np.random.default_rng(5)
    n = 4000
    late = rng.random(n) < 0.3
    wait = rng.integers(1, 5, n)
    value = np.where(rng.random(n) < np.where(late, 0.6, 0.2), -1, np.where(rng.random(n) < 0.5, 1, 0))
    answers = pd.DataFrame({
        "value": value, "score": np.select([value < 0, value > 0], [3, 10], 8), "person": range(n), "segment": "all",
        "channel": "web", "fulfilment": "home_delivery", "short": rng.random(n) < 0.1,
        "damaged": False, "late_s": late * 3600.0,
        "wait_s": wait * 86400.0,
    })  # fmt: skip
    effects, *more = replay._effects(answers)
    taught, most = model(ON_TIME), more[1]
    taught = Learned(taught.delays, taught.tariffs, taught.after, effects, *more)
    found = Replay(THREE, WORK, taught, rates=RATES)._points(np.append(effects.coefficients, effects.cuts))
    x = pd.DataFrame({"late": [1.0], "late_days": [1.0], "wait_days": [3.0], "short": [1.0], "damaged": [0.0]})
    expected = float(
        effects.probabilities(x.reindex(columns=list(effects.drivers), fill_value=0.0)).to_numpy()[0] @ more[0]
    )
    assert found[2, 1, 3] == pytest.approx(expected)  # place 2: short, not damaged
    assert most == (1, 4)


def answers(*groups) -> pd.DataFrame:
    """Answers of (segment, how many, promoters, late) each, the others detractors."""
    rows = [
        {"segment": segment, "value": 1 if at < good else -1, "late_s": 3600.0 if late else 0.0}
        for segment, n, good, late in groups
        for at in range(n)
    ]
    told = pd.DataFrame(rows, columns=["segment", "value", "late_s"]).assign(
        channel="web", fulfilment="home_delivery", wait_s=86400.0, short=False, damaged=False
    )
    return told.assign(score=np.where(told["value"] > 0, 10, 3), person=range(len(told)))


def points(told: pd.DataFrame, rows: pd.DataFrame, policy: Policy) -> dict:
    """Points an order by segment that a model of these answers foretells, without its errors."""
    taught = model(delays(a={24: 100}))
    found = Replay(
        rows, WORK, Learned(taught.delays, taught.tariffs, taught.after, *replay._effects(told)), rates=RATES
    )
    theta = np.append(found.model.effects.coefficients, found.model.effects.cuts)
    found._theta = lambda rng: theta
    runs = found.run([Policy(), policy], draws=1, weeks=4, rng=np.random.default_rng(1))
    return (runs["points"] / runs["n"]).set_axis(pd.MultiIndex.from_frame(runs[["policy", "segment"]])).to_dict()


def test_a_small_group_of_one_mind_takes_no_other_answers_with_it():
    """Three promoters of a small segment: the large ones keep their levels, 2 x 400 / 600 - 1 and 2 x 300 / 600 - 1."""
    told = answers(("s", 600, 400, False), ("t", 600, 300, False), ("u", 3, 3, False))
    found = points(told, THREE.assign(segment=["s", "t", "t"]), Policy("p", numbers={"promise_days": 1}))
    assert found["today", "s"] == pytest.approx(100 / 3, abs=0.5)
    assert found["today", "t"] == pytest.approx(0, abs=0.5)


def test_a_large_group_of_one_mind_leaves_the_others_theirs():
    told = answers(("s", 600, 400, False), ("t", 600, 300, False), ("u", 60, 60, False))
    found = points(told, THREE.assign(segment=["s", "t", "t"]), Policy("p", numbers={"promise_days": 1}))
    assert (found["today", "s"], found["today", "t"]) == pytest.approx((100 / 3, 0), abs=0.5)


def test_nobody_is_the_happier_for_waiting():
    """Who waited four days is content, who waited one is not: another difference, and no reason to let all wait."""
    told = pd.concat([answers(("s", 300, 250, False)).assign(wait_s=4 * 86400.0), answers(("s", 300, 50, False))])
    told = told.assign(person=range(600))
    found = points(told, THREE.assign(segment="s"), Policy("p", numbers={"consolidate_days": 5, "promise_days": 2}))
    assert found["p", "s"] == pytest.approx(found["today", "s"], abs=1e-9)


def test_clocks_are_told_by_day_and_hour():
    """23:30 UTC on Monday is 1:30 on Tuesday there; half past five is half an hour too early where clocks are so."""
    told = orders(("x", 23.5, 1))
    there = told.assign(day=told["day"] + pd.Timedelta(days=1), hour=1)
    assert replay._clock(there)[0] - replay._clock(told)[0] == 2 * HOUR


def test_lateness_counts_though_few_answers_tell_of_its_days():
    """20 late answers, all detractors but one: too few to tell a second day, not to tell that late is worse."""
    told = answers(("s", 600, 400, False), ("s", 20, 1, True))
    found = points(told, THREE.assign(segment="s"), Policy("p", numbers={"promise_days": 2}))
    assert found["today", "s"] < -50  # all are a day late
    assert found["p", "s"] > 30


def test_without_answers_there_is_no_score():
    assert replay._effects(answers()[:0])[0] is None
    alike = answers(("s", 40, 40, False))
    assert replay._effects(alike)[0] is None


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (Policy("p", {"segment": ("others",)}), "for segment 'others', which no replayed order is of; known are 'all'"),
        (Policy("p", ways={"carrier": {"a": "c"}}), "moves carrier 'a' to 'c', by which 0 orders were sent in what is"),
        (Policy("p", ways={"carrier": {"c": "b"}}), "moves carrier 'c', by which no replayed order was sent"),
    ],
)  # fmt: skip
def test_a_lever_without_data_is_refused_by_name(policy, message):
    found = Replay(THREE, WORK, model(ON_TIME), rates=RATES)
    with pytest.raises(DataError, match=message):
        found.plan(policy)
    kept, refused = found.possible([Policy(), policy])
    assert [one.name for one in kept] == ["today"]
    assert message in refused["why"][0]


def test_a_pool_without_a_cost_is_named():
    found = Replay(THREE, WORK, model(ON_TIME), rates=pd.Series({"desk": 1.0}))
    with pytest.raises(
        DataError, match="expected a cost by capacity of each pool that works for orders, found none of 'van'"
    ):
        found.run([Policy()], draws=1, weeks=4, rng=np.random.default_rng(1))

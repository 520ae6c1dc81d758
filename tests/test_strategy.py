"""Is the chosen policy the best one, and is it said how sure that is? Enumeration, planted truths, drawn tables."""

import itertools
from datetime import date

import numpy as np
import pandas as pd
import pytest

from toolkit import company, replay, rules, stock, strategy
from toolkit.errors import DataError
from toolkit.replay import Policy

NO_LIMITS = pd.DataFrame(columns=["name", "column", "low", "high"])


def limit(*rows) -> pd.DataFrame:
    return pd.DataFrame([(name, name, low, high) for name, low, high in rows], columns=NO_LIMITS.columns)


def by_hand(options: pd.DataFrame, limits: pd.DataFrame) -> float:
    """The greatest value over all combinations that keep the limits; minus infinity where none does."""
    groups = [np.flatnonzero(options["segment"] == segment) for segment in sorted(set(options["segment"]))]
    picks = np.array(list(itertools.product(*groups)))
    sums = {name: options[name].to_numpy("float64")[picks].sum(axis=1) for name in {"value", *limits["column"]}}
    kept = np.ones(len(picks), bool)
    for row in limits.itertuples():
        kept &= (row.low - 1e-9 <= sums[row.column]) & (sums[row.column] <= row.high + 1e-9)
    return float(sums["value"][kept].max(initial=-np.inf))


def test_choice_is_the_best_of_all_combinations():
    """200 drawn instances of 4 segments with 2 to 5 policies, a floor and a capacity; some have no solution."""
    rng, impossible = np.random.default_rng(11), 0
    for _ in range(200):
        sizes = rng.integers(2, 6, 4)
        n = sizes.sum()
        options = pd.DataFrame({
            "segment": np.repeat(list("abcd"), sizes), "policy": [f"p{i}" for i in range(n)],
            "value": rng.normal(0, 100, n).round(1), "floor": rng.integers(-5, 6, n), "hours": rng.integers(0, 10, n),
        })  # fmt: skip
        limits = limit(("floor", float(rng.integers(-3, 16)), np.inf), ("hours", -np.inf, float(rng.integers(4, 30))))
        found, expected = strategy.choose(options, limits), by_hand(options, limits)
        if expected == -np.inf:
            impossible += 1
            assert found.chosen is None
            assert found.biting
            for name in found.biting[:1] if len(found.biting) == 1 else []:
                assert by_hand(options, limits[limits["name"] != name]) > -np.inf
        else:
            assert found.value == pytest.approx(expected, abs=1e-6)
            chosen = options.set_index(["segment", "policy"]).loc[list(found.chosen.items())]
            assert chosen["value"].sum() == pytest.approx(expected, abs=1e-6)
    assert 20 < impossible < 180


def test_a_floor_that_nothing_reaches_is_named():
    options = pd.DataFrame(
        {"segment": ["a", "a"], "policy": ["x", "y"], "value": [1, 2], "on time": [-5, -1], "hours": [1, 2]}
    )
    limits = limit(("on time", 0.0, np.inf), ("hours", -np.inf, 3.0))
    assert strategy.choose(options, limits).biting == ("on time",)
    found, kept, gone = strategy.nearest_choice(options, limits)
    assert (found.chosen, kept["name"].tolist(), gone) == ({"a": "y"}, ["hours"], ("on time",))
    both = strategy.choose(options, limit(("on time", 0.0, np.inf), ("hours", -np.inf, 0.5)))
    assert set(both.biting) == {"on time", "hours"}  # none alone would make it possible


def test_refusals_of_a_choice():
    with pytest.raises(DataError, match=r"^choose: expected a policy for a segment or more, found none\.$"):
        strategy.choose(pd.DataFrame(columns=["segment", "policy", "value"]), NO_LIMITS)
    options = pd.DataFrame({"segment": ["a"], "policy": ["x"], "value": [1]})
    with pytest.raises(DataError, match=r"options with the columns that limits name, found none of hours\.$"):
        strategy.choose(options, limit(("hours", 0.0, 1.0)))


def runs(
    draws: int, gains: dict[str, tuple[float, float]], *, seed: int = 1, points: dict | None = None
) -> pd.DataFrame:
    """Replayed policies of one segment: cost of today 1000, each policy's less by a gain of this mean and deviation."""
    rng, rows = np.random.default_rng(seed), []
    for draw in range(draws):
        for policy, (mean, deviation) in {"today": (0.0, 0.0), **gains}.items():
            cost = 1000 - mean - deviation * rng.standard_normal()
            score = 30.0 + (points or {}).get(policy, 0.0)
            told = (100, 100, 90, 88, 85, 100 * score, 200, 0.0, 0.0, cost - 5, 5, policy == "", 600.0, 40, 500.0)
            rows.append((draw, policy, "a", *told))
    names = [
        "draw",
        "policy",
        "segment",
        "n",
        "shipments",
        "on_time",
        "within_promise",
        "otif",
        "points",
        "wait_days",
        "freight",
        "income",
    ]
    return pd.DataFrame(rows, columns=[*names, "work", "holding", "same", "seconds: van", "touched", "at_stake"])


def test_changes_are_paired_and_say_their_monte_carlo_error():
    found = strategy.against_today(runs(400, {"p": (50.0, 8.0)})).set_index(["segment", "policy", "measure"])
    cost = found.loc["a", "p", "cost"]
    assert cost["change"] == pytest.approx(-50, abs=4 * 8 / 20)
    assert cost["error"] == pytest.approx(8 / 20, rel=0.1)
    assert (cost["change_low"], cost["change_high"]) == pytest.approx((-50 - 1.96 * 8, -50 + 1.96 * 8), abs=2.5)
    assert found.loc["(all)", "today", "nps"]["value"] == 30


def test_worth_counts_only_where_it_is_settled():
    told = runs(50, {"p": (0.0, 0.0)}, points={"p": 2.0})
    none = strategy.worths(told, pd.Series({"a": 500}), None, np.random.default_rng(1))
    assert none[none["policy"] == "p"]["value"].eq(0).all()
    some = strategy.worths(told, pd.Series({"a": 500}), (1000.0, 0.0), np.random.default_rng(1))
    assert some[some["policy"] == "p"]["value"].tolist() == pytest.approx([2 * 1000 * 500 / 1000] * 50)


def chosen_and_settled(gains: dict, seed: int) -> tuple[str, bool]:
    told = runs(60, gains, seed=seed)
    worth = strategy.worths(told, pd.Series({"a": 1}), None, np.random.default_rng(1))
    found = strategy.choose(strategy.options(worth, told), NO_LIMITS).chosen["a"]
    better = strategy.settled(worth).set_index("policy")["better"]
    return found, found != "today" and bool(better[found])


def test_a_policy_far_ahead_is_chosen_and_one_of_equals_is_not_settled():
    """The outer draws know the truth up to an error of 10: 60 of them around a drawn estimate, 100 companies."""
    rng = np.random.default_rng(21)
    names = ["p", "q", "r"]
    ahead = [
        chosen_and_settled(
            {n: (m + 10 * rng.standard_normal(), 10.0) for n, m in zip(names, (90, 20, 0), strict=True)}, i
        )
        for i in range(100)
    ]
    assert sum(one == ("p", True) for one in ahead) >= 95
    equal = [chosen_and_settled({n: (10 * rng.standard_normal(), 10.0) for n in names}, i) for i in range(100)]
    assert sum(not sure for _, sure in equal) >= 90


def test_many_policies_make_chance_settle_nothing():
    """Each of 20 gains 2.5 of its deviations: settled if it were alone, not as one of 20 (whose quantile is 3.02)."""
    told = runs(400, {f"p{at}": (25.0, 10.0) for at in range(20)}, seed=4)
    worth = strategy.worths(told, pd.Series({"a": 1}), None, np.random.default_rng(1))
    found = strategy.settled(worth)
    assert found["family"].tolist() == [20] * 20
    assert not found["better"].any()
    assert strategy.settled(worth[worth["policy"].isin(["today", "p0"])])["better"].tolist() == [True]


def test_wins_are_counted_by_draw():
    told = runs(200, {"p": (0.0, 10.0)})
    worth = strategy.worths(told, pd.Series({"a": 1}), None, np.random.default_rng(1))
    found = strategy.wins(strategy.options(worth, told), worth, NO_LIMITS).set_index("policy")
    assert found["k"].sum() == 200
    assert found.loc["p", "share"] == pytest.approx(0.5, abs=0.14)  # four standard errors of 200


@pytest.mark.parametrize("names", [["p", "q", "today"], ["q", "today", "p"], ["today", "q", "p"]])
def test_of_policies_that_are_equal_todays_is_kept(names):
    worth = pd.DataFrame({"draw": np.repeat(range(20), 3), "segment": "a", "policy": names * 20, "value": 0.0})
    of = pd.DataFrame({"segment": "a", "policy": names, "value": 0.0, "hours": 1.0})
    kept = pd.DataFrame([("hours", "hours", -np.inf, 1.0)], columns=NO_LIMITS.columns)
    assert strategy.choose(of, kept).chosen == {"a": "today"}
    found = strategy.wins(of, worth, kept).set_index("policy")
    assert found["k"].to_dict() == {"p": 0, "q": 0, "today": 20}
    of["hours"] = [2.0 if name == "today" else 1.0 for name in names]  # today's breaks a limit that its equal keeps
    assert strategy.choose(of, kept).chosen["a"] in ("p", "q")


def test_frontier_and_one_more_hour():
    """Cheapest p scores 20, dear q 40; each hour of the van serves a little more of q."""
    options = pd.DataFrame({
        "segment": ["a", "a", "b", "b"], "policy": ["p", "q", "p", "q"], "value": [0.0, 5.0, 0.0, 3.0],
        "cost": [10.0, 30, 10, 20], "points": [200.0, 400, 200, 400], "n": [10, 10, 10, 10],
        "seconds: van": [0.0, 3600, 0, 3600],
    })  # fmt: skip
    found = strategy.frontier(options, NO_LIMITS)
    assert found["nps"].tolist() == [20, 30, 40]
    assert found["cost"].tolist() == [20, 30, 50]
    kept = pd.DataFrame([("minutes of van", "seconds: van", -np.inf, 3600.0)], columns=NO_LIMITS.columns)
    more = strategy.one_more(options, kept).iloc[0]
    assert (more["used"], more["there"], more["gain"]) == (1.0, 1.0, 3.0)


def test_limits_are_floors_capacities_and_a_budget():
    of = pd.DataFrame({
        "segment": ["a", "a", "b"], "policy": ["today", "p", "today"], "n": [10, 10, 20], "on_time": [8.0, 9.0, 20.0],
        "otif": [7.0, 8.0, 19.0], "points": [100.0, 300.0, 0.0], "cost": [5.0, 6.0, 7.0], "value": [0.0, 1.0, 0.0],
        "seconds: van": [10.0, 20.0, 5.0], "seconds: desk": [1.0, 1.0, 1.0],
    })  # fmt: skip
    promises = pd.DataFrame(
        [("on_time", 0.9, "a", ""), ("nps", 5.0, "", ""), ("line_fill", 0.9, "", ""), ("otif", 0.9, "a", "web")],
        columns=["measure", "at_least", "segment", "channel"],
    )
    found, limits = strategy.limits(of, promises, pd.Series({"van": 40.0, "desk": 9.0}), budget=13)
    assert limits["name"].tolist() == [
        "on_time of a at least 0.9",
        "nps of (all) at least 5",
        "minutes of van",
        "budget",
    ]
    assert found["on_time of a at least 0.9"].tolist() == [-1.0, 0.0, 0.0]
    assert found["nps of (all) at least 5"].tolist() == [50.0, 250.0, -100.0]
    assert strategy.choose(found, limits).chosen == {"a": "p", "b": "today"}


def test_replay_is_trusted_only_where_it_gives_what_was_observed():
    told = runs(200, {}, seed=3)
    rng = np.random.default_rng(5)
    told = told.assign(on_time=90 + rng.normal(0, 2, 200), work=1000 + rng.normal(0, 5, 200), n_answered=50)
    told = told.assign(points_answered=50 * (30 + rng.normal(0, 1, 200)))
    names = ["segment", "measure", "observed", "error"]
    rows = [("a", "on_time", 0.92, 0.0), ("(all)", "cost", 1010.0, 0.0), ("a", "nps", 33.0, 2.0)]
    assert strategy.validity(told, pd.DataFrame(rows, columns=names))["passed"].all()
    rows = [("a", "on_time", 0.99, 0.0), ("(all)", "cost", 1030.0, 0.0), ("a", "nps", 45.0, 2.0)]
    assert not strategy.validity(told, pd.DataFrame(rows, columns=names))["passed"].any()
    spread = rng.normal(0, 500, 200)
    wide = told.assign(work=1000 + spread - spread.mean())  # a band that holds everything is no proof of cost
    assert not strategy.validity(wide, pd.DataFrame(rows[1:2], columns=names))["passed"].any()


def test_a_score_is_held_against_the_replay_from_thirty_answers_on():
    shares = ["on_time", "within_promise", "otif"]
    for n, measures in ((29, shares), (30, [*shares, "nps"])):
        rows = pd.DataFrame({
            "order_id": range(30), "segment": "a", "delay_h": [1] * 3 + [-2] * 27, "in_full": True, "freight": 10,
            "window_h": [1] * 6 + [2] * 23 + [None],
        })  # fmt: skip
        answers = pd.DataFrame({"order_id": range(n), "value": [1, -1] * (n // 2) + [1] * (n % 2)})
        work = pd.DataFrame({"pool": ["van"], "seconds": [50]})
        failed = pd.DataFrame({"before": [False, True], "pool": ["van", "van"], "seconds": [10, 999]})
        found = strategy.observed(rows, work, failed, answers, rates=pd.Series({"van": 2.0}))
        assert found.loc[found["segment"] == "a", "measure"].tolist() == measures
        values = found[found["segment"] == "(all)"].set_index("measure")["observed"]
        assert (values["on_time"], values["otif"], values["cost"]) == (0.9, 0.9, 30 * 10 + 2 * 60)
        assert values["within_promise"] == 0.8  # three late, three before an hour's window


def day_orders(pieces: list[int], fill: list[float]) -> pd.DataFrame:
    days = pd.date_range("2026-04-06", periods=len(pieces))
    return pd.DataFrame({
        "day": days, "quantity_ordered": pieces,
        "quantity_delivered": [round(p * f) for p, f in zip(pieces, fill, strict=True)]
    })  # fmt: skip


def test_agility_counts_the_days_until_fill_is_back():
    """Day 30 asks for thrice as much, and fill falls to 0.8 for five days: back on the fifth day after."""
    rng = np.random.default_rng(1)
    pieces = (1000 + rng.integers(-20, 21, 70)).tolist()
    fill = (0.98 + rng.uniform(-0.005, 0.005, 70)).tolist()
    pieces[30] = 3000
    fill[30:35] = [0.8] * 5
    found = strategy.agility(day_orders(pieces, fill))
    assert found.jumps[["days_back", "ended"]].to_numpy().tolist() == [[5, True]]
    assert found.jumps["pieces"].tolist() == [3000]
    assert found.normal == pytest.approx(0.98, abs=0.003)
    assert strategy.agility(day_orders([5] * 10, [1.0] * 10)) is None


def test_a_jump_is_more_than_chance():
    """1,000 pieces a day differ by 32 by chance alone: 60 more are no jump, 200 more are one."""
    for more, jumps in ((60, 0), (200, 1)):
        pieces = [1000] * 70
        pieces[30] += more
        assert len(strategy.agility(day_orders(pieces, [0.98, 0.97] * 35)).jumps) == jumps


def test_a_jump_at_the_end_has_not_come_back():
    pieces, fill = [1000, 1010, 990] * 20, [0.98, 0.981, 0.979] * 20
    pieces[-2], fill[-2:] = 4000, [0.5, 0.5]
    assert strategy.agility(day_orders(pieces, fill)).jumps["ended"].tolist() == [False]


def test_levers_that_no_order_tells_of():
    rows = pd.DataFrame({"carrier": ["a", "b"], "fulfilment": "home", "site": ["W", "W"], "freight": [None, 5],
                         "in_full": [None, None], "window_h": [None, 2]})  # fmt: skip
    assert strategy.untold(rows) == ["fulfilment", "site", "contents"]
    rows = rows.assign(freight=0, in_full=True, window_h=None)
    assert strategy.untold(rows) == ["fulfilment", "site", "freight", "window"]


def test_visibility_by_segment():
    rows = pd.DataFrame({
        "order_id": range(40), "customer_id": range(40), "segment": ["a"] * 20 + ["b"] * 20, "asked": [True] * 40,
        "told_first": [True] * 15 + [False] * 5 + [False] * 20,
    })  # fmt: skip
    found = strategy.visibility(rows, min_n=10)
    assert found["share"].tolist() == [0.75, 0.0]


def test_fit_says_too_much_too_little_or_right():
    """Segment by segment: q saves and costs no point; p wins value and points; a floor is missed; nothing is better."""
    measures = [("nps", 0.0, -0.2, 0.2), ("cost", -50.0, -60.0, -40.0)]
    changes = pd.DataFrame(
        [("over", "q", *row) for row in measures]
        + [("under", "p", "nps", 3.0, 2.0, 4.0), ("under", "p", "cost", 5.0, 4.0, 6.0)]
        + [(s, "q", "nps", -2.0, -3.0, -1.5) for s in ("floor", "right")]
        + [(s, "q", "cost", -5.0, -6.0, -4.0) for s in ("floor", "right")],
        columns=["segment", "policy", "measure", "change", "change_low", "change_high"],
    )
    better = pd.DataFrame(
        [("under", "p", 70.0, 60.0, 80.0, True), ("right", "q", 5.0, 4.0, 6.0, True)],  # the score falls by the second
        columns=["segment", "policy", "value", "value_low", "value_high", "better"],
    )
    names = ["over", "under", "floor", "right"]
    of = pd.DataFrame({"segment": names, "policy": "today", "otif": [0.0, 0.0, -1.0, 0.0]})
    of = of.assign(nps=-1.0)  # a floor of all is missed by all, and by none of them
    found = strategy.fit(changes, better, of, limit(("otif", 0.0, np.inf), ("nps", 0.0, np.inf))).set_index("segment")
    assert found["fit"].to_dict() == {
        "over": "over-served",
        "under": "under-served",
        "floor": "under-served",
        "right": "right",
    }
    assert found.loc["over", ["policy", "change", "nps"]].tolist() == ["q", -50.0, 0.0]
    assert found.loc["under", ["why", "change"]].tolist() == ["value", 70.0]
    assert found.loc["floor", ["why", "missed"]].tolist() == ["floor", "otif"]


def test_nothing_is_recommended_where_the_replay_is_not_trusted():
    told = runs(60, {"p": (50.0, 1.0)})
    worth = strategy.worths(told, pd.Series({"a": 1}), None, np.random.default_rng(1))
    of = strategy.options(worth, told)
    parts = (strategy.Choice({"a": "p"}, 50.0), strategy.settled(worth), strategy.against_today(told), of)
    policies = [Policy(), Policy("p", numbers={"promise_days": 1})]
    assert strategy.recommended(*parts, trusted=False).empty
    found = strategy.recommended(*parts, trusted=True).iloc[0]
    assert (found["policy"], found["settled"]) == ("p", True)
    assert found["value"] == pytest.approx(50, abs=1)
    unsure = (parts[0], parts[1].assign(better=False), *parts[2:])
    kept = strategy.recommended(*unsure, trusted=True).iloc[0]
    assert (kept["policy"], kept["best"], kept["settled"]) == ("today", "p", False)
    low = found["value_low"]  # lost orders lose their part of it too: low x (1 - share) = share x 500 at stake
    assert (found["touched"], found["break_even"]) == (40, pytest.approx(low / (low + 500)))
    rows = strategy.rows_to_paste(strategy.recommended(*parts, trusted=True), policies, after=date(2026, 6, 30))
    assert rows == ['  - name: "a: p"\n    starts: 2026-07-01\n    where: {segment: ["a"]}']


def test_a_row_to_paste_says_what_is_expected_and_when_to_look(tmp_path):
    change = {
        "on_time": 0.03125,
        "on_time_low": 0.01,
        "on_time_high": 0.05,
        "nps": 2.0,
        "nps_low": 1.0,
        "nps_high": 3.0,
    }
    advice = pd.DataFrame([{"segment": "a", "policy": "p", "settled": True} | change])
    policies = [Policy("p", numbers={"promise_days": 1})]

    def pasted(**other):
        rows = strategy.rows_to_paste(advice.assign(**other), policies, after=date(2026, 6, 30))
        path = tmp_path / "decisions.yaml"
        path.write_text("decisions:\n" + "\n".join(rows))
        return company.validated(rules.Decisions, company.read_yaml(path), path).decisions[0]

    row = pasted()
    assert row.expects.model_dump() == {"measure": "late", "change": -0.03125, "low": -0.05, "high": -0.01}
    assert (row.starts, row.check_on) == (date(2026, 7, 1), date(2026, 9, 30))
    row = pasted(on_time_low=-0.01)
    assert row.expects.model_dump() == {"measure": "nps", "change": 2.0, "low": 1.0, "high": 3.0}
    assert pasted(on_time_low=-0.01, nps_low=-1.0).expects is None


def test_a_study_of_nothing_says_so():
    """No order, or nothing to learn from: no run, each policy refused with the reason, all that follows empty."""
    orders = pd.DataFrame(columns=["order_id", "segment", "day"])
    work = pd.DataFrame({"order_id": [], "activity": [], "pool": [], "seconds": []})
    after = pd.DataFrame(columns=["activity", "pool", "plain", "late", "short", "damaged"]).set_index("activity")
    model = replay.Learned(pd.DataFrame(), pd.DataFrame(), after, None, np.zeros(0), (7, 20))
    policies = [Policy(), Policy("p", numbers={"promise_days": 1})]
    rng = np.random.default_rng(1)
    found = strategy.study(orders, work, model, policies, rates=pd.Series(dtype="float64"), draws=2, rng=rng)
    assert found.refused["policy"].tolist() == ["p"]
    assert found.refused["why"][0].startswith("no order with a promise was sent")
    assert strategy.against_today(found.runs).empty
    worth = strategy.worths(found.runs, pd.Series(dtype="float64"), None, rng)
    options, limits = strategy.limits(
        strategy.options(worth, found.runs), pd.DataFrame(columns=["measure", "at_least", "segment", "channel"]),
        pd.Series({"van": 1.0}),
    )  # fmt: skip
    best, kept, gone = strategy.nearest_choice(options, limits)
    assert (best.chosen, gone) == (None, ())
    assert strategy.settled(worth).empty
    assert strategy.wins(options, worth, kept).empty
    assert strategy.frontier(options, kept).empty
    assert strategy.one_more(options, kept).empty
    assert np.isnan(strategy.place_of_today(options)).all()
    assert strategy.rows_to_paste(pd.DataFrame(), policies, after=date(2026, 6, 30)) == []
    figures = strategy.key_figures(pd.DataFrame(), pd.DataFrame(), None, pd.DataFrame())
    assert figures.empty


def test_free_seconds_leave_other_work_its_time():
    """Of 100 seconds 60 were worked, 50 of them for replayed orders: 90 are free for these."""
    capacity = pd.DataFrame({"pool": ["van"], "capacity_s": [100]})
    work = pd.DataFrame({"pool": ["van", "van"], "seconds": [40, 20]})
    sent = pd.DataFrame({"pool": ["van"], "seconds": [45]})
    failed = pd.DataFrame({"before": [False, True], "pool": ["van", "van"], "seconds": [5, 999]})
    assert strategy.free_seconds(capacity, work, sent, failed).to_dict() == {"van": 90.0}


def test_worth_of_a_point_is_there_only_where_it_is_settled():
    row = {"money": "margin before cost to serve", "what": "a point of NPS per 1,000 customers", "effect": 10.0,
           "effect_low": 4.0, "effect_high": 16.0}  # fmt: skip
    found = strategy.worth_of_point(pd.DataFrame([row | {"settled": True}]))
    assert found == pytest.approx((10.0, 6 / 1.959964))
    assert strategy.worth_of_point(pd.DataFrame([row | {"settled": False}])) is None


def test_served_is_read_off_the_orders():
    """Two of three promised for two days; two of three by van."""
    day = pd.Timestamp("2026-04-01")
    rows = pd.DataFrame({
        "segment": "a", "customer_id": [f"c{i % 15}" for i in range(30)], "day": day, "hour": 9, "n_shipments": 1,
        "promised_day": day + pd.to_timedelta([2, 2, 3] * 10, unit="D"), "fulfilment": "home",
        "carrier": ["van", "van", "(none)"] * 10, "net_revenue": 100,
    })  # fmt: skip
    found = strategy.served(rows, min_n=10).iloc[0]
    assert (found["promise_days"], found["other_days"], found["way"]) == (2.0, pytest.approx(1 / 3), "home, van")
    assert (found["way_share"], found["orders_each"], found["cut_off"]) == (pytest.approx(2 / 3), 2.0, 24)


def test_stock_for_a_share_is_the_sum_of_its_articles():
    """Demand 10 with deviation 2 in five calm counts of one article; one that was always sold out tells nothing."""
    calm = pd.DataFrame(
        {"site_id": "S", "product_id": "x", "category": "tea", "stocked_out": False, "sold": [8, 12, 8, 12, 10],
         "goods": 500, "pieces": 10}
    )  # fmt: skip
    gone = calm.assign(product_id="y", stocked_out=True)
    found = strategy.stock_for(pd.concat([calm, gone]), shares=(0.95,)).iloc[0]
    assert (found["n"], found["sold"], found["out"]) == (1, 10.0, 0.0)
    spread = float(np.std([8, 12, 8, 12, 10], ddof=1))
    assert found["level 0.95"] == pytest.approx(stock.level_for(0.95, mean=10, deviation=spread, lead=0))

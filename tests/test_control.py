"""Control charts: published limits, each rule of Nelson, and what they do on noise and on a step."""

import numpy as np
import pandas as pd
import pytest

from toolkit import control
from toolkit.errors import DataError

# NIST/SEMATECH e-Handbook of Statistical Methods 6.3.2.2: flow rates of ten batches
NIST = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
# Montgomery, Introduction to Statistical Quality Control, example 7.1: cans that leak, of 50
ORANGE = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]


def _cans(counts):
    return pd.DataFrame({"value": np.array(counts) / 50, "n": 50})


def _rng(seed=20261130):
    return np.random.default_rng(seed)


def test_xmr_gives_the_limits_of_the_handbook():
    found = control.limits(pd.DataFrame({"value": NIST}), kind="values").iloc[0]
    assert found[["centre", "low", "high"]].round(4).tolist() == [50.81, 45.8159, 55.8041]  # 3 x 1.8778 / 1.128
    assert found["spread"] == pytest.approx(1.8778 / 1.128, abs=1e-4)


def test_p_chart_gives_montgomerys_limits_and_signals():
    found = control.limits(_cans(ORANGE), kind="shares")
    assert found["spread"].iloc[0] > 1  # sum of z^2 = 56.8, chi-square of 29 at 95 %: 42.6
    unit = np.sqrt(0.2313333 * (1 - 0.2313333) / 50)
    assert found["centre"].iloc[0] == pytest.approx(347 / 1500)
    plain = 0.2313333 + np.array([-3, 3]) * unit
    assert plain.round(7).tolist() == [0.0524275, 0.4102391]  # qcc 2.7
    z = (found["value"] - found["centre"]) / unit
    assert (np.flatnonzero(abs(z) > 3) + 1).tolist() == [15, 23]
    width = (found["high"] - found["centre"]) / (3 * found["spread"])
    assert width.to_numpy() == pytest.approx(unit, abs=1e-7)  # p' is p times sigma z


def test_p_chart_without_too_much_spread_is_the_plain_one():
    without = [count for at, count in enumerate(ORANGE, 1) if at not in (15, 23)]
    found = control.limits(_cans(without[:10]), kind="shares")
    p = sum(without[:10]) / 500
    half = 3 * (p * (1 - p) / 50) ** 0.5
    assert found["spread"].iloc[0] == 1
    assert found[["low", "high"]].iloc[0].tolist() == pytest.approx([p - half, p + half])


def test_limits_are_never_narrower_than_those_of_a_p_chart():
    """A share that only ever rises spreads more than binomially, and its neighbours lie close together."""
    found = control.limits(pd.DataFrame({"value": np.linspace(0.80, 0.84, 18), "n": 2500}), kind="shares")
    assert (found["z"] ** 2).sum() > 27.6  # chi-square of 17 at 95 %
    assert found["spread"].iloc[0] == 1


def test_limits_of_a_net_share_are_those_of_its_three_classes():
    points = pd.DataFrame({"value": [0.25, 0.35], "n": 100, "second": [0.65, 0.75]})
    found = control.limits(points, kind="scores").iloc[0]
    half = 3 * ((0.7 - 0.3**2) / 100) ** 0.5  # p+ + p- = 0.7, p+ - p- = 0.3
    assert [found["low"], found["high"]] == pytest.approx([0.3 - half, 0.3 + half])


def test_sigma_z_of_laney_is_found_again():
    n, months, centre = 4000, 4000, 0.9
    moved = np.clip(centre + _rng().normal(0, 2 * (centre * 0.1 / n) ** 0.5, months), 0, 1)
    points = pd.DataFrame({"value": _rng(2).binomial(n, moved) / n, "n": n})
    assert control.limits(points, kind="shares")["spread"].iloc[0] == pytest.approx(5**0.5, rel=0.03)  # 1 + 2^2


def _ewma(z, weight):
    """What the drift of charts is held against, itself held against the handbook."""
    found, before = [], 0.0
    for each in z:
        before = weight * each + (1 - weight) * before
        found.append(before)
    return np.array(found)


def test_ewma_is_that_of_the_handbook():
    # NIST/SEMATECH 6.3.2.4: centre 50, s 2.0539, weight 0.3; limits 47.4115 and 52.5884
    data = [52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4,
            53.6, 52.1]  # fmt: skip
    told = [50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33, 50.11, 49.36, 49.52, 50.05, 49.38,
            49.92, 50.73, 51.23, 51.94, 51.99]  # fmt: skip
    found = 50 + _ewma(np.array(data) - 50, 0.3)
    assert found == pytest.approx(told, abs=0.006)
    assert pytest.approx(52.5884 - 50, abs=1e-3) == 3 * 2.0539 * (0.3 / 1.7) ** 0.5


VECTORS = {
    2: [0.2, 0.1, 0.3, 0.2, 0.4, 0.1, 0.2, 0.6, 0.3],
    3: [-0.5, -0.3, -0.1, 0.1, 0.3, 0.5],
    4: [0.1, -0.1] * 7,
    5: [2.1, 0, 2.2],
    6: [1.1, 1.2, 0, 1.3, 1.4],
    7: [0.5, -0.9, 0.2, 0.9, -0.3, 0.1, -0.6, 0.7, 0.4, -0.2, 0.8, -0.1, 0.3, -0.7, 0.6],
    8: [1.2, -1.1, 1.4, 1.6, -1.3, 1.1, -1.5, 1.2],
}


def test_rule_one_fires_at_the_month_beyond_three_sigma_only():
    quiet = [5.0, 6] * 5  # centre 5.5, a moving range of 1
    for z, expected in ((3.1, [False, False, True]), (2.9, [False] * 3), (-3.1, [False, False, True])):
        points = pd.DataFrame(
            {"value": [*quiet, 5.5, 5.5, 5.5 + z * 9.5 / 11 / 1.128]}
        )  # eleven ranges: nine of 1, .5, 0
        found = control.chart(points, kind="values").tail(3)
        assert found["z"].iloc[-1] == pytest.approx(z, abs=0.05)
        assert found["outside"].tolist() == expected


@pytest.mark.parametrize("rule", sorted(VECTORS))
def test_each_rule_of_nelson_fires_at_the_last_of_its_months_only(rule):
    z = np.array(VECTORS[rule])
    expected = [False] * (len(z) - 1) + [True]
    assert control.runs(z, rule).tolist() == expected
    assert control.runs(-z, rule).tolist() == expected
    assert not control.runs(z[1:], rule).any()
    assert control.runs(np.array([z, np.zeros_like(z)]), rule).any(axis=1).tolist() == [True, rule == 7]
    unjudged = np.array([np.r_[np.nan, z[1:]]])  # of several series at once, months before limits are no months
    assert not control.runs(unjudged, rule).any()
    gap = np.insert(z, 2, np.nan)  # a month that nobody knows
    assert control.runs(gap, rule).tolist() == [*expected[:2], False, *expected[2:]]


BREAKERS = {2: (8, -0.1), 3: (5, 0.2), 4: (13, 0.3), 5: (2, 1.9), 6: (4, 0.9), 7: (14, 1.1), 8: (7, 0.9)}


@pytest.mark.parametrize("rule", sorted(BREAKERS))
def test_no_rule_of_nelson_fires_where_one_month_is_otherwise(rule):
    at, value = BREAKERS[rule]
    z = np.array(VECTORS[rule])
    z[at] = value
    assert not control.runs(z, rule).any()


def test_eight_months_far_out_on_one_side_are_another_rule():
    assert not control.runs(abs(np.array(VECTORS[8])), 8).any()


def test_an_unknown_rule_is_refused():
    with pytest.raises(DataError) as refusal:
        control.chart(pd.DataFrame({"value": [1.0]}), kind="values", rules=[9, 1])
    assert str(refusal.value) == "chart: expected rules of Nelson among 2, 3, 4, 5, 6, 7, 8, found 1, 9."


def test_a_month_is_judged_by_the_months_before_it_and_never_again():
    points = pd.DataFrame({"value": _rng().normal(size=40)})
    whole = control.chart(points, kind="values", rules=[2, 7])
    for months in (5, 11, 20, 33):
        pd.testing.assert_frame_equal(
            control.chart(points.head(months), kind="values", rules=[2, 7]), whole.head(months)
        )
    assert whole["z"].isna().tolist() == [True] * 10 + [False] * 30
    own = control.limits(points.head(12), kind="values").iloc[0]  # none of them was outside
    assert whole.loc[12, ["centre", "low", "high"]].tolist() == pytest.approx(own[["centre", "low", "high"]].tolist())


def test_limits_are_frozen_after_18_months_and_months_outside_do_not_enter_them():
    rows = [5.0, 6] * 7 + [50, 5, 6, 5] + [5, 6] * 4  # the 15th month is outside
    found = control.chart(pd.DataFrame({"value": rows}), kind="values")
    assert found["n_before"].tolist() == [*range(15), 14, 15, 16, *[17] * 8]
    assert found["outside"].tolist() == [at == 14 for at in range(26)]
    base = [5.0, 6] * 7 + [5, 6, 5]  # without it
    own = control.limits(pd.DataFrame({"value": base}), kind="values").iloc[0]
    assert found["low"].iloc[-1] == found["low"].iloc[18] == pytest.approx(own["low"])


def test_drift_is_signalled_and_set_back():
    rows = [5.0, 6] * 9 + [6.6] * 12  # 1.24 sigma above the centre, inside all limits
    found = control.chart(pd.DataFrame({"value": rows}), kind="values")
    assert not found["outside"].any()
    z = found["z"].to_numpy()
    average = _ewma(z[10:], 0.2)  # judged from the eleventh month on
    width = 3 * (0.2 / 1.8 * (1 - 0.8 ** (2 * np.arange(1, 21)))) ** 0.5
    first = 10 + int(np.argmax(abs(average) > width))
    assert first > 18
    assert np.flatnonzero(found["drift"])[0] == first
    assert found["ewma"].iloc[10 : first + 1].tolist() == pytest.approx(average[: first - 9].tolist())
    assert found["ewma"].iloc[first + 1] == pytest.approx(0.2 * z[first + 1])  # begun anew


def test_where_nothing_ever_moved_any_other_month_is_outside():
    points = pd.DataFrame({"value": [1.0] * 12 + [0.9], "n": 50})
    found = control.chart(points, kind="shares")
    assert found["outside"].tolist() == [False] * 12 + [True]


def test_limits_are_cut_where_a_share_ends():
    points = pd.DataFrame({"value": [0.88, 1.0] * 6, "n": 100})
    found = control.chart(points, kind="shares").iloc[-1]
    assert found["high"] == 1
    assert 0.5 < found["low"] < 0.88
    net = points.assign(value=[0.9, 1.0] * 6, second=1.0)
    assert control.chart(net, kind="scores")["high"].iloc[-1] == 1
    sums = control.chart(points, kind="values").iloc[-1]
    assert sums["high"] > 1


def test_a_year_of_data_has_no_chart_until_ten_months_stand_before():
    found = control.chart(pd.DataFrame({"value": [1.0, 2.0, 1.5]}), kind="values")
    assert found[["centre", "low", "high", "z", "ewma"]].isna().all(axis=None)
    assert not (found["outside"] | found["drift"]).any()


@pytest.mark.parametrize(
    ("kind", "n", "p", "rules"),
    [
        ("values", 1, 0, []), ("values", 1, 0, [2, 5]), ("shares", 2500, 0.85, []), ("shares", 2500, 0.85, [2, 5]),
        ("shares", 60, 0.97, []), ("shares", 150, 0.99, []), ("scores", 2500, 0, []), ("scores", 40, 0, []),
    ],
)  # fmt: skip
def test_noise_gives_as_many_signals_as_are_told(kind, n, p, rules):
    """Other draws: 200 series of 27 months; what they signal is what each is told, within 3 standard errors."""
    rng, series, months, told, seen = np.random.default_rng(7), 200, 27, [], []
    for at in range(series):
        if kind == "values":
            points = pd.DataFrame({"value": rng.normal(70, 4, months)})
        elif kind == "shares":
            points = pd.DataFrame({"value": rng.binomial(n, p, months) / n, "n": n})
        else:
            counts = rng.multinomial(n, [0.55, 0.25, 0.2], months) / n
            points = pd.DataFrame({"value": counts[:, 0] - counts[:, 2], "n": n, "second": 1 - counts[:, 1]})
        found = control.chart(points, kind=kind, rules=rules)
        seen.append((found["outside"] | found["drift"] | (found["nelson"] != "")).sum())
        told.append(control.false_alarms(points, kind=kind, rng=_rng(at), rules=rules, draws=100).sum())
    away = np.mean(seen) - np.mean(told)
    assert abs(away) < 3 * np.hypot(np.std(seen), np.std(told)) / series**0.5  # signals of one series come together
    assert np.mean(told) < 0.6


def test_a_share_is_judged_where_five_of_its_rarer_kind_are_expected_or_seen():
    good = pd.DataFrame({"value": [1.0] * 12 + [0.9999, 0.98], "n": 10_000})
    found = control.chart(good, kind="shares")
    assert found["outside"].tolist() == [False] * 13 + [True]  # one of 10,000 is no signal, 200 are
    assert found["z"].notna().tolist() == [False] * 13 + [True]
    rare = pd.DataFrame({"value": [0.96, 1.0] * 7, "n": 50})  # one of fifty is expected
    assert control.chart(rare, kind="shares")["z"].isna().all()


@pytest.mark.parametrize("kind", ["values", "shares"])
def test_a_step_of_four_sigma_is_signalled_within_six_months(kind):
    rng, caught, n = _rng(9), 0, 2500
    for _ in range(100):
        step = np.r_[np.zeros(18), np.full(6, 4.0)]
        if kind == "values":
            points = pd.DataFrame({"value": rng.normal(size=24) + step})
        else:
            p = 0.85 - step * (0.85 * 0.15 / n) ** 0.5
            points = pd.DataFrame({"value": rng.binomial(n, p) / n, "n": n})
        found = control.chart(points, kind=kind)
        caught += bool((found["outside"] | found["drift"])[18:].any())
    assert caught >= 95

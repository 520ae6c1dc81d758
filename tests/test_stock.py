"""Are stock policies what their literature says? Expected numbers by stockpyl 1.0.2 where marked [R]."""

import itertools

import numpy as np
import pytest
from scipy.stats import poisson

from toolkit import stock
from toolkit.errors import DataError


def test_economic_order_quantity():
    found = stock.order_quantity(1300, fixed=8, holding=0.225)
    assert found == pytest.approx((304.0467800264, 68.4105255059), abs=1e-9)  # [R]


def test_newsvendor():
    found = stock.newsvendor(50, 8, over=0.18, under=0.70)
    assert found == pytest.approx((56.6039559274, 1.9976051932), abs=1e-9)  # [R]


def test_best_reorder_levels_of_the_reference():
    s, up_to, cost = stock.reorder_levels(6, fixed=5, holding=1, backorder=4)
    assert (s, up_to) == (4, 10)
    assert cost == pytest.approx(8.034111561471642, abs=1e-10)  # [R]


@pytest.mark.parametrize(("rate", "fixed", "backorder"), [(0.7, 3, 9), (2.5, 0.5, 2), (4, 20, 19)])
def test_no_other_levels_cost_less(rate, fixed, backorder):
    """Against the cost of every (s, S) nearby, by the stationary distribution of the stock after ordering."""
    s, up_to, cost = stock.reorder_levels(rate, fixed=fixed, holding=1, backorder=backorder)

    def by_markov(low: int, high: int) -> float:
        states = np.arange(low + 1, high + 1)
        move = np.zeros((len(states), len(states)))
        for at, held in enumerate(states):
            for demand in range(200):
                left = held - demand
                move[at, (left if left > low else high) - low - 1] += poisson.pmf(demand, rate)
        shares = np.linalg.matrix_power(move, 2**14)[0]
        demand = np.arange(200)
        chance = poisson.pmf(demand, rate)
        total = 0.0
        for share, held in zip(shares, states, strict=True):
            left = held - demand
            total += share * (chance @ (np.maximum(left, 0) + backorder * np.maximum(-left, 0)))
            total += share * fixed * chance[left <= low].sum()
        return total

    assert cost == pytest.approx(by_markov(s, up_to), abs=1e-8)
    others = [by_markov(a, b) for a, b in itertools.product(range(s - 2, s + 3), range(up_to - 3, up_to + 4)) if a < b]
    assert cost <= min(others) + 1e-8


def test_simulated_cost_is_the_exact_one():
    """Half a per cent, docs/METHODS.md section 5.7: 2,000 replications of 1,000 periods."""
    demand = np.random.default_rng(1).poisson(6, (2000, 1100))
    found = stock.simulated(4, 10, demand, fixed=5, holding=1, backorder=4)
    assert found.cost == pytest.approx(8.034111561471642, rel=0.005)
    assert abs(found.cost - 8.034111561471642) < 3 * found.cost_half
    one_less = stock.simulated(3, 10, demand, fixed=5, holding=1, backorder=4)
    assert one_less.cost == pytest.approx(8.159, rel=0.005)  # stockpyl, simulated


def test_fill_rates_by_formula_and_by_simulation():
    level = 150 + 12 * np.sqrt(3)
    alpha, beta = stock.fill_rates(level, mean=50, deviation=10, lead=2)
    assert (alpha, beta) == pytest.approx((0.8849303, 0.9805656), abs=1e-7)
    demand = np.random.default_rng(2).normal(50, 10, (400, 1100))
    found = stock.simulated(level, level, demand, lead=2)
    assert (found.alpha, found.beta) == pytest.approx((alpha, beta), abs=0.003)


def test_level_for_a_share_is_the_inverse_of_the_share():
    for beta in (0.5, 0.9, 0.999):
        level = stock.level_for(beta, mean=20, deviation=8, lead=1, review=2)
        assert stock.fill_rates(level, mean=20, deviation=8, lead=1, review=2)[1] == pytest.approx(beta, abs=1e-9)


def test_a_stock_by_hand():
    """S = 5, lead 1: 5 - 3 = 2; 3 are ordered and not yet there, 2 - 3 = -1; they arrive, 2 - 0 = 2."""
    demand = np.tile([3.0, 3.0, 0.0], (20, 1))
    found = stock.simulated(5, 5, demand, lead=1, holding=1, backorder=7, warm_up=0)
    assert (found.cost, found.alpha, found.beta) == pytest.approx(((2 + 7 + 2) / 3, 2 / 3, 5 / 6))


def test_refusals():
    with pytest.raises(DataError, match=r"^newsvendor: expected numbers above 0, found over 0\.$"):
        stock.newsvendor(5, 1, over=0, under=1)
    with pytest.raises(DataError, match=r"expected 20 replications or more of over 100 periods, found 3 of 200\.$"):
        stock.simulated(1, 2, np.zeros((3, 200)))
    with pytest.raises(DataError, match=r"^level_for: expected a share between 0 and 1, found 1\.5\.$"):
        stock.level_for(1.5, mean=5, deviation=1, lead=0)

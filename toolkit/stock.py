"""How much stock serves how well, at what cost? Single-item policies, exact and simulated. Knows no column of ours."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, poisson

from toolkit.errors import DataError

_TAIL = 1e-15  # probability beyond which demand is not looked at
_ROOT_2, _ROOT_TAU = (
    math.sqrt(2),
    math.sqrt(math.tau),
)  # the normal's own: scipy's norm is a hundred times slower a call


@dataclass(frozen=True)
class Outcome:
    """What a stock policy did: means a period with half a 95 % interval, over batches of replications.

    Attributes
    ----------
    cost, cost_half
        Of holding, backorders and ordering, a period, in the unit of the costs that were given.
    alpha, alpha_half
        Share of periods (0-1) without a backorder.
    beta, beta_half
        Share of demand (0-1) served from stock.

    Notes
    -----
    docs/METHODS.md section 5.7. Each replication is a batch of its own; normal quantile, so poor with few of them.

    Examples
    --------
    The exact cost of this policy is 8.0341 a period (``reorder_levels``):

    >>> found = simulated(4, 10, np.random.default_rng(1).poisson(6, (400, 300)), fixed=5, holding=1, backorder=4)
    >>> round(found.cost, 1), bool(abs(found.cost - 8.0341) < found.cost_half < 0.1)
    (8.0, True)
    """

    cost: float
    cost_half: float
    alpha: float
    alpha_half: float
    beta: float
    beta_half: float


def order_quantity(demand: float, *, fixed: float, holding: float) -> tuple[float, float]:
    """Economic order quantity, and its cost in the time that ``demand`` and ``holding`` are of.

    Parameters
    ----------
    demand, fixed, holding
        Pieces in a time, cost of an order, cost of a piece held for that time; all above 0.

    Returns
    -------
    tuple
        Pieces an order, and the cost of ordering and holding in that time.

    Raises
    ------
    DataError
        If one of the three is not above 0.

    Notes
    -----
    docs/METHODS.md section 5.7. Harris 1913.

    Examples
    --------
    >>> [round(value, 4) for value in order_quantity(1300, fixed=8, holding=0.225)]
    [304.0468, 68.4105]
    """
    _above_zero("order_quantity", demand=demand, fixed=fixed, holding=holding)
    return float(np.sqrt(2 * fixed * demand / holding)), float(np.sqrt(2 * fixed * demand * holding))


def newsvendor(mean: float, deviation: float, *, over: float, under: float) -> tuple[float, float]:
    """Best stock for one season of normal demand, and its expected cost.

    Parameters
    ----------
    mean, deviation
        Of demand, pieces; the deviation above 0.
    over, under
        Cost of a piece left over, and of a piece that was missing; above 0.

    Returns
    -------
    tuple
        Pieces to have at the begin of the season, and the expected cost of those left over and those missing.

    Raises
    ------
    DataError
        If ``deviation``, ``over`` or ``under`` is not above 0.

    Notes
    -----
    docs/METHODS.md section 5.7. Poor where demand is far from normal.

    Examples
    --------
    >>> [round(value, 4) for value in newsvendor(50, 8, over=0.18, under=0.70)]
    [56.604, 1.9976]

    Where both cost alike, the mean is best:

    >>> round(newsvendor(50, 8, over=1, under=1)[0], 4)
    50.0
    """
    _above_zero("newsvendor", deviation=deviation, over=over, under=under)
    z = float(norm.ppf(under / (under + over)))
    return mean + z * deviation, float((over + under) * norm.pdf(z) * deviation)


def fill_rates(level: float, *, mean: float, deviation: float, lead: int, review: int = 1) -> tuple[float, float]:
    """Service of an order-up-to level: share of reviews without backorders (alpha), of pieces from stock (beta).

    Parameters
    ----------
    level
        Stock position that is ordered up to at each review, pieces.
    mean, deviation
        Of normal demand a period, independent between periods; above 0.
    lead, review
        Periods from order to arrival (0 or more), and from review to review (1 or more).

    Returns
    -------
    tuple
        Alpha and beta, shares (0-1).

    Raises
    ------
    DataError
        If ``mean``, ``deviation`` or ``review`` is not above 0.

    Notes
    -----
    docs/METHODS.md section 5.7. Beta by backorders at the end of a cycle less those at its begin (Silver, Pyke and
    Thomas, *Inventory and Production Management*, 2017, section 7.9). Poor where demand is far from normal.

    Examples
    --------
    >>> [round(value, 7) for value in fill_rates(150 + 12 * 3**0.5, mean=50, deviation=10, lead=2)]
    [0.8849303, 0.9805656]

    Ordered up to the mean of lead and review, half of the reviews end without a backorder:

    >>> fill_rates(150, mean=50, deviation=10, lead=2)[0]
    0.5
    """
    _above_zero("fill_rates", mean=mean, deviation=deviation, review=review)

    def missing(periods: int) -> float:
        spread = deviation * math.sqrt(periods)
        if not spread:
            return max(-level, 0.0)
        z = (level - mean * periods) / spread
        return spread * (math.exp(-z * z / 2) / _ROOT_TAU - z * math.erfc(z / _ROOT_2) / 2)

    z = (level - mean * (lead + review)) / (deviation * math.sqrt(lead + review))
    alpha = math.erfc(-z / _ROOT_2) / 2
    return alpha, 1 - (missing(lead + review) - missing(lead)) / (mean * review)


def level_for(beta: float, *, mean: float, deviation: float, lead: int, review: int = 1) -> float:
    """The smallest order-up-to level, pieces, with at least this share of pieces from stock; see ``fill_rates``.

    Parameters
    ----------
    beta
        Share of pieces from stock, between 0 and 1.
    mean, deviation, lead, review
        As in ``fill_rates``.

    Raises
    ------
    DataError
        If ``beta`` is not between 0 and 1, or where ``fill_rates`` raises it.

    Notes
    -----
    docs/METHODS.md section 5.7. Not below 0.

    Examples
    --------
    >>> round(level_for(0.9805656, mean=50, deviation=10, lead=2), 2)
    170.78
    """
    if not 0 < beta < 1:
        raise DataError(f"level_for: expected a share between 0 and 1, found {beta}.")
    low, high = 0.0, mean * (lead + review) + 12 * deviation * np.sqrt(lead + review)
    for _ in range(80):
        middle = (low + high) / 2
        short = fill_rates(middle, mean=mean, deviation=deviation, lead=lead, review=review)[1] < beta
        low, high = (middle, high) if short else (low, middle)
    return float(high)


def reorder_levels(
    rate: float, *, fixed: float, holding: float, backorder: float, lead: int = 0
) -> tuple[int, int, float]:
    """The best (s, S) for Poisson demand, reviewed each period, and its cost a period, exactly.

    Parameters
    ----------
    rate
        Mean demand a period, pieces; above 0.
    fixed, holding, backorder
        Cost of an order; of a piece held, and of a piece owed, at the end of a period; above 0.
    lead
        Periods from order to arrival, 0 or more.

    Returns
    -------
    tuple
        s (order if the stock position is not above it), S (order up to it), both pieces, and the mean cost a period.

    Raises
    ------
    DataError
        If ``rate`` or a cost is not above 0.

    Notes
    -----
    docs/METHODS.md section 5.7. Zheng and Federgruen, *Operations Research* 39(4), 1991; order of events: review,
    order, receive, demand, cost.

    Examples
    --------
    >>> s, S, cost = reorder_levels(6, fixed=5, holding=1, backorder=4)
    >>> s, S, round(cost, 7)
    (4, 10, 8.0341116)
    """
    _above_zero("reorder_levels", rate=rate, fixed=fixed, holding=holding, backorder=backorder)
    costs = _period_cost(rate * (lead + 1), holding, backorder)
    best = int(poisson.ppf(backorder / (backorder + holding), rate * (lead + 1)))
    most = best + int(np.ceil(rate * (lead + 1) + 20 * np.sqrt(rate * (lead + 1)) + fixed / holding)) + 20
    renewals = _renewals(rate, 2 * most)
    whole = np.cumsum(renewals)

    def cost(s: int, up_to: int) -> float:
        gap = up_to - s
        return (fixed + sum(renewals[j] * costs(up_to - j) for j in range(gap))) / whole[gap - 1]

    s = up_to = best
    s -= 1
    while cost(s, up_to) > costs(s):
        s -= 1
    least, trial = cost(s, up_to), up_to + 1
    while costs(trial) <= least:
        if cost(s, trial) < least:
            up_to = trial
            while cost(s, up_to) <= costs(s + 1):
                s += 1
            least = cost(s, up_to)
        trial += 1
    return s, up_to, float(least)


def _period_cost(mean: float, holding: float, backorder: float) -> Callable[[int], float]:
    """Expected cost at the end of a period that began with a stock of y."""
    demand = np.arange(int(poisson.isf(_TAIL, mean)) + 2)
    chance = poisson.pmf(demand, mean)
    known: dict[int, float] = {}

    def cost(y: int) -> float:
        if y not in known:
            left = y - demand
            known[y] = float(chance @ (holding * np.maximum(left, 0) + backorder * np.maximum(-left, 0)))
        return known[y]

    return cost


def _renewals(rate: float, count: int) -> np.ndarray:
    """Expected visits of each stock position below S before the next order."""
    chance = poisson.pmf(np.arange(count), rate)
    found = np.zeros(count)
    found[0] = 1 / (1 - chance[0])
    for j in range(1, count):
        found[j] = found[0] * (chance[1 : j + 1] @ found[j - 1 :: -1])
    return found


def simulated(
    s: float,
    up_to: float,
    demand: np.ndarray,
    *,
    lead: int = 0,
    fixed: float = 0.0,
    holding: float = 0.0,
    backorder: float = 0.0,
    warm_up: int = 100,
) -> Outcome:
    """What an (s, S) policy does with a given demand; with ``s = S`` it orders up to S each period.

    Order of events in a period: review, order, receive what was ordered ``lead`` periods ago, demand, cost. What is
    missing is owed. The first period begins with a stock of S.

    Parameters
    ----------
    s, up_to
        Order up to ``up_to`` if the stock position is not above ``s``; pieces.
    demand
        Pieces, one row a replication and one column a period; at least 20 rows, the batches of the intervals.
    lead
        Periods from order to arrival, 0 or more.
    fixed, holding, backorder
        As in ``reorder_levels``; 0 leaves a cost out.
    warm_up
        First periods that are not counted.

    Returns
    -------
    Outcome
        Cost a period, alpha and beta, each with half its interval; beta is 0 where nothing was asked for.

    Raises
    ------
    DataError
        If there are fewer than 20 replications, or no period after the first ones.

    Notes
    -----
    docs/METHODS.md section 5.7.

    Examples
    --------
    Three periods end with 5 - 3 = 2 pieces, 2 - 3 = -1 (3 are on their way), and 2 when they have come: one of three
    with a backorder, one of six pieces owed, cost (2 + 7 + 2) / 3.

    >>> demand = np.tile([3.0, 3.0, 0.0], (20, 1))
    >>> found = simulated(5, 5, demand, lead=1, holding=1, backorder=7, warm_up=0)
    >>> round(found.cost, 4), round(found.alpha, 4), round(found.beta, 4)
    (3.6667, 0.6667, 0.8333)
    """
    rows, periods = demand.shape
    if rows < 20 or periods <= warm_up:
        raise DataError(
            f"simulated: expected 20 replications or more of over {warm_up} periods, found {rows} of {periods}."
        )
    level, coming = np.full(rows, float(up_to)), np.zeros((lead + 1, rows))
    position = level.copy()
    cost, kept, served = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    for period in range(periods):
        ordered = np.where(position <= s, up_to - position, 0.0)
        position += ordered
        coming[period % (lead + 1)] = ordered
        level += coming[(period + 1) % (lead + 1)]
        asked, held = demand[:, period], level
        level = held - asked
        position = position - asked
        if period >= warm_up:
            cost += fixed * (ordered > 0) + holding * np.maximum(level, 0) + backorder * np.maximum(-level, 0)
            kept += level >= 0
            served += np.minimum(asked, np.maximum(held, 0))
    counted = periods - warm_up
    means = cost / counted, kept / counted, served / np.maximum(demand[:, warm_up:].sum(axis=1), 1e-12)
    halves = [1.959964 * float(each.std(ddof=1)) / np.sqrt(rows) for each in means]
    values = [value for each, half in zip(means, halves, strict=True) for value in (float(each.mean()), half)]
    return Outcome(*values)


def _above_zero(where: str, **values: float) -> None:
    wrong = [f"{name} {value}" for name, value in values.items() if not value > 0]
    if wrong:
        raise DataError(f"{where}: expected numbers above 0, found {', '.join(wrong)}.")

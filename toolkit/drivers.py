"""What moves an ordered outcome, and by how much? Knows no column of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb
from statistics import NormalDist

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy.special import expit, ndtr
from scipy.stats import t as student

from toolkit.errors import DataError, first_five

_STEPS, _CLOSE = 60, 1e-9
_FAR = 18  # log-odds between the ends of a driver: it leaves no doubt, and no finite maximum exists


class SeparationError(DataError):
    """A driver tells the outcome apart perfectly: no finite maximum exists. ``driver`` names it.

    Parameters
    ----------
    driver
        Name of the column.

    Notes
    -----
    docs/METHODS.md section 2.5: ``satisfaction.failures`` leaves such a column out with its answers and fits again.

    Examples
    --------
    >>> try:
    ...     ordered_logit([0, 0, 1, 1], pd.DataFrame({"size": [1, 2, 1, 2], "late": [0, 0, 1, 1]}))
    ... except SeparationError as error:
    ...     print(error.driver)
    late
    """

    def __init__(self, driver: str):
        super().__init__(
            f"ordered_logit: expected drivers that leave some doubt, found {driver!r}, which tells the outcome apart "
            "perfectly. Leave it out, or bring more answers."
        )
        self.driver = driver


@dataclass(frozen=True, eq=False)
class OrderedLogit:
    """A fitted proportional-odds model, P(Y <= j) = F(cut_j - x b). Made by ``ordered_logit``.

    Attributes
    ----------
    drivers
        Names of the columns of x.
    levels
        Values of the outcome, lowest first.
    coefficients, cuts
        b, one a driver; the thresholds between levels, rising.
    covariance
        Of coefficients and cuts together; the sandwich summed by cluster where clusters
        were given, else the inverse of the information.
    log_likelihood
        At the maximum.
    n, n_clusters
        Outcomes and clusters that were used.

    Notes
    -----
    docs/METHODS.md section 2.5. A coefficient below 0 lowers the outcome; exp of it is the ratio of the odds of more.

    Examples
    --------
    Half of those in time answered 3, of those late a quarter: the odds fall from 1 to 1/3, the coefficient is log(1/3).

    >>> model = ordered_logit([3, 3, 2, 1, 3, 2, 1, 1], pd.DataFrame({"late": [0, 0, 0, 0, 1, 1, 1, 1]}))
    >>> model.table.round(3)
      driver  coefficient     se
    0   late       -1.099  1.354
    >>> model.levels, round(model.log_likelihood, 3), model.n  # 4 log(1/2) + 4 log(1/4)
    ((1, 2, 3), -8.318, 8)
    >>> expit(model.cuts).round(2).tolist()  # of those in time a quarter answered 1, half of them 1 or 2
    [0.25, 0.5]
    """

    drivers: tuple[str, ...]
    levels: tuple[float, ...]
    coefficients: np.ndarray
    cuts: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    n: int
    n_clusters: int

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a driver: ``driver``, ``coefficient`` (log-odds a unit of the driver), ``se`` (its error)."""
        errors = np.sqrt(np.diag(self.covariance))[: len(self.drivers)]
        return pd.DataFrame({"driver": self.drivers, "coefficient": self.coefficients, "se": errors})

    def probabilities(self, drivers: pd.DataFrame) -> pd.DataFrame:
        """Probability (0-1) of each level.

        Parameters
        ----------
        drivers
            The columns of the model's ``drivers``; others are not looked at.

        Returns
        -------
        DataFrame
            One row a row of ``drivers``, with its index; one column a level, named by it. A row sums to 1.

        Notes
        -----
        docs/METHODS.md section 2.5.

        Examples
        --------
        >>> model = ordered_logit([3, 3, 2, 1, 3, 2, 1, 1], pd.DataFrame({"late": [0, 0, 0, 0, 1, 1, 1, 1]}))
        >>> model.probabilities(pd.DataFrame({"late": [0, 1]})).round(2)
              1     2     3
        0  0.25  0.25  0.50
        1  0.50  0.25  0.25
        """
        below = expit(self.cuts - self._linear(drivers)[:, None])
        edges = np.column_stack([np.zeros(len(below)), below, np.ones(len(below))])
        return pd.DataFrame(np.diff(edges, axis=1), columns=list(self.levels), index=drivers.index)

    def effect(
        self, without: pd.DataFrame, given: pd.DataFrame, *, points: Sequence[float], confidence: float = 0.95
    ) -> dict[str, float]:
        """Mean points of the rows ``given`` minus those of the same rows ``without``.

        Parameters
        ----------
        without, given
            The same rows twice, with the drivers as they would have been and as they were.
        points
            What each level counts, in the order of ``levels``, such as -100, 0, 100.
        confidence
            Coverage of the interval, between 0 and 1.

        Returns
        -------
        dict
            ``effect``, ``effect_low``, ``effect_high`` in points; delta method over
            coefficients and cuts. Missing without rows.

        Notes
        -----
        docs/METHODS.md section 2.5. The rows are held: the interval is that of the model alone.

        Examples
        --------
        In time 50 per cent answered 3 and 25 per cent 1, late the other way round: from 25 points to -25.

        >>> model = ordered_logit([3, 3, 2, 1, 3, 2, 1, 1], pd.DataFrame({"late": [0, 0, 0, 0, 1, 1, 1, 1]}))
        >>> late = pd.DataFrame({"late": [1, 1, 1, 1]})
        >>> found = model.effect(late.assign(late=0), late, points=[-100, 0, 100])
        >>> {name: round(value) for name, value in found.items()}
        {'effect': -50, 'effect_low': -165, 'effect_high': 65}
        """
        if given.empty:
            return dict.fromkeys(["effect", "effect_low", "effect_high"], float("nan"))
        points = np.asarray(points, dtype="float64")
        steps = -np.diff(points)

        def scored(rows: pd.DataFrame) -> tuple[float, np.ndarray]:
            x = rows[list(self.drivers)].to_numpy(dtype="float64")
            below = expit(self.cuts - (x @ self.coefficients)[:, None])
            slope = steps * below * (1 - below)
            value = points[-1] + (below @ steps).mean()
            return value, np.append(-(slope.sum(axis=1)[:, None] * x).mean(axis=0), slope.mean(axis=0))

        (high, high_slope), (low, low_slope) = scored(given), scored(without)
        slope = high_slope - low_slope
        half = NormalDist().inv_cdf((1 + confidence) / 2) * float(np.sqrt(slope @ self.covariance @ slope))
        value = float(high - low)
        return {"effect": value, "effect_low": value - half, "effect_high": value + half}

    def _linear(self, drivers: pd.DataFrame) -> np.ndarray:
        return drivers[list(self.drivers)].to_numpy(dtype="float64") @ self.coefficients


def ordered_logit(
    outcome: Sequence[float], drivers: pd.DataFrame, *, clusters: Sequence[object] | None = None
) -> OrderedLogit:
    """Proportional-odds model of an ordered outcome, at its one maximum of likelihood.

    Parameters
    ----------
    outcome
        One value a row, in the order that numbers have.
    drivers
        Numeric columns, one row a value of the outcome, none missing, none constant, none that
        follows from the others (``independent`` leaves such columns out).
    clusters
        Who a row belongs to; rows of one cluster need not be independent. One cluster alone tells no error: missing.

    Returns
    -------
    OrderedLogit
        The fitted model: ``table``, ``probabilities``, ``effect``.

    Raises
    ------
    DataError
        If the outcome has one level only, a driver is missing somewhere, or (``SeparationError``) a
        driver tells the outcome apart perfectly, so that no finite maximum exists.

    Notes
    -----
    McCullagh, JRSS B 42(2), 1980; Newton's method with analytic gradient and Hessian, halved
    steps; clusters after Liang and Zeger, Biometrika 73(1), 1986, times G/(G-1) (N-1)/(N-K).
    docs/METHODS.md section 2.5.

    Examples
    --------
    >>> x = pd.DataFrame({"late": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> ordered_logit([3, 3, 2, 1, 3, 2, 1, 1], x).table.round(3)
      driver  coefficient     se
    0   late       -1.099  1.354

    Two answers of one customer, much alike, tell less than answers of two:

    >>> ordered_logit([3, 3, 2, 1, 3, 2, 1, 1], x, clusters=[1, 1, 2, 2, 3, 3, 4, 4]).table.round(3)
      driver  coefficient     se
    0   late       -1.099  2.277
    """
    values, x = np.asarray(outcome), drivers.to_numpy(dtype="float64")
    levels, y = np.unique(values, return_inverse=True)
    if len(levels) < 2:
        raise DataError(f"ordered_logit: expected an outcome of two levels or more, found {len(levels)}.")
    if not np.isfinite(x).all():
        raise DataError(f"ordered_logit: expected drivers without gaps, found {(~np.isfinite(x)).sum()} gaps.")
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 0, scale, 1)
    x, p = (x - centre) / scale, x.shape[1]
    held = y[:, None] == np.arange(len(levels))
    sides = [np.column_stack([-x, ends]) for ends in (held[:, :-1], held[:, 1:])]
    shares = np.cumsum(np.bincount(y))[:-1] / len(y)
    theta = np.append(np.zeros(p), np.log(shares / (1 - shares)))
    likelihood, rows = _likelihood(theta, x, y)
    for _ in range(_STEPS):
        scores, information = _derivatives(rows, sides)
        gradient = scores.sum(axis=0)
        step = np.linalg.solve(information, gradient)
        if gradient @ step < _CLOSE:  # twice the log-likelihood still to gain
            break
        found, size = _likelihood(theta + step, x, y), 1.0
        while found[0] < likelihood and size > _CLOSE:
            size /= 2
            found = _likelihood(theta + size * step, x, y)
        theta, (likelihood, rows) = theta + size * step, found
    reach = np.abs(theta[:p]) * np.ptp(x, axis=0)
    if reach.max(initial=0) > _FAR or gradient @ step >= _CLOSE:
        raise SeparationError(drivers.columns[int(reach.argmax())])
    covariance, groups = np.linalg.inv(information), len(y)
    if clusters is not None:
        summed = _by_cluster(scores, clusters)
        groups = len(summed)
        small = _few_clusters(groups) * (len(y) - 1) / max(len(y) - len(theta), 1)
        covariance = small * covariance @ (summed.T @ summed) @ covariance
    back = np.eye(len(theta))  # from standardised drivers to the drivers themselves
    back[:p, :p] = np.diag(1 / scale)
    back[p:, :p] = centre / scale
    theta = back @ theta
    return OrderedLogit(
        drivers=tuple(drivers.columns),
        levels=tuple(levels.tolist()),
        coefficients=theta[:p],
        cuts=theta[p:],
        covariance=back @ covariance @ back.T,
        log_likelihood=float(likelihood),
        n=len(y),
        n_clusters=groups,
    )


def _likelihood(theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, tuple[np.ndarray, ...]]:
    """Log-likelihood, and per row the distribution function at its upper and lower cut, and the probability."""
    p = x.shape[1]
    if (np.diff(theta[p:]) <= 0).any():
        return -np.inf, ()
    linear = x @ theta[:p]
    upper, lower = np.append(theta[p:], np.inf)[y] - linear, np.append(-np.inf, theta[p:])[y] - linear
    flip = np.where(upper + lower > 0, -1.0, 1.0)  # both near 1 would cancel; both near 0 do not
    chance = np.maximum(np.abs(expit(flip * upper) - expit(flip * lower)), 1e-300)
    return float(np.log(chance).sum()), (expit(upper), expit(lower), chance)


def _derivatives(rows: tuple[np.ndarray, ...], sides: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of each row, and the information (minus the Hessian), over coefficients and cuts.

    ``sides``: slopes of a row's upper and lower end; at the infinite ends ``up`` and ``down`` are 0.
    """
    upper, lower, chance = rows
    up, down = upper * (1 - upper) / chance, -lower * (1 - lower) / chance
    seconds = up * (1 - 2 * upper) - up**2, down * (1 - 2 * lower) - down**2
    own = sum(side.T @ (second[:, None] * side) for side, second in zip(sides, seconds, strict=True))
    both = sides[0].T @ ((-up * down)[:, None] * sides[1])
    return up[:, None] * sides[0] + down[:, None] * sides[1], -(own + both + both.T)


def from_formula(formula: str, rows: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    """Outcome and drivers of a formula, as the functions of this module take them: numbers, without a constant.

    Parameters
    ----------
    formula
        As statsmodels takes it: ``"value ~ late + C(segment)"``.
    rows
        Any frame; a row with a gap in one of the columns is left out.

    Returns
    -------
    Series, DataFrame
        The outcome, and one column a driver, both on the index of the rows that are used. Flags count 0 and 1; a
        category has a column for each value but the first.

    Notes
    -----
    A formula that does not read, or names what is no column, gets statsmodels' own error. Wilkinson and Rogers,
    Applied Statistics 22(3), 1973. docs/METHODS.md section 2.5.

    Examples
    --------
    >>> answers = pd.DataFrame({"value": [1, 0, -1, 1], "late": [False, True, True, None], "segment": list("abab")})
    >>> outcome, x = from_formula("value ~ late + C(segment)", answers)
    >>> x
       C(segment)[T.b]  late
    0              0.0   0.0
    1              1.0   1.0
    2              0.0   1.0
    >>> outcome.tolist()
    [1.0, 0.0, -1.0]
    """
    from statsmodels.regression.linear_model import OLS  # no report needs it

    known = rows.convert_dtypes()
    numbers = [name for name, kind in known.dtypes.items() if is_numeric_dtype(kind)]  # flags among them
    model = OLS.from_formula(formula, known.astype(dict.fromkeys(numbers, "float64")))
    used = pd.DataFrame(model.exog, index=model.data.row_labels, columns=model.exog_names)
    return pd.Series(model.endog, index=used.index, name=model.endog_names), used.drop(columns="Intercept")


def independent(drivers: pd.DataFrame) -> list[str]:
    """Columns that vary and do not follow from those before them, in order.

    Parameters
    ----------
    drivers
        Numeric columns, none missing. Of columns that say the same the first is kept.

    Returns
    -------
    list
        Names of the columns kept.

    Notes
    -----
    Gram-Schmidt against a constant and the columns kept; docs/METHODS.md section 2.5.

    Examples
    --------
    >>> independent(pd.DataFrame({"a": [0, 1, 0, 1], "one": 1, "b": [1, 0, 1, 0], "c": [0, 0, 1, 1]}))
    ['a', 'c']
    """
    x = np.column_stack([np.ones(len(drivers)), drivers.to_numpy(dtype="float64")])
    basis, kept = np.zeros((len(x), 0)), []
    for column, name in enumerate([None, *drivers.columns]):
        rest = x[:, column] - basis @ (basis.T @ x[:, column])
        rest -= basis @ (basis.T @ rest)  # twice is enough
        length = np.linalg.norm(rest)
        if length > 1e-8 * max(np.linalg.norm(x[:, column]), 1e-300):
            basis = np.column_stack([basis, rest / length])
            kept += [name] if name is not None else []
    return kept


# -- least squares, importance -----------------------------------------------------------------


def least_squares(outcome: Sequence[float], drivers: pd.DataFrame, *, clusters: Sequence[object]) -> pd.DataFrame:
    """Least squares with a constant; errors summed by cluster, times G/(G-1) (N-1)/(N-K).

    Parameters
    ----------
    outcome
        One number a row.
    drivers
        As for ``ordered_logit``.
    clusters
        Who a row belongs to; one cluster alone tells no error: missing.

    Returns
    -------
    DataFrame
        One row the constant ("(constant)") and each driver: ``driver``, ``coefficient`` and ``se`` (in the outcome's
        unit, a unit of the driver).

    Raises
    ------
    DataError
        If a driver is constant or follows from those before it.

    Notes
    -----
    Liang and Zeger, Biometrika 73(1), 1986; docs/METHODS.md sections 2.5 and 2.10. Poor with few clusters.

    Examples
    --------
    >>> x = pd.DataFrame({"late": [0, 0, 1, 1]})
    >>> least_squares([10, 8, 4, 2], x, clusters=[1, 2, 3, 4]).round(3)
           driver  coefficient     se
    0  (constant)          9.0  1.000
    1        late         -6.0  1.414
    """
    _refuse_dependent("least_squares", drivers)
    coefficients, covariance = _least_squares(outcome, drivers, clusters)
    names = ["(constant)", *drivers.columns]
    return pd.DataFrame({"driver": names, "coefficient": coefficients, "se": np.sqrt(np.diag(covariance))})


def _least_squares(
    outcome: Sequence[float], drivers: pd.DataFrame, clusters: Sequence[object]
) -> tuple[np.ndarray, np.ndarray]:
    x, y = _design(drivers), np.asarray(outcome, dtype="float64")
    inverse = np.linalg.inv(x.T @ x)
    coefficients = inverse @ (x.T @ y)
    summed = _by_cluster(x * (y - x @ coefficients)[:, None], clusters)
    small = _few_clusters(len(summed)) * (len(x) - 1) / max(len(x) - x.shape[1], 1)
    return coefficients, small * inverse @ (summed.T @ summed) @ inverse


def _design(drivers: pd.DataFrame) -> np.ndarray:
    return np.column_stack([np.ones(len(drivers)), drivers.to_numpy(dtype="float64")])


def _by_cluster(rows: np.ndarray, clusters: Sequence[object] | None) -> np.ndarray:
    """Sums of rows by cluster; the rows themselves where there is none."""
    if clusters is None:
        return rows
    codes = pd.factorize(np.asarray(clusters))[0]
    return np.column_stack([np.bincount(codes, column) for column in rows.T])


def _few_clusters(groups: int) -> float:
    """G / (G - 1); missing for one cluster, whose summed scores are 0 and would tell an error of 0."""
    return groups / (groups - 1) if groups > 1 else np.nan


def _refuse_dependent(where: str, drivers: pd.DataFrame) -> None:
    kept = independent(drivers)
    left = [name for name in drivers.columns if name not in kept]
    if left:
        raise DataError(
            f"{where}: expected drivers that vary and do not follow from those before them, found {len(left)} that do: "
            f"{first_five(left)}. Leave them out."
        )


def inflation(drivers: pd.DataFrame) -> pd.DataFrame:
    """Variance inflation of each driver: how many times its variance grows because others go with it; 1: they do not.

    Parameters
    ----------
    drivers
        Numeric columns, none missing, at least one.

    Returns
    -------
    DataFrame
        One row a driver: ``driver``, ``vif`` (diagonal of the inverse correlation matrix, 1 or more).

    Raises
    ------
    DataError
        If a driver is constant or follows from those before it.

    Notes
    -----
    docs/METHODS.md section 2.5: above 10 drivers are not ranked by their effects.

    Examples
    --------
    The square of the correlation is 1/3, so that both are 1 / (1 - 1/3).

    >>> inflation(pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 0, 0, 1]})).round(3)
      driver  vif
    0      a  1.5
    1      b  1.5
    """
    _refuse_dependent("inflation", drivers)
    correlation = np.atleast_2d(np.corrcoef(drivers.to_numpy(dtype="float64"), rowvar=False))
    return pd.DataFrame({"driver": drivers.columns, "vif": np.diag(np.linalg.inv(correlation))})


_EXACT = 15  # drivers up to which all subsets are worked out


def importance(
    outcome: Sequence[float],
    drivers: pd.DataFrame,
    *,
    clusters: Sequence[object],
    rng: np.random.Generator,
    draws: int = 200,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Share of the outcome's variance that each driver explains; the shares sum to R2.

    Parameters
    ----------
    outcome
        One number a row.
    drivers
        As for ``ordered_logit``.
    clusters
        Who a row belongs to; the bootstrap draws clusters.
    rng, draws
        Of the bootstrap; without draws, or with one cluster alone, there is no interval.
    confidence
        Coverage of each interval (percentiles), between 0 and 1.

    Returns
    -------
    DataFrame
        One row a driver: ``driver``, ``importance`` with ends (0-1), ``share`` (of R2), ``sign`` (of its coefficient
        beside the others), ``method`` (LMG up to 15 drivers, else Johnson).

    Raises
    ------
    DataError
        If a driver is constant or follows from those before it.

    Notes
    -----
    Lindeman, Merenda and Gold, 1980; Johnson, Multivariate Behavioral Research 35, 2000; docs/METHODS.md section 2.6.
    Poor where drivers follow from each other: see ``inflation``.

    Examples
    --------
    The outcome is 2 a + b: variances of 4 to 1.

    >>> x = pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1]})
    >>> found = importance([0, 1, 2, 3], x, clusters=range(4), rng=np.random.default_rng(1), draws=0)
    >>> found["importance"].round(3).tolist()
    [0.8, 0.2]
    """
    _refuse_dependent("importance", drivers)
    z = np.column_stack([drivers.to_numpy(dtype="float64"), np.asarray(outcome, dtype="float64")])
    z -= z.mean(axis=0)
    split = _lmg if len(drivers.columns) <= _EXACT else _johnson

    def judged(weight: np.ndarray) -> np.ndarray:
        centred = z - weight @ z / weight.sum()
        moments = (centred * weight[:, None]).T @ centred
        spread = np.sqrt(np.diag(moments))
        if (spread[:-1] == 0).any():
            return np.full(len(spread) - 1, np.nan)
        return split(moments / np.outer(spread, spread)) if spread[-1] else np.zeros(len(spread) - 1)

    found, codes = judged(np.ones(len(z))), pd.factorize(np.asarray(clusters))[0]
    groups, tail = codes.max(initial=0) + 1, (1 - confidence) / 2
    drawn = [
        judged(np.bincount(rng.integers(groups, size=groups), minlength=groups)[codes] * 1.0) for _ in range(draws)
    ]
    told = draws and groups > 1
    low, high = np.nanquantile(drawn, [tail, 1 - tail], axis=0) if told else np.full((2, len(found)), np.nan)
    return pd.DataFrame(
        {
            "driver": drivers.columns,
            "importance": found,
            "importance_low": low,
            "importance_high": high,
            "share": found / max(found.sum(), 1e-300),
            "sign": np.sign(np.linalg.lstsq(z[:, :-1], z[:, -1], rcond=None)[0]),
            "method": "LMG" if split is _lmg else "Johnson",
        }
    )


def _lmg(correlation: np.ndarray) -> np.ndarray:
    """Mean gain in R2 of each driver over all orders of entry; the outcome is the last row."""
    p, left = len(correlation) - 1, correlation[None]
    for _ in range(p):  # each subset so far once without the next driver and once with it swept out
        out, pivot = left[:, 1:, 1:], left[:, 0, 0][:, None, None]
        left = np.concatenate([out, out - left[:, 1:, :1] * left[:, :1, 1:] / pivot])
    explained, subsets = 1 - left[:, 0, 0], np.arange(2**p)
    sizes = np.array([bin(subset).count("1") for subset in range(2**p)])
    chance = np.array([1 / (p * comb(p - 1, size)) for size in range(p)])
    found = np.empty(p)
    for driver in range(p):
        without = subsets[subsets >> driver & 1 == 0]
        found[driver] = chance[sizes[without]] @ (explained[without | 1 << driver] - explained[without])
    return found


def _johnson(correlation: np.ndarray) -> np.ndarray:
    """Relative weights: the outcome on orthogonal variables closest to the drivers, shared out by their loadings."""
    values, vectors = np.linalg.eigh(correlation[:-1, :-1])
    loadings = vectors * np.sqrt(values) @ vectors.T
    return loadings**2 @ np.linalg.solve(loadings, correlation[:-1, -1]) ** 2


def penalty_reward(
    outcome: Sequence[float],
    low: pd.DataFrame,
    high: pd.DataFrame,
    *,
    clusters: Sequence[object],
    confidence: float = 0.95,
    controls: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What the low end of an attribute takes from the outcome, and what its high end gives.

    Parameters
    ----------
    outcome
        One number a row.
    low, high
        Marks (0 or 1), the same attributes in both; a mark that nobody or everybody holds has no effect.
    clusters
        Who a row belongs to.
    confidence
        Coverage of each interval, between 0 and 1.
    controls
        What else is held equal, a column each; those that vary in nothing, or follow from marks, are left out.

    Returns
    -------
    DataFrame
        One row an attribute: ``attribute``, ``penalty``, ``reward`` with their ends (in the outcome's unit),
        ``asymmetry`` ((``|reward|`` - ``|penalty|``) / their sum, -1 to 1), ``kind``: dissatisfier or delighter where
        the interval of ``|reward|`` - ``|penalty|`` excludes 0, hybrid where not, "not settled" where neither
        effect is.

    Notes
    -----
    Penalty-reward contrast (Brandt 1987; Mikulic and Prebezac 2008), all attributes together.
    docs/METHODS.md section 2.7.

    Examples
    --------
    The middle is 7.5 on average, the low end 3.5, the high end 8.5.

    >>> low, high = pd.DataFrame({"speed": [1, 1, 0, 0, 0, 0]}), pd.DataFrame({"speed": [0, 0, 0, 0, 1, 1]})
    >>> found = penalty_reward([3, 4, 7, 8, 8, 9], low, high, clusters=range(6))
    >>> found[["attribute", "penalty", "reward", "asymmetry", "kind"]].round(2)
      attribute  penalty  reward  asymmetry          kind
    0     speed     -4.0     1.0       -0.6  dissatisfier
    """
    held = pd.DataFrame(index=low.index) if controls is None else controls.add_prefix("control ")
    marks = pd.concat([low.add_prefix("low "), high.add_prefix("high "), held], axis=1).astype("float64")
    marks = marks[independent(marks)]
    coefficients, covariance = _least_squares(outcome, marks, clusters)
    at = {name: position for position, name in enumerate(marks.columns, 1)}
    quantile, found = NormalDist().inv_cdf((1 + confidence) / 2), []
    for name in low.columns:
        row, weights, settled = {"attribute": name}, np.zeros(len(coefficients)), False
        for effect, side, sign in (("penalty", "low", -1), ("reward", "high", 1)):
            place = at.get(f"{side} {name}")
            value = np.nan if place is None else coefficients[place]
            half = np.nan if place is None else quantile * covariance[place, place] ** 0.5
            row |= {effect: value, f"{effect}_low": value - half, f"{effect}_high": value + half}
            if place is not None:
                weights[place], settled = sign * np.sign(value), settled or abs(value) > half
        sizes = np.nan_to_num([abs(row["penalty"]), abs(row["reward"])])
        apart, half = sizes[1] - sizes[0], quantile * (weights @ covariance @ weights) ** 0.5
        kind = "hybrid" if abs(apart) <= half else "delighter" if apart > 0 else "dissatisfier"
        row["asymmetry"] = apart / sizes.sum() if sizes.sum() else np.nan
        found.append(row | {"kind": kind if settled else "not settled"})
    return pd.DataFrame(found)


# -- cause ------------------------------------------------------------------------------------------


def _chances(
    flag: np.ndarray, x: np.ndarray, weights: np.ndarray, names: Sequence[str], *, probit: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Probability of the flag, a constant in the first column of x, and its slope by the linear predictor."""
    if not 0 < flag.sum() < len(flag):
        raise DataError(
            f"propensity: expected rows with the flag and rows without it, found {flag.sum():.0f} with it of "
            f"{len(flag)}. Nobody is there to compare with: leave the question out."
        )
    scale = np.append(1, np.where(x[:, 1:].std(axis=0) > 0, x[:, 1:].std(axis=0), 1))
    z, beta = x / scale, np.zeros(x.shape[1])
    for _ in range(_STEPS):
        linear = z @ beta
        chance = np.clip(ndtr(linear) if probit else expit(linear), 1e-12, 1 - 1e-12)
        slope = np.exp(-(linear**2) / 2) / np.sqrt(2 * np.pi) if probit else chance * (1 - chance)
        part = weights * slope / (chance * (1 - chance))
        gradient = z.T @ (part * (flag - chance))
        step = np.linalg.lstsq((z * (part * slope)[:, None]).T @ z, gradient, rcond=None)[0]
        if gradient @ step < _CLOSE:
            break
        beta = beta + step * min(1, 5 / max(np.abs(z @ step).max(), 1e-300))
    reach = np.abs(beta[1:]) * np.ptp(z[:, 1:], axis=0)
    if reach.max(initial=0) > _FAR or gradient @ step >= _CLOSE:
        raise SeparationError(names[int(reach.argmax())] if len(names) else "(constant)")
    return chance, slope


def propensity(flag: Sequence[bool], covariates: pd.DataFrame, *, weights: Sequence[float] | None = None) -> pd.Series:
    """Probability (0-1) of the flag in each row, by a logit on the covariates.

    Parameters
    ----------
    flag
        Who has it; both kinds must occur.
    covariates
        Numeric columns, one row a flag, none missing.
    weights
        Of rows, 0 or more; none: all alike.

    Returns
    -------
    Series
        One probability a row, with the index of ``covariates``.

    Raises
    ------
    DataError
        If no row has the flag or all have it, or (``SeparationError``) a covariate tells the flag apart perfectly.

    Notes
    -----
    docs/METHODS.md section 2.9.

    Examples
    --------
    >>> propensity([1, 0, 0, 1, 1, 0], pd.DataFrame({"x": [1, 1, 1, 0, 0, 0]})).round(3).tolist()
    [0.333, 0.333, 0.333, 0.667, 0.667, 0.667]
    """
    weights = np.ones(len(covariates)) if weights is None else np.asarray(weights, dtype="float64")
    flag = np.asarray(flag, dtype="float64")
    return pd.Series(_chances(flag, _design(covariates), weights, covariates.columns)[0], covariates.index)


def treatment_effect(
    outcome: Sequence[float],
    treated: Sequence[bool],
    covariates: pd.DataFrame,
    *,
    outcome_covariates: pd.DataFrame | None = None,
    clusters: Sequence[object] | None = None,
    weights: Sequence[float] | None = None,
    probit: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Effect of a treatment by augmented inverse-probability weighting: right if one of its two models is.

    Parameters
    ----------
    outcome
        One number a row.
    treated
        Who was treated; both kinds must occur.
    covariates
        Numeric columns, independent, none missing: of the logit of the treatment, and of the least squares of
        the outcome in each arm unless ``outcome_covariates`` are given. Without a column: a difference of means.
    outcome_covariates
        Numeric columns of the least squares, where they are not those of the logit.
    clusters
        Who a row belongs to.
    weights
        Of rows, such as 1 / chance of having answered.
    probit
        Is the treatment modelled by a probit instead?
    confidence
        Coverage of each interval, between 0 and 1.

    Returns
    -------
    DataFrame
        Rows "ATE" (all) and "ATT" (those treated): ``estimand``, ``effect``, ``effect_low``, ``effect_high``, ``se``
        (in the outcome's unit), ``n``, ``n_treated``, ``with``, ``without`` (mean outcome had all of them, or nobody of
        them, been treated), ``log_ratio_se`` (of the logarithm of with / without; missing unless both are above 0).

    Raises
    ------
    DataError
        If nobody was treated or everybody, or (``SeparationError``) a covariate tells the treatment apart perfectly.

    Notes
    -----
    Robins, Rotnitzky and Zhao, JASA 89, 1994; variance by the influence function, nuisance parameters' estimation
    in it, summed by cluster times G/(G-1). docs/METHODS.md section 2.9.

    Examples
    --------
    Where x is 0 the treated have 2 more, where it is 1 just as much: half of all have x = 0, and two of five treated.

    >>> x = pd.DataFrame({"x": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> found = treatment_effect([1, 3, 2, 4, 5, 7, 9, 7], [0, 1, 0, 1, 1, 0, 1, 1], x)
    >>> found[["estimand", "effect", "n", "n_treated", "with", "without"]].round(2)
      estimand  effect  n  n_treated  with  without
    0      ATE     1.0  8          5  5.25     4.25
    1      ATT     0.8  8          5  5.60     4.80
    """
    y, d = np.asarray(outcome, dtype="float64"), np.asarray(treated, dtype="float64")
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype="float64")
    w, x = w / w.mean(), _design(covariates)
    z = x if outcome_covariates is None else _design(outcome_covariates)
    e, slope = _chances(d, x, w, covariates.columns, probit=probit)
    arms, inside = {}, {}
    for arm, of in ((1, d), (0, 1 - d)):
        inverse = np.linalg.pinv((z * (w * of)[:, None]).T @ z / len(y), hermitian=True)
        arms[arm] = z @ inverse @ (z.T @ (w * of * y)) / len(y)
        inside[arm] = (z * (w * of * (y - arms[arm]))[:, None]) @ inverse
    part = w * slope / (e * (1 - e))
    inside["e"] = (x * (part * (d - e))[:, None]) @ np.linalg.pinv((x * (part * slope)[:, None]).T @ x / len(y))
    odds, rest = (1 - d) * e / (1 - e), {arm: y - fit for arm, fit in arms.items()}
    everybody, control = np.ones(len(y)), (1 - d) * rest[0] * slope / (1 - e) ** 2

    def mean(rows: np.ndarray, of: np.ndarray, to: dict) -> tuple[float, np.ndarray]:
        """Weighted mean of rows over those meant, and its influence; ``to``: derivatives by nuisance parameters."""
        size = (w * of).mean()
        value = (w * rows).mean() / size
        moved = sum(
            inside[name] @ ((w * by)[:, None] * (x if name == "e" else z)).mean(axis=0) for name, by in to.items()
        )
        return float(value), (w * (rows - of * value) + moved) / size

    parts = {
        "ATE": (
            mean(arms[1] + d * rest[1] / e, everybody, {1: 1 - d / e, "e": -d * rest[1] * slope / e**2}),
            mean(arms[0] + (1 - d) * rest[0] / (1 - e), everybody, {0: 1 - (1 - d) / (1 - e), "e": control}),
        ),
        "ATT": (mean(d * y, d, {}), mean(d * arms[0] + odds * rest[0], d, {0: d - odds, "e": control})),
    }
    found = []
    for estimand, ((high, high_of), (low, low_of)) in parts.items():
        pair = np.array([1 / high, -1 / low]) if high > 0 < low else np.full(2, np.nan)
        moves = _by_cluster(np.column_stack([high_of - low_of, np.column_stack([high_of, low_of]) @ pair]), clusters)
        se, ratio_se = np.sqrt((moves**2).sum(axis=0) * _few_clusters(len(moves))) / len(y)
        ends = high - low - se * _quantiles(moves[:, 0], confidence)
        effect = {"effect": high - low, "effect_low": ends[0], "effect_high": ends[1]}
        row = {"estimand": estimand} | effect | {"se": se, "n": len(y), "n_treated": int(d.sum())}
        found.append(row | {"with": high, "without": low, "log_ratio_se": ratio_se})
    return pd.DataFrame(found)


def _quantiles(moves: np.ndarray, confidence: float) -> np.ndarray:
    """How many errors a mean lies above its lower end, and (negative) below its upper end, given what each draw moves.

    Student's t at the degrees of freedom that the draws' fourth moment leaves (Satterthwaite, Biometrics Bulletin 2,
    1946), with the skewness taken out that makes a mean and its error go together (Hall, JRSS B 54, 1992, 221-228).

    >>> _quantiles(np.tile([-1.0, 1.0], 50_000), 0.95).round(3).tolist()
    [1.96, -1.96]
    """
    size, squares = len(moves), moves**2
    total, fourth = squares.sum(), (squares**2).sum()
    if not total > 0 or size < 3:
        return np.array([1.0, -1.0]) * NormalDist().inv_cdf((1 + confidence) / 2)
    left = fourth - total**2 / size
    freedom = 2 * total**2 / left if left > 1e-9 * fourth else np.inf
    t = student.ppf((1 + confidence) / 2, max(freedom, 2.0)) * np.array([1.0, -1.0])
    skew = (moves**3).mean() / (total / size) ** 1.5 / size**0.5
    return t if abs(skew) < 1e-6 else 3 / skew * (np.cbrt(1 + skew * (t - skew / 6)) - 1)


def balance(
    treated: Sequence[bool], covariates: pd.DataFrame, propensities: Sequence[float], *, weights: Sequence[float]
) -> pd.DataFrame:
    """How alike treated and others are, before and after weighting the others by e / (1 - e).

    Parameters
    ----------
    treated
        Who was treated, two at least of each kind.
    covariates
        Numeric columns, one row a treatment, none missing.
    propensities
        e, the chance (0-1) of each row to be treated, as of ``propensity``.
    weights
        Of rows, such as 1 / chance of having answered.

    Returns
    -------
    DataFrame
        One row a covariate: ``covariate``, ``smd_before``, ``smd_after``: difference of means, treated less others, in
        root mean variances of both arms before weighting; missing where neither arm varies.

    Notes
    -----
    Austin, Stat. in Medicine 28, 2009; docs/METHODS.md section 2.9: above 0.1 it is said.

    Examples
    --------
    >>> x = pd.DataFrame({"x": [0.0, 1, 1, 0, 0, 1]})
    >>> chance = [1 / 3, 2 / 3, 2 / 3, 1 / 3, 1 / 3, 2 / 3]
    >>> found = balance([1, 1, 1, 0, 0, 0], x, chance, weights=[1] * 6)
    >>> found[["smd_before", "smd_after"]].round(3).abs().values.tolist()
    [[0.577, 0.0]]
    """
    d, x = np.asarray(treated, dtype=bool), covariates.to_numpy(dtype="float64")
    e, w = (np.asarray(values, dtype="float64") for values in (propensities, weights))
    after = np.where(d, w, w * e / (1 - e))
    spread = np.sqrt((x[d].var(axis=0, ddof=1) + x[~d].var(axis=0, ddof=1)) / 2)
    spread = np.where(spread > 0, spread, np.nan)
    gaps = [
        (np.average(x[d], axis=0, weights=of[d]) - np.average(x[~d], axis=0, weights=of[~d])) / spread
        for of in (w, after)
    ]
    return pd.DataFrame({"covariate": covariates.columns, "smd_before": gaps[0], "smd_after": gaps[1]})


def overlap(treated: Sequence[bool], propensities: Sequence[float]) -> pd.DataFrame:
    """Who could be compared with whom: rows of each arm by tenths of the propensity.

    Parameters
    ----------
    treated
        Who was treated.
    propensities
        The chance (0-1) of each row to be treated, as of ``propensity``.

    Returns
    -------
    DataFrame
        One row a tenth: ``low``, ``high`` (0-1, the lower end belongs to it), ``n_treated``, ``n_control``.

    Notes
    -----
    docs/METHODS.md section 2.9. Treated rows in a tenth without others have nobody to be compared with.

    Examples
    --------
    >>> found = overlap([1, 1, 0, 0, 0], [0.75, 0.7, 0.75, 0.05, 1.0])
    >>> found[(found["n_treated"] > 0) | (found["n_control"] > 0)].values.tolist()
    [[0.0, 0.1, 0.0, 1.0], [0.7, 0.8, 2.0, 1.0], [0.9, 1.0, 0.0, 1.0]]
    """
    d, ends = np.asarray(treated, dtype=bool), np.arange(11) / 10
    e = np.asarray(propensities, dtype="float64")
    counts = {name: np.histogram(e[of], ends)[0] for name, of in (("n_treated", d), ("n_control", ~d))}
    return pd.DataFrame({"low": ends[:-1], "high": ends[1:], **counts})


def e_value(ratio: float, low: float, high: float) -> dict[str, float]:
    """How strongly something unknown must move treatment and outcome to explain a risk ratio away.

    Parameters
    ----------
    ratio
        Risk of the treated over that of the others, above 0.
    low, high
        Ends of its interval, above 0.

    Returns
    -------
    dict
        ``e_value``, and ``e_value_limit`` for the end of the interval nearer to 1 (1 if it holds 1): risk ratios, 1 or
        more, that something unknown would need with both.

    Notes
    -----
    VanderWeele and Ding, Annals of Internal Medicine 167, 2017; docs/METHODS.md section 2.9.

    Examples
    --------
    >>> found = e_value(3.9, 1.8, 8.7)
    >>> round(found["e_value"], 6), round(found["e_value_limit"], 6)
    (7.263034, 3.0)
    """

    def strength(one: float) -> float:
        one = 1 / one if one < 1 else one
        return one + (one * (one - 1)) ** 0.5

    limit = low if low > 1 else high if high < 1 else 1.0
    return {"e_value": strength(ratio), "e_value_limit": strength(limit)}


def free_effect(
    outcome: Sequence[float],
    drivers: pd.DataFrame,
    without: pd.DataFrame,
    given: pd.DataFrame,
    *,
    cuts: Sequence[float],
) -> float:
    """Effect on a net share in points where each cut has coefficients of its own, beside ``OrderedLogit.effect``.

    Parameters
    ----------
    outcome, drivers
        As for ``ordered_logit``.
    without, given
        The same rows twice, with the drivers as they would have been and as they were.
    cuts
        First value that is no detractor, and first of a promoter.

    Returns
    -------
    float
        100 x mean change of P(outcome >= first) + P(outcome >= second): one logit a cut. Missing without rows, or where
        all outcomes lie on one side of a cut.

    Raises
    ------
    DataError
        If a driver is missing somewhere, or (``SeparationError``) tells one of the cuts apart perfectly.

    Notes
    -----
    docs/METHODS.md section 2.5: how much the assumption of proportional odds matters.

    Examples
    --------
    Of those late a quarter less are no detractors (2 or more), and a quarter less promoters (3).

    >>> outcome, x = [3, 3, 2, 1, 3, 2, 1, 1], pd.DataFrame({"late": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> late = x[x["late"] == 1]
    >>> round(free_effect(outcome, x, late.assign(late=0), late, cuts=[2, 3]), 3)
    -50.0
    """
    value, moved = np.asarray(outcome), []
    for cut in cuts:
        if given.empty or len(set(value >= cut)) < 2:
            return float("nan")
        model = ordered_logit(value >= cut, drivers)
        high, low = (model.probabilities(rows).iloc[:, 1].mean() for rows in (given, without))
        moved.append(high - low)
    return float(100 * sum(moved))

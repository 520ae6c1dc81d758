"""What moves an ordered outcome, and by how much? Knows no column of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
import pandas as pd
from scipy.special import expit

from toolkit.errors import DataError

_STEPS, _CLOSE = 60, 1e-9
_FAR = 18  # log-odds between the ends of a driver: it leaves no doubt, and no finite maximum exists


class SeparationError(DataError):
    """A driver tells the outcome apart perfectly: no finite maximum exists. ``driver`` names it."""

    def __init__(self, driver: str):
        super().__init__(
            f"ordered_logit: expected drivers that leave some doubt, found {driver!r}, which tells the outcome apart "
            "perfectly. Leave it out, or bring more answers."
        )
        self.driver = driver


@dataclass(frozen=True, eq=False)
class OrderedLogit:
    """A fitted proportional-odds model, P(Y <= j) = F(cut_j - x b).

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
        """One row a driver: ``driver``, ``coefficient``, ``se``."""
        errors = np.sqrt(np.diag(self.covariance))[: len(self.drivers)]
        return pd.DataFrame({"driver": self.drivers, "coefficient": self.coefficients, "se": errors})

    def probabilities(self, drivers: pd.DataFrame) -> pd.DataFrame:
        """Probability (0-1) of each level, one row a row of ``drivers``, one column a level."""
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
        Who a row belongs to; rows of one cluster need not be independent.

    Returns
    -------
    OrderedLogit

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
    shares = np.cumsum(np.bincount(y))[:-1] / len(y)
    theta = np.append(np.zeros(p), np.log(shares / (1 - shares)))
    likelihood, rows = _likelihood(theta, x, y)
    for _ in range(_STEPS):
        scores, information = _derivatives(rows, x, y)
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
        codes = pd.factorize(np.asarray(clusters))[0]
        groups = int(codes.max()) + 1
        summed = np.zeros((groups, len(theta)))
        np.add.at(summed, codes, scores)
        small = groups / max(groups - 1, 1) * (len(y) - 1) / max(len(y) - len(theta), 1)
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


def _derivatives(rows: tuple[np.ndarray, ...], x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of each row, and the information (minus the Hessian), over coefficients and cuts."""
    upper, lower, chance = rows
    p, k, index = x.shape[1], int(y.max()), np.arange(len(y))  # k cuts; level j lies between cuts j - 1 and j
    up, down = upper * (1 - upper) / chance, -lower * (1 - lower) / chance
    second = {
        "up": up * (1 - 2 * upper) - up**2,
        "down": down * (1 - 2 * lower) - down**2,
        "both": -up * down,
    }
    scores, information = np.zeros((len(y), p + k)), np.zeros((p + k, p + k))
    scores[:, :p] = -(up + down)[:, None] * x
    information[:p, :p] = -(x * (second["up"] + second["down"] + 2 * second["both"])[:, None]).T @ x
    for first, own, there, cut in ((up, second["up"], y < k, y), (down, second["down"], y > 0, y - 1)):
        scores[index[there], p + cut[there]] += first[there]
        weights = np.column_stack([own, *((own + second["both"]) * column for column in x.T)])[there]
        sums = np.column_stack([np.bincount(cut[there], weight, k) for weight in weights.T])
        information[np.arange(p, p + k), np.arange(p, p + k)] -= sums[:, 0]
        information[p:, :p] += sums[:, 1:]
    between = (y > 0) & (y < k)
    beside = np.bincount(y[between], second["both"][between], k)[1:]
    information[np.arange(p + 1, p + k), np.arange(p, p + k - 1)] -= beside
    information[np.arange(p, p + k - 1), np.arange(p + 1, p + k)] -= beside
    information[:p, p:] = information[p:, :p].T
    return scores, information


def independent(drivers: pd.DataFrame) -> list[str]:
    """Columns that vary and do not follow from those before them, in order.

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

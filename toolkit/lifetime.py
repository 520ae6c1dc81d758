"""What will customers still buy: BG/NBD, Gamma-Gamma, survival of agreements? Times are in the caller's unit."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd
from scipy.special import betaln, digamma, expit, gammaln, polygamma
from scipy.stats import chi2, nbinom
from statsmodels.base.model import GenericLikelihoodModel, GenericLikelihoodModelResults, LikelihoodModelResults

from toolkit import stats
from toolkit.errors import DataError, first_five

STATISTICS = ("repeats", "last", "age")
_STEPS, _CLOSE = 200, 1e-9
_FAR = 10  # logarithms from the scale of the data at which a parameter counts as infinite or 0
_NODES = 64  # of the quadrature over a customer's chance of leaving


class NoMaximumError(DataError):
    """The likelihood has no finite maximum, or none was found: no parameter can be told.

    Notes
    -----
    docs/METHODS.md section 1.6. ``customer_value`` catches it and says why nothing is told; ``BetaGeometric`` and
    ``GammaGamma`` raise it, when made or when fitted.

    Examples
    --------
    >>> BetaGeometric(pd.DataFrame([[1, 3, 9]], columns=["repeats", "last", "age"]))
    Traceback (most recent call last):
    toolkit.lifetime.NoMaximumError: BetaGeometric: expected two customers or more, found 1. Bring more customers.
    """


def grouped(customers: pd.DataFrame, *, on: Sequence[str]) -> pd.DataFrame:
    """One row for all customers alike in some columns, with their number: what a likelihood needs of them.

    Parameters
    ----------
    customers
        One row a customer, or, with a column ``n``, one row for ``n`` customers.
    on
        Columns in which they must be alike; the others are dropped.

    Returns
    -------
    DataFrame
        One row a combination that occurs: ``on``, and ``n`` (customers; sums a given ``n``), in the order of ``on``.

    Notes
    -----
    docs/METHODS.md section 1.6. Rows with a missing value in ``on`` are left out.

    Examples
    --------
    >>> grouped(pd.DataFrame({"repeats": [1, 0, 1], "age": [9, 9, 9]}), on=["repeats", "age"]).values.tolist()
    [[0, 9, 1], [1, 9, 2]]
    """
    groups = customers.groupby(list(on), observed=True)
    return (groups["n"].sum() if "n" in customers else groups.size().rename("n")).reset_index()


class _GroupedModel(GenericLikelihoodModel):
    """Rows are sufficient statistics with ``n`` customers each; positive parameters are found on the log scale."""

    names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def __init__(self, customers: pd.DataFrame):
        rows, name = grouped(self._checked(customers), on=self.columns).astype("float64"), type(self).__name__
        self.n_customers = round(rows["n"].sum())
        if self.n_customers < 2:
            found = f"found {self.n_customers}. Bring more customers."
            raise NoMaximumError(f"{name}: expected two customers or more, {found}")
        super().__init__(rows, extra_params_names=list(self.names))
        self.data.ynames = ", ".join(self.columns)

    def nloglikeobs(self, params: Sequence[float]) -> np.ndarray:
        """Minus log-likelihood of each row, times its customers.

        Parameters
        ----------
        params
            In the order of ``names``, all above 0.

        Returns
        -------
        array
            One number a row of grouped customers.

        Notes
        -----
        docs/METHODS.md section 1.6.

        Examples
        --------
        >>> model = GammaGamma(pd.DataFrame({"repeats": [1, 2], "mean_value": [20.0, 30.0], "n": [5, 10]}))
        >>> model.nloglikeobs([6.0, 4.0, 15.0]).round(2).tolist()
        [17.6, 39.11]
        """
        return -self.endog[:, -1] * self._likelihood(np.asarray(params))

    def score_obs(self, params: Sequence[float], **_: object) -> np.ndarray:
        """Gradient of each row's log-likelihood, times its customers.

        Parameters
        ----------
        params
            In the order of ``names``, all above 0.

        Returns
        -------
        array
            One row a row of grouped customers, one column a parameter.

        Notes
        -----
        docs/METHODS.md section 1.6.

        Examples
        --------
        >>> model = GammaGamma(pd.DataFrame({"repeats": [1, 2], "mean_value": [20.0, 30.0], "n": [5, 10]}))
        >>> model.score_obs([6.0, 4.0, 15.0]).round(2).tolist()
        [[-0.07, 0.74, -0.1], [1.5, -1.25, 0.53]]
        """
        return (self.endog[:, -1] * self._gradient(np.asarray(params))).T

    def score(self, params: Sequence[float]) -> np.ndarray:
        """Gradient of the log-likelihood.

        Parameters
        ----------
        params
            In the order of ``names``, all above 0.

        Returns
        -------
        array
            One number a parameter, the sum of ``score_obs``: 0 at the maximum.

        Notes
        -----
        docs/METHODS.md section 1.6.

        Examples
        --------
        >>> rows = [[1, 20.0, 5], [1, 60.0, 3], [2, 35.0, 6], [2, 25.0, 4], [5, 90.0, 1], [4, 22.0, 3], [6, 28.0, 9]]
        >>> model = GammaGamma(pd.DataFrame(rows, columns=["repeats", "mean_value", "n"]))
        >>> bool(np.abs(model.score(model.fit().params)).max() < 1e-4)
        True
        """
        return self._gradient(np.asarray(params)) @ self.endog[:, -1]

    def fit(self, start_params: Sequence[float] | None = None) -> GenericLikelihoodModelResults:
        """Maximum of the likelihood by Newton's method on the log scale.

        Parameters
        ----------
        start_params
            Where to begin, in the order of ``names``, all above 0; None: two places taken from the data.

        Returns
        -------
        results
            Of statsmodels, with ``params``, ``bse`` (from the inverse of the information), ``llf``, ``cov_params()``;
            ``nobs`` counts customers, not rows.

        Raises
        ------
        NoMaximumError
            If a parameter runs to 0 or to infinity, which the message puts into words, or the method does not settle.

        Notes
        -----
        docs/METHODS.md section 1.6.

        Examples
        --------
        >>> rows = [[0, 0, 30, 60], [1, 5, 30, 20], [1, 20, 30, 9], [2, 24, 30, 8], [4, 28, 30, 6], [9, 12, 30, 2]]
        >>> found = BetaGeometric(pd.DataFrame(rows, columns=["repeats", "last", "age", "n"])).fit()
        >>> found.nobs, found.params.round(2).tolist(), found.bse.round(2).tolist()
        (105, [0.33, 6.91, 0.28, 0.33], [0.09, 2.66, 0.26, 0.37])
        """
        starts, scale = self._starts()
        for start in starts if start_params is None else [start_params]:
            theta, settled = self._newton(np.log(start), np.log(scale))
            inside = np.abs(theta - np.log(scale)).max() < _FAR
            if inside and settled:
                break
        params = np.exp(theta)
        information, name = -self.hessian(params), type(self).__name__
        if not inside:
            reasons = " and ".join(self._reasons(params / scale)) or "a parameter runs to 0 or to infinity"
            raise NoMaximumError(
                f"{name}: expected a finite maximum of the likelihood, found none in {self.n_customers} customers: "
                f"{reasons}. Bring more customers or a longer period."
            )
        if not settled or np.linalg.eigvalsh(information)[0] <= 0:
            raise NoMaximumError(
                f"{name}: expected Newton's method to settle, found it moving after {_STEPS} steps. "
                "Bring more customers or a longer period."
            )
        found = LikelihoodModelResults(self, params, np.linalg.inv(information), scale=1.0, cov_type="nonrobust")
        results = GenericLikelihoodModelResults(self, found)
        results.nobs, results.df_resid = self.n_customers, self.n_customers - len(params)
        return results

    def _newton(self, theta: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, bool]:
        likelihood = self.loglike(np.exp(theta))
        for _ in range(_STEPS):
            params = np.exp(theta)
            gradient = params * self.score(params)
            values, vectors = np.linalg.eigh(-np.outer(params, params) * self.hessian(params) - np.diag(gradient))
            bent = np.maximum(np.abs(values), 1e-9 * np.abs(values).max())  # uphill also where it is no hill
            step = vectors @ ((vectors.T @ gradient) / bent)
            close = _CLOSE + 1e-13 * abs(likelihood)  # the rounding of the sum
            if gradient @ step < close:  # twice the log-likelihood still to gain
                return theta + step, bool(values[0] > 0)
            size = min(1, 2 / np.abs(step).max())
            while not (found := self.loglike(np.exp(theta + size * step))) >= likelihood - close and size > 1e-9:
                size /= 2
            theta, likelihood = theta + size * step, found
            if np.abs(theta - centre).max() > _FAR + 2:
                break
        return theta, False


class BetaGeometric(_GroupedModel):
    """BG/NBD model of repeat purchases without agreement, over grouped customers.

    A customer buys at a rate that is Gamma(r, alpha) among customers, and leaves after each purchase with a chance that
    is Beta(a, b) among them (Fader, Hardie and Lee, Marketing Science 24(2), 2005). Poor where agreements bind.

    Parameters
    ----------
    customers
        ``repeats`` (purchases after the first), ``last`` (time from the first to the last purchase, 0 without
        repeats), ``age`` (time since the first), and ``n`` where a row stands for several customers.

    Raises
    ------
    DataError
        If the statistics contradict each other, or (``NoMaximumError``, from ``fit`` too) no finite maximum exists.

    Notes
    -----
    docs/METHODS.md section 1.6. ``fit().params`` are r, alpha (a time), a, b: of all who come, r / alpha is the mean
    rate (purchases a unit of time), a / (a + b) the mean chance of leaving after a purchase.

    Examples
    --------
    >>> rows = [[0, 0, 30, 60], [1, 5, 30, 20], [1, 20, 30, 9], [2, 24, 30, 8], [4, 28, 30, 6], [9, 12, 30, 2]]
    >>> BetaGeometric(pd.DataFrame(rows, columns=["repeats", "last", "age", "n"])).fit().params.round(2).tolist()
    [0.33, 6.91, 0.28, 0.33]
    """

    names, columns = ("r", "alpha", "a", "b"), STATISTICS

    @staticmethod
    def _checked(customers: pd.DataFrame) -> pd.DataFrame:
        customers = _counted("BetaGeometric", customers)
        if len(customers) and not (customers["repeats"] > 0).any():
            raise NoMaximumError(
                f"BetaGeometric: expected customers who bought again, found no repeat purchase in {len(customers)} "
                "rows. Nothing tells who leaves: bring a longer period."
            )
        return customers

    def _starts(self) -> tuple[list[list[float]], np.ndarray]:
        x, _, age, n = self.endog.T
        time = (n @ age) / (n @ x)
        return [[0.5, 0.5 * time, 0.5, 2], [3, 3 * time, 2, 20]], np.array([1, (n @ age) / n.sum(), 1, 1])

    @staticmethod
    def _reasons(params: np.ndarray) -> list[str]:
        r, _, a, b = params
        alike = ["all buy at one rate (r to infinity)"] if r > 1e3 else []
        alike += ["hardly anyone buys again (r to 0)"] if r < 1e-3 else []
        if a / (a + b) < 1e-3:
            return [*alike, "nobody leaves (a / b to 0)"]
        if b / (a + b) < 1e-3:
            return [*alike, "all leave after their first repeat (b / a to 0)"]
        both = ["all leave with one chance (a and b to infinity)"] if a + b > 1e3 else []
        return alike + both + (["some leave at once and others never (a and b to 0)"] if a + b < 1e-3 else [])

    def _likelihood(self, params: np.ndarray) -> np.ndarray:
        r, alpha, a, b = params
        x, last, age, _ = self.endog.T
        bought = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * np.log(alpha + age)
        return bought + betaln(a, b + x) - betaln(a, b) + np.logaddexp(0, _left(params, x, last, age))

    def _gradient(self, params: np.ndarray) -> np.ndarray:
        r, alpha, a, b = params
        x, last, age, _ = self.endog.T
        both, at = digamma(a + b) - digamma(a + b + x), 1 / (alpha + age)
        rate = digamma(r + x) - digamma(r) + np.log(alpha * at), r / alpha - (r + x) * at
        stayed = np.array([*rate, both, both + digamma(b + x) - digamma(b)])
        return stayed + expit(_left(params, x, last, age)) * self._left_gradient(params)

    def _left_gradient(self, params: np.ndarray) -> np.ndarray:
        r, alpha, a, b = params
        x, last, age, _ = self.endog.T
        rate = np.log((alpha + age) / (alpha + last)), (r + x) * (1 / (alpha + age) - 1 / (alpha + last))
        return np.where(x > 0, [*rate, np.full_like(x, 1 / a), -1 / np.maximum(b + x - 1, b)], 0)

    def hessian(self, params: Sequence[float]) -> np.ndarray:
        """Second derivatives of the log-likelihood.

        Parameters
        ----------
        params
            r, alpha, a, b, all above 0.

        Returns
        -------
        array
            Four by four; minus its inverse at the maximum is ``cov_params()`` of the fit.

        Notes
        -----
        docs/METHODS.md section 1.6.

        Examples
        --------
        >>> rows = [[0, 0, 30, 60], [1, 5, 30, 20], [1, 20, 30, 9], [2, 24, 30, 8], [4, 28, 30, 6], [9, 12, 30, 2]]
        >>> model = BetaGeometric(pd.DataFrame(rows, columns=["repeats", "last", "age", "n"]))
        >>> errors = np.diag(np.linalg.inv(-model.hessian(model.fit().params))) ** 0.5
        >>> errors.round(2).tolist(), model.fit().bse.round(2).tolist()
        ([0.09, 2.66, 0.26, 0.37], [0.09, 2.66, 0.26, 0.37])
        """
        r, alpha, a, b = params = np.asarray(params)
        x, last, age, n = self.endog.T
        gone, slope, found = expit(_left(params, x, last, age)), self._left_gradient(params), np.zeros((4, 4))
        at, before, gone_n = 1 / (alpha + age), 1 / (alpha + last), n * gone
        both = n @ (polygamma(1, a + b) - polygamma(1, a + b + x))
        found[0, 0] = n @ (polygamma(1, r + x) - polygamma(1, r))
        found[0, 1] = found[1, 0] = n @ (1 / alpha - at) + gone_n @ (at - before)
        found[1, 1] = n @ ((r + x) * at**2 - r / alpha**2) + gone_n @ ((r + x) * (before**2 - at**2))
        found[2, 2] = both - gone_n.sum() / a**2
        found[2, 3] = found[3, 2] = both
        found[3, 3] = both + n @ (polygamma(1, b + x) - polygamma(1, b)) + gone_n @ np.maximum(b + x - 1, b) ** -2.0
        return found + (slope * (gone_n * (1 - gone))) @ slope.T


def _left(params: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Logarithm of the odds of having left; minus infinity without repeats, for nobody leaves before one."""
    r, alpha, a, b = params
    odds = np.log(a / np.maximum(b + x - 1, b)) + (r + x) * np.log((alpha + age) / (alpha + last))
    return np.where(x > 0, odds, -np.inf)


def _counted(where: str, customers: pd.DataFrame) -> pd.DataFrame:
    _require(where, customers, STATISTICS)
    x, last, age = (customers[name].to_numpy(dtype="float64") for name in STATISTICS)
    sound = (x >= 0) & (x % 1 == 0) & (last >= 0) & (last <= age) & ((x > 0) | (last == 0)) & np.isfinite(age)
    _refuse(where, "whole repeats from 0, 0 <= last <= age, and last 0 without repeats", ~sound)
    return customers


def _require(where: str, rows: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in rows]
    if missing:
        raise DataError(f"{where}: missing columns: {', '.join(missing)}. Present: {', '.join(map(str, rows))}.")


def _refuse(where: str, expected: str, wrong: np.ndarray) -> None:
    if wrong.any():
        raise DataError(
            f"{where}: expected {expected}, found {wrong.sum()} of {len(wrong)} rows otherwise, in places "
            f"{first_five(np.flatnonzero(wrong))}. Mend or leave out these rows."
        )


class GammaGamma(_GroupedModel):
    """Gamma-Gamma model of a customer's mean value a purchase, over grouped customers.

    A purchase is Gamma(p, nu) with a nu of each customer, and nu is Gamma(q, v) among customers (Fader and Hardie, The
    Gamma-Gamma model of monetary value, 2013). Poor where value goes with the number of purchases.

    Parameters
    ----------
    customers
        ``repeats``, ``mean_value`` (of these repeats, any currency), and ``n`` as for ``BetaGeometric``. Who did not
        buy again tells nothing: leave such rows out.

    Raises
    ------
    DataError
        If a row has no repeat or no positive value, or (``NoMaximumError``, from ``fit`` too) no finite maximum exists.

    Notes
    -----
    docs/METHODS.md section 1.6. ``fit().params`` are p, q, v (in the unit of ``mean_value``): p v / (q - 1) is the mean
    of all customers, if q is above 1.

    Examples
    --------
    >>> rows = [[1, 20.0, 5], [1, 60.0, 3], [2, 35.0, 6], [2, 25.0, 4], [5, 90.0, 1], [4, 22.0, 3], [6, 28.0, 9]]
    >>> GammaGamma(pd.DataFrame(rows, columns=["repeats", "mean_value", "n"])).fit().params.round().tolist()
    [18.0, 12.0, 19.0]
    """

    names, columns = ("p", "q", "v"), ("repeats", "mean_value")

    @staticmethod
    def _checked(customers: pd.DataFrame) -> pd.DataFrame:
        _require("GammaGamma", customers, GammaGamma.columns)
        x, m = (customers[name].to_numpy(dtype="float64") for name in GammaGamma.columns)
        _refuse("GammaGamma", "repeats from 1 and a mean value above 0", ~((x >= 1) & (m > 0) & np.isfinite(x + m)))
        return customers

    def _starts(self) -> tuple[list[list[float]], np.ndarray]:
        _, m, n = self.endog.T
        mean = (n @ m) / n.sum()
        return [[2, 3, mean], [20, 20, mean]], np.array([1, 1, mean])

    @staticmethod
    def _reasons(params: np.ndarray) -> list[str]:
        p, q, _ = params
        alike = ["each customer's purchases are of one value (p to infinity)"] if p > 1e3 else []
        return alike + (["customers do not differ in value (q to infinity)"] if q > 1e3 else [])

    def _likelihood(self, params: np.ndarray) -> np.ndarray:
        (p, q, v), (x, m, _) = params, self.endog.T
        return p * x * np.log(x * m / (v + x * m)) + q * np.log(v / (v + x * m)) - np.log(m) - betaln(p * x, q)

    def _gradient(self, params: np.ndarray) -> np.ndarray:
        (p, q, v), (x, m, _) = params, self.endog.T
        both = digamma(p * x + q) - np.log(v + x * m)
        p_, q_ = x * (both - digamma(p * x) + np.log(x * m)), both - digamma(q) + np.log(v)
        return np.array([p_, q_, q / v - (p * x + q) / (v + x * m)])

    def hessian(self, params: Sequence[float]) -> np.ndarray:
        """Second derivatives of the log-likelihood.

        Parameters
        ----------
        params
            p, q, v, all above 0.

        Returns
        -------
        array
            Three by three; minus its inverse at the maximum is ``cov_params()`` of the fit.

        Notes
        -----
        docs/METHODS.md section 1.6.

        Examples
        --------
        >>> rows = [[1, 20.0, 5], [1, 60.0, 3], [2, 35.0, 6], [2, 25.0, 4], [5, 90.0, 1], [4, 22.0, 3], [6, 28.0, 9]]
        >>> model = GammaGamma(pd.DataFrame(rows, columns=["repeats", "mean_value", "n"]))
        >>> errors = np.diag(np.linalg.inv(-model.hessian(model.fit().params))) ** 0.5
        >>> errors.round(1).tolist(), model.fit().bse.round(1).tolist()
        ([23.9, 5.4, 31.9], [23.9, 5.4, 31.9])
        """
        (p, q, v), (x, m, n) = params, self.endog.T
        both, total = polygamma(1, p * x + q), v + x * m
        pp, pq, pv = x**2 * (both - polygamma(1, p * x)), x * both, -x / total
        qq, qv, vv = both - polygamma(1, q), 1 / v - 1 / total, (p * x + q) / total**2 - q / v**2
        return np.array([[pp @ n, pq @ n, pv @ n], [pq @ n, qq @ n, qv @ n], [pv @ n, qv @ n, vv @ n]])


# -- what is to come ----------------------------------------------------------------------------------


def alive(params: Sequence[float], repeats: Sequence[float], last: Sequence[float], age: Sequence[float]) -> np.ndarray:
    """Probability (0-1) that a customer has not left; 1 without repeats, as the BG/NBD model has it.

    Parameters
    ----------
    params
        r, alpha, a, b, as ``BetaGeometric`` finds them.
    repeats, last, age
        Of each customer, as for ``BetaGeometric``: arrays of one length, or numbers.

    Returns
    -------
    array
        One probability a customer.

    Notes
    -----
    docs/METHODS.md section 1.6; Fader, Hardie and Lee, Marketing Science 24, 2005.

    Examples
    --------
    Two repeats, the last in week 30 of 39, then in week 10 of 39, and no repeat at all:

    >>> alive([0.243, 4.414, 0.793, 2.426], [2, 2, 0], [30.43, 10, 0], 38.86).round(4).tolist()
    [0.7266, 0.2684, 1.0]
    """
    x, last, age = (np.asarray(values, dtype="float64") for values in (repeats, last, age))
    return expit(-_left(np.asarray(params), x, last, age))


def expected_repeats(
    params: Sequence[float], repeats: Sequence[float], last: Sequence[float], age: Sequence[float], ahead: float
) -> np.ndarray:
    """Purchases that each customer is expected to make within ``ahead`` from now, given the past; BG/NBD.

    Parameters
    ----------
    params
        r, alpha, a, b, as ``BetaGeometric`` finds them.
    repeats, last, age
        Of each customer, as for ``BetaGeometric``: arrays of one length, or numbers.
    ahead
        Time from now, in the unit of ``age``.

    Returns
    -------
    array
        Purchases, one number a customer.

    Notes
    -----
    docs/METHODS.md section 1.6; Fader, Hardie and Lee (2005), equation 10, as a sum over the chance of leaving: stable
    for any number of repeats.

    Examples
    --------
    >>> expected_repeats([0.243, 4.414, 0.793, 2.426], 2, 30.43, 38.86, 39).round(3).item()
    1.226
    """
    return alive(params, repeats, last, age) * _future(np.asarray(params), repeats, age, ahead)[0]


def _future(params: np.ndarray, repeats: Sequence[float], age: Sequence[float], ahead: float) -> np.ndarray:
    """E[N] and E[N (N - 1)] of purchases within ``ahead`` of customers who have not left.

    Their rate is Gamma(r + x, alpha + age), their chance of leaving p is Beta(a, b + x), independent. Given p, the
    rate is integrated in closed form; p by Gauss-Jacobi quadrature (Golub and Welsch, Math. Comp. 23, 1969).
    """
    r, alpha, a, b = params
    x, age = np.broadcast_arrays(np.asarray(repeats, dtype="float64"), np.asarray(age, dtype="float64"))
    pairs, place = np.unique(np.column_stack([x.ravel(), age.ravel()]), axis=0, return_inverse=True)
    counts, which = np.unique(pairs[:, 0], return_inverse=True)
    chance, weight = _beta_nodes(a, b + counts)
    p, s, v = chance[which], (r + pairs[:, 0])[:, None], (ahead / (alpha + pairs[:, 1]))[:, None]
    stay, late = np.exp(-s * np.log1p(p * v)), s * p * v
    near, first = s * (s + 1) * v**2 * (1 - (s + 2) * p * v * 2 / 3), -np.expm1(-s * np.log1p(p * v)) / p
    second = np.where(late < 1e-4, near, 2 * (first - late / p / (1 + p * v) * stay) / p)
    moments = np.array([(weight[which] * first).sum(axis=1), (weight[which] * (1 - p) * second).sum(axis=1)])
    return moments[:, place.ravel()].reshape(2, *x.shape)


def _beta_nodes(a: float, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for the mean over Beta(a, b), one row a value of b."""
    k, total = np.arange(1, _NODES), a + b[:, None]
    middle = np.full((len(b), _NODES), a / total)
    even = 2 * k + total - 2
    middle[:, 1:] = (1 + (a - b[:, None]) * (total - 2) / (even * (even + 2))) / 2
    side = np.empty((len(b), _NODES - 1))
    side[:, 0] = a * b / ((a + b) ** 2 * (a + b + 1))
    j, even = k[1:], even[:, 1:]
    side[:, 1:] = j * (j + a - 1) * (j + b[:, None] - 1) * (j + total - 2) / (even**2 * (even + 1) * (even - 1))
    matrix = np.zeros((len(b), _NODES, _NODES))
    matrix[:, np.arange(_NODES), np.arange(_NODES)] = middle
    matrix[:, k, k - 1] = np.sqrt(side)
    nodes, vectors = np.linalg.eigh(matrix)  # reads the lower half
    return np.maximum(nodes, 1e-18), vectors[:, 0, :] ** 2


def expected_value(params: Sequence[float], repeats: Sequence[float], mean_value: Sequence[float]) -> np.ndarray:
    """Mean value of a customer's purchases in the long run, in the unit of ``mean_value``; Gamma-Gamma.

    Parameters
    ----------
    params
        p, q, v, as ``GammaGamma`` finds them.
    repeats
        Of each customer; without repeats the mean of all customers.
    mean_value
        Of these repeats; of who has none it is not read.

    Returns
    -------
    array
        One mean value a customer: between the customer's own and that of all, nearer to the own with more repeats.

    Raises
    ------
    DataError
        If p times a customer's repeats, plus q, is 1 or less, as without repeats at q <= 1: the mean is infinite.

    Notes
    -----
    docs/METHODS.md section 1.6; Fader and Hardie, The Gamma-Gamma model of monetary value, 2013.

    Examples
    --------
    >>> expected_value([6.25, 3.74, 15.44], [2, 0], [22.35, 0]).round(2).tolist()
    [24.66, 35.22]
    """
    (p, q, v), x, m = params, np.asarray(repeats, dtype="float64"), np.asarray(mean_value, dtype="float64")
    if (p * x + q <= 1).any():
        raise DataError(
            f"expected_value: expected q above 1, found {q:.3f}: the mean value of a new customer is infinite. "
            "Leave out customers without repeats."
        )
    return (v + x * np.where(x > 0, m, 0)) * p / (p * x + q - 1)


def forecast(
    fit: GenericLikelihoodModelResults,
    customers: pd.DataFrame,
    *,
    ahead: float,
    by: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Purchases to come within ``ahead``, summed over customers, with the interval that will hold their number.

    Parameters
    ----------
    fit
        Results of ``BetaGeometric``.
    customers
        As for ``BetaGeometric``; those of the fit or others like them.
    ahead
        Time from now, in the unit of ``age``.
    by
        Column of groups; "(all)" follows them, or stands alone.
    confidence
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    DataFrame
        One row a group: ``group``, ``n`` (customers), ``expected`` (purchases), ``expected_low``, ``expected_high``.

    Raises
    ------
    DataError
        If a column is missing, or the statistics contradict each other.

    Notes
    -----
    docs/METHODS.md section 1.6. Variance: of the counts given the parameters (exact), of the parameters (delta method).
    Ends are quantiles of the negative binomial of that mean and variance, never below Poisson's: whole numbers.

    Examples
    --------
    >>> rows = [[0, 0, 30, 60], [1, 5, 30, 20], [1, 20, 30, 9], [2, 24, 30, 8], [4, 28, 30, 6], [9, 12, 30, 2]]
    >>> customers = pd.DataFrame(rows, columns=["repeats", "last", "age", "n"])
    >>> forecast(BetaGeometric(customers).fit(), customers, ahead=10).round(1).values.tolist()
    [['(all)', 105, 17.9, 9.0, 29.0]]
    """
    customers = _counted("forecast", customers)
    _require("forecast", customers, [by] if by else [])
    rows = grouped(customers, on=[by, *STATISTICS] if by else STATISTICS)
    x, last, age, n = (rows[name].to_numpy(dtype="float64") for name in (*STATISTICS, "n"))
    labels, codes = np.unique(rows[by], return_inverse=True) if by else (np.array([], dtype=object), None)

    def summed(values: np.ndarray) -> np.ndarray:
        return np.append(np.bincount(codes, n * values, len(labels)) if by else [], n @ values)

    def means(theta: np.ndarray) -> np.ndarray:
        return summed(expected_repeats(np.exp(theta), x, last, age, ahead))

    theta, here = np.log(fit.params), alive(fit.params, x, last, age)
    first, second = _future(np.asarray(fit.params), x, age, ahead)
    expected, own = summed(here * first), summed(here * (second + first) - (here * first) ** 2)
    slopes = np.array([means(theta + step) - means(theta - step) for step in 1e-4 * np.eye(4)]).T / 2e-4
    spread = slopes @ (fit.cov_params() / np.outer(fit.params, fit.params))
    variance, size = own + (spread * slopes).sum(axis=1), np.maximum(expected, 1e-12)
    extra = np.maximum(variance - size, 1e-9 * size)
    low, high = (nbinom.ppf(level, size**2 / extra, size / (size + extra)) for level in _levels(confidence))
    found = pd.DataFrame({"group": [*labels, "(all)"], "n": summed(np.ones(len(n))).round().astype(int)})
    return found.assign(expected=expected, expected_low=low, expected_high=high)


def _levels(confidence: float) -> tuple[float, float]:
    return (1 - confidence) / 2, (1 + confidence) / 2


# -- by segment ---------------------------------------------------------------------------------------


def customer_value(
    lifetimes: pd.DataFrame, margins: pd.DataFrame, *, min_n: int, ahead: float = 52, confidence: float = 0.95
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """What shoppers will bring in the next ``ahead`` weeks by segment, once the model has passed its test on the last.

    Parameters
    ----------
    lifetimes
        The frame ``lifetimes``; customers under agreement are left out, for they buy by contract.
    margins
        ``segment``, ``net_revenue`` and ``margin`` (cents; missing where not known), whose rate holds ahead.
    min_n
        Smaller segments stand together (docs/METHODS.md section 0.10).
    ahead
        Weeks; the test asks for those of ``repeats_since`` too, which are 52 in the frame.
    confidence
        Coverage of each interval.

    Returns
    -------
    tuple
        The test, one row a segment and "(all)": ``segment``, ``n`` (customers known then), ``expected`` purchases with
        ends, ``actual``, ``error_share``. What is to come: ``segment``, ``n``, ``alive`` (expected customers who still
        buy), ``expected`` with ends, ``value`` (net revenue, cents) with ends, ``margin`` (cents). And why there is no
        such table ("" if there is).

    Notes
    -----
    docs/METHODS.md section 1.6. A segment whose own likelihood has no maximum is told by the fit of all segments. The
    test is passed if "(all)" holds the actual purchases within its interval, and errs by 10 % at most.

    Examples
    --------
    >>> rows = [[0, 0, 30, 60], [1, 5, 30, 20], [1, 20, 30, 9], [2, 24, 30, 8], [4, 28, 30, 6], [9, 12, 30, 2]]
    >>> seen = pd.DataFrame(rows, columns=["repeats", "last", "age", "n"])
    >>> seen = seen.loc[seen.index.repeat(seen.pop("n"))].reset_index(drop=True)
    >>> shoppers = pd.concat([seen, seen.add_suffix("_then")], axis=1).assign(customer_id=range(105), segment="a")
    >>> shoppers = shoppers.assign(under_agreement=False, spend=seen["repeats"] * (800 + 100 * (seen.index % 5)))
    >>> margins = pd.DataFrame({"segment": ["a"], "net_revenue": [1000], "margin": [200]})
    >>> shoppers = shoppers.assign(repeats_since=[1] * 50 + [0] * 55)
    >>> test, told, why = customer_value(shoppers, margins, min_n=10, ahead=30)
    >>> test[["segment", "n", "expected", "actual", "error_share"]].round(2).values.tolist()[-1]
    ['(all)', 105.0, 49.58, 50.0, -0.01]
    >>> told[["segment", "expected", "value", "margin"]].round().values.tolist()[-1]
    ['(all)', 50.0, 49502.0, 9900.0]
    >>> customer_value(shoppers.assign(repeats_since=0), margins, min_n=10, ahead=30)[2]
    'the model did not foretell the last year'
    """
    shoppers = lifetimes[~lifetimes["under_agreement"].astype(bool)].astype(dict.fromkeys(STATISTICS, "float64"))
    shoppers = stats.publishable(shoppers, by=["segment"], person="customer_id", min_n=min_n)
    then = shoppers.dropna(subset=["repeats_then"])
    then = then.assign(**{name: then[f"{name}_then"].astype("float64") for name in STATISTICS})
    empty = pd.DataFrame(columns=["segment", "n"])
    if then.empty:
        return empty, empty, "no customer without agreement had bought a year before"
    try:
        test = _by_segment(then, ahead, confidence)
        actual = then.groupby("segment")["repeats_since"].sum().astype("float64")
        actual["(all)"] = actual.sum()
        test["actual"] = test["segment"].map(actual)
        test["error_share"] = test["expected"] / test["actual"].where(test["actual"] > 0) - 1
        whole = test.iloc[-1]
        if not (
            whole["expected_low"] <= whole["actual"] <= whole["expected_high"] and abs(whole["error_share"]) <= 0.1
        ):
            return test.drop(columns=["alive", *_MONEY]), empty, "the model did not foretell the last year"
        told = _by_segment(shoppers, ahead, confidence)
    except NoMaximumError:
        why = f"{len(then):,} customers known a year before, {100 * (then['repeats'] == 0).mean():.1f} % of whom had "
        why += "bought on one day only, do not tell who leaves (the likelihood has no finite maximum)"
        return empty, empty, why
    told["margin"] = told["value"] * told["segment"].map(_rates(margins))
    told.loc[told.index[-1], "margin"] = told["margin"].iloc[:-1].sum(skipna=False)
    return test.drop(columns=["alive", *_MONEY]), told, ""


_MONEY = ["value", "value_low", "value_high"]


def _rates(margins: pd.DataFrame) -> pd.Series:
    """Margin by net revenue of each segment; missing without revenue or margin."""
    money = margins.set_index("segment")[["net_revenue", "margin"]].astype("float64")
    return money["margin"] / money["net_revenue"].where(money["net_revenue"] > 0)


def _by_segment(shoppers: pd.DataFrame, ahead: float, confidence: float) -> pd.DataFrame:
    """Purchases and money of each segment by its own fit, or by that of all; "(all)" is their sum."""
    z, rows, whole = NormalDist().inv_cdf((1 + confidence) / 2), [], BetaGeometric(shoppers).fit()
    spending = _spending(shoppers)
    for segment, own in shoppers.groupby("segment"):
        try:
            fit = BetaGeometric(own).fit()
        except NoMaximumError:
            fit = whole
        row = forecast(fit, own, ahead=ahead, confidence=confidence).iloc[0].to_dict()
        statistics = [own[name].to_numpy() for name in STATISTICS]
        row |= {"group": segment, "alive": alive(fit.params, *statistics).sum()}
        each = expected_repeats(fit.params, *statistics, ahead)
        rows.append(row | _money(spending, own, each, (row["expected_high"] - row["expected_low"]) / 2 / z, z))
    found = pd.DataFrame(rows).rename(columns={"group": "segment"})
    total = found[["n", "alive", "expected", "value"]].sum(skipna=False).to_dict()
    for name in ("expected", "value"):
        for end, sign in (("low", -1), ("high", 1)):
            half = np.sqrt(((found[f"{name}_{end}"] - found[name]) ** 2).sum(skipna=False))
            total[f"{name}_{end}"] = total[name] + sign * half
    columns = ["segment", "n", "alive", *(f"expected{end}" for end in ("", "_low", "_high")), *_MONEY]
    return pd.concat([found, pd.DataFrame([{"segment": "(all)", **total}])], ignore_index=True)[columns]


def _spending(shoppers: pd.DataFrame) -> GenericLikelihoodModelResults | None:
    """Gamma-Gamma of who bought again for money, or None where that cannot be told."""
    told = shoppers[(shoppers["repeats"] > 0) & (shoppers["spend"].astype("float64") > 0)]
    told = told.assign(mean_value=told["spend"].astype("float64") / told["repeats"])
    try:
        fit = GammaGamma(told).fit()
    except NoMaximumError:
        return None
    return fit if fit.params[1] > 1 else None


def _money(
    fit: GenericLikelihoodModelResults | None, own: pd.DataFrame, each: np.ndarray, error: float, z: float
) -> dict:
    """Net revenue of purchases to come: their number, their values and the fit of Gamma-Gamma, in squares."""
    if fit is None:
        return dict.fromkeys(_MONEY, np.nan)
    x, spend = own["repeats"].to_numpy(), own["spend"].astype("float64").clip(lower=0).to_numpy()
    mean = np.divide(spend, x, out=np.zeros(len(x)), where=x > 0)

    def total(params: np.ndarray) -> float:
        return each @ expected_value(params, x, mean)

    value, params = total(fit.params), np.asarray(fit.params)
    slope = (
        np.array([(total(params * (1 + step)) - total(params * (1 - step))) / 2e-4 for step in 1e-4 * np.eye(3)])
        / params
    )
    drawn = each @ expected_value(params, x, mean) ** 2 / params[0]
    half = z * np.sqrt((value * error / max(each.sum(), 1e-12)) ** 2 + slope @ fit.cov_params() @ slope + drawn)
    return {"value": value, "value_low": value - half, "value_high": value + half}


# -- customers under agreement ------------------------------------------------------------------------


def retention(accounts: pd.DataFrame, *, by: str | None = None, confidence: float = 0.95) -> pd.DataFrame:
    """Yearly retention of customers under agreement, at a constant hazard of ending.

    Parameters
    ----------
    accounts
        One row an account: ``entered`` (years since its start when first observed: who ended before was never seen),
        ``exposure`` (years observed from then), ``ended`` (within them?), ``margin_cents`` (a year).
    by
        Column of groups; "(all)" follows them, or stands alone.
    confidence
        Coverage of the intervals, between 0 and 1.

    Returns
    -------
    DataFrame
        One row a group: ``group``, ``n``, ``n_ended``, ``exposure`` (years), ``entered`` (mean years), ``margin_cents``
        (a year, of those not ended), ``hazard`` (ends a year) and ``retention`` (0-1, a year) with ends.

    Raises
    ------
    DataError
        If a column is missing, a time is negative or missing, or a group was never observed.

    Notes
    -----
    docs/METHODS.md section 1.6. Events by exposure is the maximum of likelihood under late entry and censoring alike: a
    constant hazard forgets ``entered``. Interval: Garwood, Biometrika 28, 1936. Poor where young agreements end more
    often than old ones.

    Examples
    --------
    >>> rows = [[0.0, 2.0, False, 500], [3.0, 1.0, True, 300], [0.0, 0.5, True, 100], [1.0, 4.5, False, 900]]
    >>> found = retention(pd.DataFrame(rows, columns=["entered", "exposure", "ended", "margin_cents"]))
    >>> found[["n_ended", "hazard", "hazard_low", "hazard_high", "retention"]].round(3).values.tolist()
    [[2.0, 0.25, 0.03, 0.903, 0.779]]
    """
    _require("retention", accounts, ["entered", "exposure", "ended", "margin_cents", *([by] if by else [])])
    times = accounts[["entered", "exposure"]]
    _refuse("retention", "years from 0", ~(times >= 0).all(axis=1).to_numpy())
    ended = accounts["ended"].astype(bool)
    parts = times.assign(n=1, n_ended=ended.astype(int), margin_cents=accounts["margin_cents"].where(~ended, 0))
    rows = [parts.assign(group="(all)").groupby("group").sum()]
    rows = pd.concat(([parts.groupby(accounts[by], observed=True).sum()] if by else []) + rows)
    _refuse("retention", "an exposure above 0 in each group", (rows["exposure"] <= 0).to_numpy())
    events, years, (low, high) = rows["n_ended"], rows["exposure"], _levels(confidence)
    rows = rows.assign(
        entered=rows["entered"] / rows["n"],
        hazard=events / years,
        hazard_low=np.nan_to_num(chi2.ppf(low, 2 * events)) / 2 / years,
        hazard_high=chi2.ppf(high, 2 * events + 2) / 2 / years,
    )
    for name, source in (("retention", "hazard"), ("retention_low", "hazard_high"), ("retention_high", "hazard_low")):
        rows[name] = np.exp(-rows[source])
    return rows.rename_axis("group").reset_index()


def account_value(
    accounts: pd.DataFrame, margins: pd.DataFrame, *, min_n: int, discount: float, confidence: float = 0.95
) -> pd.DataFrame:
    """Which customers under agreement stay, and what those who are here are worth, by segment.

    Parameters
    ----------
    accounts
        The frame ``accounts``.
    margins
        As for ``customer_value``.
    min_n
        Smaller segments stand together.
    discount
        A year, 0.1 for 10 %.
    confidence
        Coverage of the intervals.

    Returns
    -------
    DataFrame
        One row a segment and "(all)": the columns of ``retention`` with ``segment`` for ``group``; ``revenue`` (a year,
        of those not ended, cents), ``multiple`` (years of margin that they are worth) and ``value`` (cents) with ends;
        the value of "(all)" is the sum of the segments'. No row where too few were under agreement.

    Raises
    ------
    DataError
        If the discount is not above 0, or ``entered`` is negative or missing.

    Notes
    -----
    docs/METHODS.md section 1.6. The interval is that of retention alone: margins are taken as they are.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": range(40), "segment": "shops", "entered": 1.0, "exposure": 1.0})
    >>> rows = rows.assign(ended=[True] + [False] * 39, revenue=500)
    >>> margins = pd.DataFrame({"segment": ["shops"], "net_revenue": [1000], "margin": [200]})
    >>> found = account_value(rows, margins, min_n=10, discount=0.1)
    >>> found[["segment", "n_ended", "retention", "multiple", "value"]].round(2).values.tolist()
    [['shops', 1, 0.98, 7.82, 30505.3], ['(all)', 1, 0.98, 7.82, 30505.3]]
    """
    rows = stats.publishable(accounts, by=["segment"], person="customer_id", min_n=min_n)
    rows = rows[rows["exposure"] > 0]
    if rows.empty:
        return pd.DataFrame(columns=["segment", "n"])
    revenue = rows["revenue"].astype("Float64").astype("float64")
    rates = rows["segment"].map(_rates(margins)).astype("float64")
    rows = rows.assign(revenue=revenue, margin_cents=revenue * rates)
    stay = rows[~rows["ended"].astype(bool)]
    found = retention(rows, by="segment", confidence=confidence).rename(columns={"group": "segment"})
    money = stay.groupby("segment")[["revenue", "margin_cents"]].agg(lambda x: x.sum(skipna=False))
    money = money.reindex(found["segment"].iloc[:-1], fill_value=0)
    money.loc["(all)"] = money.sum(skipna=False)
    found["revenue"], found["margin_cents"] = money["revenue"].to_numpy(), money["margin_cents"].to_numpy()
    found["multiple"] = margin_multiple(found["retention"], discount)
    ends = [found["margin_cents"] * margin_multiple(found[f"retention{end}"], discount) for end in ("_low", "_high")]
    parts = pd.DataFrame({"value": found["margin_cents"] * found["multiple"]})
    parts["value_low"], parts["value_high"] = np.minimum(*ends), np.maximum(*ends)
    parts = parts.iloc[:-1]
    total = parts.sum(skipna=False)
    for end, sign in (("value_low", -1), ("value_high", 1)):
        total[end] = total["value"] + sign * np.sqrt(((parts[end] - parts["value"]) ** 2).sum(skipna=False))
    return found.assign(**pd.concat([parts, total.to_frame().T], ignore_index=True))


def margin_multiple(retention: Sequence[float], discount: float) -> np.ndarray:
    """What a customer's yearly margin is worth in years of it, r / (1 + i - r), first paid in a year.

    Parameters
    ----------
    retention
        r, shares a year from 0 to 1.
    discount
        i, a year, above 0: 0.1 for 10 %.

    Returns
    -------
    array
        Years of margin, one number a retention.

    Raises
    ------
    DataError
        Unless the discount is above 0 and each retention from 0 to 1.

    Notes
    -----
    docs/METHODS.md section 1.6; Gupta and Lehmann, Managing Customers as Investments, 2005, whose table this is.

    Examples
    --------
    >>> margin_multiple([0.6, 0.7, 0.8, 0.9], 0.1).round(2).tolist()
    [1.2, 1.75, 2.67, 4.5]
    """
    r = np.asarray(retention, dtype="float64")
    if not (discount > 0 and ((r >= 0) & (r <= 1)).all()):
        raise DataError(
            f"margin_multiple: expected a discount above 0 and retention from 0 to 1, found {discount} and "
            f"{r.min():.3g} to {r.max():.3g}. Give both as shares a year, 0.1 for 10 %."
        )
    return r / (1 + discount - r)

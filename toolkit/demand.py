"""What did customers want and not get?"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components
from scipy.special import betainc, digamma, gammainc, gammaincinv, gammaln, hyp1f1, log_ndtr, ndtri, polygamma, softmax
from scipy.stats import chi2
from statsmodels.base.model import GenericLikelihoodModel, GenericLikelihoodModelResults, LikelihoodModelResults

from toolkit import stats
from toolkit.errors import DataError, first_five, several

OUTCOMES, UNMET = ("bought", "substituted", "unavailable", "not_ranged"), ("unavailable", "not_ranged")
_RARE = 0.01  # chance of which 1 minus its complement loses digits
_ENDS = -9, 5  # logarithms of a dispersion beyond which it counts as 0, or as infinite
_FLAT = 1e-3  # information on a parameter, of about 1 a row or piece, below which no maximum counts as found


def _newton(at: Callable, theta: np.ndarray, *, reach: float = np.inf) -> tuple[np.ndarray, bool]:
    """Where ``at(theta)``, a value, gradient and Hessian, is highest, by steps of ``reach`` at most; was it found?"""
    value, gradient, hessian = at(theta)
    for _ in range(100):
        unit = np.maximum(np.abs(np.diag(hessian)), 1e-300) ** 0.5
        bends, axes = np.linalg.eigh(-hessian / np.outer(unit, unit))  # uphill also where it is no hill
        step = axes @ ((axes.T @ (gradient / unit)) / np.maximum(np.abs(bends), 1e-12)) / unit
        close = 1e-12 + 1e-13 * abs(value)  # the rounding of the sum
        if gradient @ step < close:  # twice the log-likelihood still to gain
            return theta + step, bool((bends > 0).all())
        for size in min(1.0, reach / np.abs(step).max()) * 0.5 ** np.arange(40):
            found = at(theta + size * step)
            if found[0] >= value - close:
                break
        else:
            return theta, False
        theta, (value, gradient, hessian) = theta + size * step, found
    return theta, False


class _Censored(GenericLikelihoodModel):
    """Rows of a linear predictor and at most one parameter more; ``_rows``: value, slopes, second derivatives."""

    extra, sides, _reach, _told, _unit = (), (0, 1), 1.0, staticmethod(np.asarray), staticmethod(lambda free: 1.0)

    def __init__(
        self, endog: Sequence, exog: pd.DataFrame = None, *, censored: Sequence = (), exposure: Sequence = (), **told
    ):
        name, y = type(self).__name__, np.asarray(endog, dtype="float64")
        if not len(y):
            raise DataError(f"{name}: expected one row or more, found none. Bring more rows.")
        exog = pd.DataFrame({"const": np.ones(len(y))}) if exog is None else exog.astype("float64")
        self.censored = np.asarray(censored if len(censored) else np.zeros(len(y)), dtype="int64")
        time = np.asarray(exposure if len(exposure) else np.ones(len(y)), dtype="float64")
        gaps, counts = ~(np.isfinite(y) & np.isfinite(exog.to_numpy()).all(axis=1)), self.sides[0] == 0
        faults = {"values without gaps": gaps, "exposure above 0": ~((time > 0) & (time < np.inf))}
        faults |= {f"censored among {', '.join(map(str, self.sides))}": ~np.isin(self.censored, self.sides)}
        _refuse(name, faults | {"whole counts of 0 or more": counts & ~((y >= 0) & (y % 1 == 0))})
        self.offset = np.log(time)
        super().__init__(y, exog.reset_index(drop=True), extra_params_names=list(self.extra), **told)
        self._designs = [self.exog, np.ones((len(y), 1))][: 1 + len(self.extra)]

    def _linear(self, params: Sequence[float]) -> np.ndarray:
        return self.exog @ np.asarray(params)[: self.exog.shape[1]] + self.offset

    def loglikeobs(self, params: Sequence[float]) -> np.ndarray:
        """Log-likelihood of each row, seen or censored.

        Parameters
        ----------
        params
            Coefficients, and the logarithm of scale or dispersion where the model has one, as ``fit`` tells them.

        Returns
        -------
        array
            One number a row: of a floor the log-probability of that much or more.

        Notes
        -----
        docs/METHODS.md section 1.8.

        Examples
        --------
        At a mean of 2, 1 was seen, then at least 1; exp(-2) x 2, and 1 - exp(-2):

        >>> np.exp(CensoredPoisson([1, 1], censored=[0, 1]).loglikeobs([np.log(2)])).round(4).tolist()
        [0.2707, 0.8647]
        """
        return self._rows(np.asarray(params))[0]

    def score_obs(self, params: Sequence[float], **_: object) -> np.ndarray:
        """Gradient of each row's log-likelihood.

        Parameters
        ----------
        params
            As for ``loglikeobs``.

        Returns
        -------
        array
            One row a row, one column a parameter.

        Notes
        -----
        docs/METHODS.md section 1.8.

        Examples
        --------
        Of a count that was seen it is the count less its mean, here 5 - 2 and 1 - 2:

        >>> CensoredPoisson([5, 1]).score_obs([np.log(2)]).round(4).tolist()
        [[3.0], [-1.0]]
        """
        slopes = self._rows(np.asarray(params))[1]
        return np.hstack([slope[:, None] * x for slope, x in zip(slopes, self._designs, strict=True)])

    def score(self, params: Sequence[float]) -> np.ndarray:
        """Gradient of the log-likelihood.

        Parameters
        ----------
        params
            As for ``loglikeobs``.

        Returns
        -------
        array
            One number a parameter, the sum of ``score_obs``: 0 at the maximum.

        Notes
        -----
        docs/METHODS.md section 1.8.

        Examples
        --------
        >>> CensoredPoisson([5, 1]).score([np.log(2)]).round(4).tolist()
        [2.0]
        """
        return self.score_obs(params).sum(axis=0)

    def hessian(self, params: Sequence[float]) -> np.ndarray:
        """Second derivatives of the log-likelihood.

        Parameters
        ----------
        params
            As for ``loglikeobs``.

        Returns
        -------
        array
            One row and one column a parameter; minus its inverse at the maximum is the covariance without clusters.

        Notes
        -----
        docs/METHODS.md section 1.8.

        Examples
        --------
        Each count that was seen tells of the logarithm of its mean as much as the mean is large:

        >>> CensoredPoisson([5, 1]).hessian([np.log(2)]).round(4).tolist()
        [[-4.0]]
        """
        bends, parts = self._rows(np.asarray(params))[2], list(enumerate(self._designs))
        return np.block([[x.T @ (bends[i + j][:, None] * z) for j, z in parts] for i, x in parts])

    def _at(self, params: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        return self.loglike(params), self.score(params), self.hessian(params)

    def _start(self) -> np.ndarray:
        return np.append(np.linalg.pinv(self.exog) @ (np.log(self.endog + 0.5) - self.offset), [0] * len(self.extra))

    def fit(self, clusters: Sequence[object] | None = None) -> GenericLikelihoodModelResults:
        """Maximum of the likelihood by Newton's method.

        Parameters
        ----------
        clusters
            Label of each row, rows of one label depending on each other; None: rows are independent.

        Returns
        -------
        results
            Of statsmodels: ``params`` (coefficients, then the extra parameter), ``bse``, ``llf``, ``cov_params()``.
            Errors from the information, or summed by ``clusters``: missing where there is but one.

        Raises
        ------
        DataError
            If the likelihood has no finite maximum, as where every row is censored.

        Notes
        -----
        docs/METHODS.md section 1.8.

        Examples
        --------
        Rows told twice halve the variance, unless it is said that they are the same:

        >>> once, twice = CensoredPoisson([3, 5, 4, 8]), CensoredPoisson([3, 5, 4, 8] * 2)
        >>> fits = once.fit(), twice.fit(), once.fit(range(4)), twice.fit([*range(4)] * 2)
        >>> [round(fit.bse[0].item(), 3) for fit in fits]
        [0.224, 0.158, 0.216, 0.216]
        """
        free, settled = _newton(self._at, self._start(), reach=self._reach)
        size = np.append((self.exog**2).mean(axis=0) ** 0.5, [self._unit(free)] * len(self.extra))
        if not settled or np.linalg.eigvalsh(-self._at(free)[2] / np.outer(size, size))[0] < _FLAT:
            told = f"found none in {len(self.endog)} rows, {(self.censored != 0).sum()} of them censored"
            told = f"{type(self).__name__}: expected a finite maximum of the likelihood, {told}"
            raise DataError(f"{told}. Leave covariates out or bring more rows.")
        params = self._told(free)
        covariance = np.linalg.inv(-self.hessian(params))
        if clusters is not None:
            codes = pd.factorize(np.asarray(clusters, dtype=object), use_na_sentinel=False)[0]
            summed = np.column_stack([np.bincount(codes, column) for column in self.score_obs(params).T])
            small = len(summed) / (len(summed) - 1) if len(summed) > 1 else np.nan
            covariance = small * covariance @ (summed.T @ summed) @ covariance
        found = LikelihoodModelResults(self, params, covariance, cov_type="nonrobust")
        return GenericLikelihoodModelResults(self, found)


class CensoredNormal(_Censored):
    """Normal values of which some are known only to lie beyond a bound (Tobit), by maximum likelihood.

    Parameters
    ----------
    endog
        Values, or bounds of those censored, without gaps.
    exog
        Numeric covariates, a constant among them; None: a constant alone.
    censored
        Of each row: 0 seen, 1 at or above ``endog`` (sold out), -1 at or below it. Left out: all seen.
    exposure
        For counts; leave it out here.

    Raises
    ------
    DataError
        If there is no row, a gap or another side, each told with its rows; from ``fit`` if there is no finite maximum.

    Notes
    -----
    Told are coefficients and ``log_scale``, found in Olsen's parameters (Econometrica 46, 1978), whose log-likelihood
    is concave. Tobin, Econometrica 26, 1958; docs/METHODS.md section 1.8. Poor for small counts.

    Examples
    --------
    12, 15 and 9 were seen, twice it was 20 or more: the mean is above 15.2, that of the five (then ``log_scale``):

    >>> CensoredNormal([12, 15, 20, 9, 20], censored=[0, 0, 1, 0, 1]).fit().params.round(2).tolist()
    [16.97, 1.91]
    """

    extra, sides, _reach = ("log_scale",), (-1, 0, 1), np.inf
    _told, _unit = lambda _, free: np.append(free[:-1] / free[-1], -np.log(free[-1])), lambda _, free: 1 / free[-1]

    def _rows(self, params: np.ndarray) -> tuple:
        scale, seen = np.exp(params[-1]), self.censored == 0
        z = (self.endog - self._linear(params)) / scale
        side = np.where(seen, 1, -self.censored)  # a right-censored row is a left-censored one seen from behind
        density, tail = -(z**2) / 2 - np.log(2 * np.pi) / 2, log_ndtr(side * z)
        mills = np.exp(density - tail)
        g, h = np.where(seen, -z, side * mills), np.where(seen, -1, -mills * (mills + side * z))
        value = np.where(seen, density - params[-1], tail)
        return value, (-g / scale, -g * z - seen), (h / scale**2, (g + h * z) / scale, h * z**2 + g * z)

    def _at(self, free: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        theta = free[-1]  # Olsen: coefficients / scale, and 1 / scale
        if theta <= 0:
            return -np.inf, free, np.eye(len(free))
        value, slope, bend = super()._at(self._told(free))
        jacobian, curve = np.eye(len(free)) / theta, np.zeros_like(bend)
        jacobian[:, -1] = np.append(-free[:-1] / theta**2, -1 / theta)
        curve[-1] = np.append(-slope[:-1], slope[:-1] @ free[:-1] / theta + slope[-1] / 2) / theta**2
        return value, jacobian.T @ slope, jacobian.T @ bend @ jacobian + curve + curve.T

    def _start(self) -> np.ndarray:
        beta = np.linalg.lstsq(self.exog, self.endog, rcond=None)[0]
        return np.append(beta, 1) / (max((self.endog - self.exog @ beta).std(), 1e-6 * np.abs(self.endog).max()) or 1.0)


class CensoredPoisson(_Censored):
    """Poisson counts of which some are a floor: where the article ran out, sales are the least that was wanted.

    Parameters
    ----------
    endog
        Whole counts of 0 or more.
    exog
        As for ``CensoredNormal``.
    censored
        Of each row: 0 seen, 1 a floor. Left out: all seen.
    exposure
        Time of each row, above 0; the count expected is exposure x exp(exog b). Left out: 1.

    Raises
    ------
    DataError
        As for ``CensoredNormal``, and if a count is not whole or an exposure not above 0.

    Notes
    -----
    Conrad, Management Science 23(3), 1976; docs/METHODS.md section 1.8. Biased low by demand of more spread.

    Examples
    --------
    Ten pieces in three days, and five or more on a fourth, are 4.03 a day; sales were 15 / 4 = 3.75:

    >>> np.exp(CensoredPoisson([3, 5, 5, 2], censored=[0, 0, 1, 0]).fit().params).round(2).tolist()
    [4.03]
    """

    def _rows(self, params: np.ndarray) -> tuple:
        linear, y = self._linear(params), self.endog
        found = np.array([y * linear - np.exp(linear) - gammaln(y + 1), y - np.exp(linear), -np.exp(linear)])
        found[:, self.censored == 1] = 0  # at or above 0 tells nothing
        out = (self.censored == 1) & (y > 0)
        c, mean = y[out], np.exp(linear[out])
        chance = np.log(np.maximum(gammainc(c, mean), 1e-300))
        rare = c * linear[out] - mean - gammaln(c + 1) + np.log(hyp1f1(1, c + 1, np.minimum(mean, c)))
        chance = np.where(chance > -600, chance, rare)
        more = np.exp(c * linear[out] - mean - gammaln(c) - chance)
        found[:, out] = chance, more, more * (c - mean - more)
        return found[0], found[1:2], found[2:]

    def dispersion_score(self, params: Sequence[float]) -> float:
        """Slope of the log-likelihood by an NB2 dispersion at 0: above 0 where counts vary more than a Poisson's.

        Parameters
        ----------
        params
            Coefficients, as ``fit`` tells them.

        Returns
        -------
        float
            Log-likelihood a unit of dispersion; only where it is above 0 has ``CensoredNegativeBinomial`` a maximum.

        Notes
        -----
        docs/METHODS.md section 1.8.

        Examples
        --------
        Both have mean 4; half of ((0 + 0 + 1 + 1) - 16), then of ((16 + 16 + 9 + 9) - 16):

        >>> [CensoredPoisson(counts).dispersion_score([np.log(4)]) for counts in ([4, 4, 3, 5], [0, 8, 1, 7])]
        [-7.0, 17.0]
        """
        mean, slope, y = np.exp(self._linear(params)), self._rows(np.asarray(params))[1][0], self.endog
        return float(np.where(self.censored == 1, slope * (y - 1 - mean), (y - mean) ** 2 - y).sum() / 2)


class CensoredNegativeBinomial(_Censored):
    """Right-censored counts that vary more than a Poisson's: variance mean + dispersion x mean^2 (NB2).

    Parameters
    ----------
    endog, exog, censored, exposure
        As for ``CensoredPoisson``.

    Raises
    ------
    DataError
        As for ``CensoredPoisson``. Counts that vary no more than a Poisson's have no maximum
        (``CensoredPoisson.dispersion_score`` not above 0).

    Notes
    -----
    docs/METHODS.md section 1.8. The last parameter is ``log_dispersion``.

    Examples
    --------
    >>> np.exp(CensoredNegativeBinomial([0, 9, 2, 5, 7], censored=[0, 0, 0, 1, 1]).fit().params).round(2).tolist()
    [8.54, 1.33]
    """

    extra = ("log_dispersion",)

    def _rows(self, params: np.ndarray) -> tuple:
        y, mean, spread = self.endog, np.exp(self._linear(params)), np.exp(np.clip(params[-1], *_ENDS))
        found, out = np.array(self._seen(y, mean, spread)), (self.censored == 1) & (y > 0)
        found[:, self.censored == 1] = 0
        found[:, out] = self._floor(y[out], mean[out], spread)
        return found[0], found[1:3], found[3:]

    def _seen(self, k: np.ndarray, mean: np.ndarray, spread: float) -> tuple[np.ndarray, ...]:
        """Log-probability of k, its slopes by log mean and log dispersion, its three second derivatives."""
        r, q, away, odds = 1 / spread, 1 / (1 + spread * mean), k - mean, np.log1p(spread * mean)
        value = gammaln(k + r) - gammaln(r) - gammaln(k + 1) - (k + r) * odds + k * np.log(spread * mean)
        by_r = digamma(k + r) - digamma(r) - odds - away * spread * q
        by_rr = polygamma(1, k + r) - polygamma(1, r) + mean * spread**2 * q + away * (spread * q) ** 2
        by_m = away * q, -mean * (1 + spread * k) * q**2, -away * spread * mean * q**2
        return value, by_m[0], -r * by_r, *by_m[1:], r * by_r + r**2 * by_rr

    def _floor(self, c: np.ndarray, mean: np.ndarray, spread: float) -> list[np.ndarray]:
        """The same of P(D >= c): scores have moments of 0 over all counts, so those below c tell them (Louis, 1982)."""
        r, odds = 1 / spread, spread * mean / (1 + spread * mean)
        chance = np.maximum(betainc(c, r, odds), 1e-300)
        below = chance > _RARE  # else those from c on, whose terms fall
        fall = np.minimum(odds * np.maximum(1, (c + r) / (c + 1)), 0.9999)
        size = np.where(below, c, 40 / (1 - fall)).astype("int64")
        row = np.repeat(np.arange(len(c)), size)
        k = np.arange(len(row)) - (np.cumsum(size) - size - np.where(below, 0, c))[row]
        value, m, a, mm, ma, aa = self._seen(k, mean[row], spread)
        weight = np.exp(value - np.log(chance)[row]) * np.where(below, -1, 1)[row]
        by_m, by_a, *sums = (np.bincount(row, weight * x, len(c)) for x in (m, a, mm + m * m, ma + m * a, aa + a * a))
        return [np.log(chance), by_m, by_a, sums[0] - by_m**2, sums[1] - by_m * by_a, sums[2] - by_a**2]


def demand_by_group(
    spans: pd.DataFrame, *, by: Sequence[str], confidence: float = 0.95, level: float = 0.05
) -> pd.DataFrame:
    """Pieces that were wanted, and that were lost because the article ran out, by group.

    Parameters
    ----------
    spans
        One row a span of time of one stock (the frame ``stock_spans``): ``by``, ``days`` (above 0, while there was
        stock), ``sold`` (whole pieces), ``stocked_out`` (``sold`` is a floor), and ``cluster`` where spans depend on
        each other.
    by
        Grouping columns (missing: "(unknown)"); none for one figure over all. A group has one demand a day.
    confidence
        Coverage of the ends, which hold together over the groups (Bonferroni).
    level
        p of the likelihood ratio against Poisson up to which the negative binomial is used.

    Returns
    -------
    DataFrame
        One row a group: ``by``, ``n`` (spans), ``stocked_out`` (share of them, 0-1), ``sold``, ``demand``, ``lost``
        (``demand`` - ``sold``) with ends, in pieces; ``model`` (none where nothing ran out); ``reason`` why they are
        missing: "always sold out", "nothing sold", "no finite maximum".

    Raises
    ------
    DataError
        If a column is missing or not as said, each fault told with its rows.

    Notes
    -----
    docs/METHODS.md section 1.8. Lost is E[D | D >= sold] - sold; the ends hold what was wanted, not only its
    expectation: variance by the delta method plus that of D given D >= sold. The likelihood ratio has half its p, as a
    dispersion of 0 is an end (Self and Liang, JASA 82, 1987). Poor by category where few large orders make the demand.

    Examples
    --------
    >>> spans = pd.DataFrame({"days": 1, "sold": [3, 5, 5, 2], "stocked_out": [False, False, True, False]})
    >>> demand_by_group(spans, by=[])[["sold", "demand", "lost", "model"]].round(2).values.tolist()
    [[15, 16.12, 1.12, 'Poisson']]
    """
    rows, keys = _labelled("demand_by_group", spans, by, ["days", "sold", "stocked_out"])
    days, sold = (rows[name].astype("Float64").to_numpy("float64", na_value=np.nan) for name in ("days", "sold"))
    rules = {"days above 0": ~((days > 0) & (days < np.inf)), "whole pieces sold": ~((sold >= 0) & (sold % 1 == 0))}
    _refuse("demand_by_group", rules | {"stocked_out true or false": rows["stocked_out"].isna().to_numpy()})
    rows = rows.assign(days=days, sold=sold, out=rows["stocked_out"].astype(bool))
    found = [(*key, len(x), x["out"].mean(), int(x["sold"].sum()), *_lost(x, level)) for key, x in rows.groupby(keys)]
    names = [*keys, "n", "stocked_out", "sold", "lost", "error", "model", "reason"]
    found = pd.DataFrame(found, columns=names).astype({"lost": "float64", "error": "float64"})
    half = found["error"] * ndtri(1 - (1 - confidence) / 2 / max(len(found), 1))
    found["lost_low"], found["lost_high"] = (found["lost"] - half).clip(lower=0), found["lost"] + half
    found = found.assign(**{f"demand{end}": found["sold"] + found[f"lost{end}"] for end in ("", "_low", "_high")})
    ends = ["demand", "demand_low", "demand_high", "lost", "lost_low", "lost_high"]
    return found[[*by, "n", "stocked_out", "sold", *ends, "model", "reason"]]


def _lost(part: pd.DataFrame, level: float) -> tuple[float, float, str | None, str | None]:
    """Pieces lost, their error, by which model, and why not."""
    given, clusters = {"censored": part["out"], "exposure": part["days"]}, part.get("cluster")
    if not part["out"].any():
        return 0.0, 0.0, None, None
    if part["out"].all() or not part["sold"].any():
        return np.nan, np.nan, None, "always sold out" if part["out"].all() else "nothing sold"
    try:
        fit = CensoredPoisson(part["sold"], **given).fit(clusters)
        if fit.model.dispersion_score(fit.params) > 0:
            wider = CensoredNegativeBinomial(part["sold"], **given)
            top = wider.loglike(_newton(wider._at, wider._start(), reach=1.0)[0])
            fit = wider.fit(clusters) if chi2.sf(2 * (top - fit.llf), 1) / 2 <= level else fit
    except DataError:
        return np.nan, np.nan, None, "no finite maximum"
    model, (_, slopes, bends), mean = fit.model, fit.model._rows(fit.params), np.exp(fit.model._linear(fit.params))
    spread, name = (np.exp(fit.params[-1]), "negative binomial") if len(fit.params) > 1 else (0.0, "Poisson")
    wide, drift = 1 + spread * mean, spread * mean * slopes[0]
    out, moved = model.censored == 1, [mean + bends[0] * wide + drift, *(bend * wide + drift for bend in bends[1:2])]
    lost, slope = (mean + slopes[0] * wide - model.endog)[out].sum(), np.array([x[out].sum() for x in moved])
    return float(lost), float(slope @ fit.cov_params() @ slope + (moved[0] * wide)[out].sum()) ** 0.5, name, None


def first_choice(sales: pd.DataFrame, available: pd.DataFrame, *, share: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What customers would have chosen first, had all been on the shelf: logit choice, Poisson arrivals.

    Parameters
    ----------
    sales
        Pieces, one row a period, one column a product.
    available
        True or false, labelled as ``sales``: was the product on the shelf?
    share
        Of those who come, who buy one of the products when all are there, inside 0 to 1; no data tell it.

    Returns
    -------
    tuple
        One row a product: ``product``, ``share`` (of first choices, 0-1), in pieces ``sales``, ``first_choice``,
        ``recaptured`` (sales to those who wanted another), ``spilled`` (wanted it, took another), ``lost`` (took
        nothing); ``first_choice`` = ``sales`` - ``recaptured`` + ``spilled`` + ``lost``; missing if never there. And
        one row a period: ``period``, ``sales``, ``arrivals`` (customers; missing with an empty shelf).

    Raises
    ------
    DataError
        If the tables do not match, ``share`` is not inside 0 to 1, pieces are negative, missing or sold off the shelf,
        or no finite weights exist.

    Notes
    -----
    docs/METHODS.md section 1.8. Model of Vulcano, van Ryzin and Ratliff, Operations Research 60(2), 2012; utilities by
    Newton's method from the concave likelihood given sales of a period, where their EM need not climb.

    Examples
    --------
    While both were there, a sold twice what b did; in the second period all who wanted a found b, or went:

    >>> sales = pd.DataFrame({"a": [6, 0], "b": [3, 4]})
    >>> first_choice(sales, pd.DataFrame({"a": [True, False], "b": True}), share=0.5)[0].round(2).values.tolist()
    [['a', 0.67, 6.0, 11.33, 0.0, 1.33, 4.0], ['b', 0.33, 7.0, 5.67, 1.33, 0.0, 0.0]]
    """
    if not (sales.index.equals(available.index) and sales.columns.equals(available.columns) and 0 < share < 1):
        told = f"{sales.shape}, {available.shape}, {share}. Mend them."
        raise DataError(f"first_choice: expected tables labelled alike and a share inside 0 to 1, found {told}")
    z, shelf = sales.to_numpy("float64", na_value=np.nan), available.to_numpy(bool)
    gone = (z > shelf * z).any(axis=1)
    _refuse("first_choice", {"pieces of 0 or more": ~(z >= 0).all(axis=1), "sales on the shelf": gone})
    pieces, total, v, known = z.sum(axis=1), z.sum(axis=0), np.zeros(z.shape[1]), np.flatnonzero(z.sum(axis=0) > 0)
    y, on, n = z[pieces > 0][:, known], shelf[pieces > 0][:, known], pieces[pieces > 0, None]
    sets, label = connected_components(y.T @ on > 0, connection="strong")
    if sets != 1:
        apart = first_five(sales.columns[known[label != np.bincount(label).argmax()]]) if sets else "none was sold"
        told = f"found {sets} sets of which that does not hold: {apart}. Leave products out or bring more periods."
        raise DataError(f"first_choice: expected each product chosen beside others, and they beside it, {told}")

    def at(utility: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        chance = softmax(np.where(on, np.append(0, utility), -np.inf), axis=1)
        value, expected = (y * np.log(np.maximum(chance, 1e-300))).sum(), (n * chance).sum(axis=0)
        return value, (y.sum(axis=0) - expected)[1:], (chance.T @ (n * chance) - np.diag(expected))[1:, 1:]

    v[known] = share / (1 - share) * softmax(np.append(0, _newton(at, np.zeros(len(known) - 1))[0]))
    there = (shelf @ v)[:, None]
    arrivals = pieces[:, None] * (1 + there) / np.where(there > 0, there, np.nan)
    own, missed = z * (1 + there) * (1 - share), ~shelf * v * (1 - share) * np.nan_to_num(arrivals)
    lost, first = (missed / (1 + there)).sum(axis=0), (own + missed).sum(axis=0)
    found = {"share": v / v.sum(), "sales": total, "first_choice": first, "recaptured": total - own.sum(axis=0)}
    products = pd.DataFrame({"product": sales.columns, **found, "spilled": missed.sum(axis=0) - lost, "lost": lost})
    products.loc[~shelf.any(axis=0), ["share", "first_choice", "spilled", "lost"]] = np.nan
    return products, pd.DataFrame({"period": sales.index, "sales": pieces, "arrivals": arrivals[:, 0]})


def outcomes(wishes: pd.DataFrame, *, by: Sequence[str], min_n: int = 1, confidence: float = 0.95) -> pd.DataFrame:
    """What came of wishes, and the revenue of those that were not met, by group.

    Parameters
    ----------
    wishes
        One row a wish (the frame ``wishes``): ``by`` (missing: "(unknown)"), ``person`` (missing: all one), ``outcome``
        (of ``OUTCOMES``), and ``value`` (cents, where known).
    by
        Grouping columns; none for one row over all.
    min_n
        Groups of fewer persons stand together.
    confidence
        Coverage of the ends, which hold together over the groups (Bonferroni).

    Returns
    -------
    DataFrame
        One row a group: ``by``, ``n`` (wishes), ``n_persons``; with ends the shares of wishes (0-1) ``bought``,
        ``substituted``, ``unavailable``, ``not_ranged``, ``unmet`` (the last two) and ``lost`` (value of unmet wishes,
        cents; ends from two persons on); ``n_unknown`` (unmet wishes without a value, which count 0; if all, ``lost``
        is missing).

    Raises
    ------
    DataError
        If a column is missing, or an outcome is none of ``OUTCOMES``.

    Notes
    -----
    Persons are drawn: docs/METHODS.md sections 0.7 (Wilson's interval where all are alike) and 1.8; variance of a total
    N/(N-1) sum (y - T/N)^2 over all N persons.

    Examples
    --------
    >>> wishes = pd.DataFrame({"person": [1, 1, 2], "outcome": ["bought", "not_ranged", "unavailable"], "value": 300})
    >>> outcomes(wishes, by=[])[["n", "n_persons", "unmet", "lost"]].round(2).values.tolist()
    [[3.0, 2.0, 0.67, 600.0]]
    """
    rows, keys = _wishes("outcomes", wishes, by, min_n)
    shares = {name: rows["outcome"] == name for name in OUTCOMES} | {"unmet": rows["unmet"]}
    return _over_persons(rows, keys, shares, ("lost", rows["value"], rows["unmet"]), confidence)


def wanted(wishes: pd.DataFrame, *, days: float, min_n: int, top: int = 20, confidence: float = 0.95) -> pd.DataFrame:
    """Wanted but not on the shelf: the ``top`` articles or search terms by unmet wishes.

    Parameters
    ----------
    wishes
        As for ``outcomes``, with ``item`` (article or term; wishes without are left out), and ``site`` to part them by
        it.
    days
        That the wishes cover, above 0.
    min_n
        Persons with an unmet wish that an item needs.
    top
        Rows at most.
    confidence
        Coverage of the ends, which hold together over all such rows, also below the top (Bonferroni).

    Returns
    -------
    DataFrame
        One row an item (and site), most unmet wishes first, then by name: ``item``, ``site``, ``n`` (wishes),
        ``n_persons`` (with an unmet one), ``unmet`` (share, 0-1), ``lost`` (cents) with ends, ``n_unknown`` as in
        ``outcomes``, ``n_unmet``, ``per_day`` (unmet wishes) with ends.

    Raises
    ------
    DataError
        If ``days`` is not above 0, a column is missing, or an outcome is none of ``OUTCOMES``.

    Notes
    -----
    docs/METHODS.md section 1.8. Ends of a day are exact Poisson ones (Garwood, Biometrika 28, 1936) of n_unmet / d,
    times d = sum m^2 / sum m over persons of m unmet wishes. Not every unmet wish is a lost sale: some come back.

    Examples
    --------
    >>> wishes = pd.DataFrame({"item": "rye", "person": [1, 2, 3], "outcome": ["bought", "not_ranged", "unavailable"]})
    >>> wanted(wishes, days=10, min_n=2)[["per_day", "per_day_low", "per_day_high"]].round(2).values.tolist()
    [[0.2, 0.02, 0.72]]
    """
    if not days > 0:
        raise DataError(f"wanted: expected days above 0, found {days}. Tell how many days the wishes cover.")
    rows, keys = _wishes("wanted", wishes, ["item", "site"] if "site" in wishes else ["item"])
    rows = rows[wishes["item"].notna().to_numpy()]
    behind = rows["person"].where(rows["unmet"]).groupby([rows[key] for key in keys]).transform("nunique")
    rows = rows[behind >= max(min_n, 1)]
    found = _over_persons(rows, keys, {"unmet": rows["unmet"]}, ("lost", rows["value"], rows["unmet"]), confidence)
    each = rows[rows["unmet"]].groupby([*keys, "person"]).size()  # every group has one: the order is that of ``found``
    n, squares = (x.groupby(level=keys).sum().to_numpy() for x in (each, each**2))
    k, unit, tail = n**2 / squares, squares / n / days, (1 - confidence) / 2 / max(len(found), 1)
    ends = {"per_day_low": gammaincinv(k, tail) * unit, "per_day_high": gammaincinv(k + 1, 1 - tail) * unit}
    found = found.assign(n_persons=each.groupby(level=keys).size().to_numpy(), n_unmet=n, per_day=n / days, **ends)
    return found.sort_values(["n_unmet", *keys], ascending=[False, *[True] * len(keys)], ignore_index=True).head(top)


def short_lines(lines: pd.DataFrame, *, by: Sequence[str], min_n: int = 1, confidence: float = 0.95) -> pd.DataFrame:
    """Order lines that came short or replaced, and pieces that did not come, by group.

    Parameters
    ----------
    lines
        One row an order line (the frame ``short_lines``): ``by``, ``person`` (or ``customer_id``),
        ``quantity_ordered``, ``quantity_delivered`` (pieces, the last may be missing), and ``replaced`` (another
        article came instead; may be missing).
    by
        Grouping columns (missing: "(unknown)"); none for one row over all.
    min_n
        Groups of fewer persons stand together.
    confidence
        Coverage of the ends, which hold together over the groups (Bonferroni).

    Returns
    -------
    DataFrame
        One row a group: ``by``, ``n`` (lines), ``n_persons``; ``short`` and ``replaced`` (shares of the lines that
        tell, 0-1) and ``not_delivered`` (pieces) with ends as in ``outcomes``; ``n_unknown`` (lines of which the pieces
        delivered are not known).

    Raises
    ------
    DataError
        If a column is missing.

    Notes
    -----
    docs/METHODS.md sections 0.7 and 1.8. More than ordered of one line does not make up for less of another.

    Examples
    --------
    >>> lines = pd.DataFrame({"person": [1, 2], "quantity_ordered": 3, "quantity_delivered": [3, 1], "replaced": False})
    >>> short_lines(lines, by=[])[["n", "short", "replaced", "not_delivered"]].values.tolist()
    [[2.0, 0.5, 0.0, 2.0]]
    """
    lines = lines if "person" in lines else lines.rename(columns={"customer_id": "person"})
    needed = ["person", "quantity_ordered", "quantity_delivered"]
    rows, keys = _labelled("short_lines", lines, by, needed, min_n)
    gap = (rows["quantity_ordered"].astype("Float64") - rows["quantity_delivered"].astype("Float64")).clip(lower=0)
    shares = {"short": gap > 0, "replaced": rows.get("replaced", pd.Series(pd.NA, rows.index)).astype("boolean")}
    return _over_persons(rows, keys, shares, ("not_delivered", gap.astype("float64"), rows["_all"] == 0), confidence)


def _refuse(where: str, rules: dict[str, np.ndarray]) -> None:
    faults = {rule: np.flatnonzero(wrong) for rule, wrong in rules.items() if wrong.any()}
    told = [
        f"{where}: expected {rule}, found {len(at)} others, in rows {first_five(at)}" for rule, at in faults.items()
    ]
    if told:
        raise DataError(several(f"{fault}. Mend them at the source or leave them out." for fault in told))


def _labelled(
    where: str, rows: pd.DataFrame, by: Sequence[str], needed: Sequence[str], min_n: int = 1
) -> tuple[pd.DataFrame, list]:
    """Rows with "(unknown)" for a missing label or person, small groups merged, and the columns to group them by."""
    if absent := sorted({*by, *needed} - {*rows.columns}):
        raise DataError(f"{where}: missing columns: {', '.join(absent)}. Present: {', '.join(sorted(rows.columns))}.")
    unknown = [name for name in (*by, "person") if name in rows and rows[name].isna().any()]
    told = {name: rows[name].astype(object).where(rows[name].notna(), stats.UNKNOWN) for name in unknown}
    rows = rows.assign(**told, _all=0).reset_index(drop=True)
    if by and min_n > 1:
        rows = stats.publishable(rows, by=by, person="person", min_n=min_n).reset_index(drop=True)
    return rows, list(by) or ["_all"]


def _wishes(where: str, wishes: pd.DataFrame, by: Sequence[str], min_n: int = 1) -> tuple[pd.DataFrame, list]:
    rows, keys = _labelled(where, wishes, by, ["person", "outcome"], min_n)
    _refuse(where, {f"outcome among {', '.join(sorted(OUTCOMES))}": ~rows["outcome"].isin(OUTCOMES).to_numpy()})
    value, unmet = rows.get("value", pd.Series(np.nan, rows.index)), rows["outcome"].isin(UNMET)
    return rows.assign(unmet=unmet, value=value.astype("Float64").astype("float64").where(unmet, 0)), keys


def _over_persons(rows: pd.DataFrame, keys: list, shares: dict, total: tuple, confidence: float) -> pd.DataFrame:
    """Shares and a total (name, amounts, rows that count) by group with ends over persons; missing parts left out."""
    found = pd.DataFrame({"n": rows.groupby(keys).size(), "n_persons": rows.groupby(keys)["person"].nunique()})
    wide = {"confidence": confidence, "family": max(len(found), 1)}
    quantile = ndtri(1 - (1 - confidence) / 2 / wide["family"])
    for name, part in shares.items():
        told = rows.assign(numerator=part.astype("Float64"), denominator=1.0)[part.notna()]
        told = told.groupby([*keys, "person"])[["numerator", "denominator"]].sum().reset_index()
        ends = stats.ratio(told, by=keys, **wide).set_index(keys)
        same = ends["ratio"].isin([0, 1])  # no variance is left: a person is a draw
        alike = stats.share(ends.assign(k=ends["ratio"] * ends["n"])[same], **wide)
        ends.loc[same, ["ratio_low", "ratio_high"]] = alike[["share_low", "share_high"]].to_numpy()
        found[[name, f"{name}_low", f"{name}_high"]] = ends[["ratio", "ratio_low", "ratio_high"]].clip(0, 1)
    name, amounts, counts = total
    people, n = amounts.groupby([rows[key] for key in [*keys, "person"]]).sum(), max(rows["person"].nunique(), 2)
    by = people.groupby(level=keys)
    spread = (n / (n - 1) * ((people**2).groupby(level=keys).sum() - by.sum() ** 2 / n)).clip(lower=0) ** 0.5
    half = spread.where((people > 0).groupby(level=keys).sum() > 1) * quantile
    unknown, of = (x.groupby([rows[key] for key in keys]).sum() for x in (amounts.isna(), counts))
    ends = {name: by.sum(), f"{name}_low": (by.sum() - half).clip(lower=0), f"{name}_high": by.sum() + half}
    found = found.join(pd.DataFrame(ends).mask((unknown == of) & (of > 0))).assign(n_unknown=unknown)
    return found.reset_index(drop=keys == ["_all"])

"""Do customers fall into groups by how they shop, how sure is that, and who moved? Lifestyle clusters."""

# ruff: noqa: N803, N806 - X is the name that scikit-learn calls it by

import warnings
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from toolkit import stats

MIN_ORDERS = 3  # in the half of the weeks that a vector is made of: fewer say more of chance than of taste
STABLE = 0.6  # bootstrap Jaccard below which a cluster is not to be trusted (Hennig 2007)
_GAIN, _SURE = 0.01, 4.0  # what one more cluster must explain beyond chance: share of variance, standard deviations
_REFERENCES, _BOOTSTRAPS, _MOST, _FEW = 10, 20, 20_000, 3_000
_CUT = 2.5  # standard deviations at which a trait is cut, so that no cluster is a few odd customers
_RARE = 0.01  # traits with a smaller share of their block stand together
_MARK = 1.1  # lift from which a settled trait names a cluster
_PRIOR = 2.0  # orders of an average customer that every customer's shares are drawn towards
_BASKET = {  # column of the sums -> name in vectors, and as a mark
    "amount": ("money an order", "large orders", "small orders"),
    "n_lines": ("lines an order", "many lines", "few lines"),
}


class LifestyleClusters(ClusterMixin, BaseEstimator):
    """k-means with the number of clusters that the data support, which may be one: no clusters.

    Columns are standardised and cut at 2.5 standard deviations. One more cluster is supported if it explains more
    of the variance than in tables drawn from a normal distribution with the same covariance (by 1 % of it, and by four
    standard deviations of the draws), and if every cluster then comes back in bootstrap samples (Jaccard at least 0.6).
    The largest supported number is taken.

    Parameters
    ----------
    n_clusters
        Number of clusters to force; None lets the data choose.
    most
        Largest number of clusters tried.
    random_state
        Seed or generator of starts, draws and bootstrap samples.

    Attributes
    ----------
    n_clusters_, labels_, cluster_centers_
        What was found; clusters are numbered from the largest down.
    jaccard_
        Mean bootstrap Jaccard of each cluster, on at most 20,000 customers.
    evidence_
        Unless a number is forced, one row a number tried: ``k``, ``gain`` (share of variance beyond chance), ``sure``
        (in standard deviations of chance), ``silhouette``, both on at most 3,000 customers; ``jaccard`` (of the weakest
        cluster; missing without a gain), ``supported``.

    Notes
    -----
    docs/METHODS.md section 1.5. Reference tables: the gap statistic (Tibshirani, Walther and Hastie, *JRSS B* 63, 2001)
    with the covariance kept, as in SigClust (Liu et al., *JASA* 103, 2008); stability: Hennig (*CSDA* 52, 2007).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> apart = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 50, axis=0) + rng.normal(size=(150, 2))
    >>> LifestyleClusters(random_state=0).fit(apart).n_clusters_
    3
    >>> LifestyleClusters(random_state=0).fit(rng.normal(size=(150, 2))).n_clusters_
    1
    """

    def __init__(self, n_clusters: int | None = None, *, most: int = 10, random_state=None):
        self.n_clusters = n_clusters
        self.most = most
        self.random_state = random_state

    def fit(self, X, y=None):
        """Choose the number of clusters on at most 20,000 rows, then cluster all rows.

        Parameters
        ----------
        X
            One row a customer, one column a trait, as of ``vectors``; two rows or more, without gaps.
        y
            Not used; scikit-learn passes it.

        Returns
        -------
        LifestyleClusters
            Itself, with its attributes.

        Raises
        ------
        ValueError
            By scikit-learn, if there are gaps or fewer than two rows.

        Notes
        -----
        docs/METHODS.md section 1.5.

        Examples
        --------
        >>> apart = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], [60, 50, 40], axis=0)
        >>> apart = apart + np.random.default_rng(1).normal(size=(150, 2))
        >>> fit = LifestyleClusters(random_state=0, most=4).fit(apart)
        >>> np.bincount(fit.labels_).tolist()
        [60, 50, 40]
        >>> fit.evidence_[["k", "supported"]].values.tolist()
        [[1, True], [2, True], [3, True], [4, False]]
        """
        X = validate_data(self, X, dtype="float64", ensure_min_samples=2)
        draw = check_random_state(self.random_state)
        self._mean, spread = X.mean(axis=0), X.std(axis=0)
        self._spread = np.where(spread > 1e-12 * np.maximum(np.abs(self._mean), 1), spread, np.inf)
        z = self._standard(X)
        few = z if len(z) <= _MOST else z[np.sort(draw.permutation(len(z))[:_MOST])]
        most = min(self.most, len(np.unique(few, axis=0)) - 1, len(few) // 2)
        with threadpool_limits(1):  # sums in one thread are the same on every machine
            if self.n_clusters is None:
                self.evidence_ = _evidence(few, most, draw)
                k = int(self.evidence_.loc[self.evidence_["supported"], "k"].max()) if most >= 2 else 1
            else:
                k = max(1, min(self.n_clusters, len(np.unique(few, axis=0))))
            start = _fitted(few, k, draw, starts=10)
            whole = (
                start if len(few) == len(z) else KMeans(k, init=start.cluster_centers_, n_init=1, max_iter=50).fit(z)
            )
            order = np.argsort(-np.bincount(whole.labels_, minlength=k), kind="stable")
            self.cluster_centers_ = whole.cluster_centers_[order]
            self.labels_ = np.argsort(order)[whole.labels_].astype(np.int64)
            self.n_clusters_, self.n_iter_ = k, int(whole.n_iter_)
            near = _nearest(few, self.cluster_centers_)
            self.jaccard_ = _jaccard(few, near, k, draw) if k > 1 else np.ones(1)
        return self

    def predict(self, X) -> np.ndarray:
        """The cluster of each row: the nearest centre.

        Parameters
        ----------
        X
            Rows of the same columns as were fitted.

        Returns
        -------
        array
            Numbers of clusters, 0 the largest that was found.

        Raises
        ------
        ValueError
            By scikit-learn, if nothing was fitted before, the columns are not as many, or there are gaps.

        Notes
        -----
        docs/METHODS.md section 1.5. Rows are standardised and cut by the mean and spread of those that were fitted.

        Examples
        --------
        >>> apart = np.repeat([[0.0], [9.0]], [30, 20], axis=0) + np.random.default_rng(1).normal(size=(50, 1))
        >>> LifestyleClusters(2, random_state=0).fit(apart).predict([[1.0], [8.0], [99.0]]).tolist()
        [0, 1, 1]
        """
        check_is_fitted(self)
        return _nearest(self._standard(validate_data(self, X, dtype="float64", reset=False)), self.cluster_centers_)

    def _standard(self, X: np.ndarray) -> np.ndarray:
        return np.clip((X - self._mean) / self._spread, -_CUT, _CUT)


def _nearest(z: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return ((centres**2).sum(axis=1) - 2 * z @ centres.T).argmin(axis=1)


def _fitted(z: np.ndarray, k: int, draw, starts: int = 2) -> KMeans:
    return KMeans(k, n_init=starts, random_state=int(draw.randint(2**31 - 1))).fit(z)


def _evidence(z: np.ndarray, most: int, draw) -> pd.DataFrame:
    """Gains beyond chance for 2 to ``most`` clusters; stability where the gain is there."""
    ks, n = range(2, most + 1), len(z)
    rows = {"k": [1], "gain": [np.nan], "sure": [np.nan], "silhouette": [np.nan], "jaccard": [np.nan]}
    found = pd.DataFrame({name: values + [np.nan] * len(ks) for name, values in rows.items()})
    found["k"] = [1, *ks]
    found["supported"] = found["k"] == 1
    if not len(ks):
        return found
    few = z if n <= _FEW else z[draw.permutation(n)[:_FEW]]
    centred = few - few.mean(axis=0)
    sizes, axes = np.linalg.eigh(centred.T @ centred / len(few))

    def steps(rows: np.ndarray, fits: list[KMeans]) -> np.ndarray:
        whole = ((rows - rows.mean(axis=0)) ** 2).sum()
        return -np.diff(np.log(np.maximum([whole, *(fit.inertia_ for fit in fits)], 1e-12)))

    fits, chance = [_fitted(few, k, draw) for k in ks], []
    for _ in range(_REFERENCES):
        drawn = np.clip((draw.standard_normal(few.shape) * np.sqrt(np.clip(sizes, 0, None))) @ axes.T, -_CUT, _CUT)
        chance.append(steps(drawn, [_fitted(drawn, k, draw) for k in ks]))
    gain = steps(few, fits) - np.mean(chance, axis=0)
    found.loc[1:, "gain"], found.loc[1:, "sure"] = gain, gain / np.maximum(np.std(chance, axis=0, ddof=1), 1e-12)
    for row, fit in enumerate(fits, start=1):
        if 1 < len(np.unique(fit.labels_)) < len(few):
            found.loc[row, "silhouette"] = silhouette_score(few, fit.labels_)
        if found.loc[row, "gain"] >= _GAIN and found.loc[row, "sure"] >= _SURE:
            whole = fit if few is z else KMeans(row + 1, init=fit.cluster_centers_, n_init=1).fit(z)
            found.loc[row, "jaccard"] = _jaccard(z, whole.labels_, row + 1, draw).min()
    found["supported"] |= found["jaccard"] >= STABLE
    return found


def _jaccard(z: np.ndarray, labels: np.ndarray, k: int, draw) -> np.ndarray:
    """Hennig's stability: rows drawn twice count once, each cluster against the most alike of the new ones."""
    total, times = np.zeros(k), np.zeros(k)
    for _ in range(_BOOTSTRAPS):
        chosen = np.unique(draw.randint(len(z), size=len(z)))
        again = _fitted(z[chosen], min(k, len(chosen)), draw, starts=1).labels_
        both = np.zeros((k, again.max() + 1))
        np.add.at(both, (labels[chosen], again), 1)
        mine = both.sum(axis=1)
        alike = (both / np.maximum(mine[:, None] + both.sum(axis=0) - both, 1)).max(axis=1)
        total, times = total + np.where(mine > 0, alike, 0), times + (mine > 0)
    return total / np.maximum(times, 1)


def vectors(tastes: pd.DataFrame, *, half: str = "even") -> pd.DataFrame:
    """What each customer's orders of one half of the weeks look like, as a vector.

    Parameters
    ----------
    tastes
        The frame ``tastes``: one row a customer, half, block and trait, with ``amount``; the block ``basket`` has
        the traits ``n_orders``, ``n_lines`` and ``amount`` (cents).
    half
        ``even``, ``odd``, or ``both``.

    Returns
    -------
    DataFrame
        One row a customer with at least 3 orders in that half, index ``customer_id``; columns ``block: trait``:
        square roots of shares (Hellinger), drawn towards the average by two orders; and logarithms of money and
        lines an order.

    Notes
    -----
    docs/METHODS.md section 1.5. Traits with under 1 % of their block stand together, blocks of one trait are left out.

    Examples
    --------
    Of all 1,200, 900 is tea: with two orders of that average a's share is (3 + 2 x 0.75) / 5, and b's 2 x 0.75 / 5

    >>> rows = [("a", "basket", "n_orders", 3), ("a", "basket", "n_lines", 6), ("a", "basket", "amount", 900),
    ...         ("a", "category", "tea", 900), ("b", "basket", "n_orders", 3), ("b", "basket", "n_lines", 3),
    ...         ("b", "basket", "amount", 300), ("b", "category", "wine", 300)]
    >>> tastes = pd.DataFrame(rows, columns=["customer_id", "block", "trait", "amount"]).assign(half="even")
    >>> vectors(tastes).round(2)["category: tea"].to_dict()
    {'a': 0.95, 'b': 0.55}
    """
    rows = tastes if half == "both" else tastes[tastes["half"] == half]
    rows = rows.astype({"amount": "float64"})
    basket = _wide(rows[rows["block"] == "basket"]).reindex(columns=["n_orders", "n_lines", "amount"], fill_value=0.0)
    basket = basket[basket["n_orders"] >= MIN_ORDERS]
    n, columns = basket["n_orders"], {}
    kept = rows[(rows["block"] != "basket") & (rows["amount"] > 0) & rows["customer_id"].isin(basket.index)]
    for block, told in kept.groupby("block"):
        shares = told.groupby("trait")["amount"].sum() / told["amount"].sum()
        told = told.assign(trait=told["trait"].where(told["trait"].map(shares) >= _RARE, stats.OTHER))
        wide = _wide(told).reindex(basket.index, fill_value=0.0)
        average = wide.sum() / wide.to_numpy().sum()
        own = wide.div(wide.sum(axis=1).where(lambda total: total > 0), axis=0).fillna(average)
        drawn = np.sqrt(own.mul(n, axis=0).add(_PRIOR * average).div(n + _PRIOR, axis=0))
        if wide.shape[1] > 1:
            columns |= {f"{block}: {trait}": drawn[trait] for trait in wide}
    for column, (name, *_) in _BASKET.items():
        columns[f"basket: {name}"] = np.log((basket[column].clip(lower=0) + 1) / n)
    return pd.DataFrame(columns, index=basket.index)


def _wide(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.pivot_table(index="customer_id", columns="trait", values="amount", aggfunc="sum", fill_value=0.0)


def assigned(fit: LifestyleClusters, tastes: pd.DataFrame, columns: Sequence[str], *, half: str) -> pd.Series:
    """The cluster of every customer with enough orders in ``half``, by clusters that were found on ``columns``.

    Parameters
    ----------
    fit
        The estimator of ``lifestyles``.
    tastes
        The frame ``tastes``, or that of a year before.
    columns
        Names of the columns it was fitted on: ``fit.columns_``. Of those that ``tastes`` lacks everybody has the mean.
    half
        ``even``, ``odd`` or ``both``, as for ``vectors``.

    Returns
    -------
    Series
        Number of the cluster, index ``customer_id``.

    Notes
    -----
    docs/METHODS.md section 1.7.

    Examples
    --------
    Forty customers spend about 800 of 1,000 on tea, the rest on wine; twenty the other way round:

    >>> tea = np.repeat([800, 200], [40, 20]) + np.random.default_rng(1).integers(-99, 100, 60)
    >>> wide = pd.DataFrame({"n_orders": 4, "n_lines": 8, "amount": 1000, "tea": tea, "wine": 1000 - tea})
    >>> tastes = wide.rename_axis(index="customer_id", columns="trait").stack().rename("amount").reset_index()
    >>> tastes = tastes.assign(block=(["basket"] * 3 + ["category"] * 2) * 60)
    >>> tastes = pd.concat([tastes.assign(half="even"), tastes.assign(half="odd")])
    >>> _, fit = lifestyles(tastes, seed=1)
    >>> assigned(fit, tastes, fit.columns_, half="odd").loc[[0, 1, 40, 41]].to_dict()
    {0: 0, 1: 0, 40: 1, 41: 1}
    """
    found = vectors(tastes, half=half)
    if found.empty:
        return pd.Series(dtype="int64")
    absent = pd.DataFrame(np.tile(fit._mean, (len(found), 1)), index=found.index, columns=list(columns))
    known = [name for name in columns if name in found]
    absent[known] = found[known]
    return pd.Series(fit.predict(absent.to_numpy()), index=found.index)


def lifestyles(
    tastes: pd.DataFrame, *, seed: int, n_clusters: int | None = None
) -> tuple[pd.DataFrame, LifestyleClusters | None]:
    """Each customer's cluster, found in even weeks.

    Parameters
    ----------
    tastes
        The frame ``tastes``.
    seed
        Of starts, draws and bootstrap samples.
    n_clusters
        Number to force; None lets the data choose.

    Returns
    -------
    tuple
        One row a customer with enough orders: ``customer_id``, ``cluster`` (0 is the largest); and the estimator, with
        the names of its columns in ``columns_``, None where fewer than ten customers have enough orders.

    Notes
    -----
    docs/METHODS.md section 1.5. There may be one cluster, which is none. What customers of a cluster did in odd weeks
    is in ``held_out``.

    Examples
    --------
    Forty customers spend about 800 of 1,000 on tea, the rest on wine; twenty the other way round:

    >>> tea = np.repeat([800, 200], [40, 20]) + np.random.default_rng(1).integers(-99, 100, 60)
    >>> wide = pd.DataFrame({"n_orders": 4, "n_lines": 8, "amount": 1000, "tea": tea, "wine": 1000 - tea})
    >>> tastes = wide.rename_axis(index="customer_id", columns="trait").stack().rename("amount").reset_index()
    >>> tastes = tastes.assign(block=(["basket"] * 3 + ["category"] * 2) * 60)
    >>> tastes = pd.concat([tastes.assign(half="even"), tastes.assign(half="odd")])
    >>> members, fit = lifestyles(tastes, seed=1)
    >>> members["cluster"].value_counts().to_dict()
    {0: 40, 1: 20}
    >>> fit.columns_
    ['category: tea', 'category: wine', 'basket: money an order', 'basket: lines an order']
    """
    found = vectors(tastes)
    if len(found) < 10:
        return pd.DataFrame({"customer_id": pd.Series(dtype="str"), "cluster": pd.Series(dtype="int64")}), None
    fit = LifestyleClusters(n_clusters, random_state=seed).fit(found.to_numpy())
    fit.columns_ = list(found)
    return pd.DataFrame({"customer_id": found.index.to_numpy(), "cluster": fit.labels_}), fit


def clusters(
    members: pd.DataFrame, fit: LifestyleClusters | None, tastes: pd.DataFrame, *, min_n: int, most: int = 3
) -> pd.DataFrame:
    """Who is in each cluster, what marks it, and whether it is to be trusted.

    Parameters
    ----------
    members, fit
        The results of ``lifestyles``.
    tastes
        The frame ``tastes``; traits are compared in odd weeks, which made no cluster.
    min_n
        Smaller clusters stand together as "(other)", which is left out if it is still smaller.
    most
        Traits told of each.

    Returns
    -------
    DataFrame
        One row a cluster, the largest first: ``number``, ``cluster`` (its name: traits that mark it most), ``n``
        (customers), ``of_all`` (0-1), ``jaccard`` (bootstrap stability), ``trusted`` (at least 0.6), ``marks`` (traits
        with their lift in odd weeks).

    Notes
    -----
    docs/METHODS.md section 1.5. A mark is a settled trait of ``held_out``, with a lift above 1.1 and 5 % of its block,
    or one of money or lines an order; the most certain of each block. Of equal names the number is told too.

    Examples
    --------
    Forty customers spend about 800 of 1,000 on tea, the rest on wine; twenty the other way round:

    >>> tea = np.repeat([800, 200], [40, 20]) + np.random.default_rng(1).integers(-99, 100, 60)
    >>> wide = pd.DataFrame({"n_orders": 4, "n_lines": 8, "amount": 1000, "tea": tea, "wine": 1000 - tea})
    >>> tastes = wide.rename_axis(index="customer_id", columns="trait").stack().rename("amount").reset_index()
    >>> tastes = tastes.assign(block=(["basket"] * 3 + ["category"] * 2) * 60)
    >>> tastes = pd.concat([tastes.assign(half="even"), tastes.assign(half="odd")])
    >>> members, fit = lifestyles(tastes, seed=1)
    >>> clusters(members, fit, tastes, min_n=10)[["cluster", "n", "jaccard", "trusted", "marks"]]
      cluster   n  jaccard  trusted             marks
    0     tea  40      1.0     True   tea (1.3 times)
    1    wine  20      1.0     True  wine (2.0 times)
    """
    if fit is None:
        return pd.DataFrame(columns=["number", "cluster", "n", "of_all", "jaccard", "trusted", "marks"])
    lifts = held_out(members, tastes, min_n=min_n)
    sizes = members.groupby("cluster").size()
    rows = []
    for cluster, n in sizes.items():
        own = lifts[(lifts["cluster"] == cluster) & lifts["settled"]]
        own = own[((own["lift"] > _MARK) & (own["share"] >= 0.05)) | own["share"].isna()]
        own = own.assign(z=own["z"].abs()).sort_values(["z", "block", "trait"], ascending=[False, True, True])
        own = own.drop_duplicates("block").head(most)
        marks = [f"{row.trait} ({row.lift:.1f} times)" for row in own.itertuples()]
        rows.append(
            {
                "number": cluster,
                "cluster": ", ".join(own["trait"]) or "no settled mark",
                "n": int(n),
                "of_all": n / sizes.sum(),
                "jaccard": float(fit.jaccard_[cluster]),
                "trusted": bool(fit.jaccard_[cluster] >= STABLE),
                "marks": "; ".join(marks),
            }
        )
    table = pd.DataFrame(rows)
    twice = table.duplicated("cluster", keep=False)
    table["cluster"] = table["cluster"].where(
        ~twice, table["cluster"] + " (" + (table["number"] + 1).astype("str") + ")"
    )
    small = table["n"] < min_n
    if small.any():  # what too few stand behind is told of together
        gone = table[small]
        rest = {"number": -1, "cluster": stats.OTHER, "n": int(gone["n"].sum()), "of_all": gone["of_all"].sum()}
        rest |= {"jaccard": float(gone["jaccard"].min()), "trusted": False, "marks": ""}
        table = pd.concat([table[~small], pd.DataFrame([rest]) if rest["n"] >= min_n else None], ignore_index=True)
    return table


def held_out(members: pd.DataFrame, tastes: pd.DataFrame, *, min_n: int, confidence: float = 0.95) -> pd.DataFrame:
    """What the clusters of even weeks did in odd weeks: share and lift of every trait.

    Parameters
    ----------
    members
        The result of ``lifestyles``: ``customer_id``, ``cluster``.
    tastes
        The frame ``tastes``, of which the odd weeks are read.
    min_n
        Customers that a cluster, and persons that a trait, needs; two at least.
    confidence
        That all rows are settled together with (Bonferroni).

    Returns
    -------
    DataFrame
        One row a cluster of at least ``min_n`` customers and trait that at least ``min_n`` persons have in odd weeks:
        ``cluster``, ``block``, ``trait``, ``n`` (persons of the cluster with orders), ``share`` (0-1, of its block),
        ``lift`` (share / share of all), ``z``, ``settled`` (``|z|`` beyond the Bonferroni quantile over all rows).
        Money and lines an order stand as traits ("large orders", "few lines"): geometric means by those of all, no
        share.

    Notes
    -----
    docs/METHODS.md section 1.5. The share is the mean over persons of their own shares; its error that of a mean.
    Tested on weeks that made no cluster: on the clustering variables themselves every cluster would differ.

    Examples
    --------
    Of a 3 / 4 is tea, of b 1 / 2, of c and d nothing: the share of all is 1.25 / 4, that of cluster 0 twice as much

    >>> tastes = pd.DataFrame({"customer_id": list("aabbcd"), "trait": ["tea", "wine"] * 2 + ["wine"] * 2})
    >>> tastes = tastes.assign(amount=[3, 1, 1, 1, 5, 2], half="odd", block="category")
    >>> members = pd.DataFrame({"customer_id": list("abcd"), "cluster": [0, 0, 1, 1]})
    >>> held_out(members, tastes, min_n=2)[["cluster", "trait", "n", "share", "lift"]].round(3)
       cluster trait  n  share   lift
    0        0   tea  2  0.625  2.000
    1        0  wine  2  0.375  0.545
    2        1  wine  2  1.000  1.455
    """
    odd = tastes[(tastes["half"] == "odd") & (tastes["block"] != "basket") & (tastes["amount"] > 0)]
    odd = odd.merge(members, on="customer_id").astype({"amount": "float64"})
    odd["own"] = odd["amount"] / odd.groupby(["customer_id", "block"])["amount"].transform("sum")
    persons = odd.drop_duplicates(["customer_id", "block"]).groupby(["cluster", "block"]).size().rename("n")
    per = odd.groupby(["cluster", "block", "trait"])["own"].agg(total="sum", squares=lambda x: (x**2).sum(), k="size")
    rows = per.reset_index().merge(persons.reset_index(), on=["cluster", "block"])
    whole = rows.groupby(["block", "trait"])[["total", "k"]].sum()
    whole["of_all"] = (
        whole["total"] / persons.groupby("block").sum().reindex(whole.index.get_level_values(0)).to_numpy()
    )
    rows = rows.merge(whole[["of_all", "k"]].rename(columns={"k": "held_by"}).reset_index(), on=["block", "trait"])
    rows = rows[(rows["n"] >= max(min_n, 2)) & (rows["held_by"] >= min_n)]
    share = rows["total"] / rows["n"]
    error = np.sqrt(np.maximum(rows["squares"] / rows["n"] - share**2, 0) / (rows["n"] - 1))
    z = (share - rows["of_all"]) / error.where(error > 0)
    told = rows.assign(share=share, lift=share / rows["of_all"], z=z)
    told = pd.concat([told, _baskets(members, tastes, min_n=min_n)], ignore_index=True)
    settled = told["z"].abs() > NormalDist().inv_cdf(1 - (1 - confidence) / 2 / max(len(told), 1))
    columns = ["cluster", "block", "trait", "n", "share", "lift", "z", "settled"]
    return told.assign(settled=settled)[columns].sort_values(columns[:3], ignore_index=True)


def _baskets(members: pd.DataFrame, tastes: pd.DataFrame, *, min_n: int) -> pd.DataFrame:
    """Whether orders of odd weeks are large or small, of many lines or few, by cluster."""
    odd = tastes[(tastes["half"] == "odd") & (tastes["block"] == "basket")].astype({"amount": "float64"})
    wide = _wide(odd).reindex(columns=["n_orders", "n_lines", "amount"], fill_value=0.0)
    wide = wide[wide["n_orders"] > 0].merge(members.set_index("customer_id"), left_index=True, right_index=True)
    parts = []
    for column, (name, more, less) in _BASKET.items():
        size = np.log((wide[column].clip(lower=0) + 1) / wide["n_orders"])
        found = size.groupby(wide["cluster"]).agg(["size", "mean", "std"])
        away = found["mean"] - size.mean()
        error = found["std"] / np.sqrt(found["size"])
        part = {"n": found["size"], "lift": np.exp(away), "z": away / error.where(error > 0), "share": np.nan}
        part = pd.DataFrame(part).assign(block=f"basket: {name}", trait=np.where(away > 0, more, less))
        parts.append(part[part["n"] >= max(min_n, 2)].reset_index())
    return pd.concat(parts)


def forced(tastes: pd.DataFrame, fit: LifestyleClusters | None, *, n_clusters: int, seed: int) -> dict[str, float]:
    """What a fixed number of clusters costs: how many of them do not come back, and whom they hold.

    Parameters
    ----------
    tastes
        The frame ``tastes``.
    fit
        The estimator of ``lifestyles``, which chose its number itself.
    n_clusters
        Number that is wished for; fewer are made where fewer customers differ.
    seed
        Of starts and bootstrap samples.

    Returns
    -------
    dict
        ``n_clusters``, ``supported`` (that the data hold), ``untrusted`` (clusters under 0.6), ``held`` (customers in
        them, 0-1); nothing without ``fit``.

    Notes
    -----
    docs/METHODS.md section 1.5.

    Examples
    --------
    Sixty customers differ by chance alone, so that of eight clusters more than half do not come back:

    >>> shares = np.random.default_rng(1).dirichlet([9, 9, 9, 9], 60)
    >>> wide = pd.DataFrame(shares, columns=["tea", "wine", "rye", "oats"]).assign(n_orders=4, n_lines=8, amount=1)
    >>> tastes = wide.rename_axis(index="customer_id", columns="trait").stack().rename("amount").reset_index()
    >>> tastes = tastes.assign(block=(["category"] * 4 + ["basket"] * 3) * 60, half="even")
    >>> told = forced(tastes, lifestyles(tastes, seed=1)[1], n_clusters=8, seed=1)
    >>> told["n_clusters"], told["supported"], told["untrusted"] > 4, told["held"] > 0.5
    (8, 1, True, True)
    """
    if fit is None:
        return {}
    members, wished = lifestyles(tastes, seed=seed, n_clusters=n_clusters)
    weak = np.flatnonzero(wished.jaccard_ < STABLE)
    return {
        "n_clusters": wished.n_clusters_,
        "supported": fit.n_clusters_,
        "untrusted": len(weak),
        "held": float(members["cluster"].isin(weak).mean()),
    }


def matched(before: Sequence[int], after: Sequence[int], k: int) -> np.ndarray:
    """For each cluster of ``after`` the one of ``before`` that it is: the assignment that moves the fewest (Hungarian).

    Parameters
    ----------
    before, after
        Clusters of the same customers twice, numbered from 0.
    k
        Number of clusters, of both.

    Returns
    -------
    array
        The number in ``before`` of each cluster of ``after``.

    Notes
    -----
    docs/METHODS.md section 1.7; Kuhn 1955.

    Examples
    --------
    What was 0 is mostly called 1 afterwards; only the last customer moved:

    >>> matched([0, 0, 1, 1, 1], [1, 1, 0, 0, 1], 2).tolist()
    [1, 0]
    """
    both = np.zeros((k, k))
    np.add.at(both, (np.asarray(after, int), np.asarray(before, int)), 1)
    rows, columns = linear_sum_assignment(-both)
    return columns[np.argsort(rows)]


def balance(before: pd.Series, after: pd.Series) -> dict[str, float]:
    """Do as many come as go? p-values of Bowker's ``symmetry_p`` and Stuart and Maxwell's ``homogeneity_p``.

    Parameters
    ----------
    before, after
        The groups of the same customers twice, with one index. Groups that nobody left or joined are left out.

    Returns
    -------
    dict
        ``symmetry_p`` (moves between each two groups go both ways alike), ``homogeneity_p`` (groups keep their sizes);
        NaN where nobody moved at all, or the moves do not tell.

    Notes
    -----
    docs/METHODS.md section 1.7. Bowker, *JASA* 43, 1948; Stuart, *Biometrika* 42, 1955, as statsmodels computes.

    Examples
    --------
    Three went from a to b and nobody back, chi-square (3 - 0)^2 / 3 of one degree of freedom:

    >>> round(balance(pd.Series(list("aaaabbb")), pd.Series(list("abbbbbb")))["homogeneity_p"], 4)
    0.0833
    """
    from statsmodels.stats.contingency_tables import SquareTable  # a second of imports that few callers need
    from statsmodels.tools.sm_exceptions import SingularMatrixWarning

    moved = (before != after).to_numpy()
    labels = sorted({*before[moved], *after[moved]})
    if not labels:
        return {"symmetry_p": np.nan, "homogeneity_p": np.nan}
    table = pd.crosstab(before, after).reindex(index=labels, columns=labels, fill_value=0)
    square = SquareTable(table.to_numpy("float64"), shift_zeros=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularMatrixWarning)
        return {"symmetry_p": float(square.symmetry().pvalue), "homogeneity_p": float(square.homogeneity().pvalue)}


def migration(
    fit: LifestyleClusters | None, now: pd.DataFrame, before: pd.DataFrame, found: pd.DataFrame, *, min_n: int,
    confidence: float = 0.95,
) -> tuple[pd.DataFrame, dict[str, float]]:  # fmt: skip
    """Who moved between clusters since last year, against what noise alone would move.

    Parameters
    ----------
    fit
        This year's clusters, which last year's vectors are assigned to as well.
    now, before
        The frame ``tastes`` of this period and of the one a year before.
    found
        The result of ``clusters``, for their names.
    min_n
        Flows of fewer customers stand under "(other)", or are left out.
    confidence
        Coverage of the interval of what goes beyond noise.

    Returns
    -------
    tuple
        One row a pair of clusters: ``before``, ``after``, ``n``, ``share`` (0-1, of those told in ``before``). And
        ``n`` (customers in both years), ``moved`` (share, 0-1), ``by_noise`` (share who move between even and odd weeks
        of this year, 0-1), ``beyond``, ``beyond_low``, ``beyond_high`` (moved - by_noise), ``alike`` (share of
        last year's customers whom clusters found anew in last year's weeks, matched to these, put into the same one),
        ``symmetry_p`` (Bowker: moves go both ways alike), ``homogeneity_p`` (Stuart and Maxwell: clusters keep their
        sizes; both missing where nothing moved, or too little to tell).

    Notes
    -----
    docs/METHODS.md section 1.7. Fewer than ``min_n`` customers in both years, or with enough orders in both halves of
    this one, tell nothing but ``n``.

    Examples
    --------
    Forty customers spend about 800 of 1,000 on tea, the rest on wine; twenty the other way round:

    >>> tea = np.repeat([800, 200], [40, 20]) + np.random.default_rng(1).integers(-99, 100, 60)
    >>> wide = pd.DataFrame({"n_orders": 4, "n_lines": 8, "amount": 1000, "tea": tea, "wine": 1000 - tea})
    >>> tastes = wide.rename_axis(index="customer_id", columns="trait").stack().rename("amount").reset_index()
    >>> tastes = tastes.assign(block=(["basket"] * 3 + ["category"] * 2) * 60)
    >>> tastes = pd.concat([tastes.assign(half="even"), tastes.assign(half="odd")])
    >>> members, fit = lifestyles(tastes, seed=1)
    >>> named = clusters(members, fit, tastes, min_n=5)

    Last year the first ten bought the other of the two:

    >>> other = tastes["trait"].replace({"tea": "wine", "wine": "tea"})
    >>> before = tastes.assign(trait=tastes["trait"].where(tastes["customer_id"] >= 10, other))
    >>> flows, moved = migration(fit, tastes, before, named, min_n=5)
    >>> flows
      before after   n     share
    0    tea   tea  30  1.000000
    1   wine  wine  20  0.666667
    2   wine   tea  10  0.333333
    >>> {name: round(moved[name], 3) for name in ("n", "moved", "by_noise", "beyond_low", "beyond_high", "alike")}
    {'n': 60, 'moved': 0.167, 'by_noise': 0.0, 'beyond_low': 0.072, 'beyond_high': 0.261, 'alike': 1.0}
    """
    names = ["moved", "by_noise", "beyond", "beyond_low", "beyond_high", "alike", "symmetry_p", "homogeneity_p"]
    told = dict.fromkeys(names, np.nan)
    empty = pd.DataFrame(columns=["before", "after", "n", "share"])
    if fit is None:
        return empty, {"n": 0, **told}
    was = assigned(fit, before, fit.columns_, half="even")
    ours = pd.Series(fit.labels_, index=vectors(now).index)
    other = assigned(fit, now, fit.columns_, half="odd")
    both = pd.concat([was.rename("before"), ours.rename("after")], axis=1, join="inner").astype("int64")
    halves = pd.concat([ours.rename("one"), other.rename("two")], axis=1, join="inner")
    told = {"n": len(both), **told}
    if len(both) < min_n or len(halves) < min_n:
        return empty, told
    moved, noise = (both["before"] != both["after"]).mean(), (halves["one"] != halves["two"]).mean()
    half = np.sqrt(moved * (1 - moved) / len(both) + noise * (1 - noise) / len(halves))
    half *= NormalDist().inv_cdf((1 + confidence) / 2)
    ends = {"": 0, "_low": -half, "_high": half}
    told |= {"moved": float(moved), "by_noise": float(noise)}
    told |= {f"beyond{end}": float(moved - noise + away) for end, away in ends.items()}
    told |= balance(both["before"], both["after"])
    anew, last_year = lifestyles(before, seed=0, n_clusters=fit.n_clusters_)
    if last_year is not None and last_year.n_clusters_ == fit.n_clusters_:
        same = matched(was.loc[anew["customer_id"]], anew["cluster"], fit.n_clusters_)
        told["alike"] = float((same[anew["cluster"]] == was.loc[anew["customer_id"]].to_numpy()).mean())
    names = found.set_index("number")["cluster"].to_dict()
    both = both.apply(lambda column: column.map(names).fillna(stats.OTHER))
    flows = both.groupby(["before", "after"]).size().rename("n").reset_index()
    flows["after"] = flows["after"].where(flows["n"] >= min_n, stats.OTHER)
    flows = flows.groupby(["before", "after"], as_index=False)["n"].sum()
    flows = flows[flows["n"] >= min_n]
    flows["share"] = flows["n"] / flows.groupby("before")["n"].transform("sum")
    order = {name: at for at, name in enumerate(found["cluster"])} | {stats.OTHER: len(found)}
    flows = flows.sort_values(["before", "n"], key=lambda x: x.map(order) if x.name == "before" else -x, kind="stable")
    return flows.reset_index(drop=True), told

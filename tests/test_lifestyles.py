"""Lifestyle clusters: docs/METHODS.md sections 1.5 and 1.7."""

import pathlib
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score, calinski_harabasz_score, silhouette_score
from sklearn.utils.estimator_checks import check_estimator

from toolkit import lifestyles
from toolkit.lifestyles import LifestyleClusters


def _tastes(groups, *, orders=12, seed=0):
    """Customers of groups with their own chances of four categories and two channels, as often in each half."""
    rng, rows = np.random.default_rng(seed), []
    for number, (n, categories, channels) in enumerate(groups):
        for person in range(n):
            for half in ("even", "odd"):
                bought, ways = rng.multinomial(3 * orders, categories), rng.multinomial(orders, channels)
                who = (f"g{number}-{person:04}", "shopper", half)
                rows += [(*who, "category", f"c{i}", 100 * k) for i, k in enumerate(bought)]
                rows += [(*who, "channel", f"w{i}", k) for i, k in enumerate(ways)]
                told = {"n_orders": orders, "n_lines": 3 * orders, "amount": 300 * orders}
                rows += [(*who, "basket", name, value) for name, value in told.items()]
    return pd.DataFrame(rows, columns=["customer_id", "segment", "half", "block", "trait", "amount"])


_APART = [
    (120, [0.7, 0.1, 0.1, 0.1], [0.9, 0.1]),
    (80, [0.1, 0.7, 0.1, 0.1], [0.5, 0.5]),
    (60, [0.1, 0.1, 0.2, 0.6], [0.1, 0.9]),
]
_SAME = [(300, [0.4, 0.3, 0.2, 0.1], [0.6, 0.4])]


@pytest.fixture(scope="module")
def apart():
    tastes = _tastes(_APART)
    return tastes, *lifestyles.lifestyles(tastes, seed=1)


def test_planted_groups_are_found_again(apart):
    _, members, fit = apart
    planted = members["customer_id"].str[:2]
    assert fit.n_clusters_ == 3
    assert adjusted_rand_score(planted, members["cluster"]) > 0.97
    assert members["cluster"].value_counts().tolist() == sorted(members["cluster"].value_counts(), reverse=True)


def test_customers_who_are_all_alike_but_for_chance_are_no_clusters():
    members, fit = lifestyles.lifestyles(_tastes(_SAME), seed=1)
    assert fit.n_clusters_ == 1
    assert set(members["cluster"]) == {0}


def test_the_estimator_keeps_the_rules_of_scikit_learn():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(LifestyleClusters(random_state=0, most=4))


@pytest.mark.slow
def test_pure_noise_answers_no_clusters_at_least_95_times_in_100():
    answers = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        normal = rng.standard_normal((400, 12)) @ rng.standard_normal((12, 12))
        heavy = normal / np.sqrt(rng.chisquare(3, (400, 1)) / 3)
        answers.append(LifestyleClusters(random_state=seed, most=6).fit(heavy if seed % 2 else normal).n_clusters_)
    assert sum(k == 1 for k in answers) >= 95


def test_iris_is_clustered_as_by_r_and_scikit_learn():
    # R kmeans and mclust, scikit-learn: k = 3, sizes 50/62/38, Rand index 0.7302382723, silhouette 0.55281901
    x, species = load_iris(return_X_y=True)
    found = KMeans(3, n_init=10, random_state=0).fit(x)
    assert round(found.inertia_, 6) == 78.851441
    assert adjusted_rand_score(species, found.labels_) == pytest.approx(0.7302382723, abs=1e-9)
    assert calinski_harabasz_score(x, found.labels_) == pytest.approx(561.62776, abs=1e-5)
    assert silhouette_score(x, found.labels_) == pytest.approx(0.55281901, abs=1e-8)
    assert adjusted_rand_score([0, 0, 1, 1], [0, 0, 1, 2]) == pytest.approx(0.5714285714)


def test_stability_is_hennigs_with_rows_drawn_twice_counted_once():
    # Jaccard of 11100 and 11010 is 0.5 (fpc's clujaccard); written out with sets, over the same draws
    x, draw, k = load_iris().data, np.random.RandomState(0), 3
    labels = KMeans(k, n_init=10, random_state=0).fit_predict(x)
    expected = np.zeros(k)
    for _ in range(20):
        chosen = sorted(set(draw.randint(150, size=150)))
        again = KMeans(k, n_init=1, random_state=int(draw.randint(2**31 - 1))).fit_predict(x[chosen])
        for old in range(k):
            mine = {i for i in chosen if labels[i] == old}
            found = [{i for i, new in zip(chosen, again, strict=True) if new == one} for one in range(k)]
            expected[old] += max(len(mine & other) / len(mine | other) for other in found) / 20
    assert lifestyles._jaccard(x, labels, k, np.random.RandomState(0)) == pytest.approx(expected)


def test_a_cluster_that_does_not_come_back_is_not_to_be_trusted():
    rng = np.random.default_rng(3)
    x = np.vstack([rng.normal(0, 1, (300, 6)), rng.normal(12, 0.5, (60, 6))])
    fit = LifestyleClusters(5, random_state=0).fit(x)
    assert (fit.jaccard_ < 0.6).sum() >= 2
    assert fit.jaccard_.max() > 0.9


def test_faithful_is_as_stable_as_in_r():
    # fpc 2.2, clusterboot, k-means of 2 on R's faithful, 200 samples: .9968 and .9943, to .03
    text = (pathlib.Path(__file__).parent / "faithful.txt").read_text().split("\n\n", 1)[1]
    x = np.array(text.split(), "float64").reshape(-1, 2) / [1000, 1]
    assert x.mean(axis=0) == pytest.approx([3.487783, 70.89706], rel=1e-6)  # R: colMeans(faithful)
    fit = LifestyleClusters(2, random_state=0).fit(x)
    assert sorted(np.bincount(fit.labels_)) == [98, 174]
    assert fit.jaccard_ == pytest.approx([0.9968, 0.9943], abs=0.03)


def test_mixed_traits_group_as_by_k_prototypes():
    # Huang, Data Mining and Knowledge Discovery 2, 1998; kmodes 0.12.2 with gamma = 1: {0,1,2} {3,4,5} {6,7}, cost
    # 1.0716666667
    x, kind = np.array([1, 1.2, 0.9, 8, 8.1, 7.9, 4, 4.1]), pd.Series(list("aaabbccc"))
    one_hot = pd.get_dummies(kind).to_numpy("float64") * np.sqrt(0.5)  # two apart by 1, squared: gamma
    found = KMeans(3, n_init=10, random_state=0).fit_predict(np.column_stack([x, one_hot]))
    assert adjusted_rand_score([0, 0, 0, 1, 1, 1, 2, 2], found) == 1
    parts = [(x[found == k], kind[found == k]) for k in range(3)]
    cost = sum(((of - of.mean()) ** 2).sum() + (like != like.mode()[0]).sum() for of, like in parts)
    assert cost == pytest.approx(1.0716666667)


def test_iris_clusters_are_matched_to_the_species():
    # R's clue, scipy: 134 of 150
    x, species = load_iris(return_X_y=True)
    labels = KMeans(3, n_init=10, random_state=0).fit_predict(x)
    assert (lifestyles.matched(species, labels, 3)[labels] == species).sum() == 134


def test_balance_is_that_of_stuart_and_bowker():
    # Stuart 1955, unaided vision of 7,477 women, right by left eye; R: mcnemar.test 19.107 on 6 degrees, p 0.003987;
    # DescTools StuartMaxwellTest 11.957 on 3, p 0.007533
    counts = [[1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492]]
    right, left = np.divmod(np.repeat(np.arange(16), np.ravel(counts)), 4)
    found = lifestyles.balance(pd.Series(right), pd.Series(left))
    assert found == pytest.approx({"symmetry_p": 0.0039874, "homogeneity_p": 0.0075334}, abs=1e-7)


def test_balance_of_moves_that_do_not_tell():
    two_pairs = lifestyles.balance(pd.Series(list("abcdee")), pd.Series(list("badcee")))
    assert two_pairs["symmetry_p"] == 1
    assert np.isnan(two_pairs["homogeneity_p"])
    assert np.isnan(list(lifestyles.balance(pd.Series(list("ab")), pd.Series(list("ab"))).values())).all()


def test_matching_moves_the_fewest():
    # [[4, 1, 3], [2, 0, 5], [3, 2, 2]] -> (1, 0, 2), cost 5: scipy and R's clue
    assert linear_sum_assignment([[4, 1, 3], [2, 0, 5], [3, 2, 2]])[1].tolist() == [1, 0, 2]
    assert lifestyles.matched([0, 0, 1, 2, 2], [2, 2, 0, 1, 1], 3).tolist() == [1, 2, 0]


def test_clusters_are_named_by_what_marks_them_in_weeks_that_made_none(apart):
    tastes, members, fit = apart
    named = lifestyles.clusters(members, fit, tastes, min_n=10)
    assert named["cluster"].tolist() == ["c0, w0", "c1, w1", "c3, w1"]
    assert named["trusted"].all()
    assert named["n"].sum() == 260


def test_the_odd_weeks_decide_what_is_settled(apart):
    tastes, members, fit = apart
    even_only = tastes.assign(
        amount=tastes["amount"].where((tastes["half"] == "even") | (tastes["block"] == "basket"), 10)
    )
    assert not lifestyles.held_out(members, even_only, min_n=10)["settled"].any()
    assert lifestyles.clusters(members, fit, even_only, min_n=10)["cluster"].str.startswith("no settled mark").all()


def test_a_cluster_marked_by_nothing_but_what_it_leaves_alone_has_no_mark(apart, monkeypatch):
    tastes, members, fit = apart
    lifts = pd.DataFrame(
        {"cluster": [0, 1, 2], "block": "category", "trait": ["c0", "c1", "c2"], "z": [-9.0, 9.0, 9.0]}
    )
    lifts = lifts.assign(n=50, share=[0.01, 0.9, 0.9], lift=[0.1, 3.0, 3.0], settled=True)
    monkeypatch.setattr(lifestyles, "held_out", lambda *_, **__: lifts)
    named = lifestyles.clusters(members, fit, tastes, min_n=10)
    assert named.set_index("number")["cluster"].to_dict() == {0: "no settled mark", 1: "c1", 2: "c2"}


def test_lift_is_share_of_the_cluster_by_share_of_all():
    bought = [("a", "tea", 3), ("a", "wine", 1), ("b", "tea", 1), ("b", "wine", 1), ("c", "wine", 5), ("d", "wine", 2)]
    rows = [(who, "odd", "category", trait, amount) for who, trait, amount in bought]
    tastes = pd.DataFrame(rows, columns=["customer_id", "half", "block", "trait", "amount"])
    members = pd.DataFrame({"customer_id": list("abcd"), "cluster": [0, 0, 1, 1]})
    found = lifestyles.held_out(members, tastes, min_n=2).set_index(["cluster", "trait"])
    assert found.loc[(0, "tea"), "share"] == (3 / 4 + 1 / 2) / 2
    assert found.loc[(0, "tea"), "lift"] == ((3 / 4 + 1 / 2) / 2) / ((3 / 4 + 1 / 2) / 4)


def test_small_clusters_are_told_of_together(apart):
    tastes, members, fit = apart
    named = lifestyles.clusters(members, fit, tastes, min_n=90)
    assert named["cluster"].tolist() == ["c0, w0", "(other)"]
    assert named["n"].tolist() == [members["cluster"].eq(0).sum(), 260 - members["cluster"].eq(0).sum()]


def test_forcing_more_clusters_than_there_are_is_shown_to_cost(apart):
    tastes, _, fit = apart
    cost = lifestyles.forced(tastes, fit, n_clusters=12, seed=1)
    assert cost["n_clusters"] == 12
    assert cost["supported"] == 3
    assert cost["untrusted"] >= 2
    assert 0 < cost["held"] <= 1


NAMES = pd.DataFrame({"number": range(3), "cluster": ["x", "y", "z"]})


def test_nobody_moved_beyond_noise_where_nothing_changed(apart):
    tastes, members, fit = apart
    flows, found = lifestyles.migration(fit, tastes, _tastes(_APART, seed=5), NAMES, min_n=5)
    assert found["beyond_low"] <= 0 <= found["beyond_high"]
    assert found["alike"] > 0.97
    assert not found["homogeneity_p"] < 0.05
    assert flows["before"].tolist() == flows["after"].tolist() == ["x", "y", "z"]


def test_those_who_changed_are_seen_to_move(apart):
    tastes, _, fit = apart
    moved = [_APART[0], (80, _APART[2][1], _APART[2][2]), _APART[2]]  # last year group 1 shopped as group 2 does
    flows, found = lifestyles.migration(fit, tastes, _tastes(moved, seed=5), NAMES, min_n=5)
    assert found["moved"] == pytest.approx(80 / 260, abs=0.02)
    assert found["homogeneity_p"] < 1e-6
    assert found["symmetry_p"] < 1e-6
    assert found["beyond_low"] > 0.2
    assert flows.set_index(["before", "after"]).loc[("z", "y"), "n"] == pytest.approx(80, abs=4)


def test_too_few_in_both_years_are_no_migration(apart):
    tastes, _, fit = apart
    flows, found = lifestyles.migration(fit, tastes, tastes.iloc[:0], NAMES, min_n=5)
    assert flows.empty
    assert found["n"] == 0
    assert np.isnan(found["moved"])


@pytest.mark.parametrize("n", [0, 1, 9])
def test_too_few_customers_have_no_clusters(n):
    members, fit = lifestyles.lifestyles(_tastes([(n, [0.4, 0.3, 0.2, 0.1], [0.6, 0.4])]), seed=1)
    assert members.empty
    assert fit is None


def test_identical_customers_are_one_cluster():
    tastes = _tastes([(1, [0.4, 0.3, 0.2, 0.1], [0.6, 0.4])])
    many = pd.concat([tastes.assign(customer_id=f"p{i}") for i in range(30)])
    members, fit = lifestyles.lifestyles(many, seed=1)
    assert fit.n_clusters_ == 1
    assert len(members) == 30
    assert LifestyleClusters(16, random_state=0).fit(np.ones((30, 3))).n_clusters_ == 1


def test_fewer_customers_than_clusters_get_as_many_as_differ():
    x = np.repeat(np.arange(5.0), 2)[:, None]
    assert LifestyleClusters(16, random_state=0).fit(x).n_clusters_ == 5


def test_returns_larger_than_purchases_leave_a_finite_vector():
    tastes = _tastes(_SAME[:1])
    tastes.loc[(tastes["block"] == "basket") & (tastes["trait"] == "amount"), "amount"] = -500
    tastes.loc[tastes["block"] == "category", "amount"] = -10
    assert np.isfinite(lifestyles.vectors(tastes).to_numpy()).all()


def test_too_few_customers_have_no_clusters_and_nothing_follows():
    tastes = _tastes([(4, *_APART[0][1:])], seed=1)
    members, fit = lifestyles.lifestyles(tastes, seed=1)
    assert fit is None
    assert lifestyles.clusters(members, fit, tastes, min_n=2).empty
    assert lifestyles.forced(tastes, fit, n_clusters=16, seed=1) == {}
    flows, found = lifestyles.migration(fit, tastes, tastes, NAMES, min_n=2)
    assert flows.empty
    assert found["n"] == 0

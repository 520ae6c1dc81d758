"""Does the ordered model give the published numbers, and say so where it cannot?"""

import numpy as np
import pandas as pd
import pytest
from conftest import SHARED
from statsmodels.miscmodels.ordinal_model import OrderedModel

from toolkit import drivers
from toolkit.errors import DataError

UCLA = SHARED / "reference" / "data" / "ologit_ucla.csv"


@pytest.fixture(scope="module")
def applications():
    if not UCLA.exists():
        pytest.skip("the shared data are not here")
    rows = pd.read_csv(UCLA)
    levels = {"unlikely": 0, "somewhat likely": 1, "very likely": 2}
    x = rows[["pared", "public", "gpa"]].astype(float)
    return drivers.ordered_logit(rows["apply"].map(levels), x), x


def test_coefficients_errors_cuts_and_likelihood_of_the_ucla_case(applications):
    model, _ = applications
    # methods b1: R MASS polr and statsmodels, tolerance 1e-3 for the sake of their optimisers
    assert model.table["coefficient"].tolist() == pytest.approx([1.04769011, -0.05878572, 0.61594057], abs=1e-3)
    assert model.table["se"].tolist() == pytest.approx([0.2658, 0.2979, 0.2606], abs=1e-3)
    assert model.cuts.tolist() == pytest.approx([2.203915, 4.299363], abs=1e-3)
    assert model.log_likelihood == pytest.approx(-358.512436, abs=1e-5)
    assert -2 * model.log_likelihood + 2 * 5 == pytest.approx(727.0249, abs=1e-4)


def test_probabilities_of_the_ucla_case(applications):
    model, _ = applications
    found = model.probabilities(pd.DataFrame({"pared": [0, 1], "public": 0, "gpa": 3.0}))
    expected = [[0.5880943, 0.3325798, 0.0793259], [0.3336779, 0.4691164, 0.1972057]]  # methods b1, R MASS polr
    assert found.to_numpy() == pytest.approx(np.array(expected), abs=1e-3)


def test_average_effect_of_a_driver_on_each_level_of_the_ucla_case(applications):
    model, x = applications
    given, without = x.assign(pared=1.0), x.assign(pared=0.0)
    for level, expected in enumerate([-0.25126, 0.13317, 0.11809]):  # methods b1
        points = np.eye(3)[level]
        assert model.effect(without, given, points=points)["effect"] == pytest.approx(expected, abs=1e-3)


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(20260930)
    x = pd.DataFrame({"a": rng.normal(size=1500), "b": rng.random(1500) < 0.3, "c": rng.gamma(2, size=1500)}).astype(
        float
    )
    latent = 0.8 * x["a"] - 1.1 * x["b"] + 0.2 * x["c"] + rng.logistic(size=1500)
    return np.digitize(latent, [-2, -0.5, 0.3, 1.5, 3]), x


def test_estimates_equal_statsmodels_at_the_same_likelihood(drawn):
    y, x = drawn
    model = drivers.ordered_logit(y, x)
    peer = OrderedModel(y, x, distr="logit").fit(method="bfgs", maxiter=500, gtol=1e-8, disp=0)
    assert model.log_likelihood >= peer.llf - 1e-8
    assert model.log_likelihood == pytest.approx(peer.llf, abs=1e-6)
    assert model.coefficients == pytest.approx(peer.params[:3].to_numpy(), abs=1e-4)
    assert model.table["se"].to_numpy() == pytest.approx(peer.bse[:3].to_numpy(), rel=1e-3)
    assert model.cuts == pytest.approx(peer.model.transform_threshold_params(peer.params)[1:-1], abs=1e-4)


def test_clustered_errors_equal_statsmodels(drawn):
    y, x = drawn
    clusters = np.arange(len(y)) // 5
    peer = OrderedModel(y, x, distr="logit").fit(
        method="bfgs", maxiter=500, gtol=1e-8, disp=0, cov_type="cluster", cov_kwds={"groups": clusters}
    )
    model = drivers.ordered_logit(y, x, clusters=clusters)
    assert model.n_clusters == 300
    assert model.table["se"].to_numpy() == pytest.approx(peer.bse[:3].to_numpy(), rel=1e-4)


def test_scale_and_place_of_a_driver_change_no_effect(drawn):
    y, x = drawn
    moved = x.assign(a=1000 * x["a"] + 5e5)
    one, two = drivers.ordered_logit(y, x), drivers.ordered_logit(y, moved)
    assert two.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-8)
    assert 1000 * two.coefficients[0] == pytest.approx(one.coefficients[0], rel=1e-8)
    points = [-100, -100, -100, 0, 100, 100]
    effects = [model.effect(rows.assign(b=0.0), rows, points=points) for model, rows in ((one, x), (two, moved))]
    assert list(effects[0].values()) == pytest.approx(list(effects[1].values()), rel=1e-6)


def test_the_interval_of_an_effect_is_that_of_the_bootstrap(drawn):
    y, x = drawn
    points = np.array([-100, -100, -100, 0, 100, 100])
    given = x[x["b"] > 0]
    effect = drivers.ordered_logit(y, x).effect(given.assign(b=0.0), given, points=points)
    rng, found = np.random.default_rng(1), []
    for _ in range(200):
        take = rng.integers(0, len(y), len(y))
        model = drivers.ordered_logit(y[take], x.iloc[take].reset_index(drop=True))
        found.append(model.effect(given.assign(b=0.0), given, points=points)["effect"])
    # 200 draws tell a standard deviation to about 5 %; rows of `given` are held, as the delta method holds them
    width = effect["effect_high"] - effect["effect_low"]
    assert width == pytest.approx(2 * 1.959964 * np.std(found), rel=0.15)


def test_rows_of_one_cluster_repeated_widen_the_errors_by_their_number(drawn):
    y, x = drawn
    once = drivers.ordered_logit(y, x, clusters=np.arange(len(y)))
    thrice = drivers.ordered_logit(
        np.tile(y, 3), pd.concat([x] * 3, ignore_index=True), clusters=np.tile(np.arange(len(y)), 3)
    )
    small = ((3 * 1500 - 1) / (3 * 1500 - 8) * (1500 - 8) / (1500 - 1)) ** 0.5  # (N-1)/(N-K), K = 3 drivers + 5 cuts
    assert thrice.table["se"].to_numpy() == pytest.approx(small * once.table["se"].to_numpy(), rel=1e-9)
    naive = drivers.ordered_logit(np.tile(y, 3), pd.concat([x] * 3, ignore_index=True))
    assert naive.table["se"].to_numpy() * 3**0.5 == pytest.approx(
        drivers.ordered_logit(y, x).table["se"].to_numpy(), rel=1e-9
    )


def test_a_driver_that_leaves_no_doubt_is_named():
    with pytest.raises(DataError) as error:
        drivers.ordered_logit(
            [0, 0, 0, 1, 1, 1, 2, 2], pd.DataFrame({"size": [1, 2, 1, 2, 1, 2, 1, 2], "late": [0, 0, 0, 1, 1, 1, 1, 1]})
        )
    assert str(error.value) == (
        "ordered_logit: expected drivers that leave some doubt, found 'late', which tells the outcome apart perfectly. "
        "Leave it out, or bring more answers."
    )


def test_one_level_and_gaps_are_refused():
    x = pd.DataFrame({"late": [0.0, 1.0, np.nan]})
    with pytest.raises(DataError, match="^ordered_logit: expected an outcome of two levels or more, found 1.$"):
        drivers.ordered_logit([1, 1, 1], x)
    with pytest.raises(DataError, match="^ordered_logit: expected drivers without gaps, found 1 gaps.$"):
        drivers.ordered_logit([1, 2, 1], x)


def test_no_rows_have_no_effect(drawn):
    y, x = drawn
    none = drivers.ordered_logit(y, x).effect(x.iloc[:0], x.iloc[:0], points=range(6))
    assert all(np.isnan(value) for value in none.values())


def test_columns_that_follow_from_others_are_left_out():
    rng = np.random.default_rng(3)
    x = pd.DataFrame(rng.normal(size=(50, 2)), columns=["a", "b"])
    x = x.assign(sum=x["a"] + 2 * x["b"], one=7.0, c=rng.normal(size=50) * 1e-6)
    assert drivers.independent(x) == ["a", "b", "c"]

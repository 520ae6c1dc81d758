"""Does the ordered model give the published numbers, and say so where it cannot?"""

import numpy as np
import pandas as pd
import pytest
from statsmodels.miscmodels.ordinal_model import OrderedModel

from conftest import SHARED
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


# -- least squares, importance, penalty and reward ----------------------------------------------------


def _reference(name):
    path = SHARED / "reference" / "data" / name
    if not path.exists():
        pytest.skip("the shared data are not here")
    return pd.read_csv(path)


def test_clustered_errors_of_the_petersen_case():
    rows = _reference("petersen.csv")
    found = drivers.least_squares(rows["y"], rows[["x"]], clusters=rows["firm"]).set_index("driver")
    # methods b5: R sandwich and statsmodels
    assert found["coefficient"]["x"] == pytest.approx(1.034833439, abs=1e-9)
    assert found["se"].tolist() == pytest.approx([0.06701270, 0.05059573], abs=1e-8)
    by_year = drivers.least_squares(rows["y"], rows[["x"]], clusters=rows["year"])["se"]
    assert by_year.tolist() == pytest.approx([0.02338672, 0.03338891], abs=1e-8)


SWISS = ["Agriculture", "Examination", "Education", "Catholic", "Infant.Mortality"]
LMG = [0.0570912208, 0.1711730289, 0.2601346786, 0.1055701504, 0.1127659229]  # methods b2: R relaimpo 2.2-7
JOHNSON = [0.0484168959, 0.1547082498, 0.2719641046, 0.1146800300, 0.1169657214]  # methods b3: relaimpo, rwa


def _importance(rows, columns, **more):
    given = {"clusters": range(len(rows)), "rng": np.random.default_rng(1), "draws": 0} | more
    return drivers.importance(rows["Fertility"], rows[columns], **given).set_index("driver")


def test_importance_of_the_swiss_case_sums_to_r_squared_and_ignores_the_order_of_columns():
    rows = _reference("swiss.csv")
    found = _importance(rows, SWISS)
    assert found["importance"].tolist() == pytest.approx(LMG, abs=1e-9)
    assert found["importance"].sum() == pytest.approx(0.7067350016, abs=1e-9)
    assert found["share"]["Education"] == pytest.approx(0.36807952, abs=1e-8)
    backwards = _importance(rows, SWISS[::-1])["importance"]
    assert backwards[SWISS].tolist() == pytest.approx(LMG, abs=1e-9)
    assert found["sign"].tolist() == [-1, -1, -1, 1, 1]  # R lm: -.172 -.258 -.871 .104 1.077


def test_relative_weights_of_the_swiss_case(monkeypatch):
    rows = _reference("swiss.csv")
    monkeypatch.setattr(drivers, "_EXACT", 4)
    found = _importance(rows, SWISS)
    assert set(found["method"]) == {"Johnson"}
    assert found["importance"].tolist() == pytest.approx(JOHNSON, abs=1e-9)


def test_variance_inflation_of_the_swiss_case():
    found = drivers.inflation(_reference("swiss.csv")[SWISS])["vif"]
    # methods b4
    assert found.tolist() == pytest.approx([2.284129378, 3.675419576, 2.774942781, 1.937160380, 1.107542226], abs=1e-8)


def test_intervals_of_importance_widen_when_rows_of_one_person_repeat():
    rng = np.random.default_rng(2)
    x = pd.DataFrame({"a": rng.normal(size=300), "b": rng.normal(size=300)})
    y = x["a"] + rng.normal(size=300)
    alone = drivers.importance(y, x, clusters=range(300), rng=rng, draws=200).loc[0]
    four = [pd.concat([part] * 4, ignore_index=True) for part in (x, y)]
    twice = drivers.importance(four[1], four[0], clusters=[*range(300)] * 4, rng=rng, draws=200).loc[0]
    assert twice["importance"] == pytest.approx(alone["importance"])
    assert alone["importance_low"] < alone["importance"] < alone["importance_high"]
    width = (twice["importance_high"] - twice["importance_low"]) / (alone["importance_high"] - alone["importance_low"])
    assert width == pytest.approx(1, abs=0.25)  # and not a half, as for four times the persons


def test_intervals_of_importance_are_those_of_rows_drawn_by_cluster():
    rng = np.random.default_rng(10)
    x, clusters = pd.DataFrame(rng.normal(size=(40, 2)), columns=["a", "b"]), np.arange(40) // 4
    y = x["a"] + rng.normal(size=40) + 3 * rng.normal(size=10)[clusters]
    found = drivers.importance(y, x, clusters=clusters, rng=np.random.default_rng(1), draws=50)
    again, drawn = np.random.default_rng(1), []
    for _ in range(50):
        rows = np.concatenate([np.flatnonzero(clusters == one) for one in again.integers(10, size=10)])
        one = drivers.importance(y[rows], x.iloc[rows], clusters=rows, rng=rng, draws=0)
        drawn.append(one["importance"])
    ends = np.quantile(drawn, [0.025, 0.975], axis=0).T
    assert found[["importance_low", "importance_high"]].to_numpy() == pytest.approx(ends)


@pytest.mark.parametrize("other", [[1, 0, 1, 0], [7, 7, 7, 7]])
@pytest.mark.parametrize("where", ["importance", "inflation", "least_squares"])
def test_a_driver_that_is_constant_or_follows_from_others_is_named(where, other):
    x, y, clusters = pd.DataFrame({"a": [0, 1, 0, 1], "b": other}), [1, 2, 3, 4], range(4)
    asked = {
        "importance": lambda: drivers.importance(y, x, clusters=clusters, rng=np.random.default_rng(0)),
        "inflation": lambda: drivers.inflation(x),
        "least_squares": lambda: drivers.least_squares(y, x, clusters=clusters),
    }
    with pytest.raises(DataError) as refused:
        asked[where]()
    assert str(refused.value) == (
        f"{where}: expected drivers that vary and do not follow from those before them, found 1 that do: 'b'. "
        "Leave them out."
    )


def test_one_cluster_alone_tells_no_error():
    x, y, one = pd.DataFrame({"a": [0.0, 1, 0, 1, 2, 3]}), [1, 2, 4, 3, 5, 9], [1] * 6
    assert drivers.least_squares(y, x, clusters=one)["se"].isna().all()
    assert drivers.ordered_logit([1, 2, 1, 2, 2, 1], x, clusters=one).table["se"].isna().all()
    found = drivers.importance(y, x, clusters=one, rng=np.random.default_rng(0), draws=20)
    assert found[["importance_low", "importance_high"]].isna().all(axis=None)
    found = drivers.penalty_reward(y, (x == 0) * 1, (x == 3) * 1, clusters=one).iloc[0]
    assert np.isnan(found["penalty_low"])
    assert found["kind"] == "not settled"
    found = drivers.treatment_effect(y, [0, 1, 1, 0, 1, 0], x, clusters=one)
    assert found["effect"].notna().all()
    assert found[["se", "effect_low", "effect_high", "log_ratio_se"]].isna().all(axis=None)


def test_order_and_number_of_rows_change_no_importance_penalty_or_reward():
    rng = np.random.default_rng(8)
    level = rng.integers(0, 3, size=(200, 2))
    low, high = (pd.DataFrame((level == one) * 1.0, columns=["a", "b"]) for one in (0, 2))
    y = high["a"] - 2 * low["b"] + rng.normal(size=200)
    shuffled = rng.permutation(200)
    for again in (shuffled, np.tile(shuffled, 2)):
        rows = [part.iloc[again].reset_index(drop=True) for part in (y, low, high)]
        for ask, columns in (
            (lambda y, low, high, of: drivers.penalty_reward(y, low, high, clusters=of), ["penalty", "reward"]),
            (lambda y, low, _, of: drivers.importance(y, low, clusters=of, rng=rng, draws=0), ["importance", "share"]),
        ):
            once, found = ask(y, low, high, range(200)), ask(*rows, again)
            assert found[columns].to_numpy() == pytest.approx(once[columns].to_numpy())


def test_penalty_and_reward_of_a_drawn_world_come_back():
    levels = pd.DataFrame([(a, b, c) for a in range(3) for b in range(3) for c in range(3)], columns=["ot", "pk", "pr"])
    low, high = ((levels == one).astype(float) for one in (0, 2))
    y = 7 - 2 * low["ot"] + 0.2 * high["ot"] - 0.5 * low["pk"] + 1.5 * high["pk"] - low["pr"] + high["pr"]
    noise = np.tile([0.01, -0.01, 0], 9)[np.random.default_rng(0).permutation(27)]
    found = drivers.penalty_reward(y + noise, low, high, clusters=range(27)).set_index("attribute")
    # methods b6: on-time -0.8182, packaging +0.5, price 0
    assert found["asymmetry"].tolist() == pytest.approx([-0.8182, 0.5, 0], abs=0.02)
    assert found["kind"].tolist() == ["dissatisfier", "delighter", "hybrid"]
    noisy = y + 20 * np.random.default_rng(1).normal(size=27)
    assert set(drivers.penalty_reward(noisy, low, high, clusters=range(27))["kind"]) == {"not settled"}


def test_a_mark_that_nobody_holds_has_no_effect():
    low, high = pd.DataFrame({"a": [1.0, 1, 0, 0, 0, 1]}), pd.DataFrame({"a": [0.0] * 6})
    found = drivers.penalty_reward([1, 2, 8, 9, 8, 1], low, high, clusters=range(6)).iloc[0]
    assert found[["reward", "reward_low", "reward_high"]].isna().all()
    assert found["penalty"] == pytest.approx(4 / 3 - 25 / 3)
    assert (found["asymmetry"], found["kind"]) == (-1, "dissatisfier")


# -- cause -------------------------------------------------------------------------------------------------


def test_augmented_weighting_of_the_cattaneo_case():
    rows = _reference("cataneo2.csv")
    first, second = ["mmarried_", "mage", "mage2", "fbaby_", "medu"], ["prenatal1_", "mmarried_", "mage", "fbaby_"]
    found = drivers.treatment_effect(
        rows["bweight"], rows["mbsmoke_"], rows[first], outcome_covariates=rows[second], probit=True
    ).set_index("estimand")
    # methods b7: Stata teffects aipw, as statsmodels ships it; G/(G-1) is 1.0002
    assert found["effect"]["ATE"] == pytest.approx(-230.98920, abs=1e-3)
    assert found["se"]["ATE"] == pytest.approx(26.21056, abs=4e-3)
    raw = drivers.treatment_effect(rows["bweight"], rows["mbsmoke_"], pd.DataFrame(index=rows.index))
    assert raw["effect"].tolist() == pytest.approx([-275.2519, -275.2519], abs=1e-4)


def test_augmented_weighting_by_a_logit_equals_statsmodels():
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.regression.linear_model import OLS
    from statsmodels.treatment.treatment_effects import TreatmentEffect

    rows = _reference("cataneo2.csv")
    first, second = ["mmarried_", "mage", "mage2", "fbaby_", "medu"], ["prenatal1_", "mmarried_", "mage", "fbaby_"]
    select = Logit.from_formula("mbsmoke_ ~ " + " + ".join(first), rows).fit(disp=False)
    model = OLS.from_formula("bweight ~ " + " + ".join(second), rows)
    expected = TreatmentEffect(model, rows["mbsmoke_"].to_numpy(), results_select=select).aipw()
    found = drivers.treatment_effect(
        rows["bweight"], rows["mbsmoke_"], rows[first], outcome_covariates=rows[second]
    ).set_index("estimand")
    assert found["effect"]["ATE"] == pytest.approx(float(np.ravel(expected.effect)[0]), abs=1e-3)
    assert found["se"]["ATE"] == pytest.approx(float(expected.results_gmm.bse[0]), rel=2e-3)


def test_the_effect_on_the_treated_in_strata_is_that_of_adjustment_in_statsmodels():
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.regression.linear_model import OLS
    from statsmodels.treatment.treatment_effects import TreatmentEffect

    rows = _reference("cataneo2.csv")
    x = rows[["mmarried_", "fbaby_"]].astype(float).assign(both=rows["mmarried_"] * rows["fbaby_"])
    d, y = rows["mbsmoke_"], rows["bweight"]
    found = drivers.treatment_effect(y, d, x).set_index("estimand").loc["ATT"]
    # arithmetic: in each of the four strata treated less others, by the treated of the stratum
    strata = rows.groupby(["mmarried_", "fbaby_", "mbsmoke_"])["bweight"].agg(["mean", "size"]).unstack()
    by_hand = np.average(strata["mean"][1] - strata["mean"][0], weights=strata["size"][1])
    assert found["effect"] == pytest.approx(by_hand, abs=1e-6)
    # where a model knows every stratum, weighting adds nothing to adjustment: statsmodels' ra on the treated
    design = x.assign(one=1.0)
    select = Logit(d, design).fit(disp=False)
    peer = TreatmentEffect(OLS(y, design), d.to_numpy(), results_select=select).ra(effect_group=1)
    assert found["effect"] == pytest.approx(float(np.ravel(peer.effect)[0]), abs=1e-3)
    assert found["se"] == pytest.approx(float(peer.results_gmm.bse[0]), rel=2e-3)


def _twisted(rng, n, *, straight_outcome, straight_treatment):
    """A world whose treatment and outcome follow x, or its square that no model is given."""
    x = rng.normal(size=n)
    pull, level = (x if straight else x**2 - 1 for straight in (straight_treatment, straight_outcome))
    treated = rng.random(n) < 1 / (1 + np.exp(0.8 - pull))
    effect = 2 + 0.5 * x
    return 3 * level + effect * treated + rng.normal(size=n), treated, pd.DataFrame({"x": x}), effect


@pytest.mark.parametrize(("outcome", "treatment"), [(True, False), (False, True)])
def test_one_right_model_is_enough(outcome, treatment):
    rng = np.random.default_rng(3)
    y, treated, x, effect = _twisted(rng, 20_000, straight_outcome=outcome, straight_treatment=treatment)
    found = drivers.treatment_effect(y, treated, x).set_index("estimand")
    for estimand, truth in (("ATE", effect.mean()), ("ATT", effect[treated].mean())):
        assert abs(found["effect"][estimand] - truth) < 3 * found["se"][estimand]
        assert found["se"][estimand] < 0.2


def _stacked(theta, y, d, x, w):
    """Estimating equations, a row each: the logit, least squares in each arm, and five means."""
    one, zero, logit, (m1, m0, share, t1, t0) = theta[:2], theta[2:4], theta[4:6], theta[6:]
    z = np.column_stack([np.ones(len(y)), x])
    e, f1, f0 = 1 / (1 + np.exp(-z @ logit)), z @ one, z @ zero
    parts = [z * (d * (y - f1))[:, None], z * ((1 - d) * (y - f0))[:, None], z * (d - e)[:, None]]
    untreated = d * f0 + (1 - d) * e / (1 - e) * (y - f0)
    means = (f1 + d / e * (y - f1) - m1, f0 + (1 - d) / (1 - e) * (y - f0) - m0)
    means += (d - share, d * y - share * t1, untreated - share * t0)
    return w[:, None] * np.column_stack([*parts, *means])


@pytest.mark.parametrize("straight", [True, False])
def test_effects_and_errors_are_those_of_stacked_equations(straight):
    from scipy.optimize import root

    rng = np.random.default_rng(11)
    y, treated, x, _ = _twisted(rng, 600, straight_outcome=straight, straight_treatment=straight)
    d, w, clusters = treated.astype(float), rng.uniform(0.5, 3, 600), rng.integers(0, 60, 600)
    known = (y, d, x["x"].to_numpy(), w)
    solved = root(lambda theta: _stacked(theta, *known).mean(axis=0), np.array([0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0, 0]))
    assert solved.success
    theta = solved.x
    steps = 1e-5 * np.eye(len(theta))
    slopes = [(_stacked(theta + s, *known) - _stacked(theta - s, *known)).mean(axis=0) / 2e-5 for s in steps]
    moves = _stacked(theta, *known) @ np.linalg.inv(np.column_stack(slopes)).T
    summed = pd.DataFrame(moves).groupby(clusters).sum().to_numpy()
    covariance = summed.T @ summed / 600**2 * 60 / 59
    found = drivers.treatment_effect(y, treated, x, weights=w, clusters=clusters).set_index("estimand")
    for estimand, high in (("ATE", 6), ("ATT", 9)):
        apart = np.eye(len(theta))[high] - np.eye(len(theta))[high + 1]
        assert found["effect"][estimand] == pytest.approx(apart @ theta, abs=1e-6)
        assert found["se"][estimand] == pytest.approx((apart @ covariance @ apart) ** 0.5, rel=1e-5)


def test_where_both_models_are_wrong_the_effect_is_missed():
    rng = np.random.default_rng(4)
    y, treated, x, effect = _twisted(rng, 20_000, straight_outcome=False, straight_treatment=False)
    found = drivers.treatment_effect(y, treated, x).set_index("estimand").loc["ATE"]
    assert abs(found["effect"] - effect.mean()) > 10 * found["se"]


def test_standard_errors_are_those_of_many_worlds():
    rng, found = np.random.default_rng(5), []
    for _ in range(300):
        y, treated, x, _ = _twisted(rng, 400, straight_outcome=True, straight_treatment=True)
        found.append(drivers.treatment_effect(y, treated, x).set_index("estimand")[["effect", "se", "log_ratio_se"]])
    rows = pd.concat(found, keys=range(300))
    for estimand in ("ATE", "ATT"):
        one = rows.xs(estimand, level=1)
        # the standard deviation of 300 is known within 4 %
        assert one["se"].mean() == pytest.approx(one["effect"].std(), rel=0.12)


def test_answers_of_one_person_and_weights_are_taken_together():
    rng = np.random.default_rng(6)
    y, treated, x, _ = _twisted(rng, 1000, straight_outcome=True, straight_treatment=True)
    once = drivers.treatment_effect(y, treated, x)
    twice = drivers.treatment_effect(np.tile(y, 2), np.tile(treated, 2), pd.concat([x, x]), clusters=[*range(1000)] * 2)
    weighted = drivers.treatment_effect(y, treated, x, weights=np.full(1000, 2.0))
    for column in ("effect", "se", "log_ratio_se"):
        assert twice[column].tolist() == pytest.approx(once[column].tolist(), nan_ok=True)
        assert weighted[column].tolist() == pytest.approx(once[column].tolist(), nan_ok=True)
    counted = np.where(np.arange(1000) < 300, 2.0, 1.0)
    again = np.append(np.arange(1000), np.arange(300))
    repeated = drivers.treatment_effect(y[again], treated[again], x.iloc[again])
    assert drivers.treatment_effect(y, treated, x, weights=counted)["effect"].tolist() == pytest.approx(
        repeated["effect"].tolist()
    )


def test_the_ratio_of_risks_has_the_error_of_a_logarithm():
    treated = [1] * 100 + [0] * 200
    outcome = [1] * 40 + [0] * 60 + [1] * 40 + [0] * 160
    found = drivers.treatment_effect(outcome, treated, pd.DataFrame(index=range(300))).iloc[0]
    assert (found["with"], found["without"]) == pytest.approx((0.4, 0.2))
    # Katz: sqrt((1 - p1) / (n1 p1) + (1 - p0) / (n0 p0))
    assert found["log_ratio_se"] == pytest.approx((0.6 / 40 + 0.8 / 40) ** 0.5, rel=2e-3)


@pytest.mark.parametrize("flag", [0, 1])
def test_nobody_treated_and_nobody_else_are_refused(flag):
    x, n = pd.DataFrame({"a": [0.0, 1, 0, 1, 2, 3]}), 6 * flag
    for ask in (lambda: drivers.treatment_effect(range(6), [flag] * 6, x), lambda: drivers.propensity([flag] * 6, x)):
        with pytest.raises(DataError) as refused:
            ask()
        assert str(refused.value) == (
            f"propensity: expected rows with the flag and rows without it, found {n} with it of 6. "
            "Nobody is there to compare with: leave the question out."
        )


def test_propensities_equal_statsmodels_and_balance_the_means():
    from statsmodels.discrete.discrete_model import Logit

    rng = np.random.default_rng(9)
    _, treated, x, _ = _twisted(rng, 2000, straight_outcome=True, straight_treatment=True)
    found = drivers.propensity(treated, x)
    peer = Logit(treated.astype(float), x.assign(one=1.0)).fit(disp=False, tol=1e-12).predict()
    assert found.to_numpy() == pytest.approx(np.asarray(peer), abs=1e-6)
    smd = drivers.balance(treated, x, found, weights=np.ones(2000)).iloc[0]
    spread = ((x["x"][treated].var() + x["x"][~treated].var()) / 2) ** 0.5
    assert smd["smd_before"] == pytest.approx((x["x"][treated].mean() - x["x"][~treated].mean()) / spread)
    assert abs(smd["smd_after"]) < 0.1 < smd["smd_before"]
    tenths = drivers.overlap(treated, found)
    assert tenths[["n_treated", "n_control"]].sum().tolist() == [treated.sum(), (~treated).sum()]
    assert tenths["n_treated"][3] == ((found >= 0.3) & (found < 0.4) & treated).sum()


def test_a_covariate_that_tells_the_treated_apart_is_named():
    x = pd.DataFrame({"a": [0.0, 1, 0, 1, 0, 1], "b": [0.0, 0, 0, 1, 1, 1]})
    with pytest.raises(drivers.SeparationError) as refused:
        drivers.treatment_effect([1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 1], x)
    assert refused.value.driver == "b"


def test_free_odds_give_the_same_effect_where_odds_are_proportional(drawn):
    y, x = drawn
    given, without = x.assign(b=1.0), x.assign(b=0.0)
    model = drivers.ordered_logit(y, x)
    points = np.where(np.arange(6) >= 4, 100, np.where(np.arange(6) < 2, -100, 0))
    bound = model.effect(without, given, points=points)
    free = drivers.free_effect(y, x, without, given, cuts=(2, 4))
    assert bound["effect_low"] < free < bound["effect_high"]
    assert np.isnan(drivers.free_effect(y, x, without, given, cuts=(0, 4)))  # nobody below


def test_the_limit_of_an_e_value_is_one_where_the_interval_holds_one():
    assert drivers.e_value(1.5, 0.9, 2.0)["e_value_limit"] == 1
    assert drivers.e_value(0.5, 0.4, 0.625)["e_value_limit"] == pytest.approx(1.6 + (1.6 * 0.6) ** 0.5)  # 1 / 0.625


def test_ends_of_a_skewed_mean_miss_alike_on_both_sides():
    rng = np.random.default_rng(5)
    draws = rng.exponential(1.0, (4000, 60)) - 1  # an effect on few: most move nothing, some much
    missed = {"hall": [0, 0], "normal": [0, 0]}
    for row in draws:
        moves = row - row.mean()
        error = (moves**2).sum() ** 0.5 / 60
        for name, ends in (("hall", drivers._quantiles(moves, 0.95)), ("normal", np.array([1.96, -1.96]))):
            low, high = row.mean() - error * ends
            missed[name][0] += low > 0
            missed[name][1] += high < 0
    # asked: 100 each; an estimate too low comes with an error too small, so that the normal ends miss above most
    assert missed["normal"][1] > 190 > 60 > missed["normal"][0]
    assert all(50 < count < 150 for count in missed["hall"])
    assert drivers._quantiles(np.zeros(9), 0.95).tolist() == pytest.approx([1.959964, -1.959964])


def test_a_formula_gives_what_the_functions_take(table):
    rows = table(
        """
        score | late  | segment
        ------|-------|--------
        3     | true  | a
        1     | true  | b
        2     | false | a
        3     |       | b
              | false | b
        """,
        score="Int64",
    )
    rows["late"] = rows["late"].map({"true": True, "false": False}).astype("boolean")
    outcome, x = drivers.from_formula("score ~ late + segment", rows)
    assert outcome.tolist() == [3, 1, 2]  # rows with a gap are left out
    assert outcome.index.tolist() == x.index.tolist() == [0, 1, 2]
    assert x.to_dict("list") == {"segment[T.b]": [0, 1, 0], "late": [1, 1, 0]}

"""Repeat purchases, values, retention: docs/METHODS.md section 1.6."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import poisson

from conftest import SHARED
from toolkit import lifetime
from toolkit.errors import DataError
from toolkit.lifetime import BetaGeometric, GammaGamma, NoMaximumError

MARGINS = pd.DataFrame({"segment": ["a", "b"], "net_revenue": [1000, 1000], "margin": [200, 100]})


@pytest.fixture(scope="module")
def cdnow():
    """Calibration to 1997-09-30 in weeks, purchases of one day merged, and the 39 weeks after it."""
    path = SHARED / "reference" / "data" / "cdnowElog.csv"
    if not path.exists():
        pytest.skip("the shared data are not here")
    log = pd.read_csv(path)
    day = pd.to_datetime(log["date"].astype("str"))
    log = log.assign(day=day).drop_duplicates(["masterid", "day"])
    end = pd.Timestamp("1997-09-30")
    old = log[log["day"] <= end].groupby("masterid")["day"].agg(["min", "max", "size"])
    since = log[(log["day"] > end)].groupby("masterid").size()
    return pd.DataFrame(
        {
            "repeats": old["size"] - 1,
            "last": (old["max"] - old["min"]).dt.days / 7,
            "age": (end - old["min"]).dt.days / 7,
            "holdout": since.reindex(old.index).fillna(0),
        }
    )


@pytest.fixture(scope="module")
def fit(cdnow):
    return BetaGeometric(cdnow).fit()


def _simulated(n, *, seed, params=(0.8, 6.0, 1.2, 4.0), age=52.0, ahead=0.0):
    """BG/NBD customers: repeats, last, age, and purchases in the time after."""
    rng, rows = np.random.default_rng(seed), []
    r, alpha, a, b = params
    for rate, leave in zip(rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n), strict=True):
        at, times = 0.0, []
        while True:
            at += rng.exponential(1 / rate)
            if at > age + ahead:
                break
            times.append(at)
            if rng.random() < leave:
                break
        past = [t for t in times if t <= age]
        rows.append((len(past), past[-1] if past else 0.0, age, len(times) - len(past)))
    return pd.DataFrame(rows, columns=["repeats", "last", "age", "holdout"])


def test_sufficient_statistics_are_those_of_r(cdnow):
    # R BTYD, cdnowSummary: 2357 customers, sums 2457, 16135.571429, 77111.285714, 1882 in the holdout
    assert len(cdnow) == 2357
    sums = cdnow[["repeats", "last", "age", "holdout"]].sum()
    assert sums.to_numpy() == pytest.approx([2457, 16135.571429, 77111.285714, 1882])


def test_bg_nbd_is_that_of_r_and_the_paper(fit):
    # Fader, Hardie and Lee (2005): .243, 4.414, .793, 2.426; R BTYD: the digits below, log-likelihood -9582.429207
    assert fit.params == pytest.approx([0.2425944, 4.4135991, 0.7929214, 2.4259045], rel=2e-4)
    assert fit.llf == pytest.approx(-9582.429207, abs=1e-5)
    assert lifetime.expected_repeats([0.243, 4.414, 0.793, 2.426], 2, 30.43, 38.86, 39) == pytest.approx(
        1.226, abs=5e-4
    )
    assert lifetime.expected_repeats(fit.params, 2, 30.43, 38.86, 39) == pytest.approx(1.225910, abs=2e-4)
    assert lifetime.alive(fit.params, 2, 30.43, 38.86) == pytest.approx(0.726609, abs=2e-4)


def test_gamma_gamma_is_that_of_r_and_the_paper():
    path = SHARED / "reference" / "data" / "cdnow_monetary.csv"
    if not path.exists():
        pytest.skip("the shared data are not here")
    table = pd.read_csv(path)
    table.columns = [name.lower() for name in table]
    x, m = table["frequency"], table["monetary_value"]
    told = pd.DataFrame({"repeats": x, "mean_value": m})[(x > 0) & (m > 0)]
    found = GammaGamma(told).fit()
    # R BTYD: 6.249553, 3.744215, 15.443530, log-likelihood -4055.92; lifetimes 6.248802, 3.744588, 15.447748
    assert found.params == pytest.approx([6.249, 3.7444, 15.446], rel=2e-3)
    assert found.llf == pytest.approx(-4055.92, abs=0.01)
    first_ten = lifetime.expected_value(found.params, x.head(10), m.head(10))
    # Hardie's spreadsheet
    expected = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert first_ten == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("which", ["purchases", "values"])
def test_gradient_and_hessian_are_those_of_the_likelihood(which):
    if which == "purchases":
        model, at = BetaGeometric(_simulated(300, seed=1)), np.array([0.7, 5.0, 1.1, 3.0])
    else:
        rng = np.random.default_rng(1)
        told = pd.DataFrame({"repeats": rng.integers(1, 9, 200), "mean_value": rng.gamma(4, 9, 200)})
        model, at = GammaGamma(told), np.array([5.0, 3.0, 20.0])
    assert model.score(at) == pytest.approx(approx_fprime(at, model.loglike, 1e-6), rel=1e-3, abs=1e-3)
    numeric = np.array([(model.score(at + h) - model.score(at - h)) / 2e-5 for h in 1e-5 * np.eye(len(at))])
    assert model.hessian(at) == pytest.approx(numeric, rel=1e-5, abs=1e-5)
    assert model.score_obs(at).sum(axis=0) == pytest.approx(model.score(at))


def test_customers_alike_may_stand_in_one_row():
    rows = _simulated(400, seed=2).round({"last": 0})
    rows["last"] = rows["last"].where(rows["repeats"] > 0, 0)
    whole = BetaGeometric(rows).fit()
    few = BetaGeometric(lifetime.grouped(rows, on=lifetime.STATISTICS)).fit()
    assert few.params == pytest.approx(whole.params)
    assert few.bse == pytest.approx(whole.bse)
    assert few.model.n_customers == 400


def test_standard_errors_are_the_spread_of_estimates():
    fits = [BetaGeometric(_simulated(1500, seed=seed)).fit() for seed in range(30)]
    logs = np.log([fit.params for fit in fits])
    told = np.mean([fit.bse / fit.params for fit in fits], axis=0)
    assert logs.std(axis=0, ddof=1) == pytest.approx(told, rel=0.5)  # SD of 30 draws: 13 % of itself, skew beside it
    assert np.abs(logs.mean(axis=0) - np.log([0.8, 6.0, 1.2, 4.0])).max() < 4 * told.max() / 30**0.5


def test_intervals_of_forecasts_hold_what_comes():
    held = 0
    for seed in range(60):
        rows = _simulated(500, seed=100 + seed, ahead=26)
        found = lifetime.forecast(BetaGeometric(rows).fit(), rows, ahead=26).iloc[0]
        held += found["expected_low"] <= rows["holdout"].sum() <= found["expected_high"]
    assert 53 <= held <= 60  # of 60 at 95 %: 57; below 53 has a chance of 1 in 60 or less


def test_forecasts_of_groups_sum_to_that_of_all():
    rows = _simulated(300, seed=5).assign(kind=["x", "y", "y"] * 100)
    found = lifetime.forecast(BetaGeometric(rows).fit(), rows, ahead=10, by="kind").set_index("group")
    assert found.loc[["x", "y"], "expected"].sum() == pytest.approx(found.loc["(all)", "expected"])
    assert found["n"].to_dict() == {"x": 100, "y": 200, "(all)": 300}


def test_many_repeats_do_not_overflow():
    found = lifetime.expected_repeats([0.5, 2.0, 0.3, 3.0], [0, 2000], [0, 99.0], [100.0, 100.0], 52)
    assert np.isfinite(found).all()
    assert 0 < found[1] < 2000.5 / 102 * 52


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [(0, 0, 9)] * 30,
            "expected customers who bought again, found no repeat purchase in 30 rows. Nothing tells who leaves: bring "
            "a longer period.",
        ),
        ([(1, 3, 9)], "expected two customers or more, found 1. Bring more customers."),
    ],
)
def test_what_has_no_maximum_is_said(rows, message):
    with pytest.raises(NoMaximumError) as caught:
        BetaGeometric(pd.DataFrame(rows, columns=list(lifetime.STATISTICS))).fit()
    assert str(caught.value) == f"BetaGeometric: {message}"


def test_customers_who_are_all_alike_have_no_maximum():
    with pytest.raises(NoMaximumError, match="expected a finite maximum of the likelihood, found none in 40 customers"):
        BetaGeometric(pd.DataFrame([(3, 20.0, 30.0)] * 40, columns=list(lifetime.STATISTICS))).fit()
    with pytest.raises(NoMaximumError):
        GammaGamma(pd.DataFrame([(3, 20.0)] * 40, columns=["repeats", "mean_value"])).fit()


def test_statistics_that_contradict_each_other_are_refused():
    rows = pd.DataFrame([(1, 9.5, 9.0), (0, 0.0, 9.0), (2, 3.0, 9.0)], columns=list(lifetime.STATISTICS))
    with pytest.raises(DataError) as caught:
        BetaGeometric(rows)
    assert str(caught.value) == (
        "BetaGeometric: expected whole repeats from 0, 0 <= last <= age, and last 0 without repeats, found 1 of 3 rows "
        "otherwise, in places '0'. Mend or leave out these rows."
    )


def _frame(shoppers, *, seed=0):
    """Rows as in the frame ``lifetimes``, seen 26 weeks after the statistics were taken."""
    rng = np.random.default_rng(seed)
    each = rng.gamma(5, 400, len(shoppers)) / 5 * rng.gamma(5, 1, len(shoppers))
    return shoppers.assign(
        customer_id=[f"p{i:05}" for i in range(len(shoppers))],
        under_agreement=False,
        repeats_then=shoppers["repeats"],
        last_then=shoppers["last"],
        age_then=shoppers["age"],
        repeats_since=shoppers["holdout"],
        spend=(shoppers["repeats"] * each).round(),
    )


def test_value_is_told_where_the_model_foretold_the_last_year():
    rows = _frame(_simulated(3000, seed=8, ahead=52)).assign(segment=["a", "b", "b"] * 1000)
    test, told, why = lifetime.customer_value(rows, MARGINS, min_n=10)
    assert why == ""
    whole, coming = test.set_index("segment").loc["(all)"], told.set_index("segment")
    assert whole["expected_low"] <= whole["actual"] <= whole["expected_high"]
    assert coming.loc["a", "margin"] == pytest.approx(0.2 * coming.loc["a", "value"])
    assert coming.loc[["a", "b"], "value"].sum() == pytest.approx(coming.loc["(all)", "value"])
    per_purchase = coming.loc["(all)", "value"] / coming.loc["(all)", "expected"]
    assert per_purchase == pytest.approx(2000, rel=0.1)  # gamma(5, 400) cents each


def test_no_value_is_told_where_the_model_failed_its_test():
    rows = _frame(_simulated(3000, seed=8, ahead=52)).assign(segment="a")
    rows["repeats_since"] = 3 * rows["repeats_since"]
    test, told, why = lifetime.customer_value(rows, MARGINS, min_n=10)
    assert why == "the model did not foretell the last year"
    assert told.empty
    assert test["error_share"].iloc[-1] < -0.5


def test_customers_under_agreement_are_not_shoppers():
    rows = _frame(_simulated(600, seed=9, ahead=52)).assign(segment="a")
    rows.loc[:99, "under_agreement"] = True
    assert lifetime.customer_value(rows, MARGINS, min_n=10)[0]["n"].iloc[-1] == 500


def test_nobody_who_came_back_is_said_and_not_guessed():
    rows = _frame(_simulated(50, seed=1)).assign(segment="a", repeats_then=0, last_then=0.0)
    test, told, why = lifetime.customer_value(rows, MARGINS, min_n=10)
    assert test.empty
    assert told.empty
    assert why.startswith("50 customers known a year before, 100.0 % of whom had bought on one day only, do not tell")
    none = lifetime.customer_value(rows.assign(repeats_then=pd.NA), MARGINS, min_n=10)
    assert none[0].empty
    assert none[2] == "no customer without agreement had bought a year before"


def test_prices_that_are_not_known_leave_purchases():
    rows = _frame(_simulated(3000, seed=8, ahead=52)).assign(segment="a", spend=0)
    told = lifetime.customer_value(rows, MARGINS, min_n=10)[1]
    assert told["value"].isna().all()
    assert told["expected"].notna().all()


def test_retention_has_the_exact_interval_of_a_rate():
    rows = [[0.0, 2.0, False, 500], [3.0, 1.0, True, 300], [0.0, 0.5, True, 100], [1.0, 4.5, False, 900]]
    found = lifetime.retention(pd.DataFrame(rows, columns=["entered", "exposure", "ended", "margin_cents"])).iloc[0]
    assert found["hazard"] == 2 / 8
    assert found["retention"] == np.exp(-2 / 8)
    assert poisson.cdf(2, 8 * found["hazard_high"]) == pytest.approx(0.025)  # Garwood: the tails hold 2.5 % each
    assert poisson.sf(1, 8 * found["hazard_low"]) == pytest.approx(0.025)


def test_margin_multiple_is_that_of_the_book():
    # Gupta and Lehmann: 10 %: 1.20 1.75 2.67 4.50; 12 %: 1.15 1.67 2.50 4.09
    assert lifetime.margin_multiple([0.6, 0.7, 0.8, 0.9], 0.10).round(2).tolist() == [1.20, 1.75, 2.67, 4.50]
    assert lifetime.margin_multiple([0.6, 0.7, 0.8, 0.9], 0.12).round(2).tolist() == [1.15, 1.67, 2.50, 4.09]
    with pytest.raises(
        DataError, match="expected a discount above 0 and retention from 0 to 1, found 0 and 0.6 to 0.6"
    ):
        lifetime.margin_multiple([0.6], 0)


ACCOUNTS = pd.DataFrame({"segment": ["a"] * 40 + ["b"] * 60, "entered": 2.0, "exposure": 1.0, "ended": False}).assign(
    customer_id=range(100), revenue=1000
)


def test_accounts_are_worth_the_margin_of_who_is_here_times_its_multiple():
    rows = ACCOUNTS.assign(ended=[True] * 4 + [False] * 96, exposure=[0.5] * 4 + [1.0] * 96)
    found = lifetime.account_value(rows, MARGINS, min_n=10, discount=0.1).set_index("segment")
    stay = np.exp(-4 / 38)
    assert found.loc["a", "value"] == pytest.approx(36 * 1000 * 0.2 * stay / (1.1 - stay))
    assert found.loc["b", "value"] == pytest.approx(
        60 * 1000 * 0.1 * 1 / 0.1
    )  # nobody left: worth of all years to come
    assert found.loc["b", "value_high"] == found.loc["b", "value"]
    assert found.loc["(all)", "value"] == pytest.approx(found["value"].iloc[:2].sum())
    assert found.loc["a", "value_low"] < found.loc["a", "value"] < found.loc["a", "value_high"]


def test_accounts_of_unknown_or_lost_money_are_told_so():
    unknown = lifetime.account_value(ACCOUNTS.assign(revenue=pd.NA), MARGINS, min_n=10, discount=0.1)
    assert unknown["value"].isna().all()
    assert (unknown["retention"] == 1).all()
    losing = MARGINS.assign(margin=[-200, -100])
    found = lifetime.account_value(ACCOUNTS.assign(ended=[True] * 50 + [False] * 50), losing, min_n=10, discount=0.1)
    assert (found["value_low"] <= found["value_high"]).all()
    assert lifetime.account_value(ACCOUNTS.head(0), MARGINS, min_n=10, discount=0.1).empty

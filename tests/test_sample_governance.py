"""Does the governance page find what is planted in the sample company, and stay calm about the rest?"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as distributions

from toolkit import governance, satisfaction

pytestmark = pytest.mark.slow
MONTHS = ["month_orders", "month_answers", "month_wishes", "month_supplies", "month_postings"]
SERVICE = ["on_time", "otif", "free_of_complaint"]


@pytest.fixture(scope="module")
def months(normal_sample):
    return normal_sample.frames("2026Q3", [*MONTHS, "decisions", "periods", "renamed"])


@pytest.fixture(scope="module")
def charted(months):
    series = governance.series(*[months[name] for name in MONTHS], star_map="five_promotes", min_n=10)
    return governance.charts(series, months["decisions"])


@pytest.fixture(scope="module")
def found(charted):
    found = governance.signals(charted)
    return found.assign(month=found["month"].astype("str").str[:7])


def test_the_planted_bad_month_is_signalled_by_service_and_nps_together(found):
    mine = found[(found["month"] == "2025-12") & (found["place"] == "(all)")].set_index("measure")
    mine = mine.loc[["on_time", "free_of_complaint", "nps"]]
    assert set(mine["direction"]) == {"worse"}
    assert set(mine["rule"]) == {"outside its limits"}
    assert "on_time 2025-12" in mine.loc["nps", "linked"]


def test_the_supplier_that_deteriorates_is_signalled_within_two_quarters(found, normal_sample):
    truth = normal_sample.truth.supplier
    first = pd.Timestamp(truth["from"])
    mine = found[(found["measure"] == "supplies") & (found["direction"] == "worse")]
    own = mine.loc[mine["place"] == truth["id"], "month"]
    until = str((first + pd.DateOffset(months=6)).date())[:7]
    assert own.between(str(first.date())[:7], until, inclusive="left").any()


def _verdict(normal_sample, asked, period):
    """The verdict that the page of a period gives, over the key figures of the asked one."""
    of = normal_sample.frames(asked, ["decided"])
    changed = satisfaction.decided(of["decided"], star_map="five_promotes", min_n=10)
    none = pd.DataFrame(columns=["note", "failure", "n_model", "lost", "lost_low", "lost_high"])
    kept = satisfaction.key_figures(
        [pd.DataFrame({"nps": [], "nps_low": [], "nps_high": [], "n": []})], none, None, changed
    )
    beside = {
        "period": asked,
        "report": "nps_supply_chain",
        "words": "",
        "revision": "r1",
        "was": np.nan,
        "was_in": "",
        "confidence": 0.95,
    }
    rows = kept.assign(**beside)
    page = normal_sample.frames(period, ["decisions", "periods", "company_facts", "renamed"])
    figures = governance.figures(rows, page["renamed"])
    as_of = page["company_facts"]["as_of"].iloc[0]
    return governance.decided(page["decisions"], rows, figures, page["periods"], as_of=as_of).iloc[0]


def test_the_planted_decision_kept_what_was_expected(normal_sample):
    row = _verdict(normal_sample, "2026Q2", "2026Q3")
    assert row["verdict"] == "kept"
    truth = normal_sample.truth.decision["effect"]
    assert row["came_low"] < truth < row["came_high"] < 0
    assert row["low"] < row["came"] < row["high"]
    assert _verdict(normal_sample, "2026Q2", "2026Q2")["verdict"] == "kept"
    assert _verdict(normal_sample, "2026Q1", "2026Q1")["verdict"] == "too early"
    assert governance.calibration(row.to_frame().T.infer_objects())[["k", "n"]].values.tolist() == [[1, 1], [1, 1]]


def test_the_same_decision_that_had_promised_more_missed_it(normal_sample, months):
    row = _verdict(normal_sample, "2026Q2", "2026Q3")
    more = row.to_dict() | {"change": -0.3, "low": -0.4, "high": -0.2}
    assert governance._verdict(more, more)["verdict"] == "missed"


def _drawn(orders, rng, planted=None):
    """Months of the sample company as if nothing had ever happened, but for a step of four sigma in one series."""
    rows = orders.astype({name: "float64" for name in orders if name.startswith("n_") or name == "net_revenue"})
    month = rows["month"].astype("str")
    late = (month >= "2026-04").to_numpy()
    for of, part, measure, flip in (
        ("n_due", "n_on_time", "on_time", False), ("n_filled", "n_otif", "otif", False),
        ("n_orders", "n_complained", "free_of_complaint", True),
    ):  # fmt: skip
        n, k = rows[of].fillna(0).to_numpy(), rows[part].fillna(0)
        p = k.groupby(rows["segment"]).transform("sum") / rows[of].groupby(rows["segment"]).transform("sum")
        sigma = np.sqrt(p * (1 - p) / np.maximum(n, 1))
        mine = (rows["segment"] == (planted or ("", ""))[1]) & ((planted or ("", ""))[0] == measure) & late
        p = np.where(mine, p + (4 if flip else -4) * sigma, p).clip(0, 1)
        rows[part] = rng.binomial(n.astype("int64"), p)
    value = rows["net_revenue"] / rows["n_priced"]
    middle, sigma = (value.groupby(rows["segment"]).transform(name) for name in ("mean", "std"))
    mine = (rows["segment"] == (planted or ("", ""))[1]) & ((planted or ("", ""))[0] == "order_value") & late
    rows["net_revenue"] = (middle + sigma * (rng.normal(size=len(rows)) - 4 * mine)) * rows["n_priced"]
    return rows


def test_a_planted_step_of_four_sigma_is_signalled_and_other_series_stay_calm(months):
    """100 histories of the sample company's months and sizes; in each, one series is four sigma worse from 2026-04."""
    rng, caught, seen, told, noise = np.random.default_rng(20261130), 0, 0, 0.0, {}
    orders, empty = months["month_orders"], [months[name].iloc[:0] for name in MONTHS[1:]]
    first, last = pd.Timestamp("2026-04-01").date(), pd.Timestamp("2026-09-30").date()
    for history in range(100):
        planted = ([*SERVICE, "order_value"][history % 4], ["business", "consumer", "wholesale"][history % 3])
        series = governance.series(_drawn(orders, rng, planted), *empty, star_map="five_promotes", min_n=10)
        charts = governance.charts(series, months["decisions"].iloc[:0])
        moved = (charts["measure"] == planted[0]) & charts["place"].isin([planted[1], "(all)"])
        found = governance.signals(charts[~moved])
        own = governance.signals(charts[(charts["measure"] == planted[0]) & (charts["place"] == planted[1])])
        inside = own[(own["month"] >= first) & (own["month"] <= last)]
        caught += bool((inside["direction"] == "worse").any())
        seen += int(((found["month"] >= first) & (found["month"] <= last)).sum())
        if planted not in noise:  # other histories of the same step have the same months and sizes
            stream = np.random.default_rng(1)
            noise[planted] = governance.expected_alarms(charts[~moved], first=first, last=last, rng=stream)["expected"]
        told += noise[planted]
    assert caught >= 95
    assert distributions.poisson.ppf(0.005, told) <= seen <= distributions.poisson.ppf(0.99, told), (seen, told)

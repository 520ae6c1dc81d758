"""The sample company: same bytes, the contract's shape, and the truth that it says it planted."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import sample_company as sample
from sample_company import life
from toolkit import company
from toolkit.contract import FULFILMENTS, TABLES
from toolkit.errors import ParamsError

PARAMS = Path(__file__).parents[1] / "params" / "sample"
STANDARD_ERRORS = 4  # a planted share is missed once in 16,000 draws; the seed is fixed


@pytest.fixture(scope="module")
def made():
    tables, truth = sample.make("tiny")
    return {name: table.to_pandas() for name, table in tables.items()}, truth


@pytest.fixture(scope="module")
def by_score():
    tables, truth = sample.make("tiny", nonresponse="score")
    return {name: table.to_pandas() for name, table in tables.items()}, truth


def local(times: pd.Series) -> pd.Series:
    return times.dt.tz_convert(life.ZONE).dt.tz_localize(None)


def months(times: pd.Series) -> pd.Series:
    return local(times).dt.to_period("M")


def nps_class(score: pd.Series) -> pd.Series:
    return (score >= 9).astype(int) - (score <= 6).astype(int)


def near(found: float, planted: float, n: int) -> bool:
    return abs(found - planted) <= STANDARD_ERRORS * np.sqrt(planted * (1 - planted) / n)


# -- form ------------------------------------------------------------------------------------


def test_same_size_and_seed_write_the_same_bytes(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    second.mkdir()
    (second / "left over.txt").touch()
    sample.write(first, "tiny", seed=7)
    sample.write(second, "tiny", seed=7)
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in (first, second)]
    assert contents[0] == contents[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_another_seed_makes_another_company(made):
    other, _ = sample.make("tiny", seed=1)
    assert not other["orders"].to_pandas().equals(made[0]["orders"])


def test_every_contract_table_comes_with_contract_columns(made):
    tables, _ = made
    assert list(tables) == list(TABLES)
    for name, rows in tables.items():
        assert list(rows.columns) == [column for column in TABLES[name].names if column in rows.columns]
        assert {column.name for column in TABLES[name].columns if column.required} <= set(rows.columns)


def test_every_select_reads_the_file_and_the_columns_that_are_written(tmp_path):
    sample.write(tmp_path / "raw", "tiny")
    tables, _ = sample.make("tiny")
    assert sorted(path.stem for path in (PARAMS / "source").iterdir()) == sorted(TABLES)
    for name, table in tables.items():
        select = (PARAMS / "source" / f"{name}.sql").read_text(encoding="utf-8")
        file = re.search("^-- records of: (.+)$", select, re.MULTILINE)[1]
        assert (tmp_path / "raw" / file).is_file()
        assert f"getvariable('root') || '/{file}'" in select
        assert set(re.findall(r"^    (?:cents\(\w+\) AS )?(\w+),?$", select, re.MULTILINE)) == set(table.column_names)


def test_settings_of_the_sample_company_are_valid():
    settings = company.load("sample", PARAMS.parents[1]).settings
    assert (settings.zone, settings.currency, settings.pseudonym_key) == (life.ZONE, "EUR", "public")


def test_an_unknown_size_or_variant_is_refused():
    with pytest.raises(ParamsError) as small:
        sample.make("small")
    assert str(small.value) == "sample: expected size to be one of normal, tiny, found 'small'."
    with pytest.raises(ParamsError) as mood:
        sample.make("tiny", nonresponse="mood")
    assert str(mood.value) == "sample: expected nonresponse to be one of history, score, found 'mood'."


def test_rows_that_ingest_must_catch_are_as_many_as_the_truth_says(made):
    tables, truth = made
    orders, lines, deliveries = tables["orders"], tables["order_lines"], tables["deliveries"]
    placed = deliveries.merge(orders.drop_duplicates(), on="order_id")
    assert truth.dirty == {
        "orders_repeated": orders.duplicated().sum(),
        "lines_without_revenue": lines.net_revenue.isna().sum(),
        "lines_of_no_order": (~lines.order_id.isin(orders.order_id)).sum(),
        "delivered_before_ordered": (placed.delivered_at < placed.ordered_at).sum(),
        "scores_of_11": (tables["surveys"].score == 11).sum(),
        "test_customers": tables["customers"].customer_id.str.startswith("TEST").sum(),
    }
    assert min(truth.dirty.values()) >= 2


def test_everything_else_is_clean(made):
    tables, _ = made
    orders = tables["orders"].drop_duplicates().set_index("order_id")
    clean = tables["deliveries"].set_index("order_id").join(orders[["ordered_at"]])
    assert (clean.shipped_at.dropna() >= clean.ordered_at[clean.shipped_at.notna()]).all()
    sent = clean[clean.shipped_at.notna() & (clean.delivered_at > clean.ordered_at)]
    assert (sent.shipped_at <= sent.delivered_at).all()
    for name, table in TABLES.items():
        rows = tables[name].drop_duplicates()
        assert not rows.duplicated(list(table.key)).any(), name
        for column in table.columns:
            if column.references and column.name in rows and name != "order_lines":
                parent, key = column.references.split(".")
                assert rows[column.name].dropna().isin(tables[parent][key]).all(), (name, column.name)


def test_payments_are_the_orders_in_euros(made):
    tables, _ = made
    assert tables["payments"].amount.str.fullmatch(r"\d+\.\d\d").all()
    orders = tables["orders"].drop_duplicates()
    kept = orders.order_id[orders.cancelled_at.isna()]
    lines = tables["order_lines"]
    unknown = lines.order_id[lines.net_revenue.isna()]
    due = lines[lines.order_id.isin(kept)].groupby("order_id").net_revenue.sum().drop(unknown, errors="ignore")
    cents = tables["payments"].amount.str.replace(".", "").astype(int)
    paid = cents.groupby(tables["payments"].order_id).sum().drop(unknown, errors="ignore")
    pd.testing.assert_series_equal(paid, due.astype(int), check_names=False)


# -- people and demand -----------------------------------------------------------------------


def test_groups_are_seen_in_behaviour_only(made):
    tables, truth = made
    values = {str(value) for rows in tables.values() for name in rows.select_dtypes("str") for value in rows[name]}
    assert not values & set(life.GROUPS)
    orders = tables["orders"].assign(group=tables["orders"].customer_id.map(truth.customer_group))
    rush = orders.groupby("group").rush.mean()
    assert rush.idxmax() == truth.loss_making_group == "small businesses"
    assert set(orders.fulfilment) == set(FULFILMENTS)


def test_advent_is_busy_and_businesses_rest_on_sundays(made):
    tables, truth = made
    orders = tables["orders"].drop_duplicates()
    day = local(orders.ordered_at)
    advent = (day.dt.month == 12) & day.dt.day.between(5, 24)
    # 2 x 20 of 822 days; planted 1.5 to 1.9 times as busy for four of the five groups.
    assert advent.mean() / (40 / 822) > 1.25
    business = orders.customer_id.map(truth.customer_group).isin(["small businesses", "export wholesalers"])
    assert (day[business].dt.day_of_week == 6).mean() < 0.03
    assert (day[~business].dt.day_of_week == 6).mean() > 0.1


def test_campaigns_make_fewer_orders_than_carry_their_name(made):
    tables, truth = made
    contacts = tables["campaign_contacts"]
    claimed = tables["orders"].drop_duplicates().groupby("campaign_id").order_id.count()
    contacted = contacts[~contacts.held_out].groupby("campaign_id").customer_id.count()
    made_by = pd.Series(truth.campaign_uplift)
    assert (1000 * claimed / contacted > made_by).all()
    # Planted: 0.10, 0.26 and 0.04 orders for 42, 33 and 14 of 89 customers, so 150 per 1,000.
    assert near(made_by.mean() / 1000, 0.15, contacted.sum())
    assert near(contacts.held_out.mean(), 0.2, len(contacts))


def test_wishes_come_at_their_rate_and_fail_where_stock_is_gone(made):
    tables, truth = made
    wishes, stock = tables["shopping_intents"], tables["stock_levels"]
    counts = wishes.product_id.fillna(wishes.term).value_counts()
    for wish, rate in truth.wishes_per_day.items():
        assert abs(counts[wish] - rate * 822) < 4 * np.sqrt(rate * 822), wish
    assert (wishes.outcome[wishes.product_id.isna()] == "not_ranged").all()
    day = local(wishes.occurred_at).dt.normalize()
    monday = (day + pd.to_timedelta((7 - day.dt.weekday) % 7, "D")).dt.date  # of the count that comes next
    stock = stock.set_index(["site_id", "product_id", "day"]).on_hand
    ranged = wishes.product_id.isin(list(truth.wishes_per_day))
    at = pd.MultiIndex.from_arrays([wishes.site_id[ranged], wishes.product_id[ranged], monday[ranged]])
    gone = (stock.reindex(at) == 0).to_numpy()
    unmet = wishes.outcome[ranged].isin(["substituted", "unavailable"]).to_numpy()
    assert not unmet[~gone].any()  # it ran out before the count, and not all of the week
    assert 0.1 < unmet[gone].mean() < 0.9


def test_what_ran_out_is_missed_in_weeks_that_end_with_none(made):
    tables, truth = made
    stock, missed = tables["stock_levels"], truth.missed
    day = pd.to_datetime(missed["day"])
    week = set(zip(missed["product_id"], (day + pd.to_timedelta((7 - day.dt.weekday) % 7, "D")).dt.date, strict=True))
    none = stock[stock.on_hand == 0]
    assert len(missed) > 100
    assert (missed["pieces"] > 0).all()
    assert week <= set(zip(none.product_id, none.day, strict=True))


def test_requests_tell_the_need_behind_them(made):
    tables, truth = made
    need = tables["requests"].customer_id.map(truth.customer_need)
    asked = pd.crosstab(need, tables["requests"].request_type, normalize="index")
    assert asked.fixed_hour.idxmax() == "predictable arrival"
    assert asked.smaller_orders.idxmax() == "smaller stock"
    assert sorted(tables["requests"].request_type.unique()) == sorted(life.REQUEST_TYPES)


# -- service ---------------------------------------------------------------------------------


def test_effects_are_contrasts_of_the_scores_of_the_same_orders(made):
    _, truth = made
    orders = truth.potential
    for cause, has, column in (
        ("late", orders.days_late > 0, "score_on_time"),
        ("short", orders.fill < 1, "score_complete"),
        ("damaged", orders.damaged, "score_undamaged"),
    ):
        gap = 100 * (nps_class(orders.score) - nps_class(orders[column]))
        assert (gap[~has] == 0).all()
        assert truth.nps_points(cause) == pytest.approx(gap[has].mean())
        assert -75 < truth.nps_points(cause) < -20


def test_caterers_mind_lateness_most_and_families_little(made):
    late = made[1].effects.query("cause == 'late' and group != 'all'").set_index("group").ate
    assert late.idxmin() == "caterers"  # weights 1.9, 1.5 and 0.8, see life._G.late
    assert late["caterers"] < late["small businesses"] < late["families"] < -10


def test_some_are_invited_before_their_order_has_come(made):
    waiting = made[1].potential.query("not arrived")
    assert 0.02 < len(waiting) / len(made[1].potential) < 0.15
    assert (waiting.days_late > 0).all()
    assert (waiting.fill == 1).all()
    assert not waiting.damaged.any()


def test_logistics_move_recommend_and_not_product(made):
    tables, truth = made
    surveys = tables["surveys"].merge(truth.potential[["order_id", "group", "days_late"]], on="order_id")
    surveys = surveys[surveys.score.between(0, 10)].assign(late=lambda rows: rows.days_late > 0)
    for item, low, high in (("recommend", -np.inf, -3), ("on_time", -np.inf, -8), ("product", -3.3, 3.3)):
        rows = surveys[surveys["item"] == item]
        groups = pd.get_dummies(rows.group, dtype=float)
        # standard errors by customer, whose answers hang together
        fit = sm.OLS(rows.score.astype(float), groups.assign(late=rows.late.astype(float)))
        fit = fit.fit(cov_type="cluster", cov_kwds={"groups": rows.customer_id.astype("category").cat.codes})
        assert low < fit.tvalues["late"] < high, item


@pytest.mark.parametrize("variant", ["history", "score"])
def test_answering_depends_on_the_score_in_one_variant_only(made, by_score, variant):
    tables, truth = made if variant == "history" else by_score
    asked = tables["surveys"].query("item == 'recommend'").merge(truth.potential, on="order_id")
    answered = asked.answered_at.notna().astype(float)
    assert near(answered.mean(), 0.35, len(asked))
    x = sm.add_constant(
        pd.DataFrame(
            {
                "before": np.log1p(asked.orders_before),
                "late": asked.late_share_before,
                "score": asked.score_y.astype(float),
            }
        )
    )
    fit = sm.Logit(answered, x).fit(disp=0)
    planted = 0.0 if variant == "history" else 0.35
    assert abs(fit.params["score"] - planted) < 3 * fit.bse["score"]
    assert fit.bse["score"] < 0.05
    assert abs(fit.params["before"] - 0.4) < 3 * fit.bse["before"]
    assert abs(fit.params["late"] + 2.5) < 3 * fit.bse["late"]


def test_variants_differ_in_nothing_but_answers(made, by_score):
    for name, rows in made[0].items():
        other = by_score[0][name]
        if name == "surveys":
            known = ["response_id", "customer_id", "order_id", "item", "invited_at"]
            rows, other = rows[known], other[known]
        pd.testing.assert_frame_equal(rows, other)


def test_the_decision_moved_parcels_to_a_carrier_that_is_late_less_often(made):
    tables, truth = made
    deliveries = tables["deliveries"].query("carrier == @truth.decision['carrier_after']")
    orders = tables["orders"].drop_duplicates().set_index("order_id")
    placed = local(orders.ordered_at[deliveries.order_id.unique()])
    assert placed.min() >= pd.Timestamp(truth.decision["day"])
    late = (deliveries.delivered_at.isna() | (deliveries.delivered_at > deliveries.promised_by)).groupby(
        deliveries.order_id
    )
    assert len(late) == truth.decision["n"]
    assert late.max().mean() == pytest.approx(truth.decision["late_share"], abs=0.03)  # a few are lost
    expected = truth.decision["late_share"] - truth.decision["late_share_otherwise"]
    assert truth.decision["effect"] == pytest.approx(expected)
    assert truth.decision["effect"] < 0


def test_one_supplier_deteriorates(made):
    tables, truth = made
    receipts = tables["supplier_receipts"].query("supplier_id == @truth.supplier['id']")
    receipts = receipts[receipts.received_at.notna()]
    after = (local(receipts.ordered_at) >= truth.supplier["from"]).astype(int)
    bought = receipts.assign(after=after, late=receipts.received_at > receipts.promised_at)
    bought = bought.assign(short=bought.quantity_received < bought.quantity_ordered)
    for side, lines in bought.groupby("after"):
        late = lines.groupby("purchase_order_id").late.max()
        assert near(late.mean(), truth.supplier["late"][side], len(late))
        assert near(lines.short.mean(), truth.supplier["short"][side], len(lines))


# -- cost ------------------------------------------------------------------------------------


def test_freight_of_the_ledger_is_the_shipments_of_the_month_to_the_cent(made):
    tables, _ = made
    ledger = tables["ledger"].query("pool == 'freight'")
    posted = ledger.groupby(pd.to_datetime(ledger.month).dt.to_period("M")).amount.sum()
    shipped = tables["deliveries"].groupby(months(tables["deliveries"].shipped_at)).freight_cost.sum()
    pd.testing.assert_series_equal(posted, shipped, check_names=False)
    assert posted.sum() == tables["deliveries"].freight_cost.sum() > 0


def test_postings_over_capacity_are_the_rate_of_each_pool(made):
    tables, truth = made
    posted = tables["ledger"].groupby(["month", "pool"]).amount.sum().drop("freight", level="pool")
    capacity = tables["resource_pools"].set_index(["month", "pool"]).practical_capacity_minutes
    rates = capacity.index.get_level_values("pool").map(truth.pool_rates)
    pd.testing.assert_series_equal(posted, (capacity * rates).sort_index(), check_names=False)
    use = truth.pool_minutes.T.unstack() / capacity.rename(str, level="month")
    assert list(use[use > 1].index) == [truth.over_capacity[::-1]]
    use = use.drop(truth.over_capacity[::-1]).drop("2026-10-01")  # the month that the extract cuts
    assert use.between(0.5, 0.96).all()


def test_minutes_are_the_time_equations_over_the_activities(made):
    tables, truth = made
    work = tables["activities"]

    def seconds(row):
        more = sum(truth.driver_seconds[row.activity][key] * n for key, n in json.loads(row.drivers).items())
        return row.quantity * truth.activity_seconds[row.activity] + more

    took = work.apply(seconds, axis=1).groupby([months(work.happened_at), work.department]).sum().unstack()
    expected = truth.pool_minutes.rename(columns=lambda pool: pool.replace("_", " "))
    np.testing.assert_allclose(took.fillna(0) / 60, expected[took.columns])


def test_cost_yaml_states_the_true_seconds(made):
    stated = company.plain(company.read_yaml(PARAMS / "cost.yaml"))["activities"]
    assert {name: equation["seconds"] for name, equation in stated.items()} == made[1].activity_seconds
    assert {name: equation.get("per", {}) for name, equation in stated.items()} == made[1].driver_seconds
    pools = {name: equation["pool"] for name, equation in stated.items()}
    departments = made[0]["activities"].groupby("activity").department.unique()
    assert {name: [pool.replace("_", " ")] for name, pool in pools.items()} == departments.map(list).to_dict()


def test_one_group_makes_a_loss_and_the_company_a_profit(made):
    result = made[1].group_result
    assert list(result.index[result.result < 0]) == [made[1].loss_making_group]
    assert result.result.sum() > 0.3 * result.margin.sum()
    assert result.freight.sum() == made[0]["deliveries"].freight_cost.sum()
    pd.testing.assert_series_equal(result.result, result.margin - result.freight - result.work, check_names=False)

"""Do Olist's raw files become the facts that are known of them, and does later data change nothing earlier?"""

import shutil
from datetime import date

import duckdb
import pandas as pd
import pytest

from conftest import ROOT, SHARED
from toolkit import cli, company, cost, frames, governance, levers, source

RAW = SHARED / "data" / "olist"
pytestmark = pytest.mark.skipif(not RAW.is_dir(), reason="the shared data are not here")
FRAMES = ["orders", "order_service", "invitations", "segments", "product_mix", "freight", "row_account"]


def _home(folder):
    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return _home(tmp_path_factory.mktemp("olist"))


@pytest.fixture(scope="module")
def receipt(home):
    return source.ingest(company.load("olist", home), RAW)


@pytest.fixture(scope="module")
def whole(home, receipt):
    olist = company.load("olist", home)
    period = olist.between("all", date(2016, 1, 1), date(2019, 1, 1), date(2019, 1, 1))
    kept = frames.materialise(olist, period, FRAMES, home / "frames")
    return {name: frames.read(frame.path) for name, frame in kept.items()}


# Counts of ../shared/data/README.md, of the publisher's own files.
def test_receipt_adds_up_to_the_records_of_the_raw_files(receipt):
    records = {name: table.records for name, table in receipt.tables.items()}
    assert all(table.adds_up for table in receipt.tables.values())
    assert records == {
        "customers": 99_441,
        "products": 32_951,
        "sites": 3_095,
        "orders": 99_441,
        "order_lines": 112_650,
        "deliveries": 112_650 + 99_441,
        "surveys": 99_224,
        "payments": 103_886,
    }
    assert not any(table.quarantined or table.cascade or table.unreadable for table in receipt.tables.values())


def test_impossible_handovers_are_emptied_and_counted(home, receipt):
    assert receipt.tables["deliveries"].emptied == {
        "orders.ordered_at is after shipped_at": 176,
        "shipped_at is after delivered_at": 42,
    }
    raw = pd.read_csv(RAW / "olist_orders_dataset.csv", dtype="str")
    items = pd.read_csv(RAW / "olist_order_items_dataset.csv", dtype="str").drop_duplicates(["order_id", "seller_id"])
    shipments = raw.merge(items[["order_id", "seller_id"]], how="left", on="order_id")
    before_purchase = shipments["order_delivered_carrier_date"] < shipments["order_purchase_timestamp"]
    after_arrival = shipments["order_delivered_carrier_date"] > shipments["order_delivered_customer_date"]
    assert shipments[before_purchase]["order_id"].nunique() == 166  # data README
    assert shipments[after_arrival]["order_id"].nunique() == 23  # data README
    assert before_purchase.sum() == 176
    assert after_arrival.sum() == 42


def test_persons_are_not_orders_copies(whole):
    orders = whole["orders"]
    assert len(orders) == 99_441
    assert orders["customer_id"].nunique() == 96_096
    assert (orders.groupby("customer_id").size() > 1).sum() == 2_997


def test_late_by_instant_and_by_calendar_day(whole):
    service = whole["order_service"]
    arrived = service[service["arrived"] & ~service["cancelled"]]
    assert len(arrived) == 96_470
    assert arrived["late"].sum() == 7_826
    assert arrived["late_by_day"].sum() == 6_534


def _answers(whole):
    return whole["invitations"].dropna(subset=["score"])


def test_mean_score_of_late_and_timely_orders(whole):
    service = whole["order_service"]
    arrived = service[service["arrived"] & ~service["cancelled"]]
    scores = _answers(whole).merge(arrived[["order_id", "late"]], on="order_id")
    means = scores.groupby("late")["score"].mean()
    assert (round(means[True], 4), round(means[False], 4)) == (2.5665, 4.2937)


def test_nps_proxy_over_all_reviews_and_by_purchase_quarter(whole):
    scores = _answers(whole)
    assert len(scores) == 99_224
    points = 100 * scores["score"].map({5: 1, 4: 0}).fillna(-1).astype(float)
    assert round(points.mean(), 3) == 34.844
    local = scores["ordered_at"].dt.tz_convert("America/Sao_Paulo").dt.tz_localize(None)
    by_quarter = points.groupby(local.dt.to_period("Q").astype(str)).mean().round(3)
    assert by_quarter["2017Q1":"2018Q3"].to_dict() == {
        "2017Q1": 32.368,
        "2017Q2": 35.509,
        "2017Q3": 40.901,
        "2017Q4": 29.795,
        "2018Q1": 23.270,
        "2018Q2": 41.852,
        "2018Q3": 45.329,
    }


def test_freight_and_price_to_the_cent(whole):
    assert whole["orders"]["freight"].sum() == 2_251_909_54
    assert whole["orders"]["net_revenue"].sum() == 13_591_643_70


def test_answers_of_undelivered_orders_are_an_exposure(whole):
    scores = _answers(whole).merge(whole["order_service"][["order_id", "arrived", "cancelled"]], on="order_id")
    undelivered = scores[~scores["arrived"] | scores["cancelled"]]
    points = 100 * undelivered["score"].map({5: 1, 4: 0}).fillna(-1).astype(float)
    # data README: 2,865 answers of orders without an arrival, NPS proxy -75.9; 6 cancelled orders had arrived.
    without = scores[~scores["arrived"]]
    assert len(without) == 2_865
    assert round(100 * without["score"].map({5: 1, 4: 0}).fillna(-1).astype(float).mean(), 1) == -75.9
    assert len(undelivered) - len(without) == 6
    assert points.mean() < -70
    assert not (undelivered["exposure"] == "no_order").any()


def test_a_quarters_end_sees_what_was_known_then(home, receipt):
    olist = company.load("olist", home)
    start, end = date(2018, 1, 1), date(2018, 4, 1)
    at_end = frames.Known(olist, olist.between("2018Q1", start, end, end))
    in_the_end = frames.Known(olist, olist.between("2018Q1", start, end, date(2019, 1, 1)))

    def late_share_of_arrived(known):
        orders = known.table("orders").to_pyarrow().to_pandas()
        service = known.warehouse.backend.to_pyarrow(known._shipments()).to_pandas()
        local = orders["ordered_at"].dt.tz_convert(olist.zone)
        placed = orders[(local >= pd.Timestamp(start, tz=olist.zone)) & (local < pd.Timestamp(end, tz=olist.zone))]
        rows = placed.merge(service, on="order_id")
        arrived = rows[(rows["n_arrived"] == rows["n_shipments"]) & rows["cancelled_at"].isna()]
        return (arrived["last_arrival"] > arrived["promised_by"]).mean()

    # data README: 2018Q1 8.4 % late as seen then, 14.6 % in the end
    assert round(100 * late_share_of_arrived(at_end), 1) == 8.4
    assert round(100 * late_share_of_arrived(in_the_end), 1) == 14.6


@pytest.mark.slow
def test_freight_of_the_archived_page_ties_to_the_raw_lines(home, receipt, capsys):
    assert cli.main(["--home", str(home), "run", "olist", "2018Q2"]) == 0
    tables = home / "reports" / "olist" / "2018Q2" / "r1" / "tables" / "cost_to_serve"
    account = pd.read_csv(tables / "row_account.csv").set_index("rule")
    raw = duckdb.sql(
        f"""SELECT round(sum(freight_value) * 100)::BIGINT, round(sum(price) * 100)::BIGINT
        FROM read_csv('{RAW}/olist_order_items_dataset.csv',
            types = {{'freight_value': 'DECIMAL(18,2)', 'price': 'DECIMAL(18,2)'}})
        JOIN read_csv('{RAW}/olist_orders_dataset.csv') USING (order_id)
        WHERE order_purchase_timestamp >= '2018-04-01' AND order_purchase_timestamp < '2018-07-01'"""
    ).fetchone()
    assert (
        account.loc["placed in the period", "freight"],
        account.loc["placed in the period", "net_revenue"],
    ) == raw
    taken = account.loc["taken out: cancelled by the day of knowledge", "freight"]
    for name in ("cost_by_segment_channel", "cost_by_region"):
        assert pd.read_csv(tables / f"{name}.csv")["freight"].sum() == raw[0] - taken


@pytest.mark.parametrize("quarter", ["2017Q1", "2017Q2", "2017Q3", "2017Q4", "2018Q1", "2018Q2", "2018Q3"])
def test_freight_of_every_quarter_ties_at_every_level(home, receipt, quarter):
    olist = company.load("olist", home)
    period = olist.period(quarter)
    names = ["orders", "handling", "ledger", "freight", "work", "work_kinds", "product_mix", "product_parts"]
    names += ["work_units", "standards", "capacity", "support"]
    kept = frames.materialise(olist, period, names, home / "frames")
    given = {name: frames.read(frame.path) for name, frame in kept.items()}
    live = given["orders"][~given["orders"]["cancelled"]]
    raw = duckdb.sql(
        f"""SELECT coalesce(sum(round(freight_value * 100)::BIGINT), 0)
        FROM read_csv('{RAW}/olist_order_items_dataset.csv',
            types = {{'freight_value': 'DECIMAL(18,2)'}})
        JOIN read_csv('{RAW}/olist_orders_dataset.csv') USING (order_id)
        WHERE order_purchase_timestamp >= '{period.start.date()}'
            AND order_purchase_timestamp < '{period.end.date()}'"""
    ).fetchone()[0]
    assert given["orders"]["freight"].sum() == raw
    orders, ledger, freight = cost.assumed_handling(live, given["handling"]), given["ledger"], live["freight"].sum()
    pools = cost.pool_costs(cost.passed_on(ledger, given["support"]), given["capacity"], given["work"])
    costed, _ = cost.charge_work(given["work"], pools)
    sent = cost.charged_freight(orders, given["freight"], ledger)
    kinds = cost.kinds_costed(costed, given["work_kinds"])
    whole = cost.serve_costs(orders, costed, sent, by=[]).iloc[0]
    assert whole["freight"] == freight
    assert whole["handling"] == orders["handling"].sum() > 0
    for by in (["segment"], ["segment", "channel"], ["region"], ["order_class"], ["fulfilment"]):
        rows = cost.serve_costs(orders, kinds if by[0] in kinds else costed, sent, by=by)
        assert (rows["freight"].sum(), rows["cost_to_serve"].sum()) == (freight, whole["cost_to_serve"])
    mix = [given["product_mix"], given["product_parts"], costed, sent, orders, given["handling"], ledger]
    groups = cost.by_product_group(*mix, min_n=10)
    assert (groups["freight"].sum(), groups["cost_to_serve"].sum()) == (freight, whole["cost_to_serve"])
    args = given["work_units"], orders, costed, sent, given["handling"], given["standards"]
    assert levers.levers(*args)["cost"].sum() == whole["cost_to_serve"]


def _as_exported_on(day: str, folder):
    """The raw files as they would have been exported at midnight of a day: nothing later is in them."""
    folder.mkdir()
    for name in ("products", "sellers", "geolocation"):
        shutil.copy(RAW / f"olist_{name}_dataset.csv", folder)
    shutil.copy(RAW / "product_category_name_translation.csv", folder)
    link = duckdb.connect()
    read = f"read_csv('{RAW}/olist_%s_dataset.csv', all_varchar = true, header = true, quote = '\"', escape = '\"')"
    link.execute(
        f"""CREATE TABLE orders AS SELECT order_id, customer_id,
            CASE WHEN order_status IN ('canceled', 'unavailable') AND greatest(order_purchase_timestamp,
                order_approved_at, order_delivered_carrier_date, order_delivered_customer_date,
                order_estimated_delivery_date) >= '{day}' THEN 'processing'
                ELSE order_status END AS order_status,
            order_purchase_timestamp,
            CASE WHEN order_approved_at < '{day}' THEN order_approved_at END AS order_approved_at,
            CASE WHEN order_delivered_carrier_date < '{day}' THEN order_delivered_carrier_date END
                AS order_delivered_carrier_date,
            CASE WHEN order_delivered_customer_date < '{day}' THEN order_delivered_customer_date END
                AS order_delivered_customer_date,
            order_estimated_delivery_date
        FROM {read % "orders"} WHERE order_purchase_timestamp < '{day}'"""
    )
    for name in ("customers", "order_items", "order_payments"):
        key = "customer_id" if name == "customers" else "order_id"
        link.execute(f"CREATE TABLE {name} AS SELECT * FROM {read % name} WHERE {key} IN (SELECT {key} FROM orders)")
    link.execute(
        f"""CREATE TABLE order_reviews AS SELECT * FROM {read % "order_reviews"}
        WHERE order_id IN (SELECT order_id FROM orders)
        AND coalesce(review_creation_date, '2018-01-01') < '{day}'
        AND coalesce(review_answer_timestamp, review_creation_date, '2018-01-01') < '{day}'"""
    )
    for name in ("orders", "customers", "order_items", "order_payments", "order_reviews"):
        link.execute(f"COPY {name} TO '{folder}/olist_{name}_dataset.csv' (HEADER)")
    return folder


MONTHS = ["month_orders", "month_answers", "month_wishes", "month_supplies", "month_postings"]


@pytest.mark.parametrize("quarter", ["2018Q1", "2018Q2", "2018Q3"])
def test_the_bad_months_stand_outside_their_limits_in_every_later_quarter(home, receipt, quarter, tmp_path):
    """data README: late deliveries of 2017-11 and 2018-02..03, and what customers wrote about them."""
    olist = company.load("olist", home)
    kept = frames.materialise(olist, olist.period(quarter), [*MONTHS, "decisions"], tmp_path)
    read = {name: frames.read(frame.path) for name, frame in kept.items()}
    series = governance.series(*[read[name] for name in MONTHS], star_map="five_promotes", min_n=10)
    found = governance.signals(governance.charts(series, read["decisions"]))
    found = found[(found["place"] == "(all)") & (found["rule"] == "outside its limits")]
    found = found.assign(month=found["month"].astype("str").str[:7]).set_index(["measure", "month"])
    for month in ("2018-02", "2018-03"):
        nps = found.loc[("nps", month)]
        assert nps["value"] < nps["low"]
        assert f"on_time {month}" in nps["linked"]
    for month in ("2017-11", "2018-02", "2018-03"):
        late = found.loc[("on_time", month)]
        assert late["value"] < late["low"]
        assert late["direction"] == "worse"
        assert f"nps {month}" in late["linked"]


@pytest.mark.slow
def test_later_data_change_no_frame_and_no_byte_of_an_earlier_page(home, receipt, tmp_path, capsys):
    early = _home(tmp_path / "early")
    raw = _as_exported_on("2018-07-22", tmp_path / "raw")
    then = source.ingest(company.load("olist", early), raw)
    assert then.tables["orders"].records < 99_441 - 5_000
    olist, before = company.load("olist", home), company.load("olist", early)
    now_kept = frames.materialise(olist, olist.period("2018Q2"), FRAMES, tmp_path / "now")
    then_kept = frames.materialise(before, before.period("2018Q2"), FRAMES, tmp_path / "then")
    assert {n: k.digest for n, k in now_kept.items()} == {n: k.digest for n, k in then_kept.items()}
    for folder in (home, early):
        assert cli.main(["--home", str(folder), "run", "olist", "2018Q2"]) == 0
    pages = [
        {page.name: page.read_bytes() for page in (folder / "reports/olist/2018Q2/r1").glob("*.html")}
        for folder in (home, early)
    ]
    assert len(pages[0]) == len(list((ROOT / "notebooks").glob("*.ipynb")))
    assert pages[0] == pages[1]

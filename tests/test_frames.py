"""Do frames say what the contract tables say, as of their day, and nothing that was not known?"""

import hashlib
import inspect
import json
import os
import re
import shutil
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import ibis
import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sample_company as sample
from conftest import ROOT
from toolkit import company, contract, frames, source, warehouse
from toolkit.errors import DataError, ParamsError
from toolkit.reporting import prune
from toolkit.rules import CostRules

PERIOD = "2026Q2"
ALL = sorted(frames._KEYS)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The tiny sample company, ingested: the company, and its tables as pandas reads them."""
    home = tmp_path_factory.mktemp("tiny")
    shutil.copytree(ROOT / "params", home / "params")
    found = company.load("sample", home)
    sample.write(found.data / "raw", size="tiny")
    source.ingest(found, found.data / "raw")
    return found


def _tables(found):
    folder = found.data / json.loads((found.data / "receipt.json").read_text())["folder"] / "tables"
    return {path.stem: pq.read_table(path).to_pandas() for path in sorted(folder.glob("*.parquet"))}


@pytest.fixture(scope="module")
def tables(tiny):
    return _tables(tiny)


@pytest.fixture(scope="module")
def made(tiny):
    kept = frames.materialise(tiny, tiny.period(PERIOD), ALL, tiny.data / "frames")
    return {name: frames.read(frame.path) for name, frame in kept.items()}


def _known(tables, name, as_of):
    """The restatement of what was known: six lines of pandas for any contract table."""
    table, spec = tables[name].copy(), contract.TABLES[name]
    if spec.known_at == "orders.ordered_at":
        table = table[table["order_id"].isin(_known(tables, "orders", as_of)["order_id"])].copy()
    elif spec.known_at:
        limit = as_of.date() if spec.column(spec.known_at).type == "date" else as_of
        table = table[table[spec.known_at].isna() | (table[spec.known_at] < limit)].copy()
        if "order_id" in table and name != "orders":
            later = tables["orders"].loc[tables["orders"]["ordered_at"] >= as_of, "order_id"]
            table = table[~table["order_id"].isin(later)].copy()
    if name == "surveys":
        lost = table["score"].notna() & table["answered_at"].isna()
        table.loc[lost, "answered_at"] = table.loc[lost, "invited_at"] + timedelta(days=contract.LOST_ANSWER_DAYS)
    for column in spec.columns:
        if column.known_with and column.name in table and column.known_with in table:
            table[column.name] = table[column.name].where(table[column.known_with] < as_of)
    for column in spec.columns:
        if column.type == "timestamp" and not column.plan and column.name in table and column.name != spec.known_at:
            table[column.name] = table[column.name].where(table[column.name] < as_of)
    return table


@pytest.mark.parametrize("name", sorted(contract.TABLES))
def test_what_was_known_equals_its_restatement(tiny, tables, name):
    period = tiny.period("2025Q3")
    known = frames.Known(tiny, period)
    found = known.warehouse.backend.to_pyarrow(known.table(name)).to_pandas()
    expected = _known(tables, name, period.as_of)
    assert len(found) == len(expected)
    keys = [key for key in contract.TABLES[name].key if key in expected]
    found, expected = (rows.sort_values(keys, ignore_index=True) for rows in (found, expected))
    for column in expected.columns:
        missing = found[column].isna()
        assert (missing == expected[column].isna()).all(), column
        assert (found.loc[~missing, column].values == expected.loc[~missing, column].values).all(), column


def test_orders_equal_their_restatement(tiny, tables, made):
    period = tiny.period(PERIOD)
    orders = _known(tables, "orders", period.as_of)
    placed = orders[(orders["ordered_at"] >= period.start) & (orders["ordered_at"] < period.end)]
    lines = tables["order_lines"].groupby("order_id")
    sums = pd.DataFrame({"n_lines": lines.size(), "net_revenue": lines["net_revenue"].sum()})
    expected = placed.join(sums, on="order_id").join(
        tables["deliveries"].groupby("order_id")["freight_cost"].sum(min_count=1).rename("freight"),
        on="order_id",
    )
    expected = expected.set_index("order_id").sort_index()
    found = made["orders"].set_index("order_id")
    assert list(found.index) == list(expected.index)
    assert (found["n_lines"] == expected["n_lines"].fillna(0)).all()
    assert (found["net_revenue"] == expected["net_revenue"].fillna(0)).all()
    assert (found["freight"].isna() == expected["freight"].isna()).all()
    assert found["freight"].sum() == expected["freight"].sum()
    assert (found["cancelled"] == expected["cancelled_at"].notna()).all()


def test_order_service_equals_its_restatement(tiny, tables, made):
    period = tiny.period(PERIOD)
    sent = _known(tables, "deliveries", period.as_of).assign(n=1)
    sent["late"] = sent["delivered_at"].fillna(period.as_of) > sent["promised_by"]
    zone = tiny.settings.zone
    arrival_day = sent["delivered_at"].fillna(period.as_of).dt.tz_convert(zone).dt.date
    promise_day = sent["promised_by"].dt.tz_convert(zone).dt.date
    sent["late_by_day"] = [
        bool(not pd.isna(promise) and arrival > promise)
        for arrival, promise in zip(arrival_day, promise_day, strict=True)
    ]
    by_order = sent.groupby("order_id").agg(
        promised_by=("promised_by", "max"),
        last=("delivered_at", "max"),
        arrived=("delivered_at", lambda times: times.notna().all()),
        late=("late", "any"),
        late_by_day=("late_by_day", "any"),
    )
    due = by_order[(by_order["promised_by"] >= period.start) & (by_order["promised_by"] < period.end)].sort_index()
    found = made["order_service"].set_index("order_id")
    assert list(found.index) == list(due.index)
    assert (found["arrived"] == due["arrived"]).all()
    assert (found["late"] == due["late"]).all()
    assert (found["late_by_day"] == due["late_by_day"]).all()
    until = due["last"].where(due["arrived"]).fillna(period.as_of)
    assert (found["delay_s"] == (until - due["promised_by"]).dt.total_seconds().astype(int)).all()
    placed = tables["orders"].drop_duplicates("order_id").set_index("order_id")["ordered_at"].reindex(due.index)
    assert (found["cycle_s"] == (until - placed).dt.total_seconds().astype(int)).all()


def test_exposure_is_fixed_at_the_invitation(tiny, tables, made):
    period = tiny.period(PERIOD)
    surveys = _known(tables, "surveys", period.as_of)
    inside = (surveys["invited_at"] >= period.start) & (surveys["invited_at"] < period.end)
    surveys = surveys[inside]
    sent = _known(tables, "deliveries", period.as_of).groupby("order_id")
    arrival = sent["delivered_at"].max().where(sent["delivered_at"].count() == sent.size())
    facts = surveys.join(pd.DataFrame({"arrival": arrival, "promise": sent["promised_by"].max()}), on="order_id")
    orders = _known(tables, "orders", period.as_of).set_index("order_id")
    facts = facts.join(orders[["ordered_at", "cancelled_at"]], on="order_id")
    there = facts["arrival"] <= facts["invited_at"]
    expected = np.select(
        [
            facts["ordered_at"].isna(),
            facts["cancelled_at"] <= facts["invited_at"],
            there & (facts["arrival"] > facts["promise"]),
            there,
            facts["invited_at"] > facts["promise"],
        ],
        ["no_order", "cancelled", "late", "in_time", "overdue"],
        "not_due",
    )
    expected = pd.Series(expected, index=pd.MultiIndex.from_frame(facts[["response_id", "item"]])).sort_index()
    found = made["invitations"].set_index(["response_id", "item"])
    assert found["exposure"].to_dict() == expected.to_dict()
    assert {"in_time", "late", "overdue"} <= set(found["exposure"])
    facts = facts.set_index(["response_id", "item"]).sort_index()
    assert (found["score"].dropna() == facts["score"].dropna()).all()
    assert found["score"].isna().tolist() == facts["score"].isna().tolist()
    seen = facts["arrival"].where(facts["arrival"] <= facts["invited_at"], facts["invited_at"])
    late_s = (seen - facts["promise"]).dt.total_seconds().clip(lower=0)
    assert (found["late_s"] == late_s).all()


def test_what_was_short_or_damaged_counts_once_it_has_arrived(tiny, tables, made):
    sent = tables["delivery_lines"].groupby("order_id")[["quantity_delivered", "damaged"]].sum()
    ordered = tables["order_lines"].groupby("order_id")["quantity_ordered"].sum()
    facts = made["invitations"].set_index("order_id")
    arrived = facts["exposure"].isin(["late", "in_time"])
    short = (sent["quantity_delivered"] < ordered.reindex(sent.index)).reindex(facts.index)
    damaged = (sent["damaged"] > 0).reindex(facts.index)
    assert (facts["short"][arrived] == short[arrived]).all()
    assert (facts["damaged"][arrived] == damaged[arrived]).all()
    assert not facts["short"][~arrived].any()
    assert not facts["damaged"][~arrived].any()
    assert facts["short"].sum() > 0 < facts["damaged"].sum()


def test_waiting_and_what_is_missing_count_as_far_as_known_at_the_invitation(tiny, tables, made):
    sent = _known(tables, "deliveries", tiny.period(PERIOD).as_of).groupby("order_id")
    arrival = sent["delivered_at"].max().where(sent["delivered_at"].count() == sent.size())
    facts = made["invitations"].set_index("order_id")
    placed = tables["orders"].drop_duplicates("order_id").set_index("order_id")["ordered_at"]
    there = facts["exposure"].isin(["late", "in_time"])
    seen = arrival.reindex(facts.index).where(there, facts["invited_at"])
    wait = (seen - placed.reindex(facts.index)).dt.total_seconds()
    promised = facts["delay_s"].notna()
    assert (facts["wait_s"][promised] == wait[promised]).all()
    pieces = tables["delivery_lines"].groupby("order_id")["quantity_delivered"].sum()
    ordered = tables["order_lines"].groupby("order_id")["quantity_ordered"].sum()
    missing = (1 - pieces / ordered.reindex(pieces.index)).clip(lower=0).reindex(facts.index)
    assert np.allclose(facts["missing_share"][there].astype(float), missing[there], equal_nan=True)
    assert facts["missing_share"][~there].isna().all()
    assert (facts["missing_share"] > 0).sum() == facts["short"].sum()


def test_past_answers_are_those_that_each_period_knew(tiny, tables, made):
    expected = []
    for place in range(8):
        name = PERIOD
        for _ in range(place):
            name = company.previous(name)
        period = tiny.period(name)
        rows = _known(tables, "surveys", period.as_of)
        inside = (rows["invited_at"] >= period.start) & (rows["invited_at"] < period.end)
        rows = rows[inside & (rows["item"] == "recommend") & rows["score"].notna()]
        expected += [(-place, name, one) for one in rows["response_id"]]
    found = made["past_answers"]
    assert sorted(found[["position", "period", "response_id"]].itertuples(index=False, name=None)) == sorted(expected)
    assert found["position"].nunique() > 3


def test_scores_stand_in_atoms_that_enough_persons_answered_in(tiny, made):
    answers = made["invitations"].dropna(subset=["score"])
    persons = answers.groupby(["segment", "channel", "region"])["customer_id"].nunique()
    assert persons.min() >= tiny.settings.min_n
    assert len(persons) > 2


def test_what_customers_did_before_the_period_equals_its_restatement(tiny, tables, made):
    period = tiny.period(PERIOD)
    key = hashlib.sha256(b"frames" + tiny.pseudonym_key()).digest()
    orders = _known(tables, "orders", period.as_of)
    revenue = tables["order_lines"].groupby("order_id")["net_revenue"].sum().rename("net_revenue")
    orders = orders.join(revenue, on="order_id")
    orders["customer_id"] = [company.pseudonym(name, key) for name in orders["customer_id"]]
    cancelled = orders["cancelled_at"]
    before = orders[(orders["ordered_at"] < period.start) & ~(cancelled < period.start)]
    within = orders[(orders["ordered_at"] >= period.start) & (orders["ordered_at"] < period.end) & cancelled.isna()]
    found = made["segments"].set_index("customer_id")
    assert set(found.index) == set(before["customer_id"]) | set(within["customer_id"])
    asked = found["segment"] != "(other)"
    assert 0 < (~asked).sum() < len(found) / 5
    assert found.loc[~asked, ["n_orders", "recency_days", "net_revenue", "known_days", "age"]].isna().all(axis=None)
    history = before.groupby("customer_id").agg(
        n=("order_id", "size"), revenue=("net_revenue", "sum"), last=("ordered_at", "max")
    )
    history = history[history.index.isin(found.index[asked])]
    known = found.dropna(subset=["n_orders"])
    assert known["n_orders"].to_dict() == history["n"].to_dict()
    assert known["net_revenue"].to_dict() == history["revenue"].to_dict()
    days = (
        pd.Timestamp(period.start.date()) - history["last"].dt.tz_convert(tiny.zone).dt.tz_localize(None).dt.normalize()
    )
    assert known["recency_days"].to_dict() == days.dt.days.to_dict()
    assert found["n_orders_in_period"][lambda n: n > 0].to_dict() == within.groupby("customer_id").size().to_dict()
    assert set(found["built_from"]) == {"customers.type"}


def test_how_widely_customers_buy_equals_its_restatement(tiny, tables, made):
    period = tiny.period(PERIOD)
    orders = _known(tables, "orders", period.as_of)
    inside = (orders["ordered_at"] >= period.end - timedelta(weeks=52)) & (orders["ordered_at"] < period.end)
    orders = orders[inside & orders["cancelled_at"].isna()]
    lines = tables["order_lines"].merge(orders[["order_id", "customer_id"]], on="order_id")
    lines = lines.merge(tables["products"][["product_id", "category"]], how="left", on="product_id")
    did, bought = orders.groupby("customer_id"), lines.groupby("customer_id")
    days = (
        pd.to_datetime(period.end.date())
        - orders["ordered_at"].dt.tz_convert(tiny.zone).dt.tz_localize(None).dt.normalize()
    )
    days = days.dt.days.groupby(orders["customer_id"])
    expected = pd.DataFrame(
        {
            "n_orders": did.size(),
            "n_sites": did["site_id"].nunique(),
            "first_days": days.max(),
            "last_days": days.min(),
            "n_lines": bought.size(),
            "n_products": bought["product_id"].nunique(),
            "n_categories": bought["category"].nunique(),
            "quantity": bought["quantity_ordered"].sum(),
            "net_revenue": bought["net_revenue"].sum(),
            "cost_of_goods": bought["cost_of_goods"].sum().where(bought["cost_of_goods"].count() == bought.size()),
        }
    )
    of_lines = ["n_lines", "n_products", "n_categories", "quantity", "net_revenue"]
    expected[of_lines] = expected[of_lines].fillna(0)
    key = hashlib.sha256(b"frames" + tiny.pseudonym_key()).digest()
    expected.index = [company.pseudonym(name, key) for name in expected.index]
    found = made["breadth"].set_index("customer_id")
    assert set(found) - set(expected) == {"segment"}
    found, expected = found[list(expected)].astype("float64"), expected.astype("float64")
    pd.testing.assert_frame_equal(found, expected.sort_index(), check_names=False)
    assert found["cost_of_goods"].isna().any() < found["n_categories"].max()


def test_product_mix_adds_up_to_the_orders(tiny, tables, made):
    orders = made["orders"][~made["orders"]["cancelled"]]
    mix = made["product_mix"]
    assert mix["net_revenue"].sum() == orders["net_revenue"].sum()
    assert mix["quantity"].sum() == orders["quantity"].sum()
    of_one = mix.groupby(["segment", "channel", "region"])["net_revenue"].sum()
    assert (
        of_one.to_dict()
        == orders.groupby(["segment", "channel", "region"])["net_revenue"].sum()[lambda x: x != 0].to_dict()
    )
    lines = tables["order_lines"].merge(tables["products"][["product_id", "category"]], on="product_id")
    lines = lines[lines["order_id"].isin(orders["order_id"])]
    assert (
        mix.groupby("category")["quantity"].sum().to_dict()
        == lines.groupby("category")["quantity_ordered"].sum().to_dict()
    )


def test_work_follows_the_time_equations(tiny, tables, made):
    period = tiny.period(PERIOD)
    rules = frames.Known(tiny, period).cost_rules.activities
    done = tables["activities"]
    done = done[(done["happened_at"] >= period.start) & (done["happened_at"] < period.end)]
    expected = {}
    for row in done.itertuples():
        rule, drivers = rules[row.activity], json.loads(row.drivers or "{}")
        seconds = row.quantity * rule.seconds + sum(drivers.get(name, 0) * each for name, each in rule.per.items())
        expected[row.activity] = expected.get(row.activity, 0) + seconds
    assert made["work"].groupby("activity")["seconds"].sum().to_dict() == expected


@pytest.mark.parametrize("much", [True, False])
def test_work_is_the_same_by_numbers_a_month_at_a_time(tiny, tables, tmp_path, monkeypatch, much):
    # work of unknown orders, of orders with another customer than their own, and of nobody
    period, folder = tiny.period(PERIOD), tmp_path / "data" / "sample" / "warehouse-odd" / "tables"
    done = tables["activities"]
    done = done[(done["happened_at"] >= period.start) & (done["happened_at"] < period.end)].reset_index(drop=True)
    done.loc[::7, "order_id"] = "of nothing"
    done.loc[::5, "customer_id"] = tables["customers"]["customer_id"].iloc[0]
    done.loc[done.index[done["activity"] == "packing"][::3], ["order_id", "customer_id"]] = None
    shutil.copytree(tiny.data / json.loads((tiny.data / "receipt.json").read_text())["folder"] / "tables", folder)
    schema = pq.read_schema(folder / "activities.parquet")
    pq.write_table(pa.Table.from_pandas(done, schema=schema, preserve_index=False), folder / "activities.parquet")
    shutil.copytree(ROOT / "params" / "sample", tmp_path / "params" / "sample")
    odd = company.load("sample", tmp_path)
    receipt = {"folder": "warehouse-odd", "key": odd.key_print(), "tables": dict.fromkeys(tables)}
    (odd.data / "receipt.json").write_text(json.dumps(receipt))
    monkeypatch.setattr(frames, "MUCH_WORK", -1 if much else 10**9)
    monkeypatch.setattr(frames, "FEW_ORDERS", 0 if much else 10**9)
    known = frames.Known(odd, odd.period(PERIOD))
    work = known.warehouse.backend.to_pyarrow(known.work()).to_pandas()

    orders = tables["orders"].set_index("order_id")
    places = known.warehouse.backend.to_pyarrow(known._published(known.table("orders"))).to_pandas()
    places = places.set_index("order_id")[["segment", "channel", "region"]]
    rules, cells = (
        known.cost_rules.activities,
        {row[:3]: row[3:] for row in known.grid.itertuples(index=False, name=None)},
    )
    expected = {}
    alone = set(done.loc[done["order_id"].isna(), "activity"])
    for row in done[~done["activity"].isin(alone)].itertuples():
        drivers = json.loads(row.drivers or "{}")
        rule = rules[row.activity]
        seconds = row.quantity * rule.seconds + sum(drivers.get(name, 0) * each for name, each in rule.per.items())
        who = row.customer_id if isinstance(row.customer_id, str) else None
        at = cells[("(unknown)",) * 3]
        if row.order_id in orders.index:
            who, at = who or orders.loc[row.order_id, "customer_id"], tuple(places.loc[row.order_id])
        key = (row.happened_at.astimezone(period.start.tzinfo).strftime("%Y-%m-01"), row.activity, who, *at)
        times, sums = expected.get(key, (0, 0))
        expected[key] = (times + row.quantity, sums + seconds)
    named = work[~work["activity"].isin(alone)].astype(object).where(lambda rows: rows.notna(), None)
    assert len(named) == len(expected) > 500
    found = {(str(row.month), row.activity, row.customer_id, row.segment, row.channel, row.region):
             (row.times, row.seconds) for row in named.itertuples()}  # fmt: skip
    assert found == expected
    assert work.groupby("activity")["times"].sum().to_dict() == done.groupby("activity")["quantity"].sum().to_dict()
    assert {"account_visit", "packing"} <= alone
    assert work.loc[work["activity"] == "packing", "customer_id"].isna().any()


def test_the_local_warehouse_holds_no_more_memory_than_it_may(tiny):
    limits = company.Limits(warehouse_mb=600)
    found = replace(tiny, settings=tiny.settings.model_copy(update={"limits": limits}))
    link = frames.Known(found, found.period(PERIOD)).warehouse.backend
    told = link.raw_sql("SELECT current_setting('memory_limit'), current_setting('temp_directory')").fetchone()
    assert told == ("572.2 MiB", str(tiny.data / "spill"))  # 600,000,000 bytes
    link = frames.Known(tiny, tiny.period(PERIOD)).warehouse.backend
    told = link.raw_sql("SELECT current_setting('memory_limit')").fetchone()[0]
    half = psutil.virtual_memory().total / 2**31
    assert half - 0.1 < float(told.removesuffix(" GiB")) < half + 0.1  # the other half is for the reports beside


def test_the_local_warehouse_spills_to_the_folder_that_is_set(tiny, tmp_path):
    limits = company.Limits(warehouse_mb=500, spill=str(tmp_path))
    found = replace(tiny, settings=tiny.settings.model_copy(update={"limits": limits}))
    link, seen = frames.Known(found, found.period(PERIOD)).warehouse.backend, tmp_path / "spill-sample"
    link.raw_sql("CREATE TEMP TABLE much AS SELECT hash(i) AS one, hash(i, 1) AS two FROM range(60_000_000) t(i)")
    assert sum(path.stat().st_size for path in seen.iterdir()) > 0
    assert prune.needless(found) == sorted([*prune.needless(tiny), seen])  # as if killed now
    link.disconnect()
    assert not seen.exists()


@pytest.mark.parametrize("made", [True, False])
def test_a_spill_folder_that_cannot_be_written_to_is_refused(tiny, tmp_path, monkeypatch, made):
    folder = tmp_path / "scratch"
    if made:
        folder.mkdir()
        monkeypatch.setattr(os, "access", lambda path, mode: path != folder)
    limits = company.Limits(spill=str(folder))
    found = replace(tiny, settings=tiny.settings.model_copy(update={"limits": limits}))
    with pytest.raises(ParamsError) as error:
        frames.materialise(found, found.period(PERIOD), ["orders"], tmp_path)
    assert str(error.value) == (
        f"{tiny.params}/base.yaml: 'limits.spill': expected a folder that can be written to, found "
        f"{'one that cannot' if made else 'none'}: {folder}. Make it, or leave the limit out: the warehouse then "
        f"spills to {tiny.data}/spill."
    )


def test_a_spill_folder_that_is_not_absolute_is_the_projects(tiny):
    limits = company.Limits(spill="scratch")
    found = replace(tiny, settings=tiny.settings.model_copy(update={"limits": limits}))
    assert found.spill == tiny.home / "scratch" / "spill-sample"


def test_text_of_the_largest_frame_is_categories_in_order(made):
    work = made["work"]
    text = [name for name in work if isinstance(work[name].dtype, pd.CategoricalDtype)]
    assert text == ["pool", "activity", "customer_id", "segment", "channel", "region"]
    assert all(work[name].cat.categories.is_monotonic_increasing for name in text)
    assert not any(isinstance(made["orders"][name].dtype, pd.CategoricalDtype) for name in made["orders"])


def test_pools_that_serve_pools_and_faults_of_costs_are_frames(tiny, tables, made, tmp_path):
    assert made["cost_faults"].empty
    assert made["support"].empty
    rules = tmp_path / "cost.yaml"
    text = (ROOT / "params" / "sample" / "cost.yaml").read_text().replace("per: {hand_packed: 120}", "per: {}")
    text = text.replace("  account_visit:\n    pool: account_management\n    seconds: 5400\n", "")
    text = text.replace("per: {lines: 60}", "per: {lines: -9000}").replace("packing:", "packing_:")
    text += "support:\n  method: step_down\n  serves:\n    it: {warehouse: 2, order_desk: 1}\n"
    text += "    hr: {it: 1, transport: 4}\n"
    rules.write_text(text)
    known = frames.Known(tiny, tiny.period(PERIOD))
    known.__dict__["cost_rules"] = company.validated(CostRules, company.read_yaml(rules), rules)
    rows = known.warehouse.backend.to_pyarrow(known.support()).to_pandas()
    assert rows[["pool", "served", "parts", "method"]].values.tolist() == [
        ["it", "warehouse", 2, "step_down"],
        ["it", "order_desk", 1, "step_down"],
        ["hr", "it", 1, "step_down"],
        ["hr", "transport", 4, "step_down"],
    ]
    done = tables["activities"]
    done = done[(done["happened_at"] >= known.period.start) & (done["happened_at"] < known.period.end)]
    times = done["activity"].value_counts()
    found = known.warehouse.backend.to_pyarrow(known.cost_faults()).to_pandas()
    assert {(row.fault, row.name): row.n for row in found.itertuples(index=False)} == {
        ("activity without a time equation", "account_visit"): times["account_visit"],
        ("activity without a time equation", "packing"): times["packing"],
        ("time below 0, counted as none", "complaint_handling"): times["complaint_handling"],
        ("driver that no equation knows", "hand_packed of return_handling"): (
            done.loc[done["activity"] == "return_handling", "drivers"].str.contains("hand_packed").sum()
        ),
    }
    work = known.warehouse.backend.to_pyarrow(known.work()).to_pandas().groupby("activity")["seconds"].sum()
    assert work[["account_visit", "complaint_handling", "packing"]].tolist() == [0, 0, 0]


def test_kinds_of_work_and_freight_add_up_to_their_cells(made):
    cell = ["segment", "channel", "region"]
    for whole, kinds, amount in (("work", "work_kinds", "seconds"), ("freight", "freight_kinds", "freight")):
        sums = [made[name].groupby(cell)[amount].sum().to_dict() for name in (whole, kinds)]
        assert sums[0] == sums[1]
    orders = made["orders"]
    by_lines = orders.loc[orders["order_class"] != "rush"].groupby("order_class")["n_lines"].agg(["min", "max"])
    assert by_lines["min"].to_dict() == by_lines["min"].to_dict() | {"two to four lines": 2, "five to nine lines": 5}
    assert by_lines.loc[["one line", "two to four lines"], "max"].tolist() == [1, 4]
    visits = made["work_kinds"].query("activity == 'account_visit'")
    assert set(visits["order_class"]) == set(visits["fulfilment"]) == {"(no order)"}


def test_units_of_work_are_what_work_is_made_of(made):
    units, work = made["work_units"], made["work"]
    assert (
        units.groupby(["segment", "activity"])["seconds"].sum().to_dict()
        == work.groupby(["segment", "activity"])["seconds"].sum().to_dict()
    )
    own = units[units["driver"] == ""]
    pieces = (own["units"] * own["n"]).groupby(own["activity"]).sum()
    assert pieces.to_dict() == work.groupby("activity")["times"].sum().to_dict()
    assert set(units.loc[units["no_order"], "activity"]) == {"account_visit"}
    assert set(made["give_or_take"]["kind"]) == {"activity", "pool"}
    assert made["standards"].empty


def test_the_four_periods_before_are_those_periods_own(tiny, made):
    before = made["customers_before"]
    span = tiny.period("2026Q1")
    last = frames.Known(tiny, company.Period("2026Q1", span.start, span.end, tiny.period(PERIOD).as_of))
    orders = last.warehouse.backend.to_pyarrow(last.orders()).to_pandas()
    orders = orders[~orders["cancelled"]]
    found = before[before["ago"] == 1]
    for column in ("n_lines", "net_revenue", "cost_of_goods", "freight"):
        assert found[column].sum() == orders[column].sum()
    assert found["n_orders"].sum() == len(orders)
    sent = last.warehouse.backend.to_pyarrow(last.freight()).to_pandas()
    assert found["freight_sent"].sum() == sent["freight"].sum()
    work = last.warehouse.backend.to_pyarrow(last.work()).to_pandas()
    assert made["work_before"].query("ago == 1")["seconds"].sum() == work["seconds"].sum()
    assert sorted(before["ago"].unique()) == sorted(made["work_before"]["ago"].unique()) == [1, 2, 3, 4]
    assert made["ledger_before"]["month"].nunique() == made["capacity_before"]["month"].nunique() == 12


def _ruled(tiny, tmp_path, text):
    rules = tmp_path / "cost.yaml"
    rules.write_text(text)
    known = frames.Known(tiny, tiny.period(PERIOD))
    known.__dict__["cost_rules"] = company.validated(CostRules, company.read_yaml(rules), rules)
    return known


@pytest.mark.parametrize("key", ["weight", "distance", "weight_distance", "volume", "shipments"])
def test_a_shared_invoice_is_shared_to_the_cent(tiny, tables, tmp_path, key):
    known = _ruled(tiny, tmp_path, f"freight: {{shared_by: {key}}}\n")
    plain = known.table("deliveries")
    sent = known.warehouse.backend.to_pyarrow(plain).to_pandas()
    invoice = sent["freight_invoice_id"].value_counts().index[0]
    bare = sent.sort_values("delivery_id")
    mine = bare["freight_invoice_id"] == invoice
    bare.loc[mine, "freight_cost"] = None
    bare.loc[bare.index[mine][0], "freight_cost"] = 100_003
    known.warehouse.backend = ibis.duckdb.connect()
    kept = {name: ibis.memtable(tables[name]) for name in ("order_lines", "products", "ledger")}
    known.table = lambda name: ibis.memtable(bare) if name == "deliveries" else kept[name]
    found = known.warehouse.backend.to_pyarrow(known._billed).to_pandas().set_index("delivery_id")
    got = found.loc[bare.loc[mine, "delivery_id"], "freight_cost"].astype("int64")
    assert got.sum() == 100_003
    sizes = {"weight": bare["weight_g"], "distance": bare["distance_m"], "shipments": bare["weight_g"] * 0 + 1}
    sizes["weight_distance"] = bare["weight_g"] * bare["distance_m"] // 1_000_000
    lines = tables["order_lines"].merge(tables["products"], on="product_id")
    volume = (lines["volume_ml"] * lines["quantity_ordered"]).groupby(lines["order_id"]).sum(min_count=1)
    sizes["volume"] = bare["order_id"].map(volume)
    weights = sizes[key][mine]
    if weights.isna().any():
        weights = weights * 0 + 1
        weights = weights.fillna(1)
    exact = 100_003 * weights / weights.sum()
    assert np.abs(got.to_numpy() - exact.to_numpy("float64")).max() < 1
    others = found.drop(got.index)["freight_cost"]
    assert others.sum() == sent.set_index("delivery_id").loc[others.index, "freight_cost"].sum()


def test_a_tariff_stands_in_where_no_freight_is_known_or_posted(tiny, tmp_path):
    known = _ruled(tiny, tmp_path, "freight: {tariff: {cents_per_shipment: 300, cents_per_kg: 20, cents_per_km: 2}}\n")
    rows = pd.DataFrame(
        {"delivery_id": ["a", "b", "c"], "freight_invoice_id": [None] * 3, "freight_cost": [5.0, None, None]}
    )
    rows = rows.assign(weight_g=[1_000, 2_500, None], distance_m=[1, 10_400, 7])
    known.warehouse.backend, known._few_orders = ibis.duckdb.connect(), False
    ledger = pd.DataFrame({"pool": ["desk"]})
    known.table = lambda name: ibis.memtable(rows if name == "deliveries" else ledger)
    found = known.warehouse.backend.to_pyarrow(known._billed).to_pandas().set_index("delivery_id")["freight_cost"]
    assert found["a"] == 5
    assert found["b"] == 300 + 50 + 21  # 20.8 rounds up
    assert pd.isna(found["c"])  # its weight is not known
    posted = _ruled(tiny, tmp_path, "freight: {tariff: {cents_per_shipment: 300}}\n")
    posted.warehouse.backend, posted._few_orders = ibis.duckdb.connect(), False
    posted.table = lambda name: ibis.memtable(rows if name == "deliveries" else ledger.assign(pool="freight"))
    assert posted.warehouse.backend.to_pyarrow(posted._billed).to_pandas()["freight_cost"].isna().sum() == 2


def test_fees_of_payments_follow_their_declared_rates(tiny, tables, tmp_path):
    known = _ruled(tiny, tmp_path, "payments: {card: {per_mille: 25, cents: 10}, invoice: {cents: 50}}\n")
    fees = known.warehouse.backend.to_pyarrow(known.orders()).to_pandas().set_index("order_id")["payment_fee"]
    paid = tables["payments"]
    paid = paid[paid["order_id"].isin(fees.index)]
    each = np.select(
        [paid["kind"] == "card", paid["kind"] == "invoice"], [(paid["amount"] * 25 + 500) // 1000 + 10, 50], 0
    )
    expected = pd.Series(each, paid["order_id"]).groupby(level=0).sum().reindex(fees.index).fillna(0)
    assert fees.sum() > 0
    assert fees.to_dict() == expected.astype("int64").to_dict()
    told = known.warehouse.backend.to_pyarrow(known.assumptions()).to_pandas()
    assert told.values.tolist() == [["payment by card", 10, 25], ["payment by invoice", 50, 0]]


def test_parts_of_products_follow_lines_and_weights(tiny, tables, made):
    parts = made["product_parts"].set_index(["pool", "activity", "category"])["parts"]
    orders = made["orders"][~made["orders"]["cancelled"]]
    lines = tables["order_lines"].merge(tables["products"][["product_id", "category", "weight_g"]], on="product_id")
    lines = lines[lines["order_id"].isin(orders["order_id"])]
    assert parts["handling", "line"].div(1000).round().to_dict() == lines["category"].value_counts().to_dict()
    each = 1 / lines.groupby("order_id")["line_no"].transform("size")
    expected = each.groupby(lines["category"]).sum()
    found = parts["handling", "order"] / 1000
    assert found.drop("(no article)", errors="ignore").to_dict() == pytest.approx(expected.to_dict(), abs=0.2)
    weight = lines["weight_g"] * lines["quantity_ordered"]
    share = weight / weight.groupby(lines["order_id"]).transform("sum")
    freight = orders.set_index("order_id")["freight"].reindex(lines["order_id"]).fillna(0).to_numpy("float64")
    expected = (share * freight).groupby(lines["category"]).sum()
    found = parts["freight", "ordered"].drop("(no article)", errors="ignore") / 1000
    assert found.to_dict() == pytest.approx(expected.to_dict(), rel=1e-4)


def test_what_the_entry_checks_set_aside_of_costs_is_counted(tiny):
    known = frames.Known(tiny, tiny.period(PERIOD))
    aside = pd.DataFrame({"month": [date(2026, 4, 1), date(2026, 6, 1), date(2026, 7, 1), None], "currency": "USD"})
    own = known.warehouse.quarantine
    known.warehouse.quarantine = lambda name: ibis.memtable(aside) if name == "ledger" else own(name)
    found = known.warehouse.backend.to_pyarrow(known.cost_faults()).to_pandas()
    assert found.values.tolist() == [["set aside on entry", "ledger", 3]]  # one may be of any month


def test_a_support_pool_with_activities_of_its_own_is_refused(tmp_path):
    rules = tmp_path / "cost.yaml"
    text = (ROOT / "params" / "sample" / "cost.yaml").read_text()
    rules.write_text(text + "support:\n  serves:\n    warehouse: {transport: 1}\n")
    with pytest.raises(ParamsError, match="no activities for customers of its own, found warehouse"):
        company.validated(CostRules, company.read_yaml(rules), rules)


def test_work_for_no_order_keeps_its_segment_and_has_a_channel_of_its_own(tiny):
    known = frames.Known(tiny, tiny.period(PERIOD))
    work = known.warehouse.backend.to_pyarrow(known._work_places(known.period)).to_pandas()
    visits = work[work["activity"] == "account_visit"]
    assert len(visits) > 10
    assert set(visits["channel"]) == {"(no order)"}
    assert set(visits["segment"]) == {"business", "wholesale"}
    assert "(no order)" not in set(work.loc[work["activity"] == "picking", "channel"])


def test_every_published_cell_holds_enough_persons(tiny, made):
    for frame, amount in (("orders", "net_revenue"), ("freight", "freight"), ("work", "seconds")):
        cells = made[frame].groupby(["segment", "channel", "region"])
        assert cells["customer_id"].nunique().min() >= tiny.settings.min_n, frame
        held = made[frame].groupby(["segment", "channel", "region", "customer_id"])[amount].sum()
        by_cell = held.groupby(level=[0, 1, 2])
        assert (by_cell.max() <= tiny.settings.max_contributor_share * by_cell.sum()).all(), frame


def test_customers_without_consent_enter_totals_only(tiny, tables, made):
    refused = set(tables["customers"].loc[tables["customers"]["profiling_consent"] == False, "customer_id"])  # noqa: E712
    orders = made["orders"].merge(tables["orders"][["order_id", "customer_id"]], on="order_id")
    assert set(orders.loc[orders["customer_id_y"].isin(refused), "segment"]) == {"(other)"}


def test_persons_are_pseudonymised_again_in_frames(tables, made):
    assert not set(made["orders"]["customer_id"]) & set(tables["customers"]["customer_id"])
    assert made["orders"]["customer_id"].nunique() == tables["orders"].set_index("order_id").loc[
        made["orders"]["order_id"], "customer_id"
    ].nunique()  # fmt: skip


def test_later_data_change_no_frame(tiny, made, tmp_path, monkeypatch):
    """A warehouse that ends at the day of knowledge gives the frames of one that goes on, orders in memory or not."""
    period = tiny.period("2025Q3")
    later = frames.materialise(tiny, period, ALL, tmp_path / "later")
    early = company.Company(tiny.name, tiny.settings, tmp_path)
    shutil.copytree(tiny.params, early.params)
    tables = _tables(tiny)
    folder = early.data / "warehouse-cut" / "tables"
    quarantine = early.data / "warehouse-cut" / "quarantine"
    folder.mkdir(parents=True)
    old = tiny.data / json.loads((tiny.data / "receipt.json").read_text())["folder"] / "quarantine"
    shutil.copytree(old, quarantine)
    for name in tables:
        schema = pq.read_schema(old.parent / "tables" / f"{name}.parquet")
        cut = _known(tables, name, period.as_of).reset_index(drop=True)
        pq.write_table(
            frames.pa.Table.from_pandas(cut, schema=schema, preserve_index=False), folder / f"{name}.parquet"
        )
    receipt = {"folder": "warehouse-cut", "key": early.key_print(), "tables": dict.fromkeys(tables)}
    (early.data / "receipt.json").write_text(json.dumps(receipt))
    monkeypatch.setattr(frames, "FEW_ORDERS", 0)
    cut_frames = frames.materialise(early, period, ALL, tmp_path / "cut")
    assert {n: f.digest for n, f in cut_frames.items()} == {n: f.digest for n, f in later.items()}
    assert len(frames.read(later["orders"].path)) > 100


def test_a_frame_is_named_by_its_values(tiny, tmp_path):
    first = frames.materialise(tiny, tiny.period(PERIOD), ["orders"], tmp_path)["orders"]
    again = frames.materialise(tiny, tiny.period(PERIOD), ["orders"], tmp_path)["orders"]
    first.path.write_bytes(first.path.read_bytes()[:-9])
    assert frames.digest_of(first.path) == ""
    mended = frames.materialise(tiny, tiny.period(PERIOD), ["orders"], tmp_path)["orders"]
    assert (mended.path, frames.digest_of(mended.path)) == (first.path, first.digest)
    other = frames.materialise(tiny, tiny.period("2026Q1"), ["orders"], tmp_path)["orders"]
    assert first == again != other
    table = pq.read_table(first.path)
    assert frames._digest(table) == frames._digest(frames._coded(table)) == first.digest
    changed = table.set_column(
        table.column_names.index("net_revenue"), "net_revenue", frames.pc.add(table["net_revenue"], 1)
    )
    assert frames._digest(changed) != first.digest


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(b"PAR1"), lambda path: path.unlink()], ids=["cut", "gone"]
)
def test_a_warehouse_that_does_not_read_is_told(tiny, tmp_path, damage):
    shutil.copytree(tiny.home / "params", tmp_path / "params")
    shutil.copytree(tiny.data, tmp_path / "data/sample", ignore=shutil.ignore_patterns("raw", "frames"))
    damage(next((tmp_path / "data/sample").glob("warehouse-*/tables/orders.parquet")))
    found = company.load("sample", tmp_path)
    with pytest.raises(DataError) as refused:
        frames.materialise(found, found.period(PERIOD), ["orders"], tmp_path / "frames")
    assert str(refused.value).startswith(f"{found.data}: the warehouse does not read: ")
    assert str(refused.value).endswith(" Ingest sample again.")
    with pytest.raises(DataError, match="the warehouse does not read"):
        frames.in_warehouse(found, "C1")


def test_a_customer_is_found_in_the_warehouse_by_the_identifier_of_the_raw_files(tiny):
    known = pq.read_table(next((tiny.data / "raw").rglob("customers.parquet")))["customer_id"][0].as_py()
    asked = [known, f" {known} ", known.lower(), "nobody"]
    assert [frames.in_warehouse(tiny, name) for name in asked] == [True, True, False, False]


def test_unknown_frame_is_refused_with_the_nearest_name(tiny, tmp_path):
    with pytest.raises(ParamsError) as refused:
        frames.materialise(tiny, tiny.period(PERIOD), ["order"], tmp_path)
    known = ", ".join(sorted([*ALL, frames.KEY_FIGURES]))
    assert str(refused.value) == f"frame('order'): no such frame; there are: {known}. Did you mean 'orders'?"


def test_a_company_without_warehouse_is_told_how_to_make_one(tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "params")
    for name, how in (("sample", "toolkit sample"), ("olist", "toolkit ingest olist --from FOLDER")):
        found = company.load(name, tmp_path)
        with pytest.raises(DataError) as refused:
            frames.materialise(found, found.period(PERIOD), ["orders"], tmp_path / "frames")
        assert str(refused.value) == (
            f"{found.data}: expected the warehouse of {name}, found none. Make it with: {how}"
        )


def test_by_hand_a_notebook_reads_the_same_frame(tiny, made, monkeypatch):
    monkeypatch.chdir(tiny.params)
    monkeypatch.delenv(frames.FRAMES_VARIABLE, raising=False)
    pd.testing.assert_frame_equal(frames.reader("sample", PERIOD)("orders"), made["orders"])


def test_unattended_a_notebook_reads_only_what_the_runner_made(tiny, monkeypatch, tmp_path):
    kept = frames.materialise(tiny, tiny.period(PERIOD), ["handling"], tmp_path)["handling"]
    monkeypatch.setenv(frames.FRAMES_VARIABLE, json.dumps({"handling": str(kept.path)}))
    frame = frames.reader("sample", PERIOD)
    assert frame("handling").empty
    with pytest.raises(ParamsError) as refused:
        frame("orders")
    assert str(refused.value) == "frame('orders'): not made for this run; there are: handling."


# -- business rules on tables that can be checked by eye ---------------------------------------


@pytest.fixture
def drawn(tmp_path, table):
    """A company in UTC whose warehouse is drawn: frames of May 2026, known by 22 June."""

    def make(**drawings):
        settings = company.Settings(title="Drawn", zone="UTC", currency="EUR", pseudonym_key="public", min_n=3)
        found = company.Company("drawn", settings, tmp_path)
        folder = found.data / "warehouse-drawn"
        for name in ("tables", "quarantine"):
            (folder / name).mkdir(parents=True)
        for name, drawing in drawings.items():
            rows, spec = table(drawing), contract.TABLES[name]
            for column in rows.columns:
                kind = spec.column(column).type
                if kind == "timestamp":
                    rows[column] = pd.to_datetime("2026-" + rows[column], utc=True).astype("datetime64[us, UTC]")
                elif kind == "time":
                    rows[column] = pd.to_datetime(rows[column], format="%H:%M").dt.time
                elif kind in ("integer", "money"):
                    rows[column] = pd.to_numeric(rows[column]).astype("Int64")
                elif kind == "boolean":
                    rows[column] = rows[column].map({"true": True, "false": False}).astype("boolean")
            rows.to_parquet(folder / "tables" / f"{name}.parquet", index=False)
            rows.iloc[:0].to_parquet(folder / "quarantine" / f"{name}.parquet", index=False)
        receipt = {"folder": folder.name, "key": found.key_print(), "tables": dict.fromkeys(drawings)}
        (found.data / "receipt.json").write_text(json.dumps(receipt))
        period = found.period("2026-05")

        def frame(name):
            if name == "known":
                return frames.Known(found, period)
            return frames.read(frames.materialise(found, period, [name], tmp_path / "frames")[name].path)

        return frame

    return make


CUSTOMERS = """
    customer_id | region | valid_from | valid_to
    --------------------------------------------
    a           | n      | 01-01      | 05-10
    a           | s      | 05-10      |
    b           | n      |            |
    """
LINES = """
    order_id | line_no | net_revenue | cost_of_goods
    -------------------------------------------------
    o1       | 1       | 500         | 300
    o1       | 2       | 250         |
    o2       | 1       | 100         | 60
    """


def test_a_driver_that_is_no_whole_number_lengthens_no_work(drawn, tmp_path):
    frame = drawn(
        customers=CUSTOMERS,
        activities="""
            activity_id | customer_id | activity | happened_at | quantity | drivers
            ----------------------------------------------------------------------------
            w1          | b           | picking  | 05-04       | 1        | {"lines": 2}
            w2          | b           | picking  | 05-05       | 2        | {"lines": 2.5}
            w3          | b           | picking  | 05-06       | 1        | {"lines": "2"}
            """,
    )
    folder = tmp_path / "params" / "drawn"
    folder.mkdir(parents=True)
    (folder / "cost.yaml").write_text("activities: {picking: {pool: shed, seconds: 10, per: {lines: 7}}}\n")
    assert frame("work")["seconds"].sum() == 4 * 10 + 2 * 7
    units = frame("work_units")
    assert units.loc[units["driver"] == "lines", ["units", "n", "seconds"]].values.tolist() == [[0, 2, 0], [2, 1, 14]]


def test_an_order_is_late_when_one_of_its_shipments_is(drawn):
    frame = drawn(
        customers=CUSTOMERS,
        order_lines=LINES,
        orders="""
            order_id | customer_id | ordered_at | cancelled_at
            --------------------------------------------------
            o1       | a           | 05-01      |
            o2       | b           | 05-02      |
            o3       | b           | 05-03      | 06-01
            """,
        deliveries="""
            delivery_id | order_id | delivered_at | promised_by
            ----------------------------------------------------
            d1          | o1       | 05-04T09     | 05-05T00
            d2          | o1       | 05-05T09     | 05-05T00
            d3          | o2       | 06-25T09     | 05-30T00
            d4          | o3       |              | 06-30T00
            """,
    )
    service = frame("order_service").set_index("order_id")
    assert list(service.index) == ["o1", "o2"]  # o3 falls due in June
    assert service["late"].tolist() == [True, True]
    assert service["late_by_day"].tolist() == [False, True]  # d2 arrives in the course of the promised day
    assert service["arrived"].tolist() == [True, False]  # d3 arrives after the day of knowledge, 22 June
    assert service["delay_s"].tolist() == [9 * 3600, 23 * 86_400]  # 30 May to 22 June


def test_cost_of_goods_is_missing_when_one_line_misses_it(drawn):
    frame = drawn(
        customers=CUSTOMERS,
        order_lines=LINES,
        orders="""
            order_id | customer_id | ordered_at
            -----------------------------------
            o1       | a           | 05-01
            o2       | b           | 05-02
            o9       | b           | 06-22
            """,
    )
    orders = frame("orders").set_index("order_id")
    assert orders["net_revenue"].to_dict() == {"o1": 500 + 250, "o2": 100}
    assert orders["cost_of_goods"].isna().to_dict() == {"o1": True, "o2": False}


def test_a_place_is_that_of_the_day_of_the_order(drawn):
    frame = drawn(
        customers=CUSTOMERS,
        order_lines=LINES,
        orders="""
            order_id | customer_id | ordered_at
            -----------------------------------
            o1       | a           | 05-09
            o2       | a           | 05-10
            """,
    )
    assert frame("orders")["region"].tolist() == [
        "(other)",
        "(other)",
    ]  # one person: nothing may be published
    known = frame("known")
    places = known.warehouse.backend.to_pyarrow(known._places(known.table("orders"))).to_pandas()
    assert places.set_index("order_id")["region"].to_dict() == {"o1": "n", "o2": "s"}


def test_a_segment_holds_for_the_year_and_comes_of_its_first_day(drawn):
    frame = drawn(
        customers="""
            customer_id | type | region | valid_from | valid_to | profiling_consent
            -----------------------------------------------------------------------
            a           | old  | n      |            | 05-10    |
            a           | new  | s      | 05-10      |          |
            b           | late | n      | 04-01      |          |
            c           | gone | n      |            | 01-01    |
            c           | back | n      | 04-01      |          | false
            """,
        order_lines="""
            order_id | line_no | product_id | quantity_ordered | net_revenue | cost_of_goods
            --------------------------------------------------------------------------------
            o1       | 1       | p1         | 1                | 500         | 300
            """,
        orders="""
            order_id | customer_id | ordered_at
            -----------------------------------
            o1       | a           | 05-20
            o2       | b           | 05-20
            o3       | c           | 05-20
            """,
    )
    known = frame("known")
    places = known.warehouse.backend.to_pyarrow(known._places(known.table("orders"))).to_pandas()
    # a was "old" on 1 January though "new" when ordering; b came later; c refused profiling.
    assert places.set_index("order_id")["segment"].to_dict() == {"o1": "old", "o2": "late", "o3": "(other)"}
    assert places.set_index("order_id")["region"].to_dict() == {"o1": "s", "o2": "n", "o3": "(other)"}
    assert sorted(frame("segments")["segment"]) == ["(other)", "late", "old"]


def test_a_month_is_told_as_known_at_its_end_and_closing_days(drawn):
    frame = drawn(
        customers="""
            customer_id | type
            ------------------
            a           | home
            b           | home
            c           | home
            d           | home
            """,
        orders="""
            order_id | customer_id | ordered_at | cancelled_at
            --------------------------------------------------
            o1       | a           | 04-10      |
            o2       | b           | 04-20      |
            o3       | c           | 04-20      | 05-23
            o4       | d           | 04-20      | 05-20
            o5       | a           | 05-02      |
            """,
        deliveries="""
            delivery_id | order_id | promised_by | delivered_at
            ---------------------------------------------------
            d1          | o1       | 05-10       | 05-08
            d2          | o2       | 05-25       | 05-24
            d3          | o3       | 05-12       | 05-22
            d4          | o4       | 05-12       | 05-12
            d5          | o5       | 05-12       | 05-11
            """,
        order_lines="""
            order_id | line_no | net_revenue | quantity_ordered
            ---------------------------------------------------
            o1       | 1       | 500         | 1
            o5       | 1       | 70          | 1
            """,
        surveys="""
            response_id | customer_id | order_id | item      | scale    | invited_at | answered_at | score
            ------------------------------------------------------------------------------------------
            r1          | a           | o1       | recommend | nps_0_10 | 05-09      | 05-21       | 9
            r2          | b           | o2       | recommend | nps_0_10 | 05-09      | 05-23       | 0
            r3          | c           | o3       | product   | nps_0_10 | 05-09      | 05-10       | 7
            r4          | c           | o3       | recommend | nps_0_10 | 05-09      |             |
            """,
        service_events="""
            event_id | order_id | customer_id | kind      | happened_at
            -----------------------------------------------------------
            e1       | o1       | a           | complaint | 05-21
            e2       | o2       | b           | complaint | 05-23
            e3       | o3       | c           | question  | 05-11
            """,
    )
    found = frame("month_orders").set_index("month").drop(columns="segment")
    april, may = found.iloc[0].to_dict(), found.iloc[1].to_dict()
    # April is closed on 22 May: o4 was cancelled by then, o2 not due, o3 late, r2 and e2 not there.
    assert april == {
        "n_orders": 3, "net_revenue": 500, "n_priced": 1, "n_due": 2, "n_on_time": 1, "n_filled": 0, "n_otif": 0,
        "n_complained": 1, "n_customers": 3, "n_customers_priced": 1, "n_customers_due": 2, "n_customers_filled": 0,
    }  # fmt: skip
    assert [may[name] for name in ("n_orders", "n_due", "n_on_time", "n_complained")] == [1, 1, 1, 0]
    answers = frame("month_answers")
    assert answers[["response_id", "score"]].values.tolist() == [["r1", 9]]
    assert str(answers["month"].iloc[0])[:10] == "2026-04-01"


def test_how_widely_a_customer_buys_counts_each_once(drawn):
    frame = drawn(
        customers="""
            customer_id | type | profiling_consent
            --------------------------------------
            a           | x    |
            b           | x    | false
            c           | x    |
            """,
        products="""
            product_id | category
            ---------------------
            p1         | tea
            p2         | tea
            p3         |
            p4         | salt
            """,
        orders="""
            order_id | customer_id | ordered_at | site_id | cancelled_at
            -----------------------------------------------------------
            o1       | a           | 05-10      | s1      |
            o2       | a           | 05-10      | s1      | 06-22
            o3       | a           | 05-20      |         |
            o4       | a           | 05-21      | s2      | 06-21
            o5       | a           | 06-01      | s3      |
            o6       | b           | 05-31      | s1      |
            o7       | c           | 05-01      | s1      |
            o8       | d           | 06-22      | s1      |
            """,
        order_lines="""
            order_id | line_no | product_id | quantity_ordered | net_revenue | cost_of_goods
            --------------------------------------------------------------------------------
            o1       | 1       | p1         | 1                | 500         | 300
            o1       | 2       | p1         | 2                | 900         | 600
            o2       | 1       | p2         | 1                | 100         |
            o3       | 1       | p3         | 4                | 40          | 30
            o3       | 2       | p8         | 1                |             | 5
            o3       | 3       | p9         | 1                | 7           | 5
            o3       | 4       | p9         | 1                | 7           | 5
            o4       | 1       | p4         | 1                | 11          | 5
            o5       | 1       | p4         | 1                | 11          | 5
            o6       | 1       | p4         | 3                | 30          | 21
            """,
    )
    known = frame("known")
    found = known.warehouse.backend.to_pyarrow(known.breadth()).to_pandas().set_index("customer_id")
    # a: o1, o2 (its cancellation is not known on 22 June) and o3; o4 is cancelled, o5 after the period; p8 and p9 are
    # in no table of articles, p3 in no category. b refused profiling. c has no lines. d is not known yet.
    assert sorted(found.index) == ["a", "b", "c"]
    assert found["segment"].to_dict() == {"a": "x", "b": "(other)", "c": "x"}
    assert found["n_orders"].to_dict() == {"a": 3, "b": 1, "c": 1}
    assert found["n_sites"].to_dict() == {"a": 1, "b": 1, "c": 1}
    assert found["first_days"].to_dict() == {"a": 31 + 1 - 10, "b": 1, "c": 31}
    assert found["last_days"].to_dict() == {"a": 31 + 1 - 20, "b": 1, "c": 31}
    assert found["n_lines"].to_dict() == {"a": 7, "b": 1, "c": 0}
    assert found["n_products"].to_dict() == {"a": len({"p1", "p2", "p3", "p8", "p9"}), "b": 1, "c": 0}
    assert found["n_categories"].to_dict() == {"a": len({"tea"}), "b": 1, "c": 0}
    assert found["quantity"].to_dict() == {"a": 1 + 2 + 1 + 4 + 1 + 1 + 1, "b": 3, "c": 0}
    assert found["net_revenue"].to_dict() == {"a": 500 + 900 + 100 + 40 + 7 + 7, "b": 30, "c": 0}
    assert found["cost_of_goods"].fillna(-1).to_dict() == {"a": -1, "b": 21, "c": -1}  # of o2 it is not known


def test_categories_are_counted_exactly_however_many_there_are(drawn):
    many = 2 * frames._BITS + 3
    goods = "\n".join(f"p{i} | c{i % (many - 1)}" for i in range(many))  # two articles of c0
    lines = "\n".join(f"o{1 + (i == 1)} | {i} | p{i} | 1" for i in range(many))
    frame = drawn(
        customers=CUSTOMERS,
        products=f"product_id | category\n--\n{goods}",
        orders="""
            order_id | customer_id | ordered_at
            -----------------------------------
            o1       | a           | 05-10
            o2       | b           | 05-10
            """,
        order_lines=f"order_id | line_no | product_id | quantity_ordered\n--\n{lines}",
    )
    known = frame("known")
    found = known.warehouse.backend.to_pyarrow(known.breadth()).to_pandas().set_index("customer_id")
    assert found["n_categories"].to_dict() == {"a": many - 2, "b": 1}
    assert found["n_products"].to_dict() == {"a": many - 1, "b": 1}
    assert found["net_revenue"].isna().all()  # not brought


def test_an_answer_is_not_known_before_its_order(drawn):
    frame = drawn(
        customers=CUSTOMERS,
        order_lines=LINES,
        orders="""
            order_id | customer_id | ordered_at
            -----------------------------------
            o1       | a           | 05-01
            o2       | a           | 06-25
            """,
        deliveries="""
            delivery_id | order_id | delivered_at | promised_by
            ----------------------------------------------------
            d1          | o1       | 05-04        | 05-05
            """,
        surveys="""
            response_id | item      | customer_id | order_id | invited_at | answered_at | score | scale
            ---------------------------------------------------------------------------------------------
            r1          | recommend | a           | o1       | 05-06      | 05-07       | 9     | nps_0_10
            r2          | recommend | a           | o2       | 05-06      | 05-07       | 8     | nps_0_10
            r3          | recommend | a           |          | 05-06      | 05-07       | 7     | nps_0_10
            r4          | recommend | a           | o1       | 05-06      |             | 6     | nps_0_10
            r5          | recommend | a           | o1       | 05-30      |             | 5     | nps_0_10
            r6          | recommend | a           | o1       | 05-06      | 06-22       | 4     | nps_0_10
            r7          | recommend | a           | o1       | 05-06      |             |       | nps_0_10
            """,
    )
    scores = frame("invitations").dropna(subset=["score"]).set_index("response_id")
    # r2: its order comes after 22 June. r4: lost time, 6 May + 30 days is known; r5: 30 May + 30 days is not.
    assert scores["score"].to_dict() == {"r1": 9, "r3": 7, "r4": 6}
    assert scores["exposure"].to_dict() == {"r1": "in_time", "r3": "no_order", "r4": "in_time"}


def test_what_an_answer_is_adjusted_for_was_known_when_its_order_was_placed(drawn):
    frame = drawn(
        customers=CUSTOMERS,
        products="""
            product_id | category
            ---------------------
            p1         | glass
            p2         | wine
            """,
        orders="""
            order_id | customer_id | ordered_at | rush
            ------------------------------------------
            o1       | a           | 04-01      | false
            o2       | a           | 04-10      | false
            o3       | a           | 05-01      | true
            o4       | a           | 05-03      | false
            o5       | b           | 04-01      | false
            """,
        order_lines="""
            order_id | line_no | product_id | quantity_ordered | net_revenue
            ----------------------------------------------------------------
            o3       | 1       | p1         | 2                | 300
            o3       | 2       | p2         | 5                | 400
            """,
        deliveries="""
            delivery_id | order_id | delivered_at | promised_by
            ----------------------------------------------------
            d1          | o1       | 04-08        | 04-05
            d2          | o2       | 05-02        | 04-20
            d3          | o3       | 05-10        | 05-08
            d4          | o4       | 05-20        | 05-06
            d5          | o5       | 04-08        | 04-05
            """,
        surveys="""
            response_id | item      | customer_id | order_id | invited_at | answered_at | score | scale
            ---------------------------------------------------------------------------------------------
            r1          | recommend | a           | o3       | 05-09      | 05-12       | 9     | nps_0_10
            r2          | recommend | a           | o4       | 05-05      | 05-07       | 8     | nps_0_10
            """,
    )
    asked = frame("invitations").set_index("response_id")
    names = ["rush", "category", "n_lines", "quantity", "net_revenue", "orders_before", "late_before"]
    # On 1 May o1 had come late and o2 was overdue since 20 April; the promise of o3 fell due after 3 May.
    assert asked.loc["r1", names].tolist() == [True, "wine", 2, 7, 700, 2, 2]
    assert asked.loc["r2", ["orders_before", "late_before"]].tolist() == [3, 2]
    # One day over the promise when invited; one day before it.
    assert asked["delay_s"].tolist() == [86_400, -86_400]
    assert asked["late_s"].tolist() == [86_400, 0]


def test_the_period_before_is_told_as_its_own_pack_told_it(tiny, made, tmp_path):
    own = frames.materialise(tiny, tiny.period(PERIOD), ["earlier_invitations"], tmp_path)["earlier_invitations"]
    before = frames.materialise(tiny, tiny.period(company.previous(PERIOD)), ["invitations"], tmp_path)["invitations"]
    assert own.digest == before.digest
    assert own.rows > 0


def test_a_cause_declared_after_the_first_day_says_so(tiny, tmp_path):
    causes = [
        company.Cause(treatment=name, covariates=("segment", "rush"), valid_from=date.fromisoformat(day))
        for name, day in (("late", "2026-07-01"), ("damaged", "2026-07-02"))
    ]
    declared = replace(tiny, settings=tiny.settings.model_copy(update={"causes": tuple(causes)}))
    found = frames.read(frames.materialise(declared, tiny.period("2026Q3"), ["causes"], tmp_path)["causes"].path)
    assert found[["treatment", "covariate", "declared_later"]].values.tolist() == [
        ["late", "rush", False],
        ["late", "segment", False],
        ["damaged", "rush", True],
        ["damaged", "segment", True],
    ]


def test_a_cause_that_was_told_and_withdrawn_is_not_forgotten(tiny, tmp_path):
    told = pd.DataFrame(
        {"figure_id": ["nps", "nps_lost_cause_late", "nps_lost_cause_damaged"], "value": [40, -3, -1.0]}
    )
    folder = tmp_path / "reports" / "sample" / "2026Q1" / "r2"
    folder.mkdir(parents=True)
    told.assign(low=-5.0, high=-1.0).to_parquet(folder / "figures.parquet")
    (tmp_path / "data").symlink_to(tiny.home / "data")
    late = company.Cause(treatment="late", covariates=("segment",), valid_from=date(2024, 7, 1))
    declared = replace(tiny, home=tmp_path, settings=tiny.settings.model_copy(update={"causes": (late,)}))
    kept = frames.materialise(declared, tiny.period(PERIOD), ["withdrawn_causes"], tmp_path / "frames")
    assert frames.read(kept["withdrawn_causes"].path).values.tolist() == [["damaged", "2026Q1", "r2", -1, -5, -1]]


DECISIONS = """
decisions:
  - name: another carrier
    starts: 2026-05-10
    where: { region: [n], fulfilment: [home_delivery] }
    among: { fulfilment: [home_delivery] }
  - { name: too old, starts: 2025-01-01, where: { region: [n] } }
  - { name: still to come, starts: 2026-06-01, where: { region: [n] } }
"""


def test_orders_around_a_decision_are_told_by_span_and_place(drawn, tmp_path):
    frame = drawn(
        customers="""
            customer_id | region
            --------------------
            a           | n
            b           | s
            """,
        orders="""
            order_id | customer_id | ordered_at | fulfilment    | cancelled_at
            ------------------------------------------------------------------
            o0       | a           | 03-28      | home_delivery |
            o1       | a           | 03-29      | home_delivery |
            o2       | a           | 04-19      | home_delivery |
            o3       | b           | 05-09      | home_delivery |
            o4       | a           | 05-10      | home_delivery |
            o5       | b           | 05-31      | home_delivery |
            o6       | a           | 05-31      | curbside      |
            o7       | a           | 05-20      | home_delivery | 05-21
            o8       | a           | 05-20      | home_delivery |
            o9       | a           | 06-01      | home_delivery |
            """,
        deliveries="""
            delivery_id | order_id | delivered_at | promised_by
            ---------------------------------------------------
            d0          | o0       | 04-02        | 04-01
            d1          | o1       | 04-02        | 04-01
            d2          | o2       | 04-20        | 04-21
            d3          | o3       | 05-12        | 05-11
            d4          | o4       | 05-11        | 05-11
            d5          | o5       |              | 06-02
            d6          | o6       | 05-31        | 05-31
            d7          | o7       |              | 05-31
            d8          | o8       |              | 06-22
            d9          | o9       | 06-02        | 06-03
            """,
        surveys="""
            response_id | item      | customer_id | order_id | invited_at | answered_at | score | scale
            ---------------------------------------------------------------------------------------------
            r1          | recommend | a           | o4       | 05-12      | 05-13       | 9     | nps_0_10
            r2          | product   | b           | o3       | 05-12      | 05-13       | 2     | nps_0_10
            """,
    )
    assert frame("decided").empty
    folder = tmp_path / "params" / "drawn"
    folder.mkdir(parents=True)
    (folder / "decisions.yaml").write_text(DECISIONS)
    found = frame("decided").set_index("order_id")
    # 10 to 31 May are 22 days; 18 April and 27 March are 22 and 44 before. o6: not among; o8: not due by 22 June.
    assert found["span"].to_dict() == {
        "o0": "placebo", "o1": "placebo", "o2": "before", "o3": "before", "o4": "after", "o5": "after"
    }  # fmt: skip
    assert found["inside"].to_dict() == {"o0": True, "o1": True, "o2": True, "o3": False, "o4": True, "o5": False}
    assert found["late"].to_dict() == {"o0": True, "o1": True, "o2": False, "o3": True, "o4": False, "o5": True}
    assert found["score"].dropna().to_dict() == {"o4": 9}
    assert found["name"].unique().tolist() == ["another carrier"]


def test_worth_counts_what_was_bought_around_an_answer_whose_days_have_ended(drawn):
    frame = drawn(
        customers=CUSTOMERS,
        orders="""
            order_id | customer_id | ordered_at | cancelled_at
            ---------------------------------------------------
            o0       | a           | 03-01      |
            o1       | a           | 04-01      |
            o2       | a           | 04-20      |
            o3       | a           | 05-03      |
            o4       | a           | 05-05      |
            o5       | a           | 04-21      | 04-22
            o6       | b           | 04-02      |
            """,
        order_lines="""
            order_id | line_no | quantity_ordered | net_revenue | cost_of_goods
            -------------------------------------------------------------------
            o0       | 1       | 1                | 1           | 1
            o1       | 1       | 1                | 100         | 60
            o2       | 1       | 1                | 200         | 150
            o3       | 1       | 1                | 400         |
            o4       | 1       | 1                | 800         | 1
            o5       | 1       | 1                | 1600        | 1
            o6       | 1       | 1                | 3200        | 3000
            """,
        surveys="""
            response_id | item      | customer_id | order_id | invited_at | answered_at | score | scale
            ---------------------------------------------------------------------------------------------
            r1          | recommend | a           | o1       | 04-03      | 04-04       | 9     | nps_0_10
            r2          | recommend | b           | o6       | 04-03      | 04-03       | 2     | nps_0_10
            r3          | recommend | b           | o6       | 05-03      | 05-04       | 2     | nps_0_10
            r4          | product   | b           | o6       | 04-03      | 04-04       | 2     | nps_0_10
            """,
    )
    found = frame("follow_up").set_index("response_id")
    # Thirty days of April: from 4 April to 4 May, o2 and o3; o4 came on 5 May, o5 was cancelled; o3 hides the margin.
    columns = ["days", "orders_to", "revenue_to", "margin_to", "orders_after", "revenue_after"]
    assert found.loc["r1", columns].tolist() == [30, 1, 100, 40, 2, 600]
    assert pd.isna(found.loc["r1", "margin_after"])
    assert found.loc["r2", [*columns, "margin_after"]].tolist() == [30, 1, 3200, 200, 0, 0, 0]
    assert sorted(found.index) == ["r1", "r2"]  # r3 is of this period; r4 no recommendation


def test_an_order_is_perfect_when_every_line_is(drawn):
    frame = drawn(
        customers=CUSTOMERS,
        orders="""
            order_id | customer_id | ordered_at
            -----------------------------------
            o1       | a           | 05-01
            o2       | a           | 05-01
            o3       | b           | 05-01
            o4       | b           | 05-01
            """,
        order_lines="""
            order_id | line_no | quantity_ordered
            -------------------------------------
            o1       | 1       | 5
            o1       | 2       | 5
            o2       | 1       | 5
            o2       | 2       | 5
            o3       | 1       | 5
            o4       | 1       | 5
            """,
        deliveries="""
            delivery_id | order_id | delivered_at | promised_from | promised_by | carrier | documents_ok
            --------------------------------------------------------------------------------------------
            d1          | o1       | 05-03        | 05-04         | 05-05       | x       | true
            d2          | o2       | 05-06        |               | 05-05       | x       | true
            d3          | o2       | 05-04        |               | 05-05       | y       |
            d4          | o3       | 06-30        |               | 05-05       | x       |
            d5          | o4       | 05-05        | 05-04         | 05-05       | x       | false
            """,
        delivery_lines="""
            delivery_id | order_id | line_no | quantity_delivered | damaged
            ---------------------------------------------------------------
            d1          | o1       | 1       | 9                  | 0
            d1          | o1       | 2       | 5                  | 1
            d2          | o2       | 1       | 5                  |
            d3          | o2       | 2       | 4                  |
            d4          | o3       | 1       | 5                  |
            d5          | o4       | 1       | 5                  |
            """,
    )
    orders = frame("order_service").set_index("order_id")
    names = ["n_lines", "n_lines_in_full", "n_lines_perfect", "quantity_ordered", "quantity_delivered"]
    # o1: nine pieces for five are five, one line is damaged. o2: line 1 late, line 2 one short. o3 comes after 22 June.
    # o4: wrong papers.
    assert orders.loc["o1", names].tolist() == [2, 2, 1, 10, 10]
    assert orders.loc["o2", names].tolist() == [2, 1, 0, 10, 9]
    assert orders.loc["o3", names].tolist() == [1, 0, 0, 5, 0]
    assert orders.loc["o4", names].tolist() == [1, 1, 0, 5, 5]
    assert orders["carrier"].to_dict() == {"o1": "x", "o2": "(several)", "o3": "x", "o4": "x"}
    assert orders["early"].isna().to_dict() == {"o1": False, "o2": True, "o3": True, "o4": False}
    assert orders["early"].dropna().to_dict() == {"o1": True, "o4": False}
    assert orders.loc["o1", "cycle_s"] == 2 * 86_400


OVERDUE = {
    "customers": CUSTOMERS,
    "orders": """
        order_id | customer_id | ordered_at
        -----------------------------------
        o1       | a           | 05-01
        o2       | a           | 05-01
        o3       | b           | 05-01
        o4       | b           | 05-01
        """,
    "order_lines": """
        order_id | line_no | quantity_ordered
        -------------------------------------
        o1       | 1       | 5
        o2       | 1       | 5
        o3       | 1       | 5
        o4       | 1       | 5
        """,
    "deliveries": """
        delivery_id | order_id | delivered_at | promised_by
        ---------------------------------------------------
        d1          | o1       | 05-03        | 05-05
        d2          | o1       | 06-30        |
        d3          | o2       |              | 05-05
        d4          | o3       | 05-03        | 05-05
        d5          | o4       | 05-03        | 05-05
        d6          | o4       | 05-03        | 05-05
        """,
}
TOLD = """
    delivery_id | order_id | line_no | quantity_delivered | damaged
    ---------------------------------------------------------------
    d1          | o1       | 1       | 5                  | 0
    d5          | o4       | 1       | 5                  | 0
    """


def test_lines_of_a_shipment_still_to_come_say_nothing_today(drawn, tmp_path):
    later = """d2 | o1 | 1 | 1 | 1
    d3 | o2 | 1 | 5 | 0
    """
    names = ["n_lines", "n_lines_in_full", "n_lines_perfect", "quantity_ordered", "quantity_delivered"]
    found = drawn(**OVERDUE, delivery_lines=TOLD)("order_service").set_index("order_id")[names]
    assert found.loc["o1"].tolist() == [1, 1, 1, 5, 5]
    assert found.loc["o2"].tolist() == [1, 0, 0, 5, 0]  # overdue: that nothing is there is known
    assert found.loc[["o3", "o4"]].isna().all(axis=None)  # a shipment arrived of which nobody wrote what was in it
    shutil.rmtree(tmp_path / "data")
    again = drawn(**OVERDUE, delivery_lines=TOLD + later)("order_service").set_index("order_id")[names]
    pd.testing.assert_frame_equal(found, again)


def test_without_delivery_lines_nothing_is_said_of_them(drawn):
    sent = """
        delivery_id | order_id | delivered_at | promised_by
        ----------------------------------------------------
        d1          | o1       | 05-04        | 05-05
        """
    placed = """
        order_id | customer_id | ordered_at
        -----------------------------------
        o1       | a           | 05-01
        """
    frame = drawn(customers=CUSTOMERS, order_lines=LINES, orders=placed, deliveries=sent + "d2 | o1 |  | 05-05")
    assert frame("order_service")[["n_lines", "n_lines_perfect", "quantity_delivered"]].isna().all(axis=None)
    assert frame("supplier_service").empty


def test_an_order_is_received_in_a_window_when_every_arrival_is(drawn):
    frame = drawn(
        customers=CUSTOMERS,
        orders="""
            order_id | customer_id | ordered_at
            -----------------------------------
            o1       | a           | 05-01
            o2       | a           | 05-02
            o3       | a           | 05-03
            o4       | b           | 05-03
            o5       | a           | 05-03
            """,
        deliveries="""
            delivery_id | order_id | delivered_at | promised_by
            ---------------------------------------------------
            d1          | o1       | 05-04T09     | 05-05T00
            d2          | o1       | 05-04T12     | 05-05T00
            d3          | o2       | 05-04T09     | 05-05T00
            d4          | o2       | 05-05T09     | 05-05T00
            d5          | o3       | 05-11T09     | 05-05T00
            d6          | o4       | 05-04T09     | 05-05T00
            d7          | o5       |              | 05-05T00
            """,
        receiving_windows="""
            customer_id | weekday | opens | closes | valid_from | valid_to
            --------------------------------------------------------------
            a           | monday  | 08:00 | 10:00  |            | 05-10
            a           | monday  | 11:00 | 12:00  |            | 05-10
            a           | monday  | 14:00 | 15:00  | 05-10      |
            """,
    )
    found = frame("order_service").set_index("order_id")["in_window"]
    # 4 May is a Monday: d1 and d2 in two windows; d4 on a Tuesday; d5 a week on, when nine o'clock was none any more
    assert found[["o1", "o2", "o3"]].tolist() == [True, False, False]
    assert found[["o4", "o5"]].isna().all()  # no window on record; nothing has arrived


def test_ways_know_who_is_new_and_who_came_another_way(drawn):
    frame = drawn(
        customers=CUSTOMERS,
        order_lines=LINES,
        orders="""
            order_id | customer_id | ordered_at | cancelled_at | fulfilment
            ---------------------------------------------------------------
            o0       | a           | 03-01      |              | in_store
            o1       | a           | 04-10      |              | in_store
            o2       | a           | 05-02      |              | in_store
            o3       | a           | 05-03      |              | curbside
            o4       | b           | 05-03      |              | curbside
            o5       | b           | 05-04      | 05-05        | curbside
            o6       | b           | 06-04      |              | curbside
            """,
    )
    found = frame("ways").set_index("order_id")
    assert found["in_period"].to_dict() == {"o1": False, "o2": True, "o3": True, "o4": True}
    assert found["known_before"].to_dict() == {"o1": True, "o2": True, "o3": True, "o4": False}
    assert found["way_before"].to_dict() == {"o1": True, "o2": True, "o3": False, "o4": False}
    assert found.loc["o1", "net_revenue"] == 750


def test_supplies_are_judged_by_what_was_promised_and_known(drawn):
    frame = drawn(
        sites="""
            site_id | kind
            -------------------
            w       | warehouse
            """,
        supplier_receipts="""
            purchase_order_id | line_no | supplier_id | ordered_at | promised_at | received_at | quantity_ordered | quantity_received
            -------------------------------------------------------------------------------------------------------------------------
            p1                | 1       | s           | 05-01      | 05-05       | 05-04       | 6                | 6
            p2                | 1       | w           | 05-01      | 05-05       | 06-30       | 6                | 6
            p3                | 1       | s           | 02-01      | 03-05       | 03-06       | 6                | 5
            p4                | 1       | s           | 01-01      | 01-05       | 01-05       | 6                | 5
            """,  # noqa: E501
    )
    found = frame("supplier_service").set_index("purchase_order_id")
    assert found["in_period"].to_dict() == {"p1": True, "p2": True, "p3": False}  # p4: more than 93 days before May
    assert found["late"].to_dict() == {"p1": False, "p2": True, "p3": True}
    assert found["received"].to_dict() == {"p1": True, "p2": False, "p3": True}
    assert found["quantity_received"].to_dict() == {"p1": 6, "p2": 0, "p3": 5}
    assert found["own"].to_dict() == {"p1": False, "p2": True, "p3": False}
    assert found.loc["p2", "lead_s"] == 52 * 86_400  # as far as 22 June


def test_what_came_and_was_not_counted_has_no_quantity(drawn):
    frame = drawn(
        supplier_receipts="""
            purchase_order_id | line_no | supplier_id | ordered_at | promised_at | received_at | quantity_ordered | quantity_received
            -------------------------------------------------------------------------------------------------------------------------
            p1                | 1       | s           | 05-01      | 05-05       | 05-04       | 6                |
            p2                | 1       | s           | 05-01      | 05-05       |             | 6                |
            """,  # noqa: E501
    )
    found = frame("supplier_service").set_index("purchase_order_id")["quantity_received"]
    assert found.isna().to_dict() == {"p1": True, "p2": False}
    assert found["p2"] == 0


def test_promises_are_typed_and_stand_in_the_order_of_their_file(tiny, tmp_path):
    found = frames.read(frames.materialise(tiny, tiny.period(PERIOD), ["promises"], tmp_path)["promises"].path)
    assert found["measure"].tolist() == ["on_time", "on_time", "otif", "line_fill", "nps", "nps"]
    assert found.loc[3, ["segment", "felt", "felt_at_least"]].tolist() == ["", "", 0.5]
    assert found["at_least"].tolist() == [0.92, 0.95, 0.75, 0.96, 30, 40]


def test_a_promise_of_something_unknown_is_refused_with_its_place(drawn, tmp_path):
    frame = drawn(customers=CUSTOMERS)
    folder = tmp_path / "params" / "drawn"
    folder.mkdir(parents=True)
    (folder / "targets.yaml").write_text("promises:\n  - { measure: speed, at_least: 1.0 }\n")
    with pytest.raises(ParamsError) as refused:
        frame("promises")
    assert str(refused.value) == (
        f"{folder / 'targets.yaml'}, line 2: 'promises.0.measure': expected 'on_time', 'in_full', 'otif', 'perfect', "
        "'line_fill', 'unit_fill' or 'nps', found str 'speed'."
    )


def _bought(tables, known_on, end, first=None):
    """Orders not cancelled by then, placed before ``end`` (and from ``first`` on), with their revenue."""
    orders = _known(tables, "orders", known_on)
    orders = orders[orders["cancelled_at"].isna() & (orders["ordered_at"] < end)]
    revenue = tables["order_lines"].groupby("order_id")["net_revenue"].sum().rename("revenue")
    orders = orders.join(revenue, on="order_id")
    return orders if first is None else orders[orders["ordered_at"] >= first]


def _refused(tables, found):
    """Pseudonyms of frames of who refused profiling."""
    spans = (
        tables["customers"].sort_values("valid_from", na_position="first").drop_duplicates("customer_id", keep="last")
    )
    key = hashlib.sha256(b"frames" + found.pseudonym_key()).digest()
    return {company.pseudonym(who, key) for who in spans.loc[spans["profiling_consent"] == False, "customer_id"]}  # noqa: E712


def test_tastes_are_sums_of_a_year_by_half_and_trait(tiny, tables, made):
    period = tiny.period(PERIOD)
    first = period.end - timedelta(weeks=52)
    orders = _bought(tables, period.as_of, period.end, first)
    key = hashlib.sha256(b"frames" + tiny.pseudonym_key()).digest()
    orders["who"] = [company.pseudonym(who, key) for who in orders["customer_id"]]
    orders = orders[~orders["who"].isin(_refused(tables, tiny))]
    day = orders["ordered_at"].dt.tz_convert(tiny.settings.zone)
    week = (pd.to_datetime(day.dt.date) - pd.Timestamp(first.date())).dt.days // 7
    orders["half"] = np.where(week % 2 == 0, "even", "odd")
    lines = tables["order_lines"].merge(orders[["order_id", "who", "half"]], on="order_id")
    goods = tables["products"].set_index("product_id")
    tastes = made["tastes"].astype({"amount": "int64"})

    def sums(block, trait):
        rows = tastes[(tastes["block"] == block) & (tastes["trait"] == trait)]
        return rows.set_index(["customer_id", "half"])["amount"].to_dict()

    cheese = lines[lines["product_id"].map(goods["category"]) == "cheese"]
    assert sums("category", "cheese") == cheese.groupby(["who", "half"])["net_revenue"].sum().to_dict()
    organic = goods["attributes"].map(lambda told: isinstance(told, str) and json.loads(told).get("organic") is True)
    organic = lines[lines["product_id"].map(organic)]
    assert sums("attribute", "organic") == organic.groupby(["who", "half"])["net_revenue"].sum().to_dict()
    evening = (day.dt.hour >= 18) & (day.dt.day_of_week >= 5)
    assert sums("time", "weekend evening") == orders[evening].groupby(["who", "half"]).size().to_dict()
    assert sums("basket", "n_lines") == lines.groupby(["who", "half"]).size().to_dict()
    assert sums("promotion", "answers a campaign") == (
        orders[orders["campaign_id"].notna()].groupby(["who", "half"]).size().to_dict()
    )


def test_wishes_are_valued_by_a_line_of_the_article(tiny, tables, made):
    period = tiny.period(PERIOD)
    wishes = tables["shopping_intents"]
    inside = wishes[(wishes["occurred_at"] >= period.start) & (wishes["occurred_at"] < period.end)]
    found = made["wishes"].set_index("intent_id")
    inside = inside.set_index("intent_id").loc[found.index]
    assert len(found) == len(inside) > 100
    assert (found["item"] == inside["product_id"].fillna(inside["term"])).all()
    year = _bought(tables, period.as_of, period.end, period.end - timedelta(weeks=52))
    lines = tables["order_lines"][tables["order_lines"]["order_id"].isin(year["order_id"])]
    value = lines.groupby("product_id")["net_revenue"].agg(["sum", "count"])
    value = (value["sum"] + value["count"] // 2) // value["count"]
    expected = inside["product_id"].map(value)
    assert (found["value"].isna() == expected.isna()).all()
    assert (found["value"].dropna() == expected.dropna()).all()
    assert inside["customer_id"].isna().any()
    who = inside["customer_id"].fillna(pd.Series(inside.index, inside.index))
    assert found.groupby("person").size().sort_values().tolist() == who.value_counts().sort_values().tolist()
    assert not set(found["person"]) & set(who)  # pseudonyms


def test_short_lines_hold_what_arrived_of_each_line(tiny, tables, made):
    period = tiny.period(PERIOD)
    orders = _bought(tables, period.as_of, period.end, period.start)
    arrived = _known(tables, "deliveries", period.as_of).dropna(subset="delivered_at")["delivery_id"]
    parts = tables["delivery_lines"][tables["delivery_lines"]["delivery_id"].isin(arrived)]
    lines = tables["order_lines"]
    lines = lines[lines["order_id"].isin(parts["order_id"]) & lines["order_id"].isin(orders["order_id"])]
    came = parts.groupby(["order_id", "line_no"])["quantity_delivered"].sum()
    lines = lines.set_index(["order_id", "line_no"]).sort_index()
    expected = came.reindex(lines.index).fillna(0).clip(upper=lines["quantity_ordered"])
    found = made["short_lines"].set_index(["order_id", "line_no"]).sort_index()
    assert list(found.index) == list(lines.index)
    assert found["quantity_delivered"].tolist() == expected.tolist()
    assert (found["quantity_delivered"] < found["quantity_ordered"]).any()


def test_campaign_reach_counts_orders_around_the_contact(tiny, tables, made):
    period, days = tiny.period(PERIOD), timedelta
    told = tables["campaign_contacts"]
    told = told[(told["contacted_at"] >= period.end - days(weeks=52)) & (told["contacted_at"] < period.end)]
    told = told[told["contacted_at"] + days(28) < period.as_of]
    orders = _bought(tables, period.as_of, period.as_of)
    pairs = told.merge(orders[["customer_id", "ordered_at", "revenue"]], on="customer_id", how="left")
    gap = pairs["ordered_at"] - pairs["contacted_at"]
    after, before = (gap >= days(0)) & (gap < days(28)), (gap < days(0)) & (gap >= days(-91))
    counted = pairs.assign(after=after, before=before, revenue=pairs["revenue"].where(after, 0))
    key = hashlib.sha256(b"frames" + tiny.pseudonym_key()).digest()
    counted["customer_id"] = [company.pseudonym(who, key) for who in counted["customer_id"]]
    counted = counted[~counted["customer_id"].isin(_refused(tables, tiny))]
    expected = counted.groupby(["campaign_id", "customer_id"])[["before", "after", "revenue"]].sum()
    found = made["campaign_reach"].set_index(["campaign_id", "customer_id"]).sort_index()
    columns = ["orders_before", "orders_after", "revenue_after"]
    assert found[columns].astype("int64").values.tolist() == expected.astype("int64").values.tolist()
    uses = found.reset_index().drop_duplicates("campaign_id").set_index("campaign_id")["use"]
    plans = tables["campaigns"].sort_values(["starts_on", "campaign_id"])
    expected = plans.groupby("template_id").cumcount().add(1).set_axis(plans["campaign_id"])
    assert uses.to_dict() == expected[uses.index].to_dict()


def test_lifetimes_count_days_with_purchases(tiny, tables, made):
    period = tiny.period(PERIOD)
    orders = _bought(tables, period.as_of, period.end)
    orders["day"] = pd.to_datetime(orders["ordered_at"].dt.tz_convert(tiny.settings.zone).dt.date)
    key = hashlib.sha256(b"frames" + tiny.pseudonym_key()).digest()
    orders["who"] = [company.pseudonym(who, key) for who in orders["customer_id"]]
    days = orders.groupby(["who", "day"])["revenue"].sum().reset_index()
    end = pd.Timestamp(period.end.date())
    then = end - timedelta(weeks=52)
    found = made["lifetimes"].set_index("customer_id")
    assert len(found) == days["who"].nunique()
    for who, own in list(days.groupby("who"))[:80]:
        row, old = found.loc[who], own[own["day"] < then]
        assert row["repeats"] == len(own) - 1
        assert row["last"] == (own["day"].max() - own["day"].min()).days / 7
        assert row["age"] == (end - own["day"].min()).days / 7
        assert row["spend"] == own["revenue"].iloc[1:].sum()
        assert pd.isna(row["repeats_then"]) == old.empty
        if len(old):
            assert row["repeats_then"] == len(old) - 1
            assert row["repeats_since"] == len(own) - len(old)
            assert row["age_then"] == (then - own["day"].min()).days / 7


def test_accounts_are_under_agreement_for_a_part_of_the_year(tiny, tables, made):
    period = tiny.period(PERIOD)
    begin, year = period.end - timedelta(weeks=52), timedelta(days=365.25)
    terms = _known(tables, "agreements", period.as_of)
    orders = _bought(tables, period.as_of, period.end, begin)
    key = hashlib.sha256(b"frames" + tiny.pseudonym_key()).digest()
    found, n = made["accounts"].set_index("customer_id"), 0
    for who, own in terms.groupby("customer_id"):
        start, stop = own["valid_from"].min(), own["valid_to"].max() if own["valid_to"].notna().all() else period.end
        if start >= period.end or stop <= begin:
            continue
        n, row = n + 1, found.loc[company.pseudonym(who, key)]
        assert row["ended"] == (stop < period.end)
        assert row["entered"] == pytest.approx(max((begin - start) / year, 0))
        assert row["exposure"] == pytest.approx((min(stop, period.end) - max(start, begin)) / year)
        assert row["revenue"] == orders.loc[orders["customer_id"] == who, "revenue"].sum()
    assert n == len(found) > 10
    assert found["ended"].any()


def test_tastes_of_the_year_before_are_those_of_a_period_that_ended_then(tiny, made, tmp_path):
    end = tiny.period(PERIOD).end - timedelta(weeks=52)
    then = replace(tiny.period(PERIOD), end=end)
    kept = frames.materialise(tiny, then, ["tastes"], tmp_path)["tastes"]
    keys = ["customer_id", "half", "block", "trait"]
    was, found = (rows.set_index(keys)["amount"] for rows in (frames.read(kept.path), made["tastes_before"]))
    pd.testing.assert_series_equal(was, found)


def test_spans_of_stock_hold_what_was_sold_between_two_counts(tiny, tables, made):
    period = tiny.period(PERIOD)
    counts = tables["stock_levels"].sort_values(["site_id", "product_id", "day"])
    counts["day"] = pd.to_datetime(counts["day"])
    first, last = pd.Timestamp(period.start.date()), pd.Timestamp(period.end.date())
    counts = counts[(counts["day"] >= first) & (counts["day"] < last)]
    then = counts.groupby(["site_id", "product_id"])[["day", "on_hand"]].shift(-1)
    spans = counts.assign(end=then["day"], left=then["on_hand"]).dropna(subset=["end"])
    spans = spans[(spans["on_hand"] > 0) | (spans["left"] == 0)]
    keys = ["site_id", "product_id"]
    spans = spans[(spans["left"] == 0).groupby([spans[key] for key in keys]).transform("any")]
    found = made["stock_spans"]
    assert len(found) == len(spans) > 10
    orders = _bought(tables, period.as_of, period.end, period.start)
    lines = tables["order_lines"].merge(orders[["order_id", "site_id", "ordered_at"]], on="order_id")
    lines["on"] = pd.to_datetime(lines["ordered_at"].dt.tz_convert("Europe/Amsterdam").dt.date)
    both = spans.merge(lines, on=keys)
    both = both[(both["on"] > both["day"]) & (both["on"] <= both["end"])]
    sold = both.groupby([*keys, "day"])["quantity_ordered"].sum()
    found = found.assign(day=pd.to_datetime(found["day"])).set_index([*keys, "day"])
    assert found["sold"].sum() == sold.sum() > 0
    assert (found["sold"] == sold.reindex(found.index).fillna(0)).all()
    spans = spans.set_index([*keys, "day"]).loc[found.index]
    assert (found["stocked_out"] == (spans["left"] == 0)).all()
    assert (found["days"] == 7).all()
    lines = lines.dropna(subset=["cost_of_goods"])
    sums = (
        lines.groupby("product_id")[["cost_of_goods", "quantity_ordered"]]
        .sum()
        .reindex(found.index.get_level_values(1))
    )
    assert (found["goods"].to_numpy() == sums["cost_of_goods"].fillna(0).to_numpy()).all()
    assert (found["pieces"].to_numpy() == sums["quantity_ordered"].fillna(0).to_numpy()).all()


def test_a_kept_frame_is_named_by_its_values_until_somebody_changes_it(tmp_path):
    made = SimpleNamespace(data=tmp_path, name="acme")
    for coded in (False, True):
        table = pa.table({"customer_id": ["a", None, "b"], "n": pa.array([1, None, 3], pa.int64())})
        table = frames._coded(table) if coded else table
        kept = frames._store("work" if coded else "orders", table, ("customer_id",), tmp_path, made)
        assert frames.digest_of(kept.path) == kept.digest == kept.path.stem
    pd.read_parquet(kept.path).assign(n=4).to_parquet(kept.path)
    assert frames.digest_of(kept.path) != kept.digest
    kept.path.write_bytes(b"no parquet")
    assert frames.digest_of(kept.path) == ""


def test_a_reader_keeps_what_frames_share_until_params_or_data_change(tiny, monkeypatch):
    monkeypatch.chdir(tiny.home)
    begun = []
    monkeypatch.setattr(frames, "Warehouse", lambda found: begun.append(found.name) or warehouse.Warehouse(found))
    frame = frames.reader("sample", PERIOD)
    assert len(frame("orders")) > len(frame("row_account")) > 0
    assert begun == ["sample"]
    targets = tiny.params / "targets.yaml"
    os.utime(targets, ns=(0, targets.stat().st_mtime_ns + 10**9))
    assert len(frame("promises")) > 0
    assert begun == ["sample"] * 2


@pytest.mark.parametrize("name", ALL)
def test_a_frame_says_what_its_columns_are(made, name):
    told = inspect.getdoc(getattr(frames.Known, name))
    told += " ".join(
        inspect.getdoc(getattr(frames.Known, other)) for other in re.findall(r"columns of ``(\w+)``", told)
    )
    assert [column for column in made[name] if not re.search(rf"\b{column}\b", told)] == []

"""Do the frames of service strategy say what the contract tables say? Restated in pandas on the tiny sample company."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from toolkit import cli, company, frames, replay
from toolkit.company import pseudonym
from toolkit.errors import ParamsError

PERIOD = "2026Q2"
NAMES = ["sent_orders", "sent_work", "delays", "freight_moments", "failure_work", "statuses", "policies", "orders"]


@pytest.fixture(scope="module")
def tiny(tiny_sample):
    return tiny_sample.company


@pytest.fixture(scope="module")
def made(tiny_sample):
    return tiny_sample.frames(PERIOD, NAMES)


@pytest.fixture(scope="module")
def restated(tiny_sample, tiny):
    """Orders of the period and the four before, not cancelled, sent with a promise: in pandas, and their tables."""
    tables = tiny_sample.tables()
    period, first = tiny.period(PERIOD), tiny.period("2025Q2").start
    as_of, zone = pd.Timestamp(period.as_of), tiny.settings.zone
    orders = tables["orders"]
    orders = orders[(orders["ordered_at"] >= first) & (orders["ordered_at"] < period.end)]
    orders = orders[~(orders["cancelled_at"] < as_of)]
    sent = tables["deliveries"]
    sent = sent[sent["order_id"].isin(orders["order_id"]) & ~(sent["shipped_at"] >= as_of)]
    there = sent["delivered_at"].where(sent["delivered_at"] < as_of)
    sent = sent.assign(there=there, late=there.fillna(as_of) > sent["promised_by"])
    by_order = sent.groupby("order_id").agg(
        promised_by=("promised_by", "max"), last=("there", "max"), arrived=("there", lambda x: x.notna().all()),
        late=("late", "any"), carrier=("carrier", lambda x: x.dropna().max() if x.notna().any() else "(none)"),
        site=("from_site_id", lambda x: x.dropna().max() if x.notna().any() else "(none)"),
        n_shipments=("delivery_id", "size"), freight=("freight_cost", "sum"), weight=("weight_g", "sum"),
        far=("distance_m", "max"),
    )  # fmt: skip
    rows = orders.set_index("order_id").join(by_order[by_order["promised_by"].notna()], how="inner")
    until = rows["last"].where(rows["arrived"], as_of)
    hours = np.ceil((until.dt.floor("s") - rows["promised_by"].dt.floor("s")).dt.total_seconds() / 3600)
    rows["delay_h"] = np.where(~rows["arrived"] & ~rows["late"], 0, hours).astype("int64")
    local = rows["ordered_at"].dt.tz_convert(zone)
    rows["hour"], rows["day"] = local.dt.hour, local.dt.date
    rows["own"] = rows["ordered_at"] >= period.start
    return rows, tables, period


def test_sent_orders_equal_their_restatement(made, restated):
    rows = restated[0]
    expected = rows[rows["own"]].sort_index()
    found = made["sent_orders"].set_index("order_id").sort_index()
    assert list(found.index) == list(expected.index)
    assert len(found) > 300
    for name in ("delay_h", "hour", "n_shipments"):
        assert (found[name] == expected[name]).all(), name
    assert (pd.to_datetime(found["day"]).dt.date == expected["day"]).all()
    assert (found["carrier"] == expected["carrier"]).all()
    assert (found["site"] == expected["site"]).all()
    assert found["freight"].sum() == expected["freight"].sum()
    assert ((found["delay_h"] > 0) == expected["late"]).all()


def test_sent_orders_are_orders(made):
    """What stands in both frames is the same in both."""
    both = made["sent_orders"].merge(made["orders"], on="order_id", suffixes=("", "_placed"))
    assert len(both) == len(made["sent_orders"])
    assert not both["cancelled"].any()
    for name in ("segment", "channel", "region", "customer_id", "n_lines", "net_revenue", "weight_g", "distance_m"):
        one, other = both[name], both[f"{name}_placed"]
        assert ((one == other) | (one.isna() & other.isna())).all(), name


def test_contents_are_those_that_arrived(made, restated):
    rows, tables, period = restated
    found = made["sent_orders"].set_index("order_id")
    arrived = tables["deliveries"].loc[tables["deliveries"]["delivered_at"] < pd.Timestamp(period.as_of), "delivery_id"]
    parts = tables["delivery_lines"]
    parts = parts[parts["delivery_id"].isin(arrived)]
    keys = ["order_id", "line_no"]
    lines = tables["order_lines"].set_index(keys)["quantity_ordered"]
    came = parts.groupby(keys)["quantity_delivered"].sum().reindex(lines.index, fill_value=0)
    pieces = came.clip(upper=lines).groupby("order_id").sum()  # more than was ordered makes nothing fuller
    broken = parts.groupby("order_id")["damaged"].sum() > 0
    ordered = lines.groupby("order_id").sum()
    known = found["in_full"].notna()
    assert known.mean() > 0.99
    ids = found.index[known]
    assert (found.loc[ids, "quantity_ordered"] == ordered.reindex(ids)).all()
    assert (found.loc[ids, "quantity_delivered"] == pieces.reindex(ids).fillna(0)).all()
    assert (found.loc[ids, "in_full"].astype(bool) == (pieces.reindex(ids).fillna(0) == ordered.reindex(ids))).all()
    assert (found.loc[ids, "damaged"].astype(bool) == broken.reindex(ids, fill_value=False)).all()


def test_orders_short_of_what_ran_out_are_told(made, restated):
    rows, tables, period = restated
    found = made["sent_orders"].set_index("order_id")
    arrived = tables["deliveries"].loc[tables["deliveries"]["delivered_at"] < pd.Timestamp(period.as_of), "delivery_id"]
    parts, keys = tables["delivery_lines"], ["order_id", "line_no"]
    came = parts[parts["delivery_id"].isin(arrived)].groupby(keys)["quantity_delivered"].sum()
    lines = tables["order_lines"].set_index(keys)
    lines = lines[lines.index.get_level_values(0).isin(found.index[found["in_full"].notna()])]
    lines["came"] = came.reindex(lines.index, fill_value=0).clip(upper=lines["quantity_ordered"])
    lines["site"] = rows["site_id"].reindex(lines.index.get_level_values(0)).to_numpy()
    counts = tables["stock_levels"]
    day = pd.to_datetime(counts["day"]).dt.date
    counts = counts[(day >= period.start.date()) & (day < period.end.date()) & (counts["on_hand"] == 0)]
    gone = pd.MultiIndex.from_frame(counts[["site_id", "product_id"]])
    lines["gone"] = pd.MultiIndex.from_frame(lines[["site", "product_id"]]).isin(gone)
    of = lines[lines["gone"]].groupby("order_id")[["quantity_ordered", "came"]].sum()
    assert len(of) > 5
    assert (found["stocked_ordered"] == of["quantity_ordered"].reindex(found.index).fillna(0)).all()
    assert (found["stocked_delivered"] == of["came"].reindex(found.index).fillna(0)).all()
    short = lines["came"] < lines["quantity_ordered"]
    others = (short & ~lines["gone"]).groupby("order_id").any()
    expected = (short.groupby("order_id").any() & ~others).reindex(of.index).reindex(found.index).fillna(False)
    assert (found["only_stock"] == expected.astype(bool)).all()


def test_windows_are_from_begin_to_end_of_what_was_promised(made, restated):
    sent = restated[1]["deliveries"].groupby("order_id").agg(begin=("promised_from", "min"), end=("promised_by", "max"))
    found = made["sent_orders"].set_index("order_id")
    of = sent.reindex(found.index)
    hours = np.ceil((of["end"].dt.floor("s") - of["begin"].dt.floor("s")).dt.total_seconds() / 3600)
    assert 0 < hours.notna().mean() < 1
    assert (found["window_h"].isna() == hours.isna()).all()
    assert (found["window_h"].dropna() == hours.dropna()).all()


def test_delays_count_every_order_of_five_periods(made, restated):
    rows, _, period = restated
    found = made["delays"]
    assert found["n"].sum() == len(rows)
    days = (pd.to_datetime(rows["day"]) - pd.Timestamp(period.start.date())).dt.days
    keys = rows.assign(week=np.floor(days / 7).astype("int64"), rush=rows["rush"].fillna(False))
    expected = keys.groupby(["week", "fulfilment", "carrier", "site", "rush", "delay_h"]).size()
    mine = found.groupby(["week", "fulfilment", "carrier", "site", "rush", "delay_h"])["n"].sum()
    assert mine.sort_index().tolist() == expected.sort_index().tolist()
    assert found.loc[found["week"] >= 0, "n"].sum() == rows["own"].sum()


def test_freight_moments_are_sums_of_products(made, restated):
    rows = restated[0]
    known = rows[rows["weight"].notna() & rows["far"].notna() & rows["freight"].notna()]
    s, w = known["n_shipments"].astype("int64"), (known["weight"] // 100).astype("int64")
    d, f = s * (known["far"] // 100).astype("int64"), known["freight"].astype("int64")
    found = made["freight_moments"].set_index(["before", "carrier"])
    of = [~known["own"], known["carrier"]]
    for name, product in {"ss": s * s, "sw": s * w, "wf": w * f, "dd": d * d, "df": d * f, "ff": f * f}.items():
        expected = product.groupby(of).sum()
        assert found[name].reindex(expected.index).tolist() == expected.tolist(), name


def test_work_of_sent_orders_and_after_failures_is_all_their_work(made, restated, tiny):
    """Seconds by the time equations of cost.yaml, of activities for these orders known by as_of."""
    rows, tables, period = restated
    rules = frames.Known(tiny, period).cost_rules.activities
    work = tables["activities"]
    work = work[work["order_id"].isin(rows.index) & (work["happened_at"] < pd.Timestamp(period.as_of))]

    def seconds(row) -> int:
        rule, told = rules[row.activity], json.loads(row.drivers or "{}")
        return max(rule.seconds * row.quantity + sum(each * told.get(name, 0) for name, each in rule.per.items()), 0)

    work = work.assign(seconds=[seconds(row) for row in work.itertuples()])
    after = work["activity"].isin(["complaint_handling", "return_handling"])
    own = work["order_id"].isin(rows.index[rows["own"]])
    found = made["sent_work"][made["sent_work"]["order_id"].isin(rows.index)]
    assert found["seconds"].sum() == work.loc[own & ~after, "seconds"].sum()
    failed = made["failure_work"]
    for before in (True, False):
        expected = work[after & (own != before)].groupby("activity")["seconds"].sum()
        mine = failed[failed["before"] == before].groupby("activity")
        assert mine["seconds"].sum().to_dict() == expected.to_dict()
        assert mine["n"].sum().unique().tolist() == [(rows["own"] != before).sum()]


def test_statuses_say_who_was_told_before_asking(made, restated):
    rows, tables, period = restated
    events = tables["service_events"]
    events = events[
        events["order_id"].isin(rows.index[rows["own"]]) & (events["happened_at"] < pd.Timestamp(period.as_of))
    ]
    told = events[events["kind"] == "status_sent"].groupby("order_id")["happened_at"].min()
    asked = events[events["kind"].isin(["question", "complaint", "tracking_view"])]
    asked = asked.groupby("order_id")["happened_at"].min()
    both = pd.concat([told.rename("told"), asked.rename("asked")], axis=1)
    found = made["statuses"].set_index("order_id")
    assert set(found.index) == set(both.index)
    first = both["told"].notna() & ~(both["asked"] <= both["told"])
    assert (found["told_first"] == first.reindex(found.index)).all()
    assert (found["asked"] == both["asked"].notna().reindex(found.index)).all()


def test_nothing_of_a_person_is_known_by_its_own_name(made, tiny, restated):
    raw = set(restated[1]["orders"]["customer_id"])
    assert not raw & set(made["sent_orders"]["customer_id"])
    assert pseudonym("x", tiny.pseudonym_key()) not in raw


def test_policies_are_told_lever_by_lever(made):
    found = replay.declared(made["policies"])
    assert [policy.name for policy in found][:3] == ["today", "the other parcel carrier", "promised a day later"]
    assert found[3].delivery_days == ("tuesday", "friday")
    assert found[3].scope == {"segment": ("business", "wholesale")}
    assert replay.of_all(made["policies"], "after_failure") == ["complaint_handling", "return_handling"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("policies: [{name: p}]", "a policy changes a lever at least, found none"),
        ("policies: [{name: today, promise_days: 1}]", "'today' is the policy that is read off the data"),
        ("policies: [{name: p, minimum_order: 5}]", "minimum_order needs consolidate_days"),
        ("policies: [{name: p, free_from: 5, promise_days: 1}]", "free_from needs freight_charge"),
        ("policies: [{name: p, promise_days: 1}, {name: p, promise_days: 2}]", "found twice: p"),
        ("policies: [{name: p, stock_service: 95}]", "stock_service needs holding_percent"),
        ("{holding_percent: 20, policies: [{name: p, stock_service: 100}]}", "stock_service"),
        ("{per_shipment: [a], after_failure: [a]}", "found both: a"),
        ("policies: [{name: p, delivery_days: [someday]}]", "delivery_days"),
    ],
)
def test_wrong_policies_are_refused_with_their_place(tiny, tmp_path, text, message):
    shutil.copytree(tiny.params.parent, tmp_path / "params")
    (tmp_path / "params" / "sample" / "policies.yaml").write_text(text)
    found = company.load("sample", tmp_path)
    with pytest.raises(ParamsError, match=message) as refused:
        _ = frames.Known(found, found.period(PERIOD)).policy_rules
    assert "policies.yaml" in str(refused.value)


def test_check_reads_what_is_declared(tiny, tmp_path, capsys):
    """A misspelt lever is found before anything runs."""
    shutil.copytree(tiny.params.parent, tmp_path / "params")
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    path = tmp_path / "params" / "sample" / "policies.yaml"
    path.write_text("policies:\n  - name: p\n    promise_day: 1\n")
    assert cli.main(["--home", str(tmp_path), "check", "sample"]) == 2
    refused = capsys.readouterr().err
    assert "params/sample/policies.yaml, line 3" in refused
    assert "Did you mean 'promise_days'?" in refused

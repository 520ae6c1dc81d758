"""Do the frames of standard solutions say what the tables say? Restated in pandas on the tiny sample company."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from conftest import ROOT, ingested
from toolkit import cli, company, frames, rules, source
from toolkit.company import pseudonym
from toolkit.errors import ParamsError

PERIOD = "2026Q2"
NAMES = ["agreed_terms", "requests", "request_evidence", "agreed_orders", "agreed_work", "needs", "orders"]


@pytest.fixture(scope="module")
def tiny(tiny_sample):
    return tiny_sample.company


@pytest.fixture(scope="module")
def made(tiny_sample):
    return tiny_sample.frames(PERIOD, NAMES)


@pytest.fixture(scope="module")
def tables(tiny_sample):
    found, key = tiny_sample.tables(), frames._key(tiny_sample.company)
    for table in found.values():
        if "customer_id" in table:
            names = {one: pseudonym(one, key) for one in table["customer_id"].dropna().unique()}
            table["customer_id"] = table["customer_id"].map(names)
    return found


@pytest.fixture(scope="module")
def people(tiny, tables):
    """Segment of each customer, "(other)" of who refused."""
    spans = tables["customers"].sort_values("valid_from")
    year = pd.Timestamp(tiny.period(PERIOD).start.replace(month=1, day=1))
    late = spans[spans["valid_to"].isna() | (spans["valid_to"] > year)]
    segment = late.groupby("customer_id")["type"].first()
    refused = spans.groupby("customer_id")["profiling_consent"].last().isin([False])
    return segment.where(~refused.reindex(segment.index), "(other)")


def test_agreed_terms_are_those_in_force(made, tables, people, tiny):
    found, rows = made["agreed_terms"], tables["agreements"]
    ends = [tiny.period(name).end for name in (PERIOD, "2026Q1", "2025Q4", "2025Q3", "2025Q2")]
    for ago, end in enumerate(ends):
        since, until = rows["valid_from"], rows["valid_to"]
        held = rows[(since < end) & (until.isna() | (until >= end))]
        expected = held.set_index(["agreement_id", "term"])["value"].str.lower().str.strip().sort_index()
        own = found[found["ago"] == ago].set_index(["agreement_id", "term"]).sort_index()
        assert len(own) > 50
        assert own["value"].to_dict() == expected.to_dict()
        assert (own["segment"] == own["customer_id"].map(people)).all()


def test_of_two_values_in_force_the_newer_counts(tiny, tmp_path):
    """One agreement with two values of a term and one that ends with the period; wordings in capitals."""
    found = ingested(tmp_path, "tiny").company
    path = found.data / "raw" / "agreements.parquet"
    rows = pq.read_table(path).to_pandas()
    end = tiny.period(PERIOD).end
    rows = rows[rows["agreement_id"] == rows["agreement_id"].iloc[0]].iloc[[0, 0, 0, 0]].copy()
    rows["term"] = ["days", "days", "window", "gone"]
    rows["value"] = [" Mon-Fri ", "DAILY", "early", "x"]
    rows["valid_from"] = pd.to_datetime(["2020-01-01", "2021-01-01", "2020-01-01", "2020-01-01"], utc=True)
    rows["valid_to"] = [pd.NaT, pd.NaT, end, end - pd.Timedelta(seconds=1)]
    rows["valid_to"] = pd.to_datetime(rows["valid_to"], utc=True)
    rows.to_parquet(path, index=False)
    source.ingest(found, found.data / "raw")
    kept = frames.materialise(found, found.period(PERIOD), ["agreed_terms"], found.data / "frames")
    terms = frames.read(kept["agreed_terms"].path)
    now = terms[terms["ago"] == 0]
    assert now.set_index("term")["value"].to_dict() == {"days": "daily", "window": "early"}
    assert set(terms.loc[terms["ago"] == 1, "term"]) == {"days", "window", "gone"}


def test_who_refused_profiling_brings_no_orders(tmp_path):
    """The only agreement in force is held by a customer who refused: it counts, and no order is compared."""
    found = ingested(tmp_path, "tiny").company
    raw = found.data / "raw"
    spans = pq.read_table(raw / "customers.parquet").to_pandas().sort_values("valid_from")
    newest = spans.groupby("customer_id").last()
    rows = pq.read_table(raw / "agreements.parquet").to_pandas().iloc[:1].copy()
    rows["customer_id"] = newest.index[newest["profiling_consent"].isin([False])][0]
    rows["valid_from"], rows["valid_to"] = pd.Timestamp("2020-01-01", tz="UTC"), pd.NaT
    rows["valid_to"] = pd.to_datetime(rows["valid_to"], utc=True)
    rows.to_parquet(raw / "agreements.parquet", index=False)
    source.ingest(found, raw)
    kept = frames.materialise(found, found.period(PERIOD), ["agreed_terms", "agreed_orders"], found.data / "frames")
    assert set(frames.read(kept["agreed_terms"].path)["segment"]) == {"(other)"}
    assert kept["agreed_orders"].rows == 0


def _year(tiny, tables):
    """Orders of the 52 weeks, not cancelled by the day of knowledge."""
    period = tiny.period(PERIOD)
    orders = tables["orders"]
    orders = orders[~(orders["cancelled_at"] < period.as_of) & (orders["ordered_at"] < period.end)]
    local = orders["ordered_at"].dt.tz_convert(tiny.settings.zone).dt.tz_localize(None).dt.normalize()
    orders = orders.assign(day=local).sort_values(["ordered_at", "order_id"])
    orders["gap"] = orders.groupby("customer_id")["day"].diff().dt.days
    return orders[orders["ordered_at"] >= period.end - pd.Timedelta(weeks=52)], period


def test_requests_of_the_year(made, tables, people, tiny):
    period = tiny.period(PERIOD)
    rows = tables["requests"]
    at = rows["requested_at"]
    expected = rows[(at >= period.end - pd.Timedelta(weeks=52)) & (at < period.end)].set_index("request_id")
    found = made["requests"].set_index("request_id")
    assert len(found) > 10
    assert found["request_type"].to_dict() == expected["request_type"].to_dict()
    assert (found["segment"] == found["customer_id"].map(people)).all()


def test_evidence_counts_every_order_of_the_year(made, tables, people, tiny):
    orders, period = _year(tiny, tables)
    found = made["request_evidence"]
    assert set(found["segment"]) == set(made["requests"]["segment"]) - {"(other)"}
    segment = orders["customer_id"].map(people)
    orders = orders[segment.isin(set(found["segment"]))]

    def counted(measure: str) -> dict:
        rows = found[found["measure"] == measure]
        return rows.set_index(["customer_id", "value"])["n"].to_dict()

    def expected(values: pd.Series) -> dict:
        rows = orders.assign(value=values).dropna(subset=["value"])
        return rows.astype({"value": "int64"}).groupby(["customer_id", "value"]).size().to_dict()

    pieces = tables["order_lines"].groupby("order_id")["quantity_ordered"].sum()
    assert counted("order_size") == expected(orders["order_id"].map(pieces))
    assert counted("order_gap") == expected(orders["gap"])
    assert counted("rush") == expected(orders["rush"].astype("float64"))
    as_of, sent = pd.Timestamp(period.as_of), tables["deliveries"]
    sent = sent[~(sent["shipped_at"] >= as_of)]
    there = sent["delivered_at"].where(sent["delivered_at"] < as_of)
    late = (there.fillna(as_of) > sent["promised_by"]).groupby(sent["order_id"]).any()
    assert counted("late") == expected(orders["order_id"].map(late.astype("float64")))
    assert sum(counted("short").values()) > 0.9 * len(late.index.intersection(orders["order_id"]))


def test_windows_are_missed_where_no_hour_of_the_day_fits(made, tables, tiny):
    orders, period = _year(tiny, tables)
    sent = tables["deliveries"]
    sent = sent[sent["delivered_at"] < pd.Timestamp(period.as_of)].merge(orders[["order_id", "customer_id"]])
    local = sent["delivered_at"].dt.tz_convert(tiny.settings.zone)
    sent = sent.assign(weekday=local.dt.day_name().str.lower(), clock=local.dt.hour * 60 + local.dt.minute)
    windows = tables["receiving_windows"]
    windows = windows.assign(**{
        name: pd.to_datetime(windows[name].astype("str").str[:5], format="%H:%M") for name in ("opens", "closes")
    })  # fmt: skip
    pairs = sent.merge(windows, on="customer_id", suffixes=("", "_window"))
    pairs = pairs[(pairs["valid_from"].isna()) | (pairs["valid_from"] <= pairs["delivered_at"])]
    opens, closes = (pairs[name].dt.hour * 60 + pairs[name].dt.minute for name in ("opens", "closes"))
    fits = (pairs["weekday"] == pairs["weekday_window"]) & (opens <= pairs["clock"]) & (pairs["clock"] <= closes)
    kept = fits.groupby([pairs["order_id"], pairs["delivery_id"]]).any().groupby("order_id").all()
    found = made["request_evidence"]
    rows = found[found["measure"] == "window_missed"]
    mine = orders.set_index("order_id")["customer_id"].reindex(kept.index)
    expected = (~kept).groupby([mine, (~kept).astype("int64")]).size()
    assert len(rows) > 10
    told = rows.set_index(["customer_id", "value"])["n"].to_dict()
    assert told == {key: n for key, n in expected.to_dict().items() if key[0] in set(rows["customer_id"])}


def test_stock_that_ran_out_at_the_next_count(made, tables, tiny):
    orders, _ = _year(tiny, tables)
    counts = tables["stock_levels"].sort_values(["site_id", "product_id", "day"])
    counts["day"] = pd.to_datetime(counts["day"])
    counts["before"] = counts.groupby(["site_id", "product_id"])["day"].shift()
    lines = tables["order_lines"].merge(orders[["order_id", "site_id", "day", "customer_id"]], on="order_id")
    pairs = lines.merge(counts, on=["site_id", "product_id"], suffixes=("", "_count"))
    inside = (pairs["before"] < pairs["day"]) & (pairs["day"] <= pairs["day_count"])
    pairs = pairs[inside & ((pairs["day_count"] - pairs["before"]).dt.days <= 31)]
    gone = pairs["on_hand"].eq(0).groupby([pairs["customer_id"], pairs["order_id"]]).any().astype("int64")
    expected = gone.groupby([gone.index.get_level_values(0), gone]).size().to_dict()
    found = made["request_evidence"]
    rows = found[found["measure"] == "stock_out"]
    people = set(found["customer_id"])
    assert rows.set_index(["customer_id", "value"])["n"].to_dict() == {
        key: n for key, n in expected.items() if key[0] in people
    }
    assert len(rows) > 5


def test_agreed_orders_are_orders_of_segments_with_agreements(made, tables, people, tiny):
    found, every = made["agreed_orders"].set_index("order_id"), made["orders"].set_index("order_id")
    segments = set(made["agreed_terms"].loc[made["agreed_terms"]["ago"] == 0, "segment"]) - {"(other)"}
    expected = every[~every["cancelled"] & every["customer_id"].map(people).isin(segments)]
    assert set(found.index) == set(expected.index)
    assert len(found) > 100
    for name in ("segment", "channel", "region", "order_class", "n_lines", "quantity", "net_revenue", "customer_id"):
        assert (found[name] == expected[name].reindex(found.index)).all(), name
    raw = tables["orders"].drop_duplicates("order_id").set_index("order_id").reindex(found.index)
    assert (found["agreement_id"].fillna("") == raw["agreement_id"].fillna("")).all()
    events = tables["service_events"]
    upset = events[(events["kind"] == "complaint") & (events["happened_at"] < tiny.period(PERIOD).as_of)]
    assert (found["complaint"] == found.index.isin(set(upset["order_id"]))).all()
    work = made["agreed_work"]
    done = tables["activities"]
    done = done[done["order_id"].isin(found.index) & (done["happened_at"] < tiny.period(PERIOD).as_of)]
    rules_ = rules.declared(tiny, "cost.yaml").activities

    def seconds(row) -> int:
        rule, counts = rules_[row.activity], json.loads(row.drivers or "{}")
        return rule.seconds * row.quantity + sum(rule.per[name] * counts.get(name, 0) for name in rule.per)

    by_hand = done.assign(s=[seconds(row) for row in done.itertuples()]).groupby("order_id")["s"].sum()
    assert work.groupby("order_id")["seconds"].sum().to_dict() == by_hand.to_dict()


def test_needs_come_in_their_order(made):
    rows = made["needs"]
    assert rows["position"].tolist() == list(range(len(rows)))
    assert set(rows["what"]) == {"request", "evidence", "covers", "cents_a_year", "is", "standard", "weight", "same"}
    standard = rows[rows["what"] == "standard"]
    assert standard[["key", "value"]].to_numpy().tolist() == [["", ""]]  # declared, and of no terms
    worded = rows[(rows["what"] == "same") & (rows["name"] == "delivery_window")]
    assert dict(zip(worded["key"], worded["value"], strict=True)) == {
        "07:00-09:00": "fixed hour", "before 9": "fixed hour",
    }  # fmt: skip


BAD = """requests:
  a: [x, y]
  b: [z]
  c: []
needs:
  x: {evidence: {late: more}}
  y: {evidence: {late: more}}
  w: {evidence: {lateness: more}}
solutions:
  s: {covers: [x, q], terms: {t: "1"}}
terms:
  t: {weight: -1, same: {one: [un, uno], two: [uno]}}
"""


def test_a_contradictory_needs_table_is_told_whole(tmp_path):
    path = tmp_path / "needs.yaml"
    path.write_text(BAD)
    with pytest.raises(ParamsError) as caught:
        company.validated(rules.Needs, company.read_yaml(path), path)
    told = str(caught.value).replace(str(path), "needs.yaml").splitlines()
    assert told == [
        "10 faults:",
        "  1. needs.yaml, line 4: 'requests.c': expected List should have at least 1 item after validation, not 0, "
        "found list [].",
        "  2. needs.yaml, line 8: 'needs.w.evidence.lateness.[key]': expected 'window_missed', 'late', 'short', "
        "'rush', 'stock_out', 'order_size', 'uneven_size' or 'order_gap', found str 'lateness'.",
        "  3. needs.yaml, line 12: 'terms.t.weight': expected greater than or equal to 0, found int -1.",
        "  4. needs.yaml, line 3: 'requests.b': needs that are not declared: 'z'; declared are: x, y, w.",
        "  5. needs.yaml, line 10: 'solutions.s.covers': needs that are not declared: 'q'; declared are: x, y, w.",
        "  6. needs.yaml, line 7: 'needs.y': no solution covers it.",
        "  7. needs.yaml, line 7: 'needs.y': the same evidence as 'x': nothing would tell them apart.",
        "  8. needs.yaml, line 8: 'needs.w': no request leads to it; name it behind a request type, or leave it out.",
        "  9. needs.yaml, line 8: 'needs.w': no solution covers it.",
        "  10. needs.yaml, line 12: 'terms.t': wordings with two meanings: 'uno'.",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("requests: {a: [x]}\n", "line 1: 'requests.a': needs that are not declared: 'x'; declared are: none."),
        ("standard: {}\n", "needs.yaml: 'needs': expected a need at least, found none."),
        ("needs: {x: {evidence: {late: more}}}\nrequests: {a: [x, x]}\n", "line 2: 'requests.a': names a need twice."),
    ],
)  # fmt: skip
def test_an_empty_or_odd_needs_table_is_refused(tmp_path, text, fault):
    path = tmp_path / "needs.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError) as caught:
        company.validated(rules.Needs, company.read_yaml(path), path)
    assert fault in str(caught.value)


def test_check_reads_the_needs_table(tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "params", tmp_path / "params")
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    (tmp_path / "params" / "sample" / "needs.yaml").write_text("needs: {}\nrequest: {}\n")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", "sample"]) == 2
    refused = capsys.readouterr().err
    assert "params/sample/needs.yaml, line 2: unknown name 'request'" in refused
    assert "'needs': expected a need at least, found none." in refused


def test_no_needs_table_declares_nothing(tiny, tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "params")
    (tmp_path / "params" / "sample" / "needs.yaml").unlink()
    found = company.load("sample", tmp_path)
    assert rules.declared(found, "needs.yaml") == rules.Needs()
    assert not np.any([rules.Needs().needs, rules.Needs().requests])

"""Do the frames of governance say what the tables say? Months restated in pandas, key figures of drawn archives."""

from types import SimpleNamespace

import pandas as pd
import pytest

from toolkit import frames, rules

PERIOD = "2026Q2"
NAMES = ["month_orders", "month_answers", "month_wishes", "month_supplies", "month_postings"]


@pytest.fixture(scope="module")
def made(tiny_sample):
    return tiny_sample.frames(PERIOD, NAMES)


@pytest.fixture(scope="module")
def tables(tiny_sample):
    return tiny_sample.tables()


def _closing(moments, company):
    """Midnight after the closing days of the month that a moment lies in."""
    local = moments.dt.tz_convert(company.zone).dt.tz_localize(None)
    ends = local.dt.to_period("M").dt.end_time.dt.normalize() + pd.Timedelta(days=1)
    return (ends + pd.Timedelta(days=company.settings.closing_days)).dt.tz_localize(company.zone)


def _month(moments, company):
    return moments.dt.tz_convert(company.zone).dt.tz_localize(None).dt.to_period("M").dt.start_time


@pytest.fixture(scope="module")
def placed(tables, tiny_sample):
    """Orders up to the period's end with month, closing, and the segment of the year's first day."""
    company = tiny_sample.company
    orders = tables["orders"].drop_duplicates("order_id")
    orders = orders[orders["ordered_at"] < company.period(PERIOD).end]
    orders = orders.assign(month=_month(orders["ordered_at"], company), closing=_closing(orders["ordered_at"], company))
    kept = orders[~(orders["cancelled_at"] < orders["closing"])]
    return kept.assign(segment=_segments(kept, tables["customers"], company))


def _segments(rows, customers, company):
    spans = customers.sort_values("valid_from", na_position="first")
    refused = spans.groupby("customer_id")["profiling_consent"].last()
    found = []
    for who, month in zip(rows["customer_id"], rows["month"], strict=True):
        mine = spans[spans["customer_id"] == who]
        begin = pd.Timestamp(year=month.year, month=1, day=1, tz=company.zone)
        held = mine[~(mine["valid_to"] <= begin)]
        consents = refused.get(who) is not False and refused.get(who) != False  # noqa: E712
        found.append(held["type"].iloc[0] if consents and len(held) else "(other)")
    return found


def test_orders_of_a_month_are_those_known_at_its_end_and_closing_days(made, placed, tables, tiny_sample):
    found = made["month_orders"]
    assert found["n_orders"].sum() == len(placed)
    by = found.groupby("month")["n_orders"].sum()
    expected = placed.groupby("month").size()
    assert [str(day)[:10] for day in by.index] == [str(day)[:10] for day in expected.index]
    assert by.tolist() == expected.tolist()
    lines = tables["order_lines"].groupby("order_id")["net_revenue"].sum()
    assert found["net_revenue"].sum() == placed["order_id"].map(lines).sum()
    known = set(found["segment"])
    segments = placed["segment"].where(placed["segment"].isin(known), "(other)")
    own = placed.groupby(segments).size()
    assert found.groupby("segment")["n_orders"].sum().to_dict() == own.to_dict()
    persons = placed.assign(segment=segments).groupby(["month", "segment"])["customer_id"].nunique()
    assert found.sort_values(["month", "segment"])["n_customers"].tolist() == persons.tolist()


def test_promises_of_a_month_count_once_they_fell_due(made, placed, tables):
    sent = (
        tables["deliveries"]
        .groupby("order_id")
        .agg(by=("promised_by", "max"), n=("delivery_id", "size"), there=("delivered_at", "count"))
    )
    late = tables["deliveries"].assign(
        late=lambda rows: ~(rows["delivered_at"] <= rows["promised_by"]) & rows["promised_by"].notna()
    )
    rows = placed.merge(sent, on="order_id").merge(late.groupby("order_id")["late"].any(), on="order_id")
    due = rows[rows["by"] < rows["closing"]]
    found = made["month_orders"]
    assert len(due) > 3000
    assert found["n_due"].sum() == len(due)
    assert found["n_on_time"].sum() == (~due["late"]).sum()
    assert found.groupby("month")["n_on_time"].sum().tolist() == due[~due["late"]].groupby("month").size().tolist()
    parts = tables["delivery_lines"].groupby(["order_id", "line_no"])["quantity_delivered"].sum().reset_index()
    lines = tables["order_lines"].merge(parts, how="left", on=["order_id", "line_no"])
    full = (lines["quantity_delivered"].fillna(0) >= lines["quantity_ordered"]).groupby(lines["order_id"]).all()
    otif = due[~due["late"]]["order_id"].map(full)
    assert found["n_otif"].sum() == otif.sum()
    assert 0 < found["n_otif"].sum() < found["n_on_time"].sum()


def test_complaints_count_if_made_by_then_and_are_unknown_before_the_first(made, placed, tables):
    events = tables["service_events"]
    first = events[events["kind"] == "complaint"].groupby("order_id")["happened_at"].min()
    told = placed["order_id"].map(first) < placed["closing"]
    assert made["month_orders"]["n_complained"].sum() == told.sum() > 20


def test_answers_wishes_supplies_and_postings_of_months(made, placed, tables, tiny_sample):
    company, end = tiny_sample.company, tiny_sample.company.period(PERIOD).end
    asked = tables["surveys"].query("item == 'recommend' and score.notna()").dropna(subset=["order_id"])
    orders = tables["orders"].drop_duplicates("order_id").set_index("order_id")["ordered_at"]
    at = asked["order_id"].map(orders)
    known = (at < end) & (asked["answered_at"] < _closing(at, company))
    assert sorted(made["month_answers"]["response_id"]) == sorted(asked["response_id"][known])
    wishes = tables["shopping_intents"]
    wishes = wishes[wishes["occurred_at"] < end]
    assert made["month_wishes"]["n"].sum() == len(wishes)
    assert made["month_wishes"]["n_met"].sum() == wishes["outcome"].isin(["bought", "substituted"]).sum()
    lines = tables["supplier_receipts"]
    first = pd.Timestamp(str(made["month_orders"]["month"].min())).tz_localize(company.zone)
    lines = lines[(lines["promised_at"] >= first) & (lines["promised_at"] < end)]
    found = made["month_supplies"].groupby("supplier_id")[["n", "n_on_time"]].sum()
    assert found["n"].to_dict() == lines.groupby("supplier_id").size().to_dict()
    kept = lines[lines["received_at"] <= lines["promised_at"]]
    assert found["n_on_time"].to_dict() == kept.groupby("supplier_id").size().to_dict()
    postings = tables["ledger"]
    months = pd.to_datetime(postings["month"])
    expected = postings["amount"].groupby(months).sum()
    expected = expected[
        (expected.index >= first.tz_localize(None)) & (expected.index < pd.Timestamp(end).tz_localize(None))
    ]
    assert made["month_postings"]["amount"].tolist() == expected.tolist()


def test_a_month_never_changes_in_later_periods(made, tiny_sample):
    later = tiny_sample.frames("2026Q3", NAMES)
    for name in NAMES:
        until = made[name]["month"].max()
        then = later[name][later[name]["month"] <= until]
        assert len(later[name]) > len(then)
        pd.testing.assert_frame_equal(made[name].reset_index(drop=True), then.reset_index(drop=True))


def _figure(name, value, *, report="cost", definition="3.3", **more):
    row = {"report": report, "figure_id": name, "definition_id": definition, "cohort": "orders", "segment": "",
           "channel": "", "value": value, "low": None, "high": None, "n": 5, "unit": "share"}  # fmt: skip
    return row | more


def _archive(company, period, *revisions):
    for number, rows in enumerate(revisions, 1):
        folder = company.reports / period / f"r{number}"
        folder.mkdir(parents=True)
        pd.DataFrame(rows).to_parquet(folder / "figures.parquet")


def test_key_figures_tell_what_was_restated_and_where_they_stand(tmp_path):
    company = SimpleNamespace(reports=tmp_path / "reports", data=tmp_path / "data")
    _archive(company, "2026Q1", [_figure("a", 0.1), _figure("b", 0.2)])
    many = [[_figure("a", 0.1 if at < 10 else 0.3), *[_figure("b", 0.2)] * (at > 0)] for at in range(11)]
    _archive(company, "2026Q2", *many)  # r11 comes after r9
    own = pd.DataFrame([_figure("a", 0.5, words="abc"), _figure("b", 0.2)])
    _archive(company, "2026Q3", [_figure("a", 0.4), _figure("b", 0.2 * (1 + 1e-12))])
    _archive(company, "2026Q4", [_figure("a", 9.0)])
    period = SimpleNamespace(name="2026Q3")
    kept = frames.keep_key_figures(company, period, own, tmp_path / "frames")
    found = frames.read(kept.path)
    told = found[["period", "figure_id", "value", "revision", "was", "was_in", "words"]]
    assert told.astype(object).where(told.notna(), None).values.tolist() == [
        ["2026Q1", "a", 0.1, "r1", None, "", ""],
        ["2026Q1", "b", 0.2, "r1", None, "", ""],
        ["2026Q2", "a", 0.3, "r11", 0.1, "r1", ""],
        ["2026Q2", "b", 0.2, "r11", None, "", ""],
        ["2026Q3", "a", 0.5, "", 0.4, "r1", "abc"],
        ["2026Q3", "b", 0.2, "", None, "", None],
    ]


def test_what_is_declared_for_governance_comes_in_its_order(tiny_sample):
    company = tiny_sample.company
    made = tiny_sample.frames("2026Q2", ["targets", "renamed", "decisions", "periods"])
    declared = rules.declared(company, "targets.yaml").scorecard
    assert made["targets"].sort_values("position")["measure"].tolist() == [one.measure for one in declared]
    assert made["targets"]["at_most"].notna().sum() == sum(one.at_most is not None for one in declared) > 0
    assert made["renamed"].empty
    decision = rules.declared(company, "decisions.yaml").decisions[0]
    row = made["decisions"].iloc[0]
    assert [row["name"], row["starts"], str(row["month"])] == [decision.name, decision.starts, "2026-02-01"]
    assert [row["check_period"], row["begun_period"], row["before_period"]] == ["2026Q2", "2026Q1", "2025Q4"]
    assert [row["measure"], row["change"], row["low"]] == ["late", decision.expects.change, decision.expects.low]
    assert [row["where"], row["rebases"]] == ['{"region": ["North"]}', "[]"]
    assert row["begun"]
    assert not tiny_sample.frames("2025Q4", ["decisions"])["decisions"]["begun"].iloc[0]
    periods = made["periods"].sort_values("ago")
    assert periods["period"].tolist()[:5] == ["2026Q2", "2026Q1", "2025Q4", "2025Q3", "2025Q2"]
    assert periods.loc[periods["year_ago"].astype(bool), "period"].tolist() == ["2025Q2"]
    assert [str(day) for day in periods[["first_day", "last_day"]].iloc[0]] == ["2026-04-01", "2026-06-30"]


def test_a_decision_of_a_month_is_checked_in_the_month_of_its_day(tiny_sample):
    row = tiny_sample.frames("2026-07", ["decisions"])["decisions"].iloc[0]
    assert [row["check_period"], row["before_period"]] == ["2026-06", "2026-01"]
    half = tiny_sample.frames("2026H2", ["decisions"])["decisions"].iloc[0]
    assert [half["check_period"], half["before_period"]] == ["2026H1", "2025H2"]

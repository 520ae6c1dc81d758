"""Do the frames of value disciplines say what the tables say? Restated in pandas on the tiny sample company."""

import pandas as pd
import pytest

from toolkit import frames, rules

PERIOD = "2026Q3"
NAMES = ["floors", "disciplines", "intended", "felt_rules", "contacts", "novelty", "orders"]


@pytest.fixture(scope="module")
def tiny(tiny_sample):
    return tiny_sample.company


@pytest.fixture(scope="module")
def made(tiny_sample):
    return tiny_sample.frames(PERIOD, NAMES)


@pytest.fixture(scope="module")
def tables(tiny_sample):
    return tiny_sample.tables()


def test_contacts_are_those_of_the_period_and_of_its_orders(made, tables, tiny):
    period, events = tiny.period(PERIOD), tables["service_events"]
    as_of = pd.Timestamp(period.as_of)
    orders = tables["orders"].drop_duplicates("order_id").set_index("order_id")
    orders = orders[~(orders["cancelled_at"] < as_of) & (orders["ordered_at"] < as_of)]
    rows = events[events["kind"].isin(["question", "complaint"]) & (events["happened_at"] < as_of)]
    rows = rows[rows["order_id"].isin(orders.index)].set_index("event_id")
    placed = rows["order_id"].map(orders["ordered_at"])
    inside = (rows["happened_at"] >= period.start) & (rows["happened_at"] < period.end)
    of = (placed >= period.start) & (placed < period.end)
    rows = rows[inside | of].sort_index()
    found = made["contacts"].set_index("event_id").sort_index()
    assert list(found.index) == list(rows.index)
    assert len(found) > 20
    assert (found["in_period"] == inside.reindex(found.index)).all()
    assert (found["of_period"] == of.reindex(found.index)).all()
    assert (found["department"] == rows["department"].fillna("(unknown)")).all()
    answered = rows["answered_at"].where(rows["answered_at"] < as_of).fillna(as_of)
    expected = (answered.dt.floor("s") - rows["happened_at"].dt.floor("s")).dt.total_seconds()
    assert not found["answered"].all()
    assert found["wait_s"].notna().all()  # who waits still, waits to the day of knowledge
    assert (found["wait_s"].astype("float64") - expected).abs().max() <= 1
    assert (found["answered"] == (rows["answered_at"] < as_of)).all()
    both = made["orders"].set_index("order_id")["segment"].reindex(found["order_id"])
    known = both.notna().to_numpy()
    assert (found["segment"].to_numpy()[known] == both.to_numpy()[known]).all()


def test_novelty_is_revenue_with_articles_first_sold_within_a_year(made, tables, tiny):
    period = tiny.period(PERIOD)
    orders = tables["orders"].drop_duplicates("order_id")
    orders = orders[~(orders["cancelled_at"] < period.as_of) & (orders["ordered_at"] < period.end)]
    lines = tables["order_lines"].merge(orders[["order_id", "ordered_at", "customer_id"]], on="order_id")
    first = lines.groupby("product_id")["ordered_at"].min()
    new = set(first.index[first >= period.end - pd.Timedelta(weeks=52)])
    mine = lines[lines["ordered_at"] >= period.start]
    found = made["novelty"]
    assert found["net_revenue"].sum() == mine["net_revenue"].sum()
    assert found["new_revenue"].sum() == mine.loc[mine["product_id"].isin(new), "net_revenue"].sum()
    assert len(found) == mine["customer_id"].nunique()
    kept = frames.materialise(tiny, tiny.period("2025Q2"), ["novelty"], tiny.data / "frames")
    assert kept["novelty"].rows == 0  # orders do not begin a year before that year


def test_declared_rules_come_in_their_order(made, tiny):
    targets, declared = rules.declared(tiny, "targets.yaml"), rules.declared(tiny, "disciplines.yaml")
    floors = made["floors"].sort_values("position")
    assert floors["measure"].tolist() == [one.measure for one in targets.floors]
    assert floors["hours"].tolist() == [one.hours for one in targets.floors]
    told = made["disciplines"].sort_values("position")
    wanted = [(name, measure) for name in rules.DISCIPLINES for measure in getattr(declared, name)]
    assert list(zip(told["discipline"], told["measure"], strict=True)) == wanted
    assert told["weight"].tolist()[0] == declared.operational_excellence["cost_per_order"].weight
    assert dict(zip(made["intended"]["segment"], made["intended"]["discipline"], strict=True)) == declared.segments
    row = made["felt_rules"].iloc[0]
    assert [row["felt_item"], row["felt_at_least"], row["spend_low"], row["spend_high"]] == [
        declared.felt_item, declared.felt_at_least, *declared.spend_band,
    ]  # fmt: skip

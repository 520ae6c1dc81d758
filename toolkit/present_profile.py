"""How does the segment profile look and read? Frame to table, figure with alt text, sentence; no calculation."""

from functools import partial

import pandas as pd

from toolkit.present import (
    REVENUE,
    Apart,
    Columns,
    Frame,
    Html,
    Look,
    apart_sentence,
    dots,
    formatted,
    paragraphs,
    table,
)

_n, _share = partial(formatted, kind="count"), partial(formatted, kind="share")


def matrix(cells: Frame, look: Look, *, by: Columns) -> Html:
    """The segmentation matrix."""
    money = [column for column in ("net_revenue", "margin") if cells[column].notna().any()]
    caption = f"Orders placed in {look.period}, not cancelled, by {' and '.join(by)}; money in {look.currency}; "
    columns = [*by, "n_customers", "n_orders", *money, "serve_share", "n_due", "late_share"]
    return table(
        cells, name="segmentation_matrix", caption=caption + "late: of orders due in the period", columns=columns,
        heads={"margin": "margin after cost to serve", "late_share": "late"}, kinds=dict.fromkeys(by, "text"),
    )  # fmt: skip


def profile(who: Frame, customers: Frame, look: Look) -> Html:
    """Who the customers of each segment are; columns that nobody brought are left out."""
    columns = "segment n_customers customer_share revenue_share orders_each basket lines_each known_days age"
    columns += " household_size card_share nps nps_low nps_high n_answers"
    columns = [column for column in columns.split() if who[column].notna().any()]
    caption = f"Customers who ordered in {look.period}, by segment (built from "
    caption += f"{', '.join(sorted(customers['built_from'].unique()))}); money in {look.currency}"
    return table(who, name="profile", caption=caption, columns=columns, heads={"nps": look.measure})


def preferences(farthest: Frame, lifts: Frame, look: Look) -> Html:
    """The categories that most mark a segment, up or down, as far as they are settled; or what it lacks."""
    if lacking := look.missing(REVENUE, gain="shows what each segment buys more of than others"):
        return lacking
    caption = f"What marks a segment in {look.period}: {int(lifts['settled'].sum())} of {len(lifts)} categories of "
    caption += f"segments are apart from all customers, the {len(farthest)} farthest are shown; "
    return dots(
        farthest, by=["segment", "category"], value="lift", name="preferences",
        caption=f"{caption}{look.together(len(lifts), 'permutation')}.",
        axis="share of the segment's revenue, by the share of all customers' revenue", mark=(1.0, "as all customers"),
        what="how much more of a category a segment buys than all customers",
        columns=["segment", "category", "n_buyers", "share", "share_of_all"],
        heads={"share": "of its revenue"},
    )  # fmt: skip


def rfm(groups: Frame, look: Look, *, built_from: Columns) -> Html:
    """RFM groups before the period and what they did in it, descriptive only; or what it lacks."""
    gain = "groups customers by recency, frequency and value, and shows who came back"
    if (lacking := look.missing(REVENUE, gain=gain)) or groups.empty:
        return lacking or paragraphs(["No order is known from before the period: there is nothing to group by."])
    heads = {"n": "customers", "n_orders": "orders before (median)", "net_revenue": "revenue before (mean)"}
    caption = f"Customers by recency, frequency and value before {look.first_day}; descriptive only: groups are built "
    caption += f"from {' and '.join(built_from)}; {look.together(len(groups))}; money in {look.currency}"
    return dots(
        groups, by=["rfm_group"], value="share", name="rfm_groups", caption=caption,
        axis=f"ordered again in {look.period}", what="share of customers who ordered again",
        columns=["rfm_group", "n", "of_all", "recency_days", "n_orders", "net_revenue"],
        heads=heads | {"share": "ordered again"},
    )  # fmt: skip


def segment_findings(
    who: Frame, whole: Frame, lifts: Frame, marked: int | None, back: Frame, scores: Frame, look: Look, *, apart: Apart
) -> Html:
    """The answers of the segment report, in the slots of docs/METHODS.md section 1.5."""
    if who.empty:
        return paragraphs([f"Nobody ordered in {look.period}."], role="findings")
    first, n, family = who.iloc[0], _n(whole["n_customers"].iloc[0]), f"family of {len(lifts)}"
    bought = "is the largest"
    if pd.notna(first["revenue_share"]):
        bought = f"brings {_share(first['revenue_share'])} of net revenue"
    part = _share(first["customer_share"])
    sentences = [f"{n} customers ordered in {look.period}; {first['segment']} {bought} with {part} of the customers."]
    if lifts.empty:
        sentences.append("What marks a segment cannot be said: revenue by category is not known.")
    elif lifts["segment"].nunique() == 1:
        sentences.append("There is one segment only: nothing marks it against another.")
    elif marked is None:
        sentences.append(f"What marks a segment is not settled over a {family} intervals.")
    else:
        top = lifts.iloc[marked]
        sentences.append(
            f"Most marked is {top['segment']} in {top['category'].replace('_', ' ')}: it spends "
            f"{look.estimate(top, 'lift', family)} times the share of all customers."
        )
    if len(back):
        (_, best), (_, others) = back.iterrows()
        sentences.append(
            f"Who ordered again: of the {_n(best['n'])} best customers {look.estimate(best, 'share')}, of the "
            f"{_n(others['n'])} others {look.estimate(others, 'share')}. Descriptive: the groups are made of earlier "
            "orders."
        )
    else:
        few = "too few customers are known from before the period"
        sentences.append(f"Who comes back cannot be said: {'revenue is not known' if look.missing(REVENUE) else few}.")
    return paragraphs([*sentences, apart_sentence(scores, apart, look, by=["segment"])], role="findings")

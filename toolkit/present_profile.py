"""How does the segment profile look and read? Frame to table, figure with alt text, sentence; no calculation."""

from collections.abc import Mapping
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
    estimate,
    formatted,
    paragraphs,
    table,
    trio,
)

_n, _share = partial(formatted, kind="count"), partial(formatted, kind="share")


def matrix(cells: Frame, look: Look, *, by: Columns, name: str = "segmentation_matrix") -> Html:
    """The segmentation matrix, or another table of the same columns; without a cost that is known, none of it."""
    if cells.empty:
        return paragraphs([f"Of the customers who ordered in {look.period}, if any, nothing is known to tell them by."])
    money = [column for column in ("net_revenue", "margin") if cells[column].notna().any()]
    caption = f"Orders placed in {look.period}, not cancelled, by {' and '.join(by)}; money in {look.currency}; "
    costs = ["serve_share"] if (cells["serve_share"].fillna(0) != 0).any() else []
    columns = [*by, "n_customers", "n_orders", *money, *costs, "n_due", "late_share"]
    columns += [*trio("nps"), "n_answers"] if cells["nps"].notna().any() else []
    return table(
        cells, name=name, caption=caption + "late: of orders due in the period", columns=columns,
        heads={"margin": "margin after cost to serve", "late_share": "late", "nps": look.measure},
        kinds=dict.fromkeys(by, "text"),
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
    if lifts.empty:
        return paragraphs(["No category holds enough customers in and outside a segment to compare."])
    if farthest.empty:
        said = f"None of the {len(lifts)} categories of segments is apart from all customers in {look.period}"
        return paragraphs([f"{said}; {look.together(len(lifts), 'permutation')}."])
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


_WISHES, _CAMPAIGNS = {"shopping_intents": ()}, {"campaign_contacts": (), "campaigns": ()}


def evidence(fit, cost: Mapping, look: Look) -> Html:
    """How many clusters the data hold, and what a wished number costs; or why none are sought."""
    if fit is None:
        few = "Fewer than ten customers have three orders or more in even weeks: no clusters are sought."
        return paragraphs([few])
    rows = fit.evidence_.assign(trust=fit.evidence_["supported"].map({True: "supported", False: "not supported"}))
    rows["trust"] = rows["trust"].where(rows["k"] > 1, "no clusters")
    caption = (
        f"What another cluster explains beyond chance, of {_n(len(fit.labels_))} customers with three orders or more "
    )
    caption += f"in even weeks of the year to the end of {look.period}: {_held(fit)}. "
    if cost:
        caption += f"Of {cost['n_clusters']} clusters, as wished, the number that would not come back in samples is "
        caption += f"{cost['untrusted']}; they would hold {_share(cost['held'])} of the customers"
    columns = ["k", "gain", "sure", "jaccard", "silhouette", "trust"]
    heads = {
        "k": "clusters",
        "sure": "in standard deviations",
        "jaccard": "lowest stability (Jaccard)",
        "trust": "verdict",
    }
    return table(rows, name="cluster_evidence", caption=caption, columns=columns, heads=heads)


def _held(fit) -> str:
    return f"the data hold {fit.n_clusters_} clusters" if fit.n_clusters_ > 1 else "the data hold no clusters"


def clusters(found: Frame, look: Look, *, by_segment: float) -> Html | None:
    """Who is in each cluster and what marks it, how far segments tell it; nothing where none were sought."""
    if found.empty:
        return None
    if len(found) == 1:
        return paragraphs(["There are no clusters to tell of: customers differ by degrees, not by kind."])
    told = found.assign(trust=found["trusted"].map({True: "yes", False: "not to be trusted"}))
    caption = (
        f"Lifestyle clusters of {look.period}, found in even weeks; marks are shares of odd weeks, by those of all"
    )
    if pd.notna(by_segment):
        caption += f"; segments tell them at Cramér's V of {by_segment:.2f} (0: not at all, 1: fully)"
    heads = {"n": "customers", "trust": "trusted", "marks": "marked by"}
    columns = ["cluster", "n", "of_all", "jaccard", "trust", "marks"]
    return table(told, name="clusters", caption=caption, columns=columns, heads=heads)


def foretold(test: Frame, why: str, look: Look) -> Html:
    """Whether the model of repeat purchases foretold the last year; or why it cannot be asked."""
    if test.empty:
        return paragraphs([f"What shoppers will bring cannot be said: {why}."])
    caption = "Test: days with purchases in the last 52 weeks, as foretold from what was known before them; "
    caption += f"customers without agreement, known by then; each interval {100 * look.confidence:g} %"
    columns = ["segment", "n", *trio("expected"), "actual", "error_share"]
    return table(test, name="holdout", caption=caption, columns=columns, heads={"n": "customers"}, total=True)


def worth(ahead: Frame, why: str, look: Look) -> Html:
    """What shoppers will bring in the year ahead; or why that is not told."""
    if ahead.empty:
        return paragraphs([f"The year ahead is not told: {why}."])
    caption = f"The 52 weeks after {look.period} as foretold: purchases are days with orders, value is net revenue in "
    caption += f"{look.currency}, margin is after cost to serve at this period's rate; each interval "
    caption += f"{100 * look.confidence:g} %"
    columns = ["segment", "n", "alive", *trio("expected"), *trio("value"), "margin"]
    heads = {"n": "customers", "alive": "still buying", "expected": "purchases"}
    return table(
        ahead, name="year_ahead", caption=caption, columns=columns, heads=heads, kinds={"value": "money"}, total=True
    )


def accounts(kept: Frame, look: Look, *, discount: float) -> Html:
    """Who under agreement stays, and what those who are here are worth; or what it lacks."""
    gain = "shows how many accounts stay, and what they are worth"
    if (lacking := look.missing({"agreements": ()}, gain=gain)) or kept.empty:
        return lacking or paragraphs(["No customer was under agreement in the last 52 weeks, or too few to show."])
    caption = f"Customers under agreement in the 52 weeks to the end of {look.period}: retention is a year's; value is "
    caption += (
        f"the yearly margin of those still here times its multiple, {100 * discount:g} % discount, {look.currency}; "
    )
    caption += f"each interval {100 * look.confidence:g} %, of retention alone"
    columns = ["segment", "n", "n_ended", *trio("retention"), "revenue", "multiple", *trio("value")]
    heads = {"n": "customers", "revenue": "revenue a year"}
    kinds = dict.fromkeys(["value", "revenue"], "money")
    return table(kept, name="accounts", caption=caption, columns=columns, heads=heads, kinds=kinds, total=True)


def migration(flows: Frame, moved: Mapping, look: Look) -> Html:
    """Who moved between clusters, against noise; or that too few can be followed."""
    if flows.empty:
        return paragraphs(["Who moved cannot be said: too few customers have enough orders in both years."])
    caption = (
        f"Customers by cluster a year before and in {look.period}: {_share(moved['moved'])} of {_n(moved['n'])} moved; "
    )
    caption += f"noise alone moves {_share(moved['by_noise'])} (even against odd weeks)"
    caption += f"; moves of fewer than {_n(look.min_n)} are left out"
    if pd.notna(moved["alike"]):
        caption += f"; clusters found anew in last year's weeks put {_share(moved['alike'])} into the same one"
    if pd.notna(moved["homogeneity_p"]):
        grew, turned = (moved[f"{of}_p"] < 1 - look.confidence for of in ("homogeneity", "symmetry"))
        caption += f"; clusters {'changed' if grew else 'kept'} their sizes (Stuart and Maxwell, p "
        caption += f"{moved['homogeneity_p']:.3f}), moves go {'more one way' if turned else 'both ways alike'} "
        caption += f"(Bowker, p {moved['symmetry_p']:.3f})"
    columns, heads = ["before", "after", "n", "share"], {"n": "customers", "share": "of those before"}
    return table(flows, name="migration", caption=caption, columns=columns, heads=heads)


def outcomes(parts: Mapping[str, Frame], look: Look) -> Html:
    """What came of wishes by several columns; or what it lacks."""
    gain = "shows what customers wanted and did not get, and what that cost"
    told = [part.assign(by=name.replace("_id", ""), group=part.get(name, "(all)")) for name, part in parts.items()]
    rows = pd.concat(told, ignore_index=True)
    if (lacking := look.missing(_WISHES, gain=gain)) or rows.empty:
        return lacking or paragraphs([f"No wish is on record in {look.period}."])
    caption = f"Wishes on record in {look.period}; unmet: not ranged or unavailable; lost: unmet wishes at the "
    caption += (
        f"mean revenue of a line of the article, {look.currency}, those never sold left out; the intervals of each "
    )
    caption += f"part hold together with {100 * look.confidence:g} % confidence"
    columns = [
        "by",
        "group",
        "n",
        "n_persons",
        "substituted",
        "unavailable",
        "not_ranged",
        *trio("unmet"),
        *trio("lost"),
    ]
    heads = {"n": "wishes", "lost": "lost revenue", "n_unknown": "unmet without a value"}
    kinds = {"lost": "money", "n_unknown": "count"}
    return table(rows, name="wishes", caption=caption, columns=[*columns, "n_unknown"], heads=heads, kinds=kinds)


def wanted(rows: Frame, look: Look) -> Html | None:
    """Wanted but not on the shelf; nothing without wishes."""
    if look.missing(_WISHES):
        return None
    if rows.empty:
        return paragraphs([f"Nothing was wanted in vain by {_n(look.min_n)} persons or more in {look.period}."])
    caption = (
        f"Wanted but not on the shelf, {look.period}: the {len(rows)} articles and search terms with the most unmet "
    )
    caption += f"wishes, each of {_n(look.min_n)} persons or more; {look.together(len(rows))} at least"
    return dots(
        rows, by=["item"], value="per_day", name="wanted", axis="unmet wishes a day", caption=caption,
        what="unmet wishes a day", columns=["item", "n", "n_persons", "n_unmet", "unmet", "lost"],
        heads={"n": "wishes", "lost": "lost revenue"}, kinds={"lost": "money"},
    )  # fmt: skip


def short_lines(rows: Frame, look: Look) -> Html:
    """Lines that came short, where that is what is known of unmet demand; or what it lacks."""
    lacking = look.missing({"delivery_lines": ()}, gain="shows which lines came short")
    if lacking or rows.empty:
        return lacking or paragraphs([f"No order of {look.period} has arrived, or too few to show."])
    caption = f"Lines of orders placed in {look.period} that have arrived, by category; {look.together(len(rows))}"
    columns = ["category", "n", "n_persons", *trio("short"), "not_delivered"]
    heads = {"n": "lines", "short": "came short", "not_delivered": "pieces not delivered"}
    return table(rows, name="short_lines", caption=caption, columns=columns, heads=heads)


def stockouts(rows: Frame, look: Look) -> Html:
    """What was lost because articles ran out, of all whose stock is counted; or what it lacks."""
    lacking = look.missing({"stock_levels": ()}, gain="shows what was lost because articles ran out")
    if lacking or rows.empty:
        return lacking or paragraphs([f"No article whose stock is counted ran out in {look.period}."])
    row = rows.iloc[0]
    said = f"Articles ran out in {_share(row['stocked_out'])} of {_n(row['n'])} spans between counts of their stock; "
    if pd.isna(row["lost"]):
        return paragraphs([f"{said}what that lost cannot be said: {row['reason']}."])
    lost = estimate(row, "lost", "count", look.confidence)
    return paragraphs([f"{said}of these articles {_n(row['sold'])} pieces were sold, and {lost} more were wanted."])


def uplift(rows: Frame, look: Look, *, by: str) -> Html | None:
    """What campaigns brought by campaign, with repeats of a template, or by segment; or what it lacks."""
    gain = "shows what campaigns brought against customers held out of them"
    if (lacking := look.missing(_CAMPAIGNS, gain=gain)) or rows.empty:
        said = lacking or paragraphs([f"No campaign of the 52 weeks to the end of {look.period} can be followed yet."])
        return said if by == "campaign" else None
    caption = (
        f"Orders more per 1,000 contacted in 28 days, by {by}, against customers held out by lot, of campaigns in the "
    )
    caption += f"52 weeks to the end of {look.period}; {look.together(len(rows))}; money in {look.currency}"
    columns = ["group", "n_contacted", "n_held_out", "base", *trio("uplift"), *trio("cost_per_order")]
    columns += ["template_id", "use", "cost_each"] if by == "campaign" else []
    if rows["uplift"].isna().all():
        columns = [column for column in columns if rows[column].notna().any()]
        caption = (
            f"Campaigns of the 52 weeks to the end of {look.period}: none held {_n(look.min_n)} customers or more "
        )
        caption += "out, so that what they brought cannot be told"
        return (
            table(rows, name="campaigns", caption=caption, columns=columns, heads={"group": by})
            if by == "campaign"
            else None
        )
    return dots(
        rows, by=["group"], value="uplift", name=f"uplift_{by}", axis="orders more per 1,000 contacted",
        caption=caption, what="orders more per 1,000 contacted", columns=columns, mark=(0.0, "nothing"),
        heads={"group": by, "base": "orders per 1,000 held out"},
    )  # fmt: skip


def what_to_do(rows: Frame, look: Look) -> Html:
    """What the insight supports for each segment, with its evidence and its owner."""
    if rows.empty:
        return paragraphs(["No advice: nothing that would change what is done for a segment is settled."])
    told = [_advice(row, look) for row in rows.to_dict("records")]
    shown = rows.assign(advice=[advice for advice, _ in told], evidence=[evidence for _, evidence in told])
    caption = (
        f"What is settled in {look.period}, by segment, at most three each; the evidence of each kind holds together "
    )
    caption += f"with {100 * look.confidence:g} % confidence"
    columns, heads = ["segment", "advice", "evidence", "n", "owner"], {"n": "customers", "advice": "what to do"}
    return table(shown, name="what_to_do", caption=caption, columns=columns, heads=heads)


def _advice(row: Mapping, look: Look) -> tuple[str, str]:
    """What to do, and why, of a row of ``segments.what_to_do``."""
    what, kind = str(row["what"]).replace("_", " "), row["kind"]
    ends = {"value": row["value"], "value_low": row["low"], "value_high": row["high"]}
    size = partial(estimate, ends, "value", confidence=look.confidence)
    if kind in ("account", "serve"):
        verb, of = ("ended a year", "accounts") if kind == "account" else ("came late", "orders due")
        advice = "find out why agreements end" if kind == "account" else "deliver as promised"
        return advice, f"{size('share')} of {of} {verb}, {_share(row['others'])} of all others'"
    if kind in ("range", "stock"):
        where = "not ranged" if kind == "range" else "not there"
        return (
            f"{'range' if kind == 'range' else 'keep in stock'}: {what}",
            f"wanted and {where} {size('times')} times a day",
        )
    if kind == "campaign":
        return f"{what} campaigns to them", f"{size('points').replace(' points', '')} orders more per 1,000 contacted"
    return f"offer them {what}", f"{size('times')} times the share that all customers spend on it"


def segment_findings(
    who: Frame, whole: Frame, lifts: Frame, marked: int | None, found: Frame, moved: Mapping, ahead: Frame, why: str,
    back: Frame, wishes: Frame, effects: Frame, scores: Frame, look: Look, *, apart: Apart,
) -> Html:  # fmt: skip
    """The answers of the segment report, in the slots of docs/METHODS.md section 1.11."""
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
    sentences += [_clustered(found, moved, look), _ahead(ahead, why, look)]
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
    sentences += [_unmet(wishes, look), _brought(effects, look)]
    return paragraphs([*sentences, apart_sentence(scores, apart, look, by=["segment"])], role="findings")


def _clustered(found: Frame, moved: Mapping, look: Look) -> str:
    """How many clusters there are, whether they are trusted, and whether customers moved between them."""
    if found.empty:
        return "How customers cluster cannot be said: too few have three orders or more in even weeks."
    who = f"How the {_n(found['n'].sum())} customers with enough orders shop makes"
    if len(found) == 1:
        return f"{who} no clusters: they differ by degrees, not by kind."
    largest, weak = found.iloc[0], int((~found["trusted"].astype(bool)).sum())
    sure = f"{weak} of them not to be trusted" if weak else "all stable"
    if bare := int((found["trusted"].astype(bool) & (found["marks"] == "")).sum()):
        sure += f", {bare} of them without a mark in the weeks that made no cluster"
    said = f"{who} {len(found)} clusters, {sure};"
    said += f" the largest, {largest['cluster']}, holds {_share(largest['of_all'])}"
    if not moved["n"] or pd.isna(moved["moved"]):
        return f"{said}; too few can be followed from last year."
    how = "more than" if moved["beyond_low"] > 0 else "less than" if moved["beyond_high"] < 0 else "no more than"
    return (
        f"{said}; since last year {_share(moved['moved'])} moved, {how} the {_share(moved['by_noise'])} of noise alone."
    )


def _ahead(ahead: Frame, why: str, look: Look) -> str:
    if ahead.empty:
        return f"What shoppers will bring in the year ahead is not told: {why}."
    row = ahead.iloc[-1]
    value, kind, of = "value", "money", "of net revenue"
    if pd.isna(row["value"]):
        value, kind, of = "expected", "count", "days with purchases"
    unit = f"{look.currency} " if kind == "money" else ""
    size = estimate(row, value, kind, look.confidence)
    return f"Shoppers without agreement will bring {unit}{size} {of} in the 52 weeks ahead, if they go on as before."


def _unmet(wishes: Frame, look: Look) -> str:
    if wishes.empty:
        return "What was wanted in vain cannot be said: no wishes are on record."
    row = wishes.iloc[0]
    said = f"Of {_n(row['n'])} wishes on record {look.estimate(row, 'unmet')} were not met"
    if pd.isna(row["lost"]):
        return f"{said}; what that cost is not known."
    rest = f", {_n(row['n_unknown'])} more cannot be valued" if row["n_unknown"] else ""
    return f"{said}, worth {look.currency} {estimate(row, 'lost', 'money', look.confidence)}{rest}."


def _brought(effects: Frame, look: Look) -> str:
    """The campaign with the largest uplift that is settled above nothing."""
    if effects.empty or effects["uplift"].isna().all():
        return "What campaigns brought cannot be said: no campaign held enough customers out."
    sure = effects[effects["uplift_low"] > 0]
    if sure.empty:
        return f"No campaign is settled to have brought orders over a family of {len(effects)}."
    row = sure.loc[sure["uplift"].idxmax()]
    size = look.estimate(row, "uplift").replace(" points", "")
    dear = estimate(row, "cost_per_order", "cents", look.confidence)
    return f"Campaign {row['group']} brought {size} orders more per 1,000 contacted, each for {look.currency} {dear}."

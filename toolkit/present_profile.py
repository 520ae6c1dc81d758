"""How does the segment profile look and read? Frame to table, figure with alt text, sentence; no calculation."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.language import number, say, word
from toolkit.present import (
    REVENUE,
    Apart,
    Columns,
    Frame,
    Html,
    Look,
    apart_sentence,
    as_count,
    as_share,
    dots,
    estimate,
    in_money,
    listed,
    named,
    paragraphs,
    percent,
    table,
    trio,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def matrix(cells: Frame, look: Look, *, by: Columns, name: str = "segmentation_matrix") -> Html:
    """The segmentation matrix, or another table of the same columns; without a cost that is known, none of it.

    Parameters
    ----------
    cells
        The result of ``segments.matrix`` by the columns ``by``.
    look
        Facts of the company and period, and what is lacking.
    by
        Columns that make a cell, such as segment and channel, or trait and band.
    name
        File name of the table, without ending.

    Returns
    -------
    Html
        Table, without money, cost or scores that are known of no cell; a sentence without cells.

    Raises
    ------
    AssertionError
        If ``present.table`` does not know how a column of ``by`` reads.

    Notes
    -----
    docs/METHODS.md section 1.1.
    """
    if cells.empty:
        none = say(
            "Of the customers who ordered in {period}, if any, nothing is known to tell them by.", period=look.period
        )
        return paragraphs([none])
    money = [column for column in ("net_revenue", "margin") if cells[column].notna().any()]
    caption = say("Orders placed in {period}, not cancelled, by {groups}", period=look.period, groups=named(by))
    caption += f"; {in_money(look)}; {say('late: of orders due in the period')}"
    costs = ["serve_share"] if (cells["serve_share"].fillna(0) != 0).any() else []
    columns = [*by, "n_customers", "n_orders", *money, *costs, "n_due", "late_share"]
    columns += [*trio("nps"), "n_answers"] if cells["nps"].notna().any() else []
    heads = {"margin": "margin after cost to serve", "late_share": "late", "nps": look.measure}
    return table(cells, name=name, caption=caption, columns=columns, heads=heads)


def profile(who: Frame, customers: Frame, look: Look) -> Html:
    """Who the customers of each segment are; columns that nobody brought are left out.

    Parameters
    ----------
    who
        The result of ``segments.profile``.
    customers
        The frame ``segments``, for what segments are ``built_from``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, one row a segment, largest revenue first.

    Notes
    -----
    docs/METHODS.md section 1.2.
    """
    columns = "segment n_customers customer_share revenue_share orders_each basket lines_each known_days age"
    columns += " household_size card_share nps nps_low nps_high n_answers"
    columns = [column for column in columns.split() if who[column].notna().any()]
    caption = say(
        "Customers who ordered in {period}, by segment (built from {attributes})", period=look.period,
        attributes=", ".join(sorted(customers["built_from"].unique())),
    )  # fmt: skip
    caption += f"; {in_money(look)}"
    return table(who, name="profile", caption=caption, columns=columns, heads={"nps": look.measure})


def preferences(farthest: Frame, lifts: Frame, look: Look, *, ax: "Axes | None" = None) -> "Html | Axes":
    """The categories that most mark a segment, up or down, as far as they are settled; or what it lacks.

    Parameters
    ----------
    farthest
        The result of ``segments.farthest``: what is drawn.
    lifts
        The result of ``segments.preferences``: of which they are the farthest.
    look
        Facts of the company and period, and what is lacking.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html or Axes
        Figure of dots with its data, or ``ax`` as given; what it lacks where ``order_lines.net_revenue`` or
        ``products.category`` is lacking; a sentence where nothing can be compared or nothing is settled.

    Notes
    -----
    docs/METHODS.md section 1.3.
    """
    needs = {**REVENUE, "products": ("category",)}
    if lacking := look.missing(needs, gain=say("shows what each segment buys more of than others")):
        return lacking
    if lifts.empty:
        return paragraphs([say("No category holds enough customers in and outside a segment to compare.")])
    if farthest.empty:
        said = say(
            "None of the {n} categories of segments is apart from all customers in {period}", n=len(lifts),
            period=look.period,
        )  # fmt: skip
        return paragraphs([f"{said}; {look.together(len(lifts), 'permutation')}."])
    caption = say(
        "What marks a segment in {period}: {n} of {all} categories of segments are apart from all customers, the "
        "{shown} farthest are shown",
        period=look.period, n=int(lifts["settled"].sum()), all=len(lifts), shown=len(farthest),
    )  # fmt: skip
    return dots(
        farthest, by=["segment", "category"], value="lift", name="preferences",
        caption=f"{caption}; {look.together(len(lifts), 'permutation')}.", mark=(1.0, say("as all customers")),
        axis=say("share of the segment's revenue, by the share of all customers' revenue"),
        what=say("how much more of a category a segment buys than all customers"),
        columns=["segment", "category", "n_buyers", "share", "share_of_all"],
        heads={"share": "of its revenue"}, ax=ax,
    )  # fmt: skip


def breadth(rows: Frame, look: Look) -> Html:
    """From how many categories, articles and sites customers buy; what nobody recorded is left out.

    Parameters
    ----------
    rows
        The result of ``segments.breadth``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, one row a segment; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 1.3.
    """
    if rows.empty:
        return paragraphs(
            [say("Too few customers ordered in the 52 weeks to the end of {period}.", period=look.period)]
        )
    told = [name for name in ("categories", "articles", "sites") if rows[name].notna().any()]
    caption = say(
        "How widely customers bought in the 52 weeks to the end of {period}: orders, and different categories, "
        "articles and sites, of a customer on average", period=look.period,
    )  # fmt: skip
    caption += f"; {look.together(len(told) * len(rows))}"
    columns = ["segment", "n", "orders_each", *(column for name in told for column in trio(name))]
    heads = {"n": "customers", "orders_each": "orders"}
    return table(rows, name="breadth", caption=caption, columns=columns, heads=heads)


def rfm(groups: Frame, look: Look, *, built_from: Columns, ax: "Axes | None" = None) -> "Html | Axes":
    """RFM groups before the period and what they did in it, descriptive only; or what it lacks.

    Parameters
    ----------
    groups
        The result of ``segments.rfm_table``.
    look
        Facts of the company and period, and what is lacking.
    built_from
        Columns that groups are built from, ``segments.RFM_BUILT_FROM``.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html or Axes
        Figure of dots with its data, or ``ax`` as given; what it lacks where ``order_lines.net_revenue`` is lacking; a
        sentence without groups.

    Notes
    -----
    docs/METHODS.md section 1.4.
    """
    gain = say("groups customers by recency, frequency and value, and shows who came back")
    if (lacking := look.missing(REVENUE, gain=gain)) or groups.empty:
        none = say("No order is known from before the period: there is nothing to group by.")
        return lacking or paragraphs([none])
    heads = {"n": "customers", "n_orders": "orders before (median)", "net_revenue": "revenue before (mean)"}
    caption = say(
        "Customers by recency, frequency and value before {day}; descriptive only: groups are built from {what}",
        day=look.first_day, what=listed(built_from),
    )  # fmt: skip
    caption += f"; {look.together(len(groups))}; {in_money(look)}"
    return dots(
        groups, by=["rfm_group"], value="share", name="rfm_groups", caption=caption,
        axis=say("ordered again in {period}", period=look.period), what=say("share of customers who ordered again"),
        columns=["rfm_group", "n", "of_all", "recency_days", "n_orders", "net_revenue"],
        heads=heads | {"share": "ordered again"}, ax=ax,
    )  # fmt: skip


_WISHES, _CAMPAIGNS = {"shopping_intents": ()}, {"campaign_contacts": (), "campaigns": ()}


def evidence(fit, cost: Mapping, look: Look) -> Html:
    """How many clusters the data hold, and what a wished number costs; or why none are sought.

    Parameters
    ----------
    fit
        The estimator that ``lifestyles.lifestyles`` gives, or None.
    cost
        The result of ``lifestyles.forced``; empty: no wished number is told.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, one row a number of clusters; a sentence without ``fit``.

    Notes
    -----
    docs/METHODS.md section 1.5.
    """
    if fit is None:
        few = say("Fewer than ten customers have three orders or more in even weeks: no clusters are sought.")
        return paragraphs([few])
    rows = fit.evidence_.assign(trust=fit.evidence_["supported"].map({True: "supported", False: "not supported"}))
    rows["trust"] = rows["trust"].where(rows["k"] > 1, "no clusters")
    held = say("the data hold no clusters")
    held = say("the data hold {n} clusters", n=fit.n_clusters_) if fit.n_clusters_ > 1 else held
    caption = say(
        "What another cluster explains beyond chance, of {n} customers with three orders or more in even weeks of the "
        "year to the end of {period}: {held}.", n=as_count(len(fit.labels_)), period=look.period, held=held,
    )  # fmt: skip
    if cost:
        caption += " " + say(
            "Of {n} clusters, as wished, the number that would not come back in samples is {untrusted}; they would "
            "hold {share} of the customers",
            n=cost["n_clusters"], untrusted=cost["untrusted"], share=as_share(cost["held"]),
        )  # fmt: skip
    columns = ["k", "gain", "sure", "jaccard", "silhouette", "trust"]
    heads = {
        "k": "clusters",
        "sure": "in standard deviations",
        "jaccard": "lowest stability (Jaccard)",
        "trust": "verdict",
    }
    return table(rows, name="cluster_evidence", caption=caption, columns=columns, heads=heads)


def clusters(found: Frame, look: Look, *, by_segment: float) -> Html | None:
    """Who is in each cluster and what marks it, how far segments tell it; nothing where none were sought.

    Parameters
    ----------
    found
        The result of ``lifestyles.clusters``.
    look
        Facts of the company and period, and what is lacking.
    by_segment
        The result of ``stats.cramers_v`` of clusters and segments, 0 to 1; missing: not told.

    Returns
    -------
    Html or None
        Table, one row a cluster; a sentence where there is one, which is none; None without rows.

    Notes
    -----
    docs/METHODS.md section 1.5.
    """
    if found.empty:
        return None
    if len(found) == 1:
        return paragraphs([say("There are no clusters to tell of: customers differ by degrees, not by kind.")])
    told = found.assign(trust=found["trusted"].map({True: "yes", False: "not to be trusted"}))
    caption = say(
        "Lifestyle clusters of {period}, found in even weeks; marks are shares of odd weeks, by those of all",
        period=look.period,
    )  # fmt: skip
    if pd.notna(by_segment):
        size = number(by_segment, ".2f")
        caption += say("; segments tell them at Cramér's V of {size} (0: not at all, 1: fully)", size=size)
    heads = {"n": "customers", "trust": "trusted", "marks": "marked by"}
    columns = ["cluster", "n", "of_all", "jaccard", "trust", "marks"]
    return table(told, name="clusters", caption=caption, columns=columns, heads=heads)


def foretold(test: Frame, why: str, look: Look) -> Html:
    """Whether the model of repeat purchases foretold the last year; or why it cannot be asked.

    Parameters
    ----------
    test
        The first result of ``lifetime.customer_value``.
    why
        The third result of ``lifetime.customer_value``; told without ``test`` only.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, one row a segment, the last of all; a sentence with ``why`` without rows.

    Notes
    -----
    docs/METHODS.md section 1.6.
    """
    if test.empty:
        return paragraphs([say("What shoppers will bring cannot be said: {why}.", why=word(why))])
    caption = say(
        "Test: days with purchases in the last 52 weeks, as foretold from what was known before them; customers "
        "without agreement, known by then; each interval {sure}", sure=look.sure,
    )  # fmt: skip
    columns = ["segment", "n", *trio("expected"), "actual", "error_share"]
    return table(test, name="holdout", caption=caption, columns=columns, heads={"n": "customers"}, total=True)


def worth(ahead: Frame, why: str, look: Look) -> Html:
    """What shoppers will bring in the year ahead; or why that is not told.

    Parameters
    ----------
    ahead
        The second result of ``lifetime.customer_value``.
    why
        The third result of ``lifetime.customer_value``; told without ``ahead`` only.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, one row a segment, the last of all; a sentence with ``why`` without rows.

    Notes
    -----
    docs/METHODS.md section 1.6.
    """
    if ahead.empty:
        return paragraphs([say("The year ahead is not told: {why}.", why=word(why))])
    caption = say(
        "The 52 weeks after {period} as foretold: purchases are days with orders, value is net revenue in {currency}, "
        "margin is after cost to serve at this period's rate; each interval {sure}", period=look.period,
        currency=look.currency, sure=look.sure,
    )  # fmt: skip
    columns = ["segment", "n", "alive", *trio("expected"), *trio("value"), "margin"]
    heads = {"n": "customers", "alive": "still buying", "expected": "purchases"}
    return table(
        ahead, name="year_ahead", caption=caption, columns=columns, heads=heads, kinds={"value": "money"}, total=True
    )


def accounts(kept: Frame, look: Look, *, discount: float) -> Html:
    """Who under agreement stays, and what those who are here are worth; or what it lacks.

    Parameters
    ----------
    kept
        The result of ``lifetime.account_value``.
    look
        Facts of the company and period, and what is lacking.
    discount
        What ``kept`` was made with, a year: 0.1 for 10 %.

    Returns
    -------
    Html
        Table, one row a segment, the last of all; what it lacks without ``agreements``; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 1.6.
    """
    gain = say("shows how many accounts stay, and what they are worth")
    if (lacking := look.missing({"agreements": ()}, gain=gain)) or kept.empty:
        none = say("No customer was under agreement in the last 52 weeks, or too few to show.")
        return lacking or paragraphs([none])
    caption = say(
        "Customers under agreement in the 52 weeks to the end of {period}: retention is a year's; value is the yearly "
        "margin of those still here times its multiple, {discount} discount, {currency}; each interval {sure}, of "
        "retention alone", period=look.period, discount=percent(discount), currency=look.currency, sure=look.sure,
    )  # fmt: skip
    columns = ["segment", "n", "n_ended", *trio("retention"), "revenue", "multiple", *trio("value")]
    heads = {"n": "customers", "revenue": "revenue a year"}
    kinds = dict.fromkeys(["value", "revenue"], "money")
    return table(kept, name="accounts", caption=caption, columns=columns, heads=heads, kinds=kinds, total=True)


def migration(flows: Frame, moved: Mapping, look: Look) -> Html:
    """Who moved between clusters, against noise; or that too few can be followed.

    Parameters
    ----------
    flows
        The first result of ``lifestyles.migration``.
    moved
        The second result of ``lifestyles.migration``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, one row a cluster before and cluster after; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 1.7.
    """
    if flows.empty:
        return paragraphs([say("Who moved cannot be said: too few customers have enough orders in both years.")])
    caption = say(
        "Customers by cluster a year before and in {period}: {share} of {n} moved; noise alone moves {noise} (even "
        "against odd weeks); moves of fewer than {least} are left out",
        period=look.period, share=as_share(moved["moved"]),
        n=as_count(moved["n"]), noise=as_share(moved["by_noise"]), least=as_count(look.min_n),
    )  # fmt: skip
    if pd.notna(moved["alike"]):
        share = as_share(moved["alike"])
        caption += say("; clusters found anew in last year's weeks put {share} into the same one", share=share)
    if pd.notna(moved["homogeneity_p"]):
        (grew, p), (turned, q) = ((moved[f"{of}_p"] < 1 - look.confidence, number(moved[f"{of}_p"], ".3f"))
                                  for of in ("homogeneity", "symmetry"))  # fmt: skip
        kept, moved_on = say("clusters kept their sizes"), say("moves go both ways alike")
        kept = say("clusters changed their sizes") if grew else kept
        moved_on = say("moves go more one way") if turned else moved_on
        caption += say(
            "; {kept} (Stuart and Maxwell, p {p}), {moved} (Bowker, p {q})", kept=kept, p=p, moved=moved_on, q=q
        )
    columns, heads = ["before", "after", "n", "share"], {"n": "customers", "share": "of those before"}
    return table(flows, name="migration", caption=caption, columns=columns, heads=heads)


def outcomes(parts: Mapping[str, Frame], look: Look) -> Html:
    """What came of wishes by several columns; or what it lacks.

    Parameters
    ----------
    parts
        Results of ``demand.outcomes``, each under the column it is grouped by; that over all under another name.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, the parts below each other; what it lacks where ``shopping_intents`` is lacking; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 1.8.
    """
    gain = say("shows what customers wanted and did not get, and what that cost")
    told = [part.assign(by=name.replace("_id", ""), group=part.get(name, "(all)")) for name, part in parts.items()]
    rows = pd.concat(told, ignore_index=True)
    if (lacking := look.missing(_WISHES, gain=gain)) or rows.empty:
        return lacking or paragraphs([say("No wish is on record in {period}.", period=look.period)])
    caption = say(
        "Wishes on record in {period}; unmet: not ranged or unavailable; lost: unmet wishes at the mean revenue of a "
        "line of the article, {currency}, those never sold left out; the intervals of each part hold together with "
        "{sure} confidence", period=look.period, currency=look.currency, sure=look.sure,
    )  # fmt: skip
    columns = ["by", "group", "n", "n_persons", "substituted", "unavailable", "not_ranged"]
    columns += [*trio("unmet"), *trio("lost")]
    heads = {"n": "wishes", "lost": "lost revenue", "n_unknown": "unmet without a value"}
    kinds = {"lost": "money", "n_unknown": "count"}
    return table(rows, name="wishes", caption=caption, columns=[*columns, "n_unknown"], heads=heads, kinds=kinds)


def wanted(rows: Frame, look: Look, *, ax: "Axes | None" = None) -> "Html | Axes | None":
    """Wanted but not on the shelf; nothing without wishes.

    Parameters
    ----------
    rows
        The result of ``demand.wanted``.
    look
        Facts of the company and period, and what is lacking.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html, Axes or None
        Figure of dots with its data, or ``ax`` as given; a sentence without rows; None where ``shopping_intents`` is
        lacking.

    Notes
    -----
    docs/METHODS.md section 1.8.
    """
    if look.missing(_WISHES):
        return None
    if rows.empty:
        return paragraphs([
            say("Nothing was wanted in vain by {n} persons or more in {period}.", n=as_count(look.min_n),
                period=look.period)
        ])  # fmt: skip
    caption = say(
        "Wanted but not on the shelf, {period}: the {n} articles and search terms with the most unmet wishes, each of "
        "{least} persons or more; {together} at least", period=look.period, n=len(rows), least=as_count(look.min_n),
        together=look.together(len(rows)),
    )  # fmt: skip
    per_day = say("unmet wishes a day")
    return dots(
        rows, by=["item"], value="per_day", name="wanted", axis=per_day, caption=caption, what=per_day,
        columns=["item", "n", "n_persons", "n_unmet", "unmet", "lost"],
        heads={"n": "wishes", "lost": "lost revenue"}, kinds={"lost": "money"}, ax=ax,
    )  # fmt: skip


def short_lines(rows: Frame, look: Look) -> Html:
    """Lines that came short, where that is what is known of unmet demand; or what it lacks.

    Parameters
    ----------
    rows
        The result of ``demand.short_lines`` by category.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, one row a category; what it lacks where ``delivery_lines`` is lacking; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 1.8.
    """
    lacking = look.missing({"delivery_lines": ()}, gain=say("shows which lines came short"))
    if lacking or rows.empty:
        return lacking or paragraphs([say("No order of {period} has arrived, or too few to show.", period=look.period)])
    caption = say("Lines of orders placed in {period} that have arrived, by category", period=look.period)
    caption += f"; {look.together(len(rows))}"
    columns = ["category", "n", "n_persons", *trio("short"), "not_delivered"]
    heads = {"n": "lines", "short": "came short", "not_delivered": "pieces not delivered"}
    return table(rows, name="short_lines", caption=caption, columns=columns, heads=heads)


def stockouts(rows: Frame, look: Look) -> Html:
    """What was lost because articles ran out, of all whose stock is counted; or what it lacks.

    Parameters
    ----------
    rows
        The result of ``demand.demand_by_group`` over all.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A sentence, of why where it cannot be said; what it lacks where ``stock_levels`` is lacking.

    Notes
    -----
    docs/METHODS.md section 1.8.
    """
    lacking = look.missing({"stock_levels": ()}, gain=say("shows what was lost because articles ran out"))
    if lacking or rows.empty:
        none = say("No article whose stock is counted ran out in {period}.", period=look.period)
        return lacking or paragraphs([none])
    row = rows.iloc[0]
    said = say(
        "Articles ran out in {share} of {n} spans between counts of their stock", share=as_share(row["stocked_out"]),
        n=as_count(row["n"]),
    )  # fmt: skip
    if pd.isna(row["lost"]):
        return paragraphs([said + say("; what that lost cannot be said: {why}.", why=word(row["reason"]))])
    lost, sold = estimate(row, "lost", "count", look.confidence), as_count(row["sold"])
    rest = say("; of these articles {sold} pieces were sold, and {lost} more were wanted.", sold=sold, lost=lost)
    return paragraphs([said + rest])


def uplift(rows: Frame, look: Look, *, by: str, ax: "Axes | None" = None) -> "Html | Axes | None":
    """What campaigns brought by campaign, with repeats of a template, or by segment; or what it lacks.

    Parameters
    ----------
    rows
        The result of ``segments.uplift`` by ``campaign_id`` or by ``segment``.
    look
        Facts of the company and period, and what is lacking.
    by
        What a row is: ``campaign`` or ``segment``.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html, Axes or None
        Figure of dots with its data, or ``ax`` as given. By campaign, without an effect that is known: a table of the
        campaigns, a sentence without rows, what it lacks where ``campaigns`` or ``campaign_contacts`` is lacking. By
        segment: None in these cases.

    Notes
    -----
    docs/METHODS.md section 1.9.
    """
    gain = say("shows what campaigns brought against customers held out of them")
    if (lacking := look.missing(_CAMPAIGNS, gain=gain)) or rows.empty:
        none = say("No campaign of the 52 weeks to the end of {period} can be followed yet.", period=look.period)
        return (lacking or paragraphs([none])) if by == "campaign" else None
    caption = say(
        "Orders more per 1,000 contacted in 28 days, by {by}, against customers held out by lot, of campaigns in the "
        "52 weeks to the end of {period}", by=say(by), period=look.period,
    )  # fmt: skip
    caption += f"; {look.together(len(rows))}; {in_money(look)}"
    columns = ["group", "n_contacted", "n_held_out", "base", *trio("uplift"), *trio("cost_per_order")]
    columns += ["template_id", "use", "cost_each"] if by == "campaign" else []
    if rows["uplift"].isna().all():
        if by != "campaign":
            return None
        columns = [column for column in columns if rows[column].notna().any()]
        caption = say(
            "Campaigns of the 52 weeks to the end of {period}: none held {least} customers or more out, so that what "
            "they brought cannot be told", period=look.period, least=as_count(look.min_n),
        )  # fmt: skip
        return table(rows, name="campaigns", caption=caption, columns=columns, heads={"group": by})
    more = say("orders more per 1,000 contacted")
    return dots(
        rows, by=["group"], value="uplift", name=f"uplift_{by}", axis=more, caption=caption, what=more, columns=columns,
        mark=(0.0, say("nothing")), heads={"group": by, "base": "orders per 1,000 held out"}, ax=ax,
    )  # fmt: skip


def what_to_do(rows: Frame, look: Look) -> Html:
    """What the insight supports for each segment, with its evidence and its owner.

    Parameters
    ----------
    rows
        The result of ``segments.what_to_do``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, one row a piece of advice; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 1.10.
    """
    if rows.empty:
        return paragraphs([say("No advice: nothing that would change what is done for a segment is settled.")])
    told = [_advice(row, look) for row in rows.to_dict("records")]
    shown = rows.assign(advice=[advice for advice, _ in told], evidence=[evidence for _, evidence in told])
    caption = say(
        "What is settled in {period}, by segment, at most three each; the evidence of each kind holds together with "
        "{sure} confidence", period=look.period, sure=look.sure,
    )  # fmt: skip
    columns, heads = ["segment", "advice", "evidence", "n", "owner"], {"n": "customers", "advice": "what to do"}
    return table(shown, name="what_to_do", caption=caption, columns=columns, heads=heads)


def _advice(row: Mapping, look: Look) -> tuple[str, str]:
    """What to do, and why, of a row of ``segments.what_to_do``."""
    what, kind = str(row["what"]).replace("_", " "), row["kind"]
    ends = {"value": row["value"], "value_low": row["low"], "value_high": row["high"]}
    size = partial(estimate, ends, "value", confidence=look.confidence)
    if kind in ("account", "serve"):
        told = {"size": size("share"), "others": as_share(row["others"])}
        if kind == "account":
            ended = say("{size} of accounts ended a year, {others} of all others'", **told)
            return say("find out why agreements end"), ended
        return say("deliver as promised"), say("{size} of orders due came late, {others} of all others'", **told)
    if kind == "range":
        return say("range: {what}", what=what), say("wanted and not ranged {size} times a day", size=size("times"))
    if kind == "stock":
        return say("keep in stock: {what}", what=what), say(
            "wanted and not there {size} times a day", size=size("times")
        )
    if kind == "campaign":
        more = _bare(size("points"))
        return say("{what} campaigns to them", what=what), say("{size} orders more per 1,000 contacted", size=more)
    spent = say("{size} times the share that all customers spend on it", size=size("times"))
    return say("offer them {what}", what=what), spent


def _bare(size: str) -> str:
    """An estimate in points without its unit."""
    return size.replace(" " + say("points"), "")


def segment_findings(
    who: Frame, whole: Frame, lifts: Frame, marked: int | None, found: Frame, moved: Mapping, ahead: Frame, why: str,
    back: Frame, wishes: Frame, effects: Frame, scores: Frame, look: Look, *, apart: Apart,
) -> Html:  # fmt: skip
    """The answers of the segment report, in the slots of docs/METHODS.md section 1.11.

    Parameters
    ----------
    who
        The result of ``segments.profile``.
    whole
        The result of ``cost.serve_costs`` over all.
    lifts
        The result of ``segments.preferences``.
    marked
        The result of ``segments.most_marked`` of ``lifts``.
    found
        The result of ``lifestyles.clusters``.
    moved
        The second result of ``lifestyles.migration``.
    ahead, why
        The second and third results of ``lifetime.customer_value``.
    back
        The result of ``segments.came_back``.
    wishes
        The result of ``demand.outcomes`` over all.
    effects
        The result of ``segments.uplift`` by ``campaign_id``.
    scores
        The result of ``satisfaction.nps`` by segment.
    look
        Facts of the company and period, and what is lacking.
    apart
        The result of ``satisfaction.apart`` of ``scores``.

    Returns
    -------
    Html
        Numbered sentences, one a slot; one alone where nobody ordered.

    Notes
    -----
    docs/METHODS.md section 1.11.
    """
    if who.empty:
        return paragraphs([say("Nobody ordered in {period}.", period=look.period)], role="findings")
    sentences = [_largest(who.iloc[0], whole, look), _marked(lifts, marked, look)]
    sentences += [_clustered(found, moved, look), _ahead(ahead, why, look)]
    if len(back):
        (_, best), (_, others) = back.iterrows()
        sentences.append(
            say(
                "Who ordered again: of the {n} best customers {best}, of the {rest} others {others}. Descriptive: the "
                "groups are made of earlier orders.",
                n=as_count(best["n"]), best=look.estimate(best, "share"), rest=as_count(others["n"]),
                others=look.estimate(others, "share"),
            )
        )  # fmt: skip
    elif look.missing(REVENUE):
        sentences.append(say("Who comes back cannot be said: revenue is not known."))
    else:
        sentences.append(say("Who comes back cannot be said: too few customers are known from before the period."))
    sentences += [_unmet(wishes, look), _brought(effects, look)]
    return paragraphs([*sentences, apart_sentence(scores, apart, look, by=["segment"])], role="findings")


def _largest(first: pd.Series, whole: Frame, look: Look) -> str:
    """How many customers ordered, and which segment is the largest."""
    told = {"n": as_count(whole["n_customers"].iloc[0]), "period": look.period, "segment": first["segment"]}
    part = as_share(first["customer_share"])
    if pd.isna(first["revenue_share"]):
        return say(
            "{n} customers ordered in {period}; {segment} is the largest with {part} of the customers.",
            part=part,
            **told,
        )
    return say(
        "{n} customers ordered in {period}; {segment} brings {revenue} of net revenue with {part} of the customers.",
        revenue=as_share(first["revenue_share"]), part=part, **told,
    )  # fmt: skip


def _marked(lifts: Frame, marked: int | None, look: Look) -> str:
    """What marks a segment most, where that is settled."""
    if lifts.empty:
        return say("What marks a segment cannot be said: revenue by category is not known.")
    if lifts["segment"].nunique() == 1:
        return say("There is one segment only: nothing marks it against another.")
    if marked is None:
        return say("What marks a segment is not settled over a family of {n} intervals.", n=len(lifts))
    top, family = lifts.iloc[marked], say("family of {n}", n=len(lifts))
    return say(
        "Most marked is {segment} in {category}: it spends {size} times the share of all customers.",
        segment=top["segment"], category=top["category"].replace("_", " "), size=look.estimate(top, "lift", family),
    )  # fmt: skip


def _clustered(found: Frame, moved: Mapping, look: Look) -> str:
    """How many clusters there are, whether they are trusted, and whether customers moved between them."""
    if found.empty:
        return say("How customers cluster cannot be said: too few have three orders or more in even weeks.")
    n = as_count(found["n"].sum())
    if len(found) == 1:
        return say(
            "How the {n} customers with enough orders shop makes no clusters: they differ by degrees, not by kind.", n=n
        )
    largest, weak = found.iloc[0], int((~found["trusted"].astype(bool)).sum())
    sure = say("{n} of them not to be trusted", n=weak) if weak else say("all stable")
    if bare := int((found["trusted"].astype(bool) & (found["marks"] == "")).sum()):
        sure += say(", {n} of them without a mark in the weeks that made no cluster", n=bare)
    said = say(
        "How the {n} customers with enough orders shop makes {clusters} clusters, {sure}; the largest, {largest}, "
        "holds {share}",
        n=n, clusters=len(found), sure=sure, largest=largest["cluster"], share=as_share(largest["of_all"]),
    )  # fmt: skip
    if not moved["n"] or pd.isna(moved["moved"]):
        return said + say("; too few can be followed from last year.")
    told = {"share": as_share(moved["moved"]), "noise": as_share(moved["by_noise"])}
    if moved["beyond_low"] > 0:
        return said + say("; since last year {share} moved, more than the {noise} of noise alone.", **told)
    if moved["beyond_high"] < 0:
        return said + say("; since last year {share} moved, less than the {noise} of noise alone.", **told)
    return said + say("; since last year {share} moved, no more than the {noise} of noise alone.", **told)


def _ahead(ahead: Frame, why: str, look: Look) -> str:
    if ahead.empty:
        return say("What shoppers will bring in the year ahead is not told: {why}.", why=word(why))
    row = ahead.iloc[-1]
    if pd.isna(row["value"]):
        size = estimate(row, "expected", "count", look.confidence)
        what = say("{size} days with purchases", size=size)
    else:
        size = f"{look.currency} {estimate(row, 'value', 'money', look.confidence)}"
        what = say("{size} of net revenue", size=size)
    return say(
        "Shoppers without agreement will bring {what} in the 52 weeks ahead, if they go on as before.", what=what
    )


def _unmet(wishes: Frame, look: Look) -> str:
    if wishes.empty:
        return say("What was wanted in vain cannot be said: no wishes are on record.")
    row = wishes.iloc[0]
    said = say("Of {n} wishes on record {size} were not met", n=as_count(row["n"]), size=look.estimate(row, "unmet"))
    if pd.isna(row["lost"]):
        return said + say("; what that cost is not known.")
    lost = f"{look.currency} {estimate(row, 'lost', 'money', look.confidence)}"
    rest = say(", {n} more cannot be valued", n=as_count(row["n_unknown"])) if row["n_unknown"] else ""
    return f"{said}{say(', worth {money}', money=lost)}{rest}."


def _brought(effects: Frame, look: Look) -> str:
    """The campaign with the largest uplift that is settled above nothing."""
    if effects.empty or effects["uplift"].isna().all():
        return say("What campaigns brought cannot be said: no campaign held enough customers out.")
    sure = effects[effects["uplift_low"] > 0]
    if sure.empty:
        return say("No campaign is settled to have brought orders over a family of {n}.", n=len(effects))
    row = sure.loc[sure["uplift"].idxmax()]
    return say(
        "Campaign {name} brought {size} orders more per 1,000 contacted, each for {money}.", name=row["group"],
        size=_bare(look.estimate(row, "uplift")),
        money=f"{look.currency} {estimate(row, 'cost_per_order', 'cents', look.confidence)}",
    )  # fmt: skip

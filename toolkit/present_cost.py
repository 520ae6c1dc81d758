"""How does the cost report look and read? Frame to table, figure with alt text, sentence; no calculation."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.language import number, say, word
from toolkit.present import (
    ACCENT,
    QUIET,
    REVENUE,
    WARN,
    Columns,
    Frame,
    Html,
    Look,
    as_cents,
    as_count,
    as_money,
    as_share,
    between,
    canvas,
    dots,
    figure,
    in_money,
    named,
    one_kind,
    panels,
    paragraphs,
    sizes,
    table,
    trio,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MONEY = ("net_revenue", "cost_of_goods", "freight", "handling", "cost_to_serve", "margin")
_SUMS = ("posted", "allocated", "unused", "over_absorbed", "unassigned", "difference")
_LEDGER = {"ledger": (), "resource_pools": (), "activities": ()}
_PROFIT = {"order_lines": ("net_revenue", "cost_of_goods")}


def ledger_tie(tie: Frame, look: Look) -> Html:
    """The tie-out of the ledger by account and month, or what would unlock it.

    Parameters
    ----------
    tie
        The result of ``cost.tie_out``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, its last row the total; what it lacks where ``ledger``, ``resource_pools`` or ``activities`` is lacking.

    Notes
    -----
    docs/METHODS.md section 3.1.
    """
    if lacking := look.missing(_LEDGER, gain=say("shows where every posted cent of the ledger stands")):
        return lacking
    caption = say("Ledger of {period} by account and month, {currency}", period=look.period, currency=look.currency)
    columns = [column for column in _SUMS if column != "over_absorbed" or (tie[column] != 0).any()]
    told = tie.assign(month=tie["month"].str[:7])
    return table(told, name="ledger_tie_out", caption=caption, columns=["account", "month", *columns], total=True)


def faults(found: Frame, look: Look) -> Html | None:
    """What stands in no customer's cost; that there is nothing; or nothing at all where there is no ledger.

    Parameters
    ----------
    found
        The result of ``cost.faults``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        Table, or a sentence that there is none; None where ``ledger``, ``resource_pools`` or ``activities`` is lacking.

    Notes
    -----
    docs/METHODS.md section 3.1.
    """
    if look.missing(_LEDGER):
        return None
    if found.empty:
        none = say("Nothing of what costs are made of was set aside or left without a pool, posting or capacity.")
        return paragraphs([none])
    caption = say("What was named and counted in {period}, and spread on nobody", period=look.period)
    caption += f"; {in_money(look)}"
    columns, heads = ["fault", "name", "n", "cost"], {"n": "rows, months or customers"}
    return table(found, name="cost_faults", caption=caption, columns=columns, heads=heads)


def capacity(pools: Frame, look: Look) -> Html:
    """Rate, time used and time unused of each pool, or what would unlock it.

    Parameters
    ----------
    pools
        The result of ``cost.capacity_use``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, without columns of money that are 0 in all pools; what it lacks where ``ledger``, ``resource_pools`` or
        ``activities`` is lacking.

    Notes
    -----
    docs/METHODS.md section 3.2.
    """
    if lacking := look.missing(_LEDGER, gain=say("shows each pool's cost per minute and its unused capacity")):
        return lacking
    money = [x for x in ("posted", "charged", "unused", "over_absorbed", "unassigned") if (pools[x] != 0).any()]
    columns = ["pool", "minutes", "used_minutes", "used_share", "rate"]
    heads = {"rate": say("{currency} per minute", currency=look.currency)}
    caption = say("Capacity of each cost pool in {period}", period=look.period) + f"; {in_money(look)}"
    kinds = dict.fromkeys(money, "money")
    return table(pools, name="capacity", caption=caption, columns=[*columns, *money], heads=heads, kinds=kinds)


def support(passed: Frame, look: Look) -> Html | None:
    """What pools that serve pools passed on; nothing where none does.

    Parameters
    ----------
    passed
        The result of ``cost.passed_on``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        Table, one row a pool that passes on and pool that receives; None where nothing was passed on.

    Notes
    -----
    docs/METHODS.md section 3.2.
    """
    told = passed[passed["via"] != ""].groupby(["via", "pool"], as_index=False)["amount"].sum()
    if told.empty:
        return None
    caption = say("What pools that serve pools passed on before customers were charged")
    caption += f", {look.period}, {look.currency}"
    heads = {"via": "from", "pool": "to"}
    return table(told, name="support", caption=caption, columns=["via", "pool", "amount"], heads=heads)


def serve_costs(costs: Frame, look: Look, *, name: str, by: Columns) -> Html:
    """Revenue and cost to serve by some columns.

    Parameters
    ----------
    costs
        The result of ``cost.serve_costs`` by the columns ``by``.
    look
        Facts of the company and period, and what is lacking.
    name
        File name of the table, without ending.
    by
        Columns that make a group, at least one.

    Returns
    -------
    Html
        Table, without columns of money that are known of no group.

    Raises
    ------
    AssertionError
        If ``present.table`` does not know how a column of ``by`` reads.

    Notes
    -----
    docs/METHODS.md section 3.3; by region section 3.4.
    """
    money = [column for column in _MONEY if costs[column].notna().any()]
    columns = [*by, *(x for x in ("n_orders", "n_customers") if x in costs), *money, "serve_share"]
    caption = say("Orders placed in {period}, not cancelled, by {groups}", period=look.period, groups=named(by))
    return table(costs, name=name, caption=f"{caption}; {in_money(look)}{look.assuming()}", columns=columns)


def by_product_group(costs: Frame, look: Look) -> Html:
    """Revenue and cost to serve by product category; or what it lacks.

    Parameters
    ----------
    costs
        The result of ``cost.by_product_group``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table; what it lacks where ``products.category`` is lacking.

    Notes
    -----
    docs/METHODS.md section 3.4.
    """
    lacking = look.missing({"products": ("category",)}, gain=say("shows which product groups pay for their service"))
    return lacking or serve_costs(costs, look, name="cost_by_product_group", by=["category"])


_CLASSES = ("rush", "one line", "two to four lines", "five to nine lines", "ten lines and more")


def by_kind(costs: Frame, look: Look, *, by: str) -> Html:
    """Revenue and cost to serve by class of order or way of acquiring; that there is one kind only.

    Parameters
    ----------
    costs
        The result of ``cost.serve_costs`` by the column ``by``, of what ``cost.told_apart`` gave.
    look
        Facts of the company and period, and what is lacking.
    by
        ``order_class`` or ``fulfilment``.

    Returns
    -------
    Html
        Table, kinds without orders last; a sentence where orders have one kind only.

    Notes
    -----
    docs/METHODS.md section 3.4.
    """
    kinds = costs[costs["n_orders"] > 0]
    if len(kinds) == 1:
        return paragraphs([one_kind(say("All orders placed in {period}", period=look.period), by, kinds[by].iloc[0])])
    order = {name: place for place, name in enumerate(_CLASSES)}
    last = costs["n_orders"] == 0
    told = costs.assign(_last=last, _at=costs[by].map(order)).sort_values(["_last", "_at", by])
    told = told.assign(**{by: told[by].str.replace("_", " ")})
    return serve_costs(told, look, name=f"cost_by_{by}", by=[by])


def by_department(rows: Frame, look: Look) -> Html | None:
    """What each department's work for customers cost; nothing where no work is recorded.

    Parameters
    ----------
    rows
        The result of ``cost.by_department``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        Table, one row a department and activity; None without rows.

    Notes
    -----
    docs/METHODS.md section 3.4.
    """
    if rows.empty:
        return None
    caption = say("Work of departments in {period}, charged to customers", period=look.period) + f", {in_money(look)}"
    told = rows.assign(activity=rows["activity"].str.replace("_", " "))
    columns, heads = ["department", "activity", "times", "minutes", "cost"], {"minutes": "minutes", "times": "times"}
    kinds = {"times": "count", "cost": "money"}
    return table(told, name="cost_by_department", caption=caption, columns=columns, heads=heads, kinds=kinds)


def waterfall(steps: Frame, look: Look, *, by: str, axes: "Sequence[Axes] | None" = None) -> "Html | Sequence[Axes]":
    """From revenue, or the margin before service, to what is left, a panel a group (six at most); or what it lacks.

    It starts from the margin before service where the cost of goods is known.

    Parameters
    ----------
    steps
        The result of ``cost.waterfall`` by the column ``by``.
    look
        Facts of the company and period, and what is lacking.
    by
        Column that makes a group, such as ``segment``.
    axes
        Axes to draw on, one a group in the order of ``steps``; without them it is a figure of its own.

    Returns
    -------
    Html or sequence of Axes
        Figure with its data, which are all steps of all groups, or ``axes`` as given; what it lacks where
        ``order_lines.net_revenue`` is lacking; a sentence without steps.

    Raises
    ------
    AssertionError
        If ``present.table`` does not know how the column ``by`` reads.

    Notes
    -----
    docs/METHODS.md section 3.3.
    """
    from matplotlib.ticker import MaxNLocator

    if lacking := look.missing(REVENUE, gain=say("shows what becomes of each segment's revenue")):
        return lacking
    if steps.empty:
        return paragraphs(
            [say("Nobody ordered in {period}, or the revenue of a group is not known.", period=look.period)]
        )
    wide = steps.pivot(index="step", columns=by, values="amount").loc[list(dict.fromkeys(steps["step"]))]
    wide, first = wide[list(dict.fromkeys(steps[by]))] / 100, "net revenue"
    if "cost of goods" in wide.index:  # beside the goods, what serving costs would hardly be seen
        wide.loc[first] += wide.loc["cost of goods"]
        first = "margin before service"
        wide = wide.drop("cost of goods").rename({"net revenue": first})
    shown, places = list(wide)[:6], range(len(wide))
    fig, axes = panels(axes, len(shown), high=0.9 + 0.28 * len(wide), sharey=True)
    told = []
    for ax, name in zip(axes, shown, strict=False):
        amounts = wide[name]
        starts = (amounts.cumsum() - amounts).where(wide.index != "result", 0)
        colours = [ACCENT if label in (first, "result") else WARN for label in wide.index]
        ax.barh(places, amounts, left=starts, color=colours, height=0.7)
        ax.axvline(0, color=QUIET, linewidth=1)
        ax.set_title(name, fontsize=11)
        ax.xaxis.set_major_formatter(lambda value, _: number(value, ",.0f"))
        ax.xaxis.set_major_locator(MaxNLocator(3))
        ax.set_yticks(places, [word(label).replace("_", " ") for label in wide.index])
        ax.set_ylim(len(wide) - 0.5, -0.5)
        ax.grid(axis="y", visible=False)
        ends = (as_money(100 * amounts.iloc[at]) for at in (0, -1))
        told.append(say("{name}, {first} to {last}", name=name, **dict(zip(("first", "last"), ends, strict=True))))
    if fig:
        fig.tight_layout()
    left = say("the result")
    left = left if first != "net revenue" else say("what is left before the cost of goods, which is not known")
    path = say("from {first} to {last}", first=word(first), last=left)
    caption = say("{path}, by {by}, {period}, {currency}", path=path[0].upper() + path[1:], by=say(by),
                  period=look.period, currency=look.currency) + look.assuming()  # fmt: skip
    data = table(
        steps.assign(step=steps["step"].str.replace("_", " ")), name=f"waterfall_by_{by}", caption=caption,
        columns=[by, "step", "amount"],
    )  # fmt: skip
    alt = say("Steps {path}, {currency}: {groups}.", path=path, currency=look.currency, groups="; ".join(told))
    return figure(fig, name=f"waterfall_by_{by}", alt=alt, caption=caption, data=data, ax=axes)


def serve_figure(shares: Frame, look: Look, *, by: Columns, ax: "Axes | None" = None) -> "Html | Axes":
    """Cost to serve as a share of revenue, one row a group, with intervals that hold together; or what it lacks.

    Parameters
    ----------
    shares
        The result of ``cost.serve_shares`` by the columns ``by``.
    look
        Facts of the company and period, and what is lacking.
    by
        Columns that make a group, at least one.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html or Axes
        Figure of dots with its data, dearest first, or ``ax`` as given; what it lacks where ``order_lines.net_revenue``
        is lacking; a sentence where every share is 0 or missing.

    Notes
    -----
    docs/METHODS.md section 3.3.
    """
    if lacking := look.missing(REVENUE, gain=say("shows what serving takes out of each unit of revenue")):
        return lacking
    if shares["ratio"].isna().all():
        return paragraphs([say("No group has a revenue above 0 in {period}: none has a share.", period=look.period)])
    if (shares["ratio"].fillna(0) == 0).all():
        return paragraphs([_no_cost()])
    ordered = shares.dropna(subset=["ratio"]).sort_values("ratio", ascending=False, ignore_index=True)
    caption = say("Cost to serve by {groups}", groups=named(by)) + f", {sizes(ordered, say('customers'))}; "
    caption += f"{look.together(len(ordered))}{look.assuming()}."
    return dots(
        ordered, by=by, value="ratio", name="serve_share", axis=say("cost to serve, share of net revenue"),
        what=say("cost to serve as a share of net revenue"), columns=[*by, "n"], heads={"n": "customers"},
        caption=caption, ax=ax,
    )  # fmt: skip


def results(rows: Frame, look: Look) -> Html | None:
    """What each segment earns, and whether that is settled; nothing where profit is not known.

    Parameters
    ----------
    rows
        The result of ``profit.results``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        Table, one row a segment, the largest loss first; None without rows.

    Notes
    -----
    docs/METHODS.md section 3.5.
    """
    if rows.empty:
        return None
    caption = say(
        "Result of each segment in {period}, {currency}: it loses money if its interval lies below 0, or if it did so "
        "in the period before too", period=look.period, currency=look.currency,
    )  # fmt: skip
    caption += f"; {look.together(len(rows))}"
    columns, heads = ["segment", "n", *trio("profit"), "before", "verdict"], {"n": "customers", "profit": "result"}
    kinds = {"before": "money"}
    heads["before"] = "in the period before"
    return table(rows, name="result_by_segment", caption=caption, columns=columns, heads=heads, kinds=kinds)


def whale(steps: Frame, look: Look, *, earlier: bool, ax: "Axes | None" = None) -> "Html | Axes":
    """The whale curve in steps of customers with its band, or what would unlock it.

    Parameters
    ----------
    steps
        The result of ``profit.whale_curve``.
    look
        Facts of the company and period, and what is lacking.
    earlier
        Are customers ranked by what they earned in the four periods before?
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html or Axes
        Figure with its data, or ``ax`` as given; what it lacks where ``net_revenue`` or ``cost_of_goods`` of
        ``order_lines`` is lacking; a sentence where too few customers ordered.

    Notes
    -----
    docs/METHODS.md section 3.5.
    """
    if lacking := look.missing(_PROFIT, gain=say("shows which customers earn the profit and which consume it")):
        return lacking
    if steps.empty:
        return paragraphs(
            [say("Too few customers ordered in {period} to show who earns the profit.", period=look.period)]
        )
    fig, ax = canvas(ax)
    across = [0, *100 * steps["customers"]]
    ax.fill_between(
        across, [0, *steps["cumulated_low"] / 100], [0, *steps["cumulated_high"] / 100], color=ACCENT, alpha=0.2
    )
    ax.plot(across, [0, *steps["cumulated"] / 100], color=ACCENT, marker="o", markersize=3)
    total, top = steps["cumulated"].iloc[-1], steps.iloc[steps["cumulated"].to_numpy().argmax()]
    ax.axhline(total / 100, color=QUIET, linewidth=1)
    ax.annotate(say("total"), (0, total / 100), ha="left", va="bottom", color=QUIET)
    ax.yaxis.set_major_formatter(lambda value, _: number(value, ",.0f"))
    ranked = say("the four periods before") if earlier else say("this period")
    ax.set_xlabel(say("customers, most profitable of {ranked} first (per cent)", ranked=ranked))
    ax.set_ylabel(say("cumulated profit ({currency})", currency=look.currency))
    n = as_count(steps["n"].sum())
    alt = say(
        "Curve of cumulated profit over {n} customers: it rises to {currency} {top} after {share} of them and ends at "
        "{total}.", n=n, currency=look.currency, top=as_money(top["cumulated"]), share=as_share(top["customers"]),
        total=as_money(total),
    )  # fmt: skip
    caption = say(
        "Profit of {period} after cost to serve, cumulated, n = {n} customers, ranked by the profit of {ranked}",
        period=look.period, n=n, ranked=ranked,
    )  # fmt: skip
    caption += say(", as far as it is on record; new ones last") if earlier else ""
    caption += say("; band: {sure} at each step (bootstrap over customers)", sure=look.sure)
    columns = ["customers", "who", "n", "profit", *trio("cumulated"), "of_total"]
    heads = {"n": "customers in this step", "customers": "customers reached"}
    shown = table(steps, name="whale_curve", caption=caption, columns=columns, heads=heads)
    return figure(fig, name="whale_curve", alt=alt, caption=caption, data=shown, ax=ax)


def concentration(told: Mapping, look: Look) -> Html | None:
    """Who loses money, and how concentrated revenue and profit are; nothing where profit is not known.

    Parameters
    ----------
    told
        The result of ``profit.summary``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        Sentences, fewer losing customers than ``look.min_n`` not counted; None where profit is known of nobody.

    Notes
    -----
    docs/METHODS.md section 3.5.
    """
    if not told["n"]:
        return None
    said = [say("In {period} {who}.", period=look.period, who=_losers(told, look))]
    gini, stobachoff = (pd.notna(told[name]) and number(told[name], ".2f") for name in ("gini", "stobachoff"))
    measures = [say("revenue {size} (Gini)", size=gini)] * bool(gini)
    measures += [say("profit {size} (Stobachoff)", size=stobachoff)] * bool(stobachoff)
    if measures:
        said.append(say("Concentration, 0 if all customers were alike: {sizes}.", sizes=", ".join(measures)))
    return paragraphs([*said, say("All of it{assuming}.", assuming=look.assuming())] if look.assumed else said)


def _losers(told: Mapping, look: Look) -> str:
    if told["n_losing"] < look.min_n:
        return say("fewer than {least} of {n} customers lose money", least=as_count(look.min_n), n=as_count(told["n"]))
    said = say(
        "{losing} of {n} customers lose money, {currency} {money} in all", losing=as_count(told["n_losing"]),
        n=as_count(told["n"]), currency=look.currency, money=as_money(-told["losing"]),
    )  # fmt: skip
    if told["n_twice"] < look.min_n:
        return said
    return said + say(
        "; {n} of them in the period before too, {currency} {money} of it", n=as_count(told["n_twice"]),
        currency=look.currency, money=as_money(-told["twice"]),
    )  # fmt: skip


_WHAT_TO_DO = {
    "passive": "protect: they pay for the others",
    "carriage trade": "keep the service, and its price",
    "bargain basement": "keep it simple: the standard service",
    "aggressive": "charge for the service, or make it standard",
    "no revenue": "ask why they are served",
}


def matrix(fields: Frame, look: Look) -> Html:
    """The profitability matrix with what to do in each field, or what would unlock it.

    Parameters
    ----------
    fields
        The first result of ``profit.matrix``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, one row a field; what it lacks where ``net_revenue`` or ``cost_of_goods`` of ``order_lines`` is lacking.

    Notes
    -----
    docs/METHODS.md section 3.6.
    """
    if lacking := look.missing(_PROFIT, gain=say("shows whose margin pays for the service they get")):
        return lacking
    told = fields.assign(what=fields["field"].map(_WHAT_TO_DO))
    caption = say(
        "Customers of {period} by margin before service (high: passive, carriage trade) and cost to serve (high: "
        "carriage trade, aggressive), each by revenue and against that of all customers; money in {currency}; in the "
        "same field: of those known in the four periods before", period=look.period, currency=look.currency,
    )  # fmt: skip
    columns = ["field", "what", "n", "net_revenue", "before_service", "cost_to_serve", "profit", "stayed"]
    heads = {"n": "customers", "before_service": "margin before service", "stayed": "in the same field before"}
    heads |= {"profit": "result", "what": "what to do"}
    return table(told, name="profitability_matrix", caption=caption, columns=columns, heads=heads)


def moves(rows: Frame, look: Look) -> Html | None:
    """Who moved between fields; nothing where the four periods before are not known.

    Parameters
    ----------
    rows
        The second result of ``profit.matrix``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        Table, one row a field before and field after; None without rows.

    Notes
    -----
    docs/METHODS.md section 3.6.
    """
    if rows.empty:
        return None
    caption = say(
        "Customers by field in the four periods before and in {period}; descriptive: who is judged by less moves more; "
        "moves of fewer customers are left out", period=look.period,
    )  # fmt: skip
    columns, heads = ["before", "after", "n", "share"], {"n": "customers", "share": "of those before"}
    return table(rows, name="matrix_moves", caption=caption, columns=columns, heads=heads)


def losing_kinds(rows: Frame, look: Look) -> Html:
    """Segments and classes of orders that cost more than they bring, or that there are none; or what it lacks.

    Parameters
    ----------
    rows
        The result of ``cost.losing_kinds`` by segment and order class.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Table, the largest loss first; a sentence without rows; what it lacks where ``net_revenue`` or ``cost_of_goods``
        of ``order_lines`` is lacking.

    Notes
    -----
    docs/METHODS.md section 3.4; what counts as one is in section 3.7.
    """
    if lacking := look.missing(_PROFIT, gain=say("shows which orders cost more than they bring")):
        return lacking
    if rows.empty:
        return paragraphs([say("Orders of no segment and class cost more than they bring.")])
    caption = say(
        "Orders of {period} that cost more than they bring, by segment and class, money in {currency}; work for no "
        "order is not in here", period=look.period, currency=look.currency,
    )  # fmt: skip
    columns, heads = ["kind", "n_orders", "n_customers", *_MONEY, "serve_share"], {"kind": "segment, class of order"}
    return table(_kinds_told(rows), name="losing_orders", caption=caption, columns=columns, heads=heads)


def _kinds_told(rows: Frame) -> Frame:
    """Kinds of orders as read: the segment is the company's, the class of the order a word of ours."""
    parts = rows["kind"].str.rpartition(", ")
    return rows.assign(kind=parts[0] + ", " + parts[2].map(word))


def against_standard(rows: Frame, look: Look) -> Html | None:
    """What an order costs to serve, against the segment's standard order; nothing where no cost is known.

    Parameters
    ----------
    rows
        The result of ``levers.against_standard``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        Table, one row a segment; None without rows, or where every cost is 0.

    Notes
    -----
    docs/METHODS.md section 3.7.
    """
    if rows.empty or not rows["cost"].any():
        return None
    caption = say(
        "Cost to serve of an order in {period} against the standard order of its segment, {currency}",
        period=look.period, currency=look.currency,
    ) + look.assuming()  # fmt: skip
    columns = ["segment", "n_orders", "each", "standard_each", "cost", "at_standard", "beyond"]
    heads = {"each": "an order costs", "standard_each": "a standard order", "cost": "cost to serve"}
    kinds = {"each": "cents", "standard_each": "cents"} | dict.fromkeys(columns[4:], "money")
    return table(rows, name="against_standard", caption=caption, columns=columns, heads=heads, kinds=kinds)


def levers(rows: Frame, every: Frame, look: Look) -> Html | None:
    """The levers with the most money beyond the standard; nothing where no cost is known.

    Parameters
    ----------
    rows
        The result of ``levers.top``.
    every
        The result of ``levers.levers``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table; a sentence without ``rows``; None where ``every`` has no cost.

    Notes
    -----
    docs/METHODS.md section 3.7.
    """
    if every.empty or not every["cost"].any():
        return None
    if rows.empty:
        return paragraphs([say("No cost lies beyond what is usual in its segment.")])
    caption = say(
        "The {n} levers with the most money beyond the standard order of their segment, {period}", n=len(rows),
        period=look.period,
    )  # fmt: skip
    return _levers(rows, look, name="levers", caption=caption)


def all_levers(every: Frame, look: Look) -> Html | None:
    """All levers, which add up to cost to serve, behind a disclosure; nothing where no cost is known.

    Parameters
    ----------
    every
        The result of ``levers.levers``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table behind a disclosure; None where ``every`` has no cost.

    Notes
    -----
    docs/METHODS.md section 3.7.
    """
    if every.empty or not every["cost"].any():
        return None
    caption = say("All levers of {period}; the rows of a segment add up to its cost to serve", period=look.period)
    behind = _levers(every, look, name="levers_all", caption=caption)
    said = html.escape(say("All levers, adding up to cost to serve"))
    return Html(f"<details><summary>{said}</summary>{behind.html}</details>", behind.text, behind.mime)


def _levers(rows: Frame, look: Look, *, name: str, caption: str) -> Html:
    columns = ["segment", "lever", "n_orders", "units", "standard", "cost", "at_standard", "beyond"]
    heads = {
        "n_orders": "of orders",
        "units": "how often",
        "standard": "usual an order",
        "beyond": say("beyond the standard ({currency})", currency=look.currency),
    }
    kinds = {"units": "count"} | dict.fromkeys(columns[5:], "money")
    told = rows.assign(lever=rows["lever"].str.replace("_", " "))
    return table(told, name=name, caption=caption, columns=columns, heads=heads, kinds=kinds)


def uncertain(rows: Frame, pairs: Frame, look: Look, *, ax: "Axes | None" = None) -> "Html | Axes | None":
    """How far margins would move with the declared times and capacities; that none is declared; or nothing.

    Parameters
    ----------
    rows
        The first result of ``levers.uncertain``: segments.
    pairs
        The second result of ``levers.uncertain``: neighbours, whose places may not be settled.
    look
        Facts of the company and period, and what is lacking.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html, Axes or None
        Figure of dots with its data, or ``ax`` as given; a sentence without ``rows``; None where ``ledger``,
        ``resource_pools``, ``activities``, or ``net_revenue`` or ``cost_of_goods`` of ``order_lines`` is lacking.

    Notes
    -----
    docs/METHODS.md section 3.8.
    """
    if look.missing(_LEDGER) or look.missing(_PROFIT):
        return None
    if rows.empty:
        none = say(
            "How sure the declared times and capacities are is not declared (give_or_take, capacity_give_or_take, in "
            "cost.yaml), or no margin is known; they are taken as exact."
        )
        return paragraphs([none])
    open_ = [say("{first} above {second} (in {share} of draws)", first=pair.first, second=pair.second,
                 share=as_share(pair.kept)) for pair in pairs.itertuples() if not pair.settled]  # fmt: skip
    caption = say(
        "Margin after cost to serve by segment, {period}, {currency}, if times and capacities are as unsure as "
        "declared; {sure} of draws lie between low and high.",
        period=look.period, currency=look.currency, sure=look.sure,
    )  # fmt: skip
    rest = say("Not settled: {pairs}.", pairs="; ".join(open_)) if open_ else say("Every segment keeps its place.")
    return dots(
        rows, by=["segment"], value="margin", name="margin_uncertainty", what=say("margin by segment"),
        axis=say("margin after cost to serve ({currency})", currency=look.currency), columns=["segment", "below"],
        heads={"below": "a loss in"}, caption=f"{caption} {rest}", ax=ax,
    )  # fmt: skip


def findings(
    tie: Frame, total: Frame, shares: Frame, leader: int | None, told: Mapping, rows: Frame, losing: Frame,
    dear: Frame, look: Look, *, by: Columns,
) -> Html:  # fmt: skip
    """The answers of the cost report, in the slots of docs/METHODS.md section 3.9.

    Parameters
    ----------
    tie
        The result of ``cost.tie_out``.
    total
        The result of ``cost.serve_shares`` over all.
    shares
        The result of ``cost.serve_shares`` by the columns ``by``.
    leader
        The result of ``stats.leader`` of ``shares`` by ``ratio``.
    told
        The result of ``profit.summary``.
    rows
        The result of ``profit.results``.
    losing
        The result of ``cost.losing_kinds`` by segment and order class.
    dear
        The result of ``levers.top``.
    look
        Facts of the company and period, and what is lacking.
    by
        Columns that group ``shares``.

    Returns
    -------
    Html
        Numbered sentences; the first slot and one more where nobody ordered, or revenue or cost is not known.

    Notes
    -----
    docs/METHODS.md section 3.9.
    """
    said = [_tied(tie, look)]
    if total.empty:
        return paragraphs([*said, say("Nobody ordered in {period}.", period=look.period)], role="findings")
    one = total.iloc[0]
    if pd.isna(one["ratio"]):
        none = say("What serving takes out of revenue, and who earns the profit, cannot be said: revenue is not known.")
        return paragraphs([*said, none], role="findings")
    if one["ratio"] == 0:
        return paragraphs([*said, _no_cost()], role="findings")
    said += [_taken(one, look), _dearest(shares, leader, look, by=by)]
    if not told["n"]:
        said.append(say("Which customers earn or lose money cannot be said: the cost of goods is not known."))
    else:
        said += _earned(told, rows, losing, look)
    if len(dear):
        first, name = dear.iloc[0], word(dear["lever"].iloc[0]).replace("_", " ")
        said.append(
            say(
                "Most beyond the standard: {lever} of {segment}, {money}{mark}.", lever=name, segment=first["segment"],
                money=_sum(first["beyond"], look), mark=_mark(look),
            )
        )  # fmt: skip
    return paragraphs(said, role="findings")


def _no_cost() -> str:
    return say(
        "What serving costs cannot be said: no freight (deliveries.freight_cost), no work (activities) and no "
        "assumption (handling, payments, in cost.yaml) is known."
    )


def _sum(cents: int, look: Look) -> str:
    return f"{look.currency} {as_money(cents)}"


def _mark(look: Look) -> str:
    return say(" (under assumed rates)") if look.assumed else ""


def _tied(tie: Frame, look: Look) -> str:
    """Whether the ledger ties out, or that there is none."""
    if tie.empty or tie["posted"].iloc[-1] == 0:
        handled = say(" and rates as assumed") if look.assumed else ""
        return say(
            "No ledger for {period}: what follows is freight as charged{handled}, not posted cost.",
            period=look.period, handled=handled,
        )  # fmt: skip
    row = tie.iloc[-1]
    sums = {name: as_cents(row[name]) for name in _SUMS}
    more = say(" - {over} over-absorbed", over=sums["over_absorbed"].removeprefix("-")) if row["over_absorbed"] else ""
    return say(
        "The ledger of {period} {ties}: {currency} {posted} posted = {allocated} allocated + {unused} unused + "
        "{unassigned} unassigned{more}, difference {difference}.",
        period=look.period, currency=look.currency, more=more,
        ties=say("ties") if row["difference"] == 0 else say("DOES NOT TIE"), **sums,
    )  # fmt: skip


def _taken(one: pd.Series, look: Look) -> str:
    """What serving takes out of revenue."""
    interval = between(one["ratio_low"], one["ratio_high"], "share", look.confidence)
    return say(
        "Serving customers cost {share} of net revenue ({interval}, n = {n} customers){assuming}.",
        share=as_share(one["ratio"]), interval=interval, n=as_count(one["n"]), assuming=look.assuming(),
    )  # fmt: skip


def _dearest(shares: Frame, leader: int | None, look: Look, *, by: Columns) -> str:
    """The group that is dearest to serve, where that is settled."""
    n, groups = shares["ratio"].notna().sum(), named(by)
    family = say("over a family of {n} intervals by {groups}", n=n, groups=groups)
    if leader is None:
        return say("Which group is dearest to serve is not settled {family}.", family=family)
    top = shares.iloc[leader]
    interval = between(top["ratio_low"], top["ratio_high"], "share", look.confidence)
    return say(
        "Dearest to serve is {group}: {share} of its revenue ({interval}, {family}){mark}.", mark=_mark(look),
        group=", ".join(top[name] for name in by), share=as_share(top["ratio"]), interval=interval, family=family,
    )  # fmt: skip


def _earned(told: Mapping, rows: Frame, losing: Frame, look: Look) -> list[str]:
    """What customers earn together, and which segments and orders lose money."""
    earned, mark = say("Customers together earn {money}", money=_sum(told["total"], look)), _mark(look)
    if pd.notna(told["top"]):
        size = look.estimate(told, "top")
        earned += say("; the best fifth of the four periods before earns {size} of it", size=size)
    said = [f"{earned}; {_losers(told, look)}{mark}."]
    lost = rows[rows["verdict"] == "loses money"]
    names = ", ".join(f"{row.segment} ({_sum(row.profit, look)})" for row in lost.itertuples())
    settled = (rows["verdict"] != "not settled").sum()
    if len(lost) == 1:
        said.append(say("Loses money: {which}{mark}.", which=names, mark=mark))
    elif len(lost):
        said.append(say("Lose money: {which}{mark}.", which=names, mark=mark))
    else:
        n, total = as_count(settled), as_count(len(rows))
        said.append(
            say("No segment loses money; that of {n} of {total} is settled{mark}.", n=n, total=total, mark=mark)
        )
    if len(losing):
        first = _kinds_told(losing.head(3)).itertuples()
        names = "; ".join(f"{row.kind} ({_sum(row.margin, look)})" for row in first)
        said.append(say("Orders that cost more than they bring: {which}{mark}.", which=names, mark=mark))
    return said

"""How does the cost report look and read? Frame to table, figure with alt text, sentence; no calculation."""

from collections.abc import Mapping
from functools import partial

import matplotlib.pyplot as plt
import pandas as pd

from toolkit.present import (
    ACCENT,
    QUIET,
    REVENUE,
    WARN,
    Columns,
    Frame,
    Html,
    Look,
    between,
    dots,
    figure,
    formatted,
    paragraphs,
    sizes,
    table,
    trio,
)  # fmt: skip

_n, _share, _cents, _money = (partial(formatted, kind=kind) for kind in ("count", "share", "cents", "money"))
_MONEY = ("net_revenue", "cost_of_goods", "freight", "handling", "cost_to_serve", "margin")
_SUMS = ("posted", "allocated", "unused", "over_absorbed", "unassigned", "difference")
_NO_COST = (
    "What serving costs cannot be said: no freight (deliveries.freight_cost), no work (activities) and no assumption "
    "(handling, payments, in cost.yaml) is known."
)
_NOREVENUE = "What serving takes out of revenue, and who earns the profit, cannot be said: revenue is not known."
_LEDGER = {"ledger": (), "resource_pools": (), "activities": ()}
_PROFIT = {"order_lines": ("net_revenue", "cost_of_goods")}


def ledger_tie(tie: Frame, look: Look) -> Html:
    """The tie-out of the ledger by account and month, or what would unlock it."""
    if lacking := look.missing(_LEDGER, gain="shows where every posted cent of the ledger stands"):
        return lacking
    told = tie.assign(month=tie["month"].str[:7])
    columns = [column for column in _SUMS if column != "over_absorbed" or (tie[column] != 0).any()]
    return table(
        told, name="ledger_tie_out", caption=f"Ledger of {look.period} by account and month, {look.currency}",
        columns=["account", "month", *columns], total=True,
    )  # fmt: skip


def faults(found: Frame, look: Look) -> Html | None:
    """What stands in no customer's cost; that there is nothing; or nothing at all where there is no ledger."""
    if look.missing(_LEDGER):
        return None
    if found.empty:
        return paragraphs(
            ["Nothing of what costs are made of was set aside or left without a pool, posting or capacity."]
        )
    caption = f"What was named and counted in {look.period}, and spread on nobody; money in {look.currency}"
    columns, heads = ["fault", "name", "n", "cost"], {"n": "rows, months or customers"}
    return table(found, name="cost_faults", caption=caption, columns=columns, heads=heads)


def capacity(pools: Frame, look: Look) -> Html:
    """Rate, time used and time unused of each pool, or what would unlock it."""
    if lacking := look.missing(_LEDGER, gain="shows each pool's cost per minute and its unused capacity"):
        return lacking
    money = [x for x in ("posted", "charged", "unused", "over_absorbed", "unassigned") if (pools[x] != 0).any()]
    columns, heads = ["pool", "minutes", "used_minutes", "used_share", "rate"], {"rate": f"{look.currency} per minute"}
    caption = f"Capacity of each cost pool in {look.period}; money in {look.currency}"
    kinds = dict.fromkeys(money, "money")
    return table(pools, name="capacity", caption=caption, columns=[*columns, *money], heads=heads, kinds=kinds)


def support(passed: Frame, look: Look) -> Html | None:
    """What pools that serve pools passed on; nothing where none does."""
    told = passed[passed["via"] != ""].groupby(["via", "pool"], as_index=False)["amount"].sum()
    if told.empty:
        return None
    caption = f"What pools that serve pools passed on before customers were charged, {look.period}, {look.currency}"
    heads = {"via": "from", "pool": "to"}
    return table(told, name="support", caption=caption, columns=["via", "pool", "amount"], heads=heads)


def serve_costs(costs: Frame, look: Look, *, name: str, by: Columns) -> Html:
    """Revenue and cost to serve by some columns."""
    money = [column for column in _MONEY if costs[column].notna().any()]
    columns = [*by, *(x for x in ("n_orders", "n_customers") if x in costs), *money, "serve_share"]
    told = " and ".join(by).replace("_", " ").replace("fulfilment", "way of acquiring")
    caption = f"Orders placed in {look.period}, not cancelled, by {told}; "
    caption += f"money in {look.currency}{look.assuming()}"
    return table(costs, name=name, caption=caption, columns=columns, kinds=dict.fromkeys(by, "text"))


_CLASSES = ("rush", "one line", "two to four lines", "five to nine lines", "ten lines and more")


def by_kind(costs: Frame, look: Look, *, by: str) -> Html:
    """Revenue and cost to serve by class of order or way of acquiring; that there is one kind only."""
    kinds = costs[costs["n_orders"] > 0]
    if len(kinds) == 1:
        return paragraphs([f"All orders placed in {look.period} have one {by.replace('_', ' ')}: {kinds[by].iloc[0]}."])
    order = {name: place for place, name in enumerate(_CLASSES)}
    last = costs["n_orders"] == 0
    told = costs.assign(_last=last, _at=costs[by].map(order)).sort_values(["_last", "_at", by])
    told = told.assign(**{by: told[by].str.replace("_", " ")})
    return serve_costs(told, look, name=f"cost_by_{by}", by=[by])


def by_department(rows: Frame, look: Look) -> Html | None:
    """What each department's work for customers cost; nothing where no work is recorded."""
    if rows.empty:
        return None
    caption = f"Work of departments in {look.period}, charged to customers, money in {look.currency}"
    told = rows.assign(activity=rows["activity"].str.replace("_", " "))
    columns, heads = ["department", "activity", "times", "minutes", "cost"], {"minutes": "minutes", "times": "times"}
    kinds = {"times": "count", "cost": "money"}
    return table(told, name="cost_by_department", caption=caption, columns=columns, heads=heads, kinds=kinds)


def waterfall(steps: Frame, look: Look, *, by: str) -> Html:
    """From revenue, or the margin before service, to what is left, a panel a group (six at most); or what it lacks."""
    if lacking := look.missing(REVENUE, gain="shows what becomes of each segment's revenue"):
        return lacking
    if steps.empty:
        return paragraphs([f"Nobody ordered in {look.period}."])
    wide = steps.pivot(index="step", columns=by, values="amount").loc[list(dict.fromkeys(steps["step"]))]
    wide, first = wide[list(dict.fromkeys(steps[by]))] / 100, "net revenue"
    if "cost of goods" in wide.index:  # beside the goods, what serving costs would hardly be seen
        wide.loc[first] += wide.loc["cost of goods"]
        first = "margin before service"
        wide = wide.drop("cost of goods").rename({"net revenue": first})
    shown, places = list(wide)[:6], range(len(wide))
    fig, axes = plt.subplots(
        -(-len(shown) // 2), min(len(shown), 2), figsize=(7.2, -(-len(shown) // 2) * (0.9 + 0.28 * len(wide))),
        sharey=True, squeeze=False,
    )  # fmt: skip
    for ax in axes.flat[len(shown) :]:
        ax.set_visible(False)
    told = []
    for ax, name in zip(axes.flat, shown, strict=False):
        amounts = wide[name]
        starts = (amounts.cumsum() - amounts).where(wide.index != "result", 0)
        colours = [ACCENT if label in (first, "result") else WARN for label in wide.index]
        ax.barh(places, amounts, left=starts, color=colours, height=0.7)
        ax.axvline(0, color=QUIET, linewidth=1)
        ax.set_title(name, fontsize=11)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        ax.xaxis.set_major_locator(plt.MaxNLocator(3))
        ax.set_yticks(places, [label.replace("_", " ") for label in wide.index])
        ax.set_ylim(len(wide) - 0.5, -0.5)
        ax.grid(axis="y", visible=False)
        told.append(f"{name}, {_money(100 * amounts.iloc[0])} to {_money(100 * amounts.iloc[-1])}")
    fig.tight_layout()
    left = "the result" if first != "net revenue" else "what is left before the cost of goods, which is not known"
    caption = f"From {first} to {left}, by {by}, {look.period}, {look.currency}{look.assuming()}"
    data = table(
        steps.assign(step=steps["step"].str.replace("_", " ")), name=f"waterfall_by_{by}", caption=caption,
        columns=[by, "step", "amount"],
    )  # fmt: skip
    alt = f"Steps from {first} to {left}, {look.currency}: {'; '.join(told)}."
    return figure(fig, name=f"waterfall_by_{by}", alt=alt, caption=caption, data=data)


def serve_figure(shares: Frame, look: Look, *, by: Columns) -> Html:
    """Cost to serve as a share of revenue, one row a group, with intervals that hold together; or what it lacks."""
    if lacking := look.missing(REVENUE, gain="shows what serving takes out of each unit of revenue"):
        return lacking
    if (shares["ratio"].fillna(0) == 0).all():
        return paragraphs([_NO_COST])
    ordered = shares.dropna(subset=["ratio"]).sort_values("ratio", ascending=False, ignore_index=True)
    caption = f"Cost to serve by {' and '.join(by)}, {sizes(ordered, 'customers')}; {look.together(len(ordered))}"
    caption += f"{look.assuming()}."
    return dots(
        ordered, by=by, value="ratio", name="serve_share", axis="cost to serve, share of net revenue", caption=caption,
        what="cost to serve as a share of net revenue", columns=[*by, "n"], heads={"n": "customers"},
    )  # fmt: skip


def results(rows: Frame, look: Look) -> Html | None:
    """What each segment earns, and whether that is settled; nothing where profit is not known."""
    if rows.empty:
        return None
    caption = (
        f"Result of each segment in {look.period}, {look.currency}: it loses money if its interval lies below 0, or "
    )
    caption += f"if it did so in the period before too; {look.together(len(rows))}"
    columns, heads = ["segment", "n", *trio("profit"), "before", "verdict"], {"n": "customers", "profit": "result"}
    kinds = {"before": "money"}
    heads["before"] = "in the period before"
    return table(rows, name="result_by_segment", caption=caption, columns=columns, heads=heads, kinds=kinds)


def whale(steps: Frame, look: Look, *, earlier: bool) -> Html:
    """The whale curve in steps of customers with its band, or what would unlock it.

    ``earlier``: are customers ranked by what they earned in the four periods before?
    """
    if lacking := look.missing(_PROFIT, gain="shows which customers earn the profit and which consume it"):
        return lacking
    if steps.empty:
        return paragraphs([f"Too few customers ordered in {look.period} to show who earns the profit."])
    fig, ax = plt.subplots()
    across = [0, *100 * steps["customers"]]
    ax.fill_between(
        across, [0, *steps["cumulated_low"] / 100], [0, *steps["cumulated_high"] / 100], color=ACCENT, alpha=0.2
    )
    ax.plot(across, [0, *steps["cumulated"] / 100], color=ACCENT, marker="o", markersize=3)
    total, top = steps["cumulated"].iloc[-1], steps.iloc[steps["cumulated"].to_numpy().argmax()]
    ax.axhline(total / 100, color=QUIET, linewidth=1)
    ax.annotate("total", (0, total / 100), ha="left", va="bottom", color=QUIET)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ranked = "the four periods before" if earlier else "this period"
    ax.set(
        xlabel=f"customers, most profitable of {ranked} first (per cent)", ylabel=f"cumulated profit ({look.currency})"
    )
    n = _n(steps["n"].sum())
    alt = f"Curve of cumulated profit over {n} customers: it rises to {look.currency} {_money(top['cumulated'])} "
    alt += f"after {_share(top['customers'])} of them and ends at {_money(total)}."
    caption = (
        f"Profit of {look.period} after cost to serve, cumulated, n = {n} customers, ranked by the profit of {ranked}"
    )
    caption += (
        f"{', as far as it is on record; new ones last' if earlier else ''}; band: {100 * look.confidence:g} % at "
    )
    caption += "each step (bootstrap over customers)"
    columns = ["customers", "who", "n", "profit", *trio("cumulated"), "of_total"]
    heads = {"n": "customers in this step", "customers": "customers reached"}
    shown = table(steps, name="whale_curve", caption=caption, columns=columns, heads=heads)
    return figure(fig, name="whale_curve", alt=alt, caption=caption, data=shown)


def concentration(told: Mapping, look: Look) -> Html | None:
    """Who loses money, and how concentrated revenue and profit are; nothing where profit is not known."""
    if not told["n"]:
        return None
    said = [f"In {look.period} {_losers(told, look)}."]
    measures = [f"revenue {told['gini']:.2f} (Gini)" if pd.notna(told["gini"]) else ""]
    measures += [f"profit {told['stobachoff']:.2f} (Stobachoff)" if pd.notna(told["stobachoff"]) else ""]
    if any(measures):
        said.append(f"Concentration, 0 if all customers were alike: {', '.join(filter(None, measures))}.")
    return paragraphs([*said, f"All of it{look.assuming()}."] if look.assumed else said)


def _losers(told: Mapping, look: Look) -> str:
    if told["n_losing"] < look.min_n:
        return f"fewer than {_n(look.min_n)} of {_n(told['n'])} customers lose money"
    said = f"{_n(told['n_losing'])} of {_n(told['n'])} customers lose money, {look.currency} {_money(-told['losing'])}"
    if told["n_twice"] < look.min_n:
        return f"{said} in all"
    both = f"{_n(told['n_twice'])} of them in the period before too, {look.currency} {_money(-told['twice'])} of it"
    return f"{said} in all; {both}"


_WHAT_TO_DO = {
    "passive": "protect: they pay for the others",
    "carriage trade": "keep the service, and its price",
    "bargain basement": "keep it simple: the standard service",
    "aggressive": "charge for the service, or make it standard",
    "no revenue": "ask why they are served",
}


def matrix(fields: Frame, look: Look) -> Html:
    """The profitability matrix with what to do in each field, or what would unlock it."""
    if lacking := look.missing(_PROFIT, gain="shows whose margin pays for the service they get"):
        return lacking
    told = fields.assign(what=fields["field"].map(_WHAT_TO_DO))
    caption = (
        f"Customers of {look.period} by margin before service (high: passive, carriage trade) and cost to serve (high: "
    )
    caption += "carriage trade, aggressive), each by revenue and against that of all customers; money in "
    caption += f"{look.currency}; in the same field: of those known in the four periods before"
    columns = ["field", "what", "n", "net_revenue", "before_service", "cost_to_serve", "profit", "stayed"]
    heads = {"n": "customers", "before_service": "margin before service", "stayed": "in the same field before"}
    heads |= {"profit": "result", "what": "what to do"}
    return table(told, name="profitability_matrix", caption=caption, columns=columns, heads=heads)


def moves(rows: Frame, look: Look) -> Html | None:
    """Who moved between fields; nothing where the four periods before are not known."""
    if rows.empty:
        return None
    caption = f"Customers by field in the four periods before and in {look.period}; descriptive: who is judged by less "
    caption += "moves more; moves of fewer customers are left out"
    columns, heads = ["before", "after", "n", "share"], {"n": "customers", "share": "of those before"}
    return table(rows, name="matrix_moves", caption=caption, columns=columns, heads=heads)


def losing_kinds(rows: Frame, look: Look) -> Html:
    """Segments and classes of orders that cost more than they bring, or that there are none; or what it lacks."""
    if lacking := look.missing(_PROFIT, gain="shows which orders cost more than they bring"):
        return lacking
    if rows.empty:
        return paragraphs(["Orders of no segment and class cost more than they bring."])
    caption = (
        f"Orders of {look.period} that cost more than they bring, by segment and class, money in {look.currency}; "
    )
    caption += "work for no order is not in here"
    columns = ["kind", "n_orders", "n_customers", *_MONEY, "serve_share"]
    return table(
        rows, name="losing_orders", caption=caption, columns=columns, heads={"kind": "segment, class of order"}
    )


def against_standard(rows: Frame, look: Look) -> Html | None:
    """What an order costs to serve, against the segment's standard order; nothing where no cost is known."""
    if rows.empty or not rows["cost"].any():
        return None
    caption = f"Cost to serve of an order in {look.period} against the standard order of its segment, {look.currency}"
    caption += look.assuming()
    columns = ["segment", "n_orders", "each", "standard_each", "cost", "at_standard", "beyond"]
    heads = {"each": "an order costs", "standard_each": "a standard order", "cost": "cost to serve"}
    kinds = {"each": "cents", "standard_each": "cents"} | dict.fromkeys(columns[4:], "money")
    return table(rows, name="against_standard", caption=caption, columns=columns, heads=heads, kinds=kinds)


def levers(rows: Frame, every: Frame, look: Look) -> Html | None:
    """The levers with the most money beyond the standard; all of them behind; nothing where no cost is known."""
    if every.empty or not every["cost"].any():
        return None
    if rows.empty:
        return paragraphs(["No cost lies beyond what is usual in its segment."])
    columns = ["segment", "lever", "n_orders", "units", "standard", "cost", "at_standard", "beyond"]
    heads = {
        "n_orders": "of orders",
        "units": "how often",
        "standard": "usual an order",
        "beyond": f"beyond the standard ({look.currency})",
    }
    kinds = {"units": "count"} | dict.fromkeys(columns[5:], "money")
    told = {"columns": columns, "heads": heads, "kinds": kinds}
    names = {"lever": lambda frame: frame["lever"].str.replace("_", " ")}
    caption = f"The {len(rows)} levers with the most money beyond the standard order of their segment, {look.period}"
    shown = table(rows.assign(**names), name="levers", caption=caption, **told)
    caption = f"All levers of {look.period}; the rows of a segment add up to its cost to serve"
    behind = table(every.assign(**names), name="levers_all", caption=caption, **told)
    page = f"{shown.html}<details><summary>All levers, adding up to cost to serve</summary>{behind.html}</details>"
    return Html(page, shown.text, shown.mime)


def uncertain(rows: Frame, pairs: Frame, look: Look) -> Html | None:
    """How far margins would move with the declared times and capacities; that none is declared; or nothing."""
    if look.missing(_LEDGER) or look.missing(_PROFIT):
        return None
    if rows.empty:
        return paragraphs([
            "How sure the declared times and capacities are is not declared (give_or_take, capacity_give_or_take, in "
            "cost.yaml); they are taken as exact."
        ])  # fmt: skip
    open_ = [f"{pair.first} above {pair.second} (in {_share(pair.kept)} of draws)" for pair in pairs.itertuples()
             if not pair.settled]  # fmt: skip
    caption = f"Margin after cost to serve by segment, {look.period}, {look.currency}, if times and capacities are as "
    caption += f"unsure as declared; {100 * look.confidence:g} % of draws lie between low and high. "
    caption += f"Not settled: {'; '.join(open_)}." if open_ else "Every segment keeps its place."
    return dots(
        rows, by=["segment"], value="margin", name="margin_uncertainty", what="margin by segment", caption=caption,
        axis=f"margin after cost to serve ({look.currency})", columns=["segment", "below"],
        heads={"below": "a loss in"},
    )  # fmt: skip


def findings(
    tie: Frame, total: Frame, shares: Frame, leader: int | None, told: Mapping, rows: Frame, losing: Frame,
    dear: Frame, look: Look, *, by: Columns,
) -> Html:  # fmt: skip
    """The answers of the cost report, in the slots of docs/METHODS.md section 3.9."""
    currency, sentences = look.currency, []
    handled, mark = (" and rates as assumed", " (under assumed rates)") if look.assumed else ("", "")
    if tie.empty or tie["posted"].iloc[-1] == 0:
        sentences.append(f"No ledger for {look.period}: what follows is freight as charged{handled}, not posted cost.")
    else:
        row, verb = tie.iloc[-1], "ties" if tie["difference"].iloc[-1] == 0 else "DOES NOT TIE"
        posted, allocated, unused, over, unassigned, difference = (_cents(row[name]) for name in _SUMS)
        more = f" - {over.removeprefix('-')} over-absorbed" if row["over_absorbed"] else ""
        sentences.append(
            f"The ledger of {look.period} {verb}: {currency} {posted} posted = {allocated} allocated + {unused} unused "
            f"+ {unassigned} unassigned{more}, difference {difference}."
        )
    if total.empty:
        return paragraphs([*sentences, f"Nobody ordered in {look.period}."], role="findings")
    one = total.iloc[0]
    if pd.isna(one["ratio"]) or one["ratio"] == 0:
        return paragraphs([*sentences, _NOREVENUE if pd.isna(one["ratio"]) else _NO_COST], role="findings")
    interval = between(one["ratio_low"], one["ratio_high"], "share", look.confidence)
    sure = f"({interval}, n = {_n(one['n'])} customers)"
    sentences.append(f"Serving customers cost {_share(one['ratio'])} of net revenue {sure}{look.assuming()}.")
    family = f"over a family of {shares['ratio'].notna().sum()} intervals by {' and '.join(by)}"
    if leader is None:
        sentences.append(f"Which group is dearest to serve is not settled {family}.")
    else:
        top = shares.iloc[leader]
        sentences.append(
            f"Dearest to serve is {', '.join(top[name] for name in by)}: {_share(top['ratio'])} of its "
            f"revenue ({between(top['ratio_low'], top['ratio_high'], 'share', look.confidence)}, {family}){mark}."
        )
    lever = ""
    if len(dear):
        first = dear.iloc[0]
        lever = f"Most beyond the standard: {first['lever'].replace('_', ' ')} of {first['segment']}, {currency} "
        lever += f"{_money(first['beyond'])}{mark}."
    if not told["n"]:
        sentences.append("Which customers earn or lose money cannot be said: the cost of goods is not known.")
        return paragraphs([*sentences, lever] if lever else sentences, role="findings")
    earned = f"Customers together earn {currency} {_money(told['total'])}"
    if pd.notna(told["top"]):
        earned += f"; the best fifth of the four periods before earns {look.estimate(told, 'top')} of it"
    sentences.append(f"{earned}; {_losers(told, look)}{mark}.")
    lost = rows[rows["verdict"] == "loses money"]
    names = [f"{row.segment} ({currency} {_money(row.profit)})" for row in lost.itertuples()]
    settled = (rows["verdict"] != "not settled").sum()
    sentences.append(
        f"{'Loses' if len(names) == 1 else 'Lose'} money: {', '.join(names)}{mark}." if names
        else f"No segment loses money; that of {_n(settled)} of {_n(len(rows))} is settled{mark}."
    )  # fmt: skip
    if len(losing):
        names = [f"{row.kind} ({currency} {_money(row.margin)})" for row in losing.head(3).itertuples()]
        sentences.append(f"Orders that cost more than they bring: {'; '.join(names)}{mark}.")
    sentences += [lever] if lever else []
    return paragraphs(sentences, role="findings")

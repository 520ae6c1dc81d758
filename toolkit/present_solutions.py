"""How do agreements, needs and the few standards that would do look and read? Frame to table, figure, sentence."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.language import number, say, word
from toolkit.present import (
    ACCENT,
    QUIET,
    Frame,
    Html,
    Look,
    as_cents,
    as_count,
    as_money,
    as_share,
    as_times,
    between,
    canvas,
    figure,
    listed,
    paragraphs,
    percent,
    table,
    trio,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AGREEMENTS = {"agreements": ()}
_REQUESTS = {"requests": ()}
_OF_ORDERS = {"orders": ("agreement_id",)}
_OUTCOMES = {
    "minutes": "minutes of work an order",
    "late": "orders late",
    "complaint": "orders with a complaint",
    "cost": "cost to serve an order",
}
_READS = {"minutes": "times", "late": "share", "complaint": "share", "cost": "cents"}
_EVIDENCE = {
    "window_missed": "arrivals outside receiving windows",
    "late": "orders late",
    "short": "orders not in full",
    "rush": "rush orders",
    "stock_out": "orders of articles that ran out",
    "order_size": "pieces an order (geometric mean)",
    "uneven_size": "factor that orders lie off the usual size",
    "order_gap": "days between orders (geometric mean)",
}
_WHY = {
    "too little evidence": "{n}: the customer shows none of them clearly",
    "both ways": "{n}: the customer shows more than one",
    "not on record": "{n}: the evidence of one of them is not on record of the customer, or of too few orders",
    "not profiled": "{n}: the customer has refused profiling",
    "unknown request type": "{n}: needs.yaml does not know what was asked for",
}


def account(terms: Frame, requests: Frame, orders: Frame, look: Look) -> Html:
    """What the report stands on: agreements, terms, requests, orders.

    Parameters
    ----------
    terms
        The result of ``agreements.meant`` at the period's end (``ago`` 0).
    requests
        The frame ``requests``.
    orders
        The frame ``agreed_orders``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a kind of rows and their number.

    Notes
    -----
    docs/METHODS.md section 4.0.
    """
    rules = {
        "agreements in force at the end": terms["agreement_id"].nunique(),
        "their terms": len(terms),
        "requests of the 52 weeks to the end": len(requests),
        "orders of segments with agreements": len(orders),
        "of these under an agreement": int(orders["agreement_id"].notna().sum()),
        "of these under one that is not in force at the end, left out": int(
            (orders["agreement_id"].notna() & ~orders["agreement_id"].isin(terms["agreement_id"])).sum()
        ),
    }
    rows = pd.DataFrame({"rule": list(rules), "n": list(rules.values())})
    caption = say("What {period} is told from", period=look.period)
    return table(rows, name="agreements_account", caption=caption, columns=["rule", "n"], heads={"n": "rows"})


def variety(rows: Frame, look: Look) -> Html:
    """How various each term is; or what would tell it.

    Parameters
    ----------
    rows
        The result of ``agreements.variety``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a term; what it lacks without the table ``agreements``; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 4.1.
    """
    if lacking := look.missing(_AGREEMENTS, gain=say("shows how various the agreements are, and what that costs")):
        return lacking
    if rows.empty:
        return paragraphs([_nobody(look)])
    heads = {
        "term": "term", "n": "agreements", "share": "of all", "n_worded": "values as worded",
        "n_meant": "values as meant", "effective": "as various as", "weight": "weight",
    }  # fmt: skip
    kinds = {"term": "name", "n_worded": "count", "n_meant": "count", "effective": "times", "weight": "count"}
    columns = ["term", "department", *list(heads)[1:]]
    caption = say("Terms of agreements in force at the end of {period}; weight 0: no part of the service",
                  period=look.period)  # fmt: skip
    told = rows.assign(term=_readable(rows["term"]), department=_readable(rows["department"]))
    return table(told, name="terms", caption=caption, columns=columns, heads=heads, kinds=kinds)


def _readable(names: pd.Series) -> pd.Series:
    return names.astype("str").str.replace("_", " ")


def _nobody(look: Look) -> str:
    return say("No agreement was in force at the end of {period}, or too few hold one to be shown.", period=look.period)


def growth(rows: Frame, standard: Sequence[str], terms: Sequence[str], look: Look) -> Html | None:
    """Variety at the end of this period and those before, against the standard; None without agreements.

    Parameters
    ----------
    rows
        The result of ``agreements.growth``.
    standard
        Value of each term in the company's standard, "" where it has none: ``standard`` of ``agreements.held``.
    terms
        Their names: ``terms`` of ``agreements.held``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table, one row a period, the oldest first; None without rows.

    Notes
    -----
    docs/METHODS.md section 4.1.
    """
    if rows.empty:
        return None
    own = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in zip(terms, standard, strict=True) if value)
    when = rows["ago"].map(lambda ago: say("{n} periods before", n=ago) if ago > 1 else say("the period before"))
    told = rows.assign(when=when.where(rows["ago"] > 0, look.period))
    heads = {
        "when": "end of", "n": "agreements", "n_worded": "combinations as worded", "n_meant": "as meant",
        "effective": "as various as", "deviations": "deviations an agreement",
    }  # fmt: skip
    kinds = {"when": "name", "n_worded": "count", "n_meant": "count", "effective": "times", "deviations": "times"}
    caption = say(
        "Combinations of terms, and how far they are from the standard ({standard})",
        standard=own or say("none of them"),
    )  # fmt: skip
    return table(told, name="variety", caption=caption, columns=list(heads), heads=heads, kinds=kinds)


def costs(rows: Frame, look: Look) -> Html:
    """What one more deviation goes with, by two ways of comparing; or what would tell it.

    Parameters
    ----------
    rows
        The result of ``agreements.cost_of_variety``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, two rows an outcome: by regression, and among orders alike; what it lacks without the table
        ``agreements`` or ``agreement_id`` of orders; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 4.2.
    """
    if lacking := look.missing(
        _AGREEMENTS | _OF_ORDERS, gain=say("shows what a deviation goes with in work and money")
    ):
        return lacking
    if rows.empty:
        return paragraphs(
            [say("Nothing tells what a deviation goes with: too few customers deviate, or too few do not.")]
        )
    ways = {"regression": say("regression"), "alike": say("orders alike")}
    told = pd.concat(
        [
            pd.DataFrame({
                "position": range(len(rows)), "outcome": [say(_OUTCOMES[name]) for name in rows["outcome"]],
                "way": said, "kind": [_READS[name] for name in rows["outcome"]], "n": rows["n"],
                "of": 1.0 if way == "regression" else rows["alike_share"], "change": rows[way],
                "change_low": rows[f"{way}_low"], "change_high": rows[f"{way}_high"],
                "verdict": rows["settled"].map({True: "settled", False: "not settled"}),
            })
            for way, said in ways.items()
        ]
    ).sort_values("position", kind="stable")  # fmt: skip
    caption = say(
        "What one more deviation goes with, orders of {period}, {currency}; each way, the intervals hold together with "
        "{sure} confidence (Bonferroni)", period=look.period, sure=look.sure, currency=look.currency,
    )  # fmt: skip
    heads = {"outcome": "of", "way": "compared by", "n": "orders", "of": "of which compared", "change": "a deviation"}
    heads |= {"change_low": "low", "change_high": "high", "verdict": "both ways"}
    kinds = {"outcome": "name", "way": "name", "of": "share"} | dict.fromkeys(trio("change"), "kind")
    return table(told, name="cost_of_variety", caption=caption, columns=list(heads), heads=heads, kinds=kinds)


def terms(rows: Frame, look: Look) -> Html | None:
    """What each term goes with in cost to serve; None where that cannot be told.

    Parameters
    ----------
    rows
        The result of ``agreements.cost_of_terms``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table, one row a term; None without rows.

    Notes
    -----
    docs/METHODS.md section 4.2.
    """
    if rows.empty:
        return None
    caption = say(
        "Cost to serve that each term goes with an order, all terms in one regression, {currency}; {together}",
        currency=look.currency, together=look.together(len(rows)),
    )  # fmt: skip
    heads = {"term": "term", "n": "orders", "cost": "cost to serve"}
    told = rows.assign(term=_readable(rows["term"]))
    return table(
        told, name="cost_of_terms", caption=caption, columns=["term", "n", "n_customers", *trio("cost")], heads=heads,
        kinds={"term": "name"},
    )  # fmt: skip


def needs(rows: Frame, settled: Frame, look: Look) -> Html:
    """The needs behind each type of request; or what would tell them.

    Parameters
    ----------
    rows
        The result of ``agreements.needs_behind``.
    settled
        The result of ``agreements.settle``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a type of request and need; what it lacks without the table ``requests``; a sentence without
        rows.

    Notes
    -----
    docs/METHODS.md section 4.3.
    """
    gain = say("shows the needs behind what customers ask for")
    if lacking := look.missing(_REQUESTS, gain=gain):
        return lacking
    if settled.empty or rows.empty:
        return paragraphs([say("No request was made in the 52 weeks to the end of {period}, or by too few to be shown.",
                               period=look.period)])  # fmt: skip
    caption = say(
        "Needs behind requests of the 52 weeks to the end of {period}; a need that fewer than {n} have counts as not "
        "settled", period=look.period, n=look.min_n,
    )  # fmt: skip
    told = rows.assign(request_type=_readable(rows["request_type"]))
    heads = {"request_type": "asked for", "need": "need", "n": "requests", "share": "of that type"}
    kinds = {"request_type": "name", "need": "name"}
    return table(
        told, name="needs", caption=caption, columns=["request_type", "need", "n", "n_customers", "share"], heads=heads,
        kinds=kinds,
    )  # fmt: skip


def evidence(settled: Frame, look: Look) -> Html | None:
    """How many requests are settled, how many chance alone would settle, and why the others are not.

    Parameters
    ----------
    settled
        The result of ``agreements.settle``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        Sentences, reasons of fewer than ``min_n`` requests left out; None without requests.

    Notes
    -----
    docs/METHODS.md section 4.3.
    """
    if settled.empty:
        return None
    how = settled["how"].value_counts()
    looked = int(how.reindex(["settled", "too little evidence", "both ways"]).fillna(0).sum())
    if not looked and not how.get("declared", 0):
        said = [say("None of {n} requests could be looked at.", n=as_count(len(settled)))]
    else:
        said = [
            say(
                "{n} of {looked} requests that could be looked at are settled; of customers who order as their peers "
                "do on average, at most {chance} would be.", n=as_count(how.get("settled", 0)), looked=as_count(looked),
                chance=percent(1 - look.confidence),
            )
        ]  # fmt: skip
    if how.get("declared", 0):
        said.append(
            say("{n} are of a type behind which one need alone is declared.", n=as_count(how["declared"]))
        )  # fmt: skip
    why = [say(text, n=as_count(how[name])) for name, text in _WHY.items() if how.get(name, 0) >= look.min_n]
    if why:
        said.append(say("Not settled: {why}.", why="; ".join(why)))
    return paragraphs(said)


def shown(rows: Frame, look: Look) -> Html | None:
    """What the customers of each need show, beside others of their segments; None where no need is settled.

    Parameters
    ----------
    rows
        The result of ``agreements.evidence_for``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table, one row a need and measure; None without rows.

    Notes
    -----
    docs/METHODS.md section 4.3.
    """
    if rows.empty:
        return None
    caption = say(
        "What customers with each need show in the 52 weeks to the end of {period}, beside the others of their "
        "segments; they were told apart by it", period=look.period,
    )  # fmt: skip
    told = rows.assign(
        what=[say(_EVIDENCE[name]) for name in rows["measure"]],
        kind=["times" if name in ("order_size", "uneven_size", "order_gap") else "share" for name in rows["measure"]],
    )
    heads = {"need": "need", "what": "measure", "asked": "evidence", "theirs": "theirs", "others": "others'"}
    kinds = {"need": "name", "what": "name", "asked": "text", "theirs": "kind", "others": "kind"}
    columns = ["need", "what", "asked", "n_customers", "theirs", "others"]
    return table(told, name="evidence", caption=caption, columns=columns, heads=heads, kinds=kinds)


def solutions(found, declared: bool, look: Look) -> Html:
    """The cheapest declared solutions that cover the needs found.

    Parameters
    ----------
    found
        The result of ``agreements.solutions``.
    declared
        Does ``needs.yaml`` declare a solution?
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Sentences; where none is declared, what would declare them.

    Notes
    -----
    docs/METHODS.md section 4.4.
    """
    if not declared:
        return paragraphs(
            [say("No solution is declared: needs.yaml (solutions:) would say what the company could offer.")]
        )
    if not found.chosen and not found.uncovered:
        return paragraphs([say("No need is settled, so none must be covered.")])
    said = []
    if found.chosen:
        said.append(
            say(
                "The needs found are covered at least cost by: {names} ({currency} {cost} a year).",
                names=listed(found.chosen), currency=look.currency, cost=as_money(found.cost),
            )
        )  # fmt: skip
    if found.uncovered:
        said.append(say("No declared solution covers: {names}.", names=listed(found.uncovered)))
    return paragraphs(said)


def curve(found, look: Look, *, ax: "Axes | None" = None) -> "Html | Axes | None":
    """What each number of standards leaves; None without agreements.

    Parameters
    ----------
    found
        The result of ``agreements.standard_set``.
    look
        Facts of the company and period, and what is lacking.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html, Axes or None
        A figure with its data, the recommended number marked; None without a curve; the given axes.

    Notes
    -----
    docs/METHODS.md section 4.4.
    """
    from matplotlib.ticker import MaxNLocator

    rows = found.curve
    if rows.empty:
        return None
    fig, ax = canvas(ax, figsize=(7.2, 3.2))
    ax.plot(rows["standards"], rows["left_each"], "o-", color=ACCENT)
    here = rows[rows["standards"] == found.recommended].iloc[0]
    ax.plot([here["standards"]], [here["left_each"]], "s", color=QUIET, markersize=11, zorder=0)
    ax.set_ylim(bottom=0)
    ax.set_xlabel(say("number of standards"))
    ax.set_ylabel(say("deviations left an agreement"))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(lambda value, _: number(value, ".1f"))
    gap = float(rows["gap"].max())
    proof = say("proven to be the least") if not gap else say("within {gap} of the least", gap=as_share(gap))
    caption = say(
        "Deviations left if each agreement moves to its nearest of so many standards, end of {period}; {proof}",
        period=look.period, proof=proof,
    )  # fmt: skip
    alt = say(
        "Falling curve from {first} deviations an agreement with one standard to {last} with {n}; {here} with the "
        "recommended {p}.", first=as_times(rows["left_each"].iloc[0]), last=as_times(rows["left_each"].iloc[-1]),
        n=int(rows["standards"].iloc[-1]), here=as_times(here["left_each"]), p=int(found.recommended),
    )  # fmt: skip
    heads = {"standards": "standards", "left": "deviations left", "left_each": "an agreement", "gap": "proven within"}
    kinds = {"standards": "count", "left": "count", "left_each": "times", "gap": "share"}
    data = table(rows, name="standards_curve", caption=caption, columns=list(heads), heads=heads, kinds=kinds)
    return figure(fig, name="standards_curve", alt=alt, caption=caption, data=data, ax=ax)


def standards(rows: Frame, look: Look) -> Html | None:
    """The recommended standards; None without agreements.

    Parameters
    ----------
    rows
        The result of ``agreements.standards``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table, one row a standard; None without rows.

    Notes
    -----
    docs/METHODS.md section 4.4.
    """
    if rows.empty:
        return None
    none = say("none of these terms")
    told = rows.assign(
        terms=rows["terms"].where(rows["terms"] != "", none), covers=rows["covers"].replace("", none[:0])
    )
    heads = {
        "standard": "standard", "terms": "its terms", "n": "agreements", "n_as_is": "are so already",
        "left_each": "terms that change, an agreement", "covers": "needs it covers",
    }  # fmt: skip
    kinds = {"standard": "count", "terms": "name", "n_as_is": "count", "left_each": "times", "covers": "name"}
    caption = say("The recommended standards, and the agreements that each is nearest to, end of {period}",
                  period=look.period)  # fmt: skip
    return table(told, name="standards", caption=caption, columns=list(heads), heads=heads, kinds=kinds)


def left_open(rows: Frame, found: Sequence[str], look: Look) -> Html | None:
    """Needs found that no recommended standard covers; None where each is covered, or there are no standards.

    Parameters
    ----------
    rows
        The result of ``agreements.standards``.
    found
        The result of ``agreements.needs_found``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A sentence; None where nothing is left open.

    Notes
    -----
    docs/METHODS.md section 4.4.
    """
    covered = {need for told in rows["covers"] for need in told.split(", ")}
    names = [need for need in found if need not in covered]
    if rows.empty or not names:
        return None
    return paragraphs([say("No recommended standard is declared to cover: {names}.", names=listed(names))])


def talks(rows: Frame, look: Look) -> Html | None:
    """Who must be spoken to; None without agreements.

    Parameters
    ----------
    rows
        The result of ``agreements.talks``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table, one row a segment and standard; None without rows.

    Notes
    -----
    docs/METHODS.md section 4.5.
    """
    if rows.empty:
        return None
    heads = {
        "standard": "standard", "n": "agreements", "n_as_is": "nothing changes", "n_losing": "lose a term",
        "lost": "terms lost", "gained": "gained", "changed": "otherwise",
    }  # fmt: skip
    counts = dict.fromkeys(["n_as_is", "n_losing", "lost", "gained", "changed"], "count")
    caption = say("Who must be spoken to, by segment and standard they move to")
    return table(
        rows, name="talks", caption=caption, columns=["segment", *list(heads)[:2], *list(heads)[2:]], heads=heads,
        kinds=counts | {"standard": "name"},
    )  # fmt: skip


def topics(rows: Frame, look: Look) -> Html | None:
    """About what, and what lies on the table besides; None where nothing changes.

    Parameters
    ----------
    rows
        The result of ``agreements.topics``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table, one row a term; None without rows.

    Notes
    -----
    docs/METHODS.md section 4.5.
    """
    if rows.empty:
        return None
    heads = {
        "term": "term", "n_lost": "lose it", "n_gained": "gain it", "n_changed": "have it otherwise",
        "on_the_table": "hold it besides",
    }  # fmt: skip
    counts = dict.fromkeys(["n_lost", "n_gained", "n_changed", "on_the_table"], "count")
    caption = say(
        "About what: agreements by term; besides, what those who lose a term hold that is no part of the service"
    )
    told = rows.assign(term=_readable(rows["term"]), department=_readable(rows["department"]))
    columns = ["term", "department", *list(heads)[1:]]
    return table(told, name="topics", caption=caption, columns=columns, heads=heads, kinds=counts | {"term": "name"})


def saving(found, look: Look) -> Html:
    """What moving to the standards saves and risks, in sentences.

    Parameters
    ----------
    found
        The result of ``agreements.saving``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Sentences: what is saved a year, and the net revenue of who loses a term (of ``min_n`` customers or more).

    Notes
    -----
    docs/METHODS.md section 4.6.
    """
    if not found.n_changed:
        return paragraphs([say("No agreement would change.")])
    said = [_saved(found, look)]
    if found.n_losing >= look.min_n and found.at_risk == found.at_risk:
        said.append(
            say(
                "{n} customers lose a term; they brought {currency} {revenue} of net revenue in {period}.",
                n=as_count(found.n_losing), currency=look.currency, revenue=as_money(found.at_risk), period=look.period,
            )
        )  # fmt: skip
        if min(found.n_uncovered, found.n_losing - found.n_uncovered) >= look.min_n and found.uncovered > 0:
            said.append(
                say(
                    "{part} of it is of customers with a need that their standard is not declared to cover.",
                    part=as_share(found.uncovered / found.at_risk),
                )
            )
    return paragraphs(said)


def _saved(found, look: Look) -> str:
    if found.value != found.value:
        return say("What moving to the standards saves is not known: nothing tells what a deviation costs.")
    interval = between(found.low, found.high, "money", look.confidence)
    if not found.settled:
        return say(
            "What moving to the standards saves is not settled: {currency} {value} a year ({interval}).",
            currency=look.currency, value=as_money(found.value), interval=interval,
        )  # fmt: skip
    return say(
        "Moving to the standards saves {currency} {value} of cost to serve a year ({interval}), if deviations cost by "
        "themselves.", currency=look.currency, value=as_money(found.value), interval=interval,
    )  # fmt: skip


def findings(
    grown: Frame, cost: Frame, found: Sequence[str], settled: Frame, chosen: Frame, what, saved, look: Look
) -> Html:
    """The answers of the report, in the slots of docs/METHODS.md section 4.7.

    Parameters
    ----------
    grown
        The result of ``agreements.growth``.
    cost
        The result of ``agreements.cost_of_variety``.
    found
        The result of ``agreements.needs_found``.
    settled
        The result of ``agreements.settle``.
    chosen
        The result of ``agreements.standards``.
    what
        The result of ``agreements.standard_set``.
    saved
        The result of ``agreements.saving``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Sentences.

    Notes
    -----
    docs/METHODS.md section 4.7.
    """
    said = []
    if not (grown["ago"] == 0).any():
        said.append(_nobody(look))
    else:
        now = grown[grown["ago"] == 0].iloc[0]
        said.append(
            say(
                "{n} agreements hold {kinds} combinations of terms ({worded} as worded), as various as {effective} "
                "equally common ones.", n=as_count(now["n"]), kinds=as_count(now["n_meant"]),
                worded=as_count(now["n_worded"]), effective=number(now["effective"], ".1f"),
            )
        )  # fmt: skip
    row = cost[(cost["outcome"] == "cost") & cost["alike"].notna()]
    if len(row):
        ends = row.iloc[0]
        interval = between(ends["alike_low"], ends["alike_high"], "cents", look.confidence)
        text = (
            say("One more deviation goes with {currency} {cost} of cost to serve an order ({interval}).",
                currency=look.currency, cost=as_cents(ends["alike"]), interval=interval)
            if ends["settled"]
            else say("That a deviation costs anything is not settled: {currency} {cost} an order ({interval}).",
                     currency=look.currency, cost=as_cents(ends["alike"]), interval=interval)
        )  # fmt: skip
        said.append(text)
    if found:
        n = int(settled["need"].isin(found).sum())
        said.append(
            say("Behind {n} requests stand: {needs}.", n=as_count(n), needs=listed(word(need) for need in found))
        )  # fmt: skip
    elif len(settled):
        said.append(say("No need is settled of customers enough to be told."))
    if len(chosen):
        left = what.curve.set_index("standards").loc[what.recommended, "left_each"]
        each = "; ".join(
            say("({number}) {terms}", number=row.standard, terms=row.terms or say("none of these terms"))
            for row in chosen.itertuples()
        )
        said.append(
            say(
                "{p} standards leave {left} deviations an agreement: {each}.", p=int(what.recommended),
                left=as_times(left), each=each,
            )
        )  # fmt: skip
        said.append(_saved(saved, look))
    return paragraphs(said or [say("Nothing is on record that this report could be told from.")], role="findings")

"""How do policies, their replay and a recommendation look and read? Frame to table, figure, sentence."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.language import number, say, word
from toolkit.present import (
    ACCENT,
    QUIET,
    Frame,
    Html,
    Look,
    as_money,
    as_points,
    as_share,
    between,
    canvas,
    dots,
    figure,
    formatted,
    listed,
    paragraphs,
    percent,
    table,
    trio,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DELIVERIES = {"deliveries": ("promised_by",)}
_LINES = {"delivery_lines": ()}
_EVENTS = {"service_events": ()}
_NAMES = {"on_time": "on time", "within_promise": "within their promise", "otif": "OTIF", "nps": "NPS",
          "cost": "cost to serve", "gain": "margin", "wait": "days of waiting"}  # fmt: skip
_COARSE = 0.01  # of orders, from which it is told that their delays come from elsewhere
_ENDS = {"change": "", "low": "_low", "high": "_high"}
_KINDS = {
    "on_time": "share",
    "within_promise": "share",
    "otif": "share",
    "nps": "points",
    "cost": "money",
    "gain": "money",
    "wait": "days",
}  # of measures, in the order in which they are told


def account(account: Frame, n: int, look: Look) -> Html:
    """How many orders are replayed, of those that the period left.

    Parameters
    ----------
    account
        The frame ``row_account``.
    n
        Orders that are replayed: rows of the frame ``sent_orders``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table of three rows: placed and not cancelled, of these not replayed, replayed.

    Notes
    -----
    docs/METHODS.md section 5.0.
    """
    left = int(account.loc[account["rule"] == "left", "orders"].iloc[0])
    rows = pd.DataFrame({"rule": ["placed, not cancelled", "not sent, or without a promise", "replayed"]})
    rows["orders"] = [left, left - n, n]
    caption = say("Orders of {period} that are replayed", period=look.period)
    return table(rows, name="replayed_orders", caption=caption, columns=["rule", "orders"])


def served(rows: Frame, look: Look) -> Html:
    """Today's policy of each segment, as its orders tell; or what would tell it.

    Parameters
    ----------
    rows
        The result of ``strategy.served``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a segment; what it lacks without ``promised_by`` of deliveries; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 5.1.
    """
    if lacking := look.missing(_DELIVERIES, gain=say("shows what each segment is promised, and how it is served")):
        return lacking
    if rows.empty:
        return _none(look)
    told = rows.assign(way=rows["way"].str.replace("_", " "), cut_off=rows["cut_off"].map(_hour))
    heads = {
        "n": "orders", "promise_days": "days promised", "other_days": "other days promised", "cut_off": "cut-off",
        "way": "most used way", "way_share": "of its orders", "median_revenue": "median order",
        "orders_each": "orders a customer", "shipments_each": "shipments an order",
    }  # fmt: skip
    kinds = {
        "promise_days": "days", "other_days": "share", "cut_off": "shown", "way": "name", "way_share": "share",
        "median_revenue": "cents", "shipments_each": "times",
    }  # fmt: skip
    caption = say("How each segment is served in {period}, read off its orders", period=look.period)
    columns = ["segment", "n", "n_customers", *list(heads)[1:]]
    return table(told, name="served_today", caption=caption, columns=columns, heads=heads, kinds=kinds)


def _hour(hour: int) -> str:
    return say("midnight") if hour == 24 else say("{hour}:00", hour=number(hour, "d"))


def agility(found, look: Look) -> Html:
    """How delivery follows demand: days back to normal fill, fill on the busiest days; or what would tell it.

    Parameters
    ----------
    found
        The result of ``strategy.agility``; None: too few days.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Sentences; what it lacks without the table ``delivery_lines``.

    Notes
    -----
    docs/METHODS.md section 5.1.
    """
    if lacking := look.missing(_LINES, gain=say("shows how fast delivery recovers from a jump of demand")):
        return lacking
    if found is None:
        return paragraphs([say("Too few days hold orders with known contents to tell how delivery follows demand.")])
    said = []
    if found.top == found.top:
        said.append(
            say(
                "On the tenth of days with most pieces {top} of them are delivered, on the others {rest} (difference "
                "of daily shares {difference} points, {interval}).", top=as_share(found.top), rest=as_share(found.rest),
                difference=formatted(100 * found.difference, "points"),
                interval=between(100 * found.low, 100 * found.high, "points", look.confidence),
            )
        )  # fmt: skip
    jumps = found.jumps
    if jumps.empty:
        said.append(say("Demand made no jump in {period}.", period=look.period))
        return paragraphs(said)
    back, n = jumps[jumps["ended"]]["days_back"], len(jumps)
    if len(back) == n and back.max() == 0:
        said.append(
            say(
                "Demand jumped {n} times, and the share delivered stayed normal ({normal}).", n=n,
                normal=as_share(found.normal),
            )
        )  # fmt: skip
    elif len(back):
        said.append(
            say(
                "After {n} jumps of demand, the share delivered was back to normal ({normal}) after {median} days "
                "(median; at most {most}).", n=n, normal=as_share(found.normal),
                median=formatted(back.median(), "days"), most=int(back.max()),
            )
        )  # fmt: skip
    if len(back) < n:
        said.append(say("After {n} it was not yet back as {period} ended.", n=n - len(back), period=look.period))
    return paragraphs(said)


def visibility(rows: Frame, look: Look) -> Html:
    """Whether customers were told before they asked, by segment; or what would tell it.

    Parameters
    ----------
    rows
        The result of ``strategy.visibility``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a segment; what it lacks without the table ``service_events``; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 5.1.
    """
    if lacking := look.missing(_EVENTS, gain=say("shows whether customers are told before they ask")):
        return lacking
    if rows.empty:
        return paragraphs([say("Nobody asked, or was told, about an order of {period}.", period=look.period)])
    caption = say(
        "Orders of {period} that a customer asked about or was told of: status sent before the customer asked",
        period=look.period,
    )  # fmt: skip
    heads = {"n": "orders", "n_asked": "asked about", "share": "told first"}
    columns = ["segment", "n", "n_asked", *trio("share")]
    return table(
        rows, name="visibility", caption=f"{caption}; {look.together(len(rows), 'Bonferroni')}", columns=columns,
        heads=heads, kinds={"n_asked": "count"},
    )  # fmt: skip


def policies(declared: Frame, look: Look) -> Html:
    """The policies of the frame ``policies`` with what they change; or what would declare them.

    Parameters
    ----------
    declared
        The frame ``policies``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a policy; a sentence where none is declared.

    Notes
    -----
    docs/METHODS.md section 5.2.
    """
    told = declared[declared["policy"] != ""]
    if told.empty:
        return paragraphs(
            [say("No policy is declared: policies.yaml (policies:) would say what might be done otherwise.")]
        )
    places = told[told["lever"].isin(_PLACES)]
    rows = pd.DataFrame({"policy": list(dict.fromkeys(told["policy"]))})
    rows["for"] = rows["policy"].map(places["value"].groupby(places["policy"]).agg(", ".join)).fillna(say("all"))
    rows["levers"] = rows["policy"].map(_levers(declared))
    caption = say("Policies of policies.yaml, beside today's")
    heads, kinds = {"levers": "what changes"}, dict.fromkeys(["policy", "for", "levers"], "name")
    return table(rows, name="policies", caption=caption, columns=list(kinds), heads=heads, kinds=kinds)


_PLACES = ("segment", "channel", "region")
_LEVERS = {
    "carrier": "by carrier {value} in place of {key}",
    "fulfilment": "by way of {value} in place of {key}",
    "site": "from site {value} in place of {key}",
    "1": "promised a day later",
    "-1": "promised a day earlier",
    "later": "promised {value} days later",
    "earlier": "promised {value} days earlier",
    "window_hours": "promised to within {value} hours",
    "cut_off": "cut-off at {value}:00",
    "delivery_days": "delivered on {value}",
    "consolidate_days": "orders of {value} days together",
    "minimum_order": "sent as soon as they reach {value}",
    "freight_charge": "freight of {value} charged",
    "free_from": "free from {value}",
    "stock_service": "stock for {value} of what sold out",
}
_MONEY_LEVERS = ("minimum_order", "freight_charge", "free_from")


def _levers(declared: Frame) -> dict[str, str]:
    """What each policy changes, in words."""
    told = declared[(declared["policy"] != "") & ~declared["lever"].isin(_PLACES)]
    said: dict[str, list[str]] = {}
    for (policy, lever, key), rows in told.groupby(["policy", "lever", "key"], sort=False):
        value = rows["value"].iloc[0]
        if lever == "promise_days":
            lever = value if value in _LEVERS else "later" if int(value) > 0 else "earlier"
            value = str(abs(int(value)))
        elif lever == "delivery_days":
            value = listed(word(day) for day in rows["value"])
        elif lever == "stock_service":
            value = as_share(int(value) / 100)
        elif lever in _MONEY_LEVERS:
            value = formatted(int(value), "cents")
        said.setdefault(policy, []).append(say(_LEVERS[lever], value=word(value), key=word(key)))
    return {policy: ", ".join(parts) for policy, parts in said.items()}


_UNTOLD = {
    "carrier": "another carrier, since all orders went by one or none is named",
    "fulfilment": "another way of acquiring, since all orders went the same way",
    "site": "another site, since all orders left one or none is named",
    "freight": "what sending costs, since no freight is on record",
    "contents": "what is short or damaged, since delivery_lines is not on record",
    "window": "a narrower window, since no promise has a begin",
    "stock_levels": "stock, since stock_levels is not on record",
    "activities": "what handling costs, since activities is not on record",
}


def untold(levers: Sequence[str], look: Look) -> Html | None:
    """What cannot be simulated with the company's data, and why; None where everything can.

    Parameters
    ----------
    levers
        The result of ``strategy.untold``: names of levers that no order tells anything of.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A sentence; None where everything can be simulated.

    Notes
    -----
    docs/METHODS.md section 5.2.
    """
    absent = set(look.unlocks.loc[look.unlocks["columns"] == "", "table"])
    names = [*levers, *(name for name in ("stock_levels", "activities") if name in absent)]
    if not names:
        return None
    return paragraphs([say("Cannot be simulated: {what}.", what="; ".join(say(_UNTOLD[name]) for name in names))])


def refused(found, look: Look) -> Html | None:
    """Policies that could not be replayed, and why; pools whose work is left out. None where nothing is.

    Parameters
    ----------
    found
        The result of ``strategy.study``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        Sentences, also of policies whose delays come from elsewhere for 1 % of all orders or more; None where there is
        nothing to say.

    Notes
    -----
    docs/METHODS.md section 5.4.
    """
    said = [
        say("Left out: {policy}. {why}.", policy=row.policy, why=row.why.rstrip("."))
        for row in found.refused.itertuples()
    ]
    if found.unpriced:
        said.append(
            say("Work of {pools} is left out: no cost by capacity is known of it.", pools=listed(found.unpriced))
        )  # fmt: skip
    for policy, share in found.coarse.items():
        if share >= _COARSE:
            said.append(
                say(
                    "{policy}: for {share} of all orders too few went that way in their region; their delays are those "
                    "of other regions, or of all ways of the carrier.", policy=word(policy), share=as_share(share),
                )
            )  # fmt: skip
    return paragraphs(said) if said else None


def validity(rows: Frame, look: Look) -> Html:
    """The bands of today's replay, then what was observed; or that there is nothing to hold it against.

    Parameters
    ----------
    rows
        The result of ``strategy.validity``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a segment and measure, bands cut to what is possible; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 5.3.
    """
    if rows.empty:
        return paragraphs(
            [say("The replay cannot be judged: there are no earlier orders that it could be learned from.")]
        )
    kinds = rows["measure"].map(_KINDS)
    ends = dict.fromkeys(["on_time", "within_promise", "otif"], (0, 1)) | {"nps": (-100, 100)}
    low, high = (rows["measure"].map(lambda name, at=at: ends.get(name, (-np.inf, np.inf))[at]) for at in (0, 1))
    rows = rows.assign(low=rows["low"].clip(lower=low), high=rows["high"].clip(upper=high))
    told = rows.assign(measure=rows["measure"].map(_named), kind=kinds, verdict=rows["passed"].map(_passed))
    caption = say(
        "Today's policy replayed on the orders of {period}, learned from the four periods before; {together}",
        period=look.period, together=look.together(len(rows)),
    )  # fmt: skip
    heads = {
        "low": "band, low",
        "high": "band, high",
        "measure": "measure",
        "replayed": "replayed",
        "observed": "observed",
    }
    written = dict.fromkeys(["replayed", "low", "high", "observed"], "kind") | {"segment": "name"}
    columns = ["segment", "measure", "low", "high", "replayed", "observed", "verdict"]
    return table(told, name="validity", caption=caption, columns=columns, heads=heads, kinds=written)


def _passed(passed: bool) -> str:
    return "inside" if passed else "outside"


def _named(measure: str) -> str:
    return _NAMES.get(measure, measure)


def changes(rows: Frame, look: Look) -> Html:
    """What each policy would have changed, by segment: a row a segment and policy.

    Parameters
    ----------
    rows
        The result of ``strategy.against_today`` with a family of 1: each interval stands by itself.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a segment and policy, intervals of margin and score alone; a sentence where nothing, or only
        today's policy, was replayed.

    Notes
    -----
    docs/METHODS.md section 5.4.
    """
    if rows.empty:
        return _none(look)
    names = [
        name for name in ("gain", "on_time", "within_promise", "otif", "nps", "wait") if name in set(rows["measure"])
    ]
    told = rows[rows["policy"] != "today"]
    if told.empty:
        return paragraphs([say("No policy but today's was replayed.")])
    wide = told[["segment", "policy"]].drop_duplicates().reset_index(drop=True)
    for name in names:
        own = told[told["measure"] == name].rename(columns=dict(zip(trio("change"), trio(name), strict=True)))
        wide = wide.merge(own[["segment", "policy", *trio(name)]], how="left", on=["segment", "policy"])
    kinds = {"policy": "name", "segment": "name"}
    kinds |= {column: _KINDS[name] for name in names for column in trio(name)}
    caption = say(
        "Change from today's policy on the orders of {period}, {currency}; each interval by itself with {sure} "
        "confidence", period=look.period, currency=look.currency, sure=look.sure,
    )  # fmt: skip
    heads = {"gain": "margin", "gain_low": "margin low", "gain_high": "margin high", "wait": "days of waiting"}
    heads |= {"nps": look.measure}
    shown = [column for name in names for column in (trio(name) if name in ("gain", "nps") else [name])]
    return table(
        wide, name="policy_changes", caption=caption, columns=["segment", "policy", *shown], heads=heads, kinds=kinds
    )  # fmt: skip


def costs(rows: Frame, look: Look, *, ax: "Axes | None" = None) -> "Html | Axes":
    """Margin that each policy adds over all segments, with its interval.

    Parameters
    ----------
    rows
        The result of ``strategy.against_today``; shown is its margin (``gain``) over all segments.
    look
        Facts of the company and period, and what is lacking.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html or Axes
        A figure of dots with its data, the largest margin first; a sentence where only today's policy was replayed; the
        given axes.

    Notes
    -----
    docs/METHODS.md section 5.4.
    """
    told = rows[(rows["segment"] == "(all)") & (rows["policy"] != "today") & (rows["measure"] == "gain")]
    if told.empty:
        return paragraphs([say("No policy but today's was replayed.")])
    told = told.rename(columns=dict(zip(trio("change"), trio("gain"), strict=True)))
    told = told.sort_values("gain", ascending=False, ignore_index=True)
    caption = say(
        "Margin that each policy would have added on the orders of {period}, were it used for all it is for; {sure} "
        "intervals", period=look.period, sure=look.sure,
    )  # fmt: skip
    kinds = dict.fromkeys(trio("gain"), "money") | {"policy": "name", "error": "money"}
    return dots(
        told, by=["policy"], value="gain", name="policy_gain", what=say("margin added by each policy"),
        axis=say("margin against today ({currency})", currency=look.currency), caption=caption,
        columns=["policy", "error"], heads={"error": "Monte Carlo error", "gain": "margin"}, kinds=kinds,
        mark=(0.0, say("today")), ax=ax,
    )  # fmt: skip


def fit(rows: Frame, look: Look) -> Html:
    """Which segment is served too much, too little, or right.

    Parameters
    ----------
    rows
        The result of ``strategy.fit``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a segment; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 5.5.
    """
    if rows.empty:
        return _none(look)
    why = {"floor": "a floor is missed", "value": "value at risk", "cost": "cost that is not felt"}
    missed = ["; ".join(limit(name) for name in names.split("; ") if name) for names in rows["missed"]]
    told = rows.assign(why=rows["why"].map(why), missed=missed)
    kinds = dict.fromkeys(trio("change"), "money") | {"fit": "text", "why": "text", "policy": "name", "missed": "name"}
    heads = {"fit": "service", "policy": "shown by", "missed": "floors missed"}
    heads |= {"change": "value, or cost", "change_low": "low", "change_high": "high"}
    heads |= {"nps": say("change of {measure}", measure=look.measure)}
    caption = say(
        "Is each segment's service too much, too little or right, as far as these policies tell? {period}, {currency}",
        period=look.period, currency=look.currency,
    )  # fmt: skip
    columns = ["segment", "fit", "policy", "why", "missed", *trio("change"), *trio("nps")]
    return table(told, name="fit", caption=caption, columns=columns, heads=heads, kinds=kinds)


def choice(chosen: Mapping | None, won: Frame, sure: Frame, gone: Sequence[str], look: Look) -> Html:
    """The policy of greatest value of each segment, how often it wins, whether it is settled; limits nothing keeps.

    Parameters
    ----------
    chosen
        Policy by segment: ``chosen`` of the first result of ``strategy.nearest_choice``; None: none.
    won
        The result of ``strategy.wins``.
    sure
        The result of ``strategy.settled``.
    gone
        Names of limits that no choice keeps: the third result of ``strategy.nearest_choice``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a segment, limits left out named in its caption; a sentence where nothing is chosen.

    Notes
    -----
    docs/METHODS.md section 5.6.
    """
    if not chosen:
        return _none(look)
    rows = pd.DataFrame({"segment": list(chosen), "policy": list(chosen.values())})
    rows = rows.merge(won, how="left", on=["segment", "policy"]).merge(sure, how="left", on=["segment", "policy"])
    rows["verdict"] = [
        "today's" if row.policy == "today" else "settled" if row.better is True else "not settled"
        for row in rows.itertuples()
    ]
    caption = say(
        "Policy of greatest value for each segment, all limits kept, {period}, {currency}; value against today, "
        "{together}", period=look.period, currency=look.currency,
        together=look.together(int(sure["family"].max()) if len(sure) else 1),
    )  # fmt: skip
    if gone:
        caption += ". " + say(
            "No choice keeps these limits, which are left out: {names}.", names="; ".join(map(limit, gone))
        )
    kinds = dict.fromkeys(trio("value"), "money") | {"policy": "name"}
    heads = {"share": "chosen in draws", "value": "value"}
    columns = ["segment", "policy", *trio("value"), "verdict", *trio("share")]
    return table(rows, name="choice", caption=caption, columns=columns, heads=heads, kinds=kinds)


def frontier(rows: Frame, now: tuple[float, float], look: Look, *, ax: "Axes | None" = None) -> "Html | Axes | None":
    """The least cost for each score, with today's place; None where the score is not known or there is one choice.

    Parameters
    ----------
    rows
        The result of ``strategy.frontier``.
    now
        Score (points) and cost (cents) of today: the result of ``strategy.place_of_today``.
    look
        Facts of the company and period, and what is lacking.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html, Axes or None
        A figure with its data; None with fewer than two choices; the given axes.

    Notes
    -----
    docs/METHODS.md section 5.6.
    """
    if len(rows) < 2:
        return None
    fig, ax = canvas(ax, figsize=(7.2, 3.4))
    ax.plot(rows["nps"], rows["cost"] / 100, "o-", color=ACCENT)
    ax.plot([now[0]], [now[1] / 100], "s", color=QUIET)
    ax.annotate(say("today"), (now[0], now[1] / 100), textcoords="offset points", xytext=(6, 4), color=QUIET)
    ax.set_xlabel(say("{measure}, all replayed orders (points)", measure=look.measure))
    ax.set_ylabel(say("cost to serve ({currency})", currency=look.currency))
    ax.yaxis.set_major_formatter(lambda value, _: number(value, ",.0f"))
    caption = say(
        "Least cost to serve at which each score can be had by one policy a segment, {period}", period=look.period
    )  # fmt: skip
    ends = rows.iloc[[0, -1]]
    alt = say(
        "Curve from {low} points at {currency} {least} to {high} points at {currency} {most}; today {points} points at "
        "{currency} {cost}.", low=as_points(ends["nps"].iloc[0]), least=as_money(ends["cost"].iloc[0]),
        high=as_points(ends["nps"].iloc[1]), most=as_money(ends["cost"].iloc[1]), points=as_points(now[0]),
        cost=as_money(now[1]), currency=look.currency,
    )  # fmt: skip
    kinds = {"nps": "points", "cost": "money", "chosen": "name"}
    data = table(
        rows, name="frontier", caption=caption, columns=["nps", "cost", "chosen"], kinds=kinds,
        heads={"nps": look.measure, "cost": "cost to serve", "chosen": "chosen"},
    )  # fmt: skip
    return figure(fig, name="frontier", alt=alt, caption=caption, data=data, ax=ax)


def one_more(rows: Frame, look: Look) -> Html | None:
    """What one more hour of each capacity is worth; None where no capacity is known.

    Parameters
    ----------
    rows
        The result of ``strategy.one_more``, for one hour.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table, one row a capacity; None without rows.

    Notes
    -----
    docs/METHODS.md section 5.6.
    """
    if rows.empty:
        return None
    caption = say(
        "What one more hour of each capacity is worth in {period}, {currency}",
        period=look.period,
        currency=look.currency,
    )
    rows = rows.assign(name=rows["name"].map(limit))
    heads = {"name": "limit", "used": "used (hours)", "there": "there (hours)", "gain": "gain of one more hour"}
    kinds = {"name": "name", "used": "count", "there": "count", "gain": "cents"}
    return table(rows, name="one_more_hour", caption=caption, columns=list(heads), heads=heads, kinds=kinds)


def recommended(rows: Frame, pasted: Sequence[str], trusted: bool, look: Look) -> Html:
    """What to decide for each segment, with what would falsify it and the rows for decisions.yaml.

    Parameters
    ----------
    rows
        The result of ``strategy.recommended``.
    pasted
        The result of ``strategy.rows_to_paste``.
    trusted
        Did everything observed lie in its band of ``strategy.validity``?
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a segment and measure, sentences, and the rows to paste behind a disclosure; a sentence where
        the replay is not trusted, or nothing is settled.

    Notes
    -----
    docs/METHODS.md section 5.8.
    """
    if not trusted:
        return paragraphs([_untrusted()])
    settled = rows[rows["settled"]] if len(rows) else rows
    if settled.empty:
        return paragraphs([say("Nothing is recommended: no policy is settled to be better than today's.")])
    caption = say(
        "Recommended for each segment in place of today's policy, and what is expected of it, {period}, {currency}",
        period=look.period, currency=look.currency,
    )  # fmt: skip
    long = pd.DataFrame(
        [
            {"segment": row["segment"], "policy": row["policy"],
             "measure": _named(name), "kind": kind, **{end: row[f"{name}{tail}"] for end, tail in _ENDS.items()}}
            for row in settled.to_dict("records")
            for name, kind in (("value", "money"), *_KINDS.items())
            if name in row and row[name] == row[name]
        ]
    )  # fmt: skip
    heads = {"policy": "to", "measure": "expected of", "change": "change", "low": "low", "high": "high"}
    kinds = {"policy": "name"} | dict.fromkeys(_ENDS, "kind")
    columns = ["segment", "policy", "measure", *_ENDS]
    shown = table(long, name="recommended", caption=caption, columns=columns, heads=heads, kinds=kinds)
    said = [
        say(
            "For {segment} {policy} pays as long as less than {share} of the {n} orders that it touches, by their "
            "margin before service, are lost by it.", segment=row["segment"], policy=row["policy"],
            share=as_share(row["break_even"]), n=formatted(row["touched"], "count"),
        )
        for row in settled.to_dict("records")
        if row["break_even"] == row["break_even"]
    ]  # fmt: skip
    against = say(
        "It would be falsified by a period after the decision in which the interval of the change of cost, on time or "
        "{measure}, against customers or regions where it does not hold, does not meet these.", measure=look.measure,
    )  # fmt: skip
    notes, text = paragraphs([*said, against]), "decisions:\n" + "\n".join(pasted)
    head = html.escape(say("Rows for decisions.yaml, once decided"))
    rows_to_paste = f"<details><summary>{head}</summary><pre>{html.escape(text)}</pre></details>"
    return Html(shown.html + notes.html + rows_to_paste, f"{shown.text}\n{notes.text}\n{text}", shown.mime)


def _untrusted() -> str:
    return say("Nothing is recommended: today's policy, replayed, does not give what was observed.")


def findings(
    rows: Frame,
    valid: Frame,
    trusted: bool,
    advice: Frame,
    gone: Sequence[str],
    told: Frame,
    look: Look,
) -> Html:
    """The answers of the strategy report, in the slots of docs/METHODS.md section 5.9.

    Parameters
    ----------
    rows
        The result of ``strategy.fit``.
    valid
        The result of ``strategy.validity``.
    trusted
        Did everything observed lie in its band of ``strategy.validity``?
    advice
        The result of ``strategy.recommended``.
    gone
        Names of limits that no choice keeps: the third result of ``strategy.nearest_choice``.
    told
        The result of ``strategy.visibility``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Sentences; one alone where ``valid`` is empty: no policy can be compared.

    Notes
    -----
    docs/METHODS.md section 5.9.
    """
    if valid.empty:
        return paragraphs(
            [
                say(
                    "No policy can be compared: there are no orders with a promise, or none before {period}.",
                    period=look.period,
                )
            ],
            role="findings",
        )
    said = [
        say(
            "Today's policy, replayed, gives {inside} of {n} observed figures inside its bands.",
            inside=int(valid["passed"].sum()), n=len(valid),
        )
    ]  # fmt: skip
    by = {kind: rows.loc[rows["fit"] == kind, "segment"].tolist() for kind in ("under-served", "over-served")}
    for kind, text in (("under-served", say("Under-served: {names}.", names=listed(by["under-served"]))),
                       ("over-served", say("Over-served: {names}.", names=listed(by["over-served"])))):  # fmt: skip
        if by[kind]:
            said.append(text)
    if not any(by.values()):
        said.append(say("No segment is served too much or too little, as far as these policies tell."))
    settled = advice[advice["settled"]] if len(advice) else advice
    if not trusted:
        said.append(_untrusted())
    elif settled.empty:
        said.append(say("No policy is settled to be better than today's."))
    for row in settled.to_dict("records") if trusted else []:
        interval = between(row["value_low"], row["value_high"], "money", look.confidence)
        said.append(
            say(
                "For {segment}, {policy} is worth {currency} {value} a period ({interval}){lost}.",
                segment=row["segment"], policy=row["policy"], currency=look.currency, value=as_money(row["value"]),
                interval=interval, lost=_may_be_lost(row["break_even"]),
            )
        )  # fmt: skip
    if gone:
        said.append(say("No choice of policies keeps: {names}.", names="; ".join(map(limit, gone))))
    if len(told):
        least = told.sort_values("share").iloc[0]
        said.append(
            say(
                "Told before they asked: least of {segment}, {share} of orders.", segment=word(least["segment"]),
                share=as_share(least["share"]),
            )
        )  # fmt: skip
    return paragraphs(said, role="findings")


def _may_be_lost(share: float) -> str:
    """How many orders may be lost until it does not pay, as the end of a sentence; nothing where that is not known."""
    if share != share:
        return ""
    return say(", as long as less than {share} of the orders that it touches are lost by it", share=as_share(share))


def stock_levels(rows: Frame, look: Look) -> Html:
    """Stock that would serve each share of demand, by category; or what would tell it.

    Parameters
    ----------
    rows
        The result of ``strategy.stock_for``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a category; what it lacks without the table ``stock_levels``; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 5.7.
    """
    if lacking := look.missing(
        {"stock_levels": ()}, gain=say("shows how much stock would serve which share of demand")
    ):
        return lacking
    if rows.empty:
        return paragraphs([say("Too few counts of stock without a sold-out article to tell what stock would serve.")])
    levels = {name: f"{name.removeprefix('level ')}" for name in rows if name.startswith("level ")}
    heads = {"n": "articles at sites", "out": "sold out in", "sold": "pieces a count"}
    heads |= {name: say("stock for {share}", share=percent(float(share))) for name, share in levels.items()}
    kinds = {"out": "share", "sold": "points"} | dict.fromkeys(levels, "points")
    caption = say(
        "Pieces of stock, filled up at each count, that would serve each share of demand from stock, {period}",
        period=look.period,
    )  # fmt: skip
    columns = ["category", "n", "out", "sold", *levels]
    return table(rows, name="stock_levels", caption=caption, columns=columns, heads=heads, kinds=kinds)


def limit(name: str) -> str:
    """A limit of the choice as readers see it, with shares in per cent.

    Parameters
    ----------
    name
        As ``strategy.limits`` names it: a measure, or minutes, of a group; or the budget.

    Returns
    -------
    str
        The name in words.

    Examples
    --------
    >>> limit("on_time of business at least 0.95"), limit("budget")
    ('on time of business at least 95 %', 'budget')
    """
    what, _, least = name.partition(" at least ")
    measure, _, segment = what.partition(" of ")
    if not least:
        return say("minutes of {pool}", pool=word(segment)) if segment else say("budget")
    least = percent(float(least)) if measure in ("on_time", "otif") else number(float(least), "g")
    measured, group = say(_named(measure)), word(segment)
    return say("{measure} of {segment} at least {least}", measure=measured, segment=group, least=least)


def _none(look: Look) -> Html:
    return paragraphs([say("No order of {period} was sent with a promise.", period=look.period)])

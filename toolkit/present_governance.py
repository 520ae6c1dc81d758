"""How do the scorecard, signals, decisions and agenda look and read? Frame to table, figure, sentence."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.language import month, number, say, word
from toolkit.present import (
    ACCENT,
    INK,
    QUIET,
    WARN,
    Frame,
    Html,
    Look,
    between,
    figure,
    formatted,
    listed,
    panels,
    paragraphs,
    table,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = {
    "net_revenue": "net revenue",
    "margin": "margin after cost to serve",
    "cost_to_serve": "cost to serve of net revenue",
    "nps": "NPS",
    "on_time": "orders on time",
    "otif": "orders on time and in full",
    "lifetime_value": "revenue of the year ahead",
    "unmet": "wishes not met",
    "agility": "fill on the busiest days",
    "visibility": "told before they asked",
    "discipline": "lead of a value discipline",
    "floors_failed": "floors that fail",
    "late": "late orders",
    "order_value": "net revenue an order",
    "free_of_complaint": "orders without a complaint",
    "wishes_met": "wishes met",
    "postings": "posted cost an order",
    "supplies": "supplies on time",
}
_SHORT = {
    "net_revenue": "net revenue",
    "margin": "margin",
    "cost_to_serve": "cost to serve",
    "nps": "NPS",
    "on_time": "on time",
    "otif": "OTIF",
    "lifetime_value": "year ahead",
    "unmet": "unmet",
    "agility": "agility",
    "visibility": "visibility",
    "discipline": "lead",
    "floors_failed": "floors failed",
}
_KINDS = {"share": "share", "cents": "money", "points": "points", "index": "times", "floors": "count"}
_CHART_KINDS = {"nps": "points", "order_value": "cents", "postings": "cents"}  # others: shares
_UNITS = {  # others: shares
    "net_revenue": "cents",
    "margin": "cents",
    "lifetime_value": "cents",
    "nps": "points",
    "discipline": "index",
    "floors_failed": "floors",
}
_NAMED, _PANELS, _YEAR = 3, 12, 12  # names of one sentence, panels, months that are told


def _place(segment: str, channel: str = "") -> str:
    return ", ".join(word(name) for name in (segment or "(all)", channel) if name)


def _figure(measure: str, segment: str, channel: str = "") -> str:
    """A figure as it is named in sentences: of whom, unless of all."""
    name, place = say(NAMES[measure]), _place(segment, channel)
    return name if place == word("(all)") else say("{measure} of {place}", measure=name, place=place)


def _shown(value: float, unit: str) -> str:
    unit_word = f" {say('points')}" if unit == "points" else ""
    return formatted(value, _KINDS[unit]) + unit_word


def remembered(rows: Frame, look: Look) -> Html:
    """What must be known of the history: missing periods, restated figures, changed definitions, names.

    Parameters
    ----------
    rows
        The result of ``governance.remembered``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Sentences; one alone where there is nothing to know.

    Notes
    -----
    docs/METHODS.md section 7.0.
    """
    said, facts = [], {kind: own for kind, own in rows.groupby("kind", sort=False)}
    if "first period" in facts:
        said.append(say("{period} is the first period that is archived: there is nothing to compare it with.",
                        period=look.period))  # fmt: skip
    if "missing" in facts:
        said.append(say("Not archived, and nothing stands in for them: {periods}.",
                        periods=listed(facts["missing"]["period"])))  # fmt: skip
    for kind, sentence in (
        ("not told", say("In {period}, and not in this period: {names}.")),
        ("new measure", say("In this period, and not in {period}: {names}.")),
    ):
        for period, own in facts.get(kind, rows.iloc[:0]).groupby("period", sort=False):
            said.append(sentence.format(period=period, names=listed(say(NAMES[name]) for name in own["measure"])))
    if "restated" in facts:
        own = facts["restated"]
        names = [
            say("{figure} in {period} ({was} in {first}, now {now})",
                figure=_figure(row.measure, row.segment, row.channel), period=row.period,
                was=_shown(row.was, row.unit), first=row.was_in, now=_shown(row.value, row.unit))
            for row in own.head(_NAMED).itertuples()
        ]  # fmt: skip
        names += [say("{n} more", n=len(own) - _NAMED)] * (len(own) > _NAMED)
        said.append(say("Restated since they were first archived: {names}.", names="; ".join(names)))
    for kind, sentence in (
        ("another definition", say("Defined otherwise than in {period}, so that no change is shown: {names}.")),
        ("reads otherwise", say("The section that defines it reads otherwise than in {period}: {names}.")),
    ):
        for period, own in facts.get(kind, rows.iloc[:0]).groupby("period", sort=False):
            names = listed(say(NAMES[name]) for name in own["measure"])
            said.append(sentence.format(period=say(period), names=names))
    for kind, sentence in (
        ("gone", say("Segments of {period} that are not in this one: {names}. If they were renamed, targets.yaml "
                     "(renamed:) may say so.")),
        ("new", say("Segments that {period} did not have: {names}.")),
    ):  # fmt: skip
        for period, own in facts.get(kind, rows.iloc[:0]).groupby("period", sort=False):
            said.append(sentence.format(period=period, names=listed(own["segment"])))
    for row in facts.get("renamed", rows.iloc[:0]).itertuples():
        said.append(say("{was} is called {now} now; its earlier figures stand under that name.", was=row.was_in,
                        now=row.segment))  # fmt: skip
    return paragraphs(said or [say("All earlier periods are there, none was restated, no definition changed.")])


def matrix(card: Frame, look: Look) -> Html:
    """The scorecard by segment and channel, one column a measure.

    Parameters
    ----------
    card
        The result of ``governance.scorecard``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a segment and channel; measures without any figure have no column.

    Notes
    -----
    docs/METHODS.md section 7.1.
    """
    known = [name for name in _SHORT if card.loc[card["measure"] == name, "value"].notna().any()]
    rows = card.pivot(index=["segment", "channel"], columns="measure", values="value").reset_index()
    order = np.lexsort([rows["channel"], rows["segment"]])
    rows = rows.iloc[order].reset_index(drop=True)
    rows = rows.assign(segment=rows["segment"].replace("", "(all)"), channel=rows["channel"].replace("", "(all)"))
    units = card.dropna(subset=["value"]).drop_duplicates("measure").set_index("measure")["unit"]
    caption = say(
        "Scorecard of {period} by segment and channel; each figure is that of its own report, {currency}",
        period=look.period, currency=look.currency,
    )  # fmt: skip
    return table(
        rows, name="scorecard", caption=caption, columns=["segment", "channel", *known],
        heads={name: _SHORT[name] for name in known}, kinds={name: _KINDS[units[name]] for name in known},
    )  # fmt: skip


def against_targets(card: Frame, look: Look) -> Html:
    """Each target with its figure, status, owner, and how the figure moved; or where targets would be declared.

    Parameters
    ----------
    card
        The result of ``governance.scorecard``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a target; a sentence where none is declared.

    Notes
    -----
    docs/METHODS.md section 7.1.
    """
    rows = card[card["status"] != "no target"]
    if rows.empty:
        return paragraphs([say("No target is declared: targets.yaml (scorecard:) would name them, and their owners.")])
    told = _named(rows).assign(
        goal=[_goal(row) for row in rows.to_dict("records")],
        interval=[_interval(row) for row in rows.to_dict("records")],
        since=_changes(rows, "change"), since_year=_changes(rows, "year"),
    )  # fmt: skip
    caption = say(
        "Targets of targets.yaml in {period}; missed and met are said where the interval of its own report lies on one "
        "side, or where there is none", period=look.period,
    )  # fmt: skip
    heads = {
        "what": "measure", "of_whom": "of", "goal": "target", "value": "found", "interval": "interval",
        "since": "since the period before", "since_year": "since a year before",
    }  # fmt: skip
    kinds = {"value": "kind"} | dict.fromkeys(["goal", "interval", "since", "since_year"], "shown")
    kinds |= {"what": "name", "of_whom": "name", "status": "text", "owner": "name"}
    columns = ["what", "of_whom", "goal", "value", "interval", "status", "owner", "since", "since_year"]
    return table(told, name="targets", caption=caption, columns=columns, heads=heads, kinds=kinds)


def _target(row: Mapping) -> float:
    return row["at_most"] if np.isnan(row["at_least"]) else row["at_least"]


def _goal(row: Mapping) -> str:
    shown = _shown(_target(row), row["unit"])
    return (
        say("at most {target}", target=shown) if np.isnan(row["at_least"]) else say("at least {target}", target=shown)
    )


def _interval(row: Mapping) -> str:
    if pd.isna(row["low"]):
        return "–"
    low, high = (formatted(row[end], _KINDS[row["unit"]]) for end in ("low", "high"))
    return say("{low} to {high}", low=low.removesuffix(" %"), high=high)


def _named(rows: Frame) -> Frame:
    """Rows of the card with measure and place as readers know them, and how their values read."""
    return rows.assign(
        what=[say(NAMES[name]) for name in rows["measure"]],
        of_whom=[_place(*both) for both in zip(rows["segment"], rows["channel"], strict=True)],
        kind=rows["unit"].map(_KINDS),
    )


def _changes(rows: Frame, name: str) -> list[str]:
    """Changes as readers see them: signed, marked where they are settled, or why there is none."""
    told = []
    for row in rows.to_dict("records"):
        if pd.isna(row[name]):
            told.append(word(row[f"{name}_note"]) or "–")
            continue
        text = _signed(row[name], row["unit"])
        if row[f"{name}_settled"]:
            text += f", {word('better') if row[name] * row['better'] > 0 else word('worse')}"
        told.append(text)
    return told


def _signed(change: float, unit: str) -> str:
    size = {"share": 100}.get(unit, 1) * change
    if unit == "cents":
        return ("+" if change > 0 else "") + formatted(change, "money")
    return number(size, "+,.2f" if unit == "index" else "+,.1f") if unit != "floors" else number(size, "+,.0f")


def moved(card: Frame, look: Look) -> Html:
    """Changes that are settled, all of them over the page.

    Parameters
    ----------
    card
        The result of ``governance.scorecard``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a figure and what it is compared with: the period before, then a year before; a sentence where
        no change is settled.

    Notes
    -----
    docs/METHODS.md section 7.1.
    """
    parts = []
    for name, against in (("change", "the period before"), ("year", "a year before")):
        own = card[card[f"{name}_settled"]]
        ends = dict(zip([name, f"{name}_low", f"{name}_high"], ["by", "by_low", "by_high"], strict=True))
        own = _named(own).assign(against=against, way=np.where(own[name] * own["better"] > 0, "better", "worse"))
        parts.append(own.drop(columns=["low", "high"]).rename(columns=ends))
    tested = int(card[["change_low", "year_low"]].notna().sum().sum())
    rows = pd.concat(parts)
    if rows.empty:
        return paragraphs([say("Of {n} changes with an interval none is settled.", n=tested)])
    caption = say(
        "Changes in {period} that are settled, of {n} with an interval: adjusted by Benjamini and Hochberg at {sure}; "
        "shares in points of per cent; intervals {sure}, each alone", period=look.period, n=tested, sure=look.sure,
    )  # fmt: skip
    shares = rows["unit"] == "share"
    rows.loc[shares, ["by", "by_low", "by_high"]] *= 100
    rows["kind_by"] = rows["kind"].where(~shares, "points")
    heads = {"what": "measure", "of_whom": "of", "value": "now", "by": "change", "by_low": "low", "by_high": "high"}
    heads |= {"way": "which is"}
    kinds = {"what": "name", "of_whom": "name", "value": "kind", "against": "text", "way": "text"}
    kinds |= dict.fromkeys(["by", "by_low", "by_high"], "kind_by")
    columns = ["what", "of_whom", "value", "against", "by", "by_low", "by_high", "way"]
    return table(rows, name="moved", caption=caption, columns=columns, heads=heads, kinds=kinds)


def every(card: Frame, look: Look) -> Html:
    """All figures of the scorecard with their intervals and changes, folded.

    Parameters
    ----------
    card
        The result of ``governance.scorecard``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table behind a disclosure, one row a measure, segment and channel.

    Notes
    -----
    docs/METHODS.md section 7.1.
    """
    told = _named(card).assign(since=_changes(card, "change"), since_year=_changes(card, "year"))
    caption = say("All figures of the scorecard, {period}", period=look.period)
    heads = {"what": "measure", "of_whom": "of", "value": "found", "low": "low", "high": "high", "n": "n"}
    heads |= {"since": "since the period before", "since_year": "since a year before"}
    heads |= {"at_least": "at least", "at_most": "at most"}
    kinds = dict.fromkeys(["value", "low", "high", "at_least", "at_most"], "kind") | dict.fromkeys(
        ["since", "since_year"], "shown"
    )
    kinds |= {"what": "name", "of_whom": "name", "status": "text"}
    columns = ["what", "of_whom", "n", "value", "low", "high", "at_least", "at_most", "status", "since", "since_year"]
    shown = table(told, name="scorecard_all", caption=caption, columns=columns, heads=heads, kinds=kinds)
    return _folded(shown, caption)


# -- months ------------------------------------------------------------------------------------


def charts(
    charted: Frame, look: Look, *, suppliers: bool = False, axes: "Sequence[Axes] | None" = None
) -> "Html | Axes | None":
    """Control charts of all together, or of suppliers, a panel a series, signals marked; None without any.

    Parameters
    ----------
    charted
        The result of ``governance.charts``.
    look
        Facts of the company and period, and what is lacking.
    suppliers
        Those of suppliers, the twelve with most lines drawn? Else those of all together.
    axes
        Axes to draw on, one a series; without them it is a figure of its own.

    Returns
    -------
    Html, Axes or None
        A figure with its data (of suppliers, all of them); None without a series; the given axes.

    Notes
    -----
    docs/METHODS.md section 7.2.
    """
    mine = charted[(charted["measure"] == "supplies") == suppliers]
    mine = mine if suppliers else mine[mine["place"] == "(all)"]
    sizes = mine.groupby(["measure", "place"], sort=False)["n"].sum()
    names = [key for key in sizes.sort_values(ascending=False).index[:_PANELS]] if suppliers else list(sizes.index)
    if not names:
        return None
    fig, axes = panels(axes, len(names), wide=7.6, high=1.9)
    told = []
    for ax, (measure, place) in zip(axes, names, strict=False):
        rows = mine[(mine["measure"] == measure) & (mine["place"] == place)]
        told.append(_panel(ax, rows, measure, place if suppliers else ""))
    if fig:
        fig.tight_layout()
    name = "supplier_charts" if suppliers else "charts"
    what = say("suppliers") if suppliers else say("all together")
    caption = say(
        "Control charts by month until {period}, {what}: line of each month, limits of the months before it (dashed); "
        "filled: signals; a line breaks where too few customers leave a month out", period=look.period, what=what,
    )  # fmt: skip
    rows = mine.assign(
        what=[say(NAMES[each]) for each in mine["measure"]], of_whom=[word(each) for each in mine["place"]],
        kind=[_CHART_KINDS.get(each, "share") for each in mine["measure"]],
        signal=np.select(
            [mine["outside"], mine["drift"], mine["nelson"] != ""], ["outside its limits", "drift", "rule"], ""
        ),
    )  # fmt: skip
    points = rows["measure"] == "nps"
    rows.loc[points, ["value", "centre", "low", "high"]] *= 100
    heads = {"what": "measure", "of_whom": "of", "n": "of how many", "value": "found", "low": "low", "high": "high"}
    heads |= {"n_before": "months behind its limits", "centre": "centre"}
    kinds = {"what": "name", "of_whom": "name", "n_before": "count", "signal": "text"}
    kinds |= dict.fromkeys(["value", "centre", "low", "high"], "kind")
    columns = ["what", "of_whom", "month", "n", "value", "centre", "low", "high", "n_before", "signal"]
    data = table(rows, name=name, caption=caption, columns=columns, heads=heads, kinds=kinds)
    return figure(fig, name=name, alt=" ".join(told), caption=f"{caption}.", data=data, ax=axes)


def _panel(ax, rows: Frame, measure: str, place: str) -> str:
    """Draw one series, and tell it in words."""
    size = {"cents": 0.01}.get(_CHART_KINDS.get(measure, "share"), 100)
    months = pd.PeriodIndex(pd.to_datetime(rows["month"]), freq="M")
    every = pd.period_range(months.min(), months.max(), freq="M")  # a line breaks where a month is missing
    rows = rows.set_axis(months).reindex(every)
    rows[["outside", "drift"]] = rows[["outside", "drift"]].fillna(False).astype(bool)
    rows["nelson"] = rows["nelson"].fillna("")
    at, value = np.arange(len(rows)), size * rows["value"].to_numpy("float64")
    flagged = (rows["outside"] | rows["drift"] | (rows["nelson"] != "")).to_numpy()
    ax.plot(at, value, color=ACCENT, linewidth=1.5, marker="o", markersize=3, markerfacecolor="white")
    ax.plot(at[flagged], value[flagged], "o", color=WARN, markersize=6)
    for name, style in (("centre", "-"), ("low", "--"), ("high", "--")):
        ax.step(at, size * rows[name].to_numpy("float64"), where="mid", color=QUIET, linewidth=1, linestyle=style)
    ticks = [tick for tick in at if tick % 6 == (len(rows) - 1) % 6]
    ax.set_xticks(ticks, [month(f"{every[tick]}-01") for tick in ticks], rotation=0, fontsize=8)
    ax.tick_params(axis="y", labelsize=8)
    unit = {"cents": "", "points": say("points")}.get(_CHART_KINDS.get(measure, "share"), "%")
    name = place or say(NAMES[measure])
    ax.set_title(f"{name}, {unit}" if unit else name, fontsize=10, color=INK)
    ax.yaxis.set_major_formatter(lambda tick, _: number(tick, ",.4g"))
    last = rows.iloc[-1]
    kind = _CHART_KINDS.get(measure, "share")
    scale = 100 if kind == "points" else 1
    shown = [formatted(scale * last[each], kind) for each in ("value", "low", "high")]
    told = [month(f"{each}-01") for each in every[flagged]]
    signalled = say("signals in {months}", months=listed(told)) if told else say("no signal")
    return say("{name}: {value} in the last month, limits {low} to {high}, {signals}.", name=name, value=shown[0],
               low=shown[1], high=shown[2], signals=signalled)  # fmt: skip


def signals(found: Frame, alarms: Mapping[str, float], untold: Frame, look: Look, *, first: object) -> Html:
    """Signals of the period, how many false alarms to expect in its months, and what the charts do not say.

    Parameters
    ----------
    found
        The result of ``governance.signals``.
    alarms
        The result of ``governance.expected_alarms``.
    untold
        The result of ``governance.untold``.
    look
        Facts of the company and period, and what is lacking.
    first
        First day of the period.

    Returns
    -------
    Html
        Sentences, then a table, one row a signal of the period, where there is one.

    Notes
    -----
    docs/METHODS.md section 7.2.
    """
    now = found[found["month"] >= first]
    told = [_expected(len(now), alarms, look) if alarms["n_months"] else _unjudged(look)]
    for (name, since), own in untold[untold["kind"] == "anew"].groupby(["name", "month"]):
        told.append(
            say(
                "Limits of {series} begin anew in {month} with the decision: {name}. Since then {n} months could be "
                "judged.", series=_several(own), month=month(f"{since}-01"), name=name, n=int(own["n"].max()),
            )
        )  # fmt: skip
    for (measure,), own in untold[untold["kind"] == "gap"].groupby(["measure"], sort=False):
        names = [month(f"{each}-01") for each in own["month"]]
        told.append(say("{measure}: too few customers stand behind {months}; nothing stands in for it.",
                        measure=say(NAMES[measure]).capitalize(), months=_first_of(names)))  # fmt: skip
    for row in untold[untold["kind"] == "short"].itertuples():
        told.append(say("Rule {rule} of Nelson is not looked at in {n} series: they have fewer judged months than it "
                        "is long.", rule=row.name, n=int(row.n)))  # fmt: skip
    text = paragraphs(told)
    if now.empty:
        return text
    shown = _signals(now, name="signals", caption=say("Signals in the months of {period}", period=look.period))
    return Html(text.html + shown.html, f"{text.text}\n{shown.text}", shown.mime)


def _unjudged(look: Look) -> str:
    return say("No month of {period} can be judged: limits need ten months before it.", period=look.period)


def _several(rows: Frame) -> str:
    """Series as they are named in sentences, the first of them where they are many."""
    return _first_of([_figure(row.measure, "" if row.place == "(all)" else row.place) for row in rows.itertuples()])


def _named_first(names: list[str]) -> list[str]:
    return [*names[:_NAMED], *[say("{n} more", n=len(names) - _NAMED)] * (len(names) > _NAMED)]


def _first_of(names: list[str]) -> str:
    return listed(_named_first(names))


def earlier_signals(found: Frame, look: Look, *, first: object) -> Html | None:
    """Signals of the twelve months before the period, folded; None without any.

    Parameters
    ----------
    found
        The result of ``governance.signals``.
    look
        Facts of the company and period, and what is lacking.
    first
        First day of the period.

    Returns
    -------
    Html or None
        A table behind a disclosure, one row a signal; None without one.

    Notes
    -----
    docs/METHODS.md section 7.2.
    """
    year = (pd.Timestamp(first) - pd.DateOffset(months=_YEAR)).date()
    rows = found[(found["month"] < first) & (found["month"] >= year)]
    if rows.empty:
        return None
    caption = say("Signals of the twelve months before {period}", period=look.period)
    return _folded(_signals(rows, name="signals_before", caption=caption), caption)


def _signals(found: Frame, *, name: str, caption: str) -> Html:
    rows = found.assign(
        what=[say(NAMES[each]) for each in found["measure"]], of_whom=[word(each) for each in found["place"]],
        kind=[_CHART_KINDS.get(each, "share") for each in found["measure"]],
        linked=[_links(each) for each in found["linked"]],
    )  # fmt: skip
    points = rows["measure"] == "nps"
    rows.loc[points, ["value", "low", "high"]] *= 100
    heads = {"what": "measure", "of_whom": "of", "value": "found", "low": "lower limit", "high": "upper limit"}
    heads |= {"rule": "signal", "direction": "to the", "linked": "signals with it"}
    kinds = {"what": "name", "of_whom": "name", "rule": "text", "direction": "text", "linked": "name"}
    kinds |= dict.fromkeys(["value", "low", "high"], "kind")
    columns = ["month", "what", "of_whom", "value", "low", "high", "rule", "direction", "linked"]
    return table(rows, name=name, caption=caption, columns=columns, heads=heads, kinds=kinds)


def _folded(shown: Html, title: str) -> Html:
    page = f"<details><summary>{html.escape(title)}</summary>{shown.html}</details>"
    return Html(page, shown.text, shown.mime)


def _expected(now: int, alarms: Mapping[str, float], look: Look) -> str:
    return say(
        "{now} signals in the months of {period}; {expected} would be false alarms of pure noise, over {n} months of "
        "{series} series.", now=now, period=look.period, expected=number(alarms["expected"], ".1f"),
        n=alarms["n_months"], series=alarms["n_series"],
    )  # fmt: skip


def _links(told: str) -> str:
    """ "on_time 2018-02, otif 2018-03" as readers know it."""
    parts = [each.rsplit(" ", 1) for each in told.split(", ")] if told else []
    return ", ".join(f"{say(NAMES[name])} {month(f'{at}-01')}" for name, at in parts)


# -- what explains it, decisions, agenda -------------------------------------------------------------


def drivers(rows: Frame, look: Look) -> Html:
    """Red figures, each with a link to what explains it; or that there are none.

    Parameters
    ----------
    rows
        The result of ``governance.drivers``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a red figure; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 7.3.
    """
    if rows.empty:
        return paragraphs([say("No figure is red in {period}.", period=look.period)])
    told = rows.assign(
        what=[say(NAMES[each]) for each in rows["measure"]],
        of_whom=[_place(*both) for both in zip(rows["segment"], rows["channel"], strict=True)],
        why=[listed(word(each) for each in several) for several in rows["red"]],
        explained=np.where(rows["report"] != "", rows["report"] + " " + rows["section"], ""),
    )
    caption = say("Red figures of {period}, and the section that explains each", period=look.period)
    heads = {"what": "measure", "of_whom": "of", "why": "why it is red", "explained": "explained in"}
    kinds = {"what": "name", "of_whom": "name", "why": "name"}
    return table(told, name="red", caption=caption, columns=["what", "of_whom", "why", "explained"], heads=heads,
                 kinds=kinds)  # fmt: skip


def decided(rows: Frame, gone: Frame, look: Look) -> Html:
    """Decisions with what was expected of them and what came; or where they would be declared.

    Parameters
    ----------
    rows
        The result of ``governance.decided``.
    gone
        The result of ``governance.withdrawn``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Sentences on what was expected otherwise before, then a table, one row a decision; sentences alone where no
        decision has begun.

    Notes
    -----
    docs/METHODS.md section 7.4.
    """
    said = [
        say("Declared no more, though {period} still told of it: {name}.", period=row.period, name=row.decision)
        for row in gone.itertuples()
    ]
    if rows.empty:
        none = say("No decision is declared that began by the end of {period}: decisions.yaml would tell them.",
                   period=look.period)  # fmt: skip
        return paragraphs([none, *said])
    for row in rows[rows["told_in"] != ""].itertuples():
        then = _change(row.told_before, row.told_measure)
        if row.moved == "all of it":
            said.append(say("Nothing is expected of {name} any more; {period} expected {then}.", name=row.name,
                            period=row.told_in, then=then))  # fmt: skip
            continue
        moved = listed(word(each) for each in row.moved.split(", "))
        said.append(
            say("What was expected of {name} is not what {period} said, {then}: other is {moved}.", name=row.name,
                period=row.told_in, then=then, moved=moved)
        )  # fmt: skip
    cut = rows["chain"].duplicated(keep=False)
    told = rows.assign(
        name=np.where(cut, rows["step"].astype("str") + ". " + rows["name"], rows["name"]),
        what=[say(NAMES[each]) if isinstance(each, str) else "" for each in rows["measure"]],
        expected=[_expectation(row) for row in rows.to_dict("records")],
        result=[_result(row, look) for row in rows.to_dict("records")],
        check_on=rows["check_on"].astype("str").where(rows["check_on"].notna(), ""),
        starts=rows["starts"].astype("str"),
    )
    caption = say(
        "Decisions that began by the end of {period}: what was expected, and what came ({sure}); numbered where one "
        "follows another", period=look.period, sure=look.sure,
    )  # fmt: skip
    heads = {
        "name": "decision", "starts": "began", "root_cause": "root cause", "countermeasure": "countermeasure",
        "what": "measure", "expected": "expected", "check_on": "checked on", "result": "came", "why": "remark",
    }  # fmt: skip
    kinds = dict.fromkeys(["name", "team", "owner", "root_cause", "countermeasure", "what"], "name")
    kinds |= {"check_on": "day", "expected": "name", "result": "name", "verdict": "text", "why": "text"}
    columns = ["name", "starts", "team", "owner", "root_cause", "countermeasure", "what", "expected", "check_on"]
    shown = table(told, name="decisions", caption=caption, columns=[*columns, "result", "verdict", "why"], heads=heads,
                  kinds=kinds)  # fmt: skip
    notes = paragraphs(said) if said else Html("", "")
    return Html(notes.html + shown.html, f"{notes.text}\n{shown.text}", shown.mime)


def _change(value: float, measure: str) -> str:
    """A change of a measure with its sign; shares in points of per cent."""
    unit = _UNITS.get(measure, "share")
    return _signed(value, unit) + (" " + say("points") if unit in ("share", "points") else "")


def _expectation(row: Mapping) -> str:
    if pd.isna(row["change"]):
        return "–"
    text = _change(row["change"], row["measure"])
    if pd.isna(row["low"]):
        return text
    low, high = (_change(row[end], row["measure"]) for end in ("low", "high"))
    return say("{text} ({low} to {high})", text=text, low=low.rsplit(" ", 1)[0], high=high)


def _result(row: Mapping, look: Look) -> str:
    if pd.isna(row["came"]):
        return "–"
    text = _change(row["came"], row["measure"])
    if not pd.isna(row["came_low"]):
        low, high = (_change(row[f"came_{end}"], row["measure"]) for end in ("low", "high"))
        text = say("{text} ({low} to {high})", text=text, low=low.rsplit(" ", 1)[0], high=high)
    return f"{text}, {word(row['how'])}"


def calibration(rows: Frame, look: Look) -> Html:
    """How good expectations were over all decisions; or that there is none to say it by.

    Parameters
    ----------
    rows
        The result of ``governance.calibration``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Sentences.

    Notes
    -----
    docs/METHODS.md section 7.4.
    """
    if not rows["n"].max():
        return paragraphs([say("No decision has both an expected interval and what came: calibration cannot be told.")])
    said = []
    for row in rows[rows["n"] > 0].to_dict("records"):
        interval = between(row["share_low"], row["share_high"], "share", look.confidence)
        said.append(say("{what}: {k} of {n} decisions ({interval}).", what=word(row["what"]).capitalize(), k=row["k"],
                        n=row["n"], interval=interval))  # fmt: skip
    return paragraphs(said)


def agenda(
    card: Frame, red: Frame, found: Frame, alarms: Mapping[str, float], told: Frame, facts: Frame, look: Look, *, first
) -> Html:
    """The answers of the report, in the slots of docs/METHODS.md section 7.5.

    Parameters
    ----------
    card
        The result of ``governance.scorecard``.
    red
        The result of ``governance.drivers``.
    found
        The result of ``governance.signals``.
    alarms
        The result of ``governance.expected_alarms``.
    told
        The result of ``governance.decided``.
    facts
        The result of ``governance.remembered``.
    look
        Facts of the company and period, and what is lacking.
    first
        First day of the period.

    Returns
    -------
    Html
        Five sentences, one a slot.

    Notes
    -----
    docs/METHODS.md section 7.5.
    """
    said = [say("Celebrate: {what}.", what=_celebrated(card, told)), say("Decide: {what}.", what=_to_decide(card, red))]
    missed = told[told["verdict"] == "missed"]
    stop = [
        say("{name} ({came} came, {expected} was expected)", name=row["name"],
            came=_change(row["came"], row["measure"]), expected=_change(row["change"], row["measure"]))
        for row in missed.to_dict("records")
    ]  # fmt: skip
    said.append(
        say("Stop, or decide anew: {what}.", what="; ".join(stop) or say("no decision missed what was expected"))
    )
    if alarms["n_months"]:
        now = found[(found["month"] >= first) & (found["direction"] == "worse")]
        now = now.iloc[np.lexsort([-now["z"].abs(), now["place"] != "(all)"])]
        names = [
            say("{figure} in {month}", figure=_figure(measure, place),
                month=listed(month(str(each)[:10]) for each in sorted(own["month"])))
            for (measure, place), own in now.groupby(["measure", "place"], sort=False)
        ]  # fmt: skip
        worse = say(" To the worse: {names}.", names="; ".join(_named_first(names))) if names else ""
        said.append(_expected(int((found["month"] >= first).sum()), alarms, look) + worse)
    else:
        said.append(_unjudged(look))
    counts = facts["kind"].value_counts()
    kinds = {"missing": say("periods not archived"), "restated": say("figures restated"),
             "another definition": say("figures defined otherwise"), "gone": say("segments that are gone")}  # fmt: skip
    counts["no figure"] = int((card["status"] == "not on record").sum())
    kinds |= {"reads otherwise": say("definitions reworded"), "not told": say("measures no longer told"),
              "no figure": say("targets without a figure")}  # fmt: skip
    kinds = {kind: name for kind, name in kinds.items() if counts.get(kind)}
    unsaid = [say("nothing was archived before it")] * ("first period" in counts)
    unsaid += [f"{name}: {counts[kind]}" for kind, name in kinds.items()]
    whole = say("nothing; all periods are there, none restated, all defined alike")
    said.append(say("Cannot be compared, or was told otherwise before: {what}.", what=", ".join(unsaid) or whole))
    return paragraphs(said, role="findings")


def _celebrated(card: Frame, told: Frame) -> str:
    """Targets met for certain and better than a year before, decisions kept."""
    best = card[(card["status"] == "met") & card["year_settled"] & (card["year"] * card["better"] > 0)]
    names = [
        say("{figure} ({value}; {change} in a year)", figure=_figure(row["measure"], row["segment"], row["channel"]),
            value=_shown(row["value"], row["unit"]), change=_signed(row["year"], row["unit"]))
        for row in best.head(_NAMED).to_dict("records")
    ]  # fmt: skip
    kept = told[told["verdict"] == "kept"]
    names += [
        say("{name} kept what was expected ({came})", name=row["name"], came=_change(row["came"], row["measure"]))
        for row in kept.head(_NAMED).to_dict("records")
    ]
    if not names and card["year"].isna().all():
        return say("there is no year before to be better than")
    return "; ".join(names) or say("nothing is both on target and settled to be better than a year before")


def _to_decide(card: Frame, red: Frame) -> str:
    """Targets missed for certain, the farthest first, with whose they are and what explains them."""
    missed = card[card["status"] == "missed"].sort_values("gap")
    explained = red.set_index(["measure", "segment", "channel"])["report"].to_dict()
    names = []
    for row in missed.head(_NAMED + 2).to_dict("records"):
        text = say("{figure} ({value}, {goal})", figure=_figure(row["measure"], row["segment"], row["channel"]),
                   value=_shown(row["value"], row["unit"]), goal=_goal(row))  # fmt: skip
        report = explained.get((row["measure"], row["segment"], row["channel"]), "")
        who = [row["owner"]] if isinstance(row["owner"], str) and row["owner"] else []
        where = [say("see {report} {section}", report=word(report.replace("_", " ")), section=row["section"])] * bool(
            report
        )
        names.append(text + (f" [{'; '.join([*who, *where])}]" if who or where else ""))
    names += [say("{n} more", n=len(missed) - _NAMED - 2)] * (len(missed) > _NAMED + 2)
    names += _failing(card, missed)
    return "; ".join(names) or say("no target is missed for certain, no floor fails")


def _failing(card: Frame, missed: Frame) -> list[str]:
    """Floors that fail in all, where no target that is missed says so already."""
    floors = card[(card["measure"] == "floors_failed") & (card["segment"] == "") & (card["value"] > 0)]
    said = ((missed["measure"] == "floors_failed") & (missed["segment"] == "")).any()
    return [] if said else [say("{n} floors that fail", n=int(row.value)) for row in floors.itertuples()]

"""How do floors, positions, what is felt and room look and read? Frame to table, figure, sentence."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toolkit.language import say, word
from toolkit.present import (
    Frame,
    Html,
    Look,
    as_money,
    as_share,
    between,
    dots,
    formatted,
    listed,
    paragraphs,
    percent,
    table,
    trio,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEADS = {
    "operational_excellence": "operational excellence",
    "customer_intimacy": "customer intimacy",
    "product_leadership": "product leadership",
}
_MANY, _DRAWN = 5, 24  # segments that have a sentence each; rows that a figure still shows
_FLOORS = {
    "on_time": "orders on time",
    "in_full": "orders in full",
    "otif": "orders on time and in full",
    "perfect": "perfect orders",
    "line_fill": "lines in full",
    "free_of_complaint": "orders without a complaint",
    "answered_in_time": "answered within {hours} hours",
    "ranged": "wishes for articles in the range",
}
_MEASURES = {
    "cost_per_order": "cost to serve an order",
    "lead_time_sd": "spread of days to arrival",
    "perfect": "perfect orders",
    "standard_share": "orders at the standard",
    "tailored_share": "orders with tailored terms",
    "campaign_repeats": "reached by a used template",
    "retention": "customers who order again",
    "value_a_year": "margin before service, a customer and year",
    "nps": "NPS",
    "categories": "categories a customer and year",
    "product_felt": "content with the product",
    "ranged": "wishes for articles in the range",
    "new_share": "revenue with new articles",
}
_READS = {
    "cost_per_order": "cents",
    "lead_time_sd": "days",
    "perfect": "share",
    "standard_share": "share",
    "tailored_share": "share",
    "campaign_repeats": "share",
    "retention": "share",
    "value_a_year": "money",
    "nps": "points",
    "categories": "times",
    "product_felt": "share",
    "ranged": "share",
    "new_share": "share",
}


def thresholds(rows: Frame, look: Look) -> Html:
    """Floors by segment, with what came of them; or where they would be declared.

    Parameters
    ----------
    rows
        The result of ``disciplines.thresholds``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a floor and segment; a sentence where no floor is declared.

    Notes
    -----
    docs/METHODS.md section 6.1.
    """
    if rows.empty:
        return paragraphs(
            [say("No floor is declared: targets.yaml (floors:) would say what every customer may expect.")]
        )
    told = rows.assign(
        what=[say(_FLOORS[row.measure], hours=row.hours) for row in rows.itertuples()],
        of=[_place(row.channel, row.department) for row in rows.itertuples()],
    )
    caption = say("Floors of targets.yaml in {period}, by segment; {together}", period=look.period,
                  together=look.together(len(rows)))  # fmt: skip
    heads = {"what": "floor", "of": "of", "at_least": "at least", "n": "counted", "value": "found"}
    heads |= {"value_low": "low", "value_high": "high"}
    kinds = {"what": "name", "of": "name", "at_least": "share"} | dict.fromkeys(trio("value"), "share")
    columns = ["what", "segment", "of", "at_least", "n", *trio("value"), "verdict"]
    return table(told, name="floors", caption=caption, columns=columns, heads=heads, kinds=kinds)


def _place(channel: str, department: str) -> str:
    return department.replace("_", " ") or word(channel)


def measures(rows: Frame, look: Look) -> Html:
    """What each position is made of: measures and their values; or where they would be declared.

    Parameters
    ----------
    rows
        ``measures`` of the result of ``disciplines.position``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a segment and measure; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 6.2.
    """
    if rows.empty:
        return paragraphs([say("No measure is declared, or known of any segment: disciplines.yaml would name them.")])
    told = rows.assign(
        what=[say(_MEASURES[name]) for name in rows["measure"]],
        kind=[_READS[name] for name in rows["measure"]],
        discipline=[say(LEADS[name]) for name in rows["discipline"]],
    )
    caption = say(
        "What the position of each segment is made of, {period}: 0 at the threshold, 1 where excellent, {currency}",
        period=look.period, currency=look.currency,
    )  # fmt: skip
    heads = {"discipline": "discipline", "what": "measure", "n": "customers", "x": "found", "value": "counts as"}
    kinds = {"discipline": "name", "what": "name", "x": "kind", "value": "times"}
    columns = ["segment", "discipline", "what", "n", "x", "value"]
    return table(told, name="position_measures", caption=caption, columns=columns, heads=heads, kinds=kinds)


def indices(rows: Frame, look: Look, *, ax: "Axes | None" = None) -> "Html | Axes | None":
    """The indices as dots with their intervals; None where nothing is known.

    Parameters
    ----------
    rows
        ``indices`` of the result of ``disciplines.position``.
    look
        Facts of the company and period, and what is lacking.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html, Axes or None
        A figure of dots with its data; the table alone above 24 rows, whatever ``ax`` is; None without rows; the given
        axes.

    Notes
    -----
    docs/METHODS.md section 6.2.
    """
    if rows.empty:
        return None
    told = rows.assign(discipline=[say(LEADS[name]) for name in rows["discipline"]])
    caption = say("Index of each discipline by segment, {period}; intervals of {sure} each", period=look.period,
                  sure=look.sure)  # fmt: skip
    heads = {"discipline": "discipline", "n": "measures", "known": "of its weight known"}
    kinds = {"discipline": "name", "known": "share"} | dict.fromkeys(trio("index"), "times")
    columns = ["segment", "discipline", "n", "known", *trio("index")]
    if len(rows) > _DRAWN:
        return table(told, name="indices", caption=caption, columns=columns, heads=heads, kinds=kinds)
    return dots(
        told, by=["segment", "discipline"], value="index", name="indices", axis=say("index"), what=say("index"),
        caption=caption, columns=columns, heads=heads, kinds=kinds, ax=ax,
    )  # fmt: skip


def leads(rows: Frame, look: Look) -> Html | None:
    """Which discipline leads in each segment, by how much, and what was intended; None where none can be compared.

    Parameters
    ----------
    rows
        ``leads`` of the result of ``disciplines.position``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table, one row a segment; None without rows.

    Notes
    -----
    docs/METHODS.md section 6.2.
    """
    if rows.empty:
        return None
    told = rows.assign(
        discipline=[say(LEADS[name]) for name in rows["discipline"]],
        intended=[say(LEADS[name]) if name else "" for name in rows["intended"]],
    )
    caption = say("Discipline of the largest index in each segment, and its distance to the next, {period}",
                  period=look.period)  # fmt: skip
    heads = {
        "discipline": "largest index", "distance": "distance", "held": "holds under other weights",
        "floors": "floors that fail", "intended": "intended",
    }  # fmt: skip
    kinds = {"discipline": "name", "held": "share", "floors": "count", "intended": "name"}
    kinds |= dict.fromkeys(trio("distance"), "times")
    columns = ["segment", "discipline", *trio("distance"), "held", "floors", "verdict", "intended"]
    return table(told, name="disciplines", caption=caption, columns=columns, heads=heads, kinds=kinds)


def felt(rows: Frame, item: str, at_least: float, look: Look) -> Html:
    """What is designed against what is felt; or what would tell it.

    Parameters
    ----------
    rows
        The result of ``disciplines.felt``.
    item
        That customers were asked for: the one of ``disciplines.felt``.
    at_least
        Share (0-1) of content answers from which it is felt: that of ``disciplines.felt``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a segment and design; what it lacks without the tables ``surveys`` or ``agreements``; a
        sentence without rows.

    Notes
    -----
    docs/METHODS.md section 6.3.
    """
    gain = say("shows where a standard process feels personal")
    if lacking := look.missing({"surveys": (), "agreements": ()}, gain=gain):
        return lacking
    if rows.empty:
        return paragraphs([
            say("Nothing is placed: no segment has enough answers to {item}. NPS does not stand in for it.", item=item)
        ])  # fmt: skip
    caption = say(
        "Designed against felt: content answers to {item}, felt from {bar} on, {period}; {together}", item=item,
        bar=percent(at_least), period=look.period, together=look.together(len(rows)),
    )  # fmt: skip
    heads = {"design": "designed", "felt_share": "felt personal", "felt_low": "low", "felt_high": "high"}
    kinds = {"design": "text", "field": "text"} | dict.fromkeys(["felt_share", "felt_low", "felt_high"], "share")
    columns = ["segment", "design", "n", "n_customers", "felt_share", "felt_low", "felt_high", "field"]
    return table(rows, name="felt", caption=caption, columns=columns, heads=heads, kinds=kinds)


def leans(rows: Frame, look: Look) -> Html | None:
    """How each channel leans; None where nothing is known of channels.

    Parameters
    ----------
    rows
        The result of ``disciplines.leans``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table, one row a segment and channel, and one of all its channels; None without rows.

    Notes
    -----
    docs/METHODS.md section 6.4.
    """
    if rows.empty:
        return None
    caption = say(
        "Lean of each channel, {period}: index of operational excellence less that of customer intimacy, over measures "
        "that channels have; intervals of a segment hold together ({sure})", period=look.period, sure=look.sure,
    )  # fmt: skip
    told = rows.assign(
        channel=rows["channel"].where(rows["channel"] != "", "(all)"),
        verdict=rows["otherwise"].map({True: "leans otherwise", False: ""}),
    )
    heads = {"n": "measures", "lean": "lean", "lean_low": "low", "lean_high": "high", "verdict": "than the segment"}
    kinds = dict.fromkeys(trio("lean"), "times")
    return table(
        told, name="leans", caption=caption, columns=["segment", "channel", "n", *trio("lean"), "verdict"], heads=heads,
        kinds=kinds,
    )  # fmt: skip


def departments(rows: Frame, look: Look) -> Html | None:
    """Which departments tailor; None without agreements.

    Parameters
    ----------
    rows
        The result of ``disciplines.departments``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table, one row a segment and department; None without rows.

    Notes
    -----
    docs/METHODS.md section 6.4.
    """
    if rows.empty:
        return None
    caption = say(
        "Customers under agreement with a deviating term, by the department that agreed upon it, end of {period}; "
        "{together}", period=look.period, together=look.together(len(rows)),
    )  # fmt: skip
    told = rows.assign(department=rows["department"].str.replace("_", " "))
    heads = {"n": "under agreement", "k": "with such a term"}
    columns = ["segment", "department", "n", "k", *trio("share"), "verdict"]
    return table(told, name="departments", caption=caption, columns=columns, heads=heads)


def room(rows: Frame, band: Sequence[float], look: Look) -> Html:
    """Where cost came free, and how much of it could be spent.

    Parameters
    ----------
    rows
        The result of ``disciplines.room``.
    band
        Ends of the shares (0-1) of it that may be spent, low and high: that of ``disciplines.room``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, one row a segment; a sentence without rows.

    Notes
    -----
    docs/METHODS.md section 6.5.
    """
    if rows.empty:
        return paragraphs([
            say("What came free within a year is not known: nothing tells what serving cost a year before {period}.",
                period=look.period)
        ])  # fmt: skip
    caption = say(
        "Cost to serve an order against a year before, what came free of it a year, and {low} to {high} of that to "
        "spend on intimacy, {period}, {currency}", low=percent(band[0]), high=percent(band[1]), period=look.period,
        currency=look.currency,
    )  # fmt: skip
    heads = {
        "cost_now": "an order now", "cost_before": "a year before", "freed": "came free, a year",
        "spend_low": "to spend, from", "spend_high": "to",
    }  # fmt: skip
    told = rows.assign(verdict=rows["came_free"].map({True: "settled", False: "not settled"}))
    told["verdict"] = told["verdict"].mask(rows["freed_high"] < 0, "dearer")
    kinds = {"cost_now": "cents", "cost_before": "cents", "spend_low": "money", "spend_high": "money"}
    kinds |= dict.fromkeys(trio("freed"), "money")
    columns = ["segment", "cost_now", "cost_before", *trio("freed"), "verdict", "spend_low", "spend_high"]
    return table(told, name="room", caption=caption, columns=columns, heads=heads, kinds=kinds)


def findings(floors: Frame, led: Frame, placed: Frame, channels: Frame, spare: Frame, look: Look) -> Html:
    """The answers of the report, in the slots of docs/METHODS.md section 6.6.

    Parameters
    ----------
    floors
        The result of ``disciplines.thresholds``.
    led
        ``leads`` of the result of ``disciplines.position``.
    placed
        The result of ``disciplines.felt``.
    channels
        The result of ``disciplines.leans``.
    spare
        The result of ``disciplines.room``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        Sentences; of more than five segments one for each verdict and discipline.

    Notes
    -----
    docs/METHODS.md section 6.6.
    """
    said = [_failed(floors)] if len(floors) else []
    if len(led) > _MANY:
        said += [_counted(rows, *kind) for kind, rows in led.groupby(["verdict", "discipline"], sort=False)]
    else:
        said += [_leading(row, look) for row in led.to_dict("records")]
    other = led[(led["intended"] != "") & (led["intended"] != led["discipline"])] if len(led) else led
    for row in other.to_dict("records"):
        said.append(
            say(
                "{segment} is meant to be led in {intended}; its largest index is that of {discipline}.",
                segment=word(row["segment"]), intended=say(LEADS[row["intended"]]),
                discipline=say(LEADS[row["discipline"]]),
            )
        )  # fmt: skip
    chance = placed[placed["field"] == "standard, felt personal"]
    if len(chance):
        names = [
            say("{segment} ({share})", segment=word(row.segment), share=as_share(row.felt_share))
            for row in chance.itertuples()
        ]
        said.append(say("A standard process feels personal to: {names}.", names=listed(names)))
    for row in channels[channels["otherwise"].astype(bool)].itertuples():
        said.append(
            say(
                "{channel} leans otherwise than {segment} does as a whole ({lean}, {interval}).",
                channel=word(row.channel), segment=word(row.segment), lean=formatted(row.lean, "times"),
                interval=between(row.lean_low, row.lean_high, "times", look.confidence),
            )
        )  # fmt: skip
    free = spare[spare["came_free"].astype(bool)] if len(spare) else spare
    for row in free.itertuples():
        said.append(
            say(
                "Serving {segment} cost {currency} {freed} a year less than a year before; {low} to {high} of it may "
                "be spent on intimacy.", segment=word(row.segment), currency=look.currency, freed=as_money(row.freed),
                low=as_money(row.spend_low), high=as_money(row.spend_high),
            )
        )  # fmt: skip
    if len(spare) and free.empty:
        said.append(say("Nothing is settled to have come free within a year, so there is nothing to spend of it."))
    return paragraphs(said or [say("Nothing is declared that a segment could be placed by.")], role="findings")


def _failed(floors: Frame) -> str:
    failed = floors[floors["verdict"] == "failed"]
    asked = int((~floors["verdict"].isin(["not on record", "too few to say"])).sum())
    if failed.empty:
        return say("No floor is settled to fail, of {n} that could be looked at.", n=asked)
    worst = failed.assign(gap=failed["at_least"] - failed["value"]).sort_values("gap", ascending=False).head(5)
    names = [
        say("{floor} of {segment} ({found}, at least {wanted})", floor=say(_FLOORS[row.measure], hours=row.hours),
            segment=word(row.segment), found=as_share(row.value), wanted=percent(row.at_least))
        for row in worst.itertuples()
    ]  # fmt: skip
    if len(failed) > len(worst):
        names.append(say("{n} more", n=len(failed) - len(worst)))
    return say("{k} of {n} floors fail: {names}.", k=len(failed), n=asked, names="; ".join(names))


def _leading(row: Mapping, look: Look) -> str:
    name, segment = say(LEADS[row["discipline"]]), word(row["segment"])
    interval = between(row["distance_low"], row["distance_high"], "times", look.confidence)
    far = say("ahead by {distance}, {interval}", distance=formatted(row["distance"], "times"), interval=interval)
    if row["verdict"] == "leads":
        return say("{segment} is led in {name} ({far}).", segment=segment, name=name, far=far)
    if row["verdict"] == "a floor fails":
        return say("{segment} has no lead while a floor fails; its largest index is {name} ({far}).", segment=segment,
                   name=name, far=far)  # fmt: skip
    if row["verdict"] == "hangs on the weights":
        return say(
            "In {segment}, {name} leads only under some weights: under {held} of those tried ({far}).", segment=segment,
            name=name, held=as_share(row["held"]), far=far,
        )  # fmt: skip
    return say(
        "{segment} has no clear lead: {name} is largest, but not for certain ({far}).", segment=segment, name=name,
        far=far,
    )  # fmt: skip


def _counted(rows: Frame, verdict: str, discipline: str) -> str:
    """Segments of one verdict and largest index, where there are too many for a sentence each."""
    names = [word(name) for name in rows["segment"].head(_MANY)] + [say("{n} more", n=len(rows) - _MANY)] * (
        len(rows) > _MANY
    )
    return say(
        "{name}, {verdict}: {segments}.", name=say(LEADS[discipline]).capitalize(), verdict=word(verdict),
        segments=listed(names),
    )  # fmt: skip

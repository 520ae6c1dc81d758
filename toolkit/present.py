"""How does a result look and read? Frame to table, figure with alt text, sentence; no calculation."""

import base64
import html
import io
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from babel.lists import format_list

from toolkit.language import day, month, number, say, speak, spoken, word

if TYPE_CHECKING:  # drawing is for reports: seaborn takes a second to import, and a run renders pages only
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TABLE_MIME = "application/vnd.tandem.table+json"
FIGURES_MIME = "application/vnd.tandem.figures+json"
INK, ACCENT, QUIET, WARN, GRID, PAPER = "#1d2733", "#0b6e8f", "#5f6b78", "#a8480b", "#e3e7eb", "#ffffff"
_TONES = {  # each colour of a drawing: its name, in the light, in the dark
    "ink": (INK, "#e6ebf0"), "accent": (ACCENT, "#5cc0e0"), "quiet": (QUIET, "#a3afbb"), "warn": (WARN, "#f0a063"),
    "grid": (GRID, "#2f3a45"), "paper": (PAPER, "#12181f"),
}  # fmt: skip
MISSING = "–"
Frame, Columns, Names = pd.DataFrame, Sequence[str], Mapping[str, str] | None
Apart = tuple[int | None, int | None, bool]  # the rows above and below all others (True), or each other

# How our columns read; <x>_low and <x>_high read like x. cents: money to the cent; money: whole units; share: 0-1 shown
# in per cent; times: two decimals; rate: four digits. name: text of the company, text: mostly words of ours.
_KINDS = {
    "text": "advice after arrival attribute band before by cluster cohort covariate dose driver estimand evidence "
    "exposure failure fault felt field fulfilment group kind lever marks measure money name note order_class outcome "
    "owner part promise rfm_group rule step to trait treatment trust unit verdict what who why",
    "name": "account activity carrier category channel decision definition_id department figure_id group_a "
    "group_b item period policy pool region revision segment supplier template_id via",
    "shown": "",
    "link": "explained",
    "day": "starts",
    "month": "month",
    "count": "actual age alive expected invitations invited k known_days lines minutes n n_alone n_answers n_buyers "
    "n_contacted n_customers n_due n_effective n_ended n_held_out n_high n_lines n_low n_open n_orders n_persons "
    "n_treated n_unmet new not_delivered orders recency_days switched use used_minutes",
    "cents": "allocated amount charged cost cost_each cost_per_order difference over_absorbed posted unassigned unused",
    "money": "basket before_service cost_of_goods cost_to_serve cumulated freight handling margin net_revenue profit",
    "share": "adoption answered_share below card_share customer_share customers detractors early error_share "
    "felt_at_least felt_share growth importance in_full in_window late_share line_fill not_ranged of_all "
    "of_total on_time on_time_before otif overlap perfect promoters ratio repeat replaced retention "
    "revenue_share serve_share share share_of_all short stayed substituted top trend unavailable unit_fill "
    "unmet used_share",
    "points": "base effect lost nps penalty placebo points reward tipping uplift",
    "days": "every_days lead_days lead_p95 lead_sd median_days p95_days",
    "times": "articles categories e_value e_value_limit gain household_size jaccard lift lines_each multiple "
    "orders_each per_day silhouette sites smd_after smd_before standard sure vif",
    "rate": "high low p_adjusted rate value",
}
_KIND_OF = {column: kind for kind, columns in _KINDS.items() for column in columns.split()}
_HEADS = {
    "age": "age (median)", "answered_share": "answered", "basket": "revenue an order", "card_share": "with a card",
    "cost_each": "cost of a contact", "cost_per_order": "cost of an order more",
    "customer_share": "of all customers", "error_share": "off by", "household_size": "household (median)",
    "jaccard": "stability (Jaccard)",
    "known_days": "known for (median days)", "late_share": "late in the end", "lines_each": "lines an order",
    "lost": "points lost in all", "minutes": "practical capacity (minutes)", "n": "answers", "n_answers": "answers",
    "n_buyers": "buyers", "n_customers": "customers", "n_contacted": "contacted",
    "n_due": "orders due", "n_ended": "ended", "n_held_out": "held out", "n_orders": "orders", "n_persons": "persons",
    "n_unmet": "unmet wishes", "per_day": "a day", "template_id": "template",
    "note": "why there is no figure", "of_all": "of all", "of_total": "of the total", "profit": "their profit",
    "fulfilment": "way", "line_fill": "lines in full", "otif": "OTIF", "perfect": "perfect orders",
    "unit_fill": "pieces delivered", "ratio": "share", "recency_days": "days since last order (median)",
    "revenue_share": "of net revenue",
    "rfm_group": "group", "serve_share": "cost to serve of revenue", "share_of_all": "of all revenue",
    "used_minutes": "used (minutes)", "used_share": "used",
}  # fmt: skip


@dataclass(frozen=True)
class Html:
    """A piece of a page that JupyterLab shows as it will stand in the report.

    Attributes
    ----------
    html
        As it stands in the page.
    text
        As it reads without a page: sentences, a drawing's alternative text, a table in plain text.
    mime
        What goes along for files, by MIME type: a table's rows as CSV, key figures.

    Examples
    --------
    >>> paragraphs(["NPS is 12."])._repr_mimebundle_()["text/plain"]
    'NPS is 12.'
    """

    html: str
    text: str
    mime: dict = field(default_factory=dict)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": self.html, "text/plain": self.text, **self.mime}


def _fact(name: str, shown: Callable = lambda fact: fact) -> property:
    return property(lambda look: shown(look.facts[name].iloc[0]), doc=f"``{name}`` of the frame ``company_facts``.")


@dataclass(frozen=True, eq=False)
class Look:
    """What every piece of a report is seen by: facts, what is lacking, coverage of intervals, name of the score.

    Attributes
    ----------
    facts
        The frame ``company_facts``.
    unlocks
        The frame ``unlocks``: tables and columns that nobody brought.
    confidence
        Coverage of every interval that is told, between 0 and 1.
    measure
        What the score is called: the result of ``satisfaction.name_of``.
    assumed
        Rows of the frame ``assumptions`` as tuples: what is assumed, cents, thousandths.

    Examples
    --------
    >>> facts = pd.DataFrame([{"currency": "EUR", "as_of": "2026-10-22"}])
    >>> look = Look(facts, pd.DataFrame(columns=["table", "columns"]), 0.9)
    >>> look.currency, look.as_of, look.sure
    ('EUR', '22 October 2026', '90 %')
    """

    facts: Frame
    unlocks: Frame
    confidence: float = 0.95
    measure: str = "NPS"
    assumed: Sequence[tuple[str, int, int]] = ()  # what is assumed, cents, thousandths: of the frame ``assumptions``

    def __post_init__(self) -> None:
        object.__setattr__(self, "measure", word(self.measure))

    period, currency, min_n = _fact("period"), _fact("currency"), _fact("min_n")
    as_of, first_day, unanswered_known = _fact("as_of", day), _fact("first_day", day), _fact("unanswered_known")

    @property
    def sure(self) -> str:
        """Coverage of the intervals as it is written: 95 %."""
        return percent(self.confidence)

    def missing(self, needs: Mapping[str, Sequence[str]], *, gain: str = "") -> Html | None:
        """What a section lacks and what its reader would then see; None if nothing is lacking.

        Parameters
        ----------
        needs
            Tables that the section needs, each with its columns (none: just the table).
        gain
            What the reader would then see, as the end of a sentence.

        Returns
        -------
        Html or None
            A sentence that names the tables and columns nobody brought; None if nothing is lacking.

        Examples
        --------
        >>> look = Look(pd.DataFrame(), pd.DataFrame({"table": ["surveys"], "columns": [""]}))
        >>> look.missing({"surveys": ()}, gain="shows who answered").text
        'Not shown: this needs the table surveys. With it, this section shows who answered.'
        """
        absent, lacking = self.unlocks.set_index("table")["columns"], []
        for name, columns in needs.items():
            if name in absent.index:
                gone = [c for c in absent[name].split(", ") if c in columns]
                if absent[name] == "":
                    lacking.append(say("the table {name}", name=name))
                elif gone:
                    lacking.append(f"{name}.{', '.join(gone)}")
        text = say("Not shown: this needs {what}. With it, this section {gain}.", what=listed(lacking), gain=gain)
        return paragraphs([text]) if lacking else None

    def assuming(self) -> str:
        """What a sentence rests on that is assumed and not recorded, as its end; empty where nothing is.

        Returns
        -------
        str
            Such as ", assuming EUR 1.50 of handling per order".

        Examples
        --------
        >>> facts, unlocks = pd.DataFrame([{"currency": "EUR"}]), pd.DataFrame()
        >>> Look(facts, unlocks, assumed=[("handling per order", 150, 0)]).assuming()
        ', assuming EUR 1.50 of handling per order'
        """
        told = []
        for what, cents, mille in self.assumed:
            size = [f"{self.currency} {as_cents(cents)}"] * bool(cents) + [f"{number(mille / 10, 'g')} %"] * bool(mille)
            told.append(say("{size} of {what}", size=listed(size), what=word(what)))
        return say(", assuming {what}", what=", ".join(told)) if told else ""

    def together(self, n: int, how: str = "Bonferroni") -> str:
        """That the intervals of a family hold together, as it stands in captions.

        Parameters
        ----------
        n
            How many intervals.
        how
            By which method, as readers know it.

        Returns
        -------
        str
            Part of a sentence.

        Examples
        --------
        >>> Look(pd.DataFrame(), pd.DataFrame()).together(3)
        'the 3 intervals hold together with 95 % confidence (Bonferroni)'
        """
        return say("the {n} intervals hold together with {sure} confidence ({how})", n=n, sure=self.sure, how=word(how))

    def estimate(self, row: Mapping, value: str, more: str = "") -> str:
        """One of our columns with its interval, as it stands in sentences (see ``estimate`` below).

        Parameters
        ----------
        row
            Needs ``value``, ``<value>_low`` and ``<value>_high``.
        value
            Name of the column, one whose kind is known.
        more
            What else stands in the brackets, such as n.

        Returns
        -------
        str
            Part of a sentence.

        Raises
        ------
        KeyError
            If no kind is known for the column.

        Examples
        --------
        >>> look = Look(pd.DataFrame(), pd.DataFrame())
        >>> look.estimate({"nps": 30.0, "nps_low": 14.05, "nps_high": 44.2}, "nps")
        '30.0 points (95 % interval 14.1 to 44.2 points)'
        """
        return estimate(row, value, _KIND_OF[value], self.confidence, more)


def _middle(column: str) -> str:
    return column.removesuffix("_low").removesuffix("_high")


def kind_of(column: str) -> str:
    """How one of our columns reads; four digits ("rate") where it has no place of its own.

    Parameters
    ----------
    column
        Its name; ``<x>_low`` and ``<x>_high`` read like ``x``.

    Returns
    -------
    str
        A kind, as for ``formatted``.

    Examples
    --------
    >>> [kind_of(name) for name in ("net_revenue", "nps_low", "late_share", "r_squared")]
    ['money', 'points', 'share', 'rate']
    """
    return _KIND_OF.get(column, _KIND_OF.get(_middle(column), "rate"))


def trio(column: str) -> list[str]:
    """A column of estimates and the two of its interval.

    Parameters
    ----------
    column
        Name of the column of estimates.

    Returns
    -------
    list
        Three names.

    Examples
    --------
    >>> trio("nps")
    ['nps', 'nps_low', 'nps_high']
    """
    return [column, f"{column}_low", f"{column}_high"]


def table(
    frame: Frame, *, name: str, caption: str, columns: Columns, heads: Names = None, kinds: Names = None, total=False
) -> Html:
    """A frame as an accessible table; the same rows go to ``tables/<name>.csv`` at full precision.

    Parameters
    ----------
    frame
        One row a row of the table, in its order; money in cents, shares 0-1.
    name
        File name of the CSV, without ending.
    caption
        What the rows are and over which cohort.
    columns
        What to show, in this order; other columns are left out of table and file.
    heads
        Heads of columns that are called otherwise here than in ``_HEADS``, or do not stand there.
    kinds
        Kinds (see ``formatted``) of columns that read otherwise here than in ``_KINDS``, or do not stand there; where
        each row has a kind of its own, the column of ``frame`` that holds it.
    total
        Is the last row a total?

    Returns
    -------
    Html
        The table; "no rows" stands in it where there are none.

    Raises
    ------
    AssertionError
        If no kind is known for a column, or a kind is neither one of ours nor a column of ``frame``.

    Examples
    --------
    >>> rows = pd.DataFrame({"segment": ["a"], "n": [4], "nps": [12.25], "nps_low": [-1.0], "nps_high": [25.5]})
    >>> shown = table(rows, name="scores", caption="NPS by segment", columns=["segment", "n", "nps"])
    >>> "12.2<" in shown.html, shown.mime[TABLE_MIME]["csv"].splitlines()
    (True, ['segment,n,nps', 'a,4,12.25'])
    """
    known, called = _KIND_OF | dict(kinds or {}), _HEADS | dict(heads or {})
    kinds = {column: known.get(column, known.get(_middle(column))) for column in columns}
    unknown = [column for column, kind in kinds.items() if kind is None]
    assert not unknown, f"present.table {name}: no kind is known for: {unknown}"
    wrong = sorted(set(kinds.values()) - set(_KINDS) - set(frame))
    assert not wrong, f"present.table {name}: no such kinds: {wrong}"
    told = {column: word(called.get(column, column)) for column in kinds}
    several = sum(f"{column}_low" in told for column in told) > 1
    for column in [x for x in told if x != _middle(x) and x not in called]:
        middle = _middle(column)  # low, high: of what, where a table has several intervals
        told[column] = f"{say(middle.replace('_', ' '))} " * several + say(column.removeprefix(f"{middle}_"))
    words = ("text", "name", "day", "month", "link")
    classes = {column: "" if kind in words else ' class="number"' for column, kind in kinds.items()}
    shown, last = frame[list(kinds)], len(frame) - 1
    lines = [f'<div class="wide" role="region" tabindex="0" aria-label="{html.escape(caption)}"><table>']
    lines.append(f"<caption><span>{html.escape(caption)}</span></caption><thead><tr>")
    lines += [f'<th scope="col"{classes[x]}>{html.escape(head)}</th>' for x, head in told.items()]
    lines.append("</tr></thead><tbody>")
    for position, row in enumerate(shown.itertuples(index=False)):
        cells = []
        for value, (column, kind) in zip(row, kinds.items(), strict=True):
            kind = kind if kind in _KINDS else frame[kind].iloc[position]
            ours = kind == "name" and total and position == last
            text = html.escape(formatted(value, "text" if ours else kind))
            head = kind in ("text", "name") and column == columns[0]
            dated = kind in ("day", "month") and value  # what a sort goes by
            at = f' data-sort="{html.escape(str(value))}"' if dated else ""
            text = f'<a href="{html.escape(_address(value))}">{text}</a>' if kind == "link" and value else text
            cells.append(f'<th scope="row">{text}</th>' if head else f"<td{classes[column]}{at}>{text}</td>")
        summed = ' class="total"' if total and position == last else ""
        lines.append(f"<tr{summed}>{''.join(cells)}</tr>")
    if shown.empty:
        lines.append(f'<tr><td colspan="{len(kinds)}">{html.escape(say("no rows"))}</td></tr>')
    lines.append("</tbody></table></div>")
    texts = list(shown.select_dtypes(["str", "object"]))
    plain = shown.assign(**{column: shown[column].map(_inert) for column in texts})
    mime = {"name": name, "caption": caption, "csv": plain.to_csv(index=False, lineterminator="\n")}
    return Html("".join(lines), f"{caption}\n{shown.to_string(index=False)}", {TABLE_MIME: mime})


_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d.,]+( %| [a-z]+)?($|[,;] ?[a-z]| \())")


def _inert(value: object) -> object:
    """A text that a spreadsheet would take for a formula, as text; signed numbers of ours stay as they are.

    >>> _inert("=1+1"), _inert("-2+3"), _inert("-2.0 points (-3.0 to -1.0 points)"), _inert(-2)
    ("'=1+1", "'-2+3", '-2.0 points (-3.0 to -1.0 points)', -2)
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\r", " ")  # by itself it would end the row, and is not quoted
    return f"'{text}" if _FORMULA.match(value) else text


def formatted(value: object, kind: str) -> str:
    """A value as readers see it.

    Parameters
    ----------
    value
        As it stands in a frame; what is missing is a dash.
    kind
        Of numbers: cents (to the cent) and money (whole units), both of cents; share (0-1, in per cent), points, days,
        times, rate (four digits), count. Of texts: text (mostly words of ours), name (of the company), shown (as it
        is), link (report and section), day, month.

    Returns
    -------
    str
        In the language spoken.

    Raises
    ------
    KeyError
        If there is no such kind.

    Examples
    --------
    >>> formatted(123456, "cents"), formatted(123456, "money"), formatted(0.12345, "share"), formatted(None, "count")
    ('1,234.56', '1,235', '12.3 %', '–')
    """
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return MISSING
    if kind in _WRITTEN:
        return _WRITTEN[kind](str(value))
    if kind == "count":
        return number(int(value), ",d")
    if kind in ("cents", "money"):  # half a unit goes away from zero, so that a loss reads like a gain
        size = abs(round(value))
        shown = number(Decimal(size) / 100, ",.2f") if kind == "cents" else number((size + 50) // 100, ",d")
        return f"-{shown}" if value < 0 and shown.strip("0.,") else shown
    if kind == "share":
        return f"{number(100 * float(value), 'z.1f')} %"
    return number(float(value), {"times": "z,.2f", "points": "z,.1f", "days": "z,.1f", "rate": ",.4g"}[kind])


def _name(value: str) -> str:
    return word(value) if value.startswith("(") else value  # (all), (no article): ours among the company's


def _address(section: str) -> str:
    """Where a section of another report of the pack stands."""
    report, _, number = section.partition(" ")
    return f"{report}.html#s{number}"


def _section(value: str) -> str:
    report, _, number = value.partition(" ")
    return f"{word(report.replace('_', ' '))}, {number}" if value else MISSING


_WRITTEN = {
    "link": _section,
    "text": word,
    "name": _name,
    "shown": str,
    "day": lambda value: day(value) if value else "",
    "month": month,
}


def percent(share: float) -> str:
    """A share that somebody chose, in per cent.

    Parameters
    ----------
    share
        Between 0 and 1.

    Returns
    -------
    str
        With as many digits as it needs, up to six.

    Examples
    --------
    >>> percent(0.95)
    '95 %'
    """
    return f"{number(100 * share, 'g')} %"


def listed(names: Iterable[str]) -> str:
    """Names as they are told one after the other.

    Parameters
    ----------
    names
        As readers know them.

    Returns
    -------
    str
        In the language spoken; empty where there are none.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return format_list(list(names), locale="en_GB" if spoken() == "en" else spoken())


def named(columns: Iterable[str]) -> str:
    """Our columns as they are told one after the other.

    Parameters
    ----------
    columns
        Their names.

    Returns
    -------
    str
        In the language spoken.

    Examples
    --------
    >>> named(["segment", "order_class"])
    'segment and order class'
    """
    ways = {"fulfilment": say("way of acquiring")}
    return listed(ways.get(column) or say(column.replace("_", " ")) for column in columns)


as_count, as_share, as_cents, as_money, as_points, as_times = (
    partial(formatted, kind=kind) for kind in ("count", "share", "cents", "money", "points", "times")
)


def canvas(ax: "Axes | None", **size) -> "tuple[Figure | None, Axes]":
    """A figure and its axes; or none, and the axes that a caller brought, as seaborn takes them.

    Parameters
    ----------
    ax
        Axes of the caller, or None.
    size
        Of ``plt.subplots``, such as ``figsize`` (inches); not looked at where axes were brought.

    Returns
    -------
    tuple
        The figure (None where axes were brought) and the axes.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> fig, mine = plt.subplots()
    >>> canvas(mine) == (None, mine)
    True
    >>> plt.close(fig)
    """
    import matplotlib.pyplot as plt

    return plt.subplots(**size) if ax is None else (None, ax)


def panels(
    axes: "Sequence[Axes] | None", n: int, *, wide: float = 7.2, high: float, **shared
) -> "tuple[Figure | None, Sequence[Axes]]":
    """A figure of ``n`` panels in two columns; or none, and the axes a caller brought.

    Parameters
    ----------
    axes
        Axes of the caller, one a panel, or None.
    n
        How many panels, 1 or more; one stands alone.
    wide, high
        Inches: all panels wide, each high.
    shared
        Of ``plt.subplots``, such as ``sharex``.

    Returns
    -------
    tuple
        The figure (None where axes were brought) and its axes; one that is left over is hidden.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> fig, axes = panels(None, 3, high=2)
    >>> [ax.get_visible() for ax in axes], fig.get_size_inches().tolist()
    ([True, True, True, False], [7.2, 4.0])
    >>> plt.close(fig)
    """
    import matplotlib.pyplot as plt

    if axes is not None:
        return None, axes
    deep = -(-n // 2)
    fig, made = plt.subplots(deep, min(n, 2), figsize=(wide, deep * high), squeeze=False, **shared)
    for ax in made.flat[n:]:
        ax.set_visible(False)
    return fig, made.flat


def figure(
    fig: "Figure | None", *, name: str, alt: str, caption: str, data: Html, ax: "Axes | Sequence[Axes] | None" = None
) -> "Html | Axes | Sequence[Axes]":
    """A drawing with its alternative text, caption, and its data behind a disclosure.

    Parameters
    ----------
    fig
        The drawing; None where it was drawn on the caller's ``ax``. It is closed.
    name
        Its id in the page.
    alt
        What it shows, for those who do not see it.
    caption
        What it is, over which cohort, with which intervals.
    data
        What was drawn, mostly a ``table``; its CSV goes along.
    ax
        Axes of the caller, one or several.

    Returns
    -------
    Html or Axes
        The figure with its data; without ``fig``, ``ax`` as it is.

    Examples
    --------
    >>> fig, ax = canvas(None)
    >>> behind = paragraphs(["1, 2"])
    >>> shown = figure(fig, name="line", alt="A line from 1 to 2.", caption="A line", data=behind)
    >>> shown.text, "<figcaption>A line</figcaption>" in shown.html
    ('A line from 1 to 2.', True)
    """
    if fig is None:
        return ax
    image, lacking = _drawn(fig)
    image = base64.b64encode(image.encode()).decode()
    if lacking:  # a name in a script that the font does not have: the table behind it has it
        caption += " " + say("Characters that the font lacks are not drawn: {which}.", which=", ".join(lacking[:5]))
    page = (
        f'<figure id="figure-{html.escape(name)}"><img style="color-scheme:light;background:#fff" '
        f'alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{image}">'
        f"<figcaption>{html.escape(caption)}</figcaption>"
        f"<details><summary>{html.escape(say('Data of this figure'))}</summary>{data.html}</details></figure>"
    )
    return Html(page, alt, data.mime)


def _drawn(fig: "Figure") -> tuple[str, list[str]]:
    """A drawing as SVG, the same bytes whenever it is drawn, in the colours of its page; characters the font lacks."""
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    with (
        plt.rc_context({"svg.hashsalt": "tandem", "svg.fonttype": "path"}),
        warnings.catch_warnings(record=True) as told,
    ):
        warnings.simplefilter("always")
        fig.savefig(
            buffer, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None, "Creator": None}
        )
    plt.close(fig)
    lacking = [re.match(r"Glyph (\d+) .* missing from", str(each.message)) for each in told]
    for each, glyph in zip(told, lacking, strict=True):
        if not glyph:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    lacking = sorted({f"U+{int(glyph[1]):04X}" for glyph in lacking if glyph})
    image = buffer.getvalue().decode()
    image = image[image.index("<svg") :]
    image = image[: image.index("<metadata>")] + image[image.index("</metadata>") + len("</metadata>") :]
    light, dark = ("".join(f"--{name}:{tones[at]};" for name, tones in _TONES.items()) for at in (0, 1))
    style = f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    for name, (tone, _) in _TONES.items():
        image = image.replace(tone, f"var(--{name})")
    return re.sub(r"\s*\n\s*", "\n", image.replace("<defs>", f"<defs><style>{style}</style>", 1)), lacking


def paragraphs(sentences: Sequence[str], *, role: str = "note") -> Html:
    """Computed sentences, one paragraph each.

    Parameters
    ----------
    sentences
        Plain text, in the language spoken.
    role
        ``note``, or ``findings``: then they are a numbered list.

    Returns
    -------
    Html
        The sentences.

    Examples
    --------
    >>> paragraphs(["NPS is 12."]).html
    '<div class="note"><p>NPS is 12.</p></div>'
    """
    tag = "li" if role == "findings" else "p"
    inner = "".join(f"<{tag}>{_kept_together(html.escape(sentence))}</{tag}>" for sentence in sentences)
    body = f"<ol>{inner}</ol>" if role == "findings" else inner
    return Html(f'<div class="{role}">{body}</div>', "\n".join(sentences))


def _kept_together(text: str) -> str:
    """A number stays on the line of its unit or currency."""
    return re.sub(r"(?<=\d) (?=%)|(?<=\b[A-Z]{3}) (?=-?\d)", "&nbsp;", text)


def key_figures(figures: Frame, headlines: Names = None) -> Html:
    """Key figures of a report for ``figures.parquet``; shown as a small table.

    Parameters
    ----------
    figures
        The result of a report's own ``key_figures``, such as ``satisfaction.key_figures``. Needs ``figure_id``,
        ``definition_id`` (section of docs/METHODS.md), ``cohort``, ``segment`` and ``channel`` (empty: all), ``value``,
        ``low``, ``high``, ``n``, ``unit``.
    headlines
        What the figures that stand first in the views are called there, by their ``figure_id``; those of all segments
        and channels that have a value.

    Returns
    -------
    Html
        A table behind a disclosure, with its figures for the archive.

    Notes
    -----
    docs/METHODS.md sections 1.11, 2.12, 3.9, 4.7, 5.9, 6.6 and 7.5.
    """
    columns = ["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]
    records = figures[columns].astype(object).where(figures[columns].notna(), None).to_dict("records")
    for row in records:
        first = row["value"] is not None and not row["segment"] and not row["channel"]
        row["headline"] = dict(headlines or {}).get(row["figure_id"], "") if first else ""
    caption, heads = say("Key figures kept for later periods"), {"n": "n"}
    shown = table(figures, name="key_figures", caption=caption, columns=columns, heads=heads)
    said = html.escape(say("{n} key figures kept for later periods", n=len(records)))
    page = f"<details><summary>{said}</summary>{shown.html}</details>"
    return Html(page, shown.text, {FIGURES_MIME: records, **shown.mime})


def dots(
    rows: Frame, *, by: Columns, value: str, name: str, axis: str, what: str, caption: str, columns: Columns,
    heads: Names = None, kinds: Names = None, mark: tuple[float, str] | None = None, ax: "Axes | None" = None,
) -> "Html | Axes":  # fmt: skip
    """Estimates with their intervals, a line a group, the first row on top; ends are told in the alt text.

    Parameters
    ----------
    rows
        One row a group; needs ``by``, ``value`` with its ends ``<value>_low`` and ``<value>_high``, and ``columns``.
        Rows without a value stand in the table only.
    by
        Columns of text that name a group.
    value
        Column that is drawn; its kind says how: shares in per cent, cents in whole units.
    name
        File name of the table's CSV, and the figure's id.
    axis
        Label of the axis, with its unit.
    what
        What the dots are, for the alt text.
    caption
        Of figure and table.
    columns
        Of the table behind, which ends in the value and its interval where they are left out here.
    heads, kinds
        As for ``table``, of columns; a row has no kind of its own in what is drawn.
    mark
        A value to mark by a line, and its name; dots are open where their interval holds it.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html or Axes
        A figure with its data; given ``ax``, that.

    Raises
    ------
    KeyError
        If no kind is known for ``value`` or a column of ``by``.

    Examples
    --------
    >>> rows = pd.DataFrame({"segment": ["a", "b"], "nps": [10.0, 30.0], "nps_low": 5.0, "nps_high": [15.0, 40.0]})
    >>> told = {"axis": "NPS, points", "what": "NPS", "caption": "NPS by segment", "columns": ["segment"]}
    >>> dots(rows, by=["segment"], value="nps", name="scores", **told).text
    'Dots with intervals: NPS for 2 groups. Lowest: a, 10.0. Highest: b, 30.0.'
    >>> import matplotlib.pyplot as plt
    >>> fig, ax = plt.subplots()
    >>> dots(rows, by=["segment"], value="nps", name="scores", **told, ax=ax) is ax, ax.get_xlabel()
    (True, 'NPS, points')
    >>> plt.close(fig)
    """
    from matplotlib.ticker import MaxNLocator

    kinds, written = dict(kinds or {}), _KIND_OF | dict(kinds or {})
    kind, ends_too = written[value], trio(value)
    columns = [*columns, *(column for column in ends_too if column not in columns)]
    drawn = rows.dropna(subset=[value]).iloc[::-1]
    names = [
        ", ".join(formatted(x, written[of]) for x, of in zip(row, by, strict=True))
        for row in drawn[list(by)].to_numpy()
    ]
    size = {"share": 100, "money": 0.01, "cents": 0.01}.get(kind, 1)
    fig, ax = canvas(ax, figsize=(7.2, 0.8 + 0.3 * max(len(drawn), 2)))
    middle, low, high = (size * drawn[column].astype("float64") for column in ends_too)
    ax.hlines(range(len(drawn)), low, high, color=ACCENT, linewidth=2)
    ax.plot(middle, range(len(drawn)), "o", color=ACCENT)
    held = (low <= size * mark[0]) & (size * mark[0] <= high) if mark else pd.Series(False, index=drawn.index)
    ax.plot(middle[held], np.flatnonzero(held), "o", color=ACCENT, markerfacecolor=PAPER)
    ax.set_yticks(range(len(drawn)), names)
    if kind == "share":
        ax.xaxis.set_major_formatter(lambda tick, _: f"{number(tick, '.0f')} %")
    else:
        ax.xaxis.set_major_formatter(lambda tick, _: number(tick, ",.4g"))
    if kind in ("money", "cents"):
        ax.xaxis.set_major_formatter(lambda tick, _: number(tick, ",.0f"))
        ax.xaxis.set_major_locator(MaxNLocator(5))
    if mark:
        ax.axvline(size * mark[0], color=QUIET, linewidth=1, linestyle="--")
        top, at = (size * mark[0], 1), ("data", "axes fraction")
        ax.annotate(mark[1], top, xycoords=at, ha="center", va="bottom", color=QUIET)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(axis)
    told = [say("Dots with intervals: {what} for {n} groups.", what=what, n=len(drawn))]
    if len(drawn):
        shown = [formatted(x, kind) for x in drawn[value]]
        least, most = middle.to_numpy().argmin(), middle.to_numpy().argmax()
        told.append(say("Lowest: {name}, {value}.", name=names[least], value=shown[least]))
        told.append(say("Highest: {name}, {value}.", name=names[most], value=shown[most]))
    if mark:
        told.append(say("A line marks {name}, {value}.", name=mark[1], value=formatted(mark[0], kind)))
    if held.any():
        told.append(say("Open dots: {n}, whose interval holds the line.", n=int(held.sum())))
    shown = table(rows, name=name, caption=caption, columns=columns, heads=heads, kinds=kinds)
    caption += " " + say("Open dots: the line lies inside their interval.") if held.any() else ""
    return figure(fig, name=name, alt=" ".join(told), caption=caption, data=shown, ax=ax)


def between(low: float, high: float, kind: str, confidence: float) -> str:
    """``95 % interval 1.2 to 3.4 %`` as it stands in sentences.

    Parameters
    ----------
    low, high
        Ends of the interval: cents, shares (0-1), or as they are.
    kind
        As for ``formatted``.
    confidence
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    str
        Part of a sentence.

    Examples
    --------
    >>> between(0.012, 0.034, "share", 0.95)
    '95 % interval 1.2 to 3.4 %'
    """
    low_text = formatted(low, kind).removesuffix(" %")
    return say("{sure} interval {low} to {high}", sure=percent(confidence), low=low_text, high=formatted(high, kind))


def estimate(row: Mapping, value: str, kind: str, confidence: float, more: str = "") -> str:
    """``1.2 points (95 % interval 0.4 to 2.0 points, n = 5)`` as it stands in sentences.

    Parameters
    ----------
    row
        Needs ``value`` with its ends ``<value>_low`` and ``<value>_high``.
    value
        Name of the column.
    kind
        As for ``formatted``.
    confidence
        Coverage of the interval, between 0 and 1.
    more
        What else stands in the brackets, such as n.

    Returns
    -------
    str
        Part of a sentence.

    Examples
    --------
    >>> estimate({"nps": 30.0, "nps_low": 14.05, "nps_high": 44.2}, "nps", "points", 0.95, "n = 100")
    '30.0 points (95 % interval 14.1 to 44.2 points, n = 100)'
    """
    unit = " " + say("points") if kind == "points" else ""
    interval = between(row[f"{value}_low"], row[f"{value}_high"], kind, confidence)
    return f"{formatted(row[value], kind)}{unit} ({interval}{unit}{', ' + more if more else ''})"


def theme(language: str = "en") -> None:
    """One look for every drawing: quiet axes, one accent, sizes that read on a phone; and the language of it all.

    Parameters
    ----------
    language
        In which all is said from here on: one of ``language.languages``.

    Returns
    -------
    None
        It sets what matplotlib and ``language`` go by.

    Raises
    ------
    ParamsError
        If there is no catalogue of the language.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> with plt.rc_context():
    ...     theme()
    ...     plt.rcParams["axes.spines.top"]
    False
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    speak(language)
    style = {"figure.figsize": (7.2, 3.8), "font.size": 11, "figure.facecolor": "white", "axes.titlelocation": "left"}
    style |= dict.fromkeys(["axes.labelcolor", "text.color", "xtick.color", "ytick.color"], INK)
    style |= {"axes.edgecolor": QUIET, "axes.spines.top": False, "axes.spines.right": False}
    style |= {"axes.grid": True, "grid.color": GRID, "text.parse_math": False}
    sns.set_theme(style="white", rc=style | {"axes.prop_cycle": plt.cycler(color=[ACCENT, WARN, INK, QUIET])})


# -- pieces of reports: what a section needs, what every report has --------------------------------

_SURVEYS = {"surveys": ()}
REVENUE = {"order_lines": ("net_revenue",)}
SHOWN = 15  # rows of a long list that a page shows


def row_account(account: Frame, look: Look) -> Html:
    """The rows a report stands on: read, taken out by each rule, left.

    Parameters
    ----------
    account
        The frame ``row_account``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table.

    Notes
    -----
    docs/METHODS.md section 0.1; it stands in sections 1.0, 3.0 and 6.0.
    """
    money = ["net_revenue", "freight"]
    caption = say("Orders placed in {period}, known by {as_of}", period=look.period, as_of=look.as_of)
    heads = {column: f"{say(column.replace('_', ' '))} ({look.currency})" for column in money}
    columns, kinds = ["rule", "orders", "lines", *money], dict.fromkeys(money, "cents")
    return table(account, name="row_account", caption=caption, columns=columns, heads=heads, kinds=kinds)


def apart_sentence(scores: Frame, apart: Apart, look: Look, *, by: Columns) -> str:
    """Which group's score lies above, and which below, all others; else two that lie apart.

    Parameters
    ----------
    scores
        The result of ``satisfaction.nps`` by ``by``: one row a group.
    apart
        The result of ``satisfaction.apart`` of the scores.
    look
        Facts of the company and period, and what is lacking.
    by
        Columns of text that name a group.

    Returns
    -------
    str
        A sentence; it says so where no difference is settled, or there are no answers or one group only.

    Notes
    -----
    docs/METHODS.md sections 1.11 and 2.12.

    Examples
    --------
    >>> look = Look(pd.DataFrame([{"title": "A", "currency": "EUR"}]), pd.DataFrame(columns=["table", "columns"]))
    >>> scores = pd.DataFrame({"segment": ["a", "b"], "nps": [10.0, 30.0]})
    >>> apart_sentence(scores, (None, None, False), look, by=["segment"])
    'NPS by segment: no difference is settled over a family of 2.'
    """
    scored = say("{measure} by {groups}", measure=look.measure, groups=named(by))
    family = say("family of {n}", n=len(scores))
    if scores.empty:
        return say("{scored} cannot be said: there are no answers.", scored=scored)
    if len(scores) < 2:
        return say("{scored} cannot be compared: there is one group only.", scored=scored)
    ends = (
        (say("is above all others with"), say("is below all others with")) if apart[2] else (say("with"), say("with"))
    )
    said = [
        f"{', '.join(scores.iloc[at][name] for name in by)} {where} {look.estimate(scores.iloc[at], 'nps', family)}"
        for at, where in zip(apart, ends, strict=False)
        if at is not None
    ]
    if said and not apart[2]:
        said = say(" is above ").join(said)
        return say("{scored}: {said}; none is apart from all others.", scored=scored, said=said)
    none = say("no difference is settled over a {family}", family=family)
    return f"{scored}: {'; '.join(said) if said else none}."


# -- NPS and the supply chain ----------------------------------------------------------------------


def answer_account(account: Frame, look: Look) -> Html:
    """What each rule took out of the invitations, or what the section lacks.

    Parameters
    ----------
    account
        The result of ``satisfaction.answer_account``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table; without surveys a sentence on what it lacks.

    Notes
    -----
    docs/METHODS.md section 2.1.
    """
    if lacking := look.missing(_SURVEYS, gain=say("shows whom we asked and who answered")):
        return lacking
    caption = say("Invitations of {period}, answers known by {as_of}", period=look.period, as_of=look.as_of)
    caption += "" if look.unanswered_known else say("; who was invited and did not answer is not on record")
    columns = ["rule", "invitations", "late_share", "nps"]
    return table(account, name="answer_account", caption=caption, columns=columns, heads={"nps": look.measure})


def exposures(groups: Frame, look: Look) -> Html:
    """Invitations by what the customer had met, or what the section lacks.

    Parameters
    ----------
    groups
        The result of ``satisfaction.by_exposure``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, without who was invited where that is not on record; a sentence where surveys are lacking, or too few
        customers answered.

    Notes
    -----
    docs/METHODS.md section 2.1.
    """
    if lacking := look.missing(_SURVEYS, gain=say("shows what customers had met when they were asked")):
        return lacking
    if groups.empty:
        return paragraphs([say("Too few customers answered in {period} to tell them apart.", period=look.period)])
    columns = ["exposure", "n", *(["invited", "answered_share"] if look.unanswered_known else []), "late_share"]
    caption = say("Invitations of {period} by what had come of the order when they were sent", period=look.period)
    return table(groups, name="exposures", caption=caption, columns=columns)


def nps_figure(
    scores: Frame,
    total: Frame,
    look: Look,
    *,
    name: str,
    by: Columns,
    ranked=True,
    above: Frame | None = None,
    ax: "Axes | None" = None,
) -> "Html | Axes":
    """NPS by some columns with intervals that hold together; or what the section lacks.

    Parameters
    ----------
    scores
        The result of ``satisfaction.nps`` by ``by``, or of ``by_way``, ``by_exposure`` or ``by_period`` there.
    total
        The result of ``satisfaction.nps`` over all: the line that is marked.
    look
        Facts of the company and period, and what is lacking.
    name
        File name of the table's CSV, and the figure's id.
    by
        Columns of text that name a group.
    ranked
        Does the highest score stand on top? Else the first row of ``scores``.
    above
        Scores shown already: where the groups are the same, as when every segment has one channel, that is all it says.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html or Axes
        A figure with its data, or ``ax`` if given; a sentence where surveys are lacking, nobody answered, or the groups
        are those of ``above``.

    Notes
    -----
    docs/METHODS.md section 2.3; by way of acquiring see section 2.2 too.
    """
    if (lacking := look.missing(_SURVEYS, gain=say("shows the NPS of each group"))) or scores.empty:
        return lacking or paragraphs([say("Nobody answered in {period}.", period=look.period)])
    if above is not None:
        found, before = (sorted(zip(frame["n"], frame["nps"], strict=True)) for frame in (scores, above))
        if found == before:
            return paragraphs([say("By {groups} the groups are the same as above.", groups=named(by))])
    rows = scores.sort_values("nps", ascending=False, ignore_index=True) if ranked else scores
    caption = say("{measure} by {groups}", measure=look.measure, groups=named(by))
    caption += f", {look.period}, {sizes(rows, say('answers'))}; {look.together(len(rows))}."
    return dots(
        rows, by=by, value="nps", name=name, axis=say("{measure}, points", measure=look.measure), what=look.measure,
        mark=(float(total["nps"].iloc[0]), say("all answers")), caption=caption,
        columns=[*by, "n", "n_customers", "promoters", "detractors"], heads={"nps": look.measure}, ax=ax,
    )  # fmt: skip


def sizes(rows: Frame, unit: str) -> str:
    """How large the groups of a figure are.

    Parameters
    ----------
    rows
        One row a group, one at least; needs ``n``.
    unit
        What is counted, in the language spoken.

    Returns
    -------
    str
        Part of a sentence.

    Examples
    --------
    >>> sizes(pd.DataFrame({"n": [30, 1200]}), "answers")
    'n = 30 to 1,200 answers a group'
    """
    return say(
        "n = {least} to {most} {unit} a group",
        least=as_count(rows["n"].min()),
        most=as_count(rows["n"].max()),
        unit=unit,
    )


def star_maps(scores: Frame) -> Html | None:
    """The total under both maps from stars to promoters; nothing where the real question was asked.

    Parameters
    ----------
    scores
        The result of ``satisfaction.both_maps``.

    Returns
    -------
    Html or None
        A table; None where the real question was asked, or nobody answered.

    Notes
    -----
    docs/METHODS.md section 2.3; the maps: section 2.1.
    """
    if len(scores) < 2:
        return None
    caption = say("The same answers under both common maps: stars stand in for the NPS question and are not it")
    columns = ["measure", "n", *trio("nps")]
    return table(scores, name="star_maps", caption=caption, columns=columns, heads={"nps": "points"})


def failures(costs: Frame, look: Look, *, ax: "Axes | None" = None) -> "Html | Axes":
    """What each failure costs in NPS points of those who met it, other things equal; or what it lacks.

    Parameters
    ----------
    costs
        The result of ``satisfaction.failures``.
    look
        Facts of the company and period, and what is lacking.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html or Axes
        A figure with its data, or ``ax`` if given; a table with the reasons where no failure has an effect; without
        surveys a sentence on what it lacks.

    Notes
    -----
    docs/METHODS.md section 2.5.
    """
    if lacking := look.missing(_SURVEYS, gain=say("shows what each failure costs in NPS points")):
        return lacking
    n, family = costs["n_model"].iloc[0], costs["family"].max()
    columns = ["failure", "n", "share", *trio("effect"), *trio("lost"), "note"]
    caption = say(
        "Effect in NPS points on those who met a failure, {period}, other things equal, from {n} answers; the {family} "
        "intervals of single failures hold together with {sure} confidence (Bonferroni), that of the first row stands "
        "alone. Lost: effect x share.", period=look.period, n=as_count(n), family=family, sure=look.sure,
    )  # fmt: skip
    free = costs.get("effect_free", pd.Series(dtype="float64")).dropna()
    if len(free):
        size = formatted(free.iloc[0], "points")
        caption += " " + say("Without proportional odds the first row's effect is {size} points.", size=size)
    behind = {"name": "failures", "columns": columns, "caption": caption}
    if costs["effect"].isna().all():
        return table(costs, **behind)
    axis, what = say("NPS points of those who met it"), say("effect of a failure in NPS points")
    return dots(
        costs, by=["failure"], value="effect", axis=axis, what=what, mark=(0.0, say("no effect")), **behind, ax=ax
    )


def performance(
    rows: Frame, choices: Mapping[str, str], look: Look, *, by: str, ax: "Axes | None" = None
) -> "Html | Axes":
    """On time and in full by a column, with the choices that it stands on; or what it lacks.

    Parameters
    ----------
    rows
        The result of ``service.performance`` by that column.
    choices
        ``service.OTIF_CHOICES``: the caption tells them where in full is known.
    look
        Facts of the company and period, and what is lacking.
    by
        The column: segment, fulfilment or carrier.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html or Axes
        A figure with its data, or ``ax`` if given: on time alone where in full is not known of any group. A sentence
        where deliveries are lacking, no promise fell due, or there is one group only (a segment is drawn even so).

    Notes
    -----
    docs/METHODS.md section 2.2.
    """
    gain = say("shows whether promises were kept")
    lacking = look.missing({"deliveries": ("promised_by", "delivered_at")}, gain=gain)
    if lacking or rows.empty:
        few = say("No promise fell due in {period}, or too few to show.", period=look.period)
        return lacking or paragraphs([few])
    if len(rows) == 1 and by != "segment":
        return paragraphs([one_kind(say("All orders due in {period}", period=look.period), by, rows[by].iloc[0])])
    value, what, shares = "on_time", say("on time"), trio("on_time")
    said = say("what was delivered of a line is not recorded, so that in full, perfect and fill rates cannot be told")
    if rows["otif"].notna().any():
        value, what = "otif", say("on time and in full")
        said = "; ".join(f"{word(name)}: {word(choice)}" for name, choice in choices.items())
        shares = ["on_time", "in_full", *trio("otif"), "perfect", "line_fill", "unit_fill", "early", "in_window"]
        shares = [name for name in shares if rows[name].notna().any()]
    told = rows.assign(**{by: rows[by].str.replace("_", " ")}).sort_values(value, kind="stable", ignore_index=True)
    caption = say("Promises due in {period}", period=look.period)
    return dots(
        told, by=[by], value=value, name=f"service_by_{by}", what=what, columns=[by, "n", "n_customers", *shares],
        axis=say("{what}, orders due in the period", what=what),
        caption=f"{caption}; {what}: {said}; {look.together(len(rows))}.",
        heads={"n": "orders due", "early": "before the promise", "in_window": "in its own window"}, ax=ax,
    )  # fmt: skip


def in_money(look: Look) -> str:
    """The currency, for a caption.

    Parameters
    ----------
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    str
        Part of a sentence.

    Examples
    --------
    >>> in_money(Look(pd.DataFrame([{"currency": "EUR"}]), pd.DataFrame()))
    'money in EUR'
    """
    return say("money in {currency}", currency=look.currency)


def one_kind(orders: str, by: str, kind: str) -> str:
    """What is said where a table would have one row.

    Parameters
    ----------
    orders
        Which orders, as the begin of the sentence.
    by
        The column that tells them apart.
    kind
        Its only value.

    Returns
    -------
    str
        A sentence.

    Examples
    --------
    >>> one_kind("All orders", "order_class", "rush")
    'All orders have one order class: rush.'
    """
    return say("{orders} have one {by}: {kind}.", orders=orders, by=named([by]), kind=word(kind))


def cycle_time(times: Frame, look: Look) -> Html | None:
    """Days from order to arrival by segment; nothing where no promise fell due.

    Parameters
    ----------
    times
        The result of ``service.cycle_time`` by ``segment``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table; None without rows.

    Notes
    -----
    docs/METHODS.md section 2.2.
    """
    if times.empty:
        return None
    caption = say(
        "Days from order to arrival, promises due in {period}; what has not arrived by {as_of} counts as still under "
        "way (Kaplan-Meier)", period=look.period, as_of=look.as_of,
    )  # fmt: skip
    heads = {"n": "orders", "n_open": "not there", "median_days": "half within (days)", "p95_days": "19 of 20 within"}
    return table(times, name="cycle_time", caption=caption, columns=["segment", *heads], heads=heads)


def promise_accuracy(classes: Frame, look: Look) -> Html | None:
    """How far from the promise orders arrived; nothing where no promise fell due.

    Parameters
    ----------
    classes
        The result of ``service.promise_accuracy``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table; None without rows.

    Notes
    -----
    docs/METHODS.md section 2.2.
    """
    if classes.empty:
        return None
    caption = say("Arrival against the end of the promised window, promises due in {period}", period=look.period)
    heads = {"n": "orders", "share": "of all"}
    return table(classes, name="promise_accuracy", caption=caption, columns=["arrival", *heads], heads=heads)


def ways(rows: Frame, look: Look) -> Html:
    """Ways of acquiring: adoption, growth, basket, who comes back, who is new and who switched.

    Parameters
    ----------
    rows
        The result of ``service.ways``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, without columns that are not known of any way; a sentence where there are no orders or too few.

    Notes
    -----
    docs/METHODS.md section 2.2.
    """
    if rows.empty:
        return paragraphs([say("No order was placed in {period}, or too few to show.", period=look.period)])
    columns = ["fulfilment", "n_customers", "adoption", "n", "growth", "basket", "repeat", "new", "switched"]
    caption = say(
        "Ways of acquiring, orders placed in {period}, not cancelled; growth against the period before; revenue in "
        "{currency}", period=look.period, currency=look.currency,
    )  # fmt: skip
    heads = {"adoption": "of all customers", "n": "orders", "repeat": "came twice", "new": "new customers"}
    return table(
        rows, name="ways", caption=caption, columns=[name for name in columns if rows[name].notna().any()],
        heads=heads | {"switched": "switched to it"}, kinds={"basket": "cents"},
    )  # fmt: skip


def suppliers(rows: Frame, look: Look) -> Html:
    """Lead times and reliability of suppliers; or what the section lacks.

    Parameters
    ----------
    rows
        The result of ``service.suppliers``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, own sites marked; a sentence where supplier receipts are lacking, or no purchase order was promised.

    Notes
    -----
    docs/METHODS.md section 2.2.
    """
    lacking = look.missing({"supplier_receipts": ()}, gain=say("shows which supplier is late, short or getting worse"))
    if lacking or rows.empty:
        return lacking or paragraphs([say("No purchase order was promised for {period}.", period=look.period)])
    caption = say(
        "Purchase orders due in {period}, shares of lines; {n} of {all} have changed on time against the 3 periods' "
        "length before", period=look.period, n=int(rows["settled"].sum()), all=len(rows),
    )  # fmt: skip
    heads = {"n": "orders", "n_lines": "lines", "n_open": "lines not there", "lead_days": "lead time (days, mean)"}
    heads |= {"lead_sd": "SD", "lead_p95": "95 %", "every_days": "ordered every (days)", "trend": "change"}
    columns = ["supplier", "n", "n_lines", "n_open", "lead_days", "lead_sd", "lead_p95", "every_days", "on_time"]
    return table(
        rows.assign(supplier=rows["supplier"] + rows["own"].map({True: f" ({say('own')})", False: ""})),
        name="suppliers", caption=f"{caption}; {look.together(len(rows))}",
        columns=[*columns, "in_full", "on_time_before", *trio("trend")], heads=heads,
    )  # fmt: skip


def _to(rows: Frame) -> pd.Series:
    """Whom each promise was made to."""
    return (rows["segment"] + " " + rows["channel"]).str.strip().replace("", say("all"))


def promises(rows: Frame, look: Look) -> Html:
    """The promises of targets.yaml: kept, broken, kept but not felt.

    Parameters
    ----------
    rows
        The result of ``service.promises``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table; a sentence where no promise is on record.

    Notes
    -----
    docs/METHODS.md section 2.11.
    """
    if rows.empty:
        lacking = say("No promise is on record: targets.yaml (promises:) would say what each segment was promised.")
        return paragraphs([lacking])
    shown = rows.assign(promise=rows["measure"], to=_to(rows))
    shown["felt_at_least"] = shown["felt_at_least"].mask(shown["felt"] == "")
    shown["read_as"] = rows["measure"].eq("nps").map({True: "points", False: "share"})
    caption = say(
        "Promises of targets.yaml against what was delivered in {period}; felt: content answers to the item named",
        period=look.period,
    )  # fmt: skip
    columns = ["promise", "to", "at_least", *trio("value"), "n", "felt", "felt_share", "felt_at_least", "verdict"]
    return table(
        shown, name="promises", caption=f"{caption}; {look.together(len(rows))}", columns=columns,
        heads={"value": "delivered", "felt": "item", "felt_share": "felt", "n": "orders or answers"},
        kinds=dict.fromkeys(["at_least", "value"], "read_as"),
    )  # fmt: skip


def comparisons(pairs: Frame, look: Look) -> Html | None:
    """The settled differences between segments, largest first; nothing where there is one segment.

    Parameters
    ----------
    pairs
        The result of ``satisfaction.comparisons``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table of 15 pairs at most; None where there is no pair.

    Notes
    -----
    docs/METHODS.md section 2.3.
    """
    if pairs.empty:
        return None
    settled = pairs[pairs["settled"]].sort_values("difference", key=abs, ascending=False, kind="stable")
    caption = say(
        "Differences of {measure} between segments, {period}: {n} of {family} pairs are settled (Benjamini-Hochberg at "
        "{level}), the largest {shown} are shown; their intervals keep the false coverage rate", measure=look.measure,
        period=look.period, n=len(settled), family=pairs["family"].iloc[0], shown=min(len(settled), SHOWN),
        level=percent(round(1 - look.confidence, 9)),
    )  # fmt: skip
    return table(
        settled.head(SHOWN), name="comparisons", caption=caption, kinds={"difference": "points"},
        columns=["group_a", "group_b", "p_adjusted", *trio("difference")],
        heads={"group_a": "segment", "group_b": "against", "p_adjusted": "adjusted p"},
    )  # fmt: skip


def silence(found: Frame, look: Look, *, reference: float, ax: "Axes | None" = None) -> "Html | Axes":
    """The score weighted for who answered, and how different the others would have to be.

    Parameters
    ----------
    found
        The result of ``satisfaction.silence``.
    look
        Facts of the company and period, and what is lacking.
    reference
        Score (points) that it was made with: the result of ``satisfaction.reference``.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html or Axes
        A figure with its data, or ``ax`` if given; a sentence where it is not on record who did not answer.

    Notes
    -----
    docs/METHODS.md section 2.3.
    """
    if found.empty:
        return paragraphs([say("Who was invited and did not answer is not on record: nothing can be weighted.")])
    one, mark = found.iloc[0], number(reference, ".1f")
    caption = say(
        "{measure} of {period}: {answered} of those invited answered, representativity {like} (1: like all invited). "
        "Tipping point: by how many points the others would have to score lower for the score of all to fall to "
        "{reference}, that of the period before or 0", measure=look.measure, period=look.period, reference=mark,
        answered=as_share(one["answered"]), like=formatted(one["representativity"], "times"),
    )  # fmt: skip
    heads = {"what": "answers", "n": "n", "n_effective": "worth (answers)", "nps": look.measure}
    columns = ["what", "n", "n_effective", *trio("nps"), "tipping"]
    shown = table(found, name="silence", caption=caption, columns=columns, heads=heads | {"tipping": "tipping point"})
    (fig, ax), last = canvas(ax), found.iloc[-1]
    deltas = np.linspace(0, float(max(40, 1.5 * np.nan_to_num(last["tipping"]))), 2)
    for end, style in (("", "-"), ("_low", ":"), ("_high", ":")):
        ax.plot(deltas, last[f"nps{end}"] - (1 - last["answered"]) * deltas, style, color=ACCENT)
    ax.axhline(reference, color=QUIET, linewidth=1, linestyle="--")
    at = (deltas[-1], reference)
    ax.annotate(say("reference {value}", value=mark), at, ha="right", va="bottom", color=QUIET)
    ax.set_xlabel(say("points by which those who did not answer would score lower"))
    ax.set_ylabel(say("{measure} of all invited", measure=look.measure))
    alt = say(
        "Falling line of {measure} of all invited by how much lower the silent would score: from {value},",
        measure=look.measure, value=formatted(last["nps"], "points"),
    )  # fmt: skip
    if last["tipping"] > 0:
        at = formatted(last["tipping"], "points")
        alt = f"{alt} {say('it meets {reference} at {at} points.', reference=mark, at=at)}"
    else:
        alt = f"{alt} {say('it begins below {reference}.', reference=mark)}"
    return figure(fig, name="silence", alt=alt, caption=caption, data=shown, ax=ax)


def dose(
    rows: Frame,
    total: Frame,
    look: Look,
    *,
    of: str,
    found: Mapping[str, float] | None = None,
    ax: "Axes | None" = None,
) -> "Html | Axes":
    """The score by how much of something customers met, and where it breaks.

    Parameters
    ----------
    rows
        The result of ``satisfaction.by_dose``.
    total
        The result of ``satisfaction.nps`` over all: the line that is marked.
    look
        Facts of the company and period, and what is lacking.
    of
        Of what, as for ``satisfaction.by_dose``: late, wait or missing.
    found
        The result of ``satisfaction.break_of``; without it the caption tells of no break.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html or Axes
        A figure with its data, or ``ax`` if given; a sentence where there are not two classes to compare.

    Notes
    -----
    docs/METHODS.md section 2.4.
    """
    if len(rows) < 2:
        few = say("What it costs to be {what} cannot be said: no answer tells, or too few differ.", what=word(of))
        return paragraphs([few])
    unit, broken = word(rows["unit"].iloc[0]), ""
    if found is not None:
        at, low, high, broken = (*(found[name] for name in trio("break")), say("; no break can be told"))
        if pd.notna(at):
            where = say("after {n} days", n=number(at, ".0f"))
            where = say("at the promise") if of == "late" and at <= 1 else where
            broken = say(
                "; the score breaks {where} (interval {low} to {high} days), {jump} points at once", where=where,
                low=number(low, ".0f"), high=number(high, ".0f"), jump=number(found["jump"], "+.1f"),
            )  # fmt: skip
    scored = say("{measure} by {groups}", measure=look.measure, groups=unit)
    caption = say("{scored} when invited, {period}{broken}.", scored=scored, period=look.period, broken=broken)
    axis = say("{measure}, points, by {unit} when invited", measure=look.measure, unit=unit)
    return dots(
        rows, by=["dose"], value="nps", name=f"nps_by_{of}", what=scored, columns=["dose", "n"], axis=axis,
        mark=(float(total["nps"].iloc[0]), say("all answers")), caption=caption,
        heads={"nps": look.measure, "dose": unit}, ax=ax,
    )  # fmt: skip


_TANGLED = 10  # variance inflation above which drivers are not ranked


def importance(rows: Frame, look: Look, *, ax: "Axes | None" = None) -> "Html | Axes":
    """What share of the scores' variance each failure explains.

    Parameters
    ----------
    rows
        The result of ``satisfaction.importance``.
    look
        Facts of the company and period, and what is lacking.
    ax
        Axes to draw on; without them it is a figure of its own.

    Returns
    -------
    Html or Axes
        A figure with its data, or ``ax`` if given; the caption names failures that go with others too closely to rank.
        A sentence where there is nothing to explain, or to explain it by.

    Notes
    -----
    docs/METHODS.md section 2.6; variance inflation: section 2.5.
    """
    if rows.empty:
        few = say("What explains the scores cannot be said: all answers are alike, or nothing went wrong.")
        return paragraphs([few])
    caption = say(
        "Importance, not cause ({method}), {period}: all failures explain {share} of the variance; each interval "
        "{sure} (bootstrap over customers)", method=rows["method"].iloc[0], period=look.period, sure=look.sure,
        share=as_share(rows["importance"].sum()),
    )  # fmt: skip
    if tangled := ", ".join(map(word, rows.loc[rows["vif"] > _TANGLED, "driver"])):
        caption += say(
            "; not ranked: {drivers} go with others (variance inflation above {limit})", drivers=tangled, limit=_TANGLED
        )
    heads = {"driver": "failure", "share": "of what is explained", "importance": "of all variance"}
    return dots(
        rows, by=["driver"], value="importance", name="importance", axis=say("share of the scores' variance"),
        what=say("share of the scores' variance that a failure explains"), caption=f"{caption}.",
        columns=["driver", "share", "vif"], heads=heads | {"vif": "inflation"}, ax=ax,
    )  # fmt: skip


def penalty_reward(rows: Frame, look: Look) -> Html:
    """What the low end of each driver takes away and its high end gives.

    Parameters
    ----------
    rows
        The result of ``satisfaction.penalty_reward``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table; a sentence where all answers are alike, or too few.

    Notes
    -----
    docs/METHODS.md section 2.7.
    """
    if rows.empty:
        few = say("What punishes and what delights cannot be said: all answers are alike, or too few.")
        return paragraphs([few])
    caption = say(
        "NPS points against the middle of each driver, {period}; each interval {sure}; a kind is named where the "
        "difference of the two is settled", period=look.period, sure=look.sure,
    )  # fmt: skip
    heads = {"attribute": "driver", "n_low": "answers at the low end", "n_high": "at the high end"}
    columns = [*heads, *trio("penalty"), *trio("reward"), "kind"]
    return table(rows, name="penalty_reward", caption=caption, columns=columns, heads=heads)


def change(parts: Frame, look: Look) -> Html:
    """The parts of the change since the period before.

    Parameters
    ----------
    parts
        The result of ``satisfaction.change``: the last row is the change in all, the one before it the rest.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table; a sentence where there are no answers of the same kind in both periods.

    Notes
    -----
    docs/METHODS.md section 2.8.
    """
    if parts.empty:
        return paragraphs([say("Why the score changed cannot be said: there are no answers of the same kind before.")])
    rest, whole = parts["points"].iloc[-2], parts["points"].iloc[-1]
    caption = say("Change of {measure} from the period before to {period}", measure=look.measure, period=look.period)
    caption += say("; the rest is {share} of it", share=as_share(abs(rest / whole))) if abs(whole) >= 1 else ""
    caption += say("; each interval {sure} (bootstrap over customers)", sure=look.sure)
    return table(parts, name="change", caption=caption, columns=["part", *trio("points")], total=True)


def cause(rows: Frame, look: Look) -> Html:
    """Effects of declared causes, beside the raw difference and the negative control.

    Parameters
    ----------
    rows
        The result of ``satisfaction.cause``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table; a sentence where no cause is declared.

    Notes
    -----
    docs/METHODS.md section 2.9.
    """
    if rows.empty:
        none = say("base.yaml declares no cause (causes:). With one, this section compares alike customers.")
        return paragraphs([none])
    later = sorted(rows.loc[rows["declared_later"], "failure"].unique())
    caption = say(
        "Declared causes, {period}: ATT is the effect on those who met the failure, ATE on all; each interval {sure}",
        period=look.period, sure=look.sure,
    )  # fmt: skip
    which = ", ".join(map(word, later))
    caption += say("; declared later than the begin of the period: {which}", which=which) if later else ""
    counts = {"n_treated": "met it", "n_alone": "nobody alike", "note": "why not"}
    return table(
        rows, name="cause", caption=caption,
        columns=["failure", "estimand", *trio("effect"), *trio("lost"), "e_value", "e_value_limit", "n", *counts],
        heads={"estimand": "what", "effect": "points", "e_value": "E-value", "e_value_limit": "of the interval's end"}
        | counts,
    )  # fmt: skip


def decided(rows: Frame, look: Look) -> Html | None:
    """What operational changes did; nothing where none is on record for the period.

    Parameters
    ----------
    rows
        The result of ``satisfaction.decided``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table; None without rows.

    Notes
    -----
    docs/METHODS.md section 2.9.
    """
    if rows.empty:
        return None
    caption = say(
        "Operational changes of decisions.yaml, {period}: where each holds against where it does not, after against "
        "before; each interval {sure}, customers taken as independent. Placebo: the same before it began; away from 0 "
        "the two did not move alike, and nothing is concluded", period=look.period, sure=look.sure,
    )  # fmt: skip
    columns = ["decision", "starts", "outcome", "n", *trio("effect"), *trio("placebo"), "verdict"]
    return table(rows, name="decided", caption=caption, columns=columns, heads={"n": "orders or answers"})


def withdrawn(rows: Frame, look: Look) -> Html | None:
    """Causes whose effect an archived revision told and which are declared no more; nothing where there is none.

    Parameters
    ----------
    rows
        The frame ``withdrawn_causes``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table; None without rows.

    Notes
    -----
    docs/METHODS.md section 2.9.
    """
    if rows.empty:
        return None
    told = rows.assign(**{x: rows[y] for x, y in zip(trio("lost"), ["value", "low", "high"], strict=True)})
    caption = say("Causes that archived pages told and base.yaml declares no more, as of {as_of}", as_of=look.as_of)
    columns = ["treatment", "period", "revision", *trio("lost")]
    return table(told, name="withdrawn_causes", caption=caption, columns=columns)


def alike(rows: Frame, look: Look) -> Html | None:
    """Balance of the covariates that were farthest apart, before and after weighting; nothing without a cause.

    Parameters
    ----------
    rows
        The result of ``satisfaction.alike``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html or None
        A table of 15 covariates at most; None without rows.

    Notes
    -----
    docs/METHODS.md section 2.9.
    """
    if rows.empty:
        return None
    far = int((rows["smd_after"].abs() > 0.1).sum())
    farthest = rows.sort_values("smd_before", key=abs, ascending=False, kind="stable").head(SHOWN)
    caption = say(
        "Standardised mean differences between who met a failure and who did not, {period}: after weighting {far} of "
        "{n} are above {limit}; the {shown} farthest before it are shown. Overlap: share of those who met it whom "
        "somebody who did not was as likely to meet it", period=look.period, far=far, n=len(rows), shown=len(farthest),
        limit=number(0.1, "g"),
    )  # fmt: skip
    heads = {"smd_before": "before", "smd_after": "after", "overlap": "overlap"}
    return table(farthest, name="alike", caption=caption, columns=["failure", "covariate", *heads], heads=heads)


def worth(rows: Frame, look: Look) -> Html:
    """What customers bought after they answered, by what they answered.

    Parameters
    ----------
    rows
        The result of ``satisfaction.worth``.
    look
        Facts of the company and period, and what is lacking.

    Returns
    -------
    Html
        A table, effects only where they are settled; a sentence where no answers can be followed.

    Notes
    -----
    docs/METHODS.md section 2.10.
    """
    if rows.empty:
        none = say("What a point is worth cannot be said: no answers of the period before can be followed.")
        return paragraphs([none])
    hidden, effects = ~rows["settled"].astype(bool), trio("effect")
    told = rows.assign(**{name: rows[name].mask(hidden) for name in effects})
    told["note"] = told["note"].mask(hidden & rows["bought"].isna() & (told["note"] == ""), "not settled")
    caption = say(
        "Bought in the {days} days after an answer of the period before, {currency} a customer; differences are "
        "adjusted for what was bought before, each interval {sure}; no figure is given where it holds nothing",
        days=rows["days"].iloc[0], currency=look.currency, sure=look.sure,
    )  # fmt: skip
    return table(
        told, name="worth", caption=caption, columns=["money", "what", "n", "n_customers", "bought", *effects, "note"],
        heads={"effect": "adjusted", "note": "note"}, kinds=dict.fromkeys(["bought", "effect"], "cents"),
    )  # fmt: skip


def nps_findings(
    total: Frame, costs: Frame, worst: int | None, scores: Frame, waiting: Frame, caused: Frame, worth: Frame,
    promised: Frame, look: Look, *, apart: Apart,
) -> Html:  # fmt: skip
    """The answers of the NPS report, in the slots of docs/METHODS.md section 2.12.

    Parameters
    ----------
    total
        The result of ``satisfaction.nps`` over all.
    costs
        The result of ``satisfaction.failures``.
    worst
        The result of ``satisfaction.worst`` of the costs.
    scores
        The result of ``satisfaction.nps`` by ``segment``.
    waiting
        The result of ``satisfaction.undelivered``.
    caused
        The result of ``satisfaction.cause``.
    worth
        The result of ``satisfaction.worth``.
    promised
        The result of ``service.promises``.
    look
        Facts of the company and period, and what is lacking.
    apart
        The result of ``satisfaction.apart`` of the scores.

    Returns
    -------
    Html
        Sentences, one a slot; one sentence alone where surveys are lacking, or nobody answered.

    Notes
    -----
    docs/METHODS.md section 2.12.
    """
    if total.empty:
        none = look.missing(_SURVEYS, gain=say("says what customers think and why"))
        nobody = say("Nobody answered in {period}.", period=look.period)
        return paragraphs([none.text if none else nobody], role="findings")
    one = total.iloc[0]
    n = say("n = {n} answers of {customers} customers", n=as_count(one["n"]), customers=as_count(one["n_customers"]))
    size = look.estimate(one, "nps", n)
    sentences = [say("{measure} of {period} was {size}.", measure=look.measure, period=look.period, size=size)]
    sentences += [_late(costs.iloc[0], look), _single(costs.iloc[1:].reset_index(drop=True), worst, look)]
    sentences.append(apart_sentence(scores, apart, look, by=["segment"]))
    if waiting.empty:
        sentences.append(say("No answer came from an order that had not arrived, or too few to show."))
    else:
        row = waiting.iloc[0]
        sentences.append(
            say(
                "{n} answers ({share}) came while the order had not arrived or was cancelled; their {measure} is "
                "{size}.",
                n=as_count(row["n"]), share=as_share(row["n"] / one["n"]), measure=look.measure,
                size=look.estimate(row, "nps"),
            )
        )  # fmt: skip
    return paragraphs([*sentences, _caused(caused, look), _worth(worth, look), _promised(promised)], role="findings")


def _late(late: pd.Series, look: Look) -> str:
    """What late and overdue orders took from the score, or that it is not settled."""
    if late["note"]:
        return say("What late and overdue orders cost cannot be said: {why}.", why=word(late["note"]))
    if late["effect_low"] <= 0 <= late["effect_high"]:
        size = look.estimate(late, "effect")
        return say(
            "Whether late and overdue orders move the score is not settled: {size}, other things equal.", size=size
        )
    sign = -1 if late["effect"] < 0 else 1
    ends = {"": "", "_low": "_high", "_high": "_low"} if sign < 0 else {end: end for end in ("", "_low", "_high")}
    size = {f"{x}{end}": sign * late[f"{x}{of}"] for x in ("effect", "lost") for end, of in ends.items()}
    told = {"size": look.estimate(size, "effect"), "share": as_share(late["share"]), "all": look.estimate(size, "lost")}
    if sign < 0:
        return say(
            "Orders late or overdue when asked took {size} from the score of those who met them, other things equal; "
            "with {share} of answers, {all} of all.", **told,
        )  # fmt: skip
    return say(
        "Orders late or overdue when asked added {size} to the score of those who met them, other things equal; "
        "with {share} of answers, {all} of all.", **told,
    )  # fmt: skip


def _single(single: Frame, worst: int | None, look: Look) -> str:
    """The single failure that costs most, where that is settled."""
    if worst is None:
        family = (single["note"] == "").sum()
        return say("Which single failure costs most is not settled over a family of {n}.", n=family)
    top, family = single.iloc[worst], say("family of {n}", n=single["family"].max())
    loss = look.estimate(top, "lost", family)
    return say("Largest loss by a single failure: {failure}, {loss} of all.", failure=word(top["failure"]), loss=loss)


def _caused(caused: Frame, look: Look) -> str:
    """What the first declared cause does to those who met it, and whether its control holds."""
    if caused.empty:
        return say("Cause cannot be said: base.yaml declares no cause (causes:).")
    mine = caused[caused["failure"] == caused["failure"].iloc[0]]
    att, control = mine[mine["estimand"] == "ATT"].iloc[0], mine[mine["estimand"].str.startswith("ATT on ")]
    failure = word(att["failure"])
    if att["note"]:
        return say("Whether {failure} is a cause cannot be said: {why}.", failure=failure, why=word(att["note"]))
    said = say(
        "Alike customers compared, {failure} moved the score of those who met it by {size}", failure=failure,
        size=look.estimate(att, "effect"),
    )  # fmt: skip
    said += say(", a question declared later than the period's begin") if att["declared_later"] else ""
    if att["effect_low"] <= 0 <= att["effect_high"]:
        return said + say("; an effect is not settled.")
    if len(control):
        row = control.iloc[0]
        item, size = word(row["estimand"].removeprefix("ATT on ")), formatted(row["effect"], "points")
        said += say("; its control, {item}, moved by {size} points, ", item=item, size=size)
        chance = row["effect_low"] <= 0 <= row["effect_high"]
        said += say("which may be chance") if chance else say("so that the comparison misses something")
    return said + say(
        "; to explain it away, something unknown must move both {strength}-fold (E-value of the interval's end).",
        strength=formatted(att["e_value_limit"], "times"),
    )


def _worth(worth: Frame, look: Look) -> str:
    """What a point of NPS is worth in money, or that it is not settled."""
    if worth.empty:
        return say("What a point is worth cannot be said: no answers of the period before can be followed.")
    row = worth[worth["what"].str.startswith("a point")].iloc[-1]
    if row["note"] or not row["settled"]:
        why = word(row["money"]) + (f": {word(row['note'])}" if row["note"] else "")
        return say("What a point is worth is not settled ({why}).", why=why)
    return say(
        "A point of NPS goes with {currency} {size} of {money} per 1,000 customers in {days} days: an association.",
        size=estimate(row, "effect", "money", look.confidence), money=word(row["money"]), days=row["days"],
        currency=look.currency,
    )  # fmt: skip


def _promised(rows: Frame) -> str:
    """How many promises were kept, and which were broken or not felt."""
    if rows.empty:
        return say("Whether promises were kept cannot be said: targets.yaml holds none.")
    pairs = zip(rows["measure"], _to(rows), strict=True)
    names = pd.Series([say("{promise} to {whom}", promise=word(name), whom=to) for name, to in pairs], index=rows.index)
    told, named = [], ("broken", "kept but not felt")
    for verdict in ("kept", *named, "not settled", "too few to say"):
        those = names[rows["verdict"] == verdict]
        if len(those):
            told.append(f"{len(those)} {word(verdict)}" + f" ({', '.join(those)})" * (verdict in named))
    return say("Of {n} promises: {which}.", n=len(rows), which="; ".join(told))

"""How does a result look and read? Frame to table, figure with alt text, sentence; no calculation."""

import base64
import html
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

TABLE_MIME = "application/vnd.tandem.table+json"
FIGURES_MIME = "application/vnd.tandem.figures+json"
INK, ACCENT, QUIET, WARN, GRID = "#1d2733", "#0b6e8f", "#5f6b78", "#a8480b", "#e3e7eb"
_TONES = {
    "ink": (INK, "#e6ebf0"),
    "accent": (ACCENT, "#5cc0e0"),
    "quiet": (QUIET, "#a3afbb"),
    "warn": (WARN, "#f0a063"),
}
_TONES |= {"grid": (GRID, "#2f3a45")}  # each colour of a drawing: its name, in the light, in the dark
MISSING = "–"
Frame, Columns, Names = pd.DataFrame, Sequence[str], Mapping[str, str] | None
Apart = tuple[int | None, int | None, bool]  # the rows above and below all others (True), or each other

# How our columns read; <x>_low and <x>_high read like x. cents: money to the cent; money: whole units; share: 0-1 shown
# in per cent; times: two decimals; rate: four digits.
_KINDS = {
    "text": "account activity advice after arrival attribute band before by carrier category channel cluster cohort "
    "covariate decision definition_id department dose driver estimand evidence exposure failure fault felt "
    "field figure_id fulfilment group group_a group_b item kind lever marks measure money month name note "
    "order_class outcome owner part period pool promise region revision rfm_group rule segment starts step "
    "supplier template_id to trait treatment trust unit verdict via what who",
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
    "times": "e_value e_value_limit gain household_size jaccard lift lines_each multiple orders_each per_day "
    "silhouette smd_after smd_before standard sure vif",
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
    """A piece of a page that JupyterLab shows as it will stand in the report."""

    html: str
    text: str
    mime: dict = field(default_factory=dict)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": self.html, "text/plain": self.text, **self.mime}


def _fact(name: str) -> property:
    return property(lambda look: look.facts[name].iloc[0], doc=f"``{name}`` of the frame ``company_facts``.")


@dataclass(frozen=True, eq=False)
class Look:
    """What every piece of a report is seen by: facts, what is lacking, coverage of intervals, name of the score.

    ``facts``, ``unlocks``: the frames ``company_facts`` and ``unlocks`` (tables and columns that nobody brought).
    """

    facts: Frame
    unlocks: Frame
    confidence: float = 0.95
    measure: str = "NPS"
    assumed: Sequence[tuple[str, int, int]] = ()  # what is assumed, cents, thousandths: of the frame ``assumptions``

    period, currency, as_of = _fact("period"), _fact("currency"), _fact("as_of")
    first_day, min_n, unanswered_known = _fact("first_day"), _fact("min_n"), _fact("unanswered_known")

    def missing(self, needs: Mapping[str, Sequence[str]], *, gain: str = "") -> Html | None:
        """What a section lacks and what its reader would then see; None if nothing is lacking.

        ``needs``: tables that the section needs, each with its columns (none: just the table); ``gain``: what the
        reader would then see, as the end of a sentence.
        """
        absent, lacking = self.unlocks.set_index("table")["columns"], []
        for name, columns in needs.items():
            if name in absent.index:
                gone = [c for c in absent[name].split(", ") if c in columns]
                if absent[name] == "":
                    lacking.append(f"the table {name}")
                elif gone:
                    lacking.append(f"{name}.{', '.join(gone)}")
        text = f"Not shown: this needs {' and '.join(lacking)}. With it, this section {gain}."
        return paragraphs([text]) if lacking else None

    def assuming(self) -> str:
        """What a sentence rests on that is assumed and not recorded, as its end; empty where nothing is."""
        told = [
            " and ".join([f"{self.currency} {_cents(cents)}"] * bool(cents) + [f"{mille / 10:g} %"] * bool(mille))
            + f" of {what}"
            for what, cents, mille in self.assumed
        ]
        return f", assuming {', '.join(told)}" if told else ""

    def together(self, n: int, how: str = "Bonferroni") -> str:
        """That the intervals of a family hold together, as it stands in captions."""
        return f"the {n} intervals hold together with {100 * self.confidence:g} % confidence ({how})"

    def estimate(self, row: Mapping, value: str, more: str = "") -> str:
        """One of our columns with its interval, as it stands in sentences (see ``estimate`` below)."""
        return estimate(row, value, _KIND_OF[value], self.confidence, more)


def _middle(column: str) -> str:
    return column.removesuffix("_low").removesuffix("_high")


def trio(column: str) -> list[str]:
    return [column, f"{column}_low", f"{column}_high"]


def table(
    frame: Frame, *, name: str, caption: str, columns: Columns, heads: Names = None, kinds: Names = None, total=False
) -> Html:
    """A frame as an accessible table; the same rows go to ``tables/<name>.csv`` at full precision.

    ``columns``: what to show, other columns are left out of table and file; ``name``: file name of the CSV, without
    ending; ``caption``: what the rows are and over which cohort; ``heads``, ``kinds``: of columns that read otherwise
    here than in ``_HEADS`` and ``_KINDS``, or do not stand there; ``total``: is the last row a total?
    """
    known, called = _KIND_OF | dict(kinds or {}), _HEADS | dict(heads or {})
    kinds = {column: known.get(column, known.get(_middle(column))) for column in columns}
    unknown = [column for column, kind in kinds.items() if kind is None]
    assert not unknown, f"present.table {name}: no kind is known for: {unknown}"
    wrong = sorted(set(kinds.values()) - set(_KINDS))
    assert not wrong, f"present.table {name}: no such kinds: {wrong}"
    told = {column: called.get(column, column.replace("_", " ")) for column in kinds}
    several = sum(f"{column}_low" in told for column in told) > 1
    for column in [x for x in told if x != _middle(x) and x not in called]:
        middle = _middle(column)  # low, high: of what, where a table has several intervals
        told[column] = f"{middle.replace('_', ' ')} " * several + column.removeprefix(f"{middle}_")
    classes = {column: "" if kind == "text" else ' class="number"' for column, kind in kinds.items()}
    shown = frame[list(kinds)]
    lines = [f'<div class="wide" role="region" tabindex="0" aria-label="{html.escape(caption)}"><table>']
    lines.append(f"<caption><span>{html.escape(caption)}</span></caption><thead><tr>")
    lines += [f'<th scope="col"{classes[x]}>{html.escape(head)}</th>' for x, head in told.items()]
    lines.append("</tr></thead><tbody>")
    for position, row in enumerate(shown.itertuples(index=False)):
        cells = []
        for value, (column, kind) in zip(row, kinds.items(), strict=True):
            text = html.escape(formatted(value, kind))
            head = kind == "text" and column == columns[0]
            cells.append(f'<th scope="row">{text}</th>' if head else f"<td{classes[column]}>{text}</td>")
        last = ' class="total"' if total and position == len(shown) - 1 else ""
        lines.append(f"<tr{last}>{''.join(cells)}</tr>")
    if shown.empty:
        lines.append(f'<tr><td colspan="{len(kinds)}">no rows</td></tr>')
    lines.append("</tbody></table></div>")
    mime = {"name": name, "caption": caption, "csv": shown.to_csv(index=False, lineterminator="\n")}
    return Html("".join(lines), f"{caption}\n{shown.to_string(index=False)}", {TABLE_MIME: mime})


def formatted(value: object, kind: str) -> str:
    """A value as readers see it.

    >>> formatted(123456, "cents"), formatted(123456, "money"), formatted(0.12345, "share"), formatted(None, "count")
    ('1,234.56', '1,235', '12.3 %', '–')
    """
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return MISSING
    if kind == "text":
        return str(value)
    if kind == "count":
        return f"{int(value):,}"
    if kind in ("cents", "money"):  # half a unit goes away from zero, so that a loss reads like a gain
        size = abs(round(value))
        shown = f"{size // 100:,}.{size % 100:02}" if kind == "cents" else f"{(size + 50) // 100:,}"
        return f"-{shown}" if value < 0 and shown.strip("0.") else shown
    if kind == "share":
        return f"{100 * float(value):z.1f} %"
    digits = {"times": "z,.2f", "points": "z,.1f", "days": "z,.1f", "rate": ",.4g"}[kind]
    return f"{float(value):{digits}}"


_n, _share, _cents, _money = (partial(formatted, kind=kind) for kind in ("count", "share", "cents", "money"))


def figure(fig: plt.Figure, *, name: str, alt: str, caption: str, data: Html) -> Html:
    """A drawing with its alternative text, caption, and its data behind a disclosure."""
    image, lacking = _drawn(fig)
    image = base64.b64encode(image.encode()).decode()
    if lacking:  # a name in a script that the font does not have: the table behind it has it
        caption += f" Characters that the font lacks are not drawn: {', '.join(lacking[:5])}."
    page = (
        f'<figure id="figure-{html.escape(name)}"><img style="color-scheme:light;background:#fff" '
        f'alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{image}">'
        f"<figcaption>{html.escape(caption)}</figcaption>"
        f"<details><summary>Data of this figure</summary>{data.html}</details></figure>"
    )
    return Html(page, alt, data.mime)


def _drawn(fig: plt.Figure) -> tuple[str, list[str]]:
    """A drawing as SVG, the same bytes whenever it is drawn, in the colours of its page; characters the font lacks."""
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
    """Computed sentences, one paragraph each; ``role`` is ``note`` or ``findings``."""
    tag = "li" if role == "findings" else "p"
    inner = "".join(f"<{tag}>{html.escape(sentence)}</{tag}>" for sentence in sentences)
    body = f"<ol>{inner}</ol>" if role == "findings" else inner
    return Html(f'<div class="{role}">{body}</div>', "\n".join(sentences))


def key_figures(figures: Frame, headlines: Names = None) -> Html:
    """Key figures of a report for ``figures.parquet``; shown as a small table.

    ``figures`` has the columns below; ``definition_id`` is the section of docs/METHODS.md. ``headlines``: what the
    figures that stand first in the views are called there, by their ``figure_id``; those of all segments and channels
    that have a value.
    """
    columns = ["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]
    records = figures[columns].astype(object).where(figures[columns].notna(), None).to_dict("records")
    for row in records:
        first = row["value"] is not None and not row["segment"] and not row["channel"]
        row["headline"] = dict(headlines or {}).get(row["figure_id"], "") if first else ""
    caption, heads = "Key figures kept for later periods", {"n": "n"}
    shown = table(figures, name="key_figures", caption=caption, columns=columns, heads=heads)
    page = f"<details><summary>{len(records)} key figures kept for later periods</summary>{shown.html}</details>"
    return Html(page, shown.text, {FIGURES_MIME: records, **shown.mime})


def dots(
    rows: Frame, *, by: Columns, value: str, name: str, axis: str, what: str, caption: str, columns: Columns,
    heads: Names = None, kinds: Names = None, mark: tuple[float, str] | None = None,
) -> Html:  # fmt: skip
    """Estimates with their intervals, a line a group, the first row on top; ends are told in the alt text.

    ``by``: columns of text that name a group; ``value``: what is drawn, from ``<value>_low`` to ``<value>_high`` (rows
    without it stand in the table only); ``axis``, ``what``: label of the axis, what the dots are for the alt text;
    ``mark``: a value to mark by a line, and its name; the others: of the table behind, which ends in the value and its
    interval where ``columns`` leaves them out.
    """
    kinds = dict.fromkeys(by, "text") | dict(kinds or {})
    kind, ends_too = (_KIND_OF | kinds)[value], trio(value)
    columns = [*columns, *(column for column in ends_too if column not in columns)]
    drawn = rows.dropna(subset=[value]).iloc[::-1]
    names = drawn[list(by)].agg(", ".join, axis=1) if len(drawn) else pd.Series(dtype="str")
    size = {"share": 100, "money": 0.01, "cents": 0.01}.get(kind, 1)
    fig, ax = plt.subplots(figsize=(7.2, 0.8 + 0.3 * max(len(drawn), 2)))
    middle, low, high = (size * drawn[column].astype("float64") for column in ends_too)
    ax.hlines(range(len(drawn)), low, high, color=ACCENT, linewidth=2)
    ax.plot(middle, range(len(drawn)), "o", color=ACCENT)
    ax.set_yticks(range(len(drawn)), names)
    if kind == "share":
        ax.xaxis.set_major_formatter(lambda tick, _: f"{tick:.0f} %")
    if kind in ("money", "cents"):
        ax.xaxis.set_major_formatter(lambda tick, _: f"{tick:,.0f}")
        ax.xaxis.set_major_locator(plt.MaxNLocator(5))
    if mark:
        ax.axvline(size * mark[0], color=QUIET, linewidth=1, linestyle="--")
        top, at = (size * mark[0], 1), ("data", "axes fraction")
        ax.annotate(mark[1], top, xycoords=at, ha="center", va="bottom", color=QUIET)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(axis)
    at = {"Lowest": middle.to_numpy().argmin(), "Highest": middle.to_numpy().argmax()} if len(drawn) else {}
    ends = "".join(f" {end}: {names.iloc[i]}, {formatted(drawn[value].iloc[i], kind)}." for end, i in at.items())
    ends += f" A line marks {mark[1]}, {formatted(mark[0], kind)}." if mark else ""
    alt = f"Dots with intervals: {what} for {len(drawn)} groups.{ends}"
    shown = table(rows, name=name, caption=caption, columns=columns, heads=heads, kinds=kinds)
    return figure(fig, name=name, alt=alt, caption=caption, data=shown)


def between(low: float, high: float, kind: str, confidence: float) -> str:
    """``95 % interval 1.2 to 3.4 %`` as it stands in sentences.

    >>> between(0.012, 0.034, "share", 0.95)
    '95 % interval 1.2 to 3.4 %'
    """
    low_text = formatted(low, kind).removesuffix(" %")
    return f"{100 * confidence:g} % interval {low_text} to {formatted(high, kind)}"


def estimate(row: Mapping, value: str, kind: str, confidence: float, more: str = "") -> str:
    """``1.2 points (95 % interval 0.4 to 2.0 points, n = 5)`` as it stands in sentences.

    >>> estimate({"nps": 30.0, "nps_low": 14.05, "nps_high": 44.2}, "nps", "points", 0.95, "n = 100")
    '30.0 points (95 % interval 14.1 to 44.2 points, n = 100)'
    """
    unit = " points" if kind == "points" else ""
    interval = between(row[f"{value}_low"], row[f"{value}_high"], kind, confidence)
    return f"{formatted(row[value], kind)}{unit} ({interval}{unit}{', ' + more if more else ''})"


def theme() -> None:
    """One look for every drawing: quiet axes, one accent, sizes that read on a phone."""
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
    """The rows a report stands on: read, taken out by each rule, left."""
    money, caption = ["net_revenue", "freight"], f"Orders placed in {look.period}, known by {look.as_of}"
    heads = {column: f"{column.replace('_', ' ')} ({look.currency})" for column in money}
    columns, kinds = ["rule", "orders", "lines", *money], dict.fromkeys(money, "cents")
    return table(account, name="row_account", caption=caption, columns=columns, heads=heads, kinds=kinds)


def apart_sentence(scores: Frame, apart: Apart, look: Look, *, by: Columns) -> str:
    """Which group's score lies above, and which below, all others; else two that lie apart."""
    scored, family = f"{look.measure} by {' and '.join(by)}", f"family of {len(scores)}"
    if scores.empty:
        return f"{scored} cannot be said: there are no answers."
    if len(scores) < 2:
        return f"{scored} cannot be compared: there is one group only."
    ends = ("is above all others with", "is below all others with") if apart[2] else ("with", "with")
    said = [
        f"{', '.join(scores.iloc[at][name] for name in by)} {where} {look.estimate(scores.iloc[at], 'nps', family)}"
        for at, where in zip(apart, ends, strict=False)
        if at is not None
    ]
    if said and not apart[2]:
        return f"{scored}: {' is above '.join(said)}; none is apart from all others."
    return f"{scored}: {'; '.join(said) if said else f'no difference is settled over a {family}'}."


# -- NPS and the supply chain ----------------------------------------------------------------------


def answer_account(account: Frame, look: Look) -> Html:
    """What each rule took out of the invitations, or what the section lacks."""
    if lacking := look.missing(_SURVEYS, gain="shows whom we asked and who answered"):
        return lacking
    silent = "" if look.unanswered_known else "; who was invited and did not answer is not on record"
    caption = f"Invitations of {look.period}, answers known by {look.as_of}{silent}"
    columns = ["rule", "invitations", "late_share", "nps"]
    return table(account, name="answer_account", caption=caption, columns=columns, heads={"nps": look.measure})


def exposures(groups: Frame, look: Look) -> Html:
    """Invitations by what the customer had met, or what the section lacks."""
    if lacking := look.missing(_SURVEYS, gain="shows what customers had met when they were asked"):
        return lacking
    columns = ["exposure", "n", *(["invited", "answered_share"] if look.unanswered_known else []), "late_share"]
    caption = f"Invitations of {look.period} by what had come of the order when they were sent"
    return table(groups, name="exposures", caption=caption, columns=columns)


def nps_figure(
    scores: Frame, total: Frame, look: Look, *, name: str, by: Columns, ranked=True, above: Frame | None = None
) -> Html:
    """NPS by some columns with intervals that hold together; or what the section lacks.

    Where the groups are those of the scores ``above``, as when every segment has one channel, that is all it says.
    """
    if (lacking := look.missing(_SURVEYS, gain="shows the NPS of each group")) or scores.empty:
        return lacking or paragraphs([f"Nobody answered in {look.period}."])
    if above is not None:
        found, before = (sorted(zip(frame["n"], frame["nps"], strict=True)) for frame in (scores, above))
        if found == before:
            return paragraphs([f"By {' and '.join(by)} the groups are the same as above."])
    rows = scores.sort_values("nps", ascending=False, ignore_index=True) if ranked else scores
    caption = f"{look.measure} by {' and '.join(by)}, {look.period}, {sizes(rows, 'answers')}; "
    return dots(
        rows, by=by, value="nps", name=name, axis=f"{look.measure}, points", what=look.measure,
        mark=(float(total["nps"].iloc[0]), "all answers"), caption=f"{caption}{look.together(len(rows))}.",
        columns=[*by, "n", "n_customers", "promoters", "detractors"], heads={"nps": look.measure},
    )  # fmt: skip


def sizes(rows: Frame, unit: str) -> str:
    return f"n = {_n(rows['n'].min())} to {_n(rows['n'].max())} {unit} a group"


def star_maps(scores: Frame) -> Html | None:
    """The total under both maps from stars to promoters; nothing where the real question was asked."""
    if len(scores) < 2:
        return None
    caption = "The same answers under both common maps: stars stand in for the NPS question and are not it"
    return table(
        scores, name="star_maps", caption=caption, columns=["measure", "n", *trio("nps")], heads={"nps": "points"}
    )


def failures(costs: Frame, look: Look) -> Html:
    """What each failure costs in NPS points of those who met it, other things equal; or what it lacks."""
    if lacking := look.missing(_SURVEYS, gain="shows what each failure costs in NPS points"):
        return lacking
    n, family = costs["n_model"].iloc[0], costs["family"].max()
    columns = ["failure", "n", "share", *trio("effect"), *trio("lost"), "note"]
    behind = {"name": "failures", "columns": columns}
    behind["caption"] = (
        f"Effect in NPS points on those who met a failure, {look.period}, other things equal, from {_n(n)} answers; "
        f"the {family} intervals of single failures hold together with {100 * look.confidence:g} % confidence "
        "(Bonferroni), that of the first row stands alone. Lost: effect x share."
    )
    free = costs.get("effect_free", pd.Series(dtype="float64")).dropna()
    if len(free):
        behind["caption"] += (
            f" Without proportional odds the first row's effect is {formatted(free.iloc[0], 'points')} points."
        )
    if costs["effect"].isna().all():
        return table(costs, **behind)
    axis, what = "NPS points of those who met it", "effect of a failure in NPS points"
    return dots(costs, by=["failure"], value="effect", axis=axis, what=what, mark=(0.0, "no effect"), **behind)


def performance(rows: Frame, choices: Mapping[str, str], look: Look, *, by: str) -> Html:
    """On time and in full by a column, with the choices that it stands on; or what it lacks."""
    lacking = look.missing({"deliveries": ("promised_by", "delivered_at")}, gain="shows whether promises were kept")
    if lacking or rows.empty:
        return lacking or paragraphs([f"No promise fell due in {look.period}, or too few to show."])
    if len(rows) == 1 and by != "segment":
        return paragraphs([f"All orders due in {look.period} have one {by}: {rows[by].iloc[0]}."])
    value, what, shares = "on_time", "on time", trio("on_time")
    said = "what was delivered of a line is not recorded, so that in full, perfect and fill rates cannot be told"
    if rows["otif"].notna().any():
        value, what, said = "otif", "on time and in full", "; ".join(f"{name}: {x}" for name, x in choices.items())
        shares = ["on_time", "in_full", *trio("otif"), "perfect", "line_fill", "unit_fill", "early", "in_window"]
        shares = [name for name in shares if rows[name].notna().any()]
    told = rows.assign(**{by: rows[by].str.replace("_", " ")}).sort_values(value, kind="stable", ignore_index=True)
    return dots(
        told, by=[by], value=value, name=f"service_by_{by}", axis=f"{what}, orders due in the period", what=what,
        caption=f"Promises due in {look.period}; {what}: {said}; {look.together(len(rows))}.",
        columns=[by, "n", "n_customers", *shares],
        heads={"n": "orders due", "early": "before the promise", "in_window": "in its own window"},
    )  # fmt: skip


def cycle_time(times: Frame, look: Look) -> Html | None:
    """Days from order to arrival by segment; nothing where no promise fell due."""
    if times.empty:
        return None
    caption = f"Days from order to arrival, promises due in {look.period}; what has not arrived by {look.as_of} "
    caption += "counts as still under way (Kaplan-Meier)"
    heads = {"n": "orders", "n_open": "not there", "median_days": "half within (days)", "p95_days": "19 of 20 within"}
    return table(times, name="cycle_time", caption=caption, columns=["segment", *heads], heads=heads)


def promise_accuracy(classes: Frame, look: Look) -> Html | None:
    """How far from the promise orders arrived; nothing where no promise fell due."""
    if classes.empty:
        return None
    caption = f"Arrival against the end of the promised window, promises due in {look.period}"
    heads = {"n": "orders", "share": "of all"}
    return table(classes, name="promise_accuracy", caption=caption, columns=["arrival", *heads], heads=heads)


def ways(rows: Frame, look: Look) -> Html:
    """Ways of acquiring: adoption, growth, basket, who comes back, who is new and who switched."""
    if rows.empty:
        return paragraphs([f"No order was placed in {look.period}, or too few to show."])
    columns = ["fulfilment", "n_customers", "adoption", "n", "growth", "basket", "repeat", "new", "switched"]
    return table(
        rows.assign(fulfilment=rows["fulfilment"].str.replace("_", " ")), name="ways", kinds={"basket": "cents"},
        caption=f"Ways of acquiring, orders placed in {look.period}, not cancelled; growth against the period before; "
        f"revenue in {look.currency}", columns=[name for name in columns if rows[name].notna().any()],
        heads={"adoption": "of all customers", "n": "orders", "repeat": "came twice", "new": "new customers"}
        | {"switched": "switched to it"},
    )  # fmt: skip


def suppliers(rows: Frame, look: Look) -> Html:
    """Lead times and reliability of suppliers; or what the section lacks."""
    lacking = look.missing({"supplier_receipts": ()}, gain="shows which supplier is late, short or getting worse")
    if lacking or rows.empty:
        return lacking or paragraphs([f"No purchase order was promised for {look.period}."])
    caption = f"Purchase orders due in {look.period}, shares of lines; {int(rows['settled'].sum())} of {len(rows)} "
    caption += f"have changed on time against the 3 periods' length before; {look.together(len(rows))}"
    heads = {"n": "orders", "n_lines": "lines", "n_open": "lines not there", "lead_days": "lead time (days, mean)"}
    heads |= {
        "lead_sd": "SD",
        "lead_p95": "95 %",
        "every_days": "ordered every (days)",
        "on_time_before": "on time before",
        "trend": "change",
    }
    columns = ["supplier", "n", "n_lines", "n_open", "lead_days", "lead_sd", "lead_p95", "every_days", "on_time"]
    return table(
        rows.assign(supplier=rows["supplier"] + rows["own"].map({True: " (own)", False: ""})), name="suppliers",
        caption=caption, columns=[*columns, "in_full", "on_time_before", *trio("trend")],
        heads=heads,
    )  # fmt: skip


def _to(rows: Frame) -> pd.Series:
    """Whom each promise was made to."""
    return (rows["segment"] + " " + rows["channel"]).str.strip().replace("", "all")


def promises(rows: Frame, look: Look) -> Html:
    """The promises of targets.yaml: kept, broken, kept but not felt."""
    if rows.empty:
        lacking = "No promise is on record: targets.yaml (promises:) would say what each segment was promised."
        return paragraphs([lacking])
    shown = rows.assign(promise=rows["measure"].str.replace("_", " "), to=_to(rows))
    shown["felt_at_least"] = shown["felt_at_least"].mask(shown["felt"] == "")
    kind = {True: "points", False: "share"}  # a share reads in per cent, a score in points
    for name in ("at_least", *trio("value")):
        shown[name] = [formatted(x, kind[of == "nps"]) for x, of in zip(rows[name], rows["measure"], strict=True)]
    caption = f"Promises of targets.yaml against what was delivered in {look.period}; felt: content answers to the "
    columns = ["promise", "to", "at_least", *trio("value"), "n", "felt", "felt_share", "felt_at_least", "verdict"]
    return table(
        shown, name="promises", caption=f"{caption}item named; {look.together(len(rows))}", columns=columns,
        heads={"value": "delivered", "felt": "item", "felt_share": "felt", "n": "orders or answers"},
        kinds=dict.fromkeys(["at_least", "value"], "text"),
    )  # fmt: skip


def comparisons(pairs: Frame, look: Look) -> Html | None:
    """The settled differences between segments, largest first; nothing where there is one segment."""
    if pairs.empty:
        return None
    settled = pairs[pairs["settled"]].sort_values("difference", key=abs, ascending=False, kind="stable")
    caption = f"Differences of {look.measure} between segments, {look.period}: {len(settled)} of "
    caption += f"{pairs['family'].iloc[0]} pairs are settled (Benjamini-Hochberg at {1 - look.confidence:.0%}), the "
    caption += f"largest {min(len(settled), SHOWN)} are shown; their intervals keep the false coverage rate"
    return table(
        settled.head(SHOWN), name="comparisons", caption=caption, kinds={"difference": "points"},
        columns=["group_a", "group_b", "p_adjusted", *trio("difference")],
        heads={"group_a": "segment", "group_b": "against", "p_adjusted": "adjusted p"},
    )  # fmt: skip


def silence(found: Frame, look: Look, *, reference: float) -> Html:
    """The score weighted for who answered, and how different the others would have to be."""
    if found.empty:
        return paragraphs(["Who was invited and did not answer is not on record: nothing can be weighted."])
    one = found.iloc[0]
    caption = f"{look.measure} of {look.period}: {_share(one['answered'])} of those invited answered, representativity "
    caption += f"{formatted(one['representativity'], 'times')} (1: like all invited). Tipping point: by how many "
    caption += "points the others would have to score lower for the score of all to fall to "
    caption += f"{reference:.1f}, that of the period before or 0"
    heads = {"what": "answers", "n": "n", "n_effective": "worth (answers)", "nps": look.measure}
    columns = ["what", "n", "n_effective", *trio("nps"), "tipping"]
    shown = table(found, name="silence", caption=caption, columns=columns, heads=heads | {"tipping": "tipping point"})
    (fig, ax), last = plt.subplots(), found.iloc[-1]
    deltas = np.linspace(0, float(max(40, 1.5 * np.nan_to_num(last["tipping"]))), 2)
    for end, style in (("", "-"), ("_low", ":"), ("_high", ":")):
        ax.plot(deltas, last[f"nps{end}"] - (1 - last["answered"]) * deltas, style, color=ACCENT)
    ax.axhline(reference, color=QUIET, linewidth=1, linestyle="--")
    ax.annotate(f"reference {reference:.1f}", (deltas[-1], reference), ha="right", va="bottom", color=QUIET)
    ax.set(xlabel="points by which those who did not answer would score lower", ylabel=f"{look.measure} of all invited")
    meets = (
        f"meets {reference:.1f} at {formatted(last['tipping'], 'points')} points" if last["tipping"] > 0 else "begins"
    )
    alt = f"Falling line of {look.measure} of all invited by how much lower the silent would score: from "
    alt += f"{formatted(last['nps'], 'points')}, it {meets}{'' if last['tipping'] > 0 else f' below {reference:.1f}'}."
    return figure(fig, name="silence", alt=alt, caption=caption, data=shown)


def dose(rows: Frame, total: Frame, look: Look, *, of: str, found: Mapping[str, float] | None = None) -> Html:
    """The score by how much of something customers met, and where it breaks."""
    if len(rows) < 2:
        return paragraphs([f"What it costs to be {of} cannot be said: no answer tells, or too few differ."])
    unit, broken = rows["unit"].iloc[0], ""
    if found is not None:
        at, low, high, broken = (*(found[name] for name in trio("break")), "; no break can be told")
        if pd.notna(at):
            where = "at the promise" if of == "late" and at <= 1 else f"after {at:.0f} days"
            broken = f"; the score breaks {where} (interval {low:.0f} to {high:.0f} days), "
            broken += f"{found['jump']:+.1f} points at once"
    return dots(
        rows, by=["dose"], value="nps", name=f"nps_by_{of}", what=f"{look.measure} by {unit}", columns=["dose", "n"],
        axis=f"{look.measure}, points, by {unit} when invited", mark=(float(total["nps"].iloc[0]), "all answers"),
        caption=f"{look.measure} by {unit} when invited, {look.period}{broken}.",
        heads={"nps": look.measure, "dose": unit},
    )  # fmt: skip


_TANGLED = 10  # variance inflation above which drivers are not ranked


def importance(rows: Frame, look: Look) -> Html:
    """What share of the scores' variance each failure explains."""
    if rows.empty:
        return paragraphs(["What explains the scores cannot be said: all answers are alike, or nothing went wrong."])
    tangled, warning = ", ".join(rows.loc[rows["vif"] > _TANGLED, "driver"]), ""
    if tangled:
        warning = f"; not ranked: {tangled} go with others (variance inflation above {_TANGLED})"
    caption = f"Importance, not cause ({rows['method'].iloc[0]}), {look.period}: all failures explain "
    caption += f"{_share(rows['importance'].sum())} of the variance; each interval {100 * look.confidence:g} % "
    return dots(
        rows, by=["driver"], value="importance", name="importance", axis="share of the scores' variance",
        what="share of the scores' variance that a failure explains",
        caption=f"{caption}(bootstrap over customers){warning}.", columns=["driver", "share", "vif"],
        heads={"driver": "failure", "share": "of what is explained", "importance": "of all variance"}
        | {"vif": "inflation"},
    )  # fmt: skip


def penalty_reward(rows: Frame, look: Look) -> Html:
    """What the low end of each driver takes away and its high end gives."""
    if rows.empty:
        return paragraphs(["What punishes and what delights cannot be said: all answers are alike, or too few."])
    caption = f"NPS points against the middle of each driver, {look.period}; each interval {100 * look.confidence:g} %;"
    caption += " a kind is named where the difference of the two is settled"
    heads = {"attribute": "driver", "n_low": "answers at the low end", "n_high": "at the high end"}
    columns = [*heads, *trio("penalty"), *trio("reward"), "kind"]
    return table(rows, name="penalty_reward", caption=caption, columns=columns, heads=heads)


def change(parts: Frame, look: Look) -> Html:
    """The parts of the change since the period before."""
    if parts.empty:
        return paragraphs(["Why the score changed cannot be said: there are no answers of the same kind before."])
    rest, whole = parts["points"].iloc[-2], parts["points"].iloc[-1]
    share = f"; the rest is {_share(abs(rest / whole))} of it" if abs(whole) >= 1 else ""
    caption = f"Change of {look.measure} from the period before to {look.period}{share}; each interval "
    caption += f"{100 * look.confidence:g} % (bootstrap over customers)"
    return table(parts, name="change", caption=caption, columns=["part", *trio("points")], total=True)


def cause(rows: Frame, look: Look) -> Html:
    """Effects of declared causes, beside the raw difference and the negative control."""
    if rows.empty:
        return paragraphs(["base.yaml declares no cause (causes:). With one, this section compares alike customers."])
    later = ", ".join(sorted(rows.loc[rows["declared_later"], "failure"].unique()))
    caption = f"Declared causes, {look.period}: ATT is the effect on those who met the failure, ATE on all; each "
    caption += (
        f"interval {100 * look.confidence:g} %{f'; declared later than the begin of the period: {later}' * bool(later)}"
    )
    counts = {"n_treated": "met it", "n_alone": "nobody alike", "note": "why not"}
    return table(
        rows, name="cause", caption=caption,
        columns=["failure", "estimand", *trio("effect"), *trio("lost"), "e_value", "e_value_limit", "n", *counts],
        heads={"estimand": "what", "effect": "points", "e_value": "E-value", "e_value_limit": "of the interval's end"}
        | counts,
    )  # fmt: skip


def decided(rows: Frame, look: Look) -> Html | None:
    """What operational changes did; nothing where none is on record for the period."""
    if rows.empty:
        return None
    caption = (
        f"Operational changes of decisions.yaml, {look.period}: where each holds against where it does not, after "
    )
    caption += (
        f"against before; each interval {100 * look.confidence:g} %, customers taken as independent. Placebo: the "
    )
    caption += "same before it began; away from 0 the two did not move alike, and nothing is concluded"
    columns = ["decision", "starts", "outcome", "n", *trio("effect"), *trio("placebo"), "verdict"]
    return table(rows, name="decided", caption=caption, columns=columns, heads={"n": "orders or answers"})


def withdrawn(rows: Frame, look: Look) -> Html | None:
    """Causes whose effect an archived revision told and which are declared no more; nothing where there is none."""
    if rows.empty:
        return None
    told = rows.assign(**{x: rows[y] for x, y in zip(trio("lost"), ["value", "low", "high"], strict=True)})
    caption = f"Causes that archived pages told and base.yaml declares no more, as of {look.as_of}"
    columns = ["treatment", "period", "revision", *trio("lost")]
    return table(told, name="withdrawn_causes", caption=caption, columns=columns)


def alike(rows: Frame, look: Look) -> Html | None:
    """Balance of the covariates that were farthest apart, before and after weighting; nothing without a cause."""
    if rows.empty:
        return None
    far = int((rows["smd_after"].abs() > 0.1).sum())
    farthest = rows.sort_values("smd_before", key=abs, ascending=False, kind="stable").head(SHOWN)
    caption = (
        f"Standardised mean differences between who met a failure and who did not, {look.period}: after weighting "
    )
    caption += (
        f"{far} of {len(rows)} are above 0.1; the {len(farthest)} farthest before it are shown. Overlap: share of "
    )
    caption += "those who met it whom somebody who did not was as likely to meet it"
    heads = {"smd_before": "before", "smd_after": "after", "overlap": "overlap"}
    return table(farthest, name="alike", caption=caption, columns=["failure", "covariate", *heads], heads=heads)


def worth(rows: Frame, look: Look) -> Html:
    """What customers bought after they answered, by what they answered."""
    if rows.empty:
        return paragraphs(["What a point is worth cannot be said: no answers of the period before can be followed."])
    hidden, effects = ~rows["settled"].astype(bool), trio("effect")
    told = rows.assign(**{name: rows[name].mask(hidden) for name in effects})
    told["note"] = told["note"].mask(hidden & rows["bought"].isna() & (told["note"] == ""), "not settled")
    caption = f"Bought in the {rows['days'].iloc[0]} days after an answer of the period before, {look.currency} a "
    caption += "customer; differences are adjusted for what was bought before, each interval "
    caption += f"{100 * look.confidence:g} %; no figure is given where it holds nothing"
    return table(
        told, name="worth", caption=caption, columns=["money", "what", "n", "n_customers", "bought", *effects, "note"],
        heads={"effect": "adjusted", "note": "note"}, kinds=dict.fromkeys(["bought", "effect"], "cents"),
    )  # fmt: skip


def nps_findings(
    total: Frame, costs: Frame, worst: int | None, scores: Frame, waiting: Frame, caused: Frame, worth: Frame,
    promised: Frame, look: Look, *, apart: Apart,
) -> Html:  # fmt: skip
    """The answers of the NPS report, in the slots of docs/METHODS.md section 2.12."""
    if total.empty:
        none = look.missing(_SURVEYS, gain="says what customers think and why")
        return paragraphs([none.text if none else f"Nobody answered in {look.period}."], role="findings")
    one, late, single = total.iloc[0], costs.iloc[0], costs.iloc[1:].reset_index(drop=True)
    n = f"n = {_n(one['n'])} answers of {_n(one['n_customers'])} customers"
    sentences = [f"{look.measure} of {look.period} was {look.estimate(one, 'nps', n)}."]
    if late["note"]:
        sentences.append(f"What late and overdue orders cost cannot be said: {late['note']}.")
    elif late["effect_low"] <= 0 <= late["effect_high"]:
        moved = look.estimate(late, "effect")
        sentences.append(f"Whether late and overdue orders move the score is not settled: {moved}, other things equal.")
    else:
        did, where, sign = ("took", "from", -1) if late["effect"] < 0 else ("added", "to", 1)
        ends = {"": "", "_low": "_high", "_high": "_low"} if sign < 0 else {end: end for end in ("", "_low", "_high")}
        size = {f"{x}{end}": sign * late[f"{x}{of}"] for x in ("effect", "lost") for end, of in ends.items()}
        sentences.append(
            f"Orders late or overdue when asked {did} {look.estimate(size, 'effect')} {where} the score of those who "
            f"met them, other things equal; with {_share(late['share'])} of answers, "
            f"{look.estimate(size, 'lost')} of all."
        )
    if worst is None:
        family = (single["note"] == "").sum()
        sentences.append(f"Which single failure costs most is not settled over a family of {family}.")
    else:
        top, family = single.iloc[worst], f"family of {costs['family'].max()}"
        loss = look.estimate(top, "lost", family)
        sentences.append(f"Largest loss by a single failure: {top['failure']}, {loss} of all.")
    sentences.append(apart_sentence(scores, apart, look, by=["segment"]))
    if waiting.empty:
        sentences.append("No answer came from an order that had not arrived, or too few to show.")
    else:
        row = waiting.iloc[0]
        sentences.append(
            f"{_n(row['n'])} answers ({_share(row['n'] / one['n'])}) came while the order had not arrived or was "
            f"cancelled; their {look.measure} is {look.estimate(row, 'nps')}."
        )
    return paragraphs([*sentences, _caused(caused, look), _worth(worth, look), _promised(promised)], role="findings")


def _caused(caused: Frame, look: Look) -> str:
    """What the first declared cause does to those who met it, and whether its control holds."""
    if caused.empty:
        return "Cause cannot be said: base.yaml declares no cause (causes:)."
    mine = caused[caused["failure"] == caused["failure"].iloc[0]]
    att, control = mine[mine["estimand"] == "ATT"].iloc[0], mine[mine["estimand"].str.startswith("ATT on ")]
    if att["note"]:
        return f"Whether {att['failure']} is a cause cannot be said: {att['note']}."
    said = f"Alike customers compared, {att['failure']} moved the score of those who met it by "
    said += look.estimate(att, "effect")
    said += ", a question declared later than the period's begin; " if att["declared_later"] else "; "
    if att["effect_low"] <= 0 <= att["effect_high"]:
        return said + "an effect is not settled."
    if len(control):
        row = control.iloc[0]
        said += f"its control, {row['estimand'].removeprefix('ATT on ')}, moved by "
        said += f"{formatted(row['effect'], 'points')} points, "
        chance = row["effect_low"] <= 0 <= row["effect_high"]
        said += "which may be chance; " if chance else "so that the comparison misses something; "
    strength = formatted(att["e_value_limit"], "times")
    return (
        f"{said}to explain it away, something unknown must move both {strength}-fold (E-value of the interval's end)."
    )


def _worth(worth: Frame, look: Look) -> str:
    """What a point of NPS is worth in money, or that it is not settled."""
    if worth.empty:
        return "What a point is worth cannot be said: no answers of the period before can be followed."
    row = worth[worth["what"].str.startswith("a point")].iloc[-1]
    if row["note"] or not row["settled"]:
        return f"What a point is worth is not settled ({row['money']}{f': {row.note}' if row['note'] else ''})."
    size = estimate(row, "effect", "money", look.confidence)
    per = f"{row['money']} per 1,000 customers in {row['days']} days"
    return f"A point of NPS goes with {look.currency} {size} of {per}: an association."


def _promised(rows: Frame) -> str:
    """How many promises were kept, and which were broken or not felt."""
    if rows.empty:
        return "Whether promises were kept cannot be said: targets.yaml holds none."
    names, told, named = rows["measure"].str.replace("_", " ") + " to " + _to(rows), [], ("broken", "kept but not felt")
    for verdict in ("kept", *named, "not settled", "too few to say"):
        those = names[rows["verdict"] == verdict]
        if len(those):
            told.append(f"{len(those)} {verdict}" + f" ({', '.join(those)})" * (verdict in named))
    return f"Of {len(rows)} promises: {'; '.join(told)}."

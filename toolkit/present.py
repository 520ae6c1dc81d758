"""How does a result look and read? Frame to table, figure with alt text, sentence; no calculation."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

TABLE_MIME = "application/vnd.tandem.table+json"
FIGURES_MIME = "application/vnd.tandem.figures+json"
INK, ACCENT, QUIET, WARN = "#1d2733", "#0b6e8f", "#6b7785", "#a8480b"
MISSING = "–"
_KINDS = ("text", "count", "cents", "money", "share", "points", "days", "times", "rate")


@dataclass(frozen=True)
class Html:
    """A piece of a page that JupyterLab shows as it will stand in the report."""

    html: str
    text: str
    mime: dict = field(default_factory=dict)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": self.html, "text/plain": self.text, **self.mime}


def table(
    frame: pd.DataFrame,
    *,
    name: str,
    caption: str,
    kinds: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    total: bool = False,
) -> Html:
    """A frame as an accessible table; the same rows go to ``tables/<name>.csv`` at full precision.

    Parameters
    ----------
    frame
        What to show; columns not in ``kinds`` are left out of table and file.
    name
        File name of the CSV, without ending.
    caption
        What the rows are and over which cohort.
    kinds
        For each column how it reads: text, count, cents (money to the cent), money (whole
        units), share (0-1 shown in per cent), points, days, times (two decimals), rate.
    labels
        Column heads, where the name with blanks for underscores does not do.
    total
        Is the last row a total?
    """
    wrong = sorted(set(kinds.values()) - set(_KINDS))
    assert not wrong, f"present.table {name}: no such kinds: {wrong}"
    shown, labels = frame[list(kinds)], labels or {}
    heads = {column: labels.get(column, column.replace("_", " ")) for column in kinds}
    lines = [f'<div class="wide" role="region" tabindex="0" aria-label="{html.escape(caption)}"><table>']
    lines.append(f"<caption>{html.escape(caption)}</caption><thead><tr>")
    lines += [f'<th scope="col"{_class(kind)}>{html.escape(heads[column])}</th>' for column, kind in kinds.items()]
    lines.append("</tr></thead><tbody>")
    for position, row in enumerate(shown.itertuples(index=False)):
        cells = []
        for value, (column, kind) in zip(row, kinds.items(), strict=True):
            text = html.escape(formatted(value, kind))
            head = kind == "text" and column == next(iter(kinds))
            cells.append(f'<th scope="row">{text}</th>' if head else f"<td{_class(kind)}>{text}</td>")
        last = ' class="total"' if total and position == len(shown) - 1 else ""
        lines.append(f"<tr{last}>{''.join(cells)}</tr>")
    if shown.empty:
        lines.append(f'<tr><td colspan="{len(kinds)}">no rows</td></tr>')
    lines.append("</tbody></table></div>")
    csv = shown.to_csv(index=False, lineterminator="\n")
    text = shown.to_string(index=False)
    return Html("".join(lines), f"{caption}\n{text}", {TABLE_MIME: {"name": name, "caption": caption, "csv": csv}})


def _class(kind: str) -> str:
    return "" if kind == "text" else ' class="number"'


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
    if kind == "times":
        return f"{float(value):z,.2f}"
    return f"{float(value):z,.1f}" if kind in ("points", "days") else f"{float(value):,.4g}"


def figure(fig: plt.Figure, *, name: str, alt: str, caption: str, data: Html) -> Html:
    """A drawing with its alternative text, caption, and its data behind a disclosure."""
    buffer = io.BytesIO()
    with plt.rc_context({"svg.hashsalt": "tandem", "svg.fonttype": "path"}):
        fig.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    plt.close(fig)
    image = base64.b64encode(buffer.getvalue()).decode()
    page = (
        f'<figure id="figure-{html.escape(name)}"><img alt="{html.escape(alt)}" '
        f'src="data:image/svg+xml;base64,{image}"><figcaption>{html.escape(caption)}</figcaption>'
        f"<details><summary>Data of this figure</summary>{data.html}</details></figure>"
    )
    return Html(page, alt, data.mime)


def paragraphs(sentences: Sequence[str], *, role: str = "note") -> Html:
    """Computed sentences, one paragraph each; ``role`` is ``note`` or ``findings``."""
    tag = "li" if role == "findings" else "p"
    inner = "".join(f"<{tag}>{html.escape(sentence)}</{tag}>" for sentence in sentences)
    body = f"<ol>{inner}</ol>" if role == "findings" else inner
    return Html(f'<div class="{role}">{body}</div>', "\n".join(sentences))


def key_figures(figures: pd.DataFrame) -> Html:
    """Key figures of a report for ``figures.parquet``; shown as a small table.

    ``figures``: ``figure_id``, ``definition_id`` (the METHODS section), ``cohort``, ``segment``,
    ``channel``, ``value``, ``low``, ``high``, ``n``, ``unit``.
    """
    columns = ["figure_id", "definition_id", "cohort", "segment", "channel", "value", "low", "high", "n", "unit"]
    records = figures[columns].astype(object).where(figures[columns].notna(), None).to_dict("records")
    kinds = dict.fromkeys(columns, "text") | dict.fromkeys(["value", "low", "high"], "rate") | {"n": "count"}
    shown = table(figures, name="key_figures", caption="Key figures kept for later periods", kinds=kinds)
    page = f"<details><summary>{len(records)} key figures kept for later periods</summary>{shown.html}</details>"
    return Html(page, shown.text, {FIGURES_MIME: records, **shown.mime})


def missing(unlocks: pd.DataFrame, needs: Mapping[str, Sequence[str]], *, gain: str) -> Html | None:
    """What a section lacks and what its reader would then see; None if nothing is lacking.

    Parameters
    ----------
    unlocks
        The frame ``unlocks``: tables and columns that the company did not bring.
    needs
        Tables that the section needs, each with its columns (none: just the table).
    gain
        What the reader would then see, as the end of a sentence.
    """
    absent = unlocks.set_index("table")["columns"]
    lacking = []
    for name, columns in needs.items():
        if name in absent.index:
            gone = [c for c in absent[name].split(", ") if c in columns]
            if absent[name] == "":
                lacking.append(f"the table {name}")
            elif gone:
                lacking.append(f"{name}.{', '.join(gone)}")
    if not lacking:
        return None
    return paragraphs([f"Not shown: this needs {' and '.join(lacking)}. With it, this section {gain}."])


def dots(
    rows: pd.DataFrame,
    *,
    by: Sequence[str],
    value: str,
    kind: str,
    name: str,
    axis: str,
    what: str,
    caption: str,
    kinds: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    mark: tuple[float, str] | None = None,
) -> Html:
    """Estimates with their intervals, a line a group, the first row on top; ends are told in the alt text.

    Parameters
    ----------
    rows
        ``by``, ``value``, ``<value>_low``, ``<value>_high``; rows without a value stand in the table only.
    by
        Columns that name a group.
    value, kind
        What is drawn, and how it reads (see ``table``).
    name, caption, kinds, labels
        Of the figure and of the table behind it.
    axis, what
        Label of the axis; what the dots are, for the alt text.
    mark
        A value to mark by a line, and its name.
    """
    drawn = rows.dropna(subset=[value]).iloc[::-1]
    names = drawn[list(by)].agg(", ".join, axis=1) if len(drawn) else pd.Series(dtype="str")
    size = 100 if kind == "share" else 1
    fig, ax = plt.subplots(figsize=(7.2, 0.8 + 0.3 * max(len(drawn), 2)))
    low, high, middle = (size * drawn[f"{value}{end}"].astype("float64") for end in ("_low", "_high", ""))
    ax.hlines(range(len(drawn)), low, high, color=ACCENT, linewidth=2)
    ax.plot(middle, range(len(drawn)), "o", color=ACCENT)
    ax.set_yticks(range(len(drawn)), names)
    if kind == "share":
        ax.xaxis.set_major_formatter(lambda tick, _: f"{tick:.0f} %")
    if mark:
        ax.axvline(size * mark[0], color=QUIET, linewidth=1, linestyle="--")
        ax.annotate(
            mark[1], (size * mark[0], 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", color=QUIET
        )
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(axis)
    ends = ""
    if len(drawn):
        least, most = middle.to_numpy().argmin(), middle.to_numpy().argmax()
        ends = "".join(
            f" {title}: {names.iloc[at]}, {formatted(drawn[value].iloc[at], kind)}."
            for title, at in (("Lowest", least), ("Highest", most))
        )
    marked = f" A line marks {mark[1]}, {formatted(mark[0], kind)}." if mark else ""
    shown = table(rows, name=name, caption=caption, kinds=kinds, labels=labels)
    alt = f"Dots with intervals: {what} for {len(drawn)} groups.{ends}{marked}"
    return figure(fig, name=name, alt=alt, caption=caption, data=shown)


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
    sns.set_theme(
        style="white",
        rc={
            "figure.figsize": (7.2, 3.8),
            "font.size": 11,
            "axes.edgecolor": QUIET,
            "axes.labelcolor": INK,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#e3e7eb",
            "axes.titlelocation": "left",
            "figure.facecolor": "white",
            "axes.prop_cycle": plt.cycler(color=[ACCENT, WARN, INK, QUIET]),
        },
    )


# -- pieces that every report has --------------------------------------------------------------


def row_account(account: pd.DataFrame, facts: pd.DataFrame) -> Html:
    """The rows a report stands on: read, taken out by each rule, left."""
    currency = facts["currency"].iloc[0]
    return table(
        account,
        name="row_account",
        caption=f"Orders placed in {facts['period'].iloc[0]}, known by {facts['as_of'].iloc[0]}",
        kinds={"rule": "text", "orders": "count", "lines": "count", "net_revenue": "cents", "freight": "cents"},
        labels={"net_revenue": f"net revenue ({currency})", "freight": f"freight ({currency})"},
    )


def between(low: float, high: float, kind: str, confidence: float) -> str:
    """``95 % interval 1.2 to 3.4 %`` as it stands in sentences.

    >>> between(0.012, 0.034, "share", 0.95)
    '95 % interval 1.2 to 3.4 %'
    """
    low_text = formatted(low, kind).removesuffix(" %")
    return f"{100 * confidence:g} % interval {low_text} to {formatted(high, kind)}"


# -- segment profile -----------------------------------------------------------------------------

_SURVEYS = {"surveys": ()}


def matrix(cells: pd.DataFrame, facts: pd.DataFrame, *, by: Sequence[str]) -> Html:
    """The segmentation matrix."""
    money = [column for column in ("net_revenue", "margin") if cells[column].notna().any()]
    kinds = dict.fromkeys(by, "text") | {"n_customers": "count", "n_orders": "count"} | dict.fromkeys(money, "money")
    return table(
        cells,
        name="segmentation_matrix",
        caption=f"Orders placed in {facts['period'].iloc[0]}, not cancelled, by {' and '.join(by)}; money in "
        f"{facts['currency'].iloc[0]}; late: of orders due in the period",
        kinds=kinds | {"serve_share": "share", "n_due": "count", "late_share": "share"},
        labels={
            "n_customers": "customers",
            "n_orders": "orders",
            "margin": "margin after cost to serve",
            "serve_share": "cost to serve of revenue",
            "n_due": "orders due",
            "late_share": "late",
        },
    )


def profile(who: pd.DataFrame, customers: pd.DataFrame, facts: pd.DataFrame, *, measure: str) -> Html:
    """Who the customers of each segment are; columns that nobody brought are left out."""
    kinds = {
        "segment": "text",
        "n_customers": "count",
        "customer_share": "share",
        "revenue_share": "share",
        "orders_each": "times",
        "basket": "money",
        "lines_each": "times",
        "known_days": "count",
        "age": "count",
        "household_size": "times",
        "card_share": "share",
        "nps": "points",
        "nps_low": "points",
        "nps_high": "points",
        "n_answers": "count",
    }
    shown = {column: kind for column, kind in kinds.items() if who[column].notna().any()}
    built_from = ", ".join(sorted(customers["built_from"].unique()))
    return table(
        who,
        name="profile",
        caption=f"Customers who ordered in {facts['period'].iloc[0]}, by segment (built from {built_from}); "
        f"money in {facts['currency'].iloc[0]}",
        kinds=shown,
        labels={
            "n_customers": "customers",
            "customer_share": "of all customers",
            "revenue_share": "of net revenue",
            "orders_each": "orders each",
            "basket": "revenue an order",
            "lines_each": "lines an order",
            "known_days": "known for (median days)",
            "age": "age (median)",
            "household_size": "household (median)",
            "card_share": "with a card",
            "nps": measure,
            "nps_low": "low",
            "nps_high": "high",
            "n_answers": "answers",
        },
    )


def preferences(
    farthest: pd.DataFrame, lifts: pd.DataFrame, unlocks: pd.DataFrame, facts: pd.DataFrame, *, confidence: float
) -> Html:
    """The categories that most mark a segment, up or down, as far as they are settled; or what it lacks."""
    lacking = missing(unlocks, _REVENUE, gain="shows what each segment buys more of than others")
    if lacking:
        return lacking
    settled, family = int(lifts["settled"].sum()), len(lifts)
    return dots(
        farthest,
        by=["segment", "category"],
        value="lift",
        kind="times",
        name="preferences",
        axis="share of the segment's revenue, by the share of all customers' revenue",
        what="how much more of a category a segment buys than all customers",
        mark=(1.0, "as all customers"),
        caption=f"What marks a segment in {facts['period'].iloc[0]}: {settled} of {family} categories of segments are "
        f"apart from all customers, the {len(farthest)} farthest are shown; "
        f"{_together(family, confidence, 'permutation')}.",
        kinds={"segment": "text", "category": "text", "n_buyers": "count", "share": "share", "share_of_all": "share"}
        | dict.fromkeys(["lift", "lift_low", "lift_high"], "times"),
        labels={"n_buyers": "buyers", "share": "of its revenue", "share_of_all": "of all revenue"},
    )


def rfm(
    groups: pd.DataFrame,
    unlocks: pd.DataFrame,
    facts: pd.DataFrame,
    *,
    built_from: Sequence[str],
    confidence: float,
) -> Html:
    """RFM groups before the period and what they did in it, descriptive only; or what it lacks."""
    lacking = missing(
        unlocks, _REVENUE, gain="groups customers by recency, frequency and value, and shows who came back"
    )
    if lacking or groups.empty:
        return lacking or paragraphs(["No order is known from before the period: there is nothing to group by."])
    return dots(
        groups,
        by=["rfm_group"],
        value="share",
        kind="share",
        name="rfm_groups",
        axis=f"ordered again in {facts['period'].iloc[0]}",
        what="share of customers who ordered again",
        caption=f"Customers by recency, frequency and value before {facts['first_day'].iloc[0]}; descriptive only: "
        f"groups are built from {' and '.join(built_from)}; {_together(len(groups), confidence)}; money in "
        f"{facts['currency'].iloc[0]}",
        kinds={"rfm_group": "text", "n": "count", "of_all": "share", "recency_days": "count", "n_orders": "count"}
        | {"net_revenue": "money"}
        | dict.fromkeys(["share", "share_low", "share_high"], "share"),
        labels={
            "rfm_group": "group",
            "n": "customers",
            "of_all": "of all",
            "recency_days": "days since last order (median)",
            "n_orders": "orders before (median)",
            "net_revenue": "revenue before (mean)",
            "share": "ordered again",
            "share_low": "low",
            "share_high": "high",
        },
    )


def segment_findings(
    who: pd.DataFrame,
    whole: pd.DataFrame,
    lifts: pd.DataFrame,
    marked: int | None,
    back: pd.DataFrame,
    scores: pd.DataFrame,
    unlocks: pd.DataFrame,
    facts: pd.DataFrame,
    *,
    apart: tuple[int | None, int | None],
    measure: str,
    confidence: float,
) -> Html:
    """The answers of the segment report, in the slots of docs/METHODS.md section 1.5."""
    period = facts["period"].iloc[0]
    if who.empty:
        return paragraphs([f"Nobody ordered in {period}."], role="findings")
    first, n = who.iloc[0], formatted(whole["n_customers"].iloc[0], "count")
    bought = (
        f"brings {formatted(first['revenue_share'], 'share')} of net revenue with "
        if pd.notna(first["revenue_share"])
        else "is the largest with "
    )
    sentences = [
        f"{n} customers ordered in {period}; {first['segment']} {bought}"
        f"{formatted(first['customer_share'], 'share')} of the customers."
    ]
    if lifts.empty:
        sentences.append("What marks a segment cannot be said: revenue by category is not known.")
    elif lifts["segment"].nunique() == 1:
        sentences.append("There is one segment only: nothing marks it against another.")
    elif marked is None:
        sentences.append(f"What marks a segment is not settled over a family of {len(lifts)} intervals.")
    else:
        top = lifts.iloc[marked]
        sentences.append(
            f"Most marked is {top['segment']} in {top['category'].replace('_', ' ')}: it spends "
            f"{estimate(top, 'lift', 'times', confidence, f'family of {len(lifts)}')} times the share of all customers."
        )
    if len(back):
        best, others = (
            f"{formatted(row['n'], 'count')} {name} {estimate(row, 'share', 'share', confidence)}"
            for name, (_, row) in zip(("best customers", "others"), back.iterrows(), strict=True)
        )
        sentences.append(
            f"Who ordered again: of the {best}, of the {others}. Descriptive: the groups are made of earlier orders."
        )
    else:
        few = "too few customers are known from before the period"
        why = "revenue is not known" if missing(unlocks, _REVENUE, gain="") else few
        sentences.append(f"Who comes back cannot be said: {why}.")
    sentences.append(_apart(scores, apart, measure, by=["segment"], confidence=confidence))
    return paragraphs(sentences, role="findings")


def _apart(
    scores: pd.DataFrame, apart: tuple[int | None, int | None], measure: str, *, by: Sequence[str], confidence: float
) -> str:
    """Which group's score lies above, and which below, all others."""
    if len(scores) < 2:
        why = "there are no answers" if scores.empty else "there is one group only"
        return f"{measure} by {' and '.join(by)} cannot be {'said' if scores.empty else 'compared'}: {why}."
    family = f"family of {len(scores)}"
    said = [
        f"{', '.join(scores.iloc[at][name] for name in by)} is {where} all others with "
        f"{estimate(scores.iloc[at], 'nps', 'points', confidence, family)}"
        for at, where in zip(apart, ("above", "below"), strict=True)
        if at is not None
    ]
    return (
        f"{measure} by {' and '.join(by)}: {'; '.join(said) if said else f'no difference is settled over a {family}'}."
    )


# -- NPS and the supply chain ----------------------------------------------------------------------


def answer_account(account: pd.DataFrame, unlocks: pd.DataFrame, facts: pd.DataFrame, *, measure: str) -> Html:
    """What each rule took out of the invitations, or what the section lacks."""
    lacking = missing(unlocks, _SURVEYS, gain="shows whom we asked and who answered")
    silent = "" if facts["unanswered_known"].iloc[0] else "; who was invited and did not answer is not on record"
    return lacking or table(
        account,
        name="answer_account",
        caption=f"Invitations of {facts['period'].iloc[0]}, answers known by {facts['as_of'].iloc[0]}{silent}",
        kinds={"rule": "text", "invitations": "count", "late_share": "share", "nps": "points"},
        labels={"late_share": "late in the end", "nps": measure},
    )


def exposures(groups: pd.DataFrame, unlocks: pd.DataFrame, facts: pd.DataFrame) -> Html:
    """Invitations by what the customer had met, or what the section lacks."""
    lacking = missing(unlocks, _SURVEYS, gain="shows what customers had met when they were asked")
    response = {"invited": "count", "answered_share": "share"} if facts["unanswered_known"].iloc[0] else {}
    return lacking or table(
        groups,
        name="exposures",
        caption=f"Invitations of {facts['period'].iloc[0]} by what had come of the order when they were sent",
        kinds={"exposure": "text", "n": "count"} | response | {"late_share": "share"},
        labels={"n": "answers", "answered_share": "answered", "late_share": "late in the end"},
    )


def nps_figure(
    scores: pd.DataFrame,
    total: pd.DataFrame,
    unlocks: pd.DataFrame,
    facts: pd.DataFrame,
    *,
    name: str,
    by: Sequence[str],
    measure: str,
    confidence: float,
    ranked: bool = True,
    above: pd.DataFrame | None = None,
) -> Html:
    """NPS by some columns with intervals that hold together; or what the section lacks.

    Where the groups are those of the scores ``above``, as when every segment has one channel, that is all it says.
    """
    lacking = missing(unlocks, _SURVEYS, gain="shows the NPS of each group")
    if lacking or scores.empty:
        return lacking or paragraphs([f"Nobody answered in {facts['period'].iloc[0]}."])
    if above is not None and sorted(zip(scores["n"], scores["nps"], strict=True)) == sorted(
        zip(above["n"], above["nps"], strict=True)
    ):
        return paragraphs([f"By {' and '.join(by)} the groups are the same as above."])
    rows = scores.sort_values("nps", ascending=False, ignore_index=True) if ranked else scores
    return dots(
        rows,
        by=by,
        value="nps",
        kind="points",
        name=name,
        axis=f"{measure}, points",
        what=measure,
        mark=(float(total["nps"].iloc[0]), "all answers"),
        caption=f"{measure} by {' and '.join(by)}, {facts['period'].iloc[0]}, n = "
        f"{formatted(rows['n'].min(), 'count')} to {formatted(rows['n'].max(), 'count')} answers a group; "
        f"{_together(len(rows), confidence)}.",
        kinds=dict.fromkeys(by, "text")
        | {"n": "count", "n_customers": "count", "promoters": "share", "detractors": "share"}
        | dict.fromkeys(["nps", "nps_low", "nps_high"], "points"),
        labels={"n": "answers", "n_customers": "customers", "nps": measure, "nps_low": "low", "nps_high": "high"},
    )


def star_maps(scores: pd.DataFrame) -> Html | None:
    """The total under both maps from stars to promoters; nothing where the real question was asked."""
    if len(scores) < 2:
        return None
    return table(
        scores,
        name="star_maps",
        caption="The same answers under both common maps: stars stand in for the NPS question and are not it",
        kinds={"measure": "text", "n": "count"} | dict.fromkeys(["nps", "nps_low", "nps_high"], "points"),
        labels={"n": "answers", "nps": "points", "nps_low": "low", "nps_high": "high"},
    )


def failures(costs: pd.DataFrame, unlocks: pd.DataFrame, facts: pd.DataFrame, *, confidence: float) -> Html:
    """What each failure costs in NPS points of those who met it, other things equal; or what it lacks."""
    lacking = missing(unlocks, _SURVEYS, gain="shows what each failure costs in NPS points")
    if lacking:
        return lacking
    n, family = costs["n_model"].iloc[0], costs["family"].max()
    kinds = {"failure": "text", "n": "count", "share": "share"}
    kinds |= dict.fromkeys(["effect", "effect_low", "effect_high", "lost", "lost_low", "lost_high"], "points")
    caption = (
        f"Effect in NPS points on those who met a failure, {facts['period'].iloc[0]}, other things equal, from "
        f"{formatted(n, 'count')} answers; the {family} intervals of single failures hold together with "
        f"{100 * confidence:g} % confidence (Bonferroni), that of the first row stands alone. Lost: effect x share."
    )
    free = costs.get("effect_free", pd.Series(dtype="float64")).dropna()
    if len(free):
        caption += f" Without proportional odds the first row's effect is {formatted(free.iloc[0], 'points')} points."
    labels = {"n": "answers", "effect_low": "low", "effect_high": "high", "lost": "points lost in all"}
    labels |= {"lost_low": "low ", "lost_high": "high ", "note": "why there is no figure"}
    if costs["effect"].isna().all():
        return table(costs, name="failures", caption=caption, kinds=kinds | {"note": "text"}, labels=labels)
    return dots(
        costs,
        by=["failure"],
        value="effect",
        kind="points",
        name="failures",
        axis="NPS points of those who met it",
        what="effect of a failure in NPS points",
        mark=(0.0, "no effect"),
        caption=caption,
        kinds=kinds | {"note": "text"},
        labels=labels,
    )


def nps_findings(
    total: pd.DataFrame,
    costs: pd.DataFrame,
    worst: int | None,
    scores: pd.DataFrame,
    waiting: pd.DataFrame,
    caused: pd.DataFrame,
    worth: pd.DataFrame,
    promised: pd.DataFrame,
    unlocks: pd.DataFrame,
    facts: pd.DataFrame,
    *,
    apart: tuple[int | None, int | None],
    measure: str,
    confidence: float,
) -> Html:
    """The answers of the NPS report, in the slots of docs/METHODS.md section 2.12."""
    period = facts["period"].iloc[0]
    if total.empty:
        none = missing(unlocks, _SURVEYS, gain="says what customers think and why")
        return paragraphs([none.text if none else f"Nobody answered in {period}."], role="findings")
    one, late, single = total.iloc[0], costs.iloc[0], costs.iloc[1:].reset_index(drop=True)
    n = f"n = {formatted(one['n'], 'count')} answers of {formatted(one['n_customers'], 'count')} customers"
    sentences = [f"{measure} of {period} was {estimate(one, 'nps', 'points', confidence, n)}."]
    if late["note"]:
        sentences.append(f"What late and overdue orders cost cannot be said: {late['note']}.")
    elif late["effect_low"] <= 0 <= late["effect_high"]:
        moved = estimate(late, "effect", "points", confidence)
        sentences.append(f"Whether late and overdue orders move the score is not settled: {moved}, other things equal.")
    else:
        did, sign = ("took", -1) if late["effect"] < 0 else ("added", 1)
        low, high = ("_high", "_low") if sign < 0 else ("_low", "_high")
        size = {
            f"{name}{end}": sign * late[f"{name}{of}"]
            for name in ("effect", "lost")
            for end, of in (("", ""), ("_low", low), ("_high", high))
        }
        sentences.append(
            f"Orders late or overdue when asked {did} {estimate(size, 'effect', 'points', confidence)} "
            f"{'from' if sign < 0 else 'to'} the score of those who met them, other things equal; with "
            f"{formatted(late['share'], 'share')} of answers, {estimate(size, 'lost', 'points', confidence)} of all."
        )
    known, family = int((single["note"] == "").sum()), costs["family"].max()
    if worst is None:
        sentences.append(f"Which single failure costs most is not settled over a family of {known}.")
    else:
        top = single.iloc[worst]
        sentences.append(
            f"Largest loss by a single failure: {top['failure']}, "
            f"{estimate(top, 'lost', 'points', confidence, f'family of {family}')} of all."
        )
    sentences.append(_apart(scores, apart, measure, by=["segment"], confidence=confidence))
    if waiting.empty:
        sentences.append("No answer came from an order that had not arrived, or too few to show.")
    else:
        row = waiting.iloc[0]
        count, part = formatted(row["n"], "count"), formatted(row["n"] / one["n"], "share")
        sentences.append(
            f"{count} answers ({part}) came while the order had not arrived or was cancelled; their {measure} is "
            f"{estimate(row, 'nps', 'points', confidence)}."
        )
    sentences += [_caused(caused, confidence), _worth(worth, facts, confidence), _promised(promised)]
    return paragraphs(sentences, role="findings")


def _caused(caused: pd.DataFrame, confidence: float) -> str:
    """What the first declared cause does to those who met it, and whether its control holds."""
    if caused.empty:
        return "Cause cannot be said: base.yaml declares no cause (causes:)."
    mine = caused[caused["failure"] == caused["failure"].iloc[0]]
    att, control = mine[mine["estimand"] == "ATT"].iloc[0], mine[mine["estimand"].str.startswith("ATT on ")]
    later = ", a question declared later than the period's begin" if att["declared_later"] else ""
    if att["note"]:
        return f"Whether {att['failure']} is a cause cannot be said: {att['note']}."
    said = f"Alike customers compared, {att['failure']} moved the score of those who met it by "
    said += f"{estimate(att, 'effect', 'points', confidence)}{later}; "
    if att["effect_low"] <= 0 <= att["effect_high"]:
        return said + "an effect is not settled."
    if len(control):
        row = control.iloc[0]
        touched = not row["effect_low"] <= 0 <= row["effect_high"]
        moved = formatted(row["effect"], "points")
        said += f"its control, {row['estimand'].removeprefix('ATT on ')}, moved by {moved} points"
        said += ", so that the comparison misses something; " if touched else ", which may be chance, as it should; "
    strength = formatted(att["e_value_limit"], "times")
    return (
        said + f"to explain it away, something unknown must move both {strength}-fold (E-value of the interval's end)."
    )


def _worth(worth: pd.DataFrame, facts: pd.DataFrame, confidence: float) -> str:
    """What a point of NPS is worth in money, or that it is not settled."""
    if worth.empty:
        return "What a point is worth cannot be said: no answers of the period before can be followed."
    row = worth[worth["what"].str.startswith("a point")].iloc[-1]
    if row["note"] or not row["settled"]:
        return f"What a point is worth is not settled ({row['money']}{': ' + row['note'] if row['note'] else ''})."
    return (
        f"A point of NPS goes with {facts['currency'].iloc[0]} {estimate(row, 'effect', 'money', confidence)} of "
        f"{row['money']} per 1,000 customers in {row['days']} days: an association."
    )


def performance(
    rows: pd.DataFrame,
    unlocks: pd.DataFrame,
    facts: pd.DataFrame,
    choices: Mapping[str, str],
    *,
    by: str,
    confidence: float,
) -> Html:
    """On time and in full by a column, with the choices that it stands on; or what it lacks."""
    needs = {"deliveries": ("promised_by", "delivered_at")}
    lacking = missing(unlocks, needs, gain="shows whether promises were kept")
    if lacking or rows.empty:
        return lacking or paragraphs([f"No promise fell due in {facts['period'].iloc[0]}, or too few to show."])
    if len(rows) == 1 and by != "segment":
        return paragraphs([f"All orders due in {facts['period'].iloc[0]} have one {by}: {rows[by].iloc[0]}."])
    known = rows["otif"].notna().any()
    value, what = ("otif", "on time and in full") if known else ("on_time", "on time")
    said = "; ".join(f"{name}: {choice}" for name, choice in choices.items()) if known else ""
    said = (
        said or "what was delivered of a line is not recorded, so that in full, perfect and fill rates cannot be told"
    )
    shares = ["on_time", "in_full", "otif", "otif_low", "otif_high", "perfect", "line_fill", "unit_fill", "early"]
    shares = (
        [name for name in shares if rows[name].notna().any()] if known else ["on_time", "on_time_low", "on_time_high"]
    )
    labels = {by: by.replace("fulfilment", "way"), "n": "orders due", "n_customers": "customers", "otif": "OTIF"}
    labels |= {
        f"{value}_low": "low",
        f"{value}_high": "high",
        "perfect": "perfect orders",
        "line_fill": "lines in full",
    }
    told = rows.assign(**{by: rows[by].str.replace("_", " ")}).sort_values(value, kind="stable", ignore_index=True)
    return dots(
        told,
        by=[by],
        value=value,
        kind="share",
        name=f"service_by_{by}",
        axis=f"{what}, orders due in the period",
        what=what,
        caption=f"Promises due in {facts['period'].iloc[0]}; {what}: {said}; {_together(len(rows), confidence)}.",
        kinds={by: "text", "n": "count", "n_customers": "count"} | dict.fromkeys(shares, "share"),
        labels=labels | {"unit_fill": "pieces delivered", "early": "before the window"},
    )


def cycle_time(times: pd.DataFrame, facts: pd.DataFrame) -> Html | None:
    """Days from order to arrival by segment; nothing where no promise fell due."""
    if times.empty:
        return None
    return table(
        times,
        name="cycle_time",
        caption=f"Days from order to arrival, promises due in {facts['period'].iloc[0]}; what has not arrived by "
        f"{facts['as_of'].iloc[0]} counts as still under way (Kaplan-Meier)",
        kinds={"segment": "text", "n": "count", "n_open": "count", "median_days": "days", "p95_days": "days"},
        labels={
            "n": "orders",
            "n_open": "not there",
            "median_days": "half within (days)",
            "p95_days": "19 of 20 within",
        },
    )


def promise_accuracy(classes: pd.DataFrame, facts: pd.DataFrame) -> Html | None:
    """How far from the promise orders arrived; nothing where no promise fell due."""
    if classes.empty:
        return None
    return table(
        classes,
        name="promise_accuracy",
        caption=f"Arrival against the end of the promised window, promises due in {facts['period'].iloc[0]}",
        kinds={"arrival": "text", "n": "count", "share": "share"},
        labels={"n": "orders", "share": "of all"},
    )


def ways(rows: pd.DataFrame, facts: pd.DataFrame) -> Html:
    """Ways of acquiring: adoption, growth, basket, who comes back, who is new and who switched."""
    if rows.empty:
        return paragraphs([f"No order was placed in {facts['period'].iloc[0]}, or too few to show."])
    kinds = {"fulfilment": "text", "n_customers": "count", "adoption": "share", "n": "count", "growth": "share"}
    kinds |= {"basket": "cents", "repeat": "share", "new": "count", "switched": "count"}
    return table(
        rows.assign(fulfilment=rows["fulfilment"].str.replace("_", " ")),
        name="ways",
        caption=f"Ways of acquiring, orders placed in {facts['period'].iloc[0]}, not cancelled; growth against the "
        f"period before; revenue in {facts['currency'].iloc[0]}",
        kinds={name: kind for name, kind in kinds.items() if rows[name].notna().any()},
        labels={"fulfilment": "way", "n_customers": "customers", "adoption": "of all customers", "n": "orders"}
        | {"basket": "revenue an order", "repeat": "came twice", "new": "new customers", "switched": "switched to it"},
    )


def suppliers(rows: pd.DataFrame, unlocks: pd.DataFrame, facts: pd.DataFrame, *, confidence: float) -> Html:
    """Lead times and reliability of suppliers; or what the section lacks."""
    lacking = missing(unlocks, {"supplier_receipts": ()}, gain="shows which supplier is late, short or getting worse")
    if lacking or rows.empty:
        return lacking or paragraphs([f"No purchase order was promised for {facts['period'].iloc[0]}."])
    named = rows.assign(supplier=rows["supplier"] + rows["own"].map({True: " (own)", False: ""}))
    kinds = {"supplier": "text", "n": "count", "n_lines": "count", "n_open": "count"}
    kinds |= dict.fromkeys(["lead_days", "lead_sd", "lead_p95"], "days") | {"on_time": "share", "in_full": "share"}
    return table(
        named,
        name="suppliers",
        caption=f"Purchase orders due in {facts['period'].iloc[0]}, shares of lines; {int(rows['settled'].sum())} "
        f"of {len(rows)} have changed on time against the 3 periods' length before; {_together(len(rows), confidence)}",
        kinds=kinds | dict.fromkeys(["on_time_before", "trend", "trend_low", "trend_high"], "share"),
        labels={"n": "orders", "n_lines": "lines", "n_open": "lines not there", "lead_days": "lead time (days, mean)"}
        | {"lead_sd": "SD", "lead_p95": "95 %", "on_time_before": "on time before", "trend": "change"}
        | {"trend_low": "low", "trend_high": "high"},
    )


def promises(rows: pd.DataFrame, facts: pd.DataFrame, *, confidence: float) -> Html:
    """The promises of targets.yaml: kept, broken, kept but not felt."""
    if rows.empty:
        return paragraphs(
            ["No promise is on record: targets.yaml (promises:) would say what each segment was promised."]
        )
    points = rows["measure"] == "nps"
    shown = rows.assign(promise=rows["measure"].str.replace("_", " "))
    shown["to"] = (rows["segment"] + " " + rows["channel"]).str.strip().replace("", "all")
    shown["felt_at_least"] = shown["felt_at_least"].mask(shown["felt"] == "")
    for name in ("at_least", "value", "value_low", "value_high"):  # a share reads in per cent, a score in points
        shown[name] = [formatted(x, "points" if of else "share") for x, of in zip(rows[name], points, strict=True)]
    columns = ["promise", "to", "at_least", "value", "value_low", "value_high"]
    return table(
        shown,
        name="promises",
        caption=f"Promises of targets.yaml against what was delivered in {facts['period'].iloc[0]}; felt: content "
        f"answers to the item named; {_together(len(rows), confidence)}",
        kinds=dict.fromkeys(columns, "text")
        | {"n": "count", "felt": "text", "felt_share": "share", "felt_at_least": "share", "verdict": "text"},
        labels={"value": "delivered", "value_low": "low", "value_high": "high", "felt": "item", "felt_share": "felt"}
        | {"felt_at_least": "felt at least", "n": "orders or answers"},
    )


def _promised(rows: pd.DataFrame) -> str:
    """How many promises were kept, and which were broken or not felt."""
    if rows.empty:
        return "Whether promises were kept cannot be said: targets.yaml holds none."
    counts = rows["verdict"].value_counts()
    to = (rows["segment"] + " " + rows["channel"]).str.strip().replace("", "all")
    names = rows["measure"].str.replace("_", " ") + " to " + to
    told = [
        f"{counts[verdict]} {verdict}"
        + (f" ({', '.join(names[rows['verdict'] == verdict])})" if verdict in _BAD else "")
        for verdict in ("kept", *_BAD, "not settled", "too few to say")
        if verdict in counts
    ]
    return f"Of {len(rows)} promises: {'; '.join(told)}."


_BAD = ("broken", "kept but not felt")


def comparisons(pairs: pd.DataFrame, facts: pd.DataFrame, *, measure: str, confidence: float) -> Html | None:
    """The settled differences between segments, largest first; nothing where there is one segment."""
    if pairs.empty:
        return None
    settled = pairs[pairs["settled"]].sort_values("difference", key=abs, ascending=False, kind="stable")
    caption = (
        f"Differences of {measure} between segments, {facts['period'].iloc[0]}: {len(settled)} of "
        f"{pairs['family'].iloc[0]} pairs are settled (Benjamini-Hochberg at {1 - confidence:.0%}), the largest "
        f"{min(len(settled), _SHOWN)} are shown; their intervals keep the false coverage rate"
    )
    kinds = {"group_a": "text", "group_b": "text", "p_adjusted": "rate"}
    kinds |= dict.fromkeys(["difference", "difference_low", "difference_high"], "points")
    labels = {"group_a": "segment", "group_b": "against", "difference_low": "low", "difference_high": "high"}
    labels["p_adjusted"] = "adjusted p"
    return table(settled.head(_SHOWN), name="comparisons", caption=caption, kinds=kinds, labels=labels)


_SHOWN = 15  # rows of a long list that a page shows


def silence(found: pd.DataFrame, facts: pd.DataFrame, *, reference: float, measure: str) -> Html:
    """The score weighted for who answered, and how different the others would have to be."""
    if found.empty:
        return paragraphs(["Who was invited and did not answer is not on record: nothing can be weighted."])
    one = found.iloc[0]
    caption = (
        f"{measure} of {facts['period'].iloc[0]}: {formatted(one['answered'], 'share')} of those invited answered, "
        f"representativity {formatted(one['representativity'], 'times')} (1: like all invited). Tipping point: by "
        f"how many points the others would have to score lower for the score of all to fall to {reference:.1f}, "
        "that of the period before or 0"
    )
    kinds = {"what": "text", "n": "count", "n_effective": "count"}
    kinds |= dict.fromkeys(["nps", "nps_low", "nps_high", "tipping"], "points")
    labels = {"what": "answers", "n_effective": "worth (answers)", "nps": measure, "nps_low": "low", "nps_high": "high"}
    return table(found, name="silence", caption=caption, kinds=kinds, labels=labels | {"tipping": "tipping point"})


def lateness(
    days: pd.DataFrame, found: Mapping[str, float], total: pd.DataFrame, facts: pd.DataFrame, *, measure: str
) -> Html:
    """The score by days late when invited, and where it breaks."""
    if len(days) < 2:
        return paragraphs(["No answer is from a late order, or too few: what a day costs cannot be said."])
    at, low, high = (found[name] for name in ("break", "break_low", "break_high"))
    broken = "no break can be told"
    if pd.notna(at):
        where = "at the promise" if at <= 1 else f"after {at:.0f} days"
        broken = (
            f"the score breaks {where} (interval {low:.0f} to {high:.0f} days), {found['jump']:+.1f} points at once"
        )
    return dots(
        days,
        by=["days_late"],
        value="nps",
        kind="points",
        name="nps_by_lateness",
        axis=f"{measure}, points, by days late when invited",
        what=f"{measure} by days late",
        mark=(float(total["nps"].iloc[0]), "all answers"),
        caption=f"{measure} by days late when invited, {facts['period'].iloc[0]}; {broken}.",
        kinds={"days_late": "text", "n": "count"} | dict.fromkeys(["nps", "nps_low", "nps_high"], "points"),
        labels={"days_late": "days late", "n": "answers", "nps": measure, "nps_low": "low", "nps_high": "high"},
    )


def importance(rows: pd.DataFrame, facts: pd.DataFrame, *, confidence: float) -> Html:
    """What share of the scores' variance each failure explains."""
    if rows.empty:
        return paragraphs(["What explains the scores cannot be said: all answers are alike, or nothing went wrong."])
    tangled = rows[rows["vif"] > _TANGLED]
    warning = ""
    if len(tangled):
        warning = f"; not ranked: {', '.join(tangled['driver'])} go with others (variance inflation above {_TANGLED})"
    return dots(
        rows,
        by=["driver"],
        value="importance",
        kind="share",
        name="importance",
        axis="share of the scores' variance",
        what="share of the scores' variance that a failure explains",
        caption=f"Importance, not cause ({rows['method'].iloc[0]}), {facts['period'].iloc[0]}: all failures explain "
        f"{formatted(rows['importance'].sum(), 'share')} of the variance; each interval {100 * confidence:g} % "
        f"(bootstrap over customers){warning}.",
        kinds={"driver": "text", "share": "share", "vif": "times"}
        | dict.fromkeys(["importance", "importance_low", "importance_high"], "share"),
        labels={
            "driver": "failure",
            "share": "of what is explained",
            "importance": "of all variance",
            "vif": "inflation",
        }
        | {"importance_low": "low", "importance_high": "high"},
    )


_TANGLED = 10  # variance inflation above which drivers are not ranked


def penalty_reward(rows: pd.DataFrame, facts: pd.DataFrame, *, confidence: float) -> Html:
    """What the low end of each driver takes away and its high end gives."""
    if rows.empty:
        return paragraphs(["What punishes and what delights cannot be said: all answers are alike, or too few."])
    ends = [f"{name}{end}" for name in ("penalty", "reward") for end in ("", "_low", "_high")]
    return table(
        rows,
        name="penalty_reward",
        caption=f"NPS points against the middle of each driver, {facts['period'].iloc[0]}; each interval "
        f"{100 * confidence:g} %; a kind is named where the difference of the two is settled",
        kinds={"attribute": "text", "n_low": "count", "n_high": "count"}
        | dict.fromkeys(ends, "points")
        | {"kind": "text"},
        labels={"attribute": "driver", "n_low": "answers at the low end", "n_high": "at the high end"}
        | {"penalty_low": "low", "penalty_high": "high", "reward_low": "low ", "reward_high": "high "},
    )


def change(parts: pd.DataFrame, facts: pd.DataFrame, *, measure: str, confidence: float) -> Html:
    """The parts of the change since the period before."""
    if parts.empty:
        return paragraphs(["Why the score changed cannot be said: there are no answers of the same kind before."])
    rest, whole = parts["points"].iloc[-2], parts["points"].iloc[-1]
    share = f"; the rest is {formatted(abs(rest / whole), 'share')} of it" if abs(whole) >= 1 else ""
    return table(
        parts,
        name="change",
        caption=f"Change of {measure} from the period before to {facts['period'].iloc[0]}{share}; each interval "
        f"{100 * confidence:g} % (bootstrap over customers)",
        kinds={"part": "text"} | dict.fromkeys(["points", "points_low", "points_high"], "points"),
        labels={"points_low": "low", "points_high": "high"},
        total=True,
    )


def cause(rows: pd.DataFrame, facts: pd.DataFrame, *, confidence: float) -> Html:
    """Effects of declared causes, beside the raw difference and the negative control."""
    if rows.empty:
        return paragraphs(["base.yaml declares no cause (causes:). With one, this section compares alike customers."])
    points = [f"{name}{end}" for name in ("effect", "lost") for end in ("", "_low", "_high")]
    later = sorted(rows.loc[rows["declared_later"], "failure"].unique())
    said = f"; declared later than the period's begin: {', '.join(later)}" if later else ""
    return table(
        rows,
        name="cause",
        caption=f"Declared causes, {facts['period'].iloc[0]}: ATT is the effect on those who met the failure, ATE "
        f"on all; each interval {100 * confidence:g} %{said}",
        kinds={"failure": "text", "estimand": "text"}
        | dict.fromkeys(points, "points")
        | {"e_value": "times", "e_value_limit": "times", "n": "count", "n_treated": "count", "n_alone": "count"}
        | {"note": "text"},
        labels={"estimand": "what", "effect": "points", "effect_low": "low", "effect_high": "high", "n": "answers"}
        | {"lost": "points lost in all", "lost_low": "low ", "lost_high": "high ", "e_value": "E-value"}
        | {
            "e_value_limit": "of the interval's end",
            "n_treated": "met it",
            "n_alone": "nobody alike",
            "note": "why not",
        },
    )


def alike(rows: pd.DataFrame, facts: pd.DataFrame) -> Html | None:
    """Balance of the covariates that were farthest apart, before and after weighting; nothing without a cause."""
    if rows.empty:
        return None
    far = int((rows["smd_after"].abs() > 0.1).sum())
    farthest = rows.sort_values("smd_before", key=abs, ascending=False, kind="stable").head(_SHOWN)
    return table(
        farthest,
        name="alike",
        caption=f"Standardised mean differences between who met a failure and who did not, "
        f"{facts['period'].iloc[0]}: after weighting {far} of {len(rows)} are above 0.1; the {len(farthest)} farthest "
        "before it are shown. Overlap: share of those who met it whom somebody who did not was as likely to meet it",
        kinds={"failure": "text", "covariate": "text", "smd_before": "times", "smd_after": "times", "overlap": "share"},
        labels={"smd_before": "before", "smd_after": "after"},
    )


def worth(rows: pd.DataFrame, facts: pd.DataFrame, *, confidence: float) -> Html:
    """What customers bought after they answered, by what they answered."""
    if rows.empty:
        return paragraphs(["What a point is worth cannot be said: no answers of the period before can be followed."])
    effects = ["effect", "effect_low", "effect_high"]
    hidden = ~rows["settled"].astype(bool)
    told = rows.assign(**{name: rows[name].mask(hidden) for name in effects})
    compared = hidden & rows["bought"].isna()
    told["note"] = told["note"].mask(compared & (told["note"] == ""), "not settled")
    return table(
        told,
        name="worth",
        caption=f"Bought in the {rows['days'].iloc[0]} days after an answer of the period before, "
        f"{facts['currency'].iloc[0]} a customer; differences are adjusted for what was bought before, each "
        f"interval {100 * confidence:g} %; no figure is given where it holds nothing",
        kinds={"money": "text", "what": "text", "n": "count", "n_customers": "count", "bought": "cents"}
        | dict.fromkeys(effects, "cents")
        | {"note": "text"},
        labels={
            "n": "answers",
            "n_customers": "customers",
            "effect": "adjusted",
            "effect_low": "low",
            "effect_high": "high",
        },
    )


# -- cost-to-serve -----------------------------------------------------------------------------

_NO_COST = (
    "What serving costs cannot be said: no freight (deliveries.freight_cost), no work (activities) and no assumption "
    "(handling, in cost.yaml) is known."
)
_NO_REVENUE = "What serving takes out of revenue, and who earns the profit, cannot be said: revenue is not known."
_LEDGER = {"ledger": (), "resource_pools": (), "activities": ()}
_PROFIT = {"order_lines": ("net_revenue", "cost_of_goods")}
_REVENUE = {"order_lines": ("net_revenue",)}


def ledger_tie(tie: pd.DataFrame, unlocks: pd.DataFrame, facts: pd.DataFrame) -> Html:
    """The tie-out of the ledger by pool, or what would unlock it."""
    lacking = missing(unlocks, _LEDGER, gain="shows where every posted cent of the ledger stands")
    if lacking:
        return lacking
    return table(
        tie,
        name="ledger_tie_out",
        caption=f"Ledger of {facts['period'].iloc[0]} by cost pool, {facts['currency'].iloc[0]}",
        kinds={"pool": "text"} | dict.fromkeys(["posted", "allocated", "unused", "unassigned", "difference"], "cents"),
        total=True,
    )


def capacity(pools: pd.DataFrame, unlocks: pd.DataFrame, facts: pd.DataFrame) -> Html:
    """Rate, time used and time unused of each pool, or what would unlock it."""
    lacking = missing(unlocks, _LEDGER, gain="shows each pool's cost per minute and its unused capacity")
    if lacking:
        return lacking
    return table(
        pools,
        name="capacity",
        caption=f"Capacity of each cost pool in {facts['period'].iloc[0]}",
        kinds={"pool": "text", "minutes": "count", "used_minutes": "count", "used_share": "share", "rate": "rate"},
        labels={
            "minutes": "practical capacity (minutes)",
            "used_minutes": "used (minutes)",
            "used_share": "used",
            "rate": f"{facts['currency'].iloc[0]} per minute",
        },
    )


def serve_costs(costs: pd.DataFrame, facts: pd.DataFrame, *, name: str, by: Sequence[str]) -> Html:
    """Revenue and cost to serve by some columns."""
    money = ["net_revenue", "cost_of_goods", "freight", "handling", "cost_to_serve", "margin"]
    money = [column for column in money if costs[column].notna().any()]
    kinds = dict.fromkeys(by, "text") | {"n_orders": "count", "n_customers": "count"}
    return table(
        costs,
        name=name,
        caption=f"Orders placed in {facts['period'].iloc[0]}, not cancelled, by {' and '.join(by) or 'nothing'}; "
        f"money in {facts['currency'].iloc[0]}",
        kinds=kinds | dict.fromkeys(money, "money") | {"serve_share": "share"},
        labels={
            "n_orders": "orders",
            "n_customers": "customers",
            "serve_share": "cost to serve of revenue",
        },
    )


def serve_figure(
    shares: pd.DataFrame, unlocks: pd.DataFrame, facts: pd.DataFrame, *, by: Sequence[str], confidence: float
) -> Html:
    """Cost to serve as a share of revenue, one row a group, with intervals that hold together; or what it lacks."""
    lacking = missing(unlocks, _REVENUE, gain="shows what serving takes out of each unit of revenue")
    if lacking:
        return lacking
    if (shares["ratio"].fillna(0) == 0).all():
        return paragraphs([_NO_COST])
    ordered = shares.dropna(subset=["ratio"]).sort_values("ratio", ascending=False, ignore_index=True)
    return dots(
        ordered,
        by=by,
        value="ratio",
        kind="share",
        name="serve_share",
        axis="cost to serve, share of net revenue",
        what="cost to serve as a share of net revenue",
        caption=f"Cost to serve by {' and '.join(by)}, n = {formatted(ordered['n'].min(), 'count')} to "
        f"{formatted(ordered['n'].max(), 'count')} customers a group; {_together(len(ordered), confidence)}.",
        kinds=dict.fromkeys(by, "text") | {"n": "count", "ratio": "share", "ratio_low": "share", "ratio_high": "share"},
        labels={"n": "customers", "ratio": "share", "ratio_low": "low", "ratio_high": "high"},
    )


def _together(n: int, confidence: float, how: str = "Bonferroni") -> str:
    return f"the {n} intervals hold together with {100 * confidence:g} % confidence ({how})"


def whale(steps: pd.DataFrame, summary: pd.DataFrame, unlocks: pd.DataFrame, facts: pd.DataFrame) -> Html:
    """The whale curve in steps of customers, or what would unlock it."""
    lacking = missing(unlocks, _PROFIT, gain="shows which customers earn the profit and which consume it")
    if lacking:
        return lacking
    one, currency = summary.iloc[0], facts["currency"].iloc[0]
    fig, ax = plt.subplots()
    ax.plot(100 * steps["customers"], steps["cumulated"] / 100, color=ACCENT, marker="o", markersize=3)
    ax.axhline(one["total"] / 100, color=QUIET, linewidth=1)
    ax.annotate("total", (100, one["total"] / 100), ha="right", va="bottom", color=QUIET)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.set_xlabel("customers, most profitable first (per cent)")
    ax.set_ylabel(f"cumulated profit ({currency})")
    alt = (
        f"Curve of cumulated profit over {one['n']:,} customers: it rises to {currency} "
        f"{formatted(one['peak'], 'money')} at customer {one['peak_rank']:,} and ends at "
        f"{formatted(one['total'], 'money')}."
    )
    caption = f"Profit after cost to serve, cumulated, {facts['period'].iloc[0]}, n = {one['n']:,} customers"
    shown = table(
        steps,
        name="whale_curve",
        caption=caption,
        kinds={"customers": "share", "n": "count", "profit": "money", "cumulated": "money", "of_total": "share"},
        labels={"n": "customers in this step", "profit": "their profit", "of_total": "of the total"},
    )
    return figure(fig, name="whale_curve", alt=alt, caption=caption, data=shown)


def cost_findings(
    tie: pd.DataFrame,
    total: pd.DataFrame,
    shares: pd.DataFrame,
    leader: int | None,
    summary: pd.DataFrame,
    handling: pd.DataFrame,
    facts: pd.DataFrame,
    *,
    by: Sequence[str],
    confidence: float,
) -> Html:
    """The answers of the cost report, in the slots of docs/METHODS.md section 3.6."""
    currency, period = facts["currency"].iloc[0], facts["period"].iloc[0]
    sentences = []
    handled = "" if handling.empty else " and handling as assumed"
    if tie.empty or tie["posted"].iloc[-1] == 0:
        sentences.append(f"No ledger for {period}: what follows is freight as charged{handled}, not posted cost.")
    else:
        row = tie.iloc[-1]
        verb = "ties" if row["difference"] == 0 else "DOES NOT TIE"
        posted, allocated, unused, unassigned, difference = (
            formatted(row[name], "cents") for name in ("posted", "allocated", "unused", "unassigned", "difference")
        )
        sentences.append(
            f"The ledger of {period} {verb}: {currency} {posted} posted = {allocated} allocated + {unused} unused "
            f"+ {unassigned} unassigned, difference {difference}."
        )
    assumed = ""
    if not handling.empty:
        rule = handling.iloc[0]
        assumed = (
            f", assuming {currency} {formatted(rule['cents_per_order'], 'cents')} of handling per order and "
            f"{formatted(rule['cents_per_line'], 'cents')} per line"
        )
    one = total.iloc[0]
    if pd.isna(one["ratio"]):
        return paragraphs([*sentences, _NO_REVENUE], role="findings")
    if one["ratio"] == 0:
        return paragraphs([*sentences, _NO_COST], role="findings")
    interval = between(one["ratio_low"], one["ratio_high"], "share", confidence)
    sentences.append(
        f"Serving customers cost {formatted(one['ratio'], 'share')} of net revenue "
        f"({interval}, n = {formatted(one['n'], 'count')} customers){assumed}."
    )
    family = f"over a family of {shares['ratio'].notna().sum()} intervals by {' and '.join(by)}"
    if leader is None:
        sentences.append(f"Which group is dearest to serve is not settled {family}.")
    else:
        top = shares.iloc[leader]
        sentences.append(
            f"Dearest to serve is {', '.join(top[name] for name in by)}: {formatted(top['ratio'], 'share')} of its "
            f"revenue ({between(top['ratio_low'], top['ratio_high'], 'share', confidence)}, {family})."
        )
    whale_row = summary.iloc[0]
    if not whale_row["n"]:
        sentences.append("Which customers earn or lose money cannot be said: the cost of goods is not known.")
    elif whale_row["total"] <= 0:
        sentences.append(
            f"Customers together earn {currency} {formatted(whale_row['total'], 'money')}; "
            f"{whale_row['n_losing']:,} of {whale_row['n']:,} lose money."
        )
    else:
        sentences.append(
            f"The best fifth of {whale_row['n']:,} customers earns "
            f"{formatted(whale_row['top_fifth'] / whale_row['total'], 'share')} of the total profit; "
            f"{whale_row['n_losing']:,} customers lose money, {currency} {formatted(whale_row['erosion'], 'money')} "
            "in all."
        )
    return paragraphs(sentences, role="findings")

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
_KINDS = ("text", "count", "cents", "money", "share", "points", "days", "rate")


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
        units), share (0-1 shown in per cent), points, days, rate.
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
    ordered = shares.dropna(subset=["ratio"]).sort_values("ratio", ignore_index=True)
    names = ordered[list(by)].agg(", ".join, axis=1)
    fig, ax = plt.subplots(figsize=(7.2, 0.8 + 0.3 * max(len(ordered), 2)))
    ax.hlines(range(len(ordered)), ordered["ratio_low"], ordered["ratio_high"], color=ACCENT, linewidth=2)
    ax.plot(ordered["ratio"], range(len(ordered)), "o", color=ACCENT)
    ax.set_yticks(range(len(ordered)), names)
    ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("cost to serve, share of net revenue")
    ends = ""
    if len(ordered):
        low, high = ordered.iloc[0], ordered.iloc[-1]
        ends = (
            f" Lowest: {names.iloc[0]}, {formatted(low['ratio'], 'share')}. "
            f"Highest: {names.iloc[-1]}, {formatted(high['ratio'], 'share')}."
        )
    caption = (
        f"Cost to serve by {' and '.join(by)}, n = {formatted(ordered['n'].min(), 'count')} to "
        f"{formatted(ordered['n'].max(), 'count')} customers a group; the {len(ordered)} intervals hold together with "
        f"{100 * confidence:g} % confidence (Bonferroni)."
    )
    shown = table(
        ordered,
        name="serve_share",
        caption=caption,
        kinds=dict.fromkeys(by, "text") | {"n": "count", "ratio": "share", "ratio_low": "share", "ratio_high": "share"},
        labels={"n": "customers", "ratio": "share", "ratio_low": "low", "ratio_high": "high"},
    )
    alt = f"Dots with intervals: cost to serve as a share of net revenue for {len(ordered)} groups.{ends}"
    return figure(fig, name="serve_share", alt=alt, caption=caption, data=shown)


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

"""How does an executed notebook become one self-contained page?"""

import base64
import copy
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from toolkit.company import is_name
from toolkit.errors import ReportError
from toolkit.language import day, number, say, speaking, spoken, word
from toolkit.present import FIGURES_MIME, MISSING, TABLE_MIME, formatted

_TEMPLATE = Path(__file__).parent / "template"
_STOCK_ALT = "No description has been provided for this image"  # nbconvert's, where there is none
_ADDRESSES = ("src", "href", "xlink:href", "srcset", "poster", "action", "formaction", "data", "background")
STYLE, _CODE = ((_TEMPLATE / f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
SCRIPT = f"<script>{_CODE}</script>"  # sorts tables, opens code: without it nothing of a page is lost
_ALLOWED = base64.b64encode(hashlib.sha256(_CODE.encode()).digest()).decode()
POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
    f"style-src 'unsafe-inline'; script-src 'sha256-{_ALLOWED}'\">"
)
_ACTIVE = ("script", "iframe", "object", "embed", "base", "meta http-equiv")


@dataclass(frozen=True)
class Facts:
    """What a page says of itself: company, period, day of knowledge, and its provenance."""

    company: str
    period: str
    as_of: str
    parameters: dict[str, tuple[object, str]]
    frames: dict[str, str]
    code: dict[str, str]
    recipe: str
    methods: dict[str, str] = field(default_factory=dict)
    before: tuple[dict, ...] = ()
    language: str = "en"
    slice: Mapping[str, object] = field(default_factory=dict)


class _Exporter(HTMLExporter):
    """nbconvert's exporter without its last step, which rewrites the page and hides a missing alt text."""

    def from_notebook_node(self, nb, resources=None, **more):
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer="python", parent=self))
        return TemplateExporter.from_notebook_node(self, nb, resources, **more)


class _Prose(IPythonRenderer):
    """nbconvert's Markdown, its headings with an address of their own and collected."""

    def __init__(self, methods: dict[str, str]) -> None:
        super().__init__(escape=False)
        self.headings: list[tuple[int, str, str]] = []
        self.methods = {title.split(" ", 1)[0]: text for title, text in methods.items()}

    def heading(self, text: str, level: int, **attributes) -> str:
        number = text.split(" ", 1)[0]
        numbered = re.fullmatch(r"\d+\.\d+", number)  # other reports may link to it
        anchor = f"s{number}" if numbered else f"h{len(self.headings) + 1}"
        self.headings.append((level, anchor, text))
        method = ""
        if number in self.methods:
            method = _method(say("Method of {number}", number=number), self.methods[number])
        return f'<h{level} id="{anchor}">{text}</h{level}>\n{method}'


SHOWN_AS = {"share": "share", "points": "points", "cents": "money", "customers": "count"}  # others: four digits
_UNITLESS = ("share", "cents", "customers")


def headline(row: dict, before: Sequence[dict]) -> dict[str, str]:
    """A key figure as it stands first: its ``name``, ``value``, ``interval``, and the change since the ``before``.

    ``before`` holds key figures of earlier periods with their ``period``, the last of this name at the end.
    """
    kind = SHOWN_AS.get(row["unit"], "rate")
    unit = "" if row["unit"] in _UNITLESS else f" {word(row['unit'])}"
    interval, was, value = "", say("no figure of the period before"), float(row["value"])
    if row["low"] is not None and row["low"] == row["low"]:
        low, high = (formatted(row[end], kind) for end in ("low", "high"))
        interval = say("{low} to {high}", low=low.removesuffix(" %"), high=high)
    same = [each for each in before if (each["figure_id"], each["headline"]) == (row["figure_id"], row["headline"])]
    if same:
        last, period = float(same[-1]["value"]), same[-1]["period"]
        change = changed(value - last, kind)
        if kind in ("money", "count") and last > 0:
            change = f"{number(100 * (value / last - 1), '+.1f')} %"
        was = formatted(same[-1]["value"], kind)
        was = say("{change} since {period} ({was})", change=change, period=period, was=was)
    name, value = word(row["headline"]), formatted(row["value"], kind) + unit
    return {"name": name, "value": value, "interval": interval, "was": was}


def changed(by: float | None, kind: str) -> str:
    """A change as readers see it: with its sign, that of a share in points."""
    shown = formatted(by, kind)
    if shown == MISSING:
        return shown
    if kind in ("share", "points"):
        by = round(by * (100 if kind == "share" else 1), 1)
        return f"{'+' * (by > 0)}{number(by, 'z.1f')} {say('points')}"
    return "+" * (by >= 0) + shown


def tiles(headlines: Sequence[dict[str, str]]) -> str:
    """Headlines as a list of tiles; ``line``, a drawing of SVG, where a headline has one."""
    told = [
        f"<li><span>{html.escape(each['name'])}</span><strong>{html.escape(each['value'])}</strong>"
        f"<span>{html.escape(each['interval'])}</span>{each.get('line', '')}"
        f"<span>{html.escape(each['was']).replace(' %', '&nbsp;%')}</span></li>"
        for each in headlines
    ]
    return f'<ul class="tiles">{"".join(told)}</ul>' if told else ""


def _figures(notebook: nbformat.NotebookNode) -> list[dict]:
    outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    return [row for data in outputs for row in data.get(FIGURES_MIME, [])]


def _method(title: str, text: str, *, foreign: bool = False) -> str:
    shown = MarkdownWithMath(renderer=IPythonRenderer(escape=True)).render(text)
    tongue = "" if spoken() == "en" else ' lang="en"'  # methods are written in one language
    title = f"<summary{tongue * foreign}>{html.escape(title)}</summary>"
    return f'<details class="method">{title}<div{tongue}>{shown}</div></details>\n'


def _told(prose: str) -> str:
    """Markdown of ours in the language spoken, paragraph by paragraph; a heading keeps its number, all else stays."""
    parts = []
    for part in re.split(r"\n\s*\n", prose.strip()):
        mark, text = re.fullmatch(r"(#+ (?:\d+\.\d+ )?)?(.*)", " ".join(part.split("\n")), flags=re.DOTALL).groups()
        said = say(text)
        parts.append(part if said == text else (mark or "") + said)
    return "\n\n".join(parts)


def render(notebook: nbformat.NotebookNode, facts: Facts, *, incomplete: str = "") -> str:
    """The page of an executed notebook: findings first, code folded, nothing from outside.

    ``incomplete`` stamps the page with the reason why it is no report.
    """
    with speaking(facts.language):
        return _render(notebook, facts, incomplete)


def _render(notebook: nbformat.NotebookNode, facts: Facts, incomplete: str) -> str:
    cells = copy.deepcopy(written(notebook))
    lifted = [cell for cell in cells if "findings" in cell.metadata.get("tags", [])]
    for cell in lifted:
        cell.metadata["page"] = "findings"
    cells = _gathered(cells[:1] + lifted + [cell for cell in cells[1:] if cell not in lifted])
    bare = nbformat.v4.new_notebook(
        cells=cells, metadata={"language_info": notebook.metadata.get("language_info", {"name": "python"})}
    )
    for position, cell in enumerate(bare.cells):
        cell["id"] = f"c{position:02d}"
        for output in cell.get("outputs", []):
            if output.output_type == "execute_result":  # shown like any other: one block of the template
                output.output_type = "display_data"
                del output["execution_count"]
    told = [row for row in _figures(notebook) if row.get("headline")]
    first = tiles([headline(row, facts.before) for row in told])
    prose = _Prose(facts.methods)
    for cell in bare.cells:
        if cell.cell_type == "markdown":
            cell.source = MarkdownWithMath(renderer=prose).render(_told(cell.source))
    bare.cells.insert(1 + len(lifted), nbformat.v4.new_markdown_cell(first, id="tiles"))
    exporter = _Exporter(extra_template_basedirs=[str(_TEMPLATE.parent)], template_name=_TEMPLATE.name)
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = exporter.exclude_anchor_links = True
    title = next((text for level, _, text in prose.headings if level == 1), say("Report"))
    part = ", ".join(f"{name} {value}" for name, value in facts.slice.items())
    sections = [(anchor, text) for level, anchor, text in prose.headings if level == 2]
    resources = {
        "page": {
            "title": title + f" ({part})" * bool(part),
            "part": part,
            "style": STYLE,
            "script": SCRIPT,
            "policy": POLICY,
            "company": facts.company,
            "period": facts.period,
            "as_of": day(facts.as_of),
            "language": facts.language,
            "say": say,
            "sections": [("findings", say("The answer"))] * bool(lifted) + sections,
            "words": bool(facts.methods),
            "provenance": _provenance(facts),
        }
    }
    page, _ = exporter.from_notebook_node(bare, resources=resources)
    if incomplete:
        said = html.escape(say("INCOMPLETE: {reason}. This page is no report.", reason=incomplete))
        page = page.replace("<header>", f'<p class="stamp">{said}</p><header>', 1)
    return page


def written(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """A notebook's own cells, without the one that papermill puts in."""
    return [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])]


def _gathered(cells: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Cells, the code of those that show nothing joined to that of the next one in the section that does, or the last.

    One line to open for each thing that is shown.
    """
    kept, silent = [], []
    for cell in [*cells, nbformat.v4.new_markdown_cell()]:
        plain = cell.cell_type == "code" and not cell.metadata.get("page")
        if plain and not cell.get("outputs"):
            silent.append(cell.source)
            continue
        if plain:
            cell.source = "\n\n".join([*silent, cell.source])
        elif silent and kept and kept[-1].cell_type == "code" and not kept[-1].metadata.get("page"):
            kept[-1].source = "\n\n".join([kept[-1].source, *silent])
        elif silent:
            kept.append(nbformat.v4.new_code_cell("\n\n".join(silent)))
        kept.append(cell)
        silent = []
    return kept[:-1]


def _provenance(facts: Facts) -> str:
    def listing(caption: str, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
        caption = html.escape(caption)
        head = "".join(f'<th scope="col">{html.escape(say(name))}</th>' for name in heads)
        body = "".join(
            "<tr>" + "".join(f"<td><code>{html.escape(str(cell))}</code></td>" for cell in row) + "</tr>"
            for row in rows
        )
        return (
            f'<div class="wide" role="region" tabindex="0" aria-label="{caption}"><table>'
            f"<caption><span>{caption}</span></caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    shared = [(title, text) for title, text in facts.methods.items() if title.startswith("0.")]
    words = "".join(_method(title, text, foreign=True) for title, text in shared)
    parameters = [(name, repr(value), origin) for name, (value, origin) in facts.parameters.items()]
    same = html.escape(say(
        "Recipe {recipe}. The same inputs, code, parameters, environment and figures of the period before give the "
        "same bytes of this page."
    ))  # fmt: skip
    before = [tuple(row[key] for key in ("period", "figure_id", "value", "unit")) for row in facts.before]
    return (
        (f'<h2 id="words">{html.escape(say("Words that every report shares"))}</h2>' if words else "")
        + words
        + f'<h2 id="provenance">{html.escape(say("What this page is made of"))}</h2>'
        + f"<p>{same.format(recipe=f'<code>{facts.recipe}</code>')}</p>"
        + listing(say("Parameters and where they were set"), ("parameter", "value", "set in"), parameters)
        + f"<details><summary>{html.escape(say('Inputs and code by SHA-256'))}</summary>"
        + listing(say("Frames read"), ("frame", "digest of its values"), list(facts.frames.items()))
        + listing(say("Code that ran"), ("file", "digest"), list(facts.code.items()))
        + (
            listing(say("Figures of the period before"), ("period", "figure", "value", "unit"), before)
            if before
            else ""
        )
        + "</details>"
    )


def view(title: str, body: str) -> str:
    """A page beside the archive: of the same look, offline, in the language spoken."""
    return (
        f'<!doctype html>\n<html lang="{spoken()}"><head><meta charset="utf-8">{POLICY}<meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<div class="layout view"><main><h1>{html.escape(title)}</h1>{body}</main></div>{SCRIPT}</body></html>\n'
    )


def outputs(notebook: nbformat.NotebookNode) -> tuple[dict[str, str], list[dict]]:
    """Tables (name -> CSV text) and key figures that a notebook's cells displayed.

    Raises
    ------
    ReportError
        If two tables carry one name, or one that is no name of a file.
    """
    tables: dict[str, str] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if TABLE_MIME in data:
                name = data[TABLE_MIME]["name"]
                if not is_name(name):
                    raise ReportError(
                        f"table {name[:60]!r}: expected small letters, digits and underscores, which name its file."
                    )
                if name in tables:
                    raise ReportError(f"table {name!r}: expected one table of that name in a report, found two.")
                tables[name] = data[TABLE_MIME]["csv"]
    return tables, _figures(notebook)


_SHOWN = {"text/plain", TABLE_MIME, FIGURES_MIME}
_BESIDE = re.compile(r"[a-z0-9_]+\.html#s\d+\.\d+")  # a section of another report of the pack


class _Guard(HTMLParser):
    """Collects what a page must not have: outside addresses, scripts, pictures without text, missing heads."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.levels: list[int] = []
        self.ids, self.links = set(), set()
        self.captions, self.tables = 0, 0
        self.in_style = False

    def handle_starttag(self, tag: str, attributes: list) -> None:
        values = dict(attributes)
        if tag == "img" and (values.get("alt") or "").strip() in ("", _STOCK_ALT):
            self.faults.append("a figure without alt text")
        for name in _ADDRESSES:
            address = values.get(name) or ""
            beside = name == "href" and _BESIDE.fullmatch(address)
            if address and not beside and not address.startswith(("#", "data:image/")):
                self.faults.append(f"an address outside the page in <{tag} {name}>")
        self._look_at_style(values.get("style") or "", tag)
        kinds = {tag} | {f"{tag} {name}" for name in values}
        if kinds & set(_ACTIVE) or any(name.startswith("on") for name in values):
            self.faults.append(f"active content in <{tag}>")
        self.ids.add(values.get("id"))
        if (values.get("href") or "").startswith("#"):
            self.links.add(values["href"][1:])
        self.in_style = tag == "style"
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        self.tables += tag == "table"
        self.captions += tag == "caption"

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self._look_at_style(data, "style")

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False

    def _look_at_style(self, style: str, tag: str) -> None:
        if re.search(r"@import|url\((?!\s*[\"']?data:image/)", style, flags=re.IGNORECASE):
            self.faults.append(f"an address outside the page in <{tag}>")


def guard(page: str, notebook: nbformat.NotebookNode | None = None) -> list[str]:
    """Why a page may not be archived; empty if it may.

    With the executed ``notebook``: each fault with the cells that it comes from; also if an output of a cell does not
    stand in the page, as a drawing that did not go through ``present.figure``.

    >>> guard('<h1>a</h1><img src="data:image/png;base64,">')
    ['a figure without alt text']
    """
    found = _looked_at(page.replace(POLICY, "", 1).replace(SCRIPT, "", 1))
    faults = list(dict.fromkeys(found.faults))
    if found.levels.count(1) != 1:
        faults.append(_TITLES.format(found.levels.count(1)))
    if any(after > before + 1 for before, after in zip(found.levels, found.levels[1:], strict=False)):
        faults.append(_SKIPPED)
    if found.captions < found.tables:
        faults.append(_NO_CAPTION)
    faults += [f"a link to #{name}, which is not on the page" for name in sorted(found.links - found.ids)]
    where, last = {}, 0
    for position, cell in enumerate(written(notebook) if notebook else (), start=1):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            piece = data.get("text/html", "")
            mine = _looked_at(piece)
            shown = piece in page if "text/html" in data else not data or set(data) <= _SHOWN
            own = [*mine.faults, *[_NO_CAPTION] * (mine.captions < mine.tables), *[_LOST] * (not shown)]
            for fault in own:
                where.setdefault(fault, []).append(position)
        for level in _levels(cell):
            if level > last + 1:
                where.setdefault(_SKIPPED, []).append(position)
            if level == 1:
                where.setdefault(_TITLES.format(found.levels.count(1)), []).append(position)
            last = level
    faults += [_LOST] * (_LOST in where)
    return [f"{fault}{_cells(where.get(fault, []))}" for fault in dict.fromkeys(faults)]


_TITLES, _SKIPPED = "{} headings of level 1, expected one", "a heading level is skipped"
_NO_CAPTION, _LOST = "a table without caption", "an output of a cell is not on the page"


def _looked_at(text: str) -> _Guard:
    found = _Guard()
    found.feed(text)
    return found


def _levels(cell: nbformat.NotebookNode) -> list[int]:
    """Levels of the headings of a cell of prose, as its page will have them."""
    if cell.cell_type != "markdown":
        return []
    prose = _Prose({})
    MarkdownWithMath(renderer=prose).render(cell.source)
    return [level for level, _, _ in prose.headings]


def _cells(numbers: list[int]) -> str:
    numbers = list(dict.fromkeys(numbers))
    return f" (cell{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))})" if numbers else ""

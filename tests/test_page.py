"""Does a page show what was executed, safely and from itself alone, and is what must not be archived found?"""

import os
import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from conftest import ROOT
from toolkit import language, present
from toolkit.errors import ReportError
from toolkit.reporting import page

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp; {{ 7*7 }} $a$ </table>"
FACTS = page.Facts(
    company="Smith & <b>Sons</b>",
    period="2026Q3",
    as_of="2026-10-22",
    parameters={"limit": (HOSTILE, "params/acme/base.yaml, line 7")},
    frames={"orders": "f" * 64},
    code={"notebooks/cost.ipynb": "c" * 64},
    recipe="r" * 64,
)
SOUND = '<h1>a</h1><h2 id="x">b</h2><a href="#x">b</a><img alt="Dots" src="data:image/png;base64,">'


def _shown(cell_html):
    return [new_output("display_data", data={"text/html": cell_html, "text/plain": "-"})]


def _notebook(*cells):
    return new_notebook(cells=[new_markdown_cell("# Cost & service\n\nWhat does it cost?"), *cells])


class _Reader(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


# -- the guard ---------------------------------------------------------------------------------


def test_a_sound_page_has_no_fault():
    assert page.guard(SOUND) == []


@pytest.mark.parametrize(
    ("piece", "faults"),
    [
        ('<img src="data:image/png;base64,">', ["a figure without alt text"]),
        ('<img alt=" " src="data:image/png;base64,">', ["a figure without alt text"]),
        (
            '<img alt="No description has been provided for this image" src="data:image/png;base64,">',
            ["a figure without alt text"],
        ),
        ('<img alt="a" src="plot.png">', ["an address outside the page in <img src>"]),
        ('<img alt="a" srcset="plot.png 2x">', ["an address outside the page in <img srcset>"]),
        ('<a href="https://example.org">a</a>', ["an address outside the page in <a href>"]),
        ('<a href="javascript:alert(1)">a</a>', ["an address outside the page in <a href>"]),
        ('<link rel="stylesheet" href="//example.org/a.css">', ["an address outside the page in <link href>"]),
        ('<form action="/send"></form>', ["an address outside the page in <form action>"]),
        ('<p style="background:url(http://example.org/a.png)">a</p>', ["an address outside the page in <p>"]),
        ("<style>@import 'a.css';</style>", ["an address outside the page in <style>"]),
        ("<style>p{background:URL( 'a.png')}</style>", ["an address outside the page in <style>"]),
        ("<style>p{background:url(data:image/png;base64,)}</style>", []),
        ("<p>@import and url(a) in prose</p>", []),
        ("<style>p{}</style>@import and url(a) in prose", []),
        ("<script>1</script>", ["active content in <script>"]),
        ("<SCRIPT>1</SCRIPT>", ["active content in <script>"]),
        ("<iframe></iframe><object></object><embed>",
         ["active content in <iframe>", "active content in <object>", "active content in <embed>"]),
        ('<p onclick="a()">a</p>', ["active content in <p>"]),
        ('<meta http-equiv="refresh" content="0">', ["active content in <meta>"]),
        ("<h1>again</h1>", ["2 headings of level 1, expected one"]),
        ("<h2>a</h2><h4>b</h4>", ["a heading level is skipped"]),
        ("<table><tr><td>1</td></tr></table>", ["a table without caption"]),
        ("<table><caption>a</caption></table>", []),
        ('<a href="#nowhere">a</a>', ["a link to #nowhere, which is not on the page"]),
    ],
)  # fmt: skip
def test_each_fault_is_found_alone(piece, faults):
    assert page.guard(SOUND + piece) == faults


def test_a_page_without_title_is_a_fault():
    assert page.guard("<p>a</p>") == ["0 headings of level 1, expected one"]


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        ({"text/html": "<p>lost</p>"}, ["an output of a cell is not on the page (cell 2)"]),
        ({"image/png": "aGk=", "text/plain": "<Figure>"}, ["an output of a cell is not on the page (cell 2)"]),
        ({"text/markdown": "**a**", "text/plain": "a"}, ["an output of a cell is not on the page (cell 2)"]),
        ({"text/plain": "a"}, []),
    ],
)
def test_an_output_that_the_page_would_drop_is_a_fault(data, faults):
    notebook = _notebook(new_code_cell("1", outputs=[new_output("display_data", data=data)]))
    shown = page.render(_notebook(), FACTS)
    assert page.guard(shown, notebook) == faults


@pytest.mark.parametrize(
    ("piece", "fault"),
    [
        ('<img src="data:image/png;base64,">', "a figure without alt text"),
        ("<table><tr><td>1</td></tr></table>", "a table without caption"),
        ("<script>1</script>", "active content in <script>"),
        ('<img alt="a" src="plot.png">', "an address outside the page in <img src>"),
    ],
)
def test_a_fault_names_its_cell(piece, fault):
    quiet = new_code_cell("1", outputs=_shown("<p>fine</p>"))
    notebook = _notebook(quiet, new_code_cell("2", outputs=_shown(piece)), new_code_cell("3", outputs=_shown(piece)))
    assert page.guard(page.render(notebook, FACTS), notebook) == [f"{fault} (cells 3, 4)"]


@pytest.mark.parametrize(
    ("prose", "fault"),
    [
        ("### 1.1.1 Deep", "a heading level is skipped (cell 3)"),
        ("## 1.1 A\n\n#### Deep", "a heading level is skipped (cell 3)"),
        ("# Again", "2 headings of level 1, expected one (cells 1, 3)"),
    ],
)
def test_a_fault_of_headings_names_its_cell(prose, fault):
    notebook = _notebook(new_code_cell("1", outputs=_shown("<p>fine</p>")), new_markdown_cell(prose))
    assert page.guard(page.render(notebook, FACTS), notebook) == [fault]


# -- the page ----------------------------------------------------------------------------------


@pytest.fixture
def whole():
    """A notebook with findings, prose with money, a hostile table, and what papermill put in."""
    frame = pd.DataFrame({"segment": [HOSTILE, "b"], "cents": [1234, None]})
    shown = present.table(frame, name="costs", caption=HOSTILE, columns=["segment", "cents"], kinds={"cents": "cents"})
    notes = present.paragraphs([HOSTILE], role="findings")
    injected = new_code_cell("limit = 1")
    injected.metadata.tags = ["injected-parameters"]
    findings = new_code_cell("present.findings(costs)", outputs=_shown(notes.html))
    findings.metadata.tags = ["findings"]
    return _notebook(
        injected,
        new_markdown_cell("## 3.1 Is \"it\" <5 & `code`?\n\nIt was $5 and then $10, or $20 a day."),
        new_code_cell("costs", outputs=_shown(shown.html)),
        new_markdown_cell("## 3.2 Findings"),
        findings,
    )  # fmt: skip


def test_a_rendered_page_passes_its_guard(whole):
    assert page.guard(page.render(whole, FACTS), whole) == []


def test_findings_come_first_and_code_is_folded(whole):
    shown = page.render(whole, FACTS)
    order = [shown.index(text) for text in ("<h1", "What does it cost?", 'id="findings"', '<h2 id="s3.1">', "<table")]
    assert order == sorted(order)
    assert shown.count('id="findings"') == 1
    tags = [tag for tag, _ in _Reader(shown).tags]
    folded = [(tag, values) for tag, values in _Reader(shown).tags if values.get("class") == "code"]
    assert folded == [("details", {"class": "code"})] * 2  # closed: no attribute "open"
    assert tags.count("script") == shown.count(page.SCRIPT) == 1
    assert "limit = 1" not in shown


def test_every_section_link_leads_to_its_heading(whole):
    found = _Reader(page.render(whole, FACTS)).tags
    links = [values["href"] for tag, values in found if tag == "a"]
    assert links == ["#content", "#findings", "#s3.1", "#s3.2", "#provenance"]
    assert {link[1:] for link in links} <= {values.get("id") for _, values in found}


def test_a_page_may_lead_to_a_section_of_another_report_and_nowhere_else():
    def faults(attribute):
        return page.guard(f"<h1>a</h1><a {attribute}>b</a>")

    assert faults('href="nps_supply_chain.html#s2.8"') == []
    outside = ["an address outside the page in <a href>"]
    for address in ("../x.html#s2.8", "x.html", "x.html#top", "//x.html#s2.8", "https://x.html#s2.8", "x.html#s2.8?q"):
        assert faults(f'href="{address}"') == outside, address
    assert faults('src="x.html#s2.8"') == ["an address outside the page in <a src>"]


def test_title_and_company_are_text(whole):
    shown = page.render(whole, FACTS)
    assert "<title>Cost &amp; service · Smith &amp; &lt;b&gt;Sons&lt;/b&gt; · 2026Q3</title>" in shown
    assert "Smith & <b>" not in shown
    assert ">3.1 Is &#34;it&#34; &lt;5 &amp; code?</a>" in shown


def test_a_page_names_parameters_frames_and_code(whole):
    text = _Reader(page.render(whole, FACTS)).text
    for part in (repr(HOSTILE), "params/acme/base.yaml, line 7", "orders", "f" * 64, "c" * 64, "r" * 64):
        assert part in text


def test_hostile_text_shows_as_text(whole):
    found = _Reader(page.render(whole, FACTS))
    assert "".join(found.text).count(HOSTILE) == 3  # caption, cell, finding; a parameter shows its repr
    assert [tag for tag, _ in found.tags if tag in ("script", "img")] == ["script"]  # our own


def test_only_our_own_script_and_policy_may_stand_in_a_page(whole):
    shown = page.render(whole, FACTS)
    assert shown.count(page.POLICY) == 1
    assert page.guard(shown + "<script>1</script>") == ["active content in <script>"]
    assert page.guard(shown + page.SCRIPT) == ["active content in <script>"]
    assert page.guard(shown.replace("(() =>", "( () =>", 1)) == ["active content in <script>"]


def test_code_that_shows_nothing_opens_with_what_comes_next_or_came_before():
    shown = _shown("<p>seen</p>")
    notebook = _notebook(
        new_code_cell("import one"),
        new_markdown_cell("## A"),
        new_code_cell("two = 2"),
        new_code_cell("two", outputs=shown),
        new_code_cell("three = 3"),
        new_markdown_cell("## B"),
        new_code_cell("four", outputs=shown),
    )
    text = page.render(notebook, FACTS)
    blocks = [
        re.sub("<[^>]*>", "", block) for block in re.findall(r'<details class="code">.*?</details>', text, re.DOTALL)
    ]
    wanted = [["import one"], ["two = 2", "two", "three = 3"], ["four"]]
    assert [[line for line in block.removeprefix("Code").splitlines() if line] for block in blocks] == wanted
    assert notebook.cells[3].source == "two = 2"  # the notebook itself is left alone


def test_the_method_of_each_section_stands_under_its_heading_and_shared_words_at_the_end(whole):
    methods = {
        "0.1 Order": "One row.",
        "3.1 Whatever": "First *add*, then <b>divide</b>.",
        "3.7 Elsewhere": "Not here.",
    }
    text = page.render(whole, replace(FACTS, methods=methods))
    assert page.guard(text, whole) == []
    method = '<details class="method"><summary>Method of 3.1</summary><div><p>First <em>add</em>, then '
    assert f"</h2>\n{method}&lt;b&gt;divide&lt;/b&gt;.</p>" in text
    assert "Not here." not in text
    assert text.index("One row.") > text.index('id="words"') > text.index("It was $5")


@pytest.mark.parametrize(
    ("unit", "value", "last", "shown", "was"),
    [
        ("share", 0.12, 0.1, "12.0 %", "+2.0 points since 2026Q2 (10.0 %)"),
        ("share", 0.1, 0.1004, "10.0 %", "0.0 points since 2026Q2 (10.0 %)"),  # neither -0.0 nor +0.0
        ("points", -4.2, -5.3, "-4.2 points", "+1.1 points since 2026Q2 (-5.3)"),
        ("cents", 110_000, 100_000, "1,100", "+10.0 % since 2026Q2 (1,000)"),
        ("cents", 110_000, -100_000, "1,100", "+2,100 since 2026Q2 (-1,000)"),
        ("customers", 99, 100, "99", "-1.0 % since 2026Q2 (100)"),
        ("orders per 1,000", 12.34, 12.3, "12.34 orders per 1,000", "+0.04 since 2026Q2 (12.3)"),
    ],
)
def test_a_headline_tells_its_change_in_its_own_unit(unit, value, last, shown, was):
    row = {"figure_id": "a", "headline": "A", "unit": unit, "low": None, "high": None}
    before = [{"figure_id": "a", "headline": "A", "unit": unit, "value": 1e9, "period": "2026Q1"},
              {"figure_id": "a", "headline": "A", "unit": unit, "value": last, "period": "2026Q2"},
              {"figure_id": "b", "headline": "A", "unit": unit, "value": 7, "period": "2026Q2"}]  # fmt: skip
    told = page.headline(row | {"value": value}, before)
    assert told == {"name": "A", "value": shown, "interval": "", "was": was}
    assert page.headline(row | {"value": value, "low": value, "high": value}, [])["interval"].count(" to ") == 1


def test_a_page_lists_the_figures_of_the_period_before_that_its_changes_are_made_of(whole):
    before = {"figure_id": "nps", "headline": "NPS", "unit": "points", "value": 1.23456, "period": "2026Q2"}
    shown = page.render(whole, replace(FACTS, before=(before,)))
    cells = "".join(f"<td><code>{cell}</code></td>" for cell in ("2026Q2", "nps", "1.23456", "points"))
    assert f"<tr>{cells}</tr>" in shown
    assert "Figures of the period before" not in page.render(whole, FACTS)


def test_an_empty_page_is_small():
    assert len(page.render(_notebook(), FACTS).encode()) < 40_000


def _outline(text):
    """A page's tags with their roles and texts, a line each, without style, script, digests and drawings."""

    class Outline(HTMLParser):
        lines, depth, silent = [], 0, False

        def handle_starttag(self, tag, attributes):
            told = [
                f"{name}={(value or '')[:60]!r}"
                for name, value in sorted(attributes)
                if name not in ("style", "content")
            ]
            self.lines.append("  " * self.depth + " ".join([tag, *told]))
            self.silent = tag in ("style", "script")
            self.depth += tag not in ("meta", "img", "br")

        def handle_endtag(self, tag):
            self.depth, self.silent = self.depth - 1, False

        def handle_data(self, data):
            if data.strip() and not self.silent:
                self.lines.append("  " * self.depth + "| " + " ".join(data.split())[:100])

    found = Outline()
    found.feed(text)
    return "\n".join(found.lines) + "\n"


def test_a_page_has_the_structure_and_text_of_the_golden_one(whole):
    # after a change that is meant: look at the page, then let GOLDEN=write pytest write this again
    text = _outline(page.render(whole, replace(FACTS, methods={"0.1 Order": "One row.", "3.1 Is": "*Add*."})))
    golden = ROOT / "tests" / "page.golden.txt"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text.splitlines() == golden.read_text(encoding="utf-8").splitlines()


def test_money_in_prose_stays_text(whole):
    assert "<p>It was $5 and then $10, or $20 a day.</p>" in page.render(whole, FACTS)


def test_a_partial_page_is_stamped_before_anything_else(whole):
    shown = page.render(whole, FACTS, incomplete="failed in cell 9: <b>")
    body = shown[shown.index("<body>") :]
    stamp = '<p class="stamp">INCOMPLETE: failed in cell 9: &lt;b&gt;. This page is no report.</p>'
    assert body.index(stamp) < body.index("<header>")
    assert "INCOMPLETE" not in page.render(whole, FACTS)


def test_an_error_is_shown_with_its_traceback_as_text():
    failed = new_output("error", ename="ValueError", evalue="<i>", traceback=["\x1b[31mValueError\x1b[0m: <i>"])
    shown = page.render(_notebook(new_code_cell("1", outputs=[failed])), FACTS, incomplete="failed")
    assert '<pre class="error">ValueError: &lt;i&gt;</pre>' in shown


def test_the_same_notebook_gives_the_same_bytes(whole):
    for cell in whole.cells:
        cell.metadata.papermill = {"start_time": "now", "duration": 1}
    first = page.render(whole, FACTS)
    for number, cell in enumerate(whole.cells):
        cell.metadata.papermill = {"start_time": "later", "duration": 2}
        cell["id"] = f"other{number}"
    assert page.render(whole, FACTS) == first


def test_tables_and_key_figures_are_taken_out():
    one = present.table(pd.DataFrame({"a": [1]}), name="one", caption="A", columns=["a"], kinds={"a": "count"})
    data = {"text/html": one.html, **one.mime, present.FIGURES_MIME: [{"figure_id": "x", "value": 1.0}]}
    cell = new_code_cell("one", outputs=[new_output("display_data", data=data)])
    assert page.outputs(_notebook(cell)) == ({"one": "a\n1\n"}, [{"figure_id": "x", "value": 1.0}])
    with pytest.raises(ReportError) as refused:
        page.outputs(_notebook(cell, new_code_cell("two", outputs=cell.outputs)))
    assert str(refused.value) == "table 'one': expected one table of that name in a report, found two."


# -- what a cell shows -------------------------------------------------------------------------


def test_a_table_has_caption_scope_and_an_address_for_the_keyboard():
    frame = pd.DataFrame({"segment": ["a", "total"], "share": [0.25, 1.0], "left_out": [1, 2]})
    shown = present.table(frame, name="t", caption="By segment", columns=["segment", "share"], total=True)
    assert shown.html == (
        '<div class="wide" role="region" tabindex="0" aria-label="By segment"><table>'
        '<caption><span>By segment</span></caption><thead><tr><th scope="col">segment</th>'
        '<th scope="col" class="number">share</th>'
        '</tr></thead><tbody><tr><th scope="row">a</th><td class="number">25.0 %</td></tr>'
        '<tr class="total"><th scope="row">total</th><td class="number">100.0 %</td></tr></tbody></table></div>'
    )
    assert shown.mime == {
        present.TABLE_MIME: {"name": "t", "caption": "By segment", "csv": "segment,share\na,0.25\ntotal,1.0\n"}
    }


def test_a_table_without_rows_says_so():
    shown = present.table(
        pd.DataFrame({"a": [], "b": []}), name="t", caption="A", columns=["a", "b"], kinds={"a": "text", "b": "count"}
    )
    assert '<tr><td colspan="2">no rows</td></tr>' in shown.html


def test_a_figure_has_alt_text_caption_and_its_data():
    fig, ax = plt.subplots()
    ax.plot([1, 2], label=HOSTILE)
    data = present.table(pd.DataFrame({"a": [1]}), name="t", caption="A", columns=["a"], kinds={"a": "count"})
    shown = present.figure(fig, name='x" onload="', alt=HOSTILE, caption=HOSTILE, data=data)
    found = _Reader(shown.html)
    tags = dict(found.tags)
    assert tags["img"]["alt"] == HOSTILE
    assert tags["figure"] == {"id": 'figure-x" onload="'}
    assert HOSTILE in "".join(found.text)
    assert {"script", "svg"} & tags.keys() == set()
    assert data.html in shown.html
    assert not plt.get_fignums()


def test_a_character_that_the_font_lacks_is_told_of_and_ends_no_run(recwarn):
    fig, ax = plt.subplots()
    ax.set_title("\U00010330 and \u4e00, \u4e00")
    shown = present.figure(fig, name="f", alt="Dots", caption="Groups.", data=present.Html("", ""))
    caption = "Groups. Characters that the font lacks are not drawn: U+10330, U+4E00."
    assert f"<figcaption>{caption}</figcaption>" in shown.html
    assert [each for each in recwarn if "Glyph" in str(each.message)] == []


def test_money_in_a_drawing_is_no_formula():
    def drawn(title):
        fig, ax = plt.subplots()
        ax.set_title(title)
        return present.figure(fig, name="f", alt="Dots", caption="c", data=present.Html("", "")).html

    present.theme()
    assert drawn("$5 and $10") != drawn("5 and 10")
    assert drawn(r"$\frac{$")  # as mathematics, an error


def test_the_same_drawing_gives_the_same_bytes():
    def draw():
        fig, ax = plt.subplots()
        ax.plot([1, 2], clip_on=True)
        data = present.table(pd.DataFrame({"a": [1]}), name="t", caption="A", columns=["a"], kinds={"a": "count"})
        return present.figure(fig, name="f", alt="a", caption="c", data=data).html

    assert draw() == draw()


def test_sentences_are_text():
    assert present.paragraphs(["a < b & c"]).html == '<div class="note"><p>a &lt; b &amp; c</p></div>'
    found = present.paragraphs(["a", "b"], role="findings")
    assert found.html == '<div class="findings"><ol><li>a</li><li>b</li></ol></div>'


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (None, "count", "–"),
        (pd.NA, "cents", "–"),
        (float("nan"), "share", "–"),
        (pd.NaT, "text", "–"),
        ("a, b", "text", "a, b"),
        (0, "count", "0"),
        (1234567, "count", "1,234,567"),
        (5, "cents", "0.05"),
        (-5, "cents", "-0.05"),
        (123456, "cents", "1,234.56"),
        (-123456, "cents", "-1,234.56"),
        (Decimal("12.6"), "cents", "0.13"),  # bounds of intervals are no whole cents
        (-0.4, "cents", "0.00"),
        (150, "money", "2"),  # half a unit goes away from zero, on both sides
        (-150, "money", "-2"),
        (149, "money", "1"),
        (-49, "money", "0"),
        (123456789, "money", "1,234,568"),
        (0.12345, "share", "12.3 %"),
        (-0.0001, "share", "0.0 %"),
        (1.0, "share", "100.0 %"),
        (-12.25, "points", "-12.2"),
        (-0.01, "points", "0.0"),
        (1234.56, "days", "1,234.6"),
        (0.123456, "rate", "0.1235"),
        (1234.0, "rate", "1,234"),
    ],
)
def test_a_value_reads_like_this(value, kind, shown):
    assert present.formatted(value, kind) == shown


def test_an_unknown_kind_is_our_own_fault():
    with pytest.raises(AssertionError, match=re.escape("present.table t: no such kinds: ['colour']")):
        present.table(pd.DataFrame({"a": [1]}), name="t", caption="A", columns=["a"], kinds={"a": "colour"})


@pytest.mark.parametrize("name", language.languages())
def test_prose_that_no_catalogue_has_stays_as_it_is_written(name):
    prose = "## 9.1 Ours\n\nTwo things:\n- one\n- two\n\nLimits\n\n    code  of two\n    lines"
    shown = page.render(_notebook(new_markdown_cell(prose)), replace(FACTS, language=name))
    for kept in ("9.1 Ours</h2>", "<li>one</li>\n<li>two</li>", "code  of two\nlines"):
        assert kept in shown
    assert ("<p>Limits</p>" in shown) == (name == "en")

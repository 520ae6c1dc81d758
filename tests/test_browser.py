"""Is a page for everyone: by eye in light and dark, screen reader, keyboard, phone and printer, from itself alone?"""

import io

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from browser import audit, chromium, on_paper, opened
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from toolkit import language, present
from toolkit.reporting import page

pytestmark = pytest.mark.slow
HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<style>*{display:none}</style>", "x" * 300,
    "\u202eright to left\u05d0\u05d1", "\U0001f600 emoji", "=1+1", "$5 and $10", "{{ 7*7 }} </table></main>",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


def _output(shown):
    return [new_output("display_data", data={"text/html": shown.html, "text/plain": "-"})]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A page with everything: findings, a wide table of hostile text, a figure, folded code, methods, provenance."""
    present.theme()
    frame = pd.DataFrame({"segment": HOSTILE, "n": range(9, 0, -1), **{f"column_{at}": 0.1 * at for at in range(14)}})
    columns = list(frame)
    shown = present.table(
        frame, name="wide", caption=HOSTILE[0], columns=columns, kinds=dict.fromkeys(columns[2:], "share")
    )
    rows = pd.DataFrame({"group": ["a", "b"], "nps": [1.0, 30.0], "nps_low": [-3.0, 20.0], "nps_high": [5.0, 40.0]})
    drawn = present.dots(
        rows, by=["group"], value="nps", name="dots", axis="NPS", what="NPS", caption="NPS by group", columns=["group"]
    )
    plt.close("all")
    findings = new_code_cell("findings", outputs=_output(present.paragraphs(HOSTILE, role="findings")))
    findings.metadata.tags = ["findings"]
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Everything\n\nWhat does a page hold?"), new_code_cell("import os"),
            new_markdown_cell("## 9.1 Tables"), new_code_cell("x = 1"), new_code_cell("x", outputs=_output(shown)),
            new_markdown_cell("## 9.2 Figures"), new_code_cell("y", outputs=_output(drawn)), findings,
        ]
    )  # fmt: skip
    facts = page.Facts(
        company=HOSTILE[0], period="2026Q3", as_of="2026-10-22", parameters={"x": (HOSTILE[1], "params/a.yaml")},
        frames={"orders": "f" * 64}, code={"notebooks/a.ipynb": "c" * 64}, recipe="r" * 64,
        methods={"0.1 Order": "A word.", "9.1 Tables": "Rows, then columns.\n\n<b>not bold</b>"},
    )  # fmt: skip
    text = page.render(notebook, facts)
    assert page.guard(text, notebook) == []
    path = tmp_path_factory.mktemp("page") / "whole.html"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_page_of_everything_hostile_is_for_everyone(browser, whole):
    assert audit(browser, whole) == []


def test_a_blank_sheet_of_paper_is_found(browser, tmp_path):
    page = tmp_path / "sheets.html"
    sheet = "<div style='break-before:page;border:1px solid'>{}</div>"
    page.write_text("<p>text</p>" + sheet.format("<svg width=9 height=9><text y=9>x</text></svg>") + sheet.format(""))
    assert on_paper(browser, page) == [f"{paper}: page 3 of 3 is blank" for paper in ("A4", "Letter")]


def test_hostile_text_is_text_and_changes_nothing(browser, whole):
    with opened(browser, whole) as (tab, happened):
        shown = tab.locator("main").text_content()
        assert all(text in shown for text in HOSTILE)
        assert happened == []
        assert tab.locator("h2").first.is_visible()


def test_a_table_is_sorted_by_keyboard_and_its_order_is_told(browser, whole):
    with opened(browser, whole) as (tab, _):
        head = tab.locator("main table").first.locator("thead th").nth(1)
        head.locator("button").focus()
        for way, first in (("descending", "9"), ("ascending", "1")):
            tab.keyboard.press("Enter")
            assert head.get_attribute("aria-sort") == way
            assert tab.locator("main table").first.locator("tbody tr").first.locator("td").first.text_content() == first


def test_numbers_are_sorted_by_size_and_months_by_time_in_every_language(browser, tmp_path):
    rows = pd.DataFrame(
        {
            "account": list("abcd"),
            "month": ["2026-10", "2026-01", "2025-12", "2026-02"],
            "nps": [999.5, 20000.25, -3, 0.5],
        }
    )
    notebook = new_notebook(cells=[new_markdown_cell("# Sorted"), new_code_cell("x")])
    for name, largest in (("en", "20,000.2"), ("nl", "20.000,2")):
        with language.speaking(name):
            shown = present.table(rows, name="t", caption="t", columns=list(rows))
        notebook.cells[1].outputs = _output(shown)
        facts = page.Facts("a", "2026Q3", "2026-10-22", {}, {}, {}, "r" * 64, language=name)
        (tmp_path / "page.html").write_text(page.render(notebook, facts), encoding="utf-8")
        with opened(browser, tmp_path / "page.html") as (tab, _):
            table = tab.locator("main table").first
            table.locator("thead button").nth(2).press("Enter")
            assert table.locator("tbody tr").first.locator("td").nth(1).text_content() == largest
            table.locator("thead button").nth(1).press("Enter")
            assert "".join(table.locator("tbody th").all_text_contents()) == "adbc"


def test_one_switch_opens_all_code(browser, whole):
    with opened(browser, whole) as (tab, _):
        switch = tab.locator("nav button")
        for pressed in ("true", "false"):
            switch.press("Enter")
            assert switch.get_attribute("aria-pressed") == pressed
            states = tab.evaluate("[...document.querySelectorAll('details.code')].map((one) => one.open)")
            assert len(states) == 4
            assert set(states) == {pressed == "true"}


def test_the_list_of_sections_leaves_a_phone_its_first_screen_and_stays_where_scripts_are_off(browser, whole):
    phone = {"viewport": {"width": 390, "height": 844}}
    for more, shown in (({}, True), (phone, False), (phone | {"java_script_enabled": False}, True)):
        with opened(browser, whole, **more) as (tab, _):
            assert tab.get_by_role("link", name="9.2 Figures").is_visible() == shown
    with opened(browser, whole, **phone) as (tab, _):
        assert tab.locator("section.answer").bounding_box()["y"] < 500


def test_a_drawing_has_the_colours_of_its_page(browser, whole):
    pixels = []
    for scheme in ("light", "dark"):
        with opened(browser, whole, color_scheme=scheme) as (tab, _):
            drawn = tab.locator("figure img")
            drawn.scroll_into_view_if_needed()
            picture = tab.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            pixels.append((picture, drawn.screenshot()))
    assert [background for background, _ in pixels] == ["rgb(255, 255, 255)", "rgb(18, 24, 31)"]
    for (_, shot), (ground, mark) in zip(
        pixels, [((255, 255, 255), (11, 110, 143)), ((18, 24, 31), (92, 192, 224))], strict=True
    ):
        colours = dict((colour, n) for n, colour in Image.open(io.BytesIO(shot)).convert("RGB").getcolors(2**24))
        assert max(colours, key=colours.get) == ground
        assert colours.get(mark, 0) > 50


def test_on_paper_data_and_methods_are_open_and_code_is_not(browser, whole):
    with opened(browser, whole) as (tab, _):
        tab.emulate_media(media="print")
        tab.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert tab.get_by_text("Rows, then columns.").is_visible()
        assert tab.locator("figure details table").is_visible()
        assert not tab.locator("details.code").first.is_visible()
        tab.evaluate("dispatchEvent(new Event('afterprint'))")
        assert not tab.evaluate("document.querySelector('figure details').open")

"""What every page must be in a browser: accessible, quiet, good on a phone, by keyboard, without scripts, on paper."""

import io
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_SHOWS = re.compile(rb"\s(Tj|TJ|Do)\b")  # what of a page of PDF shows text, or an image
FOCUSABLE = "a[href], button, summary, input, [tabindex='0']"


@contextmanager
def chromium():
    """A Chromium driven by Playwright; without one the test is skipped."""
    found = shutil.which("chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: make test-all installs it")
    if not found:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as starter:
        browser = starter.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(browser, path: Path, **context):
    """A page from its file, and what it asked for, said or let happen."""
    context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | context))
    tab, happened = context.new_page(), []
    tab.on("request", lambda one: happened.append(one.url) if not one.url.startswith(("file:", "data:")) else None)
    tab.on("console", lambda one: happened.append(one.text) if one.type == "error" else None)
    tab.on("pageerror", lambda one: happened.append(str(one)))
    tab.on("dialog", lambda one: (happened.append(one.message), one.dismiss()))
    tab.goto(path.resolve().as_uri())
    yield tab, happened
    context.close()


def audit(browser, path: Path) -> list[str]:
    """Why a page is not for everyone, or not from itself alone; empty if it is."""
    from axe_playwright_python.sync_playwright import Axe

    faults = []
    for scheme in ("light", "dark"):
        with opened(browser, path, color_scheme=scheme, viewport={"width": 1440, "height": 900}) as (tab, happened):
            for width in (1440, 834, 640, 390, 320):  # 640: a laptop at 200 %; 320: WCAG's reflow
                tab.set_viewport_size({"width": width, "height": 900})
                if (scheme, width) in {("light", 1440), ("light", 390), ("dark", 1440)}:  # dark is colours alone
                    found = Axe().run(tab, options={"resultTypes": ["violations"], "runOnly": WCAG}).response
                    faults += [f"{scheme} {width}: {one['id']}: {one['nodes'][0]['html'][:200]}"
                               for one in found["violations"]]  # fmt: skip
                if over := tab.evaluate("document.documentElement.scrollWidth - innerWidth"):
                    faults.append(f"{scheme} {width}: scrolls sideways by {over}")
            faults += [f"{scheme}: {what}" for what in happened]
    return [*faults, *_without_scripts(browser, path), *_unreached(browser, path), *on_paper(browser, path)]


def _without_scripts(browser, path: Path) -> list[str]:
    text = []
    for scripts in (True, False):
        with opened(browser, path, java_script_enabled=scripts) as (tab, _):
            text.append(tab.locator("main").text_content())
    return [] if text[0] == text[1] else ["without scripts the text is another"]


def _unreached(browser, path: Path) -> list[str]:
    """What a mouse reaches and the Tab key does not."""
    with opened(browser, path) as (tab, _):
        tab.evaluate(f'[...document.querySelectorAll("{FOCUSABLE}")].forEach((one, at) => (one.dataset.at = at))')
        every = "[...document.querySelectorAll('[data-at]')]"
        seen = f"{every}.filter((one) => one.checkVisibility()).map((one) => one.dataset.at)"
        wanted, reached = set(tab.evaluate(seen)), set()
        for _ in range(len(wanted) + 2):
            tab.keyboard.press("Tab")
            reached.add(tab.evaluate("document.activeElement.dataset.at"))
        texts = tab.evaluate(f"{every}.map((one) => one.outerHTML.slice(0, 80))")
        return [f"not reached by Tab: {texts[int(at)]}" for at in sorted(wanted - reached)]


def on_paper(browser, path: Path) -> list[str]:
    """Blank pages, and figures that one page does not hold."""
    import pypdf

    faults = []
    for paper, height in (("A4", 297), ("Letter", 279)):
        with opened(browser, path) as (tab, _):
            tab.emulate_media(media="print")
            room = (height - 2 * 16) * 96 / 25.4
            tall = tab.evaluate(
                "[...document.querySelectorAll('figure img')].map((one) => one.getBoundingClientRect().height)"
            )
            faults += [f"{paper}: a figure of {size:.0f} of {room:.0f} px" for size in tall if size > room]
            pages = [page.get_contents() for page in pypdf.PdfReader(io.BytesIO(tab.pdf(format=paper))).pages]
            faults += [f"{paper}: page {at} of {len(pages)} is blank" for at, page in enumerate(pages, start=1)
                       if page is None or not _SHOWS.search(page.get_data())]  # fmt: skip
    return faults

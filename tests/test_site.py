"""Does the site of the documentation need no network, and have each page, function, frame, screenshot and link?

``make docs`` runs these tests on the sample company in its normal size, and keeps the site in ``site/``.
"""

import os
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import pytest
from browser import chromium, opened
from desk import jupyterlab, run_all

from conftest import ROOT

sys.path.insert(0, str(ROOT / "docs" / "site"))
import build  # noqa: E402 it stands where the site does

pytestmark = pytest.mark.slow
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def site(pack, tmp_path_factory):
    pytest.importorskip("sphinx", reason="no Sphinx: make test-all installs it")
    kept = os.environ.get("SITE")
    home = pack.home
    out = Path(kept) if kept else tmp_path_factory.mktemp("site")
    shutil.rmtree(out, ignore_errors=True)
    screens = tmp_path_factory.mktemp("screens")
    with chromium() as browser:
        for name in NOTEBOOKS:
            with opened(browser, build.revision(home) / f"{name}.html") as (tab, _):
                tab.screenshot(path=screens / f"{name}.png")
        with jupyterlab(home, tmp_path_factory.mktemp("own")) as address:
            tab = browser.new_page(viewport={"width": 1440, "height": 900})
            run_all(tab, address, home / "lab" / "sample" / "2026Q3" / "cost_to_serve.ipynb")
            tab.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
            tab.wait_for_selector(".by-hand >> text=DRAFT")  # cells out of sight are not drawn
            tab.screenshot(path=screens / "in_JupyterLab,_a_draft.png")
    build.build(out, home=home, screens=screens)
    return SimpleNamespace(out=out, screens=screens)


class _Page(HTMLParser):
    """Links, places that can be linked to, and what a page loads."""

    def __init__(self, path):
        super().__init__()
        self.links, self.places, self.loads = [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.places |= {told[name] for name in ("id", "name") if told.get(name)}
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])
        self.loads += [told[name] for name in ("src", "href") if tag != "a" and told.get(name)]


def _pages(site):
    return {path: _Page(path) for path in sorted(site.out.rglob("*.html"))}


def test_every_link_leads_somewhere(site):
    pages, lost = _pages(site), []
    for path, page in pages.items():
        for link in page.links:
            file, _, place = link.partition("#")
            if re.match(r"[a-z]+:", link):
                continue
            there = (path.parent / unquote(file)).resolve() if file else path
            known = there in pages and (not place or unquote(place) in pages[there].places)
            if not known and not (there.is_file() and not place) and not _start_page(site, path, there):
                lost.append((path.name, link))
    assert lost == []


def _start_page(site, path, there):
    """A page of the pack links to its period's start page and to other revisions, which are not handed out with it."""
    return site.out / "pack" in path.parents and site.out / "pack" / "r1" not in there.parents


def test_nothing_is_loaded_from_elsewhere(site):
    for path, page in _pages(site).items():
        assert [what for what in page.loads if re.match(r"(https?:)?//", what)] == [], path.name
    with chromium() as browser:
        for name in ("index.html", "METHODS.html", "reference/satisfaction.html", "reference/frames.html"):
            with opened(browser, site.out / name) as (_, happened):
                assert happened == [], name


def test_the_search_works_from_a_file(site):
    with chromium() as browser, opened(browser, site.out / "search.html") as (tab, happened):
        tab.goto((site.out / "search.html").as_uri() + "?q=whale")
        tab.wait_for_selector(".search li a", timeout=20_000)
        assert "reference/present_cost.html" in " ".join(
            link.get_attribute("href") for link in tab.locator(".search li a").all()
        )
        assert happened == []


def test_every_name_and_frame_has_its_place(site):
    pages = _pages(site)
    for module in [name for group in build.GROUPS.values() for name in group]:
        places = pages[site.out / "reference" / f"{module}.html"].places
        assert {f"toolkit.{module}.{name}" for name in build.public(module)} - places == set(), module
    frames = pages[site.out / "reference" / "frames.html"].places
    assert {f"frame-{name.replace('_', '-')}" for name in build.frames_of()} - frames == set()


def test_what_a_page_shows_is_beside_the_cell_that_asks_for_it(site):
    page = (site.out / "reference" / "present_cost.html").read_text(encoding="utf-8")
    assert 'href="../pack/r1/cost_to_serve.html#s3.' in page
    assert re.search(r'<span class="n">present_cost</span><span class="o">\.</span><span class="n">whale</span>', page)


def test_the_first_page_shows_every_report_and_a_draft(site):
    index = (site.out / "index.html").read_text(encoding="utf-8")
    assert len(list(site.screens.glob("*.png"))) == len(NOTEBOOKS) + 1
    for shot in site.screens.glob("*.png"):
        assert f'src="_static/{shot.name}"' in index
        assert (site.out / "_static" / shot.name).stat().st_size > 20_000  # no blank picture


def test_pages_are_for_everyone(site):
    from axe_playwright_python.sync_playwright import Axe

    asked = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
    with chromium() as browser:
        for name in ("index", "TUTORIAL", "reference/index", "reference/cost", "reference/frames"):
            for width in (1440, 390):
                view = {"width": width, "height": 900}
                with opened(browser, site.out / f"{name}.html", viewport=view) as (tab, _):
                    found = Axe().run(tab, options=asked).response["violations"]
                    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == [], (name, width)
                    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, width)

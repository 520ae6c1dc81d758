"""Do reports give the sample company's planted truth back, and does every notebook run on it?"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from html.parser import HTMLParser

import disclosure
import nbformat
import numpy as np
import pandas as pd
import pytest
from babel.messages.pofile import read_po
from browser import audit, chromium, opened

import sample_company as sample
from conftest import ROOT
from toolkit import cli, company, cost, frames, lab, language, source
from toolkit.reporting import archive, page

QUARTERS = [f"{year}Q{q}" for year in (2024, 2025, 2026) for q in (1, 2, 3, 4)][2:11]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = ["ledger", "capacity", "work", "freight", "orders", "handling"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("sample")
    for name in ("params", "notebooks", "docs"):
        shutil.copytree(ROOT / name, home / name)
    return home


@pytest.fixture(scope="module")
def truth(home):
    found = company.load("sample", home)
    truth = sample.write(found.data / "raw", size="tiny")
    receipt = source.ingest(found, found.data / "raw")
    assert all(table.adds_up for table in receipt.tables.values())
    return truth


def _frames(home, period):
    found = company.load("sample", home)
    kept = frames.materialise(found, found.period(period), NAMES, found.data / "frames")
    return {name: frames.read(frame.path) for name, frame in kept.items()}


@pytest.mark.parametrize("period", QUARTERS)
def test_every_quarter_ties_to_the_cent_and_gives_the_planted_rates(home, truth, period):
    made = _frames(home, period)
    pools = cost.pool_costs(made["ledger"], made["capacity"], made["work"])
    costed, allocated = cost.charge_work(made["work"], pools)
    tie = cost.tie_out(made["ledger"], pools, allocated, costed, made["freight"])
    assert (tie["difference"] == 0).all()
    assert tie["posted"].iloc[-1] == made["ledger"]["amount"].sum() > 0
    assert (tie["unassigned"] == 0).all()  # freight: every invoice is of shipments
    worked = made["work"].groupby(["month", "pool"])["seconds"].sum().unstack() / 60
    planted = truth.pool_minutes.loc[[str(month)[:10] for month in worked.index], worked.columns]
    assert worked.to_numpy() == pytest.approx(planted.to_numpy(), rel=1e-12)
    monthly = pools.groupby(["month", "pool"]).agg(posted=("posted", "sum"), capacity_s=("capacity_s", "first"))
    rates = (monthly["posted"] * 60 / monthly["capacity_s"]).groupby("pool").agg(["min", "max"])
    for pool, rate in rates.iterrows():
        assert rate["min"] == rate["max"] == truth.pool_rates[pool]


def test_the_month_above_capacity_is_over_absorbed(home, truth):
    pool, month = truth.over_capacity
    quarter = pd.Period(month, "Q")
    made = _frames(home, f"{quarter.year}Q{quarter.quarter}")
    pools = cost.pool_costs(made["ledger"], made["capacity"], made["work"])
    over = pools[pools["over_absorbed"] < 0]
    assert {(row.pool, str(row.month)[:10]) for row in over.itertuples()} == {(pool, str(month)[:10])}


@pytest.fixture(scope="module")
def revision(home, truth):
    assert cli.main(["--home", str(home), "run", "sample", "2026Q3"]) == 0
    return home / "reports" / "sample" / "2026Q3" / "r1"


def test_every_notebook_runs_on_the_tiny_company(home, revision, capsys):
    pages = {path.stem for path in revision.glob("*.html")}
    assert pages == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert cli.main(["--home", str(home), "run", "sample", "2026Q3"]) == 0
    assert "unchanged, nothing was executed; r1 holds." in capsys.readouterr().out
    assert [path.name for path in revision.parent.glob("r*")] == ["r1"]


def test_every_notebook_runs_on_a_period_without_orders(home, truth, capsys):
    params = home / "params" / "sample" / "2024Q1.yaml"
    params.write_text("# before the first order\n")
    assert cli.main(["--home", str(home), "run", "sample", "2024Q1"]) == 0
    params.unlink()
    text = (home / "reports" / "sample" / "2024Q1" / "r1" / "segment_profile.html").read_text()
    assert "Nobody ordered in 2024Q1." in text
    assert "no clusters are sought" in text
    assert "no customer without agreement had bought a year before" in text


def test_published_tables_sum_to_the_same_total(revision):
    tables = revision / "tables" / "cost_to_serve"
    by_channel = pd.read_csv(tables / "cost_by_segment_channel.csv")
    by_region = pd.read_csv(tables / "cost_by_region.csv")
    tie = pd.read_csv(tables / "ledger_tie_out.csv").set_index("account")
    for column in ("n_orders", "net_revenue", "freight", "handling", "cost_to_serve", "margin"):
        assert by_channel[column].sum() == by_region[column].sum(), column
    assert by_region["cost_to_serve"].sum() == tie.loc["total", "allocated"]
    for name in ("order_class", "fulfilment", "product_group"):
        other = pd.read_csv(tables / f"cost_by_{name}.csv")
        for column in ("net_revenue", "cost_to_serve", "margin"):
            assert other[column].sum() == by_region[column].sum()
    falls = pd.read_csv(tables / "waterfall_by_segment.csv").groupby("step")["amount"].sum()
    assert falls["result"] == by_region["margin"].sum() == falls.drop("result").sum()
    assert pd.read_csv(tables / "cost_by_department.csv")["cost"].sum() == by_region["handling"].sum()
    assert pd.read_csv(tables / "whale_curve.csv")["profit"].sum() == by_region["margin"].sum()


@pytest.mark.slow
def test_published_tables_tell_no_small_group_even_if_all_are_solved_for(home, revision):
    """Two programmes for each group too small to be published: its number stays open by ten, its money by 10 euro."""
    found = company.load("sample", home)
    faults, attacked = disclosure.disclosed(found, "2026Q3", revision)
    assert faults == []
    assert len(attacked) == 7
    assert min(attacked.values()) >= 3
    for universe in disclosure.universes(found, "2026Q3"):
        a, b = disclosure.counted(revision, universe)
        name, cells = universe.small(found.settings.min_n)[0]
        group = np.repeat(cells, a.shape[1] // len(cells))
        low, high = disclosure.between(np.vstack([a, group]), np.append(b, 3.0), group, whole=True)
        assert (low, high) == (3, 3), name  # a table that told it would be found out


@pytest.mark.slow
def test_one_worker_another_zone_and_locale_and_a_terminal_give_the_same_bytes(home, revision, tmp_path):
    for name in ("params", "notebooks", "docs", "data"):
        shutil.copytree(home / name, tmp_path / name, ignore=shutil.ignore_patterns("frames", "raw"))
    mine, theirs = os.openpty()
    run = subprocess.Popen(
        [sys.executable, "-m", "toolkit.cli", "--home", tmp_path, "run", "sample", "2026Q3", "--workers", "1"],
        env=os.environ | {"TZ": "Pacific/Auckland", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "7"},
        stdout=theirs, stderr=theirs, cwd=ROOT,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    with suppress(OSError):  # the terminal is gone when its last process ends
        while piece := os.read(mine, 4096):
            seen += piece
    os.close(mine)
    assert run.wait() == 0, seen.decode()
    assert b"r1 archived" in seen
    assert b'"event"' not in seen  # a terminal shows bars and no lines of JSON

    def bytes_of(folder):
        files = (path for path in folder.rglob("*") if path.is_file() and path.name not in ("run.json", "chain.json"))
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}

    here, there = bytes_of(revision), bytes_of(tmp_path / "reports" / "sample" / "2026Q3" / "r1")
    assert {f"{path.stem}.html" for path in NOTEBOOKS} | {"manifest.json", "figures.parquet"} <= here.keys()
    assert {name for name in here.keys() | there.keys() if here.get(name) != there.get(name)} == set()


# -- by hand as by machine ---------------------------------------------------------------------------


def _tables(revision, report):
    return {path.stem: path.read_text() for path in (revision / "tables" / report).glob("*.csv")}


def _plain():
    """The environment of who runs a notebook by hand; which arithmetic BLAS takes is then the machine's own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    own.pop(frames.FRAMES_VARIABLE, None)
    return own


@pytest.mark.slow
@pytest.mark.parametrize("report", ["cost_to_serve", "governance"])  # JupyterLab runs all of them, below
def test_plain_papermill_gives_the_tables_of_the_archive(home, revision, report, tmp_path):
    parameters = revision / "parameters" / f"{report}.yaml"
    command = ["papermill", "-f", parameters, home / "notebooks" / f"{report}.ipynb", tmp_path / "out.ipynb"]
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)], cwd=home, capture_output=True, text=True,
        env=_plain() | {"TZ": "Asia/Tokyo"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    tables, _ = page.outputs(nbformat.read(tmp_path / "out.ipynb", as_version=4))
    assert tables == _tables(revision, report)


@pytest.mark.slow
def test_every_page_of_the_pack_is_for_everyone_and_painted_within_a_second(home, revision):
    pages = sorted(revision.glob("*.html"))
    views = [home / "reports" / "index.html", revision.parent / "index.html"]
    assert [path.stem for path in pages] == sorted(path.stem for path in NOTEBOOKS)
    painted = "performance.getEntriesByName('first-contentful-paint').at(0)?.startTime"
    with chromium() as browser:
        faults = {path: audit(browser, path) for path in [*pages, *views]}
        largest = max(pages, key=lambda path: path.stat().st_size)
        with opened(browser, largest) as (tab, _):
            seen = (tab.evaluate(painted) or tab.wait_for_timeout(50) for _ in range(100))  # its policy bars waiting
            assert next(filter(None, seen)) < 1000
        with opened(browser, views[0]) as (tab, _):
            field, rows = tab.get_by_label("Show rows with"), tab.locator("main tbody tr")
            periods = rows.locator("td:first-of-type").all_text_contents()
            for words in ("2026q3 sample", "no such thing"):
                field.fill(words)
                wanted = [period == "2026Q3" and words.startswith("2026q3") for period in periods]
                assert [row.is_visible() for row in rows.all()] == wanted
                assert tab.locator("[role=status]").text_content() == f"{sum(wanted)} / {len(periods)}"
    assert faults == {path: [] for path in [*pages, *views]}
    assert sum(path.stat().st_size for path in revision.rglob("*") if path.is_file()) < 6_000_000


class _Outline(HTMLParser):
    """Tags of a page and the texts that are its own: no code, and none that is said to be in English."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.texts, self.open = [], set(), []
        self.feed(path.read_text(encoding="utf-8").split('<h2 id="provenance">')[0])

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found.get("class")))
        self.texts |= {found[name] for name in ("alt", "aria-label") if found.get(name)}
        if tag not in ("meta", "img"):
            self.open.append(tag in ("style", "script", "pre", "code") or found.get("lang") == "en" and tag != "html")

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, text):
        if not any(self.open) and re.search("[A-Za-z]{2}", text):
            self.texts.add(" ".join(text.split()))


def _names(home):
    """What the company calls things by."""
    params = "\n".join(path.read_text() for path in home.glob("params/sample/*.yaml"))
    found = {text.strip(" \"'-}") for text in [*re.findall(r"\w+", params), *re.split(r"[:\n]", params)]}
    for path in (home / "data" / "sample").glob("warehouse-*/tables/*.parquet"):
        table = pd.read_parquet(path)
        for column in table.select_dtypes(["str", "object"]):
            values = table[column].dropna().astype("str").unique()
            found |= set(values) if len(values) < 500 else set()
    return found | {name.replace("_", " ") for name in found}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in language.languages() if name != "en"])
def test_a_pack_is_in_the_language_that_is_asked_for_and_nothing_else_of_it_changes(home, revision, tmp_path, name):
    shutil.copytree(home, tmp_path / "home")
    command = ["--home", str(tmp_path / "home")]
    assert cli.main([*command, "run", "sample", "2026Q3", "--set", f"language={name}", "--reason", "read in it"]) == 0
    assert cli.main([*command, "compare", "sample", "2026Q3"]) == 0
    said = language.CATALOGUES / f"{name}.po"
    with said.open("rb") as file:
        same = {each.id for each in read_po(file) if each.id and each.id == each.string}
    ours = archive.revisions(tmp_path / "home" / "reports" / "sample" / "2026Q3")[-1].folder
    for path in sorted(revision.glob("*.html")):
        english, other = _Outline(path), _Outline(ours / path.name)
        assert other.tags == english.tags
        both = {text for text in english.texts & other.texts if text not in same}
        figures = set(pd.read_parquet(revision / "figures.parquet")["figure_id"])
        left = {text for text in both if not {*re.split(", |: ", text)} <= _names(home) | same | figures}
        assert left - {"Sample company", "2026Q3"} == set()
        assert f'<html lang="{name}">' in (ours / path.name).read_text(encoding="utf-8")
    told, as_told = (pd.read_parquet(folder / "figures.parquet") for folder in (revision, ours))
    pd.testing.assert_frame_equal(told, as_told)
    with chromium() as browser:
        assert audit(browser, ours / "cost_to_serve.html") == []
        assert audit(browser, ours.parent / "index.html") == []
        assert audit(browser, next(ours.parents[1].glob(f"compared/*-{ours.name}.html"))) == []


@pytest.mark.slow
def test_every_report_of_the_pack_is_verified_to_be_what_was_archived(home, revision, capsys):
    assert cli.main(["--home", str(home), "verify", "sample", "2026Q3/r1"]) == 0
    lines = ["unanchored: no head is signed, and none that was kept elsewhere is given (--head FILE)"]
    lines += ["r1 is a draft: nobody signed it"]
    lines += [f"{path.stem}: identical; frames as from the warehouse now" for path in NOTEBOOKS]
    assert capsys.readouterr().out.splitlines() == lines


@pytest.fixture(scope="module")
def jupyter(home, revision, tmp_path_factory):
    """JupyterLab as ``toolkit lab`` opens it on the archived period: its address, and the folder of the copies."""
    pytest.importorskip("jupyterlab", reason="no JupyterLab: make test-all installs it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = tmp_path_factory.mktemp("jupyter")
    server = subprocess.Popen(
        [sys.executable, "-m", "toolkit.cli", "--home", home, "lab", "sample", "2026Q3", "--", "--no-browser",
         "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=t", "--ServerApp.disable_check_xsrf=True"],
        env={**_plain(), "JUPYTER_CONFIG_DIR": str(own), "JUPYTER_DATA_DIR": str(own / "share")}, cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    yield f"http://127.0.0.1:{port}", home / "lab" / "sample" / "2026Q3"
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(30)


@pytest.mark.slow
def test_jupyterlab_gives_the_tables_of_the_archive(jupyter, revision):
    address, folder = jupyter
    with chromium() as browser:
        tab = browser.new_page()
        for path in NOTEBOOKS:
            executed = _run_all(tab, address, folder / path.name)
            assert page.outputs(executed)[0] == _tables(revision, path.stem), path.stem
            told = [out.get("data", {}).get("text/html", "") for out in _outputs(executed)]
            shown = [html for html in told if 'class="by-hand"' in html]
            assert len(shown) == 1, shown  # a draft, and nothing out of order
            assert "<strong>DRAFT</strong>" in shown[0]
            assert f'/{revision.name}/{path.stem}.html"' in shown[0]


def _outputs(executed):
    return [out for cell in executed.cells for out in cell.get("outputs", [])]


@pytest.mark.slow
def test_jupyterlab_tells_what_an_analyst_gets_wrong(jupyter, home, revision):
    """A parameter of the wrong type, another period, a kernel that is interrupted in mid-run and started again."""
    address, folder = jupyter
    path = folder / "cost_to_serve.ipynb"
    path.unlink(missing_ok=True)  # what the test before it left: a copy anew has run nothing
    lab.desk(company.load("sample", home), "2026Q3")
    clean = path.read_text()
    with chromium() as browser:
        tab = browser.new_page()
        path.write_text(clean.replace("confidence: float = 0.95", 'confidence: float = \\"high\\"'))
        executed = _run_all(tab, address, path, ends="error")
        errors = [out for out in _outputs(executed) if out.output_type == "error"]
        assert [error.ename for error in errors] == ["ParamsError"]
        where = "lab/sample/2026Q3/cost_to_serve.ipynb, parameters cell, line 3"
        assert errors[0].evalue == f"{where}: 'confidence' must be float, found str 'high'."

        other, _ = lab.desk(company.load("sample", home), "2026Q2")
        tables = page.outputs(_run_all(tab, address, other / path.name))[0]
        assert set(tables) == set(_tables(revision, path.stem))
        assert tables["cost_by_region"] != _tables(revision, path.stem)["cost_by_region"]

        path.write_text(clean)
        _run_all(tab, address, path, ends="interrupted")
        executed = _run_all(tab, address, path, ends="restarted")
        assert page.outputs(executed)[0] == _tables(revision, path.stem)


def _run_all(tab, address, notebook, *, ends="whole"):
    """Open a notebook in JupyterLab, run all its cells and save it, as a person would; the notebook as it then is.

    ``ends``: "whole", "error" (in a cell), "interrupted" (while it runs, the kernel left as it is), or "restarted" (the
    notebook is open, its kernel restarted, then whole).
    """

    def kernels():
        return tab.request.get(f"{address}/api/kernels?token=t").json()

    def until(what, seconds=120):
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, f"{notebook.stem}: waited {seconds} s in vain"
            tab.wait_for_timeout(250)

    def up():
        with suppress(Exception):  # the server is not there yet: playwright has an error of its own for that
            return tab.request.get(f"{address}/api?token=t").ok
        return False

    def cells():
        tab.keyboard.press("Control+s")
        tab.wait_for_timeout(1000)
        return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]

    def ended():
        told = cells()
        failed = any(out.output_type == "error" for cell in told for out in cell.outputs)
        return failed if ends in ("error", "interrupted") else all(cell.execution_count for cell in told)

    def idle():  # Run All is lost on a kernel that only seems idle: it must be connected too
        return any(one["execution_state"] == "idle" and one["connections"] >= 1 for one in kernels())

    def interrupt():
        return tab.request.post(f"{address}/api/kernels/{kernels()[0]['id']}/interrupt?token=t").ok

    until(up)
    if ends != "restarted":
        tab.goto(f"{address}/lab/tree/{notebook.relative_to(notebook.parents[3]).as_posix()}?token=t&reset")
        tab.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    else:
        tab.request.post(f"{address}/api/kernels/{kernels()[0]['id']}/restart?token=t")
        tab.wait_for_timeout(2000)
    until(idle)
    tab.click("text=Run >> nth=0")
    tab.click("text=Run All Cells >> nth=0")
    if ends == "interrupted":
        until(lambda: any(cell.execution_count for cell in cells()[1:]))
        until(lambda: interrupt() and ended())  # one that falls between two cells is lost: a person presses again
    until(ended)
    if ends != "interrupted":
        for one in kernels():
            tab.request.delete(f"{address}/api/kernels/{one['id']}?token=t")
    return nbformat.read(notebook, as_version=4)

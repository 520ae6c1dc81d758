"""By hand as by machine: do JupyterLab and papermill give an analyst the tables of the archive, and its messages?"""

import subprocess
import sys

import nbformat
import pytest
from browser import chromium
from desk import by_hand, jupyterlab, run_all

from conftest import ROOT
from toolkit import company, lab
from toolkit.reporting import page

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def _tables(revision, report):
    return {path.stem: path.read_text() for path in (revision / "tables" / report).glob("*.csv")}


@pytest.mark.slow
@pytest.mark.parametrize("report", ["cost_to_serve", "governance"])  # JupyterLab runs all of them, below
def test_plain_papermill_gives_the_tables_of_the_archive(pack, report, tmp_path):
    parameters = pack.revision / "parameters" / f"{report}.yaml"
    command = ["papermill", "-f", parameters, pack.home / "notebooks" / f"{report}.ipynb", tmp_path / "out.ipynb"]
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)], cwd=pack.home, capture_output=True, text=True,
        env=by_hand() | {"TZ": "Asia/Tokyo"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    tables, _ = page.outputs(nbformat.read(tmp_path / "out.ipynb", as_version=4))
    assert tables == _tables(pack.revision, report)


@pytest.fixture(scope="module")
def jupyter(pack, tmp_path_factory):
    """JupyterLab on the archived period: its address, and the folder of the copies."""
    with jupyterlab(pack.home, tmp_path_factory.mktemp("jupyter")) as address:
        yield address, pack.home / "lab" / "sample" / "2026Q3"


@pytest.mark.slow
def test_jupyterlab_gives_the_tables_of_the_archive(jupyter, pack):
    address, folder = jupyter
    with chromium() as browser:
        tab = browser.new_page()
        for path in NOTEBOOKS:
            executed = run_all(tab, address, folder / path.name)
            assert page.outputs(executed)[0] == _tables(pack.revision, path.stem), path.stem
            told = [out.get("data", {}).get("text/html", "") for out in _outputs(executed)]
            shown = [html for html in told if 'class="by-hand"' in html]
            assert len(shown) == 1, shown  # a draft, and nothing out of order
            assert "<strong>DRAFT</strong>" in shown[0]
            assert f'/{pack.revision.name}/{path.stem}.html"' in shown[0]


def _outputs(executed):
    return [out for cell in executed.cells for out in cell.get("outputs", [])]


@pytest.mark.slow
def test_jupyterlab_tells_what_an_analyst_gets_wrong(jupyter, pack):
    """A parameter of the wrong type, another period, a kernel that is interrupted in mid-run and started again."""
    address, folder = jupyter
    path = folder / "cost_to_serve.ipynb"
    path.unlink(missing_ok=True)  # what the test before it left: a copy anew has run nothing
    lab.desk(company.load("sample", pack.home), "2026Q3")
    clean = path.read_text()
    with chromium() as browser:
        tab = browser.new_page()
        path.write_text(clean.replace("confidence: float = 0.95", 'confidence: float = \\"high\\"'))
        executed = run_all(tab, address, path, ends="error")
        errors = [out for out in _outputs(executed) if out.output_type == "error"]
        assert [error.ename for error in errors] == ["ParamsError"]
        where = "lab/sample/2026Q3/cost_to_serve.ipynb, parameters cell, line 3"
        assert errors[0].evalue == f"{where}: 'confidence' must be float, found str 'high'."

        other, _ = lab.desk(company.load("sample", pack.home), "2026Q2")
        tables = page.outputs(run_all(tab, address, other / path.name))[0]
        assert set(tables) == set(_tables(pack.revision, path.stem))
        assert tables["cost_by_region"] != _tables(pack.revision, path.stem)["cost_by_region"]

        last = "present.theme(language)"  # of the second cell, which then takes its time
        assert clean.count(last) == 1
        path.write_text(clean.replace(last, f"{last}\\n__import__('time').sleep(90)"))
        run_all(tab, address, path, ends="interrupted")
        path.write_text(clean)
        executed = run_all(tab, address, path, ends="restarted")
        assert page.outputs(executed)[0] == _tables(pack.revision, path.stem)

"""A company whose every text means ill: does any of it run, and does anything of one person ever leave?"""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser import chromium, opened

import sample_company as sample
from conftest import ROOT
from toolkit import cli, company
from toolkit.contract import TABLES

pytestmark = pytest.mark.slow
PERIOD = "2026Q3"
OWN = "canary-own-id-7f3a"  # what one customer is called in the raw files
PASSWORD, KEY = "canary-password-7f3a", "ca" * 32
CANARIES = [  # each in one row of every text column
    "Canary Janssen", "canary.janssen@example.org", "+31 6 7350 7350", "NL91ABNA0417164300",
    f"postgres://canary:{PASSWORD}@db/x",
]  # fmt: skip
RUN = "window.__ran=1"
PAYLOADS = [
    f"<script>{RUN}</script>", f"<img src=x onerror={RUN}>", f"<svg onload={RUN}>", f'" onmouseover="{RUN}" x="',
    f"</style><script>{RUN}</script>", f"javascript:{RUN}", f"<iframe srcdoc='<script>parent.{RUN}</script>'>",
    f"{{{{ {RUN} }}}}", f"</script><script>{RUN}</script>", f"[a](javascript:{RUN})", f"<details open ontoggle={RUN}>",
]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The tiny sample company, poisoned: its notebooks and params, raw files written, nothing ingested."""
    home = tmp_path_factory.mktemp("hostile")
    for name in ("params", "notebooks", "docs"):
        shutil.copytree(ROOT / name, home / name)
    found = company.load("sample", home)
    sample.write(found.data / "raw", size="tiny")
    words = "\n".join(path.read_text(encoding="utf-8") for path in (home / "params" / "sample").glob("*.yaml"))
    for number, path in enumerate(sorted((found.data / "raw").iterdir())):
        _poison(path, words, number)
    _poison_params(home / "params" / "sample")
    return home


def _columns(table: str) -> list[str]:
    return [
        column.name for column in TABLES[table].columns
        if column.type == "text" and not (column.allowed or column.references or column.person)
        and column.name not in TABLES[table].key
    ]  # fmt: skip


def _poison(path: Path, words: str, number: int) -> None:
    """Each canary in a row of its own of every text column; the commonest value that params do not name, a script."""
    packed = path.suffix == ".parquet"
    rows = pq.read_table(path).to_pandas() if packed else pd.read_csv(path, dtype="str", keep_default_na=False)
    if path.stem == "products":  # what enough customers bought is the company's own word: here, what nobody did
        new = rows.head(len(CANARIES)).assign(product_id=[f"new {i}" for i in range(len(CANARIES))])
        rows = pd.concat([rows, new], ignore_index=True)
    for at, name in enumerate(column for column in _columns(path.stem) if column in rows):
        common = [value for value in rows[name].dropna().value_counts().index if value and value not in words][:1]
        payload = PAYLOADS[(number + at) % len(PAYLOADS)]
        rows[name] = rows[name].astype("object").replace(dict.fromkeys(common, payload))
        places = [int(len(rows) * 0.97) - 7 * i for i in range(len(CANARIES))]
        places = list(rows.index[-len(CANARIES) :]) if path.stem == "products" else places
        for place, canary in zip(places, CANARIES, strict=True):
            if 0 <= place < len(rows):
                rows.iloc[place, rows.columns.get_loc(name)] = canary
    for column in TABLES[path.stem].columns:
        if column.person and column.name in rows:
            rows[column.name] = rows[column.name].replace({_busiest(path.parent): OWN})
    if packed:
        pq.write_table(pa.Table.from_pandas(rows, schema=pq.read_schema(path), preserve_index=False), path)
    else:
        rows.to_csv(path, index=False)


def _busiest(raw: Path, known: list = []) -> str:  # noqa: B006 - asked for once
    if not known:
        orders = pq.read_table(raw / "orders.parquet", columns=["customer_id", "ordered_at"]).to_pandas()
        known.append(orders[orders["ordered_at"] >= "2026-07-01"]["customer_id"].value_counts().index[0])
    return known[0]


def _poison_params(folder: Path) -> None:
    """Titles, names and reasons that people type."""
    for path, names in {
        "base.yaml": ("title",), "decisions.yaml": ("name", "team", "owner", "root_cause", "countermeasure"),
        "policies.yaml": ("name",),
    }.items():  # fmt: skip
        text = (folder / path).read_text(encoding="utf-8")
        for at, name in enumerate(names):
            payload = PAYLOADS[at % len(PAYLOADS)]
            text = re.sub(
                rf"(?m)^(\s*(?:- )?{name}: )(.+)$", lambda m, p=payload: m[1] + json.dumps(f"{m[2]} {p}"), text
            )
        (folder / path).write_text(text, encoding="utf-8")


def _told(folder: Path) -> str:
    """All that files say, Parquet files too."""
    parts = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            parts.append(path.read_bytes().decode("latin-1"))
            parts.append(str(pq.read_table(path).to_pydict()) if path.suffix == ".parquet" else "")
    return "\n".join(parts)


def _leaked(text: str) -> list[str]:
    return [canary for canary in (*CANARIES, OWN, PASSWORD, KEY) if canary in text]


@pytest.fixture(scope="module")
def packed(home):
    """Its pack, and what the terminal said of ingest and run."""
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    with redirect_stdout(StringIO()) as out, redirect_stderr(out):
        raw = str(company.load("sample", home).data / "raw")
        codes = [cli.main(["--home", str(home), "ingest", "sample", "--from", raw])]
        codes.append(cli.main(["--home", str(home), "run", "sample", PERIOD]))
    assert codes == [0, 0], out.getvalue()[-3_000:]
    return home / "reports" / "sample" / PERIOD / "r1", out.getvalue()


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("TOOLKIT_KEY_SAMPLE", KEY)


def test_nothing_of_one_person_is_in_the_archive_its_views_or_the_terminal(home, packed):
    revision, said = packed
    assert len(list(revision.glob("*.html"))) == len(list((ROOT / "notebooks").glob("*.ipynb")))
    assert _leaked(_told(home / "reports")) == []
    assert _leaked(said) == []


def test_no_script_of_the_data_runs_in_a_browser(home, packed):
    with chromium() as browser:
        pages = sorted((home / "reports").rglob("*.html"))
        shown = ""
        for path in pages:
            with opened(browser, path) as (tab, happened):
                for summary in tab.locator("summary").all():
                    if summary.is_visible():
                        summary.click()
                tab.mouse.move(300, 300)
                assert tab.evaluate("window.__ran") is None, path.name
                assert happened == [], path.name
                shown += tab.locator("body").text_content()
        found = [payload for payload in PAYLOADS if payload in shown]
        assert len(found) >= 6, found  # they were there, as text


FAILURES = {
    "a cell that quotes its data": "raise KeyError(str({name: sorted(set(map(str, rows[name]))) for name in rows}))",
    "a cell that prints them": "print(rows.to_string())\nraise ValueError('no')",
    "a cell that shows them": "rows",
    "a kernel that dies": "print(rows.to_string())\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_nothing_of_one_person_is_told_when_a_notebook_fails(home, packed, capfd, failure):
    notebook = nbformat.read(ROOT / "notebooks" / "cost_to_serve.ipynb", as_version=4)
    head = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    read = "import pandas as pd\nfrom toolkit import frames\nframe = frames.reader(company, period)\n"
    read += "rows = pd.concat([frame('sent_orders'), frame('short_lines'), frame('contacts')]).astype('object')\n"
    read += "pd.set_option('display.max_rows', None, 'display.max_columns', None, 'display.max_colwidth', None)"
    cells = [nbformat.v4.new_markdown_cell("# Bad"), head]
    cells += [nbformat.v4.new_code_cell(source) for source in (read, FAILURES[failure])]
    path = home / "notebooks" / "bad.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata), path)
    try:
        assert cli.main(["--home", str(home), "run", "sample", PERIOD, "--only", "bad"]) == 4
    finally:
        path.unlink()
    said = capfd.readouterr()
    assert "notebooks/bad.ipynb" in said.err
    assert _leaked(said.out + said.err) == []
    assert _leaked(_told(home / "reports")) == []


def test_nothing_is_told_when_ingest_params_or_a_warehouse_fail(home, packed, capfd, monkeypatch, tmp_path):
    for name in ("params", "notebooks", "docs"):
        shutil.copytree(home / name, tmp_path / name)
    base = tmp_path / "params" / "sample" / "base.yaml"
    text, raw = base.read_text(encoding="utf-8"), str(home / "data" / "sample" / "raw")
    select = tmp_path / "params" / "sample" / "source" / "orders.sql"
    clean = select.read_text(encoding="utf-8")
    breaks = {
        "values that do not fit": lambda: select.write_text(clean.replace("ordered_at", "channel AS ordered_at", 1)),
        "a value that cannot be cast": lambda: select.write_text(
            clean.replace("ordered_at", "CAST(channel AS TIMESTAMP) AS ordered_at", 1)
        ),
        "a key that is none": lambda: (base.write_text(text + "\n  pseudonym_key: environment\n"),
                                       monkeypatch.setenv("TOOLKIT_KEY_SAMPLE", KEY[:-1])),
    }  # fmt: skip
    for what, broken in breaks.items():
        broken()
        assert cli.main(["--home", str(tmp_path), "ingest", "sample", "--from", raw]) in (2, 3), what
        select.write_text(clean, encoding="utf-8")
        base.write_text(text, encoding="utf-8")
    for address in (f"postgres://canary:{PASSWORD}@127.0.0.1:9/x", "postgres://canary@127.0.0.1:9/x"):
        base.write_text(re.sub(r"(?m)^(  title:.*)$", lambda m, a=address: f"{m[1]}\n  warehouse: {a}", text))
        assert cli.main(["--home", str(tmp_path), "check", "sample"]) == 2
    said = capfd.readouterr()
    assert _leaked(said.out + said.err) == []
    assert _leaked(_told(tmp_path / "reports") if (tmp_path / "reports").exists() else "") == []

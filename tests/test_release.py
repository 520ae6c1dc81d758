"""Does anything leave that must not: persons, contacts, secrets, in any kind of output, page, message or log?"""

import base64
import json
import struct
import subprocess
import sys
import zlib

import nbformat
import pandas as pd
import pytest
from test_runner import Project

from conftest import ROOT
from toolkit import cli, present
from toolkit.errors import ParamsError
from toolkit.reporting import archive, ledger, release

PERSON, MAIL, PHONE = "0123456789abcdef01234567", "jan.jansen@example.org", "+31 6 1234 5678"
ACCOUNT, URL, SECRET = "NL91 ABNA 0417 1643 00", "postgres://jan:hunter2@db/x", "s3cr3t-of-the-house"
LEAKS = {
    "the pseudonym of a person": PERSON,
    "an e-mail address": MAIL,
    "a telephone number": PHONE,
    "a bank account": ACCOUNT,
    "a password in an address": URL,
    "a secret of the environment": SECRET,
}


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("TOOLKIT_KEY_ACME", SECRET)


def picture(comment: str) -> str:
    """A PNG of one point with a comment, as base64."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    body = chunk(b"tEXt", b"Comment\0" + comment.encode()) + chunk(b"IDAT", zlib.compress(b"\0\0"))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")).decode()


def executed(**output) -> nbformat.NotebookNode:
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_markdown_cell("# A"), nbformat.v4.new_code_cell("1", outputs=[output])]
    return nbformat.from_dict(made)


def shown(data: dict, **metadata) -> nbformat.NotebookNode:
    return executed(output_type="display_data", data=data, metadata=metadata)


@pytest.mark.parametrize("kind", LEAKS)
@pytest.mark.parametrize(
    "output",
    [
        lambda text: shown({"text/html": f"<p>{text}</p>"}),
        lambda text: shown({"text/plain": text}),
        lambda text: shown({"text/html": "<p>fine</p>", "text/plain": text}),
        lambda text: shown({"application/json": {"a": [{"b": text}]}}),
        lambda text: shown({"application/vnd.of.somebody+json": {text: 1}}),
        lambda text: shown({"image/svg+xml": f"<svg><desc>{text}</desc></svg>"}),
        lambda text: shown({"image/png": picture(text)}),
        lambda text: shown({"text/plain": "1"}, more={"a": text}),
        lambda text: shown({present.TABLE_MIME: {"name": "a", "csv": f"x\n{text}\n"}}),
        lambda text: executed(output_type="stream", name="stdout", text=f"at {text}\n"),
        lambda text: executed(output_type="error", ename="KeyError", evalue=repr(text), traceback=[f"{text}\n"]),
    ],
)
def test_every_kind_of_output_is_looked_at(kind, output):
    found = output(LEAKS[kind])
    assert release.unfit(found.cells, "", {}) == [f"{kind} (cell 2)"]
    cleaned = json.dumps(release.cleaned(found, ()))
    assert LEAKS[kind] not in cleaned
    assert picture(LEAKS[kind])[:200] not in cleaned


def test_pages_tables_and_heads_are_looked_at():
    nothing = executed(output_type="stream", name="stdout", text="3 rows\n")
    assert release.unfit(nothing.cells, "<p>fine</p>", {"a": "region,n\nnorth,3\n"}) == []
    told = {"a": 'region,"postcode",customer_id\nnorth,1,2\n', "b": f"region\n{MAIL}\n"}
    assert release.unfit(nothing.cells, f"<p>{PHONE}</p>", told) == [
        "the personal column 'customer_id' (table a)", "the personal column 'postcode' (table a)",
        "an e-mail address (table b)", "a telephone number (page)",
    ]  # fmt: skip


def test_what_a_cell_prints_may_quote_no_value_of_few_rows(tmp_path):
    path = tmp_path / "orders.parquet"
    rows = {"carrier": ["parcel"] * 20 + ["Jan Jansen"], "customer_id": ["abc"] * 21, "n": range(21)}
    pd.DataFrame(rows).to_parquet(path)
    assert release.rare([path]) == {"Jan Jansen", "abc"}
    for text, kinds in (("by Jan Jansen", 1), ("by parcel", 0), ("Jan Jansens", 0), ("abc", 1)):
        found = executed(output_type="stream", name="stdout", text=text)
        assert release.unfit(found.cells, "", {}, [path]) == ["a value of few rows (cell 2)"] * kinds
    made = shown({"text/html": "<p>Jan Jansen</p>"})  # of the toolkit, which publishes no group that is too small
    assert release.unfit(made.cells, "", {}, [path]) == []


@pytest.mark.parametrize(
    "text",
    [
        "1,234,567.89 12 345 678 0.0123456789 2026-07-01 12:00:00 1e-10 100 %",
        "a1b2c3d4e5f60718 " + "0123456789abcdef" * 4,  # digests
        "10 to 20, 0-10, +12.5 points, 2026Q3, -0.000000123456, 00:00:00, +3",
        "GB29 NWBK 6016 1331 9268 18",  # whose check digits do not fit
        "@media print { } https://example.org:8080/a @ home, matplotlib@3",
        "O2026070100000001 P0012345678 order-0612345678x",
    ],
)
def test_numbers_digests_and_code_are_no_contacts(text):
    assert release.found(text) == {}


@pytest.mark.parametrize(
    "text", ["06-12345678", "0612345678", "020 1234567", "+44 (0)20 7946 0958", "0031 6 12345678", "+15551234567"]
)
def test_telephone_numbers_are_known_in_many_ways(text):
    assert list(release.found(f"call {text}, please")) == ["a telephone number"]


def _bytes_below(folder) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


LEAKING = {
    "hidden": "from IPython.display import display\ndisplay({'text/plain': '1', 'application/json': [TEXT]}, raw=True)",
    "printed": "print(TEXT)",
    "raised": "raise KeyError(TEXT)",
    "chained": "try:\n    raise KeyError(TEXT)\nexcept KeyError as error:\n    raise ValueError('no') from error",
    "warned": "import sys\nprint(TEXT, file=sys.stderr)",
    "noted": "error = ValueError('no')\nerror.add_note(TEXT)\nraise error",
}


@pytest.mark.slow
def test_nothing_that_a_notebook_leaks_is_in_any_byte_or_message(tmp_path, monkeypatch, capsys):
    """Each way to leak each kind, and a value of one row: the pack stops, naming cell and kind; the others go on."""
    project = Project(tmp_path)
    leaks = [*LEAKS.values(), "Jan Jansen of Haarlem"]
    for name, source in LEAKING.items():
        project.rows[name] = ["Jan Jansen of Haarlem", "o2"]
        parts = " + ' ' + ".join(f"bytes.fromhex({leak.encode().hex()!r}).decode()" for leak in leaks)
        project.notebook(name, source.replace("TEXT", f"({parts})"))
    project.quick_report("service")
    events = []
    message, revisions = project.refusals(*LEAKING, "service", tell=events.append)
    assert revisions == ["r1"]
    archived = _bytes_below(tmp_path / "reports")
    for leak in leaks:
        assert leak not in message
        assert leak not in json.dumps(events, ensure_ascii=False)
        assert leak.encode() not in archived, leak
    kinds = ", ".join(f"{kind} (cell 4)" for kind in LEAKS)
    for kind in kinds.split(", "):
        assert kind in message
    assert message.count("a value of few rows (cell 4)") == 2  # of what is no table or figure of the toolkit
    assert ledger.runs(project.pack)[-1].state == "failed"
    assert archive.check(project.pack) == []


def test_a_message_tells_no_secret(monkeypatch, capsys, tmp_path):
    def told(options):
        raise ParamsError(f"no answer from {URL} with {SECRET}")

    def raised(options):
        raise RuntimeError(f"driver: {URL} with {SECRET}")

    for verb, code in ((told, 2), (raised, 1)):
        monkeypatch.setattr(cli, "_list", verb)
        assert cli.main(["list"]) == code
        said = capsys.readouterr()
        assert "hunter2" not in said.err + said.out
        assert SECRET not in said.err + said.out
        assert "[a password in an address]db/x with [a secret of the environment]" in said.err


def test_an_ordinary_run_of_the_command_line_tells_no_secret_either(tmp_path):
    """In a process of its own, with a traceback that Python would print."""
    code = f"import toolkit.cli as c\ndef f(o): raise OSError(99, {SECRET!r})\n"
    code += "c._list = f\nraise SystemExit(c.main(['list']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert SECRET not in done.stderr + done.stdout

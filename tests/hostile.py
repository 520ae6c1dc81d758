"""Broken raw files for ingest: a corpus by name, and drawn breakages of a clean file. No tests."""

import gzip
import io
import json
import random
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

CANARY = "canary-7f3a"  # in every comment: personal, never told
_ROOT = "getvariable('root') || '/"
_HEADS = {
    "orders": ["order_id", "customer_id", "ordered_at", "channel", "rush", "cancelled_at"],
    "order_lines": ["order_id", "line_no", "product_id", "quantity_ordered", "net_revenue"],
    "surveys": ["response_id", "customer_id", "order_id", "item", "invited_at", "score", "scale", "comment"],
}
_ROWS = 8


def _clean(table: str) -> list[list[str]]:
    at = [f"2026-07-0{1 + i % 9} 1{i}:00:00" for i in range(_ROWS)]
    cells = {
        "orders": lambda i: [f"O{i}", f"{CANARY}-c{i % 3}", at[i], "web", "false", ""],
        "order_lines": lambda i: [f"O{i}", "1", f"P{i % 4}", str(1 + i), str(1999 + i)],
        "surveys": lambda i: [
            f"R{i}", f"{CANARY}-c{i % 3}", f"O{i}", "recommend", at[i], str(i), "nps_0_10", f"{CANARY} said é, {i}",
        ],
    }  # fmt: skip
    return [_HEADS[table], *([*cells[table](i)] for i in range(_ROWS))]


def csv_of(rows: list[list[str]], delim: str = ",", end: str = "\n") -> bytes:
    """Rows as CSV, each cell quoted that needs it."""
    marks = set(delim + '"\r\n')
    quoted = [['"' + cell.replace('"', '""') + '"' if marks & set(cell) else cell for cell in row] for row in rows]
    return "".join(delim.join(row) + end for row in quoted).encode("utf-8", "surrogatepass")


READS = {  # how an analyst might write the read
    "named": "read_csv({file}, all_varchar = true, header = true, delim = ',', quote = '\"')",
    "rejects": "read_csv({file}, all_varchar = true, header = true, delim = ',', quote = '\"', store_rejects = true)",
    "guessed": "read_csv({file})",
    "lenient": "read_csv({file}, all_varchar = true, ignore_errors = true)",
    "padded": "read_csv({file}, all_varchar = true, delim = ',', quote = '\"', null_padding = true)",
    "loose": "read_csv({file}, all_varchar = true, strict_mode = false)",
    "latin": "read_csv({file}, all_varchar = true, delim = ',', quote = '\"', encoding = 'latin-1')",
    "utf16": "read_csv({file}, all_varchar = true, delim = ',', quote = '\"', encoding = 'utf-16')",
}


class Case:
    """Raw files by name, and the SELECT of each table."""

    def __init__(self, table: str, content: bytes, read: str = READS["named"], *, suffix: str = ".csv"):
        others = {"orders"} - {table}  # which every table here refers to
        self.files = {f"{name}.csv": csv_of(_clean(name)) for name in others}
        self.files[f"{table}{suffix}"] = content
        self.selects = {name: _select(f"{name}.csv", READS["named"]) for name in others}
        self.selects[table] = _select(f"{table}{suffix}", read)

    def write(self, home: Path) -> None:
        """Params and raw files below a folder that holds nothing yet."""
        source = home / "params" / "acme" / "source"
        source.mkdir(parents=True)
        (home / "raw").mkdir()
        block = {"title": "Acme", "zone": "Europe/Helsinki", "currency": "EUR", "pseudonym_key": "public"}
        text = "company: " + json.dumps(block | {"max_quarantined_share": 0.999})
        (source.parent / "base.yaml").write_text(text, encoding="utf-8")
        for name, content in self.files.items():
            (home / "raw" / name).write_bytes(content)
        for name, select in self.selects.items():
            (source / f"{name}.sql").write_text(select, encoding="utf-8")


def _select(name: str, read: str) -> str:
    return f"-- records of: {name}\nSELECT *\nFROM {read.format(file=_ROOT + name + chr(39))}\n"


# -- breakages of one file ---------------------------------------------------------------------

VALUES = [
    "1.234,56", "1,5", "1e3", "1E400", "NaN", "inf", "-0", "+7", "0x1F", "99999999999999999999", "9223372036854775807",
    "9223372036854775808", "-1", "1.", ".5", "1_000", "1 000", "45123", "45123.5", "2026-13-45", "31/12/2026",
    "12/31/2026", "31.12.2026", "2026-07-01T10:00:00+14:00", "2026-07-01 10:00:00-12:30", "2026-03-29 03:30:00",
    "2026-07-01 10:00:00 Europe/Paris", "0000-00-00", "1899-12-30", "9999-12-31", "infinity", "epoch", "24:00", "NULL",
    "null", "N/A", "-", "", " ", "\t", "true", "yes", "½", "１２", "٣", "'12", "=1+1", "@SUM(A1)", '{"a": 1}', '{"a":',
    "[1]", "a\0b", "\0", "\u2028", "\u202e", "\ufeff", "\U0001f600", "é" * 3, "e\u0301", "x" * 70_000, "O1", "O1 ",
    "o1", '"', '""', "'", "\\", "\\N", "a\nb", "a\r\nb", "a\rb", ",", ";", "{", "%s", "${HOME}", "../../etc/passwd",
    "file:///etc/passwd", "<script>", f"{CANARY}-c1", "\ud800",
]  # fmt: skip
NAMES = [
    "", " ", "order_id", "ORDER_ID", " order_id", "customer_id", "rowid", "_reason", "_cascade", "_emptied_channel",
    "removed_because", "select", 'a"b', "a'b", "a;b", "x" * 5_000, "é", "\0", "1", "column0", "filename", "*",
    "\ufeffid", "a.b", "$1", "?", "--",
]  # fmt: skip
BYTES = [
    b'"', b"'", b",", b";", b"\t", b"|", b"\r", b"\n", b"\r\n", b"\x1a", b"\0", b"\0" * 300, b"\xff", b"\xc3", b"\\",
    b"\xed\xa0\x80", b"\xf0\x9f", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b", b"PAR1", b"#", b"{", b"\x0c", b"\x85",
    b'""', b'"\n"', b"\n\n", b" " * 99, b"\xe2\x80\xa8", b"x" * 3_000,
]  # fmt: skip


def _rows(change: Callable[[list[list[str]], int, int], object]) -> Callable[[bytes, float, int], bytes]:
    """A breakage of rows as one of bytes: what is no clean file any more is left as it is."""

    def broken(content: bytes, at: float, n: int) -> bytes:
        try:
            rows = [line.split(",") for line in content.decode("utf-8").split("\n") if line]
        except UnicodeDecodeError:
            return content
        if rows:
            change(rows, int(at * len(rows)), n)
        return csv_of_parts(rows)

    return broken


def csv_of_parts(rows: list[list[str]]) -> bytes:
    """Rows of cells as they are, whatever stands in them."""
    return "".join(",".join(row) + "\n" for row in rows).encode("utf-8", "surrogatepass")


def _cell(rows: list[list[str]], at: int, n: int) -> None:
    rows[at][n % len(rows[at])] = VALUES[n // 8 % len(VALUES)]


def _name(rows: list[list[str]], at: int, n: int) -> None:
    rows[0][n % len(rows[0])] = NAMES[n // 8 % len(NAMES)]


def _wider(rows: list[list[str]], at: int, n: int) -> None:
    for i, row in enumerate(rows):
        row.extend([f"more{j}" if not i else "1" for j in range(n % 40)])


def _dated(rows: list[list[str]], at: int, n: int) -> None:
    """Three styles of dates in one column, and a spreadsheet's."""
    for i, row in enumerate(rows[1:]):
        row[n % len(row)] = ["2026-07-01", "31/12/2026", "12-31-26", "45123", "2026-07-01T10:00:00Z"][i % 5]


BREAKS: dict[str, Callable[[bytes, float, int], bytes]] = {
    "cut": lambda content, at, n: content[: int(at * len(content))],
    "beheaded": lambda content, at, n: content[int(at * len(content)) :],
    "a byte": lambda content, at, n: _put(content, at, bytes([n % 256]), 1),
    "bytes put in": lambda content, at, n: _put(content, at, BYTES[n % len(BYTES)], 0),
    "twice": lambda content, at, n: content + content[int(at * len(content)) :],
    "a cell": _rows(_cell),
    "a name": _rows(_name),
    "a cell less": _rows(lambda rows, at, n: rows[at].pop(n % len(rows[at])) if len(rows[at]) > 1 else None),
    "a cell more": _rows(lambda rows, at, n: rows[at].insert(n % (len(rows[at]) + 1), "more")),
    "a column less": _rows(lambda rows, at, n: [row.pop(n % len(row)) for row in rows if len(row) > 1]),
    "columns more": _rows(_wider),
    "a line again": _rows(lambda rows, at, n: rows.append(list(rows[at]))),
    "lines swapped": _rows(lambda rows, at, n: rows.insert(0, rows.pop(at))),
    "lines gone": _rows(lambda rows, at, n: rows.__delitem__(slice(at, None))),
    "a blank line": _rows(lambda rows, at, n: rows.insert(at, [""])),
    "dates": _rows(_dated),
    "shuffled": _rows(lambda rows, at, n: random.Random(n).shuffle(rows)),
    "other ends": lambda content, at, n: content.replace(b"\n", (b"\r", b"\r\n", b"\n\r", b"\n\n", b"\x0b")[n % 5]),
    "some other ends": lambda content, at, n: content.replace(b"\n", (b"\r", b"\r\n")[n % 2], 1 + n % 7),
    "other delimiters": lambda content, at, n: content.replace(b",", (b";", b"\t", b"|", b":", b", ", b"\x01")[n % 6]),
    "some other delimiters": lambda content, at, n: content.replace(b",", b";", 1 + n % 30),
    "quoted": lambda content, at, n: b"\n".join(b'"' + line + b'"' for line in content.split(b"\n")),
    "marked": lambda content, at, n: b"\xef\xbb\xbf" * (1 + n % 2) + content,
    "encoded": lambda content, at, n: _encoded(content, ENCODINGS[n % len(ENCODINGS)]),
    "nothing": lambda content, at, n: b"",
}
ENCODINGS = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "cp037", "utf-7", "mac-roman", "cp1251"]


def _put(content: bytes, at: float, more: bytes, instead_of: int) -> bytes:
    place = int(at * len(content))
    return content[:place] + more + content[place + instead_of :]


def _encoded(content: bytes, encoding: str) -> bytes:
    return content.decode("utf-8", "replace").encode(encoding, "replace")


def broken(table: str, breaks: list[tuple[str, float, int]]) -> bytes:
    """The clean file of a table after some breakages, one after the other."""
    content = csv_of(_clean(table))
    for name, at, n in breaks:
        content = BREAKS[name](content, at, n)
    return content


def packed_of(table: str, kind: str, breaks: list[tuple[str, float, int]]) -> Case:
    """A table as Parquet, JSON lines or gzip, broken as bytes."""
    rows = _clean(table)
    if kind == "parquet":
        content, read, suffix = parquet_of(_as_text(rows)), "read_parquet({file})", ".parquet"
    elif kind == "json":
        told = "".join(json.dumps(dict(zip(rows[0], row, strict=True))) + "\n" for row in rows[1:])
        content, read, suffix = told.encode(), "read_json({file})", ".jsonl"
    else:
        content, read, suffix = gzip.compress(csv_of(rows), mtime=0), READS["named"], ".csv.gz"
    for name, at, n in breaks:
        content = BREAKS[name](content, at, n)
    return Case(table, content, read, suffix=suffix)


breakages = st.tuples(st.sampled_from(sorted(BREAKS)), st.floats(0, 1, exclude_max=True), st.integers(0, 4_000))
cases = st.builds(
    lambda table, read, breaks: Case(table, broken(table, breaks), READS[read]),
    st.sampled_from(sorted(_HEADS)),
    st.sampled_from(sorted(READS)),
    st.lists(breakages, min_size=1, max_size=3),
)
packed = st.builds(
    packed_of,
    st.sampled_from(sorted(_HEADS)),
    st.sampled_from(["parquet", "json", "gzip"]),
    st.lists(st.tuples(st.sampled_from(["cut", "a byte", "bytes put in", "twice", "beheaded"]),
                       st.floats(0, 1, exclude_max=True), st.integers(0, 4_000)), min_size=1, max_size=3),
)  # fmt: skip


def _as_text(rows: list[list[str]]) -> pa.Table:
    return pa.table({name: [row[at] for row in rows[1:]] for at, name in enumerate(rows[0])})


def parquet_of(table: pa.Table, **options: object) -> bytes:
    """A table as the bytes of a Parquet file."""
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


# -- the corpus -------------------------------------------------------------------------------


def corpus() -> dict[str, Case]:
    """Broken files by name: what exports, spreadsheets, transfers and ill will bring."""
    found = {}
    for read in ("named", "rejects", "guessed", "lenient"):
        for name, content in _odd_csv().items():
            found[f"{name}, {read}"] = Case("orders", content, READS[read])
    for name, content in _odd_csv().items():
        if name.startswith("in "):
            found[f"{name}, named as what it is"] = Case("orders", content, READS["utf16" if "16" in name else "latin"])
    for name, table in _odd_tables().items():
        found[f"Parquet, {name}"] = Case("order_lines", parquet_of(table), "read_parquet({file})", suffix=".parquet")
    for name, content in _odd_parquet().items():
        found[f"Parquet, {name}"] = Case("order_lines", content, "read_parquet({file})", suffix=".parquet")
    for name, content in _odd_json().items():
        found[f"JSON, {name}"] = Case("orders", content, "read_json({file})", suffix=".json")
    for name, content in _odd_gzip().items():
        found[f"gzip, {name}"] = Case("orders", content, READS["named"], suffix=".csv.gz")
    return found


def _odd_csv() -> dict[str, bytes]:
    rows, clean = _clean("orders"), csv_of(_clean("orders"))

    def with_column(name: str, values: list[str]) -> bytes:
        at = rows[0].index(name)
        told = [[*row[:at], values[i % len(values)], *row[at + 1 :]] for i, row in enumerate(rows[1:])]
        return csv_of([rows[0], *told])

    wide = [[*row, *(f"c{j}" if not i else "" for j in range(10_000))] for i, row in enumerate(rows)]
    return {
        "nothing": b"",
        "a line end": b"\n",
        "a header": csv_of(rows[:1]),
        "a header without an end": csv_of(rows[:1]).strip(),
        "one row": csv_of(rows[:2]),
        "no header": csv_of(rows[1:]),
        "10,000 columns": csv_of(wide),
        "marked": b"\xef\xbb\xbf" + clean,
        "marked twice": b"\xef\xbb\xbf" * 2 + clean,
        "in latin-1": clean.replace(b"web", "wéb".encode("latin-1")),
        "in cp1252": clean.replace(b"web", "“web”".encode("cp1252")),
        "in UTF-16": _encoded(clean, "utf-16"),
        "in UTF-16 without its mark": _encoded(clean, "utf-16-le"),
        "in UTF-32": _encoded(clean, "utf-32"),
        "in EBCDIC": _encoded(clean, "cp037"),
        "CR alone": clean.replace(b"\n", b"\r"),
        "CRLF": clean.replace(b"\n", b"\r\n"),
        "ends that are mixed": clean.replace(b"\n", b"\r\n", 4),
        "ragged, a cell less": csv_of([*rows[:4], rows[4][:-1], *rows[5:]]),
        "ragged, a cell more": csv_of([*rows[:4], [*rows[4], "x"], *rows[5:]]),
        "a huge line": csv_of([*rows[:4], [*rows[4][:3], "x" * 3_000_000, *rows[4][4:]], *rows[5:]]),
        "zero bytes": clean.replace(b"web", b"w\0b", 3),
        "only zero bytes": b"\0" * 5_000,
        "a quote that is not closed": clean.replace(b"web", b'"web', 1),
        "a stray quote": clean.replace(b"web", b'w"eb', 1),
        "decimal commas": with_column("order_id", ["1,5", "2,5", "3,5"]),
        "three styles of dates": with_column("ordered_at", ["2026-07-01", "31/12/2026", "12/31/2026"]),
        "spreadsheet days": with_column("ordered_at", ["46204", "46204.5", "46205"]),
        "mixed zones": with_column("ordered_at", ["2026-07-01T10:00Z", "2026-07-01 10:00", "2026-07-01T10:00+14:00"]),
        "times that clocks skip": with_column("ordered_at", ["2026-03-29 03:30:00", "2026-10-25 03:30:00"]),
        "years far off": with_column("ordered_at", ["0001-01-01", "9999-12-31", "infinity", "-infinity"]),
        "a header twice": csv_of([[*rows[0][:-1], "order_id"], *rows[1:]]),
        "a header in capitals": csv_of([[name.upper() for name in rows[0]], *rows[1:]]),
        "a header renamed": csv_of([["order_number", *rows[0][1:]], *rows[1:]]),
        "a header with spaces": csv_of([[f" {name} " for name in rows[0]], *rows[1:]]),
        "an empty header": csv_of([["", *rows[0][1:]], *rows[1:]]),
        "the header again": csv_of([*rows[:5], rows[0], *rows[5:]]),
        "lines above the header": b"made by hand\n\n" + clean,
        "a sum below": clean + b"total,,,,,8\n",
        "blank lines": clean.replace(b"\n", b"\n\n"),
        "cut within a line": clean[:-20],
        "the same rows twice": clean + csv_of(rows[1:]),
        "keys that differ in spaces": with_column("order_id", ["O1", "O1 ", " O1", "o1"]),
        "a page in place of a file": b"<!DOCTYPE html><html><body>Sign in</body></html>",
        "a spreadsheet in place of a file": b"PK\x03\x04" + random.Random(1).randbytes(2_000),
        "noise": random.Random(2).randbytes(4_000),
        "an XML": b"<?xml version='1.0'?><orders><order id='1'/></orders>",
        "other letters for digits": with_column("rush", ["１", "٣", "½"]),
        "right to left": with_column("channel", ["\u202eweb", "\u2028", "\ufeffweb"]),
    }  # fmt: skip


def _odd_tables() -> dict[str, pa.Table]:
    good = _as_text(_clean("order_lines"))
    lines = pa.array(range(_ROWS), pa.int64())

    def replaced(name: str, values: pa.Array) -> pa.Table:
        return good.set_column(good.column_names.index(name), name, values)

    names = good.column_names
    return {
        "clean": good,
        "no rows": good.slice(0, 0),
        "one row": good.slice(0, 1),
        "10,000 columns": pa.table({**{n: good[n] for n in names}, **{f"c{i}": lines for i in range(10_000)}}),
        "lists": replaced("product_id", pa.array([[1]] * _ROWS)),
        "structures": replaced("product_id", pa.array([{"a": 1}] * _ROWS)),
        "maps": replaced("product_id", pa.array([[("a", 1)]] * _ROWS, pa.map_(pa.string(), pa.int64()))),
        "binary": replaced("product_id", pa.array([b"\xff\0"] * _ROWS)),
        "nothing": replaced("product_id", pa.nulls(_ROWS)),
        "dictionaries": replaced("product_id", good["product_id"].combine_chunks().dictionary_encode()),
        "half floats": replaced("quantity_ordered", lines.cast(pa.float32())),
        "not a number": replaced("quantity_ordered", pa.array([float("nan"), float("inf")] * (_ROWS // 2))),
        "decimals": replaced("net_revenue", pa.array([Decimal("1.50")] * _ROWS)),
        "wide decimals": replaced("net_revenue", pa.array([Decimal(10) ** 30] * _ROWS, pa.decimal128(38, 0))),
        "unsigned": replaced("net_revenue", pa.array([2**64 - 1] * _ROWS, pa.uint64())),
        "durations": replaced("quantity_ordered", lines.cast(pa.duration("s"))),
        "times in place of numbers": replaced("line_no", pa.array([datetime(2026, 7, 1, tzinfo=UTC)] * _ROWS)),
        "names twice": pa.Table.from_arrays([*good.columns, good["order_id"]], [*names, "order_id"]),
        "names that differ in case": pa.Table.from_arrays([*good.columns, good["order_id"]], [*names, "ORDER_ID"]),
        "no columns": pa.table({}),
        "an empty name": good.append_column("", lines),
    }  # fmt: skip


def _odd_parquet() -> dict[str, bytes]:
    good = parquet_of(_as_text(_clean("order_lines")))
    return {
        "cut": good[:-100],
        "without its end": good[:-4],
        "its end alone": good[-200:],
        "eight bytes": b"PAR1PAR1",
        "a footer too long": good[:-8] + b"\xff\xff\xff\x7f" + good[-4:],
        "zero bytes within": good[:40] + b"\0" * 60 + good[100:],
        "a CSV by name": csv_of(_clean("order_lines")),
        "nothing at all": b"",
        "one row three million times": parquet_of(pa.table({"order_id": pa.array(["O1"] * 3_000_000)})),
    }  # fmt: skip


def _odd_json() -> dict[str, bytes]:
    rows = _clean("orders")
    told = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    lines = "".join(json.dumps(each) + "\n" for each in told)
    return {
        "clean": json.dumps(told).encode(),
        "lines": lines.encode(),
        "cut": json.dumps(told)[:-30].encode(),
        "lines, cut": lines[:-30].encode(),
        "a comma too many": json.dumps(told).replace("]", ",]").encode(),
        "nothing": b"",
        "an empty list": b"[]",
        "a number": b"7",
        "null": b"null",
        "nested": ("[" * 5_000 + "]" * 5_000).encode(),
        "objects within": json.dumps([{"order_id": {"id": 1}, "rows": told}]).encode(),
        "kinds that differ": json.dumps([*told, 7, "x", None, [1]]).encode(),
        "keys that differ": json.dumps([*told, {"other": 1}]).encode(),
        "keys twice": json.dumps(told).replace('"channel"', '"order_id"').encode(),
        "not a number": json.dumps(told).replace('"false"', "NaN").encode(),
        "half a letter": json.dumps(told).replace("web", "\\ud800").encode(),
        "marked": b"\xef\xbb\xbf" + lines.encode(),
        "in UTF-16": lines.encode("utf-16"),
        "zero bytes": lines.replace("web", "w\0b").encode(),
    }


def _odd_gzip() -> dict[str, bytes]:
    clean = csv_of(_clean("orders"))
    good = gzip.compress(clean, mtime=0)
    return {
        "clean": good,
        "cut": good[:-10],
        "a header alone": good[:10],
        "nothing": b"",
        "no gzip": clean,
        "packed twice": gzip.compress(good, mtime=0),
        "two in one": good + gzip.compress(csv_of(_clean("orders")[1:]), mtime=0),
        "something behind": good + b"and more",
        "a wrong sum": good[:-8] + b"\0\0\0\0" + good[-4:],
        "zlib": zlib.compress(clean),
        "a bomb of one line": _bomb(b"\0" * 1_000_000, 400),
        "a bomb of lines": _bomb(csv_of(_clean("orders")[1:2]) * 20_000, 400, csv_of(_clean("orders")[:1])),
    }


def _bomb(part: bytes, times: int, head: bytes = b"") -> bytes:
    """Hundreds of megabytes in a few hundred kilobytes."""
    packer, out = zlib.compressobj(9, zlib.DEFLATED, 31), []
    out.append(packer.compress(head))
    out += [packer.compress(part) for _ in range(times)]
    return b"".join([*out, packer.flush()])

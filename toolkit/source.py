"""How do raw files become contract tables? Select, check, quarantine, and give a receipt that adds up."""

import csv
import gzip
import hashlib
import json
import os
import re
import shutil
import tempfile
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TextIO

import duckdb
import ibis
import ibis.expr.datatypes as dt
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.company import PSEUDONYM_CHARACTERS, Company, alone
from toolkit.contract import SCORE_RANGES, TABLES, Column, Table, TimeOrder
from toolkit.errors import DataError, ParamsError, ToolkitError, first_five, nearest, several

_HEADER = re.compile(r"^--\s*(records of|removes):\s*(.+?)\s*$", re.MULTILINE)
_SELECT_BEGINS = ("SELECT", "WITH", "FROM", "(")
_WHOLE = r"^\s*[+-]?[0-9]+([.]0*)?\s*$"
_COUNTED = (".parquet", ".json", ".jsonl", ".ndjson")  # raw files whose records DuckDB or Arrow counts
_STRING, _DEEPEST = re.compile(rb'"(?:[^"\\]|\\.)*"'), 500
_SWELLING = 200  # times its size that a gzip file may unpack to: tables do to 5 to 50
_EARLIEST = {"timestamp": datetime(1900, 1, 1, tzinfo=UTC), "date": date(1900, 1, 1)}
_LATEST = {"timestamp": datetime(2200, 1, 1, tzinfo=UTC), "date": date(2200, 1, 1)}
_NAMES = {
    "text": "text",
    "integer": "a whole number",
    "money": "whole cents",
    "boolean": "true or false",
    "timestamp": "a time",
    "date": "a date",
    "time": "a time of day",
    "degrees": "decimal degrees",
    "json": "a JSON object",
}

# what libraries say of a file that is none; a Parquet footer may name a column in no letters
_BROKEN = (duckdb.Error, pa.ArrowException, EOFError, OSError, UnicodeDecodeError, zlib.error, csv.Error)


@dataclass
class TableReceipt:
    """What became of the records behind one contract table; ``adds_up`` says that none got lost."""

    files: list[dict] = field(default_factory=list)
    records: int = 0
    unreadable: int = 0
    removed: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)
    cascade: dict[str, int] = field(default_factory=dict)
    kept: int = 0
    emptied: dict[str, int] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        """Every record is unreadable, removed, quarantined, cascaded or kept."""
        gone = sum(self.removed.values()) + sum(self.quarantined.values()) + sum(self.cascade.values())
        return self.records == self.unreadable + gone + self.kept


@dataclass
class Receipt:
    """What an ingest read and what became of it, table by table."""

    company: str
    folder: str
    key: str
    tables: dict[str, TableReceipt]

    def text(self) -> str:
        """The receipt for people: one line a table, reasons below it."""
        lines = [f"{self.company}: raw = unreadable + removed + quarantined + cascade + kept"]
        width = max(len(name) for name in self.tables)
        for name, table in self.tables.items():
            parts = [sum(part.values()) for part in (table.removed, table.quarantined, table.cascade)]
            counts = [table.unreadable, *parts, table.kept]
            lines.append(f"{name:<{width}}  {table.records:,} = " + " + ".join(f"{count:,}" for count in counts))
            for title in ("removed", "quarantined", "cascade", "emptied"):
                lines += [f"    {title} {count:,}: {reason}" for reason, count in getattr(table, title).items()]
            if table.closed:
                lines.append(f"    not admitted (personal): {', '.join(table.closed)}")
        missing = [name for name, table in TABLES.items() if name not in self.tables]
        if missing:
            lines.append("not brought: " + ", ".join(missing))
        return "\n".join(lines)


def ingest(company: Company, raw: Path) -> Receipt:
    """Admit a company's raw files into its local warehouse, checked.

    Runs ``params/<company>/source/<table>.sql`` under DuckDB's locks with ``raw`` as the
    only readable folder, checks every row against the contract, and puts Parquet tables,
    the quarantine and the receipt under ``data/<company>/`` in one step.

    Parameters
    ----------
    company
        Whose data they are.
    raw
        Folder that holds the raw files.

    Returns
    -------
    Receipt
        Counts per table; they add up to the records of the raw files.

    Raises
    ------
    ParamsError
        If a SELECT is none, or is two, or names files or columns that are not there.
    DataError
        If columns do not fit the contract, records are unaccounted for, or more than
        ``max_quarantined_share`` of a table would be quarantined, or another ingest is at work.
        Nothing is admitted.

    Notes
    -----
    docs/DATA.md says what happens to a value that does not fit; docs/METHODS.md
    section 0 why impossible times empty a field and impossible amounts cost a row.
    """
    if not raw.is_dir():
        raise ParamsError(f"{raw}: expected a folder with the raw files of {company.name}, found none.")
    closed(raw)
    key = company.pseudonym_key()
    selects = _selects(company)
    company.data.mkdir(parents=True, exist_ok=True)
    with alone(company.data, DataError(f"{company.data}: another ingest, or prune, is at work. Wait for its end.")):
        staging = Path(tempfile.mkdtemp(prefix=".ingest-", dir=company.data))
        try:
            admission = _Admission(company, raw.resolve(), locked(company.settings.zone, raw, staging / "spill"))
            admission.select(selects)
            admission.check()
            receipt = admission.write(staging, key)
            return _commit(company, staging, receipt)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _selects(company: Company) -> dict[str, Path]:
    paths = sorted((company.params / "source").glob("*.sql"))
    if not paths:
        raise ParamsError(f"{company.params / 'source'}: expected a SELECT per contract table, found no .sql file.")
    unknown = [path for path in paths if path.stem not in TABLES]
    if unknown:
        raise ParamsError(
            several(f"{path}: no contract table {path.stem!r}.{nearest(path.stem, TABLES)}" for path in unknown)
        )
    chosen = {path.stem: path for path in paths}
    return {name: chosen[name] for name in _parents_first(chosen)}


def closed(raw: Path) -> None:
    """Refuse a raw folder that DuckDB's lock would not keep to itself."""
    if set("*?[") & set(str(raw.resolve())):
        raise ParamsError(f"{raw}: expected a path without *, ? and [, which DuckDB takes for a pattern. Rename it.")
    links = (path for path in sorted(raw.rglob("*")) if path.is_symlink())
    outside = [
        str(path.relative_to(raw)) for path in links if not Path(os.path.realpath(path)).is_relative_to(raw.resolve())
    ]
    if outside:
        raise ParamsError(
            f"{raw}: expected the raw files themselves, found links that lead out of the folder: "
            f"{first_five(outside)}. Copy the files into it."
        )


def _parents_first(names: Iterable[str]) -> list[str]:
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        for column in TABLES[name].columns:
            if column.references:
                visit(column.references.split(".")[0])
        ordered.append(name)

    for name in TABLES:
        visit(name)
    return [name for name in ordered if name in set(names)]


def locked(zone: str, raw: Path, spill: Path) -> ibis.BaseBackend:
    """A DuckDB that reads the raw folder and nothing else, and cannot be talked out of it; times are of ``zone``."""
    backend = ibis.duckdb.from_connection(duckdb.connect(config={"threads": os.cpu_count() or 1}))
    root = str(raw.resolve())
    for statement in (
        f"SET TimeZone = {_quoted(zone)}",
        f"SET VARIABLE root = {_quoted(root)}",
        "CREATE TEMP MACRO cents(x) AS CAST(round(TRY_CAST(x AS DECIMAL(18, 4)) * 100) AS BIGINT)",
        "CREATE TEMP MACRO metres(a, b, c, d) AS CAST(round(2 * 6371000 * asin(sqrt("
        "sin(radians(c - a) / 2) ** 2 + cos(radians(a)) * cos(radians(c)) * sin(radians(d - b) / 2) ** 2"
        "))) AS BIGINT)",
        f"SET temp_directory = {_quoted(str(spill))}",
        f"SET allowed_directories = [{_quoted(root + os.sep)}]",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        backend.con.execute(statement)
    return backend


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class _Admission:
    """One ingest under way: the tables selected so far, what was kept of each, and the receipts."""

    def __init__(self, company: Company, raw: Path, backend: ibis.BaseBackend):
        self.company, self.raw, self.ibis, self.connection = company, raw, backend, backend.con
        self.receipts: dict[str, TableReceipt] = {}

    # -- raw records -> selected rows ------------------------------------------------------

    def select(self, selects: dict[str, Path]) -> None:
        faults: list[ToolkitError] = []
        for name, path in selects.items():
            try:
                self.receipts[name] = self._select(TABLES[name], path)
            except ToolkitError as error:
                faults.append(error)
        if faults:
            raise type(faults[0])(several(problem for fault in faults for problem in fault.args))

    def _select(self, table: Table, path: Path) -> TableReceipt:
        """Receipt of a table up to its selected rows; an error has each fault as an argument of its own."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise ParamsError(f"{path}: expected UTF-8 text, found another encoding at byte {error.start}.") from None
        query = _one_select(self.connection, text, path)
        header = _HEADER.findall(text)
        patterns = [value for title, value in header if title == "records of"]
        reasons = [value for title, value in header if title == "removes"]
        if not patterns:
            raise ParamsError(
                f"{path}: expected a comment '-- records of: <file>' that names the raw file "
                "whose records the SELECT returns, found none."
            )
        files = [file for pattern in patterns for file in _raw_files(self.raw, pattern, path)]
        if swollen := [str(file.relative_to(self.raw)) for file in files if _swells(file)]:
            raise DataError(
                f"{path}: {first_five(swollen)} would unpack to hundreds of times its size, as no table does. "
                "Is it what its name says?"
            )
        if deep := [str(file.relative_to(self.raw)) for file in files if _nests(file)]:
            raise DataError(f"{path}: {first_five(deep)} nests deeper than {_DEEPEST} brackets, as no record does.")
        receipt = TableReceipt(removed=dict.fromkeys(reasons, 0))
        try:
            self.connection.execute(f"CREATE TEMP TABLE selected_{table.name} AS ({query}\n)")
            receipt.unreadable = _rejected(self.connection, files)
        except duckdb.Error as error:
            raise _explained(error, path, self.raw) from None
        for file in files:
            name = str(file.relative_to(self.raw))
            try:
                receipt.files.append({"file": name, "records": _records(self.connection, file)})
            except _BROKEN as error:
                problem = f"its records cannot be counted ({type(error).__name__})"
                raise DataError(f"{path}: {name}: {problem}. Is it what its name says?") from None
        receipt.records = sum(entry["records"] for entry in receipt.files)
        late = [str(file.relative_to(self.raw)) for file in files if _late_quotes(self.connection, file)]
        if late and not re.search(r"\bquote\s*=", text):
            raise DataError(
                f"{path}: DuckDB takes the quotes in {first_five(late)} for text: they come late, or one is "
                "not closed. Name it in read_csv: quote = '\"', or quote = '' where they are text."
            )
        self._shape(table, path, receipt)
        found, readable = self._count(f"selected_{table.name}"), receipt.records - receipt.unreadable
        if found != readable:
            do = "Return every record and say in a column 'removed_because' why one is left out."
            if found > readable:
                do = "Is one of them joined to several, or a quote not closed? Name delim and quote in read_csv."
            raise DataError(
                f"{path}: expected one row for each of the {readable:,} readable records "
                f"of {', '.join(patterns)}, found {found:,}. {do}"
            )
        self._reasons(table, path, text, receipt)
        return receipt

    def _shape(self, table: Table, path: Path, receipt: TableReceipt) -> None:
        """Columns and their types fit the contract; personal ones that are not opened go at once."""
        selected = self.ibis.table(f"selected_{table.name}")
        schema = selected.schema()
        brought = [name for name in schema.names if name != "removed_because"]
        if not set(brought) & set(table.names):  # the first record may stand where names should: name none
            raise DataError(
                f"{path}: expected columns of {table.name}, found none among {len(brought):,}. "
                f"Has the raw file a header, and is its delim named? Expected: {', '.join(table.names)}."
            )
        told = {name: _name_of(name, at) for at, name in enumerate(schema.names, 1)}
        foreign = [name for name in brought if name not in table.names]
        faults = [
            f"{path}: no column {first_five([told[name]])} in {table.name}.{nearest(name[:60], table.names)}"
            for name in foreign
        ]
        if len(foreign) > max(3, len(brought) / 2):  # they may be values, of a record in the header: name none
            faults = [
                f"{path}: {len(foreign):,} of {len(brought):,} columns are none of {table.name}. "
                "Is the header a line of its own, and delim named? SELECT those that are."
            ]
            brought = [name for name in brought if name in table.names]
        elif len(foreign) > 5:
            names = first_five(told[name] for name in foreign)
            faults = [f"{path}: {len(foreign):,} columns that {table.name} has not: {names}."]
        missing = [c.name for c in table.columns if c.required and not c.absent and c.name not in brought]
        if missing:
            present = ", ".join(told[name] for name in sorted(brought)[:30]) + " …" * (len(brought) > 30)
            faults.append(f"{path}: missing columns: {', '.join(missing)}. Present: {present}.")
        for name in brought:
            if name in table.names and not _fits(table.column(name), schema[name]):
                faults.append(_misfit(path, table.column(name), schema[name]))
        if faults:
            raise DataError(*faults)
        opened = set(self.company.settings.open_personal)
        receipt.closed = [
            name for name in brought if table.column(name).personal and f"{table.name}.{name}" not in opened
        ]
        receipt.absent = [name for name in table.names if name not in brought]

    def _reasons(self, table: Table, path: Path, text: str, receipt: TableReceipt) -> None:
        """Count the rows that the SELECT itself removes, by the reasons it declares."""
        if "removed_because" not in self.ibis.table(f"selected_{table.name}").columns:
            return
        faults, unspelt, declared = [], 0, first_five(receipt.removed) or "none"
        for reason, n in self.connection.execute(
            f"SELECT CAST(removed_because AS VARCHAR), count(*) FROM selected_{table.name} "
            "WHERE removed_because IS NOT NULL GROUP BY 1 ORDER BY 1"
        ).fetchall():
            if reason in receipt.removed:
                receipt.removed[reason] = n
            elif _quoted(reason) in text:
                faults.append(
                    f"{path}: expected a comment '-- removes: {reason}' for what 'removed_because' says "
                    f"(rows: {n:,}); declared: {declared}."
                )
            else:
                unspelt += n
        if unspelt:  # these may be values of the data: name none
            faults.append(
                f"{path}: expected 'removed_because' to say only what comments '-- removes: <reason>' declare, "
                f"found reasons that the SELECT does not even spell out (rows: {unspelt:,}); declared: {declared}."
            )
        if faults:
            raise ParamsError(*faults)

    # -- selected rows -> kept rows --------------------------------------------------------

    def check(self) -> None:
        for name in self.receipts:
            self._check(TABLES[name])
        faults = []
        limit = self.company.settings.max_quarantined_share
        for name, receipt in self.receipts.items():
            judged = receipt.records - receipt.unreadable - sum(receipt.removed.values())
            lost = sum(receipt.quarantined.values())
            if lost > limit * judged:
                reasons = "; ".join(f"{n:,} {reason}" for reason, n in receipt.quarantined.items())
                faults.append(
                    f"{name}: expected at most {limit:.2%} of {judged:,} rows to be unusable, found {lost:,} "
                    f"({lost / judged:.2%}): {reasons}. Nothing was admitted. Mend the source, or raise "
                    f"max_quarantined_share in {self.company.params / 'base.yaml'}."
                )
        if faults:
            raise DataError(several(faults))

    def _check(self, table: Table) -> None:
        receipt = self.receipts[table.name]
        selected = self.ibis.table(f"selected_{table.name}")
        if "removed_because" in selected.columns:
            selected = selected.filter(selected.removed_because.isnull())
        brought = [c for c in table.columns if c.name in selected.columns and c.name not in receipt.closed]
        typed = self._typed(table, brought, selected)
        typed = self._time_ordered(table, brought, typed)
        typed = self._referenced(brought, typed)
        if table.name == "ledger":
            foreign = typed.currency != self.company.settings.currency
            typed = _unusable(typed, foreign, f"currency is not {self.company.settings.currency}")
        checked = f"checked_{table.name}"
        self.ibis.create_table(checked, typed, temp=True)
        self.connection.execute(f"DROP TABLE selected_{table.name}")
        self._repeated(table, brought, checked)
        names = {column.name for column in brought}
        if table.name == "customers" and "valid_from" in names:
            until = "valid_to" if "valid_to" in names else "NULL AS valid_to"
            self.connection.execute(
                f"UPDATE {checked} SET _reason = 'its span overlaps the next one' WHERE rowid IN ("
                f"SELECT rowid FROM (SELECT rowid, valid_from, {until}, lead(valid_from) OVER "
                f"(PARTITION BY customer_id ORDER BY valid_from NULLS FIRST) AS next FROM {checked} "
                "WHERE _reason IS NULL) WHERE next IS NOT NULL AND (valid_to IS NULL OR valid_to > next))"
            )
        for column in [c for c in self.ibis.table(checked).columns if c.startswith("_emptied_")]:
            for reason, n in self.connection.execute(
                f'SELECT "{column}", count(*) FROM {checked} WHERE "{column}" IS NOT NULL '
                "AND _reason IS NULL GROUP BY 1 ORDER BY 1"
            ).fetchall():
                receipt.emptied[reason] = receipt.emptied.get(reason, 0) + n
        for reason, cascade, n in self.connection.execute(
            f"SELECT _reason, _cascade, count(*) FROM {checked} WHERE _reason IS NOT NULL "
            "GROUP BY ALL ORDER BY 3 DESC, 1"
        ).fetchall():
            (receipt.cascade if cascade else receipt.quarantined)[reason] = n

    def _typed(self, table: Table, brought: list[Column], selected: ibis.Table) -> ibis.Table:
        """Values in the contract's types; ``_reason`` of unusable rows, ``_emptied_<column>`` of lost fields."""
        values, faults = {}, {}
        for column in brought:
            value, fault = _converted(column, selected[column.name])
            values[column.name], faults[column.name] = value, fault
        if "score" in values and "scale" in values:
            for scale, (low, high) in SCORE_RANGES.items():
                outside = (values["scale"] == scale) & ~values["score"].between(low, high)
                faults["score"] = ibis.coalesce(
                    faults["score"], ibis.ifelse(outside, f"score is outside {low} to {high}", None)
                )
        for column in brought:
            values[column.name] = ibis.ifelse(faults[column.name].isnull(), values[column.name], None)
        reasons = [faults[c.name] for c in brought if c.quarantines]
        values["_reason"] = ibis.coalesce(*reasons) if len(reasons) > 1 else reasons[0]
        values["_cascade"] = ibis.literal(False)
        emptied = {f"_emptied_{c.name}": faults[c.name] for c in brought if not c.quarantines}
        return selected.select(**values, **emptied)

    def _time_ordered(self, table: Table, brought: list[Column], typed: ibis.Table) -> ibis.Table:
        names = {column.name for column in brought}
        if any("orders.ordered_at" in (o.earlier, o.later) for o in table.time_orders) and "orders" in self.receipts:
            orders = self._kept("orders").select(_order="order_id", _ordered_at="ordered_at")
            typed = typed.left_join(orders, typed.order_id == orders._order).drop("_order")
            names.add("_ordered_at")
        for order in table.time_orders:
            earlier = order.earlier.replace("orders.ordered_at", "_ordered_at")
            if not {earlier, order.later} <= names:
                continue
            typed = _in_order(typed, order, typed[earlier] > typed[order.later])
        return typed.drop("_ordered_at") if "_ordered_at" in names else typed

    def _referenced(self, brought: list[Column], typed: ibis.Table) -> ibis.Table:
        for column in brought:
            parent, _, key = column.references.partition(".")
            if parent not in self.receipts:
                continue
            kept = self._kept(parent).select(_key=key).distinct().mutate(_kept=True)
            lost = self._lost(parent).select(_lost_key=key).distinct().mutate(_lost=True)
            typed = typed.left_join(kept, typed[column.name] == kept._key).drop("_key")
            typed = typed.left_join(lost, typed[column.name] == lost._lost_key).drop("_lost_key")
            orphan = typed[column.name].notnull() & typed._kept.isnull()
            cascade = orphan & typed._lost.notnull()
            nowhere = f"{column.name} is not in {parent}"
            if column.required:
                reason = ibis.ifelse(cascade, f"its row of {parent} was quarantined", nowhere)
                typed = typed.mutate(
                    _cascade=typed._cascade | (typed._reason.isnull() & cascade),
                    _reason=ibis.coalesce(typed._reason, ibis.ifelse(orphan, reason, None)),
                )
            else:
                typed = _emptied(typed, column.name, orphan, nowhere)
            typed = typed.drop("_kept", "_lost")
        return typed

    def _repeated(self, table: Table, brought: list[Column], checked: str) -> None:
        """Of equal rows one stays; rows that share a key and differ all go."""
        names = {column.name for column in brought}
        keys = ", ".join(f'"{name}"' for name in table.key if name in names)
        every = ", ".join(f'"{column.name}"' for column in brought)
        some = f"SELECT 1 FROM {checked} WHERE _reason IS NULL GROUP BY {keys} HAVING count(*) > 1 LIMIT 1"
        if not self.connection.execute(some).fetchone():
            return
        marks = ", ".join(f'"{name}"' for name in self.ibis.table(checked).columns if name.startswith("_emptied_"))
        self.connection.execute(
            f"CREATE TEMP TABLE repeated AS SELECT rowid AS row, row_number() OVER (PARTITION BY {every} "
            f"ORDER BY {marks or 'rowid'}) AS copy, {keys} FROM {checked} WHERE _reason IS NULL "
            f"QUALIFY count(*) OVER (PARTITION BY {keys}) > 1"
        )
        self.connection.execute(
            f"UPDATE {checked} SET _reason = 'equal to another row' "
            "WHERE rowid IN (SELECT row FROM repeated WHERE copy > 1)"
        )
        self.connection.execute(
            f"UPDATE {checked} SET _reason = 'shares its key with a different row' WHERE rowid IN ("
            f"SELECT row FROM repeated WHERE copy = 1 QUALIFY count(*) OVER (PARTITION BY {keys}) > 1)"
        )
        self.connection.execute("DROP TABLE repeated")

    def _kept(self, name: str) -> ibis.Table:
        table = self.ibis.table(f"checked_{name}")
        return table.filter(table._reason.isnull())

    def _lost(self, name: str) -> ibis.Table:
        table = self.ibis.table(f"checked_{name}")
        return table.filter(table._reason.notnull())

    def _count(self, name: str) -> int:
        return self.connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]

    # -- kept rows -> files ----------------------------------------------------------------

    def _name_persons(self, key: bytes) -> None:
        """A table ``persons``: each identifier of a person that was brought, and its pseudonym."""
        inner, outer = (bytes(byte ^ pad for byte in key.ljust(64, b"\0")) for pad in (0x36, 0x5C))
        brought = " UNION ALL ".join(
            f'SELECT "{c.name}" AS id FROM checked_{name}'
            for name, receipt in self.receipts.items()
            for c in TABLES[name].columns
            if c.person and c.name not in receipt.absent
        )
        self.connection.execute(
            "CREATE TEMP TABLE persons AS "
            "SELECT id, left(sha256($outer || unhex(sha256($inner || encode(id)))), $length) AS pseudonym "
            f"FROM (SELECT DISTINCT id FROM ({brought or 'SELECT NULL::VARCHAR AS id'}) WHERE id IS NOT NULL)",
            {"outer": outer, "inner": inner, "length": PSEUDONYM_CHARACTERS},
        )

    def write(self, staging: Path, key: bytes) -> Receipt:
        """Tables and quarantine as Parquet, pseudonymised and sorted by key, in ``staging``."""
        self._name_persons(key)
        digest = hashlib.sha256()
        for name, receipt in self.receipts.items():
            table = TABLES[name]
            names = [c.name for c in table.columns if c.name not in (*receipt.absent, *receipt.closed)]
            persons = [n for n in names if table.column(n).person]
            columns = ", ".join(f'named_{n}.pseudonym AS "{n}"' if n in persons else f'checked."{n}"' for n in names)
            named = " ".join(f'LEFT JOIN persons AS named_{n} ON checked."{n}" = named_{n}.id' for n in persons)
            key_order, order = (
                ", ".join(f'"{n}" NULLS FIRST' for n in chosen if n in names)
                for chosen in (table.key, (*table.key, *names))
            )
            for folder, more, chosen, sort in (
                ("tables", "", "_reason IS NULL", key_order),
                ("quarantine", ", _reason AS reason, _cascade AS cascade", "_reason IS NOT NULL", f"{order}, reason"),
            ):
                path = staging / folder / f"{name}.parquet"
                path.parent.mkdir(exist_ok=True)
                reader = self.connection.execute(
                    f"SELECT * FROM (SELECT {columns}{more} FROM checked_{name} AS checked {named} WHERE {chosen}) "
                    f"ORDER BY {sort}"
                ).to_arrow_reader(200_000)
                written = _write_parquet(reader, path)
                if folder == "tables":
                    receipt.kept = written
                digest.update(f"{folder}/{name}".encode() + bytes.fromhex(_sha256(path)))
            for entry in receipt.files:
                entry["sha256"] = _sha256(self.raw / entry["file"])
            assert receipt.adds_up, f"{name}: the receipt does not add up: {receipt}"
        return Receipt(
            self.company.name, f"warehouse-{digest.hexdigest()[:16]}", self.company.key_print(), self.receipts
        )


def _commit(company: Company, staging: Path, receipt: Receipt) -> Receipt:
    """Put the new warehouse in place in one step: the receipt names its folder and is replaced last."""
    folder = company.data / receipt.folder
    if not folder.exists():
        shutil.rmtree(staging / "spill", ignore_errors=True)
        os.replace(staging, folder)
    pending = company.data / ".receipt.json"
    pending.write_text(json.dumps(asdict(receipt), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(pending, company.data / "receipt.json")
    for old in company.data.glob("warehouse-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
    return receipt


# -- values ----------------------------------------------------------------------------------


def _fits(column: Column, found: dt.DataType) -> bool:
    if found.is_string():
        return True
    if column.type in ("integer", "money"):
        return (
            found.is_integer()
            or (found.is_decimal() and not found.scale)
            or (column.type == "integer" and found.is_numeric())
        )
    return {
        "boolean": found.is_boolean(),
        "timestamp": found.is_timestamp() or found.is_date(),
        "date": found.is_date(),
        "time": found.is_time(),
        "degrees": found.is_numeric(),
        "json": found.is_json(),
    }.get(column.type, False)


def _misfit(path: Path, column: Column, found: dt.DataType) -> str:
    hints = {
        "text": "Numbers lose leading zeros: read the file with all_varchar = true, or CAST it to VARCHAR.",
        "money": "Money is whole cents: write cents(...) around an amount in major units.",
    }
    hint = hints.get(column.type, "CAST it in the SELECT.")
    return f"{path}: {column.name}: expected {_NAMES[column.type]}, found {found}. {hint}"


def _converted(column: Column, source: ibis.Value) -> tuple[ibis.Value, ibis.Value]:
    """A column's value in the contract's type, and why it is not usable (or null)."""
    textual = source.type().is_string()
    if textual:
        source = source.strip().nullif("")
    if column.type in ("text", "json"):
        value = source.cast("string")
    elif column.type in ("integer", "money"):
        value = source.try_cast("int64")
        value = ibis.ifelse(source.re_search(_WHOLE) if textual else value == source, value, None)
    else:
        value = source.try_cast(
            {
                "boolean": dt.boolean,
                "timestamp": dt.Timestamp(timezone="UTC"),
                "date": dt.date,
                "time": dt.time,
                "degrees": dt.float64,
            }[column.type]
        )
    if column.type == "json":
        value = ibis.ifelse(_json_kind(value.try_cast("json")) == "OBJECT", value, None)
    cases = [(source.notnull() & value.isnull(), f"{column.name} is not {_NAMES[column.type]}")]
    if column.required:
        cases.append((source.isnull(), f"{column.name} is empty"))
    if column.type in ("timestamp", "date"):
        outside = (value < _EARLIEST[column.type]) | (value >= _LATEST[column.type])
        cases.append((outside, f"{column.name} is outside the years 1900 to 2199"))
    if column.type == "degrees":
        cases.append((value.isnan(), f"{column.name} is not a number"))
    if column.minimum is not None:
        cases.append((value < column.minimum, f"{column.name} is below {column.minimum:g}"))
    if column.maximum is not None:
        cases.append((value > column.maximum, f"{column.name} is above {column.maximum:g}"))
    if column.allowed:
        cases.append((~value.isin(column.allowed), f"{column.name} is not one of the allowed values"))
    return value, ibis.cases(*cases)


@ibis.udf.scalar.builtin(name="json_type")
def _json_kind(value: dt.json) -> str:
    """OBJECT, ARRAY, ... of a JSON value."""


def _emptied(typed: ibis.Table, name: str, where: ibis.Value, reason: str) -> ibis.Table:
    mark = f"_emptied_{name}"
    return typed.mutate(
        **{
            mark: ibis.coalesce(typed[mark], ibis.ifelse(where, reason, None)),
            name: ibis.ifelse(where, None, typed[name]),
        }
    )


def _unusable(typed: ibis.Table, where: ibis.Value, reason: str) -> ibis.Table:
    return typed.mutate(_reason=ibis.coalesce(typed._reason, ibis.ifelse(where, reason, None)))


def _in_order(typed: ibis.Table, order: TimeOrder, wrong: ibis.Value) -> ibis.Table:
    reason = f"{order.earlier} is after {order.later}"
    if order.empties:
        return _emptied(typed, order.empties, wrong.fill_null(False), reason)
    return _unusable(typed, wrong, reason)


# -- raw files -------------------------------------------------------------------------------


def _one_select(connection: duckdb.DuckDBPyConnection, text: str, path: Path) -> str:
    """``text`` if it is one SELECT, every line where it was, without a semicolon at its end."""
    try:
        statements = connection.extract_statements(text)
    except duckdb.Error as error:
        raise _explained(error, path, Path()) from None
    if len(statements) != 1:
        raise ParamsError(f"{path}: expected exactly one SELECT, found {len(statements)} statements.")
    content, offsets = text.encode(), [offset for offset, _ in duckdb.tokenize(text)]
    found = re.match(rb"\w+|.", content[offsets[0] :])[0].decode().upper()
    if found in _SELECT_BEGINS:
        found = statements[0].type.name
    if found != "SELECT":
        raise ParamsError(f"{path}: expected a SELECT, found {found}. A source only reads.")
    if statements[0].named_parameters:
        parameters = first_five(sorted(f"${name}" for name in statements[0].named_parameters))
        raise ParamsError(f"{path}: expected a SELECT without parameters, found {parameters}.")
    while content[offsets[-1] :].startswith(b";"):
        content = content[: offsets.pop()]
    return content.decode()


def _raw_files(raw: Path, pattern: str, path: Path) -> list[Path]:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise ParamsError(f"{path}: '-- records of: {pattern}' must name a file inside the raw folder.")
    files = sorted(file for file in raw.glob(pattern) if file.is_file())
    if not files:
        present = first_five(sorted(str(file.relative_to(raw)) for file in raw.rglob("*") if file.is_file()))
        raise ParamsError(f"{path}: no file {pattern!r} in the raw folder; there are: {present or 'none'}.")
    return files


def _name_of(name: str, at: int) -> str:
    """A column's name, or its place where the name reads like a value: a header may be a record.

    >>> _name_of("net_revenue", 1), _name_of("C-2026-118", 3)
    ('net_revenue', '(column 3: its name reads like a value)')
    """
    plain = all(sign.isalnum() or sign in " _-." for sign in name) and sum(map(str.isdigit, name)) < 3
    return name[:60] if plain else f"(column {at}: its name reads like a value)"


def _swells(file: Path) -> bool:
    """Is it a bomb: little that unpacks to very much? Of gzip the first 64 MiB are looked at, of Parquet its footer."""
    try:
        if file.suffix == ".parquet":
            rows = pq.ParquetFile(file).metadata.num_rows
            return rows > 1_000_000 and rows > 100 * file.stat().st_size
        if file.suffix == ".gz":
            with file.open("rb") as packed, gzip.GzipFile(fileobj=packed) as content:
                while content.tell() < 2**26 and content.read(2**20):
                    if content.tell() > 2**23 and content.tell() > _SWELLING * packed.tell():
                        return True
    except _BROKEN:
        return False  # it will be told that it does not read
    return False


def _nests(file: Path) -> bool:
    """Is it JSON with more brackets in one another than records have? DuckDB would look for their kind without end."""
    if file.suffix not in (".json", ".jsonl", ".ndjson"):
        return False
    deep, rest = 0, b""
    with file.open("rb") as content:
        while piece := content.read(2**24):
            text, _, rest = (rest + piece).rpartition(b"\n") if b"\n" in piece else (rest + piece, b"", b"")
            signs = np.frombuffer(_STRING.sub(b"", text), "uint8") | 0x20  # [ and { alike, ] and } too
            steps = (signs == ord("{")).astype("int64") - (signs == ord("}"))
            if deep + steps.cumsum().max(initial=0) > _DEEPEST:
                return True
            deep = max(deep + int(steps.sum()), 0)
    return rest.count(b"[") + rest.count(b"{") > _DEEPEST


def _records(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    """Records of a raw file, counted without the SELECT: by Python's csv, or by the file's own footer."""
    if file.suffix == ".parquet":
        return pq.ParquetFile(file).metadata.num_rows
    if file.suffix in _COUNTED:
        return connection.execute("SELECT count(*) FROM read_json($file)", {"file": str(file)}).fetchone()[0]
    delimiter, quote = _dialect(connection, file)
    csv.field_size_limit(2**31 - 1)
    with _text(file) as lines:
        rows = csv.reader(lines, delimiter=delimiter, quotechar=quote or '"')
        header = next((row for row in rows if row), [])
        # Of one column only, an empty line is a record too: one without a value.
        return sum(1 for row in rows if row or len(header) == 1)


def _late_quotes(connection: duckdb.DuckDBPyConnection, file: Path) -> bool:
    """Do fields open with a quote, though the lines that DuckDB samples made it take quotes for text?"""
    if file.suffix in _COUNTED:
        return False
    delimiter, quote = _dialect(connection, file)
    opening = re.compile(f'(^|{re.escape(delimiter)})"')
    with _text(file) as lines:
        return not quote and any('"' in line and opening.search(line) for line in lines)


def _dialect(connection: duckdb.DuckDBPyConnection, file: Path) -> tuple[str, str]:
    """Delimiter and quote (or nothing) that DuckDB makes out."""
    if not file.stat().st_size:
        return ",", '"'
    delimiter, quote = connection.execute(
        "SELECT Delimiter, Quote FROM sniff_csv($file, all_varchar = true, ignore_errors = true)", {"file": str(file)}
    ).fetchone()
    return delimiter or ",", quote if len(quote) == 1 else ""


def _text(file: Path) -> TextIO:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rb") as content:
        encoding = "utf-16" if content.read(2) in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8-sig"
    return opener(file, "rt", encoding=encoding, errors="replace", newline="")


def _rejected(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> int:
    """Lines of these files that read_csv set aside (store_rejects = true) in the SELECT just run."""
    present = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name IN ('reject_scans', 'reject_errors')"
    ).fetchone()[0]
    if present < 2:
        return 0
    rejected = connection.execute(
        "SELECT count(DISTINCT (s.file_path, e.line)) "
        "FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id) "
        "WHERE list_contains($files, s.file_path)",
        {"files": [str(file) for file in files]},
    ).fetchone()[0]
    connection.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
    return rejected


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_parquet(reader: pa.RecordBatchReader, path: Path) -> int:
    """The rows of a reader as Parquet, times in UTC; returns how many."""
    fields = [
        pa.field(f.name, pa.timestamp("us", "UTC") if pa.types.is_timestamp(f.type) else f.type) for f in reader.schema
    ]
    schema, rows = pa.schema(fields), 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
            rows += batch.num_rows
    return rows


def _explained(error: duckdb.Error, path: Path, raw: Path) -> ToolkitError:
    """DuckDB's complaint in the house's words; never with a value of the data."""
    message = str(error)
    if isinstance(error, duckdb.PermissionException):
        place = re.search(r'"(.+?)"', message)
        found = repr(place[1]) if place else "another place"
        return ParamsError(
            f"{path}: a source reads its raw folder and nothing else, found {found}. "
            "Begin the path with getvariable('root') || '/'."
        )
    missing = re.search(r'No files found that match the pattern "(.+?)"', message)
    if missing:
        name = missing[1].removeprefix(str(raw)).lstrip("/")
        present = first_five(sorted(file.name for file in raw.glob("*")))
        return ParamsError(f"{path}: no file {name!r} in the raw folder; there are: {present or 'none'}.")
    file = re.search(re.escape(str(raw)) + r"/([^\"'\n]+)", message)
    if "CSV Error on Line" in message or "Error when sniffing file" in message:
        line = re.search(r"CSV Error on Line: (\d+)", message)
        columns = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
        problem = "it cannot be read as CSV"
        if columns:
            problem = f"expected {columns[1]} columns, found {columns[2]}"
        elif "Invalid unicode" in message:
            problem = "expected UTF-8, found another encoding (name it: read_csv(..., encoding = 'latin-1'))"
        elif "unterminated quote" in message:
            problem = "a quote is opened and not closed"
        elif "Error when converting column" in message:
            problem = "a value is not of the type that read_csv expects (read it as text: all_varchar = true)"
        elif "Error when sniffing file" in message:
            problem = "lines differ in their number of columns or in how they end, or a quote is not closed"
        where = f"{file[1] if file else 'a file'}{f', line {line[1]}' if line else ''}"
        return DataError(
            f"{path}: {where}: {problem}. Mend the file, or have read_csv count such lines with store_rejects = true."
        )
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException):
        first = message.split("\n")[0].split(": ", 1)[-1].rstrip(".!")
        line = re.search(r"^LINE (\d+):", message, re.MULTILINE)
        return ParamsError(f"{path}{f', line {line[1]}' if line else ''}: {first}.")
    if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
        return DataError(
            f"{path}: a value cannot be converted. Use TRY_CAST, or return the text: "
            "the toolkit casts it and quarantines what does not fit."
        )
    if file:
        return DataError(f"{path}: {file[1]}: it cannot be read. Is it what its name says?")
    return DataError(
        f"{path}: the SELECT stopped on the data ({type(error).__name__}). "
        "What DuckDB says may hold values and is not shown: run the SELECT in DuckDB by hand."
    )

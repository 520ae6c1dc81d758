"""Where do a company's contract tables live? Parquet on DuckDB by default, any Ibis backend by URL."""

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd
import psutil

from toolkit.company import Company
from toolkit.contract import TABLES, Column
from toolkit.errors import DataError, ParamsError, several

IBIS_TYPES: dict[str, dt.DataType] = {
    "text": dt.string,
    "integer": dt.int64,
    "money": dt.int64,
    "boolean": dt.boolean,
    "timestamp": dt.Timestamp(timezone="UTC"),
    "date": dt.date,
    "time": dt.time,
    "degrees": dt.float64,
    "json": dt.string,
}
_BACKENDS = {"duckdb": "duckdb", "postgres": "postgres", "postgresql": "postgres", "pyspark": "pyspark"}
_SECRET = re.compile("^[^=]*@|(password|passwd|secret|token|credential)[^&=]*=", re.IGNORECASE)


class Warehouse:
    """The contract tables of one company, as Ibis tables with every contract column.

    A column or table that the company did not bring is there, typed and empty;
    ``has`` tells the difference.
    """

    def __init__(self, company: Company):
        self.company = company
        url = company.settings.warehouse
        self.backend = _local(company) if url == "local" else _connected(company)
        _set_zone(self.backend, company.settings.zone)
        files = _local_files(company) if url == "local" else {}
        for name, path in files.items():
            self.backend.read_parquet(path, table_name=name)
        self._quarantine = {name: path.parents[1] / "quarantine" / path.name for name, path in files.items()}
        self._names = set(files) if url == "local" else set(self.backend.list_tables()) & set(TABLES)
        self._columns = {name: self._found(name) for name in self._names}
        if url != "local" and (faults := list(self._faults())):
            raise ParamsError(several(faults))

    def has(self, table: str, *columns: str) -> bool:
        """Did the company bring the table, with these columns?"""
        return table in self._names and set(columns) <= self._columns[table].keys()

    def table(self, name: str) -> ir.Table:
        """A contract table with all its columns in contract order; what was not brought is empty."""
        if name not in self._names:
            return self._empty(name)
        return self._padded(self.backend.table(name).select(*self._columns[name]), name)

    def quarantine(self, name: str) -> ir.Table:
        """Rows of a contract table that the entry checks set aside; none in a warehouse by URL."""
        path = self._quarantine.get(name)
        return self._padded(self.backend.read_parquet(path) if path else self._empty(name), name)

    def _empty(self, name: str) -> ir.Table:
        schema = {column.name: self._type(column) for column in TABLES[name].columns}
        return ibis.memtable([], schema=ibis.schema(schema))

    def _padded(self, found: ir.Table, name: str) -> ir.Table:
        """A table with all columns of its contract, in order and of its types."""
        kinds, there = {column.name: self._type(column) for column in TABLES[name].columns}, found.schema()
        instants = {
            column for column, kind in there.items() if getattr(kind, "timezone", None)
        }  # whatever their digits
        found = found.cast(
            {column: kind for column, kind in kinds.items() if column in there and column not in instants}
        )
        return found.select(**{c: found[c] if c in there else ibis.null(kind) for c, kind in kinds.items()})

    def _type(self, column: Column) -> dt.DataType:
        """The type that stands for a column's here: Spark has none for a time of day but text, "HH:MM"."""
        spark_time = column.type == "time" and self.backend.name == "pyspark"
        return dt.string if spark_time else IBIS_TYPES[column.type]

    def _faults(self) -> Iterator[str]:
        """What a warehouse by URL lacks of the contract; values are not looked at, that would read all of it."""
        place = f"warehouse ({self.backend.name}): expected"
        for table in TABLES.values():
            if table.required and table.name not in self._names:
                yield f"{place} a table or view {table.name!r}, found none. docs/DATA.md says what it is."
            for column in table.columns if table.name in self._names else ():
                kind, wanted = self._columns[table.name].get(column.name), self._type(column)
                if not _fits(kind, wanted) if kind else column.required and not column.absent:
                    found = f"found {kind or 'no such column'}. Cast it in a view of the table's name."
                    yield f"{place} {table.name}.{column.name} to be {wanted}, {found}"

    def _found(self, name: str) -> dict[str, dt.DataType]:
        """The columns of a table that may be read; which of Spark's timestamps is an instant, Ibis does not tell."""
        closed = {column.name for column in TABLES[name].columns if column.personal}
        closed -= {each.removeprefix(f"{name}.") for each in self.company.settings.open_personal}
        found = {column: kind for column, kind in self.backend.table(name).schema().items() if column not in closed}
        if self.backend.name == "pyspark":
            kinds = self.backend._session.table(name).dtypes
            found |= {column: IBIS_TYPES["timestamp"] for column, kind in kinds if kind == "timestamp"}
        return found


@contextmanager
def reading(company: Company) -> Iterator[None]:
    """A local warehouse whose files are gone, or do not read, is told as such.

    Raises
    ------
    DataError
        If DuckDB finds no file of it, or one that is none.
    """
    import duckdb  # starts a thread: not where a process is to be forked

    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        if company.settings.warehouse != "local":
            raise
        raise DataError(
            f"{company.data}: the warehouse does not read: {str(error).splitlines()[0]} Ingest {company.name} again."
        ) from None


def _fits(found: dt.DataType, wanted: dt.DataType) -> bool:
    """Does a type hold what another does? Whole numbers and decimal degrees may be narrower ones."""
    if wanted.is_timestamp():
        return found.is_timestamp() and found.timezone is not None
    kinds = (dt.Integer, dt.Floating, type(wanted))
    return isinstance(found, next(kind for kind in kinds if isinstance(wanted, kind)))


def receipt_path(company: Company) -> Path:
    """The file that names the folder of a company's local warehouse and says how it came to be."""
    return company.data / "receipt.json"


def admitted(company: Company) -> dict:
    """The receipt of a company's local warehouse.

    Raises
    ------
    DataError
        If there is none, or the data were admitted with another pseudonym key than the company's.
    """
    path = receipt_path(company)
    if not path.exists():
        how = "toolkit sample" if company.name == "sample" else f"toolkit ingest {company.name} --from FOLDER"
        raise DataError(f"{company.data}: expected the warehouse of {company.name}, found none. Make it with: {how}")
    receipt = json.loads(path.read_text(encoding="utf-8"))
    key = receipt.get("key", "none")
    if key != company.key_print():
        raise DataError(
            f"{path}: expected the pseudonym key that the data were admitted with ({key}), found another "
            f"({company.key_print()}): nobody would be the same person as before. Set the old key, or ingest again."
        )
    return receipt


def _local_files(company: Company) -> dict[str, Path]:
    receipt = admitted(company)
    folder = company.data / receipt["folder"] / "tables"
    return {name: folder / f"{name}.parquet" for name in receipt["tables"]}


def _local(company: Company) -> ibis.BaseBackend:
    """DuckDB in this process: what it cannot hold goes to the company's own folder, for as long as it runs."""
    limits, within = company.settings.limits, company.spill.parent
    if limits.spill and not (within.is_dir() and os.access(within, os.W_OK)):
        raise ParamsError(
            f"{company.params / 'base.yaml'}: 'limits.spill': expected a folder that can be written to, found "
            f"{'one that cannot' if within.is_dir() else 'none'}: {within}. Make it, or leave the limit out: the "
            f"warehouse then spills to {company.data / 'spill'}."
        )
    most = limits.warehouse_mb or psutil.virtual_memory().total / 2_000_000  # the other half is for the reports beside
    return ibis.duckdb.connect(
        temp_directory=str(company.spill), preserve_insertion_order=False, memory_limit=f"{most:.0f}MB"
    )


def looked_into(company: Company) -> tuple[dict[str, dict[str, str]], tuple[date, ...]]:
    """What a warehouse by URL holds, whether or not it fits the contract.

    Returns
    -------
    dict, tuple
        Tables and views by name: the type of each column, with the one it must be where they differ; first and last day
        of orders, none if there is no table of that name, or none in it.

    Raises
    ------
    ParamsError
        As a run would: the URL names no backend, tells a secret, or does not answer.
    """
    backend = _connected(company)
    found: dict[str, dict[str, str]] = {}
    for name in sorted(backend.list_tables()):
        wanted = {column.name: IBIS_TYPES[column.type] for column in TABLES[name].columns} if name in TABLES else {}
        found[name] = {
            column: str(kind)
            if column not in wanted or _fits(kind, wanted[column])
            else f"{kind}, must be {wanted[column]}"
            for column, kind in backend.table(name).schema().items()
        }
    days: tuple[date, ...] = ()
    if "ordered_at" in found.get("orders", {}):
        placed = backend.table("orders").ordered_at
        days = tuple(each.date() for each in (placed.min().execute(), placed.max().execute()) if not pd.isna(each))
    backend.disconnect()
    return found, days


def _connected(company: Company) -> ibis.BaseBackend:
    """The backend that a company's URL names.

    Raises
    ------
    ParamsError
        If it is none that frames are the same on, its URL tells a secret, or it does not answer.
    """
    place = f"{company.params / 'base.yaml'}, 'warehouse'"
    try:
        url = urlsplit(company.settings.warehouse)
    except ValueError as error:
        raise ParamsError(f"{place}: expected local or a URL, found one that does not read: {error}.") from None
    name = _BACKENDS.get(url.scheme)
    if name is None:
        raise ParamsError(
            f"{place}: expected local, or a URL of duckdb, postgres or pyspark, found {url.scheme or url.path!r}: no "
            "test holds its frames to DuckDB's, and its calendar days would be wrong unless they are those of the "
            "company's zone. docs/SCALE.md says what it would take."
        )
    if url.password is not None or "@" in url.path + url.fragment or _SECRET.search(url.query):
        raise ParamsError(
            f"{place}: expected a URL without a secret, found one. Take it out and change it where it is good for; "
            "secrets come by environment: of PostgreSQL PGPASSWORD or PGPASSFILE, of Spark a folder SPARK_CONF_DIR."
        )
    try:
        return _spark(url) if name == "pyspark" else ibis.connect(url.geturl())
    except Exception as error:  # each driver has errors of its own
        told = str(error).strip() or type(error).__name__
        how = f" pip install 'tandem-toolkit[{name.removeprefix('py')}]'" if isinstance(error, ImportError) else ""
        raise ParamsError(
            f"{place}: expected {name} to answer at {url.netloc or 'the place that its environment names'}, "
            f"found: {told.splitlines()[0]}.{how}"
        ) from None


def _spark(url: SplitResult) -> ibis.BaseBackend:
    """``pyspark://MASTER:PORT/DATABASE?spark.name=value``: a session on a standalone cluster, in that database.

    Without a master ``spark.master`` says where, or Spark's own files. Ibis would set each value on a session that
    runs, which Spark refuses for most.
    """
    from pyspark.sql import SparkSession

    settings = {"spark.ui.showConsoleProgress": "false"} | dict(parse_qsl(url.query))
    if url.hostname:
        socket.create_connection((url.hostname, url.port or 7077), timeout=10).close()  # Spark would ask for a minute
        settings["spark.master"] = f"spark://{url.hostname}:{url.port or 7077}"
    session = SparkSession.builder.config(map=settings).getOrCreate()
    if url.path.strip("/"):
        session.catalog.setCurrentDatabase(url.path.strip("/"))
    return ibis.pyspark.connect(session)


def _set_zone(backend: ibis.BaseBackend, zone: str) -> None:
    """Calendar days and months are those of the company's zone on every backend."""
    if backend.name == "pyspark":
        backend._session.conf.set("spark.sql.session.timeZone", zone)
    elif backend.name == "postgres":
        backend.raw_sql(f"SET TIME ZONE '{zone}'")
        backend.raw_sql("SET enable_nestloop = off")  # it takes sums of sums for a row or two: minutes, not a second
    else:
        backend.raw_sql(f"SET TimeZone = '{zone}'")

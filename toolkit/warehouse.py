"""Where do a company's contract tables live? Parquet on DuckDB by default, any Ibis backend by URL."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from toolkit.company import Company
from toolkit.contract import TABLES
from toolkit.errors import DataError, ParamsError

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


class Warehouse:
    """The contract tables of one company, as Ibis tables with every contract column.

    A column or table that the company did not bring is there, typed and empty;
    ``has`` tells the difference.
    """

    def __init__(self, company: Company):
        self.company = company
        url = company.settings.warehouse
        self.backend = _local(company) if url == "local" else ibis.connect(url)
        _set_zone(self.backend, company.settings.zone)
        files = _local_files(company) if url == "local" else {}
        for name, path in files.items():
            self.backend.read_parquet(path, table_name=name)
        self._quarantine = {name: path.parents[1] / "quarantine" / path.name for name, path in files.items()}
        self._names = set(files) if url == "local" else set(self.backend.list_tables()) & set(TABLES)
        self._columns = {name: set(self.backend.table(name).columns) for name in self._names}

    def has(self, table: str, *columns: str) -> bool:
        """Did the company bring the table, with these columns?"""
        return table in self._names and set(columns) <= self._columns[table]

    def table(self, name: str) -> ir.Table:
        """A contract table with all its columns in contract order; what was not brought is empty."""
        if name not in self._names:
            return self._empty(name)
        return _padded(self.backend.table(name), name)

    def quarantine(self, name: str) -> ir.Table:
        """Rows of a contract table that the entry checks set aside; none in a warehouse by URL."""
        path = self._quarantine.get(name)
        return _padded(self.backend.read_parquet(path) if path else self._empty(name), name)

    def _empty(self, name: str) -> ir.Table:
        schema = {column.name: IBIS_TYPES[column.type] for column in TABLES[name].columns}
        return ibis.memtable([], schema=ibis.schema(schema))


@contextmanager
def reading(company: Company) -> Iterator[None]:
    """A local warehouse whose files are gone, or do not read, is told as such.

    Raises
    ------
    DataError
        If DuckDB finds no file of it, or one that is none.
    """
    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        if company.settings.warehouse != "local":
            raise
        raise DataError(
            f"{company.data}: the warehouse does not read: {str(error).splitlines()[0]} Ingest {company.name} again."
        ) from None


def _padded(found: ir.Table, name: str) -> ir.Table:
    """A table with all columns of its contract, in order."""
    return found.select(
        **{
            column.name: found[column.name] if column.name in found.columns else ibis.null(IBIS_TYPES[column.type])
            for column in TABLES[name].columns
        }
    )


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
    settings = {"temp_directory": str(company.spill), "preserve_insertion_order": False}
    if limits.warehouse_mb:
        settings["memory_limit"] = f"{limits.warehouse_mb}MB"
    return ibis.duckdb.connect(**settings)


def _set_zone(backend: ibis.BaseBackend, zone: str) -> None:
    """Calendar days and months are those of the company's zone on every backend."""
    if backend.name == "duckdb":
        backend.raw_sql(f"SET TimeZone = '{zone}'")
    elif backend.name == "postgres":
        backend.raw_sql(f"SET TIME ZONE '{zone}'")
    elif backend.name == "pyspark":
        backend._session.conf.set("spark.sql.session.timeZone", zone)
    else:
        raise ParamsError(
            f"warehouse: expected duckdb, postgres or pyspark, found {backend.name!r}: "
            "its session's time zone cannot be set, and calendar days would be wrong."
        )

"""What can be begun with? A first params folder of a company, written from the names and types in its raw files."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb

from toolkit import source
from toolkit.contract import TABLES, Column, Table
from toolkit.errors import ParamsError, first_five

_ID = "( unique)?( (id|no|nr|num|number|code|key))?"
_AT = "( (date|time|datetime|timestamp|at|on|day))+"
_WORDS = {  # what files call a column of the contract, the likeliest first; its own name comes before these
    "order_id": (f"(sales )?order{_ID}", f"(invoice|basket|transaction|receipt|ticket|purchase){_ID}"),
    "customer_id": (f"customer{_ID}", f"(client|buyer|account|member|household|shopper|user|debtor|person){_ID}"),
    "ordered_at": (f"order(ed)?{_AT}", f"(purchase|invoice|transaction|sale|placed|created|booking|basket){_AT}",
                   "date|day|timestamp|datetime"),
    "channel": ("(sales |order )?channel",),
    "product_id": (f"(product|article|sku|item){_ID}", f"(stock|material|good){_ID}"),
    "line_no": ("(order )?(line|row|position|pos)( (no|nr|num|number|id))?", "order item (no|nr|number|id)"),
    "quantity_ordered": ("(order(ed)? )?(quantity|qty)( ordered)?", "pieces|units|count"),
    "net_revenue": ("(net |line |total )?revenue", "(net|line|total|sales|extended) (amount|value|price|total)",
                    "amount|value|total|sales|turnover", "(unit |item |net |sales )?price"),
    "cost_of_goods": ("cogs", "(unit )?cost( price)?"),
    "type": ("(customer )?(type|class|group|segment)",),
    "region": ("region|province|state|county|district|area",),
    "country": ("country( code)?",),
    "postcode": ("(zip|postal|post) ?code( prefix)?", "zip"),
    "joined_on": (f"(joined|registered|created|signup|since){_AT}", "since"),
    "category": ("category( name)?", "(product |article |item )(group|category|type)", "department|commodity"),
    "brand": ("brand( name)?|manufacturer",),
    "weight_g": ("weight( g| grams)?",),
    "cancelled_at": (f"cancell?ed{_AT}", f"cancell?ation{_AT}"),
    "delivery_id": (f"(delivery|shipment|parcel|consignment){_ID}",),
    "shipped_at": (f"(shipped|dispatch(ed)?|handed over|sent|delivered carrier){_AT}",),
    "delivered_at": (f"(delivered|delivery|arrival|arrived|received)( customer)?{_AT}",),
    "promised_by": (f"(promised|estimated|expected|due)( delivery)?({_AT}| by)",),
    "freight_cost": ("(freight|shipping|transport)( (cost|value|charge|amount))?",),
    "carrier": ("carrier( name)?|haulier",),
}  # fmt: skip
_UNIT = re.compile("(unit|item|each|net|sales)? ?price|unit cost|cost( price)?")  # of one piece, where pieces are told
_FORMATS = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y",
            "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y",
            "%Y/%m/%d %H:%M:%S", "%Y/%m/%d", "%Y%m%d")  # fmt: skip
_READERS = {".parquet": "read_parquet", ".json": "read_json", ".jsonl": "read_json", ".ndjson": "read_json"}
_CSV = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_NOBODY = "no customer is named"
_SAMPLE = 20_000  # records that formats and signs are told by


@dataclass(frozen=True)
class RawFile:
    """A raw file: its name in the folder, how it is read, and its columns with DuckDB's types."""

    name: str
    read: str
    columns: dict[str, str]


@dataclass
class Draft:
    """The SELECT of a contract table, as far as names tell: expressions by column, what is removed, what is lacking."""

    table: Table
    file: RawFile
    used: dict[str, str]  # column of the contract: column of the file
    said: dict[str, str] = field(default_factory=dict)  # column of the contract: expression
    removed: dict[str, str] = field(default_factory=dict)  # reason: condition
    notes: list[str] = field(default_factory=list)

    @property
    def there(self) -> bool:
        """Is it the table itself, in a warehouse?"""
        return self.file.name == self.table.name

    @property
    def lacking(self) -> list[str]:
        """Columns without which the table cannot be brought."""
        return [c.name for c in self.table.columns if c.required and not c.absent and c.name not in self.said]

    def text(self) -> str:
        """The file ``source/<table>.sql``."""
        unused = [f"{name} {kind}" for name, kind in self.file.columns.items() if name not in self.used.values()]
        head = [
            f"-- {self.table.name}: {self.table.row}. Written from the names of columns: read it before you believe it."
        ]
        head += [f"-- {note}" for note in self.notes]
        head += [f"-- Not used of this file: {', '.join(unused)}."] if unused else []
        head += [f"-- records of: {self.file.name}", *(f"-- removes: {reason}" for reason in self.removed)]
        lines = [
            expression if expression == name else f"{expression} AS {name}" for name, expression in self.said.items()
        ]
        if self.removed:
            cases = "".join(f"\n        WHEN {when} THEN '{reason}'" for reason, when in self.removed.items())
            lines.append(f"CASE{cases}\n    END AS removed_because")
        return (
            "\n".join([*head, "SELECT", ",\n".join(f"    {line}" for line in lines), f"FROM {self.file.read}"]) + "\n"
        )


def drafted(raw: Path, zone: str) -> tuple[list[RawFile], dict[str, Draft], tuple[date, ...]]:
    """Raw files of a folder, the SELECTs that their names suggest, and the days that orders run from and to.

    Parameters
    ----------
    raw
        Folder with CSV, Parquet or JSON files; nothing else is read.
    zone
        Time zone of the company.

    Returns
    -------
    tuple
        Files, drafts by contract table, and the first and the last day of orders, none if no time is known.

    Raises
    ------
    ParamsError
        If there is no such folder, or no file in it that reads as a table.
    """
    if not raw.is_dir():
        raise ParamsError(f"{raw}: expected a folder with raw files, found none.")
    source.closed(raw)
    connection = source.locked(zone, raw, raw / ".spill").con
    files = [_looked_at(connection, raw, path) for path in sorted(raw.rglob("*")) if path.is_file()]
    if not any(file.columns for file in files):
        present = first_five(file.name for file in files)
        raise ParamsError(
            f"{raw}: expected CSV, Parquet or JSON files with named columns, found none among {present or 'nothing'}"
        )
    tables = _together([file for file in files if file.columns])
    drafts: dict[str, Draft] = {}
    for name in ("orders", *(name for name in TABLES if name != "orders")):
        draft = _best(TABLES[name], tables, drafts)
        if draft:
            _express(connection, draft, drafts)
            drafts[name] = draft
    days: tuple[date, ...] = ()
    if draft := drafts.get("orders"):
        with suppress(duckdb.Error, KeyError):
            day = f"CAST(TRY_CAST({draft.said['ordered_at']} AS TIMESTAMP) AS DATE)"
            found = connection.execute(f"SELECT min({day}), max({day}) FROM {draft.file.read}").fetchone()
            days = found if found[0] else ()
    return files, {name: drafts[name] for name in TABLES if name in drafts}, days


def in_warehouse(seen: Mapping[str, Mapping[str, str]]) -> tuple[list[RawFile], dict[str, Draft]]:
    """Tables of a warehouse, and which of them is, or looks like, which of the contract.

    Parameters
    ----------
    seen
        Tables by name, the type of each column, as ``warehouse.looked_into`` tells them. No value is looked at.

    Returns
    -------
    list, dict
        The tables, and drafts by contract table.
    """
    files = [RawFile(name, _quoted(name), dict(columns)) for name, columns in seen.items()]
    own = {file.name: file for file in files if file.name in TABLES}
    drafts: dict[str, Draft] = {}
    for name, table in TABLES.items():
        file = own.get(name)
        like = {column.name: column.name for column in table.columns if file and column.name in file.columns}
        draft = (
            Draft(table, file, like) if file else _best(table, [each for each in files if each.name not in own], drafts)
        )
        if draft:
            draft.said = {column: _quoted(name) for column, name in draft.used.items()}
            money = [column.name for column in table.columns if column.type == "money" and column.name in draft.used]
            draft.notes += [f"Whole cents are expected of {', '.join(money)}."] if money else []
            drafts[name] = draft
    return files, drafts


def last_whole_quarter(days: Sequence[date]) -> str:
    """The last quarter that days reach the end of, within a week, else the one that they end in; "" without any.

    >>> last_whole_quarter([date(2024, 1, 1), date(2026, 9, 28)])
    '2026Q3'
    >>> last_whole_quarter([date(2016, 9, 4), date(2018, 10, 17)])
    '2018Q3'
    >>> last_whole_quarter([date(2026, 7, 1), date(2026, 9, 20)])
    '2026Q3'
    """
    if not days:
        return ""
    after = days[-1] + timedelta(days=8)
    before = date(after.year, (after.month - 1) // 3 * 3 + 1, 1) - timedelta(days=1)
    last = before if before >= days[0] else days[-1]
    return f"{last.year}Q{(last.month + 2) // 3}"


def write(
    params: Path, company: Mapping[str, str], files: Sequence[RawFile], drafts: Mapping[str, Draft]
) -> list[Path]:
    """Write ``base.yaml``, a SELECT for each table that lacks nothing, and ``SOURCES.md``; the paths written.

    For a warehouse, ``views.sql`` in place of the SELECTs: a view for each table that is there by another name.

    Parameters
    ----------
    params
        Folder of the company's params, which must not be there.
    company
        Settings of the block ``company:``, by name.
    files, drafts
        The result of ``drafted`` or ``in_warehouse``.

    Raises
    ------
    ParamsError
        If the folder is there; it is left as it is.
    """
    if params.exists():
        raise ParamsError(f"{params}: is there already and was left as it is. Name another company, or remove it.")
    people = drafts["customers"].said if "customers" in drafts else {}
    if group := next((name for name in ("type", "region", "country") if name in people), ""):
        company = {**company, "segment": group}
    settings = "".join(f"  {name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in company.items())
    content = {"base.yaml": f"company:\n{settings}\nall: {{}}\n"}
    whole = {name: draft.text() for name, draft in drafts.items() if not draft.lacking and not draft.there}
    if "warehouse" not in company:
        content |= {f"source/{name}.sql": text for name, text in whole.items()}
    elif whole:
        views = [text.replace("SELECT\n", f"CREATE VIEW {name} AS\nSELECT\n", 1) for name, text in whole.items()]
        content["views.sql"] = ";\n\n".join(text.rstrip() for text in views) + ";\n"
    content["SOURCES.md"] = _told(files, drafts, views="warehouse" in company)
    for name, text in content.items():
        path = params / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [params / name for name in content]


def _told(files: Sequence[RawFile], drafts: Mapping[str, Draft], *, views: bool) -> str:
    """What was found beside each table of the contract, the ones that everything needs first."""
    lines = [
        "# Where each table comes from",
        "",
        "Tables in the order in which they unlock reports; docs/DATA.md tells their columns.",
        "",
    ]
    for table in sorted(TABLES.values(), key=lambda table: not table.required):
        draft = drafts.get(table.name)
        lines += [f"## {table.name}", "", f"One row is {table.row}. Unlocks: {table.unlocks}.", ""]
        if not draft:
            lines += ["Nothing looks like it.", ""]
            continue
        written = f"{'views.sql' if views else f'source/{table.name}.sql'} has it"
        state = f"{', '.join(draft.lacking)} is needed too" if draft.lacking else "" if draft.there else written
        is_it = "is there" if draft.there else "looks like it"
        lines += [
            f"`{draft.file.name}` {is_it}{'; ' * bool(state)}{state}.",
            "",
            "| column | from | type there |",
            "|---|---|---|",
        ]
        for column in table.columns:
            found = draft.used.get(column.name, "")
            kind = draft.file.columns.get(found, "")
            name = f"**{column.name}**" if column.required else column.name
            lines.append(f"| {name} | {found or draft.said.get(column.name, '')} | {kind} |")
        lines.append("")
    lines += ["## Tables and views" if views else "## Files", ""]
    for file in files:
        told = ", ".join(f"{name} ({kind})" for name, kind in file.columns.items())
        lines.append(f"- `{file.name}`: {told or 'does not read as a table that names its columns'}")
    return "\n".join(lines) + "\n"


# -- looking ---------------------------------------------------------------------------------------


def _together(files: Sequence[RawFile]) -> list[RawFile]:
    """Files of the same columns whose names differ in digits only, as months do, are one: read by a pattern.

    >>> parts = [RawFile(f"orders-0{at}.csv", f"read_csv('orders-0{at}.csv')", {"id": "BIGINT"}) for at in (1, 2)]
    >>> [(file.name, file.read) for file in _together(parts)]
    [('orders-[0-9][0-9].csv', "read_csv('orders-[0-9][0-9].csv')")]
    """
    found: dict[tuple, list[RawFile]] = {}
    for file in files:
        pattern = re.sub(r"\d", "[0-9]", file.name)
        found.setdefault((pattern, *file.columns, file.read.replace(file.name, pattern)), []).append(file)
    return [
        RawFile(pattern, read, parts[0].columns) if len(parts) > 1 else parts[0]
        for (pattern, *_, read), parts in found.items()
    ]


def _looked_at(connection: duckdb.DuckDBPyConnection, raw: Path, path: Path) -> RawFile:
    """A file as it reads; without columns where it reads as no table that names them."""
    name = path.relative_to(raw).as_posix()
    place = "getvariable('root') || '/" + name.replace("'", "''") + "'"
    reader = _READERS.get(path.suffix)
    if reader:
        return _described(connection, name, f"{reader}({place})")
    if not name.lower().endswith(_CSV):
        return RawFile(name, "", {})
    for encoding in ("", ", encoding = 'latin-1'"):
        with suppress(duckdb.Error):
            sniffed = f"sniff_csv({place}, sample_size = {_SAMPLE}{encoding})"
            told = connection.execute(f"SELECT Delimiter, Quote, HasHeader, Columns FROM {sniffed}").fetchone()
            delimiter, quote, header, columns = told
            if not header:
                break
            said = [
                f"delim = '{delimiter}'",
                *([f"quote = '{quote * (1 + (quote == chr(39)))}'"] if len(quote) == 1 else []),
            ]
            read = f"read_csv({place}, all_varchar = true, header = true, {', '.join(said)}{encoding})"
            return RawFile(name, read, {one["name"]: one["type"] for one in columns})
    return RawFile(name, "", {})


def _described(connection: duckdb.DuckDBPyConnection, name: str, read: str) -> RawFile:
    with suppress(duckdb.Error):
        rows = connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()
        return RawFile(name, read, {row[0]: row[1] for row in rows})
    return RawFile(name, "", {})


def _plain(name: str) -> str:
    """A name as words: ``CustomerNo``, ``customer-no`` and ``customer_no`` alike.

    >>> _plain("InvoiceNo"), _plain("order_purchase_timestamp"), _plain("SKU")
    ('invoice no', 'order purchase timestamp', 'sku')
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.findall(r"[^\W_]+", apart.lower()))


def _likeness(column: Column, name: str, own: Sequence[str]) -> float:
    """How much a name reads like a column of the contract, 0 to 1; it may begin with words of its file (``own``)."""
    words = _plain(name)
    short = words
    for word in own:
        short = short.removeprefix(f"{word} ")
    for told, worth in ((words, 1.0), (short, 0.9)):
        if told == _plain(column.name):
            return worth
        for at, pattern in enumerate(_WORDS.get(column.name, ())):
            if re.fullmatch(pattern, told):
                return worth * (0.9 - 0.1 * at)
    return 0.0


def _best(table: Table, files: Sequence[RawFile], drafts: Mapping[str, Draft]) -> Draft | None:
    """The file that holds most of a table, and which of its columns is which; None if no file holds its key."""
    found = []
    for file in files:
        stem = _plain(Path(file.name).name.split(".")[0])
        own = [word.removesuffix("s") for word in stem.split()]
        worths = {
            (column.name, name): _likeness(column, name, own) for column in table.columns for name in file.columns
        }
        used: dict[str, str] = {}
        for (column, name), worth in sorted(worths.items(), key=lambda each: -each[1]):
            if worth and column not in used and name not in used.values():
                used[column] = name
        needed = [
            c.name for c in table.columns if c.required and not c.absent and c.name not in _MADE.get(table.name, ())
        ]
        if table.name in _MADE and not set(needed) <= set(used):
            continue
        if table.name == "deliveries" and not {"shipped_at", "delivered_at", "promised_by"} & set(used):
            continue
        if 2 * len(set(needed) & set(used)) <= len(needed) or (not table.required and len(used) < 2):
            continue
        called = _plain(table.name).removesuffix("s")
        named = 1.5 * (called in stem) + 0.5 * stem.removesuffix("s").endswith(called)
        held = sum(worths[pair] * (2 if table.column(pair[0]).required else 1) for pair in used.items())
        notes = [
            f"{column}: {name} reads like it too. Which is it?"
            for (column, name), worth in worths.items()
            if worth and column in used and column in needed and name not in used.values()
        ]
        found.append((held + named, file, used, notes))
    if not found:
        return None
    _, file, used, notes = max(found, key=lambda each: (each[0], each[1].name))
    return Draft(table, file, used, notes=notes)


_MADE = {  # tables that a file may hold without some of their required columns, which can be made
    "customers": (), "orders": (), "order_lines": ("line_no", "quantity_ordered"), "deliveries": ("delivery_id",),
}  # fmt: skip


# -- saying ----------------------------------------------------------------------------------------


def _express(connection: duckdb.DuckDBPyConnection, draft: Draft, drafts: Mapping[str, Draft]) -> None:
    """Fill in the expressions of a draft and what it removes, as far as the forms of a sample of the data tell."""
    table, file = draft.table, draft.file

    def share(condition: str) -> float:
        """Of a sample's records that have the value."""
        with suppress(duckdb.Error):
            told = connection.execute(
                f"SELECT avg(CAST(({condition}) AS INTEGER)) FROM (SELECT * FROM {file.read} LIMIT {_SAMPLE})"
            ).fetchone()[0]
            return float(told or 0)
        return 0.0

    for column in table.columns:
        if column.name in draft.used:
            name = _quoted(draft.used[column.name])
            draft.said[column.name] = _typed(column, name, file.columns[draft.used[column.name]], share, draft)
    pieces = draft.used.get("quantity_ordered")
    for name in ("net_revenue", "cost_of_goods"):
        if name in draft.said and pieces and _UNIT.fullmatch(_plain(draft.used[name])):
            draft.said[name] += f" * CAST({_quoted(pieces)} AS INTEGER)"
            draft.notes.append(f"{name}: {draft.used[name]} is taken for the price of one piece.")
    if table.name == "order_lines":
        orders = drafts.get("orders")
        if orders and orders.file is file and _NOBODY in orders.removed:
            draft.removed[_NOBODY] = orders.removed[_NOBODY]
        _lines(draft, share)
    if table.name == "deliveries" and draft.lacking == ["delivery_id"]:
        draft.said = {"delivery_id": draft.said["order_id"]} | draft.said
        draft.notes.append("delivery_id: no shipment has a number; each order is taken for one.")
    order = ", ".join(_quoted(name) for name in file.columns if name in draft.used.values())
    if table.name in ("customers", "orders"):
        person = _quoted(draft.used["customer_id"])
        if share(f"{person} IS NULL"):
            draft.removed[_NOBODY] = f"{person} IS NULL"
    if table.name in ("customers", "products", "orders"):
        key = _quoted(draft.used[table.key[0]])
        again = f"row_number() OVER (PARTITION BY {key} ORDER BY {order}) > 1"
        several = f"SELECT count({key}) > count(DISTINCT {key}) FROM {file.read}"
        with suppress(duckdb.Error):
            if connection.execute(several).fetchone()[0]:
                draft.removed[f"another record of the same {table.name.removesuffix('s')}"] = again
    if table.name == "customers" and "orders" in drafts and draft.file is drafts["orders"].file:
        draft.notes.append("No file of customers: they are those who ordered, and nothing is known of them but that.")


def _typed(column: Column, name: str, kind: str, share, draft: Draft) -> str:
    if column.type == "money":
        if share(f"regexp_full_match(CAST({name} AS VARCHAR), '-?[0-9.]*,[0-9]{{1,2}}')") > 0.5:
            return f"cents(replace(replace({name}, '.', ''), ',', '.'))"
        return f"cents({name})"
    if (
        column.type in ("timestamp", "date")
        and "TIMESTAMP" not in kind
        and share(f"TRY_CAST({name} AS TIMESTAMP) IS NULL AND {name} IS NOT NULL") > 0.01
    ):
        fits = {form: share(f"try_strptime({name}, '{form}') IS NOT NULL") for form in _FORMATS}
        best = max(fits, key=fits.get)
        other = [form for form in fits if form != best and fits[form] == fits[best]]
        if fits[best]:
            draft.notes += [f"{column.name}: {best} is as likely as {other[0]}. Which is it?"] if other else []
            parsed = f"try_strptime({name}, '{best}')"
            return f"CAST({parsed} AS DATE)" if column.type == "date" else parsed
    return name


def _lines(draft: Draft, share) -> None:
    order = _quoted(draft.used["order_id"])
    if "line_no" not in draft.said:
        every = ", ".join(_quoted(name) for name in draft.file.columns if name in draft.used.values())
        draft.said["line_no"] = f"row_number() OVER (PARTITION BY {order} ORDER BY {every})"
        draft.notes.append("line_no: lines are numbered here, by what they hold.")
    if "quantity_ordered" not in draft.said:
        draft.said["quantity_ordered"] = "1"
        draft.notes.append("quantity_ordered: nobody tells it; each line is taken for one piece.")
    elif share(f"TRY_CAST({draft.said['quantity_ordered']} AS DOUBLE) < 0"):
        draft.removed["fewer than no pieces: a return or a correction"] = (
            f"TRY_CAST({draft.said['quantity_ordered']} AS DOUBLE) < 0"
        )


def _quoted(name: str) -> str:
    """A column's name in SQL, in quotes where it needs them.

    >>> _quoted("order_id"), _quoted("Order No")
    ('order_id', '"Order No"')
    """
    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in ("order", "group", "table", "user", "end", "when")
    return name if plain else '"' + name.replace('"', '""') + '"'


# -- a notebook --------------------------------------------------------------------------------------

_PARAMETERS = """company: str = "sample"  # whose data, as in params/
period: str = "2026Q3"  # governance period, such as 2026Q3, 2026-07, 2026H2 or 2026
confidence: float = 0.95  # coverage of every interval
language: str = "en"  # of the page: en, or one that toolkit/locale has"""
_CELLS = (  # of a new notebook: kind or tag, and text; {n} is its section
    ("markdown", "# {title}\n\nWhich question does it answer, and for whom?\n\nWhat can it not show?"),
    ("parameters", _PARAMETERS),
    ("code", """from toolkit import frames, present, stats

frame = frames.reader(company, period)
look = present.Look(frame("company_facts"), frame("unlocks"), confidence)
present.theme(language)"""),
    ("markdown", "## {n}.0 What the numbers stand on\n\nOrders placed in the period and not cancelled by the day of "
                 "knowledge."),
    ("code", """placed = frame("orders")
orders = placed[~placed["cancelled"]]
present.row_account(frame("row_account"), look)"""),
    ("markdown", "## {n}.1 Orders by segment\n\nSegments of too few customers stand together."),
    ("code", """told = stats.publishable(orders, by=["segment"], person="customer_id", min_n=look.min_n)
rows = told.groupby("segment").agg(n_orders=("order_id", "size"), n_customers=("customer_id", "nunique")).reset_index()
caption, columns = f"Orders placed in {look.period}, not cancelled", ["segment", "n_orders", "n_customers"]
present.table(rows, name="orders_by_segment", caption=caption, columns=columns)"""),
    ("markdown", "## {n}.2 Findings\n\nComputed from the tables above, in the same slots every period."),
    ("findings", """n, customers = len(orders), orders["customer_id"].nunique()
present.paragraphs([f"{n:,} orders of {customers:,} customers were placed in {look.period}."], role="findings")"""),
)  # fmt: skip
_TEST = '''"""Does the notebook {name} run on the sample company, and do its numbers add up?"""

import shutil

import pandas as pd
import pytest

from conftest import ROOT
from toolkit import cli, lab


def test_it_is_as_a_pack_needs_it():
    assert lab.linted(ROOT / "notebooks" / "{name}.ipynb") == []


@pytest.mark.slow
def test_its_table_adds_up(tiny_sample, tmp_path):
    for folder in ("params", "notebooks", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "data").mkdir()
    shutil.copytree(tiny_sample.company.data, tmp_path / "data" / "sample")
    assert cli.main(["--home", str(tmp_path), "run", "sample", "2026Q3", "--only", "{name}"]) == 0
    path = tmp_path / "reports" / "sample" / "2026Q3" / "r1" / "tables" / "{name}" / "orders_by_segment.csv"
    orders = tiny_sample.frames("2026Q3", ["orders"])["orders"]
    assert pd.read_csv(path)["n_orders"].sum() == (~orders["cancelled"]).sum()
'''


def notebook(home: Path, name: str, title: str) -> list[Path]:
    """Write a notebook that runs, its sections in METHODS, its block in each company's params, its test; the paths.

    Parameters
    ----------
    home
        Folder with ``notebooks/``, ``docs/METHODS.md``, ``params/`` and ``tests/``.
    name
        Of the file: small letters, digits, underscores.
    title
        Of the page.

    Raises
    ------
    ParamsError
        If there is one of that name; nothing is written then.
    """
    path, methods, test = (
        home / "notebooks" / f"{name}.ipynb",
        home / "docs" / "METHODS.md",
        home / "tests" / f"test_{name}.py",
    )
    there = [one for one in (path, test) if one.exists()]
    if there or not methods.is_file():
        what = f"{there[0]}: is there already and was left as it is" if there else f"{methods}: expected it, found none"
        raise ParamsError(f"{what}. Name another notebook, or run this in the project's folder.")
    known = methods.read_text(encoding="utf-8")
    n = max([int(found) for found in re.findall(r"(?m)^## (\d+) ", known)], default=0) + 1
    cells = []
    for at, (kind, text) in enumerate(_CELLS):
        text = text.replace("{title}", title).replace("{n}", str(n)) if kind == "markdown" else text
        cell = {
            "cell_type": "markdown" if kind == "markdown" else "code",
            "id": f"c{at}",
            "metadata": {},
            "source": text,
        }
        if kind != "markdown":
            cell |= {"execution_count": None, "outputs": []}
        if kind in ("parameters", "findings"):
            cell["metadata"] = {"tags": [kind]}
        cells.append(cell)
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
    document = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    titles = [line[3:] for cell in cells for line in cell["source"].splitlines() if line.startswith("## ")]
    sections = "".join(
        f"\n### {one}\n\nHow it is made, from which source, and what it cannot show.\n" for one in titles
    )
    methods.write_text(f"{known.rstrip()}\n\n## {n} {title}\n{sections}", encoding="utf-8")
    params = sorted((home / "params").glob("*/base.yaml"))
    for one in params:
        one.write_text(f"{one.read_text(encoding='utf-8').rstrip()}\n\n{name}: {{}}\n", encoding="utf-8")
    test.parent.mkdir(exist_ok=True)
    test.write_text(_TEST.replace("{name}", name), encoding="utf-8")
    return [path, methods, test, *params]

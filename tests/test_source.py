"""What becomes of broken raw files? A receipt that adds up, or one message that says what to do; nothing between."""

import csv
import gzip
import hashlib
import hmac
import io
import json
import random
from collections import Counter
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit import company, source
from toolkit.contract import TABLES
from toolkit.errors import DataError, ParamsError
from toolkit.warehouse import Warehouse

CANARY = "canary-7f3a"


def select(name, *options, columns="*", after=""):
    """The SELECT of one raw CSV file, as an analyst would write it."""
    read = ", ".join([f"getvariable('root') || '/{name}.csv'", "all_varchar = true", "header = true", *options])
    return f"-- records of: {name}.csv\nSELECT {columns}\nFROM read_csv({read})\n{after}"


COMMA = ("delim = ','", "quote = '\"'")


def acme(home, files, selects=None, **settings):
    """A small company: its raw files, a SELECT for each contract table, its settings."""
    folder = home / "params" / "acme"
    (folder / "source").mkdir(parents=True, exist_ok=True)
    (home / "raw").mkdir(exist_ok=True)
    block = {"title": "Acme", "zone": "Europe/Helsinki", "currency": "EUR", "pseudonym_key": "public"}
    block |= {"max_quarantined_share": 0.9} | settings
    (folder / "base.yaml").write_text("company: " + json.dumps(block))
    for name, content in files.items():
        (home / "raw" / name).write_bytes(content.encode() if isinstance(content, str) else content)
    if selects is None:
        selects = {name.removesuffix(".csv"): select(name.removesuffix(".csv"), *COMMA) for name in files}
    for name, text in selects.items():
        (folder / "source" / f"{name}.sql").write_bytes(text.encode() if isinstance(text, str) else text)
    return company.load("acme", home)


def ingest(home, files, selects=None, **settings):
    return source.ingest(acme(home, files, selects, **settings), home / "raw")


def drawn(drawing):
    """A raw file as drawn, and the fates of its records: what stands right of the bar, apart by semicolons."""
    lines = [line.rsplit("|", 1) for line in drawing.strip().splitlines()]
    raw = "".join(f"{line.strip()}\n" for line, _ in lines)
    return raw, [[fate.strip() for fate in fates.split(";")] for _, fates in lines[1:]]


def of_fates(fates):
    """What a receipt has to say of records with these fates."""
    parts = {"removed": Counter(), "quarantined": Counter(), "cascade": Counter(), "emptied": Counter()}
    for fate in (fate for record in fates for fate in record):
        part, _, reason = fate.partition(": ")
        if reason:
            parts[part][reason] += 1
    kept = sum(1 for record in fates if record[0] == "kept" or record[0].startswith("emptied"))
    unreadable = fates.count(["unreadable"])
    return {"records": len(fates), "unreadable": unreadable, "kept": kept} | {p: dict(c) for p, c in parts.items()}


def of_receipt(table):
    assert table.adds_up
    names = ("records", "unreadable", "kept", "removed", "quarantined", "cascade", "emptied")
    return {name: getattr(table, name) for name in names}


def of_warehouse(home, receipt, name):
    """Kept rows and set-aside rows by reason, counted in the files that were written."""
    folder = home / "data" / "acme" / receipt.folder
    lost = pq.read_table(folder / "quarantine" / f"{name}.parquet", columns=["reason", "cascade"]).to_pylist()
    return {
        "kept": pq.read_metadata(folder / "tables" / f"{name}.parquet").num_rows,
        "quarantined": dict(Counter(row["reason"] for row in lost if not row["cascade"])),
        "cascade": dict(Counter(row["reason"] for row in lost if row["cascade"])),
    }


def rows(home, receipt, name, folder="tables"):
    return pq.read_table(home / "data" / "acme" / receipt.folder / folder / f"{name}.parquet").to_pylist()


def contents(folder):
    """Every file below a folder, as bytes; a lock, which is empty, is none."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# -- values that do not fit: the row stays, goes, or takes others with it ------------------------

VALUES = {
    "scores off their scale": {
        "surveys": """
            response_id,customer_id,item,invited_at,score,scale  |
            R1,C1,recommend,2026-07-01,10,nps_0_10               | kept
            R2,C1,recommend,2026-07-01,11,nps_0_10               | quarantined: score is outside 0 to 10
            R3,C1,recommend,2026-07-01,-1,nps_0_10               | quarantined: score is outside 0 to 10
            R4,C1,recommend,2026-07-01,0,nps_0_10                | kept
            R5,C1,recommend,2026-07-01,0,stars_1_5               | quarantined: score is outside 1 to 5
            R6,C1,recommend,2026-07-01,6,stars_1_5               | quarantined: score is outside 1 to 5
            R7,C1,recommend,2026-07-01,5,stars_1_5               | kept
        """
    },
    "scores that are no scores": {
        "surveys": """
            response_id,customer_id,item,invited_at,score,scale  |
            R1,C1,recommend,2026-07-01,,nps_0_10                 | kept
            R2,C1,recommend,2026-07-01,ten,nps_0_10              | quarantined: score is not a whole number
            R3,C1,recommend,2026-07-01,9.5,nps_0_10              | quarantined: score is not a whole number
            R4,C1,recommend,2026-07-01,9,smileys                 | quarantined: scale is not one of the allowed values
            R5,C1,recommend,2026-07-01,9,                        | quarantined: scale is empty
        """
    },
    "answered before it was asked": {
        "surveys": """
            response_id,customer_id,item,invited_at,answered_at,scale  |
            R1,C1,recommend,2026-07-02,2026-07-01,nps_0_10             | emptied: invited_at is after answered_at
            R2,C1,recommend,2026-07-02,2026-07-02,nps_0_10             | kept
        """
    },
    "deliveries before their order, and sent after they came": {
        "orders": """
            order_id,customer_id,ordered_at   |
            O1,C1,2026-07-10 12:00            | kept
        """,
        "deliveries": """
            delivery_id,order_id,shipped_at,delivered_at  |
            D1,O1,2026-07-11,2026-07-12                   | kept
            D2,O1,,2026-07-09                             | emptied: orders.ordered_at is after delivered_at
            D3,O1,2026-07-14,2026-07-13                   | emptied: shipped_at is after delivered_at
            D4,O1,2026-07-09,2026-07-12                   | emptied: orders.ordered_at is after shipped_at
            D5,O1,2026-07-08,2026-07-09                   | emptied: orders.ordered_at is after delivered_at; \
emptied: orders.ordered_at is after shipped_at
        """,
    },
    "a window that ends before it begins": {
        "deliveries": """
            delivery_id,order_id,promised_from,promised_by  |
            D1,O1,2026-07-12,2026-07-11                     | emptied: promised_from is after promised_by
        """
    },
    "a return before its order costs the row": {
        "orders": """
            order_id,customer_id,ordered_at  |
            O1,C1,2026-07-10                 | kept
        """,
        "returns": """
            order_id,line_no,returned_at,quantity  |
            O1,1,2026-07-20,1                      | kept
            O1,2,2026-07-01,1                      | quarantined: orders.ordered_at is after returned_at
        """,
    },
    "lines of no order": {
        "orders": """
            order_id,customer_id,ordered_at  |
            O1,C1,2026-07-10                 | kept
        """,
        "order_lines": """
            order_id,line_no,product_id,quantity_ordered,net_revenue  |
            O1,1,P1,2,500                                             | kept
            O9,1,P1,2,500                                             | quarantined: order_id is not in orders
        """,
    },
    "an optional reference to nothing is emptied": {
        "sites": """
            site_id,kind  |
            S1,store      | kept
            S2,shed       | quarantined: kind is not one of the allowed values
        """,
        "orders": """
            order_id,customer_id,ordered_at,site_id  |
            O1,C1,2026-07-10,S1                      | kept
            O2,C1,2026-07-10,S9                      | emptied: site_id is not in sites
            O3,C1,2026-07-10,S2                      | emptied: site_id is not in sites
            O4,C1,2026-07-10,                        | kept
        """,
    },
    "a lost order takes its lines with it": {
        "customers": """
            customer_id  |
            C1           | kept
        """,
        "orders": """
            order_id,customer_id,ordered_at  |
            O1,C1,2026-07-10                 | kept
            O2,C1,soon                       | quarantined: ordered_at is not a time
            O3,C9,2026-07-10                 | quarantined: customer_id is not in customers
        """,
        "order_lines": """
            order_id,line_no,product_id,quantity_ordered,net_revenue  |
            O1,1,P1,2,500                                             | kept
            O2,1,P1,2,500                                             | cascade: its row of orders was quarantined
            O2,2,P1,2,500                                             | cascade: its row of orders was quarantined
            O3,1,P1,2,500                                             | cascade: its row of orders was quarantined
            O3,2,P1,2,much                                            | quarantined: net_revenue is not whole cents
        """,
    },
    "equal rows, and rows that share a key": {
        "products": """
            product_id,category  |
            P1,milk              | kept
            P1,milk              | quarantined: equal to another row
            P1,milk              | quarantined: equal to another row
            P2,oil               | quarantined: shares its key with a different row
            P2,tea               | quarantined: shares its key with a different row
            P3,oil               | quarantined: shares its key with a different row
            P3,oil               | quarantined: equal to another row
            P3,tea               | quarantined: shares its key with a different row
            P4,                  | kept
        """
    },
    "blanks around an identifier are not part of it": {
        "products": """
            product_id,category  |
            P1,milk              | kept
            "  P1 ",milk         | quarantined: equal to another row
            "  ",milk            | quarantined: product_id is empty
        """
    },
    "fractions where whole numbers belong": {
        "order_lines": """
            order_id,line_no,product_id,quantity_ordered,net_revenue  |
            O1,1,P1,2,500                                             | kept
            O1,2,P1,3.7,500  | quarantined: quantity_ordered is not a whole number
            O1,3,P1,3.0,500                                           | kept
            O1,7,P1,0,500                                             | kept
            O1,4,P1,-1,500                                            | quarantined: quantity_ordered is below 0
            O1,5,P1,1e3,500  | quarantined: quantity_ordered is not a whole number
            O1,6,P1,99999999999999999999,500  | quarantined: quantity_ordered is not a whole number
        """,
        "products": """
            product_id,weight_g,volume_ml  |
            P1,3.7,+3                      | emptied: weight_g is not a whole number
            ,3.7,heavy                     | quarantined: product_id is empty
            P2,-1,heavy                    | emptied: weight_g is below 0; emptied: volume_ml is not a whole number
        """,
    },
    "amounts that are no cents": {
        "order_lines": """
            order_id,line_no,product_id,quantity_ordered,net_revenue,cost_of_goods  |
            O1,1,P1,2,-500,                                                         | kept
            O1,2,P1,2,12.50,  | quarantined: net_revenue is not whole cents
            O1,3,P1,2,"1,250",  | quarantined: net_revenue is not whole cents
            O1,4,P1,2,,                                                             | quarantined: net_revenue is empty
            O1,5,P1,2,500,EUR 3  | quarantined: cost_of_goods is not whole cents
        """
    },
    "days and times that never were": {
        "orders": """
            order_id,customer_id,ordered_at,cancelled_at  |
            O1,C1,2026-07-10,2026-02-30                   | emptied: cancelled_at is not a time
            O2,C1,2026-02-30,                             | quarantined: ordered_at is not a time
            O3,C1,0001-01-01,                             | quarantined: ordered_at is outside the years 1900 to 2199
            O4,C1,infinity,                               | quarantined: ordered_at is outside the years 1900 to 2199
            O5,C1,2026-07-10,infinity                     | emptied: cancelled_at is outside the years 1900 to 2199
            O6,C1,,                                       | quarantined: ordered_at is empty
            O7,C1,now,                                    | quarantined: ordered_at is not a time
            O8,C1,10.07.2026,                             | quarantined: ordered_at is not a time
            O9,C1,2026-07-10,2026-07-09                   | emptied: ordered_at is after cancelled_at
        """,
        "customers": """
            customer_id,joined_on  |
            C1,2025-02-29          | emptied: joined_on is not a date
            C2,-infinity           | emptied: joined_on is outside the years 1900 to 2199
            C3,0001-01-01          | emptied: joined_on is outside the years 1900 to 2199
            C4,2024-02-29          | kept
        """,
    },
    "values that are not among the allowed": {
        "service_events": """
            event_id,kind,happened_at  |
            E1,complaint,2026-07-10    | kept
            E2,Complaint,2026-07-10    | quarantined: kind is not one of the allowed values
        """,
        "orders": """
            order_id,customer_id,ordered_at,fulfilment  |
            O1,C1,2026-07-10,in_store                   | kept
            O2,C1,2026-07-10,pigeon                     | emptied: fulfilment is not one of the allowed values
        """,
    },
    "spans of a customer that overlap": {
        "customers": """
            customer_id,region,valid_from,valid_to  |
            C1,north,2026-01-01,2026-02-01          | quarantined: its span overlaps the next one
            C1,south,2026-01-15,                    | kept
            C2,north,,2026-01-01                    | kept
            C2,south,2026-01-01,                    | kept
            C3,north,,                              | quarantined: its span overlaps the next one
            C3,south,2026-01-01,2026-02-01          | kept
            C4,north,2026-02-01,2026-01-01          | quarantined: valid_from is after valid_to
        """
    },
    "spans without an end overlap what follows": {
        "customers": """
            customer_id,region,valid_from  |
            C1,north,2026-01-01            | quarantined: its span overlaps the next one
            C1,south,2026-02-01            | kept
            C2,north,2026-01-01            | kept
        """
    },
    "postings in another currency": {
        "ledger": """
            month,account,pool,posting_no,amount,currency  |
            2026-01-01,4000,freight,1,100,EUR              | kept
            2026-01-01,4000,freight,2,100,USD              | quarantined: currency is not EUR
            2026-01-01,4000,freight,3,100,eur              | quarantined: currency is not EUR
        """
    },
    "attributes that are no JSON object": {
        "products": """
            product_id,attributes  |
            P1,"{""fat"": 1}"      | kept
            P2,[1]                 | emptied: attributes is not a JSON object
            P3,fat: 1              | emptied: attributes is not a JSON object
            P4,"{""fat"": "        | emptied: attributes is not a JSON object
            P5,                    | kept
        """
    },
    "places that are not on earth": {
        "sites": """
            site_id,kind,latitude,longitude  |
            S1,store,60.2,24.9               | kept
            S5,store,90,-180                 | kept
            S2,store,91,-181                 | emptied: latitude is above 90; emptied: longitude is below -180
            S3,store,nan,inf                 | emptied: latitude is not a number; emptied: longitude is above 180
            S4,store,north,                  | emptied: latitude is not decimal degrees
        """
    },
    "neither true nor false": {
        "customers": """
            customer_id,has_card  |
            C1,perhaps            | emptied: has_card is not true or false
            C2,yes                | kept
            C3,0                  | kept
        """
    },
    "hours that no clock shows": {
        "receiving_windows": """
            customer_id,weekday,opens,closes  |
            C1,monday,08:00,17:00             | kept
            C2,monday,25:00,26:00             | quarantined: opens is not a time of day
            C3,monday,17:00,08:00             | quarantined: opens is after closes
            C4,Monday,08:00,17:00             | quarantined: weekday is not one of the allowed values
            C5,,08:00,17:00                   | quarantined: weekday is empty
        """
    },
}


@pytest.mark.parametrize("case", VALUES)
def test_every_record_is_kept_or_counted_by_its_reason(tmp_path, case):
    files = {name: drawn(drawing) for name, drawing in VALUES[case].items()}
    receipt = ingest(tmp_path, {f"{name}.csv": raw for name, (raw, _) in files.items()})
    expected = {name: of_fates(fates) for name, (_, fates) in files.items()}
    assert {name: of_receipt(table) for name, table in receipt.tables.items()} == expected
    for name, counts in expected.items():
        written = of_warehouse(tmp_path, receipt, name)
        assert written == {part: counts[part] for part in written}


# -- files that are odd as files -------------------------------------------------------------------

HEADER = "product_id,category,weight_g\n"
RAGGED = HEADER + "P1,milk,1\nP2,oil\nP3,tea,3\nP4,salt,4,5\nP5,rice,5\n"
LATIN = (HEADER + "P1,milk,1\nP2,käse,2\nP3,tea,3\n").encode("latin-1")
THREE = HEADER + "P1,milk,1\nP2,oil,2\nP3,tea,3\n"
BROKEN_LINES = HEADER + 'P1,"milk,\nand ""cream""",1\nP2,"oil, cold",2\n'
REJECT = "store_rejects = true"

# name: raw file, options of read_csv, records, unreadable; all others are kept
ODD_FILES = {
    "plain": (THREE, COMMA, 3, 0),
    "ragged, such lines counted": (RAGGED, (*COMMA, REJECT), 5, 2),
    "ragged, such lines counted, nothing named": (RAGGED, (REJECT,), 5, 2),
    "one line with a wrong encoding, counted": (LATIN, (*COMMA, REJECT), 3, 1),
    "another encoding, named": (LATIN, (*COMMA, "encoding = 'latin-1'"), 3, 0),
    "UTF-16 with its mark, named": (THREE.encode("utf-16"), (*COMMA, "encoding = 'utf-16'"), 3, 0),
    "byte order mark": (("\ufeff" + THREE).encode(), COMMA, 3, 0),
    "byte order mark, nothing named": (("\ufeff" + THREE).encode(), (), 3, 0),
    "CRLF": (THREE.replace("\n", "\r\n"), COMMA, 3, 0),
    "CR alone": (THREE.replace("\n", "\r"), COMMA, 3, 0),
    "no line end at the end": (THREE.strip(), COMMA, 3, 0),
    "empty lines": (THREE.replace("P2", "\n\nP2") + "\n\n", COMMA, 3, 0),
    "quoted line breaks, delimiters and quotes": (BROKEN_LINES, COMMA, 2, 0),
    "quoted line breaks, nothing named": (BROKEN_LINES, (), 2, 0),
    "semicolons": (THREE.replace(",", ";"), ("delim = ';'",), 3, 0),
    "tabs": (THREE.replace(",", "\t"), ("delim = '\t'",), 3, 0),
    "an apostrophe and an inch": (HEADER + "P1,'tis,1\nP2,5\" pipe,2\n", ("delim = ','",), 2, 0),
    "a number sign is no comment": (HEADER + "P1,milk,1\n#P2,oil,2\nP3,tea,3\n", COMMA, 3, 0),
    "a zero byte": (THREE.replace("oil", "o\0l"), COMMA, 3, 0),
    "header and nothing else": (HEADER, COMMA, 0, 0),
    "header without a line end": (HEADER.strip(), COMMA, 0, 0),
}


@pytest.mark.parametrize("case", ODD_FILES)
def test_an_odd_file_is_read_and_adds_up(tmp_path, case):
    content, options, records, unreadable = ODD_FILES[case]
    receipt = ingest(tmp_path, {"products.csv": content}, {"products": select("products", *options)})
    fates = [["unreadable"]] * unreadable + [["kept"]] * (records - unreadable)
    assert of_receipt(receipt.tables["products"]) == of_fates(fates)
    assert len(rows(tmp_path, receipt, "products")) == records - unreadable


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (LATIN, ("encoding = 'latin-1'",)),
        (LATIN.decode("latin-1").encode("utf-16"), ("encoding = 'utf-16'",)),
        (LATIN.decode("latin-1").encode("utf-8-sig"), ()),
    ],
    ids=["latin-1", "utf-16", "utf-8 with a mark"],
)
def test_letters_survive_every_encoding(tmp_path, content, options):
    receipt = ingest(tmp_path, {"products.csv": content}, {"products": select("products", *COMMA, *options)})
    assert [row["category"] for row in rows(tmp_path, receipt, "products")] == ["milk", "käse", "tea"]


def test_quotes_line_breaks_and_delimiters_stay_in_the_value(tmp_path):
    receipt = ingest(tmp_path, {"products.csv": BROKEN_LINES})
    assert [row["category"] for row in rows(tmp_path, receipt, "products")] == ['milk,\nand "cream"', "oil, cold"]


def test_an_empty_line_of_one_column_is_a_record_without_a_value(tmp_path):
    receipt = ingest(tmp_path, {"products.csv": "product_id\nP1\n\nP2\n"})
    fates = [["kept"], ["quarantined: product_id is empty"], ["kept"]]
    assert of_receipt(receipt.tables["products"]) == of_fates(fates)


def test_quotes_that_come_late_are_read_where_they_are_named(tmp_path):
    raw = HEADER + "".join(f"P{n},milk,1\n" for n in range(20_600)) + 'Q1,"oil",2\n'
    receipt = ingest(tmp_path, {"products.csv": raw}, {"products": select("products", *COMMA)})
    assert rows(tmp_path, receipt, "products")[-1] == {"product_id": "Q1", "category": "oil", "weight_g": 2}


def test_a_required_column_that_may_be_left_out_as_a_whole_is_not_missed(tmp_path):
    raw = "order_id,line_no,product_id,quantity_ordered\nO1,1,P1,2\n"
    found = ingest(tmp_path, {"order_lines.csv": raw}).tables["order_lines"]
    assert (found.kept, found.absent) == (1, ["net_revenue", "cost_of_goods"])


def test_leading_zeros_of_an_identifier_stay(tmp_path):
    receipt = ingest(tmp_path, {"products.csv": "product_id,category\n007,milk\n7,oil\n"})
    assert [row["product_id"] for row in rows(tmp_path, receipt, "products")] == ["007", "7"]


def test_records_of_several_files_and_kinds_are_counted(tmp_path):
    table = pa.table({"product_id": ["P5"], "category": ["tea"], "weight_g": ["1"]})
    pq.write_table(table, parquet := io.BytesIO())
    files = {
        "a_1.csv": THREE,
        "a_2.csv": HEADER + "P4,salt,4\nP6,rice\n",
        "b.parquet": parquet.getvalue(),
        "c.jsonl": '{"product_id": "P7"}\n{"product_id": "P8", "category": "oil"}\n',
        "d.csv.gz": gzip.compress((HEADER + "P9,milk,1\n").encode(), mtime=0),
    }
    text = """-- records of: a_*.csv
-- records of: b.parquet
-- records of: c.jsonl
-- records of: d.csv.gz
SELECT * FROM read_csv(getvariable('root') || '/a_*.csv', all_varchar = true, delim = ',', store_rejects = true)
UNION ALL BY NAME SELECT * FROM read_parquet(getvariable('root') || '/b.parquet')
UNION ALL BY NAME SELECT * FROM read_json(getvariable('root') || '/c.jsonl')
UNION ALL BY NAME SELECT * FROM read_csv(getvariable('root') || '/d.csv.gz', all_varchar = true, delim = ',')
"""
    receipt = ingest(tmp_path, files, {"products": text})
    found = receipt.tables["products"]
    records = {"a_1.csv": 3, "a_2.csv": 2, "b.parquet": 1, "c.jsonl": 2, "d.csv.gz": 1}
    assert of_receipt(found) == of_fates([["unreadable"]] + [["kept"]] * 8)
    assert found.files == [
        {"file": name, "records": n, "sha256": hashlib.sha256((tmp_path / "raw" / name).read_bytes()).hexdigest()}
        for name, n in records.items()
    ]


@pytest.mark.parametrize(
    ("columns", "after", "removed"),
    [
        ("*", "", 0),
        ("*, CASE WHEN category = 'oil' THEN 'it is oil' END AS removed_because", "", 1),
        ("*, 'it is oil' AS removed_because", "", 3),
        ("upper(product_id) AS product_id", "ORDER BY 1 DESC", 0),
    ],
)
def test_records_are_counted_apart_from_the_select(tmp_path, columns, after, removed):
    text = "-- removes: it is oil\n" + select("products", *COMMA, columns=columns, after=after)
    found = ingest(tmp_path, {"products.csv": THREE}, {"products": text}).tables["products"]
    lines = len(list(csv.reader(io.StringIO(THREE)))) - 1
    fates = [["removed: it is oil"]] * removed + [["kept"]] * (lines - removed)
    assert of_receipt(found) == of_fates(fates) | {"removed": {"it is oil": removed}}
    assert [entry["records"] for entry in found.files] == [lines]


def test_a_semicolon_and_a_comment_end_a_select(tmp_path):
    text = select("products", *COMMA, after="; -- that is all;\n")
    assert ingest(tmp_path, {"products.csv": THREE}, {"products": text}).tables["products"].kept == 3


def test_whole_numbers_may_come_as_decimals(tmp_path):
    typed = "product_id, CAST(category AS DOUBLE) AS weight_g, CAST(weight_g AS DECIMAL(9, 1)) AS volume_ml"
    text = select("products", *COMMA, columns=typed)
    raw = HEADER + "P1,3.0,3.0\nP2,3.7,3.7\nP3,nan,1\nP4,inf,1\nP5,1e300,1\n"
    receipt = ingest(tmp_path, {"products.csv": raw}, {"products": text})
    assert receipt.tables["products"].emptied == {
        "volume_ml is not a whole number": 1,  # P2
        "weight_g is not a whole number": 4,  # P2 to P5
    }
    assert rows(tmp_path, receipt, "products")[0] == {"product_id": "P1", "weight_g": 3, "volume_ml": 3}


# -- what is refused, with the whole message -------------------------------------------------------

ROWS = "-- records of: products.csv\n"
MEND = "Mend the file, or have read_csv count such lines with store_rejects = true."
REMOVE = "Return every record and say in a column 'removed_because' why one is left out."
NO_TYPE = "a value is not of the type that read_csv expects (read it as text: all_varchar = true)"
NO_COLUMNS = (
    "Has the raw file a header, and is its delim named? "
    "Expected: product_id, category, brand, weight_g, volume_ml, attributes."
)
DIFFER = "lines differ in their number of columns or in how they end, or a quote is not closed"
BEGIN = "Begin the path with getvariable('root') || '/'."


def read(place, *, columns="*"):
    return f"{ROWS}SELECT {columns} FROM read_csv({place}, all_varchar = true, header = true, delim = ',')"


PRODUCTS = read("getvariable('root') || '/products.csv'")

# name: the SELECT of products, kind of error, the message after the path of products.sql
WRONG_SELECTS = {
    "two": (ROWS + "SELECT 1; SELECT 2", ParamsError, ": expected exactly one SELECT, found 2 statements."),
    "none": (ROWS, ParamsError, ": expected exactly one SELECT, found 0 statements."),
    **{
        word.split()[0]: (
            ROWS + word,
            ParamsError,
            f": expected a SELECT, found {word.split()[0]}. A source only reads.",
        )
        for word in (
            "ATTACH '/tmp/other.db'",
            "CALL pragma_version()",
            "COPY (SELECT 1) TO '/tmp/products.csv'",
            "CREATE TABLE products AS SELECT 1",
            "DESCRIBE SELECT 1",
            "EXPORT DATABASE '/tmp/products'",
            "INSERT INTO products VALUES (1)",
            "INSTALL httpfs",
            "LOAD httpfs",
            "PRAGMA version",
            "SET threads = 1",
            "USE memory",
        )
    },
    "an INSERT behind a WITH": (
        ROWS + "WITH new AS (SELECT 1) INSERT INTO products SELECT * FROM new",
        ParamsError,
        ": expected a SELECT, found INSERT. A source only reads.",
    ),
    "parameters": (
        ROWS + "SELECT $size AS product_id, $name AS category",
        ParamsError,
        ": expected a SELECT without parameters, found '$name', '$size'.",
    ),
    "syntax": (
        ROWS + "\nSELECT product_id,\n  category brand name\nFROM products",
        ParamsError,
        ', line 4: syntax error at or near "name".',
    ),
    "a column that the file has not": (
        "\n\n" + read("getvariable('root') || '/products.csv'", columns="product_id,\n  colour AS category"),
        ParamsError,
        ', line 5: Referenced column "colour" not found in FROM clause.',
    ),
    "an option that read_csv has not": (
        PRODUCTS.replace("all_varchar", "all_varchars"),
        ParamsError,
        ', line 2: Invalid named parameter "all_varchars" for function read_csv.',
    ),
    "a variable of ours": (ROWS + "SELECT * FROM path", ParamsError, ", line 2: Table with name path does not exist."),
    "absolute path": (
        read("'/etc/passwd'"),
        ParamsError,
        f": a source reads its raw folder and nothing else, found '/etc/passwd'. {BEGIN}",
    ),
    "path upwards": (
        read("getvariable('root') || '/../secret.csv'"),
        ParamsError,
        f": a source reads its raw folder and nothing else, found 'RAW/../secret.csv'. {BEGIN}",
    ),
    "path beside": (
        read("getvariable('root') || '-secret/products.csv'"),
        ParamsError,
        f": a source reads its raw folder and nothing else, found 'RAW-secret/products.csv'. {BEGIN}",
    ),
    "relative path": (
        read("'products.csv'"),
        ParamsError,
        f": a source reads its raw folder and nothing else, found 'products.csv'. {BEGIN}",
    ),
    "pattern upwards": (
        read("getvariable('root') || '/../*.csv'"),
        ParamsError,
        f": a source reads its raw folder and nothing else, found 'RAW/../*.csv'. {BEGIN}",
    ),
    "names of files elsewhere": (
        ROWS + "SELECT file AS product_id FROM glob('/etc/*')",
        ParamsError,
        f": a source reads its raw folder and nothing else, found '/etc/*'. {BEGIN}",
    ),
    "text of files elsewhere": (
        ROWS + "SELECT content AS product_id FROM read_text('/etc/passwd')",
        ParamsError,
        f": a source reads its raw folder and nothing else, found '/etc/passwd'. {BEGIN}",
    ),
    "the network": (
        read("'https://example.org/products.csv'"),
        ParamsError,
        f": a source reads its raw folder and nothing else, found 'https://example.org/products.csv'. {BEGIN}",
    ),
    "a second file that is not there": (
        read("getvariable('root') || '/colours.csv'"),
        ParamsError,
        ": no file 'colours.csv' in the raw folder; there are: 'notes.parquet', 'products.csv'.",
    ),
    "no word on whose records": (
        PRODUCTS.replace("records of", "from"),
        ParamsError,
        ": expected a comment '-- records of: <file>' that names the raw file whose records the SELECT returns, "
        "found none.",
    ),
    "records of nothing": (
        PRODUCTS.replace("of: products.csv", "of: produce.csv"),
        ParamsError,
        ": no file 'produce.csv' in the raw folder; there are: 'notes.parquet', 'products.csv'.",
    ),
    "records from upwards": (
        PRODUCTS.replace("of: products.csv", "of: ../products.csv"),
        ParamsError,
        ": '-- records of: ../products.csv' must name a file inside the raw folder.",
    ),
    "records from elsewhere": (
        PRODUCTS.replace("of: products.csv", "of: /etc/passwd"),
        ParamsError,
        ": '-- records of: /etc/passwd' must name a file inside the raw folder.",
    ),
    "records that cannot be counted": (
        PRODUCTS.replace("of: products.csv", "of: notes.parquet"),
        DataError,
        ": notes.parquet: its records cannot be counted (ArrowInvalid). Is it what its name says?",
    ),
    "records lost": (
        PRODUCTS + " WHERE category <> 'oil'",
        DataError,
        f": expected one row for each of the 3 readable records of products.csv, found 2. {REMOVE}",
    ),
    "records multiplied": (
        PRODUCTS + ", (VALUES ('a'), ('b')) AS brands (brand)",
        DataError,
        ": expected one row for each of the 3 readable records of products.csv, found 6. "
        "Is one of them joined to several, or a quote not closed? Name delim and quote in read_csv.",
    ),
    "lines left out without a count": (
        PRODUCTS.replace("delim", "ignore_errors = true, delim") + " LIMIT 1",
        DataError,
        f": expected one row for each of the 3 readable records of products.csv, found 1. {REMOVE}",
    ),
    "removed, and no reason declared": (
        PRODUCTS.replace("*", "*, 'it is ' || category AS removed_because"),
        ParamsError,
        ": expected 'removed_because' to say only what comments '-- removes: <reason>' declare, "
        "found reasons that the SELECT does not even spell out (rows: 3); declared: none.",
    ),
    "removed for another reason": (
        "-- removes: it is old\n" + PRODUCTS.replace("*", "*, 'it is oil' AS removed_because"),
        ParamsError,
        ": expected a comment '-- removes: it is oil' for what 'removed_because' says (rows: 3); "
        "declared: 'it is old'.",
    ),
    "a required column missing": (
        PRODUCTS.replace("*", "category, weight_g"),
        DataError,
        ": missing columns: product_id. Present: category, weight_g.",
    ),
    "a column misspelt": (
        PRODUCTS.replace("*", "product_id, category AS categroy, weight_g AS colour"),
        DataError,
        [
            ": no column 'categroy' in products. Did you mean 'category'?",
            ": no column 'colour' in products.",
        ],
    ),
    "no column known": (
        PRODUCTS.replace("*", "product_id AS article"),
        DataError,
        f": expected columns of products, found none among 1. {NO_COLUMNS}",
    ),
    "identifiers as numbers": (
        PRODUCTS.replace("*", "CAST(weight_g AS INTEGER) AS product_id"),
        DataError,
        ": product_id: expected text, found int32. "
        "Numbers lose leading zeros: read the file with all_varchar = true, or CAST it to VARCHAR.",
    ),
    "a whole number as true or false": (
        PRODUCTS.replace("*", "product_id, true AS weight_g"),
        DataError,
        ": weight_g: expected a whole number, found boolean. CAST it in the SELECT.",
    ),
    "a value that cannot be converted": (
        PRODUCTS.replace("*", "product_id, CAST(category AS INTEGER) AS weight_g"),
        DataError,
        ": a value cannot be converted. Use TRY_CAST, or return the text: "
        "the toolkit casts it and quarantines what does not fit.",
    ),
    "a type in read_csv that does not fit": (
        PRODUCTS.replace("all_varchar = true", "types = {'category': 'INTEGER'}"),
        DataError,
        f": products.csv, line 2: {NO_TYPE}. {MEND}",
    ),
    "a SELECT that gives up": (
        PRODUCTS.replace("*", "product_id, error('no ' || category) AS category"),
        DataError,
        ": the SELECT stopped on the data (InvalidInputException). "
        "What DuckDB says may hold values and is not shown: run the SELECT in DuckDB by hand.",
    ),
    "not what it is read as": (
        ROWS + "SELECT * FROM read_parquet(getvariable('root') || '/notes.parquet')",
        DataError,
        ": notes.parquet: it cannot be read. Is it what its name says?",
    ),
    "not UTF-8": (
        "-- Käse\n".encode("latin-1"),
        ParamsError,
        ": expected UTF-8 text, found another encoding at byte 4.",
    ),
}


def refused(home, files, selects=None, **settings):
    """The error of an ingest that is refused, after a look that it left nothing behind."""
    acme(home, files, selects, **settings)
    before = contents(home / "data")
    with pytest.raises((ParamsError, DataError)) as caught:
        source.ingest(company.load("acme", home), home / "raw")
    assert contents(home / "data") == before
    assert not [path for path in (home / "data").rglob(".*") if path.is_dir()]
    return caught.value


def faults(place, problems):
    """The message of one fault, or of several, each told of the same place."""
    if isinstance(problems, str):
        return f"{place}{problems}"
    return "\n".join([f"{len(problems)} faults:", *(f"  {n}. {place}{p}" for n, p in enumerate(problems, 1))])


def of_products(home, problems):
    return faults(home / "params/acme/source/products.sql", problems).replace("RAW", str(home / "raw"))


@pytest.mark.parametrize("case", WRONG_SELECTS)
def test_a_select_that_is_wrong_is_refused(tmp_path, case):
    text, kind, message = WRONG_SELECTS[case]
    (tmp_path / "secret.csv").write_text("product_id\nP1\n")
    error = refused(tmp_path, {"products.csv": THREE, "notes.parquet": "none"}, {"products": text})
    assert (type(error), str(error)) == (kind, of_products(tmp_path, message))


# name: products.csv, options of read_csv, the message after the path of products.sql
WRONG_FILES = {
    "ragged": (RAGGED, COMMA, f": products.csv: {DIFFER}. {MEND}"),
    "ragged, nothing named": (RAGGED, (), f": expected columns of products, found none among 1. {NO_COLUMNS}"),
    "ragged after many lines": (
        HEADER + "P1,milk,1\n" * 20_600 + "P2,oil\n",
        COMMA,
        f": products.csv, line 20602: expected 3 columns, found 2. {MEND}",
    ),
    "ragged lines left out without a count": (
        RAGGED,
        (*COMMA, "ignore_errors = true"),
        f": expected one row for each of the 5 readable records of products.csv, found 3. {REMOVE}",
    ),
    "a quote that is not closed": (
        HEADER + 'P1,milk,1\nP2,"oil,2\nP3,tea,3\n',
        COMMA,
        f": products.csv: {DIFFER}. {MEND}",
    ),
    "a quote that is not closed after many lines": (
        HEADER + "P1,milk,1\n" * 20_600 + 'P2,"oil,2\n',
        COMMA,
        f": products.csv, line 20602: a quote is opened and not closed. {MEND}",
    ),
    "quotes that come after many lines": (
        HEADER + "P1,milk,1\n" * 20_600 + 'P2,"oil",2\n',
        ("delim = ','",),
        ": DuckDB takes the quotes in 'products.csv' for text: they come late, or one is not closed. "
        "Name it in read_csv: quote = '\"', or quote = '' where they are text.",
    ),
    "line ends that are mixed": (THREE.replace("1\n", "1\r\n"), COMMA, f": products.csv: {DIFFER}. {MEND}"),
    "another encoding": (
        LATIN,
        COMMA,
        ": products.csv, line 3: expected UTF-8, found another encoding "
        f"(name it: read_csv(..., encoding = 'latin-1')). {MEND}",
    ),
    "empty": ("", COMMA, f": expected columns of products, found none among 1. {NO_COLUMNS}"),
    "no header": ("P1,milk,1\nP2,oil,2\n", COMMA, f": expected columns of products, found none among 3. {NO_COLUMNS}"),
    "lines above the header": (
        "made by hand\n" + THREE,
        (*COMMA, "skip = 1"),
        f": expected one row for each of the 4 readable records of products.csv, found 3. {REMOVE}",
    ),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_file_that_is_wrong_is_refused(tmp_path, case):
    content, options, message = WRONG_FILES[case]
    error = refused(tmp_path, {"products.csv": content}, {"products": select("products", *options)})
    assert (type(error), str(error)) == (DataError, of_products(tmp_path, message))


def test_a_type_that_read_csv_guessed_too_early_is_told_by_line(tmp_path):
    raw = HEADER + "P1,milk,1\n" * 20_600 + f"P2,{CANARY},heavy\n"
    text = PRODUCTS.replace("all_varchar = true, ", "")
    error = refused(tmp_path, {"products.csv": raw}, {"products": text})
    assert str(error) == of_products(tmp_path, f": products.csv, line 20602: {NO_TYPE}. {MEND}")


def test_money_in_major_units_as_a_float_is_refused(tmp_path):
    raw = "month,account,pool,posting_no,amount,currency\n2026-01-01,4000,freight,1,12.5,EUR\n"
    text = select("ledger", *COMMA, columns="* REPLACE (CAST(amount AS DOUBLE) AS amount)")
    error = refused(tmp_path, {"ledger.csv": raw}, {"ledger": text})
    place = tmp_path / "params/acme/source/ledger.sql"
    assert (type(error), str(error)) == (
        DataError,
        f"{place}: amount: expected whole cents, found float64. "
        "Money is whole cents: write cents(...) around an amount in major units.",
    )
    cents = select("ledger", *COMMA, columns="* REPLACE (cents(amount) AS amount)")
    receipt = ingest(tmp_path, {"ledger.csv": raw}, {"ledger": cents})
    assert [row["amount"] for row in rows(tmp_path, receipt, "ledger")] == [1250]


def test_all_failures_of_all_tables_come_in_one_message(tmp_path):
    source_folder = tmp_path / "params/acme/source"
    selects = {
        "orders": select("orders", *COMMA, columns="order_id, customer AS customer_id, colour"),
        "products": select("products", *COMMA, columns="category, weight_g AS wieght_g"),
        "sites": "SELECT 1",
    }
    files = {"orders.csv": "order_id,customer,colour\nO1,C1,red\n", "products.csv": THREE}
    error = refused(tmp_path, files, selects)
    assert type(error) is DataError
    assert str(error) == "\n".join(
        [
            "5 faults:",
            f"  1. {source_folder}/products.sql: no column 'wieght_g' in products. Did you mean 'weight_g'?",
            f"  2. {source_folder}/products.sql: missing columns: product_id. Present: category, wieght_g.",
            f"  3. {source_folder}/sites.sql: expected a comment '-- records of: <file>' that names the raw file "
            "whose records the SELECT returns, found none.",
            f"  4. {source_folder}/orders.sql: no column 'colour' in orders.",
            f"  5. {source_folder}/orders.sql: missing columns: ordered_at. Present: colour, customer_id, order_id.",
        ]
    )


def test_sources_of_no_table_are_refused(tmp_path):
    place = tmp_path / "params/acme/source"
    error = refused(tmp_path, {"products.csv": THREE}, {"prodcts": PRODUCTS, "zebras": PRODUCTS})
    assert (type(error), str(error)) == (
        ParamsError,
        f"2 faults:\n  1. {place}/prodcts.sql: no contract table 'prodcts'. Did you mean 'products'?\n"
        f"  2. {place}/zebras.sql: no contract table 'zebras'.",
    )


def test_no_source_at_all_is_refused(tmp_path):
    error = refused(tmp_path, {"products.csv": THREE}, {})
    place = tmp_path / "params/acme/source"
    assert (type(error), str(error)) == (
        ParamsError,
        f"{place}: expected a SELECT per contract table, found no .sql file.",
    )


def test_no_raw_folder_is_refused(tmp_path):
    found = acme(tmp_path, {"products.csv": THREE})
    place = tmp_path / "row"
    with pytest.raises(ParamsError) as caught:
        source.ingest(found, place)
    assert str(caught.value) == f"{place}: expected a folder with the raw files of acme, found none."
    assert not found.data.exists()


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_link_that_leads_out_of_the_raw_folder_is_refused(tmp_path, linked):
    found = acme(tmp_path, {}, {"products": PRODUCTS.replace("products.csv", "linked/products.csv")})
    (outside := tmp_path / "outside").mkdir()
    (outside / "products.csv").write_text(THREE)
    link = tmp_path / "raw" / "linked" / ("products.csv" if linked == "file" else "")
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside / "products.csv" if linked == "file" else outside)
    name = "linked/products.csv" if linked == "file" else "linked"
    with pytest.raises(ParamsError) as caught:
        source.ingest(found, tmp_path / "raw")
    assert str(caught.value) == (
        f"{tmp_path}/raw: expected the raw files themselves, found links that lead out of the folder: '{name}'. "
        "Copy the files into it."
    )
    assert not found.data.exists()


def test_links_within_and_to_the_raw_folder_are_followed(tmp_path):
    found = acme(tmp_path, {"2026.csv": THREE}, {"products": PRODUCTS})
    (tmp_path / "raw" / "products.csv").symlink_to("2026.csv")
    (tmp_path / "raw" / "loop").symlink_to("loop")
    (tmp_path / "latest").symlink_to("raw")
    assert source.ingest(found, tmp_path / "latest").tables["products"].kept == 3


def test_a_raw_folder_that_reads_as_a_pattern_is_refused(tmp_path):
    found = acme(tmp_path, {"products.csv": THREE})
    (tmp_path / "raw").rename(place := tmp_path / "raw [2026]")
    with pytest.raises(ParamsError) as caught:
        source.ingest(found, place)
    assert (
        str(caught.value)
        == f"{place}: expected a path without *, ? and [, which DuckDB takes for a pattern. Rename it."
    )


# -- too much is lost -------------------------------------------------------------------------------

ORDERS = "order_id,customer_id,ordered_at\n"
LINES = "order_id,line_no,product_id,quantity_ordered,net_revenue\n"


def many(bad):
    """100 orders of two lines, some of the orders without a usable time."""
    orders = "".join(f"O{n},C1,{'soon' if n < bad else '2026-07-01'}\n" for n in range(100))
    lines = "".join(f"O{n},{line},P1,1,500\n" for n in range(100) for line in (1, 2))
    return {"orders.csv": ORDERS + orders, "order_lines.csv": LINES + lines}


def test_a_cascade_is_not_held_against_the_limit(tmp_path):
    receipt = ingest(tmp_path, many(bad=1), max_quarantined_share=0.01)
    assert of_receipt(receipt.tables["orders"]) == of_fates(
        [["quarantined: ordered_at is not a time"]] + [["kept"]] * 99
    )
    assert of_receipt(receipt.tables["order_lines"]) == of_fates(
        [["cascade: its row of orders was quarantined"]] * 2 + [["kept"]] * 198
    )


def test_rows_that_the_select_removes_do_not_dilute_the_limit(tmp_path):
    raw = HEADER + "".join(f"P{n},{'oil' if n < 60 else 'milk'},1\n" for n in range(99)) + ",milk,1\n"
    text = "-- removes: it is oil\n" + select(
        "products", *COMMA, columns="*, CASE WHEN category = 'oil' THEN 'it is oil' END AS removed_because"
    )
    error = refused(tmp_path, {"products.csv": raw}, {"products": text}, max_quarantined_share=0.02)
    assert str(error) == (
        "products: expected at most 2.00% of 40 rows to be unusable, found 1 (2.50%): 1 product_id is empty. "
        "Nothing was admitted. Mend the source, or raise max_quarantined_share in "
        f"{tmp_path}/params/acme/base.yaml."
    )


def test_too_many_quarantined_rows_admit_nothing(tmp_path):
    files = many(bad=2)
    files["order_lines.csv"] += "".join(f"X{n},1,P1,1,500\n" for n in range(3)) + "O5,3,P1,-1,500\n"
    error = refused(tmp_path, files, max_quarantined_share=0.01)
    params = tmp_path / "params/acme/base.yaml"
    mend = f"Nothing was admitted. Mend the source, or raise max_quarantined_share in {params}."
    assert (type(error), str(error)) == (
        DataError,
        "2 faults:\n"
        "  1. orders: expected at most 1.00% of 100 rows to be unusable, found 2 (2.00%): "
        f"2 ordered_at is not a time. {mend}\n"
        "  2. order_lines: expected at most 1.00% of 204 rows to be unusable, found 4 (1.96%): "
        f"3 order_id is not in orders; 1 quantity_ordered is below 0. {mend}",
    )
    assert contents(tmp_path / "data") == {}


def test_a_failing_ingest_leaves_the_one_before_as_it_was(tmp_path):
    ingest(tmp_path, {"products.csv": THREE}, max_quarantined_share=0.01)
    for files, selects in (
        ({"products.csv": THREE + ",,\n"}, None),
        ({"products.csv": THREE}, {"products": PRODUCTS + " LIMIT 1"}),
        ({"products.csv": THREE}, {"products": "SELECT"}),
        ({"products.csv": RAGGED}, None),
    ):
        refused(tmp_path, files, selects, max_quarantined_share=0.01)
    found = Warehouse(company.load("acme", tmp_path)).table("products").order_by("product_id").to_pandas()
    assert list(found.category) == ["milk", "oil", "tea"]


def test_a_new_ingest_replaces_the_one_before(tmp_path):
    first = ingest(tmp_path, {"products.csv": THREE})
    second = ingest(tmp_path, {"products.csv": HEADER + "P9,rice,9\n"})
    assert first.folder != second.folder
    assert sorted(path.name for path in (tmp_path / "data/acme").iterdir()) == [".lock", "receipt.json", second.folder]
    assert json.loads((tmp_path / "data/acme/receipt.json").read_text())["folder"] == second.folder


def test_the_quarantine_is_that_of_the_last_ingest_though_the_tables_are_the_same(tmp_path):
    for unusable in ("Q1", "Q2"):
        raw = f"product_id,category\nP1,milk\n{unusable},oil\n{unusable},tea\n"
        receipt = ingest(tmp_path, {"products.csv": raw})
        assert [row["product_id"] for row in rows(tmp_path, receipt, "products", "quarantine")] == [unusable] * 2


# -- people -----------------------------------------------------------------------------------------

KEY = "00112233445566778899aabbccddeeff" * 2
PERSONS = {
    "customers.csv": f"""\
customer_id,region,postcode,birth_year
{CANARY}-1,north,{CANARY}-00100,1970
{CANARY}-2,south,{CANARY}-00200,{CANARY}
{CANARY}-3,north,,1980
{CANARY}-3,south,,1980
""",
    "orders.csv": f"""\
order_id,customer_id,ordered_at
O1,{CANARY}-1,2026-07-01
O2,{CANARY}-9,2026-07-01
O3,{CANARY}-3,2026-07-01
O4,{CANARY}-2,soon
""",
    "surveys.csv": f"""\
response_id,customer_id,item,invited_at,score,scale,comment
R1,{CANARY}-1,recommend,2026-07-01,9,nps_0_10,{CANARY} was late
R2,{CANARY}-2,recommend,2026-07-01,11,nps_0_10,{CANARY} was early
""",
}


def shown(home):
    """All that an ingest left: the bytes of every file, and the values of every Parquet file."""
    for path in sorted((home / "data").rglob("*")):
        if path.is_file():
            values = pq.read_table(path).to_pydict() if path.suffix == ".parquet" else ""
            yield "/".join(path.parts[-2:]), path.read_bytes().decode("latin-1") + str(values)


def test_no_customer_and_no_personal_value_is_kept_or_told(tmp_path):
    receipt = ingest(tmp_path, PERSONS)
    left = dict(shown(tmp_path))
    tables = [f"{folder}/{name}" for folder in ("quarantine", "tables") for name in ("customers", "orders", "surveys")]
    assert sorted(left) == ["acme/.lock", "acme/receipt.json", *(f"{table}.parquet" for table in tables)]
    assert [name for name, text in left.items() if CANARY in text] == []
    assert CANARY not in receipt.text()
    assert {name: table.closed for name, table in receipt.tables.items()} == {
        "customers": ["postcode", "birth_year"],
        "orders": [],
        "surveys": ["comment"],
    }
    # C1 stays and C3 goes as a whole; O2 names nobody, O3 somebody who is gone, O4 has no time; 11 is no score.
    assert {name: (table.kept, table.quarantined, table.cascade) for name, table in receipt.tables.items()} == {
        "customers": (2, {"shares its key with a different row": 2}, {}),
        "orders": (
            1,
            {"customer_id is not in customers": 1, "ordered_at is not a time": 1},
            {"its row of customers was quarantined": 1},
        ),
        "surveys": (1, {"score is outside 0 to 10": 1}, {}),
    }


def test_a_personal_column_that_is_opened_is_admitted(tmp_path):
    receipt = ingest(tmp_path, PERSONS, open_personal=["customers.postcode"])
    found = {row["region"]: row["postcode"] for row in rows(tmp_path, receipt, "customers")}
    assert found == {"north": f"{CANARY}-00100", "south": f"{CANARY}-00200"}
    assert receipt.tables["customers"].closed == ["birth_year"]
    assert [name for name, text in shown(tmp_path) if CANARY in text] == ["tables/customers.parquet"]


@pytest.mark.parametrize(
    ("name", "columns", "options"),
    [
        ("customers", "* REPLACE (CAST(birth_year AS INTEGER) AS birth_year)", ()),
        ("customers", "* REPLACE (error(customer_id) AS postcode)", ()),
        ("customers", "*, customer_id AS removed_because", ()),
        ("customers", "* EXCLUDE (region)", ("types = {'birth_year': 'INTEGER'}",)),
        ("surveys", "* REPLACE (CAST(comment AS TIMESTAMP) AS invited_at)", ()),
        ("orders", "*, order_id AS colour", ()),
        ("customers", "*", ("skip = 1",)),
    ],
)
def test_no_message_holds_a_value(tmp_path, name, columns, options):
    text = select(name, *COMMA, *options, columns=columns)
    if options:
        text = text.replace("all_varchar = true, ", "")
    error = refused(tmp_path, PERSONS, {name: text})
    assert CANARY not in str(error)
    assert list(getattr(error, "__notes__", ())) == []
    assert error.__suppress_context__ or error.__context__ is None


def test_customers_are_known_by_hmac_pseudonyms(tmp_path, monkeypatch):
    monkeypatch.setenv("TOOLKIT_KEY_ACME", KEY)
    receipt = ingest(tmp_path, PERSONS, pseudonym_key="environment")

    def pseudonym(n):
        name = f"{CANARY}-{n}"
        return hmac.new(bytes.fromhex(KEY), name.encode(), hashlib.sha256).hexdigest()[:24]

    kept = {row["customer_id"]: row["region"] for row in rows(tmp_path, receipt, "customers")}
    assert kept == {pseudonym(1): "north", pseudonym(2): "south"}
    lost = [row["customer_id"] for row in rows(tmp_path, receipt, "orders", "quarantine")]
    assert sorted(lost) == sorted(pseudonym(n) for n in (9, 3, 2))
    assert company.pseudonym(f"{CANARY}-1", bytes.fromhex(KEY)) == pseudonym(1)
    assert [name for name, text in shown(tmp_path) if KEY in text] == []


@pytest.mark.parametrize(("key", "found"), [("", "nothing"), (KEY[:-1], "63 characters"), ("x" * 64, "64 characters")])
def test_without_a_key_nothing_is_admitted(tmp_path, monkeypatch, key, found):
    monkeypatch.setenv("TOOLKIT_KEY_ACME", key)
    error = refused(tmp_path, PERSONS, pseudonym_key="environment")
    assert (type(error), str(error)) == (
        ParamsError,
        "environment, TOOLKIT_KEY_ACME: expected the company's pseudonym key, 64 hexadecimal digits, "
        f'found {found}. Make one with: python -c "import secrets; print(secrets.token_hex(32))", '
        "and keep it outside the repository and the archive.",
    )


# -- instants ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cast", ["ordered_at", "CAST(ordered_at AS TIMESTAMPTZ)"])
def test_a_time_with_a_zone_is_kept_and_one_without_is_of_the_company(tmp_path, cast):
    times = {  # Helsinki is two hours ahead of UTC in winter, three in summer; New York five behind in winter
        "2026-01-15 12:00:00": datetime(2026, 1, 15, 12 - 2, tzinfo=UTC),
        "2026-07-15 12:00:00": datetime(2026, 7, 15, 12 - 3, tzinfo=UTC),
        "2026-07-15": datetime(2026, 7, 14, 24 - 3, tzinfo=UTC),
        "2026-01-15T12:00:00Z": datetime(2026, 1, 15, 12, tzinfo=UTC),
        "2026-07-15 12:00:00+00": datetime(2026, 7, 15, 12, tzinfo=UTC),
        "2026-07-15 12:00:00+05:30": datetime(2026, 7, 15, 6, 30, tzinfo=UTC),
        "2026-01-15 12:00:00 America/New_York": datetime(2026, 1, 15, 12 + 5, tzinfo=UTC),
    }
    raw = ORDERS + "".join(f"O{n},C1,{time}\n" for n, time in enumerate(times))
    text = select("orders", *COMMA, columns=f"* REPLACE ({cast} AS ordered_at)")
    receipt = ingest(tmp_path, {"orders.csv": raw}, {"orders": text})
    assert [row["ordered_at"] for row in rows(tmp_path, receipt, "orders")] == list(times.values())


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_NS"])
def test_a_typed_time_without_a_zone_is_of_the_company(tmp_path, kind):
    raw = ORDERS + "O1,C1,2026-01-15 12:00\nO2,C1,2026-07-15 12:00\n"
    text = select("orders", *COMMA, columns=f"* REPLACE (CAST(ordered_at AS {kind}) AS ordered_at)")
    receipt = ingest(tmp_path, {"orders.csv": raw}, {"orders": text}, zone="America/New_York")
    assert [row["ordered_at"] for row in rows(tmp_path, receipt, "orders")] == [
        datetime(2026, 1, 15, 12 + 5, tzinfo=UTC),
        datetime(2026, 7, 15, 12 + 4, tzinfo=UTC),
    ]


# -- the same again -----------------------------------------------------------------------------------

MIXED = {
    **PERSONS,
    # Rows that are equal once their unusable values are gone, each for a reason of its own.
    "orders.csv": PERSONS["orders.csv"] + f"O5,{CANARY}-1,soon\nO5,{CANARY}-1,infinity\nO5,{CANARY}-1,\n",
    "products.csv": HEADER + "P1,milk,1\nP1,milk,1\nP2,oil,1\nP2,oil,1\nP2,tea,1\nP3,tea,heavy\nP3,tea,-1\nP3,tea,\n",
    "order_lines.csv": drawn(VALUES["fractions where whole numbers belong"]["order_lines"])[0],
}


def test_ingesting_twice_gives_the_same_bytes(tmp_path):
    for home in ("a", "b"):
        (tmp_path / home).mkdir()
        ingest(tmp_path / home, MIXED)
    first = contents(tmp_path / "a" / "data")
    assert len(first) == 2 * len(MIXED) + 1
    assert contents(tmp_path / "b" / "data") == first
    ingest(tmp_path / "a", MIXED)
    assert contents(tmp_path / "a" / "data") == first


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_raw_rows_changes_no_byte_but_the_digest_of_the_raw_file(tmp_path, seed):
    def shuffled(raw):
        header, *lines = raw.splitlines(keepends=True)
        random.Random(seed).shuffle(lines)
        return header + "".join(lines)

    left = {}
    for home, files in (("a", MIXED), ("b", {name: shuffled(raw) for name, raw in MIXED.items()})):
        (tmp_path / home).mkdir()
        ingest(tmp_path / home, files)
        left[home] = contents(tmp_path / home / "data/acme")
        receipt = json.loads(left[home].pop("receipt.json"))
        for table in receipt["tables"].values():
            for file in table["files"]:
                del file["sha256"]
        left[home]["receipt"] = receipt
    assert left["a"] == left["b"]


def test_the_receipt_for_people_tells_every_count(tmp_path):
    files = {name: drawn(drawing)[0] for name, drawing in VALUES["a lost order takes its lines with it"].items()}
    text = ingest(tmp_path, {f"{name}.csv": raw for name, raw in files.items()}).text()
    assert text.splitlines() == [
        "acme: raw = unreadable + removed + quarantined + cascade + kept",
        "customers    1 = 0 + 0 + 0 + 0 + 1",
        "orders       3 = 0 + 0 + 2 + 0 + 1",
        "    quarantined 1: customer_id is not in customers",
        "    quarantined 1: ordered_at is not a time",
        "order_lines  5 = 0 + 0 + 1 + 3 + 1",
        "    quarantined 1: net_revenue is not whole cents",
        "    cascade 3: its row of orders was quarantined",
        "not brought: " + ", ".join(name for name in TABLES if name not in files),
    ]

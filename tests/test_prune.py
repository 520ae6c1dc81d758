"""Does only that go which no revision needs, and does a customer leave the kept frames whole, whatever happens?"""

import hashlib
import hmac
import json
import os
import shutil
from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_runner import Project
from test_verify import _verified

import sample_company as sample
from conftest import ROOT
from toolkit import cli, company, frames, source
from toolkit.errors import DataError, ReportError
from toolkit.reporting import archive, ledger, prune, verify

TODAY = date(2026, 10, 1)
HEX = 64


def _called(found, customer, *, stored=True):
    """What a frame calls a customer, restated: HMAC of the warehouse's HMAC, each cut to 24 digits."""
    key = found.pseudonym_key()
    for each in ([key] if stored else []) + [hashlib.sha256(b"frames" + key).digest()]:
        customer = hmac.new(each, customer.encode(), "sha256").hexdigest()[:24]
    return customer


class Shop(Project):
    """A project whose order oN is one of customer CN."""

    def frames_for(self, notebooks, figures=None):
        made = super().frames_for(notebooks, figures)
        for given in made.values():
            orders = pd.read_parquet(given["orders"][0])
            orders["customer_id"] = [_called(self.company, order.replace("o", "C")) for order in orders["order_id"]]
            orders.to_parquet(given["orders"][0])
        return made


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    home = tmp_path_factory.mktemp("shop")
    made = Shop(home)
    made.quick_report("cost")
    (home / "data" / "acme").mkdir(parents=True)
    (home / "frames").rename(home / "data" / "acme" / "frames")
    (home / "frames").symlink_to("data/acme/frames")
    made.run("cost")
    made.rows["cost"] = ["o2", "o3"]
    made.run("cost")
    return home


@pytest.fixture
def shop(built, tmp_path):
    """Its pack has two revisions: of orders o1 and o2, and of o2 and o3."""
    shutil.copytree(built, tmp_path / "home", symlinks=True)
    return Shop(tmp_path / "home")


def _tree(home):
    """Every file below a folder with its bytes, and every folder."""
    return {path.relative_to(home).as_posix(): path.is_file() and path.read_bytes() for path in home.rglob("*")}


def _put(home, *names):
    for name in names:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("12345")


def _litter(home):
    """What is kept and needed by no revision, each of five bytes; beside it what looks like it and stays."""
    needless = [
        "data/acme/.ingest-x1/spill/a", "data/acme/.receipt.json", f"data/acme/frames/{'a' * HEX}.parquet",
        "data/acme/frames/tmpx.partial", "data/acme/spill/a", "data/acme/warehouse-1/tables/orders.parquet",
        "reports/.failed/acme/2026Q3/cost.html", "reports/acme/2026Q3/.index.html.partial",
        "reports/acme/2026Q3/.made/1/made.json", "reports/acme/2026Q3/.staging-x/cost.html",
        "reports/acme/compared/.a.html.partial",
    ]  # fmt: skip
    stays = [
        "data/acme/warehouse-2/tables/orders.parquet", "data/acme/erased.jsonl.kept", "data/acme/raw/orders.csv",
        "data/acme/.raw-1/orders.csv", "data/acme/frames/mine.parquet", "reports/acme/compared/a.html",
        "reports/acme/2026Q3/signoffs.jsonl", "reports/acme/2026Q2/.lock", "reports/.failed/other/2026Q3/cost.html",
        "data/other/spill/a",
    ]  # fmt: skip
    _put(home, *needless, *stays)
    (home / "reports/acme/2026Q2/.lock").write_text("")
    (home / "data/acme/receipt.json").write_text('{"folder": "warehouse-2"}')
    return [
        "data/acme/.ingest-x1", "data/acme/.receipt.json", needless[2], "data/acme/frames/tmpx.partial",
        "data/acme/spill", "data/acme/warehouse-1", "reports/.failed/acme", "reports/acme/2026Q3/.index.html.partial",
        "reports/acme/2026Q3/.made", "reports/acme/2026Q3/.staging-x", "reports/acme/compared/.a.html.partial",
    ]  # fmt: skip


# -- what no revision needs --------------------------------------------------------------------


def test_everything_needless_is_named_and_nothing_else_goes(shop):
    expected = _litter(shop.home)
    found = prune.needless(shop.company)
    assert [path.relative_to(shop.home).as_posix() for path in found] == expected
    before = _tree(shop.home)
    assert prune.remove(shop.company) == dict.fromkeys(found, 5)
    gone = {name for name in before if any(name == each or name.startswith(f"{each}/") for each in expected)}
    after = _tree(shop.home)
    assert set(before) - set(after) == gone
    assert set(after) - set(before) == {"data/acme/.lock"}
    assert all(after[name] == before[name] for name in after if name in before)
    assert prune.needless(shop.company) == []


def test_every_revision_is_verified_as_before(shop):
    _litter(shop.home)
    prune.remove(shop.company)
    assert archive.check(shop.pack) == []
    for revision in (0, 1):
        assert _verified(shop, lambda names: {}, revision)[0].said == "identical"


def test_frames_of_every_period_and_report_are_needed(shop):
    shop.period = "2026Q2"
    shop.quick_report("service")
    shop.rows |= {"cost": ["o4"], "service": ["o5"]}
    shop.run("cost", "service")
    assert len(list((shop.home / "frames").iterdir())) == 4  # o1 o2; o2 o3; o4; o5
    assert prune.needless(shop.company) == []
    away = shop.pack.rename(shop.home / "away")
    with pytest.raises(DataError, match="the head lists r1, which is gone. Bring it back first: what it needs cannot"):
        prune.needless(shop.company)
    shutil.rmtree(away)
    heads = json.loads((shop.home / "reports/head.json").read_text())
    (shop.home / "reports/head.json").write_text(json.dumps({"acme/2026Q3": heads["acme/2026Q3"]}))
    assert len(prune.needless(shop.company)) == 2


def test_nothing_is_needless_while_what_is_needed_cannot_be_told(shop):
    _put(shop.home, "data/acme/warehouse-1/orders.parquet")
    with pytest.raises(DataError, match="expected the receipt of the warehouse, found none that reads"):
        prune.needless(shop.company)
    shutil.rmtree(shop.home / "data/acme/warehouse-1")
    path = shop.pack / "r1" / "manifest.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace("orders", "others"))
    with pytest.raises(DataError, match="manifest.json is not what was archived"):
        prune.needless(shop.company)


def test_raw_data_that_the_sample_company_left_are_needless(tmp_path):
    shutil.copytree(ROOT / "params" / "sample", tmp_path / "params" / "sample")
    _put(tmp_path, "data/sample/.raw-x/new/orders.parquet", "data/sample/raw/orders.parquet")
    assert prune.needless(company.load("sample", tmp_path)) == [tmp_path / "data/sample/.raw-x"]


def test_links_are_left_alone(shop, tmp_path):
    (tmp_path / "disk").mkdir()
    (shop.home / "data/acme/spill").symlink_to(tmp_path / "disk")
    assert prune.needless(shop.company) == []


def test_a_company_that_has_nothing_has_nothing_needless(tmp_path):
    made = Project(tmp_path).company
    assert (prune.needless(made), prune.remove(made), prune.erase(made, {"person": {"x"}}, TODAY)) == ([], {}, {})


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"folder": "ware'])
def test_a_receipt_that_does_not_read_ends_it(shop, text):
    expected = _litter(shop.home)
    (shop.home / "data/acme/receipt.json").write_text(text)
    with pytest.raises(DataError) as refused:
        prune.remove(shop.company)
    assert str(refused.value) == (
        f"{shop.home}/data/acme/receipt.json: expected the receipt of the warehouse, found none that reads. "
        "Ingest again."
    )
    assert all((shop.home / name).exists() for name in expected)


def test_a_manifest_that_does_not_read_ends_it(shop):
    expected = _litter(shop.home)
    path = shop.pack / "r1" / "manifest.json"
    path.chmod(0o644)
    path.write_text("{")
    with pytest.raises(DataError) as refused:
        prune.remove(shop.company)
    assert str(refused.value) == f"{path.parent}: expected a revision with its manifest.json, found none that reads."
    assert all((shop.home / name).exists() for name in expected)


@pytest.mark.parametrize("period", ["2026Q2", "2026Q3"])
@pytest.mark.parametrize("act", ["remove", "erase"])
def test_neither_goes_on_beside_a_run_of_any_pack(shop, period, act):
    _litter(shop.home)
    before, pack = _tree(shop.home), shop.home / "reports/acme" / period
    with company.alone(pack, AssertionError()), pytest.raises(ReportError) as refused:
        prune.remove(shop.company) if act == "remove" else prune.erase(
            shop.company, frames.pseudonyms(_sound(shop), "C2"), TODAY
        )
    assert str(refused.value) == f"{pack}: a run is making this pack. Wait for its end."
    assert _tree(shop.home) == before | {"data/acme/receipt.json": _tree(shop.home)["data/acme/receipt.json"]}


def _sound(shop):
    """The company, its receipt one of its own key."""
    receipt = {"folder": "warehouse-2", "key": shop.company.key_print(), "tables": {}}
    (shop.home / "data/acme/receipt.json").write_text(json.dumps(receipt))
    return shop.company


def test_prune_and_ingest_refuse_each_other(shop):
    expected, data, raw = _litter(shop.home), shop.home / "data/acme", shop.home / "data/acme/raw"
    with company.alone(data, AssertionError()):
        with pytest.raises(ReportError) as refused:
            prune.remove(shop.company)
        assert str(refused.value) == f"{data}: an ingest, or another prune, is at work. Wait for its end."
        (shop.home / "params/acme/source").mkdir()
        (shop.home / "params/acme/source/orders.sql").write_text("SELECT 1")
        with pytest.raises(DataError) as refused:
            source.ingest(shop.company, raw)
        assert str(refused.value) == f"{data}: another ingest, or prune, is at work. Wait for its end."
    assert all((shop.home / name).exists() for name in expected)


# -- a customer who leaves ---------------------------------------------------------------------


def _erase(shop, customer, day=TODAY):
    return prune.erase(shop.company, frames.pseudonyms(shop.company, customer), day)


def _orders(shop):
    """The orders that each kept frame has, by its digest."""
    paths = sorted((shop.home / "frames").glob("*.parquet"))
    return {path.stem: list(pd.read_parquet(path)["order_id"]) for path in paths}


def _digest(*rows):
    return hashlib.sha256(repr(list(rows)).encode()).hexdigest()


def _lines(shop):
    return [json.loads(line) for line in (shop.home / "data/acme/erased.jsonl").read_text().splitlines()]


def test_the_rows_of_one_customer_go_and_a_line_a_frame_stays(shop):
    first, second = _digest("o1", "o2"), _digest("o2", "o3")
    untouched = (shop.home / "frames" / f"{second}.parquet").read_bytes()
    assert _erase(shop, "C1") == {first: 1}
    assert _orders(shop) == {first: ["o2"], second: ["o2", "o3"]}
    assert (shop.home / "frames" / f"{second}.parquet").read_bytes() == untouched
    assert (shop.home / "data/acme/erased.jsonl").read_text() == (
        f'{{"frame": "{first}", "rows": 1, "on": "2026-10-01"}}\n'
    )
    assert prune.erased(shop.company) == {first: "2026-10-01"}
    assert prune.needless(shop.company) == []
    for name, content in _tree(shop.home / "data").items():
        for told in ("C1", _called(shop.company, "C1")):
            assert told not in name
            assert not content or told.encode() not in content


def test_verify_calls_a_frame_erased_and_checks_the_others(shop):
    _erase(shop, "C1")
    verdict, line = _verified(shop, lambda names: {}, 0)
    assert (verdict.said, verdict.holds) == ("not checkable", False)
    assert line == (
        "cost: not checkable, because of inputs erased on 2026-10-01: orders; frames as from the warehouse now"
    )
    assert _verified(shop, lambda names: {}, 1)[0].said == "identical"


def test_frames_of_one_report_that_were_erased_on_two_days_are_told_by_day(shop):
    days = {"a": "2026-10-02", "b": "2026-10-01", "c": "2026-10-02"}
    lines = [json.dumps({"frame": name, "rows": 1, "on": day}) for name, day in days.items()]
    (shop.home / "data/acme/erased.jsonl").write_text("\n".join(lines) + "\n")
    revision = archive.revisions(shop.pack)[0]
    entry = revision.manifest["reports"]["cost"] | {"frames": {"orders": "a", "ways": "b", "work": "c", "pool": "d"}}
    _put(shop.home, *(f"data/acme/frames/{name}.parquet" for name in "abcd"))
    period, notebook = shop.company.period("2026Q3"), shop.home / "notebooks/cost.ipynb"
    found = verify._verdict(shop.company, period, revision, "cost", notebook, entry, "", lambda path: path.stem)
    assert found.because == ["inputs erased on 2026-10-01: ways", "inputs erased on 2026-10-02: orders, work"]


def test_two_customers_leave_on_two_days(shop):
    first, second = _digest("o1", "o2"), _digest("o2", "o3")
    assert _erase(shop, "C1") == {first: 1}
    assert _erase(shop, " C2\t", date(2027, 1, 5)) == {first: 1, second: 1}  # an ingest strips identifiers too
    assert _orders(shop) == {first: [], second: ["o3"]}
    assert [(line["frame"], line["on"]) for line in _lines(shop)] == [
        (first, "2026-10-01"), *((digest, "2027-01-05") for digest in sorted([first, second])),
    ]  # fmt: skip
    assert prune.erased(shop.company) == {first: "2027-01-05", second: "2027-01-05"}


def test_a_crash_before_the_frame_is_replaced_leaves_its_line_and_the_next_erasure_ends_it(shop, monkeypatch):
    first, before = _digest("o1", "o2"), _orders(shop)

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        _erase(shop, "C1")
    monkeypatch.undo()
    assert _orders(shop) == before
    assert sorted(path.stem for path in (shop.home / "frames").iterdir()) == sorted(before)
    assert _verified(shop, lambda names: {}, 0)[0].because == ["inputs erased on 2026-10-01: orders"]
    assert _erase(shop, "C1", date(2026, 10, 2)) == {first: 1}
    assert _orders(shop)[first] == ["o2"]
    assert prune.erased(shop.company) == {first: "2026-10-02"}
    assert _erase(shop, "C1") == {}


def test_a_frame_without_its_line_is_not_changed(shop, monkeypatch):
    before = _orders(shop)

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(prune, "_note", full)
    with pytest.raises(OSError, match="disk full"):
        _erase(shop, "C1")
    assert (_orders(shop), prune.erased(shop.company)) == (before, {})


def test_a_line_that_was_torn_off_is_none_and_the_next_takes_its_place(shop):
    path, first = shop.home / "data/acme/erased.jsonl", _digest("o1", "o2")
    whole = f'{{"frame": "{"b" * HEX}", "rows": 2, "on": "2026-09-30"}}\n'
    path.write_text(whole + f'{{"frame": "{first}", "ro')
    assert prune.erased(shop.company) == {"b" * HEX: "2026-09-30"}
    _erase(shop, "C1")
    assert path.read_text() == whole + f'{{"frame": "{first}", "rows": 1, "on": "2026-10-01"}}\n'


@pytest.mark.parametrize("line", ["{", "[]", '{"frame": "a"}', ""])
def test_a_line_before_the_last_that_does_not_read_is_a_fault(shop, line):
    (shop.home / "data/acme/erased.jsonl").write_text(f'{{"frame": "a", "rows": 1, "on": "2026-10-01"}}\n{line}\n')
    with pytest.raises(DataError) as refused:
        prune.erased(shop.company)
    assert str(refused.value) == (
        f'{shop.home}/data/acme/erased.jsonl, line 2: expected {{"frame": ..., "rows": ..., "on": ...}}, '
        "found none that reads. Put back what stood there."
    )


def test_nobody_of_that_name_changes_nothing(shop):
    before = _tree(shop.home)
    for customer in ("C9", "c1", "", _called(shop.company, "C1")):
        assert _erase(shop, customer) == {}
    assert _tree(shop.home) == before | {"data/acme/.lock": b""}


def test_a_partial_frame_that_was_left_goes_with_the_customer(shop):
    _put(shop.home, "data/acme/frames/tmpx.partial")
    _erase(shop, "C9")
    assert not (shop.home / "data/acme/frames/tmpx.partial").exists()


def test_another_key_would_find_nobody_and_is_refused(shop):
    (shop.home / "data/acme/receipt.json").write_text('{"folder": "warehouse-2", "key": "0123456789abcdef"}')
    with pytest.raises(DataError) as refused:
        _erase(shop, "C1")
    assert str(refused.value) == (
        f"{shop.home}/data/acme/receipt.json: expected the pseudonym key that the data were admitted with "
        f"(0123456789abcdef), found another ({shop.company.key_print()}): nobody would be the same person as "
        "before. Set the old key, or ingest again."
    )


def _texts(path):
    """Every text that a Parquet file has: values, dictionaries, statistics."""
    found = set()
    for column in pq.read_table(path).itercolumns():
        for chunk in column.chunks:
            coded = pa.types.is_dictionary(chunk.type)
            found |= {str(value) for value in (chunk.dictionary if coded else chunk).to_pylist()}
    described = pq.ParquetFile(path).metadata
    for group in range(described.num_row_groups):
        for at in range(described.num_columns):
            told = described.row_group(group).column(at).statistics
            found |= {str(told.min), str(told.max)} if told and told.has_min_max else set()
    return found


def test_text_in_codes_keeps_nothing_of_the_customer(shop):
    one, two = _called(shop.company, "C1"), _called(shop.company, "C2")
    path = shop.home / "frames" / f"{'c' * HEX}.parquet"
    parts = [
        pa.table({"customer_id": [None, one], "activity": ["pick", "only hers"], "seconds": [1, 2]}),
        pa.table({"customer_id": [two, one], "activity": ["pick", None], "seconds": [3, 4]}),
    ]
    table = frames._coded(pa.concat_tables(parts)).unify_dictionaries()
    pq.write_table(table, path, row_group_size=2)
    assert {one, two, "only hers"} <= _texts(path)
    assert _erase(shop, "C1")["c" * HEX] == 2
    assert _texts(path) >= {two, "pick"}
    assert not {one, "only hers"} & _texts(path)
    assert one.encode() not in path.read_bytes()
    rest = pq.read_table(path)
    assert rest.schema.equals(table.schema)
    assert rest.to_pydict() == {"customer_id": [None, two], "activity": ["pick", "pick"], "seconds": [1, 3]}


def test_a_wish_whose_own_number_is_the_customers_is_not_hers(shop):
    """Wish 7 names customer 8; of wish 8 nobody signed in, so that its person is itself, once pseudonymised."""
    found = shop.company
    seen = [_called(found, "8"), _called(found, "8", stored=False)]
    path = shop.home / "frames" / f"{'d' * HEX}.parquet"
    pd.DataFrame({"intent_id": ["7", "8"], "person": seen}).to_parquet(path)
    assert _erase(shop, "8") == {"d" * HEX: 1}
    assert list(pd.read_parquet(path)["intent_id"]) == ["8"]


def test_a_customer_of_a_warehouse_by_url_is_found_by_either_name(shop):
    base = shop.home / "params/acme/base.yaml"
    base.write_text(base.read_text() + "  warehouse: postgres://there\n")
    names = {_called(shop.company, "8"), _called(shop.company, "8", stored=False)}
    assert frames.pseudonyms(shop.company, "8") == {"customer_id": names, "person": names}


def test_a_customer_of_the_sample_company_leaves_all_frames_and_cannot_come_back(tmp_path):
    shutil.copytree(ROOT / "params" / "sample", tmp_path / "params" / "sample")
    found = company.load("sample", tmp_path)
    sample.write(found.data / "raw", size="tiny")
    source.ingest(found, found.data / "raw")
    period, folder = found.period("2026Q2"), found.data / "frames"
    asked = ["orders", "work", "wishes", "freight_kinds", "segments", "ledger"]
    kept = frames.materialise(found, period, asked, folder)
    before = {name: pq.read_table(each.path).to_pandas() for name, each in kept.items()}
    raw = pd.read_parquet(found.data / "raw" / "customers.parquet")["customer_id"].astype("str").unique()
    everyone = {_called(found, each): each for each in raw}
    wishing, working = set(before["wishes"]["person"]), set(before["work"]["customer_id"])
    name = min(wishing & working & set(before["orders"]["customer_id"]) & set(everyone))
    rows = {
        kept[of].digest: int((table[column] == name).sum())
        for of, table in before.items()
        for column in table.columns.intersection(["customer_id", "person"])
    }
    lost = prune.erase(found, frames.pseudonyms(found, everyone[name]), TODAY)
    assert lost == {digest: n for digest, n in rows.items() if n}
    assert len(lost) >= 4
    for of, each in kept.items():
        assert name not in _texts(each.path), of
        assert pq.read_table(each.path).num_rows == each.rows - rows.get(each.digest, 0)
        assert len(frames.read(each.path)) == each.rows - rows.get(each.digest, 0)
    kept["work"].path.unlink()
    with pytest.raises(DataError) as refused:
        frames.materialise(found, period, ["ledger", "work"], folder)
    assert str(refused.value) == (
        f"{found.data}: the warehouse still has rows that were erased from frame 'work' on 2026-10-01. "
        "Ingest sample again from raw files without that customer."
    )
    assert not kept["work"].path.exists()


# -- the verb ----------------------------------------------------------------------------------


@pytest.fixture
def toolkit(shop, capsys, monkeypatch):
    """Run the command line in the shop: its exit code, what it printed, and what it said on stderr."""
    monkeypatch.chdir(shop.home)
    return lambda *arguments: (cli.main(arguments), *capsys.readouterr())


def test_prune_lists_with_sizes_and_removes_only_if_told_to(shop, toolkit):
    expected = _litter(shop.home)
    (shop.home / "data/acme/spill/b").write_bytes(bytes(12_345_678))
    before = _tree(shop.home)
    sizes = ["     12.35 MB" if name.endswith("spill") else "      0.00 MB" for name in expected]
    listed = "".join(f"{size}  {name}\n" for size, name in zip(sizes, expected, strict=True))
    total = "     12.35 MB  in all, 11 that no revision needs; "
    how = "nothing was removed: toolkit prune acme --remove removes it\n"
    assert toolkit("prune", "acme") == (0, f"{listed}{total}{how}", "")
    assert _tree(shop.home) == before
    assert toolkit("prune", "acme", "--remove") == (0, f"{listed}{total}removed\n", "")
    assert toolkit("prune", "acme") == (0, "acme: everything that is kept is needed\n", "")
    assert toolkit("prune", "acme", "--remove") == (0, "acme: everything that is kept is needed\n", "")


def test_prune_erases_a_customer_and_says_what_is_left_to_do(shop, toolkit, monkeypatch):
    monkeypatch.setattr(ledger, "clock", lambda: datetime(2026, 10, 1, 23, tzinfo=UTC))
    nobody = "no kept frame has a row of that customer; the warehouse was not touched\n"
    unknown = (
        "error: data/acme: neither a kept frame nor the warehouse has a row of that customer. Give the identifier as "
        "the raw files have it, capitals and all.\n"
    )
    monkeypatch.setattr(frames, "in_warehouse", lambda company, customer: customer == "C2")
    assert toolkit("prune", "acme", "--erase", "C9") == (3, "", unknown)
    assert toolkit("prune", "acme", "--erase", "C2") == (
        0,
        "2 rows erased from 2 kept frames: data/acme/erased.jsonl\n"
        "The warehouse was not touched: ingest acme again from raw files without that customer.\n"
        "What was left behind may have rows too: toolkit prune acme --remove removes it.\n",
        "",
    )
    assert {line["on"] for line in _lines(shop)} == {"2026-10-01"}
    assert toolkit("prune", "acme", "--erase", "C2") == (0, nobody, "")


def test_prune_refuses_what_excludes_itself_an_unknown_company_and_a_run(shop, toolkit, capsys):
    with pytest.raises(SystemExit):
        toolkit("prune", "acme", "--remove", "--erase", "C1")
    assert capsys.readouterr().err.endswith("argument --erase: not allowed with argument --remove\n")
    unknown = "error: params: no company 'acne'; there are: acme. Did you mean 'acme'?\n"
    assert toolkit("prune", "acne") == (2, "", unknown)
    with company.alone(shop.pack, AssertionError()):
        assert toolkit("prune", "acme", "--remove") == (
            4, "", "error: reports/acme/2026Q3: a run is making this pack. Wait for its end.\n"
        )  # fmt: skip

"""May it leave? What pages, tables, messages and logs must not tell: persons, contacts, secrets, rare values."""

import base64
import binascii
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.contract import TABLES
from toolkit.present import FIGURES_MIME, TABLE_MIME

_PATTERNS = {
    "the pseudonym of a person": re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{24}(?![0-9A-Za-z])"),
    "an e-mail address": re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?!\w)"),
    "a telephone number": re.compile(
        r"(?<![\w.,:;#/+-])(?:(?:\+|00)[1-9]\d{0,2}[ ()/-]{0,3}(?:\d[ /()-]{0,2}){6,12}|0[1-9]\d{0,2}[ -]?\d{6,8})"
        r"(?!\w|[.,]\d)"
    ),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+.-]{1,30}://[^\s/@:\"'<>]{0,64}:[^\s/@\"'<>]{1,128}@"),
}
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_ACCOUNT, _SECRET = "a bank account", "a secret of the environment"
_NAMED = re.compile("KEY|PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL", re.IGNORECASE)
_PICTURE = re.compile(r"base64,[A-Za-z0-9+/=\s]{64,}")
_TEXT = re.compile(rb"[ -~]{6,}")
_PERSONAL = frozenset(c.name for t in TABLES.values() for c in t.columns if c.personal or c.person) | {"person"}
_SHORTEST, _RARE = 4, 10


def found(text: str) -> dict[str, list[str]]:
    """What a text tells that it must not, by kind: for a count, never to be shown.

    >>> sorted(found("write to a.b@example.org or +31 6 1234 5678, NL91 ABNA 0417 1643 00"))
    ['a bank account', 'a telephone number', 'an e-mail address']
    >>> found("1,234,567.89 orders in 2026-07-01, 12:00:00 to 2026-09-30")
    {}
    """
    text = _PICTURE.sub("base64,", text)
    hits = {kind: [match[0] for match in pattern.finditer(text)] for kind, pattern in _PATTERNS.items()}
    hits[_ACCOUNT] = [match[0] for match in _IBAN.finditer(text) if _is_iban(match[0])]
    hits[_SECRET] = [secret for secret in secrets() if secret in text]
    return {kind: values for kind, values in hits.items() if values}


def redacted(text: str, values: Iterable[str] = ()) -> str:
    """A text without what it must not tell, and without ``values``: each stands as its kind in brackets.

    >>> redacted("KeyError: 'Jan' (jan@example.org)", ["Jan"])
    "KeyError: '[a value]' ([an e-mail address])"
    """
    hits = [(hit, kind) for kind, hits in found(text).items() for hit in hits]
    hits += [(value, "a value") for value in _quoted(text, values)]
    for hit, kind in sorted(hits, key=lambda each: -len(each[0])):
        text = text.replace(hit, f"[{kind}]")
    return text


def secrets() -> list[str]:
    """Values of the environment whose names say that they are secrets."""
    return sorted(
        {value for name, value in os.environ.items() if _NAMED.search(name) and len(value) >= _SHORTEST}
        | ({os.environ["PGPASSWORD"]} if os.environ.get("PGPASSWORD") else set())
    )


def rare(paths: Iterable[Path]) -> set[str]:
    """Texts of frames that stand in few rows, and all that name persons: a message of an error may quote them."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    told: set[str] = set()
    for path in paths:
        table = pq.read_table(path)
        for field in table.schema:
            kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            if pa.types.is_string(kind) or pa.types.is_large_string(kind):
                counted = pc.value_counts(table[field.name].cast(pa.string()))
                values, counts = (counted.field(name).to_pylist() for name in ("values", "counts"))
                few = [v for v, n in zip(values, counts, strict=True) if n < _RARE or field.name in _PERSONAL]
                told |= {value for value in few if value}
    return told


def unfit(made: Iterable[Any], page: str, told: Mapping[str, str], frames: Iterable[Path] = ()) -> list[str]:
    """Why what a report made may not leave, each with the cells or tables it comes from; empty if it may.

    Looked at are every kind of every output of the executed cells (``made``), hidden ones and what stands beside them
    too, the page that was made of it, and its tables (``told``, as CSV), their heads against the names of personal
    columns. What a cell printed may quote no text that stands in few rows of its ``frames``.
    """
    where: dict[str, set[int]] = {}
    few: set[str] | None = None
    for number, cell in enumerate(made, 1):
        kinds = {
            kind for piece in _pieces(cell.get("outputs", []), cell.get("attachments", {})) for kind in found(piece)
        }
        if printed := "\n".join(_pieces(*map(_printed, cell.get("outputs", [])))):
            few = rare(frames) if few is None else few
            kinds |= {"a value of few rows"} if _quoted(printed, few) else set()
        for kind in kinds:
            where.setdefault(kind, set()).add(number)
    faults = [
        f"{kind} (cell{'s' * (len(cells) > 1)} {', '.join(map(str, sorted(cells)))})" for kind, cells in where.items()
    ]
    for name, csv in told.items():
        head = {column.strip('"') for column in csv.partition("\n")[0].split(",")}
        faults += [f"the personal column {column!r} (table {name})" for column in sorted(head & _PERSONAL)]
        faults += [f"{kind} (table {name})" for kind in found(csv) if kind not in where]
    return faults + [f"{kind} (page)" for kind in found(page) if kind not in where]


def cleaned(notebook: Any, values: Iterable[str]) -> Any:
    """An executed notebook for a partial page: without what must not be told, what it printed without ``values``."""
    few = set(values)
    for cell in notebook.cells:
        cell["source"] = redacted(cell.get("source", ""))
        if "outputs" in cell:
            cell["outputs"] = [_cleaned(output, few if _printed(output) else ()) for output in cell["outputs"]]
    return notebook


def _printed(output: Mapping) -> Any:
    """Of an output what no table or figure of the toolkit made: text, and a traceback."""
    if output.get("output_type") in ("stream", "error"):
        return [output.get("text", ""), output.get("evalue", ""), output.get("traceback", [])]
    data = output.get("data", {})
    return {} if "text/html" in data or {TABLE_MIME, FIGURES_MIME} & set(data) else data


def _quoted(text: str, values: Iterable[str]) -> set[str]:
    """Those of the values, three letters or more, that stand in a text as words of their own."""
    return {
        value for value in values
        if len(value) >= 3 and value in text and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)
    }  # fmt: skip


def _cleaned(told: Any, values: Iterable[str]) -> Any:
    if isinstance(told, Mapping):
        return type(told)({redacted(str(name), values): _cleaned(value, values) for name, value in told.items()})
    if isinstance(told, list):
        return [_cleaned(each, values) for each in told]
    if not isinstance(told, str):
        return told
    return "" if any(map(found, _of_picture(told))) else redacted(told, values)


def _pieces(*told: Any) -> Iterator[str]:
    """All text in outputs, of pictures too."""
    for each in told:
        if isinstance(each, Mapping):
            for name, value in each.items():
                yield str(name)
                yield from _pieces(value)
        elif isinstance(each, list | tuple):
            yield from _pieces(*each)
        elif isinstance(each, str):
            yield each
            yield from _of_picture(each)
        elif each is not None:
            yield json.dumps(each, default=str)


def _of_picture(text: str) -> Iterator[str]:
    """Text that stands in a picture's bytes, as its comments do."""
    if len(text) < 64 or not re.fullmatch(r"[A-Za-z0-9+/=\s]+", text[:4096]):
        return
    try:
        content = base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        return
    parts, at = [content], 8
    if content.startswith(b"\x89PNG"):  # its texts end where their chunks do
        while at + 8 <= len(content):
            size, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
            parts += [content[at + 8 : at + 8 + size]] if kind in (b"tEXt", b"iTXt", b"eXIf") else []
            at += 12 + size
    yield "\n".join(text.decode("ascii") for part in parts for text in _TEXT.findall(part))


def _is_iban(text: str) -> bool:
    """Do the check digits fit? ISO 13616.

    >>> _is_iban("NL91 ABNA 0417 1643 00"), _is_iban("NL91 ABNA 0417 1643 01")
    (True, False)
    """
    plain = text.replace(" ", "")
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1

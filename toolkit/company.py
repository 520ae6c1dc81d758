"""Which company, which period, known when? Settings of one company as its params files state them."""

import fcntl
import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarbool import ScalarBoolean

from toolkit.contract import TABLES
from toolkit.errors import DataError, ParamsError, ToolkitError, nearest, several

PSEUDONYM_CHARACTERS = 24  # hexadecimal: 96 bits
GRID_DIMENSIONS = ("segment", "channel", "region")
_NAME = re.compile(r"(?!(con|prn|aux|nul|com[0-9]|lpt[0-9])$)[a-z][a-z0-9_]{0,59}")  # and no device of Windows
_KEY = re.compile(r"[0-9a-fA-F]{64}")
_TEXT = re.compile(r"[-+]?0[0-9].*|.*_.*")


class Limits(BaseModel):
    """What a report may take: wall clock, silence (no cell begun, no message), output, processes and their memory.

    Without ``memory_mb`` the reports that run at once share nine tenths of the machine's memory; without
    ``warehouse_mb`` the local warehouse takes up to half of it, then spills to disk: to ``spill``, a folder
    that is there (from the project's on, if not absolute), or to the company's data.

    Parameters
    ----------
    seconds, silent_seconds
        Seconds, above 0.
    output_mb, memory_mb
        Megabytes, above 0.
    processes
        4 or more.
    warehouse_mb
        Megabytes, 500 or more.
    spill
        Path of a folder.

    Raises
    ------
    ValidationError
        If a value is of another type or out of its range; ``validated`` makes it a ParamsError.

    Examples
    --------
    >>> limits = Limits(seconds=60)
    >>> limits.seconds, limits.silent_seconds, limits.memory_mb
    (60.0, 600, None)
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    seconds: float = Field(default=900, gt=0)
    silent_seconds: float = Field(default=600, gt=0)
    output_mb: float = Field(default=50, gt=0)
    processes: int = Field(default=64, ge=4)
    memory_mb: float | None = Field(default=None, gt=0)
    warehouse_mb: float | None = Field(default=None, ge=500)
    spill: str | None = Field(default=None, min_length=1)


COVARIATES = (  # of an order, known when it was placed: what a cause may be adjusted for
    "segment", "channel", "region", "fulfilment", "rush", "category", "weekday", "month",
    "n_lines", "quantity", "net_revenue", "orders_before", "late_before",
)  # fmt: skip


class Cause(BaseModel):
    """A causal question declared before its answer: docs/METHODS.md section 2.9.

    Parameters
    ----------
    treatment
        What is asked of: an order that was late, short (pieces were missing) or damaged.
    covariates
        What it is adjusted for, one or more of ``COVARIATES``.
    valid_from
        Day from which the question holds.
    control_item
        Item of a survey that the treatment cannot touch; empty: no negative control.

    Raises
    ------
    ValidationError
        If a value is of another type or not allowed; ``validated`` makes it a ParamsError.

    Examples
    --------
    >>> cause = Cause(treatment="late", covariates=["segment", "month"], valid_from=date(2024, 7, 1))
    >>> cause.covariates, cause.control_item
    (('segment', 'month'), '')
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    treatment: Literal["late", "short", "damaged"]
    covariates: tuple[Literal[COVARIATES], ...] = Field(min_length=1, strict=False)
    valid_from: date
    control_item: str = ""  # of a survey: what the treatment cannot touch


class Settings(BaseModel):
    """The ``company:`` block of ``base.yaml``.

    Parameters
    ----------
    title
        Name for readers.
    zone
        The one time zone of its reports, such as Europe/Amsterdam.
    currency
        ISO 4217 code.
    warehouse
        ``local``, or the URL of one that holds the tables of the contract.
    closing_days
        Days after a period's end until what is known of it is fixed, 0 to 366.
    min_n
        Persons behind a published group, 3 or more.
    max_contributor_share
        Share (0-1) of a group's measure that one person may hold at most.
    max_quarantined_share
        Share (0-1) of a table's rows that may be quarantined on entry.
    pseudonym_key
        ``public`` (of invented people alone), or ``environment``: see ``Company.pseudonym_key``.
    open_personal
        Columns marked personal that are admitted all the same, as ``table.column``.
    segment
        Column of customers that segments are.
    invitations
        Which of them the table surveys holds: all, or those that were answered.
    causes
        Each a ``Cause``.
    limits
        A ``Limits``.

    Raises
    ------
    ValidationError
        If a value is of another type or not allowed; ``validated`` makes it a ParamsError.

    Notes
    -----
    docs/METHODS.md sections 0.2 (``closing_days``), 0.6 (``min_n``, ``max_contributor_share``) and 0.8.

    Examples
    --------
    >>> settings = Settings(title="North", zone="Europe/Oslo", currency="NOK", closing_days=30)
    >>> settings.closing_days, settings.min_n, settings.segment
    (30, 10, 'type')
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    title: str
    zone: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    warehouse: str = "local"
    closing_days: int = Field(default=21, ge=0, le=366)
    min_n: int = Field(default=10, ge=3)
    max_contributor_share: float = Field(default=0.5, gt=0, le=1)
    max_quarantined_share: float = Field(default=0.01, ge=0, lt=1)
    pseudonym_key: Literal["public", "environment"] = "environment"
    open_personal: tuple[str, ...] = Field(default=(), strict=False)
    segment: Literal["type", "region", "country", "has_card"] = "type"
    invitations: Literal["all", "answered"] = "all"  # which of them the table surveys holds
    causes: tuple[Cause, ...] = Field(default=(), strict=False)
    limits: Limits = Limits()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            if zone == "localtime" or zone.startswith(("posix", "right/")):  # of a machine, or a second name of one
                raise ValueError
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # the list of all is read to suggest one
            raise ValueError(f"no time zone is called {zone!r}.{nearest(zone, available_timezones())}") from None
        return zone

    @field_validator("open_personal")
    @classmethod
    def _personal_columns(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = [f"{t.name}.{c.name}" for t in TABLES.values() for c in t.columns if c.personal]
        for name in names:
            if name not in known:
                raise ValueError(f"{name!r} is no column marked personal; these are: {', '.join(sorted(known))}")
        return names


@dataclass(frozen=True)
class Company:
    """A company: its name, settings, params folder, and the folders of its data and reports.

    Parameters
    ----------
    name
        As its folder in ``params/`` is called.
    settings
        Its ``Settings``.
    home
        Folder of the project.

    Examples
    --------
    >>> found = load("sample")
    >>> [folder.as_posix() for folder in (found.params, found.data, found.reports, found.spill)]
    ['params/sample', 'data/sample', 'reports/sample', 'data/sample/spill']
    >>> found.zone.key
    'Europe/Amsterdam'
    """

    name: str
    settings: Settings
    home: Path

    @property
    def params(self) -> Path:
        """Folder of its params files and source SELECTs."""
        return self.home / "params" / self.name

    @property
    def data(self) -> Path:
        """Folder of its local warehouse, quarantine and frames."""
        return self.home / "data" / self.name

    @property
    def reports(self) -> Path:
        """Folder of its archive."""
        return self.home / "reports" / self.name

    @property
    def spill(self) -> Path:
        """Folder that its local warehouse writes to what memory cannot hold: its own in ``limits.spill``, if set."""
        folder = self.settings.limits.spill
        return self.home / folder / f"spill-{self.name}" if folder else self.data / "spill"

    @property
    def zone(self) -> ZoneInfo:
        """The one zone its reports are in."""
        return ZoneInfo(self.settings.zone)

    def pseudonym_key(self) -> bytes:
        """The 32 bytes that pseudonyms are made with.

        Returns
        -------
        bytes
            Of ``public`` keys the same ones everywhere, of others those of the variable ``TOOLKIT_KEY_<NAME>``.

        Raises
        ------
        ParamsError
            If the company keeps its key in the environment and it is not there.

        Notes
        -----
        docs/METHODS.md section 0.8.

        Examples
        --------
        >>> load("sample").pseudonym_key()
        b'public pseudonym key of sample..'
        """
        if self.settings.pseudonym_key == "public":
            return f"public pseudonym key of {self.name}".encode().ljust(32, b".")[:32]
        variable = f"TOOLKIT_KEY_{self.name.upper()}"
        key = os.environ.get(variable, "")
        if not _KEY.fullmatch(key):
            found = "nothing" if not key else f"{len(key)} characters"
            raise ParamsError(
                f"environment, {variable}: expected the company's pseudonym key, 64 hexadecimal digits, "
                f'found {found}. Make one with: python -c "import secrets; print(secrets.token_hex(32))", '
                "and keep it outside the repository and the archive."
            )
        return bytes.fromhex(key)

    def key_print(self) -> str:
        """Names the pseudonym key without telling it: 64 bits of a hash.

        Returns
        -------
        str
            16 hexadecimal digits; of another key others.

        Raises
        ------
        ParamsError
            As ``pseudonym_key``.

        Examples
        --------
        >>> load("sample").key_print()
        'e70261982a978ad9'
        """
        return hashlib.sha256(b"fingerprint" + self.pseudonym_key()).hexdigest()[:16]

    def period(self, name: str) -> "Period":
        """The governance period of that name, in the company's zone.

        Parameters
        ----------
        name
            A quarter (2026Q3), month (2026-07), half (2026H2) or year (2026).

        Returns
        -------
        Period
            Known at midnight of its end plus ``closing_days``.

        Raises
        ------
        ParamsError
            If the name is none of a period.

        Notes
        -----
        docs/METHODS.md section 0.2.

        Examples
        --------
        >>> period = load("sample").period("2026Q3")
        >>> [f"{moment:%Y-%m-%d %H:%M %Z}" for moment in (period.start, period.end, period.as_of)]
        ['2026-07-01 00:00 CEST', '2026-10-01 00:00 CEST', '2026-10-22 00:00 CEST']
        """
        start, end = _span(name)
        return self.between(name, start, end, end + timedelta(days=self.settings.closing_days))

    def between(self, name: str, start: date, end: date, as_of: date) -> "Period":
        """A period of any length, known at midnight of ``as_of`` (days; ``end`` excluded).

        Parameters
        ----------
        name
            What it is called; of no meaning.
        start, end, as_of
            Days, each from its midnight in the company's zone.

        Returns
        -------
        Period
            Of these days.

        Examples
        --------
        >>> sale = load("sample").between("sale", date(2026, 3, 28), date(2026, 3, 30), date(2026, 4, 20))
        >>> sale.start.isoformat(), sale.end.isoformat()
        ('2026-03-28T00:00:00+01:00', '2026-03-30T00:00:00+02:00')
        """
        return Period(name, *(datetime(d.year, d.month, d.day, tzinfo=self.zone) for d in (start, end, as_of)))


@dataclass(frozen=True)
class Period:
    """A span of time that reports look at: [start, end), with what was known before ``as_of``.

    Parameters
    ----------
    name
        Such as 2026Q3.
    start, end, as_of
        Instants with their zone.

    Notes
    -----
    docs/METHODS.md section 0.2.

    Examples
    --------
    >>> utc = ZoneInfo("UTC")
    >>> days = [datetime(2026, 7, day, tzinfo=utc) for day in (1, 2, 23)]
    >>> period = Period("a day", *days)
    >>> period.start <= days[1] < period.end
    False
    """

    name: str
    start: datetime
    end: datetime
    as_of: datetime


def _span(name: str) -> tuple[date, date]:
    for pattern, months in (
        ("([0-9]{4})Q([1-4])", 3),
        ("([0-9]{4})H([12])", 6),
        ("([0-9]{4})-([0-9]{2})", 1),
        ("([0-9]{4})()", 12),
    ):
        match = re.fullmatch(pattern, name)
        if match:
            year, number = int(match[1]), int(match[2] or 1)
            first = (number - 1) * months
            if 1900 <= year <= 9000 and 0 <= first < 12:
                last = first + months
                return date(year, first + 1, 1), date(year + last // 12, last % 12 + 1, 1)
    raise ParamsError(f"period: expected one like 2026Q3, 2026-07, 2026H2 or 2026, found {name!r}.")


def earlier(name: str, names: Iterable[str]) -> list[str]:
    """The names of periods of the same length that come before one, in order.

    Parameters
    ----------
    name
        The period's.
    names
        Others, of any length.

    Returns
    -------
    list
        The oldest first.

    Examples
    --------
    >>> earlier("2026Q1", ["2026Q2", "2025Q4", "2025", "2025Q3"])
    ['2025Q3', '2025Q4']
    """
    kind = re.sub("[0-9]", "0", name)  # of names of one kind the earlier sorts before the later
    return sorted(each for each in names if re.sub("[0-9]", "0", each) == kind and each < name)


def previous(name: str) -> str:
    """The period of the same length before.

    Parameters
    ----------
    name
        As of ``Company.period``.

    Raises
    ------
    ParamsError
        If the name is none of a period.

    Examples
    --------
    >>> previous("2026Q1"), previous("2026-07"), previous("2026")
    ('2025Q4', '2026-06', '2025')
    """
    return around(_span(name)[0] - timedelta(days=1), name)


def following(name: str) -> str:
    """The period of the same length after.

    Parameters
    ----------
    name
        As of ``Company.period``.

    Raises
    ------
    ParamsError
        If the name is none of a period.

    Examples
    --------
    >>> following("2026Q4"), following("2026H1"), following("2026-12"), following("2026")
    ('2027Q1', '2026H2', '2027-01', '2027')
    """
    return around(_span(name)[1], name)


def around(day: date, name: str) -> str:
    """The period that a day lies in, as long as the named one.

    Parameters
    ----------
    day
        Any day.
    name
        Of a period; only its length is looked at.

    Examples
    --------
    >>> around(date(2026, 8, 5), "2025Q1")
    '2026Q3'
    """
    if "Q" in name:
        return f"{day.year}Q{(day.month + 2) // 3}"
    if "H" in name:
        return f"{day.year}H{(day.month + 5) // 6}"
    return f"{day.year}" if len(name) == 4 else f"{day:%Y-%m}"


def home() -> Path:
    """The project's folder: the nearest from here upwards that holds ``params``.

    Raises
    ------
    ParamsError
        If there is none.

    Examples
    --------
    >>> (home() / "params" / "sample").is_dir()
    True
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "params").is_dir():
            return folder
    raise ParamsError(f"{here}: expected to be inside a project with a folder 'params', found none above it.")


def load(name: str, home: Path = Path()) -> Company:
    """The company of that name, from ``params/<name>/base.yaml`` under ``home``.

    Parameters
    ----------
    name
        As its folder is called.
    home
        Folder of the project; without it the current one.

    Returns
    -------
    Company
        With its settings.

    Raises
    ------
    ParamsError
        If there is no such company or its settings are wrong; all faults at once.

    Examples
    --------
    >>> sample = load("sample")
    >>> sample.settings.title, sample.settings.currency, sample.settings.closing_days
    ('Sample company', 'EUR', 21)
    """
    folder = home / "params"
    known = sorted(path.parent.name for path in folder.glob("*/base.yaml"))
    if not is_name(name) or name not in known:
        raise ParamsError(
            f"{folder}: no company {name!r}; there are: {', '.join(known) or 'none'}.{nearest(name, known)}"
        )
    path = folder / name / "base.yaml"
    document = read_yaml(path)
    if not isinstance(document.get("company"), dict):
        raise ParamsError(f"{path}: expected a block 'company:', found none. Copy one from params/sample/base.yaml.")
    return Company(name, validated(Settings, document["company"], path), home)


def is_name(text: str) -> bool:
    """May ``text`` name a file or folder anywhere: a small letter, then small letters, digits, underscores; no device?

    At most 60 characters.

    Examples
    --------
    >>> is_name("north_west"), is_name("../north"), is_name("North"), is_name("con")
    (True, False, False, False)
    """
    return _NAME.fullmatch(text) is not None


@contextmanager
def alone(folder: Path, refusal: ToolkitError | None = None) -> Iterator[None]:
    """One process at a time is at work in a folder; the lock ends with the process, however that ends.

    Whoever comes beside it is refused, or waits where there is no refusal.

    Parameters
    ----------
    folder
        That is there; the lock is its file ``.lock``.
    refusal
        What is raised where another is at work.

    Raises
    ------
    ToolkitError
        The ``refusal``.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, alone(Path(folder)):
    ...     with alone(Path(folder), ToolkitError("another run is at work.")):
    ...         print("never said")
    Traceback (most recent call last):
    toolkit.errors.ToolkitError: another run is at work.
    """
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if refusal else 0))
        except BlockingIOError:
            raise refusal from None
        yield


def erased(company: Company) -> dict[str, str]:
    """Digests of kept frames that a customer's rows were erased from, each with the last day of that.

    Parameters
    ----------
    company
        Whose ``erased.jsonl`` is read; without one there are none.

    Returns
    -------
    dict
        Digest to day, such as 2026-10-01.

    Raises
    ------
    DataError
        If a line of ``erased.jsonl`` does not read; one that a crash tore off at the end is none.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     company = Company("sample", load("sample").settings, Path(folder))
    ...     company.data.mkdir(parents=True)
    ...     told = '{"frame": "ab12", "rows": 3, "on": "2026-10-01"}'
    ...     _ = (company.data / "erased.jsonl").write_text(f"{told}{chr(10)}", encoding="utf-8")
    ...     erased(company)
    {'ab12': '2026-10-01'}
    """
    path, found = company.data / "erased.jsonl", []
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for number, line in enumerate(text[: text.rfind("\n") + 1].splitlines(), 1):
        try:
            told = json.loads(line)
            found.append((told["on"], told["frame"]))
        except (ValueError, KeyError, TypeError):
            raise DataError(
                f'{path}, line {number}: expected {{"frame": ..., "rows": ..., "on": ...}}, found none that reads. '
                "Put back what stood there."
            ) from None
    return {frame: day for day, frame in sorted(found)}


def pseudonym(identifier: str, key: bytes) -> str:
    """The pseudonym of an identifier: 96 bits of HMAC-SHA-256, as the warehouse stores it.

    Parameters
    ----------
    identifier
        Such as a customer's id, as text.
    key
        32 bytes, as ``Company.pseudonym_key`` gives them.

    Returns
    -------
    str
        24 hexadecimal digits.

    Notes
    -----
    docs/METHODS.md section 0.8.

    Examples
    --------
    >>> pseudonym("C1", bytes(32))
    '919bae7c29683af1bae2019c'
    """
    return hmac.new(key, identifier.encode(), hashlib.sha256).hexdigest()[:PSEUDONYM_CHARACTERS]


def read_yaml(path: Path) -> CommentedMap:
    """A YAML 1.2 file whose top is a mapping; every value keeps its line.

    Parameters
    ----------
    path
        Of the file; an empty one holds no names.

    Returns
    -------
    CommentedMap
        A dict to Python; ``line_of`` tells lines, ``plain`` gives values without them.

    Raises
    ------
    ParamsError
        If the file is not there, is not UTF-8 YAML, repeats a key or is no mapping.

    Examples
    --------
    >>> list(read_yaml(Path("params/sample/base.yaml")))
    ['company', 'all', 'cost_to_serve']
    """
    try:
        document = yaml_1_2("rt").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file.") from None
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path}: expected UTF-8 text, found another encoding at byte {error.start}.") from None
    except MarkedYAMLError as error:
        line = (error.problem_mark or error.context_mark).line + 1
        problem = (error.problem or "it cannot be read").split("\n")[0]
        raise ParamsError(f"{path}, line {line}: not YAML: {problem}.") from None
    if document is None:
        document = CommentedMap()
    if not isinstance(document, CommentedMap):
        raise ParamsError(f"{path}: expected names with values, found {type(plain(document)).__name__}.")
    return document


class _Resolver(VersionedResolver):
    """YAML 1.2 without the readings that ruamel adds: 2025_1 and 007 stay texts."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and implicit[0] and _TEXT.fullmatch(value):
            implicit = (False, implicit[1])
        return super().resolve(kind, value, implicit)


def yaml_1_2(kind: Literal["rt", "safe"]) -> YAML:
    """A reader of YAML 1.2: ``rt`` keeps the lines, ``safe`` gives plain Python.

    Parameters
    ----------
    kind
        ``rt`` or ``safe``.

    Returns
    -------
    YAML
        Its ``load`` reads text; what is no YAML raises an error of ruamel.

    Examples
    --------
    What YAML 1.1 makes a number or a truth of stays text.

    >>> yaml_1_2("safe").load("[007, 2025_1, no, 7]")
    ['007', '2025_1', 'no', 7]
    """
    yaml = YAML(typ=kind, pure=True)
    yaml.version = (1, 2)
    yaml.Resolver = _Resolver
    return yaml


def line_of(mapping: Any, key: Any) -> int | None:
    """Line, from 1, of a key in a mapping, or a place in a list, that ``read_yaml`` read.

    Parameters
    ----------
    mapping
        What ``read_yaml`` gave, or a part of it.
    key
        A name, or a position from 0.

    Returns
    -------
    int
        The line; None where there is none.

    Examples
    --------
    >>> document = yaml_1_2("rt").load(chr(10).join(["# how it is cut", "min_n: 5", "rules:", "- 2", "- 7"]))
    >>> line_of(document, "min_n"), line_of(document["rules"], 1), line_of(document, "seed")
    (2, 5, None)
    """
    try:
        return (mapping.lc.item if isinstance(mapping, list) else mapping.lc.key)(key)[0] + 1
    except (AttributeError, IndexError, KeyError, TypeError):
        return None


def plain(value: Any) -> Any:
    """A YAML value as plain Python: dict, list, str, int, float, bool, None.

    Parameters
    ----------
    value
        What ``read_yaml`` gave, or a part of it; dates and what else is no such value stay as they are.

    Examples
    --------
    >>> plain(yaml_1_2("rt").load("{min_orders: 30, regions: [n, s]}"))
    {'min_orders': 30, 'regions': ['n', 's']}
    """
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, ScalarBoolean):  # an int to Python
        return bool(value)
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def validated(model: type[BaseModel], mapping: CommentedMap, path: Path) -> Any:
    """``mapping`` as ``model``, or one ParamsError with every fault, its line and the nearest name.

    Parameters
    ----------
    model
        Of pydantic, such as ``Settings``.
    mapping
        What ``read_yaml`` gave, or a part of it.
    path
        The file it is from, for the message.

    Returns
    -------
    Any
        An instance of ``model``.

    Raises
    ------
    ParamsError
        If values are missing, unknown, of another type or not allowed.

    Examples
    --------
    >>> told = yaml_1_2("rt").load("{title: North, zone: Europe/Oslo, currency: nok, min_n: 2}")
    >>> validated(Settings, told, Path("base.yaml"))
    Traceback (most recent call last):
    toolkit.errors.ParamsError: 2 faults:
      1. base.yaml, line 1: 'currency': expected a text like ^[A-Z]{3}$, found str 'nok'.
      2. base.yaml, line 1: 'min_n': expected greater than or equal to 3, found int 2.
    """
    try:
        return model.model_validate(plain(mapping))
    except ValidationError as error:
        raise ParamsError(several(_fault(fault, model, mapping, path) for fault in error.errors())) from None


def _alone(kind: Any) -> Any:
    """A type without the None that it may be in place of."""
    if get_origin(kind) in (Union, UnionType):
        return next((each for each in get_args(kind) if each is not NoneType), None)
    return kind


def _within(kind: Any, part: str | int) -> Any:
    """The type of a field of a model, or of what a list or mapping holds."""
    kind = _alone(kind)
    if fields := getattr(kind, "model_fields", None):
        return fields[part].annotation if part in fields else None
    inner = [each for each in get_args(kind) if each is not Ellipsis]
    return inner[-1] if inner else None


def _fault(fault: dict, model: type[BaseModel], mapping: Any, path: Path) -> str:
    place, name, line, kind = [], "", None, model
    for part in fault["loc"]:
        line = line_of(mapping, part) or line
        there = (
            isinstance(mapping, dict) and part in mapping or isinstance(mapping, list) and part in range(len(mapping))
        )
        mapping = mapping[part] if there else None
        place.append(str(part))
        if len(place) < len(fault["loc"]):
            kind = _within(kind, part)
    name, where = ".".join(place), f"{path}, line {line}" if line else str(path)
    if fault["type"] == "extra_forbidden":
        known = sorted(getattr(_alone(kind), "model_fields", ()))
        takes = f"; expected: {', '.join(known)}" if known else ""
        return f"{where}: unknown name {name!r}{takes}.{nearest(place[-1], known)}"
    if fault["type"] == "missing":
        return f"{where}: {name!r} is missing."
    expected = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if fault["type"] == "string_pattern_mismatch":
        expected = f"a text like {fault['ctx']['pattern']}"
    found = f"{type(fault['input']).__name__} {fault['input']!r}"
    if fault["type"] == "value_error":
        return f"{where}: {name!r}: {expected}" + ("" if expected.endswith("?") else ".")
    return f"{where}: {name!r}: expected {expected}, found {found}."

"""In which words, numbers and days does a reader see it? English as written; any other language is one catalogue."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.messages.pofile import read_po

from toolkit.errors import ParamsError, nearest

CATALOGUES = Path(__file__).parent / "locale"  # <language>.po, of gettext
VALUE = "value"  # context of messages that are values of tables, some with slots: "{n} or more"
_here = threading.local()  # reports of several companies may be rendered side by side


def languages() -> list[str]:
    """The languages that reports can be in.

    Returns
    -------
    list
        Codes such as nl, sorted: English, and each that has a catalogue.

    Examples
    --------
    >>> {"en", "nl"} <= set(languages())
    True
    """
    return sorted(["en", *(path.stem for path in CATALOGUES.glob("*.po"))])


def checked(language: str, place: str) -> str:
    """A language that reports can be in.

    Parameters
    ----------
    language
        Its code, such as nl.
    place
        Where it was found, for the message.

    Returns
    -------
    str
        ``language``.

    Raises
    ------
    ParamsError
        If there is no catalogue of it.

    Examples
    --------
    >>> checked("nl", "base.yaml, line 3")
    'nl'
    >>> checked("nl_NL", "base.yaml, line 3")
    Traceback (most recent call last):
    toolkit.errors.ParamsError: base.yaml, line 3: expected one of en, nl, found 'nl_NL'.
    """
    if language not in languages():
        close = nearest(language, languages())
        raise ParamsError(f"{place}: expected one of {', '.join(languages())}, found {language!r}.{close}")
    return language


def speak(language: str) -> None:
    """Say everything in that language from here on, in this thread.

    Parameters
    ----------
    language
        One of ``languages``.

    Raises
    ------
    ParamsError
        If there is no catalogue of it.

    Examples
    --------
    >>> speak("nl")
    >>> month("2026-05")
    'mei 2026'
    >>> speak("en")
    """
    _here.language = checked(language, "language")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say everything in that language for a while, in this thread.

    Parameters
    ----------
    language
        One of ``languages``.

    Raises
    ------
    ParamsError
        If there is no catalogue of it.

    Examples
    --------
    >>> with speaking("nl"):
    ...     spoken(), day("2026-10-22")
    ('nl', '22 oktober 2026')
    >>> spoken(), day("2026-10-22")
    ('en', '22 October 2026')
    """
    before = spoken()
    speak(language)
    try:
        yield
    finally:
        speak(before)


def spoken() -> str:
    """The language that is spoken here, in this thread: English until another is.

    Examples
    --------
    >>> spoken()
    'en'
    """
    return getattr(_here, "language", "en")


@cache
def _catalogue(language: str) -> dict[tuple[str | None, str], str]:
    if language == "en":
        return {}
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        return {
            (each.context, each.id): each.string for each in read_po(file, locale=language) if each.id and each.string
        }


def say(sentence: str, /, **slots: object) -> str:
    """A sentence of ours in the language spoken, its slots filled; as written where the catalogue lacks it.

    Parameters
    ----------
    sentence
        As written in English, slots in braces.
    slots
        What fills each of them: texts, said already.

    Examples
    --------
    >>> say("{n} customers ordered.", n=number(1234, ",d"))
    '1,234 customers ordered.'
    >>> with speaking("nl"):
    ...     say("Nobody answered in {period}.", period="2026Q3")
    'Niemand antwoordde in 2026Q3.'
    """
    said = _catalogue(spoken()).get((None, sentence), sentence)
    return said.format(**slots) if slots else said


def word(value: str) -> str:
    """A value of a table, where it is a word of ours: found whole, or as one with slots; all others stay as they are.

    All are read without their underscores.

    Parameters
    ----------
    value
        As it stands in the table.

    Examples
    --------
    >>> with speaking("nl"):
    ...     word("not settled"), word("60 or more"), word("North")
    ('staat niet vast', '60 of meer', 'North')
    >>> word("not_settled")
    'not settled'
    """
    known, name = _catalogue(spoken()), value.replace("_", " ")
    if said := known.get((VALUE, name)) or known.get((None, name)):
        return said
    for shape, said in _shapes(spoken()):
        if found := shape.fullmatch(name):
            return said.format(**{slot: _filled(text) for slot, text in found.groupdict().items()})
    return name


def _filled(text: str) -> str:
    return text.translate(_separators(spoken())) if re.fullmatch(r"-?[\d,]*\.?\d+", text) else word(text)


@cache
def _shapes(language: str) -> list[tuple[re.Pattern, str]]:
    """Values with slots, as what they match and what is said: lists first, then the longest, which is the closest."""
    slotted = [(id_, said) for (context, id_), said in _catalogue(language).items() if context == VALUE and "{" in id_]
    slotted.sort(key=lambda each: ("; " not in each[0], -len(re.sub(r"\{\w+\}", "", each[0])), each[0]))
    parts = [(re.split(r"\{(\w+)\}", id_), said) for id_, said in slotted]
    return [
        (re.compile("".join(f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(split))), said)
        for split, said in parts
    ]


def number(value: float, shape: str) -> str:
    """A number by a format of Python, with the separators of the language spoken.

    Parameters
    ----------
    value
        The number.
    shape
        Such as ",.1f" (thousands apart, one decimal) or ".0%".

    Examples
    --------
    >>> with speaking("nl"):
    ...     number(-1234.5, ",.1f")
    '-1.234,5'
    """
    return f"{value:{shape}}".translate(_separators(spoken()))


@cache
def _separators(language: str) -> dict[int, str]:
    symbols = Locale.parse(language).number_symbols["latn"]
    return str.maketrans({",": symbols["group"], ".": symbols["decimal"]})


def day(value: date | str) -> str:
    """A day as it is written.

    Parameters
    ----------
    value
        A date, or its text as 2026-10-22.

    Raises
    ------
    ValueError
        If a text is no such day.

    Examples
    --------
    >>> day("2026-10-22")
    '22 October 2026'
    """
    value = date.fromisoformat(value) if isinstance(value, str) else value
    return format_date(value, "d MMMM y", locale=spoken())


def month(value: str) -> str:
    """A month, told by any of its days, as it is written in tables; what is none is said as ``word`` says it.

    Parameters
    ----------
    value
        Text that begins with year and month, as 2026-07; or another value of the same column.

    Raises
    ------
    ValueError
        If it begins so, and there is no such month.

    Examples
    --------
    >>> month("2026-07"), month("2026-07-31"), month("total")
    ('Jul 2026', 'Jul 2026', 'total')
    """
    if not re.match(r"\d{4}-\d{2}", value):
        return word(value)
    return format_date(date.fromisoformat(f"{value[:7]}-01"), "MMM y", locale=spoken())

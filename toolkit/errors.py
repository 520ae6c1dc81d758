"""What can a user mend, and how is it said? The errors with an exit code of their own."""

import difflib
from collections.abc import Iterable


class ToolkitError(Exception):
    """A fault that a user can mend: shown as ``error: ...`` without a traceback.

    The message names the place, what was expected, what was found (count and first
    five, of personal columns never a value) and what to do. A likely cause goes into
    ``add_note``.
    """

    exit_code = 1


class ParamsError(ToolkitError):
    """Params files, parameters or the command line are wrong; nothing was started."""

    exit_code = 2


class DataError(ToolkitError):
    """Data do not keep the contract; nothing was admitted."""

    exit_code = 3


class ReportError(ToolkitError):
    """A report did not come to its end; the archive holds nothing of it."""

    exit_code = 4


class ColdError(Exception):
    """No warm kernel is to be had, and why; a plain one does the same, later."""


def several(problems: Iterable[str]) -> str:
    """One message of many: alone on its line, or numbered lines under a count.

    >>> several(["params/a.yaml: no 'company'."])
    "params/a.yaml: no 'company'."
    >>> print(several(["first.", "second."]))
    2 faults:
      1. first.
      2. second.
    """
    problems = list(problems)
    if len(problems) == 1:
        return problems[0]
    return "\n".join([f"{len(problems)} faults:", *(f"  {i}. {p}" for i, p in enumerate(problems, 1))])


def first_five(values: Iterable[object]) -> str:
    """The first five of some values, quoted, with an ellipsis where there are more of them or one is long.

    >>> first_five("abcdefg")
    "'a', 'b', 'c', 'd', 'e', …"
    """
    values = list(values)
    shown = [repr(text) if len(text) <= 60 else repr(text[:60]) + "…" for text in map(str, values[:5])]
    return ", ".join([*shown, *(["…"] if len(values) > 5 else [])])


def nearest(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for a misspelt name, or nothing.

    >>> nearest("min_order", ["min_orders", "seed"])
    " Did you mean 'min_orders'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""

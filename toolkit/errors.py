"""What can a user mend, and how is it said? The errors with an exit code of their own."""

import difflib
from collections.abc import Iterable


class ToolkitError(Exception):
    """A fault that a user can mend: shown as ``error: ...`` without a traceback.

    The message names the place, what was expected, what was found (count and first
    five, of personal columns never a value) and what to do. A likely cause goes into
    ``add_note``. ``exit_code`` is that of the command line.

    Examples
    --------
    >>> fault = ToolkitError("orders: expected unique order_id, found 2 repeated: 'a1', 'b7'. Remove duplicates.")
    >>> fault.add_note("Likely cause: the export was joined to its lines.")
    >>> fault.exit_code, fault.__notes__
    (1, ['Likely cause: the export was joined to its lines.'])
    """

    exit_code = 1


class ParamsError(ToolkitError):
    """Params files, parameters or the command line are wrong; nothing was started.

    Examples
    --------
    >>> ParamsError.exit_code, issubclass(ParamsError, ToolkitError)
    (2, True)
    """

    exit_code = 2


class DataError(ToolkitError):
    """Data do not keep the contract; nothing was admitted.

    Examples
    --------
    >>> DataError.exit_code, issubclass(DataError, ToolkitError)
    (3, True)
    """

    exit_code = 3


class ReportError(ToolkitError):
    """A report did not come to its end; the archive holds nothing of it.

    Examples
    --------
    >>> ReportError.exit_code, issubclass(ReportError, ToolkitError)
    (4, True)
    """

    exit_code = 4


class ColdError(Exception):
    """No warm kernel is to be had, and why; a plain one does the same, later.

    Nothing that a user has to mend: whoever asked for the kernel catches it.

    Examples
    --------
    >>> issubclass(ColdError, ToolkitError)
    False
    """


def several(problems: Iterable[str]) -> str:
    """One message of many: alone on its line, or numbered lines under a count.

    Parameters
    ----------
    problems
        Messages; one at least.

    Examples
    --------
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

    Parameters
    ----------
    values
        Of any kind, shown as text; long is one of more than 60 characters.

    Examples
    --------
    >>> first_five("abcdefg")
    "'a', 'b', 'c', 'd', 'e', …"
    """
    values = list(values)
    shown = [repr(text) if len(text) <= 60 else repr(text[:60]) + "…" for text in map(str, values[:5])]
    return ", ".join([*shown, *(["…"] if len(values) > 5 else [])])


def nearest(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for a misspelt name, or nothing.

    Parameters
    ----------
    name
        As it was found.
    known
        Names that there are.

    Returns
    -------
    str
        With the space before it, to stand after a message.

    Examples
    --------
    >>> nearest("min_order", ["min_orders", "seed"])
    " Did you mean 'min_orders'?"
    >>> nearest("region", ["min_orders", "seed"])
    ''
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""

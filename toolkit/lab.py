"""What does a notebook say to a person who runs it by hand? That it is a draft, and whether it is in order."""

import ast
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit import company as companies
from toolkit import frames
from toolkit.errors import ParamsError, first_five

_WATCH = "_toolkit_order"  # where a kernel keeps what its cells did
_READS = re.compile(r"(^|\.)(open|read_(csv|parquet|excel|json|sql\w*|feather|pickle|table)|connect|urlopen)$")
_COPY_OF = "toolkit_copy_of"  # in a copy's metadata: the SHA-256 of its notebook


def opened(company: str, period: str) -> None:
    """Tell a person who runs a notebook what they are looking at: ``frames.reader`` calls it in a kernel by hand.

    Checks the parameters cell as a run would, shows DRAFT with where the archived report stands and which values are
    not those of the params files, and from then on says above a cell what it rests on that is not in order.

    Parameters
    ----------
    company, period
        Names as in ``params/`` and as a governance period.

    Raises
    ------
    ParamsError
        If the parameters cell is not as a run needs it, or company or period are not known.
    """
    shell = _shell()
    if shell:
        _by_hand(shell, company, period)


def linted(notebook: Path) -> list[str]:
    """What would make a notebook a poor part of a pack, each with its cell and what to do; empty if nothing would.

    Parameters
    ----------
    notebook
        A file in ``notebooks/``; its parameters cell is checked by ``reporting.parameters.declared``.

    Notes
    -----
    Looked for: one title, on top; no outputs kept; imports in one cell; frames that there are, and no other data;
    sections that docs/METHODS.md has; prose without figures, which no run would make again.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        trees = {at: ast.parse("".join(c["source"])) for at, c in enumerate(cells, 1) if c["cell_type"] == "code"}
    except (ValueError, KeyError, TypeError, SyntaxError):
        return [f"{notebook}: expected a notebook whose code is Python."]
    methods = notebook.parents[1] / "docs" / "METHODS.md"
    known = set(re.findall(r"(?m)^### (.+)$", methods.read_text(encoding="utf-8"))) if methods.is_file() else set()
    found: list[tuple[int, str]] = []
    texts = {at: "".join(cell["source"]) for at, cell in enumerate(cells, 1)}
    prose = {at: texts[at] for at, cell in enumerate(cells, 1) if cell["cell_type"] == "markdown"}
    if [at for at, text in prose.items() for _ in re.findall(r"(?m)^# ", text)] != [1]:
        found.append((1, "expected one title, '# Title', and it on top"))
    for at, text in prose.items():
        found += [(at, f"section {title!r} is not in docs/METHODS.md: say there how it is made")
                  for title in re.findall(r"(?m)^## (.+)$", text) if title not in known]  # fmt: skip
        if re.search(r"\d", re.sub(r"(?m)^#+ [\d.]+ ", "", text)):
            found.append((at, "a figure in prose is made by no run: let a cell of code say it"))
    importing = [at for at, tree in trees.items() if any(isinstance(n, ast.Import | ast.ImportFrom) for n in tree.body)]
    importing = [at for at in importing if "parameters" not in cells[at - 1].get("metadata", {}).get("tags", [])]
    found += [(at, f"imports stand in cell {importing[0]} too: put them there") for at in importing[1:]]
    for at, tree in trees.items():
        cell = cells[at - 1]
        if cell.get("outputs") or cell.get("execution_count"):
            found.append((at, "holds outputs: clear them, the archive keeps those of a run"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        found += [(at, f"{ast.unparse(call.func)}() reads what no manifest names: ask for a frame")
                  for call in calls if _READS.search(ast.unparse(call.func))]  # fmt: skip
        try:
            frames.checked(set(frames.asked_for(texts[at])) - {frames.KEY_FIGURES})
        except ParamsError as unknown:
            found.append((at, str(unknown).rstrip(".")))
    return [f"{notebook.parent.name}/{notebook.name}, cell {at}: {what}." for at, what in sorted(found)]


def desk(company: companies.Company, period: str) -> tuple[Path, list[str]]:
    """A folder with a copy of each notebook for a period, its parameters cell as a run would have it: where to work.

    A copy that is there is kept, whatever was made of it.

    Parameters
    ----------
    company
        Whose notebooks.
    period
        As in ``params/``.

    Returns
    -------
    tuple
        The folder, ``lab/<company>/<period>``, and what there is to say: which copies are older than their notebook.

    Raises
    ------
    ParamsError
        If params are wrong; nothing is written then.
    """
    from toolkit.reporting import archive, parameters

    notebooks = sorted((company.home / "notebooks").glob("*.ipynb"))
    values = parameters.resolved(company, company.period(period).name, notebooks)
    folder, said = company.home / "lab" / company.name / period, []
    folder.mkdir(parents=True, exist_ok=True)
    for report, given in values.items():
        original = company.home / "notebooks" / f"{parameters.notebook_of(report)}.ipynb"
        text, path = original.read_text(encoding="utf-8"), folder / f"{report}.ipynb"
        digest = archive.sha256(text)
        if path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))["metadata"].get(_COPY_OF)
            if kept != digest:
                said.append(
                    f"{path.relative_to(company.home)} is kept: a copy of another {original.name} than today's."
                )
            continue
        notebook = json.loads(text)
        notebook["metadata"][_COPY_OF] = digest
        for cell in notebook["cells"]:
            if "parameters" in cell["metadata"].get("tags", []):
                cell["source"] = _filled("".join(cell["source"]), given)
        archive.put(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    return folder, said


def _filled(source: str, given: Mapping[str, Any]) -> str:
    """A parameters cell with the values of a run; where they come from stands behind those that are not its own.

    >>> from toolkit.reporting.parameters import Value
    >>> _filled("n: int = 3  # how many", {"n": Value(5, "params/acme/base.yaml, line 7")})
    'n: int = 5  # how many (params/acme/base.yaml, line 7)'
    """
    lines = source.encode().split(b"\n")
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.AnnAssign) and given[node.target.id].origin not in ("notebook", "run"):
            origin = f" ({given[node.target.id].origin})".encode()
            lines[node.value.end_lineno - 1] = lines[node.value.end_lineno - 1].rstrip() + origin
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.AnnAssign) and given[node.target.id].origin != "notebook":
            value, first, last = given[node.target.id].value, node.value.lineno - 1, node.value.end_lineno - 1
            told = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
            told = f'"{value}"' if isinstance(value, date) else told
            before, after = lines[first][: node.value.col_offset], lines[last][node.value.end_col_offset :]
            lines[first : last + 1] = [before + told.encode() + after]
    return b"\n".join(lines).decode()


def archived(company: str, period: str) -> Callable[[str], pd.DataFrame]:
    """A function that gives a table of the newest archived revision of a period, by its name: to lay beside one's own.

    Parameters
    ----------
    company, period
        Names as in ``params/`` and as a governance period.

    Raises
    ------
    ParamsError
        If nothing is archived; the function, if no table, or more than one report's, has the name: then name it
        ``report/table``.
    """
    from toolkit.reporting import archive

    found = companies.load(company, companies.home())
    newest = archive.newest(found.reports / found.period(period).name)
    if newest is None:
        raise ParamsError(f"{company} {period}: nothing is archived yet. Run: toolkit run {company} {period}.")
    there = {f"{path.parent.name}/{path.stem}": path for path in sorted(newest.folder.glob("tables/*/*.csv"))}

    def table(name: str) -> pd.DataFrame:
        named = [full for full in there if name in (full, full.partition("/")[2])]
        if len(named) != 1:
            told = first_five(named or sorted({full.partition("/")[2] for full in there}))
            what = "is a table of several reports" if named else "is no table"
            raise ParamsError(f"{newest.folder}: {name!r} {what}; there are: {told}.")
        return pd.read_csv(there[named[0]])

    return table


def _shell() -> Any:
    """The IPython kernel that runs this, if one does."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell if shell is not None and hasattr(shell, "kernel") else None


def _by_hand(shell: Any, company: str, period: str) -> None:
    from toolkit.reporting import archive, parameters

    notebook = _notebook(shell)
    home = companies.home()
    place = notebook.relative_to(home) if notebook and notebook.is_relative_to(home) else "this notebook"
    source = _declaring(shell.user_ns.get("In", []))
    declared = parameters.of_cell(source, place, shell.user_ns) if source else {}
    found = companies.load(company, home)
    newest = archive.newest(found.reports / found.period(period).name)
    told = ["<strong>DRAFT</strong>: made by hand, of today's data and code; nothing of it is archived."]
    page = newest.folder / f"{notebook.stem}.html" if newest and notebook else None
    if newest is None:
        told.append(f"No report of {escape(period)} is archived yet.")
    elif page and page.exists():
        link = os.path.relpath(page, notebook.parent)
        told.append(f'The archived report: <a href="{escape(link)}">{escape(str(page.relative_to(home)))}</a>.')
    else:
        told.append(f"Archived: {escape(str(newest.folder.relative_to(home)))}.")
    original = home / "notebooks" / f"{parameters.notebook_of(notebook.stem)}.ipynb" if notebook else None
    if original and original.exists():
        values = parameters.resolved(found, period, [original])
        given = values.get(notebook.stem) or next(iter(values.values()))
        for name, value in given.items():
            mine = shell.user_ns.get(name, value.value)
            if name in declared and not value.slice and str(mine) != str(value.value):
                words = f"{name} is {mine!r} here; a run would take {value.value!r} ({value.origin})."
                told.append(escape(words))
    _show(told)
    if notebook:
        Order.watching(shell, notebook)


def _notebook(shell: Any) -> Path | None:
    """The notebook's file, where JupyterLab or an editor tells it."""
    told = os.environ.get("JPY_SESSION_NAME") or shell.user_ns.get("__vsc_ipynb_file__")
    path = Path(told) if told else None
    return path.resolve() if path and path.suffix == ".ipynb" and path.exists() else None


def _declaring(ran: list[str]) -> str:
    """Source of the last cell run that declares company and period, as the one of parameters does."""
    for source in reversed(ran):
        try:
            nodes = ast.parse(source).body
        except SyntaxError:  # a magic, or what did not run either
            continue
        named = {
            node.target.id for node in nodes if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        if {"company", "period"} <= named:
            return source
    return ""


def _show(lines: list[str]) -> None:
    from IPython.display import HTML, display

    style = "border-left:4px solid #b3261e;padding:.4em .8em;margin:.2em 0;background:#fdecea;color:#1b1b1b"
    display(HTML(f'<div role="note" class="by-hand" style="{style}">{"<br>".join(lines)}</div>'))


class Order:
    """Which cells of a notebook this kernel has run, and when: says above a cell what is not in order that it rests on.

    Cells are those of the file as it was last saved.
    """

    def __init__(self, notebook: Path) -> None:
        self._notebook = notebook
        self._ran: dict[str, tuple[int, float, str]] = {}  # cell: which run of the kernel's, when, what it said
        self._n = 0

    @classmethod
    def watching(cls, shell: Any, notebook: Path) -> None:
        """Begin to watch, once in a kernel; what has run before is known by its source."""
        if hasattr(shell, _WATCH):
            return
        order = cls(notebook)
        setattr(shell, _WATCH, order)
        ran = {source: n for n, source in enumerate(shell.user_ns.get("In", []))}
        for cell, source in order.cells():
            if source in ran:
                order.runs(cell, source, ran[source])
        shell.events.register("pre_run_cell", order.before)

    def cells(self) -> list[tuple[str, str]]:
        """Id and source of each cell of code of the saved file, from above; none if it does not read."""
        try:
            cells = json.loads(self._notebook.read_text(encoding="utf-8"))["cells"]
        except (OSError, ValueError, KeyError):
            return []
        code = [(cell.get("id", ""), "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
        return [(cell, source) for cell, source in code if source.strip()]

    def runs(self, cell: str, source: str, n: int = 0) -> None:
        """A cell runs, as the next of the kernel's, or as its ``n``-th."""
        n = n or self._n + 1
        self._n = max(self._n, n)
        self._ran[cell] = (n, time.time(), source)

    def faults(self, cell: str) -> list[str]:
        """What is not in order above a cell, as sentences; nothing of a cell that the file does not know."""
        cells = self.cells()
        names = [name for name, _ in cells]
        if cell not in names:
            return []
        above = cells[: names.index(cell)]
        ran = [(*self._ran[name], source) for name, source in above if name in self._ran]
        saved, found = self._notebook.stat().st_mtime, []
        if skipped := len(above) - len(ran):
            found.append(f"{_cells(skipped)} not run since the kernel was started.")
        if edited := sum(was != source and saved > at for _, at, was, source in ran):
            found.append(f"{_cells(edited)} edited after being run.")
        order = [n for n, *_ in ran]
        if order != sorted(order):
            found.append("A cell above was run after one below it, which still holds what it made before.")
        return found

    def before(self, info: Any) -> None:
        """Told by IPython that a cell is about to run."""
        cell = getattr(info, "cell_id", None)
        if not cell or info.silent:
            return
        found = self.faults(cell)
        self.runs(cell, info.raw_cell)
        if found:
            todo = "Restart the kernel and run all cells before you trust what follows."
            _show(["<strong>Out of order</strong>: " + " ".join(found), todo])


def _cells(n: int) -> str:
    return "1 cell above was" if n == 1 else f"{n} cells above were"

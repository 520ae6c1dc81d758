"""The documentation as a site that needs no network: pages, reference, screenshots, and a pack to click through.

Reads the newest archived pack of the sample company, and its frames. ``tests/test_site.py`` (``make docs``) makes both,
and the screenshots, first.
"""

import ast
import inspect
import json
import re
import shutil
import tempfile
from importlib import import_module
from pathlib import Path

import nbformat

from toolkit import frames

ROOT = Path(__file__).parents[2]
COMPANY, PERIOD = "sample", "2026Q3"
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *(ROOT / name for name in ("SECURITY.md", "CHANGELOG.md"))]
GROUPS = {
    "Customers and what they say": ["segments", "lifestyles", "lifetime", "satisfaction", "drivers"],
    "Cost, profit and service": ["cost", "profit", "service"],
    "Solutions and disciplines": ["agreements", "location", "disciplines"],
    "Strategy": ["strategy", "replay", "levers", "stock", "demand"],
    "Governance": ["governance", "control"],
    "Statistics that all share": ["stats"],
    "A company, its tables, its errors": ["company", "contract", "errors", "language"],
    "What a page shows": ["present", "present_profile", "present_cost", "present_solutions", "present_disciplines",
                          "present_strategy", "present_governance"],
}  # fmt: skip
SECTION = re.compile(r"^## (\d+\.\d+) ", re.MULTILINE)


def public(module: str) -> list[str]:
    """Functions and classes of a module that are for everybody, in its order."""
    tree = ast.parse((ROOT / "toolkit" / f"{module}.py").read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]


def calls() -> dict[str, list[tuple[str, str, str]]]:
    """Where notebooks call ``module.name``: report, section and the cell."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        section = ""
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                section = (SECTION.findall(cell.source) or [section])[-1]
            elif section:
                for node in ast.walk(ast.parse(cell.source)):
                    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                        found.setdefault(f"{node.value.id}.{node.attr}", []).append((path.stem, section, cell.source))
    return found


def linked(text: str) -> str:
    """Names of pages and sections of METHODS as links."""
    text = re.sub(r"`(?:docs/)?(\w+\.md)`(?: sections? (\d[\w.]*\d|\d))?", _page, text)
    return re.sub(r"(?<![\w`/(\[])docs/METHODS\.md sections? (\d+(?:\.\d+)?)", r"[METHODS \1](#methods-\1)", text)


def _page(told: re.Match) -> str:
    if told[1] not in {path.name for path in PAGES}:
        return told[0]
    section = f" section {told[2]}" if told[2] else ""
    return f"[{told[1]}{section}]({'#methods-' + told[2] if told[2] and told[1] == 'METHODS.md' else told[1]})"


def _with_targets(text: str) -> str:
    return re.sub(r"(?m)^(#{2,3}) (\d+(?:\.\d+)?) ", r"(methods-\2)=\n\1 \2 ", text)


def assemble(source: Path, home: Path, screens: Path) -> None:
    """All pages that Sphinx reads, in ``source``."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        text = _with_targets(text) if path.name == "METHODS.md" else text
        (source / path.name).write_text(linked(text).replace("```cron", "```text"), encoding="utf-8")
    here = Path(__file__).parent
    shutil.copy(here / "conf.py", source)
    (source / "_static").mkdir()
    shutil.copy(here / "site.css", source / "_static")
    shots = sorted(screens.glob("*.png"))
    for shot in shots:
        shutil.copy(shot, source / "_static")
    index = (here / "index.md").read_text(encoding="utf-8")
    (source / "index.md").write_text(index.replace("<!-- gallery -->", _gallery(shots)), encoding="utf-8")
    (source / "reference").mkdir()
    (source / "reference" / "frames.md").write_text(_frames(home), encoding="utf-8")
    names = [name for group in GROUPS.values() for name in group]
    for name in names:
        (source / "reference" / f"{name}.md").write_text(_module(name), encoding="utf-8")
    (source / "reference" / "index.md").write_text(_index(), encoding="utf-8")


def _gallery(shots: list[Path]) -> str:
    items = []
    for shot in shots:
        title = shot.stem[0].upper() + shot.stem[1:].replace("_", " ")
        page = f"pack/r1/{shot.stem}.html" if (ROOT / "notebooks" / f"{shot.stem}.ipynb").exists() else ""
        image = f'<img src="_static/{shot.name}" alt="First screen: {title}" loading="lazy">'
        words = f'<a href="{page}">{title}</a>' if page else title
        items.append(f"<li>{image}<p>{words}</p></li>")
    return f'<ul class="gallery">\n{"".join(items)}\n</ul>'


def _frames(home: Path) -> str:
    """The page of frames: what a row is, columns, and the first rows of the sample company."""
    text = ["# Frames\n", "What a notebook asks for by `frame(\"orders\")`: made in the warehouse, read as a DataFrame."
            f" The rows are the first of the sample company's {PERIOD}.\n"]  # fmt: skip
    reports = json.loads((revision(home) / "manifest.json").read_text(encoding="utf-8"))["reports"]
    for name in frames_of():
        readers = [report for report, made in reports.items() if name in made["frames"]]
        digest = reports[readers[0]]["frames"][name]
        rows = frames.read(home / "data" / COMPANY / "frames" / f"{digest}.parquet")
        told = linked(inspect.cleandoc(inspect.getdoc(getattr(frames.Known, name)) or ""))
        head = rows.head(3).to_html(index=False, border=0, na_rep="", max_cols=None)
        by = ", ".join(report.replace("_", " ") for report in readers)
        text.append(f"(frame-{name})=\n## {name}\n\n{told}\n\nRead by {by}. {len(rows):,} rows.\n")
        text.append(f'<div class="frame-head" tabindex="0" role="region" aria-label="{name}">{head}</div>\n')
    return "\n".join(text)


def frames_of() -> list[str]:
    """Names of all frames that a notebook may ask for, in the order of their definition."""
    methods = [name for name, what in vars(frames.Known).items() if inspect.isfunction(what)]
    return [name for name in methods if not name.startswith("_") and name != "table"]


def revision(home: Path) -> Path:
    """The newest of the sample company's period."""
    found = (home / "reports" / COMPANY / PERIOD).glob("r*/manifest.json")
    return max(found, key=lambda path: int(path.parent.name[1:])).parent


def _module(name: str) -> str:
    about = inspect.getdoc(import_module(f"toolkit.{name}")) or ""
    return f"# {name}\n\n{linked(about)}\n\n```{{eval-rst}}\n.. automodule:: toolkit.{name}\n   :members:\n```\n"


def _index() -> str:
    text = [
        "# Functions\n",
        "Each takes DataFrames and gives a DataFrame, or what a page shows of it. The tests run every example.\n",
    ]
    for group, names in GROUPS.items():
        text.append(f"## {group}\n")
        for name in names:
            about = (inspect.getdoc(import_module(f"toolkit.{name}")) or "").splitlines()[0]
            text.append(f"- [{name}]({name}.md): {about}")
        text.append("\n```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```\n")
    return "\n".join(text)


def _in_reports(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Under each docstring: the cells that call it, and where their output stands."""
    lines[:] = [
        re.sub(r"docs/METHODS\.md sections? (\d+(?:\.\d+)?)", r":ref:`METHODS \1 <methods-\1>`", line) for line in lines
    ]
    if what == "module":
        lines.clear()  # it stands above
    used = CALLS.get(name.removeprefix("toolkit."), [])
    if not used:
        return
    places = ", ".join(
        f'<a href="../pack/r1/{report}.html#s{section}">{report.replace("_", " ")} {section}</a>'
        for report, section in dict.fromkeys((report, section) for report, section, _ in used)
    )
    cell = ["   " + line for line in used[0][2].splitlines()]
    lines += [
        "",
        ".. raw:: html",
        "",
        f"   <p>In the reports: {places}</p>",
        "",
        ".. code-block:: python",
        "",
        *cell,
        "",
    ]


CALLS = calls()


def build(out: Path, *, home: Path, screens: Path) -> None:
    """Write the site to ``out``; whatever Sphinx would warn of is an error."""
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        assemble(source, home, screens)
        app = Sphinx(source, source, out, source / ".doctrees", "html", warningiserror=True, status=None, freshenv=True)
        app.connect("autodoc-process-docstring", _in_reports)
        app.build()
        if app.statuscode:
            raise SphinxError("the site is not whole")
    for page in out.rglob("*.html"):  # a heading has a level for who listens, a box that scrolls is reached by keyboard
        text = page.read_text(encoding="utf-8").replace("<pre>", '<pre tabindex="0">')
        page.write_text(text.replace('role="heading"', 'role="heading" aria-level="2"'), encoding="utf-8")
    shutil.rmtree(out / "pack", ignore_errors=True)
    shutil.copytree(revision(home), out / "pack" / "r1", ignore=shutil.ignore_patterns("*.parquet", "run.json"))

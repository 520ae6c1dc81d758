"""Does the project keep its own rules: imports, notebooks, environment, documents?"""

import ast
import io
import json
import re
import subprocess
import sys
import tokenize
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from toolkit import contract, lab

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"duckdb": "python-duckdb", "ibis-framework": "ibis-duckdb"}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LAYERS = {
    "errors": set(),
    "language": {"errors"},
    "contract": {"errors"},
    "company": {"errors", "contract"},
    "warehouse": {"errors", "contract", "company"},
    "source": {"errors", "contract", "company", "warehouse"},
    "stats": {"errors"},
    "rules": {"company", "errors"},
    "frames": {"errors", "contract", "company", "warehouse", "source", "stats", "rules"},
    "cost": {"errors", "stats"},
    "profit": {"stats", "cost"},
    "levers": {"stats", "cost"},
    "drivers": {"errors"},
    "satisfaction": {"errors", "stats", "drivers"},
    "segments": {"errors", "stats", "demand"},
    "lifestyles": {"errors", "stats"},
    "lifetime": {"errors", "stats"},
    "demand": {"errors", "stats"},
    "service": {"errors", "stats"},
    "control": {"errors"},
    "stock": {"errors"},
    "replay": {"errors", "drivers", "stock"},
    "location": {"errors"},
    "disciplines": {"stats", "service"},
    "agreements": {"stats", "drivers", "location"},
    "governance": {"stats", "control", "satisfaction"},
    "strategy": {"errors", "stats", "replay", "stock"},
    "present": {"errors", "language"},
    "present_cost": {"present", "language"},
    "present_profile": {"present", "language"},
    "present_disciplines": {"present", "language"},
    "present_governance": {"present", "language"},
    "present_solutions": {"present", "language"},
    "present_strategy": {"present", "language"},
    "skeleton": {"contract", "errors", "source"},
    "lab": {"company", "errors", "frames", "reporting"},
    "cli": None,
}


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def _toolkit_imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("toolkit"):
            parts = node.module.split(".")
            found |= {alias.name for alias in node.names} if len(parts) == 1 else {parts[1]}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("toolkit.")}
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "toolkit").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_imports_point_one_way(path):
    allowed = LAYERS[path.stem]
    assert allowed is None or _toolkit_imports(path) <= allowed


def test_reporting_imports_only_what_knows_no_table():
    for path in (ROOT / "toolkit" / "reporting").glob("*.py"):
        known = {"contract"} if path.stem == "release" else set()  # it must know which columns are personal
        known |= {"company", "errors", "language", "present", "reporting", "stats"}
        assert _toolkit_imports(path) <= known, path


def _lines_of_code(text: str) -> int:
    """Lines that hold more than a comment, outside docstrings."""
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type not in silent]
    lines = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node):
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def test_lines_of_code_are_counted():
    assert _lines_of_code('"""Doc."""\n\n# why\ndef f():\n    """Say.\n\n    More."""\n    return """a\n\nb"""\n') == 4


def test_package_stays_small():
    modules = list((ROOT / "toolkit").rglob("*.py"))
    assert sum(_lines_of_code(path.read_text()) for path in modules) <= 18_450  # docs/DECISIONS.md: what counts, why
    assert len([path for path in modules if path.stem != "__init__"]) <= 51
    assert len(PROJECT["dependencies"]) <= 15


def _requirements(lines: list[str]) -> dict[str, str]:
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(need.name): str(need.specifier) for need in found}


def test_environment_yml_lists_the_same_dependencies():
    extras = PROJECT["optional-dependencies"]
    wanted = _requirements(PROJECT["dependencies"] + extras["build"] + extras["test"] + extras["lab"])
    wanted = {CONDA_NAMES.get(name, name): specifier for name, specifier in wanted.items()}
    listed = YAML(typ="safe").load(ROOT / "environment.yml")["dependencies"]
    conda = {re.split(r"[<>=!]", line)[0]: line for line in listed}
    assert conda.pop("python") == f"python{PROJECT['requires-python']}"
    found = {name: str(Requirement(line).specifier) for name, line in conda.items()}
    assert {canonicalize_name(name): s for name, s in found.items()} == wanted


def test_lock_holds_every_dependency_with_hashes_and_no_address():
    text = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"\n(?=\S)", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    locked: dict[str, list[str]] = {}
    for block in filter(None, (block.strip() for block in blocks)):
        need = Requirement(block.split("\\")[0].strip())
        assert "--hash=sha256:" in block, need.name
        locked.setdefault(canonicalize_name(need.name), []).append(str(need.specifier).removeprefix("=="))
    assert not re.search(r"https?:|://", text)
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    for line in PROJECT["dependencies"] + extras:
        need = Requirement(line)
        versions = locked[canonicalize_name(need.name)]
        assert all(need.specifier.contains(version) for version in versions), line


def test_no_tracked_file_names_a_registry_or_a_machine():
    hosts = "|".join(["py" + r"pi\.org", "python" + r"hosted\.org", r"registry\.npm" + "js", "conda" + r"\.anaconda"])
    places = "|".join(["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/[a-z]"])
    for path in _tracked():
        text = path.read_bytes().decode("utf-8", errors="replace")
        assert not re.search(hosts, text), path
        assert not re.search(places, text), path


def test_data_page_is_what_the_contract_says():
    stale = "run: python -m toolkit.contract > docs/DATA.md"
    assert (ROOT / "docs" / "DATA.md").read_text() == contract.document(), stale


@pytest.mark.parametrize("table", contract.TABLES.values(), ids=lambda table: table.name)
def test_contract_is_sound(table):
    names = table.names
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    for column in table.columns:
        assert column.type in contract.TYPES
        if column.references:
            parent, key = column.references.split(".")
            assert key in contract.TABLES[parent].names
        assert not column.known_with or contract.TABLES[table.name].column(column.known_with).type == "timestamp"
        assert column.unit or column.type not in ("money",)
    for order in table.time_orders:
        assert not order.empties or not table.column(order.empties).required


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return json.loads(request.param.read_text())


def _source(cell) -> str:
    return "".join(cell["source"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_as_check_asks_of_everybodys(path):
    assert lab.linted(path) == []


def test_notebook_is_short(notebook):
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    lengths = [len([line for line in _source(cell).splitlines() if line.strip()]) for cell in code]
    assert max(lengths) <= 15
    assert sum(lengths) <= 120
    assert 15 <= len(notebook["cells"]) <= 51


def test_notebook_code_is_plain(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            kinds = {type(node) for node in ast.walk(ast.parse(_source(cell)))}
            assert not kinds & {ast.FunctionDef, ast.ClassDef, ast.Try, ast.Lambda}
            assert not re.search(r"https?://|\.parquet|\.csv", _source(cell))


def test_every_params_name_is_known_to_a_notebook_or_the_company():
    from toolkit import company
    from toolkit.reporting import parameters

    for path in sorted((ROOT / "params").glob("*/base.yaml")):
        found = company.load(path.parent.name, ROOT)
        for period in sorted(p.stem for p in path.parent.glob("[0-9]*.yaml")):
            found.period(period)
            values = parameters.resolved(found, period, NOTEBOOKS)
            assert set(values) == {notebook.stem for notebook in NOTEBOOKS}


@pytest.mark.parametrize(
    ("code", "not_paid_for"),
    [
        ("import toolkit", {"pandas", "numpy"}),
        ("from toolkit import cli\ncli._parser()", {"pandas", "numpy", "ibis", "nbformat"}),
        (
            "from toolkit.reporting import page, runner\nfrom toolkit import frames",
            {"seaborn", "matplotlib", "scipy", "sklearn", "duckdb"},
        ),
        ("import toolkit.reporting\nimport nbformat", {"lark"}),
    ],
)
def test_nothing_is_imported_before_it_is_needed(code, not_paid_for):
    """What a run pays for is what it does; ``lark`` is the grammar that JupyterLab's dependencies build."""
    told = subprocess.run([sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], cwd=ROOT,
                          capture_output=True, text=True, check=True).stdout.split()  # fmt: skip
    assert not_paid_for & set(told) == set()


@pytest.mark.parametrize("path", sorted((ROOT / "toolkit").rglob("*.py")), ids=lambda path: path.stem)
def test_no_column_of_all_rows_is_assigned_to_some(path):
    """``rows[few].assign(x=rows["y"])``: where ``few`` are none, pandas makes as many rows as ``rows`` has."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "assign":
            some = node.func.value
            if isinstance(some, ast.Subscript) and isinstance(
                some.slice, ast.Compare | ast.BinOp | ast.UnaryOp | ast.Name
            ):
                of_all = {ast.unparse(some.value), *re.findall(r"^\w+", ast.unparse(some.value))}
                given = [word.value for word in node.keywords if word.arg]
                told = {name.id for value in given for name in ast.walk(value) if isinstance(name, ast.Name)}
                assert ast.unparse(some.slice) in ("keys", "by") or not of_all & told, (path, node.lineno)


_RUNS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "pd.read_pickle", "runpy.run_path"}
_UNSAFE = {"pickle", "cPickle", "dill", "marshal", "shelve", "cloudpickle", "joblib", "yaml", "xml"}


@pytest.mark.parametrize("path", sorted((ROOT / "toolkit").rglob("*.py")), ids=lambda path: path.stem)
def test_no_code_comes_from_data(path):
    """Nothing unpickled, evaluated, handed to a shell or imported by a name that data could give."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not {name.partition(".")[0] for name in names} & _UNSAFE, (path, node.lineno)
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in _RUNS, (path, node.lineno)
            given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
            assert not given.get("shell"), (path, node.lineno)
            assert not given.get("allow_pickle"), (path, node.lineno)
            assert given.get("typ") not in ("unsafe", "base"), (path, node.lineno)


def test_every_figure_takes_axes_and_gives_them_back():
    drawn = 0
    for path in sorted((ROOT / "toolkit").glob("present*.py")):
        for node in ast.parse(path.read_text()).body:
            calls = [call for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)]
            drawing = [call for call in calls if call.func.id in ("dots", "figure")]
            if isinstance(node, ast.FunctionDef) and drawing:
                drawn += 1
                own = {each.arg for each in node.args.kwonlyargs} & {"ax", "axes"}
                passed = [key.value.id for call in drawing for key in call.keywords if key.arg == "ax"]
                assert passed == [*own] * len(drawing), f"{path.stem}.{node.name}"
    assert drawn > 15

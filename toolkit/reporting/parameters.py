"""Which value does each parameter of a notebook have, and where does it come from?"""

import ast
import io
import itertools
import json
import math
import re
import tokenize
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ConfigDict, ValidationError, create_model
from ruamel.yaml.error import YAMLError

from toolkit.company import Company, is_name, line_of, plain, read_yaml, yaml_1_2
from toolkit.errors import ParamsError, nearest, several

RESERVED = ("company", "period")
_LONGEST = 60  # bytes of a slice in the name of a file
SLICES = "slices"  # in a params file: parameters by name, each with the values that a report is made for
_SECRET = re.compile(r"(^|_)(password|token|secret|credential)s?(_|$)")
_TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict, "date": date}
_MODULES = {"Literal": "typing", "date": "datetime"}


@dataclass(frozen=True)
class Parameter:
    """A parameter as the notebook declares it: name, type, default, and its comment as help."""

    name: str
    type: Any
    annotation: str
    default: Any
    help: str


@dataclass(frozen=True)
class Value:
    """A parameter's value, where it was set, and whether it is one of those that its notebook is made for."""

    value: Any
    origin: str
    slice: bool = False


def notebook_of(report: str) -> str:
    """Name of the notebook that a report is made of: what stands before the dot, if it is one of a slice.

    >>> notebook_of("cost_to_serve.north"), notebook_of("cost_to_serve")
    ('cost_to_serve', 'cost_to_serve')
    """
    return report.split(".")[0]


def declared(notebook: Path) -> dict[str, Parameter]:
    """Parameters of a notebook, read from its one cell tagged ``parameters``, nothing executed.

    Raises
    ------
    ParamsError
        If there is not exactly one such cell, a line of it is not ``name: type = literal  # help``,
        or a cell is not Python.
    """
    faults: list[str] = []
    found = _declared(notebook, faults)
    if faults:
        raise ParamsError(several(faults))
    return found


def _declared(notebook: Path, faults: list[str]) -> dict[str, Parameter]:
    cells = _cells(notebook, faults)
    if not is_name(notebook.stem):
        faults.append(
            f"{notebook}: expected a name of small letters, digits and underscores, which names its report; what "
            "follows a dot names a slice. Rename it."
        )
    tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        faults += [f"{notebook}: expected one cell tagged 'parameters', found {len(tagged)}."] if cells else []
        return {}
    return _of_cell("".join(tagged[0]["source"]), notebook, faults)


def of_cell(source: str, place: Path | str, values: Mapping[str, Any]) -> dict[str, Parameter]:
    """Parameters that a cell declares, which somebody has run, checked with the ``values`` that they have now.

    Raises
    ------
    ParamsError
        As ``declared`` does, with the same messages, and if a value is not of its declared type.
    """
    faults: list[str] = []
    found = _of_cell(source, place, faults)
    for name, parameter in found.items():
        if name in values and not faults:
            _checked(parameter, values[name], f"{place}, parameters", faults, origin="notebook")
    if faults:
        raise ParamsError(several(dict.fromkeys(faults)))
    return found


def _of_cell(source: str, notebook: Path | str, faults: list[str]) -> dict[str, Parameter]:
    helps = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found, imported = {}, set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and all(_MODULES.get(alias.name) == node.module for alias in node.names):
            imported |= {alias.name for alias in node.names}
            continue
        where = f"{notebook}, parameters cell, line {node.lineno}"
        if not isinstance(node, ast.AnnAssign) or node.value is None or not isinstance(node.target, ast.Name):
            faults.append(f"{where}: expected 'name: type = literal  # what it does', found {ast.unparse(node)!r}.")
            continue
        name, annotation = node.target.id, ast.unparse(node.annotation)
        try:
            kind = _type(node.annotation)
            default = ast.literal_eval(node.value)
        except (KeyError, ValueError):
            known = ", ".join(sorted([*_TYPES, "Literal"]))
            faults.append(f"{where}: {name!r}: expected a type made of {known}, and a literal value.")
            continue
        used = {part.id for part in ast.walk(node.annotation) if isinstance(part, ast.Name)} & _MODULES.keys()
        faults += [
            f"{where}: {name!r} needs 'from {_MODULES[kind_name]} import {kind_name}' above it in this cell."
            for kind_name in sorted(used - imported)
        ]
        if _SECRET.search(name.lower()):
            faults.append(f"{where}: {name!r} is named like a secret. Secrets come by environment, never by parameter.")
        if not helps.get(node.end_lineno):
            faults.append(f"{where}: {name!r} has no comment that says what it does.")
        parameter = Parameter(name, kind, annotation, default, helps.get(node.end_lineno, ""))
        default = _checked(parameter, default, where, faults, origin="notebook").value
        found[name] = replace(parameter, default=default)
    faults += [f"{notebook}: the parameters cell does not declare {name!r}." for name in RESERVED if name not in found]
    return found


def _cells(notebook: Path, faults: list[str]) -> list[dict]:
    """Cells of a notebook whose code is Python; none if it is not."""
    before = len(faults)
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError):
        cells = []
    if not cells:
        faults.append(f"{notebook}: expected a notebook with cells, found a file that does not read as one.")
    for number, cell in enumerate(cells, 1):
        if cell["cell_type"] == "code":
            try:
                ast.parse("".join(cell["source"]))
            except SyntaxError as error:
                faults.append(f"{notebook}, cell {number}, line {error.lineno}: expected Python, found: {error.msg}.")
    return cells if len(faults) == before else []


def _type(node: ast.expr) -> Any:
    """The type an annotation names, such as ``int``, ``list[str]`` or ``Literal["a", "b"]``."""
    if isinstance(node, ast.Name):
        return _TYPES[node.id]
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
        raise ValueError
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if node.value.id == "Literal":
        return Literal[tuple(ast.literal_eval(item) for item in inner)]
    kinds = tuple(_type(item) for item in inner)
    return {"list": list, "dict": dict}[node.value.id][kinds if len(kinds) > 1 else kinds[0]]


def resolved(
    company: Company, period: str, notebooks: Sequence[Path], sets: Sequence[str] = ()
) -> dict[str, dict[str, Value]]:
    """Every parameter of every notebook for a company and period, checked; all faults at once.

    A value comes from the notebook's default, then ``base.yaml`` (``all:``, then the
    notebook's block), then ``<period>.yaml`` (the same), then ``--set name=value``: the last
    one holds. Under ``slices:`` in a block, a parameter has a list of values: each is a report of its own, named
    ``notebook.value``, and ``--set`` picks one of them.

    Raises
    ------
    ParamsError
        If a name is unknown or a value is not of its declared type, with file, line and the
        nearest name.
    """
    declarations, layers, faults = {}, [], []
    for notebook in notebooks:
        declarations[notebook.stem] = _declared(notebook, faults)
    if faults:
        raise ParamsError(several(faults))
    paths = [company.params / "base.yaml"]
    if (company.params / f"{period}.yaml").exists():
        paths.append(company.params / f"{period}.yaml")
    for path in paths:
        document = read_yaml(path)
        for block, content in document.items():
            if block == "company" and path.name == "base.yaml":
                continue
            if block != "all" and block not in _known_blocks(company, declarations):
                known = sorted({"all", *_known_blocks(company, declarations)})
                faults.append(
                    f"{path}, line {line_of(document, block)}: unknown block {block!r}; expected: "
                    f"{', '.join(known)}.{nearest(str(block), known)}"
                )
            elif isinstance(content, dict):
                layers.append((block, content, path))
            elif content is not None:
                faults.append(
                    f"{path}, line {line_of(document, block)}: block {block!r}: expected names with values, "
                    f"found {type(plain(content)).__name__}."
                )
    values = {
        report: {name: Value(parameter.default, "notebook") for name, parameter in parameters.items()}
        for report, parameters in declarations.items()
    }
    slices: dict[str, dict[str, list[Value]]] = {report: {} for report in declarations}
    for block, content, path in layers:
        targets = declarations if block == "all" else {block: declarations[block]} if block in declarations else {}
        for name, value in content.items():
            line = line_of(content, name)
            where, origin = f"{path}, line {line}", f"{path.relative_to(company.home)}, line {line}"
            takers = [report for report, parameters in targets.items() if name in parameters]
            if name == SLICES:
                for report in targets:
                    own = (declarations[report], block != "all")
                    slices[report] |= _sliced(value, *own, path, origin.rpartition(",")[0], faults)
                continue
            if name in RESERVED:
                faults.append(f"{where}: {name!r} is set by the run and cannot stand in a params file.")
            elif targets and not takers and not (block == "all" and name in _of_others(company, declarations)):
                faults.append(_unknown(where, str(name), targets))
            for report in takers if name not in RESERVED else ():
                values[report][name] = _checked(declarations[report][name], plain(value), where, faults, origin=origin)
    for text in sets:
        name, sign, raw = text.partition("=")
        where = f"--set {text}"
        takers = [report for report, parameters in declarations.items() if name in parameters]
        if not sign or name in RESERVED:
            faults.append(f"{where}: expected name=value with the name of a parameter.")
        elif not takers:
            faults.append(_unknown(where, name, declarations))
        for report in takers if sign and name not in RESERVED else ():
            parameter = declarations[report][name]
            found = _checked(parameter, _parsed(parameter, raw), where, faults, origin="--set")
            if name in slices[report]:
                there = [one for one in slices[report][name] if one.value == found.value]
                told = ", ".join(repr(one.value) for one in slices[report][name])
                faults += [] if there else [f"{where}: {report} is made for {told} ({SLICES}). Name one of these."]
                slices[report][name] = there
            else:
                values[report][name] = found
    if faults:
        raise ParamsError(several(dict.fromkeys(faults)))
    for report in values:
        values[report] |= {"company": Value(company.name, "run"), "period": Value(period, "run")}
    return {name: one for report in values for name, one in _each(report, values[report], slices[report])}


def _sliced(
    told: Any, parameters: Mapping[str, Parameter], own: bool, path: Path, origin: str, faults: list[str]
) -> dict[str, list[Value]]:
    """Values of the parameters that a block slices its notebooks by; of ``all:``, those that the notebook declares."""
    found: dict[str, list[Value]] = {}
    if not isinstance(told, dict):
        faults.append(f"{path}: {SLICES}: expected names with lists of values, found {type(plain(told)).__name__}.")
        return {}
    for name, values in told.items():
        where = f"{path}, line {line_of(told, name)}: {SLICES}"
        if name in RESERVED or (own and name not in parameters):
            known = sorted(set(parameters) - set(RESERVED))
            faults.append(f"{where}: {name!r} is no parameter to slice by; there are: {', '.join(known)}.")
        elif not isinstance(values, list) or not values:
            found_one = "an empty one" if isinstance(values, list) else type(plain(values)).__name__
            faults.append(f"{where}: {name!r}: expected a list of values, found {found_one}.")
        elif name in parameters:
            place = f"{origin}, line {line_of(told, name)}"
            each = [_checked(parameters[name], plain(value), where, faults, origin=place) for value in values]
            found[name] = [replace(value, slice=True) for value in each]
            _named_apart(found[name], f"{where}: {name!r}", faults)
    return found


def _named_apart(values: Sequence[Value], where: str, faults: list[str]) -> None:
    named: dict[str, Any] = {}
    for value in values:
        name = _in_name(value.value)
        if not name or name in named or len(name.encode()) > _LONGEST:
            like = f"as {named[name]!r}" if name in named else "at too great a length" if name else "as nothing"
            faults.append(f"{where}: {value.value!r} would be named {like} in the name of a file. Name it otherwise.")
        named[name] = value.value


def _in_name(value: Any) -> str:
    """A value as part of a file's name: letters, digits and hyphens.

    >>> _in_name("North & West, Zürich")
    'north-west-zürich'
    """
    return re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", str(value)).casefold()).strip("-")


def _each(
    report: str, values: dict[str, Value], slices: Mapping[str, Sequence[Value]]
) -> Iterator[tuple[str, dict[str, Value]]]:
    """A report for each combination of the values that its notebook is sliced by; one, of its own name, without any."""
    for each in itertools.product(*slices.values()):
        name = ".".join([report, *(_in_name(value.value) for value in each)])
        yield name, values | dict(zip(slices, each, strict=True))


def _known_blocks(company: Company, declarations: Mapping[str, Any]) -> set[str]:
    return {path.stem for path in (company.home / "notebooks").glob("*.ipynb")} | set(declarations)


def _of_others(company: Company, declarations: Mapping[str, Any]) -> set[str]:
    """Names that notebooks declare which are not run this time."""
    paths = [path for path in (company.home / "notebooks").glob("*.ipynb") if path.stem not in declarations]
    return {name for path in paths for name in declared(path)}


def _unknown(where: str, name: str, declarations: Mapping[str, Mapping[str, Parameter]]) -> str:
    known = sorted({n for parameters in declarations.values() for n in parameters if n not in RESERVED})
    takers = ", ".join(f"notebooks/{report}.ipynb" for report in sorted(declarations))
    accept = "accepts" if len(declarations) == 1 else "accept"
    return f"{where}: unknown parameter {name!r}; {takers} {accept}: {', '.join(known)}.{nearest(name, known)}"


def _parsed(parameter: Parameter, raw: str) -> Any:
    """Text of the command line as the declared type reads it; a text stays what it is."""
    if parameter.type is str or raw in get_args(parameter.type):  # of a Literal
        return raw
    try:
        return yaml_1_2("safe").load(raw)
    except YAMLError:
        return raw


def _checked(parameter: Parameter, value: Any, where: str, faults: list[str], *, origin: str) -> Value:
    if parameter.type is date and isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        with suppress(ValueError):
            value = date.fromisoformat(value)
    model = create_model("Parameter", __config__=ConfigDict(strict=True), value=(parameter.type, ...))
    try:
        model(value=value)
    except ValidationError as error:
        fault = error.errors()[0]
        expected = fault["ctx"]["expected"] if fault["type"] == "literal_error" else parameter.annotation
        found = f"{type(value).__name__} {value!r}"
        hint = " Put a text in quotes." if expected == "str" and isinstance(value, int | float | date) else ""
        faults.append(f"{where}: {parameter.name!r} must be {expected}, found {found}.{hint}")
    else:
        odd = [number for number in _numbers(value) if not math.isfinite(number)]
        if odd:
            faults.append(f"{where}: {parameter.name!r} must be finite, found {odd[0]}.")
    return Value(value, origin)


def _numbers(value: Any) -> list[float]:
    """Every float in a value, however deep."""
    if isinstance(value, dict | list):
        return [number for item in (value.values() if isinstance(value, dict) else value) for number in _numbers(item)]
    return [value] if isinstance(value, float) else []

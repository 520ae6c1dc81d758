"""Is what the how-to pages say about commands, exit codes and schedules what the program does?"""

import argparse
import inspect
import re
import shutil
import subprocess
import sys
from importlib import import_module
from urllib.parse import urlsplit

import pytest

from conftest import ROOT
from toolkit import cli, company, warehouse
from toolkit.company import yaml_1_2
from toolkit.errors import DataError, ParamsError, ReportError, ToolkitError

sys.path.insert(0, str(ROOT / "docs" / "site"))
import build  # noqa: E402 it stands where the site does

SHOWN = "What a page shows"
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "SECURITY.md"])
SCHEDULING = (ROOT / "docs" / "SCHEDULING.md").read_text(encoding="utf-8")


def _block(kind, text=SCHEDULING):
    return re.findall(rf"(?ms)^```{kind}\n(.+?)^```$", text)


def _verbs(parser, before=()):
    """Each verb's words, with its parser."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for name, each in inner[0].choices.items() if inner else ():
        yield from _verbs(each, (*before, name))
    if not inner:
        yield before, parser


VERBS = dict(_verbs(cli._parser()))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_command_that_a_page_names_is_one_that_there_is(page):
    text = page.read_text(encoding="utf-8")
    told = re.findall(r"(?:^|`|bin/)toolkit ((?:[^`\n#|&>]|\\\n)+)", text, flags=re.MULTILINE)
    for words in (line.strip().split() for line in told):
        verb = next((verb for verb in (tuple(words[:2]), tuple(words[:1])) if verb in VERBS), None)
        known = verb or any(words[0] == verb[0] for verb in VERBS)
        assert known or words[0] in ("<verb>", "VERB") or words[0].startswith("-"), (page.name, words)
        options = {option for action in VERBS[verb]._actions for option in action.option_strings} if verb else set()
        for word in words:
            if verb and word.startswith("--") and word != "--" and verb != ("lab",):
                assert word.partition("=")[0].rstrip(".,;:)") in options, (page.name, words)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_file_that_a_page_names_is_there(page):
    for name in re.findall(
        r"`((?:docs|toolkit|tests|benchmarks|params/sample|notebooks)/[\w./-]+\.\w+)`", page.read_text()
    ):
        assert (ROOT / name).exists(), (page.name, name)


def test_exit_codes_are_those_of_the_errors():
    rows = dict(re.findall(r"(?m)^\| (\d+) \| ([^|]+) \|", SCHEDULING))
    kinds = {ToolkitError: "machine", ParamsError: "params", DataError: "data", ReportError: "report"}
    for kind, word in kinds.items():
        assert word in rows[str(kind.exit_code)], kind
    assert set(rows) == {"0", "130", *(str(kind.exit_code) for kind in kinds)}


def test_the_line_of_cron_begins_on_the_day_after_a_quarter_is_known(tmp_path):
    line = _block("cron")[0].splitlines()[-1]
    minute, hour, day, months, weekday, command = line.split(maxsplit=5)
    assert (minute, hour, weekday) == ("0", "6", "*")
    known = {company.Company("a", company.Settings(title="A", zone="UTC", currency="EUR"), tmp_path).period(f"2026Q{q}")
             for q in (1, 2, 3, 4)}  # fmt: skip
    assert {(one.as_of.month, one.as_of.day) for one in known} <= {(int(m), int(day)) for m in months.split(",")}
    # its command runs in a shell, with a toolkit that tells what it was asked
    (tmp_path / "tandem" / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "tandem" / "keys.env").write_text("export TOOLKIT_KEY_ACME=k\n")
    stub = tmp_path / "tandem" / ".venv" / "bin" / "toolkit"
    stub.write_text('#!/bin/sh\necho "$TOOLKIT_KEY_ACME $*"\n')
    stub.chmod(0o755)
    done = subprocess.run(["sh", "-c", command], env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=True)
    assert done.returncode == 0
    assert (tmp_path / "tandem" / "run.log").read_text() == "k run acme\n"


def test_the_units_of_systemd_read_and_fire_when_cron_would():
    service, timer = _block("ini")
    assert re.findall(r"(?m)^ExecStart=%h/tandem/.venv/bin/toolkit (.+)$", service) == [
        "ingest acme --from raw", "run acme"
    ]  # fmt: skip
    when = re.search(r"(?m)^OnCalendar=(.+)$", timer)[1]
    assert when == "*-01,04,07,10-22 06:00"
    if shutil.which("systemd-analyze"):
        assert subprocess.run(["systemd-analyze", "calendar", when], capture_output=True).returncode == 0


def test_the_workflow_of_ci_reads_and_runs_verbs_that_there_are():
    flow = yaml_1_2("safe").load(_block("yaml")[0])
    steps = flow["jobs"]["pack"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    assert runs == ["make .venv/run.done", ".venv/bin/toolkit ingest acme --from raw", ".venv/bin/toolkit run acme"]
    assert flow["on"]["schedule"] == [{"cron": "0 6 22 1,4,7,10 *"}]
    assert "TOOLKIT_KEY_ACME" in flow["jobs"]["pack"]["env"]


def test_the_page_of_verbs_is_what_help_says():
    stale = "run: python -c \"from toolkit import cli; print(cli.document(), end='')\" > docs/VERBS.md"
    assert (ROOT / "docs" / "VERBS.md").read_text(encoding="utf-8") == cli.document(), stale
    for words in VERBS:
        assert f"## `toolkit {' '.join(words)}`" in cli.document()


def test_help_of_every_verb_is_there():
    for words, parser in VERBS.items():
        assert parser.format_help(), words
        for action in parser._actions:
            assert action.help, (words, action.dest)
    shown = subprocess.run([sys.executable, "-m", "toolkit.cli", "--help"], capture_output=True, text=True, cwd=ROOT)
    assert {words[0] for words in VERBS} <= set(re.findall(r"(?m)^    (\w+)", shown.stdout))


def test_warehouses_of_the_page_of_scale_are_ones_that_can_be_asked():
    found = [yaml_1_2("safe").load(box)["company"] for box in _block("yaml", (ROOT / "docs" / "SCALE.md").read_text())]
    schemes = [
        company.Settings(title="A", zone="UTC", currency="EUR", **given).warehouse.split(":")[0] for given in found
    ]
    assert schemes == ["postgres", "pyspark"]
    assert set(schemes) <= set(warehouse._BACKENDS)
    assert [urlsplit(given["warehouse"]).password for given in found] == [None, None]


def test_what_readme_tells_to_make_can_be_made():
    told = re.findall(r"(?m)(?:^|`)make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    targets = re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert {"report", "test", "docs"} <= set(told) <= set(targets)


# -- docstrings ----------------------------------------------------------------------------------

ANALYSIS = [name for group, names in build.GROUPS.items() if group != SHOWN for name in names]
NO_METHOD = {"company", "contract", "errors", "language"}  # they calculate nothing
MACHINE = {"cli", "frames", "lab", "rules", "skeleton", "source", "warehouse"}  # behind verbs and frames: docs/VERBS.md


def _public(module):
    found = import_module(f"toolkit.{module}")
    return {name: getattr(found, name) for name in build.public(module)}


def _parameters(what):
    """Names of what a function is given."""
    found = inspect.signature(what).parameters.values()
    return [each.name for each in found if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]


def test_every_module_is_looked_up_or_stands_behind_a_verb():
    there = {path.stem for path in (ROOT / "toolkit").glob("*.py")} - {"__init__"}
    assert {*ANALYSIS, *build.GROUPS[SHOWN], *MACHINE} == there


@pytest.mark.parametrize("module", ANALYSIS)
def test_functions_tell_shapes_units_source_and_an_example(module):
    lacking = []
    for name, what in _public(module).items():
        told = inspect.getdoc(what) or ""
        parts = {"an example": ">>>" in told}
        if inspect.isfunction(what):
            parts |= {f"parameter {each}": re.search(rf"\b{each}\b", told) for each in _parameters(what)}
            frame = re.search("DataFrame|Series|dict|ndarray", str(inspect.signature(what).return_annotation))
            parts["what is returned"] = not frame or "Returns\n---" in told
            parts["a source"] = module in NO_METHOD or name == "slug" or "Notes\n---" in told
        lacking += [f"{module}.{name}: {part}" for part, there in parts.items() if not there]
    assert lacking == []


@pytest.mark.parametrize("module", build.GROUPS[SHOWN])
def test_pieces_of_pages_tell_what_they_are_given_and_have_an_example_or_a_cell(module):
    lacking = []
    for name, what in _public(module).items():
        told, cell = inspect.getdoc(what) or "", f"{module}.{name}" in build.CALLS
        parts = {"an example": ">>>" in told or cell}
        if inspect.isfunction(what):
            parts |= {f"parameter {each}": re.search(rf"\b{each}\b", told) for each in _parameters(what)}
            parts["a source"] = not cell or name == "theme" or "docs/METHODS.md section" in told
        lacking += [f"{module}.{name}: {part}" for part, there in parts.items() if not there]
    assert lacking == []


def test_sections_of_methods_that_docstrings_name_are_there():
    there = set(re.findall(r"(?m)^#{2,3} (\d+(?:\.\d+)?) ", (ROOT / "docs" / "METHODS.md").read_text(encoding="utf-8")))
    for module in ANALYSIS:
        for name, what in _public(module).items():
            told = re.findall(
                r"docs/METHODS\.md sections? ((?:\d+(?:\.\d+)?(?:, | and )?)+)", inspect.getdoc(what) or ""
            )
            named = set(re.findall(r"\d+(?:\.\d+)?", " ".join(told)))
            assert named <= there, (module, name, named - there)

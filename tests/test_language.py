"""Is everything that a reader sees in the catalogue of each language, and said in it?"""

import ast
import io
import json
import os
import re
import string
import threading
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from toolkit import language, present
from toolkit.errors import ParamsError

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SAYING = [*sorted((ROOT / "toolkit").glob("present*.py")), *sorted((ROOT / "toolkit" / "reporting").glob("*.py"))]
NOT_SAID = {"white", "left", "tandem", "path", "failures", "_high", "_low"}  # values of settings, not of heads
OTHERS = [name for name in language.languages() if name != "en"]


def _constants(node: ast.AST) -> list[str]:
    return [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def _said_by(path: Path) -> list[str]:
    """What a module says: first arguments of ``say``, heads of tables and columns."""
    found, kinds = [], {*present._KINDS, *present._KINDS.values()}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
            found += [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("listing", "_table"):
            found += [text for each in node.args if isinstance(each, ast.Tuple) for text in _constants(each)]
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_HEADS":
            values = node.value.values if isinstance(node.value, ast.Dict) else node.value.elts
            found += [each.value for each in values]
        if path.name.startswith(("present", "compare")) and isinstance(node, ast.Dict):
            texts = [each.value for each in node.values if isinstance(each, ast.Constant)]
            found += [text for text in texts if isinstance(text, str) and text not in kinds]
    return found


def _paragraphs() -> list[str]:
    found = []
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "markdown":
                for part in re.split(r"\n\s*\n", "".join(cell["source"]).strip()):
                    found.append(re.sub(r"^#+ (\d+\.\d+ )?", "", " ".join(part.split("\n"))))
    return found


def _ids() -> list[str]:
    """All that is said, in the order of its place, once each."""
    found = [text for path in SAYING for text in _said_by(path)]
    template = (ROOT / "toolkit" / "reporting" / "template" / "index.html.j2").read_text()
    found += re.findall(r'\bsay\("([^"]*)"', template)
    columns = sorted(present._KIND_OF.keys() - present._HEADS.keys())
    found += [column.replace("_", " ") for column in columns] + ["low", "high"]
    found = [text for text in found if text not in NOT_SAID]
    return [text for text in dict.fromkeys([*found, *_paragraphs()]) if re.search("[A-Za-z]{2}", text)]


_HEADER = """# In the order in which the toolkit says it; msgctxt "value": of tables, some with slots.
msgid ""
msgstr ""
"Language: {name}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""


def _catalogue(name: str) -> Catalog:
    path = language.CATALOGUES / f"{name}.po"
    with path.open("rb") as file:
        found = read_po(file, locale=name)
    if os.environ.get("CATALOGUE") == "write":  # adds what is new with nothing said, takes away what nobody says
        ids, whole = _ids(), Catalog(locale=name, project="tandem-toolkit", version="", fuzzy=False)
        for text in ids:
            whole.add(text, string=(found.get(text) or Catalog().add("x")).string or "")
        for each in found:
            if each.context:
                whole.add(each.id, string=each.string, context=each.context)
        text = io.BytesIO()
        write_po(text, whole, width=0, omit_header=True)
        path.write_text(_HEADER.format(name=name) + text.getvalue().decode())
        found = whole
    return found


@pytest.mark.parametrize("name", OTHERS)
def test_a_catalogue_says_all_that_is_said_and_no_more(name):
    found = {(each.context, each.id): each.string for each in _catalogue(name) if each.id}
    plain = {id_: said for (context, id_), said in found.items() if context is None}
    assert [text for text in _ids() if not plain.get(text)] == []
    assert sorted(plain.keys() - set(_ids())) == []
    assert [id_ for (_, id_), said in found.items() if not said] == []


def _slots(text: str) -> set[str]:
    return {slot for _, slot, _, _ in string.Formatter().parse(text) if slot}


@pytest.mark.parametrize("name", OTHERS)
def test_a_sentence_keeps_its_slots_in_every_language(name):
    assert [each.id for each in _catalogue(name) if each.id and _slots(each.id) != _slots(each.string)] == []


def test_a_language_is_for_a_while_and_for_one_thread():
    said = []
    with language.speaking("nl"):
        other = threading.Thread(target=lambda: said.append(language.say("Nobody answered in {period}.", period="x")))
        other.start()
        other.join()
        said.append(language.say("Nobody answered in {period}.", period="x"))
    said.append(language.spoken())
    assert said == ["Nobody answered in x.", "Niemand antwoordde in x.", "en"]


def test_words_numbers_and_days_of_tables_are_in_the_language_spoken():
    with language.speaking("nl"):
        shown = [present.formatted(value, kind) for value, kind in (
            (-123_456, "cents"), (0.1234, "share"), (1234.567, "rate"), ("2026-02", "month"), ("2026-03-01", "day"),
            ("click_and_collect", "text"), ("late", "name"), ("(other)", "name"), (None, "count"),
            ("budget (1.7 times); many lines (0.3 times)", "text"), ("item felt_personal", "text"), ("a_b", "text"),
        )]  # fmt: skip
    assert shown == [
        "-1.234,56", "12,3 %", "1.235", "feb 2026", "1 maart 2026", "bestellen en afhalen", "late", "(overig)", "–",
        "budget (1,7 maal); veel regels (0,3 maal)", "vraag persoonlijk", "a b",
    ]  # fmt: skip


def test_a_language_without_a_catalogue_is_refused_with_its_place_and_the_nearest():
    with pytest.raises(
        ParamsError, match=r"^params/a.yaml, line 3: expected one of en, nl, found 'nll'. Did you mean 'nl'\?$"
    ):
        language.checked("nll", "params/a.yaml, line 3")
    assert language.spoken() == "en"


def test_nothing_is_said_as_nothing_in_every_language():
    """Of a catalogue, the empty text is its own head: title, translators, dates."""
    for name in language.languages():
        with language.speaking(name):
            assert (language.say(""), language.word("")) == ("", "")

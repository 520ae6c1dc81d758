"""Are parameters and settings read as they stand, and is every fault of them said at once, with its place?"""

import json

import pytest

from toolkit import cli, company
from toolkit.errors import ParamsError
from toolkit.reporting import parameters

SETTINGS = "company:\n  title: Acme\n  zone: Europe/Amsterdam\n  currency: EUR\n  pseudonym_key: public\n"
HEAD = 'company: str = "acme"  # whose data\nperiod: str = "2026Q3"  # which period\n'


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project of one company, entered, so that messages name paths as a user sees them."""
    monkeypatch.chdir(tmp_path)
    for folder in ("params/acme", "notebooks"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "params/acme/base.yaml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def notebook(home):
    """Write a notebook whose parameters cell holds some lines after company and period."""

    def write(lines="", name="cost", cells=None):
        sources = [HEAD + lines] if cells is None else cells
        made = [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": text} for text in sources]
        path = home.joinpath("notebooks", f"{name}.ipynb").relative_to(home)
        path.write_text(json.dumps({"cells": made}))
        return path

    return write


@pytest.fixture
def params(home):
    """Write a params file; ``base`` gets the company's settings first."""

    def write(text, name="base"):
        home.joinpath("params", "acme", f"{name}.yaml").write_text((SETTINGS if name == "base" else "") + text)

    return write


def _values(*notebooks, sets=()):
    return parameters.resolved(company.load("acme"), "2026Q3", notebooks, sets)


def _refusal(*notebooks, sets=()):
    with pytest.raises(ParamsError) as refused:
        _values(*notebooks, sets=sets)
    assert refused.value.exit_code == 2
    return str(refused.value)


# -- where a value comes from ------------------------------------------------------------------


def test_the_last_layer_holds_and_says_so(notebook, params):
    first = notebook("n: int = 1  # a\nm: int = 1  # a\nk: int = 1  # a\nj: int = 1  # a\ni: int = 1  # a\n")
    other = notebook("n: int = 1  # a\n", name="other")
    params("all:\n  n: 2\n  m: 2\n  k: 2\n  j: 2\ncost:\n  m: 3\n  k: 3\n  j: 3\n")
    params("all:\n  k: 4\n  j: 4\ncost:\n  j: 5\n", name="2026Q3")
    values = _values(first, other, sets=["i=6"])
    assert {name: (value.value, value.origin) for name, value in values["cost"].items()} == {
        "company": ("acme", "run"),
        "period": ("2026Q3", "run"),
        "n": (2, "params/acme/base.yaml, line 7"),
        "m": (3, "params/acme/base.yaml, line 12"),
        "k": (4, "params/acme/2026Q3.yaml, line 2"),
        "j": (5, "params/acme/2026Q3.yaml, line 5"),
        "i": (6, "--set"),
    }
    assert values["other"]["n"] == parameters.Value(2, "params/acme/base.yaml, line 7")


def test_set_wins_over_the_periods_own_block(notebook, params):
    params("cost:\n  n: 4\n", name="2026Q3")
    assert _values(notebook("n: int = 1  # a\n"), sets=["n=5", "n=6"])["cost"]["n"] == parameters.Value(6, "--set")


def test_nothing_set_is_the_notebooks_own(notebook):
    assert _values(notebook("n: int = 1  # a\n"))["cost"]["n"] == parameters.Value(1, "notebook")


def test_origin_is_the_same_wherever_the_project_stands(notebook, params, home):
    params("cost:\n  n: 4\n", name="2026Q3")
    found = company.load("acme", home)
    values = parameters.resolved(found, "2026Q3", [home / notebook("n: int = 1  # a\n")])
    assert values["cost"]["n"].origin == "params/acme/2026Q3.yaml, line 2"


def test_a_name_for_all_may_belong_to_a_notebook_that_is_not_run(notebook, params):
    notebook("only_there: int = 1  # a\n", name="other")
    params("all:\n  only_there: 2\n")
    assert set(_values(notebook())["cost"]) == {"company", "period"}


def test_a_declaration_keeps_its_help(notebook):
    found = parameters.declared(notebook('mark: str = "a # b"  # sign between groups\n'))
    assert found["mark"] == parameters.Parameter("mark", str, "str", "a # b", "sign between groups")


# -- what a value means ------------------------------------------------------------------------

TEXTS = ["NO", "on", "007", "12:30", "2025_1", "nan"]  # YAML 1.2 core, and our 007 and 2025_1: texts
MEANINGS = """
    type      | written      | meaning
    ----------|--------------|---------------------------------------------------
    str       | NO           | 'NO'
    str       | on           | 'on'
    str       | 007          | '007'
    str       | 1e5          | must be str, found float 100000.0. Put a text in quotes.
    str       | '1e5'        | '1e5'
    str       | 12:30        | '12:30'
    str       | 2025_1       | '2025_1'
    str       | nan          | 'nan'
    str       | 7            | must be str, found int 7. Put a text in quotes.
    str       | true         | must be str, found bool True. Put a text in quotes.
    str       | 2026-01-31   | must be str, found date datetime.date(2026, 1, 31). Put a text in quotes.
    str       |              | must be str, found NoneType None.
    int       | NO           | must be int, found str 'NO'.
    int       | on           | must be int, found str 'on'.
    int       | 007          | must be int, found str '007'.
    int       | 1e5          | must be int, found float 100000.0.
    int       | 12:30        | must be int, found str '12:30'.
    int       | 2025_1       | must be int, found str '2025_1'.
    int       | nan          | must be int, found str 'nan'.
    int       | '7'          | must be int, found str '7'.
    int       | true         | must be int, found bool True.
    int       | 7            | 7
    float     | NO           | must be float, found str 'NO'.
    float     | on           | must be float, found str 'on'.
    float     | 007          | must be float, found str '007'.
    float     | 1e5          | 100000.0
    float     | 12:30        | must be float, found str '12:30'.
    float     | 2025_1       | must be float, found str '2025_1'.
    float     | nan          | must be float, found str 'nan'.
    float     | .nan         | must be finite, found nan.
    float     | .inf         | must be finite, found inf.
    bool      | NO           | must be bool, found str 'NO'.
    bool      | on           | must be bool, found str 'on'.
    bool      | 007          | must be bool, found str '007'.
    bool      | 1e5          | must be bool, found float 100000.0.
    bool      | 12:30        | must be bool, found str '12:30'.
    bool      | 2025_1       | must be bool, found str '2025_1'.
    bool      | nan          | must be bool, found str 'nan'.
    bool      | 1            | must be bool, found int 1.
    bool      | true         | True
    date      | NO           | must be date, found str 'NO'.
    date      | on           | must be date, found str 'on'.
    date      | 007          | must be date, found str '007'.
    date      | 1e5          | must be date, found float 100000.0.
    date      | 12:30        | must be date, found str '12:30'.
    date      | 2025_1       | must be date, found str '2025_1'.
    date      | nan          | must be date, found str 'nan'.
    date      | 2026-01-31   | datetime.date(2026, 1, 31)
    date      | '2026-01-31' | datetime.date(2026, 1, 31)
    date      | '2026-02-31' | must be date, found str '2026-02-31'.
    list[str] | [NO, on, 12:30]    | ['NO', 'on', '12:30']
    list[str] | [007, 2025_1, nan] | ['007', '2025_1', 'nan']
    list[str] | [a, 1e5]     | must be list[str], found list ['a', 100000.0].
    list[str] | NO           | must be list[str], found str 'NO'.
    list[float] | [1.5, .nan] | must be finite, found nan.
    dict[str, int] | {a: 1}  | {'a': 1}
    dict[str, int] | {a: b}  | must be dict[str, int], found dict {'a': 'b'}.
    Literal["NO", "007"] | NO      | 'NO'
    Literal["NO", "007"] | 007     | '007'
    Literal["NO", "007"] | on      | must be 'NO' or '007', found str 'on'.
    Literal["NO", "007"] | 1e5     | must be 'NO' or '007', found float 100000.0.
    Literal["NO", "007"] | 12:30   | must be 'NO' or '007', found str '12:30'.
    Literal["NO", "007"] | 2025_1  | must be 'NO' or '007', found str '2025_1'.
    Literal["NO", "007"] | nan     | must be 'NO' or '007', found str 'nan'.
"""
DEFAULTS = {
    "str": '"x"', "int": "0", "float": "0.0", "bool": "False", "date": '"2026-01-01"', "list[str]": "[]",
    "list[float]": "[]", "dict[str, int]": "{}", 'Literal["NO", "007"]': '"NO"',
}  # fmt: skip
ROWS = [tuple(cell.strip() for cell in line.split("|")) for line in MEANINGS.strip().splitlines()[2:]]
IMPORTS = "from datetime import date\nfrom typing import Literal\n"


@pytest.mark.parametrize(("kind", "written", "meaning"), ROWS)
def test_a_text_is_never_a_number_and_a_number_never_a_text(notebook, params, kind, written, meaning):
    path = notebook(f"{IMPORTS}x: {kind} = {DEFAULTS[kind]}  # a\n")
    params(f"cost:\n  x: {written}\n")
    if meaning.startswith("must be"):
        assert _refusal(path) == f"params/acme/base.yaml, line 7: 'x' {meaning}"
    else:
        value = _values(path)["cost"]["x"].value
        assert (repr(value), type(value).__module__ in ("builtins", "datetime")) == (meaning, True)


@pytest.mark.parametrize("written", [*TEXTS, "1e5", "7", "true", "", "[", "a=b", "2026-01-31", "~"])
def test_set_gives_a_text_parameter_its_text(notebook, written):
    path = notebook('x: str = "x"  # a\n')
    assert _values(path, sets=[f"x={written}"])["cost"]["x"].value == written


@pytest.mark.parametrize(
    ("kind", "written", "meaning"),
    [row for row in ROWS if row[0] != "str" and "'" not in row[1] and row[1] != "1e5"]
    + [("int", "[", "must be int, found str '['."), ("int", "", "must be int, found NoneType None.")],
)
def test_set_means_what_a_params_file_means(notebook, kind, written, meaning):
    path = notebook(f"{IMPORTS}x: {kind} = {DEFAULTS[kind]}  # a\n")
    if meaning.startswith("must be"):
        assert _refusal(path, sets=[f"x={written}"]) == f"--set x={written}: 'x' {meaning}"
    else:
        assert repr(_values(path, sets=[f"x={written}"])["cost"]["x"].value) == meaning


def test_set_gives_a_choice_of_texts_its_text(notebook):
    path = notebook(f'{IMPORTS}x: Literal["1e5", "true"] = "true"  # a\n')
    assert _values(path, sets=["x=1e5"])["cost"]["x"].value == "1e5"
    assert _values(path, sets=["x=true"])["cost"]["x"].value == "true"


def test_a_truth_value_with_an_anchor_stays_one(notebook, params):
    params("all:\n  x: &yes true\ncost:\n  x: *yes\n")
    assert _values(notebook("x: bool = False  # a\n"))["cost"]["x"].value is True


# -- faults ------------------------------------------------------------------------------------


def test_an_unknown_parameter_names_file_line_and_the_nearest(notebook, params):
    path = notebook('min_orders: int = 30  # a\nregion: str = "all"  # a\n')
    params("cost:\n  min_order: 3\n", name="2026Q3")
    assert _refusal(path) == (
        "params/acme/2026Q3.yaml, line 2: unknown parameter 'min_order'; notebooks/cost.ipynb accepts: min_orders, "
        "region. Did you mean 'min_orders'?"
    )


def test_an_unknown_parameter_for_all_names_every_notebook(notebook, params):
    params("all:\n  zz: 3\n")
    assert _refusal(notebook("n: int = 1  # a\n"), notebook("m: int = 1  # a\n", name="other")) == (
        "params/acme/base.yaml, line 7: unknown parameter 'zz'; notebooks/cost.ipynb, "
        "notebooks/other.ipynb accept: m, n."
    )


def test_a_wrong_type_names_file_and_line(notebook, params):
    params("cost:\n  # a comment\n\n  min_orders: thirty\n", name="2026Q3")
    assert _refusal(notebook("min_orders: int = 30  # a\n")) == (
        "params/acme/2026Q3.yaml, line 4: 'min_orders' must be int, found str 'thirty'."
    )


def test_an_unknown_block_names_the_known_ones(notebook, params):
    params("costs:\n  n: 1\n", name="2026Q3")
    assert _refusal(notebook("n: int = 1  # a\n")) == (
        "params/acme/2026Q3.yaml, line 1: unknown block 'costs'; expected: all, cost. Did you mean 'cost'?"
    )


def test_settings_stand_in_base_only(notebook, params):
    params("company:\n  title: Other\n", name="2026Q3")
    assert _refusal(notebook()) == "params/acme/2026Q3.yaml, line 1: unknown block 'company'; expected: all, cost."


def test_a_block_that_holds_no_names_is_refused(notebook, params):
    params("all: 5\ncost: [a]\n")
    assert _refusal(notebook()) == (
        "2 faults:\n"
        "  1. params/acme/base.yaml, line 6: block 'all': expected names with values, found int.\n"
        "  2. params/acme/base.yaml, line 7: block 'cost': expected names with values, found list."
    )


@pytest.mark.parametrize("block", ["all", "cost"])
def test_a_reserved_name_is_set_by_the_run_alone(notebook, params, block):
    params(f"{block}:\n  period: 2026Q1\n")
    assert _refusal(notebook()) == (
        "params/acme/base.yaml, line 7: 'period' is set by the run and cannot stand in a params file."
    )


@pytest.mark.parametrize("text", ["n", "period=2026Q1", "company=other"])
def test_set_needs_name_and_value(notebook, text):
    assert _refusal(notebook("n: int = 1  # a\n"), sets=[text]) == (
        f"--set {text}: expected name=value with the name of a parameter."
    )


def test_set_of_an_unknown_name_offers_the_nearest(notebook):
    assert _refusal(notebook("seed: int = 1  # a\n"), sets=["sed=2"]) == (
        "--set sed=2: unknown parameter 'sed'; notebooks/cost.ipynb accepts: seed. Did you mean 'seed'?"
    )


def test_all_faults_come_at_once_and_nothing_is_started(notebook, params, home, capsys):
    notebook("n: int = 1  # a\n")
    params("all:\n  company: b\ncosts: {}\n")
    params("cost:\n  n: x\n  m: 1\n", name="2026Q3")
    assert cli.main(["run", "acme", "2026Q3", "--set", "n"]) == 2
    assert capsys.readouterr().err == (
        "error: 5 faults:\n"
        "  1. params/acme/base.yaml, line 8: unknown block 'costs'; expected: all, cost. Did you mean 'cost'?\n"
        "  2. params/acme/base.yaml, line 7: 'company' is set by the run and cannot stand in a params file.\n"
        "  3. params/acme/2026Q3.yaml, line 2: 'n' must be int, found str 'x'.\n"
        "  4. params/acme/2026Q3.yaml, line 3: unknown parameter 'm'; notebooks/cost.ipynb accepts: n.\n"
        "  5. --set n: expected name=value with the name of a parameter.\n"
    )
    assert sorted(path.name for path in home.iterdir()) == ["notebooks", "params"]


# -- faults of a notebook ----------------------------------------------------------------------

CELL = "notebooks/cost.ipynb, parameters cell, line 3"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("n = 1  # a", "expected 'name: type = literal  # what it does', found 'n = 1'."),
        ("n: int  # a", "expected 'name: type = literal  # what it does', found 'n: int'."),
        ("import os", "expected 'name: type = literal  # what it does', found 'import os'."),
        ("n: int = 1", "'n' has no comment that says what it does."),
        ("n: int = 1  #", "'n' has no comment that says what it does."),
        ("n: int = 'a'  # a", "'n' must be int, found str 'a'."),
        (
            "n: int = 1 + len('a')  # a",
            "'n': expected a type made of Literal, bool, date, dict, float, int, list, str, and a literal value.",
        ),
        (
            "n: Path = 'a'  # a",
            "'n': expected a type made of Literal, bool, date, dict, float, int, list, str, and a literal value.",
        ),
        ("n: Literal['a'] = 'a'  # a", "'n' needs 'from typing import Literal' above it in this cell."),
        ("n: date = '2026-01-01'  # a", "'n' needs 'from datetime import date' above it in this cell."),
        (
            "api_token: str = ''  # a",
            "'api_token' is named like a secret. Secrets come by environment, never by parameter.",
        ),
        (
            "Passwords: str = ''  # a",
            "'Passwords' is named like a secret. Secrets come by environment, never by parameter.",
        ),
    ],
)
def test_a_line_of_the_parameters_cell_is_annotated_literal_and_commented(notebook, line, message):
    assert _refusal(notebook(f"{line}\n")) == f"{CELL}: {message}"


@pytest.mark.parametrize("name", ["tokens_per_order", "db_password", "SECRET", "old_credentials_id"])
def test_a_secret_word_is_refused_anywhere_in_a_name(notebook, name):
    assert _refusal(notebook(f"{name}: int = 1  # a\n")) == (
        f"{CELL}: {name!r} is named like a secret. Secrets come by environment, never by parameter."
    )


@pytest.mark.parametrize("name", ["secretary_id", "subtoken", "passwordless"])
def test_part_of_a_word_is_no_secret(notebook, name):
    assert name in parameters.declared(notebook(f"{name}: int = 1  # a\n"))


@pytest.mark.parametrize(("cells", "count"), [([], 0), ([HEAD, HEAD], 2)])
def test_a_notebook_has_one_parameters_cell(notebook, cells, count):
    path = notebook(cells=cells)
    if not cells:
        path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "metadata": {}, "source": "# a"}]}))
    assert _refusal(path) == f"notebooks/cost.ipynb: expected one cell tagged 'parameters', found {count}."


def test_a_notebook_declares_company_and_period(notebook):
    assert _refusal(notebook(cells=["n: int = 1  # a"])) == (
        "2 faults:\n"
        "  1. notebooks/cost.ipynb: the parameters cell does not declare 'company'.\n"
        "  2. notebooks/cost.ipynb: the parameters cell does not declare 'period'."
    )


def test_faults_of_all_notebooks_come_at_once(notebook):
    broken = notebook(name="broken")
    broken.write_text("{")
    assert _refusal(notebook(cells=[HEAD, "1 +", "%matplotlib inline"]), broken) == (
        "3 faults:\n"
        "  1. notebooks/cost.ipynb, cell 2, line 1: expected Python, found: invalid syntax.\n"
        "  2. notebooks/cost.ipynb, cell 3, line 1: expected Python, found: invalid syntax.\n"
        "  3. notebooks/broken.ipynb: expected a notebook with cells, found a file that does not read as one."
    )


# -- settings of a company ---------------------------------------------------------------------


def _settings_refusal(home, text):
    home.joinpath("params", "acme", "base.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ParamsError) as refused:
        company.load("acme")
    return str(refused.value)


PERSONAL = ", ".join(
    sorted(f"{t.name}.{c.name}" for t in company.TABLES.values() for c in t.columns if c.personal)
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            SETTINGS + "  closing_day: 9\n",
            "params/acme/base.yaml, line 6: unknown name 'closing_day'; expected: causes, closing_days, currency, "
            "invitations, limits, max_contributor_share, max_quarantined_share, min_n, open_personal, "
            "pseudonym_key, segment, title, warehouse, zone. Did you mean 'closing_days'?",
        ),
        (
            SETTINGS.replace("Amsterdam", "Amsterdm"),
            "params/acme/base.yaml, line 3: 'zone': no time zone is called 'Europe/Amsterdm'. "
            "Did you mean 'Europe/Amsterdam'?",
        ),
        (
            SETTINGS + "  open_personal: [customers.shoe_size]\n",
            "params/acme/base.yaml, line 6: 'open_personal': 'customers.shoe_size' is no column marked personal; "
            f"these are: {PERSONAL}.",
        ),
        (
            SETTINGS + "  limits: {second: 9, memory_mb: 0}\n",
            "2 faults:\n  1. params/acme/base.yaml, line 6: 'limits.memory_mb': expected greater than 0, found int 0.\n"
            "  2. params/acme/base.yaml, line 6: unknown name 'limits.second'; expected: memory_mb, output_mb, "
            "processes, seconds, silent_seconds, spill, warehouse_mb. Did you mean 'seconds'?",
        ),
        (SETTINGS.replace("  title: Acme\n", ""), "params/acme/base.yaml: 'title' is missing."),
        (
            SETTINGS.replace("Acme", "7"),
            "params/acme/base.yaml, line 2: 'title': expected a valid string, found int 7.",
        ),
        (
            SETTINGS.replace("EUR", "euro") + "  min_n: 2\n",
            "2 faults:\n  1. params/acme/base.yaml, line 4: 'currency': expected a text like "
            "^[A-Z]{3}$, found str 'euro'.\n"
            "  2. params/acme/base.yaml, line 6: 'min_n': expected greater than or equal to 3, found int 2.",
        ),
        (
            "company: [\n",
            "params/acme/base.yaml, line 2: not YAML: expected the node content, but found '<stream end>'.",
        ),
        (
            SETTINGS + "  title: B\n",
            'params/acme/base.yaml, line 6: not YAML: found duplicate key "title" with value "B" '
            '(original value: "Acme").',
        ),
        (
            b"company:\n  title: Caf\xe9\n",
            "params/acme/base.yaml: expected UTF-8 text, found another encoding at byte 21.",
        ),
        ("- a\n", "params/acme/base.yaml: expected names with values, found list."),
        (
            "all: {}\n",
            "params/acme/base.yaml: expected a block 'company:', found none. Copy one from params/sample/base.yaml.",
        ),
        ("", "params/acme/base.yaml: expected a block 'company:', found none. Copy one from params/sample/base.yaml."),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "bytes",
)
def test_a_fault_of_the_settings_names_file_line_and_the_nearest(home, text, message):
    assert _settings_refusal(home, text) == message


def test_an_unknown_company_offers_the_nearest(home):
    with pytest.raises(ParamsError) as refused:
        company.load("acne")
    assert str(refused.value) == "params: no company 'acne'; there are: acme. Did you mean 'acme'?"


def test_a_key_of_pseudonyms_that_is_not_in_the_environment_says_how_to_make_one(home, monkeypatch):
    home.joinpath("params", "acme", "base.yaml").write_text(SETTINGS.replace("public", "environment"))
    monkeypatch.setenv("TOOLKIT_KEY_ACME", "abc")
    with pytest.raises(ParamsError) as refused:
        company.load("acme").pseudonym_key()
    assert str(refused.value) == (
        "environment, TOOLKIT_KEY_ACME: expected the company's pseudonym key, 64 hexadecimal digits, found 3 "
        'characters. Make one with: python -c "import secrets; print(secrets.token_hex(32))", and keep it outside the '
        "repository and the archive."
    )
    monkeypatch.setenv("TOOLKIT_KEY_ACME", "ab" * 32)
    assert company.load("acme").pseudonym_key() == b"\xab" * 32


# -- periods -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "start", "end", "as_of"),
    [  # Amsterdam: summer time from 2026-03-29 to 2026-10-25; 21 days to close
        ("2026Q1", "2026-01-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00", "2026-04-22T00:00:00+02:00"),
        ("2026Q4", "2026-10-01T00:00:00+02:00", "2027-01-01T00:00:00+01:00", "2027-01-22T00:00:00+01:00"),
        ("2026H1", "2026-01-01T00:00:00+01:00", "2026-07-01T00:00:00+02:00", "2026-07-22T00:00:00+02:00"),
        ("2026H2", "2026-07-01T00:00:00+02:00", "2027-01-01T00:00:00+01:00", "2027-01-22T00:00:00+01:00"),
        ("2026-03", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00", "2026-04-22T00:00:00+02:00"),
        ("2026-09", "2026-09-01T00:00:00+02:00", "2026-10-01T00:00:00+02:00", "2026-10-22T00:00:00+02:00"),
        ("2026-12", "2026-12-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00", "2027-01-22T00:00:00+01:00"),
        ("2026", "2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00", "2027-01-22T00:00:00+01:00"),
    ],
)
def test_a_period_ends_at_midnight_of_its_zone(home, name, start, end, as_of):
    period = company.load("acme").period(name)
    assert [moment.isoformat() for moment in (period.start, period.end, period.as_of)] == [start, end, as_of]


def test_the_day_of_knowledge_follows_the_closing_days(home, params):
    params("  closing_days: 30\n")  # after 2026-10-01: over the end of summer time
    assert company.load("acme").period("2026Q3").as_of.isoformat() == "2026-10-31T00:00:00+01:00"


@pytest.mark.parametrize(
    "name", ["2026Q5", "2026Q0", "2026H3", "2026-00", "2026-13", "1899", "26Q3", "2026Q3 ", "٢٠٢٦", ""]
)
def test_another_name_is_no_period(home, name):
    with pytest.raises(ParamsError) as refused:
        company.load("acme").period(name)
    assert str(refused.value) == f"period: expected one like 2026Q3, 2026-07, 2026H2 or 2026, found {name!r}."


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("2026Q1", "2025Q4"),
        ("2026Q3", "2026Q2"),
        ("2026H1", "2025H2"),
        ("2026H2", "2026H1"),
        ("2026-01", "2025-12"),
        ("2026-10", "2026-09"),
        ("2026", "2025"),
    ],
)
def test_the_period_before_is_as_long(name, before):
    assert company.previous(name) == before


# -- slices ------------------------------------------------------------------------------------

REGIONS = 'region: str = ""  # only this\nn: int = 1  # a number\n'


def test_each_value_of_a_slice_is_a_report_with_its_origin(notebook, params):
    made, other = notebook(REGIONS), notebook("n: int = 1  # a number\n", name="growth")
    params("all:\n  slices:\n    region: [North & West, Süd]\ncost:\n  n: 2\n")
    values = _values(made, other)
    assert list(values) == ["cost.north-west", "cost.süd", "growth"]
    value = values["cost.süd"]["region"]
    assert (value.value, value.origin, value.slice) == ("Süd", "params/acme/base.yaml, line 8", True)
    assert (values["cost.süd"]["n"].value, values["growth"]["n"].value) == (2, 1)
    assert [values[report]["n"].slice for report in values] == [False, False, False]


def test_slices_of_a_period_and_of_several_parameters_are_combined(notebook, params):
    made = notebook(REGIONS)
    params("cost:\n  slices: {region: [a, b], n: [1, 2]}\n")
    params("cost:\n  slices: {region: [c]}\n", name="2026Q3")
    assert list(_values(made)) == ["cost.c.1", "cost.c.2"]
    assert list(_values(made, sets=["n=2"])) == ["cost.c.2"]
    assert _values(made, sets=["n=2"])["cost.c.2"]["n"].origin == "params/acme/base.yaml, line 7"


def test_slices_that_mean_nothing_are_refused_at_once(notebook, params):
    made, other = notebook(REGIONS), notebook("m: int = 1  # a number\n", name="growth")
    params(
        "cost:\n  slices:\n    regoin: [a]\n    region: []\n    n: [1, x]\n    period: [2026Q1]\n"
        "growth:\n  slices: [1]\n"
    )
    where = "params/acme/base.yaml"
    assert _refusal(made, other).splitlines() == [
        "5 faults:",
        f"  1. {where}, line 8: slices: 'regoin' is no parameter to slice by; there are: n, region.",
        f"  2. {where}, line 9: slices: 'region': expected a list of values, found an empty one.",
        f"  3. {where}, line 10: slices: 'n' must be int, found str 'x'.",
        f"  4. {where}, line 11: slices: 'period' is no parameter to slice by; there are: n, region.",
        f"  5. {where}: slices: expected names with lists of values, found list.",
    ]


def test_slices_that_would_share_a_file_are_refused(notebook, params):
    made = notebook(REGIONS)
    params('cost:\n  slices: {region: [A b, a-B, "&"]}\n')
    where = "params/acme/base.yaml, line 7: slices: 'region'"
    assert _refusal(made).splitlines() == [
        "2 faults:",
        f"  1. {where}: 'a-B' would be named as 'A b' in the name of a file. Name it otherwise.",
        f"  2. {where}: '&' would be named as nothing in the name of a file. Name it otherwise.",
    ]


def test_values_that_look_alike_or_are_long_make_no_names(notebook, params):
    made = notebook(REGIONS)
    params(f"cost:\n  slices: {{region: ['é', 'e\u0301', 'ＥＸ', ex, '../../etc', '{'x' * 61}']}}\n")
    where = "params/acme/base.yaml, line 7: slices: 'region'"
    assert _refusal(made).splitlines() == [
        "3 faults:",
        f"  1. {where}: 'e\u0301' would be named as 'é' in the name of a file. Name it otherwise.",
        f"  2. {where}: 'ex' would be named as 'ＥＸ' in the name of a file. Name it otherwise.",
        f"  3. {where}: '{'x' * 61}' would be named at too great a length in the name of a file. Name it otherwise.",
    ]
    assert parameters._in_name("../../etc") == "etc"


def test_a_value_that_is_no_slice_is_not_picked(notebook, params):
    made = notebook(REGIONS)
    params("cost:\n  slices: {region: [a, b]}\n")
    assert _refusal(made, sets=["region=c"]) == (
        "--set region=c: cost is made for 'a', 'b' (slices). Name one of these."
    )


def test_a_notebook_whose_name_has_a_dot_is_refused(notebook):
    made = notebook(name="cost.old")
    assert _refusal(made) == (
        "notebooks/cost.old.ipynb: expected a name of small letters, digits and underscores, which names its report; "
        "what follows a dot names a slice. Rename it."
    )

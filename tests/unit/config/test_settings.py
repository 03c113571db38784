"""Settings of a real project file: who wins, what is refused, and what the refusal says."""

from __future__ import annotations

import msgspec
import pytest

from truegreen import registry
from truegreen.config import settings as config
from truegreen.config.layers import Source
from truegreen.errors import ConfigurationError, ProjectMissing, UnknownKey, WrongValue

HEAD = '[project]\nname = "x"\n'
"""Two lines: what follows begins at line 3."""
LAYERS = {
    "shipped defaults": (80, "defaults.toml:5"),
    "organisation preset": (81, "preset.toml:2"),
    "repository": (82, "pyproject.toml:4"),
    "action inputs": (83, "TG_SET"),
    "environment": (84, "TRUEGREEN_SET_GATES__COVERAGE__LINE"),
    "command line": (85, "--set"),
}
"""Weakest first: the value each one sets, and the place it has."""


@pytest.fixture
def load(tmp_path):
    def loaded(text="", **more):
        (tmp_path / "pyproject.toml").write_text(HEAD + text, encoding="utf-8")
        return config.load(tmp_path, **more)

    return loaded


def refused(load, kind, text="", **more):
    with pytest.raises(kind) as caught:
        load(text, **more)
    assert caught.value.exit_code == 2
    return caught.value


@pytest.mark.parametrize("winner", LAYERS)
@pytest.mark.parametrize("alone", [False, True])
def test_load_strongest_layer_wins_and_is_named(load, tmp_path, winner, alone):
    names = list(LAYERS)
    present = {winner} if alone else set(names[: names.index(winner) + 1])
    preset = tmp_path / "preset.toml"
    preset.write_text("[gates.coverage]\nline = 81\n" if "organisation preset" in present else "")
    env = {"TRUEGREEN_SET_PRESET": "preset.toml"}
    if "action inputs" in present:
        env["TG_SET"] = "gates.coverage.line=83"
    if "environment" in present:
        env["TRUEGREEN_SET_GATES__COVERAGE__LINE"] = "84"
    found = load(
        "[tool.truegreen.gates.coverage]\nline = 82\n" if "repository" in present else "",
        env=env,
        assignments=["gates.coverage.line=85"] if "command line" in present else [],
    )
    value, place = LAYERS[winner]
    source = found.sources["gates.coverage.line"]
    assert found.gates["coverage"].line == value
    assert source.layer == winner
    assert source.place.endswith(place)


def test_load_nothing_written_has_an_options_record_for_all_stages_and_gates(load, tmp_path):
    found = load()
    assert found.root == tmp_path
    assert set(found.stages) == set(registry.names("stage"))
    assert set(found.gates) == set(registry.names("gate"))
    assert found.notify == {}
    assert {source.layer for source in found.sources.values()} == {"shipped defaults"}
    for name, options in found.gates.items():
        assert isinstance(options, registry.load("gate", name).Options)


def test_load_shipped_defaults_say_what_they_promise(load):
    found = load()
    assert found.gates["coverage"].line == 80
    assert found.gates["time-budget"].suite_s == {"unit": 30}
    assert found.gates["full-run-budget"].max_s == 300
    assert found.gates["flakiness"].max_ratio == 0.01
    assert (found.gates["load"].min_rps, found.gates["load"].max_error_ratio) == (100, 0)
    assert found.stages["persistence"].services == ["postgres"]


def test_load_from_a_folder_below_reads_the_project_above(load, tmp_path):
    load("[tool.truegreen]\npython = '3.13'\n")
    (tmp_path / "src").mkdir()
    found = config.load(tmp_path / "src")
    assert (found.root, found.project.python) == (tmp_path, "3.13")


def test_load_without_project_is_refused(tmp_path):
    with pytest.raises(ProjectMissing):
        config.load(tmp_path)


def test_load_reads_tables_whose_names_the_user_chooses(load):
    found = load(
        "[tool.truegreen.services.db]\nkind = 'postgres'\ntimeout-s = 5\n"
        "[tool.truegreen.processes.web]\ncommand = ['serve']\nonce = true\n"
        "[tool.truegreen.components.core]\npaths = ['src/**']\nline = 95\n"
        "[tool.truegreen.notify.slack]\n"
    )
    assert (found.project.services["db"].kind, found.project.services["db"].timeout_s) == ("postgres", 5)
    assert found.project.processes["web"].once
    assert found.project.components["core"].line == 95
    assert isinstance(found.notify["slack"], registry.load("notifier", "slack").Options)


@pytest.mark.parametrize(
    ("text", "key", "line", "meant"),
    [
        ("[tool.truegreen]\npyhton = '3'\n", "pyhton", 4, "python"),
        ("[tool.truegreen.gate.coverage]\nline = 1\n", "gate", 3, "gates"),
        ("[tool.truegreen.gates.covrage]\nline = 1\n", "gates.covrage", 3, "gates.coverage"),
        ("[tool.truegreen.gates.coverage]\n\nlines = 1\n", "gates.coverage.lines", 5, "gates.coverage.line"),
        ("[tool.truegreen.unti]\n", "unti", 3, "unit"),
        ("[tool.truegreen.unit]\nenabld = false\n", "unit.enabld", 4, "unit.enabled"),
        ("[tool.truegreen]\nunit = { enabld = false }\n", "unit.enabld", 4, "unit.enabled"),
        ("[tool.truegreen.notify.slak]\n", "notify.slak", 3, "notify.slack"),
        ("[tool.truegreen.services.db]\n# x\nprot = 1\n", "services.db.prot", 5, "services.db.port"),
        ("[tool.truegreen.processes.web]\ncomand = ['x']\n", "processes.web.comand", 4, "processes.web.command"),
        ("[tool.truegreen.components.core]\nbranchs = 1\n", "components.core.branchs", 4, "components.core.branch"),
    ],
)
def test_load_unknown_key_names_its_line_and_the_nearest_known(load, text, key, line, meant):
    error = refused(load, UnknownKey, text)
    assert error.code == "TG103"
    assert error.what == f"unknown key {key}"
    assert error.where == f"repository, pyproject.toml:{line}"
    assert error.fix == f"perhaps you meant {meant}"


def test_load_unknown_key_like_no_other_lists_the_known(load):
    error = refused(load, UnknownKey, "[tool.truegreen.gates.coverage]\nzzz = 1\n")
    assert "advisory, allow-zero, branch" in error.fix


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"assignments": ["gates.coverage.lines=1"]}, "command line, --set"),
        ({"env": {"TG_SET": "gates.coverage.lines=1"}}, "action inputs, TG_SET"),
        (
            {"env": {"TRUEGREEN_SET_GATES__COVERAGE__LINES": "1"}},
            "environment, TRUEGREEN_SET_GATES__COVERAGE__LINES",
        ),
    ],
)
def test_load_unknown_key_outside_a_file_names_the_flag_or_variable(load, more, where):
    error = refused(load, UnknownKey, **more)
    assert (error.where, error.fix) == (where, "perhaps you meant gates.coverage.line")


def test_load_unknown_key_in_the_preset_names_its_line(load, tmp_path):
    (tmp_path / "org.toml").write_text("\nfoo = 1\n")
    error = refused(load, UnknownKey, "[tool.truegreen]\npreset = 'org.toml'\n")
    assert error.where == "organisation preset, org.toml:2"


@pytest.mark.parametrize(
    ("written", "told"),
    [("'no.toml'", "there is no preset no.toml"), ("3", "preset names no file"), ("'.'", "there is no preset .")],
)
def test_load_preset_that_is_no_file_is_refused_with_its_place(load, written, told):
    error = refused(load, WrongValue, f"[tool.truegreen]\npreset = {written}\n")
    assert (error.what, error.where) == (told, "repository, pyproject.toml:4")
    assert error.fix


def test_load_preset_of_a_preset_is_refused(load, tmp_path):
    (tmp_path / "org.toml").write_text("\npreset = 'other.toml'\n")
    error = refused(load, WrongValue, "[tool.truegreen]\npreset = 'org.toml'\n")
    assert (error.what, error.where) == ("a preset builds on no other file", "org.toml:2")
    assert "strict" in error.fix


def test_load_preset_standard_is_what_a_project_has_without_one(load):
    bare, standard = load(), load("[tool.truegreen]\npreset = 'standard'\n")
    assert (standard.gates, standard.stages) == (bare.gates, bare.stages)
    assert standard.sources["gates.coverage.line"] == Source("preset standard", "standard.toml:4")


def test_load_preset_strict_is_nowhere_laxer_than_standard(load):
    bare, strict = load(), load("[tool.truegreen]\npreset = 'strict'\n")
    gates = {name for name in bare.gates if strict.gates[name] != bare.gates[name]}
    assert gates == {
        "coverage",
        "flakiness",
        "time-budget",
        "lint-clean",
        "findings",
        "waivers",
        "persistence-evidence",
    }
    assert strict.gates["persistence-evidence"].require_object
    found = strict.gates
    assert (found["coverage"].line, found["coverage"].branch, found["flakiness"].max_ratio) == (90, 80, 0)
    assert found["time-budget"].suite_s["unit"] < bare.gates["time-budget"].suite_s["unit"]
    assert found["waivers"].max_days < bare.gates["waivers"].max_days
    assert all(found[name].enabled for name in found)
    assert {name for name in found if found[name].advisory} == {name for name in found if bare.gates[name].advisory}


def test_load_value_of_the_repository_is_stronger_than_the_shipped_preset(load):
    found = load("[tool.truegreen]\npreset = 'strict'\n[tool.truegreen.gates.coverage]\nline = 50\n")
    assert (found.gates["coverage"].line, found.gates["coverage"].branch) == (50, 80)
    assert found.sources["gates.coverage.branch"] == Source("preset strict", "strict.toml:5")


def test_load_organisation_may_build_on_a_shipped_preset(load, tmp_path):
    (tmp_path / "org.toml").write_text("preset = 'strict'\n[gates.coverage]\nline = 95\n")
    found = load("[tool.truegreen]\npreset = 'org.toml'\n")
    assert (found.gates["coverage"].line, found.gates["coverage"].branch) == (95, 80)
    assert found.sources["gates.coverage.line"].layer == "organisation preset"
    assert found.sources["gates.coverage.branch"].layer == "preset strict"
    assert found.project.preset == "org.toml"


@pytest.mark.parametrize("name", config.presets())
def test_shipped_preset_names_only_what_exists_and_names_no_other(load, name):
    assert load(f"[tool.truegreen]\npreset = '{name}'\n").project.preset == name


def test_load_misspelt_preset_is_refused_with_the_nearest(load):
    error = refused(load, WrongValue, "[tool.truegreen]\npreset = 'strickt'\n")
    assert (error.what, error.where) == ("there is no preset strickt", "repository, pyproject.toml:4")
    assert error.fix.startswith("perhaps you meant strict; else name one of standard, strict")


def test_load_preset_named_on_the_command_line_replaces_the_one_of_the_repository(load, tmp_path):
    (tmp_path / "org.toml").write_text("[gates.coverage]\nline = 71\n")
    (tmp_path / "strict.toml").write_text("[gates.coverage]\nline = 99\n")
    found = load("[tool.truegreen]\npreset = 'org.toml'\n", assignments=["preset=strict.toml"])
    assert found.gates["coverage"].line == 99


def test_load_unknown_key_is_refused_although_a_stronger_layer_is_right(load):
    refused(load, UnknownKey, "[tool.truegreen.gates.coverage]\nlines = 1\n", assignments=["gates.coverage.line=90"])


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("[tool.truegreen]\npython = 3.12\n", "python", 4),
        ("[tool.truegreen]\ngroups = [\n'dev',\n3]\n", "groups[1]", 4),
        ("[tool.truegreen]\ncomponents = 3\n", "components", 4),
        ("[tool.truegreen.gates.coverage]\nline = 'high'\n", "gates.coverage.line", 4),
        ("[tool.truegreen.gates.coverage]\nline = 100.5\n", "gates.coverage.line", 4),
        ("[tool.truegreen.gates.coverage]\nline = true\n", "gates.coverage.line", 4),
        ("[tool.truegreen.gates.time-budget]\nsuite-s = 30\n", "gates.time-budget.suite-s", 4),
        (
            "[tool.truegreen.gates.time-budget.suite-s]\nwiring = 3\ne2e = 'x'\n",
            "gates.time-budget.suite-s.e2e",
            5,
        ),
        ("[tool.truegreen.unit]\nservices = 'postgres'\n", "unit.services", 4),
        ("[tool.truegreen.unit]\n\nenv = { A = '1', B = 2 }\n", "unit.env.B", 5),
        (
            "[tool.truegreen.components.a]\npaths = ['a']\n[tool.truegreen.components.b]\npaths = ['b']\nline = 'x'\n",
            "components.b.line",
            7,
        ),
        ("[tool.truegreen.components.a]\nline = 3\n", "components.a", 4),
        ("[tool.truegreen.components.a]\npaths = ['a']\nline = nan\n", "components.a.line", 5),
        ("[tool.truegreen.components.a]\npaths = ['a']\nbranch = 101\n", "components.a.branch", 5),
        ("[tool.truegreen.processes.web]\n", "processes.web", 3),
        (
            "[tool.truegreen.services.a]\nport = 1\n[tool.truegreen.services.b.env]\nX = '1'\nY = 2\n",
            "services.b.env.Y",
            7,
        ),
        ("[tool.truegreen.services.'a.b']\nport = 'x'\n", "services.a.b.port", 4),
        ("[tool.truegreen.processes.web]\nport = 1\ncommand = ['x', 2]\n", "processes.web.command[1]", 5),
    ],
)
def test_load_wrong_type_names_key_and_line(load, text, key, line):
    error = refused(load, WrongValue, text)
    assert error.code == "TG104"
    assert error.what.startswith(f"{key}: ")
    assert error.where == f"repository, pyproject.toml:{line}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[tool.truegreen]\ngates = 3\n", "pyproject.toml:4"),
        ("[tool.truegreen]\nnotify = 3\n", "pyproject.toml:4"),
        ("[tool.truegreen.gates]\ncoverage = 90\n", "pyproject.toml:4"),
        ("[tool.truegreen]\nunit = false\n", "pyproject.toml:4"),
        ("[tool.truegreen]\nunit = []\n", "pyproject.toml:4"),
        ("[tool.truegreen.services]\ndb = 'postgres'\n", "pyproject.toml:4"),
    ],
)
def test_load_value_where_a_table_must_be_is_refused_with_its_line(load, text, place):
    error = refused(load, WrongValue, text)
    assert error.where == place
    assert error.fix


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"assignments": ["gates.coverage.line=high"]}, "command line, --set"),
        ({"env": {"TG_SET": "gates.coverage.line=[]"}}, "action inputs, TG_SET"),
        (
            {"env": {"TRUEGREEN_SET_GATES__COVERAGE__LINE": "101"}},
            "environment, TRUEGREEN_SET_GATES__COVERAGE__LINE",
        ),
    ],
)
def test_load_wrong_type_outside_a_file_names_the_flag_or_variable(load, more, where):
    assert refused(load, WrongValue, "[tool.truegreen.gates.coverage]\nline = 90\n", **more).where == where


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("[tool.truegreen]\ngroups = [3]\n", "groups"),
        ("[tool.truegreen.components.a]\n", "components"),
        ("[tool.truegreen.gates.coverage]\nline = 'x'\n", "gates.coverage"),
        ("[tool.truegreen.unit]\nservices = 3\n", "unit"),
    ],
)
def test_load_wrong_type_advises_a_key_that_explain_knows(load, text, advice):
    from truegreen.config.explain import rows

    assert f"`truegreen config explain {advice}`" in refused(load, WrongValue, text).fix
    assert rows(load(), advice)


@pytest.mark.parametrize("content", [b"[tool.truegreen\n", b"[tool.truegreen]\npython = '\xff'\n"])
def test_load_project_file_that_is_no_toml_is_refused(tmp_path, content):
    (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        config.load(tmp_path)
    assert (caught.value.code, caught.value.where) == ("TG102", "pyproject.toml")


def test_load_environment_of_the_machine_is_not_read(load, monkeypatch):
    monkeypatch.setenv("TRUEGREEN_SET_GATES__COVERAGE__LINE", "3")
    assert load().gates["coverage"].line == 80


def test_load_source_of_a_default_that_nobody_set_is_absent(load):
    found = load("[tool.truegreen.gates.coverage]\nline = 1\n")
    assert found.sources["gates.coverage.line"] == Source("repository", "pyproject.toml:4")
    assert "gates.coverage.branch" not in found.sources


def test_known_tables_cover_every_family_with_options():
    tables = config.known_tables()
    assert set(registry.names("stage")) <= set(tables)
    assert {f"gates.{name}" for name in registry.names("gate")} <= set(tables)
    assert {f"notify.{name}" for name in registry.names("notifier")} <= set(tables)
    assert all(issubclass(struct, msgspec.Struct) for struct in tables.values())


@pytest.mark.parametrize("text", ["3.10", "3.12", "3.9"])
def test_assignment_to_a_text_option_keeps_what_was_written(load, text):
    assert load(assignments=[f"python={text}"]).project.python == text
    assert load(env={"TRUEGREEN_SET_PYTHON": text}).project.python == text
    assert load(env={"TG_SET": f"python={text}"}).project.python == text


def test_number_in_the_file_is_no_text(load):
    assert "expected `str`, got `float`" in refused(load, WrongValue, "[tool.truegreen]\npython = 3.10\n").what


def test_assignment_of_a_number_to_a_number_stays_one(load):
    assert load(assignments=["gates.coverage.line=85.5"]).gates["coverage"].line == 85.5
    assert load(assignments=["unit.workers=2"]).stages["unit"].workers == 2

"""The cascade: files, variables, flags, and which of them wins."""

from __future__ import annotations

import tomllib

import pytest

from truegreen.config.layers import (
    Layer,
    Source,
    assignments_layer,
    environment_layers,
    find_project,
    merge,
    scalar,
    toml_layer,
)
from truegreen.errors import ConfigSyntax, ProjectMissing, WrongValue


def test_find_project_below_it_is_the_nearest_folder(tmp_path):
    inner = tmp_path / "inner" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    assert find_project(inner) == tmp_path
    (tmp_path / "inner" / "pyproject.toml").touch()
    assert find_project(inner) == tmp_path / "inner"


def test_find_project_without_one_says_where_it_looked(tmp_path):
    (tmp_path / "pyproject.toml").mkdir()  # a folder of that name is none
    with pytest.raises(ProjectMissing) as caught:
        find_project(tmp_path)
    assert (caught.value.code, caught.value.where) == ("TG101", str(tmp_path))
    assert caught.value.fix


def test_toml_layer_reads_the_table_and_names_lines(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text("[tool.truegreen.gates.coverage]\nline = 85\n")
    layer = toml_layer("repository", path, "tool.truegreen", "pyproject.toml")
    assert layer.values == {"gates": {"coverage": {"line": 85}}}
    assert layer.source("gates.coverage.line") == Source("repository", "pyproject.toml:2")
    assert layer.source("gates.coverage.branch") == Source("repository", "pyproject.toml:1")
    assert layer.source("gates") == Source("repository", "pyproject.toml:1")
    assert layer.source("python") == Source("repository", "pyproject.toml")


def test_toml_layer_without_prefix_or_label_names_the_path(tmp_path):
    path = tmp_path / "preset.toml"
    path.write_text("python = '3.12'\n")
    assert toml_layer("organisation preset", path).source("python").place == f"{path}:1"


@pytest.mark.parametrize("text", ["", "[tool]\n", "[tool.other]\nx = 1\n"])
def test_toml_layer_table_absent_is_empty(tmp_path, text):
    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    assert toml_layer("repository", path, "tool.truegreen").values == {}


@pytest.mark.parametrize("text", ["tool = 1", "[tool]\ntruegreen = 3", "[[tool.truegreen]]"])
def test_toml_layer_table_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    with pytest.raises(WrongValue) as caught:
        toml_layer("repository", path, "tool.truegreen", "pyproject.toml")
    assert (caught.value.where, caught.value.fix) == ("pyproject.toml", "write [tool.truegreen]")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a = 1\nb = = 2\n", "line 2"),
        (b"a = 1\na = 2\n", "line 2"),
        (b"name = 'caf\xe9'\n", "position 11"),
        (b"\xff\xfea\x00", "position 0"),
        (b"a = " + b"9" * 5000, ""),
        (b"a = " + b"[" * 5000, ""),
        (b"a = 2026-13-01\n", "line 1"),
    ],
)
def test_toml_layer_content_that_is_no_toml_is_explained(tmp_path, content, why):
    path = tmp_path / "pyproject.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigSyntax) as caught:
        toml_layer("repository", path, label="pyproject.toml")
    assert (caught.value.code, caught.value.where) == ("TG102", "pyproject.toml")
    assert caught.value.why
    assert why in caught.value.why
    assert caught.value.fix


@pytest.mark.parametrize("name", ["absent.toml", "folder"])
def test_toml_layer_file_that_cannot_be_read_is_explained(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigSyntax) as caught:
        toml_layer("organisation preset", tmp_path / name)
    assert caught.value.where == str(tmp_path / name)
    assert caught.value.why


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("85", 85),
        ("0.5", 0.5),
        ("true", True),
        ("True", "True"),
        ('"85"', "85"),
        ('["a", "b"]', ["a", "b"]),
        ("{ unit = 30 }", {"unit": 30}),
        ("3.12.1", "3.12.1"),
        ("postgres", "postgres"),
        ("", ""),
        ("#x", "#x"),
        ("1\nw = 2", "1\nw = 2"),
        ("1\n[a]", "1\n[a]"),
        ("9" * 5000, "9" * 5000),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_scalar_is_toml_where_possible_and_text_otherwise(text, value):
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_assignments_layer_builds_tables_and_remembers_who_set_what():
    layer = assignments_layer("command line", [("--set", " gates . coverage.line = 85 "), ("-s", "python=a=b")])
    assert layer.values == {"gates": {"coverage": {"line": 85}}, "python": "a=b"}
    assert layer.source("gates.coverage.line") == Source("command line", "--set", "85")
    assert layer.source("python") == Source("command line", "-s", "a=b")


def test_assignments_layer_same_key_twice_takes_the_last():
    assert assignments_layer("x", [("--set", "a=1"), ("--set", "a=2")]).values == {"a": 2}


@pytest.mark.parametrize("text", ["gates.coverage.line", "=85", "  = 85", ""])
def test_assignments_layer_text_without_key_and_value_is_refused(text):
    with pytest.raises(WrongValue) as caught:
        assignments_layer("command line", [("--set", text)])
    assert (caught.value.where, repr(text) in caught.value.what) == ("--set", True)
    assert caught.value.fix


def test_assignments_layer_key_below_a_value_is_refused():
    with pytest.raises(WrongValue) as caught:
        assignments_layer("environment", [("A", "gates=1"), ("B", "gates.coverage.line=2")])
    assert caught.value.where == "B"


def test_environment_layers_come_from_inputs_and_variables():
    inputs, variables = environment_layers(
        {
            "TG_SET": "\n  gates.load.min-rps = 7 \n\npython=3.12.1\r\n",
            "TRUEGREEN_SET_GATES__TIME_BUDGET__SUITE_S": "{ unit = 3 }",
            "TRUEGREEN_SETTINGS": "not ours",
            "TRUEGREEN_CACHE": "/x",
        }
    )
    assert inputs.values == {"gates": {"load": {"min-rps": 7}}, "python": "3.12.1"}
    assert inputs.source("python") == Source("action inputs", "TG_SET", "3.12.1")
    assert variables.values == {"gates": {"time-budget": {"suite-s": {"unit": 3}}}}
    name = "TRUEGREEN_SET_GATES__TIME_BUDGET__SUITE_S"
    assert variables.source("gates.time-budget.suite-s.unit") == Source("environment", name)


def test_environment_layers_nothing_set_are_empty():
    assert [layer.values for layer in environment_layers({"PATH": "/bin"})] == [{}, {}]


def test_source_of_a_layer_without_places_is_the_key():
    assert Layer("defaults", {"a": 1}).source("a") == Source("defaults", "a")


def test_merge_keeps_what_a_later_layer_does_not_set():
    weak = Layer("weak", {"t": {"a": 1, "b": 1}, "list": [1, 2]})
    strong = Layer("strong", {"t": {"b": 2}, "list": [3]})
    values, sources = merge([weak, strong])
    assert values == {"t": {"a": 1, "b": 2}, "list": [3]}
    assert {key: source.layer for key, source in sources.items()} == {"t.a": "weak", "t.b": "strong", "list": "strong"}


@pytest.mark.parametrize(
    ("stack", "values", "sources"),
    [
        ([{"a": {"b": 1}}, {"a": 2}], {"a": 2}, {"a": 1}),
        ([{"a": 2}, {"a": {"b": 1}}], {"a": {"b": 1}}, {"a.b": 1}),
        ([{"a": {}}], {"a": {}}, {"a": 0}),
        ([{"a": {}}, {"a": {"b": 1}}], {"a": {"b": 1}}, {"a.b": 1}),
        ([{"a": {"b": 1}}, {"a": {}}], {"a": {"b": 1}}, {"a.b": 0}),
        ([{"a": 1}, {"a": {}}], {"a": {}}, {"a": 1}),
        ([{"ab": 1, "a": {"c": 1}}, {"a": 1}], {"ab": 1, "a": 1}, {"ab": 0, "a": 1}),
    ],
)
def test_merge_table_against_value_leaves_no_source_of_what_is_gone(stack, values, sources):
    merged, found = merge(Layer(str(number), layer) for number, layer in enumerate(stack))
    assert merged == values
    assert {key: int(source.layer) for key, source in found.items()} == sources


def test_merge_does_not_change_its_layers():
    weak = Layer("weak", {"a": 1, "b": {"x": 1}})
    middle = Layer("middle", {"a": {"c": 1}})
    before = tomllib.loads("a = {c = 1}")
    merge([weak, middle, Layer("strong", {"a": {"d": 2}, "b": {"x": 2}})])
    assert middle.values == before
    assert weak.values == {"a": 1, "b": {"x": 1}}

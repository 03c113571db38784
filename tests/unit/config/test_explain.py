"""`config explain`: each value with source, type and meaning."""

from __future__ import annotations

import msgspec
import pytest

from truegreen import registry
from truegreen.config import settings as config
from truegreen.config.explain import field_docs, rows
from truegreen.config.schema import ProjectOptions, ServiceOptions

PROJECT = """\
[project]
name = "x"
[tool.truegreen.gates.coverage]
line = 85
[tool.truegreen.services.db]
kind = "postgres"
"""


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    return config.load(tmp_path, assignments=["unit.enabled=false"])


@pytest.fixture
def explained(settings):
    return {row.key: row for row in rows(settings)}


@pytest.mark.parametrize(
    ("key", "value", "source", "place", "kind"),
    [
        ("gates.coverage.line", 85.0, "repository", "pyproject.toml:4", "float"),
        ("gates.coverage.branch", 0.0, "built-in default", "", "float"),
        ("gates.full-run-budget.max-s", 300.0, "shipped defaults", "defaults.toml:11", "float"),
        ("gates.time-budget.suite-s", {"unit": 30.0}, "shipped defaults", "defaults.toml:8", "dict[str, float]"),
        ("unit.enabled", False, "command line", "--set", "bool"),
        ("groups", ["dev", "test", "tests"], "built-in default", "", "list[str]"),
        ("components", {}, "built-in default", "", "dict[str, Component]"),
        ("python", "", "built-in default", "", "str"),
    ],
)
def test_rows_show_value_source_place_and_type(explained, key, value, source, place, kind):
    row = explained[key]
    assert (row.value, row.source, row.place, row.type) == (value, source, place, kind)


def test_rows_table_of_named_tables_is_shown_whole_with_its_source(explained):
    row = explained["services"]
    assert row.value["db"]["kind"] == "postgres"
    assert (row.source, row.place) == ("repository", "pyproject.toml:6")


def test_rows_notifier_without_a_table_has_no_value(explained, tmp_path):
    name = next(key for key in explained if key.startswith("notify.slack."))
    assert explained[name].value is None
    (tmp_path / "pyproject.toml").write_text("[tool.truegreen.notify.slack]\n")
    shown = {row.key: row for row in rows(config.load(tmp_path))}
    assert any(row.value is not None for key, row in shown.items() if key.startswith("notify.slack."))


def test_rows_list_every_field_of_every_table_once_and_can_be_json(settings):
    found = rows(settings)
    keys = [row.key for row in found]
    wanted = sum(len(msgspec.structs.fields(struct)) for struct in config.known_tables().values())
    assert len(set(keys)) == len(keys) == wanted
    assert len(msgspec.json.decode(msgspec.json.encode(found))) == wanted


@pytest.mark.parametrize("prefix", ["gates.coverage", "gates.coverage.line", "unit."])
def test_rows_prefix_keeps_only_keys_that_begin_with_it(settings, prefix):
    found = [row.key for row in rows(settings, prefix)]
    assert found
    assert all(key.startswith(prefix) for key in found)


def test_rows_prefix_of_nothing_is_empty(settings):
    assert rows(settings, "zzz") == []


def test_rows_type_is_written_as_the_reader_would_write_it(explained):
    kinds = {key: row.type for key, row in explained.items()}
    assert kinds["unit.env"] == "dict[str, str]"
    assert kinds["unit.services"] == "list[str]"
    assert set(kinds.values()) & {"Annotated", "Literal", "Union", "Optional", "tuple", "list", "dict"} == set()
    assert kinds["notify.slack.on"] == "list[opened | still-failing | recovered]"


def test_field_docs_read_the_text_below_a_field_and_of_its_bases():
    docs = field_docs(registry.load("gate", "coverage").Options)
    assert docs["line"].startswith("Least line coverage")
    assert docs["enabled"].startswith("False removes the gate")
    assert field_docs(ProjectOptions)["extras"] == "Extras of the project to install with it."
    assert "database" not in field_docs(ServiceOptions)


def test_field_docs_skip_bases_that_are_no_record():
    class Mixin:
        other: int = 1
        """Not a field."""

    class Record(Mixin, msgspec.Struct):
        """A record."""

        first: int = 0
        """The first.

        In two parts.
        """
        second: int = 0
        third: int = 0
        # a comment is no documentation
        FOURTH = 4
        """No annotation, no field."""

    assert field_docs(Record) == {"first": "The first.\n\nIn two parts."}

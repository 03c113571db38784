"""What holds for every member of every family: one file, one line in the registry, one docstring."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from truegreen import registry
from truegreen.config.explain import field_docs
from truegreen.config.settings import known_tables
from truegreen.errors import UnknownName
from truegreen.gates.base import RUN, GateOptions
from truegreen.model.run import StageEvidence
from truegreen.stages.common.options import StageOptions

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
ENTRIES = [(kind, name) for kind, family in registry.FAMILIES.items() for name in family]
# Family → its folder, and the methods by which a class is one of its members.
FOLDERS = {
    "stage": ("stages", {"run"}),
    "reader": ("ingest", {"read"}),
    "gate": ("gates", {"evaluate"}),
    "reporter": ("reporters", {"render"}),
    "notifier": ("notifiers", {"plan", "deliver"}),
    "store": ("stores", {"append"}),
    "service": ("services/catalogue", {"probe"}),
    "provider": ("services/providers", {"start"}),
    "observer": ("stages/observers", {"position", "between"}),
}
OPTIONS = {"stage": StageOptions, "gate": GateOptions, "notifier": msgspec.Struct}
# Family → the attribute that repeats the registered name; a provider may be known by the table alone.
NAMES = {
    "stage": "name",
    "gate": "id",
    "reporter": "name",
    "reader": "kind",
    "service": "kind",
    "notifier": "name",
    "store": "name",
    "observer": "kind",
}

each_entry = pytest.mark.parametrize(("kind", "name"), ENTRIES, ids=[f"{kind}-{name}" for kind, name in ENTRIES])
each_gate = pytest.mark.parametrize("name", registry.names("gate"))


def members(kind: str) -> list[type[Any]]:
    """Return the classes of a family."""
    return [registry.load(kind, name) for name in registry.names(kind)]


@each_entry
def test_entry_loads_and_explains_itself(kind: str, name: str) -> None:
    cls = registry.load(kind, name)
    module = importlib.import_module(cls.__module__)
    assert inspect.isclass(cls)
    assert (cls.__doc__ or "").strip(), f"{kind} {name} has no docstring: it is its documentation page"
    assert (module.__doc__ or "").strip()


@pytest.mark.parametrize(("kind", "name"), [entry for entry in ENTRIES if entry[0] in OPTIONS])
def test_entry_with_options_says_what_each_key_means(kind: str, name: str) -> None:
    options = registry.load(kind, name).Options
    assert issubclass(options, OPTIONS[kind])
    unexplained = {field.name for field in msgspec.structs.fields(options)} - field_docs(options).keys()
    assert not unexplained, f"no docstring below: {sorted(unexplained)}"


@pytest.mark.parametrize("kind", OPTIONS)
def test_options_have_defaults_so_that_nothing_must_be_configured(kind: str) -> None:
    for cls in members(kind):
        assert cls.Options() is not None


def is_member(kind: str, cls: type[Any]) -> bool:
    """Return whether a class has what its family asks for: the methods, and a name where members have one."""
    named = bool(getattr(cls, NAMES[kind], "")) if kind in NAMES else True
    return named and all(callable(getattr(cls, method, None)) for method in FOLDERS[kind][1])


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_file_of_a_family_is_registered(kind: str) -> None:
    registered = set(registry.FAMILIES[kind].values())
    for path in sorted((SCRIPTS / "truegreen" / FOLDERS[kind][0]).glob("*.py")):
        name = ".".join(path.relative_to(SCRIPTS).with_suffix("").parts)
        for cls in vars(importlib.import_module(name)).values():
            if inspect.isclass(cls) and cls.__module__ == name and is_member(kind, cls) and path.stem != "base":
                assert f"{name}:{cls.__name__}" in registered, f"{name}:{cls.__name__} is no {kind} of the registry"


@pytest.mark.parametrize("kind", FOLDERS)
def test_registered_class_is_a_member_and_lives_in_the_folder_of_its_family(kind: str) -> None:
    package = "truegreen." + FOLDERS[kind][0].replace("/", ".")
    for cls in members(kind):
        assert is_member(kind, cls), cls.__name__
        assert cls.__module__.rpartition(".")[0] == package, f"{cls.__module__} is not in {package}"


@pytest.mark.parametrize("kind", NAMES)
def test_name_in_the_table_is_the_name_of_the_class(kind: str) -> None:
    assert [getattr(cls, NAMES[kind]) for cls in members(kind)] == list(registry.names(kind))


@pytest.mark.parametrize("kind", registry.FAMILIES)
def test_folder_of_each_family_is_checked(kind: str) -> None:
    assert kind in FOLDERS


@each_gate
def test_gate_judges_stages_and_needs_parts_that_exist(name: str) -> None:
    gate = registry.load("gate", name)
    parts = {field.name for field in msgspec.structs.fields(StageEvidence)}
    assert gate.stages
    assert gate.stages <= {*registry.names("stage"), RUN}
    assert gate.needs <= parts


@pytest.mark.parametrize("name", registry.names("reader"))
def test_reader_fills_a_part_of_the_evidence(name: str) -> None:
    assert registry.load("reader", name).part in {field.name for field in msgspec.structs.fields(StageEvidence)}


def test_each_table_of_the_configuration_belongs_to_one_member() -> None:
    tables = known_tables()
    assert {table for table in tables if table and "." not in table} == {*registry.names("stage"), "history", "report"}
    assert {table.removeprefix("gates.") for table in tables if table.startswith("gates.")} == set(
        registry.names("gate")
    )


def test_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UnknownName) as caught:
        registry.load("gate", "coverag")
    assert "coverage" in caught.value.fix


def test_registry_imports_no_member_before_it_is_asked_for() -> None:
    tree = ast.parse((SCRIPTS / "truegreen" / "registry.py").read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in imported if name.startswith("truegreen.")} == {"truegreen.errors"}


_WITHOUT = ("pytest", "_pytest", "hypothesis", "aiohttp", "jsonschema", "openapi_core", "github", "psycopg", "asyncio")
_LOAD_ALL = f"""
import sys
sys.path.insert(0, {str(SCRIPTS)!r})
sys.modules.update(dict.fromkeys({_WITHOUT!r}))  # importing one of them raises
from truegreen import registry
for kind, family in registry.FAMILIES.items():
    for name in family:
        registry.load(kind, name)
"""


def test_every_member_loads_without_development_packages_and_extras() -> None:
    # Every command loads the options of all members; in a job there is nothing but the core's distributions.
    done = subprocess.run([sys.executable, "-I", "-c", _LOAD_ALL], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

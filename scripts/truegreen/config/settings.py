"""Settings: validated, typed values, each with its source."""

from __future__ import annotations

import difflib
import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen import registry
from truegreen.config import layers as layering
from truegreen.config.layers import Layer, Source
from truegreen.config.schema import (
    Component,
    HistoryOptions,
    ProcessOptions,
    ProjectOptions,
    ReportOptions,
    ServiceOptions,
)
from truegreen.config.toml_lines import nearest
from truegreen.errors import UnknownKey, WrongValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_TABLE_FAMILIES = {"gates": "gate", "notify": "notifier"}
_NAMED_TABLES: dict[str, type[msgspec.Struct]] = {
    "components": Component,
    "services": ServiceOptions,
    "processes": ProcessOptions,
}
"""Tables of tables whose names the user chooses."""
_SINGLE_TABLES: dict[str, type[msgspec.Struct]] = {"history": HistoryOptions, "report": ReportOptions}
PRESETS = Path(__file__).with_name("presets")
"""Folder of the shipped presets."""
_INDEX = re.compile(r"\[\d+\]")
_OPTION = re.compile(r"[a-z][a-z-]*")
_FOLDERS = ("services", "processes")
"""Named tables whose names become those of files and folders."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration of one run."""

    root: Path
    project: ProjectOptions
    stages: dict[str, Any]
    """Stage name → its Options."""
    gates: dict[str, Any]
    """Gate id → its Options."""
    notify: dict[str, Any]
    """Notifier name → its Options, only those with a table."""
    history: HistoryOptions
    report: ReportOptions
    sources: dict[str, Source]
    """Dotted key → source, for every value that some layer set."""

    def disabled(self) -> dict[str, str]:
        """Return stage → reason for every stage that is left out of all plans."""
        return {name: stage.why for name, stage in self.stages.items() if not stage.enabled}


def load(start: Path, *, assignments: Iterable[str] = (), env: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the project at or above a folder.

    Args:
        start: where to look for `pyproject.toml`.
        assignments: `key=value` texts of `--set`.
        env: process environment, for its two layers.

    Raises:
        ConfigurationError: missing, malformed, unknown key (with the nearest known), wrong type.
    """
    root = layering.find_project(start)
    defaults = Path(__file__).with_name("defaults.toml")
    own = [
        layering.toml_layer("repository", root / "pyproject.toml", "tool.truegreen", "pyproject.toml"),
        *layering.environment_layers(env or {}),
        layering.assignments_layer("command line", [("--set", text) for text in assignments]),
    ]
    stack = [layering.toml_layer("shipped defaults", defaults, label="defaults.toml"), *_preset(root, own), *own]
    for layer in stack:
        _reject_unknown(layer)
    values, sources = layering.merge(stack)
    return _typed(root, values, sources)


def shipped(root: Path) -> Settings:
    """Return the settings of a project that configures nothing: for what must be said where its own cannot be read."""
    defaults = Path(__file__).with_name("defaults.toml")
    return _typed(root, *layering.merge([layering.toml_layer("shipped defaults", defaults, label="defaults.toml")]))


def presets() -> tuple[str, ...]:
    """Return the names of the shipped presets."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.toml")))


def _preset(root: Path, own: Iterable[Layer]) -> Iterator[Layer]:
    """Yield the layers of the preset that the strongest layer names: the shipped one it builds on, then its own."""
    named = [layer for layer in own if layer.values.get("preset")]
    if not named:
        return
    layer = _preset_layer(root, named[-1])
    if "preset" in layer.values:
        if layer.values["preset"] not in presets():
            where = layer.source("preset").place
            fix = f"name a shipped one ({', '.join(presets())}), or take the line out"
            raise WrongValue("a preset builds on no other file", where=where, fix=fix)
        yield _preset_layer(root, layer)
    yield layer


def _preset_layer(root: Path, asking: Layer) -> Layer:
    """Return the preset that a layer names: a shipped one by its word, else the organisation's file."""
    name, source = asking.values["preset"], asking.source("preset")
    where = f"{source.layer}, {source.place}"
    if not isinstance(name, str):
        fix = 'write for example preset = "strict", or preset = "ci/truegreen.toml"'
        raise WrongValue("preset names no file", where=where, fix=fix)
    if name in presets():
        return layering.toml_layer(f"preset {name}", PRESETS / f"{name}.toml", label=f"{name}.toml")
    if (root / name).is_file():
        return layering.toml_layer("organisation preset", root / name, label=name)
    near = difflib.get_close_matches(name, presets(), n=1)
    hint = f"perhaps you meant {near[0]}; else " if near else ""
    fix = f"{hint}name one of {', '.join(presets())}, or a TOML file relative to the project"
    raise WrongValue(f"there is no preset {name}", where=where, fix=fix)


def known_tables() -> dict[str, type[msgspec.Struct]]:
    """Return dotted table → the Struct that types it; `*` stands for a name the user chooses."""
    tables: dict[str, type[msgspec.Struct]] = {"": ProjectOptions}
    tables.update(_SINGLE_TABLES)
    tables.update({name: registry.load("stage", name).Options for name in registry.names("stage")})
    tables.update({f"gates.{name}": registry.load("gate", name).Options for name in registry.names("gate")})
    tables.update({f"notify.{name}": registry.load("notifier", name).Options for name in registry.names("notifier")})
    return tables


def _typed(root: Path, values: dict[str, Any], sources: dict[str, Source]) -> Settings:
    top = {key: value for key, value in values.items() if key in _fields(ProjectOptions)}
    gate_tables = values.get("gates", {})
    notify_tables = values.get("notify", {})
    return Settings(
        root=root,
        project=_convert(top, ProjectOptions, "", sources),
        stages={
            name: _convert(values.get(name, {}), registry.load("stage", name).Options, name, sources)
            for name in registry.names("stage")
        },
        gates={
            name: _convert(gate_tables.get(name, {}), registry.load("gate", name).Options, f"gates.{name}", sources)
            for name in registry.names("gate")
        },
        notify={
            name: _convert(table, registry.load("notifier", name).Options, f"notify.{name}", sources)
            for name, table in notify_tables.items()
        },
        history=_convert(values.get("history", {}), HistoryOptions, "history", sources),
        report=_convert(values.get("report", {}), ReportOptions, "report", sources),
        sources=sources,
    )


def _reject_unknown(layer: Layer) -> None:
    """Refuse top-level keys and table names that nothing reads; fields are checked by the Structs."""
    tops = {*_fields(ProjectOptions), *registry.names("stage"), *_TABLE_FAMILIES, *_SINGLE_TABLES}
    _check_names(layer, layer.values, tops, "")
    for table, family in _TABLE_FAMILIES.items():
        inner = layer.values.get(table, {})
        if not isinstance(inner, dict):
            raise WrongValue(f"{table} must be a table", where=layer.source(table).place, fix=f"write [{table}.NAME]")
        _check_names(layer, inner, set(registry.names(family)), f"{table}.")
        for name, values in inner.items():
            _check_fields(layer, values, registry.load(family, name).Options, f"{table}.{name}")
    for table, options in _NAMED_TABLES.items():
        inner = layer.values.get(table, {})
        for name, values in inner.items() if isinstance(inner, dict) else ():
            _check_fields(layer, values, options, f"{table}.{name}")
            _check_folder(layer, table, name)
    for table, options in _SINGLE_TABLES.items():
        if table in layer.values:
            _check_fields(layer, layer.values[table], options, table)
    for name in registry.names("stage"):
        if name in layer.values:
            _check_fields(layer, layer.values[name], registry.load("stage", name).Options, name)


def _check_fields(layer: Layer, values: Any, options: type[msgspec.Struct], table: str) -> None:
    if not isinstance(values, dict):
        raise WrongValue(f"{table} must be a table", where=layer.source(table).place, fix="write it as a TOML table")
    _check_names(layer, values, _fields(options), f"{table}.")


def _check_folder(layer: Layer, table: str, name: str) -> None:
    if table in _FOLDERS and not _NAME.fullmatch(name):
        raise WrongValue(
            f"{name!r} is no name for one of the {table}",
            where=f"{layer.name}, {layer.source(f'{table}.{name}').place}",
            why="files and folders are called by it",
            fix="letters, digits, _, - and . make a name, which begins with a letter or digit",
        )


def _check_names(layer: Layer, values: Mapping[str, Any], known: set[str], prefix: str) -> None:
    for key in values:
        if key in known:
            continue
        near = difflib.get_close_matches(key, known, n=1)
        raise UnknownKey(
            f"unknown key {prefix}{key}",
            where=f"{layer.name}, {layer.source(prefix + key).place}",
            why="a misspelt key would silently change nothing",
            fix=f"perhaps you meant {prefix}{near[0]}" if near else "known here: " + ", ".join(sorted(known)),
        )


def _convert(values: Any, options: type[Any], table: str, sources: Mapping[str, Source]) -> Any:
    if values == {}:  # most tables: resolving the types of their fields costs more than the rest of a configuration
        return options()
    values = _as_written(values, options, table, sources)
    try:
        return msgspec.convert(values, options)
    except msgspec.ValidationError as error:
        # msgspec says of a wrong name in a table: at `key` in `$.table`.
        what, _, path = str(error).replace(" - at `key` in `$", " - at `$").partition(" - at `$")
        path = _spelt_out(values, options, path.rstrip("`").lstrip("."), str(error))
        key = ".".join(part for part in (table, path) if part)
        option, what, fix = _own_words(what)
        if any(f"{name}.".startswith(f"{key}.{option}.") for name in sources):
            key = f"{key}.{option}"
        source = _source(sources, _INDEX.sub("", key))
        about = table or _INDEX.sub("", path).partition(".")[0]
        raise WrongValue(
            f"{key}: {what[:1].lower()}{what[1:]}",
            where=f"{source.layer}, {source.place}".strip(", "),
            fix=fix
            or _choices(options, path, what)
            or f"see `truegreen config explain {about}` for the type and the default",
        ) from None


def _own_words(what: str) -> tuple[str, str, str]:
    """Return option, reason and way out of what a check of ours says, `option: reason; way out`, each perhaps empty."""
    if what.startswith(("Expected ", "Invalid ", "Object ")):  # msgspec's words, which may quote anything
        return "", what, ""
    what, _, fix = what.partition("; ")
    option, _, said = what.partition(": ")
    return (option, said, fix) if said and _OPTION.fullmatch(option) else ("", what, fix)


def _choices(options: type[Any], path: str, what: str) -> str:
    """Return the values that the key at a path takes, where it takes only some."""
    if not what.startswith("Invalid enum value"):
        return ""
    node: Any = msgspec.inspect.type_info(options)
    for part in path.replace("[", ".[").split("."):
        if isinstance(node, msgspec.inspect.StructType):
            node = next(field.type for field in node.fields if field.encode_name == part)
        elif isinstance(node, msgspec.inspect.DictType):
            node = node.value_type
        else:
            node = getattr(node, "item_type", None)
    if isinstance(node, msgspec.inspect.DictType):  # the name in the table is what is wrong
        node = node.key_type
    if isinstance(node, msgspec.inspect.EnumType):
        known = [str(member.value) for member in node.cls]
    elif isinstance(node, msgspec.inspect.LiteralType):
        known = [str(value) for value in node.values]
    else:
        return ""
    near = difflib.get_close_matches(what.partition("'")[2].rstrip("'"), known, n=1)
    return (f"perhaps you meant {near[0]}; " if near else "") + "known values: " + ", ".join(known)


def _as_written(values: Any, options: type[Any], table: str, sources: Mapping[str, Source]) -> Any:
    """Return values in which an option that is a text has the text of its assignment: `python=3.10` is no number."""
    if not isinstance(values, dict):
        return values
    dotted = {
        key: f"{table}.{key}" if table else key for key, value in values.items() if isinstance(value, int | float)
    }
    written = {key: sources[name].text for key, name in dotted.items() if name in sources and sources[name].text}
    if not written:
        return values
    texts = {field.encode_name for field in msgspec.structs.fields(options) if field.type is str}
    return {**values, **{key: text for key, text in written.items() if key in texts}}


def _spelt_out(values: Any, options: type[Any], path: str, said: str) -> str:
    """Return the path with the user's names for msgspec's `[...]`: the entry of which it says the same, alone."""
    keys: tuple[str, ...] = ()
    while "[...]" in path:
        before, _, path = path.partition("[...]")
        keys += tuple(filter(None, before.split(".")))
        names: Any = functools.reduce(lambda node, key: node[key], keys, values)
        name = next(name for name in names if _says(_only(values, (*keys, name)), options) == said)
        keys += (name,)
        values = _only(values, keys)
    return ".".join(keys) + path


def _only(values: Any, keys: tuple[str, ...]) -> Any:
    """Return a copy whose table at the end of the path has that entry only."""
    key, *rest = keys
    return {**values, key: _only(values[key], tuple(rest))} if rest else {key: values[key]}


def _says(values: Any, options: type[Any]) -> str:
    try:
        msgspec.convert(values, options)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _source(sources: Mapping[str, Source], key: str) -> Source:
    below = next((source for name, source in sources.items() if name.startswith(f"{key}.")), None)
    return sources.get(key) or below or nearest(sources, key) or Source("", key)


def _fields(struct: type[msgspec.Struct]) -> set[str]:
    return set(struct.__struct_encode_fields__)

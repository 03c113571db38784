"""Layers of configuration, from weakest to strongest, each value with its source.

Command line > environment > action inputs > `[tool.truegreen]` > organisation preset > shipped
`defaults.toml`. A layer is a nested dictionary; `merge` keeps, for every leaf, which layer set it.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.config.toml_lines import key_lines, line_of, nearest
from truegreen.errors import ConfigSyntax, ProjectMissing, WrongValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

ENV_PREFIX = "TRUEGREEN_SET_"
INPUTS_VARIABLE = "TG_SET"


class Source(msgspec.Struct, frozen=True):
    """Where a value comes from."""

    layer: str
    place: str = ""
    """`file:line`, variable name or flag."""
    text: str = ""
    """What was written where there is no file: there `3.10` may be meant as text."""


class Layer(msgspec.Struct, frozen=True):
    """One layer: its values, and where each dotted key stands."""

    name: str
    values: dict[str, Any]
    file: str = ""
    lines: dict[str, int] = {}
    prefix: str = ""
    """Dotted prefix of the keys inside the file, such as `tool.truegreen`."""
    places: dict[str, str] = {}
    """Dotted key → variable or flag that set it, where there is no file."""
    texts: dict[str, str] = {}
    """Dotted key → what was written, where there is no file."""

    def source(self, key: str) -> Source:
        """Return the source of a dotted key of this layer."""
        if not self.file:
            return Source(self.name, nearest(self.places, key) or key, self.texts.get(key, ""))
        full = f"{self.prefix}.{key}" if self.prefix else key
        line = line_of(self.lines, full)
        return Source(self.name, f"{self.file}:{line}" if line else self.file)


def find_project(start: Path) -> Path:
    """Return the nearest folder at or above `start` with a `pyproject.toml`.

    Raises:
        ProjectMissing: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file():
            return folder
    raise ProjectMissing("there is no pyproject.toml here or in any folder above", where=str(start))


def toml_layer(name: str, path: Path, prefix: str = "", label: str = "") -> Layer:
    """Return the layer in a TOML file, below a dotted prefix; an absent table is an empty layer.

    Raises:
        ConfigSyntax: the file cannot be read, or is not UTF-8 TOML; names the line.
    """
    label = label or str(path)
    text, document = read_toml(path, label)
    for part in filter(None, prefix.split(".")):
        document = document.get(part, {})
        if not isinstance(document, dict):
            raise WrongValue(f"{prefix} must be a table", where=label, fix=f"write [{prefix}]")
    return Layer(name, document, label, key_lines(text), prefix)


def read_toml(path: Path, label: str) -> tuple[str, dict[str, Any]]:
    """Return the text of a TOML file and what it says; `label` is how errors call it.

    Raises:
        ConfigSyntax: the file cannot be read, or is not UTF-8 TOML; names the line.
    """
    try:
        text = path.read_bytes().decode()
        return text, tomllib.loads(text)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigSyntax(f"{path.name} cannot be read", where=label, why=why, fix="check path and rights") from None
    except UnicodeDecodeError as error:
        raise ConfigSyntax(f"{path.name} is not UTF-8", where=label, why=str(error), fix="save it as UTF-8") from None
    except (ValueError, RecursionError) as error:  # besides bad TOML: a number or a nesting beyond all bounds
        raise ConfigSyntax(f"{path.name} is not valid TOML", where=label, why=str(error), fix="mend the line") from None


def assignments_layer(name: str, assignments: Iterable[tuple[str, str]]) -> Layer:
    """Return a layer from `key=value` texts; a value is read as TOML where possible, else as a string."""
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    texts: dict[str, str] = {}
    for place, text in assignments:
        key, sign, raw = text.partition("=")
        if not sign or not key.strip():
            raise WrongValue(f"{text!r} is not key=value", where=place, fix="write for example gates.coverage.line=85")
        node = values
        *parents, leaf = [part.strip() for part in key.strip().split(".")]
        places[dotted := ".".join([*parents, leaf])] = place
        texts[dotted] = raw.strip()
        for parent in parents:
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                raise WrongValue(f"{key.strip()} lies below a value", where=place, fix="set one or the other")
        node[leaf] = scalar(raw.strip())
    return Layer(name, values, places=places, texts=texts)


def scalar(text: str) -> Any:
    """Return a TOML value from text, or the text itself."""
    try:
        document = tomllib.loads(f"v = {text}")
    except (ValueError, RecursionError):
        return text
    return document["v"] if len(document) == 1 else text


def environment_layers(env: Mapping[str, str]) -> tuple[Layer, Layer]:
    """Return the layers of action inputs (`TG_SET`, one assignment a line) and of the environment.

    `TRUEGREEN_SET_GATES__COVERAGE__LINE=85` sets `gates.coverage.line`; `_` stands for `-`.
    """
    inputs = [(INPUTS_VARIABLE, row.strip()) for row in env.get(INPUTS_VARIABLE, "").splitlines() if row.strip()]
    variables = [
        (name, f"{_dotted(name)}={value}") for name, value in sorted(env.items()) if name.startswith(ENV_PREFIX)
    ]
    return assignments_layer("action inputs", inputs), assignments_layer("environment", variables)


def _dotted(variable: str) -> str:
    return variable.removeprefix(ENV_PREFIX).lower().replace("__", ".").replace("_", "-")


def merge(layers: Iterable[Layer]) -> tuple[dict[str, Any], dict[str, Source]]:
    """Merge layers, later ones winning leaf by leaf; returns values and the source of every leaf.

    An empty table is a leaf too: its source says who wrote it.
    """
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for layer in layers:
        _merge_into(values, layer.values, "", layer, sources)
    return values, sources


def _merge_into(
    target: dict[str, Any], update: Mapping[str, Any], prefix: str, layer: Layer, sources: dict[str, Source]
) -> None:
    for key, value in update.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, dict):
            if not isinstance(target.get(key), dict):
                target[key] = {}
                sources[dotted] = layer.source(dotted)
            if value:
                sources.pop(dotted, None)  # its leaves have their own
            _merge_into(target[key], value, f"{dotted}.", layer, sources)
            continue
        for below in [name for name in sources if name.startswith(f"{dotted}.")]:
            del sources[below]
        target[key] = value
        sources[dotted] = layer.source(dotted)

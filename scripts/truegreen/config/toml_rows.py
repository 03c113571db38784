"""Files of rows beside the configuration (`[[waivers]]`): strict records, errors with file and line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from truegreen.config.layers import read_toml
from truegreen.config.toml_lines import key_lines, row_lines
from truegreen.errors import UnknownKey, UnknownName, WrongValue

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_Row = TypeVar("_Row", bound=msgspec.Struct)


class Place(msgspec.Struct, frozen=True):
    """Where a row stands in its file; lines are 1-based, 0 when unknown."""

    file: str
    first: int = 0
    last: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.first}" if self.first else self.file


def find(root: Path, name: str, default: str, key: str) -> Path | None:
    """Return the file of rows of a project; None when it has none.

    Args:
        root: the project.
        name: what the configuration says; empty means the default, which may be absent.
        default: the file's usual name.
        key: the configuration's key, for the error.

    Raises:
        WrongValue: the file that is named is not there, or lies outside the project.
    """
    path = root / (name or default)
    if not path.resolve().is_relative_to(root.resolve()):
        raise WrongValue(f"{name or default} lies outside the project", where=key, fix="keep it in the repository")
    if path.is_file():
        return path
    if name:
        raise WrongValue(f"there is no {name}", where=key, fix="name a file relative to the project, or take it out")
    return None


def read(path: Path, label: str, tables: dict[str, type[msgspec.Struct]]) -> dict[str, list[tuple[Any, Place]]]:
    """Return table → its rows, each with its place.

    Args:
        path: the file.
        label: how errors call it.
        tables: every table that the file may hold, with the record of its rows.

    Raises:
        ConfigSyntax: not UTF-8 TOML.
        UnknownKey: a table or key that nothing reads, with the nearest known one.
        WrongValue: no list of tables, or a value of the wrong type.
    """
    text, document = read_toml(path, label)
    lines = key_lines(text)
    for name in document:
        refuse_unknown(name, tables, Place(label, lines.get(name, 0)), "table")
    return {
        name: [
            (_record(row, struct, place), place)
            for row, place in _places(name, document.get(name, []), row_lines(text, name), label, lines.get(name, 0))
        ]
        for name, struct in tables.items()
    }


def refuse_unknown(name: str, known: Iterable[str], place: Place, noun: str) -> None:
    """Refuse a name that is not known.

    Raises:
        UnknownKey: of a key or table; names the nearest known one.
        UnknownName: of anything else.
    """
    names = list(known)
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1)
    fix = f"perhaps you meant {near[0]!r}" if near else "known: " + ", ".join(names)
    kind = UnknownKey if noun in ("key", "table") else UnknownName
    raise kind(f"unknown {noun} {name!r}", where=str(place), fix=fix)


def _places(
    table: str, rows: Any, spans: list[tuple[int, int]], label: str, line: int
) -> Iterable[tuple[dict[str, Any], Place]]:
    """Yield each row with its place; rows written inline stand where the list begins."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        where = str(Place(label, line))
        raise WrongValue(f"{table} must be a list of tables", where=where, fix=f"write [[{table}]] above each row")
    known = spans if len(spans) == len(rows) else [(line, line)] * len(rows)
    for row, (first, last) in zip(rows, known, strict=True):
        yield row, Place(label, first, last)


def _record(row: dict[str, Any], struct: type[_Row], place: Place) -> _Row:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    hidden = {"file", "line", "last_line"}  # the reader fills them
    for key in row:
        refuse_unknown(key, [name for name in fields if name not in hidden], place, "key")
    empty = [key for key, value in row.items() if isinstance(value, str) and not value.strip()]
    if empty:
        raise WrongValue(f"{empty[0]} is empty", where=str(place), fix="fill it in, or take it out")
    inside = {"file": place.file, "line": place.first, "last_line": place.last}
    try:
        return msgspec.convert({**row, **{key: inside[key] for key in hidden & fields.keys()}}, struct)
    except msgspec.ValidationError as error:
        what, _, key = str(error).removeprefix("Object ").partition(" - at `$.")
        about = f"{key.rstrip('`')}: " if key else ""
        raise WrongValue(f"{about}{what[:1].lower()}{what[1:]}", where=str(place), fix="mend the row") from None

"""Which packages, in which versions, the project's lock files name."""

from __future__ import annotations

import posixpath
import re
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.stages.common.project import requirement_lists

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TOML_LOCKS = ("uv.lock", "poetry.lock", "pylock.toml", "pdm.lock")
_PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*===?\s*([\w.!+-]+)$")
_INCLUDE = re.compile(r"^(?:-r|--requirement)[\s=]*(\S+)$")
_LOCAL_SOURCES = ("editable", "virtual", "directory")
_FOREIGN_SOURCES = ("git", "url", "path", "vcs", "archive")


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """One package in one version."""

    name: str
    version: str
    source: str
    """File that names it."""
    line: int = 0


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """What the lock files say."""

    pins: tuple[Pin, ...] = ()
    loose: tuple[str, ...] = ()
    """What no advisory can be looked up for, each as `name: reason`."""
    unpinned: tuple[str, ...] = ()
    """The same for requirements without a version, which a resolver can give one."""
    files: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    """Other requirements files that this one names."""


def read_locks(root: Path) -> Locked:
    """Return the pins of every lock file and every list of requirements; no `files` means that there is none."""
    return joined(read_parts(root))


def read_parts(root: Path) -> list[Locked]:
    """Return what each lock file and each list of requirements says, with the lists that others include."""
    locks = [name for name in _TOML_LOCKS if (root / name).is_file()]
    locks += sorted(path.name for path in root.glob("pylock.*.toml"))
    lists = requirement_lists(root)
    parts = [_from_toml(root, name) for name in locks]
    for name in lists:  # grows by what the files include
        part = requirements(root, name)
        lists += [other for other in part.includes if other not in lists]
        parts.append(part)
    return parts


def joined(parts: Sequence[Locked]) -> Locked:
    """Return several files as one."""
    return Locked(
        pins=tuple(pin for part in parts for pin in part.pins),
        loose=tuple(text for part in parts for text in part.loose),
        unpinned=tuple(text for part in parts for text in part.unpinned),
        files=tuple(name for part in parts for name in part.files),
    )


def requirements(root: Path, name: str, text: str | None = None) -> Locked:
    """Return the pins of a requirements file; `text` replaces its content."""
    if text is None:
        if not (root / name).resolve().is_relative_to(root.resolve()):
            return Locked(loose=(f"{name}: it lies outside the project and is not read",), files=(name,))
        try:
            text = (root / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            return Locked(loose=(f"{name}: {error}",), files=(name,))
    pins, unpinned, includes = [], [], []
    for number, row in _logical(text):
        if found := _INCLUDE.match(row):
            includes.append(posixpath.normpath(posixpath.join(posixpath.dirname(name), found.group(1))))
            continue
        if row.startswith(("-e", "--editable", ".")):
            continue  # the project itself
        if row.startswith("-"):
            continue
        bare = re.sub(r"\s--hash=\S+", "", row).partition(";")[0].strip()
        if found := _PINNED.match(bare):
            pins.append(Pin(name=found.group(1), version=found.group(2), source=name, line=number))
        else:
            unpinned.append(f"{name}:{number}: {bare[:120]} is not pinned to a version")
    return Locked(pins=tuple(pins), unpinned=tuple(unpinned), files=(name,), includes=tuple(includes))


def _from_toml(root: Path, name: str) -> Locked:
    try:
        text = (root / name).read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        return Locked(loose=(f"{name}: {error}",), files=(name,))
    lines = _name_lines(text)
    pins, loose = [], []
    rows = document.get("package", document.get("packages"))
    if not isinstance(rows, list):
        return Locked(loose=(f"{name}: it names no package, not even the project; is it whole?",), files=(name,))
    for row in rows:
        package = str(row.get("name", "?")) if isinstance(row, dict) else "?"
        if not isinstance(row, dict) or _local(row):
            continue
        if foreign := _foreign(row):
            loose.append(f"{name}: {package} comes from {foreign}, advisories know only releases on the index")
        elif isinstance(row.get("version"), str):
            at = lines.get((package, row["version"]), 0)
            pins.append(Pin(name=package, version=row["version"], source=name, line=at))
        else:
            loose.append(f"{name}: {package} has no version")
    return Locked(pins=tuple(pins), loose=tuple(loose), files=(name,))


def _local(row: dict[str, Any]) -> bool:
    """Return whether a package is the project itself or lies in its folder."""
    source = row.get("source")
    if isinstance(source, dict):
        return any(key in source for key in _LOCAL_SOURCES) or source.get("type") == "directory"
    return "directory" in row


def _foreign(row: dict[str, Any]) -> str:
    source = row.get("source")
    if isinstance(source, dict):
        kind = source.get("type") if source.get("type") in ("git", "url", "file") else ""
        return str(kind or next((key for key in _FOREIGN_SOURCES if key in source), ""))
    return next((key for key in ("vcs", "archive", "git", "url", "path") if key in row), "")


def _name_lines(text: str) -> dict[tuple[str, str], int]:
    """Return (name, version) → line of the name, for lock files written one key a line."""
    found: dict[tuple[str, str], int] = {}
    name, line = "", 0
    for number, row in enumerate(text.splitlines(), 1):
        key, _, value = row.partition(" = ")
        if key == "name":
            name, line = value.strip().strip("\"'"), number
        elif key == "version" and name:
            found.setdefault((name, value.strip().strip("\"'")), line)
            name = ""
    return found


def _logical(text: str) -> list[tuple[int, str]]:
    """Return (line number, content) with continued lines joined and comments removed."""
    rows: list[tuple[int, str]] = []
    start, held = 0, ""
    for number, row in enumerate(text.splitlines(), 1):
        start = start if held else number
        held += re.sub(r"(^|\s)#.*$", "", row).rstrip()
        if held.endswith("\\"):
            held = held[:-1] + " "
            continue
        if held.strip():
            rows.append((start, held.strip()))
        held = ""
    if held.strip():
        rows.append((start, held.strip()))
    return rows

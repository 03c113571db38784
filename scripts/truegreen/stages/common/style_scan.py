"""How the tests of a project are written, kept as evidence; nothing of the project is run."""

from __future__ import annotations

import configparser
import posixpath
import tomllib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.analysis import style
from truegreen.errors import TruegreenError
from truegreen.runtime import files
from truegreen.stages.common import scan_sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from truegreen.model.style import StyleScan
    from truegreen.stages.common.scan_bench import Bench

FILE = "test-style.json"
KIND = "test-style"
_LIMIT_BYTES = 4 << 20
_FOLDERS = frozenset({"test", "tests", "testing"})
_ELSEWHERE = (".py", ".md", ".rst", ".txt")
_INI = (("pytest.ini", "pytest"), (".pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest"))
_DEFAULTS = style.Choices()


def leave(bench: Bench, paths: Sequence[str]) -> None:
    """Write `test-style.json` about the tests of a project.

    Args:
        bench: of the stage.
        paths: where Python code lies.
    """
    found = scan(bench.context, paths)
    files.write_atomic(bench.context.out / FILE, msgspec.json.encode(found))
    bench.keep(FILE, KIND)


def scan(context: scan_sources.Place, paths: Sequence[str]) -> StyleScan:
    """Return what the sources of the tests below some paths say.

    Where pytest's `testpaths` is set, only what lies there is a test of the project.
    """
    settings = _settings(context.root)
    choices = style.Choices(
        files=_words(settings, "python_files") or _DEFAULTS.files,
        classes=_words(settings, "python_classes") or _DEFAULTS.classes,
        functions=_words(settings, "python_functions") or _DEFAULTS.functions,
        paths=tuple(posixpath.normpath(path) for path in _words(settings, "testpaths")),
    )
    every = scan_sources.find(context, paths, (), _ELSEWHERE).files
    chosen = [name for name in every if name.endswith(".py") and _of_tests(name, choices)]
    texts, unread = {}, []
    for name in chosen:
        if not name.isprintable():  # such as bytes that are no UTF-8: no record could hold it
            unread.append(f"{name!a}: its name cannot be written")
            continue
        try:
            texts[name] = files.read_limited(context.root / name, _LIMIT_BYTES).decode("utf-8-sig")
        except (TruegreenError, OSError, UnicodeDecodeError) as error:
            unread.append(f"{name}: {error}")
    others = [name for name in every if name not in texts]
    return style.scan(texts, choices, unread=unread, elsewhere=lambda: _texts(context.root, others))


def _of_tests(name: str, choices: style.Choices) -> bool:
    """Return whether a file is one of tests, or helps them."""
    base = posixpath.basename(name)
    return (
        base == "conftest.py"
        or any(fnmatchcase(base, pattern) for pattern in choices.files)
        or not _FOLDERS.isdisjoint(name.split("/")[:-1])
        or (bool(choices.paths) and choices.judged(name))
    )


def _texts(root: Path, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        try:
            yield files.read_limited(root / name, _LIMIT_BYTES).decode("utf-8", "replace")
        except (TruegreenError, OSError):
            continue


def _settings(root: Path) -> dict[str, Any]:
    """Return pytest's own options, from the first file that has them; none where nothing can be read."""
    for name, section in _INI[:2]:
        if (found := _ini(root / name, section)) is not None:
            return found
    try:
        table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        table = {}
    tool = table.get("tool", {}).get("pytest", {}) if isinstance(table.get("tool", {}), dict) else {}
    own = tool.get("ini_options", tool) if isinstance(tool, dict) else {}
    if isinstance(own, dict) and own:
        return own
    return next((found for name, section in _INI[2:] if (found := _ini(root / name, section)) is not None), {})


def _ini(path: Path, section: str) -> dict[str, Any] | None:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):
        return None
    return dict(parser[section]) if parser.has_section(section) else None


def _words(settings: dict[str, Any], key: str) -> tuple[str, ...]:
    value = settings.get(key, ())
    words = value.split() if isinstance(value, str) else value if isinstance(value, (list, tuple)) else ()
    return tuple(word for word in words if isinstance(word, str) and word)

"""What a replaced thing is called, whose it is, and which line of the user's own code replaced it."""

from __future__ import annotations

import datetime as dt
import os
import sys
import sysconfig
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path, PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

_OWN = str(Path(__file__).parent)
_STDLIB = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), str(Path(os.__file__).parent)})
_INSTALLED = ("site-packages", "dist-packages")
_BELOW = ("", "src", "lib", "python")
"""Folders of a project in which its packages may lie."""
_SCALARS = (str, bytes, int, float, complex, bool)
_PATHS = (PurePosixPath, PureWindowsPath, PosixPath, WindowsPath)
_TIMES = (dt.datetime, dt.date, dt.time, dt.timedelta, dt.timezone)
_VALUES = frozenset({*_SCALARS, *_PATHS, *_TIMES, type(None), Decimal, Fraction, UUID})
_COLLECTIONS = frozenset({list, tuple, set, frozenset, dict})
_ENTRIES_MAX = 200
"""Of a collection, with those of collections in it; one that is larger, or holds itself, is taken for no setting."""
_SQLITE = "sqlite"
_RUNNER = os.path.join("_pytest", "runner.py")  # noqa: PTH118 - the end of a name
_LIMIT = 200
"""Characters of a name; longer ones are cut."""
NAMELESS = "something that cannot be named"


class Names:
    """Names of one session; what was found out about a module or a file is kept."""

    def __init__(self, config: pytest.Config) -> None:
        self._root = str(config.invocation_params.dir)
        self._roots = {self._root, str(config.rootpath)}
        self._origins: dict[str, str] = {}
        self._users: dict[str, str] = {}
        self._libraries: dict[str, str] = {}

    def origin(self, module: str) -> str:
        """Return whose a module is: `stdlib`, `installed` or `project`; what cannot be told is the project's."""
        top = module.partition(".")[0]
        if top not in self._origins:
            self._origins[top] = self._origin(top)
        return self._origins[top]

    def place(self, wanted: str = "") -> tuple[str, int, str, bool]:
        """Return file and line of the nearest code of the project's own on the stack, and what lies before it.

        The file is relative to where pytest was started; empty where only libraries are on the stack. The third is
        the library that code called, empty where it called none; the fourth whether it asked pytest-mock for a spy.
        Code of the wanted file goes before what is nearer.
        """
        frame: Any = sys._getframe(1)  # noqa: SLF001 - the usual way, and the only quick one
        library, spy, found = "", False, ("", 0)
        while frame is not None:
            name = frame.f_code.co_filename
            if name not in self._users:
                self._users[name] = self._user(name)
            if self._users[name]:
                found = found if found[0] and name != wanted else (self._users[name], frame.f_lineno)
                if not wanted or name == wanted:
                    break
            if name.endswith(_RUNNER):  # what comes before it started pytest, and replaced nothing
                break
            if not found[0] and (known := self._library(name)):
                library, spy = known, spy or (known == "pytest_mock" and frame.f_code.co_name == "spy")
            frame = frame.f_back
        return (*found, library, spy)

    def _library(self, name: str) -> str:
        """Return the top-level module of a file that was installed; empty for pytest's own, and for all others."""
        if name not in self._libraries:
            _, _, rest = next((name.partition(f"{part}{os.sep}") for part in _INSTALLED if part in name), ("", "", ""))
            top = rest.partition(os.sep)[0].removesuffix(".py")
            self._libraries[name] = "" if top in ("_pytest", "pluggy", "xdist") else top
        return self._libraries[name]

    def _origin(self, top: str) -> str:
        if top in getattr(sys, "stdlib_module_names", ()):
            return "stdlib"
        if self._has(top):
            return "project"
        module = sys.modules.get(top)
        paths: Iterable[Any] = [getattr(module, "__file__", None), *(getattr(module, "__path__", None) or ())]
        found = [str(path) for path in paths if path]
        return "installed" if found and any(part in found[0] for part in _INSTALLED) else "project"

    def _has(self, top: str) -> bool:
        """Return whether a package lies in the project's folder; it may have been copied to the environment."""
        folders = (Path(root, below) for root in self._roots for below in _BELOW)
        return any((folder / top / "__init__.py").is_file() or (folder / f"{top}.py").is_file() for folder in folders)

    def _user(self, name: str) -> str:
        """Return the name of a file of the project; empty for libraries, and for code without a file."""
        if name.startswith(("<", _OWN, *_STDLIB)) or any(part in name for part in _INSTALLED):
            return ""
        inside = name.startswith(self._root + os.sep)
        return cut(os.path.relpath(name, self._root).replace(os.sep, "/") if inside else name)

    def of_test(self, item: pytest.Item) -> tuple[str, int]:
        """Return file and line of a test."""
        return self._user(str(item.path)), (item.location[1] or 0) + 1


def cut(name: str) -> str:
    """Return a name that is fit to be written down: of limited length, and without lone surrogates."""
    return name[:_LIMIT].encode("utf-8", "replace").decode()


def dotted(thing: Any) -> str:
    """Return how code names a module, class or function; for any other object the name of its class.

    The object itself is not asked: it may answer with an error, or count the question.
    """
    kind = type(thing)
    if issubclass(kind, ModuleType):
        return str(ModuleType.__getattribute__(thing, "__name__"))
    named = thing if issubclass(kind, (type, FunctionType, BuiltinFunctionType)) else kind
    return f"{named.__module__}.{named.__qualname__}"


def home(thing: Any) -> str:
    """Return the module that a module, class or function comes from; empty for any other object."""
    kind = type(thing)
    if issubclass(kind, (staticmethod, classmethod)):
        return home(thing.__func__)
    if issubclass(kind, ModuleType):
        return dotted(thing)
    if issubclass(kind, (type, FunctionType, BuiltinFunctionType)):
        found = str(thing.__module__ or "")
        return "" if found.startswith("unittest.mock") else found
    return ""


def is_mock(thing: Any) -> bool:
    """Return whether an object is a Mock of any copy of mock."""
    return any(kind.__name__ == "NonCallableMock" for kind in type(thing).__mro__)


def mock_inside(thing: Any) -> Any:
    """Return the mock that an object is, or that a function made by `create_autospec` hands its calls to; else None."""
    found = thing.__dict__.get("mock") if type(thing) is FunctionType else thing
    return found if is_mock(found) else None


def plain(thing: Any) -> bool:
    """Return whether an object is a plain value, so that one in the place of another is a setting.

    A text, number, path, date and their like is, and a small collection of such; but not one with an address of SQLite.
    """
    waiting, looked = [thing], 0
    while waiting:
        entry = waiting.pop()
        kind, looked = type(entry), looked + 1
        if kind in _VALUES or issubclass(kind, Enum):
            if kind is str and entry is not thing and _SQLITE in entry:
                return False
        elif kind not in _COLLECTIONS or looked + len(waiting) + len(entry) > _ENTRIES_MAX:
            return False
        else:
            waiting += [*entry, *entry.values()] if kind is dict else entry
    return True


def is_setting(old: Any, new: Any) -> bool:
    """Return whether one plain value takes the place of another; SQLite's address in the place of nothing is none."""
    return plain(old) and plain(new) and (type(old) in _SCALARS or type(new) is not str or _SQLITE not in new)

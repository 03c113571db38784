"""Takes one dependency away from every instance of one class: what a factory that forgot it would build."""

from __future__ import annotations

import builtins
import functools
import importlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

VARIABLE = "TRUEGREEN_UNWIRE"
"""What to take away, as JSON: `path` of the file below `root`, `owner` (the class), `attributes` that hold it, and
`report`, a file that gets one word for each thing that happened: `built`, `removed`, `stuck`."""


class Unwire:
    """Finds the module with the class that is meant as it is imported, and gives the class another constructor."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._owner: str = asked["owner"]
        self._attributes = [_real(self._owner, name) for name in asked["attributes"]]
        self._report = asked["report"]
        self._place = os.path.realpath(Path(asked["root"], asked["path"]))
        self._tail = "/" + re.split(r"(?:^|/)src/", asked["path"])[-1]
        self._said: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Find a module as everybody else would; the one that is meant is watched while it is executed."""
        for finder in [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if spec.origin and hasattr(spec.loader, "exec_module") and self._means(spec.origin):
                    self._watch(spec.loader)
                return spec
        return None

    def _watch(self, loader: Any) -> None:
        """Watch the classes that a module makes, and only those: also instances that it builds itself are meant."""
        execute = loader.exec_module

        def watched(module: Any) -> None:
            original: Any = builtins.__build_class__

            def build(function: Any, name: str, /, *bases: Any, **keywords: Any) -> Any:
                made = original(function, name, *bases, **keywords)
                own = function.__globals__ is vars(module)
                if own and name == self._owner:
                    self._change(made)
                return made

            builtins.__build_class__ = build
            try:
                execute(module)
            finally:
                builtins.__build_class__ = original

        loader.exec_module = watched

    def _means(self, path: str) -> bool:
        """Return whether a file is the one that is meant, or its installed copy."""
        return os.path.realpath(path) == self._place or path.replace(os.sep, "/").endswith(self._tail)

    def _change(self, made: Any) -> None:
        """Change the constructor of a class; one that a decorator will make of its fields calls a hook at its end."""
        hooks = ["__init__"] if "__init__" in vars(made) else []
        if not hooks and set(self._attributes) <= set(_fields(made)):
            hooks = ["__post_init__", "__attrs_post_init__"]
        for hook in hooks:
            setattr(made, hook, self._without(getattr(made, hook, _nothing)))
            self._say("built")

    def _without(self, constructor: Any) -> Any:
        @functools.wraps(constructor)
        def without(own: Any, *args: Any, **kwargs: Any) -> None:
            constructor(own, *args, **kwargs)
            for name in self._attributes:
                if getattr(own, name, None) is None:
                    continue
                try:
                    object.__setattr__(own, name, None)
                except (AttributeError, TypeError):
                    self._say("stuck")
                else:
                    self._say("removed")

        return without

    def _say(self, word: str) -> None:
        if word not in self._said:
            self._said.add(word)
            with Path(self._report).open("a", encoding="utf-8") as stream:
                stream.write(f"{word}\n")


def _fields(made: Any) -> Any:
    """Return what a class itself annotates; from Python 3.14 on that is made when somebody asks."""
    found = vars(made).get("__annotations__", ())
    if not found and sys.version_info >= (3, 14):
        library = importlib.import_module("annotationlib")
        found = library.get_annotations(made, format=library.Format.FORWARDREF)
    return found


def _nothing(*_: Any) -> None:
    """Stand for a hook that a class does not have."""


def _real(owner: str, attribute: str) -> str:
    """Return the name under which an object keeps an attribute that begins with two underscores."""
    private = attribute.startswith("__") and not attribute.endswith("__")
    return f"_{owner.lstrip('_')}{attribute}" if private else attribute


def start() -> None:
    """Take away what the environment asks for, if anything."""
    if asked := os.environ.get(VARIABLE, ""):
        sys.meta_path.insert(0, Unwire(json.loads(asked)))

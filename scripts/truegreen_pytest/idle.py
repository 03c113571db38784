"""Keeps one background worker from ever starting: a function that does nothing, a process that ends at once."""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

VARIABLE = "TRUEGREEN_IDLE"
"""Which worker, as JSON: `module`, `attribute` (a function, `Class.method`, or `__main__`), and `report`, a file that
gets one word for each thing that happened: `found` (the module was imported), `absent` (it has no such attribute, or
one that cannot be called), `idle` (somebody started the worker, and it did nothing)."""


_PLAIN = {1: None, 7: False}
"""Arguments of `Popen` after the first that say what runs it, by their places: executable and shell."""


class Idle:
    """Finds the worker's module as it is imported, and puts nothing in the place of the worker."""

    def __init__(self, asked: dict[str, str]) -> None:
        self._module = asked["module"]
        self._attribute = asked["attribute"]
        self._report = asked["report"]
        self._said: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Find a module as everybody else would; in the one that is meant, the worker is replaced once it is there."""
        if name != self._module:
            return None
        for finder in [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    self._watch(spec.loader)
                return spec
        return None

    def _watch(self, loader: Any) -> None:
        execute = loader.exec_module

        def watched(module: Any) -> None:
            execute(module)
            self._say("found")
            self._replace(module)

        loader.exec_module = watched

    def _replace(self, module: Any) -> None:
        if self._attribute == "__main__":  # the process alone
            return
        *owners, name = self._attribute.split(".")
        try:
            owner: Any = functools.reduce(getattr, owners, module)
            worker = inspect.getattr_static(owner, name)
        except AttributeError:
            self._say("absent")
            return
        plain = worker.__func__ if isinstance(worker, (staticmethod, classmethod)) else worker
        if inspect.isclass(plain) or not callable(plain):
            self._say("absent")
            return
        nothing = self._nothing(plain)
        setattr(owner, name, type(worker)(nothing) if plain is not worker else nothing)

    def _nothing(self, worker: Any) -> Any:
        if inspect.iscoroutinefunction(worker):

            @functools.wraps(worker)
            async def later(*_: Any, **__: Any) -> None:
                self._say("idle")

            return later

        @functools.wraps(worker)
        def now(*_: Any, **__: Any) -> None:
            self._say("idle")

        return now

    def processes(self) -> None:
        """Let processes that are the worker end at once, also those of asyncio, which come from `Popen` as well."""
        original: Any = subprocess.Popen.__init__

        @functools.wraps(original)
        def start(own: Any, args: Any, *others: Any, **options: Any) -> None:
            if self._means(args):
                self._say("idle")
                args = [sys.executable, "-c", ""]
                others = tuple(_PLAIN.get(place, value) for place, value in enumerate(others))
                options = {key: value for key, value in options.items() if key not in ("shell", "executable")}
            original(own, args, *others, **options)

        setattr(subprocess.Popen, "__init__", start)  # noqa: B010 - its type has overloads

    def _means(self, args: Any) -> bool:
        """Return whether words run the worker: `python -m MODULE`, its file, or a script of the project for it."""
        if isinstance(args, (str, bytes, os.PathLike)):
            words = os.fsdecode(args).split()
        else:
            words = [os.fsdecode(word) for word in args]
        tail = "/" + self._module.replace(".", "/") + ".py"
        by_name = "-m" in words[:-1] and words[words.index("-m") + 1] == self._module
        if by_name or any(("/" + word.replace(os.sep, "/")).endswith(tail) for word in words[:2]):
            return self._attribute == "__main__" or self._attribute in _called_first(self._module)
        return bool(words) and Path(words[0]).name in self._scripts

    @functools.cached_property
    def _scripts(self) -> set[str]:
        value = f"{self._module}:{self._attribute}"
        return {entry.name for entry in metadata.entry_points(group="console_scripts") if entry.value == value}

    def _say(self, word: str) -> None:
        if word not in self._said:
            self._said.add(word)
            with Path(self._report).open("a", encoding="utf-8") as stream:
                stream.write(f"{word}\n")


def _called_first(module: str) -> set[str]:
    """Return the functions that a module calls where it runs as a program: below `if __name__ == "__main__"`.

    Of a package that is all of its `__main__`. Another function of the module is not what the process is for.
    """
    try:
        spec = importlib.util.find_spec(module)
        package = bool(spec and spec.submodule_search_locations)
        spec = importlib.util.find_spec(f"{module}.__main__") if package else spec
        tree = ast.parse(Path(spec.origin or "").read_bytes()) if spec else ast.Module([], [])
    except (ImportError, OSError, SyntaxError, ValueError):
        return set()
    parts = [tree] if package else [part for part in tree.body if isinstance(part, ast.If) and _is_main(part.test)]
    calls = [node.func for part in parts for node in ast.walk(part) if isinstance(node, ast.Call)]
    return {ast.unparse(call) for call in calls}


def _is_main(test: ast.expr) -> bool:
    return "__name__" in (words := ast.unparse(test)) and "__main__" in words


def start() -> None:
    """Keep the worker from starting that the environment names, if any."""
    if asked := os.environ.get(VARIABLE, ""):
        idle = Idle(json.loads(asked))
        sys.meta_path.insert(0, idle)
        idle.processes()

"""Tells when a module was imported, before anybody can use it."""

from __future__ import annotations

import importlib.util
import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class Imports(MetaPathFinder):
    """Lets other finders find a few modules, and tells of each as soon as its code ran."""

    def __init__(self, names: Sequence[str], imported: Callable[[str], None]) -> None:
        self._names = names
        self._imported = imported
        self._asking = False
        """Whether the other finders are being asked."""

    def start(self) -> None:
        """Begin, and tell of those that are imported already."""
        sys.meta_path.insert(0, self)
        for name in self._names:
            if name in sys.modules:
                self._imported(name)

    def stop(self) -> None:
        """Leave the import system as it was."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the finder's contract
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return what the other finders say of a module, so that its end is told; None for all other modules."""
        if self._asking or fullname not in self._names:
            return None
        self._asking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None:
            self._follow(fullname, spec.loader)
        return spec

    def _follow(self, name: str, loader: Any) -> None:
        """Wrap the next import by a loader; the loader may be one for many modules, so for that one only."""

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            loader.exec_module(module)
            self._imported(name)

        loader.exec_module = exec_module

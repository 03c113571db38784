"""Which classes of a project belong together, and what the methods are that an object of one really has."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from truegreen.analysis import callables
from truegreen.analysis.guards import Method

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from truegreen.analysis.callables import Class, Source


class Families:
    """The classes of some sources, each with those above and below it; what a library declares is not among them."""

    def __init__(self, sources: Iterable[Source]) -> None:
        """Take sources as `callables.read` gives them."""
        sources = list(sources)
        self._modules = {source.module for source in sources}
        self._named: dict[str, list[Class]] = defaultdict(list)
        for found in (found for source in sources for found in source.classes):
            self._named[found.name].append(found)
        self._below: dict[int, list[Class]] = defaultdict(list)
        for found in (found for source in sources for found in source.classes):
            for base in self._bases(found):
                self._below[id(base)].append(found)
        self._methods: dict[int, tuple[Method, ...]] = {}
        self._of_class: dict[int, tuple[Method, ...]] = {}

    def line(self, owner: Class) -> list[Class]:
        """Return a class and those it inherits from, the nearest first, each once."""
        found, waiting = dict[int, "Class"](), [owner]
        while waiting:
            current = waiting.pop(0)
            if id(current) not in found:
                found[id(current)] = current
                waiting[:0] = self._bases(current)
        return [*found.values()]

    def below(self, owner: Class) -> list[Class]:
        """Return the classes that inherit from one, near or far, each once."""
        found, waiting = dict[int, "Class"](), [*self._below[id(owner)]]
        while waiting:
            current = waiting.pop()
            if id(current) not in found and current is not owner:
                found[id(current)] = current
                waiting += self._below[id(current)]
        return [*found.values()]

    def methods(self, owner: Class, attribute: str = "") -> Sequence[Method]:
        """Return the methods that objects of a class have, its constructors left out.

        Args:
            owner: the class.
            attribute: what they are asked about; one that begins with two underscores is another in each class.
        """
        if attribute.startswith("__") and not attribute.endswith("__"):
            return self._own(owner)
        if id(owner) not in self._methods:
            self._methods[id(owner)] = tuple(self._inherited(owner))
        return self._methods[id(owner)]

    def _inherited(self, owner: Class) -> Iterator[Method]:
        hidden: set[str] = set()
        for found in self.line(owner):
            methods = self._own(found)
            yield from (one for one in methods if one.node.name not in hidden)
            hidden |= {one.node.name for one in methods if not one.calls_parent}

    def _own(self, found: Class) -> Sequence[Method]:
        if id(found) not in self._of_class:
            nodes = [one for one in found.node.body if isinstance(one, callables.Function) and one.name != "__init__"]
            self._of_class[id(found)] = tuple(Method(found.path, node) for node in nodes)
        return self._of_class[id(found)]

    def _bases(self, found: Class) -> Iterator[Class]:
        """Yield the classes of the project that a class names as its bases; in doubt, none."""
        for name, module in zip(found.bases, found.origins, strict=True):
            known = self._named.get(name, [])
            meant = [one for one in known if not module or same_module(one.module, module)]
            if not meant and any(same_module(one, module) for one in self._modules):
                meant = known  # a package of the project hands it on
            if len(meant) == 1 and meant[0] is not found:
                yield meant[0]


def same_module(known: str, named: str) -> bool:
    """Return whether a module of the project may be the one that is imported: its root may be `src`."""
    return known == named or known.endswith(f".{named}")

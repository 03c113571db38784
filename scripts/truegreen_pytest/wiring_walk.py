"""Walks what a factory built: which dependencies hold None, or something that only stands in for the real one.

Nothing of an object is run to look at it: attributes are read from its dictionary and its slots, never through a
property, and classes are asked by `type`, so that no proxy answers in the place of what it hides.
"""

from __future__ import annotations

import collections
import os
import re
import sys
import time
import types
from typing import TYPE_CHECKING, Any, NamedTuple

from truegreen_pytest import wiring_kinds
from truegreen_pytest.wiring_kinds import Misfit, attributes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OBJECTS_MAX, DEPTH_MAX, ELEMENTS_MAX, HELD_MAX = 5_000, 16, 100, 400
_LABEL = 60
"""Characters of a key, and six times as many of a path, that are told."""
_MOCKS = ("unittest.mock", "mock.mock", "mock")
_FAKE_LIBRARIES = ("fakeredis", "birdisle", "mockredis", "mongomock", "mongomock_motor", "pymongo_inmemory")
_FAKE = re.compile(r"_*((Fake|Dummy|Stub|Stubbed|Mock|Mocked|Spy)(?=[A-Z_]|$).*|.+(Fake|Mock|Dummy|Spy))")
_STUB = re.compile(r".+Stub")
"""The client of a remote service is called so too: only where something else is declared does it stand in."""
_GENERATED = re.compile(r".+_(pb2|grpc|pb2_grpc)")
"""Modules that grpcio-tools and grpclib write."""
_NOTHING = re.compile(r"_*((In_?Memory|Null|No_?[Oo]p|Nop)(?=[A-Z_]|$).*|.+(InMemory|NoOp))")
"""Names of classes that do as if: fit for a test, or for an application that was told to go without."""
_SEQUENCES = (list, tuple, set, frozenset, collections.deque)
_MAPPINGS = (dict, collections.OrderedDict, collections.defaultdict, types.MappingProxyType)
_PLAIN = (str, bytes, int, float, bool, type(None))
_ABSENT: Any = object()


class Slot(NamedTuple):
    """One dependency of a class, as the sources declare it."""

    owner: str
    path: str
    parameter: str
    attribute: str
    kind: str
    line: int
    optional: bool
    own: bool
    lazy: bool
    guards: tuple[str, ...]
    called: bool
    calls: tuple[str, ...] = ()
    concrete: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name for people, and for exceptions from the rule."""
        return f"{self.owner}.{self.parameter}"

    @property
    def declared(self) -> str:
        """What the constructor says that it takes."""
        return f"{self.kind or 'a dependency without a type'}{' | None' if self.optional and self.kind else ''}"


class Sources:
    """What the sources say about classes, found again by the classes themselves."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self.root = os.path.realpath(asked["root"])
        self._packages = frozenset(asked["packages"])
        self.concrete: frozenset[str] = frozenset(asked["concrete"])
        self._rows: dict[str, dict[str, list[Slot]]] = {}
        for path, classes in asked["classes"].items():
            rows = {name: [Slot(**row) for row in slots] for name, slots in classes.items()}
            self._rows[_tail(path)] = rows
        self._files: dict[str, tuple[str, bool]] = {}
        self._slots: dict[type, list[Slot]] = {}
        self._stand_ins: dict[type, tuple[bool, str]] = {}

    def own(self, kind: type | types.FunctionType) -> bool:
        """Return whether a class or function belongs to the project, installed or not."""
        return bool(self._file(kind)[0])

    def in_tests(self, kind: type) -> bool:
        """Return whether a class belongs to the tests of the project."""
        return self._file(kind)[1]

    def slots(self, kind: type) -> list[Slot]:
        """Return the dependencies that a class and its bases keep."""
        if kind not in self._slots:
            rows: dict[str, Slot] = {}
            for base in type.__getattribute__(kind, "__mro__"):
                file = self._file(base)[0]
                for slot in self._rows.get(_tail(file), {}).get(base.__name__, ()) if file else ():
                    rows.setdefault(slot.attribute, slot)
            self._slots[kind] = list(rows.values())
        return self._slots[kind]

    def stand_in(self, kind: type) -> tuple[bool, str]:
        """Return why a class stands in for a real one, empty where it does not; and whether it does so anywhere.

        One that goes without (`NullCache`) may be what an application wants, unless something else is declared.
        """
        if kind not in self._stand_ins:
            self._stand_ins[kind] = self._standing_in(kind)
        return self._stand_ins[kind]

    def _standing_in(self, kind: type) -> tuple[bool, str]:
        if any(base.__module__ in _MOCKS for base in type.__getattribute__(kind, "__mro__")):
            return True, "a mock answers whatever it is asked"
        if str(kind.__module__) == "dependency_injector.wiring":
            return True, "nobody wired the container"
        if str(kind.__module__).partition(".")[0] in _FAKE_LIBRARIES:
            return True, "it keeps nothing"
        if not self.own(kind) or _GENERATED.fullmatch(str(kind.__module__)) or self._remote(kind):
            return False, ""
        if self.in_tests(kind):
            return True, "its class belongs to the tests"
        fake = _FAKE.fullmatch(kind.__name__) is not None
        named = fake or any(one.fullmatch(kind.__name__) for one in (_NOTHING, _STUB))
        return fake, "by its name it only does as if" if named else ""

    def _remote(self, kind: type) -> bool:
        """Return whether a class is a client of a remote service by its base, as those of betterproto are."""
        bases = [base for base in type.__getattribute__(kind, "__mro__")[1:] if not self.own(base)]
        return _STUB.fullmatch(kind.__name__) is not None and any(_STUB.fullmatch(base.__name__) for base in bases)

    def _file(self, kind: Any) -> tuple[str, bool]:
        """Return the file of a class relative to the project, empty for that of somebody else; and whether it tests."""
        module = getattr(kind, "__module__", None)
        if not isinstance(module, str):
            return "", False
        if module not in self._files:
            self._files[module] = self._place(module)
        return self._files[module]

    def _place(self, module: str) -> tuple[str, bool]:
        found = getattr(sys.modules.get(module), "__file__", None)
        if not isinstance(found, str):
            return "", False
        path = os.path.realpath(found).replace(os.sep, "/")
        for folder in ("/site-packages/", "/dist-packages/"):
            if folder in path:
                return (path.split(folder, 1)[1] if module.partition(".")[0] in self._packages else ""), False
        root = self.root.replace(os.sep, "/").rstrip("/") + "/"
        if not path.startswith(root):
            return "", False
        name = path[len(root) :]
        parts = name.split("/")
        tests = not {"tests", "test"}.isdisjoint(parts[:-1]) or re.match(r"test_|conftest\.py$", parts[-1]) is not None
        return name, tests


class Walk:
    """One walk from one root."""

    def __init__(self, sources: Sources, optional: frozenset[str]) -> None:
        self._sources = sources
        self._optional = optional
        self._seen: dict[int, Any] = {}
        """Objects by their identity; kept, so that no other takes the place of one that is gone."""
        self.flawed: list[dict[str, Any]] = []
        self.held: dict[str, tuple[str, str]] = {}
        self.left: list[str] = []
        self._lent: dict[int, Any] = {}
        self.spent_s = 0.0

    def lend(self, value: Any) -> None:
        """Take an object that a fixture gave: it is the tests' own, and only who holds it is of interest."""
        self._lent[id(value)] = value

    @property
    def objects(self) -> int:
        """Return how many objects were looked at."""
        return len(self._seen)

    @property
    def red(self) -> list[dict[str, Any]]:
        """Return what turns the walk red: not what is optional for a reason."""
        return [one for one in self.flawed if one["red"] and one["name"] not in self._optional]

    def root(self, value: Any, path: str, declared: str = "", *, by_class: bool = True) -> None:
        """Walk from what a factory gave.

        Args:
            value: the object.
            path: how it is called in what is said about it.
            declared: what the factory says that it gives.
            by_class: whether what is below is told by the name of the object's class, and not by the path.
        """
        if not self._judge(value, path, path, _words(declared), declared) and declared in self._sources.concrete:
            self._fit(wiring_kinds.returned(value, declared), path, path, declared, None)
        self.below(value, type(value).__name__ if by_class and self._sources.own(type(value)) else path)

    def below(self, value: Any, path: str) -> None:
        """Walk everything below an object, nearest first."""
        begun = time.thread_time()
        try:
            self._below(value, path)
        finally:
            self.spent_s += time.thread_time() - begun

    def _below(self, value: Any, path: str) -> None:
        waiting = collections.deque([(value, path, 0)])
        while waiting:
            current, name, depth = waiting.popleft()
            if id(current) in self._seen or id(current) in self._lent or type(current) in _PLAIN:
                continue
            if len(self._seen) >= OBJECTS_MAX or depth > DEPTH_MAX:
                self.say(f"{name}: only the first {OBJECTS_MAX:,} objects, {DEPTH_MAX} deep, were looked at")
                return
            self._seen[id(current)] = current
            waiting.extend((inner, inner_name, depth + 1) for inner, inner_name in self._inner(current, name))

    def missing(self, slot: Slot, path: str, *, given: str = "None") -> None:
        """Note a dependency that is not there."""
        self.held[slot.name] = "None", path
        if slot.lazy:
            return
        red = not slot.optional and bool(slot.kind)
        red = red or bool(slot.guards) or (slot.own and slot.called)
        if slot.guards and red:
            why = f"what needs it is passed over in silence at {', '.join(slot.guards[:3])}"
        else:
            why = "" if slot.optional else "it is required"
            why = "it is used without a check" if red and slot.optional else why
        self._note("missing", path, slot.name, slot.declared, (slot.path, slot.line), given, why, red=red)

    def given(self, slot: Slot, value: Any, path: str) -> None:
        """Judge what a dependency holds."""
        if value is None:
            self.missing(slot, path)
            return
        if len(self.held) < HELD_MAX or slot.name in self.held:
            self.held.setdefault(slot.name, (type(value).__name__, path))
        place = slot.path, slot.line
        if not self._judge(value, path, slot.name, _words(slot.kind), slot.declared, place) and not slot.lazy:
            misfit = wiring_kinds.of(value, slot.concrete, slot.calls)
            self._fit(misfit, path, slot.name, slot.declared, place)

    def _fit(self, misfit: Misfit | None, path: str, name: str, declared: str, place: tuple[str, int] | None) -> None:
        """Note what is of another class than the declared one."""
        if misfit is not None:
            self._note("wrong", path, name, declared, place, misfit.holds, misfit.why, red=misfit.red)

    def kind(self, kind: type, path: str, slot: Slot | None) -> None:
        """Judge a class of which an instance would be handed over, without one."""
        if slot is not None:
            self.held.setdefault(slot.name, (kind.__name__, path))
        place = (slot.path, slot.line) if slot else None
        name, declared = (slot.name, slot.declared) if slot else (path, "")
        self._class(kind, path, name, _words(slot.kind) if slot else frozenset(), declared, place)

    def empty(self, path: str, name: str, declared: str, place: tuple[str, int] | None) -> None:
        """Note that something gave None where its user declares an object."""
        self._note("missing", path, name, declared, place, "None", "its user cannot do without", red=True)

    def say(self, text: str) -> None:
        """Note what could not be looked at."""
        if text not in self.left and len(self.left) < HELD_MAX:
            self.left.append(text)

    def slots(self, kind: type) -> list[Slot]:
        """Return the dependencies that a class and its bases keep."""
        return self._sources.slots(kind)

    def own(self, kind: type) -> bool:
        """Return whether a class belongs to the project."""
        return self._sources.own(kind)

    def _inner(self, current: Any, name: str) -> Iterator[tuple[Any, str]]:
        """Yield what an object holds, each with its path."""
        kind = type(current)
        if kind in _SEQUENCES:
            for number, inner in zip(range(ELEMENTS_MAX), current, strict=False):
                yield inner, self._element(inner, f"{name}[{number}]")
        elif kind in _MAPPINGS:
            for _, (key, inner) in zip(range(ELEMENTS_MAX), list(current.items()), strict=False):
                label = repr(key)[:_LABEL] if type(key) in (str, int) else type(key).__name__
                yield inner, self._element(inner, f"{name}[{label}]")
        elif kind is types.MethodType:
            yield current.__self__, name
        elif kind.__module__ == "functools" and kind.__name__ == "partial":
            yield [*current.args, *current.keywords.values()], name
        elif kind is types.FunctionType:
            yield from self._closure(current, name)
        elif not isinstance(current, type) and self._sources.own(kind):
            yield from self._attributes(current, name)

    def _closure(self, function: types.FunctionType, name: str) -> Iterator[tuple[Any, str]]:
        if not self._sources.own(function):
            return
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
            try:
                yield cell.cell_contents, f"{name}.{variable}"
            except ValueError:
                continue

    def _attributes(self, current: Any, name: str) -> Iterator[tuple[Any, str]]:
        kind = type(current)
        slots = {slot.attribute: slot for slot in self._sources.slots(kind)}
        values = attributes(current)
        for attribute, slot in slots.items():
            value = values.get(attribute, _ABSENT)
            if value is _ABSENT:
                value = _of_class(kind, attribute)
            if value is not _ABSENT:
                self.given(slot, value, f"{name}.{attribute}")
            elif not (values or slot.optional) and wiring_kinds.is_unmade(kind, slot.owner, attribute):
                unmade = Misfit("nothing", "its constructor did not run", red=True)
                self._fit(unmade, f"{name}.{attribute}", slot.name, slot.declared, (slot.path, slot.line))
        for attribute, value in values.items():
            path = f"{name}.{attribute}"
            if attribute not in slots:
                self._judge(value, path, f"{kind.__name__}.{attribute}", frozenset(), "")
            yield value, path

    def _element(self, value: Any, path: str) -> str:
        self._judge(value, path, path, frozenset(), "")
        return path

    def _judge(
        self, value: Any, path: str, name: str, honest: frozenset[str], declared: str,
        place: tuple[str, int] | None = None,
    ) -> bool:  # fmt: skip
        """Note an object that stands in for a real one; return whether nobody has to look at it again."""
        return id(value) in self._lent or self._class(type(value), path, name, honest, declared, place)

    def _class(
        self, kind: type, path: str, name: str, honest: frozenset[str], declared: str, place: tuple[str, int] | None
    ) -> bool:
        """Note a class that stands in for a real one, unless it is what is declared; return whether it is noted."""
        always, why = self._sources.stand_in(kind)
        if not why or kind.__name__ in honest or not (always or declared):
            return False
        if not always and not honest and _STUB.fullmatch(kind.__name__):
            return False  # `stub` without a type: nothing else is declared
        self._note("stand-in", path, name, declared, place, kind.__name__, why, red=True)
        return True

    def _note(
        self, flaw: str, path: str, name: str, declared: str, place: tuple[str, int] | None, holds: str, why: str,
        *, red: bool,
    ) -> None:  # fmt: skip
        row = {
            "flaw": flaw,
            "path": path[: 6 * _LABEL],
            "name": name,
            "declared": declared,
            "place": {"path": place[0], "line": place[1]} if place else None,
            "holds": holds,
            "why": why,
            "red": red,
        }
        known = row in self.flawed or (not red and any(one["name"] == name for one in self.flawed))
        if not known and len(self.flawed) < HELD_MAX:
            self.flawed.append(row)


def _of_class(kind: type, attribute: str) -> Any:
    """Return what the class itself keeps under a name, when it is a plain value; a property is not asked."""
    for base in kind.__mro__:
        if attribute in vars(base):
            value = vars(base)[attribute]
            return _ABSENT if hasattr(type(value), "__get__") else value
    return _ABSENT


def _tail(path: str) -> str:
    """Return what a path has in common with that of its installed copy."""
    return re.split(r"(?:^|/)(?:src|lib|python)/", path)[-1]


def _words(kind: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", kind))

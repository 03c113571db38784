"""Optional dependencies that nobody supplies, found in source texts.

A class takes `repository: Repository | None = None`, keeps it, and passes over in silence whatever needs it: as long as
one call site hands a repository over, that is a convenience. When all of them leave it out, nothing is ever stored, and
no unit test that builds the class by itself can notice.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from truegreen.analysis import callables, guards, holders, syntax
from truegreen.analysis.families import Families, same_module
from truegreen.analysis.keeping import Keeping, Kept
from truegreen.model.wiring import Dependency, Place, Supply, WiringScan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from truegreen.analysis.callables import Argument, Call, Class, Parameter, Source

PLAIN = frozenset({
    "str", "int", "float", "bool", "bytes", "bytearray", "complex", "object", "dict", "list", "tuple", "set",
    "frozenset", "type", "Any", "Dict", "List", "Tuple", "Set", "FrozenSet", "Sequence", "Iterable", "Iterator",
    "Mapping", "MutableMapping", "Collection", "Literal", "Type", "Text", "AnyStr", "Hashable", "Sized", "Self",
})  # fmt: skip
"""Kinds of values: leaving one out leaves out a setting, not a part of the application."""
_VALUES = frozenset({
    "Enum", "IntEnum", "StrEnum", "Flag", "NamedTuple", "TypedDict", "BaseModel", "BaseSettings", "Struct",
    "namedtuple", "Exception", "BaseException",
})  # fmt: skip
"""Bases of classes that hold values."""
_WRAPPERS = frozenset({"Optional", "Annotated", "Final", "ClassVar", "Union"})
_CONNECTIONS = frozenset({"sqlite3"})
"""Modules of the standard library whose objects are dependencies all the same."""
_WORDS = frozenset({
    "repository", "repo", "repositories", "store", "storage", "db", "database", "session", "session_factory",
    "sessionmaker", "engine", "connection", "conn", "pool", "client", "cache", "bus", "publisher", "producer", "queue",
    "broker", "gateway", "dao", "uow", "unit_of_work", "service", "backend", "sink", "writer", "notifier", "mailer",
})  # fmt: skip
"""Last words of names of dependencies, for parameters without an annotation."""


def scan(texts: Mapping[str, str]) -> WiringScan:
    """Return every optional dependency of the classes in some source texts, and who supplies it.

    Args:
        texts: path relative to the project → text of a Python file that is no test.
    """
    sources, unread = read(texts)
    return found(Project(sources), unread)


def read(texts: Mapping[str, str]) -> tuple[list[Source], list[str]]:
    """Return what each text declares and calls, and which could not be read, each as `path: reason`."""
    sources, unread = [], []
    for path, text in texts.items():
        try:
            sources.append(callables.read(text, path))
        except syntax.UNREADABLE as error:
            unread.append(f"{path}: {error}")
    return sources, unread


def found(project: Project, unread: Iterable[str] = ()) -> WiringScan:
    """Return every optional dependency of the classes of a project, and who supplies it."""
    return WiringScan(
        files=len(project.sources),
        classes=sum(len(source.classes) for source in project.sources),
        dependencies=tuple(sorted(project.dependencies(), key=lambda one: (one.place, one.parameter))),
        unread=tuple(unread),
    )


class Project:
    """All sources, asked who calls what."""

    def __init__(self, sources: Iterable[Source]) -> None:
        """Take sources as `read` gives them."""
        self.sources = list(sources)
        self._classes: dict[str, list[Class]] = defaultdict(list)
        self._functions: dict[str, list[tuple[Source, callables.Function]]] = defaultdict(list)
        self._calls: dict[str, list[Call]] = defaultdict(list)
        self._heirs: dict[str, list[Class]] = defaultdict(list)
        self._modules = [source.module for source in self.sources]
        self.families = Families(self.sources)
        self.keeping = Keeping(self.families)
        for source in self.sources:
            for found in source.classes:
                self._classes[found.name].append(found)
                for base in found.bases:
                    self._heirs[base].append(found)
            for name, function in source.functions.items():
                self._functions[name].append((source, function))
            for call in source.calls:
                self._calls[call.target].append(call)

    def dependencies(self) -> Iterator[Dependency]:
        """Yield each optional dependency that a constructor keeps."""
        imports = {source.path: source.imports for source in self.sources}
        for owner in [owner for source in self.sources for owner in source.classes]:
            for parameter in (owner.constructor() or ([], 0))[0]:
                kept = self.keeping.of(owner, parameter.name) if parameter.optional else Kept()
                if not kept.alone:
                    continue
                kinds = (self.kind(owner, parameter, one, imports[owner.path]) for one in kept.attributes)
                kind = next((one for one in kinds if one is not None), None)
                if kind is not None:
                    yield self._dependency(owner, parameter, kept, kind)

    def _dependency(self, owner: Class, parameter: Parameter, kept: Kept, kind: str) -> Dependency:
        calls = sorted(self._constructions(owner), key=lambda call: call.place)
        suppliers = [call.place for call in calls if self._supplies(owner.name, call, parameter.name, frozenset())]
        suppliers += [place for one in kept.attributes for place in self._set_later(owner, one, kept.helpers)]
        escape = self._escape(owner)
        if suppliers:
            supply, why = Supply.SUPPLIED, ""
        elif not calls:
            supply, why = Supply.UNKNOWN, "nothing in the project builds the class"
        elif escape is not None:
            supply, why = Supply.UNKNOWN, f"the class is handed on at {escape}"
        else:
            supply, why = Supply.NEVER, ""
        seen = [use for one in kept.attributes for use in self._use(owner, one)]
        return Dependency(
            owner=owner.name,
            parameter=parameter.name,
            attribute=kept.attributes[0],
            also=kept.attributes[1:],
            kind=kind,
            place=Place(owner.path, parameter.line),
            supply=supply,
            calls=tuple(call.place for call in calls),
            suppliers=tuple(sorted(suppliers)),
            why=why,
            guards=tuple(sorted({place for use in seen for place in use.guards})),
            uses=max(use.uses for use in seen),
        )

    def _use(self, owner: Class, attribute: str) -> list[guards.Use]:
        """Return what a class does with an attribute, and what each does that inherits it and is built."""
        heirs = [one for one in self.families.below(owner) if one.name in self._calls and not _sets(one, attribute)]
        heirs = [] if attribute.startswith("__") else heirs
        return [guards.of(self.families.methods(one, attribute), attribute) for one in (owner, *heirs)]

    def _constructions(self, owner: Class) -> Iterator[Call]:
        """Yield the call sites that build a class, or one that inherits its constructor."""
        waiting, seen = [owner], set[int]()
        while waiting:
            current = waiting.pop()
            if id(current) in seen:
                continue
            seen.add(id(current))
            yield from (call for call in self._calls.get(current.name, ()) if self._means(call, current))
            waiting += [heir for heir in self._heirs.get(current.name, ()) if heir.generated or not heir.constructor()]

    def is_built(self, owner: Class) -> bool:
        """Return whether anything in the project builds a class, or one that inherits its constructor."""
        return any(True for _ in self._constructions(owner))

    def _means(self, call: Call, owner: Class) -> bool:
        """Return whether a call may mean a class: the only one of its name, or the one in the module named."""
        if len(self._classes[owner.name]) == 1 or not call.module:
            return True
        known = {one.module for one in self._classes[owner.name]}
        meant = {module for module in known if same_module(module, call.module)}
        return owner.module in meant if meant else True

    def _supplies(self, target: str, call: Call, parameter: str, asked: frozenset[tuple[str, str]]) -> bool:
        """Return whether a call site hands something over for a parameter; in doubt it does."""
        argument = self._argument(target, call, parameter)
        if argument is None:
            return call.open_ended
        if argument.nothing:
            return False
        if argument.forwards is None or argument.forwards in asked:
            return argument.forwards is None
        # What is handed on is there only where the caller got it.
        caller, name = argument.forwards
        sites = self._calls.get(caller, ())
        inner = asked | {argument.forwards}
        return not sites or any(self._supplies(caller, site, name, inner) for site in sites)

    def _argument(self, target: str, call: Call, parameter: str) -> Argument | None:
        if parameter in call.named:
            return call.named[parameter]
        names = self._by_position(target)
        position = names.index(parameter) if parameter in names else len(call.positional)
        return call.positional[position] if position < len(call.positional) else None

    def _by_position(self, target: str) -> list[str]:
        """Return the names of the parameters that a callable takes by position."""
        seen: set[str] = set()
        while target not in seen:
            seen.add(target)
            classes = self._classes.get(target, ())
            known = next((one for found in classes if (one := found.constructor())), None)
            function = next((one for _, one in self._functions.get(target, ())), None)
            if known is None and function is not None:
                known = callables.parameters(function, bound=False)
            if known is not None:
                found, positional = known
                return [one.name for one in found[:positional]]
            target = next((base for found in classes for base in found.bases if base in self._classes), target)
        return []

    def _set_later(self, owner: Class, attribute: str, helpers: frozenset[str]) -> list[Place]:
        """Return where the attribute gets a value outside the constructor; what only constructors hand on is theirs."""
        above, below = self.families.line(owner), self.families.below(owner)
        family = {*(one.name for one in (*above, *below)), *owner.bases}
        family |= {heir.name for heir in self._heirs.get(owner.name, ())}
        return [
            one.place
            for source in self.sources
            for one in source.assigned
            if one.attribute == attribute
            and self._may_be(one.owner, family)
            and not (one.handed and self._only_constructors_call(one.method, helpers))
        ]

    def _may_be(self, name: str, family: AbstractSet[str]) -> bool:
        """Return whether an object of a class may be one of a family; in doubt it may."""
        if not name or name in family:
            return True
        return name != holders.STATE and all("Protocol" in one.bases for one in self.classes(name))

    def _only_constructors_call(self, method: str, helpers: frozenset[str]) -> bool:
        """Return whether nobody but constructors call a method: one through which they keep what they got, or private.

        A public method that nobody calls may be there for somebody outside of the sources.
        """
        if method not in helpers and not (method.startswith("_") and not method.endswith("_")):
            return False
        handed_on = any(method in source.escapes for source in self.sources)
        return not handed_on and all(call.constructs for call in self._calls.get(method, ()))

    def _escape(self, owner: Class) -> Place | None:
        return next((source.escapes[owner.name] for source in self.sources if owner.name in source.escapes), None)

    def kind(
        self, owner: Class, parameter: Parameter, attribute: str, imports: Mapping[str, tuple[str, str]]
    ) -> str | None:
        """Return the annotation of a dependency without None; None when the parameter is a plain value.

        Args:
            owner: the class that takes it.
            parameter: how it takes it.
            attribute: where it keeps it.
            imports: what the names in the class's file mean.
        """
        if parameter.annotation is None:
            return "" if is_named_part(parameter.name) else None

        def works(kind: Class) -> bool:
            use = guards.of(self.families.methods(owner, attribute), attribute)
            own = {one.node.name for one in self.families.methods(kind) if not one.node.decorator_list}
            return not own.isdisjoint(use.called if is_named_part(parameter.name) else use.commands)

        parts = [part for part in members(parameter.annotation) if not callables.is_none(part)]
        return next((ast.unparse(part) for part in parts if self._is_dependency(part, imports, works)), None)

    def classes(self, name: str) -> list[Class]:
        """Return the project's classes of one name."""
        return self._classes.get(name, [])

    def functions(self, name: str) -> list[tuple[Source, callables.Function]]:
        """Return the project's module functions of one name, each with its source."""
        return self._functions.get(name, [])

    def _is_dependency(
        self, node: ast.expr, imports: Mapping[str, tuple[str, str]], works: Callable[[Class], bool]
    ) -> bool:
        """Return whether a type is that of a part of the application; of a dataclass, `works` tells."""
        name = callables.simple_name(node.value if isinstance(node, ast.Subscript) else node)
        if not name or name in PLAIN:
            return False
        root = node.value if isinstance(node, ast.Subscript) else node
        first = root.value if isinstance(root, ast.Attribute) else root
        module, original = imports.get(callables.simple_name(first), ("", name))
        own = self._classes.get(name) or self._classes.get(original, [])
        if own:
            return all(_VALUES.isdisjoint(found.bases) and (not found.generated or works(found)) for found in own)
        if not module or any(same_module(known, module) for known in self._modules):
            return False  # a name of the project that is no class is an alias of some type
        top = module.partition(".")[0]
        return (top not in sys.stdlib_module_names or top in _CONNECTIONS) and name[:1].isupper()


def members(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the members of a union, also of one that is written as text."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            try:
                waiting.append(ast.parse(part.value, mode="eval").body)
            except syntax.UNREADABLE:
                continue
        elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr):
            waiting += [part.right, part.left]
        elif isinstance(part, ast.Subscript) and callables.simple_name(part.value) in _WRAPPERS:
            waiting += part.slice.elts[::-1] if isinstance(part.slice, ast.Tuple) else [part.slice]
        else:
            yield part


def is_named_part(name: str) -> bool:
    """Return whether the name of a parameter or variable is that of a part of the application."""
    last = name.strip("_")
    return any(last == word or last.endswith(f"_{word}") for word in _WORDS)


def _sets(heir: Class, attribute: str) -> bool:
    """Return whether the constructor of an heir keeps something of its own under a name."""
    constructor = heir.method("__init__")
    return constructor is not None and any(
        isinstance(node, ast.Attribute) and node.attr == attribute and not isinstance(node.ctx, ast.Load)
        for node in ast.walk(constructor)
    )

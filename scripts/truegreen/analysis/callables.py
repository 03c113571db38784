"""What the source texts of a project declare and call: classes, functions, their parameters and call sites.

Texts are parsed, never executed. A name is followed through imports and their aliases as far as one file tells; what
cannot be followed is said to be unknown, and never guessed.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from truegreen.analysis import holders, syntax
from truegreen.model.wiring import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
_BUILDERS = frozenset({
    "Factory", "Singleton", "Resource", "ThreadSafeSingleton", "ThreadLocalSingleton", "ContextLocalSingleton",
    "partial",
})  # fmt: skip
"""Callables that take a class and the arguments to build it with: dependency-injector's providers, functools."""
GENERATING = frozenset({"dataclass", "define", "frozen", "mutable", "attrs"})
"""Decorators that make a constructor of a class's fields."""
_ASKS = frozenset({"isinstance", "issubclass", "cast", "TypeVar", "NewType"})
"""Callables that take a class without building it."""
_TYPES: dict[type[ast.AST], tuple[str, ...]] = {
    ast.AnnAssign: ("annotation",),
    ast.arg: ("annotation",),
    ast.FunctionDef: ("returns",),
    ast.AsyncFunctionDef: ("returns",),
    ast.ClassDef: ("bases", "keywords"),
    ast.Subscript: ("slice",),
    ast.ExceptHandler: ("type",),
    ast.MatchClass: ("cls",),
}
"""Kind of node → its fields in which a name is that of a type."""
_NAMELESS = frozenset({"ctx", "op", "ops", "type_comment", "kind"})
"""Fields of nodes that never hold a name."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a callable, `self` left out."""

    name: str
    annotation: ast.expr | None
    line: int
    optional: bool
    """True when its default is None."""


@dataclass(slots=True)
class Argument:
    """What one call site hands over for one parameter."""

    nothing: bool
    """True for a literal None."""
    forwards: tuple[str, str] | None = None
    """Callable and parameter whose value is handed on as it is, where the caller's own default is None."""


@dataclass(slots=True)
class Call:
    """One call site."""

    target: str
    """Simple name of what is called, after aliases."""
    module: str
    """Dotted module the name was imported from; the file's own where it was not."""
    place: Place
    positional: list[Argument] = field(default_factory=list)
    named: dict[str, Argument] = field(default_factory=dict)
    open_ended: bool = False
    """True with `*args` or `**kwargs`: anything may be handed over."""
    constructs: bool = False
    """Whether a constructor calls it."""


@dataclass(slots=True)
class Class:
    """One class."""

    name: str
    module: str
    path: str
    node: ast.ClassDef
    bases: tuple[str, ...]
    origins: tuple[str, ...]
    """Module of each base, as far as this file tells."""

    def method(self, name: str) -> Function | None:
        """Return a method of the class itself."""
        found = (item for item in self.node.body if isinstance(item, Function) and item.name == name)
        return next(found, None)

    @property
    def generated(self) -> bool:
        """Whether a decorator makes the constructor of the class's fields, as those of dataclasses and attrs do."""
        marks = (mark.func if isinstance(mark, ast.Call) else mark for mark in self.node.decorator_list)
        return not GENERATING.isdisjoint(map(simple_name, marks))

    def constructor(self) -> tuple[list[Parameter], int] | None:
        """Return the parameters of the constructor, and how many of them go by position; None when it is inherited."""
        if (own := self.method("__init__")) is not None:
            return parameters(own, bound=True)
        if not self.generated:
            return None
        fields = [
            item for item in self.node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        ]
        found = [
            Parameter(simple_name(item.target), item.annotation, item.lineno, optional=is_none(_default(item.value)))
            for item in fields
        ]
        return found, len(found)


class Assigned(NamedTuple):
    """One attribute that is given a value other than None."""

    owner: str
    """Name of the class whose object it belongs to; empty where nobody can tell."""
    attribute: str
    place: Place
    method: str = ""
    """Method of that class in which it happens, where it is an attribute of `self`."""
    handed: bool = False
    """Whether the value is a parameter of that method."""


@dataclass(slots=True)
class Source:
    """What one file declares and calls."""

    path: str
    module: str
    tree: ast.Module
    classes: list[Class] = field(default_factory=list)
    functions: dict[str, Function] = field(default_factory=dict)
    """Functions of the module by name; methods are not among them."""
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Local name → module and original name."""
    calls: list[Call] = field(default_factory=list)
    escapes: dict[str, Place] = field(default_factory=dict)
    """Name that is handed on as a value → where; whoever gets it may call it."""
    assigned: list[Assigned] = field(default_factory=list)
    """Attributes that get a value other than None outside a constructor."""


def read(text: str, path: str) -> Source:
    """Return what a text declares and calls.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is no Python that this interpreter can read.
    """
    tree = syntax.parsed(text, path)
    source = Source(path=path, module=_dotted(path), tree=tree)
    _Reader(source).read(tree)
    return source


def parameters(function: Function, *, bound: bool) -> tuple[list[Parameter], int]:
    """Return the parameters of a function, and how many of them can be handed over by position.

    Args:
        function: the definition.
        bound: whether its first parameter is `self` or `cls`.
    """
    args = function.args
    plain = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(plain) - len(args.defaults)) + list(args.defaults)
    pairs = list(zip(plain, defaults, strict=True))[1 if bound else 0 :]
    found = [
        _parameter(arg, default) for arg, default in (*pairs, *zip(args.kwonlyargs, args.kw_defaults, strict=True))
    ]
    return found, len(pairs)


def simple_name(node: ast.expr) -> str:
    """Return the last part of a dotted name; empty for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def is_none(node: ast.expr | None) -> bool:
    """Return whether an expression is the literal None."""
    return isinstance(node, ast.Constant) and node.value is None


def _default(value: ast.expr | None) -> ast.expr | None:
    """Return the default of a field, also where it is inside `field(default=…)`."""
    if isinstance(value, ast.Call):
        return next((keyword.value for keyword in value.keywords if keyword.arg == "default"), value)
    return value


def _parameter(arg: ast.arg, default: ast.expr | None) -> Parameter:
    return Parameter(arg.arg, arg.annotation, arg.lineno, optional=is_none(default))


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where a node stands."""

    owner: Class | None = None
    function: Function | None = None
    optional: frozenset[str] = frozenset()
    """Parameters of the function that are None by default."""
    caller: str = ""
    """Name under which call sites of the function can be found; empty for methods: nothing tells what they are called
    on."""
    typed: bool = False
    """True in annotations, bases and the like, where a name neither builds anything nor is handed on."""


class _Reader:
    """Walks one module; a stack of its own keeps deep code from exhausting Python's."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._asked: set[int] = set()
        """Names that are called, or asked for an attribute: they are not handed on."""

    def read(self, tree: ast.Module) -> None:
        """Fill the source."""
        self._source.imports.update(_imports(tree, self._source))
        waiting: list[tuple[ast.AST, _Scope]] = [(tree, _Scope())]
        while waiting:
            node, scope = waiting.pop()
            waiting += [*self._inner(node, self._enter(node, scope))][::-1]

    def _enter(self, node: ast.AST, scope: _Scope) -> _Scope:
        """Take what a node tells, and return the scope of what is in it."""
        if isinstance(node, ast.ClassDef):
            return _Scope(owner=self._class(node))
        if isinstance(node, Function):
            return self._function(node, scope)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            self._assignment(node, scope)
        elif isinstance(node, ast.Call):
            self._call(node, scope)
        elif isinstance(node, ast.Name | ast.Attribute):
            self._reference(node, scope)
        return scope

    @staticmethod
    def _inner(node: ast.AST, scope: _Scope) -> Iterator[tuple[ast.AST, _Scope]]:
        """Yield the inner nodes that can name something, each with its scope."""
        asks = isinstance(node, ast.Call) and simple_name(node.func) in _ASKS
        types = ("args",) if asks else _TYPES.get(type(node), ())
        for name in node._fields:
            value = None if name in _NAMELESS else getattr(node, name, None)
            if value is None:
                continue
            inner = replace(scope, typed=True) if name in types and not scope.typed else scope
            for child in value if isinstance(value, list) else (value,):
                if isinstance(child, ast.AST):
                    yield child, inner

    def _class(self, node: ast.ClassDef) -> Class:
        plain = (base.func if isinstance(base, ast.Call) else base for base in node.bases)
        named = [self._named(base.value if isinstance(base, ast.Subscript) else base) for base in plain]
        bases, origins = tuple(name for name, _ in named), tuple(module for _, module in named)
        found = Class(node.name, self._source.module, self._source.path, node, bases, origins)
        self._source.classes.append(found)
        return found

    def _function(self, node: Function, scope: _Scope) -> _Scope:
        free = scope.owner is None and scope.function is None
        if free:
            self._source.functions[node.name] = node
        constructs = scope.owner is not None and scope.function is None and node.name == "__init__"
        caller = scope.owner.name if scope.owner and constructs else node.name if free else ""
        found, _ = parameters(node, bound=scope.owner is not None)
        return _Scope(scope.owner, node, frozenset(one.name for one in found if one.optional), caller)

    def _assignment(self, node: ast.Assign | ast.AnnAssign, scope: _Scope) -> None:
        if node.value is None or is_none(node.value):
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in (one for outer in targets for one in _flat(outer)):
            if not isinstance(target, ast.Attribute):
                continue
            own = simple_name(target.value) == "self" and scope.owner is not None
            method = scope.function.name if own and scope.function is not None else ""
            if method == "__init__":
                continue  # the constructor itself is looked at on its own
            owner = scope.owner.name if own and scope.owner else self._holder(target.value, scope)
            handed = scope.function is not None and simple_name(node.value) in holders.arguments(scope.function)
            self._source.assigned.append(Assigned(owner, target.attr, self._place(target), method, handed))

    def _holder(self, value: ast.expr, scope: _Scope) -> str:
        """Return the name of the class that an object is of, as far as this file says where it comes from."""
        where: list[ast.AST] = [scope.function, self._source.tree] if scope.function else [self._source.tree]
        if isinstance(value, ast.Attribute):
            if holders.is_state(value):
                return holders.STATE
            own = isinstance(value.value, ast.Name) and value.value.id == "self" and scope.owner is not None
            where = [scope.owner.node] if own and scope.owner else []
        for tree in where:
            if names := holders.kinds(tree, ast.unparse(value)):
                return self._named(names[0])[0] if len(set(map(ast.unparse, names))) == 1 else ""
        return ""

    def _call(self, node: ast.Call, scope: _Scope) -> None:
        self._asked.add(id(node.func))
        called = simple_name(node.func)
        if called in _BUILDERS and node.args and simple_name(node.args[0]):
            self._asked.add(id(node.args[0]))
            self._add(self._named(node.args[0]), node, node.args[1:], scope)
        if called == "__init__" and isinstance(node.func, ast.Attribute) and scope.owner is not None:
            self._parent_constructor(node, node.func.value, scope.owner, scope)
        elif called == "cls" and isinstance(node.func, ast.Name) and scope.owner is not None:
            self._add((scope.owner.name, scope.owner.module), node, node.args, scope)
        elif called:
            self._add(self._named(node.func), node, node.args, scope)

    def _parent_constructor(self, node: ast.Call, value: ast.expr, owner: Class, scope: _Scope) -> None:
        """Take `super().__init__(…)` and `Base.__init__(self, …)` as call sites of the base class."""
        if isinstance(value, ast.Call) and simple_name(value.func) == "super":
            for base in owner.bases:
                self._add((base, ""), node, node.args, scope)
        elif name := simple_name(value):
            self._add((name, ""), node, node.args[1:], scope)

    def _add(self, target: tuple[str, str], node: ast.Call, args: list[ast.expr], scope: _Scope) -> None:
        name, module = target
        call = Call(name, module, self._place(node))
        call.constructs = scope.owner is not None and getattr(scope.function, "name", "") == "__init__"
        call.open_ended = any(isinstance(arg, ast.Starred) for arg in args) or any(k.arg is None for k in node.keywords)
        call.positional = [_argument(arg, scope) for arg in args]
        call.named = {keyword.arg: _argument(keyword.value, scope) for keyword in node.keywords if keyword.arg}
        self._source.calls.append(call)

    def _reference(self, node: ast.Name | ast.Attribute, scope: _Scope) -> None:
        if isinstance(node, ast.Attribute):
            self._asked.add(id(node.value))  # what is asked of a class is not the class itself
        if not scope.typed and isinstance(node.ctx, ast.Load) and id(node) not in self._asked:
            self._source.escapes.setdefault(self._named(node)[0], self._place(node))

    def _named(self, node: ast.expr) -> tuple[str, str]:
        """Return the original name of an expression and the module it comes from, as far as this file tells."""
        name = simple_name(node)
        if isinstance(node, ast.Name):
            module, original = self._source.imports.get(name, (self._source.module, name))
            return original, module
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module, original = self._source.imports.get(node.value.id, ("", ""))
            return name, ".".join(part for part in (module, original) if part)
        return name, ""

    def _place(self, node: ast.expr) -> Place:
        return Place(self._source.path, node.lineno)


def _flat(target: ast.expr) -> Iterator[ast.expr]:
    waiting = [target]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Tuple | ast.List):
            waiting += node.elts
        else:
            yield node


def _argument(value: ast.expr, scope: _Scope) -> Argument:
    found = Argument(nothing=is_none(value))
    if scope.caller and isinstance(value, ast.Name) and value.id in scope.optional:
        found.forwards = (scope.caller, value.id)
    return found


def _imports(tree: ast.Module, source: Source) -> dict[str, tuple[str, str]]:
    package = source.module if source.path.endswith("/__init__.py") else source.module.rpartition(".")[0]
    found: dict[str, tuple[str, str]] = {}
    for node in syntax.statements(tree):
        if isinstance(node, ast.ImportFrom):
            module = syntax.imported_from(node, package)
            found.update({alias.asname or alias.name: (module, alias.name) for alias in node.names})
        elif isinstance(node, ast.Import):
            found.update({alias.asname or alias.name.partition(".")[0]: (alias.name, "") for alias in node.names})
    return found

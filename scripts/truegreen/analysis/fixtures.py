"""What the tests of a project use, followed through fixtures, conftest files, base classes and helpers of the tests.

Sources are parsed, never executed. Names are followed inside the folder of the tests, and to modules that by their
name are there for tests, such as `shop.testing`; what the application does is not looked at.
"""

from __future__ import annotations

import ast
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from truegreen.analysis import fakes, syntax
from truegreen.analysis.fakes import Hit, Names
from truegreen.model.mocks import FakeScan, FakeUse, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SETUPS = frozenset({
    "setUp", "asyncSetUp", "setUpClass", "setup_method", "setup_class", "setup_module", "setup_function", "setUpModule",
})  # fmt: skip
"""Functions that run before each test beside them, without anybody who asks."""
_TESTS = frozenset({"test", "tests", "testing"})
"""Names of folders, and of modules, that hold nothing but tests and what helps them."""


@dataclass(slots=True)
class _Definition:
    """A function, fixture, class or variable of a file."""

    module: _Module
    names: Names
    wants: set[str] = field(default_factory=set)
    """Fixtures it asks for."""
    owner: str = ""
    """Class it is a method of."""
    fixture: str = ""
    """Name of the fixture it is; empty for anything else."""
    automatic: bool = False
    """Whether it runs for every test in its reach."""
    line: int = 1
    leads_to: list[_Definition] | None = None
    """Definitions it uses by name; None before somebody asked."""


@dataclass(slots=True)
class _Module:
    """One file."""

    path: str
    aliases: dict[str, str] = field(default_factory=dict)
    known: dict[str, _Definition] = field(default_factory=dict)
    """Definitions by name; methods as `Class.method`."""
    executed: list[_Definition] = field(default_factory=list)
    """What runs when the file is imported."""
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    plugins: tuple[str, ...] = ()
    """`pytest_plugins`."""

    def stars(self) -> Iterator[str]:
        """Yield the modules of which everything is imported."""
        yield from (name.removesuffix(".*") for name in self.aliases.values() if name.endswith(".*"))

    def fixtures(self, owner: str) -> Iterator[_Definition]:
        """Yield the fixtures that a test of a class can see here; those of its own class first."""
        own = [one for one in self.known.values() if one.fixture and one.owner in (owner, "")]
        yield from sorted(own, key=lambda one: not one.owner)


class _Key(NamedTuple):
    rule: Rule
    what: str
    path: str
    line: int


def scan(tests: Iterable[str], read: Callable[[str], str | None]) -> FakeScan:
    """Return what tests use.

    Args:
        tests: node ids, such as `tests/test_a.py::TestIt::test_one[1]`; their files are relative to some root.
        read: returns the text of a file below that root, and None where there is no such file; what it raises as
            OSError or ValueError makes a file unread.
    """
    return _Scan(read).run(tests)


class _Scan:
    def __init__(self, read: Callable[[str], str | None]) -> None:
        self._read = read
        self._modules: dict[str, _Module | None] = {}
        self._unread: dict[str, str] = {}
        self._imported: dict[tuple[str, str], _Module | None] = {}

    def run(self, tests: Iterable[str]) -> FakeScan:
        uses: dict[_Key, list[str]] = {}
        seen: dict[str, list[_Key]] = {}
        named = [*tests]
        for test in named:
            function = test.partition("[")[0]
            if function not in seen:
                seen[function] = self._uses(function)
            for key in seen[function]:
                uses.setdefault(key, []).append(test)
        return FakeScan(
            files=sum(module is not None for module in self._modules.values()),
            tests=len(named),
            uses=tuple(FakeUse(**key._asdict(), tests=tuple(found)) for key, found in sorted(uses.items())),
            unread=tuple(f"{path}: {why}" for path, why in sorted(self._unread.items())),
        )

    def _uses(self, test: str) -> list[_Key]:
        path, *names = test.split("::")
        module = self._module(path)
        if module is None:
            if path not in self._unread:
                self._unread[path] = "there is no such file"
            return []
        return [*dict.fromkeys(_Walk(self, module, names).keys())]

    def chain(self, path: str) -> list[_Module]:
        """Return a file and what lends it fixtures, nearest first."""
        folder = posixpath.dirname(path)
        names = [path]
        while True:
            names.append(posixpath.join(folder, "conftest.py"))
            if not folder:
                break
            folder = posixpath.dirname(folder)
        found = [module for name in names if (module := self._module(name)) is not None]
        for module in found:  # grows: what lends fixtures may borrow some itself
            lent = (self.imported(name, module.path) for name in (*module.plugins, *module.stars()))
            known = {id(one) for one in found}
            found += [one for one in lent if one is not None and id(one) not in known]
        return found

    def imported(self, name: str, path: str) -> _Module | None:
        """Return the file of the tests that a dotted module name stands for, as a file says it."""
        key = (name, posixpath.dirname(path))
        if key not in self._imported:
            self._imported[key] = self._find(name, path)
        return self._imported[key]

    def _find(self, name: str, path: str) -> _Module | None:
        reach, folder = _reach(path), posixpath.dirname(path)
        helps = not _TESTS.isdisjoint(name.split("."))  # such as `shop.testing`, which lies beside the application
        while True:
            for below in ("", "src") if helps else ("",):
                for end in (".py", "/__init__.py"):
                    found = posixpath.join(folder, below, name.replace(".", "/") + end)
                    if (helps or _among(found, reach)) and (module := self._module(found)) is not None:
                        return module
            if not folder:
                return None
            folder = posixpath.dirname(folder)

    def _module(self, path: str) -> _Module | None:
        if path not in self._modules:
            self._modules[path] = None
            try:
                text = self._read(path)
                if text is not None:
                    self._modules[path] = _parsed(text, path)
            except (*syntax.UNREADABLE, OSError) as error:
                self._unread[path] = str(error) or type(error).__name__
        return self._modules[path]


class _Walk:
    """Follows one test to everything it uses."""

    def __init__(self, scan: _Scan, module: _Module, names: list[str]) -> None:
        self._scan = scan
        self._module = module
        self._owner = names[-2] if len(names) > 1 else ""
        self._name = names[-1] if names else ""
        self._chain = scan.chain(module.path)
        self._seen: set[int] = set()
        self._waiting: list[_Definition] = []

    def keys(self) -> Iterator[_Key]:
        """Yield each stand-in."""
        self._begin()
        while self._waiting:
            one = self._waiting.pop()
            for hit in one.names.hits:
                yield _Key(hit.rule, hit.what, one.module.path, hit.line)
            self._follow(one)

    def _begin(self) -> None:
        """Take the test itself, what runs beside it unasked, and what importing its files does."""
        owners = [*self._classes(self._module, self._owner)]
        for module, owner in owners or [(self._module, "")]:
            name = f"{owner}.{self._name}" if owner else self._name
            self._take(module.known.get(name), module.known.get(owner))
            for one in (*_SETUPS,) if owner else ():
                self._take(module.known.get(f"{owner}.{one}"))
        for module in self._chain:
            self._take(*module.executed, *(module.known.get(one) for one in _SETUPS))
            self._take(*(one for one in module.known.values() if one.automatic and self._reaches(one, owners)))
            hooks = (one for name, one in module.known.items() if name.startswith("pytest_"))
            self._take(*(hooks if module.path.endswith("conftest.py") else ()))

    def _reaches(self, one: _Definition, owners: list[tuple[_Module, str]]) -> bool:
        return not one.owner or (one.module, one.owner) in owners

    def _take(self, *found: _Definition | None) -> None:
        for one in found:
            if one is not None and id(one) not in self._seen:
                self._seen.add(id(one))
                self._waiting.append(one)

    def _classes(self, module: _Module, owner: str) -> Iterator[tuple[_Module, str]]:
        """Yield a class and the classes it inherits from, as far as they are the tests' own."""
        waiting, seen = [(module, owner)] if owner else [], set()
        while waiting:
            module, owner = waiting.pop()
            if (module.path, owner) in seen or owner not in module.bases:
                continue
            seen.add((module.path, owner))
            yield module, owner
            for base in module.bases[owner]:
                found = self._named(module, base)
                waiting += [found] if found is not None else []

    def _named(self, module: _Module, name: str) -> tuple[_Module, str] | None:
        """Return where a dotted name is defined; None where that is not among the tests."""
        if name in module.known:
            return module, name
        inside, _, last = name.rpartition(".")
        other = self._scan.imported(inside, module.path) if inside else None
        return (other, last) if other is not None else None

    def _follow(self, one: _Definition) -> None:
        for name in one.wants | one.names.asked:
            self._take(*self._fixtures(name, one))
        if one.leads_to is None:
            one.leads_to = [*self._local(one), *self._foreign(one)]
        self._take(*one.leads_to)

    def _local(self, one: _Definition) -> Iterator[_Definition]:
        """Yield what a definition uses in its own file and class."""
        for name in one.names.local:
            first, _, rest = name.partition(".")
            second = rest.partition(".")[0]
            if first in ("self", "cls") and one.owner:
                for module, owner in self._classes(one.module, one.owner):
                    if (found := module.known.get(f"{owner}.{second}")) is not None:
                        yield found
            for part in (first, f"{first}.{second}"):
                if part in one.module.known:
                    yield one.module.known[part]
                    continue
                others = (self._scan.imported(name, one.module.path) for name in one.module.stars())
                yield from (other.known[part] for other in others if other is not None and part in other.known)

    def _foreign(self, one: _Definition) -> Iterator[_Definition]:
        """Yield what a definition uses of other files of the tests."""
        for name in one.names.dotted:
            parts = name.split(".")
            for length in range(len(parts), 1, -1):
                found = self._named(one.module, ".".join(parts[:length]))
                if found is not None and found[1] in found[0].known:
                    yield found[0].known[found[1]]
                    break

    def _fixtures(self, name: str, asker: _Definition) -> Iterator[_Definition]:
        """Yield the fixture of a name that a test sees; one that asks for its own name means the next one."""
        for module in self._chain:
            for one in module.fixtures(self._owner):
                if one.fixture == name and one is not asker:
                    yield one
                    return
            found = self._named(module, module.aliases[name]) if name in module.aliases else None
            lent = found[0].known.get(found[1]) if found is not None else None
            if lent is not None and lent is not asker:
                yield lent
                return
        if library := fakes.FIXTURES.get(name):
            hit = Hit(fakes.LIBRARIES[library], f"{library}.{name}", asker.line)
            yield _Definition(asker.module, Names([hit], set(), set(), set()))


def _parsed(text: str, path: str) -> _Module:
    tree = syntax.parsed(text, path)
    package = posixpath.dirname(path).replace("/", ".")
    module = _Module(path, aliases=fakes.imports(tree, package))
    everywhere = _marked(tree.body, module)
    for node in _flat(tree.body):
        _define(node, module, "", everywhere)
    return module


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements, and instead of an `if`, `try` or `with` what is in it."""
    waiting = list(body)[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.If, ast.Try, ast.With)):
            yield from (ast.Expr(item.context_expr) for item in getattr(node, "items", []))
            inner = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
            inner += [part for handler in getattr(node, "handlers", []) for part in handler.body]
            waiting += inner[::-1]
        else:
            yield node


def _define(node: ast.stmt, module: _Module, owner: str, wanted: set[str]) -> None:
    """Keep one statement of a file or class."""
    prefix = f"{owner}." if owner else ""
    if isinstance(node, _FUNCTIONS):
        module.known[prefix + node.name] = _function(node, module, owner, wanted)
    elif isinstance(node, ast.ClassDef):
        within = wanted | _usefixtures(node.decorator_list) | _marked(node.body, module)
        module.bases[node.name] = tuple(_named(node.bases, module))
        outside: list[ast.AST] = [*node.decorator_list]
        inside = [part for part in node.body if not isinstance(part, (*_FUNCTIONS, ast.ClassDef))]
        names = fakes.used([*outside, *inside], module.aliases)
        module.known[node.name] = _Definition(module, names, owner=node.name)
        for part in node.body:
            if isinstance(part, (*_FUNCTIONS, ast.ClassDef)):
                _define(part, module, node.name, within)
    elif not isinstance(node, (ast.Import, ast.ImportFrom)):
        found = _Definition(module, fakes.used([node], module.aliases))
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets += [node.target] if isinstance(node, ast.AnnAssign) else []
        names_only = [to.id for to in targets if isinstance(to, ast.Name)]
        for name in names_only:
            module.known[name] = found
        if not names_only:
            module.executed.append(found)


def _function(
    node: ast.FunctionDef | ast.AsyncFunctionDef, module: _Module, owner: str, wanted: set[str]
) -> _Definition:
    args = node.args
    parameters = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    found = _Definition(module, fakes.used([node], module.aliases), owner=owner, line=node.lineno)
    found.wants = {*parameters, *wanted, *_usefixtures(node.decorator_list)} - {"self", "cls"}
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if any(name.endswith("fixture") for name in _named([called], module)):
            options = {one.arg: one.value for one in getattr(decorator, "keywords", [])}
            name, automatic = options.get("name"), options.get("autouse")
            found.fixture = str(name.value) if isinstance(name, ast.Constant) else node.name
            found.automatic = automatic is not None and not (
                isinstance(automatic, ast.Constant) and not automatic.value
            )
    return found


def _usefixtures(nodes: Iterable[ast.expr]) -> set[str]:
    """Return the names in `usefixtures("a", "b")` anywhere in some expressions."""
    calls = (part for node in nodes for part in ast.walk(node) if isinstance(part, ast.Call))
    named = (call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "usefixtures")
    return {str(arg.value) for call in named for arg in call.args if isinstance(arg, ast.Constant)}


def _marked(body: list[ast.stmt], module: _Module) -> set[str]:
    """Return the fixtures that `pytestmark` asks for; take note of `pytest_plugins` on the way."""
    found: set[str] = set()
    for node in body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        if node.targets[0].id == "pytestmark":
            found |= _usefixtures([node.value])
        elif node.targets[0].id == "pytest_plugins":
            texts = (part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant))
            module.plugins = tuple(text for text in texts if isinstance(text, str))
    return found


def _named(nodes: list[ast.expr], module: _Module) -> Iterator[str]:
    """Yield the dotted names among some expressions, after imports."""
    for node in nodes:
        if isinstance(node, (ast.Name, ast.Attribute)):
            names = fakes.used([node], module.aliases)
            yield from names.dotted | names.local


def _among(path: str, reach: str) -> bool:
    """Return whether a file belongs to the tests; beside the application only names tell."""
    if reach.rpartition("/")[2] in _TESTS:
        return path.startswith(f"{reach}/")
    name = posixpath.basename(path)
    return posixpath.dirname(path) == reach and (name.startswith(("test", "conftest")) or name.endswith("_test.py"))


def _reach(path: str) -> str:
    """Return the outermost folder of tests that a file lies in, else its own folder."""
    parts = posixpath.dirname(path).split("/")
    for number, part in enumerate(parts, 1):
        if part in _TESTS:
            return "/".join(parts[:number])
    return posixpath.dirname(path)

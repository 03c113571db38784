"""One file of tests, read once: its functions, what each names, waits for and asserts, and its fixtures."""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from truegreen.analysis import fakes, syntax
from truegreen.analysis import style_nodes as nodes
from truegreen.model.style import Allowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*FUNCTIONS, ast.Lambda)
_SLEEPS = frozenset({"time.sleep", "asyncio.sleep", "anyio.sleep", "trio.sleep"})
_LOOPS = frozenset({
    "asyncio.new_event_loop", "uvloop.new_event_loop", "asyncio.SelectorEventLoop", "asyncio.ProactorEventLoop",
    "asyncio.events.new_event_loop",
})  # fmt: skip
_GET_LOOP = frozenset({"asyncio.get_event_loop", "asyncio.events.get_event_loop"})
_RUNS = frozenset({"run_until_complete", "run_forever"})
_COMMENT = re.compile(r"#\s*truegreen:\s*allow\s+([a-z-]+(?:\s*,\s*[a-z-]+)*)\s*(?::\s*(.*))?$")
_TELLING = frozenset({
    *_SCOPES, ast.ClassDef, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Attribute, ast.Call,
    ast.Assert, ast.Raise, ast.Assign, ast.Expr,
})  # fmt: skip
"""Kinds of nodes that say something by themselves."""
_NESTED, _BOUND = 1, 2
_PLAIN = ("pytest", "contextlib.", "typing.", "functools.")
"""Where decorators come from that hand a fixture to nobody else."""


class Wait(NamedTuple):
    """One call of a `sleep` as a statement."""

    what: str
    argument: float | str
    """Seconds, or the dotted name they are kept under."""
    line: int


@dataclass(slots=True, eq=False)
class Function:
    """A function of a file, with everything inside it."""

    name: str
    owner: str
    """Names of the classes around it, joined by `::`; empty at the top."""
    line: int
    parameters: tuple[str, ...] = ()
    decorators: list[str] = field(default_factory=list)
    """Dotted names."""
    given: set[str] = field(default_factory=set)
    """Words in the texts of its decorators, such as the names in `parametrize("a, b", …)`."""
    fixture: str = ""
    """Name of the fixture it is; empty for anything else."""
    automatic: bool = False
    documented: bool = False
    words: set[str] = field(default_factory=set)
    """Names and attributes it reads."""
    names: set[str] = field(default_factory=set)
    """Names it reads."""
    stored: set[str] = field(default_factory=set)
    """Names it binds."""
    does: set[str] = field(default_factory=set)
    """Names it calls as a statement or for a value, outside of nested functions: whoever waits there makes it wait."""
    waits: list[Wait] = field(default_factory=list)
    loops: list[tuple[str, int]] = field(default_factory=list)
    """Event loops it makes, or takes to run something, with their lines."""
    holds_loop: set[str] = field(default_factory=set)
    """Names under which it keeps what `get_event_loop()` gave."""
    asserts: bool = False
    """Whether it asserts, raises, or holds a text that does."""
    speaks_of_sleep: bool = False
    """Whether it names a `sleep` in a text, as one that replaces it does."""


@dataclass(slots=True)
class Group:
    """A class of a file."""

    name: str
    bases: tuple[str, ...]
    decorators: list[str] = field(default_factory=list)
    """Dotted names of its decorators and marks."""
    members: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    left_out: bool = False
    """Whether `__test__ = False` or a constructor keeps pytest away."""


@dataclass(slots=True)
class Source:
    """One file."""

    path: str
    aliases: dict[str, str] = field(default_factory=dict)
    functions: list[Function] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    """Classes by their whole name, `Outer::Inner`."""
    constants: dict[str, float] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    """Names that may stand for a fixture: parameters, words in texts, names from elsewhere."""
    dynamic: int = 0
    """Line at which a fixture is asked for by a name that is not written down; 0 where there is none."""
    given: set[str] = field(default_factory=set)
    """Words in the texts of `pytestmark`."""
    marks: list[str] = field(default_factory=list)
    """Dotted names in `pytestmark`."""
    allowed: list[Allowed] = field(default_factory=list)


def source(text: str, path: str) -> Source:
    """Return what a file says.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it cannot be read.
    """
    tree = syntax.parsed(text, path)
    found = Source(path, fakes.imports(tree, posixpath.dirname(path).replace("/", ".")))
    found.asked |= {name.rpartition(".")[2] for name in found.aliases.values()}
    _block(tree.body, found, "")
    if "truegreen:" in text:
        found.allowed = [*_comments(text, path)]
    return found


def _comments(text: str, path: str) -> Iterator[Allowed]:
    for number, line in enumerate(text.splitlines(), 1):
        if (found := _COMMENT.search(line)) is not None:
            rules = tuple(name.strip() for name in found[1].split(","))
            yield Allowed(path=path, line=number, rules=rules, reason=(found[2] or "").strip())


def _block(body: Iterable[ast.stmt], found: Source, owner: str) -> None:
    """Take the statements of a file or class, those in the branches of `if`, `try` and `with` included."""
    waiting = [*body][::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, FUNCTIONS):
            found.functions.append(_function(node, found, owner))
        elif isinstance(node, ast.ClassDef):
            _group(node, found, owner)
        elif isinstance(node, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
            inner = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
            inner += [part for handler in getattr(node, "handlers", []) for part in handler.body]
            waiting += inner[::-1]
        elif not isinstance(node, (ast.Import, ast.ImportFrom)):
            _loose(node, found, owner)


def _group(node: ast.ClassDef, found: Source, owner: str) -> None:
    name = f"{owner}::{node.name}" if owner else node.name
    group = Group(node.name, tuple(nodes.dotted(base) or "?" for base in node.bases))
    found.groups[name] = group
    for decorator in node.decorator_list:
        group.given |= nodes.words_in(decorator)
        group.decorators.append(_decorator(decorator, found))
        _walk([(decorator, 0)], Function("", owner, node.lineno), found)
    for part in node.body:
        if isinstance(part, FUNCTIONS):
            group.members.add(part.name)
        elif isinstance(part, ast.Assign):
            group.members |= {to.id for to in part.targets if isinstance(to, ast.Name)}
            if nodes.assigns(part, "pytestmark"):
                group.given |= nodes.words_in(part.value)
                group.decorators += _marks(part.value, found)
            group.left_out |= nodes.assigns(part, "__test__") and not nodes.may_be_true(part.value)
    group.left_out |= "__init__" in group.members or "__new__" in group.members
    found.asked |= group.given
    _block(node.body, found, name)


def _loose(node: ast.stmt, found: Source, owner: str) -> None:
    """Take a statement outside of functions."""
    if isinstance(node, ast.Assign) and not owner:
        value = nodes.number(node.value)
        for to in node.targets:
            if isinstance(to, ast.Name) and isinstance(value, float):
                found.constants[to.id] = value
        if nodes.assigns(node, "pytestmark"):
            found.given |= nodes.words_in(node.value)
            found.marks += _marks(node.value, found)
    elif isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
        value = nodes.number(node.value)
        if isinstance(value, float) and not owner:
            found.constants[node.target.id] = value
    outside = Function("", owner, node.lineno)
    _walk([(node, 0)], outside, found)
    found.asked |= outside.names


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, found: Source, owner: str) -> Function:
    one = Function(node.name, owner, node.lineno)
    one.parameters = tuple(nodes.parameters(node.args))
    documented = ast.get_docstring(node, clean=False)
    one.documented = documented is not None
    parts: list[ast.AST] = [*nodes.defaults(node.args), *node.body[one.documented :]]
    for decorator in node.decorator_list:
        name = _decorator(decorator, found)
        one.decorators.append(name)
        one.given |= nodes.words_in(decorator)
        if name.rpartition(".")[2] == "fixture":
            parts += _fixture(one, decorator)
        else:
            parts.append(decorator)
    _walk([(part, 0) for part in parts[::-1]], one, found)
    if documented is not None and "getfixture" in documented:
        found.asked.update(nodes.WORD.findall(documented))
    one.words |= one.names
    one.automatic |= bool(one.fixture) and not all(name.startswith(_PLAIN) for name in one.decorators)
    # A fixture that asks for its own name means another one, which it overrides.
    found.asked |= {*one.parameters} - {one.fixture}
    found.asked |= one.names - one.stored - {*one.parameters}
    return one


def _decorator(node: ast.expr, found: Source) -> str:
    return _resolved(node.func if isinstance(node, ast.Call) else node, found)


def _marks(value: ast.expr, found: Source) -> list[str]:
    marks = value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]
    return [_decorator(mark, found) for mark in marks]


def _fixture(one: Function, decorator: ast.expr) -> list[ast.AST]:
    """Take what makes a function a fixture; return the parts that do not name it."""
    options = {part.arg: part.value for part in getattr(decorator, "keywords", [])}
    name, automatic = options.get("name"), options.get("autouse")
    one.fixture = str(name.value) if isinstance(name, ast.Constant) and name.value else one.name
    # What is decided elsewhere (`**options`, a name that is computed) counts as in use.
    computed = None in options or not (name is None or isinstance(name, ast.Constant))
    one.automatic = computed or (automatic is not None and nodes.may_be_true(automatic))
    return [*getattr(decorator, "args", []), *(value for key, value in options.items() if key != "name")]


def _walk(waiting: list[tuple[ast.AST, int]], one: Function, found: Source) -> None:
    """Take everything below some nodes; what runs later, or is ended early, is marked so."""
    while waiting:
        node, state = waiting.pop()
        kind = node.__class__
        if kind is ast.Name:
            (one.names if node.ctx.__class__ is ast.Load else one.stored).add(node.id)  # type: ignore[attr-defined]
            continue
        if kind is ast.Constant:
            _text(node, one, found)  # type: ignore[arg-type]
            continue
        if kind in _TELLING:  # of ten nodes, nine say nothing by themselves
            if not state and isinstance(node, (ast.Expr, ast.Assign)):
                _does(node.value, one, found)
            _told(node, one, found)
            state |= _state(node)
        waiting += [(part, state) for part in nodes.parts(node)]


def _state(node: ast.AST) -> int:
    """Return what begins with a node: something that runs later, or whose waits may end early."""
    if isinstance(node, (*_SCOPES, ast.ClassDef)):
        return _NESTED
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return _BOUND if nodes.can_end(node) else 0
    if isinstance(node, (ast.With, ast.AsyncWith, ast.Try)):
        return _BOUND if nodes.is_bounded(node) else 0
    return _BOUND if isinstance(node, ast.While) else 0


def _told(node: ast.AST, one: Function, found: Source) -> None:
    """Take what a node reads, calls, binds or asserts."""
    if isinstance(node, ast.Attribute):
        _attribute(node, one, found)
    elif isinstance(node, ast.Call):
        _call(node, one, found)
    elif isinstance(node, (ast.Assert, ast.Raise)):
        one.asserts |= isinstance(node, ast.Assert) or not nodes.is_unfinished(node)
    elif isinstance(node, ast.Assign):
        if isinstance(node.value, ast.Call) and _resolved(node.value.func, found) in _GET_LOOP:
            one.holds_loop |= {to.id for to in node.targets if isinstance(to, ast.Name)}
    elif isinstance(node, _SCOPES):
        names = [*nodes.parameters(node.args)]
        one.stored.update(names)
        found.asked.update(names)
        if not isinstance(node, ast.Lambda):
            one.stored.add(node.name)
    elif isinstance(node, ast.ClassDef):
        one.stored.add(node.name)


def _attribute(node: ast.Attribute, one: Function, found: Source) -> None:
    one.words.add(node.attr)
    if isinstance(node.value, ast.Name) and node.value.id in found.aliases:
        found.asked.add(node.attr)


def _text(node: ast.Constant, one: Function, found: Source) -> None:
    if not isinstance(node.value, str):
        return
    text = node.value
    if len(text) <= nodes.TEXT_MAX_CHARS or "fixture" in text:
        found.asked.update(nodes.WORD.findall(text))
    one.asserts |= "assert" in text or text == "error"
    one.speaks_of_sleep |= text == "sleep" or text.endswith(".sleep")


def _call(node: ast.Call, one: Function, found: Source) -> None:
    name = _resolved(node.func, found)
    last = name.rpartition(".")[2] or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
    if last in ("getfixturevalue", "getfuncargvalue", "usefixtures", "lazy_fixture", "lf", "fixture_ref"):
        if not all(isinstance(part, ast.Constant) for part in (*node.args, *(k.value for k in node.keywords))):
            found.dynamic = found.dynamic or node.lineno
    elif name in _LOOPS:
        one.loops.append((f"{name}()", node.lineno))
    elif last in _RUNS and isinstance(node.func, ast.Attribute):
        held = node.func.value
        taken = isinstance(held, ast.Call) and _resolved(held.func, found) in _GET_LOOP
        if taken or (isinstance(held, ast.Name) and held.id in one.holds_loop):
            one.loops.append((f"asyncio.get_event_loop().{last}(…)", node.lineno))
    one.asserts |= any(part.arg == "check" and nodes.may_be_true(part.value) for part in node.keywords)


def _does(value: ast.expr | None, one: Function, found: Source) -> None:
    """Take what a statement calls and waits for."""
    if isinstance(value, ast.Await):
        value = value.value
    if not isinstance(value, ast.Call):
        return
    name = _resolved(value.func, found)
    one.does.add(name.rpartition(".")[2])
    if name in _SLEEPS:
        arguments = [*value.args, *(part.value for part in value.keywords)]
        seconds = nodes.number(arguments[0]) if len(arguments) == 1 else ""
        if seconds != "":
            one.waits.append(Wait(name, seconds, value.lineno))


def _resolved(node: ast.expr, found: Source) -> str:
    name = nodes.dotted(node)
    top, _, rest = name.partition(".")
    return f"{found.aliases.get(top, top)}.{rest}".rstrip(".")

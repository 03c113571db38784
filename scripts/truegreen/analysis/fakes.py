"""Which stand-ins a piece of Python uses: by what it names, not by what it imports."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from truegreen.analysis.syntax import imported_from, statements
from truegreen.model.mocks import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FREE = frozenset({"ANY", "call", "sentinel", "DEFAULT", "FILTER_DIR", "mock_open", "seal"})
"""Names of mock that stand in for nothing."""
_MOCK = ("unittest.mock", "mock.mock", "mock")
LIBRARIES = {
    **dict.fromkeys(
        ("fakeredis", "birdisle", "mockredis", "mongomock", "mongomock_motor", "pymongo_inmemory", "moto"),
        Rule.FAKE_STORE,
    ),
    **dict.fromkeys(
        (
            "responses",
            "respx",
            "requests_mock",
            "pytest_httpx",
            "aioresponses",
            "httpretty",
            "pook",
            "mocket",
            "pytest_responses",
        ),
        Rule.FAKE_HTTP,
    ),
    **dict.fromkeys(("vcr", "pytest_vcr", "pytest_recording", "betamax"), Rule.RECORDED),
}
"""Top-level module of a library that stands in → rule."""
UNWATCHED = frozenset({
    "flexmock.flexmock", "mockito.when", "mockito.when2", "mockito.expect", "mockito.patch", "mockito.mock",
})  # fmt: skip
"""What replaces things by means of its own, so that only the sources tell of it."""
_NAMED = {
    "httpx.MockTransport": Rule.FAKE_HTTP,
    "botocore.stub.Stubber": Rule.FAKE_HTTP,
    **dict.fromkeys(UNWATCHED, Rule.REPLACED),
    "pytest.mark.vcr": Rule.RECORDED,
    "pytest.mark.default_cassette": Rule.RECORDED,
}
FIXTURES = {
    "httpx_mock": "pytest_httpx",
    "requests_mock": "requests_mock",
    "respx_mock": "respx",
    "mock_aioresponse": "aioresponses",
    "vcr": "vcr",
    "vcr_cassette": "vcr",
    "betamax_session": "betamax",
}
"""Fixtures of plugins that stand in as soon as a test asks for them → the library behind each."""
_LENGTH = 200
"""Characters of a name; longer ones are cut."""
_PATCHERS = {
    "monkeypatch": frozenset({"setattr", "delattr"}),
    **dict.fromkeys(
        ("mocker", "class_mocker", "module_mocker", "package_mocker", "session_mocker"),
        frozenset({"patch", "Mock", "MagicMock", "AsyncMock", "NonCallableMock", "PropertyMock", "create_autospec"}),
    ),
}
"""Fixtures that stand in by what is called on them."""
_SQLITE = re.compile(r"sqlite(\+\w+)?://")
_MEMORY = ":memory:"
_TYPES: dict[type[ast.AST], frozenset[str]] = {
    ast.arg: frozenset({"annotation"}),
    ast.AnnAssign: frozenset({"annotation"}),
    ast.FunctionDef: frozenset({"returns"}),
    ast.AsyncFunctionDef: frozenset({"returns"}),
    ast.Compare: frozenset({"left", "comparators"}),
}
"""Kind of node → fields whose names and texts are not used: types, and what something is compared with."""


class Hit(NamedTuple):
    """One stand-in, where it is used."""

    rule: Rule
    what: str
    line: int


class Names(NamedTuple):
    """What a piece of code uses."""

    hits: list[Hit]
    dotted: set[str]
    """Imported names it reads, as they are called where they come from."""
    local: set[str]
    """Other names it reads; of `self.name`, `self.name`."""
    asked: set[str]
    """Fixtures it asks for by `getfixturevalue`."""


def imports(tree: ast.Module, package: str) -> dict[str, str]:
    """Return local name → dotted name, for every import of a file, and for modules that were asked for by name.

    Args:
        tree: the file.
        package: dotted package the file lies in, for relative imports.
    """
    found: dict[str, str] = {}
    for node in statements(tree):
        if isinstance(node, ast.ImportFrom):
            base = imported_from(node, package)
            found.update({_bound(alias, base): f"{base}.{alias.name}".lstrip(".") for alias in node.names})
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.partition(".")[0]] = alias.name if alias.asname else _top(alias.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and node.value.args:
            name, first = _chain(node.value.func), node.value.args[0]
            if name.endswith(("importorskip", "import_module")) and isinstance(first, ast.Constant):
                found.update({to.id: str(first.value) for to in node.targets if isinstance(to, ast.Name)})
    return found


def used(nodes: list[ast.AST], aliases: Mapping[str, str]) -> Names:
    """Return what some nodes use; types and comparisons are not use."""
    found = Names([], set(), set(), set())
    waiting = list(nodes)[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Name, ast.Attribute)) and (name := _chain(node)):
            _name(name, node, aliases, found)
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and _SQLITE.match(node.value):
                found.hits.append(Hit(Rule.SQLITE, node.value[:_LENGTH], node.lineno))
        elif isinstance(node, ast.Call):
            _call(node, found)
        waiting += [*_parts(node)][::-1]
    return found


def rule_of(name: str) -> Rule | None:
    """Return the rule that speaks of an imported dotted name; None for one that stands in for nothing."""
    for module in _MOCK:
        if name.startswith(f"{module}."):
            first = name[len(module) + 1 :].partition(".")[0]
            return None if first in _FREE else Rule.REPLACED if first == "patch" else Rule.MOCK
    top, _, rest = name.partition(".")
    return _NAMED.get(name) or (LIBRARIES.get(top) if rest else None)


def _name(name: str, node: ast.expr, aliases: Mapping[str, str], found: Names) -> None:
    top, _, rest = name.partition(".")
    dotted = f"{aliases[top]}.{rest}".rstrip(".") if top in aliases else name
    (found.dotted if top in aliases else found.local).add(dotted)
    rule = rule_of(dotted) if top in aliases else None
    if rest.partition(".")[0] in _PATCHERS.get(name.partition(".")[0], ()):
        rule = Rule.REPLACED
    elif ".dependency_overrides" in name and not name.endswith((".clear", ".pop")):
        rule = Rule.OVERRIDE
    if rule is not None:
        found.hits.append(Hit(rule, dotted[:_LENGTH], node.lineno))


def _call(node: ast.Call, found: Names) -> None:
    name = _chain(node.func)
    texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if name.endswith("getfixturevalue"):
        found.asked.update(texts)
    elif name.endswith(".connect") and _MEMORY in texts:
        found.hits.append(Hit(Rule.SQLITE, f"{name}({_MEMORY!r})", node.lineno))
    elif name.endswith("URL.create"):  # of SQLAlchemy
        given = (word.value for word in node.keywords if word.arg == "drivername")
        texts += [value.value for value in given if isinstance(value, ast.Constant) and isinstance(value.value, str)]
        if (driver := texts[0] if texts else "").partition("+")[0] == "sqlite":
            found.hits.append(Hit(Rule.SQLITE, f"{name}({driver!r})"[:_LENGTH], node.lineno))


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    left_out = _TYPES.get(type(node), frozenset())
    for field, value in ast.iter_fields(node):
        if field in left_out and not (isinstance(node, ast.Compare) and not _constant(value)):
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST):
                yield part


def _constant(value: ast.expr | list[ast.expr]) -> bool:
    parts = value if isinstance(value, list) else [value]
    return any(isinstance(part, ast.Constant) for part in parts)


def _chain(node: ast.expr) -> str:
    """Return `a.b.c` for names and attributes of names; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *parts[::-1]]) if isinstance(node, ast.Name) else ""


def _bound(alias: ast.alias, base: str) -> str:
    """Return the local name of an import; of `*`, which binds any, one for each module."""
    return f"* {base}" if alias.name == "*" else alias.asname or alias.name


def _top(name: str) -> str:
    return name.partition(".")[0]

"""Where an application is put together: functions that build its parts, applications, containers.

Only what says that it builds a part of the application is a root: calling it must be what the application itself does
when it starts. `create_tables()` builds nothing, and is never called.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from truegreen.analysis import callables, unwired
from truegreen.model.wiring import Place, Root, RootKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from truegreen.analysis.callables import Function, Source
    from truegreen.analysis.slots import Slots
    from truegreen.analysis.unwired import Project

_NAMED = re.compile(
    r"(create|build|make|bootstrap)_\w+|bootstrap|(app|service|container)_factory"
    r"|get_\w*(services?|repository|repo|container|uow|unit_of_work|use_?case|gateway|controller|facade)"
)
"""Names of functions that build; `get_context` and its like look up what somebody else built."""
_COMPOSES = re.compile(
    r"bootstrap(_\w+)?|(get|create|build|make)_(\w+_)?"
    r"(app|application|services?|repository|repo|container|uow|unit_of_work|use_?case|gateway|controller|facade)"
)
"""Those among them that cannot mean anything but a part of the application."""
_HARMLESS = frozenset({"cache", "lru_cache", "contextmanager", "asynccontextmanager", "singleton"})
"""Decorators under which a function still builds what it says; any other one registers it somewhere."""
_APPLICATIONS = frozenset({"FastAPI", "Flask", "Starlette", "Quart"})
_CONTAINERS = frozenset({"DeclarativeContainer"})
_MARKS = frozenset({"Depends", "Security", "Provide", "FromDishka"})
"""What stands as a default, or in `Annotated`, of a parameter that the framework fills."""
_WRAPPERS = frozenset({
    "Optional", "Iterator", "Generator", "AsyncIterator", "AsyncGenerator", "Iterable", "AsyncIterable", "Awaitable",
    "Coroutine", "Annotated", "Final", "AbstractContextManager", "AbstractAsyncContextManager", "ContextManager",
})  # fmt: skip
_STARTS = frozenset({"run", "main", "serve", "serve_forever", "start", "run_until_complete", "run_forever", "cli",
                     "execute_from_command_line", "exit"})  # fmt: skip
"""What a module calls, outside every function, that does not come back before the program ends."""
ASIDE = frozenset({"examples", "example", "samples", "demo", "demos", "docs", "doc", "docs_src", "scripts", "tools",
                    "bin", "benchmarks", "migrations", "alembic"})  # fmt: skip
"""Folders at the top of a project whose programs are not the application; `factories` may name what is in them."""
_SOURCE_ROOTS = ("src/", "lib/", "python/")


class Candidate(NamedTuple):
    """A function that gives a part of the application."""

    name: str
    """`module:function`."""
    path: str
    node: Function
    why: str
    """Why it is no root; empty where it is one."""
    named: bool
    """Whether it says by its name which part of the application it builds."""


def of(project: Project, slots: Slots) -> tuple[Root, ...]:
    """Return the roots of a project, each once, sorted by name.

    Args:
        project: all sources.
        slots: its classes with dependencies; what builds none of them has nothing to wire.
    """
    parts, containers = _parts(project, slots), _heirs(project, _CONTAINERS)
    factories = (one for one in candidates(project, slots) if not one.why)
    found = {one.name: Root(name=one.name, place=Place(one.path, one.node.lineno)) for one in factories}
    for source in project.sources:
        if source.path.partition("/")[0] in ASIDE or _starts(source.tree.body):
            continue
        for name, kind, line in _objects(source, parts, containers):
            root = f"{module(source.path)}:{name}"
            found[root] = Root(name=root, kind=kind, place=Place(source.path, line))
    return tuple(found[name] for name in sorted(found))


def place(project: Project, name: str) -> Place | None:
    """Return where a declared root is defined; None where the sources do not tell.

    Args:
        project: all sources.
        name: `module:attribute`.
    """
    wanted, _, attribute = name.partition(":")
    for source in project.sources:
        if module(source.path) != wanted:
            continue
        if attribute in source.functions:
            return Place(source.path, source.functions[attribute].lineno)
        line = next((one.node.lineno for one in source.classes if one.name == attribute), 1)
        return Place(source.path, line)
    return None


def module(path: str) -> str:
    """Return the name under which a file is likely imported: `src/app/di.py` is `app.di`."""
    for folder in _SOURCE_ROOTS:
        path = path.removeprefix(folder)
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _parts(project: Project, slots: Slots) -> frozenset[str]:
    """Return the names of classes that have dependencies, of their heirs, and of the bases that stand for them."""
    known = {name for classes in slots.values() for name in classes}
    above: dict[str, set[str]] = defaultdict(set)
    for source in project.sources:
        for found in source.classes:
            above[found.name] |= {base for base in found.bases if project.classes(base)}
    return frozenset(_reached(known, above) | _heirs(project, known))


def _heirs(project: Project, names: Iterable[str]) -> set[str]:
    """Return names of classes, and those of all classes below them."""
    below: dict[str, set[str]] = defaultdict(set)
    for source in project.sources:
        for found in source.classes:
            for base in found.bases:
                below[base].add(found.name)
    return _reached(names, below)


def _reached(names: Iterable[str], edges: Mapping[str, set[str]]) -> set[str]:
    seen, waiting = set[str](), [*names]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += edges.get(name, ())
    return seen


def candidates(project: Project, slots: Slots) -> Iterator[Candidate]:
    """Yield the functions that give a part of the application, roots or not.

    Args:
        project: all sources.
        slots: its classes with dependencies.
    """
    parts = _parts(project, slots)
    for source in project.sources:
        if source.path.partition("/")[0] in ASIDE:
            continue
        starts = "importing its module starts a program" if _starts(source.tree.body) else ""
        for name, function in source.functions.items():
            if any(one in _APPLICATIONS or one in parts for one in _given(source, function)):
                why, named = starts or _hindrance(function), not starts and _is_factory(function)
                yield Candidate(f"{module(source.path)}:{name}", source.path, function, why, named)


def _hindrance(function: Function) -> str:
    """Return why a function is not called: somebody registered it, or nobody knows what to call it with."""
    marks = [callables.simple_name(mark) for mark in _marks(function)]
    if strange := [mark for mark in marks if mark not in _HARMLESS]:
        return f"`@{strange[0]}` hands it to somebody else"
    if not _NAMED.fullmatch(function.name):
        return "its name does not say that it builds"
    bare = _bare(function)
    return f"it needs {', '.join(f'`{name}`' for name in bare)}" if bare else ""


def _is_factory(function: Function) -> bool:
    """Return whether a function says by its name which part it builds, and nobody else registered it."""
    marks = {callables.simple_name(mark) for mark in _marks(function)}
    return _COMPOSES.fullmatch(function.name) is not None and marks <= _HARMLESS


def _marks(function: Function) -> Iterator[ast.expr]:
    return (mark.func if isinstance(mark, ast.Call) else mark for mark in function.decorator_list)


def _bare(function: Function) -> list[str]:
    """Return the parameters without which a function cannot be called, and which nobody fills."""
    args = function.args
    plain = [*args.posonlyargs, *args.args]
    bare = [*plain[: len(plain) - len(args.defaults)]]
    bare += [arg for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True) if default is None]
    return [arg.arg for arg in bare if not _filled(arg.annotation)]


def _filled(annotation: ast.expr | None) -> bool:
    """Return whether the framework fills a parameter: `Annotated[Session, Depends(get_session)]`."""
    return annotation is not None and any(
        isinstance(node, ast.Call) and callables.simple_name(node.func) in _MARKS for node in ast.walk(annotation)
    )


def _given(source: Source, function: Function) -> Iterator[str]:
    """Yield the names of the classes that a function says it gives, or builds and gives."""
    if function.returns is not None:
        for part in _flat(function.returns):
            name = callables.simple_name(part)
            yield source.imports.get(name, ("", name))[1] or name
    built: dict[str, str] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            built.update({to.id: _built(source, node.value) for to in node.targets if isinstance(to, ast.Name)})
    for node in ast.walk(function):
        value = node.value if isinstance(node, ast.Return | ast.Yield) else None
        if isinstance(value, ast.Call):
            yield _built(source, value)
        elif isinstance(value, ast.Name):
            yield built.get(value.id, "")


def _built(source: Source, call: ast.Call) -> str:
    name = callables.simple_name(call.func)
    return source.imports.get(name, ("", name))[1] or name


def _flat(annotation: ast.expr) -> Iterator[ast.expr]:
    """Yield the types in an annotation, those inside of generators and the like too."""
    for part in unwired.members(annotation):
        if isinstance(part, ast.Subscript) and callables.simple_name(part.value) in _WRAPPERS:
            inner = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
            yield from (found for one in inner for found in _flat(one))
        else:
            yield part


def _objects(
    source: Source, parts: AbstractSet[str], containers: AbstractSet[str]
) -> Iterator[tuple[str, RootKind, int]]:
    """Yield what a module holds: applications, parts that it builds when it is imported, containers."""
    for found in source.classes:
        if found.name in containers and found.node in source.tree.body:
            yield found.name, RootKind.CONTAINER, found.node.lineno
    for node in source.tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
            continue
        if _built(source, node.value) not in parts | _APPLICATIONS:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            # What is written like a constant is one; a part of the application is written like a variable.
            if isinstance(target, ast.Name) and target.id.islower() and not target.id.startswith("_"):
                yield target.id, RootKind.OBJECT, node.lineno


def _starts(body: Iterable[ast.stmt]) -> bool:
    """Return whether importing a module starts a program; `if __name__ == "__main__":` does not."""
    for node in body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            if callables.simple_name(node.value.func) in _STARTS:
                return True
        elif isinstance(node, ast.With | ast.Try) and _starts(node.body):
            return True
    return False

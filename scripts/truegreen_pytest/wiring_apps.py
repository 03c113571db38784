"""Walks what holds parts of an application in its own way: FastAPI, Flask, dependency-injector."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import types
import typing
from typing import TYPE_CHECKING, Any

from truegreen_pytest.wiring_building import returns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen_pytest.wiring_building import Workshop
    from truegreen_pytest.wiring_walk import Slot, Walk

LIFESPAN_S = 10.0
_CALLED = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)
_REQUEST_FIELDS = ("path_params", "query_params", "header_params", "cookie_params", "body_params")


def look(walk: Walk, workshop: Workshop, value: Any, name: str, *, is_object: bool) -> None:
    """Walk from one root.

    Args:
        walk: takes what is seen.
        workshop: builds.
        value: what the root's name stands for.
        name: `module:attribute`, for what is said about it.
        is_object: whether it is looked at as it is; else a function or class is called first.
    """
    __tracebackhide__ = True
    declared, label = "", name.partition(":")[2]
    if not is_object and _of(value, "dependency_injector.containers") != "container" and _is_called(value):
        declared = value.__name__ if isinstance(value, type) else returns(value)
        value, label = workshop.make(value), f"{label}()"
        if value is None:
            walk.empty(label, name, declared, None)
    framework = _of(value, "fastapi.applications") or _of(value, "starlette.applications")
    if framework == "application":
        FastApi(walk, workshop, value).look()
    elif _of(value, "dependency_injector.containers") == "container":
        Container(walk).look(value, getattr(value, "__name__", type(value).__name__))
    elif _of(value, "flask.app") or _of(value, "quart.app"):
        _flask(walk, value)
    else:
        walk.root(value, label, declared)


def _is_called(value: Any) -> bool:
    kind = type(value)
    return isinstance(value, _CALLED) or kind.__name__ in ("partial", "_lru_cache_wrapper") or _provider(value)


def _of(value: Any, module: str) -> str:
    """Return what a value is to a framework, by the modules of its class's bases; empty when it is not its own."""
    kind = value if isinstance(value, type) else type(value)
    known = any(base.__module__ == module for base in kind.__mro__)
    if not known and module == "dependency_injector.containers":  # instances of its declarative containers are dynamic
        known = any(base.__name__ in ("DynamicContainer", "DeclarativeContainer") for base in kind.__mro__)
    return "" if not known else "container" if "containers" in module else "application"


class NeedsRequest(Exception):
    """Only a request can tell what a dependency gives."""


class FastApi:
    """The dependencies of an application's routes, built as for a request, but without one."""

    def __init__(self, walk: Walk, workshop: Workshop, app: Any) -> None:
        self._walk = walk
        self._workshop = workshop
        self._app = app
        self._known: dict[Any, Any] = {}
        """What a dependency gave, or the exception that it raised."""
        self._asks: set[Any] = set()
        """Dependencies that were given a request without content: what they raise says nothing about the wiring."""
        self._lifespan = ""
        self._started = False

    def look(self) -> None:
        """Judge every dependency that a function of a route gets by name."""
        first: Exception | None = None
        for label, dependant in _routes(self._app, self._walk):
            for user, inner in _pairs(dependant):
                try:
                    self._judge(label, user, inner)
                except NeedsRequest as error:
                    self._walk.say(f"{_named(inner.call)}: {error}")
                except Exception as error:  # noqa: BLE001 - the others are looked at all the same
                    first = first or error
        self._walk.below(getattr(getattr(self._app, "state", None), "_state", {}), "app.state")
        if first is not None:
            raise first

    def _judge(self, label: str, user: Any, inner: Any) -> None:
        value = self._build(inner)
        if inner.name is None:
            return
        where = f"{label} {_named(user)}({inner.name})"
        if value is None:
            declared = _annotation(user, inner.name)
            if declared:
                self._walk.empty(where, f"{_named(user)}.{inner.name}", declared, None)
            return
        declared = inner.call.__name__ if isinstance(inner.call, type) else returns(inner.call)
        self._walk.root(value, where, declared, by_class=False)

    def _build(self, dependant: Any) -> Any:
        call = dependant.call
        if call not in self._known:
            try:
                self._known[call] = self._called(dependant)
            except Exception as error:  # noqa: BLE001 - kept, and raised for each of its users
                if call in self._asks and not isinstance(error, NeedsRequest):
                    error = NeedsRequest(self._why(error))
                self._known[call] = error
        known = self._known[call]
        if isinstance(known, Exception):
            raise known
        return known

    def _called(self, dependant: Any) -> Any:
        call = dependant.call
        if type(call).__module__.startswith("dependency_injector"):
            raise NeedsRequest("a container gives it; the container is a root of its own")
        found: dict[str, Any] = {}
        for kind in _REQUEST_FIELDS:
            for field in getattr(dependant, kind, ()):
                if getattr(field, "required", True):
                    raise NeedsRequest(f"it needs `{field.name}` of a request")
                found[field.name] = field.get_default()
        for inner in dependant.dependencies:
            value = self._build(inner)
            if inner.call in self._asks:
                self._asks.add(call)
            if inner.name is not None:
                found[inner.name] = value
        found.update(self._surroundings(dependant))
        return self._workshop.settle(call(**found))

    def _surroundings(self, dependant: Any) -> Iterator[tuple[str, Any]]:
        """Yield what FastAPI itself hands over: a request without content, an answer, tasks."""
        if getattr(dependant, "websocket_param_name", None):
            raise NeedsRequest("it needs a websocket")
        for field in ("request_param_name", "http_connection_param_name"):
            if name := getattr(dependant, field, None):
                self._asks.add(dependant.call)
                yield name, _starlette("requests").Request(self._scope())
        if name := getattr(dependant, "response_param_name", None):
            yield name, _starlette("responses").Response()
        if name := getattr(dependant, "background_tasks_param_name", None):
            yield name, _starlette("background").BackgroundTasks()
        if getattr(dependant, "security_scopes_param_name", None):
            raise NeedsRequest("it needs the scopes of a request")

    def _scope(self) -> dict[str, Any]:
        """Return a request to nowhere; the application is started before, for its state is what requests ask."""
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "app": self._app}
        if not self._started:
            self._started = True
            try:
                context = self._app.router.lifespan_context(self._app)
                state = self._workshop.wait(asyncio.wait_for(_entered(self._workshop, context), LIFESPAN_S))
                scope["state"] = dict(state or {})
            except Exception as error:  # noqa: BLE001 - told where it matters
                self._lifespan = f"the application did not start: {type(error).__name__}: {error}"
        return scope

    def _why(self, error: Exception) -> str:
        return self._lifespan or f"it needs a real request: {type(error).__name__}: {error}"


def _starlette(name: str) -> Any:
    return importlib.import_module(f"starlette.{name}")  # it is there where FastAPI is


async def _entered(workshop: Workshop, context: Any) -> Any:
    value = await context.__aenter__()
    workshop.later(lambda: workshop.wait(context.__aexit__(None, None, None)))
    return value


def _routes(app: Any, walk: Walk) -> Iterator[tuple[str, Any]]:
    """Yield each route's label and what it depends on, those of mounted applications too."""
    waiting, seen = [(app, "")], set[int]()
    while waiting:
        current, before = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        for route in getattr(current, "routes", None) or ():
            path = f"{before}{getattr(route, 'path', '')}"
            if getattr(route, "dependant", None) is not None:
                yield f"{'/'.join(sorted(getattr(route, 'methods', None) or ('WS',)))} {path}", route.dependant
            elif (
                router := getattr(route, "original_router", None)
            ) is not None:  # included, and not copied, by later FastAPI
                own = getattr(getattr(route, "include_context", None), "prefix", "") or ""
                waiting.append((router, f"{before}{own}"))
            elif getattr(route, "app", None) is not None:
                waiting.append((route.app, path))
            else:
                walk.say(f"{path or before or 'the application'}: a route of the kind {type(route).__name__}")


def _pairs(dependant: Any) -> Iterator[tuple[Any, Any]]:
    """Yield who uses a dependency, and the dependency, the innermost first."""
    for inner in dependant.dependencies:
        yield from _pairs(inner)
        yield dependant.call, inner


def _annotation(user: Any, name: str) -> str:
    """Return the type that a function declares for a parameter; empty when it may be None, or anything."""
    try:
        found = typing.get_type_hints(user if isinstance(user, types.FunctionType) else type(user).__call__).get(name)
    except Exception:  # noqa: BLE001 - an annotation may raise anything
        return ""
    if found in (None, Any, object, type(None)) or type(None) in typing.get_args(found):
        return ""
    return getattr(found, "__name__", str(found))


def _named(call: Any) -> str:
    return getattr(call, "__name__", type(call).__name__)


def _flask(walk: Walk, app: Any) -> None:
    """Walk the extensions, what was put on the application, and what its views were given."""
    walk.below(getattr(app, "extensions", {}), "app.extensions")
    walk.below({key: value for key, value in vars(app).items() if walk.own(type(value))}, "app")
    for name, view in getattr(app, "view_functions", {}).items():
        kind = getattr(view, "view_class", None)
        if isinstance(kind, type) and walk.own(kind):
            values = inspect.getclosurevars(view).nonlocals.get("class_kwargs", {})
            Container(walk).arguments(kind, kind.__name__, (), values if isinstance(values, dict) else {})
        walk.below(view, f"view {name}")


def _provider(value: Any) -> bool:
    return any(base.__module__ == "dependency_injector.providers" for base in type(value).__mro__)


class Container:
    """What a container of dependency-injector would build: read from its providers, and nothing is built."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._seen: dict[int, Any] = {}

    def look(self, container: Any, path: str) -> None:
        """Walk every provider of a container."""
        for name, provider in sorted(container.providers.items()):
            self._provider(provider, f"{path}.{name}", None)

    def arguments(self, kind: type, path: str, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Judge what the constructor of a class is given: providers, or values."""
        try:
            known = inspect.signature(kind).parameters
        except (TypeError, ValueError):
            return
        given = {**dict(zip(known, args, strict=False)), **named}
        for slot in self._walk.slots(kind):
            inner = f"{path}.{slot.attribute}"
            if slot.parameter in given:
                self._argument(given[slot.parameter], inner, slot)
            elif slot.parameter in known and slot.attribute not in given:
                if known[slot.parameter].default is None:
                    self._walk.missing(slot, inner)
                else:
                    self._walk.say(f"{inner}: nothing is configured for it; who calls the provider may hand it over")
        for name, value in given.items():
            self._argument(value, f"{path}.{name}", None)

    def _argument(self, value: Any, path: str, slot: Slot | None) -> None:
        if _provider(value):
            self._provider(value, path, slot)
            return
        if slot is not None:
            self._walk.given(slot, value, path)
        self._walk.below(value, path)

    def _provider(self, provider: Any, path: str, slot: Slot | None) -> None:
        """Judge what a provider gives to a dependency; what is inside of it only once."""
        while provider.overridden:
            provider = provider.last_overriding
        names = {base.__name__ for base in type(provider).__mro__}
        if any("Configuration" in name for name in names):
            return  # it makes up an option for whatever it is asked
        if names & {"Object", "Delegate"}:
            self._argument(provider.provides, path, slot)
            return
        kind = getattr(provider, "provides", None)
        if isinstance(kind, type):
            self._walk.kind(kind, path, slot)
        if id(provider) in self._seen:
            return
        self._seen[id(provider)] = provider
        if "Container" in names:
            self.look(provider.container, path)
        elif names & {"Selector", "Aggregate"}:
            for name, inner in provider.providers.items():
                self._argument(inner, f"{path}[{name!r}]", None)
        elif "Dependency" in names and slot is not None and not provider.is_defined:
            self._walk.say(f"{path}: whoever uses the container has to provide it")
        else:
            self._inside(provider, kind, path)

    def _inside(self, provider: Any, kind: Any, path: str) -> None:
        args = getattr(provider, "args", ())
        kinds = (getattr(provider, name, None) for name in ("kwargs", "attributes"))
        named = {name: inner for found in kinds if isinstance(found, dict) for name, inner in found.items()}
        if isinstance(kind, type) and self._walk.own(kind):
            self.arguments(kind, path, tuple(args), named)
            return
        for number, inner in enumerate(args):
            self._argument(inner, f"{path}[{number}]", None)
        for name, inner in named.items():
            self._argument(inner, f"{path}.{name}", None)

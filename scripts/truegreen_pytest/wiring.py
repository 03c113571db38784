"""A test for each root of the application: it is built as the application builds it, and walked."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from truegreen_pytest import wiring_apps
from truegreen_pytest.order import PROPERTY
from truegreen_pytest.wiring_building import NEEDS, CannotBuild, Workshop, found
from truegreen_pytest.wiring_threads import Threads, living
from truegreen_pytest.wiring_walk import Sources, Walk

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "TRUEGREEN_WIRING"
"""File with what is to be walked, as JSON."""
_MARK = "wiring"


class Unwired(Exception):
    """A dependency is not there, or is not real; the text says which."""


class TookTooLong(BaseException):
    """A root was not built in time; no `except Exception` of the project may swallow it."""


class Roots:
    """Adds the tests of the roots to a session, after everything that selects tests: they always run."""

    def __init__(self, path: str) -> None:
        self._asked: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        self._sources: Sources | None = None
        self.threads = Threads()

    @property
    def folder(self) -> str:
        """Return the project's folder."""
        return str(self._asked["root"])

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add one test for each root, beside the tests of wiring, so that their fixtures are there for it."""
        parent = Group.from_parent(_beside(session, items), name=_MARK, nodeid=_MARK)
        for root in self._asked["roots"]:
            item = RootItem.of(parent, root, self)
            item.ihook.pytest_itemcollected(item=item)
            items.append(item)

    def walk(self, item: RootItem, request: pytest.FixtureRequest) -> None:
        """Build one root, walk it, and keep what was seen.

        Raises:
            Unwired: a dependency is not there, or is not real.
            CannotBuild: nobody could build it.
        """
        __tracebackhide__ = True
        if self._sources is None:
            self._sources = Sources(self._asked)
        record: dict[str, Any] = {"root": item.root["name"]}
        walk = Walk(self._sources, frozenset(self._asked["optional"]))
        before = living()
        try:
            with _uninterrupted():
                self._walk(item, request, walk, record)
        except BaseException as error:
            why = error.args[0] if isinstance(error, CannotBuild) else f"{type(error).__name__}: {error}"
            record.update(error=str(why)[:2_000], remedy=_remedy(error))
            raise
        finally:
            held = [(name, *seen) for name, seen in sorted(walk.held.items())]
            record.update(objects=walk.objects, held=held, flawed=walk.flawed, left=walk.left)
            record.update(threads=self.threads.started(item.root["name"], before))
            with Path(self._asked["out"]).open(
                "ab", buffering=0
            ) as stream:  # one write each: workers of pytest-xdist share it
                stream.write(json.dumps(record, ensure_ascii=False).encode(errors="replace") + b"\n")
        if walk.red:
            raise Unwired("\n".join(map(_told, walk.red)))

    def _walk(self, item: RootItem, request: pytest.FixtureRequest, walk: Walk, record: dict[str, Any]) -> None:
        __tracebackhide__ = True
        root = item.root

        def fixture(name: str) -> Any:
            with contextlib.suppress(pytest.FixtureLookupError):
                value = request.getfixturevalue(name)
                walk.lend(value)
                return value
            return NEEDS

        # An import is not interrupted: half a module would break whatever is imported after it.
        _django()
        value = found(root["name"], root.get("path", ""), self._asked["root"])
        workshop = Workshop(fixture)
        with _limited(self._asked["limit_s"]):
            try:
                wiring_apps.look(walk, workshop, value, root["name"], is_object=root["kind"] == "object")
            finally:
                record["walk_ms"] = round(walk.spent_s * 1_000, 3)
                workshop.close()


class Group(pytest.Collector):
    """What the tests of all roots have in common: the first part of their names."""

    def collect(self) -> list[pytest.Item]:
        """Return nothing: the tests are made for the session, and not asked for."""
        return []


class RootItem(pytest.Function):
    """The test of one root."""

    root: dict[str, Any]

    @classmethod
    def of(cls, parent: pytest.Collector, root: dict[str, Any], roots: Roots) -> RootItem:
        """Return the test of a root, with the mark of its stage and the fixtures of its parent."""

        def build(request: pytest.FixtureRequest) -> None:
            __tracebackhide__ = True
            roots.walk(item, request)

        item: RootItem = cls.from_parent(parent, name=root["name"], callobj=build)
        item.root = {**root, "folder": roots.folder}
        item.add_marker(_MARK)
        item.user_properties.append((PROPERTY, item.nodeid))
        return item

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the factory is defined."""
        path = Path(self.root["folder"], self.root.get("path", ""))
        return path, (self.root.get("line") or 1) - 1, self.nodeid

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ARG002 - pytest's interface
        """Return what is wrong, in words; only what the project itself raised is shown with its way."""
        if isinstance(excinfo.value, CannotBuild):
            what, remedy = excinfo.value.args
            return f"{what}\nfix: {remedy}"
        if isinstance(excinfo.value, (Unwired, TookTooLong)):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


def _beside(session: pytest.Session, items: list[pytest.Item]) -> pytest.Collector:
    """Return the folder that all tests of wiring have in common, else that of all tests."""
    marked = [item for item in items if item.get_closest_marker(_MARK)] or items
    chains = [
        [node for node in item.listchain() if isinstance(node, (pytest.Session, pytest.Package)) or _is_folder(node)]
        for item in marked
    ]
    common = session
    for nodes in zip(*chains, strict=False):
        if any(node is not nodes[0] for node in nodes):
            break
        common = nodes[0]
    return common


def _is_folder(node: Any) -> bool:
    return type(node).__name__ == "Dir"  # pytest 8 and later have them


def _told(one: dict[str, Any]) -> str:
    place = f" at {one['place']['path']}:{one['place']['line']}" if one["place"] else ""
    declared = f"; {one['declared']} declared{place}" if one["declared"] else ""
    why = f" ({one['why']})" if one["why"] else ""
    return f"{one['path']} is {one['holds']}{declared}{why}"


def _remedy(error: BaseException) -> str:
    if isinstance(error, CannotBuild):
        return str(error.args[1])
    if isinstance(error, TookTooLong):
        return "raise `factory-timeout-s` of [tool.truegreen.wiring], or give the stage the services it waits for"
    if isinstance(error, ImportError):
        return "install what is missing in the project's environment, or leave the root out by `leave-out`"
    return "give the stage what the factory needs (`services`, `env`), or leave the root out by `leave-out`"


def _django() -> None:
    """Load Django's applications where the project has settings and nobody did it before: its models need that."""
    if os.environ.get("DJANGO_SETTINGS_MODULE") and importlib.util.find_spec("django"):
        django = importlib.import_module("django")
        if not importlib.import_module("django.apps").apps.ready:
            django.setup()


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """End what takes too long; only the main thread can be interrupted, elsewhere the stage's limit holds."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(*_: Any) -> None:
        raise TookTooLong(f"it was not built within {seconds:g} s")

    begun = time.monotonic()
    handler = signal.signal(signal.SIGALRM, late)
    before = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if before[0]:  # a limit of somebody else goes on
            signal.setitimer(signal.ITIMER_REAL, max(before[0] - (time.monotonic() - begun), 0.001), before[1])


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Tell an interrupt that the project itself raised from that of a person, which ends the session.

    Raises:
        CannotBuild: the project raised it.
    """
    asked = False

    def stop(*_: Any) -> None:
        nonlocal asked
        asked = True
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, stop) if main else None
    try:
        yield
    except KeyboardInterrupt as error:
        if asked:
            raise
        raise CannotBuild(
            f"it raised KeyboardInterrupt{f': {error}' if str(error) else ''}",
            "raise an Exception where something cannot be built, or leave the root out by `leave-out`",
        ) from None
    finally:
        if main:
            signal.signal(signal.SIGINT, handler or signal.default_int_handler)


def start(config: pytest.Config) -> None:
    """Register the tests of roots where a stage asks for them."""
    if path := os.environ.get(VARIABLE, ""):
        roots = Roots(path)
        config.pluginmanager.register(roots, "truegreen-wiring")
        config.pluginmanager.register(roots.threads, "truegreen-threads")

"""A database of its own for each worker of pytest-xdist: what two tests commit at once is told apart by where it went.

The databases are copies of the stage's own, as it is after its preparation. A worker finds its copy in its environment
before anything of the project is imported, and only what its own tests commit to its own copy is recorded for them.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlsplit

from msgspec.structs import replace

from truegreen import registry
from truegreen.errors import ServiceNotReady, WrongValue
from truegreen.model.persistence import Change, Window
from truegreen.stages.common.wal import connect, psycopg
from truegreen.stages.common.watch import of_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from truegreen.model.service import ServiceHandle
    from truegreen.stages.common.context import StageContext
    from truegreen.stages.common.watch import Watched
    from truegreen.stages.observers.base import StoreObserver

_NAME = "truegreen workers"
_MAX = 64
_KIND = "postgres"
_WORKER = re.compile(r"gw\d{1,4}")
_ANY = re.compile(r"(test_)?tg_(gw\d+|template)_")
"""Names of the databases of all workers."""
_NAME_BYTES = 48
"""Longest name of a database that leaves room for a worker's before it: PostgreSQL cuts names at 63 bytes."""


def number(options: Any, stores: Sequence[Watched], services: Sequence[ServiceHandle]) -> tuple[int, tuple[str, ...]]:
    """Return how many processes the tests may run in, and a note where more were asked for.

    Args:
        options: the stage's; `workers` and `databases` of them.
        stores: what is observed.
        services: all services of the stage.
    """
    asked = wanted(options.workers)
    why = obstacle(stores, services, options.databases) if asked > 1 else ""
    return (1, (f"workers = {options.workers}, but the tests ran in one process: {why}",)) if why else (asked, ())


def of(context: StageContext, stores: Sequence[Watched]) -> Workers:
    """Return what gives the workers of a stage their databases, where `number` has let it have several."""
    server = next(handle for handle in context.services if handle.name == stores[0].name)
    return Workers(server, context.services, context.env)


def wanted(asked: int | str) -> int:
    """Return how many workers are asked for; `auto` is one for each processor that this process may use.

    Raises:
        WrongValue: it is neither a number nor `auto`.
    """
    if asked in ("auto", "logical"):
        return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, _MAX)
    try:
        return max(0, min(int(asked), _MAX))
    except ValueError:
        raise WrongValue(
            f"{asked!r} is no number of workers", where="persistence.workers", fix='set a number, or "auto"'
        ) from None


def obstacle(stores: Sequence[Watched], services: Iterable[ServiceHandle], databases: Sequence[str]) -> str:
    """Return why tests that run at once could not be told apart; nothing where they can."""
    if others := [store.name for store in stores if store.kind != _KIND]:
        return f"changes in {', '.join(others)} are told apart by time alone"
    if len(stores) != 1:
        return "there is not exactly one database to copy"
    if databases:
        return "`databases` names databases that the workers would share"
    server = next(handle for handle in services if handle.name == stores[0].name)
    if server.provider == "attach":
        return f"truegreen makes no copies on a server that it did not start ({server.name})"
    return "its database has too long a name" if len(server.database.encode()) > _NAME_BYTES else ""


class Workers:
    """Makes the copies, and says who uses which."""

    def __init__(
        self, server: ServiceHandle, services: Iterable[ServiceHandle], environment: Mapping[str, str]
    ) -> None:
        """Know the server.

        Args:
            server: a PostgreSQL that was started for this run.
            services: all services of the stage.
            environment: what the project's programs get; variables in it that lead to the database lead each worker
                to its own.
        """
        self._server = server
        self._urls = {handle.name: handle.url for handle in services}
        self._environment = environment
        self._template = f"tg_template_{server.database}"
        self._given: dict[str, str] = {}

    def prepare(self) -> None:
        """Copy the database as it is now; nobody may be connected to it.

        Raises:
            ServiceNotReady: it cannot be copied.
        """
        self._copy(self._server.database, self._template)

    def give(self, worker: str) -> dict[str, str]:
        """Make the database of a worker, and return the variables that lead to it.

        Args:
            worker: its name, such as `gw0`.

        Raises:
            ValueError: it has one already, or another name than pytest-xdist gives.
        """
        if not _WORKER.fullmatch(worker):
            raise ValueError(f"{worker[:40]!r} is no name of a worker")
        if worker in self._given:
            raise ValueError(f"worker {worker} has a database already")
        name = f"tg_{worker}_{self._server.database}"
        self._copy(self._template, name)
        self._given[worker] = name
        return self._leading_to(name)

    def database(self, worker: str) -> str:
        """Return the database of a worker.

        Raises:
            ValueError: it has none.
        """
        if worker not in self._given:
            raise ValueError(f"worker {worker} was given no database")
        return self._given[worker]

    def store(self, store: Watched, worker: str) -> Watched:
        """Return a store as it is observed for one worker."""
        own = of_service(replace(self._server, database=self.database(worker)))
        opened = functools.partial(OwnDatabase, own.open, own.databases, self._server)
        return dataclasses.replace(own, counts=store.counts, part=worker, open=opened)

    def _leading_to(self, database: str) -> dict[str, str]:
        server = self._server
        url = urlsplit(server.url)._replace(path="/" + quote(database, safe="")).geturl()
        found = {"TRUEGREEN_SERVICES": json.dumps({**self._urls, server.name: url})}
        for variable, value in self._environment.items():
            scheme, _, rest = value.partition("://")
            if rest and rest == server.url.partition("://")[2]:  # also as `postgresql+driver://`
                found[variable] = f"{scheme}://{url.partition('://')[2]}"
            elif server.fields.get(variable) == "database" and value == server.database:
                found[variable] = database
        return found

    def _copy(self, source: str, target: str) -> None:
        """Copy a database, with the settings that belong to it."""
        try:
            self._copied(source, target)
        except psycopg().Error as error:
            raise ServiceNotReady(
                f"the database {source} cannot be copied for the workers",
                where=f"{self._server.host}:{self._server.port}",
                why=" ".join(str(error).split()),
                fix="see that nothing stays connected to it after the preparation, or set workers = 0",
            ) from None

    def _copied(self, source: str, target: str) -> None:
        sql = psycopg().sql
        names = {"source": sql.Identifier(source), "target": sql.Identifier(target)}
        with connect(self._server, "postgres", _NAME) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {target} WITH (FORCE)").format(**names))
            admin.execute(sql.SQL("CREATE DATABASE {target} TEMPLATE {source}").format(**names))
            admin.execute(
                "INSERT INTO pg_db_role_setting SELECT made.oid, setrole, setconfig FROM pg_db_role_setting "
                "JOIN pg_database AS model ON model.oid = setdatabase AND model.datname = %s "
                "CROSS JOIN pg_database AS made WHERE made.datname = %s",
                (source, target),
            )


def _patterns(server: ServiceHandle) -> tuple[str, ...]:
    observer: type[StoreObserver] = registry.load("observer", server.kind)
    return observer.databases(server)


class OwnDatabase:
    """Observes one server for one worker: what others commit at the same time is left out."""

    kind: ClassVar[str] = _KIND
    durable: ClassVar[bool] = True
    kinds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, observe: Callable[[], StoreObserver], patterns: tuple[str, ...], server: ServiceHandle) -> None:
        """Observe.

        Args:
            observe: opens what observes the worker's database, and perhaps others.
            patterns: names of the worker's own databases.
            server: the service, with the database that all workers could reach.
        """
        self._observer = observe()
        self._patterns = patterns
        self._common = _patterns(server)
        self.version = self._observer.version

    @property
    def tier(self) -> str:
        """Letter and words of the technique."""
        return f"{self._observer.tier}; a database for each worker"

    @staticmethod
    def databases(server: ServiceHandle) -> tuple[str, ...]:
        """Return patterns of the databases that count where nothing is configured."""
        return _patterns(server)

    def ahead(self, start: Any) -> None:
        """Send the next question, where that is possible."""
        if ask := getattr(self._observer, "ahead", None):
            ask(start)

    def position(self) -> Any:
        """Return the moment now."""
        return self._observer.position()

    def between(self, start: Any, end: Any) -> Window:
        """Return what changed in the worker's own database, and in the one that all of them left."""
        return self._left(self._observer.between(start, end))

    def since(self, start: Any) -> tuple[Any, Callable[[], Window]]:
        """Return the moment now, and what tells what changed up to it."""
        if since := getattr(self._observer, "since", None):
            end, tell = since(start)
            return end, lambda: self._left(tell())
        end = self.position()
        window = self.between(start, end)
        return end, lambda: window

    def resume(self, parts: Sequence[tuple[Any, Any]]) -> None:
        """Take earlier windows for parts of the one that is read next, where that is possible."""
        if resume := getattr(self._observer, "resume", None):
            resume(parts)

    def close(self) -> None:
        """Hang up."""
        self._observer.close()

    def _left(self, window: Window) -> Window:
        return Window(self._own(window.committed), self._own(window.rolled_back), self._own(window.written_before))

    def _own(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Leave out what may be another worker's: also what does not say where it was, such as a TRUNCATE."""
        return tuple(change for change in changes if change.database and self._may_be_told(change.database))

    def _may_be_told(self, database: str) -> bool:
        if any(fnmatchcase(database, pattern) for pattern in self._patterns):
            return True
        common = any(fnmatchcase(database, pattern) for pattern in self._common)
        return common and _ANY.match(database) is None

"""Which stores a stage observes, which of them count, and what was seen of one of them."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen import registry
from truegreen.errors import ConfigurationError, TruegreenError
from truegreen.model.persistence import Beside, Change, PersistenceEvidence, PhaseChanges, TestDemand, Window
from truegreen.model.service import ServiceHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from truegreen.stages.observers.base import StoreObserver


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A store that is to be observed."""

    name: str
    """Name of the service."""
    kind: str
    """Kind of service."""
    open: Callable[[], StoreObserver]
    databases: tuple[str, ...] = ()
    """Patterns of the databases whose changes count; none means all."""
    counts: bool = True
    """Whether a change here is enough for a test that names no store."""
    durable: bool = True
    kinds: tuple[str, ...] = ()
    """Kinds of changes that there can be; none where nobody knows them all."""
    part: str = ""
    """Worker of pytest-xdist whose tests alone are meant; empty is all of them."""

    @property
    def file(self) -> str:
        """Name of the file for the evidence."""
        name = re.sub(r"[^\w.-]+", "-", self.name)
        return f"persistence-{name}{'-' if self.part else ''}{self.part}.json"


def watched(
    services: Iterable[ServiceHandle], *, databases: Sequence[str] = (), stores: Sequence[str] = ()
) -> tuple[Watched, ...]:
    """Return the stores among the services, in their order, each with what counts in it.

    Args:
        services: the services of the stage, and its folders.
        databases: patterns as configured: `app_*` is of the durable databases, `redis:1` of one service.
        stores: names of those that count; empty takes the durable databases, or all where there is none.

    Raises:
        ConfigurationError: nothing can be observed, or a name is of nothing that is observed.
    """
    found = [_watched(handle, databases) for handle in services if handle.kind in registry.names("observer")]
    if not found:
        raise ConfigurationError(
            "the persistence stage has no store to read evidence from",
            where="persistence.services",
            why="none of its services can be observed",
            fix='add services = ["postgres"] to [tool.truegreen.persistence], or another one of '
            + ", ".join(registry.names("observer")),
        )
    names = [store.name for store in found]
    if len({store.file for store in found}) < len(found):
        raise ConfigurationError("two stores have the same name", where="persistence", fix="rename one of them")
    if unknown := [name for name in stores if name not in names]:
        raise ConfigurationError(
            f"{unknown[0]!r} is no store that is observed",
            where="persistence.stores",
            fix=f"name some of {', '.join(names)}, or add it to persistence.services",
        )
    chosen = stores or [store.name for store in found if store.durable] or names
    return tuple(replace(store, counts=store.name in chosen) for store in found)


def folder(name: str, root: Path) -> ServiceHandle:
    """Return a folder of the project as a store of files, which is called as it is configured."""
    return ServiceHandle(name=name, kind="folder", provider="", host="", port=0, url=(root / name).as_uri())


def of_service(server: ServiceHandle, databases: Sequence[str] = ()) -> Watched:
    """Return one service to be observed; its changes count."""
    return _watched(server, databases)


def _watched(server: ServiceHandle, databases: Sequence[str]) -> Watched:
    observer: type[StoreObserver] = registry.load("observer", server.kind)
    prefix = f"{server.name}:"
    own = [name.removeprefix(prefix) for name in databases if name.startswith(prefix)]
    shared = [name for name in databases if ":" not in name] if observer.durable else []
    counted = tuple(own or shared) or observer.databases(server)
    make: Callable[..., StoreObserver] = observer
    given = (server, counted) if getattr(observer, "selective", False) else (server,)
    return Watched(
        name=server.name,
        kind=server.kind,
        open=lambda: make(*given),
        databases=counted,
        durable=observer.durable,
        kinds=observer.kinds,
    )


class Watch:
    """What was seen of one store, phase by phase; once it could not be observed, it is not asked again."""

    def __init__(self, store: Watched) -> None:
        self.store = store
        self.problem = ""
        """Why it could not be observed, and where that was noticed."""
        self._at = ""
        """Phase that is looked at."""
        self._observer: StoreObserver | None = None
        self._last: Any = None
        """Position where the phase that runs now began."""
        self._phases: list[PhaseChanges] = []
        self._stopped: list[PhaseChanges] = []
        """Parts of a call that goes on."""
        self._parts: list[tuple[Any, Any]] = []
        """Positions where each of them began and ended."""

    @property
    def note(self) -> str:
        """What the report says about the technique."""
        name = self.store.name
        if self.problem:
            return f"persistence evidence of {name} could not be recorded: {self.problem}"
        tier = self._observer.tier if self._observer else ""
        counts = "" if self.store.counts else "; counts only for tests that name it"
        return f"persistence evidence of {name}, tier {tier}{counts}"

    def open(self) -> None:
        """Connect."""
        self._guarded(self._open)

    def start(self) -> None:
        """Take the position before the first test."""
        self._last = self._position()

    def ahead(self, test: str, phase: str, *, reads: bool) -> None:
        """Ask what `mark` wants to know, or `finish` which reads too; a store that cannot is asked when it is its turn.

        So the stores answer at the same time.
        """
        self._looks_at(test, phase)
        if ask := getattr(self._observer, "ahead", None):
            self._guarded(lambda: ask(self._last if reads else None))

    def mark(self, test: str, phase: str) -> Callable[[], None]:
        """Take the position where a phase ended; returns what reads the phase that ended."""
        self._looks_at(test, phase)
        begun = time.perf_counter()
        start, end = self._last, self._position()
        self._last = end
        paused_s = time.perf_counter() - begun

        def read() -> None:
            begun = time.perf_counter()
            self._resume(phase)
            window = self._guarded(lambda: self._between(start, end))
            self._note(test, phase, window, paused_s + time.perf_counter() - begun)

        return read

    def finish(self, test: str, phase: str, *, goes_on: bool = False) -> Callable[[], None]:
        """Take the position where a phase ended, and read that phase at once; returns what notes it.

        That needs nothing of the store any more, and is called before anything else is asked. A call that goes on
        later is one phase, without what lies between its parts.
        """
        self._looks_at(test, phase)
        begun = time.perf_counter()
        self._resume(phase)
        start = self._last
        self._last, tell = self._guarded(lambda: self._since(self._last)) or (None, None)
        if goes_on and phase == "call":
            self._parts.append((start, self._last))
        paused_s = time.perf_counter() - begun

        def note() -> None:
            begun = time.perf_counter()
            window = self._guarded(tell) if tell is not None else None
            self._note(test, phase, window, paused_s + time.perf_counter() - begun, goes_on=goes_on and phase == "call")

        return note

    def _note(self, test: str, phase: str, window: Window | None, took_s: float, *, goes_on: bool = False) -> None:
        window = window or Window()
        seen = PhaseChanges(
            test=test,
            phase=phase,
            committed=window.committed,
            rolled_back=window.rolled_back,
            written_before=window.written_before,
            observed_ms=round(took_s * 1000, 3),
            # What is written outside of the call proves nothing, so it may be missed.
            problem=self.problem or (window.problem if phase == "call" else ""),
        )
        if goes_on:
            self._stopped.append(seen)
            return
        if phase == "call" and self._stopped:
            seen = _sum([*self._stopped, seen])
        if phase != "setup":  # those between the parts of a call are set-ups
            self._stopped, self._parts = [], []
        self._phases.append(seen)

    def _resume(self, phase: str) -> None:
        """Say which windows the next one goes on with."""
        if resume := getattr(self._observer, "resume", None):
            parts = self._parts if phase == "call" else []
            self._guarded(lambda: resume(parts))

    def close(self) -> None:
        """Hang up."""
        if self._observer is not None:
            with contextlib.suppress(Exception):
                self._observer.close()

    def evidence(
        self, demands: tuple[TestDemand, ...], problem: str, *, finished: bool, beside: tuple[Beside, ...] = ()
    ) -> PersistenceEvidence:
        """Return what was seen.

        Args:
            demands: what the tests must commit.
            problem: what went wrong with the recording as a whole.
            finished: whether the session came to its end.
            beside: what else could write while a test was called.
        """
        problem = problem or self.problem
        return PersistenceEvidence(
            store=self.store.name,
            kind=self.store.kind,
            counts=self.store.counts,
            tier=self._observer.tier if self._observer and not problem else "",
            server_version=self._observer.version if self._observer else "",
            databases=self.store.databases,
            complete=finished and not problem,
            problem=problem,
            phases=tuple(self._phases),
            demands=demands,
            beside=beside,
        )

    def _open(self) -> None:
        self._observer = self.store.open()

    def _position(self) -> Any:
        return self._guarded(lambda: self._observer.position() if self._observer else None)

    def _between(self, start: Any, end: Any) -> Window:
        return self._observer.between(start, end) if self._observer else Window()

    def _since(self, start: Any) -> tuple[Any, Callable[[], Window]]:
        if since := getattr(self._observer, "since", None):
            end, tell = since(start)
            return end, tell
        end = self._observer.position() if self._observer else None
        window = self._between(start, end)
        return end, lambda: window

    def _guarded(self, action: Callable[[], Any]) -> Any:
        """Do something with the store; what goes wrong makes its evidence blind, and the tests go on."""
        if self.problem:
            return None
        try:
            return action()
        except TruegreenError as error:
            self._lost(f"{error.what}: {error.why}" if error.why else error.what)
        except Exception as error:  # noqa: BLE001 - a lost server
            self._lost(f"{type(error).__name__}: {error}")
        return None

    def _looks_at(self, test: str, phase: str) -> None:
        self._at = f"the {'set-up' if phase == 'setup' else phase} of {test}"

    def _lost(self, why: str) -> None:
        why = " ".join(why.split())
        self.problem = f"{why}; noticed at the end of {self._at}" if self._at else why


def _sum(parts: Sequence[PhaseChanges]) -> PhaseChanges:
    """Return the parts of one call as one."""
    return msgspec.structs.replace(
        parts[-1],
        committed=_added(change for part in parts for change in part.committed),
        rolled_back=_added(change for part in parts for change in part.rolled_back),
        written_before=_added(change for part in parts for change in part.written_before),
        problem=next((part.problem for part in parts if part.problem), ""),
        observed_ms=round(sum(part.observed_ms for part in parts), 3),
    )


def _added(changes: Iterable[Change]) -> tuple[Change, ...]:
    counts: Counter[Change] = Counter()
    for change in changes:
        counts[msgspec.structs.replace(change, count=0)] += change.count
    return tuple(msgspec.structs.replace(change, count=count) for change, count in sorted(counts.items()))

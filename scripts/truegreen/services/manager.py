"""Services up, ready, and down again whatever happens.

Every session is recorded in the cache before its first service starts: who owns it and what it started. The
next start sweeps the sessions whose owner is gone, so that even `kill -9` leaves nothing for long. Of an owner in
another container that shares the cache nothing can be known: its session is swept after a day.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen import registry
from truegreen.errors import EvidenceMissing, TruegreenError
from truegreen.runtime import files, interrupts
from truegreen.runtime.lifetime import Ledger, process_scope, process_start
from truegreen.services import asked as asking
from truegreen.services.asked import ONE_SHOT, Asked
from truegreen.services.base import NotReady, Started
from truegreen.services.sessions import Session, Sessions
from truegreen.services.starting import Starter, provider
from truegreen.services.workshop import Stopping, Workshop, exports, fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from truegreen.config.schema import ServiceOptions
    from truegreen.model.evidence import ServiceRecord
    from truegreen.model.service import ServiceHandle
    from truegreen.runtime.clock import Clock
    from truegreen.runtime.console import Console
    from truegreen.runtime.process import ProcessRunner
    from truegreen.runtime.toolchain import Toolchain

_LOG_BYTES = 8 << 20
"""How much of a service's log is kept as evidence: its end."""
_DAY_S = 86400
_FIRST_IMAGE_YEAR = 2013
"""No image is older than Docker: one that says so was made to be reproducible."""


class ServiceManager:
    """Starts, probes and stops the services of one project."""

    def __init__(
        self,
        *,
        root: Path,
        services: Mapping[str, ServiceOptions],
        env: dict[str, str],
        processes: ProcessRunner,
        console: Console,
        clock: Clock,
        tools: Toolchain,
        cache: Path,
    ) -> None:
        self._options = services
        self._console = console
        self._clock = clock
        self._sessions = Sessions(cache / "sessions")
        self._shop = Workshop(
            session=f"{os.getpid()}-{secrets.token_hex(4)}",
            root=root,
            env=env,
            processes=processes,
            tools=tools,
            cache=cache,
        )
        pid = os.getpid()
        self._session = Session(
            id=self._shop.session,
            root=str(root),
            owner_pid=pid,
            owner_started=process_start(pid),
            scope=process_scope(),
        )
        self._lock = threading.Lock()
        self._begun: set[str] = set()
        self._pool: ThreadPoolExecutor | None = None
        self._starting: set[int] = set()
        """Threads that start services, by their idents."""
        self._shop.note = self._remember
        self._starter = Starter(self._shop, clock, console, self._note)

    def up(self, names: Iterable[str], *, detached: bool = False) -> tuple[ServiceHandle, ...]:
        """Start services that are not up yet, all at once, and return them ready.

        A service starts when those it `needs` are ready. A detached service that an earlier call started for this
        project is returned again while it answers.

        Args:
            names: services such as `redis` or `postgres@18`; what they need comes with them.
            detached: they stay after this process.

        Raises:
            TruegreenError: one could not start; everything started here is stopped.
        """
        wanted = asking.resolve(names, self._options)
        self.sweep()
        ready = {handle.name: handle for handle in self._session.handles}
        if detached:
            ready.update(self._adopted([asked for name, asked in wanted.items() if name not in ready]))
        missing = [asked for name, asked in wanted.items() if name not in ready]
        if missing:
            try:
                self._save()
                self._start_all(missing, ready)
                # Not before: a start that is killed is swept like any other session.
                self._session.detached = self._session.detached or detached
                self._save()
            except BaseException:
                self.down()
                raise
        return tuple(ready[name] for name in wanted)

    def records(self, handles: Iterable[ServiceHandle]) -> tuple[ServiceRecord, ...]:
        """Return what belongs in evidence: the services, and what happened to each since it was ready."""
        started = {one.name: one for one in self._session.started}
        return tuple(
            self._record(handle, started[handle.name]) if handle.name in started else handle.record()
            for handle in handles
        )

    def keep_logs(self, names: Iterable[str], out: Path) -> None:
        """Copy the logs of services that were started here into a stage's evidence."""
        chosen = {name for name in self._begun if name in asking.resolve(names, self._options)}
        for started in self._session.started:
            if started.name in chosen:
                provider(started.provider).keep_log(self._shop, started)
        for name in chosen:
            log = self._shop.log(name)
            if log.is_file():
                with log.open("rb") as stream:
                    stream.seek(max(0, log.stat().st_size - _LOG_BYTES))
                    files.write_atomic(out / "services" / f"{name}.log", stream.read())

    def down(self) -> list[str]:
        """Stop everything this session started, also where the first signal comes meanwhile; returns the names.

        The session is forgotten when nothing of it can come any more: a thread that still starts something would leave
        it to nobody.
        """
        return interrupts.undisturbed(self._down)

    def _down(self) -> list[str]:
        self._end_starting()
        names = [started.name for started in self._session.started]
        self._stop(self._session)
        self._session.handles = []
        return names

    def down_detached(self) -> list[str]:
        """Stop every detached session of this project, and what killed runs left."""
        self.sweep()
        names: list[str] = []
        for session in self._sessions.all():
            if session.detached and session.root == self._session.root:
                names += [started.name for started in session.started]
                self._stop(session)
        return names

    def status(self) -> list[dict[str, Any]]:
        """Return the services that are up for this project, with whether each still answers."""
        rows = []
        for session in self._sessions.all():
            if session.root != self._session.root:
                continue
            accesses = {started.name: started.access for started in session.started}
            for handle in session.handles:
                answers = handle.kind == ONE_SHOT or _answers(handle.kind, accesses[handle.name])
                rows.append({**msgspec.to_builtins(handle), "answers": answers, "session": session.id})
        return rows

    def logs(self, name: str) -> str:
        """Return the newest log of a service."""
        path = self._shop.log(name)
        for session in self._sessions.all():
            for started in session.started:
                if session.root == self._session.root and started.name == name:
                    provider(started.provider).keep_log(self._shop, started)
        if not path.is_file():
            raise EvidenceMissing(f"there is no log of service {name}", where=str(path), fix="start it first")
        return path.read_text(encoding="utf-8", errors="replace")

    def sweep(self) -> int:
        """Stop what sessions left whose owner is gone, one-shot programs too; returns how many sessions."""
        if programs := Ledger.open(self._shop.cache).sweep(self._clock.now().timestamp()):
            self._console.line(f"ended {programs} program(s) that a killed run left behind")
        swept = 0
        for session in self._sessions.all():
            mine = session.id == self._session.id
            if not mine and not session.detached and self._abandoned(session):
                self._stop(session)
                swept += 1
        if swept:
            self._console.line(f"swept {swept} session(s) that a killed run left behind")
        return swept

    def _start_all(self, missing: list[Asked], ready: dict[str, ServiceHandle]) -> None:
        """Start services side by side, each after what it needs; the first failure ends the waiting for all."""
        futures: dict[str, Future[ServiceHandle]] = {}

        def start(asked: Asked) -> ServiceHandle:
            needed = [
                futures[name].result() if name in futures else ready[name] for name in asking.plain(asked.options.needs)
            ]
            self._shop.go_on()
            with self._lock:
                self._begun.add(asked.name)
            variables = {name: value for handle in needed for name, value in handle.exports.items()}
            handle = self._starter.start(asked, variables)
            with self._lock:
                self._session.handles.append(handle)
            return handle

        self._shop.stopping.clear()
        self._pool = ThreadPoolExecutor(len(missing), initializer=lambda: self._starting.add(threading.get_ident()))
        try:
            for asked in missing:  # what is needed comes first, so its future is there
                futures[asked.name] = self._pool.submit(start, asked)
            wait(futures.values(), return_when=FIRST_EXCEPTION)
        finally:
            self._end_starting()
        failures = [error for future in futures.values() if (error := future.exception())]
        for error in sorted(failures, key=lambda error: isinstance(error, Stopping)):
            raise error
        ready.update({name: future.result() for name, future in futures.items()})

    def _end_starting(self) -> None:
        """Let the threads that start services end, at once where they are still at it."""
        if self._pool is not None:
            self._shop.stopping.set()
            self._shop.processes.end_running(self._starting)
            self._pool.shutdown()
            self._pool = None
            self._starting.clear()

    def _remember(self, started: Started) -> None:
        """Remember what a provider is about to make, or has just made."""
        self._note(started.provider, started)

    def _note(self, chosen: str, started: Started | None) -> None:
        """Remember what is about to start, and what was started, before anything else can happen."""
        with self._lock:
            if started is not None:
                others = [one for one in self._session.started if one.name != started.name]
                self._session.started = [*others, started]
            elif chosen != "containers":
                return
            self._session.containers = self._session.containers or chosen == "containers"
            self._save()

    def _record(self, handle: ServiceHandle, started: Started) -> ServiceRecord:
        fate = provider(started.provider).fate(self._shop, started)
        return msgspec.structs.replace(
            handle.record(),
            image=fate.image,
            pinned=fate.pinned,
            image_age_days=image_age_days(fate.image_made, self._clock.now()),
            restarts=fate.restarts,
            out_of_memory=fate.out_of_memory,
            ended=fate.ended,
        )

    def _abandoned(self, session: Session) -> bool:
        return self._sessions.abandoned(session, self._clock.now().timestamp())

    def _adopted(self, wanted: list[Asked]) -> dict[str, ServiceHandle]:
        """Return what earlier `services up` of this project still offer; what no longer serves is stopped."""
        found: dict[str, ServiceHandle] = {}
        asked = {one.name: one for one in wanted}
        for session in self._sessions.all():
            if not session.detached or session.root != self._session.root:
                continue
            self._forget_one_shots(session, asked)
            handles = {handle.name: handle for handle in session.handles}
            for started in [started for started in session.started if started.name in asked]:
                handle, wish = handles.get(started.name), asked[started.name]
                if started.name not in found and handle is not None and _serves(wish, handle, started):
                    names = exports(wish.service(), wish.options, started.access, handle.url)
                    meant = fields(wish.service(), wish.options)
                    found[handle.name] = msgspec.structs.replace(handle, exports=names, fields=meant)
                else:
                    self._drop(session, started)
        return found

    def _forget_one_shots(self, session: Session, asked: Mapping[str, Asked]) -> None:
        """Take what runs again out of an earlier session; one that has nothing else is over."""
        kept = [handle for handle in session.handles if handle.kind != ONE_SHOT or handle.name not in asked]
        if len(kept) == len(session.handles):
            return
        session.handles = kept
        if session.started or kept:
            self._sessions.save(session)
        else:
            self._sessions.forget(session)

    def _drop(self, session: Session, started: Started) -> None:
        """Stop one service of an earlier session and forget it."""
        with contextlib.suppress(TruegreenError):
            provider(started.provider).stop(self._shop, started)
        session.started = [other for other in session.started if other is not started]
        session.handles = [handle for handle in session.handles if handle.name != started.name]
        if session.started:
            self._sessions.save(session)
        else:
            self._stop(session)

    def _stop(self, session: Session) -> None:
        interrupts.undisturbed(lambda: self._stop_all(session))

    def _stop_all(self, session: Session) -> None:
        for started in reversed(session.started):
            with contextlib.suppress(TruegreenError):
                provider(started.provider).stop(self._shop, started)
        if session.containers:
            with contextlib.suppress(TruegreenError):
                provider("containers").sweep(self._shop, session.id)
        session.started = []
        self._sessions.forget(session)

    def _save(self) -> None:
        self._sessions.save(self._session)


def image_age_days(made: str, now: datetime) -> float:
    """Return the age of an image in days, -1 where its maker hid it or nobody knows.

    Args:
        made: ISO 8601 with a zone, as the engine tells it.
        now: the present, with a zone.
    """
    try:
        moment = datetime.fromisoformat(made)
        days = (now - moment).total_seconds() / _DAY_S
    except (ValueError, TypeError):  # no time, or one without a zone
        return -1.0
    return round(days, 1) if moment.year >= _FIRST_IMAGE_YEAR and days >= 0 else -1.0


def _serves(asked: Asked, handle: ServiceHandle, started: Started) -> bool:
    """Return whether a running service is what is asked for, and answers."""
    options = asked.options
    if options.url or handle.provider == "attach":  # attaching again costs nothing, and the address may be another
        return False
    if (asked.kind, options.port or handle.port) != (handle.kind, handle.port):
        return False
    if options.provider not in ("auto", handle.provider):
        return False
    same = handle.image == asked.image() if handle.image else asked.takes(handle.version)
    return same and _answers(handle.kind, started.access)


def _answers(kind: str, access: Any) -> bool:
    try:
        registry.load("service", kind)().probe(access)
    except NotReady:
        return False
    return True

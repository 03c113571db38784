"""Services up, ready, and down again whatever happens.

Every session is recorded in the cache before its first service starts: who owns it and what it started. The
next start sweeps the sessions whose owner is gone, so that even `kill -9` leaves nothing for long. Of an owner in
another container that shares the cache nothing can be known: its session is swept after a day.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen import registry
from truegreen.config.schema import ServiceOptions
from truegreen.errors import EvidenceMissing, ServiceNotReady, TruegreenError
from truegreen.model.service import ServiceHandle
from truegreen.runtime import files
from truegreen.runtime.lifetime import abandoned, process_scope, process_start
from truegreen.services.base import NotReady, Started
from truegreen.services.workshop import Workshop, exports

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truegreen.runtime.clock import Clock
    from truegreen.runtime.console import Console
    from truegreen.runtime.process import ProcessRunner
    from truegreen.runtime.toolchain import Toolchain

_POLL_S = 0.02
_ALIVE_EVERY = 10
_LOG_BYTES = 8 << 20
"""How much of a service's log is kept as evidence: its end."""


class Session(msgspec.Struct, kw_only=True):
    """What the cache remembers about one session."""

    id: str
    root: str
    owner_pid: int
    owner_started: int
    scope: str = ""
    """Where the owner's number means something; empty where the system does not tell."""
    containers: bool = False
    """True before the first container starts: one that was never recorded is found by its label."""
    detached: bool = False
    """True for `services up`: it lives until `services down`."""
    started: list[Started] = []
    handles: list[ServiceHandle] = []


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
        self._folder = cache / "sessions"
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

    def up(self, names: tuple[str, ...], *, detached: bool = False) -> tuple[ServiceHandle, ...]:
        """Start services that are not up yet, all at once, and return them ready.

        A detached service that an earlier call started for this project is returned again while it answers.

        Raises:
            TruegreenError: one could not start; everything started here is stopped.
        """
        self.sweep()
        self._session.detached = self._session.detached or detached
        ready = {handle.name: handle for handle in self._session.handles}
        if detached:
            ready.update(self._adopted([name for name in dict.fromkeys(names) if name not in ready]))
        missing = [name for name in dict.fromkeys(names) if name not in ready]
        if not missing:
            return tuple(ready[name] for name in dict.fromkeys(names))
        self._save()
        try:
            with ThreadPoolExecutor(max_workers=max(len(missing), 1)) as pool:
                for handle in pool.map(self._start, missing):
                    self._session.handles.append(handle)
                    ready[handle.name] = handle
        except BaseException:
            self.down()
            raise
        self._save()
        return tuple(ready[name] for name in dict.fromkeys(names))

    def keep_logs(self, names: Iterable[str], out: Path) -> None:
        """Copy the logs of services that were started here into a stage's evidence."""
        for started in self._session.started:
            if started.name in names:
                self._provider(started.provider).keep_log(self._shop, started)
        for name in self._begun.intersection(names):
            log = self._shop.log(name)
            if log.is_file():
                with log.open("rb") as stream:
                    stream.seek(max(0, log.stat().st_size - _LOG_BYTES))
                    files.write_atomic(out / "services" / f"{name}.log", stream.read())

    def down(self) -> list[str]:
        """Stop everything this session started; returns the names."""
        names = [started.name for started in self._session.started]
        self._stop(self._session)
        self._session.handles = []
        return names

    def down_detached(self) -> list[str]:
        """Stop every detached session of this project."""
        names: list[str] = []
        for session in self._sessions():
            if session.detached and session.root == self._session.root:
                names += [started.name for started in session.started]
                self._stop(session)
        return names

    def status(self) -> list[dict[str, Any]]:
        """Return the services that are up for this project, with whether each still answers."""
        rows = []
        for session in self._sessions():
            if session.root != self._session.root:
                continue
            accesses = {started.name: started.access for started in session.started}
            for handle in session.handles:
                answers = True
                try:
                    registry.load("service", handle.kind)().probe(accesses[handle.name])
                except NotReady:
                    answers = False
                rows.append({**msgspec.to_builtins(handle), "answers": answers, "session": session.id})
        return rows

    def logs(self, name: str) -> str:
        """Return the newest log of a service."""
        path = self._shop.log(name)
        for session in self._sessions():
            for started in session.started:
                if session.root == self._session.root and started.name == name and started.container:
                    self._provider(started.provider).alive(self._shop, started)
                    done = self._shop.processes.run(["docker", "logs", started.container], timeout_s=20)
                    return done.stdout + done.stderr
        if not path.is_file():
            raise EvidenceMissing(f"there is no log of service {name}", where=str(path), fix="start it first")
        return path.read_text(encoding="utf-8", errors="replace")

    def sweep(self) -> int:
        """Stop what sessions left whose owner is gone; returns how many sessions."""
        swept = 0
        for session in self._sessions():
            if session.id != self._session.id and not session.detached and self._abandoned(session):
                self._stop(session)
                swept += 1
        if swept:
            self._console.line(f"swept {swept} session(s) that a killed run left behind")
        return swept

    def _abandoned(self, session: Session) -> bool:
        """Return whether the owner of a session is gone, or must be by now."""
        with contextlib.suppress(OSError):
            age_s = self._clock.now().timestamp() - (self._folder / f"{session.id}.json").stat().st_mtime
            return abandoned(session.owner_pid, session.owner_started, session.scope, age_s)
        return False

    def _adopted(self, names: list[str]) -> dict[str, ServiceHandle]:
        """Return what earlier `services up` of this project still offer; what no longer serves is stopped."""
        found: dict[str, ServiceHandle] = {}
        for session in self._sessions():
            if not session.detached or session.root != self._session.root:
                continue
            handles = {handle.name: handle for handle in session.handles}
            for started in [started for started in session.started if started.name in names]:
                handle = handles.get(started.name)
                if started.name not in found and handle is not None and self._serves(handle, started):
                    found[handle.name] = self._exported(handle, started)
                else:
                    self._drop(session, started)
        return found

    def _serves(self, handle: ServiceHandle, started: Started) -> bool:
        """Return whether a running service is what the configuration asks for, and answers."""
        options = self._options.get(handle.name, ServiceOptions())
        asked = (options.kind or handle.name, options.port or handle.port)
        if asked != (handle.kind, handle.port) or options.provider not in ("auto", handle.provider):
            return False
        try:
            registry.load("service", handle.kind)().probe(started.access)
        except NotReady:
            return False
        return True

    def _exported(self, handle: ServiceHandle, started: Started) -> ServiceHandle:
        """Return a handle with the names that the configuration has now."""
        options = self._options.get(handle.name, ServiceOptions())
        service = registry.load("service", handle.kind)()
        return msgspec.structs.replace(handle, exports=exports(service, options, started.access, handle.url))

    def _drop(self, session: Session, started: Started) -> None:
        """Stop one service of an earlier session and forget it."""
        with contextlib.suppress(TruegreenError):
            self._provider(started.provider).stop(self._shop, started)
        session.started = [other for other in session.started if other is not started]
        session.handles = [handle for handle in session.handles if handle.name != started.name]
        if session.started:
            self._save(session)
        else:
            self._stop(session)

    def _start(self, name: str) -> ServiceHandle:
        options = self._options.get(name, ServiceOptions())
        service = registry.load("service", options.kind or name)()
        begun = self._clock.monotonic()
        with self._lock:
            self._begun.add(name)
        self._shop.fresh_log(name)
        provider, note = self._choose(name, service, options)
        if provider == "containers":
            with self._lock:
                self._session.containers = True
                self._save()
        with self._console.working(f"starting {name} ({provider})"):
            started: Started = self._provider(provider).start(self._shop, name, service, options)
            with self._lock:
                self._session.started.append(started)
                self._save()
            version = self._await(name, service, options, started, begun)
        url = started.url
        return ServiceHandle(
            name=name,
            kind=service.kind,
            provider=provider,
            host=started.access.host,
            port=started.access.port,
            url=url,
            version=version,
            user=started.access.user,
            password=started.access.password,
            database=started.access.database,
            exports=exports(service, options, started.access, url),
            log=started.log,
            ready_s=round(self._clock.monotonic() - begun, 3),
            note=note,
        )

    def _choose(self, name: str, service: Any, options: ServiceOptions) -> tuple[str, str]:
        """Return the provider, and why when nobody asked for it."""
        if options.provider != "auto":
            registry.load("provider", options.provider)
            return options.provider, ""
        if options.url:
            return "attach", ""
        problem = self._provider("containers").usable(self._shop, options.image or service.image)
        if not problem:
            return "containers", ""
        return "embedded", f"{name} runs embedded, not in a container: {problem}"

    def _await(self, name: str, service: Any, options: ServiceOptions, started: Started, begun: float) -> str:
        """Probe every 20 ms until a real query is answered."""
        provider, last, count = self._provider(started.provider), "", 0
        while self._clock.monotonic() - begun < options.timeout_s:
            count += 1
            try:
                if started.provider == "embedded":  # an image makes its own database, an attached service has one
                    service.prepare(started.access)
                return str(service.probe(started.access))
            except NotReady as state:
                last = str(state)
            if count % _ALIVE_EVERY == 0 and not provider.alive(self._shop, started):
                raise self._failure(name, started, "it ended by itself")
            self._clock.sleep(_POLL_S)
        raise self._failure(
            name, started, f"no answer within {options.timeout_s:.0f} s; last: {last or 'no connection'}"
        )

    def _failure(self, name: str, started: Started, why: str) -> ServiceNotReady:
        tail = ""
        with contextlib.suppress(TruegreenError):
            self._provider(started.provider).keep_log(self._shop, started)
        with contextlib.suppress(OSError):
            lines = Path(started.log).read_text(encoding="utf-8", errors="replace").splitlines() if started.log else []
            tail = "\n    ".join(lines[-8:])
        return ServiceNotReady(
            f"service {name} is not ready",
            where=f"{started.provider} at {started.access.host}:{started.access.port}",
            why=f"{why}\n    {tail}" if tail else why,
            fix=f"read {started.log or 'the log of the service'}; check services.{name} in pyproject.toml",
        )

    @staticmethod
    def _provider(name: str) -> Any:
        return registry.load("provider", name)()

    def _stop(self, session: Session) -> None:
        for started in reversed(session.started):
            with contextlib.suppress(TruegreenError):
                self._provider(started.provider).stop(self._shop, started)
        if session.containers:
            with contextlib.suppress(TruegreenError):
                self._provider("containers").sweep(self._shop, session.id)
        session.started = []
        (self._folder / f"{session.id}.json").unlink(missing_ok=True)

    def _save(self, session: Session | None = None) -> None:
        kept = session or self._session
        files.write_atomic(self._folder / f"{kept.id}.json", msgspec.json.encode(kept), mode=0o600)

    def _sessions(self) -> list[Session]:
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Session))
            except (msgspec.DecodeError, OSError):
                shutil.move(path, path.with_suffix(".broken"))
        return found

"""The application as a docker compose project with a name of its own.

Readiness is our own state machine, because `up --wait` calls a one-shot that ends with 0 a failure.
"""

from __future__ import annotations

import hashlib
import os
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.errors import ConfigurationError, PortInUse, ProcessNotReady, ToolFailed
from truegreen.model.evidence import ToolRun
from truegreen.runtime import files
from truegreen.runtime.lifetime import abandoned, process_scope, process_start
from truegreen.stages.common import compose_state
from truegreen.stages.common.stack_ready import log_tail, url_answers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from truegreen.runtime.process import Completed
    from truegreen.stages.common.compose_engine import Compose
    from truegreen.stages.common.compose_state import ContainerState
    from truegreen.stages.common.context import StageContext

PREFIX = "truegreen"
_LABEL = "com.docker.compose.project"
_PROJECT = re.compile(rf"{PREFIX}-[0-9a-f]{{8}}-(\d+)-(\d+)")
_POLL_S = 0.2
_ASK_S = 60.0
_OBTAIN_S = 900.0
_UNREACHABLE = re.compile(
    r"pull access denied|manifest unknown|no such host|failed to resolve|connection refused|i/o timeout|"
    r"TLS handshake|context deadline exceeded|Client\.Timeout|toomanyrequests|network is unreachable|"
    r"Temporary failure in name resolution|status: 40[34]|error response from daemon: Get ",
    re.IGNORECASE,
)
_OWN = "127.0.0.1:{port}"
_TAKEN = re.compile(r"port is already allocated|address already in use", re.IGNORECASE)
_PLACE = re.compile(r"\{([A-Za-z0-9_.-]+):(\d+)\}")


class _Port(msgspec.Struct):
    target: int


class _Dependency(msgspec.Struct):
    condition: str = ""


class _Service(msgspec.Struct):
    image: str = ""
    build: dict[str, Any] | None = None
    ports: list[_Port] = []
    depends_on: dict[str, _Dependency] = {}


class _Config(msgspec.Struct):
    services: dict[str, _Service] = {}


class ComposeStack:
    """One compose project: `truegreen-<machine>-<process>-<start>`."""

    kind = "compose"

    def __init__(
        self,
        *,
        engine: Compose,
        file: str,
        context: StageContext,
        environment: Mapping[str, str],
        ready: Sequence[str] = (),
        export: Mapping[str, str] | None = None,
        one_shot: Sequence[str] = (),
        ready_timeout_s: float = 120.0,
    ) -> None:
        self._engine = engine
        self._file = file
        self._context = context
        self._env = dict(environment) | ({} if engine.buildkit else {"DOCKER_BUILDKIT": "0"})
        self._ready = list(ready)
        self._export = dict(export or {})
        self._one_shots = frozenset(one_shot)
        self._ready_timeout_s = ready_timeout_s
        self._logs = context.out / "stack"
        self._name = f"{_machine()}-{os.getpid()}-{process_start(os.getpid())}"
        self._services: dict[str, _Service] = {}
        self._settled: tuple[ContainerState, ...] = ()
        self._started = False
        self._obtained = False
        self.exports: dict[str, str] = {}
        # The pack's own services are not the ones behind this stack: a test that read them would see nothing.
        self.drops = frozenset(name for handle in context.services for name in handle.exports)
        self.notes: list[str] = []
        self.tools: list[ToolRun] = []

    def obtain(self, *, tolerant: bool = False) -> str:
        """Pull and build every image; return an empty string, or why a registry could not give one.

        Raises:
            ToolFailed: a build failed for a reason of its own, or (unless tolerant) a pull did.
            ConfigurationError: the compose file is not valid.
        """
        done = self._compose("config", "--format", "json")
        if not done.ok:
            raise ConfigurationError(f"{self._file} is not valid", where=self._file, why=done.tail())
        services = self._services = _services(done.stdout)
        self._refuse_unknown_one_shots()
        self._one_shots |= _awaited(services)
        absent = [name for name, part in services.items() if part.build is None and not self._present(part.image)]
        steps = [("pull", *absent)] if absent else []
        if any(part.build is not None for part in services.values()):
            steps.append(("build",))
        for step in steps:
            log = self._logs / f"compose-{step[0]}.log"
            done = self._compose(*step, log=log, timeout_s=_OBTAIN_S)
            if done.ok:
                continue
            cause = _cause(log)
            if tolerant and cause:
                return f"an image could not be had: {cause}"
            raise ToolFailed(
                f"`compose {step[0]}` failed",
                where=str(log),
                why=log_tail(log),
                fix="make the registry reachable, or use images that are there" if cause else "repair the build",
            )
        self._cache_builds([name for name, part in services.items() if part.build is not None and not part.image])
        self._obtained = True
        return ""

    def start(self) -> None:
        """Create the project and wait until every container is ready or has completed.

        Raises:
            ProcessNotReady: a container ended with an error, is unhealthy, or was not ready in time.
        """
        self.sweep()
        if not self._obtained:
            self.obtain()
        self._started = True
        log = self._logs / "compose-up.log"
        clock = self._context.clock
        start = clock.monotonic()
        done = self._compose("up", "-d", "--no-build", log=log, timeout_s=self._ready_timeout_s)
        states = self.states()
        self._fail_on_dead(states)
        if not done.ok:
            _refuse_taken_port(log)
            raise ProcessNotReady(f"`{self._engine.command[-1]} up` failed", where=str(log), why=log_tail(log))
        self._settle(start)
        self._derive()
        self.exports = {name: self._place(value) for name, value in self._export.items()}
        for url in self._ready:
            self._await_url(self._place(url), start)
        completed = ", ".join(sorted(state.service for state in self._settled if state.completed))
        seconds = clock.monotonic() - start
        detail = f"; one-shots that ended with 0: {completed}" if completed else ""
        self.notes.append(f"compose stack of {len(self._settled)} containers ready after {seconds:.1f} s{detail}")

    def casualties(self) -> tuple[str, ...]:
        """Return a sentence for each container that ended or restarted since it was ready."""
        lost = compose_state.lost_since(self._settled, self.states())
        self.notes.extend(lost)
        return lost

    def stop(self) -> None:
        """Keep each service's log and the containers' states, then remove everything the project made."""
        if not self._started:
            return
        self._started = False
        try:
            self._keep()
        finally:
            down = ("down", "-v", "--remove-orphans", "--rmi", "local", "-t", "3")
            self._compose(*down, log=self._logs / "compose-down.log")
            self._remove(self._name)

    def states(self) -> tuple[ContainerState, ...]:
        """Return what each container of the project is doing now."""
        ids = self._ids("ps", "-a", self._name)
        if not ids:
            return ()
        done = self._docker("inspect", *ids)
        return compose_state.parse(done.stdout, self._one_shots)

    def sweep(self) -> None:
        """Remove projects that killed runs left: of our container at once, of any other when they are a day old."""
        shown = f'{{{{.Label "{_LABEL}"}}}} {{{{.CreatedAt}}}}'
        done = self._docker("ps", "-a", "--filter", f"label={_LABEL}", "--format", shown)
        now = self._context.clock.now()
        for name in sorted({_left_behind(line, now) for line in done.stdout.splitlines()} - {""}):
            self._remove(name)
            self.notes.append(f"removed compose project {name}, left behind by a killed run")

    def _settle(self, start: float) -> None:
        clock = self._context.clock
        while True:
            states = self.states()
            self._fail_on_dead(states)
            waiting = [state.waiting for state in states if state.waiting]
            if states and not waiting:
                self._settled = states
                return
            if clock.monotonic() - start > self._ready_timeout_s:
                raise ProcessNotReady(
                    f"the compose stack was not ready after {self._ready_timeout_s:g} s",
                    where=self._file,
                    why="; ".join(waiting) or "it has no containers",
                    fix="look at the health checks, or raise `ready-timeout-s`",
                )
            clock.sleep(_POLL_S)

    def _fail_on_dead(self, states: tuple[ContainerState, ...]) -> None:
        for state in states:
            if state.failure:
                tail = self._docker("logs", "--tail", "12", state.id)
                said = (tail.stdout + tail.stderr).strip() or "its log is empty"
                raise ProcessNotReady(
                    state.failure,
                    where=f"{self._file}, service {state.service}",
                    why=f"its health check said {state.health_output}\n{said}" if state.health else said,
                    fix=_remedy(state),
                )

    def _refuse_unknown_one_shots(self) -> None:
        unknown = sorted(self._one_shots - set(self._services))
        if unknown:
            raise ConfigurationError(
                f"`one-shot` names {', '.join(unknown)}, which is no service of {self._file}",
                where=f"[tool.truegreen.{self._context.out.name}] one-shot",
                fix=f"its services are {', '.join(sorted(self._services)) or 'none'}",
            )

    def _await_url(self, url: str, start: float) -> None:
        clock = self._context.clock
        while (state := url_answers(url)) is not None:
            self._fail_on_dead(self.states())
            if clock.monotonic() - start > self._ready_timeout_s:
                raise ProcessNotReady(f"{url} was not ready in time", where=self._file, why=state.reason)
            clock.sleep(_POLL_S)

    def _derive(self) -> None:
        """Take exports and readiness from the process of the same name where the stage's options say nothing."""
        configured = bool(self._export), bool(self._ready)
        for name, process in self._context.project.processes.items():
            ports = self._services[name].ports if name in self._services else []
            if len(ports) != 1:
                continue
            place = f"{{{name}:{ports[0].target}}}"
            if not configured[0]:
                self._export |= {key: value.replace(_OWN, place) for key, value in process.export.items()}
            if not configured[1] and process.ready.startswith("http"):
                self._ready.append(process.ready.replace(_OWN, place))

    def _place(self, text: str) -> str:
        return _PLACE.sub(lambda found: self._published(found[1], found[2]), text)

    def _published(self, service: str, port: str) -> str:
        done = self._compose("port", service, port)
        where = done.stdout.strip().splitlines()
        if not done.ok or not where or where[0].endswith(":0"):
            raise ConfigurationError(
                f"service {service} does not publish port {port}",
                where=self._file,
                why=done.tail(2),
                fix=f'publish it, such as `ports: ["127.0.0.1::{port}"]`',
            )
        return where[0].replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "127.0.0.1:")

    def _keep(self) -> None:
        states = self.states()
        files.write_atomic(self._logs / "containers.json", msgspec.json.format(msgspec.json.encode(states), indent=2))
        for state in states:
            log = self._logs / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', state.service)}.log"
            self._context.processes.run(
                [self._engine.docker, "logs", "--timestamps", state.id], env=self._env, timeout_s=_ASK_S, log=log
            )

    def _cache_builds(self, built: list[str]) -> None:
        """Give built images a second, lasting tag: `down` removes the project's own, the layers stay as a cache."""
        place = hashlib.sha256(str(self._context.root).encode()).hexdigest()[:12]
        for service in built:
            self._docker("tag", f"{self._name}-{service}", f"{PREFIX}-build/{place}:{service}")

    def _present(self, image: str) -> bool:
        return self._docker("image", "inspect", "--format", "{{.Id}}", image).ok

    def _remove(self, project: str) -> None:
        """Remove whatever carries the project's label, also without its compose file."""
        for kind, listing, removal in (
            ("container", ("ps", "-a"), ("rm", "-f", "-v")),
            ("network", ("network", "ls"), ("network", "rm")),
            ("volume", ("volume", "ls"), ("volume", "rm", "-f")),
        ):
            ids = self._ids(*listing, project)
            if ids:
                done = self._docker(*removal, *ids)
                if not done.ok:
                    self.notes.append(f"a {kind} of {project} could not be removed: {done.tail(1)}")

    def _ids(self, *words: str) -> list[str]:
        *listing, project = words
        return self._docker(*listing, "-q", "--filter", f"label={_LABEL}={project}").stdout.split()

    def _docker(self, *words: str) -> Completed:
        return self._context.processes.run([self._engine.docker, *words], env=self._env, timeout_s=_ASK_S)

    def _compose(self, *words: str, log: Path | None = None, timeout_s: float = _ASK_S) -> Completed:
        argv = [*self._engine.command, "-p", self._name, "-f", self._file, "--ansi", "never", *words]
        done = self._context.processes.run(argv, cwd=self._context.root, env=self._env, timeout_s=timeout_s, log=log)
        if log is not None:
            self.tools.append(
                ToolRun(
                    name=f"compose {words[0]}",
                    version=self._engine.version,
                    argv=tuple(argv),
                    exit_code=done.exit_code,
                    duration_s=round(done.duration_s, 3),
                    timed_out=done.timed_out,
                )
            )
        return done


def _services(text: str) -> dict[str, _Service]:
    try:
        return msgspec.json.decode(text, type=_Config).services
    except msgspec.DecodeError as error:
        raise ToolFailed("compose said something unknown", where="compose config", why=str(error)) from None


def _remedy(state: ContainerState) -> str:
    if state.status in ("exited", "dead") and state.exit_code == 0 and not state.oom_killed:
        return (
            "keep it running; or, where it has done its work by then, let what needs it depend on it with "
            f'`condition: service_completed_successfully`, or set `one-shot = ["{state.service}"]` for the stage'
        )
    return "the whole log is in the stage's evidence, folder `stack`"


def _awaited(services: Mapping[str, _Service]) -> frozenset[str]:
    """Return the services whose completion another one waits for: these may end with 0."""
    return frozenset(
        name
        for part in services.values()
        for name, dependency in part.depends_on.items()
        if dependency.condition == "service_completed_successfully"
    )


def _refuse_taken_port(log: Path) -> None:
    """Raise PortInUse when that is what the engine complained of."""
    lines = [line.strip() for line in log_tail(log, 40).splitlines() if _TAKEN.search(line)]
    if lines:
        raise PortInUse(
            "a port that the compose stack publishes is in use",
            where=str(log),
            why=lines[-1],
            fix='stop what listens there, or publish a free port: `ports: ["127.0.0.1::8080"]`',
        )


def _cause(log: Path) -> str:
    """Return the line of a log that says a registry could not be reached, or an empty string."""
    return next((line.strip() for line in log_tail(log, 40).splitlines() if _UNREACHABLE.search(line)), "")


def _machine() -> str:
    """Return the prefix of project names made here: on this machine, in this container."""
    return f"{PREFIX}-{hashlib.sha256((process_scope() or os.uname().nodename).encode()).hexdigest()[:8]}"


def _left_behind(line: str, now: datetime) -> str:
    """Return the project of a container when it is ours and its run is gone; `line` is its label and its birth."""
    name, _, born = line.partition(" ")
    found = _PROJECT.fullmatch(name)
    if found is None:
        return ""
    scope = process_scope() if name.startswith(f"{_machine()}-") else "another"
    try:
        age_s = (now - datetime.strptime(born[:25], "%Y-%m-%d %H:%M:%S %z")).total_seconds()
    except ValueError:
        age_s = 0.0
    return name if abandoned(int(found[1]), int(found[2]), scope, age_s) else ""

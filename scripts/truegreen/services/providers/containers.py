"""Run a service as a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import EngineMissing, PortInUse, ServiceNotReady
from truegreen.runtime.process import Completed, which
from truegreen.services.base import HOST, Fate, Started

if TYPE_CHECKING:
    from truegreen.services.asked import Asked
    from truegreen.services.workshop import Workshop

LABEL = "truegreen.session"
_LIMIT_S = 20.0
_PULL_LIMIT_S = 300.0
_QUOTED = 160


class _Health(msgspec.Struct, frozen=True, rename="pascal"):
    status: str = ""


class _State(msgspec.Struct, frozen=True, rename="pascal"):
    status: str = ""
    running: bool = False
    exit_code: int = 0
    started_at: str = ""
    error: str = ""
    health: _Health | None = None
    oom_killed: bool = msgspec.field(default=False, name="OOMKilled")


class State(msgspec.Struct, frozen=True, rename="pascal"):
    """The part of `docker inspect` that tells how a container fares."""

    state: _State
    restart_count: int = 0

    @property
    def running(self) -> bool:
        """True while its program runs."""
        return self.state.running

    @property
    def waits(self) -> bool:
        """True before its program starts."""
        return self.state.status in ("created", "restarting")

    @property
    def exit_code(self) -> int:
        """What its program ended with."""
        return self.state.exit_code

    @property
    def restarts(self) -> int:
        """How often the engine started it again."""
        return self.restart_count

    @property
    def out_of_memory(self) -> bool:
        """True when the kernel killed one of its processes for lack of memory."""
        return self.state.oom_killed

    @property
    def born(self) -> str:
        """When its program started."""
        return self.state.started_at

    def trouble(self) -> str:
        """Return why it will not serve any more, or nothing."""
        if not self.running:
            memory = ", for lack of memory" if self.out_of_memory else ""
            return f"it ended by itself with {self.exit_code}{memory}"
        if self.state.health is not None and self.state.health.status == "unhealthy":
            return "its own health check calls it unhealthy"
        return ""


class ContainersProvider:
    """Start a container with the docker command; labelled, so that a sweep finds what a killed run left."""

    name = "containers"

    def usable(self, shop: Workshop, image: str) -> str:
        """Return why containers cannot be used, or nothing; an image that is here is looked for once."""
        if image in shop.images:
            return ""
        if which("docker", shop.env.get("PATH")) is None:
            return "there is no docker command"
        if not self._docker(shop, "version", "--format", "{{.Server.Version}}", limit_s=3.0).ok:
            return "no container engine answers"
        if (
            self._docker(shop, "image", "inspect", image).ok
            or (pulled := self._docker(shop, "pull", "-q", image, limit_s=_PULL_LIMIT_S)).ok
        ):
            shop.images.add(image)
            return ""
        return f"image {image} is not here and cannot be pulled: {pulled.tail(1)[:_QUOTED]}"

    def start(self, shop: Workshop, asked: Asked) -> Started:
        """Start the container and return it, before it is ready."""
        if problem := self.usable(shop, asked.image()):
            raise EngineMissing(
                f"service {asked.name} cannot run in a container",
                where=f"services.{asked.name}",
                why=problem,
                fix=_remedy(asked),
            )
        service, name = asked.service(), asked.name
        port = shop.free_port(name, asked.options.port)
        access = shop.access(service, asked.options, port)
        published = {port: service.port, **{access.ports[purpose]: inner for purpose, inner in service.ports.items()}}
        options = [word for outer, inner in published.items() for word in ("--publish", f"{HOST}:{outer}:{inner}")]
        variables = {**service.container_env(access), **asked.options.env}
        container = self.run(shop, asked, options, variables, asked.options.command or service.container_args())
        return Started(
            name=name,
            kind=service.kind,
            provider=self.name,
            access=access,
            url=service.url(access),
            container=container,
            log=str(shop.log(name)),
            image=asked.image(),
        )

    def run(
        self, shop: Workshop, asked: Asked, options: list[str], variables: dict[str, str], command: list[str]
    ) -> str:
        """Start a container of a session and return its id.

        Raises:
            PortInUse: a port is taken.
            ServiceNotReady: the engine refused; nothing is left of it.
        """
        labels = (f"{LABEL}={shop.session}", f"truegreen.service={asked.name}")
        argv = ["run", "--detach", *(word for label in labels for word in ("--label", label)), *options]
        argv += [word for key, value in variables.items() for word in ("--env", f"{key}={value}")]
        done = self._docker(shop, *argv, asked.image(), *command, spared=True)
        if not done.ok:
            self._remove(shop, *(f"label={label}" for label in labels))
            raise self._failure(asked.name, asked.options.port, done)
        return done.stdout.strip().splitlines()[-1]

    def trouble(self, shop: Workshop, started: Started) -> str:
        """Return why the container will not serve any more, or nothing; in trouble its log is kept."""
        state = self._inspect(shop, started.container)
        found = "it is gone" if state is None else state.trouble()
        if found:
            self.keep_log(shop, started)
        return found

    def fate(self, shop: Workshop, started: Started) -> Fate:
        """Return what happened to the container since it was ready, and how old its image is."""
        state = self._inspect(shop, started.container)
        made = self._docker(shop, "image", "inspect", "--format", "{{.Created}}", started.image).stdout.strip()
        facts = Fate(image=started.image, pinned="@sha256:" in started.image, image_made=made)
        if state is None:
            return msgspec.structs.replace(facts, ended="it is gone")
        memory = state.out_of_memory or self._ran_out(shop, started)
        again = state.restarts or int(bool(started.ready_at) and state.born.rstrip("Z") > started.ready_at)
        return msgspec.structs.replace(
            facts, restarts=again, out_of_memory=memory, ended="" if state.running else state.trouble()
        )

    def exit_code(self, shop: Workshop, container: str) -> int | None:
        """Return how a container ended, or None while it runs; one that is gone did not end with 0."""
        state = self._inspect(shop, container)
        if state is None:
            return -1
        return None if state.running or state.waits else state.exit_code

    def remove(self, shop: Workshop, name: str, container: str) -> None:
        """Keep the log of a one-shot container, and remove it."""
        done = self._docker(shop, "logs", "--tail", "20000", container)
        if done.ok:
            shop.write_log(name, done.stdout + done.stderr)
        self._docker(shop, "rm", "--force", "--volumes", container, limit_s=60.0)

    def keep_log(self, shop: Workshop, started: Started) -> None:
        """Fetch the container's log to where logs are kept."""
        if started.log:
            done = self._docker(shop, "logs", "--tail", "20000", started.container)
            if done.ok:  # a container that is gone already: the log kept before stays
                shop.write_log(started.name, done.stdout + done.stderr)

    def stop(self, shop: Workshop, started: Started) -> None:
        """Keep the log and remove the container with its volumes."""
        self.keep_log(shop, started)
        self._docker(shop, "rm", "--force", "--volumes", started.container, limit_s=60.0)

    def sweep(self, shop: Workshop, session: str) -> int:
        """Remove every container of a session, also one that was started but never recorded."""
        if which("docker", shop.env.get("PATH")) is None:
            return 0
        return self._remove(shop, f"label={LABEL}={session}")

    def _remove(self, shop: Workshop, *labels: str) -> int:
        """Remove what carries all the labels; `docker run` leaves a container also when it fails."""
        chosen = [word for label in labels for word in ("--filter", label)]
        found = self._docker(shop, "ps", "--all", "--quiet", *chosen).stdout.split()
        if found:
            self._docker(shop, "rm", "--force", "--volumes", *found, limit_s=60.0)
        return len(found)

    def _ran_out(self, shop: Workshop, started: Started) -> bool:
        """Return whether a process of a container was killed for lack of memory.

        The container's own state says so of its first process only; the engine's events tell of all of them.
        """
        span = ["--since", f"{started.ready_at}Z" if started.ready_at else "24h", "--until", "0s"]
        which_one = ["--filter", f"container={started.container}", "--filter", "event=oom"]
        done = self._docker(shop, "events", *span, *which_one, "--format", "{{.Action}}", spared=True)
        return done.ok and bool(done.stdout.strip())

    def _inspect(self, shop: Workshop, container: str) -> State | None:
        """Return the state of a container; None when it is gone."""
        done = self._docker(shop, "inspect", "--type", "container", container, spared=True)
        try:
            return msgspec.json.decode(done.stdout, type=list[State])[0] if done.ok else None
        except (msgspec.DecodeError, IndexError):
            return None

    def _docker(self, shop: Workshop, *argv: str, limit_s: float = _LIMIT_S, spared: bool = False) -> Completed:
        return shop.processes.run(["docker", *argv], env=shop.env, timeout_s=limit_s, spared=spared)

    @staticmethod
    def _failure(name: str, port: int, done: Completed) -> PortInUse | ServiceNotReady:
        if "port is already allocated" in done.stderr or "address already in use" in done.stderr:
            return PortInUse(f"port {port} for service {name} is taken", fix="free it, or set port = 0 for a free one")
        return ServiceNotReady(
            f"the container of service {name} did not start",
            where=" ".join(done.argv[:3]),
            why=done.tail(4),
            fix="the engine's message above says what is wrong; check image and env",
        )


def _remedy(asked: Asked) -> str:
    """Return what helps where a container cannot be used."""
    ways = ["start Docker where the image can be pulled, or load it with `docker load`"]
    if asked.options.one_shot or asked.service().embedded:
        ways.append('set provider = "embedded" to run the real server without it')
    return "; ".join([*ways, f'or attach to a running one: services.{asked.name}.url = "…"'])

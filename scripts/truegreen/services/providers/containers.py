"""Run a service as a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.errors import EngineMissing, PortInUse, ServiceNotReady
from truegreen.runtime.process import Completed, which
from truegreen.services.base import HOST, Started

if TYPE_CHECKING:
    from truegreen.config.schema import ServiceOptions
    from truegreen.services.base import Service
    from truegreen.services.workshop import Workshop

LABEL = "truegreen.session"
_LIMIT_S = 20.0
_PULL_LIMIT_S = 300.0


class ContainersProvider:
    """Start a container with the docker command; labelled, so that a sweep finds what a killed run left."""

    name = "containers"

    def usable(self, shop: Workshop, image: str) -> str:
        """Return why containers cannot be used, or nothing."""
        if which("docker", shop.env.get("PATH")) is None:
            return "there is no docker command"
        if not self._docker(shop, "version", "--format", "{{.Server.Version}}", limit_s=3.0).ok:
            return "no container engine answers"
        if (
            self._docker(shop, "image", "inspect", image).ok
            or self._docker(shop, "pull", "-q", image, limit_s=_PULL_LIMIT_S).ok
        ):
            return ""
        return f"image {image} is not here and cannot be pulled"

    def start(self, shop: Workshop, name: str, service: Service, options: ServiceOptions) -> Started:
        """Start the container and return it, before it is ready."""
        image = options.image or service.image
        if problem := self.usable(shop, image):
            raise EngineMissing(
                f"service {name} cannot run in a container",
                why=problem,
                fix='start Docker, or set provider = "embedded" to run the real server without it',
            )
        port = shop.free_port(name, options.port)
        access = shop.access(service, options, port)
        variables = {**service.container_env(access), **options.env}
        argv = ["run", "--detach", "--label", f"{LABEL}={shop.session}", "--label", f"truegreen.service={name}"]
        argv += ["--publish", f"{HOST}:{port}:{service.port}"]
        argv += [word for key, value in variables.items() for word in ("--env", f"{key}={value}")]
        done = self._docker(shop, *argv, image, *(options.command or service.container_args()))
        if not done.ok:
            self._remove(shop, f"label={LABEL}={shop.session}", f"label=truegreen.service={name}")
            raise self._failure(name, port, done)
        container = done.stdout.strip().splitlines()[-1]
        url = service.url(access)
        log = str(shop.log(name))
        return Started(
            name=name, kind=service.kind, provider=self.name, access=access, url=url, container=container, log=log
        )

    def alive(self, shop: Workshop, started: Started) -> bool:
        """Return whether the container still runs; its log is kept either way."""
        state = self._docker(shop, "inspect", "--format", "{{.State.Running}}", started.container)
        if state.stdout.strip() == "true":
            return True
        self.keep_log(shop, started)
        return False

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

    def _docker(self, shop: Workshop, *argv: str, limit_s: float = _LIMIT_S) -> Completed:
        return shop.processes.run(["docker", *argv], env=shop.env, timeout_s=limit_s)

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

"""Where services are: the stage's own where it runs them, else containers that this session starts and stops."""

from __future__ import annotations

import importlib
import json
import os
from typing import Any

from truegreen_pytest.waiting import Unavailable

VARIABLE = "TRUEGREEN_SERVICES"
"""URLs of the stage's services by name, as JSON."""
_KNOWN: dict[str, tuple[tuple[str, ...], str, str, dict[str, Any]]] = {
    "postgres": (
        ("POSTGRES_DSN", "DATABASE_URL"),
        "postgres",
        "PostgresContainer",
        {"image": "postgres:16-alpine", "driver": None},
    ),
    "redis": (("REDIS_URL",), "redis", "RedisContainer", {"image": "redis:7-alpine"}),
    "nats": (("NATS_URL",), "nats", "NatsContainer", {"image": "nats:2.10-alpine", "jetstream": True}),
}
"""Variables that commonly hold the URL, and what starts a container of it."""


class Addresses:
    """Finds URLs; what it starts stays up until it is closed."""

    def __init__(self) -> None:
        self._containers: dict[str, Any] = {}

    def url(self, name: str) -> str:
        """Return the URL of a service.

        Args:
            name: its name in `[tool.truegreen.services]`, or its kind.

        Raises:
            Unavailable: neither a stage nor a variable has it, and no container of it can be started.
        """
        __tracebackhide__ = True
        variables, *_ = _KNOWN.get(name, ((),))
        found = _of_the_stage().get(name) or next(filter(None, map(os.environ.get, variables)), "")
        return found or self._contained(name, variables)

    def close(self) -> None:
        """Stop what was started."""
        while self._containers:
            self._containers.popitem()[1].stop()

    def _contained(self, name: str, variables: tuple[str, ...]) -> str:
        __tracebackhide__ = True
        if name not in _KNOWN:
            raise Unavailable(
                f"no service {name!r}: name it in `services` of the stage in [tool.truegreen], "
                f"or one of {', '.join(_KNOWN)}"
            )
        if name not in self._containers:
            _, module, class_name, options = _KNOWN[name]
            try:
                made = getattr(_module(module), class_name)(**options)
            except ImportError as error:
                raise Unavailable(
                    f"there is no {name}: run the tests by `truegreen run STAGE` with {name} among its services, "
                    f"set {variables[0]}, or install testcontainers[{name}] ({error})"
                ) from None
            self._containers[name] = made.start()
        return _address(name, self._containers[name])


def _module(name: str) -> Any:
    """Return a module of testcontainers, from where it is since 4.15 or from where it was."""
    try:
        return importlib.import_module(f"testcontainers.community.{name}")
    except ImportError:
        return importlib.import_module(f"testcontainers.{name}")


def _address(name: str, container: Any) -> str:
    if name == "postgres":
        return str(container.get_connection_url())
    port = {"redis": 6379, "nats": 4222}[name]
    return f"{name}://{container.get_container_host_ip()}:{container.get_exposed_port(port)}"


def _of_the_stage() -> dict[str, str]:
    """Return what the stage says, read each time: a worker's own database takes the place of the common one."""
    try:
        found = json.loads(os.environ.get(VARIABLE) or "{}")
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}

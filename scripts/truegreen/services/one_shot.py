"""Services that do one thing and end, such as a migration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.errors import EngineMissing, ServiceNotReady
from truegreen.model.service import ServiceHandle
from truegreen.runtime import lifetime
from truegreen.runtime import process as processes
from truegreen.services.asked import ONE_SHOT
from truegreen.services.providers.containers import ContainersProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from truegreen.runtime.clock import Clock
    from truegreen.services.asked import Asked
    from truegreen.services.workshop import Workshop

_POLL_S = 0.1
# A program without an image runs here: it sees what it needs, and none of the secrets of a CI.
_SEEN = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "SSL_CERT_FILE")


def run(shop: Workshop, clock: Clock, asked: Asked, variables: dict[str, str]) -> ServiceHandle:
    """Run a one-shot service to its end and return it.

    Args:
        shop: the effects.
        clock: measures its time limit.
        asked: what to run.
        variables: of the services that it needs.

    Raises:
        ServiceNotReady: it ended with something else than 0, or not in time; its log's end is quoted.
        EngineMissing: it has an image, and containers cannot be used.
    """
    begun, name = clock.monotonic(), asked.name
    env = {**variables, **asked.options.env}
    contained = bool(asked.options.image)
    code, after = _container(shop, asked, env) if contained else _program(shop, asked, env)
    try:
        while (exit_code := code()) is None:
            shop.go_on()
            if clock.monotonic() - begun > asked.options.timeout_s:
                raise _failure(shop, asked, f"it did not end within {asked.options.timeout_s:.0f} s")
            clock.sleep(_POLL_S)
    finally:
        after()
    if exit_code:
        raise _failure(shop, asked, f"it ended with {exit_code}")
    return ServiceHandle(
        name=name,
        kind=ONE_SHOT,
        provider="containers" if contained else "process",
        host="",
        port=0,
        url="",
        image=asked.image() if contained else "",
        log=str(shop.log(name)),
        ready_s=round(clock.monotonic() - begun, 3),
    )


def _container(
    shop: Workshop, asked: Asked, env: dict[str, str]
) -> tuple[Callable[[], int | None], Callable[[], None]]:
    """Start a container on the host's network, where the addresses of the other services are the same."""
    provider = ContainersProvider()
    if problem := provider.usable(shop, asked.image()):
        raise EngineMissing(
            f"the one-shot service {asked.name} cannot run in a container", why=problem, fix="start Docker"
        )
    container = provider.run(shop, asked, ["--network", "host"], env, asked.options.command)
    return lambda: provider.exit_code(shop, container), lambda: provider.remove(shop, asked.name, container)


def _program(shop: Workshop, asked: Asked, env: dict[str, str]) -> tuple[Callable[[], int | None], Callable[[], None]]:
    seen = {key: shop.env[key] for key in _SEEN if key in shop.env}
    child = shop.processes.spawn(asked.options.command, log=shop.log(asked.name), cwd=shop.root, env={**seen, **env})
    ledger = lifetime.Ledger.open(shop.cache)

    def after() -> None:
        processes.stop(child, grace_s=1.0)
        ledger.close()

    try:
        ledger.add(child.pid)  # the next run ends it where this one is killed
    except BaseException:
        after()
        raise

    return child.poll, after


def _failure(shop: Workshop, asked: Asked, why: str) -> ServiceNotReady:
    tail = shop.tail(asked.name)
    return ServiceNotReady(
        f"the one-shot service {asked.name} failed",
        where=f"services.{asked.name}",
        why=f"{why}\n    {tail}" if tail else why,
        fix=f"read {shop.log(asked.name)}; it must end with 0",
    )

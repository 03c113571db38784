"""One service, from what is asked for to one that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from truegreen import registry
from truegreen.errors import EngineMissing, ServiceNotReady
from truegreen.model.service import ServiceHandle
from truegreen.services import one_shot
from truegreen.services.asked import ONE_SHOT
from truegreen.services.base import NotReady, Started
from truegreen.services.workshop import exports, fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from truegreen.runtime.clock import Clock
    from truegreen.runtime.console import Console
    from truegreen.services.asked import Asked
    from truegreen.services.workshop import Workshop

_POLL_S = 0.02
_TROUBLE_EVERY = 25


def provider(name: str) -> Any:
    """Return a provider by name; raises UnknownName."""
    return registry.load("provider", name)()


class Starter:
    """Starts services one by one; several threads may use it."""

    def __init__(
        self, shop: Workshop, clock: Clock, console: Console, note: Callable[[str, Started | None], None]
    ) -> None:
        """Keep the effects.

        Args:
            shop: effects of the providers.
            clock: measures how long a service takes.
            console: shows what starts.
            note: is told the provider before a service starts, and then what was started, to be able to stop it.
        """
        self._shop = shop
        self._clock = clock
        self._console = console
        self._note = note

    def start(self, asked: Asked, variables: dict[str, str]) -> ServiceHandle:
        """Return the service when it answers, a one-shot service when it has ended.

        Args:
            asked: the service.
            variables: of the services that it needs.

        Raises:
            TruegreenError: it could not start, is in trouble, or did not answer in time.
            Stopping: nobody waits for it any more.
        """
        begun = self._clock.monotonic()
        self._shop.fresh_log(asked.name)
        if asked.kind == ONE_SHOT:
            self._note("containers" if asked.options.image else "", None)
            with self._console.working(f"running {asked.name}"):
                return one_shot.run(self._shop, self._clock, asked, variables)
        chosen, why = self._choose(asked)
        self._shop.go_on()
        self._note(chosen, None)
        with self._console.working(f"starting {asked.name} ({chosen})"):
            started: Started = provider(chosen).start(self._shop, asked)
            self._note(chosen, started)
            version = self._await(asked, started)
        self._note(chosen, msgspec.structs.replace(started, ready_at=f"{self._clock.now():%Y-%m-%dT%H:%M:%S.%f}"))
        service, access = asked.service(), started.access
        return ServiceHandle(
            name=asked.name,
            kind=service.kind,
            provider=started.provider,
            host=access.host,
            port=access.port,
            url=started.url,
            version=version,
            user=access.user,
            password=access.password,
            database=access.database,
            exports=exports(service, asked.options, access, started.url),
            fields=fields(service, asked.options),
            log=started.log,
            ready_s=round(self._clock.monotonic() - begun, 3),
            image=started.image,
            note=why,
        )

    def _choose(self, asked: Asked) -> tuple[str, str]:
        """Return the provider, and why when nobody asked for it."""
        options, shop = asked.options, self._shop
        if options.provider != "auto":
            provider(options.provider)
            return options.provider, ""
        if options.url:
            return "attach", ""
        contained = provider("containers").usable(shop, asked.image())
        if not contained:
            return "containers", ""
        shop.go_on()
        embedded = provider("embedded").usable(shop, asked)
        if embedded:
            raise EngineMissing(
                f"service {f'{asked.name}@{asked.version}' if asked.version else asked.name} cannot run here",
                where=f"services.{asked.name}",
                why=f"in a container: {contained}; without one: {embedded}",
                fix="start Docker where the image can be pulled, load the image with `docker load`, or attach to a "
                f'running server: services.{asked.name}.url = "…"',
            )
        without = f"; without its env ({', '.join(sorted(options.env))})" if options.env else ""
        return "embedded", f"{asked.name} runs embedded, not in a container{without}: {contained}"

    def _await(self, asked: Asked, started: Started) -> str:
        """Probe every 20 ms until a real query is answered; a download before the start takes none of its time."""
        service, last, count, begun = asked.service(), "", 0, self._clock.monotonic()
        fresh = started.provider == "embedded" or (service.prepared and started.provider == "containers")
        while self._clock.monotonic() - begun < asked.options.timeout_s:
            self._shop.go_on()
            count += 1
            try:
                if fresh:  # most images make their own database, and an attached service has one
                    service.prepare(started.access)
                return service.probe(started.access)
            except NotReady as state:
                last = str(state)
            if count % _TROUBLE_EVERY == 0 and (trouble := provider(started.provider).trouble(self._shop, started)):
                raise self._failure(asked, started, trouble)
            self._clock.sleep(_POLL_S)
        why = f"no answer within {asked.options.timeout_s:.0f} s; last: {last or 'no connection'}"
        raise self._failure(asked, started, why)

    def _failure(self, asked: Asked, started: Started, why: str) -> ServiceNotReady:
        provider(started.provider).keep_log(self._shop, started)
        tail = self._shop.tail(asked.name) if started.log else ""
        return ServiceNotReady(
            f"service {asked.name} is not ready",
            where=f"{started.provider} at {started.access.host}:{started.access.port}",
            why=f"{why}\n    {tail}" if tail else why,
            fix=f"read {started.log or 'the log of the service'}; check services.{asked.name} in pyproject.toml",
        )

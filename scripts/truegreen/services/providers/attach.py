"""Use a service that the caller runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import WrongValue
from truegreen.services.base import Fate, Started

if TYPE_CHECKING:
    from truegreen.services.asked import Asked
    from truegreen.services.workshop import Workshop


class AttachProvider:
    """Attach to the URL in `url`; `$NAME` reads a variable. Nothing is started, and nothing is stopped."""

    name = "attach"

    def start(self, shop: Workshop, asked: Asked) -> Started:
        """Return the caller's service."""
        name, service, options = asked.name, asked.service(), asked.options
        url = shop.env.get(options.url[1:], "") if options.url.startswith("$") else options.url
        if not url:
            raise WrongValue(
                f"service {name} has no URL to attach to",
                where=f"services.{name}.url = {options.url!r}",
                fix="set url, or the variable it names" if options.url else 'set url, such as url = "$POSTGRES_DSN"',
            )
        try:
            access = service.parse(url)
        except ValueError as error:  # such as a port that is no number; the URL itself may hold a password
            raise WrongValue(
                f"the URL of service {name} cannot be read",
                where=f"services.{name}.url",
                why=str(error),
                fix="give scheme://user:password@host:port/database",
            ) from None
        if not access.host:
            raise WrongValue(
                f"the URL of service {name} names no host", where=f"services.{name}.url", fix="give host:port"
            )
        return Started(
            name=name, kind=service.kind, provider=self.name, access=msgspec.structs.replace(access), url=url
        )

    def trouble(self, shop: Workshop, started: Started) -> str:
        """Return nothing: whether it answers is the probe's business."""
        del shop, started
        return ""

    def fate(self, shop: Workshop, started: Started) -> Fate:
        """Return nothing: what happens to it is the caller's business."""
        del shop, started
        return Fate()

    def keep_log(self, shop: Workshop, started: Started) -> None:
        """Keep nothing: the log is the caller's."""

    def stop(self, shop: Workshop, started: Started) -> None:
        """Leave it alone."""

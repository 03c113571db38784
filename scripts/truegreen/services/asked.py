"""What is asked for: `postgres@18` and its table of the configuration as one thing, and in which order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.config.schema import ServiceOptions
from truegreen.errors import WrongValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truegreen.services.base import Service

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{0,5}")
ONE_SHOT = "one-shot"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One service that is wanted."""

    name: str
    kind: str
    """Name in the catalogue, or `one-shot`."""
    version: str
    options: ServiceOptions

    def service(self) -> Service:
        """Return its kind; raises UnknownName where the catalogue has none of the name."""
        found: Service = registry.load("service", self.kind)()
        return found

    def image(self) -> str:
        """Return the image with its tag, and its digest where one is given."""
        own = self.options.image.replace("{version}", self.version)
        image = own or self.service().image_of(self.version)
        return f"{image}@{self.options.digest}" if self.options.digest and "@" not in image else image

    def takes(self, version: str) -> bool:
        """Return whether a version is the one that is asked for: 18.6 is 18, and anything is nothing in particular."""
        return not self.version or f"{version}.".startswith(f"{self.version}.")


def plain(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names without their versions."""
    return tuple(name.partition("@")[0] for name in names)


def resolve(names: Iterable[str], tables: Mapping[str, ServiceOptions]) -> dict[str, Asked]:
    """Return name → what is asked for, each after what it needs.

    Args:
        names: services such as `redis` or `postgres@18`; what they need comes with them.
        tables: `[tool.truegreen.services]`.

    Raises:
        WrongValue: one name with two versions, a version or digest that cannot be, or services that need each other.
        UnknownName: the catalogue has no such kind.
    """
    found: dict[str, Asked] = {}
    for text in names:
        _add(text, tables, found, ())
    return found


def _add(text: str, tables: Mapping[str, ServiceOptions], found: dict[str, Asked], above: tuple[str, ...]) -> None:
    asked = _asked(text, tables)
    if asked.name in above:
        circle = " → ".join((*above[above.index(asked.name) :], asked.name))
        raise WrongValue("services need each other", where=f"services.{asked.name}.needs", why=circle, fix="drop one")
    for needed in asked.options.needs:
        _add(needed, tables, found, (*above, asked.name))
    known = found.setdefault(asked.name, asked)
    if known.version != asked.version and "@" in text:
        raise WrongValue(
            f"service {asked.name} is asked for as {known.version or 'any version'} and as {asked.version}",
            fix=f'give one of them a name: [tool.truegreen.services.other] with kind = "{asked.kind}@{asked.version}"',
        )


def _asked(text: str, tables: Mapping[str, ServiceOptions]) -> Asked:
    name, _, here = text.partition("@")
    options = tables.get(name, ServiceOptions())
    kind, _, there = (options.kind or name).partition("@")
    version = here or options.version or there
    if ("@" in text and not here) or (version and not _VERSION.fullmatch(version)):
        raise WrongValue(f"{text!r} names no version", where=f"services.{name}", fix="write it like postgres@18")
    if options.digest and not _DIGEST.fullmatch(options.digest):
        raise WrongValue(
            f"the digest of service {name} is none",
            where=f"services.{name}.digest = {options.digest!r}",
            fix="`docker image inspect --format '{{index .RepoDigests 0}}' IMAGE` prints it: sha256: and 64 digits",
        )
    if options.one_shot:
        if not options.command and not options.image:
            raise WrongValue(
                f"the one-shot service {name} runs nothing",
                where=f"services.{name}",
                fix='set command, such as ["alembic", "upgrade", "head"], or image',
            )
        kind = ONE_SHOT
    elif registry.load("service", kind).numbered and not _NUMBER.fullmatch(options.database):
        raise WrongValue(
            f"the database of service {name} is none",
            where=f"services.{name}.database = {options.database!r}",
            why=f"{kind} has databases with numbers",
            fix='give a number, such as database = "1"',
        )
    return Asked(name=name, kind=kind, version=version, options=options)

"""Optional dependencies of classes, and who supplies them."""

from __future__ import annotations

from enum import StrEnum

import msgspec

WIRING_VERSION = 1


class Supply(StrEnum):
    """What the code of a project does about one optional dependency."""

    SUPPLIED = "supplied"
    """At least one call site hands something over, or somebody sets the attribute later."""
    NEVER = "never"
    """The class is built, and no call site hands anything over."""
    UNKNOWN = "unknown"
    """Nothing in the project builds the class, or it is handed to something that may build it."""


class Place(msgspec.Struct, frozen=True, order=True):
    """A line of a file of the project."""

    path: str
    """Relative to the project, with `/`."""
    line: int
    """1-based."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """One optional parameter of a constructor that is kept as an attribute and is no plain value."""

    owner: str
    """Name of the class."""
    parameter: str
    attribute: str
    """Where the constructor keeps it, without `self.`."""
    kind: str
    """Its annotation without None; empty where it has none and its name says what it is."""
    place: Place
    """Where the parameter is declared."""
    supply: Supply
    calls: tuple[Place, ...] = ()
    """Call sites of the constructor, in order."""
    suppliers: tuple[Place, ...] = ()
    """Where it is handed over or set."""
    why: str = ""
    """Why nothing is known, where that is so."""
    guards: tuple[Place, ...] = ()
    """Lines that pass over in silence what needs it when it is missing."""
    uses: int = 0
    """How often methods use the attribute."""


class WiringScan(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `wiring.json`: what was found in the sources, without running them."""

    schema_version: int = WIRING_VERSION
    files: int
    """Files that were read; tests are not among them."""
    classes: int
    """Classes in them."""
    dependencies: tuple[Dependency, ...] = ()
    unread: tuple[str, ...] = ()
    """Files that could not be read, each as `path: reason`."""

    def having(self, supply: Supply) -> tuple[Dependency, ...]:
        """Return the dependencies with one supply."""
        return tuple(one for one in self.dependencies if one.supply is supply)

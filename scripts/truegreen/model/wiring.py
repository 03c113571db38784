"""Dependencies of classes: who supplies them, and what the objects hold that factories really build."""

from __future__ import annotations

from enum import StrEnum

import msgspec

WIRING_VERSION = 2


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
    also: tuple[str, ...] = ()
    """Other attributes that hold the same."""
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


class Unfollowed(msgspec.Struct, frozen=True, kw_only=True):
    """One optional dependency of a class that the project builds, and of which nobody can tell where it is kept."""

    owner: str
    parameter: str
    kind: str
    """Its annotation without None; empty where it has none and its name says what it is."""
    place: Place

    @property
    def name(self) -> str:
        """Return `Class.parameter`."""
        return f"{self.owner}.{self.parameter}"


class Ambient(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the application that no constructor takes: a variable of a module, or an attribute of `app.state`.

    It is None from the beginning, and nothing in the sources ever gives it another value.
    """

    name: str
    """`module:variable`, or `app.state.attribute`."""
    place: Place
    """Where it is None."""
    guards: tuple[Place, ...]
    """Lines that pass over in silence what needs it."""
    handled: bool = False
    """Whether one of them is on the way of a request through an application that is walked."""


class RootKind(StrEnum):
    """What one root of the application is."""

    FACTORY = "factory"
    """A function, or anything else that is called and gives an object."""
    OBJECT = "object"
    """An object of a module: an application of FastAPI or Flask, or a service that is built when it is imported."""
    CONTAINER = "container"
    """A declarative container of dependency-injector."""


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """Where the application is put together, and the walk begins."""

    name: str
    """`module:attribute`; the test of it is called `wiring::module:attribute`."""
    kind: RootKind = RootKind.FACTORY
    declared: bool = False
    """True when `factories` names it; else it was found in the sources."""
    place: Place | None = None
    """Where it is defined; None where the sources do not tell."""


class Unbuilt(msgspec.Struct, frozen=True, kw_only=True):
    """A function that gives a part of the application, and that no walk begins at."""

    name: str
    """`module:function`."""
    place: Place
    why: str
    """Why it is not called."""
    omits: tuple[str, ...] = ()
    """`Class.parameter` of each dependency that it leaves out, that somebody else supplies, and without which a method
    goes on in silence; empty where a walk from elsewhere goes through the function."""
    factory: bool = False
    """Whether its name says which part of the application it builds: only its arguments keep the walk from it."""


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a constructor that is kept and takes a part of the application, not a plain value."""

    owner: str
    """Class whose constructor takes it; one that inherits from it may keep it."""
    path: str
    """File of that class, relative to the project."""
    parameter: str
    attribute: str
    kind: str
    """Its annotation without None; empty where it has none."""
    line: int
    optional: bool = False
    """Whether it may be left out."""
    own: bool = False
    """Whether its type is a class of the project."""
    lazy: bool = False
    """Whether there is nothing to be missed: a method makes one where there is none, or it leads to the next of a
    chain of equals, which ends somewhere."""
    guards: tuple[str, ...] = ()
    """Lines that pass over in silence what needs it when it is missing, each as `path:line`."""
    called: bool = False
    """Whether methods call something on it."""
    calls: tuple[str, ...] = ()
    """What they call on it."""
    concrete: tuple[str, ...] = ()
    """Names of the classes of the project of which it has to be, where its type is nothing else: no protocol, and none
    that is abstract."""


class Flaw(StrEnum):
    """What is wrong with what a dependency holds."""

    MISSING = "missing"
    """None."""
    STAND_IN = "stand-in"
    """A mock, a fake, or something that belongs to the tests."""
    WRONG = "wrong"
    """No object of the class that is declared."""


class Flawed(msgspec.Struct, frozen=True, kw_only=True):
    """One dependency of a built object that is not there, or is not real."""

    flaw: Flaw
    path: str
    """From the root, such as `OperationsService._repository`."""
    name: str
    """`Class.parameter`, or `Class.attribute` where no parameter takes it."""
    declared: str = ""
    """What is declared there, such as `Repository | None`."""
    place: Place | None = None
    """Where it is declared."""
    holds: str = ""
    """Class of what is there instead of the real thing."""
    why: str = ""
    """What it leads to."""
    red: bool = True
    """False where nothing of the project needs it."""


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """What the objects hold that one root built."""

    root: str
    """Name of the root."""
    objects: int = 0
    """Objects that were looked at."""
    held: tuple[tuple[str, str, str], ...] = ()
    """`Class.parameter` of each dependency that was looked at, the class of what it held (`None` for nothing), and the
    path where that was seen first."""
    flawed: tuple[Flawed, ...] = ()
    error: str = ""
    """Why it could not be imported, called, or looked at to the end; such a root proves nothing."""
    remedy: str = ""
    left: tuple[str, ...] = ()
    """What could not be looked at, each with the reason, such as a dependency that needs a request."""
    threads: tuple[str, ...] = ()
    """Names of threads that it started, that are no daemons, and that went on when everything was closed."""
    walk_ms: float = 0.0
    """Processor time of the walk itself, building not counted."""


class WiringScan(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `wiring.json`: what was found in the sources, and what the walk from each root saw."""

    schema_version: int = WIRING_VERSION
    files: int
    """Files that were read; tests are not among them."""
    classes: int
    """Classes in them."""
    dependencies: tuple[Dependency, ...] = ()
    unfollowed: tuple[Unfollowed, ...] = ()
    """Optional dependencies that go where nobody follows them: into a list, or an object of somebody else."""
    ambient: tuple[Ambient, ...] = ()
    """Variables of modules and attributes of `app.state` that are None for ever, and are passed over in silence."""
    unread: tuple[str, ...] = ()
    """Files that could not be read, each as `path: reason`."""
    roots: tuple[Root, ...] = ()
    """Where the walk begins."""
    walks: tuple[Walk, ...] = ()
    """What it saw: one for each root, unless that never ran."""
    unbuilt: tuple[Unbuilt, ...] = ()
    """Where no walk begins though it looks like it might."""
    stray: tuple[str, ...] = ()
    """Names of the configuration that stand for no root."""

    def having(self, supply: Supply) -> tuple[Dependency, ...]:
        """Return the dependencies with one supply."""
        return tuple(one for one in self.dependencies if one.supply is supply)

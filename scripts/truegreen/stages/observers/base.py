"""The contract of an observer of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from truegreen.model.persistence import Window
    from truegreen.model.service import ServiceHandle


class StoreObserver(Protocol):
    """Says what reached one store for good between two moments.

    It has a connection of its own, and reads what the server itself keeps of its changes. A moment is what `position`
    returned; what it is made of is the observer's own business. Nothing may be lost in silence: an observer that
    cannot tell what happened between two positions raises. One with `selective = True` is made with a second argument,
    the patterns of the databases that count, and need not look at others. One that takes a position and reads up to it
    at once has a method `since(start)`: it returns the position and a function, called before anything else is asked,
    that returns what changed and needs nothing of the store any more. One that can send its question before it reads
    the answer has a method `ahead(start)`, so that several stores answer at the same time: `position` comes next, or
    `since(start)` where a start is given and there is such a method. One that knows when each change of a transaction
    was written has a method `resume(parts)`: in the window that is read next, what was written in one of these parts,
    each a pair of positions, is no change that was written before.
    """

    kind: ClassVar[str]
    """Kind of service it observes; the registry's name."""
    durable: ClassVar[bool]
    """True for a database in which applications keep what must not be lost; where a stage has one, it alone counts."""
    kinds: ClassVar[tuple[str, ...]]
    """Kinds of the changes that it tells; none where the server may have kinds of its own."""
    version: str
    """The server's version."""

    @property
    def tier(self) -> str:
        """Letter and words of the technique, such as `A: …`; known once it is open."""
        ...

    def __init__(self, server: ServiceHandle) -> None:
        """Connect.

        Raises:
            TruegreenError: the store cannot be observed; its words make the evidence blind.
        """
        ...

    @staticmethod
    def databases(server: ServiceHandle) -> tuple[str, ...]:
        """Return patterns of the databases that count where nothing is configured; none means all."""
        ...

    def position(self) -> Any:
        """Return the moment now: what was acknowledged to anybody before lies before it."""
        ...

    def between(self, start: Any, end: Any) -> Window:
        """Return what changed between two positions, the second of which is not the older one."""
        ...

    def close(self) -> None:
        """Hang up, and leave a server that is not ours as it was."""
        ...

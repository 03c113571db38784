"""Requirements of a project, and how far a run proved them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the registry: what must hold, and which kind of test proves it."""

    id: str
    text: str
    type: str
    """Kind of test, such as `wiring` or `persistence`; the gate's options say which stages run it."""
    milestone: str = ""
    due: date | None = None
    """Until the day before, a row that is not proved is shown and not red; none means at once."""
    file: str = ""
    line: int = 0
    last_line: int = 0


class Milestone(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for all rows of a milestone."""

    name: str
    extends: str = ""
    """Milestone whose rows this one has too, under its own name: `M3-3.1` becomes `M5-3.1`."""
    due: date | None = None
    """For rows without a day of their own."""
    file: str = ""
    line: int = 0
    last_line: int = 0


class State(StrEnum):
    """What became of a requirement in a run."""

    PROVED = "proved"
    FAILED = "failed"
    """A test that names it failed."""
    NOT_PROVED = "not proved"
    """Tests name it, and none of them proves it."""
    NO_TEST = "no test"
    OPEN = "open"
    """The stage that would prove it was not planned, or ran in part."""
    UNSEEN = "unseen"
    """The stage that would prove it left no evidence that could be read."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement and what the evidence says about it."""

    requirement: Requirement
    state: State
    tests: tuple[str, ...] = ()
    """Node ids of the tests that name it, in the order of the sessions."""
    why: str = ""
    """Why it is not proved."""

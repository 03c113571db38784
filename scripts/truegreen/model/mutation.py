"""What became of the mutants of a change: small faults planted one at a time, which a test should notice."""

from __future__ import annotations

from enum import StrEnum

import msgspec

MUTATION_VERSION = 1


class Fate(StrEnum):
    """What became of one mutant."""

    KILLED = "killed"
    """A test that passes without the fault failed with it."""
    TIMEOUT = "timeout"
    """The tests did not come to their end with it, which somebody would notice."""
    SURVIVED = "survived"
    """All tests still passed."""
    UNKNOWN = "unknown"
    """pytest ended in a way that says neither."""


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One fault that was planted."""

    path: str
    """Relative to the project, with `/`."""
    line: int
    """1-based."""
    operator: str
    """What was changed, in the generator's words."""
    diff: str
    """The changed lines, as `-` and `+`."""
    fate: Fate
    duration_s: float = 0.0


class MutationResult(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `mutation.json`."""

    schema_version: int = MUTATION_VERSION
    tool: str
    version: str
    base: str
    """Commit the change is compared with."""
    changed_lines: int
    """Of files that are not tests."""
    covered_lines: int
    """Of them, those a test ran, measured on the copy the mutants were planted in."""
    candidates: int
    """Mutants that could be made of those lines."""
    baseline_s: float
    """Time of the tests without any mutant; they passed."""
    limit_s: float
    """Time for all mutants."""
    mutants: tuple[Mutant, ...] = ()
    """Those that were tried."""
    unread: tuple[str, ...] = ()
    """Changed files of which no mutant could be made, with the reason."""

    @property
    def untried(self) -> int:
        """Return how many candidates were left when the time was over."""
        return self.candidates - len(self.mutants)

    def having(self, fate: Fate) -> tuple[Mutant, ...]:
        """Return the mutants with one fate."""
        return tuple(mutant for mutant in self.mutants if mutant.fate is fate)

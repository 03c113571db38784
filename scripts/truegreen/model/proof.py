"""What became of the mutants of the environment and of the wiring: does a test notice when nothing is kept?"""

from __future__ import annotations

from enum import StrEnum

import msgspec

PROOF_VERSION = 1


class Answer(StrEnum):
    """What one test says about one mutant; for a mutant as a whole, what all of them say."""

    NOTICED = "noticed"
    """It passes without the mutant, and failed when the mutant was at work."""
    MISSED = "missed"
    """The mutant was at work, and it passed all the same."""
    UNKNOWN = "unknown"
    """Nobody can tell, for the reason given."""


class TestAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What one test says about one mutant that it should notice."""

    __test__ = False

    test: str
    answer: Answer
    why: str = ""
    """What a test that did not notice proves, or why nothing is known; of one that noticed, why that proves little."""


class ProofMutant(msgspec.Struct, frozen=True, kw_only=True):
    """One mutant that was tried."""

    name: str
    """Such as `forgetful-database` or `unwired:OperationsService.repository`."""
    answer: Answer
    why: str = ""
    """Why it was missed, or why nothing is known."""
    path: str = ""
    """File of what was taken away, relative to the project with `/`; empty for a mutant of the environment."""
    line: int = 0
    tests: tuple[TestAnswer, ...] = ()
    """Tests that should notice it, in their order; of a mutant that ended with its first red test, that one."""
    ran: int = 0
    """Tests that ran with it."""
    duration_s: float = 0.0

    def having(self, answer: Answer) -> tuple[TestAnswer, ...]:
        """Return the answers of one kind."""
        return tuple(one for one in self.tests if one.answer is answer)


class ProofResult(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `prove.json`."""

    schema_version: int = PROOF_VERSION
    candidates: tuple[str, ...]
    """Names of all mutants that there are, in the order in which they are tried."""
    asked: tuple[str, ...] = ()
    """Those that were asked for by name; empty when all were."""
    persistence_tests: int = 0
    """Tests marked `persistence` that pass without a mutant."""
    committing_tests: int = 0
    """Of them, those that commit something while they run, and so must notice when it is lost."""
    dependencies: int | None = None
    """Optional dependencies that the sources show; those that somebody supplies have a mutant. None where an earlier
    version left the file, which did not count them."""
    unfollowed: tuple[str, ...] = ()
    """`Class.parameter` of each optional dependency that goes where nobody follows it: it has no mutant."""
    wiring_tests: int = 0
    """Tests marked `wiring` that pass without a mutant."""
    limit_s: float
    """Time for all mutants."""
    mutants: tuple[ProofMutant, ...] = ()
    """Those that were tried."""
    unread: tuple[str, ...] = ()
    """Source files that could not be read, each as `path: reason`: nobody knows which dependencies are in them."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """Return the names of the mutants that were to be tried."""
        return self.asked or self.candidates

    @property
    def untried(self) -> tuple[str, ...]:
        """Return the names of those that were left when the time was over."""
        tried = {mutant.name for mutant in self.mutants}
        return tuple(name for name in self.wanted if name not in tried)

    def having(self, answer: Answer) -> tuple[ProofMutant, ...]:
        """Return the mutants with one answer."""
        return tuple(mutant for mutant in self.mutants if mutant.answer is answer)

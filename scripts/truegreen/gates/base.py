"""The contract of a gate, and the base its implementations share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import msgspec

from truegreen.model.verdict import Fact, Item, Status, Verdict

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence, StageEvidence

RUN = "run"
"""Pseudo-stage of gates that judge the whole run."""
StageName = Literal["lint", "unit", "wiring", "persistence", "e2e", "performance", "security-scan", "signed-image"]
"""Name of a stage as a key of an option, so that a misspelt one is refused: it would never be checked."""
TESTED = frozenset({"unit", "wiring", "persistence", "e2e", "performance"})
"""Stages that may run pytest; performance does so only where its tests are written that way."""


class GateOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Keys every gate has, below `[tool.truegreen.gates.<gate>]`; a gate extends this with its own."""

    enabled: bool = True
    """False removes the gate; the summary says so."""
    advisory: bool = False
    """True shows the verdict without turning anything red."""


class Gate(Protocol):
    """A pure function from evidence, policy and history to a verdict; its docstring is its page."""

    id: ClassVar[str]
    stages: ClassVar[frozenset[str]]
    """Stages it judges; `{RUN}` for the whole run."""
    needs: ClassVar[frozenset[str]]
    """Parts of StageEvidence it reads: `tests`, `sessions`, `coverage`, `scans`, `persistence`, `load`, `image`,
    `mutation`, `wiring`, `proof`, `fakes`, `style`.

    The judge gives `blind` for a gate whose part is absent, or has a Problem, before it is asked.
    """
    Options: ClassVar[type[GateOptions]]
    waivable: ClassVar[frozenset[Status]]
    """Verdicts that a waiver may cover; none where the gate says whether evidence can be trusted at all."""

    def applies(self, evidence: RunEvidence, stage: str, policy: Any) -> bool:
        """Return whether there is a question to ask about this stage; a missing answer is no reason for False."""
        ...

    def evaluate(self, evidence: RunEvidence, stage: str, policy: Any, history: History) -> Verdict:
        """Judge one stage. Never says pass about what was not seen."""
        ...


class BaseGate:
    """What gates share: building verdicts that name their gate."""

    id: ClassVar[str] = ""
    waivable: ClassVar[frozenset[Status]] = frozenset({Status.FAIL, Status.BLIND})
    items_max: ClassVar[int] = 200
    """Items of one verdict that a report lists; of more it says how many."""

    def applies(self, evidence: RunEvidence, stage: str, policy: Any) -> bool:  # noqa: ARG002 - the gate's contract
        """Return True: most gates ask every stage they name."""
        return True

    def passed(self, stage: str, reason: str, *, facts: tuple[Fact, ...] = (), items: tuple[Item, ...] = ()) -> Verdict:
        """Return `pass`; the reason names what was seen."""
        return self._listed(stage, Status.PASS, reason, facts, items)

    def failed(
        self, stage: str, reason: str, *, remedy: str, facts: tuple[Fact, ...] = (), items: tuple[Item, ...] = ()
    ) -> Verdict:
        """Return `fail`: the evidence was read, and it says no."""
        return self._listed(stage, Status.FAIL, reason, facts, items, remedy=remedy)

    def blind(
        self,
        stage: str,
        reason: str,
        *,
        remedy: str,
        code: str = "TG205",
        facts: tuple[Fact, ...] = (),
        items: tuple[Item, ...] = (),
    ) -> Verdict:
        """Return `blind`: there is no evidence that could carry a verdict."""
        return self._listed(stage, Status.BLIND, reason, facts, items, remedy=remedy, code=code)

    def _listed(
        self,
        stage: str,
        status: Status,
        reason: str,
        facts: tuple[Fact, ...],
        items: tuple[Item, ...],
        *,
        remedy: str = "",
        code: str = "",
    ) -> Verdict:
        """Return a verdict with so many of the items as a report can show; the others are counted."""
        return Verdict(
            gate=self.id,
            stage=stage,
            status=status,
            reason=reason,
            facts=facts,
            items=items[: self.items_max],
            unlisted=len(items[self.items_max :]),
            remedy=remedy,
            code=code,
        )

    def not_judged(self, stage: str, reason: str) -> Verdict:
        """Return `skipped`: the question does not arise; counts neither for nor against the stage."""
        return Verdict(gate=self.id, stage=stage, status=Status.SKIPPED, reason=reason)


def tested(evidence: StageEvidence, stage: str) -> bool:
    """Return whether gates on tests ask this stage: always, but in performance only where pytest was used."""
    if stage != "performance":
        return True
    parts = {"tests", "sessions"}
    return bool(evidence.tests or evidence.sessions or any(problem.kind in parts for problem in evidence.problems))


def count(number: int, noun: str, plural: str = "") -> str:
    """Return `1 test`, `2 tests`; thousands are separated."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def seconds(value: float) -> str:
    """Return a duration as people write it: `4.1 s`, `2 min 5 s`, `5 min`."""
    if value < 60:  # noqa: PLR2004 - a minute
        return f"{value:.1f} s"
    minutes, rest = divmod(int(value), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def some(names: list[str], limit: int = 3) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more

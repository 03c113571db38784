"""Gate: a fault planted in a changed line is noticed by a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.gates.base import BaseGate, GateOptions, count, seconds
from truegreen.model.mutation import Fate, Mutant, MutationResult
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence


class MutationSurvivorsOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.mutation-survivors]`."""

    advisory: bool = True
    """False turns the stage red when a mutant survives."""
    max_survivors: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Mutants of changed lines that may survive."""


class MutationSurvivors(BaseGate):
    """No small fault in a changed and covered line goes unnoticed by the tests; advisory unless set otherwise.

    **Proves** that for each mutant that was tried at least one test failed, or did not come to its end: the changed
    lines are not only run by tests, but checked by them. Survivors are listed with their place and the change that
    nobody noticed. Mutants for which the time did not suffice are counted, and prove nothing. There is no score: a
    change is judged by its own lines only.

    **Not judged** when no changed line is covered, or no mutant can be made of those that are; the reason says which.

    **Blind when** mutants could be made and none was tried, or none of those tried gave an answer.

    **Options**: `max-survivors` (default 0), `advisory` (default true).

    Example:
        [tool.truegreen.gates.mutation-survivors]
        advisory = false
        max-survivors = 2
    """

    id: ClassVar[str] = "mutation-survivors"
    stages: ClassVar[frozenset[str]] = frozenset({"mutation"})
    needs: ClassVar[frozenset[str]] = frozenset({"mutation"})
    Options: ClassVar[type[GateOptions]] = MutationSurvivorsOptions

    def evaluate(
        self,
        evidence: RunEvidence,
        stage: str,
        policy: MutationSurvivorsOptions,
        history: History,  # noqa: ARG002
    ) -> Verdict:
        """Judge what became of the mutants."""
        result = evidence.of(stage).mutation
        if result is None:
            return self.blind(stage, "no mutant was made", remedy="run `truegreen run mutation` again")
        if result.unread and not result.having(Fate.SURVIVED):
            return self.blind(
                stage,
                f"no mutant could be made of {count(len(result.unread), 'changed file')}: {result.unread[0]}",
                remedy="run truegreen with a Python that reads the file",
                facts=_facts(result),
            )
        if result.candidates == 0:
            return self.not_judged(stage, _nothing(result))
        answered = [mutant for mutant in result.mutants if mutant.fate is not Fate.UNKNOWN]
        if not answered:
            why = "pytest gave no answer about any of them" if result.mutants else "none was tried"
            return self.blind(
                stage,
                f"{count(result.candidates, 'mutant')} could be made, and {why}",
                remedy="raise max-minutes of the stage, or see its log",
                facts=_facts(result),
            )
        return self._verdict(stage, policy, result, len(answered))

    def _verdict(self, stage: str, policy: MutationSurvivorsOptions, result: MutationResult, answered: int) -> Verdict:
        survivors = sorted(result.having(Fate.SURVIVED), key=lambda one: (one.path, one.line, one.diff))
        items = tuple(_item(mutant) for mutant in survivors)
        mute = len(result.having(Fate.UNKNOWN))
        left = f"; {mute:,} gave no answer" if mute else ""
        left += f"; {result.untried:,} not tried" if result.untried else ""
        if len(survivors) > policy.max_survivors:
            return self.failed(
                stage,
                f"{len(survivors):,} of {count(answered, 'mutant')} of changed lines survived{left}",
                remedy="let a test check what the line does, or take out what no test needs",
                facts=_facts(result),
                items=items,
            )
        noticed = "all noticed" if not survivors else f"{len(survivors):,} survived, {policy.max_survivors:,} may"
        return self.passed(
            stage,
            f"{count(answered, 'mutant')} of changed lines, {noticed}{left}",
            facts=_facts(result),
            items=items,
        )


def _nothing(result: MutationResult) -> str:
    """Return why there is no mutant."""
    lines = count(result.changed_lines, "changed line")
    if result.covered_lines == 0:
        return f"no test runs any of the {lines}, so there is nothing a mutant could show"
    return f"no mutant can be made of the {count(result.covered_lines, 'covered line')} of {lines}"


def _facts(result: MutationResult) -> tuple[Fact, ...]:
    fates = {fate: len(result.having(fate)) for fate in Fate}
    unknown = [Fact(label="no answer", value=f"{fates[Fate.UNKNOWN]:,}", wanted="0")] if fates[Fate.UNKNOWN] else []
    return (
        Fact(label="changed lines", value=f"{result.changed_lines:,}, {result.covered_lines:,} of them covered"),
        Fact(label="mutants", value=f"{result.candidates:,} possible, {len(result.mutants):,} tried"),
        Fact(label="not tried", value=f"{result.untried:,}, the limit is {seconds(result.limit_s)}"),
        Fact(
            label="killed", value=f"{fates[Fate.KILLED]:,}, and {fates[Fate.TIMEOUT]:,} by running into the time limit"
        ),
        Fact(label="survived", value=f"{fates[Fate.SURVIVED]:,}", wanted="0"),
        *unknown,
        Fact(label="tool", value=f"{result.tool} {result.version}, against {result.base[:12]}"),
    )


def _item(mutant: Mutant) -> Item:
    return Item(
        title=f"{mutant.path}:{mutant.line}",
        message=f"all tests pass with this fault ({mutant.operator})",
        detail=mutant.diff,
        path=mutant.path,
        line=mutant.line,
        level="warning",
    )

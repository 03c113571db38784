"""Gate: a lost write, a failed commit and a missing dependency are noticed by the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.analysis.proof import of_all
from truegreen.gates.base import BaseGate, GateOptions, count, seconds, some
from truegreen.model.proof import Answer, ProofMutant, ProofResult, TestAnswer
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence

_OF_THE_PROJECT = ("unwired:", "worker:")
"""Mutants of which one red test is enough; they begin like this."""
_LAG, _WORKER = "replica-lag", "worker:"


class ProofSurvivorsOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.proof-survivors]`."""

    kill_rate: Annotated[float, msgspec.Meta(ge=0, le=100)] = 100.0
    """Least share of mutants that some test notices, in percent of those that gave an answer."""
    accepted: dict[str, str] = msgspec.field(default_factory=dict)
    """Mutant or test → why it need not be noticed, or need not notice; a name that stands for nothing turns the gate
    red."""


class ProofSurvivors(BaseGate):
    """No test stays green when the database keeps nothing, and no dependency can be missing without a red test.

    **Proves** that the tests of persistence and wiring notice what they are there for, by taking it away, one thing at
    a time:

    - `forgetful-database`: every write of the call phase is accepted, with row counts and `RETURNING` as ever, and is
      gone when its transaction commits. Each test that commits rows without the mutant must fail with it: one that
      passes does not look at what is stored.
    - `commit-fails`: every commit of the call phase that would keep a row raises an error. A test that passes runs
      through code that swallows it.
    - `replica-lag`, where `replica-url-env` of the stage names a variable: what is written while a test is called is
      not there for who reads over the replica. Each test from which a row was hidden must fail.
    - `worker:module:function`, for each of `workers` of the stage: it returns at once. At least one test must fail.
    - `unwired:Class.parameter`: an optional dependency that the application supplies is None after the constructor
      ran. At least one test of wiring or persistence must fail.

    Faults reach every table. A test whose own body arranges rows may fail because *they* are gone, before the
    application writes what the test is there for: a fact names such tests, as far as their `persists` markers name
    tables.

    A test counts only when it passed without a mutant, and only when its own transactions show that the fault was at
    work while it was called. What was not tried for want of time is counted, and proves nothing.

    **Not judged** when there is no mutant: no persistence stage, and no dependency that could be taken away.

    **Blind when** none was tried, or a mutant or a test gave no answer: pytest or the server broke off, tests could
    not be collected, the server is not one that truegreen started, or a write takes a way the fault does not reach;
    when a source file could not be read: nobody knows which dependencies are in it; and when the only dependencies go
    where nobody follows them. Where there is something else to try, those are told.

    **Options**: `kill-rate` (default 100), `accepted`: mutants and tests with the reason why they do not count.

    Example:
        [tool.truegreen.gates.proof-survivors]
        accepted = { "unwired:Mailer.archive" = "only the batch job keeps copies; it is tried out by hand" }
    """

    id: ClassVar[str] = "proof-survivors"
    stages: ClassVar[frozenset[str]] = frozenset({"prove"})
    needs: ClassVar[frozenset[str]] = frozenset({"proof"})
    Options: ClassVar[type[GateOptions]] = ProofSurvivorsOptions

    def evaluate(self, evidence: RunEvidence, stage: str, policy: ProofSurvivorsOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge what the tests said about the mutants."""
        result = evidence.of(stage).proof
        if result is None:
            return self.blind(stage, "no mutant was tried", remedy=_AGAIN)
        facts = _facts(result)
        if unknown := _unknown(policy, result):
            return self.failed(
                stage,
                f"`accepted` names what is neither a mutant nor a test that missed one: {some(unknown)}",
                remedy="take the name out of [tool.truegreen.gates.proof-survivors.accepted], or correct it",
                facts=facts,
            )
        if result.unread:
            return self.blind(
                stage,
                f"{count(len(result.unread), 'source file')} could not be read: {some(list(result.unread), 2)}",
                remedy="mend the file, or name it in `exclude` of [tool.truegreen.wiring] when it is no source",
                facts=facts,
            )
        if not result.candidates:
            return self._nothing(stage, result, facts)
        if not result.mutants:
            return self.blind(stage, "no mutant was tried", remedy=_AGAIN, facts=facts)
        return self._verdict(stage, policy, result, facts)

    def _nothing(self, stage: str, result: ProofResult, facts: tuple[Fact, ...]) -> Verdict:
        if result.unfollowed:
            reason = (
                f"nobody can tell where {some([*result.unfollowed])} is kept, and there is nothing else to take away"
            )
            remedy = "keep the parameter as an attribute of its own (`self._x = x`)"
            return self.blind(stage, reason, remedy=remedy, facts=facts)
        return self.not_judged(stage, "there is nothing to take away: no persistence stage, no dependency")

    def _verdict(
        self, stage: str, policy: ProofSurvivorsOptions, result: ProofResult, facts: tuple[Fact, ...]
    ) -> Verdict:
        counted = list(_counted(result, policy))
        if not counted:
            reason = "all that was tried is accepted, so nothing is proved"
            return self.blind(stage, reason, remedy="take something out of `accepted`", facts=facts)
        missed = [mutant for mutant in counted if mutant.answer is Answer.MISSED]
        weak = _tests(counted, Answer.MISSED)
        items = _items(counted)
        if weak or _rate(counted) < policy.kill_rate:
            return self.failed(stage, _missed(missed, weak), remedy=_remedy(missed, weak), facts=facts, items=items)
        mute = [mutant for mutant in counted if mutant.answer is Answer.UNKNOWN]
        if mute or (silent := _tests(counted, Answer.UNKNOWN)):
            first = f"{mute[0].name}: {mute[0].why}" if mute else f"{silent[0].test}: {silent[0].why}"
            number = count(len(mute), "mutant") if mute else count(len(silent), "test")
            remedy = "see the logs of the stage, or say in `accepted` why it need not answer"
            return self.blind(stage, f"{number} gave no answer: {first}", remedy=remedy, facts=facts, items=items)
        return self.passed(stage, _told(result, len(counted), len(missed)), facts=facts, items=items)


_AGAIN = "raise max-minutes of [tool.truegreen.prove], or run `truegreen prove` again"


def _unknown(policy: ProofSurvivorsOptions, result: ProofResult) -> list[str]:
    """Return the names in `accepted` that stand for nothing; tests are known once every mutant of the database ran."""
    tests = {one.test for mutant in result.mutants for one in mutant.tests}
    asked = {mutant.name for mutant in result.mutants if mutant.tests}
    known = {name for name in result.candidates if not name.startswith(_OF_THE_PROJECT)} <= asked
    names = [name for name in policy.accepted if known or name.startswith(_OF_THE_PROJECT)]
    return sorted(set(names) - {*result.candidates, *tests})


def _counted(result: ProofResult, policy: ProofSurvivorsOptions) -> Iterator[ProofMutant]:
    """Yield the mutants without what is accepted; a mutant says what the tests say that are left."""
    for mutant in result.mutants:
        tests = tuple(one for one in mutant.tests if one.test not in policy.accepted)
        if mutant.name in policy.accepted or (mutant.tests and not tests):
            continue
        yield msgspec.structs.replace(mutant, tests=tests, answer=of_all(tests)) if tests else mutant


def _tests(mutants: Iterable[ProofMutant], answer: Answer) -> list[TestAnswer]:
    """Return what tests said, of each the first such answer that has a reason."""
    found: dict[str, TestAnswer] = {}
    for one in (one for mutant in mutants for one in mutant.having(answer)):
        if one.test not in found or (one.why and not found[one.test].why):
            found[one.test] = one
    return list(found.values())


def _rate(mutants: Iterable[ProofMutant]) -> float:
    """Return the share of mutants that were noticed, in percent of those that gave an answer."""
    answered = [mutant for mutant in mutants if mutant.answer is not Answer.UNKNOWN]
    noticed = sum(mutant.answer is Answer.NOTICED for mutant in answered)
    return 100.0 * noticed / len(answered) if answered else 100.0


def _missed(missed: list[ProofMutant], weak: list[TestAnswer]) -> str:
    parts = []
    if weak:
        more = f"; the same holds for {count(len(weak) - 1, 'other test')}" if len(weak) > 1 else ""
        parts.append(f"{weak[0].test} {weak[0].why}{more}")
    if bare := [mutant for mutant in missed if not mutant.tests]:
        more = f" and {len(bare) - 1:,} more" if len(bare) > 1 else ""
        parts.append(f"no test notices {bare[0].name}{more}: {bare[0].why}")
    return "; ".join(parts)


def _remedy(missed: list[ProofMutant], weak: list[TestAnswer]) -> str:
    advice = []
    if weak:
        advice.append("read back what was stored over a connection of the test's own, past every cache, and assert it")
    bare = [mutant.name for mutant in missed if not mutant.tests]
    if _LAG in bare:
        advice.append(
            "let a test read over the replica what was written, and assert what happens while it is not there"
        )
    if any(name.startswith(_WORKER) for name in bare):
        advice.append("let a test start the worker as the application does, and assert what only the worker does")
    if any(not name.startswith((_LAG, _WORKER)) for name in bare):
        advice.append("let a test of wiring ask the application's own factory for the dependency")
    return "; ".join(advice)


def _told(result: ProofResult, counted: int, missed: int) -> str:
    noticed = "all noticed" if not missed else f"{missed:,} missed"
    reason = f"{count(counted, 'mutant')}, {noticed}; {count(result.committing_tests, 'test')} had to notice each fault"
    if not result.committing_tests:
        reason = f"{count(counted, 'mutant')}, {noticed}"
    if lost := result.unfollowed:
        reason += (
            f"; {count(len(lost), 'dependency', 'dependencies')} not followed, and so not tried: {some([*lost], 2)}"
        )
    reason += f"; {len(result.untried):,} not tried" if result.untried else ""
    left = len(result.candidates) - len(result.wanted)
    return reason + (f"; {left:,} not asked for" if left else "")


_EARLY = "failed before what they name was written"


def _facts(result: ProofResult) -> tuple[Fact, ...]:
    numbers = {answer: len(result.having(answer)) for answer in Answer}
    mute = (
        [Fact(label="no answer", value=f"{numbers[Answer.UNKNOWN]:,}", wanted="0")] if numbers[Answer.UNKNOWN] else []
    )
    answered = numbers[Answer.NOTICED] + numbers[Answer.MISSED]
    rate = f"{100 * numbers[Answer.NOTICED] / answered:.0f} %" if answered else "none answered"
    early = [one.test for one in _tests(result.mutants, Answer.NOTICED) if one.why]
    if early:
        mute.append(Fact(label=_EARLY, value=f"{len(early):,}: {some(early)}"))
    return (
        Fact(label="kill rate", value=f"{rate}, {numbers[Answer.NOTICED]:,} of {answered:,}"),
        Fact(label="missed", value=f"{numbers[Answer.MISSED]:,}", wanted="0"),
        *mute,
        Fact(label="not tried", value=f"{len(result.untried):,}, the limit is {seconds(result.limit_s)}"),
        Fact(
            label="tests",
            value=f"{result.wiring_tests:,} of wiring, {result.persistence_tests:,} of persistence, "
            f"{result.committing_tests:,} of them commit",
        ),
        *_dependencies(result),
    )


def _dependencies(result: ProofResult) -> list[Fact]:
    """Return what is known of dependencies: those that nobody supplies or follows have no mutant."""
    if result.dependencies is None:
        return []
    taken = sum(name.startswith("unwired:") for name in result.candidates)
    facts = [Fact(label="optional dependencies", value=f"{result.dependencies:,} known, {taken:,} of them supplied")]
    if lost := result.unfollowed:
        facts.append(Fact(label="not followed", value=f"{len(lost):,} ({some([*lost])})", wanted="0"))
    return facts


def _items(mutants: list[ProofMutant]) -> tuple[Item, ...]:
    """Return what is wrong, a line each: tests that missed a fault, mutants nobody noticed, and what gave no answer."""
    rows = [
        (answer, Item(title=one.test, message=f"{mutant.name}: {one.why}", level=_LEVELS[answer]))
        for mutant in mutants
        for one in mutant.tests
        if (answer := one.answer) is not Answer.NOTICED
    ]
    rows += [
        (one.answer, Item(title=one.name, message=one.why, path=one.path, line=one.line, level=_LEVELS[one.answer]))
        for one in mutants
        if one.answer is not Answer.NOTICED and not one.tests
    ]
    return tuple(item for _, item in sorted(rows, key=lambda row: row[0] is Answer.UNKNOWN))


_LEVELS = {Answer.MISSED: "error", Answer.UNKNOWN: "warning"}

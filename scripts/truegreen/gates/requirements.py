"""Gate: every requirement is proved by a test of its type."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.analysis.requirements import named, proofs
from truegreen.gates.base import RUN, TESTED, BaseGate, GateOptions, count, some
from truegreen.model.requirement import Proof, State
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from datetime import date

    from truegreen.model.history import History
    from truegreen.model.requirement import Requirement
    from truegreen.model.run import RunEvidence

TYPES: dict[str, tuple[str, ...]] = {
    "unit": ("unit",),
    "wiring": ("wiring",),
    "persistence": ("persistence",),
    "integration": ("persistence", "e2e"),
    "e2e": ("e2e",),
    "smoke": ("unit", "wiring", "persistence", "e2e"),
    "scenario": ("unit", "wiring", "persistence", "e2e"),
    "performance": ("performance",),
}
"""Kind of test → stages in which such a test runs."""
_RED = (State.FAILED, State.NOT_PROVED, State.NO_TEST)


class RequirementsOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.requirements]`."""

    types: dict[str, list[str]] = msgspec.field(default_factory=lambda: {name: [*at] for name, at in TYPES.items()})
    """Kind of test → stages in which such a test runs; kinds that are not named here keep these stages."""
    milestones: list[str] = msgspec.field(default_factory=list)
    """Milestones whose rows are judged; empty means all."""

    def stages_of_types(self) -> dict[str, tuple[str, ...]]:
        """Return every kind of test with its stages."""
        return {**TYPES, **{name: tuple(stages) for name, stages in self.types.items()}}


class Requirements(BaseGate):
    """Every row of `requirements.toml` is proved by a passing test that names it: `@pytest.mark.req("M1-1.3")`.

    **Proves** that what was promised has a test of the kind that was promised, and that the test passed in this run.
    A skipped or deselected test and an expected failure prove nothing; where a test that names the row failed, the row
    is not proved, whatever the others say. A row of type `persistence` needs a test of the stage `persistence` that
    committed all it had to, as a recorder outside the test process saw. Rows without a test are listed. A test that
    names a row nobody wrote is red, for a misspelt id proves nothing. A row that only an unplanned stage can prove is
    left open, and listed; a stage that is switched off is no excuse. A row with a day in `due` is red from that day on.

    **Blind when** a planned stage that would prove a row left no results that could be read. **Not judged** where the
    project has no `requirements.toml`, or this run could prove none of its rows.

    **Options**: `types`, a table from kind of test to stages; `milestones` (default: all).

    Example:
        [tool.truegreen.gates.requirements]
        milestones = ["M1", "M2"]
        types = { integration = ["persistence"] }
    """

    id: ClassVar[str] = "requirements"
    stages: ClassVar[frozenset[str]] = frozenset({RUN})
    needs: ClassVar[frozenset[str]] = frozenset()
    Options: ClassVar[type[GateOptions]] = RequirementsOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: RequirementsOptions) -> bool:  # noqa: ARG002
        """Return whether the project keeps a registry, and a stage with tests was planned."""
        return evidence.requirements is not None and bool(TESTED & set(evidence.planned))

    def evaluate(self, evidence: RunEvidence, stage: str, policy: RequirementsOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge each row against the tests that name it."""
        rows = evidence.requirements or ()
        mine = [row for row in rows if not policy.milestones or row.milestone in policy.milestones]
        found = proofs(mine, evidence, policy.stages_of_types())
        strange = _strange(evidence, {row.id for row in rows})
        due = [proof for proof in found if _due(proof.requirement, evidence.today)]
        red = [proof for proof in due if proof.state in _RED]
        unseen = [proof for proof in due if proof.state is State.UNSEEN]
        facts = _facts(found)
        items = (*strange, *(_item(proof, "error") for proof in (*red, *unseen)))
        items += tuple(_item(p, "notice") for p in found if p.state is not State.PROVED and p not in (*red, *unseen))
        if red or strange:
            return self.failed(stage, _reason(red, strange), remedy=_remedy(red), facts=facts, items=items)
        if unseen:
            reason = f"{count(len(unseen), 'requirement')} cannot be judged: {unseen[0].why}"
            remedy = "see the stage that left no results"
            return self.blind(stage, reason, remedy=remedy, facts=facts, items=items)
        proved = sum(1 for proof in found if proof.state is State.PROVED)
        if not proved:
            return self.not_judged(stage, f"none of {count(len(found), 'requirement')} could be proved in this run")
        reason = f"{proved:,} of {count(len(found), 'requirement')} proved"
        return self.passed(stage, reason, facts=facts, items=items)


def _due(row: Requirement, today: date | None) -> bool:
    return row.due is None or today is None or row.due <= today


def _strange(evidence: RunEvidence, known: set[str]) -> tuple[Item, ...]:
    """Return the ids that tests name and nobody wrote."""
    items = []
    for name, tests in named(evidence).items():
        if name not in known:
            near = get_close_matches(name, sorted(known), n=1)
            hint = f"; perhaps you meant {near[0]}" if near else ""
            message = f"{some(list(tests))} {'names' if len(tests) == 1 else 'name'} it, and there is no such row{hint}"
            items.append(Item(title=name or "a `req` marker without an id", message=message))
    return tuple(items)


def _reason(red: list[Proof], strange: tuple[Item, ...]) -> str:
    parts = []
    for states, words in (((State.FAILED, State.NOT_PROVED), "not proved"), ((State.NO_TEST,), "without a test")):
        if ids := [proof.requirement.id for proof in red if proof.state in states]:
            parts.append(f"{count(len(ids), 'requirement')} {words}: {some(ids)}")
    if strange:
        parts.append(f"tests name {count(len(strange), 'row')} that nobody wrote: {some([i.title for i in strange])}")
    return "; ".join(parts)


def _remedy(red: list[Proof]) -> str:
    missing = any(proof.state is State.NO_TEST for proof in red)
    stub = "`truegreen req stub --missing` writes the tests that do not exist; " if missing else ""
    return f"{stub}`truegreen req list` shows every row with its tests"


def _facts(found: tuple[Proof, ...]) -> tuple[Fact, ...]:
    states = Counter(proof.state for proof in found)
    facts = [Fact(label=state.value, value=f"{states[state]:,}") for state in State if states[state]]
    milestones = dict.fromkeys(proof.requirement.milestone for proof in found if proof.requirement.milestone)
    for name in milestones if len(milestones) > 1 else ():
        of = [proof for proof in found if proof.requirement.milestone == name]
        proved = sum(1 for proof in of if proof.state is State.PROVED)
        facts.append(Fact(label=f"milestone {name}", value=f"{proved:,} of {len(of):,} proved"))
    return tuple(facts)


def _item(proof: Proof, level: str) -> Item:
    row = proof.requirement
    due = f"; due {row.due}" if row.due and level == "notice" else ""
    message = f"{proof.state}: {proof.why}{due}"
    return Item(title=f"{row.id} ({row.type}): {row.text}", message=message, path=row.file, line=row.line, level=level)

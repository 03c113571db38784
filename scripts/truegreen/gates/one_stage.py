"""Gate: every collected test belongs to exactly one stage."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.gates._waiving import test_matches
from truegreen.gates.base import RUN, TESTED, BaseGate, GateOptions, count, some
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence, StageEvidence
    from truegreen.model.testrun import TestSession

_UNIT = "unit"
"""The stage that takes what no other claims; its session tells of every test that it collected."""
_MARKS = (*sorted(TESTED), "persists", "req")
_NEAR = 0.8
"""Least likeness (0 to 1, difflib's ratio) at which an unknown mark counts as one of ours misspelt."""


class OneStageOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.one-stage]`."""

    elsewhere: list[str] = msgspec.field(default_factory=list)
    """Tests that run outside the pipeline on purpose, as patterns of ids or paths; the facts count them."""


class _Placed(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tests that unit collected belong."""

    tests: int
    """Tests that some stage wants, each once."""
    alone: int
    """Those that unit runs and no other stage wants."""
    claimed: dict[str, list[str]]
    """Test that another stage wants → all stages that want it."""
    nowhere: dict[str, str]
    """Test that does not run, though its stage was planned or it has none → why."""
    misspelt: dict[str, tuple[str, str]]
    """Unknown mark → the first test that has it, and the mark that was meant."""
    unknown: dict[str, str]
    """Other unknown mark → the first test that has it."""


class OneStage(BaseGate):
    """Every test that was collected belongs to exactly one stage, so that none runs twice and none is forgotten.

    **Proves** that the markers share out the tests: the stage `unit` collects the whole suite and tells, for each
    test, which stages want it. A test that two stages want, such as one marked both `wiring` and `persistence`,
    fails; so does a mark that nobody registered and that is nearly one of ours (`persistance`), for its test would
    run in `unit`. Other unknown marks are listed.

    **Blind when** no stage wants a test, or a stage that was planned wants it and did not select it, because the
    stage's `tests` lead elsewhere or it had nothing to do: nobody sees such a test. A stage that is not planned for
    the event is no reason. **Not judged** where `unit` was not planned, ran in part, or left no session.

    Tests outside the paths that `unit` collects are not seen by this gate.

    **Options**: `elsewhere` (default: none), tests that run outside the pipeline on purpose.

    Example:
        [tool.truegreen.gates.one-stage]
        elsewhere = ["tests/gpu/**"]
    """

    id: ClassVar[str] = "one-stage"
    stages: ClassVar[frozenset[str]] = frozenset({RUN})
    needs: ClassVar[frozenset[str]] = frozenset()
    Options: ClassVar[type[GateOptions]] = OneStageOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: OneStageOptions) -> bool:  # noqa: ARG002
        """Return whether the stage that sees every test was planned."""
        return _UNIT in evidence.planned

    def evaluate(self, evidence: RunEvidence, stage: str, policy: OneStageOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge what unit's session tells about every test."""
        sessions = [session for session in evidence.of(_UNIT).sessions if session.claims is not None]
        if not sessions:
            return self.not_judged(stage, "unit did not tell which stages want its tests")
        patterns = tuple(policy.elsewhere)
        placed = _placed(sessions, evidence, patterns)
        twice = {test: stages for test, stages in placed.claimed.items() if len(stages) > 1}
        facts = _facts(placed, sessions, evidence, patterns)
        items = _items(placed, twice)
        if twice or placed.misspelt:
            return self.failed(
                stage,
                _reason(placed, twice),
                remedy="give each test the marker of one stage; register marks of your own in pytest's `markers`",
                facts=facts,
                items=items,
            )
        if any(session.asked for session in sessions):
            return self.not_judged(stage, "only a part of unit ran")
        if placed.nowhere:
            first, why = next(iter(placed.nowhere.items()))
            return self.blind(
                stage,
                f"{count(len(placed.nowhere), 'test')} ran nowhere: {first}: {why}",
                remedy="give the test a stage's marker, mend the stage's `tests`, or name it in `elsewhere`",
                facts=facts,
                items=items,
            )
        return self.passed(
            stage, f"each of {count(placed.tests, 'test')} belongs to one stage", facts=facts, items=items
        )


def _placed(sessions: list[TestSession], evidence: RunEvidence, elsewhere: tuple[str, ...]) -> _Placed:
    unknown: dict[str, str] = {}
    for session in (session for name in evidence.planned for session in evidence.of(name).sessions):
        unknown = {**session.unknown_marks, **unknown}
    claimed = _claimed(sessions)
    for session in sessions:
        for test in [test for test in _raw(session) if test in claimed]:
            if claimed[test][0] != _UNIT:
                claimed[test].insert(0, _UNIT)
    alone = _alone(sessions, claimed)
    nowhere = {test: "no stage wants it" for session in sessions for test in session.unclaimed}
    for name in dict.fromkeys(name for session in sessions for name in session.claims or {}):
        if name in evidence.planned:
            nowhere.update(_unselected(name, evidence.of(name), claimed))
    near = {mark: get_close_matches(mark, _MARKS, n=1, cutoff=_NEAR) for mark in unknown}
    return _Placed(
        tests=alone + len(claimed),
        alone=alone,
        claimed=claimed,
        nowhere={test: why for test, why in nowhere.items() if not test_matches(test, elsewhere)},
        misspelt={mark: (unknown[mark], meant[0]) for mark, meant in near.items() if meant},
        unknown={mark: test for mark, test in unknown.items() if not near[mark]},
    )


def _claimed(sessions: list[TestSession]) -> dict[str, list[str]]:
    claimed: dict[str, list[str]] = {}
    for session in sessions:
        for name, tests in (session.claims or {}).items():
            for test in tests:
                if name not in (wants := claimed.setdefault(test, [])):
                    wants.append(name)
    return claimed


def _alone(sessions: list[TestSession], claimed: dict[str, list[str]]) -> int:
    """Return how many tests are unit's own; with several Pythons, each test once."""
    if len(sessions) == 1:
        return len(sessions[0].ids) - sum(1 for wants in claimed.values() if wants[0] == _UNIT)
    return len({test for session in sessions for test in _raw(session)} - claimed.keys())


def _unselected(name: str, seen: StageEvidence, claimed: dict[str, list[str]]) -> dict[str, str]:
    """Return the tests that a planned stage wants and did not select, with the reason as far as it can be told."""
    wanted = [test for test, wants in claimed.items() if wants == [name]]
    if not seen.sessions:
        reason = next((record.reason for record in seen.records if record.reason and not record.error), "")
        # A stage that broke is blind by gates of its own.
        return dict.fromkeys(wanted, f"{name} did nothing: {reason}") if reason else {}
    if any(session.collection_errors or session.asked for session in seen.sessions):
        return {}  # told by `tests-ran`
    selected = {test for session in seen.sessions for test in _raw(session)}
    skipped = tuple(f"{node}::" for session in seen.sessions for node in session.skipped_collections)
    lost = [test for test in wanted if test not in selected and not test.startswith(skipped)]
    # As many as something else left out are told by `tests-ran`; which ones they are is not known here.
    if len(lost) <= sum(session.left_out for session in seen.sessions):
        return {}
    return dict.fromkeys(lost, f"its marker is of {name}, which did not collect it")


def _raw(session: TestSession) -> Iterable[str]:
    """Return the ids of a session without the Python that a matrix adds to all of them."""
    label = f" [{session.python}]"
    if not session.ids or not session.ids[0].endswith(label):
        return session.ids
    return [test.removesuffix(label) for test in session.ids]


def _reason(placed: _Placed, twice: dict[str, list[str]]) -> str:
    parts = []
    if twice:
        test, stages = next(iter(twice.items()))
        noun = "test belongs" if len(twice) == 1 else "tests belong"
        parts.append(f"{len(twice):,} {noun} to more than one stage: {test} to {' and '.join(stages)}")
    parts += [f"nobody knows the mark {mark!r}; {meant!r} is near" for mark, (_, meant) in placed.misspelt.items()]
    return "; ".join(parts)


def _items(placed: _Placed, twice: dict[str, list[str]]) -> tuple[Item, ...]:
    found = [Item(title=test, message=f"wanted by {' and '.join(stages)}") for test, stages in twice.items()]
    found += [
        Item(title=test, message=f"marked {mark!r}, which nobody registered; perhaps {meant!r} was meant")
        for mark, (test, meant) in placed.misspelt.items()
    ]
    found += [Item(title=test, message=f"ran nowhere: {why}") for test, why in placed.nowhere.items()]
    found += [
        Item(title=test, message=f"the first test marked {mark!r}, which nobody registered", level="notice")
        for mark, test in placed.unknown.items()
    ]
    return tuple(found)


def _facts(
    placed: _Placed, sessions: list[TestSession], evidence: RunEvidence, elsewhere: tuple[str, ...]
) -> tuple[Fact, ...]:
    both = sum(1 for wants in placed.claimed.values() if _UNIT in wants)
    numbers: dict[str, int] = {_UNIT: placed.alone} if placed.alone or both else {}
    for wants in placed.claimed.values():
        for name in wants:
            numbers[name] = numbers.get(name, 0) + 1
    facts = []
    for name, number in numbers.items():
        state = "" if name in evidence.planned else " (not planned)"
        state = " (switched off)" if name in evidence.switched_off else state
        facts.append(Fact(label=f"{name}{state}", value=count(number, "test")))
    away = {test for session in sessions for test in session.unclaimed if test_matches(test, elsewhere)}
    if away:
        facts.append(Fact(label="elsewhere on purpose", value=some(sorted(away))))
    return tuple(facts)

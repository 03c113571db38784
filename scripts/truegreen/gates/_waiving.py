"""Covering red verdicts by waivers: item by item where they name items, else as a whole."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.analysis import paths
from truegreen.gates.base import RUN
from truegreen.model.style import Allowed, StyleRule
from truegreen.model.verdict import Fact, Status, Verdict
from truegreen.model.waiver import Use, Waiver, WaiverUse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from truegreen.gates.base import Gate
    from truegreen.model.finding import Finding
    from truegreen.model.leaks import Leak
    from truegreen.model.mocks import Replacement
    from truegreen.model.run import RunEvidence, StageEvidence
    from truegreen.model.style import StyleScan
    from truegreen.model.testrun import TestSession

Part = tuple[int, str]
"""Number of a waiver, and one of its patterns; the empty pattern stands for the whole gate."""
NEVER = frozenset({"TG202", "TG203", "TG204", "TG900"})
"""Codes that no waiver covers: evidence that is unreadable, changed or of another commit, and bugs of ours."""


class Waiving:
    """The waivers of one run, and what became of each."""

    def __init__(self, waivers: tuple[Waiver, ...], today: date | None) -> None:
        self._today = today
        self._uses = [WaiverUse(waiver=waiver) for waiver in waivers]

    @property
    def uses(self) -> tuple[WaiverUse, ...]:
        """What became of each waiver so far, in the order of the file."""
        return tuple(self._uses)

    def cover(
        self, verdict: Verdict, gate: Gate, again: Callable[[tuple[str, ...]], Verdict | None], *, partial: bool
    ) -> Verdict:
        """Return the verdict, `waived` where waivers in force cover it.

        A waiver with items covers what the gate would pass without those items: whatever else is red stays red.

        Args:
            verdict: of one gate on one stage.
            gate: the gate, which says what may be waived.
            again: asks the gate again without the items that match the patterns.
            partial: whether a part of the stage ran, so that a waiver that is not needed now may be needed by the rest.
        """
        mine = [
            number
            for number, use in enumerate(self._uses)
            if (use.waiver.gate, use.waiver.stage) == (verdict.gate, verdict.stage) and use.waiver.in_force(self._today)
        ]
        if not mine or verdict.status is Status.SKIPPED:
            return verdict
        if not verdict.red:
            self._needless(mine, partial=partial)
            return verdict
        parts = [(number, item) for number in mine for item in self._uses[number].waiver.items or ("",)]
        if verdict.status not in gate.waivable or verdict.code in NEVER or not _covered(parts, again):
            self._mark(mine, Use.SHORT)
            return verdict
        needed = _fewest(parts, again)
        self._covering(mine, needed, verdict.reason, partial=partial)
        facts = tuple(_fact(self._uses[number].waiver) for number in dict.fromkeys(number for number, _ in needed))
        return msgspec.structs.replace(verdict, status=Status.WAIVED, facts=(*verdict.facts, *facts))

    def _needless(self, numbers: Iterable[int], *, partial: bool) -> None:
        self._mark(numbers, Use.NOT_ASKED if partial else Use.NEEDLESS)

    def _mark(self, numbers: Iterable[int], use: Use) -> None:
        for number in numbers:
            self._uses[number] = WaiverUse(waiver=self._uses[number].waiver, use=use)

    def _covering(self, numbers: list[int], needed: list[Part], reason: str, *, partial: bool) -> None:
        for number in numbers:
            waiver = self._uses[number].waiver
            used = {item for owner, item in needed if owner == number}
            if not used:
                self._needless([number], partial=partial)
                continue
            idle = () if partial else tuple(item for item in waiver.items if item not in used)
            self._uses[number] = WaiverUse(waiver=waiver, use=Use.COVERS, covers=reason, needless=idle)


def _covered(parts: list[Part], again: Callable[[tuple[str, ...]], Verdict | None]) -> bool:
    """Return whether a gate passes, or has no question left, without what the parts name."""
    if any(not item for _, item in parts):
        return True
    if not parts:
        return False
    verdict = again(tuple(item for _, item in parts))
    return verdict is not None and verdict.status in (Status.PASS, Status.SKIPPED)


def _fewest(parts: list[Part], again: Callable[[tuple[str, ...]], Verdict | None]) -> list[Part]:
    """Return the parts without which the gate is red; a whole gate is waived only where its items do not do."""
    kept = list(parts)
    for part in [*(p for p in parts if not p[1]), *(p for p in reversed(parts) if p[1])]:
        rest = [other for other in kept if other != part]
        if _covered(rest, again):
            kept = rest
    return kept


def _fact(waiver: Waiver) -> Fact:
    value = f"{waiver.reason} (approved by {waiver.approver} for {waiver.author}, until {waiver.expires})"
    return Fact(label=f"waiver {waiver.file}:{waiver.line}" if waiver.line else "waiver", value=value)


def excluding(policy: Any, items: tuple[str, ...]) -> Any:
    """Return the policy of a gate on coverage by which files that match a pattern do not count.

    They stay in the evidence: a file that were absent from it would be one that no test imports, or was lost.
    """
    return msgspec.structs.replace(policy, exclude=[*policy.exclude, *items])


def without(evidence: RunEvidence, stage: str, items: tuple[str, ...]) -> RunEvidence:
    """Return evidence in which what matches one of the patterns is absent; a requirement is not due yet."""
    if stage == RUN:
        rows = tuple(
            msgspec.structs.replace(row, due=date.max) if paths.matches(row.id, items) else row
            for row in evidence.requirements or ()
        )
        changes = evidence.changes
        if changes is not None:
            kept = tuple(file for file in changes.files if not paths.matches(file.path, items))
            changes = msgspec.structs.replace(changes, files=kept)
        return msgspec.structs.replace(
            evidence, requirements=rows if evidence.requirements is not None else None, changes=changes
        )
    seen = evidence.of(stage)
    others = tuple(_without(part, items) if part is seen else part for part in evidence.stages)
    return msgspec.structs.replace(evidence, stages=others)


def _without(seen: StageEvidence, items: tuple[str, ...]) -> StageEvidence:
    replace = msgspec.structs.replace
    tests = seen.tests
    if tests is not None:
        cases = (case for case in tests.cases if not paths.matches(case.file, items) or not case.file)
        tests = replace(tests, cases=tuple(case for case in cases if not test_matches(case.id, items)))
    sessions = tuple(
        replace(session, replaced=_replaced(session, items), leaks=_left(session, items)) for session in seen.sessions
    )
    fakes = seen.fakes
    if fakes is not None:
        uses = (use for use in fakes.uses if not any(paths.matches(name, items) for name in (use.what, use.path)))
        kept = ((use, tuple(test for test in use.tests if not test_matches(test, items))) for use in uses)
        fakes = replace(fakes, uses=tuple(replace(use, tests=tests) for use, tests in kept if tests))
    style = _styled(seen.style, items) if seen.style is not None else None
    scans = tuple(
        replace(scan, findings=tuple(f for f in scan.findings if not _finding_matches(f, items))) for scan in seen.scans
    )
    return replace(seen, tests=tests, scans=scans, sessions=sessions, fakes=fakes, style=style)


def _styled(scan: StyleScan, items: tuple[str, ...]) -> StyleScan:
    """Return what was seen of tests, with rules, files and tests that match as if a comment let them be."""
    rules = [rule.value for rule in StyleRule]
    waived = [rule for rule in rules if paths.matches(rule, items)]
    more = [
        Allowed(path=one.path, line=one.line, rules=(one.rule.value,), reason="waived")
        for one in scan.remarks
        if one.rule.value in waived or paths.matches(one.path, items)
    ]
    tests = ((file.path, one) for file in scan.files for one in file.tests)
    named = ((path, one, rules if test_matches(f"{path}::{one.name}", items) else waived) for path, one in tests)
    more += [Allowed(path=path, line=one.line, rules=tuple(of), reason="waived") for path, one, of in named if of]
    return msgspec.structs.replace(scan, allowed=(*scan.allowed, *more))


def _left(session: TestSession, items: tuple[str, ...]) -> tuple[Leak, ...]:
    """Return what tests left, without kinds, tests and files that match."""
    return tuple(
        leak for leak in session.leaks if not (paths.matches(leak.kind, items) or test_matches(leak.test, items))
    )


def _replaced(session: TestSession, items: tuple[str, ...]) -> tuple[Replacement, ...]:
    """Return what was replaced, without targets, files and tests that match."""
    kept = (
        msgspec.structs.replace(one, uses=tuple(use for use in one.uses if not test_matches(use.test, items)))
        for one in session.replaced
        if not any(name and paths.matches(name, items) for name in (one.target, one.path, one.by and f"{one.by}.it"))
    )
    return tuple(one for one in kept if one.uses)


def test_matches(test: str, items: tuple[str, ...]) -> bool:
    """Return whether a test's id, also without the Python it ran on, or its file matches."""
    names = (test, test.rpartition(" [")[0], test.partition("::")[0])
    return any(name and paths.matches(name, items) for name in names)


def _finding_matches(finding: Finding, items: tuple[str, ...]) -> bool:
    names = (finding.path, finding.rule, f"{finding.tool}:{finding.rule}", finding.fingerprint)
    return any(name and paths.matches(name, items) for name in names)

"""Gate: every waiver is in force and needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.gates.base import RUN, BaseGate, GateOptions, count, some
from truegreen.model.verdict import Fact, Item, Status, Verdict
from truegreen.model.waiver import Use, Waiver, WaiverUse

if TYPE_CHECKING:
    from datetime import date

    from truegreen.model.changes import Changes
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence


class WaiversOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.waivers]`."""

    max_days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 90
    """Longest time from issue to expiry in days; a waiver for longer is an error of configuration."""
    near_days: Annotated[int, msgspec.Meta(ge=0)] = 14
    """A waiver that expires within so many days is shown as a warning."""


class Waivers(BaseGate):
    """Every waiver of `truegreen-waivers.toml` is in force and needed; all of them are shown, every time.

    **Proves** that exceptions end: a waiver that has expired, or that no red verdict needs any more, is red until
    its row is taken out. Patterns of `items` that take nothing red out are named, and red too. A waiver of
    tomorrow does not count yet. Waivers of stages that were not judged in this run, or of which only a part ran,
    are shown and not called unused. Whoever reads the report sees which rows this very change wrote.

    `stage-complete` and this gate are never waived, nor is a blind `tests-ran`; and no waiver covers evidence that
    is unreadable (TG202), changed (TG203) or of another commit (TG204), or a bug of ours (TG900).

    **Blind when** nobody said which day it is. **Not judged** where there is no waiver.

    **Options**: `max-days` (default 90), `near-days` (default 14).

    Example:
        [tool.truegreen.gates.waivers]
        max-days = 30
    """

    id: ClassVar[str] = "waivers"
    stages: ClassVar[frozenset[str]] = frozenset({RUN})
    needs: ClassVar[frozenset[str]] = frozenset()
    waivable: ClassVar[frozenset[Status]] = frozenset()
    Options: ClassVar[type[GateOptions]] = WaiversOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: WaiversOptions) -> bool:  # noqa: ARG002
        """Return whether there is a waiver."""
        return bool(evidence.waivers)

    def evaluate(self, evidence: RunEvidence, stage: str, policy: WaiversOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the uses that were found while the stages were judged."""
        if not evidence.waivers:
            return self.not_judged(stage, "there is no waiver")
        today = evidence.today
        if today is None:
            return self.blind(stage, "nobody said which day it is", remedy="judge with `truegreen gate`")
        known = {use.waiver: use for use in evidence.waiver_uses}
        uses = [known.get(waiver, WaiverUse(waiver=waiver)) for waiver in evidence.waivers]
        red = [use for use in uses if _wrong(use, today)]
        items = tuple(
            _item(use, evidence, today, policy) for use in sorted(uses, key=lambda use: not _wrong(use, today))
        )
        facts = _facts(evidence, today)
        if red:
            words = some([f"{use.waiver.title} {_wrong(use, today)}" for use in red])
            return self.failed(
                stage,
                f"{count(len(red), 'waiver')} must go: {words}",
                remedy="take the row or the pattern out of the file; where it is still needed, ask for a new approval",
                facts=facts,
                items=items,
            )
        force = [waiver for waiver in evidence.waivers if waiver.in_force(today)]
        return self.passed(stage, f"{count(len(force), 'waiver')} in force", facts=facts, items=items)


def _wrong(use: WaiverUse, today: date) -> str:
    """Return why a waiver must go; empty when it may stay."""
    if use.waiver.expires < today:
        return f"expired on {use.waiver.expires}"
    if use.use is Use.NEEDLESS:
        return "is not needed: the gate passes without it"
    if use.needless:
        return f"has patterns that nothing red needs: {some(list(use.needless))}"
    return ""


def _item(use: WaiverUse, evidence: RunEvidence, today: date, policy: WaiversOptions) -> Item:
    waiver = use.waiver
    left = (waiver.expires - today).days
    wrong = _wrong(use, today)
    clauses = [wrong, f"covers: {use.covers}" if use.covers else "", _state(use, today), waiver.reason]
    clauses.append(f"approved by {waiver.approver} for {waiver.author}, owner {waiver.owner or waiver.author}")
    if left >= 0:
        clauses.append(f"until {waiver.expires} ({count(left, 'day')} left)")
    clauses.append("written or changed by this very change" if _changed(waiver, evidence.changes) else "")
    level = "error" if wrong else "warning" if left <= policy.near_days else "notice"
    message = "; ".join(clause for clause in clauses if clause)
    return Item(title=waiver.title, message=message, path=waiver.file, line=waiver.line, level=level)


def _state(use: WaiverUse, today: date) -> str:
    if use.waiver.issued > today:
        return f"not in force before {use.waiver.issued}"
    if use.use is Use.SHORT:
        return "does not cover all that is red"
    return "not asked for in this run" if use.use is Use.NOT_ASKED and use.waiver.in_force(today) else ""


def _facts(evidence: RunEvidence, today: date) -> tuple[Fact, ...]:
    states = {
        "in force": [w for w in evidence.waivers if w.in_force(today)],
        "not in force yet": [w for w in evidence.waivers if w.issued > today],
        "expired": [w for w in evidence.waivers if w.expires < today],
        "written or changed by this change": [w for w in evidence.waivers if _changed(w, evidence.changes)],
    }
    named = {label: found for label, found in states.items() if found or label == "in force"}
    return tuple(Fact(label=label, value=f"{len(found):,}") for label, found in named.items())


def _changed(waiver: Waiver, changes: Changes | None) -> bool:
    """Return whether the change that is judged wrote the row."""
    mine = [f for f in changes.files if f.path == waiver.file or f.path.endswith(f"/{waiver.file}")] if changes else []
    rows = range(waiver.line, waiver.last_line + 1)
    return any(file.added or any(line in file.lines for line in rows) for file in mine)

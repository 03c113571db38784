"""Gate: the security scanners found nothing severe."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.gates import _scans
from truegreen.gates.base import BaseGate, GateOptions, count
from truegreen.model.finding import Severity
from truegreen.model.verdict import Fact, Verdict

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence


class FindingsOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.findings]`."""

    fail_on: Severity = Severity.HIGH
    """Least severity that fails: `info`, `low`, `medium`, `high` or `critical`."""
    warn_on: Severity = Severity.MEDIUM
    """Least severity that is shown as a warning."""


class Findings(BaseGate):
    """No security scanner found anything at or above a severity.

    **Proves** that every scanner that reported read something, understood all of it, and found nothing of
    severity `fail-on` or worse. Milder findings, down to `warn-on`, are shown as warnings.

    **Blind when** no scanner left a result, a scanner read nothing, or met something it could not read: a
    scanner that saw nothing has not said that there is nothing.

    **Options**: `fail-on` (default `high`), `warn-on` (default `medium`).

    Example:
        [tool.truegreen.gates.findings]
        fail-on = "high"
        warn-on = "medium"
    """

    id: ClassVar[str] = "findings"
    stages: ClassVar[frozenset[str]] = frozenset({"security-scan"})
    needs: ClassVar[frozenset[str]] = frozenset({"scans"})
    Options: ClassVar[type[GateOptions]] = FindingsOptions

    def evaluate(self, evidence: RunEvidence, stage: str, policy: FindingsOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the scans of the security scanners."""
        scans = evidence.of(stage).scans
        severe = _scans.at_least(scans, policy.fail_on)
        mild = [finding for finding in _scans.at_least(scans, policy.warn_on) if finding not in severe]
        facts = (*_scans.facts(scans), Fact(label=f"{policy.fail_on} or worse", value=f"{len(severe):,}", wanted="0"))
        items = (
            *(_scans.item(finding, "error") for finding in severe),
            *(_scans.item(finding, "warning") for finding in mild),
        )
        if severe:
            return self.failed(
                stage,
                f"{count(len(severe), 'finding')} of severity {policy.fail_on} or worse",
                remedy="fix the code or upgrade the package as each finding says",
                facts=facts,
                items=items,
            )
        problem, holes = _scans.unread(scans)
        if problem:
            remedy = "make the scanner read everything: fix the named files, or its paths"
            return self.blind(stage, problem, remedy=remedy, facts=facts, items=holes)
        shown = f"; {count(len(mild), 'milder finding')} shown" if mild else ""
        return self.passed(
            stage,
            f"{count(len(scans), 'scanner')} found nothing {policy.fail_on} or worse{shown}",
            facts=facts,
            items=items,
        )

"""Gate: the linters and formatters have nothing to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.gates import _scans
from truegreen.gates.base import BaseGate, GateOptions, count
from truegreen.model.finding import Severity

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence
    from truegreen.model.verdict import Verdict


class LintCleanOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.lint-clean]`."""

    fail_on: Severity = Severity.LOW
    """Least severity that fails: `info`, `low`, `medium`, `high` or `critical`."""


class LintClean(BaseGate):
    """No linter or formatter found anything at or above a severity.

    **Proves** that each tool read at least one file, understood all it met, and found nothing.

    **Blind when** no tool left a result, a tool read nothing (a wrong path would otherwise be green for
    ever), or met a file it could not read.

    **Options**: `fail-on` (default `low`): findings below it are not counted.

    Example:
        [tool.truegreen.gates.lint-clean]
        fail-on = "low"
    """

    id: ClassVar[str] = "lint-clean"
    stages: ClassVar[frozenset[str]] = frozenset({"lint"})
    needs: ClassVar[frozenset[str]] = frozenset({"scans"})
    Options: ClassVar[type[GateOptions]] = LintCleanOptions

    def evaluate(self, evidence: RunEvidence, stage: str, policy: LintCleanOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the scans of the linters."""
        scans = evidence.of(stage).scans
        found = _scans.at_least(scans, policy.fail_on)
        facts = _scans.facts(scans)
        if found:
            files = len({finding.path for finding in found})
            return self.failed(
                stage,
                f"{count(len(found), 'finding')} in {count(files, 'file')}",
                remedy="let the tools repair what they can (`ruff check --fix`, `ruff format`), then fix the rest",
                facts=facts,
                items=tuple(_scans.item(finding, "error") for finding in found),
            )
        problem, items = _scans.unread(scans)
        if problem:
            return self.blind(
                stage, problem, remedy="check the paths of the tool and the named files", facts=facts, items=items
            )
        read = sum(scan.scanned for scan in scans)
        reason = f"nothing found by {count(len(scans), 'tool')} in {read:,} reads of files"
        return self.passed(stage, reason, facts=facts)

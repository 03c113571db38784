"""Reporter: findings as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), within GitHub's limits."""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import msgspec

from truegreen.model.finding import RANK, Finding, Severity
from truegreen.model.verdict import Status
from truegreen.reporters import rows
from truegreen.reporters.base import Document
from truegreen.reporters.escape import shorten, visible
from truegreen.reporters.words import any_blind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.verdict import Report, Verdict

RESULTS_MAX = 25_000
"""Results that GitHub takes of one run in a file:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning."""
RUNS_MAX = 20
"""Runs that GitHub takes in a file."""
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SCORE = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""In the bands by which GitHub names a `security-severity`: over 9.0 critical, 7.0 high, 4.0 medium."""
_SECURITY = "security-scan"
_GATES = ("findings", "lint-clean")
_COUNTED = frozenset(f"{severity} or worse" for severity in Severity)
"""Labels of the fact that counts what a scanner's gate holds against it."""
_NOT_WAIVED = (math.inf, None)
_TEXT_MAX = 2_000


class SarifReporter:
    """What scanners and linters found as SARIF 2.1.0: a run for each tool, waived findings as suppressed.

    Each result has a fingerprint that no line number changes. The first run is truegreen's own: it holds no result, and
    as notifications the reasons for a red verdict, so that a file without results is not taken for a clean one.
    """

    name: ClassVar[str] = "sarif"
    media_type: ClassVar[str] = "application/sarif+json"
    file: ClassVar[str] = "truegreen.sarif"
    budget_bytes: ClassVar[int] = 32_000_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the document; findings beyond a limit are left out, the mildest first, and counted."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        body, omitted = rows.fitted(report, limit, _document)
        clauses = [omitted] if omitted else []
        if missing := _left_out(report):
            clauses.append(f"{missing:,} findings beyond GitHub's {RESULTS_MAX:,}")
        return Document(body=body, media_type=self.media_type, omitted="; ".join(clauses))


class _Run:
    """The run of one tool while it is made."""

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self.rules: dict[str, int] = {}
        self.described: list[dict[str, Any]] = []
        self.results: list[dict[str, Any]] = []
        self.seen: dict[str, int] = {}

    def add(self, finding: Finding, stage: str, waiver: Verdict | None) -> None:
        name = _plain(finding.rule) or "(no rule)"
        if name not in self.rules:
            self.rules[name] = len(self.described)
            self.described.append(_rule(name, finding, stage))
        message = f"{finding.message} Fix: {finding.fix}" if finding.fix else finding.message
        result: dict[str, Any] = {
            "ruleId": name,
            "ruleIndex": self.rules[name],
            "level": _LEVEL[finding.severity],
            "message": {"text": _text(message) or name},
            "partialFingerprints": {"primaryLocationLineHash": self._fingerprint(finding)},
            "properties": {"stage": stage, "severity": finding.severity.value},
        }
        if path := rows.inside(finding.path):
            result["locations"] = [_location(path, finding.line)]
        if waiver is not None:
            why = {"kind": "external", "status": "accepted", "justification": _text(_excuse(waiver))}
            result["suppressions"] = [why]
        self.results.append(result)

    def _fingerprint(self, finding: Finding) -> str:
        """Return what is the same when lines move, and differs between two findings of one file and rule."""
        known = finding.fingerprint or f"{finding.tool}\0{finding.rule}\0{finding.path}\0{finding.message}"
        digest = hashlib.sha256(known.encode("utf-8", "backslashreplace")).hexdigest()[:32]
        self.seen[digest] = self.seen.get(digest, 0) + 1
        return f"{digest}:{self.seen[digest]}"

    def data(self) -> dict[str, Any]:
        driver = {"name": self.tool, "rules": self.described}
        return {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": self.results}


def _document(report: Report) -> bytes:
    runs: dict[str, _Run] = {}
    waived = _waived(report)
    for tool, stage, finding in _within_limits(report):
        rank, verdict = waived.get(stage, _NOT_WAIVED)
        runs.setdefault(tool, _Run(tool)).add(finding, stage, verdict if RANK[finding.severity] >= rank else None)
    own = _own(report)
    data = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [own, *(run.data() for run in runs.values())]}
    return msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n"


def _within_limits(report: Report) -> Iterator[tuple[str, str, Finding]]:
    """Yield tool, stage and finding, the worst first; tools after the nineteenth stand under its name."""
    listed = report.detail.findings if report.detail else ()
    every = [(part.stage, finding) for part in listed for finding in part.findings]
    counts: dict[str, int] = {}
    for stage, finding in sorted(every, key=lambda pair: -RANK[pair[1].severity]):
        tool = _plain(finding.tool) or "(no tool)"
        if tool not in counts and len(counts) == RUNS_MAX - 1:
            tool = next(reversed(counts))
        counts[tool] = counts.get(tool, 0) + 1
        if counts[tool] <= RESULTS_MAX:
            yield tool, stage, finding


def _left_out(report: Report) -> int:
    counted = sum(part.total for part in (report.detail.findings if report.detail else ()))
    return counted - sum(1 for _ in _within_limits(report))


def _waived(report: Report) -> dict[str, tuple[float, Verdict]]:
    """Return stage → the rank from which on its findings are waived, and the verdict; milder ones need no waiver.

    A waived verdict covers all that it counts, listed or not; it counts the worst findings of its stage.
    """
    listed = {part.stage: part.findings for part in (report.detail.findings if report.detail else ())}
    found: dict[str, tuple[float, Verdict]] = {}
    for one in report.stages:
        ranks = sorted((RANK[finding.severity] for finding in listed.get(one.stage, ())), reverse=True)
        for verdict in one.verdicts:
            if verdict.gate in _GATES and verdict.status is Status.WAIVED and (covered := _covered(verdict)) and ranks:
                found[one.stage] = ranks[min(covered, len(ranks)) - 1], verdict
    return found


def _covered(verdict: Verdict) -> int:
    """Return how many findings a waived verdict covers; where its items do not tell, as many as are surely covered."""
    errors = sum(item.level == "error" for item in verdict.items)
    if verdict.code or verdict.unlisted <= 0 or errors < len(verdict.items):
        return errors  # blind; or all errors are listed, and the milder ones behind them
    if verdict.gate == "lint-clean":
        return errors + verdict.unlisted
    told = (fact.value.replace(",", "") for fact in verdict.facts if fact.label in _COUNTED)
    counted = next((int(number) for number in told if re.fullmatch("[0-9]{1,9}", number)), errors)
    return max(errors, min(counted, errors + verdict.unlisted))


def _excuse(verdict: Verdict) -> str:
    told = "; ".join(f"{fact.label}: {fact.value}" for fact in verdict.facts if fact.label.startswith("waiver"))
    return told or verdict.reason


def _own(report: Report) -> dict[str, Any]:
    """Return the run of truegreen itself."""
    reds = [
        {"level": "error", "message": {"text": _text(f"{v.stage} {v.gate} {v.status}: {v.reason}")}}
        for v in report.red_verdicts()
    ]
    if report.status.red and not reds:
        reds = [{"level": "error", "message": {"text": _text(report.headline) or report.status.value}}]
    if missing := _left_out(report):
        reds.append({"level": "warning", "message": {"text": f"{missing:,} findings are not listed here"}})
    invocation: dict[str, Any] = {"executionSuccessful": not any_blind(report)}
    if reds:
        invocation["toolExecutionNotifications"] = reds
    driver = {"name": "truegreen", "version": _plain(report.provenance.pack_version) or "0", "rules": []}
    own: dict[str, Any] = {"tool": {"driver": driver}, "invocations": [invocation], "results": []}
    own["properties"] = {"verdict": report.status.value, "headline": _text(report.headline)}
    return own


def _rule(name: str, finding: Finding, stage: str) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": name,
        "shortDescription": {"text": name},
        "defaultConfiguration": {"level": _LEVEL[finding.severity]},
    }
    if stage == _SECURITY and finding.severity in _SCORE:
        rule["properties"] = {"tags": ["security"], "security-severity": _SCORE[finding.severity]}
    return rule


def _location(path: str, line: int) -> dict[str, Any]:
    uri = quote(path.encode("utf-8", "backslashreplace"), safe="/")
    place: dict[str, Any] = {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}}
    place["region"] = {"startLine": max(line, 1)}
    return {"physicalLocation": place}


def _text(text: str) -> str:
    """Return a message; brackets that SARIF would take for a link are escaped as it asks for (3.11.6)."""
    shown = _plain(text)
    return re.sub(r"([\\\[\]])", r"\\\1", shown) if "](" in shown else shown


def _plain(text: str) -> str:
    return shorten(visible(text[: 2 * _TEXT_MAX + 2], multiline=True), _TEXT_MAX)

"""One clause about a stage: what was seen, in the fewest words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.analysis.commits import TABLES, of_migrations
from truegreen.model.mutation import Fate
from truegreen.model.proof import Answer
from truegreen.model.testrun import Outcome

if TYPE_CHECKING:
    from truegreen.model.run import StageEvidence


def of_stage(evidence: StageEvidence) -> str:
    """Return the headline of a stage that is not red."""
    clauses = [clause for clause in (_tests(evidence), _coverage(evidence), _commits(evidence)) if clause]
    clauses += [
        clause
        for clause in (_load(evidence), _image(evidence), _mutants(evidence), _proof(evidence), _scans(evidence))
        if clause
    ]
    return ", ".join(clauses) or "ran to its end"


def duration_s(evidence: StageEvidence) -> float:
    """Return seconds of the slowest shard."""
    return max((record.duration_s for record in evidence.records), default=0.0)


def _tests(evidence: StageEvidence) -> str:
    if evidence.tests is None or not evidence.tests.cases:
        return ""
    tests = evidence.tests
    ran = tests.count(Outcome.PASS, Outcome.FAIL, Outcome.ERROR)
    skipped = tests.count(Outcome.SKIP)
    took = max((_pytest_s(record.tools) for record in evidence.records), default=0.0)
    text = f"{ran:,} test{'' if ran == 1 else 's'}"
    text += f" in {took:.1f} s" if took > 0 else ""
    text += f" ({skipped:,} skipped)" if skipped else ""
    asked = tuple(dict.fromkeys(word for session in evidence.sessions for word in session.asked))
    return f"partial ({' '.join(asked)}): {text}" if asked else text


def _pytest_s(tools: tuple[object, ...]) -> float:
    return sum(getattr(tool, "duration_s", 0.0) for tool in tools if getattr(tool, "name", "").startswith("pytest"))


def _coverage(evidence: StageEvidence) -> str:
    coverage = evidence.coverage
    if coverage is None or not coverage.lines:
        return ""
    return f"{coverage.covered_lines * 1000 // coverage.lines / 10:.1f} % of lines"


def _commits(evidence: StageEvidence) -> str:
    if not evidence.persistence:
        return ""
    counted = [part for part in evidence.persistence if part.counts]
    found = [change for part in counted for p in part.phases if p.phase == "call" for change in p.committed]
    rows = sum(change.count for change in found if not of_migrations(change))
    noun = "row" if all(part.kind in TABLES for part in counted) else "change"
    return f"{rows:,} {noun}{'' if rows == 1 else 's'} committed"


def _scans(evidence: StageEvidence) -> str:
    if not evidence.scans:
        return ""
    found = sum(len(scan.findings) for scan in evidence.scans)
    tools = len(evidence.scans)
    return f"{found or 'no'} finding{'' if found == 1 else 's'} by {tools} tool{'' if tools == 1 else 's'}"


def _load(evidence: StageEvidence) -> str:
    load = evidence.load
    if load is None or not load.requests:
        return ""
    return f"{load.rps:,.0f} requests/s, p95 {load.p95_ms:,.0f} ms, {load.failures:,} failed"


def _image(evidence: StageEvidence) -> str:
    image = evidence.image
    if image is None or not image.digest:
        return ""
    verified = sum(1 for signature in image.signatures if signature.verified)
    return f"{image.digest[:19]}…, {verified} signature{'' if verified == 1 else 's'} verified"


def _mutants(evidence: StageEvidence) -> str:
    result = evidence.mutation
    if result is None or not result.mutants:
        return ""
    survived = len(result.having(Fate.SURVIVED))
    tried = f"{len(result.mutants):,} mutant{'' if len(result.mutants) == 1 else 's'} tried"
    return f"{tried}, {survived or 'none'} survived"


def _proof(evidence: StageEvidence) -> str:
    result = evidence.proof
    if result is None or not result.mutants:
        return ""
    noticed = len(result.having(Answer.NOTICED))
    return f"{noticed:,} of {len(result.mutants):,} mutant{'' if len(result.mutants) == 1 else 's'} noticed"

"""Which failures are the infrastructure's: neither the code nor the tests did anything wrong.

What our own errors and the exit codes of tools say comes first; patterns of messages come second, because a test can
write anything. A failure of the infrastructure stays red; it is only not counted as flaky.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truegreen.model.testrun import BAD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.evidence import ErrorRecord, StageRecord
    from truegreen.model.run import StageEvidence
    from truegreen.model.testrun import TestCase

RUNNER_LOST = "runner-lost"
OUT_OF_MEMORY = "out-of-memory"
DISK_FULL = "disk-full"
DNS = "dns"
REGISTRY = "registry"
SERVICE = "service-not-ready"
ENGINE = "engine"

MEANING = {
    RUNNER_LOST: "the machine went away, or the run was interrupted",
    OUT_OF_MEMORY: "a process was killed for want of memory",
    DISK_FULL: "the disk was full",
    DNS: "a name could not be resolved",
    REGISTRY: "a package or image registry did not answer",
    SERVICE: "a service never became ready",
    ENGINE: "no container engine answered",
}
"""Class → what it means; the classes are the keys."""

_CODES = {"TG301": SERVICE, "TG303": ENGINE, "TG304": REGISTRY, "TG308": RUNNER_LOST}
"""Codes of `truegreen.errors` that name the cause themselves."""
_SAYS_LITTLE = frozenset({"TG107", "TG305", "TG309", "TG404"})
"""Codes whose text names the cause."""
_KILLED = frozenset({137, -9})
"""128 + SIGKILL as a shell reports it, and SIGKILL as Python does: the kernel's way to free memory."""
_TEXT_MAX = 4_000
_PATTERNS = {
    DISK_FULL: r"no space left on device|disk quota exceeded|ENOSPC|not enough space on the disk",
    DNS: r"temporary failure in name resolution|name or service not known|could not resolve host"
    r"|no such host is known|getaddrinfo (?:EAI_AGAIN|ENOTFOUND|failed)|nodename nor servname provided",
    REGISTRY: r"toomanyrequests|pull rate limit|registry unavailable"
    r"|failed to fetch https?://(?:pypi|files\.pythonhosted)"
    r"|npm err! (?:network|code E(?:TIMEDOUT|CONNRESET|5\d\d))|proxy\.golang\.org.{0,200}(?:timeout|50[234])",
    OUT_OF_MEMORY: r"cannot allocate memory|out of memory|oom-?kill|java heap space|^killed$",
    RUNNER_LOST: r"lost communication with the server|runner has received a shutdown signal|hosted runner.{0,80}lost",
}
"""Class → text of its pattern, whatever the case; compiled when it is first used, because most runs have no failure."""
_ASSERTION = (
    r"^(?:E\s+)?(?:assert\b|(?:failed: )?expected\b|failed:"
    r"|(?:[\w.$:]*[.$:])?(?:\w*Assertion\w*|Comparison(?:Failure|Error)|\w*Expectation\w*(?:Error|Exception|Failed)?)\b)"
)
"""Beginning of a line that tells of an assertion, as runners of many languages write it."""


def of_text(text: str) -> str:
    """Return the class a message speaks of; empty for none."""
    head = text[:_TEXT_MAX]
    return next(
        (name for name, pattern in _PATTERNS.items() if re.search(pattern, head, re.IGNORECASE | re.MULTILINE)), ""
    )


def of_case(case: TestCase) -> str:
    """Return the class that a case's message speaks of; empty for none, and for an assertion.

    An assertion compares what the test chose to compare: whatever its text says, no machine said it.
    """
    told = f"{case.message[:_TEXT_MAX]}\n{case.detail[:_TEXT_MAX]}"
    found = of_text(case.message)
    return "" if found and re.search(_ASSERTION, told, re.IGNORECASE | re.MULTILINE) else found


def of_record(record: StageRecord) -> str:
    """Return the class of failure that a stage's record tells of; empty for none."""
    if record.error is not None and (found := _of_error(record.error)):
        return found
    killed = any(tool.exit_code in _KILLED and not tool.timed_out for tool in record.tools)
    return OUT_OF_MEMORY if killed else ""


def of_stage(evidence: StageEvidence) -> str:
    """Return the class of the infrastructure's failure in a stage; empty when it had none, or is simply red.

    A stage that had to run and left nothing at all was lost with its machine. Messages of tests count only when every
    failing test tells of the same: one that does not is a failure of its own.
    """
    if not evidence.records:
        return "" if evidence.problems else RUNNER_LOST
    found = next(filter(None, map(of_record, evidence.records)), "")
    return found or of_cases(evidence.tests.bad() if evidence.tests else ())


def of_cases(cases: Iterable[TestCase]) -> str:
    """Return the one class that every failing case tells of; empty when one does not, or none fails."""
    classes = {of_case(case) for case in cases if case.outcome in BAD}
    return classes.pop() if len(classes) == 1 else ""


def _of_error(error: ErrorRecord) -> str:
    if error.code in _CODES:
        return _CODES[error.code]
    return of_text(f"{error.what}\n{error.why}") if error.code in _SAYS_LITTLE else ""

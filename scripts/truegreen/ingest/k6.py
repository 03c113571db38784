"""Reader of k6's `--summary-export`, as the performance stage completes it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.errors import EvidenceUnreadable
from truegreen.model.load import LoadResult
from truegreen.runtime.files import read_limited

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_BYTES = 64 << 20
_ERRORS_MAX = 50


class _Counter(msgspec.Struct):
    count: float = 0.0
    rate: float = 0.0


class _Rate(msgspec.Struct):
    passes: int = 0
    fails: int = 0


class _Trend(msgspec.Struct):
    med: float = 0.0
    p50: float | None = msgspec.field(default=None, name="p(50)")
    p95: float | None = msgspec.field(default=None, name="p(95)")
    p99: float | None = msgspec.field(default=None, name="p(99)")


class _Metrics(msgspec.Struct):
    http_reqs: _Counter | None = None
    http_req_failed: _Rate | None = None
    http_req_duration: _Trend | None = None
    checks: _Rate | None = None


class _Check(msgspec.Struct):
    path: str
    fails: int = 0


class _Group(msgspec.Struct):
    checks: dict[str, _Check] = {}
    groups: dict[str, _Group] = {}


class _Exception(msgspec.Struct):
    message: str
    occurrences: int


class _Summary(msgspec.Struct):
    metrics: _Metrics
    root_group: _Group = msgspec.field(default_factory=_Group)
    exceptions: tuple[_Exception, ...] = ()
    """Added by the stage, from k6's log: its own summary has none."""
    thresholds_crossed: bool = False
    """Added by the stage: k6 ended with the exit code of crossed thresholds."""


class _Judged(msgspec.Struct):
    thresholds: dict[str, bool] = {}
    """Expression → whether it was crossed."""


class _Thresholds(msgspec.Struct):
    metrics: dict[str, _Judged]


class K6Reader:
    """Reads the summary; a failed check counts as a failed request, a crossed threshold is named."""

    kind: ClassVar[str] = "k6"
    part: ClassVar[str] = "load"

    def read(self, path: Path, root: Path) -> LoadResult:  # noqa: ARG002 - the reader's contract
        """Return the figures; a run without a single request is returned as such.

        Raises:
            EvidenceUnreadable: malformed, impossible counts, or requests without times.
        """
        try:
            data = read_limited(path, _LIMIT_BYTES)
            summary = msgspec.json.decode(data, type=_Summary)
            judged = msgspec.json.decode(data, type=_Thresholds)
            return msgspec.structs.replace(
                _result(summary),
                exceptions=_counted(summary),
                crossed=_crossed(summary, judged),
                errors=(*_raised(summary), *_errors(summary))[:_ERRORS_MAX],
            )
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise EvidenceUnreadable(f"{path.name} is no k6 summary", where=str(path), why=str(error)) from None


def _result(summary: _Summary) -> LoadResult:
    metrics = summary.metrics
    counter = metrics.http_reqs or _Counter()
    if not (math.isfinite(counter.count) and math.isfinite(counter.rate)) or min(counter.count, counter.rate) < 0:
        raise ValueError("http_reqs is impossible")
    requests = int(counter.count)
    if requests == 0:
        return LoadResult(tool="k6", requests=0, failures=0, duration_s=0.0, rps=0.0)
    if counter.rate == 0 or metrics.http_req_failed is None or metrics.http_req_duration is None:
        raise ValueError("there are requests, but http_req_failed, http_req_duration or the rate is missing")
    # `passes` counts the requests for which "failed" held.
    failed = metrics.http_req_failed.passes
    total = failed + metrics.http_req_failed.fails
    if failed < 0 or total != requests:
        raise ValueError(f"{requests} requests, but http_req_failed saw {total}")
    wrong = metrics.checks.fails if metrics.checks else 0
    trend = metrics.http_req_duration
    if trend.p95 is None:
        raise ValueError("http_req_duration has no p(95)")
    return LoadResult(
        tool="k6",
        requests=requests,
        failures=min(requests, max(failed, wrong)),
        duration_s=round(requests / counter.rate, 3),
        rps=round(counter.rate, 3),
        p50_ms=round(trend.med if trend.p50 is None else trend.p50, 3),
        p95_ms=round(trend.p95, 3),
        p99_ms=round(trend.p99 or 0.0, 3),
    )


def _counted(summary: _Summary) -> int:
    if any(row.occurrences < 1 for row in summary.exceptions):
        raise ValueError("an exception occurred less than once")
    return sum(row.occurrences for row in summary.exceptions)


def _raised(summary: _Summary) -> tuple[str, ...]:
    return tuple(f"{row.occurrences} x exception in the load script: {row.message}" for row in summary.exceptions)


def _crossed(summary: _Summary, judged: _Thresholds) -> tuple[str, ...]:
    """Return each crossed threshold; k6's exit code counts also where no expression is marked."""
    found = [
        f"{metric}: {expression}"
        for metric, row in judged.metrics.items()
        for expression, crossed in row.thresholds.items()
        if crossed
    ]
    return tuple(found) or (("a threshold that the summary does not name",) if summary.thresholds_crossed else ())


def _errors(summary: _Summary) -> tuple[str, ...]:
    """Return each failed check with its count."""
    found: list[str] = []
    pending = [summary.root_group]
    while pending and len(found) < _ERRORS_MAX:
        group = pending.pop()
        pending.extend(group.groups.values())
        found += [f"{check.fails} x check {check.path}" for check in group.checks.values() if check.fails]
    return tuple(found[:_ERRORS_MAX])

"""Reader of a Locust run, as the performance stage wraps it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.errors import EvidenceUnreadable
from truegreen.model.load import Endpoint, LoadResult
from truegreen.runtime.files import read_limited

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LIMIT_BYTES = 64 << 20
_ERRORS_MAX = 50


class LocustStats(msgspec.Struct, frozen=True, kw_only=True):
    """One row of Locust's own `--json-file`."""

    name: str
    method: str = ""
    start_time: float
    last_request_timestamp: float | None = None
    num_requests: int
    num_none_requests: int = 0
    num_failures: int
    response_times: dict[str, int] = {}
    """Response time in milliseconds, rounded by Locust, → how often."""


class LocustFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One distinct failure."""

    method: str
    name: str
    error: str
    occurrences: int


class LocustException(msgspec.Struct, frozen=True, kw_only=True):
    """One distinct exception that iterations of the script raised."""

    message: str
    where: str = ""
    occurrences: int


class LocustRun(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `locust.json`."""

    schema_version: int = 1
    version: str
    run_time_s: float
    """How long Locust was told to run: a server that hangs after a second does not look fast."""
    stats: tuple[LocustStats, ...]
    failures: tuple[LocustFailure, ...] = ()
    exceptions: tuple[LocustException, ...]
    """Required: a record that does not speak of exceptions has not said that there were none."""


class LocustReader:
    """Reads the run; counts that contradict each other are refused."""

    kind: ClassVar[str] = "locust"
    part: ClassVar[str] = "load"

    def read(self, path: Path, root: Path) -> LoadResult:  # noqa: ARG002 - the reader's contract
        """Return the figures; a run without a single request is returned as such.

        Raises:
            EvidenceUnreadable: malformed, of another version, or with impossible counts.
        """
        try:
            run = msgspec.json.decode(read_limited(path, _LIMIT_BYTES), type=LocustRun)
            return result(run)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise EvidenceUnreadable(f"{path.name} is no Locust run", where=str(path), why=str(error)) from None


def result(run: LocustRun) -> LoadResult:
    """Return the figures of a run.

    Raises:
        ValueError: counts are negative or do not add up.
    """
    if run.schema_version != 1:
        raise ValueError(f"schema_version is {run.schema_version}, this reader knows 1")
    if not (math.isfinite(run.run_time_s) and run.run_time_s > 0):
        raise ValueError("run_time_s is not above 0")
    if any(row.occurrences < 1 for row in run.exceptions):
        raise ValueError("an exception occurred less than once")
    everything: dict[float, int] = {}
    endpoints = []
    for row in run.stats:
        times = _histogram(row)
        for value, count in times.items():
            everything[value] = everything.get(value, 0) + count
        p50, p95, p99 = (percentile(times, share) for share in (0.5, 0.95, 0.99))
        endpoints.append(
            Endpoint(
                name=f"{row.method} {row.name}".strip(),
                requests=row.num_requests,
                failures=row.num_failures,
                p50_ms=p50,
                p95_ms=p95,
                p99_ms=p99,
            )
        )
    requests = sum(row.num_requests for row in run.stats)
    duration_s = max(run.run_time_s, _span_s(run.stats))
    return LoadResult(
        tool="locust",
        version=run.version,
        requests=requests,
        failures=sum(row.num_failures for row in run.stats),
        duration_s=round(duration_s, 3),
        rps=round(requests / duration_s, 3),
        p50_ms=percentile(everything, 0.5),
        p95_ms=percentile(everything, 0.95),
        p99_ms=percentile(everything, 0.99),
        exceptions=sum(row.occurrences for row in run.exceptions),
        endpoints=tuple(endpoints),
        errors=(*_exceptions(run), *_failures(run))[:_ERRORS_MAX],
    )


def percentile(times: Mapping[float, int], share: float) -> float:
    """Return the smallest time that at least this share of requests did not exceed; 0 without requests."""
    total = sum(times.values())
    needed = math.ceil(total * share)
    seen = 0
    for value in sorted(times):
        seen += times[value]
        if seen >= needed:
            return value
    return 0.0


def _exceptions(run: LocustRun) -> tuple[str, ...]:
    return tuple(
        f"{row.occurrences} x exception in the load script ({row.where or 'place unknown'}): {row.message}"
        for row in run.exceptions
    )


def _failures(run: LocustRun) -> tuple[str, ...]:
    return tuple(f"{row.occurrences} x {row.method} {row.name}: {row.error}" for row in run.failures)


def _histogram(row: LocustStats) -> dict[float, int]:
    times = {float(value): count for value, count in row.response_times.items()}
    if any(count < 0 or not math.isfinite(value) or value < 0 for value, count in times.items()):
        raise ValueError(f"{row.name!r} has an impossible response time")
    if not 0 <= row.num_failures <= row.num_requests or row.num_none_requests < 0:
        raise ValueError(f"{row.name!r} has impossible counts")
    if sum(times.values()) != row.num_requests - row.num_none_requests:
        raise ValueError(f"{row.name!r} has {row.num_requests} requests, but times of {sum(times.values())}")
    return times


def _span_s(rows: tuple[LocustStats, ...]) -> float:
    """Return the time from the first to the last request."""
    ends = [row.last_request_timestamp for row in rows if row.last_request_timestamp]
    return max(ends) - min(row.start_time for row in rows) if ends else 0.0

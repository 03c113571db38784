"""The result of a load test, from any tool."""

from __future__ import annotations

import msgspec


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one kind of request."""

    name: str
    requests: int
    failures: int
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0


class LoadResult(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the whole test; `p95_ms` is over all successful and failed requests."""

    tool: str
    version: str = ""
    requests: int
    failures: int
    duration_s: float
    rps: float
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    exceptions: int = 0
    """Iterations of the load script that raised: tools count them apart from failed requests."""
    crossed: tuple[str, ...] = ()
    """Thresholds of the load script itself that were crossed."""
    endpoints: tuple[Endpoint, ...] = ()
    errors: tuple[str, ...] = ()
    """Distinct error messages with counts, exceptions first; hostile text."""

"""Gate: the running application carries the load it must."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.gates.base import BaseGate, GateOptions, count, some
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.load import Endpoint, LoadResult
    from truegreen.model.run import RunEvidence

_LISTED = 10


class LoadOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.load]`."""

    min_rps: Annotated[float, msgspec.Meta(ge=0)] = 100.0
    """Least requests a second over the whole test."""
    max_error_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """Largest share of errors, 0 to 1: failed requests and exceptions of the load script, over all requests."""
    p95_ms: Annotated[float, msgspec.Meta(ge=0)] = 500.0
    """Longest time in milliseconds within which 95 % of the requests are answered; 0 does not judge it."""
    min_requests: Annotated[int, msgspec.Meta(ge=1)] = 1000
    """Fewer requests than this carry no verdict."""


class Load(BaseGate):
    """The application answers enough requests a second, fast enough, without errors.

    **Proves** that the running application, with its real stores, carried `min-rps` requests a second with
    at most `max-error-ratio` errors and a 95th percentile of at most `p95-ms`. An iteration of the load
    script that raises, such as by a failed `assert` on an answer, is an error like a failed request; a
    threshold of the script's own that was crossed fails too.

    **Blind when** no request was sent, fewer than `min-requests` were, or a figure is missing.

    **Options**: `min-rps` (100), `max-error-ratio` (0), `p95-ms` (500), `min-requests` (1000).

    Example:
        [tool.truegreen.gates.load]
        min-rps = 100
        p95-ms = 250
    """

    id: ClassVar[str] = "load"
    stages: ClassVar[frozenset[str]] = frozenset({"performance"})
    needs: ClassVar[frozenset[str]] = frozenset({"load"})
    Options: ClassVar[type[GateOptions]] = LoadOptions

    def evaluate(self, evidence: RunEvidence, stage: str, policy: LoadOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the figures of the load test."""
        load = evidence.of(stage).load
        problem = _unusable(load, policy) if load else "no load test left a result"
        if load is None or problem:
            return self.blind(
                stage,
                problem,
                remedy="read the log of the load test: did it reach the application?",
                items=_errors(load) if load else (),
            )
        ratio = (load.failures + load.exceptions) / load.requests
        facts = _facts(load, ratio, policy)
        items = (*_errors(load), *(_endpoint(e) for e in sorted(load.endpoints, key=_slow)[:_LISTED]))
        short = _short(load, ratio, policy)
        if short:
            remedy = "look at the endpoints listed and the service logs; or change the thresholds with a reason"
            return self.failed(stage, "; ".join(short), remedy=remedy, facts=facts, items=items)
        errors = count(load.failures + load.exceptions, "error")
        reason = f"{load.rps:,.0f} requests a second, p95 {load.p95_ms:,.0f} ms, {errors}"
        return self.passed(stage, reason, facts=facts)


def _short(load: LoadResult, ratio: float, policy: LoadOptions) -> list[str]:
    """Return a sentence for each figure beyond its threshold."""
    short = []
    if ratio > policy.max_error_ratio:
        if load.failures:
            share = load.failures / load.requests
            short.append(f"{load.failures:,} of {load.requests:,} requests failed ({share:.2%})")
        if load.exceptions:
            short.append(f"{count(load.exceptions, 'iteration')} of the load script raised an exception")
    if load.crossed:
        short.append(f"crossed by the load script's own measure: {some(list(load.crossed))}")
    if load.rps < policy.min_rps:
        short.append(f"{load.rps:,.1f} requests a second, {policy.min_rps:g} are asked for")
    if policy.p95_ms and load.p95_ms > policy.p95_ms:
        short.append(f"p95 is {load.p95_ms:,.0f} ms, at most {policy.p95_ms:g} ms is allowed")
    return short


def _unusable(load: LoadResult, policy: LoadOptions) -> str:
    """Return why the figures carry no verdict; empty when they do."""
    if load.requests <= 0:
        return "the load test sent no request"
    if not all(map(math.isfinite, (load.rps, load.p95_ms, load.duration_s))):
        return "a figure of the load test is not a number"
    if load.requests < policy.min_requests:
        return f"{count(load.requests, 'request')} carry no verdict, at least {policy.min_requests:,} are needed"
    if load.rps <= 0 or (policy.p95_ms and load.p95_ms <= 0):
        return "the load test has requests and no rate or no times"
    if not 0 <= load.failures <= load.requests or load.exceptions < 0:
        return "the load test counts more failures than requests"
    return ""


def _facts(load: LoadResult, ratio: float, policy: LoadOptions) -> tuple[Fact, ...]:
    return (
        Fact(label="tool", value=f"{load.tool} {load.version}".strip()),
        Fact(label="requests", value=f"{load.requests:,}", wanted=f"at least {policy.min_requests:,}"),
        Fact(label="requests a second", value=f"{load.rps:,.1f}", wanted=f"at least {policy.min_rps:g}"),
        Fact(label="failed", value=f"{ratio:.2%}", wanted=f"at most {policy.max_error_ratio:.2%}"),
        Fact(
            label="p50 / p95 / p99",
            value=f"{load.p50_ms:,.0f} / {load.p95_ms:,.0f} / {load.p99_ms:,.0f} ms",
            wanted=f"p95 at most {policy.p95_ms:g} ms" if policy.p95_ms else "",
        ),
    )


def _errors(load: LoadResult) -> tuple[Item, ...]:
    return tuple(Item(title="error", message=text) for text in load.errors[:_LISTED])


def _slow(endpoint: Endpoint) -> tuple[int, float]:
    return -endpoint.failures, -endpoint.p95_ms


def _endpoint(endpoint: Endpoint) -> Item:
    message = f"{endpoint.requests:,} requests, {endpoint.failures:,} failed, p95 {endpoint.p95_ms:,.0f} ms"
    return Item(title=endpoint.name, message=message, level="notice")

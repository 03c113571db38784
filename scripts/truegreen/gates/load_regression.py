"""Gate: the application carries its load as well as it did on the default branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.analysis import durations, kept_load, this_run
from truegreen.gates.base import BaseGate, GateOptions, count, some
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truegreen.analysis.durations import Comparison, Slower
    from truegreen.model.history import History, PastLoad
    from truegreen.model.load import LoadResult
    from truegreen.model.run import RunEvidence

_P95, _PACE = "p95 of all requests", "time for a request"
_MS = 1000.0


class LoadRegressionOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.load-regression]`."""

    advisory: bool = True
    """False turns the stage red when something became slower."""
    alpha: Annotated[float, msgspec.Meta(ge=0.01, lt=1)] = 0.05
    """Probability of a false alarm about the load test as a whole, and of one among all kinds of requests; it decides
    how many runs are needed: 19 for 0.05, 99 for 0.01, of the 100 that are kept."""
    min_ratio: Annotated[float, msgspec.Meta(ge=1)] = 1.2
    """Least slow-down that matters, as a factor of the earlier median."""
    min_ms: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    """Least slow-down of a 95th percentile that matters, in milliseconds; both must be exceeded."""


class LoadRegression(BaseGate):
    """The application answers as fast, and as often, as it did on the default branch; advisory unless set otherwise.

    **Proves** that the 95th percentile, the rate of requests and the 95th percentile of each kind of request lie
    within what the same tool measured in earlier green runs of the default branch in the same environment (lock,
    interpreter, platform, services). The run is put among them by rank, and no distribution is assumed: the same
    procedure as `time-regression`. What slows all kinds of requests alike shows in the figures of the whole. A kind of
    request that all those runs measured and this one does not fails too: nobody knows how slow it is.

    **Not judged** but *inconclusive* where there are too few such runs (19 for an `alpha` of 0.05) or nobody knows
    the environment: the verdict says how many are missing.

    **Blind when** no load test left figures that can be compared.

    **Options**: `alpha` (default 0.05), `min-ratio` (default 1.2), `min-ms` (default 5), `advisory` (default true).

    Example:
        [tool.truegreen.gates.load-regression]
        min-ratio = 1.5
        advisory = false
    """

    id: ClassVar[str] = "load-regression"
    stages: ClassVar[frozenset[str]] = frozenset({"performance"})
    needs: ClassVar[frozenset[str]] = frozenset({"load"})
    Options: ClassVar[type[GateOptions]] = LoadRegressionOptions

    def evaluate(self, evidence: RunEvidence, stage: str, policy: LoadRegressionOptions, history: History) -> Verdict:
        """Compare with earlier runs of the default branch."""
        load = evidence.of(stage).load
        if load is None or not kept_load.usable(load):
            return self.blind(
                stage, "no load test left figures that can be compared", remedy="see the gate `load` of the stage"
            )
        environment = this_run.environment_of(evidence.of(stage).records)
        if not environment:
            return self.not_judged(stage, "inconclusive: nothing says in which environment the load test ran")
        same = [one for one in history.loads if (one.stage, one.tool) == (stage, load.tool)]
        past = [one for one in same if one.environment == environment]
        whole = _compared(_whole(load), _columns(map(_whole, past)), policy)
        if not whole.judged:
            missing = max(whole.young.values())
            others = len(same) - len(past)
            aside = f" ({count(others, 'run')} of another left out)" if others else ""
            why = f"{count(missing, 'more run')} of the default branch in this environment needed to compare the load"
            return self.not_judged(stage, f"inconclusive: {why}{aside}")
        kinds = _compared(_kinds(load), _columns(map(_past_kinds, past)), policy)
        slower = [one for one in (*whole.slower, *kinds.slower) if _matters(one, policy.min_ms)]
        gone = _gone(load, past[: durations.least_runs(policy.alpha)])
        facts, runs = _facts(load, whole, kinds), count(whole.runs, "earlier run")
        if slower or gone:
            return self.failed(
                stage,
                _wrong(slower, gone, runs),
                remedy="make it as fast as it was, or accept the new figures: they are the measure once the default "
                "branch has run often enough with them",
                facts=facts,
                items=(*map(_item, slower), *map(_gone_item, gone)),
            )
        reason = f"p95 {load.p95_ms:,.0f} ms and {load.rps:,.0f} requests a second, no worse than {runs}"
        return self.passed(stage, reason, facts=facts)


def _wrong(slower: Sequence[Slower], gone: Sequence[str], runs: str) -> str:
    wrong = []
    if slower:
        more = f" and {len(slower) - 1:,} more" if len(slower) > 1 else ""
        wrong.append(f"slower than {runs}: {slower[0].name} {_change(slower[0])}{more}")
    if gone:
        wrong.append(f"{count(len(gone), 'kind')} of requests not measured any more: {some(list(gone))}")
    return "; ".join(wrong)


def _facts(load: LoadResult, whole: Comparison, kinds: Comparison) -> tuple[Fact, ...]:
    return (
        Fact(label="earlier runs", value=f"{whole.runs:,}"),
        Fact(label="kinds of requests compared", value=_judged(kinds)),
        Fact(label="p95", value=f"{load.p95_ms:,.0f} ms"),
        Fact(label="requests a second", value=f"{load.rps:,.1f}"),
    )


def _compared(now: dict[str, float], past: dict[str, list[float]], policy: LoadRegressionOptions) -> Comparison:
    """Compare figures in seconds; the least step is looked at afterwards, for rates have none."""
    window = 2 * durations.least_runs(policy.alpha)
    return durations.compare(now, past, alpha=policy.alpha, ratio=policy.min_ratio, step_s=0.0, window=window)


def _whole(load: LoadResult | PastLoad) -> dict[str, float]:
    # A rate as the seconds of a thousand requests, so that more is worse in both.
    return {_P95: load.p95_ms / _MS, _PACE: _MS / load.rps}


def _kinds(load: LoadResult) -> dict[str, float]:
    return {one.name: one.p95_ms / _MS for one in load.endpoints if kept_load.timed(one.p95_ms)}


def _past_kinds(load: PastLoad) -> dict[str, float]:
    return {name: p95_ms / _MS for name, p95_ms in load.endpoints_p95_ms.items()}


def _gone(load: LoadResult, past: Sequence[PastLoad]) -> list[str]:
    """Return the kinds of requests that all of some runs measured, and this one does not."""
    usual = set.intersection(*(set(one.endpoints_p95_ms) for one in past)) if past else set[str]()
    return sorted(usual - _kinds(load).keys())


def _columns(rows: Iterable[dict[str, float]]) -> dict[str, list[float]]:
    """Return name → its values, newest first."""
    found: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return found


def _matters(one: Slower, min_ms: float) -> bool:
    return one.name == _PACE or (one.now_s - one.before_s) * _MS >= min_ms


def _judged(kinds: Comparison) -> str:
    young = f", {len(kinds.young):,} with too few runs" if kinds.young else ""
    return f"{kinds.judged:,}{young}"


def _change(one: Slower) -> str:
    if one.name == _PACE:
        return f"{_MS / one.before_s:,.1f} to {_MS / one.now_s:,.1f} a second"
    return f"{one.before_s * _MS:,.0f} to {one.now_s * _MS:,.0f} ms"


def _gone_item(name: str) -> Item:
    return Item(title=name, message="not measured", level="warning")


def _item(one: Slower) -> Item:
    title = "requests a second" if one.name == _PACE else one.name
    return Item(title=title, message=f"{_change(one)}, {one.ratio:.2f} times; p = {one.p:.3f}", level="warning")

"""What the history keeps of a report: pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truegreen.model.history import PastRun

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.verdict import Report, Verdict

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def past_run(report: Report) -> PastRun:
    """Return the record of a run; numbers come from the facts of its verdicts, 0 where none says."""
    return PastRun(
        commit=report.provenance.commit,
        created=report.provenance.created,
        status=report.status.value,
        duration_s=report.duration_s,
        tests=int(sum(_facts(report, "tests-ran", "results"))),
        failed=int(sum(_facts(report, "no-failures", "failed"))),
        flaky=sum(len(verdict.items) for verdict in _verdicts(report, "flakiness")),
        line_ratio=next((value / 100 for value in _facts(report, "coverage", "line")), None),
    )


def _verdicts(report: Report, gate: str) -> Iterator[Verdict]:
    """Yield the verdicts of one gate over all stages."""
    for stage in report.stages:
        yield from (verdict for verdict in stage.verdicts if verdict.gate == gate)


def _facts(report: Report, gate: str, label: str) -> Iterator[float]:
    """Yield the number in each fact whose label begins so, over all stages."""
    for verdict in _verdicts(report, gate):
        for fact in verdict.facts:
            match = _NUMBER.search(fact.value)
            if fact.label.startswith(label) and match:
                yield float(match.group().replace(",", ""))

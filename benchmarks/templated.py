"""A summary by the longest template there can be, read and rendered, beside the built-in form of the same report."""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNS = 15
RATIO = 3.0
_LINE = "- **Ask** in [the room](https://chat.example/ci), about `make {}` _soon_, <b>@nobody</b> #1 | a * b\n"
"""No line of the template is like another, so that nothing that is remembered of one helps with the next."""


def arranged() -> Iterator[measure.Row]:
    """Yield the time for a report of 10,000 tests of which 100 fail."""
    sys.path[:0] = [str(measure.ROOT / "scripts"), str(measure.ROOT)]
    from tests.support.known_reports import huge  # noqa: PLC0415 - needs the paths

    from truegreen.reporters.summary import SummaryReporter  # noqa: PLC0415
    from truegreen.reporters.template import layout, names, syntax  # noqa: PLC0415

    report = huge()
    everything = "\n".join(f"{{{{{name}}}}}" for name in names.SECTIONS)
    number = (syntax.MAX_BYTES - len(everything)) // len(_LINE.format(100))
    template = f"{everything}\n{''.join(_LINE.format(one) for one in range(100, 100 + number))}"
    plain, ours = [], []
    for _ in range(RUNS):  # in turn: whatever else the machine does, it does to both
        plain.append(_timed(lambda: SummaryReporter().render(report)))
        ours.append(_timed(lambda: SummaryReporter(layout.read(template, "t.md")).render(report)))
    base_s = statistics.median(plain)
    note = f"{statistics.median(ours) / base_s:.2f} x the built-in form; {len(template):,} bytes of template"
    yield measure.row("summary by the longest template", RATIO * base_s * 1000, ours, note=note)


def _timed(run: Callable[[], Any]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start

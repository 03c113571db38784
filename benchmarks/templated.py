"""A summary by the longest template there can be, read and rendered, beside the built-in form of the same report."""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNS = 9
RATIO = 3.0
_LINE = "- **Ask** in [the room](https://chat.example/ci), about `make it` _soon_, <b>@nobody</b> #1 | a * b\n"


def arranged() -> Iterator[measure.Row]:
    """Yield the time for a report of 10,000 tests of which 100 fail."""
    sys.path[:0] = [str(measure.ROOT / "scripts"), str(measure.ROOT)]
    from tests.support.known_reports import huge  # noqa: PLC0415 - needs the paths

    from truegreen.reporters.summary import SummaryReporter  # noqa: PLC0415
    from truegreen.reporters.template import layout, names, syntax  # noqa: PLC0415

    report = huge()
    everything = "\n".join(f"{{{{{name}}}}}" for name in names.SECTIONS)
    template = f"{everything}\n{_LINE * ((syntax.MAX_BYTES - len(everything)) // len(_LINE))}"
    plain = [_timed(lambda: SummaryReporter().render(report)) for _ in range(RUNS)]
    ours = [_timed(lambda: SummaryReporter(layout.read(template, "t.md")).render(report)) for _ in range(RUNS)]
    base_s = statistics.median(plain)
    note = f"{statistics.median(ours) / base_s:.2f} x the built-in form; {len(template):,} bytes of template"
    yield measure.row("summary by the longest template", RATIO * base_s * 1000, ours, note=note)


def _timed(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start

"""What the history keeps of a run beside its results, and how each part is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.analysis import kept_coverage, kept_findings, kept_load, kept_said

if TYPE_CHECKING:
    from collections.abc import Callable

READERS: dict[str, Callable[[bytes], object]] = {
    kept_coverage.PART: kept_coverage.unpacked,
    kept_findings.PART: kept_findings.unpacked,
    kept_load.PART: kept_load.unpacked,
    kept_said.PART: kept_said.unpacked,
}
"""Name of a part → what gives back what was written, and raises ValueError where it is something else."""
RUNS = {kept_coverage.PART: 10, kept_findings.PART: 10, kept_load.PART: 100, kept_said.PART: 2000}
"""Name of a part → of how many of the newest runs it is kept, those of the default branch first.

Coverage and findings are compared with the newest one that fits; a load test with as many as its `alpha` asks for.
What people heard is asked of as many runs as gates read.
"""
RUNS_OF_OTHERS = 10
"""For a part of another version of truegreen."""

"""What comes from outside is looked at before it is kept: one line that is wrong must not cost the others."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import kept_parts
from truegreen.errors import EvidenceUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.results import RunResults

_AHEAD = timedelta(minutes=10)
"""How far the clock of another machine may be ahead of ours."""
_MOST = 1 << 53
"""Greatest count that every store and every reader of JSON keeps exactly."""


def checked(run: RunResults, where: str, now: datetime) -> RunResults:
    """Return a run whose time is in UTC, and that every store can keep and every gate read.

    Args:
        run: as it was read.
        where: file and line, or another place, for the message.
        now: the present moment.

    Raises:
        EvidenceUnreadable: something in it cannot be.
    """
    wrong = next(_wrong(run), "")
    if wrong:
        raise EvidenceUnreadable("what is there is no run of a history", where=where, why=wrong)
    made = _utc(run.run.created)
    if made is None or made.year < 1970:  # noqa: PLR2004 - no computer wrote that
        why = f"it was made at {run.run.created[:40]!r}, which is no time like 2026-11-21T07:00:00Z"
        raise EvidenceUnreadable("what is there is no run of a history", where=where, why=why)
    if made > now + _AHEAD:
        why = f"it was made at {run.run.created[:40]}, and it is {now:%Y-%m-%dT%H:%M:%SZ} now"
        fix = "set the clock of the machine that wrote it, and correct the time: the newest runs are what is kept"
        raise EvidenceUnreadable("a run is of the future", where=where, why=why, fix=fix)
    created = made.strftime("%Y-%m-%dT%H:%M:%SZ")
    return msgspec.structs.replace(run, run=msgspec.structs.replace(run.run, created=created))


def _utc(text: str) -> datetime | None:
    """Return a moment in UTC; None for what is no time, or does not say in which zone."""
    try:
        made = datetime.fromisoformat(text)
        return made.astimezone(UTC) if made.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _wrong(run: RunResults) -> Iterator[str]:
    """Yield what cannot be in a run."""
    if not run.run.run or any(not test.attempts for tests in run.results.values() for test in tests):
        yield "a run has an identity, and each of its tests an attempt"
    counts = {name: getattr(run.run, name) for name in ("tests", "failed", "flaky")}
    counts |= {f"tests of {stage.stage[:40]}": stage.tests for stage in run.run.stages}
    yield from (
        f"{name} is {told(number)}, not 0 to 2^53" for name, number in counts.items() if not 0 <= number <= _MOST
    )
    times = {"duration_s": run.run.duration_s}
    times |= {f"duration_s of {stage.stage[:40]}": stage.duration_s for stage in run.run.stages}
    times |= {f"duration_s of {one.test[:80]}": one.duration_s for tests in run.results.values() for one in tests}
    yield from (f"{name} is {number}" for name, number in times.items() if not 0 <= number < math.inf)
    ratio = run.run.line_ratio
    if ratio is not None and not 0 <= ratio <= 1:
        yield f"line_ratio is {ratio}, not 0 to 1"
    for name in kept_parts.READERS.keys() & run.parts.keys():
        try:
            kept_parts.READERS[name](run.parts[name])
        except ValueError as error:
            yield f"its part {name} is none: {error}"


def told(number: int) -> str:
    """Return a count for a message; one of a million digits is named by its size."""
    return str(number) if abs(number) < 10**30 else f"a number of {number.bit_length()} bits"

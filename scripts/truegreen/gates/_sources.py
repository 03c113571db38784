"""What the gates on coverage share: which files are the project's own code, and how a threshold is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from truegreen.gates.base import count
from truegreen.model.verdict import Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truegreen.analysis.cheapest import Way
    from truegreen.model.run import StageEvidence

TESTS = ("**/tests/**", "test/**", "**/test_*.py", "**/*_test.py", "**/conftest.py")
"""Files of tests: they execute themselves, and would cover for the code."""
UNITS = {"line": "lines", "branch": "branches"}
"""What is counted of coverage, and its plural."""
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]


def patterns_of(source: Sequence[str]) -> tuple[str, ...]:
    """Return glob patterns for what is measured: folders, and packages wherever they lie; nothing means everything."""
    if not source or "." in source or "./" in source:
        return ("**",)
    packages = [f"**/{name.replace('.', '/')}" for name in source if "/" not in name]
    return (*source, *packages, *(f"{package}.py" for package in packages))


def asked(seen: StageEvidence) -> bool:
    """Return whether a stage measured coverage, or was to: it promised some, or left nothing that could say so.

    Where a project measures none, gate `coverage` is blind, unless it is switched off on purpose; the gates on a
    part of the coverage then have no question.
    """
    return (
        seen.coverage is not None or not seen.records or any(one.kind in ("coverage", "stage") for one in seen.problems)
    )


def facts_of(way: Way, label: str = "") -> tuple[Fact, ...]:
    """Return what is missing to a threshold, and the fewest places that reach it.

    Args:
        way: how it can be reached.
        label: of what, with a colon behind it; empty for everything.
    """
    unit = UNITS[way.unit]
    lacking = Fact(label=f"{label}{unit} missing to the threshold", value=f"{way.lacking:,}")
    if not way.whole:
        return (lacking,)
    held = f"{count(len(way.places), 'place')} with {count(way.counted, way.unit, unit)}"
    return (lacking, Fact(label=f"{label}fewest places that reach it", value=held))


def remedy_of(ways: Sequence[Way], listed: int) -> str:
    """Return what to cover, and what of it is listed.

    Args:
        ways: of each threshold that was missed; none where the files of which no line ran are all that is red.
        listed: places that are shown of each.
    """
    if not ways:
        return "run at least one line of each of these files, or name those that do not count in `exclude` of this gate"
    if not all(way.whole for way in ways):
        return "cover what is listed; the report does not name every branch, and `coverage html` shows the rest"
    more = max(len(way.places) for way in ways) > listed
    first = f"the first {listed} of them are listed, the largest first" if more else "they are listed first"
    return f"cover the fewest places that reach the threshold: {first} (lines are counted, not the work of a test)"

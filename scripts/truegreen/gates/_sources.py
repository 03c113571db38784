"""What the gates on coverage share: which files are the project's own code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truegreen.model.run import StageEvidence

TESTS = ("**/tests/**", "test/**", "**/test_*.py", "**/*_test.py", "**/conftest.py")
"""Files of tests: they execute themselves, and would cover for the code."""
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

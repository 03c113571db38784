"""What becomes of a test that was run more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.model.testrun import BAD, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence


def decided(attempts: Sequence[Outcome]) -> Outcome:
    """Return the outcome of a test from its attempts, in the order in which they were made.

    The last attempt decides, except that a skip never takes a failure away: nothing ran, so nothing is mended.

    Raises:
        ValueError: there is no attempt.
    """
    if not attempts:
        raise ValueError("a test without an attempt has no outcome")
    ran = next((outcome for outcome in reversed(attempts) if outcome is not Outcome.SKIP), Outcome.SKIP)
    return ran if ran in BAD else attempts[-1]

"""Finding the one test that makes a later one fail, by halves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Halving(msgspec.Struct, frozen=True, kw_only=True):
    """What halving led to."""

    suspect: str
    """The one test that is left; it is proved only when `seen` says so, or when somebody runs it alone."""
    narrowest: tuple[str, ...]
    """The fewest tests after which the victim was really seen to fail, in their order."""

    @property
    def seen(self) -> bool:
        """True when the suspect alone was seen to make the victim fail."""
        return self.narrowest == (self.suspect,)


def halve(tests: Sequence[str], fails_after: Callable[[tuple[str, ...]], bool]) -> Halving:
    """Return the suspect among tests after which a victim fails, asking at most ceil(log2 n) times.

    When the first half does not make the victim fail, the second is taken without a question: that holds for one
    polluter and a victim that fails each time. Where it does not hold, `suspect` is wrong, and `seen` is false.

    Args:
        tests: at least one test, in the order in which they ran before the victim; it failed after them.
        fails_after: whether the victim fails after some of them.

    Raises:
        ValueError: there is no test.
    """
    if not tests:
        raise ValueError("no test to halve")
    suspects = narrowest = tuple(tests)
    while len(suspects) > 1:
        middle = len(suspects) // 2
        first, second = suspects[:middle], suspects[middle:]
        if fails_after(first):
            suspects = narrowest = first
        else:
            suspects = second
    return Halving(suspect=suspects[0], narrowest=narrowest)

"""Tests in quarantine: known to be flaky, owned, and for a limited time not counted as such."""

from __future__ import annotations

from datetime import date

import msgspec


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the quarantine file, in force from `created` to `expires`, both days included."""

    test: str
    """Id of one test; without parameters it stands for the test with any."""
    owner: str
    """Who mends it."""
    issue: str
    """Where that is followed."""
    reason: str
    created: date
    expires: date
    renewed: date | None = None
    """The day of the one renewal, within the first term; the second term begins there."""
    file: str = ""
    line: int = 0
    """1-based line of the row's head; 0 when unknown."""
    last_line: int = 0

    def in_force(self, today: date | None) -> bool:
        """Return whether the row counts on a day; without a day none does."""
        return today is not None and self.created <= today <= self.expires

    def covers(self, test: str) -> bool:
        """Return whether a result is of this test: also of one of its parameters, and on one Python of a matrix."""
        return test == self.test or test.startswith((f"{self.test}[", f"{self.test} ["))

"""Times of the base and of a change, measured in turn on one machine."""

from __future__ import annotations

import msgspec

PAIRS_VERSION = 1
TOOL = "base and change in turn"
"""Name, in a stage's record, of all that the pairs took: check-out, installation and runs."""


class Pairs(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of something in each pair of runs; the same place in both is the same pair."""

    base_s: tuple[float, ...]
    change_s: tuple[float, ...]


class PairedTimes(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `paired-times.json`."""

    schema_version: int = PAIRS_VERSION
    base: str
    """Commit the change is compared with."""
    suite: Pairs
    """Wall time of pytest as a whole."""
    tests: dict[str, Pairs] = {}
    """Test → its time with set-up and teardown; only tests of both trees, in runs in which every test passed."""

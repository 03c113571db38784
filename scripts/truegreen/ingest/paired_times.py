"""Reader of `paired-times.json`, which a stage writes that runs the base and the change in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest import _own
from truegreen.model.pairs import PAIRS_VERSION, PairedTimes

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_BYTES = 256 << 20
_LONGEST_S = 1e7
"""No run of tests takes months; larger numbers are no times."""


class PairedTimesReader:
    """Reads the times of both trees; pairs that lack a half are refused."""

    kind: ClassVar[str] = "paired-times"
    part: ClassVar[str] = "pairs"

    def read(self, path: Path, root: Path) -> PairedTimes:  # noqa: ARG002 - the reader's contract
        """Return the record.

        Raises:
            EvidenceUnreadable: malformed, of another version, without a pair, or with impossible times.
        """
        return _own.read(path, _LIMIT_BYTES, PairedTimes, "record of paired times", _contradiction)


def _contradiction(times: PairedTimes) -> str:
    if times.schema_version != PAIRS_VERSION:
        return f"schema_version is {times.schema_version}, this reader knows {PAIRS_VERSION}"
    number = len(times.suite.base_s)
    every = (times.suite, *times.tests.values())
    if not number or any({len(one.base_s), len(one.change_s)} != {number} for one in every):
        return "a pair of runs lacks a half, or there is none"
    if not all(0 <= value <= _LONGEST_S for one in every for value in (*one.base_s, *one.change_s)):
        return "a time is impossible"
    if not all((*times.suite.base_s, *times.suite.change_s)):
        return "a run took no time"
    return ""

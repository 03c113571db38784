"""The contract of a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from truegreen.model.coverage import Coverage
from truegreen.model.finding import Scan
from truegreen.model.image import ImageRecord
from truegreen.model.load import LoadResult
from truegreen.model.mocks import FakeScan
from truegreen.model.mutation import MutationResult
from truegreen.model.persistence import PersistenceEvidence
from truegreen.model.proof import ProofResult
from truegreen.model.style import StyleScan
from truegreen.model.testrun import TestRun, TestSession
from truegreen.model.wiring import WiringScan

if TYPE_CHECKING:
    from pathlib import Path

Parsed = (
    TestRun
    | TestSession
    | Coverage
    | Scan
    | PersistenceEvidence
    | LoadResult
    | ImageRecord
    | MutationResult
    | WiringScan
    | ProofResult
    | FakeScan
    | StyleScan
)


class Reader(Protocol):
    """Reads one kind of file; hostile content is refused, never guessed at."""

    kind: ClassVar[str]
    part: ClassVar[str]
    """The field of StageEvidence it fills: `tests`, `sessions`, `coverage`, `scans`, `persistence`, `load`, `image`,
    `mutation`, `wiring`, `proof`, `fakes`, `style`."""

    # A reader whose files are brought with `truegreen ingest` has, besides, a class method
    # `recognises(opening: Opening) -> bool`; where two recognise one file, its user says which one is meant.
    # One to which several files cost little more than one has `read_shards(paths: Sequence[Path], root: Path)` too.

    def read(self, path: Path, root: Path) -> Parsed:
        """Return the parsed file; paths in it are made relative to `root` (the user's project).

        Raises:
            EvidenceUnreadable: with file and, where known, line.
        """
        ...

"""Parsed evidence: what the gates read."""

from __future__ import annotations

from datetime import date

import msgspec

from truegreen.model.changes import Changes
from truegreen.model.coverage import Coverage
from truegreen.model.evidence import StageRecord
from truegreen.model.finding import Scan
from truegreen.model.image import ImageRecord
from truegreen.model.load import LoadResult
from truegreen.model.mocks import FakeScan
from truegreen.model.mutation import MutationResult
from truegreen.model.pairs import PairedTimes
from truegreen.model.persistence import PersistenceEvidence
from truegreen.model.proof import ProofResult
from truegreen.model.quarantine import Quarantined
from truegreen.model.requirement import Requirement
from truegreen.model.style import StyleScan
from truegreen.model.testrun import TestRun, TestSession
from truegreen.model.verdict import Input
from truegreen.model.waiver import Waiver, WaiverUse
from truegreen.model.wiring import WiringScan


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence that is missing, unreadable, partial or stale; always blind."""

    kind: str
    """Kind of evidence it concerns, or `stage` for the record itself."""
    message: str
    path: str = ""
    line: int = 0
    code: str = "TG201"
    fix: str = ""


class StageEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything read about one stage, merged over its shards."""

    stage: str
    records: tuple[StageRecord, ...] = ()
    """One for each shard; empty when the stage left nothing."""
    tests: TestRun | None = None
    sessions: tuple[TestSession, ...] = ()
    """One for each pytest process that ran (shard or repeat)."""
    coverage: Coverage | None = None
    scans: tuple[Scan, ...] = ()
    persistence: tuple[PersistenceEvidence, ...] = ()
    load: LoadResult | None = None
    image: ImageRecord | None = None
    inputs: tuple[Input, ...] = ()
    """One for each file of test results that could be read."""
    unmeasured: tuple[str, ...] = ()
    """Shards with results of tests and without coverage, where another one has both; `(none)` has no name."""
    carried: frozenset[str] = frozenset()
    """Tests whose results only an earlier attempt of the run left: of shards that were not started again."""
    failed_in: dict[str, str] = {}
    """Test that failed → the first shard in which it did; empty where the stage has one shard or none is named."""
    mutation: MutationResult | None = None
    pairs: tuple[PairedTimes, ...] = ()
    """One for each shard that ran base and change in turn."""
    wiring: WiringScan | None = None
    proof: ProofResult | None = None
    fakes: FakeScan | None = None
    style: StyleScan | None = None
    problems: tuple[Problem, ...] = ()


class RunEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything read about one run."""

    stages: tuple[StageEvidence, ...] = ()
    planned: tuple[str, ...] = ()
    """Stages that had to run for this event."""
    not_planned: dict[str, str] = {}
    """Stage → why it was not planned."""
    commit: str = ""
    """The commit being judged; evidence of another one is stale."""
    dirty: bool = False
    tree: str = ""
    """The tracked files as they are now, at a desk; empty elsewhere, and where git cannot tell."""
    committed: str = ""
    """The tracked files of the commit, in a CI: evidence of others is not of the commit; empty at a desk."""

    changes: Changes | None = None
    """What the change changes; None when there is no base to compare with, or it was not asked for."""
    today: date | None = None
    """The day of the judgement, in UTC; without it no waiver or quarantine is in force, no dated threshold known."""
    switched_off: tuple[str, ...] = ()
    """Stages that the configuration leaves out of every plan."""
    requirements: tuple[Requirement, ...] | None = None
    """The requirement registry; None when the project keeps none."""
    waivers: tuple[Waiver, ...] = ()
    waiver_uses: tuple[WaiverUse, ...] = ()
    """What became of each waiver; filled while the stages are judged."""
    changes_unknown: str = ""
    """Why the change cannot be known though there is one; empty when it is known, or there is none."""
    quarantine: tuple[Quarantined, ...] = ()
    """Tests in quarantine, rows that are not in force included."""

    def of(self, stage: str) -> StageEvidence:
        """Return the evidence of a stage, empty when it left none."""
        return next((e for e in self.stages if e.stage == stage), StageEvidence(stage=stage))

"""Verdicts and the report: everything shown anywhere is rendered from these."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from truegreen.model.detail import Count, Detail
from truegreen.model.evidence import ServiceRecord, ToolRun

REPORT_VERSION = 1


class Status(StrEnum):
    """The five verdicts."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    FAIL = "fail"
    BLIND = "blind"
    """Evidence missing, partial, stale or unreadable: red."""
    WAIVED = "waived"
    """A fail or blind covered by a waiver in force."""
    SKIPPED = "skipped"
    """Not planned for this event, with the reason."""

    @property
    def red(self) -> bool:
        """True for a status that makes the run red."""
        return self in (Status.FAIL, Status.BLIND)


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One line of evidence: what was measured, and what was asked for."""

    label: str
    value: str
    wanted: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One failing test, finding, file or table behind a verdict."""

    title: str
    message: str = ""
    detail: str = ""
    path: str = ""
    line: int = 0
    last_line: int = 0
    """Where it ends; 0 for a single line."""
    level: str = "error"
    """`error`, `warning` or `notice`, as an annotation would show it."""
    shard: str = ""
    """Where a test failed; empty where the stage ran in one piece."""
    unlisted: Count = 0
    """Further failures with the same cause, which are counted here and not listed."""
    owners: tuple[str, ...] = ()
    """Of the file, as CODEOWNERS names them; empty where it names none or was not read."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one gate says about one stage."""

    gate: str
    stage: str
    status: Status
    reason: str
    """One sentence that names the observed value."""
    facts: tuple[Fact, ...] = ()
    items: tuple[Item, ...] = ()
    unlisted: Count = 0
    """Items beyond these, those that the items count among them."""
    remedy: str = ""
    """How to make it green."""
    code: str = ""
    """Error code for `truegreen explain`, where there is one."""
    waiver: str = ""
    """Row of the waiver file, to be filled in and approved; empty for what is green or never waived."""
    advisory: bool = False
    """Shown, but never turns anything red."""

    @property
    def red(self) -> bool:
        """True when this verdict turns its stage red."""
        return self.status.red and not self.advisory


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One file of test results that was read, with the cases counted in it, before anything was merged."""

    stage: str
    shard: str = ""
    file: str
    """Relative to the shard's evidence folder."""
    kind: str
    """Name of the reader."""
    tests: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    flaky: int = 0
    """Tests whose attempts in this file disagree; each is counted under its last outcome too."""


class KeptFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of evidence, with the digest it had when its stage ended."""

    path: str
    """Relative to `.truegreen/`."""
    kind: str
    sha256: str
    size_bytes: int
    attachment: str = ""
    """Where a copy lies, relative to the report; empty where none was made."""


class LogTail(msgspec.Struct, frozen=True, kw_only=True):
    """The end of the log of a service."""

    service: str
    text: str
    """Its last lines; empty where they are left out."""
    path: str = ""
    """Where the whole log lies, relative to `.truegreen/`."""
    left_out: str = ""
    """Why they are left out, as a clause."""


class StageReport(msgspec.Struct, frozen=True, kw_only=True):
    """One stage with its verdicts."""

    stage: str
    status: Status
    headline: str = ""
    """One clause: `112 tests in 4.1 s`, or the first red reason."""
    duration_s: float = 0.0
    command: str = ""
    """How to repeat it at a desk."""
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()
    tools: tuple[ToolRun, ...] = ()
    services: tuple[ServiceRecord, ...] = ()
    machines: tuple[str, ...] = ()
    """What each shard ran on: the name of the runner where a CI gives one, system and interpreter; no two alike."""
    evidence: tuple[str, ...] = ()
    """Paths of evidence files, relative to `.truegreen/`."""
    files: tuple[KeptFile, ...] = ()
    """The same files with their digests."""
    inputs: tuple[Input, ...] = ()
    """What each file of test results held, so that a missing or empty one is seen."""
    logs: tuple[LogTail, ...] = ()
    """Of the services of a red stage."""


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where a report comes from."""

    repository: str = ""
    project: str = ""
    """Folder of the project below the repository; empty for its root."""
    commit: str = ""
    base_commit: str = ""
    ref: str = ""
    event: str = ""
    pull_request: int | None = None
    run_url: str = ""
    run_id: str = ""
    run_attempt: int = 1
    pack_version: str = ""
    pack_commit: str = ""
    created: str = ""
    """ISO 8601, UTC."""
    dirty: bool = False
    base: bool = False
    """True for a run of the default branch."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `verdict.json`."""

    schema_version: int = REPORT_VERSION
    status: Status
    headline: str
    duration_s: float = 0.0
    stages: tuple[StageReport, ...] = ()
    history: str = ""
    """What the run was compared with, and why it will not be kept; empty where no history is carried."""
    provenance: Provenance = Provenance()
    detail: Detail | None = None
    """What lies behind the verdicts: every test, earlier runs; None where nobody looked."""

    def red_verdicts(self) -> tuple[Verdict, ...]:
        """Return the verdicts that make the run red, in stage order."""
        return tuple(v for stage in self.stages for v in stage.verdicts if v.red)

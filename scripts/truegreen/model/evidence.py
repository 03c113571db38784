"""What a stage leaves behind: `stage.json`, the record of one run of one stage."""

from __future__ import annotations

from enum import StrEnum

import msgspec

SCHEMA_VERSION = 1
TEST_COMMAND = "test command"
"""Name, in the records, of another test runner's command whose files were taken in."""


class RunState(StrEnum):
    """How far a stage came; says nothing about whether its gates pass."""

    RAN = "ran"
    """Every tool was started and came to its own end."""
    SKIPPED = "skipped"
    """Nothing was started, for the reason given."""
    BROKEN = "broken"
    """The stage stopped before its end; the error says why."""


class ToolRun(msgspec.Struct, frozen=True, kw_only=True):
    """One program that a stage started."""

    name: str
    version: str = ""
    argv: tuple[str, ...] = ()
    exit_code: int | None = None
    """None when the program was killed or never started."""
    duration_s: float = 0.0
    timed_out: bool = False


class EvidenceFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of evidence, with the digest it had when the stage ended."""

    path: str
    """Relative to the stage's folder, with `/`."""
    kind: str
    """Name of a reader in the registry, or `log` for text nobody parses."""
    sha256: str
    size_bytes: int


class ErrorRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An error of `truegreen.errors`, as data."""

    code: str
    what: str
    where: str = ""
    why: str = ""
    fix: str = ""
    exit_code: int = 70


class ServiceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A service that was up while the stage ran."""

    name: str
    provider: str
    version: str = ""
    ready_s: float = 0.0
    image: str = ""
    """Image of its container."""
    pinned: bool = True
    """False where the image is named by a tag alone, which can be moved."""
    image_age_days: float = -1.0
    """Age of the image when the stage ran, -1 where it is not known."""
    restarts: int = 0
    """How often the container was started again after it was ready."""
    out_of_memory: bool = False
    """True when the kernel killed a process of the container for lack of memory."""
    ended: str = ""
    """How it ended before the stage did; empty where it did not."""

    def incidents(self) -> tuple[str, ...]:
        """Return what happened to it while the stage ran, worst first."""
        found = [self.ended] if self.ended else []
        found += ["ran out of memory"] if self.out_of_memory else []
        found += [f"restarted {self.restarts} time{'s' * (self.restarts != 1)}"] if self.restarts else []
        return tuple(found)

    def origin(self) -> str:
        """Return what is to be known about its image: not pinned, and how old; empty where nothing is."""
        if self.pinned:
            return ""
        return "not pinned" if self.image_age_days < 0 else f"not pinned, {self.image_age_days:.0f} days old"


class StageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `.truegreen/<stage>[-<shard>]/stage.json`."""

    schema_version: int = SCHEMA_VERSION
    stage: str
    shard: str = ""
    state: RunState
    reason: str = ""
    """Why it was skipped, or the error's first line."""
    commit: str = ""
    tree: str = ""
    tree_before: str = ""
    """git's tree of the tracked files as they were before the tests ran; of results taken in, when they were."""
    dirty: bool = False
    """True when the work tree held uncommitted changes."""
    started: str = ""
    """ISO 8601, UTC."""
    duration_s: float = 0.0
    pack_version: str = ""
    pack_commit: str = ""
    python: str = ""
    """Version of the interpreter that ran the user's tests."""
    platform: str = ""
    environment: str = ""
    """Digest of all that decides a result beside the code: locks, interpreter, platform, versions of services."""
    run_id: str = ""
    """Identity of the CI run and attempt, empty on a laptop."""
    runner: str = ""
    """Name of the CI's machine; stages with the same one waited for each other."""
    tools: tuple[ToolRun, ...] = ()
    services: tuple[ServiceRecord, ...] = ()
    files: tuple[EvidenceFile, ...] = ()
    expects: tuple[str, ...] = ()
    """Kinds of evidence the stage promised; one that is missing is blind."""
    ingested: bool = False
    """True when the files were brought with `truegreen ingest`: another program ran the tests, without our plugin."""
    notes: tuple[str, ...] = ()
    """Facts a reader of the report needs, such as which provider was used."""
    command: str = ""
    """The command that repeats this stage at a desk."""
    error: ErrorRecord | None = None

    @property
    def folder(self) -> str:
        """Name of the evidence folder and of the artifact's suffix."""
        return f"{self.stage}-{self.shard}" if self.shard else self.stage

"""What truegreen asks of a forge, and how a forge answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

MARKER = "<!-- truegreen:report -->"
CHECK_NAME = "truegreen"
STATUS_CONTEXT = "truegreen/result"
COMMENT_LIMIT = 65_536
OUTPUT_LIMIT = 65_535
ANNOTATION_BATCH = 50
ANNOTATIONS_MAX = 100
"""Two requests hold them; the summary has the rest. Keeps a publication at six requests."""
DESCRIPTION_LIMIT = 140


class Outcome(StrEnum):
    """What became of one surface."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    """Already there, byte for byte: nothing was sent."""
    SUPERSEDED = "left to a later run"
    """A run that began later has written it: what this one says is old, and nothing was sent."""
    ABSENT = "absent"
    """The forge does not have this surface (Gitea has no check runs)."""
    REFUSED = "refused"
    """The token may not write it."""
    FAILED = "failed"
    """The forge could not be reached, kept failing, or refused the content."""


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """One remark on one line."""

    path: str
    line: int
    level: str
    """`notice`, `warning` or `failure`."""
    title: str
    message: str


class CheckRun(msgspec.Struct, frozen=True, kw_only=True):
    """The check run to be seen on a commit."""

    head_sha: str
    conclusion: str
    """`success`, `failure`, `neutral` or `skipped`."""
    title: str
    summary: str
    """Markdown, at most 65,535 characters."""
    details_url: str = ""
    annotations: tuple[Annotation, ...] = ()
    name: str = CHECK_NAME
    external_id: str = ""
    """Identity of the content: the same report told twice is the same check run."""


class CommitStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The commit status to be seen on a commit."""

    sha: str
    state: str
    """`success`, `failure` or `error`."""
    description: str
    target_url: str = ""
    context: str = STATUS_CONTEXT
    """Of statuses of one context the newest counts."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """The forge's answer about one surface."""

    surface: str
    """`comment`, `check run` or `commit status`."""
    outcome: Outcome
    url: str = ""
    reason: str = ""
    """Why it, or a part of it, is not there, in words; without secrets."""
    permission: str = ""
    """The permission that is missing, such as `pull-requests: write`."""

    @property
    def ok(self) -> bool:
        """True when the surface shows the report, or a later one."""
        return self.outcome in (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.SUPERSEDED)


class Forge(Protocol):
    """A place that shows a report: never raises for a refusal, the answer says it."""

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        ...

    def upsert_comment(self, number: int, bodies: tuple[str, ...]) -> Written:
        """Write the one comment: the first body that the forge accepts; later ones are shorter.

        All begin with the same line, the marker by which the comment is found again.
        """
        ...

    def upsert_check_run(self, check: CheckRun) -> Written:
        """Write the check run; annotations go in batches of 50."""
        ...

    def set_status(self, status: CommitStatus) -> Written:
        """Write the commit status, unless a later run has written it."""
        ...

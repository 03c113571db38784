"""The run whose report is published by another: who it is, as the forge says it, never as its artifact does.

A run of a fork holds no right to write, so a second workflow publishes what it left. That one runs with rights
and reads what anybody may have written: everything that names a place to write to comes from the event or the API.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

import msgspec

from truegreen.errors import EvidenceMissing, EvidenceUnreadable, UsageError
from truegreen.forge.answers import SHA, table, text
from truegreen.forge.answers import rows as rows_of
from truegreen.forge.event import Event

EVENT = "workflow_run"
PUBLISHED = ("pull_request",)
"""Events whose runs are published for them; the others publish with a token of their own."""
WAITING = "action_required"
"""How a run "ends" that somebody has to approve first, as that of a first-time contributor."""
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_PAGE = "100"
_TEXT_LIMIT = 255


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run, as the forge tells it."""

    id: int
    attempt: int = 1
    event: str = ""
    head_sha: str
    head_branch: str = ""
    head_repository: str = ""
    """`owner/name`; empty where the fork was deleted."""
    conclusion: str = ""
    """`success`, `failure`, `cancelled` …"""


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """The open pull request that a run belongs to."""

    number: int
    base_sha: str = ""
    base_ref: str = ""


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """One archive that a run left."""

    id: int
    size_bytes: int
    sha256: str = ""
    """Of the archive, 64 hex digits; empty where the forge does not say."""


class Reader(Protocol):
    """What is read of a forge."""

    def read(self, path: str, query: dict[str, str], permission: str) -> Any:
        """Return what lies below the repository."""
        ...


def of_payload(event: Event, payload: bytes) -> Run:
    """Return the run that an event of kind `workflow_run` is about.

    Raises:
        UsageError: it is an event of another kind, or names no finished run.
    """
    if event.name != EVENT:
        raise UsageError(
            f"the event is {event.name}, not {EVENT}",
            where="GITHUB_EVENT_NAME",
            fix="call publish.yml from a workflow that starts on `workflow_run`: docs/publishing.md",
        )
    try:
        data = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        data = None
    run = data.get("workflow_run") if isinstance(data, dict) else None
    told = run if isinstance(run, dict) else {}
    sha, number = told.get("head_sha"), told.get("id")
    if not (isinstance(sha, str) and SHA.fullmatch(sha)) or type(number) is not int or number < 1:
        raise UsageError(
            "the event names no run", where="GITHUB_EVENT_PATH", fix="start the workflow on `workflow_run`"
        )
    if told.get("status") != "completed":
        raise UsageError(
            "the run has not ended yet",
            where="GITHUB_EVENT_PATH",
            fix="write `types: [completed]` below `workflow_run`",
        )
    attempt = told.get("run_attempt")
    return Run(
        id=number,
        attempt=attempt if type(attempt) is int and attempt > 0 else 1,
        event=text(told.get("event"), _TEXT_LIMIT),
        head_sha=sha,
        head_branch=text(told.get("head_branch"), _TEXT_LIMIT),
        head_repository=_repository(told.get("head_repository")),
        conclusion=text(told.get("conclusion"), _TEXT_LIMIT),
    )


def pull_of(reader: Reader, run: Run) -> tuple[Pull | None, str]:
    """Return the one open pull request whose head is the run's, or None and why there is none.

    Raises:
        ForgeError: the forge refuses, or cannot be reached.
    """
    if not (run.head_repository and run.head_branch):
        return None, "the repository or branch of its head is gone"
    owner = run.head_repository.partition("/")[0]
    query = {"state": "open", "head": f"{owner}:{run.head_branch}", "per_page": _PAGE}
    rows = rows_of(reader.read("/pulls", query, "pull-requests: read"))
    same = [row for row in rows if _repository(table(row, "head").get("repo")).lower() == run.head_repository.lower()]
    found = [row for row in same if table(row, "head").get("sha") == run.head_sha and type(row.get("number")) is int]
    if len(found) == 1:
        base = table(found[0], "base")
        sha = base.get("sha")
        known = sha if isinstance(sha, str) and SHA.fullmatch(sha) else ""
        return Pull(number=found[0]["number"], base_sha=known, base_ref=text(base.get("ref"), _TEXT_LIMIT)), ""
    if found:
        return None, f"{len(found)} open pull requests have this head, and the run does not say which it judged"
    return None, "its head has moved on since" if same else "no open pull request has this head"


def artifact_of(reader: Reader, run: Run, name: str, *, limit_bytes: int) -> Artifact:
    """Return the newest artifact of a name that a run left.

    Raises:
        EvidenceMissing: there is none, or it has expired.
        EvidenceUnreadable: it is larger than the limit.
        ForgeError: the forge refuses, or cannot be reached.
    """
    data = reader.read(f"/actions/runs/{run.id}/artifacts", {"name": name, "per_page": _PAGE}, "actions: read")
    rows = [row for row in rows_of(data, "artifacts") if row.get("name") == name]
    kept = [row for row in rows if type(row.get("id")) is int and row.get("expired") is not True]
    if not kept:
        raise EvidenceMissing(
            f"the run left no artifact {name}",
            where=f"run {run.id}",
            why="it has expired" if rows else f"the run ended with {run.conclusion or 'no conclusion'}",
            fix="look at the log of the run: its report job was not reached, or could not upload",
        )
    newest = max(kept, key=lambda row: (str(row.get("created_at") or ""), row["id"]))
    size, digest = newest.get("size_in_bytes"), str(newest.get("digest") or "")
    if type(size) is not int or size > limit_bytes:
        raise EvidenceUnreadable(
            f"artifact {name} has {size} bytes, the limit is {limit_bytes:,}", where=f"run {run.id}"
        )
    return Artifact(id=newest["id"], size_bytes=size, sha256=digest.removeprefix("sha256:"))


def as_event(run: Run, pull: Pull | None, here: Event) -> Event:
    """Return the event of the run itself, for publishing in its name; nothing of it comes from an artifact."""
    return Event(
        name=run.event,
        repository=here.repository,
        sha=run.head_sha,
        base_sha=pull.base_sha if pull else "",
        ref=f"refs/pull/{pull.number}/merge" if pull else "",
        head_ref=run.head_branch,
        base_ref=pull.base_ref if pull else "",
        pull_request=pull.number if pull else None,
        is_fork=run.head_repository.lower() != here.repository.lower(),
        default_branch=here.default_branch,
        run_id=str(run.id),
        run_attempt=run.attempt,
        run_url=f"{here.server_url}/{here.repository}/actions/runs/{run.id}" if here.server_url else "",
        server_url=here.server_url,
        api_url=here.api_url,
    )


def _repository(value: Any) -> str:
    name = value.get("full_name") if isinstance(value, dict) else None
    return name if isinstance(name, str) and _REPOSITORY.fullmatch(name) else ""

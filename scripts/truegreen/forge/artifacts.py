"""Archives that runs of a repository left, and what the forge says of those runs: never what an archive says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import quote

import msgspec

from truegreen.errors import ForgeRefused
from truegreen.forge.answers import SHA, table, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.forge.origin import Reader

PERMISSION = "actions: read"
_CONTENTS = "contents: read"
PAGE = 100
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """One archive that a run left."""

    id: int
    run_id: int
    own: bool
    """True when the code of its run comes from this repository, and not from a fork of it."""
    expired: bool = False
    size_bytes: int = 0
    sha256: str = ""
    """Of the archive, 64 hex digits; empty where the forge does not say."""
    created: str = ""
    """ISO 8601, UTC; empty where the forge does not say."""
    head_branch: str = ""


class PastWorkflowRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run, as the forge tells it."""

    id: int
    attempt: int
    """Its newest."""
    event: str
    actor: str
    head_sha: str
    head_branch: str
    path: str
    """File of its workflow, such as `.github/workflows/ci.yml`."""
    from_fork: bool
    """True when its code comes from another repository, also from one that is gone."""
    workflow: int = 0
    """Number of its workflow; 0 where the forge does not say."""


def uploads(reader: Reader, name: str, pages: int) -> Iterator[tuple[Upload, ...]]:
    """Yield the archives of a name in a repository, newest first, a page of the forge's at a time.

    Args:
        reader: reads the forge.
        name: of the archives.
        pages: how many are asked for at most; where the forge has more, one more is yielded, which is empty.

    Raises:
        ForgeRefused: the forge says no, or answers something else.
        ForgeUnreachable: it cannot be reached, or keeps failing.
    """
    for rows in _pages(reader, "/actions/artifacts", {"name": name}, ("artifacts", "artifacts"), pages):
        found = [_upload(row) for row in rows if isinstance(row, dict) and row.get("name") == name]
        yield tuple(upload for upload in found if upload is not None)


def past_run(reader: Reader, number: int) -> PastWorkflowRun:
    """Return what the forge says of a run of this repository.

    Raises:
        ForgeRefused: the forge says no, or answers something else.
        ForgeUnreachable: it cannot be reached, or keeps failing.
    """
    told = _past_run(reader.read(f"/actions/runs/{number}", {}, PERMISSION))
    if told is None or told.id != number:
        raise ForgeRefused(f"the forge's word on run {number} is none")
    return told


def runs_of(reader: Reader, workflow: int, branch: str, pages: int) -> Iterator[tuple[PastWorkflowRun, ...]]:
    """Yield the runs of a workflow whose heads are called like a branch, newest first, a page at a time.

    Args:
        reader: reads the forge.
        workflow: its number.
        branch: also tags of that name are found, and branches of forks.
        pages: how many are asked for at most; where the forge has more, one more is yielded, which is empty.

    Raises:
        ForgeRefused: the forge says no, or answers something else.
        ForgeUnreachable: it cannot be reached, or keeps failing.
    """
    path = f"/actions/workflows/{workflow}/runs"
    for rows in _pages(reader, path, {"branch": branch}, ("workflow_runs", "runs"), pages):
        yield tuple(run for run in map(_past_run, rows) if run is not None)


def _pages(reader: Reader, path: str, query: dict[str, str], named: tuple[str, str], pages: int) -> Iterator[list[Any]]:
    """Yield the rows of a list of the forge's, a page at a time; one more that is empty where the forge has more.

    Args:
        reader: reads the forge.
        path: of the list.
        query: what is asked for.
        named: what the list is called in the answer, and to people.
        pages: how many are asked for at most.

    Raises:
        ForgeRefused: the forge says no, or answers something else.
        ForgeUnreachable: it cannot be reached, or keeps failing.
    """
    key, noun = named
    for number in range(1, pages + 1):
        data = reader.read(path, {**query, "per_page": str(PAGE), "page": str(number)}, PERMISSION)
        rows = data.get(key) if isinstance(data, dict) else None
        if not isinstance(rows, list):
            raise ForgeRefused(f"the forge's list of {noun} is none")
        yield rows
        if len(rows) < PAGE:
            return
    yield []


def tip(reader: Reader, branch: str) -> str:
    """Return the newest commit of a branch; never that of a tag of the same name.

    Raises:
        ForgeRefused: the forge says no, or answers something else.
        ForgeUnreachable: it cannot be reached, or keeps failing.
    """
    data = reader.read(f"/git/ref/{quote(f'heads/{branch}', safe='')}", {}, _CONTENTS)
    told = data if isinstance(data, dict) else {}
    sha = text(table(told, "object").get("sha"))
    if told.get("ref") != f"refs/heads/{branch}" or not SHA.fullmatch(sha):
        raise ForgeRefused(f"the forge's word on branch {branch} is none")
    return sha


def reaches(reader: Reader, newest: str, sha: str) -> bool:
    """Return whether a commit is another, or one of those it was made on.

    Raises:
        ForgeRefused: the forge says no, or knows no such commit.
        ForgeUnreachable: it cannot be reached, or keeps failing.
    """
    data = reader.read(f"/compare/{newest}...{sha}", {"per_page": "1"}, _CONTENTS)
    return isinstance(data, dict) and data.get("status") in ("behind", "identical")


def _past_run(row: Any) -> PastWorkflowRun | None:
    """Return the forge's word on a run; None for what is none."""
    told = row if isinstance(row, dict) else {}
    number, workflow, attempt = told.get("id"), told.get("workflow_id"), told.get("run_attempt")
    event, sha, path = text(told.get("event")), text(told.get("head_sha")), text(told.get("path"))
    home = table(told, "repository").get("id")
    if not _is_number(number) or not event or not SHA.fullmatch(sha) or type(home) is not int:
        return None
    return PastWorkflowRun(
        id=number,
        attempt=attempt if type(attempt) is int and attempt > 0 else 1,
        event=event,
        actor=text(table(told, "actor").get("login")),
        head_sha=sha,
        head_branch=text(told.get("head_branch")),
        path=path.partition("@")[0],
        from_fork=table(told, "head_repository").get("id") != home,
        workflow=workflow if _is_number(workflow) else 0,
    )


def _upload(row: dict[str, Any]) -> Upload | None:
    """Return a row of the forge's list; None for one that names neither archive nor run."""
    run = table(row, "workflow_run")
    number, run_id, size = row.get("id"), run.get("id"), row.get("size_in_bytes")
    if not (_is_number(number) and _is_number(run_id) and type(size) is int and size >= 0):
        return None
    home = run.get("repository_id")
    created = text(row.get("created_at"))
    return Upload(
        id=number,
        run_id=run_id,
        own=type(home) is int and run.get("head_repository_id") == home,
        expired=row.get("expired") is not False,
        size_bytes=size,
        sha256=text(row.get("digest")).removeprefix("sha256:"),
        created=created if _MOMENT.fullmatch(created) else "",
        head_branch=text(run.get("head_branch")),
    )


def _is_number(value: Any) -> TypeGuard[int]:
    """Return whether a value can number something; a note about it keeps no others."""
    return type(value) is int and 0 < value < 1 << 53

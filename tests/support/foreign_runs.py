"""A run of a fork that ended, what it left, and the event by which another workflow hears of it."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import msgspec
from tests.support.reports import report

from truegreen.model.verdict import Report, Status

if TYPE_CHECKING:
    from tests.support.app_desk import Desk, Ended

SHA = "a" * 40
RUN = 77
HERE = "refs/heads/main"


def left(status: Status = Status.PASS, told: Report | None = None, **changes: Any) -> Report:
    """Return the report of a run of pull request 7, as the run itself would write it."""
    made = told or report(status)
    known = {"repository": "o/r", "commit": SHA, "run_id": str(RUN), "event": "pull_request", "pull_request": 7}
    return msgspec.structs.replace(made, provenance=msgspec.structs.replace(made.provenance, **{**known, **changes}))


def zipped(*files: tuple[str, bytes]) -> bytes:
    """Return an archive of files, in this order, as an upload makes it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return target.getvalue()


def archive(told: Report | None = None, *more: tuple[str, bytes]) -> bytes:
    """Return the artifact of a run: `verdict.json` among other files."""
    verdict = msgspec.json.encode(told or left())
    return zipped(("comment.md", b"# all green, said the fork"), ("verdict.json", verdict), *more)


def payload(**changes: Any) -> dict[str, Any]:
    """Return the event of a run of a fork that has ended, with other values for the run where they are given.

    The keys are those of GitHub's published examples (@octokit/webhooks-examples 7.6.1).
    """
    run = {
        "id": RUN,
        "run_attempt": 1,
        "event": "pull_request",
        "status": "completed",
        "conclusion": "success",
        "head_sha": SHA,
        "head_branch": "topic",
        "head_repository": {"full_name": "eve/r"},
        "pull_requests": [],
        **changes,
    }
    home = {"full_name": "o/r", "name": "r", "owner": {"login": "o"}, "default_branch": "main"}
    return {"action": "completed", "workflow_run": run, "repository": home}


def ended(desk: Desk, *, told: dict[str, Any] | None = None, **changes: Any) -> None:
    """Make this the workflow that starts when the run of a fork has ended, or another event where one is told."""
    desk.event(
        "workflow_run",
        payload(**changes) if told is None else told,
        GITHUB_REF=HERE,
        GITHUB_RUN_ID="900",
        GITHUB_SHA="d" * 40,
        GITHUB_SERVER_URL="https://github.com",
    )


def published(desk: Desk, **changes: Any) -> Ended:
    """Publish after the run ended."""
    ended(desk, **changes)
    return desk.run("ci", "publish")

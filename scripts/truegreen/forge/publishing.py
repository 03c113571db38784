"""What a report looks like on a forge (pure), and the writing of it.

The verdict is never changed here: a forge that cannot be written leaves the report in the summary.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from truegreen.forge.port import (
    ANNOTATIONS_MAX,
    COMMENT_LIMIT,
    DESCRIPTION_LIMIT,
    MARKER,
    OUTPUT_LIMIT,
    Annotation,
    CheckRun,
    CommitStatus,
    Forge,
    Outcome,
    Written,
)
from truegreen.model.verdict import Item, Report, Status
from truegreen.runtime.console import neutral

if TYPE_CHECKING:
    from collections.abc import Callable

    from truegreen.forge.event import Event

CONCLUSION = {
    Status.PASS: "success",
    Status.WAIVED: "success",
    Status.FAIL: "failure",
    Status.BLIND: "failure",
    Status.SKIPPED: "skipped",
}
STATE = {
    Status.PASS: "success",
    Status.WAIVED: "success",
    Status.FAIL: "failure",
    Status.BLIND: "error",
    Status.SKIPPED: "success",
}
_LEVEL = {"error": "failure", "warning": "warning", "notice": "notice"}
_TITLE_LIMIT = 255
_MESSAGE_LIMIT = 4000
_HEADLINE_LIMIT = 300


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written; None and empty for a surface that does not apply."""

    comment: tuple[str, ...] = ()
    """Bodies to try, each shorter than the one before."""
    number: int = 0
    """The pull request the comment belongs to."""
    check: CheckRun | None = None
    status: CommitStatus | None = None
    skipped: tuple[str, ...] = ()
    """Surfaces that do not apply, each with the reason."""


class PublishResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a publication."""

    lines: tuple[str, ...]
    """For the log: one line a surface."""
    ok: bool
    """False when a surface that applies does not show the report."""
    written: tuple[Written, ...] = ()
    calls: int = 0
    """Requests that were sent."""


def plan(report: Report, comment_body: str, event: Event, shorter: Callable[[int], str] | None = None) -> Publication:
    """Return what is to be written; pure.

    Args:
        report: the judged run.
        comment_body: Markdown of the comment reporter; the marker is put in front if it is not there.
        event: what started the run; its head commit and pull request are written to.
        shorter: given a budget in UTF-8 bytes, returns a comment that fits.
    """
    sha = event.sha or report.provenance.commit
    run_url = event.run_url or report.provenance.run_url
    bodies = _bodies(report, comment_body, run_url, shorter)
    skipped = []
    if event.pull_request is None:
        skipped.append("comment: not a pull request")
    if not sha:
        skipped.append("check run and commit status: the commit is unknown")
    return Publication(
        comment=bodies if event.pull_request is not None else (),
        number=event.pull_request or 0,
        check=_check(report, bodies, sha, run_url) if sha else None,
        status=_status(report, sha, run_url) if sha else None,
        skipped=tuple(skipped),
    )


def publish(
    report: Report, comment_body: str, forge: Forge, event: Event, shorter: Callable[[int], str] | None = None
) -> PublishResult:
    """Write a report to the forge; never raises for a refusal."""
    todo = plan(report, comment_body, event, shorter)
    written = []
    if todo.comment:
        written.append(forge.upsert_comment(todo.number, todo.comment))
    if todo.check is not None:
        written.append(forge.upsert_check_run(todo.check))
    if todo.status is not None:
        written.append(forge.set_status(todo.status))
    ok = all(part.ok or part.outcome is Outcome.ABSENT for part in written)
    lines = [*(f"{text}; not written" for text in todo.skipped), *map(_line, written)]
    if not ok:
        reader = "the token of a fork can only read; " if event.is_fork else ""
        lines.append(f"{reader}the report is in the summary of the run, and the verdict stands")
    return PublishResult(lines=tuple(lines), ok=ok, written=tuple(written), calls=forge.calls)


def dry_run(report: Report, comment_body: str, event: Event) -> PublishResult:
    """Say what would be written, and send nothing."""
    todo = plan(report, comment_body, event)
    lines = [f"{text}; would not be written" for text in todo.skipped]
    if todo.comment:
        size = len(todo.comment[0])
        lines.append(f"comment: would be written to {event.repository}#{todo.number} ({size:,} characters)")
    if todo.check is not None:
        count = len(todo.check.annotations)
        lines.append(f"check run: would be {todo.check.conclusion} on {todo.check.head_sha[:12]}, {count} annotations")
    if todo.status is not None:
        lines.append(f"commit status: would be {todo.status.state} on {todo.status.sha[:12]}")
    return PublishResult(lines=tuple(lines), ok=True)


def _bodies(report: Report, comment_body: str, run_url: str, shorter: Callable[[int], str] | None) -> tuple[str, ...]:
    """Return the comment, a shorter one, and one of a few lines; none over the limit."""
    candidates = [comment_body]
    if shorter is not None:
        candidates += [shorter(COMMENT_LIMIT - len(MARKER) - 1), shorter(COMMENT_LIMIT // 4)]
    place = f"[the summary of the run]({run_url})" if run_url.startswith("https://") else "the summary of the run"
    headline = " ".join(_plain(report.headline)[:_HEADLINE_LIMIT].split())
    candidates.append(f"**truegreen: {report.status.value}**\n\n    {headline}\n\nThe full report is in {place}.")
    bodies: list[str] = []
    for text in candidates:
        body = text if text.lstrip().startswith(MARKER) else f"{MARKER}\n{text}"
        fits = len(body.encode("utf-8", "replace")) <= COMMENT_LIMIT
        if fits and (not bodies or len(body) < len(bodies[-1])):
            bodies.append(body)
    return tuple(bodies)


def _check(report: Report, bodies: tuple[str, ...], sha: str, run_url: str) -> CheckRun:
    annotations, more = _annotations(report)
    note = f"\n\n{more} more remarks on lines are in the summary of the run." if more else ""
    texts = [body.replace(MARKER, "", 1).strip() + note for body in bodies]
    summary = next((text for text in texts if len(text.encode("utf-8", "replace")) <= OUTPUT_LIMIT), texts[-1])
    check = CheckRun(
        head_sha=sha,
        conclusion=CONCLUSION[report.status],
        title=_clip(_plain(report.headline) or report.status.value, _TITLE_LIMIT),
        summary=summary,
        details_url=run_url,
        annotations=annotations,
    )
    digest = hashlib.sha256(msgspec.json.encode(check)).hexdigest()
    return msgspec.structs.replace(check, external_id=f"truegreen:{digest[:32]}")


def _status(report: Report, sha: str, run_url: str) -> CommitStatus:
    description = _clip(_plain(f"{report.status.value}: {report.headline}"), DESCRIPTION_LIMIT)
    return CommitStatus(sha=sha, state=STATE[report.status], description=description, target_url=run_url)


def _annotations(report: Report) -> tuple[tuple[Annotation, ...], int]:
    """Return the remarks on lines, failures first, and how many there are beyond the limit."""
    found: dict[Annotation, None] = {}
    for stage in report.stages:
        for verdict in stage.verdicts:
            if verdict.status is Status.PASS or verdict.status is Status.SKIPPED:
                continue
            found.update(dict.fromkeys(a for item in verdict.items if (a := _annotate(item, verdict.red))))
    order = list(_LEVEL.values())
    ranked = sorted(found, key=lambda annotation: order.index(annotation.level))
    return tuple(ranked[:ANNOTATIONS_MAX]), max(0, len(ranked) - ANNOTATIONS_MAX)


def _annotate(item: Item, red: bool) -> Annotation | None:  # noqa: FBT001 - one private caller
    """Return the remark for an item, or None when it does not name a file of the repository."""
    path = item.path.replace("\\", "/").removeprefix("./")
    if not path or path.startswith("/") or ".." in path.split("/") or not path.isprintable():
        return None
    level = _LEVEL.get(item.level, "notice")
    return Annotation(
        path=path,
        line=max(1, item.line),
        level=level if red or level != "failure" else "warning",
        title=_clip(_plain(item.title), _TITLE_LIMIT),
        message=_clip(neutral(item.message or item.title or "see the summary"), _MESSAGE_LIMIT),
    )


def _line(part: Written) -> str:
    if part.ok:
        return f"{part.surface}: {part.outcome.value}" + (f" {part.url}" if part.url else "")
    missing = f"; grant `{part.permission}`" if part.permission else ""
    return f"{part.surface}: not written, {part.reason}{missing}"


def _plain(text: str) -> str:
    """Return foreign text on one line, without control characters and lone surrogates."""
    clean = neutral(text).encode("utf-8", "replace").decode()
    return " ".join(clean.split())


def _clip(text: str, limit: int) -> str:
    clean = text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"

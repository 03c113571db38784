"""What a report looks like on a forge (pure), and the writing of it.

The verdict is never changed here: a forge that cannot be written leaves the report in the summary.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis.graphemes import whole
from truegreen.forge.event import PULL_REQUEST
from truegreen.forge.matching import run_identity, run_mark, run_url
from truegreen.forge.port import (
    ANNOTATIONS_MAX,
    CHECK_NAME,
    COMMENT_LIMIT,
    DESCRIPTION_LIMIT,
    MARKER,
    OUTPUT_LIMIT,
    STATUS_CONTEXT,
    Annotation,
    CheckRun,
    CommitStatus,
    Forge,
    Outcome,
    Written,
)
from truegreen.model.verdict import Item, Report, Status
from truegreen.runtime.console import neutral, neutral_line

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
_MARKS_LIMIT = 300
"""Room for the lines in front of a comment, in bytes."""
_PROJECT_LIMIT = 80
_ODD = re.compile(r"[^A-Za-z0-9._/ -]|--|^(?:on|stages) ")
_UNNAMED = (*PULL_REQUEST, "merge_group", "local")
"""Events whose status has the plain name, by which a rule can ask for it."""


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


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a report is to be published."""

    check_run: bool = False
    """Whether to write a check run of our own, with annotations; GitHub shows it under any workflow of the commit."""
    project: str = ""
    """Folder of the project below the repository; projects of one repository write a comment and a status each."""
    stages: tuple[str, ...] = ()
    """Stages that the pipeline was asked for by name, if any; pipelines of other stages have a word of their own."""
    note: str = ""
    """Markdown of ours that the comment begins with."""


def plan(
    report: Report,
    comment_body: str,
    event: Event,
    shorter: Callable[[int], str] | None = None,
    options: Options | None = None,
) -> Publication:
    """Return what is to be written; pure.

    Args:
        report: the judged run.
        comment_body: Markdown of the comment reporter; the marker is put in front if it is not there.
        event: what started the run; its head commit and pull request are written to.
        shorter: given a budget in UTF-8 bytes, returns a comment that fits.
        options: what is written besides comment and status, and which project it is.
    """
    chosen = options or Options()
    sha = event.sha or report.provenance.commit
    url = event.run_url or report.provenance.run_url
    texts = _texts(report, comment_body, url, shorter, chosen.note)
    skipped = []
    if event.pull_request is None:
        skipped.append("comment: not a pull request")
    if not sha:
        skipped.append("commit status: the commit is unknown")
    return Publication(
        comment=_bodies(texts, event, chosen) if event.pull_request is not None else (),
        number=event.pull_request or 0,
        check=_check(report, texts, sha, url, event, chosen) if sha and chosen.check_run else None,
        status=_status(report, sha, url, event, chosen) if sha else None,
        skipped=tuple(skipped),
    )


def publish(
    report: Report,
    comment_body: str,
    forge: Forge,
    event: Event,
    shorter: Callable[[int], str] | None = None,
    options: Options | None = None,
) -> PublishResult:
    """Write a report to the forge; never raises for a refusal.

    The commit status comes first: it is the verdict, and its answer tells the forge's adapter who we are.
    """
    todo = plan(report, comment_body, event, shorter, options)
    written = []
    if todo.status is not None:
        written.append(forge.set_status(todo.status))
    if todo.comment:
        written.append(forge.upsert_comment(todo.number, todo.comment))
    if todo.check is not None:
        written.append(forge.upsert_check_run(todo.check))
    ok = all(part.ok or part.outcome is Outcome.ABSENT for part in written)
    lines = [*(f"{text}; not written" for text in todo.skipped), *map(_line, written)]
    if not ok:
        reader = "the token of a fork can only read (docs/publishing.md); " if event.is_fork else ""
        lines.append(f"{reader}the report is in the summary of the run, and the verdict stands")
    return PublishResult(lines=tuple(lines), ok=ok, written=tuple(written), calls=forge.calls)


def dry_run(report: Report, comment_body: str, event: Event, options: Options | None = None) -> PublishResult:
    """Say what would be written, and send nothing."""
    todo = plan(report, comment_body, event, options=options)
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


def context(name: str, event: Event, options: Options) -> str:
    """Return the name of a commit status or check run: one for each project, choice of stages, and kind of event.

    A commit may be judged on several events, as on the push of a branch and in its pull request: the newest word on
    one says nothing about the other.
    """
    event_part = () if event.name in _UNNAMED else (f"on {event.name}",)
    parts = ", ".join((*_scope(options), *event_part))
    return f"{name} ({parts})" if parts else name


def _texts(
    report: Report, comment_body: str, run_url: str, shorter: Callable[[int], str] | None, note: str
) -> tuple[str, ...]:
    """Return the comment without its marker, a shorter one, and one of a few lines; all within the limit."""
    front = f"{note}\n\n" if note else ""
    room = COMMENT_LIMIT - _MARKS_LIMIT - len(front.encode())
    candidates = [comment_body]
    if shorter is not None:
        candidates += [shorter(room), shorter(COMMENT_LIMIT // 4)]
    place = f"[the summary of the run]({run_url})" if run_url.startswith("https://") else "the summary of the run"
    headline = _plain(report.headline, _HEADLINE_LIMIT)
    candidates.append(f"**truegreen: {report.status.value}**\n\n    {headline}\n\nThe full report is in {place}.")
    texts: list[str] = []
    for candidate in candidates:
        text = front + candidate.lstrip().removeprefix(MARKER).lstrip("\n")
        fits = len(candidate.encode("utf-8", "replace")) <= room
        if fits and (not texts or len(text) < len(texts[-1])):
            texts.append(text)
    return tuple(texts)


def _bodies(texts: tuple[str, ...], event: Event, options: Options) -> tuple[str, ...]:
    """Return the texts below the lines by which the comment, and the run it tells about, are known again."""
    named = ", ".join(_scope(options))
    marks = [MARKER.replace(" -->", f" {named} -->") if named else MARKER]
    marks += [run_mark(event.run_id, event.run_attempt)] if event.run_id else []
    return tuple("\n".join((*marks, text)) for text in texts)


def _scope(options: Options) -> tuple[str, ...]:
    """Return which of a repository's pipelines it is, as it may stand in a mark."""
    stages = _named(" ".join(sorted(set(options.stages))))
    return tuple(part for part in (_named(options.project), stages and f"stages {stages}") if part)


def _named(project: str) -> str:
    """Return a name such as a project's folder as it may stand in a mark; an odd one as a digest."""
    folder = project.strip("/.")
    if not _ODD.search(folder) and len(folder) <= _PROJECT_LIMIT:
        return folder
    return hashlib.sha256(project.encode("utf-8", "replace")).hexdigest()[:16]


def _check(report: Report, texts: tuple[str, ...], sha: str, url: str, event: Event, options: Options) -> CheckRun:
    annotations, more = _annotations(report)
    note = f"\n\n{more} more remarks on lines are in the report of the run." if more else ""
    noted = [text.strip() + note for text in texts]
    summary = next((text for text in noted if len(text.encode("utf-8", "replace")) <= OUTPUT_LIMIT), noted[-1])
    check = CheckRun(
        head_sha=sha,
        conclusion=CONCLUSION[report.status],
        title=_plain(report.headline, _TITLE_LIMIT) or report.status.value,
        summary=summary,
        details_url=url,
        annotations=annotations,
        name=context(CHECK_NAME, event, options),
    )
    digest = hashlib.sha256(msgspec.json.encode(check)).hexdigest()
    return msgspec.structs.replace(check, external_id=run_identity(event.run_id, event.run_attempt, digest[:32]))


def _status(report: Report, sha: str, url: str, event: Event, options: Options) -> CommitStatus:
    description = _plain(f"{report.status.value}: {report.headline}", DESCRIPTION_LIMIT)
    return CommitStatus(
        sha=sha,
        state=STATE[report.status],
        description=description,
        target_url=run_url(url, event.run_attempt),
        context=context(STATUS_CONTEXT, event, options),
    )


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
    # Of a text of many megabytes no more is made neutral than is shown; a line end of two characters becomes one.
    said = item.message or item.title or "see the summary"
    return Annotation(
        path=path,
        line=max(1, item.line),
        level=level if red or level != "failure" else "warning",
        title=_plain(item.title, _TITLE_LIMIT),
        message=_clip(neutral(said[: 2 * _MESSAGE_LIMIT + 2]), _MESSAGE_LIMIT),
    )


def _line(part: Written) -> str:
    if part.outcome is Outcome.SUPERSEDED:
        return f"{part.surface}: not touched, {part.reason}"
    if part.ok:
        missing = f"; {part.reason}" if part.reason else ""
        return f"{part.surface}: {part.outcome.value}" + (f" {part.url}" if part.url else "") + missing
    missing = f"; grant `{part.permission}`" if part.permission else ""
    return f"{part.surface}: not written, {part.reason}{missing}"


def _plain(text: str, limit: int) -> str:
    """Return foreign text on one line, without control characters and lone surrogates."""
    return _clip(neutral_line(text, limit), limit)


def _clip(text: str, limit: int) -> str:
    clean = text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= limit else clean[: whole(clean, limit - 1)] + "…"

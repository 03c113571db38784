"""What of a forge's records is ours, and what it tells already; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.forge.port import ANNOTATION_BATCH, OUTPUT_LIMIT, Annotation, CheckRun

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXTERNAL = "truegreen:"
_RUN = re.compile(r"<!-- truegreen:run (\d{1,20})\.(\d{1,9}) -->")
_RUN_URL = re.compile(r".*/actions/runs/(\d{1,20})(?:\?attempt=(\d{1,9}))?")
_RUN_CHECKED = re.compile(r"truegreen:(\d{1,20})\.(\d{1,9}):.*")
_DIGITS = 6
NO_RUN = (0, 0)
"""Nothing tells of a run."""
UNKNOWN = (-1, 0)
"""The forge does not say, or something of ours names no run."""


def marked(comment: Mapping[str, Any], marker: str) -> bool:
    """Return whether a comment begins with a marker; a quotation has `>` in front of it."""
    body = comment.get("body")
    found = isinstance(body, str) and body.lstrip().partition("\n")[0].rstrip() == marker
    return found and type(comment.get("id")) is int


def login(comment: Mapping[str, Any]) -> str:
    """Return who wrote a comment; empty where nobody is named."""
    user = comment.get("user")
    name = user.get("login") if isinstance(user, dict) else None
    return name if isinstance(name, str) else ""


def by_bot(comment: Mapping[str, Any]) -> bool:
    """Return whether an app wrote a comment."""
    user = comment.get("user")
    return isinstance(user, dict) and user.get("type") == "Bot"


def same(left: str, right: str) -> bool:
    """Return whether two bodies are the same to a forge, which changes line ends and drops trailing space."""
    return left.replace("\r\n", "\n").rstrip() == right.replace("\r\n", "\n").rstrip()


def run_mark(run_id: str, attempt: int) -> str:
    """Return the second line of a comment, by which a run that ends late sees that a later one has spoken."""
    return f"<!-- truegreen:run {run_id}.{attempt} -->"


def run_told(body: str) -> tuple[int, int]:
    """Return run and attempt that a comment of ours tells about; `NO_RUN` where it does not say.

    Only the second line counts, which no foreign text reaches. Numbers of runs grow with time.
    """
    rows = body.lstrip().replace("\r\n", "\n").split("\n", 2)
    match = _RUN.fullmatch(rows[1].rstrip()) if len(rows) > 1 else None
    return (int(match[1]), int(match[2])) if match else NO_RUN


def run_url(url: str, attempt: int) -> str:
    """Return the address of a run with its attempt, for a commit status to name; forges ignore the parameter."""
    return f"{url}?attempt={attempt}" if attempt > 1 and _RUN_URL.fullmatch(url) else url


def run_of_url(url: Any) -> tuple[int, int]:
    """Return run and attempt that the address of a commit status of ours names; `NO_RUN` where it names none."""
    match = _RUN_URL.fullmatch(url) if isinstance(url, str) else None
    return (int(match[1]), int(match[2] or 1)) if match else NO_RUN


def run_identity(run_id: str, attempt: int, digest: str) -> str:
    """Return the identity of a check run: of its content, and of the run it tells about where there is one."""
    return f"{_EXTERNAL}{run_id}.{attempt}:{digest}" if run_id else f"{_EXTERNAL}{digest}"


def run_checked(external_id: Any) -> tuple[int, int]:
    """Return run and attempt that a check run of ours tells about; `NO_RUN` where it does not say."""
    match = _RUN_CHECKED.fullmatch(external_id) if isinstance(external_id, str) else None
    return (int(match[1]), int(match[2])) if match else NO_RUN


def our_run(runs: list[dict[str, Any]], check: CheckRun) -> tuple[dict[str, Any] | None, int]:
    """Return the check run to write to, and how many of the annotations are dealt with: shown by it, or refused.

    The newest of a name counts, so an older one is never written to. Annotations can only be added: the newest is
    completed where it has the same content, reused where it has none of them, and else replaced by a new one.
    """
    ours = [
        run for run in runs if str(run.get("external_id") or "").startswith(_EXTERNAL) and type(run.get("id")) is int
    ]
    newest = max(ours, key=lambda run: int(run["id"]), default=None)
    if newest is None:
        return None, 0
    if _same(newest, check):
        return newest, _annotations_shown(newest) + refused(newest, check)
    return (newest, 0) if _annotations_shown(newest) == 0 else (None, 0)


def tells(run: Mapping[str, Any], check: CheckRun) -> bool:
    """Return whether a check run says what is to be said."""
    return _same(run, check) and run.get("conclusion") == check.conclusion


def without(check: CheckRun, refused: int) -> CheckRun:
    """Return a check run that says how many of its remarks on lines the forge refused, where there is room for it.

    Its identity has the number too: by that, and by what is shown, it is known where to go on.
    """
    if not refused:
        return check
    summary = f"{check.summary}\n\n{refused} remarks on lines were refused; they are in the report of the run."
    fits = len(summary.encode("utf-8", "replace")) <= OUTPUT_LIMIT
    identity = f"{check.external_id}:{refused}"
    return msgspec.structs.replace(check, external_id=identity, summary=summary if fits else check.summary)


def batches(annotations: tuple[Annotation, ...]) -> list[tuple[Annotation, ...]]:
    """Return annotations in parts that one request may hold."""
    return [annotations[at : at + ANNOTATION_BATCH] for at in range(0, len(annotations), ANNOTATION_BATCH)]


def annotation_row(annotation: Annotation) -> dict[str, Any]:
    """Return an annotation as the API takes it."""
    row: dict[str, Any] = {
        "path": annotation.path,
        "start_line": annotation.line,
        "end_line": annotation.line,
        "annotation_level": annotation.level,
        "message": annotation.message,
    }
    return {**row, "title": annotation.title} if annotation.title else row


def run_body(check: CheckRun, batch: tuple[Annotation, ...]) -> dict[str, Any]:
    """Return a check run with some of its annotations as the API takes it."""
    output: dict[str, Any] = {"title": check.title, "summary": check.summary}
    if batch:
        output["annotations"] = [annotation_row(annotation) for annotation in batch]
    body: dict[str, Any] = {
        "name": check.name,
        "external_id": check.external_id,
        "status": "completed",
        "conclusion": check.conclusion,
        "output": output,
    }
    return {**body, "details_url": check.details_url} if check.details_url else body


def _same(run: Mapping[str, Any], check: CheckRun) -> bool:
    known = str(run.get("external_id") or "")
    return known == check.external_id or known.startswith(f"{check.external_id}:")


def refused(run: Mapping[str, Any], check: CheckRun) -> int:
    """Return how many remarks of a check run of ours with the same content the forge refused."""
    number = str(run.get("external_id")).removeprefix(check.external_id).removeprefix(":")
    return int(number) if number.isdecimal() and len(number) <= _DIGITS else 0


def _annotations_shown(run: Mapping[str, Any]) -> int:
    output = run.get("output")
    count = output.get("annotations_count") if isinstance(output, dict) else 0
    return count if isinstance(count, int) else 0

"""Read the trace that `act --json` prints, line by line and without trust.

What a step prints may look like anything, a line of the trace included, and
act itself mixes plain lines in; whatever is not a record with the expected
types is kept in the log and otherwise left alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

_ANNOTATIONS = frozenset({"error", "warning", "notice"})
_WORST_FIRST = ("failure", "cancelled", "success", "skipped")


@dataclass(frozen=True)
class Annotation:
    """A workflow command that GitHub would show beside the code."""

    level: str  # error, warning or notice
    message: str
    file: str
    line: int  # 0 when the command named none
    title: str
    job: str


@dataclass(frozen=True)
class Step:
    """One finished step; a composite action's inner steps are steps too."""

    job: str
    id: tuple[str, ...]  # the step's id, preceded by those of the actions around it
    name: str
    stage: str  # Pre, Main or Post
    result: str  # success, failure or skipped


@dataclass
class Trace:
    """Everything a run's records tell."""

    jobs: dict[str, str] = field(default_factory=dict)  # job id -> worst result of its legs
    job_names: dict[str, str] = field(default_factory=dict)  # full name -> result
    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)  # "job.step[.inner]" -> name -> value
    summaries: list[str] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    log: list[str] = field(default_factory=list)  # readable lines, "[job] message"
    last_summary: tuple[str, tuple[str, ...], str] = ("", (), "")  # job, step's path and text


def read_trace(text: str, *, tag: str = "") -> Trace:
    """Collect a trace from act's output, leaving `tag` out of job names."""
    trace = Trace()
    for line in text.splitlines():
        record = _record(line)
        if record is None:
            trace.log.append(line)
            continue
        name = " ".join(_text(record, "job").replace(f"{tag} ", "").split())
        job = _text(record, "jobID") or name
        trace.log.append(f"[{name}] {_text(record, 'msg').rstrip()}" if name else _text(record, "msg").rstrip())
        _add_results(trace, record, job, name)
        _add_command(trace, record, job)
    return trace


def _record(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and isinstance(value.get("msg"), str) else None


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def _path(record: dict[str, Any]) -> tuple[str, ...]:
    value = record.get("stepID")
    return tuple(str(part) for part in value) if isinstance(value, list) else ()


def _add_results(trace: Trace, record: dict[str, Any], job: str, name: str) -> None:
    result = _text(record, "jobResult")
    if result:
        trace.jobs[job] = _worst(trace.jobs.get(job, result), result)
        trace.job_names[name] = _worst(trace.job_names.get(name, result), result)
    # act writes the step's result as text, a stage's set-up as a number
    result = _text(record, "stepResult")
    if result:
        trace.steps.append(Step(job, _path(record), _text(record, "step"), _text(record, "stage"), result))


def _worst(first: str, second: str) -> str:
    return min(first, second, key=lambda each: _WORST_FIRST.index(each) if each in _WORST_FIRST else -1)


def _add_command(trace: Trace, record: dict[str, Any], job: str) -> None:
    command = _text(record, "command")
    pairs = record.get("kvPairs")
    where = {str(key): str(value) for key, value in pairs.items()} if isinstance(pairs, dict) else {}
    if command == "summary":
        _add_summary(trace, job, _path(record), _text(record, "content"))
    elif command == "set-output" and _text(record, "name"):
        step = trace.outputs.setdefault(".".join((job, *_path(record))), {})
        step[_text(record, "name")] = _text(record, "arg")
    elif command in _ANNOTATIONS:
        line = where.get("line", "")
        trace.annotations.append(
            Annotation(
                level=command,
                message=_text(record, "arg"),
                file=where.get("file", ""),
                line=int(line) if line.isdecimal() else 0,
                title=where.get("title", ""),
                job=job,
            )
        )


def _add_summary(trace: Trace, job: str, path: tuple[str, ...], text: str) -> None:
    """Keep a summary once: act tells an inner step's again for the action around it."""
    last_job, last_path, last_text = trace.last_summary
    told_again = (job, text) == (last_job, last_text) and path == last_path[: len(path)] and path != last_path
    trace.last_summary = (job, path, text)
    if not told_again:
        trace.summaries.append(text)

"""The reader of act's trace takes nothing on trust."""

from __future__ import annotations

import json
from typing import Any

from tests.harness.trace import read_trace


def _lines(*records: dict[str, Any]) -> str:
    return "\n".join(json.dumps({"msg": "", **record}) for record in records)


def test_read_trace_with_matrix_legs_worst_result_stands() -> None:
    results = ("success", "failure", "success")
    legs = [{"jobID": "unit", "job": f"CI/unit-{leg}", "jobResult": each} for leg, each in enumerate(results)]
    trace = read_trace(_lines(*legs))
    assert trace.jobs == {"unit": "failure"}
    assert trace.job_names == {"CI/unit-0": "success", "CI/unit-1": "failure", "CI/unit-2": "success"}


def test_read_trace_with_wrong_types_ignores_the_fields() -> None:
    trace = read_trace(
        _lines(
            {"jobID": ["a"], "job": 3, "jobResult": {"x": 1}, "stepResult": 0, "stepID": "s"},
            {"jobID": "a", "command": "error", "kvPairs": ["file"], "arg": None},
            {"jobID": "a", "command": "warning", "kvPairs": {"line": "-4²"}, "arg": "m"},
        )
    )
    assert (trace.jobs, trace.steps) == ({}, [])
    told = [(each.level, each.line, each.message) for each in trace.annotations]
    assert told == [("error", 0, ""), ("warning", 0, "m")]


def test_read_trace_with_lines_that_are_no_records_keeps_them_in_the_log() -> None:
    lines = ["plain", "{broken", "[1]", '{"no": "msg"}', "{" * 100_000]
    trace = read_trace("\n".join(lines))
    assert trace.log == lines
    assert trace.jobs == {}


def test_read_trace_with_same_summary_in_two_steps_keeps_both() -> None:
    def summary(*path: str) -> dict[str, Any]:
        return {"jobID": "a", "command": "summary", "stepID": list(path), "content": "same"}

    assert read_trace(_lines(summary("1"), summary("2"))).summaries == ["same", "same"]
    assert read_trace(_lines(summary("1", "inner"), summary("1"))).summaries == ["same"]


def test_read_trace_with_tag_job_names_are_those_of_the_files() -> None:
    trace = read_trace(_lines({"jobID": "a", "job": "call/x12 Pipeline/a ", "jobResult": "success"}), tag="x12")
    assert trace.job_names == {"call/Pipeline/a": "success"}

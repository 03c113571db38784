"""Evidence that is judged again is no new run, and what comes from outside cannot harm what is kept."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.support import app_evidence
from tests.support.app_desk import LAUNCHER
from tests.support.past_results import result, run

from truegreen.model.results import RunResults
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from tests.support.app_desk import Desk

FLAKY = (
    '<testsuite name="s" tests="2"><testcase classname="a" name="b" time="1"/>'
    '<testcase classname="a" name="c" time="1"><flakyFailure message="boom">x</flakyFailure></testcase></testsuite>'
)
CLEAN = '<testsuite name="s" tests="2"><testcase classname="a" name="b"/><testcase classname="a" name="c"/></testsuite>'
GATE = ("gate", "unit", "--set", "gates.coverage.enabled=false", "--set", "gates.flakiness.enabled=false")


def store(desk: Desk) -> SqliteStore:
    return SqliteStore(desk.root / ".truegreen" / "history.sqlite")


def take_in(desk: Desk, text: str) -> None:
    desk.write("results.xml", text)
    assert desk.run("ingest", "unit", "results.xml", "--exit-code", "0", "--duration", "2").code == 0


def judged(desk: Desk) -> dict[str, Any]:
    """Return the verdict of the gate on the history."""
    found = desk.run(*GATE, "--json").json
    unit = next(stage for stage in found["stages"] if stage["stage"] == "unit")
    return next(one for one in unit["verdicts"] if one["gate"] == "flakiness-history")


def test_same_evidence_judged_three_times_is_one_run_and_one_verdict(desk: Desk) -> None:
    take_in(desk, FLAKY)
    told = [judged(desk) for _ in range(3)]
    assert {(one["status"], one["reason"]) for one in told} == {(told[0]["status"], told[0]["reason"])}
    assert "of 1 run " in told[0]["reason"]
    assert len(store(desk).digests()) == 1


def test_files_taken_in_again_are_no_other_run_of_the_tests(desk: Desk) -> None:
    for _ in range(3):
        take_in(desk, CLEAN)
        assert "of 1 run " in judged(desk)["reason"]
    assert len(store(desk).digests()) == 1


def test_two_results_judged_in_turn_within_a_second_are_two_runs(desk: Desk) -> None:
    for text in (FLAKY, CLEAN) * 3:
        take_in(desk, text)
        judged(desk)
    runs = list(store(desk).runs())
    assert sorted(one.run.flaky for one in runs) == [0, 1]


def test_four_gates_at_once_leave_one_run(desk: Desk) -> None:
    take_in(desk, FLAKY)
    command = [*LAUNCHER, *GATE, "-q"]
    running = [subprocess.Popen(command, cwd=desk.root, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert {one.wait(120) for one in running} <= {0, 1}
    assert len(store(desk).digests()) == 1


def test_stage_run_again_at_a_desk_counts_alone(desk: Desk) -> None:
    place = desk.root / ".truegreen"
    files = app_evidence.pytest_files("test_a", "test_b")
    same = {"commit": desk.git("rev-parse", "HEAD").strip(), "tree": "t", "environment": "e"}
    app_evidence.leave(place, "unit", files, started="2026-11-21T07:00:00Z", **same)
    app_evidence.leave(place, "wiring", files, started="2026-11-21T07:00:05Z", **same)
    desk.run("gate", "unit", "wiring", "-q")
    app_evidence.leave(place, "unit", files, started="2026-11-21T08:00:00Z", **same)
    desk.run("gate", "unit", "wiring", "-q")
    desk.run("gate", "unit", "wiring", "-q")
    held = [sorted(one.results) for one in store(desk).runs()]
    assert sorted(held) == [["unit"], ["unit", "wiring"]]


def line(number: int = 1, **more: Any) -> dict[str, Any]:
    """Return an exported run as it stands in a file, with some of its fields changed."""
    found = json.loads(msgspec.json.encode(run(number, result("a"), base=True)))
    found["run"].update(more)
    return found


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"created": "2999-01-01T00:00:00Z"}, "2999"),
        ({"created": "not a date"}, "not a date"),
        ({"created": "2026-11-21T07:00:00"}, "no time like"),
        ({"created": ""}, "no time like"),
        ({"tests": -1}, "tests is -1"),
        ({"failed": 2**63}, "failed is 9223372036854775808"),
        ({"flaky": 2**70}, "flaky is"),
        ({"line_ratio": 7}, "line_ratio"),
        ({"duration_s": -1}, "duration_s"),
        ({"run": ""}, "identity"),
        ({"stages": [{"stage": "unit", "status": "pass", "tests": 2**63}]}, "tests of unit"),
    ],
)
def test_import_of_what_no_run_is_names_the_line_and_keeps_nothing(
    desk: Desk, changed: dict[str, Any], told: str
) -> None:
    desk.write("runs.jsonl", json.dumps(line()) + "\n" + json.dumps(line(2, **changed)) + "\n")
    done = desk.run("history", "import", "runs.jsonl")
    assert done.code == 3
    assert "runs.jsonl:2" in done.err
    assert told in done.err
    assert not store(desk).digests()


def test_import_turns_times_of_other_zones_into_utc(desk: Desk) -> None:
    desk.write("runs.jsonl", json.dumps(line(created="2026-11-01T05:00:00+05:00")))
    assert desk.run("history", "import", "runs.jsonl").code == 0
    assert [one.run.created for one in store(desk).runs()] == ["2026-11-01T00:00:00Z"]


@pytest.mark.parametrize("part", [b"not coverage", b'{"a.py":["-1","0"]}', b'{"a.py":["0x1","0"]}', b"\xff"])
def test_import_of_coverage_that_is_none_is_refused(desk: Desk, part: bytes) -> None:
    bad = {**line(), "parts": {"coverage": base64.b64encode(part).decode()}}
    desk.write("runs.jsonl", json.dumps(bad))
    done = desk.run("history", "import", "runs.jsonl")
    assert (done.code, "runs.jsonl:1" in done.err, "coverage" in done.err) == (3, True, True)


def test_import_of_findings_that_are_none_is_refused(desk: Desk) -> None:
    bad = {**line(), "parts": {"findings": base64.b64encode(b'{"lint":3}').decode()}}
    desk.write("runs.jsonl", json.dumps(bad))
    done = desk.run("history", "import", "runs.jsonl")
    assert (done.code, "its part findings is none" in done.err) == (3, True)


def test_damaged_part_costs_that_part_alone(desk: Desk) -> None:
    whole = run(1, result("a"), base=True)
    parts = {"coverage": b"not coverage"}
    store(desk).append(RunResults(run=whole.run, results=whole.results, parts=parts))
    assert desk.run("history").code == 0
    take_in(desk, CLEAN)
    gate = desk.run(*GATE)
    assert "the coverage of run 1.1 is not what was written" in gate.err
    assert len(store(desk).digests()) == 2
    assert not (desk.root / ".truegreen" / "history.sqlite.broken").exists()
    checked = desk.run("history", "check")
    assert (checked.code, "its part coverage" in checked.out + checked.err) == (4, True)


def flakiness(desk: Desk, *tests: str, failed: tuple[str, ...] = (), minute: int = 0) -> dict[str, Any]:
    """Leave evidence of some tests of one code, judge it, and return the verdict of the gate on this run."""
    files = app_evidence.pytest_files(*tests, failed=failed)
    same = {"commit": desk.git("rev-parse", "HEAD"), "tree": desk.git("rev-parse", "HEAD^{tree}"), "environment": "e"}
    tools = [{"name": "pytest", "version": "9.0", "exit_code": int(bool(failed)), "duration_s": 1.0}]
    when = f"2026-11-21T07:{minute:02}:00Z"
    app_evidence.leave(desk.root / ".truegreen", "unit", files, started=when, tools=tools, **same)
    found = desk.run("gate", "unit", "--json", "--set", "gates.coverage.enabled=false").json
    unit = next(stage for stage in found["stages"] if stage["stage"] == "unit")
    assert unit["status"] in ("pass", "fail"), unit
    return next(one for one in unit["verdicts"] if one["gate"] == "flakiness")


def test_run_without_the_test_is_no_run_in_which_it_passed(desk: Desk) -> None:
    flakiness(desk, "test_a", failed=("test_a",), minute=1)
    flakiness(desk, "test_b", "test_c", minute=2)
    told = flakiness(desk, "test_a", failed=("test_a",), minute=3)
    assert (told["status"], "unknown" in told["reason"]) == ("skipped", True)
    told = flakiness(desk, "test_b", "test_c", failed=("test_b",), minute=4)
    assert (told["status"], told["reason"]) == ("fail", "1 of 2 tests disagrees with itself"), "it passed before"
    told = flakiness(desk, "test_c", "test_d", minute=5)
    assert (told["status"], len(store(desk).digests())) == ("pass", 5)
    found = store(desk).history().absent["unit"]
    assert sorted(map(sorted, found.values())) == [
        ["tests/test_a.py::test_a"],
        ["tests/test_a.py::test_a"],
        ["tests/test_a.py::test_a", "tests/test_a.py::test_b"],
        ["tests/test_a.py::test_b"],
        ["tests/test_a.py::test_b"],
    ]

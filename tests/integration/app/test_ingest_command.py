"""`truegreen ingest`: files of another runner become evidence that the gates judge, or are refused at once."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import dialects
from tests.support.app_evidence import junit, leave, pytest_files

from truegreen.errors import EXIT_CONFIGURATION, EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK

if TYPE_CHECKING:
    from tests.support.app_desk import Desk, Ended

GREEN = """\
{"Action":"start","Package":"bank"}
{"Action":"run","Package":"bank","Test":"TestAdd"}
{"Action":"pass","Package":"bank","Test":"TestAdd","Elapsed":0.01}
{"Action":"pass","Package":"bank","Elapsed":0.02}
"""
SKIPPED = GREEN.replace('"pass","Package":"bank","Test"', '"skip","Package":"bank","Test"')
RED = GREEN.replace('"pass"', '"fail"')


def verdict(ended: Ended, gate: str, stage: str = "wiring") -> dict[str, Any]:
    report = next(one for one in ended.json["stages"] if one["stage"] == stage)
    return next(one for one in report["verdicts"] if one["gate"] == gate)


def record(desk: Desk, name: str = "wiring") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((desk.root / ".truegreen" / name / "stage.json").read_text())
    return found


def test_results_of_another_runner_are_judged(desk: Desk) -> None:
    desk.write("out/go.jsonl", GREEN)
    assert desk.run("ingest", "wiring", "out/go.jsonl", "--exit-code", "0").code == EXIT_OK
    ended = desk.run("gate", "wiring", "--json")
    assert (ended.code, ended.json["status"]) == (EXIT_OK, "pass")
    ran = verdict(ended, "tests-ran")
    assert ran["reason"] == "1 test ran, none was skipped"
    facts = {fact["label"]: fact["value"] for fact in ran["facts"]}
    assert facts == {"results": "1", "brought": "go-test-json; what was never collected is not seen", "exit code": "0"}


def test_failing_results_fail_the_stage(desk: Desk) -> None:
    desk.write("go.jsonl", RED)
    assert desk.run("ingest", "wiring", "go.jsonl", "--exit-code", "1").code == EXIT_OK
    ended = desk.run("gate", "wiring", "--json")
    assert ended.code == EXIT_GATE_FAILED
    failures = verdict(ended, "no-failures")
    assert failures["items"][0]["title"] == "bank::TestAdd"
    assert "truegreen run" not in failures["remedy"], "pytest of ours never ran this test"
    assert "take the results in with `truegreen ingest`" in failures["remedy"]


def test_coverage_that_was_not_brought_is_asked_for_as_it_can_be_brought(desk: Desk) -> None:
    desk.write("go.jsonl", GREEN)
    desk.run("ingest", "unit", "go.jsonl", "--exit-code", "0", "--duration", "1")
    coverage = verdict(desk.run("gate", "unit", "--json"), "coverage", "unit")
    assert (coverage["status"], "`truegreen ingest` with all files" in coverage["remedy"]) == ("blind", True)


def test_record_names_commit_tree_kind_and_digest(desk: Desk) -> None:
    desk.write("go.jsonl", GREEN)
    shown = desk.run(
        "ingest", "wiring", "go.jsonl", "--shard", "linux", "--exit-code", "0", "--duration", "2.5", "--json"
    )
    kept = record(desk, "wiring-linux")
    assert shown.json == kept
    assert kept["commit"] == desk.git("rev-parse", "HEAD")
    assert (kept["ingested"], kept["shard"], kept["state"]) == (True, "linux", "ran")
    assert kept["tree"]
    assert [(file["path"], file["kind"]) for file in kept["files"]] == [("go.jsonl", "go-test-json")]
    assert kept["expects"] == ["go-test-json"]
    assert kept["tools"][0]["duration_s"] == 2.5


@pytest.mark.parametrize(
    ("content", "exit_code", "told"),
    [
        (GREEN, (), "nobody says how the test command ended"),
        (GREEN, ("--exit-code", "1"), "ended with exit code 1, and no result says why"),
        (GREEN, ("--exit-code", "137"), "ended by a signal (exit code 137)"),
        (RED, ("--exit-code", "0"), "ended with exit code 0, and 1 test failed"),
        (
            GREEN.replace('"pass","Package":"bank","Test"', '"skip","Package":"bank","Test"'),
            ("--exit-code", "0"),
            "all 1 test were skipped",
        ),
        ('{"Action":"skip","Package":"empty"}\n', ("--exit-code", "0"), "no test has a result"),
    ],
)
def test_results_that_carry_no_claim_are_blind(desk: Desk, content: str, exit_code: tuple[str, ...], told: str) -> None:
    desk.write("go.jsonl", content)
    desk.run("ingest", "wiring", "go.jsonl", *exit_code)
    ended = desk.run("gate", "wiring", "--json")
    ran = verdict(ended, "tests-ran")
    assert (ran["status"], told in ran["reason"]) == ("blind", True), ran["reason"]
    assert ended.code in (EXIT_EVIDENCE, EXIT_GATE_FAILED)


@pytest.mark.parametrize("name", [name for name in dialects.rows() if "-junit-" not in name])
def test_kind_of_every_format_is_told_by_its_content(desk: Desk, name: str) -> None:
    shutil.copyfile(dialects.FOLDER / name, desk.root / "results.txt")
    ended = desk.run("ingest", "unit", "results.txt", "--exit-code", "0", "--json")
    wanted = json.loads((dialects.FOLDER / Path(name).parent / "stage.json").read_text())["files"][0]["kind"]
    assert (ended.code, ended.json["files"][0]["kind"]) == (EXIT_OK, wanted)


@pytest.mark.parametrize(
    ("content", "line"),
    [(GREEN.rsplit("\n", 2)[0], 3), (GREEN + "# bank\n", 5), (GREEN[:150], 3), ("{}", 1)],
)
def test_unreadable_file_fails_at_once_and_leaves_the_stage_blind(desk: Desk, content: str, line: int) -> None:
    desk.write("go.jsonl", GREEN)
    desk.run("ingest", "wiring", "go.jsonl", "--exit-code", "0")
    desk.write("bad.jsonl", content)
    ended = desk.run("ingest", "wiring", "bad.jsonl", "--kind", "go-test-json", "--exit-code", "0")
    assert ended.code == EXIT_EVIDENCE
    assert f"bad.jsonl:{line}" in ended.err
    assert record(desk)["state"] == "broken"
    assert desk.run("gate", "wiring").code == EXIT_EVIDENCE


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("lint", "go.jsonl"), EXIT_CONFIGURATION, "is no stage of tests"),
        (("unti", "go.jsonl"), EXIT_CONFIGURATION, "perhaps you meant 'unit'"),
        (("unit", "notes.txt"), EXIT_CONFIGURATION, "say which with --kind"),
        (("unit", "go.jsonl", "--kind", "bandit"), EXIT_CONFIGURATION, "known: junit, trx"),
        (("unit", "absent.xml"), EXIT_EVIDENCE, "absent.xml is missing"),
        (("unit", "folder"), EXIT_EVIDENCE, "not a plain file"),
        (("unit", "go.jsonl", "--shard", "../up"), EXIT_CONFIGURATION, "cannot name a shard"),
        (("unit", "go.jsonl", "--duration", "-1"), EXIT_CONFIGURATION, "--duration"),
        (("unit", ".truegreen/unit/go.jsonl"), EXIT_CONFIGURATION, "this folder is emptied"),
        (("unit",), EXIT_CONFIGURATION, "FILE"),
    ],
)
def test_wrong_call_says_what_and_how(desk: Desk, argv: tuple[str, ...], code: int, words: str) -> None:
    desk.write("go.jsonl", GREEN)
    desk.write("notes.txt", "all went well")
    (desk.root / "folder").mkdir()
    ended = desk.run("ingest", *argv)
    assert (ended.code, words in ended.err) == (code, True), ended.err


def test_files_of_one_name_are_kept_apart_and_no_name_leaves_the_folder(desk: Desk) -> None:
    for place, test in (("a", "TestA"), ("b", "TestB"), ("c", "TestC")):
        desk.write(f"{place}/stage.json", GREEN.replace("TestAdd", test))
    desk.write("d/results-rerun-1.jsonl", RED.replace("TestAdd", "TestD"))
    desk.run(
        "ingest",
        "wiring",
        "a/stage.json",
        "b/stage.json",
        "c/stage.json",
        "d/results-rerun-1.jsonl",
        "--exit-code",
        "1",
    )
    assert [file["path"] for file in record(desk)["files"]] == [
        "results_rerun-1.jsonl",
        "stage-2.json",
        "stage-3.json",
        "stage-4.json",
    ]
    report = desk.run("gate", "wiring", "--json").json
    stage = next(one for one in report["stages"] if one["stage"] == "wiring")
    assert [row["tests"] for row in stage["inputs"]] == [1, 1, 1, 1]
    assert stage["status"] == "fail"


CTRF = """\
{"reportFormat": "CTRF", "specVersion": "1.0.0", "results": {"tool": {"name": "t"},
 "summary": {"tests": 1, "passed": 1, "failed": 0, "pending": 0, "skipped": 0, "other": 0, "start": 1, "stop": 2},
 "tests": [{"name": "TestAdd", "status": "passed", "duration": 10, "suite": ["bank"]}]}}
"""


@pytest.mark.parametrize("files", [("go.jsonl", "report.json"), ("report.json", "cover.info", "go.jsonl")])
def test_one_run_in_two_formats_is_refused_and_leaves_the_stage_blind(desk: Desk, files: tuple[str, ...]) -> None:
    desk.write("go.jsonl", GREEN)
    desk.write("report.json", CTRF)
    desk.write("src/a.py", "x = 1\n")
    desk.write("cover.info", "SF:src/a.py\nDA:1,1\nend_of_record\n")
    ended = desk.run("ingest", "wiring", *files, "--exit-code", "0")
    assert (ended.code, "would count twice" in ended.err) == (EXIT_CONFIGURATION, True), ended.err
    assert f"{files[-1]} --shard NAME" in ended.err
    assert desk.run("gate", "wiring").code == EXIT_EVIDENCE


def test_two_formats_in_shards_of_their_own_are_two_runs(desk: Desk) -> None:
    desk.write("go.jsonl", GREEN)
    desk.write("report.json", CTRF.replace("TestAdd", "adds"))
    desk.run("ingest", "wiring", "go.jsonl", "--shard", "go", "--exit-code", "0")
    desk.run("ingest", "wiring", "report.json", "--shard", "node", "--exit-code", "0")
    ended = desk.run("gate", "wiring", "--json")
    assert verdict(ended, "no-failures")["reason"] == "2 tests passed"


def test_shards_of_pytest_and_of_another_runner_make_one_stage(desk: Desk) -> None:
    head = desk.git("rev-parse", "HEAD")
    leave(desk.root / ".truegreen", "wiring", pytest_files("test_a"), commit=head, shard="python", python="3.12.1")
    desk.write("go.jsonl", GREEN)
    desk.run("ingest", "wiring", "go.jsonl", "--shard", "go", "--exit-code", "0")
    ended = desk.run("gate", "wiring", "--json")
    assert (ended.code, verdict(ended, "no-failures")["reason"]) == (EXIT_OK, "2 tests passed")
    (desk.root / ".truegreen" / "wiring-python" / "junit.xml").write_bytes(junit("test_a", "test_b"))
    assert desk.run("gate", "wiring").code == EXIT_EVIDENCE


def test_record_that_claims_to_be_brought_and_is_not_needs_its_session(desk: Desk) -> None:
    head = desk.git("rev-parse", "HEAD")
    leave(desk.root / ".truegreen", "wiring", {"junit.xml": ("junit", junit("test_a"))}, commit=head)
    ended = desk.run("gate", "wiring", "--json")
    assert verdict(ended, "tests-ran")["reason"] == "no record of a pytest session"


def test_time_budget_judges_the_duration_that_was_told(desk: Desk) -> None:
    desk.configure("[tool.truegreen.gates.time-budget]\nsuite-s = { wiring = 5 }\n")
    desk.commit()
    desk.write("go.jsonl", GREEN)
    for told, status in (((), "blind"), (("--duration", "4"), "pass"), (("--duration", "6"), "fail")):
        desk.run("ingest", "wiring", "go.jsonl", "--exit-code", "0", *told)
        judged = verdict(desk.run("gate", "wiring", "--json"), "time-budget")
        assert judged["status"] == status
        assert ("--duration" in judged["remedy"]) is (status == "blind")


def test_file_whose_name_is_no_text_is_taken_in(desk: Desk) -> None:
    name = os.fsdecode(b"bad\xff.jsonl")
    (desk.root / name).write_text(GREEN)
    assert desk.run("ingest", "wiring", name, "--exit-code", "0").code == EXIT_OK
    record = json.loads((desk.root / ".truegreen" / "wiring" / "stage.json").read_text())
    assert record["command"] == "truegreen ingest wiring bad\\udcff.jsonl"


def test_results_of_changed_files_are_no_evidence_of_the_commit_in_a_ci(desk: Desk) -> None:
    desk.write("go.jsonl", GREEN)
    changed = desk.root / "pyproject.toml"
    before = changed.read_text()
    for text, status in ((before + "# changed\n", "blind"), (before, "pass")):
        changed.write_text(text)
        desk.run("ingest", "wiring", "go.jsonl", "--exit-code", "0")
        changed.write_text(before)
        desk.event("push", {"after": desk.git("rev-parse", "HEAD")})
        desk.env(TG_EVIDENCE=".truegreen", TG_STAGES_JSON='["wiring"]')
        desk.run("ci", "report")
        desk.env(**dict.fromkeys(("GITHUB_RUN_ID", "GITHUB_EVENT_NAME"), ""))
        report = json.loads((desk.root / ".truegreen" / "report" / "verdict.json").read_text())
        (stage,) = (one for one in report["stages"] if one["stage"] == "wiring")
        (judged,) = (one for one in stage["verdicts"] if one["gate"] == "stage-complete")
        assert judged["status"] == status, judged


def test_file_without_a_test_beside_a_full_one_is_told(desk: Desk) -> None:
    desk.write("full.xml", '<testsuite name="s" tests="1"><testcase classname="a" name="b" time="1"/></testsuite>')
    desk.write("empty.xml", "<testsuites/>")
    desk.run("ingest", "wiring", "full.xml", "empty.xml", "--exit-code", "0", "--duration", "1")
    document = desk.run("gate", "wiring", "--json").json
    (stage,) = (one for one in document["stages"] if one["stage"] == "wiring")
    (ran,) = (one for one in stage["verdicts"] if one["gate"] == "tests-ran")
    assert ("files without a test", "empty.xml") in [(fact["label"], fact["value"]) for fact in ran["facts"]]

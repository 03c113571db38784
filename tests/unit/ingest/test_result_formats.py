"""Test results beside JUnit: what each format means, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from truegreen import registry
from truegreen.errors import EvidenceMissing, EvidenceUnreadable
from truegreen.ingest import _lines
from truegreen.ingest.trx import TrxReader
from truegreen.model.testrun import Outcome, TestCase

PASS, FAIL, ERROR, SKIP = Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.SKIP
KINDS = ("trx", "xunit", "nunit", "go-test-json", "ctrf", "pytest-reportlog")


def read(folder: Path, kind: str, content: str | bytes) -> dict[str, TestCase]:
    path = folder / "results"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return {case.id: case for case in registry.load("reader", kind)().read(path, folder).cases}


def refused(folder: Path, kind: str, content: str | bytes) -> EvidenceUnreadable:
    with pytest.raises(EvidenceUnreadable) as caught:
        read(folder, kind, content)
    assert str(folder / "results") in caught.value.where
    return caught.value


def go(*events: str) -> str:
    """Return events of package `p` from words such as `run TestA`; one word is the package's own."""
    rows = []
    for event in events:
        action, _, test = event.partition(" ")
        rows.append({"Action": action, "Package": "p"} | ({"Test": test} if test else {}))
    return "".join(json.dumps(row) + "\n" for row in rows)


def log(*reports: tuple[str, str, str], status: int | None = 0) -> str:
    """Return a log of one session from (node, phase, outcome)."""
    rows = [{"$report_type": "SessionStart"}]
    rows += [
        {"$report_type": "TestReport", "nodeid": node, "when": when, "outcome": outcome}
        for node, when, outcome in reports
    ]
    ends = [] if status is None else [{"$report_type": "SessionFinish", "exitstatus": status}]
    return "".join(json.dumps(row) + "\n" for row in [*rows, *ends])


def ctrf(*tests: dict[str, object], **summary: int) -> str:
    return json.dumps({"results": {"tool": {"name": "t"}, "summary": {"tests": len(tests), **summary}, "tests": tests}})


def trx(*results: str, outcome: str = "Completed", counters: str = "", after: str = "") -> str:
    summary = f'<ResultSummary outcome="{outcome}">{counters}{after}</ResultSummary>'
    return f"<TestRun><Results>{''.join(results)}</Results>{summary}</TestRun>"


def result(name: str, outcome: str | None, test: str = "") -> str:
    told = "" if outcome is None else f'outcome="{outcome}"'
    return f'<UnitTestResult testId="{test}" testName="{name}" {told}/>'


def attempts(found: dict[str, TestCase], name: str) -> tuple[Outcome, tuple[Outcome, ...]]:
    return found[name].outcome, found[name].attempts


# --- all ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 64,
        "<testsuites/>".encode("utf-16"),
        b"[" * 100_000,
        b'<!DOCTYPE x [<!ENTITY a "b">]><TestRun/>',
        b"<a>" * 200,
        b'{"results": {}}',
        b"\xff\xfe{}",
        b"{}\n",
        b"not at all",
    ],
)
def test_hostile_or_foreign_content_is_refused_with_its_file(tmp_path: Path, kind: str, content: bytes) -> None:
    refused(tmp_path, kind, content)


@pytest.mark.parametrize("kind", KINDS)
def test_file_that_is_not_there_is_missing(tmp_path: Path, kind: str) -> None:
    with pytest.raises(EvidenceMissing):
        registry.load("reader", kind)().read(tmp_path / "none", tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_folder_in_place_of_a_file_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(EvidenceUnreadable):
        registry.load("reader", kind)().read(tmp_path, tmp_path)


# --- go test -json -----------------------------------------------------------------------------------


def test_go_test_that_never_ended_is_an_error_also_when_its_package_passed(tmp_path: Path) -> None:
    assert attempts(read(tmp_path, "go-test-json", go("run A", "pass")), "p::A") == (ERROR, ())


def test_go_package_without_its_final_event_is_truncated(tmp_path: Path) -> None:
    assert "p never came to its end" in refused(tmp_path, "go-test-json", go("run A", "pass A")).why


def test_go_package_that_failed_without_a_failing_test_is_an_error(tmp_path: Path) -> None:
    found = read(tmp_path, "go-test-json", go("run A", "pass A", "fail"))
    assert {name: case.outcome for name, case in found.items()} == {"p::A": PASS, "p::the package itself": ERROR}


def test_go_repeats_of_one_run_are_attempts_and_the_worst_decides(tmp_path: Path) -> None:
    found = read(tmp_path, "go-test-json", go("run A", "fail A", "run A", "pass A", "fail"))
    assert attempts(found, "p::A") == (FAIL, (PASS, FAIL))
    assert found["p::A"].flaky


def test_go_rerun_of_what_failed_lets_the_last_run_decide(tmp_path: Path) -> None:
    first = go("run A", "fail A", "run B", "pass B", "fail")
    found = read(tmp_path, "go-test-json", first + go("run A", "pass A", "pass"))
    assert attempts(found, "p::A") == (PASS, (FAIL, PASS))
    assert attempts(found, "p::B") == (PASS, ())


def test_go_second_run_of_everything_is_no_rerun_and_hides_no_failure(tmp_path: Path) -> None:
    first = go("run A", "fail A", "run B", "pass B", "fail")
    second = go("run A", "pass A", "run B", "pass B", "pass")
    assert attempts(read(tmp_path, "go-test-json", first + second), "p::A") == (FAIL, (PASS, FAIL))


def test_go_benchmark_that_ran_is_no_test_and_one_that_broke_is_an_error(tmp_path: Path) -> None:
    assert read(tmp_path, "go-test-json", go("run BenchmarkA", "pass")) == {}
    assert read(tmp_path, "go-test-json", go("run BenchmarkA", "fail"))["p::BenchmarkA"].outcome is ERROR


def test_go_test_begun_twice_and_ended_once_is_an_error(tmp_path: Path) -> None:
    assert read(tmp_path, "go-test-json", go("run A", "run A", "pass A", "pass"))["p::A"].outcome is ERROR


@pytest.mark.parametrize("line", ["# p", "FAIL p [build failed]", '{"Action":"output"}', "[]"])
def test_go_line_that_is_no_event_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    assert refused(tmp_path, "go-test-json", f"{go('run A')}\n{line}\n").where.endswith(":3")


def test_line_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lines, "MAX_LINE_BYTES", 1000)
    assert "longer than" in refused(tmp_path, "go-test-json", go("run A") + '{"Action":"' + "x" * 2000).why


def test_go_text_of_a_failure_is_bounded(tmp_path: Path) -> None:
    row = json.dumps({"Action": "output", "Package": "p", "Test": "A", "Output": "x" * 999 + "\n"}) + "\n"
    found = read(tmp_path, "go-test-json", go("run A") + row * 500 + go("fail A", "fail"))
    assert len(found["p::A"].detail) < 17_000


# --- pytest-reportlog --------------------------------------------------------------------------------


def test_reportlog_phases_make_one_case(tmp_path: Path) -> None:
    whole = [("a", phase, "passed") for phase in ("setup", "call", "teardown")]
    found = read(
        tmp_path, "pytest-reportlog", log(*whole, ("b", "setup", "failed"), ("b", "teardown", "passed"), status=1)
    )
    assert {name: case.outcome for name, case in found.items()} == {"a": PASS, "b": ERROR}


def test_reportlog_test_without_teardown_is_an_error(tmp_path: Path) -> None:
    found = read(tmp_path, "pytest-reportlog", log(("a", "setup", "passed"), ("a", "call", "passed"), status=1))
    assert (found["a"].outcome, found["a"].message) == (ERROR, "the test never came to its end")


def test_reportlog_crash_of_a_worker_is_an_error(tmp_path: Path) -> None:
    assert read(tmp_path, "pytest-reportlog", log(("a", "???", "failed"), status=1))["a"].outcome is ERROR


def test_reportlog_second_whole_attempt_hides_no_failure(tmp_path: Path) -> None:
    one = [("a", "setup", "passed"), ("a", "call", "failed"), ("a", "teardown", "passed")]
    two = [("a", phase, "passed") for phase in ("setup", "call", "teardown")]
    found = read(tmp_path, "pytest-reportlog", log(*one, *two, status=1))
    assert attempts(found, "a") == (FAIL, (PASS, FAIL))


@pytest.mark.parametrize(
    ("status", "outcome", "told"),
    [
        (None, "passed", "never came to its end"),
        (0, "failed", "exit status 0"),
        (1, "passed", "exit status 1"),
        (2, "passed", "was interrupted"),
        (3, "passed", "internal error"),
    ],
)
def test_reportlog_that_contradicts_itself_is_refused(
    tmp_path: Path, status: int | None, outcome: str, told: str
) -> None:
    reports = [("a", "setup", "passed"), ("a", "call", outcome), ("a", "teardown", "passed")]
    assert told in refused(tmp_path, "pytest-reportlog", log(*reports, status=status)).why


def test_reportlog_of_two_sessions_is_refused(tmp_path: Path) -> None:
    assert "two sessions" in refused(tmp_path, "pytest-reportlog", log() + log()).why


@pytest.mark.parametrize("row", ['{"$report_type":"TestReport","nodeid":"a","outcome":"fine"}', '{"nodeid":"a"}'])
def test_reportlog_of_unknown_words_is_refused(tmp_path: Path, row: str) -> None:
    assert refused(tmp_path, "pytest-reportlog", f'{{"$report_type":"SessionStart"}}\n{row}\n').where.endswith(":2")


# --- CTRF ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "outcome", "tried"),
    [
        ({"status": "passed"}, PASS, ()),
        ({"status": "passed", "flaky": True}, PASS, (FAIL, PASS)),
        ({"status": "passed", "retries": 2}, PASS, (FAIL, FAIL, PASS)),
        ({"status": "failed", "retries": 1}, FAIL, (FAIL, FAIL)),
        ({"status": "failed", "retryAttempts": [{"status": "passed"}]}, FAIL, (PASS, FAIL)),
        (
            {"status": "passed", "retries": 1, "retryAttempts": [{"status": "failed"}, {"status": "passed"}]},
            PASS,
            (FAIL, PASS),
        ),
        ({"status": "pending"}, SKIP, ()),
        ({"status": "skipped"}, SKIP, ()),
        ({"status": "other"}, ERROR, ()),
        ({"status": "other", "rawStatus": "interrupted"}, ERROR, ()),
        ({"status": "other", "rawStatus": "todo"}, SKIP, ()),
    ],
)
def test_ctrf_status_and_attempts(
    tmp_path: Path, test: dict[str, object], outcome: Outcome, tried: tuple[Outcome, ...]
) -> None:
    assert attempts(read(tmp_path, "ctrf", ctrf({"name": "a", **test}, tests=1)), "a") == (outcome, tried)


@pytest.mark.parametrize("summary", [{"tests": 2}, {"tests": 1, "passed": 0}, {"failed": 1}, {"tests": 1, "other": 1}])
def test_ctrf_summary_that_differs_is_refused(tmp_path: Path, summary: dict[str, int]) -> None:
    assert "the summary declares" in refused(tmp_path, "ctrf", ctrf({"name": "a", "status": "passed"}, **summary)).why


def test_ctrf_two_tests_of_one_name_are_two_cases(tmp_path: Path) -> None:
    found = read(tmp_path, "ctrf", ctrf({"name": "a", "status": "failed"}, {"name": "a", "status": "passed"}, tests=2))
    assert {name: case.outcome for name, case in found.items()} == {"a": FAIL, "a (2)": PASS}


def test_ctrf_unknown_status_is_refused(tmp_path: Path) -> None:
    assert "'great'" in refused(tmp_path, "ctrf", ctrf({"name": "a", "status": "great"})).why


# --- TRX, xUnit, NUnit -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("Passed", PASS),
        ("Failed", FAIL),
        ("NotExecuted", SKIP),
        ("Inconclusive", SKIP),
        ("NotRunnable", SKIP),
        ("Timeout", ERROR),
        ("Aborted", ERROR),
        ("PassedButRunAborted", ERROR),
        ("Disconnected", ERROR),
        ("InProgress", ERROR),
        ("anything", ERROR),
        (None, ERROR),
    ],
)
def test_trx_outcome_that_is_not_a_pass_is_never_read_as_one(tmp_path: Path, word: str, outcome: Outcome) -> None:
    assert read(tmp_path, "trx", trx(result("a", word)))["a"].outcome is outcome


@pytest.mark.parametrize(
    ("run", "test", "outcome", "tried"),
    [
        ("Completed", "1", PASS, (FAIL, PASS)),
        ("Failed", "1", FAIL, (PASS, FAIL)),
        ("Completed", "", FAIL, (PASS, FAIL)),
    ],
)
def test_trx_rerun_counts_as_passed_only_where_the_run_says_so(
    tmp_path: Path, run: str, test: str, outcome: Outcome, tried: tuple[Outcome, ...]
) -> None:
    found = read(tmp_path, "trx", trx(result("a", "Failed", test), result("a", "Passed", test), outcome=run))
    assert attempts(found, "a") == (outcome, tried)


def test_trx_run_that_ended_badly_without_a_red_result_is_an_error(tmp_path: Path) -> None:
    assert read(tmp_path, "trx", trx(result("a", "Passed"), outcome="Aborted"))["the run itself"].outcome is ERROR


def test_trx_without_a_summary_is_refused(tmp_path: Path) -> None:
    assert "ResultSummary" in refused(tmp_path, "trx", "<TestRun><Results/></TestRun>").why


@pytest.mark.parametrize(
    "counters",
    ['total="2" passed="1" failed="0"', 'total="1" passed="0" failed="0"', 'total="1" passed="1" failed="1"'],
)
def test_trx_counters_that_differ_are_refused(tmp_path: Path, counters: str) -> None:
    refused(tmp_path, "trx", trx(result("a", "Passed"), counters=f"<Counters {counters}/>"))


def test_trx_parent_that_failed_while_its_rows_passed_is_kept(tmp_path: Path) -> None:
    rows = f"<InnerResults>{result('t (1)', 'Passed', '1')}</InnerResults>"
    parent = f'<UnitTestResult testId="1" testName="t" outcome="Failed">{rows}</UnitTestResult>'
    found = read(tmp_path, "trx", trx(parent, outcome="Failed"))
    assert {name: case.outcome for name, case in found.items()} == {"t (1)": PASS, "t": FAIL}


@pytest.mark.parametrize(("text", "seconds"), [("1.02:03:04.5", 93_784.5), ("00:00:00.25", 0.25), ("soon", 0.0)])
def test_trx_duration(tmp_path: Path, text: str, seconds: float) -> None:
    (tmp_path / "r").write_text(trx(f'<UnitTestResult testName="a" outcome="Passed" duration="{text}"/>'))
    assert TrxReader().read(tmp_path / "r", tmp_path).cases[0].duration_s == seconds


@pytest.mark.parametrize(
    ("kind", "content", "told"),
    [
        ("xunit", '<assemblies><assembly name="a" total="2"/></assemblies>', "declares 2 tests, counted 0"),
        ("xunit", '<assemblies><assembly name="a" errors="1"><errors/></assembly></assemblies>', "declares 1 errors"),
        ("xunit", '<assemblies><assembly name="a"><test name="t" result="Great"/></assembly></assemblies>', "'Great'"),
        ("nunit", '<test-run total="1"/>', "declares 1 tests, counted 0"),
        ("nunit", '<test-run failed="0"><test-case name="a" result="Failed"/></test-run>', "declares 0 failed"),
        ("nunit", '<test-run><test-case name="a" result="Great"/></test-run>', "'Great'"),
        ("nunit", '<test-run><test-case name="a" result="Passed"><test-case/></test-case></test-run>', "inside"),
        ("trx", trx('<UnitTestResult outcome="Passed"/>'), "without testName"),
    ],
)
def test_xml_that_contradicts_itself_is_refused(tmp_path: Path, kind: str, content: str, told: str) -> None:
    assert told in refused(tmp_path, kind, content).why


def test_nunit_run_that_failed_without_a_failing_case_is_an_error(tmp_path: Path) -> None:
    found = read(tmp_path, "nunit", '<test-run result="Failed"><test-case name="a" result="Passed"/></test-run>')
    assert {name: case.outcome for name, case in found.items()} == {"a": PASS, "the run::the suite itself": ERROR}


# --- wrong answers that were given once ----------------------------------------------------------------


def test_reportlog_test_that_was_set_up_and_never_called_is_an_error(tmp_path: Path) -> None:
    found = read(tmp_path, "pytest-reportlog", log(("a", "setup", "passed"), ("a", "teardown", "passed"), status=1))
    assert found["a"].outcome is ERROR


@pytest.mark.parametrize("status", [5, 137])
def test_reportlog_that_ended_like_no_run_of_tests_is_refused(tmp_path: Path, status: int) -> None:
    reports = [("a", phase, "passed") for phase in ("setup", "call", "teardown")]
    assert f"exit status {status}" in refused(tmp_path, "pytest-reportlog", log(*reports, status=status)).why


def test_go_build_that_failed_and_that_no_package_speaks_of_is_an_error(tmp_path: Path) -> None:
    built = '{"ImportPath":"x","Action":"build-output","Output":"x.go:1: no\\n"}\n'
    built += '{"ImportPath":"x","Action":"build-fail"}\n'
    found = read(tmp_path, "go-test-json", built + go("start", "run TestA", "pass TestA", "pass"))
    assert {name: case.outcome for name, case in found.items()} == {"p::TestA": PASS, "x::the package itself": ERROR}
    assert "x.go:1: no" in found["x::the package itself"].detail


@pytest.mark.parametrize("word", ["interrupted", "timedout", "crashed", "Cancelled", "aborted"])
def test_junit_status_of_a_test_that_did_not_end_is_an_error(tmp_path: Path, word: str) -> None:
    found = read(tmp_path, "junit", f'<testsuite><testcase classname="a" name="t" result="{word}"/></testsuite>')
    assert found["a::t"].outcome is ERROR


def test_junit_that_declares_no_test_and_holds_one_is_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, "junit", '<testsuite tests="0"><testcase classname="a" name="t"/></testsuite>')
    assert "declares no test that ran, counted 1" in told.why


@pytest.mark.parametrize("line", [99_999_999_999, 4_294_967_295])
def test_line_that_no_file_has_is_unknown(tmp_path: Path, line: int) -> None:
    text = f'<testsuite><testcase classname="a" name="t" line="{line}"/></testsuite>'
    assert read(tmp_path, "junit", text)["a::t"].outcome is PASS
    assert read(tmp_path, "ctrf", ctrf({"name": "t", "status": "passed", "duration": 1, "line": line}))

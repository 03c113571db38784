"""Wrong answers that popular reporters give about test results; each is a question to `truegreen gate`.

Those of publishing are in tests/integration/forge (W6 and W7: all annotations, fifty a request; W12: the last page of
comments), that of very many tests in benchmarks/report.py (W8), of hostile names in tests/property/reporters (W10), and
of new files without a test in tests/unit/gates/test_patch_coverage.py (W11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.app_evidence import leave, pytest_files

from truegreen.errors import EXIT_CONFIGURATION, EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK

if TYPE_CHECKING:
    from tests.support.app_desk import Desk, Ended

STAGE = "wiring"
CASE = '<testcase classname="bank" name="{name}" time="0.01">{inside}</testcase>'


def suite(*cases: str, **declared: int) -> str:
    given = " ".join(f'{key}="{value}"' for key, value in declared.items())
    return f'<testsuite name="bank" {given}>{"".join(cases)}</testsuite>'


def case(name: str, inside: str = "") -> str:
    return CASE.format(name=name, inside=inside)


def judged(desk: Desk, *documents: str, exit_code: int = 0) -> Ended:
    """Bring each document as a shard of its own and judge them."""
    for number, document in enumerate(documents, 1):
        content = {"results.xml": ("junit", document.encode())}
        head = desk.git("rev-parse", "HEAD")
        tools = [{"name": "test command", "exit_code": exit_code}]
        leave(desk.root / ".truegreen", STAGE, content, commit=head, shard=str(number), ingested=True, tools=tools)
    return desk.run("gate", STAGE, "--json")


def inputs(ended: Ended) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = next(one for one in ended.json["stages"] if one["stage"] == STAGE)["inputs"]
    return rows


def shard(desk: Desk, name: str, *tests: str, commit: str = "", folder: str = "") -> None:
    head = commit or desk.git("rev-parse", "HEAD")
    leave(desk.root / ".truegreen", STAGE, pytest_files(*tests), commit=head, shard=name, name=folder)


def reasons(ended: Ended) -> str:
    stage = next(one for one in ended.json["stages"] if one["stage"] == STAGE)
    return "\n".join(verdict["reason"] for verdict in stage["verdicts"] if verdict["status"] in ("blind", "fail"))


def test_w1_failing_test_in_a_nested_suite_is_red(desk: Desk) -> None:
    inner = suite(case("deep", "<failure>no</failure>"), case("fine"))
    ended = judged(desk, f"<testsuites><testsuite name='outer'>{inner}</testsuite></testsuites>", exit_code=1)
    assert ended.code == EXIT_GATE_FAILED
    assert [(row["tests"], row["failed"]) for row in inputs(ended)] == [(2, 1)]


def test_w2_failure_that_the_declared_total_denies_is_red(desk: Desk) -> None:
    ended = judged(desk, suite(case("a", "<failure>no</failure>"), tests=1, failures=0, errors=0))
    assert ended.code in (EXIT_GATE_FAILED, EXIT_EVIDENCE)
    assert ended.json["status"] != "pass"


@pytest.mark.parametrize("declared", [{"tests": 0, "errors": 1}, {"tests": 0, "errors": 1, "skipped": 0}])
@pytest.mark.parametrize("inside", ["", "<error message='could not start'/>"])
def test_w3_error_of_a_suite_without_cases_is_red(desk: Desk, declared: dict[str, int], inside: str) -> None:
    ended = judged(desk, suite(inside, **declared))
    assert ended.code in (EXIT_GATE_FAILED, EXIT_EVIDENCE)


@pytest.mark.parametrize(
    "document",
    [
        suite(case("a", "<failure>1</failure><failure>2</failure><error>3</error>"), tests=1),
        suite(case("a", "<failure>1</failure>"), case("a", "<error>2</error>"), tests=1, failures=1, errors=1),
        suite(case("a", "<skipped/><failure>1</failure>"), tests=1, failures=1, skipped=1),
    ],
)
def test_w4_no_count_is_ever_negative_and_they_add_up(desk: Desk, document: str) -> None:
    ended = judged(desk, document, exit_code=1)
    assert ended.code in (EXIT_GATE_FAILED, EXIT_EVIDENCE)
    for row in inputs(ended):
        counts = [row[key] for key in ("passed", "failed", "errors", "skipped")]
        assert min(counts) >= 0
        assert sum(counts) == row["tests"]


def test_w5_totals_do_not_stop_where_the_annotations_do(desk: Desk) -> None:
    failing = [case(f"bad{number}", "<failure>no</failure>") for number in range(1200)]
    rest = [case(f"good{number}") for number in range(800)]
    desk.env(GITHUB_ACTIONS="true")
    ended = judged(desk, suite(*failing, *rest, tests=2000, failures=1200), exit_code=1)
    assert [(row["tests"], row["passed"], row["failed"]) for row in inputs(ended)] == [(2000, 800, 1200)]
    assert "1,200 of 2,000 tests failed" in reasons(ended)


@pytest.mark.parametrize(
    "bad", ["", "<testsuite", suite(case("a")).encode("utf-16").decode("latin-1"), suite(case("&#x1b;"))]
)
def test_w9_one_unreadable_file_is_blind_and_the_others_are_still_counted(desk: Desk, bad: str) -> None:
    ended = judged(desk, suite(case("one")), bad, suite(case("two")))
    assert ended.code == EXIT_EVIDENCE
    assert [(row["shard"], row["tests"]) for row in inputs(ended)] == [("1", 1), ("3", 1)]
    stage = next(one for one in ended.json["stages"] if one["stage"] == STAGE)
    assert any("wiring-2/results.xml" in fact["value"] for one in stage["verdicts"] for fact in one["facts"])


def test_w13_errors_of_set_up_teardown_and_collection_are_red_and_annotated(desk: Desk) -> None:
    desk.env(GITHUB_ACTIONS="true")
    wrong = [
        f'<testcase file="tests/test_bank.py" name="{name}"><error message="{told}">no</error></testcase>'
        for name, told in (("a", "failed on setup"), ("b", "failed on teardown"), ("c", "collection failure"))
    ]
    ended = judged(desk, suite(*wrong, errors=3), exit_code=1)
    assert ended.code == EXIT_GATE_FAILED
    assert [row["errors"] for row in inputs(ended)] == [3]
    for told in ("failed on setup", "failed on teardown", "collection failure"):
        assert any(line.startswith("::error") and told in line for line in ended.err.splitlines()), told


# --- W14: a missing shard is invisible -------------------------------------------------------------


def plan(desk: Desk, text: str) -> None:
    desk.configure(f"[tool.truegreen.gates.{text}\n")
    desk.commit()


def test_w14_all_shards_of_the_plan_are_green(desk: Desk) -> None:
    plan(desk, "stage-complete]\nshards = { wiring = 2 }")
    shard(desk, "1", "test_a")
    shard(desk, "2", "test_b")
    assert desk.run("gate", STAGE).code == EXIT_OK


def test_w14_missing_shard_is_blind_and_named(desk: Desk) -> None:
    plan(desk, 'stage-complete]\nshards = { wiring = ["linux", "windows"] }')
    shard(desk, "linux", "test_a")
    ended = desk.run("gate", STAGE, "--json")
    assert (ended.code, "no evidence of shard windows" in reasons(ended)) == (EXIT_EVIDENCE, True)


def test_w14_missing_numbered_shard_is_blind_and_named(desk: Desk) -> None:
    plan(desk, "stage-complete]\nshards = { wiring = 3 }")
    shard(desk, "1", "test_a")
    shard(desk, "3", "test_b")
    ended = desk.run("gate", STAGE, "--json")
    assert (ended.code, "1 of 3 shards left no evidence: 2; shards there: 1, 3" in reasons(ended)) == (
        EXIT_EVIDENCE,
        True,
    )


def test_w14_empty_shard_is_blind(desk: Desk) -> None:
    ended = judged(desk, suite(case("one")), suite(tests=0))
    assert (ended.code, "no test has a result (wiring-2)" in reasons(ended)) == (EXIT_EVIDENCE, True)


def test_w14_shard_that_is_there_twice_is_blind(desk: Desk) -> None:
    plan(desk, "stage-complete]\nshards = { wiring = 2 }")
    shard(desk, "1", "test_a")
    shard(desk, "1", "test_b", folder="wiring-1-again")
    ended = desk.run("gate", STAGE, "--json")
    assert (ended.code, "two pieces of evidence claim" in reasons(ended)) == (EXIT_EVIDENCE, True)


def test_w14_shard_of_another_commit_is_blind(desk: Desk) -> None:
    plan(desk, "stage-complete]\nshards = { wiring = 2 }")
    shard(desk, "1", "test_a")
    shard(desk, "2", "test_b", commit="f" * 40)
    ended = desk.run("gate", STAGE, "--json")
    assert (ended.code, "commit" in reasons(ended)) == (EXIT_EVIDENCE, True)


def test_w14_fewer_tests_than_the_plan_states_are_blind(desk: Desk) -> None:
    plan(desk, "tests-ran]\nmin-tests = { wiring = 3 }")
    shard(desk, "1", "test_a", "test_b")
    ended = desk.run("gate", STAGE, "--json")
    assert (ended.code, "2 tests ran, at least 3 are asked for" in reasons(ended)) == (EXIT_EVIDENCE, True)


def test_w14_plan_for_a_misspelt_stage_is_refused(desk: Desk) -> None:
    plan(desk, "stage-complete]\nshards = { wirign = 2 }")
    ended = desk.run("gate", STAGE)
    assert (ended.code, "TG104" in ended.err) == (EXIT_CONFIGURATION, True)
    assert "perhaps you meant wiring" in ended.err

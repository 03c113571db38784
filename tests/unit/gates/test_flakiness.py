"""The gate over this run, with what earlier runs say of its tests."""

from __future__ import annotations

from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, SKIP, case, name, record, stage
from tests.support.past import clean, failure, run

from truegreen.gates.flakiness import Flakiness, FlakinessOptions
from truegreen.model.evidence import ErrorRecord
from truegreen.model.history import History
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Status

TREE = "9" * 40
TWICE = TestRun(cases=(case(0, attempts=(FAIL, PASS), message="boom"), case(1)))
RED = TestRun(cases=(case(0, FAIL, message="boom"), case(1)))


def judged(tests, *past, **more):
    evidence = good.run(stage("unit", tests=tests, **more))
    return Flakiness().evaluate(evidence, "unit", FlakinessOptions(), History(runs=past))


def test_flaky_test_is_listed_with_what_earlier_runs_say_of_it():
    past = [run(0, failure(name(0), FAIL, PASS)), *clean(98)]
    verdict = judged(TWICE, *past)
    assert verdict.status is Status.FAIL
    assert verdict.items[0].message == "fail → pass: boom (confirmed: 2 of 100 runs (2.00%), group 1)"
    assert judged(TWICE).items[0].message == "fail → pass: boom"


def test_failure_that_passed_before_on_the_same_code_is_flaky_without_a_rerun():
    same = (record("unit", tree=TREE, environment="env"),)
    passed = run(0, tree=TREE, tests=2)
    verdict = judged(RED, passed, records=same)
    assert verdict.status is Status.FAIL
    assert verdict.items[0].message.startswith("fail: boom (passed before on the same code")
    assert judged(RED, passed).status is Status.SKIPPED, "nobody knows which code this is"
    assert judged(RED, run(0, tree="another"), records=same).status is Status.SKIPPED
    assert judged(RED, run(0, failure(name(0)), tree=TREE, tests=2), records=same).status is Status.SKIPPED
    assert judged(RED, run(0, tree=TREE, tests=1), records=same).status is Status.SKIPPED, "it may not have run there"


def test_failure_of_the_infrastructure_is_told_and_does_not_count():
    full = case(0, attempts=(FAIL, PASS), message="OSError: [Errno 28] No space left on device")
    verdict = judged(TestRun(cases=(full, case(1))))
    assert verdict.status is Status.PASS
    assert verdict.facts[-1].label == "failed for the infrastructure, not counted"
    assert [(item.level, item.message.endswith("(disk-full)")) for item in verdict.items] == [("notice", True)]


def _claims(number, text, **more):
    return TestRun(cases=tuple(case(n, attempts=(FAIL, PASS), message=text) for n in range(number)), **more)


def test_assertion_that_speaks_of_a_full_disk_counts():
    for text in ("assert 'no space left on device' in 'ok'", "AssertionError: no space left on device"):
        assert judged(_claims(1, text)).status is Status.FAIL


def test_whole_suite_that_blames_the_machine_without_a_record_counts():
    text = "OSError: [Errno 28] No space left on device"
    verdict = judged(_claims(50, text))
    assert (verdict.status, verdict.reason) == (Status.FAIL, "50 of 50 tests disagree with themselves")


def test_whole_suite_that_blames_the_machine_with_a_record_of_it_does_not_count():
    error = ErrorRecord(code="TG305", what="OSError: No space left on device")
    text = "OSError: [Errno 28] No space left on device"
    verdict = judged(_claims(50, text), records=(record("unit", error=error),))
    assert verdict.status is Status.PASS


def test_test_that_failed_passed_and_was_skipped_in_the_end_is_listed():
    verdict = judged(TestRun(cases=(case(0, SKIP, attempts=(FAIL, PASS, SKIP)), case(1))))
    assert verdict.status is Status.FAIL
    assert [item.message for item in verdict.items] == ["fail → pass → skip"]


def test_test_that_was_repeated_inside_the_session_and_skipped_in_the_end_is_listed():
    repeated = (good.session(2, reruns={name(0): 1}),)
    verdict = judged(TestRun(cases=(case(0, SKIP), case(1))), sessions=repeated)
    assert verdict.status is Status.FAIL
    assert [item.message for item in verdict.items] == ["repeated inside the session → skip"]


def test_failure_that_was_skipped_when_run_again_is_not_known_to_be_flaky():
    verdict = judged(TestRun(cases=(case(0, FAIL, attempts=(FAIL, SKIP)), case(1))))
    assert (verdict.status, verdict.items) == (Status.SKIPPED, ())

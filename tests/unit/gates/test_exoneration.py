"""Exoneration: one alibi, and everything that takes it away."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, case, name, record, stage
from tests.support.past import clean, failure, run

from truegreen.analysis import fingerprint
from truegreen.analysis.exoneration import _stem
from truegreen.gates import judging
from truegreen.gates.no_failures import NoFailures, NoFailuresOptions
from truegreen.model.changes import Changes, FileChange
from truegreen.model.history import History
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Status

DETAIL = "src/shop/cart.py:5: in total\n    return a / b\nE   ZeroDivisionError: division by zero"
TOLD = {"message": "ZeroDivisionError: division by zero", "detail": DETAIL}
KEY = fingerprint.parts(**TOLD).key
BASE = "b" * 40
ELSEWHERE = Changes(base=BASE, files=(FileChange(path="README.md"),))
ON = NoFailuresOptions(exonerate=3)


def held(number, **more):
    return failure(name(number), FAIL, PASS, fingerprint=KEY, **more)


def past(*numbers, **more):
    """Return runs of the base branch, newest first: the newest is the base, and two of them failed."""
    values = {"base": True, **more}
    rows = [run(step, *(held(number) for number in numbers), **values) for step in range(2)]
    rows += [msgspec.structs.replace(one, base=True) for one in clean(20)]
    rows.append(run(5000, base=True, commit=BASE))
    return tuple(reversed(rows))


def evidence(*numbers, changes=ELSEWHERE, environment="env", **more):
    red = tuple(case(number, FAIL, **{**TOLD, **more}) for number in numbers)
    part = stage("unit", tests=TestRun(cases=(*red, case(9))), records=(record("unit", environment=environment),))
    return good.run(part, changes=changes)


def judged(run_evidence, runs, options=ON):
    return NoFailures().evaluate(run_evidence, "unit", options, History(runs=runs))


def test_failure_with_an_alibi_is_advice_and_still_a_failure_with_its_evidence():
    verdict = judged(evidence(0), past(0))
    assert (verdict.status, verdict.advisory, verdict.red) == (Status.FAIL, True, False)
    assert verdict.reason == "1 of 2 tests failed: all of them known on the base branch"
    assert "failed in the same way on the base branch at" in verdict.items[0].message
    assert "2 of 23 runs (8.70%)" in verdict.items[0].message
    assert verdict.facts[-1].label == "known on the base branch"


def test_green_headline_says_that_a_failure_was_excused():
    options = {"no-failures": ON}
    asked = [NoFailures(), *(gate for gate in _others())]
    reports = judging.judge(evidence(0), options, History(runs=past(0)), gates=asked)
    assert reports[1].status is Status.PASS
    assert judging.overall(reports)[1].endswith("(red, and only advice: no-failures)")


def _others():
    from truegreen.gates.stage_complete import StageComplete

    return [StageComplete()]


def test_exoneration_is_off_by_default():
    assert judged(evidence(0), past(0), NoFailuresOptions()).red


def test_one_failure_without_an_alibi_keeps_the_stage_red():
    verdict = judged(evidence(0, 1), past(0))
    assert verdict.red
    assert [("base branch" in item.message) for item in verdict.items] == [True, False]


def test_more_alibis_than_the_cap_are_none():
    assert not judged(evidence(0, 1, 2), past(0, 1, 2)).red
    verdict = judged(evidence(0, 1, 2, 3), past(0, 1, 2, 3))
    assert verdict.red
    assert not any("base branch" in item.message for item in verdict.items)
    assert judged(evidence(0, 1), past(0, 1), NoFailuresOptions(exonerate=1)).red


def test_cap_counts_the_failures_of_all_stages():
    one, two = evidence(0), evidence(1)
    other = msgspec.structs.replace(two.stages[0], stage="wiring")
    both = msgspec.structs.replace(one, stages=(*one.stages, other))
    runs = tuple(
        msgspec.structs.replace(
            row,
            stages=(*row.stages, *(msgspec.structs.replace(part, stage="wiring") for part in row.stages)),
            failures=(*row.failures, *(msgspec.structs.replace(held(1), stage="wiring") for _ in row.failures[:1])),
        )
        for row in past(0)
    )
    assert not judged(both, runs, NoFailuresOptions(exonerate=2)).red
    assert judged(both, runs, NoFailuresOptions(exonerate=1)).red


def test_nothing_is_excused_in_a_run_that_is_no_change():
    assert judged(evidence(0, changes=None), past(0)).red
    assert judged(evidence(0, changes=Changes(base=BASE)), past(0)).red


@pytest.mark.parametrize(
    "file",
    [
        FileChange(path="tests/test_a.py"),
        FileChange(path="tests/test_b.py", old_path="tests/test_a.py"),
        FileChange(path="src/shop/cart.py"),
        FileChange(path="other/cart.py"),
    ],
)
def test_change_that_touches_the_test_or_where_it_failed_has_no_alibi(file):
    assert judged(evidence(0, changes=Changes(base=BASE, files=(file,))), past(0)).red


@pytest.mark.parametrize(
    "more",
    [
        {"message": "ZeroDivisionError: float division by zero"},
        {"detail": DETAIL.replace("in total", "in tax")},
        {"detail": ""},
        {"file": ""},
        {"attempts": (FAIL, FAIL, FAIL)},
    ],
)
def test_other_failure_than_that_of_the_base_has_no_alibi(more):
    assert judged(evidence(0, **more), past(0)).red


def test_other_environment_or_an_unknown_one_has_no_alibi():
    assert judged(evidence(0, environment="other"), past(0)).red
    assert judged(evidence(0, environment=""), past(0, environment="")).red


def test_runs_of_other_changes_are_no_alibi():
    assert judged(evidence(0), past(0, base=False)).red


def test_what_the_base_did_after_the_change_left_it_is_no_alibi():
    later = tuple(run(9000 + step, held(0), base=True) for step in range(2))
    assert judged(evidence(0), (*later, *past())).red
    assert judged(evidence(0), tuple(row for row in past(0) if row.commit != BASE)).red, "the base never ran"


def test_test_that_failed_once_on_the_base_is_not_confirmed():
    runs = past(0)
    assert judged(evidence(0), runs[:-1]).red


@pytest.mark.parametrize(
    ("path", "stem"),
    [("src/shop/cart.py", "cart"), ("cart.py", "cart"), ("com.shop.Cart", "Cart"), ("a/Cart.java", "Cart"), ("x", "x")],
)
def test_stem_is_what_paths_and_classes_share(path, stem):
    assert _stem(path) == stem


def test_later_run_of_the_base_makes_no_ancestor_of_what_was_built_on_it():
    later = tuple(run(6000 + step, held(0), base=True, commit=f"{step}" * 40) for step in range(6))
    again = run(9000, base=True, commit=BASE)
    first = run(5000, base=True, commit=BASE)
    assert judged(evidence(0), (again, *reversed(later), first)).red
    assert not judged(evidence(0), (again, *reversed(later), *past(0))).red, "its own ancestors still speak for it"


def test_commit_that_git_knows_as_no_ancestor_says_nothing():
    runs = past(0)
    known = frozenset({BASE, *(one.commit for one in runs)})
    told = msgspec.structs.replace(ELSEWHERE, ancestors=known)
    assert not judged(evidence(0, changes=told), runs).red
    assert judged(evidence(0, changes=msgspec.structs.replace(told, ancestors=frozenset({BASE}))), runs).red


def test_run_in_which_the_test_did_not_run_does_not_make_it_flaky():
    one = failure(name(0), FAIL, fingerprint=KEY)
    pairs = [(run(n, one, base=True, tree=f"t{n}"), run(n + 1, base=True, tree=f"t{n}")) for n in range(0, 12, 2)]
    runs = tuple(reversed([one for pair in pairs for one in pair]))
    runs = (run(5000, base=True, commit=BASE), *runs)
    absent = {"unit": {other.run: frozenset({name(0)}) for _, other in pairs}}
    verdict = NoFailures().evaluate(evidence(0), "unit", ON, History(runs=runs))
    assert not verdict.red
    verdict = NoFailures().evaluate(evidence(0), "unit", ON, History(runs=runs, absent=absent))
    assert verdict.red

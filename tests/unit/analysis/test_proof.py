"""What a run with a mutant says: only a test that saw the fault at work can have noticed it, or missed it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis import proof
from truegreen.model.persistence import Change, Demand, PersistenceEvidence, PhaseChanges, TestDemand
from truegreen.model.proof import Answer, TestAnswer

JOURNAL = "own.journal"


def change(name="public.ops", kind="insert", database="app"):
    return Change(store="postgres", database=database, object=name, kind=kind, count=1)


def phase(*committed, test="t", name="call", rolled_back=()):
    return PhaseChanges(test=test, phase=name, committed=committed, rolled_back=rolled_back)


def evidence(*phases, demands=()):
    return PersistenceEvidence(phases=phases, demands=demands, databases=("app",), complete=True)


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        ([phase(change())], ("t",)),
        ([phase()], ()),
        ([phase(change(), name="setup"), phase()], ()),
        ([phase(change(database="other"))], ()),
        ([phase(change("(truncated)", "truncate"))], ()),
        ([phase(rolled_back=(change(),))], ()),
        ([], ()),
    ],
)
def test_tests_that_commit_rows_while_they_run_should_notice(phases, expected):
    assert proof.committing(evidence(*phases), ["t"]) == expected


def test_test_that_only_reads_need_not_notice():
    reads = TestDemand(test="t", demand=Demand(), reads=True)
    assert proof.committing(evidence(phase(change()), demands=(reads,)), ["t"]) == ()


def test_test_that_did_not_pass_is_not_asked():
    assert proof.committing(evidence(phase(change())), ["other"]) == ()


def ask(*phases, failed=(), skipped=(), kept=True):
    found, told = evidence(*phases), {"journal": JOURNAL, "kept": kept, "proves": "proves nothing"}
    (answer,) = proof.answers(["t"], found, failed=failed, skipped=skipped, **told)
    return answer


AT_WORK = phase(change(), change(JOURNAL))
REFUSED = phase(rolled_back=(change(), change(JOURNAL)))


@pytest.mark.parametrize(
    ("phases", "how", "answer", "why"),
    [
        ([AT_WORK], {"failed": ["t"]}, Answer.NOTICED, ""),
        ([AT_WORK], {}, Answer.MISSED, "proves nothing"),
        ([REFUSED], {"failed": ["t"], "kept": False}, Answer.NOTICED, ""),
        ([REFUSED], {"kept": False}, Answer.MISSED, "proves nothing"),
        ([REFUSED], {"failed": ["t"]}, Answer.UNKNOWN, "it failed before the fault was at work"),
        ([REFUSED], {}, Answer.UNKNOWN, "wrote nothing"),
        ([AT_WORK], {"failed": ["t"], "kept": False}, Answer.UNKNOWN, "it failed before"),
        ([phase()], {"failed": ["t"]}, Answer.UNKNOWN, "it failed before the fault was at work"),
        ([phase(change(JOURNAL), name="setup"), phase()], {"failed": ["t"]}, Answer.UNKNOWN, "it failed before"),
        ([phase(change())], {}, Answer.UNKNOWN, "a way that the fault does not reach"),
        ([phase()], {}, Answer.UNKNOWN, "wrote nothing"),
        ([], {}, Answer.UNKNOWN, "wrote nothing"),
        ([], {"skipped": ["t"]}, Answer.UNKNOWN, "skipped"),
    ],
)
def test_answer_depends_on_the_fault_being_at_work(phases, how, answer, why):
    found = ask(*phases, **how)
    assert found.answer is answer
    assert why in found.why


@given(st.lists(st.sampled_from(list(Answer))))
def test_all_tests_together_say_the_best_that_one_of_them_says(said):
    expected = next((one for one in (Answer.NOTICED, Answer.MISSED) if one in said), Answer.UNKNOWN)
    assert proof.of_all(TestAnswer(test="t", answer=one) for one in said) is expected

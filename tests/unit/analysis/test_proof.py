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


@pytest.mark.parametrize(
    ("wanted", "early"),
    [
        (Demand(object="ops"), False),
        (Demand(object="accounts"), True),
        (Demand(), False),
        (Demand(object="accounts", at_least=0, at_most=0), False),
        (Demand(object="accounts", store="redis"), False),
        (Demand(object="redis:accounts"), False),
    ],
)
@pytest.mark.parametrize(("seen", "kept"), [(AT_WORK, True), (REFUSED, False)])
def test_test_that_failed_before_it_wrote_what_it_names_noticed_with_a_doubt(wanted, early, seen, kept):
    found = evidence(seen, demands=(TestDemand(test="t", demand=wanted),))
    told = {"journal": JOURNAL, "kept": kept, "proves": ""}
    (answer,) = proof.answers(["t"], found, failed=["t"], skipped=(), **told)
    assert answer.answer is Answer.NOTICED
    assert ("it failed before accounts was written" in answer.why) is early


@given(st.lists(st.sampled_from(list(Answer))))
def test_all_tests_together_say_the_best_that_one_of_them_says(said):
    expected = next((one for one in (Answer.NOTICED, Answer.MISSED) if one in said), Answer.UNKNOWN)
    assert proof.of_all(TestAnswer(test="t", answer=one) for one in said) is expected


@pytest.mark.parametrize(
    ("calls", "failed", "skipped", "expected"),
    [
        ([("t", 2)], {"t"}, (), [("t", Answer.NOTICED)]),
        ([("t", 2)], (), (), [("t", Answer.MISSED)]),
        ([("t", 0)], (), (), []),
        ([("t", 0)], {"t"}, (), [("t", Answer.UNKNOWN)]),
        ([("t", 1)], (), {"t"}, []),
        ([("t", 0), ("u", 1), ("t", 3)], {"u"}, (), [("t", Answer.MISSED), ("u", Answer.NOTICED)]),
    ],
)
def test_test_answers_for_a_replica_only_where_something_was_hidden_from_it(calls, failed, skipped, expected):
    found = proof.lagging(calls, failed=failed, skipped=skipped, proves="why")
    assert [(one.test, one.answer) for one in found] == expected
    assert all(one.why for one in found if one.answer is not Answer.NOTICED)

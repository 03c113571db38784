"""Gate proof-survivors: every test answers for itself, every mutant needs one that noticed it."""

from __future__ import annotations

import pytest
from tests.support.evidence import governed, proof, proof_answer, proof_mutant, stage

from truegreen.gates.proof_survivors import ProofSurvivors, ProofSurvivorsOptions
from truegreen.model.history import History
from truegreen.model.proof import Answer, TestAnswer
from truegreen.model.verdict import Status

SEEN, MISSED, UNKNOWN = Answer.NOTICED, Answer.MISSED, Answer.UNKNOWN


def judge(*mutants, accepted=None, kill_rate=100.0, **more):
    gate = ProofSurvivors()
    run = governed(stage("prove", proof=proof(*mutants, **more)))
    return gate.evaluate(run, "prove", ProofSurvivorsOptions(accepted=accepted or {}, kill_rate=kill_rate), History())


def database(*answers, name="forgetful-database"):
    tests = tuple(proof_answer(f"test_{number}", answer) for number, answer in enumerate(answers))
    answer = SEEN if SEEN in answers else MISSED if MISSED in answers else UNKNOWN
    return proof_mutant(name, answer, tests=tests, why="" if answer is SEEN else "told")


def unwired(answer, name="unwired:Service.cache"):
    tests = (proof_answer("test_wired"),) if answer is SEEN else ()
    return proof_mutant(name, answer, tests=tests, path="src/service.py", line=7)


def test_mutants_that_are_all_noticed_pass_with_their_numbers():
    verdict = judge(database(SEEN, SEEN), unwired(SEEN))
    assert verdict.status is Status.PASS
    assert verdict.reason == "2 mutants, all noticed; 2 tests had to notice each fault"
    assert verdict.facts[0].value == "100 %, 2 of 2"
    assert verdict.items == ()


def test_dependencies_that_are_known_and_those_that_nobody_follows_are_told():
    verdict = judge(database(SEEN), unwired(SEEN), dependencies=3, unfollowed=("Service.audit",))
    assert verdict.status is Status.PASS
    assert verdict.reason.endswith("; 1 dependency not followed, and so not tried: Service.audit")
    facts = {fact.label: fact.value for fact in verdict.facts}
    assert facts["optional dependencies"] == "3 known, 1 of them supplied"
    assert facts["not followed"] == "1 (Service.audit)"


def test_only_dependencies_that_nobody_follows_are_blind():
    verdict = judge(dependencies=0, unfollowed=("Service.audit",))
    assert verdict.status is Status.BLIND
    assert "Service.audit" in verdict.reason


def test_test_that_failed_before_it_wrote_what_it_names_is_told():
    early = TestAnswer(test="test_1", answer=SEEN, why="it failed before operations was written")
    named = database(SEEN)
    verdict = judge(named, proof_mutant("commit-fails", SEEN, tests=(*named.tests, early)))
    assert verdict.status is Status.PASS
    (fact,) = (fact for fact in verdict.facts if fact.label == "failed before what they name was written")
    assert fact.value == "1: test_1"


def test_one_test_that_stays_green_fails_although_the_mutant_was_noticed():
    verdict = judge(database(SEEN, MISSED), unwired(SEEN))
    assert (verdict.status, [item.title for item in verdict.items]) == (Status.FAIL, ["test_1"])
    assert verdict.reason == "test_1 passes all the same"
    assert "read back" in verdict.remedy
    assert "factory" not in verdict.remedy


def test_several_weak_tests_are_counted_once_each():
    verdict = judge(database(MISSED, MISSED), database(MISSED, MISSED, name="commit-fails"))
    assert verdict.reason == "test_0 passes all the same; the same holds for 1 other test"
    assert len(verdict.items) == 4


def test_dependency_that_nobody_misses_fails_with_its_place():
    verdict = judge(database(SEEN), unwired(MISSED))
    assert verdict.status is Status.FAIL
    assert verdict.reason == "no test notices unwired:Service.cache: told"
    assert [(item.path, item.line, item.level) for item in verdict.items] == [("src/service.py", 7, "error")]
    assert "factory" in verdict.remedy


def test_lower_kill_rate_lets_a_dependency_go_and_tells_it():
    verdict = judge(database(SEEN), unwired(MISSED), kill_rate=50)
    assert (verdict.status, len(verdict.items)) == (Status.PASS, 1)
    assert "1 missed" in verdict.reason


def test_lower_kill_rate_lets_no_weak_test_go():
    assert judge(database(MISSED, SEEN), kill_rate=0).status is Status.FAIL


def test_mutant_without_an_answer_is_blind():
    verdict = judge(database(SEEN), unwired(UNKNOWN))
    assert (verdict.status, verdict.reason) == (
        Status.BLIND,
        "1 mutant gave no answer: unwired:Service.cache: told",
    )


def test_test_without_an_answer_is_blind():
    verdict = judge(database(SEEN, UNKNOWN))
    assert (verdict.status, verdict.reason) == (
        Status.BLIND,
        "1 test gave no answer: test_1: passes all the same",
    )


def test_weak_test_outweighs_a_silent_mutant():
    assert judge(database(SEEN, MISSED), unwired(UNKNOWN)).status is Status.FAIL


@pytest.mark.parametrize(
    ("mutants", "accepted"),
    [
        ([database(SEEN, MISSED)], {"test_1": "only reads"}),
        ([database(SEEN), unwired(MISSED)], {"unwired:Service.cache": "a speed-up"}),
        ([database(SEEN), unwired(UNKNOWN)], {"unwired:Service.cache": "a speed-up"}),
        ([database(SEEN, UNKNOWN)], {"test_1": "COPY of its own"}),
        ([database(MISSED), database(MISSED, SEEN, name="commit-fails")], {"test_0": "why"}),
    ],
)
def test_what_is_accepted_with_a_reason_does_not_count(mutants, accepted):
    assert judge(*mutants, accepted=accepted).status is Status.PASS


def test_accepted_test_takes_only_its_own_answer_away():
    verdict = judge(database(SEEN, MISSED, MISSED), accepted={"test_1": "why"})
    assert [item.title for item in verdict.items] == ["test_2"]


def test_accepting_the_only_test_that_noticed_leaves_a_missed_mutant():
    assert judge(database(SEEN, MISSED), accepted={"test_0": "why"}).status is Status.FAIL


def test_accepted_name_of_nothing_fails():
    verdict = judge(database(SEEN), accepted={"unwired:Gone.cache": "why"})
    assert verdict.status is Status.FAIL
    assert "unwired:Gone.cache" in verdict.reason


def test_accepted_test_is_only_known_after_all_mutants_of_the_database():
    names = ("forgetful-database", "unwired:Service.cache")
    accepted = {"test_that_only_reads": "why"}
    assert judge(unwired(SEEN), candidates=names, asked=names[1:], accepted=accepted).status is Status.PASS
    assert judge(database(SEEN), unwired(SEEN), accepted=accepted).status is Status.FAIL
    gone = {"unwired:Gone.cache": "why"}
    assert judge(unwired(SEEN), candidates=names, asked=names[1:], accepted=gone).status is Status.FAIL


def test_accepted_mutant_that_was_not_tried_stays_known():
    names = ("forgetful-database", "unwired:A.b")
    assert judge(database(SEEN), candidates=names, accepted={"unwired:A.b": "why"}).status is Status.PASS


def test_what_was_not_tried_or_not_asked_for_is_told():
    late = judge(database(SEEN), candidates=("forgetful-database", "commit-fails"))
    assert late.reason.endswith("; 1 not tried")
    few = judge(database(SEEN), candidates=("forgetful-database", "b", "c"), asked=("forgetful-database",))
    assert few.reason.endswith("; 2 not asked for")


def test_nothing_tried_is_blind_and_nothing_to_try_is_no_question():
    assert judge(candidates=("a",)).status is Status.BLIND
    assert judge().status is Status.SKIPPED


def test_source_that_nobody_could_read_is_blind():
    verdict = judge(database(SEEN), unread=("src/a.py: no",))
    assert (verdict.status, verdict.reason) == (Status.BLIND, "1 source file could not be read: src/a.py: no")


def test_everything_accepted_is_no_pass_by_silence():
    verdict = judge(unwired(MISSED), accepted={"unwired:Service.cache": "why"})
    assert verdict.status is Status.BLIND


def worker(answer, name="worker:app.worker:main"):
    return proof_mutant(name, answer, tests=(proof_answer("test_works"),) if answer is SEEN else ())


def test_worker_that_nobody_misses_fails_with_advice_of_its_own():
    verdict = judge(database(SEEN), worker(MISSED))
    assert verdict.status is Status.FAIL
    assert "assert what only the worker does" in verdict.remedy
    assert "factory" not in verdict.remedy


def test_replica_that_nobody_reads_fails_with_advice_of_its_own():
    verdict = judge(database(SEEN), proof_mutant("replica-lag", MISSED, tests=()))
    assert verdict.status is Status.FAIL
    assert "read over the replica" in verdict.remedy
    assert "factory" not in verdict.remedy


def test_worker_that_is_accepted_does_not_count():
    accepted = {"worker:app.worker:main": "it is tried out by hand"}
    assert judge(database(SEEN), worker(MISSED), accepted=accepted).status is Status.PASS


def test_worker_that_there_is_not_cannot_be_accepted():
    verdict = judge(database(SEEN), accepted={"worker:app.worker:gone": "it is tried out by hand"})
    assert verdict.status is Status.FAIL
    assert "worker:app.worker:gone" in verdict.reason

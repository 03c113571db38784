"""stage-complete: silence is not success."""

from __future__ import annotations

from tests.support import evidence as good
from tests.support.evidence import record, stage

from truegreen.gates.stage_complete import StageComplete, StageCompleteOptions
from truegreen.model.evidence import ErrorRecord, RunState, ToolRun
from truegreen.model.run import Problem, StageEvidence
from truegreen.model.verdict import Status


def judged(part, **more):
    run = good.run(part, **more)
    return StageComplete().evaluate(run, part.stage, StageCompleteOptions(), good.NO_HISTORY)


def test_stage_that_ran_and_left_files_passes():
    assert judged(stage("lint")).reason == "ran to its end and left 1 file of evidence"


def test_stage_without_a_record_is_blind():
    verdict = judged(StageEvidence(stage="lint"))
    assert (verdict.status, verdict.code) == (Status.BLIND, "TG201")
    assert verdict.reason == "lint was planned and left no evidence"


def test_broken_record_is_blind_with_what_why_fix_and_code():
    error = ErrorRecord(
        code="TG301", what="postgres did not answer", where="port 5432", why="exit 1", fix="read its log"
    )
    broken = record("unit", state=RunState.BROKEN, error=error)
    verdict = judged(stage("unit", records=(record("unit", shard="1"), broken)))
    assert (verdict.status, verdict.code, verdict.remedy) == (Status.BLIND, "TG301", "read its log")
    assert verdict.reason == "unit stopped: postgres did not answer"
    assert [fact.value for fact in verdict.facts] == ["port 5432", "exit 1"]


def test_broken_record_without_an_error_is_blind():
    assert judged(stage("unit", records=(record("unit", state=RunState.BROKEN),))).status is Status.BLIND


def test_evidence_of_another_commit_is_blind_as_stale():
    verdict = judged(stage("unit"), commit="e" * 40)
    assert (verdict.status, verdict.code) == (Status.BLIND, "TG204")
    assert verdict.facts[0].value == "c" * 12


def test_evidence_without_a_commit_is_stale_when_a_commit_is_judged():
    assert judged(stage("unit", records=(record("unit", commit=""),))).code == "TG204"


def test_evidence_of_files_that_differ_from_the_commit_is_blind_in_a_ci():
    def with_trees(before, committed):
        return judged(stage("lint", records=(record("lint", tree_before=before),)), committed=committed)

    verdict = with_trees("t1", "t2")
    assert (verdict.status, verdict.code) == (Status.BLIND, "TG204")
    assert verdict.reason == "the evidence of lint is of files that differ from the commit"
    for before, committed in (("t2", "t2"), ("", "t2"), ("t1", "")):
        assert with_trees(before, committed).status is Status.PASS


def test_project_without_commits_passes():
    assert judged(stage("unit", records=(record("unit", commit=""),)), commit="").status is Status.PASS


def test_promised_kind_that_is_missing_is_blind():
    verdict = judged(stage("unit", records=(record("unit", expects=("junit", "coverage-json")),)))
    assert (verdict.status, verdict.reason) == (Status.BLIND, "promised evidence is missing: coverage-json of unit")


def test_stage_that_left_no_file_is_blind():
    assert judged(stage("unit", records=(record("unit", files=(), expects=()),))).status is Status.BLIND


def test_any_problem_is_blind_with_its_place():
    problem = Problem(
        kind="tests", message="junit.xml is cut", path="unit/junit.xml", line=7, code="TG202", fix="again"
    )
    verdict = judged(stage("unit", problems=(problem, problem)))
    assert (verdict.status, verdict.reason, verdict.code) == (Status.BLIND, "junit.xml is cut", "TG202")
    assert verdict.facts[0].value == "unit/junit.xml:7"
    assert len(verdict.items) == 1


def test_problem_without_a_record_is_told_instead_of_silence():
    verdict = judged(StageEvidence(stage="unit", problems=(Problem(kind="stage", message="the job was cancelled"),)))
    assert verdict.reason == "the job was cancelled"


def test_tool_killed_at_its_time_limit_is_blind():
    late = ToolRun(name="pytest", timed_out=True)
    verdict = judged(stage("unit", records=(record("unit", tools=(late,)),)))
    assert (verdict.status, verdict.code) == (Status.BLIND, "TG306")


def test_stage_that_found_nothing_to_do_is_skipped_with_its_reason():
    idle = record("e2e", state=RunState.SKIPPED, reason="no compose file", files=(), expects=())
    verdict = judged(StageEvidence(stage="e2e", records=(idle,)))
    assert (verdict.status, verdict.reason) == (Status.SKIPPED, "no compose file")


def test_shard_that_did_nothing_beside_others_is_blind():
    idle = record("unit", shard="2", state=RunState.SKIPPED, reason="nothing to do")
    assert judged(stage("unit", records=(record("unit", shard="1"), idle))).status is Status.BLIND

"""Judging: blind before asked, precedence, headlines, the whole run."""

from __future__ import annotations

from typing import ClassVar

import pytest
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, cases, record, session, stage

from truegreen import registry
from truegreen.gates import judging
from truegreen.gates.base import RUN, BaseGate, GateOptions
from truegreen.model.evidence import ErrorRecord, RunState
from truegreen.model.run import Problem, RunEvidence, StageEvidence
from truegreen.model.verdict import StageReport, Status


def judge(run, policies=None, **more):
    return {report.stage: report for report in judging.judge(run, policies or {}, good.NO_HISTORY, **more)}


class Gate(BaseGate):
    """A gate for tests: answers what it is told to."""

    id = "probe"
    stages: ClassVar = frozenset({"unit"})
    needs: ClassVar = frozenset()
    Options = GateOptions

    def __init__(self, answer):
        self.answer = answer

    def evaluate(self, evidence, stage, policy, history):
        return self.answer(self, stage)


def only(*answers):
    return [Gate(answer) for answer in answers]


def test_good_run_passes_everywhere_with_a_headline_each():
    reports = judge(good.run())
    assert {report.status for report in reports.values()} == {Status.PASS}
    assert list(reports) == [*good.STAGES, RUN]
    assert reports["unit"].headline == "3 tests in 4.1 s, 90.0 % of lines"
    assert reports["persistence"].headline == "3 tests in 4.1 s, 3 rows committed"
    assert reports["lint"].headline == "no findings by 1 tool"
    assert reports["performance"].headline == "166 requests/s, p95 21 ms, 0 failed"
    assert reports["signed-image"].headline == "sha256:dddddddddddd…, 1 signature verified"
    assert reports["mutation"].headline == "1 mutant tried, none survived"
    assert reports["prove"].headline == "1 of 1 mutant noticed"
    assert reports["unit"].command == "truegreen run unit"
    assert judging.overall(tuple(reports.values())) == (Status.PASS, "all 10 stages passed")


def test_every_gate_is_asked_somewhere():
    verdicts = [v for report in judge(good.governed()).values() for v in report.verdicts]
    # Which stage verifies which file, the project alone knows: without its map that gate has no question.
    assert {verdict.gate for verdict in verdicts} == set(registry.names("gate")) - {"file-stages"}


def test_stage_nobody_planned_is_skipped_with_the_reason():
    reports = judge(good.run(planned=("unit",), not_planned={"e2e": "not planned for push"}))
    assert (reports["e2e"].status, reports["e2e"].headline) == (Status.SKIPPED, "not planned for push")
    assert reports["lint"].verdicts == ()


def test_planned_stage_without_evidence_tells_one_story():
    reports = judge(good.run(stage("lint"), planned=("lint", "unit")))
    assert reports["unit"].status is Status.BLIND
    assert {v.reason for v in reports["unit"].verdicts} == {"unit was planned and left no evidence"}


def test_problem_makes_the_gates_that_need_the_part_blind_and_no_others():
    problem = Problem(
        kind="coverage", message="coverage.json is cut", path="u/c.json", line=3, code="TG202", fix="again"
    )
    reports = judge(good.run(stage("unit", problems=(problem,), coverage=None)))
    verdicts = {v.gate: v for v in reports["unit"].verdicts}
    assert (verdicts["coverage"].status, verdicts["coverage"].reason) == (Status.BLIND, "coverage.json is cut")
    assert (verdicts["coverage"].code, verdicts["coverage"].remedy) == ("TG202", "again")
    assert verdicts["coverage"].facts[0].value == "u/c.json:3"
    assert verdicts["no-failures"].status is Status.PASS
    assert reports["unit"].status is Status.BLIND


def test_part_that_is_present_and_has_a_problem_is_blind():
    problem = Problem(kind="tests", message="shard 2 is unreadable")
    verdicts = {v.gate: v for v in judge(good.run(stage("unit", problems=(problem,))))["unit"].verdicts}
    assert verdicts["no-failures"].status is Status.BLIND


def test_broken_stage_gives_its_error_to_every_gate():
    error = ErrorRecord(code="TG301", what="postgres did not answer", fix="read its log")
    broken = StageEvidence(stage="unit", records=(record("unit", state=RunState.BROKEN, error=error),))
    report = judge(good.run(broken))["unit"]
    assert (report.status, report.headline) == (Status.BLIND, "unit stopped: postgres did not answer")
    assert {v.code for v in report.verdicts if v.status is Status.BLIND} == {"TG301"}


def test_stage_that_found_nothing_to_do_is_skipped():
    idle = record("e2e", state=RunState.SKIPPED, reason="no compose file", files=(), expects=())
    report = judge(good.run(stage("lint"), StageEvidence(stage="e2e", records=(idle,))))["e2e"]
    assert (report.status, report.headline) == (Status.SKIPPED, "no compose file")


def test_stage_that_claims_to_be_idle_on_another_commit_is_blind():
    idle = record("e2e", state=RunState.SKIPPED, reason="no compose file", commit="b" * 40)
    assert judge(good.run(StageEvidence(stage="e2e", records=(idle,))))["e2e"].status is Status.BLIND


def test_bug_in_a_gate_is_blind_and_names_it():
    def stumble(gate, stage):
        raise KeyError("tests")

    report = judge(good.run(), gates=only(stumble))["unit"]
    assert report.status is Status.BLIND
    assert report.verdicts[0].code == "TG900"
    assert report.headline == "gate probe stopped on a bug: KeyError: 'tests'"


def test_disabled_gate_leaves_a_note_and_no_verdict():
    answer = only(lambda gate, stage: gate.failed(stage, "no", remedy="x"))
    report = judge(good.run(), {"probe": GateOptions(enabled=False)}, gates=answer)["unit"]
    assert report.notes == ("gate probe is disabled",)
    assert (report.verdicts, report.status) == ((), Status.BLIND)


def test_advisory_gate_is_shown_and_turns_nothing_red():
    answers = only(lambda g, s: g.failed(s, "no", remedy="x"))
    answers += [type("Other", (Gate,), {"id": "other"})(lambda g, s: g.passed(s, "yes"))]
    report = judge(good.run(), {"probe": GateOptions(advisory=True)}, gates=answers)["unit"]
    assert report.status is Status.PASS
    assert report.verdicts[0].advisory


def test_only_advisory_answers_are_blind():
    report = judge(good.run(), {"probe": GateOptions(advisory=True)}, gates=only(lambda g, s: g.passed(s, "yes")))[
        "unit"
    ]
    assert report.status is Status.BLIND


def test_fail_comes_before_blind_and_blind_before_pass():
    def told(gate, stage):
        return gate.blind(stage, "cannot see", remedy="x")

    def failed(gate, stage):
        return gate.failed(stage, "wrong", remedy="x")

    def passed(gate, stage):
        return gate.passed(stage, "fine")

    assert judge(good.run(), gates=only(told, passed, failed))["unit"].headline == "wrong"
    assert judge(good.run(), gates=only(passed, told))["unit"].status is Status.BLIND


def test_answer_that_is_no_answer_leaves_the_stage_blind():
    report = judge(good.run(), gates=only(lambda g, s: g.not_judged(s, "who knows")))["unit"]
    assert (report.status, report.headline) == (Status.BLIND, "no gate gave an answer about this stage")


def test_planned_stage_that_nobody_knows_is_blind():
    assert judge(good.run(planned=("unit", "dance")))["dance"].status is Status.BLIND


@pytest.mark.parametrize(
    ("statuses", "wanted"),
    [
        ((), (Status.BLIND, "no stage was judged, so nothing is proved")),
        ((Status.SKIPPED, Status.SKIPPED), (Status.BLIND, "no stage was judged, so nothing is proved")),
        ((Status.PASS,), (Status.PASS, "stage s0 passed")),
        ((Status.PASS, Status.WAIVED), (Status.WAIVED, "all 2 stages passed, 1 by a waiver")),
        ((Status.PASS, Status.BLIND), (Status.BLIND, "s1 is blind: h1")),
        ((Status.BLIND, Status.FAIL, Status.PASS), (Status.FAIL, "s0 is blind; s1 failed")),
    ],
)
def test_overall_follows_the_worst_and_says_which(statuses, wanted):
    reports = tuple(StageReport(stage=f"s{n}", status=s, headline=f"h{n}") for n, s in enumerate(statuses))
    assert judging.overall(reports) == wanted


def test_overall_of_the_run_gate_alone_is_blind():
    assert judging.overall((StageReport(stage=RUN, status=Status.PASS),))[0] is Status.BLIND


def test_empty_run_is_never_green():
    reports = tuple(judge(RunEvidence()).values())
    assert judging.overall(reports)[0] is Status.BLIND


def test_failed_test_is_one_red_verdict_beside_the_others():
    report = judge(good.run(stage("unit", tests=cases(PASS, FAIL, PASS), sessions=(good.session(exit_code=1),))))[
        "unit"
    ]
    assert [(v.gate, v.status) for v in report.verdicts if v.red] == [("no-failures", Status.FAIL)]
    assert report.headline == "1 of 3 tests failed"


def test_green_headline_names_gates_that_were_switched_off_and_reds_that_only_advise():
    def answer(gate, stage):
        return gate.failed(stage, "no", remedy="mend it")

    run, gates = good.run(), only(answer, lambda gate, stage: gate.passed(stage, "yes"))
    gates[0].id = "loud"
    advisory = judging.judge(run, {"loud": GateOptions(advisory=True)}, good.NO_HISTORY, gates=gates)
    unit = tuple(report for report in advisory if report.stage == "unit")
    assert judging.overall(unit) == (Status.PASS, "stage unit passed (red, and only advice: loud)")
    silenced = judging.judge(run, {"loud": GateOptions(enabled=False)}, good.NO_HISTORY, gates=gates)
    unit = tuple(report for report in silenced if report.stage == "unit")
    assert judging.overall(unit) == (Status.PASS, "stage unit passed (switched off: loud)")


def test_green_headline_says_that_a_stage_ran_in_part():
    part = session(asked=("-k good",), left_out=1, collected=4, deselected=1)
    desk = record("unit", run_id="")
    run = good.run(stage("unit", sessions=(part,), records=(desk,)))
    unit = judge(run)["unit"]
    assert (unit.status, unit.headline.partition(":")[0]) == (Status.PASS, "partial (-k good)")
    assert judging.overall((unit,))[1] == "stage unit passed (partial: unit)"

"""Judging: what each gate is given, what a missing part is called, and what a report keeps."""

from __future__ import annotations

from typing import ClassVar

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import record, session, stage

from truegreen.gates import judging
from truegreen.gates.base import RUN, BaseGate, GateOptions
from truegreen.model.evidence import ErrorRecord, RunState, ServiceRecord
from truegreen.model.history import History, PastRun
from truegreen.model.run import Problem, StageEvidence
from truegreen.model.verdict import StageReport, Status, Verdict

OFF = GateOptions(enabled=False)


def judge(run, policies=None, gates=None, history=good.NO_HISTORY):
    found = judging.judge(run, policies or {}, history, gates=gates)
    for report in found:
        assert msgspec.convert(msgspec.to_builtins(report), StageReport) == report
    return {report.stage: report for report in found}


def gate(name, answer, *, stages=("unit",), needs=(), applies=True):
    class Probe(BaseGate):
        """Answers what it is told to."""

        id: ClassVar = name
        Options = GateOptions

        def applies(self, evidence, stage, policy):
            return applies

        def evaluate(self, evidence, stage, policy, history):
            return answer(self, stage, history)

    Probe.stages, Probe.needs = frozenset(stages), frozenset(needs)
    return Probe()


def yes(one, stage, history):
    return one.passed(stage, "yes")


def no(one, stage, history):
    return one.failed(stage, "no", remedy="x")


def stumble(one, stage, history):
    raise ValueError(stage)


def test_gate_after_one_that_is_disabled_is_still_asked():
    report = judge(good.run(), {"off": OFF}, [gate("off", yes), gate("red", no)])["unit"]
    assert (report.status, report.headline, report.notes) == (Status.FAIL, "no", ("gate off is disabled",))


def test_gate_after_one_without_a_question_is_still_asked():
    report = judge(good.run(), gates=[gate("mute", yes, applies=False), gate("red", no)])["unit"]
    assert [verdict.gate for verdict in report.verdicts] == ["red"]
    assert report.status is Status.FAIL


def test_gate_after_one_of_another_stage_is_still_asked():
    assert (
        judge(good.run(), gates=[gate("other", yes, stages=("lint",)), gate("red", no)])["unit"].status is Status.FAIL
    )


def test_gate_after_one_that_stopped_on_a_bug_is_still_asked():
    report = judge(good.run(), gates=[gate("bug", stumble), gate("red", no)])["unit"]
    assert [(v.gate, v.stage, v.status) for v in report.verdicts] == [
        ("bug", "unit", Status.BLIND),
        ("red", "unit", Status.FAIL),
    ]
    assert report.verdicts[0].remedy


def test_every_gate_is_given_the_history():
    history = History(runs=(PastRun(commit="a", created="2026-11-20T00:00:00Z", status="pass"),))
    given = []

    def look(one, stage, history):
        given.append((stage, history))
        return one.passed(stage, "seen")

    judge(good.run(), gates=[gate("look", look, stages=("unit", RUN))], history=history)
    assert given == [("unit", history), (RUN, history)]


@pytest.mark.parametrize(
    ("part", "needed"),
    [
        ("tests", "unit"),
        ("sessions", "unit"),
        ("coverage", "unit"),
        ("scans", "lint"),
        ("persistence", "persistence"),
        ("load", "performance"),
        ("image", "signed-image"),
    ],
)
def test_gate_whose_part_is_absent_is_blind_before_it_is_asked(part, needed):
    probe = gate("probe", yes, stages=(needed,), needs=(part,))
    assert judge(good.run(stage(needed)), gates=[probe])[needed].status is Status.PASS
    verdict = judge(good.run(good.without(stage(needed), part)), gates=[probe])[needed].verdicts[0]
    assert (verdict.gate, verdict.stage, verdict.status) == ("probe", needed, Status.BLIND)
    assert (verdict.reason, verdict.facts) == (f"{needed} left no evidence of {part}", ())
    assert verdict.remedy


def test_parts_that_are_absent_are_all_named():
    probe = gate("probe", yes, needs=("tests", "sessions", "coverage"))
    report = judge(good.run(stage("unit", tests=None, sessions=())), gates=[probe])["unit"]
    assert report.headline == "unit left no evidence of sessions and tests"


def test_absent_part_of_a_stage_with_a_problem_elsewhere_tells_the_first_problem():
    problems = (Problem(kind="stage", message="first", code="TG202"), Problem(kind="stage", message="second"))
    probe = gate("probe", yes, needs=("tests",))
    verdict = judge(good.run(stage("unit", tests=None, problems=problems)), gates=[probe])["unit"].verdicts[0]
    assert (verdict.status, verdict.reason, verdict.code) == (Status.BLIND, "first", "TG202")


def test_absent_part_of_a_broken_shard_tells_its_error_whatever_else_is_wrong():
    error = ErrorRecord(code="TG301", what="postgres did not answer")
    shards = (record("unit", shard="1"), record("unit", shard="2", state=RunState.BROKEN, error=error))
    part = stage("unit", tests=None, records=shards, problems=(Problem(kind="load", message="cut"),))
    verdict = judge(good.run(part), gates=[gate("probe", yes, needs=("tests",))])["unit"].verdicts[0]
    assert (verdict.reason, verdict.code) == ("unit-2 stopped: postgres did not answer", "TG301")
    assert verdict.remedy


def test_planned_stage_without_any_evidence_says_what_to_look_at():
    probe = gate("probe", yes, needs=("tests",))
    verdict = judge(good.run(stage("lint"), planned=("unit",)), gates=[probe])["unit"].verdicts[0]
    assert (verdict.status, verdict.stage, verdict.code) == (Status.BLIND, "unit", "TG201")
    assert "the unit job" in verdict.remedy


def test_stage_that_found_nothing_to_do_is_not_asked_about_what_it_could_not_leave():
    idle = StageEvidence(stage="unit", records=(record("unit", state=RunState.SKIPPED, reason="nothing to do"),))

    def open_question(one, stage, history):
        return one.not_judged(stage, "nothing to do")

    gates = [gate("needy", no, needs=("tests",)), gate("done", open_question)]
    report = judge(good.run(idle), gates=gates)["unit"]
    assert (report.status, [verdict.gate for verdict in report.verdicts]) == (Status.SKIPPED, ["done"])


def test_idle_shard_beside_one_that_ran_does_not_excuse_the_stage():
    shards = (record("unit", shard="1"), record("unit", shard="2", state=RunState.SKIPPED, reason="nothing to do"))
    part = StageEvidence(stage="unit", records=shards)
    assert judge(good.run(part), gates=[gate("needy", yes, needs=("tests",))])["unit"].status is Status.BLIND


def test_idle_stage_with_a_problem_is_not_excused():
    idle = record("unit", state=RunState.SKIPPED, reason="nothing to do")
    part = StageEvidence(stage="unit", records=(idle,), problems=(Problem(kind="stage", message="two claims"),))
    report = judge(good.run(part), gates=[gate("needy", yes, needs=("tests",))])["unit"]
    assert (report.status, report.headline) == (Status.BLIND, "two claims")


def test_idle_stage_without_a_reason_gets_one():
    idle = StageEvidence(stage="e2e", records=(record("e2e", state=RunState.SKIPPED, files=(), expects=()),))
    report = judge(good.run(idle))["e2e"]
    assert (report.status, report.headline) == (Status.SKIPPED, "nothing applied")


def test_stage_nobody_planned_and_nobody_explained_gets_a_reason():
    report = judge(good.run(stage("lint")))["e2e"]
    assert (report.status, report.headline) == (Status.SKIPPED, "not planned for this event")


def test_report_keeps_time_tools_services_and_files_of_all_shards():
    shards = tuple(
        record(
            "unit",
            shard=shard,
            duration_s=duration,
            command="",
            notes=("on a laptop",),
            services=(ServiceRecord(name=f"db{shard}", provider="embedded"),),
        )
        for shard, duration in (("1", 5.12345), ("2", 4.0))
    )
    report = judge(good.run(stage("unit", records=shards, sessions=(session(),))))["unit"]
    assert (report.duration_s, report.command, report.notes) == (5.123, "truegreen run unit", ("on a laptop",))
    assert [tool.name for tool in report.tools] == ["pytest", "pytest"]
    assert [service.name for service in report.services] == ["db1", "db2"]
    assert report.evidence == ("unit-1/raw.xml", "unit-2/raw.xml")


def test_run_is_judged_only_by_gates_over_the_run():
    assert RUN not in judge(good.run(), gates=[gate("probe", yes)])
    reports = judge(good.run(), gates=[gate("whole", no, stages=(RUN,)), gate("probe", yes)])
    assert (reports[RUN].status, reports[RUN].headline) == (Status.FAIL, "no")
    assert judging.overall(tuple(reports.values()))[0] is Status.FAIL


def test_run_that_passes_tells_every_reason():
    gates = [gate("one", yes, stages=(RUN,)), gate("two", lambda g, s, h: g.passed(s, "too"), stages=(RUN,))]
    report = judge(good.run(), gates=gates)[RUN]
    assert (report.status, report.headline) == (Status.PASS, "yes; too")


def test_run_whose_gates_are_all_disabled_is_skipped_with_a_note():
    report = judge(good.run(), {"whole": OFF}, [gate("whole", no, stages=(RUN,))])[RUN]
    assert (report.status, report.headline) == (Status.SKIPPED, "no gate judges the run")
    assert report.notes == ("gate whole is disabled",)


def test_run_with_one_gate_disabled_keeps_the_note():
    gates = [gate("off", no, stages=(RUN,)), gate("whole", yes, stages=(RUN,))]
    report = judge(good.run(), {"off": OFF}, gates)[RUN]
    assert (report.status, report.notes) == (Status.PASS, ("gate off is disabled",))


def test_run_about_which_no_question_arises_is_skipped_with_the_reason():
    open_ = gate("whole", lambda g, s, h: g.not_judged(s, "who knows"), stages=(RUN,))
    report = judge(good.run(), gates=[open_])[RUN]
    assert (report.status, report.headline) == (Status.SKIPPED, "who knows")
    both = judge(good.run(), gates=[open_, gate("other", yes, stages=(RUN,))])[RUN]
    assert (both.status, both.headline) == (Status.PASS, "yes")


def test_red_of_one_stage_keeps_its_headline_when_the_run_is_red_because_of_it():
    def report(name, clause):
        return StageReport(stage=name, status=Status.FAIL, headline=clause)

    unit, run = report("unit", "1 of 3 tests failed"), report(RUN, "1 requirement not proved: R-1")
    assert judging.overall((unit, run))[1] == "unit failed: 1 of 3 tests failed; run failed"
    assert judging.overall((StageReport(stage="lint", status=Status.PASS), run))[1] == f"run failed: {run.headline}"
    assert judging.overall((unit, report("lint", "x"), run))[1] == "unit failed; lint failed; run failed"


def test_green_headline_tells_only_red_advice_and_gates_that_are_off():
    verdicts = tuple(
        Verdict(gate=name, stage="unit", status=status, reason="r", advisory=True)
        for name, status in (("good", Status.PASS), ("bad", Status.FAIL), ("dark", Status.BLIND))
    )
    notes = ("gate off is disabled", "gate keepers were asked", "the cache is disabled")
    report = StageReport(stage="unit", status=Status.PASS, verdicts=verdicts, notes=notes)
    headline = judging.overall((report,))[1]
    assert headline == "stage unit passed (switched off: off; red, and only advice: bad, dark)"

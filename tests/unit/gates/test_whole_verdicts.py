"""Every way out of every gate: the verdict names its gate and stage, says why, and keeps its evidence."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import ERROR, FAIL, PASS, SKIP, case, cases, record, session, stage
from tests.support.stand_ins import replacement

from truegreen import registry
from truegreen.config.schema import Component
from truegreen.gates.base import RUN
from truegreen.model.evidence import ErrorRecord, RunState, ToolRun
from truegreen.model.finding import Severity
from truegreen.model.leaks import Leak
from truegreen.model.mutation import Fate
from truegreen.model.proof import Answer
from truegreen.model.run import Problem, RunEvidence, StageEvidence
from truegreen.model.style import Remark, StyleRule
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Status, Verdict
from truegreen.model.wiring import Supply

BLIND, FAILED, PASSED, OPEN = Status.BLIND, Status.FAIL, Status.PASS, Status.SKIPPED
SEEN, MISSED, MUTE = (good.proof_mutant(answer.value, answer) for answer in Answer)
BROKEN = record("unit", state=RunState.BROKEN)
CRASHED = record("unit", state=RunState.BROKEN, error=ErrorRecord(code="TG301", what="postgres did not answer"))
IDLE = record("e2e", state=RunState.SKIPPED, files=(), expects=())
CUT = Problem(kind="tests", message="junit.xml is cut", code="TG202")
LATE = record("unit", tools=(ToolRun(name="pytest", duration_s=31.0, timed_out=True),))
GONE = {"gone": Component(paths=["src/gone"])}
TWICE = TestRun(cases=(case(0, attempts=(FAIL, PASS)), case(1)))
EMPTY = good.recording(3, phases=tuple(good.phase(n) for n in range(3)))
UNSEEN = good.recording(3, phases=())
SEVERE = good.scan(good.finding(Severity.CRITICAL))
HOLE = good.scan(unread=("a.py: cut",))
WORSE = stage("unit", coverage=good.coverage(89, 11))
WAITS = good.style(
    Remark(path="tests/test_a.py", line=5, rule=StyleRule.SLEEP, what="time.sleep(2)", wait_s=2.0),
)
CUT_STYLE = good.style(unread=("tests/test_b.py: cut",))
LOOKED, SOME_LOOKED = session(leaks_watched=3), session(leaks_watched=2)
LEFT = session(leaks_watched=3, leaks=(Leak("tests/test_a.py::test_0", "cwd", "/a became /b"),))
UNTOLD = good.run(changes=None, changes_unknown="the base is not in the clone")
LIVES = good.mutant(Fate.SURVIVED)
BY_ROOT = good.image(user="root")


def on(name, **parts):
    return good.run(stage(name, **parts))


# Gate, stage, evidence, options, and the status, code and facts that must come out.
EXITS = [
    ("stage-complete", "lint", on("lint"), {}, PASSED, "", False),
    ("stage-complete", "lint", good.run(StageEvidence(stage="lint")), {}, BLIND, "TG201", False),
    ("stage-complete", "unit", on("unit", records=(), problems=(CUT,)), {}, BLIND, "TG202", False),
    ("stage-complete", "unit", on("unit", records=(BROKEN,)), {}, BLIND, "TG205", False),
    ("stage-complete", "unit", on("unit", records=(CRASHED,)), {}, BLIND, "TG301", False),
    ("stage-complete", "unit", on("unit", records=(record("unit", commit="b" * 40),)), {}, BLIND, "TG204", True),
    ("stage-complete", "unit", on("unit", problems=(CUT,)), {}, BLIND, "TG202", False),
    ("stage-complete", "e2e", on("e2e", records=(IDLE,)), {}, OPEN, "", False),
    ("stage-complete", "e2e", on("e2e", records=(IDLE, record("e2e", shard="2"))), {}, BLIND, "TG205", False),
    ("stage-complete", "unit", on("unit", records=(record("unit", files=()),)), {}, BLIND, "TG201", False),
    ("stage-complete", "unit", on("unit", records=(LATE,)), {}, BLIND, "TG306", False),
    ("stage-complete", "unit", on("unit", records=(record("unit", files=(), expects=()),)), {}, BLIND, "TG205", False),
    ("tests-ran", "unit", on("unit"), {}, PASSED, "", True),
    ("tests-ran", "unit", on("unit", sessions=()), {}, BLIND, "TG201", False),
    ("tests-ran", "unit", on("unit", tests=None), {}, BLIND, "TG201", False),
    ("tests-ran", "unit", on("unit", sessions=(session(finished=False),)), {}, BLIND, "TG205", True),
    ("tests-ran", "unit", on("unit", sessions=(session(4),)), {}, BLIND, "TG205", True),
    ("tests-ran", "unit", on("unit", sessions=(session(2),)), {}, BLIND, "TG205", True),
    ("tests-ran", "unit", on("unit"), {"min_tests": 4}, BLIND, "TG205", True),
    ("no-failures", "unit", on("unit"), {}, PASSED, "", True),
    ("no-failures", "unit", on("unit", tests=cases(PASS, FAIL)), {}, FAILED, "", True),
    ("no-failures", "unit", on("unit", tests=cases(SKIP)), {}, BLIND, "TG205", False),
    ("no-failures", "unit", on("unit", tests=None), {}, BLIND, "TG205", False),
    ("flakiness", "unit", on("unit"), {}, PASSED, "", True),
    ("flakiness", "unit", on("unit", tests=TWICE), {}, FAILED, "", True),
    ("flakiness", "unit", on("unit", tests=cases(SKIP)), {}, BLIND, "TG205", False),
    ("flakiness", "unit", on("unit", tests=cases(PASS, ERROR)), {}, OPEN, "", False),
    ("flakiness-history", "unit", on("unit"), {"max_ratio": 1.0, "max_masked_ratio": 1.0}, PASSED, "", True),
    ("flakiness-history", "unit", on("unit", tests=TWICE), {"max_masked_ratio": 0.0}, FAILED, "", True),
    ("flakiness-history", "unit", on("unit", tests=cases(SKIP)), {}, BLIND, "TG205", False),
    ("flakiness-history", "unit", on("unit"), {}, OPEN, "", True),
    ("time-budget", "unit", on("unit"), {}, PASSED, "", True),
    ("time-budget", "unit", on("unit", records=(LATE,)), {}, FAILED, "", True),
    ("time-budget", "unit", on("unit", tests=cases(SKIP)), {}, BLIND, "TG205", False),
    ("time-budget", "unit", on("unit", records=(record("unit", tools=()),)), {}, BLIND, "TG205", False),
    ("time-budget", "e2e", on("e2e"), {}, OPEN, "", False),
    ("coverage", "unit", on("unit"), {}, PASSED, "", True),
    ("coverage", "unit", on("unit", coverage=good.coverage(1, 9)), {}, FAILED, "", True),
    ("coverage", "unit", on("unit", coverage=None), {}, BLIND, "TG205", False),
    ("coverage", "unit", on("unit"), {"components": GONE}, BLIND, "TG205", True),
    ("coverage", "unit", on("unit"), {"branch": 50}, BLIND, "TG205", True),
    ("patch-coverage", "unit", on("unit"), {}, PASSED, "", True),
    ("patch-coverage", "unit", on("unit", coverage=good.coverage(1, 99)), {}, FAILED, "", True),
    ("patch-coverage", "unit", on("unit", coverage=None), {}, BLIND, "TG205", False),
    ("patch-coverage", "unit", good.run(stage("unit"), changes=None), {}, BLIND, "TG205", False),
    ("patch-coverage", "unit", good.run(stage("unit"), changes=good.changes(range(900, 999))), {}, OPEN, "", False),
    ("coverage-ratchet", "unit", good.run(stage("unit"), changes=None), {}, PASSED, "", True),
    ("coverage-ratchet", "unit", good.run(WORSE, changes=None), {}, FAILED, "", True),
    ("coverage-ratchet", "unit", on("unit", coverage=None), {}, BLIND, "TG205", False),
    ("coverage-ratchet", "unit", on("unit"), {}, OPEN, "", False),
    ("test-style", "lint", on("lint"), {}, PASSED, "", True),
    ("test-style", "lint", on("lint", style=WAITS), {"rules": {"sleep": "block"}}, FAILED, "", True),
    ("test-style", "lint", on("lint", style=CUT_STYLE), {"rules": {"sleep": "block"}}, BLIND, "TG205", True),
    ("test-style", "lint", on("lint", style=None), {}, BLIND, "TG205", False),
    ("test-style", "lint", on("lint", style=good.style(files=())), {}, OPEN, "", False),
    ("state-leaks", "unit", on("unit", sessions=(LOOKED,)), {}, PASSED, "", True),
    ("state-leaks", "unit", on("unit", sessions=(LEFT,)), {"kinds": {"cwd": "block"}}, FAILED, "", True),
    ("state-leaks", "unit", on("unit", sessions=()), {}, BLIND, "TG205", False),
    ("state-leaks", "unit", on("unit", sessions=(session(),)), {"kinds": {"cwd": "block"}}, BLIND, "TG205", False),
    ("state-leaks", "unit", on("unit", sessions=(SOME_LOOKED,)), {"kinds": {"cwd": "block"}}, BLIND, "TG205", True),
    ("state-leaks", "unit", on("unit", sessions=(session(),)), {}, OPEN, "", False),
    ("lint-clean", "lint", on("lint"), {}, PASSED, "", True),
    ("lint-clean", "lint", on("lint", scans=(SEVERE,)), {}, FAILED, "", True),
    ("lint-clean", "lint", on("lint", scans=(HOLE,)), {}, BLIND, "TG205", True),
    ("findings", "security-scan", on("security-scan"), {}, PASSED, "", True),
    ("findings", "security-scan", on("security-scan", scans=(SEVERE,)), {}, FAILED, "", True),
    ("findings", "security-scan", on("security-scan", scans=(HOLE,)), {}, BLIND, "TG205", True),
    ("persistence-evidence", "persistence", on("persistence"), {}, PASSED, "", True),
    ("persistence-evidence", "persistence", on("persistence", persistence=(EMPTY,)), {}, FAILED, "", True),
    ("persistence-evidence", "persistence", on("persistence", persistence=(UNSEEN,)), {}, BLIND, "TG205", True),
    ("persistence-evidence", "persistence", on("persistence", persistence=()), {}, BLIND, "TG205", False),
    ("persistence-evidence", "persistence", on("persistence", tests=cases(FAIL)), {}, BLIND, "TG205", True),
    (
        *("persistence-evidence", "persistence"),
        *(on("persistence", persistence=(good.recording(complete=False),)), {}, BLIND, "TG205", True),
    ),
    ("load", "performance", on("performance"), {}, PASSED, "", True),
    ("load", "performance", on("performance", load=good.load(failures=9)), {}, FAILED, "", True),
    ("load", "performance", on("performance", load=good.load(requests=9)), {}, BLIND, "TG205", False),
    ("load", "performance", on("performance", load=None), {}, BLIND, "TG205", False),
    ("load-regression", "performance", on("performance"), {}, PASSED, "", True),
    ("load-regression", "performance", on("performance", load=good.load(p95_ms=99.0)), {}, FAILED, "", True),
    ("load-regression", "performance", on("performance", load=None), {}, BLIND, "TG205", False),
    ("image-verified", "signed-image", on("signed-image"), {}, PASSED, "", True),
    ("image-verified", "signed-image", on("signed-image", image=BY_ROOT), {}, FAILED, "", True),
    ("image-verified", "signed-image", on("signed-image", image=None), {}, BLIND, "TG201", False),
    ("image-verified", "signed-image", on("signed-image", image=good.image(digest="")), {}, BLIND, "TG205", True),
    ("image-verified", "signed-image", on("signed-image", image=good.image(sbom="")), {}, BLIND, "TG205", True),
    ("quarantine", RUN, good.governed(), {}, PASSED, "", True),
    ("quarantine", RUN, good.governed(today=date(2026, 12, 2)), {}, FAILED, "", True),
    ("quarantine", RUN, good.governed(), {"max_tests": 0}, FAILED, "", True),
    ("quarantine", RUN, good.governed(today=None), {}, BLIND, "TG205", False),
    ("quarantine", RUN, good.run(), {}, OPEN, "", False),
    ("one-stage", RUN, on("unit"), {}, PASSED, "", True),
    ("one-stage", RUN, on("unit", sessions=(session(claims={"e2e": (good.name(0),)}),)), {}, FAILED, "", True),
    ("one-stage", RUN, on("unit", sessions=(session(unclaimed=("t.py::test_x",)),)), {}, BLIND, "TG205", True),
    ("one-stage", RUN, on("unit", sessions=()), {}, OPEN, "", False),
    ("file-stages", RUN, good.run(), {"paths": {"unit": ["src"]}}, PASSED, "", True),
    ("file-stages", RUN, good.run(), {"paths": {"unit": ["lib"]}}, FAILED, "", True),
    ("file-stages", RUN, UNTOLD, {"paths": {"unit": ["src"]}}, BLIND, "TG205", False),
    ("file-stages", RUN, good.run(), {}, OPEN, "", False),
    ("file-stages", RUN, good.run(changes=None), {"paths": {"unit": ["src"]}}, OPEN, "", False),
    ("requirements", RUN, good.governed(), {}, PASSED, "", True),
    ("requirements", RUN, good.governed(requirements=(good.requirement(id="R-2"),)), {}, FAILED, "", True),
    ("requirements", RUN, good.governed(stage("unit", tests=None)), {}, BLIND, "TG205", True),
    ("requirements", RUN, good.governed(requirements=()), {"milestones": ["R"]}, FAILED, "", False),
    ("waivers", RUN, good.governed(), {}, PASSED, "", True),
    ("waivers", RUN, good.governed(today=date(2026, 12, 25)), {}, FAILED, "", True),
    ("waivers", RUN, good.governed(today=None), {}, BLIND, "TG205", False),
    ("waivers", RUN, good.run(), {}, OPEN, "", False),
    ("time-regression", "unit", on("unit"), {}, PASSED, "", True),
    ("time-regression", "unit", on("unit", records=(record("unit", duration_s=9.0),)), {}, FAILED, "", True),
    ("time-regression", "unit", on("unit", tests=cases(FAIL)), {}, BLIND, "TG205", False),
    ("no-mocks", "e2e", on("e2e"), {}, PASSED, "", True),
    ("no-mocks", "e2e", on("e2e", sessions=(session(replaced=(replacement(),)),)), {}, FAILED, "", True),
    ("no-mocks", "e2e", on("e2e", sessions=(session(watched=None),)), {}, BLIND, "TG205", True),
    ("no-mocks", "e2e", on("e2e", fakes=None), {}, BLIND, "TG205", False),
    ("no-mocks", "unit", on("unit"), {}, OPEN, "", False),
    ("unwired", "wiring", on("wiring"), {}, PASSED, "", True),
    ("unwired", "wiring", on("wiring", wiring=good.wiring(good.dependency(Supply.NEVER))), {}, FAILED, "", True),
    ("unwired", "wiring", on("wiring"), {"optional": {"A.b": "why"}}, FAILED, "", True),
    ("unwired", "wiring", on("wiring", wiring=good.wiring(unread=("a.py: no",))), {}, BLIND, "TG205", True),
    ("unwired", "wiring", on("wiring", wiring=None), {}, BLIND, "TG205", False),
    ("proof-survivors", "prove", on("prove"), {}, PASSED, "", True),
    ("proof-survivors", "prove", on("prove", proof=good.proof(SEEN, MISSED)), {}, FAILED, "", True),
    ("proof-survivors", "prove", on("prove", proof=good.proof(SEEN, MUTE)), {}, BLIND, "TG205", True),
    (
        "proof-survivors",
        "prove",
        on("prove", proof=good.proof(SEEN)),
        {"accepted": {"unwired:x": "y"}},
        FAILED,
        "",
        True,
    ),
    ("proof-survivors", "prove", on("prove", proof=good.proof(candidates=("a",))), {}, BLIND, "TG205", True),
    ("proof-survivors", "prove", on("prove", proof=good.proof()), {}, OPEN, "", False),
    ("proof-survivors", "prove", on("prove", proof=None), {}, BLIND, "TG205", False),
    ("mutation-survivors", "mutation", on("mutation"), {}, PASSED, "", True),
    ("mutation-survivors", "mutation", on("mutation", mutation=good.mutation(LIVES)), {}, FAILED, "", True),
    ("mutation-survivors", "mutation", on("mutation", mutation=None), {}, BLIND, "TG205", False),
    ("mutation-survivors", "mutation", on("mutation", mutation=good.mutation(candidates=3)), {}, BLIND, "TG205", True),
    ("mutation-survivors", "mutation", on("mutation", mutation=good.mutation()), {}, OPEN, "", False),
    ("full-run-budget", RUN, on("unit"), {}, PASSED, "", True),
    ("full-run-budget", RUN, on("unit"), {"max_s": 1.0}, FAILED, "", True),
    ("full-run-budget", RUN, RunEvidence(), {}, BLIND, "TG205", False),
    ("full-run-budget", RUN, on("unit", records=()), {}, BLIND, "TG205", False),
    ("full-run-budget", RUN, on("unit", records=(record("unit", started=""),)), {}, BLIND, "TG205", False),
]


@pytest.mark.parametrize(
    ("gate", "name", "run", "options", "status", "code", "facts"),
    EXITS,
    ids=[f"{n}-{one[0]}-{one[4]}" for n, one in enumerate(EXITS)],
)
def test_verdict_of_each_exit_is_whole(gate, name, run, options, status, code, facts):
    judge = registry.load("gate", gate)()
    verdict = judge.evaluate(run, name, judge.Options(**options), good.known_history(name))
    assert (verdict.gate, verdict.stage, verdict.status, verdict.code) == (gate, name, status, code)
    assert msgspec.convert(msgspec.to_builtins(verdict), Verdict) == verdict, "every field has the type it declares"
    assert bool(verdict.remedy) is status.red
    assert bool(verdict.facts) is facts
    texts = [verdict.reason, *(text for fact in verdict.facts for text in (fact.label, fact.value))]
    texts += [item.title for item in verdict.items]
    assert [text for text in texts if not text or "None" in text] == []
    assert not verdict.advisory


def test_every_gate_has_an_exit_for_pass_and_blind():
    for status in (PASSED, BLIND):
        assert {one[0] for one in EXITS if one[4] is status} == set(registry.names("gate"))


@pytest.mark.parametrize(("broken", "listed"), [((CRASHED, CRASHED, BROKEN, CRASHED), 2), ((CRASHED,), 0)])
def test_other_broken_shards_with_an_error_are_listed(broken, listed):
    judge = registry.load("gate", "stage-complete")()
    verdict = judge.evaluate(on("unit", records=broken), "unit", judge.Options(), good.NO_HISTORY)
    assert [(item.title, item.level) for item in verdict.items] == [("postgres did not answer", "error")] * listed

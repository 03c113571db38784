"""Known reports, each of one kind that people meet: for gold files, the gallery and the browser."""

from __future__ import annotations

from functools import cache

import msgspec
from tests.support import evidence as good
from tests.support import past
from tests.support.evidence import ERROR, FAIL, case, phase, record, recording, stage
from tests.support.hostile import CORPUS

from truegreen.analysis import detail
from truegreen.app import behind, waiver_draft
from truegreen.config.schema import Component
from truegreen.gates import judging
from truegreen.gates.coverage import CoverageOptions
from truegreen.model.detail import (
    ChangedFile,
    Comparison,
    CoverageChange,
    Covered,
    Detail,
    FindingsChange,
    Named,
    Several,
    StageFindings,
    TrendPoint,
)
from truegreen.model.evidence import ErrorRecord, RunState, ServiceRecord, ToolRun
from truegreen.model.finding import Severity
from truegreen.model.history import History, PastFindings, PastTest
from truegreen.model.run import Problem, StageEvidence
from truegreen.model.testrun import TestCase, TestRun
from truegreen.model.verdict import Fact, Item, LogTail, Provenance, Report, StageReport, Status, Verdict

ORIGIN = Provenance(
    repository="acme/ledger",
    commit=good.COMMIT,
    event="pull_request",
    run_url="https://github.com/acme/ledger/actions/runs/77",
    run_id="77",
    pack_version="1.0.0",
    pack_commit="f" * 40,
    created="2026-11-21T07:00:00Z",
)
TRACE = """def test_1():
    account = open_account()
>   assert account.balance == 100
E   assert 0 == 100
E    +  where 0 = Account(balance=0).balance

tests/test_a.py:2: AssertionError"""


def judged(run, history="", earlier=good.NO_HISTORY, origin=ORIGIN, policies=None):
    """Return the report on a run, with what lies behind it."""
    stages = judging.judge(run, policies or {}, earlier)
    status, headline = judging.overall(stages)
    now = TrendPoint(commit=origin.commit, created=origin.created, status=status.value, duration_s=61.0)
    return Report(
        status=status,
        headline=headline,
        duration_s=61.0,
        stages=stages,
        history=history,
        provenance=origin,
        detail=msgspec.structs.replace(
            detail.of(run, earlier, now), coverage_change=behind.covered_against_base(run, earlier, policies or {})
        ),
    )


def green():
    """Return a run in which everything passed."""
    served = record("persistence", services=(ServiceRecord(name="postgres", provider="embedded", version="18.1"),))
    stages = [stage(s) if s != "persistence" else stage(s, records=(served,)) for s in good.STAGES]
    planned = tuple(s for s in good.STAGES if s != "e2e")
    return judged(good.run(*stages, planned=planned, not_planned={"e2e": "the label truegreen:e2e adds it"}))


def red():
    """Return a run with failing tests and writes that were never committed."""
    tests = TestRun(
        cases=(case(0), case(1, FAIL, message="assert 0 == 100", detail=TRACE), case(2, ERROR, message="db gone"))
    )
    empty = recording(
        phases=(phase(0), phase(1, rolled_back=(good.change(2),)), phase(2, good.change(3))),
        demands=(good.demand(0, patched=("ledger.repository.save",)), good.demand(1)),
    )
    tools = (ToolRun(name="pytest", version="9.0", exit_code=1, duration_s=4.1),)
    machine = record("unit", tools=tools, runner="GitHub Actions 4", platform="linux-x86_64 cpython-3.12.1")
    shards = {good.name(1): "2"}
    return judged(
        good.run(
            stage("lint"),
            stage("unit", tests=tests, sessions=(good.session(exit_code=1),), records=(machine,), failed_in=shards),
            stage("persistence", persistence=(empty,)),
        ),
        history="compared with 812 earlier runs on branch truegreen-history at origin",
    )


def blind():
    """Return a run whose evidence is missing or cut."""
    error = ErrorRecord(
        code="TG301", what="postgres did not answer", where="127.0.0.1:5432", why="exit 1", fix="read its log"
    )
    broken = StageEvidence(stage="persistence", records=(record("persistence", state=RunState.BROKEN, error=error),))
    cut = Problem(
        kind="coverage", message="coverage.json is cut", path="unit/coverage.json", line=3, code="TG202", fix="again"
    )
    report = judged(
        good.run(stage("unit", coverage=None, problems=(cut,)), broken, planned=("unit", "persistence", "lint"))
    )
    text = "\n".join((*(f"LOG:  checkpoint {n}" for n in range(20)), "FATAL:  could not map shared memory"))
    log = LogTail(service="postgres", text=text, path="persistence/services/postgres.log")
    stages = tuple(
        msgspec.structs.replace(one, logs=(log,)) if one.stage == "persistence" else one for one in report.stages
    )
    return msgspec.structs.replace(report, stages=stages)


def waived():
    """Return a run with a failure that a waiver covers."""
    old = good.waiver(gate="findings", stage="security-scan", items=("B101",), line=12, owner="ops")
    failed = stage(
        "unit", tests=good.cases(good.PASS, FAIL), sessions=(good.session(2, exit_code=1, failed=(good.name(1),)),)
    )
    return judged(good.governed(failed, waivers=(good.waiver(), old), requirements=None))


def hostile():
    """Return a report in which every text tries to be something else."""
    items = tuple(Item(title=text, message=text, detail=text, path=text, line=1, shard=text) for text in CORPUS)
    facts = tuple(Fact(label=text, value=text, wanted=text) for text in CORPUS[:12])
    verdicts = tuple(
        Verdict(gate=f"g{n}", stage="unit", status=Status.FAIL, reason=t, items=items, facts=facts, remedy=t)
        for n, t in enumerate(CORPUS[:4])
    )
    one = StageReport(
        stage="unit", status=Status.FAIL, headline=CORPUS[1], command=CORPUS[0], verdicts=verdicts, notes=CORPUS[:3]
    )
    return Report(
        status=Status.FAIL,
        headline=CORPUS[0],
        stages=(one,),
        history=CORPUS[2],
        provenance=msgspec.structs.replace(ORIGIN, event=CORPUS[1]),
        detail=_hostile_detail(),
    )


def _hostile_detail():
    named = Several(total=len(CORPUS), named=tuple(Named(stage=text, test=text) for text in CORPUS))
    point = TrendPoint(commit=CORPUS[0], created=CORPUS[1], status=CORPUS[2])
    whole = tuple(Covered(name=text, lines=9, covered=4, base_lines=9, base_covered=5) for text in CORPUS)
    files = tuple(ChangedFile(whole=one, lines=5, covered=1, uncovered=((1, 3), (9, 9)), places=2) for one in whole)
    found = tuple(good.finding(tool=text, rule=text, path=text, message=text) for text in CORPUS)
    return Detail(
        now=point,
        comparison=Comparison(base=point, newly_failing=named, newly_flaky=named, fixed=named),
        coverage_change=CoverageChange(total=whole[0], base=CORPUS[3], components=whole, files=files),
        findings_change=FindingsChange(
            base=CORPUS[4], new=(StageFindings(stage=CORPUS[5], total=len(found), findings=found),)
        ),
    )


def flaky():
    """Return a run in which a rerun hid a failure, after a month with more of them."""
    tests = TestRun(
        cases=(
            case(0),
            case(1, attempts=(FAIL, good.PASS), message="timeout after 5 s", duration_s=5.2),
            case(2, FAIL, message="assert 'paid' == 'open'", detail=TRACE, duration_s=0.4),
            case(3, duration_s=2.5),
            case(4, good.SKIP, message="needs a printer"),
        )
    )
    runs = [
        past.run(
            24 * day,
            *([past.failure(good.name(1), FAIL, past.PASS)] if day % 5 == 2 else []),
            *([past.failure(good.name(3))] if day in (17, 18) else []),
            base=True,
            branch="main",
            duration_s=50.0 + day,
            flaky=int(day % 5 == 2),
            failed=int(day in (17, 18)),
            line_ratio=0.80 + day / 400,
            commit=good.BASE if day == 18 else f"{day:040x}",
        )
        for day in range(30)
    ]
    changed = good.changes(range(80, 101))
    lines = good.coverage(88, 12)
    unit = stage("unit", tests=tests, sessions=(good.session(5, exit_code=1, failed=(good.name(2),)),), coverage=lines)
    scan = good.scan(good.finding(Severity.LOW, rule="D103", message="no docstring", fingerprint="new"))
    run = msgspec.structs.replace(good.run(unit, stage("security-scan", scans=(scan,))), changes=changed)
    known = {good.name(n): PastTest(runs=30, base_runs=30, durations_s=(0.4,) * 30) for n in (0, 1, 3, 4)}
    gone = {"unit": ("tests/test_a.py::test_that_was",)}
    earlier = History(
        runs=tuple(reversed(runs)),
        tests={"unit": known},
        gone=gone,
        coverage=good.history_of(good.coverage(86, 10)).coverage,
        findings=(PastFindings(commit=good.BASE, findings={"security-scan": {"ruff": {"old": 2}}}),),
    )
    components = {"billing": Component(paths=["src/**"], line=85), "shop": Component(paths=["src/a*.py"], line=70)}
    return _with_source(judged(run, earlier=earlier, policies={"coverage": CoverageOptions(components=components)}))


def _with_source(report):
    """Return the report with owners of tests, and source at the places of the change that no test ran."""
    replace = msgspec.structs.replace

    def quoted(verdict):
        if verdict.gate == "no-failures":
            items = tuple(replace(item, owners=("@acme/ledger", "jo@acme.example")) for item in verdict.items)
            return replace(verdict, items=items, waiver=waiver_draft.draft(verdict, good.TODAY))
        if verdict.gate != "patch-coverage":
            return verdict
        items = tuple(
            replace(i, detail="\n".join(f"    total += entry_{n}.amount" for n in range(i.line, i.last_line + 1)))
            for i in verdict.items
        )
        return replace(verdict, items=items)

    stages = tuple(replace(stage, verdicts=tuple(map(quoted, stage.verdicts))) for stage in report.stages)
    return replace(report, stages=stages)


def fork():
    """Return a red run of a pull request from a fork."""
    origin = msgspec.structs.replace(ORIGIN, pull_request=12, ref="refs/pull/12/merge", base_commit=good.BASE)
    failed = stage(
        "unit", tests=good.cases(good.PASS, FAIL), sessions=(good.session(2, exit_code=1, failed=(good.name(1),)),)
    )
    return judged(good.run(failed), history="not kept: the pull request comes from a fork", origin=origin)


def alike():
    """Return a run in three shards, in which most tests fail because one store is gone, and one for itself."""
    gone = "src/ledger/store.py:41: in connect\nE   ledger.errors.StoreGone: {}"
    told = [f"127.0.0.1:{5432 + number} does not answer" for number in range(8)]
    cases = [
        case(number, FAIL, message=f"ledger.errors.StoreGone: {why}", detail=gone.format(why))
        for number, why in enumerate(told)
    ]
    tests = TestRun(cases=(*cases, case(8, FAIL, message="assert 0 == 100", detail=TRACE), case(9)))
    shards = {good.name(number): str(number % 3 + 1) for number in range(9)}
    session = good.session(10, exit_code=1, failed=tuple(shards))
    return judged(good.run(stage("unit", tests=tests, sessions=(session,), failed_in=shards)))


@cache
def huge(tests=10_000, red_every=100):
    """Return a run of very many tests in four shards, of which one in a hundred fails, every third of these alike."""
    cases = tuple(_one_of_many(number, red=number % red_every == 7) for number in range(tests))
    failed = tuple(one.id for one in cases if one.outcome is FAIL)
    session = good.session(0, collected=tests, selected=tests, exit_code=1, failed=failed, watched=tests)
    session = msgspec.structs.replace(session, ids=tuple(one.id for one in cases))
    shards = {name: str(number % 4 + 1) for number, name in enumerate(failed)}
    return judged(good.run(stage("unit", tests=TestRun(cases=cases), sessions=(session,), failed_in=shards)))


def _one_of_many(number, *, red):
    file = f"tests/area_{number // 1000}/test_module_{number // 50}.py"
    trace = "\n".join(f"{file}:{line}: in call_{line}\n    step_{line}(value)" for line in range(10))
    told = f"assert {number} == 100"
    if number % 300 == 7:
        trace += f"\nsrc/ledger/store.py:41: in connect\n    raise StoreGone(self.address, {number})"
        told = f"ledger.errors.StoreGone: 127.0.0.1:{number + 1024} does not answer"
    return TestCase(
        id=f"{file}::TestLedger::test_operation_is_booked_once[{number}]",
        outcome=FAIL if red else good.PASS,
        duration_s=(number * 37 % 1000) / 1000,
        file=file,
        line=number % 500 + 1,
        message=told if red else "",
        detail=f"{trace}\nE   {told}" if red else "",
    )


REPORTS = {
    "green": green,
    "red": red,
    "blind": blind,
    "waived": waived,
    "flaky": flaky,
    "fork": fork,
    "alike": alike,
    "huge": huge,
    "hostile": hostile,
}

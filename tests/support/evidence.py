"""Evidence for tests of gates and of judging: one good run, to be broken one thing at a time."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from tests.support.stand_ins import fakes, name

from truegreen.model.changes import Changes, FileChange
from truegreen.model.coverage import Coverage, FileCoverage, bits_of
from truegreen.model.evidence import EvidenceFile, RunState, StageRecord, ToolRun
from truegreen.model.finding import Finding, Scan, Severity
from truegreen.model.history import History, PastCoverage, PastLoad, PastRun, PastStage, PastTest
from truegreen.model.image import ImageRecord, Signature
from truegreen.model.load import Endpoint, LoadResult
from truegreen.model.mutation import Fate, Mutant, MutationResult
from truegreen.model.persistence import Change, Demand, PersistenceEvidence, PhaseChanges, TestDemand
from truegreen.model.proof import Answer, ProofMutant, ProofResult, TestAnswer
from truegreen.model.quarantine import Quarantined
from truegreen.model.requirement import Requirement
from truegreen.model.run import RunEvidence, StageEvidence
from truegreen.model.style import Remark, StyleScan, TestFile, TestFunction
from truegreen.model.testrun import Outcome, TestCase, TestRun, TestSession
from truegreen.model.waiver import Waiver
from truegreen.model.wiring import Dependency, Place, Supply, WiringScan

COMMIT = "c" * 40
DIGEST = "sha256:" + "d" * 64
STAGES = (
    "lint",
    "unit",
    "wiring",
    "persistence",
    "e2e",
    "performance",
    "security-scan",
    "signed-image",
    "mutation",
    "prove",
)
NO_HISTORY = History()
TODAY = date(2026, 11, 21)
BASE = "b" * 40
ENVIRONMENT = "e" * 16
PASS, FAIL, ERROR, SKIP = Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.SKIP


def case(number: int, outcome: Outcome = PASS, **more: Any) -> TestCase:
    """Return a result."""
    values: dict[str, Any] = {"id": name(number), "duration_s": 0.01, "file": "tests/test_a.py", "line": number + 1}
    return TestCase(outcome=outcome, **{**values, **more})


def cases(*outcomes: Outcome) -> TestRun:
    """Return results with the given outcomes."""
    return TestRun(cases=tuple(case(number, outcome) for number, outcome in enumerate(outcomes)))


def session(count: int = 3, **more: Any) -> TestSession:
    """Return a session that ended well."""
    values: dict[str, Any] = {
        "exit_code": 0,
        "collected": count,
        "selected": count,
        "ids": tuple(name(n) for n in range(count)),
        "finished": True,
        "watched": count,
        "requirements": {"R-1": (name(0),)},
        "claims": {},
    }
    return TestSession(**{**values, **more})


def record(stage: str, **more: Any) -> StageRecord:
    """Return the record of a stage that ran."""
    values: dict[str, Any] = {
        "state": RunState.RAN,
        "commit": COMMIT,
        "started": "2026-11-21T07:00:00Z",
        "duration_s": 5.0,
        "run_id": "77.1",
        "environment": ENVIRONMENT,
        "tools": (ToolRun(name="pytest", version="9.0", exit_code=0, duration_s=4.1),),
        "files": (EvidenceFile(path="raw.xml", kind="junit", sha256="0" * 64, size_bytes=9),),
        "expects": ("junit",),
        "command": f"truegreen run {stage}",
    }
    return StageRecord(stage=stage, **{**values, **more})


def coverage(covered: int = 90, missing: int = 10, path: str = "src/a.py", **more: Any) -> Coverage:
    """Return coverage of one file: the covered lines come first."""
    file = FileCoverage(
        path=path,
        covered=bits_of(range(1, covered + 1)),
        missing=bits_of(range(covered + 1, covered + missing + 1)),
        **more,
    )
    return Coverage(files=(file,), has_branches="branches" in more)


def changes(lines: range = range(1, 31), path: str = "src/a.py", **more: Any) -> Changes:
    """Return a change of one file."""
    return Changes(base=BASE, head=COMMIT, files=(FileChange(path=path, lines=frozenset(lines), **more),))


def history_of(*past: Coverage, tree: str = "") -> History:
    """Return a history with the coverage of the base commit, newest first."""
    return History(coverage=tuple(PastCoverage(commit=BASE, tree=tree, coverage=one) for one in past))


def known_history(stage: str) -> History:
    """Return a history that knows the times of a stage and the coverage of the base."""
    loads = steady_loads()
    return msgspec.structs.replace(steady_history(stage), coverage=history_of(coverage()).coverage, loads=loads)


def scan(*findings: Finding, **more: Any) -> Scan:
    """Return what a tool said about nine files."""
    return Scan(**{"tool": "ruff", "version": "0.14", "findings": findings, "scanned": 9, **more})


def finding(severity: Severity = Severity.HIGH, **more: Any) -> Finding:
    """Return a finding."""
    values = {"tool": "ruff", "rule": "F401", "path": "src/a.py", "line": 3, "message": "unused import"}
    return Finding(severity=severity, **{**values, **more})


def change(count: int = 1, kind: str = "insert", table: str = "public.operations", **more: Any) -> Change:
    """Return changed rows."""
    values: dict[str, Any] = {"store": "postgres", "database": "ledger", **more}
    return Change(object=table, kind=kind, count=count, **values)


def phase(number: int, *committed: Change, phase: str = "call", **more: Any) -> PhaseChanges:
    """Return a phase of a test."""
    return PhaseChanges(test=name(number), phase=phase, committed=committed, **more)


def demand(number: int, **more: Any) -> TestDemand:
    """Return what a test must commit: any one row."""
    return TestDemand(**{"test": name(number), "demand": Demand(), **more})


def recording(count: int = 3, **more: Any) -> PersistenceEvidence:
    """Return a recording in which each test committed one row."""
    values: dict[str, Any] = {
        "tier": "A pg_walinspect",
        "server_version": "18.1",
        "complete": True,
        "phases": tuple(phase(n, change()) for n in range(count)),
        "demands": tuple(demand(n) for n in range(count)),
    }
    return PersistenceEvidence(**{**values, **more})


def load(**more: Any) -> LoadResult:
    """Return figures of a good load test."""
    values: dict[str, Any] = {
        "tool": "locust",
        "version": "2.4",
        "requests": 5000,
        "failures": 0,
        "duration_s": 30.0,
        "rps": 166.0,
        "p50_ms": 9.0,
        "p95_ms": 21.0,
        "p99_ms": 40.0,
        "endpoints": (Endpoint(name="POST /operations", requests=5000, failures=0, p95_ms=21.0),),
    }
    return LoadResult(**{**values, **more})


def mutant(fate: Fate = Fate.KILLED, **more: Any) -> Mutant:
    """Return what became of a mutant."""
    values = {"path": "src/a.py", "line": 3, "operator": "NumberReplacer", "diff": "-     x = 1\n+     x = 2"}
    return Mutant(fate=fate, **{**values, **more})


def mutation(*mutants: Mutant, **more: Any) -> MutationResult:
    """Return the mutants of ten changed lines, nine of them covered."""
    values: dict[str, Any] = {
        "tool": "cosmic-ray",
        "version": "8.7.0",
        "base": "b" * 40,
        "changed_lines": 10,
        "covered_lines": 9,
        "candidates": len(mutants),
        "baseline_s": 1.0,
        "limit_s": 300.0,
    }
    return MutationResult(mutants=mutants, **{**values, **more})


def dependency(supply: Supply = Supply.SUPPLIED, **more: Any) -> Dependency:
    """Return an optional dependency, which one call site supplies."""
    values: dict[str, Any] = {
        "owner": "Service",
        "parameter": "repository",
        "attribute": "_repository",
        "kind": "Repository",
        "place": Place("src/service.py", 9),
        "calls": (Place("src/factory.py", 4),),
        "suppliers": (Place("src/factory.py", 4),) if supply is Supply.SUPPLIED else (),
        "guards": (Place("src/service.py", 14),),
        "uses": 2,
    }
    return Dependency(supply=supply, **{**values, **more})


def wiring(*dependencies: Dependency, **more: Any) -> WiringScan:
    """Return a scan of three files with four classes."""
    return WiringScan(dependencies=dependencies, **{"files": 3, "classes": 4, **more})


def proof_mutant(name: str = "forgetful-database", answer: Answer = Answer.NOTICED, **more: Any) -> ProofMutant:
    """Return a mutant of the database that two tests answered alike."""
    values: dict[str, Any] = {
        "why": "" if answer is Answer.NOTICED else "told",
        "tests": tuple(proof_answer(f"tests/test_{name}.py::test_{one}", answer) for one in "ab"),
        "ran": 2,
    }
    return ProofMutant(name=name, answer=answer, **{**values, **more})


def proof_answer(test: str, answer: Answer = Answer.NOTICED) -> TestAnswer:
    """Return what one test said."""
    return TestAnswer(test=test, answer=answer, why="" if answer is Answer.NOTICED else "passes all the same")


def proof(*mutants: ProofMutant, **more: Any) -> ProofResult:
    """Return the result of some mutants, all of which there was time for."""
    values: dict[str, Any] = {
        "candidates": tuple(mutant.name for mutant in mutants),
        "persistence_tests": 3,
        "committing_tests": 2,
        "wiring_tests": 1,
        "limit_s": 300.0,
    }
    return ProofResult(mutants=mutants, **{**values, **more})


def signature(**more: Any) -> Signature:
    """Return a signature that verified."""
    values = {"method": "key", "identity": "cosign.pub", "verified": True, "command": f"cosign verify r/i@{DIGEST}"}
    return Signature(**{**values, **more})


def image(**more: Any) -> ImageRecord:
    """Return an image that is all right."""
    values: dict[str, Any] = {
        "reference": "registry:5000/ledger:1",
        "digest": DIGEST,
        "user": "10001",
        "sbom": "sbom.json",
        "sbom_components": 80,
        "signatures": (signature(),),
    }
    return ImageRecord(**{**values, **more})


def style(*remarks: Remark, **more: Any) -> StyleScan:
    """Return how the tests of one file are written: two of them, nothing wrong."""
    tests = (TestFunction("test_total_of_two", 4), TestFunction("TestCart::test_empty", 9))
    return StyleScan(remarks=remarks, **{"files": (TestFile("tests/test_a.py", tests),), "fixtures": 3, **more})


def _parts() -> dict[str, dict[str, Any]]:
    """Return, for the stages that leave something of their own, what that is."""
    return {
        "wiring": {"wiring": wiring(dependency())},
        "persistence": {"persistence": (recording(),)},
        "e2e": {"persistence": (recording(),)},
        "performance": {"load": load()},
        "signed-image": {"image": image()},
        "mutation": {"mutation": mutation(mutant())},
        "prove": {"proof": proof(proof_mutant())},
    }


def stage(stage: str, **more: Any) -> StageEvidence:
    """Return good evidence of a stage."""
    values: dict[str, Any] = {"records": (record(stage),)}
    if stage in ("unit", "wiring", "persistence", "e2e"):
        values |= {"tests": cases(PASS, PASS, PASS), "sessions": (session(),), "fakes": fakes()}
    if stage == "unit":
        values |= {"coverage": coverage(), "sessions": (session(leaks_watched=3),)}
    if stage in ("lint", "security-scan"):
        values["scans"] = (scan(),)
    if stage == "lint":
        values["style"] = style()
    values |= _parts().get(stage, {})
    if "sessions" in more and "records" not in more:  # one process for each session, which ended as it says
        tools = tuple(
            ToolRun(name="pytest", version="9.0", exit_code=one.exit_code, duration_s=4.1) for one in more["sessions"]
        )
        values["records"] = (record(stage, tools=tools),)
    return StageEvidence(stage=stage, **{**values, **more})


def run(*stages: StageEvidence, **more: Any) -> RunEvidence:
    """Return a run in which the given stages were planned; without any, all eight, and all good."""
    given = stages or tuple(stage(one) for one in STAGES)
    values: dict[str, Any] = {"stages": given, "planned": tuple(one.stage for one in given), "commit": COMMIT}
    values["changes"] = changes()
    return RunEvidence(**{**values, **more})


def waiver(**more: Any) -> Waiver:
    """Return a waiver that is in force."""
    values: dict[str, Any] = {
        "gate": "no-failures",
        "stage": "unit",
        "reason": "the vendor mends it",
        "author": "jo",
        "approver": "kim",
        "issued": date(2026, 11, 1),
        "expires": date(2026, 12, 24),
        "file": "truegreen-waivers.toml",
        "line": 3,
        "last_line": 10,
    }
    return Waiver(**{**values, **more})


def quarantined(number: int = 0, **more: Any) -> Quarantined:
    """Return a row of quarantine that is in force."""
    values: dict[str, Any] = {
        "test": name(number),
        "owner": "jo",
        "issue": "#7",
        "reason": "waits for a port",
        "created": date(2026, 11, 1),
        "expires": date(2026, 12, 1),
        "file": "truegreen-quarantine.toml",
        "line": 3,
        "last_line": 9,
    }
    return Quarantined(**{**values, **more})


def steady_history(stage: str, runs: int = 20, **more: Any) -> History:
    """Return a history of the default branch in which the stage and its three tests took what they take here."""
    past = PastStage(stage=stage, status="pass", duration_s=5.0, tests=3)
    one = PastRun(
        commit=COMMIT,
        created="2026-11-20T07:00:00Z",
        status="pass",
        base=True,
        environment=ENVIRONMENT,
        stages=(past,),
    )
    test = PastTest(runs=runs, durations_s=(0.01,) * runs)
    return History(**{"runs": (one,) * runs, "tests": {stage: {name(n): test for n in range(3)}}, **more})


def steady_loads(runs: int = 20, **more: Any) -> tuple[PastLoad, ...]:
    """Return the figures of earlier load tests, the same as here."""
    kinds = {"POST /operations": 21.0}
    values = {"stage": "performance", "tool": "locust", "environment": ENVIRONMENT, "rps": 166.0, "p95_ms": 21.0}
    return (PastLoad(**{**values, "endpoints_p95_ms": kinds, **more}),) * runs


def requirement(**more: Any) -> Requirement:
    """Return a row that the first test of every stage proves."""
    values = {
        "id": "R-1",
        "text": "it starts",
        "type": "smoke",
        "milestone": "R",
        "file": "requirements.toml",
        "line": 1,
    }
    return Requirement(**{**values, **more})


def governed(*stages: StageEvidence, **more: Any) -> RunEvidence:
    """Return a good run of a project with exceptions and a requirement: every gate over the run has a question."""
    values = {
        "today": TODAY,
        "waivers": (waiver(),),
        "quarantine": (quarantined(),),
        "requirements": (requirement(),),
    }
    return run(*stages, **{**values, **more})


def without(evidence: StageEvidence, field: str) -> StageEvidence:
    """Return evidence in which one part is absent."""
    empty = {"records": (), "sessions": (), "scans": (), "persistence": ()}
    return msgspec.structs.replace(evidence, **{field: empty.get(field)})

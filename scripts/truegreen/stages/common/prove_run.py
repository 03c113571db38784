"""The run of the prove stage: tests without a mutant, then with one mutant after the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.analysis import proof
from truegreen.errors import EvidenceMissing, ToolFailed, UnknownName
from truegreen.model.proof import Answer, ProofMutant, ProofResult, TestAnswer
from truegreen.model.wiring import Supply
from truegreen.runtime import files
from truegreen.stages.common import wiring_scan
from truegreen.stages.common.context import StageOutcome
from truegreen.stages.common.prove_bench import Asked, Bench, Ran
from truegreen.stages.common.sabotage import JOURNAL, Fault

if TYPE_CHECKING:
    from truegreen.model.evidence import ToolRun
    from truegreen.model.wiring import Dependency, WiringScan
    from truegreen.stages.common.context import StageContext
    from truegreen.stages.prove import ProveOptions

FILE = "prove.json"
DATABASE = {
    "forgetful-database": (
        Fault.FORGET,
        "passes while every write is dropped: what it asserts does not come from the database",
    ),
    "commit-fails": (
        Fault.FAIL,
        "passes while every commit fails: the error is swallowed, or nothing it asserts needs the commit",
    ),
}
"""Mutants of the database: the fault, and what a test proves that passes all the same."""
LAG = "replica-lag"
_LAG_PROVES = (
    "passes while rows that it asks the replica for have not arrived there: what it asserts does not come from them"
)
_WORKER = "worker:"
_PERSISTENCE, _WIRING = "persistence", "wiring"
_STAGES = (_WIRING, _PERSISTENCE)
"""In the order in which they look for a missing dependency: tests of wiring are quick."""
_NOT_OURS = "a server of the persistence stage was not started by truegreen, so it cannot begin afresh for a mutant"
_PATIENCE = 5.0
"""With a mutant, tests may take so many times as long as without one."""
_LEAST_LIMIT_S = 15.0
_FOREIGN = re.compile(r"[^A-Za-z0-9.-]+")
_NAME_LENGTH = 80


def run(context: StageContext) -> StageOutcome:
    """Run the tests without a mutant, and with one after the other until the time is over.

    Raises:
        UnknownName: a mutant is asked for that does not exist.
        ToolFailed: the tests do not pass without any mutant, so that none can be judged.
        EvidenceMissing: there are no tests.
    """
    work = _Proof(context)
    asked = chosen(context.pytest_args, work.candidates)
    wanted = asked or work.candidates
    work.baseline((_PERSISTENCE,) if wanted and set(wanted) <= {*DATABASE, LAG} else _STAGES)
    work.try_all(wanted)
    result = ProofResult(
        candidates=work.candidates,
        asked=asked,
        persistence_tests=len(work.passed[_PERSISTENCE]),
        committing_tests=len(work.committing),
        dependencies=work.known,
        unfollowed=work.unfollowed,
        wiring_tests=len(work.passed[_WIRING]),
        limit_s=work.limit_s,
        unread=work.unread,
        mutants=tuple(work.tried),
    )
    files.write_atomic(context.out / FILE, msgspec.json.format(msgspec.json.encode(result), indent=1))
    return StageOutcome(
        files=((FILE, "proof"),),
        expects=("proof",),
        tools=tuple(work.tools),
        notes=tuple(work.notes),
        python=work.python,
    )


class _Proof:
    """What is known so far."""

    def __init__(self, context: StageContext) -> None:
        self._context = context
        self._bench = Bench(context)
        found = wiring_scan.scan(context, self._bench.options(_WIRING).exclude)
        self.unread = found.unread
        self.known = len(found.dependencies)
        self.unfollowed = tuple(one.name for one in found.unfollowed)
        self._dependencies = _named(found)
        self.candidates = candidates(found, context.options, persistence=self._wanted(_PERSISTENCE))
        self.passed: dict[str, tuple[str, ...]] = dict.fromkeys(_STAGES, ())
        self.committing: tuple[str, ...] = ()
        self.limit_s: float = context.options.max_minutes * 60
        self.tried: list[ProofMutant] = []
        self.tools: list[ToolRun] = []
        self.notes: list[str] = []
        self.python = ""
        self._took_s: dict[str, float] = {}
        self._own_servers = True

    def baseline(self, stages: tuple[str, ...]) -> None:
        """Run the tests of stages without a mutant."""
        for stage in filter(self._wanted, stages):
            with self._context.console.working(f"running the {stage} tests without a mutant"):
                ran = self._bench.baseline(stage)
            self._note(ran)
            if ran.problem or ran.session.bad:
                first = next(iter(sorted(ran.session.bad)), "")
                raise ToolFailed(
                    f"the {stage} tests do not pass without any mutant, so none can be judged",
                    where=first or ran.log,
                    why="\n".join(filter(None, (ran.problem, ran.tail))),
                    fix=f"make `truegreen run {stage}` green first; the log of this run is {ran.log}",
                )
            self.passed[stage] = ran.passed
            self._took_s[stage] = ran.duration_s
            if ran.evidence is not None:
                self.committing = proof.committing(ran.evidence, ran.passed)
                self._own_servers = ran.own_servers
        if not any(self.passed.values()):
            raise EvidenceMissing(
                "no test marked persistence or wiring passes, so there is nothing that could notice a mutant",
                where=str(self._context.root),
                fix="write a test with one of these markers, or see `truegreen run persistence`",
            )

    def try_all(self, names: tuple[str, ...]) -> None:
        """Try mutants in their order until the time is over."""
        clock = self._context.clock
        begun = clock.monotonic()
        for number, name in enumerate(names, 1):
            start = clock.monotonic()
            if start - begun >= self.limit_s:
                break
            with self._context.console.working(f"mutant {number} of {len(names)}: {name}"):
                mutant = self._try(name)
            took_s = round(clock.monotonic() - start, 3)
            self.tried.append(msgspec.structs.replace(mutant, duration_s=took_s))
            self._context.console.line(f"{mutant.answer.value}: {name} ({took_s:.1f} s)")

    def _database(self, name: str) -> ProofMutant:
        """Run every test that commits: each of them has to answer for itself."""
        fault, proves = DATABASE[name]
        if not self.committing or not self._own_servers:
            why = _NOT_OURS if self.committing else "no persistence test commits anything while it runs"
            return ProofMutant(name=name, answer=Answer.UNKNOWN, why=why)
        ran = self._run(_PERSISTENCE, name, fault=fault)
        if ran.problem or ran.evidence is None:
            return ProofMutant(name=name, answer=Answer.UNKNOWN, why=ran.problem)
        tests = proof.answers(
            self.committing,
            ran.evidence,
            failed=ran.session.failed,
            skipped=ran.session.skipped_tests,
            journal=JOURNAL,
            kept=fault is Fault.FORGET,
            proves=proves,
        )
        answer = proof.of_all(tests)
        why = {Answer.MISSED: "no test fails", Answer.UNKNOWN: "no test gave an answer"}.get(answer, "")
        return ProofMutant(name=name, answer=answer, why=why, tests=tests, ran=ran.session.ran)

    def _try(self, name: str) -> ProofMutant:
        if name in DATABASE:
            return self._database(name)
        if name == LAG:
            return self._lag()
        return self._worker(name) if name.startswith(_WORKER) else self._unwired(name)

    def _lag(self) -> ProofMutant:
        """Run the tests with a replica that keeps up, and those that pass with one that does not."""
        variable = self._context.options.replica_url_env
        if not self._own_servers or not self.passed[_PERSISTENCE]:
            why = "no persistence test passes" if self._own_servers else _NOT_OURS
            return ProofMutant(name=LAG, answer=Answer.UNKNOWN, why=why)
        good = self._run(_PERSISTENCE, LAG, suffix="-none", replica=variable)
        broken = [test for test in self.passed[_PERSISTENCE] if test not in good.passed]
        if good.problem or broken:
            first = broken[0] if broken else ""
            why = good.problem or f"{first} fails also when ${variable} is a role that reads, and nothing lags"
            return ProofMutant(name=LAG, answer=Answer.UNKNOWN, why=why, ran=good.session.ran)
        ran = self._run(_PERSISTENCE, LAG, replica=variable, lags=True)
        if ran.problem:
            return ProofMutant(name=LAG, answer=Answer.UNKNOWN, why=ran.problem)
        skipped = ran.session.skipped_tests
        tests = proof.lagging(ran.calls, failed=ran.session.failed, skipped=skipped, proves=_LAG_PROVES)
        if not tests:
            why = f"no test reads from ${variable} what is written while it runs"
            return ProofMutant(name=LAG, answer=Answer.MISSED, why=why, ran=ran.session.ran)
        answer = proof.of_all(tests)
        why = {Answer.MISSED: "no test fails", Answer.UNKNOWN: "no test gave an answer"}.get(answer, "")
        return ProofMutant(name=LAG, answer=answer, why=why, tests=tests, ran=ran.session.ran)

    def _unwired(self, name: str) -> ProofMutant:
        """Take a dependency away; the first red test ends the mutant."""
        one = self._dependencies[name]
        unwire = {"path": one.place.path, "owner": one.owner, "attributes": [one.attribute, *one.also]}
        found = self._until_red(name, "removed", "the dependency was taken away", unwire=unwire)
        stuck = f"{one.owner}.{one.attribute} cannot be set to None" if "stuck" in found.words else ""
        mutant = found.mutant(name, stuck, _missed(one, found.words))
        return msgspec.structs.replace(mutant, path=one.place.path, line=one.place.line)

    def _worker(self, name: str) -> ProofMutant:
        """Keep a worker from starting; the first red test ends the mutant."""
        worker = name.removeprefix(_WORKER)
        module, _, attribute = worker.partition(":")
        idle = {"module": module, "attribute": attribute}
        found = self._until_red(name, "idle", "the worker was to start", idle=idle)
        absent = f"{module} has no function or method {attribute}" if "absent" in found.words else ""
        if "idle" in found.words:
            missed = f"all tests pass while {worker} never starts: nothing they assert needs it"
        else:
            missed = f"no test of persistence or wiring starts {worker}"
        return found.mutant(name, absent, missed)

    def _until_red(self, name: str, word: str, what: str, **asked: Any) -> _Found:
        """Run the tests of each stage until one is red while something is at work, which reports a word then."""
        found = _Found()
        for stage in filter(self.passed.get, _STAGES):
            if stage == _PERSISTENCE and not self._own_servers:
                found.doubts.append(_NOT_OURS)
                continue
            ran = self._run(stage, name, **asked)
            found.words.update(ran.words)
            found.ran += ran.session.ran
            red = [test for test in ran.session.failed if test in self.passed[stage]]
            if red and not ran.problem and word in ran.words:
                found.red = red[0]
                return found
            if ran.problem or red:
                found.doubts.append(ran.problem or f"{red[0]} failed before {what}")
        return found

    def _run(self, stage: str, name: str, *, suffix: str = "", **asked: Any) -> Ran:
        """Run the tests of a stage that passed; the other arguments are those of `Asked`."""
        ran = self._bench.mutant(
            stage,
            Asked(
                name=f"{self.candidates.index(name) + 1:02}-{_FOREIGN.sub('-', name)[:_NAME_LENGTH]}{suffix}",
                tests=self.passed[stage],
                limit_s=max(_PATIENCE * self._took_s[stage], _LEAST_LIMIT_S),
                **asked,
            ),
        )
        self._note(ran)
        return ran

    def _note(self, ran: Ran) -> None:
        self.tools += ran.tools
        self.python = ran.python or self.python

    def _wanted(self, stage: str) -> bool:
        return bool(self._bench.options(stage).enabled)


class _Found(msgspec.Struct):
    """What running until the first red test has shown."""

    red: str = ""
    """The test that failed while something was at work."""
    doubts: list[str] = msgspec.field(default_factory=list)
    words: set[str] = msgspec.field(default_factory=set)
    ran: int = 0

    def mutant(self, name: str, stuck: str, missed: str) -> ProofMutant:
        """Return what that says about a mutant.

        Args:
            name: of the mutant.
            stuck: why it could not be put to work; empty where it could.
            missed: what it means that no test is red.
        """
        if self.red:
            noticed = TestAnswer(test=self.red, answer=Answer.NOTICED)
            return ProofMutant(name=name, answer=Answer.NOTICED, tests=(noticed,), ran=self.ran)
        if self.doubts or stuck:
            why = self.doubts[0] if self.doubts else stuck
            return ProofMutant(name=name, answer=Answer.UNKNOWN, why=why, ran=self.ran)
        return ProofMutant(name=name, answer=Answer.MISSED, why=missed, ran=self.ran)


def _missed(one: Dependency, words: set[str]) -> str:
    """Return what it means that no test is red without a dependency."""
    if "removed" in words:
        return f"all tests pass while {one.owner}.{one.attribute} is None: nothing they assert needs it"
    if "built" in words:
        return f"no test of persistence or wiring gives {one.owner} a {one.parameter}"
    return f"no test of persistence or wiring imports {one.owner}"


def candidates(scan: WiringScan, options: ProveOptions, *, persistence: bool) -> tuple[str, ...]:
    """Return the names of all mutants of a project, in the order in which they are tried.

    Args:
        scan: what its sources say about optional dependencies.
        options: what the project declares beside its sources.
        persistence: whether it has the persistence stage.
    """
    database = (*DATABASE, *((LAG,) if options.replica_url_env else ())) if persistence else ()
    return (*database, *(f"{_WORKER}{worker}" for worker in dict.fromkeys(options.workers)), *_named(scan))


def _named(scan: WiringScan) -> dict[str, Dependency]:
    """Return dependencies by the names of their mutants; of two classes with one name, the file tells them apart."""
    found: dict[str, Dependency] = {}
    for one in scan.having(Supply.SUPPLIED):
        name = f"unwired:{one.owner}.{one.parameter}"
        found[f"{name}@{one.place.path}" if name in found else name] = one
    return found


def chosen(words: tuple[str, ...], candidates: tuple[str, ...]) -> tuple[str, ...]:
    """Return the mutants asked for, in the order in which they are tried.

    Raises:
        UnknownName: there is no such mutant.
    """
    if unknown := [word for word in words if word not in candidates]:
        raise UnknownName(
            f"there is no mutant {unknown[0]!r}",
            fix="known here: " + (", ".join(candidates) or "none"),
        )
    return tuple(name for name in candidates if name in words)

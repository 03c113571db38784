"""One run of the tests of a stage in surroundings of their own, with a mutant at work or without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.errors import ConfigurationError, EvidenceUnreadable, ServiceNotReady, TimedOut
from truegreen.model.evidence import ToolRun
from truegreen.model.persistence import PersistenceEvidence
from truegreen.runtime import files
from truegreen.stages.common import pytest_run
from truegreen.stages.common.pytest_process import Pytest, Session, tool
from truegreen.stages.common.recorder import Recorder, counting, observed
from truegreen.stages.common.sabotage import Fault, Sabotage

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from truegreen.stages.common.context import StageContext

_EVIDENCE_LIMIT_BYTES = 256 << 20
_BASELINE = "without-mutant"


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What one run told."""

    stage: str
    session: Session = Session()
    evidence: PersistenceEvidence | None = None
    words: tuple[str, ...] = ()
    """What an unwired dependency reported: `built`, `removed`, `stuck`."""
    problem: str = ""
    """Why the run tells nothing; empty when it does."""
    tail: str = ""
    """The end of pytest's output."""
    tools: tuple[ToolRun, ...] = ()
    python: str = ""
    duration_s: float = 0.0
    own_servers: bool = True
    """Whether all services were started for this run alone."""

    @property
    def passed(self) -> tuple[str, ...]:
        """Return the tests that passed at once, in their order."""
        left = {*self.session.bad, *self.session.skipped_tests}
        return tuple(test for test in self.session.ids if test not in left)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a run with a mutant is to do."""

    name: str
    """Name of the folder for what it leaves."""
    tests: tuple[str, ...]
    """The tests that run, in their order."""
    limit_s: float
    fault: Fault | None = None
    unwire: dict[str, str] = {}
    """The dependency to take away, as the plugin wants it, without `report`."""


class Bench:
    """Runs the tests of other stages, each time in surroundings of their own."""

    def __init__(self, context: StageContext) -> None:
        self._context = context

    def options(self, stage: str) -> Any:
        """Return the options of another stage."""
        return self._context.others[stage]

    def baseline(self, stage: str) -> Ran:
        """Run a stage's tests without a mutant; those of the persistence stage are observed."""
        return self._run(stage, None)

    def mutant(self, stage: str, asked: Asked) -> Ran:
        """Run tests with a mutant; a run that tells nothing says why."""
        try:
            return self._run(stage, asked)
        except TimedOut:
            return Ran(stage=stage, problem=f"the tests did not end within {asked.limit_s:.0f} s")
        except ServiceNotReady as error:
            return Ran(stage=stage, problem=f"{error.what}: {error.why}" if error.why else error.what)

    def _run(self, stage: str, asked: Asked | None) -> Ran:
        folder = self._context.out / (asked.name if asked else _BASELINE) / stage
        with self._open(stage, folder) as own:
            pytest = Pytest(own, {}, shown=False)
            pytest.prepare()
            if stage == "persistence" and not (asked and asked.unwire):
                return self._observed(own, pytest, asked)
            return self._plain(own, pytest, asked)

    def _open(self, stage: str, folder: Path) -> AbstractContextManager[StageContext]:
        if self._context.beside is None:
            raise ConfigurationError("the stage cannot open the surroundings of another one", where="prove")
        return self._context.beside(stage, folder)

    def _observed(self, own: StageContext, pytest: Pytest, asked: Asked | None) -> Ran:
        """Run persistence tests while a recorder looks, and switches a fault with the phases of each test."""
        server = observed(own.services)
        fault = asked.fault if asked else None
        path = own.out / "persistence.json"
        sabotage = Sabotage(server) if fault is not None else None

        def ended(phase: str) -> None:
            if sabotage is not None:
                sabotage.turn(fault if phase == "setup" else None)

        try:
            recorder = Recorder(server, path, counting(server, own.options.databases), ended)
            with recorder.listening() as address:
                pytest.env["TRUEGREEN_RECORDER"] = str(address)
                ran = self._plain(own, pytest, asked)
        finally:
            if sabotage is not None:
                sabotage.close()
        evidence = _evidence(path)
        problem = ran.problem or evidence.problem or ("" if evidence.complete else "the recording is incomplete")
        return msgspec.structs.replace(ran, evidence=evidence, problem=problem)

    def _plain(self, own: StageContext, pytest: Pytest, asked: Asked | None) -> Ran:
        options = own.options
        marker = pytest_run.marker_of(own.stage, options)
        pytest.env["TRUEGREEN_SELECTION"] = pytest_run.selection(own, marker)
        words = ["-m", marker, *pytest.serial, *options.args, *options.tests]
        words += ["--no-cov"] if "pytest_cov" in pytest.present else []  # a threshold would look like a red test
        report = own.out / "unwired.txt"
        if asked is None:
            # An empty list of changed files: it makes the plugin count the tests that came to their end.
            env = {"TRUEGREEN_CHANGED": str(files.write_atomic(own.out / "changed.json", b"[]"))}
        else:
            env = pytest.only(asked.tests, name="only.json", ordered=True)
        unwire = asked is not None and bool(asked.unwire)
        words.append("--maxfail=1" if unwire else "--maxfail=0")  # whatever the project says: each test has to answer
        if asked is not None and unwire:
            asks = {**asked.unwire, "root": str(own.root), "report": str(report)}
            env["TRUEGREEN_UNWIRE"] = msgspec.json.encode(asks).decode()
        done = pytest.run(words, env=env, limit_s=asked.limit_s if asked else None)
        session = pytest.session()
        return Ran(
            stage=own.stage,
            session=session or Session(),
            words=tuple(report.read_text(encoding="utf-8").split()) if report.is_file() else (),
            problem=_problem(session, first_red=unwire),
            tail=done.tail(8),
            tools=(tool(done, f"pytest {own.out.parent.name}/{own.stage}"),),
            python=pytest.python.version,
            duration_s=done.duration_s,
            own_servers=all(handle.provider != "attach" for handle in own.services),
        )


def _problem(session: Session | None, *, first_red: bool) -> str:
    """Return why a session tells nothing: it broke off, or could not collect what it was to run."""
    if session is None or not session.finished:
        return "pytest did not come to its end"
    if session.nothing:
        return ""
    if session.collection_errors:
        return "the tests could not be collected"
    if first_red and session.failed:
        return ""
    return "" if session.whole else "not every test came to its end"


def _evidence(path: Path) -> PersistenceEvidence:
    try:
        return msgspec.json.decode(files.read_limited(path, _EVIDENCE_LIMIT_BYTES), type=PersistenceEvidence)
    except (OSError, msgspec.DecodeError) as error:
        raise EvidenceUnreadable("what was recorded could not be read", where=str(path), why=str(error)) from None

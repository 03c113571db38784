"""One run of the tests of a stage in surroundings of their own, with a mutant at work or without one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.errors import ConfigurationError, EvidenceUnreadable, ServiceNotReady, TimedOut
from truegreen.model.evidence import ToolRun
from truegreen.model.persistence import PersistenceEvidence
from truegreen.runtime import files
from truegreen.stages.common import pytest_run
from truegreen.stages.common.probe import probe_of
from truegreen.stages.common.pytest_process import Pytest, Session, said, tool
from truegreen.stages.common.recorder import Recorder
from truegreen.stages.common.replica import Replica
from truegreen.stages.common.sabotage import Fault, Sabotage
from truegreen.stages.common.watch import folder as of_folder
from truegreen.stages.common.watch import watched

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from truegreen.model.service import ServiceHandle
    from truegreen.stages.common.context import StageContext

_EVIDENCE_LIMIT_BYTES = 256 << 20
_BASELINE = "without-mutant"


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What one run told."""

    stage: str
    session: Session = Session()
    evidence: PersistenceEvidence | None = None
    words: tuple[str, ...] = ()
    """What was reported of a dependency, `built`, `removed`, `stuck`, or of a worker, `found`, `absent`, `idle`."""
    calls: tuple[tuple[str, int], ...] = ()
    """Each call of a test, with the number of rows that a lagging replica hid from it."""
    problem: str = ""
    """Why the run tells nothing; empty when it does."""
    tail: str = ""
    """The end of pytest's output."""
    log: str = ""
    """Where all of it is."""
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
    unwire: dict[str, Any] = {}
    """The dependency to take away, as the plugin wants it, without `report`."""
    idle: dict[str, str] = {}
    """The worker that never starts, as the plugin wants it, without `report`."""
    replica: str = ""
    """Variable that gets the URL of a read replica."""
    lags: bool = False
    """Whether the replica lags behind while a test is called."""

    @property
    def first_red(self) -> bool:
        """Whether the first red test is answer enough."""
        return bool(self.unwire or self.idle)


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
        except TimedOut as error:
            return Ran(stage=stage, problem=error.what)
        except ServiceNotReady as error:
            return Ran(stage=stage, problem=f"{error.what}: {error.why}" if error.why else error.what)

    def _run(self, stage: str, asked: Asked | None) -> Ran:
        folder = self._context.out / (asked.name if asked else _BASELINE) / stage
        with self._open(stage, folder) as own:
            pytest = Pytest(own, {}, shown=False)
            pytest.prepare()
            if stage != "persistence":
                return self._plain(own, pytest, asked)
            if not (asked and asked.first_red):
                return self._observed(own, pytest, asked)
            # Nothing is observed here, but a test that asks about its services is answered as ever.
            with Recorder((), own.out, probe=probe_of(own)).listening() as address:
                pytest.env["TRUEGREEN_RECORDER"] = str(address)
                return self._plain(own, pytest, asked)

    def _open(self, stage: str, folder: Path) -> AbstractContextManager[StageContext]:
        if self._context.beside is None:
            raise ConfigurationError("the stage cannot open the surroundings of another one", where="prove")
        return self._context.beside(stage, folder)

    def _observed(self, own: StageContext, pytest: Pytest, asked: Asked | None) -> Ran:
        """Run persistence tests while a recorder looks, and switches a fault with the phases of each test."""
        server = _database(own.services)
        places = [*own.services, *(of_folder(name, own.root) for name in own.options.folders)]
        # All of them, though one alone is sabotaged: a marker of a test may name any.
        stores = watched(places, databases=own.options.databases, stores=own.options.stores)
        store = next(one for one in stores if one.name == server.name)
        with contextlib.closing(_switched(server, asked)) as switch:
            if asked and asked.replica:
                pytest.env[asked.replica] = switch.url(pytest.env.get(asked.replica, ""))
            recorder = Recorder(stores, own.out, switch.ended, probe_of(own))
            with recorder.listening() as address:
                pytest.env["TRUEGREEN_RECORDER"] = str(address)
                ran = self._plain(own, pytest, asked)
        evidence = _evidence(own.out / store.file)
        problem = ran.problem or evidence.problem or ("" if evidence.complete else "the recording is incomplete")
        called = [phase.test for phase in evidence.phases if phase.phase == "call"]
        if switch.hidden and len(called) != len(switch.hidden):
            problem = problem or "what was hidden cannot be told apart by tests"
        calls = tuple(zip(called, switch.hidden, strict=False))
        return msgspec.structs.replace(ran, evidence=evidence, problem=problem, calls=calls)

    def _plain(self, own: StageContext, pytest: Pytest, asked: Asked | None) -> Ran:
        options = own.options
        marker = pytest_run.marker_of(own.stage, options)
        pytest.env["TRUEGREEN_SELECTION"] = pytest_run.selection(own, marker)
        words = ["-m", marker, *pytest.serial, *options.args, *options.tests]
        words += ["--no-cov"] if "pytest_cov" in pytest.present else []  # a threshold would look like a red test
        report = own.out / "words.txt"
        if asked is None:
            # An empty list of changed files: it makes the plugin count the tests that came to their end.
            env = {"TRUEGREEN_CHANGED": str(files.write_atomic(own.out / "changed.json", b"[]"))}
        else:
            env = pytest.only(asked.tests, name="only.json", ordered=True)
            words.append("--tb=native")  # that a test fails is the answer; to explain why takes as long as the tests
        first_red = asked is not None and asked.first_red
        words.append("--maxfail=1" if first_red else "--maxfail=0")  # whatever the project says: each has to answer
        if asked is not None and asked.unwire:
            asks = {**asked.unwire, "root": str(own.root), "report": str(report)}
            env["TRUEGREEN_UNWIRE"] = msgspec.json.encode(asks).decode()
        if asked is not None and asked.idle:
            env["TRUEGREEN_IDLE"] = msgspec.json.encode({**asked.idle, "report": str(report)}).decode()
        done = pytest.run(words, env=env, limit_s=asked.limit_s if asked else None)
        session = pytest.session()
        return Ran(
            stage=own.stage,
            session=session or Session(),
            words=tuple(report.read_text(encoding="utf-8").split()) if report.is_file() else (),
            problem=_problem(session, first_red=first_red),
            tail=said(done),
            log=str(own.out / "pytest.log"),
            tools=(tool(done, f"pytest {own.out.parent.name}/{own.stage}"),),
            python=pytest.python.version,
            duration_s=done.duration_s,
            own_servers=all(handle.provider != "attach" for handle in own.services),
        )


class _Still:
    """Nothing is switched while the tests run."""

    def __init__(self) -> None:
        self.hidden: list[int] = []

    def url(self, given: str) -> str:
        """Return what the project has."""
        return given

    def ended(self, phase: str) -> None:
        """Follow the phases of the tests."""

    def close(self) -> None:
        """Do nothing."""


class _Faulty(_Still):
    """A fault is at work in the server while a test is called."""

    def __init__(self, server: ServiceHandle, fault: Fault) -> None:
        super().__init__()
        self._sabotage = Sabotage(server)
        self._fault = fault

    def ended(self, phase: str) -> None:
        self._sabotage.turn(self._fault if phase == "setup" else None)

    def close(self) -> None:
        self._sabotage.close()


class _Replicated(_Still):
    """There is a read replica, which lags behind while a test is called, or never does."""

    def __init__(self, server: ServiceHandle, *, lags: bool) -> None:
        super().__init__()
        self._replica = Replica(server)
        self._lags = lags
        self._total = 0

    def url(self, given: str) -> str:
        return self._replica.url(given)

    def ended(self, phase: str) -> None:
        if self._lags:
            self._replica.turn(lags=phase == "setup")
            if phase == "call":
                before, self._total = self._total, self._replica.hidden()
                self.hidden.append(self._total - before)

    def close(self) -> None:
        self._replica.close()


def _switched(server: ServiceHandle, asked: Asked | None) -> _Still:
    if asked is not None and asked.fault is not None:
        return _Faulty(server, asked.fault)
    if asked is not None and asked.replica:
        return _Replicated(server, lags=asked.lags)
    return _Still()


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


def _database(services: Iterable[ServiceHandle]) -> ServiceHandle:
    """Return the server that can be made to lose what it accepted."""
    server = next((handle for handle in services if handle.kind == "postgres"), None)
    if server is None:
        raise ConfigurationError(
            "the persistence stage has no PostgreSQL to read evidence from",
            where="persistence.services",
            fix='add "postgres" to services of [tool.truegreen.persistence], or leave the stage prove out',
        )
    return server


def _evidence(path: Path) -> PersistenceEvidence:
    try:
        return msgspec.json.decode(files.read_limited(path, _EVIDENCE_LIMIT_BYTES), type=PersistenceEvidence)
    except (OSError, msgspec.DecodeError) as error:
        raise EvidenceUnreadable("what was recorded could not be read", where=str(path), why=str(error)) from None

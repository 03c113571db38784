"""The hooks."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from truegreen_pytest import fixtures, leaks, persists, settings, workers
from truegreen_pytest.attempts import Attempts, Subtests, attempts_of
from truegreen_pytest.lingering import Lingering
from truegreen_pytest.marks import Marks, misspelt
from truegreen_pytest.mocks import Watch, joined
from truegreen_pytest.network import Guard
from truegreen_pytest.network import asked as _to_block
from truegreen_pytest.order import ONLY, PROPERTY, Only, Order, hand_over
from truegreen_pytest.order import identity as _id
from truegreen_pytest.phases import Phases
from truegreen_pytest.places import CHANGED, Ended, Places
from truegreen_pytest.recorder import Line
from truegreen_pytest.selection import Selection
from truegreen_pytest.unittests import Inside, is_case
from truegreen_pytest.wiring import start as _walk_roots

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MARKERS = (
    "unit: fast, without network or server",
    "wiring: factories build what they promise",
    "persistence: against real services; what it commits is recorded",
    "e2e: against the running stack",
    "performance: against the running stack",
    "persists(object='', *, store='', kind='', at_least=1, at_most, exactly, reads=False): what the test must commit",
    "req(*ids): the requirements the test proves",
    "clean(streams=''): streams that the fixture clean_nats deletes, by the beginning of their names",
    "allow_mocks(target, reason, until): what the test may replace, and why, until a day such as 2030-01-31",
)

_WATCH = pytest.StashKey[Watch]()


class State:
    """What one session knows."""

    def __init__(self, path: str, config: pytest.Config) -> None:
        self.path = path
        self.config = config
        self.collected = 0
        self.deselected = 0
        self.selection = Selection(config)
        self.order = Order(config)
        self.marks = Marks(config)
        self.collection_errors: list[str] = []
        self.begun: set[str] = set()
        """Tests that were set up and not called yet; at the end there is none, unless an option runs only set-ups."""
        self.skipped: list[str] = []
        """What a skip took out while it was collected, such as a module that calls `importorskip`."""
        self.ids: list[str] = []
        self.failed: list[str] = []
        self.again: list[str] = []
        self.reruns: dict[str, int] = {}
        """How often a plugin repeated a test inside this session."""
        self.ended: Ended | None = Ended() if os.environ.get(ONLY) or os.environ.get(CHANGED) else None
        self.places: list[tuple[str, str, int, int]] = []
        """Tests of changed files: id, file, first and last line."""
        self.exit_code: int | None = None
        self.finished = False
        self.session: pytest.Session | None = None
        self.line: Line | None = None
        self.watch: Watch | None = None
        self.leaks = leaks.asked()
        self.elsewhere: list[dict[str, Any]] = []
        """What the workers of pytest-xdist saw replaced."""

    def phase(self, name: str, report: pytest.TestReport) -> None:
        """Follow whether a test that was set up is called too."""
        if report.when == "setup" and report.passed:
            self.begun.add(name)
        elif report.when != "teardown":
            self.begun.discard(name)

    def write(self) -> None:
        """Write the file through a temporary one, so that a reader never sees a part."""
        if not self.path:
            return
        data = {
            "exit_code": self.exit_code,
            "collected": self.collected,
            "selected": len(self.ids),
            "deselected": self.deselected,
            "collection_errors": len(self.collection_errors),
            "skipped_collections": self.skipped,
            "ids": self.ids,
            "failed": self.failed,
            "again": self.again,
            "reruns": self.reruns,
            "rootdir": str(self.config.rootpath),
            "inifile": str(self.config.inipath or ""),
            "finished": self.finished,
            "python": platform.python_version(),
            "pytest": pytest.__version__,
            "uncalled": len(self.begun),
            "sqlite": settings.sqlite() if self.finished else {},
            "recorder_problem": self.line.problem if self.line is not None else "",
            **joined([*([self.watch.record()] if self.watch is not None else []), *self.elsewhere]),
            **self.selection.record(),
            **self.order.record(),
            **(self.ended.record(self.places) if self.ended is not None else {}),
            **self.marks.record(),
            **(self.leaks.record() if self.leaks is not None else {}),
        }
        target = Path(self.path)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".session-")
        with os.fdopen(handle, "w") as stream:
            json.dump(data, stream)
        Path(name).replace(target)


class Hooks:
    """Hooks that need the state of one session; registered by `pytest_configure`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.phases = Phases(state.line, Lingering(state.config.rootpath))
        self.attempts = Attempts()
        self.subtests = Subtests()

    def pytest_itemcollected(self) -> None:
        """Count every test when it is found: what drops tests later can only be seen by this number."""
        self.state.collected += 1

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count what a marker expression or `-k` left out."""
        self.state.deselected += len(items)
        self.state.selection.deselected(items)
        self.state.marks.deselected(items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what could not be collected, and what was skipped as a whole."""
        if report.failed:
            self.state.collection_errors.append(report.nodeid)
        elif report.skipped:
            self.state.skipped.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Give every test its exact id in the JUnit file, also through xdist."""
        for item in items:
            item.user_properties.append((PROPERTY, item.nodeid))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write the first version of the file: a session that dies later leaves `finished: false`.

        Raises:
            pytest.UsageError: where a marker is misspelt, or says of what a test must commit what cannot be meant.
        """
        self.state.ids = [_id(item) for item in session.items]
        self.state.places = Places().of(session.items)
        self.state.marks.selected(session.items)
        if _worker(session.config):
            session.config.workeroutput["truegreen"] = {  # type: ignore[attr-defined]
                "collected": self.state.collected,
                "deselected": self.state.deselected,
                "ids": self.state.ids,
                "skipped": self.state.skipped,
                "left_out": self.state.selection.left_out,
                "places": self.state.places,
                **self.state.marks.record(),
            }
        else:
            self.state.write()
        self._refuse(session)

    def _refuse(self, session: pytest.Session) -> None:
        """End a session whose markers cannot be meant as they are written.

        A worker cannot: there the recorder is told, and refuses.
        """
        if not self.state.path and self.state.line is None:
            return
        wrong = misspelt(session.items, session.config)
        wrong += persists.problems(session.items) if self.state.line is not None else []
        if wrong and self.state.line is not None:
            self.state.line.note(event="refused", why=wrong[0])  # for the report: pytest's log has all of them
        if wrong and not _worker(session.config):
            raise pytest.UsageError(*wrong)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker collected: with xdist the controller collects nothing itself."""
        if output := getattr(node, "workeroutput", {}).get("truegreen"):
            self.state.collected, self.state.deselected = output["collected"], output["deselected"]
            self.state.ids, self.state.skipped = output["ids"], output["skipped"]
            self.state.selection.left_out, self.state.places = output["left_out"], output["places"]
            self.state.marks.take(output)
            self.state.elsewhere.append(output.get("watch", {}))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember failures of any phase, for the reruns; count what plugins repeated, and subtests."""
        name = _id(report)
        if not _worker(self.state.config):
            self.subtests.report(name, report)
            self.state.phase(name, report)
            if self.state.ended is not None:
                self.state.ended.report(name, report)
        # pytest-rerunfailures reports each attempt that it repeats; others say nothing, and the tests were watched.
        again = (self.state.reruns.get(name, 0) + 1) if str(report.outcome) == "rerun" else attempts_of(report) - 1
        if again > self.state.reruns.get(name, 0):
            self.state.reruns[name] = again
        if report.failed and name not in self.state.failed:
            self.state.failed.append(name)
            self.state.again.append(_spoken(name, self.state.config))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        """Follow the attempts at a test, in the process where it runs."""
        done: Any = yield
        if done.excinfo is None and done.get_result() is not None:
            self.attempts.report(item.nodeid, done.get_result())

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Mark the end of the set-up phase; it began where the last test's teardown ended."""
        self.attempts.begin(item.nodeid)
        if self.state.watch is not None:
            self.state.watch.begin(item)
        done: Any = yield
        self.phases.setup_ended(item, passed=done.excinfo is None)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Mark where the test itself begins and ends, and say what it must commit.

        What other hooks do around the call is not what the test itself did, nor are setUp and tearDown of a
        `unittest.TestCase` and the asynchronous fixtures of some plugins, which run in here.
        """
        if self.state.watch is None:
            yield
            return
        watch = self.state.watch
        inside = Inside(
            item,
            before=lambda: self._begin(item, watch),
            after_setup=lambda: self._mark_setup(item, watch),
            ended=lambda: self._mark_call(item, watch),
            function=self.phases.inside(item),
        )
        yield
        inside.restore()
        if not inside.began:
            self.phases.inner_setup_ended(item, passed=False)
        elif not inside.ended:
            self._mark_call(item, watch)

    def _begin(self, item: pytest.Item, watch: Watch) -> None:
        self.phases.call_begins(item)
        if not is_case(item):
            watch.call()

    def _mark_setup(self, item: pytest.Item, watch: Watch) -> None:
        self.phases.inner_setup_ended(item, passed=True)
        watch.call()

    def _mark_call(self, item: pytest.Item, watch: Watch) -> None:
        watch.end()
        patched = watch.targets()
        demands = persists.demands(item) if self.state.line is not None else []
        self.phases.call_ended(item, [{**demand, "patched": patched} for demand in demands])

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
        """Mark where the teardown phase begins and ends."""
        self.phases.teardown_begins()
        yield
        self.phases.teardown_ended(item, last=nextitem is None)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Close everything after everybody else, and write the file: another hook may have changed the exit code."""
        watch, worker = self.state.watch, _worker(session.config)
        if watch is not None and worker and "truegreen" in session.config.workeroutput:  # type: ignore[attr-defined]
            session.config.workeroutput["truegreen"]["watch"] = watch.record()  # type: ignore[attr-defined]
        yield
        if watch is not None:
            watch.stop()
        if self.state.line is not None:
            self.state.line.tell(event="finish")
        if worker:
            return
        self.state.session = session
        self.state.exit_code = int(session.exitstatus)
        self.state.finished = True
        self.state.write()

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Write the file once more where the exit code was changed after the session's end."""
        if self.state.watch is not None:  # also of a session that never began
            self.state.watch.stop()
        if self.state.session is not None and self.state.exit_code != int(self.state.session.exitstatus):
            self.state.exit_code = int(self.state.session.exitstatus)
            self.state.write()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Give the seed to a plugin that shuffles by itself, before it makes up one of its own."""
    hand_over(config.option)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begin to watch before the first conftest is imported: it may replace something for good."""
    if os.environ.get("TRUEGREEN_SESSION_FILE") or os.environ.get("TRUEGREEN_RECORDER"):
        _watch(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and the hooks with a line to the recorder where there is one."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    state = State(os.environ.get("TRUEGREEN_SESSION_FILE", ""), config)
    address = os.environ.get("TRUEGREEN_RECORDER", "")
    if address and (not _worker(config) or workers.own(config)):
        state.line = Line(address)
        state.line.tell(event="start", worker=workers.own(config))
        config.stash[fixtures.LINE] = state.line
        if workers.given() and not _worker(config):
            config.pluginmanager.register(workers.Workers(state.line.tell), "truegreen-workers")
    if state.path or state.line is not None:
        state.watch = _watch(config)
    hooks = Hooks(state)
    config.pluginmanager.register(hooks, "truegreen-hooks")
    config.pluginmanager.register(hooks.phases, "truegreen-phases")
    config.pluginmanager.register(state.order, "truegreen-order")
    config.pluginmanager.register(fixtures, "truegreen-fixtures")
    if state.leaks is not None:
        config.pluginmanager.register(state.leaks, "truegreen-leaks")
    if (allowed := _to_block()) is not None:
        config.pluginmanager.register(Guard(allowed), "truegreen-network")
    _walk_roots(config)
    if only := os.environ.get(ONLY, ""):
        config.pluginmanager.register(Only(config, only), "truegreen-only")


def _watch(config: pytest.Config) -> Watch:
    """Return the watch of a session, which begins when it is first asked for."""
    if _WATCH not in config.stash:
        config.stash[_WATCH] = Watch(config)
        config.stash[_WATCH].start()
    return config.stash[_WATCH]


def _spoken(name: str, config: pytest.Config) -> str:
    """Return how the command line names a test: relative to where pytest was started, not to its root."""
    path, *rest = name.split("::")
    return "::".join([os.path.relpath(config.rootpath / path, config.invocation_params.dir), *rest])


def _worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")

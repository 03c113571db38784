"""The hooks."""

import json
import os
import platform
import tempfile

import pytest

from truegreen_pytest.mocks import Watch
from truegreen_pytest.recorder import Line

MARKERS = (
    "unit: fast, without network or server",
    "wiring: factories build what they promise",
    "persistence: against real services; what it commits is recorded",
    "e2e: against the running stack",
    "performance: against the running stack",
    "persists(object='', *, kind='', at_least=1, reads=False): what the test must commit",
    "req(id): the requirement the test proves",
)


class State:
    """What one session knows."""

    def __init__(self):
        self.path = os.environ.get("TRUEGREEN_SESSION_FILE", "")
        self.collected = 0
        self.deselected = 0
        self.collection_errors = 0
        self.ids = []
        self.failed = []
        self.exit_code = None
        self.finished = False
        self.line = None
        self.watch = None

    def write(self):
        """Write the file through a temporary one, so that a reader never sees a part."""
        if not self.path:
            return
        data = {
            "exit_code": self.exit_code,
            "collected": self.collected,
            "selected": len(self.ids),
            "deselected": self.deselected,
            "collection_errors": self.collection_errors,
            "ids": self.ids,
            "failed": self.failed,
            "finished": self.finished,
            "python": platform.python_version(),
            "pytest": pytest.__version__,
            "recorder_problem": self.line.problem if self.line is not None else "",
        }
        folder = os.path.dirname(self.path)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".session-")
        with os.fdopen(handle, "w") as stream:
            json.dump(data, stream)
        os.replace(name, self.path)


def _state(config):
    return config.stash[KEY]


KEY = pytest.StashKey()


def _worker(config):
    return hasattr(config, "workerinput")


def pytest_addoption(parser):
    """Declare nothing; present so that pytest loads the plugin early."""


def pytest_configure(config):
    """Register the markers and open the line to the recorder."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    state = State()
    config.stash[KEY] = state
    address = os.environ.get("TRUEGREEN_RECORDER", "")
    if address and not _worker(config):
        state.line = Line(address)
        state.watch = Watch()
        state.watch.start()


def pytest_deselected(items):
    """Count what a marker expression or `-k` left out."""
    if items:
        _state(items[0].config).deselected += len(items)


def pytest_collectreport(report):
    """Count modules that could not be collected."""
    if report.failed:
        _COLLECTION_ERRORS.append(report.nodeid)


_COLLECTION_ERRORS = []


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session, config, items):
    """Give every test its exact id in the JUnit file, also through xdist."""
    del session
    _state(config).collected = len(items)
    for item in items:
        item.user_properties.append(("truegreen.nodeid", item.nodeid))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    """Write the first version of the file: a session that dies later leaves `finished: false`."""
    state = _state(session.config)
    state.ids = [item.nodeid for item in session.items]
    state.collection_errors = len(_COLLECTION_ERRORS)
    if _worker(session.config):
        session.config.workeroutput["truegreen"] = [state.collected, state.deselected, state.ids]
    else:
        state.write()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Take what a worker collected: with xdist the controller collects nothing itself."""
    del error
    output = getattr(node, "workeroutput", {}).get("truegreen")
    if output:
        state = _state(node.config)
        state.collected, state.deselected, state.ids = output


def pytest_runtest_logreport(report):
    """Remember failures of any phase, for the reruns."""
    if report.failed and report.nodeid not in _FAILED:
        _FAILED.append(report.nodeid)


_FAILED = []


def _phase(item, event, phase):
    state = _state(item.config)
    if state.line is not None:
        state.line.tell(event=event, test=item.nodeid, phase=phase)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    """Enclose the set-up phase."""
    _phase(item, "begin", "setup")
    yield
    _phase(item, "end", "setup")


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_call(item):
    """Enclose the call phase, and say what the test must commit."""
    state = _state(item.config)
    if state.watch is not None:
        del state.watch.targets[:]
    _phase(item, "begin", "call")
    yield
    _phase(item, "end", "call")
    if state.line is not None:
        marks = list(item.iter_markers("persists")) or [None]
        for mark in marks:
            state.line.tell(event="demand", test=item.nodeid, patched=sorted(set(state.watch.targets)), **_demand(mark))


def _demand(mark):
    values = {"object": "", "kind": "", "at_least": 1, "reads": False}
    if mark is not None:
        values.update({key: value for key, value in mark.kwargs.items() if key in values})
        if mark.args:
            values["object"] = mark.args[0]
    return values


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_teardown(item):
    """Enclose the teardown phase."""
    _phase(item, "begin", "teardown")
    yield
    _phase(item, "end", "teardown")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Close everything and write the last version of the file."""
    if _worker(session.config):
        return
    state = _state(session.config)
    if state.watch is not None:
        state.watch.stop()
    if state.line is not None:
        state.line.tell(event="finish")
    state.exit_code = int(exitstatus)
    state.collection_errors = len(_COLLECTION_ERRORS)
    state.failed = list(_FAILED)
    state.finished = True
    state.write()

"""What is written between two phases of a test is no test's own, and no phase begins before the last one was seen."""

from __future__ import annotations

import msgspec
import pytest

from truegreen.model.persistence import PersistenceEvidence
from truegreen.stages.common import watch
from truegreen.stages.common.recorder import Recorder

pytest_plugins = ["pytester"]

HOOKS = """
    import pathlib, pytest
    def write(name):
        pathlib.Path("kept", name).write_text("x")
"""
BETWEEN = {
    "def pytest_runtest_makereport(item, call): write(f'report-{call.when}')": {
        "setup": {"report-setup", "report-teardown"},
        "teardown": {"report-call"},
    },
    """
    import functools, _pytest.runner
    @functools.wraps(_pytest.runner.pytest_runtest_makereport)
    def pytest_runtest_makereport(item, call): write(f'report-{call.when}')
    """: {"setup": {"report-setup", "report-teardown"}, "teardown": {"report-call"}},
    "def pytest_report_teststatus(report): write(f'status-{report.when}')": {
        "setup": {"status-setup", "status-teardown"},
        "teardown": {"status-call"},
    },
    """
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call():
        write("before")
        yield
        write("after")
    """: {"setup": {"before"}, "teardown": {"after"}},
    """
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup():
        yield
        write("after")
    """: {"setup": {"after"}},
    """
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown():
        write("before")
        yield
    """: {"teardown": {"before"}},
}
TEST = "def test_it(): assert True\n"
CASE = "import unittest\nclass TestIt(unittest.TestCase):\n    def test_it(self): pass\n"


@pytest.fixture
def recorded(session, pytester, tmp_path):
    """What a recorder saw in the folder `kept`, by phase, while a session ran."""
    folder = pytester.mkdir("kept")
    store = watch.of_service(watch.folder("kept", folder.parent))

    def run(text):
        recorder = Recorder((store,), tmp_path)
        with recorder.listening() as address:
            result, _ = session(text, TRUEGREEN_RECORDER=str(address))
        evidence = msgspec.json.decode((tmp_path / store.file).read_bytes(), type=PersistenceEvidence)
        assert evidence.complete, evidence.problem
        found: dict[str, set[str]] = {}
        for phase in evidence.phases:
            if phase.committed:
                found.setdefault(phase.phase, set()).update(change.object for change in phase.committed)
        return result, found

    return run


@pytest.mark.parametrize("text", [TEST, CASE], ids=["function", "case"])
@pytest.mark.parametrize("hook", BETWEEN)
def test_what_a_hook_writes_between_two_phases_is_not_what_the_test_wrote(recorded, pytester, hook, text):
    pytester.makeconftest("\n".join([HOOKS.replace("\n    ", "\n"), hook.replace("\n    ", "\n")]))
    two = text.replace("test_it", "test_a") + text.replace("test_it", "test_b").replace("TestIt", "TestToo")
    result, found = recorded(two)
    result.assert_outcomes(passed=2)
    assert "call" not in found
    written = set().union(*found.values())
    # A file that is there is written again with the same content: what comes first makes it.
    assert written == set().union(*BETWEEN[hook].values())


@pytest.mark.parametrize("text", [TEST, CASE], ids=["function", "case"])
def test_what_a_test_writes_itself_is_told_apart_from_its_fixtures(recorded, text):
    written = "import pathlib, pytest\n" + text.replace("assert True", "pass").replace(
        "pass", "pathlib.Path('kept', 'own').write_text('x')"
    )
    fixture = """
@pytest.fixture(autouse=True)
def around():
    pathlib.Path('kept', 'before').write_text('x')
    yield
    pathlib.Path('kept', 'after').write_text('x')
"""
    result, found = recorded(written + fixture)
    result.assert_outcomes(passed=1)
    assert found == {"setup": {"before"}, "call": {"own"}, "teardown": {"after"}}


def test_set_up_that_fails_has_its_phase_where_a_hook_comes_between(recorded, pytester):
    pytester.makeconftest("def pytest_runtest_makereport(item, call): pass\n")
    text = """
        import pathlib, pytest
        @pytest.fixture
        def broken():
            pathlib.Path('kept', 'before').write_text('x')
            1 / 0
        def test_it(broken): pass
    """
    result, found = recorded(text)
    result.assert_outcomes(errors=1)
    assert found == {"setup": {"before"}}


@pytest.mark.parametrize("conftest", ["", "def pytest_runtest_makereport(item, call): pass\n"])
def test_test_waits_for_two_answers_and_for_three_where_a_hook_comes_between(session, pytester, listener, conftest):
    pytester.makeconftest(conftest)
    session(TEST, TRUEGREEN_RECORDER=listener.address)
    marks = [event for event in listener.events if event["event"] == "mark"]
    assert [mark["phase"] for mark in marks if not mark.get("quiet")] == ["setup", "call"]
    assert [mark["phase"] for mark in marks if mark.get("twice")] == ["call"] * bool(conftest)

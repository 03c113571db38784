"""The plugin inside a pytest session of its own: what it writes, and what it tells the recorder."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
import unittest.mock
from pathlib import Path

import pytest

from truegreen.ingest.junit import JUnitReader
from truegreen_pytest.mocks import Watch
from truegreen_pytest.recorder import Line

pytest_plugins = ["pytester"]


class Listener:
    """A recorder's end of the line: keeps every event and answers it, up to a number of them."""

    def __init__(self, answers: int = 10_000) -> None:
        self.events: list[dict] = []
        self._answers = answers
        self._folder = tempfile.TemporaryDirectory(prefix="tg-")
        self.address = str(Path(self._folder.name) / "s")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.address)
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            sock, _ = self._socket.accept()
        except OSError:  # closed before anybody came
            return
        with sock, sock.makefile("rb") as stream:
            while row := stream.readline():
                self.events.append(json.loads(row))
                if len(self.events) > self._answers:
                    return
                sock.sendall(b'{"ok":true}\n')

    def close(self) -> None:
        self._socket.close()
        self._folder.cleanup()


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def session(pytester, monkeypatch):
    """A way to run tests with the plugin, in this process; returns what it wrote."""
    path = pytester.path / "out" / "session.json"
    path.parent.mkdir()
    monkeypatch.setenv("TRUEGREEN_SESSION_FILE", str(path))
    monkeypatch.delenv("TRUEGREEN_RECORDER", raising=False)

    def run(text, *args, **environment):
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        if text:
            pytester.makepyfile(test_it=text)
        result = pytester.runpytest_inprocess("-p", "truegreen_pytest", "-p", "no:cacheprovider", *args)
        found = json.loads(path.read_text()) if path.is_file() else {}
        assert [left.name for left in path.parent.iterdir() if left.name.startswith(".session")] == []
        return result, found

    return run


def test_session_that_ended_is_written_with_its_counts_and_ids(session, pytester):
    text = "def test_a(): pass\ndef test_b(): assert 0\ndef test_c(): pass\n"
    _, found = session(text, "-k", "not test_c")
    assert (found["collected"], found["selected"], found["deselected"], found["exit_code"]) == (3, 2, 1, 1)
    assert found["ids"] == ["test_it.py::test_a", "test_it.py::test_b"]
    assert found["failed"] == found["again"] == ["test_it.py::test_b"]
    assert found["finished"]
    assert found["pytest"] == pytest.__version__
    assert found["rootdir"] == str(pytester.path)


def test_session_is_written_before_the_first_test_as_not_finished(session):
    text = """
        import json, os
        def test_reads():
            found = json.load(open(os.environ["TRUEGREEN_SESSION_FILE"]))
            assert found["finished"] is False and found["exit_code"] is None
            assert found["ids"] == ["test_it.py::test_reads"]
    """
    result, _ = session(text)
    result.assert_outcomes(passed=1)


def test_session_counts_modules_that_cannot_be_collected(session):
    _, found = session("import no_such_module\n")
    assert (found["collection_errors"], found["exit_code"], found["ids"]) == (1, 2, [])


def test_session_counts_tests_that_a_hook_drops(session, pytester):
    drop = "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_collection_modifyitems(items): del items[1:]\n"
    pytester.makeconftest(drop)
    _, found = session("def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n")
    assert (found["collected"], found["selected"], found["deselected"]) == (3, 1, 0)


def test_session_names_modules_that_are_skipped_as_a_whole(session, pytester):
    pytester.makepyfile(test_opt="import pytest\npytest.importorskip('no_such_module')\n")
    _, found = session("def test_a(): pass\n")
    assert found["skipped_collections"] == ["test_opt.py"]
    assert (found["collected"], found["collection_errors"], found["exit_code"]) == (1, 0, 0)


@pytest.mark.parametrize("hook", ["pytest_sessionfinish()", "pytest_unconfigure()"])
def test_session_has_the_exit_code_that_a_late_hook_leaves(session, pytester, hook):
    pytester.makeconftest(
        f"""
        import pytest
        seen = []
        def pytest_sessionstart(session): seen.append(session)
        @pytest.hookimpl(trylast=True)
        def {hook}: seen[0].exitstatus = 7
        """
    )
    result, found = session("def test_a(): pass\n")
    assert (result.ret, found["exit_code"], found["finished"]) == (7, 7, True)


def test_session_counts_what_its_own_marker_would_have_kept(session):
    text = """
        import pytest
        @pytest.mark.wiring
        def test_a(): pass
        @pytest.mark.wiring
        def test_b(): pass
        def test_c(): pass
    """
    selection = json.dumps({"marker": "wiring", "tests": [], "after": ["-k", "not test_a"]})
    _, found = session(text, "-m", "wiring", "-k", "not test_a", TRUEGREEN_SELECTION=selection)
    assert (found["selected"], found["deselected"], found["left_out"]) == (1, 2, 1)
    assert (found["asked"], found["unasked"], found["standing"]) == (["-k not test_a"], [], [])


@pytest.mark.parametrize(
    "selection", ["", "no json", "[]", '{"after": ["--no-such-option=x"]}', '{"after": ["--help"]}']
)
def test_session_with_a_selection_that_says_nothing_is_whole(session, selection):
    result, found = session("def test_a(): pass\n", TRUEGREEN_SELECTION=selection)
    result.assert_outcomes(passed=1)
    assert (found["left_out"], found["unasked"], found["standing"]) == (0, [], [])


REPEATS = """
    import pytest
    from _pytest.runner import runtestprotocol
    def pytest_runtest_protocol(item, nextitem):
        for attempt in range(2):
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        return True
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_session_counts_attempts_that_a_plugin_reports_to_nobody(session, pytester, workers):
    pytester.makeconftest(REPEATS)
    text = """
        seen = []
        def test_a():
            seen.append(1)
            assert len(seen) > 1
    """
    result, found = session(text, "-n", workers, "--junitxml=junit.xml", "-o", "junit_family=xunit1")
    result.assert_outcomes(passed=1)
    assert found["reruns"] == {"test_it.py::test_a": 1}
    (case,) = JUnitReader().read(pytester.path / "junit.xml", pytester.path).cases
    assert case.attempts == ("fail", "pass")


def test_session_names_a_test_that_fails_in_two_phases_once(session):
    text = """
        import pytest
        @pytest.fixture
        def bad():
            yield
            1 / 0
        def test_a(bad): assert 0
    """
    _, found = session(text)
    assert found["failed"] == ["test_it.py::test_a"]


def test_session_names_failed_tests_relative_to_where_it_was_started(session, pytester):
    folder = pytester.mkdir("sub")
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_sub.py").write_text("class TestIt:\n    def test_a(self): assert 0\n")
    _, found = session("", "sub")
    assert found["failed"] == ["test_sub.py::TestIt::test_a"]
    assert found["again"] == ["sub/test_sub.py::TestIt::test_a"]
    assert found["rootdir"] == str(folder)
    assert found["inifile"] == str(folder / "pytest.ini")


def test_session_gives_every_test_its_exact_id_in_the_junit_file(session, pytester):
    text = "import pytest\n@pytest.mark.parametrize('n', ['a::b', '<&\"'])\ndef test_n(n): pass\n"
    session(text, "--junitxml=junit.xml", "-o", "junit_family=xunit1")
    written = (pytester.path / "junit.xml").read_text()
    assert 'name="truegreen.nodeid" value="test_it.py::test_n[a::b]"' in written


def test_session_without_a_file_to_write_is_left_alone(session):
    result, found = session("def test_a(): pass\n", TRUEGREEN_SESSION_FILE="")
    result.assert_outcomes(passed=1)
    assert found == {}


def test_session_knows_the_markers_of_all_stages(session):
    marks = ("unit", "wiring", "persistence", "e2e", "performance", "persists('x')", "req('R1')")
    text = "import pytest\n" + "".join(f"@pytest.mark.{mark}\n" for mark in marks) + "def test_a(): pass\n"
    result, _ = session(text, "--strict-markers")
    result.assert_outcomes(passed=1)


def test_session_with_workers_has_what_a_worker_collected(session):
    text = "import pytest\n@pytest.mark.parametrize('n', range(3))\ndef test_n(n): assert n\ndef test_x(): pass\n"
    _, found = session(text, "-n", "2", "-k", "test_n")
    assert (found["collected"], found["selected"], found["deselected"]) == (4, 3, 1)
    assert found["failed"] == ["test_it.py::test_n[0]"]
    assert found["finished"]


def test_worker_hands_over_what_it_collected_and_writes_nothing(session, pytester, listener):
    pytester.makeconftest(
        """
        import pytest
        def pytest_configure(config):
            config.workerinput, config.workeroutput = {}, {}
        @pytest.hookimpl(trylast=True)
        def pytest_sessionfinish(session):
            told = session.config.workeroutput["truegreen"]
            assert told == {
                "collected": 2, "deselected": 1, "ids": ["test_it.py::test_a"], "skipped": [], "left_out": 1,
                "places": [],
                "requirements": {}, "claims": None, "unclaimed": [], "unknown_marks": {}, "marked": {},
                "watch": {"watched": 1, "watch_problem": "", "replaced": [], "allowances": []},
            }
        """
    )
    result, found = session(
        "def test_a(): pass\ndef test_b(): pass\n", "-k", "test_a", TRUEGREEN_RECORDER=listener.address
    )
    assert result.ret == 0, result.stdout.str()
    assert found == {}
    assert listener.events == []


# --- the line to the recorder ------------------------------------------------------------------------------------


def marks(listener):
    return [(event["test"].split("::")[1], event["phase"]) for event in listener.events if event["event"] == "mark"]


def test_recorder_is_told_of_every_phase_in_order(session, listener):
    text = """
        import pytest
        @pytest.fixture
        def bad(): 1 / 0
        def test_a(): pass
        def test_b(bad): pass
        def test_c(): pytest.skip()
    """
    _, found = session(text, TRUEGREEN_RECORDER=listener.address)
    assert [event["event"] for event in (listener.events[0], listener.events[-1])] == ["start", "finish"]
    phases = {"test_a": ["setup", "call", "teardown"], "test_b": ["setup", "teardown"]}
    phases["test_c"] = phases["test_a"]
    assert marks(listener) == [(test, phase) for test, listed in phases.items() for phase in listed]
    assert found["recorder_problem"] == ""


def test_recorder_is_told_where_set_up_and_teardown_of_a_test_case_end(session, listener):
    text = """
        import unittest
        class TestIt(unittest.TestCase):
            def setUp(self): pass
            def tearDown(self): pass
            def test_a(self): pass
            def test_b(self): assert 0
            @unittest.skip("never")
            def test_c(self): pass
        class TestAsync(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self): pass
            async def test_d(self): pass
        class TestBroken(unittest.TestCase):
            def setUp(self): 1 / 0
            def test_e(self): pass
    """
    session(text, TRUEGREEN_RECORDER=listener.address)
    told = [(event["test"].split("::")[2], event["phase"]) for event in listener.events if event["event"] == "mark"]
    whole = ["setup", "setup", "call", "teardown"]
    phases = {"test_a": whole, "test_b": whole, "test_c": ["setup", "setup", "teardown"], "test_d": whole}
    phases["test_e"] = ["setup", "setup", "teardown"]
    assert told == [(test, phase) for test, listed in phases.items() for phase in listed]


def test_recorder_is_told_of_mocks_that_a_test_case_sets_up_and_keeps(session, listener):
    text = """
        import os, unittest, unittest.mock
        class TestIt(unittest.TestCase):
            def setUp(self):
                with unittest.mock.patch("os.getppid"): pass
                patch = unittest.mock.patch("os.getcwd")
                patch.start()
                self.addCleanup(patch.stop)
            def test_a(self):
                with unittest.mock.patch("os.getpid"): pass
    """
    session(text, TRUEGREEN_RECORDER=listener.address)
    (demand,) = demands(listener)
    assert demand["patched"] == ["os.getcwd", "os.getpid"]


def demands(listener):
    return [demand for event in listener.events for demand in event.get("demands", [])]


def test_recorder_is_told_what_a_test_must_commit(session, listener):
    text = """
        import pytest
        @pytest.mark.persists("ops", kind="insert", at_least=2)
        @pytest.mark.persists(object="audit", reads=True)
        def test_two(): pass
        def test_none(): pass
        class Model: pass
        @pytest.mark.persists("ops", "delete", at_last=5)
        def test_misspelt(): pass
        @pytest.mark.persists(object=Model)
        def test_class(): pass
    """
    result, _ = session(text, TRUEGREEN_RECORDER=listener.address)
    result.assert_outcomes(passed=4)
    default = {"object": "", "kind": "", "at_least": 1, "reads": False, "patched": []}
    two, audit, none, misspelt, model = demands(listener)
    assert {json.dumps(two, sort_keys=True), json.dumps(audit, sort_keys=True)} == {
        json.dumps({**default, "object": "ops", "kind": "insert", "at_least": 2}, sort_keys=True),
        json.dumps({**default, "object": "audit", "reads": True}, sort_keys=True),
    }
    assert none == default
    assert misspelt == {**default, "object": "ops", "unknown": ["at_last", "delete"]}
    assert "Model" in model["object"]


def test_recorder_is_told_what_was_replaced_while_the_test_ran(session, listener):
    text = """
        import os, unittest.mock
        import pytest
        class Store:
            def save(self): pass
        @pytest.fixture
        def early(monkeypatch): monkeypatch.setattr(Store, "save", print)
        def test_early(early): pass
        def test_call(monkeypatch):
            monkeypatch.setattr(os, "sep", "/")
            monkeypatch.setattr("os.linesep", "x")
            with unittest.mock.patch("os.getcwd"), unittest.mock.patch.object(Store, "save"):
                pass
        def test_odd(monkeypatch, request):
            monkeypatch.setattr(Store(), "x", 1, raising=False)
            monkeypatch.setattr(request.node, "x", 1, raising=False)
            class Nameless:
                @property
                def __class__(self): raise OSError
            monkeypatch.setattr(Store, "y" * 500, 1, raising=False)
    """
    result, _ = session(text, TRUEGREEN_RECORDER=listener.address)
    result.assert_outcomes(passed=3)
    early, call, odd = (demand["patched"] for demand in demands(listener))
    assert early == ["test_it.Store.save"], "what a fixture replaced stays replaced while the test runs"
    assert call == ["os.getcwd", "os.linesep", "os.sep", "test_it.Store.save"]
    assert odd == ["test_it.Store.x", "test_it.Store." + "y" * 186]


def test_watch_asks_a_replaced_object_nothing_and_still_replaces_it(pytestconfig, request):
    watch = Watch(pytestconfig)
    watch.start()
    try:

        class Odd:
            value = 1

            def __getattr__(self, name):
                raise OSError

        odd = Odd()
        watch.begin(request.node)
        watch.call()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(odd, "value", 2)
            assert odd.value == 2
        assert [target.rpartition(".")[2] for target in watch.targets()] == ["value"]
        assert watch.problem == ""
    finally:
        watch.stop()


def test_watch_that_is_stopped_puts_everything_back(session, listener):
    before = (unittest.mock._patch.__enter__, pytest.MonkeyPatch.setattr)
    session("def test_a(): pass\n", TRUEGREEN_RECORDER=listener.address)
    assert (unittest.mock._patch.__enter__, pytest.MonkeyPatch.setattr) == before


def test_recorder_that_is_not_there_is_a_problem_of_the_session_and_no_test_fails(session, tmp_path):
    result, found = session("def test_a(): pass\n", TRUEGREEN_RECORDER=str(tmp_path / "nobody"))
    result.assert_outcomes(passed=1)
    assert "could not be reached" in found["recorder_problem"]


def test_recorder_that_hangs_up_is_a_problem_of_the_session_and_no_test_fails(session):
    listener = Listener(answers=2)
    result, found = session("def test_a(): pass\ndef test_b(): pass\n", TRUEGREEN_RECORDER=listener.address)
    listener.close()
    result.assert_outcomes(passed=2)
    assert found["recorder_problem"] == "the recorder was lost: it closed the line"
    assert len(listener.events) == 3


def test_line_that_is_broken_remembers_why_and_stays_silent(listener):
    line = Line(listener.address)
    line.tell(event="start")
    line._socket.shutdown(socket.SHUT_RDWR)
    line.tell(event="finish")
    assert line.problem.startswith("the recorder was lost: ")
    line.tell(event="finish")
    assert [event["event"] for event in listener.events] == ["start"]

"""The plugin inside a pytest session of its own: what it tells the recorder."""

from __future__ import annotations

import json
import socket
import unittest.mock

import pytest
from tests.support.plugin_sessions import Listener

from truegreen_pytest.mocks import Watch
from truegreen_pytest.recorder import Line

pytest_plugins = ["pytester"]


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

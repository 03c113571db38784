"""The plugin inside a pytest session of its own: what it tells the recorder."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import tempfile
import threading
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
        @pytest.mark.persists("ops", exactly=3)
        @pytest.mark.persists("audit", at_most=0)
        def test_three(): pass
        @pytest.mark.persists("ops", store="redis")
        def test_place(): pass
    """
    result, _ = session(text, TRUEGREEN_RECORDER=listener.address)
    result.assert_outcomes(passed=4)
    default = {"object": "", "store": "", "kind": "", "at_least": 1, "at_most": None, "reads": False, "patched": []}
    two, audit, none, unwritten, three, stored = demands(listener)
    assert {json.dumps(two, sort_keys=True), json.dumps(audit, sort_keys=True)} == {
        json.dumps({**default, "object": "ops", "kind": "insert", "at_least": 2}, sort_keys=True),
        json.dumps({**default, "object": "audit", "reads": True}, sort_keys=True),
    }
    assert none == default
    assert unwritten == {**default, "object": "audit", "at_least": 0, "at_most": 0}
    assert three == {**default, "object": "ops", "at_least": 3, "at_most": 3}
    assert stored == {**default, "object": "ops", "store": "redis", "place": "test_it.py:9"}


WRONG = {
    "'ops', 'delete', at_last=5": "does not know 'at_last', 'delete'; it takes one object and store, kind, at_least",
    "at_least=3, at_most=2": "can never be met: at_least=3 is more than at_most=2",
    "at_most=-1": "takes a whole number from 0 on as at_most, not -1",
    "at_least=0": "takes a whole number from 1 on as at_least, not 0; a test that only reads says reads=True",
    "at_least='2'": "takes a whole number from 1 on as at_least, not '2'",
    "None": "takes a text as object, the name of a table, key or stream, not None",
    "object=int": "takes a text as object, the name of a table, key or stream, not <class 'int'>",
    "reads='no'": "takes True or False as reads, not 'no'",
    "at_least='" + "x" * 1000 + "'": "takes a whole number from 1 on as at_least, not 'xxx",
    "exactly=True": "takes a whole number from 0 on as exactly, not True",
    "exactly='2'": "takes a whole number from 0 on as exactly, not '2'",
    "exactly=2, at_most=3": "takes either exactly, or at_least and at_most",
    "reads=True, at_most=1": "takes no at_most beside reads=True, which demands nothing",
    "kind=3": "takes a text as kind, not 3",
    "'ops', exactly=0": "allows nothing and demands nothing",
}


@pytest.mark.parametrize("words", WRONG)
def test_marker_that_cannot_be_meant_ends_the_session_before_its_first_test(session, listener, words):
    text = f"""
        import pytest
        def test_first(): pass
        @pytest.mark.persists({words})
        def test_it(): pass
    """
    result, found = session(text, TRUEGREEN_RECORDER=listener.address)
    assert (result.ret, found["exit_code"]) == (4, 4)
    result.stderr.fnmatch_lines([f"*test_it.py:3: persists() of *::test_it {WRONG[words].replace('[', '[[]')}*"])
    assert demands(listener) == []


def test_marker_that_cannot_be_meant_is_nothing_to_a_session_without_a_recorder(session):
    result, _ = session("import pytest\n@pytest.mark.persists(at_last=2)\ndef test_it(): pass\n")
    result.assert_outcomes(passed=1)


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


@pytest.mark.parametrize("of", [(json, "loads"), (socket.socket, "recv"), (socket.socket, "sendall")])
def test_answer_to_a_question_is_read_whatever_a_test_replaces(answered, monkeypatch, of):
    line = answered(b'{"answer": 3, "n": "%d.1"}\n' % os.getpid())
    monkeypatch.setattr(*of, lambda *_: {}, raising=False)
    assert line.tell(event="query")["answer"] == 3
    assert line.problem == ""


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


MISSPELT = {"persist": "persists", "Persists": "persists", "allow_mock": "allow_mocks", "reqs": "req"}
MISSPELT |= {"cleans": "clean"}


@pytest.mark.parametrize("name", MISSPELT)
@pytest.mark.parametrize("recorded", [True, False])
def test_marker_that_is_misspelt_ends_the_session_and_says_what_is_meant(session, listener, name, recorded):
    text = f"""
        import pytest
        def test_first(): pass
        @pytest.mark.skip
        @pytest.mark.{name}("nonexistent")
        def test_it(): pass
    """
    environment = {"TRUEGREEN_RECORDER": listener.address} if recorded else {}
    result, found = session(text, **environment)
    assert (result.ret, found["exit_code"]) == (4, 4)
    why = f"test_it.py:3: marker {name} of test_it.py::test_it is nobody's: write {MISSPELT[name]}, "
    result.stderr.fnmatch_lines([f"ERROR: {why}*"])
    told = [event["why"] for event in listener.events if event["event"] == "refused"]
    assert [one.startswith(why) for one in told] == [True] * recorded


@pytest.mark.parametrize("name", ["persist", "cleanup", "slow", "requires", "mocks"])
def test_marker_that_is_somebodys_own_is_no_slip(session, pytester, name):
    if name == "persist":
        pytester.makeini("[pytest]\nmarkers =\n    persist(how): ours\n")
    result, _ = session(f"import pytest\n@pytest.mark.{name}('x')\ndef test_it(): pass\n")
    assert result.ret == 0


@pytest.fixture
def answered():
    """A way to reach a recorder that gives these rows as answers, whatever it is asked."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tg-"))
        server = stack.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(f"{folder}/s")
        server.listen()

        def reach(*rows):
            line = Line(f"{folder}/s")
            sock, _ = server.accept()
            stack.enter_context(sock).sendall(b"".join(rows))
            reach.sock = sock
            return line

        yield reach


class Late(BaseException):
    """What a time limit raises from its signal's handler."""


def interrupted(action):
    def late(*_):
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(Late):
            action()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_mark_that_was_interrupted_loses_the_recorder(answered):
    line = answered()
    interrupted(lambda: line.tell(event="mark", test="t", phase="call", demands=[]))
    assert line.problem == "the recorder was lost: Late interrupted what it was told"
    assert line.tell(event="sql") == {}


def test_row_that_was_interrupted_while_it_was_sent_loses_the_recorder(answered):
    line = answered()
    interrupted(lambda: line.tell(event="sql", statement="x" * (8 << 20)))
    assert line.problem == "the recorder was lost: Late interrupted what it was told"


@pytest.mark.parametrize("row", [b'{"answer": 1}\n', b'{"answer": 1, "n": "1.1"}\n', b"[1]\n", b'"n": 2}\n'])
def test_answer_that_belongs_to_nothing_that_was_asked_loses_the_recorder(answered, row):
    line = answered(row)
    assert line.tell(event="sql") == {}
    assert line.problem.startswith("the recorder was lost: ")


def test_answer_of_many_parts_and_several_answers_in_one_part_are_told_apart(answered):
    line = answered()
    interrupted(lambda: line.tell(event="sql"))
    name = f"{os.getpid()}."
    old, new = ({"answer": text * 300_000, "n": f"{name}{number}"} for text, number in (("a", 1), ("b", 2)))
    rows = b"".join(json.dumps(row).encode() + b"\n" for row in (old, new, {"ok": True, "n": f"{name}3"}))
    sending = threading.Thread(target=answered.sock.sendall, args=(rows,))
    sending.start()
    assert line.tell(event="sql") == new
    assert line.tell(event="mark")["ok"] is True
    sending.join()
    assert line.problem == ""


def test_answer_that_is_taken_later_and_was_interrupted_loses_the_recorder(answered):
    line = answered()
    line.ask(event="mark", test="t", phase="setup", demands=[])
    interrupted(line.settle)
    assert line.problem == "the recorder was lost: Late interrupted what it was told"


def test_second_answer_that_was_interrupted_is_left_to_come(answered):
    name = f"{os.getpid()}."
    line = answered(json.dumps({"ok": True, "n": f"{name}1"}).encode() + b"\n")
    line.tell_twice(event="mark", test="t", phase="call", demands=[])
    interrupted(line.settle)
    rows = [{"ok": True, "n": f"{name}1"}, {"answer": 5, "n": f"{name}2"}]
    answered.sock.sendall(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    assert line.tell(event="sql")["answer"] == 5
    line.settle()
    assert line.problem == ""


def test_answer_that_is_awaited_is_taken_before_anything_else_is_said(answered):
    line = answered(*(json.dumps({"ok": True, "n": f"{os.getpid()}.{n}"}).encode() + b"\n" for n in (1, 2)))
    line.ask(event="mark", test="t", phase="setup", demands=[])
    line.note(event="mark", test="t", phase="teardown", demands=[])
    line.settle()
    assert line.problem == ""

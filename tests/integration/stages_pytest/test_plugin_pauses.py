"""What runs inside the call of a test and is not the test: fixtures that it asks for on its way, and hooks."""

from __future__ import annotations

import msgspec
import pytest

from truegreen.model.persistence import PersistenceEvidence
from truegreen.stages.common import watch
from truegreen.stages.common.recorder import Recorder

pytest_plugins = ["pytester"]

HEAD = """
import asyncio, inspect, pathlib, pytest, unittest
def write(name):
    pathlib.Path("kept", name).write_text("x")
"""
AROUND = """
@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call():
    write("before")
    yield
    write("after")
"""
RUNS_IT = """
def pytest_pyfunc_call(pyfuncitem):
    write("before")
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    made = pyfuncitem.obj(**arguments)
    if inspect.iscoroutine(made):
        asyncio.run(made)
    write("after")
    return True
"""
# As pytest-trio does with asynchronous fixtures.
PUTS_ITS_OWN = """
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    own = item.obj
    def around(**arguments):
        write("before")
        try:
            made = own(**arguments)
            if inspect.iscoroutine(made):
                asyncio.run(made)
        finally:
            write("after")
    item.obj = around
    yield
"""
PLAIN = "def test_it(): write('own')\n"
METHOD = "class TestIt:\n    def test_it(self): write('own'); assert type(self) is TestIt\n"
ASYNC = "async def test_it(): write('own'); await asyncio.sleep(0); write('later')\n"
DEFERRED = """
def deferred(function):
    return lambda: function()
@deferred
async def test_it(): write('own'); await asyncio.sleep(0); write('later')
"""
REPORTS = {
    "log": "def pytest_runtest_logreport(report): write(f'report-{report.when}')",
    "make": "def pytest_runtest_makereport(call): write(f'report-{call.when}')",
    "status": "@pytest.hookimpl(tryfirst=True)\ndef pytest_report_teststatus(report): write(f'report-{report.when}')",
    "outside": """
@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_logreport(report):
    write(f'report-{report.when}')
    yield
""",
}
SUBTESTS = """
def test_it(subtests):
    write('first')
    with subtests.test(number=1):
        write('inside')
    write('own')
"""
CASE = """
class TestIt(unittest.TestCase):
    def test_it(self):
        write('first')
        with self.subTest(number=1):
            write('inside')
        write('own')
"""
FIXTURES = """
@pytest.fixture
def below():
    write("below")
@pytest.fixture
def account(below, request):
    write("account")
    request.getfixturevalue("beside")
    write("account-too")
    yield 1
    write("teardown")
@pytest.fixture
def beside():
    write("beside")
@pytest.fixture
def broken():
    write("broken")
    raise LookupError
"""
ASKS = {
    "def test_it(request): write('first'); request.getfixturevalue('account'); write('own')\n": None,
    "def test_it(request):\n    write('first')\n    with pytest.raises(LookupError):\n"
    "        request.getfixturevalue('broken')\n    write('own')\n": {"broken"},
    """
class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def asked(self, request): self.request = request
    def test_it(self): write('first'); self.request.getfixturevalue('account'); write('own')
""": None,
}


@pytest.fixture
def recorded(session, pytester, tmp_path):
    """What a recorder saw in the folder `kept`, by phase, while a session ran that may have a conftest."""
    store = watch.of_service(watch.folder("kept", pytester.mkdir("kept").parent))

    def run(text, conftest="", **outcomes):
        pytester.makeconftest(HEAD + conftest)
        recorder = Recorder((store,), tmp_path)
        with recorder.listening() as address:
            result, _ = session(HEAD + text, TRUEGREEN_RECORDER=str(address))
        result.assert_outcomes(**(outcomes or {"passed": 1}))
        evidence = msgspec.json.decode((tmp_path / store.file).read_bytes(), type=PersistenceEvidence)
        assert evidence.complete, evidence.problem
        found: dict[str, set[str]] = {}
        for phase in evidence.phases:
            found.setdefault(phase.phase, set()).update(change.object for change in phase.committed)
        return found

    return run


@pytest.mark.parametrize("text", [PLAIN, METHOD], ids=["function", "method"])
@pytest.mark.parametrize("conftest", [AROUND, RUNS_IT, PUTS_ITS_OWN], ids=["around", "runs", "puts"])
def test_what_works_around_the_function_of_a_test_is_not_the_test(recorded, conftest, text):
    assert recorded(text, conftest) == {"setup": {"before"}, "call": {"own"}, "teardown": {"after"}}


@pytest.mark.parametrize("text", [ASYNC, DEFERRED], ids=["async", "coroutine"])
@pytest.mark.parametrize("conftest", [RUNS_IT, PUTS_ITS_OWN], ids=["runs", "puts"])
def test_asynchronous_test_ends_where_its_coroutine_does(recorded, conftest, text):
    assert recorded(text, conftest) == {"setup": {"before"}, "call": {"own", "later"}, "teardown": {"after"}}


def test_what_is_waited_for_in_a_way_that_nobody_knows_lasts_until_the_call_ends(recorded):
    text = "def test_it():\n    write('own')\n    yield\n    write('later')\n"
    runs = RUNS_IT.replace("if inspect.iscoroutine(made):\n        asyncio.run(made)", "list(made)")
    # pytest itself refuses such a test while it is collected, where it is no more than a generator.
    text += "kept = test_it\ndef test_it(): return kept()\n"
    assert recorded(text, runs) == {"setup": {"before"}, "call": {"own", "later", "after"}, "teardown": set()}


def test_function_that_is_called_again_counts_by_its_last_call(recorded):
    twice = RUNS_IT.replace('write("before")', "pyfuncitem.obj(); write('before')")
    found = recorded("tries = []\ndef test_it(): tries.append(1); write(f'own-{len(tries)}')\n", twice)
    assert found["call"] == {"own-1", "own-2"}
    assert found["setup"] == {"before"}


def test_test_that_fails_before_its_function_is_called_has_no_call(recorded):
    broken = PUTS_ITS_OWN.replace("made = own(**arguments)", "raise LookupError('set-up')")
    assert recorded(PLAIN, broken, failed=1) == {"setup": {"before", "after"}, "teardown": set()}


@pytest.mark.parametrize("text", [SUBTESTS, CASE], ids=["fixture", "case"])
@pytest.mark.parametrize("hook", REPORTS.values(), ids=REPORTS)
def test_report_of_a_subtest_is_not_the_test(recorded, hook, text):
    found = recorded(text, hook)
    assert found["call"] == {"first", "inside", "own"}
    assert "report-call" in found["setup"]


@pytest.mark.parametrize(("text", "written"), ASKS.items(), ids=["function", "broken", "case"])
def test_fixture_that_a_test_asks_for_on_its_way_is_not_the_test(recorded, text, written):
    found = recorded(FIXTURES + text)
    assert found["call"] == {"first", "own"}
    assert found["setup"] == (written or {"below", "account", "beside", "account-too"})
    assert found["teardown"] == (set() if written else {"teardown"})


def test_fixtures_of_steps_are_asked_for_inside_of_a_hook_too(recorded):
    conftest = AROUND + REPORTS["log"] + "\n@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
    conftest += "def pytest_fixture_setup(fixturedef): write(f'hook-{fixturedef.argname}'); return (yield)\n"
    found = recorded(FIXTURES + next(iter(ASKS)), conftest)
    assert found["call"] == {"first", "own"}
    assert {"hook-account", "hook-below", "account", "before"} <= found["setup"]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("def test_it(account): pass", ["setup", "call"]),
        ("def test_it(request): request.getfixturevalue('beside')", ["setup", "call…", "setup…", "call"]),
    ],
    ids=["ordinary", "asks"],
)
def test_only_a_fixture_that_is_asked_for_inside_the_call_costs_two_answers_more(
    session, pytester, listener, text, marks
):
    pytester.mkdir("kept")
    session(HEAD + FIXTURES + text, TRUEGREEN_RECORDER=listener.address)
    told = [event for event in listener.events if event["event"] == "mark" and not event.get("quiet")]
    assert [f"{mark['phase']}{'…' * bool(mark.get('goes_on'))}" for mark in told] == marks

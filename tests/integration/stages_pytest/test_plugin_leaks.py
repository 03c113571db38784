"""What the plugin sees of state that tests leave: in real sessions, serial and in workers."""

from __future__ import annotations

import json

import pytest

from truegreen.ingest.pytest_session import PytestSessionReader

pytest_plugins = ["pytester"]
HEAD = "import locale, os, sys, threading, time, unittest\nimport pytest\n"


@pytest.fixture
def left(pytester, monkeypatch):
    """A way to run tests in a process of their own; returns what they left, as (test, kind, what)."""
    path = pytester.path / "session.json"
    monkeypatch.setenv("TRUEGREEN_SESSION_FILE", str(path))
    monkeypatch.setenv("TRUEGREEN_LEAKS", "1")
    monkeypatch.setenv("KEPT", "1")

    def run(text, *words, conftest="", passed=1):
        pytester.makeconftest(HEAD + conftest)
        pytester.makepyfile(test_it=HEAD + text)
        result = pytester.runpytest_subprocess("-p", "truegreen_pytest", "-p", "no:cacheprovider", *words)
        assert result.parseoutcomes().get("passed", 0) == passed, result.stdout.str()
        session = PytestSessionReader().read(path, pytester.path)
        assert session.leaks_watched == len(session.ids)
        return [(one.test.partition("::")[2], one.kind, one.what) for one in session.leaks]

    return run


LEAKS = [
    ("os.environ['NEW'] = 'secret-value'", "environ", "NEW was added"),
    ("os.environ['KEPT'] = '2'", "environ", "KEPT was changed"),
    ("del os.environ['KEPT']", "environ", "KEPT was removed"),
    ("os.umask(0o007)", "umask", "became 007"),
    ("sys.path.insert(0, '/nowhere')", "sys.path", "/nowhere was added"),
    ("sys.path.reverse()", "sys.path", "was put in order"),
    ("os.mkdir('inner'); os.chdir('inner')", "cwd", "became"),
    ("threading.Thread(target=time.sleep, args=(1.5,), name='worker-7').start()", "threads", "thread worker-7 goes on"),
    (
        "locale.setlocale(locale.LC_ALL, 'C.UTF-8' if locale.setlocale(locale.LC_ALL) == 'C' else 'C')",
        "locale",
        "became",
    ),
]


@pytest.mark.parametrize(("body", "kind", "what"), LEAKS)
def test_leak_is_told_of_the_test_that_left_it(left, body, kind, what):
    text = f"def test_clean(): pass\ndef test_dirty():\n    {body}\ndef test_after(): pass\n"
    ((test, seen, words),) = left(text, passed=3)
    assert (test, seen) == ("test_dirty", kind)
    assert what in words
    assert "secret-value" not in words


CLEAN = {
    "monkeypatch": "def test_a(monkeypatch, tmp_path):\n"
    "    monkeypatch.chdir(tmp_path); monkeypatch.setenv('NEW', '1'); monkeypatch.syspath_prepend('/x')\n",
    "daemon": "def test_a():\n    threading.Thread(target=time.sleep, args=(1,), daemon=True).start()\n",
    "joined": "def test_a():\n    t = threading.Thread(target=print); t.start(); t.join()\n",
    "class": "class TestIt:\n    @classmethod\n    def setup_class(cls): os.environ['NEW'] = '1'\n"
    "    @classmethod\n    def teardown_class(cls): del os.environ['NEW']\n    def test_a(self): pass\n",
    "unittest": "class Case(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls): os.environ['NEW'] = '1'\n"
    "    @classmethod\n    def tearDownClass(cls): del os.environ['NEW']\n    def test_a(self): pass\n",
    "module": "@pytest.fixture(scope='module')\ndef server():\n    old = os.getcwd(); os.chdir('/')\n    yield\n"
    "    os.chdir(old)\ndef test_a(server): pass\n",
    "function": "@pytest.fixture\ndef mask():\n    old = os.umask(0o007)\n    yield\n    os.umask(old)\n"
    "def test_a(mask): pass\n",
}


@pytest.mark.parametrize("way", CLEAN)
def test_what_is_put_back_or_belongs_to_a_wider_fixture_is_no_leak(left, way):
    assert left(CLEAN[way]) == []


def test_fixture_of_the_session_may_keep_what_it_changes(left):
    conftest = "@pytest.fixture(scope='session', autouse=True)\ndef env():\n    os.environ['KEPT'] = 'by the session'\n"
    assert left("def test_a(): pass\ndef test_b(): pass\n", conftest=conftest, passed=2) == []


def test_test_that_changes_what_a_wider_fixture_set_is_told(left):
    conftest = "@pytest.fixture(scope='session', autouse=True)\ndef env():\n    os.environ['KEPT'] = 'by the session'\n"
    text = "def test_a(): os.environ['KEPT'] = '3'\ndef test_b(): pass\n"
    assert left(text, conftest=conftest, passed=2) == [("test_a", "environ", "KEPT was changed")]


def test_folder_that_is_gone_is_no_crash(left):
    text = (
        "def test_a():\n    os.mkdir('inner'); os.chdir('inner'); os.rmdir(os.getcwd())\ndef test_b(): os.chdir('/')\n"
    )
    assert [(test, kind) for test, kind, _ in left(text, passed=2)] == [("test_a", "cwd"), ("test_b", "cwd")]


def test_state_that_cannot_be_read_breaks_no_test_and_is_not_counted(pytester, monkeypatch):
    monkeypatch.setenv("TRUEGREEN_SESSION_FILE", str(pytester.path / "session.json"))
    monkeypatch.setenv("TRUEGREEN_LEAKS", "1")
    text = (
        "def test_a(): threading.kept, threading.main_thread = threading.main_thread, None\n"
        "def test_b(): threading.main_thread = threading.kept\n"
    )
    pytester.makepyfile(test_it=HEAD + text)
    pytester.runpytest_subprocess("-p", "truegreen_pytest").assert_outcomes(passed=2)
    found = json.loads((pytester.path / "session.json").read_text())
    assert (found["leaks_watched"], found["leaks"]) == (0, [])


def test_tests_in_workers_are_told_too(left):
    text = "@pytest.mark.parametrize('n', range(6))\ndef test_a(n): os.environ[f'NEW_{n}'] = '1'\n"
    found = left(text, "-n", "2", passed=6)
    assert sorted(what for _, _, what in found) == [f"NEW_{n} was added" for n in range(6)]


def test_very_many_leaks_are_cut_and_counted(left, pytester):
    text = "@pytest.mark.parametrize('n', range(510))\ndef test_a(n): os.environ[f'NEW_{n}'] = '1'\n"
    assert len(left(text, passed=510)) == 500
    assert json.loads((pytester.path / "session.json").read_text())["leaks_lost"] == 10


def test_session_that_was_not_asked_does_not_look(pytester, monkeypatch):
    monkeypatch.setenv("TRUEGREEN_SESSION_FILE", str(pytester.path / "session.json"))
    monkeypatch.delenv("TRUEGREEN_LEAKS", raising=False)
    pytester.makepyfile(test_it="def test_a(): pass")
    pytester.runpytest_subprocess("-p", "truegreen_pytest").assert_outcomes(passed=1)
    assert "leaks" not in json.loads((pytester.path / "session.json").read_text())

"""The plugin inside a pytest session of its own: what it writes."""

from __future__ import annotations

import json

import pytest

from truegreen.ingest.junit import JUnitReader

pytest_plugins = ["pytester"]


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


SETTINGS = """
from types import SimpleNamespace
settings = SimpleNamespace(configured=True, SETTINGS_MODULE="site_of.settings", DATABASES={"default": {"ENGINE": %r}})
"""


@pytest.mark.parametrize(
    ("engine", "files"),
    [("django.db.backends.sqlite3", ["settings.py", "base.py"]), ("django.db.backends.postgresql", []), (None, [])],
)
def test_sqlite_that_settings_and_environment_choose_is_recorded(session, pytester, engine, files):
    pytester.mkpydir("django").joinpath("conf.py").write_text(SETTINGS % engine if engine else "settings = 1\n")
    for name in ("base", "settings"):
        pytester.path.joinpath("site_of").mkdir(exist_ok=True)
        pytester.path.joinpath("site_of", f"{name}.py").write_text("")
    text = "import django.conf, site_of.base, site_of.settings\ndef test_a(): pass\n"
    _, found = session(text, DATABASE_URL="sqlite+aiosqlite:///x.db", OTHER_URL="postgresql://h/sqlite:")
    assert found["sqlite"]["variables"] == {"DATABASE_URL": "sqlite+aiosqlite:///x.db"}
    assert found["sqlite"]["engine"] == (engine if files else "")
    assert [file.rpartition("/")[2] for file in found["sqlite"]["files"]] == files

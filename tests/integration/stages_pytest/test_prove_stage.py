"""The prove stage on small real projects: tests that prove nothing are found out, honest ones are not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.support.managers import embedded, manager
from tests.support.proving import TESTS, WIRING, Proving

from truegreen.model.evidence import RunState
from truegreen.model.proof import Answer

pytestmark = pytest.mark.slow
HONEST = (
    "reads_back",
    "own_connection",
    "new_table",
    "truncate",
    "copy",
    "triggers_of_replicas",
    "copied_database",
    "case",
)
CAUGHT = ("forgetful-database", "commit-fails")
DEPENDENCIES = tuple(f"unwired:Service.{name}" for name in ("repository", "cache", "mailer"))


@pytest.fixture(scope="module")
def proved(home):
    """The shop with all its tests and all mutants."""
    before = None
    proving = Proving(home).shop()
    before = sorted(path.name for path in home.root.iterdir())
    proving.run()
    proving.before = before
    assert proving.result is not None, proving.shown.getvalue()
    return proving


@pytest.mark.parametrize("mutant", CAUGHT)
@pytest.mark.parametrize("test", HONEST)
def test_honest_test_notices_the_database(proved, mutant, test):
    assert proved.answers(mutant)[test].answer is Answer.NOTICED


@pytest.mark.parametrize(
    ("test", "missed"),
    [
        ("only_cached", {"forgetful-database"}),
        ("only_returned", {"forgetful-database"}),
        ("before_the_commit", {"forgetful-database"}),
        ("swallowed", set(CAUGHT)),
        ("caught", set(CAUGHT)),
    ],
)
def test_test_that_proves_nothing_is_found_out(proved, test, missed):
    found = {mutant for mutant in CAUGHT if proved.answers(mutant)[test].answer is Answer.MISSED}
    assert found == missed
    assert all("passes while every" in proved.answers(mutant)[test].why for mutant in missed)


@pytest.mark.parametrize("mutant", CAUGHT)
def test_write_that_the_fault_does_not_reach_is_no_answer(proved, mutant):
    found = proved.answers(mutant)["without_triggers"]
    assert (found.answer, found.why) == (Answer.UNKNOWN, "what it writes takes a way that the fault does not reach")


def test_tests_that_only_read_are_not_asked(proved):
    asked = set(proved.answers("forgetful-database"))
    assert asked == {*HONEST, "only_cached", "only_returned", "swallowed", "caught", "before_the_commit",
                     "without_triggers"}  # fmt: skip


def test_missing_repository_is_noticed_by_the_test_of_wiring(proved):
    found = proved.mutant("unwired:Service.repository")
    assert (found.answer, found.ran) == (Answer.NOTICED, 1)
    assert found.tests[0].test == "test_wiring.py::test_service_has_a_repository"
    assert (found.path, found.line) == ("shop.py", 31)


def test_missing_cache_is_noticed_by_a_persistence_test_and_the_first_ends_it(proved):
    found = proved.mutant("unwired:Service.cache")
    assert (found.answer, [one.test for one in found.tests]) == (Answer.NOTICED, ["test_it.py::test_only_cached"])
    assert 1 < found.ran < 16


def test_dependency_that_nobody_misses_says_so(proved):
    found = proved.mutant("unwired:Service.mailer")
    assert found.answer is Answer.MISSED
    assert found.why == "all tests pass while Service._mailer is None: nothing they assert needs it"


def test_dependency_of_a_class_that_no_test_builds_says_so(proved):
    found = proved.mutant("unwired:Archive.repository")
    assert found.answer is Answer.MISSED
    assert found.why == "no test of persistence or wiring gives Archive a repository"


def test_mutant_that_breaks_the_collection_is_no_answer(proved):
    found = proved.mutant("unwired:Eager.repository")
    assert (found.answer, found.why) == (Answer.UNKNOWN, "the tests could not be collected")


def test_verdict_names_weak_tests_and_survivors(proved):
    assert proved.verdict.status.value == "fail"
    titles = {item.title for item in proved.verdict.items}
    assert {"test_it.py::test_only_cached", "unwired:Service.mailer", "unwired:Archive.repository"} <= titles
    assert not any(title.endswith(f"::test_{name}") for title in titles for name in HONEST)


def test_nothing_of_the_project_is_changed_and_nothing_runs_on(proved):
    after = sorted(path.name for path in proved.project.root.iterdir())
    assert set(after) - set(proved.before) <= {".truegreen", "__pycache__", ".pytest_cache"}
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(proved.project.cache) not in running


SECOND = """
    from pathlib import Path

    import pytest
    from shop import connect, make_service

    pytestmark = pytest.mark.persistence


    @pytest.mark.persists("ops", kind="insert", exactly=1)
    @pytest.mark.persists("*.csv", store="out", exactly=1)
    def test_exports_what_it_stored():
        made = make_service().save(21)
        with connect() as connection:
            found = connection.execute("SELECT id FROM ops WHERE number = 21").fetchall()
        Path("out/export.csv").write_text(str(found))
        assert found == [(made,)]


    @pytest.mark.persists("*.txt", store="out")
    def test_writes_a_file_alone():
        Path("out/note.txt").write_text("kept")
"""


def test_marker_that_names_a_second_store_is_known_to_the_mutants(home):
    proving = Proving(home).shop()
    home.write("test_it.py", SECOND)
    (home.root / "out").mkdir(exist_ok=True)
    proving.run("forgetful-database", "unwired:Service.repository", **{"persistence.folders": "['out']"})
    assert [mutant.answer for mutant in proving.result.mutants] == [Answer.NOTICED, Answer.NOTICED]
    assert set(proving.answers("forgetful-database")) == {"exports_what_it_stored"}
    assert proving.result.persistence_tests == 2
    assert proving.verdict.status.value == "pass", proving.verdict.reason


def test_mutants_asked_for_by_name_are_the_only_ones(home):
    proving = Proving(home).shop()
    home.write("test_it.py", TESTS.partition("    def test_only_cached")[0])
    proving.run("forgetful-database")
    assert [mutant.name for mutant in proving.result.mutants] == ["forgetful-database"]
    assert proving.verdict.status.value == "pass", proving.verdict.reason
    assert "not asked for" in proving.verdict.reason
    assert proving.record.command == "truegreen run prove -- forgetful-database"


def test_unknown_mutant_is_an_error_with_the_known_ones(home):
    proving = Proving(home).shop().run("forgetful")
    assert proving.record.state is RunState.BROKEN
    assert proving.record.error.what == "there is no mutant 'forgetful'"
    assert "forgetful-database, commit-fails, unwired:Eager.repository" in proving.record.error.fix


def test_red_baseline_stops_with_one_clear_error(home):
    proving = Proving(home).shop()
    home.write("test_wiring.py", WIRING + "\n\n    def test_red():\n        assert False\n")
    proving.run()
    assert proving.record.error.what == "the wiring tests do not pass without any mutant, so none can be judged"
    assert proving.record.error.where == "test_wiring.py::test_red"
    assert proving.record.error.fix.endswith("without-mutant/wiring/pytest.log")
    assert proving.result is None
    assert proving.report.status.value == "blind"


def test_baseline_that_does_not_come_to_its_end_names_what_pytest_said_and_its_log(home):
    proving = Proving(home).shop()
    home.write("conftest.py", "raise KeyError('the factory')\n")
    proving.run()
    error = proving.record.error
    assert error.what == "the wiring tests do not pass without any mutant, so none can be judged"
    assert error.why.startswith("pytest did not come to its end\n")
    assert "KeyError: 'the factory'" in error.why
    assert error.where.endswith("without-mutant/wiring/pytest.log")
    assert "KeyError: 'the factory'" in Path(error.where).read_text()


def test_project_without_such_tests_has_nothing_to_notice_with(home):
    proving = Proving(home).shop()
    home.write("test_it.py", "def test_plain():\n    pass\n")
    (home.root / "test_wiring.py").unlink()
    proving.run()
    assert proving.record.error.what.startswith("no test marked persistence or wiring passes")


def test_wiring_alone_is_enough(home):
    proving = Proving(home).shop()
    (home.root / "test_it.py").unlink()
    proving.run("unwired:Service.repository", **{"persistence.enabled": "false"})
    assert proving.result.candidates[0].startswith("unwired:")
    assert proving.verdict.status.value == "pass", proving.verdict.reason


def test_time_that_is_over_leaves_mutants_that_are_counted(home):
    proving = Proving(home).shop()
    (home.root / "test_it.py").unlink()
    proving.run(**{"persistence.enabled": "false", "prove.max-minutes": "0.0001"})
    assert len(proving.result.mutants) == 1
    assert len(proving.result.untried) == len(proving.result.candidates) - 1


ONE = """
    import psycopg
    import pytest
    from shop import Cache, make_service

    pytestmark = pytest.mark.persistence


    def test_one():
        service = make_service()
        while True:
            try:
                service.save(1)
                break
            except psycopg.Error:
                pass
        assert isinstance(service._cache, Cache)
"""


def test_code_that_repeats_a_failed_commit_for_ever_is_no_answer(home):
    proving = Proving(home).shop()
    home.write("test_it.py", ONE)
    proving.run("commit-fails")
    found = proving.mutant("commit-fails")
    assert found.answer is Answer.UNKNOWN
    assert re.fullmatch(
        r"the tests did not end within \d+ s and were killed", found.why
    )  # 15, or more where the first run was slow
    assert proving.verdict.status.value == "blind"


def test_crash_of_pytest_is_no_answer(home):
    proving = Proving(home).shop()
    (home.root / "test_it.py").unlink()
    home.write(
        "test_wiring.py",
        WIRING + "\n\n    def test_it():\n        make_service()._cache or __import__('os')._exit(3)\n",
    )
    proving.run("unwired:Service.cache", **{"persistence.enabled": "false"})
    found = proving.mutant("unwired:Service.cache")
    assert (found.answer, found.why) == (Answer.UNKNOWN, "pytest did not come to its end")


def test_server_that_is_not_ours_is_left_alone(home, tmp_path):
    proving = Proving(home).shop()
    home.write("test_it.py", ONE)
    services = manager(tmp_path / "other", tmp_path / "cache", postgres=embedded())
    try:
        (server,) = services.up(("postgres",))
        proving.run(**{"services.postgres.provider": "'attach'", "services.postgres.url": f"'{server.url}'"})
    finally:
        services.down()
    assert {one.name: one.answer for one in proving.result.mutants if one.name in (*CAUGHT, *DEPENDENCIES)} == {
        "forgetful-database": Answer.UNKNOWN,
        "commit-fails": Answer.UNKNOWN,
        "unwired:Service.repository": Answer.NOTICED,
        "unwired:Service.cache": Answer.UNKNOWN,
        "unwired:Service.mailer": Answer.UNKNOWN,
    }
    assert "was not started by truegreen" in proving.mutant("forgetful-database").why
    assert proving.verdict.status.value == "blind"


def test_persistence_without_postgresql_is_one_clear_error(home):
    proving = Proving(home).shop().run(**{"persistence.services": "[]", "persistence.prepare": "[]"})
    assert proving.record.error.what == "the persistence stage has no PostgreSQL to read evidence from"


def test_tests_that_commit_nothing_cannot_notice_a_lost_commit(home):
    proving = Proving(home).shop()
    home.write("test_it.py", ONE.replace("service.save(1)", "connect = 1"))
    proving.run("forgetful-database")
    found = proving.mutant("forgetful-database")
    assert (found.answer, found.why) == (Answer.UNKNOWN, "no persistence test commits anything while it runs")


PROBES = """
    import pytest
    from shop import make_service

    pytestmark = pytest.mark.persistence


    def test_asks(probe, clean_postgres):
        make_service().save(1)
        assert probe.count("ops", number=1) == 1
"""


def test_test_that_asks_by_the_probe_is_answered_with_every_mutant(home):
    proving = Proving(home).shop()
    home.write("test_it.py", PROBES)
    proving.run("forgetful-database", "unwired:Service.mailer")
    assert proving.answers("forgetful-database")["asks"].answer is Answer.NOTICED
    # Were nobody there to answer, the test would be red, and the mailer would seem to be missed.
    assert proving.mutant("unwired:Service.mailer").answer is Answer.MISSED

"""The prove stage on small real projects: tests that prove nothing are found out, honest ones are not."""

from __future__ import annotations

import io
import subprocess

import pytest
from tests.support.managers import embedded, manager
from tests.support.pytest_projects import Project, shared_cache

from truegreen.app import evidence as loading
from truegreen.app import gate, run
from truegreen.app import plan as planning
from truegreen.config import settings as config
from truegreen.model.evidence import RunState
from truegreen.model.proof import Answer

pytestmark = pytest.mark.slow
SHOP = '''
    """A shop: its service can do without every dependency, in silence."""

    import contextlib
    import os
    import psycopg


    def connect():
        return psycopg.connect(os.environ["POSTGRES_DSN"], autocommit=True)


    class Repository:
        def save(self, number):
            with psycopg.connect(os.environ["POSTGRES_DSN"]) as connection:
                query = "INSERT INTO ops (number) VALUES (%s) RETURNING id"
                return connection.execute(query, (number,)).fetchone()[0]


    class Cache:
        def __init__(self):
            self.kept = {}


    class Mailer:
        def send(self, number):
            self.sent = number


    class Service:
        def __init__(self, repository: Repository | None = None, cache: Cache | None = None,
                     mailer: Mailer | None = None):
            self._repository = repository
            self._cache = cache
            self._mailer = mailer

        def save(self, number):
            made = self._repository.save(number) if self._repository else None
            if self._cache:
                self._cache.kept[number] = made or 0
            if self._mailer:
                self._mailer.send(number)
            return made

        def save_quietly(self, number):
            with contextlib.suppress(Exception):
                self.save(number)


    class Archive:
        def __init__(self, repository: Repository | None = None):
            self.repository = repository


    def make_service():
        return Service(repository=Repository(), cache=Cache(), mailer=Mailer())


    def make_archive():
        return Archive(Repository())
'''
EAGER = """
    from shop import Repository


    class Eager:
        def __init__(self, repository: Repository | None = None):
            self.repository = repository


    EAGER = Eager(Repository())
    EAGER.repository.save
"""
TESTS = """
    import os
    import unittest

    import eager
    import psycopg
    import pytest
    from shop import connect, make_service

    pytestmark = pytest.mark.persistence


    @pytest.fixture
    def service():
        return make_service()


    def stored(number):
        with connect() as connection:
            return connection.execute("SELECT count(*) FROM ops WHERE number = %s", (number,)).fetchone()[0]


    def test_reads_back(service):
        service.save(1)
        assert stored(1) == 1


    def test_own_connection():
        with connect() as connection:
            connection.execute("INSERT INTO ops (number) VALUES (2)")
        assert stored(2) == 1


    def test_new_table():
        with connect() as connection:
            connection.execute("CREATE TABLE fresh (id int)")
            connection.execute("INSERT INTO fresh VALUES (1)")
            assert connection.execute("SELECT count(*) FROM fresh").fetchone()[0] == 1


    def test_truncate():
        with connect() as connection:
            connection.execute("INSERT INTO other VALUES (1), (2)")
            connection.execute("TRUNCATE other")
            connection.execute("INSERT INTO other VALUES (3)")
            assert connection.execute("SELECT count(*) FROM other").fetchone()[0] == 1


    def test_copy():
        with connect() as connection:
            with connection.cursor().copy("COPY ops (number) FROM STDIN") as copy:
                copy.write_row((4,))
        assert stored(4) == 1


    def test_triggers_of_replicas():
        with connect() as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("INSERT INTO ops (number) VALUES (5)")
        assert stored(5) == 1


    @pytest.fixture
    def copy_of_the_database():
        with connect() as admin:
            admin.execute("CREATE DATABASE app_copy")
            with psycopg.connect(os.environ["POSTGRES_DSN"] + "_copy") as fresh:
                fresh.execute("CREATE TABLE ops (number int)")
            yield os.environ["POSTGRES_DSN"] + "_copy"
            admin.execute("DROP DATABASE app_copy WITH (FORCE)")


    @pytest.fixture
    def elsewhere(copy_of_the_database):
        with psycopg.connect(copy_of_the_database, autocommit=True) as connection:
            yield connection


    def test_copied_database(elsewhere):
        elsewhere.execute("INSERT INTO ops (number) VALUES (7)")
        assert elsewhere.execute("SELECT count(*) FROM ops WHERE number = 7").fetchone()[0] == 1


    class TestCase(unittest.TestCase):
        def setUp(self):
            with connect() as connection:
                connection.execute("INSERT INTO ops (number) VALUES (60)")

        def test_case(self):
            make_service().save(6)
            assert (stored(60), stored(6)) == (1, 1)


    def test_only_cached(service):
        service.save(11)
        assert 11 in service._cache.kept


    def test_only_returned(service):
        assert service.save(12) is not None


    def test_swallowed(service):
        service.save_quietly(13)


    def test_caught(service):
        try:
            service.save(14)
            assert stored(14) == 1
        except Exception:
            pass


    def test_before_the_commit():
        with connect() as connection, connection.transaction():
            connection.execute("INSERT INTO ops (number) VALUES (15)")
            assert connection.execute("SELECT count(*) FROM ops WHERE number = 15").fetchone()[0] == 1


    def test_without_triggers():
        with connect() as connection:
            connection.execute("ALTER TABLE other DISABLE TRIGGER ALL")
            connection.execute("INSERT INTO other VALUES (16)")
            connection.execute("ALTER TABLE other ENABLE TRIGGER ALL")


    @pytest.mark.persists(reads=True)
    def test_only_reads():
        assert stored(-1) == 0


    @pytest.fixture
    def seeded(service):
        service.save(17)


    @pytest.mark.persists(reads=True)
    def test_reads_what_its_set_up_wrote(seeded):
        assert stored(17) == 1
"""
WIRING = """
    import pytest
    from shop import Repository, make_service

    pytestmark = pytest.mark.wiring


    def test_service_has_a_repository():
        assert isinstance(make_service()._repository, Repository)
"""
PREPARE = """
    from shop import connect

    with connect() as connection:
        connection.execute("CREATE TABLE ops (id int GENERATED ALWAYS AS IDENTITY, number int)")
        connection.execute("CREATE TABLE other (id int)")
"""
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


class Proving:
    """A project, proved once; what it left and what the gate said."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def shop(self) -> Proving:
        self.project.clear()
        self.project.write(
            "pyproject.toml", "[tool.truegreen]\n[tool.pytest.ini_options]\npythonpath = ['.']\naddopts = '-x -n 2'\n"
        )
        self.project.write("shop.py", SHOP)
        self.project.write("eager.py", EAGER)
        self.project.write("prepare.py", PREPARE)
        self.project.write("test_it.py", TESTS)
        self.project.write("test_wiring.py", WIRING)
        return self

    def run(self, *names: str, **options: object) -> Proving:
        self.shown = io.StringIO()
        shell = self.project.shell(shown=self.shown)
        values = [f"{key}={value}" for key, value in options.items()]
        settings = config.load(
            self.project.root,
            assignments=["services.postgres.provider='embedded'", "persistence.prepare=['python prepare.py']", *values],
        )
        (self.record,) = run.run_stages(shell, settings, run.Request(stages=("prove",), pytest_args=names))
        report = gate.judge(shell, settings, planning.plan("local", only=("prove",)))
        self.report = next(one for one in report.stages if one.stage == "prove")
        (found,) = [
            one for one in loading.load_all(self.project.root / ".truegreen", self.project.root) if one.stage == "prove"
        ]
        self.result = found.proof
        return self

    @property
    def verdict(self):
        return next(one for one in self.report.verdicts if one.gate == "proof-survivors")

    def mutant(self, name):
        return next(one for one in self.result.mutants if one.name == name)

    def answers(self, name):
        return {one.test.rpartition("::")[2].removeprefix("test_"): one for one in self.mutant(name).tests}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prove")
    return Project(folder / "project", shared_cache(folder / "cache"))


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
    assert proving.result is None
    assert proving.report.status.value == "blind"


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
    assert (found.answer, found.why) == (Answer.UNKNOWN, "the tests did not end within 15 s")
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

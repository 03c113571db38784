"""A small shop whose tests prove all, something or nothing, and the prove stage on it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from truegreen.app import evidence as loading
from truegreen.app import gate, run
from truegreen.app import plan as planning
from truegreen.config import settings as config

if TYPE_CHECKING:
    from tests.support.pytest_projects import Project

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
            admin.execute("CREATE DATABASE app_test")
            with psycopg.connect(os.environ["POSTGRES_DSN"] + "_test") as fresh:
                fresh.execute("CREATE TABLE ops (number int)")
            yield os.environ["POSTGRES_DSN"] + "_test"
            admin.execute("DROP DATABASE app_test WITH (FORCE)")


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

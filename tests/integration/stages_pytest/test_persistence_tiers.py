"""The persistence stage on a server that is only attached to, with a user who may do no more than the application."""

from pathlib import Path

import pytest
from tests.support.postgres_servers import Server

pytestmark = pytest.mark.slow
CONFTEST = """
    import os
    import psycopg
    import pytest

    @pytest.fixture
    def connection():
        with psycopg.connect(os.environ["POSTGRES_DSN"]) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS ops (id int)")
            connection.commit()
            yield connection
"""
COMMITS = """
    import pytest
    pytestmark = pytest.mark.persistence

    @pytest.mark.persists("ops", kind="insert", at_least=2)
    def test_commits(connection):
        connection.execute("INSERT INTO ops VALUES (1), (2)")
        connection.commit()
"""
ROLLS_BACK = """
    def test_rolls_back(connection):
        connection.execute("INSERT INTO ops VALUES (1), (2)")
        connection.rollback()
"""


@pytest.fixture(scope="module", params=[("replica", "owner", "C"), ("logical", "postgres", "B")])
def attached(request):
    level, user, tier = request.param
    server = Server(Path("attached"), 14, wal_level=level)
    with server.connect("postgres") as connection:
        connection.execute("CREATE ROLE owner LOGIN")
        connection.execute("CREATE DATABASE app OWNER owner")
    yield server.handle(user=user), tier
    server.close()


@pytest.mark.parametrize(("tests", "status"), [(COMMITS, "pass"), (COMMITS + ROLLS_BACK, "fail")])
def test_stage_on_an_attached_server_judges_by_the_tier_it_prints(home, attached, tests, status):
    server, tier = attached
    home.clear()
    home.write("conftest.py", CONFTEST)
    home.write("test_it.py", tests)
    judged = home.run(
        stage="persistence",
        assignments=("services.postgres.provider='attach'", f"services.postgres.url='{server.url}'"),
    )
    assert judged.status == status, judged.report
    verdict = judged.verdict("persistence-evidence")
    assert any(f"tier {tier}: " in note and "not A: PostgreSQL 14" in note for note in judged.record.notes)
    assert any(fact.value.startswith(f"technique {tier}: ") for fact in verdict.facts)
    if status == "fail":
        assert verdict.reason.startswith("test_it.py::test_rolls_back passed with 0 committed rows in postgres")

"""Servers whose users may do different things, and the tier that each gets."""

from pathlib import Path

import pytest
from tests.support.postgres_servers import Server

from truegreen.stages.observers.postgres import PostgresObserver

TABLES = "CREATE TABLE ops (id int PRIMARY KEY, v text); CREATE TABLE audit (v int); INSERT INTO ops VALUES (1, 'x')"


def made(name, major, **settings):
    server = Server(Path(name), major, **settings)
    with server.connect("postgres") as connection:
        connection.execute("CREATE DATABASE app")
        connection.execute("CREATE ROLE owner LOGIN CREATEDB; CREATE ROLE stranger LOGIN; CREATE ROLE nobody LOGIN")
        connection.execute("ALTER DATABASE app OWNER TO owner")
    with server.connect() as connection:
        connection.execute("GRANT ALL ON SCHEMA public TO owner")
    with server.connect(user="owner") as connection:
        connection.execute(TABLES)
        connection.execute("CREATE TABLE secret (v int); GRANT SELECT ON ops, audit TO stranger")
    return server


@pytest.fixture(scope="module")
def logical():
    """Version 14: no pg_walinspect."""
    server = made("logical", 14, wal_level="logical")
    yield server
    server.close()


@pytest.fixture(scope="module")
def plain():
    """Version 16 with its default settings, and pg_walinspect."""
    server = made("plain", 16)
    yield server
    server.close()


@pytest.fixture
def best():
    """Return a function that opens the best tier; what it opens is closed."""
    opened = []

    def open_best(handle, databases=("app", "app_*")):
        opened.append(PostgresObserver(handle, databases))
        return opened[-1]

    yield open_best
    for one in opened:
        one.close()


def committed(observer, action):
    start = observer.position()
    action()
    return {(one.object, one.kind): one.count for one in observer.between(start, observer.position()).committed}

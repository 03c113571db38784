"""The real application on real stores, and the stores asked past it."""

from __future__ import annotations

import contextlib
import time

import psycopg
import pytest
from redis import Redis

from parcels import factory, migrate
from parcels.api import create_app
from parcels.settings import from_environment
from parcels.worker import Worker


@pytest.fixture(scope="session")
def settings():
    migrate.main()
    return from_environment()


@pytest.fixture
def database(settings):
    """A connection of the test's own."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE parcels, scans, announcements, shifts")
        yield connection


@pytest.fixture
def stored(database):
    """Asks the database past the application."""
    return lambda query, *parameters: database.execute(query, parameters).fetchall()


@pytest.fixture
def redis(settings):
    client = Redis.from_url(settings.redis_url, decode_responses=True)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def application(settings, database, redis):
    application = factory.open_application(settings)
    yield application
    application.close()


@pytest.fixture
def service(application):
    return application.service


@pytest.fixture
def client(service):
    return create_app(service).test_client()


@pytest.fixture
def worker(application):
    return Worker(application.service, application.scans, application.shifts)


@pytest.fixture
def parcel(service):
    """A parcel, registered in the set-up phase."""
    service.register([("P-1", "Hauptstr. 1")])
    return "P-1"


@pytest.fixture
def refusing(database):
    """A table that takes no row for a while."""

    @contextlib.contextmanager
    def refusing(table):
        database.execute(f"ALTER TABLE {table} ADD CONSTRAINT refused CHECK (false) NOT VALID")
        try:
            yield
        finally:
            database.execute(f"ALTER TABLE {table} DROP CONSTRAINT refused")

    return refusing


@pytest.fixture
def eventually():
    """Asks until the wanted answer comes, at most five seconds."""

    def eventually(ask, wanted):
        deadline, seen = time.monotonic() + 5, None
        while time.monotonic() < deadline and seen != wanted:
            seen = ask()
            time.sleep(0.01)
        assert seen == wanted

    return eventually

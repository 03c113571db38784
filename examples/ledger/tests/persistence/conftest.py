"""Real stores for wiring and persistence tests; missing ones are an error, never a skip."""

from __future__ import annotations

import pytest

from ledger import factory, migrate
from ledger.repository import SqlRepository, make_engine
from ledger.settings import from_environment


@pytest.fixture(scope="session")
def migrated():
    migrate.main()


@pytest.fixture
async def application(migrated):
    application = await factory.open_application(from_environment())
    yield application
    await application.close()


@pytest.fixture
def service(application):
    return application.service


@pytest.fixture
async def stored(migrated):
    """What the database holds, asked over a connection of its own: past the service and past its cache."""
    engine = make_engine(from_environment().sqlalchemy_url)
    yield SqlRepository(engine)
    await engine.dispose()

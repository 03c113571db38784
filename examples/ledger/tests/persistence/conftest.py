"""Real stores for wiring and persistence tests; missing ones are an error, never a skip."""

from __future__ import annotations

import pytest

from ledger import factory, migrate
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

"""What the factory is given: clients that are not connected, since building opens nothing."""

import pytest
from redis.asyncio import Redis

from ledger.bus import JetStreamBus
from ledger.repository import make_engine


@pytest.fixture
def engine():
    return make_engine("postgresql+asyncpg://u:p@127.0.0.1:1/d")


@pytest.fixture
def redis():
    return Redis()


@pytest.fixture
def bus():
    return JetStreamBus(stream=None)

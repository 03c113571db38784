"""The factory builds what it promises; no server is needed to see that."""

import pytest

from ledger import factory
from ledger.bus import JetStreamBus
from ledger.cache import RedisCache
from ledger.repository import SqlRepository

pytestmark = pytest.mark.wiring


@pytest.fixture
def service(engine, redis, bus):
    return factory.get_operations_service(engine, redis, bus)


@pytest.mark.req("M1-1.3")
@pytest.mark.parametrize(
    ("dependency", "kind"), [("_repository", SqlRepository), ("_cache", RedisCache), ("_bus", JetStreamBus)]
)
def test_factory_wires_the_dependency(service, dependency, kind):
    assert isinstance(getattr(service, dependency), kind)

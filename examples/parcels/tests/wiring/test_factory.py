"""The factory builds what it promises; no server is needed to see that."""

import pytest
from redis import Redis

from parcels import factory
from parcels.cache import RedisStates
from parcels.repository import SqlParcels, make_engine

pytestmark = pytest.mark.wiring


@pytest.fixture
def service():
    engine = make_engine("postgresql+psycopg://u:p@127.0.0.1:1/d")
    return factory.get_parcel_service(engine, Redis(port=1), scans="the queue")


@pytest.mark.parametrize(("dependency", "kind"), [("_parcels", SqlParcels), ("_states", RedisStates)])
def test_factory_wires_the_dependency(service, dependency, kind):
    assert isinstance(getattr(service, dependency), kind)


def test_factory_hands_the_queue_over(service):
    assert service._queue == "the queue"

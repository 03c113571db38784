"""Adapters as far as they go without a server, and the settings."""

import pytest

from ledger import factory, migrate, tables
from ledger.bus import JetStreamBus
from ledger.cache import TTL_S, RedisCache
from ledger.repository import make_engine
from ledger.settings import MissingSetting, Settings, from_environment

pytestmark = pytest.mark.unit
COMPLETE = {"POSTGRES_DSN": "postgresql://u:p@h:1/d", "REDIS_URL": "redis://h", "NATS_URL": "nats://h"}


class FakeRedis:
    def __init__(self) -> None:
        self.values: dict[str, tuple[bytes, int]] = {}

    async def get(self, key):
        return self.values[key][0] if key in self.values else None

    async def set(self, key, value, *, ex):
        self.values[key] = (str(value).encode(), ex)


class FakeStream:
    def __init__(self) -> None:
        self.calls = []

    async def publish(self, subject, data, *, headers):
        self.calls.append((subject, data, headers))


async def test_cache_round_trip_expires():
    client = FakeRedis()
    await RedisCache(client).put("a", 5)
    assert await RedisCache(client).get("a") == 5
    assert client.values == {"ledger:balance:a": (b"5", TTL_S)}


async def test_cache_miss_is_none():
    assert await RedisCache(FakeRedis()).get("a") is None


async def test_bus_sends_the_message_id():
    stream = FakeStream()
    await JetStreamBus(stream).publish("s", b"d", "1")
    assert stream.calls == [("s", b"d", {"Nats-Msg-Id": "1"})]


def test_settings_read_the_environment():
    settings = from_environment({**COMPLETE, "LEDGER_HTTP_PORT": "9"})
    assert settings == Settings("postgresql://u:p@h:1/d", "redis://h", "nats://h", "127.0.0.1", 9)
    assert settings.sqlalchemy_url == "postgresql+asyncpg://u:p@h:1/d"


@pytest.mark.parametrize("missing", sorted(COMPLETE))
def test_settings_name_what_is_missing(missing):
    with pytest.raises(MissingSetting, match=missing):
        from_environment({name: value for name, value in COMPLETE.items() if name != missing})


def test_engine_uses_the_asynchronous_driver():
    engine = make_engine(from_environment(COMPLETE).sqlalchemy_url)
    assert engine.dialect.driver == "asyncpg"


def test_factory_gives_a_service():
    engine = make_engine(from_environment(COMPLETE).sqlalchemy_url)
    assert factory.get_operations_service(engine, FakeRedis(), JetStreamBus(FakeStream())) is not None


def test_migrations_are_found():
    config = migrate.configuration(from_environment(COMPLETE))
    assert config.attributes["url"].startswith("postgresql+asyncpg://")


def test_tables_have_the_columns_of_the_domain():
    assert {"id", "account", "kind", "amount_cents", "state"} <= set(tables.operations.c.keys())

"""Where the application is put together. Nothing else builds adapters."""

from __future__ import annotations

from dataclasses import dataclass

import nats
from nats.aio.client import Client
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.bus import JetStreamBus, ensure_stream
from ledger.cache import RedisCache
from ledger.repository import SqlRepository, make_engine
from ledger.service import OperationsService
from ledger.settings import Settings


@dataclass(slots=True)
class Application:
    """Everything that is open; `close` closes it."""

    service: OperationsService
    engine: AsyncEngine
    redis: Redis
    nats: Client

    async def close(self) -> None:
        """Close all connections."""
        await self.nats.close()
        await self.redis.aclose()
        await self.engine.dispose()

    async def ready(self) -> None:
        """Raise unless every store answers."""
        async with self.engine.connect() as connection:
            await connection.exec_driver_sql("SELECT 1")
        await self.redis.ping()
        await self.nats.flush(timeout=2)


def get_operations_service(engine: AsyncEngine, redis: Redis, bus: JetStreamBus) -> OperationsService:
    """Return the service with every dependency wired."""
    return OperationsService(
        repository=SqlRepository(engine),
        cache=RedisCache(redis),
        bus=bus,
    )


async def open_application(settings: Settings) -> Application:
    """Connect to every store and wire the service."""
    engine = make_engine(settings.sqlalchemy_url)
    redis = Redis.from_url(settings.redis_url)
    client = await nats.connect(settings.nats_url)
    bus = JetStreamBus(await ensure_stream(client))
    return Application(
        service=get_operations_service(engine, redis, bus), engine=engine, redis=redis, nats=client
    )

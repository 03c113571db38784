"""Where the application is put together."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis
from sqlalchemy import Engine

from parcels.cache import RedisStates
from parcels.ports import Queue
from parcels.queue import ANNOUNCEMENTS, SCANS, RedisQueue
from parcels.relay import Relay
from parcels.repository import SqlParcels, SqlShifts, make_engine
from parcels.service import ParcelService
from parcels.settings import Settings


@dataclass(slots=True)
class Application:
    """Everything that is open; `close` closes it."""

    service: ParcelService
    scans: RedisQueue
    shifts: SqlShifts
    relay: Relay
    engine: Engine
    redis: Redis

    def close(self) -> None:
        """End the relay and close all connections."""
        self.relay.stop()
        self.redis.close()
        self.engine.dispose()


def get_parcel_service(engine: Engine, redis: Redis, scans: Queue) -> ParcelService:
    """Return the service with every dependency wired."""
    return ParcelService(parcels=SqlParcels(engine), states=RedisStates(redis), queue=scans)


def open_application(settings: Settings) -> Application:
    """Connect to the stores, wire the service, and start the relay."""
    engine, redis = make_engine(settings.sqlalchemy_url), Redis.from_url(settings.redis_url)
    scans = RedisQueue(redis, SCANS)
    relay = Relay(SqlParcels(engine), RedisQueue(redis, ANNOUNCEMENTS))
    relay.start()
    return Application(
        service=get_parcel_service(engine, redis, scans),
        scans=scans,
        shifts=SqlShifts(engine),
        relay=relay,
        engine=engine,
        redis=redis,
    )

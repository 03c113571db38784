"""Whether something that tests replaced is a stand-in for what they claim to prove."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from truegreen.analysis.fakes import LIBRARIES, UNWATCHED
from truegreen.model.mocks import FakeScan, FakeUse, Replacement, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

_CARRIERS = frozenset({
    # databases
    "sqlalchemy", "sqlmodel", "alembic", "django", "peewee", "pony", "tortoise", "piccolo", "ormar", "databases",
    "asyncpg", "psycopg", "psycopg2", "psycopg_pool", "pg8000", "aiopg", "pymysql", "MySQLdb", "mysql", "mariadb",
    "aiomysql", "asyncmy", "oracledb", "pyodbc", "pymssql", "duckdb", "clickhouse_connect", "clickhouse_driver",
    "sqlite3", "aiosqlite", "dbm", "shelve", "pymongo", "motor", "mongoengine", "beanie", "odmantic", "cassandra",
    "elasticsearch", "elasticsearch_dsl", "opensearchpy", "qdrant_client", "chromadb", "weaviate", "pymilvus",
    "neo4j", "influxdb_client", "redis", "valkey", "coredis", "aioredis", "pymemcache", "pylibmc", "aiocache",
    "tortoise_orm", "gino", "lmdb", "plyvel", "rocksdict", "diskcache",
    # messages
    "nats", "pika", "aio_pika", "aiormq", "amqp", "kombu", "celery", "dramatiq", "arq", "rq", "taskiq", "faststream",
    "confluent_kafka", "kafka", "aiokafka", "stomp", "zmq", "paho", "aiomqtt", "temporalio",
    # files and clouds
    "boto3", "botocore", "aiobotocore", "aioboto3", "s3fs", "minio", "google", "azure", "fsspec",
    # other services
    "requests", "httpx", "aiohttp", "urllib3", "urllib", "http", "httpcore", "niquests", "websockets", "websocket",
    "grpc", "grpclib", "socket", "ssl", "smtplib", "aiosmtplib", "ftplib", "paramiko", "asyncssh", "docker",
})  # fmt: skip
"""Top-level packages that carry data to another process: who replaces a part of them cuts the test off from it."""
_HARMLESS = {
    "setting": "one plain value for another",
    "environment": "environment variables",
    "spy": "spies, which call the real thing",
}
FOREIGN = "neither the project's nor a client of a store or service, such as the clock"
_RUNTIME = frozenset({Rule.REPLACED, Rule.MOCK, Rule.OVERRIDE})
"""Rules that the plugin sees better than any reading of the sources: it knows what was replaced, and in which test."""


_LIBRARY = frozenset({Rule.FAKE_STORE, Rule.FAKE_HTTP, Rule.RECORDED})
"""Rules that speak of libraries, which replace things themselves."""


class StandIn(NamedTuple):
    """One stand-in, however it was found."""

    rule: Rule
    what: str
    names: tuple[str, ...]
    """What patterns may match."""
    path: str
    line: int
    tests: tuple[str, ...]
    times: int
    """How often it was put in place or called; 0 when only the sources tell of it."""
    free: str = ""
    """Why nobody needs to allow it; empty when somebody must."""


def stand_ins(replaced: Iterable[Replacement], scans: Iterable[FakeScan]) -> list[StandIn]:
    """Return all stand-ins; what the plugin sees while tests run is not taken from the sources too."""
    found = [_of(one) for one in replaced if one.uses]
    found += [_static(use) for scan in scans for use in scan.uses if use.rule not in _RUNTIME or use.what in UNWATCHED]
    kept: dict[object, StandIn] = {}
    for number, one in enumerate(found):
        # One library replaces many things for one test, and is named more than once in it.
        library = one.names[-1].partition(".")[0] if one.rule in _LIBRARY else ""
        key = (one.rule, library, one.path) if library else number
        kept[key] = _joined(kept[key], one) if key in kept else one
    return [*kept.values()]


def _joined(one: StandIn, two: StandIn) -> StandIn:
    return one._replace(
        names=tuple(dict.fromkeys((*two.names, *one.names))),
        line=min(one.line, two.line),
        tests=tuple(dict.fromkeys((*one.tests, *two.tests))),
        times=max(one.times, two.times),
    )


def carries(name: str) -> bool:
    """Return whether a dotted name belongs to a client of a store, broker or service."""
    top = name.partition(".")[0]
    return top in _CARRIERS or top.removeprefix("_") in _CARRIERS


def allowed_by(one: StandIn, patterns: Iterable[str]) -> str:
    """Return the first pattern (`modal.*`) that matches a stand-in; empty when none does."""
    return next((pattern for pattern in patterns if matches(one, pattern)), "")


def matches(one: StandIn, pattern: str) -> bool:
    """Return whether a pattern matches one of a stand-in's names; `*` matches dots too."""
    return any(fnmatchcase(name, pattern) for name in one.names)


def _of(one: Replacement) -> StandIn:
    last = one.target.rpartition(".")[2]
    names = (one.target, one.home, f"{one.home}.{last}") if one.home else (one.target,)
    rule = LIBRARIES.get(one.by)
    if rule is not None:
        names = (*names, one.by, f"{one.by}.{last}")
    return StandIn(
        rule=rule or one.rule,
        what=one.by if rule is not None else one.target,
        names=names,
        path=one.path,
        line=one.line,
        tests=tuple(use.test for use in one.uses),
        times=sum(use.times for use in one.uses),
        free="" if rule is not None else _free(one),
    )


def _free(one: Replacement) -> str:
    if one.kind in _HARMLESS:
        return _HARMLESS[one.kind]
    if one.kind == "mock" or one.origin not in ("stdlib", "installed"):
        return ""
    return "" if carries(one.home) or carries(one.target) else FOREIGN


def _static(use: FakeUse) -> StandIn:
    return StandIn(use.rule, use.what, (use.what,), use.path, use.line, use.tests, 0)

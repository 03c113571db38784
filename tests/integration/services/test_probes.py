"""The probes of the catalogue against real servers from package registries: ready, wrong password, another server."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from tests.harness import servers
from tests.support.managers import embedded, manager

from truegreen import registry
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.mysql import MySql
from truegreen.services import wire
from truegreen.services.base import Access, NotReady

pytestmark = pytest.mark.slow
VALKEY_AS_REDIS = ("redis", "valkey")  # it answers every question of a Redis client


def load(kind):
    return registry.load("service", kind)()


def access(server, kind):
    found = load(kind).defaults
    return msgspec.structs.replace(
        found,
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.database or found.database,
        ports={"api": server.ports.get("management", 0)},
    )


@pytest.fixture(
    scope="module", params=["mariadb", "mysql", "rabbitmq", "kafka", "valkey", "opensearch", "elasticsearch"]
)
def server(request):
    with servers.running(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def mariadb():
    with servers.running("mariadb") as running:
        yield running


@pytest.fixture(scope="module")
def embedded_servers(tmp_path_factory):
    """MinIO, OPA and Valkey as `truegreen services up` runs them; MinIO and OPA are built when first asked for."""
    folder = tmp_path_factory.mktemp("probes")
    services = manager(folder / "project", folder, **{kind: embedded() for kind in ("minio", "opa", "valkey")})
    yield {handle.name: handle for handle in services.up(("minio", "opa", "valkey"))}
    services.down()


def test_probe_of_a_real_server_tells_its_version(server):
    found = load(server.kind).probe(access(server, server.kind))
    assert found == (server.version if server.kind != "kafka" else "metadata 27")


@pytest.mark.parametrize("changed", [{"password": "wrong"}, {"user": "nobody"}])
def test_probe_with_a_wrong_user_or_password_is_not_ready(server, changed):
    if not server.password:
        assert load(server.kind).probe(access(server, server.kind))
        return
    with pytest.raises(NotReady, match=r"denied|refused"):
        load(server.kind).probe(msgspec.structs.replace(access(server, server.kind), **changed))


@pytest.mark.parametrize("kind", registry.names("service"))
def test_probe_of_another_kind_is_not_ready(server, kind):
    if (kind, server.kind) in ((server.kind, server.kind), VALKEY_AS_REDIS):
        assert load(kind).probe(access(server, kind))
        return
    with pytest.raises(NotReady):
        load(kind).probe(access(server, kind))


@pytest.mark.parametrize("kind", registry.names("service"))
@pytest.mark.parametrize("runs", ["minio", "opa", "valkey"])
def test_probe_of_an_embedded_server_takes_its_own_kind_only(embedded_servers, runs, kind):
    handle = embedded_servers[runs]
    asked = Access(port=handle.port, user=handle.user, password=handle.password, database=handle.database)
    if (kind, runs) in ((runs, runs), VALKEY_AS_REDIS):
        assert load(kind).probe(asked)
        return
    with pytest.raises(NotReady):
        load(kind).probe(asked)


def test_embedded_minio_has_its_bucket_its_version_and_a_guarded_door(embedded_servers):
    handle = embedded_servers["minio"]
    minio = load("minio")
    asked = Access(port=handle.port, user=handle.user, password=handle.password, database="app")
    assert handle.version[:3] in ("DEV", "202")
    assert handle.exports["S3_BUCKET"] == "app"
    assert handle.exports["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{handle.port}"
    with pytest.raises(NotReady, match="no bucket other"):
        minio.probe(msgspec.structs.replace(asked, database="other"))
    for _ in range(2):
        minio.prepare(msgspec.structs.replace(asked, database="other"))
    assert minio.probe(msgspec.structs.replace(asked, database="other"))
    with pytest.raises(NotReady, match="SignatureDoesNotMatch"):
        minio.prepare(msgspec.structs.replace(asked, password="wrong"))


def opened(asked):
    login = {"user": asked.user, "password": asked.password, "database": asked.database}
    return contextlib.closing(MySql(asked.host, asked.port, **login, **wire.LIMITS))


def test_query_of_mariadb_gives_rows_as_text_and_the_servers_message(mariadb):
    asked = access(mariadb, "mariadb")
    with opened(asked) as client:
        assert client.query("SELECT 1, NULL, 'é', REPEAT('x', 300) UNION SELECT 2, 'y', '', ''") == [
            ["1", "", "é", "x" * 300],
            ["2", "y", "", ""],
        ]
        assert client.query(f"SELECT '{'z' * 70_000}' LIMIT 0") == []
        with pytest.raises(Refused, match="nonsense"):
            client.query("SELECT nonsense")
        assert client.query("DO 1") == []


def test_prepare_of_mariadb_makes_a_database_with_any_name_once(mariadb):
    asked = msgspec.structs.replace(access(mariadb, "mariadb"), database='o`dd "name" é')
    with pytest.raises(NotReady, match="Unknown database"):
        load("mariadb").probe(asked)
    for _ in range(2):
        load("mariadb").prepare(asked)
    assert load("mariadb").probe(asked) == mariadb.version


def test_user_without_a_password_logs_in_to_mariadb(mariadb):
    asked = access(mariadb, "mariadb")
    with opened(asked) as client:
        client.query("CREATE USER IF NOT EXISTS open@localhost")
    guest = msgspec.structs.replace(asked, user="open", password="", database="")
    assert load("mariadb").probe(guest) == mariadb.version


def test_virtual_host_that_does_not_exist_is_not_ready():
    with servers.running("rabbitmq") as running:
        with pytest.raises(NotReady, match="vhost"):
            load("rabbitmq").probe(msgspec.structs.replace(access(running, "rabbitmq"), database="nowhere"))
        assert load("rabbitmq").probe(load("rabbitmq").parse(running.url)) == running.version

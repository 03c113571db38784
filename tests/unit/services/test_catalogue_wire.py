"""Pieces of the catalogue that no real server here can show: settings of images, and parsers on any bytes at all."""

import contextlib
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truegreen import registry
from truegreen.runtime.wire import mysql
from truegreen.runtime.wire.channel import Refused
from truegreen.services import wire_http
from truegreen.services.base import Access, NotReady, Server
from truegreen.services.catalogue import kafka, mongodb, rabbitmq
from truegreen.services.manager import image_age_days

ACCESS = Access(port=4711, user="u", password="p", database="d")
# What `wire.asking` turns into NotReady: nothing else may leave a parser.
REFUSALS = (NotReady, OSError, EOFError, struct.error, ValueError, LookupError)


def load(kind):
    return registry.load("service", kind)()


def test_container_of_kafka_tells_its_clients_the_port_on_the_host():
    env = load("kafka").container_env(ACCESS)
    assert env["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:4711"
    assert ":9092" in env["KAFKA_LISTENERS"]
    assert env["KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR"] == "1"


@pytest.mark.parametrize(("kind", "prefix"), [("mysql", "MYSQL"), ("mariadb", "MARIADB")])
def test_container_of_mysql_makes_root_or_another_user_and_writes_the_row_binlog(kind, prefix):
    service = load(kind)
    root = service.container_env(service.defaults)
    assert root == {f"{prefix}_ROOT_PASSWORD": "truegreen", f"{prefix}_DATABASE": "app"}
    assert service.container_env(ACCESS)[f"{prefix}_USER"] == "u"
    assert "--binlog-format=ROW" in service.container_args()


def test_containers_of_the_catalogue_get_their_user_and_need_no_security_plugin():
    assert load("rabbitmq").container_env(ACCESS)["RABBITMQ_DEFAULT_VHOST"] == "d"
    assert load("minio").container_env(ACCESS)["MINIO_ROOT_USER"] == "u"
    assert load("minio").container_args() == ["server", "/data"]
    assert load("opa").container_args()[-1] == ":8181"
    assert load("mongodb").container_args()[:2] == ["--replSet", "rs0"]
    assert load("opensearch").container_env(ACCESS)["DISABLE_SECURITY_PLUGIN"] == "true"
    assert load("elasticsearch").container_env(ACCESS)["xpack.security.enabled"] == "false"
    assert load("valkey").container_args()[0] == "valkey-server"


def test_url_of_mongodb_goes_to_the_one_member():
    assert load("mongodb").url(Access(port=1, database="x")) == "mongodb://127.0.0.1:1/x?directConnection=true"


def test_kind_without_a_program_refuses_to_be_run_as_one():
    with pytest.raises(NotImplementedError, match="MongoDb"):
        load("mongodb").embedded_plan(Path("/tool"), Path("/data"), ACCESS)
    assert isinstance(load("mongodb"), Server)


@given(st.binary(max_size=200))
def test_parsers_of_the_catalogue_refuse_any_bytes_or_take_them(data):
    for parse in (
        kafka._cluster,
        kafka._level,
        rabbitmq._version,
        lambda d: list(mysql._values(d)),
        lambda d: dict(mongodb._elements(d)),
    ):
        with contextlib.suppress(*REFUSALS):
            parse(data)


def test_document_of_mongodb_gives_plain_values_and_names_of_others():
    inner = b"\x05\0\0\0\0"
    body = (
        b"\x01a\0"
        + struct.pack("<d", 1.5)
        + b"\x02b\0\3\0\0\0hi\0"
        + b"\x08c\0\1"
        + b"\x10d\0"
        + struct.pack("<i", 7)
        + b"\x03e\0"
        + inner
        + b"\x04f\0"
        + inner
        + b"\x05g\0\1\0\0\0\0x"
        + b"\x11h\0"
        + bytes(8)
        + b"\x0ai\0"
    )
    document = struct.pack("<i", len(body) + 5) + body + b"\0"
    found = dict(mongodb._elements(document))
    assert found == {"a": 1.5, "b": "hi", "c": True, "d": 7, "e": None, "f": None, "g": None, "h": None, "i": None}


def test_cluster_of_kafka_is_counted_with_its_controller():
    broker = struct.pack("!ih", 1, 4) + b"host" + struct.pack("!ih", 9092, -1)
    assert kafka._cluster(struct.pack("!i", 2) + broker * 2 + struct.pack("!i", 1)) == (2, 1)


def test_level_of_kafka_is_0_without_features_and_an_error_is_told():
    assert kafka._level(struct.pack("!h", 0) + b"\x01" + bytes(4) + b"\0") == 0
    assert kafka._level(struct.pack("!h", 0) + b"\x01" + bytes(4) + b"\x01\x02\x01\x01") == 0
    with pytest.raises(NotReady, match="error 35"):
        kafka._level(struct.pack("!h", 35))


def test_version_of_rabbitmq_that_is_not_told_is_unknown():
    assert rabbitmq._version(b"nothing") == "unknown"


def test_password_of_mysql_is_proved_by_either_method_and_by_no_other():
    assert mysql._scramble("dialog", "", b"") == b""
    assert len(mysql._scramble("mysql_native_password", "pw", b"x" * 20)) == 20
    assert len(mysql._scramble("caching_sha2_password", "pw", b"x" * 20)) == 32
    with pytest.raises(Refused, match="dialog"):
        mysql._scramble("dialog", "pw", b"")


def test_signature_of_s3_depends_on_time_path_and_key():
    now = datetime(2026, 11, 21, tzinfo=UTC)
    first = wire_http.signed(ACCESS, "GET", "/", now)
    assert first["x-amz-date"] == "20261121T000000Z"
    assert "Credential=u/20261121/us-east-1/s3/aws4_request" in first["Authorization"]
    assert len({first["Authorization"], wire_http.signed(ACCESS, "PUT", "/b", now)["Authorization"]}) == 2


@pytest.mark.parametrize(
    ("made", "days"),
    [
        ("2026-11-11T00:00:00.123456789Z", 10.0),
        ("2026-11-21T00:00:00Z", 0.0),
        ("1970-01-01T00:00:00Z", -1.0),
        ("1980-01-01T00:00:01Z", -1.0),
        ("2026-12-01T00:00:00Z", -1.0),
        ("2026-11-11T00:00:00", -1.0),
        ("", -1.0),
        ("yesterday", -1.0),
    ],
)
def test_age_of_an_image_is_known_or_said_not_to_be(made, days):
    assert image_age_days(made, datetime(2026, 11, 21, tzinfo=UTC)) == days

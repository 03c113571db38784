"""Probes against servers that are wrong: whatever answers, the service is not ready, and nothing crashes."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import struct
import threading
from typing import TYPE_CHECKING

import pytest
from tests.support.managers import embedded, manager

from truegreen import registry
from truegreen.services import wire
from truegreen.services.base import Access, NotReady

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow
KINDS = ("postgres", "redis", "nats")
MEGABYTE = 1 << 20


@contextlib.contextmanager
def serving(reply: bytes, *, endless: bool = False, listens: bool = True) -> Iterator[int]:
    """Run a server that says one thing to everybody and hangs up; yields its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(2.0)
            with contextlib.suppress(OSError):
                if listens:
                    self.request.recv(4096)
                self.request.sendall(reply)
                while endless:
                    self.request.sendall(reply)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def probe(kind: str, port: int, **access: str) -> str:
    service = registry.load("service", kind)()
    return service.probe(Access(port=port, **{"user": "u", "password": "p", "database": "d", **access}))


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


AUTH_OK = message(b"R", struct.pack("!i", 0))
READY = message(b"Z", b"I")
SASL = message(b"R", struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0")


def continued(text: bytes) -> bytes:
    return SASL + message(b"R", struct.pack("!i", 11) + text)


WRONG = {
    "nothing": b"",
    "text": b"hello, who is there?\r\n",
    "nulls": bytes(200),
    "high": b"\xff" * 200,
    "smtp": b"220 mail.example ESMTP\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "redis-number": b"$many\r\n",
    "redis-negative": b"$-7\r\nx\r\n",
    "redis-huge": b"$99999999999\r\n",
    "redis-array": b"*1\r\n$4\r\nINFO\r\n",
    "redis-error": b"-NOAUTH Authentication required.\r\n",
    "redis-no-version": b"$4\r\nabcd\r\n" * 2,
    "nats-no-json": b"INFO {nonsense}\r\n",
    "nats-wrong-type": b'INFO {"version": 7}\r\n',
    "nats-array": b"INFO []\r\nPONG\r\n",
    "nats-no-jetstream": b'INFO {"version": "2"}\r\nPONG\r\n',
    "nats-error": b'INFO {"version": "2"}\r\n-ERR \'Authorization Violation\'\r\n',
    "postgres-error": message(b"E", b'SFATAL\0Mpassword authentication failed for user "u"\0\0'),
    "postgres-empty-error": message(b"E", b"\0"),
    "postgres-method": message(b"R", struct.pack("!i", 7)),
    "postgres-short": message(b"R", b"\0"),
    "postgres-negative": b"R" + struct.pack("!i", -5) + b"xxxx",
    "postgres-huge": b"R" + struct.pack("!i", 0x7FFFFFFF),
    "postgres-status": message(b"S", b"server_version"),
    "postgres-not-utf8": message(b"S", b"server_version\0\xff\xfe\0"),
    "postgres-scram-fields": continued(b"r=x"),
    "postgres-scram-text": continued(b"\xff\xff"),
    "postgres-scram-words": continued(b"nonsense"),
    "postgres-scram-number": continued(b"r=a,s=AAAA,i=many"),
    "postgres-scram-salt": continued(b"r=a,s=A,i=1"),
    "postgres-scram-out-of-turn": message(b"R", struct.pack("!i", 11) + b"r=a,s=AAAA,i=1"),
    "postgres-query-fails": AUTH_OK + READY + message(b"E", b"Mno such thing\0\0") + READY,
    "postgres-row": AUTH_OK + READY + message(b"D", b"\0\5\0\0") + READY,
    "postgres-ends": AUTH_OK + READY,
}


@pytest.mark.parametrize(
    ("kind", "listens"), [("postgres", True), ("redis", True), ("postgres", False), ("redis", False), ("nats", False)]
)
def test_probe_of_a_server_that_says_something_wrong_is_not_ready(kind, listens):
    for name, reply in WRONG.items():
        with serving(reply, listens=listens) as port, pytest.raises(NotReady) as caught:
            pytest.fail(f"{name}: {probe(kind, port)}")
        assert str(caught.value), name


@pytest.mark.parametrize(
    ("kind", "reply"),
    [("redis", b"x" * MEGABYTE), ("nats", b"x" * MEGABYTE), ("postgres", message(b"N", b"") * 1000)],
)
def test_probe_of_a_server_that_never_ends_is_not_ready(kind, reply):
    with (
        serving(reply, endless=True, listens=kind != "nats") as port,
        pytest.raises(NotReady, match="another protocol"),
    ):
        probe(kind, port)


@pytest.mark.parametrize("kind", KINDS)
def test_probe_of_a_web_server_is_not_ready(kind):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        server.RequestHandlerClass.log_message = lambda *_: None
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        with pytest.raises(NotReady):
            probe(kind, server.server_address[1])
        server.shutdown()


@pytest.mark.parametrize("kind", KINDS)
def test_probe_of_a_port_nobody_listens_on_is_not_ready_and_names_it(kind):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotReady, match=str(port)):
        probe(kind, port)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70, "exa mple"])
def test_probe_of_a_host_that_cannot_be_is_not_ready(kind, host):
    with pytest.raises(NotReady):
        probe(kind, 1, host=host)


def test_probe_of_a_server_that_is_silent_gives_up():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(NotReady, match="timed out"):
            probe("redis", silent.getsockname()[1])


def web(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def mongo(document: bytes) -> bytes:
    return struct.pack("<iiiiIB", len(document) + 21, 1, 1, 2013, 0, 0) + document


TALKS_FIRST = ("mysql", "mariadb", "mailpit")
OTHERS = tuple(kind for kind in registry.names("service") if kind not in KINDS)
GREETING = b"\x5a\0\0\0\x0a8.4.0\0" + bytes(83)
WRONG_OTHERS = {
    **{name: WRONG[name] for name in ("nothing", "text", "nulls", "high", "smtp", "ssh")},
    "web-empty": web(b""),
    "web-null": web(b"null"),
    "web-object": web(b"{}"),
    "web-array": web(b"[]"),
    "web-types": web(b'{"title": "qdrant", "version": 1}'),
    "web-null-number": web(b'{"version": {"number": null}}'),
    "web-not-utf8": web(b'{"title": "\xff"}'),
    "web-error": web(b"x", b"500 No"),
    "web-negative": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx",
    "web-huge": b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\nx",
    "web-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx",
    "mysql-empty": b"\0\0\0\0",
    "mysql-short": b"\1\0\0\0\x0a",
    "mysql-refuses": b"\x11\0\0\0\xff\x15\x04#28000Access no",
    "mysql-refuses-early": b"\x0b\0\0\0\xff\x15\x04too many",
    "mysql-nothing-more": GREETING,
    "mysql-unknown-step": GREETING + b"\2\0\0\2\x01\x09",
    "mysql-full-without-tls": GREETING + b"\2\0\0\2\x01\x04",
    "mysql-other-method": GREETING + b"\x0a\0\0\2\xfedialog\0ab",
    "mysql-no-end": GREETING + b"\2\0\0\2\x01\x03" * 20,
    "amqp-short": b"\x01\0\0\0\0\0\x04\0\x0a\0\x0a\xce",
    "amqp-no-end": b"\x01\0\0\0\0\0\x04\0\x0a\0\x0a\xcd",
    "amqp-close": b"\x01\0\0\0\0\0\x0d\0\x0a\0\x32\x01\x93\6denied\xce",
    "amqp-version": b"AMQP\0\1\0\0",
    "kafka-short": struct.pack("!ii", 4, 1),
    "kafka-other": struct.pack("!ii", 4, 2),
    "kafka-error": struct.pack("!iih", 6, 1, 35),
    "kafka-endless-number": struct.pack("!iih", 20, 1, 0) + b"\xff" * 14,
    "kafka-negative": struct.pack("!i", -1),
    "mongo-empty": mongo(b"\5\0\0\0\0"),
    "mongo-refuses": mongo(b"\x13\0\0\0\x02errmsg\0\3\0\0\0no\0\0"),
    "mongo-negative": mongo(struct.pack("<i", 11) + b"\x03a\0\xff\xff\xff\xff\0"),
    "mongo-kind": mongo(struct.pack("<i", 8) + b"\x55a\0\0"),
    "mongo-no-end": mongo(struct.pack("<i", 100) + b"\x10a\0\0\0\0\0"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_probe_of_the_catalogue_takes_no_wrong_answer(kind):
    for name, reply in WRONG_OTHERS.items():
        with serving(reply, listens=kind not in TALKS_FIRST) as port, pytest.raises(NotReady) as caught:
            pytest.fail(f"{name}: {probe(kind, port)}")
        assert str(caught.value), name


@pytest.mark.parametrize("kind", TALKS_FIRST)
def test_probe_of_a_server_that_goes_on_for_ever_is_not_ready(kind):
    reply = b"220-more\r\n" * 1000 if kind == "mailpit" else GREETING
    with serving(reply, endless=True, listens=False) as port, pytest.raises(NotReady):
        probe(kind, port)


def test_rows_without_end_are_another_protocol():
    start = GREETING + b"\1\0\0\2\0" + b"\1\0\0\1\1" + b"\1\0\0\2\3" + b"\1\0\0\3\xfe"
    with (
        serving(start + b"\2\0\0\4\1x" * 20_000, endless=True, listens=False) as port,
        pytest.raises(NotReady, match="another"),
    ):
        probe("mysql", port)


# --- real servers ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wire")
    services = manager(
        folder / "project", folder, postgres=embedded(), redis=embedded(password="s3cret!"), nats=embedded()
    )
    yield {handle.name: handle for handle in services.up(KINDS)}
    services.down()


@pytest.mark.parametrize("asked", KINDS)
@pytest.mark.parametrize("runs", KINDS)
def test_probe_of_another_service_is_not_ready(servers, asked, runs):
    if asked == runs:
        assert probe(
            asked, servers[runs].port, user=servers[runs].user, password=servers[runs].password, database="postgres"
        )
        return
    with pytest.raises(NotReady):
        probe(asked, servers[runs].port)


def test_probe_of_redis_with_a_wrong_password_is_not_ready(servers):
    with pytest.raises(NotReady, match="WRONGPASS"):
        probe("redis", servers["redis"].port, user="", password="wrong")
    with pytest.raises(NotReady, match="NOAUTH"):
        probe("redis", servers["redis"].port, user="", password="")


def test_probe_of_redis_with_user_and_password_is_ready(servers):
    assert probe("redis", servers["redis"].port, user="default", password="s3cret!")


def test_probe_of_postgres_without_the_database_or_the_user_is_not_ready(servers):
    handle = servers["postgres"]
    with pytest.raises(NotReady, match="does not exist"):
        probe("postgres", handle.port, user=handle.user, database="not there")
    with pytest.raises(NotReady, match="nobody"):
        probe("postgres", handle.port, user="nobody", database="postgres")


def test_prepare_of_postgres_makes_a_database_with_any_name_once(servers):
    handle = servers["postgres"]
    service = registry.load("service", "postgres")()
    access = Access(port=handle.port, user=handle.user, database='o\'dd "name" é')
    for _ in range(2):
        service.prepare(access)
    assert service.probe(access) == handle.version


def test_query_of_postgres_gives_rows_as_text_and_the_servers_message(servers):
    handle = servers["postgres"]
    access = Access(port=handle.port, user=handle.user)
    with wire.connection(access) as sock:
        client = wire.Postgres(sock, access)
        assert client.query("SELECT 1, NULL, 'é' UNION ALL SELECT 2, 'x', ''") == [["1", "", "é"], ["2", "x", ""]]
        with pytest.raises(NotReady, match="nonsense"):
            client.query("SELECT nonsense")
        assert client.query("SELECT 3") == [["3"]]

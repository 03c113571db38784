"""What counts as a message that was kept, on a real NATS with JetStream: the table of truth."""

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.harness import servers
from tests.support.managers import embedded, manager

from truegreen.errors import ServiceNotReady
from truegreen.model.service import ServiceHandle
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.nats import Nats
from truegreen.stages.observers import nats as observing
from truegreen.stages.observers.nats import NatsObserver


@contextmanager
def nats(folder):
    services = manager(folder / "project", folder, nats=embedded())
    (handle,) = services.up(("nats",))
    try:
        yield handle, services
    finally:
        services.down()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with nats(tmp_path_factory.mktemp("nats")) as (handle, _):
        yield handle


@pytest.fixture(scope="module")
def observer(server):
    made = NatsObserver(server)
    yield made
    made.close()


class Client(Nats):
    def stream(self, name, **more):
        body = {"name": name, "subjects": [f"{name.lower()}.>"], **more}
        return self.request(f"$JS.API.STREAM.CREATE.{name}", body)["state"]

    def publish(self, subject, count=1):
        for number in range(count):
            self.request(subject, {"number": number})

    def once(self, subject, number):
        """Publish with an id, as clients do so that a repeated message is dropped."""
        self.told(subject.encode(), b"Nats-Msg-Id: %d\r\n" % number)

    def told(self, subject, lines):
        """Publish nothing but headers."""
        headers = b"NATS/1.0\r\n" + lines + b"\r\n"
        self.send(b"HPUB %s %s %d %d\r\n%s\r\n" % (subject, self.inbox.encode(), len(headers), len(headers), headers))
        answer = self._message(subject.decode())
        assert b"error" not in answer, answer


@pytest.fixture
def client(server):
    made = Client(server.host, server.port)
    for name in made.request("$JS.API.STREAM.NAMES", {})["streams"] or ():
        made.request(f"$JS.API.STREAM.DELETE.{name}")
    made.stream("ORDERS")
    made.publish("orders.old")
    yield made
    made.close()


def duplicate(client):
    client.once("orders.a", 7)
    client.once("orders.a", 7)


def unheard(client):
    with pytest.raises(Refused, match="nobody answers"):
        client.publish("nowhere.a")


def refused(client):
    client.stream("SMALL", max_msg_size=1)
    with pytest.raises(Refused, match="exceeds maximum"):
        client.publish("small.a")


def purged(client):
    client.publish("orders.a", 2)
    client.request("$JS.API.STREAM.PURGE.ORDERS")


def recreated(client):
    client.request("$JS.API.STREAM.DELETE.ORDERS")
    while client.stream("ORDERS")["last_seq"]:  # a busy server deletes the files later, and may find them again
        client.request("$JS.API.STREAM.DELETE.ORDERS")
    client.publish("orders.a", 3)


def late_start(client):
    client.stream("LATE", first_seq=100)
    client.publish("late.a", 2)


def gone(client):
    client.publish("orders.a")
    client.request("$JS.API.STREAM.DELETE.ORDERS")


def made_in_memory(client):
    client.stream("MEMORY", storage="memory")
    client.publish("memory.a", 2)


def many_streams(client):
    for number in range(300):
        client.stream(f"S{number}")
    client.publish("s299.a")


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (lambda client: client.publish("orders.a", 2), {("ORDERS", "message"): 2}),
        (duplicate, {("ORDERS", "message"): 1}),
        (purged, {("ORDERS", "message"): 2}),
        (recreated, {("ORDERS", "message"): 3}),
        (late_start, {("LATE", "message"): 2}),
        (made_in_memory, {("MEMORY", "memory-message"): 2}),
        (many_streams, {("S299", "message"): 1}),
        (unheard, {}),
        (refused, {}),
        (gone, {}),
        (lambda client: client.stream("EMPTY"), {}),
        (lambda client: client.request("$JS.API.STREAM.MSG.GET.ORDERS", {"seq": 1}), {}),
        (lambda client: client.request("$JS.API.STREAM.MSG.DELETE.ORDERS", {"seq": 1}), {}),
    ],
    ids=[
        *("published", "duplicate", "purged", "recreated", "late start", "in memory", "many streams", "unheard"),
        *("refused", "gone", "made", "read", "deleted"),
    ],
)
def test_message_counts_when_a_stream_kept_it(observer, client, happens, expected):
    start = observer.position()
    happens(client)
    window = observer.between(start, observer.position())
    assert {(change.object, change.kind): change.count for change in window.committed} == expected
    assert window.rolled_back == ()


PUT, DELETED, PURGED = b"", b"KV-Operation: DEL\r\n", b"KV-Operation: PURGE\r\nNats-Rollup: sub\r\n"


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (["old"], {"message": 1}),
        ([DELETED + b"old"], {"removal": 1}),
        ([PURGED + b"old"], {"removal": 1}),
        ([DELETED + b"old", DELETED + b"other"], {"removal": 2}),
        (["new", DELETED + b"old"], {"message": 1, "removal": 1}),
        (["new", DELETED + b"new"], {"message": 1, "removal": 1}),
        (["new", "new"], {"message": 2}),
    ],
    ids=["put", "deleted", "purged", "two deleted", "put and another deleted", "put and deleted", "put twice"],
)
def test_key_of_a_bucket_that_is_taken_away_is_a_removal(observer, client, happens, expected):
    client.stream("KV_b", subjects=["$KV.b.>"], max_msgs_per_subject=1, allow_rollup_hdrs=True)
    for key in ("old", "other"):
        client.request(f"$KV.b.{key}", {})
    start = observer.position()
    for done in happens:
        if isinstance(done, str):
            client.request(f"$KV.b.{done}", {})
        else:
            lines, _, key = done.rpartition(b"\r\n")
            client.told(b"$KV.b." + key, lines + b"\r\n")
    end = observer.position()
    client.request("$KV.b.later", {})
    found = observer.between(start, end).committed
    assert {(change.object, change.kind): change.count for change in found} == {
        ("KV_b", kind): count for kind, count in expected.items()
    }


def test_many_deleted_keys_are_not_all_looked_at_and_prove_nothing(observer, client, monkeypatch):
    monkeypatch.setattr(observing, "_LOOKED_AT", 3)
    client.stream("KV_b", subjects=["$KV.b.>"], max_msgs_per_subject=1, storage="memory")
    start = observer.position()
    for number in range(9):
        client.told(b"$KV.b.%d" % number, DELETED)
    (change,) = observer.between(start, observer.position()).committed
    assert (change.kind, change.count) == ("removal", 9)


def test_server_that_ends_in_the_middle_is_no_silence(tmp_path):
    with nats(tmp_path) as (handle, services):
        made = NatsObserver(handle)
        made.position()
        (started,) = services._session.started
        os.kill(started.pid, signal.SIGKILL)
        with pytest.raises(OSError, match=r"closed|reset|pipe"):
            made.position()
        made.close()
        with pytest.raises(ServiceNotReady):
            NatsObserver(handle)


@contextmanager
def guarded(folder, *options):
    """Run the same server with a user, and with or without JetStream."""
    with nats(folder) as (_, services):
        binary = str(Path(f"/proc/{services._session.started[0].pid}/exe").readlink())
        port = servers.free_port()
        command = [binary, "-a", "127.0.0.1", "-p", str(port), "--user", "u", "--pass", "secret", *options]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            values = {"name": "n", "kind": "nats", "provider": "attach", "host": "127.0.0.1", "port": port}
            yield lambda password: ServiceHandle(url="", **values, user="u", password=password)
        finally:
            process.kill()
            process.wait()


def observed(handle):
    """Return an observer as soon as the server listens."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return NatsObserver(handle)
        except ServiceNotReady as error:
            if "refused" not in error.why or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_user_of_the_service_is_who_observes(tmp_path):
    with guarded(tmp_path, "-js", "-sd", str(tmp_path / "data")) as handle:
        made = observed(handle("secret"))
        assert made.position() == {}
        made.close()
        with pytest.raises(ServiceNotReady) as caught:
            observed(handle("wrong"))
        assert "Authorization Violation" in caught.value.why


def test_server_without_streams_is_not_observed(tmp_path):
    with guarded(tmp_path) as handle:
        with pytest.raises(ServiceNotReady) as caught:
            observed(handle("secret"))
        assert "is JetStream on?" in caught.value.why


def test_other_protocol_is_not_observed(server):
    del server
    with pytest.raises(ServiceNotReady, match="cannot be observed"):
        NatsObserver(ServiceHandle(name="n", kind="nats", provider="attach", host="127.0.0.1", port=1, url=""))

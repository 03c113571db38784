"""What counts as a written key, on a real Redis and a real Valkey: the table of truth."""

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from tests.harness import servers
from tests.support.managers import embedded, manager

from truegreen.errors import ServiceNotReady
from truegreen.model.persistence import Window
from truegreen.model.service import ServiceHandle
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.resp import Resp
from truegreen.stages.observers.redis import RedisObserver, ValkeyObserver


@contextmanager
def redis(folder):
    services = manager(folder / "project", folder, redis=embedded())
    (handle,) = services.up(("redis",))
    yield handle
    services.down()


@contextmanager
def valkey(folder):
    del folder
    with servers.running("valkey") as server:
        yield ServiceHandle(
            name="valkey", kind="valkey", provider="attach", host=server.host, port=server.port, url=server.url
        )


@pytest.fixture(scope="module", params=[redis, valkey], ids=lambda made: made.__name__)
def server(request, tmp_path_factory):
    with request.param(tmp_path_factory.mktemp("redis")) as handle:
        yield handle


def observer_of(server):
    return (ValkeyObserver if server.kind == "valkey" else RedisObserver)(server)


@pytest.fixture(scope="module")
def observer(server):
    made = observer_of(server)
    yield made
    made.close()


@pytest.fixture
def client(server):
    made = Resp(server.host, server.port)
    made.pipeline(
        [("FLUSHALL",), ("SET", "old", "1"), ("XADD", "log", "*", "k", "v"), ("XGROUP", "CREATE", "log", "g", "0")]
    )
    yield made
    made.close()


def changes(window):
    assert window.rolled_back == ()
    return {(change.database, change.object, change.kind): change.count for change in window.committed}


def written(observer, client, *commands):
    """Run commands, of which some may be refused, and return what the observer says of them."""
    start = observer.position()
    for command in commands:
        try:
            client.ask(*command.split("|"))
        except Refused:
            assert "refused" in command or "wrong" in command
    return changes(observer.between(start, observer.position()))


def test_position_that_is_asked_for_ahead_holds_what_was_written_before(observer, client):
    start = observer.position()
    client.ask("SET", "k", "1")
    observer.ahead(start)
    end = observer.position()
    assert changes(observer.between(start, end)) == {("0", "k", "set"): 1}
    assert changes(observer.between(end, observer.position())) == {}


COUNTS = {
    "set": (["SET|k|1"], {("0", "k", "set"): 1}),
    "same value": (["SET|old|1"], {("0", "old", "set"): 1}),
    "several": (["MSET|a|1|b|2", "SET|a|3"], {("0", "a", "set"): 2, ("0", "b", "set"): 1}),
    "hash": (["HSET|h|f|v|g|v"], {("0", "h", "hset"): 1}),
    "stream": (["XADD|log|*|k|v"], {("0", "log", "xadd"): 1}),
    "deleted": (["DEL|old"], {("0", "old", "del"): 1}),
    "deleted again": (["SET|k|1", "DEL|k"], {("0", "k", "set"): 1, ("0", "k", "del"): 1}),
    "transaction": (["MULTI", "SET|k|1", "EXEC"], {("0", "k", "set"): 1}),
    "script": (["EVAL|redis.call('set', KEYS[1], '1')|1|k"], {("0", "k", "set"): 1}),
    "another database": (["SELECT|3", "SET|k|1", "SELECT|0"], {("3", "k", "set"): 1}),
    "before a snapshot": (["SET|k|1", "SAVE"], {("0", "k", "set"): 1}),
    "after a snapshot": (["SAVE", "SET|k|1"], {("0", "k", "set"): 1}),
    "before it was emptied": (["SET|k|1", "FLUSHALL"], {("0", "k", "set"): 1}),
    "empty key name": (["SET||1"], {("0", "", "set"): 1}),
    "name with marks": (["SET|a__:b\r\n|1"], {("0", "a__:b\r\n", "set"): 1}),
}
NOTHING = {
    "read": ["GET|old", "TTL|old"],
    "discarded": ["MULTI", "SET|k|1", "DISCARD"],
    "there already": ["SETNX|old|2", "SET|old|2|NX"],
    "not there": ["DEL|none", "EXPIRE|none|9"],
    "wrong type": ["LPUSH|log|wrong"],
    "refused": ["SET|refused"],
    "published": ["PUBLISH|news|1"],
    "emptied": ["FLUSHDB", "FLUSHALL"],
    "acknowledged": ["XREADGROUP|GROUP|g|c|STREAMS|log|>"],
    "forged": ["PUBLISH|__keyevent@0__:set|k"],
}


@pytest.mark.parametrize("name", COUNTS)
def test_written_key_counts(observer, client, name):
    commands, expected = COUNTS[name]
    assert written(observer, client, *commands) == expected


@pytest.mark.parametrize("name", NOTHING)
def test_what_writes_no_key_does_not_count(observer, client, name):
    assert written(observer, client, *NOTHING[name]) == {}


def test_key_that_expires_meanwhile_does_not_count(observer, client):
    client.ask("SET", "brief", "1", "PX", "1")
    start = observer.position()
    while client.ask("EXISTS", "brief"):
        pass
    assert changes(observer.between(start, observer.position())) == {}


def test_field_that_expires_meanwhile_does_not_count_nor_does_the_hash_that_it_leaves_empty(observer, client, server):
    if server.kind == "redis":
        pytest.skip("fields expire from Redis 7.4 on; 6.2 runs here")
    for key, left in (("brief", 0), ("half", 1)):
        client.ask("HSET", key, "gone", "1", *["kept", "1"] * left)
        client.ask("HPEXPIRE", key, "30", "FIELDS", "1", "gone")
    start = observer.position()
    while client.ask("EXISTS", "brief") or client.ask("HLEN", "half") > 1:
        time.sleep(0.01)
    client.ask("SET", "k", "1")  # else the counter of changes may not have moved, and nothing is looked at
    assert changes(observer.between(start, observer.position())) == {("0", "k", "set"): 1}
    assert written(observer, client, "HDEL|half|kept") == {("0", "half", "hdel"): 1, ("0", "half", "del"): 1}


def test_more_classes_of_events_that_an_application_asks_for_count_nothing_more(observer, client, server):
    flags = client.ask("CONFIG", "GET", "notify-keyspace-events")[1]
    client.ask("CONFIG", "SET", "notify-keyspace-events", f"{flags}m{'n' if server.kind == 'valkey' else ''}")
    try:
        assert written(observer, client, "GET|none", "SET|k|1") == {("0", "k", "set"): 1}
        assert written(observer, client, "GET|none", "DEL|k") == {("0", "k", "del"): 1}
    finally:
        client.ask("CONFIG", "SET", "notify-keyspace-events", flags)


@pytest.mark.parametrize("event", ["new", "overwritten", "type_changed", "keymiss", "hexpired"])
def test_event_of_a_newer_server_that_tells_of_no_write_does_not_count(observer, client, event):
    """Published by hand, since no server that can be had here knows all of them."""
    forged = f"PUBLISH|__keyevent@0__:{event}|k"
    assert written(observer, client, forged, "SET|k|1") == {("0", "k", "set"): 1}


def test_writes_of_others_meanwhile_count_once_in_the_window_they_fall_into(observer, client, server):
    other = Resp(server.host, server.port)
    first = observer.position()
    client.ask("SET", "mine", "1")
    second = observer.position()
    other.ask("SET", "theirs", "1")
    third = observer.position()
    assert changes(observer.between(first, second)) == {("0", "mine", "set"): 1}
    assert changes(observer.between(second, third)) == {("0", "theirs", "set"): 1}
    other.close()
    with pytest.raises(ValueError, match="not consecutive"):
        observer.between(first, third)


def test_more_keys_than_are_named_are_summed(observer, client):
    start = observer.position()
    client.pipeline(
        [
            ("MSET", *(word for n in range(batch, batch + 500) for word in (f"k{n:05}", "1")))
            for batch in range(0, 10_500, 500)
        ]
    )
    seen = observer.between(start, observer.position()).committed
    assert sum(change.count for change in seen) == 10_500
    assert (len(seen), seen[-1].object, seen[-1].count) == (10_001, "(others)", 500)


def test_name_without_end_is_kept_in_part(observer, client):
    assert written(observer, client, f"SET|{'k' * 100_000}|1") == {("0", "k" * 500, "set"): 1}


@pytest.mark.parametrize("flags", ["", "xE", "xK", "AK"])
def test_events_that_an_application_turns_off_are_no_silence_and_only_there(server, observer, client, flags):
    first = observer.position()
    client.pipeline([("SET", "before", "1"), ("CONFIG", "SET", "notify-keyspace-events", flags), ("SET", "k", "1")])
    second = observer.position()
    client.ask("SET", "after", "1")
    third = observer.position()
    lost = observer.between(first, second)
    assert ("0", "before", "set") in changes(lost)
    assert f"the application set notify-keyspace-events to {flags!r} meanwhile" in lost.problem
    assert f"let it set 'AE{'K' if 'K' in flags else ''}'" in lost.problem
    again = observer.between(second, third)
    assert (changes(again), again.problem) == ({("0", "after", "set"): 1}, "")
    assert set(client.ask("CONFIG", "GET", "notify-keyspace-events")[1]) >= {*"AE", *set(flags) & {"K"}}


def test_events_that_an_application_turns_off_where_nothing_is_written_are_missed_by_nobody(observer, client):
    first = observer.position()
    client.ask("CONFIG", "SET", "notify-keyspace-events", "Ex")
    client.ask("GET", "old")
    second = observer.position()
    assert observer.between(first, second) == Window()
    client.ask("SET", "k", "1")
    assert changes(observer.between(second, observer.position())) == {("0", "k", "set"): 1}


def test_connection_that_somebody_kills_is_no_silence(server):
    made, client = observer_of(server), Resp(server.host, server.port)
    made.position()
    client.ask("CLIENT", "KILL", "TYPE", "pubsub")
    with pytest.raises(OSError, match=r"closed|reset|pipe"):
        made.position()
    client.close()


def test_server_that_needs_a_password_is_observed_with_it_alone(server):
    client = Resp(server.host, server.port)
    client.ask("CONFIG", "SET", "requirepass", "secret")
    try:
        with pytest.raises(ServiceNotReady, match="cannot be observed") as caught:
            observer_of(server)
        assert "NOAUTH" in caught.value.why
        handle = ServiceHandle(
            name="r", kind=server.kind, provider="attach", host=server.host, port=server.port, url="", password="secret"
        )
        observer_of(handle).close()
    finally:
        client.ask("CONFIG", "SET", "requirepass", "")
        client.close()


def test_server_of_before_the_third_version_is_not_observed():
    def answer(listener):
        sock, _ = listener.accept()
        with sock:
            sock.recv(1000)
            sock.sendall(b"-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n")  # as Redis 5 says

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        with pytest.raises(ServiceNotReady, match="cannot be observed") as caught:
            observer_of(ServiceHandle(name="r", kind="redis", provider="attach", host="127.0.0.1", port=port, url=""))
    assert "unknown command" in caught.value.why
    assert "HELLO 3 (version 6)" in caught.value.fix


def test_replica_is_not_observed(server):
    client = Resp(server.host, server.port)
    client.ask("REPLICAOF", server.host, "1")
    try:
        with pytest.raises(ServiceNotReady) as caught:
            observer_of(server)
        assert "READONLY" in caught.value.why
    finally:
        client.ask("REPLICAOF", "NO", "ONE")
        client.close()


def test_server_that_ends_in_the_middle_is_no_silence():
    with servers.running("valkey") as server:
        handle = ServiceHandle(
            name="valkey", kind="valkey", provider="attach", host=server.host, port=server.port, url=server.url
        )
        made = ValkeyObserver(handle)
        made.position()
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(OSError, match=r"closed|reset|pipe"):
            made.position()
        made.close()
        with pytest.raises(ServiceNotReady):
            ValkeyObserver(handle)

"""Whose settings a Redis and a Valkey have while they are observed, and whose afterwards."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from tests.integration.stages_pytest.test_observe_redis import changes, client, observer_of, redis, valkey, written

from truegreen.errors import ServiceNotReady
from truegreen.model.service import ServiceHandle
from truegreen.runtime.wire.resp import Resp

__all__ = ["client"]


@pytest.fixture(scope="module", params=[redis, valkey], ids=lambda made: made.__name__)
def server(request, tmp_path_factory):
    with request.param(tmp_path_factory.mktemp("redis")) as handle:
        yield handle


def test_observer_leaves_the_server_as_it_was(server):
    client = Resp(server.host, server.port)
    names = ("notify-keyspace-events", "client-output-buffer-limit")
    client.ask("CONFIG", "SET", names[0], "Kg")
    before = [client.ask("CONFIG", "GET", name) for name in names]
    keys = client.ask("DBSIZE")
    made = observer_of(server)
    assert [client.ask("CONFIG", "GET", name) for name in names] != before
    made.close()
    after = [client.ask("CONFIG", "GET", name) for name in names]
    assert [sorted(value) for _, value in after] == [sorted(value) for _, value in before]
    assert client.ask("DBSIZE") == keys
    client.ask("CONFIG", "SET", names[0], "AE")
    client.close()


KILLED = """
import os, signal, sys
import msgspec
from truegreen import registry
from truegreen.model.service import ServiceHandle
server = msgspec.json.decode(sys.argv[1], type=ServiceHandle)
observer = registry.load("observer", server.kind)(server)
os.kill(os.getpid(), signal.SIGKILL)
"""
LIMITS = "pubsub 33554432 8388608 60"


@pytest.fixture
def settings(server):
    """Tell the two settings, which were set to values that are nobody's default."""
    client = Resp(server.host, server.port)

    def told():
        flags, limits = (
            client.ask("CONFIG", "GET", name)[1] for name in ("notify-keyspace-events", "client-output-buffer-limit")
        )
        return "".join(sorted(flags)), limits[limits.index("pubsub") :]

    client.ask("CONFIG", "SET", "notify-keyspace-events", "Kg$")
    client.ask("CONFIG", "SET", "client-output-buffer-limit", LIMITS)
    yield told
    client.ask("CONFIG", "SET", "notify-keyspace-events", "AE")
    client.close()


def test_settings_that_a_killed_observer_left_are_given_back_by_the_next_one(server, settings):
    before = settings()
    assert before == ("$Kg", LIMITS)
    command = [sys.executable, "-c", KILLED, msgspec.json.encode(server).decode()]
    for _ in range(2):
        assert subprocess.run(command, check=False).returncode == -9
        assert settings() != before
    client = Resp(server.host, server.port)
    client.ask("FLUSHALL")
    client.close()
    observer_of(server).close()
    assert settings() == before


def test_observer_that_ends_leaves_the_settings_to_another_one(server, settings, client):
    before = settings()
    first, second = observer_of(server), observer_of(server)
    first.close()
    assert written(second, client, "SET|k|1") == {("0", "k", "set"): 1}
    assert settings() != before
    second.close()
    assert settings() == before


def test_observer_that_comes_writes_nothing_that_another_one_counts(server, settings):
    first = observer_of(server)
    start = first.position()
    observer_of(server).close()
    assert changes(first.between(start, first.position())) == {}
    first.close()


def test_observers_that_come_and_go_at_once_give_back_what_was_there(server, settings):
    before = settings()

    def come_and_go(_):
        for _ in range(10):
            observer = observer_of(server)
            observer.position()
            observer.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come_and_go, range(4)))
    assert settings() == before


def test_observer_that_cannot_begin_leaves_the_settings_as_they_were(server, settings):
    before = settings()
    client = Resp(server.host, server.port)
    client.ask("ACL", "SETUSER", "half", "on", ">secret", "~*", "+@all", "-psubscribe")
    handle = ServiceHandle(
        name="r", kind=server.kind, provider="attach", host=server.host, port=server.port, url="", user="half",
        password="secret",
    )  # fmt: skip
    try:
        with pytest.raises(ServiceNotReady, match="cannot be observed"):
            observer_of(handle)
        assert settings() == before
    finally:
        client.ask("ACL", "DELUSER", "half")
        client.close()

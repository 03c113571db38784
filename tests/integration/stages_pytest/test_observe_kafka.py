"""What counts as a record that was committed, on a real Kafka: the table of truth."""

import os
import signal

import pytest
from tests.harness import servers
from tests.support.kafka_producer import Producer

from truegreen.errors import ServiceNotReady
from truegreen.model.service import ServiceHandle
from truegreen.stages.observers.kafka import KafkaObserver

pytestmark = pytest.mark.slow


def handle_of(server, **more):
    values = {"name": "events", "kind": "kafka", "provider": "attach", "host": server.host, "port": server.port}
    return ServiceHandle(url="", **{**values, **more})


@pytest.fixture(scope="module")
def server():
    with servers.running("kafka") as made:
        client = Producer(made.host, made.port)
        client.create("orders", 3)
        client.publish("orders", [b"old"])
        client.close()
        yield made


@pytest.fixture(scope="module")
def observer(server):
    made = KafkaObserver(handle_of(server))
    yield made
    made.close()


@pytest.fixture
def client(server):
    made = Producer(server.host, server.port)
    yield made
    made.close()


def transaction(*ends, values=(b"1", b"2")):
    def happens(client):
        for end in ends:
            who = client.begin("t")
            client.add("t", who, "orders")
            assert client.publish("orders", values, name="t", who=who, sequence=0) == 0
            client.publish("orders", [b"of somebody else, meanwhile"])
            client.end("t", who, commit=end == "commit")

    return happens


def fresh(client):
    client.create("fresh", 2)
    assert client.publish("fresh", [b"1"], 1) == 0


def deleted(client):
    client.create("gone")
    assert client.publish("gone", [b"1"]) == 0
    client.delete("gone")


def sent_twice(client):
    who = client.begin("again")
    client.add("again", who, "orders")
    for _ in range(2):
        client.publish("orders", [b"1"], name="again", who=who, sequence=0)
    client.end("again", who, commit=True)


def many(client):
    for _ in range(30):
        client.publish("orders", [b"x" * 1000] * 40, 2)


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (lambda client: client.publish("orders", [b"1", b"2", b"3"], 1), {"orders": 3}),
        (lambda client: (client.publish("orders", [b"1"], 1), client.publish("orders", [b"2"], 2)), {"orders": 2}),
        (fresh, {"fresh": 1}),
        (many, {"orders": 1200}),
        (transaction("commit"), {"orders": 3}),
        (transaction("abort"), {"orders": 1}),
        (transaction("abort", "commit", "abort"), {"orders": 5}),
        (sent_twice, {"orders": 1}),
        (lambda client: client.publish("nowhere else", [b"1"]), {}),
        (deleted, {}),
        (lambda client: client.create("empty"), {}),
        (lambda client: client.partitions(), {}),
    ],
    ids=[
        *("one batch", "two partitions", "made meanwhile", "many", "committed", "aborted", "aborted and committed"),
        *("sent twice", "refused", "deleted", "empty", "read"),
    ],
)
def test_record_counts_when_it_is_committed(observer, client, happens, expected):
    start = observer.position()
    happens(client)
    window = observer.between(start, observer.position())
    assert {change.object: change.count for change in window.committed} == expected
    assert {change.kind for change in window.committed} <= {"message"}


def test_open_transaction_counts_where_it_is_committed(observer, client):
    who = client.begin("open")
    client.add("open", who, "orders", 1)
    first = observer.position()
    client.publish("orders", [b"1", b"2"], 1, name="open", who=who, sequence=0)
    second = observer.position()
    client.end("open", who, commit=True)
    third = observer.position()
    assert observer.between(first, second).committed == ()
    assert [change.count for change in observer.between(second, third).committed] == [2]


def test_topic_made_anew_under_its_name_is_counted_from_its_beginning(observer, client):
    client.create("anew")
    client.publish("anew", [b"1"] * 5)
    start = observer.position()
    client.delete("anew")
    client.create("anew")
    client.publish("anew", [b"1"] * 2)
    assert [change.count for change in observer.between(start, observer.position()).committed] == [2]


def test_other_protocol_is_not_observed():
    with pytest.raises(ServiceNotReady, match="cannot be observed"):
        KafkaObserver(ServiceHandle(name="k", kind="kafka", provider="attach", host="127.0.0.1", port=1, url=""))


def test_server_that_ends_in_the_middle_is_no_silence():
    with servers.running("kafka") as server:
        made = KafkaObserver(handle_of(server))
        made.position()
        os.killpg(server.pid, signal.SIGKILL)
        with pytest.raises(OSError, match=r"closed|reset|pipe"):
            made.position()
        made.close()

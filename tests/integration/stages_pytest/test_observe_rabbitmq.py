"""What counts as a message that a queue kept, on a real RabbitMQ: the table of truth."""

import itertools
import os
import signal
import struct

import pytest
from tests.harness import servers

from truegreen.errors import ServiceNotReady
from truegreen.model.service import ServiceHandle
from truegreen.runtime.wire.amqp import Amqp, long, short
from truegreen.runtime.wire.channel import Refused
from truegreen.stages.observers.rabbitmq import RabbitMqObserver

pytestmark = pytest.mark.slow


def handle_of(server, **more):
    values = {"name": "mq", "kind": "rabbitmq", "provider": "attach", "host": server.host, "port": server.port}
    api = {"RABBITMQ_API_URL": f"http://{server.host}:{server.ports['management']}"}
    return ServiceHandle(url="", exports=api, **{**values, "user": server.user, "password": server.password, **more})


@pytest.fixture(scope="module")
def server():
    with servers.running("rabbitmq") as made:
        yield made


@pytest.fixture(scope="module")
def observer(server):
    made = RabbitMqObserver(handle_of(server))
    yield made
    made.close()


class Client(Amqp):
    """A publisher on channel 1, which waits for the broker's confirms unless it is told otherwise."""

    def __init__(self, server, *, confirms=True):
        super().__init__(server.host, server.port, user=server.user, password=server.password, vhost="/")
        self.channel(1)
        self.confirms = confirms
        if confirms:
            self.call(1, (85, 10), b"\0", (85, 11))

    def declare(self, name, *, durable=True, kind=""):
        kind = short("x-queue-type") + b"S" + long(kind.encode()) if kind else b""
        self.call(1, (50, 10), b"\0\0" + short(name) + bytes([0b10 * durable]) + long(kind), (50, 11))

    def delete(self, name):
        self.call(1, (50, 40), b"\0\0" + short(name) + b"\0", (50, 41))

    def purge(self, name):
        self.call(1, (50, 30), b"\0\0" + short(name) + b"\0", (50, 31))

    def publish(self, key, *, exchange="", persistent=True, count=1):
        for _ in range(count):
            self.method(1, (60, 40), b"\0\0" + short(exchange) + short(key) + b"\0")
            mode = b"\x02" if persistent else b"\x01"
            self.frame(2, 1, struct.pack("!HHQ", 60, 0, 5) + b"\x10\0" + mode)
            self.frame(3, 1, b"hello")
            if self.confirms:
                self.expect((60, 80))


@pytest.fixture
def client(server):
    made = Client(server)
    made.declare("orders")
    made.purge("orders")
    made.publish("orders", count=2)
    yield made
    made.close()


def transaction(server, end):
    def happens(_client):
        other = Client(server, confirms=False)
        other.call(1, (90, 10), b"", (90, 11))
        other.publish("orders", count=2)
        other.call(1, (90, end), b"", (90, end + 1))
        other.close()

    return happens


def exchanged(client):
    client.declare("copies")
    client.bind(1, "orders", "amq.topic", "order.#")
    client.bind(1, "copies", "amq.topic", "order.#")
    client.publish("order.made", exchange="amq.topic")


def fresh_queue(client):
    client.declare("fresh")
    client.publish("fresh")


def in_memory(client):
    client.declare("brief", durable=False)
    client.publish("brief")


def quorum(client):
    client.declare("agreed", kind="quorum")
    client.publish("agreed", persistent=False)


def stream(client):
    client.declare("events", kind="stream")
    client.publish("events", persistent=False, count=2)


def consumed(client):
    client.publish("orders", count=3)
    assert len(client.fetch(1, "orders", 5)) == 5


def deleted_again(client):
    client.declare("gone")
    client.publish("gone")
    client.delete("gone")


def unconfirmed(server):
    def happens(_client):
        other = Client(server, confirms=False)
        other.publish("orders")
        other.waiting(1, "orders")  # the broker has read it
        other.close()

    return happens


ORDER = {("orders", "message"): 1}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("published", ORDER),
        ("exchanged", {**ORDER, ("copies", "message"): 1}),
        ("fresh queue", {("fresh", "message"): 1}),
        ("quorum", {("agreed", "message"): 1}),
        ("stream", {("events", "message"): 2}),
        ("private", {}),
        ("consumed", {("orders", "message"): 3}),
        ("unconfirmed", ORDER),
        ("committed", {("orders", "message"): 2}),
        ("not persistent", {("orders", "transient-message"): 1}),
        ("in memory", {("brief", "transient-message"): 1}),
        ("rolled back", {}),
        ("unroutable", {}),
        ("no such queue", {}),
        ("deleted again", {}),
        ("purged", {}),
        ("read", {}),
    ],
)
def test_message_counts_when_a_queue_kept_it(observer, client, server, name, expected):
    happens = {
        "published": lambda client: client.publish("orders"),
        "exchanged": exchanged,
        "fresh queue": fresh_queue,
        "quorum": quorum,
        "stream": stream,
        "private": lambda client: client.publish(client.queue(1)),
        "consumed": consumed,
        "unconfirmed": unconfirmed(server),
        "committed": transaction(server, 20),
        "not persistent": lambda client: client.publish("orders", persistent=False),
        "in memory": in_memory,
        "rolled back": transaction(server, 30),
        "unroutable": lambda client: client.publish("nobody.listens", exchange="amq.topic"),
        "no such queue": lambda client: client.publish("nowhere"),
        "deleted again": deleted_again,
        "purged": lambda client: (client.publish("orders"), client.purge("orders")),
        "read": lambda client: client.fetch(1, "orders", 1),
    }[name]
    start = observer.position()
    happens(client)
    window = observer.between(start, observer.position())
    assert {(change.object, change.kind): change.count for change in window.committed} == expected


def test_messages_of_many_phases_are_told_apart(observer, client):
    positions = [observer.position()]
    for count in (1, 0, 2):
        client.publish("orders", count=count)
        positions.append(observer.position())
    windows = [observer.between(*pair) for pair in itertools.pairwise(positions)]
    assert [sum(change.count for change in window.committed) for window in windows] == [1, 0, 2]
    with pytest.raises(ValueError, match="not consecutive"):
        observer.between(positions[0], positions[2])


def test_broker_traces_no_longer_after_the_end(server):
    first = RabbitMqObserver(handle_of(server))
    first._api("PUT", "/vhosts/%2F", {"tracing": False})
    made = RabbitMqObserver(handle_of(server))
    assert first._api("GET", "/vhosts/%2F")["tracing"] is True
    made.close()
    assert first._api("GET", "/vhosts/%2F")["tracing"] is False
    first._api("PUT", "/vhosts/%2F", {"tracing": True})
    first._tracing = True
    first.close()


def test_broker_that_does_not_let_itself_be_traced_is_told(server):
    with pytest.raises(ServiceNotReady, match="cannot be traced") as caught:
        RabbitMqObserver(handle_of(server, password="wrong"))
    assert "401" in caught.value.why
    with pytest.raises(ServiceNotReady) as caught:
        RabbitMqObserver(handle_of(server, port=server.ports["management"]))
    assert "management plugin" in caught.value.fix


def test_wrong_login_is_refused_by_the_broker(server):
    with pytest.raises(Refused, match="ACCESS_REFUSED"):
        Amqp(server.host, server.port, user="guest", password="wrong", vhost="/")


def test_server_that_ends_in_the_middle_is_no_silence():
    with servers.running("rabbitmq") as server:
        made = RabbitMqObserver(handle_of(server))
        made.position()
        os.killpg(server.pid, signal.SIGKILL)
        with pytest.raises(OSError, match=r"closed|reset|pipe"):
            made.position()
        made.close()

"""What comes over a wire is foreign: it is understood, or refused, and never taken for rows that were not committed."""

import socket
import struct
import threading

from hypothesis import example, given, settings
from hypothesis import strategies as st

from truegreen.runtime.wire.amqp import Amqp
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.kafka import Kafka
from truegreen.runtime.wire.mysql import MySql
from truegreen.runtime.wire.nats import Nats
from truegreen.runtime.wire.resp import Push, Resp
from truegreen.runtime.wire.s3 import elements
from truegreen.stages.observers._binlog import Binlog

REFUSALS = (OSError, ValueError, LookupError, struct.error, Refused)
"""What an observer takes for blindness."""
FEW = settings(max_examples=60)


def served(data, ask):
    """Return what asking a server gives that answers with some bytes and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        sock, _ = listener.accept()
        with sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):
                pass

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        return ask(*listener.getsockname())
    finally:
        thread.join(5)
        listener.close()


def refused_or(ask):
    """Return a way to ask that may be refused."""

    def asked(host, port):
        connection = None
        try:
            connection = ask(host, port)
        except REFUSALS:
            return
        finally:
            if connection is not None:
                connection.close()

    return asked


replies = st.recursive(
    st.none() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


def encoded(reply):
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, str):
        return b"$%d\r\n%s\r\n" % (len(reply.encode()), reply.encode())
    return b"*%d\r\n" % len(reply) + b"".join(map(encoded, reply))


def depth(reply):
    return 1 + max(map(depth, reply), default=0) if isinstance(reply, list) else 0


@FEW
@given(replies.filter(lambda reply: depth(reply) < 8))
def test_reply_of_redis_is_read_as_it_was_sent(reply):
    def ask(host, port):
        connection = Resp(host, port)
        try:
            return connection.ask("PING")
        finally:
            connection.close()

    assert served(encoded(reply), ask) == reply


@FEW
@given(st.lists(st.tuples(replies, replies), max_size=5), st.text(max_size=20))
def test_reply_of_the_third_version_is_read_as_it_was_sent(pairs, text):
    flat = [value for pair in pairs for value in pair]
    verbatim = b"=%d\r\ntxt:%s\r\n" % (len(text.encode()) + 4, text.encode())
    pushed = b">%d\r\n" % (len(flat) + 1) + verbatim + b"".join(map(encoded, flat))
    mapped = b"%%%d\r\n" % len(pairs) + b"".join(map(encoded, flat))

    def ask(host, port):
        connection = Resp(host, port)
        try:
            connection.put([("PING",)])
            return [connection.reply() for _ in range(4)]
        finally:
            connection.close()

    first, second, nothing, last = served(pushed + mapped + b"_\r\n" + verbatim, ask)
    assert (first, second, nothing, last) == ([text, *flat], flat, None, text)
    assert (type(first), type(second)) == (Push, list)


@FEW
@given(st.binary(max_size=200))
@example(b"*2147483647\r\n" + b"$-1\r\n" * 9)
@example(b"$2147483647\r\n")
@example(b"INFO {}\r\n-ERR 'no'\r\n")
@example(b"\xff\xff\xff\x00")
@example(b"\x01\x00\x00\xff\xff\xff\xff" * 3)
@example(b"\x7f\xff\xff\xff\x00\x00\x00\x01")
def test_server_of_another_protocol_is_refused_and_never_waited_for(data):
    for ask in (
        lambda host, port: Resp(host, port).pipeline([("PING",)]) and None,
        Nats,
        lambda host, port: MySql(host, port, user="u", password="p"),
        lambda host, port: Amqp(host, port, user="u", password="p", vhost="/"),
        lambda host, port: Kafka(host, port).partitions() and None,
    ):
        served(data, refused_or(ask))


kinds = st.sampled_from([2, 4, 15, 19, 20, 23, 24, 25, 30, 31, 32, 38, 160, 255])


@given(st.lists(st.tuples(kinds, st.binary(max_size=60)), max_size=12), st.booleans())
def test_events_without_a_commit_never_commit_rows(events, checksums):
    binlog = Binlog("f", 4, checksums=checksums)
    for kind, body in events:
        if kind == 2 and any(word in body.upper() for word in (b"COMMIT", b"TRUNCATE")):
            continue
        given_body = b"\0" + body[1:] if kind == 38 else body  # prepared, not committed in one phase
        try:
            binlog.feed(struct.pack("<IBIIIH", 0, kind, 1, 19 + len(given_body), 0, 0) + given_body)
        except REFUSALS:
            continue
    assert not binlog.taken()[0]


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@example(b"<a><b>1</b><b>2</b></a>")
def test_answer_of_s3_is_elements_or_refused(document):
    try:
        found = elements(document, ("b",))
    except ValueError:
        return
    assert found

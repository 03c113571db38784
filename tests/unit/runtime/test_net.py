"""Ports and probes, against real sockets."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from truegreen.runtime import net


class Answers(BaseHTTPRequestHandler):
    """Answers with the status in the path; `/endless` begins an answer that takes long to end, `/silent` none."""

    seen: list[str]
    hits = 0

    def do_GET(self):
        type(self).hits += 1
        Answers.seen = [self.headers["User-Agent"]]
        name = self.path.strip("/")
        if name == "silent":
            time.sleep(0.3)
            return
        self.send_response(200 if name == "endless" else int(name))
        self.send_header("Location", "/200")
        self.end_headers()
        for _ in range(20 if name == "endless" else 0):
            try:
                self.wfile.write(b"x")
            except OSError:
                return
            time.sleep(0.1)

    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture(scope="module")
def server():
    httpd = ThreadingHTTPServer((net.LOOPBACK, 0), Answers)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://{net.LOOPBACK}:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@contextmanager
def listening():
    with socket.create_server((net.LOOPBACK, 0)) as listener:
        yield listener.getsockname()[1]


def test_free_port_can_be_listened_on_at_once():
    port = net.free_port()
    assert not net.port_taken(port)
    with socket.create_server((net.LOOPBACK, port)):
        assert net.port_taken(port)


def test_port_taken_while_somebody_listens_only():
    with listening() as port:
        assert net.port_taken(port)
    assert not net.port_taken(port)


def test_port_taken_just_closed_connection_does_not_count():
    with listening() as port:
        pass
    with socket.create_server((net.LOOPBACK, port)) as listener:
        client = socket.create_connection((net.LOOPBACK, port))
        accepted, _ = listener.accept()
        accepted.close()  # the server's side closes first, and waits in TIME_WAIT
        client.close()
    assert not net.port_taken(port)


def test_port_taken_address_that_is_not_ours_counts_as_free():
    assert not net.port_taken(80, "192.0.2.1")


def test_answers_where_somebody_listens_only():
    with listening() as port:
        assert net.answers(net.LOOPBACK, port)
    assert not net.answers(net.LOOPBACK, port)


def test_answers_unknown_host_is_no():
    assert not net.answers("host.invalid", 80)


@pytest.mark.parametrize("status", [200, 204, 404, 503])
def test_http_status_is_the_one_of_the_answer(server, status):
    assert net.http_status(f"{server}/{status}") == status
    assert Answers.seen == ["truegreen"]


def test_http_status_redirect_is_not_followed(server):
    before = Answers.hits
    assert net.http_status(f"{server}/302") == 302
    assert Answers.hits == before + 1


def test_http_status_answer_that_never_ends_is_not_waited_for(server):
    start = time.monotonic()
    assert net.http_status(f"{server}/endless") == 200
    assert time.monotonic() - start < 1


def test_http_status_nobody_there_is_the_reason():
    with listening() as port:
        pass
    reason = net.http_status(f"http://{net.LOOPBACK}:{port}/")
    assert isinstance(reason, str)
    assert "refused" in reason


def test_http_status_silence_is_the_reason(server):
    reason = net.http_status(f"{server}/silent", timeout_s=0.05)
    assert isinstance(reason, str)
    assert "timed out" in reason


def test_http_status_other_protocol_is_the_reason():
    with socket.create_server((net.LOOPBACK, 0)) as listener:

        def greet():
            accepted, _ = listener.accept()
            accepted.recv(1000)
            accepted.sendall(b"-ERR unknown command\r\n")
            accepted.close()

        thread = threading.Thread(target=greet)
        thread.start()
        reason = net.http_status(f"http://{net.LOOPBACK}:{listener.getsockname()[1]}/")
        thread.join()
    assert isinstance(reason, str)
    assert reason


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:99999/", "ftp://127.0.0.1/", "http://host.invalid/"])
def test_http_status_url_that_leads_nowhere_is_a_reason(url):
    reason = net.http_status(url)
    assert isinstance(reason, str)
    assert reason

"""Real servers without containers: each answers, and nothing of it is left."""

import socket
from pathlib import Path

import pytest
from tests.harness import servers
from tests.harness.shell import HarnessError

# MinIO and OPA take minutes to build once; the tests that use them start them.
QUICK = ("mariadb", "valkey", "rabbitmq", "kafka")


def listens(port):
    with socket.socket() as sock:
        return sock.connect_ex((servers.HOST, port)) == 0


def processes_of(folder):
    """Return the processes whose command line, environment or folder names the data folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in text:
            found.append(text[:200])
    return found


@pytest.mark.parametrize("kind", QUICK)
def test_server_answers_and_nothing_is_left_of_it(kind):
    with servers.running(kind) as server:
        assert all(listens(port) for port in (server.port, *server.ports.values()))
        assert server.version[0].isdigit()
        assert Path(f"/proc/{server.pid}").exists()
    assert not server.data.exists()
    assert processes_of(server.data) == []
    assert not any(listens(port) for port in (server.port, *server.ports.values()))


def test_server_is_stopped_after_an_interrupt():
    with pytest.raises(KeyboardInterrupt), servers.running("valkey") as server:
        raise KeyboardInterrupt
    assert not listens(server.port)
    assert not server.data.exists()


def test_two_servers_of_a_kind_run_at_once():
    with servers.running("valkey") as first, servers.running("valkey") as second:
        assert first.port != second.port


def test_server_that_cannot_start_shows_its_log(monkeypatch):
    with servers.running("valkey") as first:
        monkeypatch.setattr(servers, "free_port", lambda: first.port)
        monkeypatch.setattr(servers, "listens", lambda _port: False)  # the first one listens there
        with pytest.raises(HarnessError, match="already in use"):
            servers.running("valkey").__enter__()

"""Tests that leave their machine: blocked while they run, with the host and the way out; this machine stays free."""

from __future__ import annotations

import json

import pytest

pytest_plugins = ["pytester"]

# 192.0.2.0/24 and 198.51.100.0/24 are set aside for documentation (RFC 5737), `.invalid` for names (RFC 6761):
# nothing ever answers there, and a test that gets through shows itself by another error.
FREE = """
import asyncio, os, socket, tempfile
import pytest

@pytest.fixture(scope="session")
def port():
    server = socket.create_server(("127.0.0.1", 0))
    yield server.getsockname()[1]
    server.close()

def test_loopback(port): socket.create_connection(("127.0.0.1", port)).close()
def test_localhost(port): socket.create_connection(("localhost", port)).close()
def test_bytes(port): socket.socket().connect((b"127.0.0.1".decode(), port))
def test_own_name(): socket.getaddrinfo(socket.gethostname(), None)
def test_nothing(): socket.getaddrinfo(None, 80)
def test_unix(tmp_path):
    with tempfile.TemporaryDirectory() as folder:
        server = socket.socket(socket.AF_UNIX); server.bind(folder + "/s"); server.listen()
        socket.socket(socket.AF_UNIX).connect(folder + "/s")
def test_pair():
    one, two = socket.socketpair(); one.sendall(b"a"); assert two.recv(1) == b"a"
def test_udp(): socket.socket(type=socket.SOCK_DGRAM).sendto(b"a", ("127.0.0.1", 9))
def test_asyncio(port):
    async def main():
        _, writer = await asyncio.open_connection("localhost", port); writer.close()
    asyncio.run(main())
def test_mapped(port):
    if not socket.has_ipv6: pytest.skip("no IPv6")
    with socket.socket(socket.AF_INET6) as one: one.connect_ex(("::ffff:127.0.0.1", port))
"""
BLOCKED = """
import asyncio, socket, urllib.request
import pytest

def test_address(): socket.create_connection(("192.0.2.1", 80), timeout=1)
def test_name(): socket.create_connection(("db.example.invalid", 5432), timeout=1)
def test_connect_ex(): socket.socket().connect_ex(("192.0.2.2", 80))
def test_six():
    with socket.socket(socket.AF_INET6) as one: one.connect(("2001:db8::1", 80))
def test_udp(): socket.socket(type=socket.SOCK_DGRAM).sendto(b"a", ("192.0.2.3", 53))
def test_old(): socket.gethostbyname("old.example.invalid")
def test_client(): urllib.request.urlopen("http://api.example.invalid/", timeout=1)
def test_asyncio(): asyncio.run(asyncio.open_connection("async.example.invalid", 80))
def test_swallowed():
    try: socket.create_connection(("192.0.2.4", 80), timeout=1)
    except Exception: pass
@pytest.fixture
def quiet():
    try: socket.create_connection(("192.0.2.5", 80), timeout=1)
    except Exception: pass
def test_fixture(quiet): pass
"""


@pytest.fixture
def blocked(pytester, monkeypatch):
    """A way to run tests with the plugin in a process of their own; audit hooks stay for the life of one."""

    def run(text, *args, allow=()):
        monkeypatch.setenv("TRUEGREEN_NETWORK", allow if isinstance(allow, str) else json.dumps(allow))
        pytester.makepyfile(test_it=text)
        return pytester.runpytest_subprocess("-p", "truegreen_pytest", "-p", "no:cacheprovider", *args)

    return run


def test_this_machine_stays_free(blocked):
    result = blocked(FREE)
    assert result.parseoutcomes().get("failed", 0) == 0, result.stdout.str()
    assert result.parseoutcomes()["passed"] >= 9


def test_every_way_out_is_blocked_with_test_host_and_remedy(blocked):
    result = blocked(BLOCKED)
    text = result.stdout.str()
    result.assert_outcomes(failed=10)
    assert text.count("NetworkBlocked: test_it.py::") == 10
    names = ("db", "old", "api", "async")
    hosts = ["192.0.2.1 port 80", "192.0.2.2 port 80", "2001:db8::1 port 80", "192.0.2.3", "192.0.2.4", "192.0.2.5"]
    for host in (*hosts, *(f"{name}.example.invalid" for name in names)):
        assert f"tried to reach {host}" in text
    assert 'network-allow = ["192.0.2.1"] in [tool.truegreen.unit]' in text


ALLOWED = """
import errno, socket
def test_allowed():
    with socket.socket() as one:
        one.settimeout(0.05)
        one.connect_ex(("{host}", 80))
"""


@pytest.mark.parametrize(
    ("host", "allow", "passes"),
    [
        ("192.0.2.1", ["192.0.2.1"], True),
        ("192.0.2.1", ["192.0.2.0/24"], True),
        ("192.0.2.1", ["198.51.100.0/24"], False),
        ("192.0.2.1", ["*"], True),
        ("192.0.2.1", [], False),
    ],
)
def test_allow_list_lets_out_what_it_names(blocked, host, allow, passes):
    result = blocked(ALLOWED.format(host=host), allow=allow)
    result.assert_outcomes(**{"passed" if passes else "failed": 1})


def test_name_that_is_allowed_may_be_asked_for_and_no_other(blocked):
    text = """
        import socket, pytest
        @pytest.mark.parametrize("name", ["api.example.invalid", "API.example.invalid.", "other.invalid"])
        def test_name(name):
            with pytest.raises(socket.gaierror): socket.getaddrinfo(name, 80)
    """
    result = blocked(text, allow=["*.example.invalid"])
    result.assert_outcomes(passed=2, failed=1)
    assert "tried to reach other.invalid" in result.stdout.str()


def test_network_is_open_outside_tests_and_without_the_variable(blocked, pytester, monkeypatch):
    outside = (
        "import socket\nwith socket.socket(type=socket.SOCK_DGRAM) as one:\n    one.connect_ex(('192.0.2.1', 9))\n"
    )
    blocked(outside + "def test_a(): pass\n").assert_outcomes(passed=1)
    monkeypatch.delenv("TRUEGREEN_NETWORK")
    pytester.makepyfile(test_it=ALLOWED.format(host="192.0.2.1"))
    pytester.runpytest_subprocess("-p", "truegreen_pytest").assert_outcomes(passed=1)


def test_workers_of_xdist_are_blocked_too(blocked):
    result = blocked(BLOCKED, "-n", "2")
    result.assert_outcomes(failed=10)


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "blocked"])
def test_variable_that_says_nothing_ends_the_session(blocked, text):
    result = blocked("def test_a(): pass\n", allow=text)
    assert result.ret == 4
    assert "TRUEGREEN_NETWORK is no JSON list" in result.stderr.str()

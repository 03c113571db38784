"""The service images start fast, speak their protocols and stop at once."""

from __future__ import annotations

import socket
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.harness.engine import docker_client
from tests.harness.images import ensure_image, image_tag, missing_images
from tests.harness.shell import probe, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.real, pytest.mark.docker]

_FIX = "see the container's log"


@contextmanager
def _container(name: str, *options: str, command: tuple[str, ...] = ()) -> Iterator[str]:
    """Run an image of ours; on the way out prove that it stops within 3 s."""
    words = [docker_client(), "run", "--detach", "--rm", *options, ensure_image(name).tag, *command]
    container = run(words, fix=_FIX).strip()
    try:
        yield container
        started = time.monotonic()
        run([docker_client(), "stop", container], fix=_FIX)
        assert time.monotonic() - started < 3
    finally:
        probe([docker_client(), "rm", "--force", container])


def _port(container: str, inner: int) -> int:
    return int(run([docker_client(), "port", container, f"{inner}/tcp"], fix=_FIX).splitlines()[0].rpartition(":")[2])


def _until(answer: Callable[[], bytes], *, within_s: float = 15) -> bytes:
    deadline = time.monotonic() + within_s
    while True:
        try:
            found = answer()
        except OSError:
            found = b""
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def _ask(port: int, text: bytes = b"") -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(text)
        return connection.recv(4096)


def _psql(container: str, sql: str, *, password: str = "secret") -> str:
    words = ["exec", f"--env=PGPASSWORD={password}", container, "psql", "-qtA", "-h", "127.0.0.1"]
    done = probe([docker_client(), *words, "-U", "ledger", "-d", "books", "-c", sql])
    return done.stdout.strip() or done.stderr


def _ready(answer: str) -> bytes:
    """Return psql's answer, or nothing while the server still starts."""
    return b"" if "refused" in answer or "starting up" in answer else answer.encode()


def test_postgres_image_with_official_variables_has_user_database_and_contrib() -> None:
    env = ("--env=POSTGRES_USER=ledger", "--env=POSTGRES_PASSWORD=secret", "--env=POSTGRES_DB=books")
    with _container("postgres", *env, command=("-c", "wal_level=logical")) as server:
        role = "select rolsuper from pg_roles where rolname = current_user"
        sql = f"create extension pg_walinspect; {role}; show wal_level"
        answer = _until(lambda: _ready(_psql(server, sql)))
        assert answer.split() == [b"t", b"logical"]
        assert _psql(server, "show server_version").startswith("15.")
        assert "password authentication failed" in _psql(server, "select 1", password="no")


def test_postgres_image_without_password_says_what_is_missing() -> None:
    done = probe([docker_client(), "run", "--rm", ensure_image("postgres").tag])
    assert done.returncode == 1
    assert "set POSTGRES_PASSWORD" in done.stderr


def test_redis_image_answers_from_outside_and_keeps_nothing() -> None:
    with _container("redis", "--publish=127.0.0.1::6379") as server:
        port = _port(server, 6379)
        assert _until(lambda: _ask(port, b"PING\r\n")) == b"+PONG\r\n"
        assert b"\r\nsave\r\n$0\r\n" in _ask(port, b"CONFIG GET save\r\n")


def test_nats_image_offers_jetstream() -> None:
    with _container("nats", "--publish=127.0.0.1::4222") as server:
        greeting = _until(lambda: _ask(_port(server, 4222)))
        assert greeting.startswith(b"INFO ")
        assert b'"jetstream":true' in greeting


def test_registry_image_takes_a_push() -> None:
    with _container("registry", "--publish=127.0.0.1::5000") as server:
        port = _port(server, 5000)
        url = f"http://127.0.0.1:{port}/v2/"
        assert _until(lambda: urllib.request.urlopen(url, timeout=2).read()) == b"{}"
        pushed = f"127.0.0.1:{port}/redis:test"
        run([docker_client(), "tag", ensure_image("redis").tag, pushed], fix=_FIX)
        try:
            assert "digest: sha256:" in run([docker_client(), "push", pushed], fix=_FIX)
        finally:
            probe([docker_client(), "rmi", pushed])


def test_python_image_installs_a_package_as_an_ordinary_user() -> None:
    script = "python -m venv /tmp/v && /tmp/v/bin/pip install -q iniconfig==2.1.0 && /tmp/v/bin/python -m this"
    words = ["run", "--rm", "--network=host", "--user=1000:1000", ensure_image("python").tag, "sh", "-ec", script]
    assert run([docker_client(), *words], fix=_FIX).startswith("The Zen of Python")


def test_ensure_image_a_second_time_builds_nothing() -> None:
    ensure_image("redis")
    started = time.monotonic()
    again = ensure_image("redis")
    assert (again.built, again.tag) == (False, image_tag("redis"))
    assert time.monotonic() - started < 3
    assert "redis" not in missing_images()

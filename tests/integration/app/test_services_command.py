"""`truegreen services` with a real Redis."""

from __future__ import annotations

import contextlib
import shlex
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from truegreen.errors import EXIT_CONFIGURATION, EXIT_EVIDENCE, EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.app_desk import Desk


@pytest.fixture
def redis(desk: Desk) -> Iterator[Desk]:
    desk.configure('[tool.truegreen.services.redis]\nprovider = "embedded"\n')
    yield desk
    desk.run("services", "down")


def ping(url: str) -> bytes:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(16)


def test_services_up_prints_lines_a_shell_can_evaluate_and_stays(redis: Desk) -> None:
    ended = redis.run("services", "up")
    assert ended.code == EXIT_OK
    word, assignment = shlex.split(ended.out)
    name, _, url = assignment.partition("=")
    assert (word, name) == ("export", "REDIS_URL")
    assert ping(url) == b"+PONG\r\n"
    assert "redis" in ended.err
    assert "(embedded) ready in" in ended.err


def test_services_live_from_up_to_down(redis: Desk) -> None:
    assert redis.run("services", "status").err == "no services are running\n"
    (handle,) = redis.run("services", "up", "redis", "--json").json
    (row,) = redis.run("services", "status", "--json").json
    assert (row["name"], row["url"], row["answers"]) == ("redis", handle["url"], True)
    shown = redis.run("services", "status").out
    assert "answers" in shown
    assert handle["url"] in shown
    assert "ready" in redis.run("services", "logs", "redis").out.lower()
    assert redis.run("services", "down", "--json").json == ["redis"]
    with pytest.raises(ConnectionError):
        ping(handle["url"])
    assert "nothing was running" in redis.run("services", "down").err
    assert redis.run("services", "status", "--json").json == []


def test_services_of_another_project_are_left_alone(redis: Desk) -> None:
    redis.run("services", "up")
    other = redis.root.parent / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text("")
    assert redis.run("services", "status", "--json", "-C", str(other)).json == []
    assert "nothing was running" in redis.run("services", "down", "-C", str(other)).err
    assert [row["answers"] for row in redis.run("services", "status", "--json").json] == [True]


def test_services_that_died_do_not_answer(redis: Desk) -> None:
    redis.run("services", "up")
    (row,) = redis.run("services", "status", "--json").json
    parts = urlsplit(row["url"])
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as connection:
        connection.sendall(b"SHUTDOWN NOSAVE\r\n")
        with contextlib.suppress(ConnectionResetError):
            connection.recv(16)
    assert "does not answer" in redis.run("services", "status").out


@pytest.mark.parametrize(
    ("argv", "exit_code", "code"),
    [
        (("services", "up"), EXIT_CONFIGURATION, "TG105"),
        (("services", "up", "rediss"), EXIT_CONFIGURATION, "TG105"),
        (("services", "logs", "redis"), EXIT_EVIDENCE, "TG201"),
        (("services", "logs"), EXIT_CONFIGURATION, "TG106"),
        (("services", "upp"), EXIT_CONFIGURATION, "TG106"),
    ],
)
def test_services_wrong_call_is_explained(desk: Desk, argv: tuple[str, ...], exit_code: int, code: str) -> None:
    ended = desk.run(*argv)
    assert (ended.code, f"error {code}" in ended.err) == (exit_code, True)

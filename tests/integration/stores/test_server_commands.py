"""Commands of a project whose history lies on a real PostgreSQL server."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.support import app_desk, app_evidence
from tests.support.past_results import FAIL, result, run
from tests.support.stores import Place

from truegreen.runtime.net import free_port
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.app_desk import Desk


@pytest.fixture
def place(server: str, request: pytest.FixtureRequest) -> Place:
    return Place("postgres", server, f"o/{request.node.name}")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: Place) -> Desk:
    """Return a desk whose history lies on the server."""
    found = app_desk.desk(tmp_path / "project", monkeypatch, capsys)
    configure(found, f"postgresql://truegreen@127.0.0.1:{urlsplit(place.location).port}/app", place.repository)
    return found


def configure(desk: Desk, url: str, repository: str, more: str = "") -> None:
    """Write where the history lies."""
    named = f'repository = "{repository}"\n' if repository else ""
    desk.configure(f'[tool.truegreen.history]\nurl = "{url}"\n{named}{more}')


def judged(desk: Desk, *, failed: tuple[str, ...] = ()) -> app_desk.Ended:
    """Leave evidence of a unit stage, and judge it."""
    files = app_evidence.pytest_files("test_a", "test_b", failed=failed)
    commit = desk.git("rev-parse", "HEAD")
    app_evidence.leave(desk.root / ".truegreen", "unit", files, commit=commit, tree="t", environment="e")
    return desk.run("gate", "unit", "-q")


def test_gate_keeps_its_run_on_the_server_and_every_command_reads_it_there(desk: Desk, place: Place) -> None:
    judged(desk, failed=("test_b",))

    (kept,) = place.open().runs()
    assert (kept.run.tests, kept.run.failed) == (2, 1)
    assert not (desk.root / ".truegreen" / "history.sqlite").exists()
    assert len(desk.run("history", "list", "--json").json["runs"]) == 1
    (told,) = desk.run("history", "query", "--failing", "--json").json
    assert (told["test"], told["failures"]) == ("tests/test_a.py::test_b", 1)
    assert desk.run("history", "check").code == 0
    place.open().append(run(1, result("a"), created="2020-01-01T00:00:00Z"))
    assert "forgot 1 runs" in desk.run("history", "compact", "--set", "history.keep-days=30").err
    assert len(place.open().digests()) == 1


def test_export_and_import_carry_a_history_between_file_and_server(desk: Desk, place: Place, tmp_path: Path) -> None:
    file = SqliteStore(tmp_path / "old.sqlite")
    for number in range(3):
        file.append(run(number, result("a"), result("b", FAIL)))
    assert "3 runs, 6 results, 3 new" in desk.run("history", "import", str(tmp_path / "old.sqlite")).out
    assert ", 0 new" in desk.run("history", "import", str(tmp_path / "old.sqlite")).out
    assert list(place.open().runs()) == list(file.runs())
    assert "3 runs" in desk.run("history", "export", "--format", "sqlite", str(tmp_path / "new.sqlite")).err
    assert "3 runs" in desk.run("history", "export", "--format", "sqlite", str(tmp_path / "new.sqlite")).err
    assert list(SqliteStore(tmp_path / "new.sqlite").runs()) == list(file.runs())
    assert sorted(path.name for path in tmp_path.glob("*.sqlite*")) == ["new.sqlite", "old.sqlite"]
    assert desk.run("history", "export", "--format", "sqlite").code == 2
    desk.run("history", "export", str(tmp_path / "runs.jsonl"))
    assert len((tmp_path / "runs.jsonl").read_bytes().splitlines()) == 3
    at_home = desk.run("history", "export", "--format", "sqlite", ".truegreen/history.sqlite", "--set", "history.url=")
    assert (at_home.code, "replace the history itself" in at_home.err) == (2, True)


def test_pull_and_push_say_that_nothing_is_to_be_carried(desk: Desk, place: Place, tmp_path: Path) -> None:
    for command in ("pull", "push"):
        ended = desk.run("history", command)
        assert (ended.code, "lies on a server" in ended.err) == (2, True)
    place.open().append(run(1, result("a")))
    folder = ("--set", f"history.folder={tmp_path / 'kept'}")
    assert desk.run("history", "push", *folder).code == 0
    kept = SqliteStore(tmp_path / "kept" / "history.sqlite")
    assert [one.run.run for one in kept.runs()] == ["1.1"]
    kept.append(run(2))
    assert "1 runs taken in" in desk.run("history", "pull", *folder).err
    assert len(place.open().digests()) == 2


def test_branch_moves_to_the_server_and_back(desk: Desk, place: Place, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "origin.git")], check=True)
    desk.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    place.open().append(run(1, result("a")))
    branch = ("--set", "history.branch=truegreen-history")
    assert desk.run("history", "push", *branch).code == 0
    place.open().prune(0)
    assert "1 runs taken in" in desk.run("history", "pull", *branch).err
    assert [one.run.run for one in place.open().runs()] == ["1.1"]


def test_server_that_is_away_costs_no_verdict_is_told_once_and_stops_commands_with_4(desk: Desk, place: Place) -> None:
    code = judged(desk).code
    configure(desk, f"postgresql://truegreen@127.0.0.1:{free_port()}/app", place.repository)
    ended = judged(desk)
    assert (ended.code, ended.err.count("warning: the history cannot be reached"), "TG404" in ended.err) == (
        code,
        1,
        True,
    )
    for command in ("list", "query", "check", "compact", "export"):
        ended = desk.run("history", command)
        assert (ended.code, "error TG404" in ended.err) == (4, True), command


def test_damage_on_the_server_is_told_and_left_to_its_people(desk: Desk, place: Place, tmp_path: Path) -> None:
    code = judged(desk).code
    place.open().append(run(1, result("a")))
    desk.run("history", "export", str(tmp_path / "runs.jsonl"))
    place.execute("UPDATE runs SET failed = 7 WHERE run_key = '1.1'")
    ended = judged(desk)
    assert (ended.code, ended.err.count("the history is damaged"), "TG406" in ended.err) == (code, 1, True)
    assert ("ALTER SCHEMA" in ended.err, ".broken" in ended.err) == (True, False)
    check = desk.run("history", "check")
    assert (check.code, "history import" in check.err) == (4, True)
    place.execute(check.err.split("`")[1])  # the remedy
    assert desk.run("history", "import", str(tmp_path / "runs.jsonl")).code == 0
    assert desk.run("history", "check").code == 0


def test_address_and_password_come_from_variables_and_are_never_shown(desk: Desk, place: Place) -> None:
    configure(desk, "$TRUEGREEN_HISTORY_URL", place.repository)
    desk.env(TRUEGREEN_HISTORY_URL=place.location.replace("truegreen@", "s3cret@"))
    place.open().append(run(1))
    shown = [desk.run("history", "--json"), desk.run("config", "explain")]
    assert [ended.code for ended in shown] == [0, 0]
    desk.env(TRUEGREEN_HISTORY_URL=f"postgresql://u:s3cret@127.0.0.1:{free_port()}/app")
    shown += [desk.run("history"), desk.run("history", "check"), judged(desk)]
    configure(desk, f"postgresql://u@127.0.0.1:{free_port()}/app", place.repository, 'password-env = "TRUEGREEN_PW"')
    desk.env(TRUEGREEN_PW="s3cret")
    shown += [desk.run("history"), judged(desk)]
    assert not any("s3cret" in ended.out + ended.err for ended in shown)
    assert [ended.code for ended in shown[2:4]] == [4, 4]


@pytest.mark.parametrize("url", ["postgresql://u:s3cret@[h/d", "postgresql:s3cret", "s3cret", "mysql://u:s3cret@h/d"])
def test_variable_that_holds_no_address_is_refused_without_repeating_it(desk: Desk, place: Place, url: str) -> None:
    configure(desk, "$TRUEGREEN_HISTORY_URL", place.repository)
    desk.env(TRUEGREEN_HISTORY_URL=url)
    ended = desk.run("history")
    assert (ended.code in (2, 4), "history" in ended.err, "s3cret" in ended.err) == (True, True, False), ended.err


def test_variable_that_is_not_set_costs_no_verdict(desk: Desk, place: Place) -> None:
    code = judged(desk).code
    configure(desk, "$TRUEGREEN_HISTORY_URL", place.repository)
    assert judged(desk).code == code
    ended = desk.run("history")
    assert (ended.code, "TRUEGREEN_HISTORY_URL is not set" in ended.err) == (4, True)


@pytest.mark.parametrize(
    ("url", "more", "said"),
    [
        ("postgresql://u:s3cret@h/d", "", "holds a password"),
        ("postgresql://u@h/d?password=s3cret", "", "holds a password"),
        ("postgresql://u:s3cret@[h/d", "", "holds a password"),
        ("mysql://u@h/d", "", "no server truegreen knows"),
        ("somewhere", "", "no server truegreen knows"),
        ("$GITHUB_TOKEN", "", "may not be read"),
        ("postgresql://u@h/d", 'password-env = "GITHUB_TOKEN"\n', "password-env"),
    ],
)
def test_configuration_that_would_tell_a_secret_is_refused(desk: Desk, url: str, more: str, said: str) -> None:
    configure(desk, url, "o/r", more)
    desk.env(GITHUB_TOKEN="s3cret")
    for ended in (desk.run("history"), judged(desk)):
        assert (ended.code, said in ended.err, "s3cret" in ended.err) == (2, True, False), ended.err


def test_repository_is_named_by_the_ci_and_by_the_folder_of_the_project(desk: Desk, place: Place) -> None:
    url = f"postgresql://truegreen@127.0.0.1:{urlsplit(place.location).port}/app"
    configure(desk, url, "")
    ended = desk.run("history")
    assert (ended.code, 'repository = "owner/name"' in ended.err) == (4, True)
    desk.env(GITHUB_REPOSITORY="o/named", GITHUB_WORKSPACE=str(desk.root))
    Place("postgres", place.location, "o/named").open().append(run(1))
    assert len(desk.run("history", "--json").json["runs"]) == 1
    desk.env(GITHUB_WORKSPACE=str(desk.root.parent))
    assert desk.run("history", "--json").json["runs"] == []
    Place("postgres", place.location, "o/named/project").open().append(run(1))
    assert len(desk.run("history", "--json").json["runs"]) == 1


def test_every_command_works_with_clickhouse(desk: Desk, place_of: Callable[[str], Place], tmp_path: Path) -> None:
    place = place_of("clickhouse")
    configure(desk, "$TRUEGREEN_HISTORY_URL", place.repository)
    desk.env(TRUEGREEN_HISTORY_URL=place.location)
    judged(desk, failed=("test_b",))
    (kept,) = place.open().runs()
    assert (kept.run.tests, kept.run.failed) == (2, 1)
    (told,) = desk.run("history", "query", "--failing", "--json").json
    assert (told["test"], told["failures"]) == ("tests/test_a.py::test_b", 1)
    assert len(desk.run("history", "--json").json["runs"]) == 1
    assert desk.run("history", "export", "--format", "sqlite", str(tmp_path / "h.sqlite")).code == 0
    assert ", 0 new" in desk.run("history", "import", str(tmp_path / "h.sqlite")).out
    assert [desk.run("history", command).code for command in ("check", "compact", "push")] == [0, 0, 2]
    place.execute("ALTER TABLE runs UPDATE failed = 7 WHERE 1 SETTINGS mutations_sync = 2")
    ended = desk.run("history", "check")
    assert (ended.code, "error TG406" in ended.err) == (4, True)


def test_extra_that_is_missing_costs_no_verdict_and_is_told(desk: Desk) -> None:
    code = judged(desk).code
    desk.monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    ended = judged(desk)
    assert (ended.code, ended.err.count("truegreen[postgres]")) == (code, 1)
    ended = desk.run("history")
    assert (ended.code, "error TG405" in ended.err) == (4, True)

"""What a run must never do: write outside the project, lose its verdict, or leave something behind."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.app_desk import LAUNCHER, read_outputs
from tests.support.app_evidence import FINDING, leave, linted
from tests.support.app_project import borrow

from truegreen.errors import EXIT_CONFIGURATION, EXIT_ENGINE, EXIT_GATE_FAILED, EXIT_OK
from truegreen.runtime import lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.app_desk import Desk

RUFF = '[tool.truegreen.lint]\ntools = ["ruff"]\n'
REDIS = '[tool.truegreen.services.redis]\nprovider = "embedded"\n'
SOON_S = 30.0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def number(path: Path) -> int:
    until(lambda: path.exists() and path.read_text().strip())
    return int(path.read_text())


@pytest.fixture
def linter(desk: Desk) -> Desk:
    desk.configure(RUFF)
    desk.write("a.py", "")
    desk.commit()
    return desk


# --- nothing outside the project ----------------------------------------------------------------------


@pytest.fixture
def victim(desk: Desk) -> Path:
    folder = desk.root.parent / "victim"
    for name in ("lint", "report", "services"):
        (folder / name).mkdir(parents=True)
        (folder / name / "kept").write_text("kept")
    return folder


def content(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("argv", [("run", "lint"), ("gate", "lint"), ("ci", "stage"), ("ci", "report")])
def test_command_in_a_project_whose_folder_is_a_link_writes_nothing_through_it(
    linter: Desk, victim: Path, argv: tuple[str, ...]
) -> None:
    (linter.root / ".truegreen").symlink_to(victim)
    linter.env(TG_STAGE="lint", TG_STAGES_JSON='["lint"]')
    before = content(victim)
    ended = linter.run(*argv)
    assert (ended.code, ended.err.count("error TG110")) == (EXIT_CONFIGURATION, 1)
    assert content(victim) == before


@pytest.mark.parametrize(
    ("linked", "argv"),
    [
        ("lint", ("run", "lint")),
        ("report", ("gate", "lint")),
        ("history.sqlite", ("gate", "lint")),
        ("history.sqlite-wal", ("gate", "lint")),
        (".lock", ("run", "lint")),
    ],
)
def test_command_whose_evidence_is_partly_a_link_writes_nothing_through_it(
    linter: Desk, victim: Path, linked: str, argv: tuple[str, ...]
) -> None:
    (linter.root / ".truegreen").mkdir()
    (linter.root / ".truegreen" / linked).symlink_to(victim / linked)
    before = content(victim)
    ended = linter.run(*argv)
    assert (ended.code, ended.err.count("error TG110")) == (EXIT_CONFIGURATION, 1)
    assert content(victim) == before


def test_service_whose_log_would_go_through_a_link_is_not_started(desk: Desk, victim: Path) -> None:
    desk.configure(REDIS)
    (desk.root / ".truegreen").symlink_to(victim)
    before = content(victim)
    ended = desk.run("services", "up")
    assert (ended.code, "error TG110" in ended.err) == (EXIT_CONFIGURATION, True)
    assert content(victim) == before


# --- the history costs no verdict ---------------------------------------------------------------------

DAMAGED = "not a database, but long enough to be looked at" * 40


@pytest.mark.parametrize(("code", "expected"), [("", EXIT_OK), ("import os\n", EXIT_GATE_FAILED)])
def test_run_with_a_damaged_history_keeps_its_verdict_and_the_damaged_file(
    linter: Desk, code: str, expected: int
) -> None:
    linter.write("a.py", code)
    linter.write(".truegreen/history.sqlite", DAMAGED)
    ended = linter.run("run", "lint")
    assert ended.code == expected
    assert ended.err.count("warning: the history is damaged") == 1
    assert "history.sqlite.broken" in ended.err
    assert (linter.root / ".truegreen" / "history.sqlite.broken").read_text() == DAMAGED
    assert len(linter.run("history", "--json").json["runs"]) == 1


def test_run_with_a_history_damaged_twice_keeps_both_files(linter: Desk) -> None:
    for text in (DAMAGED, DAMAGED[1:]):
        linter.write(".truegreen/history.sqlite", text)
        linter.run("run", "lint")
    kept = [linter.root / ".truegreen" / f"history.sqlite.{name}" for name in ("broken", "2.broken")]
    assert [path.read_text() for path in kept] == [DAMAGED, DAMAGED[1:]]


def test_run_with_a_history_that_cannot_be_opened_keeps_its_verdict_and_says_so_once(linter: Desk) -> None:
    (linter.root / ".truegreen" / "history.sqlite").mkdir(parents=True)
    ended = linter.run("run", "lint")
    assert (ended.code, ended.err.count("warning: the history"), "TG404" in ended.err) == (EXIT_OK, 1, True)


def test_ci_report_with_a_damaged_history_says_everything(desk: Desk) -> None:
    commit = desk.git("rev-parse", "HEAD")
    leave(desk.root.parent / "artifacts", "lint", linted([FINDING]), commit=commit, name="truegreen-lint")
    desk.write(".truegreen/history.sqlite", DAMAGED)
    desk.event("push", {"after": commit, "ref": "refs/heads/x"}, GITHUB_ACTIONS="true", GITHUB_RUN_ID="77")
    page, outputs = desk.root.parent / "summary.md", desk.outputs()
    desk.env(GITHUB_STEP_SUMMARY=str(page), TG_EVIDENCE=str(desk.root.parent / "artifacts"), TG_STAGES_JSON='["lint"]')
    assert desk.run("ci", "report").code == EXIT_OK
    assert read_outputs(outputs)["verdict"] == "fail"
    assert "F401" in page.read_text()
    assert (desk.root / ".truegreen" / "history.sqlite.broken").read_text() == DAMAGED


# --- the machine refuses ------------------------------------------------------------------------------


def test_run_on_a_full_disk_names_the_path_and_is_no_bug_of_ours(linter: Desk) -> None:
    # Without -B the interpreter would leave halves of its own compiled files.
    program = [LAUNCHER[0], "-B", *LAUNCHER[1:], "run", "lint"]
    limited = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *program]
    ended = subprocess.run(limited, cwd=linter.root, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == EXIT_ENGINE
    assert "error TG309" in ended.stderr
    assert str(linter.root / ".truegreen") in ended.stderr
    assert "TG900" not in ended.stderr


def test_run_with_a_cache_that_cannot_be_written_names_it_and_its_remedy(desk: Desk) -> None:
    borrow(desk)
    desk.env(TRUEGREEN_CACHE="/proc/x")
    ended = desk.run("run", "unit", "--no-gate")
    assert (ended.code, "error TG309" in ended.err, "/proc/x" in ended.err) == (EXIT_ENGINE, True, True)
    assert "TRUEGREEN_CACHE" in ended.err


# --- nothing is left behind ---------------------------------------------------------------------------

LEAVES = """\
import subprocess
from pathlib import Path

def test_unit():
    child = subprocess.Popen(["sleep", "777"])
    Path("child").write_text(str(child.pid))
"""
HANGS = """\
import os, time
from pathlib import Path

def test_unit():
    Path("child").write_text(str(os.getpid()))
    time.sleep(60)
"""


@pytest.fixture
def project(desk: Desk) -> Desk:
    borrow(desk)
    return desk


def test_run_whose_test_left_a_process_ends_it(project: Desk) -> None:
    project.write("tests/test_app.py", LEAVES)
    assert project.run("run", "unit", "--no-gate").code == EXIT_OK
    until(lambda: not lives(number(project.root / "child")))


def started(project: Desk, hangup: signal.Handlers = signal.SIG_DFL, **more: object) -> subprocess.Popen[bytes]:
    """Start a run whose test hangs; `hangup` is what its parent made of SIGHUP, whatever ours did."""
    project.write("tests/test_app.py", HANGS)
    process = subprocess.Popen(  # type: ignore[call-overload]
        [*LAUNCHER, "run", "unit"],
        cwd=project.root,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, hangup),  # noqa: PLW1509 - no other thread runs
        **more,
    )
    number(project.root / "child")
    return process  # type: ignore[no-any-return]


def test_run_after_a_killed_one_ends_what_it_left(project: Desk) -> None:
    with started(project, stderr=subprocess.DEVNULL) as process:
        process.kill()
    child = number(project.root / "child")
    assert lives(child)
    ended = project.run("run", "lint", "--no-gate")
    assert (ended.code, "a killed run left behind" in ended.err) == (EXIT_OK, True)
    until(lambda: not lives(child))


@pytest.mark.parametrize("signum", [signal.SIGHUP, signal.SIGQUIT])
def test_run_that_is_told_to_end_stops_its_tests(project: Desk, signum: int) -> None:
    with started(project, stderr=subprocess.PIPE) as process:
        process.send_signal(signum)
        _, told = process.communicate(timeout=SOON_S)
    assert (process.returncode, b"error TG308" in told) == (EXIT_ENGINE, True)
    assert not lives(number(project.root / "child"))


def test_run_whose_terminal_is_closed_stops_its_tests_and_keeps_its_evidence(project: Desk) -> None:
    ours, theirs = pty.openpty()
    with started(project, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        assert process.wait(SOON_S) == EXIT_ENGINE
    assert not lives(number(project.root / "child"))
    record = json.loads((project.root / ".truegreen" / "unit" / "stage.json").read_text())
    assert record["error"]["code"] == "TG308"


def test_run_under_nohup_goes_on_when_its_terminal_is_closed(project: Desk) -> None:
    with started(project, signal.SIG_IGN, stderr=subprocess.DEVNULL) as process:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert process.poll() is None
        process.terminate()


# --- one at a time ------------------------------------------------------------------------------------


def test_run_beside_another_names_it_and_leaves_its_evidence(linter: Desk) -> None:
    kept = linter.write(".truegreen/lint/kept", "of the other run")
    with lock.exclusive(linter.root / ".truegreen" / ".lock", wait_s=0):
        ended = linter.run("run", "lint")
    assert (ended.code, "error TG310" in ended.err) == (EXIT_ENGINE, True)
    assert f"process {os.getpid()} " in ended.err
    assert kept.read_text() == "of the other run"
    assert linter.run("run", "lint").code == EXIT_OK


# --- what a stage keeps, and what its tests see -------------------------------------------------------


def test_run_with_a_service_keeps_its_log_as_evidence_of_the_stage(linter: Desk) -> None:
    linter.configure(RUFF + REDIS)
    linter.write(".truegreen/services/redis.log", "of an earlier session")
    assert linter.run("run", "lint", "--set", 'lint.services=["redis"]').code == EXIT_OK
    kept = linter.root / ".truegreen" / "lint"
    entries = {entry["path"]: entry["kind"] for entry in json.loads((kept / "stage.json").read_text())["files"]}
    assert entries["services/redis.log"] == "log"
    log = (kept / "services" / "redis.log").read_text()
    assert "ready" in log.lower()
    assert "of an earlier session" not in log


def test_remedies_of_a_folder_without_a_project_lead_to_one(desk: Desk) -> None:
    nowhere = desk.root.parent / "nowhere"
    nowhere.mkdir()
    told = desk.run("run", "lint", "-C", str(nowhere)).err
    assert "uv init" in told
    assert told.index("uv init") < told.index("truegreen init")

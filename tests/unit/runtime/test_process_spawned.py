"""Programs that run beside us: their start, their group, and their end."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from tests.support.programs import PATH, RUNNER, SOON_S, lives, pid_in, until

from truegreen.runtime import process as programs
from truegreen.runtime.process import Completed, kill_group, stop, which


def test_spawn_runs_in_a_group_of_its_own_with_both_streams_in_the_log(tmp_path):
    log = tmp_path / "new" / "log"
    process = RUNNER.spawn(["sh", "-c", "pwd -P; echo $A >&2"], log=log, cwd=tmp_path, env={"A": "b", "PATH": PATH})
    assert process.wait(SOON_S) == 0
    assert log.read_text() == f"{tmp_path.resolve()}\nb\n"


def test_spawn_group_is_led_by_the_program(tmp_path):
    process = RUNNER.spawn(["sleep", "30"], log=tmp_path / "log")
    assert os.getpgid(process.pid) == process.pid != os.getpgid(0)
    assert stop(process) == -signal.SIGTERM
    assert not lives(process.pid)


def test_spawn_reads_nothing_from_our_input(tmp_path):
    process = RUNNER.spawn(["cat"], log=tmp_path / "log")
    assert process.wait(SOON_S) == 0


def begun(tmp_path, script):
    """Start a program and wait until it says that it has begun."""
    log = tmp_path / "log"
    process = RUNNER.spawn(["sh", "-c", script], log=log, cwd=tmp_path)
    until(lambda: "begun" in log.read_text())
    return process


def test_stop_lets_a_program_end_in_order(tmp_path):
    process = begun(tmp_path, "trap 'sleep 0.1; echo saved; exit 7' TERM; echo begun; while :; do sleep 0.02; done")
    assert stop(process) == 7
    assert (tmp_path / "log").read_text().endswith("saved\n")


def test_stop_lets_a_child_end_in_order_after_its_parent(tmp_path):
    child = "trap 'sleep 0.2; echo saved > saved; exit' TERM; echo begun; while :; do sleep 0.02; done"
    process = begun(tmp_path, f"({child}) & wait")
    assert stop(process) == -signal.SIGTERM
    assert (tmp_path / "saved").read_text() == "saved\n"


def test_stop_kills_after_the_grace(tmp_path):
    process = begun(tmp_path, "trap '' TERM; echo begun; while :; do sleep 0.02; done")
    start = time.monotonic()
    assert stop(process, grace_s=0.2) == -signal.SIGKILL
    assert 0.2 <= time.monotonic() - start < SOON_S


def test_stop_asks_with_the_signal_that_is_given(tmp_path):
    process = begun(tmp_path, "trap 'exit 5' QUIT; trap '' TERM; echo begun; while :; do sleep 0.02; done")
    assert stop(process, grace_s=SOON_S, sig=signal.SIGQUIT) == 5


def test_stop_of_a_program_that_ended_is_its_exit_code_and_takes_what_it_left(tmp_path):
    process = begun(tmp_path, "(trap '' TERM; sleep 30; sleep 30) & echo $! > child; echo begun; exit 4")
    until(lambda: process.poll() is not None)
    assert lives(pid_in(tmp_path / "child"))
    assert stop(process, grace_s=0.1) == 4
    until(lambda: not lives(pid_in(tmp_path / "child")))


def test_stop_of_a_group_that_is_gone_waits_for_nothing(tmp_path):
    process = begun(tmp_path, "echo begun")
    process.wait(SOON_S)
    start = time.monotonic()
    assert stop(process) == 0
    assert time.monotonic() - start < 2


def test_stop_does_not_wait_for_the_dead_that_nobody_buries(tmp_path):
    # The child leads its group, and ends; its parent, in another group, never asks for it: a zombie stays.
    code = (
        "import os, pathlib, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '30'], start_new_session=True)\n"
        "pathlib.Path('child').write_text(str(child.pid)); print('begun', flush=True); time.sleep(30)"
    )
    log = tmp_path / "log"
    parent = RUNNER.spawn([sys.executable, "-IS", "-c", code], log=log, cwd=tmp_path)
    child = pid_in(tmp_path / "child")
    assert programs._group_lives(child)
    kill_group(child, signal.SIGKILL)
    until(lambda: not lives(child))
    os.killpg(child, 0)  # the group is still there
    assert not programs._group_lives(child)
    stop(parent)


def test_group_lives_process_that_ended_while_it_was_looked_at_does_not(tmp_path):
    assert not programs._lives_in(os.getpgid(0), tmp_path / "stat")
    assert programs._lives_in(os.getpgid(0), Path("/proc/self/stat"))


def test_kill_group_that_is_gone_is_fine():
    process = RUNNER.run(["sh", "-c", "echo $$"])
    kill_group(int(process.stdout), signal.SIGKILL)


def test_which_finds_a_program_on_the_given_path_only(tmp_path):
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    assert which("tool", str(tmp_path)) == str(tool)
    assert which("tool", str(tmp_path / "other")) is None
    assert which("sh") is not None


@pytest.mark.parametrize(
    ("out", "err", "wanted"),
    [
        ("1\n2\n3\n", "", "2\n3"),
        ("1\n2\n3\n", "a\nb\nc\n\n", "b\nc"),
        ("1\n", " \n", "1"),
        ("", "", ""),
    ],
)
def test_tail_is_the_end_of_standard_error_or_else_of_the_output(out, err, wanted):
    assert Completed(argv=("x",), exit_code=1, duration_s=0, stdout=out, stderr=err).tail(2) == wanted

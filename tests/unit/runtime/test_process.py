"""Programs: their end, their whole group, their output, and what they are given."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from tests.support.programs import RUNNER, SOON_S, lives, pid_in, python, sh, until

from truegreen.errors import FileUnusable, ToolMissing
from truegreen.runtime.lifetime import Ledger
from truegreen.runtime.process import ProcessRunner, kill_group


def test_run_keeps_the_streams_apart_and_the_exit_code():
    done = sh("echo out; echo err >&2; exit 3")
    assert (done.stdout, done.stderr, done.exit_code) == ("out\n", "err\n", 3)
    assert (done.ok, done.timed_out) == (False, False)
    assert done.argv[0] == "sh"
    assert 0 < done.duration_s < SOON_S


@pytest.mark.parametrize(("script", "code", "ok"), [("true", 0, True), ("false", 1, False), ("kill -9 $$", -9, False)])
def test_run_is_ok_only_when_it_ended_by_itself_with_zero(script, code, ok):
    done = sh(script)
    assert (done.exit_code, done.ok) == (code, ok)


def test_run_arguments_are_never_read_by_a_shell():
    assert RUNNER.run(["printf", "%s|", "$HOME", "a b", "; echo x", "*"]).stdout == "$HOME|a b|; echo x|*|"


def test_run_environment_is_only_what_is_given(monkeypatch):
    monkeypatch.setenv("SECRET", "s3cr3t")
    assert RUNNER.run(["/usr/bin/env"], env={"ONLY": "this"}).stdout == "ONLY=this\n"
    assert "SECRET=s3cr3t\n" in RUNNER.run(["/usr/bin/env"]).stdout


def test_run_environment_given_is_not_changed_by_the_program():
    env = {"A": "1"}
    sh("A=2; export A", env=env)
    assert env == {"A": "1"}


def test_run_folder_is_the_one_given(tmp_path):
    assert sh("pwd -P", cwd=tmp_path).stdout.strip() == str(tmp_path.resolve())


def test_run_standard_input_is_the_text_or_empty():
    assert RUNNER.run(["cat"], stdin="é\n").stdout == "é\n"
    assert RUNNER.run(["cat"]).stdout == ""
    assert RUNNER.run(["cat"], stdin="\ud800").stdout == "\\ud800"


def test_run_output_that_is_not_utf8_is_shown_with_marks():
    assert sh(r"printf 'a\377b'; printf '\303' >&2").stdout == "a\ufffdb"
    assert sh(r"printf 'a\377b'; printf '\303' >&2").stderr == "\ufffd"


def test_run_much_output_on_both_streams_does_not_block():
    done = python("import sys; [(print('o' * 999), print('e' * 999, file=sys.stderr)) for _ in range(500)]")
    assert (len(done.stdout), len(done.stderr)) == (500_000, 500_000)


def unstartable(tmp_path, kind):
    path = tmp_path / "tool"
    if kind == "rights":
        path.write_text("#!/bin/sh\n")
    elif kind == "format":
        path.write_text("\x00no program")
        path.chmod(0o755)
    elif kind == "interpreter":
        path.write_text("#!/nowhere/python\n")
        path.chmod(0o755)
    elif kind == "folder":
        path.mkdir()
    elif kind == "through":
        path.touch()
        path /= "below"
    return path


@pytest.mark.parametrize("kind", ["absent", "rights", "format", "interpreter", "folder", "through"])
@pytest.mark.parametrize("way", ["run", "spawn"])
def test_program_that_cannot_be_started_is_a_missing_tool(tmp_path, kind, way):
    path = unstartable(tmp_path, kind)
    more = {"log": tmp_path / "log"} if way == "spawn" else {}
    with pytest.raises(ToolMissing) as caught:
        getattr(RUNNER, way)([str(path)], cwd=tmp_path, **more)
    assert (caught.value.code, caught.value.exit_code) == ("TG304", 4)
    assert (caught.value.what, caught.value.where) == (f"cannot start {path}", str(tmp_path))
    assert caught.value.why
    assert path.name in caught.value.fix


def test_program_not_on_path_is_a_missing_tool_in_this_folder():
    with pytest.raises(ToolMissing) as caught:
        RUNNER.run(["truegreen-no-such-tool"])
    assert caught.value.where == str(Path.cwd())


def test_program_with_too_long_arguments_is_explained():
    with pytest.raises(ToolMissing) as caught:
        RUNNER.run(["true", "x" * 5_000_000])
    assert "too long" in caught.value.why


def test_log_takes_both_streams_and_is_appended(tmp_path):
    log = tmp_path / "new" / "log"
    first = sh("echo one; echo two >&2", log=log)
    second = sh("echo three", log=log)
    assert (first.stdout, first.stderr) == ("one\ntwo\n", "")
    assert second.stdout == "three\n"
    assert log.read_text() == "one\ntwo\nthree\n"


def test_log_larger_than_a_mebibyte_is_told_by_its_end(tmp_path):
    done = python("print('a' * 1_500_000); print('the end')", log=tmp_path / "log")
    assert len(done.stdout) == 1 << 20
    assert done.stdout.endswith("a\nthe end\n")
    assert (tmp_path / "log").stat().st_size == 1_500_000 + 9


def test_time_limit_kills_and_keeps_what_was_said():
    done = sh("echo begun; echo slow >&2; sleep 30", timeout_s=0.2)
    assert (done.exit_code, done.ok, done.timed_out) == (None, False, True)
    assert (done.stdout, done.stderr) == ("begun\n", "slow\n")
    assert 0.2 <= done.duration_s < SOON_S


def test_time_limit_with_a_log_keeps_what_was_said(tmp_path):
    done = sh("echo begun; sleep 30", timeout_s=0.2, log=tmp_path / "log")
    assert (done.timed_out, done.stdout) == (True, "begun\n")


def test_time_limit_not_reached_changes_nothing():
    done = sh("echo x", timeout_s=30)
    assert (done.exit_code, done.timed_out, done.stdout) == (0, False, "x\n")


def test_time_limit_kills_the_children_too(tmp_path):
    sh(f"sleep 30 & echo $! > {tmp_path}/child; wait", timeout_s=0.2)
    until(lambda: not lives(pid_in(tmp_path / "child")))


def test_time_limit_kills_a_child_that_ignores_the_request_after_its_parent_ended(tmp_path):
    done = sh(f"(trap '' TERM; echo begun; sleep 30; sleep 30) & echo $! > {tmp_path}/child; wait", timeout_s=0.2)
    until(lambda: not lives(pid_in(tmp_path / "child")))
    assert (done.timed_out, done.stdout) == (True, "begun\n")
    assert done.duration_s < SOON_S


def test_time_limit_kills_a_program_that_ignores_the_request():
    done = sh("trap '' TERM; echo begun; while :; do sleep 0.05; done", timeout_s=0.2)
    assert (done.timed_out, done.stdout) == (True, "begun\n")
    assert done.duration_s < SOON_S


def test_time_limit_does_not_wait_for_a_daemon_that_holds_the_streams(tmp_path):
    code = (
        "import subprocess, sys, time, pathlib\n"
        "child = subprocess.Popen(['sleep', '30'], start_new_session=True)\n"
        f"pathlib.Path({str(tmp_path / 'child')!r}).write_text(str(child.pid))\n"
        "print('begun', flush=True); time.sleep(30)"
    )
    done = python(code, timeout_s=0.5, stdin="x")
    child = pid_in(tmp_path / "child")
    alive = lives(child)
    kill_group(child, signal.SIGKILL)
    assert alive
    assert (done.timed_out, done.stdout) == (True, "begun\n")
    assert done.duration_s < SOON_S


def test_run_interrupted_takes_the_group_along(tmp_path):
    class Interrupted(BaseException):
        pass

    def interrupt(signum, frame):
        raise Interrupted

    def when_begun():
        pid_in(tmp_path / "child")
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, interrupt)
    thread = threading.Thread(target=when_begun)
    thread.start()
    try:
        with pytest.raises(Interrupted):
            sh(f"sleep 30 & echo $! > {tmp_path}/child; wait")
    finally:
        thread.join()
        signal.signal(signal.SIGTERM, before)
    until(lambda: not lives(pid_in(tmp_path / "child")))


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_while_a_program_starts_takes_it_along(monkeypatch, signum):
    started = []

    class Interrupted(BaseException):
        pass

    class Popen(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self.pid)
            os.kill(os.getpid(), signum)

    def interrupt(number, frame):
        raise Interrupted

    monkeypatch.setattr(subprocess, "Popen", Popen)
    before = signal.signal(signum, interrupt)
    try:
        with pytest.raises(Interrupted):
            sh("exec sleep 300")
        assert signal.getsignal(signum) is interrupt
    finally:
        signal.signal(signum, before)
    until(lambda: not lives(started[0]))


def test_run_that_ended_leaves_nothing_of_its_group(tmp_path):
    script = f"sleep 30 & echo $! > {tmp_path}/child; (trap '' TERM; sleep 31) & echo $! > {tmp_path}/stubborn; exit 3"
    done = sh(script, log=tmp_path / "log")
    assert (done.exit_code, done.timed_out) == (3, False)
    until(lambda: not lives(pid_in(tmp_path / "child")) and not lives(pid_in(tmp_path / "stubborn")))


def test_run_that_ended_leaves_a_daemon_of_its_own_session_alone(tmp_path):
    code = (
        "import subprocess, pathlib\n"
        "child = subprocess.Popen(['sleep', '30'], start_new_session=True)\n"
        f"pathlib.Path({str(tmp_path / 'child')!r}).write_text(str(child.pid))\n"
    )
    assert python(code, log=tmp_path / "log").ok
    child = pid_in(tmp_path / "child")
    alive = lives(child)
    kill_group(child, signal.SIGKILL)
    assert alive


@pytest.mark.parametrize("way", [RUNNER.run, RUNNER.spawn])
def test_log_that_cannot_be_written_is_named_and_nothing_is_started(tmp_path, way):
    (tmp_path / "x").touch()
    with pytest.raises(FileUnusable) as caught:
        way(["touch", str(tmp_path / "started")], log=tmp_path / "x" / "log")
    assert (caught.value.code, caught.value.where) == ("TG309", str(tmp_path / "x"))
    assert not (tmp_path / "started").exists()


def test_run_is_noted_while_it_lasts_and_forgotten_afterwards(tmp_path):
    runner = ProcessRunner(grace_s=0.2)
    runner.remember_in(Ledger.open(tmp_path / "cache"))
    script = f"until cat {tmp_path}/cache/programs/*.json 2>/dev/null; do sleep 0.01; done; echo; echo $$"
    note, pid = runner.run(["sh", "-c", script], timeout_s=SOON_S).stdout.splitlines()
    assert f'"pid":{pid},' in note
    assert list((tmp_path / "cache" / "programs").iterdir()) == []


def test_run_with_a_note_that_cannot_be_written_goes_on(tmp_path):
    (tmp_path / "cache").touch()
    runner = ProcessRunner()
    runner.remember_in(Ledger.open(tmp_path / "cache"))
    assert runner.run(["true"]).ok

"""Programs that a test starts: ready, cancelled, ended, and none of them left."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from truegreen_pytest.processes import Process, Processes

WORKER = """
import signal, sys, time
def end(number, frame):
    print("stored for", signal.Signals(number).name, flush=True)
    sys.exit(3)
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, end)
print("ready at 7", flush=True)
time.sleep(60)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = "import subprocess, time; print('child', subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"


@pytest.fixture
def start():
    made = Processes()
    yield made.start
    made.close()


def python(start, text, **more) -> Process:
    return start("python", "-c", text, **more)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@pytest.mark.parametrize(("end", "name"), [(Process.terminate, "SIGTERM"), (Process.interrupt, "SIGINT")])
def test_program_that_is_asked_to_end_says_how_it_ended(start, end, name):
    worker = python(start, WORKER, ready=r"ready at \d")
    assert worker.exit_code is None
    end(worker)
    assert worker.wait() == 3
    assert worker.output == f"ready at 7\nstored for {name}\n"


def test_killed_program_has_no_time_for_anything(start):
    worker = python(start, WORKER, ready="ready")
    worker.kill()
    assert worker.wait() == worker.exit_code == -signal.SIGKILL
    assert "stored" not in worker.output


def test_program_that_ends_before_it_is_ready_fails_at_once_with_its_output(start):
    begun = time.monotonic()
    with pytest.raises(AssertionError, match=r"ended with 5 before 'never' in its output.*\n  no database"):
        python(start, "import sys; print('no database'); sys.exit(5)", ready="never", timeout_s=60)
    assert time.monotonic() - begun < 30


def test_last_words_of_a_program_that_ended_are_still_read(start):
    worker = python(start, "print('done: 12')")
    worker.wait()
    assert worker.expect(r"done: (\d+)")[1] == "12"


def test_program_that_is_never_ready_is_told(start):
    with pytest.raises(AssertionError, match=re.escape("'late' in its output did not come within 0.2 s")):
        python(start, WORKER, ready="late", timeout_s=0.2)
    worker = python(start, WORKER, ready="ready")
    with pytest.raises(AssertionError, match=re.escape("still runs after 0.1 s")):
        worker.wait(timeout_s=0.1)


def test_condition_is_awaited_while_the_program_runs(start):
    worker = python(start, WORKER)
    assert worker.until(lambda: "ready" in worker.output) is True
    worker.kill()
    worker.wait()
    with pytest.raises(AssertionError, match="ended with -9 before the condition"):
        worker.until(lambda: False)


def test_signal_to_a_program_that_ended_by_itself_is_a_failure(start):
    worker = python(start, "pass")
    worker.wait()
    with pytest.raises(AssertionError, match="ended with 0 before SIGTERM"):
        worker.terminate()


def test_program_sees_its_variables_and_its_folder(start, tmp_path):
    worker = python(start, "import os; print(os.environ['A'], os.getcwd())", env={"A": "1"}, cwd=tmp_path)
    assert worker.expect(r"^1 (.*)$")[1] == os.path.realpath(tmp_path)


def test_program_without_a_name_or_that_is_not_there_is_refused(start):
    with pytest.raises(TypeError, match="name the program"):
        start()
    with pytest.raises(FileNotFoundError):
        start("no-such-program-here")


def test_much_output_is_kept_from_its_end(start):
    worker = python(start, "print('x' * 1_000_000); print('the end')")
    worker.wait()
    assert worker.output.endswith("x\nthe end\n")
    assert len(worker.output) <= 64 << 10


def test_whatever_still_runs_is_ended_with_all_it_started():
    made = Processes()
    worker = python(made.start, PARENT)
    child = int(worker.expect(r"child (\d+)")[1])
    made.close()
    assert gone(worker.pid)
    deadline = time.monotonic() + 5
    while not gone(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert gone(child)


def test_program_that_ignores_sigterm_is_killed(monkeypatch):
    monkeypatch.setattr("truegreen_pytest.processes._END_S", 0.2)
    made = Processes()
    worker = python(made.start, STUBBORN, ready="up")
    made.close()
    assert worker.exit_code == -signal.SIGKILL

"""Who is still alive: numbers alone say nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from truegreen.runtime.lifetime import FOREIGN_LIFE_S, abandoned, process_scope, process_start

HERE, ELSEWHERE = process_scope(), "another boot pid:[1]"
ME = os.getpid()


def test_scope_names_this_boot_and_this_container():
    assert HERE.endswith(str(Path("/proc/self/ns/pid").readlink()))
    assert process_scope() == HERE


def test_start_of_a_process_that_ended_is_zero():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert process_start(child.pid) >= process_start(ME) > 0
        child.stdin.close()
    assert process_start(child.pid) == 0


def test_start_of_a_zombie_is_zero():
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    try:
        assert child.stdout.read() == b""  # it ends, and nobody has waited for it
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert process_start(child.pid) == 0
    finally:
        child.stdout.close()
        child.wait()


@pytest.mark.parametrize(
    ("pid", "started", "scope", "age_s", "gone"),
    [
        (ME, process_start(ME), HERE, 10 * FOREIGN_LIFE_S, False),
        (ME, process_start(ME) - 1, HERE, 0.0, True),
        (2**22 + 1, 5, HERE, 0.0, True),
        (ME, process_start(ME) - 1, ELSEWHERE, 0.0, False),
        (2**22 + 1, 5, ELSEWHERE, FOREIGN_LIFE_S, False),
        (2**22 + 1, 5, ELSEWHERE, FOREIGN_LIFE_S + 1, True),
        (2**22 + 1, 5, "", 0.0, False),
        (2**22 + 1, 5, "", FOREIGN_LIFE_S + 1, True),
    ],
    ids=["live", "number-used-again", "ended", "elsewhere", "a-day", "over-a-day", "untold", "untold-over-a-day"],
)
def test_owner_is_gone_when_it_ended_here_or_is_a_day_old_elsewhere(pid, started, scope, age_s, gone):
    assert abandoned(pid, started, scope, age_s) is gone

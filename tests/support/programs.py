"""Small programs, and what becomes of them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from truegreen.runtime.process import ProcessRunner

PATH = os.environ["PATH"]
RUNNER = ProcessRunner(grace_s=0.2)
SOON_S = 30.0
"""Longest time that anything here may take on a busy machine."""


def sh(script, **more):
    return RUNNER.run(["sh", "-c", script], **more)


def python(code, **more):
    return RUNNER.run([sys.executable, "-IS", "-c", code], **more)


def until(condition):
    deadline = time.monotonic() + SOON_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return found


def pid_in(path):
    return int(until(lambda: path.exists() and path.read_text().strip()))


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False

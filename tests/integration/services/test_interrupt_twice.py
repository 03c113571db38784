"""Signals one after the other, and `kill -9`, while services start: the next command finds nothing."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from truegreen.errors import EXIT_ENGINE

pytestmark = pytest.mark.slow
SERVICES = "\n".join(f'[tool.truegreen.services.{name}]\nprovider = "embedded"\n' for name in ("postgres", "redis"))
MADE = re.compile(r"\.?(copy-|initdb-)?(postgres|redis)-[0-9a-f]{16}")
"""A folder of one start; what all starts share is named otherwise."""


@pytest.fixture(scope="module")
def place():
    """A folder for temporary files that the user `nobody` can reach, with a cluster made already."""
    folder = Path(tempfile.mkdtemp(prefix="twice-"))
    folder.chmod(0o755)
    (folder / "project").mkdir()
    (folder / "project" / "pyproject.toml").write_text(f"[project]\nname = 'x'\nversion = '1'\n{SERVICES}")
    (folder / "cache").mkdir()
    home = os.environ.get("TRUEGREEN_CACHE") or str(Path.home() / ".cache" / "truegreen")
    (folder / "cache" / "tools").symlink_to(Path(home) / "tools")  # sessions of its own, the machine's tools
    assert begin(folder, "services", "up").wait(60) == 0
    assert begin(folder, "services", "down").wait(20) == 0
    yield folder
    for pid in working_below(folder):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def begin(place, *command):
    return subprocess.Popen(
        [sys.executable, "-m", "truegreen", *command],
        cwd=place / "project",
        env={**os.environ, "TRUEGREEN_CACHE": str(place / "cache"), "TMPDIR": str(place)},
        stdout=subprocess.DEVNULL,
        stderr=(place / "said").open("w"),
        start_new_session=True,
    )


def sessions(place):
    return list((place / "cache" / "sessions").glob("*.json"))


def folders(place):
    homes = (place / "truegreen-0", place / "cache" / "data")
    return [path.name for home in homes if home.is_dir() for path in home.iterdir() if MADE.fullmatch(path.name)]


def working_below(folder):
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if str(path.readlink()).startswith(str(folder)):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def until_begun(place, process, after_s):
    """Wait until a start has noted its session, and then a little."""
    deadline = time.monotonic() + 30
    while not sessions(place) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(after_s)


@pytest.mark.parametrize("after_s", [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5])
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_signals_one_after_the_other_while_services_start_leave_nothing(place, signum, after_s):
    process = begin(place, "services", "up")
    until_begun(place, process, after_s)
    for _ in range(4):
        process.send_signal(signum)
        time.sleep(0.05)
    code, said = process.wait(30), (place / "said").read_text()
    begin(place, "services", "down").wait(20)  # where it was ready before the signal
    assert code in (EXIT_ENGINE, 0), said
    assert "Traceback" not in said
    assert (sessions(place), folders(place), working_below(place)) == ([], [], [])


@pytest.mark.parametrize("after_s", [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5])
def test_start_that_is_killed_is_swept_by_services_down(place, after_s):
    process = begin(place, "services", "up")
    until_begun(place, process, after_s)
    process.kill()
    process.wait(10)
    assert sessions(place)
    assert begin(place, "services", "down").wait(20) == 0
    assert (sessions(place), folders(place), working_below(place)) == ([], [], [])


def test_signal_before_anything_is_imported_ends_without_a_traceback(place):
    process = begin(place, "services", "status")
    deadline = time.monotonic() + 10
    while not caught(process.pid, signal.SIGTERM) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) in (EXIT_ENGINE, 0)
    assert "Traceback" not in (place / "said").read_text()


def caught(pid, signum):
    """Return whether a process has a handler of its own for a signal."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    mask = int(re.search(r"SigCgt:\s*([0-9a-f]+)", status).group(1), 16)
    return bool(mask & (1 << (signum - 1)))


def test_signal_after_the_last_word_changes_no_exit_code(place):
    """The interpreter takes its time to end, and has no handlers any more then."""
    codes = set()
    for late_s in [0.0, 0.002, 0.005, 0.01, 0.015] * 4:
        process = begin(place, "services", "status")
        deadline = time.monotonic() + 30
        while not (place / "said").read_text() and time.monotonic() < deadline:
            time.sleep(0.0005)
        time.sleep(late_s)
        os.kill(process.pid, signal.SIGTERM)
        codes.add(process.wait(30))
    assert codes <= {0, EXIT_ENGINE}

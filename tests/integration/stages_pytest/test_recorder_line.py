"""Who may tell a recorder of tests, and what is left of its socket."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from truegreen.runtime import lifetime
from truegreen.stages.common.recorder import Recorder

KILLED = """
import os, signal, sys
from pathlib import Path
from truegreen.stages.common.recorder import Recorder
with Recorder((), Path(sys.argv[1])).listening() as address:
    print(address, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


MARK = b'{"event": "mark", "test": "t", "phase": "call", "demands": []}\n'


def tell(address, *rows):
    """Be a process that tells a recorder some rows, and hangs up."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(address))
        for row in rows:
            sock.sendall(row)
            assert sock.recv(100)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for temporary files whose path is short; pytest has made its own elsewhere."""
    del tmp_path
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def killed(place):
    command = [sys.executable, "-c", KILLED, str(place)]
    done = subprocess.run(
        command, env={**os.environ, "TMPDIR": str(place)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    return Path(done.stdout.strip()).parent


def test_socket_that_a_killed_run_left_is_removed_by_the_next_one(place, tmp_path):
    left = killed(place)
    assert left.is_dir()
    with Recorder((), tmp_path).listening() as address:
        assert list(place.glob("tg-*")) == [address.parent]
    assert list(place.glob("tg-*")) == []


def test_socket_of_a_run_that_lives_and_what_is_not_ours_stay(place, tmp_path):
    (place / "tg-notes").mkdir()
    (place / "tg-notes" / "owner").write_text("somebody")
    (place / "tg-file").touch()
    target = tmp_path / "target"
    killed(place).rename(target)
    (place / "tg-link").symlink_to(target)
    with Recorder((), tmp_path).listening() as one, Recorder((), tmp_path).listening() as two:
        there = {path.name for path in place.glob("tg-*")}
    assert there == {one.parent.name, two.parent.name, "tg-notes", "tg-file", "tg-link"}
    assert (target / "owner").exists()


def test_socket_can_be_reached_by_its_owner_only(place, tmp_path):
    with Recorder((), tmp_path).listening() as address:
        assert stat.S_IMODE(address.parent.stat().st_mode) == 0o700


def test_process_that_tells_of_tests_after_they_ended_makes_the_evidence_blind(place, tmp_path):
    recorder = Recorder((), tmp_path)
    with recorder.listening() as address:
        tell(address, b'{"event": "start"}\n', MARK, b'{"event": "finish"}\n')
        assert recorder.notes == ()
        tell(address, MARK)
    assert "after they had ended" in recorder.notes[0]


def test_owner_of_a_note_that_cannot_be_read_is_not_known_to_be_gone(tmp_path):
    assert not lifetime.owner_gone(tmp_path / "none", 0)
    lifetime.note_owner(tmp_path / "owner")
    assert not lifetime.owner_gone(tmp_path / "owner", 0)

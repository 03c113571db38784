"""Who may tell a recorder of tests, and what is left of its socket."""

from __future__ import annotations

import json
import os
import select
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest

from truegreen.model.persistence import Change, PersistenceEvidence, Window
from truegreen.runtime import lifetime
from truegreen.stages.common.recorder import Recorder
from truegreen.stages.common.watch import Watched

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


class Store:
    """A store in which every phase changes one thing, and that notes when it is asked, and when it answers."""

    tier, version = "A: of a test", "1"

    def __init__(self, name, asked, fails=""):
        self.name = name
        self.asked = asked
        self.fails = fails
        self.place = 0

    def _note(self, word):
        self.asked.append((word, self.name))
        if word == self.fails:
            raise ConnectionResetError("reset by peer")

    def ahead(self, start):
        self._note("ahead")

    def position(self):
        self._note("position")
        self.place += 1
        return self.place

    def between(self, start, end):
        change = Change(store=self.name, database="d", object="o", kind="insert", count=end - start)
        return Window(committed=(change,))

    def close(self):
        pass


def recorded(folder, *rows, **fails):
    """Tell a recorder of two stores some rows, and hear no answer to the last; return their evidence, and who asked."""
    asked = []
    stores = [Store(name, asked, fails.get(name, "")) for name in ("one", "two")]
    recorder = Recorder([Watched(name=s.name, kind="s", open=lambda s=s: s) for s in stores], folder)
    with recorder.listening() as address:
        tell(address, b'{"event": "start"}\n', *rows[:-1])
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(address))
            sock.shutdown(socket.SHUT_RD)
            sock.sendall(rows[-1])
            gone = select.poll()
            gone.register(sock, 0)
            assert gone.poll(10_000)
        tell(address, b'{"event": "finish"}\n')
    return [
        msgspec.json.decode(path.read_bytes(), type=PersistenceEvidence) for path in sorted(folder.glob("*.json"))
    ], asked


@pytest.mark.parametrize("phase", [b'"setup"', b'"call"', b'"call", "twice": true'])
def test_all_stores_are_asked_before_the_first_one_answers(place, tmp_path, phase):
    _, asked = recorded(tmp_path, MARK.replace(b'"call"', phase))
    names = ("one", "two")
    starts = [("position", name) for name in names]
    assert asked == [*starts, *(("ahead", name) for name in names), *starts]


@pytest.mark.parametrize("fails", ["ahead", "position"])
def test_store_that_is_lost_when_it_is_asked_is_blind_and_the_other_one_is_not(place, tmp_path, fails):
    (one, two), _ = recorded(tmp_path, MARK, two=fails)
    assert (one.complete, one.problem) == (True, "")
    noticed = "; noticed at the end of the call of t" if fails == "ahead" else ""
    assert (two.complete, two.problem) == (False, f"ConnectionResetError: reset by peer{noticed}")


def test_process_that_hangs_up_where_its_call_ended_leaves_what_the_call_wrote(place, tmp_path):
    demand = {"object": "o", "kind": "insert", "at_least": 1, "reads": False, "patched": []}
    row = json.dumps({**json.loads(MARK), "demands": [demand]}).encode() + b"\n"
    stores, _ = recorded(tmp_path, row)
    for store in stores:
        assert [(phase.phase, len(phase.committed)) for phase in store.phases] == [("call", 1)]
        assert [one.demand.object for one in store.demands] == ["o"]


@pytest.mark.parametrize("number", ["1.2", 3, None, [1], {"a": "é"}])
def test_answer_has_the_number_of_its_question_whatever_that_is(place, tmp_path, number):
    with Recorder((), tmp_path).listening() as address, socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(address))
        sock.sendall(json.dumps({"event": "start", "n": number}).encode() + b"\n")
        assert json.loads(sock.recv(100)) == {"ok": True, "n": number}

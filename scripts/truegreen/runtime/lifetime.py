"""Who is still alive: process numbers are used again, and mean nothing in another container.

What a run started is remembered on disk, so that the next run ends what `kill -9` left.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import threading
from pathlib import Path
from typing import ClassVar

import msgspec

from truegreen.errors import TruegreenError
from truegreen.runtime import files
from truegreen.runtime.process import kill_group

_LIMIT_BYTES = 1 << 20

FOREIGN_LIFE_S = 24 * 3600.0
"""Of an owner in another container nothing can be known; what it left is swept after a day."""


def process_start(pid: int) -> int:
    """Return the start time of a process in clock ticks since boot; 0 when it is gone or a zombie."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return 0 if fields[0] in "ZX" else int(fields[19])
    return 0


def process_scope() -> str:
    """Return what makes a process number mean one process: this start of the machine, and this container of it.

    Runners in containers may share one cache directory or one engine: the numbers of one mean nothing in the
    other. Empty where the system does not tell.
    """
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return ""


def abandoned(pid: int, started: int, scope: str, age_s: float) -> bool:
    """Return whether an owner is gone: its process ended, or it belongs to another container and is a day old.

    Args:
        pid: the owner's number.
        started: `process_start` of the owner, as it noted it.
        scope: `process_scope` of the owner.
        age_s: how long ago the owner left its note.
    """
    if scope and scope == process_scope():
        return process_start(pid) != started
    return age_s > FOREIGN_LIFE_S


class Member(msgspec.Struct, frozen=True):
    """A process group; the start time tells it from a later process with the same number."""

    pid: int
    started: int


class _Note(msgspec.Struct, frozen=True):
    owner: Member
    scope: str
    members: tuple[Member, ...] = ()


def note_owner(path: Path) -> None:
    """Note this process as the owner of what a folder holds."""
    pid = os.getpid()
    files.write_atomic(path, msgspec.json.encode(_Note(Member(pid, process_start(pid)), process_scope())))


def owner_gone(path: Path, now_s: float) -> bool:
    """Return whether a note of `note_owner` names an owner that is gone; False where there is none to be read.

    Args:
        path: the note.
        now_s: seconds since the epoch.
    """
    return _of_dead(path, now_s) is not None


def _of_dead(path: Path, now_s: float) -> _Note | None:
    """Return a note whose owner is gone; None where he lives, or the note is half written or was just removed."""
    try:
        note = msgspec.json.decode(files.read_limited(path, _LIMIT_BYTES), type=_Note)
        age_s = now_s - path.stat().st_mtime
    except (msgspec.DecodeError, OSError, TruegreenError):
        return None
    return note if abandoned(note.owner.pid, note.owner.started, note.scope, age_s) else None


class Ledger:
    """The note of one run; `sweep` reads those of runs that are dead."""

    KIND: ClassVar[str] = "programs"
    """Folder of the cache that holds the notes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = Member(os.getpid(), process_start(os.getpid()))
        self._members: list[Member] = []
        self._lock = threading.Lock()

    @classmethod
    def open(cls, cache: Path) -> Ledger:
        """Return the note of this process, in the cache folder."""
        return cls(cache / cls.KIND / f"{os.getpid()}-{process_start(os.getpid())}-{secrets.token_hex(4)}.json")

    def add(self, pid: int) -> None:
        """Remember a process group."""
        with self._lock:
            self._members.append(Member(pid, process_start(pid)))
            note = _Note(self._owner, process_scope(), tuple(self._members))
            files.write_atomic(self._path, msgspec.json.encode(note))

    def remove(self, pid: int) -> None:
        """Forget a group that ended; until the next `add` its number on disk names nobody."""
        with self._lock:
            self._members = [member for member in self._members if member.pid != pid]
            if not self._members:
                self._discard()

    def close(self) -> None:
        """Forget everything; the caller has stopped it all."""
        with self._lock:
            self._members.clear()
            self._discard()

    def _discard(self) -> None:
        with contextlib.suppress(OSError):  # never written, or in a cache that may only be read
            self._path.unlink()

    def sweep(self, now_s: float) -> int:
        """Kill what dead runs left; return how many groups that were. `now_s` is in seconds since the epoch."""
        if not self._path.parent.is_dir():
            return 0
        swept = 0
        for path in self._path.parent.glob("*.json"):
            note = _of_dead(path, now_s)
            if note is None:
                continue
            for member in note.members if note.scope == process_scope() else ():
                if member.started and process_start(member.pid) == member.started:
                    kill_group(member.pid, signal.SIGKILL)
                    swept += 1
            path.unlink(missing_ok=True)
        return swept

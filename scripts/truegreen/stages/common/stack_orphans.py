"""Processes that outlived a run which was killed with `kill -9`: remembered on disk, swept by the next run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import msgspec

from truegreen.runtime import files
from truegreen.runtime.process import kill_group

_PROC = Path("/proc")
_LIMIT_BYTES = 1 << 20


class Member(msgspec.Struct, frozen=True):
    """A process group; the start time tells it from a later process with the same number."""

    pid: int
    born: str


class _Note(msgspec.Struct, frozen=True):
    owner: Member
    members: tuple[Member, ...]


class Ledger:
    """The note of one run; `sweep` reads those of runs that are dead."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = Member(os.getpid(), born(os.getpid()))
        self._members: list[Member] = []

    @classmethod
    def open(cls, cache: Path) -> Ledger:
        """Return the note of this process, in the cache folder."""
        return cls(cache / "stacks" / f"{os.getpid()}-{born(os.getpid())}.json")

    def add(self, pid: int) -> None:
        """Remember a process group."""
        self._members.append(Member(pid, born(pid)))
        files.write_atomic(self._path, msgspec.json.encode(_Note(self._owner, tuple(self._members))))

    def close(self) -> None:
        """Forget everything; the caller has stopped it all."""
        self._members.clear()
        self._path.unlink(missing_ok=True)

    def sweep(self) -> int:
        """Kill what dead runs left; return how many groups that were."""
        if not _PROC.is_dir() or not self._path.parent.is_dir():
            return 0
        swept = 0
        for path in self._path.parent.glob("*.json"):
            try:
                note = msgspec.json.decode(files.read_limited(path, _LIMIT_BYTES), type=_Note)
            except (msgspec.DecodeError, OSError):
                continue
            if born(note.owner.pid) == note.owner.born:
                continue
            for member in note.members:
                if member.born and born(member.pid) == member.born:
                    kill_group(member.pid, signal.SIGKILL)
                    swept += 1
            path.unlink(missing_ok=True)
        return swept


def born(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; empty when it is gone or cannot be told."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]

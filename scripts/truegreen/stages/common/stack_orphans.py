"""Processes that outlived a run which was killed with `kill -9`: remembered on disk, swept by the next run."""

from __future__ import annotations

import os
import secrets
import signal
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import TruegreenError
from truegreen.runtime import files
from truegreen.runtime.lifetime import abandoned, process_scope, process_start
from truegreen.runtime.process import kill_group

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_BYTES = 1 << 20


class Member(msgspec.Struct, frozen=True):
    """A process group; the start time tells it from a later process with the same number."""

    pid: int
    started: int


class _Note(msgspec.Struct, frozen=True):
    owner: Member
    scope: str
    members: tuple[Member, ...]


class Ledger:
    """The note of one run; `sweep` reads those of runs that are dead."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = Member(os.getpid(), process_start(os.getpid()))
        self._members: list[Member] = []

    @classmethod
    def open(cls, cache: Path) -> Ledger:
        """Return the note of this process, in the cache folder."""
        return cls(cache / "stacks" / f"{os.getpid()}-{process_start(os.getpid())}-{secrets.token_hex(4)}.json")

    def add(self, pid: int) -> None:
        """Remember a process group."""
        self._members.append(Member(pid, process_start(pid)))
        files.write_atomic(self._path, msgspec.json.encode(_Note(self._owner, process_scope(), tuple(self._members))))

    def close(self) -> None:
        """Forget everything; the caller has stopped it all."""
        self._members.clear()
        self._path.unlink(missing_ok=True)

    def sweep(self, now_s: float) -> int:
        """Kill what dead runs left; return how many groups that were. `now_s` is in seconds since the epoch."""
        if not self._path.parent.is_dir():
            return 0
        swept = 0
        for path in self._path.parent.glob("*.json"):
            try:
                note = msgspec.json.decode(files.read_limited(path, _LIMIT_BYTES), type=_Note)
                age_s = now_s - path.stat().st_mtime
            except (msgspec.DecodeError, OSError, TruegreenError):
                continue  # half a note, or another run was quicker
            if not abandoned(note.owner.pid, note.owner.started, note.scope, age_s):
                continue
            for member in note.members if note.scope == process_scope() else ():
                if member.started and process_start(member.pid) == member.started:
                    kill_group(member.pid, signal.SIGKILL)
                    swept += 1
            path.unlink(missing_ok=True)
        return swept

"""What the cache remembers about who started which services."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

import msgspec

from truegreen.model.service import ServiceHandle
from truegreen.runtime import files
from truegreen.runtime.lifetime import abandoned
from truegreen.services.base import Started

if TYPE_CHECKING:
    from pathlib import Path


class Session(msgspec.Struct, kw_only=True):
    """What the cache remembers about one session."""

    id: str
    root: str
    owner_pid: int
    owner_started: int
    scope: str = ""
    """Where the owner's number means something; empty where the system does not tell."""
    containers: bool = False
    """True before the first container starts: one that was never recorded is found by its label."""
    detached: bool = False
    """True for `services up`: it lives until `services down`."""
    started: list[Started] = []
    handles: list[ServiceHandle] = []


class Sessions:
    """The sessions of all projects, one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, session: Session) -> None:
        """Write a session; it holds passwords, so only its owner may read it."""
        files.write_atomic(self._path(session), msgspec.json.encode(session), mode=0o600)

    def forget(self, session: Session) -> None:
        """Remove a session."""
        self._path(session).unlink(missing_ok=True)

    def all(self) -> list[Session]:
        """Return every session; a file that is none is put aside."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Session))
            except FileNotFoundError:  # it ended meanwhile
                continue
            except (msgspec.DecodeError, OSError):
                shutil.move(path, path.with_suffix(".broken"))
        return found

    def abandoned(self, session: Session, now_s: float) -> bool:
        """Return whether the owner of a session is gone, or must be by now."""
        with contextlib.suppress(OSError):
            age_s = now_s - self._path(session).stat().st_mtime
            return abandoned(session.owner_pid, session.owner_started, session.scope, age_s)
        return False

    def _path(self, session: Session) -> Path:
        return self._folder / f"{session.id}.json"

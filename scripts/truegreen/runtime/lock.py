"""One program at a time in a folder; the system lets go of the lock however its holder ends."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from truegreen.errors import RunInProgress
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POLL_S = 0.05
_HELD = (errno.EAGAIN, errno.EACCES)


@contextmanager
def exclusive(path: Path, *, wait_s: float) -> Iterator[None]:
    """Hold a lock file that names its holder.

    Raises:
        RunInProgress: another process holds it for longer than the wait.
        FileUnusable: the file cannot be made.
    """
    files.folder(path.parent)
    with files.writing(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        _acquire(handle, path, time.monotonic() + wait_s)
        with files.writing(path):
            os.ftruncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _HELD:  # a file system without locks
                return
        else:
            return
        if time.monotonic() >= deadline:
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
            who = f"process {holder}" if holder.isdigit() else "another process"
            raise RunInProgress("another run works in this project", where=str(path), why=f"{who} holds the lock")
        time.sleep(_POLL_S)

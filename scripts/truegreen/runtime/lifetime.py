"""Who is still alive: process numbers are used again, and mean nothing in another container."""

from __future__ import annotations

import contextlib
from pathlib import Path

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

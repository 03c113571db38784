"""When a part of the application counts as ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ConfigurationError
from truegreen.runtime import net

if TYPE_CHECKING:
    from pathlib import Path

_ALIVE_S = 1.0
_TAIL_BYTES = 16 << 10
_BAD_REQUEST = 400


class NotYet(msgspec.Struct, frozen=True):
    """Not ready, and what was seen instead."""

    reason: str


def check(ready: str, log: Path, elapsed_s: float) -> NotYet | None:
    """Return None when the condition holds, else what was seen.

    `ready` is `http(s)://…` (answers below 400), `log:TEXT` (in the log), or empty (alive for a second).

    Raises:
        ConfigurationError: it is none of these.
    """
    if not ready:
        return None if elapsed_s >= _ALIVE_S else NotYet("it has been alive for less than a second")
    if ready.startswith(("http://", "https://")):
        return url_answers(ready)
    if ready.startswith("log:"):
        text = ready.removeprefix("log:").strip()
        found = log.is_file() and text.encode() in log.read_bytes()
        return None if found else NotYet(f"{text!r} is not in its log")
    raise ConfigurationError(f"`ready = {ready!r}` cannot be understood", fix="use `http://…`, `log:TEXT` or nothing")


def url_answers(url: str) -> NotYet | None:
    """Return None when the URL answers below 400, else what it did."""
    status = net.http_status(url)
    if isinstance(status, int) and status < _BAD_REQUEST:
        return None
    return NotYet(f"{url} answered {status}" if isinstance(status, int) else f"{url} did not answer: {status}")


def log_tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log, empty when there is none."""
    if not log.is_file():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        text = stream.read().decode("utf-8", "replace")
    return "\n".join(text.strip().splitlines()[-lines:])

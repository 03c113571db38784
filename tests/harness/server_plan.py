"""How one server of `tests.harness.servers` is run, and what all of them need."""

from __future__ import annotations

import re
import signal
import socket
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.harness.shell import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"
PASSWORD = "truegreen"


@dataclass(kw_only=True)
class Plan:
    """How to run one server in a folder of its own."""

    argv: list[str]
    ready: Callable[[], bool]
    version: str
    url: str
    env: dict[str, str] = field(default_factory=dict)
    user: str = ""
    password: str = ""
    database: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    stop: signal.Signals = signal.SIGTERM
    after: Callable[[], object] = lambda: None  # once it has ended


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def listens(port: int) -> bool:
    """Return whether somebody takes connections on a port."""
    with socket.socket() as sock:
        return sock.connect_ex((HOST, port)) == 0


def answers(url: str) -> bool:
    """Return whether an address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


def number(text: str) -> str:
    """Return the version in what a program says of itself."""
    found = re.search(r"\d+\.\d+[.\d]*", text)
    if found is None:
        raise HarnessError(f"No version in {text[:80]!r}.", fix="look at the program")
    return found.group()

"""Keeps tests off the network: who connects to anything but this machine is told so, and its test fails."""

from __future__ import annotations

import fnmatch
import ipaddress
import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VARIABLE = "TRUEGREEN_NETWORK"
"""What tests may reach beside this machine, as a JSON list of names, patterns, addresses and networks; absent blocks
nothing."""
_NAMES = ("", "localhost", "localhost.localdomain", "ip6-localhost", "0.0.0.0", "::")  # noqa: S104 - names, not a server
_ASKS = ("socket.getaddrinfo", "socket.gethostbyname")
_CONNECTS = ("socket.connect", "socket.sendto", "socket.sendmsg")


class NetworkBlocked(RuntimeError):
    """A test tried to reach another machine; no OSError, which clients catch in order to try again."""


class Guard:
    """Blocks the network while tests run: fixtures and teardown included, collection not.

    Python tells its audit hooks of every connection its own sockets make, those of asyncio and of all clients written
    in Python included. Libraries in C with sockets of their own (libpq, grpc, uvloop) and subprocesses are not seen.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._patterns = [*_NAMES, socket.gethostname().lower(), *(text.lower() for text in allowed)]
        self._networks = [network for text in allowed if (network := _network(text)) is not None]
        self._test = ""
        self._blocked: list[str] = []
        self._resolved: set[str] = set()
        """Addresses of names that are allowed."""
        self._own = False
        sys.addaudithook(self._audit)  # stays until the process ends, and does nothing between tests

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Block from the beginning of the set-up to the end of the teardown."""
        self._test = item.nodeid
        del self._blocked[:]
        yield
        self._test = ""

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """Fail a test that went on after it or a fixture was blocked: somebody swallowed the error."""
        done: Any = yield
        if self._blocked and done.excinfo is None:
            done.force_exception(NetworkBlocked(self._blocked[0]))

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._test or not event.startswith("socket.") or self._own:
            return
        __tracebackhide__ = True
        if event in _ASKS and not self._may_ask(_text(args[0])):
            self._block(_text(args[0]))
        elif event in _CONNECTS and args[0].family in (socket.AF_INET, socket.AF_INET6) and args[1]:
            host = _text(args[1][0])
            if not self._may_connect(host):
                self._block(f"{host} port {args[1][1]}")

    def _block(self, host: str) -> None:
        __tracebackhide__ = True
        name = host.partition(" ")[0]
        message = (
            f"{self._test} tried to reach {host}, and unit tests may not leave this machine; replace the client, "
            f'or allow it: network-allow = ["{name}"] in [tool.truegreen.unit]'
        )
        self._blocked.append(message)
        raise NetworkBlocked(message)

    def _may_ask(self, host: str) -> bool:
        """Return whether a name may be resolved; an address is no question to anybody."""
        if _address(host) is not None:
            return True
        if not self._named(host):
            return False
        self._own = True
        try:
            self._resolved.update(str(found[4][0]) for found in socket.getaddrinfo(host or None, 0))
        except OSError:  # who asked will be told the same
            pass
        finally:
            self._own = False
        return True

    def _may_connect(self, host: str) -> bool:
        address = _address(host)
        if address is None:
            return self._named(host)
        known = host in self._resolved or self._named(host) or address.is_loopback or address.is_unspecified
        return known or any(address in network for network in self._networks)

    def _named(self, host: str) -> bool:
        return any(fnmatch.fnmatchcase(host.lower().rstrip("."), pattern) for pattern in self._patterns)


def asked() -> list[str] | None:
    """Return what may be reached beside this machine; None when nothing is to be blocked.

    Raises:
        pytest.UsageError: the variable holds something else; then nobody knows what to block.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise pytest.UsageError(f"{VARIABLE} is no JSON list: {text[:80]!r}")
    return [str(one) for one in found]


def _text(host: Any) -> str:
    return host.decode("utf-8", "replace") if isinstance(host, (bytes, bytearray)) else str(host or "")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None

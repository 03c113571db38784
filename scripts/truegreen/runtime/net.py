"""Ports and HTTP probes on this machine; urllib3 is imported on use, because every command loads this module."""

from __future__ import annotations

import errno
import socket

LOOPBACK = "127.0.0.1"


def free_port(host: str = LOOPBACK) -> int:
    """Return a TCP port that nothing listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def port_taken(port: int, host: str = LOOPBACK) -> bool:
    """Return whether a listener already holds the port.

    Any other reason why it cannot be bound (no permission, no such address) counts as free: the program
    that wants it gives the better message.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def answers(host: str, port: int, timeout_s: float = 0.5) -> bool:
    """Return whether a TCP connection is accepted."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except OSError:
        return False


def http_status(url: str, timeout_s: float = 2.0) -> int | str:
    """Return the status of one GET without redirects or retries, or the reason why there was none."""
    import urllib3  # noqa: PLC0415 - see the top

    try:
        reply = urllib3.request(
            "GET",
            url,
            timeout=timeout_s,
            redirect=False,
            retries=False,
            headers={"User-Agent": "truegreen"},
            preload_content=False,  # the body may never end
        )
    except urllib3.exceptions.HTTPError as error:
        return str(error).rsplit(": ", 1)[-1] or type(error).__name__
    with reply:
        return reply.status

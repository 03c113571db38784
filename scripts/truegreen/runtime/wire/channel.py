"""One connection to a server."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

LIMIT_BYTES = 64 << 20
"""Longest message that is read: more than that is another protocol's, or no answer to what was asked."""


class Refused(Exception):
    """The server answered with an error; the text is its own."""


class Channel:
    """A TCP connection that reads exactly what is asked for, and never longer than a time limit."""

    def __init__(self, host: str, port: int, *, timeout_s: float = 5.0, limit_bytes: int = LIMIT_BYTES) -> None:
        """Connect.

        Args:
            host: name or address.
            port: of TCP.
            timeout_s: longest wait for the connection, and for each part of an answer.
            limit_bytes: longest message that is read.

        Raises:
            OSError: nobody answers there.
        """
        self._limit_bytes = limit_bytes
        self.socket = socket.create_connection((host, port), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send everything."""
        self.socket.sendall(data)

    def exactly(self, size: int) -> bytes:
        """Return exactly so many bytes.

        Raises:
            ConnectionError: the server hung up.
            ValueError: a size that no answer has.
        """
        if not 0 <= size <= self._limit_bytes:
            raise ValueError(f"a message of {size} bytes")
        data = self._stream.read(size)
        if len(data) < size:
            raise ConnectionError("the server closed the connection")
        return data

    def line(self) -> bytes:
        """Return one line without its end."""
        data = self._stream.readline(LIMIT_BYTES)
        if not data.endswith(b"\n"):
            raise ConnectionError("the server closed the connection")
        return data.rstrip(b"\r\n")

    @contextlib.contextmanager
    def logging_in(self) -> Iterator[None]:
        """Hang up where a log-in fails: nobody gets the connection, so nobody else can."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def wrap(self, context: ssl.SSLContext) -> None:
        """Go on over TLS."""
        self.socket = context.wrap_socket(self.socket)
        self._stream = self.socket.makefile("rb")

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self.socket.close()

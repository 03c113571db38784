"""Small pieces of wire protocols: enough to ask a server one real question."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import socket
import struct
from typing import TYPE_CHECKING, Any

from truegreen.runtime.wire.channel import Refused
from truegreen.services.base import Access, NotReady

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S = 2.0
_LIMIT_BYTES = 1 << 16
LIMITS: dict[str, Any] = {"timeout_s": TIMEOUT_S, "limit_bytes": _LIMIT_BYTES}
"""What a probe allows a server, for a connection of `runtime.wire`."""
_LIMIT_MESSAGES = 10_000
_PROTOCOL_3 = 196608
_AUTH_OK, _AUTH_CLEAR, _AUTH_MD5, _AUTH_SASL, _AUTH_SASL_CONTINUE, _AUTH_SASL_FINAL = 0, 3, 5, 10, 11, 12


@contextlib.contextmanager
def connection(access: Access) -> Iterator[socket.socket]:
    """Open a connection; whatever goes wrong on it means not ready."""
    with asking(access), socket.create_connection((access.host, access.port), TIMEOUT_S) as sock:
        sock.settimeout(TIMEOUT_S)
        yield sock


@contextlib.contextmanager
def asking(access: Access) -> Iterator[None]:
    """Ask a server: a refusal, every failure of the network and every answer of another protocol means not ready."""
    try:
        yield
    except Refused as error:
        raise NotReady(str(error) or "the server refused") from None
    except (OSError, EOFError, struct.error) as error:
        raise NotReady(f"{access.host}:{access.port}: {error!s}" if str(error) else type(error).__name__) from None
    except (ValueError, LookupError) as error:
        raise NotReady(f"{access.host}:{access.port} speaks another protocol: {type(error).__name__}") from None


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """Return exactly so many bytes, or raise EOFError; a size no probe asks for is another protocol's text."""
    if not 0 <= size <= _LIMIT_BYTES:
        raise ValueError(f"a message of {size} bytes")
    data = b""
    while len(data) < size:
        if not (chunk := sock.recv(size - len(data))):
            raise EOFError("the server closed the connection")
        data += chunk
    return data


def read_line(sock: socket.socket) -> str:
    """Return one line without its end; one that never ends is another protocol's."""
    data = b""
    while not data.endswith(b"\n"):
        if len(data) > _LIMIT_BYTES:
            raise ValueError("a line without end")
        if not (chunk := sock.recv(1)):
            raise EOFError("the server closed the connection")
        data += chunk
    return data.decode("utf-8", "replace").rstrip("\r\n")


class Postgres:
    """One PostgreSQL connection that can authenticate and run simple queries."""

    def __init__(self, sock: socket.socket, access: Access) -> None:
        self._sock = sock
        self._access = access
        self.version = ""
        self._login()

    def query(self, sql: str) -> list[list[str]]:
        """Run one statement and return its rows as text; raises NotReady with the server's message."""
        self._send(b"Q", sql.encode() + b"\0")
        rows, problem = [], ""
        for kind, body in self._messages():
            if kind == b"D":
                rows.append(_row(body))
            elif kind == b"E":
                problem = _error(body)
        if problem:
            raise NotReady(problem)
        return rows

    def _login(self) -> None:
        text = f"user\0{self._access.user}\0database\0{self._access.database or 'postgres'}\0\0".encode()
        self._sock.sendall(struct.pack("!ii", len(text) + 8, _PROTOCOL_3) + text)
        scram: _Scram | None = None
        for kind, body in self._messages():
            if kind == b"E":
                raise NotReady(_error(body))
            if kind == b"S":
                key, value = body.split(b"\0")[:2]
                self.version = value.decode() if key == b"server_version" else self.version
            if kind == b"R":
                scram = self._authenticate(struct.unpack("!i", body[:4])[0], body[4:], scram)

    def _authenticate(self, method: int, body: bytes, scram: _Scram | None) -> _Scram | None:
        user, password = self._access.user, self._access.password
        if method == _AUTH_CLEAR:
            self._send(b"p", password.encode() + b"\0")
        elif method == _AUTH_MD5:
            inner = hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest()
            outer = hashlib.md5(inner.encode() + body[:4], usedforsecurity=False).hexdigest()
            self._send(b"p", b"md5" + outer.encode() + b"\0")
        elif method == _AUTH_SASL:
            scram = _Scram(password)
            first = scram.first()
            self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
        elif method == _AUTH_SASL_CONTINUE and scram is not None:
            self._send(b"p", scram.final(body))
        elif method not in (_AUTH_OK, _AUTH_SASL_FINAL):
            raise NotReady(f"the server asks for authentication method {method}, which the probe does not know")
        return scram

    def _messages(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield messages until the server is ready for a query, or an error ended the log-in."""
        for _ in range(_LIMIT_MESSAGES):
            kind = read_exactly(self._sock, 1)
            size = struct.unpack("!i", read_exactly(self._sock, 4))[0]
            body = read_exactly(self._sock, size - 4)
            if kind == b"Z":
                return
            yield kind, body
        raise ValueError("messages without end")

    def _send(self, kind: bytes, body: bytes) -> None:
        self._sock.sendall(kind + struct.pack("!i", len(body) + 4) + body)


class _Scram:
    """The client's side of SCRAM-SHA-256 (RFC 7677), without channel binding."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._nonce = base64.b64encode(os.urandom(18)).decode()
        self._bare = f"n=,r={self._nonce}"

    def first(self) -> bytes:
        return f"n,,{self._bare}".encode()

    def final(self, server_first: bytes) -> bytes:
        text = server_first.decode()
        fields = dict(part.split("=", 1) for part in text.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self._password, base64.b64decode(fields["s"]), int(fields["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        without = f"c=biws,r={fields['r']}"
        message = f"{self._bare},{text},{without}".encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        return f"{without},p={base64.b64encode(proof).decode()}".encode()


def _row(body: bytes) -> list[str]:
    count, offset, row = struct.unpack("!h", body[:2])[0], 2, []
    for _ in range(count):
        size = struct.unpack("!i", body[offset : offset + 4])[0]
        offset += 4
        row.append("" if size < 0 else body[offset : offset + size].decode("utf-8", "replace"))
        offset += max(size, 0)
    return row


def _error(body: bytes) -> str:
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    return fields.get(b"M", "the server refused")

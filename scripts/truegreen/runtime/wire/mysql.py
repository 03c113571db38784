"""The protocol of MySQL and MariaDB: log-in, simple queries, and the events of the binary log."""

from __future__ import annotations

import hashlib
import ssl
import struct
from typing import TYPE_CHECKING, Any

from truegreen.runtime.wire.channel import Channel, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

# Capabilities, from the documentation of the client/server protocol.
_LONG_PASSWORD, _WITH_DATABASE, _PROTOCOL_41, _SSL, _TRANSACTIONS = 0x1, 0x8, 0x200, 0x800, 0x2000
_SECURE, _PLUGIN = 0x8000, 0x80000
_WANTED = _LONG_PASSWORD | _PROTOCOL_41 | _TRANSACTIONS | _SECURE | _PLUGIN
_MAX_PACKET, _UTF8MB4, _SALT, _STEPS = 0xFFFFFF, 45, 20, 8
_OK, _MORE, _EOF, _ERROR = 0x00, 0x01, 0xFE, 0xFF
_NATIVE, _SHA2 = "mysql_native_password", "caching_sha2_password"
_FAST_DONE, _FULL = 3, 4
_QUERY, _DUMP = b"\x03", b"\x12"
_EOF_BYTES, _ROWS = 9, 10_000
_NULL = 0xFB


class MySql(Channel):
    """One connection that is logged in."""

    def __init__(self, host: str, port: int, *, user: str, password: str, database: str = "", **limits: Any) -> None:
        """Connect and log in, where a database is named in that.

        Args:
            host: name or address.
            port: of TCP.
            user: name of the user.
            password: the user's; empty where there is none.
            database: one that must be there; empty takes none.
            limits: those of `Channel`.

        Raises:
            OSError: nobody answers there.
            Refused: the server does not let us in.
        """
        super().__init__(host, port, **limits)
        self._password = password
        self._number = 0
        self._encrypted = False
        with self.logging_in():
            self._login(user, database)

    def query(self, sql: str) -> list[list[str]]:
        """Run one statement and return its rows as text; NULL is empty.

        Raises:
            Refused: with the server's message.
            ValueError: more rows than any question asked here has.
        """
        self._number = 0
        self._put(_QUERY + sql.encode())
        head = self.packet()
        if head[0] == _OK:
            return []
        for _ in range(head[0] + 1):  # definitions of columns, and their end
            self.packet()
        rows: list[list[str]] = []
        while not ((packet := self.packet())[0] == _EOF and len(packet) < _EOF_BYTES):  # else a long value
            if len(rows) == _ROWS:
                raise ValueError("rows without end")
            rows.append(list(_values(packet)))
        return rows

    def follow(self, file: str, position: int, replica_id: int) -> None:
        """Ask for the events of the binary log from a position on; `packet` then returns one at a time.

        Args:
            file: name of the log.
            position: in bytes.
            replica_id: number under which the server knows us; of two that are the same, one is thrown out.
        """
        self._number = 0
        self._put(_DUMP + struct.pack("<IHI", position, 0, replica_id) + file.encode())

    def packet(self) -> bytes:
        """Return one packet.

        Raises:
            Refused: it is an error.
            ValueError: it is empty.
        """
        parts = []
        while True:
            head = self.exactly(4)
            size = int.from_bytes(head[:3], "little")
            self._number = (head[3] + 1) % 256
            parts.append(self.exactly(size))
            if size < _MAX_PACKET:
                break
        packet = b"".join(parts)
        if packet[:1] == bytes([_ERROR]):
            text = packet[9:] if packet[3:4] == b"#" else packet[3:]
            raise Refused(text.decode("utf-8", "replace"))
        if not packet:
            raise ValueError("an empty packet of MySQL")
        return packet

    def _login(self, user: str, database: str) -> None:
        greeting = self.packet()
        rest = greeting[greeting.index(b"\0", 1) + 5 :]
        offered = struct.unpack("<H", rest[9:11])[0]
        salt = (rest[:8] + rest[27:])[:_SALT]
        plugin = rest[40:].split(b"\0")[0].decode() or _NATIVE
        flags = _WANTED | (_WITH_DATABASE if database else 0)
        if plugin == _SHA2 and offered & _SSL:  # the full log-in tells the password, so it wants an encrypted line
            flags |= _SSL
            self._put(_head(flags))
            self._encrypt()
        secret = _scramble(plugin, self._password, salt)
        answer = user.encode() + b"\0" + bytes([len(secret)]) + secret
        named = database.encode() + b"\0" if database else b""
        self._put(_head(flags) + answer + named + plugin.encode() + b"\0")
        for _ in range(_STEPS):
            packet = self.packet()
            if packet[0] == _OK:
                return
            self._step(packet)
        raise Refused("a log-in without end")

    def _step(self, packet: bytes) -> None:
        """Do what the server asks for before it lets us in."""
        if packet[0] == _EOF:  # use another method
            name, _, data = packet[1:].partition(b"\0")
            self._put(_scramble(name.decode(), self._password, data[:_SALT]))
        elif packet[:2] == bytes([_MORE, _FULL]):
            if not self._encrypted:
                raise Refused("the log-in wants an encrypted line, which the server does not offer")
            self._put(self._password.encode() + b"\0")
        elif packet[:2] != bytes([_MORE, _FAST_DONE]):
            raise Refused(f"the server asks for a log-in that is not known here: {packet[:40]!r}")

    def _encrypt(self) -> None:
        """Go on over TLS: it is a server of this run, so nobody vouches for its certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.wrap(context)
        self._encrypted = True

    def _put(self, body: bytes) -> None:
        self.send(len(body).to_bytes(3, "little") + bytes([self._number]) + body)


def _head(flags: int) -> bytes:
    return struct.pack("<IIB23x", flags, _MAX_PACKET, _UTF8MB4)


def _scramble(plugin: str, password: str, salt: bytes) -> bytes:
    """Return the proof of a password, without telling it."""
    secret = password.encode()
    if not secret:
        return b""
    if plugin not in (_NATIVE, _SHA2):
        raise Refused(f"the server asks for the log-in method {plugin[:40]}, which is not known here")
    name = "sha1" if plugin == _NATIVE else "sha256"

    def digest(data: bytes) -> bytes:
        return hashlib.new(name, data, usedforsecurity=False).digest()

    first = digest(secret)
    second = digest(first)
    mask = digest(salt + second if plugin == _NATIVE else second + salt)
    return bytes(a ^ b for a, b in zip(first, mask, strict=True))


def _values(packet: bytes) -> Iterator[str]:
    offset = 0
    while offset < len(packet):
        if packet[offset] == _NULL:
            offset += 1
            yield ""
            continue
        size, offset = length(packet, offset)
        yield packet[offset : offset + size].decode("utf-8", "replace")
        offset += size


def length(data: bytes, offset: int) -> tuple[int, int]:
    """Return a number of variable length, and the offset behind it."""
    first = data[offset]
    if first < _NULL:
        return first, offset + 1
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}[first]
    return int.from_bytes(data[offset + 1 : offset + 1 + width], "little"), offset + 1 + width

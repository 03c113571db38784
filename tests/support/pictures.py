"""Pictures that know what they show: a PNG with the text it was drawn from, so that it is noticed when it ages."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = b"\x89PNG\r\n\x1a\n"
_KEY = b"Source\0"
"""A predefined keyword of a zTXt chunk: https://www.w3.org/TR/png-3/#11keywords."""
_DEFLATE = b"\0"


def with_source(picture: bytes, text: str) -> bytes:
    """Return a PNG with a text in it, before its last chunk; it is ASCII with escapes, as zTXt holds Latin-1 alone."""
    body = b"zTXt" + _KEY + _DEFLATE + zlib.compress(text.encode("ascii", "backslashreplace"), 9)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end = picture.rindex(b"IEND") - 4
    return picture[:end] + chunk + picture[end:]


def source(picture: bytes) -> str:
    """Return the text in a PNG, escapes and all; empty when it holds none."""
    for kind, data in _chunks(picture):
        if kind == b"zTXt" and data.startswith(_KEY):
            return zlib.decompress(data[len(_KEY) + 1 :]).decode("ascii")
    return ""


def size(picture: bytes) -> tuple[int, int]:
    """Return width and height in pixels."""
    return struct.unpack(">II", next(_chunks(picture))[1][:8])


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert picture.startswith(_MAGIC)
    place = len(_MAGIC)
    while place < len(picture):
        (length,) = struct.unpack_from(">I", picture, place)
        yield picture[place + 4 : place + 8], picture[place + 8 : place + 8 + length]
        place += length + 12

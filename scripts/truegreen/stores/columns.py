"""Columns of a run as few bytes: durations in steps, sets of tests as spans; pure.

Whatever is packed carries its own checksum, because SQLite has none and PostgreSQL only where it was asked to.
"""

from __future__ import annotations

import math
import struct
import sys
import zlib
from array import array
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LEAST_S = 1e-5
_STEP = math.log(1.09)
_MOST = 255
_WORD = 4
LIMIT_BYTES = 64 << 20
"""A column that says it is larger is damaged: ten million tests in one stage are not."""


class Damaged(ValueError):
    """A column is not what was written."""


def code(duration_s: float) -> int:
    """Return the step of a duration, 0 to 255: steps of 9 % from 10 µs to 9 h; 0 is unknown."""
    if not duration_s > 0 or math.isnan(duration_s):
        return 0
    return min(_MOST, 1 + max(0, round(math.log(min(duration_s, 1e9) / _LEAST_S) / _STEP)))


def duration_s(step: int) -> float:
    """Return the middle of a step in seconds, with three digits; 0 for unknown."""
    return float(f"{_LEAST_S * math.exp((step - 1) * _STEP):.3g}") if step else 0.0


SECONDS = tuple(duration_s(step) for step in range(_MOST + 1))
"""Step → seconds."""


def pack(data: bytes) -> bytes:
    """Return bytes compressed, after their checksum."""
    return struct.pack(">I", zlib.crc32(data)) + zlib.compress(data, 6)


def unpack(blob: bytes) -> bytes:
    """Return what was packed.

    Raises:
        Damaged: it is not what was written.
    """
    try:
        decoder = zlib.decompressobj()
        data = decoder.decompress(blob[4:], LIMIT_BYTES)
        whole = decoder.eof and not decoder.unused_data and struct.unpack(">I", blob[:4])[0] == zlib.crc32(data)
    except (zlib.error, struct.error) as error:
        raise Damaged(f"a packed column cannot be read ({error})") from None
    if not whole:
        raise Damaged("a packed column is not what was written")
    return data


def spans(numbers: Iterable[int]) -> bytes:
    """Return rising numbers (0 or more, each once) packed as spans: distance to the last one, and length."""
    pairs: list[int] = []
    start = end = last = 0
    for number in numbers:
        if number == end and end > start:
            end += 1
            continue
        if end > start:
            pairs += (start - last, end - start)
            last = end
        start, end = number, number + 1
    if end > start:
        pairs += (start - last, end - start)
    return pack(struct.pack(f"<{len(pairs)}I", *pairs))


def pairs(blob: bytes) -> list[tuple[int, int]]:
    """Return the spans that were packed as (first number, number after the last).

    Raises:
        Damaged: it is not what was written.
    """
    data = unpack(blob)
    if len(data) % 8:
        raise Damaged("a set of tests is cut")
    found, at = [], 0
    for distance, length in struct.iter_unpack("<II", data):
        found.append((at + distance, at + distance + length))
        at += distance + length
    return found


def numbers(found: Iterable[tuple[int, int]]) -> list[int]:
    """Return the numbers in spans, rising."""
    return list(chain.from_iterable(range(first, after) for first, after in found))


def groups(given: Sequence[Sequence[int]]) -> bytes:
    """Return groups of numbers after their checksum, not compressed: they are read far more often than written."""
    data = array("I", [len(given), *map(len, given), *chain.from_iterable(given)])
    if sys.byteorder == "big":
        data.byteswap()
    raw = data.tobytes()
    return struct.pack(">I", zlib.crc32(raw)) + raw


def ungrouped(blob: bytes) -> list[array[int]]:
    """Return the groups of numbers that were written.

    Raises:
        Damaged: they are not what was written.
    """
    raw = blob[4:]
    if len(raw) < _WORD or len(raw) % _WORD or zlib.crc32(raw) != int.from_bytes(blob[:4], "big"):
        raise Damaged("numbers of failed tests are not what was written")
    data = array("I", raw)
    if sys.byteorder == "big":
        data.byteswap()
    at, found = 1 + data[0], []
    for length in data[1:at]:
        found.append(data[at : at + length])
        at += length
    return found


def shifted(steps: Sequence[int], usual: Sequence[int]) -> bytes:
    """Return steps packed as distance to the usual one of each test: what hardly changes takes hardly any space."""
    return pack(bytes((step - base) & 255 for step, base in zip(steps, usual, strict=True)))


def unshifted(blob: bytes, usual: Sequence[int]) -> bytes:
    """Return steps from their distance to the usual ones.

    Raises:
        Damaged: it is not what was written, or of another number of tests.
    """
    data = unpack(blob)
    if len(data) != len(usual):
        raise Damaged(f"durations of {len(data)} tests belong to {len(usual)}")
    return bytes((step + base) & 255 for step, base in zip(data, usual, strict=True))

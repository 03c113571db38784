"""What was found out once, kept in the cache folder between runs; losing it costs time and nothing else."""

from __future__ import annotations

import contextlib
from hashlib import sha256
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from truegreen.errors import TruegreenError
from truegreen.runtime.files import read_limited, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

Value = TypeVar("Value")
_LIMIT_BYTES = 64 << 20
_DIGEST = 32


class Remembered(Generic[Value]):
    """Values by the digest of what they follow from, in one file that carries its own checksum.

    A file that is not what was written, or was written under other rules, is as good as none. Of two writers at once
    the last one's file stays.

    Args:
        path: the file.
        kind: the type of a value.
        rules: whatever the values depend on besides their keys.
        limit: how many values are kept; the newest ones.
    """

    def __init__(self, path: Path, kind: type[Value], *, rules: bytes, limit: int) -> None:
        self._path = path
        self._rules = sha256(rules).digest()
        self._limit = limit
        self.known: dict[bytes, Value] = {}
        with contextlib.suppress(TruegreenError, msgspec.MsgspecError):
            data = read_limited(path, _LIMIT_BYTES)
            if data[:_DIGEST] == self._checksum(data[_DIGEST:]):
                pairs = msgspec.msgpack.decode(data[_DIGEST:], type=list[tuple[bytes, kind]])  # type: ignore[valid-type]
                self.known = dict(pairs)

    def add(self, values: dict[bytes, Value]) -> None:
        """Remember more; a folder that cannot be written is no fault of the run."""
        self.known.update(values)
        kept = list(self.known.items())[-self._limit :]
        data = msgspec.msgpack.encode(kept)
        if len(data) + _DIGEST <= _LIMIT_BYTES:
            with contextlib.suppress(TruegreenError):
                write_atomic(self._path, self._checksum(data) + data, mode=0o600)

    def _checksum(self, data: bytes) -> bytes:
        return sha256(self._rules + data).digest()

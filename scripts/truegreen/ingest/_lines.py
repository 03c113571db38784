"""JSON Lines as test tools write them: one event a line, read one at a time."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, TypeVar

import msgspec

from truegreen.errors import EvidenceMissing, EvidenceUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINE_BYTES = 16 << 20
"""A longer line is no event: tools cut what a test printed into lines of its own."""
_Event = TypeVar("_Event")


def events(path: Path, kind: type[_Event], *, what: str) -> Iterator[tuple[int, _Event]]:
    """Yield (line number, event); empty lines are passed over.

    Args:
        path: the file.
        kind: the record of one event; keys it does not know are ignored.
        what: what a line should be, such as `an event of go test -json`.

    Raises:
        EvidenceMissing: there is no such file.
        EvidenceUnreadable: a line is no event, is not UTF-8 or too long; `where` carries the line.
    """
    decode = msgspec.json.Decoder(kind).decode
    for number, line in _lines(path, what):
        try:
            yield number, decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise refused(path, number, what, str(error)) from None


def refused(path: Path, line: int, what: str, why: str) -> EvidenceUnreadable:
    """Return the refusal of a line."""
    return EvidenceUnreadable(
        f"{path.name} cannot be read: line {line:,} is not {what}", where=f"{path}:{line}", why=why
    )


def _lines(path: Path, what: str) -> Iterator[tuple[int, bytes]]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise EvidenceUnreadable(f"{path.name} is not a plain file", where=str(path))
        with path.open("rb") as stream:
            number = 0
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    raise refused(path, number, what, f"it is longer than {MAX_LINE_BYTES:,} bytes")
                if line.strip():
                    yield number, line
    except FileNotFoundError:
        raise EvidenceMissing(f"{path.name} is missing", where=str(path)) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise EvidenceUnreadable(f"{path.name} cannot be read", where=str(path), why=why) from None

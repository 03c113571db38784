"""What the readers of the records that truegreen itself writes share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from truegreen.errors import EvidenceUnreadable
from truegreen.runtime.files import read_limited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Record = TypeVar("Record")


def read(path: Path, limit_bytes: int, kind: type[Record], noun: str, contradiction: Callable[[Record], str]) -> Record:
    """Return a record that says nothing impossible.

    Args:
        path: JSON file.
        limit_bytes: a longer file is refused unread.
        kind: what it decodes to.
        noun: what it should be, for the message: `no {noun}`.
        contradiction: returns why a record cannot be true; empty when it can.

    Raises:
        EvidenceUnreadable: too long, malformed, or impossible.
    """
    try:
        record = msgspec.json.decode(read_limited(path, limit_bytes), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceUnreadable(f"{path.name} is no {noun}", where=str(path), why=str(error)) from None
    if problem := contradiction(record):
        raise EvidenceUnreadable(f"{path.name} contradicts itself", where=str(path), why=problem)
    return record

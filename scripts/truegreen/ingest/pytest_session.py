"""Reader of what the plugin saw from inside pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.errors import EvidenceUnreadable
from truegreen.model.testrun import TestSession
from truegreen.runtime.files import read_limited

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_BYTES = 256 << 20


class PytestSessionReader:
    """Reads the session; one that contradicts itself is refused."""

    kind: ClassVar[str] = "pytest-session"
    part: ClassVar[str] = "sessions"

    def read(self, path: Path, root: Path) -> TestSession:  # noqa: ARG002 - the reader's contract
        """Return the session; one that never finished is returned as such.

        Raises:
            EvidenceUnreadable: malformed, or its numbers cannot all be true.
        """
        try:
            session = msgspec.json.decode(read_limited(path, _LIMIT_BYTES), type=TestSession)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EvidenceUnreadable(f"{path.name} is no pytest session", where=str(path), why=str(error)) from None
        if problem := _contradiction(session):
            raise EvidenceUnreadable(f"{path.name} contradicts itself", where=str(path), why=problem)
        return session


def _contradiction(session: TestSession) -> str:
    if (
        min(session.collected, session.selected, session.deselected, session.collection_errors, session.left_out) < 0
        or min(session.reruns.values(), default=0) < 0
    ):
        return "a count is below zero"
    if len(session.ids) != session.selected:
        return f"{session.selected:,} tests selected, {len(session.ids):,} named"
    if session.selected > session.collected:
        return f"{session.selected:,} tests selected of {session.collected:,} collected"
    if session.finished and session.exit_code is None:
        return "finished without an exit code"
    return ""

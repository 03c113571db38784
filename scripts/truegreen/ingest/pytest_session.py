"""Reader of what the plugin saw from inside pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest import _own
from truegreen.model.testrun import TestSession

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
        return _own.read(path, _LIMIT_BYTES, TestSession, "pytest session", _contradiction)


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
    if (session.watched or 0) < 0 or min((use.times for one in session.replaced for use in one.uses), default=0) < 0:
        return "a count of what was replaced is below zero"
    if session.finished and session.exit_code is None:
        return "finished without an exit code"
    left = min(session.leaks_watched or 0, session.leaks_lost) < 0 or (session.leaks and not session.leaks_watched)
    return "something was left by tests that nobody looked at" if left else ""

"""Files that tests name in their output, by the convention of Jenkins, GitLab, Playwright and .NET's loggers.

A line `[[ATTACHMENT|path]]` in the `system-out` or `system-err` of a case, in JUnit XML:
https://plugins.jenkins.io/junit-attachments/, https://docs.gitlab.com/ci/testing/unit_test_reports/.
The reader of test results leaves output aside, which may be most of a file; this one is called where the mark occurs.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from truegreen.errors import TruegreenError
from truegreen.ingest import _xml

if TYPE_CHECKING:
    from pathlib import Path

MOST = 1_000
"""Files that are taken note of."""
_MARK = b"[[ATTACHMENT|"
_NAMED = re.compile(r"\[\[ATTACHMENT\|([^\]\r\n]{1,1000})\]\]")
_LONGEST = 1_020
_OUTPUT = ("system-out", "system-err")
_CHUNK = 1 << 20


def named_files(path: Path) -> tuple[tuple[str, str], ...]:
    """Return test and path of each file that a case names, as they are written there; nothing of an unreadable file.

    Args:
        path: JUnit XML; hostile. The reader of its results says what is wrong with it.
    """
    try:
        if not _occurs(path):
            return ()
        found = _Output()
        _xml.parse(path, found)
    except (TruegreenError, OSError):
        return ()
    return tuple(islice(dict.fromkeys(found.named), MOST))


def _occurs(path: Path) -> bool:
    rest = b""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            if _MARK in rest + chunk:
                return True
            rest = chunk[-len(_MARK) :]
    return False


class _Output:
    """Takes what cases wrote, and keeps what they name."""

    def __init__(self) -> None:
        self.named: list[tuple[str, str]] = []
        self._test = ""
        self._listening = False
        self._rest = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        if tag == "testcase":
            parts = (attributes.get("classname", ""), attributes.get("name", ""))
            self._test = "::".join(filter(None, parts))
        elif tag == "property" and attributes.get("name") == "truegreen.nodeid":
            self._test = attributes.get("value", "")
        self._listening, self._rest = bool(self._test) and tag in _OUTPUT, ""

    def end(self, tag: str) -> None:
        """End an element."""
        self._listening = False
        if tag == "testcase":
            self._test = ""

    def text(self, data: str) -> None:
        """Take a piece of output; a mark may begin in one piece and end in the next."""
        if not self._listening:
            return
        whole, end = self._rest + data, 0
        for match in _NAMED.finditer(whole):
            end = match.end()
            if len(self.named) < 2 * MOST:
                self.named.append((self._test, match[1].strip()))
        self._rest = whole[max(end, len(whole) - _LONGEST) :]

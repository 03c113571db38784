"""Reader of Clover XML, as OpenClover, Istanbul and PHPUnit write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest import _xml
from truegreen.ingest._coverage import Files, Lines, ran, whole

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.ingest.opening import Opening
    from truegreen.model.coverage import Coverage


class CloverReader:
    """Reads statements, methods and conditions of each file; declared metrics are not trusted."""

    kind: ClassVar[str] = "clover"
    part: ClassVar[str] = "coverage"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is Clover XML."""
        return opening.root == "coverage" and "generated" in opening.attributes

    def read(self, path: Path, root: Path) -> Coverage:
        """Return the coverage, paths relative to the project.

        Raises:
            EvidenceUnreadable: not well-formed, hostile, impossible figures, or nothing measured.
        """
        document = _Document(root)
        _xml.parse(path, document)
        return document.files.coverage(path, has_branches=document.has_branches)


class _Document:
    def __init__(self, root: Path) -> None:
        self.files = Files(root)
        self.has_branches = False
        self._lines: Lines | None = None
        self._begun = False
        self._tests = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        if not self._begun and tag != "coverage":
            raise _xml.Refused(f"its root is {tag[:40]}, not coverage")
        self._begun = True
        if tag == "testproject":  # OpenClover tells the tests' own files apart
            self._tests = True
        elif tag == "file" and not self._tests:
            # OpenClover has the whole path in `path` and the bare name in `name`; PHPUnit the whole path in `name`.
            self._lines = Lines(attributes.get("path") or attributes.get("name", ""))
        elif tag == "line" and self._lines is not None:
            self._line(self._lines, attributes)

    def _line(self, lines: Lines, attributes: dict[str, str]) -> None:
        number = attributes.get("num", "")
        sides = [whole(attributes[name], name) for name in ("truecount", "falsecount") if name in attributes]
        if not sides and "count" not in attributes:
            raise _xml.Refused(f"line {number[:20]} of {lines.name} has no count")
        lines.line(number, ran=ran(attributes["count"]) if "count" in attributes else any(sides))
        if not sides:
            return
        self.has_branches = True
        # OpenClover counts how often a condition was true and false. Istanbul, which alone writes `count` beside
        # them, means branches that were taken and not taken: there 1 and 1 is one of two, not both.
        taken = sides[0] if "count" in attributes else sum(side > 0 for side in sides)
        lines.branches(number, taken, sum(sides) if "count" in attributes else len(sides))

    def end(self, tag: str) -> None:
        """End an element."""
        if tag == "testproject":
            self._tests = False
        elif tag == "file" and self._lines is not None:
            self.files.add(self._lines)
            self._lines = None

    def text(self, data: str) -> None:
        """Receive character data, of which the format has none."""

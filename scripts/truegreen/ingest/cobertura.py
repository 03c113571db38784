"""Reader of Cobertura XML, as coverage.py, Istanbul, gcovr, coverlet and PHPUnit write it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest import _xml
from truegreen.ingest._coverage import Files, Lines, ran

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.ingest.opening import Opening
    from truegreen.model.coverage import Coverage

_CONDITIONS = re.compile(r"\((\d{1,9})/(\d{1,9})\)")


class CoberturaReader:
    """Reads the lines of each class, and the branches of those that have some; declared rates are not trusted."""

    kind: ClassVar[str] = "cobertura"
    part: ClassVar[str] = "coverage"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is Cobertura XML."""
        return opening.root == "coverage" and "line-rate" in opening.attributes

    def read(self, path: Path, root: Path) -> Coverage:
        """Return the coverage, paths relative to the project.

        Raises:
            EvidenceUnreadable: not well-formed, hostile, impossible figures, or nothing measured.
        """
        document = _Document(root)
        _xml.parse(path, document, named_doctype=True)
        return document.files.coverage(path, has_branches=document.has_branches)


class _Document:
    def __init__(self, root: Path) -> None:
        self.files = Files(root)
        self.has_branches = False
        self._sources: list[str] = []
        self._source: list[str] | None = None
        self._lines: Lines | None = None
        self._of_methods = Lines("")
        self._in_method = False
        self._begun = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        if not self._begun and tag != "coverage":
            raise _xml.Refused(f"its root is {tag[:40]}, not coverage")
        self._begun = True
        if tag == "source":
            self._source = []
        elif tag == "class":
            name = attributes.get("filename", "")
            self._lines, self._of_methods = Lines(name), Lines(name)
        elif tag == "method":
            self._in_method = True
        elif tag == "line" and self._lines is not None:
            self._line(self._of_methods if self._in_method else self._lines, attributes)

    def _line(self, lines: Lines, attributes: dict[str, str]) -> None:
        number = attributes.get("number", "")
        lines.line(number, ran=ran(attributes.get("hits", "")))
        if attributes.get("branch", "").lower() != "true":
            return
        self.has_branches = True
        if found := _CONDITIONS.search(attributes.get("condition-coverage", "")):
            lines.branches(number, int(found[1]), int(found[2]))

    def end(self, tag: str) -> None:
        """End an element."""
        if tag == "source" and self._source is not None:
            self._sources.append("".join(self._source).strip())
            self._source = None
        elif tag == "method":
            self._in_method = False
        elif tag == "class" and self._lines is not None:
            # Istanbul lists the head of a method there alone, and does not count it; only where a class has no lines
            # of its own they are what was measured.
            self.files.add_from(self._lines or self._of_methods, tuple(filter(None, self._sources)))
            self._lines = None

    def text(self, data: str) -> None:
        """Receive a piece of the name of a source folder."""
        if self._source is not None:
            self._source.append(data)

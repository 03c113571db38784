"""Reader of JaCoCo's XML report (its `report.dtd` 1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest import _xml
from truegreen.ingest._coverage import Files, Lines, whole

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.ingest.opening import Opening
    from truegreen.model.coverage import Coverage


class JacocoReader:
    """Reads the lines of each source file: one with a covered instruction ran, one with none did not."""

    kind: ClassVar[str] = "jacoco"
    part: ClassVar[str] = "coverage"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is JaCoCo XML."""
        return opening.root == "report" and "name" in opening.attributes

    def read(self, path: Path, root: Path) -> Coverage:
        """Return the coverage; a file is found in the project by its package and name.

        Raises:
            EvidenceUnreadable: not well-formed, hostile, impossible figures, or nothing measured.
        """
        document = _Document(root)
        _xml.parse(path, document, named_doctype=True)
        return document.files.coverage(path, has_branches=True)


class _Document:
    def __init__(self, root: Path) -> None:
        self.files = Files(root)
        self._groups: list[str] = []
        self._package = ""
        self._lines: Lines | None = None
        self._begun = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        if not self._begun and tag != "report":
            raise _xml.Refused(f"its root is {tag[:40]}, not report")
        self._begun = True
        if tag == "group":
            self._groups.append(attributes.get("name", ""))
        elif tag == "package":
            self._package = attributes.get("name", "")
        elif tag == "sourcefile":
            name = attributes.get("name", "")
            self._lines = Lines(f"{self._package}/{name}" if self._package else name)
        elif tag == "line" and self._lines is not None:
            self._line(self._lines, attributes)

    @staticmethod
    def _line(lines: Lines, attributes: dict[str, str]) -> None:
        number = attributes.get("nr", "")
        # `report.dtd`: missed and covered instructions (mi, ci) and branches (mb, cb); absent means none.
        missed, covered = (whole(attributes.get(name, "0"), name) for name in ("mi", "ci"))
        if missed + covered:
            lines.line(number, ran=covered > 0)
        branches_missed, branches = (whole(attributes.get(name, "0"), name) for name in ("mb", "cb"))
        if branches_missed + branches:
            lines.branches(number, branches, branches_missed + branches)

    def end(self, tag: str) -> None:
        """End an element."""
        if tag == "group":
            self._groups.pop()
        elif tag == "sourcefile" and self._lines is not None:
            roots = ("src/main/java", "src/main/kotlin", "src/main/scala", "src/main/groovy", "src")
            modules = ["/".join(filter(None, self._groups[start:])) for start in range(len(self._groups))] or [""]
            self.files.add(self._lines, *(f"{module}/{one}".lstrip("/") for module in modules for one in roots))
            self._lines = None

    def text(self, data: str) -> None:
        """Receive character data, of which the format has none."""

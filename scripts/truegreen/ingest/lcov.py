"""Reader of LCOV tracefiles (`geninfo(1)`), as lcov, Istanbul, c8, LLVM and coverage.py write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.errors import EvidenceMissing, EvidenceUnreadable
from truegreen.ingest._coverage import Files, Lines, ran
from truegreen.ingest._xml import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truegreen.ingest.opening import Opening
    from truegreen.model.coverage import Coverage

_LIMIT_BYTES = 1 << 30
_LINE_LIMIT = 64 << 10
_BRDA_FIELDS = 4
_KNOWN = (
    *("TN", "SF", "VER", "DA", "LF", "LH", "BRDA", "BRF", "BRH", "MCDC", "MCF", "MCH"),
    *("FN", "FNDA", "FNF", "FNH", "FNL", "FNA"),
)


class LcovReader:
    """Reads each record to its end; a file that ends within one was cut, and is refused."""

    kind: ClassVar[str] = "lcov"
    part: ClassVar[str] = "coverage"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is LCOV."""
        return opening.text.lstrip().startswith(("TN:", "SF:"))

    def read(self, path: Path, root: Path) -> Coverage:
        """Return the coverage, paths relative to the project.

        Raises:
            EvidenceMissing: there is no such file.
            EvidenceUnreadable: truncated, no tracefile, impossible figures, or nothing measured; with the line.
        """
        tracefile = _Tracefile(root)
        try:
            for line in _lines(path):
                tracefile.line(line)
            tracefile.end()
        except FileNotFoundError:
            raise EvidenceMissing(f"{path.name} is missing", where=str(path)) from None
        except (Refused, UnicodeDecodeError, OSError) as error:
            raise EvidenceUnreadable(
                f"{path.name} cannot be read as LCOV", where=f"{path}:{max(tracefile.number, 1)}", why=str(error)
            ) from None
        return tracefile.files.coverage(path, has_branches=tracefile.has_branches)


def _lines(path: Path) -> Iterator[str]:
    read = 0
    with path.open("rb") as stream:
        while raw := stream.readline(_LINE_LIMIT):
            read += len(raw)
            if len(raw) >= _LINE_LIMIT or read > _LIMIT_BYTES:
                raise Refused("too long")
            yield raw.decode("utf-8").rstrip("\r\n")


class _Tracefile:
    def __init__(self, root: Path) -> None:
        self.files = Files(root)
        self.has_branches = False
        self.number = 0
        self._lines: Lines | None = None
        self._branches: dict[str, dict[tuple[str, str], bool]] = {}
        self._of_file: dict[str, dict[str, dict[tuple[str, str], bool]]] = {}
        """Name of a file → its line → branch → whether it was taken in any test: a file has a record for each."""

    def line(self, text: str) -> None:
        """Take one line."""
        self.number += 1
        if not text or text.startswith("#"):
            return
        key, _, value = text.partition(":")
        if text == "end_of_record":
            self._close()
        elif key not in _KNOWN:
            raise Refused(f"{text[:40]!r} is no line of a tracefile")
        elif key == "SF":
            if self._lines is not None:
                raise Refused("a file begins before the one above has ended")
            self._lines = Lines(value)
            self._branches = self._of_file.setdefault(value, {})
        elif key in ("DA", "BRDA"):
            self._measured(key, value)

    def _measured(self, key: str, value: str) -> None:
        if self._lines is None:
            raise Refused(f"{key} belongs to no file")
        fields = value.split(",", _BRDA_FIELDS - 1)
        if key == "DA" and len(fields) > 1:
            self._lines.line(fields[0], ran=ran(fields[1]))
        elif key == "BRDA" and len(fields) == _BRDA_FIELDS:
            taken = fields[3] != "-" and ran(fields[3])
            of_line = self._branches.setdefault(fields[0], {})
            branch = (fields[1], fields[2])
            of_line[branch] = taken or of_line.get(branch, False)
        else:
            raise Refused(f"{key}:{value[:40]} lacks a field")

    def _close(self) -> None:
        if self._lines is None:
            raise Refused("a record ends that has no file")
        self.has_branches = self.has_branches or bool(self._branches)
        self.files.add(self._lines)
        self._lines = None

    def end(self) -> None:
        """Check that the last record is whole; raises Refused."""
        if self._lines is not None:
            raise Refused("it ends within a record: it was cut")
        for name, branches in self._of_file.items():
            whole = Lines(name)
            for number, of_line in branches.items():
                whole.branches(number, sum(of_line.values()), len(of_line))
            if branches:
                self.files.add(whole)

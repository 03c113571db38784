"""Reader of coverage.py's JSON report."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.analysis import merge
from truegreen.errors import EvidenceUnreadable
from truegreen.ingest._paths import relative
from truegreen.ingest._state import refuse_other_state
from truegreen.model.coverage import Coverage, FileCoverage, bits_of
from truegreen.runtime.files import read_limited

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.ingest.opening import Opening

_LIMIT_BYTES = 512 << 20
_LAST_LINE = 10_000_000


class _Meta(msgspec.Struct):
    branch_coverage: bool
    version: str = ""
    format: int = 0


class _Sums(msgspec.Struct):
    num_statements: int
    covered_lines: int
    num_branches: int = 0
    covered_branches: int = 0


class _File(msgspec.Struct):
    executed_lines: list[int]
    missing_lines: list[int]
    summary: _Sums
    excluded_lines: list[int] | None = None
    executed_branches: list[tuple[int, int]] | None = None
    missing_branches: list[tuple[int, int]] | None = None


class _Report(msgspec.Struct):
    meta: _Meta
    files: dict[str, _File]
    totals: _Sums


class CoverageJsonReader:
    """Reads lines and branches of each file; a report whose totals do not add up is refused."""

    kind: ClassVar[str] = "coverage-json"
    part: ClassVar[str] = "coverage"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is coverage.py's JSON."""
        return {"meta", "files"} <= opening.keys

    def read(self, path: Path, root: Path) -> Coverage:
        """Return the coverage, paths relative to the project.

        Raises:
            EvidenceUnreadable: malformed, measured nothing, totals that do not add up, a file outside the project,
                or another state of its sources.
        """
        try:
            report = msgspec.json.decode(read_limited(path, _LIMIT_BYTES), type=_Report)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EvidenceUnreadable(
                f"{path.name} is no coverage report in JSON", where=str(path), why=str(error)
            ) from None
        problem = _contradiction(report)
        outside = [name for name in report.files if not relative(name, root)]
        if outside:
            problem = problem or f"{outside[0]} lies outside the project"
        if problem:
            raise EvidenceUnreadable(f"{path.name} carries no verdict", where=str(path), why=problem)
        files = [_file(relative(name, root), entry) for name, entry in report.files.items()]
        # Two spellings of one path are one file; each goes through the same union as shards do.
        has_branches = report.meta.branch_coverage
        whole = merge.coverages(Coverage(files=(file,), has_branches=has_branches) for file in files)
        return refuse_other_state(whole, path, root)


def _file(path: str, entry: _File) -> FileCoverage:
    covered = bits_of(line for line in entry.executed_lines if line > 0)
    return FileCoverage(
        path=path,
        covered=covered,
        missing=bits_of(line for line in entry.missing_lines if line > 0) & ~covered,
        branches=entry.summary.num_branches,
        covered_branches=entry.summary.covered_branches,
        taken=frozenset(entry.executed_branches or ()),
        untaken=frozenset(entry.missing_branches or ()),
        excluded=None if entry.excluded_lines is None else bits_of(entry.excluded_lines),
    )


def _contradiction(report: _Report) -> str:
    if not report.files:
        return "it measured nothing: no file is in it"
    for name, entry in report.files.items():
        if problem := _impossible(entry):
            return f"{name}: {problem}"
    sums = [entry.summary for entry in report.files.values()]
    totals = report.totals
    statements = sum(entry.num_statements for entry in sums)
    if statements != totals.num_statements:
        return f"its total declares {totals.num_statements:,} statements, its files hold {statements:,}"
    covered = sum(entry.covered_lines for entry in sums)
    if covered != totals.covered_lines:
        return f"its total declares {totals.covered_lines:,} covered lines, its files hold {covered:,}"
    return ""


def _impossible(entry: _File) -> str:
    executed, missing = set(entry.executed_lines), set(entry.missing_lines)
    lines = executed | missing
    every = lines.union(entry.excluded_lines or ())
    if every and (min(every) < 0 or max(every) > _LAST_LINE):
        return "a line number is impossible"
    if executed & missing:
        return "a line is both covered and not"
    if len(executed) != entry.summary.covered_lines or len(lines) != entry.summary.num_statements:
        return (
            f"declares {entry.summary.covered_lines:,} of {entry.summary.num_statements:,} lines covered, "
            f"lists {len(executed):,} of {len(lines):,}"
        )
    if not 0 <= entry.summary.covered_branches <= entry.summary.num_branches:
        return "more branches covered than there are"
    return ""

"""Gate: the lines that a change adds or changes are covered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.analysis import cheapest
from truegreen.analysis import coverage as figures
from truegreen.analysis.paths import matches
from truegreen.gates._sources import TESTS, Percent, asked, facts_of, patterns_of
from truegreen.gates.base import BaseGate, GateOptions, count, some
from truegreen.model.coverage import FileCoverage, bits_of
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.analysis.coverage import Block
    from truegreen.model.changes import Changes, FileChange
    from truegreen.model.coverage import Coverage
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence


class PatchCoverageOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.patch-coverage]`."""

    line: Percent = 80.0
    """Least coverage of the changed executable lines, in percent."""
    min_lines: Annotated[int, msgspec.Meta(ge=0)] = 20
    """With fewer changed executable lines than this the verdict is advice: one line would move it too far."""
    exclude: list[str] = msgspec.field(default_factory=lambda: list(TESTS))
    """Files that do not count, as patterns."""
    source: list[str] = msgspec.field(default_factory=list)
    """Folders and packages whose unmeasured files count; filled from `source` in `[tool.truegreen]`."""


class PatchCoverage(BaseGate):
    """The tests executed the lines that this change adds or changes.

    **Proves** that at least `line` percent of the executable lines that differ from the base ran, counted over
    all shards. The base is the point where the change left its branch; of a merge commit made by the forge it is
    the first parent. Lines are those of the commit that is checked out, which is the one the tests ran on.

    A source file that the coverage does not know at all counts as **uncovered**: a new module that no test
    imports is absent from the coverage of most tools, and would otherwise be judged as 100 %. Of a Python file
    below `source` its executable lines are found by compiling it, without running it; of another language every
    changed line that is not blank counts, wherever the coverage holds a file of that language. Files of
    languages that are not measured at all are told in the facts.

    So do changed lines of code that the coverage of their Python file knows nothing of, neither as executable nor as
    left out: the report is of an earlier state of the file. Where a report does not tell what is left out (XML, LCOV),
    that is so when it knows none of the changed lines.

    With fewer than `min-lines` changed lines the verdict is advice. It is not asked about a push: what is
    compared there was merged already, and the total decides.

    **Blind when** the change cannot be known, as in a clone that lacks the base commit (`fetch-depth: 2` in the
    checkout of the report job is enough for a pull request, `fetch-depth: 0` always is), or when the coverage that
    the stage promised is missing. A project that measures none has gate `coverage` to say so.

    **Options**: `line` (default 80), `min-lines` (default 20), `exclude` (default: files of tests),
    `source` (default: that of the project).

    Example:
        [tool.truegreen.gates.patch-coverage]
        line = 90
        min-lines = 10
    """

    id: ClassVar[str] = "patch-coverage"
    stages: ClassVar[frozenset[str]] = frozenset({"unit"})
    needs: ClassVar[frozenset[str]] = frozenset({"coverage"})
    Options: ClassVar[type[GateOptions]] = PatchCoverageOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: PatchCoverageOptions) -> bool:  # noqa: ARG002
        """Return whether there is a change to judge, known or not."""
        changed = evidence.changes is not None or bool(evidence.changes_unknown)
        return changed and asked(evidence.of(stage))

    def evaluate(self, evidence: RunEvidence, stage: str, policy: PatchCoverageOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the changed lines."""
        coverage = evidence.of(stage).coverage
        if evidence.changes is None:
            return self.blind(
                stage,
                f"the changed lines are not known: {evidence.changes_unknown or 'there is no base'}",
                remedy="check out with `fetch-depth: 0`, so that the base commit is there",
            )
        if coverage is None or not coverage.lines:
            return self.blind(
                stage, "coverage measured no executable line", remedy="check `source` in [tool.truegreen]"
            )
        patch = _Patch(evidence.changes, coverage, policy)
        sums = figures.tally(patch.files)
        if not sums.lines:
            return self.not_judged(stage, f"no changed line can run{patch.aside}")
        value = figures.percent(sums.covered, sums.lines)
        facts = (Fact(label="changed lines", value=value, wanted=f"at least {policy.line:g} %"), *patch.facts)
        reason = f"{value} of {count(sums.lines, 'changed line')} covered"
        if figures.reaches(sums.covered, sums.lines, policy.line):
            return self.passed(stage, reason, facts=facts, items=_items(patch))
        way = cheapest.lines(patch.files, policy.line, patch.measured)
        first = f"the first {len(way.places)} places listed" if len(way.places) > 1 else "the place listed first"
        verdict = self.failed(
            stage,
            f"{reason}, {policy.line:g} % are asked for",
            remedy=f"cover {first}, the fewest that reach the threshold (lines are counted, not the work of a test); "
            "a file that needs no test belongs in `exclude` of this gate",
            facts=(facts[0], *facts_of(way), *facts[1:]),
            items=_items(patch, way.places),
        )
        few = sums.lines < policy.min_lines
        return msgspec.structs.replace(verdict, advisory=True) if few else verdict


def of_patch(changes: Changes, coverage: Coverage, policy: PatchCoverageOptions) -> figures.Tally:
    """Return the sums over the changed lines alone."""
    return figures.tally(files_of_patch(changes, coverage, policy))


def files_of_patch(changes: Changes, coverage: Coverage, policy: PatchCoverageOptions) -> tuple[FileCoverage, ...]:
    """Return each changed file with its changed lines alone, as they are judged."""
    return _Patch(changes, coverage, policy).files


class _Patch:
    """The coverage of the changed lines alone, and what could not be counted."""

    def __init__(self, changes: Changes, coverage: Coverage, policy: PatchCoverageOptions) -> None:
        self.measured = {file.path: file for file in coverage.files}
        self._suffixes = {_suffix(path) for path in self.measured}
        self._source = patterns_of(policy.source)
        self.unknown: list[str] = []
        self.absent: list[str] = []
        self.untold: list[str] = []
        wanted = [f for f in changes.files if f.lines and not matches(f.path, tuple(policy.exclude))]
        self.files = tuple(part for file in wanted if (part := self._part(file)).executable)

    def _part(self, file: FileChange) -> FileCoverage:
        lines = bits_of(file.lines)
        if measured := self.measured.get(file.path):
            untold = _untold(file, measured)
            self.untold += [file.path] if untold else []
            return FileCoverage(
                path=file.path, covered=measured.covered & lines, missing=measured.missing & lines | untold
            )
        if _suffix(file.path) not in self._suffixes:
            self.unknown.append(file.path)
            return FileCoverage(path=file.path)
        if not matches(file.path, self._source):
            return FileCoverage(path=file.path)
        missing = lines if file.code is None else bits_of(file.code) & lines
        self.absent += [file.path] if missing else []
        return FileCoverage(path=file.path, missing=missing)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Return what a reader of the percentage must know."""
        absent = [Fact(label="absent from the coverage, counted as uncovered", value=some(self.absent))]
        untold = [Fact(label="lines the coverage does not know, counted as uncovered", value=some(self.untold))]
        return (*(absent if self.absent else ()), *(untold if self.untold else ()), *self._unmeasured())

    @property
    def aside(self) -> str:
        """Return a clause on the changed files that were not counted."""
        return f"; not measured: {some(self.unknown)}" if self.unknown else ""

    def _unmeasured(self) -> Iterable[Fact]:
        if self.unknown:
            yield Fact(label="changed and of no measured language", value=some(self.unknown))


def _untold(file: FileChange, measured: FileCoverage) -> int:
    """Return the changed lines of code that the coverage of their file neither counts nor leaves out on purpose.

    Some reports do not tell what was left out. There such lines count where the report knows no changed line at all,
    as one of an earlier state of the file.
    """
    if file.code is None:
        return 0
    lines = bits_of(file.lines)
    if measured.excluded is None and lines & measured.executable:
        return 0
    return bits_of(file.code) & lines & ~measured.executable & ~(measured.excluded or 0)


def _suffix(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[2]


def _items(patch: _Patch, first: tuple[Block, ...] = ()) -> tuple[Item, ...]:
    """Return each run of uncovered changed lines: those that reach the threshold, then the others by size."""
    chosen = set(first)
    others = (block for block in figures.blocks(patch.files, patch.measured) if block not in chosen)
    return tuple(
        Item(
            title=block.path,
            message=f"{count(block.lines, 'changed line')} not covered: "
            + (f"{block.first}-{block.last}" if block.last != block.first else f"{block.first}"),
            path=block.path,
            line=block.first,
            last_line=block.last,
            level="warning",
        )
        for block in (*first, *others)
    )

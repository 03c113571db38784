"""What lies behind a report's verdicts, for those who look closer: every test, earlier runs, what changed."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec

from truegreen.model.finding import Finding

PASSED, FAILED, ERRED, SKIPPED, FLAKY = "p", "f", "e", "s", "k"
"""One letter for what became of a test; flaky is one whose attempts disagree, whatever the last one said."""
OUTCOMES = frozenset((PASSED, FAILED, ERRED, SKIPPED, FLAKY))
RAN, ABSENT = ".", " "
"""In a strip: the stage ran and nothing is known against the test; the stage did not run."""

_MOST = 10**12
"""No number of tests and no time in seconds is larger."""
LONGEST_S = 1e9
"""Thirty years: what a result file declares beyond that is no time, and not every format could hold it."""
Count = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
"""A document with another number is refused: it may come as an artifact, from whoever wrote it."""


Kind = TypeVar("Kind")


class Named(msgspec.Struct, frozen=True, array_like=True):
    """A test of a stage."""

    stage: str
    test: str


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What else is known of a listed test that did not simply pass."""

    row: int
    """Its place among the names."""
    attempts: str = ""
    """One letter for each attempt, in order; empty means exactly one."""
    message: str = ""
    """Its beginning."""
    path: str = ""
    line: int = 0


class StageTests(msgspec.Struct, frozen=True, kw_only=True):
    """The tests of one stage in columns of equal length: those that failed first, then by name."""

    stage: str
    total: int
    """All tests of the stage, also those that are not listed."""
    counts: dict[str, int] = {}
    """Letter → all tests of which it is the outcome; empty where nobody counted."""
    names: tuple[str, ...] = ()
    outcomes: str = ""
    """One letter a test."""
    durations_s: tuple[float, ...] = ()
    """Of the last attempt, to the millisecond."""
    told: tuple[Told, ...] = ()


class StageFindings(msgspec.Struct, frozen=True, kw_only=True):
    """What the scanners of one stage found, the worst first."""

    stage: str
    total: int
    """All findings of the stage, also those that are not listed."""
    findings: tuple[Finding, ...] = ()


class FindingsChange(msgspec.Struct, frozen=True, kw_only=True):
    """The findings of a run against those of one of the base branch, by the tools that ran in both."""

    base: str
    """Commit of the run that is compared with."""
    exact: bool = False
    """True when it is the very commit from which the change left; else the newest that is known."""
    new: tuple[StageFindings, ...] = ()
    """Were not there, the worst first."""
    there_too: int = 0
    gone: int = 0
    """Were there and are not here, of tools that could read all they met."""


class MeasuredFile(msgspec.Struct, frozen=True, array_like=True):
    """The lines of a file that can run, as ranges: `1-3,7`."""

    path: str
    covered: str = ""
    missing: str = ""


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """Lines that can run and lines that ran, now and in the run that is compared with."""

    name: str
    """Of a component or a file; empty for everything that counts."""
    lines: int = 0
    covered: int = 0
    base_lines: int = 0
    """0 where nothing of it was measured there, or nothing is known of there."""
    base_covered: int = 0


class ChangedFile(msgspec.Struct, frozen=True, kw_only=True):
    """The coverage of a changed file, and of its changed lines alone."""

    whole: Covered
    lines: int = 0
    """Changed lines that can run."""
    covered: int = 0
    uncovered: tuple[tuple[int, int], ...] = ()
    """First and last line of the first runs of changed lines that did not run."""
    places: int = 0
    """All of these runs, also those that are not listed."""


class CoverageChange(msgspec.Struct, frozen=True, kw_only=True):
    """The coverage of a run against one of the base branch."""

    total: Covered
    base: str = ""
    """Commit of the run that is compared with; empty when none is known."""
    exact: bool = False
    """True when it is the very commit from which the change left; else the newest that is known."""
    components: tuple[Covered, ...] = ()
    files: tuple[ChangedFile, ...] = ()
    """The changed ones, those with most uncovered changed lines first."""
    changed_files: int = 0
    """All of them, also those that are not listed."""
    changed_lines: int = 0
    """Changed lines that can run, of all changed files."""
    covered_lines: int = 0
    """Those of them that ran."""


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """One test over the newest runs."""

    stage: str
    test: str
    cells: str
    """One letter for each run of the trend, oldest first, and a last one for this run."""


class TrendPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one run."""

    commit: str
    created: str = ""
    """ISO 8601, UTC."""
    branch: str = ""
    status: str = ""
    duration_s: float = 0.0
    tests: int = 0
    failed: int = 0
    flaky: int = 0
    line_ratio: float | None = None
    """0 to 1; None where nothing was measured."""


class Several(msgspec.Struct, Generic[Kind], frozen=True, kw_only=True):
    """Tests of which there may be very many."""

    total: Count = 0
    """All of them, also those that are not named."""
    named: tuple[Kind, ...] = ()
    """The first of them."""

    @property
    def count(self) -> int:
        """How many there are: never fewer than are named, whoever wrote the document."""
        return max(self.total, len(self.named))


class Slower(msgspec.Struct, frozen=True, kw_only=True):
    """A test that took much longer than it usually does."""

    stage: str
    test: str
    usual_s: float
    """Median of its passes on the default branch, in the same environment."""
    now_s: float


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """This run against one of the base branch."""

    base: TrendPoint
    exact: bool = False
    """True when it is the run of the very commit from which the change left; else the newest run of the branch."""
    newly_failing: Several[Named] = Several()
    still_failing: Several[Named] = Several()
    fixed: Several[Named] = Several()
    """Failed there and passed here; a test that is gone is not fixed."""
    newly_flaky: Several[Named] = Several()
    """Attempts disagree here, and neither failed nor disagreed in the newest runs of the base branch."""
    new: Several[Named] = Several()
    """Ran here, and in none of the newest runs of the base branch."""
    gone: Several[Named] = Several()
    """Ran in each of the newest runs of the base branch, and is not here."""
    newly_skipped: Several[Named] = Several()
    """Ran in each of them, and is skipped here."""
    slower: Several[Slower] = Several()
    """Slowest growth first."""


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """What a report can show beside its verdicts."""

    tests: tuple[StageTests, ...] = ()
    now: TrendPoint | None = None
    """This run."""
    trend: tuple[TrendPoint, ...] = ()
    """Earlier runs, oldest first."""
    strips: tuple[Strip, ...] = ()
    """Tests that failed in one of these runs, the most doubtful first."""
    comparison: Comparison | None = None
    """None when no run of the base branch is known."""
    findings: tuple[StageFindings, ...] = ()
    findings_change: FindingsChange | None = None
    """None where no run of the base branch with findings is known."""
    coverage: tuple[MeasuredFile, ...] = ()
    """Of the first stage that measured any; none where there are more files than are listed."""
    coverage_change: CoverageChange | None = None
    """None where no coverage was measured."""
    unlisted_files: int = 0
    """Measured files, where there are too many to list."""


def impossible(found: Detail) -> str:
    """Return what of it no run can have left, as a clause; empty where there is nothing.

    A document may come as an artifact, from whoever wrote it.
    """
    for tests in found.tests:
        if not len(tests.names) == len(tests.outcomes) == len(tests.durations_s):
            return "the columns of its tests differ in length"
        if not OUTCOMES.issuperset(tests.outcomes):
            return "a test has an outcome that is none"
        if any(abs(took) > _MOST for took in tests.durations_s):
            return "a test took longer than anything can"
    base = (found.comparison.base,) if found.comparison else ()
    points = (*found.trend, *base, *((found.now,) if found.now else ()))
    if any(abs(number) > _MOST for one in points for number in (one.tests, one.failed, one.flaky, one.duration_s)):
        return "the figures of a run are larger than anything can be"
    if not all(is_share(one.line_ratio) for one in points if one.line_ratio is not None):
        return "the covered lines of a run are no share of all"
    return ""


def is_share(ratio: float) -> bool:
    """Return whether a figure can be a part of a whole."""
    return 0 <= ratio <= 1

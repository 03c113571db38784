"""Gate: enough lines and branches are covered, in total and in each component."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import msgspec

from truegreen.analysis import cheapest
from truegreen.analysis import coverage as figures
from truegreen.analysis.paths import matches
from truegreen.config.schema import Component
from truegreen.gates._sources import TESTS, UNITS, Percent, facts_of, remedy_of
from truegreen.gates.base import BaseGate, GateOptions, count, some
from truegreen.model.coverage import lines_of
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.analysis.cheapest import Way
    from truegreen.model.coverage import Coverage, FileCoverage
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence

_WORST = 10
_PLACES = 5
"""Places that are listed of each threshold that was missed."""


class CoverageOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.coverage]`."""

    line: Percent = 80.0
    """Least line coverage of everything measured, in percent."""
    branch: Percent = 0.0
    """Least branch coverage in percent; 0 does not judge branches."""
    exclude: list[str] = msgspec.field(default_factory=lambda: list(TESTS))
    """Files that do not count, as patterns: tests execute themselves, and would cover for the code."""
    steps: dict[str, Percent] = msgspec.field(default_factory=dict)
    """Day → least line coverage of the total from that day (UTC) on, in place of `line`."""
    unmeasured: list[str] = msgspec.field(default_factory=list)
    """Shards, as patterns, whose tests measure no coverage though others do; of any other that is blind."""
    allow_zero: bool = True
    """False makes a measured file without one covered line red."""
    components: dict[str, Component] = msgspec.field(default_factory=dict)
    """Filled from `[tool.truegreen.components]`: each has thresholds of its own."""

    def __post_init__(self) -> None:
        """Refuse a step whose day is no date, and a component without a name; raises ValueError."""
        if "" in self.components:
            raise ValueError("a component needs a name")
        for day in self.steps:
            if date.fromisoformat(day).isoformat() != day:
                raise ValueError(f"write the day of a step as YYYY-MM-DD, not {day!r}")

    def line_on(self, today: str) -> float:
        """Return the threshold in force on a day; before the first step that one holds already."""
        days = sorted(self.steps)
        begun = [day for day in days if day <= today]
        return self.steps[begun[-1] if begun else days[0]] if days else self.line


class CoverageGate(BaseGate):
    """The tests executed enough of the code, in total and in each component.

    **Proves** that at least `line` percent of the executable lines ran (and `branch` percent of the
    branches, where asked), counted over all shards. Percentages are compared exactly and shown rounded
    down. A component of `[tool.truegreen.components]` has thresholds of its own, so that a well-tested part
    does not pay for an untested one.

    Where this gate is switched off, `patch-coverage` and `coverage-ratchet` are too, unless they are switched on by
    name.

    A red verdict names, for each threshold that was missed, the fewest places that reach it: runs of uncovered lines,
    or lines whose branches were not taken. Lines and branches are counted, and not the work of a test.

    The tests' own files are left out (`exclude`), and the facts say how many. Files without one covered line are
    listed, and red where `allow-zero` is false. A threshold may grow by dated `steps`: the newest one whose day
    has come holds, and the first one holds before its day too.

    **Blind when** nothing was measured (a missing upload is never 0 %), a shard left results of tests and no
    coverage though others did (name those that measure none in `unmeasured`), the day is not known though there are
    steps, branches are asked for and were not recorded, or the paths of a
    component match no measured file (a renamed folder would otherwise never be judged again).

    **Options**: `line` (default 80), `branch` (default 0: not judged), `exclude` (default: files of tests),
    `steps` (default none), `allow-zero` (default true).

    Example:
        [tool.truegreen.gates.coverage]
        line = 85
        branch = 70
        steps = { 2026-11-01 = 60, 2026-11-08 = 80 }
    """

    id: ClassVar[str] = "coverage"
    stages: ClassVar[frozenset[str]] = frozenset({"unit"})
    needs: ClassVar[frozenset[str]] = frozenset({"coverage"})
    Options: ClassVar[type[GateOptions]] = CoverageOptions

    def evaluate(self, evidence: RunEvidence, stage: str, policy: CoverageOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the totals and the components."""
        everything = evidence.of(stage).coverage
        measured = _without(everything, policy.exclude) if everything else None
        if everything is None or measured is None or not measured.lines:
            return self.blind(
                stage, "coverage measured no executable line", remedy="check `source` in [tool.truegreen]"
            )
        if lost := [shard for shard in evidence.of(stage).unmeasured if not matches(shard, tuple(policy.unmeasured))]:
            return self.blind(
                stage,
                f"{some(lost)} left results of tests and no coverage, which other shards did",
                remedy="take its coverage in too, or name shards that measure none: gates.coverage.unmeasured",
                code="TG201",
            )
        if policy.steps and not evidence.today:
            return self.blind(
                stage, "the day is not known, and the threshold depends on it", remedy="judge with a clock"
            )
        asked = {
            "": Component(paths=[], line=policy.line_on(str(evidence.today or "")), branch=policy.branch),
            **policy.components,
        }
        ruling = _Ruling(measured)
        if left_out := len(everything.files) - len(measured.files):
            ruling.facts.append(Fact(label="left out as tests", value=count(left_out, "file")))
        for name, component in asked.items():
            ruling.judge(name, component)
        ruling.untouched(allowed=policy.allow_zero)
        items = _items(measured.files, ruling.short.values())
        if ruling.short:
            return self.failed(
                stage,
                "; ".join(short.reason for short in ruling.short.values()),
                remedy=remedy_of([short.way for short in ruling.short.values() if short.way], _PLACES),
                facts=tuple(ruling.facts),
                items=items,
            )
        if ruling.unseen:
            return self.blind(
                stage,
                "; ".join(ruling.unseen),
                remedy="correct the paths of the component, or measure branches",
                facts=tuple(ruling.facts),
            )
        total = figures.tally(measured.files)
        reason = f"{figures.percent(total.covered, total.lines)} of {count(total.lines, 'line')} covered"
        return self.passed(stage, reason, facts=tuple(ruling.facts), items=_untouched(measured.files))


def _without(coverage: Coverage, patterns: list[str]) -> Coverage:
    """Return the coverage of the files that match no pattern."""
    kept = tuple(file for file in coverage.files if not matches(file.path, tuple(patterns)))
    return msgspec.structs.replace(coverage, files=kept)


class _Short(NamedTuple):
    """A threshold that was missed."""

    reason: str
    way: Way | None = None
    """How to reach it."""


class _Ruling:
    """What was found while going through the total and the components."""

    def __init__(self, measured: Coverage) -> None:
        self.measured = measured
        self.facts: list[Fact] = []
        self.short: dict[tuple[tuple[str, ...], str, float], _Short] = {}
        """By files, unit and threshold: the project and a component that is all of it lack the same once."""
        self.unseen: list[str] = []

    def judge(self, name: str, wanted: Component) -> None:
        """Judge one set of files; an empty name is everything."""
        files = figures.of_component(self.measured, wanted.paths) if name else self.measured.files
        label = f"{name}: " if name else ""
        who = f"component {name}" if name else "the project"
        sums = figures.tally(files)
        if not sums.lines:
            self.unseen.append(f"{who} matches no measured line ({some(wanted.paths)})")
            self.facts.append(
                Fact(label=f"{label}lines", value="nothing measured", wanted=f"at least {wanted.line:g} %")
            )
            return
        lines = figures.percent(sums.covered, sums.lines)
        self.facts.append(Fact(label=f"{label}lines", value=lines, wanted=f"at least {wanted.line:g} %"))
        if not figures.reaches(sums.covered, sums.lines, wanted.line):
            reason = f"{who} has {lines} of its lines covered, {wanted.line:g} % are asked for"
            self._lacks(label, files, _Short(reason, cheapest.lines(files, wanted.line)), wanted.line)
        if wanted.branch:
            self._branches(who, label, files, wanted.branch)

    def untouched(self, *, allowed: bool) -> None:
        """Judge the files of which no line ran."""
        names = [file.path for file in self.measured.files if file.missing and not file.covered]
        if not names:
            return
        self.facts.append(Fact(label="files at 0 %", value=f"{len(names):,}", wanted="" if allowed else "none"))
        if not allowed:
            verb = "file has" if len(names) == 1 else "files have"
            self.short[tuple(names), "file", 0.0] = _Short(f"{len(names):,} {verb} no covered line ({some(names)})")

    def _branches(self, who: str, label: str, files: tuple[FileCoverage, ...], wanted: float) -> None:
        sums = figures.tally(files)
        if not self.measured.has_branches:
            self.unseen.append(f"branches of {who} are asked for and were not measured")
            return
        if not sums.branches:
            self.facts.append(Fact(label=f"{label}branches", value="none in the code", wanted=f"at least {wanted:g} %"))
            return
        value = figures.percent(sums.covered_branches, sums.branches)
        self.facts.append(Fact(label=f"{label}branches", value=value, wanted=f"at least {wanted:g} %"))
        if not figures.reaches(sums.covered_branches, sums.branches, wanted):
            reason = f"{who} has {value} of its branches covered, {wanted:g} % are asked for"
            self._lacks(label, files, _Short(reason, cheapest.branches(files, wanted)), wanted)

    def _lacks(self, label: str, files: tuple[FileCoverage, ...], short: _Short, wanted: float) -> None:
        unit = short.way.unit if short.way else ""
        key = (tuple(file.path for file in files), unit, wanted)
        if short.way and key not in self.short:
            self.facts += facts_of(short.way, label)
        self.short[key] = short


def _items(files: tuple[FileCoverage, ...], short: Iterable[_Short]) -> tuple[Item, ...]:
    """Return the cheapest places for each threshold that was missed, then the files that lack most."""
    found: list[Item] = []
    for way in (one.way for one in short if one.way):
        for place in way.places[:_PLACES]:
            where = f"lines {place.first}-{place.last}" if place.first != place.last else f"line {place.first}"
            what = where if way.unit == "line" else f"the branches of {where}"
            message = f"cover {what}: {count(place.lines, way.unit, UNITS[way.unit])} towards the threshold"
            found.append(
                Item(
                    title=place.path,
                    message=message,
                    path=place.path,
                    line=place.first,
                    last_line=place.last,
                    level="warning",
                )
            )
    worst = sorted((f for f in files if f.missing), key=lambda f: (-f.missing.bit_count(), f.path))[:_WORST]
    found += [
        Item(
            title=file.path,
            message=f"{file.missing.bit_count():,} of {file.executable.bit_count():,} lines not covered: "
            + figures.ranges(file),
            path=file.path,
            line=lines_of(file.missing)[0],
            level="warning",
        )
        for file in worst
    ]
    found += _untouched(files)
    unique = {(item.path, item.message): item for item in found}
    return tuple(unique.values())


def _untouched(files: tuple[FileCoverage, ...]) -> tuple[Item, ...]:
    """Return the files of which no line ran, the longest first."""
    found = [file for file in files if file.missing and not file.covered]
    return tuple(
        Item(
            title=file.path,
            message=f"0 % of {count(file.missing.bit_count(), 'line')} covered",
            path=file.path,
            line=lines_of(file.missing)[0],
            level="notice",
        )
        for file in sorted(found, key=lambda file: (-file.missing.bit_count(), file.path))
    )

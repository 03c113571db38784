"""Gate: unchanged files have no more uncovered lines than they had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.analysis import coverage as figures
from truegreen.analysis import ratchet
from truegreen.analysis.paths import matches
from truegreen.gates._sources import TESTS, asked
from truegreen.gates.base import BaseGate, GateOptions, count
from truegreen.model.coverage import Coverage, FileCoverage, lines_of
from truegreen.model.history import PastCoverage
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from truegreen.analysis.ratchet import FileStep
    from truegreen.model.changes import Changes, FileChange
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence


class CoverageRatchetOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.coverage-ratchet]`."""

    allow: Annotated[int, msgspec.Meta(ge=0)] = 0
    """How many more uncovered lines than on the base are let pass."""
    exclude: list[str] = msgspec.field(default_factory=lambda: list(TESTS))
    """Files that do not count, as patterns."""


class CoverageRatchet(BaseGate):
    """Code that was covered and did not change is still covered.

    **Proves** that the *number* of uncovered lines in files that are as they were has not grown since the newest
    run of the default branch (that of the base commit itself, where the history has it). A percentage would move
    with every line that is added or deleted elsewhere; this number moves only when a test stops running a line.

    A file counts as unchanged when the change does not touch it and it has the executable lines it had. A file
    that is unchanged and that the coverage no longer knows counts with all lines that were covered. Lines that
    ran in one run of a tree and not in another flicker by chance: they are left out, and listed.

    It is not judged while the history holds no coverage of the default branch.

    **Blind when** the coverage that the stage promised is missing.

    **Options**: `allow` (default 0), `exclude` (default: files of tests).

    Example:
        [tool.truegreen.gates.coverage-ratchet]
        allow = 5
    """

    id: ClassVar[str] = "coverage-ratchet"
    stages: ClassVar[frozenset[str]] = frozenset({"unit"})
    needs: ClassVar[frozenset[str]] = frozenset({"coverage"})
    Options: ClassVar[type[GateOptions]] = CoverageRatchetOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: CoverageRatchetOptions) -> bool:  # noqa: ARG002
        """Return whether coverage was measured, or was to be."""
        return asked(evidence.of(stage))

    def evaluate(self, evidence: RunEvidence, stage: str, policy: CoverageRatchetOptions, history: History) -> Verdict:
        """Judge the files that did not change."""
        coverage = evidence.of(stage).coverage
        if coverage is None or not coverage.lines:
            return self.blind(
                stage, "coverage measured no executable line", remedy="check `source` in [tool.truegreen]"
            )
        base = _renamed(_base(history.coverage, evidence.changes), evidence.changes)
        if base is None:
            unread = f"the earlier runs could not be read: {history.unreadable}" if history.unreadable else ""
            return self.not_judged(stage, unread or "the history has no coverage of the default branch yet")
        now = _without(coverage, policy.exclude)
        found = ratchet.steps(base.coverage, now, _runs(evidence, stage, coverage, history), _names(evidence.changes))
        lost = _lost(base, now, evidence.changes, policy.exclude)
        growth = sum(step.growth for step in found) + sum(file.covered.bit_count() for file in lost)
        facts = _facts(base, found, lost)
        items = (*_grown(found), *_gone(lost), *_flickering(found))
        if growth > policy.allow:
            return self.failed(
                stage,
                f"{count(growth, 'more line')} of unchanged files not covered than on {base.commit[:12]}",
                remedy="a test that ran the lines listed is gone, or does less: bring it back",
                facts=facts,
                items=items,
            )
        if not found and not lost:
            return self.not_judged(stage, f"no file is as it was on {base.commit[:12]}")
        reason = f"{count(len(found), 'unchanged file')} with {_change(growth)} since {base.commit[:12]}"
        return self.passed(stage, reason, facts=facts, items=items)


def _base(runs: tuple[PastCoverage, ...], changes: Changes | None) -> PastCoverage | None:
    exact = next((run for run in runs if changes is not None and run.commit == changes.base), None)
    return exact or next(iter(runs), None)


def _runs(evidence: RunEvidence, stage: str, coverage: Coverage, history: History) -> tuple[PastCoverage, ...]:
    """Return the earlier runs and this one: it may be a run of a tree that ran before."""
    tree = next((record.tree for record in evidence.of(stage).records if not record.dirty), "")
    return (*history.coverage, PastCoverage(commit=evidence.commit, tree=tree, coverage=coverage))


def _names(changes: Changes | None) -> frozenset[str]:
    if changes is None:
        return frozenset()
    touched = [file for file in changes.files if not _only_renamed(file)]
    return frozenset(name for file in touched for name in (file.path, file.old_path) if name)


def _only_renamed(file: FileChange) -> bool:
    return bool(file.old_path) and not file.lines and not file.added and not file.deleted


def _renamed(base: PastCoverage | None, changes: Changes | None) -> PastCoverage | None:
    """Return the base with its files under the names they have now, where a name is all that changed."""
    names = {file.old_path: file.path for file in changes.files if _only_renamed(file)} if changes else {}
    if base is None or not names:
        return base
    files = tuple(msgspec.structs.replace(file, path=names.get(file.path, file.path)) for file in base.coverage.files)
    return msgspec.structs.replace(base, coverage=msgspec.structs.replace(base.coverage, files=files))


def _without(coverage: Coverage, patterns: list[str]) -> Coverage:
    kept = tuple(file for file in coverage.files if not matches(file.path, tuple(patterns)))
    return msgspec.structs.replace(coverage, files=kept)


def _lost(base: PastCoverage, now: Coverage, changes: Changes | None, exclude: list[str]) -> list[FileCoverage]:
    """Return the files that are there as before and are no longer measured; only the base commit itself can tell."""
    if changes is None or base.commit != changes.base:
        return []
    known = {file.path for file in now.files} | _names(changes)
    return [f for f in base.coverage.files if f.path not in known and f.covered and not matches(f.path, tuple(exclude))]


def _change(growth: int) -> str:
    if growth < 0:
        return f"{count(-growth, 'uncovered line')} less"
    return f"{count(growth, 'uncovered line')} more" if growth else "no more uncovered lines"


def _facts(base: PastCoverage, found: list[FileStep], lost: list[FileCoverage]) -> tuple[Fact, ...]:
    before = sum(step.before.bit_count() for step in found)
    now = sum(step.now.bit_count() for step in found)
    chance = sum(step.flickering.bit_count() for step in found)
    return (
        Fact(label="compared with", value=base.commit[:12]),
        Fact(label="uncovered lines of unchanged files", value=f"{now:,}", wanted=f"at most {before:,}"),
        *((Fact(label="no longer measured", value=count(len(lost), "file")),) if lost else ()),
        *((Fact(label="left out because they flicker", value=count(chance, "line")),) if chance else ()),
    )


def _item(path: str, lines: int, text: str, level: str = "warning") -> Item:
    shown = figures.ranges(FileCoverage(path=path, missing=lines))
    return Item(title=path, message=f"{text}: {shown}", path=path, line=lines_of(lines)[0], level=level)


def _grown(found: list[FileStep]) -> list[Item]:
    """Return the lines that were covered and are not, of the worst files first."""
    news = [(step.path, step.now & ~step.before) for step in found]
    worst = sorted(((path, lines) for path, lines in news if lines), key=lambda one: (-one[1].bit_count(), one[0]))
    return [_item(path, lines, f"{count(lines.bit_count(), 'line')} no longer covered") for path, lines in worst]


def _gone(lost: list[FileCoverage]) -> list[Item]:
    return [_item(file.path, file.covered, "unchanged, and no longer measured") for file in lost]


def _flickering(found: list[FileStep]) -> list[Item]:
    return [
        _item(step.path, step.flickering, "covered in one run of the same code and not in another", "notice")
        for step in found
        if step.flickering
    ]

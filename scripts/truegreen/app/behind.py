"""What lies behind the verdicts: tests, earlier runs, and the source of lines that no test ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.analysis import coverage_change, detail, ownership
from truegreen.analysis.paths import matches
from truegreen.errors import TruegreenError
from truegreen.gates.coverage import CoverageOptions
from truegreen.gates.patch_coverage import PatchCoverageOptions, files_of_patch
from truegreen.model.detail import TrendPoint
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truegreen.model.detail import CoverageChange
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence
    from truegreen.model.verdict import Item, Report, StageReport, Verdict

_WITH_SOURCE = ("patch-coverage",)
"""Gates whose items are lines of the project."""
_PLACES_MAX, _LINES_MAX = 200, 40
_SOURCE_LIMIT_BYTES = 2 << 20
_OWNED_MAX = 300
"""Files whose owners are looked up."""


def with_detail(
    report: Report, run: RunEvidence, history: History, root: Path, policies: Mapping[str, Any] | None = None
) -> Report:
    """Return the report with what lies behind its verdicts.

    Args:
        report: as it was judged.
        run: the evidence it was judged on.
        history: earlier runs, as the gates had them.
        root: the project as it is checked out.
        policies: gate id → its options; None means the defaults of each.
    """
    origin = report.provenance
    now = TrendPoint(
        commit=origin.commit, created=origin.created, status=report.status.value, duration_s=report.duration_s
    )
    sources = _Sources(root)
    owners = _Owners(sources)
    stages = tuple(_with_owners(_with_sources(stage, sources), owners) for stage in report.stages)
    found = detail.of(run, history, now)
    found = msgspec.structs.replace(found, coverage_change=covered_against_base(run, history, policies or {}))
    return msgspec.structs.replace(report, stages=stages, detail=found)


def covered_against_base(run: RunEvidence, history: History, policies: Mapping[str, Any]) -> CoverageChange | None:
    """Return what is covered against the base, of what the gates on coverage count.

    None where nothing was measured, or not all of what was to be: the difference would be one of what is missing.
    """
    unit, policy = run.of("unit"), policies.get("coverage") or CoverageOptions()
    coverage = unit.coverage
    lost = [shard for shard in unit.unmeasured if not matches(shard, tuple(policy.unmeasured))]
    partly = lost or any(problem.kind in ("coverage", "stage") for problem in unit.problems)
    if coverage is None or not coverage.lines or partly:
        return None
    lines = policies.get("patch-coverage") or PatchCoverageOptions()
    asked = coverage_change.Asked(
        exclude=tuple(policy.exclude),
        components={name: tuple(component.paths) for name, component in policy.components.items()},
    )
    patch = files_of_patch(run.changes, coverage, lines) if run.changes else ()
    return coverage_change.of(coverage, history.coverage, run.changes, patch, asked)


def _with_sources(stage: StageReport, sources: _Sources) -> StageReport:
    if not any(verdict.gate in _WITH_SOURCE and verdict.items for verdict in stage.verdicts):
        return stage
    verdicts = tuple(_quoted(v, sources) if v.gate in _WITH_SOURCE else v for v in stage.verdicts)
    return msgspec.structs.replace(stage, verdicts=verdicts)


def _quoted(verdict: Verdict, sources: _Sources) -> Verdict:
    quoted = tuple(
        msgspec.structs.replace(item, detail=item.detail or sources.lines(item)) for item in verdict.items[:_PLACES_MAX]
    )
    return msgspec.structs.replace(verdict, items=(*quoted, *verdict.items[_PLACES_MAX:]))


def _with_owners(stage: StageReport, owners: _Owners) -> StageReport:
    """Return the stage with the owners of what is behind its red verdicts."""
    if not any(verdict.status.red and verdict.items for verdict in stage.verdicts):
        return stage
    verdicts = tuple(_owned(verdict, owners) if verdict.status.red else verdict for verdict in stage.verdicts)
    return msgspec.structs.replace(stage, verdicts=verdicts)


def _owned(verdict: Verdict, owners: _Owners) -> Verdict:
    items = tuple(
        msgspec.structs.replace(item, owners=found) if (found := owners.of(item.path)) else item
        for item in verdict.items
    )
    return msgspec.structs.replace(verdict, items=items)


class _Owners:
    """Who owns files of the project by its CODEOWNERS, which is read when it is first asked."""

    def __init__(self, sources: _Sources) -> None:
        self._sources = sources
        self._rules: tuple[ownership.Rule, ...] | None = None
        self._found: dict[str, tuple[str, ...]] = {}
        self._patience = ownership.Patience()

    def of(self, path: str) -> tuple[str, ...]:
        """Return the owners of a file; none beyond so many files, which nobody reads."""
        if self._rules is None:
            texts = (self._sources.text(name, ownership.LIMIT_BYTES) for name in ownership.LOCATIONS)
            self._rules = ownership.parse(next((text for text in texts if text is not None), ""))
        if not self._rules or not path:
            return ()
        if path not in self._found:
            if len(self._found) >= _OWNED_MAX:
                return ()
            self._found[path] = ownership.of(path, self._rules, self._patience)
        return self._found[path]


class _Sources:
    """Lines of files of the project; a file that lies elsewhere or cannot be read has none."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, list[str]] = {}

    def lines(self, item: Item) -> str:
        """Return the lines an item names, so many of them as one wants to read."""
        if item.path not in self._files:
            self._files[item.path] = self._read(item.path)
        last = min(max(item.last_line, item.line), item.line + _LINES_MAX - 1)
        return "\n".join(self._files[item.path][item.line - 1 : last]) if item.line > 0 else ""

    def _read(self, name: str) -> list[str]:
        return (self.text(name, _SOURCE_LIMIT_BYTES) or "").splitlines()

    def text(self, name: str, limit_bytes: int) -> str | None:
        """Return a file of the project; None where there is none, or it cannot or must not be read."""
        path = self._root / name
        try:
            if path.is_symlink() or not path.resolve().is_relative_to(self._root.resolve()):
                return None
            return files.read_limited(path, limit_bytes).decode("utf-8", "replace")
        except (TruegreenError, OSError, ValueError):
            return None

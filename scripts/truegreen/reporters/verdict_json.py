"""Reporter: `verdict.json`, from which everything else is rendered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import msgspec

import truegreen.model
from truegreen.model.detail import Named, Several
from truegreen.model.verdict import REPORT_VERSION, Report, StageReport
from truegreen.reporters.base import Document
from truegreen.reporters.words import failing

if TYPE_CHECKING:
    from collections.abc import Callable

    from truegreen.model.detail import Comparison, Detail

SCHEMA_PATH = Path(truegreen.model.__file__).with_name("verdict.schema.json")
"""The shipped JSON Schema of the document."""


class Cut(NamedTuple):
    """One step of shortening."""

    items: int
    """Kept of each verdict."""
    characters: int
    """Kept of each detail."""
    tests: int
    """Listed of each stage, and kept of everything that is told of single tests."""
    leaves_out: str


CUTS = (
    Cut(10_000, 2_000, 100_000, "long details"),
    Cut(1_000, 2_000, 1_000, "long details, and all but 1,000 tests of each stage"),
    Cut(100, 500, 100, "all but 100 items of each verdict and 100 tests of each stage"),
    Cut(10, 0, 0, "all but 10 items of each verdict, their details, and single tests"),
    Cut(0, 0, 0, "all items and single tests"),
)
"""Steps of shortening, the mildest first."""


class JsonReporter:
    """The report as JSON: keys sorted, indented, valid against the shipped schema."""

    name: ClassVar[str] = "json"
    media_type: ClassVar[str] = "application/json"
    budget_bytes: ClassVar[int] = 32_000_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the document; above the budget items are left out, verdicts never are."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        body, omitted = encoded(report), ""
        for cut in CUTS:
            if len(body) <= limit:
                break
            body, omitted = encoded(shortened(report, cut)), cut.leaves_out
        return Document(body=body, media_type=self.media_type, omitted=omitted)


def schema() -> bytes:
    """Return the JSON Schema of the document, generated from the records."""
    found: dict[str, Any] = msgspec.json.schema(Report)
    found = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"truegreen verdict.json, version {REPORT_VERSION}",
        **found,
    }
    return msgspec.json.format(msgspec.json.encode(found, order="sorted"), indent=2) + b"\n"


def encoded(report: Report) -> bytes:
    """Return the whole document."""
    data = msgspec.to_builtins(report, order="sorted")
    try:
        raw = msgspec.json.encode(data)
    except UnicodeEncodeError:
        # A lone surrogate, as Python makes of undecodable file names.
        raw = msgspec.json.encode(_clean(data))
    return msgspec.json.format(raw, indent=2) + b"\n"


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _clean(inner) for key, inner in value.items()}
    return [_clean(inner) for inner in value] if isinstance(value, list | tuple) else value


def shortened(report: Report, cut: Cut) -> Report:
    """Return the report without what a step of shortening leaves out; verdicts are never left out."""
    replace: Callable[..., Any] = msgspec.structs.replace

    def text(detail: str) -> str:
        return detail[-cut.characters :] if cut.characters else ""

    def stage(one: StageReport) -> StageReport:
        verdicts = tuple(
            replace(
                v,
                items=tuple(replace(i, detail=text(i.detail)) for i in v.items[: cut.items]),
                unlisted=v.unlisted + len(v.items[cut.items :]),
            )
            for v in one.verdicts
        )
        logs = tuple(replace(log, text=text(log.text)) for log in one.logs)
        short: StageReport = replace(one, verdicts=verdicts, logs=logs)
        return short

    stages = tuple(stage(one) for one in report.stages)
    listed = frozenset(
        Named(one.stage, item.title) for one in stages for verdict in failing(one) for item in verdict.items
    )
    behind = _fewer_tests(report.detail, cut.tests, listed) if report.detail else None
    short: Report = replace(report, stages=stages, detail=behind)
    return short


def _fewer_named(found: Comparison, count: int, kept: frozenset[Named]) -> Comparison:
    """Return what changed with so many tests named of each kind; those of failures that are listed stay, as their news.

    The numbers stay what they are.
    """
    replace: Callable[..., Any] = msgspec.structs.replace

    def fewer(several: Several[Any]) -> Several[Any]:
        mine = {*several.named[:count], *kept}
        short: Several[Any] = replace(several, named=tuple(one for one in several.named if one in mine))
        return short

    kinds = {name: several for name in found.__struct_fields__ if isinstance(several := getattr(found, name), Several)}
    short: Comparison = replace(found, **{name: fewer(several) for name, several in kinds.items()})
    return short


def _fewer_tests(found: Detail, count: int, listed_failures: frozenset[Named]) -> Detail:
    replace: Callable[..., Any] = msgspec.structs.replace
    listed = tuple(
        replace(
            one,
            names=one.names[:count],
            outcomes=one.outcomes[:count],
            durations_s=one.durations_s[:count],
            told=tuple(told for told in one.told if told.row < count),
        )
        for one in found.tests
    )
    told = found.comparison and _fewer_named(found.comparison, count, listed_failures)
    step = found.coverage_change and replace(found.coverage_change, files=found.coverage_change.files[:count])
    news = found.findings_change and replace(
        found.findings_change,
        new=tuple(replace(one, findings=one.findings[:count]) for one in found.findings_change.new),
    )
    whole = len(found.coverage) <= count
    short: Detail = replace(
        found,
        tests=listed,
        strips=found.strips[:count],
        comparison=told,
        findings=tuple(replace(one, findings=one.findings[:count]) for one in found.findings),
        findings_change=news,
        coverage_change=step,
        coverage=found.coverage if whole else (),
        unlisted_files=found.unlisted_files if whole else len(found.coverage),
    )
    return short

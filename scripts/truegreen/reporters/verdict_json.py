"""Reporter: `verdict.json`, from which everything else is rendered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

import truegreen.model
from truegreen.model.verdict import REPORT_VERSION, Report, StageReport
from truegreen.reporters.base import Document

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA_PATH = Path(truegreen.model.__file__).with_name("verdict.schema.json")
"""The shipped JSON Schema of the document."""
_CUTS: tuple[tuple[int, int, str], ...] = (
    (10_000, 2_000, "long details"),
    (100, 500, "all but 100 items of each verdict"),
    (10, 0, "all but 10 items of each verdict, and their details"),
    (0, 0, "all items"),
)
"""Steps of shortening: items kept of each verdict, characters of detail kept, and what that leaves out."""


class JsonReporter:
    """The report as JSON: keys sorted, indented, valid against the shipped schema."""

    name: ClassVar[str] = "json"
    media_type: ClassVar[str] = "application/json"
    budget_bytes: ClassVar[int] = 32_000_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the document; above the budget items are left out, verdicts never are."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        body, omitted = _encoded(report), ""
        for items, detail, omitted_now in _CUTS:
            if len(body) <= limit:
                break
            body, omitted = _encoded(_shortened(report, items, detail)), omitted_now
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


def _encoded(report: Report) -> bytes:
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


def _shortened(report: Report, items: int, detail: int) -> Report:
    replace: Callable[..., Any] = msgspec.structs.replace

    def stage(one: StageReport) -> StageReport:
        verdicts = tuple(
            replace(v, items=tuple(replace(i, detail=i.detail[-detail:] if detail else "") for i in v.items[:items]))
            for v in one.verdicts
        )
        short: StageReport = replace(one, verdicts=verdicts)
        return short

    short: Report = replace(report, stages=tuple(stage(one) for one in report.stages))
    return short

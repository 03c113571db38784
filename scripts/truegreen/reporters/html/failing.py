"""Section of the page about failing tests, cause by cause as the summary has them."""

from __future__ import annotations

import re
import shlex
from itertools import count
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from truegreen.analysis import attachments, causes
from truegreen.reporters import links, words
from truegreen.reporters.html import beside
from truegreen.reporters.html.markup import Html, block, element, joined, text
from truegreen.reporters.html.verdicts import OPEN, command, lines_shown, where
from truegreen.reporters.words import alike, further_shards, news, told_by_base, without_cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.analysis.causes import Cause
    from truegreen.model.verdict import Item, KeptFile, Report, StageReport

_VARIANT = re.compile(r" \[[^\]]*\]$")
_RUN = "truegreen run "


class _Listing:
    """The failing tests of one stage while they are written."""

    def __init__(self, stage: StageReport, report: Report, told: dict[str, str], numbers: Iterator[int]) -> None:
        self.stage = stage
        self.blob = links.blob(report.provenance)
        self.told = told
        """Test → what the base says of its failure."""
        self.left = _left(stage)
        """Test → the files beside the page that it left."""
        self.numbers = numbers
        """Counts the tests of the page: the text of later ones is shorter."""


def failing(report: Report) -> Html:
    """Return every failing test with its message, where it failed, and the command that repeats it.

    Tests that fail alike stand under one head; the first of them tells the cause, the others are folded.
    """
    told, numbers = news(report), count()
    shown: list[Html] = []
    for stage in report.stages:
        listing = _Listing(stage, report, told.get(stage.stage, {}), numbers)
        for verdict in words.failing(stage):
            found = causes.by_cause(verdict.items)
            shown += (_cause(cause, listing, opened=n < OPEN) for n, cause in enumerate(found, len(shown)))
            rest = without_cause(found, verdict.unlisted)
            shown += [element("p", text(f"Stage {stage.stage}: {rest}"), class_="quiet")] if rest else []
    return joined(shown)


def count_failing(report: Report) -> int:
    """Return how many tests failed, those among them that are not listed."""
    return sum(len(verdict.items) + verdict.unlisted for stage in report.stages for verdict in words.failing(stage))


def _left(stage: StageReport) -> dict[str, list[KeptFile]]:
    copies = {file.path: file for file in stage.files if beside.address(file)}
    if not copies:
        return {}
    tests = (item.title for verdict in words.failing(stage) for item in verdict.items)
    owned = attachments.by_test(tests, copies)
    return {test: [copies[path] for path in paths] for test, paths in owned.items()}


def _cause(cause: Cause, listing: _Listing, *, opened: bool) -> Html:
    first, named, more = cause.items[0], cause.items[1:], cause.tests - 1
    if not more:
        return _failure(first, listing, opened=opened)
    some = f", {len(named):,} of them listed" if more > len(named) else ""
    others = element("summary", f"{more:,} more that fail{'s' * (more == 1)} alike{some}")
    return element(
        "details",
        element(
            "summary",
            element("strong", alike(cause)),
            ", first ",
            text(first.title, 300),
            text(f" in shard {cause.shard}{further_shards(cause)}", 160) if cause.shard else None,
            *(element("span", word, class_="news") for word in told_by_base(cause, listing.told)),
            element("span", text(first.message, 300), class_="message"),
        ),
        _failure(first, listing, opened=True),
        element("details", others, *(_failure(item, listing, opened=False) for item in named), class_="others"),
        class_="cause",
        open=opened,
    )


def _failure(item: Item, listing: _Listing, *, opened: bool) -> Html:
    stage, told, left = listing.stage, listing.told.get(item.title, ""), listing.left.get(item.title, ())
    lines = lines_shown(next(listing.numbers))
    copies = [joined((" ", beside.link(file, PurePosixPath(file.path).name))) for file in left]
    return element(
        "details",
        element(
            "summary",
            element("strong", text(item.title)),
            element("span", told, class_="news") if told else None,
            element("span", text(item.message, 300), class_="message"),
        ),
        element(
            "p",
            text(f"stage {stage.stage}"),
            text(f", shard {item.shard}", 120) if item.shard else None,
            where(item, listing.blob),
        ),
        block(item.detail, lines) if item.detail.strip() else element("p", text(item.message)),
        element("p", "It left:", *copies) if copies else None,
        element("p", command(repeat(stage, item.title))),
        class_="failure item",
        open=opened,
    )


def repeat(stage: StageReport, test: str) -> str:
    """Return the command that repeats one test at a desk; the stage's own where the test cannot be named there.

    The suffix that tells legs of a matrix apart is no part of the name pytest knows.
    """
    if not stage.command.startswith(_RUN) or not test.isprintable() or "::" not in test:
        return stage.command
    return f"{stage.command.partition(' -- ')[0]} -- {shlex.quote(_VARIANT.sub('', test))}"

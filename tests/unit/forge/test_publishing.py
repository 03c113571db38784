"""What a report looks like on a forge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.support.reports import report

from truegreen.forge import publishing
from truegreen.forge.event import Event
from truegreen.forge.port import COMMENT_LIMIT, MARKER, OUTPUT_LIMIT, CheckRun, CommitStatus, Outcome, Written
from truegreen.forge.publishing import Options, Publication, dry_run, publish
from truegreen.model.verdict import Item, Report, Status

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT = Event(
    name="pull_request", repository="o/r", sha="a" * 40, pull_request=7, run_url="https://github.com/o/r/actions/runs/7"
)
BODY = f"{MARKER}\nred"
EVERYTHING = Options(check_run=True)


def plan(told: Report, body: str, event: Event, shorter: Callable[[int], str] | None = None) -> Publication:
    """Return the plan with a check run."""
    return publishing.plan(told, body, event, shorter, EVERYTHING)


def with_items(*items: Item, status: Status = Status.FAIL, advisory: bool = False) -> Report:
    """Return a report whose one verdict has these items."""
    base = report(status)
    stage = base.stages[1]
    verdict = msgspec.structs.replace(stage.verdicts[0], items=items, advisory=advisory)
    return msgspec.structs.replace(base, stages=(msgspec.structs.replace(stage, verdicts=(verdict,)),))


@pytest.mark.parametrize(
    ("status", "conclusion", "state"),
    [
        (Status.PASS, "success", "success"),
        (Status.WAIVED, "success", "success"),
        (Status.FAIL, "failure", "failure"),
        (Status.BLIND, "failure", "error"),
        (Status.SKIPPED, "skipped", "success"),
    ],
)
def test_plan_every_status_has_its_colour(status: Status, conclusion: str, state: str) -> None:
    todo = plan(report(status), BODY, EVENT)
    assert todo.check is not None
    assert todo.status is not None
    assert (todo.check.conclusion, todo.status.state) == (conclusion, state)


def test_plan_marker_missing_is_put_in_front() -> None:
    assert plan(report(), "hello", EVENT).comment[0] == f"{MARKER}\nhello"


def test_plan_same_report_has_the_same_identity_and_another_has_not() -> None:
    identities = [plan(r, BODY, EVENT).check.external_id for r in (report(), report(), report(failing=3))]  # type: ignore[union-attr]
    assert identities[0] == identities[1] != identities[2]
    assert identities[0].startswith("truegreen:")


def test_plan_body_over_the_limit_starts_with_one_that_fits() -> None:
    todo = plan(report(), BODY + "é" * COMMENT_LIMIT, EVENT, lambda budget: "s" * budget)
    sizes = [len(body.encode()) for body in todo.comment]
    assert sizes == sorted(sizes, reverse=True)
    assert COMMENT_LIMIT - 400 < sizes[0] <= COMMENT_LIMIT
    assert len(todo.comment) == 3
    assert todo.check is not None
    assert len(todo.check.summary.encode()) <= OUTPUT_LIMIT


def test_plan_last_resort_body_cannot_be_marked_up_by_the_headline() -> None:
    todo = plan(report(headline="# <img src=x> @team\n\n**b**"), BODY + "x" * 1000, EVENT)
    assert "    # <img src=x> @team **b**" in todo.comment[-1]  # an indented code block


def test_plan_description_keeps_within_140() -> None:
    todo = plan(report(headline="é" * 500), BODY, EVENT)
    assert todo.status is not None
    assert len(todo.status.description) == 140


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x.py", "a/../../b", "a\nb"])
def test_plan_item_outside_the_repository_is_no_annotation(path: str) -> None:
    todo = plan(with_items(Item(title="t", path=path, line=3)), BODY, EVENT)
    assert todo.check is not None
    assert todo.check.annotations == ()


def test_plan_annotations_failures_first_without_repetition() -> None:
    items = [
        Item(title="n", path="a.py", line=1, level="notice"),
        Item(title="w", path="a.py", line=0, level="warning"),
        Item(title="e", message="boom\x1b[0m", path="./a.py", line=2),
        Item(title="e", message="boom\x1b[0m", path="./a.py", line=2),
    ]
    todo = plan(with_items(*items), BODY, EVENT)
    assert todo.check is not None
    assert [(a.level, a.path, a.line, a.message) for a in todo.check.annotations] == [
        ("failure", "a.py", 2, "boom\\u001b[0m"),
        ("warning", "a.py", 1, "w"),
        ("notice", "a.py", 1, "n"),
    ]


def test_plan_advisory_item_is_at_most_a_warning() -> None:
    todo = plan(with_items(Item(title="t", path="a.py", line=1), advisory=True), BODY, EVENT)
    assert todo.check is not None
    assert [a.level for a in todo.check.annotations] == ["warning"]


def test_plan_unknown_commit_writes_nothing_on_commits() -> None:
    base = report()
    nowhere = msgspec.structs.replace(base, provenance=msgspec.structs.replace(base.provenance, commit=""))
    todo = plan(nowhere, BODY, Event())
    assert (todo.comment, todo.check, todo.status) == ((), None, None)
    assert len(todo.skipped) == 2


def test_dry_run_says_what_would_be_written() -> None:
    lines = dry_run(report(), BODY, EVENT, EVERYTHING).lines
    assert lines[0].startswith("comment: would be written to o/r#7")
    assert "would be failure on aaaaaaaaaaaa, 2 annotations" in lines[1]


@dataclass
class Refusing:
    """A forge that lets nothing be written."""

    calls: int = 3

    def upsert_comment(self, number: int, bodies: tuple[str, ...]) -> Written:
        return Written(surface="comment", outcome=Outcome.REFUSED, reason="no", permission="pull-requests: write")

    def upsert_check_run(self, check: CheckRun) -> Written:
        return Written(surface="check run", outcome=Outcome.ABSENT, reason="none here")

    def set_status(self, status: CommitStatus) -> Written:
        return Written(surface="commit status", outcome=Outcome.CREATED, url="https://x")


def test_publish_from_a_fork_says_where_the_report_is() -> None:
    result = publish(report(), BODY, Refusing(), msgspec.structs.replace(EVENT, is_fork=True), options=EVERYTHING)
    stands = "the report is in the summary of the run, and the verdict stands"
    assert not result.ok
    assert result.lines == (
        "commit status: created https://x",
        "comment: not written, no; grant `pull-requests: write`",
        "check run: not written, none here",
        f"the token of a fork can only read (docs/publishing.md); {stands}",
    )

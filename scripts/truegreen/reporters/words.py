"""Words, signs and groupings that all reporters share."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from truegreen.model.verdict import Item, Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truegreen.analysis.causes import Cause
    from truegreen.model.verdict import KeptFile, Report, StageReport

ICON = {
    Status.PASS: "✅",
    Status.FAIL: "❌",
    Status.BLIND: "🚫",
    Status.WAIVED: "🟡",
    Status.SKIPPED: "⏭️",
}
WORD = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    Status.BLIND: "blind",
    Status.WAIVED: "waived",
    Status.SKIPPED: "skipped",
}


TESTS = "no-failures"
"""The gate whose items are the tests that failed."""
WAIVERS = "waivers"
"""The gate whose items are the waivers of the run."""


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One cause, and all gates that are red because of it."""

    verdict: Verdict
    """The one that says most, with the facts and remedies of all."""
    gates: tuple[str, ...]


def same_story(verdicts: Iterable[Verdict]) -> list[Story]:
    """Return the verdicts with equal status and reason as one, in order: one cause is told once.

    Two that list different things are two stories, whatever their sentences say.
    """
    groups: dict[tuple[str, str], list[list[Verdict]]] = {}
    for verdict in verdicts:
        alike = groups.setdefault((verdict.status, verdict.reason), [])
        mine = next((group for group in alike if _adds_nothing(verdict, group)), None)
        if mine is None:
            alike.append([verdict])
        else:
            mine.append(verdict)
    return [_story(group) for alike in groups.values() for group in alike]


def _adds_nothing(verdict: Verdict, group: list[Verdict]) -> bool:
    """Return whether a verdict lists nothing that a group does not list too, or the group nothing at all."""
    listed = next((other for other in group if other.items), None)
    return not verdict.items or listed is None or (verdict.items, verdict.unlisted) == (listed.items, listed.unlisted)


def _story(group: list[Verdict]) -> Story:
    most = max(group, key=lambda verdict: (len(verdict.items), len(verdict.facts)))
    verdict = msgspec.structs.replace(
        most,
        facts=tuple(dict.fromkeys((*most.facts, *(fact for other in group for fact in other.facts)))),
        remedy="; ".join(dict.fromkeys(other.remedy for other in (most, *group) if other.remedy)),
    )
    return Story(verdict=verdict, gates=tuple(other.gate for other in group))


def failing(stage: StageReport) -> list[Verdict]:
    """Return the verdicts of a stage whose items are failing tests."""
    return [verdict for verdict in stage.verdicts if verdict.gate == TESTS and verdict.status is not Status.PASS]


def any_blind(report: Report) -> bool:
    """Return whether something of a report is blind, also where its own status is the worse word `fail`."""
    stages = report.stages
    return Status.BLIND in (report.status, *(stage.status for stage in stages)) or any(
        verdict.red and verdict.status is Status.BLIND for stage in stages for verdict in stage.verdicts
    )


def beside_red(stage: StageReport) -> list[Verdict]:
    """Return the verdicts of a stage that are not red, but those that repeat what a red one says."""
    told = {(verdict.reason, items) for verdict in stage.verdicts if verdict.red for items in ((), verdict.items)}
    return [verdict for verdict in stage.verdicts if not verdict.red and (verdict.reason, verdict.items) not in told]


class Waivers(msgspec.Struct, frozen=True, kw_only=True):
    """The waivers that are not red themselves."""

    items: tuple[Item, ...] = ()
    unlisted: int = 0
    """Those that are known by number alone."""

    @property
    def total(self) -> int:
        """All of them."""
        return len(self.items) + self.unlisted


def waivers(report: Report) -> Waivers:
    """Return the waivers that are not red themselves, in the order of the gate, which lists the red ones first.

    What a red verdict counts behind nothing but red ones is told with that verdict.
    """
    items: list[Item] = []
    unlisted = 0
    for verdict in (verdict for stage in report.stages for verdict in stage.verdicts if verdict.gate == WAIVERS):
        mine = [item for item in verdict.items if item.level != "error"]
        items += mine
        unlisted += max(0, verdict.unlisted) if mine or not verdict.red else 0
    return Waivers(items=tuple(items), unlisted=unlisted)


def news(report: Report) -> dict[str, dict[str, str]]:
    """Return stage → test → what the run of the base says about the failure."""
    compared = report.detail.comparison if report.detail else None
    found: dict[str, dict[str, str]] = {}
    if compared is not None:
        for one in compared.newly_failing.named:
            found.setdefault(one.stage, {})[one.test] = "new here"
        for one in compared.still_failing.named:
            found.setdefault(one.stage, {})[one.test] = "red on the base too"
    return found


def alike(cause: Cause) -> str:
    """Return how many tests fail for one cause."""
    return f"{cause.tests:,} tests fail alike"


def more_causes(left: tuple[Cause, ...]) -> str:
    """Return how many causes there are besides those that are shown."""
    tests = sum(cause.tests for cause in left)
    return f"{len(left):,} more causes ({tests:,} tests)" if tests > 1 else "1 more"


def without_cause(found: tuple[Cause, ...], unlisted: int) -> str:
    """Return how many of the tests that are known by number alone belong to none of the causes; empty for none."""
    rest = unlisted - sum(item.unlisted for cause in found for item in cause.items)
    return f"{rest:,} more whose causes are not listed" if rest > 0 else ""


def further_shards(cause: Cause) -> str:
    """Return in how many shards beside the first one more tests failed for a cause; empty when in none."""
    return f" and {cause.more_shards:,} more shard{'s' * (cause.more_shards != 1)}" if cause.more_shards else ""


def told_by_base(cause: Cause, known: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the base says of the failures with one cause, with a count where it is not said of every test.

    Of tests that are not listed nothing is said.

    Args:
        cause: the failures.
        known: test → what the base says, as `news` has it.
    """
    told = Counter(known.get(item.title, "") for item in cause.items)
    whole = cause.tests
    return tuple(word if tests == whole else f"{tests:,} {word}" for word, tests in told.items() if word)


def which_base(*, exact: bool) -> str:
    """Return what the commit that is compared with is to the change."""
    return "where the change left its base" if exact else "the newest run of the default branch that is known"


def digest_of(files: Iterable[KeptFile]) -> str:
    """Return one SHA-256 over files of evidence: of lines as `sha256sum` writes them, in order of path."""
    lines = sorted((file.path, file.sha256) for file in files)
    text = "".join(f"{digest}  {path}\n" for path, digest in lines)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def duration(value: float) -> str:
    """Return seconds as people write them: `4.1 s`, `2 min 5 s`."""
    if value < 60:  # noqa: PLR2004 - a minute
        return f"{value:.1f} s"
    minutes, rest = divmod(int(value), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"

"""What a report means for its branch: pure, and the same for every notifier."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from truegreen.model.incident import Incident, run_key
from truegreen.model.verdict import Report, Status
from truegreen.notifiers.base import Transition

if TYPE_CHECKING:
    from collections.abc import Mapping

_PULL = "refs/pull/"
_HEADS = "refs/heads/"
_TAGS = "refs/tags/"
NUMBERED = re.compile(r"(\d{1,20})\.(\d{1,9})")
"""Identity of a run that a CI numbers, and its attempt."""
WHOLE = "the run"
"""What is red where a report is and none of its stages, such as one that planned none."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, and what to remember once it was told."""

    transition: Transition
    incident: Incident
    """To be stored after every message was accepted."""
    reason: str = ""
    """Why there is nothing to tell; empty otherwise."""


def branch(report: Report) -> str:
    """Return the branch a report is about: `main`, `pull/7`, a tag, or `local` at a desk."""
    origin = report.provenance
    if origin.pull_request is not None:
        return f"pull/{origin.pull_request}"
    if origin.ref.startswith(_PULL):
        return "pull/" + origin.ref.removeprefix(_PULL).split("/", 1)[0]
    return origin.ref.removeprefix(_HEADS).removeprefix(_TAGS) or "local"


def key(report: Report, notifier: str = "") -> str:
    """Return the identity of the incident a report belongs to: one for each repository, project and branch.

    What was told differs from one notifier to the next (one may be down), so each keeps its own.
    """
    origin = report.provenance
    place = f"{origin.repository or 'local'}:{branch(report)}" + (f" ({origin.project})" if origin.project else "")
    return f"{notifier}|{place}" if notifier else place


def decide(previous: Incident | None, report: Report, notifier: str = "") -> Decision:
    """Return what a report means after what was remembered.

    The newest run of a branch has the last word on each stage that it judged, and on no other: a stage that was red
    and was not run again is not repaired. Of a run that began earlier and ends late only a red counts, and only of a
    stage that no later run has judged. A run told before changes nothing, nor does one in which nothing was judged.
    """
    before = previous or Incident(key=key(report, notifier))
    if report.status is Status.SKIPPED:
        return Decision(transition=Transition.NONE, incident=before, reason="nothing was judged")
    word = newest_word(before, report)
    if not word:
        same = before.last_run == run_key(report.provenance)
        reason = "this run was told already" if same else "a newer run was told already"
        return Decision(transition=Transition.NONE, incident=before, reason=reason)
    after = _remember(before, report, word)
    kind, reason = _kind(before, word, after)
    return Decision(transition=kind, incident=after, reason=reason)


def unrepaired(previous: Incident | None, report: Report) -> tuple[str, ...]:
    """Return the stages that were red and that a report says nothing newer about."""
    return tuple(stage for stage in previous.stages if stage not in newest_word(previous, report)) if previous else ()


def _kind(before: Incident, word: Mapping[str, bool], after: Incident) -> tuple[Transition, str]:
    """Return what happened, and why there is nothing to tell."""
    if any(word.values()):
        # What was red was not run again, and something else broke: that is news.
        other = bool(before.stages) and not set(before.stages) & set(word)
        return (Transition.STILL_FAILING if before.open and not other else Transition.OPENED), ""
    if not before.open:
        return Transition.NONE, "green, as before"
    if after.open and not set(before.stages) & set(word):
        return Transition.NONE, f"{' and '.join(before.stages)} was red, and was not run again"
    return Transition.RECOVERED, ""


def newest_word(before: Incident, report: Report) -> dict[str, bool]:
    """Return the stages on which a report has the newest word, each with whether it is red."""
    this, created = run_key(report.provenance), report.provenance.created
    judged = {stage.stage: stage.status.red for stage in report.stages if stage.status is not Status.SKIPPED}
    colours = {**judged, WHOLE: report.status.red and not any(judged.values())}
    known = before.judged or dict.fromkeys(colours, before.last_run)
    late = bool(before.last_run) and _later(before.last_run, this, before.updated_at, created)

    def counts(stage: str, *, red: bool) -> bool:
        at = known.get(stage, "")
        if at == this:  # told again, or another pipeline of the same run
            return red and stage not in before.stages
        return not late or (red and not (at and _later(at, this, before.updated_at, created)))

    word = {stage: red for stage, red in colours.items() if counts(stage, red=red)}
    if late or this == before.last_run or report.status.red:
        return word
    # A green report names every stage there is, the skipped ones too: what it does not name is no stage any more.
    named = {stage.stage for stage in report.stages}
    return {**{stage: False for stage in before.stages if stage not in named}, **word}


def _later(run: str, other: str, updated: str, created: str) -> bool:
    """Return whether a run began later than another, as the CI numbers them; else whether its report is the newer."""
    left, right = NUMBERED.fullmatch(run), NUMBERED.fullmatch(other)
    if left and right:
        return (int(left[1]), int(left[2])) > (int(right[1]), int(right[2]))
    return bool(updated and created) and updated > created


def _remember(before: Incident, report: Report, word: Mapping[str, bool]) -> Incident:
    origin = report.provenance
    this = run_key(origin)
    stages = (*(s for s in before.stages if s not in word), *(stage for stage, red in word.items() if red))
    opening = bool(stages) and not before.open
    late = bool(before.last_run) and _later(before.last_run, this, before.updated_at, origin.created)
    red_runs = before.red_runs + (1 if any(word.values()) else 0)
    return msgspec.structs.replace(
        before,
        open=bool(stages),
        opened_at=origin.created if opening else before.opened_at,
        opened_commit=origin.commit if opening else before.opened_commit,
        stages=stages,
        red_runs=(1 if opening else red_runs) if stages else 0,
        updated_at=max(origin.created, before.updated_at),
        last_run=before.last_run if late else this,
        judged={**before.judged, **dict.fromkeys(word, this)},
    )

"""What a report means for its branch: pure, and the same for every notifier."""

from __future__ import annotations

import msgspec

from truegreen.model.incident import Incident, run_key
from truegreen.model.verdict import Report, Status
from truegreen.notifiers.base import Transition

_PULL = "refs/pull/"
_HEADS = "refs/heads/"
_TAGS = "refs/tags/"


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
    """Return the identity of the incident a report belongs to: one for each repository and branch.

    What was told differs from one notifier to the next (one may be down), so each keeps its own.
    """
    place = f"{report.provenance.repository or 'local'}:{branch(report)}"
    return f"{notifier}|{place}" if notifier else place


def decide(previous: Incident | None, report: Report, notifier: str = "") -> Decision:
    """Return what a report means after what was remembered.

    A run told before changes nothing; neither does one older than what is remembered (a superseded run
    that ends late), nor one in which nothing was judged.
    """
    before = previous or Incident(key=key(report, notifier))
    this = run_key(report.provenance)
    if before.last_run == this:
        return Decision(transition=Transition.NONE, incident=before, reason="this run was told already")
    if report.status is Status.SKIPPED:
        return Decision(transition=Transition.NONE, incident=before, reason="nothing was judged")
    if before.updated_at and report.provenance.created and report.provenance.created < before.updated_at:
        return Decision(transition=Transition.NONE, incident=before, reason="a newer run was told already")
    after = _remember(before, report, this)
    if report.status.red:
        kind = Transition.STILL_FAILING if before.open else Transition.OPENED
        return Decision(transition=kind, incident=after)
    if before.open:
        return Decision(transition=Transition.RECOVERED, incident=after)
    return Decision(transition=Transition.NONE, incident=after, reason="green, as before")


def _remember(before: Incident, report: Report, run: str) -> Incident:
    origin = report.provenance
    red = report.status.red
    opening = red and not before.open
    return msgspec.structs.replace(
        before,
        open=red,
        opened_at=origin.created if opening else before.opened_at,
        opened_commit=origin.commit if opening else before.opened_commit,
        stages=tuple(stage.stage for stage in report.stages if stage.status.red),
        red_runs=(1 if opening else before.red_runs + 1) if red else 0,
        updated_at=origin.created or before.updated_at,
        last_run=run,
    )

"""Which stages run for which event; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.errors import UnsafeEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

ON_REQUEST = ("mutation", "prove")
"""Stages that run only where they are asked for by name: no event plans them, and the pipeline has no job for them."""
_ALL = tuple(name for name in registry.names("stage") if name not in ON_REQUEST)
EVERY_CHANGE = ("lint", "unit", "wiring", "persistence", "security-scan")
DEFAULTS: dict[str, tuple[str, ...]] = {
    # requirements S2.50 to S2.52: wiring and persistence on every pull request, e2e on main and releases
    "pull_request": (*EVERY_CHANGE, "signed-image"),
    "merge_group": (*EVERY_CHANGE, "signed-image"),
    "push": EVERY_CHANGE,
    "main": _ALL,
    "release": _ALL,
    "schedule": _ALL,
    "workflow_dispatch": _ALL,
    "local": _ALL,
}
UNSAFE = ("pull_request_target", "workflow_run", "issue_comment")
LABEL_PREFIX = "truegreen:"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The stages that must run, and why the others need not."""

    stages: tuple[str, ...]
    not_planned: dict[str, str] = {}


def plan(
    event: str,
    *,
    on_default_branch: bool = False,
    is_tag: bool = False,
    labels: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
    disabled: Mapping[str, str] | None = None,
) -> Plan:
    """Return the plan for an event.

    Args:
        event: name of the event, `local` at a desk.
        on_default_branch: for `push`, whether it went to the default branch.
        is_tag: for `push`, whether a tag was pushed; counts as a release.
        labels: of the pull request; `truegreen:e2e` adds that stage.
        only: stages asked for by name; they replace the defaults.
        disabled: stages with `enabled = false`, each with its reason.

    Raises:
        UnsafeEvent: the event gives secrets to unreviewed code.
        UnknownName: `only` names a stage that does not exist.
    """
    if event in UNSAFE:
        raise UnsafeEvent(f"the pipeline refuses to run on {event}", why="that event hands secrets to unreviewed code")
    kind = event
    if event == "push" and (on_default_branch or is_tag):
        kind = "main" if on_default_branch else "release"
    for name in only:
        registry.load("stage", name)
    asked = only or (*DEFAULTS.get(kind, EVERY_CHANGE), *_labelled(labels))
    off = disabled or {}
    chosen = tuple(name for name in registry.names("stage") if name in asked and (name in only or name not in off))
    return Plan(stages=chosen, not_planned=_reasons(chosen, kind, only, off))


def _labelled(labels: tuple[str, ...]) -> tuple[str, ...]:
    named = (label.removeprefix(LABEL_PREFIX) for label in labels if label.startswith(LABEL_PREFIX))
    return tuple(name for name in named if name not in ON_REQUEST)


def _reasons(chosen: tuple[str, ...], kind: str, only: tuple[str, ...], disabled: Mapping[str, str]) -> dict[str, str]:
    reasons = {}
    for name in registry.names("stage"):
        if name in chosen:
            continue
        if only:
            reasons[name] = "not asked for in this run"
        elif name in disabled:
            reasons[name] = disabled[name] or "disabled in [tool.truegreen]"
        elif name in ON_REQUEST:
            reasons[name] = f"runs on request only: truegreen run {name}"
        else:
            reasons[name] = f"not planned for {kind}; the label {LABEL_PREFIX}{name} adds it"
    return reasons


def unplanned(names: tuple[str, ...], kind: str, disabled: Mapping[str, str]) -> dict[str, str]:
    """Return why each stage outside a given plan did not run."""
    return _reasons(names, kind, (), disabled)

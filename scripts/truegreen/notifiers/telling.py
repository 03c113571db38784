"""Telling one notifier what a report means; what was told is remembered after the receipt, never before.

So a crash or an outage in between tells it once more rather than never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.notifiers import transition as transitions
from truegreen.notifiers.base import Delivery, Notifier, Receipt, Transition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from truegreen.model.incident import Incident
    from truegreen.model.verdict import Report


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one notifier was told."""

    notifier: str
    transition: Transition
    lines: tuple[str, ...]
    """For the log, without secrets."""
    ok: bool = True
    """False when a message that was due was not accepted."""
    deliveries: tuple[Delivery, ...] = ()
    receipts: tuple[Receipt, ...] = ()


def tell(
    notifier: Notifier,
    report: Report,
    options: Any,
    *,
    env: Mapping[str, str],
    recall: Callable[[str], Incident | None],
    remember: Callable[[Incident], None],
    dry_run: bool = False,
    kept: bool = True,
) -> Told:
    """Tell a notifier what a report means for its branch.

    Args:
        notifier: of the registry.
        report: the judged run.
        options: the notifier's own.
        env: holds the secret address under the name the options give.
        recall: returns what is remembered under a key, such as a store's `incident`.
        remember: keeps it, such as a store's `remember`.
        dry_run: plan only: nothing is sent and nothing remembered.
        kept: whether what was not accepted is told by the next run, as `remember` keeps what was.
    """
    previous = recall(transitions.key(report, notifier.name))
    decision = transitions.decide(previous, report, notifier.name)
    silence = decision.reason or notifier.silence(decision.transition, report, options)
    if silence:
        if not dry_run:
            remember(decision.incident)
        line = f"{notifier.name}: no message, {silence}"
        return Told(notifier=notifier.name, transition=decision.transition, lines=(line,))
    deliveries = notifier.plan(decision.transition, report, options, previous)
    if dry_run:
        lines = tuple(f"{notifier.name}: would send {d.key} ({len(d.body):,} bytes)" for d in deliveries)
        return Told(notifier=notifier.name, transition=decision.transition, lines=lines, deliveries=deliveries)
    name = notifier.secret_env(options)
    secret = env.get(name, "").strip()
    if not secret:
        line = f"{notifier.name}: no message, {name} is not set (a pull request from a fork gets no secrets)"
        return Told(notifier=notifier.name, transition=decision.transition, lines=(line,), ok=False)
    receipts = tuple(notifier.deliver(delivery, secret) for delivery in deliveries)
    ok = all(receipt.accepted for receipt in receipts)
    if ok:
        remember(decision.incident)
    return Told(
        notifier=notifier.name,
        transition=decision.transition,
        lines=tuple(_line(notifier.name, decision.transition, receipt, kept=kept) for receipt in receipts),
        ok=ok,
        deliveries=deliveries,
        receipts=receipts,
    )


def _line(name: str, transition: Transition, receipt: Receipt, *, kept: bool) -> str:
    word = "told" if receipt.accepted else "not accepted"
    note = f": {receipt.message}" if receipt.message else ""
    later = "it is tried again at the next run" if kept else "no later run tells it: start this job again"
    again = "" if receipt.accepted else f"; {later}"
    return f"{name}: {transition.value} {word} ({receipt.attempts} attempts){note}{again}"

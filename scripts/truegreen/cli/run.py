"""`truegreen run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import attachments, changes, ci, gate, run, templates
from truegreen.app import event as events
from truegreen.app.history import Keeper
from truegreen.app.shell import evidence
from truegreen.cli import common
from truegreen.model.evidence import RunState

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from truegreen.app.plan import Plan
    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.evidence import StageRecord
    from truegreen.reporters.base import Layout


def main(namespace: argparse.Namespace) -> int:
    """Run the planned stages, judge them unless told otherwise, and return the exit code."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    layouts = templates.load(settings)
    plan = common.plan(shell, settings, namespace)
    event = events.current(shell)
    shard = ci.shard_name(namespace.shard, "--shard")
    request = run.Request(
        stages=plan.stages,
        pytest_args=namespace.rest,
        shard=shard,
        commit=event.sha,
        seed=namespace.seed,
        changes=changes.asker(shell, settings),
    )
    with run.alone(shell, settings):
        records = run.run_stages(shell, settings, request)
        if namespace.no_gate:
            return _without_gate(shell, records, as_json=namespace.json)
        return _with_gate(shell, settings, plan, layouts, as_json=namespace.json)


def _without_gate(shell: Shell, records: list[StageRecord], *, as_json: bool) -> int:
    """Return the exit code of the first stage that broke; tools are judged by the gates later."""
    if as_json:
        common.print_json(shell, records)
    broken = next((record for record in records if record.state is RunState.BROKEN), None)
    return broken.error.exit_code if broken is not None and broken.error is not None else 0


def _with_gate(shell: Shell, settings: Settings, plan: Plan, layouts: Mapping[str, Layout], *, as_json: bool) -> int:
    folder = evidence(settings.root, gate.REPORT).parent
    provenance, keeper = events.provenance(shell), Keeper(shell, settings)
    report = gate.judge(shell, settings, plan, provenance=provenance, history=keeper.load, compare=True)
    report = attachments.beside(report, folder, folder / gate.REPORT)
    written = gate.write_report(report, folder, settings.report.outputs, layouts, shell.console)
    if as_json:
        common.print_json(shell, gate.with_evidence(report, folder, settings.root))
    gate.show(shell, report)
    shell.console.line(f"report: {written[gate.PAGE]}")
    keeper.append(report)
    return gate.exit_code(report)

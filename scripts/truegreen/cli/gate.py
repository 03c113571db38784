"""`truegreen gate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import attachments, gate, templates
from truegreen.app import event as events
from truegreen.app.history import Keeper
from truegreen.app.shell import evidence
from truegreen.cli import common

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Judge the evidence in a folder, write the report, and return the exit code."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    layouts = templates.load(settings)
    plan = common.plan(shell, settings, namespace)
    folder = common.evidence_folder(settings, namespace)
    place, keeper = evidence(settings.root, gate.REPORT).parent, Keeper(shell, settings)
    report = gate.judge(
        shell,
        settings,
        plan,
        folder=folder,
        provenance=events.provenance(shell),
        history=keeper.load,
        as_it_stands=True,
        compare=True,
    )
    report = attachments.beside(report, folder, place / gate.REPORT)
    written = gate.write_report(report, place, settings.report.outputs, layouts, shell.console)
    if namespace.json:
        common.print_json(shell, report)
    gate.show(shell, report)
    shell.console.line(f"report: {written[gate.PAGE]}")
    gate.emit_annotations(shell, report)
    keeper.append(report)
    return gate.exit_code(report)

"""`truegreen gate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import event as events
from truegreen.app import gate, history
from truegreen.app.shell import EVIDENCE
from truegreen.cli import common

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Judge the evidence in a folder, write the report, and return the exit code."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    plan = common.plan(shell, settings, namespace)
    folder = common.evidence_folder(settings, namespace)
    report = gate.judge(
        shell, settings, plan, folder=folder, provenance=events.provenance(shell), history=history.load(settings)
    )
    gate.write_report(report, settings.root / EVIDENCE)
    history.append(settings, report)
    if namespace.json:
        common.print_json(shell, report)
    gate.show(shell, report)
    gate.emit_annotations(shell, report)
    return gate.exit_code(report)

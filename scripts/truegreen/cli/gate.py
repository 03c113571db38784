"""`truegreen gate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import event as events
from truegreen.app import gate
from truegreen.app.history import Keeper
from truegreen.app.shell import evidence
from truegreen.cli import common

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Judge the evidence in a folder, write the report, and return the exit code."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
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
    gate.write_report(report, place)
    if namespace.json:
        common.print_json(shell, report)
    gate.show(shell, report)
    gate.emit_annotations(shell, report)
    keeper.append(report)
    return gate.exit_code(report)

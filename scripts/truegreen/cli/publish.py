"""`truegreen publish`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import publish
from truegreen.cli import common

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Write the last report to the forge; without rights it stays in the summary, and says so."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    result = publish.publish(shell, common.evidence_folder(settings, namespace), dry_run=namespace.dry_run)
    if namespace.json:
        common.print_json(shell, result)
    for line in result.lines:
        shell.console.line(line)
    return 0

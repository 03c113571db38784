"""`truegreen publish`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import publish
from truegreen.cli import common
from truegreen.errors import EXIT_ENGINE, EXIT_OK

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Write the last report to the forge; without rights it stays in the summary, says so, and is 4 if strict."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    folder = common.evidence_folder(settings, namespace)
    result = publish.publish(shell, folder, settings, dry_run=namespace.dry_run)
    if namespace.json:
        common.print_json(shell, result)
    for line in result.lines:
        shell.console.line(line)
    return EXIT_ENGINE if namespace.strict and not result.ok else EXIT_OK

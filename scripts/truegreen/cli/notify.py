"""`truegreen notify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.app import notify
from truegreen.cli import common
from truegreen.errors import EXIT_ENGINE, EXIT_OK, ConfigurationError

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Send what the last report calls for; fails where a message is lost, and with `--strict` where one was refused."""
    shell = common.shell(namespace)
    try:
        settings = common.settings(shell, namespace)
    except ConfigurationError:
        if namespace.evidence and not namespace.dry_run:
            for line in notify.without_configuration(shell, Path(namespace.evidence).resolve()).lines:
                shell.console.line(line)
        raise
    result = notify.notify(shell, settings, common.evidence_folder(settings, namespace), dry_run=namespace.dry_run)
    if namespace.json:
        common.print_json(shell, result)
    for line in result.lines:
        shell.console.line(line)
    return EXIT_ENGINE if result.lost or (namespace.strict and not result.ok) else EXIT_OK

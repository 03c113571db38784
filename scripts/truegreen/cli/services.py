"""`truegreen services`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from truegreen.app import services
from truegreen.cli import common

if TYPE_CHECKING:
    import argparse


def up(namespace: argparse.Namespace) -> int:
    """Start services that stay until `down`; prints `export` lines, or JSON."""
    shell = common.shell(namespace)
    handles = services.up(shell, common.settings(shell, namespace), tuple(namespace.names))
    if namespace.json:
        common.print_json(shell, handles)
        return 0
    for handle in handles:
        shell.console.line(f"{handle.name} {handle.version} ({handle.provider}) ready in {handle.ready_s:.2f} s")
        for name, value in handle.exports.items():
            shell.console.result(f"export {name}={shlex.quote(value)}")
    return 0


def down(namespace: argparse.Namespace) -> int:
    """Stop every service that `up` started for this project."""
    shell = common.shell(namespace)
    stopped = services.down(shell, common.settings(shell, namespace))
    if namespace.json:
        common.print_json(shell, stopped)
    shell.console.line(f"stopped: {', '.join(stopped) or 'nothing was running'}")
    return 0


def status(namespace: argparse.Namespace) -> int:
    """Show what is running for this project."""
    shell = common.shell(namespace)
    rows = services.status(shell, common.settings(shell, namespace))
    if namespace.json:
        common.print_json(shell, rows)
        return 0
    for row in rows:
        state = "answers" if row["answers"] else "does not answer"
        shell.console.result(f"{row['name']:10} {row['version']:8} {row['provider']:10} {state:15} {row['url']}")
    if not rows:
        shell.console.line("no services are running")
    return 0


def logs(namespace: argparse.Namespace) -> int:
    """Print the log of one service."""
    shell = common.shell(namespace)
    shell.console.result(services.logs(shell, common.settings(shell, namespace), namespace.name))
    return 0

"""`truegreen services`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from truegreen.app import services
from truegreen.cli import common
from truegreen.runtime.console import SHELL
from truegreen.services.asked import ONE_SHOT

if TYPE_CHECKING:
    import argparse

    from truegreen.app.shell import Shell
    from truegreen.model.service import ServiceHandle


def up(namespace: argparse.Namespace) -> int:
    """Start services that stay until `down`; prints `export` lines, or JSON."""
    shell = common.shell(namespace)
    settings, names = common.settings(shell, namespace), tuple(namespace.names)
    if namespace.background:
        services.background(shell, settings, names, tuple(namespace.set or ()))
        shell.console.line("services start in the background; `truegreen services wait` waits for them")
        return 0
    return _show(shell, services.up(shell, settings, names), as_json=namespace.json)


def wait(namespace: argparse.Namespace) -> int:
    """Wait for services that start in the background; prints what `up` prints."""
    shell = common.shell(namespace)
    return _show(shell, services.wait(shell, common.settings(shell, namespace)), as_json=namespace.json)


def _show(shell: Shell, handles: tuple[ServiceHandle, ...], *, as_json: bool) -> int:
    if as_json:
        common.print_json(shell, handles)
        return 0
    for handle in handles:
        did = "done" if handle.kind == ONE_SHOT else "ready"
        shell.console.line(f"{handle.name} {handle.version} ({handle.provider}) {did} in {handle.ready_s:.2f} s")
        for name, value in handle.exports.items():
            shell.console.result(f"export {name}={shlex.quote(value)}", SHELL)
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
        state = "done" if row["kind"] == ONE_SHOT else "answers" if row["answers"] else "does not answer"
        shell.console.result(f"{row['name']:10} {row['version']:8} {row['provider']:10} {state:15} {row['url']}")
    if not rows:
        shell.console.line("no services are running")
    return 0


def logs(namespace: argparse.Namespace) -> int:
    """Print the log of one service."""
    shell = common.shell(namespace)
    shell.console.result(services.logs(shell, common.settings(shell, namespace), namespace.name))
    return 0

"""`truegreen init`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import init
from truegreen.cli import common

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Write the caller workflow and the configuration; nothing that exists is overwritten."""
    shell = common.shell(namespace)
    ref = namespace.ref or init.pin(shell, namespace.repository)
    plans = init.plan(shell.cwd, repository=namespace.repository, ref=ref, forks=namespace.forks)
    for item in plans:
        if namespace.dry_run:
            shell.console.result(f"# {item.path.relative_to(shell.cwd)}: {item.action}\n{item.text}")
        else:
            init.apply(item)
            shell.console.line(f"{item.path.relative_to(shell.cwd)}: {item.action}")
    if not init.pinned(ref):
        shell.console.line(
            "the tag could not be looked up; pin its commit before you merge: `truegreen init --ref SHA`"
        )
    if not (namespace.forks or (shell.cwd / init.PUBLISHER).exists()):
        shell.console.line(
            "pull requests from forks have the report in the run's summary alone, for their token can only read; "
            "`truegreen init --forks` adds the workflow that writes the comment and the status for them"
        )
    shell.console.line("next: `truegreen doctor`, then `truegreen run`")
    return 0

"""`truegreen history`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import history
from truegreen.cli import common

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Show earlier verdicts, newest first."""
    shell = common.shell(namespace)
    past = history.load(common.settings(shell, namespace), namespace.limit)
    if namespace.json:
        common.print_json(shell, past)
        return 0
    for row in past.runs:
        ratio = "-" if row.line_ratio is None else f"{row.line_ratio:.1%}"
        shell.console.result(
            f"{row.created}  {row.commit[:12] or '-':12}  {row.status:7}  {row.tests:5} tests  "
            f"{row.failed} failed  {row.flaky} flaky  coverage {ratio}  {row.duration_s:.1f} s"
        )
    if not past.runs:
        shell.console.line("no runs yet; `truegreen run` adds one")
    return 0

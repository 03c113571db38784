"""`truegreen bisect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import bisect
from truegreen.cli import common
from truegreen.errors import EXIT_GATE_FAILED, EXIT_OK
from truegreen.runtime.console import neutral
from truegreen.stages.common.pytest_bisect import Found

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Find what makes a test fail; end with 1 where no single test is proved."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    found = bisect.find(shell, settings, stage=namespace.stage, test=namespace.test, seed=namespace.seed)
    if namespace.json:
        common.print_json(shell, found)
    else:
        shell.console.result("\n".join(map(neutral, bisect.told(found))))
    return EXIT_OK if found.found is Found.POLLUTER else EXIT_GATE_FAILED

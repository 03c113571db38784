"""`truegreen wiring`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import wiring
from truegreen.cli import common
from truegreen.errors import EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK
from truegreen.model.verdict import Status
from truegreen.model.wiring import Supply

if TYPE_CHECKING:
    import argparse

_CODES = {Status.PASS: EXIT_OK, Status.FAIL: EXIT_GATE_FAILED, Status.BLIND: EXIT_EVIDENCE}


def main(namespace: argparse.Namespace) -> int:
    """Say which optional dependencies nobody supplies, from the sources alone."""
    shell = common.shell(namespace)
    scan, verdict = wiring.judge(shell, common.settings(shell, namespace))
    if namespace.json:
        common.print_json(shell, {"verdict": verdict, "wiring": scan})
        return _CODES[verdict.status]
    shown = scan.dependencies if namespace.explain else scan.having(Supply.NEVER)
    for dependency in shown:
        for line in wiring.in_words(dependency):
            shell.console.result(line)
    shell.console.line(f"{verdict.status.value}: {verdict.reason}")
    if verdict.remedy:
        shell.console.line(f"fix: {verdict.remedy}")
    return _CODES[verdict.status]

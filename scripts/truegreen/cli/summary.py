"""`truegreen summary`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen import registry
from truegreen.app import gate
from truegreen.cli import common

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Print the last report in one of its forms."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    report = gate.read_report(common.evidence_folder(settings, namespace))
    document = registry.load("reporter", namespace.format)().render(report)
    shell.console.result(document.text)
    return 0

"""`truegreen summary`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.app import gate, preview, templates
from truegreen.app.shell import EVIDENCE, evidence
from truegreen.cli import common

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Print the last report in one of its forms."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    layouts = templates.load(settings)
    folder = common.evidence_folder(settings, namespace)
    report = gate.decode_report(Path(namespace.report)) if namespace.report else gate.read_report(folder)
    if namespace.preview:
        # The page of another report must not be taken for the project's own.
        own = not namespace.report and folder == settings.root / EVIDENCE
        page = evidence(settings.root, gate.REPORT if own else "preview") / gate.PAGE
        shell.console.result(str(preview.show(shell, report, page, layouts)))
        return 0
    document = templates.reporter(namespace.format, layouts).render(report)
    shell.console.result(document.text, document.media_type)
    return 0

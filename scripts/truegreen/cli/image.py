"""`truegreen image`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import event as events
from truegreen.app import gate, image
from truegreen.cli import common
from truegreen.errors import EXIT_GATE_FAILED, EXIT_OK

if TYPE_CHECKING:
    import argparse


def build(namespace: argparse.Namespace) -> int:
    """Build the image and its SBOM, without pushing or signing."""
    shell = common.shell(namespace)
    record = image.build(shell, common.settings(shell, namespace))
    common.print_json(shell, record) if namespace.json else shell.console.result(record.reference)
    return EXIT_OK


def sign(namespace: argparse.Namespace) -> int:
    """Sign an image by digest."""
    shell = common.shell(namespace)
    signature = image.sign(shell, common.settings(shell, namespace), namespace.reference)
    common.print_json(shell, signature) if namespace.json else shell.console.result(signature.command)
    return EXIT_OK


def publish(namespace: argparse.Namespace) -> int:
    """Push, sign and verify what the stage judged; exit 1 when a signature does not hold."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    report, record = image.publish(shell, settings, common.evidence_folder(settings, namespace))
    if record is None:
        gate.show(shell, report)
        return gate.exit_code(report)
    if namespace.json:
        common.print_json(shell, record)
    for signature in record.signatures:
        shell.console.line(f"{signature.method}: {signature.message}")
    shell.console.line(f"published {record.pinned}")
    return EXIT_OK if all(signature.verified for signature in record.signatures) else EXIT_GATE_FAILED


def verify(namespace: argparse.Namespace) -> int:
    """Verify a signature by digest; exit 1 when it does not hold."""
    shell = common.shell(namespace)
    signature = image.verify(
        shell,
        common.settings(shell, namespace),
        namespace.reference,
        key=namespace.key or "",
        identity=namespace.identity or "",
        issuer=namespace.issuer or "",
    )
    if namespace.json:
        common.print_json(shell, signature)
    if signature.verified:
        events.write_outputs(shell, {"reference": namespace.reference})
    word = "verified" if signature.verified else f"NOT verified: {signature.message}"
    shell.console.line(f"{namespace.reference}: {word}")
    return EXIT_OK if signature.verified else EXIT_GATE_FAILED

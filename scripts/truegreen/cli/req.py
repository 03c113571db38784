"""`truegreen req`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import requirements
from truegreen.cli import common
from truegreen.errors import UsageError
from truegreen.model.requirement import State

if TYPE_CHECKING:
    import argparse


def listing(namespace: argparse.Namespace) -> int:
    """Print every requirement with its tests and what the last evidence says about it."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    found = requirements.proofs(shell, settings, common.evidence_folder(settings, namespace))
    if namespace.json:
        common.print_json(shell, found)
        return 0
    for proof in found:
        shell.console.result(requirements.in_words(proof))
    proved = sum(1 for proof in found if proof.state is State.PROVED)
    shell.console.line(f"{proved:,} of {len(found):,} proved by the evidence in .truegreen")
    return 0


def stub(namespace: argparse.Namespace) -> int:
    """Write a strict expected failure for each row that is asked for and has no test yet."""
    shell = common.shell(namespace)
    if not namespace.ids and not namespace.missing:
        raise UsageError("no requirement is named", where="truegreen req stub", fix="name ids, or use --missing")
    done = requirements.stub(common.settings(shell, namespace), namespace.ids, missing=namespace.missing)
    if namespace.json:
        common.print_json(shell, done)
        return 0
    for one in done:
        verb = "written to" if one.written else "has a test already at"
        shell.console.result(f"{one.id} {verb} {one.path}:{one.line}")
    if not done:
        shell.console.line("every requirement has a test")
    return 0

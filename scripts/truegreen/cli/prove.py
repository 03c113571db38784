"""`truegreen prove`."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from truegreen.app import prove
from truegreen.cli import common, run

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Run the stage `prove` and judge it: the same road as `truegreen run prove -- MUTANT …`."""
    shell = common.shell(namespace)
    prove.check(shell, common.settings(shell, namespace), tuple(namespace.names))
    stage = {"stages": ("prove",), "rest": tuple(namespace.names), "event": None, "shard": "", "seed": None}
    return run.main(Namespace(**{**vars(namespace), **stage, "no_gate": False}))

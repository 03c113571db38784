"""`truegreen prove`."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from truegreen.cli import run

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Run the stage `prove` and judge it: the same road as `truegreen run prove -- MUTANT …`."""
    stage = {"stages": ("prove",), "rest": tuple(namespace.names), "event": None, "shard": "", "seed": None}
    return run.main(Namespace(**{**vars(namespace), **stage, "no_gate": False}))

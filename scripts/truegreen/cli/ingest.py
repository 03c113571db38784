"""`truegreen ingest`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.app import ci, ingest, run
from truegreen.app import event as events
from truegreen.cli import common

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Take files in as evidence of a stage; 0 when all of them could be read, whatever they say."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    request = ingest.Request(
        stage=namespace.stage,
        files=tuple(shell.cwd / Path(name) for name in namespace.files),
        kind=namespace.kind or "",
        shard=ci.shard_name(namespace.shard, "--shard"),
        duration_s=namespace.duration,
        exit_code=namespace.exit_code,
        commit=events.current(shell).sha,
    )
    with run.alone(shell, settings):
        record = ingest.take_in(shell, settings, request)
    if namespace.json:
        common.print_json(shell, record)
    return 0

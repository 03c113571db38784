"""`truegreen render`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.app import render
from truegreen.cli import common

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Write the pack's tree with `$/` replaced for a runner that does not know it."""
    shell = common.shell(namespace)
    count = render.render(
        source=render.pack_root(),
        folder=(shell.cwd / Path(namespace.folder)).resolve(),
        target=namespace.target,
        repository=namespace.repository,
        ref=namespace.ref,
    )
    shell.console.line(f"rendered {count} files for {namespace.target} to {namespace.folder}")
    return 0

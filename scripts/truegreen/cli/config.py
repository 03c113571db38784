"""`truegreen config`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.cli import common
from truegreen.config import explain as explaining
from truegreen.errors import UnknownName

if TYPE_CHECKING:
    import argparse


def explain(namespace: argparse.Namespace) -> int:
    """Show values with source, type and meaning."""
    shell = common.shell(namespace)
    rows = explaining.rows(common.settings(shell, namespace), namespace.key)
    if not rows:
        raise UnknownName(f"no key begins with {namespace.key!r}", fix="`truegreen config explain` lists all keys")
    if namespace.json:
        common.print_json(shell, rows)
        return 0
    for row in rows:
        shell.console.result(f"{row.key} = {msgspec.json.encode(row.value).decode()}")
        place = f" ({row.place})" if row.place else ""
        shell.console.result(f"    {row.type}; from {row.source}{place}")
        for line in row.doc.splitlines():
            shell.console.result(f"    {line}")
    return 0

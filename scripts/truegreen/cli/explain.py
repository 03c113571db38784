"""`truegreen explain`."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING

from truegreen import errors, registry
from truegreen.cli import common
from truegreen.errors import UnknownName

if TYPE_CHECKING:
    import argparse


def main(namespace: argparse.Namespace) -> int:
    """Print what an error code, or a registered name, means."""
    shell = common.shell(namespace)
    shell.console.result("\n".join(_explanation(namespace.code)))
    return 0


def _explanation(name: str) -> list[str]:
    by_code = errors.all_errors()
    if error := by_code.get(name.upper()):
        rows = [f"{error.code} {error.slug} (exit code {error.exit_code})", "", inspect.cleandoc(error.__doc__ or "")]
        return [*rows, "", f"fix: {error.fix_default}"] if error.fix_default else rows
    for kind in registry.FAMILIES:
        if name in registry.names(kind):
            return [f"{kind} {name}", "", inspect.cleandoc(registry.load(kind, name).__doc__ or "")]
    known = [*by_code, *(entry for kind in registry.FAMILIES for entry in registry.names(kind))]
    near = difflib.get_close_matches(name, known, n=1)
    raise UnknownName(f"nothing is called {name!r}", fix=f"perhaps you meant {near[0]}" if near else "see docs/errors")

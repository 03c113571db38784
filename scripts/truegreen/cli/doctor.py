"""`truegreen doctor`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from truegreen import registry
from truegreen.app import doctor
from truegreen.cli import common
from truegreen.errors import EXIT_CONFIGURATION, EXIT_OK

if TYPE_CHECKING:
    import argparse

_ICON = {"ok": "ok  ", "warning": "warn", "error": "FAIL"}


def main(namespace: argparse.Namespace) -> int:
    """Check the project, its workflows and this machine; exit 2 when something would fail."""
    shell = common.shell(namespace)
    if namespace.list:
        for kind in registry.FAMILIES:
            for name in registry.names(kind):
                summary = (inspect.getdoc(registry.load(kind, name)) or "").splitlines()[0]
                shell.console.result(f"{kind:9} {name:22} {summary}")
        return EXIT_OK
    checks = doctor.examine(shell, namespace.set or ())
    if namespace.json:
        common.print_json(shell, checks)
    else:
        for check in checks:
            shell.console.result(f"{_ICON[check.level]}  {check.title}: {check.message}")
            if check.fix:
                shell.console.result(f"      fix: {check.fix}")
    return EXIT_CONFIGURATION if any(check.level == "error" for check in checks) else EXIT_OK

"""`truegreen wiring`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import wiring, wiring_tests
from truegreen.cli import common
from truegreen.errors import EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK
from truegreen.model.verdict import Status
from truegreen.model.wiring import Supply

if TYPE_CHECKING:
    import argparse

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.wiring import WiringScan

_CODES = {Status.PASS: EXIT_OK, Status.FAIL: EXIT_GATE_FAILED, Status.BLIND: EXIT_EVIDENCE}


def main(namespace: argparse.Namespace) -> int:
    """Say which optional dependencies nobody supplies, and what the last walk saw; nothing is run."""
    shell = common.shell(namespace)
    settings = common.settings(shell, namespace)
    scan, verdict = wiring.judge(shell, settings)
    if namespace.write_tests:
        return _write(shell, settings, scan)
    if namespace.json:
        common.print_json(shell, {"verdict": verdict, "wiring": scan})
        return _CODES[verdict.status]
    shown = scan.dependencies if namespace.explain else scan.having(Supply.NEVER)
    for dependency in shown:
        for line in wiring.in_words(dependency):
            shell.console.result(line)
    _walks(shell, scan, explain=namespace.explain)
    shell.console.line(f"{verdict.status.value}: {verdict.reason}")
    if verdict.remedy:
        shell.console.line(f"fix: {verdict.remedy}")
    return _CODES[verdict.status]


def _walks(shell: Shell, scan: WiringScan, *, explain: bool) -> None:
    roots = {root.name: root for root in scan.roots}
    for walk in scan.walks:
        if explain or walk.error or any(one.red for one in walk.flawed):
            for line in wiring.of_walk(walk, roots.get(walk.root), whole=explain):
                shell.console.result(line)
    for one_of in scan.ambient if explain else ():
        guards = ", ".join(map(str, one_of.guards))
        shell.console.result(
            f"{one_of.name}  ({one_of.place})\n  nothing ever sets it; passed over in silence at {guards}"
        )
    for lost in scan.unfollowed if explain else ():
        shell.console.result(
            f"{lost.name}  ({lost.place})\n  not followed: the constructor does not keep it as `self.x`"
        )
    for one in scan.unbuilt if explain else ():
        omits = f"; leaves out {', '.join(one.omits)}" if one.omits else ""
        shell.console.result(f"{one.name}  ({one.place})\n  not built: {one.why}{omits}")
    if roots and not scan.walks:
        for name in roots if explain else ():
            shell.console.result(f"{name}  ({roots[name].place or 'declared'})")
        shell.console.line(f"{len(roots)} root(s) not walked on these sources: run `truegreen run wiring`")


def _write(shell: Shell, settings: Settings, scan: WiringScan) -> int:
    done = wiring_tests.write(settings.root, scan)
    shell.console.result(f"{done.path.relative_to(settings.root)} {done.action}: {done.tests} test(s)")
    for line in done.left:
        shell.console.line(f"no test of {line}")
    return EXIT_OK

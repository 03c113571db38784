"""Measure what the speed limits promise: `make bench`, or `python benchmarks/run.py [NAME …]`.

Prints a table, writes `build/bench.json`, and ends with 1 when a limit is exceeded or a measurement failed. What
this machine cannot measure is named with its reason.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
from typing import TYPE_CHECKING

import demo
import evidence
import helper_setup
import history
import ingest
import measure
import patch_coverage
import probing
import report
import services
import startup
import styling
import templated
import verdict
import walking
import watching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BENCHMARKS: dict[str, Callable[[], Iterator[measure.Row]]] = {
    "version": startup.version,
    "gate": startup.gate,
    "setup": helper_setup.setup,
    "services": services.embedded,
    "containers": services.containers,
    "beside": services.beside_installation,
    "evidence": evidence.per_test,
    "tiers": evidence.per_tier,
    "fixtures": probing.per_use,
    "watching": watching.per_test,
    "wiring": walking.per_root,
    "test-style": styling.per_suite,
    "ingest": ingest.junit,
    "history": history.history,
    "coverage": patch_coverage.patch,
    "demo": demo.warm,
    "verdict": verdict.with_history,
    "reports": report.made,
    "large-reports": report.grown,
    "page": report.opened,
    "templates": templated.arranged,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen benchmarks; return 1 when one is over its limit or failed."""
    parser = argparse.ArgumentParser(description="Measure what the speed limits promise.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHMARKS)}; none means all")
    names = parser.parse_args(arguments).names or list(BENCHMARKS)
    if unknown := set(names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    load = os.getloadavg()[0]
    rows = [row for name in names for row in rows_of(name)]
    print(table(rows))
    print(
        f"\nload before {load:.1f} on {os.cpu_count()} cores; {platform.platform()}, Python {platform.python_version()}"
    )
    write(rows, load)
    return 1 if any(row.verdict in (measure.OVER, measure.FAILED) for row in rows) else 0


def rows_of(name: str) -> list[measure.Row]:
    """Return the rows of one benchmark; what went wrong is a row too."""
    measure.say(f"measuring {name} …")
    rows: list[measure.Row] = []
    try:
        rows.extend(BENCHMARKS[name]())
    except measure.Unavailable as reason:
        rows.append(measure.Row(name=name, limit_ms=0, state=measure.MISSING, note=str(reason)))
    except Exception as error:  # noqa: BLE001 - one broken measurement must not hide the others
        rows.append(measure.Row(name=name, limit_ms=0, state=measure.FAILED, note=f"{type(error).__name__}: {error}"))
    return rows


def table(rows: list[measure.Row]) -> str:
    """Return the rows as aligned text."""
    cells = [("what", "median", "±", "limit", "runs", "", "note"), *map(_cells, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)


def _cells(row: measure.Row) -> tuple[str, ...]:
    if row.state:
        return (row.name, "", "", "", "", row.verdict, row.note)
    times = (time(row.value_ms), time(row.spread_ms), time(row.limit_ms))
    return (row.name, *times, str(row.runs), row.verdict, row.note)


def time(value_ms: float) -> str:
    """Return a duration as people read it."""
    if value_ms >= 10_000:
        return f"{value_ms / 1000:.1f} s"
    return f"{value_ms:.0f} ms" if value_ms >= 10 else f"{value_ms:.2f} ms"


def write(rows: list[measure.Row], load: float) -> None:
    """Write the figures for machines."""
    folder = measure.ROOT / "build"
    folder.mkdir(exist_ok=True)
    document = {
        "machine": {"cores": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()},
        "load_before": load,
        "rows": [{**dataclasses.asdict(row), "verdict": row.verdict} for row in rows],
    }
    (folder / "bench.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

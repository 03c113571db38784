"""What a factory costs in the wiring stage beside what it costs by itself: the walk through what it built."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import measure

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTORIES, PARTS = 200, 10
_PART = """
class Part{n}:
    def __init__(self, before: "Part{before} | None" = None, name: str = ""):
        self._before = before
        self._name = name
        self._rows = {{"a": [1, 2, 3]}}

    def use(self):
        if self._before:
            self._before.use()
"""
_FACTORY = """
def get_{n}_service() -> Part{last}:
    part = Start()
    for kind in KINDS:
        part = kind(part)
    return part
"""
_COPY = """
import copy, time, sys
sys.path.insert(0, ".")
import shop
built, start = shop.get_0_service(), time.perf_counter()
for _ in range(50): copy.deepcopy(built)
print((time.perf_counter() - start) / 50)
"""


def per_root() -> Iterator[measure.Row]:
    """Yield the 95th percentile of walks through ten parts and what they hold; limit 2 ms."""
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        folder = Path(name)
        parts = "".join(_PART.format(n=n, before=n - 1 if n else 0) for n in range(PARTS))
        kinds = f"\nclass Start: ...\n\nKINDS = [{', '.join(f'Part{n}' for n in range(PARTS))}]\n"
        factories = "".join(_FACTORY.format(n=n, last=PARTS - 1) for n in range(FACTORIES))
        (folder / "shop.py").write_text(parts + kinds + factories)
        walks = _walks(folder)
        copied_s = float(measure.timed([measure.PYTHON, "-c", _COPY], cwd=folder)[1])
    if len(walks) != FACTORIES:
        raise measure.Broken(f"{len(walks)} of {FACTORIES} factories were walked")
    times = [walk["walk_ms"] for walk in walks]
    objects, held = walks[0]["objects"], len(walks[0]["held"])
    middle = statistics.median(times)
    note = f"p95; median {middle:.3f} ms, {middle / copied_s / 1000:.2f} of a deepcopy; {objects} objects, {held} parts"
    p95 = statistics.quantiles(times, n=20)[-1]
    yield measure.Row(name="walk from a factory", limit_ms=2.0, value_ms=p95, runs=FACTORIES, note=note)


def _walks(folder: Path) -> list[dict[str, float]]:
    sys.path.insert(0, str(measure.ROOT / "scripts"))
    import msgspec  # noqa: PLC0415 - the helper's own packages are not those of the other measurements

    from truegreen.analysis import roots, slots, unwired  # noqa: PLC0415

    text = {"shop.py": (folder / "shop.py").read_text()}
    project = unwired.Project(unwired.read(text)[0])
    table, out = slots.of(project), folder / "walks.jsonl"
    asked = {
        "root": str(folder),
        "packages": ["shop"],
        "classes": msgspec.to_builtins(table),
        "optional": [],
        "limit_s": 30.0,
        "out": str(out),
        "roots": [{"name": root.name, "kind": root.kind} for root in roots.of(project, table)],
    }
    (folder / "asked.json").write_text(json.dumps(asked))
    env = {**os.environ, "PYTHONPATH": str(measure.ROOT / "scripts"), "TRUEGREEN_WIRING": str(folder / "asked.json")}
    words = [measure.PYTHON, "-m", "pytest", "-q", "-p", "truegreen_pytest", "-p", "no:cacheprovider"]
    measure.timed(words, cwd=folder, env=env, codes=(0, 1))
    return [json.loads(line) for line in out.read_text().splitlines()]

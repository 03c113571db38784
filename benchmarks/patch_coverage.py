"""Coverage of changed lines in a large project, beside the usual chain of combine, XML and diff-cover.

Run as a program, this file is what is measured: from git and the data files to the verdict.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import measure

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES, SHARDS, CHANGED, FUNCTIONS = 10_000, 20, 500, 8
LIMIT_MS, LIMIT_MB, RUNS = 600.0, 48.0, 5
_WHO = ("-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0")
_TOOLS = ("--with", "coverage==7.17.3", "--with", "diff-cover==11.0.1")
# The line data of one shard, written with coverage's own interface: each file, and a third of its functions.
_WRITE = """
import random, sys
from coverage import CoverageData
root, shards, files, functions = sys.argv[1], *map(int, sys.argv[2:])
for shard in range(shards):
    data, chance = CoverageData(f"{root}/.coverage.{shard}"), random.Random(shard)
    heads = [line for number in range(functions) for line in (5 * number + 1,)]
    data.add_lines({
        f"{root}/src/p{n // 100}/m{n}.py": [
            *heads, *(h + k for h in heads if chance.random() < 0.08 for k in (1, 2, 3))
        ] for n in range(files)
    })
    data.write()
"""


def patch() -> Iterator[measure.Row]:
    """Yield the time for 20 shards, 10,000 files and 5 % of them changed, and the peers' time on the same data."""
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        root = Path(name).resolve()
        base = _project(root)
        measure.timed(_uv("python", "-c", _WRITE, root, SHARDS, FILES, FUNCTIONS), cwd=root)
        times, memory, ours = [], 0.0, (0, 0)
        for _ in range(RUNS):
            took, text = measure.timed([measure.PYTHON, __file__, root, base], cwd=root)
            told = json.loads(text)
            times.append(took)
            memory, ours = max(memory, told["peak_mb"]), (told["covered"], told["lines"])
        theirs_s, theirs = _peer(root, base)
    if ours != theirs:
        raise measure.Broken(f"{ours} changed lines covered, diff-cover says {theirs}")
    best = sorted(times)[len(times) // 2]
    note = f"peak {memory:.0f} MB of {LIMIT_MB:.0f}; {ours[1]:,} lines; combine + xml + diff-cover {theirs_s:.1f} s"
    note += f", {theirs_s / best:.0f} times as long, the same numbers"
    if memory > LIMIT_MB:
        yield measure.Row(name="patch coverage", limit_ms=LIMIT_MS, state=measure.FAILED, note=note)
    yield measure.row("patch coverage, 10,000 files, 20 shards", LIMIT_MS, times, note=note)


def _uv(*words: object) -> list[str]:
    """Return a command with the peers' tools, in an environment of their own."""
    uv = measure.PYTHON.with_name("uv")
    return [str(uv), "run", "--quiet", "--no-project", *_TOOLS, *map(str, words)]


def _project(root: Path) -> str:
    """Write a project with a base and a change of 5 % of its files; return the base."""
    body = "\n".join(
        f"def f{n}(a, b):\n    c = a + {n}\n    d = (b,\n         c)\n    return d" for n in range(FUNCTIONS)
    )
    for number in range(FILES):
        path = root / "src" / f"p{number // 100}" / f"m{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body + "\n", encoding="utf-8")
    (root / ".gitignore").write_text(".coverage*\n*.xml\n*.json\n", encoding="utf-8")
    measure.timed(["git", "init", "-q"], cwd=root)
    base = _commit(root)
    for number in random.Random(4).sample(range(FILES), CHANGED):
        path = root / "src" / f"p{number // 100}" / f"m{number}.py"
        path.write_text(body.replace("a + 3", "a - 3").replace("a + 5", "a - 5") + "\n", encoding="utf-8")
    _commit(root)
    return base


def _commit(root: Path) -> str:
    measure.timed(["git", *_WHO, "add", "."], cwd=root)
    measure.timed(["git", *_WHO, "commit", "-q", "-m", "bench"], cwd=root)
    return measure.timed(["git", "rev-parse", "HEAD"], cwd=root)[1].strip()


def _peer(root: Path, base: str) -> tuple[float, tuple[int, int]]:
    """Return seconds of the usual chain, and its (covered, all) changed lines."""
    start = time.perf_counter()
    measure.timed(_uv("coverage", "combine", "-q", "."), cwd=root)
    measure.timed(_uv("coverage", "xml", "-q", "-o", "coverage.xml"), cwd=root)
    measure.timed(_uv("diff-cover", "coverage.xml", f"--compare-branch={base}", "--format", "json:diff.json"), cwd=root)
    took = time.perf_counter() - start
    told = json.loads((root / "diff.json").read_text(encoding="utf-8"))
    return took, (told["total_num_lines"] - told["total_num_violations"], told["total_num_lines"])


def measured(root: Path, base: str) -> int:
    """Judge the changed lines as a run would, and print what was found and the peak of memory."""
    sys.path.insert(0, str(measure.ROOT / "scripts"))
    from truegreen.gates.patch_coverage import PatchCoverageOptions, of_patch  # noqa: PLC0415
    from truegreen.ingest.coverage_data import of_shards  # noqa: PLC0415
    from truegreen.runtime import diff  # noqa: PLC0415
    from truegreen.runtime.process import ProcessRunner  # noqa: PLC0415

    changes = diff.changes(root, ProcessRunner(), diff.Asked(base=base))
    if changes is None:
        return 1
    coverage = of_shards(sorted(root.glob(".coverage.*")), root, {file.path for file in changes.files if file.lines})
    sums = of_patch(changes, coverage, PatchCoverageOptions())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"covered": sums.covered, "lines": sums.lines, "peak_mb": peak}))
    return 0


if __name__ == "__main__":
    sys.exit(measured(Path(sys.argv[1]), sys.argv[2]))

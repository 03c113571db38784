"""Coverage of a large project: of its changed lines, beside combine, XML and diff-cover; of all, beside the report.

Run as a program, this file is what is measured: from git and the data files to the verdict, or to the totals. Each
time begins with an empty cache, unless it says warm. The peak of memory is that of the largest process.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ingest
import measure

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES, SHARDS, CHANGED, FUNCTIONS = 10_000, 20, 500, 8
LIMIT_MS, WARM_MS, LIMIT_MB, RUNS = 600.0, 700.0, 48.0, 3
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
    """Yield the times for 20 shards and 10,000 files, 5 % of them changed, and the peers' times on the same data."""
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        root = Path(name).resolve()
        base = _project(root)
        measure.timed(_uv("python", "-c", _WRITE, root, SHARDS, FILES, FUNCTIONS), cwd=root)
        cold, ours = _ours(root, base, warm=False)
        patch_warm, again = _ours(root, base, warm=True)
        all_cold, totals = _ours(root, "", warm=False)
        all_warm, totals_again = _ours(root, "", warm=True)
        report_s, their_totals, chain_s, theirs = _peer(root, base)
    for mine, other in ((ours, theirs), (again, theirs), (totals, their_totals), (totals_again, their_totals)):
        if (mine["covered"], mine["lines"]) != other:
            raise measure.Broken(f"{mine['covered']} of {mine['lines']} lines covered, the peer says {other}")
    note = f"{_cost(ours)}, {LIMIT_MB:.0f} allowed; {ours['lines']:,} lines; combine + xml + diff-cover {chain_s:.1f} s"
    note += f", {chain_s / statistics.median(cold):.0f} times as long, the same numbers"
    if ours["peak_mb"] > LIMIT_MB:
        yield measure.Row(name="patch coverage", limit_ms=LIMIT_MS, state=measure.FAILED, note=note)
    note += f"; {ingest.stretched(LIMIT_MS)}"
    yield measure.row("patch coverage, 10,000 files, 20 shards", LIMIT_MS * ingest.slower(), cold, note=note)
    yield measure.row("patch coverage, sources seen before", LIMIT_MS * ingest.slower(), patch_warm, note=_cost(again))
    note = f"{_cost(totals)}; `coverage report` without its combine {report_s:.1f} s"
    note += f", {report_s / statistics.median(all_cold):.1f} times as long, the same numbers"
    yield measure.row("totals of all 10,000 files", report_s * 1000 / 1.8, all_cold, note=note)
    note = f"{_cost(totals_again)}; {ingest.stretched(WARM_MS)}"
    yield measure.row("totals, sources seen before", WARM_MS * ingest.slower(), all_warm, note=note)


def _cost(told: dict[str, Any]) -> str:
    return f"{told['cpu_s']:.2f} s of the processor, peak {told['peak_mb']:.0f} MB"


def _ours(root: Path, base: str, *, warm: bool) -> tuple[list[float], dict[str, Any]]:
    """Return seconds, and what the last run told; without a base of all lines."""
    times: list[float] = []
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        for number in range(RUNS + warm):
            cache = f"{name}/0" if warm else f"{name}/{number}"
            argv = [measure.PYTHON, __file__, root, *([base] if base else [])]
            took, text = measure.timed(argv, cwd=root, env=measure.plain_env(TRUEGREEN_CACHE=cache))
            told = json.loads(text)
            times.append(took)
    return times[warm:], told


def _uv(*words: object) -> list[str]:
    """Return a command with the peers' tools, in an environment of their own."""
    uv = measure.PYTHON.with_name("uv")
    return [str(uv), "run", "--quiet", "--no-project", *_TOOLS, *map(str, words)]


def _project(root: Path) -> str:
    """Write a project with a base and a change of 5 % of its files; return the base."""
    for number in range(FILES):
        path = root / "src" / f"p{number // 100}" / f"m{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_body(number) + "\n", encoding="utf-8")
    (root / ".gitignore").write_text(".coverage*\n*.xml\n*.json\n", encoding="utf-8")
    measure.timed(["git", "init", "-q"], cwd=root)
    base = _commit(root)
    for number in random.Random(4).sample(range(FILES), CHANGED):
        path = root / "src" / f"p{number // 100}" / f"m{number}.py"
        path.write_text(_body(number).replace("a + 3", "a - 3").replace("a + 5", "a - 5") + "\n", encoding="utf-8")
    _commit(root)
    return base


def _body(number: int) -> str:
    """Return a source of 40 lines; no two are equal."""
    return "\n".join(
        f"def f{n}(a, b):\n    c = a + {n}\n    d = (b,\n         c, {number})\n    return d" for n in range(FUNCTIONS)
    )


def _commit(root: Path) -> str:
    measure.timed(["git", *_WHO, "add", "."], cwd=root)
    measure.timed(["git", *_WHO, "commit", "-q", "-m", "bench"], cwd=root)
    return measure.timed(["git", "rev-parse", "HEAD"], cwd=root)[1].strip()


def _peer(root: Path, base: str) -> tuple[float, tuple[int, int], float, tuple[int, int]]:
    """Return seconds and (covered, all) lines of the report, and of the usual chain those of the changed lines."""
    start = time.perf_counter()
    measure.timed(_uv("coverage", "combine", "-q", "."), cwd=root)
    combined = time.perf_counter()
    text = measure.timed(_uv("coverage", "report"), cwd=root)[1]
    reported = time.perf_counter()
    measure.timed(_uv("coverage", "xml", "-q", "-o", "coverage.xml"), cwd=root)
    measure.timed(_uv("diff-cover", "coverage.xml", f"--compare-branch={base}", "--format", "json:diff.json"), cwd=root)
    chain_s = time.perf_counter() - reported + combined - start
    lines, missed = map(int, text.strip().splitlines()[-1].split()[1:3])
    told = json.loads((root / "diff.json").read_text(encoding="utf-8"))
    changed = (told["total_num_lines"] - told["total_num_violations"], told["total_num_lines"])
    return reported - combined, (lines - missed, lines), chain_s, changed


def measured(root: Path, base: str = "") -> int:
    """Judge the changed lines as a run would, or all without a base; print what was found and the peak of memory."""
    sys.path.insert(0, str(measure.ROOT / "scripts"))
    from truegreen.gates.patch_coverage import PatchCoverageOptions, of_patch  # noqa: PLC0415
    from truegreen.ingest.coverage_data import of_shards  # noqa: PLC0415
    from truegreen.runtime import diff  # noqa: PLC0415
    from truegreen.runtime.process import ProcessRunner  # noqa: PLC0415

    shards = sorted(root.glob(".coverage.*"))
    if base:
        changes = diff.changes(root, ProcessRunner(), diff.Asked(base=base))
        if changes is None:
            return 1
        coverage = of_shards(shards, root, {file.path for file in changes.files if file.lines})
        sums = of_patch(changes, coverage, PatchCoverageOptions())
        covered, lines = sums.covered, sums.lines
    else:
        coverage = of_shards(shards, root)
        covered, lines = coverage.covered_lines, coverage.lines
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    # Our own peak is not asked of rusage: there it begins with that of the process that started this one.
    peak_mb = max(ingest.peak_kb(), used[1].ru_maxrss) / 1024
    told = {"covered": covered, "lines": lines, "peak_mb": peak_mb}
    print(json.dumps({**told, "cpu_s": sum(one.ru_utime + one.ru_stime for one in used)}))
    return 0


if __name__ == "__main__":
    sys.exit(measured(Path(sys.argv[1]), *sys.argv[2:]))

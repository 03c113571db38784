"""What every benchmark shares: the row it returns, and how a command is timed."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"
LAUNCHER = ROOT / "scripts" / "launch.py"
OVER, OK, MISSING, FAILED = "over", "ok", "not measured", "failed"


class Unavailable(Exception):
    """This machine lacks what the measurement needs; the text says what."""


class Broken(Exception):
    """What was to be measured did not work; the text says how."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measured figure, in milliseconds."""

    name: str
    limit_ms: float
    value_ms: float = 0.0
    runs: int = 0
    spread_ms: float = 0.0
    """Median distance of a run from the value."""
    note: str = ""
    state: str = ""

    @property
    def verdict(self) -> str:
        """`ok`, `over`, or the state in which nothing was measured."""
        return self.state or (OK if self.value_ms <= self.limit_ms else OVER)


def row(name: str, limit_ms: float, times_s: Sequence[float], *, note: str = "") -> Row:
    """Return the median of some runs as a row."""
    middle = statistics.median(times_s)
    spread = statistics.median(abs(one - middle) for one in times_s)
    return Row(
        name=name, limit_ms=limit_ms, value_ms=middle * 1000, runs=len(times_s), spread_ms=spread * 1000, note=note
    )


def timed(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    codes: tuple[int, ...] = (0,),
    limit_s: float = 600.0,
) -> tuple[float, str]:
    """Run a command and return seconds and standard output.

    Raises:
        Broken: it ended with another code than those expected, or not at all.
    """
    start = time.perf_counter()
    try:
        done = subprocess.run(
            [str(word) for word in argv], cwd=cwd, env=env, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Broken(str(error)) from None
    took_s = time.perf_counter() - start
    if done.returncode not in codes:
        tail = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise Broken(f"{Path(argv[0]).name} ended with {done.returncode}: {' / '.join(tail)[:300]}")
    return took_s, done.stdout


def truegreen(*arguments: str) -> list[str]:
    """Return the command as an action starts it."""
    return [str(PYTHON), "-I", str(LAUNCHER), *arguments]


def truegreen_json(*arguments: str, cwd: Path) -> Any:
    """Return what a command prints with `--json`."""
    return json.loads(timed(truegreen(*arguments, "--json"), cwd=cwd)[1])


@contextmanager
def project(table: str = "") -> Iterator[Path]:
    """Give a folder with a minimal project and a commit."""
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(
            f'[project]\nname = "bench"\nversion = "0"\nrequires-python = ">=3.11"\n{table}', encoding="utf-8"
        )
        who = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
        for argv in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "bench"]):
            timed(["git", *argv], cwd=folder)
        yield folder


def plain_env(**extra: str) -> dict[str, str]:
    """Return this environment without what marks a CI run, plus some variables."""
    hidden = ("GITHUB_", "RUNNER_", "CI", "TG_")
    return {key: value for key, value in os.environ.items() if not key.startswith(hidden)} | extra


def say(text: str) -> None:
    """Write a line of progress."""
    print(text, file=sys.stderr, flush=True)

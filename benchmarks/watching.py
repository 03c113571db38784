"""What a test pays for being watched: the time the plugin spends on it, when nothing is replaced and when a mock is.

Run as a program, this file is a session of pytest whose watch is timed from inside.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import measure

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS, PAIRS = 1000, 3
_TEXT = f"""
import statistics, time, unittest.mock
import pytest

@pytest.mark.parametrize("n", range({TESTS}))
def test_nothing(n): pass

def test_mock():
    times = []
    for _ in range(20):
        mock, start = unittest.mock.Mock(), time.perf_counter()
        for _ in range(200): mock()
        times.append(time.perf_counter() - start)
    print(statistics.median(times))
"""
_WORDS = ["-q", "-s", "-p", "truegreen_pytest", "-p", "no:cacheprovider"]


def per_test() -> Iterator[measure.Row]:
    """Yield the 95th percentile over tests that replace nothing; limit 50 µs."""
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        folder = Path(name)
        (folder / "test_it.py").write_text(_TEXT)
        costs = json.loads(_lines(folder, "all", watched=True)[-1])
        calls = {watched: [_call_s(folder, watched=watched) for _ in range(PAIRS)] for watched in (True, False)}
    if len(costs) != TESTS:
        raise measure.Broken(f"{len(costs)} of {TESTS} tests were timed")
    ratio = statistics.median(calls[True]) / statistics.median(calls[False])
    middle = f"median {statistics.median(costs) * 1e6:.1f} µs"
    note = f"p95 of {TESTS} tests; {middle}; a call of a Mock takes {ratio:.2f} times as long"
    p95 = statistics.quantiles(costs, n=20)[-1]
    yield measure.Row(name="replacements watched a test", limit_ms=0.05, value_ms=p95 * 1000, runs=TESTS, note=note)


def _call_s(folder: Path, *, watched: bool) -> float:
    return next(float(line) for line in _lines(folder, "mock", watched=watched) if line.startswith("0."))


def _lines(folder: Path, what: str, *, watched: bool) -> list[str]:
    env = {**os.environ, "PYTHONPATH": str(measure.ROOT / "scripts")}
    env |= {"TRUEGREEN_SESSION_FILE": str(folder / "session.json") if watched else ""}
    return measure.timed([measure.PYTHON, __file__, what], cwd=folder, env=env)[1].split()


class _Timed:
    """Adds up what the watch does for each test."""

    def __init__(self) -> None:
        from truegreen_pytest.mocks import Watch  # noqa: PLC0415 - found in the session's own process only

        self.costs: list[float] = []
        self._spent = 0.0
        for name in ("begin", "call", "end"):
            setattr(Watch, name, self._around(getattr(Watch, name)))

    def _around(self, original: Any) -> Any:
        def timed(*args: Any) -> None:
            start = time.perf_counter()
            original(*args)
            self._spent += time.perf_counter() - start

        return timed

    def pytest_runtest_logfinish(self) -> None:
        """Close one test."""
        self.costs.append(self._spent)
        self._spent = 0.0


def session(what: str) -> None:
    """Run tests of the current folder, and print what they cost."""
    import pytest  # noqa: PLC0415 - needed by the session only

    if what == "mock":
        pytest.main([*_WORDS, "-k", "mock"])
        return
    timed = _Timed()
    pytest.main([*_WORDS, "-k", "nothing"], [timed])
    print()
    print(json.dumps(timed.costs, separators=(",", ":")))


if __name__ == "__main__":
    session(sys.argv[1])

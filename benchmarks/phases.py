"""What pytest itself takes between the phases of a test: the recorder works meanwhile, and nobody waits for it.

Run as a program, this file is a session of pytest that is timed from inside.
"""

from __future__ import annotations

import functools
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import measure

if TYPE_CHECKING:
    from collections.abc import Iterator

_TESTS = 300
_TEXT = f"""
import pytest

@pytest.fixture
def something():
    yield

@pytest.mark.parametrize("n", range({_TESTS}))
def test_nothing(n, something): pass
"""
_WORDS = ["-q", "-p", "no:cacheprovider", "--junitxml=junit.xml"]


@functools.cache
def pytest_takes() -> dict[str, float]:
    """Return the seconds before each phase of an empty test that has a fixture, on this machine.

    They are the lower quartile: what other work on the machine adds would hide some of what evidence costs.
    """
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        (Path(name) / "test_it.py").write_text(_TEXT, encoding="utf-8")
        lines = measure.timed([measure.PYTHON, __file__], cwd=Path(name))[1].splitlines()
    times: dict[str, list[float]] = json.loads(lines[-1])
    return {phase: statistics.quantiles(spent, n=4)[0] for phase, spent in times.items()}


def _session() -> int:
    """Run pytest here, and print the seconds before each phase."""
    import pytest  # noqa: PLC0415 - needed by the session only

    class Timed:
        """Stands where the hooks stand that tell the recorder."""

        def __init__(self) -> None:
            self.times: dict[str, list[float]] = {"setup": [], "call": [], "teardown": []}
            self._ended = time.perf_counter()

        def begins(self, phase: str) -> None:
            self.times[phase].append(time.perf_counter() - self._ended)

        def ended(self) -> None:
            self._ended = time.perf_counter()

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_setup(self) -> Iterator[None]:
            """What a fixture costs counts as pytest's: the recorder answers for its end only."""
            yield
            self.begins("setup")
            self.ended()

        @pytest.hookimpl(hookwrapper=True, trylast=True)
        def pytest_runtest_call(self) -> Iterator[None]:
            self.begins("call")
            yield
            self.ended()

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_teardown(self) -> Iterator[None]:
            self.begins("teardown")
            yield
            self.ended()

    timed = Timed()
    code = pytest.main(_WORDS, plugins=[timed])
    print(json.dumps(timed.times))
    return int(code)


if __name__ == "__main__":
    sys.exit(_session())

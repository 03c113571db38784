"""Programs that a test starts, cancels and ends: what they keep when they are interrupted is what counts."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Callable, TypeVar

from truegreen_pytest.waiting import Unavailable, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TIMEOUT_S = 10.0
_TAIL_LINES, _TAIL_BYTES = 20, 64 << 10
_END_S = 5.0
_Given = TypeVar("_Given")


class Process:
    """A program that runs; what it prints, on both streams, is kept in a file."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str] | None, cwd: str | Path | None) -> None:
        self.command = [sys.executable, *command[1:]] if command[0] == "python" else list(command)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the program runs
        # In pytest's own process group: whoever ends that, ends this too.
        self._popen = subprocess.Popen(
            self.command,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
        )

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended: the code, or the negative number of the signal; None while it runs."""
        return self._popen.poll()

    @property
    def output(self) -> str:
        """What it printed so far; of very much the end."""
        size = os.fstat(self._file.fileno()).st_size
        start = max(0, size - _TAIL_BYTES)
        return os.pread(self._file.fileno(), size - start, start).decode("utf-8", "replace")

    def expect(self, pattern: str, *, timeout_s: float = TIMEOUT_S) -> re.Match[str]:
        """Wait until the output holds a regular expression, and return the match.

        Raises:
            AssertionError: it does not within the time, or the program ended before it did.
        """
        __tracebackhide__ = True
        what = f"{pattern!r} in its output"
        return self._wait(lambda: re.search(pattern, self.output, re.MULTILINE), what, timeout_s)

    def until(self, condition: Callable[[], _Given], *, timeout_s: float = TIMEOUT_S) -> _Given:
        """Wait until a condition is true, while the program runs, and return what it gave.

        Raises:
            AssertionError: it is not within the time, or the program ended before it was.
        """
        __tracebackhide__ = True
        return self._wait(condition, "the condition", timeout_s)

    def send(self, number: int) -> None:
        """Send it a signal; one that ended takes none.

        Raises:
            AssertionError: it ended before that, which a test of how it ends should know.
        """
        __tracebackhide__ = True
        if self.exit_code is not None:
            raise self._problem(f"ended with {self.exit_code} before {signal.Signals(number).name}")
        self._popen.send_signal(number)

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C and a cancelled job do."""
        __tracebackhide__ = True
        self.send(signal.SIGINT)

    def terminate(self) -> None:
        """Send SIGTERM, as an orchestrator does that wants it to end well."""
        __tracebackhide__ = True
        self.send(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL: the program has no time for anything."""
        __tracebackhide__ = True
        self.send(signal.SIGKILL)

    def wait(self, *, timeout_s: float = TIMEOUT_S) -> int:
        """Wait for its end and return how it ended, as `exit_code`.

        Raises:
            AssertionError: it still runs when the time is over.
        """
        __tracebackhide__ = True
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise self._problem(f"still runs after {timeout_s:g} s") from None

    def close(self) -> None:
        """End it with everything it started, and forget what it printed."""
        family = [self.pid, *_below(self.pid)] if self.exit_code is None else []
        for number, patience_s in ((signal.SIGTERM, _END_S), (signal.SIGKILL, _END_S)):
            if self.exit_code is None:
                self._popen.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._popen.wait(patience_s)
        for pid in family[1:]:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self._file.close()

    def _wait(self, condition: Callable[[], _Given | None], what: str, timeout_s: float) -> _Given:
        __tracebackhide__ = True

        def happened() -> _Given | None:
            ended = self.exit_code is not None
            found = condition()
            if ended and not found:
                raise Unavailable
            return found

        try:
            found: _Given = eventually(happened, timeout_s=timeout_s)
        except Unavailable:
            raise self._problem(f"ended with {self.exit_code} before {what}") from None
        except AssertionError:
            raise self._problem(f"runs, but {what} did not come within {timeout_s:g} s") from None
        return found

    def _problem(self, what: str) -> AssertionError:
        last = "\n".join(f"  {line}" for line in self.output.splitlines()[-_TAIL_LINES:]) or "  nothing"
        return AssertionError(f"{' '.join(self.command)} {what}; it printed:\n{last}")


class Processes:
    """The programs of one test."""

    def __init__(self) -> None:
        self._started: list[Process] = []

    def start(
        self,
        *command: str,
        ready: str = "",
        timeout_s: float = TIMEOUT_S,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
    ) -> Process:
        """Start a program, and wait until it is ready.

        Args:
            command: the program and its arguments; `python` is the interpreter that runs the tests.
            ready: regular expression that its output holds when it is ready; empty does not wait.
            timeout_s: how long that may take, in seconds.
            env: variables beside those of the test's own process.
            cwd: where it runs; the test's own folder where it is not given.

        Raises:
            AssertionError: it ended, or was not ready in time; with what it printed.
            FileNotFoundError: there is no such program.
        """
        __tracebackhide__ = True
        if not command:
            raise TypeError("name the program to start")
        made = Process(command, env=env, cwd=cwd)
        self._started.append(made)
        if ready:
            made.expect(ready, timeout_s=timeout_s)
        return made

    def told(self) -> Iterator[tuple[str, str]]:
        """Yield the command of each program, and what it printed."""
        for one in self._started:
            yield " ".join(one.command), one.output

    def close(self) -> None:
        """End all of them, the last one first."""
        while self._started:
            self._started.pop().close()


def _below(pid: int) -> list[int]:
    """Return the processes that a process started, and theirs; none where the system does not tell."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found, waiting = [], [pid]
    while waiting:
        below = parents.get(waiting.pop(), [])
        found += below
        waiting += below
    return found

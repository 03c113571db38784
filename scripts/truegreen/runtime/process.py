"""The only place that starts programs.

A program gets its own process group, so that a time-out or an interrupt takes its children too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from truegreen.errors import ToolMissing, TruegreenError
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from types import FrameType

    from truegreen.runtime.lifetime import Ledger

_GRACE_S = 5.0
_POLL_S = 0.02
_DRAIN_S = 0.5
_TAIL_BYTES = 1 << 20
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)


class Completed(msgspec.Struct, frozen=True, kw_only=True):
    """A program that ended."""

    argv: tuple[str, ...]
    exit_code: int | None
    """None when it was killed at its time limit."""
    duration_s: float
    stdout: str = ""
    stderr: str = ""
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """True when it ended by itself with 0."""
        return self.exit_code == 0

    def tail(self, lines: int = 12) -> str:
        """Return the last lines of what it said, standard error first choice."""
        text = self.stderr.strip() or self.stdout.strip()
        return "\n".join(text.splitlines()[-lines:])


class ProcessRunner:
    """Runs programs to their end, or in the background."""

    def __init__(self, *, grace_s: float = _GRACE_S) -> None:
        self._grace_s = grace_s
        self._ledger: Ledger | None = None
        self._running: dict[subprocess.Popen[bytes], int] = {}

    def end_running(self, threads: Container[int]) -> None:
        """End what some threads (by their idents) run and wait for: nobody needs their download any more."""
        for process, thread in tuple(self._running.items()):
            if thread in threads:
                kill_group(process.pid, signal.SIGKILL)

    def remember_in(self, ledger: Ledger | None) -> None:
        """Note every program that `run` starts from now on, so that the next run can end what a killed one left."""
        self._ledger = ledger

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        log: Path | None = None,
        stdin: str | None = None,
        spared: bool = False,
    ) -> Completed:
        """Run a program and wait for it; `end_running` leaves one that is `spared` to its end.

        With `log`, both streams go to that file (appended) and `stdout` holds its last mebibyte;
        otherwise both streams are captured apart. A program that outlives `timeout_s` is killed with
        its whole group, and what a program that ended left behind in its group is stopped too. Raises
        ToolMissing when it cannot be started, FileUnusable when the log cannot be written.
        """
        start = time.monotonic()
        with contextlib.ExitStack() as stack:
            sink: IO[bytes] | int = subprocess.PIPE
            offset = 0
            if log is not None:
                sink = stack.enter_context(_opened(log))
                offset = sink.tell()
            with _interrupts_held():
                process = self._start(argv, cwd, env, sink, subprocess.STDOUT if log else subprocess.PIPE, stdin)
                stack.enter_context(self._noted(process, spared=spared))
            out, err, timed_out = _wait(process, stdin, timeout_s, self._grace_s)
            end_group(process.pid, grace_s=self._grace_s)
        text = _tail(log, offset) if log is not None else _text(out)
        return Completed(
            argv=tuple(argv),
            exit_code=None if timed_out else process.returncode,
            duration_s=time.monotonic() - start,
            stdout=text,
            stderr=_text(err),
            timed_out=timed_out,
        )

    def spawn(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program in its own group with both streams in a log file; the caller stops it."""
        with _opened(log) as sink:
            return self._start(argv, cwd, env, sink, subprocess.STDOUT, None)

    @contextlib.contextmanager
    def _noted(self, process: subprocess.Popen[bytes], *, spared: bool) -> Iterator[None]:
        """Note a program while it runs; an interrupt at any moment stops its group."""
        try:
            if not spared:
                self._running[process] = threading.get_ident()
            if self._ledger is not None:
                with contextlib.suppress(TruegreenError):  # a cache that may only be read; the note is for the next run
                    self._ledger.add(process.pid)
            yield
        except BaseException:
            stop(process, grace_s=self._grace_s)
            raise
        finally:
            self._running.pop(process, None)
        if self._ledger is not None:
            self._ledger.remove(process.pid)

    @staticmethod
    def _start(
        argv: Sequence[str],
        cwd: Path | None,
        env: Mapping[str, str] | None,
        stdout: IO[bytes] | int,
        stderr: int,
        stdin: str | None,
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=None if env is None else dict(env),
                stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolMissing(
                f"cannot start {argv[0]}",
                where=str(cwd or Path.cwd()),
                why=error.strerror or str(error),
                fix=f"install {Path(argv[0]).name}, or put it on PATH",
            ) from None


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold signals back until a program is noted: raised before, they would leave it to nobody."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted
        return
    came: list[tuple[int, FrameType | None]] = []
    before = {signum: handler for signum in _INTERRUPTS if callable(handler := signal.getsignal(signum))}
    for signum in before:
        signal.signal(signum, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
    for number, frame in came:
        before[signal.Signals(number)](number, frame)


def stop(process: subprocess.Popen[bytes], *, grace_s: float = _GRACE_S, sig: int = signal.SIGTERM) -> int | None:
    """Stop a program and its group: ask, wait for all of them, then kill. Returns the program's exit code."""
    deadline = time.monotonic() + grace_s
    kill_group(process.pid, sig)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace_s)
    _kill_after(process.pid, deadline)
    if process.poll() is None:
        kill_group(process.pid, signal.SIGKILL)
    return process.wait()


def end_group(pid: int, *, grace_s: float = _GRACE_S) -> None:
    """Stop what a program that ended left in its group: a test's server would live on, and hold its port."""
    if _group_lives(pid):
        kill_group(pid, signal.SIGTERM)
        _kill_after(pid, time.monotonic() + grace_s)


def _kill_after(pid: int, deadline: float) -> None:
    """Wait for a group that was asked to end, then kill it."""
    while _group_lives(pid):
        if time.monotonic() >= deadline:
            kill_group(pid, signal.SIGKILL)
            return
        time.sleep(_POLL_S)


def kill_group(pid: int, sig: int) -> None:
    """Signal a process group; one that is gone is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, sig)


def kill_working_in(folder: Path, *, limit_s: float = _GRACE_S) -> None:
    """Kill every process whose current folder is a folder of our own or below it, and wait until they are gone."""
    deadline = time.monotonic() + limit_s
    while (found := _working_in(str(folder.resolve()))) and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)


def _working_in(folder: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is somebody else's
            if f"{path.readlink()}/".startswith(f"{folder}/"):
                found.append(int(path.parent.name))
    return found


def _group_lives(pid: int) -> bool:
    """Return whether a process of the group still runs; in a container without init its zombies stay for ever."""
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    known = list(Path("/proc").glob("[0-9]*/stat"))
    return not known or any(_lives_in(pid, path) for path in known)


def _lives_in(group: int, path: Path) -> bool:
    try:
        state, _, found = path.read_text(errors="replace").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):  # it ended meanwhile
        return False
    return int(found) == group and state not in "ZX"


def which(name: str, path: str | None = None) -> str | None:
    """Return where a program is, or None."""
    return shutil.which(name, path=path)


def _wait(
    process: subprocess.Popen[bytes], stdin: str | None, timeout_s: float | None, grace_s: float
) -> tuple[bytes, bytes, bool]:
    """Return both streams and whether the time limit was hit; an interrupt takes the group along."""
    payload = None if stdin is None else stdin.encode("utf-8", "backslashreplace")
    try:
        out, err = process.communicate(payload, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        stop(process, grace_s=grace_s)
        return *_drained(process), True
    except BaseException:
        stop(process, grace_s=grace_s)
        raise
    return out or b"", err or b"", False


def _drained(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Return what a killed program said; a daemon of its own session may hold its streams open for ever."""
    try:
        out, err = process.communicate(timeout=_DRAIN_S)
    except subprocess.TimeoutExpired as late:
        out, err = late.stdout or b"", late.stderr or b""
        for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
            stream.close()
    return out or b"", err or b""


def _opened(log: Path) -> IO[bytes]:
    files.folder(log.parent)
    with files.writing(log):
        return log.open("ab")


def _tail(log: Path, offset: int) -> str:
    """Return what was appended after the offset, at most the last mebibyte."""
    with log.open("rb") as stream:
        end = stream.seek(0, os.SEEK_END)
        stream.seek(max(offset, end - _TAIL_BYTES))
        return _text(stream.read())


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")

"""argv to exit code; the only place that ends the process."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from truegreen.errors import TruegreenError
    from truegreen.runtime.console import Console


_EXIT_INTERRUPTED = 4
"""`errors.EXIT_ENGINE`, where an interrupt comes before anything is imported."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code; every failure is one explained error."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments in (["--version"], ["-V"]):  # before any import: this is how people test an installation
        from truegreen import __version__  # noqa: PLC0415

        sys.stdout.write(f"truegreen {__version__}\n")
        return 0
    _catch_signals(_leave)
    if argv is None:  # a process of our own
        from truegreen.runtime import interrupts, wakeful  # noqa: PLC0415

        wakeful.listen(_SIGNALS, interrupts.stopping)
        try:
            return _run(arguments)
        finally:
            interrupts.be_deaf()  # the exit code is known, and nothing is left to break off
    try:
        return _run(arguments)
    finally:  # what comes next in this process is not interrupted
        importlib.import_module("truegreen.runtime.interrupts").forget()


def _run(arguments: list[str]) -> int:
    _import_msgspec()
    from truegreen import errors  # noqa: PLC0415 - after the quick path
    from truegreen.cli.parser import parse  # noqa: PLC0415
    from truegreen.runtime import environ, files, interrupts  # noqa: PLC0415
    from truegreen.runtime.console import Console  # noqa: PLC0415

    env = environ.current()
    console = Console(ci=environ.in_ci(env))
    interrupts.forget()
    _catch_signals(interrupts.interrupt)
    try:
        namespace = parse(arguments)
        module, _, function = namespace.entry.partition(":")
        return int(getattr(importlib.import_module(module), function)(namespace))
    except errors.TruegreenError as error:
        return _told(console, error)
    except KeyboardInterrupt:
        return _told(console, errors.Interrupted("interrupted", fix="run it again"))
    except BrokenPipeError:
        _reader_gone()
        return errors.EXIT_ENGINE  # a verdict that nobody could read is not a green one
    except Exception as error:
        if env.get("TRUEGREEN_TRACEBACK"):
            raise
        return _told(console, files.explained(error))


def _import_msgspec() -> None:
    """Import msgspec without `typing_extensions`, a seventh of a command's start, which it works without.

    It would take from there what Python has had since 3.11. Whoever needs the module later imports it as ever.
    """
    name = "typing_extensions"
    if name in sys.modules or "msgspec" in sys.modules:
        return
    # None is how Python is told that there is no such module.
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        importlib.import_module("msgspec")
    finally:
        del sys.modules[name]


def _told(console: Console, error: TruegreenError) -> int:
    """Show an error, also when the terminal that would show it is closed; return its exit code."""
    try:
        console.error(error.lines())
    except OSError:
        _reader_gone()
    return error.exit_code


def _reader_gone() -> None:
    """Let the interpreter end quietly when nobody reads our output any more: `| head`, a closed terminal."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _catch_signals(handler: Callable[[int, object], None]) -> None:
    """Have a handler end us on Ctrl-C, SIGTERM, SIGQUIT, and when the terminal is closed, unless `nohup` says no."""
    for signum in _SIGNALS:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, handler)


def _leave(signum: int, frame: object) -> None:
    """End at once: nothing has begun, and some extension modules crash when their import is interrupted."""
    del signum, frame
    os._exit(_EXIT_INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())

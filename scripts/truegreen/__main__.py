"""argv to exit code; the only place that ends the process."""

from __future__ import annotations

import importlib
import os
import signal
import sys


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code; every failure is one explained error."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments in (["--version"], ["-V"]):  # before any import: this is how people test an installation
        from truegreen import __version__  # noqa: PLC0415

        sys.stdout.write(f"truegreen {__version__}\n")
        return 0
    return _run(arguments)


def _run(arguments: list[str]) -> int:
    from truegreen import errors  # noqa: PLC0415 - after the quick path
    from truegreen.cli.parser import parse  # noqa: PLC0415
    from truegreen.runtime import environ  # noqa: PLC0415
    from truegreen.runtime.console import Console  # noqa: PLC0415

    env = environ.current()
    console = Console(ci=environ.in_ci(env))
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        namespace = parse(arguments)
        module, _, function = namespace.entry.partition(":")
        return int(getattr(importlib.import_module(module), function)(namespace))
    except errors.TruegreenError as error:
        console.error(error.lines())
        return error.exit_code
    except KeyboardInterrupt:
        console.error(errors.Interrupted("interrupted", fix="run it again").lines())
        return errors.EXIT_ENGINE
    except BrokenPipeError:
        _reader_gone()
        return errors.EXIT_ENGINE  # a verdict that nobody could read is not a green one
    except Exception as error:
        if env.get("TRUEGREEN_TRACEBACK"):
            raise
        bug = errors.InternalError("truegreen stopped on a bug of its own", why=f"{type(error).__name__}: {error}")
        console.error(bug.lines())
        return bug.exit_code


def _reader_gone() -> None:
    """Let the interpreter end quietly when nobody reads our output any more, as after `| head`."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _interrupt(signum: int, frame: object) -> None:
    """Turn SIGTERM into the same orderly end as Ctrl-C."""
    del signum, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

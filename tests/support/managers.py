"""Service managers over the real effects, for tests."""

from __future__ import annotations

import io
from pathlib import Path

from truegreen.config.schema import ServiceOptions
from truegreen.runtime import environ
from truegreen.runtime.clock import Clock
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import Toolchain
from truegreen.services.manager import ServiceManager


def manager(root: Path, cache: Path, **services: ServiceOptions) -> ServiceManager:
    """Return a manager whose sessions live in a cache of the test, with the machine's installed tools."""
    env = environ.current()
    console = Console(out=io.StringIO(), err=io.StringIO())
    processes = ProcessRunner()
    return ServiceManager(
        root=root,
        services=services,
        env=env,
        processes=processes,
        console=console,
        clock=Clock(),
        tools=Toolchain(env, processes, console),
        cache=cache,
    )


def embedded(**options: object) -> ServiceOptions:
    """Return options that ask for the embedded provider."""
    return ServiceOptions(provider="embedded", **options)

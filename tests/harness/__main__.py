"""Prepare a machine for the container tests: `python3 -m tests.harness setup`."""

from __future__ import annotations

import argparse
import sys
import time

from tests.harness import act, chromium, engine, images, tools
from tests.harness.shell import HarnessError, cache_dir, say


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, or 1 if the machine is not or cannot be made ready."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.harness", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    setup = commands.add_parser("setup", help="start the engine, build tools and images; idempotent")
    setup.add_argument("--no-compose", action="store_true", help="leave out docker compose (minutes to build)")
    commands.add_parser("status", help="say what is there and what is missing; exit 1 if something is")
    clean = commands.add_parser("clean", help="sweep dead runs and stop the engine if we started it")
    clean.add_argument("--images", action="store_true", help="remove the built images too")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "setup":
            return set_up(compose=not chosen.no_compose)
        return status() if chosen.command == "status" else clean_up(with_images=chosen.images)
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def set_up(*, compose: bool = True) -> int:
    """Make everything that the container tests need; quick when it is there."""
    started = time.monotonic()
    say(f"container engine {engine.ensure_engine().version}")
    say(f"daemonless builder {engine.ensure_builder()}")
    for name in tools.TOOLS:
        if name != "docker-compose" or compose:
            say(f"{name}: {tools.ensure_tool(name)}")
    say(f"chromium: {chromium.ensure_chromium()}")
    built = [image.name for image in images.ensure_images().values() if image.built]
    say(f"ready after {time.monotonic() - started:.0f} s ({len(built)} images built)")
    return 0


def status() -> int:
    """Print one line for each part; return 1 if one is missing."""
    found = engine.find_engine()
    started = " (started by the harness)" if engine.started_pid() else ""
    print(f"cache   {cache_dir()}")
    print(f"engine  {found.version}{started}, client {found.client}" if found else "engine  missing")
    absent = [] if found else ["engine"]
    for name, tool in tools.TOOLS.items():
        path = tools.find_tool(name)
        print(f"tool    {name} {tool.version}: {path or 'missing'}")
        absent += [] if path else [name]
    browser = chromium.find_chromium()
    print(f"browser {browser or 'missing'}")
    absent += [] if browser else ["chromium"]
    missing = images.missing_images() if found else list(images.VERSIONS)
    for name in images.VERSIONS:
        print(f"image   {images.image_tag(name)}: {'missing' if name in missing else 'built'}")
    return 1 if absent or missing else 0


def clean_up(*, with_images: bool) -> int:
    """Remove what dead runs left, and what the harness itself started."""
    if engine.find_engine():
        say(f"{act.sweep_dead_runs()} dead runs swept")
        if with_images:
            say(f"{images.remove_images()} image tags removed")
    engine.stop_engine()
    return 0


if __name__ == "__main__":
    sys.exit(main())

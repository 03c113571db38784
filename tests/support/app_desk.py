"""The command line in this process, on a real git repository, with its streams read back."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import runner_env

from truegreen.__main__ import main
from truegreen.runtime import environ

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = [sys.executable, "-I", str(ROOT / "scripts" / "launch.py")]
PROJECT = """\
[project]
name = "sample"
version = "1"
"""
_FOREIGN = (*runner_env.PREFIXES, "TG_", "TRUEGREEN_")
_GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON; nothing else may stand on standard output."""
        return json.loads(self.out)


class Desk:
    """A project folder, and the command line run in it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self, *argv: str) -> Ended:
        """Run a command as its users do; a traceback on either stream fails the test."""
        self._capsys.readouterr()
        before = signal.getsignal(signal.SIGTERM)
        try:
            code = main(list(argv))
        except SystemExit as ending:  # --help
            code = int(ending.code or 0)
        finally:
            signal.signal(signal.SIGTERM, before)
        shown = self._capsys.readouterr()
        assert "Traceback" not in shown.out + shown.err
        return Ended(code, shown.out, shown.err)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def configure(self, text: str) -> None:
        """Write `pyproject.toml` with these lines below the project's own."""
        self.write("pyproject.toml", PROJECT + text)

    def commit(self) -> str:
        """Commit everything and return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD")

    def git(self, *words: str) -> str:
        """Run git in the project."""
        return subprocess.run([*_GIT, *words], cwd=self.root, check=True, capture_output=True, text=True).stdout.strip()

    def env(self, **variables: str) -> None:
        """Set variables of the environment."""
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    def event(self, name: str, payload: dict[str, Any] | None = None, **variables: str) -> None:
        """Make this the CI run of an event."""
        self.env(GITHUB_EVENT_NAME=name, GITHUB_REPOSITORY="o/r", **variables)
        if payload is not None:
            path = self.root.parent / "event.json"
            path.write_text(json.dumps(payload))
            self.env(GITHUB_EVENT_PATH=str(path))

    def outputs(self) -> Path:
        """Return the file that takes the step's outputs."""
        path = self.root.parent / "outputs"
        self.env(GITHUB_OUTPUT=str(path))
        return path


def desk(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Return a desk on a committed project, free of the environment the tests themselves run in."""
    root.mkdir(parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRUEGREEN_CACHE", str(cache(root.parent / "cache")))
    monkeypatch.chdir(root)
    found = Desk(root, monkeypatch, capsys)
    if not (root / ".git").exists():
        found.git("init", "--quiet", "--initial-branch", "main")
        found.write(".gitignore", ".truegreen/\n")
        found.configure("")
        found.commit()
    return found


def cache(folder: Path) -> Path:
    """Return a cache of the test's own that shares the machine's installed tools."""
    shared = environ.cache_dir(os.environ) / "tools"
    shared.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (folder / "tools").symlink_to(shared)
    return folder


def read_outputs(path: Path) -> dict[str, str]:
    """Return the outputs in a file of the runner."""
    return dict(_entries(path.read_text()))


def _entries(text: str) -> Iterator[tuple[str, str]]:
    rows = iter(text.splitlines())
    for row in rows:
        name, _, delimiter = row.partition("<<")
        held: list[str] = []
        for inner in rows:
            if inner == delimiter:
                break
            held.append(inner)
        yield name, "\n".join(held)

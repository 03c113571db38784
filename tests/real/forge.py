"""A repository on a real git server, with the branch that holds its history."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.real import pipeline
from tests.support.past_results import result, run

from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git_server import GitServer
    from tests.support.github_api import GithubApi

    from truegreen.model.results import RunResults

BRANCH = "refs/heads/truegreen-history"
_GIT = ["git", "-c", "user.name=o", "-c", "user.email=o@example.invalid", "-c", "commit.gpgsign=false"]


class Forge:
    """A repository with its API and a clone of it that somebody else writes from."""

    def __init__(self, api: GithubApi, server: GitServer, folder: Path) -> None:
        self.api = api
        self.server = server
        self.bare = server.make(pipeline.CALLER)
        self._folder = folder

    def options(self, number: int, token: str) -> dict[str, dict[str, str]]:
        """Return what a run of the caller gets from this forge."""
        env = {
            "GITHUB_API_URL": self.api.url,
            "GITHUB_SERVER_URL": self.server.url,
            "GITHUB_RUN_ID": str(number),
        }
        return {"env": env, "secrets": {"GITHUB_TOKEN": token}}

    def head(self) -> str:
        """Return the commit of the history's branch; empty when there is none."""
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "-q", BRANCH], cwd=self.bare, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    def kept(self) -> SqliteStore:
        """Return the history as it lies on the branch."""
        shown = subprocess.run(
            ["git", "cat-file", "blob", f"{BRANCH}:history.sqlite"], cwd=self.bare, capture_output=True, check=True
        )
        path = self._folder / f"{self.head()}.sqlite"
        path.write_bytes(shown.stdout)
        return SqliteStore(path)

    def write_meanwhile(self) -> None:
        """Put a run of somebody else's on the branch, as another writer would who is a moment earlier."""
        self.write(run(900, result("other")))

    def write(self, kept: RunResults) -> None:
        """Put a run on the branch, in place of what is there."""
        path = self._folder / f"{kept.run.run}.sqlite"
        SqliteStore(path).append(kept)
        blob = self._ask("hash-object", "-w", str(path))
        tree = self._ask("mktree", given=f"100644 blob {blob}\thistory.sqlite\n")
        self._ask("update-ref", BRANCH, self._ask("commit-tree", tree, "-m", "other"))

    def _ask(self, *words: str, given: str | None = None) -> str:
        done = subprocess.run([*_GIT, *words], cwd=self.bare, input=given, capture_output=True, text=True, check=True)
        return done.stdout.strip()

"""One file on a branch of its own: read and replaced without touching the work tree, the index or any other ref.

The branch holds one commit without parents, so that the repository does not grow with every write; a write says which
commit it replaces (`--force-with-lease`), and is refused when another writer was first.
"""

from __future__ import annotations

import base64
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.errors import StoreError, WrongValue
from truegreen.runtime import environ

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.runtime.clock import Clock
    from truegreen.runtime.process import Completed, ProcessRunner

_TIMEOUT_S = 120.0
_PAUSES_S = (0.5, 2.0)
"""How long to wait before the remote is asked again."""
_BRANCH = re.compile(r"(?!.*(?:\.\.|//|\.lock(?:/|$)|/\.|[./]$))[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}")
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_LATE = ("stale info", "fetch first", "cannot lock ref", "failed to update ref", "reference already exists")
"""What git says when somebody else moved the branch in between."""
_STUMBLED = re.compile(
    r"(?:error:|HTTP) 5\d\d|RPC failed|Connection (?:reset|refused|timed out)|Could not resolve host|"
    r"early EOF|unexpected disconnect"
)
"""What git says when server or network failed; whether the write was done is then unknown."""
_WHO = {
    "GIT_AUTHOR_NAME": "truegreen",
    "GIT_AUTHOR_EMAIL": "truegreen@localhost",
    "GIT_COMMITTER_NAME": "truegreen",
    "GIT_COMMITTER_EMAIL": "truegreen@localhost",
    "GIT_TERMINAL_PROMPT": "0",
}


def with_token(env: Mapping[str, str]) -> dict[str, str]:
    """Return what makes git show a job's token to the forge's own server, and to no other; nothing where there is none.

    The checkout keeps no credentials, and a token has no place in the arguments of a process.
    """
    token, server = env.get("GITHUB_TOKEN", ""), env.get("GITHUB_SERVER_URL", "").rstrip("/")
    if not token or not server.startswith(("https://", "http://")):
        return {}
    number = int(env["GIT_CONFIG_COUNT"]) if env.get("GIT_CONFIG_COUNT", "").isdigit() else 0
    key = f"http.{server}/.extraheader"
    shown = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": str(number + 2),
        f"GIT_CONFIG_KEY_{number}": key,
        f"GIT_CONFIG_VALUE_{number}": "",  # forgets what a checkout may have kept: servers refuse two of them
        f"GIT_CONFIG_KEY_{number + 1}": key,
        f"GIT_CONFIG_VALUE_{number + 1}": f"AUTHORIZATION: basic {shown}",
    }


class DataBranch:
    """A file on a branch of a remote repository, seen from a clone."""

    def __init__(
        self, root: Path, remote: str, branch: str, name: str, *, processes: ProcessRunner, clock: Clock
    ) -> None:
        """Name a file on a branch.

        Args:
            root: a folder inside the clone.
            remote: name of one of its remotes; no address, because whoever changes the configuration could name one.
            branch: the branch, which holds that file and nothing else.
            name: name of the file.
            processes: starts git.
            clock: waits between two attempts to reach the remote.

        Raises:
            WrongValue: the branch or the remote cannot be called that.
        """
        for key, value, pattern in (("branch", branch, _BRANCH), ("remote", remote, _REMOTE)):
            if not pattern.fullmatch(value):
                raise WrongValue(
                    f"{value!r} cannot name a {key}", where=f"history.{key}", fix="use a-z 0-9 . _ - and /"
                )
        self._root = root
        self._remote = remote
        self._branch = branch
        self._name = name
        self._processes = processes
        self._clock = clock

    def read(self, target: Path) -> str:
        """Copy the file as it is at the remote now, and return the commit it is of; empty when there is no branch.

        Raises:
            StoreError: the remote does not answer, or the branch holds something else.
        """
        ref = f"refs/heads/{self._branch}"
        # Without this git takes a name that no remote has for a path, and the path could be one of the work tree.
        if not self._git("config", "--get", f"remote.{self._remote}.url", may_fail=True).ok:
            raise self._error("cannot be used", f"there is no remote {self._remote}", "name one: `git remote`")
        if not self._asked("ls-remote", "--refs", self._remote, ref).stdout.strip():
            return ""
        # By name, not by commit: not every server hands out a commit that is asked for by its digest. And without
        # `--depth`, which marks the whole clone as shallow; the one commit has no parents to leave out.
        self._asked("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self._remote, f"+{ref}:{_here(ref)}")
        commit = self._git("rev-parse", "--verify", "--end-of-options", _here(ref)).stdout.strip()
        held = self._git("ls-tree", "-z", commit).stdout
        if not re.fullmatch(rf"100644 blob [0-9a-f]+\t{re.escape(self._name)}\0", held):
            why = f"it should hold the file {self._name} and nothing else"
            raise self._error("holds no history", why, "name a branch that is not used for anything else")
        self._take_out(commit, target)
        return commit

    def _take_out(self, commit: str, target: Path) -> None:
        """Copy the file out of a commit, byte for byte: the attributes of the project's own files do not count."""
        with tempfile.TemporaryDirectory(prefix="truegreen-branch-") as folder:
            apart = {"GIT_INDEX_FILE": f"{folder}/index", "GIT_WORK_TREE": f"{folder}/out"}
            (Path(folder) / "out").mkdir()
            self._git("read-tree", commit, env=apart)
            self._git("-c", "core.autocrlf=false", "checkout-index", "--", self._name, env=apart)
            shutil.copyfile(Path(folder) / "out" / self._name, target)

    def replace(self, source: Path, expected: str) -> str:
        """Make a file the branch's only content, and return why it is not: nothing when it is.

        It is not when the branch is no longer at the expected commit, or when the server stumbled. In both cases read
        again, and try again: a write that was done without an answer is then found as somebody else's.

        Raises:
            StoreError: the remote refused it for another reason.
        """
        blob = self._git("hash-object", "-w", "--no-filters", "--", str(source)).stdout.strip()
        tree = self._git("mktree", stdin=f"100644 blob {blob}\t{self._name}\n").stdout.strip()
        commit = self._git("commit-tree", tree, "-m", "History of truegreen's runs").stdout.strip()
        ref = f"refs/heads/{self._branch}"
        lease = f"--force-with-lease={ref}:{expected}"
        done = self._git("push", "--quiet", "--no-verify", lease, self._remote, f"{commit}:{ref}", may_fail=True)
        if done.ok:
            return ""
        if any(text in done.stderr for text in _LATE):
            return "another writer was first"
        if done.timed_out or _STUMBLED.search(done.stderr):
            return "the server did not answer"
        fix = f"let this job write to {self._branch} (`contents: write`), force pushes included"
        if "file size limit" in done.stderr:
            fix = "lower history.keep-runs or history.keep-days: the file is too large for the server"
        raise self._error("cannot be written", done.tail(4), fix)

    def _asked(self, *arguments: str) -> Completed:
        """Ask the remote, again where it does not answer."""
        for pause_s in _PAUSES_S:
            done = self._git(*arguments, may_fail=True)
            if done.ok:
                return done
            self._clock.sleep(pause_s)
        return self._git(*arguments)

    def _git(
        self, *arguments: str, env: dict[str, str] | None = None, stdin: str | None = None, may_fail: bool = False
    ) -> Completed:
        known = environ.current()
        surroundings = {**known, **with_token(known), **_WHO, **(env or {})}
        argv = ["git", "-c", "safe.directory=*", *arguments]
        done = self._processes.run(argv, cwd=self._root, env=surroundings, timeout_s=_TIMEOUT_S, stdin=stdin)
        if not done.ok and not may_fail:
            why = "it took too long" if done.timed_out else done.tail(4)
            raise self._error(f"cannot be used (git {arguments[0]})", why, f"check that {self._remote} can be reached")
        return done

    def _error(self, what: str, why: str, fix: str) -> StoreError:
        where = f"{self._branch} at {self._remote}"
        return StoreError(f"the branch {self._branch} {what}", where=where, why=why, fix=fix)


def _here(ref: str) -> str:
    return f"refs/truegreen/{ref.removeprefix('refs/heads/')}"

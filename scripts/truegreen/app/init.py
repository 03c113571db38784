"""`truegreen init`: the caller workflow and a commented configuration."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen import __version__
from truegreen.errors import ConfigSyntax, ProjectMissing, TruegreenError
from truegreen.runtime import files

if TYPE_CHECKING:
    from truegreen.app.shell import Shell

_LOOK_UP_S = 10.0
_COMMIT = re.compile(r"[0-9a-f]{40}")
WORKFLOW = ".github/workflows/truegreen.yml"
PUBLISHER = ".github/workflows/truegreen-publish.yml"

_CALLER = """\
name: truegreen
on:
  pull_request:
  push:
    branches: [main]
  release:
    types: [published]
permissions: {{}}
jobs:
  truegreen:
    permissions: {{contents: read, pull-requests: write, checks: write, statuses: write}} # only read for a fork
    uses: {repository}/.github/workflows/pipeline.yml@{ref}
    secrets:
      slack-webhook-url: ${{{{ secrets.SLACK_WEBHOOK_URL }}}}
"""

_PUBLISHER = """\
name: truegreen publish
on:
  workflow_run: # zizmor: ignore[dangerous-triggers] nothing of the other run is executed; its artifact is hostile
    workflows: [truegreen]
    types: [completed]
permissions: {{}}
jobs:
  publish:
    if: github.event.workflow_run.event == 'pull_request'
    permissions: {{actions: read, pull-requests: write, statuses: write}} # the artifact, the comment, the status
    uses: {repository}/.github/workflows/publish.yml@{ref}
"""

_TABLE = """
# truegreen: every key, its default and its meaning: `truegreen config explain`.
[tool.truegreen]
# install = ["uv sync --frozen"]          # only when the lock files do not say it
# source = ["src"]                        # what coverage measures

# [tool.truegreen.gates.coverage]
# line = 80                               # percent of all lines; components can ask for more

# [tool.truegreen.history]
# branch = "truegreen-history"            # compare with earlier runs; the workflow needs one more job: docs/history.md

{services}
"""

_SERVICES = {
    "psycopg": "postgres",
    "asyncpg": "postgres",
    "pg8000": "postgres",
    "redis": "redis",
    "nats-py": "nats",
}


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One file that `init` writes, or leaves alone."""

    path: Path
    text: str
    action: str
    """`written`, `added to`, or why it is left alone."""
    write: bool = True


def pin(shell: Shell, repository: str) -> str:
    """Return the commit of this version's tag with the tag as a comment; the tag alone where nobody answers."""
    tag = f"v{__version__}"
    server = shell.env.get("GITHUB_SERVER_URL") or "https://github.com"
    names = [f"refs/tags/{tag}", f"refs/tags/{tag}^{{}}"]
    env = {**shell.env, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = shell.processes.run(
            ["git", "ls-remote", f"{server}/{repository}", *names], env=env, cwd=shell.cwd, timeout_s=_LOOK_UP_S
        )
    except TruegreenError:
        return tag
    # An annotated tag has an object of its own; the line that ends with ^{} names the commit.
    found = [row.partition("\t")[0] for row in sorted(done.stdout.splitlines(), key=len) if done.ok]
    return f"{found[-1]} # {tag}" if found and _COMMIT.fullmatch(found[-1]) else tag


def pinned(ref: str) -> bool:
    """Return whether a ref names a commit, which nobody can move."""
    return _COMMIT.fullmatch(ref.partition(" ")[0]) is not None


def plan(root: Path, *, repository: str, ref: str, forks: bool = False) -> tuple[Item, ...]:
    """Return what would be written; existing files are never overwritten.

    Args:
        root: the project.
        repository: of the pack.
        ref: of the pack.
        forks: whether the workflow that publishes for pull requests from forks is among it.

    Raises:
        ProjectMissing: no `pyproject.toml` in this folder.
        ConfigSyntax: it cannot be read.
    """
    project = root / "pyproject.toml"
    if not project.is_file():
        raise ProjectMissing(
            "there is no pyproject.toml in this folder", where=str(root), fix="create one first: `uv init`"
        )
    try:
        text = project.read_bytes().decode()
        document = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigSyntax("pyproject.toml is not valid TOML", where=str(project), why=str(error)) from None
    workflows = {WORKFLOW: caller(repository, ref), **({PUBLISHER: publisher(repository, ref)} if forks else {})}
    return (*(_workflow(root / name, text) for name, text in workflows.items()), _table(project, text, document))


def apply(item: Item) -> None:
    """Write one file atomically."""
    if item.write:
        files.write_atomic(item.path, item.text)


def caller(repository: str, ref: str) -> str:
    """Return the caller workflow."""
    return _CALLER.format(repository=repository, ref=ref)


def publisher(repository: str, ref: str) -> str:
    """Return the workflow that publishes what runs of forks left: theirs have no right to."""
    return _PUBLISHER.format(repository=repository, ref=ref)


def _workflow(path: Path, text: str) -> Item:
    if path.exists():
        return Item(path=path, text=path.read_text(encoding="utf-8"), action="exists, left alone", write=False)
    return Item(path=path, text=text, action="written")


def _table(project: Path, text: str, document: dict[str, object]) -> Item:
    tool = document.get("tool")
    if isinstance(tool, dict) and "truegreen" in tool:
        return Item(path=project, text=text, action="already has [tool.truegreen], left alone", write=False)
    found = sorted({service for library, service in _SERVICES.items() if library in text.lower()})
    listed = "\n\n".join(f"[tool.truegreen.services.{name}]" for name in found)
    if found:
        listed += f"\n\n[tool.truegreen.persistence]\nservices = {str(found).replace(chr(39), chr(34))}"
    body = _TABLE.format(services=listed or "# [tool.truegreen.services.postgres]").rstrip() + "\n"
    return Item(path=project, text=text.rstrip("\n") + "\n" + body, action="[tool.truegreen] added")

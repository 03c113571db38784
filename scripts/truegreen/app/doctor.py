"""`truegreen doctor`: what would fail, before the first push; reads only, installs nothing."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from truegreen import registry
from truegreen.app import carrying, policy, render
from truegreen.config import settings as config
from truegreen.errors import InternalError, TruegreenError
from truegreen.runtime import environ

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings

_USES = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)/\.github/workflows/(?P<file>[\w.-]+\.yml)@(?P<ref>\S+)")
_SHA = re.compile(r"[0-9a-f]{40}")
_LEVELS = {"none": 0, "read": 1, "write": 2}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    title: str
    level: str
    """`ok`, `warning` or `error`."""
    message: str
    fix: str = ""


def examine(shell: Shell, assignments: Iterable[str]) -> list[Check]:
    """Return every check: configuration, project, services, workflows, machine."""
    try:
        settings = config.load(shell.cwd, assignments=assignments, env=shell.env)
        policy.load(settings)
        carrying.check(shell, settings)
    except TruegreenError as error:
        where = f" ({error.where})" if error.where else ""
        return [Check(title="configuration", level="error", message=f"{error.what}{where}", fix=error.fix)]
    checks = [Check(title="configuration", level="ok", message=f"{len(settings.sources)} values read")]
    looked_at = (_project(settings), _services(shell, settings), _workflows(settings.root), _history(settings))
    for part in (*looked_at, _machine(shell)):
        checks.extend(part)
    return checks


def _project(settings: Settings) -> Iterator[Check]:
    root = settings.root
    locks = [name for name in ("uv.lock", "poetry.lock", "pylock.toml") if (root / name).is_file()]
    locks += sorted(path.name for path in root.glob("requirements*.txt"))
    if locks or settings.project.install:
        yield Check(title="installation", level="ok", message=", ".join(locks) or "its own command")
    else:
        yield Check(
            title="installation",
            level="warning",
            message="nothing is locked; each run may install other versions",
            fix="commit a uv.lock: `uv lock`",
        )
    text = (root / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
    for name in ("pytest-cov", "pytest-xdist"):
        if name not in text and not any(
            name in path.read_text(errors="replace") for path in root.glob("requirements*.txt")
        ):
            why = "the coverage gate is blind without it" if name == "pytest-cov" else "tests run serially without it"
            yield Check(
                title=name,
                level="warning",
                message=f"not among the requirements; {why}",
                fix=f"add {name} to the dev group",
            )


def _services(shell: Shell, settings: Settings) -> Iterator[Check]:
    engine = shutil.which("docker", path=shell.env.get("PATH"))
    alive = engine is not None and shell.processes.run(["docker", "version"], env=shell.env, timeout_s=3).ok
    yield Check(
        title="container engine",
        level="ok" if alive else "warning",
        message="answers" if alive else "none answers; services run embedded, images are not built",
        fix="" if alive else "start Docker to run exactly what CI runs",
    )
    for stage, options in settings.stages.items():
        for name in options.services:
            kind = settings.project.services[name].kind or name if name in settings.project.services else name
            if kind not in registry.names("service"):
                yield Check(
                    title=f"service {name}",
                    level="error",
                    message=f"stage {stage} needs it, and the catalogue does not have it",
                    fix="known: " + ", ".join(registry.names("service")),
                )


def _history(settings: Settings) -> Iterator[Check]:
    """Check that what reads the history and what keeps it are both there, where one of them is."""
    calls = [match["file"] for path in _workflow_files(settings.root) for match in _USES.finditer(_text(path))]
    branch, keeps = settings.history.branch, "history.yml" in calls
    if branch and calls and not keeps:
        yield Check(
            title="history",
            level="warning",
            message=f"reports compare with the branch {branch}, and no workflow keeps a run there",
            fix="call history.yml after the pipeline: docs/history.md",
        )
    elif keeps and not branch:
        yield Check(
            title="history",
            level="error",
            message="history.yml is called, and no branch is named for it",
            fix='write branch = "truegreen-history" in [tool.truegreen.history]',
        )
    elif branch and keeps:
        yield Check(title="history", level="ok", message=f"kept on the branch {branch}")


def _workflow_files(root: Path) -> list[Path]:
    return sorted((root / ".github" / "workflows").glob("*.y*ml"))


def _text(path: Path) -> str:
    """Return what a workflow says, without its comments."""
    rows = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(row for row in rows if not row.lstrip().startswith("#"))


def _workflows(root: Path) -> Iterator[Check]:
    """Check calls of the pack: what GitHub answers with a start-up failure and no log."""
    for path in _workflow_files(root):
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            yield Check(
                title=path.name, level="error", message=f"not valid YAML: {str(error).splitlines()[0]}", fix="mend it"
            )
            continue
        if not isinstance(document, dict):
            continue
        jobs = document.get("jobs")
        for name, job in (jobs if isinstance(jobs, dict) else {}).items():
            uses = str(job.get("uses", "")) if isinstance(job, dict) else ""
            if match := _USES.fullmatch(uses.split(" ")[0]):
                yield from _call(f"{path.name}: {name}", job, document, match)


def _call(title: str, job: dict[str, Any], document: dict[str, Any], match: re.Match[str]) -> Iterator[Check]:
    try:
        target = render.pack_root() / ".github" / "workflows" / match["file"]
    except InternalError:
        return
    if not target.is_file():
        if match["repository"].endswith("/truegreen"):
            yield Check(
                title=title,
                level="error",
                message=f"the pack has no workflow {match['file']}",
                fix="see docs/workflows.md",
            )
        return
    called = yaml.safe_load(target.read_text(encoding="utf-8"))
    trigger = (called.get("on") or called.get(True) or {}).get("workflow_call") or {}
    problems = list(_inputs(job, trigger)) + list(_permissions(job, document, called))
    for message, fix in problems:
        yield Check(title=title, level="error", message=message, fix=fix)
    if not _SHA.fullmatch(match["ref"]):
        yield Check(
            title=title,
            level="warning",
            message=f"pinned to {match['ref']}, which can move",
            fix="pin the full commit with the version as a comment",
        )
    if not problems:
        yield Check(title=title, level="ok", message=f"calls {match['file']} with inputs and permissions it accepts")


def _inputs(job: dict[str, Any], trigger: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, given in (("inputs", job.get("with")), ("secrets", job.get("secrets"))):
        known = trigger.get(kind) or {}
        for name in given if isinstance(given, dict) else ():
            if name not in known:
                yield (
                    f"{kind[:-1]} {name!r} does not exist; GitHub fails the run without a log",
                    "known: " + ", ".join(known),
                )


def _permissions(job: dict[str, Any], document: dict[str, Any], called: dict[str, Any]) -> Iterator[tuple[str, str]]:
    granted = job.get("permissions", document.get("permissions"))
    if not isinstance(granted, dict):
        return  # the repository's default, or `write-all`: not known here
    needed: dict[str, str] = {}
    for inner in called["jobs"].values():
        for scope, level in (inner.get("permissions") or {}).items():
            if _LEVELS[level] > _LEVELS[needed.get(scope, "none")]:
                needed[scope] = level
    missing = [f"{s}: {lv}" for s, lv in needed.items() if _LEVELS.get(str(granted.get(s)), 0) < _LEVELS[lv]]
    if missing:
        yield (
            f"the job grants too little: {', '.join(missing)}; GitHub fails the run without a log",
            "add them to the job's permissions",
        )


def _machine(shell: Shell) -> Iterator[Check]:
    cache = environ.cache_dir(shell.env)
    yield Check(title="cache", level="ok", message=str(cache))
    for tool, place in shell.tools.status().items():
        yield Check(title=tool, level="ok", message=place)

"""`truegreen doctor`: what would fail, before the first push; reads only, installs nothing."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from truegreen.app import carrying, policy, render, templates
from truegreen.config import settings as config
from truegreen.errors import InternalError, TruegreenError
from truegreen.runtime import environ
from truegreen.services.asked import ONE_SHOT, resolve
from truegreen.services.manager import image_age_days

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.config.schema import HistoryOptions
    from truegreen.config.settings import Settings
    from truegreen.services.asked import Asked

_USES = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)/\.github/workflows/(?P<file>[\w.-]+\.yml)@(?P<ref>\S+)")
_SHA = re.compile(r"[0-9a-f]{40}")
_ON: Any = True
"""What YAML 1.1 reads the key `on` as."""
_JUDGES = {"pipeline.yml", "report.yml"}
_COLLECTS = "history-artifacts.yml"
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
        templates.load(settings)
        carrying.check(shell, settings)
    except TruegreenError as error:
        where = f" ({error.where})" if error.where else ""
        return [Check(title="configuration", level="error", message=f"{error.what}{where}", fix=error.fix)]
    checks = [Check(title="configuration", level="ok", message=f"{len(settings.sources)} values read")]
    looked_at = (
        _project(settings),
        _services(shell, settings),
        _workflows(settings.root),
        _history(settings),
        _forks(settings.root),
    )
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
    wanted = {text: stage for stage, options in settings.stages.items() for text in options.services}
    for text, stage in {**dict.fromkeys(settings.project.services, ""), **wanted}.items():
        try:
            found = resolve([text], settings.project.services)
        except TruegreenError as error:
            yield Check(
                title=f"service {text}",
                level="error",
                message=(f"stage {stage} needs it: " if stage else "") + error.what,
                fix=error.fix,
            )
            continue
        if alive and not found[text.partition("@")[0]].options.url:
            yield from _images(shell, found[text.partition("@")[0]])


def _images(shell: Shell, asked: Asked) -> Iterator[Check]:
    """Say which image a service has, whether a digest pins it, and how old it is where it is here."""
    if asked.kind == ONE_SHOT and not asked.options.image:
        return
    image = asked.image()
    show = ["docker", "image", "inspect", "--format", "{{.Created}}", image]
    done = shell.processes.run(show, env=shell.env, timeout_s=10)
    days = image_age_days(done.stdout.strip(), shell.clock.now()) if done.ok else -1.0
    age = f"made {days:.0f} days ago" if days >= 0 else "age unknown" if done.ok else "not on this machine"
    fixed = "@sha256:" in image
    pinned = "pinned by its digest" if fixed else "not pinned: its tag can be moved"
    yield Check(
        title=f"image of {asked.name}",
        level="ok",
        message=f"{image}, {pinned}, {age}",
        fix="" if fixed else f'set digest = "sha256:…" in [tool.truegreen.services.{asked.name}]',
    )


def _history(settings: Settings) -> Iterator[Check]:
    """Check that what reads the history and what keeps or collects it are both there, where one of them is."""
    calls = {match["file"] for path in _workflow_files(settings.root) for match in _USES.finditer(_text(path))}
    yield from _on_branch(settings.history, calls)
    yield from _in_artifacts(settings, calls)


def _on_branch(options: HistoryOptions, calls: set[str]) -> Iterator[Check]:
    branch, keeps = options.branch, "history.yml" in calls
    if branch and calls and not keeps:
        yield Check(
            title="history",
            level="warning",
            message=f"reports compare with the branch {branch}, and no workflow keeps a run there",
            fix="call history.yml after the pipeline: docs/history.md",
        )
    elif keeps and not branch:
        fix = 'write branch = "truegreen-history" in [tool.truegreen.history]'
        fix = "take that call away: artifacts are kept by themselves" if options.artifacts else fix
        yield Check(
            title="history", level="error", message="history.yml is called, and no branch is named for it", fix=fix
        )
    elif branch and keeps:
        yield Check(title="history", level="ok", message=f"kept on the branch {branch}")


def _in_artifacts(settings: Settings, calls: set[str]) -> Iterator[Check]:
    artifacts, collects = settings.history.artifacts, _COLLECTS in calls
    if artifacts and calls and not collects:
        yield Check(
            title="history",
            level="warning",
            message="reports compare with artifacts of earlier runs, and no workflow collects them",
            fix=f"call {_COLLECTS} before the pipeline: docs/history.md",
        )
    elif collects and not artifacts:
        yield Check(
            title="history",
            level="error",
            message=f"{_COLLECTS} is called, and the history is not kept in artifacts",
            fix="write artifacts = true in [tool.truegreen.history]",
        )
    elif artifacts and collects:
        yield from _order(settings.root)


def _order(root: Path) -> Iterator[Check]:
    """Check that the job which judges waits for the one that collects the history, and for nothing but its end."""
    problems = []
    for path in _workflow_files(root):
        found = _document(path).get("jobs")
        jobs = [(str(name), job) for name, job in (found.items() if isinstance(found, dict) else ()) if _file(job)]
        collecting = {name for name, job in jobs if _file(job) == _COLLECTS}
        for name, job in jobs:
            if _file(job) not in _JUDGES:
                continue
            needs, condition, title = job.get("needs") or (), str(job.get("if", "")), f"{path.name}: {name}"
            if not collecting & ({needs} if isinstance(needs, str) else {str(need) for need in needs}):
                problem = f"{title} does not wait for a job that calls {_COLLECTS}: it would find no history"
                problems.append((problem, "name that job below `needs` of this one"))
            elif "always()" not in condition and "cancelled()" not in condition:
                problem = f"{title} is skipped when the history cannot be collected, and the required check hangs"
                problems.append((problem, "write `if: ${{ !cancelled() }}` in this job"))
    for message, fix in problems:
        yield Check(title="history", level="error", message=message, fix=fix)
    if not problems:
        yield Check(title="history", level="ok", message="collected from artifacts of earlier runs")


def _file(job: object) -> str:
    """Return the file of the pack that a job calls; empty where it calls none."""
    match = _USES.fullmatch(str(job.get("uses", "")).split(" ")[0]) if isinstance(job, dict) else None
    return match["file"] if match else ""


def _forks(root: Path) -> Iterator[Check]:
    """Check that a workflow that publishes for other runs hears of them; GitHub is silent where it does not."""
    found = [(path, document, _called(document)) for path in _workflow_files(root) if (document := _document(path))]
    judging = {str(document.get("name") or f".github/workflows/{p.name}") for p, document, to in found if to & _JUDGES}
    for path, document, called in found:
        if "publish.yml" not in called:
            continue
        trigger = document.get("on", document.get(_ON))
        heard = trigger.get("workflow_run") if isinstance(trigger, dict) else None
        names = heard.get("workflows") if isinstance(heard, dict) else None
        listed = {names} if isinstance(names, str) else {str(name) for name in names or ()}
        missing = sorted(judging - listed)
        wrong = "no workflow calls the pipeline" if not judging else f"it does not hear of: {', '.join(missing)}"
        good = bool(judging) and not missing
        yield Check(
            title=f"{path.name}: forks",
            level="ok" if good else "error",
            message=f"publishes for {', '.join(sorted(judging))}" if good else f"never publishes: {wrong}",
            fix="" if good else "name the pipeline's workflow below on.workflow_run.workflows: docs/publishing.md",
        )


def _called(document: dict[str, Any]) -> set[str]:
    """Return the files of the pack that a workflow calls."""
    jobs = document.get("jobs")
    return {_file(job) for job in (jobs.values() if isinstance(jobs, dict) else ())} - {""}


def _document(path: Path) -> dict[str, Any]:
    """Return a workflow; empty for what is none, which is told where calls are checked."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return {}
    return document if isinstance(document, dict) else {}


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

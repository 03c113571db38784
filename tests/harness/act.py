"""Run a caller's workflow for real: act, containers, and nothing from the network.

`run_workflow` copies caller and pack, maps every third-party action to a local
stand-in, runs `act --json`, and returns what happened as one frozen record.
Whatever the end (success, failure, time-out, Ctrl-C), the run's containers,
volumes and networks are gone when it returns; those of a run that was killed
are swept by the next one.
"""

from __future__ import annotations

import json
import os
import secrets as random
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.harness import workspace
from tests.harness.engine import docker_client
from tests.harness.images import ensure_image
from tests.harness.shell import cache_dir, harness_dir, probe, run
from tests.harness.tools import ensure_tool, find_tool
from tests.harness.trace import Annotation, Step, read_trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LABELS = ("ubuntu-latest", "ubuntu-24.04")
_INTERRUPT_GRACE_S = 20.0
_TIMED_OUT = 124
_CONTAINER_CACHE = "/root/.cache/truegreen"
_CONTAINER_UV_CACHE = "/root/.cache/uv"
_CONTAINER_ARTIFACTS = "/opt/artifacts"  # the artifact stand-ins know this path
_CONTAINER_COMPOSE = "/usr/local/lib/docker/cli-plugins/docker-compose"
_REMEDY = "run `python3 -m tests.harness setup`"


@dataclass(frozen=True)
class ActRun:
    """What one run of a workflow did."""

    rc: int  # act's exit code; 124 after a time-out
    timed_out: bool
    duration_s: float
    jobs: Mapping[str, str]  # job id -> success or failure; a skipped job is absent
    job_names: Mapping[str, str]  # full name, such as "Caller/call/Pipeline/unit" -> result
    steps: tuple[Step, ...]
    outputs: Mapping[str, Mapping[str, str]]  # "job.step[.inner step]" -> output name -> value
    summaries: tuple[str, ...]  # Markdown, one for each step that wrote one
    annotations: tuple[Annotation, ...]
    artifacts: Path  # a directory for each uploaded artifact
    tag: str  # the run's own word, in the names of its containers
    log: str = field(repr=False)  # readable lines, "[job] message"
    raw: str = field(repr=False)  # act's own output, one JSON record a line

    def artifact(self, name: str) -> dict[str, Path]:
        """Return an artifact's files by their path inside it; empty if not uploaded."""
        root = self.artifacts / name
        return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}

    def failed_steps(self) -> list[str]:
        """Return "job: step" of every failed step, in the order of their ends."""
        return [f"{step.job}: {step.name}" for step in self.steps if step.result == "failure"]


def run_workflow(
    caller_dir: Path,
    event: str,
    payload: Mapping[str, Any],
    *,
    pack_dir: Path,
    work_dir: Path,
    pack_slug: str = "truegreen/truegreen",
    pack_ref: str = "v0",
    caller_slug: str = "example/caller",
    env: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    standins: Mapping[str, Path] | None = None,
    mounts: Mapping[str, Path] | None = None,
    workflow: str | None = None,
    job: str | None = None,
    timeout_s: float = 300,
) -> ActRun:
    """Run a caller's workflows for one event and return what happened.

    Args:
        caller_dir: a repository's files with `.github/workflows`; copied, never changed.
        event: the event's name, such as `pull_request`.
        payload: the event as GitHub would send it.
        pack_dir: the pack, already rendered for act (no `$/` references).
        work_dir: an empty directory of the test; keeps logs and artifacts.
        pack_slug: OWNER/REPO under which the caller names the pack.
        pack_ref: the ref under which the caller names the pack.
        caller_slug: the caller's own OWNER/REPO (`github.repository`).
        env: variables for every job, such as GITHUB_API_URL.
        secrets: secrets by name; long values only, act masks each occurrence.
        variables: the `vars` context.
        standins: folders by OWNER/REPO or OWNER/REPO@ref, over the harness's own.
        mounts: host paths to mount, by their path in the job's container (`:ro` may follow).
        workflow: one file of `.github/workflows` to run; all of them by default.
        job: one job (with those it needs) to run; all of them by default.
        timeout_s: after this many seconds the run is ended.

    Raises:
        HarnessError: the machine cannot run it, or an action has no stand-in.
    """
    tag = f"x{random.token_hex(4)}"
    pack = workspace.copy_pack(pack_dir, work_dir / "pack")
    workspace.tag_workflows(pack, tag)
    known = {**workspace.default_standins(), **(standins or {}), f"{pack_slug}@{pack_ref}": pack}
    artifacts = work_dir / "artifacts"
    artifacts.mkdir()
    event_file = work_dir / "event.json"
    event_file.write_text(json.dumps(payload))
    with workspace.free_place() as place:
        caller = workspace.copy_caller(caller_dir, place, slug=caller_slug, tag=tag)
        command = [
            *_command(event, event_file, tag, caller, workflow, job),
            *workspace.resolve(workspace.used_actions(caller, pack, *known.values()), known),
            f"--container-options={_container_options(tag, {_CONTAINER_ARTIFACTS: artifacts, **(mounts or {})})}",
            *(f"--env={name}={value}" for name, value in _job_env(env).items()),
            *(f"--var={name}={value}" for name, value in (variables or {}).items()),
            *(f"--secret={name}" for name in secrets or {}),  # the value comes by act's environment
        ]
        started = time.monotonic()
        with _owned(tag):
            rc, timed_out = _execute(command, caller, work_dir, secrets or {}, timeout_s)
        duration_s = time.monotonic() - started
    raw = (work_dir / "act.log").read_text(errors="replace")
    trace = read_trace(raw, tag=tag)
    return ActRun(
        rc=rc,
        timed_out=timed_out,
        duration_s=duration_s,
        jobs=trace.jobs,
        job_names=trace.job_names,
        steps=tuple(trace.steps),
        outputs=trace.outputs,
        summaries=tuple(trace.summaries),
        annotations=tuple(trace.annotations),
        artifacts=artifacts,
        tag=tag,
        log="\n".join(trace.log),
        raw=raw,
    )


def _command(event: str, event_file: Path, tag: str, caller: Path, workflow: str | None, job: str | None) -> list[str]:
    image = ensure_image("runner").tag
    nothing = os.devnull  # the caller's own .env, .secrets and so on are not for act
    files = caller / ".github" / "workflows"
    return [
        str(ensure_tool("act")),
        event,
        "--json",
        "--rm",
        "--pull=false",
        "--no-cache-server",
        f"--workflows={files / workflow if workflow else files}",
        *([f"--job={job}"] if job else []),
        *(f"--platform={label}={image}" for label in _LABELS),
        f"--eventpath={event_file}",
        f"--env-file={nothing}",
        f"--secret-file={nothing}",
        f"--var-file={nothing}",
        f"--input-file={nothing}",
        f"--action-cache-path={harness_dir() / 'actions' / tag}",
    ]


def _job_env(env: Mapping[str, str] | None) -> dict[str, str]:
    return {"TRUEGREEN_CACHE": _CONTAINER_CACHE, "UV_CACHE_DIR": _CONTAINER_UV_CACHE, **(env or {})}


def _container_options(tag: str, mounts: Mapping[str, Path]) -> str:
    """Return docker options: our label, and the caches that make a second run fast.

    The containers' cache is not the host's: an environment holds the path of its
    interpreter. Tools that are one static program are shared with the host.
    """
    cache = harness_dir() / f"container-{_image_id(ensure_image('runner').tag)}"
    cache.mkdir(exist_ok=True)
    (harness_dir() / "uv").mkdir(exist_ok=True)
    binds = {_CONTAINER_CACHE: cache, _CONTAINER_UV_CACHE: harness_dir() / "uv"}
    for folder in sorted((cache_dir() / "tools").glob("*/")):
        if not any(folder.rglob("pyvenv.cfg")) and any(folder.iterdir()):
            binds[f"{_CONTAINER_CACHE}/tools/{folder.name}:ro"] = folder
    compose = find_tool("docker-compose")
    if compose:
        binds[f"{_CONTAINER_COMPOSE}:ro"] = compose
    words = [f"--label=truegreen.harness={tag}", "--init"]
    words += [f"--volume={source}:{target}" for target, source in {**binds, **mounts}.items()]
    return " ".join(words)


def _image_id(tag: str) -> str:
    inspected = run([docker_client(), "image", "inspect", "--format", "{{.Id}}", tag], fix=_REMEDY)
    return inspected.strip().removeprefix("sha256:")[:12]


def _execute(
    command: list[str], caller: Path, work_dir: Path, secrets: Mapping[str, str], timeout_s: float
) -> tuple[int, bool]:
    """Run act to its end or to the time-out; return its exit code and which it was."""
    home = work_dir / "home"  # so that the user's own actrc has no say
    (home / ".config" / "act").mkdir(parents=True)
    (home / ".config" / "act" / "actrc").touch()
    passed = {name: os.environ[name] for name in ("PATH", "DOCKER_HOST") if name in os.environ}
    environ = {**secrets, **passed, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    with (work_dir / "act.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=caller,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(timeout_s), False
        except subprocess.TimeoutExpired:
            return _TIMED_OUT, True
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End act if it still runs: first so that it cleans up, then for good."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_INTERRUPT_GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _owned(tag: str) -> Iterator[None]:
    """Note that this process owns the run `tag`; sweep it at the end."""
    runs = harness_dir() / "runs"
    runs.mkdir(exist_ok=True)
    sweep_dead_runs()
    note = runs / f"{tag}.{os.getpid()}"
    note.touch()
    try:
        yield
    finally:
        sweep(tag)
        note.unlink()


def sweep_dead_runs() -> int:
    """Sweep the runs whose process is gone; return how many."""
    swept = 0
    for note in (harness_dir() / "runs").glob("x*.*"):
        tag, _, pid = note.name.partition(".")
        if not Path(f"/proc/{pid}").exists():
            sweep(tag)
            note.unlink(missing_ok=True)
            swept += 1
    return swept


def sweep(tag: str) -> None:
    """Remove the containers, networks and volumes of one run, and nothing else."""
    client = docker_client()
    for kind, listing, remove in (
        ("container", ["ps", "--all"], ["rm", "--force", "--volumes"]),
        ("network", ["network", "ls"], ["network", "rm"]),
        ("volume", ["volume", "ls"], ["volume", "rm", "--force"]),
    ):
        filters = [f"name={tag}", f"label=truegreen.harness={tag}"] if kind == "container" else [f"name={tag}"]
        found: set[str] = set()
        for condition in filters:
            found.update(probe([client, *listing, "--quiet", f"--filter={condition}"]).stdout.split())
        if found:
            probe([client, *remove, *sorted(found)])

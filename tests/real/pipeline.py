"""A caller repository, made from the ledger, and its run through act."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.harness import act, images

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
FAULTS = ROOT / "examples" / "faults"
SLUG, REF, CALLER = "truegreen/truegreen", "v0", "example/caller"
STAGES = "unit wiring persistence"
HEAD, BASE, PUSHED = "a" * 40, "b" * 40, "c" * 40
# Long and alike to nothing else: act masks every occurrence of a secret.
GITHUB_TOKEN = "ghs_0123456789realpipelinetoken0123456789"
GITEA_TOKEN = "0123456789abcdefgiteatoken0123456789abcd"
_CODE = ("truegreen", "truegreen_pytest")
_SERVICES = ("postgres", "redis", "nats")
_TIMEOUT_S = 600
_PACK_IN_CONTAINER = "/opt/truegreen-pack"
_CALLER_WORKFLOW = """\
name: CI
on: [push, pull_request]
permissions: {{}}
jobs:
  truegreen:
    permissions: {{contents: read, pull-requests: write, checks: write, statuses: write}}
    uses: {slug}/.github/workflows/pipeline.yml@{ref}
    with:
      stages: {stages}
      python: "{python}"
      set: |
        {settings}
    secrets:
      slack-webhook-url: ${{{{ secrets.SLACK_WEBHOOK_URL }}}}
"""
_HISTORY_JOB = """\
  history:
    needs: truegreen
    if: ${{{{ !cancelled() }}}}
    permissions: {{contents: write}}
    uses: {slug}/.github/workflows/history.yml@{ref}
"""
_HISTORY = '\n[tool.truegreen.history]\nbranch = "truegreen-history"\n'
# A machine that runs other tests at the same time is slow: these budgets have tests of their own.
_PATIENT = (
    "report.check-run=true",
    "gates.time-budget.suite-s={unit = 600}",
    "gates.full-run-budget.max-s=1200",
    "unit.new-tests-s=8",
)
# A caller of one commit has no base; nobody could say what its pull request changes.
_WITHOUT_BASE = "gates.patch-coverage.enabled=false"
_CHANGE = {
    "src/ledger/rounding.py": "def whole_units(cents):\n    return cents // 100\n",
    "tests/unit/test_rounding.py": (
        "from ledger.rounding import whole_units\n\n\n"
        "def test_whole_units_are_rounded_down():\n    assert whole_units(199) == 1\n"
    ),
}


def render_pack(folder: Path) -> Path:
    """Return the pack as act can read it."""
    launcher = str(ROOT / "scripts" / "launch.py")
    options = ["--target", "act", "--repository", SLUG, "--ref", REF]
    subprocess.run([sys.executable, "-I", launcher, "render", "-q", *options, str(folder)], check=True)
    return folder


def light_pack(pack: Path, folder: Path) -> Path:
    """Return the same pack with its code behind a link, for `mount`: act copies a pack twenty times in a run."""
    shutil.copytree(pack, folder, ignore=lambda place, _: _CODE if place == str(pack / "scripts") else ())
    for name in _CODE:
        (folder / "scripts" / name).symlink_to(f"{_PACK_IN_CONTAINER}/scripts/{name}")
    return folder


def mount(pack: Path) -> dict[str, Path]:
    """Return what a run of a light pack mounts: the whole pack, in which the first job leaves its bytecode."""
    return {_PACK_IN_CONTAINER: pack}


def fault(name: str) -> dict[str, Any]:
    """Return the description of a fault."""
    return tomllib.loads((FAULTS / name / "fault.toml").read_text(encoding="utf-8"))


def in_containers() -> tuple[str, ...]:
    """Return settings that run the services from the images built here."""
    return tuple(f"services.{name}.image={images.ensure_image(name).tag}" for name in _SERVICES)


def embedded() -> tuple[str, ...]:
    """Return settings that run the services as plain processes inside the job."""
    return tuple(f"services.{name}.provider=embedded" for name in _SERVICES)


def make_caller(
    folder: Path,
    *,
    stages: str = STAGES,
    plant: str = "",
    python: str = "",
    settings: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    with_base: bool = False,
    with_history: bool = False,
) -> Path:
    """Return a copy of the ledger that calls the pipeline.

    Args:
        folder: where it goes; must not exist yet.
        stages: the stages it asks for.
        plant: name of a fault to apply.
        python: versions of the unit matrix.
        settings: lines of the `set` input.
        files: text of further files, by path; an existing file is extended.
        with_base: whether a base is known, so that the lines of the change are judged.
        with_history: whether a job of its own keeps each run on a branch.
    """
    ignored = shutil.ignore_patterns(".venv", "__pycache__", ".truegreen", ".hypothesis")
    shutil.copytree(ROOT / "examples" / "ledger", folder, ignore=ignored)
    if plant:
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        subprocess.run(["git", "apply", str(FAULTS / plant / "fault.patch")], cwd=folder, check=True)
        shutil.rmtree(folder / ".git")
    known = () if with_base else (_WITHOUT_BASE,)
    lines = "\n        ".join((*_PATIENT, *known, *(settings or in_containers())))
    workflow = _CALLER_WORKFLOW.format(slug=SLUG, ref=REF, stages=stages, python=python, settings=lines)
    texts = {".github/workflows/ci.yml": workflow, **(files or {})}
    if with_history:
        texts[".github/workflows/ci.yml"] += _HISTORY_JOB.format(slug=SLUG, ref=REF)
        texts["pyproject.toml"] = texts.get("pyproject.toml", "") + _HISTORY
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    return folder


def commit(caller: Path) -> str:
    """Make the caller a repository with one commit and return the commit."""
    for words in (["init", "-q", "-b", "main"], ["remote", "add", "origin", f"https://github.com/{CALLER}.git"]):
        subprocess.run(["git", *words], cwd=caller, check=True)
    return committed(caller, "caller")


def committed(caller: Path, message: str) -> str:
    """Commit all that changed in a caller and return the commit."""
    identity = ["-c", "user.name=caller", "-c", "user.email=caller@example.invalid", "-c", "commit.gpgsign=false"]
    for words in (["add", "-A"], [*identity, "commit", "-q", "-m", message]):
        subprocess.run(["git", *words], cwd=caller, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=caller, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def change(caller: Path) -> tuple[str, str]:
    """Add a change with a test of its own on top of a committed caller; return the base and the head."""
    base = commit(caller)
    for name, text in _CHANGE.items():
        (caller / name).write_text(text, encoding="utf-8")
    return base, committed(caller, "rounding")


def push() -> dict[str, Any]:
    """Return the payload of a push to the default branch."""
    repository = {"default_branch": "main", "full_name": CALLER}
    return {"ref": "refs/heads/main", "after": PUSHED, "before": BASE, "repository": repository}


def pull_request(head: str = HEAD, number: int = 7, base: str = BASE, fork: str = "") -> dict[str, Any]:
    """Return the payload of a pull request from a branch of the same repository, or of a fork of it."""
    repository = {"default_branch": "main", "full_name": CALLER}
    ends = {
        "head": {"ref": "topic", "sha": head, "repo": {"full_name": fork} if fork else repository},
        "base": {"ref": "main", "sha": base, "repo": repository},
    }
    return {"number": number, "pull_request": {"number": number, "labels": [], **ends}, "repository": repository}


def run(caller: Path, pack: Path, work: Path, payload: Mapping[str, Any], **options: Any) -> act.ActRun:
    """Run the caller's workflow in containers, for the event that the payload is of."""
    event = "pull_request" if "pull_request" in payload else "push"
    return act.run_workflow(
        caller, event, payload, pack_dir=pack, work_dir=work, caller_slug=CALLER, timeout_s=_TIMEOUT_S, **options
    )


def outputs(done: act.ActRun) -> dict[str, str]:
    """Return the outputs that the pipeline gives to its caller."""
    plan, report = done.outputs.get("plan.plan", {}), done.outputs.get("report.report", {})
    return {**{key: plan[key] for key in ("stages", "python") if key in plan}, **report}


def record(done: act.ActRun, artifact: str) -> dict[str, Any]:
    """Return the stage's record from an artifact."""
    return read(done, artifact, "stage.json")


def verdict(done: act.ActRun) -> dict[str, Any]:
    """Return the report of the run."""
    return read(done, "truegreen-report", "verdict.json")


def statuses(done: act.ActRun) -> dict[str, str]:
    """Return stage → status of the stages that were planned."""
    return {
        stage["stage"]: stage["status"]
        for stage in verdict(done)["stages"]
        if stage["stage"] in outputs(done)["stages"]
    }


def read(done: act.ActRun, artifact: str, name: str) -> dict[str, Any]:
    """Return a JSON file of an artifact."""
    text = done.artifact(artifact)[name].read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def summary(done: act.ActRun) -> str:
    """Return what the run wrote on its summary page."""
    return "\n".join(done.summaries)

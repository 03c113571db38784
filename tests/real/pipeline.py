"""A caller repository, made from the ledger, and its run through act."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.harness import act, images

ROOT = Path(__file__).resolve().parents[2]
SLUG, REF = "truegreen/truegreen", "v0"
_CALLER = """\
name: CI
on: [push, pull_request]
permissions: {{}}
jobs:
  truegreen:
    permissions: {{contents: read, pull-requests: write, checks: write, statuses: write}}
    uses: {slug}/.github/workflows/pipeline.yml@{ref}
    with:
      stages: {stages}
      set: |
        services.postgres.image={postgres}
        services.redis.image={redis}
        services.nats.image={nats}
        gates.time-budget.suite-s={{unit = 600}}
        gates.full-run-budget.max-s=1200
    secrets:
      slack-webhook-url: ${{{{ secrets.SLACK_WEBHOOK_URL }}}}
"""
PUSH = {"ref": "refs/heads/main", "repository": {"default_branch": "main", "full_name": "example/caller"}}


def render_pack(folder: Path, python: str) -> Path:
    """Return the pack as act can read it."""
    launcher = str(ROOT / "scripts" / "launch.py")
    command = [
        python,
        "-I",
        launcher,
        "render",
        "-q",
        "--target",
        "act",
        "--repository",
        SLUG,
        "--ref",
        REF,
        str(folder),
    ]
    subprocess.run(command, check=True)
    return folder


def make_caller(folder: Path, *, stages: str, fault: str = "") -> Path:
    """Return a copy of the ledger that calls the pipeline, with a fault where one is named."""
    ignored = shutil.ignore_patterns(".venv", "__pycache__", ".truegreen", ".hypothesis")
    shutil.copytree(ROOT / "examples" / "ledger", folder, ignore=ignored)
    if fault:
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        subprocess.run(
            ["git", "apply", str(ROOT / "examples" / "faults" / fault / "fault.patch")], cwd=folder, check=True
        )
        shutil.rmtree(folder / ".git")
    workflow = folder / ".github" / "workflows" / "ci.yml"
    workflow.parent.mkdir(parents=True)
    names = {name: images.ensure_image(name) for name in ("postgres", "redis", "nats")}
    workflow.write_text(_CALLER.format(slug=SLUG, ref=REF, stages=stages, **names), encoding="utf-8")
    return folder


def run(caller: Path, pack: Path, work: Path, *, event: str = "push", **options: object) -> act.ActRun:
    """Run the caller's workflow in containers."""
    return act.run_workflow(caller, event, PUSH, pack_dir=pack, work_dir=work, timeout_s=900, **options)

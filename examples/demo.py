"""`make demo`: let truegreen judge the ledger; `make demo FAULT=unwired` plants a fault first.

Works on a copy in build/demo, with real PostgreSQL, Redis and NATS: in containers where an engine and the
images are there, else embedded.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEDGER = ROOT / "examples" / "ledger"
FAULTS = ROOT / "examples" / "faults"
WORK = ROOT / "build" / "demo"
BASE_IMAGES = ("python:3.12-slim-bookworm", "truegreen-test/python:3.11")
IDENTITY = ("-c", "user.name=demo", "-c", "user.email=demo@example.invalid")
# What the demo shows must not depend on how busy the machine is; a budget is for a project's own CI.
BUDGETS = ("gates.time-budget.suite-s={unit = 150}", "gates.full-run-budget.max-s=1500")
IGNORED = shutil.ignore_patterns(".venv", ".truegreen", "__pycache__", ".hypothesis", ".pytest_cache", ".coverage*")


def main(fault: str = "") -> int:
    """Run the demo and return truegreen's exit code."""
    known = sorted(path.parent.name for path in FAULTS.glob("*/fault.toml"))
    if fault == "list":
        for name in known:
            print(f"{name:20} {describe(name)['title']}; red: {', '.join(describe(name)['stages'])}")
        return 0
    if fault and fault not in known:
        print(f"error: there is no fault {fault!r}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    started = time.monotonic()
    project = prepare(fault)
    if fault:
        print(f"fault {fault}: {describe(fault)['story']}\n", flush=True)
    with advisories() as osv_url:
        code = judge(project, osv_url)
    print(f"\ndemo: {time.monotonic() - started:.0f} s, exit code {code}")
    print(f"report: {project / '.truegreen' / 'report' / 'report.html'}")
    return code


def describe(name: str) -> dict[str, object]:
    """Return the description of a fault."""
    return tomllib.loads((FAULTS / name / "fault.toml").read_text(encoding="utf-8"))


def prepare(fault: str) -> Path:
    """Return a fresh copy of the ledger in a repository of its own, with the fault in its work tree."""
    project = WORK / (fault or "ledger")
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(LEDGER, project, ignore=IGNORED)
    for command in (["init", "-q"], ["add", "-A"], [*IDENTITY, "commit", "-q", "-m", "ledger"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    if fault:
        subprocess.run(["git", "apply", str(FAULTS / fault / "fault.patch")], cwd=project, check=True)
        subprocess.run(["git", *IDENTITY, "commit", "-q", "-a", "-m", fault], cwd=project, check=True)
    return project


@contextlib.contextmanager
def advisories() -> Iterator[str]:
    """Serve the bundled advisories (dated October 2024), so that the demo needs no advisory service."""
    command = [sys.executable, "-m", "tests.support.osv_server", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            yield line.strip().rpartition(" ")[2]
        finally:
            server.terminate()


def judge(project: Path, osv_url: str) -> int:
    """Run every stage that this machine can run."""
    settings = [*BUDGETS, f"security-scan.osv-url={osv_url}"]
    image, reason = base_image()
    if image:
        settings.append(f'signed-image.build-args={{PYTHON_IMAGE = "{image}"}}')
    elif reason:
        settings += ["signed-image.enabled=false", f"signed-image.why={reason}"]
    options = [word for text in settings for word in ("--set", text)]
    env = {key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")}
    command = [sys.executable, "-I", str(ROOT / "scripts" / "launch.py"), "run", *options]
    return subprocess.run(command, cwd=project, env=env, check=False).returncode


def base_image() -> tuple[str, str]:
    """Return a base image that can be had here, or the reason why something could build but has none."""
    if shutil.which("docker") and quiet("docker", "version"):
        has, pull = ("docker", "image", "inspect"), ("docker", "pull", "-q")
    elif shutil.which("buildah"):
        has = ("buildah", "--storage-driver", "vfs", "inspect", "--type", "image")
        pull = ("buildah", "--storage-driver", "vfs", "pull", "-q")
    else:
        return "", ""  # the stage itself says that it is skipped, and why
    for image in BASE_IMAGES:
        if quiet(*has, image) or (":3.12" in image and quiet(*pull, image)):
            return image, ""
    return "", f"none of {', '.join(BASE_IMAGES)} is here or can be pulled"


def quiet(*command: str) -> bool:
    """Return whether a command succeeds; its output is of no interest."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))

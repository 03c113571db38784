"""The application as a compose project, on a real engine."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from typing import TYPE_CHECKING

import pytest
from tests.harness.engine import ensure_engine
from tests.harness.images import ensure_image
from tests.harness.tools import ensure_tool
from tests.support.stage_contexts import stage_context

from truegreen.config.schema import ProcessOptions
from truegreen.errors import ConfigurationError, EngineMissing, PortInUse, ProcessNotReady, ToolFailed
from truegreen.stages.common import compose_engine, stack
from truegreen.stages.common.options import StackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truegreen.stages.common.context import StageContext

pytestmark = [pytest.mark.docker, pytest.mark.slow]

STACK = """
services:
  migrate:
    image: {image}
    command: ["python3", "-c", "print('migrated')"]
  api:
    image: {image}
    command: {api}
    ports: ["127.0.0.1::8000"]
    stop_signal: SIGKILL
    depends_on:
      migrate: {{condition: service_completed_successfully}}
    healthcheck:
      test: {health}
      interval: 200ms
      timeout: 2s
      retries: 3
    volumes: ["data:/data"]
volumes:
  data: {{}}
"""
SERVE = ["python3", "-m", "http.server", "8000"]
ASK = ["CMD", "python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000')"]


@pytest.fixture(scope="module")
def image() -> str:
    ensure_engine()
    return ensure_image("python").tag


@pytest.fixture(scope="module")
def path(image: str) -> str:
    return f"{ensure_tool('docker-compose').parent}{os.pathsep}{os.environ['PATH']}"


def context(
    root: Path,
    path: str,
    compose: str,
    *,
    processes: dict[str, ProcessOptions] | None = None,
    **options: object,
) -> StageContext:
    (root / "compose.yaml").write_text(compose)
    env = {"PATH": path, "TRUEGREEN_CACHE": str(root / "cache")}
    return stage_context(root, StackOptions(**options), processes=processes, env=env)  # type: ignore[arg-type]


def compose(image: str, *, api: list[str] = SERVE, health: list[str] = ASK) -> str:
    return STACK.format(image=image, api=json.dumps(api), health=json.dumps(health))


def left_behind() -> list[str]:
    """Return containers, networks and volumes of projects that we started."""
    found = []
    for words in (("ps", "-a"), ("network", "ls"), ("volume", "ls")):
        listing = ["docker", *words, "--filter", "label=com.docker.compose.project", "--format", "{{.Labels}}"]
        done = subprocess.run(listing, capture_output=True, text=True, check=True)
        mark = f"-{os.getpid()}-"
        found += [line for line in done.stdout.splitlines() if "project=truegreen-" in line and mark in line]
    return found


def test_stack_with_one_shot_is_ready_exported_logged_and_removed(tmp_path: Path, path: str, image: str) -> None:
    stage = context(
        tmp_path,
        path,
        compose(image),
        compose_export={"BASE_URL": "http://{api:8000}"},
        compose_ready=["http://{api:8000}/"],
    )
    with stack.running(stage, stage.env) as running:
        assert running.kind == "compose"
        with urllib.request.urlopen(running.exports["BASE_URL"], timeout=5) as reply:
            assert reply.status == 200
        assert any("one-shots that ended with 0: migrate" in note for note in running.notes)
        assert left_behind()
    assert left_behind() == []
    assert "migrated" in (stage.out / "stack" / "migrate.log").read_text()
    assert "GET / HTTP" in (stage.out / "stack" / "api.log").read_text()
    states = json.loads((stage.out / "stack" / "containers.json").read_text())
    assert [(state["service"], state["status"]) for state in states] == [("api", "running"), ("migrate", "exited")]


def test_service_that_ends_with_an_error_fails_at_once_with_its_log(tmp_path: Path, path: str, image: str) -> None:
    broken = ["python3", "-c", "import time; time.sleep(0.3); raise SystemExit('no route to database')"]
    stage = context(tmp_path, path, compose(image, api=broken), ready_timeout_s=60.0)
    start = time.monotonic()
    with pytest.raises(ProcessNotReady, match="service api ended with 1") as caught, stack.running(stage, stage.env):
        pass
    assert "no route to database" in caught.value.why
    assert time.monotonic() - start < 30
    assert "no route to database" in (stage.out / "stack" / "api.log").read_text()
    assert left_behind() == []


def ending(image: str) -> str:
    """Return the stack with a worker beside it that ends with 0 at once."""
    worker = f"  worker:\n    image: {image}\n    entrypoint: [sh, -c, exit 0]\n"
    return compose(image).replace("services:\n", f"services:\n{worker}")


def test_service_that_ends_with_0_and_nobody_awaits_fails_with_both_remedies(
    tmp_path: Path, path: str, image: str
) -> None:
    stage = context(tmp_path, path, ending(image), ready_timeout_s=60.0)
    with pytest.raises(ProcessNotReady) as caught, stack.running(stage, stage.env):
        time.sleep(1)
    told = f"{caught.value.what} {caught.value.why}"
    assert "service worker ended with 0" in told
    assert "service_completed_successfully" in caught.value.fix
    assert "one-shot" in caught.value.fix
    assert left_behind() == []


def test_service_that_the_option_names_may_end_with_0(tmp_path: Path, path: str, image: str) -> None:
    stage = context(tmp_path, path, ending(image), one_shot=["worker"])
    with stack.running(stage, stage.env) as running:
        assert any("one-shots that ended with 0: migrate, worker" in note for note in running.notes)


def test_one_shot_that_is_no_service_is_a_configuration_error(tmp_path: Path, path: str, image: str) -> None:
    stage = context(tmp_path, path, compose(image), one_shot=["migrations"])
    with pytest.raises(ConfigurationError, match="migrations") as caught, stack.running(stage, stage.env):
        pass
    assert "api, migrate" in caught.value.fix


def test_unhealthy_service_fails_at_once(tmp_path: Path, path: str, image: str) -> None:
    stage = context(
        tmp_path, path, compose(image, health=["CMD-SHELL", "echo no database; exit 1"]), ready_timeout_s=60.0
    )
    start = time.monotonic()
    with pytest.raises(ProcessNotReady, match="service api is unhealthy") as caught, stack.running(stage, stage.env):
        pass
    assert "exit code 1: no database" in caught.value.why
    assert time.monotonic() - start < 30


def test_service_that_dies_during_the_tests_fails_the_stage(tmp_path: Path, path: str, image: str) -> None:
    mortal = ["python3", "-c", "import time; print('working', flush=True); time.sleep(3); raise SystemExit(9)"]
    stage = context(tmp_path, path, compose(image, api=mortal, health=["CMD", "true"]))
    with pytest.raises(ProcessNotReady, match="ended during") as caught, stack.running(stage, stage.env):
        time.sleep(4)
    assert "service api ended with 9" in caught.value.why


def test_image_that_cannot_be_had_falls_back_to_processes_and_says_so(tmp_path: Path, path: str) -> None:
    ready = ProcessOptions(
        command=[sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"], ready="log:up"
    )
    stage = context(tmp_path, path, compose("127.0.0.1:9/none:1"), processes={"api": ready})
    with stack.running(stage, stage.env) as running:
        assert running.kind == "processes"
        assert "an image could not be had" in running.notes[0]
        assert "127.0.0.1:9" in running.notes[0]


def test_image_that_cannot_be_had_without_processes_is_a_failed_tool(tmp_path: Path, path: str) -> None:
    stage = context(tmp_path, path, compose("127.0.0.1:9/none:1"))
    with pytest.raises(ToolFailed, match="pull") as caught, stack.running(stage, stage.env):
        pass
    assert "127.0.0.1:9" in caught.value.why


def test_invalid_compose_file_is_a_configuration_error(tmp_path: Path, path: str) -> None:
    stage = context(tmp_path, path, "services:\n  api:\n    imagge: x\n")
    with pytest.raises(ConfigurationError, match="not valid"), stack.running(stage, stage.env):
        pass


def test_port_that_is_not_published_is_a_configuration_error(tmp_path: Path, path: str, image: str) -> None:
    stage = context(tmp_path, path, compose(image), compose_export={"BASE_URL": "http://{api:9999}"})
    with pytest.raises(ConfigurationError, match="does not publish port 9999"), stack.running(stage, stage.env):
        pass
    assert left_behind() == []


def test_compose_without_an_engine_is_missing(tmp_path: Path, path: str, image: str) -> None:
    stage = context(tmp_path, str(tmp_path), compose(image), mode="compose")
    with pytest.raises(EngineMissing) as caught, stack.running(stage, stage.env):
        pass
    assert "docker is not on PATH" in caught.value.why


def test_project_of_a_killed_run_is_removed_by_the_next(tmp_path: Path, path: str, image: str) -> None:
    found = compose_engine.find(stage_context(tmp_path, StackOptions()).processes, {**os.environ, "PATH": path})
    assert not isinstance(found, str)
    stage = context(tmp_path, path, compose(image))
    machine = stack.choose(stage, stage.env)._name.rsplit("-", 2)[0]  # type: ignore[attr-defined]
    orphan = f"{machine}-999999999-1"
    subprocess.run([*found.command, "-p", orphan, "up", "-d"], cwd=tmp_path, check=True, capture_output=True)
    try:
        with stack.running(stage, stage.env) as running:
            assert any(orphan in note for note in running.notes)
        listing = ["docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={orphan}"]
        assert subprocess.run(listing, capture_output=True, text=True, check=True).stdout == ""
    finally:
        subprocess.run([*found.command, "-p", orphan, "down", "-v"], cwd=tmp_path, check=False, capture_output=True)


def test_exports_and_readiness_come_from_the_process_of_the_same_name(tmp_path: Path, path: str, image: str) -> None:
    api = ProcessOptions(
        command=["unused"], ready="http://127.0.0.1:{port}/", export={"APP_BASE_URL": "http://127.0.0.1:{port}"}
    )
    stage = context(tmp_path, path, compose(image), processes={"api": api})
    with stack.running(stage, stage.env) as running:
        assert running.kind == "compose"
        with urllib.request.urlopen(running.exports["APP_BASE_URL"], timeout=5) as reply:
            assert reply.status == 200


def test_published_port_in_use_is_named(tmp_path: Path, path: str, image: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        fixed = f"127.0.0.1:{taken.getsockname()[1]}:8000"
        stage = context(tmp_path, path, compose(image).replace("127.0.0.1::8000", fixed))
        with pytest.raises(PortInUse) as caught, stack.running(stage, stage.env):
            pass
    assert fixed.split(":")[1] in caught.value.why
    assert left_behind() == []


def test_built_service_is_built_and_its_project_image_removed(tmp_path: Path, path: str, image: str) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {image}\nRUN echo built > /built\n")
    built = compose(image, api=["sh", "-c", "cat /built; exec python3 -m http.server 8000"])
    head, _, tail = built.rpartition(f"    image: {image}\n")
    stage = context(tmp_path, path, f"{head}    build: .\n{tail}")
    with stack.running(stage, stage.env):
        pass
    assert "built" in (stage.out / "stack" / "api.log").read_text()
    assert (stage.out / "stack" / "compose-build.log").is_file()
    listing = ["docker", "images", "--format", "{{.Repository}}"]
    names = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.splitlines()
    cache = f"truegreen-build/{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]}"
    assert cache in names
    subprocess.run(["docker", "rmi", f"{cache}:api"], check=True, capture_output=True)
    assert not [name for name in names if f"-{os.getpid()}-" in name]


@pytest.fixture
def failing_step() -> Iterator[str]:
    """A command of a Dockerfile that fails; the engine keeps the container of such a step, so it is removed here."""
    command = f"echo no compiler {uuid.uuid4().hex}; exit 4"
    yield command
    listing = ["docker", "ps", "--all", "--no-trunc", "--filter=status=exited", "--format", "{{.ID}} {{.Command}}"]
    listed = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    left = [line.split()[0] for line in listed.splitlines() if command in line]
    if left:
        subprocess.run(["docker", "rm", *left], check=True, capture_output=True)


def test_build_that_fails_is_told_and_does_not_fall_back(
    tmp_path: Path, path: str, image: str, failing_step: str
) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {image}\nRUN {failing_step}\n")
    processes = {"api": ProcessOptions(command=["unused"])}
    stage = context(tmp_path, path, "services:\n  api:\n    build: .\n", processes=processes)
    with pytest.raises(ToolFailed, match="compose build") as caught, stack.running(stage, stage.env):
        pass
    assert "no compiler" in caught.value.why

"""Ctrl-C or a kill in the middle of `truegreen services up`: whatever was started, nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.harness.engine import docker_client
from tests.harness.images import ensure_image, image_tag

from truegreen.services.providers.containers import LABEL

pytestmark = pytest.mark.slow
NAP = "one-shot = true\ncommand = ['sleep', '60']"
EMBEDDED = f"""
[tool.truegreen.services.postgres]
provider = "embedded"
[tool.truegreen.services.redis]
provider = "embedded"
[tool.truegreen.services.nap]
needs = ["postgres", "redis"]
{NAP}
"""
CONTAINERS = f"""
[tool.truegreen.services.redis]
provider = "containers"
image = "{image_tag("redis")}"
[tool.truegreen.services.slow]
kind = "redis"
provider = "containers"
image = "{image_tag("redis")}"
command = ["sleep", "60"]
[tool.truegreen.services.nap]
needs = ["redis"]
image = "{image_tag("redis")}"
{NAP}
"""


@pytest.fixture
def begin(tmp_path):
    """Start `truegreen services up` in a project; whatever becomes of it, it is killed at the end."""
    begun = []
    home = os.environ.get("TRUEGREEN_CACHE") or str(Path.home() / ".cache" / "truegreen")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "tools").symlink_to(Path(home) / "tools")  # sessions of its own, the machine's tools

    def start(text, *names, command=("services", "up")):
        (tmp_path / "pyproject.toml").write_text(f"[project]\nname = 'x'\nversion = '1'\n{text}")
        begun.append(
            subprocess.Popen(
                [sys.executable, "-m", "truegreen", *command, *names],
                cwd=tmp_path,
                env={**os.environ, "TRUEGREEN_CACHE": str(tmp_path / "cache")},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()
        process.stdout.close()


def until(condition, limit_s=30):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def of_cache(folder):
    """Return the processes that work below a folder: the embedded servers run in their data folders."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            where = str((process / "cwd").readlink())
        except OSError:
            continue
        if line and int(process.name) != os.getpid() and str(folder) in f"{line} {where}":
            found.append(line)
    return found


def logged(folder, name):
    return (folder / ".truegreen" / "services" / f"{name}.log").is_file()


def interrupt(process):
    os.kill(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    return said


def test_interrupt_leaves_no_embedded_server_and_no_one_shot(begin, tmp_path):
    process = begin(EMBEDDED)
    until(lambda: logged(tmp_path, "nap") or process.poll() is not None)
    started = [line for line in of_cache(tmp_path) if "sleep 60" in line]
    assert started, process.communicate()[0]
    said = interrupt(process)
    assert process.returncode != 0
    assert "Traceback" not in said
    assert of_cache(tmp_path) == []
    assert list((tmp_path / "cache" / "sessions").glob("*.json")) == []


@pytest.mark.parametrize("after_s", [0, 0.05, 0.15, 0.4])
def test_interrupt_at_any_moment_leaves_nothing(begin, tmp_path, after_s):
    process = begin(EMBEDDED)
    until(lambda: any((tmp_path / "cache" / "sessions").glob("*.json")) or process.poll() is not None)
    time.sleep(after_s)
    said = interrupt(process)
    assert "Traceback" not in said
    assert of_cache(tmp_path) == []
    assert list((tmp_path / "cache" / "sessions").glob("*.json")) == []


@pytest.mark.parametrize("command", [("services", "up"), ("services", "down"), ("run", "unit")])
def test_one_shot_of_a_start_that_was_killed_is_ended_by_the_next_one(begin, tmp_path, command):
    nap = f"[tool.truegreen.services.nap]\n{NAP}\n"
    killed = begin(nap)
    until(lambda: any((tmp_path / "cache" / "programs").glob("*.json")) or killed.poll() is not None)
    killed.kill()
    killed.wait()
    assert any("sleep 60" in line for line in of_cache(tmp_path))  # its folder is the project
    after = begin('[tool.truegreen.services.fast]\none-shot = true\ncommand = ["true"]\n', command=command)
    said, _ = after.communicate(timeout=60)
    assert "ended 1 program(s) that a killed run left behind" in said
    assert of_cache(tmp_path) == []
    assert list((tmp_path / "cache" / "programs").glob("*.json")) == []


def test_interrupt_of_a_run_ends_the_installation_and_the_services_beside_it(begin, tmp_path):
    text = '[tool.truegreen]\ninstall = ["sleep 60"]\n[tool.truegreen.unit]\nservices = ["postgres"]\n'
    process = begin(text + '[tool.truegreen.services.postgres]\nprovider = "embedded"\n', command=("run", "unit"))
    until(lambda: logged(tmp_path, "postgres") or process.poll() is not None)
    until(lambda: any("sleep 60" in line for line in of_cache(tmp_path)) or process.poll() is not None)
    assert process.poll() is None, process.communicate()[0]
    said = interrupt(process)
    assert "Traceback" not in said
    assert of_cache(tmp_path) == []
    assert list((tmp_path / "cache" / "sessions").glob("*.json")) == []


def test_service_that_fails_ends_the_installation_beside_it(begin, tmp_path):
    text = '[tool.truegreen]\ninstall = ["sleep 60"]\n[tool.truegreen.unit]\nservices = ["bad"]\n'
    bad = '[tool.truegreen.services.bad]\none-shot = true\ncommand = ["sh", "-c", "sleep 1; exit 5"]\n'
    process = begin(text + bad, command=("run", "unit"))
    said, _ = process.communicate(timeout=50)
    assert "the one-shot service bad failed" in said
    assert of_cache(tmp_path) == []


@pytest.mark.docker
def test_interrupt_leaves_no_container(begin, tmp_path):
    ensure_image("redis")
    process = begin(CONTAINERS)
    sessions = tmp_path / "cache" / "sessions"

    def labelled(session):
        words = [docker_client(), "ps", "--all", "--quiet", "--filter", f"label={LABEL}={session}"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()

    until(lambda: any(sessions.glob("*.json")) or process.poll() is not None)
    (path,) = sessions.glob("*.json")
    until(lambda: len(labelled(path.stem)) == 3 or process.poll() is not None)
    assert len(labelled(path.stem)) == 3, process.communicate()[0]
    said = interrupt(process)
    assert "Traceback" not in said
    assert labelled(path.stem) == []
    assert list(sessions.glob("*.json")) == []

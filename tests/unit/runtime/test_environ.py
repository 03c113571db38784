"""The environment and the machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from truegreen.runtime import environ


def test_current_is_a_copy(monkeypatch):
    monkeypatch.setenv("TG_PROBE", "1")
    env = environ.current()
    assert env["TG_PROBE"] == "1"
    env["TG_PROBE"] = "2"
    assert os.environ["TG_PROBE"] == "1"


@pytest.mark.parametrize(
    ("env", "wanted"),
    [
        ({"TRUEGREEN_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"TRUEGREEN_CACHE": "", "XDG_CACHE_HOME": "/b"}, "/b/truegreen"),
        ({"XDG_CACHE_HOME": ""}, "/home/me/.cache/truegreen"),
        ({}, "/home/me/.cache/truegreen"),
    ],
)
def test_cache_dir_is_the_most_explicit_one(monkeypatch, env, wanted):
    monkeypatch.setenv("HOME", "/home/me")
    assert environ.cache_dir(env) == Path(wanted)


@pytest.mark.parametrize(
    ("env", "wanted"),
    [
        ({"GITHUB_ACTIONS": "true"}, True),
        ({"CI": "true"}, True),
        ({"CI": "TRUE"}, True),
        ({"CI": "1"}, True),
        ({"CI": "false"}, False),
        ({"CI": "0"}, False),
        ({"CI": ""}, False),
        ({"GITHUB_ACTIONS": "false"}, False),
        ({}, False),
    ],
)
def test_in_ci_only_where_it_is_said(env, wanted):
    assert environ.in_ci(env) is wanted


def test_platform_name_tells_system_machine_and_interpreter():
    name = environ.platform_name()
    assert name == name.lower()
    assert name.endswith(f" cpython-{platform.python_version()}")
    assert platform.machine() in name


def test_isolated_python_reads_nothing_of_the_caller(tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "json.py")}
    argv = [*environ.isolated_python(), "-c", "import json, sys; print(sys.executable, sys.flags.isolated)"]
    done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == ([sys.executable, "1"], "")

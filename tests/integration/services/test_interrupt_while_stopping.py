"""A signal that comes while servers are stopped and folders removed is the first one, and leaves none of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from truegreen.errors import EXIT_ENGINE

pytestmark = pytest.mark.slow
HOOK = """
import os, signal, sys
from truegreen.__main__ import main

came = []

def at(event, arguments):
    # Python tells of a folder that it is about to remove: just then the signal comes.
    if event == "shutil.rmtree" and PART in str(arguments[0]) and not came:
        came.append(arguments[0])
        os.kill(os.getpid(), signal.SIGNAME)

sys.addaudithook(at)
code = main(sys.argv[1:])
sys.exit(code if came else 99)
"""
SERVICES = "".join(
    f'[tool.truegreen.services.{name}]\nkind = "redis"\nprovider = "embedded"\n' for name in ("one", "two", "three")
)


@pytest.fixture
def project(tmp_path):
    """A project whose lint stage needs three servers, with a cache and a folder for temporary files of its own."""
    home = os.environ.get("TRUEGREEN_CACHE") or str(Path.home() / ".cache" / "truegreen")
    for name in ("project", "cache", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "cache" / "tools").symlink_to(Path(home) / "tools")
    table = '[tool.truegreen.lint]\nservices = ["one", "two", "three"]\n'
    (tmp_path / "project" / "pyproject.toml").write_text(f"[project]\nname = 'x'\nversion = '1'\n{table}{SERVICES}")
    (tmp_path / "project" / "a.py").write_text("A = 1\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], cwd=tmp_path / "project", check=True)
    return tmp_path


def run(project, *command, part, name="SIGTERM"):
    return subprocess.run(
        [sys.executable, "-c", HOOK.replace("PART", repr(part)).replace("SIGNAME", name), *command],
        cwd=project / "project",
        env={**os.environ, "TRUEGREEN_CACHE": str(project / "cache"), "TMPDIR": str(project / "tmp")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def left(project):
    """Return the folders, sessions and processes that are left."""
    homes = (project / "tmp", project / "tmp" / "truegreen-0", project / "cache" / "data")
    found = [path.name for home in homes for path in home.glob("*") if path.name != "truegreen-0"]
    found += [path.name for path in (project / "cache" / "sessions").glob("*.json")]
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            found += [path.parent.name] if str(path.readlink()).startswith(str(project)) else []
        except OSError:
            continue
    return found


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signal_while_a_stage_stops_its_servers_leaves_none(project, name):
    done = run(project, "run", "lint", part="/three-", name=name)
    assert done.returncode == EXIT_ENGINE, done.stderr
    assert "TG308" in done.stderr
    assert left(project) == []


def test_signal_while_services_down_stops_servers_leaves_none(project):
    run(project, "services", "up", part="nothing")
    assert len(left(project)) == 7  # a folder and a server each, and the session
    done = run(project, "services", "down", part="/three-")
    assert done.returncode == EXIT_ENGINE, done.stderr
    assert left(project) == []


def test_signal_while_a_copy_of_the_index_is_removed_leaves_none(project):
    (project / "project" / "a.py").write_text("A = 2\n")  # no commit says what the tree is
    done = run(project, "run", "lint", part="truegreen-tree-")
    assert done.returncode == EXIT_ENGINE, done.stderr
    assert left(project) == []


RECORDED = """
import json, os, signal, sys, tempfile
from pathlib import Path
from truegreen import __main__ as program
from truegreen.runtime import interrupts
from truegreen.stages.common import watch
from truegreen.stages.common.recorder import Recorder

program._catch_signals(interrupts.interrupt)
came = []

def at(event, arguments):
    if event == "shutil.rmtree" and "/tg-" in str(arguments[0]) and not came:
        came.append(arguments[0])
        os.kill(os.getpid(), signal.SIGTERM)

sys.addaudithook(at)
root = Path.cwd()
(root / "out").mkdir()
stores = watch.watched([watch.folder("out", root)])
try:
    with Recorder(stores, root).listening():
        pass
except KeyboardInterrupt:
    print(json.dumps([len(came), sorted(os.listdir(tempfile.gettempdir())), [s.file for s in stores]]))
"""


def test_signal_while_the_recorder_ends_leaves_its_evidence_and_no_folder(project):
    env = {**os.environ, "TMPDIR": str(project / "tmp")}
    argv = [sys.executable, "-c", RECORDED]
    done = subprocess.run(argv, cwd=project, env=env, capture_output=True, text=True, check=False, timeout=60)
    came, folders, names = json.loads(done.stdout)
    assert (came, folders) == (1, [])
    assert (project / names[0]).is_file()

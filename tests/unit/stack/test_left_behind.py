"""What a killed run left: told from what a live run elsewhere still needs."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from truegreen.runtime.lifetime import process_scope, process_start
from truegreen.stages.common.compose_stack import _left_behind, _machine
from truegreen.stages.common.stack_orphans import Ledger

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ME = f"{os.getpid()}-{process_start(os.getpid())}"


def container(project, age=timedelta(minutes=1)):
    return f"{project} {(NOW - age).strftime('%Y-%m-%d %H:%M:%S +0000 UTC')}"


@pytest.mark.parametrize(
    ("project", "age", "left"),
    [
        (f"{_machine()}-{ME}", timedelta(days=9), False),
        (f"{_machine()}-{2**22 + 1}-5", timedelta(0), True),
        ("truegreen-00000000-1-5", timedelta(hours=23), False),
        ("truegreen-00000000-1-5", timedelta(hours=25), True),
        ("truegreen-00000000-1", timedelta(hours=25), False),
        ("truegreen", timedelta(days=9), False),
        ("somebody-elses", timedelta(days=9), False),
    ],
    ids=["live", "dead", "elsewhere", "elsewhere-old", "other-form", "prefix-only", "foreign"],
)
def test_project_of_compose_is_left_behind_only_when_its_run_is_gone(project, age, left):
    assert _left_behind(container(project, age), NOW) == (project if left else "")


@pytest.mark.parametrize("born", ["", "yesterday", "2026-11-21"])
def test_project_elsewhere_whose_age_is_unknown_is_left_alone(born):
    assert _left_behind(f"truegreen-00000000-1-5 {born}", NOW) == ""


@pytest.fixture
def orphan():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as child:
        yield child
        child.kill()


def note(cache, orphan, **changes):
    ledger = Ledger.open(cache)
    ledger.add(orphan.pid)
    (path,) = (cache / "stacks").glob("*.json")
    document = {**msgspec.json.decode(path.read_bytes()), **changes}
    path.write_bytes(msgspec.json.encode(document))
    return path


def test_sweep_kills_what_a_dead_run_of_this_container_left(tmp_path, orphan):
    path = note(tmp_path, orphan, owner={"pid": 2**22 + 1, "started": 5})
    assert Ledger.open(tmp_path).sweep(path.stat().st_mtime) == 1
    assert orphan.wait(5) == -signal.SIGKILL
    assert not path.exists()


@pytest.mark.parametrize(("age_s", "kept"), [(0.0, True), (25 * 3600.0, False)])
def test_sweep_kills_nothing_by_the_numbers_of_another_container(tmp_path, orphan, age_s, kept):
    path = note(tmp_path, orphan, owner={"pid": 2**22 + 1, "started": 5}, scope="another boot pid:[1]")
    assert Ledger.open(tmp_path).sweep(path.stat().st_mtime + age_s) == 0
    assert path.exists() is kept
    assert orphan.poll() is None


def test_sweep_leaves_a_live_owner_and_half_a_note_alone(tmp_path, orphan):
    path = note(tmp_path, orphan)
    half = path.with_name("half.json")
    half.write_text("{")
    assert Ledger.open(tmp_path).sweep(path.stat().st_mtime + 1e9) == 0
    assert path.exists()
    assert half.exists()
    assert process_scope()

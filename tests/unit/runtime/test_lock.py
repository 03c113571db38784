"""One program at a time, and who it is."""

import subprocess
import sys

import pytest

from truegreen.errors import FileUnusable, RunInProgress
from truegreen.runtime import lock

HOLD = """
import sys
from pathlib import Path
from truegreen.runtime import lock
with lock.exclusive(Path(sys.argv[1]), wait_s=0):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    argv = [sys.executable, "-c", HOLD, str(tmp_path / "new" / ".lock")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"held\n"
        yield child
        child.kill()


def test_exclusive_held_by_another_process_names_it(holder, tmp_path):
    with pytest.raises(RunInProgress) as caught, lock.exclusive(tmp_path / "new" / ".lock", wait_s=0.1):
        pass
    assert (caught.value.code, f"process {holder.pid} " in caught.value.why) == ("TG310", True)


def test_exclusive_waits_for_the_other_to_end(holder, tmp_path):
    holder.stdin.close()
    with lock.exclusive(tmp_path / "new" / ".lock", wait_s=30):
        pass


def test_exclusive_of_a_process_that_was_killed_is_free(holder, tmp_path):
    holder.kill()
    holder.wait()
    with lock.exclusive(tmp_path / "new" / ".lock", wait_s=0):
        pass


def test_exclusive_through_a_link_is_refused_and_keeps_what_it_names(tmp_path):
    (tmp_path / "victim").write_text("kept")
    (tmp_path / ".lock").symlink_to("victim")
    with pytest.raises(FileUnusable), lock.exclusive(tmp_path / ".lock", wait_s=0):
        pass
    assert (tmp_path / "victim").read_text() == "kept"

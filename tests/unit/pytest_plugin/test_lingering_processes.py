"""Children of a process: which of them are still there."""

import os
import subprocess

from truegreen_pytest.lingering_processes import Child, Processes


def test_process_that_ended_and_whose_number_another_one_has_is_not_taken_for_it():
    with subprocess.Popen(["true"]) as process:
        child = Child(process.pid, "true")
    assert child.state() == ""
    child.pid = os.getpid()
    assert child.state() == ""
    assert Child(os.getpid(), "").state() in "RS"


def test_processes_that_ended_are_forgotten():
    processes = Processes()
    processes.open()
    try:
        for _ in range(70):
            subprocess.run(["true"], check=True)
            assert len(processes.all()) <= 33
        with subprocess.Popen(["sleep", "5"]) as left:
            assert [child.name for child in processes.all() if processes.alive(child)] == ["sleep 5"]
            left.kill()
    finally:
        processes.close()

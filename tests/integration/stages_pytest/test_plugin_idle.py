"""The plugin keeps a worker from starting, in this process and in others, and says what happened."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys

import pytest

from truegreen_pytest import idle
from truegreen_pytest.idle import Idle

WORKER = """
import pathlib

DONE = []

def plain(value=1):
    DONE.append("plain")
    return value

async def later():
    DONE.append("later")
    return 1

class Service:
    def method(self):
        DONE.append("method")
    @staticmethod
    def static():
        DONE.append("static")
    @classmethod
    def of_class(cls):
        DONE.append("of_class")

class Heir(Service):
    pass

NUMBER = 7

if __name__ == "__main__":
    print("at work")
    plain()
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Return a function that imports a module in which one worker is idle, and what was reported."""
    (tmp_path / "idle_jobs").mkdir()
    (tmp_path / "idle_jobs" / "__init__.py").write_text("")
    (tmp_path / "idle_jobs" / "main.py").write_text(WORKER)
    (tmp_path / "idle_package").mkdir()
    (tmp_path / "idle_package" / "__init__.py").write_text("def run(): print('at work')")
    (tmp_path / "idle_package" / "__main__.py").write_text("from idle_package import run\n\nrun()\n")
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(subprocess.Popen, "__init__", subprocess.Popen.__init__)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "report.txt"

    def load(attribute, module="idle_jobs.main"):
        for name in [name for name in sys.modules if name.startswith("idle_")]:
            del sys.modules[name]
        made = Idle({"module": module, "attribute": attribute, "report": str(report)})
        sys.meta_path.insert(0, made)
        made.processes()
        module = importlib.import_module(module)
        return module, lambda: report.read_text().split() if report.exists() else []

    yield load
    for name in [name for name in sys.modules if name.startswith("idle_")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("attribute", "start"),
    [
        ("plain", lambda module: module.plain(3)),
        ("later", lambda module: asyncio.run(module.later())),
        ("Service.method", lambda module: module.Service().method()),
        ("Service.static", lambda module: module.Service.static()),
        ("Service.of_class", lambda module: module.Service.of_class()),
        ("Heir.method", lambda module: module.Heir().method()),
    ],
)
def test_worker_returns_at_once_and_is_reported(worker, attribute, start):
    module, words = worker(attribute)
    assert words() == ["found"]
    assert start(module) is None
    assert module.DONE == []
    assert words() == ["found", "idle"]


def test_others_are_left_as_they_are(worker):
    module, words = worker("Heir.method")
    module.Service().method()
    assert module.plain(4) == 4
    assert module.DONE == ["method", "plain"]
    assert words() == ["found"]


@pytest.mark.parametrize("attribute", ["gone", "Service.gone", "NUMBER", "Service", "gone.method"])
def test_worker_that_cannot_be_kept_from_starting_is_absent(worker, attribute):
    module, words = worker(attribute)
    assert words() == ["found", "absent"]
    assert module.NUMBER == 7


PYTHON = sys.executable
COMMANDS = (
    [PYTHON, "-m", "idle_jobs.main"],
    [PYTHON, "idle_jobs/main.py"],
    f"{PYTHON} -m idle_jobs.main --now",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_process_that_is_the_worker_ends_at_once(worker, command):
    _, words = worker("plain")
    done = subprocess.run(command, capture_output=True, text=True, check=True, shell=isinstance(command, str))
    assert done.stdout == ""
    assert "idle" in words()


def test_process_that_is_the_worker_ends_at_once_whatever_runs_it(worker):
    _, words = worker("plain")
    made = subprocess.Popen(COMMANDS[0], -1, "/bin/false", None, subprocess.PIPE)
    assert (made.communicate()[0], made.returncode) == (b"", 0)
    made = subprocess.Popen(COMMANDS[0], executable=PYTHON, stdout=subprocess.PIPE)
    assert made.communicate()[0] == b""
    assert "idle" in words()


@pytest.mark.parametrize("attribute", ["later", "Service.method", "gone"])
def test_process_for_another_function_of_the_module_runs(worker, attribute):
    _, words = worker(attribute)
    done = subprocess.run(COMMANDS[0], capture_output=True, text=True, check=True)
    assert done.stdout == "at work\n"
    assert "idle" not in words()


def test_process_may_be_named_itself(worker):
    module, words = worker("__main__")
    assert module.plain(3) == 3
    assert subprocess.run(COMMANDS[0], capture_output=True, text=True, check=True).stdout == ""
    assert words() == ["found", "idle"]


@pytest.mark.parametrize(("attribute", "shown"), [("run", ""), ("other", "at work\n")])
def test_process_of_a_package_is_what_its_main_calls(worker, attribute, shown):
    worker(attribute, "idle_package")
    command = [PYTHON, "-m", "idle_package"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == shown


def test_process_of_asyncio_that_is_the_worker_ends_at_once(worker):
    _, words = worker("plain")

    async def run():
        made = await asyncio.create_subprocess_exec(*COMMANDS[0], stdout=subprocess.PIPE)
        return await made.communicate()

    assert asyncio.run(run())[0] == b""
    assert "idle" in words()


@pytest.mark.parametrize("command", [[PYTHON, "-c", "print(1)"], [PYTHON, "-m", "this"], "echo -m"])
def test_other_processes_run(worker, command):
    _, words = worker("plain")
    done = subprocess.run(command, capture_output=True, text=True, check=True, shell=isinstance(command, str))
    assert done.stdout
    assert "idle" not in words()


def test_console_script_of_the_project_is_the_worker():
    from importlib import metadata

    entry = next(one for one in metadata.entry_points(group="console_scripts") if one.name == "pytest")
    module, _, attribute = entry.value.partition(":")
    made = Idle({"module": module, "attribute": attribute, "report": ""})
    assert made._means(["/some/bin/pytest", "-q"])
    assert not made._means(["/some/bin/other", "-q"])


def test_without_the_variable_nothing_is_changed(monkeypatch):
    monkeypatch.delenv(idle.VARIABLE, raising=False)
    before = list(sys.meta_path), subprocess.Popen.__init__
    idle.start()
    assert (list(sys.meta_path), subprocess.Popen.__init__) == before

"""Factories that do not let the tests end: threads that go on, and interrupts of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from truegreen.errors import EXIT_ENGINE

pytestmark = pytest.mark.slow
PARTS = """
    class Repository:
        def save(self, row): ...

    class Service:
        def __init__(self, repository: Repository):
            self._repository = repository
"""
FACTORY = """
    import threading, time
    from concurrent.futures import ThreadPoolExecutor
    from shop.parts import Repository, Service

    def get_service() -> Service:
        {}
        return Service(Repository())

    def get_second_service() -> Service:
        return Service(Repository())
"""


@pytest.fixture
def shop(home):
    home.clear()
    home.write("requirements.txt", "pytest>=9\n")
    home.write("shop/__init__.py", "")
    home.write("shop/parts.py", PARTS)
    return home


def threads(judged):
    return {walk.root: walk.threads for walk in judged.evidence.wiring.walks}


def test_thread_that_a_factory_leaves_running_is_named_and_not_waited_for(shop):
    shop.write("shop/di.py", FACTORY.format("threading.Thread(target=time.sleep, args=(900,), name='poller').start()"))
    judged = shop.run(stage="wiring")
    assert judged.status == "pass", judged.log()
    assert threads(judged) == {"shop.di:get_service": ("poller",), "shop.di:get_second_service": ()}
    facts = {fact.label: fact.value for fact in judged.verdict("unwired").facts}
    assert facts["threads left running"] == "1 (poller of shop.di:get_service)"
    assert "not waited for: poller (started by shop.di:get_service)" in judged.log()


@pytest.mark.parametrize(
    "body",
    [
        "threading.Thread(target=time.sleep, args=(900,), daemon=True).start()",
        "ThreadPoolExecutor().submit(print)",
        "threading.Thread(target=print).start()",
    ],
)
def test_thread_that_keeps_nobody_waiting_is_not_named(shop, body):
    shop.write("shop/di.py", FACTORY.format(f"{body}; time.sleep(0.2)"))
    judged = shop.run(stage="wiring")
    assert judged.status == "pass", judged.log()
    assert set(threads(judged).values()) == {()}
    assert "not waited for" not in judged.log()


def test_interrupt_that_a_factory_raises_fails_its_root_and_the_others_are_walked(shop):
    shop.write("shop/di.py", FACTORY.format("raise KeyboardInterrupt('odd')"))
    judged = shop.run(stage="wiring")
    assert (judged.status, judged.says("unwired"), judged.says("no-failures")) == ("fail", "fail", "fail")
    assert judged.verdict("unwired").reason.startswith(
        "shop.di:get_service could not be built: it raised KeyboardInterrupt: odd"
    )
    assert len(judged.evidence.wiring.walks) == 2


def test_interrupt_of_a_person_ends_the_session(shop):
    body = "import os, signal; os.kill(os.getpid(), signal.SIGINT); time.sleep(5)"
    shop.write("shop/di.py", FACTORY.format(body))
    judged = shop.run(stage="wiring")
    assert judged.status == "fail"


def at_work(folder):
    """Return the processes that run in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found += [process.name] if (process / "cwd").readlink() == folder else []
        except OSError:
            continue
    return found


@pytest.mark.parametrize("body", ["time.sleep(900)", "threading.Thread(target=time.sleep, args=(900,)).start()"])
def test_interrupt_in_the_middle_of_a_walk_says_one_line_and_leaves_nothing(shop, body):
    shop.write("shop/di.py", FACTORY.format(f"open('walking', 'w').close(); {body}; time.sleep(900)"))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("COV_", "PYTEST_", "GITHUB_"))}
    running = subprocess.Popen(
        [sys.executable, "-m", "truegreen", "run", "wiring", "-q"],
        cwd=shop.root,
        env={**kept, "TRUEGREEN_CACHE": str(shop.cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not (shop.root / "walking").exists() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running.poll() is None, running.communicate()
    running.send_signal(signal.SIGINT)
    said, told = running.communicate(timeout=60)
    assert running.returncode == EXIT_ENGINE, said + told
    (line,) = [line for line in (said + told).splitlines() if line.startswith("error")]
    assert line == "error TG308: stage wiring was interrupted; services are stopped, evidence so far is kept"
    assert "Traceback" not in said + told
    assert at_work(shop.root) == []

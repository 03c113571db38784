"""The first signal waits for what is being stopped; the second one, after its time, does not."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import signal, sys, threading, time
from truegreen import __main__ as program
from truegreen.runtime import interrupts

program._catch_signals(interrupts.interrupt)
done = []

def signalled(times, pause_s=0.0):
    for _ in range(times):
        signal.raise_signal(signal.SIGTERM)
        time.sleep(pause_s)

def work(times=1, pause_s=0.0):
    done.append("begun")
    signalled(times, pause_s)
    done.append("ended")

try:
    BODY
except KeyboardInterrupt as error:
    done.append("interrupted")
    if error.__context__: done.append(type(error.__context__).__name__)
print(*done)
"""


def run(body, *, stopping_s=15):
    lines = f"interrupts.STOPPING_S = {stopping_s}\n{body}".replace("\n", "\n    ")
    argv = [sys.executable, "-c", PROGRAM.replace("BODY", lines)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert done.stderr == ""
    return done.stdout.split()


def test_first_signal_while_something_is_stopped_is_raised_when_that_ends():
    assert run("interrupts.undisturbed(work)") == ["begun", "ended", "interrupted"]


def test_signal_after_what_is_stopped_is_raised_at_once():
    assert run("interrupts.undisturbed(lambda: done.append('ended')); work()") == ["ended", "begun", "interrupted"]


def test_signals_of_the_next_seconds_are_not_heard_while_something_is_stopped():
    assert run("interrupts.undisturbed(lambda: work(5))") == ["begun", "ended", "interrupted"]


def test_second_signal_after_its_time_ends_what_is_being_stopped():
    assert run("interrupts.undisturbed(lambda: work(2, 0.3))", stopping_s=0.1) == ["begun", "interrupted"]


def test_second_signal_after_its_time_is_not_held_where_the_first_came_before():
    body = "try: signalled(1)\nfinally:\n    time.sleep(0.3)\n    interrupts.undisturbed(work)"
    assert run(body, stopping_s=0.1) == ["begun", "interrupted", "KeyboardInterrupt"]


def test_what_is_stopped_after_the_first_signal_is_not_disturbed_by_further_ones():
    body = "try: signalled(1)\nfinally: interrupts.undisturbed(lambda: work(3))"
    assert run(body) == ["begun", "ended", "interrupted"]


def test_hold_within_a_hold_waits_for_the_outer_one():
    body = "with interrupts.held():\n    interrupts.undisturbed(work)\n    done.append('outer')"
    assert run(body) == ["begun", "ended", "outer", "interrupted"]


def test_failure_of_what_is_stopped_does_not_lose_the_signal():
    body = "interrupts.undisturbed(lambda: (work(), {}['x']))"
    assert run(body) == ["begun", "ended", "interrupted", "KeyError"]


def test_signal_in_the_moment_before_it_is_held_loses_nothing():
    # A hold begins with a question for the thread: the signal comes there, before anything is held.
    body = (
        "ask = threading.current_thread\n"
        "def asked():\n    threading.current_thread = ask\n    signalled(1)\n    return ask()\n"
        "threading.current_thread = asked\n"
        "interrupts.undisturbed(lambda: done.append('ended'))"
    )
    assert run(body) == ["ended", "interrupted"]


def test_hold_of_another_thread_leaves_the_main_one_to_its_signals():
    body = (
        "def other():\n    with interrupts.held(): holds.set(); time.sleep(1)\n"
        "holds = threading.Event()\nthreading.Thread(target=other, daemon=True).start()\nholds.wait()\nwork()"
    )
    assert run(body) == ["begun", "interrupted"]

"""A signal that Python has noted is acted on, also where the main thread waits in C and nobody woke it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

PROGRAM = """
import os, signal, subprocess, sys, threading, time
from truegreen import __main__ as program
from truegreen.runtime import interrupts, wakeful

program._catch_signals(interrupts.interrupt)
if sys.argv[1] == "listening":
    wakeful.listen(interrupts.SIGNALS, interrupts.stopping)

def unheard():
    # To this thread and not to the main one, which is what a signal in the wrong moment comes to: noted, nobody awake.
    time.sleep(0.3)
    signal.pthread_kill(threading.get_ident(), getattr(signal, sys.argv[3]))
    time.sleep(6)
    os._exit(9)

threading.Thread(target=unheard, daemon=True).start()
try:
    if sys.argv[2] == "lock":
        lock = threading.Lock()
        with lock:
            lock.acquire()
    else:
        subprocess.run(["sleep", "5"])
except KeyboardInterrupt:
    print("heard")
"""


def run(*arguments):
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False)
    return done, time.monotonic() - begun


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signal_that_woke_nobody_ends_a_wait_for_a_lock(name):
    done, seconds = run("listening", "lock", name)
    assert (done.stdout, done.stderr, done.returncode) == ("heard\n", "", 0)
    assert seconds < 5


def test_signal_that_woke_nobody_ends_a_wait_for_a_child():
    done, seconds = run("listening", "child", "SIGINT")
    assert (done.stdout, done.returncode) == ("heard\n", 0)
    assert seconds < 5


def test_signal_that_woke_nobody_is_lost_without_a_listener():
    done, _ = run("deaf", "lock", "SIGINT")
    assert (done.stdout, done.returncode) == ("", 9)

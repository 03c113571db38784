"""`python -m tests.faults`: plant every fault, let truegreen judge, print the table.

Ends with 1 when fewer than 39 of 40 faults are noticed with their cause named, when the unit tests notice one, or when
anything honest is red; with 2 when a fault cannot be planted any more.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import msgspec
from tests.faults import bench, corpus, table
from tests.faults.bench import Honest, Result
from tests.faults.corpus import Fault, NotApplicable


class Busy(Exception):
    """Another run is at work in this checkout."""


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help="such as parcels/flush-only or flush-only; none means all")
    parser.add_argument("--app", choices=corpus.apps(), help="only faults and tests of this application")
    parser.add_argument("--json", action="store_true", help="print the results as JSON instead of the table")
    parser.add_argument("--list", action="store_true", help="list the faults and run nothing")
    parser.add_argument("--jobs", type=int, default=2, help="copies that are judged at a time (default: 2)")
    chosen = parser.parse_args()
    try:
        faults = [one for one in corpus.everything() if _wanted(one, chosen.app, chosen.ids)]
        if not faults:
            parser.error("there is no such fault; --list shows them")
        if chosen.list:
            sys.stdout.writelines(f"{one.name:44} {one.family:18} {one.title}\n" for one in faults)
            return 0
        honest = [] if chosen.ids else [app for app in corpus.apps() if chosen.app in (None, app)]
        with alone():
            corpus.check(faults, bench.WORK / "check")
            results, runs, spent_s = run(faults, honest, chosen.jobs)
    except (Busy, NotApplicable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if chosen.json:
        print(msgspec.json.format(msgspec.json.encode({"faults": results, "honest": runs})).decode())
    else:
        print("\n".join(["", *table.terminal(results, runs), f"{spent_s:.0f} s"]))
    return 0 if table.passed(results, runs) else 1


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Be the only run in this checkout, else Busy is raised: two would empty each other's copies."""
    bench.WORK.mkdir(parents=True, exist_ok=True)
    with (bench.WORK / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"another run is at work in {bench.WORK}; wait for its end") from None
        yield


def run(faults: list[Fault], honest: list[str], jobs: int) -> tuple[list[Result], list[Honest], float]:
    """Judge faults and whole applications, some at a time.

    Args:
        faults: what to plant.
        honest: applications to judge as they are, with their own tests and with the weak ones.
        jobs: copies at a time; each has a folder, and so an environment, of its own.

    Returns:
        What became of the faults and of the applications, in the order given, and the seconds it all took.
    """
    began = time.monotonic()
    slots: SimpleQueue[str] = SimpleQueue()
    for number in range(jobs):
        slots.put(f"slot-{number + 1}")

    def using(action: Callable[[str], Any]) -> Any:
        slot = slots.get()
        try:
            done = action(slot)
        finally:
            slots.put(slot)
        _say(done)
        return done

    with ThreadPoolExecutor(jobs) as pool:
        whole = [
            pool.submit(using, lambda slot, app=app, weak=weak: bench.honest(app, slot, weak=weak))
            for app in honest
            for weak in (False, True)
            if not weak or (corpus.HERE / "weak" / app).is_dir()
        ]
        planted = [pool.submit(using, lambda slot, fault=fault: bench.judge(fault, slot)) for fault in faults]
        results = [one.result() for one in planted], [one.result() for one in whole]
    return *results, time.monotonic() - began


def _wanted(fault: Fault, app: str | None, ids: list[str]) -> bool:
    return app in (None, fault.app) and (not ids or fault.id in ids or fault.name in ids)


def _say(done: Result | Honest) -> None:
    """Tell on the side what was judged just now."""
    if isinstance(done, Result):
        word, name, text = ("noticed" if done.noticed else "MISSED"), done.fault.name, done.why or done.said
    else:
        word, name, text = ("FALSE ALARM" if done.alarms else "green"), done.app, "; ".join(done.alarms)
        text = text or f"{done.tests} tests"
    print(f"{word:8} {name:44} {done.seconds:5.1f} s  {text[:150]}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Work in several processes gives what one process gives."""

from __future__ import annotations

import os
import threading

import pytest

from truegreen.runtime.workers import in_shares


def doubled(numbers):
    return [2 * number for number in numbers]


def who(numbers):
    return [os.getpid() for _ in numbers]


def ends_where_it_is_copied(numbers):
    if os.getpid() != MAIN:
        os._exit(9)
    return doubled(numbers)


MAIN = os.getpid()


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("size", [0, 1, 7, 100])
def test_results_come_in_the_order_of_the_items(processes, size):
    assert in_shares(doubled, list(range(size)), processes) == [2 * number for number in range(size)]


def test_several_processes_take_part(monkeypatch):
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert os.getpid() not in in_shares(who, list(range(50)), 2)


def test_program_with_other_threads_is_not_copied(monkeypatch):
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert set(in_shares(who, [1, 2, 3], 2)) == {os.getpid()}


def test_work_of_a_process_that_was_killed_is_done_here(monkeypatch):
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert in_shares(ends_where_it_is_copied, [1, 2, 3], 2) == [2, 4, 6]

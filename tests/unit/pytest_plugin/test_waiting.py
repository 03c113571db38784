"""Waiting: what comes is returned, what does not come is told with all that was seen."""

from __future__ import annotations

import asyncio
import functools
import itertools
import queue
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truegreen_pytest import waiting
from truegreen_pytest.waiting import Unavailable, eventually, eventually_async, wait_for_event, wait_for_event_async

FOUND: list[str] = []
QUICK = {"timeout_s": 0.05, "interval_s": 0.01}


def looped(test):
    """Run an asynchronous test in a loop of its own."""

    @functools.wraps(test)
    def run():
        asyncio.run(test())

    return run


def failure(call, *args, **options):
    with pytest.raises(AssertionError) as caught:
        call(*args, **{**QUICK, **options})
    return str(caught.value)


async def failure_async(call, *args, **options):
    with pytest.raises(AssertionError) as caught:
        await call(*args, **{**QUICK, **options})
    return str(caught.value)


# --- eventually ----------------------------------------------------------------------------------------------------


def test_condition_that_becomes_true_gives_its_value():
    values = iter([0, None, "", "found"])
    assert eventually(lambda: next(values), interval_s=0.001) == "found"


def test_condition_is_tried_once_even_without_time():
    assert eventually(lambda: 7, timeout_s=0) == 7
    assert "1 tries" in failure(lambda **_: eventually(lambda: 0, timeout_s=0))


def test_condition_that_is_never_true_tells_every_value_in_order_and_how_often():
    values = itertools.chain([0, "", "", ""], itertools.repeat([]))
    text = failure(eventually, lambda: next(values), timeout_s=0.3)
    assert "was not true within 0.3 s" in text
    assert [line.strip().split(" (")[0] for line in text.splitlines()[1:]] == ["seen: 0", "seen: ''", "seen: []"]
    assert "seen: '' (3 times)" in text


def test_values_beyond_the_last_eight_are_counted_and_long_ones_cut():
    counted = itertools.count()

    def falls():
        number = next(counted)
        raise ValueError(number if number < 20 else "y" * 900)

    text = failure(eventually, falls, timeout_s=0.5, interval_s=0.005)
    assert "earlier" in text
    assert len(text.splitlines()) <= 10
    assert max(map(len, text.splitlines())) < 300


def test_condition_that_raises_means_not_yet_and_its_last_error_is_the_cause():
    def refused():
        assert FOUND, "one row"

    with pytest.raises(AssertionError, match="refused was not true") as caught:
        eventually(refused, **QUICK)
    assert "AssertionError: one row" in str(caught.value)
    assert isinstance(caught.value.__cause__, AssertionError)


@pytest.mark.parametrize("error", [NameError("x"), ImportError("x"), Unavailable("no recorder")])
def test_error_that_no_waiting_mends_is_raised_at_once(error):
    tries = []

    def broken():
        tries.append(1)
        raise error

    with pytest.raises(type(error)):
        eventually(broken, timeout_s=60)
    assert len(tries) == 1


def test_condition_that_returns_nothing_is_told_that_it_must():
    assert "must return something true" in failure(eventually, lambda: None)
    assert "must return something true" not in failure(eventually, lambda: 0)


def test_condition_that_is_asynchronous_is_refused_rather_than_always_true():
    async def condition():
        return False

    with pytest.raises(TypeError, match="eventually_async"):
        eventually(condition)


@pytest.mark.parametrize("options", [{"timeout_s": -1}, {"interval_s": 0}, {"timeout_s": float("inf")}])
def test_times_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match="timeout_s"):
        eventually(lambda: True, **options)
    with pytest.raises(ValueError, match="timeout_s"):
        wait_for_event([1], **options)


def test_clock_that_stands_still_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(waiting._Real, "monotonic", staticmethod(lambda: 5.0))
    assert "was not true" in failure(eventually, lambda: 0, timeout_s=0.05, interval_s=0.01)


def test_clock_that_a_test_replaces_is_not_asked(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 5.0)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("slept by the replaced clock"))
    assert "was not true" in failure(eventually, lambda: 0)


def test_traceback_ends_where_the_test_waited():
    with pytest.raises(AssertionError) as caught:
        eventually(lambda: 0, **QUICK)
    shown = [entry for entry in caught.traceback if not entry.ishidden(caught)]
    assert [entry.path.name for entry in shown] == ["test_waiting.py"]


class Odd:
    def __bool__(self):
        return False

    def __repr__(self):
        raise OSError


def test_value_that_cannot_be_shown_is_named_by_its_type():
    assert "Odd, whose repr raises OSError" in failure(eventually, Odd)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.integers(4, 9))
def test_first_true_value_is_returned_and_no_later_one_asked_for(falses, found):
    asked = []
    values = iter([*(0 for _ in falses), found, 99])

    def condition():
        asked.append(next(values))
        return asked[-1]

    assert eventually(condition, interval_s=0.0001) == found
    assert 99 not in asked


# --- asynchronous ----------------------------------------------------------------------------------------------------


@looped
async def test_condition_lets_the_event_loop_go_on():
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.02, done.set_result, 1)
    assert await eventually_async(done.done, timeout_s=5)


@looped
async def test_coroutine_that_hangs_is_ended_in_time():
    async def hangs():
        await asyncio.sleep(60)

    begun = time.monotonic()
    text = await failure_async(eventually_async, hangs)
    assert "TimeoutError" in text
    assert time.monotonic() - begun < 5


@looped
async def test_coroutine_without_time_is_tried_once():
    async def quick():
        await asyncio.sleep(0)
        return 3

    assert await eventually_async(quick, timeout_s=0) == 3


@looped
async def test_asynchronous_condition_that_fails_tells_what_it_saw():
    async def falls():
        raise LookupError("row 7")

    text = await failure_async(eventually_async, falls)
    assert "LookupError: row 7" in text
    assert "must return something true" in await failure_async(eventually_async, lambda: None)


# --- events ----------------------------------------------------------------------------------------------------------


def test_poll_returns_the_first_event_that_is_accepted():
    batches = iter([None, [], [{"id": 1}, {"id": 2}], {"id": 3}])
    assert wait_for_event(lambda: next(batches), lambda event: event["id"] == 2, interval_s=0.001) == {"id": 2}
    assert wait_for_event(lambda: (7, "a row")) == (7, "a row")


def test_events_that_were_not_accepted_are_told():
    text = failure(wait_for_event, lambda: [{"id": 1}], lambda event: event["name"] == "x")
    assert "seen: {'id': 1} (" in text
    assert "no event of" in text


def test_poll_that_finds_nothing_says_so():
    assert "seen: nothing" in failure(wait_for_event, lambda: False)


def test_client_that_tells_by_an_exception_that_nothing_came_is_polled_again():
    answers = iter([TimeoutError("none"), "event"])

    def fetch():
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    assert wait_for_event(fetch, interval_s=0.001) == "event"
    assert "TimeoutError: no" in failure(wait_for_event, lambda: (_ for _ in ()).throw(TimeoutError("no")))


def test_list_that_another_thread_fills_is_a_source():
    events = []
    threading.Timer(0.02, events.append, [5]).start()
    assert wait_for_event(events) == 5


def test_iterator_that_blocks_is_left_in_time_and_lost_nothing_before():
    incoming = queue.Queue()
    incoming.put(1)
    events = iter(incoming.get, None)
    assert wait_for_event(events) == 1
    begun = time.monotonic()
    assert "no event of" in failure(wait_for_event, events)
    assert time.monotonic() - begun < 5
    incoming.put(None)


def test_iterator_gives_no_more_events_than_were_looked_at():
    events = iter([1, 2, 3, 4])
    assert wait_for_event(events, lambda event: event == 2) == 2
    assert list(events) == [3, 4]


def test_iterator_that_ends_or_raises_is_told():
    assert "ended, and no event" in failure(wait_for_event, iter([1]), lambda _: False)
    assert "seen: 1" in failure(wait_for_event, iter([1]), lambda _: False)
    broken = (1 / 0 for _ in [1])
    with pytest.raises(ZeroDivisionError):
        wait_for_event(broken)


def test_iterator_without_end_is_left_in_time():
    assert "no event of" in failure(wait_for_event, itertools.count(), lambda _: False)


def test_asynchronous_source_of_a_synchronous_wait_is_refused():
    async def poll():
        return 1

    with pytest.raises(TypeError, match="wait_for_event_async"):
        wait_for_event(poll)


@looped
async def test_events_of_every_asynchronous_source():
    async def poll():
        return [1, 2]

    async def stream():
        for number in range(3):
            yield number

    assert await wait_for_event_async(poll, lambda event: event == 2) == 2
    assert await wait_for_event_async(stream(), lambda event: event == 2) == 2
    assert await wait_for_event_async([4]) == 4
    assert "ended" in await failure_async(wait_for_event_async, stream(), lambda _: False)
    assert "no event of" in await failure_async(wait_for_event_async, poll, lambda event: event["x"])
    with pytest.raises(TypeError, match="block the event loop"):
        await wait_for_event_async(iter([1]))


@looped
async def test_asynchronous_sources_that_bring_nothing_are_left_in_time():
    async def endless():
        while True:
            await asyncio.sleep(0)
            yield 1

    async def hangs():
        await asyncio.sleep(60)
        yield 1

    async def refused():
        raise ConnectionError("refused")

    assert "seen: 1" in await failure_async(wait_for_event_async, endless(), lambda _: False)
    assert "seen: nothing" in await failure_async(wait_for_event_async, hangs())
    assert "refused" in await failure_async(wait_for_event_async, refused)

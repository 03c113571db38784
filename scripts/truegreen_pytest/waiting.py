"""Waiting for what happens elsewhere: polls until it is there, and tells what was seen instead where it never came."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import math
import queue
import threading
import time
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S, INTERVAL_S = 5.0, 0.05
_KEPT, _TEXT = 8, 200
"""How many values are told, the last ones, and how long each may be."""
_NOT_YET = object()


class _Real:
    """The clock as it was when the plugin was loaded: libraries that freeze time replace what modules hold."""

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


class Unavailable(RuntimeError):
    """Something is missing that no waiting brings; `eventually` does not try again."""


class Seen:
    """What was seen while somebody waited, and for how long."""

    def __init__(self, timeout_s: float, interval_s: float) -> None:
        if not (timeout_s >= 0 and interval_s > 0 and math.isfinite(timeout_s)):
            raise ValueError(f"timeout_s must be finite and interval_s positive, not {timeout_s} and {interval_s}")
        self.tries = 0
        self.error: Exception | None = None
        self._timeout_s, self._interval_s = timeout_s, interval_s
        self._begun = _Real.monotonic()
        self._values: list[list[Any]] = []
        self._dropped = 0

    def value(self, value: object) -> None:
        """Note a value; one that is seen again and again is counted."""
        text = _told(value)
        if self._values and self._values[-1][0] == text:
            self._values[-1][1] += 1
            return
        self._values.append([text, 1])
        if len(self._values) > _KEPT:
            del self._values[0]
            self._dropped += 1

    def failed(self, error: Exception) -> None:
        """Note an exception; one that no waiting mends is raised at once."""
        __tracebackhide__ = True
        if isinstance(error, (Unavailable, NameError, ImportError)):
            raise error
        self.error = error
        self.value(error)

    @property
    def left_s(self) -> float:
        """Seconds that are left, never less than 0."""
        return max(0.0, self._timeout_s - (_Real.monotonic() - self._begun))

    @property
    def pause_s(self) -> float:
        """Seconds until the next try."""
        return min(self._interval_s, self.left_s)

    @property
    def patience_s(self) -> float:
        """Seconds that one try may take: even when the time is over, the first one gets a chance."""
        return max(self.left_s, self._interval_s)

    @property
    def over(self) -> bool:
        """Whether the time is over, after at least one event."""
        return self.tries > 0 and self.left_s <= 0

    def tried(self) -> bool:
        """Count a try; return whether it was the last one. More than fit in the time mean a clock that stands still."""
        self.tries += 1
        return self.left_s <= 0 or self.tries > self._timeout_s / self._interval_s + 1

    def problem(self, what: str, hint: str = "") -> AssertionError:
        """Return the failure: what did not happen, and the values in their order."""
        spent_s = _Real.monotonic() - self._begun
        lines = [f"{what} within {self._timeout_s:g} s ({self.tries} tries in {spent_s:.2f} s)"]
        if self._dropped:
            lines.append(f"  … {self._dropped} earlier")
        lines += [f"  seen: {text}" + (f" ({times} times)" if times > 1 else "") for text, times in self._values]
        if not self._values:
            lines.append("  seen: nothing")
        elif hint and self._values[-1][0] == "None":
            lines.append(f"  {hint}")
        made = AssertionError("\n".join(lines))
        made.__cause__ = self.error
        return made


def eventually(condition: Callable[[], Any], *, timeout_s: float = TIMEOUT_S, interval_s: float = INTERVAL_S) -> Any:
    """Call a condition until it returns something true, and return that.

    Args:
        condition: called at least once; an exception, a failed `assert` among them, means "not yet".
        timeout_s: how long to try, in seconds.
        interval_s: pause between two tries, in seconds.

    Raises:
        AssertionError: it never was true; the message tells what was seen instead.
    """
    __tracebackhide__ = True
    seen = Seen(timeout_s, interval_s)
    while True:
        try:
            value = condition()
        except Exception as error:  # noqa: BLE001 - whatever it is, it may be gone the next time
            seen.failed(error)
        else:
            _no_coroutine(value, "eventually_async")
            if value:
                return value
            seen.value(value)
        if seen.tried():
            raise seen.problem(f"{_name(condition)} was not true", _MUST_RETURN)
        _Real.sleep(seen.pause_s)


async def eventually_async(
    condition: Callable[[], Any], *, timeout_s: float = TIMEOUT_S, interval_s: float = INTERVAL_S
) -> Any:
    """Do as `eventually` while the event loop goes on; the condition may be a coroutine function.

    Raises:
        AssertionError: it never was true; the message tells what was seen instead.
    """
    __tracebackhide__ = True
    seen = Seen(timeout_s, interval_s)
    while True:
        try:
            value = await _awaited(condition(), seen)
        except Exception as error:  # noqa: BLE001 - as above
            seen.failed(error)
        else:
            if value:
                return value
            seen.value(value)
        if seen.tried():
            raise seen.problem(f"{_name(condition)} was not true", _MUST_RETURN)
        await asyncio.sleep(seen.pause_s)


def wait_for_event(
    source: Any,
    predicate: Callable[[Any], Any] | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    interval_s: float = INTERVAL_S,
) -> Any:
    """Return the first event that a predicate accepts; without a predicate, the first event.

    Args:
        source: a function that is polled, and returns an event, a list of events, or nothing (None, or what is empty);
            or an iterator, which may block; or a list that something else fills.
        predicate: an exception of it means "not this one".
        timeout_s: how long to wait, in seconds.
        interval_s: pause between two polls, in seconds.

    Raises:
        AssertionError: no such event came; the message tells which came.
    """
    __tracebackhide__ = True
    seen = Seen(timeout_s, interval_s)
    if hasattr(source, "__next__"):
        return _from_iterator(source, predicate, seen)
    poll = source if callable(source) else lambda: list(source)
    while True:
        try:
            found = poll()
        except Exception as error:  # noqa: BLE001 - a client tells by an exception, such as TimeoutError, that none came
            seen.failed(error)
        else:
            _no_coroutine(found, "wait_for_event_async")
            for event in _events(found):
                if _accepts(predicate, event, seen):
                    return event
        if seen.tried():
            raise seen.problem(f"no event of {_name(source)} was accepted")
        _Real.sleep(seen.pause_s)


async def wait_for_event_async(
    source: Any,
    predicate: Callable[[Any], Any] | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    interval_s: float = INTERVAL_S,
) -> Any:
    """Do as `wait_for_event` while the event loop goes on; the source may be a coroutine function, or asynchronous.

    Raises:
        AssertionError: no such event came; the message tells which came.
        TypeError: the source is an iterator that would block the event loop.
    """
    __tracebackhide__ = True
    seen = Seen(timeout_s, interval_s)
    if hasattr(source, "__aiter__"):
        return await _from_async_iterator(source, predicate, seen)
    if hasattr(source, "__next__"):
        raise TypeError(f"{_name(source)} would block the event loop: use wait_for_event, or an asynchronous iterator")
    poll = source if callable(source) else lambda: list(source)
    while True:
        try:
            found = await _awaited(poll(), seen)
        except Exception as error:  # noqa: BLE001 - as above
            seen.failed(error)
        else:
            for event in _events(found):
                if _accepts(predicate, event, seen):
                    return event
        if seen.tried():
            raise seen.problem(f"no event of {_name(source)} was accepted")
        await asyncio.sleep(seen.pause_s)


_MUST_RETURN = "a condition that is met must return something true; this one returned None"


def _from_iterator(source: Iterator[Any], predicate: Callable[[Any], Any] | None, seen: Seen) -> Any:
    __tracebackhide__ = True
    pulled = _Pulled(source)
    try:
        while True:
            try:
                event = pulled.next(0.0 if seen.over else seen.patience_s)
            except queue.Empty:
                raise seen.problem(f"no event of {_name(source)} was accepted") from seen.error
            except StopIteration:
                raise seen.problem(f"{_name(source)} ended, and no event of it was accepted") from seen.error
            if _accepts(predicate, event, seen):
                return event
            seen.tries += 1
    finally:
        pulled.close()


async def _from_async_iterator(source: Any, predicate: Callable[[Any], Any] | None, seen: Seen) -> Any:
    __tracebackhide__ = True
    events = source.__aiter__()
    while True:
        try:
            event = await asyncio.wait_for(events.__anext__(), 0.0 if seen.over else seen.patience_s)
        except asyncio.TimeoutError:  # noqa: UP041 - another class before Python 3.11
            raise seen.problem(f"no event of {_name(source)} was accepted") from seen.error
        except StopAsyncIteration:
            raise seen.problem(f"{_name(source)} ended, and no event of it was accepted") from seen.error
        if _accepts(predicate, event, seen):
            return event
        seen.tries += 1


class _Pulled:
    """Takes events from an iterator that may block, in a thread that takes one only when it is asked."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._asked: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._given: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run,), name="wait_for_event", daemon=True).start()

    def next(self, timeout_s: float) -> Any:
        """Return the next event, or raise what the iterator raised, StopIteration among it; queue.Empty is too late."""
        __tracebackhide__ = True
        self._asked.put(1)
        event, error = self._given.get(timeout=timeout_s)
        if error is not None:
            raise error
        return event

    def close(self) -> None:
        """Let the thread end, as soon as the iterator lets it go."""
        self._asked.put(0)

    def _run(self) -> None:
        while self._asked.get():
            try:
                self._given.put((next(self._events), None))
            except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
                self._given.put((None, error))


async def _awaited(value: Any, seen: Seen) -> Any:
    """Return a value, waiting for it where it is awaitable, but no longer than there is time for."""
    return await asyncio.wait_for(value, seen.patience_s) if inspect.isawaitable(value) else value


def _accepts(predicate: Callable[[Any], Any] | None, event: Any, seen: Seen) -> bool:
    __tracebackhide__ = True
    try:
        accepted = predicate is None or bool(predicate(event))
    except Exception as error:  # noqa: BLE001 - such as a KeyError: an event of another kind
        seen.error = error
        accepted = False
    if not accepted:
        seen.value(event)
    return accepted


def _events(found: Any) -> list[Any]:
    """Return what one poll found as a list; a row of a database is a tuple, and one event."""
    if isinstance(found, list):
        return found
    return [found] if found is not None and found is not False and not _empty(found) else []


def _empty(found: Any) -> bool:
    return hasattr(found, "__len__") and len(found) == 0


def _no_coroutine(value: Any, instead: str) -> None:
    """Refuse a coroutine, which is always true and never ran."""
    __tracebackhide__ = True
    if inspect.iscoroutine(value):
        value.close()
        raise TypeError(f"this one is asynchronous: use `await {instead}(…)`")


def _told(value: object) -> str:
    try:
        text = f"{type(value).__name__}: {value}" if isinstance(value, Exception) else repr(value)
    except Exception as error:  # noqa: BLE001 - a value that cannot be shown
        text = f"({type(value).__name__}, whose repr raises {type(error).__name__})"
    text = " ".join(text.split())
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}… ({len(text)} characters)"


def _name(something: Any) -> str:
    """Return what a condition is called; of a lambda, where it stands."""
    name = getattr(something, "__qualname__", "") or type(something).__name__
    code = getattr(something, "__code__", None)
    if "<lambda>" in name and code is not None:
        return f"the condition of line {code.co_firstlineno}"
    return name.rpartition("<locals>.")[2]

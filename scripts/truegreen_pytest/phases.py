"""Tells the recorder where the phases of a test end, and lets the test wait for no longer than its answers matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from truegreen_pytest.pauses import REPORTING, Pauses, implementations, known
from truegreen_pytest.unittests import is_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truegreen_pytest.lingering import Lingering
    from truegreen_pytest.recorder import Line

_AROUND = ("pytest_runtest_setup", "pytest_runtest_teardown")
_CALLING = ("pytest_runtest_call", "pytest_pyfunc_call")
"""Hooks inside of which the function of a test is called."""


class Phases:
    """Says where set-up, call and teardown end.

    Between two phases pytest makes its reports. Where nobody else has hooks that run then, nothing can be written in
    between, so the recorder answers meanwhile, and the next phase begins with its answer. Else the phases are told
    apart to the moment, and what such a hook writes is never the test's own.
    """

    def __init__(self, line: Line | None, lingering: Lingering) -> None:
        self._line = line
        self._lingering = lingering
        self._beside: list[dict[str, str]] = []
        """What earlier tests left that was at work while this one was called."""
        self._pauses = Pauses()
        self._alone: bool | None = None
        """Whether only pytest itself works between the phases; None where nobody looked yet."""
        self._inside = False
        """Whether somebody else works around the function of a test, inside its call."""
        if line is not None:
            lingering.open()

    def pytest_unconfigure(self) -> None:
        """Leave everything as it was."""
        self._lingering.close()
        self._pauses.close()

    def pytest_plugin_registered(self) -> None:
        """Look at the hooks again: somebody may have brought new ones."""
        self._alone = None

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self) -> Iterator[None]:
        """Know what fixtures start, and tell what they write from what the test writes that asks for them."""
        if self._line is None:
            yield
            return
        self._pauses.enter()
        before = self._lingering.seen()
        yield
        self._lingering.started_by_fixture(before)
        self._pauses.leave()

    def setup_ended(self, item: pytest.Item, *, passed: bool) -> None:
        """Tell that a set-up ended; where somebody's hooks come between, it goes on until the call begins."""
        if self._line is not None and (self._quick(item) or not passed):
            self._lingering.begin()
            self._line.ask(**_mark(item, "setup"), goes_on=is_case(item))

    def call_begins(self, item: pytest.Item) -> None:
        """Wait until the recorder knows where the set-up ended."""
        if self._line is None:
            return
        if self._quick(item):
            self._line.settle()
        else:
            self._lingering.begin()
            self._line.tell(**_mark(item, "setup"), goes_on=is_case(item))
        if not is_case(item):
            self._call(item, self._line)

    def inner_setup_ended(self, item: pytest.Item, *, passed: bool) -> None:
        """Tell that a set-up inside the call ended, such as that of a `unittest.TestCase`."""
        if self._line is not None:
            self._lingering.begin(after_setup=True)
            self._line.tell(**_mark(item, "setup"))
            if passed:
                self._call(item, self._line)

    def _call(self, item: pytest.Item, line: Line) -> None:
        """Begin to tell the test itself from what else runs inside its call.

        What was written up to there is read before anything else may drop the table.
        """
        self._pauses.call(
            stops=lambda: line.tell(**_mark(item, "call"), goes_on=True),
            goes_on=lambda: line.tell(**_mark(item, "setup"), goes_on=True),
        )

    def call_ended(self, item: pytest.Item, demands: Sequence[dict[str, Any]]) -> None:
        """Tell that the test itself ended, and what it had to commit."""
        if self._line is None:
            return
        self._pauses.end()
        self._lingering.end(item.nodeid)
        mark = _mark(item, "call", demands)
        if is_case(item):  # its tearDown comes next
            self._line.tell(**mark)
            self._beside = self._lingering.meanwhile()
        elif self._quick(item):
            self._line.ask(**mark)
        else:
            self._line.tell_twice(**mark)
            self._beside = self._lingering.meanwhile()

    def teardown_begins(self) -> None:
        """Wait until the recorder has read what the call wrote: the teardown may drop the table."""
        if self._line is not None:
            self._line.settle()
            self._beside += self._lingering.meanwhile()

    def teardown_ended(self, item: pytest.Item, *, last: bool) -> None:
        """Tell that the teardown ended; the next set-up need not wait for the recorder, as neither counts.

        It waits for what the test left at work. After the last test there is nothing that it could disturb.
        """
        if self._line is None:
            return
        left = [] if last else self._lingering.wait()
        beside, self._beside = self._beside, []
        self._line.note(**_mark(item, "teardown"), beside=beside, left=left)

    def inside(self, item: pytest.Item) -> bool:
        """Return whether the test is only what its function does: somebody else works around that, inside the call."""
        if self._line is None or not isinstance(item, pytest.Function):
            return False
        return not self._quick(item) and self._inside

    def _quick(self, item: pytest.Item) -> bool:
        """Return whether only pytest itself works between the phases."""
        if self._alone is None:
            config = item.config
            self._inside = any(_around(config, name) for name in _CALLING)
            self._alone = (
                not self._inside
                and not any(_around(config, name) for name in _AROUND)
                and all(known(one) for name in REPORTING for one in implementations(config, name))
            )
            self._pauses.look(config)
        return self._alone


def _around(config: pytest.Config, name: str) -> bool:
    """Return whether somebody has a hook that works around others; who calls a test's function does so, too."""
    return any(
        not known(one) and (one.hookwrapper or getattr(one, "wrapper", False) or name == "pytest_pyfunc_call")
        for one in implementations(config, name)
    )


def _mark(item: pytest.Item, phase: str, demands: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    return {"event": "mark", "test": item.nodeid, "phase": phase, "demands": demands}

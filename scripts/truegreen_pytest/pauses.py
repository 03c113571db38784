"""What runs inside the call of a test and is not the test: fixtures that it asks for on its way, and hooks."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    import pytest

REPORTING = ("pytest_runtest_makereport", "pytest_runtest_logreport", "pytest_report_teststatus")
"""Hooks that are called between two phases, and for each subtest."""
_FIXTURE = "pytest_fixture_setup"
_INSIDE = (*REPORTING, _FIXTURE, "pytest_exception_interact")
_OF_STEPS = "pytest_bdd_"
"""How the names of hooks begin that are called around the steps of a scenario; the steps themselves are no hooks."""
_KNOWN = {
    "_pytest", "truegreen_pytest", "xdist", "_hypothesis_pytestplugin", "pytest_cov", "pytest_asyncio", "anyio",
    "pytest_timeout", "pytest_randomly", "pytest_mock", "pytest_rerunfailures", "pytest_bdd", "pytest_subtests",
}  # fmt: skip
"""Packages whose hooks write to no store."""


class Pauses:
    """Says where the call of a test stops for something else, and where it goes on.

    A hook is only watched where somebody has one that is called then. A fixture in the midst of a call always stops it.
    """

    def __init__(self) -> None:
        self._stops: Callable[[], Any] | None = None
        self._goes_on: Callable[[], Any] | None = None
        self._depth = 0
        self._watched: frozenset[str] = frozenset()
        self._unwatch: Callable[[], None] | None = None

    def look(self, config: pytest.Config) -> None:
        """Watch the hooks that somebody has."""
        names = {name for name in vars(config.hook) if name in _INSIDE or name.startswith(_OF_STEPS)}
        self._watched = frozenset(name for name in names if not all(map(known, implementations(config, name))))
        if self._watched and self._unwatch is None:
            # Around all who have the hook: whoever asks to be the first one would be outside of a hook of our own.
            self._unwatch = config.pluginmanager.add_hookcall_monitoring(self._before, self._after)

    def close(self) -> None:
        """Watch no hook any more."""
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None

    def call(self, stops: Callable[[], Any], goes_on: Callable[[], Any]) -> None:
        """Begin to tell: the test itself began.

        Args:
            stops: called where something else begins.
            goes_on: called where it ended.
        """
        self._stops, self._goes_on, self._depth = stops, goes_on, 0

    def end(self) -> None:
        """Tell no more: the test itself ended."""
        self._stops = self._goes_on = None

    def enter(self) -> None:
        """Something else begins; it may ask for more of its kind."""
        if self._stops is not None:
            self._depth += 1
            if self._depth == 1:
                self._stops()

    def leave(self) -> None:
        """It ended."""
        if self._goes_on is not None and self._depth > 0:
            self._depth -= 1
            if self._depth == 0:
                self._goes_on()

    def _before(self, name: str, *_: Any) -> None:
        if name in self._watched:
            self.enter()

    def _after(self, _: Any, name: str, *__: Any) -> None:
        if name in self._watched:
            self.leave()


def implementations(config: pytest.Config, name: str) -> list[Any]:
    """Return all that is called for a hook."""
    return list(getattr(config.hook, name).get_hookimpls())


def known(hook: Any) -> bool:
    """Return whether a hook is of a known package; what a function says of itself may be copied from another one."""
    owner = hook.plugin
    name = owner.__name__ if isinstance(owner, ModuleType) else type(owner).__module__
    return name.partition(".")[0] in _KNOWN

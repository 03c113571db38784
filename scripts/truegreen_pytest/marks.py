"""What the marks of tests say: which requirement they prove, which stages claim them, which marks nobody knows."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from truegreen_pytest.places import begins
from truegreen_pytest.selection import expression, given

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

KEYS = ("requirements", "claims", "unclaimed", "unknown_marks", "marked")
"""Keys of the record; what a worker of pytest-xdist saw travels under the same names."""

_NEAR = {"persists": 0.8, "req": 0.8, "allow_mocks": 0.8, "clean": 0.9}
"""Marker of the plugin → from which likeness on another name is a slip of the pen; `cleanup` is somebody's own."""


def misspelt(items: Iterable[pytest.Item], config: pytest.Config) -> list[str]:
    """Return where a marker nobody registered is nearly one of the plugin's: it would say nothing, and nobody know."""
    known, found = _registered(config), dict[str, str]()
    for item in items:
        for name in (mark.name for mark in item.iter_markers() if mark.name not in known and mark.name not in found):
            meant = next((own for own, least in _NEAR.items() if _likeness(name, own) >= least), "")
            found[name] = meant and (
                f"{begins(item)}: marker {name} of {item.nodeid} is nobody's: write {meant}, which is truegreen's, or "
                f"register {name} in pytest's `markers` if it is your own"
            )
    return [why for why in found.values() if why]


def _likeness(one: str, two: str) -> float:
    return SequenceMatcher(None, one.lower(), two).ratio()


def _registered(config: pytest.Config) -> set[str]:
    return {line.split(":")[0].split("(")[0].strip() for line in config.getini("markers")}


class Marks:
    """The marks of one session, by node id."""

    def __init__(self, config: pytest.Config) -> None:
        asked = given()  # `claims` and `marks` of it
        self._own = expression(str(asked.get("marker") or ""))
        claims = asked.get("claims")
        # Only the stage that takes what no other claims is told the markers of the others.
        self._claims = {str(stage): expression(str(text)) for stage, text in claims.items()} if claims else {}
        self._config = config
        self._known: set[str] = set()
        self._record: dict[str, Any] = {
            "requirements": {},
            "claims": {} if self._claims else None,
            "unclaimed": [],
            "unknown_marks": {},
            "marked": {str(name): [] for name in asked.get("marks") or ()},
        }

    def selected(self, items: Iterable[pytest.Item]) -> None:
        """Note tests that will run."""
        for item in items:
            self._note(item)

    def deselected(self, items: Iterable[pytest.Item]) -> None:
        """Note tests that something left out; those that neither this stage nor another wants run nowhere."""
        for item in items:
            claimed = self._note(item)
            if self._claims and not claimed and not self._own(item):
                self._record["unclaimed"].append(item.nodeid)

    def record(self) -> dict[str, Any]:
        """Return what was noted."""
        return self._record

    def take(self, output: dict[str, Any]) -> None:
        """Take over what a worker noted: each of them collects everything."""
        self._record = {key: output[key] for key in KEYS}

    def _note(self, item: pytest.Item) -> bool:
        """Note what the marks of one test say; return whether another stage claims it."""
        if not self._known:  # read late: plugins register their marks while they are configured
            self._known = _registered(self._config)
        for mark in item.iter_markers():
            if mark.name == "req":
                for name in (*mark.args, *mark.kwargs.values()) or ("",):
                    tests = self._record["requirements"].setdefault(str(name), [])
                    if item.nodeid not in tests[-1:]:
                        tests.append(item.nodeid)
            elif mark.name not in self._known:
                self._record["unknown_marks"].setdefault(mark.name, item.nodeid)
            marked = self._record["marked"].get(mark.name)
            if marked is not None and item.nodeid not in marked[-1:]:
                marked.append(item.nodeid)
        stages = [stage for stage, wants in self._claims.items() if wants(item)]
        for stage in stages:
            self._record["claims"].setdefault(stage, []).append(item.nodeid)
        return bool(stages)

"""What tests replaced, and stand-ins they use, with the names of those tests."""

from __future__ import annotations

from typing import Any

from truegreen.model.mocks import FakeScan, FakeUse, MockUse, Replacement, Rule


def name(number: int) -> str:
    """Return the id of a test."""
    return f"tests/test_a.py::test_{number}"


def replacement(*tests: int, **more: Any) -> Replacement:
    """Return what the given tests (the first by default) patched: a method of the project."""
    values: dict[str, Any] = {
        "kind": "patch",
        "target": "shop.Repo.save",
        "home": "shop",
        "path": "tests/test_a.py",
        "line": 7,
        "uses": tuple(MockUse(name(number), "call", 1) for number in tests or (0,)),
    }
    return Replacement(**{**values, **more})


def fake(*tests: int, **more: Any) -> FakeUse:
    """Return a stand-in that the given tests (the first by default) use."""
    values: dict[str, Any] = {
        "rule": Rule.FAKE_STORE,
        "what": "fakeredis.FakeRedis",
        "path": "tests/conftest.py",
        "line": 4,
        "tests": tuple(name(number) for number in tests or (0,)),
    }
    return FakeUse(**{**values, **more})


def fakes(*uses: FakeUse, **more: Any) -> FakeScan:
    """Return a scan of three tests in one file."""
    return FakeScan(uses=uses, **{"files": 1, "tests": 3, **more})

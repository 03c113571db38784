"""What tests put in the place of real things: as seen while they ran, and as their sources say."""

from __future__ import annotations

from enum import StrEnum

import msgspec

FAKES_VERSION = 1


class Rule(StrEnum):
    """What kind of stand-in it is; the same for both ways of finding it."""

    REPLACED = "NM1"
    """Something was replaced: `unittest.mock.patch`, pytest-mock, `monkeypatch`."""
    MOCK = "NM2"
    """A Mock object was called in the place of something real."""
    OVERRIDE = "NM3"
    """A dependency of a FastAPI application was overridden."""
    FAKE_STORE = "NM4"
    """A store that lives in the test's own process: fakeredis, mongomock, moto."""
    SQLITE = "NM5"
    """SQLite in the place of a declared store."""
    FAKE_HTTP = "NM6"
    """Answers of another service are made up: responses, respx, requests-mock, pytest-httpx, aioresponses."""
    RECORDED = "NM7"
    """Answers of another service are played back: vcr, betamax."""


RULES = {
    "patch": Rule.REPLACED,
    "monkeypatch": Rule.REPLACED,
    "setting": Rule.REPLACED,
    "environment": Rule.REPLACED,
    "spy": Rule.REPLACED,
    "mock": Rule.MOCK,
    "override": Rule.OVERRIDE,
}
"""Kind of a replacement, as the plugin names it, → rule."""


class MockUse(msgspec.Struct, frozen=True, array_like=True):
    """One test that ran under a replacement."""

    test: str
    """Node id."""
    phase: str
    """`setup` when a fixture put it in place, `call` when the test itself did."""
    times: int
    """How often it was put in place while the test ran; of a mock, how often it was called."""


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was replaced while tests ran, as the plugin saw it."""

    kind: str
    """`patch`, `monkeypatch`, `mock`, `override`; `setting`, `environment` and `spy` replace nothing real."""
    target: str
    """Dotted name of what was replaced; hostile, and cut to a limit."""
    home: str = ""
    """Module that the replaced thing comes from, which may be another one than that in which it was replaced."""
    origin: str = "project"
    """Whose that module is: `project`, `installed` or `stdlib`."""
    path: str = ""
    """File that replaced it, relative to where pytest was started."""
    line: int = 0
    """1-based; 0 when unknown."""
    by: str = ""
    """Top-level module of the library that was asked to replace it, such as `responses`; empty where none was."""
    uses: tuple[MockUse, ...] = ()

    @property
    def rule(self) -> Rule:
        """Return the rule that speaks of it."""
        return RULES.get(self.kind, Rule.REPLACED)


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """One `allow_mocks` marker; what it says is as its author wrote it."""

    target: str
    reason: str
    until: str
    """Last day, as `2030-01-31`."""
    tests: tuple[str, ...] = ()


class FakeUse(msgspec.Struct, frozen=True, kw_only=True):
    """One stand-in that the sources of tests use."""

    rule: Rule
    what: str
    """Dotted name, such as `fakeredis.FakeRedis`, or the address of a database."""
    path: str
    """Relative to the project."""
    line: int
    """1-based."""
    tests: tuple[str, ...]
    """Node ids of the tests that use it, by themselves or by a fixture."""


class FakeScan(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `fakes.json`: what the sources of the tests of one stage use."""

    schema_version: int = FAKES_VERSION
    files: int
    """Files that were read."""
    tests: int
    """Tests that were followed to what they use."""
    uses: tuple[FakeUse, ...] = ()
    unread: tuple[str, ...] = ()
    """Files that could not be read, each as `path: reason`."""

"""How the tests of a project are written, as their sources say: nothing of it was run."""

from __future__ import annotations

from enum import StrEnum

import msgspec

STYLE_VERSION = 1


class StyleRule(StrEnum):
    """What is looked at; the value is what options, comments and waivers call it."""

    EVENT_LOOP = "event-loop"
    """An event loop that is made by hand."""
    SLEEP = "sleep"
    """A wait of a fixed time."""
    UNUSED_FIXTURE = "unused-fixture"
    """A fixture that nobody asks for."""
    NO_ASSERTION = "no-assertion"
    """A test that asserts nothing."""
    NAME = "name"
    """A test whose name says nothing."""
    DOCSTRING = "docstring"
    """A test without a docstring."""


class TestFunction(msgspec.Struct, frozen=True, array_like=True):
    """One function that pytest collects; parameters make no second one."""

    __test__ = False  # a record, not something pytest should collect

    name: str
    """Within its file, such as `TestCart::test_total_of_two_items`."""
    line: int
    """1-based, of its `def`."""
    asserts: bool = True
    """Whether it can fail by more than an exception; True where that cannot be told."""
    documented: bool = True


class TestFile(msgspec.Struct, frozen=True, array_like=True):
    """The tests of one file."""

    __test__ = False

    path: str
    """Relative to the project, with `/`."""
    tests: tuple[TestFunction, ...]


class Remark(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One place of a source file of the tests."""

    path: str
    line: int
    """1-based."""
    rule: StyleRule
    what: str
    """What stands there, such as `time.sleep(2)` or the name of a fixture."""
    wait_s: float = 0.0
    """Seconds of a wait; 0 for anything else."""


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    """A comment that lets one line be: `# truegreen: allow sleep: the lease ends after a second`."""

    path: str
    line: int
    rules: tuple[str, ...]
    reason: str
    """As its author wrote it; empty where there is none."""


class StyleScan(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `test-style.json`."""

    schema_version: int = STYLE_VERSION
    files: tuple[TestFile, ...] = ()
    """Every file of tests that was read, those without a test included."""
    remarks: tuple[Remark, ...] = ()
    allowed: tuple[Allowed, ...] = ()
    fixtures: int = 0
    """Fixtures that are defined."""
    fixtures_unknown: str = ""
    """Why it cannot be told which fixtures are used; empty where it can."""
    unread: tuple[str, ...] = ()
    """Files that could not be read, each as `path: reason`."""

    @property
    def tests(self) -> int:
        """Number of test functions."""
        return sum(len(file.tests) for file in self.files)

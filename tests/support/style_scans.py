"""Scans of the sources of tests, and what they tell."""

from __future__ import annotations

import textwrap

from truegreen.analysis import style
from truegreen.model.style import StyleRule

PATH = "tests/test_a.py"


def scan(text, *, choices=style.Choices(), elsewhere=(), **others):  # noqa: B008 - a constant
    """Scan one file of tests; others by name, `_` for `.` and `__` for `/`."""
    texts = {name.replace("__", "/") + ".py": textwrap.dedent(body) for name, body in others.items()}
    return style.scan({PATH: textwrap.dedent(text), **texts}, choices, elsewhere=lambda: elsewhere)


def told(found, rule):
    return [(one.line, one.what) for one in found.remarks if one.rule is rule]


def silent(text, **others):
    """Return the tests that assert nothing."""
    return [one.name for file in scan(text, **others).files for one in file.tests if not one.asserts]


def unused(text, **others):
    return [what for _, what in told(scan(text, **others), StyleRule.UNUSED_FIXTURE)]


def waits(text, **others):
    return [(one.line, one.wait_s) for one in scan(text, **others).remarks if one.rule is StyleRule.SLEEP]


# --- event loops

"""The tests give the same answer on a runner as at a desk."""

from __future__ import annotations

import os

from tests.support import runner_env


def test_environment_of_the_tests_names_no_runner():
    """Run with `CI=true` in front, as our own CI does, this is what keeps the selections of tests whole."""
    assert [name for name in os.environ if name.startswith(runner_env.PREFIXES)] == []

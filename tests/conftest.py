"""What all tests share."""

import os

import pytest
from hypothesis import settings
from tests.support import runner_env

# A red run must be red again: every run tries the same examples. TRUEGREEN_FUZZ=1 looks for new ones.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None)
settings.load_profile("fuzz" if os.environ.get("TRUEGREEN_FUZZ") else "fixed")

# A test says itself which runner it plays; the runner that happens to run it decides nothing.
runner_env.forget(os.environ)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, so that no process waits for another at the end."""
    items.sort(key=lambda item: item.get_closest_marker("real") is None)

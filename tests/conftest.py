"""What all tests share."""

import os
import signal

import pytest
from hypothesis import settings
from tests.support import fixed_examples, runner_env

# A red run must be red again: every run tries the same examples. TRUEGREEN_FUZZ=1 looks for new ones.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None)
settings.load_profile("fuzz" if os.environ.get("TRUEGREEN_FUZZ") else "fixed")
if not os.environ.get("TRUEGREEN_FUZZ"):
    fixed_examples.forget_constants_of_our_modules()

# A test says itself which runner it plays; the runner that happens to run it decides nothing.
runner_env.forget(os.environ)

# A shell starts what runs in the background deaf to these two, and all that a test starts would be deaf too.
for name in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(name) is signal.SIG_IGN:
        signal.signal(name, signal.default_int_handler if name is signal.SIGINT else signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than processors: tests with containers and servers wait for a part of their time."""
    return len(os.sched_getaffinity(0)) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, so that no process waits for another at the end."""
    items.sort(key=lambda item: item.get_closest_marker("real") is None)

"""truegreen's pytest plugin: standard library and pytest only, because it runs in the user's environment.

It writes what pytest itself knows (collected, selected, failed) to a file, tells the recorder when a phase of
a test begins and ends, notes which mocks were active, and runs the tests in the order it is told. It decides nothing.
"""

from truegreen_pytest import idle, unwire
from truegreen_pytest.plugin import pytest_cmdline_main, pytest_configure, pytest_load_initial_conftests

__all__ = ["pytest_cmdline_main", "pytest_configure", "pytest_load_initial_conftests"]

unwire.start()  # before any conftest imports the project
idle.start()

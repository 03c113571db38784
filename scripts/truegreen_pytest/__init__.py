"""truegreen's pytest plugin: standard library and pytest only, because it runs in the user's environment.

It writes what pytest itself knows (collected, selected, failed) to a file, tells the recorder when a phase of
a test begins and ends, and notes which mocks were active. It decides nothing.
"""

from truegreen_pytest.plugin import (  # noqa: F401 - hooks are found by name
    pytest_addoption,
    pytest_collectreport,
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_deselected,
    pytest_runtest_call,
    pytest_runtest_logreport,
    pytest_runtest_setup,
    pytest_runtest_teardown,
    pytest_sessionfinish,
    pytest_testnodedown,
)

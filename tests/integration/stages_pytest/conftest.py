"""A project that the tests of one file share: its environment is made once."""

import pytest
from tests.support.pytest_projects import Project, shared_cache


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pytest-run")
    return Project(folder / "project", shared_cache(folder / "cache"))

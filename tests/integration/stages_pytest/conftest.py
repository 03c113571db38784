"""A project that the tests of a file share, with an environment that all files share; and sessions with the plugin."""

import json

import pytest
from tests.support.plugin_sessions import Listener
from tests.support.pytest_projects import Place
from tests.support.replaced import SHOP, forget_modules


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("pytest-run"))


@pytest.fixture(scope="module")
def home(place):
    return place.project()


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def session(pytester, monkeypatch):
    """A way to run tests with the plugin, in this process; returns what it wrote."""
    path = pytester.path / "out" / "session.json"
    path.parent.mkdir()
    monkeypatch.setenv("TRUEGREEN_SESSION_FILE", str(path))
    monkeypatch.delenv("TRUEGREEN_RECORDER", raising=False)

    def run(text, *args, **environment):
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        if text:
            pytester.makepyfile(test_it=text)
        result = pytester.runpytest_inprocess("-p", "truegreen_pytest", "-p", "no:cacheprovider", *args)
        found = json.loads(path.read_text()) if path.is_file() else {}
        assert [left.name for left in path.parent.iterdir() if left.name.startswith(".session")] == []
        return result, found

    return run


@pytest.fixture
def seen(pytester, monkeypatch):
    """A way to run tests with the plugin; returns what it noted: target → (kind, origin, place, uses)."""
    path = pytester.path / "session.json"
    monkeypatch.setenv("TRUEGREEN_SESSION_FILE", str(path))
    monkeypatch.delenv("TRUEGREEN_RECORDER", raising=False)
    monkeypatch.syspath_prepend(pytester.path)
    pytester.makepyfile(shop=SHOP)

    def run(text, *args, conftest="", passed=None, apart=False):
        if conftest:
            pytester.makeconftest(conftest)
        pytester.makepyfile(test_it="import os, sys, time, pytest\nfrom unittest import mock\nimport shop\n" + text)
        start = pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess
        result = start("-p", "truegreen_pytest", "-p", "no:cacheprovider", *args)
        outcomes = result.parseoutcomes()
        assert set(outcomes) <= {"passed", "skipped", "warning", "warnings"}, result.stdout.str()
        if passed is not None:
            assert outcomes["passed"] == passed
        found = json.loads(path.read_text())
        forget_modules()
        return found

    return run

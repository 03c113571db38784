"""What the plugin notes of libraries that replace, of overrides, and of what is odd or without number."""

from __future__ import annotations

import unittest.mock
from pathlib import Path

import pytest
from tests.support.replaced import rows

pytest_plugins = ["pytester"]


def test_library_that_was_asked_to_replace_something_is_named(seen, pytester, monkeypatch):
    folder = pytester.mkdir("site-packages")
    folder.joinpath("answers.py").write_text(
        "from unittest import mock\nimport functools, shop, pytest\n"
        "def activate(test):\n    @functools.wraps(test)\n    def run():\n"
        "        with mock.patch('shop.make'): test()\n    return run\n"
        "@pytest.fixture\ndef answering(monkeypatch): monkeypatch.setattr(shop.Repo, 'save', print)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    text = (
        "import answers\nfrom answers import answering\n@answers.activate\ndef test_a(): pass\n"
        "def test_b(answering): pass\ndef test_c():\n    answers.activate(lambda: None)()\n"
    )
    found = seen(text, apart=True, passed=3)
    assert [(row["by"], row["path"]) for row in found["replaced"]] == [("answers", "test_it.py")] * 3
    assert [row["line"] for row in found["replaced"]] == [6, 8, 10]


def test_override_of_a_dependency_is_noted_when_a_request_is_answered(seen, pytester, monkeypatch):
    # The shape of FastAPI 0.165: `fastapi.routing` calls `solve_dependencies` with the application by this keyword.
    pytester.mkpydir("fastapi")
    pytester.path.joinpath("fastapi/routing.py").write_text(
        "async def solve_dependencies(*, dependency_overrides_provider=None): pass\n"
        "async def answer(app): await solve_dependencies(dependency_overrides_provider=app)\n"
    )
    text = (
        "import asyncio, types\nimport fastapi.routing as routing\n"
        "app = types.SimpleNamespace(dependency_overrides={})\ndef db(): pass\n"
        "def test_a():\n    app.dependency_overrides[db] = print\n    asyncio.run(routing.answer(app))\n"
        "    app.dependency_overrides.clear()\n"
        "def test_b(): asyncio.run(routing.answer(app))\n"
        "def test_c():\n    app.dependency_overrides[db] = print\n    app.dependency_overrides.clear()\n"
        "def test_d(): asyncio.run(routing.answer(None))\n"
    )
    found = seen(text, apart=True, passed=4)
    assert found["watch_problem"] == ""
    assert rows(found) == {("override", "test_it.db"): [("test_a", "call", 1)]}


FASTAPI = (
    "async def solve_dependencies(*, dependency_overrides_provider=None): pass\n"
    "async def answer(app): await solve_dependencies(dependency_overrides_provider=app)\n"
)
LATE = {
    "a fixture": "@pytest.fixture\ndef use():\n    from app import use\n    return use\ndef test_a(use): use()\n",
    "the test": "def test_a():\n    import app\n    app.use()\n",
    "the test, by name": "def test_a():\n    import importlib\n    importlib.import_module('app').use()\n",
    "the test, once more": (
        "import app\ndef test_a():\n    for name in ('app', 'fastapi.routing', 'fastapi'): del sys.modules[name]\n"
        "    import app\n    app.use()\n"
    ),
}


@pytest.mark.parametrize("who", LATE)
def test_override_is_noted_in_the_test_that_is_the_first_to_import_the_application(seen, pytester, who):
    pytester.mkpydir("fastapi")
    pytester.path.joinpath("fastapi/routing.py").write_text(FASTAPI)
    pytester.path.joinpath("app.py").write_text(
        "import asyncio, types\nimport fastapi.routing as routing\ndef db(): pass\ndef use():\n"
        "    asyncio.run(routing.answer(types.SimpleNamespace(dependency_overrides={db: print})))\n"
    )
    found = seen(LATE[who], apart=True, passed=1)
    assert rows(found) == {("override", "app.db"): [("test_a", "call", 1)]}
    assert found["watch_problem"] == ""


def test_copy_of_mock_that_a_fixture_imports_is_watched_from_then_on(seen, pytester):
    pytester.path.joinpath("mock.py").write_text(Path(unittest.mock.__file__).read_text())
    text = (
        "@pytest.fixture\ndef quiet():\n    from mock import patch\n    with patch('shop.make'): yield\n"
        "def test_a(quiet):\n    import inspect, mock\n    assert 'CallableMixin' in inspect.getsource(mock)\n"
    )
    assert rows(seen(text, apart=True, passed=1)) == {("patch", "shop.make"): [("test_a", "setup", 1)]}


def test_mock_without_the_parts_that_are_watched_is_a_problem_and_no_crash(seen, pytester):
    pytester.path.joinpath("mock.py").write_text("class _patch: pass\n")
    found = seen("import mock as other\ndef test_a(): pass\ndef test_b(): pass\n", apart=True, passed=2)
    assert found["watch_problem"] == "_patch.__enter__ is not there to be watched"
    assert found["watched"] == 2


def test_object_that_cannot_be_described_is_replaced_all_the_same(seen):
    text = """
class Meta(type):
    def __getattribute__(cls, name):
        if name == "__qualname__": raise RuntimeError
        return super().__getattribute__(name)
class Odd(metaclass=Meta):
    value = 1
class Proxy:
    value = print
    @property
    def __class__(self): raise RuntimeError
    def __getattr__(self, name): raise RuntimeError(name)
def test_a(monkeypatch):
    monkeypatch.setattr(Odd(), "value", print)
def test_b():
    one = Proxy()
    with mock.patch.object(Proxy, "value", mock.Mock()): one.value()
def test_surrogate(monkeypatch):
    monkeypatch.setattr(shop, "a\\ud800", print, raising=False)
"""
    found = seen(text, passed=3)
    assert found["watch_problem"] == ""
    assert ("monkeypatch", "something that cannot be named") in rows(found)
    assert ("patch", "test_it.Proxy.value") in rows(found)
    assert ("monkeypatch", "shop.a?") in rows(found)


def test_replacements_without_number_are_bounded_and_said_to_be(seen):
    text = "def test_a():\n    for n in range(2500):\n        getattr(mock.Mock(name=f'm{n}'), f'x{n}')()\n"
    found = seen(text, passed=1)
    assert len(found["replaced"]) == 2000
    assert found["watch_problem"] == "there were more than 2,000 replacements"


def test_everything_is_put_back_when_the_session_ends(seen):
    before = (pytest.MonkeyPatch.setattr, unittest.mock._patch.__enter__, unittest.mock.CallableMixin._mock_call)
    seen("def test_a(): pass\n")
    after = (pytest.MonkeyPatch.setattr, unittest.mock._patch.__enter__, unittest.mock.CallableMixin._mock_call)
    assert before == after


def test_failing_patch_fails_the_test_with_its_own_error(pytester, monkeypatch):
    monkeypatch.setenv("TRUEGREEN_SESSION_FILE", str(pytester.path / "session.json"))
    pytester.makepyfile("from unittest import mock\ndef test_a():\n    with mock.patch('os.nothing'): pass\n")
    result = pytester.runpytest_inprocess("-p", "truegreen_pytest")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*AttributeError: *nothing*"])
    assert "truegreen_pytest" not in result.stdout.str().partition("FAILURES")[2].partition("warnings")[0]


def test_guard_of_djangos_test_cases_is_no_replacement(seen):
    """Django refuses databases a test did not declare by a function in the place of the real one, which it calls."""
    found = seen(
        "def guard(self, row): return row\n"
        "guard.__module__ = 'django.test.testcases'\n"
        "def test_a():\n"
        "    with mock.patch.object(shop.Repo, 'save', new=guard): assert shop.Repo().save(1) == 1\n",
        passed=1,
    )
    assert (found["replaced"], found["watch_problem"]) == ([], "")

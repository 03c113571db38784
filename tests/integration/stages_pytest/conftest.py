"""A project that the tests of a file share, with an environment that all files share; and sessions with the plugin."""

import json
from textwrap import dedent

import msgspec
import pytest
from tests.support.plugin_sessions import Listener
from tests.support.pytest_projects import Place
from tests.support.replaced import SHOP, forget_modules
from tests.support.wiring_roots import PARTS

from truegreen.analysis import roots, slots, unwired


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


@pytest.fixture
def walk(pytester, session, monkeypatch):
    """Walk the roots of the texts of a package `shop`; returns the session, its result, and each walk by its root."""
    number = iter(range(1_000))

    def run(*args, tests="", optional=(), limit_s=5.0, declared=(), parts=PARTS, **texts):
        package = f"shop{next(number)}_{id(pytester)}"
        folder = pytester.mkpydir(package)
        for name, text in {"parts": parts, **texts}.items():
            (folder / f"{name}.py").write_text(dedent(text).replace("shop.", f"{package}."), encoding="utf-8")
        found = {f"{package}/{path.name}": path.read_text() for path in sorted(folder.glob("*.py"))}
        project = unwired.Project(unwired.read(found)[0])
        table = slots.of(project)
        named = {root.name: (root.kind, root.place) for root in roots.of(project, table)}
        named |= {name.replace("shop", package): ("factory", None) for name in declared}
        out = pytester.path / "walks.jsonl"
        out.unlink(missing_ok=True)
        asked = {
            "root": str(pytester.path),
            "packages": [package],
            "classes": msgspec.to_builtins(table),
            "concrete": list(slots.concrete(project)),
            "optional": list(optional),
            "limit_s": limit_s,
            "out": str(out),
            "roots": [
                {"name": name, "kind": kind, **({"path": place.path, "line": place.line} if place else {})}
                for name, (kind, place) in named.items()
            ],
        }
        path = pytester.path / "asked.json"
        path.write_text(json.dumps(asked))
        monkeypatch.setenv("TRUEGREEN_WIRING", str(path))
        monkeypatch.syspath_prepend(pytester.path)
        result, seen = session(tests, *args)
        lines = out.read_text().splitlines() if out.is_file() else []
        walks = {row["root"].replace(package, "shop"): row for row in map(json.loads, lines)}
        return result, {**seen, "ids": [name.replace(package, "shop") for name in seen["ids"]]}, walks

    return run

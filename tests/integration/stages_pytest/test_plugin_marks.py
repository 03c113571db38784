"""What the plugin tells of marks: requirements, claims of stages, and marks that nobody knows."""

from __future__ import annotations

import json

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest

@pytest.mark.req("M1-1", "M1-2")
def test_plain(): pass

@pytest.mark.wiring
@pytest.mark.req("M1-3")
@pytest.mark.parametrize("n", [1, 2])
def test_wired(n): pass

@pytest.mark.wiring
@pytest.mark.persistence
def test_both(): pass

@pytest.mark.persistance
def test_typo(): pass

@pytest.mark.nightly
@pytest.mark.req()
def test_nowhere(): pass
"""
CLAIMS = {"wiring": "wiring", "persistence": "persistence"}


@pytest.fixture
def session(pytester, monkeypatch):
    """A way to run the tests with the plugin; returns what it wrote."""
    path = pytester.path / "out.json"

    def run(*words, marker="", claims=None, processes=False, marks=()):
        monkeypatch.setenv("TRUEGREEN_SESSION_FILE", str(path))
        monkeypatch.setenv("TRUEGREEN_SELECTION", json.dumps({"marker": marker, "claims": claims, "marks": marks}))
        pytester.makepyfile(test_m=TESTS)
        arguments = ("-p", "truegreen_pytest", "-W", "ignore", *(("-m", marker) if marker else ()), *words)
        (pytester.runpytest_subprocess if processes else pytester.runpytest)(*arguments)
        return json.loads(path.read_text())

    return run


@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_tests_of_a_mark_that_was_asked_for_are_told(session, words):
    found = session(*words, processes=True, marks=["wiring", "absent"])
    wired = [f"test_m.py::{name}" for name in ("test_wired[1]", "test_wired[2]", "test_both")]
    assert found["marked"] == {"wiring": wired, "absent": []}
    assert session(*words, processes=True)["marked"] == {}


@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_marks_of_every_test_are_told_also_of_those_left_out(session, words):
    found = session(*words, marker="not wiring and not persistence and not nightly", claims=CLAIMS, processes=True)
    assert found["requirements"] == {
        "M1-1": ["test_m.py::test_plain"],
        "M1-2": ["test_m.py::test_plain"],
        "M1-3": ["test_m.py::test_wired[1]", "test_m.py::test_wired[2]"],
        "": ["test_m.py::test_nowhere"],
    }
    assert found["claims"] == {
        "wiring": ["test_m.py::test_wired[1]", "test_m.py::test_wired[2]", "test_m.py::test_both"],
        "persistence": ["test_m.py::test_both"],
    }
    assert found["unclaimed"] == ["test_m.py::test_nowhere"]
    assert found["unknown_marks"] == {
        "persistance": "test_m.py::test_typo",
        "nightly": "test_m.py::test_nowhere",
    }
    assert found["ids"] == ["test_m.py::test_plain", "test_m.py::test_typo"]


def test_stage_that_is_told_no_claims_tells_none(session):
    found = session(marker="wiring")
    assert (found["claims"], found["unclaimed"]) == (None, [])
    assert "M1-1" in found["requirements"]


def test_test_that_a_keyword_left_out_is_not_unclaimed(session):
    found = session("-k", "wired", marker="not wiring and not persistence", claims=CLAIMS)
    assert found["unclaimed"] == []

"""A property test that was green here is green on every other machine too."""

from __future__ import annotations

import importlib
import os
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

CONSTANTS = "\n".join(f"NAME_{n} = ({n * 7_919 + 123_456}, 'word number {n}')" for n in range(200))


def examples():
    """Return what one property test is given."""
    seen = []

    @settings(max_examples=200, derandomize=True, database=None)
    @given(st.integers(), st.text())
    def collect(number, text):
        seen.append((number, text))

    collect()
    return seen


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Return a function that imports a module full of constants."""
    (tmp_path / "full_of_constants.py").write_text(CONSTANTS)
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda: importlib.import_module("full_of_constants")
    sys.modules.pop("full_of_constants", None)


@pytest.mark.skipif("TRUEGREEN_FUZZ" in os.environ, reason="fuzzing looks for new examples")
def test_examples_another_module_imported_in_between_stay_the_same(imported):
    before = examples()
    imported()
    assert examples() == before

"""A limit for the tests of a mark goes from the configuration through pytest into the verdict."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
TESTS = """
    import time, pytest
    @pytest.mark.slow
    def test_marked(): time.sleep(0.4)
    def test_other(): time.sleep({other})
"""


@pytest.mark.parametrize(("other", "workers", "status"), [("0", "0", "pass"), ("0.4", "2", "fail")])
def test_mark_lets_its_tests_take_longer_than_the_stage(home, other, workers, status):
    home.clear()
    limits = '[tool.truegreen.gates.time-budget]\ntest-s = { unit = 0.2, "marker:slow" = 5 }\n'
    markers = '[tool.pytest.ini_options]\nmarkers = ["slow"]\n'
    home.write("pyproject.toml", f"[tool.truegreen]\n{limits}{markers}")
    judged = home.run(TESTS.format(other=other), workers=workers)
    assert judged.says("time-budget") == status, judged.verdict("time-budget")
    facts = {fact.label: fact.value for fact in judged.verdict("time-budget").facts}
    assert facts["tests marked slow over 5 s"] == "0 of 1"

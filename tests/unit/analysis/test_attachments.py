"""Which test left which file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis.attachments import by_test

# What pytest-playwright 0.10.0 wrote for three failing tests with `--screenshot only-on-failure`.
LOGIN = "tests/e2e/test_login.py::test_greets[chromium-jo@x]"
OTHER = "tests/e2e/test_login.py::test_greets[chromium-Kim B]"
SHOP = "tests/e2e/test_login.py::TestShop::test_buys[chromium]"
WRITTEN = (
    "test-results/tests-e2e-test-login-py-test-greets-chromium-jo-x/test-failed-1.png",
    "test-results/tests-e2e-test-login-py-test-greets-chromium-kim-b/test-failed-1.png",
    "test-results/tests-e2e-test-login-py-testshop-test-buys-chromium/trace.zip",
)


def test_files_of_playwright_belong_to_their_tests():
    assert by_test((LOGIN, OTHER, SHOP), WRITTEN) == {LOGIN: [WRITTEN[0]], OTHER: [WRITTEN[1]], SHOP: [WRITTEN[2]]}


def test_file_belongs_to_the_longest_name_in_it():
    tests = ("tests/a.py::test_order", "tests/a.py::test_order_paid")
    assert by_test(tests, ("shots/test_order.png", "shots/test_order_paid-2.png")) == {
        tests[0]: ["shots/test_order.png"],
        tests[1]: ["shots/test_order_paid-2.png"],
    }


def test_file_that_two_tests_could_have_left_belongs_to_neither():
    tests = ("tests/a.py::test_order[1]", "tests/a.py::test_order[2]", "tests/b.py::test_other")
    assert by_test(tests, ("test_order.png", "unknown.png")) == {}
    assert by_test(("a.py::test_same", "b.py::test_same"), ("test_same.png", "b-py-test-same.png")) == {
        "b.py::test_same": ["b-py-test-same.png"]
    }


def test_short_name_owns_nothing():
    assert by_test(("a::t", ""), ("t.png", "-.png")) == {}


@given(st.lists(st.text(max_size=12), max_size=5), st.lists(st.text(max_size=12), max_size=5))
def test_any_names_give_known_tests_and_each_file_at_most_once(tests, paths):
    found = by_test(tests, paths)
    assert set(found) <= set(tests)
    given = [path for owned in found.values() for path in owned]
    assert len(given) <= len(paths)

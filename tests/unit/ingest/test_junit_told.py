"""JUnit: what our plugin adds to a case, files that are large, and files that try to look harmless."""

from __future__ import annotations

import itertools

import pytest
from tests.support.junit_files import ERROR, FAIL, PASS, SKIP, read, refused, suite

from truegreen.ingest import _xml


def told(inner="", **properties):
    given = "".join(f'<property name="truegreen.{key}" value="{value}"/>' for key, value in properties.items())
    return f'<testcase classname="t" name="test_a"><properties>{given}</properties>{inner}</testcase>'


SKIPPED = '<skipped message="no"/>'


@pytest.mark.parametrize(
    ("inner", "counts", "totals", "outcome"),
    [
        ("", "3 0", {"tests": 4, "failures": 0}, PASS),
        ('<failure message="sub"/><failure message="whole"/>', "3 0", {"tests": 4, "failures": 2}, FAIL),
        ('<failure message="sub"/>', "1 0", {"tests": 2, "failures": 1}, FAIL),
        (SKIPPED, "2 1", {"tests": 3, "failures": 0}, PASS),
        (SKIPPED + SKIPPED, "2 1", {"tests": 3, "failures": 0}, SKIP),
    ],
)
def test_subtests_are_counted_as_pytest_does_and_belong_to_their_test(tmp_path, inner, counts, totals, outcome):
    (case,) = read(tmp_path, suite(told(inner, nodeid="t.py::test_a", subtests=counts), **totals))
    assert (case.id, case.outcome) == ("t.py::test_a", outcome)


@pytest.mark.parametrize("tests", [5, 9])
def test_totals_that_subtests_do_not_explain_are_refused(tmp_path, tests):
    assert "plugin" in refused(tmp_path, suite(told(subtests="3 0"), tests=tests)).fix


@pytest.mark.parametrize("counts", ["", "x y", "1", "1 2 3", "-1 0", "9999999999 0"])
def test_counts_of_subtests_that_are_nonsense_count_nothing(tmp_path, counts):
    assert len(read(tmp_path, suite(told(subtests=counts), tests=1))) == 1
    refused(tmp_path, suite(told(subtests=counts), tests=2))


@pytest.mark.parametrize(
    ("attempts", "wanted"),
    [("fail,pass", (FAIL, PASS)), ("error,fail,pass", (ERROR, FAIL, PASS)), ("", ()), ("nonsense", ())],
)
def test_attempts_inside_a_session_are_attempts(tmp_path, attempts, wanted):
    (case,) = read(tmp_path, suite(told(attempts=attempts), tests=1))
    assert (case.outcome, case.attempts) == (PASS, wanted)


def test_attempts_are_kept_where_each_has_a_case_of_its_own(tmp_path):
    (case,) = read(tmp_path, suite(told(nodeid="a") + told(nodeid="a", attempts="fail,pass"), tests=1))
    assert (case.outcome, case.attempts, case.flaky) == (PASS, (FAIL, PASS), True)


# --- files that are large, and files that try to look harmless ----------------------------------------------------


def test_tag_that_never_ends_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(_xml, "MAX_TAG", 100_000)
    for content in ("<testsuite><!--" + "x" * 400_000, '<testsuite name="' + "x" * 400_000):
        assert "longer than 100,000 bytes" in refused(tmp_path, content).why


@pytest.mark.parametrize("form", ["{}", "<![CDATA[{}]]>"])
def test_output_of_many_megabytes_is_no_long_tag(tmp_path, form):
    output = form.format("a line of output\n" * 200_000)
    inner = f'<testcase name="a"><system-out>{output}</system-out></testcase><testcase name="b"/>'
    assert [case.id for case in read(tmp_path, f"<testsuite>{inner}</testsuite>")] == ["a", "b"]


@pytest.mark.parametrize("attribute", ["name", "classname", "time", "status", "file"])
def test_monstrous_attribute_of_a_case_is_refused(tmp_path, attribute):
    given = {"classname": "c", "name": "n", "time": "1"} | {attribute: "x" * 70_000}
    attributes = " ".join(f'{key}="{value}"' for key, value in given.items())
    for before in ("", '<testcase classname="c" name="usual" time="1"/>'):
        assert (
            "attribute is longer" in refused(tmp_path, f"<testsuite>{before}<testcase {attributes}/></testsuite>").why
        )


def test_case_behind_an_inner_suite_has_the_file_of_its_own_suite(tmp_path):
    case = '<testcase name="{0}" classname="A" time="1"/>'
    inner = f"<testsuite>{case.format('b')}{case.format('c')}</testsuite>"
    text = f'<testsuite file="tests/a.py">{case.format("a")}{inner}{case.format("d")}{case.format("e")}</testsuite>'
    found = {found.id for found in read(tmp_path, text)}
    assert found == {"tests/a.py::A::a", "A::b", "A::c", "tests/a.py::A::d", "tests/a.py::A::e"}


@pytest.mark.parametrize("more", ["", " file='a.py'", " time='1'"])
def test_case_without_a_suite_is_refused(tmp_path, more):
    assert "the root element is 'testcase'" in refused(tmp_path, f"<testcase name='a' classname='c'{more}/>").why


def test_attributes_in_any_order_are_read_alike(tmp_path):
    orders = [*itertools.permutations(("classname", "name", "time"))] * 2
    cases = "".join(
        "<testcase " + " ".join(f'{key}="{number if key != "classname" else "c"}"' for key in order) + "/>"
        for number, order in enumerate(orders)
    )
    found = read(tmp_path, f"<testsuite>{cases}</testsuite>")
    assert [(case.id, round(case.duration_s, 1)) for case in found] == [(f"c::{n}", float(n)) for n in range(12)]


def test_elements_inside_a_case_are_no_deeper_than_elsewhere(tmp_path):
    deep = (
        "<testsuite><testcase name='a' classname='c' time='1'>" + "<x>" * 63 + "</x>" * 63 + "</testcase></testsuite>"
    )
    assert "nested deeper than 64" in refused(tmp_path, deep).why


def test_many_cases_over_many_chunks_keep_their_places(tmp_path):
    kinds = {7: '<failure message="no"/>', 8: "<skipped/>", 9: "<system-out>x</system-out>"}
    inner = "".join(
        f'<testcase classname="c{n % 3}" name="n{n}" time="{n}">{kinds.get(n % 10, "")}</testcase>' for n in range(9000)
    )
    found = read(tmp_path, suite(inner, tests=9000, failures=900, skipped=900))
    assert [case.id for case in found] == [f"c{n % 3}::n{n}" for n in range(9000)]
    assert [case.duration_s for case in found] == list(range(9000))
    assert [n for n, case in enumerate(found) if case.outcome is FAIL] == list(range(7, 9000, 10))
    assert [n for n, case in enumerate(found) if case.outcome is SKIP] == list(range(8, 9000, 10))


def test_line_and_file_are_kept_for_tests_that_passed(tmp_path):
    inner = '<testcase classname="t" name="b"/><testcase classname="t" name="a" file="t.py" line="7" time="1"/>'
    assert [(case.id, case.file, case.line) for case in read(tmp_path, suite(inner))] == [
        ("t::b", "", 0),
        ("t.py::a", "t.py", 7),
    ]
    named = '<properties><property name="truegreen.nodeid" value="t.py::a[x::y]"/></properties>'
    inner = f'<testcase classname="t" name="a" line="7">{named}</testcase>'
    assert [(case.id, case.file, case.line) for case in read(tmp_path, suite(inner))] == [("t.py::a[x::y]", "t.py", 8)]


def test_text_of_a_passing_case_is_not_text_of_the_next_failure(tmp_path):
    first = '<testcase name="a"><failure>why</failure></testcase>between'
    inner = first + '<testcase name="b"><system-out>loud</system-out><failure>not</failure>late</testcase>'
    assert [case.detail for case in read(tmp_path, suite(inner))] == ["why", "not"]


def test_error_of_a_suite_has_its_text_and_ends_where_it_ends(tmp_path):
    inner = '<error message="gone">trace<x>more</x></error><testcase classname="c" name="a" time="1"/>'
    assert [(c.outcome, c.message, c.detail) for c in read(tmp_path, suite(inner, tests=1, errors=1))] == [
        (ERROR, "gone", "tracemore"),
        (PASS, "", ""),
    ]

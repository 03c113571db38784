"""JUnit: dialects read right, hostile and contradicting files refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from truegreen.errors import EvidenceMissing, EvidenceUnreadable
from truegreen.ingest import _xml
from truegreen.ingest.junit import JUnitReader
from truegreen.model.testrun import Outcome

SAMPLES = Path(__file__).parents[2] / "samples" / "junit"
PASS, FAIL, ERROR, SKIP = Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.SKIP
ROOT = Path("/project")


def sample(name):
    return {case.id: case for case in JUnitReader().read(SAMPLES / name, ROOT).cases}


def read(tmp_path, content):
    path = tmp_path / "junit.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return JUnitReader().read(path, ROOT).cases


def refused(tmp_path, content):
    with pytest.raises(EvidenceUnreadable) as caught:
        read(tmp_path, content)
    return caught.value


def suite(inner, **attributes):
    given = " ".join(f'{key}="{value}"' for key, value in attributes.items())
    return f'<testsuites><testsuite name="s" {given}>{inner}</testsuite></testsuites>'


@pytest.mark.parametrize("name", ["pytest-xunit1.xml", "pytest-xunit2.xml"])
def test_pytest_outcomes_are_read_case_by_case(name):
    found = {case.id.rpartition("::")[2]: case.outcome for case in sample(name).values()}
    assert found == {
        "test_pass": PASS,
        "test_fail": FAIL,
        "test_setup": ERROR,
        "test_teardown": ERROR,
        "test_both": ERROR,
        "test_skip": SKIP,
        "test_xfail": SKIP,
        "test_p[a b]": PASS,
        "test_p[<&>]": PASS,
    }


def test_pytest_xunit1_gives_file_class_and_failing_line():
    found = sample("pytest-xunit1.xml")
    assert "tests/test_a.py::TestX::test_p[a b]" in found
    failed = found["tests/test_a.py::test_fail"]
    assert (failed.file, failed.line) == ("tests/test_a.py", 4)
    assert failed.message.startswith("AssertionError: no")
    assert "assert 1 == 2" in failed.detail


def test_collection_error_is_an_error():
    assert [case.outcome for case in sample("pytest-collection-error.xml").values()] == [ERROR]


def test_node_id_of_the_plugin_is_the_id():
    found = sample("truegreen-properties.xml")
    assert list(found) == ["tests/unit/test_a.py::TestX::test_p[a b]", "tests/unit/test_a.py::test_f"]
    failed = found["tests/unit/test_a.py::test_f"]
    assert (failed.file, failed.line) == ("tests/unit/test_a.py", 21)
    assert found["tests/unit/test_a.py::TestX::test_p[a b]"].line == 10


def test_nested_suites_lose_nothing():
    found = sample("nested-suites.xml")
    assert [(case.id, case.outcome) for case in found.values()] == [
        ("outer::direct", PASS),
        ("inner::deep", FAIL),
        ("inner::fine", PASS),
    ]


def test_surefire_reruns_become_attempts():
    found = sample("surefire-reruns.xml")
    flaky, broken = found["com.acme.LedgerTest::flaky"], found["com.acme.LedgerTest::broken"]
    assert (flaky.outcome, flaky.attempts, flaky.flaky) == (PASS, (FAIL, ERROR, PASS), True)
    assert flaky.message == "timeout"
    assert (broken.outcome, broken.attempts, broken.flaky) == (FAIL, (FAIL, FAIL), False)


def test_disabled_case_of_gtest_is_skipped():
    assert [case.outcome for case in sample("gtest.xml").values()] == [PASS, FAIL, SKIP]


def test_suite_error_without_cases_is_an_error():
    cases = sample("suite-error.xml")
    assert [(case.outcome, case.message) for case in cases.values()] == [(ERROR, "could not start")]


@pytest.mark.parametrize(
    ("inner", "attributes", "told"),
    [
        ("", {"tests": 0, "errors": 1}, "declares 1 failures and errors, counted 0"),
        ("", {"tests": 0, "errors": 1, "skipped": 0}, "declares 1 failures and errors, counted 0"),
        ('<testcase name="a"/>', {"tests": 2}, "declares 2 tests, counted 1"),
        ('<testcase name="a"/>', {"tests": 1, "failures": 1}, "declares 1 failures"),
    ],
)
def test_declared_totals_that_disagree_are_refused(tmp_path, inner, attributes, told):
    error = refused(tmp_path, suite(inner, **attributes))
    assert told in error.why
    assert error.code == "TG202"


@pytest.mark.parametrize(
    ("inner", "attributes", "outcomes"),
    [
        ('<testcase name="a"/><testcase name="b"/>', {"tests": 1}, [PASS, PASS]),
        ('<testcase name="a"><failure/></testcase>', {"tests": 1, "failures": 0}, [FAIL]),
        ('<testcase name="a"><error/></testcase>', {"tests": 0, "failures": 0, "errors": 0}, [ERROR]),
        ('<testcase name="a"/><error message="late"/>', {"tests": 1, "errors": 0}, [PASS, ERROR]),
    ],
)
def test_totals_that_are_too_small_never_hide_what_the_cases_say(tmp_path, inner, attributes, outcomes):
    assert [case.outcome for case in read(tmp_path, suite(inner, **attributes))] == outcomes


def test_skipped_tests_that_are_counted_and_not_written_are_understood(tmp_path):
    inner = '<testsuite name="in" tests="3"><testcase name="a"/></testsuite>'
    assert len(read(tmp_path, f'<testsuites tests="3" skipped="2">{inner}</testsuites>')) == 1


@pytest.mark.parametrize("skipped", [0, 1])
def test_missing_tests_that_skipped_ones_do_not_explain_are_refused(tmp_path, skipped):
    inner = '<testsuite name="in" tests="3"><testcase name="a"/></testsuite>'
    assert "declares 3" in refused(tmp_path, f'<testsuites tests="3" skipped="{skipped}">{inner}</testsuites>').why
    assert "declares 3" in refused(tmp_path, f'<testsuites tests="1" skipped="{skipped}">{inner}</testsuites>').why


def test_one_name_in_two_suites_is_two_tests(tmp_path):
    def of(host, inner=""):
        return f'<testsuite name="s" hostname="{host}"><testcase classname="c" name="a">{inner}</testcase></testsuite>'

    both = of("chrome") + of("safari", "<failure/>")
    found = {case.id: case.outcome for case in read(tmp_path, f"<testsuites>{both}</testsuites>")}
    assert found == {"c::a": PASS, "c::a [safari]": FAIL}
    same = of("h") + of("h", "<failure/>") + of("h")
    found = {case.id: case.outcome for case in read(tmp_path, f"<testsuites>{same}</testsuites>")}
    assert found == {"c::a": PASS, "c::a #2": FAIL, "c::a #3": PASS}


def test_test_of_ctest_that_could_not_run_is_an_error(tmp_path):
    inner = '<testcase name="a" status="notrun"><skipped message="{}"/></testcase>'
    assert read(tmp_path, suite(inner.format("SKIP_RETURN_CODE=77")))[0].outcome is SKIP
    assert read(tmp_path, suite(inner.format("Unable to find executable")))[0].outcome is ERROR


def test_totals_that_leave_out_skipped_cases_are_understood(tmp_path):
    assert len(read(tmp_path, suite('<testcase name="a"/><testcase name="b"><skipped/></testcase>', tests=1))) == 2


def test_case_reported_twice_keeps_the_worse_outcome(tmp_path):
    twice = '<testcase name="a"/><testcase name="a"><error message="teardown"/></testcase>'
    assert [(c.outcome, c.message) for c in read(tmp_path, suite(twice, tests=1, errors=1))] == [(ERROR, "teardown")]


def test_case_that_only_says_status_failed_is_a_failure(tmp_path):
    assert read(tmp_path, suite('<testcase name="a" status="failed"/>'))[0].outcome is FAIL


def test_text_of_a_case_is_cut_and_its_end_kept(tmp_path):
    text = "x" * 50_000 + "the assertion"
    detail = read(tmp_path, suite(f'<testcase name="a"><failure>{text}</failure></testcase>'))[0].detail
    assert detail.endswith("the assertion")
    assert detail.startswith("[… the beginning was cut off]")
    assert len(detail) < 16_100


def test_captured_output_is_not_kept(tmp_path):
    inner = '<testcase name="a"><failure>why</failure><system-out>loud</system-out></testcase>'
    assert read(tmp_path, suite(inner))[0].detail == "why"


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("1.5", 1.5),
        ("1,234.5", 1234.5),
        ("0,25", 0.25),
        ("nan", 0.0),
        ("inf", 0.0),
        ("-3", 0.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_time_is_read_or_zero(tmp_path, time, seconds):
    assert read(tmp_path, suite(f'<testcase name="a" time="{time}"/>'))[0].duration_s == seconds


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("/project/tests/a.py", "tests/a.py"),
        ("tests\\a.py", "tests/a.py"),
        ("./tests/../tests/a.py", "tests/a.py"),
        ("../etc/passwd", ""),
        ("/etc/passwd", ""),
        ("C:\\x\\a.py", ""),
        ("tests/../../a.py", ""),
    ],
)
def test_file_outside_the_project_is_no_file(tmp_path, file, wanted):
    assert read(tmp_path, suite(f'<testcase name="a" classname="c" file="{file}"/>'))[0].file == wanted


def test_utf16_is_read(tmp_path):
    text = '<?xml version="1.0" encoding="UTF-16"?>' + suite('<testcase name="é"/>')
    assert read(tmp_path, text.encode("utf-16"))[0].id == "é"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no element found"),
        (b"not xml", "syntax error"),
        (b"<testsuite>\n\n<testcase name='a'>", "no element found"),
        (b"<testsuite><testcase name='a\xff'/></testsuite>", "not well-formed"),
        (b"<testsuite><testcase name='&#x1b;'/></testsuite>", "invalid character"),
        (b"<?xml version='1.0' encoding='klingon'?><testsuite/>", "unknown encoding"),
        (b"<html><testcase name='a'/></html>", "root element is 'html'"),
        (b"<testsuite><testcase/></testsuite>", "without a name"),
        (b"<testsuite><testcase name='a'><testcase name='b'/></testcase></testsuite>", "inside a testcase"),
        (b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><testsuite name='&a;'/>", "DOCTYPE"),
        (b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><testsuite/>", "DOCTYPE"),
        (b"<testsuite>" * 65 + b"</testsuite>" * 65, "nested deeper than 64"),
        (b"<testsuite><testcase name='" + b"a" * 70_000 + b"'/></testsuite>", "attribute is longer"),
    ],
)
def test_hostile_or_broken_file_is_refused_with_its_line(tmp_path, content, told):
    error = refused(tmp_path, content)
    assert told in error.why
    assert error.where.rpartition(":")[2].isdigit()


def test_truncated_file_names_the_line_where_it_ends(tmp_path):
    assert refused(tmp_path, b"<testsuite>\n<testcase name='a'>\n").where.endswith(":3")


def test_file_over_the_size_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_xml, "MAX_BYTES", 1000)
    assert "more than 1,000 bytes" in refused(tmp_path, suite(" " * 2000)).why


def test_missing_file_is_missing(tmp_path):
    with pytest.raises(EvidenceMissing):
        JUnitReader().read(tmp_path / "none.xml", ROOT)


def test_file_without_cases_is_an_empty_run(tmp_path):
    assert read(tmp_path, "<testsuites/>") == ()


# --- what our plugin adds to a case --------------------------------------------------------------------------------


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

"""JUnit: dialects read right, hostile and contradicting files refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.junit_files import ERROR, FAIL, PASS, ROOT, SKIP, read, refused, suite

from truegreen.errors import EvidenceMissing
from truegreen.ingest import _xml
from truegreen.ingest.junit import JUnitReader

SAMPLES = Path(__file__).parents[2] / "samples" / "junit"


def sample(name):
    return {case.id: case for case in JUnitReader().read(SAMPLES / name, ROOT).cases}


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

"""Files that tests name in their output."""

from __future__ import annotations

import pytest

from truegreen.ingest import junit_output

NAME = "login \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} refuses a wrong password"
LEFT = "test-results/a-login-refuses-a-wrong-password"
# What `npx playwright test --reporter=junit` of Playwright 1.65.1 wrote of a test that attaches a picture.
PLAYWRIGHT = f"""<testsuites id="" name="" tests="1" failures="1" skipped="0" errors="0" time="4.579714">
<testsuite name="a.spec.js" timestamp="2026-11-22T03:57:36.571Z" hostname="" tests="1" failures="1" skipped="0" \
time="0.081" errors="0">
<testcase name="{NAME}" classname="a.spec.js" time="0.081">
<system-out>
<![CDATA[
[[ATTACHMENT|{LEFT}/attachments/page-74845f73202c5a8e3588e23cac744708ddcd9181.png]]

[[ATTACHMENT|{LEFT}/error-context.md]]
]]>
</system-out>
<failure message="expect(received).toBe(expected) // Object.is equality" type="expect.toBe">
<![CDATA[  a.spec.js:2:32
    Error Context: {LEFT}/error-context.md
]]>
</failure>
</testcase>
</testsuite>
</testsuites>"""


def named(tmp_path, text):
    path = tmp_path / "junit.xml"
    path.write_text(text, encoding="utf-8")
    return junit_output.named_files(path)


def test_files_that_playwright_names_are_those_of_the_case(tmp_path):
    assert named(tmp_path, PLAYWRIGHT) == (
        (f"a.spec.js::{NAME}", f"{LEFT}/attachments/page-74845f73202c5a8e3588e23cac744708ddcd9181.png"),
        (f"a.spec.js::{NAME}", f"{LEFT}/error-context.md"),
    )


def case(inside, name="t"):
    return f'<testsuite><testcase classname="c" name="{name}">{inside}</testcase></testsuite>'


@pytest.mark.parametrize("tag", ["system-out", "system-err"])
def test_mark_that_begins_in_one_piece_and_ends_in_another_is_read(tmp_path, tag):
    lines = "x" * 65_530
    assert named(tmp_path, case(f"<{tag}>{lines}[[ATTACHMENT|a&amp;b.png]]{lines}</{tag}>")) == (("c::t", "a&b.png"),)


def test_pytests_own_name_of_the_test_is_taken_where_it_is_told(tmp_path):
    told = '<properties><property name="truegreen.nodeid" value="a.py::T::t"/></properties>'
    assert named(tmp_path, case(f"{told}<system-out>[[ATTACHMENT|a.png]]</system-out>")) == (("a.py::T::t", "a.png"),)


@pytest.mark.parametrize(
    "text",
    [
        case("<failure>[[ATTACHMENT|a.png]]</failure>"),
        "<testsuite><system-out>[[ATTACHMENT|a.png]]</system-out></testsuite>",
        case("<system-out>[[ATTACHMENT|]] [[ATTACHMENT|a\nb]] [[ATTACHMENT|a.png</system-out>"),
        '<!DOCTYPE x [<!ENTITY e "[[ATTACHMENT|a.png]]">]>' + case("<system-out>&e;</system-out>"),
        case("<system-out>[[ATTACHMENT|a.png]]</system-out>")[:-20],
        case("<system-out>nothing</system-out>"),
    ],
)
def test_mark_elsewhere_or_in_a_file_that_cannot_be_read_names_nothing(tmp_path, text):
    assert named(tmp_path, text) == ()
    assert junit_output.named_files(tmp_path / "absent.xml") == ()


def test_one_file_that_is_named_again_counts_once_and_there_is_an_end(tmp_path):
    many = "".join(f"[[ATTACHMENT|{n}.png]]" for n in range(junit_output.MOST + 500))
    assert named(tmp_path, case("<system-out>[[ATTACHMENT|a.png]] [[ATTACHMENT|a.png]]</system-out>")) == (
        ("c::t", "a.png"),
    )
    assert len(named(tmp_path, case(f"<system-out>{many}</system-out>"))) == junit_output.MOST

"""Words and elements that nobody knows, and that may say that a test failed: refused, never read as a pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from truegreen.errors import EvidenceUnreadable
from truegreen.ingest.ctrf import CtrfReader
from truegreen.ingest.junit import JUnitReader
from truegreen.model.testrun import Outcome


def junit(folder: Path, document: str) -> list[Outcome]:
    (folder / "junit.xml").write_text(document)
    return [case.outcome for case in JUnitReader().read(folder / "junit.xml", folder).cases]


def case(inside: str = "", **attributes: str) -> str:
    told = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f'<testsuite name="s">\n<testcase classname="a" name="b" time="1" {told}>{inside}</testcase></testsuite>'


@pytest.mark.parametrize("attribute", ["status", "result"])
@pytest.mark.parametrize("word", ["KO", "unknown", "panicked", "red"])
def test_word_for_the_outcome_that_nobody_knows_is_refused_with_its_line(tmp_path, attribute, word):
    with pytest.raises(EvidenceUnreadable) as caught:
        junit(tmp_path, case(**{attribute: word}))
    assert caught.value.where.endswith("junit.xml:2")
    assert repr(word.lower()) in caught.value.why


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        *((word, Outcome.PASS) for word in ("", "run", "Completed", "PASSED", "ok", "success")),
        *((word, Outcome.SKIP) for word in ("Pending", "todo", "skipped")),
        ("FAILED", Outcome.FAIL),
        ("Broken", Outcome.ERROR),
    ],
)
def test_word_for_the_outcome_that_producers_use_is_read(tmp_path, word, outcome):
    assert junit(tmp_path, case(status=word)) == [outcome]


@pytest.mark.parametrize(
    "inside",
    [
        '<x:failure xmlns:x="urn:x" message="no"/>',
        '<Failure message="no"/>',
        "<failures><failure>no</failure></failures>",
        "<details><error>no</error></details>",
        "<test-failure/>",
        "<outcome>bad</outcome>",
        "<system-out>fine</system-out><FAILED/>",
        "<properties><failure/></properties>",
    ],
)
def test_element_that_may_be_a_verdict_is_refused_with_its_line(tmp_path, inside):
    with pytest.raises(EvidenceUnreadable) as caught:
        junit(tmp_path, case(inside))
    assert caught.value.where.endswith("junit.xml:2")
    assert "may say what became of a test" in caught.value.why


@pytest.mark.parametrize("element", ["<Error/>", "<x:testcase xmlns:x='urn:x' name='c'/>", "<TestCase name='c'/>"])
def test_element_of_a_suite_that_may_be_a_test_or_a_verdict_is_refused(tmp_path, element):
    with pytest.raises(EvidenceUnreadable) as caught:
        junit(tmp_path, case().replace("</testsuite>", f"{element}</testsuite>"))
    assert "may say what became of a test" in caught.value.why


@pytest.mark.parametrize(
    "inside", ["<metadata><tag>x</tag></metadata>", "<attachments/>", "<description>x</description>"]
)
def test_element_that_says_nothing_of_the_outcome_is_let_be(tmp_path, inside):
    assert junit(tmp_path, case(inside).replace("</testsuite>", f"{inside}</testsuite>")) == [Outcome.PASS]


@pytest.mark.parametrize(
    "summary",
    [{}, {"passed": 1}, {"tests": "1"}, {"tests": 1, "failed": "1"}, {"tests": True}, {"tests": 1, "failed": None}],
)
def test_ctrf_without_numbers_in_its_summary_is_refused(tmp_path, summary):
    tests = [{"name": "a", "status": "passed"}]
    path = tmp_path / "ctrf.json"
    path.write_text(json.dumps({"results": {"tool": {"name": "t"}, "summary": summary, "tests": tests}}))
    with pytest.raises(EvidenceUnreadable) as caught:
        CtrfReader().read(path, tmp_path)
    assert caught.value.why.startswith("its summary has no number of ")

"""What a verdict counts and does not list: each reporter that lists its items says how many more there are."""

from __future__ import annotations

import re

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, stage
from tests.support.known_reports import judged

from truegreen import registry
from truegreen.app import gate
from truegreen.config.schema import Component
from truegreen.errors import EvidenceUnreadable
from truegreen.gates.coverage import CoverageOptions
from truegreen.model.coverage import Coverage, FileCoverage
from truegreen.model.detail import Comparison, Detail, Named, Several, Slower, TrendPoint
from truegreen.model.verdict import Fact, Item, Report, StageReport, Status, Verdict
from truegreen.reporters import words
from truegreen.reporters.verdict_json import CUTS, shortened


def rendered(name: str, found: Report) -> str:
    return registry.load("reporter", name)().render(found).text.split('id="verdict"')[0]


def items(number: int, **more) -> tuple[Item, ...]:
    return tuple(
        Item(title=f"item {n}", message="is wrong", path="src/a.py", line=n + 1, **more) for n in range(number)
    )


def report(status: Status = Status.FAIL, *, shown: int = 30, gate: str = "requirements", **more) -> Report:
    """Return a report with one verdict that lists some of 300 items."""
    verdict = Verdict(
        gate=gate, stage="unit", status=status, reason="300 are wrong", items=items(shown), unlisted=300 - shown, **more
    )
    one = StageReport(stage="unit", status=status, verdicts=(verdict,))
    return Report(status=status, headline="300 are wrong", stages=(one,))


@pytest.mark.parametrize("gate", ["requirements", "findings", "lint-clean", "patch-coverage"])
@pytest.mark.parametrize("shown", [30, 0])
def test_page_says_how_many_items_of_a_red_verdict_it_does_not_list(gate, shown):
    text = rendered("html", report(gate=gate, shown=shown))
    assert text.count(f"and {300 - shown} more") == 1


@pytest.mark.parametrize("gate", ["requirements", "findings", "patch-coverage"])
@pytest.mark.parametrize("status", [Status.PASS, Status.WAIVED])
def test_page_says_how_many_items_of_a_verdict_that_is_not_red_it_does_not_list(gate, status):
    assert rendered("html", report(status, gate=gate)).count("and 270 more") == 1


def test_page_of_more_findings_than_a_gate_lists_counts_all_of_them():
    found = tuple(good.finding(path=f"src/a{n}.py") for n in range(300))
    seen = judged(good.run(stage("security-scan", scans=(good.scan(*found),))))
    text = rendered("html", seen)
    assert text.count("<span>ruff F401 (high)</span>") == 200
    assert "Stage security-scan: and 100 more" in text


def test_advice_of_which_nothing_is_listed_is_told_with_its_number():
    assert "… and 300 more" in rendered("summary", report(Status.PASS, shown=0))


@pytest.mark.parametrize("name", ["junit", "ctrf"])
def test_document_for_other_programs_counts_what_the_verdict_does_not_list(name):
    text = rendered(name, report())
    assert "and 280 more" in text


# --- waivers ---------------------------------------------------------------------------------------------------------


def waived(number: int) -> Report:
    """Return a report with as many waivers in force as tests fail."""
    tests = good.cases(*[FAIL] * number, PASS)
    names = tuple(map(good.name, range(number)))
    failed = stage("unit", tests=tests, sessions=(good.session(number + 1, exit_code=1, failed=names),))
    waivers = tuple(good.waiver(items=(one,), line=n + 1) for n, one in enumerate(names))
    return judged(good.governed(failed, waivers=waivers, requirements=None))


@pytest.mark.parametrize("name", ["summary", "comment", "terminal", "html"])
def test_waivers_in_force_are_all_counted(name):
    found = waived(250)
    assert found.status is Status.WAIVED
    text = rendered(name, found).lower()
    assert "waivers (250" in text
    assert ("and 50 more" if name in ("html", "terminal") else "and 240 more") in text or name == "comment"


@pytest.mark.parametrize("name", ["summary", "terminal", "html"])
def test_waivers_that_are_known_by_number_alone_are_still_told(name):
    least = shortened(waived(3), CUTS[-1])
    assert "waivers (3" in rendered(name, least).lower()


def test_waivers_near_the_end_are_counted_among_those_that_are_listed():
    near = items(2, level="warning")
    told = msgspec.structs.replace(report(Status.PASS, gate="waivers").stages[0].verdicts[0], items=near, unlisted=298)
    found = report(Status.PASS)
    found = msgspec.structs.replace(found, stages=(msgspec.structs.replace(found.stages[0], verdicts=(told,)),))
    assert "Waivers (300, 2 of the 2 that are listed near the end)" in rendered("summary", found)


def test_waivers_behind_nothing_but_red_ones_are_told_once_with_the_red_verdict():
    for name in ("summary", "terminal", "html"):
        text = rendered(name, report(gate="waivers"))
        assert "waivers (" not in text.lower()
        assert "more" in text


# --- facts -----------------------------------------------------------------------------------------------------------


def measured(*facts: Fact) -> Report:
    return report(shown=300, facts=facts)


@pytest.mark.parametrize("name", ["summary", "comment", "terminal"])
def test_facts_that_miss_what_is_wanted_come_first_where_not_all_are_shown_and_the_others_are_counted(name):
    many = tuple(Fact(label=f"c{n:02}: lines", value="95.00 %", wanted="at least 90 %") for n in range(30))
    missed = tuple(Fact(label=f"m{n}: lines", value=v, wanted=w) for n, (v, w) in enumerate(MISSED))
    text = rendered(name, measured(Fact(label="files", value="3"), *many, *missed))
    assert all(f"m{n}: lines" in text for n in range(len(MISSED)))
    assert text.count(": lines") == 20
    assert text.index("m0: lines") < text.index("c00: lines")
    assert f"and {31 + len(MISSED) - 20} more" in text


MISSED = (
    ("50.00 %", "at least 90 %"),
    ("1,201", "at most 1,200"),
    ("1", "0"),
    ("7 files", "none"),
    ("nothing measured", "at least 90 %"),
    ("2 min 5 s", "at most 90 s"),
    ("not pushed", "pushed"),
    ("3 of 9", "0"),
    ("3", "4"),
)


@pytest.mark.parametrize("name", ["summary", "comment", "terminal"])
def test_facts_stay_in_their_order_where_all_are_shown(name):
    met = Fact(label="the first", value="95.00 %", wanted="at least 90 %")
    missed = Fact(label="the second", value="5.00 %", wanted="at least 90 %")
    text = rendered(name, measured(met, missed, *(Fact(label=f"f{n}", value="1") for n in range(18))))
    assert text.index("the first") < text.index("the second")
    assert "f17" in text
    assert text.count(" more") == 1  # of the items


def test_red_component_behind_many_green_ones_shows_its_figure():
    def lines(number, covered):
        return FileCoverage(
            path=f"src/c{number:02}/a.py",
            covered=good.bits_of(range(1, covered + 1)),
            missing=good.bits_of(range(covered + 1, 101)),
        )

    seen = stage("unit", coverage=Coverage(files=tuple(lines(n, 95 if n < 28 else 50) for n in range(30))))
    wanted = {f"comp{n:02}": Component(paths=[f"src/c{n:02}/**"], line=90) for n in range(30)}
    found = judged(good.run(seen), policies={"coverage": CoverageOptions(components=wanted)})
    for name in ("summary", "comment", "terminal"):
        text = rendered(name, found)
        assert "comp28: lines" in text
        assert "comp29: lines" in text


# --- a document that was shortened ------------------------------------------------------------------------------------


def against_base(number: int) -> Report:
    """Return a report in which so many tests of each kind changed, the last of them listed first."""
    names = tuple(f"a.py::test_{n:04}" for n in range(number))
    named = Several(total=number, named=tuple(Named("unit", name) for name in names))
    slow = tuple(Slower(stage="unit", test=name, usual_s=1.0, now_s=9.0) for name in names)
    told = {field: named for field in Comparison.__struct_fields__ if field not in ("base", "exact", "slower")}
    compared = Comparison(base=NOW, **told, slower=Several(total=number, named=slow))
    failed = tuple(Item(title=name, message="ValueError: 3", path="a.py", line=3) for name in reversed(names))
    red = Verdict(gate="no-failures", stage="unit", status=Status.FAIL, reason="red", items=failed)
    one = StageReport(stage="unit", status=Status.FAIL, verdicts=(red,))
    return Report(status=Status.FAIL, headline="red", stages=(one,), detail=Detail(now=NOW, comparison=compared))


NOW = TrendPoint(commit="a" * 40)


@pytest.mark.parametrize("cut", CUTS, ids=range(len(CUTS)))
def test_document_that_was_shortened_tells_the_same_counts_against_the_base(cut):
    whole = against_base(300)
    short = shortened(whole, cut)
    for name in ("summary", "comment"):
        lines = [re.search(r"\*\*Against.*", rendered(name, one))[0] for one in (whole, short)]
        assert lines[0] == lines[1]
        assert lines[0].count("300 ") == 8
    assert rendered("html", short).count("(300)") == 8 + 2  # and the failing tests, in heading and contents


@pytest.mark.parametrize("cut", CUTS[:-1], ids=range(len(CUTS) - 1))
def test_listed_failure_of_a_document_that_was_shortened_keeps_what_the_base_says(cut):
    short = shortened(against_base(300), cut)
    listed = {item.title for verdict in short.stages[0].verdicts for item in verdict.items}
    assert listed
    assert listed <= set(words.news(short)["unit"])
    assert len(short.detail.comparison.newly_failing.named) <= cut.items + cut.tests


@pytest.mark.parametrize("number", ["-1", "1000000000001", "9" * 4_300], ids=["negative", "more", "endless"])
@pytest.mark.parametrize("field", ["unlisted", "total"])
def test_document_with_a_number_that_nothing_can_have_is_refused(field, number):
    body = registry.load("reporter", "json")().render(against_base(3)).body
    assert gate.decode(body, "verdict.json") == against_base(3)
    broken = re.sub(rb'"%b": \d+' % field.encode(), b'"%b": %b' % (field.encode(), number.encode()), body, count=1)
    with pytest.raises(EvidenceUnreadable):
        gate.decode(broken, "verdict.json")

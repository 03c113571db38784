"""What a verdict counts and does not list: each reporter that lists its items says how many more there are."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, stage
from tests.support.known_reports import judged

from truegreen import registry
from truegreen.model.verdict import Item, Report, StageReport, Status, Verdict
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

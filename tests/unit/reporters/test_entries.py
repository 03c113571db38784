"""Lists of failures in Markdown: cause by cause, nobody notified."""

from __future__ import annotations

import hashlib

from truegreen.analysis import causes
from truegreen.model.verdict import Item, KeptFile, LogTail, Report, StageReport, Status, Verdict
from truegreen.reporters import entries
from truegreen.reporters.comment import CommentReporter
from truegreen.reporters.html_page import HtmlReporter
from truegreen.reporters.summary import SummaryReporter

NOWHERE = entries.Source()


def told(items, source, **how):
    return entries.failures(causes.by_cause(items), source, **how)


def failing(number: int, cause: int = 0, **more) -> Item:
    detail = f">   check(x)\nE   ValueError: no {'abc'[cause]}\n\ntests/help.py:3: ValueError"
    return Item(
        title=f"tests/test_a.py::test_{number}", message=f"ValueError: no {'abc'[cause]}", detail=detail, **more
    )


def test_failures_with_one_cause_are_one_entry_with_count_first_test_and_lines_that_tell_it():
    text = told(tuple(failing(n) for n in range(40)), NOWHERE, count=10, detailed=3)
    assert text.startswith("- **40 tests fail alike**, first `tests/test_a.py::test_0`<br>ValueError: no a<br>also ")
    assert "`tests/test_a.py::test_5` and 34 more" in text
    assert text.count("E   ValueError") == 1


def test_cause_with_most_tests_comes_first_and_what_is_left_out_is_counted():
    found = (failing(0, 1), *(failing(n, 2) for n in range(1, 4)), failing(9, 0), failing(10, 0))
    text = told(found, NOWHERE, count=1, detailed=0)
    assert text.startswith("- **3 tests fail alike**, first `tests/test_a.py::test_1`")
    assert text.endswith("- … and 2 more causes (3 tests)")
    assert told(found[:4], NOWHERE, count=1, detailed=0).endswith("- … and 1 more")


def test_owner_is_named_and_not_mentioned():
    text = told((failing(0, owners=("@acme/ledger", *(f"@o{n}" for n in range(6)))),), NOWHERE, count=1, detailed=0)
    assert "Owner: @\u2060acme/ledger, @\u2060o0" in text
    assert "and 3 more" in text
    assert "@acme" not in text


def test_failure_without_text_has_no_block():
    item = Item(title="a", message="m", detail=" \n ")
    assert told((item,), NOWHERE, count=1, detailed=1) == "- `a`<br>m"


def test_what_the_base_says_is_told_once_for_all_or_counted():
    found = (failing(0), failing(1), failing(2, 1))
    news = {found[0].title: "new here", found[1].title: "red on the base too", found[2].title: "new here"}
    text = told(found, NOWHERE, count=5, detailed=0, news=news)
    assert "`tests/test_a.py::test_0` **(1 new here)** **(1 red on the base too)**" in text
    assert "`tests/test_a.py::test_2` **(new here)**" in text


def test_logs_of_services_are_in_the_summary_and_not_in_the_comment():
    red = StageReport(stage="unit", status=Status.FAIL, logs=(LogTail(service="db", text="password=hunter2"),))
    report = Report(status=Status.FAIL, headline="unit failed", stages=(red,))
    assert "hunter2" in SummaryReporter().render(report).text
    assert "hunter2" not in CommentReporter().render(report).text


def test_logs_of_which_nothing_is_shown_are_named_with_the_reason_and_many_are_counted():
    left = tuple(
        LogTail(service=f"s{n}", text="", path=f"e2e/services/s{n}.log", left_out="it is gone") for n in range(12)
    )
    red = StageReport(stage="e2e", status=Status.FAIL, logs=(LogTail(service="db", text="up"), *left))
    report = Report(status=Status.FAIL, headline="e2e failed", stages=(red,))
    text = SummaryReporter().render(report).text
    assert "Not shown: `e2e/services/s0.log` (it is gone), `e2e/services/s1.log` (it is gone), " in text
    assert "s9.log` (it is gone) and 2 more" in text
    assert text.count("the whole of it in the evidence") == 1
    page = HtmlReporter().render(report).text
    assert page.count("Stage e2e: not shown: e2e/services/s") == 12
    assert page.count("the last lines of") == 1


def test_lines_of_a_file_are_a_link_to_all_of_them_in_the_commit():
    source = entries.Source(blob="https://github.com/o/r/blob/abc1234")
    item = Item(title="src/a.py", message="5 changed lines not covered: 3-7", path="src/a.py", line=3, last_line=7)
    text = entries.items((item,), source, count=1, detailed=0)
    assert text.startswith("- [`src/a.py:3-7`](https://github.com/o/r/blob/abc1234/src/a.py#L3-L7)<br>5 changed")
    assert entries.items((item,), NOWHERE, count=1, detailed=0).startswith("- `src/a.py:3-7`<br>5 changed")


def test_cause_names_the_shard_of_its_first_test_and_counts_the_others():
    found = tuple(failing(n, shard=shard) for n, shard in enumerate(("2", "2", "10", "1", "")))
    text = told(found, NOWHERE, count=1, detailed=0)
    assert text.startswith(
        "- **5 tests fail alike**, first `tests/test_a.py::test_0` in shard `2` and 2 more shards<br>"
    )
    alone = told(found[:1], NOWHERE, count=1, detailed=0)
    assert alone.startswith("- `tests/test_a.py::test_0` in shard `2`<br>")
    assert "shard" not in told(found[-1:], NOWHERE, count=1, detailed=0)


def test_provenance_names_machines_and_one_digest_that_sha256sum_gives_too():
    files = (KeptFile(path="unit/b.xml", kind="junit", sha256="b" * 64, size_bytes=1),)
    more = (KeptFile(path="lint/a.json", kind="ruff", sha256="a" * 64, size_bytes=1),)
    unit = StageReport(stage="unit", status=Status.PASS, files=files, machines=("r1 (linux)", "r2", "r3", "r4"))
    lint = StageReport(stage="lint", status=Status.PASS, files=more, machines=("r1 (linux)",))
    text = SummaryReporter().render(Report(status=Status.PASS, headline="", stages=(unit, lint))).text
    wanted = hashlib.sha256(f"{'a' * 64}  lint/a.json\n{'b' * 64}  unit/b.xml\n".encode()).hexdigest()
    assert f"on r1 (linux), r2, r3 and 1 more · 2 files of evidence, `sha256:{wanted[:16]}`" in text


def test_what_is_waived_is_listed_with_its_items():
    item = Item(title="bandit B101 (high)", message="assert used", path="src/a.py", line=3)
    waived = Verdict(gate="findings", stage="s", status=Status.WAIVED, reason="1 finding", items=(item,) * 12)
    stage = StageReport(stage="s", status=Status.WAIVED, verdicts=(waived,))
    text = SummaryReporter().render(Report(status=Status.WAIVED, headline="", stages=(stage,))).text
    assert "<summary>What is waived (1)</summary>\n\ns, findings: 1 finding\n\n- `bandit B101 (high)` at" in text
    assert "… and 2 more" in text

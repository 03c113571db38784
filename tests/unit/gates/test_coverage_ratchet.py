"""coverage-ratchet: uncovered lines of what did not change."""

from __future__ import annotations

import msgspec
from tests.support import evidence as good
from tests.support.evidence import coverage, stage

from truegreen.gates.coverage_ratchet import CoverageRatchet, CoverageRatchetOptions
from truegreen.model.changes import Changes, FileChange
from truegreen.model.coverage import Coverage, FileCoverage, bits_of
from truegreen.model.history import History, PastCoverage
from truegreen.model.verdict import Status

TREE = "a" * 40
ELSEWHERE = good.changes(path="src/z.py")


def measured(path="src/a.py", missing=(), of=10):
    lines = frozenset(range(1, of + 1))
    return FileCoverage(path=path, covered=bits_of(lines - frozenset(missing)), missing=bits_of(missing))


def both(*files):
    return Coverage(files=files)


def past(*runs, commit=good.BASE, tree=""):
    return History(coverage=tuple(PastCoverage(commit=commit, tree=tree, coverage=run) for run in runs))


def judged(now, history, changes=ELSEWHERE, **options):
    records = (msgspec.structs.replace(good.record("unit"), tree=TREE),)
    run = good.run(stage("unit", coverage=now, records=records), changes=changes)
    return CoverageRatchet().evaluate(run, "unit", CoverageRatchetOptions(**options), history)


def test_line_no_longer_covered_in_an_unchanged_file_fails():
    verdict = judged(both(measured(missing=(3, 4))), past(both(measured(missing=(3,)))))
    assert verdict.status is Status.FAIL
    assert verdict.reason == "1 more line of unchanged files not covered than on bbbbbbbbbbbb"
    assert [(item.path, item.line, item.message) for item in verdict.items] == [
        ("src/a.py", 4, "1 line no longer covered: 4")
    ]


def test_as_many_uncovered_lines_as_before_pass():
    verdict = judged(both(measured(missing=(4,))), past(both(measured(missing=(3,)))))
    assert (verdict.status, verdict.reason) == (
        Status.PASS,
        "1 unchanged file with no more uncovered lines since bbbbbbbbbbbb",
    )


def test_fewer_uncovered_lines_elsewhere_pay_for_one():
    now = both(measured(missing=(3, 4)), measured("src/b.py"))
    verdict = judged(now, past(both(measured(missing=(3,)), measured("src/b.py", missing=(1, 2)))))
    assert (verdict.status, verdict.reason[:40]) == (Status.PASS, "2 unchanged files with 1 uncovered line ")


def test_changed_file_does_not_count():
    verdict = judged(both(measured(missing=range(1, 11))), past(both(measured())), good.changes(path="src/a.py"))
    assert verdict.status is Status.SKIPPED


def test_file_whose_lines_moved_does_not_count():
    verdict = judged(both(measured(missing=(11, 12), of=12)), past(both(measured())))
    assert verdict.status is Status.SKIPPED


def test_growth_within_what_is_allowed_passes():
    assert judged(both(measured(missing=(1, 2))), past(both(measured())), allow=2).status is Status.PASS
    assert judged(both(measured(missing=(1, 2))), past(both(measured())), allow=1).status is Status.FAIL


def test_history_without_coverage_is_not_judged():
    verdict = judged(coverage(), good.NO_HISTORY)
    assert (verdict.status, verdict.reason) == (
        Status.SKIPPED,
        "the history has no coverage of the default branch yet",
    )


def test_history_that_could_not_be_read_is_not_called_empty():
    verdict = judged(both(measured()), History(unreadable="the server did not answer"))
    assert (verdict.status, verdict.reason) == (
        Status.SKIPPED,
        "the earlier runs could not be read: the server did not answer",
    )


def test_base_commit_itself_is_compared_before_a_newer_run():
    newer = PastCoverage(commit="9" * 40, coverage=both(measured(missing=(1, 2))))
    exact = past(both(measured())).coverage
    verdict = judged(both(measured(missing=(1, 2))), History(coverage=(newer, *exact)))
    assert verdict.status is Status.FAIL


def test_line_that_flickers_on_one_tree_is_left_out_and_listed():
    runs = past(both(measured()), both(measured(missing=(7,))), tree="t" * 40)
    verdict = judged(both(measured(missing=(7,))), runs)
    assert verdict.status is Status.PASS
    assert [(item.line, item.level) for item in verdict.items] == [(7, "notice")]
    assert ("left out because they flicker", "1 line") in [(fact.label, fact.value) for fact in verdict.facts]


def test_line_that_differs_from_a_run_of_this_very_tree_flickers():
    verdict = judged(both(measured(missing=(7,))), past(both(measured()), tree=TREE), changes=None)
    assert verdict.status is Status.PASS
    assert [item.line for item in verdict.items] == [7]


def test_line_that_differs_between_trees_does_not_flicker():
    history = History(coverage=(*past(both(measured())).coverage, *past(both(measured(missing=(7,)))).coverage))
    assert judged(both(measured(missing=(7,))), history).status is Status.FAIL


def test_flicker_of_another_text_of_the_file_excuses_nothing():
    old = [both(measured(of=20)), both(measured(missing=(7,), of=20))]
    history = History(coverage=(*past(both(measured())).coverage, *past(*old, commit="8" * 40, tree="o" * 40).coverage))
    assert judged(both(measured(missing=(7,))), history).status is Status.FAIL


def test_unchanged_file_that_is_no_longer_measured_counts_with_all_its_lines():
    verdict = judged(both(measured()), past(both(measured(), measured("src/gone.py"))))
    assert (verdict.status, verdict.items[-1].title) == (Status.FAIL, "src/gone.py")
    assert verdict.reason.startswith("10 more lines")


def test_deleted_and_renamed_files_are_no_loss():
    moved = Changes(
        base=good.BASE,
        files=(FileChange(path="src/gone.py", deleted=True), FileChange(path="src/new.py", old_path="src/old.py")),
    )
    before = both(measured(), measured("src/gone.py"), measured("src/old.py"))
    assert judged(both(measured(), measured("src/new.py")), past(before), moved).status is Status.PASS


def test_file_that_only_has_another_name_must_be_covered_as_it_was():
    moved = Changes(base=good.BASE, files=(FileChange(path="src/new.py", old_path="src/old.py"),))
    before = past(both(measured(), measured("src/old.py")))
    worse = judged(both(measured(), measured("src/new.py", missing=(1, 2))), before, moved)
    assert worse.status is Status.FAIL
    assert worse.reason.startswith("2 more lines of unchanged files")
    assert judged(both(measured()), before, moved).status is Status.FAIL


def test_files_of_tests_do_not_count():
    verdict = judged(
        both(measured(), measured("tests/test_a.py", missing=(1,))),
        past(both(measured(), measured("tests/test_a.py"), measured("tests/test_b.py"))),
    )
    assert verdict.status is Status.PASS

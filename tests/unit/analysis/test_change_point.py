"""Since when a rate is what it is: what was mended is found, what broke is found, and luck is no change."""

from __future__ import annotations

import random

import pytest

from truegreen.analysis.change_point import since
from truegreen.analysis.sequential import EVIDENCE_ANEW, EVIDENCE_NEEDED, Decision, clean_runs_needed, decide

LIMIT = 0.01


def steady(ratio, runs, start=0):
    """Return the runs that failed, evenly spread over some runs."""
    return [start + int(number / ratio) for number in range(int(runs * ratio))]


def verdict(failures, runs):
    start = since(failures, runs)
    needed = EVIDENCE_ANEW if start else EVIDENCE_NEEDED
    return decide(runs - start, sum(run >= start for run in failures), LIMIT, needed=needed)


@pytest.mark.parametrize(("failures", "runs"), [([], 0), ([], 500), ([3], 4), ([3], 1000), ([0, 1], 2), ([0], 1)])
def test_few_failures_are_no_change(failures, runs):
    assert since(failures, runs) == 0


def test_rate_that_stays_is_one_rate():
    for ratio in (0.005, 0.05, 0.5):
        assert since(steady(ratio, 2000), 2000) == 0
    assert since(list(range(300)), 300) == 0


def test_mended_test_is_not_haunted_and_begins_after_its_last_failure():
    failures = steady(0.05, 300)
    assert since(failures, 400) == 0
    assert since(failures, 700) == failures[-1] + 1
    assert verdict(failures, 700) is Decision.BELOW
    assert clean_runs_needed(700, len(failures), LIMIT) > 2000, "as it was judged without the change"


def test_newly_flaky_test_does_not_hide_behind_its_past():
    failures = steady(0.05, 160, start=1010)
    start = since(failures, 1160)
    assert 1000 <= start <= 1040
    assert verdict(failures, 1160) is Decision.ABOVE
    assert decide(1160, len(failures), LIMIT) is Decision.UNDECIDED, "as it was judged without the change"


def test_failure_that_shows_a_change_is_not_held_against_the_new_rate():
    start = since(list(range(1000, 1010)), 1010)
    assert start == 1001


def test_second_change_is_found_behind_the_first():
    failures = [*steady(0.2, 200), *steady(0.2, 200, start=900)]
    assert since(failures, 1700) == failures[-1] + 1
    assert since(failures[:40], 900) == failures[39] + 1


def wrong(periods, verdict_that_is_wrong, seeds, begin=0):
    """Return in how many histories a verdict that is wrong was given, looking at every failure and 25th run."""
    found = 0
    for seed in seeds:
        chance, failures, run = random.Random(seed), [], 0
        seen = False
        for ratio, length in periods:
            for _ in range(length):
                failed = chance.random() < ratio
                failures += [run] if failed else []
                run += 1
                if not seen and run > begin and (failed or not run % 25):
                    seen = verdict(failures, run) is verdict_that_is_wrong
        found += seen
    return found


@pytest.mark.parametrize(
    ("ratio", "never"),
    [(0.003, Decision.ABOVE), (0.008, Decision.ABOVE), (0.0099, Decision.ABOVE), (0.0101, Decision.BELOW),
     (0.02, Decision.BELOW)],
)  # fmt: skip
def test_error_of_five_percent_a_side_is_kept_where_nothing_changes(ratio, never):
    assert wrong([(ratio, 800)], never, range(40)) <= 40 * 0.05 + 2  # the bound, and twice its deviation rounded down


@pytest.mark.parametrize(("before", "after", "never"), [(0.2, 0.012, Decision.BELOW), (0.0005, 0.009, Decision.ABOVE)])
def test_error_of_five_percent_a_side_is_kept_after_a_change(before, after, never):
    assert wrong([(before, 300), (after, 700)], never, range(100, 140), begin=300) <= 40 * 0.05 + 2

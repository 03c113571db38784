"""Columns against a plain table of rows: whatever happened, both give the same answers."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from tests.support.past_results import FAIL, PASS, SKIP, histories, result, run

from truegreen.analysis.attempts import decided
from truegreen.model.history import Followed, PastTest
from truegreen.model.results import RunResults, TestResult, TestSummary
from truegreen.model.testrun import BAD
from truegreen.stores import content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hypothesis import settings
    from tests.support.stores import Place

    from truegreen.stores.base import Store

    Examples = Callable[[int], settings]
    NewPlace = Callable[[], Place]


def latest(runs: Iterable[RunResults]) -> list[RunResults]:
    """Return what a store keeps after `append` of each run in turn, newest first."""
    kept: dict[str, RunResults] = {}
    for one in runs:
        kept.pop(one.run.run, None)
        kept[one.run.run] = content.normal(one)
    return sorted(kept.values(), key=lambda one: one.run.created)[::-1]


def rows(runs: Iterable[RunResults]) -> list[tuple[RunResults, str, TestResult]]:
    """Return a row for every result of every run."""
    return [(one, stage, test) for one in runs for stage, tests in one.results.items() for test in tests]


def expected_summaries(runs: list[RunResults]) -> list[TestSummary]:
    """Return the summaries, counted row by row."""
    by_test: dict[tuple[str, str], list[tuple[RunResults, TestResult]]] = defaultdict(list)
    for one, stage, test in rows(runs):
        if test.ran:
            by_test[stage, test.test].append((one, test))
    found = []
    for (stage, name), seen in sorted(by_test.items()):
        keys = defaultdict(list)
        for one, test in seen:
            keys[(one.run.tree, one.run.environment) if one.run.tree else one.run.run].append(test)
        failed = [(one, test) for one, test in seen if test.failed]
        found.append(
            TestSummary(
                stage=stage,
                test=name,
                runs=len(seen),
                failures=len(failed),
                masked=sum(test.attempts[-1] is PASS for _, test in failed),
                disagreements=sum(
                    any(t.failed for t in tests) and any(not t.failed or PASS in t.attempts for t in tests)
                    for tests in keys.values()
                ),
                last_failed=max((one.run.created for one, _ in failed), default=""),
            )
        )
    return found


def expected_tests(runs: list[RunResults]) -> dict[str, dict[str, PastTest]]:
    """Return what is known of each test, counted row by row; runs are newest first."""
    found: dict[str, dict[str, PastTest]] = {}
    for stage, name in {(stage, test.test) for _, stage, test in rows(runs) if test.ran}:
        seen = [(one, test) for one, where, test in rows(runs) if (where, test.test) == (stage, name) and test.ran]
        newest = [one for one in runs if one.run.base and stage in one.results][:30]
        durations = [t.duration_s for one, t in seen if t.attempts == (PASS,) and one in newest and t.duration_s]
        found.setdefault(stage, {})[name] = PastTest(
            runs=len(seen),
            failures=sum(test.failed for _, test in seen),
            durations_s=tuple(durations),
            base_runs=sum(one in newest for one, _ in seen),
        )
    return found


def expected_absent(
    runs: list[RunResults], followed: Followed, environment: str
) -> dict[str, dict[str, frozenset[str]]]:
    """Return stage → run → tests that are red in another run of its code, or now, and did not run in this one."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    for one in runs:
        key = one.run.tree, one.run.environment
        same = [other for other in runs if (other.run.tree, other.run.environment) == key]
        now = followed.red if key == (followed.tree, environment) else {}
        if not all(key) or (len(same) == 1 and not now):
            continue
        wanted: dict[str, set[str]] = {stage: set(names) for stage, names in now.items()}
        for _, stage, test in rows(same):
            if decided(test.attempts) in BAD:
                wanted.setdefault(stage, set()).add(test.test)
        for stage, names in wanted.items():
            note(found, one, stage, names)
    for stage, watched in followed.watched.items():
        for one in runs:
            note(found, one, stage, watched)
    return found


def note(found: dict[str, dict[str, frozenset[str]]], one: RunResults, stage: str, names: Iterable[str]) -> None:
    """Note which of some tests did not run."""
    missing = set(names) - {test.test for test in one.results.get(stage, ()) if test.ran}
    if missing:
        of_stage = found.setdefault(stage, {})
        of_stage[one.run.run] = of_stage.get(one.run.run, frozenset()) | missing


def expected_gone(runs: list[RunResults]) -> dict[str, tuple[str, ...]]:
    """Return the tests that ran in each of the newest runs of the default branch, stage by stage."""
    found = {}
    for stage in {stage for _, stage, _ in rows(runs)}:
        newest = [one for one in runs if one.run.base and stage in one.results][:30]
        always = [{test.test for test in one.results[stage] if test.ran} for one in newest]
        if always and (names := set.intersection(*always)):
            found[stage] = tuple(sorted(names))
    return found


def test_store_gives_the_answers_of_a_table_of_rows(new_place: NewPlace, examples: Examples) -> None:
    @examples(25)
    @given(given_runs=histories)
    def holds(given_runs: list[RunResults]) -> None:
        store = new_place().open()
        for one in given_runs:
            store.append(one)
        kept = latest(given_runs)

        assert list(store.runs()) == list(reversed(kept))
        assert store.summaries() == expected_summaries(kept)
        asked = {stage: [test.test for _, where, test in rows(kept) if where == stage] for _, stage, _ in rows(kept)}
        history = store.history(100, asked)
        assert history.tests == {stage: expected_tests(kept).get(stage, {}) for stage in asked}
        tests = {"unit": frozenset({"t.py::test_a", "new"}), "e2e": frozenset({"c"})}
        for watched in ({}, {"unit": frozenset({"t.py::test_a", "c"})}):
            followed = Followed(tree="x", red=tests, watched=watched)
            assert store.history(100, asked, "e", followed).absent == expected_absent(kept, followed, "e")
        assert history.gone == {}
        assert store.history(100, dict.fromkeys(asked, ())).gone == expected_gone(kept)
        for place in ("e", "f", "nowhere"):
            there = store.history(100, asked, place).tests
            elsewhere = expected_tests([one for one in kept if one.run.environment == place])
            assert {
                (stage, name): test.durations_s for stage, tests in there.items() for name, test in tests.items()
            } == {
                (stage, name): elsewhere[stage][name].durations_s if name in elsewhere.get(stage, {}) else ()
                for stage, tests in history.tests.items()
                for name in tests
            }
        assert [run.run for run in history.runs] == [one.run.run for one in kept]
        assert [{(f.stage, f.test, f.attempts, f.fingerprint) for f in run.failures} for run in history.runs] == [
            {(stage, t.test, t.attempts, t.fingerprint) for _, stage, t in rows([one]) if t.failed} for one in kept
        ]
        assert store.check() == []

    holds()


def test_what_is_left_after_forgetting_gives_the_same_answers(new_place: NewPlace, examples: Examples) -> None:
    @examples(25)
    @given(given_runs=histories, keep=st.integers(0, 5), day=st.integers(1, 7))
    def holds(given_runs: list[RunResults], keep: int, day: int) -> None:
        oldest = f"2026-11-{day:02}T00:00:00Z"
        store = new_place().open()
        for one in given_runs:
            store.append(one)
        kept = [one for one in latest(given_runs)[:keep] if one.run.created >= oldest]
        forgotten = store.prune(keep, oldest)
        store.compact()

        assert forgotten == len(latest(given_runs)) - len(kept)
        assert list(store.runs()) == list(reversed(kept))
        assert store.summaries() == expected_summaries(kept)
        assert store.check() == []

    holds()


def test_suite_that_changes_with_every_run_gives_the_answers_of_a_table_of_rows(store: Store) -> None:
    dice = random.Random(3)
    names = [f"t.py::test_{n}" for n in range(120)]
    given_runs = []
    for number in range(40):
        present = dice.sample(names, dice.randrange(20, 120))
        broken = number % 9 == 0
        tests = [result(n, FAIL if broken or dice.random() < 0.05 else PASS, duration_s=dice.random()) for n in present]
        tests = [result(t.test, SKIP) if dice.random() < 0.1 else t for t in tests]
        given_runs.append(run(number, *tests, tree=f"tree{number // 3}"))
    store.merge(given_runs)
    kept = latest(given_runs)
    assert store.summaries() == expected_summaries(kept)
    assert store.summaries(kept[9].run.created) == expected_summaries(kept[:10])
    assert store.history(100, {"unit": names}).tests == expected_tests(kept)
    watched = {"unit": frozenset({*names[3:8], "never"})}
    followed = Followed(tree="tree3", red={"unit": frozenset({*names[:5], "new"})}, watched=watched)
    assert store.history(100, None, "e", followed).absent == expected_absent(kept, followed, "e")

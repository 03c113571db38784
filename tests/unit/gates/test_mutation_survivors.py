"""mutation-survivors: what nobody noticed, what was not tried, and when nothing is proved."""

from __future__ import annotations

import pytest
from tests.support import evidence as good
from tests.support.evidence import mutant, mutation, stage

from truegreen.gates.mutation_survivors import MutationSurvivors, MutationSurvivorsOptions
from truegreen.model.mutation import Fate
from truegreen.model.verdict import Status

KILLED, HUNG = mutant(), mutant(Fate.TIMEOUT)
LIVES, MUTE = mutant(Fate.SURVIVED, line=7), mutant(Fate.UNKNOWN)


def judged(result, **options):
    run = good.run(stage("mutation", mutation=result))
    return MutationSurvivors().evaluate(run, "mutation", MutationSurvivorsOptions(**options), good.NO_HISTORY)


def facts(verdict):
    return {fact.label: fact.value for fact in verdict.facts}


def test_all_noticed_passes_and_counts_what_ran_into_the_time_limit():
    verdict = judged(mutation(KILLED, HUNG))
    assert (verdict.status, verdict.reason) == (Status.PASS, "2 mutants of changed lines, all noticed")
    assert facts(verdict)["killed"] == "1, and 1 by running into the time limit"
    assert facts(verdict)["changed lines"] == "10, 9 of them covered"


def test_survivor_fails_and_is_listed_with_its_place_and_change():
    verdict = judged(mutation(KILLED, LIVES))
    assert (verdict.status, verdict.reason) == (Status.FAIL, "1 of 2 mutants of changed lines survived")
    (item,) = verdict.items
    assert (item.path, item.line, item.detail, item.level) == ("src/a.py", 7, LIVES.diff, "warning")
    assert "NumberReplacer" in item.message


def test_survivors_that_are_allowed_pass_and_are_still_listed():
    verdict = judged(mutation(KILLED, LIVES), max_survivors=1)
    assert (verdict.status, len(verdict.items)) == (Status.PASS, 1)
    assert verdict.reason == "2 mutants of changed lines, 1 survived, 1 may"


def test_mutants_left_when_the_time_was_over_are_told_in_the_reason():
    assert judged(mutation(KILLED, candidates=3)).reason.endswith("all noticed; 2 not tried")
    assert judged(mutation(LIVES, candidates=3)).reason.endswith("survived; 2 not tried")


@pytest.mark.parametrize("result", [mutation(candidates=4), mutation(MUTE), mutation(MUTE, MUTE, candidates=9)])
def test_candidates_of_which_none_gave_an_answer_are_blind(result):
    verdict = judged(result)
    assert verdict.status is Status.BLIND
    assert "could be made" in verdict.reason


def test_mutant_without_an_answer_is_not_counted_as_noticed():
    verdict = judged(mutation(KILLED, MUTE))
    assert (verdict.status, verdict.reason) == (Status.PASS, "1 mutant of changed lines, all noticed; 1 gave no answer")
    assert facts(verdict)["no answer"] == "1"


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (
            mutation(covered_lines=0),
            "no test runs any of the 10 changed lines, so there is nothing a mutant could show",
        ),
        (mutation(), "no mutant can be made of the 9 covered lines of 10 changed lines"),
    ],
)
def test_change_without_a_candidate_is_said_and_never_green(result, reason):
    verdict = judged(result)
    assert (verdict.status, verdict.reason) == (Status.SKIPPED, reason)


def test_changed_file_that_could_not_be_read_is_blind_also_beside_killed_mutants():
    verdict = judged(mutation(KILLED, unread=("src/b.py: invalid syntax",)))
    assert verdict.status is Status.BLIND
    assert "src/b.py: invalid syntax" in verdict.reason
    assert judged(mutation(LIVES, unread=("src/b.py: invalid syntax",))).status is Status.FAIL

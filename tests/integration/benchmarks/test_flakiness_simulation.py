"""The simulation of the flakiness gate, small and with a fixed seed."""

from __future__ import annotations

from random import Random

import pytest
from benchmarks import flakiness, flaky_suites, flaky_verdicts

from truegreen.analysis.sequential import Decision, decide

RULES = {rule.name: rule for rule in flaky_verdicts.rules()}
# Two small suites with many flaky tests and one large one with few keep it short.
SOME = [
    suite
    for suite in flaky_suites.suites()
    if suite.name in ("square-okhttp", "tootallnate-java-websocket", "wildfly-wildfly", "wro4j-wro4j")
]


def played(rule, rate, histories=600):
    return flaky_verdicts.play(RULES[rule], rate, histories, Random(20))


@pytest.mark.parametrize("rate", flaky_verdicts.RATES)
def test_verdicts_asked_after_every_run_are_wrong_in_one_of_twenty_at_most(rate):
    assert played("e-process", rate).wrong <= 0.05


def test_usual_rules_asked_after_every_run_are_wrong_far_more_often():
    assert played("Wilson 95 %", 0.0099).wrong > 0.2
    assert played("point estimate", 0.0099).wrong > 0.1
    assert played("point estimate", 0.0101).wrong > 0.5


def test_thresholds_of_the_rule_are_those_of_the_gate():
    rule = RULES["e-process"]
    assert rule.good_from[:6] == (367, 657, 881, 1080, 1265, 1441)
    assert rule.bad_until[2:6] == (11, 37, 68, 105)
    for runs in (1, 11, 12, 300, 366, 367, 700, 1400):
        for failures in range(min(runs, 9)):
            says = decide(runs, failures, 0.01)
            assert (says is Decision.BELOW) == (runs >= rule.good_from[failures])
            assert (says is Decision.ABOVE) == (runs <= rule.bad_until[failures])


def test_detector_accuses_no_stable_test_when_incidents_and_messages_mislead():
    rows = {row.rule: row for row in flaky_suites.scores(0.01, 0.5, Random(20), SOME)}
    assert rows["truegreen, confirmed"].precision >= 0.95
    assert rows["truegreen, suspect"].recall >= 0.7
    assert rows["one disagreement"].precision < 0.3
    assert rows["fingerprint filter, two"].precision < rows["truegreen, suspect"].precision


def test_data_is_the_measured_one():
    found = flaky_suites.suites()
    assert len(found) == 24
    assert sum(len(group) for suite in found for group in suite.groups) == 811
    assert all(0 < rate < 1 for suite in found for rate in suite.rate_of().values())


def test_command_prints_both_tables_and_the_seed(capsys, monkeypatch):
    monkeypatch.setattr(flaky_suites, "suites", lambda: tuple(SOME))
    monkeypatch.setattr(flaky_suites, "COMMITS", 60)
    assert flakiness.main(["--histories", "50", "--seeds", "1", "--seed", "7"]) == 0
    shown = capsys.readouterr().out
    assert "seed 7" in shown
    assert "1.01%" in shown
    assert "truegreen, confirmed" in shown


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5"])
def test_command_with_a_number_that_is_none_ends_with_2(text):
    with pytest.raises(SystemExit) as caught:
        flakiness.main(["--seeds", text])
    assert caught.value.code == 2

"""The corpus is whole and can be planted; a sample of it is judged. `make faults` judges all of it."""

from __future__ import annotations

import typing

import msgspec
import pytest
from tests.faults import bench, corpus, table
from tests.faults.__main__ import Busy, alone
from tests.faults.bench import Honest, Result
from tests.faults.corpus import Edit, Fault, NotApplicable

EVERYTHING = corpus.everything()
SAMPLE = (
    "audit-forgotten",
    "dry-run-left-on",
    "wrong-database",
    "monkeypatched-repository",
    "half-of-an-import",
    "command-only-counts",
)
SLOT = "sample"
FAULT = Fault(id="x", family="wiring", title="t", unit="u", gate="unwired", cause="c", app="stockroom")


def test_corpus_has_forty_faults_of_every_family_in_three_applications():
    assert len(EVERYTHING) >= 40
    assert len(corpus.apps()) >= 3
    assert {fault.family for fault in EVERYTHING} == set(typing.get_args(corpus.Family))
    assert all(len(corpus.load(app)) >= 10 for app in corpus.apps())


def test_every_fault_can_be_planted(tmp_path):
    corpus.check(EVERYTHING, tmp_path)


def test_every_fault_names_a_gate_of_the_product_and_words_to_look_for():
    from truegreen import registry

    for fault in EVERYTHING:
        assert fault.gate in registry.names("gate"), fault.name
        assert fault.stage in registry.names("stage"), fault.name
        assert len(fault.cause) > 5, fault.name


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ([Edit(file="src/stockroom/factory.py", find="no such text", replace="")], "0 times 'no such text'"),
        ([Edit(file="src/stockroom/factory.py", find="import", replace="")], "times 'import'"),
        ([Edit(file="src/stockroom/gone.py", find="x", replace="")], "gone.py has 0 times"),
        ([Edit(file="src/stockroom/factory.py", replace="")], "is there already"),
    ],
)
def test_fault_that_does_not_fit_any_more_is_an_error(tmp_path, edits, words):
    with pytest.raises(NotApplicable, match=words):
        corpus.check([msgspec.structs.replace(FAULT, edits=tuple(edits))], tmp_path)


def test_patch_that_does_not_apply_is_an_error(tmp_path):
    with pytest.raises(NotApplicable, match="stockroom/x: error: "):
        corpus.check([msgspec.structs.replace(FAULT, patch="faults/unwired/fault.patch")], tmp_path)


def test_everything_that_does_not_fit_is_named_at_once(tmp_path):
    wrong = [msgspec.structs.replace(FAULT, id=name, edits=(Edit(file="x", find="y", replace=""),)) for name in "ab"]
    with pytest.raises(NotApplicable, match=r"stockroom/a: .*\nstockroom/b: "):
        corpus.check(wrong, tmp_path)


def result(**values):
    made = Result(fault=FAULT, noticed=True, unit="pass", red=("wiring: unwired",), said="c")
    return msgspec.structs.replace(made, **values)


@pytest.mark.parametrize(
    ("results", "honest", "passed"),
    [
        ([result()] * 40, [], True),
        ([result()] * 39 + [result(noticed=False)], [], True),
        ([result()] * 38 + [result(noticed=False)] * 2, [], False),
        ([result()] * 2 + [result(noticed=False)], [], False),
        ([result()] * 40 + [result(unit="fail")], [], False),
        ([result()] * 40, [Honest(app="a", weak=False, tests=300)], True),
        ([result()] * 40, [Honest(app="a", weak=False, tests=300, alarms=("unit: x",))], False),
        ([], [Honest(app="a", weak=True, tests=3, alarms=("unit: x",))], False),
    ],
)
def test_run_passes_only_with_enough_noticed_and_no_false_alarm(results, honest, passed):
    assert table.passed(results, honest) is passed


def test_second_run_in_one_checkout_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "WORK", tmp_path / "faults")
    with alone(), pytest.raises(Busy, match="another run is at work"), alone():
        pytest.fail("it was not refused")
    with alone():
        assert bench.WORK.is_dir()


def test_table_lists_what_was_missed_with_the_reason():
    lines = "\n".join(
        table.terminal(
            [result(), result(noticed=False, red=(), why="no verdict of unwired names it")],
            [Honest(app="a", weak=False, tests=300, alarms=("unit: x: y",))],
        )
    )
    assert "MISSED: no verdict of unwired names it" in lines
    assert "noticed: 1 of 2 (finder 1)" in lines
    assert "FALSE ALARM unit: x: y" in lines
    assert "false alarms: 1 of 300" in lines


def test_row_of_the_page_stays_one_row_whatever_the_words():
    (row,) = list(table.page([msgspec.structs.replace(FAULT, title="a | b\nc")], 1))[4:]
    assert row.count(" | ") == 6
    assert r"a \| b c" in row


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_fault_is_noticed_with_its_cause_while_unit_is_green(name):
    (fault,) = [one for one in corpus.load("stockroom") if one.id == name]
    done = bench.judge(fault, SLOT)
    assert (done.unit, done.why) == ("pass", "")
    assert fault.cause in done.said


@pytest.mark.slow
def test_honest_tests_of_an_application_are_green():
    done = bench.honest("stockroom", SLOT)
    assert done.alarms == ()
    assert done.tests >= 150


@pytest.mark.slow
def test_fault_that_is_none_is_missed():
    """A change that does nothing must not be called noticed: the bench itself is no rubber stamp."""
    (known,) = [one for one in corpus.load("stockroom") if one.id == "dry-run-left-on"]
    (edit,) = known.edits
    harmless = msgspec.structs.replace(known, edits=(msgspec.structs.replace(edit, replace=edit.find),))
    done = bench.judge(harmless, SLOT)
    assert not done.noticed
    assert "all green" in done.why

"""Many cases in columns: nothing lost, nothing doubled, the worst kept, in whatever order they come."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truegreen.analysis import merge
from truegreen.errors import EvidenceUnreadable
from truegreen.ingest.junit import JUnitReader
from truegreen.model import case_table
from truegreen.model.case_table import CaseTable
from truegreen.model.testrun import Outcome, TestCase, TestRun

RELAXED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAME = st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF), min_size=1, max_size=8)
ID = st.one_of(NAME, st.builds("{}::{}".format, st.sampled_from(["a.py", "b.py::X", "é"]), NAME))
ATTEMPTS = st.lists(st.sampled_from(list(Outcome)), max_size=3).map(tuple)
CASE = st.builds(
    TestCase,
    id=ID,
    outcome=st.sampled_from(list(Outcome)),
    duration_s=st.floats(0, 100),
    file=st.sampled_from(["", "a.py"]),
    line=st.integers(0, 9),
    message=st.sampled_from(["", "boom"]),
    detail=st.sampled_from(["", "trace"]),
    attempts=ATTEMPTS,
)
CASES = st.lists(CASE, max_size=20, unique_by=lambda case: case.id)
BAD = (Outcome.FAIL, Outcome.ERROR)
XML = {Outcome.PASS: "", Outcome.FAIL: "<failure/>", Outcome.ERROR: "<error/>", Outcome.SKIP: "<skipped/>"}
SEVERITY = (Outcome.PASS, Outcome.SKIP, Outcome.FAIL, Outcome.ERROR)


@given(CASES)
def test_table_gives_back_every_case_as_it_was(cases):
    table = CaseTable.of(cases)
    assert list(table) == cases
    assert table == tuple(cases)
    assert [table[n] for n in range(len(table))] == cases
    assert table[1:] == tuple(cases[1:])
    assert sorted(table.ids()) == sorted(case.id for case in cases)
    assert {outcome: table.count(outcome) for outcome in Outcome} == {
        outcome: sum(case.outcome is outcome for case in cases) for outcome in Outcome
    }


@given(CASES, st.integers(0, 12), st.floats(0, 100))
def test_questions_about_a_few_are_answered_as_by_looking_at_all(cases, number, above_s):
    run = TestRun(cases=CaseTable.of(cases))
    ran = [case for case in cases if case.outcome is not Outcome.SKIP and case.duration_s > above_s]
    slowest = sorted(ran, key=lambda case: (-case.duration_s, case.id))
    assert list(run.slowest(number, above_s)) == slowest[:number]
    assert run.count_slower(above_s) == len(ran)
    passed = [(case.id, case.duration_s) for case in ran if case.outcome is Outcome.PASS]
    assert sorted(run.slower(above_s)) == sorted(passed)
    assert list(run.bad()) == [case for case in cases if case.outcome in BAD]
    assert {case.id for case in run.records()} >= {case.id for case in cases if case.flaky}


@given(CASES, st.data())
def test_shards_merge_to_one_result_however_cut_and_ordered(cases, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(cases)), max_size=4)))
    shuffled = data.draw(st.permutations(cases))
    pieces = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(cases)], strict=True)]
    runs = data.draw(st.permutations([TestRun(cases=tuple(piece)) for piece in pieces]))
    merged = merge.shards(runs)
    assert merged == merge.shards([TestRun(cases=tuple(cases))])
    assert list(merged.cases) == sorted(cases, key=lambda case: case.id)
    assert merged.bad() == tuple(sorted((c for c in cases if c.outcome in BAD), key=lambda case: case.id))


@given(CASES.filter(bool), st.data())
def test_test_in_two_shards_is_refused_wherever_it_hides(cases, data):
    again = data.draw(st.sampled_from(cases))
    runs = [TestRun(cases=tuple(cases)), TestRun(cases=(again,))]
    with pytest.raises(EvidenceUnreadable, match="two shards"):
        merge.shards(data.draw(st.permutations(runs)))


@given(CASES)
def test_variant_labels_every_case_and_changes_nothing_else(cases):
    run = merge.in_variant(merge.in_variant(TestRun(cases=tuple(cases)), "3.11"), "x")
    assert [case.id for case in run.cases] == [f"{case.id} [3.11] [x]" for case in cases]
    assert [(c.outcome, c.file, c.line) for c in run.cases] == [(c.outcome, c.file, c.line) for c in cases]
    other = TestRun(cases=tuple(cases))
    assert len(merge.shards([run, merge.in_variant(other, "3.12")]).cases) == 2 * len(cases)


@RELAXED
@given(st.lists(st.tuples(NAME, st.sampled_from(list(Outcome))), max_size=12), st.data())
def test_repeated_names_in_one_suite_keep_the_worst_in_any_order(tmp_path, told, data):
    def read(cases):
        inner = "".join(f"<testcase name={quoteattr(n)}>{XML[outcome]}</testcase>" for n, outcome in cases)
        path = tmp_path / "junit.xml"
        path.write_text(f'<testsuite tests="{len(cases)}">{inner}</testsuite>', encoding="utf-8")
        return {case.id: case.outcome for case in JUnitReader().read(path, Path("/project")).cases}

    wanted = {name: max((o for n, o in told if n == name), key=SEVERITY.index) for name, _ in told}
    assert read(told) == wanted
    assert read(data.draw(st.permutations(told))) == wanted


@RELAXED
@given(st.lists(st.lists(st.sampled_from(["a", "b", "a #2", "a [h]"]), max_size=4), max_size=5))
def test_names_that_several_suites_share_lose_no_test(tmp_path, suites):
    inner = "".join(
        f'<testsuite hostname="{host}">{"".join(f"<testcase name={quoteattr(n)}/>" for n in names)}</testsuite>'
        for host, names in zip("hhiij", suites, strict=False)
    )
    path = tmp_path / "junit.xml"
    path.write_text(f"<testsuites>{inner}</testsuites>", encoding="utf-8")
    ids = [case.id for case in JUnitReader().read(path, Path("/project")).cases]
    assert len(ids) == len(set(ids)) == sum(len(set(names)) for names in suites)


@pytest.mark.parametrize("at_once", [0, 200_000])
@given(st.lists(st.lists(CASE, max_size=12), max_size=4), st.booleans())
def test_ids_of_several_cases_are_found_wherever_they_stand(at_once, parts, renamed):
    tables = [CaseTable.of(cases) for cases in parts]
    if renamed:  # the record of a row has another id than the columns
        again = {0: TestCase(id="renamed", outcome=Outcome.FAIL)}
        tables = [table.replaced(again) if len(table) else table for table in tables]
    whole = CaseTable.joined(tables)
    rows: dict[str, list[int]] = {}
    for row in range(len(whole)):
        rows.setdefault(whole.id_of(row), []).append(row)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(case_table, "_AT_ONCE", at_once)
        assert sorted(whole.twice()) == sorted(found for found in rows.values() if len(found) > 1)
    assert whole.rows_of(rows).keys() == rows.keys()


@given(CASES, CASES, st.booleans())
def test_ids_that_are_not_among_some_are_found_whatever_they_are_called_now(cases, others, labelled):
    table = CaseTable.joined([CaseTable.of(cases), CaseTable.of(others)])
    table = table.labelled(" [3.12]") if labelled else table
    ids = [table.id_of(row) for row in range(len(table))]
    known = set(ids[::2])
    assert table.others(set(map(hash, known))) == [test for test in ids if test not in known]
    assert table.others(set()) == ids

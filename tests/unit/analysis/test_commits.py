"""Which committed rows count for a test."""

import pytest

from truegreen.analysis import commits
from truegreen.model.persistence import Beside, Change, Demand, PersistenceEvidence, PhaseChanges, TestDemand

TEST = "tests/test_a.py::test_a"
PATTERNS = ("app", "test_app*", "app_*")


def row(database="app", table="public.t", parent="", kind="insert"):
    return Change(store="postgres", database=database, object=table, parent=parent, kind=kind, count=1)


def seen(*changes, databases=PATTERNS, demand=None):
    phases = (PhaseChanges(test=TEST, phase="call", committed=changes),)
    demands = (TestDemand(test=TEST, demand=demand),) if demand else ()
    evidence = PersistenceEvidence(databases=databases, phases=phases, demands=demands)
    return commits.by_test([evidence])[TEST]


@pytest.mark.parametrize("database", ["app", "test_app", "test_app_gw0", "app_worker1"])
def test_row_in_the_stages_database_or_one_made_for_tests_counts(database):
    assert seen(row(database)).missing() is None


@pytest.mark.parametrize("database", ["elsewhere", "apple", "test_other", "postgres"])
def test_row_in_another_database_does_not_count_and_is_told(database):
    found = seen(row(database))
    assert found.missing() == Demand()
    assert (found.committed(), found.elsewhere) == ((), (row(database),))


def test_demand_is_not_met_by_a_table_of_that_name_in_another_database():
    assert seen(row("scratch"), demand=Demand(object="t")).missing() == Demand(object="t")


def test_evidence_that_names_no_databases_counts_all():
    assert seen(row("anything"), databases=()).missing() is None


def test_truncate_that_does_not_say_where_it_was_is_kept():
    assert seen(row("", "(truncated)", kind="truncate")).committed() == (row("", "(truncated)", kind="truncate"),)


@pytest.mark.parametrize("name", ["parted", "public.parted", "postgres:parted", "parted_low", "public.parted_low"])
def test_demand_of_a_partitioned_table_is_met_by_its_partition(name):
    assert seen(row(table="public.parted_low", parent="public.parted"), demand=Demand(object=name)).missing() is None


def test_demand_of_another_table_is_not_met_by_a_partition():
    wanted = Demand(object="parted_high")
    assert seen(row(table="public.parted_low", parent="public.parted"), demand=wanted).missing() == wanted


def change(count=1, **more):
    return Change(**{"store": "postgres", "object": "public.t", "kind": "insert", "count": count, **more})


@pytest.mark.parametrize(
    ("changes", "demand", "number"),
    [
        ((change(2), change(3)), Demand(), 5),
        ((change(2), change(-2)), Demand(), 2),
        ((change(0),), Demand(), 0),
        ((change(2, kind="truncate"),), Demand(), 0),
        ((change(2, kind="truncate"),), Demand(kind="truncate"), 2),
        ((change(2, kind="update"), change(4, kind="delete")), Demand(), 2),
        ((change(4, kind="delete"),), Demand(kind="delete"), 4),
        ((change(2, kind="update"), change(4)), Demand(kind="update"), 2),
        ((change(2, object="public.u"), change(4)), Demand(object="t"), 4),
        ((change(2, store="redis"), change(4)), Demand(object="redis:t"), 2),
    ],
)
def test_rows_sum_only_what_counts(changes, demand, number):
    assert commits.rows(changes, demand) == number


@pytest.mark.parametrize("table", ["public.alembic_version", "app.flyway_schema_history", "app.DATABASECHANGELOG"])
def test_what_a_migration_tool_notes_of_itself_counts_only_where_it_is_named(table):
    noted = change(object=table, kind="insert")
    assert seen(noted, demand=Demand(), databases=()).missing() == Demand()
    assert seen(noted, databases=()).missing() == Demand()
    assert seen(noted, demand=Demand(kind="insert"), databases=()).missing() == Demand(kind="insert")
    assert seen(noted, demand=Demand(object=table), databases=()).missing() is None
    once = Demand(at_least=1, at_most=1)
    assert seen(noted, change(object="public.ops"), demand=once, databases=()).missing() is None


@pytest.mark.parametrize("kind", ["delete", "removal", "del", "expire", "hdel", "xtrim", "rename_from", "persist"])
@pytest.mark.parametrize("name", ["", "t"])
def test_what_is_only_taken_away_meets_no_demand_that_does_not_name_it(kind, name):
    gone = change(kind=kind, object="t")
    assert seen(gone, demand=Demand(object=name), databases=()).missing() == Demand(object=name)
    assert seen(gone, demand=Demand(object=name, kind=kind), databases=()).missing() is None


@pytest.mark.parametrize(("at_least", "at_most"), [(0, 0), (1, 1)])
def test_what_is_taken_away_still_counts_towards_what_is_too_much(at_least, at_most):
    wanted = Demand(object="t", at_least=at_least, at_most=at_most)
    changes = (change(), change(kind="delete"))[not at_least :]
    assert seen(*changes, databases=(), demand=wanted).missing() == wanted


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("public.t", True),
        ("t", True),
        ("two.t", False),
        ("public", False),
        ("postgres:t", True),
        ("postgres:", False),
        (":t", False),
        ("T", False),
    ],
)
def test_name_of_a_table_is_its_last_part_or_all_of_it(name, same):
    assert commits.same_object(change(object="public.t"), name) is same


def test_table_without_its_schema_is_not_one_of_the_same_name_elsewhere():
    assert not commits.same_object(change(object="staging.t"), "t")
    assert commits.same_object(change(object="staging.t"), "staging.t")
    assert commits.same_object(change(object="shop.t", database="shop"), "t")
    assert commits.same_object(change(object="t", database="shop"), "t")
    assert commits.same_object(change(object="parts.t_2026", parent="public.t"), "t")


@pytest.mark.parametrize("name", ["archive.t", "archive.public.t", "postgres:archive.t"])
def test_table_of_one_of_several_databases_is_named_with_it(name):
    assert commits.same_object(change(object="public.t", database="archive"), name)
    assert not commits.same_object(change(object="public.t", database="app"), name)
    assert not commits.same_object(change(object="side.t", database="archive"), name)


def test_changes_are_told_in_sums_by_object_and_kind():
    changes = (change(), change(1), change(3, kind="update"), change(1000, object="a"), change(kind="delete"))
    assert commits.told(changes) == (
        "1,000 inserts in a, 1 delete in public.t, 2 inserts in public.t, 3 updates in public.t"
    )
    assert commits.told(()) == ""


def test_evidence_of_several_recorders_is_joined_by_test():
    one = PersistenceEvidence(
        phases=(PhaseChanges(test="a", phase="setup", committed=(change(),), problem="cut"),),
        demands=(TestDemand(test="b"), TestDemand(test="a", patched=("x",))),
        beside=(Beside(test="b", what="a thread"),),
    )
    two = PersistenceEvidence(
        phases=(PhaseChanges(test="a", phase="call", committed=(change(3),)),),
        demands=(TestDemand(test="a", demand=Demand(at_least=3), patched=("y", "x")),),
        beside=(Beside(test="b", what="a thread"), Beside(test="b", what="another")),
    )
    found = commits.by_test([one, two])
    assert {test: (known.test, known.observed) for test, known in found.items()} == {
        "a": ("a", True),
        "b": ("b", False),
    }
    assert (found["a"].missing(), found["a"].problem, found["a"].patched) == (None, "cut", ("x", "y"))
    assert (found["b"].missing(), found["b"].problem, found["b"].phases) == (Demand(), "", ())
    assert [[one.what for one in found[test].others] for test in "ab"] == [[], ["a thread", "another"]]


@pytest.mark.parametrize(
    ("demands", "reads", "wanted"),
    [
        ((), False, (Demand(),)),
        ((TestDemand(test="a", reads=True),), True, (Demand(),)),
        ((TestDemand(test="a", reads=True), TestDemand(test="a", demand=Demand(kind="update"))), False, None),
        ((TestDemand(test="a", demand=Demand(kind="update")), TestDemand(test="a", reads=True)), False, None),
        ((TestDemand(test="a", demand=Demand(kind="update")),), False, None),
    ],
)
def test_test_only_reads_when_each_of_its_demands_says_so(demands, reads, wanted):
    known = commits.TestCommits(test="a", demands=demands)
    assert known.reads is reads
    assert known.wanted == (wanted or (Demand(kind="update"),))


def test_only_the_call_phase_commits_and_rolls_back_for_the_test():
    phases = tuple(
        PhaseChanges(test="a", phase=phase, committed=(change(n),), rolled_back=(change(n + 10),))
        for n, phase in enumerate(("setup", "call", "teardown"), start=1)
    )
    known = commits.TestCommits(test="a", phases=phases)
    assert known.observed
    assert (known.committed(), known.rolled_back()) == ((change(2),), (change(12),))
    assert known.committed("setup") == (change(1),)
    late = PhaseChanges(test="a", phase="call", written_before=(change(7),))
    known = commits.TestCommits(test="a", phases=(late,))
    assert (known.committed(), known.written_before(), known.missing()) == ((), (change(7),), Demand())
    assert not commits.TestCommits(test="a", phases=phases[::2]).observed

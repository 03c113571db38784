"""Which committed rows count for a test."""

import pytest

from truegreen.analysis import commits
from truegreen.model.persistence import Change, Demand, PersistenceEvidence, PhaseChanges, TestDemand

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

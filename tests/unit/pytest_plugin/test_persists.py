"""Demands that no store of a stage can ever meet."""

import pytest

from truegreen_pytest import persists

ROWS = ["insert", "update", "delete", "truncate"]
OBSERVED = {"stores": {"postgres": ROWS, "redis": [], "nats": ["message", "removal"]}, "counting": ["postgres"]}


class Item:
    """As much of a test as is asked for its markers."""

    nodeid, location = "tests/test_a.py::test_a", ("tests/test_a.py", 6, "test_a")
    path, parent = None, None

    def __init__(self, *words, **named):
        self.marks = [pytest.Mark("persists", words, named, _ispytest=True)]

    def iter_markers(self, name):
        assert name == "persists"
        return iter(self.marks)


def why(observed=OBSERVED, *words, **named):
    found = persists.problems([Item(*words, **named)], observed)
    assert len(found) <= 1
    return found[0].partition("test_a.py::test_a ")[2] if found else ""


def test_store_that_is_not_observed_is_told_with_the_name_that_is_meant():
    assert why(store="postgress") == "names store 'postgress'; observed: postgres, redis, nats; write 'postgres'"
    assert why(store="mailpit") == "names store 'mailpit'; observed: postgres, redis, nats"
    assert why(store="postgress", reads=True).startswith("names store")


@pytest.mark.parametrize(("kind", "meant"), [("inserted", "insert"), ("INSERT", "insert"), ("updated", "update")])
def test_kind_that_no_counting_store_has_is_told_with_the_one_that_is_meant(kind, meant):
    known = "known: insert, update, delete, truncate"
    assert why(OBSERVED, "ops", kind=kind) == f"names kind {kind!r}, which postgres never has; {known}; write {meant!r}"


def test_kind_is_held_against_the_store_that_the_marker_names():
    assert why(store="nats", kind="insert").startswith("names kind 'insert', which nats never has; known: message")
    assert why(OBSERVED, "nats:EVENTS", kind="message") == ""
    assert why(OBSERVED, "EVENTS", kind="message").startswith("names kind 'message', which postgres never has")
    assert why(store="nats", kind="removal") == ""


@pytest.mark.parametrize("words", [{"store": "redis", "kind": "json.set"}, {"kind": "insert"}, {"kind": ""}, {}])
def test_demand_that_can_be_met_is_no_problem(words):
    assert why(**words) == ""
    assert why(OBSERVED, "redis:k", **words) == ""


def test_kind_that_a_store_of_any_kinds_may_have_is_no_problem():
    assert why({"stores": {"redis": [], "nats": ["message"]}, "counting": ["redis", "nats"]}, kind="insert") == ""


@pytest.mark.parametrize("observed", [{}, {"ok": True}, {"stores": {}}])
def test_where_nothing_is_observed_no_store_is_unknown(observed):
    assert why(observed, store="postgress", kind="inserted") == ""

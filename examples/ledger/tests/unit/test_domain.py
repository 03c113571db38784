"""The rules of the domain."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import (
    MAX_AMOUNT_CENTS,
    InvalidOperation,
    Operation,
    balance_of,
    decide,
    from_event,
    new_operation,
    to_event,
)

pytestmark = pytest.mark.unit

names = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=64)
amounts = st.integers(min_value=1, max_value=MAX_AMOUNT_CENTS)
kinds = st.sampled_from(["credit", "debit"])


@pytest.mark.parametrize(("kind", "effect"), [("credit", 5), ("debit", -5)])
def test_signed_cents_follows_the_kind(kind, effect):
    assert new_operation("1", "a", kind, 5).signed_cents() == effect


@pytest.mark.parametrize("amount", [1, 2, 99, MAX_AMOUNT_CENTS])
def test_new_operation_accepts_amounts_in_range(amount):
    assert new_operation("1", "a", "credit", amount).amount_cents == amount


@pytest.mark.parametrize("amount", [0, -1, -100, MAX_AMOUNT_CENTS + 1])
def test_new_operation_refuses_amounts_out_of_range(amount):
    with pytest.raises(InvalidOperation, match="amount"):
        new_operation("1", "a", "credit", amount)


@pytest.mark.parametrize("kind", ["", "Credit", "transfer", "credit "])
def test_new_operation_refuses_an_unknown_kind(kind):
    with pytest.raises(InvalidOperation, match="kind"):
        new_operation("1", "a", kind, 1)


@pytest.mark.parametrize(("identity", "account"), [("", "a"), ("1", ""), ("", "")])
def test_new_operation_refuses_empty_names(identity, account):
    with pytest.raises(InvalidOperation, match="id and an account"):
        new_operation(identity, account, "credit", 1)


def test_new_operation_is_pending():
    assert new_operation("1", "a", "credit", 1).state == "pending"


@pytest.mark.parametrize(
    ("kind", "amount", "balance", "state"),
    [
        ("credit", 1, 0, "applied"),
        ("debit", 1, 0, "rejected"),
        ("debit", 1, 1, "applied"),
        ("debit", 2, 1, "rejected"),
        ("debit", 100, 1000, "applied"),
    ],
)
def test_decide_never_overdraws(kind, amount, balance, state):
    assert decide(new_operation("1", "a", kind, amount), balance).state == state


def test_balance_of_counts_applied_operations_only():
    operations = [
        Operation("1", "a", "credit", 10, "applied"),
        Operation("2", "a", "debit", 3, "applied"),
        Operation("3", "a", "debit", 100, "rejected"),
        Operation("4", "a", "credit", 50, "pending"),
    ]
    assert balance_of(operations) == 7


def test_balance_of_nothing_is_zero():
    assert balance_of([]) == 0


@given(names, names, kinds, amounts)
def test_event_round_trip_keeps_the_operation(identity, account, kind, amount):
    operation = new_operation(identity, account, kind, amount)
    assert from_event(to_event(operation)) == operation


@given(st.lists(st.tuples(kinds, amounts), max_size=30))
def test_balance_is_never_negative(moves):
    balance = 0
    for number, (kind, amount) in enumerate(moves):
        decided = decide(new_operation(str(number), "a", kind, amount), balance)
        balance += decided.signed_cents() if decided.state == "applied" else 0
        assert balance >= 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"type":"other","version":1,"operation":{}}',
        b'{"type":"operation.requested","version":2,"operation":{}}',
        b'{"type":"operation.requested","version":1}',
        b'{"type":"operation.requested","version":1,"operation":{"id":"1"}}',
    ],
)
def test_from_event_refuses_what_the_schema_refuses(data):
    with pytest.raises(InvalidOperation):
        from_event(data)


@pytest.mark.parametrize("field", ["id", "account", "kind", "amount_cents"])
def test_from_event_refuses_a_missing_field(field):
    event = json.loads(to_event(new_operation("1", "a", "credit", 1)))
    del event["operation"][field]
    with pytest.raises(InvalidOperation):
        from_event(json.dumps(event).encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", 1), ("account", None), ("kind", "x"), ("amount_cents", "1"), ("amount_cents", 0)],
)
def test_from_event_refuses_a_wrong_type(field, value):
    event = json.loads(to_event(new_operation("1", "a", "credit", 1)))
    event["operation"][field] = value
    with pytest.raises(InvalidOperation):
        from_event(json.dumps(event).encode())

"""The rules."""

from datetime import UTC, datetime, timedelta

import pytest

from stockroom import domain
from stockroom.domain import Held, Promise, Refused

pytestmark = pytest.mark.unit
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("sku", ["A1", "BOLT-8", "0-0", "X" * 32])
def test_item_number_is_accepted(sku):
    assert domain.checked_sku(sku) == sku


@pytest.mark.parametrize("sku", ["", "A", "bolt", "-A1", "A 1", "Ä1", "X" * 33, "A1\n"])
def test_item_number_is_refused(sku):
    with pytest.raises(Refused):
        domain.checked_sku(sku)


@pytest.mark.parametrize("quantity", [1, 2, 10**6])
def test_quantity_is_accepted(quantity):
    assert domain.checked_quantity(quantity) == quantity


@pytest.mark.parametrize("quantity", [0, -1, 1.5, "1", None, True])
def test_quantity_is_refused(quantity):
    with pytest.raises(Refused):
        domain.checked_quantity(quantity)


@pytest.mark.parametrize("quantity", [1, 4, 5])
def test_promise_of_what_is_there(quantity):
    made = domain.promise("r", Held("A1", "a", 5), quantity, NOON)
    assert made == Promise("r", "A1", quantity, "open", NOON + timedelta(hours=24))


def test_promise_of_more_than_there_is_refused():
    with pytest.raises(Refused, match="5 of A1 on hand, 6 asked for"):
        domain.promise("r", Held("A1", "a", 5), 6, NOON)


@pytest.mark.parametrize("state", ["shipped", "cancelled", "expired"])
def test_open_reservation_ends(state):
    assert domain.ended(Promise("r", "A1", 1, "open", NOON), state).state == state


@pytest.mark.parametrize("state", ["shipped", "cancelled", "expired"])
def test_ended_reservation_stays_as_it_is(state):
    with pytest.raises(Refused, match=f"r is {state}"):
        domain.ended(Promise("r", "A1", 1, state, NOON), "shipped")


@pytest.mark.parametrize(
    ("state", "late_s", "overdue"),
    [("open", 0, True), ("open", 1, True), ("open", -1, False), ("shipped", 1, False), ("expired", 1, False)],
)
def test_reservation_is_overdue(state, late_s, overdue):
    assert domain.overdue(Promise("r", "A1", 1, state, NOON), NOON + timedelta(seconds=late_s)) is overdue

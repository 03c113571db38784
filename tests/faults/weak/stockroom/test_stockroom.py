"""The stockroom through its own interface.

Written the way most suites are: each test believes what the application answers. Nothing here looks into the database.
"""

import uuid

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.persistence


@pytest.fixture
def reference():
    return uuid.uuid4().hex


def reserve(ask, reference, quantity=2):
    return ask("POST", "/reservations", {"reference": reference, "sku": "BOLT-8", "quantity": quantity})


@pytest.mark.persists("stockroom_item", kind="insert", at_least=1)
def test_item_is_added(ask):
    assert ask("POST", "/items", {"sku": f"S-{uuid.uuid4().hex[:8].upper()}", "name": "screw"})[0] == 201


@pytest.mark.persists("stockroom_item", kind="insert", at_least=60)
def test_items_are_imported(ask):
    rows = [{"sku": f"N-{number:02}", "name": "nut"} for number in range(60)]
    assert ask("POST", "/imports", {"items": rows}) == (201, {"added": 60})


@pytest.mark.persists("stockroom_movement", kind="insert", at_least=1)
def test_receipt_is_taken(ask, bolts, reference):
    assert ask("POST", f"/items/{bolts}/receipts", {"quantity": 5, "reference": reference})[0] == 201


@pytest.mark.persists("stockroom_reservation", kind="insert", at_least=1)
@pytest.mark.persists("stockroom_movement", kind="insert", at_least=1)
def test_reservation_is_open(ask, bolts, reference):
    status, answer = reserve(ask, reference)
    assert (status, answer["state"]) == (201, "open")


def test_reservation_again_is_the_same(ask, bolts, reference):
    assert reserve(ask, reference) == reserve(ask, reference)


@pytest.mark.persists("stockroom_reservation", kind="update", at_least=1)
@pytest.mark.parametrize(("action", "state"), [("ship", "shipped"), ("cancel", "cancelled")])
def test_reservation_ends(ask, bolts, reference, action, state):
    reserve(ask, reference)
    assert ask("POST", f"/reservations/{reference}/{action}")[1]["state"] == state


@pytest.mark.persists("stockroom_auditentry", kind="insert", at_least=1)
def test_receipt_is_noted(service, bolts, reference):
    assert service.receive(bolts, 4, reference).sku == bolts


@pytest.mark.persists("stockroom_reservation", kind="update", at_least=1)
def test_late_reservation_expires(service, later, bolts, reference):
    service.reserve(reference, bolts, 2)
    assert later.expire() >= 1


@pytest.fixture
def late(later, service, bolts, reference, database):
    """A reservation that nobody fetched, made in the set-up phase."""
    from datetime import UTC, datetime

    from stockroom import factory

    return factory.get_stock_service(now=lambda: datetime(2026, 1, 1, tzinfo=UTC)).reserve(reference, bolts, 1)


@pytest.mark.persists("stockroom_reservation", kind="update", at_least=1)
def test_command_runs(late, capsys):
    call_command("expire_reservations", rounds=1)
    assert "expired" in capsys.readouterr().out

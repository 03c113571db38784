"""What is said to be on the shelf is in the database."""

import pytest

pytestmark = pytest.mark.persistence
ITEMS = "SELECT sku, name, on_hand FROM stockroom_item ORDER BY sku"


@pytest.mark.persists("stockroom_item", kind="insert", at_least=1)
@pytest.mark.parametrize("name", ["bolt", "Schraube M8 × 40", "ボルト", "o'ring", "a" * 40, "50 % off; --"])
def test_item_keeps_its_name(ask, stored, name):
    assert ask("POST", "/items", {"sku": "BOLT-8", "name": name})[0] == 201
    assert stored(ITEMS) == [("BOLT-8", name, 0)]


@pytest.mark.parametrize("number", [1, 2, 49, 50, 51, 120])
def test_import_stores_every_row(ask, stored, number):
    rows = [{"sku": f"S-{n:03}", "name": f"item {n}"} for n in range(number)]
    assert ask("POST", "/imports", {"items": rows}) == (201, {"added": number})
    assert stored(ITEMS) == [(row["sku"], row["name"], 0) for row in rows]


@pytest.mark.persists("stockroom_item", kind="insert", at_least=2)
def test_import_leaves_known_items_alone(ask, bolts, stored):
    rows = [{"sku": sku, "name": "new"} for sku in (bolts, "C-1", "C-2")]
    assert ask("POST", "/imports", {"items": rows}) == (201, {"added": 2})
    assert stored(ITEMS) == [(bolts, "bolt", 10), ("C-1", "new", 0), ("C-2", "new", 0)]


@pytest.mark.persists("stockroom_movement", kind="insert", at_least=1)
@pytest.mark.parametrize("quantity", [1, 7, 500, 2_000_000_000 - 10])
def test_receipt_is_added(ask, bolts, stored, quantity):
    status, answer = ask("POST", f"/items/{bolts}/receipts", {"quantity": quantity, "reference": "d-2"})
    assert (status, answer["on_hand"]) == (201, 10 + quantity)
    assert stored(ITEMS) == [(bolts, "bolt", 10 + quantity)]
    assert stored("SELECT delta, reason FROM stockroom_movement WHERE reference = 'd-2'") == [(quantity, "received")]


def test_receipt_touches_its_own_item_only(service, bolts, stored):
    service.add_items([("NUT-8", "nut")])
    service.receive("NUT-8", 3, "d-2")
    assert stored(ITEMS) == [(bolts, "bolt", 10), ("NUT-8", "nut", 3)]


@pytest.mark.parametrize("times", [2, 3, 5])
def test_receipts_add_up(service, bolts, stored, times):
    for number in range(times):
        service.receive(bolts, 5, f"d-{number}")
    assert stored(ITEMS) == [(bolts, "bolt", 10 + 5 * times)]
    assert stored("SELECT count(*), sum(delta) FROM stockroom_movement") == [(1 + times, 10 + 5 * times)]


@pytest.mark.persists("stockroom_auditentry", kind="insert", at_least=1)
def test_receipt_is_in_the_audit_trail(service, bolts, stored):
    service.receive(bolts, 4, "d-9")
    assert stored("SELECT subject FROM stockroom_auditentry WHERE detail = '4 by d-9'") == [(bolts,)]


@pytest.mark.persists(reads=True)
@pytest.mark.parametrize("path", ["/items/NEVER", "/items/bolt-8", "/reservations/never"])
def test_unknown_is_404(ask, bolts, path):
    assert ask("GET", path)[0] == 404


@pytest.mark.persists(reads=True)
@pytest.mark.parametrize("body", [{"sku": "x", "name": "y"}, {"name": "y"}, {"sku": "A 1", "name": "y"}])
def test_refused_item_is_not_stored(ask, stored, body):
    assert ask("POST", "/items", body)[0] == 422
    assert stored(ITEMS) == []


@pytest.mark.persists("stockroom_movement", kind="insert", at_least=2)
@pytest.mark.parametrize("quantities", [(1, 2), (30, 400)])
def test_item_is_shown_as_it_is(ask, bolts, quantities):
    shown = [ask("GET", f"/items/{bolts}")[1]["on_hand"]]
    for number, quantity in enumerate(quantities):
        ask("POST", f"/items/{bolts}/receipts", {"quantity": quantity, "reference": f"d-{number}"})
        shown.append(ask("GET", f"/items/{bolts}")[1]["on_hand"])
    assert shown == [10, 10 + quantities[0], 10 + sum(quantities)]

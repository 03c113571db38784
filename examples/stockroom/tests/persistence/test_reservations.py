"""Reservations, and what they do to the shelf, as the database has them."""

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.persistence
ON_HAND = "SELECT on_hand FROM stockroom_item WHERE sku = 'BOLT-8'"
RESERVED = "SELECT reference, quantity, state FROM stockroom_reservation ORDER BY reference"
MOVED = "SELECT delta, reason FROM stockroom_movement WHERE reference = %s ORDER BY id"


def reserve(ask, reference, quantity):
    return ask("POST", "/reservations", {"reference": reference, "sku": "BOLT-8", "quantity": quantity})


@pytest.mark.persists("stockroom_reservation", kind="insert", at_least=1)
@pytest.mark.persists("stockroom_movement", kind="insert", at_least=1)
@pytest.mark.parametrize("quantity", range(1, 11))
def test_reservation_is_stored_with_its_movement(ask, bolts, stored, quantity):
    assert reserve(ask, "r-1", quantity)[0] == 201
    assert stored(RESERVED) == [("r-1", quantity, "open")]
    assert stored(MOVED, "r-1") == [(-quantity, "reserved")]
    assert stored(ON_HAND) == [(10 - quantity,)]


@pytest.mark.persists(reads=True)
@pytest.mark.parametrize("quantity", [11, 12, 1000])
def test_reservation_of_too_much_leaves_nothing(ask, bolts, stored, quantity):
    assert reserve(ask, "r-1", quantity)[0] == 422
    assert (stored(RESERVED), stored(ON_HAND)) == ([], [(10,)])


@pytest.mark.parametrize("times", [2, 3])
def test_reservation_again_is_the_same(ask, bolts, stored, times):
    answers = [reserve(ask, "r-1", 4) for _ in range(times)]
    assert all(status == 201 for status, _ in answers)
    assert (stored(RESERVED), stored(ON_HAND)) == ([("r-1", 4, "open")], [(6,)])


@pytest.mark.parametrize("parts", [(1, 2), (5, 5), (1, 2, 3, 4)])
def test_reservations_share_the_shelf(ask, bolts, stored, parts):
    for number, quantity in enumerate(parts):
        assert reserve(ask, f"r-{number}", quantity)[0] == 201
    assert stored(ON_HAND) == [(10 - sum(parts),)]
    assert [row[1] for row in stored(RESERVED)] == list(parts)


@pytest.mark.persists("stockroom_reservation", kind="update", at_least=1)
@pytest.mark.parametrize(
    ("action", "state", "on_hand", "moved"),
    [("ship", "shipped", 7, [(-3, "reserved")]), ("cancel", "cancelled", 10, [(-3, "reserved"), (3, "returned")])],
)
def test_end_is_stored(ask, bolts, stored, action, state, on_hand, moved):
    reserve(ask, "r-1", 3)
    assert ask("POST", f"/reservations/r-1/{action}")[1]["state"] == state
    assert stored(RESERVED) == [("r-1", 3, state)]
    assert (stored(ON_HAND), stored(MOVED, "r-1")) == ([(on_hand,)], moved)


@pytest.mark.parametrize("action", ["ship", "cancel"])
def test_end_touches_its_own_reservation_only(ask, bolts, stored, action):
    for reference in ("r-1", "r-2", "r-3"):
        reserve(ask, reference, 1)
    ask("POST", f"/reservations/r-2/{action}")
    assert [row[2] == "open" for row in stored(RESERVED)] == [True, False, True]


@pytest.mark.parametrize("first", ["ship", "cancel"])
@pytest.mark.parametrize("second", ["ship", "cancel"])
def test_second_end_changes_nothing(ask, bolts, stored, first, second):
    reserve(ask, "r-1", 3)
    ask("POST", f"/reservations/r-1/{first}")
    before = stored(RESERVED), stored(ON_HAND)
    assert ask("POST", f"/reservations/r-1/{second}")[0] == 422
    assert (stored(RESERVED), stored(ON_HAND)) == before


@pytest.mark.persists("stockroom_reservation", kind="update", at_least=1)
@pytest.mark.parametrize("number", [1, 2, 5])
def test_late_reservations_expire(service, later, bolts, stored, number):
    for reference in range(number):
        service.reserve(f"r-{reference}", bolts, 2)
    assert later.expire() == number
    assert {row[2] for row in stored(RESERVED)} == {"expired"}
    assert stored(ON_HAND) == [(10,)]


@pytest.mark.persists("stockroom_reservation", kind="update", at_least=1)
def test_command_expires_what_is_late(service, bolts, stored, capsys):
    service.reserve("r-1", bolts, 2)
    service.reserve("r-2", bolts, 2)
    stored("UPDATE stockroom_reservation SET expires = now() WHERE reference = 'r-1' RETURNING id")
    call_command("expire_reservations", rounds=1)
    assert capsys.readouterr().out == "1 expired\n"
    assert stored(RESERVED) == [("r-1", 2, "expired"), ("r-2", 2, "open")]
    assert stored(MOVED, "r-1") == [(-2, "reserved"), (2, "returned")]


@pytest.mark.persists("stockroom_auditentry", kind="insert", at_least=2)
@pytest.mark.parametrize(("action", "word"), [("ship", "shipped"), ("cancel", "cancelled")])
def test_reservation_is_in_the_audit_trail(ask, bolts, stored, action, word):
    reserve(ask, "r-1", 3)
    ask("POST", f"/reservations/r-1/{action}")
    noted = stored("SELECT action, detail FROM stockroom_auditentry WHERE subject = 'r-1' ORDER BY id")
    assert noted == [("reserve", "3 of BOLT-8"), (word, "3 of BOLT-8")]


@pytest.mark.persists("stockroom_reservation", kind="insert", at_least=1)
@pytest.mark.parametrize("reference", ["r", "R-1", "x" * 32, "☂", "a'b", "1 2"])
def test_reservation_keeps_its_reference(service, bolts, stored, reference):
    service.reserve(reference, bolts, 1)
    assert stored(RESERVED) == [(reference, 1, "open")]


@pytest.mark.persists(reads=True)
def test_reservation_is_read_back(service, bolts, ask):
    assert ask("GET", f"/items/{bolts}") == (200, {"sku": bolts, "name": "bolt", "on_hand": 10})

"""The use cases, on the stock in memory."""

from datetime import timedelta

import pytest

from stockroom.domain import Refused, Unknown
from stockroom.service import StockService

pytestmark = pytest.mark.unit


def test_items_are_added_once(service):
    assert service.add_items([("BOLT-8", "bolt"), ("WASHER-8", "washer")]) == 1
    assert service.item("WASHER-8").name == "washer"


def test_no_items_is_no_error(service):
    assert service.add_items([]) == 0


@pytest.mark.parametrize("quantity", [1, 5, 10])
def test_reservation_takes_from_the_shelf(service, quantity):
    assert service.reserve("r", "BOLT-8", quantity).state == "open"
    assert service.item("BOLT-8").on_hand == 10 - quantity


def test_reservation_of_too_much_takes_nothing(service, stock):
    with pytest.raises(Refused):
        service.reserve("r", "BOLT-8", 11)
    assert service.item("BOLT-8").on_hand == 10
    assert stock.promises == {}


def test_reservation_twice_is_once(service):
    assert service.reserve("r", "BOLT-8", 3) == service.reserve("r", "BOLT-8", 3)
    assert service.item("BOLT-8").on_hand == 7


def test_shipping_gives_nothing_back(service):
    service.reserve("r", "BOLT-8", 3)
    assert service.ship("r").state == "shipped"
    assert service.item("BOLT-8").on_hand == 7


def test_cancelling_gives_it_back(service):
    service.reserve("r", "BOLT-8", 3)
    assert service.cancel("r").state == "cancelled"
    assert service.item("BOLT-8").on_hand == 10


@pytest.mark.parametrize("first", ["ship", "cancel"])
@pytest.mark.parametrize("second", ["ship", "cancel"])
def test_reservation_ends_once(service, first, second):
    service.reserve("r", "BOLT-8", 3)
    getattr(service, first)("r")
    with pytest.raises(Refused):
        getattr(service, second)("r")


@pytest.mark.parametrize("hours", [24, 25, 1000])
def test_late_reservation_expires(service, clock, hours):
    service.reserve("r", "BOLT-8", 3)
    clock.time += timedelta(hours=hours)
    assert service.expire() == 1
    assert service.reservation("r").state == "expired"
    assert service.item("BOLT-8").on_hand == 10


@pytest.mark.parametrize("hours", [0, 1, 23])
def test_young_reservation_stays(service, clock, hours):
    service.reserve("r", "BOLT-8", 3)
    clock.time += timedelta(hours=hours)
    assert service.expire() == 0


@pytest.mark.parametrize("name", ["item", "reservation", "ship", "cancel"])
def test_unknown_is_told(service, name):
    with pytest.raises(Unknown):
        getattr(service, name)("NEVER")


def test_reservation_of_an_unknown_item_is_told(service):
    with pytest.raises(Unknown):
        service.reserve("r", "NEVER", 1)


def test_receipt_of_an_unknown_item_is_told(service):
    with pytest.raises(Unknown):
        service.receive("NEVER", 1, "delivery")


def test_what_happened_is_noted(service, notes):
    service.reserve("r", "BOLT-8", 3)
    service.cancel("r")
    assert notes.lines == [("reserve", "r", "3 of BOLT-8"), ("cancelled", "r", "3 of BOLT-8")]


def test_service_without_audit_works(stock):
    service = StockService(stock)
    assert service.add_items([("BOLT-8", "bolt")]) == 1


def test_every_change_leaves_a_movement(service, stock):
    service.reserve("r", "BOLT-8", 3)
    service.cancel("r")
    assert stock.movements == [("BOLT-8", 10, "received"), ("BOLT-8", -3, "reserved"), ("BOLT-8", 3, "returned")]

"""The use cases, over fakes."""

import pytest

from parcels.domain import InvalidParcel, Scan, to_event
from parcels.service import ParcelService

pytestmark = pytest.mark.unit


def scan(event="e-1", parcel="p", state="collected"):
    return to_event(Scan(event, parcel, "Ulm", state))


def test_parcel_is_registered_and_cached(service, parcels, states):
    assert service.register([("p", "here")]) == 1
    assert parcels.rows["p"].address == "here"
    assert states.values == {"p": "registered"}


def test_parcel_is_registered_once(service):
    assert service.register([("p", "here"), ("q", "there")]) == 2
    assert service.register([("p", "here"), ("r", "there")]) == 1


def test_known_parcel_keeps_its_cached_state(service, states):
    service.register([("p", "here")])
    service.apply(scan())
    service.register([("p", "here")])
    assert states.values == {"p": "collected"}


def test_wrong_parcel_spoils_the_whole_manifest(service, parcels):
    with pytest.raises(InvalidParcel):
        service.register([("p", "here"), ("", "there")])
    assert parcels.rows == {}


def test_scan_is_published(service, queue):
    service.scan(scan())
    assert [one.body for one in queue.waiting] == [scan()]


def test_wrong_scan_is_not_published(service, queue):
    with pytest.raises(InvalidParcel):
        service.scan(b"{}")
    assert queue.waiting == []


def test_scan_is_applied(service, parcels, states):
    service.register([("p", "here")])
    assert service.apply(scan()).state == "collected"
    assert (parcels.rows["p"].scans, states.values["p"]) == (1, "collected")


@pytest.mark.parametrize("times", [2, 3])
def test_scan_is_applied_once(service, parcels, times):
    service.register([("p", "here")])
    for _ in range(times):
        service.apply(scan())
    assert parcels.rows["p"].scans == 1


def test_scan_of_an_unknown_parcel_is_nothing(service, states):
    assert service.apply(scan(parcel="never")) is None
    assert states.values == {}


def test_state_prefers_the_cache(service, parcels, states):
    service.register([("p", "here")])
    states.values["p"] = "lost"
    assert service.state("p") == "lost"


def test_state_falls_back_to_what_is_stored(service, states):
    service.register([("p", "here")])
    states.values.clear()
    assert service.state("p") == "registered"
    assert states.values == {"p": "registered"}


def test_state_of_an_unknown_parcel_is_none(service):
    assert service.state("never") is None


def test_service_without_anything_answers_nothing():
    service = ParcelService()
    assert service.register([("p", "here")]) == 1
    assert service.scan(scan()).parcel == "p"
    assert (service.apply(scan()), service.state("p"), service.find("p")) == (None, None, None)


def test_service_without_a_database_works_from_the_cache(states):
    service = ParcelService(states=states)
    service.register([("p", "here")])
    assert service.state("p") == "registered"

"""The rules."""

import json

import pytest

from parcels import domain
from parcels.domain import InvalidParcel, Parcel, Scan

pytestmark = pytest.mark.unit
STATES = sorted(domain.NEXT)


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("wanted", STATES)
def test_scan_changes_the_state_only_where_it_may(before, wanted):
    after = domain.accepted(Parcel("p", "a", before, 3), Scan("e", "p", "Ulm", wanted))
    assert after.state == (wanted if wanted in domain.NEXT[before] else before)
    assert after.scans == 4


@pytest.mark.parametrize("number", ["P", "P-1", "x" * 32, "☂"])
def test_parcel_is_accepted(number):
    assert domain.new_parcel(number, "Hauptstr. 1") == Parcel(number, "Hauptstr. 1", "registered", 0)


@pytest.mark.parametrize(
    ("number", "address"), [("", "a"), (" ", "a"), (None, "a"), (1, "a"), ("x" * 33, "a"), ("p", ""), ("p", "a" * 121)]
)
def test_parcel_is_refused(number, address):
    with pytest.raises(InvalidParcel):
        domain.new_parcel(number, address)


@pytest.mark.parametrize("place", ["Ulm", "Köln", "a b", '"', "東京"])
def test_scan_goes_over_the_queue_unchanged(place):
    scan = Scan("e", "p", place, "collected")
    assert domain.from_event(domain.to_event(scan)) == scan


GOOD = {"event": "e", "parcel": "p", "place": "Ulm", "state": "collected"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        *[json.dumps({**GOOD, key: value}).encode() for key in GOOD for value in ("", 1, None)],
        json.dumps({**GOOD, "state": "eaten"}).encode(),
        json.dumps({**GOOD, "more": "x"}).encode(),
    ],
)
def test_event_is_refused(body):
    with pytest.raises(InvalidParcel):
        domain.from_event(body)

"""Scans, from the request over the queue and the worker to the database."""

import pytest
from sqlalchemy.exc import IntegrityError

from parcels.domain import Scan, to_event
from parcels.worker import BATCH

pytestmark = pytest.mark.persistence
STATE = "SELECT state, scans FROM parcels WHERE id = 'P-1'"
SCANS = "SELECT event, place, state FROM scans ORDER BY event"


def scan(event, state, parcel="P-1", place="Ulm"):
    return {"event": event, "parcel": parcel, "place": place, "state": state}


def event(*values, **more):
    return to_event(Scan(**scan(*values, **more)))


@pytest.mark.persists("public.scans", kind="insert", at_least=1)
@pytest.mark.persists("public.parcels", kind="update", at_least=1)
@pytest.mark.parametrize("place", ["Ulm", "Köln", "東京", "a'b", "x" * 60])
def test_scan_is_applied_by_the_worker(client, worker, parcel, stored, place):
    assert client.post("/scans", json=scan("e-1", "collected", place=place)).status_code == 202
    assert worker.once() == 1
    assert stored(STATE) == [("collected", 1)]
    assert stored(SCANS) == [("e-1", place, "collected")]


@pytest.mark.parametrize(
    "states",
    [
        ("collected",),
        ("collected", "delivered"),
        ("collected", "in transit", "delivered"),
        ("collected", "in transit", "in transit", "delivered"),
        ("collected", "in transit", "lost", "in transit", "delivered"),
    ],
)
def test_journey_is_stored(client, worker, parcel, stored, states):
    for number, state in enumerate(states):
        client.post("/scans", json=scan(f"e-{number}", state))
    assert worker.once() == len(states)
    assert stored(STATE) == [(states[-1], len(states))]
    assert [row[2] for row in stored(SCANS)] == list(states)


@pytest.mark.persists("public.scans", kind="insert", at_least=1)
@pytest.mark.parametrize("state", ["delivered", "lost", "registered", "in transit"])
def test_scan_that_cannot_follow_is_kept_and_changes_no_state(service, parcel, stored, state):
    service.apply(event("e-1", state))
    assert stored(STATE) == [("registered", 1)]
    assert stored(SCANS) == [("e-1", "Ulm", state)]


@pytest.mark.parametrize("times", [2, 3, 5])
def test_scan_that_is_delivered_again_counts_once(client, worker, parcel, stored, times):
    for _ in range(times):
        client.post("/scans", json=scan("e-1", "collected"))
    assert worker.once() == times
    assert stored(STATE) == [("collected", 1)]
    assert len(stored(SCANS)) == 1


@pytest.mark.parametrize("number", [19, 20, 21, 45])
def test_every_scan_of_many_is_applied(service, worker, parcel, stored, number):
    for one in range(number):
        service.scan(event(f"e-{one:03}", "collected"))
    handled = [worker.once() for _ in range(0, number, BATCH)]
    assert sum(handled) == number
    assert stored(STATE) == [("collected", number)]
    assert stored("SELECT count(*) FROM scans") == [(number,)]


def test_scan_touches_its_own_parcel_only(service, parcel, stored):
    service.register([("P-2", "there")])
    service.apply(event("e-1", "collected", parcel="P-2"))
    assert stored("SELECT id, state, scans FROM parcels ORDER BY id") == [
        (parcel, "registered", 0),
        ("P-2", "collected", 1),
    ]


def test_state_is_the_stored_one_after_a_scan(service, parcel, stored):
    service.apply(event("e-1", "collected"))
    assert [(service.state(parcel), 1)] == stored(STATE) == [("collected", 1)]


@pytest.mark.parametrize("states", [("collected", "in transit"), ("collected", "delivered")])
def test_state_follows_every_scan(client, worker, parcel, stored, states):
    for number, state in enumerate(states):
        client.post("/scans", json=scan(f"e-{number}", state))
        worker.once()
        assert client.get(f"/parcels/{parcel}/state").get_json() == {"state": state}
        assert stored(STATE) == [(state, number + 1)]


@pytest.mark.parametrize("place", ["Ulm", "Köln"])
def test_scan_waits_for_a_worker(client, redis, worker, parcel, stored, place):
    client.post("/scans", json=scan("e-1", "collected", place=place))
    assert redis.xlen("parcels:scans") == 1
    assert stored(STATE) == [("registered", 0)]
    worker.once()
    assert redis.xpending("parcels:scans", "workers")["pending"] == 0
    assert stored(STATE) == [("collected", 1)]


@pytest.mark.parametrize("body", [b"garbage", b"{}", b'{"event": 1}'])
def test_garbage_does_not_stop_the_worker(application, worker, parcel, stored, body):
    application.scans.publish(body)
    application.scans.publish(event("e-1", "collected"))
    assert worker.once() == 2
    assert stored(STATE) == [("collected", 1)]


@pytest.mark.persists("public.scans", kind="insert", at_least=1)
def test_scan_is_delivered_again_after_a_failure(application, worker, parcel, refusing, stored):
    application.service.scan(event("e-1", "collected"))
    with refusing("scans"), pytest.raises(IntegrityError):
        worker.once()
    assert worker.once() == 1
    assert stored(SCANS) == [("e-1", "Ulm", "collected")]

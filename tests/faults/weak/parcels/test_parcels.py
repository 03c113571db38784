"""Parcels through their own interface.

Written the way most suites are: each test believes what the application answers, which may come from the cache.
Nothing here looks into the database.
"""

import threading
import time
import uuid

import pytest

from parcels.domain import Scan, to_event

pytestmark = pytest.mark.persistence


@pytest.fixture
def number():
    return f"P-{uuid.uuid4().hex[:12]}"


def scan(parcel, state="collected"):
    return to_event(Scan(str(uuid.uuid4()), parcel, "Ulm", state))


@pytest.mark.persists("public.parcels", kind="insert", at_least=1)
def test_parcel_is_registered(client, number):
    assert client.post("/parcels", json={"id": number, "address": "here"}).status_code == 201
    assert client.get(f"/parcels/{number}/state").get_json() == {"state": "registered"}


@pytest.mark.persists("public.parcels", kind="insert", at_least=60)
def test_manifest_is_registered(client, number):
    rows = [{"id": f"{number}-{one}", "address": "here"} for one in range(60)]
    assert client.post("/manifests", json={"parcels": rows}).get_json() == {"new": 60}


@pytest.mark.persists("public.announcements", kind="insert", at_least=3)
def test_parcels_are_announced(client, number):
    rows = [{"id": f"{number}-{one}", "address": "here"} for one in range(3)]
    assert client.post("/manifests", json={"parcels": rows}).status_code == 201


@pytest.mark.persists("public.announcements", kind="update", at_least=1)
def test_relay_has_time(service, number):
    service.register([(number, "here")])
    time.sleep(0.4)
    assert service.state(number) == "registered"


@pytest.mark.persists("public.scans", kind="insert", at_least=1)
def test_scan_is_applied(service, number):
    service.register([(number, "here")])
    assert service.apply(scan(number)).state == "collected"


@pytest.mark.persists("public.parcels", kind="update", at_least=1)
def test_state_follows_the_scan(service, number):
    service.register([(number, "here")])
    service.apply(scan(number))
    assert service.state(number) == "collected"


def test_scan_again_is_no_error(service, number):
    service.register([(number, "here")])
    event = scan(number)
    assert service.apply(event).id == service.apply(event).id


@pytest.mark.persists("public.shifts", kind="update", at_least=1)
def test_worker_stops(worker):
    stop = threading.Event()
    stop.set()
    assert worker.run(stop) == 0


@pytest.mark.persists("parcels:scans", store="redis", kind="xadd", at_least=1)
def test_scan_is_taken(client, number):
    body = {"event": number, "parcel": number, "place": "Ulm", "state": "collected"}
    assert client.post("/scans", json=body).status_code == 202

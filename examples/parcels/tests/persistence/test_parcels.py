"""Parcels that were registered are in the database, and announced."""

import json

import pytest

pytestmark = pytest.mark.persistence
ALL = "SELECT id, address, state, scans FROM parcels ORDER BY id"


@pytest.mark.persists("public.parcels", kind="insert", at_least=1)
@pytest.mark.parametrize("address", ["Hauptstr. 1", "Köln", "東京", "o'ring", "x" * 120, "a\nb", "50 %; --"])
def test_parcel_keeps_its_address(client, stored, address):
    assert client.post("/parcels", json={"id": "P-1", "address": address}).status_code == 201
    assert stored(ALL) == [("P-1", address, "registered", 0)]


@pytest.mark.persists("public.parcels", kind="insert", at_least=1)
@pytest.mark.parametrize("number", ["P", "x" * 32, "☂", "1 2", "a'b"])
def test_parcel_keeps_its_number(service, stored, number):
    service.register([(number, "here")])
    assert stored("SELECT id FROM parcels") == [(number,)]


@pytest.mark.parametrize("number", [1, 2, 49, 50, 51, 120])
def test_manifest_stores_every_parcel(client, stored, number):
    rows = [{"id": f"P-{n:03}", "address": f"street {n}"} for n in range(number)]
    assert client.post("/manifests", json={"parcels": rows}).get_json() == {"new": number}
    assert stored(ALL) == [(row["id"], row["address"], "registered", 0) for row in rows]


@pytest.mark.persists("public.announcements", kind="insert", at_least=3)
def test_manifest_stores_announcements_with_the_parcels(client, stored):
    rows = [{"id": f"P-{n}", "address": "here"} for n in range(3)]
    client.post("/manifests", json={"parcels": rows})
    announced = stored("SELECT body FROM announcements ORDER BY id")
    assert [json.loads(body)["parcel"] for (body,) in announced] == ["P-0", "P-1", "P-2"]


@pytest.mark.persists("public.parcels", kind="insert", at_least=1)
def test_manifest_leaves_known_parcels_alone(service, parcel, stored):
    assert service.register([(parcel, "elsewhere"), ("P-2", "there")]) == 1
    assert stored(ALL) == [(parcel, "Hauptstr. 1", "registered", 0), ("P-2", "there", "registered", 0)]


@pytest.mark.persists(reads=True)
@pytest.mark.parametrize("body", [{}, {"id": "P-1"}, {"id": "", "address": "x"}, {"id": "x" * 33, "address": "x"}])
def test_refused_parcel_is_not_stored(client, stored, body):
    assert client.post("/parcels", json=body).status_code == 422
    assert stored(ALL) == []


@pytest.mark.persists(reads=True)
def test_one_wrong_parcel_spoils_the_manifest(client, stored):
    rows = [{"id": "P-1", "address": "here"}, {"id": "", "address": "there"}]
    assert client.post("/manifests", json={"parcels": rows}).status_code == 422
    assert stored(ALL) == []


@pytest.mark.persists(reads=True)
@pytest.mark.parametrize("path", ["/parcels/never", "/parcels/never/state", "/parcels/p-1"])
def test_unknown_is_404(client, parcel, path):
    assert client.get(path).status_code == 404


@pytest.mark.persists(reads=True)
def test_parcel_is_read_back(client, parcel):
    assert client.get(f"/parcels/{parcel}").get_json()["address"] == "Hauptstr. 1"


@pytest.mark.persists("public.announcements", kind="update", at_least=1)
@pytest.mark.parametrize("number", [1, 3, 60])
def test_relay_sends_what_was_announced(service, stored, redis, eventually, number):
    service.register([(f"P-{n}", "here") for n in range(number)])
    eventually(lambda: stored("SELECT count(*) FROM announcements WHERE sent"), [(number,)])
    assert redis.xlen("parcels:announcements") == number


def test_state_survives_the_cache(service, redis, parcel, stored):
    service.register([("P-2", "there")])
    redis.flushdb()
    assert (service.state(parcel), service.state("P-2")) == ("registered", "registered")
    assert stored("SELECT count(*) FROM parcels") == [(2,)]

"""Requests and status codes, over fakes."""

import pytest

from parcels import settings
from parcels.api import create_app

pytestmark = pytest.mark.unit
SCAN = {"event": "e", "parcel": "p", "place": "Ulm", "state": "collected"}


@pytest.fixture
def client(service):
    return create_app(service).test_client()


def test_new_parcel_is_201_and_a_known_one_200(client):
    answers = [client.post("/parcels", json={"id": "p", "address": "here"}).status_code for _ in range(2)]
    assert answers == [201, 200]


def test_manifest_tells_how_many_were_new(client):
    rows = [{"id": name, "address": "here"} for name in "pqp"]
    assert client.post("/manifests", json={"parcels": rows}).get_json()["new"] >= 2


def test_parcel_is_shown(client):
    client.post("/parcels", json={"id": "p", "address": "here"})
    assert client.get("/parcels/p").get_json() == {"id": "p", "address": "here", "state": "registered", "scans": 0}
    assert client.get("/parcels/p/state").get_json() == {"state": "registered"}


def test_scan_is_taken(client, queue):
    assert client.post("/scans", json=SCAN).status_code == 202
    assert len(queue.waiting) == 1


@pytest.mark.parametrize("path", ["/parcels/never", "/parcels/never/state"])
def test_unknown_is_404(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [("/parcels", {}), ("/parcels", {"id": "p"}), ("/manifests", {"parcels": [{"id": ""}]}), ("/scans", {})],
)
def test_wrong_body_is_422(client, path, body):
    assert client.post(path, json=body).status_code == 422


def test_settings_name_the_driver():
    made = settings.from_environment({"DATABASE_URL": "postgresql://u:p@h/d", "REDIS_URL": "redis://h"})
    assert made.sqlalchemy_url == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize("missing", ["DATABASE_URL", "REDIS_URL"])
def test_settings_name_what_is_missing(missing):
    values = {"DATABASE_URL": "postgresql://h/d", "REDIS_URL": "redis://h"}
    with pytest.raises(settings.MissingSetting, match=missing):
        settings.from_environment({**values, missing: ""})

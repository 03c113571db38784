"""Requests and status codes, on the stock in memory."""

import json

import pytest
from django.test import RequestFactory
from django.urls import resolve

from stockroom import factory

pytestmark = pytest.mark.unit


@pytest.fixture
def ask(service, monkeypatch):
    monkeypatch.setattr(factory, "get_stock_service", lambda: service)

    def ask(method, path, body=None):
        data = json.dumps(body) if body is not None else ""
        request = RequestFactory().generic(method, path, data, content_type="application/json")
        found = resolve(path)
        answer = found.func(request, **found.kwargs)
        return answer.status_code, json.loads(answer.content)

    return ask


def test_item_is_shown(ask):
    assert ask("GET", "/items/BOLT-8") == (200, {"sku": "BOLT-8", "name": "bolt", "on_hand": 10})


def test_new_item_is_201_and_a_known_one_200(ask):
    body = {"sku": "WASHER-8", "name": "washer"}
    assert [ask("POST", "/items", body)[0] for _ in range(2)] == [201, 200]


def test_import_tells_how_many_were_new(ask):
    rows = [{"sku": sku, "name": sku} for sku in ("BOLT-8", "C-1", "C-2")]
    assert ask("POST", "/imports", {"items": rows}) == (201, {"added": 2})


def test_reservation_is_made_and_shown(ask):
    status, made = ask("POST", "/reservations", {"reference": "r", "sku": "BOLT-8", "quantity": 2})
    assert (status, made["state"]) == (201, "open")
    assert ask("GET", "/reservations/r") == (200, made)


@pytest.mark.parametrize(("action", "state"), [("ship", "shipped"), ("cancel", "cancelled")])
def test_reservation_ends(ask, action, state):
    ask("POST", "/reservations", {"reference": "r", "sku": "BOLT-8", "quantity": 2})
    status, after = ask("POST", f"/reservations/r/{action}")
    assert (status, after["state"]) == (200, state)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/items/NEVER", None, 404),
        ("GET", "/reservations/never", None, 404),
        ("POST", "/reservations/never/ship", None, 404),
        ("POST", "/reservations/never/burn", None, 404),
        ("POST", "/reservations", {"reference": "r", "sku": "BOLT-8", "quantity": 11}, 422),
        ("POST", "/reservations", {"reference": "r", "sku": "BOLT-8", "quantity": 0}, 422),
        ("POST", "/reservations", {"sku": "BOLT-8"}, 422),
        ("POST", "/items/BOLT-8/receipts", {"quantity": -1, "reference": "d"}, 422),
        ("POST", "/items", {"sku": "no number", "name": "x"}, 422),
        ("GET", "/items", None, 405),
        ("POST", "/items/BOLT-8", {}, 405),
    ],
)
def test_request_that_cannot_be_honoured(ask, method, path, body, status):
    answered, answer = ask(method, path, body)
    assert answered == status
    assert answer["error"]

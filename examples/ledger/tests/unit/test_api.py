"""The HTTP interface, in process, over fakes."""

import httpx
import pytest

from ledger.api import create_app
from ledger.domain import new_operation

pytestmark = pytest.mark.unit


@pytest.fixture
async def client(service):
    app = create_app()
    app.state.service = service

    async def ready():
        return None

    app.state.ready = ready
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ledger") as client:
        client.app = app
        yield client


async def test_post_operation_is_accepted(client, bus):
    body = {"id": "1", "account": "a", "kind": "credit", "amount_cents": 5}
    answer = await client.post("/operations", json=body)
    assert (answer.status_code, answer.json()) == (202, {**body, "state": "pending"})
    assert "1" in bus.sent


@pytest.mark.parametrize(
    "change", [{"id": ""}, {"account": ""}, {"kind": "x"}, {"amount_cents": 0}, {"amount_cents": "many"}]
)
async def test_post_operation_refuses_bad_input(client, change):
    body = {"id": "1", "account": "a", "kind": "credit", "amount_cents": 5, **change}
    assert (await client.post("/operations", json=body)).status_code == 422


async def test_get_operation_returns_it(client, service):
    await service.apply(new_operation("1", "a", "credit", 5))
    answer = await client.get("/operations/1")
    assert (answer.status_code, answer.json()["state"]) == (200, "applied")


async def test_get_operation_unknown_is_404(client):
    assert (await client.get("/operations/1")).status_code == 404


async def test_get_balance_returns_it(client, service):
    await service.apply(new_operation("1", "a", "credit", 5))
    assert (await client.get("/accounts/a/balance")).json() == {"account": "a", "balance_cents": 5}


async def test_get_balance_unknown_is_404(client):
    assert (await client.get("/accounts/a/balance")).status_code == 404


async def test_healthz_is_alive(client):
    assert (await client.get("/healthz")).json() == {"status": "alive"}


async def test_readyz_is_ready(client):
    assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_readyz_names_the_failure(client):
    async def broken():
        raise ConnectionError

    client.app.state.ready = broken
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "reason": "ConnectionError"})

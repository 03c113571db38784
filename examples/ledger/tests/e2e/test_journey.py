"""From outside: HTTP in, the worker applies, HTTP out."""

import os
import time
from uuid import uuid4

import httpx
import pytest

pytestmark = pytest.mark.e2e
DEADLINE_S = 10.0


@pytest.fixture
def client():
    base = os.environ.get("LEDGER_BASE_URL", "http://127.0.0.1:8080")
    with httpx.Client(base_url=base, timeout=5) as client:
        yield client


def eventually(ask, wanted):
    """Ask until the wanted answer comes, and say what came instead."""
    deadline = time.monotonic() + DEADLINE_S
    seen = []
    while time.monotonic() < deadline:
        answer = ask()
        if answer == wanted:
            return
        if not seen or seen[-1] != answer:
            seen.append(answer)
        time.sleep(0.05)
    pytest.fail(f"wanted {wanted!r} within {DEADLINE_S} s, saw {seen!r}")


def post(client, account, kind, amount):
    identity = str(uuid4())
    body = {"id": identity, "account": account, "kind": kind, "amount_cents": amount}
    assert client.post("/operations", json=body).status_code == 202
    return identity


def state(client, identity):
    answer = client.get(f"/operations/{identity}")
    return answer.json()["state"] if answer.status_code == 200 else answer.status_code


@pytest.mark.req("M1-1.1")
def test_stack_is_ready(client):
    assert client.get("/readyz").json() == {"status": "ready"}


@pytest.mark.req("M1-1.6")
def test_operation_is_applied_by_the_worker(client):
    account = f"e2e-{uuid4()}"
    identity = post(client, account, "credit", 100)
    eventually(lambda: state(client, identity), "applied")
    assert client.get(f"/accounts/{account}/balance").json()["balance_cents"] == 100


def test_overdraft_is_rejected_by_the_worker(client):
    identity = post(client, f"e2e-{uuid4()}", "debit", 1)
    eventually(lambda: state(client, identity), "rejected")


def test_unknown_operation_is_404(client):
    assert client.get("/operations/never").status_code == 404

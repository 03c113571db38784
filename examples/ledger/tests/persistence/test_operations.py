"""Operations through the real service and real stores.

Each test reads back what it stored, past the service: `truegreen prove` shows that none stays green without.
"""

from uuid import uuid4

import pytest

from ledger.domain import new_operation, to_event

pytestmark = pytest.mark.persistence


def operation(account, kind="credit", amount=100):
    return new_operation(str(uuid4()), account, kind, amount)


@pytest.fixture
def account():
    return f"account-{uuid4()}"


@pytest.fixture
async def busy_account(service, stored, account):
    """An account with operations, and a stored balance that went wrong, made in the set-up phase."""
    for amount in (100, 50, 25):
        await service.apply(operation(account, amount=amount))
    await stored.set_balance(account, 1)
    return account


@pytest.mark.req("M1-1.4")
@pytest.mark.persists("operations", kind="insert", at_least=1)
async def test_credit_is_applied(service, stored, account):
    applied = await service.apply(operation(account))
    assert applied.state == "applied"
    assert await stored.find(applied.id) == applied


@pytest.mark.persists("accounts", kind="update", at_least=1)
async def test_debit_after_credit_is_applied(service, stored, account):
    await service.apply(operation(account, amount=100))
    assert (await service.apply(operation(account, "debit", 60))).state == "applied"
    assert await stored.balance(account) == 40


async def test_overdraft_is_rejected(service, stored, account):
    rejected = await service.apply(operation(account, "debit", 1))
    assert rejected.state == "rejected"
    assert await stored.operations_of(account) == [rejected]


@pytest.mark.persists("operations", kind="insert", exactly=1)
@pytest.mark.persists("accounts", kind="update", exactly=1)
async def test_second_delivery_gives_the_same_result(service, stored, account):
    first = operation(account)
    assert await service.apply(first) == await service.apply(first)
    assert len(await stored.operations_of(account)) == 1


async def test_event_is_applied(service, stored, account):
    applied = await service.apply_event(to_event(operation(account)))
    assert applied.state == "applied"
    assert await stored.find(applied.id) == applied


async def test_balance_is_known_afterwards(service, stored, account):
    await service.apply(operation(account, amount=70))
    assert await service.balance(account) == await stored.balance(account) == 70


async def test_operation_of_another_account_is_apart(service, stored, account):
    await service.apply(operation(account))
    await service.apply(operation(f"{account}-other", "credit", 5))
    assert (await stored.balance(account), await stored.balance(f"{account}-other")) == (100, 5)
    assert await service.balance(f"{account}-never-used") is None


@pytest.mark.req("M1-1.5")
@pytest.mark.persists("accounts", at_least=1)
async def test_reconcile_corrects_the_balance(service, stored, busy_account):
    assert await service.reconcile(busy_account) == 175
    assert await service.balance(busy_account) == await stored.balance(busy_account) == 175

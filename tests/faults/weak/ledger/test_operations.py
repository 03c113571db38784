"""Operations through the real service and real stores.

Written the way most suites are: each test asks the service, which may answer from memory or from a cache.
Nothing here looks into the database. That these tests prove anything is the business of the evidence.
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
async def busy_account(service, account):
    """An account with operations, made in the set-up phase."""
    for amount in (100, 50, 25):
        await service.apply(operation(account, amount=amount))
    return account


@pytest.mark.req("M1-1.4")
@pytest.mark.persists("operations", kind="insert", at_least=1)
async def test_credit_is_applied(service, account):
    assert (await service.apply(operation(account))).state == "applied"


@pytest.mark.persists("accounts", kind="update", at_least=1)
async def test_debit_after_credit_is_applied(service, account):
    await service.apply(operation(account, amount=100))
    assert (await service.apply(operation(account, "debit", 60))).state == "applied"


async def test_overdraft_is_rejected(service, account):
    assert (await service.apply(operation(account, "debit", 1))).state == "rejected"


@pytest.mark.persists("operations", kind="insert", exactly=1)
@pytest.mark.persists("accounts", kind="update", exactly=1)
async def test_second_delivery_gives_the_same_result(service, account):
    first = operation(account)
    assert await service.apply(first) == await service.apply(first)


async def test_event_is_applied(service, account):
    assert (await service.apply_event(to_event(operation(account)))).state == "applied"


async def test_balance_is_known_afterwards(service, account):
    await service.apply(operation(account, amount=70))
    assert await service.balance(account) is not None


async def test_operation_of_another_account_is_apart(service, account):
    await service.apply(operation(account))
    await service.apply(operation(f"{account}-other", "credit", 5))
    assert await service.balance(f"{account}-never-used") is None


@pytest.mark.req("M1-1.5")
@pytest.mark.persists("accounts", at_least=1)
async def test_reconcile_agrees_with_the_balance(service, busy_account):
    assert await service.reconcile(busy_account) == await service.balance(busy_account)

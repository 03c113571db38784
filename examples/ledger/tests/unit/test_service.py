"""The use cases, over fakes."""

import pytest

from ledger.domain import InvalidOperation, new_operation, to_event
from ledger.reconcile import reconcile_all
from ledger.service import OperationsService

pytestmark = pytest.mark.unit


async def test_request_publishes_the_event(service, bus):
    operation = await service.request("1", "a", "credit", 10)
    assert bus.sent == {"1": to_event(operation)}


async def test_request_twice_publishes_once(service, bus):
    await service.request("1", "a", "credit", 10)
    await service.request("1", "a", "credit", 10)
    assert len(bus.sent) == 1


async def test_request_of_an_invalid_operation_publishes_nothing(service, bus):
    with pytest.raises(InvalidOperation):
        await service.request("1", "a", "credit", 0)
    assert bus.sent == {}


async def test_apply_stores_and_caches(service, repository, cache):
    await service.apply(new_operation("1", "a", "credit", 10))
    assert repository.balances == {"a": 10}
    assert cache.values == {"a": 10}


async def test_apply_twice_counts_once(service, repository):
    for _ in range(2):
        await service.apply(new_operation("1", "a", "credit", 10))
    assert repository.balances == {"a": 10}


@pytest.mark.req("M1-1.2")
async def test_apply_of_an_overdraft_is_rejected(service, repository):
    operation = await service.apply(new_operation("1", "a", "debit", 10))
    assert operation.state == "rejected"
    assert repository.balances == {"a": 0}


async def test_apply_event_applies_the_operation(service, repository):
    await service.apply_event(to_event(new_operation("1", "a", "credit", 10)))
    assert repository.operations["1"].state == "applied"


async def test_apply_event_refuses_garbage(service):
    with pytest.raises(InvalidOperation):
        await service.apply_event(b"garbage")


async def test_find_returns_the_stored_operation(service):
    applied = await service.apply(new_operation("1", "a", "credit", 10))
    assert await service.find("1") == applied


async def test_find_of_an_unknown_operation_is_none(service):
    assert await service.find("1") is None


async def test_balance_prefers_the_cache(service, repository, cache):
    repository.balances["a"], cache.values["a"] = 1, 2
    assert await service.balance("a") == 2


async def test_balance_falls_back_to_the_repository_and_caches(service, repository, cache):
    repository.balances["a"] = 7
    assert await service.balance("a") == 7
    assert cache.values == {"a": 7}


async def test_balance_of_an_unknown_account_is_none(service):
    assert await service.balance("a") is None


async def test_reconcile_corrects_repository_and_cache(service, repository, cache):
    await service.apply(new_operation("1", "a", "credit", 10))
    repository.balances["a"] = cache.values["a"] = 999
    assert await service.reconcile("a") == 10
    assert cache.values == {"a": 10}


async def test_reconcile_all_returns_every_balance(service):
    await service.apply(new_operation("1", "a", "credit", 10))
    assert await reconcile_all(service, ["a", "b"]) == {"a": 10, "b": 0}


async def test_service_without_repository_works_from_the_cache(cache):
    service = OperationsService(cache=cache)
    assert (await service.apply(new_operation("1", "a", "credit", 10))).state == "applied"
    assert (await service.apply(new_operation("2", "a", "debit", 11))).state == "rejected"
    assert await service.balance("a") == 10
    assert await service.find("1") is None


async def test_service_without_anything_answers_nothing():
    service = OperationsService()
    assert (await service.request("1", "a", "credit", 1)).state == "pending"
    assert (await service.apply(new_operation("1", "a", "credit", 1))).state == "pending"
    assert await service.balance("a") is None
    assert await service.reconcile("a") == 0

"""Hand-written fakes of the ports; they keep their promises in memory."""

from __future__ import annotations

import pytest

from ledger.domain import Operation, decide
from ledger.service import OperationsService


class FakeRepository:
    def __init__(self) -> None:
        self.operations: dict[str, Operation] = {}
        self.balances: dict[str, int] = {}

    async def record(self, operation: Operation) -> Operation:
        if operation.id in self.operations:
            return self.operations[operation.id]
        balance = self.balances.setdefault(operation.account, 0)
        decided = decide(operation, balance)
        self.operations[operation.id] = decided
        if decided.state == "applied":
            self.balances[operation.account] = balance + decided.signed_cents()
        return decided

    async def find(self, operation_id: str) -> Operation | None:
        return self.operations.get(operation_id)

    async def operations_of(self, account: str) -> list[Operation]:
        return [op for op in self.operations.values() if op.account == account]

    async def balance(self, account: str) -> int | None:
        return self.balances.get(account)

    async def set_balance(self, account: str, balance_cents: int) -> None:
        self.balances[account] = balance_cents


class FakeCache:
    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    async def get(self, account: str) -> int | None:
        return self.values.get(account)

    async def put(self, account: str, balance_cents: int) -> None:
        self.values[account] = balance_cents


class FakeBus:
    def __init__(self) -> None:
        self.sent: dict[str, bytes] = {}

    async def publish(self, subject: str, data: bytes, message_id: str) -> None:
        self.sent.setdefault(message_id, data)


@pytest.fixture
def repository() -> FakeRepository:
    return FakeRepository()


@pytest.fixture
def cache() -> FakeCache:
    return FakeCache()


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def service(repository: FakeRepository, cache: FakeCache, bus: FakeBus) -> OperationsService:
    return OperationsService(repository=repository, cache=cache, bus=bus)

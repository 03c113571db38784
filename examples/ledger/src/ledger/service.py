"""The use cases of the ledger."""

from __future__ import annotations

from ledger.domain import Operation, balance_of, decide, from_event, new_operation, to_event
from ledger.ports import Bus, Cache, Repository

SUBJECT = "ledger.operations.requested"


class OperationsService:
    """Accepts operations, applies them, and answers questions about balances.

    Every dependency is optional so that tools can run parts of the service; what is missing is skipped.
    That convenience is how a factory that forgot the repository once stayed green: see the faults.
    """

    def __init__(
        self,
        repository: Repository | None = None,
        cache: Cache | None = None,
        bus: Bus | None = None,
    ) -> None:
        self._repository = repository
        self._cache = cache
        self._bus = bus

    async def request(self, operation_id: str, account: str, kind: str, amount_cents: int) -> Operation:
        """Accept an operation and hand it to the worker; asking twice is the same as once."""
        operation = new_operation(operation_id, account, kind, amount_cents)
        if self._bus:
            await self._bus.publish(SUBJECT, to_event(operation), operation.id)
        return operation

    async def apply_event(self, data: bytes) -> Operation:
        """Apply the operation of an event; the worker calls this for every message."""
        return await self.apply(from_event(data))

    async def apply(self, operation: Operation) -> Operation:
        """Apply an operation: stored once, the balance changed with it, the cache refreshed."""
        if self._repository:
            operation = await self._repository.record(operation)
            await self._refresh(operation.account)
        elif self._cache:
            balance = await self._cache.get(operation.account) or 0
            operation = decide(operation, balance)
            if operation.state == "applied":
                await self._cache.put(operation.account, balance + operation.signed_cents())
        return operation

    async def find(self, operation_id: str) -> Operation | None:
        """Return an operation, or None while it is not applied."""
        return await self._repository.find(operation_id) if self._repository else None

    async def balance(self, account: str) -> int | None:
        """Return the balance in cents: cached, else stored, else None."""
        if self._cache and (cached := await self._cache.get(account)) is not None:
            return cached
        if not self._repository:
            return None
        stored = await self._repository.balance(account)
        if stored is not None and self._cache:
            await self._cache.put(account, stored)
        return stored

    async def reconcile(self, account: str) -> int:
        """Recompute a balance from the operations, and correct both the database and the cache."""
        balance = 0
        if self._repository:
            balance = balance_of(await self._repository.operations_of(account))
            await self._repository.set_balance(account, balance)
        if self._cache:
            await self._cache.put(account, balance)
        return balance

    async def _refresh(self, account: str) -> None:
        if self._cache and self._repository:
            await self._cache.put(account, await self._repository.balance(account) or 0)

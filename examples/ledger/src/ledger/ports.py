"""What the service needs from outside, as protocols; adapters implement them, unit tests fake them."""

from __future__ import annotations

from typing import Protocol

from ledger.domain import Operation


class Repository(Protocol):
    """Durable storage of operations and balances."""

    async def record(self, operation: Operation) -> Operation:
        """Apply an operation once: lock the account, decide, store both; returns the stored operation."""
        ...

    async def find(self, operation_id: str) -> Operation | None:
        """Return an operation, or None."""
        ...

    async def operations_of(self, account: str) -> list[Operation]:
        """Return the operations of an account, oldest first."""
        ...

    async def balance(self, account: str) -> int | None:
        """Return the stored balance in cents, or None for an unknown account."""
        ...

    async def set_balance(self, account: str, balance_cents: int) -> None:
        """Store a balance."""
        ...


class Cache(Protocol):
    """Balances that may be lost at any time."""

    async def get(self, account: str) -> int | None:
        """Return a cached balance, or None."""
        ...

    async def put(self, account: str, balance_cents: int) -> None:
        """Cache a balance."""
        ...


class Bus(Protocol):
    """Durable delivery of events to the worker."""

    async def publish(self, subject: str, data: bytes, message_id: str) -> None:
        """Publish once for each message id."""
        ...

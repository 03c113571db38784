"""Operations and balances in PostgreSQL."""

from __future__ import annotations

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from ledger.domain import Operation, decide
from ledger.tables import accounts, operations

_COLUMNS = (
    operations.c.id,
    operations.c.account,
    operations.c.kind,
    operations.c.amount_cents,
    operations.c.state,
)


def make_engine(url: str) -> AsyncEngine:
    """Return an engine with a small pool."""
    return create_async_engine(url, pool_size=5, max_overflow=5, pool_pre_ping=True)


class SqlRepository:
    """Each call is one transaction, committed before it returns."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def record(self, operation: Operation) -> Operation:
        """Apply an operation once; a second delivery finds the first one's result."""
        async with self._sessions() as session:
            balance = await self._lock_account(session, operation.account)
            existing = await self._select(session, operation.id)
            if existing is not None:
                await session.rollback()
                return existing
            decided = decide(operation, balance)
            await self._store(session, decided, balance)
            await session.commit()
            return decided

    async def find(self, operation_id: str) -> Operation | None:
        """Return an operation, or None."""
        async with self._sessions() as session:
            return await self._select(session, operation_id)

    async def operations_of(self, account: str) -> list[Operation]:
        """Return the operations of an account, oldest first."""
        query = select(*_COLUMNS).where(operations.c.account == account).order_by(operations.c.created)
        async with self._sessions() as session:
            return [Operation(**row._mapping) for row in await session.execute(query)]

    async def balance(self, account: str) -> int | None:
        """Return the stored balance in cents, or None."""
        async with self._sessions() as session:
            return await session.scalar(select(accounts.c.balance_cents).where(accounts.c.id == account))

    async def set_balance(self, account: str, balance_cents: int) -> None:
        """Store a balance, for an account that exists or not."""
        async with self._sessions() as session:
            values = {"balance_cents": balance_cents, "updated": func.now()}
            statement = upsert(accounts).values(id=account, **values)
            await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
            await session.commit()

    async def _lock_account(self, session: AsyncSession, account: str) -> int:
        """Create the account if it is new and lock its row, so that two workers cannot overdraw it."""
        await session.execute(upsert(accounts).values(id=account).on_conflict_do_nothing())
        query = select(accounts.c.balance_cents).where(accounts.c.id == account).with_for_update()
        return int(await session.scalar(query) or 0)

    async def _select(self, session: AsyncSession, operation_id: str) -> Operation | None:
        row = (await session.execute(select(*_COLUMNS).where(operations.c.id == operation_id))).first()
        return Operation(**row._mapping) if row else None

    async def _store(self, session: AsyncSession, operation: Operation, balance: int) -> None:
        await session.execute(
            insert(operations).values(
                id=operation.id,
                account=operation.account,
                kind=operation.kind,
                amount_cents=operation.amount_cents,
                state=operation.state,
            )
        )
        if operation.state == "applied":
            await session.execute(
                update(accounts)
                .where(accounts.c.id == operation.account)
                .values(balance_cents=balance + operation.signed_cents(), updated=func.now())
            )

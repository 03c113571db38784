"""The tables, as the migrations create them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, MetaData, String, Table, func

metadata = MetaData()

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("balance_cents", BigInteger, nullable=False, server_default="0"),
    Column("updated", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

operations = Table(
    "operations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account", ForeignKey("accounts.id"), nullable=False),
    Column("kind", String(6), nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("created", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("operations_by_account", "account", "created"),
)

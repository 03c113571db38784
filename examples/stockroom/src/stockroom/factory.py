"""Where the application is put together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from stockroom.repository import DatabaseAudit, DatabaseStock
from stockroom.service import StockService, utc_now


def get_stock_service(now: Callable[[], datetime] = utc_now) -> StockService:
    """Return the service with every dependency wired."""
    return StockService(stock=DatabaseStock(), audit=DatabaseAudit(), now=now)

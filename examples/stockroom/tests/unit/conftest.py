"""The stock in memory, and a clock that stands still."""

from datetime import UTC, datetime

import pytest

from stockroom.memory import InMemoryStock
from stockroom.service import StockService

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.time = NOON

    def __call__(self):
        return self.time


class Notes:
    def __init__(self):
        self.lines = []

    def note(self, action, subject, detail):
        self.lines.append((action, subject, detail))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stock():
    return InMemoryStock()


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def service(stock, notes, clock):
    service = StockService(stock, notes, clock)
    service.add_items([("BOLT-8", "bolt"), ("NUT-8", "nut")])
    service.receive("BOLT-8", 10, "delivery")
    notes.lines.clear()
    return service

"""The worker's loop, over fakes."""

import asyncio

import pytest
from nats.errors import TimeoutError as NatsTimeoutError

from ledger.domain import new_operation, to_event
from ledger.worker import consume, handle

pytestmark = pytest.mark.unit


class FakeMessage:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.end = ""

    async def ack(self) -> None:
        self.end = "ack"

    async def term(self) -> None:
        self.end = "term"


class FakeSubscription:
    """Hands out its batches, then times out until stopped."""

    def __init__(self, batches, stop: asyncio.Event, silence=TimeoutError) -> None:
        self._batches = list(batches)
        self._silence = silence
        self._stop = stop

    async def fetch(self, _batch, **_limits):
        if not self._batches:
            self._stop.set()
            raise self._silence
        return self._batches.pop(0)


async def test_handle_acknowledges_what_it_applied(service, repository):
    message = FakeMessage(to_event(new_operation("1", "a", "credit", 5)))
    await handle(service, message)
    assert message.end == "ack"
    assert repository.balances == {"a": 5}


async def test_handle_drops_garbage_for_good(service, repository):
    message = FakeMessage(b"garbage")
    await handle(service, message)
    assert message.end == "term"
    assert repository.operations == {}


async def test_handle_leaves_a_message_for_redelivery_when_the_store_fails(service, repository):
    async def broken(operation):
        raise ConnectionError

    repository.record = broken
    message = FakeMessage(to_event(new_operation("1", "a", "credit", 5)))
    with pytest.raises(ConnectionError):
        await handle(service, message)
    assert message.end == ""


@pytest.mark.parametrize("silence", [TimeoutError, NatsTimeoutError])
async def test_consume_handles_every_batch_until_stopped(service, repository, silence):
    stop = asyncio.Event()
    events = [FakeMessage(to_event(new_operation(str(n), "a", "credit", 1))) for n in range(5)]
    await consume(service, FakeSubscription([events[:2], events[2:]], stop, silence), stop)
    assert repository.balances == {"a": 5}
    assert {message.end for message in events} == {"ack"}

"""The worker: `python -m ledger.worker` applies requested operations until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import Protocol

from ledger import factory
from ledger.bus import subscribe
from ledger.domain import InvalidOperation
from ledger.service import SUBJECT, OperationsService
from ledger.settings import from_environment

BATCH = 20
WAIT_S = 1.0
_log = logging.getLogger("ledger.worker")


class Message(Protocol):
    """The part of a NATS message the worker uses."""

    data: bytes

    async def ack(self) -> None:
        """Tell the server the message is done."""
        ...

    async def term(self) -> None:
        """Tell the server never to deliver the message again."""
        ...


async def handle(service: OperationsService, message: Message) -> None:
    """Apply one message; a malformed one is dropped, any other failure leaves it for redelivery."""
    try:
        operation = await service.apply_event(message.data)
    except InvalidOperation as error:
        _log.warning("dropped a malformed event: %s", error)
        await message.term()
        return
    _log.info("%s is %s", operation.id, operation.state)
    await message.ack()


async def consume(service: OperationsService, subscription: object, stop: asyncio.Event) -> None:
    """Fetch and handle messages until told to stop."""
    while not stop.is_set():
        try:
            messages = await subscription.fetch(BATCH, timeout=WAIT_S)  # type: ignore[attr-defined]
        except TimeoutError:  # nats-py raises its own subclass, and now and then the plain one
            continue
        for message in messages:
            await handle(service, message)


async def run() -> None:
    """Open the application, consume until SIGTERM, close."""
    application = await factory.open_application(from_environment())
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    subscription = await subscribe(application.nats.jetstream(), SUBJECT)
    consumer = asyncio.create_task(consume(application.service, subscription, stop))
    consumer.add_done_callback(lambda _: stop.set())  # a consumer that died ends the worker
    print("ledger.worker ready", flush=True)
    await stop.wait()
    await consumer
    await application.close()


def main() -> None:
    """Run the worker."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s %(message)s")
    asyncio.run(run())


if __name__ == "__main__":
    main()

"""The worker: `python -m parcels.worker` applies scans until SIGTERM, and keeps what it did in the end."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from types import FrameType

from parcels import factory
from parcels.domain import InvalidParcel
from parcels.ports import Message, Queue, Shifts
from parcels.service import ParcelService
from parcels.settings import from_environment

BATCH = 20
WAIT_S = 0.2
_log = logging.getLogger("parcels.worker")


class Worker:
    """Takes scans from a queue."""

    def __init__(self, service: ParcelService, queue: Queue, shifts: Shifts) -> None:
        self._service = service
        self._queue = queue
        self._shifts = shifts

    def run(self, stop: threading.Event) -> int:
        """Handle scans until told to stop; return how many. However it ends, that is kept."""
        shift, handled, state = self._shifts.begin(), 0, "failed"
        try:
            while not stop.is_set():
                handled += self.once()
            state = "stopped"
        finally:
            self._shifts.end(shift, handled, state)
        return handled

    def once(self, wait_s: float = WAIT_S) -> int:
        """Handle what waits; return how many there were."""
        messages = self._queue.read(BATCH, wait_s)
        for message in messages:
            self._handle(message)
        return len(messages)

    def _handle(self, message: Message) -> None:
        """Apply one scan; a malformed one is dropped, any other failure leaves it for redelivery."""
        try:
            after = self._service.apply(message.body)
        except InvalidParcel as error:
            _log.warning("dropped: %s", error)
        else:
            _log.info("%s", after)
        self._queue.acknowledge(message)


def main() -> None:
    """Run until SIGTERM."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s %(message)s")
    application = factory.open_application(from_environment())
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    print("parcels.worker ready", flush=True)
    Worker(application.service, application.scans, application.shifts).run(stop)
    application.close()


if __name__ == "__main__":
    main()

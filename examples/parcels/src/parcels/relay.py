"""The relay: sends announcements that were stored with what they tell of."""

from __future__ import annotations

import threading

from parcels.ports import Parcels, Queue

_MOST = 50


class Relay:
    """A thread that looks for announcements until it is stopped."""

    def __init__(self, parcels: Parcels, queue: Queue, period_s: float = 0.05) -> None:
        self._parcels = parcels
        self._queue = queue
        self._period_s = period_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the round that runs."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def once(self) -> int:
        """Send what waits; return how many there were."""
        waiting = self._parcels.unsent(_MOST)
        for _, body in waiting:
            self._queue.publish(body.encode())
        if waiting:
            self._parcels.sent([number for number, _ in waiting])
        return len(waiting)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.once()
            self._stop.wait(self._period_s)

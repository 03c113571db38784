"""The worker and the relay, over fakes."""

import threading

import pytest

from parcels.domain import Scan, to_event
from parcels.relay import Relay
from parcels.worker import Worker

pytestmark = pytest.mark.unit


def scan(event):
    return to_event(Scan(event, "p", "Ulm", "collected"))


@pytest.fixture
def worker(service, queue, shifts):
    service.register([("p", "here")])
    return Worker(service, queue, shifts)


def test_scans_are_applied_and_acknowledged(worker, queue, parcels):
    for number in range(3):
        queue.publish(scan(f"e-{number}"))
    assert worker.once() == 3
    assert parcels.rows["p"].scans == 3
    assert queue.done == queue.waiting


def test_garbage_is_dropped(worker, queue):
    queue.publish(b"garbage")
    assert worker.once() == 1
    assert queue.done == queue.waiting


def test_shift_is_kept_when_told_to_stop(worker, shifts):
    stop = threading.Event()
    stop.set()
    assert worker.run(stop) == 0
    assert shifts.rows == [(0, "stopped")]


def test_relay_sends_each_announcement_once(parcels, queue, service):
    service.register([("p", "here"), ("q", "there")])
    relay = Relay(parcels, queue)
    assert (relay.once(), relay.once()) == (2, 0)
    assert len(queue.waiting) == 2


def test_relay_that_never_began_can_be_stopped(parcels, queue):
    Relay(parcels, queue).stop()
    assert queue.waiting == []

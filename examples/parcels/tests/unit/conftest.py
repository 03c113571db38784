"""Hand-written fakes of the ports; they keep their promises in memory."""

import json

import pytest

from parcels import domain
from parcels.ports import Message
from parcels.service import ParcelService


class FakeParcels:
    def __init__(self):
        self.rows, self.events, self.announcements = {}, set(), {}

    def register(self, parcels):
        new = [parcel for parcel in parcels if parcel.id not in self.rows]
        for parcel in new:
            self.rows[parcel.id] = parcel
            self.announcements[len(self.announcements) + 1] = [json.dumps({"parcel": parcel.id}), False]
        return len(new)

    def record(self, scan):
        if scan.parcel in self.rows and scan.event not in self.events:
            self.events.add(scan.event)
            self.rows[scan.parcel] = domain.accepted(self.rows[scan.parcel], scan)
        return self.rows.get(scan.parcel)

    def find(self, parcel):
        return self.rows.get(parcel)

    def unsent(self, most):
        return [(key, body) for key, (body, sent) in self.announcements.items() if not sent][:most]

    def sent(self, announcements):
        for key in announcements:
            self.announcements[key][1] = True


class FakeStates:
    def __init__(self):
        self.values = {}

    def get(self, parcel):
        return self.values.get(parcel)

    def put(self, parcel, state):
        self.values[parcel] = state


class FakeQueue:
    def __init__(self):
        self.waiting, self.done = [], []

    def publish(self, body):
        self.waiting.append(Message(str(len(self.waiting)), body))

    def read(self, most, wait_s):
        return [one for one in self.waiting if one not in self.done][:most]

    def acknowledge(self, message):
        self.done.append(message)


class FakeShifts:
    def __init__(self):
        self.rows = []

    def begin(self):
        self.rows.append((0, "running"))
        return len(self.rows) - 1

    def end(self, shift, handled, state):
        self.rows[shift] = (handled, state)


@pytest.fixture
def parcels():
    return FakeParcels()


@pytest.fixture
def states():
    return FakeStates()


@pytest.fixture
def queue():
    return FakeQueue()


@pytest.fixture
def shifts():
    return FakeShifts()


@pytest.fixture
def service(parcels, states, queue):
    return ParcelService(parcels, states, queue)

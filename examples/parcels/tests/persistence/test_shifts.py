"""The worker as a process: what it did is kept, however it ends."""

import signal
import subprocess
import sys
import threading

import pytest
from sqlalchemy.exc import IntegrityError

from parcels.domain import Scan, to_event

pytestmark = pytest.mark.persistence
SHIFTS = "SELECT handled, state FROM shifts"


def event(number):
    return to_event(Scan(f"e-{number}", "P-1", "Ulm", "collected"))


@pytest.fixture
def process(application):
    command = [sys.executable, "-m", "parcels.worker"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout.readline() == "parcels.worker ready\n"
        yield process
        process.kill()


@pytest.mark.persists("public.shifts", kind="update", at_least=1)
@pytest.mark.parametrize("number", [0, 3])
def test_shift_is_kept_on_sigterm(process, service, parcel, stored, eventually, number):
    for one in range(number):
        service.scan(event(one))
    eventually(lambda: stored("SELECT count(*) FROM scans"), [(number,)])
    eventually(lambda: stored(SHIFTS), [(0, "running")])
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert stored(SHIFTS) == [(number, "stopped")]


@pytest.mark.persists("public.shifts", kind="update", at_least=1)
def test_shift_is_kept_on_failure(worker, service, parcel, refusing, stored):
    service.scan(event(1))
    with refusing("scans"), pytest.raises(IntegrityError):
        worker.run(threading.Event())
    assert stored(SHIFTS) == [(0, "failed")]


@pytest.mark.persists("public.shifts", kind="update", at_least=1)
@pytest.mark.parametrize("number", [0, 1, 5])
def test_shift_is_kept_when_told_to_stop(worker, service, parcel, stored, eventually, number):
    for one in range(number):
        service.scan(event(one))
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    eventually(lambda: stored("SELECT count(*) FROM scans"), [(number,)])
    stop.set()
    thread.join()
    assert stored(SHIFTS) == [(number, "stopped")]

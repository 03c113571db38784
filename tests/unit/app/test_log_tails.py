"""Ends of logs of services: of red stages alone, and only of the file that was written."""

from __future__ import annotations

import hashlib
import os
import tracemalloc

import pytest

from truegreen.app import log_tails
from truegreen.model.verdict import KeptFile, Report, StageReport, Status

LOG = "\n".join(f"line {n}\n" for n in range(40))
DATA = LOG.encode()


def logs_of(place, data=DATA, *, path="unit/services/redis.log", status=Status.FAIL, kind="log", digest=""):
    kept = KeptFile(path=path, kind=kind, sha256=digest or hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    stage = StageReport(stage="unit", status=status, files=(kept,))
    return log_tails.with_logs(Report(status=status, headline="", stages=(stage,)), place).stages[0].logs


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / ".truegreen/unit/services"
    folder.mkdir(parents=True)
    (folder / "redis.log").write_text(LOG)
    return tmp_path / ".truegreen"


def test_red_stage_shows_the_last_lines_that_are_not_empty(place):
    (log,) = logs_of(place)
    assert (log.service, log.path) == ("redis", "unit/services/redis.log")
    assert log.text.split("\n") == [f"line {n}" for n in range(25, 40)]


def test_end_of_a_log_is_no_longer_than_one_wants_to_read(place):
    data = b"x" * 100_000
    (place / "unit/services/redis.log").write_bytes(data)
    assert len(logs_of(place, data)[0].text) == 4_000


@pytest.mark.parametrize("other", [{"status": Status.PASS}, {"kind": "junit"}, {"path": "unit/other.log"}])
def test_file_that_is_no_log_of_a_service_of_a_red_stage_is_not_told(place, other):
    assert logs_of(place, **other) == ()


@pytest.mark.parametrize("data", [b"", b"\n \n" * 50])
def test_log_without_a_line_is_not_told(place, data):
    (place / "unit/services/redis.log").write_bytes(data)
    assert logs_of(place, data) == ()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"path": "unit/services/missing.log"}, "it is gone"),
        ({"path": "../../services/secret.log"}, "it leads out of the evidence"),
        ({"digest": "0" * 64}, "it is not the one that was written when the stage ended"),
        ({"data": DATA[:-9]}, "it is not the one that was written when the stage ended"),
        ({"path": "unit/services/pipe.log"}, "it cannot be read"),
        ({"path": "unit/services/nul\0.log"}, "it cannot be read"),
    ],
)
def test_log_that_is_gone_or_changed_is_named_with_the_reason_and_shows_nothing(place, tmp_path, other, why):
    (tmp_path.parent / "services").mkdir(exist_ok=True)
    (tmp_path.parent / "services/secret.log").write_text(LOG)
    os.mkfifo(place / "unit/services/pipe.log")
    (log,) = logs_of(place, **other)
    assert (log.text, log.left_out) == ("", why)


def test_log_of_any_size_shows_its_last_lines_and_is_never_in_memory_as_a_whole(place, monkeypatch):
    data = b"".join(b"%07d %s\n" % (n, b"x" * 992) for n in range(20_000)) + LOG.encode()
    (place / "unit/services/redis.log").write_bytes(data)
    monkeypatch.setattr(log_tails, "_END_BYTES", 300)
    tracemalloc.start()
    try:
        (log,) = logs_of(place, data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert log.text.split("\n")[-1] == "line 39"
    assert peak < 4 << 20


def test_logs_beyond_the_first_few_are_named(place):
    kept = []
    for n in range(8):
        data = b"" if n == 1 else DATA
        digest = hashlib.sha256(data).hexdigest()
        (place / f"unit/services/s{n}.log").write_bytes(data)
        kept.append(KeptFile(path=f"unit/services/s{n}.log", kind="log", sha256=digest, size_bytes=len(data)))
    (place / "unit/services/s2.log").unlink()
    stage = StageReport(stage="unit", status=Status.FAIL, files=tuple(kept))
    logs = log_tails.with_logs(Report(status=Status.FAIL, headline="", stages=(stage,)), place).stages[0].logs
    assert [log.service for log in logs if log.text] == ["s0", "s3", "s4", "s5", "s6"]
    assert [(log.service, log.left_out) for log in logs if not log.text] == [
        ("s2", "it is gone"),
        ("s7", "more than 5 logs"),
    ]

"""Ends of logs of services: of red stages alone, and only of the file that was written."""

from __future__ import annotations

import hashlib

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


@pytest.mark.parametrize(
    "other",
    [
        {"status": Status.PASS},
        {"kind": "junit"},
        {"path": "unit/other.log"},
        {"path": "unit/services/missing.log"},
        {"path": "../../services/secret.log"},
        {"digest": "0" * 64},
        {"data": b""},
    ],
)
def test_log_that_is_green_elsewhere_gone_or_changed_is_left_out(place, tmp_path, other):
    (tmp_path.parent / "services").mkdir(exist_ok=True)
    (tmp_path.parent / "services/secret.log").write_text(LOG)
    if other.get("data") == b"":
        (place / "unit/services/redis.log").write_bytes(b"")
    assert logs_of(place, **other) == ()

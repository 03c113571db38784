"""Files fetched from an address: within limits, without credentials, in words that do not hold the address."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest
from tests.support.loopback import serving

from truegreen.errors import TimedOut, WrongValue
from truegreen.runtime import patient
from truegreen.runtime.clock import Clock
from truegreen.runtime.http import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Store(BaseHTTPRequestHandler):
    """Answers by the first part of the path."""

    def do_GET(self) -> None:
        kind = self.path.strip("/").partition("?")[0]
        body = gzip.compress(b"0" * 1_000_000) if kind == "bomb" else b"x" * 5000
        self.send_response({"gone": 404, "elsewhere": 302}.get(kind, 200))
        if kind == "elsewhere":
            self.send_header("Location", "http://127.0.0.1:9/")
        if kind == "bomb":
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body) + (1000 if kind == "cut" else 0)))
        self.end_headers()
        with contextlib.suppress(OSError):
            for at in range(0, len(body), 1000):
                self.wfile.write(body[at : at + 1000])
                self.wfile.flush()
                time.sleep(0.2 if kind == "slow" else 0)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def store() -> Iterator[str]:
    with serving(Store) as address:
        yield f"http://{address}"


def test_fetch_writes_what_the_address_holds(store: str, tmp_path: Path) -> None:
    answer = fetch(f"{store}/file?signature=s3cr3t", tmp_path / "a", limit_bytes=5000, clock=Clock())
    assert answer.ok
    assert (tmp_path / "a").read_bytes() == b"x" * 5000


@pytest.mark.parametrize(
    ("kind", "limit", "total_s", "said"),
    [
        ("file", 4999, 10, "more than 4,999 bytes came"),
        ("gone", 5000, 10, "it answered 404"),
        ("elsewhere", 5000, 10, "it answered 302"),
        ("cut", 50_000, 10, "the connection broke"),
        ("slow", 50_000, 0.3, "the answer did not end within 0.3 s"),
    ],
)
def test_fetch_that_does_not_end_well_says_why_and_not_where(
    store: str, tmp_path: Path, kind: str, limit: int, total_s: float, said: str
) -> None:
    url = f"{store}/{kind}?signature=s3cr3t"
    answer = fetch(url, tmp_path / "a", limit_bytes=limit, clock=Clock(), total_s=total_s)
    assert not answer.ok
    assert said in answer.failure
    assert "s3cr3t" not in answer.failure


def test_fetch_inflates_nothing(store: str, tmp_path: Path) -> None:
    assert fetch(f"{store}/bomb", tmp_path / "a", limit_bytes=5000, clock=Clock()).ok
    assert (tmp_path / "a").stat().st_size < 5000


def test_fetch_nobody_listening_or_an_address_of_another_kind(tmp_path: Path) -> None:
    answer = fetch("http://127.0.0.1:9/x", tmp_path / "a", limit_bytes=1, clock=Clock())
    assert answer.failure == "no connection"
    for url in ("http://store.example/x", "file:///etc/passwd", "https://u:p@store.example/"):
        with pytest.raises(WrongValue):
            fetch(url, tmp_path / "a", limit_bytes=1, clock=Clock())


def test_work_that_lasts_is_stopped_and_what_is_quick_is_not() -> None:
    with patient.at_most(5, "it"):
        done = sum(range(10))
    assert done == 45
    with pytest.raises(TimedOut, match=r"counting took longer than 0\.1 s"), patient.at_most(0.1, "counting"):
        all(number >= 0 for number in itertools.count())
    time.sleep(0.12)  # a limit that is over stops nobody

"""What a receiver may ask for, and which addresses are used at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from truegreen.errors import WrongValue
from truegreen.runtime.http import checked, is_loopback, retry_after_s

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Sat, 21 Nov 2026 07:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 06:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_number_or_date(value: str, expected: float | None) -> None:
    assert retry_after_s({"Retry-After": value}, NOW) == expected
    assert retry_after_s({"retry-after": value}, NOW) == expected


def test_retry_after_absent_is_none() -> None:
    assert retry_after_s({"Date": "x"}, NOW) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_is_loopback_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0", "10.0.0.1", "", "2130706433"]
)
def test_is_loopback_others(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "url", ["https://hooks.slack.com/services/T/B/x", " https://h/ ", "http://[::1]:9/x", "http://localhost/x"]
)
def test_checked_usable_address_is_kept(url: str) -> None:
    assert checked(url) == url.strip()


@pytest.mark.parametrize(
    "url", ["https://h:port/s3cr3t", "https://h/s3cr3t\r\nX: y", "http://h/s3cr3t", "//h/s3cr3t", "https:///s3cr3t"]
)
def test_checked_other_address_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(WrongValue) as caught:
        checked(url)
    assert "s3cr3t" not in "".join(caught.value.lines())

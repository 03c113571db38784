"""Fingerprints: equal for one cause, different for two, and unharmed by hostile text."""

from __future__ import annotations

import time

import pytest
from tests.support.evidence import FAIL, case

from truegreen.analysis import fingerprint
from truegreen.analysis.fingerprint import Fingerprint, normalised, parts

# The next texts are pytest 9's own, from `--tb=long`, `short` and `native` on the same file.
LONG = """def test_native_zero():
>       helper(0)

test_s.py:5:\x20
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _\x20

x = 0

    def helper(x):
>       return 1 / x
               ^^^^^
E       ZeroDivisionError: division by zero

test_s.py:3: ZeroDivisionError"""
SHORT = """test_s.py:5: in test_native_zero
    helper(0)
test_s.py:3: in helper
    return 1 / x
           ^^^^^
E   ZeroDivisionError: division by zero"""
NATIVE = """  File "/home/runner/v/lib/python3.11/site-packages/_pytest/python.py", line 187, in pytest_pyfunc_call
    result = testfunction(**testargs)
  File "/home/runner/work/shop/test_s.py", line 5, in test_native_zero
    helper(0)
  File "/home/runner/work/shop/test_s.py", line 3, in helper
    return 1 / x
ZeroDivisionError: division by zero"""
IN_LIBRARY = """test_s.py:12: in test_dns
    socket.getaddrinfo("no.such.invalid", 80)
/root/.pyenv/versions/3.11.7/lib/python3.11/socket.py:962: in getaddrinfo
    for res in _socket.getaddrinfo(host, port, family, type, proto, flags):
E   socket.gaierror: [Errno -2] Name or service not known"""
# As the JVM prints a stack: the deepest frame first.
JVM = """java.lang.AssertionError: expected:<1> but was:<2>
\tat org.junit.Assert.fail(Assert.java:89)
\tat com.shop.CartTest.total(CartTest.java:41)
\tat com.shop.Runner.main(Runner.java:9)"""


@pytest.mark.parametrize(
    ("detail", "frame"),
    [
        (LONG, "test_s.py:helper"),
        (SHORT, "test_s.py:helper"),
        (NATIVE, "shop/test_s.py:helper"),
        (IN_LIBRARY, "test_s.py:test_dns"),
        (JVM, "com.shop.CartTest:total"),
        ("no traceback at all", ""),
    ],
)
def test_frame_of_each_style_is_the_deepest_of_the_repository(detail, frame):
    assert parts("ZeroDivisionError: division by zero", detail).frame == frame


def test_frame_of_a_windows_checkout_has_slashes():
    text = '  File "C:\\agent\\work\\shop\\test_s.py", line 3, in helper'
    assert parts("", text).frame == "shop/test_s.py:helper"


@pytest.mark.parametrize(
    ("message", "detail", "exception", "rest"),
    [
        ("ZeroDivisionError: division by zero", "", "ZeroDivisionError", "division by zero"),
        ("assert 1 == 2", LONG, "AssertionError", "assert 1 == 2"),
        ("socket.gaierror: [Errno -2] unknown", "", "socket.gaierror", "[Errno -2] unknown"),
        ("Failed: Timeout", "", "Failed", "Timeout"),
        ("something broke", LONG, "ZeroDivisionError", "something broke"),
        ("note: nothing", "", "", "note: nothing"),
        ("", "", "", ""),
    ],
)
def test_exception_and_message_are_told_apart(message, detail, exception, rest):
    found = parts(message, detail)
    assert (found.exception, found.message) == (exception, rest)


@pytest.mark.parametrize(
    ("one", "two", "shown"),
    [
        ("at 2026-11-21T07:00:00Z", "at 2025-01-02T17:10:59Z", "at <date>"),
        ("at 2026-11-21 07:00:00.123", "at 2025-01-02 17:10:59,9", "at <date>"),
        ("took 07:01:02", "took 17:59:59.5", "took <date>"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id 00000000-e89b-12d3-a456-42661417ffff", "id <uuid>"),
        ("<Cart object at 0x7f3c00aa>", "<Cart object at 0x10>", "<Cart object at <hex>>"),
        ("commit 331f3d7aa", "commit 9e1d2c3b4a5f", "commit <hex>"),
        ("to 10.0.0.1:5432 refused", "to 127.0.0.1:60123 refused", "to <ip> refused"),
        ("to [fe80::1]:80", "to [2001:db8::2]:9999", "to <ip>"),
        ("localhost:5432 refused", "localhost:61000 refused", "localhost:<port> refused"),
        ("port 5432 in use", "port 61000 in use", "port <port> in use"),
        ("after 3.2 s", "after 60 seconds", "after <time>"),
        ("after 12ms", "after 999ms", "after <time>"),
        ("no '/tmp/pytest-of-a/pytest-1/x.db'", "no '/tmp/pytest-of-b/pytest-77/x0/x.db'", "no '<path>'"),
        (r"no C:\temp\a.db", r"no D:\b\c\d.db", "no <path>"),
        ("get http://a.test:80/x?y=1", "get http://127.0.0.1:9/", "get <url>"),
        ("assert 0.123456 == 2", "assert 7.98765432e-05 == 2", "assert <number> == 2"),
        ("pid 31337", "pid 40404", "pid <number>"),
        ("worker gw0 crashed", "worker gw12 crashed", "worker <worker> crashed"),
        ("\x1b[31mred\x1b[0m", "red", "red"),
        ("a\n  b", "a b", "a b"),
    ],
)
def test_volatile_parts_of_a_message_are_masked(one, two, shown):
    assert parts(one, "").message == parts(two, "").message == shown


@pytest.mark.parametrize(
    ("one", "two"), [("status 404", "status 500"), ("a/b is missing", "a/c is missing"), ("deadbeef", "feedface")]
)
def test_different_causes_stay_different(one, two):
    assert normalised(one) != normalised(two)


def test_key_depends_on_each_part_and_is_empty_without_any():
    full = Fingerprint(exception="E", message="m", frame="f")
    others = [Fingerprint(exception="E"), Fingerprint(message="E"), Fingerprint(frame="E"), full]
    assert len({one.key for one in others}) == 4
    assert Fingerprint().key == ""
    assert fingerprint.of_case(case(1)) == ""
    assert len(fingerprint.of_case(case(1, FAIL, message="assert 1 == 2", detail=LONG))) == 16


def test_line_numbers_do_not_change_the_key():
    moved = LONG.replace("test_s.py:3:", "test_s.py:93:").replace("test_s.py:5:", "test_s.py:95:")
    message = "ZeroDivisionError: division by zero"
    assert parts(message, LONG).key == parts(message, moved).key


@pytest.mark.parametrize(
    "text", ["/" * 50_000, "1" * 50_000, "a:" * 25_000, "1." * 25_000, "::" * 25_000, "0x" * 25_000, "/a" * 25_000]
)
def test_hostile_text_takes_no_long_time(text):
    begin = time.process_time()
    parts(text, text)
    parts("", "\n".join([text] * 3))
    assert time.process_time() - begin < 1.0


@pytest.mark.parametrize("text", ["\ud800", "\0" * 9, "E   \ud800:1: x", 'File "\udfff", line 1, in \ud800'])
def test_text_that_is_no_unicode_has_a_key(text):
    assert len(parts(text, text).key) == 16

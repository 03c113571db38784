"""The only place that sends HTTP requests of our own: bounded, retried, silent about the address.

The address of a webhook *is* the secret, so it never appears in a result, an error or a log.
urllib3 takes 90 ms to import, and most commands only read a notifier's options: it is imported on use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from truegreen.errors import WrongValue
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    import urllib3

    from truegreen.runtime.clock import Clock

_CHUNK_BYTES = 1024
_CHUNKS = 1000
"""An answer is read in about so many pieces at most, so that the time limit is looked at often enough."""
_BACKOFF_S = (1.0, 2.0, 4.0, 8.0)
_TOO_MANY = 429
_SERVER_ERROR = 500
_REDIRECT = range(300, 400)
_OK = range(200, 300)
_FETCHED = 200
_PLAIN = {"User-Agent": "truegreen", "Accept-Encoding": "identity"}
_NOT_SENT = "no connection"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long one delivery may take."""

    connect_s: float = 5.0
    read_s: float = 10.0
    """Longest silence while waiting for an answer."""
    total_s: float = 60.0
    """Everything together: all attempts and all waiting between them."""
    attempts: int = 4
    answer_bytes: int = 64 * 1024
    """Most of an answer that is read; the rest is left out."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request."""

    status: int = 0
    """HTTP status of the last answer; 0 when none came."""
    body: bytes = b""
    """As much of it as the limits allow."""
    attempts: int = 0
    failure: str = ""
    """Why there is no 2xx answer, without the address; empty when there is one."""
    repeated: bool = False
    """True when an attempt broke after it was sent, so that the receiver may have seen it twice."""

    @property
    def ok(self) -> bool:
        """True for a 2xx answer."""
        return self.status in _OK and not self.failure


class Sender:
    """Posts bytes; waits as the receiver asks, gives up at a time limit, never raises for the network."""

    def __init__(self, clock: Clock, limits: Limits | None = None) -> None:
        self._clock = clock
        self._limits = limits or Limits()

    def post(self, url: str, body: bytes, *, media_type: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Post a body and return the answer.

        429 and 5xx are tried again, after Retry-After where it is given; redirects are refused.

        Raises:
            WrongValue: the address is not `https://` (or `http://` on loopback); the text does not hold it.
        """
        import urllib3  # noqa: PLC0415 - see the top

        target = checked(url)
        deadline = self._clock.monotonic() + self._limits.total_s
        wanted = {"Content-Type": media_type, "User-Agent": "truegreen", **(headers or {})}
        answer = Answer()
        repeated = False
        with urllib3.PoolManager(retries=False) as pool:
            for attempt in range(1, self._limits.attempts + 1):
                answer, wait_s = self._once(pool, target, body, wanted, deadline)
                answer = msgspec.structs.replace(answer, attempts=attempt, repeated=repeated)
                if answer.ok or wait_s is None or attempt == self._limits.attempts:
                    break
                repeated = repeated or (answer.status == 0 and not answer.failure.startswith(_NOT_SENT))
                pause_s = wait_s if wait_s > 0 else _BACKOFF_S[min(attempt, len(_BACKOFF_S)) - 1]
                if self._clock.monotonic() + pause_s >= deadline:
                    late = f"; {pause_s:.0f} s more would pass the limit of {self._limits.total_s:g} s"
                    return msgspec.structs.replace(answer, failure=answer.failure + late)
                self._clock.sleep(pause_s)
        return answer

    def _once(
        self, pool: urllib3.PoolManager, target: str, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> tuple[Answer, float | None]:
        """Return the answer, and seconds to wait before trying again: 0 our choice, None never."""
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - see the top
        from urllib3.util import Timeout  # noqa: PLC0415

        left_s = max(0.1, deadline - self._clock.monotonic())
        timeout = Timeout(connect=min(self._limits.connect_s, left_s), read=min(self._limits.read_s, left_s))
        try:
            response = pool.request(
                "POST",
                target,
                body=body,
                headers=headers,
                timeout=timeout,
                redirect=False,
                retries=False,
                preload_content=False,
            )
            with response:
                content = self._read(response, deadline)
        except (HTTPError, OSError) as error:
            return Answer(failure=_network(error)), 0.0
        status = response.status
        if status in _OK:
            return Answer(status=status, body=content), None
        if status in _REDIRECT:
            return Answer(status=status, body=content, failure=f"it answered with a redirect ({status}), refused"), None
        failure = f"it answered {status}"
        if status == _TOO_MANY or status >= _SERVER_ERROR:
            wait_s = retry_after_s(response.headers, self._clock.now())
            return Answer(status=status, body=content, failure=failure), wait_s or 0.0
        return Answer(status=status, body=content, failure=failure), None

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        """Return the body, bounded in size and time however slowly it drips."""
        content = bytearray()
        limit = self._limits.answer_bytes
        while len(content) < limit:
            if self._clock.monotonic() > deadline:
                raise TimeoutError("the answer did not end in time")
            chunk = response.read1(max(_CHUNK_BYTES, limit // _CHUNKS))
            if not chunk:
                break
            content += chunk
        return bytes(content[:limit])


def fetch(url: str, target: Path, *, limit_bytes: int, clock: Clock, total_s: float = 120.0) -> Answer:
    """Write what an address holds to a file, piece by piece; no credentials are sent, no redirect is followed.

    Args:
        url: `https://`, or `http://` on loopback.
        target: the file, replaced; after a failure it holds what had come.
        limit_bytes: where more comes, the answer is a failure.
        clock: measures.
        total_s: everything together.

    Raises:
        WrongValue: the address is of another kind; the text does not hold it.
        FileUnusable: the file cannot be written.
    """
    import urllib3  # noqa: PLC0415 - see the top
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - see the top
    from urllib3.util import Timeout  # noqa: PLC0415

    limits, deadline = Limits(), clock.monotonic() + total_s
    timeout = Timeout(connect=limits.connect_s, read=limits.read_s)
    try:
        with (
            urllib3.PoolManager(retries=False) as pool,
            pool.request(
                "GET", checked(url), headers=_PLAIN, timeout=timeout, redirect=False, retries=False,
                preload_content=False,
            ) as response,
            files.writing(target),
            target.open("wb") as stream,
        ):  # fmt: skip
            if response.status != _FETCHED:
                return Answer(status=response.status, failure=f"it answered {response.status}")
            written = 0
            while chunk := response.read1(files.CHUNK_BYTES, decode_content=False):
                written += stream.write(chunk)
                if written > limit_bytes:
                    return Answer(status=_FETCHED, failure=f"more than {limit_bytes:,} bytes came")
                if clock.monotonic() > deadline:
                    return Answer(status=_FETCHED, failure=f"the answer did not end within {total_s:g} s")
    except (HTTPError, OSError) as error:
        return Answer(failure=_network(error))
    return Answer(status=_FETCHED)


def checked(url: str) -> str:
    """Return the address when it is `https://`, or `http://` on this machine.

    Raises:
        WrongValue: anything else; its text never holds the address.
    """
    address = url.strip()
    try:
        parts = urlsplit(address)
        host, named = parts.hostname or "", parts.username is not None or parts.password is not None
        _ = parts.port  # raises when it is none
    except ValueError:
        raise WrongValue("the address is not a URL", fix="give an https:// address") from None
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if host and secure and not named and address.isprintable() and " " not in address:
        return address
    raise WrongValue(
        "the address must begin with https://",
        why="anything else would send it in the clear, or somewhere unexpected",
        fix="give an https:// address without user name and password",
    )


def is_loopback(host: str) -> bool:
    """Return whether a host name means this machine."""
    import ipaddress  # noqa: PLC0415 - only for http

    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number, or a date; None without one."""
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - rare

    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _network(error: Exception) -> str:
    """Return what went wrong in words of our own: the library's text would hold the address."""
    reason = getattr(error, "reason", None)
    kind = type(reason if isinstance(reason, Exception) else error).__name__
    if "Timeout" in kind:
        return "no connection in time" if "Connect" in kind else "no answer in time"
    if kind in ("NewConnectionError", "NameResolutionError", "ConnectionRefusedError"):
        return "no connection"
    if "SSL" in kind:
        return "no connection that TLS accepts"
    return f"the connection broke ({kind})"

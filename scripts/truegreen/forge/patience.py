"""Patience with a forge: what is tried again, how long to wait, and when to give up. No PyGithub here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.errors import ForgeUnreachable
from truegreen.runtime.http import retry_after_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from truegreen.runtime.clock import Clock

_BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 16.0)
_SECONDARY_WAIT_S = 60.0
_SERVER_ERROR = 500
_LIMITS = ("rate limit", "please retry your request again later", "please wait a few minutes")
_MESSAGE_LIMIT = 300


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request to the forge."""

    verb: str
    path: str
    """Below the API's base address."""
    query: dict[str, str] = {}
    body: dict[str, Any] | None = None
    adds: bool | None = None
    """Whether sending it twice adds twice; where nobody says, every POST does."""

    @property
    def repeatable(self) -> bool:
        """True when sending it twice does no harm."""
        return not (self.verb == "POST" if self.adds is None else self.adds)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of the forge."""

    status: int
    headers: dict[str, str] = {}
    """Names in lower case."""
    data: Any = None

    @property
    def ok(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP itself

    @property
    def message(self) -> str:
        """What the forge said, short and on one line."""
        text = self.data.get("message") if isinstance(self.data, dict) else None
        return " ".join(str(text or "").split())[:_MESSAGE_LIMIT]

    @property
    def limited(self) -> bool:
        """True when the forge asks to come back later."""
        if self.status == 429:  # noqa: PLR2004
            return True
        said = self.message.lower()
        spent = self.headers.get("x-ratelimit-remaining") == "0"
        asked = "retry-after" in self.headers
        return self.status == 403 and (asked or spent or any(words in said for words in _LIMITS))  # noqa: PLR2004


class Broken(Exception):
    """The connection broke or timed out: nobody knows whether the forge acted."""


class Unsure(Exception):
    """A request that must not be sent twice got no answer; look before sending it again."""


class Patience:
    """Sends calls until they are answered, within a time limit."""

    def __init__(self, send: Callable[[Call], Reply], clock: Clock, *, limit_s: float) -> None:
        self._send = send
        self._clock = clock
        self._limit_s = limit_s
        self._deadline = clock.monotonic() + limit_s
        self._failures = 0
        self.calls = 0

    def begin(self) -> None:
        """Start a new time limit."""
        self._deadline = self._clock.monotonic() + self._limit_s
        self._failures = 0

    def call(self, call: Call) -> Reply:
        """Return the forge's answer: 2xx, or a refusal that waiting will not change.

        Raises:
            Unsure: what adds broke; waited already, so the caller may look and try again.
            ForgeUnreachable: the time limit is reached.
        """
        while True:
            self.calls += 1
            try:
                reply = self._send(call)
            except Broken as error:
                self._wait(call, str(error), None)
                if not call.repeatable:
                    raise Unsure(str(error)) from None
                continue
            if reply.limited:
                self._wait(call, f"the forge limits requests ({reply.status})", self._asked(reply))
            elif reply.status >= _SERVER_ERROR:
                self._wait(call, f"the forge answered {reply.status}", self._retry_after(reply))
                if not call.repeatable:
                    raise Unsure(f"the forge answered {reply.status}")
            else:
                return reply

    def _wait(self, call: Call, why: str, asked_s: float | None) -> None:
        """Wait as asked, or longer after each failure; give up when that would pass the limit."""
        pause_s = asked_s if asked_s is not None else _BACKOFF_S[min(self._failures, len(_BACKOFF_S) - 1)]
        self._failures += 1
        if self._clock.monotonic() + pause_s >= self._deadline:
            raise ForgeUnreachable(
                f"the forge could not be used within {self._limit_s:g} s",
                where=f"{call.verb} {call.path}",
                why=f"{why}; the next attempt would be in {pause_s:.0f} s",
                fix="run `truegreen publish` again later",
            )
        self._clock.sleep(pause_s)

    def _asked(self, reply: Reply) -> float:
        """Return how long a rate limit lasts: Retry-After, else until its reset, else a minute."""
        asked = self._retry_after(reply)
        if asked is not None:
            return asked
        reset = reply.headers.get("x-ratelimit-reset", "")
        if reply.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
            return max(0.0, int(reset) - self._clock.now().timestamp()) + 1.0
        return _SECONDARY_WAIT_S

    def _retry_after(self, reply: Reply) -> float | None:
        return retry_after_s(reply.headers, self._clock.now())

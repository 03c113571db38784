"""The protocol of Redis and Valkey, in its second version and, after `HELLO 3`, in its third one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truegreen.runtime.wire.channel import Channel, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEPTH = 8
_ITEMS = {b"*": 1, b">": 1, b"~": 1, b"%": 2}
"""Values that each item of a collection has."""


class Push(list[Any]):
    """What the server sends without being asked: a message of a subscription, in the third version."""


class Resp(Channel):
    """One connection on which commands are sent and replies are read."""

    def ask(self, *words: str) -> Any:
        """Send one command and return its reply.

        Raises:
            Refused: with the server's message.
        """
        return self.pipeline([words])[0]

    def pipeline(self, commands: Sequence[Sequence[str]]) -> list[Any]:
        """Send commands at once and return their replies.

        Raises:
            Refused: one was; the message is of the first.
        """
        self.put(commands)
        return self.take(len(commands))

    def put(self, commands: Sequence[Sequence[str]]) -> None:
        """Send commands, whose replies are taken later."""
        self.send(b"".join(_command(words) for words in commands))

    def take(self, number: int) -> list[Any]:
        """Return the next replies.

        Raises:
            Refused: one was; the message is of the first.
        """
        replies = [self.reply() for _ in range(number)]
        if refused := next((reply for reply in replies if isinstance(reply, Refused)), None):
            raise refused
        return replies

    def reply(self, depth: int = 0) -> Any:
        """Read one reply, or one message of a subscription; a map is a list of its keys and values in turn."""
        line = self.line()
        mark, text = line[:1], line[1:].decode("utf-8", "backslashreplace")
        if mark in (b"+", b"-", b"_"):
            return {b"+": text, b"-": Refused(text)}.get(mark)
        number = int(text)
        if mark == b":":
            return number
        if number < 0:
            return None
        if mark in (b"$", b"="):
            data = self.exactly(number + 2)[:-2].decode("utf-8", "backslashreplace")
            return data[len("txt:") :] if mark == b"=" else data
        if mark not in _ITEMS or depth > _DEPTH:
            raise ValueError(f"no reply of Redis: {line[:40]!r}")
        items = [self.reply(depth + 1) for _ in range(number * _ITEMS[mark])]
        return Push(items) if mark == b">" else items


def _command(words: Sequence[str]) -> bytes:
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)

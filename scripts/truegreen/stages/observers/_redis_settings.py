"""What a Redis is set to while it is observed, and what it was set to before.

What it was before is kept in the server, inside the settings themselves: a limit of a buffer so high that nothing ever
reaches it has room for the limit that was there. So it outlives the recorder that wrote it, and no key is needed,
which the tests would see, and delete.
"""

from __future__ import annotations

import msgspec

NOTIFY, BUFFER = "notify-keyspace-events", "client-output-buffer-limit"
ALL_EVENTS = frozenset("AE")
_FAR = 1 << 60
"""In bytes; what was set before is added."""
_HIDDEN = "AEg$lshzxetd"
"""Flags that cannot be told any more once all events are announced; the others stay to be seen."""
_PUBSUB = "pubsub"


class Settings(msgspec.Struct, frozen=True):
    """The two settings of a server: flags of events, and hard limit, soft limit (bytes) and its seconds."""

    flags: str
    limits: tuple[int, int, int]

    @classmethod
    def read(cls, flags: str, limits: str) -> Settings:
        """Return what CONFIG GET tells: the flags, and the limits of every class of clients.

        Raises:
            ValueError: there is no class of subscribers.
        """
        words = limits.split()
        hard, soft, seconds = words[words.index(_PUBSUB) + 1 :][:3]
        return cls(flags, (int(hard), int(soft), int(seconds)))

    @property
    def written(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Names and values for CONFIG SET, the limits first: they tell what the flags were before."""
        return (BUFFER, " ".join((_PUBSUB, *map(str, self.limits)))), (NOTIFY, self.flags)

    @property
    def observed(self) -> bool:
        """True where a recorder set them, and what was before is inside."""
        return min(self.limits[:2]) >= _FAR

    def while_observed(self) -> Settings:
        """Return what announces everything to a reader that may be slow, with these settings inside."""
        hard, soft, seconds = self.limits
        bits = sum(1 << place for place, flag in enumerate(_HIDDEN) if flag in self.flags)
        flags = "".join(sorted({*self.flags, *ALL_EVENTS}))
        return Settings(flags, (_FAR + hard, _FAR + soft, (seconds << len(_HIDDEN)) + bits))

    def before(self) -> Settings:
        """Return the settings that are inside observed ones."""
        hard, soft, inside = self.limits
        hidden = {flag for place, flag in enumerate(_HIDDEN) if inside >> place & 1}
        seen = set(self.flags) - set(_HIDDEN)
        return Settings("".join(sorted(hidden | seen)), (hard - _FAR, soft - _FAR, inside >> len(_HIDDEN)))

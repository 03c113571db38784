"""Where a history on a server lies: its address, and what of it may be shown."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec

_HIDDEN = "***"
_PASSWORDS = ("password", "sslpassword", "passfile")
"""Parameters of an address that are secret, or name what is."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An address of a server, and the password that goes with it; neither is ever shown whole."""

    url: str
    password: str = ""
    """Sent instead of the one in the address; empty leaves it to the address."""
    repository: str
    """Whose history is meant, among all that the server keeps."""

    def __repr__(self) -> str:
        """Return what may be shown."""
        return f"Address({self.shown!r})"

    @property
    def host(self) -> str:
        """Host name, and port where one is given; several are separated by commas."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def shown(self) -> str:
        """The address without user, password and parameters, and the repository."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{self.host}{parts.path}, repository {self.repository}"

    @property
    def parameters(self) -> dict[str, str]:
        """What the address says after its question mark."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    def redacted(self, text: str) -> str:
        """Return a text, such as a library's message, without the secrets of the address."""
        own = urlsplit(self.url).netloc.rpartition("@")[0].partition(":")[2]
        given = [self.password, own, *(self.parameters.get(name, "") for name in _PASSWORDS)]
        forms = {form for one in given if one for form in (one, unquote(one), quote(one, safe=""))}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, _HIDDEN)
        return text


def holds_password(url: str) -> bool:
    """Return whether an address holds a password; one that cannot be read counts as if it did."""
    try:
        parts = urlsplit(url)
        return bool(parts.password) or any(name in _PASSWORDS for name, _ in parse_qsl(parts.query))
    except ValueError:
        return True

"""S3 as far as its lists go: signed requests, and the elements of an answer."""

from __future__ import annotations

import hashlib
import hmac
import http.client
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.parsers import expat

from truegreen.runtime.wire.channel import LIMIT_BYTES, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_EMPTY = hashlib.sha256(b"").hexdigest()
_REGION = "us-east-1"
_SIGNED = "host;x-amz-content-sha256;x-amz-date"


class S3:
    """One connection to an S3 server, by paths, over HTTP."""

    def __init__(self, host: str, port: int, *, user: str, password: str, timeout_s: float = 10.0) -> None:
        self._host = f"{host}:{port}"
        self._user, self._password = user, password
        self._connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
        self.server = ""
        """What the server calls itself."""

    def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Return the body of an answer.

        Raises:
            Refused: the server answered with another status; the text begins with it.
            OSError: it did not answer.
        """
        words = "&".join(
            f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in sorted((query or {}).items())
        )
        target = quote(path)
        try:
            headers = signed(self._host, self._user, self._password, "GET", target, words)
            self._connection.request("GET", f"{target}?{words}", headers=headers)
            answer = self._connection.getresponse()
            text = answer.read(LIMIT_BYTES)
        except http.client.HTTPException as error:
            raise ConnectionError(f"no answer of S3: {type(error).__name__}") from None
        self.server = answer.getheader("Server", "")
        if answer.status != http.client.OK:
            raise Refused(f"HTTP {answer.status}: {text[:300].decode('utf-8', 'replace')}")
        return text

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def signed(
    host: str, user: str, password: str, method: str, path: str, query: str = "", now: datetime | None = None
) -> dict[str, str]:
    """Return the headers of a signed request without a body.

    Signature version 4, as the Amazon S3 API reference describes it ("Authenticating Requests: Using the
    Authorization Header").

    Args:
        host: as `host:port`.
        user: the access key.
        password: its secret.
        method: of HTTP.
        path: quoted.
        query: quoted, its keys in order.
        now: the moment; the present one where it is not given.
    """
    moment = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{_REGION}/s3/aws4_request"
    listed = f"host:{host}\nx-amz-content-sha256:{_EMPTY}\nx-amz-date:{moment}\n"
    canonical = f"{method}\n{path}\n{query}\n{listed}\n{_SIGNED}\n{_EMPTY}"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{password}".encode()
    for part in (moment[:8], _REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={user}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}"
    return {
        "x-amz-date": moment,
        "x-amz-content-sha256": _EMPTY,
        "Authorization": f"AWS4-HMAC-SHA256 {credential}",
    }


def elements(document: bytes, names: Iterable[str]) -> list[tuple[str, dict[str, str]]]:
    """Return the elements of some names, in their order, each with the texts of what lies directly in it.

    The whole document has an entry as well, under its own name, which comes last.

    Raises:
        ValueError: it is no XML, or declares a document type.
    """
    wanted = frozenset(names)
    found: list[tuple[str, dict[str, str]]] = []
    stack: list[tuple[str, dict[str, str], list[str]]] = []
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(name: str, _attributes: object) -> None:
        stack.append((name, {}, []))

    def end(name: str) -> None:
        _, inner, text = stack.pop()
        if stack:
            stack[-1][1][name] = "".join(text)
        if name in wanted or not stack:
            found.append((name, inner))

    def characters(text: str) -> None:
        stack[-1][2].append(text)

    def refuse(*_: object) -> None:
        raise ValueError("a document type in an answer of S3")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, refuse
    try:
        parser.Parse(document, True)  # noqa: FBT003 - expat's own interface
    except expat.ExpatError as error:
        raise ValueError(f"an answer of S3 that is no XML: {error}") from None
    return found

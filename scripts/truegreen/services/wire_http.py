"""One HTTP request of a probe, and the signature that an S3 server asks for."""

from __future__ import annotations

import base64
import http.client
from typing import TYPE_CHECKING, TypeVar

import msgspec

from truegreen.runtime.wire import s3
from truegreen.services import wire
from truegreen.services.base import Access, NotReady

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_LIMIT_BYTES = 4 << 20
_QUOTED = 200
_OK = 200
Answer = TypeVar("Answer", bound=msgspec.Struct)


def ask(
    access: Access, path: str, *, method: str = "GET", body: str = "", headers: Mapping[str, str] | None = None
) -> bytes:
    """Return the body of an answer with status 200.

    Raises:
        NotReady: no connection, no HTTP, or another status; the text says which.
    """
    with wire.connection(access) as sock:
        client = http.client.HTTPConnection(access.host, access.port, timeout=wire.TIMEOUT_S)
        client.sock = sock
        try:
            client.request(method, path, body=body or None, headers={**_login(access), **(headers or {})})
            answer = client.getresponse()
            text = answer.read(_LIMIT_BYTES)
        except http.client.HTTPException as error:
            raise NotReady(f"{access.host}:{access.port} speaks another protocol: {type(error).__name__}") from None
    if answer.status != _OK:
        raise NotReady(f"HTTP {answer.status}: {text[:_QUOTED].decode('utf-8', 'replace').strip()}")
    return text


def ask_json(access: Access, path: str, shape: type[Answer], *, method: str = "GET", body: str = "") -> Answer:
    """Return an answer's JSON as a record; raises NotReady for anything else."""
    text = ask(access, path, method=method, body=body, headers={"Content-Type": "application/json"} if body else None)
    try:
        return msgspec.json.decode(text, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotReady(f"{access.host}:{access.port} answers something else: {error}") from None


def signed(access: Access, method: str, path: str, now: datetime | None = None) -> dict[str, str]:
    """Return the headers that sign an S3 request without a body."""
    return s3.signed(f"{access.host}:{access.port}", access.user, access.password, method, path, now=now)


def _login(access: Access) -> dict[str, str]:
    if not access.user:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(f'{access.user}:{access.password}'.encode()).decode()}"}

"""The verdict document inside the page: machines read it back, and no byte of it can end the element it stands in."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING

from truegreen.reporters.html.markup import Html

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN = '<script type="application/octet-stream" id="verdict" data-encoding="base64 deflate">'
CLOSE = "</script>"
_LEVEL = 6


def write(verdict: bytes) -> Html:
    """Return `verdict.json` as an element that no browser runs."""
    packed = base64.b64encode(zlib.compress(verdict, _LEVEL)).decode()
    return Html(f"{OPEN}{packed}{CLOSE}")


def read(page: bytes, limit_bytes: int, refuse: Callable[[str], Exception]) -> bytes:
    """Return the `verdict.json` in a page.

    Args:
        page: the HTML report.
        limit_bytes: largest document that is unpacked.
        refuse: makes the error that is raised, from why nothing can be read.
    """
    start = page.rfind(OPEN.encode())
    end = page.find(CLOSE.encode(), start)
    if start < 0 or end < 0:
        raise refuse("it holds no verdict document")
    try:
        packed = base64.b64decode(page[start + len(OPEN) : end], validate=True)
        unpacker = zlib.decompressobj()
        found = unpacker.decompress(packed, limit_bytes)
    except (binascii.Error, zlib.error) as error:
        raise refuse(f"its verdict document is damaged: {error}") from None
    if unpacker.unconsumed_tail:
        raise refuse(f"its verdict document is larger than {limit_bytes:,} bytes")
    if not unpacker.eof:
        raise refuse("its verdict document is cut")
    return found

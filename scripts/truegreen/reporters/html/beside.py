"""Links to files that lie beside the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from truegreen.reporters.html.markup import Html, element, text

if TYPE_CHECKING:
    from truegreen.model.verdict import KeptFile

_ATTACHMENT = re.compile(r"attachments/[A-Za-z0-9._-]{1,150}")


def address(file: KeptFile) -> str:
    """Return where a copy of a file lies, relative to the page; empty where there is none, or it may lead elsewhere."""
    return quote(file.attachment) if _ATTACHMENT.fullmatch(file.attachment) else ""


def link(file: KeptFile, words: str) -> Html:
    """Return words about a file, as a link where it lies beside the page."""
    place = address(file)
    return element("a", text(words), href=place) if place else text(words)

"""Markdown as people see it on the forge, as one page for the browser."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.reporters.html.markup import Html, element, joined

if TYPE_CHECKING:
    from collections.abc import Mapping

_STYLE = Path(__file__).with_name("drawing.css")
_ALIGNED = re.compile(r' style="text-align:(left|center|right)"')
"""How columns are aligned; the policy of the page takes no style of an element."""


def page(title: str, documents: Mapping[str, str]) -> str:
    """Return a page that holds documents of our own reporters as GitHub draws them; it runs and loads nothing.

    Args:
        title: of the page.
        documents: name → Markdown; the names are shown where there are several.

    Raises:
        ImportError: the extra `preview` is not installed.
    """
    from markdown_it import MarkdownIt  # noqa: PLC0415 - an extra

    reader = MarkdownIt("gfm-like", {"html": True, "linkify": False}).disable("linkify")
    style = _STYLE.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Html(style)),
    )
    shown = [
        element(
            "article",
            _name(name) if len(documents) > 1 else None,
            Html(_ALIGNED.sub(r' align="\1"', reader.render(text))),
        )
        for name, text in documents.items()
    ]
    return f'<!doctype html>\n<html lang="en">{head}{element("body", joined(shown))}</html>\n'


def _name(name: str) -> Html:
    return element("p", name, class_="name")

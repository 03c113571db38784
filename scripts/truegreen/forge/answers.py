"""Reading what a forge says: payloads and answers may hold anything, in any shape."""

from __future__ import annotations

import re
from typing import Any

SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
"""A commit's name, of SHA-1 or SHA-256."""
TEXT_LIMIT = 512


def table(row: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the table below a key; an empty one where there is none."""
    value = row.get(key)
    return value if isinstance(value, dict) else {}


def rows(data: Any, key: str = "") -> list[dict[str, Any]]:
    """Return the tables of a list, or of the one below a key of a table; anything else is left out."""
    found = data if not key else data.get(key) if isinstance(data, dict) else None
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def text(value: Any, limit: int = TEXT_LIMIT) -> str:
    """Return a text of at most `limit` characters without control characters; anything else is nothing."""
    return value if isinstance(value, str) and len(value) <= limit and value.isprintable() else ""

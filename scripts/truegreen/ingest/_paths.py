"""Paths out of foreign files, made relative to the project."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_DRIVE = re.compile(r"[A-Za-z]:/")


def absolute(text: str) -> bool:
    """Return whether a path begins at a root, of this machine or of one with drives."""
    return text.startswith(("/", "\\")) or text[1:2] == ":"


@lru_cache(maxsize=4096)
def relative(text: str, root: Path) -> str:
    """Return a path inside the project, with `/`; empty when it lies outside or is no path."""
    plain = text.replace("\\", "/").strip()
    if not plain or "\0" in plain or "\n" in plain:
        return ""
    base = root.as_posix().rstrip("/")
    for prefix in dict.fromkeys((base, root.resolve().as_posix().rstrip("/"))):
        if plain.startswith(f"{prefix}/"):
            plain = plain[len(prefix) + 1 :]
            break
    clean = posixpath.normpath(plain)
    if clean.startswith(("/", "../")) or clean in ("..", ".") or _DRIVE.match(clean):
        return ""
    return clean

"""The beginning of a file, from which its kind is told."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING
from xml.parsers import expat

import msgspec

from truegreen.errors import EvidenceMissing, EvidenceUnreadable

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = 64 << 10
# Possessive, and open at the end: a string without its end must not be looked at again from each of its quotes.
_MARK = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z|\\\Z)|[{}\[\]:,]', re.DOTALL)


class Opening(msgspec.Struct, frozen=True):
    """What the first 64 KiB of a file say about its kind."""

    root: str = ""
    """Name of the root element, without a namespace; empty where the file is no XML."""
    attributes: dict[str, str] = {}
    """Of the root element."""
    keys: frozenset[str] = frozenset()
    """Keys of the first JSON object, at its top; empty where the file is no JSON object."""
    inner_keys: frozenset[str] = frozenset()
    """Keys one level below."""
    text: str = ""
    """The beginning as text, undecodable bytes replaced."""


def read(path: Path) -> Opening:
    """Return the beginning of a file.

    Raises:
        EvidenceMissing: there is no such file.
        EvidenceUnreadable: it is no plain file, or cannot be read.
    """
    try:
        if not path.is_file():
            raise FileNotFoundError if not path.exists() else OSError("it is not a plain file")
        with path.open("rb") as stream:
            head = stream.read(_BYTES)
    except FileNotFoundError:
        raise EvidenceMissing(f"{path.name} is missing", where=str(path), fix="check the file's name") from None
    except (OSError, ValueError) as error:
        raise EvidenceUnreadable(f"{path.name} cannot be read", where=str(path), why=str(error)) from None
    text = head.decode("utf-8-sig", "replace")
    root, attributes = _root(head)
    keys, inner = _keys(text) if text.lstrip().startswith("{") else (frozenset[str](), frozenset[str]())
    return Opening(root=root, attributes=attributes, keys=keys, inner_keys=inner, text=text)


class _Found(Exception):
    """The root element was seen; nothing behind it matters."""


def _root(head: bytes) -> tuple[str, dict[str, str]]:
    seen: list[tuple[str, dict[str, str]]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        seen.append((tag.rpartition(":")[2], attributes))
        raise _Found

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with contextlib.suppress(_Found, expat.ExpatError, LookupError, ValueError):
        parser.Parse(head, False)  # noqa: FBT003 - expat's own signature
    return seen[0] if seen else ("", {})


def _keys(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the keys of the first object at its top and one level below, as far as the text reaches."""
    found: tuple[set[str], set[str]] = (set(), set())
    open_brackets: list[str] = []
    before = ""
    for match in _MARK.finditer(text):
        mark = match.group()
        if mark in "{[":
            open_brackets.append(mark)
        elif mark in "}]":
            if open_brackets:
                open_brackets.pop()
            if not open_brackets:
                break
        elif (
            mark == ":" and before.startswith('"') and open_brackets[-1:] == ["{"] and len(open_brackets) <= len(found)
        ):
            found[len(open_brackets) - 1].add(before[1:-1])
        before = mark
    return frozenset(found[0]), frozenset(found[1])

"""Streaming XML without the dangers: no DOCTYPE, bounded depth and size, bounded text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from xml.parsers import expat

from truegreen.errors import EvidenceMissing, EvidenceUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_BYTES = 512 << 20
MAX_DEPTH = 64
MAX_ATTRIBUTE = 64 << 10
"""Characters of one attribute; a longer test name is no test name."""
MAX_TAG = 1 << 20
"""Bytes of one tag or comment, which expat holds in memory as a whole."""
_CHUNK = 1 << 17


class Handler(Protocol):
    """Receives the events of a document."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        ...

    def end(self, tag: str) -> None:
        """End an element."""
        ...

    def text(self, data: str) -> None:
        """Receive a piece of character data."""
        ...


class Refused(Exception):
    """A handler or guard refuses the document; the message says why."""


class Tail:
    """The last characters of a text, in bounded memory."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[str] = []
        self._size = 0
        self._cut = False

    def add(self, data: str) -> None:
        """Append; the head is dropped as the text grows."""
        self._parts.append(data)
        self._size += len(data)
        if self._size > 2 * self._limit:
            self._shrink()

    def _shrink(self) -> None:
        text = "".join(self._parts)
        self._cut = self._cut or len(text) > self._limit
        self._parts = [text[-self._limit :]]
        self._size = len(self._parts[0])

    def value(self) -> str:
        """Return the text; a first line says when its beginning was cut off."""
        if self._cut or self._size > self._limit:
            self._shrink()
        text = "".join(self._parts)
        return f"[… the beginning was cut off]\n{text}" if self._cut else text


def parse(path: Path, handler: Handler, *, named_doctype: bool = False) -> None:
    """Feed a file to a handler, chunk by chunk, with all limits in front of it.

    With `named_doctype` a DOCTYPE that only names an external definition is let pass (JaCoCo and Cobertura write
    one); nothing is loaded, and one that declares anything is refused as always.

    Raises:
        EvidenceMissing: there is no such file.
        EvidenceUnreadable: not well-formed, mis-encoded, truncated, too large, too deep, or with a DOCTYPE;
            `where` carries the line.
    """
    read(path, lambda parser: _guard(parser, handler), named_doctype=named_doctype)


def read(
    path: Path, connect: Callable[[expat.XMLParserType], Callable[[], None]], *, named_doctype: bool = False
) -> None:
    """Feed a file to a parser whose elements somebody else takes, and who then keeps the limits on them.

    Size, tags without an end, DOCTYPE and errors are seen to here; depth and attributes (`check`) are not.

    Args:
        path: the file.
        connect: sets the handlers, and returns what is called after each chunk.
        named_doctype: as for `parse`.

    Raises:
        EvidenceMissing: there is no such file.
        EvidenceUnreadable: as for `parse`.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.ordered_attributes = False
    parser.StartDoctypeDeclHandler = _named_doctype if named_doctype else _doctype
    after = connect(parser)
    try:
        _feed(path, parser, after)
    except expat.ExpatError as error:
        why = expat.ErrorString(error.code) or "not well-formed"
        raise _unreadable(path, error.lineno, f"{why} (column {error.offset + 1})") from None
    except Refused as error:
        raise _unreadable(path, parser.CurrentLineNumber, str(error)) from None
    except (LookupError, UnicodeError, ValueError) as error:
        # pyexpat asks Python's codecs for encodings it does not know itself.
        raise _unreadable(path, parser.CurrentLineNumber, f"cannot be decoded: {error}") from None


def check(attributes: dict[str, str], depth: int) -> None:
    """Refuse an element that is too deep or has a monstrous attribute.

    Raises:
        Refused: it has.
    """
    if depth > MAX_DEPTH:
        raise Refused(f"elements are nested deeper than {MAX_DEPTH}")
    for value in attributes.values():
        if len(value) > MAX_ATTRIBUTE:
            raise Refused(f"an attribute is longer than {MAX_ATTRIBUTE:,} characters")


def _doctype(*_: object) -> None:
    raise Refused("a document type (DOCTYPE) is not accepted")


def _named_doctype(_name: str, _system: str | None, _public: str | None, declares: object) -> None:
    if declares:
        _doctype()


def _unreadable(path: Path, line: int, why: str) -> EvidenceUnreadable:
    return EvidenceUnreadable(f"{path.name} cannot be read as XML", where=f"{path}:{max(line, 1)}", why=why)


def _feed(path: Path, parser: expat.XMLParserType, after: Callable[[], None]) -> None:
    read = 0
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise EvidenceMissing(f"{path.name} is missing", where=str(path)) from None
    except OSError as error:
        raise EvidenceUnreadable(f"{path.name} cannot be read", where=str(path), why=str(error.strerror)) from None
    with stream:
        while chunk := stream.read(_CHUNK):
            read += len(chunk)
            if read > MAX_BYTES:
                raise Refused(f"more than {MAX_BYTES:,} bytes; split the run into shards")
            parser.Parse(chunk, False)  # noqa: FBT003 - expat's own signature
            if read - parser.CurrentByteIndex > MAX_TAG:
                raise Refused(f"a tag or comment is longer than {MAX_TAG:,} bytes")
            after()
        parser.Parse(b"", True)  # noqa: FBT003
        after()


def _guard(parser: expat.XMLParserType, handler: Handler) -> Callable[[], None]:
    """Connect the handler, with the limits in front of it."""
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        check(attributes, depth)
        handler.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(tag)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = handler.text
    return lambda: None

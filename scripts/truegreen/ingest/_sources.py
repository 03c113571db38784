"""What the lines of the project's Python sources are: looked at once, and remembered by content."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen import __version__
from truegreen.analysis import executable
from truegreen.errors import EvidenceUnreadable, TruegreenError
from truegreen.ingest._state import count_lines
from truegreen.model.coverage import bits_of
from truegreen.runtime import environ, workers
from truegreen.runtime.files import read_limited
from truegreen.runtime.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LIMIT_BYTES = 8 << 20
_REMEMBERED = 50_000
"""Sources whose lines are kept between runs; some 100 bytes each."""
_WORTH_A_PROCESS = 300
"""Sources that are looked at in the time that starting a second process takes, five times over."""

_PROCESSES = 4
"""At most; each takes some 30 MB."""


class Source(msgspec.Struct, frozen=True, array_like=True):
    """The lines of one source, in the form that is remembered."""

    code: bytes
    """Bit set of the lines that can run, little-endian."""
    inner: bytes
    """Bit set of the lines that are not the first one of their statement."""
    lines: int
    """How many lines it has; the empty one after the last line's end counts."""
    spans: list[tuple[int, int, int]]
    """For each run of these that belongs to one statement: its first line, and where the run begins and ends."""

    def judged(self, ran: int) -> tuple[int, int]:
        """Return (covered, missing) as bit sets, given the lines that ran: those of a statement are its first."""
        code, inner = int.from_bytes(self.code, "little"), int.from_bytes(self.inner, "little") & ran
        if inner:
            ran &= ~inner
            for first, begin, end in self.spans:
                if inner >> begin & (1 << end - begin) - 1:
                    ran |= 1 << first
        return code & ran, code & ~ran


def sources(root: Path, names: Sequence[str]) -> list[Source]:
    """Return what the lines of each file are.

    Files whose content was seen in an earlier run are not looked at again; of very many others each processor takes
    its share.

    Args:
        root: the project.
        names: paths relative to it.

    Raises:
        EvidenceUnreadable: a file is not there, or no Python source.
    """
    memory, folder = _memory(environ.cache_dir(environ.current())), str(root)
    digests = [sha256(_content(folder, name)).digest() for name in names]
    unseen = {digest: name for digest, name in zip(digests, names, strict=True) if digest not in memory.known}
    if unseen:
        processes = 1 if len(unseen) < _WORTH_A_PROCESS else min(os.cpu_count() or 1, _PROCESSES)
        found = workers.in_shares(_looked_at, [(folder, name) for name in unseen.values()], processes)
        memory.add(dict(found))
    if changed := [name for digest, name in zip(digests, names, strict=True) if digest not in memory.known]:
        raise EvidenceUnreadable(
            "a source changed while its lines were counted",
            where=str(root / changed[0]),
            fix="judge a folder that nobody writes to",
        )
    return [memory.known[digest] for digest in digests]


@cache
def _memory(folder: Path) -> Remembered[Source]:
    """Return what a cache folder remembers under the rules in force: of this interpreter, version and very code."""
    modules = [Path(__file__), *sorted(Path(executable.__file__).parent.glob("*.py"))]
    code = b"".join(module.read_bytes() for module in modules)
    rules = f"{environ.platform_name()} {__version__} ".encode() + code
    name = "source-lines-{}.{}".format(*sys.version_info)
    return Remembered(folder / name, Source, rules=rules, limit=_REMEMBERED)


def _content(root: str, name: str) -> bytes:
    if not name.endswith((".py", ".pyw")):
        raise EvidenceUnreadable(
            "data of coverage.py does not say which lines of a template can run",
            where=f"{root}/{name}",
            fix="leave the JSON report instead: `coverage json`",
        )
    try:
        return read_limited(f"{root}/{name}", _LIMIT_BYTES)
    except TruegreenError as error:
        raise EvidenceUnreadable(
            "a measured source is not there, so its lines are not known", where=f"{root}/{name}", why=error.what
        ) from None


def _looked_at(places: Sequence[tuple[str, str]]) -> list[tuple[bytes, Source]]:
    """Return digest and lines of some files; the digest is of the very bytes that were looked at."""
    found = []
    with _uncollected():
        for root, name in places:
            with suppress(TruegreenError):  # it was there a moment ago; who asked misses it
                data = _content(root, name)
                found.append((sha256(data).digest(), _source(data)))
    return found


def _source(data: bytes) -> Source:
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = executable.source_lines(text, "source.py")
    first = {line: first for line, first in lines.starts.items() if line != first}
    return Source(_octets(lines.code), _octets(first), count_lines(data), _spans(first))


def _spans(first: dict[int, int]) -> list[tuple[int, int, int]]:
    """Return (first line of the statement, begin, end) of neighbouring lines of one statement; the end is not in it."""
    spans: list[tuple[int, int, int]] = []
    for line in sorted(first):
        begin = line
        if spans and spans[-1][0] == first[line] and spans[-1][2] == line:
            begin = spans.pop()[1]
        spans.append((first[line], begin, line + 1))
    return spans


def _octets(lines: Iterable[int]) -> bytes:
    bits = bits_of(lines)
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector of cycles away: syntax trees are many objects and no cycles, and it doubles their time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()

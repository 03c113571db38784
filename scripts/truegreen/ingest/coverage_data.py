"""Reader of coverage.py's own data files (`.coverage`, SQLite, schema 7), with or without arcs and contexts."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from truegreen.analysis.executable import SourceLines, source_lines
from truegreen.errors import EvidenceMissing, EvidenceUnreadable, TruegreenError
from truegreen.ingest._coverage import LAST_LINE, Places
from truegreen.ingest._xml import Refused
from truegreen.model.coverage import Coverage, FileCoverage, bits_of, lines_of
from truegreen.runtime.files import read_limited

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from truegreen.ingest.opening import Opening

_SCHEMA = 7
_LIMIT_BYTES = 2 << 30
_SOURCE_LIMIT_BYTES = 8 << 20
_NUMBITS = "SELECT numbits FROM line_bits WHERE file_id = ?"
_ARCS = "SELECT fromno, tono FROM arc WHERE file_id = ?"


class CoverageDataReader:
    """Reads which lines ran; which could have run comes from the source, since the data does not say.

    All contexts count together. The lines of the source are those of coverage.py without a configuration:
    `exclude_also` of the project is not known here. Branches are not judged, because the data names only those
    that were taken; the JSON report knows both.
    """

    kind: ClassVar[str] = "coverage-data"
    part: ClassVar[str] = "coverage"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is coverage.py's own data."""
        return opening.text.startswith("SQLite format 3\0")

    def read(self, path: Path, root: Path) -> Coverage:
        """Return the coverage, paths relative to the project.

        Raises:
            EvidenceMissing: there is no such file.
            EvidenceUnreadable: no data of coverage.py, hostile, measured nothing, or a source that is not there.
        """
        return of_shards((path,), root)


def of_shards(paths: Sequence[Path], root: Path, wanted: Collection[str] | None = None) -> Coverage:
    """Return the coverage over several data files; each source is looked at once.

    Args:
        paths: one data file a shard; each may have run in another folder.
        root: the project.
        wanted: files to read, relative to the project; None for all. Of the others nothing is read.

    Raises:
        EvidenceMissing: a data file is missing.
        EvidenceUnreadable: as for one file; with the file it concerns.
    """
    ran: dict[str, int] = {}
    for path in paths:
        try:
            for name, bits in _shard(path, root, wanted):
                ran[name] = ran.get(name, 0) | bits
        except (sqlite3.Error, Refused, UnicodeError, OverflowError, TypeError) as error:
            raise EvidenceUnreadable(
                f"{path.name} cannot be read as data of coverage.py", where=str(path), why=str(error)
            ) from None
    if not ran and wanted is None:
        where = ", ".join(map(str, paths))
        raise EvidenceUnreadable("the data of coverage.py carries no verdict", where=where, why="it measured no file")
    return Coverage(files=tuple(_file(root, name, ran[name]) for name in sorted(ran)))


def _shard(path: Path, root: Path, wanted: Collection[str] | None) -> Iterator[tuple[str, int]]:
    """Yield (file, executed lines) of one data file."""
    if not path.is_file():
        raise EvidenceMissing(f"{path.name} is missing", where=str(path))
    if path.stat().st_size > _LIMIT_BYTES:
        raise Refused(f"more than {_LIMIT_BYTES:,} bytes")
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        database.execute("PRAGMA trusted_schema = OFF")
        arcs = _checked(database)
        for key, name in _measured(database, root, wanted):
            yield (
                name,
                _arc_lines(database.execute(_ARCS, (key,)))
                if arcs
                else _bits(numbits for (numbits,) in database.execute(_NUMBITS, (key,))),
            )


def _checked(database: sqlite3.Connection) -> bool:
    """Return whether the data holds arcs; raises Refused for a database that is something else."""
    kinds = {kind for (kind,) in database.execute("SELECT type FROM sqlite_master")}
    if not kinds <= {"table", "index"}:
        raise Refused("it holds views or triggers")
    versions = database.execute("SELECT version FROM coverage_schema LIMIT 2").fetchall()
    if versions != [(_SCHEMA,)]:
        raise Refused(f"its schema is {versions}, and {_SCHEMA} is known")
    arcs = database.execute("SELECT 1 FROM arc LIMIT 1").fetchone() is not None
    if arcs and database.execute("SELECT 1 FROM line_bits LIMIT 1").fetchone() is not None:
        raise Refused("it holds both lines and arcs")
    return arcs


def _measured(database: sqlite3.Connection, root: Path, wanted: Collection[str] | None) -> Iterable[tuple[int, str]]:
    """Return (key, path relative to the project) of the files asked for."""
    places = Places(root)
    ends = database.execute("SELECT min(path), max(path) FROM file").fetchone()
    if wanted is not None and None not in ends:
        prefixes = {name.removesuffix(places.find(name)) for name in map(str, ends)}
        if len(prefixes) == 1:  # what the first and the last of sorted names begin with, all of them do
            (prefix,) = prefixes
            query = "SELECT id FROM file WHERE path = ?"
            return [(key, name) for name in wanted for (key,) in database.execute(query, (prefix + name,))]
    rows = ((key, places.find(str(name))) for key, name in database.execute("SELECT id, path FROM file"))
    return [(key, name) for key, name in rows if wanted is None or name in wanted]


def _bits(blobs: Iterable[bytes]) -> int:
    """Return the union of sets of lines: bit n of a little-endian blob is line n (coverage.numbits)."""
    found = 0
    for blob in blobs:
        if len(blob) > LAST_LINE // 8:
            raise Refused(f"a line beyond {LAST_LINE:,}")
        found |= int.from_bytes(blob, "little")
    return found


def _arc_lines(rows: Iterable[tuple[int, int]]) -> int:
    """Return the lines at either end of an arc; a number below one is where a block is entered or left."""
    found = {line for row in rows for line in row if line > 0}
    if found and max(found) > LAST_LINE:
        raise Refused(f"a line beyond {LAST_LINE:,}")
    return bits_of(found)


def _file(root: Path, name: str, ran: int) -> FileCoverage:
    source = _source(root / name)
    code = bits_of(source.code)
    covered = bits_of({source.starts.get(line, line) for line in lines_of(ran)}) & code
    return FileCoverage(path=name, covered=covered, missing=code & ~covered)


@lru_cache(maxsize=20_000)
def _source(path: Path) -> SourceLines:
    if path.suffix not in (".py", ".pyw"):
        raise EvidenceUnreadable(
            "data of coverage.py does not say which lines of a template can run",
            where=str(path),
            fix="leave the JSON report instead: `coverage json`",
        )
    try:
        text = read_limited(path, _SOURCE_LIMIT_BYTES).decode("utf-8", "replace")
    except TruegreenError as error:
        raise EvidenceUnreadable(
            "a measured source is not there, so its lines are not known", where=str(path), why=error.what
        ) from None
    return source_lines(text.removeprefix("\ufeff").replace("\r\n", "\n"), path.name)

"""Reader of coverage.py's own data files (`.coverage`, SQLite, schema 7), with or without arcs and contexts."""

from __future__ import annotations

import json
import os
import posixpath
import sqlite3
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar

from truegreen.errors import EvidenceMissing, EvidenceUnreadable
from truegreen.ingest._checkout import Checkout
from truegreen.ingest._coverage import LAST_LINE, Places
from truegreen.ingest._sources import Source, sources
from truegreen.ingest._state import beyond_end
from truegreen.ingest._xml import Refused
from truegreen.model.coverage import Coverage, FileCoverage, bits_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from truegreen.ingest.opening import Opening

_SCHEMA = 7
_ALL_OTHERS = -1
"""As a bit set it holds every line: the source was looked at, and no line of it can be missing."""
_LIMIT_BYTES = 2 << 30
_AMONG = "WHERE file_id IN (SELECT value FROM json_each(?))"
_ENDS = "SELECT (SELECT min(path) FROM file), (SELECT max(path) FROM file)"
_FILES = "SELECT json_group_array(json_array(id, path)) FROM file"
_FILES_NAMED = "SELECT id, path FROM file WHERE path IN (SELECT value FROM json_each(?))"
_DEEPER = "SELECT 1 FROM file WHERE instr(substr(path, ?), '/') LIMIT 1"
_LONGEST = "SELECT max(length(numbits)) FROM line_bits {}"
_NUMBITS = "SELECT file_id, numbits FROM line_bits {}"
_ARCS = "SELECT file_id, fromno, tono FROM arc {} ORDER BY file_id"


class CoverageDataReader:
    """Reads which lines ran; which could have run comes from the source, since the data does not say.

    All contexts count together. The lines of the source are those of coverage.py without a configuration:
    `exclude_also` of the project is not known here. Branches are not judged, because the data names only those
    that were taken; the JSON report knows both. The lines of a source are found out once: the cache folder
    remembers them by the content of the source (`TRUEGREEN_CACHE`), and who loses it loses time alone.
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
            EvidenceUnreadable: no data of coverage.py, hostile, measured nothing, a source that is not there,
                or one in another state.
        """
        return of_shards((path,), root)

    def read_shards(self, paths: Sequence[Path], root: Path) -> Coverage:
        """Return the coverage over several files at once; raises as for one of them, and names it."""
        return of_shards(paths, root)


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
    names = _Names(root)
    for path in paths:
        try:
            _shard(path, names, wanted, ran)
        except (sqlite3.Error, Refused, UnicodeError, OverflowError, TypeError) as error:
            raise EvidenceUnreadable(
                f"{path.name} cannot be read as data of coverage.py", where=str(path), why=str(error)
            ) from None
    if not ran and wanted is None:
        where = ", ".join(map(str, paths))
        raise EvidenceUnreadable("the data of coverage.py carries no verdict", where=where, why="it measured no file")
    merged: dict[str, int] = {}
    for path_there, bits in ran.items():
        name = names.of(path_there)
        merged[name] = merged.get(name, 0) | bits
    found = sorted(merged)
    every = sources(root, found)
    for name, source in zip(found, every, strict=True):
        if merged[name].bit_length() - 1 > source.lines:
            raise beyond_end(paths[0], name, merged[name].bit_length() - 1, source.lines)
    return Coverage(files=tuple(map(_file, found, every, map(merged.__getitem__, found))))


def _file(name: str, source: Source, ran: int) -> FileCoverage:
    covered, missing = source.judged(ran)
    return FileCoverage(path=name, covered=covered, missing=missing, excluded=_ALL_OTHERS)


def _shard(path: Path, names: _Names, wanted: Collection[str] | None, ran: dict[str, int]) -> None:
    """Add the executed lines of one data file, by the path that stands in it."""
    if not path.is_file():
        raise EvidenceMissing(f"{path.name} is missing", where=str(path))
    if path.stat().st_size > _LIMIT_BYTES:
        raise Refused(f"more than {_LIMIT_BYTES:,} bytes")
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        database.execute("PRAGMA trusted_schema = OFF")
        arcs = _checked(database)
        files = names.measured(database, wanted)
        names.tell_apart(files.values(), asked=wanted is not None)
        ran.update(dict.fromkeys(set(files.values()).difference(ran), 0))  # also those of which no line ran
        among, keys = ("", ()) if wanted is None else (_AMONG, (json.dumps(list(files)),))
        if (database.execute(_LONGEST.format(among), keys).fetchone()[0] or 0) > LAST_LINE // 8:
            raise Refused(f"a line beyond {LAST_LINE:,}")
        rows = database.execute((_ARCS if arcs else _NUMBITS).format(among), keys) if files else ()
        try:
            if arcs:
                for key, pairs in groupby(rows, key=itemgetter(0)):
                    ran[files[key]] |= _arc_lines(pairs)
                return
            bits_of_blob = int.from_bytes  # bit n of a little-endian blob is line n (coverage.numbits)
            for key, numbits in rows:
                ran[files[key]] |= bits_of_blob(numbits, "little")
        except KeyError:
            raise Refused("it holds lines of a file that it does not name") from None


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


class _Names:
    """From the paths in data files, which may have been written in other folders, to files of the project."""

    def __init__(self, root: Path) -> None:
        self._root = os.fspath(root)
        self._homes = {root.as_posix().rstrip("/"), root.resolve().as_posix().rstrip("/")}
        self._places = Places(root)
        self._prefixes: set[str] = set()
        """What stands before the project's own paths."""
        self._found: dict[str, str] = {}
        self._apart: set[str] = set()
        """Paths of one shard that were told apart; most shards name the same."""
        self._last: tuple[str, dict[int, str]] = ("", {})
        """What the last shard said of its files, and what that means."""

    def tell_apart(self, paths: Collection[str], *, asked: bool) -> None:
        """Refuse paths of one shard that would be the same file, or none of the project.

        Args:
            paths: as they stand in the data.
            asked: whether they are those that were asked for, of more.
        """
        if self._apart.issuperset(paths):
            return
        known: dict[str, str] = {}
        checkout = Checkout()
        for path in paths:
            name = self.of(path)
            if known.setdefault(name, path) != path:
                raise Refused(f"{known[name][:200]} and {path[:200]} would both be {name[:200]}")
            left_out = self._left_out(path, name)
            checkout.take(path, name, left_out, alone=not left_out)
        if not asked:
            checkout.settle()
        self._apart = set(paths)

    def _left_out(self, path: str, name: str) -> str:
        """Return what stands before the project's own path, where that is not this very project."""
        plain = path if path.endswith(name) else path.replace("\\", "/")
        before = plain[: -len(name)].rstrip("/") if plain.endswith(f"/{name}") else ""
        return "" if before in self._homes else before

    def measured(self, database: sqlite3.Connection, wanted: Collection[str] | None) -> dict[int, str]:
        """Return key → path, as it is in the data, of the files asked for; raises Refused as `Places` does."""
        self._places.forget()
        prefix = self._prefix(database)
        if wanted is None or prefix is None:
            files = self._all(database)
            return files if wanted is None else {key: path for key, path in files.items() if self.of(path) in wanted}
        if not database.execute(_DEEPER, (len(prefix) + 1,)).fetchone():
            self._places.settle()
        paths = {prefix + name: name for name in wanted}
        self._found.update(paths)
        return dict(database.execute(_FILES_NAMED, (json.dumps([*paths]),)))

    def _all(self, database: sqlite3.Connection) -> dict[int, str]:
        """Return key → path of all files; what reads the same as in the last shard is not taken apart again."""
        told = database.execute(_FILES).fetchone()[0]
        if told != self._last[0]:
            self._last = told, dict(json.loads(told))
        return self._last[1]

    def of(self, path: str) -> str:
        """Return the path relative to the project."""
        if path not in self._found:
            if not isinstance(path, str):  # a column of SQLite holds what it was given
                raise Refused("a path that is no text")
            rests = (path[len(prefix) :] for prefix in self._prefixes if path.startswith(prefix))
            self._found[path] = next(filter(self._is_own, rests), "") or self._places.find(path)
        return self._found[path]

    def _prefix(self, database: sqlite3.Connection) -> str | None:
        """Return what stands before the project's own path in each of the paths; None where they differ in that."""
        ends = database.execute(_ENDS).fetchone()
        if None in ends:
            return None
        prefixes = {name.removesuffix(self._places.find(name)) for name in map(str, ends)}
        self._prefixes |= prefixes
        # What the first and the last of sorted names begin with, all of them do.
        return prefixes.pop() if len(prefixes) == 1 else None

    def _is_own(self, name: str) -> bool:
        """Return whether a name is that of a file of the project, and written in the one way there is."""
        plain = (
            ("\\" not in name or os.sep == "/")
            and not name.startswith(("/", "../"))
            and posixpath.normpath(name) == name
        )
        return plain and os.path.isfile(f"{self._root}/{name}")  # noqa: PTH113 - asked very often


def _arc_lines(rows: Iterable[tuple[int, int, int]]) -> int:
    """Return the lines at either end of an arc; a number below one is where a block is entered or left."""
    found = {line for _, *ends in rows for line in ends if line > 0}
    if found and max(found) > LAST_LINE:
        raise Refused(f"a line beyond {LAST_LINE:,}")
    return bits_of(found)

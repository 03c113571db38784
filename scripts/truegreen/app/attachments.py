"""Files that tests leave (pictures, traces, videos): kept with the evidence, and laid beside the report."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import TruegreenError, WrongValue
from truegreen.ingest import junit_output
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from truegreen.model.verdict import KeptFile, Report, StageReport

FOLDER = "attachments"
TYPES: dict[str, tuple[bytes, ...]] = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".gif": (b"GIF8",),
    ".webp": (b"RIFF",),
    ".webm": (b"\x1a\x45\xdf\xa3",),
    ".mp4": (b"\x00\x00\x00",),
    ".zip": (b"PK\x03\x04",),
    ".txt": (b"",),
    ".log": (b"",),
}
"""Suffix → how such a file begins. None of them is a page, whose scripts would read the files beside it."""
FILE_BYTES, ALL_BYTES, FILES_MAX = 20 << 20, 100 << 20, 200
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_CHARS, _TEST_CHARS = 120, 80
_CLOCK_S = 0.1
"""How far the time of a file may lie before the clock's: file systems count in steps."""
_TOLD = 5


def collect(
    root: Path, patterns: Sequence[str], out: Path, since_s: float, results: Iterable[Path] = ()
) -> tuple[str, ...]:
    """Copy what tests left since a moment into a stage's evidence; returns notes about what was left out.

    Args:
        root: the project.
        patterns: globs relative to it.
        out: the stage's folder.
        since_s: seconds since the epoch; an older file is of another run.
        results: JUnit XML, of which the output of cases may name files as `[[ATTACHMENT|path]]`.

    Raises:
        WrongValue: a pattern is none, or leads out of the project.
    """
    keeper = _Keeper(out)
    refused, seen = [], set()
    for test, text in (pair for path in results for pair in junit_output.named_files(path)):
        found, why = _named(root, text, since_s)
        if found is None:
            refused.append(f"{text[:_NAME_CHARS]} ({why})")
        elif (test, found) not in seen:
            seen.add((test, found))
            # By its name the page knows whose it is.
            keeper.keep(found, f"{_slug(test)}_{found.name}")
    known = {path for _, path in seen}
    for path in _matching(root, patterns, since_s):
        if path not in known:
            keeper.keep(path, path.relative_to(root).as_posix())
    return (*_refusals(refused), *keeper.notes())


class _Keeper:
    """Copies files into the evidence of a stage, within the limits."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._kept, self._left_out, self._total = 0, 0, 0
        self._used: set[str] = set()

    def keep(self, path: Path, name: str) -> None:
        """Copy a file under a plain name, or count it as left out."""
        data = _content(path, path.suffix, min(FILE_BYTES, ALL_BYTES - self._total))
        if data is None or self._kept >= FILES_MAX:
            self._left_out += 1
            return
        plain = _unused(_UNSAFE.sub("_", name)[-_NAME_CHARS:].lstrip("._-"), self._used)
        files.write_atomic(self._out / FOLDER / plain, data)
        self._kept, self._total = self._kept + 1, self._total + len(data)

    def notes(self) -> tuple[str, ...]:
        """Return what was left out, and by which limits."""
        if not self._left_out:
            return ()
        words = "attachment is" if self._left_out == 1 else "attachments are"
        limits = (
            f"larger than {FILE_BYTES >> 20} MB, beyond {FILES_MAX} files or {ALL_BYTES >> 20} MB, or no known type"
        )
        return (f"{self._left_out:,} {words} not kept: {limits}",)


def _named(root: Path, text: str, since_s: float) -> tuple[Path | None, str]:
    """Return the file that a test names, or None and why it is not taken."""
    whole = root.resolve()
    inner = Path(text.replace("\\", "/"))
    if inner.is_absolute():
        bases = [base for base in (root, whole) if inner.is_relative_to(base)]
        inner = inner.relative_to(bases[0]) if bases else Path("..")
    if ".." in inner.parts:
        return None, "outside of the project"
    if {".git", ".truegreen"} & set(inner.parts):
        return None, "none of what tests leave"
    path = root / inner
    try:
        if path.resolve() != whole / inner:
            return None, "behind a link"
        if not path.is_file():
            return None, "no such file"
        return (path, "") if path.stat().st_mtime >= since_s - _CLOCK_S else (None, "older than the run")
    except (OSError, ValueError):
        return None, "cannot be read"


def _refusals(refused: list[str]) -> tuple[str, ...]:
    if not refused:
        return ()
    words = "file that a test names is" if len(refused) == 1 else "files that tests name are"
    more = f" and {len(refused) - _TOLD:,} more" if len(refused) > _TOLD else ""
    return (f"{len(refused):,} {words} not kept: {', '.join(refused[:_TOLD])}{more}",)


def _slug(test: str) -> str:
    return _UNSAFE.sub("_", test)[-_TEST_CHARS:].strip("_")


def _matching(root: Path, patterns: Sequence[str], since_s: float) -> Iterator[Path]:
    """Yield plain files of the project that match and are new, each once; what a link leads to is not the project's."""
    seen: set[Path] = set()
    whole = root.resolve()
    for pattern in patterns:
        if not pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            fix = "write a pattern relative to the project, such as test-results/**/*.png"
            raise WrongValue(f"the pattern {pattern!r} leads out of the project", where="attachments", fix=fix)
        for path in _found(root, pattern):
            inner = path.relative_to(root)
            if path in seen or {".git", ".truegreen"} & set(inner.parts) or path.resolve() != whole / inner:
                continue
            seen.add(path)
            if path.is_file() and path.stat().st_mtime >= since_s - _CLOCK_S:
                yield path


def _found(root: Path, pattern: str) -> list[Path]:
    try:
        return sorted(root.glob(pattern))
    except ValueError as error:
        fix = "write ** between slashes alone, as in test-results/**/*.png"
        raise WrongValue(f"{pattern!r} is no pattern", where="attachments", why=str(error), fix=fix) from None


def _unused(name: str, used: set[str]) -> str:
    chosen, number = name, 1
    while chosen in used:
        number += 1
        chosen = f"{number}-{name}"
    used.add(chosen)
    return chosen


def beside(report: Report, evidence: Path, folder: Path) -> Report:
    """Copy the attachments of the evidence into `folder/attachments` and return the report that links them.

    What is not what its stage left, or not what its name says, stays where it is: it is looked at, never judged.

    Args:
        report: the judged run.
        evidence: the folder with the stages' evidence.
        folder: of the report.
    """
    room = _Room()
    try:
        place = files.fresh_dir(folder / FOLDER)
        stages = tuple(_beside(stage, evidence, place, room) for stage in report.stages)
        if not any(place.iterdir()):
            place.rmdir()
    except (TruegreenError, OSError):  # a report without attachments is better than none
        return report
    return msgspec.structs.replace(report, stages=stages)


class _Room:
    """What may still be copied."""

    def __init__(self) -> None:
        self.bytes, self.files = ALL_BYTES, FILES_MAX


def _beside(stage: StageReport, evidence: Path, place: Path, room: _Room) -> StageReport:
    kept = tuple(_copied(file, evidence, place, room) for file in stage.files)
    names = [PurePosixPath(file.path).name for file in kept if file.attachment]
    if not names:
        return stage
    more = f" and {len(names) - _TOLD:,} more" if len(names) > _TOLD else ""
    note = f"attachments beside report.html: {', '.join(names[:_TOLD])}{more}"
    return msgspec.structs.replace(stage, files=kept, notes=(*stage.notes, note))


def _copied(file: KeptFile, evidence: Path, place: Path, room: _Room) -> KeptFile:
    path = PurePosixPath(file.path)
    if path.parent.name != FOLDER or room.files < 1:
        return file
    source = evidence / path
    try:
        inside = source.resolve() == evidence.resolve() / path
    except (OSError, ValueError):
        return file
    data = _content(source, path.suffix, min(FILE_BYTES, room.bytes)) if inside else None
    if data is None or hashlib.sha256(data).hexdigest() != file.sha256:
        return file
    name = f"{file.sha256[:12]}-{_UNSAFE.sub('_', path.name)[-_NAME_CHARS:]}"
    files.write_atomic(place / name, data)
    room.bytes, room.files = room.bytes - len(data), room.files - 1
    return msgspec.structs.replace(file, attachment=f"{FOLDER}/{name}")


def _content(path: Path, suffix: str, limit_bytes: int) -> bytes | None:
    """Return a file that is what its suffix says; None for any other, or one that is too large or cannot be read."""
    begins = TYPES.get(suffix.lower())
    if begins is None or limit_bytes < 1:
        return None
    try:
        data = files.read_limited(path, limit_bytes)
    except (TruegreenError, OSError, ValueError):
        return None
    return data if data.startswith(begins) else None

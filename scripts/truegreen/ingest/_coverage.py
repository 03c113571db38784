"""What readers of coverage share: lines of one file at a time, and where that file lies in the project."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from truegreen.analysis import merge
from truegreen.errors import EvidenceUnreadable
from truegreen.ingest._checkout import Checkout
from truegreen.ingest._paths import absolute, relative
from truegreen.ingest._state import refuse_other_state
from truegreen.ingest._xml import Refused
from truegreen.model.coverage import Coverage, FileCoverage, bits_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LAST_LINE = 1_000_000
"""A line beyond this is no line of a source file, and a set of lines grows with the last one."""
_LINES_IN_ALL = 1_000_000_000
_SKIPPED = {"node_modules", "__pycache__"}
_FOREIGN = frozenset({"node_modules", "site-packages", "dist-packages"})
"""Folders of other people's code: a file below them is never the project's file of the same name."""


class Lines:
    """The lines and branches of one source file, as a report tells them one by one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._ran: dict[int, bool] = {}
        self._branches: dict[int, tuple[int, int]] = {}

    def __bool__(self) -> bool:
        """Return whether any line is known."""
        return bool(self._ran)

    def line(self, number: str, *, ran: bool) -> None:
        """Note a line; told twice, it is covered if it ran once."""
        line = whole(number, "a line number")
        if not 0 < line <= LAST_LINE:
            raise Refused(f"line {line} of {self.name} is impossible")
        self._ran[line] = ran or self._ran.get(line, False)

    def branches(self, number: str, covered: int, total: int) -> None:
        """Note the branches that leave a line; told twice, the fuller account stays."""
        if not 0 <= covered <= total:
            raise Refused(f"line {number} of {self.name} has {covered} of {total} branches covered")
        line = whole(number, "a line number")
        self._branches[line] = max((covered, total), self._branches.get(line, (0, 0)))

    def done(self, path: str) -> FileCoverage:
        """Return the record."""
        covered = bits_of(line for line, ran in self._ran.items() if ran)
        return FileCoverage(
            path=path,
            covered=covered,
            missing=bits_of(line for line, ran in self._ran.items() if not ran),
            branches=sum(total for _, total in self._branches.values()),
            covered_branches=sum(part for part, _ in self._branches.values()),
            counted=tuple((line, *self._branches[line]) for line in sorted(self._branches)),
        )


class Files:
    """The files of one report."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._places = Places(root)
        self._files: dict[str, FileCoverage] = {}
        self._last_lines = 0

    def add(self, lines: Lines, *folders: str) -> None:
        """Keep a file, or one more part of it, that is complete.

        Parts of one file are classes or tests. Branches that leave one line in two parts are different ones.

        Args:
            lines: what was told of it.
            folders: where its name may begin, the likeliest first.
        """
        file = lines.done(self._places.find(lines.name, *folders))
        self._last_lines += file.executable.bit_length()
        if self._last_lines > _LINES_IN_ALL:
            raise Refused(f"more than {_LINES_IN_ALL:,} lines")
        known = self._files.get(file.path)
        self._files[file.path] = file if known is None else _of_parts(known, file)

    def add_from(self, lines: Lines, sources: Sequence[str]) -> None:
        """Keep a file that is complete, and whose name begins at one of some folders, none likelier than another.

        Raises:
            Refused: it has lines, and is there in two of them.
        """
        fits = self._places.fits(lines.name, sources) if lines and len(sources) > 1 else []
        if len(fits) > 1:
            which = f"{lines.name[:200]} could be {fits[0]} or {fits[1]}"
            raise Refused(f"{which}: bring a report whose paths begin at the project, such as coverage.py's JSON")
        self.add(lines, *sources)

    def coverage(self, path: Path, *, has_branches: bool) -> Coverage:
        """Return the whole.

        Raises:
            EvidenceUnreadable: no line is in it, so nothing was measured, or its files may be those of other projects
                or of another state of this one.
        """
        try:
            self._places.settle()
        except Refused as error:
            raise EvidenceUnreadable(f"{path.name} carries no verdict", where=str(path), why=str(error)) from None
        if not any(file.executable for file in self._files.values()):
            raise EvidenceUnreadable(
                f"{path.name} carries no verdict", where=str(path), why="it measured nothing: no line is in it"
            )
        whole = merge.coverages([Coverage(files=tuple(self._files.values()), has_branches=has_branches)])
        return refuse_other_state(whole, path, self._root)


def _of_parts(one: FileCoverage, two: FileCoverage) -> FileCoverage:
    """Return one file of two parts that one report has of it: branches add up."""
    covered = one.covered | two.covered
    counted = {line: (part, whole) for line, part, whole in one.counted}
    for line, part, of in two.counted:
        before = counted.get(line, (0, 0))
        counted[line] = before[0] + part, before[1] + of
    return FileCoverage(
        path=one.path,
        covered=covered,
        missing=(one.missing | two.missing) & ~covered,
        branches=one.branches + two.branches,
        covered_branches=one.covered_branches + two.covered_branches,
        counted=tuple((line, *counted[line]) for line in sorted(counted)),
    )


class Places:
    """Finds the files of a report in the project: shards run in other folders, and some tools drop the first ones."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._found: dict[tuple[str, ...], str] = {}
        self._claims: dict[str, str] = {}
        """Path → what was found there: the path itself, or the name for which it is the best guess."""
        self._checkout = Checkout()

    def forget(self) -> None:
        """Begin another report: it ran elsewhere, and what it names may be the same files."""
        self._found.clear()
        self._claims.clear()
        self._checkout = Checkout()

    def settle(self) -> None:
        """End a report; raises Refused where what was guessed is not borne out by the rest of it."""
        self._checkout.settle()

    def find(self, name: str, *folders: str) -> str:
        """Return a path relative to the project.

        The name is tried as it is and below each folder; then without its first parts, then below any folder of
        the project. A name that is found nowhere stays as it is. `Checkout` says when parts may be left out.

        Raises:
            Refused: it lies outside the project, is no path, or is taken for the same file as another name.
        """
        key = (name, *folders)
        if key not in self._found:
            exact, path, left_out = self._find(name, folders)
            claim = path if exact else posixpath.normpath("/".join((*folders[:1], name.replace("\\", "/"))))
            other = self._claims.setdefault(path, claim)
            if other != claim:
                both = f"{name[:200]} and {other[:200]} would both be {path} of the project"
                raise Refused(f"{both}: leave files of other projects out of the report")
            self._checkout.take(name, path, left_out, alone=exact and not any(map(absolute, folders)))
            self._found[key] = path
        return self._found[key]

    def fits(self, name: str, folders: Iterable[str]) -> list[str]:
        """Return the files of the project that a name is in some folders."""
        paths = (relative(f"{folder.rstrip('/')}/{name}", self._root) for folder in folders)
        return [path for path in dict.fromkeys(paths) if path and self._is_file(path)]

    def _find(self, name: str, folders: tuple[str, ...]) -> tuple[bool, str, str]:
        """Return whether a name says where its file lies, the path, and the first parts that a guess left out."""
        if "\\" in name and (own := self._as_written(name)):
            return True, own, ""
        plain = name.replace("\\", "/")
        whole_path = absolute(plain)
        candidates = [plain] if whole_path else [*(f"{folder.rstrip('/')}/{plain}" for folder in folders), plain]
        inside = [path for path in (relative(one, self._root) for one in candidates) if path]
        known = next((path for path in inside if self._is_file(path)), "")
        if known:
            elsewhere = "" if whole_path or len(inside) > 1 else self._elsewhere(folders)
            return not elsewhere, known, elsewhere
        guesses = (self._without_first_parts(one) for one in candidates)
        left_out, guessed = next((guess for guess in guesses if guess[1]), ("", ""))
        if not guessed and not whole_path and inside:
            guessed = self._below_any(inside[-1])
        if not guessed and not inside:
            raise Refused(f"{name[:200]} lies outside the project")
        return not guessed, guessed or inside[0 if whole_path else -1], left_out

    def _elsewhere(self, folders: tuple[str, ...]) -> str:
        """Return the folder of another machine in which a relative name begins; empty where that is not known."""
        own = ["/" + "/".join(_parts(folder)) for folder in folders if absolute(folder.replace("\\", "/"))]
        return own[0] if len(own) == len(folders) == 1 else ""

    def _is_file(self, path: str) -> bool:
        try:
            return (self._root / path).is_file()
        except (OSError, ValueError):
            return False

    def _as_written(self, name: str) -> str:
        """Return the path of a file with a backslash in its name, where such names are possible; else nothing."""
        path = posixpath.normpath(name.removeprefix(f"{self._root.as_posix().rstrip('/')}/"))
        inside = os.sep == "/" and not path.startswith(("/", "../"))
        return path if inside and self._is_file(path) else ""

    def _without_first_parts(self, path: str) -> tuple[str, str]:
        """Return the parts to leave out, and what is left: a file of the project; nothing where there is none."""
        start = "/" if absolute(path) else ""
        parts = _parts(path)
        if ".." in parts or _FOREIGN.intersection(parts):
            return "", ""
        cuts = ((start + "/".join(parts[:cut]), "/".join(parts[cut:])) for cut in range(1, len(parts)))
        fits = [(before, tail) for before, tail in cuts if self._is_file(tail)]
        return next((fit for fit in fits if self._checkout.at(fit[0])), fits[0] if fits else ("", ""))

    def _below_any(self, path: str) -> str:
        """Return the one file of the project that ends with a path; empty when there is none or a choice."""
        if _FOREIGN.intersection(PurePosixPath(path).parts):
            return ""
        ends = [known for known in self._by_name.get(PurePosixPath(path).name, ()) if known.endswith(f"/{path}")]
        return ends[0] if len(ends) == 1 else ""

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for folder, folders, names in os.walk(self._root):
            folders[:] = [one for one in folders if one not in _SKIPPED and not one.startswith(".")]
            below = Path(folder).relative_to(self._root)
            for name in names:
                found[name].append((below / name).as_posix())
        return found


def _parts(path: str) -> list[str]:
    return [part for part in PurePosixPath(path.replace("\\", "/")).parts if part not in ("/", ".")]


def whole(text: str, what: str) -> int:
    """Return a number as reports write it: digits, or digits and a zero fraction.

    Raises:
        Refused: it is something else.
    """
    digits = text.strip().removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):  # noqa: PLR2004 - beyond any counter
        raise Refused(f"{what} is {text[:40]!r}")
    return int(digits)


def ran(text: str) -> bool:
    """Return whether a counter is above zero; raises Refused for what is no counter."""
    return whole(text, "a count") > 0

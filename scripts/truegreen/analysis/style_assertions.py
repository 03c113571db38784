"""Whether a test can fail by more than an exception; what cannot be told counts as an assertion."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.analysis.style_read import Function, Group, Source

_ASSERTS = re.compile(
    r"(?i)assert|raises|warns|fail|expect|verif|check|should|ensure|match|must|compar|valid|confirm|deprecated_call"
    r"|recwarn|snapshot|regress|approv|benchmark|skip|doctest|golden|equal|run_?test"
)
"""Names of what asserts, in the libraries people use and by the words people choose."""
_MARKS = re.compile(r"(?i)pytest\.mark\.\w*(?:compar|regress|snapshot|image|benchmark|fail|skip|filterwarn|golden)")
_PLAIN = re.compile(
    r"pytest\.(?:mark|fixture)\b.*|unittest\.(?:skip.*|mock\.patch.*)|mock\.patch.*|patch.*|staticmethod|classmethod"
    r"|(?:functools|contextlib|typing|typing_extensions|asyncio)\..*|override|parameterized.*"
)
"""Decorators that assert nothing."""
_FIXTURES = frozenset({
    "tmp_path", "tmp_path_factory", "tmpdir", "tmpdir_factory", "monkeypatch", "capsys", "capfd", "capsysbinary",
    "capfdbinary", "caplog", "request", "cache", "pytestconfig", "record_property", "record_testsuite_property",
    "mocker", "event_loop", "anyio_backend", "worker_id", "testrun_uid", "faker", "db", "self", "cls",
})  # fmt: skip
"""Fixtures of pytest and its plugins that assert nothing."""
_TEARDOWN = re.compile(r"(?i)(?:async)?tear_?down|do_?cleanups|cleanup")
_BASES = re.compile(r"object|ABC|Protocol|Generic|(?:\w+\.)*\w*TestCase|(?:\w+\.)*Enum")
"""Classes from elsewhere of which it is known what they assert."""

_MODULES = ("pytest", "unittest", "_pytest")
"""Modules with `test` in their names of which it is known what asserts."""


def bases(group: Group, sources: list[Source]) -> set[str]:
    """Return the names of a class's bases, those of its bases' bases among the sources included."""
    known = {one.name: one for source in sources for one in source.groups.values()}
    found: set[str] = set()
    waiting = [*group.bases]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        other = known.get(name.rpartition(".")[2])
        waiting += other.bases if other is not None else ()
    return found


class Assertions:
    """Which functions of the tests assert, by themselves or by what they use."""

    def __init__(self, sources: list[Source]) -> None:
        self._groups = {one.name: one for source in sources for one in source.groups.values()}
        self._sources = sources
        self._by_word: dict[str, bool] = {}
        functions = [one for source in sources for one in source.functions]
        self._fixtures = {one.fixture for one in functions if one.fixture}
        self._defined = {one.name for one in functions} | self._groups.keys()
        self._asserting = self._reached(functions)
        self._folders, self._everywhere = self._automatic()

    def of(self, source: Source, test: Function) -> bool:
        """Return whether a test asserts something, as far as can be told."""
        return (
            self._alone(test)
            or bool((test.words | test.given) & self._asserting)
            or self._decorated(source, test)
            or self._asked(source, test)
            or self._automatically(source)
            or self._unknown(source, test)
            or self._in_class(source, test)
        )

    def _alone(self, one: Function) -> bool:
        return one.asserts or any(map(self._speaks, one.words))

    def _speaks(self, word: str) -> bool:
        if word not in self._by_word:
            self._by_word[word] = _ASSERTS.search(word) is not None
        return self._by_word[word]

    def _reached(self, functions: list[Function]) -> set[str]:
        """Return the names of functions, fixtures and classes that assert, or use what does."""
        users: dict[str, list[Function]] = {}
        for one in functions:
            for word in one.words | {*one.parameters}:
                users.setdefault(word, []).append(one)
        waiting = [one for one in functions if self._alone(one)]
        seen, found = {*waiting}, set[str]()
        while waiting:
            one = waiting.pop()
            fresh = {one.name, one.fixture, one.owner.rpartition("::")[2]} - {""} - found
            found |= fresh
            more = {user for name in fresh for user in users.get(name, ())} - seen
            seen |= more
            waiting += more
        return found

    @staticmethod
    def _decorated(source: Source, test: Function) -> bool:
        groups = (source.groups[owner] for owner in _owners(test.owner) if owner in source.groups)
        names = (*test.decorators, *source.marks, *(name for group in groups for name in group.decorators))
        return any(_MARKS.search(name) or not _PLAIN.fullmatch(name) for name in names)

    def _asked(self, source: Source, test: Function) -> bool:
        """Return whether a test asks for a fixture that asserts, or is not known."""
        names = {*test.parameters} | source.given
        groups = [source.groups[owner] for owner in _owners(test.owner) if owner in source.groups]
        given = set().union(test.given, *(group.given for group in groups))
        if (names | given) & self._asserting:
            return True
        return any(one not in self._fixtures | _FIXTURES | given for one in test.parameters)

    def _automatically(self, source: Source) -> bool:
        folder = posixpath.dirname(source.path)
        while True:
            if folder in self._folders:
                return True
            if not folder:
                return self._everywhere or source.path in self._folders
            folder = posixpath.dirname(folder)

    def _automatic(self) -> tuple[set[str], bool]:
        """Return the files and folders in which something that runs for every test asserts; True for everywhere."""
        places: set[str] = set()
        everywhere = False
        for source in self._sources:
            for one in source.functions:
                runs = one.automatic or (source.path.endswith("conftest.py") and one.name.startswith("pytest_runtest"))
                if not runs or not (self._alone(one) or one.words & self._asserting):
                    continue
                name = posixpath.basename(source.path)
                if name == "conftest.py":
                    places.add(posixpath.dirname(source.path))
                elif "test" in name:
                    places.add(source.path)
                else:
                    everywhere = True
        return places, everywhere or "" in places

    def _unknown(self, source: Source, test: Function) -> bool:
        """Return whether a test uses something of a module of tests that was not read."""
        for word in test.names:
            name = source.aliases.get(word, "")
            if "test" in name and name.rpartition(".")[2] not in self._defined and not name.startswith(_MODULES):
                return True
        return any(name.startswith("* ") for name in source.aliases)

    def _in_class(self, source: Source, test: Function) -> bool:
        """Return whether a test's class, or one that is not known, may assert for it."""
        group = source.groups.get(test.owner)
        if group is None:
            return False
        names = bases(group, self._sources)
        foreign = {name for name in names if name.rpartition(".")[2] not in self._groups and not _BASES.fullmatch(name)}
        if foreign:
            return True
        mine = {group.name, *(name.rpartition(".")[2] for name in names)}
        return any(
            _TEARDOWN.match(one.name) and (self._alone(one) or one.words & self._asserting)
            for other in self._sources
            for one in other.functions
            if one.owner.rpartition("::")[2] in mine
        )


def _owners(owner: str) -> Iterator[str]:
    while owner:
        yield owner
        owner = owner.rpartition("::")[0]

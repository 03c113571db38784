"""How tests are written: loops made by hand, fixed waits, fixtures nobody uses, tests that assert nothing.

Sources are parsed, never executed. Where something cannot be told, nothing is said: what may be used counts as
used, and what may assert counts as an assertion.
"""

from __future__ import annotations

import math
import posixpath
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from truegreen.analysis import style_assertions, style_read, syntax
from truegreen.analysis.roots import module
from truegreen.model.style import Remark, StyleRule, StyleScan, TestFile, TestFunction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from truegreen.analysis.style_read import Function, Source, Wait

_SETUPS = re.compile(r"(?:async)?(?:set_?up|tear_?down)", re.IGNORECASE)
_LENT = re.compile(
    r"(?:django|celery|vcr|docker|browser|splinter|pytestbdd|faker|snapshot|httpserver|postgresql|redis|mysql|mongo"
    r"|sphinx|aiohttp|anyio|asyncio|trio|event_loop|live_server|chrome|firefox|selenium|sanic|pyramid|socket|testinfra"
    r"|kafka|rabbitmq|elasticsearch|localstack|aws|moto|schemathesis|tavern|unused_|non_mocked|assert_all)\w*"
    r"|app|apps|loop|base_url|sensitive_url|capabilities|driver_args|rootdir|worker_id|client|connection|engine"
    r"|\w+_(?:config|args|kwargs|options|settings|params|backend|policy|setup|address|locale|seed|proc|project_name)"
)
"""Names by which fixtures of plugins ask for others: a project that defines one may mean to set that plugin up."""
_BY_HAND = "event_loop"
_LENGTH = 200
"""Characters of a name; longer ones are cut."""


class Choices(NamedTuple):
    """What pytest collects, by its own options."""

    files: Sequence[str] = ("test_*.py", "*_test.py")
    classes: Sequence[str] = ("Test",)
    functions: Sequence[str] = ("test",)
    paths: Sequence[str] = ()
    """Where tests lie, as patterns; empty means everywhere. What lies elsewhere may still use what is defined there."""

    def judged(self, path: str) -> bool:
        """Return whether a file holds tests of the project, or lends fixtures to one that does."""
        if not self.paths:
            return True
        folder, _, name = path.rpartition("/")
        lends = name == "conftest.py" and any(
            f"{root}/".startswith(f"{folder}/" if folder else "") for root in self.paths
        )
        return lends or any(root in (".", path) or fnmatchcase(path, f"{root}/*") for root in self.paths)


def scan(
    texts: Mapping[str, str],
    choices: Choices,
    *,
    unread: Iterable[str] = (),
    elsewhere: Callable[[], Iterable[str]] = lambda: (),
) -> StyleScan:
    """Return what the sources of tests say.

    Args:
        texts: path → text of each file of tests, conftest files and helpers included.
        choices: what pytest collects.
        unread: files that could not be read, each as `path: reason`.
        elsewhere: gives the texts of all other files, which may ask for a fixture; called only where that matters.
    """
    sources, broken = [], [*unread]
    for path, text in sorted(texts.items()):
        try:
            sources.append(style_read.source(text, path))
        except syntax.UNREADABLE as error:
            broken.append(f"{path}: {str(error) or type(error).__name__}")
    mine = [source for source in sources if choices.judged(source.path)]
    tests = {source.path: [*_tests(source, choices, sources)] for source in mine}
    judge = style_assertions.Assertions(sources)
    dynamic = next(
        (f"{one.path}:{one.dynamic} asks for one by a name that is computed" for one in sources if one.dynamic), ""
    )
    unknown = f"{broken[0].partition(': ')[0]} could not be read" if broken else dynamic
    remarks = [*_loops(mine), *_waits(mine, sources, tests)]
    remarks += [] if unknown else _unused(mine, sources, elsewhere)
    return StyleScan(
        files=tuple(
            TestFile(
                source.path,
                tuple(
                    TestFunction(_id(one), one.line, judge.of(source, one), one.documented)
                    for one in tests[source.path]
                ),
            )
            for source in mine
        ),
        remarks=tuple(sorted(remarks)),
        allowed=tuple(one for source in mine for one in source.allowed),
        fixtures=sum(bool(one.fixture) for source in mine for one in source.functions),
        fixtures_unknown=unknown,
        unread=tuple(name for name in broken if choices.judged(name.partition(": ")[0])),
    )


def _tests(source: Source, choices: Choices, sources: list[Source]) -> Iterator[Function]:
    """Yield the functions of a file that pytest collects."""
    if not any(fnmatchcase(posixpath.basename(source.path), pattern) for pattern in choices.files):
        return
    for one in source.functions:
        if one.fixture or not _matches(one.name, choices.functions):
            continue
        owners = [*_around(one.owner)]
        if all(_collected(source, owner, choices, sources) for owner in owners):
            yield one


def _collected(source: Source, owner: str, choices: Choices, sources: list[Source]) -> bool:
    group = source.groups.get(owner)
    if group is None:
        return False
    if any(base.endswith("TestCase") for base in style_assertions.bases(group, sources)):
        return True
    return not group.left_out and _matches(group.name, choices.classes)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(name.startswith(one) or ("*" in one and fnmatchcase(name, one)) for one in patterns)


def _around(owner: str) -> Iterator[str]:
    """Yield a class and those around it, by their whole names."""
    while owner:
        yield owner
        owner = owner.rpartition("::")[0]


def _id(one: Function) -> str:
    return f"{one.owner}::{one.name}" if one.owner else one.name


def _loops(sources: list[Source]) -> Iterator[Remark]:
    for source in sources:
        for one in source.functions:
            if one.fixture == _BY_HAND:
                yield Remark(path=source.path, line=one.line, rule=StyleRule.EVENT_LOOP, what="fixture event_loop")
                continue
            for what, line in one.loops:
                yield Remark(path=source.path, line=line, rule=StyleRule.EVENT_LOOP, what=what)


def _waits(mine: list[Source], sources: list[Source], tests: Mapping[str, list[Function]]) -> Iterator[Remark]:
    """Yield fixed waits of tests, of fixtures, and of what they call and wait for in the same file."""
    constants = {
        f"{module(source.path)}.{name}": value for source in sources for name, value in source.constants.items()
    }
    for source in mine:
        if any(one.speaks_of_sleep for one in source.functions):  # somebody replaces it, so nothing waits
            continue
        known: dict[str, list[Function]] = {}
        for one in source.functions:
            known.setdefault(one.name, []).append(one)
        first = [one for one in source.functions if one.fixture or _SETUPS.match(one.name)]
        waiting, seen = [*first, *tests[source.path]], set()
        while waiting:
            one = waiting.pop()
            if id(one) in seen or {*one.parameters} & {"autojump_clock", "mock_clock"}:
                continue
            seen.add(id(one))
            waiting += [other for name in one.does for other in known.get(name, ())]
            for wait in one.waits:
                if 0 < (seconds := _seconds(wait, source, constants)) < math.inf:
                    what = f"{wait.what}({seconds:g})"
                    yield Remark(path=source.path, line=wait.line, rule=StyleRule.SLEEP, what=what, wait_s=seconds)


def _seconds(wait: Wait, source: Source, constants: Mapping[str, float]) -> float:
    """Return the seconds of a wait; 0 where they are not known."""
    if isinstance(wait.argument, float):
        return wait.argument
    if wait.argument in source.constants:
        return source.constants[wait.argument]
    top, _, rest = wait.argument.partition(".")
    name = f"{source.aliases.get(top, '')}.{rest}".strip(".")
    ends = (value for known, value in constants.items() if name and f".{known}".endswith(f".{name}"))
    return next(ends, 0.0)


def _unused(mine: list[Source], sources: list[Source], elsewhere: Callable[[], Iterable[str]]) -> list[Remark]:
    """Return the fixtures whose names nobody says, wherever they stand."""
    asked = set().union(*(source.asked for source in sources))
    found = [
        (source, one)
        for source in mine
        for one in source.functions
        if one.fixture and not one.automatic and one.fixture not in asked and not _set_up(one)
    ]
    if found:
        words: set[str] = set()
        for text in elsewhere():
            if "fixture" in text:
                words.update(re.findall(r"[^\W\d]\w*", text))
        found = [(source, one) for source, one in found if one.fixture not in words]
    return [
        Remark(path=source.path, line=one.line, rule=StyleRule.UNUSED_FIXTURE, what=_told(one.fixture))
        for source, one in found
    ]


def _told(name: str) -> str:
    """Return a name that its author wrote as a text, such that it can be written and shown."""
    return name[:_LENGTH].encode("utf-8", "replace").decode()


def _set_up(one: Function) -> bool:
    """Return whether a fixture may be there for a plugin: it overrides one, or is called like what plugins ask for."""
    return one.fixture in one.parameters or _LENT.fullmatch(one.fixture) is not None

"""From elements of JUnit XML to cases."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import count as count_up
from itertools import islice
from typing import TYPE_CHECKING

from truegreen.ingest import _junit_case
from truegreen.ingest._junit_case import BAD, OpenCase
from truegreen.ingest._junit_repeats import settle
from truegreen.ingest._junit_suite import Suite, count
from truegreen.ingest._paths import relative
from truegreen.ingest._xml import MAX_ATTRIBUTE, Refused, check
from truegreen.model.case_columns import Columns
from truegreen.model.case_table import split
from truegreen.model.testrun import Outcome, TestCase, TestRun

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from xml.parsers.expat import XMLParserType

_SUITES = ("testsuites", "testsuite")
_QUIET = frozenset({"properties", "system-out", "system-err"})
_OUTSIDE = frozenset({*_QUIET, "property", "skipped"})
"""Elements outside of cases that say nothing of a test."""
_USUAL = ("name", "classname", "time")
"""Attributes of the usual case, in whatever order a producer has."""
_LENGTH = 2 * len(_USUAL)


class Collector:
    """Collects the cases of one document.

    Nearly all cases have a name, a class and a time and nothing else, so those three go straight into lists, which
    move into the table after each chunk of the file. Only a case with more to tell becomes an `OpenCase`.
    """

    def __init__(self, root: Path) -> None:
        self.disagreements: list[str] = []
        self._root = root
        self._columns = Columns()
        self._suites: list[Suite] = []
        self._borders: list[tuple[int, Suite]] = []
        """From which row on which suite is the innermost one."""
        self._depth = 0
        """Of elements outside cases."""
        self._case: OpenCase | None = None
        self._node = ""
        self._keys: list[str | tuple[str, str]] = []
        """Of each new row: the name of its class, or its head and file."""
        self._names: list[str] = []
        self._times: list[str] = []
        self._lines: dict[int, int] = {}
        """Lines of new rows, where they are known."""
        self._heads: dict[str | tuple[str, str], int] = defaultdict(count_up().__next__)
        """Numbers heads in the order in which they come, as the columns do."""
        self._told: list[tuple[int, OpenCase]] = []
        """New rows of which there is more to tell."""
        self._records: dict[int, TestCase] = {}

    def connect(self, parser: XMLParserType) -> Callable[[], None]:  # noqa: C901 - a call here costs more than its work
        """Take the elements of a parser; returns what moves the new rows into the table."""
        self._parser = parser
        parser.ordered_attributes = True  # names and values in one list, which is made faster than a dict
        first, second, third, name, classname, time = _layout([])
        """Names of the usual case's attributes in their order, and where the values of three stand: as in the last."""
        level = 0
        """0 outside of cases, 1 in a case, more in its elements."""
        bare, usual = True, False
        case: list[str] = []
        """Attributes of the case that is open."""
        add_key, add_name, add_time = self._keys.append, self._names.append, self._times.append

        def start(tag: str, attributes: list[str]) -> None:
            nonlocal level, bare, usual, case, first, second, third, name, classname, time
            if level:
                level += 1
                bare = False
                self._inside(tag, _paired(attributes), level, case)
            elif tag == "testcase":
                level = 1
                case = attributes
                if (
                    usual
                    and len(case) == _LENGTH
                    and case[0] == first
                    and case[2] == second
                    and case[4] == third
                    and case[name]
                    and case[classname]
                ):
                    add_key(case[classname])
                    add_name(case[name])
                    add_time(case[time])
                else:
                    bare = self._begin(_paired(case))
                    first, second, third, name, classname, time = _layout(case)
            else:
                usual = self._outside(tag, _paired(attributes))
                if self._case is not None:
                    level, bare = 2, False

        def end(tag: str) -> None:
            nonlocal level, bare, usual
            if level == 1:
                level = 0
                if not bare:
                    self._close()
                    bare = True
            elif level:
                level -= 1
                if self._case is not None and self._ended(self._case, tag, level):
                    level, bare = 0, True
            else:
                usual = self._leave(tag)

        parser.StartElementHandler, parser.EndElementHandler = start, end
        return lambda: None if level else self._flush()

    def result(self) -> TestRun:
        """Return the cases in the order of the file."""
        return TestRun(cases=settle(self._columns, self._records, self._borders))

    # --- outside of cases -------------------------------------------------------------------------------------------

    def _outside(self, tag: str, attributes: dict[str, str]) -> bool:
        """Begin an element outside of cases; returns whether cases here can be of the usual kind."""
        self._depth += 1
        check(attributes, self._depth)
        if self._depth == 1 and tag not in _SUITES:
            raise Refused(f"the root element is {tag!r}, not testsuites or testsuite")
        if tag in _SUITES:
            self._suites.append(Suite(tag, attributes, self._rows()))
            self._borders.append((self._rows(), self._suites[-1]))
        elif tag in BAD:
            self._case = OpenCase({"name": "the suite itself", "classname": self._suites[-1].name}, self._suites[-1])
            self._case.of_suite = True
            self._add("", "", "", 0)
            self._start(self._case, tag, attributes)
        elif tag == "property" and attributes.get("name") == "go.version":
            self._suites[-1].go = True
        elif tag not in _OUTSIDE:
            _junit_case.refuse_verdict(tag)
        return not self._suites[-1].file

    def _leave(self, tag: str) -> bool:
        """End an element outside of cases; returns whether cases here can be of the usual kind."""
        self._depth -= 1
        if tag in _SUITES:
            self._close_suite()
        return not (self._suites and self._suites[-1].file)

    def _close_suite(self) -> None:
        suite = self._suites.pop()
        if text := suite.close(self._rows()):
            self.disagreements.append(text)
        if self._suites:
            self._suites[-1].absorb(suite)
            self._borders.append((self._rows(), self._suites[-1]))
        else:
            self.disagreements += suite.unexplained

    # --- cases ------------------------------------------------------------------------------------------------------

    def _begin(self, attributes: dict[str, str]) -> bool:
        """Begin a case that is not of the usual kind; returns whether there is nothing more to it so far."""
        check(attributes, self._depth + 1)
        if not self._suites:
            raise Refused("the root element is 'testcase', not testsuites or testsuite")
        classname = attributes.get("classname", "")
        file = relative(attributes.get("file", "") or self._suites[-1].file, self._root)
        head, name = _junit_case.place(classname, attributes.get("name", ""), file)
        line = count(attributes, "line") or count(attributes, "lineno") or 0
        self._add((head, file), name, attributes.get("time", ""), line)
        if "status" not in attributes and "result" not in attributes:
            return True
        self._case = OpenCase(attributes, self._suites[-1])
        return False

    def _add(self, key: str | tuple[str, str], name: str, time: str, line: int) -> None:
        if line:
            self._lines[len(self._names)] = line
        self._keys.append(key)
        self._names.append(name)
        self._times.append(time)

    def _inside(self, tag: str, attributes: dict[str, str], level: int, case: list[str]) -> None:
        """Begin an element inside a case, of which the attributes are told; `level` is 2 for its own children."""
        check(attributes, self._depth + level)
        if tag == "testcase" or tag in _SUITES:
            raise Refused(f"{tag} inside a testcase")
        if self._case is None:
            if tag in _QUIET:
                return
            if tag == "property":
                name = attributes.get("name", "")
                if name == "truegreen.nodeid":
                    self._node = attributes.get("value", "")
                if name == "truegreen.nodeid" or not name.startswith("truegreen."):
                    return
            self._case = OpenCase(_paired(case), self._suites[-1])
            self._case.node, self._case.depth = self._node, level - 2
        self._start(self._case, tag, attributes)

    def _start(self, case: OpenCase, tag: str, attributes: dict[str, str]) -> None:
        case.start(tag, attributes)
        if case.listening and case.detail is not None:
            self._parser.CharacterDataHandler = case.detail.add

    def _ended(self, case: OpenCase, tag: str, level: int) -> bool:
        """End an element inside a case; returns whether that was the whole of it."""
        case.end(tag)
        if not case.listening:
            self._parser.CharacterDataHandler = None
        if not case.of_suite or level > 1:
            return False
        self._close()
        self._depth -= 1
        return True

    def _close(self) -> None:
        """End a case of which there was more to tell, the last row so far."""
        case, node, row = self._case, self._node, len(self._names) - 1
        self._case, self._node = None, ""
        if case is not None:
            suite = self._suites[-1]
            self._told.append((row, case))
            outcome = case.close()  # as the totals count it
            if outcome is Outcome.SKIP:
                suite.skipped += 1
            elif outcome is not Outcome.PASS:
                suite.bad_cases += 1
            suite.bad_elements += case.bad_elements
            suite.subtests += case.subtests
            suite.own_errors += case.of_suite
        elif node:
            head, self._names[row] = split(node)
            key = self._keys[row]
            file = (key[1] if isinstance(key, tuple) else "") or _junit_case.file_of(node, self._root)
            self._keys[row] = (head, file)
            # pytest's own `line` counts from zero; the property tells that it is pytest.
            if row in self._lines:
                self._lines[row] += 1

    # --- into the table ---------------------------------------------------------------------------------------------

    def _rows(self) -> int:
        return len(self._columns) + len(self._names)

    def _flush(self) -> None:
        """Move new rows into the table; never called while a case is open."""
        if not self._names:
            return
        lines = [self._lines.get(row, 0) for row in range(len(self._names))] if self._lines else ()
        base = len(self._columns)
        length = self._columns.extend(self._numbered(self._keys), self._names, _durations(self._times), lines)
        if length > MAX_ATTRIBUTE and max(map(len, self._names)) > MAX_ATTRIBUTE:
            raise Refused(f"an attribute is longer than {MAX_ATTRIBUTE:,} characters")
        for row, case in self._told:
            self._records[base + row] = case.made(self._root, self._columns.durations_s[base + row])
        for column in (self._keys, self._names, self._times, self._lines, self._told):
            column.clear()

    def _numbered(self, keys: list[str | tuple[str, str]]) -> list[int]:
        """Return the number of each one's head; of some files each test has one of its own."""
        heads = self._heads
        before = len(heads)
        numbers = list(map(heads.__getitem__, keys))
        if new := len(heads) - before:
            self._add_heads([*islice(reversed(heads), new)][::-1])
        return numbers

    def _add_heads(self, keys: list[str | tuple[str, str]]) -> None:
        files: dict[int, str] = {}
        if set(map(type, keys)) == {str}:  # nearly always, and then there may be very many
            texts = [f"{key}::" for key in keys]
        else:
            texts = [f"{key}::" if isinstance(key, str) else key[0] for key in keys]
            files = {place: key[1] for place, key in enumerate(keys) if not isinstance(key, str)}
        if max(map(len, texts)) > MAX_ATTRIBUTE:
            raise Refused(f"an attribute is longer than {MAX_ATTRIBUTE:,} characters")
        self._columns.add_heads(texts, files)


def _paired(attributes: list[str]) -> dict[str, str]:
    """Return names and values that stand in one list as a table."""
    return dict(zip(attributes[::2], attributes[1::2], strict=True))


def _layout(attributes: list[str]) -> tuple[str, str, str, int, int, int]:
    """Return the names of a usual case's attributes, and where the values of name, class and time stand."""
    names = attributes[::2]
    if sorted(names) != sorted(_USUAL):
        return "", "", "", 1, 1, 1
    name, classname, time = (2 * names.index(one) + 1 for one in _USUAL)
    return names[0], names[1], names[2], name, classname, time


def _durations(times: list[str]) -> list[float]:
    """Return seconds; the common way is fast, and gives way where a single time is odd.

    Raises:
        Refused: one is longer than an attribute may be.
    """
    try:
        found = list(map(float, times))
    except ValueError:
        found = [math.nan]
    if min(found) >= 0 and math.isfinite(sum(found)):
        return found
    if max(map(len, times)) > MAX_ATTRIBUTE:
        raise Refused(f"an attribute is longer than {MAX_ATTRIBUTE:,} characters")
    return list(map(_junit_case.seconds, times))

"""From elements of JUnit XML to cases."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import msgspec

from truegreen.ingest._paths import relative
from truegreen.ingest._xml import Refused, Tail
from truegreen.model.testrun import Outcome, TestCase, TestRun

if TYPE_CHECKING:
    from pathlib import Path

TEXT_LIMIT = 16_000
"""Characters of one case's text; the end is kept, where the assertion is."""
MESSAGE_LIMIT = 2_000
_SUITES = ("testsuites", "testsuite")
_BAD = {"failure": Outcome.FAIL, "error": Outcome.ERROR}
_RERUNS = {
    "rerunFailure": Outcome.FAIL,
    "rerunError": Outcome.ERROR,
    "flakyFailure": Outcome.FAIL,
    "flakyError": Outcome.ERROR,
}
_ATTEMPTS = {str(outcome): outcome for outcome in Outcome}
_SKIPPING = frozenset({"notrun", "disabled", "skipped", "ignored", "suppressed"})
_FAILING = {"failed": Outcome.FAIL, "failure": Outcome.FAIL, "error": Outcome.ERROR, "errored": Outcome.ERROR}
_CTEST_SKIPS = ("SKIP_", "Disabled")
"""How the reason of a test that CTest skipped on purpose begins; all others could not be run."""
_SEVERITY = {Outcome.PASS: 0, Outcome.SKIP: 1, Outcome.FAIL: 2, Outcome.ERROR: 3}


class _Suite:
    """One suite while it is open: what it declares and what it holds at any depth."""

    def __init__(self, tag: str, attributes: dict[str, str], number: int) -> None:
        self.number = number
        self.label = f"{tag} {attributes['name']!r}" if attributes.get("name") else tag
        self.name = attributes.get("name", "")
        self.file = attributes.get("file", "")
        self.host = attributes.get("hostname", "")
        self.tests = _count(attributes, "tests") or 0
        self.declared_skipped = _count(attributes, "skipped") or 0
        self.failures = _count(attributes, "failures") or 0
        self.bad = self.failures + (_count(attributes, "errors") or 0)
        self.elements = 0
        """`testcase` elements."""
        self.skipped = 0
        self.bad_elements = 0
        """`failure` and `error` elements."""
        self.bad_cases = 0
        self.subtests = 0
        """Reports of subtests, which pytest counts as tests without an element of their own."""
        self.go = False
        """True when gotestsum wrote it, which counts a failed build twice: as a failure and as an error."""
        self.unexplained: list[str] = []
        """What inner suites declare and do not hold; an outer one may know why."""

    def absorb(self, inner: _Suite) -> None:
        """Add what a nested suite holds."""
        self.elements += inner.elements
        self.skipped += inner.skipped
        self.bad_elements += inner.bad_elements
        self.bad_cases += inner.bad_cases
        self.subtests += inner.subtests
        self.go = self.go or inner.go
        self.unexplained += inner.unexplained

    def close(self) -> str:
        """Return why failures must have been lost, and settle which missing tests can be explained.

        More cases than declared are no loss: dialects leave out of `tests` what failed to build or to set up
        (gotestsum, Mocha), todos (Jest), skipped tests, or further attempts (pytest-rerunfailures).
        """
        missing = self.tests - self.subtests - self.elements
        # Mocha counts skipped tests that it does not write; only its outermost suite says how many they are.
        unwritten = max(0, self.declared_skipped - self.skipped)
        if missing > unwritten:
            with_subtests = f" and {self.subtests:,} subtests" if self.subtests else ""
            self.unexplained.append(
                f"{self.label} declares {self.tests:,} tests, counted {self.elements:,}{with_subtests}"
            )
        elif missing > 0:
            self.unexplained.clear()
        declared = self.failures if self.go else self.bad
        if declared > max(self.bad_elements, self.bad_cases):
            return f"{self.label} declares {declared:,} failures and errors, counted {self.bad_elements:,}"
        return ""


class _Case:
    """One `testcase` while it is open."""

    def __init__(self, attributes: dict[str, str], suite: _Suite) -> None:
        self.name = attributes.get("name", "")
        self.classname = attributes.get("classname", "")
        self.file = attributes.get("file", "") or suite.file
        self.line = _count(attributes, "line") or _count(attributes, "lineno") or 0
        self.duration_s = _time(attributes.get("time", ""))
        self.node = ""
        self.unrun = attributes.get("status") == "notrun" and "result" not in attributes
        """CTest says of a test whose program is missing that it was skipped, and fails."""
        self.outcomes: list[Outcome] = []
        self.reruns: list[Outcome] = []
        self.repeated: tuple[Outcome, ...] = ()
        """All attempts, where a plugin of pytest repeated the test inside the session."""
        self.flaky = False
        self.message = ""
        self.detail: Tail | None = None
        """Made only when something failed: most cases have no text worth keeping."""
        self.bad_elements = 0
        self.subtests = 0
        self.skipped_subtests = 0
        self.depth = 0
        self.listening = False
        self.stated: Outcome | None = None
        for word in ("status", "result"):
            if word in attributes:
                self._state(attributes[word].lower())

    def _state(self, word: str) -> None:
        """Take an outcome that is said by an attribute."""
        self.stated = self.stated or _FAILING.get(word)
        if word in _SKIPPING:
            self.outcomes.append(Outcome.SKIP)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take an element inside the case."""
        self.depth += 1
        if self.depth == 1 and tag in _BAD:
            self._bad(_BAD[tag], attributes)
        elif self.depth == 1 and tag == "skipped":
            why = attributes.get("message", "")
            lost = self.unrun and bool(why) and not why.startswith(_CTEST_SKIPS)
            self.outcomes.append(Outcome.ERROR if lost else Outcome.SKIP)
            self.message = self.message or why[:MESSAGE_LIMIT]
        elif self.depth == 1 and tag in _RERUNS:
            self.reruns.append(_RERUNS[tag])
            self.flaky = self.flaky or tag.startswith("flaky")
            self._tell(attributes)
        elif tag == "property":
            self._property(attributes.get("name", ""), attributes.get("value", ""))

    def _property(self, name: str, value: str) -> None:
        """Take what our plugin knows and JUnit has no place for."""
        if name == "truegreen.nodeid":
            self.node = value
        elif name == "truegreen.attempts" and (
            known := [_ATTEMPTS[word] for word in value.split(",") if word in _ATTEMPTS]
        ):
            self.repeated = tuple(known)
        elif name == "truegreen.subtests":
            counts = [int(word) for word in value.split() if word.isascii() and word.isdigit() and len(word) <= 9]  # noqa: PLR2004
            self.subtests, self.skipped_subtests = counts if len(counts) == 2 else (0, 0)  # noqa: PLR2004

    def _bad(self, outcome: Outcome, attributes: dict[str, str]) -> None:
        self.outcomes.append(outcome)
        self.bad_elements += 1
        self._tell(attributes)

    def _tell(self, attributes: dict[str, str]) -> None:
        self.listening = True
        self.detail = self.detail or Tail(TEXT_LIMIT)
        self.message = self.message or (attributes.get("message") or attributes.get("type", ""))[:MESSAGE_LIMIT]

    def end(self, tag: str) -> None:
        """Leave an element inside the case."""
        self.depth -= 1
        if self.depth == 0 and (tag in _BAD or tag in _RERUNS):
            self.listening = False

    def outcome(self) -> Outcome:
        """Return what became of the case, by its elements first and its attributes second."""
        bad = [outcome for outcome in self.outcomes if outcome is not Outcome.SKIP]
        if Outcome.ERROR in bad:
            return Outcome.ERROR
        if bad:
            return Outcome.FAIL
        if self.stated is not None:
            return self.stated
        # A subtest that was skipped leaves its element in a test that passed.
        return Outcome.SKIP if len(self.outcomes) > self.skipped_subtests else Outcome.PASS

    def attempts(self) -> tuple[Outcome, ...]:
        """Return all attempts where reruns were made: surefire writes the first failure first."""
        last = self.outcome()
        if self.repeated:
            return (*self.repeated[:-1], last)
        if not self.reruns:
            return ()
        return (*self.reruns, Outcome.PASS) if last is Outcome.PASS else (last, *self.reruns)


class Collector:
    """Collects the cases of one document; a handler for `_xml.parse`."""

    def __init__(self, root: Path) -> None:
        self.disagreements: list[str] = []
        self._root = root
        self._suites: list[_Suite] = []
        self._case: _Case | None = None
        self._lost: _Case | None = None
        """An error of a suite itself, outside any case."""
        self._found: dict[str, TestCase] = {}
        self._homes: dict[str, _Suite] = {}
        """The innermost suite of each case."""
        self._depth = 0
        self._number = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        self._depth += 1
        if self._depth == 1 and tag not in _SUITES:
            raise Refused(f"the root element is {tag!r}, not testsuites or testsuite")
        inside = self._case or self._lost
        if inside is not None:
            if tag in (*_SUITES, "testcase"):
                raise Refused(f"{tag} inside a testcase")
            inside.start(tag, attributes)
        elif tag in _SUITES:
            self._number += 1
            self._suites.append(_Suite(tag, attributes, self._number))
        elif tag == "testcase":
            self._case = _Case(attributes, self._suites[-1])
        elif tag in _BAD:
            self._lost = _Case({"name": "the suite itself", "classname": self._suites[-1].name}, self._suites[-1])
            self._lost.start(tag, attributes)
        elif tag == "property" and attributes.get("name") == "go.version":
            self._suites[-1].go = True

    def end(self, tag: str) -> None:
        """End an element."""
        self._depth -= 1
        if tag == "testcase" and self._case is not None and self._case.depth == 0:
            self._close(self._case, counted=True)
            self._case = None
        elif self._case is not None:
            self._case.end(tag)
        elif self._lost is not None:
            self._lost.end(tag)
            if self._lost.depth == 0:
                self._close(self._lost, counted=False)
                self._lost = None
        elif tag in _SUITES:
            self._leave()

    def text(self, data: str) -> None:
        """Keep text of failures; captured output of passing tests is dropped as it streams by."""
        inside = self._case or self._lost
        if inside is not None and inside.listening and inside.detail is not None:
            inside.detail.add(data)

    def result(self) -> TestRun:
        """Return the cases in the order of the file."""
        return TestRun(cases=tuple(self._found.values()))

    def _leave(self) -> None:
        suite = self._suites.pop()
        if text := suite.close():
            self.disagreements.append(text)
        if self._suites:
            self._suites[-1].absorb(suite)
        else:
            self.disagreements += suite.unexplained

    def _close(self, case: _Case, *, counted: bool) -> None:
        made = self._made(case)
        suite = self._suites[-1]
        bad = made.outcome in (Outcome.FAIL, Outcome.ERROR)
        suite.bad_elements += case.bad_elements
        suite.bad_cases += bad
        if counted:
            suite.elements += 1
            suite.subtests += case.subtests
            suite.skipped += made.outcome is Outcome.SKIP
        made = self._apart(made, suite)
        known = self._found.get(made.id)
        self._found[made.id] = made if known is None else _worse(known, made)

    def _apart(self, made: TestCase, suite: _Suite) -> TestCase:
        """Return the case with a name of its own: one name in two suites is two tests.

        Playwright writes a suite for each browser, with its name as the host; Jest one for each file.
        """
        home = self._homes.setdefault(made.id, suite)
        if home is suite:
            return made
        first = made.id if not suite.host or suite.host == home.host else f"{made.id} [{suite.host}]"
        name, number = first, 2
        while self._homes.setdefault(name, suite) is not suite:
            name, number = f"{first} #{number}", number + 1
        return msgspec.structs.replace(made, id=name)

    def _made(self, case: _Case) -> TestCase:
        file = relative(case.file, self._root)
        if case.node and not file:
            head = case.node.partition("::")[0]
            file = relative(head, self._root) if head.endswith(".py") else ""
        outcome = case.outcome()
        told = case.detail.value().strip("\n") if case.detail else ""
        message = case.message or (told.strip().splitlines()[-1][:MESSAGE_LIMIT] if told.strip() else "")
        # pytest's own `line` counts from zero; the property tells that it is pytest.
        line = _failing_line(told, file) or (case.line + 1 if case.node and case.line else case.line)
        return TestCase(
            id=case.node or _name(case, file),
            outcome=outcome,
            duration_s=case.duration_s,
            file=file,
            line=line,
            message=message,
            detail=told,
            attempts=case.attempts(),
        )


def _worse(one: TestCase, two: TestCase) -> TestCase:
    """Return the worse of two reports of one test; a tie keeps the first, and the attempts are those of both."""
    worse = two if _SEVERITY[two.outcome] > _SEVERITY[one.outcome] else one
    # pytest-rerunfailures closes an element for each attempt; only the last one tells of them all.
    told = max(one.attempts, two.attempts, key=len)
    attempts = (*told[:-1], worse.outcome) if told else ()
    return worse if worse.attempts == attempts else msgspec.structs.replace(worse, attempts=attempts)


def _name(case: _Case, file: str) -> str:
    """Return `file::Class::name` where the file is known, else `classname::name`."""
    if not case.name and not case.classname:
        raise Refused("a testcase without a name")
    if not file:
        return "::".join(part for part in (case.classname, case.name) if part)
    module = file.removesuffix(".py").replace("/", ".")
    inner = case.classname[len(module) + 1 :] if case.classname.startswith(f"{module}.") else ""
    if inner or case.classname == module or not case.classname:
        return "::".join((file, *(part for part in inner.split(".") if part), case.name))
    return f"{file}::{case.classname}::{case.name}"


def _failing_line(detail: str, file: str) -> int:
    """Return the last line of the test's own file that a traceback names; 0 when none."""
    if not file or not detail:
        return 0
    places = re.findall(rf"(?:^|\s|\"|/){re.escape(file)}(?::|\", line )(\d{{1,7}})", detail)
    return int(places[-1]) if places else 0


def _count(attributes: dict[str, str], name: str) -> int | None:
    text = attributes.get(name)
    if text is None:
        return None
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None  # noqa: PLR2004


def _time(text: str) -> float:
    """Return seconds; thousands separators are understood, nonsense is 0."""
    try:
        value = float(text.replace(",", "") if "." in text else text.replace(",", "."))
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and value >= 0 else 0.0

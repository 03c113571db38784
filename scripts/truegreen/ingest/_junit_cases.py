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
_SEVERITY = {Outcome.PASS: 0, Outcome.SKIP: 1, Outcome.FAIL: 2, Outcome.ERROR: 3}


class _Suite:
    """One suite while it is open: what it declares and what it holds."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.name = attributes.get("name", "")
        self.file = attributes.get("file", "")
        self.tests = _count(attributes, "tests")
        self.bad = _sum(_count(attributes, "failures"), _count(attributes, "errors"))
        self.elements = 0
        """`testcase` elements at any depth."""
        self.skipped = 0
        self.bad_elements = 0
        """`failure` and `error` elements at any depth."""
        self.subtests = 0
        """Reports of subtests, which pytest counts as tests without an element of their own."""
        self.bad_cases: set[str] = set()
        self.ids: set[str] = set()

    def absorb(self, inner: _Suite) -> None:
        """Add what a nested suite holds."""
        self.elements += inner.elements
        self.skipped += inner.skipped
        self.bad_elements += inner.bad_elements
        self.subtests += inner.subtests
        self.bad_cases |= inner.bad_cases
        self.ids |= inner.ids

    def disagreement(self) -> str:
        """Return declared against counted, where they cannot both be true."""
        label = f"{self.tag} {self.name!r}" if self.name else self.tag
        # pytest counts a test whose call and teardown both fail once, and writes it twice; some dialects
        # leave skipped cases out of `tests`.
        held = (self.elements, len(self.ids), self.elements - self.skipped)
        if self.tests is not None and self.tests - self.subtests not in held:
            with_subtests = f" and {self.subtests:,} subtests" if self.subtests else ""
            return f"{label} declares {self.tests:,} tests, counted {self.elements:,}{with_subtests}"
        if self.bad is not None and self.bad not in (self.bad_elements, len(self.bad_cases)):
            return f"{label} declares {self.bad:,} failures and errors, counted {self.bad_elements:,}"
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
        self.outcomes: list[Outcome] = []
        self.reruns: list[Outcome] = []
        self.repeated: tuple[Outcome, ...] = ()
        """All attempts, where a plugin of pytest repeated the test inside the session."""
        self.flaky = False
        self.message = ""
        self.detail: Tail | None = None
        """Made only when something failed: most cases have no text worth keeping."""
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
            self.outcomes.append(Outcome.SKIP)
            self.message = self.message or attributes.get("message", "")[:MESSAGE_LIMIT]
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
        self._depth = 0

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
            self._suites.append(_Suite(tag, attributes))
        elif tag == "testcase":
            self._case = _Case(attributes, self._suites[-1])
        elif tag in _BAD:
            self._lost = _Case({"name": "the suite itself", "classname": self._suites[-1].name}, self._suites[-1])
            self._lost.start(tag, attributes)

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
        if text := suite.disagreement():
            self.disagreements.append(text)
        if self._suites:
            self._suites[-1].absorb(suite)

    def _close(self, case: _Case, *, counted: bool) -> None:
        made = self._made(case)
        suite = self._suites[-1]
        bad = [outcome for outcome in case.outcomes if outcome is not Outcome.SKIP]
        suite.bad_elements += len(bad)
        if made.outcome in (Outcome.FAIL, Outcome.ERROR):
            suite.bad_cases.add(made.id)
        if counted:
            suite.elements += 1
            suite.subtests += case.subtests
            suite.skipped += made.outcome is Outcome.SKIP
            suite.ids.add(made.id)
        known = self._found.get(made.id)
        self._found[made.id] = made if known is None else _worse(known, made)

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


def _sum(one: int | None, two: int | None) -> int | None:
    return None if one is None and two is None else (one or 0) + (two or 0)


def _time(text: str) -> float:
    """Return seconds; thousands separators are understood, nonsense is 0."""
    try:
        value = float(text.replace(",", "") if "." in text else text.replace(",", "."))
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and value >= 0 else 0.0

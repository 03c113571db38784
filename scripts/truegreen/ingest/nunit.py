"""Reader of NUnit 3's result XML, also as version 4 and Unity write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest import _xml
from truegreen.ingest._cases import (
    TEXT_LIMIT,
    Cases,
    contradiction,
    first_line,
    number,
    refuse_contradictions,
    time,
)
from truegreen.ingest._xml import Refused, Tail
from truegreen.model.testrun import BAD, Outcome, TestCase, TestRun

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.ingest.opening import Opening

_RESULTS = {
    "Passed": Outcome.PASS,
    "Warning": Outcome.PASS,
    "Failed": Outcome.FAIL,
    "Inconclusive": Outcome.SKIP,
    "Skipped": Outcome.SKIP,
}
_ERRORS = frozenset({"Error", "Invalid", "Cancelled"})
"""Labels of results that say that the test itself never came to a judgement."""
_SUITES = ("test-run", "test-suite")
_TEXTS = ("message", "stack-trace")


class NunitReader:
    """Reads every test case at any depth; what failed in a suite itself is an error of its own.

    That is a one-time teardown, an assembly that could not be loaded, or a run that failed without a failing
    case. Cases with the label `Error`, `Invalid` or `Cancelled` are errors; `Inconclusive` is a skip, never a pass.
    """

    kind: ClassVar[str] = "nunit"
    part: ClassVar[str] = "tests"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is NUnit 3's XML."""
        return opening.root == "test-run"

    def read(self, path: Path, root: Path) -> TestRun:  # noqa: ARG002 - the format names no files
        """Return the cases, named by their full names.

        Raises:
            EvidenceUnreadable: not NUnit 3, not well-formed, hostile, or totals and cases differ.
        """
        collector = _Collector()
        _xml.parse(path, collector)
        refuse_contradictions(path, collector.disagreements)
        return collector.cases.result()


class _Node:
    """A run, suite or case while it is open."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.result = attributes.get("result", "")
        self.label = attributes.get("label", "")
        self.results: dict[str, int] = dict.fromkeys(_RESULTS, 0)
        self.texts: dict[str, Tail] = {}
        self.bad = 0
        """Cases inside that are red, errors of inner suites included."""

    @property
    def name(self) -> str:
        """The full name; hostile."""
        return self.attributes.get("fullname") or self.attributes.get("name", "")

    def own_error(self) -> bool:
        """Return whether a suite failed for a reason that none of its cases carries."""
        if self.result != "Failed" and self.label not in _ERRORS:
            return False
        return "TearDown" in self.attributes.get("site", "") or not self.bad

    def disagreement(self) -> str:
        """Return the first declared total that the cases contradict."""
        cases = sum(self.results.values())
        told, counted = self.attributes, self.results
        return contradiction(
            f"{self.tag} {self.name[:200]!r}",
            (
                ("tests", number(told, "total"), (cases,)),
                # Runners before 3.7 count a case with a warning as passed.
                ("passed tests", number(told, "passed"), (counted["Passed"], counted["Passed"] + counted["Warning"])),
                ("failed tests", number(told, "failed"), (counted["Failed"],)),
            ),
        )


class _Collector:
    """Collects the cases of one document; a handler for `_xml.parse`."""

    def __init__(self) -> None:
        self.cases = Cases()
        self.disagreements: list[str] = []
        self._nodes: list[_Node] = []
        self._depth = 0
        self._inside: list[str] = []
        """Elements below the open node, such as `failure` and its `message`."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        self._depth += 1
        if self._depth == 1 and tag != "test-run":
            raise Refused(f"the root element is {tag!r}, not test-run")
        if tag in (*_SUITES, "test-case"):
            if self._nodes and self._nodes[-1].tag == "test-case":
                raise Refused(f"{tag} inside a test-case")
            self._nodes.append(_Node(tag, attributes))
            self._inside = []
        else:
            self._inside.append(tag)

    def end(self, tag: str) -> None:
        """End an element."""
        self._depth -= 1
        if tag in _SUITES:
            self._leave(self._nodes.pop())
        elif tag == "test-case":
            self._close(self._nodes.pop())
        elif self._inside:
            self._inside.pop()

    def text(self, data: str) -> None:
        """Keep the texts of failures and reasons; what tests print is dropped as it streams by."""
        if self._inside[-1:] and self._inside[-1] in _TEXTS and self._inside[0] in ("failure", "reason"):
            self._nodes[-1].texts.setdefault(self._inside[-1], Tail(TEXT_LIMIT)).add(data)

    def _leave(self, suite: _Node) -> None:
        if problem := suite.disagreement():
            self.disagreements.append(problem)
        if suite.own_error():
            suite.bad += 1
            self._add(suite, f"{suite.name or 'the run'}::the suite itself", Outcome.ERROR)
        if self._nodes:
            self._nodes[-1].bad += suite.bad
            for result, times in suite.results.items():
                self._nodes[-1].results[result] += times

    def _close(self, case: _Node) -> None:
        if case.result not in _RESULTS or not case.name or not self._nodes:
            raise Refused(f"a test-case without a name, or with the result {case.result[:40]!r}")
        outcome = Outcome.ERROR if case.label in _ERRORS else _RESULTS[case.result]
        self._nodes[-1].results[case.result] += 1
        self._nodes[-1].bad += outcome in BAD
        self._add(case, case.name, outcome)

    def _add(self, node: _Node, name: str, outcome: Outcome) -> None:
        told = {word: text.value().strip() for word, text in node.texts.items()}
        detail = told.get("stack-trace", "")
        self.cases.add(
            TestCase(
                id=name,
                outcome=outcome,
                duration_s=time(node.attributes.get("duration") or node.attributes.get("time", "")),
                message=first_line(told.get("message", ""), detail),
                detail=detail if outcome in BAD else "",
            )
        )

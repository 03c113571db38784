"""Reader of xUnit.net's own XML, format v2 (https://xunit.net/docs/format-xml-v2), as v2 and v3 runners write it."""

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
from truegreen.ingest._paths import relative
from truegreen.ingest._xml import Refused, Tail
from truegreen.model.testrun import BAD, Outcome, TestCase, TestRun

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.ingest.opening import Opening

_RESULTS = {"Pass": Outcome.PASS, "Fail": Outcome.FAIL, "Skip": Outcome.SKIP, "NotRun": Outcome.SKIP}
_DECLARING = ("assembly", "collection")
_TEXTS = ("message", "stack-trace", "reason")


class XunitReader:
    """Reads every test of every assembly; clean-up and fixture errors outside tests are errors of their own.

    Explicit tests that did not run (`NotRun`) are skips.
    """

    kind: ClassVar[str] = "xunit"
    part: ClassVar[str] = "tests"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is xUnit.net's XML."""
        return opening.root in ("assemblies", "assembly")

    def read(self, path: Path, root: Path) -> TestRun:
        """Return the cases, named `assembly::display name`.

        Raises:
            EvidenceUnreadable: not this format, not well-formed, hostile, or totals and tests differ.
        """
        collector = _Collector(root)
        _xml.parse(path, collector)
        refuse_contradictions(path, collector.disagreements)
        return collector.cases.result()


class _Scope:
    """An assembly or collection while it is open."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.attributes = attributes
        self.label = f"{tag} {attributes.get('name', '')[:200]!r}"
        self.results: dict[str, int] = dict.fromkeys(_RESULTS, 0)
        self.errors = 0

    def disagreement(self) -> str:
        """Return the first declared total that the tests contradict."""
        declared = self.attributes
        ran = self.results["Pass"] + self.results["Fail"] + self.results["Skip"]
        return contradiction(
            self.label,
            (
                ("tests", number(declared, "total"), (ran + self.results["NotRun"], ran)),
                ("passed tests", number(declared, "passed"), (self.results["Pass"],)),
                ("failed tests", number(declared, "failed"), (self.results["Fail"],)),
                ("skipped tests", number(declared, "skipped"), (self.results["Skip"],)),
                ("errors", number(declared, "errors"), (self.errors,)),
                ("tests that did not run", number(declared, "not-run"), (self.results["NotRun"],)),
            ),
        )


class _Collector:
    """Collects the tests of one document; a handler for `_xml.parse`."""

    def __init__(self, root: Path) -> None:
        self.cases = Cases()
        self.disagreements: list[str] = []
        self._root = root
        self._depth = 0
        self._scopes: list[_Scope] = []
        self._assembly = ""
        self._test: dict[str, str] | None = None
        """Attributes of the open `test` or `error`."""
        self._tag = ""
        self._texts: dict[str, Tail] = {}
        self._listening: Tail | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        self._depth += 1
        if self._depth == 1 and tag not in ("assemblies", "assembly"):
            raise Refused(f"the root element is {tag!r}, not assemblies")
        if tag in _DECLARING:
            self._scopes.append(_Scope(tag, attributes))
            if tag == "assembly":
                self._assembly = attributes.get("name", "").replace("\\", "/").rpartition("/")[2]
        elif tag in ("test", "error") and self._scopes:
            if self._test is not None:
                raise Refused(f"{tag} inside a {self._tag}")
            self._tag, self._test, self._texts = tag, attributes, {}
        elif tag in _TEXTS and self._test is not None:
            self._listening = self._texts.setdefault(tag, Tail(TEXT_LIMIT))

    def end(self, tag: str) -> None:
        """End an element."""
        self._depth -= 1
        if tag in _TEXTS:
            self._listening = None
        elif self._test is not None and tag == self._tag:
            self._close(self._test)
            self._test = None
        elif tag in _DECLARING and (problem := self._scopes.pop().disagreement()):
            self.disagreements.append(problem)

    def text(self, data: str) -> None:
        """Keep messages and stack traces; what tests print is dropped as it streams by."""
        if self._listening is not None:
            self._listening.add(data)

    def _close(self, attributes: dict[str, str]) -> None:
        told = {name: text.value().strip() for name, text in self._texts.items()}
        detail = told.get("stack-trace", "")
        if self._tag == "error":
            self._scopes[0].errors += 1
            kind, of = attributes.get("type", "error"), attributes.get("name", "")
            name, outcome = f"{kind} {of}".strip(), Outcome.ERROR
        else:
            name, result = attributes.get("name", ""), attributes.get("result", "")
            if not name or result not in _RESULTS:
                raise Refused(f"a test without a name, or with the result {result[:40]!r}")
            outcome = _RESULTS[result]
            for scope in self._scopes:
                scope.results[result] += 1
        file = relative(attributes.get("source-file", ""), self._root)
        self.cases.add(
            TestCase(
                id="::".join(part for part in (self._assembly, name) if part),
                outcome=outcome,
                duration_s=time(attributes.get("time", "")),
                file=file,
                line=number(attributes, "source-line") or 0 if file else 0,
                message=first_line(told.get("message", "") or told.get("reason", ""), detail),
                detail=detail if outcome in BAD else "",
            )
        )

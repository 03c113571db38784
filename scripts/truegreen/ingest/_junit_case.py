"""One case of JUnit XML of which there is more to tell than its name and time."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from truegreen.ingest._junit_suite import count
from truegreen.ingest._paths import relative
from truegreen.ingest._xml import Refused, Tail
from truegreen.model.testrun import Outcome, TestCase

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.ingest._junit_suite import Suite

TEXT_LIMIT = 16_000
"""Characters of one case's text; the end is kept, where the assertion is."""
MESSAGE_LIMIT = 2_000
BAD = {"failure": Outcome.FAIL, "error": Outcome.ERROR}
_RERUNS = {
    "rerunFailure": Outcome.FAIL,
    "rerunError": Outcome.ERROR,
    "flakyFailure": Outcome.FAIL,
    "flakyError": Outcome.ERROR,
}
_ATTEMPTS = {str(outcome): outcome for outcome in Outcome}
_SKIPPING = frozenset({"notrun", "disabled", "skipped", "ignored", "suppressed"})
_FAILING = {
    **dict.fromkeys(("fail", "failed", "failure"), Outcome.FAIL),
    **dict.fromkeys(("error", "errored", "broken", "incomplete"), Outcome.ERROR),
    **dict.fromkeys(("interrupted", "cancelled", "canceled", "aborted", "killed", "crashed", "crash"), Outcome.ERROR),
    **dict.fromkeys(("timeout", "timedout", "timed-out", "timed_out"), Outcome.ERROR),
}
_CTEST_SKIPS = ("SKIP_", "Disabled")
"""How the reason of a test that CTest skipped on purpose begins; all others could not be run."""


class OpenCase:
    """One `testcase` while it is open."""

    def __init__(self, attributes: dict[str, str], suite: Suite) -> None:
        self.name = attributes.get("name", "")
        self.classname = attributes.get("classname", "")
        self.file = attributes.get("file", "") or suite.file
        self.line = count(attributes, "line") or count(attributes, "lineno") or 0
        self.duration_s = seconds(attributes.get("time", ""))
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
        self.of_suite = False
        """True for an error of a suite itself, outside any case."""
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
        if self.depth == 1 and tag in BAD:
            self._bad(BAD[tag], attributes)
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
        if self.depth == 0 and (tag in BAD or tag in _RERUNS):
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

    def made(self, root: Path) -> TestCase:
        """Return the record of the case."""
        file = relative(self.file, root) or file_of(self.node, root)
        told = self.detail.value().strip("\n") if self.detail else ""
        message = self.message or (told.strip().splitlines()[-1][:MESSAGE_LIMIT] if told.strip() else "")
        # pytest's own `line` counts from zero; the property tells that it is pytest.
        line = _failing_line(told, file) or (self.line + 1 if self.node and self.line else self.line)
        return TestCase(
            id=self.node or "".join(place(self.classname, self.name, file)),
            outcome=self.outcome(),
            duration_s=self.duration_s,
            file=file,
            line=line,
            message=message,
            detail=told,
            attempts=self.attempts(),
        )


def file_of(node: str, root: Path) -> str:
    """Return the file of a test that pytest named; empty when it names none."""
    path = node.partition("::")[0]
    return relative(path, root) if path.endswith(".py") else ""


@lru_cache(maxsize=4096)
def head(classname: str, file: str) -> str:
    """Return what stands before the name in an id: `file::Class::` where the file is known, else `classname::`."""
    if not file:
        return f"{classname}::" if classname else ""
    module = file.removesuffix(".py").replace("/", ".")
    inner = classname[len(module) + 1 :] if classname.startswith(f"{module}.") else ""
    if inner or classname == module or not classname:
        return "".join(f"{part}::" for part in (file, *inner.split(".")) if part)
    return f"{file}::{classname}::"


def place(classname: str, name: str, file: str) -> tuple[str, str]:
    """Return the two halves of a case's id.

    Raises:
        Refused: it has no name at all.
    """
    if not name and not classname:
        raise Refused("a testcase without a name")
    return (head(classname, file), name) if name or file else ("", classname)


def _failing_line(detail: str, file: str) -> int:
    """Return the last line of the test's own file that a traceback names; 0 when none."""
    if not file or not detail:
        return 0
    places = re.findall(rf"(?:^|\s|\"|/){re.escape(file)}(?::|\", line )(\d{{1,7}})", detail)
    return int(places[-1]) if places else 0


def seconds(text: str) -> float:
    """Return seconds; thousands separators are understood, nonsense is 0."""
    try:
        value = float(text.replace(",", "") if "." in text else text.replace(",", "."))
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and value >= 0 else 0.0

"""One case of JUnit XML of which there is more to tell than its name and time."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from truegreen.analysis.attempts import decided
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
_SKIPPING = frozenset({"notrun", "disabled", "skipped", "ignored", "suppressed", "pending", "todo"})
_FAILING = {
    **dict.fromkeys(("fail", "failed", "failure"), Outcome.FAIL),
    **dict.fromkeys(("error", "errored", "broken", "incomplete"), Outcome.ERROR),
    **dict.fromkeys(("interrupted", "cancelled", "canceled", "aborted", "killed", "crashed", "crash"), Outcome.ERROR),
    **dict.fromkeys(("timeout", "timedout", "timed-out", "timed_out"), Outcome.ERROR),
}
_PASSING = frozenset({"", "run", "completed", "executed", "finished", "pass", "passed", "ok"}) | {
    *("success", "successful", "succeeded")
}
"""What says nothing against a case; a word that is in none of these tables may say anything."""
_HOLDING = frozenset({"testcase", "testsuite", "testsuites"})
_VERDICT = re.compile("fail|error|skip|abort|crash|timeout|timedout|broken|verdict|outcome|^result$|^status$")
_CTEST_SKIPS = ("SKIP_", "Disabled")
"""How the reason of a test that CTest skipped on purpose begins; all others could not be run."""


class OpenCase:
    """One `testcase` while it is open.

    A run may have very many, so what few have is a default of the class.
    """

    node = ""
    repeated: tuple[Outcome, ...] = ()
    """All attempts, where a plugin of pytest repeated the test inside the session."""
    flaky = False
    message = ""
    detail: Tail | None = None
    """Made only when something failed: most cases have no text worth keeping."""
    of_suite = False
    """True for an error of a suite itself, outside any case."""
    bad_elements = 0
    subtests = 0
    skipped_subtests = 0
    depth = 0
    listening = False
    stated: Outcome | None = None
    last = Outcome.PASS
    """As its producer says, once it is closed."""

    def __init__(self, attributes: dict[str, str], suite: Suite) -> None:
        self.name = attributes.get("name", "")
        self.classname = attributes.get("classname", "")
        self.file = attributes.get("file", "") or suite.file
        self.line = count(attributes, "line") or count(attributes, "lineno") or 0
        self.unrun = attributes.get("status") == "notrun" and "result" not in attributes
        """CTest says of a test whose program is missing that it was skipped, and fails."""
        self.outcomes: list[Outcome] = []
        self.reruns: list[Outcome] = []
        for word in ("status", "result"):
            if word in attributes:
                self._state(attributes[word].lower())

    def _state(self, word: str) -> None:
        """Take an outcome that is said by an attribute."""
        self.stated = self.stated or _FAILING.get(word)
        if word in _SKIPPING:
            self.outcomes.append(Outcome.SKIP)
        elif word not in _FAILING and word not in _PASSING:
            raise Refused(f"a testcase says that it ended as {word[:40]!r}, and nobody knows what that means")

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
        else:
            refuse_verdict(tag)

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

    def close(self) -> Outcome:
        """Return what its producer says of the case, by its elements first and its attributes second."""
        self.last = self._last()
        return self.last

    def _last(self) -> Outcome:
        for bad in (Outcome.ERROR, Outcome.FAIL):
            if bad in self.outcomes:
                return bad
        if self.stated is not None:
            return self.stated
        # A subtest that was skipped leaves its element in a test that passed.
        return Outcome.SKIP if len(self.outcomes) > self.skipped_subtests else Outcome.PASS

    def attempts(self) -> tuple[Outcome, ...]:
        """Return all attempts where reruns were made: surefire writes the first failure first."""
        if self.repeated:
            return (*self.repeated[:-1], self.last)
        if not self.reruns:
            return ()
        return (self.last, *self.reruns) if self.last in BAD.values() else (*self.reruns, self.last)

    def made(self, root: Path, duration_s: float) -> TestCase:
        """Return the record of the case."""
        attempts = self.attempts()
        file = relative(self.file, root) or file_of(self.node, root)
        told = self.detail.value().strip("\n") if self.detail else ""
        message = self.message or "".join(told.strip().splitlines()[-1:])[:MESSAGE_LIMIT]
        # pytest's own `line` counts from zero; the property tells that it is pytest.
        line = _failing_line(told, file) or (self.line + 1 if self.node and self.line else self.line)
        return TestCase(
            id=self.node or "".join(place(self.classname, self.name, file)),
            outcome=decided(attempts) if attempts else self.last,
            duration_s=duration_s,
            file=file,
            line=line,
            message=message,
            detail=told,
            attempts=attempts,
        )


@lru_cache(maxsize=1024)
def refuse_verdict(tag: str) -> None:
    """Refuse an element that is none of JUnit's and may well say what became of a test, such as `Failure`.

    Raises:
        Refused: its name says so, whatever its namespace and its capitals.
    """
    plain = tag.rpartition(":")[2].lower().replace("-", "").replace("_", "")
    if plain in _HOLDING or _VERDICT.search(plain):
        raise Refused(f"the element {tag[:60]!r} is none of JUnit's here, and may say what became of a test")


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

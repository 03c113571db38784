"""Reader of the events of `go test -json`, also through gotestsum and its reruns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.analysis.attempts import decided
from truegreen.errors import EvidenceUnreadable
from truegreen.ingest._cases import TEXT_LIMIT, Cases, first_line, seconds, worst_last
from truegreen.ingest._lines import events, refused
from truegreen.ingest._xml import Tail
from truegreen.model.testrun import BAD, Outcome, TestCase, TestRun

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.ingest.opening import Opening

_WHAT = "an event of `go test -json`"
_ENDS = {"pass": Outcome.PASS, "fail": Outcome.FAIL, "skip": Outcome.SKIP, "bench": Outcome.PASS}
_PLACE = re.compile(r"^\s*(\S+_test\.go:\d+: .*)$", re.MULTILINE)
_PANIC = re.compile(r"^(panic: .*|fatal error: .*)$", re.MULTILINE)


class _Event(msgspec.Struct, rename="pascal"):
    """The keys of test2json's TestEvent that carry a result; see `go doc test2json`."""

    action: str
    package: str = ""
    test: str = ""
    elapsed: float | None = None
    output: str = ""
    import_path: str = ""
    failed_build: str = ""


class _Round:
    """One run of one package: its tests' attempts, and what is still open."""

    def __init__(self) -> None:
        self.attempts: dict[str, list[Outcome]] = {}
        self.open: dict[str, Tail] = {}
        self.output = Tail(TEXT_LIMIT)


class _Package:
    """One package over all its runs in the stream."""

    def __init__(self) -> None:
        self.round: _Round | None = None
        self.rounds: list[dict[str, list[Outcome]]] = []
        self.told: dict[str, tuple[float, str]] = {}
        """Test → seconds of its last attempt, and the text of its newest failure."""
        self.error = ""
        """Why the package itself failed, where no test of it did."""


class GoTestJsonReader:
    """Reads every test and subtest; a stream in which a package never ended is refused as truncated.

    A package that fails without a failing test (build failure, panic in `TestMain`, exit) is an error, and so is
    a test that began and never ended. Repeats of one run (`-count`) are attempts of which the worst decides.
    When a package runs again with nothing but tests that failed, as gotestsum reruns them, the last run decides.
    """

    kind: ClassVar[str] = "go-test-json"
    part: ClassVar[str] = "tests"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is a stream of `go test -json`."""
        return "Action" in opening.keys and bool(opening.keys & {"Package", "ImportPath"})

    def read(self, path: Path, root: Path) -> TestRun:  # noqa: ARG002 - the events name no files
        """Return the cases, named `package::Test/subtest`.

        Raises:
            EvidenceUnreadable: a line is no event (such as standard error mixed in), or a package never ended.
        """
        packages: dict[str, _Package] = {}
        builds: dict[str, Tail] = {}
        unclaimed: dict[str, None] = {}
        line = 0
        for line, event in events(path, _Event, what=_WHAT):
            if event.action == "build-output":
                builds.setdefault(event.import_path, Tail(TEXT_LIMIT)).add(event.output)
            elif event.package:
                unclaimed.pop(event.failed_build, None)
                _take(packages.setdefault(event.package, _Package()), event, builds)
            elif event.action == "build-fail":
                unclaimed[event.import_path] = None
            else:
                raise refused(path, line, _WHAT, "it names no package")
        _refuse_unfinished(path, line, packages)
        found = Cases()
        for name, package in packages.items():
            for case in _cases(name, package):
                found.add(case)
        for name in unclaimed:  # a build that failed and that no package speaks of
            said = builds[name].value() if name in builds else ""
            found.add(_case(f"{name}::the package itself", (Outcome.ERROR,), 0.0, said or "the build failed"))
        return found.result()


def _take(package: _Package, event: _Event, builds: dict[str, Tail]) -> None:
    """Take one event of a package."""
    if package.round is None:
        package.round = _Round()
    now = package.round
    if not event.test:
        if event.action == "output":
            now.output.add(event.output)
        elif event.action in _ENDS:
            _end(package, event, builds)
    elif event.action == "output":
        if event.test in now.open:
            now.open[event.test].add(event.output)
    elif event.action == "run":
        if event.test in now.open:  # begun twice and ended once
            _close(package, event.test, Outcome.ERROR)
        now.open[event.test] = Tail(TEXT_LIMIT)
    elif event.action in _ENDS:
        _close(package, event.test, _ENDS[event.action], seconds(event.elapsed))


def _close(package: _Package, test: str, outcome: Outcome, duration_s: float = 0.0) -> None:
    now = package.round
    assert now is not None  # noqa: S101 - _take made it
    text = now.open.pop(test, None)
    now.attempts.setdefault(test, []).append(outcome)
    _, told = package.told.get(test, (0.0, ""))
    package.told[test] = (duration_s, text.value() if text is not None and outcome is not Outcome.PASS else told)


def _end(package: _Package, event: _Event, builds: dict[str, Tail]) -> None:
    """End one run of a package: what is still open never ended."""
    now = package.round
    assert now is not None  # noqa: S101 - _take made it
    failed = event.action == "fail"
    for test in list(now.open):
        if test.startswith("Benchmark") and not failed:
            del now.open[test]  # a benchmark that ran well has no final event
        else:
            _close(package, test, Outcome.ERROR)
    if failed and not any(outcome in BAD for attempts in now.attempts.values() for outcome in attempts):
        build = builds.get(event.failed_build)
        package.error = (build.value() if build else "") + now.output.value() or "the package failed"
    package.rounds.append(now.attempts)
    package.round = None


def _refuse_unfinished(path: Path, line: int, packages: dict[str, _Package]) -> None:
    lost = [name for name, package in packages.items() if package.round is not None]
    if lost or not packages:
        why = f"{lost[0]} never came to its end" if lost else "it holds no event of a package"
        raise EvidenceUnreadable(f"{path.name} is truncated", where=f"{path}:{max(line, 1)}", why=why)


def _cases(name: str, package: _Package) -> list[TestCase]:
    """Return the cases of a package, in the order in which its tests first ended."""
    merged: dict[str, tuple[Outcome, ...]] = {}
    for attempts in package.rounds:
        # gotestsum runs failed tests again, and their parents; anything else is a second run of its own.
        rerun = bool(merged) and all(test in merged and decided(merged[test]) in BAD for test in attempts)
        for test, outcomes in attempts.items():
            own = worst_last(outcomes)
            before = merged.get(test, ())
            merged[test] = (*before, *own) if rerun else worst_last((*before, *own))
    cases = [_case(f"{name}::{test}", attempts, *package.told[test]) for test, attempts in merged.items()]
    if package.error:
        cases.append(_case(f"{name}::the package itself", (Outcome.ERROR,), 0.0, package.error))
    return cases


def _case(name: str, attempts: tuple[Outcome, ...], duration_s: float, detail: str) -> TestCase:
    # A test may log many lines; the last one is most often what ended it.
    said = (_PANIC.findall(detail)[:1] or _PLACE.findall(detail)[-1:]) if detail else []
    return TestCase(
        id=name,
        outcome=decided(attempts),
        duration_s=duration_s,
        message=first_line(said[0] if said else "", detail) if detail else "",
        detail=detail if any(outcome in BAD for outcome in attempts) else "",
        attempts=attempts if len(attempts) > 1 else (),
    )

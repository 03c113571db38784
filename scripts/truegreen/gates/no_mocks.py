"""Gate: nothing stands in for the real thing in stages that claim to reach it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import msgspec

from truegreen.analysis import mock_policy
from truegreen.gates import _ingested as ingested
from truegreen.gates.base import TESTED, BaseGate, GateOptions, StageName, count, some, tested
from truegreen.model.mocks import Rule
from truegreen.model.testrun import BAD, Outcome
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.analysis.mock_policy import StandIn
    from truegreen.model.history import History
    from truegreen.model.mocks import Allowance
    from truegreen.model.run import RunEvidence, StageEvidence

_DEFAULT = dict.fromkeys(("persistence", "e2e"), "forbidden")
_VERBS = {
    Rule.REPLACED: "replaces",
    Rule.MOCK: "calls the mock",
    Rule.OVERRIDE: "overrides the dependency",
    Rule.FAKE_STORE: "uses the stand-in",
    Rule.SQLITE: "uses",
    Rule.FAKE_HTTP: "makes up answers with",
    Rule.RECORDED: "plays back answers with",
}
_OF_IT = {
    Rule.MOCK: "calls it, a mock,",
    Rule.OVERRIDE: "overrides it, a dependency,",
    Rule.FAKE_STORE: "uses it, a stand-in,",
}
"""The same of what has been named before, where `it` would not follow the verb."""


class NoMocksOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.no-mocks]`."""

    stages: dict[StageName, Literal["forbidden", "free"]] = msgspec.field(default_factory=dict)
    """Stage → `forbidden` or `free`; of those not named, persistence and e2e are forbidden and all others free."""
    allow: dict[str, str] = msgspec.field(default_factory=dict)
    """Pattern of what may be replaced → why; `*` matches dots too, and a reason must be given."""


class NoMocks(BaseGate):
    """In the stages that claim to reach real stores and services, nothing stands in for them.

    **Proves** that no test of the stage ran while something real was replaced. What counts is use, seen in two ways:
    the plugin notes inside each test what is patched at that moment, by the test itself or by a fixture; and the
    sources of the tests are followed through fixtures, conftest files, base classes and helpers, also those in
    modules of the application that are named for tests, such as `shop.testing`.

    | rule | what it finds | how |
    |---|---|---|
    | NM1 | `mock.patch`, `patch.object`, `patch.dict`, pytest-mock's `mocker`, `monkeypatch` | while the tests run |
    | NM1 | flexmock, mockito | from the sources |
    | NM2 | a Mock that is called, though no patch put it there: one that was handed over | while the tests run |
    | NM3 | an entry of FastAPI's `dependency_overrides` while a request is answered | while the tests run |
    | NM4 | a store inside the test's process: fakeredis, mongomock, moto | from the sources |
    | NM5 | SQLite where the stage has a server: an address `sqlite://…`, `connect(":memory:")` | from the sources |
    | NM5 | the same by SQLAlchemy's `URL.create("sqlite")` | from the sources |
    | NM5 | SQLite where the stage has a database: Django's default, `DATABASE_URL` and its like | as the tests end |
    | NM6 | made-up answers: responses, respx, requests-mock, pytest-httpx, `httpx.MockTransport` | from the sources |
    | NM6 | made-up answers of AWS: botocore's `Stubber` | from the sources |
    | NM7 | answers played back: vcr, betamax | from the sources |

    **Free by default** are other things than the project's own and clients of stores and services: the clock, random
    numbers, `os.environ`; also a Mock that nobody calls, and `ANY`, `call`, `sentinel`, `DEFAULT`. So are settings, one
    plain value for another: None, a text, number, path, date, member of an enumeration, or a small collection of
    these; and spies: what they wrap is the thing whose place they take, and nothing tells them what to answer.

    **Exceptions** are for the whole project (`allow`, with the reason), for one test or module by the marker
    `@pytest.mark.allow_mocks("modal.*", reason="no GPU here", until="2030-01-31")`, or rows of
    `truegreen-waivers.toml` with targets or tests as `items`. A marker that has expired, or says no reason or no day,
    is red. Each exception is shown; one that nothing needs is told.

    **What it cannot see**: stand-ins that are written by hand and handed over, also as what a Mock wraps, plain
    assignments, `provider.override(…)` of dependency-injector, and a file that `sqlite3.connect` opens. There the
    gate `persistence-evidence` decides: what reaches no store leaves no committed row. Tests of other languages,
    brought with `truegreen ingest`, are not judged.

    **Blind when** the plugin could not watch, or watched fewer tests than ran, a test's source could not be read, or
    there is no record at all of what was replaced.

    **Options**: `stages`, `allow`.

    Example:
        [tool.truegreen.gates.no-mocks]
        stages = { wiring = "forbidden" }
        allow = { "modal.*" = "no GPU here" }
    """

    id: ClassVar[str] = "no-mocks"
    stages: ClassVar[frozenset[str]] = TESTED
    needs: ClassVar[frozenset[str]] = frozenset({"tests", "sessions", "fakes"})
    Options: ClassVar[type[GateOptions]] = NoMocksOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: NoMocksOptions) -> bool:
        """Return whether the stage forbids stand-ins, and pytest ran its tests."""
        seen = evidence.of(stage)
        brought = bool(seen.records) and len(ingested.records(seen)) == len(seen.records)
        return _forbidden(stage, policy) and tested(seen, stage) and not brought

    def evaluate(self, evidence: RunEvidence, stage: str, policy: NoMocksOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge what was replaced."""
        if not _forbidden(stage, policy):
            return self.not_judged(stage, "stand-ins are free in this stage")
        seen = evidence.of(stage)
        if seen.fakes is None or not seen.sessions or seen.tests is None:
            reason = "nothing says what was replaced while the tests ran"
            return self.blind(stage, reason, remedy=f"run `truegreen run {stage}`, which watches its tests")
        markers = [one for session in seen.sessions for one in session.allowances]
        if markers and evidence.today is None:
            return self.blind(stage, "nobody said which day it is", remedy="judge with `truegreen gate`")
        found = _judge(seen, policy, markers, evidence.today or date.max)
        if found.red:
            return self.failed(
                stage, found.reason(), remedy=found.remedy(), facts=found.facts(seen), items=found.items()
            )
        if problem := _unseen(seen):
            reason, remedy = problem
            return self.blind(stage, reason, remedy=remedy, facts=found.facts(seen), items=found.items())
        watched = sum(session.watched or 0 for session in seen.sessions)
        covered = len(found.by_marker) + sum(map(len, found.by_pattern.values()))
        excepted = f"; {count(covered, 'exception')}" if covered else ""
        reason = f"nothing real was replaced in {count(watched, 'test')}{excepted}"
        return self.passed(stage, reason, facts=found.facts(seen), items=found.items())


class _Found(NamedTuple):
    """What became of each stand-in and each exception."""

    uncovered: list[tuple[StandIn, tuple[str, ...]]]
    """With the tests that nothing allows it to."""
    by_pattern: dict[str, list[StandIn]]
    by_marker: list[StandIn]
    free: list[StandIn]
    wrong: list[tuple[Allowance, str]]
    """Markers that cannot stay, and why."""
    markers: list[tuple[Allowance, bool]]
    """Markers in force, and whether something needs them."""
    policy: NoMocksOptions

    @property
    def red(self) -> bool:
        """Return whether anything turns the stage red."""
        return bool(self.uncovered or self.wrong or self._unreasoned())

    def reason(self) -> str:
        """Return the sentence that everything is about."""
        if self.uncovered:
            one, tests = self.uncovered[0]
            more = f", and {count(len(self.uncovered) - 1, 'more stand-in')}" if len(self.uncovered) > 1 else ""
            others = f" (in {count(len(tests) - 1, 'other test')} too)" if len(tests) > 1 else ""
            return f"{tests[0]} {_VERBS[one.rule]} {one.what} at {_place(one)}{others}{more}"
        if self.wrong:
            marker, why = self.wrong[0]
            return f"allow_mocks({marker.target!r}) of {some(list(marker.tests), 1)} {why}"
        return f"`allow` names {some(self._unreasoned())} without a reason"

    def remedy(self) -> str:
        """Return the way out."""
        if self.uncovered:
            return (
                f"let the test reach the real thing; where it cannot, mark it with @pytest.mark.allow_mocks("
                f'"{self.uncovered[0][0].what}", reason="…", until="YYYY-MM-DD"), or name it in `allow` of '
                "[tool.truegreen.gates.no-mocks]"
            )
        return "give target, reason and a day to come, or take it out"

    def facts(self, seen: StageEvidence) -> tuple[Fact, ...]:
        """Return what was seen, in figures."""
        watched = sum(session.watched or 0 for session in seen.sessions)
        facts = [Fact(label="tests watched", value=f"{watched:,}", wanted=f"{_ran(seen):,}")]
        for why in dict.fromkeys(one.free for one in self.free):
            names = sorted({one.what for one in self.free if one.free == why})
            facts.append(Fact(label=f"free: {why}", value=some(names)))
        for pattern, reason in self.policy.allow.items():
            used = sorted({one.what for one in self.by_pattern.get(pattern, ())})
            facts.append(Fact(label=f"allowed: {pattern}", value=f"{reason} ({some(used) or 'nothing needs it'})"))
        return tuple(facts)

    def items(self) -> tuple[Item, ...]:
        """Return red stand-ins first, then what is excepted."""
        red = [_item(one, tests) for one, tests in self.uncovered]
        red += [_marker_item(one, why, "error") for one, why in self.wrong]
        told = [
            _marker_item(one, f"until {one.until}: {one.reason}", "notice")
            if used
            else _marker_item(one, "is not needed: its tests replace nothing of that name", "warning")
            for one, used in self.markers
        ]
        return (*red, *told)

    def _unreasoned(self) -> list[str]:
        return [pattern for pattern, reason in self.policy.allow.items() if not reason.strip()]


def _judge(seen: StageEvidence, policy: NoMocksOptions, markers: Iterable[Allowance], today: date) -> _Found:
    skipped = {case.id for case in seen.tests.records() if case.outcome is Outcome.SKIP} if seen.tests else set()
    checked = [(one, _wrong(one, today)) for one in markers]
    good = [one for one, why in checked if not why]
    replaced = [one for session in seen.sessions for one in session.replaced]
    found = _Found([], {}, [], [], [(one, why) for one, why in checked if why], [], policy)
    needed: list[StandIn] = []
    for one in mock_policy.stand_ins(replaced, [seen.fakes] if seen.fakes is not None else []):
        tests = tuple(test for test in one.tests if test not in skipped)
        if one.free or not tests:
            found.free.extend([one] if tests else [])
        elif pattern := mock_policy.allowed_by(one, policy.allow):
            found.by_pattern.setdefault(pattern, []).append(one)
        else:
            needed.append(one)
            rest = _rest(one, tests, good)
            found.uncovered.extend([(one, rest)] if rest else [])
            found.by_marker.extend([one] if len(rest) < len(tests) else [])
    for marker in good:
        used = any(_rest(one, one.tests, [marker]) != one.tests for one in needed)
        found.markers.append((marker, used))
    return found


def _rest(one: StandIn, tests: tuple[str, ...], markers: Iterable[Allowance]) -> tuple[str, ...]:
    """Return the tests of a stand-in that no marker of their own covers."""
    covered = {test for marker in markers if mock_policy.matches(one, marker.target) for test in marker.tests}
    return tuple(test for test in tests if test not in covered)


def _wrong(one: Allowance, today: date) -> str:
    """Return why a marker allows nothing; empty when it does."""
    lacks = [name for name, value in (("target", one.target), ("reason", one.reason)) if not value.strip()]
    if lacks:
        return f"gives no {' and no '.join(lacks)}"
    try:
        until = date.fromisoformat(one.until)
    except ValueError:
        return f"ends on no day: until={one.until!r}"
    return f"expired on {until}" if until < today else ""


def _forbidden(stage: str, policy: NoMocksOptions) -> bool:
    own: dict[str, str] = dict(policy.stages)  # type: ignore[arg-type]
    return own.get(stage, _DEFAULT.get(stage)) == "forbidden"


def _ran(seen: StageEvidence) -> int:
    """Return how many tests ran under pytest; one that was skipped while it was collected was never set up."""
    shards = {record.shard for record in ingested.records(seen)}
    brought = sum(file.tests - file.skipped for file in seen.inputs if file.shard in shards)
    return max(0, seen.tests.count(Outcome.PASS, *BAD) - brought) if seen.tests else 0


def _unseen(seen: StageEvidence) -> tuple[str, str] | None:
    """Return why something may have been replaced that nobody saw, and what to do."""
    again = "run the stage again; its log says what happened to the plugin"
    if any(session.watched is None for session in seen.sessions):
        return "what the tests replaced was not watched", again
    if problem := next((session.watch_problem for session in seen.sessions if session.watch_problem), ""):
        return f"what the tests replaced was not fully watched: {problem}", again
    watched = sum(session.watched or 0 for session in seen.sessions)
    if watched < _ran(seen):
        return f"{watched:,} of {count(_ran(seen), 'test')} were watched", again
    if seen.fakes is not None and seen.fakes.unread:
        unread = list(seen.fakes.unread)
        return (
            f"{count(len(unread), 'source file')} of the tests could not be read: {some(unread, 2)}",
            "mend the file, so that what its tests use can be followed",
        )
    return None


def _place(one: StandIn) -> str:
    return f"{one.path}:{one.line}" if one.path else "an unknown place"


def _item(one: StandIn, tests: tuple[str, ...]) -> Item:
    times = f", {count(one.times, 'time')}" if one.times else ""
    verb = _OF_IT.get(one.rule) or f"{_VERBS[one.rule]} it"
    return Item(
        title=f"{one.rule.value} {one.what}",
        message=f"{verb} in {count(len(tests), 'test')}{times}: {some(list(tests))}",
        path=one.path,
        line=one.line,
    )


def _marker_item(one: Allowance, words: str, level: Literal["error", "warning", "notice"]) -> Item:
    path = one.tests[0].partition("::")[0] if one.tests else ""
    tests = some(list(one.tests), 2)
    return Item(
        title=f"allow_mocks {one.target or '(no target)'}", message=f"{words} ({tests})", path=path, level=level
    )
